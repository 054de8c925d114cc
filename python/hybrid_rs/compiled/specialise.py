"""Specialisations of a kernel: made at the first call with new types, kept, remade when what they captured changes."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybrid_rs import _core, arrays, calls, elementary, frontend, tracebacks
from hybrid_rs.compiled import operands
from hybrid_rs.compiled.operands import Operand
from hybrid_rs.compiled.signatures import Argument, Declared, shown
from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import Source, Typed
from hybrid_rs.ir.nodes import Function, Table
from hybrid_rs.ir.types import INT64, UINT64, Type
from hybrid_rs.targets import native, vm

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Specialiser", "Variant"]

# Variants of one choice of types that differ in what they captured: some programs go to and fro between few values.
_KEPT = 8
# How often a call looks for captured arrays that stay as they are while it reads them.
_TRIES = 16

Types: TypeAlias = tuple[tuple[Type, int | None, bool], ...]
"""For each argument its type, the number of axes of a table (else None), and whether it is weak."""

_live: weakref.WeakSet[Specialiser] = weakref.WeakSet()


def _after_fork() -> None:
    # A thread of the parent's may have held the lock; what it was making isn't there.
    for specialiser in list(_live):
        specialiser.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Variant:
    """The kernel's function lowered for one choice of types and captured values."""

    def __init__(self, types: Types, typed: Typed, function: FunctionType, defaults: tuple[object, ...]) -> None:
        """Keep what lowering gave; `defaults` are those that the dispatcher fills in."""
        self.types = types
        self.typed = typed
        values = [(one.container, one.name, one.expected, one.expected is frontend.MISSING) for one in typed.guards]
        rows = [
            (one.container, one.name, table.type.name, table.ndim)
            for one, table in zip(typed.captured, typed.function.params[len(types) :], strict=True)
            if isinstance(table, Table)
        ]
        self._captured = [(name, np.dtype(type_name), axes) for _, name, type_name, axes in rows]
        self.guards = _core.Guards(values, rows)
        self.quick = self.guards
        if defaults:
            self.quick = _core.Guards([*values, (function, "__defaults__", defaults, False)], rows)
        self._passed: dict[bool, Function] = {}
        self.kernels: dict[tuple[tuple[bool, ...], bool], _core.Kernel] = {}
        """By which inputs are uniform, and whether steps are counted."""
        self.plans: dict[_core.Kernel, native.Plan] = {}
        """How the kernels' machine code is made; empty where it is turned off."""
        self.specialisations: list[_core.Specialisation] = []

    @property
    def function(self) -> Function:
        """The function after all passes."""
        return self.passed(steps=False)

    def passed(self, *, steps: bool) -> Function:
        """Return the function after all passes; with `steps` each element keeps its number of steps."""
        found = self._passed.get(steps)
        if found is None:
            found = self._passed[steps] = elementary.optimised(self.typed.function, steps=steps)
        return found

    def tables(self) -> tuple[NDArray[Any], ...] | None:
        """Return the captured arrays of this moment; None if one is of other axes or another dtype now.

        Raises:
            TypeError: For a masked array, naming it.
        """
        found = self.guards.arrays()
        if found is None:
            return None
        made = []
        for array, (name, dtype, axes) in zip(found, self._captured, strict=True):
            if arrays.is_masked(type(array)):
                raise TypeError(f"{name}: masked arrays are not supported; fill it first: a.filled(value)")
            # A view keeps its own shape, whatever other threads do to the array's.
            table = np.ascontiguousarray(np.asarray(array)[...], array.dtype.newbyteorder("="))
            if (table.dtype, table.ndim) != (dtype, axes):
                return None
            made.append(table)
        return tuple(made)

    def signature(self) -> str:
        """Return the types as text."""
        results = [result.name for result in self.typed.function.results]
        given = ", ".join(shown(Argument(type_, ndim)) for type_, ndim, _ in self.types)
        return f"{results[0] if len(results) == 1 else '(' + ', '.join(results) + ')'}({given})"


