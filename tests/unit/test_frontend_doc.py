"""The examples of docs/language.md run, and give what is written beside them; what it lists exists."""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hybrid_rs import elementary, frontend, language
from hybrid_rs.frontend import TableArg
from hybrid_rs.ir import reference
from lowered import arg, made

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class Kernel:
    """A kernel that the reference interpreter runs, with the parts of a call that the page shows."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function

    def __call__(self, *args: Any) -> Any:
        source = frontend.load(self.py_func)
        tables = source.tables
        types = [
            value if isinstance(value, TableArg) and name in tables else element(value)
            for name, value in zip(source.parameters, map(arg, args), strict=True)
        ]
        function = elementary.expanded(frontend.lower(source, tuple(types)).function)
        scalars = [value for name, value in zip(source.parameters, args, strict=True) if name not in tables]
        shape = np.broadcast_shapes(*[np.shape(value) for value in scalars])
        out = np.empty(shape, function.results[0].name)
        for index in np.ndindex(shape):
            values = [
                value if name in tables else np.broadcast_to(value, shape)[index].item()
                for name, value in zip(source.parameters, args, strict=True)
            ]
            out[index] = reference.run(function, values)[0]
        return out[()]


def element(type_: Any) -> Any:
    """Return the type of an array's elements."""
    return frontend.Arg(type_.type) if isinstance(type_, TableArg) else type_


def test_the_examples_run() -> None:
    hr = SimpleNamespace(kernel=Kernel, **{name: getattr(language, name) for name in language.__all__})
    source = "".join(BLOCKS).replace("import hybrid_rs as hr\n", "")
    # One module, so that a later block sees the names of the ones before.
    lines = source.splitlines()
    names = made(source + "\ndef last():\n    pass\n", "last", hr=hr).__globals__
    assert names["SCALE"] == 2
    checked = 0
    names["SCALE"] = 4
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            exec(compile(ast.Module([node], []), "page", "exec"), names)
        if isinstance(node, ast.Expr) and "  # " in lines[node.lineno - 1]:
            wanted = lines[node.lineno - 1].rsplit("  # ", 1)[1]
            found = eval(compile(ast.Expression(node.value), "page", "eval"), names)
            # NumPy 1 shows a scalar as its number alone.
            assert repr(found) in {wanted, re.sub(r"^np\.\w+\((.*)\)$", r"\1", wanted)}
            checked += 1
    assert checked == 6


def test_every_function_is_on_the_page() -> None:
    from hybrid_rs.frontend.names import FUNCTIONS

    text = PAGE[PAGE.index("## Functions") : PAGE.index("## What each operation does")]
    words = set(re.findall(r"\w+", text))
    aliases = {"absolute", "around", "deg2rad", "rad2deg", "asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2"}
    operators = {
        "add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "remainder", "bitwise_and",
        "bitwise_or", "bitwise_xor", "invert", "bitwise_not", "left_shift", "right_shift", "bitwise_left_shift",
        "bitwise_right_shift", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "negative",
        "positive", "bitwise_invert",
    }  # fmt: skip
    logical = {"logical_and", "logical_or", "logical_not", "logical_xor"}
    for function in FUNCTIONS:
        name = function.__name__  # type: ignore[attr-defined]
        assert name in words | aliases | operators | logical, name


def test_every_function_of_the_page_is_there() -> None:
    from hybrid_rs.frontend.names import FUNCTIONS, cast_type

    text = PAGE[PAGE.index("## Functions") : PAGE.index("## What each operation does")]
    modules = {"math": math, "np": np, "hr": language}
    for module, name in re.findall(r"`(math|np|hr)\.(\w+)", text):
        if module == "hr" and not hasattr(language, name):
            assert cast_type(getattr(np, name)) is not None
            continue
        if (module, name) == ("math", "fma") and not hasattr(math, "fma"):
            continue
        function = getattr(modules[module], name)
        assert function in FUNCTIONS or cast_type(function) is not None, name


def test_every_option_of_a_call_is_on_the_page() -> None:
    from hybrid_rs import runtime

    text = PAGE[PAGE.index("## Calls") : PAGE.index("## Speed")]
    assert set(re.findall(r"^\| `(\w+)=`", text, re.MULTILINE)) == set(runtime.map.__kwdefaults__ or ())
    assert set(runtime.map.__kwdefaults__ or ()) == set(runtime.Runtime.map.__kwdefaults__ or ())


def test_the_table_of_errors_shows_a_real_one() -> None:
    from hybrid_rs.errors import CompileError

    shown = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()
    with pytest.raises(CompileError) as caught:
        frontend.lower(
            frontend.load(made("def step(x):\n    y = x & 3\n    return y\n", "step")),
            (arg(np.float64(1)),),
        )
    found = str(caught.value).splitlines()
    assert found[0] == shown[0]
    assert found[2:] == shown[2:]
