"""Functions of the IR as text of one line, and back: JSON arrays whose first item names the node."""

from __future__ import annotations

import json
from typing import Any, Final

from hybrid_rs.ir import nodes
from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.types import ALL, Type

__all__ = ["dumps", "loads"]

_KINDS: Final[dict[str, type[Any]]] = {
    name: getattr(nodes, name) for name in nodes.__all__ if isinstance(getattr(nodes, name), type)
}
_LIST: Final = "*"
"""Stands where a node's name would be: a tuple follows."""


def dumps(function: Function) -> str:
    """Write a function as one line. Floats keep their bits, but for those of nans."""
    return json.dumps(_plain(function), separators=(",", ":"))


def loads(text: str) -> Function:
    """Read a function that `dumps` wrote; the text is trusted, and what it says is not verified.

    Raises:
        ValueError: For text that is no function.
    """
    try:
        found = _node(json.loads(text))
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"text: is no function: {error!r}") from error
    if not isinstance(found, Function):
        raise ValueError("text: is no function")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Type):
        return ["Type", value.code]
    if isinstance(value, tuple):
        return [_LIST, *map(_plain, value)]
    kind = type(value)
    if kind.__name__ in _KINDS:
        return [kind.__name__, *[_plain(getattr(value, name)) for name in kind.__slots__]]
    return value


def _node(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    name, items = value[0], value[1:]
    if name == "Type":
        return ALL[items[0]]
    made = [_node(item) if isinstance(item, list) else item for item in items]
    return tuple(made) if name == _LIST else _KINDS[name](*made)
