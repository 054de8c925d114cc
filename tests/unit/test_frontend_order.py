"""Laziness, and the order in which faults come: the first one that Python would raise is the one that is found."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lowered import alike, lowered, made, plain, run

T = np.array([1, 0, 3])


def boom(x: Any) -> Any:
    """Fail in a way that depends on x, else give x."""
    if x == 1:
        raise KeyError("one")
    if x == 2:
        raise LookupError("two")
    assert x != 3
    return x


def sure(x: Any) -> Any:
    return x != 0


# The arguments go from 0 to 4; 1, 2 and 3 make `boom` fail, 0 makes division fail, 3 and 4 are outside of T.
BODIES = [
    "a // b + T[a]",
    "T[a] + a // b",
    "T[a] + boom(b) + a // c",
    "boom(a) * 0 + boom(b) + boom(c)",
    "a // b if c else boom(a)",
    "(a // b if c else T[b]) + boom(a)",
    "T[c] + (a // b if a else T[b])",
    "a and b // a and boom(c)",
    "(a and b // a) + boom(c)",
    "boom(c) + (a or b // c)",
    "a or T[b] or boom(c)",
    "a < b // c < T[a] < boom(b)",
    "T[a] < b < boom(c)",
    "boom(a) < boom(b) < c",
    "a < T[b] < c",
    "bool(a) and sure(b) and T[c] > 0",
    "T[a] > 0 or b // c > 0",
    "not (T[a] > 0 and b // c > 0)",
    "min(T[a], b // c, boom(b))",
    "max(boom(c), a // b)",
    "T[T[a]] + T[b // c]",
    "divmod(T[a], b)[0] + divmod(boom(b), c)[1]",
    "second(T[a], boom(b)) + c // a",
    "second(b // c, a) + first(T[a], boom(b))",
    "a ** b // c + T[a]",
    "np.where(a > 0, b // c, T[a])",
    "first(a, b) + (boom(c) if first(b, a) else T[c])",
    "(T[a] if b else c) < (boom(a) if c else T[b]) <= 7",
    "(a or b) and (b // c or T[b])",
    "pow(T[a], 2) + pow(boom(b), 3) // c",
    "hr.quot(T[a], b) + hr.rem(boom(b), c)",
    "-T[a] + ~(b // c) + abs(boom(c))",
]
HELPERS = """
def first(x, y):
    return x
def second(x, y):
    if x > 2:
        return y
    return y + x
"""


def divided(source: str) -> Callable[..., Any]:
    return made(f"{HELPERS}def f(a, b, c):\n    return {source}\n", T=T, boom=boom, sure=sure)


@pytest.mark.parametrize("body", BODIES)
def test_the_first_fault_is_python_s(body: str) -> None:
    function = divided(body)
    for a, b, c in itertools.product(range(5), repeat=3):
        # With plain ints a division by zero raises, as a kernel's does.
        wanted = plain(with_ints(function), a, b, c)
        found = run(function, np.int64(a), np.int64(b), np.int64(c))
        assert alike(found, wanted), (a, b, c)


def with_ints(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the function index a list, so that elements are plain ints too."""

    def call(*args: int) -> Any:
        names = function.__globals__
        table = names["T"]
        names["T"] = table.tolist()
        try:
            found = function(*args)
        finally:
            names["T"] = table
        return found.item() if isinstance(found, np.ndarray) else found

    return call


def test_a_guarded_fault_is_none() -> None:
    def guarded(x: Any, y: Any) -> Any:
        if y != 0 and x // y > 1:
            return x % y if y > 0 else 0
        return -1

    for x, y in itertools.product(range(-3, 9), range(-2, 3)):
        assert run(guarded, np.int32(x), np.int32(y)) == guarded(x, y)


def test_pure_lazy_sides_become_operators() -> None:
    def f(x: Any, y: Any) -> Any:
        return (x > 0 and y < 3) or 0 < x < y < 5, max(y, x), x or y

    body = lowered(f, np.int64(1), np.int64(2)).function.body
    assert len(body) == 1  # the return alone


def test_statements_that_only_fail() -> None:
    check = "def check(x):\n    assert x < 2, 'too large'\n"
    f = "def f(x):\n    check(x)\n    g(x)\n    return x\n"
    g = "def g(x):\n    return T[x]\n"
    function = made(check + f + g, T=np.zeros(1))
    assert run(function, np.int64(0)) == 0
    assert run(function, np.int64(1)) == "IndexError"
    assert run(function, np.int64(2)) == "AssertionError"


def test_a_helper_that_always_raises() -> None:
    source = "def fail(x):\n    raise ValueError('no')\ndef f(x):\n    if x > 0:\n        return x\n    fail(x)\n"
    function = made(source)
    assert run(function, np.float64(1)) == 1.0
    assert run(function, np.float64(-1)) == "ValueError"


def test_what_follows_a_return_is_no_code() -> None:
    branch = "        if x > 100:\n            return x\n"
    loop = f"    while True:\n        x = x * 2\n{branch}        continue\n        x = 'a'\n"
    source = f"def f(x):\n{loop}    return {{}}\n"
    assert run(made(source), np.float64(1)) == 128.0


@pytest.mark.parametrize("kind", ["ValueError", "ZeroDivisionError", "RuntimeError", "KeyError", "ArithmeticError"])
def test_raise(kind: str) -> None:
    for text, message in ((f'raise {kind}("no")', "no"), (f"raise {kind}", ""), (f"raise {kind}()", "")):
        typed = lowered(made(f"def f(x):\n    if x > 0:\n        {text}\n    return x\n"), np.float64(1))
        site = typed.function.sites[0]
        assert (site.exception, site.message, site.line) == (kind, message, 3)
    assert math.isclose(run(made("def f(x):\n    assert x == x\n    return x\n"), np.float64(2)), 2.0)
