"""The house checks itself: layers, and who may touch the interpreter, the environment and raw memory.

Each rule is a function from a file's name and text to its violations, run over the tree and over planted ones. Layers
are listed from the bottom up; a module uses lower layers only. A new module needs a place here before the test passes.
"""

import ast
import importlib.metadata
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Rule = Callable[[str, str], Iterable[str]]

RUST_LAYERS = (
    ("error",),
    ("buffer",),
    ("kernel",),
    ("builtin", "foreign", "native", "paths", "sched", "topology", "vm"),
    ("flags", "metrics", "tier"),
    ("call", "home", "run"),
    ("job",),
    ("dispatch",),
    ("py",),
    ("lib",),
)
# "" is the package itself (`import hybrid_rs`), which stands for everything up to the Runtime.
PYTHON_LAYERS = (
    ("_core",),
    ("errors",),
    ("arrays", "flags", "language", "policy"),
    ("ir", "mathlib"),
    ("frontend", "passes", "printers"),
    ("elementary",),
    ("targets",),
    ("interop",),
    ("metrics", "progress", "tracebacks", "workers"),
    ("calls", "overrides"),
    ("info", "runtime"),
    ("kernel_object",),
    ("kernels",),
    ("compiled",),
    ("explanation",),
    ("",),
    ("bench",),
    ("report",),
    ("cli",),
    ("__main__",),
)
# Where raw memory and foreign calls are dealt with; everything else is safe Rust.
UNSAFE = (
    "src/buffer*",
    "src/home.rs",
    "src/kernel.rs",
    "src/foreign*",
    "src/builtin/busy*",
    "src/native*",
    "src/topology.rs",
    "src/vm/lanes*",
    "src/vm/run/test.rs",
    "src/py/arrays.rs",
    "src/py/dynamic.rs",
    "src/py/kernel.rs",
)
MOST_LINES = 500
CODE = (".c", ".py", ".pyi", ".rs")
TEXT = (*CODE, ".json", ".md", ".svg", ".toml", "LICENSE", "Makefile", "run")

# ---- reading Rust, as far as the rules need it

_NOT_CODE = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | \bb?r(?P<hash>\#*)".*?"(?P=hash) | "(?:\\.|[^"\\])*" | '(?:\\[^'\n]+|[^'\\\n])'""",
    re.DOTALL | re.VERBOSE,
)


def rust_code(text: str) -> str:
    """Blank out comments, strings and characters, keeping the lines."""
    return _NOT_CODE.sub(lambda match: "\n" * match.group().count("\n") or " ", text)


def without_tests(code: str) -> str:
    """Cut `#[cfg(test)] mod x { ... }`: tests may use what lies above."""
    while match := re.search(r"#\[cfg\(test\)\]\s*mod\s+\w+\s*\{", code):
        depth, end = 1, match.end()
        while depth and end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        code = code[: match.start()] + code[end:]
    return code


def rust_uses(name: str, code: str) -> set[str]:
    """Name the top-level modules that a file refers to, by `crate::` or by enough `super::`."""
    parts = Path(name).with_suffix("").parts[1:]
    depth = len(parts) - (parts[-1] in {"mod", "lib"})
    found = set(re.findall(r"\bcrate::(\w+)", code))
    for group in re.findall(r"\bcrate::\{([^;]*)\}", code):
        outer = group
        while outer != (outer := re.sub(r"\{[^{}]*\}", "", outer)):
            pass  # what lies deeper belongs to a module already named
        found |= set(re.findall(r"(?:^|,)\s*(\w+)", outer))
    found |= set(re.findall(rf"(?<!::)(?<!\w)(?:super::){{{depth}}}(\w+)", code)) if depth else set()
    return found & {module for layer in RUST_LAYERS for module in layer}


def _layer(layers: tuple[tuple[str, ...], ...], module: str) -> int | None:
    return next((place for place, layer in enumerate(layers) if module in layer), None)


def _is_test(name: str) -> bool:
    """Whether a Rust file is a module of tests, or part of one."""
    return not {"test", "tests"}.isdisjoint(Path(name).with_suffix("").parts)


def rust_layers(name: str, text: str) -> Iterator[str]:
    """Refuse the use of a module that isn't in a lower layer."""
    own = Path(name).with_suffix("").parts[1]
    place = _layer(RUST_LAYERS, own)
    if place is None:
        yield f"{own} has no layer"
    elif not _is_test(name):
        for used in rust_uses(name, without_tests(rust_code(text))) - {own}:
            if (_layer(RUST_LAYERS, used) or 0) >= place:
                yield f"{own} uses {used}, which isn't below it"


def rust_interpreter(name: str, text: str) -> Iterator[str]:
    """Keep PyO3 and rust-numpy inside src/py."""
    if not name.startswith("src/py/"):
        yield from (f"uses {found}" for found in re.findall(r"\bpyo3\b|\bnumpy::", rust_code(text)))


def rust_environment(name: str, text: str) -> Iterator[str]:
    """Keep environment variables inside flags.rs."""
    if name != "src/flags.rs" and not _is_test(name):
        calls = r"\benv::(?:vars?(?:_os)?|set_var|remove_var)\b"
        yield from (f"uses {found}" for found in re.findall(calls, rust_code(text)))


