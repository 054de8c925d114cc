"""Kernels of the user's own: Python functions, compiled for the types that they are called with."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any, Generic, Literal, ParamSpec, Self, TypeVar, overload

import numpy as np

from hybrid_rs import tracebacks
from hybrid_rs.errors import CompileError
from hybrid_rs.kernel_object import Kernel

__all__ = ["CompiledKernel", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

_OVERFLOW = ("wrap", "raise")
# The flags of code objects, as `inspect` has them, whose import takes milliseconds.
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


class CompiledKernel(Kernel, Generic[P, R]):
    """A kernel made of a Python function by `hybrid_rs.kernel`.

    Called with types that it hasn't seen it compiles the function for them; what the function takes from its
    surroundings (globals, closures, other kernels) is compared at each call, and what has changed is compiled anew.
    """

    py_func: Callable[P, R]
    __wrapped__: Callable[P, R]

    def __init__(self, function: Callable[P, R], signatures: Sequence[str] = (), overflow: str = "wrap") -> None:
        """Make a kernel of a function; `hybrid_rs.kernel` says more.

        Raises:
            TypeError: If `function` is no Python function.
            ValueError: For a signature that is none, or not of this function.
            CompileError: If the function can't be compiled for the signatures.
        """
        plain = _plain_function(function)
        from hybrid_rs.compiled.specialise import Specialiser  # the types and all: not needed before the first kernel

        declared = _declared(plain, signatures)
        self._specialiser = Specialiser(plain, declared, overflow)
        super().__init__(self._specialiser.dispatcher, py_func=function, doc=plain.__doc__)
        self.__qualname__ = plain.__qualname__
        self.__module__ = plain.__module__
        self.__wrapped__ = function
        self._declared = declared
        self._overflow = overflow
        try:
            for place in range(len(declared)):
                self._specialiser.declared_variant(place)
        except CompileError as error:
            if tracebacks.is_ours(error):
                raise error.with_traceback(None) from error.__cause__
            raise

    @property
    def tables(self) -> dict[str, int]:
        """The parameters that take an array whole, each with its number of axes.

        Raises:
            CompileError: If the function's source can't be had.
        """
        specialiser = self._specialiser
        named = zip(specialiser.function.__code__.co_varnames, specialiser.axes, strict=False)
        return {name: axes for name, axes in named if axes is not None}

    @property
    def nout(self) -> int:
        """The number of results."""
        variants = self._specialiser.variants()
        if variants:
            return len(variants[-1].typed.function.results)
        return len(self._declared[0].results) if self._declared else _results_of(self._specialiser.source)

    @property
    def signatures(self) -> list[str]:
        """The declared signatures; without any those compiled so far, as "float64(float64, int64)"."""
        if self._declared:
            return [one.text for one in self._declared]
        return list(dict.fromkeys(variant.signature() for variant in self._specialiser.variants()))

    @property
    def overflow(self) -> str:
        """What integer arithmetic does at the end of a type: "wrap" or "raise"."""
        return self._overflow

    @property
    def types(self) -> list[str]:
        """The signatures in NumPy's letters, as ufuncs have them: "dl->d"; tables have their axes, "d[:,:]"."""
        from hybrid_rs.compiled.signatures import arguments, parse

        def letters(listed: str) -> str:
            return "".join(
                np.dtype(one.type.name).char + ("" if one.ndim is None else f"[{','.join(':' * one.ndim)}]")
                for one in arguments(listed)
            )

        parsed = map(parse, self.signatures)
        return [
            f"{letters(one.text[:-1].rpartition('(')[2])}->{letters(', '.join(result.name for result in one.results))}"
            for one in parsed
        ]

    @property
    def tile(self) -> int:
        """Elements that are computed together; 1 before the first call."""
        try:
            return int(self._specialiser.latest.tile)
        except ValueError:
            return 1

    def inspect_ir(self, types: str | Sequence[object] | None = None) -> str:
        """Return the typed code that the kernel was made into, as text.

        Args:
            types: The argument types to show it for, as "float64, int64, float64[:]" or a sequence of dtypes; compiled
                if they weren't yet. None: all that were compiled so far.

        Raises:
            ValueError: For types that are none, or of another number than the parameters; and without types before the
                first call.
            CompileError: If the function can't be compiled for them.
        """
        from hybrid_rs.ir.show import show

        # Weak numbers often end in the same code as arrays of their type.
        return "\n\n".join(dict.fromkeys(show(variant.function) for variant in self._variants(types)))

    def inspect_llvm(self, types: str | Sequence[object] | None = None) -> str:
        """Return the machine code that the kernel is compiled to as LLVM's text, after its optimisations.

        Args:
            types: As of `inspect_ir`. For each choice there is one text for each choice of arguments that are one value
                for all elements, as calls gave them; without any calls for arrays alone.

        Raises:
            ValueError: As by `inspect_ir`.
            CompileError: If the function can't be compiled for them, or not to machine code.
        """
        return self._texts(types, assembly=False)

    def inspect_asm(self, types: str | Sequence[object] | None = None) -> str:
        """Return the machine code that the kernel is compiled to as the processor's assembly.

        Arguments and errors are those of `inspect_llvm`.
        """
        return self._texts(types, assembly=True)

    def _texts(self, types: str | Sequence[object] | None, *, assembly: bool) -> str:
        plans = [plan for variant in self._variants(types) for plan in self._specialiser.plans(variant)]
        return "\n\n".join(dict.fromkeys(plan.text(assembly=assembly) for plan in plans))

    def _variants(self, types: str | Sequence[object] | None) -> list[Any]:
        """Return those for the types, compiled if they weren't; None: all that were compiled so far."""
        from hybrid_rs.compiled.signatures import arguments

        if types is None:
            found = self._specialiser.variants()
            if not found:
                raise ValueError(
                    f"types: {self.name} has not been compiled for any types yet; call it first, or give types, as "
                    f"inspect_ir({self._example()!r})"
                )
            return found
        listed = types if isinstance(types, str) else ", ".join(_type_name(one) for one in types)
        wanted = arguments(listed)
        if len(wanted) != self._specialiser.nin:
            raise ValueError(f"types: {self.name} has {self._specialiser.nin} parameters, {len(wanted)} types given")
        choice = tuple((one.type, one.ndim, False) for one in wanted)
        try:
            for place, one in enumerate(self._declared):
                if one.arguments == wanted:
                    return [self._specialiser.declared_variant(place)]
            return [self._specialiser.variant(choice)]
        except CompileError as error:
            if tracebacks.is_ours(error):
                raise error.with_traceback(None) from error.__cause__
            raise

    def _example(self) -> str:
        """Return types that the parameters may have."""
        from hybrid_rs.compiled.signatures import Argument, shown
        from hybrid_rs.ir.types import FLOAT64

        return ", ".join(shown(Argument(FLOAT64, axes)) for axes in self._specialiser.axes)

    def __copy__(self) -> Self:
        """Return the kernel itself."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name."""
        made = self._by_name()
        if made is None:
            raise TypeError(
                f"{self.name}: a kernel is pickled by its name, but {self.__module__}.{self.__qualname__} is not this "
                "kernel; define it at the top of a module"
            )
        return made


