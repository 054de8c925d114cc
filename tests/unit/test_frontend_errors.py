"""What is outside of the language: each construct gives its place, a caret below it, and what to write instead."""

import pickle
import re
import textwrap
from typing import Any

import numpy as np
import pytest

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import load
from lowered import lowered, made

F, I, U, H, B, C = np.float64(1), np.int64(1), np.uint64(1), np.float32(1), True, np.int8(1)  # noqa: E741
T = np.zeros(3)

# The kernel's text, its arguments, the first line of the message, and what the caret stands below.
CASES: list[tuple[str, tuple[Any, ...], str, str]] = [
    ('y = "a" + x\nreturn x', (F,), "unsupported: strings", '"a"'),
    ("y = f'{x}'\nreturn x", (F,), "unsupported: strings", "f'{x}'"),
    ("return b'a'", (F,), "unsupported: bytes", "b'a'"),
    ("return 1j * x", (F,), "unsupported: complex numbers", "1j"),
    ("y = None\nreturn x", (F,), "unsupported: None", "None"),
    ("y = ...\nreturn x", (F,), "unsupported: ...", "..."),
    ("return {1: 2}[x]", (F,), "unsupported: dicts", "{1: 2}"),
    ("return {x}", (F,), "unsupported: sets", "{x}"),
    ("return [x]", (F,), "unsupported: lists", "[x]"),
    ("y = [i for i in range(3)]\nreturn x", (F,), "unsupported: comprehensions", "[i for i in range(3)]"),
    ("y = {i for i in range(3)}\nreturn x", (F,), "unsupported: comprehensions", "{i for i in range(3)}"),
    ("y = {i: i for i in range(3)}\nreturn x", (F,), "unsupported: comprehensions", "{i: i for i in range(3)}"),
    ("y = abs(i for i in range(3))\nreturn x", (F,), "unsupported: generator", "(i for i in range(3))"),
    ("g = lambda y: y\nreturn x", (F,), "unsupported: lambdas", "lambda y: y"),
    ("if (y := x) > 0:\n    return y\nreturn x", (F,), "unsupported: `:=`", "y := x"),
    ("return t[0:1]", (T,), "unsupported: slices", "0:1"),
    ("return t[None]", (T,), "unsupported: this index", "None"),
    ("return math.sin(*t)", (T,), "unsupported: star arguments", "*t"),
    ("x, *y = 1, 2\nreturn x", (F,), "unsupported: star targets", "x, *y"),
    ("try:\n    return x\nexcept ValueError:\n    return 0", (F,), "unsupported: try", "try:"),
    ("with x:\n    return 0", (F,), "unsupported: with", "with x:"),
    ("def g(y):\n    return y\nreturn x", (F,), "unsupported: nested functions", "def g(y):"),
    ("class A: pass\nreturn x", (F,), "unsupported: classes", "class A: pass"),
    ("y = x\ndel y\nreturn x", (F,), "unsupported: del", "del y"),
    ("import math\nreturn x", (F,), "unsupported: import", "import math"),
    ("from math import pi\nreturn x", (F,), "unsupported: import", "from math import pi"),
    ("global g\nreturn x", (F,), "unsupported: global", "global g"),
    ("match x:\n    case 1:\n        return x\nreturn x", (F,), "unsupported: match", "match x:"),
    ("for i in range(3):\n    x += 1\nelse:\n    x = 1\nreturn x", (F,), "unsupported: else after a loop", "x = 1"),
    ("while x > 0:\n    x -= 1\nelse:\n    x = 1\nreturn x", (F,), "unsupported: else after a loop", "x = 1"),
    ("for i, j in t:\n    pass\nreturn 1", (F,), "unsupported: this loop variable", "i, j"),
    ("for i in t:\n    pass\nreturn t[0]", (T,), "unsupported: a loop over anything but range", "t"),
    ("for i in range(x):\n    pass\nreturn 1", (F,), "unsupported: a range of float64", "x"),
    ("for i in range():\n    pass\nreturn 1", (F,), "range takes one to three arguments", "range()"),
    ("for i in range(y, x):\n    pass\nreturn 1", (U, I), "incompatible types: uint64", "x"),
    ("return x in (1, 2)", (F,), "unsupported: `in`", "x in (1, 2)"),
    ("return x is None", (F,), "unsupported: `is`", "x is None"),
    ("return x @ x", (F,), "unsupported: `@`", "x @ x"),
    ("return x.real", (F,), "unsupported: the attribute .real of a number", "x.real"),
    ("return x.astype(np.int8)", (F,), "unsupported: the method .astype of a number", "x.astype"),
    ("return G.a", (F,), "unsupported: the attribute .a of an object of type ValueError", "G.a"),
    ("return t.sum() + t[0]", (T,), "unsupported: `.sum` of a table", "t.sum"),
    ("return foo(x)", (F,), "unknown name: foo", "foo"),
    ("return foo + x", (F,), "unknown name: foo", "foo"),
    ("return math.foo(x)", (F,), "unknown name: math has no foo", "math.foo"),
    ("return np.convolve(x, x)", (F,), "unsupported: a call of np.convolve", "np.convolve(x, x)"),
    ("print(x)\nreturn x", (F,), "unsupported: a call of print", "print(x)"),
    ("return sum(t) + t[0]", (T,), "unsupported: a call of sum", "sum(t)"),
    ("return G(x)", (F,), "unsupported: a call of G", "G(x)"),
    ("return x(1)", (F,), "unsupported: a call of x, which is a number", "x(1)"),
    ("return (lambda y: y)(x)", (F,), "unsupported: this call", "(lambda y: y)(x)"),
    ("return math", (F,), "unsupported: a module by itself", "math"),
    ("return math.sin", (F,), "unsupported: a function by itself", "math.sin"),
    ("return L[0] * x", (F,), "unsupported: a list", "L"),
    ("return math.sin(x, x)", (F,), "math.sin takes 1 argument here, not 2", "math.sin(x, x)"),
    ("return round(x, 2)", (F,), "round takes 1 argument here, not 2", "round(x, 2)"),
    ("return min(x)", (F,), "unsupported: min of one argument", "min(x)"),
    ("return max(x, key=abs)", (F,), "unsupported: keyword arguments of max", "key=abs"),
    ("return np.float16(x)", (F,), "unsupported: a call of np.float16", "np.float16(x)"),
    ("return len(x)", (F,), "unsupported: len of anything but a table", "len(x)"),
    ("return x / y", (I, U), "incompatible types: int64 and uint64", "x / y"),
    ("return x + y", (C, U), "incompatible types: int8 and uint64", "x + y"),
    ("return ~x", (B,), "unsupported: `~` of a bool", "~x"),
    ("return ~x", (F,), "unsupported: `~` of a float", "~x"),
    ("return x & 1", (F,), "unsupported: `&` of floats", "x & 1"),
    ("return x << 1", (F,), "unsupported: `<<` of floats", "x << 1"),
    ("return x or True", (F,), "incompatible types: bool and a number in `or`", "x or True"),
    ("return x if x > 0 else False", (F,), "incompatible types: bool and a number", "x if x > 0 else False"),
    ("return x + 300", (C,), "literal out of range: 300 does not fit int8", "300"),
    ("return x + 10**30", (I,), "literal out of range: 10000", "10**30"),
    ("return x + 1e300", (H,), "literal out of range: 1e+300 does not fit float32", "1e300"),
    ("y = 2**100\nreturn x", (F,), "literal out of range: 12676506", "y"),
    ("return np.int8(300) + x", (I,), "literal out of range: 300 does not fit int8", "np.int8(300)"),
    ("return x ** -1", (I,), "unsupported: a negative power of an integer", "-1"),
    ("return hr.bits(x)", (I,), "unsupported: bits of a value that is no float", "hr.bits(x)"),
    ("return hr.from_bits(x)", (I,), "unsupported: from_bits", "hr.from_bits(x)"),
    ("return hr.quot(x, 2.0)", (F,), "unsupported: quot of floats", "hr.quot(x, 2.0)"),
    ("y = 1.0\nif x > 0:\n    y = True\nreturn y", (F,), "incompatible types: y is float64, and gets bool", "y"),
    (
        "y = x\ny = y + 0\nif y > 1:\n    y = z\nreturn y",
        (I, U),
        "incompatible types: y is int64, and gets uint64",
        "y",
    ),
    ("y = y + 1\nreturn y", (F,), "y is used before it is assigned", "y"),
    ("y: int\nreturn y", (F,), "y is used before it is assigned", "y"),
    ("y += 1\nreturn y", (F,), "y is used before it is assigned", "y"),
    ("if x > 0:\n    y = 1\nreturn y", (F,), "y may be unassigned here", "y"),
    ("for i in range(3):\n    y = i\nreturn y", (F,), "y may be unassigned here", "y"),
    ("for i in range(3):\n    pass\nreturn i", (F,), "i may be unassigned here", "i"),
    ("while x > 0:\n    y = 1\nreturn y", (F,), "y may be unassigned here", "y"),
    ("if x > 0:\n    return x", (F,), "missing return", "if x > 0:"),
    ("while x > 0:\n    return x", (F,), "missing return", "while x > 0:"),
    ("pass", (F,), "missing return", "pass"),
    ("raise ValueError", (F,), "f never returns a value", "def f(x):"),
    ("return", (F,), "unsupported: a return without a value", "return"),
    ("return None", (F,), "unsupported: a return without a value", "return None"),
    ("return ()", (F,), "unsupported: a return of no values", "return ()"),
    ("if x > 0:\n    return 1, 2\nreturn 3", (F,), "this return gives 1 values, another one 2", "return 3"),
    ("if x > 0:\n    return True\nreturn 3", (F,), "incompatible types: the result is bool", "return 3"),
    ("a, b = x\nreturn a", (F,), "unsupported: several names for one value", "x"),
    ("a, b = 1, 2, 3\nreturn a", (F,), "2 names for 3 values", "1, 2, 3"),
    ("a = 1, 2\nreturn x", (F,), "unsupported: a would be a tuple", "1, 2"),
    ("(a, b), c = 1, 2\nreturn x", (F,), "unsupported: nested tuples", "(a, b)"),
    ("t[0] = 1.0\nreturn t[0]", (T,), "unsupported: an assignment to an element", "t[0]"),
    ("t[0] += 1.0\nreturn t[0]", (T,), "unsupported: an assignment to an element", "t[0]"),
    ("y = t[0]\nt = 1\nreturn y", (T,), "unsupported: an assignment to t, which is a table", "t"),
    ("u = t\nreturn t[0]", (T,), "unsupported: another name for a table", "t"),
    ("return t + t[0]", (T,), "unsupported: a whole table where a number is needed", "t"),
    ("x.a = 1\nreturn x", (F,), "unsupported: an assignment to an attribute", "x.a"),
    ("return t[0, 0] + len(t)", (np.zeros(2),), "2 indices for a table of 1 axes", "t[0, 0]"),
    ("return t[0] + t[0][1]", (np.zeros((2, 2)),), "1 index for a table of 2 axes", "t[0]"),
    ("return t[1.0]", (T,), "unsupported: an index that is a literal float", "1.0"),
    ("return t[t[0]]", (T,), "unsupported: an index that is float64", "t[0]"),
    ("return t.shape[x] + t[0]", (T, I), "unsupported: this index into a tuple", "x"),
    (
        "raise KeyboardInterrupt()",
        (F,),
        "unsupported: raise of anything but a built-in exception",
        "KeyboardInterrupt()",
    ),
    ("raise ValueError('a', 'b')", (F,), "unsupported: an exception with several arguments", "ValueError('a', 'b')"),
    ("raise ValueError(f'{x}')", (F,), "unsupported: the text must be known", "f'{x}'"),
    ("raise ValueError('a') from None", (F,), "unsupported: this form of raise", "raise ValueError('a') from None"),
    ("raise", (F,), "unsupported: this form of raise", "raise"),
    ("raise UnicodeDecodeError('a')", (F,), "unsupported: UnicodeDecodeError can't be made", "UnicodeDecodeError('a')"),
    ("assert x > 0, x\nreturn x", (F,), "unsupported: the message must be known", "x"),
    ("x\nreturn x", (F,), "unsupported: an expression whose value nobody uses", "x"),
    ("return f(x - 1)", (F,), "unsupported: recursion in a kernel (f -> f)", "f(x - 1)"),
]


