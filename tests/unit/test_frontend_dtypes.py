"""Every function and operator on narrow types beside plain Python: alike, or for a reason that the page gives."""

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fuzz.deviations import DEVIATIONS
from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.names import FUNCTIONS
from lowered import made, run

DTYPES = ("bool", "int8", "int16", "uint8", "float32")
VALUES = {"b": (True, False), "i": (3, -2), "u": (2, 5), "f": (0.5, -0.75)}


def listed(module: Any) -> dict[str, tuple[int, int]]:
    found = {}
    for name in dir(module):
        try:
            entry = FUNCTIONS.get(getattr(module, name))
        except TypeError:
            continue  # what can't be hashed
        if entry is not None:
            found[name] = (entry.least, min(entry.most, 3))
    return found


CALLS = [
    (f"{shown}.{name}({', '.join('xyz'[:count])})", count)
    for shown, module in (("np", np), ("math", math))
    for name, counts in listed(module).items()
    for count in set(counts)
]
CALLS += [(f"{name}(x)", 1) for name in ("abs", "int", "float", "bool", "round")]
CALLS += [(f"{name}(x, y)", 2) for name in ("min", "max", "pow", "divmod")]
SIGNS = ("+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "<", "<=", "==", "!=")
CALLS += [(f"x {sign} y", 2) for sign in SIGNS]
CALLS += [("-x", 1), ("+x", 1), ("not x", 1), ("x and y", 2), ("x if y else y", 2)]


def reason(text: str, args: tuple[Any, ...], ours: Any, theirs: Any) -> str | None:
    """Name the deviation that explains a difference, by what the operands are."""
    kinds = [value.dtype.kind for value in args]
    floats = [value.dtype for value in args if value.dtype.kind == "f"]
    if ours == "ZeroDivisionError" and "f" not in kinds:
        return "integer division by zero"
    if text.startswith("math.frexp"):
        return "int, round, len" if type(ours[1]) is np.int64 and ours == theirs else None
    if text.startswith("np.frexp"):
        ours, theirs = ours[0], theirs[0]
    if text.startswith("math.trunc"):
        return "math.trunc"
    if text.startswith(("int(", "round(", "math.floor", "math.ceil")):
        return "int, round, len" if type(ours) is np.int64 and not (type(theirs) is str and "b" not in kinds) else None
    if text.startswith("float("):
        return "float" if type(ours) is np.float64 else None
    if text.startswith("math."):
        if theirs in {"ValueError", "ZeroDivisionError", "OverflowError"}:
            return "domain errors" if not math.isfinite(ours) or text.startswith("math.log(x, y") else None
        narrow = floats and all(dtype == np.float32 for dtype in floats)
        return "float32 in math" if type(ours) is (np.float32 if narrow else np.float64) else None
    if text.startswith(("min", "max")):
        return "min and max" if ours == theirs else None
    if text.startswith(("x and", "x if")):
        return "one type a choice" if ours == theirs else None
    if text.startswith("np.where"):
        return "np.where"
    if text.startswith(("np.floor(", "np.ceil", "np.trunc", "np.fix")):
        return "np.floor of integers" if type(ours) is np.float64 and "f" not in kinds else None
    if isinstance(theirs, np.generic) and theirs.dtype.kind == "f" and ours.dtype == np.float64 and not floats:
        return "functions of narrow integers"
    if set(kinds) == {"b"}:
        return "operators on bools"
    return None


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, tuple):
        return isinstance(ours, tuple) and all(map(same, ours, theirs))
    if isinstance(theirs, str) or isinstance(ours, str):
        return bool(ours == theirs)
    theirs = np.bool_(theirs) if isinstance(theirs, bool) else theirs
    return type(ours) is type(theirs) and near(ours, theirs)


def near(ours: Any, theirs: Any) -> bool:
    a, b = float(ours), float(theirs)
    # Float16 has three digits, and elementary functions need not be the C library's.
    relative = 2e-3 if isinstance(theirs, np.float16) else 3e-7
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= relative * max(abs(a), abs(b))


def plain(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args)
    except (ArithmeticError, TypeError, ValueError) as error:
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")


@pytest.mark.parametrize(("text", "count"), CALLS)
def test_functions_of_narrow_types(text: str, count: int) -> None:
    function = made(f"def f({', '.join('xyz'[:count])}):\n    return {text}\n")
    for dtypes in itertools.product(DTYPES, repeat=min(count, 2)):
        chosen = (*dtypes, *dtypes[-1:])[:count]
        for values in zip(*[VALUES[np.dtype(dtype).kind] for dtype in chosen], strict=True):
            args = tuple(np.dtype(dtype).type(value) for dtype, value in zip(chosen, values, strict=True))
            theirs = plain(function, args)
            try:
                ours = run(function, *args)
            except CompileError:
                assert theirs == "TypeError" or {value.dtype.kind for value in args} >= {"b"}
                continue
            if same(ours, theirs):
                continue
            why = reason(text, args, ours, theirs)
            assert why in DEVIATIONS, (args, ours, theirs)
            if isinstance(theirs, np.generic | int | float) and "zero" not in why and "bools" not in why:
                assert near(ours, theirs), (args, ours, theirs)
