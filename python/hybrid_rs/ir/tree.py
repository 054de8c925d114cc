"""A function as printers need it: statements with resolved exits, sets of variables, and room for what analyses find.

Sets of variables are ints with one bit for each scalar parameter and local, in the order of `Tree.types`. Unreachable
statements are left out. `passes/liveness` and `passes/uniform` fill in their attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from hybrid_rs.ir import nodes
from hybrid_rs.ir.nodes import Const, Dim, Expr, Function, Param, Table, Var
from hybrid_rs.ir.types import Type
from hybrid_rs.ir.walk import faults, operands

__all__ = ["LOOP_COST", "Assign", "Block", "Body", "Exit", "Fault", "If", "Loop", "Node", "Return", "Tree", "bits"]

LOOP_COST: Final = 1000
"""What a loop counts as, beside ops that count 1: more than any limit that costs are compared with."""


def bits(variables: int) -> list[int]:
    """List the variables of a set in order."""
    found = []
    while variables:
        low = variables & -variables
        found.append(low.bit_length() - 1)
        variables ^= low
    return found


class Body:
    """Statements in a row, up to the first that doesn't go on to the next."""

    __slots__ = ("assigned", "completes", "cost", "exits", "faults", "nodes")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.assigned = 0
        """The variables that it assigns."""
        self.cost = 0
        """How many ops it has."""
        self.exits = False
        """Whether it has Breaks, Continues or Returns."""
        self.faults = False
        """Whether it can fault."""
        self.completes = True
        """Whether its end can be reached."""

    def include(self, inner: Body) -> None:
        """Count a body inside this one."""
        self.assigned |= inner.assigned
        self.cost += inner.cost
        self.exits |= inner.exits
        self.faults |= inner.faults


class Assign:
    """Stores a value in a variable."""

    __slots__ = ("masked", "place", "target", "uses", "value")

    def __init__(self, target: int, value: Expr, uses: int, place: int) -> None:
        self.target = target
        self.value = value
        self.uses = uses
        self.place = place
        self.masked = False
        """Whether lanes that are elsewhere at the moment need the variable as it was."""


class If:
    """Runs one of two bodies."""

    __slots__ = ("cond", "end", "live_after", "live_else", "orelse", "place", "then", "uses", "varies", "waiting")

    def __init__(self, cond: Expr, uses: int, place: int) -> None:
        self.cond = cond
        self.uses = uses
        self.place = self.end = place
        self.then = Body()
        self.orelse = Body()
        self.live_after = self.live_else = 0
        self.varies = False
        """Whether lanes may take different bodies."""
        self.waiting = 0
        """Variables that lanes need which are elsewhere when it is reached, in the same loop body."""


class Block:
    """Runs a body that can be left."""

    __slots__ = ("around", "body", "breaks", "end", "live_after", "masked", "place")

    def __init__(self, place: int) -> None:
        self.place = self.end = place
        self.body = Body()
        self.breaks = False
        self.live_after = 0
        self.masked = False
        """Whether some lanes may leave it while others stay."""
        self.around = False
        """Whether the refill loop is in it."""


class Loop:
    """``while True: head; if not cond: break; body; step``."""

    __slots__ = (
        "body", "breaks", "cond", "cond_place", "continues", "end", "endless", "entry", "exits", "faults", "head",
        "live_after", "live_head", "live_step", "masked", "outside", "place", "refill", "resume", "shadows", "step",
        "steps", "uses",
    )  # fmt: skip

    def __init__(self, cond: Expr, place: int) -> None:
        self.place = self.cond_place = self.end = place
        self.head = Body()
        self.cond = cond
        self.uses = 0
        self.body = Body()
        self.step = Body()
        self.breaks = False
        self.endless = isinstance(cond, Const) and bool(cond.value)
        """Whether the condition is the constant True."""
        self.steps = False
        """Whether its step can be reached."""
        self.exits = self.faults = False
        self.live_head = self.live_step = self.live_after = 0
        self.masked = False
        """Whether lanes may leave it at different times."""
        self.continues = False
        """Whether some lanes may go on to the step while others are in the body."""
        self.refill = False
        """Whether it is the loop whose finished lanes take new elements."""
        self.outside = 0
        """Variables that lanes need which have left it while others go on."""
        self.resume = 0
        """Those of them that are needed in the body around it."""
        self.shadows = 0
        """Variables whose values are put aside for lanes that leave."""
        self.entry = 0
        """Those of them that lanes need which never entered."""

    @property
    def assigned(self) -> int:
        """The variables that it assigns."""
        return self.head.assigned | self.body.assigned | self.step.assigned


class Exit:
    """Leaves a block or loop, or goes on with a loop's step."""

    __slots__ = ("goes_on", "masked", "place", "target")

    def __init__(self, target: Block | Loop, goes_on: bool, place: int) -> None:
        self.target = target
        self.goes_on = goes_on
        """Whether it is a Continue."""
        self.place = place
        self.masked = False
        """Whether other lanes stay behind."""


class Return:
    """Ends the element with its results."""

    __slots__ = ("masked", "place", "uses", "values")

    def __init__(self, values: tuple[Expr, ...], uses: int, place: int) -> None:
        self.values = values
        self.uses = uses
        self.place = place
        self.masked = False
        """Whether other lanes stay behind."""


class Fault:
    """Ends the element with a fault."""

    __slots__ = ("place", "site")

    def __init__(self, site: int, place: int) -> None:
        self.site = site
        self.place = place


Node: TypeAlias = Assign | If | Block | Loop | Exit | Return | Fault