def kernel_of(body: str, count: int) -> str:
    parameters = {0: "", 1: "x", 2: "x, y"}[count]
    if re.search(r"\bt\b", body):
        parameters = "t" if count == 1 else "t, x"
    if re.search(r"\bz\b", body):
        parameters = "x, z"
    if "range(y" in body:
        parameters = "y, x"
    return f"def f({parameters}):\n{textwrap.indent(body, '    ')}\n"


@pytest.mark.parametrize(("body", "args", "message", "below"), CASES)
def test_what_is_refused(body: str, args: tuple[Any, ...], message: str, below: str) -> None:
    function = made(kernel_of(body, len(args)), G=ValueError(), L=[1, 2])
    with pytest.raises(CompileError) as caught:
        lowered(function, *args)
    error = caught.value
    lines = str(error).splitlines()
    assert lines[0].startswith(message)
    assert lines[1].endswith(", in f")
    assert f"line {error.lineno}," in lines[1]
    # The caret stands below the construct, in the line as in the message.
    assert error.filename == function.__code__.co_filename
    assert error.text is not None
    assert error.offset is not None
    assert error.text[error.offset - 1 :].startswith(below)
    shown, carets = lines[2], lines[3]
    assert shown[carets.index("^") : carets.rindex("^") + 1] == below
    assert lines[-1].startswith("write instead: ")
    assert len(lines[-1]) > len("write instead: ") + 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(*a):\n    return 1\n", "unsupported: star parameters (*a)"),
        ("def f(x, **a):\n    return 1\n", "unsupported: star parameters (*a)"),
        ("def f(x, *, y):\n    return 1\n", "unsupported: the keyword-only parameter y"),
        ("async def f(x):\n    return x\n", "unsupported: an async function"),
        ("def f(x):\n    yield x\n", "unsupported: yield"),
        ("def f(x):\n    yield from x\n", "unsupported: yield"),
    ],
)
def test_forms_of_functions_that_are_refused_at_once(source: str, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        load(made(source))
    assert str(caught.value).startswith(message)
    assert "write instead: " in str(caught.value)
    assert caught.value.lineno in {1, 2}


def test_the_types_are_shown() -> None:
    with pytest.raises(CompileError) as caught:
        lowered(made("def f(x, y):\n    return x / (y + 1)\n"), I, U)
    assert "\ntypes: x is int64, y + 1 is uint64\n" in str(caught.value)


def test_the_whole_message() -> None:
    with pytest.raises(CompileError) as caught:
        lowered(made("def f(x):\n    if x > 0:\n        x = x & 3\n    return x\n"), F)
    file = caught.value.filename
    assert str(caught.value) == (
        "unsupported: `&` of floats\n"
        f"  {file}, line 3, in f\n"
        "    x = x & 3\n"
        "        ^^^^^\n"
        "types: x is float64, 3 is a literal int\n"
        "write instead: int(...) around the floats, or hr.bits(x)"
    )


def test_a_helper_shows_who_called_it() -> None:
    source = """
        def g(y):
            s = "a"
            return y

        def h(y):
            return g(y) + 1

        def f(x):
            return h(x)
    """
    with pytest.raises(CompileError) as caught:
        lowered(made(textwrap.dedent(source).lstrip()), F)
    file = caught.value.filename
    assert caught.value.lineno == 2
    assert f"  called from {file}, line 6, in h\n  called from {file}, line 9, in f\n" in str(caught.value)


def test_recursion_names_the_chain() -> None:
    source = "def g(y):\n    return h(y)\ndef h(y):\n    return g(y)\ndef f(x):\n    return h(x)\n"
    with pytest.raises(CompileError, match=re.escape("recursion in a kernel (f -> h -> g -> h)")):
        lowered(made(source), F)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("g(x)", "g gets no b"),
        ("g(x, 1, 2)", "g takes 2 arguments, not 3"),
        ("g(x, c=1)", "g has no parameter c"),
        ("g(x, a=1)", "g gets a twice"),
        ("g(**x)", "unsupported: star arguments"),
        ("g(*x)", "unsupported: star arguments"),
        ("g(1, 'a')", "unsupported: strings"),
        ("g(x, x)(x)", "unsupported: this call"),
        ("h(x)", "h gets no b"),
        ("d(x)", "unsupported: the default value of b in d"),
        ("n(x)", "missing return: n"),
        ("r(x)", "unsupported: a call that gives no value"),
        ("p(x) + 1", "unsupported: a call that gives no value"),
    ],
)
def test_calls_of_helpers_that_do_not_fit(call: str, message: str) -> None:
    source = f"""
        def g(a, b):
            return a

        def h(a, *, b):
            return a

        def d(a, b="text"):
            return a

        def n(a):
            if a > 0:
                return a

        def r(a):
            raise ValueError

        def p(a):
            assert a > 0

        def f(x):
            y = {call}
            return y + x
    """
    with pytest.raises(CompileError, match=re.escape(message)):
        lowered(made(textwrap.dedent(source).lstrip()), F)


