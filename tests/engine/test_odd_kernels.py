"""Kernels at the edges: huge, deep, of one name, without a source; each works, or says what to do."""

import importlib.util
import linecache
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr

MODULE = """
import hybrid_rs as hr

@hr.kernel
def early(x):
    return x + 1

@hr.kernel
def late(x):
    return x + 2
"""


def loaded(folder: Path, name: str, text: str = MODULE) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kernel(folder: Path, body: str, parameters: str = "x") -> Any:
    return loaded(folder, "odd", f"import hybrid_rs as hr\n@hr.kernel\ndef f({parameters}):\n{body}\n").f


def test_two_kernels_of_one_name() -> None:
    def made(factor: int) -> Any:
        @hr.kernel
        def scaled(x: Any) -> Any:
            return x * factor

        return scaled

    first, second = made(2), made(3)
    x = np.arange(5)
    for _ in range(2):
        np.testing.assert_array_equal(first(x), x * 2)
        np.testing.assert_array_equal(second(x), x * 3)


def test_a_deleted_source_file(tmp_path: Path) -> None:
    module = loaded(tmp_path, "gone")
    assert module.early(1) == 2
    (tmp_path / "gone.py").unlink()
    linecache.checkcache()
    # What was compiled stays, for other types as well: it was parsed.
    assert module.early(1) == 2
    assert module.early(np.float32(1)) == 2
    with pytest.raises(hr.CompileError, match=r"no source: the text of late can't be found in .*gone\.py") as caught:
        module.late(1)
    assert "write instead: put the function in a file" in str(caught.value)
    assert caught.value.lineno == 8


def test_an_edited_source_file(tmp_path: Path) -> None:
    module = loaded(tmp_path, "edited")
    (tmp_path / "edited.py").write_text(MODULE.replace("x + 2", "x + 3"))
    linecache.checkcache()
    with pytest.raises(hr.CompileError, match="changed source: edited.py, line 8 isn't what late was made of"):
        module.late(1)


TYPED = "import hybrid_rs as hr\n\n@hr.kernel\ndef f(x):\n    return x + 1\n\nprint(f(1))\n"


@pytest.mark.parametrize("arguments", [["-c", TYPED], ["-"]], ids=["-c", "standard input"])
def test_programs_without_a_file(arguments: list[str]) -> None:
    given = TYPED if arguments == ["-"] else None
    done = subprocess.run([sys.executable, *arguments], input=given, capture_output=True, text=True, check=False)
    if sys.version_info >= (3, 13) and not done.returncode:
        assert done.stdout == "2\n"  # where Python keeps the text
        return
    *_, before, last = done.stderr.splitlines()
    assert "CompileError: no source: the text of f can't be found in <std" in before or "<string>" in before
    assert last.startswith("write instead: put the function in a file or a notebook cell; ")
    assert "hr.dyn(function)" in last


@pytest.mark.parametrize("count", [255, 256, 300])
def test_many_parameters(tmp_path: Path, count: int) -> None:
    names = [f"p{place}" for place in range(count)]
    many = kernel(tmp_path, f"    return {' + '.join(names)}", ", ".join(names))
    arguments = [np.arange(70) + place for place in range(count)]
    np.testing.assert_array_equal(many(*arguments), np.sum(arguments, axis=0))
    np.testing.assert_array_equal(many(*arguments, path="seq_direct"), np.sum(arguments, axis=0))


def test_deep_branches(tmp_path: Path) -> None:
    depth = 98
    lines = [f"{'    ' * (level + 1)}if x > {level}:" for level in range(depth)]
    body = "\n".join([*lines, "    " * (depth + 1) + "x = x + 1", "    return x"])
    x = np.arange(300) % 150
    np.testing.assert_array_equal(kernel(tmp_path, body)(x), x + (x > depth - 1))


def test_deep_loops(tmp_path: Path) -> None:
    depth = 12  # Python allows 20
    lines = [f"{'    ' * (level + 1)}for i{level} in range(2):" for level in range(depth)]
    body = "\n".join([*lines, "    " * (depth + 1) + "x = x + 1", "    return x"])
    np.testing.assert_array_equal(kernel(tmp_path, body)(np.arange(70)), np.arange(70) + 2**depth)


def test_many_results(tmp_path: Path) -> None:
    found = kernel(tmp_path, f"    return {', '.join(f'x + {n}' for n in range(300))}")(np.arange(70))
    np.testing.assert_array_equal(found, np.arange(300)[:, None] + np.arange(70))


@pytest.mark.parametrize(
    "body",
    [
        f"    return {'-' * 500}x",
        "    if x < 0:\n        return 0\n"
        + "".join(f"    elif x < {n}:\n        return {n}\n" for n in range(400))
        + "    return 1",
    ],
    ids=["minus", "elif"],
)
def test_what_is_too_deep_is_refused_with_its_place(tmp_path: Path, body: str) -> None:
    with pytest.raises(hr.CompileError, match="nested too deeply") as caught:
        kernel(tmp_path, body)(1)
    assert caught.value.lineno in {2, 3}
    assert "write instead: parts of it as assignments or helpers" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ["    x = x * 0.5 + {n}\n", "    if x > {n}:\n        x = x - 1\n", "    v{n} = x + {n}\n"]
)
def test_ten_thousand_lines(tmp_path: Path, line: str) -> None:
    large = kernel(tmp_path, "".join(line.format(n=n) for n in range(10_000)) + "    return x")
    x = np.linspace(0.0, 20_000.0, 20)
    np.testing.assert_array_equal(large(x), [large.py_func(one) for one in x.tolist()])
