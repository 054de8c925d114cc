"""The measurements' own arithmetic, against planted data; and each measurement once, small, on the real runtime."""

import dataclasses
import json
import math
import random
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybrid_rs as hr
from hybrid_rs.bench import fit, gap, lite, oracle, paths, scaling, stats, sweep, table, timing, tiny
from hybrid_rs.bench.timing import Sample
from hybrid_rs.bench.workload import Choice, Workload

# ---- statistics


def test_quartiles_interpolate() -> None:
    assert stats.quartiles([4.0, 1.0, 3.0, 2.0, 5.0]) == (2.0, 3.0, 4.0)
    assert stats.quartiles([1.0, 2.0]) == (1.25, 1.5, 1.75)


def test_outliers_lie_beyond_the_fences() -> None:
    # Quartiles 2 and 4, so the fences are at -1 and 7; a value on a fence is no outlier.
    assert stats.outliers([2.0, 7.0, 2.0, 3.0, 4.0, -1.0, 4.0]) == ()
    assert stats.outliers([2.0, 7.1, 2.0, 3.0, 4.0, -1.1, 4.0]) == (1, 5)
    assert stats.outliers([10.0, 10.1, 10.0, 9.9, 30.0, 10.1, 1.0]) == (4, 6)


@pytest.mark.parametrize("call", [stats.quartiles, stats.median, stats.outliers, stats.median_interval])
def test_nothing_has_no_statistics(call: Callable[[list[float]], object]) -> None:
    with pytest.raises(ValueError, match="no values"):
        call([])


@pytest.mark.parametrize(
    ("count", "level", "ends", "coverage"),
    [
        # Tables of the sign test: for 10 values the 2nd and 9th cover 97.9 %, the 1st and 10th 99.8 %.
        (10, 0.95, (2, 9), 1 - 2 * 11 / 2**10),
        (10, 0.99, (1, 10), 1 - 2 / 2**10),
        (20, 0.95, (6, 15), 0.9586),
        (5, 0.95, (1, 5), 0.9375),
        (1, 0.95, (1, 1), 0.0),
    ],
)
def test_median_interval_is_the_sign_tests(
    count: int, level: float, ends: tuple[float, float], coverage: float
) -> None:
    values = [float(value) for value in range(1, count + 1)]
    random.Random(1).shuffle(values)
    found = stats.median_interval(values, level)
    assert (found.low, found.high) == ends
    assert found.coverage == pytest.approx(coverage, abs=1e-4)


