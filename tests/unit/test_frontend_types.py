"""The types of expressions, variables and results, against NumPy's promotion (NEP 50) and the rules of the language."""

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hybrid_rs import language as hr
from hybrid_rs.errors import CompileError
from lowered import lowered, made, run

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
NUMBERS = (*INTEGERS, "float32", "float64")
PAIRS = list(itertools.product(NUMBERS, repeat=2))


def one(name: str) -> Any:
    return np.dtype(name).type(1)


def results(function: Callable[..., Any], *args: object) -> list[str]:
    return [type_.name for type_ in lowered(function, *args).function.results]


def arithmetic(a: Any, b: Any) -> Any:
    return a + b, a - b, a * b, a // b, a % b, min(a, b), np.maximum(a, b), np.where(a > b, a, b), max(b, a)


def bitwise(a: Any, b: Any) -> Any:
    return a & b, a | b, a ^ b, a << b, a >> b, hr.quot(a, b), hr.rem(a, b), a**b


def mixes_uint64(a: str, b: str) -> bool:
    return {np.dtype(a).kind, np.dtype(b).kind} == {"i", "u"} and "uint64" in {a, b}


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_arithmetic_promotes_as_numpy(a: str, b: str) -> None:
    if mixes_uint64(a, b):
        with pytest.raises(CompileError, match="incompatible types"):
            lowered(arithmetic, one(a), one(b))
        return
    wanted = np.promote_types(a, b).name
    assert set(results(arithmetic, one(a), one(b))) == {wanted}
    # A variable that both are assigned to has the same type.
    both = made("def f(a, b):\n    x = a\n    if a > b:\n        x = b\n    return x\n")
    assert results(both, one(a), one(b)) == [wanted]
    several = made("def f(a, b):\n    if a > b:\n        return a\n    return b\n")
    assert results(several, one(a), one(b)) == [wanted]


@pytest.mark.parametrize(("a", "b"), list(itertools.product(INTEGERS, repeat=2)))
def test_bitwise_operators_promote_as_numpy(a: str, b: str) -> None:
    if not mixes_uint64(a, b):
        assert set(results(bitwise, one(a), one(b))) == {np.promote_types(a, b).name}


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_division_gives_floats(a: str, b: str) -> None:
    if not mixes_uint64(a, b):
        promoted = np.promote_types(a, b)
        wanted = promoted.name if promoted.kind == "f" else "float64"
        assert results(lambda a, b: a / b, one(a), one(b)) == [wanted]


@pytest.mark.parametrize("name", NUMBERS)
def test_literals_take_the_type_of_what_they_meet(name: str) -> None:
    x = one(name)

    def whole(x: Any) -> Any:
        return x + 1, 2 * x, x - (3 - 1), min(x, 100), x // 3, 1 if x > 0 else x

    def real(x: Any) -> Any:
        return x + 1.5, 2.0 * x, x * math.pi, max(0.0, x)

    # NumPy 1 has these rules for arrays with Python numbers, if not for its scalars.
    assert set(results(whole, x)) == {(np.ones(1, name) + 1).dtype.name} == {name}
    assert set(results(real, x)) == {(np.ones(1, name) + 1.5).dtype.name}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("number", [3, 2.5])
def test_python_numbers_are_weak_arguments(name: str, number: float) -> None:
    x = one(name)
    wanted = (np.ones(1, name) + number).dtype.name
    assert results(operator_sum, x, number) == [wanted]
    assert results(operator_sum, number, x) == [wanted]


def operator_sum(a: Any, b: Any) -> Any:
    return a + b


def test_casts_of_weak_arguments_are_told() -> None:
    def f(x: Any, n: Any, m: Any) -> Any:
        return x + n, n + m, x < m

    typed = lowered(f, np.int8(1), 5, 7)
    # A comparison is exact, so that it casts nothing that might not fit.
    assert [(place, type_.name) for place, type_ in typed.casts] == [(1, "int8")]
    assert lowered(f, np.float32(1), 5, 7).casts == ()


