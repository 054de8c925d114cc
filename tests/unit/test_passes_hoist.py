"""What loops compute ahead of themselves."""

from hybrid_rs.ir.nodes import Assign, If, Loop, Return
from hybrid_rs.passes.hoist import hoist
from irsmall import DIVIDED, B, J, K, M, N, after, const, op

PRODUCT = op("add", op("mul", N, M), const(1))


def loop(*body: object) -> Loop:
    return Loop("l", (), op("lt", K, N), body, (Assign("k", op("add", K, const(1))),))  # type: ignore[arg-type]


def test_what_does_not_change_is_computed_ahead() -> None:
    assert after(hoist, Assign("k", const(0)), loop(Assign("j", op("mul", PRODUCT, K))), Return((K,))) == [
        "k = 0",
        "%h1 = n * m + 1",
        "loop l while k < n:",
        "    j = %h1 * k",
        "step l:",
        "    k = k + 1",
        "return k",
    ]


def test_a_cheap_op_stays_and_so_does_what_changes() -> None:
    statements = (
        Assign("k", const(0)),
        loop(Assign("j", op("mul", op("mul", N, M), K)), Assign("j", op("add", op("mul", J, N), M))),
        Return((K,)),
    )
    assert "%h" not in "".join(after(hoist, *statements))


def test_what_can_fault_stays() -> None:
    assert "%h" not in "".join(after(hoist, Assign("k", const(0)), loop(Assign("j", DIVIDED)), Return((K,))))


def test_bodies_that_not_every_iteration_comes_by_stay() -> None:
    inner = If(B, (Assign("j", PRODUCT),), ())
    assert "%h" not in "".join(after(hoist, Assign("k", const(0)), loop(inner), Return((K,))))


def test_out_of_two_loops() -> None:
    inner = Loop("m", (), op("lt", J, M), (Assign("j", op("add", J, PRODUCT)),), ())
    found = after(hoist, Assign("k", const(0)), loop(Assign("j", const(0)), inner), Return((K,)))
    assert found.index("%h2 = n * m + 1") < found.index("loop l while k < n:")
