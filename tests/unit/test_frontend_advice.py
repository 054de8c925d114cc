"""What errors advise: the name that was meant, what to write for NumPy's methods and for hash constants."""

import textwrap
from typing import Any

import numpy as np
import pytest

import hybrid_rs
from hybrid_rs.errors import CompileError
from lowered import lowered, made, run

F, I, U, C, T = np.float64(1), np.int64(1), np.uint64(1), np.int8(1), np.zeros(3)  # noqa: E741
HELPERS = "def helper(a, low=0):\n    return a\n"


def refused(body: str, *args: Any, **names: Any) -> str:
    function = made(f"{HELPERS}def f(value, y):\n{textwrap.indent(body, '    ')}\n", **names)
    with pytest.raises(CompileError) as caught:
        lowered(function, *(args or (F, F)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("vlaue + 1", "value"),
        ("total_ + value", "total"),
        ("SCALES * value", "SCALE"),
        ("tabel[0] * value", "table"),
        ("helpr(value)", "helper"),
        ("mxa(value, 1.0)", "max"),
        ("sqrt(value)", "math.sqrt"),
        ("clip(value, 0, 1)", "np.clip"),
        ("quot(1, 2)", "hr.quot"),
        ("value * pi", "math.pi"),
        ("value * math.PI", "math.pi"),
        ("math.sqr(value)", "math.sqrt"),
        ("np.sine(value)", "np.sin"),
        ("math.maximum(value, 1)", "np.maximum"),
        ("np.erf(value)", "math.erf"),
        ("np.floot32(value)", "np.float32"),
        ("pkg.sqrt(value)", "math.sqrt"),
        ("pkg.bitts(value)", "pkg.bits"),
    ],
)
def test_the_name_that_was_meant(expression: str, meant: str) -> None:
    body = f"total = 1.0\nreturn {expression} + total"
    message = refused(body, SCALE=2.0, table=T, pkg=hybrid_rs)
    assert message.startswith("unknown name: ")
    assert message.splitlines()[0].endswith(f"; did you mean {meant}?")
    assert message.splitlines()[-1] == f"write instead: {meant}"


@pytest.mark.parametrize("expression", ["foo(value)", "foo + 1", "math.foo(value)", "np.qqq", "q + 1", "zzz(value)"])
def test_nothing_is_guessed_from_afar(expression: str) -> None:
    message = refused(f"return {expression}", x=1.0)
    assert message.startswith("unknown name: ")
    assert "did you mean" not in message


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("value.astype(np.float32)", "np.float32(value)"),
        ("value.astype('int8')", "np.int8(value)"),
        ("value.astype('f4')", "np.float32(value)"),
        ("value.astype(float)", "float(value)"),
        ("(value + y).astype(np.uint16)", "np.uint16(value + y)"),
        ("value.astype(np.bool_)", "np.bool_(value)"),
        ("value.astype(y)", "np.float32(value), or another NumPy type"),
        ("value.clip(0, y)", "np.clip(value, 0, y)"),
        ("value.round()", "np.round(value)"),
        ("value.is_integer()", "value == math.floor(value)"),
        ("value.imag", "0"),
    ],
)
def test_methods_of_numbers(expression: str, advice: str) -> None:
    message = refused(f"return {expression}")
    assert message.splitlines()[-1] == f"write instead: {advice}"
    assert "types: value" in message


