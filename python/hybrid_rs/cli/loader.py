"""Finding the kernel that the command line names: a built-in, or ``FILE.py:NAME``."""

import difflib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType

import numpy as np

import hybrid_rs as hr
from hybrid_rs.cli.command import UsageError


def load_kernel(spec: str, dtype: str | None) -> hr.Kernel:
    """Give the kernel that `spec` names.

    Args:
        spec: A name in `hybrid_rs.kernels`, or the path of a Python file, a colon, and the name of a kernel or of any
            callable in it. A callable may be nested (``FILE.py:Class.method``).
        dtype: Result dtype of a plain callable.

    Raises:
        UsageError: No such built-in, file or name; the file's own import fails (its traceback is the detail); not
            callable; a dtype that isn't a number's, or one for a kernel that has its own.
    """
    path, separator, name = spec.rpartition(":")
    if not separator or not path.lower().endswith(".py"):
        if spec.lower().endswith(".py"):
            raise UsageError(f"{spec}: say which function of the file, as in {spec}:NAME")
        found: object = _builtin(spec)
    else:
        found = _member(_import(Path(path)), name, path)
    if isinstance(found, hr.Kernel):
        if dtype is not None:
            raise UsageError(f"--dtype is for plain Python functions; {spec} has its own result dtype")
        return found
    if not callable(found):
        raise UsageError(f"{spec}: not callable, but {type(found).__name__}")
    return hr.dyn(found, None if dtype is None else _result_dtype(dtype))


def whole_arguments(kernel: hr.Kernel) -> frozenset[int]:
    """Give the places of the arguments that a kernel takes whole: the tables of one written in Python.

    Raises:
        CompileError: The kernel's source can't be read.
    """
    from hybrid_rs.compiled import CompiledKernel

    if not isinstance(kernel, CompiledKernel):
        return frozenset()
    tables = kernel.tables
    return frozenset(place for place, name in enumerate(inspect.signature(kernel).parameters) if name in tables)


def _builtin(name: str) -> hr.Kernel:
    """Look a built-in kernel up."""
    kernels = {key: value for key, value in vars(hr.kernels).items() if isinstance(value, hr.Kernel)}
    if name in kernels:
        return kernels[name]
    raise UsageError(f"no built-in kernel {name!r}; there is {', '.join(sorted(kernels))}, or name one as FILE.py:NAME")


def _import(path: Path) -> ModuleType:
    """Import a file by its path, as Python would run it as a script, but under a name of its own."""
    if not path.is_file():
        raise UsageError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    name = f"hybrid_rs_kernel_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.absolute())
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a function's module up by its name, so it stays there.
    sys.modules[name] = module
    try:
        with _script_folder(path.absolute().parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UsageError(f"{path}: importing this file failed", _own_traceback(error, spec.origin)) from error
    return module


@contextmanager
def _script_folder(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours, as a script can, without a trace: `sys.path` restored, no ``__pycache__``."""
    saved_path, saved_flag = list(sys.path), sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:] = saved_path
        sys.dont_write_bytecode = saved_flag


def _own_traceback(error: BaseException, origin: str | None) -> str:
    """Format an exception from the file's own first frame on: how we got there is no help to its author."""
    frame: TracebackType | None = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != origin:
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame))


def _member(module: ModuleType, name: str, path: str) -> object:
    """Follow a dotted name from a module."""
    found: object = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{path}: no {name!r} in this file{_suggestion(part, vars(module))}")
        found = getattr(found, part)
    return found


def _suggestion(name: str, names: Iterable[str]) -> str:
    """Offer the nearest name, if there is one."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _result_dtype(text: str) -> np.dtype[np.generic]:
    """Parse a dtype's name."""
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError) as error:
        raise UsageError(f"--dtype: {text!r} is no dtype (int32, float64, ...)") from error
    if dtype.kind not in "biuf":
        raise UsageError(f"--dtype: {text!r} is not bool, an integer or a float")
    return dtype
