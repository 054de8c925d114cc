"""Finding a function's source text and parsing it."""

from __future__ import annotations

import ast
import inspect
import linecache
import tokenize
from types import CodeType, FunctionType

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.errors import located, short
from hybrid_rs.frontend.same import same_code
from hybrid_rs.frontend.scan import Scan, scan

__all__ = ["Definition", "define"]

_MOST_ENDS = 20
"""How many places to try as a function's last line before the tokenizer is asked, which is slow and always right."""

_UNREADABLE = (SyntaxError, ValueError, IndexError, EOFError, MemoryError, tokenize.TokenError, inspect.EndOfBlock)
"""What parsing raises at text that isn't a whole function."""


class Definition:
    """One function's parsed source.

    Attributes:
        function: The function.
        code: Its code when it was parsed; a function with another code needs another definition.
        name: Its name, for messages.
        filename: Where its source is.
        body: Its statements; a lambda's is one `return`.
        parameters: The names of its positional parameters.
        scan: What its names are used for.
    """

    def __init__(
        self,
        function: FunctionType,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        lines: list[str],
        skipped: int,
    ) -> None:
        """Keep a parsed function.

        Args:
            function: The function.
            node: Its syntax.
            lines: The lines that were parsed.
            skipped: How many lines of the file are before these.
        """
        self.function = function
        self.code = function.__code__
        self.name = "lambda" if isinstance(node, ast.Lambda) else node.name
        self.filename = self.code.co_filename
        self.node = node
        self.arguments = node.args
        self.parameters = tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args))
        self._lines = lines
        self._skipped = skipped
        if isinstance(node, ast.Lambda):
            returned = ast.copy_location(ast.Return(node.body), node.body)
            self.body: list[ast.stmt] = [returned]
        else:
            self.body = node.body
        self.scan: Scan = scan(self.body)
        self.keyword_only = tuple(argument.arg for argument in node.args.kwonlyargs)

    def line(self, node: ast.AST) -> int:
        """Return a node's line in the file."""
        return int(getattr(node, "lineno", self.node.lineno)) + self._skipped

    def place(self, node: ast.AST | None) -> tuple[int, int, int, str]:
        """Return a node's line, its first column (from 0, in characters), its width in that line, and the line."""
        at = node if node is not None and hasattr(node, "lineno") else self.node
        line: int = getattr(at, "lineno", 1)
        text = self._lines[line - 1].rstrip("\n") if line <= len(self._lines) else ""
        raw = text.encode()
        begin: int = getattr(at, "col_offset", 0)
        end: int | None = getattr(at, "end_col_offset", None)
        if at is self.node or end is None or getattr(at, "end_lineno", line) != line:
            end = len(raw)
        column = len(raw[:begin].decode(errors="replace"))
        return line + self._skipped, column, len(raw[begin:end].decode(errors="replace").rstrip()), text

    def text(self, node: ast.expr) -> str:
        """Return the text of an expression, shortened where it is long or goes over lines."""
        _, column, width, line = self.place(node)
        found = line[column : column + width]
        return found if len(found) <= 40 and node.lineno == node.end_lineno else found[:37] + "..."


def define(function: object) -> Definition:
    """Find and parse the source of a function.

    Raises:
        CompileError: If it is no plain function, or its source can't be had.
    """
    if not isinstance(function, FunctionType):
        raise CompileError(
            f"not a Python function: {type(function).__name__}\n"
            "write instead: a function made by def, with the kernel decorator directly above it"
        )
    lines = _lines(function)
    named = function.__code__.co_name != "<lambda>"
    try:
        definition = _def(function, lines) if named else _lambda(function, lines)
        _check_form(definition)
        node = definition.node
        if isinstance(node, ast.AsyncFunctionDef) or not same_code(node, function):
            raise _changed(function)
    except RecursionError:
        code = function.__code__
        text = lines[code.co_firstlineno - 1].rstrip("\n")
        raise CompileError(
            f"nested too deeply: {code.co_name}\n"
            f"  {short(code.co_filename)}, line {code.co_firstlineno}, in {code.co_name}\n    {text.strip()[:120]}\n"
            "write instead: parts of it as assignments or helpers",
            code.co_filename,
            code.co_firstlineno,
            1,
            text,
        ) from None
    except _UNREADABLE:
        raise _changed(function) from None
    return definition


