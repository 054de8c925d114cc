"""The acceptance test's verdicts, on planted comparisons and once on a real one."""

import dataclasses
import json
import math

import pytest

import hybrid_rs as hr
from hybrid_rs.bench import accept, paths, stats
from hybrid_rs.bench.timing import Sample


def compared(threads: int = 2, rounds: int = 5, **ratios: float) -> paths.PathComparison:
    """A comparison with planted multiples of runtime_seq, which takes 200 ms."""
    times = {
        "seq_direct": 1.05,
        "runtime_seq": 1.0,
        "hybrid_dyn": 1.9,
        "hybrid_fnptr": 2.05,
        "hybrid_dyn_chunked": 1.99,
    }
    times |= {"hybrid_fnptr_chunked": 60.0, "hybrid_auto_chunked": 61.0, **ratios}
    samples = {name: Sample((0.2 / times[name],) * rounds) for name in hr.PATHS}
    baseline = samples["runtime_seq"]
    rows = tuple(paths.compared_row(name, sample, baseline, 100_000) for name, sample in samples.items())
    return paths.PathComparison(100_000, 512, threads, rows, 95.0, stats.Interval(90.0, 99.0, 0.95))


def test_acceptance_is_decided_by_the_chunked_paths() -> None:
    verdict = accept.Acceptance(compared(), 2.0)
    assert verdict.passed
    assert {name: verdict.path_passed(name) for name in hr.PATHS} == {
        "seq_direct": False,
        "runtime_seq": False,
        "hybrid_dyn": False,
        "hybrid_fnptr": True,
        "hybrid_dyn_chunked": False,
        "hybrid_fnptr_chunked": True,
        "hybrid_auto_chunked": True,
    }
    assert not accept.Acceptance(compared(hybrid_auto_chunked=1.99), 2.0).passed
    assert not accept.Acceptance(compared(hybrid_fnptr_chunked=1.99), 2.0).passed


def test_caps_follow_the_threads() -> None:
    verdict = accept.Acceptance(compared(threads=8), 2.0)
    assert verdict.cap("hybrid_fnptr") == pytest.approx(8 * 1.05)
    assert verdict.cap("runtime_seq") == 1.0
    assert verdict.cap("hybrid_fnptr_chunked") is None
    assert accept.Acceptance(compared(threads=1), 2.0).verdict("hybrid_dyn") == "below target (cap 1.05x)"


def test_acceptance_has_the_contracts_form() -> None:
    document = json.loads(json.dumps(accept.Acceptance(compared(), 2.0).to_dict()))
    assert {"batch", "iters", "target", "pass", "threads", "paths"} <= set(document)
    assert list(document["paths"]) == list(hr.PATHS)
    row = document["paths"]["hybrid_fnptr_chunked"]
    assert row["median_s"] == pytest.approx(0.2 / 60)
    assert row["melem_s"] == pytest.approx(30.0)
    assert row["vs_runtime_seq"] == pytest.approx(60.0)
    assert row["pass"] is True
    assert document["note"] is None


def test_a_path_passes_with_its_whole_interval() -> None:
    baseline = Sample((1.0,) * 6)

    def judged(*times: float) -> accept.Acceptance:
        known = compared(rounds=6)
        row = paths.compared_row("hybrid_auto_chunked", Sample(times), baseline, 100_000)
        rows = tuple(row if one.name == row.name else one for one in known.rows)
        return accept.Acceptance(dataclasses.replace(known, rows=rows), 2.0)

    verdicts = {
        "PASS": judged(0.3, 0.3, 0.31, 0.32, 0.4, 0.49),
        # The ratio of the medians is above 2 here, but one of six rounds is not.
        "undecided": judged(0.3, 0.3, 0.31, 0.32, 0.4, 0.51),
        "FAIL": judged(*[0.6] * 6),
    }
    for name, verdict in verdicts.items():
        assert verdict.verdict("hybrid_auto_chunked") == name
        assert verdict.passed is verdict.path_passed("hybrid_auto_chunked") is (name == "PASS")
    assert verdicts["undecided"].comparison.row("hybrid_auto_chunked").vs_runtime_seq > 2.0


def test_too_few_samples_fall_back_to_the_ratio_and_say_so() -> None:
    verdict = accept.Acceptance(compared(rounds=4), 2.0)
    assert verdict.passed
    assert "fewer than 5 samples" in str(verdict.to_dict()["note"])
    assert "note: fewer than 5 samples" in str(verdict)
    assert "note" not in str(accept.Acceptance(compared(rounds=5), 2.0))


def test_an_element_without_work_is_noted() -> None:
    # 1.9 µs of work an element: 95 ns for submission are little, 950 ns are half of the baseline.
    handed = dataclasses.replace(compared(), submission_ns=950.0)
    verdict = accept.Acceptance(handed, 2.0)
    assert "measure the baseline's submission cost" in str(verdict.to_dict()["note"])
    assert "measure the baseline's submission cost" in str(verdict)


def test_acceptance_takes_enough_samples_to_decide() -> None:
    verdict = accept.accept(batch=300, iters=0, threads=1, samples=1)
    assert {row.rounds for row in verdict.comparison.rows} == {5}
    assert "submission cost" in str(verdict.to_dict()["note"])
    with pytest.raises(ValueError, match="samples"):
        accept.accept(batch=300, samples=0)


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan])
def test_acceptance_refuses_a_bad_target(target: float) -> None:
    with pytest.raises(ValueError, match="target"):
        accept.accept(target=target)


def test_one_sample_shows_no_spread() -> None:
    assert "0.00 ns" not in str(compared(rounds=1))
    assert "0.00 ns" in str(compared(rounds=3))