@pytest.mark.parametrize(
    ("body", "args", "advice"),
    [
        ("return value.sum()", (F, F), "value itself: a kernel sees one element at a time"),
        ("return value.item() + value.real", (F, F), "value itself: a kernel sees one element at a time"),
        ("z = y * 2\nreturn len(z)", (F, F), "no len: a kernel sees one element at a time, and z is a number"),
        ("z = y * 2\nreturn z[0]", (F, F), "z itself: a kernel sees one element at a time"),
        ("for v in value:\n    y += v\nreturn y", (F, F), "no loop: a kernel sees one element at a time, here value"),
        ("for v in value:\n    y += v\nreturn y + len(value)", (T, F), "for i in range(len(value)), with value[i]"),
        ("return value / len(value)", (T, F), "one of its elements, as `value[i]`; for value as one element"),
        ("y[0] = value\nreturn y", (F, T), "return the value: the call puts each element's result in its place"),
        ("return value.sum() + value[0]", (T, F), "a `for` loop over range(len(value)), with value[i] in it"),
        ("return max(value)", (F, F), "two or more numbers: a kernel sees one element at a time"),
        ("return np.sum(value)", (F, F), "nothing: a kernel sees one element at a time"),
        ("return np.ones(3)[0]", (F, F), "numbers in variables"),
        ("return np.random.random()", (F, F), "random numbers made outside"),
        ("return math.hypot(value, y, y)", (F, F), "math.sqrt(x * x + y * y + z * z)"),
        ("return helper(value, lo=1)", (F, F), "one of its own: a, low"),
    ],
)
def test_one_element_at_a_time(body: str, args: tuple[Any, ...], advice: str) -> None:
    assert refused(body, *args).splitlines()[-1].startswith(f"write instead: {advice}")


HASH = """
    h = {start}
    for i in range(8):
        h = (h ^ {byte}) * 0x100000001b3
    return h
"""


def test_hash_constants() -> None:
    message = refused("return value * 0x9E3779B97F4A7C15", I, I)
    assert message.splitlines()[-1].startswith(
        "write instead: np.uint64(0x9E3779B97F4A7C15), and np.uint64(...) around"
    )
    message = refused("return value * GOLDEN", I, I, GOLDEN=0x9E3779B97F4A7C15)
    assert message.splitlines()[-1].startswith("write instead: np.uint64(GOLDEN), and np.uint64(...) around")
    message = refused("h = 0xcbf29ce484222325\nreturn (h ^ value) * 3", I, I)
    assert message.splitlines()[-1].startswith("write instead: np.uint64(value), which wraps below 0; or np.int64(h), ")
    assert "\ntypes: h is uint64, value is int64\n" in message
    message = refused("h = value\nh = np.uint64(3)\nreturn h", I, I)
    assert message.splitlines()[-1].startswith("write instead: np.uint64(...) around every value that is signed")
    assert refused("return value + 300", C, C).splitlines()[-1].endswith("np.int64(...) around the other operand")


@pytest.mark.parametrize("x", [0, 1, 2**40 + 12345, 2**63 - 1])
def test_what_is_advised_for_hashes_works(x: int) -> None:
    body = HASH.format(start="np.uint64(0xcbf29ce484222325)", byte="np.uint64((x >> (8 * i)) & 255)")
    wanted = 0xCBF29CE484222325
    for i in range(8):
        wanted = (wanted ^ ((x >> 8 * i) & 255)) * 0x100000001B3 % 2**64
    found = run(made(f"def f(x):{body}"), np.int64(x))
    assert found.dtype == np.uint64
    assert found == wanted


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (
            "for c in COEF:\n    value += c\nreturn value",
            "COEF = np.array(...) above the kernel, and for i in range(len(",
        ),
        ("for i in reversed(range(3)):\n    value += i\nreturn value", "`for i in range(n - 1, -1, -1)`"),
        ("return max([value, y])", "max(value, y)"),
        ("return value > 1 & y < 3", "parentheses around the comparisons, `(a < b) & (c < d)`, or Python's `and`"),
        ("return value > 1 | y", "int(...) around the floats, or hr.bits(x)"),
        ("return value & 1", "int(...) around the floats, or hr.bits(x)"),
    ],
)
def test_habits(body: str, advice: str) -> None:
    assert refused(body, COEF=(1.0, 2.0)).splitlines()[-1].startswith(f"write instead: {advice}")


def test_long_lines_are_cut() -> None:
    terms = " + ".join(["value"] * 60)
    for body, at in (
        (f"return {terms} + vlaue", -1),
        (f"return vlaue + {terms}", 0),
        (f"return {terms} + vlaue + {terms}", 1),
    ):
        _, _, shown, carets, *_ = refused(body).splitlines()
        assert len(shown) <= 4 + 120 + 6
        assert shown[carets.index("^") : carets.rindex("^") + 1] == "vlaue"
        assert (shown.startswith("    ..."), shown.endswith("...")) == {
            -1: (True, False),
            0: (False, True),
            1: (True, True),
        }[at]