def _lines(function: FunctionType) -> list[str]:
    """Return the file's lines as they were when it was first read."""
    code = function.__code__
    # Not inspect's: that looks whether the file changed, and would give the new text for the old code.
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if code.co_firstlineno > len(lines):
        raise CompileError(
            f"no source: the text of {code.co_name} can't be found in {code.co_filename}\n"
            "write instead: put the function in a file or a notebook cell; for source given to exec, compile it under "
            "a file name that is in linecache.cache; or hr.dyn(function), which needs no source, at Python's speed",
            code.co_filename,
            code.co_firstlineno,
        )
    return lines


def _changed(function: FunctionType) -> CompileError:
    code = function.__code__
    return CompileError(
        f"changed source: {short(code.co_filename)}, line {code.co_firstlineno} isn't what {code.co_name} was made of\n"
        "write instead: import or run the file again; a function that another tool rewrites can't be a kernel",
        code.co_filename,
        code.co_firstlineno,
    )


def _def(function: FunctionType, lines: list[str]) -> Definition:
    first = function.__code__.co_firstlineno - 1
    block = lines[first:]
    head = block[0]
    indented = head[:1] in " \t"
    tree, used = _parse(block, indented)
    if tree is None or not tree.body:
        raise _changed(function)
    node = tree.body[0]
    if indented and isinstance(node, ast.If):
        node = node.body[0]
    if isinstance(node, ast.FunctionDef) and node.name == function.__code__.co_name:
        return Definition(function, node, used, first - indented)
    if isinstance(node, ast.AsyncFunctionDef):
        definition = Definition(function, node, used, first - indented)
        raise located(definition, node, "unsupported: an async function", "def")
    raise _changed(function)


def _parse(block: list[str], indented: bool) -> tuple[ast.Module | None, list[str]]:
    """Parse the definition that a block begins with, and return the lines used.

    A definition ends where a line is indented no further than its first, but not in brackets or strings: so each such
    line is tried until the text before it parses.
    """
    wrap = ["if 1:\n"] if indented else []
    margin = len(block[0]) - len(block[0].lstrip())
    tried, header = 0, False
    for end in range(1, len(block) + 1):
        if end < len(block):
            line = block[end]
            text = line.strip()
            if not text or text[0] in "#@)" or len(line) - len(line.lstrip()) > margin:
                continue
            if not header and text.startswith(("def ", "async ")):
                header = True
                continue
            tried += 1
            if tried > _MOST_ENDS:
                break
        try:
            lines = wrap + block[:end]
            return ast.parse("".join(lines)), lines
        except (SyntaxError, ValueError):
            continue
    try:
        lines = wrap + inspect.getblock(block)
        return ast.parse("".join(lines)), lines
    except _UNREADABLE:
        return None, []


def _lambda(function: FunctionType, lines: list[str]) -> Definition:
    code = function.__code__
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        raise _changed(function) from None
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno
    ]  # fmt: skip
    same = [node for node in found if same_code(node, function)]
    if not same:
        raise _changed(function)
    if len({ast.dump(node) for node in same}) > 1:
        raise CompileError(
            f"several lambdas in line {code.co_firstlineno} of {short(code.co_filename)}: which is meant isn't clear\n"
            "write instead: a function made by def",
            code.co_filename,
            code.co_firstlineno,
        )
    return Definition(function, same[0], lines, 0)


def _check_form(definition: Definition) -> None:
    """Refuse generators, and parameters that a kernel can't have."""
    code: CodeType = definition.code
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        node = next(
            (n for n in ast.walk(definition.node) if isinstance(n, ast.Yield | ast.YieldFrom | ast.Await)), None
        )
        raise located(
            definition, node, "unsupported: yield in a kernel", "return the value; a kernel gives one for each element"
        )
    star = definition.arguments.vararg or definition.arguments.kwarg
    if star is not None:
        advice = "one parameter for each argument"
        if hasattr(definition.function, "__wrapped__"):
            advice += "; a decorator between the kernel and its function hides the parameters: remove it"
        raise located(definition, star, f"unsupported: star parameters (*{star.arg})", advice)