def rust_unsafe(name: str, text: str) -> Iterator[str]:
    """Keep `unsafe` inside the named files, each block and impl below a comment that says who guarantees what."""
    lines, code = text.splitlines(), rust_code(text).splitlines()
    for number, line in enumerate(code):
        if not re.search(r"\bunsafe\b", line):
            continue
        if not any(fnmatch(name, pattern) for pattern in UNSAFE):
            yield f"line {number + 1}: unsafe outside of the named files"
        elif re.search(r"\bunsafe\s*(?:\{|impl\b)", line) and "SAFETY:" not in "\n".join(
            lines[max(number - 8, 0) : number + 1]
        ):
            yield f"line {number + 1}: unsafe without a SAFETY comment"


# ---- reading Python


def python_uses(name: str, tree: ast.Module, modules: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Name the package's modules that a file imports, and whether each comes late (in a function, or for types)."""
    parts = ["hybrid_rs", *Path(name).with_suffix("").parts[2:]]
    package = parts[:-1]

    def targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = package[: len(package) + 1 - node.level] if node.level else []
        dotted = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            yield f"{dotted}.{alias.name}" if dotted == "hybrid_rs" and alias.name in modules else dotted

    def visit(node: ast.AST, *, late: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in targets(node):
                top, _, rest = target.partition(".")
                if top == "hybrid_rs":
                    yield rest.split(".")[0], late
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        late = late or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, late=late)

    yield from visit(tree, late=False)


def python_layers(name: str, text: str) -> Iterator[str]:
    """Refuse imports of what isn't below: only late ones may stay in a layer, or be the package's own lazy exports."""
    own = Path(name).with_suffix("").parts[2]
    own = "" if own == "__init__" else own
    place = _layer(PYTHON_LAYERS, own)
    if place is None:
        yield f"{own} has no layer"
        return
    modules = frozenset(module for layer in PYTHON_LAYERS for module in layer)
    for used, late in python_uses(name, ast.parse(text), modules):
        other = _layer(PYTHON_LAYERS, used)
        if other is None:
            yield f"{own} imports {used}, which has no layer"
        elif used != own and (other > place or (other == place and not late)) and not (own == "" and late):
            yield f"{own or 'the package'} imports {used or 'the package'}, which isn't below it"


def python_environment(name: str, text: str) -> Iterator[str]:
    """Keep environment variables inside flags.py."""
    if name == "python/hybrid_rs/flags.py":
        return
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os":
            yield f"line {node.lineno}: os.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (f"line {node.lineno}: os.{alias.name}" for alias in node.names if alias.name in names)


# ---- any text


def length(name: str, text: str) -> Iterator[str]:
    """Keep files short enough to be read."""
    lines = text.count("\n")
    if lines > MOST_LINES:
        yield f"{name} has {lines} lines, more than {MOST_LINES}"


def places(_name: str, text: str) -> Iterator[str]:
    """Refuse paths that exist on one machine or beside one checkout only."""
    outside = r"(?<![\w./-])(?:\.\./)*share[d]/\w* | (?<![\w.])/(?:home|root|work|Users)/\w+ | \b[A-Z]:\\Users\b"
    yield from (f"names {found}" for found in re.findall(outside, text, re.VERBOSE))


# ---- the tree


def tree(folders: tuple[str, ...], endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give every file below the folders ("." is the root's own files) with its text, by its name from the root."""
    for folder in folders:
        files = (ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*")
        for file in sorted(files):
            if file.is_file() and file.name.endswith(endings) and "__pycache__" not in file.parts:
                yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")


EVERYWHERE = (".", ".ci", "benches", "docs", "examples", "python", "src", "tests")
RULES: dict[Rule, tuple[tuple[str, ...], tuple[str, ...]]] = {
    rust_layers: (("src",), (".rs",)),
    rust_interpreter: (("src", "benches"), (".rs",)),
    rust_environment: (("src",), (".rs",)),
    rust_unsafe: (("src",), (".rs",)),
    python_layers: (("python",), (".py",)),
    python_environment: (("python",), (".py",)),
    length: (("src", "python", "tests", "benches", "examples"), CODE),
    places: (EVERYWHERE, TEXT),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule: Rule) -> None:
    files = list(tree(*RULES[rule]))
    assert files
    faults = [f"{name}: {fault}" for name, text in files for fault in rule(name, text)]
    assert not faults, "\n".join(faults)


def test_every_layer_is_named_once() -> None:
    for layers in (RUST_LAYERS, PYTHON_LAYERS):
        modules = [module for layer in layers for module in layer]
        assert len(modules) == len(set(modules))


def test_one_version() -> None:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # maturin copies Cargo's version; a second one written there would win over it.
    assert "version" not in project
    assert "version" in project["dynamic"]
    assert importlib.metadata.version("hybrid_rs") == version
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) in {version, "Unreleased"}


PLANTED: list[tuple[Rule, str, str]] = [
    (rust_layers, "src/buffer.rs", "use crate::kernel::Ctx;"),
    (rust_layers, "src/buffer.rs", "use crate::{error::{Error, Result}, kernel};"),
    (rust_layers, "src/sched/pool.rs", "fn f() { crate::builtin::busy::scalar(1) }"),
    (rust_layers, "src/sched/pool.rs", "use super::super::foreign::Call;"),
    (rust_layers, "src/foreign.rs", "use super::sched;"),
    (rust_layers, "src/kernel.rs", "#[cfg(test)]\nmod test { fn f() { let c = '{'; } }\nuse crate::paths::Path;"),
    (rust_layers, "src/surprise.rs", ""),
    (rust_interpreter, "src/dispatch.rs", "use pyo3::prelude::*;"),
    (rust_interpreter, "src/lib.rs", "fn f(a: numpy::PyArray1<f64>) {}"),
    (rust_environment, "src/topology.rs", 'let n = std::env::var("N");'),
    (rust_environment, "src/py/host.rs", "use std::env; fn f() { env::vars_os(); }"),
    (rust_unsafe, "src/dispatch.rs", "// SAFETY: none needed\nunsafe { f() }"),
    (rust_unsafe, "src/buffer.rs", 'fn f() {\n    let s = "SAFETY";\n    unsafe { g() }\n}'),
    (rust_unsafe, "src/kernel.rs", "unsafe impl Send for X {}"),
    (python_layers, "python/hybrid_rs/errors.py", "from hybrid_rs import flags"),
    (python_layers, "python/hybrid_rs/flags.py", "def f():\n    from hybrid_rs.runtime import Runtime"),
    (python_layers, "python/hybrid_rs/interop/files.py", "from ..cli import main"),
    (python_layers, "python/hybrid_rs/policy.py", "from . import flags"),
    (python_layers, "python/hybrid_rs/bench/sweep.py", "import hybrid_rs.report.study"),
    (python_layers, "python/hybrid_rs/kernel_object.py", "import hybrid_rs as hr"),
    (python_layers, "python/hybrid_rs/__init__.py", "from hybrid_rs.bench.sweep import sweep"),
    (python_layers, "python/hybrid_rs/surprise.py", ""),
    (python_environment, "python/hybrid_rs/cli.py", "import os\nx = os.environ['A']"),
    (python_environment, "python/hybrid_rs/cli.py", "import os\nx = os.getenv('A')"),
    (python_environment, "python/hybrid_rs/cli.py", "from os import environ"),
    (length, "src/kernel.rs", "\n" * (MOST_LINES + 1)),
    (places, "README.md", "see `" + "shared" + "/SPEC.md`"),
    (places, "docs/a.md", "(../" + "shared" + "/peers)"),
    (places, "benches/record/a.json", '"/' + 'home/me/x"'),
]
CLEAN: list[tuple[Rule, str, str]] = [
    (
        rust_layers,
        "src/job.rs",
        "//! See [`crate::dispatch`].\nuse crate::sched::plan::Policy;\nuse super::kernel::Ctx;",
    ),
    (rust_layers, "src/sched/pool.rs", "use super::plan;\n#[cfg(test)]\nmod test { use crate::dispatch::Runtime; }"),
    (rust_layers, "src/sched/test.rs", "use crate::builtin::busy;"),
    (rust_interpreter, "src/py/arrays.rs", "use pyo3::prelude::*;"),
    (rust_interpreter, "src/kernel.rs", '// pyo3 is elsewhere\nconst A: &str = "numpy::x";'),
    (rust_environment, "src/topology.rs", "std::env::consts::ARCH; std::env::temp_dir();"),
    (rust_unsafe, "src/dispatch.rs", '// unsafe\n#![deny(unsafe_op_in_unsafe_fn)] const A: &str = r#"unsafe "x" {"#;'),
    (rust_unsafe, "src/builtin/busy/avx2.rs", "// SAFETY: the caller checked the CPU.\nunsafe { f() }"),
    (python_layers, "python/hybrid_rs/runtime.py", "def f():\n    from hybrid_rs.info import config"),
    (python_layers, "python/hybrid_rs/__init__.py", "def __getattr__(n):\n    from hybrid_rs.bench.sweep import sweep"),
    (python_layers, "python/hybrid_rs/report/plots.py", "import hybrid_rs as hr\nfrom hybrid_rs.bench import sweep"),
    (python_environment, "python/hybrid_rs/flags.py", "import os\nx = os.environ"),
    (python_environment, "python/hybrid_rs/cli.py", '"""Not os.environ."""\nimport os\nx = os.path'),
    (length, "src/kernel.rs", "\n" * MOST_LINES),
    (places, "README.md", "a lock is shared or not: see [locks](docs/home/locks.md), https://a.org/x"),
]


@pytest.mark.parametrize(("rule", "name", "text"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, name: str, text: str) -> None:
    assert list(rule(name, text))


@pytest.mark.parametrize(("rule", "name", "text"), CLEAN)
def test_what_is_allowed_is_not(rule: Rule, name: str, text: str) -> None:
    assert list(rule(name, text)) == []
