"""Names that were probably meant by one that isn't there."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

import numpy as np

from hybrid_rs import language
from hybrid_rs.frontend.capture import function_of
from hybrid_rs.frontend.names import FUNCTIONS, cast_type

if TYPE_CHECKING:
    from hybrid_rs.frontend.frame import Frame

__all__ = ["attribute", "function", "nearest", "question", "variable"]

_CLOSE: Final = 0.76
"""How alike names must be, by `difflib`: vlaue and value are 0.8, foo and floor 0.75."""
_SWAPPED: Final = 3
"""The least length of names that are close by having the same letters, as mxa and max."""
_MODULES: Final[tuple[tuple[str, object], ...]] = (("math", math), ("np", np), ("hr", language))


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name that is closest to another one; "" where none is close."""
    import difflib  # its patterns take a millisecond, which only an error needs

    others = {other.lower(): other for other in sorted(names) if other != name}
    same = [other for key, other in others.items() if sorted(key) == sorted(name.lower()) and len(name) >= _SWAPPED]
    found = same or [others[key] for key in difflib.get_close_matches(name.lower(), others, 1, _CLOSE)]
    return found[0] if found else ""


def question(meant: str) -> str:
    """Return the end of a message that asks whether a name was meant."""
    return f"; did you mean {meant}?" if meant else ""


def variable(frame: Frame, name: str) -> str:
    """Return the variable, or number or array around the function, that was probably meant; "" if none is close."""
    definition = frame.definition
    around = _around(definition.function)
    numbers = [key for key, value in around.items() if isinstance(value, int | float | np.generic | np.ndarray)]
    own = {*definition.parameters, *definition.keyword_only, *definition.scan.stores}
    return nearest(name, own) or nearest(name, numbers) or _elsewhere(name)


def function(frame: Frame, name: str) -> str:
    """Return the function that was probably meant by one that isn't there; "" if none is close."""
    around = _around(frame.definition.function)
    helpers = [key for key, value in around.items() if function_of(value)]
    known = [key for key, value in vars(builtins).items() if _listed(value)]
    return _elsewhere(name) or nearest(name, [*helpers, *known, "len", "range"])


def attribute(module: ModuleType, shown: str, name: str) -> str:
    """Return what was probably meant by a name that a module hasn't; `shown` is the module's name in the kernel."""
    own = module.__name__ in {"hybrid_rs", language.__name__}
    around = {**vars(module), **(vars(language) if own else {})}
    if (own or module in (math, np)) and (exact := _elsewhere(name)):
        return exact
    names = [
        key
        for key, value in around.items()
        if not key.startswith("_") and (_listed(value) or isinstance(value, int | float) or function_of(value))
    ]
    found = nearest(name, names)
    return f"{shown}.{found}" if found else ""


def _elsewhere(name: str) -> str:
    """Return a function or constant of exactly this name in a module where the language has it."""
    if _listed(vars(builtins).get(name)):
        return name
    for shown, module in _MODULES:
        value = getattr(module, name, None)
        if _listed(value) or isinstance(value, float):
            return f"{shown}.{name}"
    return ""


def _listed(value: object) -> bool:
    try:
        return value in FUNCTIONS or cast_type(value) is not None
    except TypeError:
        return False  # what can't be hashed


def _around(function: FunctionType) -> dict[str, object]:
    found: dict[str, object] = {key: value for key, value in function.__globals__.items() if not key.startswith("__")}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue  # not yet filled
    return found