def test_median_interval_holds_the_planted_median_as_often_as_it_says() -> None:
    draw = random.Random(7)
    # Log-normal, as timings are: skewed, with a median of exp(0).
    hits = sum(
        stats.median_interval([math.exp(draw.gauss(0.0, 0.5)) for _ in range(12)]).contains(1.0) for _ in range(2000)
    )
    # 12 values cover 96.1 %; four standard deviations of 2000 trials are 1.7 %.
    assert 0.943 < hits / 2000 < 0.979


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=40), st.floats(0.5, 0.999))
def test_median_interval_is_ordered_and_holds_the_median(values: list[float], level: float) -> None:
    found = stats.median_interval(values, level)
    assert min(values) <= found.low <= found.high <= max(values)
    assert found.contains(sorted(values)[len(values) // 2])


def test_paired_ratio_cancels_common_drift() -> None:
    drift = [1.0, 2.0, 5.0, 1.5, 9.0, 3.0, 1.0, 4.0, 2.5, 8.0]
    ratio, interval = stats.paired_ratio([1.25 * d for d in drift], drift)
    assert ratio == pytest.approx(1.25)
    assert interval.low == pytest.approx(1.25)
    assert interval.high == pytest.approx(1.25)
    with pytest.raises(ValueError, match="pairs"):
        stats.paired_ratio([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="not positive"):
        stats.paired_ratio([1.0], [0.0])


# ---- timing


def test_sample_describes_its_seconds() -> None:
    sample = Sample((4.0, 1.0, 3.0, 2.0, 5.0, 50.0))
    assert (sample.median, sample.minimum, sample.spread, sample.outliers) == (3.5, 1.0, 2.5, (5,))
    assert sample.to_dict()["seconds"] == [4.0, 1.0, 3.0, 2.0, 5.0, 50.0]


def test_rounds_favour_nobody() -> None:
    names = ["a", "b", "c"]
    rounds = [timing.round_order(names, number) for number in range(6)]
    for name in names:
        assert sorted(order.index(name) for order in rounds) == [0, 0, 1, 1, 2, 2]
    pairs = [tuple(timing.round_order(["a", "b"], number)) for number in range(8)]
    assert pairs.count(("a", "b")) == pairs.count(("b", "a")) == 4


def test_interleave_gives_each_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SHORTEST_SAMPLE_S", 0.0)
    monkeypatch.setattr(timing, "repeats_for", lambda _: 1)
    ran: list[str] = []
    calls = {name: (lambda name=name: ran.append(name)) for name in "abc"}
    timed = timing.interleave(calls, {"a": 6, "b": 3, "c": 1}, warmup=0)
    assert {name: len(sample.seconds) for name, sample in timed.items()} == {"a": 6, "b": 3, "c": 1}
    assert (ran.count("a"), ran.count("b"), ran.count("c")) == (6, 3, 1)
    # The few are spread over the rounds, not taken one after the other.
    assert "bb" not in "".join(ran).replace("a", "_")


def test_candidates_kept_apart_run_untimed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(timing, "repeats_for", lambda _: 1)
    monkeypatch.setattr(timing, "sleep", lambda seconds: seen.append(f"sleep {seconds}"))

    def timed(call: timing.Call, _repeats: int) -> float:
        seen.append("timed")
        call()
        return 1.0

    monkeypatch.setattr(timing, "clock", timed)
    timing.interleave({"a": lambda: seen.append("a")}, 2, warmup=0, apart=True)
    assert seen == ["sleep 0.005", "a", "timed", "a"] * 2


def test_short_calls_are_repeated_within_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "clock", lambda _call, _repeats=1: 3e-6)
    assert timing.repeats_for(lambda: None, 200e-6) == 67
    monkeypatch.setattr(timing, "clock", lambda _call, _repeats=1: 0.5)
    assert timing.repeats_for(lambda: None, 200e-6) == 1


@pytest.mark.parametrize(("seconds", "asked", "given"), [(1e-3, 30, 30), (1.0, 30, 15), (1.0, 8, 5), (1.0, 3, 3)])
def test_slow_runs_get_fewer_samples(seconds: float, asked: int, given: int) -> None:
    assert timing.affordable(seconds, asked) == given


def test_interleave_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        timing.interleave({}, 3)
    with pytest.raises(ValueError, match="at least 1"):
        timing.measure(lambda: None, 0)


# ---- tables


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.5, "1.50 s"),
        (0.00174, "1.74 ms"),
        (0.0009999, "1.00 ms"),
        (39e-9, "39.0 ns"),
        (-5e-6, "-5.00 µs"),
        (0, "0.00 ns"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert table.duration(seconds) == text


def test_render_aligns_and_refuses_ragged_rows() -> None:
    assert table.render(("a", "bb"), [("ccc", "1")]) == "a    bb\n---  --\nccc   1"
    with pytest.raises(ValueError, match="cells"):
        table.render(("a",), [("b", "c")])


# ---- oracle


@given(st.integers(0, 2**64 - 1), st.integers(0, 40))
def test_oracle_is_the_definition(x: int, iters: int) -> None:
    acc = (x + 2**31) % 2**32 - 2**31
    for _ in range(iters):
        acc = (acc * 7 + 13 + 2**31) % 2**32 - 2**31
        acc = int(math.fmod(acc, 997))
    assert oracle.busy_work(np.array([x], dtype=np.uint64), iters).tolist() == [acc]


def test_require_same_names_the_first_difference() -> None:
    right = np.array([1.0, np.nan, 0.0])
    oracle.require_same(right.copy(), right, "same")
    with pytest.raises(oracle.WrongResultError, match=r"zero: element 2 is -0\.0, expected 0\.0"):
        oracle.require_same(np.array([1.0, np.nan, -0.0]), right, "zero")
    with pytest.raises(oracle.WrongResultError, match="float32"):
        oracle.require_same(right.astype(np.float32), right, "narrow")


# ---- sweep, fit, gap on planted timings


@pytest.mark.parametrize(
    ("behind", "name"), [(1.0, "A+"), (1.009, "A+"), (1.02, "A"), (1.05, "B+"), (1.1, "B"), (1.2, "C"), (9.0, "C")]
)
def test_grades(behind: float, name: str) -> None:
    assert sweep.grade(behind * 3e-3, 3e-3) == name


def wobble(median: float, count: int = 12, by: float = 0.01) -> Sample:
    """A sample around a median, its noise within ``by``, in an order that depends on the median."""
    spread = [median * (1.0 + by * (2.0 * i / (count - 1) - 1.0)) for i in range(count)]
    random.Random(median).shuffle(spread)
    return Sample(tuple(spread))


def planted(best: int, elements: int = 50_000, flat: bool = False) -> sweep.Sweep:
    """A sweep whose time rises by a tenth for each step of 250 away from ``best``, or does not rise."""
    sizes = sweep.DEFAULT_SIZES
    timed = {size: wobble(1e-3 * (1.0 + (0.0 if flat else 0.1) * abs(size - best) / 250)) for size in sizes}
    if flat:
        timed = {size: wobble(1e-3 + 1e-9 * place) for place, size in enumerate(sizes)}
    return sweep.Sweep("busy_work", "hybrid_fnptr_chunked", elements, 2, sweep.rank(timed, elements))


def test_sweep_finds_the_planted_peak() -> None:
    swept = planted(1250)
    assert swept.best.size == 1250
    assert swept.decided
    assert swept.plateau == (1250,)
    assert [row.grade for row in swept.rows] == ["C", "C", "B", "A+", "B", "C", "C"]
    assert swept.best.melem_s == pytest.approx(50.0, rel=0.01)
    assert "Best: chunks of 1250" in str(swept)


def test_sweep_says_when_the_best_is_the_largest() -> None:
    assert "the largest size swept" in planted(2000).summary()
    assert "the largest size swept" not in planted(1750).summary()
    assert "whole batch" not in planted(1750).summary()
    assert "a chunk of 1500, 1750, 2000 holds the whole batch" in planted(750, 1500).summary()


def test_sweep_leaves_noise_undecided() -> None:
    swept = planted(0, flat=True)
    assert not swept.decided
    assert len(swept.plateau) > 1
    assert "can't be told apart" in str(swept)
    assert "undecided" in str(swept)


def test_few_samples_decide_nothing() -> None:
    timed = {500: Sample((1.0, 1.1, 1.0)), 1000: Sample((2.0, 2.1, 2.0))}
    rows = sweep.rank(timed, 10)
    assert [row.undecided for row in rows] == [False, True]
    assert "too few" in sweep.Sweep("k", "p", 10, 2, rows).summary()


@pytest.mark.parametrize(("sizes", "error"), [([], ValueError), ([5, 5], ValueError), ([0], ValueError)])
def test_sweep_refuses_bad_sizes(sizes: list[int], error: type[Exception]) -> None:
    with pytest.raises(error, match="sizes"):
        sweep.checked_sizes(sizes)


def test_sweep_refuses_a_number_for_its_sizes() -> None:
    with pytest.raises(TypeError, match="sizes"):
        hr.sweep(hr.kernels.busy_work, np.arange(10), 5, sizes=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1.5, True, "500"])
def test_sweep_refuses_sizes_of_other_types(size: object) -> None:
    with pytest.raises(TypeError, match="sizes"):
        sweep.checked_sizes([size])  # type: ignore[list-item]


def test_line_recovers_a_planted_one() -> None:
    batches = [10_000, 50_000, 100_000, 400_000]
    intercept, slope, residual = fit.line(batches, [500 + (n - 10_000) * 0.015 for n in batches])
    assert intercept == pytest.approx(500)
    assert slope == pytest.approx(0.015)
    assert residual == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ValueError, match="two batch sizes"):
        fit.line([5, 5], [1, 2])