@overload
def kernel(function: Callable[P, R], /) -> CompiledKernel[P, R]: ...
@overload
def kernel(
    *signatures: str | Sequence[str], fastmath: bool = False, overflow: Literal["wrap", "raise"] = "wrap"
) -> Callable[[Callable[P, R]], CompiledKernel[P, R]]: ...
def kernel(*signatures: Any, fastmath: bool = False, overflow: str = "wrap") -> Any:
    """Make a kernel of a Python function of scalars; a decorator.

    >>> import hybrid_rs as hr
    >>> @hr.kernel
    ... def scaled(x, factor):
    ...     return x * factor + 1

    The kernel is called like a NumPy ufunc. It is compiled at its first call for the types it is called with; with
    signatures it is compiled for those when it is made, and takes what can be cast to one of them safely.

    Args:
        *signatures: As "int32(float64, float64, int32)", "(float64, int32)(float64)" for several results,
            "float64(float64[:, :], int64)" for a table of two axes; or lists of them. The most specific comes first.
        fastmath: Not available in this version: must be False.
        overflow: "wrap", or "raise": integer ``+ - *`` and casts that overflow are faults.

    Raises:
        TypeError: If what is decorated is no Python function.
        ValueError: For a signature that is none, another `overflow`, or `fastmath`.
        CompileError: If the function can't be compiled for a signature.
    """
    if fastmath is not False:
        raise ValueError("fastmath: is not available in this version; results are the same on every engine")
    if overflow not in _OVERFLOW:
        raise ValueError(f"overflow: must be 'wrap' or 'raise', not {overflow!r}")
    if len(signatures) == 1 and not isinstance(signatures[0], str | list | tuple):
        return CompiledKernel(signatures[0], (), overflow)
    texts: list[str] = []
    for given in signatures:
        texts += [given] if isinstance(given, str) else given
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"signature: must be a str, not {type(text).__name__}")
    return lambda function: CompiledKernel(function, texts, overflow)


