"""What a kernel captures: its guards say where each thing was found, and what it was."""

import builtins
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import MISSING, Guard, TableArg, Typed, load, lower
from hybrid_rs.ir.types import FLOAT64
from lowered import lowered, made, run

X = np.float64(3)


def holds(guard: Guard) -> bool:
    """Return whether a guard still holds, as a call checks it."""
    if isinstance(guard.container, dict):
        return guard.container.get(guard.name, MISSING) is guard.expected
    return getattr(guard.container, guard.name, MISSING) is guard.expected


def broken(typed: Typed) -> list[str]:
    return [guard.name for guard in typed.guards if not holds(guard)]


def test_a_global_number() -> None:
    f = made("def f(x):\n    return x * SCALE\n", SCALE=2.5)
    typed = lowered(f, X)
    assert broken(typed) == []
    f.__globals__["SCALE"] = 3.5
    assert broken(typed) == ["SCALE"]
    assert lowered(f, X).guards != typed.guards
    assert run(f, X) == 10.5


def test_what_is_not_read_is_not_guarded() -> None:
    typed = lowered(made("def f(x):\n    return x\n", SCALE=2.5), X)
    assert [guard.name for guard in typed.guards] == ["__code__"]


def test_a_closure() -> None:
    n = 5

    def f(x: Any) -> Any:
        return x * n

    typed = lowered(f, X)
    assert broken(typed) == []
    n = 6
    assert broken(typed) == ["cell_contents"]


def test_an_empty_cell() -> None:
    def f(x: Any) -> Any:
        return x * late

    with pytest.raises(CompileError, match="unknown name: late"):
        lowered(f, X)
    late = 3
    assert lowered(f, X).guards[-1].expected == late


def test_builtins_by_name() -> None:
    f = made("def f(x):\n    return min(x, 2)\n")
    typed = lowered(f, X)
    assert {(guard.container is vars(builtins), guard.name) for guard in typed.guards} >= {
        (True, "min"),
        (False, "min"),
    }
    f.__globals__["min"] = max
    assert broken(typed) == ["min"]
    assert lowered(f, X).function.body[0] != typed.function.body[0]


def test_attributes_of_modules() -> None:
    module = ModuleType("settings")
    module.LIMIT = 5  # type: ignore[attr-defined]
    module.inner = ModuleType("settings.inner")  # type: ignore[attr-defined]
    module.inner.STEP = np.float32(0.5)
    f = made("def f(x):\n    return x * s.LIMIT + s.inner.STEP + math.pi\n", s=module)
    typed = lowered(f, X)
    assert {"s", "LIMIT", "inner", "STEP", "math", "pi"} <= {guard.name for guard in typed.guards}
    assert broken(typed) == []
    module.inner.STEP = np.float32(0.25)
    assert broken(typed) == ["STEP"]


def test_a_module_that_makes_its_attributes() -> None:
    module = ModuleType("lazy")
    values = {"LIMIT": 5}
    module.__getattr__ = lambda name: values[name]  # type: ignore[method-assign]
    f = made("def f(x):\n    return x * s.LIMIT\n", s=module)
    assert run(f, X) == 15.0
    typed = lowered(f, X)
    values["LIMIT"] = 6
    assert broken(typed) == ["LIMIT"]


def test_helpers_and_what_they_capture() -> None:
    f = made("N = 2\ndef g(x, y=3):\n    return x * N + y\ndef f(x):\n    return g(x)\n")
    typed = lowered(f, X)
    names = [guard.name for guard in typed.guards]
    assert {"g", "N", "__code__", "__defaults__"} <= set(names)
    g = f.__globals__["g"]
    g.__defaults__ = (4,)
    assert broken(typed) == ["__defaults__"]
    g.__code__ = made("def g(x, y=3):\n    return x\n", "g").__code__
    assert broken(typed) == ["__code__", "__defaults__"]
    assert lowered(f, X).function.body != typed.function.body


def test_the_kernel_s_own_code() -> None:
    f = made("def f(x):\n    return x\n")
    typed = lowered(f, X)
    f.__code__ = made("def f(x):\n    return x + 1\n").__code__
    assert broken(typed) == ["__code__"]


def test_captured_arrays_are_tables() -> None:
    table = np.array([1.0, 2.0, 4.0])
    f = made(
        "def f(i):\n    return T[i] + T[0] + len(T) + g(i)\ndef g(i):\n    return T[i - 1] + U[i, 0]\n",
        T=table,
        U=np.ones((4, 1), np.int8),
    )
    typed = lowered(f, 2)
    assert [(guard.name, guard.expected is table) for guard in typed.captured] == [("T", True), ("U", False)]
    assert [param.name for param in typed.function.params] == ["i", "T", "U"]
    assert "T" not in [guard.name for guard in typed.guards]
    assert run(f, 2) == 4.0 + 1.0 + 3 + 2.0 + 1


def test_captured_arrays_beside_parameters_of_their_name() -> None:
    f = made("def g(i):\n    return T[i]\ndef f(T):\n    return g(T)\n", T=np.array([1.0, 2.0]))
    assert run(f, 1) == 2.0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array(1.0), "an array without axes"),
        (np.array(["a"]), "an array of <U1"),
        (np.array([1j]), "an array of complex128"),
        (np.array([None]), "an array of object"),
        (np.zeros(2, np.float16), "an array of float16"),
        (np.float16(1), "an object of type float16"),
        (np.datetime64(1, "s"), "an object of type datetime64"),
        ("text", "strings"),
        ({1: 2}, "a dict"),
        ((1, 2), "a tuple"),
        (1j, "complex numbers"),
        (None, "None"),
        (int, "the class int by itself"),
        (object(), "an object of type object"),
    ],
)
def test_what_cannot_be_captured(value: object, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        lowered(made("def f(x):\n    return x + G\n", G=value), X)
    assert str(caught.value).startswith(f"unsupported: {message} in a kernel")


@pytest.mark.parametrize("value", [3, 2.5, True, np.int8(3), np.float32(0.1), np.bool_(True), math.inf])
def test_captured_numbers_are_what_they_are(value: Any) -> None:
    found = run(made("def f(x):\n    return G\n", G=value), X)
    assert found == value
    assert found.dtype == np.asarray(value).dtype


def test_which_parameters_are_tables() -> None:
    source = """
def inner(t, n):
    return t[n, n]
def middle(a, b, *, c):
    return inner(a, b) + c[0]
def f(x, t, u, v, w, s, k, z):
    h, l = w.shape
    return middle(t, x, c=u) + len(v) + h + s.shape[2] + k.size + z
"""
    assert load(made(source)).tables == {"t": 2, "u": 1, "v": 1, "w": 2, "s": 3, "k": 1}


def test_tables_of_a_helper_that_comes_later() -> None:
    f = made("def f(t, x):\n    return g(t, x)\n")
    source = load(f)
    assert source.tables == {}
    f.__globals__["g"] = made("def g(t, x):\n    return t[x]\n", "g")
    assert source.tables == {"t": 1}
    typed = lower(source, (TableArg(FLOAT64, 1), lowered_arg()))
    assert [type_.name for type_ in typed.function.results] == ["float64"]


def lowered_arg() -> Any:
    from lowered import arg

    return arg(np.int64(0))