def test_fit_says_when_it_means_little() -> None:
    good = fit.fit([planted(750, 10_000), planted(1250, 50_000), planted(1750, 90_000)])
    assert (good.meaningful, good.plateaus) == (True, 0)
    assert good.predict(50_000) == 1250
    assert good.slope == pytest.approx(1000 / 80_000)
    flat = fit.fit([planted(0, 10_000, flat=True), planted(0, 50_000, flat=True)])
    assert (flat.meaningful, flat.plateaus) == (False, 2)
    assert "noise" in str(flat)


def test_fit_shows_what_the_formulas_pick() -> None:
    picks = fit.formula_picks(100_000)
    assert picks == {"original's line": 1850, "v1": 2000, "v2": 1625, "ratio": 1666}


def make_gap(ratio: float, by: float = 0.001, chunk: int | None = 2000, dispatch: float = 300.0) -> gap.Gap:
    """A gap with a planted ratio at 100,000 elements, the best fixed chunk being 1000."""
    fixed = wobble(2e-3, 30, by)
    auto = Sample(tuple(seconds * ratio for seconds in fixed.seconds))
    found, interval = stats.paired_ratio(auto.seconds, fixed.seconds)
    choice = Choice(chunk, "v2")
    span = stats.Interval(dispatch - 50.0, dispatch + 50.0, 0.95)
    return gap.Gap(100_000, 2, 1000, (1000,), choice, auto, fixed, found, interval, dispatch, span)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.23, "behind"), (1.01, "level"), (1.0, "level"), (0.9, "ahead")])
