"""Policies against their formulas, written out here in exact fractions."""

import time
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybrid_rs as hr


def v1(n: int) -> int:
    return ceil(Fraction(min(max(n // 50, 500), 2000), 500)) * 500


def v2(n: int) -> int:
    if n < 20_000:
        size = 750
    elif n < 80_000:
        size = 1000 + floor(Fraction((n - 20_000) * 500, 60_000))
    else:
        size = 1500 + floor(Fraction(min(n - 80_000, 40_000) * 250, 40_000))
    return min(max(size, 500), 2000)


def linear(n: int) -> int:
    return floor(500 + Fraction(15, 1000) * (n - 10_000))


def ratio(n: int) -> int:
    return floor(max(Fraction(750), min(Fraction(n, 60), Fraction(2000))))


@given(st.one_of(st.integers(0, 200_000), st.integers(0, 2**40)))
def test_formulas(n: int) -> None:
    for name, formula in {"v1": v1, "v2": v2, "linear": linear, "ratio": ratio, "adaptive": v2}.items():
        assert hr.policy.chunk_size(name, n) == formula(n)
        assert getattr(hr.policy, name)(n) == formula(n)
    assert hr.policy.fixed(17)(n) == 17


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("v1", (500, 1000, 2000)), ("v2", (750, 1250, 1625)), ("linear", (500, 1100, 1850)), ("ratio", (750, 833, 1666))],
)
def test_figures_of_the_report(name: str, sizes: tuple[int, ...]) -> None:
    assert tuple(hr.policy.chunk_size(name, n) for n in (10_000, 50_000, 100_000)) == sizes


def test_bad_policies() -> None:
    with pytest.raises(ValueError, match="policy: unknown policy 'v3'; there are v1, v2"):
        hr.policy.chunk_size("v3", 5)
    with pytest.raises(TypeError, match="policy: must be a name"):
        hr.policy.chunk_size(5, 5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n: must be at least 0, got -1"):
        hr.policy.v1(-1)
    with pytest.raises(TypeError, match="n: must be an integer, not float"):
        hr.policy.v1(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n: must be at least 1, got 0"):
        hr.policy.fixed(0)
    with pytest.raises(ValueError, match="policy: unknown policy 'fast'; .* and hr.policy.fixed\\(n\\)"):
        hr.Runtime(policy="fast")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("v1", "x"), ValueError, "size: policy 'v1' has none"),
        (("fixed",), ValueError, "size: policy 'fixed' needs one"),
        (("fixed", -1), ValueError, "size: must be at least 1, got -1"),
        (("fixed", 2.0), TypeError, "size: must be an integer, not float"),
        (("v3",), ValueError, "policy: unknown policy 'v3'"),
        ((3,), TypeError, "policy: the name must be a str, not int"),
    ],
)
def test_a_policy_checks_its_arguments(arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        hr.policy.Policy(*arguments)


def test_fixed_by_text() -> None:
    assert hr.policy.get("fixed(333)") == hr.policy.fixed(333) == hr.policy.Policy("fixed", 333)
    assert hr.policy.chunk_size("fixed(333)", 10**6) == 333
    assert hr.policy.get(f"fixed({'9' * 5000})")(5) == 2**64 - 1
    with hr.Runtime(policy="fixed(333)") as rt:
        assert rt.policy == hr.policy.fixed(333)
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        hr.policy.get("fixed(0)")
    for text in ("fixed", "fixed()", "fixed(3", "fixed(-1)", "fixed(1.5)"):
        with pytest.raises(ValueError, match="hr.policy.fixed"):
            hr.policy.get(text)


def test_modules_show_their_public_names() -> None:
    assert dir(hr.policy) == sorted(hr.policy.__all__)
    assert dir(hr.kernels) == sorted(hr.kernels.__all__)


@pytest.mark.parametrize("policy", ["v1", "v2", "linear", "ratio", hr.policy.fixed(123), hr.policy.v1])
def test_a_runtime_uses_its_policy(policy: str | hr.policy.Policy) -> None:
    with hr.Runtime(policy=policy) as rt:
        rt.map(hr.kernels.busy_work, np.arange(50_000), 1, path="hybrid_fnptr_chunked")
        last = rt.metrics()["last"]
    expected = policy(50_000) if isinstance(policy, hr.policy.Policy) else hr.policy.chunk_size(policy, 50_000)
    assert last["chunk_size"] == expected
    assert last["reason"].startswith("policy ")


def test_precedence_of_chunk_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_CHUNK_SIZE", "777")
    x = np.arange(50_000)
    with hr.Runtime(policy="v1") as rt:
        rt.map(hr.kernels.busy_work, x, 1)
        assert (rt.metrics()["last"]["chunk_size"], rt.metrics()["last"]["reason"]) == (777, "HYBRID_CHUNK_SIZE")
        rt.map(hr.kernels.busy_work, x, 1, chunk_size=99)
        assert (rt.metrics()["last"]["chunk_size"], rt.metrics()["last"]["reason"]) == (99, "chunk_size argument")


def test_adaptive_follows_what_was_measured() -> None:
    def sleeps(_: int) -> bool:
        # On any machine for so long; for longer on a loaded one, which makes chunks shorter still.
        time.sleep(0.002)
        return True

    slow = hr.dyn(sleeps, "bool")
    with hr.Runtime(threads=2) as rt:
        formula, why = rt.chunk_size(slow, 1_000_000)
        assert (formula, why) == (v2(1_000_000), "policy adaptive")
        rt.map(slow, np.arange(20))
        corrected, why = rt.chunk_size(slow, 1_000_000)
        assert corrected < formula
        assert f"policy adaptive: {formula} by formula, corrected for " in why
