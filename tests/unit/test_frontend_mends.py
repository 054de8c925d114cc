"""Numbers at the ends of the rules: huge literals, sums of Python numbers, kernels in kernels, changed sources."""

import linecache
import math
from typing import Any

import numpy as np
import pytest

import hybrid_rs
from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import MISSING
from lowered import alike, lowered, made, plain, run

HUGE = 2**1200


def of(expression: str, **names: Any) -> Any:
    return made(f"def f(x):\n    return {expression}\n", **names)


@pytest.mark.parametrize(
    "expression",
    ["2**1100 % 7", "K % 7", "K // 3**700 % 1000", "1 << 4000 >> 3990", "2**1100 / 2**1099", "(-1)**10**6", "2**-5000"],
)
def test_literals_are_exact(expression: str) -> None:
    function = of(expression, K=HUGE)
    assert run(function, 1.0) == plain(function, 1.0)


@pytest.mark.parametrize(
    "expression",
    [
        "2**1025",
        "9**9**9",
        "1 << 5000",
        "1 << 2**70",
        "float(2**1100)",
        "x + 2**1100",
        "K * K * K * K",
        "K / 3",
        "x + K",
    ],
)
def test_literals_that_nothing_holds(expression: str) -> None:
    with pytest.raises(CompileError, match="literal out of range") as caught:
        run(of(expression, K=HUGE), np.float64(1))
    assert caught.value.lineno == 2


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("limit", ["2**1100", "-2**1100", "K"])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_comparisons_with_huge_literals(sign: str, limit: str, kind: Any) -> None:
    known = eval(limit, {"K": HUGE})
    for expression in (f"x {sign} {limit}", f"{limit} {sign} x"):
        function = of(expression, K=HUGE)
        values = (0, 1, -1) if kind is np.int64 else (0.0, 1e30, -1e30, math.inf, -math.inf, math.nan)
        for x in values:
            exact = eval(expression.replace(limit, str(known)), {"x": x})
            assert run(function, kind(x)) == exact


@pytest.mark.parametrize("expression", ["1.5 << 2", "K & 1", "1 | K", "x ^ K", "K >> 1"])
def test_bits_of_float_literals(expression: str) -> None:
    with pytest.raises(CompileError, match="of floats") as caught:
        run(of(expression, K=2.5), np.int64(1))
    assert caught.value.lineno == 2


@pytest.mark.parametrize("expression", ["x + (k + 1)", "x * -k", "x & (k - 1)", "x + (k if k > 3 else 5)"])
@pytest.mark.parametrize("k", [-129, -128, -1, 1, 6, 126, 127, 128, 300])
def test_sums_of_python_numbers_do_not_wrap(expression: str, k: int) -> None:
    function = made(f"def f(x, k):\n    return {expression}\n")
    wanted = plain(function, np.int8(3), k)
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("NumPy 1 looks at a number's value for its type")
    assert run(function, np.int8(3), k) == wanted


def test_a_bare_python_number_is_checked_at_the_call() -> None:
    typed = lowered(made("def f(x, k):\n    return x + k\n"), np.int8(3), 5)
    assert [(place, type_.name) for place, type_ in typed.casts] == [(1, "int8")]


