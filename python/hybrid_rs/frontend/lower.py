"""From a kernel's source and its arguments' types to IR."""

from __future__ import annotations

from typing import Final

from hybrid_rs.frontend import calls, exponents, expressions, loops, statements, tables
from hybrid_rs.frontend.errors import located
from hybrid_rs.frontend.frame import Frame
from hybrid_rs.frontend.kernel_source import Source
from hybrid_rs.frontend.statements import run_body
from hybrid_rs.frontend.typed import Arg, Guard, TableArg, Typed
from hybrid_rs.frontend.values import Table, Value
from hybrid_rs.frontend.walk import Session, Walk
from hybrid_rs.ir import nodes as ir
from hybrid_rs.ir.types import Type

__all__ = ["lower"]

_CONSTRUCTS: Final = (calls, expressions, exponents, loops, statements, tables)
"""The modules that know the constructs; importing them enters their rules."""
_FREE_WALKS: Final = 8
_MOST_WALKS: Final = 100


def lower(
    source: Source, args: tuple[Arg | TableArg, ...], *, overflow: str = "wrap", results: tuple[Type, ...] | None = None
) -> Typed:
    """Lower a kernel for one choice of argument types.

    Args:
        source: The kernel.
        args: One for each parameter.
        overflow: "wrap", or "raise" for integer arithmetic that faults instead.
        results: The declared types of the results; returned values are cast to them by NumPy's "same_kind" rule.

    Raises:
        CompileError: If the kernel isn't in the language, or not with these types.
    """
    definition = source.refresh()
    if len(args) != len(definition.parameters):
        raise located(definition, None, f"{source.name} takes {len(definition.parameters)} arguments, not {len(args)}")
    session = Session(source, args, checked=overflow == "raise", results=results)
    try:
        walk = _settle(session)
    except RecursionError:
        raise located(
            definition,
            None,
            f"unsupported: {source.name} is nested too deeply",
            "parts of it as assignments or helpers",
        ) from None
    return _typed(session, walk)


def _settle(session: Session) -> Walk:
    """Walk until the variables have the types that the walk took them to have."""
    for count in range(_MOST_WALKS):
        walk = _walk(session)
        if walk.too_large is not None:
            raise walk.too_large
        if walk.settled():
            if session.pinned or not walk.read_weak():
                if walk.error is not None:
                    raise walk.error
                return walk
            session.pinned = True
        session.assumed = walk.types()
        if count >= _FREE_WALKS:
            session.cumulative = walk.masks()
    raise located(session.source.definition, None, "the variables' types don't settle", "casts, as np.float64(x)")


def _walk(session: Session) -> Walk:
    definition = session.source.definition
    frame = Frame(definition)
    frame.declared = session.results
    walk = Walk(session, frame)
    for place, (name, arg) in enumerate(zip(definition.parameters, session.args, strict=True)):
        if isinstance(arg, TableArg):
            frame.bound[name] = Table(name, arg.type, arg.ndim)
            continue
        value = Value(ir.Var(name, arg.type), arg.type, weak=arg.weak)
        if arg.weak:
            walk.weak_arguments[name] = place
        if name in definition.scan.stores:
            walk.assign(frame.variable(name), value, definition.node, name)
            assert frame.assigned is not None
            frame.assigned.add(name)
        else:
            frame.bound[name] = value
    run_body(walk, definition.body)
    if walk.error is None and frame.assigned is not None:
        walk.error = located(
            definition,
            definition.body[-1],
            f"missing return: {definition.name} ends without one on some path",
            "a return at its end",
        )
    if walk.error is None and not frame.count:
        walk.error = walk.endless or located(
            definition, None, f"{definition.name} never returns a value", "a return with the result"
        )
    return walk


def _typed(session: Session, walk: Walk) -> Typed:
    definition = session.source.definition
    frame = walk.frame
    types = walk.types()
    returned = [frame.returned(place) for place in range(frame.count or 0)]
    found = tuple([types.pop(name)[0] for name in returned])
    body = tuple(walk.out)
    params: list[ir.Param | ir.Table] = []
    for name, arg in zip(definition.parameters, session.args, strict=True):
        params.append(ir.Table(name, arg.type, arg.ndim) if isinstance(arg, TableArg) else ir.Param(name, arg.type))
    params += [ir.Table(table.name, table.type, table.ndim) for _, table in walk.captured.values()]
    variables = [ir.Param(name, type_) for name, (type_, _) in types.items()]
    variables += [ir.Param(name, type_) for name, type_ in walk.temporaries.items()]
    steps = walk.site("RuntimeError", "more steps than max_steps allows", None)
    function = ir.Function(
        session.source.name, tuple(params), tuple(variables), found, body, walk.sites(), steps
    )  # fmt: skip
    own = Guard(definition.function, "__code__", definition.code)
    return Typed(
        function, (own, *walk.guards.all()), tuple(walk.casts), tuple([guard for guard, _ in walk.captured.values()])
    )