def test_gap_verdict(ratio: float, verdict: str) -> None:
    assert make_gap(ratio).verdict == verdict


def test_gap_that_noise_hides_is_undecided() -> None:
    auto, fixed = wobble(2.04e-3, 12, 0.2), wobble(2e-3, 12, 0.2)
    ratio, interval = stats.paired_ratio(auto.seconds, fixed.seconds)
    hidden = gap.Gap(100_000, 2, 1000, (1000,), Choice(None, None), auto, fixed, ratio, interval, 0.0, interval)
    assert hidden.verdict == "undecided"
    assert "not known" in str(hidden)


def test_a_microsecond_is_allowed() -> None:
    fast = wobble(10e-6, 30, 0.001)
    slow = Sample(tuple(seconds + 0.9e-6 for seconds in fast.seconds))
    ratio, interval = stats.paired_ratio(slow.seconds, fast.seconds)
    assert gap.Gap(100, 2, 50, (50,), Choice(50, "v2"), slow, fast, ratio, interval, 0.0, interval).verdict == "level"


def test_diagnosis_accounts_for_dispatch() -> None:
    text = str(make_gap(1.23))
    # 50 chunks against 100, 300 ns each: fewer chunks explain nothing of a longer time.
    assert "50 chunks against 100" in text
    assert "does not explain the difference" in text
    assert "outside the sweep's plateau" in text
    assert "lost in the noise" in str(make_gap(1.0, dispatch=10.0))
    assert "no part" in str(make_gap(1.0, chunk=1000))
    # 200 chunks against 100, 300 ns each: 30 µs of the 460 that auto is behind; all of it would be too much of 20.
    assert "dispatch explains 30.0 µs of a difference of 460 µs" in str(make_gap(1.23, chunk=500))
    assert "does not explain the difference" in str(make_gap(1.01, chunk=500))
    # Nothing to explain where the interval holds 1.
    assert "not decided" in str(make_gap(1.0, chunk=500))


