"""Declared signatures as text: "int32(float64, int32)", "(float64, int32)(float64)", "float64(float64[:, :])"."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from hybrid_rs.ir.types import ALL, Type

__all__ = ["Argument", "Declared", "arguments", "parse", "shown"]

_NAME = r"[A-Za-z_]\w*"
_ARGUMENT = re.compile(rf"\s*({_NAME})\s*(\[\s*:\s*(?:,\s*:\s*)*\])?\s*")
_BY_NAME = {type_.name: type_ for type_ in ALL}


@dataclass(frozen=True, slots=True)
class Argument:
    """A declared argument: a scalar, or a table of `ndim` axes."""

    type: Type
    ndim: int | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared signature."""

    text: str
    arguments: tuple[Argument, ...]
    results: tuple[Type, ...]


def parse(text: str) -> Declared:
    """Read a signature.

    Raises:
        ValueError: If it is none, naming it.
    """
    stripped = text.strip()
    if not stripped.endswith(")") or "(" not in stripped:
        raise _wrong(text, 'expected "result(argument, ...)", as "float64(float64, int32)"')
    results, _, inputs = stripped[:-1].rpartition("(")
    results = results.strip()
    if results.startswith("(") and results.endswith(")"):
        results = results[1:-1]
    if not results.strip():
        raise _wrong(text, "the result's type is missing")
    given = arguments(results, text)
    if any(result.ndim is not None for result in given):
        raise _wrong(text, "a result can't be a table")
    return Declared(stripped, arguments(inputs, text), tuple(result.type for result in given))


def arguments(listed: str, text: str | None = None) -> tuple[Argument, ...]:
    """Read a list of types, as "float64, float64[:, :]"; `text` is what messages show.

    Raises:
        ValueError: If it is none.
    """
    text = listed if text is None else text
    found = []
    at = 0
    while listed.strip():
        match = _ARGUMENT.match(listed, at)
        if match is None:
            raise _wrong(text, f"expected a type at {listed[at:].strip() or 'the end'!r}")
        name, axes = match.groups()
        found.append(Argument(_type(name, text), None if axes is None else axes.count(":")))
        at = match.end()
        if at == len(listed):
            break
        if listed[at] != ",":
            raise _wrong(text, f"expected a comma at {listed[at:].strip()!r}")
        at += 1
    return tuple(found)


def shown(argument: Argument) -> str:
    """Return the text of an argument."""
    return argument.type.name if argument.ndim is None else f"{argument.type.name}[{', '.join(':' * argument.ndim)}]"


def _type(name: str, text: str) -> Type:
    """Return the type of any of NumPy's names for it."""
    try:
        plain = np.dtype(name.removesuffix("_")).name
    except TypeError:
        plain = ""
    found = _BY_NAME.get(plain)
    if found is None:
        raise _wrong(text, f"unknown type {name!r}; there are {', '.join(_BY_NAME)}")
    return found


def _wrong(text: str, why: str) -> ValueError:
    return ValueError(f"signature: {text!r}: {why}")
