"""What becomes of repeated expressions."""

from hybrid_rs.ir.nodes import (
    Assign,
    Cast,
    If,
    Loop,
    Return,
)
from hybrid_rs.ir.types import BOOL, FLOAT64, INT32
from hybrid_rs.passes.cse import eliminate
from hybrid_rs.passes.dead import prune
from irsmall import DIVIDED, DIVISION, INT8, LOADED, OVERFLOW, B, J, K, M, N, X, Y, after, const, function, lines, op


def test_a_repeated_expression_gets_a_name() -> None:
    square = op("mul", X, X)
    assert lines(
        eliminate(
            function(
                Return(
                    (op("add", square, op("sqrt", square)),),
                ),
                results=(FLOAT64,),
            )
        )
    ) == [
        "%c1 = x * x",
        "return %c1 + sqrt(%c1)",
    ]


def test_a_variable_that_holds_it_is_taken() -> None:
    product = op("mul", N, M)
    assert after(eliminate, Assign("k", product), Assign("j", op("add", product, const(1))), Return((J,))) == [
        "k = n * m",
        "j = k + 1",
        "return j",
    ]


def test_a_variable_that_was_changed_is_not() -> None:
    product = op("mul", N, M)
    assert after(
        eliminate, Assign("k", product), Assign("k", op("add", K, const(1))), Return((op("add", K, product),))
    ) == ["%c1 = n * m", "k = %c1", "k = k + 1", "return k + %c1"]


def test_changed_operands_make_another_expression() -> None:
    square = op("mul", K, K)
    assert after(eliminate, Assign("k", N), Assign("j", square), Assign("k", M), Return((op("add", J, square),))) == [
        "k = n",
        "j = k * k",
        "k = m",
        "return j + k * k",
    ]


def test_the_order_of_operands_matters_where_it_does() -> None:
    both = op("add", op("mul", N, M), op("mul", M, N))
    assert after(eliminate, Return((both,))) == ["%c1 = n * m", "return %c1 + %c1"]
    either = op("add", op("sub", N, M), op("sub", M, N))
    assert after(eliminate, Return((either,))) == ["return n - m + (m - n)"]
    # -0.0 and nan make the first operand of min special.
    ends = op("add", op("min", X, Y), op("min", Y, X))
    assert lines(eliminate(function(Return((ends,)), results=(FLOAT64,)))) == ["return min(x, y) + min(y, x)"]


def test_zeros_and_types_of_constants_are_told_apart() -> None:
    plus, minus = (op("div", X, const(zero, FLOAT64)) for zero in (0.0, -0.0))
    assert lines(eliminate(function(Return((op("add", plus, minus),)), results=(FLOAT64,)))) == [
        "return x / 0.0 + x / -0.0"
    ]
    narrow = op("eq", Cast(INT8, const(1)), Cast(INT8, const(1, INT32)))
    assert lines(eliminate(function(Return((narrow,)), results=(BOOL,)))) == ["return int8(1) == int8(1i32)"]


def test_one_side_of_an_if_does_not_know_the_other() -> None:
    product = op("mul", N, M)
    assert after(
        eliminate, If(B, (Assign("k", product),), (Assign("k", op("neg", product)),)), Return((op("add", K, product),))
    ) == ["if b:", "    k = n * m", "else:", "    k = -(n * m)", "return k + n * m"]


def test_what_came_before_an_if_or_loop_is_known_inside() -> None:
    product = op("mul", N, M)
    assert after(
        eliminate,
        Assign("k", product),
        Loop("L", (), op("lt", N, product), (If(B, (Assign("j", product),), ()),), ()),
        Return((product,)),
    ) == ["k = n * m", "loop L while n < k:", "    if b:", "        j = k", "return k"]


def test_a_loop_s_own_values_are_new_each_time() -> None:
    square = op("mul", K, K)
    assert after(
        eliminate,
        Assign("k", N),
        Assign("j", square),
        Loop("L", (), op("lt", square, M), (Assign("total", square),), (Assign("k", op("add", square, const(1))),)),
        Return((square,)),
    ) == [
        "k = n", "j = k * k", "loop L head:", "    %c1 = k * k", "then L while %c1 < m:", "    total = %c1",
        "step L:", "    k = k * k + 1", "return k * k",
    ]  # fmt: skip


def test_faults_stay_in_order() -> None:
    # The load comes after a division that may fault first, so it can't be taken out of its statement.
    first = op("add", DIVIDED, op("mul", LOADED, LOADED))
    assert after(eliminate, Return((first,))) == ["return n // m + t[n] * t[n]"]
    # Here it comes first.
    second = op("add", op("mul", LOADED, LOADED), DIVIDED)
    assert after(eliminate, Return((second,))) == ["%c1 = t[n]", "return %c1 * %c1 + n // m"]
    # And here the division goes first, as it must.
    both = op("add", op("mul", DIVIDED, DIVIDED), op("mul", LOADED, LOADED))
    assert after(eliminate, Return((both,))) == ["%c1 = n // m", "%c2 = t[n]", "return %c1 * %c1 + %c2 * %c2"]


def test_equal_faults_of_two_lines_are_the_first() -> None:
    again = op("floordiv", N, M, site=DIVISION)
    assert after(eliminate, Assign("k", DIVIDED), Return((op("add", K, again),))) == ["k = n // m", "return k + k"]


def test_a_checked_cast_is_not_an_unchecked_one() -> None:
    pair = op("add", Cast(INT8, N), Cast(INT8, N, OVERFLOW))
    made = eliminate(function(Return((pair,)), results=(INT8,)))
    assert lines(made) == ["return int8(n) + int8!(n)"]


def test_larger_ones_are_taken_whole() -> None:
    large = op("neg", op("mul", N, op("add", M, const(1))))
    assert after(eliminate, Return((op("xor", large, op("invert", large)),))) == [
        "%c1 = -(n * (m + 1))",
        "return %c1 ^ ~%c1",
    ]


def test_ifs_that_decide_and_compute_alike_are_one() -> None:
    product = op("mul", N, M)
    first = If(B, (Assign("k", product),), (Assign("k", N),))
    second = If(B, (Assign("j", product),), (Assign("j", N),))
    found = after(lambda made: prune(eliminate(made)), first, second, Return((op("add", K, J),)))
    assert found == ["if b:", "    k = n * m", "else:", "    k = n", "j = k", "return k + j"]


def test_ifs_that_compute_something_else_are_not() -> None:
    first = If(B, (Assign("k", op("mul", N, M)),), (Assign("k", N),))
    second = If(B, (Assign("j", op("mul", N, M)),), (Assign("j", M),))
    assert "j = k" not in after(eliminate, first, second, Return((op("add", K, J),)))