def test_columns_count_characters() -> None:
    with pytest.raises(CompileError) as caught:
        lowered(made('def f(größe):\n    return größe + größe * "ü"\n'), F)
    assert caught.value.offset == len('    return größe + größe * "')
    line, carets = str(caught.value).splitlines()[2:4]
    assert line[carets.index("^") :] == '"ü"'
    assert carets.count("^") == 3


def test_errors_survive_pickling() -> None:
    with pytest.raises(CompileError) as caught:
        lowered(made("def f(x):\n    return None\n"), F)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    place = [(error.filename, error.lineno, error.offset, error.text) for error in (again, caught.value)]
    assert place[0] == place[1]


def test_an_error_that_only_first_types_have_is_none() -> None:
    # While z's type isn't settled it is int64, which doesn't go with uint64; in the end it is float64.
    source = """
        def f(n, u):
            z = n
            s = 0.0
            for i in range(3):
                s = s + (z + u)
                z = z * 0.5
            return s
    """
    source = textwrap.dedent(source).lstrip()
    found = lowered(made(source), I, U).function
    assert [type_.name for type_ in found.results] == ["float64"]


def test_declared_results_are_cast_by_the_same_kind_rule() -> None:
    from hybrid_rs.ir.types import named

    def whole(x: Any) -> Any:
        return x

    names = ("bool", "int8", "uint8", "int64", "uint64", "float32", "float64")
    for given in names:
        for declared in names:
            value = np.dtype(given).type(1)
            try:
                found = lowered(whole, value, results=(named(declared),)).function.results[0].name
            except CompileError as error:
                assert not np.can_cast(given, declared, "same_kind")
                assert f"the signature says {declared}" in str(error)  # noqa: PT017
            else:
                assert np.can_cast(given, declared, "same_kind")
                assert found == declared


def test_a_signature_of_another_number_of_results() -> None:
    from hybrid_rs.ir.types import FLOAT64

    with pytest.raises(CompileError, match="this return gives 1 values, the signature 2"):
        lowered(made("def f(x):\n    return x\n"), F, results=(FLOAT64, FLOAT64))
