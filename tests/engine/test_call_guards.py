"""What guards let pass: the same object, or a number that is the same to the bit."""

import math
import types
from typing import Any

import numpy as np
import pytest

from hybrid_rs import _core

BIG = 10**30


def value_guard(container: object, name: str, expected: object, missing: bool = False) -> _core.Guards:
    return _core.Guards([(container, name, expected, missing)], [])


class Mine:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Int(int):
    pass


@pytest.mark.parametrize(
    ("expected", "found", "holds"),
    [
        (1.5, float("1.5"), True),
        (math.nan, float("nan"), True),
        (0.0, -0.0, False),
        (1.0, 1, False),
        (1, 1.0, False),
        (1, True, False),
        (BIG, int(str(BIG)), True),
        (BIG, BIG + 1, False),
        (BIG, Int(BIG), False),
        (2.5, np.float64(2.5), False),
        (Mine(), Mine(), False),
        ("a", "b", False),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_values(expected: object, found: object, holds: bool) -> None:
    place = {"x": expected}
    holder = types.SimpleNamespace(x=expected)
    guards = [value_guard(place, "x", expected), value_guard(holder, "x", expected)]
    assert all(guard.hold() for guard in guards)
    place["x"] = holder.x = found
    assert [guard.hold() for guard in guards] == [holds, holds]


def test_missing_names() -> None:
    place: dict[str, object] = {}
    guard = value_guard(place, "len", None, missing=True)
    assert guard.hold()
    place["len"] = None
    assert not guard.hold()
    present = value_guard(place, "len", None)
    assert present.hold()
    del place["len"]
    assert not present.hold()
    assert guard.hold()


def test_cells_code_and_properties_that_raise() -> None:
    def outer() -> Any:
        value = 1

        def inner() -> int:
            return value

        def clear() -> None:
            nonlocal value
            del value

        return inner, clear

    inner, clear = outer()
    (cell,) = inner.__closure__
    guard = _core.Guards([(cell, "cell_contents", 1, False), (inner, "__code__", inner.__code__, False)], [])
    assert guard.hold()
    inner.__code__ = inner.__code__.replace(co_name="other")
    assert not guard.hold()
    clear()
    assert not value_guard(cell, "cell_contents", 1).hold()
    assert value_guard(cell, "cell_contents", None, missing=True).hold()


def test_captured_arrays_may_be_others_of_their_kind() -> None:
    place: dict[str, Any] = {"t": np.zeros((2, 3))}
    guard = _core.Guards([], [(place, "t", "float64", 2)])
    assert guard.hold()
    for fine in (np.ones((5, 0)), np.ones((2, 2), ">f8"), np.ones((3, 2)).T, np.ones((2, 2)).view(np.memmap)):
        place["t"] = fine
        assert guard.hold()
        arrays = guard.arrays()
        assert arrays is not None
        assert arrays[0] is fine
    for other in (np.ones(3), np.ones((2, 2), "f4"), [[1.0]], None, np.float64(1)):
        place["t"] = other
        assert not guard.hold()
        assert guard.arrays() is None
    place.clear()
    assert not guard.hold()
