"""Functions of unusual size: handled, or refused by an error of the language."""

import sys
from typing import Any

import numpy as np
import pytest

from hybrid_rs.errors import CompileError
from lowered import lowered, made, run

X = np.float64(3)


def test_256_parameters() -> None:
    names = [f"p{place}" for place in range(256)]
    function = made(f"def f({', '.join(names)}):\n    return {' + '.join(names)}\n")
    assert run(function, *[np.int64(place) for place in range(256)]) == sum(range(256))


def test_deep_nesting() -> None:
    depth = 90  # Python's own limit is near 100
    lines = [f"{'    ' * (level + 1)}if x > {level}:" for level in range(depth)]
    lines += ["    " * (depth + 1) + "x = x + 1"]
    function = made("def f(x):\n" + "\n".join(lines) + "\n    return x\n")
    assert run(function, np.float64(depth)) == depth + 1
    assert run(function, np.float64(5)) == 5


@pytest.mark.parametrize("inner", ["({} + 1)", "abs({})", "(-{})", "({} if x > 0 else 0.5)", "min({}, 1e9)"])
def test_deep_expressions(inner: str) -> None:
    text = "x"
    for _ in range(80):
        text = inner.format(text)
    function = made(f"def f(x):\n    return {text}\n")
    assert run(function, X) == function(X)


def test_long_chains() -> None:
    function = made(f"def f(x):\n    return {' + '.join(['x'] * 500)}\n")
    assert run(function, np.int64(2)) == 1000
    function = made(f"def f(x):\n    return {' or '.join(['x > 3'] * 500 + ['x == 2'])}\n")
    assert run(function, np.int64(2))
    function = made(f"def f(x):\n    return {' < '.join(str(n) for n in range(200))} < x\n")
    assert run(function, np.int64(200))


def test_many_helpers_deep() -> None:
    source = "def h0(x):\n    return x + 1\n"
    source += "".join(
        f"def h{n}(x):\n    if x < 0:\n        return x\n    return h{n - 1}(x) + 1\n" for n in range(1, 40)
    )
    function = made(source + "def f(x):\n    return h39(x)\n")
    assert run(function, np.int64(1)) == 41
    assert run(function, np.int64(-1)) == -1


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"    x = x * 0.5 + {n}\n" for n in range(10_000)),
        "".join(f"    if x > {n}:\n        x = x - 1\n" for n in range(5_000)),
        "".join(f"    v{n} = x + {n}\n" for n in range(10_000)),
    ],
    ids=["assignments", "branches", "variables"],
)
@pytest.mark.slow
def test_ten_thousand_lines(body: str) -> None:
    function = made(f"def f(x):\n{body}    return x\n")
    typed = lowered(function, X)
    assert len(typed.function.body) >= 5_000


def refused_or_right(source: str, *args: Any) -> None:
    try:
        function = made(source)
    except (RecursionError, MemoryError, SyntaxError):
        return  # Python itself can't
    try:
        assert run(function, *args) == function(*args)
    except CompileError as error:
        assert "nested too deeply" in str(error) or "changed source" in str(error)  # noqa: PT017


def test_more_than_the_stack_holds() -> None:
    limit = sys.getrecursionlimit()
    refused_or_right(f"def f(x):\n    return {'-' * 900}x\n", X)
    refused_or_right(f"def f(x):\n    return {' + '.join(['x'] * 5000)}\n", X)
    chain = "    elif x == {}:\n        return {}\n"
    refused_or_right(
        "def f(x):\n    if x < 0:\n        return 0\n"
        + "".join(chain.format(n, n) for n in range(400))
        + "    return 1\n",
        X,
    )
    assert sys.getrecursionlimit() == limit