def test_no_gap_stands_beside_a_sweep_that_saw_none() -> None:
    decided = dataclasses.replace(make_gap(1.23), plateau=(1000, 1250))
    assert "plateau: 1000, 1250" in str(decided)
    assert "saw no difference" not in str(decided)


def test_thread_counts_double_up_to_the_last() -> None:
    assert scaling.thread_counts(1) == (1,)
    assert scaling.thread_counts(2) == (1, 2)
    assert scaling.thread_counts(12) == (1, 2, 4, 8, 12)
    with pytest.raises(ValueError, match="threads"):
        scaling.thread_counts(0)


# ---- on the real runtime


def test_every_path_is_compared() -> None:
    found = paths.compare_paths(batch=1500, iters=150, threads=2, samples=6)
    assert [row.name for row in found.rows] == list(hr.PATHS)
    assert found.threads == 2
    raw = json.loads(json.dumps(found.to_dict()))["paths"]
    baseline = raw["runtime_seq"]["seconds"]
    for name in hr.PATHS:
        seconds = raw[name]["seconds"]
        assert len(seconds) == 6
        assert min(seconds) > 0.0
        assert raw[name]["median_s"] == pytest.approx(statistics.median(seconds))
        assert raw[name]["melem_s"] == pytest.approx(1500 / statistics.median(seconds) / 1e6)
        assert raw[name]["vs_runtime_seq"] == pytest.approx(statistics.median(baseline) / statistics.median(seconds))
        ratios = [theirs / ours for theirs, ours in zip(baseline, seconds, strict=True)]
        span = raw[name]["vs_interval"]
        assert (span["low"], span["high"]) == pytest.approx((min(ratios), max(ratios)))
    # Two hundred thousand steps of scalar code against lanes: any order of magnitude shows.
    assert raw["hybrid_fnptr_chunked"]["median_s"] < raw["runtime_seq"]["median_s"]