def _plain_function(function: object) -> FunctionType:
    """Return what was decorated, if it can be a kernel."""
    if isinstance(function, FunctionType):
        code = function.__code__
        if code.co_flags & (_GENERATOR | _COROUTINE | _ASYNC_GENERATOR):
            raise _no_plain_function(code)
        return function
    if isinstance(function, CompiledKernel):
        what = f"a kernel already: {function.name}"
    elif isinstance(function, type):
        what = f"the class {function.__name__}"
    elif isinstance(function, MethodType):
        what = f"the bound method {function.__qualname__}"
    elif isinstance(function, BuiltinFunctionType):
        what = f"the built-in function {function.__name__}, whose source is not Python"
    elif isinstance(function, staticmethod | classmethod | property):
        what = f"a {type(function).__name__}; put the kernel decorator below it"
    else:
        what = f"a {type(function).__name__}"
    raise TypeError(f"function: a kernel is made of a Python function, not of {what}")


def _no_plain_function(code: CodeType) -> CompileError:
    what = "a generator (yield)" if code.co_flags & _GENERATOR else "an async function"
    place = f"{PurePath(code.co_filename).name}, line {code.co_firstlineno}, in {code.co_name}"
    line = linecache.getline(code.co_filename, code.co_firstlineno).strip()
    if line:
        place += f"\n    {line}"
    return CompileError(
        f"unsupported: {what} as a kernel\n  {place}\nwrite instead: a plain function that returns the element's value",
        code.co_filename,
        code.co_firstlineno,
    )


def _declared(function: FunctionType, texts: Sequence[str]) -> list[Any]:
    """Read the signatures of a function."""
    from hybrid_rs.compiled.signatures import parse

    declared = [parse(text) for text in texts]
    for one in declared:
        given, count = len(one.arguments), function.__code__.co_argcount
        if given != count:
            raise ValueError(f"signature: {one.text!r}: {given} types, but {function.__name__} has {count} parameters")
        axes = [item.ndim for item in one.arguments]
        if axes != [item.ndim for item in declared[0].arguments]:
            raise ValueError(f"signature: {one.text!r}: other tables than {declared[0].text!r} has")
        if len(one.results) != len(declared[0].results):
            raise ValueError(f"signature: {one.text!r}: another number of results than {declared[0].text!r} has")
    return declared


def _results_of(source: Any) -> int:
    """Return how many results a function has by its first return; 1 where that can't be seen."""
    import ast

    for node in ast.walk(ast.Module(source.definition.body, [])):
        if isinstance(node, ast.Return) and node.value is not None:
            return len(node.value.elts) if isinstance(node.value, ast.Tuple) else 1
    return 1


def _type_name(one: object) -> str:
    if isinstance(one, str):
        return one
    try:
        return np.dtype(one).name  # type: ignore[call-overload, no-any-return]
    except TypeError as error:
        raise ValueError(f"types: {error}") from None