def test_weak_arguments_through_helpers_and_tables() -> None:
    source = "def g(a, b):\n    return a * b\ndef f(x, n):\n    return g(x, n)\n"
    typed = lowered(made(source), np.int16(1), 5)
    assert [(place, type_.name) for place, type_ in typed.casts] == [(1, "int16")]
    assert typed.function.results[0].name == "int16"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("y = 0\nreturn y", "int64"),
        ("y = 0.5\nreturn y", "float64"),
        ("y = 0\ny = 0.5\nreturn y", "float64"),
        ("y = 0\ny = x\nreturn y", "int8"),
        ("y = 0\nfor i in range(3):\n    y = y + x\nreturn y", "int8"),
        ("y = 0\nfor i in range(3):\n    y += 1\nreturn y", "int64"),
        ("y = 0\nfor i in range(3):\n    y = y + i\nreturn y", "int64"),
        ("y = 0\nz = y + x\nreturn z", "int64"),
        ("y = x\ny = y / 2\nreturn y", "float64"),
        ("y = x\ny = 300 - 200\nreturn y", "int8"),
        ("y = True\ny = x > 0\nreturn y", "bool"),
        ("y = x\nz = y\ny = np.int32(z)\nreturn z", "int32"),
        ("y = 0\nz = 0\nfor i in range(3):\n    y = z\n    z = y + x * 0.5\nreturn y", "float64"),
        ("y = np.int16(x)\nz = np.uint16(x)\nw = y\nw = z\nw = np.float32(x)\nreturn w", "float32"),
        ("w = np.float32(x)\nw = np.int16(x)\nw = np.uint16(x)\nreturn w", "float32"),
        ("a = x\na = math.sqrt(x)\nreturn a", "float64"),
        ("return 1", "int64"),
        ("return 2**63", "uint64"),
        ("if x > 0:\n    return 1\nreturn 0.5", "float64"),
        ("if x > 0:\n    return 1\nreturn x", "int8"),
        ("return True + True", "int64"),
        ("return (x > 0) + x", "int8"),
        ("return (x > 0) * 0.5", "float64"),
        ("return (x > 0) & (x < 3)", "bool"),
        ("return (x > 0) & x", "int8"),
        ("return x and 3", "int8"),
        ("x = x + 1\nreturn x", "int8"),
        ("x = x * 0.5\nreturn x", "float64"),
        ("return int(x)", "int64"),
        ("return round(x)", "int64"),
        ("return float(x)", "float64"),
        ("return np.floor(x)", "float64"),
        ("return math.floor(x)", "int64"),
        ("return np.float32(x) * math.pi", "float32"),
        ("return np.float32(x) * math.sqrt(2)", "float32"),
        ("return math.sin(np.float32(x))", "float32"),
        ("return math.sin(x)", "float64"),
        ("return hr.bits(np.float32(x))", "uint32"),
        ("return hr.from_bits(np.uint64(x))", "float64"),
        ("return np.sign(x)", "int8"),
        ("return hr.fma(np.float32(x), 2, 1)", "float32"),
        ("for i in range(x):\n    return i\nreturn 0", "int64"),
        ("for i in range(np.uint64(x)):\n    return i\nreturn 0", "uint64"),
        ("return abs(-x), -x", "int8"),
    ],
)
def test_the_type_of(body: str, wanted: str) -> None:
    source = "def f(x):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert set(results(made(source), np.int8(3))) == {wanted}


@pytest.mark.parametrize("op", ["add", "sub", "mul", "neg", "abs", "cast"])
def test_overflow_raises_where_asked(op: str) -> None:
    functions = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}
    body = {"neg": "-x", "abs": "abs(x)", "cast": "np.int8(x + y)", "add": "x + y", "sub": "x - y", "mul": "x * y"}[op]
    function = made(f"def f(x, y):\n    return {body}\n")
    for x, y in itertools.product((-128, -1, 5, 127), (-128, -1, 1, 127)):
        a, b = (np.int16(x), np.int16(y)) if op == "cast" else (np.int8(x), np.int8(y))
        exact = {"neg": -x, "abs": abs(x), "cast": x + y}.get(op) if op not in functions else functions[op](x, y)
        assert exact is not None
        wrapped = (exact + 128) % 256 - 128
        assert run(function, a, b) == wrapped
        assert run(function, a, b, overflow="raise") == (exact if exact == wrapped else "OverflowError")


@pytest.mark.parametrize("body", ["np.square(x)", "x ** 2", "x ** 3", "x ** 4", "x ** 7", "pow(x, 5)"])
def test_powers_by_literals_are_checked_then(body: str) -> None:
    function = made(f"def f(x):\n    return {body}\n")
    exact = made(f"def f(x):\n    return {body.replace('np.square(x)', 'x * x')}\n")
    for x in (-128, -12, -11, -3, -2, -1, 0, 1, 2, 3, 5, 11, 12, 127):
        wanted = exact(x)
        found = run(function, np.int8(x), overflow="raise")
        assert found == (wanted if -128 <= wanted <= 127 else "OverflowError")


def test_what_wraps_even_then() -> None:
    """Shifts, powers by a variable and divisions, and a loop's own counting."""
    function = made("def f(x, y):\n    return x << 7, x**y, x // -1, x << y\n")
    assert run(function, np.int8(-127), np.int8(1), overflow="raise") == (-128, -127, 127, 2)
    assert run(function, np.int8(-128), np.int8(9), overflow="raise") == (0, 0, -128, 0)
    counting = made("def f(x):\n    n = 0\n    for i in range(x, 2**63 - 1, 2**62):\n        n = n ^ 1\n    return n\n")
    assert run(counting, np.int64(2**63 - 3), overflow="raise") == 1


@pytest.mark.parametrize(
    ("value", "wanted"), [(1e30, None), (math.nan, None), (-128.9, -128), (127.5, 127), (128.0, None)]
)
def test_checked_casts_of_floats(value: float, wanted: int | None) -> None:
    function = made("def f(x):\n    return np.int8(x)\n")
    assert run(function, np.float64(value), overflow="raise") == ("OverflowError" if wanted is None else wanted)
