"""Whether the best chunk size moves with the workload, from planted sweeps; and the kernels on their definitions."""

import random

import pytest

from hybrid_rs.bench import sweep, vm
from hybrid_rs.bench.timing import Sample
from hybrid_rs.report import workloads

SIZES = (500, 1000, 2000, 4000)


def wobble(median: float, by: float = 0.001) -> Sample:
    seconds = [median * (1.0 + by * (2.0 * place / 11 - 1.0)) for place in range(12)]
    random.Random(median).shuffle(seconds)
    return Sample(tuple(seconds))


def planted(name: str, times: tuple[float, ...], elements: int = 50_000) -> vm.WorkloadSweep:
    """A sweep with these medians, in ms."""
    timed = {size: wobble(time * 1e-3) for size, time in zip(SIZES, times, strict=True)}
    swept = sweep.Sweep(name, "hybrid_fnptr_chunked", elements, 2, sweep.rank(timed, elements))
    return vm.WorkloadSweep(name, swept)


def test_sizes_that_differ_are_told_with_their_pair() -> None:
    found = vm.answer([planted("a", (1.0, 1.2, 1.4, 1.6)), planted("b", (1.6, 1.4, 1.2, 1.0))])
    assert found.verdict == "moves"
    assert found.apart == (("a", "b"),)
    assert found.shared == ()
    assert found.text().startswith("Yes. No size is within the noise of the best for both of: a and b.")


def test_one_best_size_for_all_is_a_no() -> None:
    found = vm.answer([planted("a", (1.3, 1.0, 1.4, 1.6)), planted("b", (2.6, 2.0, 2.2, 2.4))])
    assert (found.verdict, found.shared) == ("stays", (1000,))
    assert found.text().startswith("No. Chunks of 1000")


def test_overlapping_plateaus_are_undecided() -> None:
    flat = (1.0, 1.0 + 1e-6, 1.0 + 2e-6, 1.5)
    found = vm.answer([planted("a", flat), planted("b", (1.0, 1.3, 1.4, 1.5))])
    assert found.verdict == "undecided"
    assert found.shared == (500,)
    assert "Undecided: the intervals overlap" in found.text()


def test_common_size_costs_the_worst_off_least() -> None:
    found = vm.answer([planted("a", (1.0, 1.1, 1.4, 1.6)), planted("b", (1.6, 1.2, 1.05, 1.0))])
    # Ratios of b at 500 and 1000, of a at 2000 and 4000 decide: 1.6, 1.2, 1.4, 1.6.
    assert (found.common.size, found.common.worst) == (1000, "b")
    assert found.common.ratio == pytest.approx(1.2, rel=0.01)


def test_batches_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="one batch size"):
        vm.answer([planted("a", (1.0, 1.1, 1.2, 1.3)), planted("b", (1.0, 1.1, 1.2, 1.3), 100_000)])
    with pytest.raises(ValueError, match="one batch size"):
        vm.answer([])


def test_section_has_a_table_and_an_answer_for_each_batch() -> None:
    given = [planted(name, (1.0, 1.2, 1.4, 1.6), batch) for batch in (50_000, 100_000) for name in ("hash", "root")]
    text = workloads.section(given)
    assert text.count("\n### ") == 2
    assert text.count("No. Chunks of 500") == 2
    assert "| hash | 1.00 ms | 50.0 | best | 1.200 | 1.400 | 1.600 |" in text