def test_pairs_are_the_rounds_where_both_ran() -> None:
    often = Sample((1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    seldom = Sample((20.0, 40.0, 60.0), rounds=(1, 3, 5))
    assert timing.pairs(seldom, often) == ((20.0, 40.0, 60.0), (2.0, 4.0, 6.0))
    row = paths.compared_row("hybrid_fnptr", often, seldom, 10)
    assert row.rounds == 3
    assert (row.interval.low, row.interval.high) == (10.0, 10.0)
    assert row.vs_runtime_seq == pytest.approx(40.0 / 3.5)


def test_one_sample_shows_no_spread() -> None:
    assert table.spread([1.0]) == table.spread([1.0, 2.0]) == "-"
    assert table.spread([1e-3, 1e-3, 1e-3]) == "0.00 ns"
    assert table.span(stats.median_interval([1.0, 2.0])) == "-"
    assert table.span(stats.median_interval([1.0, 2.0, 3.0])) == "1.00 to 3.00"


def test_a_wrong_path_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "counting", lambda batch, _: np.full(batch, 5, dtype=np.int32))
    with hr.Runtime(threads=1) as rt, pytest.raises(oracle.WrongResultError, match="seq_direct: element 0"):
        Workload(10, 3).checked(rt, "seq_direct")


def test_sweep_takes_kernels_and_arrays_of_ones_own() -> None:
    x = np.linspace(0.0, 1.0, 600)
    swept = hr.sweep(hr.dyn(lambda a: a * 2.0, np.float64), x, sizes=[100, 50], threads=2, samples=2)
    assert [row.size for row in swept.rows] == [50, 100]
    assert swept.elements == 600
    json.dumps(swept.to_dict())


def test_sweep_refuses_what_changes_with_the_chunk_size() -> None:
    calls = iter(range(10**6))
    assert issubclass(oracle.WrongResultError, hr.KernelError)
    with pytest.raises(hr.KernelError, match="with chunks of"):
        hr.sweep(hr.dyn(lambda _: next(calls), np.int64), np.zeros(300), sizes=[50, 100], threads=1, samples=2)


@pytest.mark.parametrize("arrays", [(np.zeros(0, dtype=np.uint64), 5), (3, 5)])
def test_sweep_refuses_nothing_to_do(arrays: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="nothing to sweep"):
        hr.sweep(hr.kernels.busy_work, *arrays)


@pytest.mark.parametrize("path", ["seq_direct", "runtime_seq", "hybrid_dyn", "hybrid_fnptr"])
def test_sweep_refuses_paths_without_chunks(path: str) -> None:
    with pytest.raises(ValueError, match="path has to be a chunked one"):
        hr.sweep(hr.kernels.busy_work, np.arange(10), 5, path=path)


def test_sweep_broadcasts_and_notes_sizes_that_chunk_nothing() -> None:
    kernel = hr.dyn(lambda a, b: a + b, np.float64)
    swept = hr.sweep(kernel, np.ones((3, 1)), np.ones(20), sizes=[10, 60], threads=1, samples=2)
    assert swept.elements == 60
    assert "a chunk of 60 holds the whole batch" in str(swept)


def test_gap_times_the_winner_again() -> None:
    swept = sweep.sweep(
        hr.kernels.busy_work, np.arange(3000, dtype=np.uint64), 7, sizes=[500, 1000], threads=2, samples=3
    )
    found = gap.measure_gap(3000, 7, threads=2, samples=3, swept=swept)
    assert found.fixed in (500, 1000)
    assert len(found.auto_sample.seconds) == len(found.fixed_sample.seconds) == 3
    json.dumps(found.to_dict())
    with pytest.raises(ValueError, match="3000"):
        gap.measure_gap(4000, 7, swept=swept)


def ratio_of(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """The median of paired ratios, from the raw timings alone."""
    ratios = [float(a) / float(b) for a, b in zip(ours["seconds"], theirs["seconds"], strict=True)]
    return statistics.median(ratios)


def test_metrics_scaling_and_tiny_measure_what_they_say() -> None:
    cost = lite.measure_metrics(1000, 7, threads=1, samples=5)
    assert [row.path for row in cost.rows] == list(lite.DEFAULT_PATHS)
    scaled = scaling.measure_scaling(1000, 7, threads=2, samples=5)
    assert [row.threads for row in scaled.rows] == [1, 2] * 2
    small = tiny.measure_tiny((64,), 2000, threads=1, samples=5)
    assert [row.path for row in small.rows] == list(tiny.DEFAULT_PATHS)
    costs, rows, calls = (json.loads(json.dumps(found.to_dict())) for found in (cost, scaled, small))
    for row in costs["paths"].values():
        assert row["percent"] == pytest.approx((ratio_of(row["with_metrics"], row["without"]) - 1.0) * 100.0)
        assert row["interval"]["low"] <= row["percent"] <= row["interval"]["high"]
    for row in rows["rows"]:
        (alone,) = (one for one in rows["rows"] if (one["path"], one["threads"]) == (row["path"], 1))
        assert row["speedup"] == pytest.approx(ratio_of(alone, row))
        assert row["efficiency"] == pytest.approx(row["speedup"] / row["threads"])
    for row in calls["rows"]:
        assert min(row["work"]["seconds"]) > 0.0
        assert min(row["empty"]["seconds"]) > 0.0


@pytest.mark.parametrize(("batch", "iters"), [(0, 1), (1, -1)])
def test_workload_refuses_nonsense(batch: int, iters: int) -> None:
    with pytest.raises(ValueError, match="has to be at least"):
        Workload(batch, iters)
