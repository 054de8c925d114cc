"""Making a failing program small while it fails alike: one row, one result, fewer statements, simpler expressions."""

import ast
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .check import MismatchError, check
from .generate import KERNEL, Program

Fails = Callable[[Program], bool]
# Fields of the syntax tree that hold statements.
BODIES = ("body", "orelse")


def shrink(program: Program, error: MismatchError, seconds: float = 20.0) -> Program:
    """Return a smaller program that fails in the same way, as far as the time allows."""
    end = time.monotonic() + seconds
    tried: set[str] = set()

    def fails(candidate: Program) -> bool:
        if time.monotonic() > end or candidate.source in tried:
            return False
        if candidate.count == 1:
            tried.add(candidate.source)
        try:
            check(candidate)
        except MismatchError as found:
            return found.kind == error.kind
        except Exception:  # noqa: BLE001 - a candidate that breaks elsewhere is no smaller example
            return False
        return False

    smaller = _one_result(_one_row(program, fails), fails)
    # What is compared with Python has to keep to what Python shares, so its expressions stay.
    levels = (False,) if program.plain and error.kind.startswith("python") else (False, True)
    for expressions in levels:
        while (step := _smaller_source(smaller, fails, expressions)) is not None:
            smaller = step
    return smaller


def _one_row(program: Program, fails: Fails) -> Program:
    for row in range(program.count if program.count > 1 else 0):
        rows = {name: values[row : row + 1] for name, values in program.rows.items()}
        if fails(candidate := replace(program, rows=rows)):
            return candidate
    return program


def _one_result(program: Program, fails: Fails) -> Program:
    for place in range(len(program.results) if len(program.results) > 1 else 0):
        tree = ast.parse(program.source)
        kernel = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == KERNEL)
        for node in ast.walk(kernel):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                node.value = node.value.elts[place]
        if fails(candidate := replace(program, source=_text(tree), results=(program.results[place],))):
            return candidate
    return program


def _smaller_source(program: Program, fails: Fails, expressions: bool) -> Program | None:
    """Give a smaller program that still fails, or None; what leaves out most is tried first."""
    tree = ast.parse(program.source)
    whole = len(_text(tree))
    edits = _expression_edits(tree) if expressions else _statement_edits(tree)
    for text in sorted({_edited(tree, *edit) for edit in edits}, key=lambda text: (len(text), text)):
        if len(text) < whole and fails(found := replace(program, source=text)):
            return found
    return None


# Where something is replaced: a list and a place in it, and what comes instead.
_Edit = tuple[list[Any], int, list[Any]]


def _statement_edits(tree: ast.Module) -> Iterator[_Edit]:
    """Leave a statement out, or put a part of it in its place."""
    for node in ast.walk(tree):
        for field in BODIES:
            statements = getattr(node, field, None)
            if not isinstance(statements, list):
                continue
            for place, statement in enumerate(statements):
                if len(statements) > 1 or field == "orelse":
                    yield statements, place, []
                if not isinstance(statement, ast.FunctionDef):
                    for inner in BODIES:
                        if part := getattr(statement, inner, None):
                            yield statements, place, part


class _Field(list[Any]):
    """A node's field, seen as a list of one."""

    def __init__(self, node: ast.AST, name: str) -> None:
        super().__init__([getattr(node, name)])
        self.node, self.name = node, name

    def __setitem__(self, place: object, items: object) -> None:
        assert isinstance(items, list)
        super().__setitem__(slice(0, 1), items)
        setattr(self.node, self.name, items[0])


def _expression_edits(tree: ast.Module) -> Iterator[_Edit]:
    """Put a part of an expression in its place."""
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                yield from ((_Field(node, name), 0, [part]) for part in _parts(value))
            elif isinstance(value, list):
                for place, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        yield from ((value, place, [part]) for part in _parts(item))


def _parts(whole: ast.expr) -> Iterator[ast.expr]:
    """Give what an expression is made of, two levels deep."""
    for child in ast.iter_child_nodes(whole):
        if isinstance(child, ast.expr):
            yield child
            yield from (part for part in ast.iter_child_nodes(child) if isinstance(part, ast.expr))


def _edited(tree: ast.Module, held: list[Any], place: int, instead: list[Any]) -> str:
    """Write the source with one edit, and take it back."""
    old = held[place]
    held[place : place + 1] = instead
    text = _text(tree)
    held[place : place + len(instead)] = [old]
    return text


def _text(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def script(program: Program, message: str) -> str:
    """Write a program as a regression case: a module that `tests/fuzz/regressions` can hold."""
    rows = {name: (values.dtype.name, values.tolist()) for name, values in program.rows.items()}
    tables = {name: (values.dtype.name, values.tolist()) for name, values in program.tables.items()}
    note = " ".join(message.split())[:300].replace("\\", "/").replace('"', "'")
    return "\n".join(
        (
            f'"""Seed {program.seed}. {note}"""',
            "",
            "from math import inf, nan",
            "",
            f"SEED = {program.seed}",
            f"PLAIN = {program.plain}",
            f"ARGUMENTS = {program.arguments!r}",
            f"RESULTS = {program.results!r}",
            f"UNIFORM = {sorted(program.uniform)!r}",
            f"ROWS = {rows!r}",
            f"TABLES = {tables!r}",
            f"SOURCE = '''\\\n{program.source}'''",
            "USED = (inf, nan)",
            "",
        )
    )
