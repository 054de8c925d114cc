"""Expressions: each becomes ops into a register.

An operand is an int: a lane register as itself, a uniform register as its complement (so it is negative).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.counted import Counted
from hybrid_rs.ir.nodes import Cast, Const, Dim, Expr, Load, Op, Var
from hybrid_rs.ir.ops import OPS, main_type
from hybrid_rs.ir.tree import Tree
from hybrid_rs.ir.types import BOOL, INT64, Type
from hybrid_rs.printers.vm.code import EVERY, SHORT, Code
from hybrid_rs.printers.vm.masks import Masks

__all__ = ["Values"]

_FLIPPED: Final = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_FIRST: Final = frozenset({"add", "sub", "mul"})
_SECOND: Final = frozenset({"add", "sub", "mul"})
_INVERTED: Final = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}


class Values:
    """Prints expressions, and knows where variables are."""

    def __init__(self, tree: Tree, code: Code) -> None:
        self.tree = tree
        self.code = code
        self.masks = Masks(code)
        self.varying = tree.varying
        # Operands of the variables, and behind them of results that wait.
        self.homes: list[int | None] = [None] * len(tree.types)
        self.types = list(tree.types)
        self.temporary: set[int] = set()
        self.dims: dict[tuple[int, int], int] = {}
        # Variables by the place where they are needed for the last time.
        self.expiring: dict[int, list[int]] = {}
        for variable, place in enumerate(tree.last):
            self.expiring.setdefault(place, []).append(variable)
        # Counters that aren't kept: their registers hold the time at which they come to their end.
        self.counters: dict[int, Counted] = {}
        self.inputs = {param.name: place for place, param in enumerate(tree.params)}
        self.place = 0

    # ---- registers

    def home(self, variable: int) -> int:
        """Give a variable's operand, taking a register where it has none."""
        operand = self.homes[variable]
        if operand is None:
            type_ = self.types[variable]
            varies = variable >= len(self.tree.types) or self.varying >> variable & 1
            operand = self.code.lanes.take(type_) if varies else ~self.code.uniforms.take(type_)
            self.homes[variable] = operand
        return operand

    def expire(self, place: int) -> None:
        """Give back the lane registers of variables that nothing behind a place needs."""
        for variable in self.expiring.get(place, ()):
            operand = self.homes[variable]
            if operand is not None and operand >= 0:
                self.homes[variable] = None
                self.code.lanes.drop(operand)

    def take(self, type_: Type, *, lanes: bool) -> int:
        """Give a temporary's operand."""
        operand = self.code.lanes.take(type_) if lanes else ~self.code.uniforms.take(type_)
        self.temporary.add(operand)
        return operand

    def keep(self, operand: int) -> None:
        """Make a temporary one that release() leaves alone."""
        self.temporary.discard(operand)

    def release(self, operand: int) -> None:
        """Give an operand's register back if it is a temporary."""
        if operand in self.temporary:
            self.temporary.remove(operand)
            if operand >= 0:
                self.code.lanes.drop(operand)
            else:
                self.code.uniforms.drop(~operand)

    def dest(self, type_: Type, want: int | None, *, lanes: bool) -> int:
        """Give the operand for a result whose operands were released: the wanted variable's where it has the class."""
        if want is not None:
            self.expire(self.place)
            if (self.home(want) >= 0) == lanes:
                return self.home(want)
        return self.take(type_, lanes=lanes)

    def splat(self, operand: int, type_: Type) -> int:
        """Give an operand as a lane register."""
        if operand >= 0:
            return operand
        self.release(operand)
        result = self.take(type_, lanes=True)
        self.code.emit(f"mov.{SHORT[type_.code]}.s", result, ~operand)
        return result

    def move(self, variable: int, operand: int, mask: int = EVERY) -> None:
        """Store an operand in a variable, of the masked lanes."""
        home = self.home(variable)
        if home == operand:
            return
        name = SHORT[self.types[variable].code]
        if home < 0:
            self.code.emit(f"mov.{name}.ss", ~home, ~operand)
        elif mask != EVERY:
            self.code.emit(f"movm.{name}.{'v' if operand >= 0 else 's'}", home, max(operand, ~operand), 0, mask)
        else:
            self.code.emit(f"mov.{name}.{'v' if operand >= 0 else 's'}", home, max(operand, ~operand))

    # ---- expressions

    def value(self, expr: Expr, want: int | None = None) -> int:
        """Print an expression; give its operand, which is the wanted variable's where that saves a move."""
        return _RULES[type(expr)](self, expr, want)

    def const(self, expr: Const, _want: int | None) -> int:
        """Give a constant."""
        return ~self.code.const(expr.type, expr.value)

    def var(self, expr: Var, want: int | None) -> int:
        """Give a variable."""
        return self.variable(self.tree.names[expr.name], want)

    def variable(self, variable: int, want: int | None = None) -> int:
        """Give a variable by its number; a counter that isn't kept is printed."""
        counted = self.counters.get(variable)
        if counted is None:
            return self.home(variable)
        type_ = self.types[variable]
        if counted.exact:
            return self.two("sub", type_, counted.time, ~counted.clock, type_, want)
        op, back = ("add", "sub") if counted.up else ("sub", "add")
        end = self.two(op, type_, self.value(counted.end), ~counted.clock, type_)
        return self.two(back, type_, end, counted.time, type_, want)

    def cast(self, expr: Cast, want: int | None) -> int:
        """Print a conversion."""
        source = expr.arg.type
        if source is expr.type:
            return self.value(expr.arg, want)
        site = None if source is BOOL else expr.site
        a = self.value(expr.arg)
        self.release(a)
        dst = self.dest(expr.type, want, lanes=a >= 0)
        form = f"{SHORT[source.code]}.{SHORT[expr.type.code]}.{'v' if a >= 0 else 's'}"
        if site is None:
            self.code.emit(f"cast.{form}", max(dst, ~dst), max(a, ~a))
        else:
            self.code.emit(f"cast_checked.{form}", max(dst, ~dst), max(a, ~a), 0, self.masks.here(), site)
        return dst

    def dim(self, expr: Dim, _want: int | None) -> int:
        """Give the length of a table's axis."""
        return ~self.length(self.tree.tables[expr.table], expr.axis)

    def length(self, table: int, axis: int) -> int:
        """Give the uniform register of the length of a table's axis."""
        register = self.dims.get((table, axis))
        if register is None:
            register = self.dims[table, axis] = self.code.uniforms.new(INT64)
            self.code.first("dim", register, table, axis)
        return register

    def load(self, expr: Load, want: int | None) -> int:
        """Print the reading of a table's element: its indices, their bounds from the left, its place in memory."""
        table = self.tree.tables[expr.table]
        indices = [self.value(index) for index in expr.index]
        mask = self.masks.here()
        flat: int | None = None
        for axis, index in enumerate(indices):
            self.release(index)
            place = self.take(INT64, lanes=index >= 0)
            form = "bound.v" if index >= 0 else "bound.s"
            self.code.emit(form, max(place, ~place), max(index, ~index), self.length(table, axis), mask, expr.site)
            indices[axis] = place
        for axis, place in enumerate(indices):
            if flat is None:
                flat = place
            else:
                flat = self.two("mul", INT64, flat, ~self.length(table, axis), INT64)
                flat = self.two("add", INT64, flat, place, INT64)
        assert flat is not None, "tables have axes"
        self.release(flat)
        dst = self.dest(expr.type, want, lanes=flat >= 0)
        form = f"gather.{SHORT[expr.type.code]}.{'v' if flat >= 0 else 's'}"
        self.code.emit(form, max(dst, ~dst), max(flat, ~flat), imm=table)
        return dst

    def op(self, expr: Op, want: int | None) -> int:
        """Print an op."""
        type_ = main_type(expr)
        args = expr.args
        if len(args) == 2:
            a = self.value(args[0])
            b = self.value(args[1])
            return self.two(expr.op, type_, a, b, expr.type, want, expr)
        if len(args) == 3:
            return self.three(expr, type_, want)
        if expr.op == "not":
            inverted = self.inverted(args[0], want)
            if inverted is not None:
                return inverted
        a = self.value(args[0])
        self.release(a)
        dst = self.dest(expr.type, want, lanes=a >= 0)
        name = f"{expr.op}.{SHORT[type_.code]}.{'v' if a >= 0 else 's'}"
        if expr.site is None:
            self.code.emit(name, max(dst, ~dst), max(a, ~a))
        else:
            self.code.emit(name, max(dst, ~dst), max(a, ~a), 0, self.masks.here(), expr.site)
        return dst

    def inverted(self, expr: Expr, want: int | None) -> int | None:
        """Print the opposite of a comparison where one op does it: of floats with nan only == and != have one."""
        if not isinstance(expr, Op) or expr.op not in _INVERTED:
            return None
        type_ = expr.args[0].type
        if type_.kind == "f" and expr.op not in ("eq", "ne"):
            return None
        a = self.value(expr.args[0])
        b = self.value(expr.args[1])
        return self.two(_INVERTED[expr.op], type_, a, b, BOOL, want)

    def two(
        self, op: str, type_: Type, a: int, b: int, result: Type, want: int | None = None, node: Op | None = None
    ) -> int:
        """Print an op of two operands, which are released; `node` has the site of its faults."""
        if a < 0 <= b and (op in _FLIPPED or OPS[op].commutes):
            op, a, b = _FLIPPED.get(op, op), b, a
        self.release(a)
        self.release(b)
        pair = self.pair(op, type_, a, b)
        dst = self.dest(result, want, lanes=a >= 0 or b >= 0)
        if pair is not None:
            name, first, second, third = pair
            self.code.emit(name, dst, first, second, third)
            return dst
        name = f"{op}.{SHORT[type_.code]}.{'v' if a >= 0 else 's'}{'v' if b >= 0 else 's'}"
        if node is None or node.site is None:
            self.code.emit(name, max(dst, ~dst), max(a, ~a), max(b, ~b))
        else:
            mask = self.masks.here() if walk.faults(node) else EVERY
            self.code.emit(name, max(dst, ~dst), max(a, ~a), max(b, ~b), mask, node.site)
        return dst

    def pair(self, op: str, type_: Type, a: int, b: int) -> tuple[str, int, int, int] | None:
        """Take the last op back if this one can be computed together with it; give the name and operands of both.

        Its result must be an operand that nothing else needs: a temporary's register, which was given back just now.
        """
        if op not in _SECOND or type_.bits < 32 or a == b:
            return None
        for operand, other, turned in ((a, b, False), (b, a, True)):
            if operand < 0 or operand in self.code.lanes.held:
                continue
            last, dst, first, second = self.code.last()
            name, form = last.partition(".")[0], last[-2:]
            if dst == operand and name in _FIRST and form in ("vv", "vs"):
                self.code.take_back()
                then = "rsub" if turned and op == "sub" else op
                form += "v" if other >= 0 else "s"
                return f"{name}_{then}.{SHORT[type_.code]}.{form}", first, second, max(other, ~other)
        return None

    def three(self, expr: Op, type_: Type, want: int | None) -> int:
        """Print an op of three operands, `select` or `fma`; the first is a lane register if any is."""
        operands = [self.value(arg) for arg in expr.args]
        lanes = any(operand >= 0 for operand in operands)
        if operands[0] < 0 <= operands[1] and expr.op == "fma":
            operands[:2] = operands[1], operands[0]
        if lanes:
            operands[0] = self.splat(operands[0], expr.args[0].type)
        for operand in operands:
            self.release(operand)
        dst = self.dest(expr.type, want, lanes=lanes)
        form = "".join(["v" if operand >= 0 else "s" for operand in operands])
        a, b, c = [max(operand, ~operand) for operand in operands]
        self.code.emit(f"{expr.op}.{SHORT[type_.code]}.{form}", max(dst, ~dst), a, b, c)
        return dst


_RULES: Final[dict[type[Any], Callable[[Values, Any, int | None], int]]] = {
    Cast: Values.cast,
    Const: Values.const,
    Dim: Values.dim,
    Load: Values.load,
    Op: Values.op,
    Var: Values.var,
}
