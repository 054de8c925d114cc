"""Machine code for kernels: found in the cache, else compiled by LLVM, beside the calls or while one waits for it."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hybrid_rs import _core, flags
from hybrid_rs.errors import CompileError, PerformanceWarning
from hybrid_rs.ir.nodes import Function
from hybrid_rs.targets import background, cache

if TYPE_CHECKING:
    from hybrid_rs.targets import cpu

__all__ = ["UNSUPPORTED", "Made", "Plan", "forced", "turned_off"]

# What code depends on beside the function: the packages that make it.
_MAKERS: Final = ("ir", "mathlib", "passes", "printers", "targets")
_NO_LLVM: Final = "llvmlite is not installed"
_LOST: Final = "this process was forked while LLVM was at work"
UNSUPPORTED: Final = "it has operations that the compiler doesn't know"
"""Why there is no machine code for functions that only the VM can run."""


class Made(NamedTuple):
    """How a kernel came by its machine code, or why it has none."""

    source: str
    """"compiled", "cache", or "none"."""
    seconds: float
    """How long compiling took, now or when it was stored."""
    why: str
    """Why there is none."""


class Plan:
    """How a kernel's machine code is made. It knows nothing of the kernel, so that neither keeps the other alive."""

    def __init__(self, function: Function, uniform: tuple[bool, ...], steps: bool) -> None:
        """Keep what to compile; the arguments are those of `targets.vm.build`."""
        self._function = function
        self._uniform = uniform
        self._steps = steps
        self._options = dict(_forced)
        self.asked = False
        """Whether a kernel was hot."""
        self.made: Made | None = None
        """What came of it so far."""

    def hot(self, kernel: _core.Kernel) -> None:
        """Get the kernel machine code, since that is likely to pay: at once from the cache, else later."""
        self.asked = True
        if self._load(kernel):
            return
        if not _has_llvm():
            self.made = Made("none", 0.0, _NO_LLVM)
            _warn()
            return
        if not background.submit(lambda: self._quietly(kernel), kernel.rearm) and background.is_lost():
            self.made = Made("none", 0.0, _LOST)

    def now(self, kernel: _core.Kernel) -> None:
        """Get the kernel machine code, and wait for it.

        Raises:
            CompileError: There can't be any, saying why.
        """
        if kernel.native is not None or self._load(kernel):
            return
        if not _has_llvm():
            raise self._cannot(_NO_LLVM)
        with background.working():
            self._make(kernel)
        if kernel.native is None:
            assert self.made is not None
            raise self._cannot(self.made.why)

    def text(self, *, assembly: bool) -> str:
        """Return the code as LLVM's text, or as the processor's.

        Raises:
            CompileError: There can't be any, saying why.
        """
        if not _has_llvm():
            raise self._cannot(_NO_LLVM)
        with background.working():
            try:
                code = self._build()
            except CompileError as error:
                raise self._cannot(str(error)) from None
            return code.assembly() if assembly else code.text

    def _cannot(self, why: str) -> CompileError:
        return CompileError(f"engine: there is no machine code for {self._function.name}: {why}")

    # ---- the cache

    def _key(self) -> bytes:
        """Digest all that the code depends on. The texts of faults aren't in it, only their numbers."""
        function = replace(self._function, sites=())
        parts = (self._uniform, self._steps, sorted(self._options.items()), _core.processor(), _core.__version__)
        return cache.digest(repr(function).encode(), repr(parts).encode(), _makers())

    def _load(self, kernel: _core.Kernel) -> bool:
        """Take the code from the cache, if it is there."""
        try:
            found = cache.find(self._key())
            if found is None:
                return False
            kernel.attach(found.object, found.width)
        except cache.RefusedError as why:
            _report_cache(str(why))
            return False
        except ValueError as error:
            _log().warning("code of %s in the cache can't be used: %s", self._function.name, error)
            return False
        self.made = Made("cache", found.seconds, "")
        return True

    # ---- LLVM

    def _quietly(self, kernel: _core.Kernel) -> None:
        """Compile on the background's thread: what goes wrong is remembered, and the VM goes on."""
        with background.working():
            self._make(kernel)

    def _make(self, kernel: _core.Kernel) -> None:
        """Compile, unless that has been tried, and keep the code."""
        if self.made is not None:
            return
        if background.is_lost():
            self.made = Made("none", 0.0, _LOST)
            return
        start = time.perf_counter()
        try:
            code = self._build()
            kernel.attach(code.object, code.lanes)
        except CompileError as error:
            self.made = Made("none", time.perf_counter() - start, str(error))
            _log().info("%s stays on the VM: %s", self._function.name, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the VM goes on
            self.made = Made("none", time.perf_counter() - start, f"{type(error).__name__}: {error}")
            _log().warning("%s stays on the VM: %s", self._function.name, self.made.why, exc_info=error)
            return
        self.made = Made("compiled", time.perf_counter() - start, "")
        try:
            cache.store(self._key(), cache.Entry(code.object, code.lanes, self.made.seconds))
        except cache.RefusedError as why:
            _report_cache(str(why))
        except OSError as error:
            _log().info("code of %s was not kept: %s", self._function.name, error)

    def _build(self) -> cpu.Code:
        """Compile; CompileError where that isn't possible."""
        from hybrid_rs.targets import cpu

        options = dict(self._options)
        target = cpu.variant(options.pop("target", "native"))
        if not cpu.supported(self._function, target):
            raise CompileError(UNSUPPORTED)
        return cpu.build(self._function, self._uniform, self._steps, target, **options)


# What tests ask of the compiler, for the kernels made meanwhile.
_forced: dict[str, Any] = {}


@contextmanager
def forced(**options: Any) -> Iterator[None]:
    """Have kernels that are made meanwhile compiled with these arguments of `targets.cpu.build`, `target` by name."""
    before = dict(_forced)
    _forced.update(options)
    try:
        yield
    finally:
        _forced.clear()
        _forced.update(before)


@lru_cache(maxsize=1)
def _makers() -> bytes:
    """Digest what makes code, LLVM included, without importing it: each file's name, size and time of change.

    Python's own compiled files rest on the same; reading the sources would take ten times as long.
    """
    package = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - pathlib takes milliseconds for all of this
    folders = [os.path.join(package, name) for name in _MAKERS]  # noqa: PTH118
    spec = PathFinder.find_spec("llvmlite")
    if spec is not None and spec.submodule_search_locations:
        folders += [os.path.join(spec.submodule_search_locations[0], "binding")]  # noqa: PTH118
    return cache.digest(*(os.fsencode(row) for folder in folders for row in sorted(_stamps(folder))))


def _stamps(folder: str) -> Iterator[str]:
    """Describe the files below a folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        yield from _stamps(entry.path)
                else:
                    status = entry.stat()
                    yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"
    except OSError:
        return  # What isn't there is told apart by that.


@lru_cache(maxsize=1)
def _has_llvm() -> bool:
    return PathFinder.find_spec("llvmlite") is not None


@lru_cache(maxsize=1)
def _warn() -> None:
    """Say once why calls are slower than they could be."""
    text = f"{_NO_LLVM}: kernels run on the block VM, several times slower than as machine code"
    package = str(Path(__file__).parents[1])
    level, frame = 1, sys._getframe()  # noqa: SLF001 - how warnings themselves find it
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, PerformanceWarning, stacklevel=level)


@lru_cache(maxsize=8)
def _report_cache(why: str) -> None:
    _log().warning("machine code is not kept between runs: %s", why)


def _log() -> Any:
    import logging  # takes milliseconds, and is seldom needed

    return logging.getLogger("hybrid_rs")


def turned_off() -> bool:
    """Whether machine code is turned off for this process."""
    return flags.resolve().disable_jit
