"""Where a function's source is found, and what happens where it isn't, or isn't the function's own any more."""

import functools
import importlib.util
import linecache
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import load
from lowered import lowered, made, run

X = np.float64(3)


def imported(folder: Path, text: str, name: str = "written") -> ModuleType:
    """Write a module and import it."""
    file = folder / f"{name}.py"
    file.write_text(textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_function_of_a_file(tmp_path: Path) -> None:
    module = imported(tmp_path, "\n\ndef f(x):\n    return x * 2\n\n\nY = 1\n")
    assert run(module.f, X) == 6.0
    assert load(module.f).name == "f"


def test_functions_of_one_name(tmp_path: Path) -> None:
    text = """
        def f(x):
            return x + 1
        first = f

        if True:
            def f(x):
                return x + 2
        second = f

        def outer():
            def f(x):
                return x + 3
            return f
        third = outer()
        class Space:
            def f(x):
                return x + 4
        fourth = Space.f
    """
    module = imported(tmp_path, text)
    found = [run(getattr(module, name), X) for name in ("first", "second", "third", "fourth")]
    assert found == [4.0, 5.0, 6.0, 7.0]


def test_layouts_of_a_definition(tmp_path: Path) -> None:
    text = '''
        import functools

        def nothing(function):
            return function

        @nothing
        @functools.partial(
            nothing,
        )
        def decorated(
            x, y=1,
            z=2
        ):
            """A docstring
        whose lines aren't indented
            """
            # a comment
        # another one

            return (x +
        y - z
        )
        # behind

        def one_line(x): return x + 10; y = 2
        def tabs(x):
        \tif x > 0:
        \t\treturn x
        \treturn 0.0
        def strings(x):
            assert x > 0, """
        def other(x):
            """
            return x
        def last(x):
            return x \\
        + 1'''
    module = imported(tmp_path, text)
    assert run(module.decorated, X, 1, 2) == 2.0
    assert load(module.decorated).defaults == (1, 2)
    assert load(module.decorated).parameters == ("x", "y", "z")
    assert run(module.one_line, X) == 13.0
    assert run(module.tabs, X) == 3.0
    assert run(module.strings, X) == 3.0
    assert run(module.last, X) == 4.0


def test_lines_of_faults_are_the_file_s(tmp_path: Path) -> None:
    module = imported(tmp_path, "class A:\n    def f(x):\n\n        assert x > 3, 'small'\n        return x\n")
    sites = lowered(module.A.f, X).function.sites
    assert [(site.exception, site.message, site.line) for site in sites] == [
        ("AssertionError", "small", 4),
        ("RuntimeError", "more steps than max_steps allows", 2),
    ]
    assert sites[0].file == str(tmp_path / "written.py")


def test_lambdas(tmp_path: Path) -> None:
    module = imported(tmp_path, "first = lambda x: x + 1\nboth = [lambda x: x + 2, lambda x: x + 2.5]\n")
    assert run(module.first, X) == 4.0
    assert run(module.both[0], X) == 5.0
    assert run(module.both[1], X) == 5.5
    same = imported(tmp_path, "a = [lambda x: x - y for y in (1,)]; y = 5; b = lambda x: x - y\n", "same")
    assert run(same.b, X) == -2.0


def test_an_edited_file_is_noticed(tmp_path: Path) -> None:
    for change in ("x - 1", "x + 2", "y + 1", "x + 1.0"):
        module = imported(tmp_path, "y = 1\ndef f(x):\n    return x + 1\n")
        (tmp_path / "written.py").write_text(f"y = 1\ndef f(x):\n    return {change}\n")
        linecache.clearcache()
        with pytest.raises(CompileError, match=r"changed source: written\.py, line 2") as caught:
            load(module.f)
        assert "write instead: import or run the file again" in str(caught.value)


def test_an_edit_after_the_first_reading_does_no_harm(tmp_path: Path) -> None:
    module = imported(tmp_path, "def f(x):\n    return x + 1\n")
    source = load(module.f)
    (tmp_path / "written.py").write_text("def f(x):\n    return x + 2\n")
    assert run(module.f, X) == 4.0
    assert source.name == "f"


def test_a_deleted_file(tmp_path: Path) -> None:
    module = imported(tmp_path, "def f(x):\n    return x + 1\n")
    (tmp_path / "written.py").unlink()
    linecache.clearcache()
    with pytest.raises(CompileError, match="no source: the text of f can't be found") as caught:
        load(module.f)
    assert caught.value.filename == str(tmp_path / "written.py")
    assert "write instead: put the function in a file" in str(caught.value)


def test_exec_without_a_source() -> None:
    names: dict[str, Any] = {}
    exec("def f(x):\n    return x\n", names)
    with pytest.raises(CompileError, match="no source"):
        load(names["f"])


def test_a_notebook_cell() -> None:
    """IPython registers each cell's text in linecache, as `made` does."""
    assert run(made("import math\n\ndef f(x):\n    return x + 1\n\nf\n"), X) == 4.0


@pytest.mark.parametrize(
    "thing", [print, int, 3, "text", functools.partial(print), np.sin, functools.lru_cache(lambda x: x)]
)
def test_what_is_no_function(thing: object) -> None:
    with pytest.raises(CompileError, match="not a Python function"):
        load(thing)


def test_a_decorator_that_hides_the_function(tmp_path: Path) -> None:
    text = """
        import functools

        def logged(function):
            @functools.wraps(function)
            def inner(*args):
                return function(*args)
            return inner

        @logged
        def f(x):
            return x
    """
    module = imported(tmp_path, text)
    with pytest.raises(CompileError, match=r"unsupported: star parameters(.|\n)*a decorator between"):
        load(module.f)


def test_a_replaced_code_is_read_again() -> None:
    f = made("def f(x):\n    return x + 1\n")
    g = made("def f(x):\n    return x + 5\n")
    source = load(f)
    f.__code__ = g.__code__
    from hybrid_rs.frontend import Arg, lower
    from hybrid_rs.ir import reference
    from hybrid_rs.ir.types import FLOAT64

    typed = lower(source, (Arg(FLOAT64),))
    assert reference.run(typed.function, [3.0]) == (8.0,)
    assert typed.guards[0].expected is g.__code__


def test_closures_and_private_names(tmp_path: Path) -> None:
    text = """
        import math

        def outer(n):
            m = n * 2
            def f(x):
                return x * n + m + math.floor(x) + math.pi * 0
            return f

        class Space:
            __hidden = 1
            def f(x):
                __local = x + 1
                return __local
    """
    module = imported(tmp_path, text)
    assert run(module.outer(4), X) == 12.0 + 8.0 + 3.0
    assert run(module.Space.f, X) == 4.0


def test_annotations_from_the_future(tmp_path: Path) -> None:
    module = imported(
        tmp_path, "from __future__ import annotations\ndef f(x: Unknown) -> Other:\n    y: More = x\n    return y\n"
    )
    assert run(module.f, X) == 3.0


def test_the_source_is_found_in_time(tmp_path: Path) -> None:
    """A definition's end is found without parsing all that follows, however odd that is."""
    text = (
        "def f(x):\n    return x\n"
        "y = '''\n" + "text\n" * 1000 + "'''\n" + "def g(x):\n    return '''\n" + "a\n" * 1000 + "'''\n"
    )
    module = imported(tmp_path, text)
    assert run(module.f, X) == 3.0
    with pytest.raises(CompileError, match="strings"):
        lowered(module.g, X)


def kernel_like(function: Callable[..., Any]) -> Any:
    """Stand for a kernel: an object whose `py_func` is the function."""

    class Kernel:
        py_func = staticmethod(function)

    return Kernel()


def test_kernels_are_inlined_as_helpers() -> None:
    inner = made("def f(x):\n    return x * 10\n")
    assert run(made("def f(x):\n    return g(x) + 1\n", g=kernel_like(inner)), X) == 31.0