class Specialiser:
    """Compiles one kernel for the types it is called with."""

    def __init__(self, function: FunctionType, declared: Sequence[Declared], overflow: str) -> None:
        """Keep what to compile, and make the dispatcher that calls go through."""
        self.function = function
        self.declared = tuple(declared)
        self.lock = threading.RLock()
        self._overflow = overflow
        self._source: Source | None = None
        self._variants: dict[object, list[Variant]] = {}
        self.nin = function.__code__.co_argcount
        self._defaults = function.__defaults__ or ()
        names = map(arrays.printable, function.__code__.co_varnames[: self.nin])
        self.labels = tuple(f"{name} (arrays[{k}])" for k, name in enumerate(names))
        rows = [
            [(item.type.name, -1 if item.ndim is None else item.ndim) for item in one.arguments] for one in declared
        ]
        name = arrays.printable(function.__name__)
        self.dispatcher = _core.Dispatcher(name, self, self.nin, self._defaults, rows)
        _live.add(self)

    @property
    def source(self) -> Source:
        """The parsed function."""
        self._check_code()
        if self._source is None:
            with self.lock:
                if self._source is None:
                    self._source = frontend.load(self.function)
        if self._source.definition.code is not self.function.__code__:
            with self.lock:
                self._source.refresh()
        return self._source

    @property
    def axes(self) -> tuple[int | None, ...]:
        """For each parameter the number of axes of a table, else None."""
        if self.declared:
            return tuple(item.ndim for item in self.declared[0].arguments)
        tables = self.source.tables
        return tuple(tables.get(name) for name in self.source.parameters)

    @property
    def tables(self) -> frozenset[int]:
        """Which parameters are tables."""
        return frozenset(k for k, axes in enumerate(self.axes) if axes is not None)

    def variants(self) -> list[Variant]:
        """Return those that were compiled and whose captured values are current, in the order they were made."""
        return [variant for kept in self._variants.values() for variant in kept if variant.guards.hold()]

    @property
    def latest(self) -> _core.Kernel:
        """A compiled kernel; ValueError if there is none yet."""
        for variant in reversed(self.variants()):
            for kernel in variant.kernels.values():
                return kernel
        raise ValueError(f"kernel: {self.function.__name__} has not been compiled for any types yet; call it first")

    # ---- calls

    def resolve(self, given: tuple[object, ...], *, steps: bool, engine: str) -> calls.Resolved:
        """Convert a call's arguments, and compile for their types if that is still to do.

        Raises:
            TypeError: For a wrong number of arguments, and for one that kernels don't take, naming it.
            OverflowError: For a number that doesn't fit the type it is needed in, naming the argument.
            CompileError: If the function can't be compiled for these types.
        """
        arguments = self._complete(given)
        for _ in range(_TRIES):
            variant, read = self._variant_of(arguments)
            captured = variant.tables()
            if captured is not None:
                break
        else:
            raise RuntimeError(f"{self.function.__name__}: its captured arrays change faster than it is compiled")
        typed = variant.typed
        for k, type_ in typed.casts:
            operands.check_cast(self.labels[k], read[k], type_)
        results = tuple(np.dtype(result.name) for result in typed.function.results)
        inputs = [operand.array for operand in read]
        tables = frozenset(k for k, operand in enumerate(read) if operand.ndim is not None)
        if engine == "reference":
            from hybrid_rs.compiled.reference import Reference

            return calls.Resolved(
                None, inputs, tables, captured, results, Reference(elementary.expanded(typed.function))
            )
        kernel = self.kernel(variant, _uniform(read), steps=steps)
        if engine == "native":
            self.compile(variant, kernel)
        return calls.Resolved(kernel, inputs, tables, captured, results)

    def _complete(self, given: tuple[object, ...]) -> tuple[object, ...]:
        """Fill in the defaults of arguments that are left out."""
        self._check_code()
        missing = self.nin - len(given)
        if missing == 0:
            return given
        # Those of this moment: a function's defaults may be replaced.
        defaults = self.function.__defaults__ or ()
        if not 0 <= missing <= len(defaults):
            most, least = self.nin, max(self.nin - len(defaults), 0)
            takes = f"{most}" if most == least else f"{least} to {most}"
            names = ", ".join(label.partition(" ")[0] for label in self.labels)
            raise TypeError(
                f"arrays: {self.function.__name__} takes {takes} inputs, {len(given)} given; they are {names}"
            )
        return (*given, *defaults[len(defaults) - missing :])

    def _check_code(self) -> None:
        code = self.function.__code__
        if code.co_argcount != self.nin:
            raise CompileError(
                f"{self.function.__name__}: its code was replaced by one with {code.co_argcount} parameters in place "
                f"of {self.nin}\nwrite instead: a kernel of its own for the other function",
                code.co_filename,
                code.co_firstlineno,
            )

    def _variant_of(self, arguments: tuple[object, ...]) -> tuple[Variant, list[Operand]]:
        if self.declared:
            place, read = operands.read_declared(self.function.__name__, self.declared, arguments, self.labels)
            return self.declared_variant(place), read
        read = [
            operands.read(label, argument, axes)
            for label, argument, axes in zip(self.labels, arguments, self.axes, strict=True)
        ]
        types = tuple((operand.type, operand.ndim, operand.weak) for operand in read)
        try:
            return self.variant(types), read
        except CompileError as error:
            k = self._too_large(arguments, types)
            if k is None:
                raise
            cause = error.with_traceback(None) if tracebacks.is_ours(error) else error
            raise OverflowError(
                f"{self.labels[k]}: {arguments[k]} does not fit int64, and {self.function.__name__} can't be compiled "
                "with uint64 there"
            ) from cause

    def _too_large(self, arguments: tuple[object, ...], types: Types) -> int | None:
        """Return the first int beyond int64 if smaller ones could be compiled for."""
        large = [k for k, (type_, *_) in enumerate(types) if type(arguments[k]) is int and type_ is UINT64]
        if not large:
            return None
        smaller = tuple((INT64, None, True) if k in large else one for k, one in enumerate(types))
        try:
            with self.lock:
                self._lower(smaller, None)
        except CompileError:
            return None
        return large[0]

    # ---- compiling

    def declared_variant(self, place: int) -> Variant:
        """Return the variant of a declared signature."""
        one = self.declared[place]
        return self.variant(tuple((item.type, item.ndim, False) for item in one.arguments), one)

    def variant(self, types: Types, declared: Declared | None = None) -> Variant:
        """Return the variant for these types, lowered if it isn't there or what it captured has changed."""
        key: object = types if declared is None else declared.text
        found = self._current(key)
        if found is None:
            with self.lock:
                found = self._current(key)  # made while this thread waited
                if found is None:
                    found = self._lower(types, declared)
                    self._variants[key] = [found, *self._variants.get(key, ())][:_KEPT]
        return found

    def _current(self, key: object) -> Variant | None:
        return next((variant for variant in self._variants.get(key, ()) if variant.guards.hold()), None)

    def _lower(self, types: Types, declared: Declared | None) -> Variant:
        args = tuple(
            frontend.Arg(type_, weak) if ndim is None else frontend.TableArg(type_, ndim) for type_, ndim, weak in types
        )
        results = None if declared is None else declared.results
        typed = frontend.lower(self.source, args, overflow=self._overflow, results=results)
        return Variant(types, _printable(typed), self.function, self._defaults)

    def compile(self, variant: Variant, kernel: _core.Kernel) -> None:
        """Wait for a kernel's machine code.

        Raises:
            CompileError: There can't be any, saying why.
        """
        self.plan(variant, kernel).now(kernel)

    def plan(self, variant: Variant, kernel: _core.Kernel) -> native.Plan:
        """Return how a kernel's machine code is made.

        Raises:
            CompileError: There can't be any, saying why.
        """
        found = variant.plans.get(kernel)
        if found is None:
            raise CompileError("engine: machine code is turned off by HYBRID_RS_DISABLE_JIT")
        return found

    def plans(self, variant: Variant) -> list[native.Plan]:
        """Return how the machine code of a variant's kernels is made; of one for arrays where there are none yet.

        Raises:
            CompileError: There can't be any, saying why.
        """
        if not variant.kernels:
            self.kernel(variant, tuple(ndim is not None for _, ndim, _ in variant.types), steps=False)
        return [self.plan(variant, kernel) for kernel in variant.kernels.values()]

    def of(self, kernel: _core.Kernel) -> Variant | None:
        """Return the variant that a kernel belongs to."""
        return next((one for one in self.variants() if kernel in one.kernels.values()), None)

    def kernel(self, variant: Variant, uniform: tuple[bool, ...], *, steps: bool) -> _core.Kernel:
        """Return the kernel for inputs that are uniform or not, printed if it isn't there."""
        key = (uniform, steps)
        found = variant.kernels.get(key)
        if found is not None:
            return found
        with self.lock:
            found = variant.kernels.get(key)
            if found is None:
                function = variant.passed(steps=steps)
                flags = (*uniform, *(True,) * (len(function.params) - len(uniform)))  # all tables are
                found = vm.build(function, flags, steps)
                if not native.turned_off():
                    plan = variant.plans[found] = native.Plan(function, flags, steps)
                    found.set_plan(plan)
                self._publish(variant, uniform, found, steps=steps)
                variant.kernels[key] = found
        return found

    def _publish(self, variant: Variant, uniform: tuple[bool, ...], kernel: _core.Kernel, *, steps: bool) -> None:
        """Let the quick path of calls find the kernel."""
        keys = [
            (type_.name, -1 if ndim is None else ndim, weak, same)
            for (type_, ndim, weak), same in zip(variant.types, uniform, strict=True)
        ]
        casts = [(k, type_.name) for k, type_ in variant.typed.casts]
        variant.specialisations.append(_core.Specialisation(keys, variant.quick, casts, kernel, steps))
        self.dispatcher.replace(
            [one for kept in self._variants.values() for each in kept for one in each.specialisations]
        )


def _printable(typed: Typed) -> Typed:
    """Return the function with names that the core can take."""
    function = typed.function
    if function.name.isascii() and all(site.file.isascii() for site in function.sites):
        return typed
    sites = tuple(replace(site, file=arrays.printable(site.file)) for site in function.sites)
    return replace(typed, function=replace(function, name=arrays.printable(function.name), sites=sites))


def _uniform(read: list[Operand]) -> tuple[bool, ...]:
    """Return which inputs are the same for all elements.

    Where all are, one element is computed: the kernel for arrays does that as well, and one kernel less is made.
    """
    uniform = tuple(operand.uniform for operand in read)
    scalars = [operand.uniform for operand in read if operand.ndim is None]
    if not all(scalars):
        return uniform
    return tuple(operand.ndim is not None for operand in read)