@pytest.mark.parametrize("name", ["int", "round", "math.floor", "math.ceil", "math.trunc"])
@pytest.mark.parametrize("u", [0, 5, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_integers_of_uint64(name: str, u: int) -> None:
    function = of(f"{name}(x)")
    found = run(function, np.uint64(u))
    assert found.dtype == np.int64
    assert found == min(u, 2**63 - 1)
    assert run(function, np.uint64(u), overflow="raise") == (u if u < 2**63 else "OverflowError")


KERNELS = """
@kernel(overflow="raise")
def checked(x):
    return plain_one(x)
@kernel
def wrapping(x):
    return plain_one(x)
def plain_one(x):
    return x + 1
@kernel("float32(float32, int16)")
def product(x, n):
    return x * n
@kernel("int32(int32)", "float64(float64)")
def double(x):
    if x > 100:
        return x
    return x * 2
@kernel("float32(float64[:], int64)")
def element(t, i):
    return t[i]
def f(x):
    return BODY
"""


def caller(body: str) -> Any:
    return made(KERNELS.replace("BODY", body), kernel=hybrid_rs.kernel, T=np.array([1.5, 0.1]), dyn=hybrid_rs.dyn(abs))


@pytest.mark.parametrize("outer", ["wrap", "raise"])
def test_a_kernel_keeps_its_overflow(outer: str) -> None:
    assert run(caller("checked(x)"), np.int8(127), overflow=outer) == "OverflowError"
    assert run(caller("checked(x)"), np.int8(126), overflow=outer) == 127
    assert run(caller("wrapping(x)"), np.int8(127), overflow=outer) == -128
    after = run(caller("wrapping(x) - 1"), np.int8(127), overflow=outer)
    assert after == (127 if outer == "wrap" else "OverflowError")


@pytest.mark.parametrize(
    ("body", "x", "wanted"),
    [
        ("product(x, 3)", np.float32(2.5), np.float32(7.5)),
        ("product(x, x)", np.int8(5), np.float32(25)),
        ("product(1.5, x)", np.uint8(3), np.float32(4.5)),
        ("double(x)", np.int16(7), np.int32(14)),
        ("double(x)", np.int64(7), np.float64(14)),
        ("double(x)", np.int8(127), np.int32(127)),
        ("element(T, x)", np.int32(1), np.float32(0.1)),
    ],
)
def test_a_kernel_keeps_its_signatures(body: str, x: Any, wanted: Any) -> None:
    found = run(caller(body), x)
    assert found.dtype == wanted.dtype
    assert found == wanted


@pytest.mark.parametrize("body", ["product(x, 3)", "product(1, x)", "product(x, 2**20)"])
def test_arguments_of_no_signature(body: str) -> None:
    with pytest.raises(CompileError, match=r"product has no signature for .*(\n.*)*float32\(float32, int16\)"):
        run(caller(body), np.float64(1))


@pytest.mark.parametrize("body", ["dyn(x)", "hybrid_rs.kernels.busy_work(x, 3)"])
def test_kernels_without_source(body: str) -> None:
    function = caller(body)
    function.__globals__["hybrid_rs"] = hybrid_rs
    with pytest.raises(CompileError, match="isn't written in the kernel language"):
        run(function, np.int32(1))


def test_defaults_by_name_that_change_in_place() -> None:
    function = made("def g(x, *, y=3):\n    return x + y\ndef f(x):\n    return g(x)\n")
    typed = lowered(function, np.float64(1))
    defaults = function.__globals__["g"].__kwdefaults__
    guards = [guard for guard in typed.guards if guard.container is defaults]
    assert [(guard.name, guard.expected) for guard in guards] == [("y", 3)]
    defaults["y"] = 4
    assert defaults.get("y", MISSING) is not guards[0].expected
    assert lowered(function, np.float64(1)).function.body != typed.function.body


@pytest.mark.parametrize("edit", ['"""\n', "x = (\n", "    \n", "]\n", "\x00\n", "class A:\n", "\n" * 3 + "x = 1\n"])
@pytest.mark.parametrize("text", ["def f(x):\n    return x + 1\n", "f = lambda x: x + 1\n"])
def test_source_that_was_edited(edit: str, text: str) -> None:
    function = made(text)
    file = function.__code__.co_filename
    lines = (edit + text).splitlines(keepends=True)
    linecache.cache[file] = (1, None, lines, file)
    with pytest.raises(CompileError, match="changed source"):
        run(function, 1.0)


def test_functions_of_one_factory_may_nest() -> None:
    text = "def make(h):\n    def g(x):\n        return h(x) + 1\n    return g\ndef base(x):\n    return x * 2\n"
    function = made(text + "G = make(make(base))\ndef f(x):\n    return G(x)\n")
    assert run(function, np.float64(3)) == plain(function, np.float64(3)) == 8


@pytest.mark.parametrize(
    "text", ["def f(x):\n    return f(x)\n", "def g(x):\n    return f(x)\ndef f(x):\n    return g(x)\n"]
)
def test_recursion(text: str) -> None:
    with pytest.raises(CompileError, match="unsupported: recursion"):
        run(made(text), 1.0)


def test_inlining_is_bounded() -> None:
    helpers = "".join(f"def h{n}(x):\n    y = h{n - 1}(x)\n    return y + h{n - 1}(x)\n" for n in range(1, 40))
    with pytest.raises(CompileError, match="too large: all calls are inlined"):
        run(made(f"def h0(x):\n    return x + 1\n{helpers}def f(x):\n    return h39(x)\n"), 1.0)


@pytest.mark.parametrize("statement", ["assert x > 0, '\\ud800'", "raise ValueError('a\\udfff')"])
def test_surrogates_in_texts(statement: str) -> None:
    with pytest.raises(CompileError, match="surrogate") as caught:
        run(made(f"def f(x):\n    if x > 1:\n        {statement}\n    return x\n"), 1.0)
    assert caught.value.lineno == 3
    str(caught.value).encode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("while True:\n        x += 1\n    return x", "this loop never ends"),
        ("for i in range(0, 5, 0):\n        x += 1\n    return x", "range has a step of 0"),
    ],
)
def test_loops_that_cannot_be_meant(body: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        run(made(f"def f(x):\n    {body}\n"), 1.0)
    assert caught.value.lineno == 2


def test_a_loop_that_only_a_return_leaves() -> None:
    function = made(
        "def f(x):\n    while True:\n        x += 1\n        if x > 5:\n            return x\n    return 0\n"
    )
    assert alike(run(function, np.float64(1)), plain(function, np.float64(1)))


LOOPS = """
for i in range(n):
    n -= 1
    total += i * 3
for i in range(n, a, -1):
    a += 1
    total += i
for i in range(a, n + 5):
    i += 1
    for j in range(i, n):
        i -= 1
        n += j % 2
        if j > 8:
            break
        total += i + j
    if total % 5 == 0:
        continue
    total += i
return total + i
"""


@pytest.mark.parametrize("n", [1, 2, 5, 9])
@pytest.mark.parametrize("a", [-3, 0, 4])
def test_loops_whose_ends_change_inside(n: int, a: int) -> None:
    body = "".join(f"    {line}\n" for line in LOOPS.strip().splitlines())
    function = made(f"def f(n, a):\n    total = 0\n    i = 0\n{body}")
    assert run(function, np.int64(n), np.int64(a)) == function(n, a)


@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [
        (2**63 - 4, 2**63 - 1, 1), (-(2**63) + 3, -(2**63), -1), (2**63 - 1, 2**63 - 1, 1), (5, -(2**63), 1),
        (-(2**63), 2**63 - 1, -1), (-2, 3, 1), (3, -2, -1),
    ],
)  # fmt: skip
def test_loops_at_the_ends_of_int64(start: int, stop: int, step: int) -> None:
    function = made(f"def f(a, b):\n    n = 0\n    for i in range(a, b, {step}):\n        n ^= i\n    return n\n")
    assert run(function, np.int64(start), np.int64(stop)) == function(start, stop)