class Tree:
    """A function's statements and variables."""

    __slots__ = (
        "around", "body", "function", "inputs", "last", "late", "loops", "names", "params", "refill", "tables", "types",
        "varying",
    )  # fmt: skip

    def __init__(self, function: Function) -> None:
        self.function = function
        self.params = [param for param in function.params if isinstance(param, Param)]
        tables = [param.name for param in function.params if isinstance(param, Table)]
        self.tables = {name: place for place, name in enumerate(tables)}
        """The tables' numbers."""
        scalars = (*self.params, *function.locals)
        self.names = {scalar.name: place for place, scalar in enumerate(scalars)}
        """The variables' numbers."""
        self.types: list[Type] = [scalar.type for scalar in scalars]
        self.last = [0] * len(scalars)
        """The last place where a variable is needed, counted from the function's start, at 0."""
        self.inputs = 0
        """The parameters that are read."""
        self.loops: list[Loop] = []
        self.varying = 0
        """The variables whose values may differ between lanes."""
        self.refill: Loop | None = None
        """The loop whose finished lanes take new elements."""
        self.around: list[Block] = []
        """The blocks around it."""
        self.late = False
        """Whether results wait in registers for the end, because lanes return at different times."""
        self.body = Body()
        _Planter(self).plant(function.body, self.body)


class _Planter:
    """Makes the nodes of a tree in one walk."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.names = tree.names
        self.last = tree.last
        self.place = 0
        self.targets: dict[str, Block | Loop] = {}
        # What scan() found in the expressions since they were last reset.
        self.uses = 0
        self.cost = 0
        self.faults = False

    def plant(self, stmts: tuple[nodes.Stmt, ...], body: Body) -> None:
        for stmt in stmts:
            self.place += 1
            if not _PLANT[type(stmt)](self, stmt, body):
                body.completes = False
                return

    def scan(self, expr: Expr, body: Body) -> int:
        """Count an expression in its body; give the variables it reads."""
        self.uses = self.cost = 0
        self.faults = False
        self.walk(expr)
        body.cost += self.cost
        body.faults |= self.faults
        return self.uses

    def walk(self, expr: Expr) -> None:
        kind = type(expr)
        if kind is Var:
            place = self.names[expr.name]  # type: ignore[union-attr]
            self.uses |= 1 << place
            self.last[place] = self.place
            return
        if kind is Const or kind is Dim:
            return
        self.cost += 1
        self.faults = self.faults or faults(expr)
        for operand in operands(expr):
            self.walk(operand)

    # ---- each says whether the next statement can be reached

    def assign(self, stmt: nodes.Assign, body: Body) -> bool:
        target = self.names[stmt.target]
        body.nodes.append(Assign(target, stmt.value, self.scan(stmt.value, body), self.place))
        body.assigned |= 1 << target
        body.cost += not self.cost  # a copy
        self.last[target] = self.place
        return True

    def branch(self, stmt: nodes.If, body: Body) -> bool:
        node = If(stmt.cond, self.scan(stmt.cond, body), self.place)
        body.nodes.append(node)
        self.plant(stmt.then, node.then)
        self.plant(stmt.orelse, node.orelse)
        self.place += 1
        node.end = self.place
        if isinstance(stmt.cond, Var):
            # Its register may be the mask of the bodies.
            self.last[self.names[stmt.cond.name]] = self.place
        body.include(node.then)
        body.include(node.orelse)
        return node.then.completes or node.orelse.completes

    def block(self, stmt: nodes.Block, body: Body) -> bool:
        node = Block(self.place)
        body.nodes.append(node)
        self.targets[stmt.label] = node
        self.plant(stmt.body, node.body)
        self.place += 1
        node.end = self.place
        body.include(node.body)
        return node.body.completes or node.breaks

    def loop(self, stmt: nodes.Loop, body: Body) -> bool:
        node = Loop(stmt.cond, self.place)
        body.nodes.append(node)
        self.tree.loops.append(node)
        self.targets[stmt.label] = node
        self.plant(stmt.head, node.head)
        self.place += 1
        node.cond_place = self.place
        node.uses = self.scan(stmt.cond, node.head)
        if node.head.completes:
            self.plant(stmt.body, node.body)
            node.steps |= node.body.completes
        if node.steps:
            self.plant(stmt.step, node.step)
        self.place += 1
        node.end = self.place
        for inner in (node.head, node.body, node.step):
            body.include(inner)
            node.exits |= inner.exits
            node.faults |= inner.faults
        body.cost += LOOP_COST
        return node.breaks or (node.head.completes and not node.endless)

    def leave(self, stmt: nodes.Break | nodes.Continue, body: Body) -> bool:
        target = self.targets[stmt.label]
        goes_on = isinstance(stmt, nodes.Continue)
        if not goes_on:
            target.breaks = True
        elif isinstance(target, Loop):
            target.steps = True
        body.nodes.append(Exit(target, goes_on, self.place))
        body.exits = True
        return False

    def give(self, stmt: nodes.Return, body: Body) -> bool:
        uses = 0
        for value in stmt.values:
            uses |= self.scan(value, body)
        body.nodes.append(Return(stmt.values, uses, self.place))
        body.exits = True
        return False

    def fault(self, stmt: nodes.Fault, body: Body) -> bool:
        body.nodes.append(Fault(stmt.site, self.place))
        body.faults = True
        return False


_PLANT: Final[dict[type[Any], Callable[[_Planter, Any, Body], bool]]] = {
    nodes.Assign: _Planter.assign,
    nodes.If: _Planter.branch,
    nodes.Block: _Planter.block,
    nodes.Loop: _Planter.loop,
    nodes.Break: _Planter.leave,
    nodes.Continue: _Planter.leave,
    nodes.Return: _Planter.give,
    nodes.Fault: _Planter.fault,
}
