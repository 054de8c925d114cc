"""Timing of calls: samples with their spread, and rounds that interleave what is compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from time import perf_counter, sleep
from typing import TypeAlias

from hybrid_rs.bench import stats

Call: TypeAlias = Callable[[], object]

# A run this long gets half the samples (at least LEAST_SAMPLES): its relative noise is small, and time is scarce.
SLOW_RUN_S = 0.05
LEAST_SAMPLES = 5
# Quartiles and intervals of fewer timings than this are the timings themselves; they describe no spread.
LEAST_FOR_SPREAD = 3
# Calls shorter than this are repeated within a sample; the clock and the loop cost about 0.1 µs a sample.
SHORTEST_SAMPLE_S = 200e-6
# Threads of OpenMP, Numba and others spin for about a millisecond after a loop; nobody is timed while they do. After a
# pause virtual processors were seen to need some milliseconds themselves: 3.8 ms for what takes 2.0 ms without one.
PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class Sample:
    """Timings of one call in seconds, in the order taken, each the mean of ``repeats`` calls. Outliers stay in.

    ``rounds`` are the rounds in which they were taken; none given means every round from the first.
    """

    seconds: tuple[float, ...]
    repeats: int = 1
    rounds: tuple[int, ...] = ()

    @property
    def median(self) -> float:
        """Median in seconds."""
        return stats.median(self.seconds)

    @property
    def minimum(self) -> float:
        """Shortest timing in seconds."""
        return min(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper quartile in seconds."""
        low, _, high = stats.quartiles(self.seconds)
        return low, high

    @property
    def spread(self) -> float:
        """Interquartile range in seconds."""
        low, high = self.quartiles
        return high - low

    @property
    def outliers(self) -> tuple[int, ...]:
        """Indices of the timings outside Tukey's fences."""
        return stats.outliers(self.seconds)

    def to_dict(self) -> dict[str, object]:
        """Return the raw timings and what was derived from them, ready for JSON; times in seconds."""
        return {
            "median_s": self.median,
            "spread_s": self.spread,
            "min_s": self.minimum,
            "samples": len(self.seconds),
            "repeats": self.repeats,
            "outliers": list(self.outliers),
            "rounds": list(self.by_round()),
            "seconds": list(self.seconds),
        }

    def by_round(self) -> dict[int, float]:
        """Return the timings by the round in which they were taken."""
        return dict(zip(self.rounds or range(len(self.seconds)), self.seconds, strict=True))


def pairs(ours: Sample, theirs: Sample) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the timings of both from the rounds in which both ran, in the order of the rounds."""
    mine, other = ours.by_round(), theirs.by_round()
    both = [number for number in mine if number in other]
    return tuple(mine[number] for number in both), tuple(other[number] for number in both)


def clock(call: Call, repeats: int = 1) -> float:
    """Return the mean time of ``repeats`` calls in seconds."""
    start = perf_counter()
    for _ in range(repeats):
        call()
    return (perf_counter() - start) / repeats


def repeats_for(call: Call, shortest_s: float = SHORTEST_SAMPLE_S) -> int:
    """Return how many calls a sample needs to last ``shortest_s`` seconds.

    Judged by the second of two calls, since a first one may be cold; a long first one settles it, for time's sake.
    """
    if clock(call) >= 10.0 * shortest_s:
        return 1
    return max(1, ceil(shortest_s / max(clock(call), 1e-9)))


def affordable(seconds: float, samples: int) -> int:
    """Return how many samples a run of ``seconds`` gets when ``samples`` were asked for: half of them if it is slow.

    Never below ``LEAST_SAMPLES``, except where fewer were asked for.
    """
    return min(samples, max(LEAST_SAMPLES, samples // 2)) if seconds >= SLOW_RUN_S else samples


def measure(call: Call, samples: int, warmup: int = 1) -> Sample:
    """Time ``call`` ``samples`` times after ``warmup`` untimed calls. Raises ValueError for less than one sample."""
    return interleave({"": call}, samples, warmup)[""]


def interleave(
    calls: Mapping[str, Call], samples: int | Mapping[str, int], warmup: int = 1, apart: bool = False
) -> dict[str, Sample]:
    """Time several calls in rounds, each once a round, so that drift of the machine hits all alike.

    The order turns round after round and reverses every other one: no call always runs first, and none always follows
    the same other. ``samples`` is a number for all or one for each name; who has fewer sits out rounds, evenly spread.
    ``apart`` keeps candidates with threads of their own apart: before each timing ``PAUSE_S`` are slept, while threads
    that spin after a loop go to sleep, and the candidate runs once untimed, so that its own and the processors wake.
    With equal numbers the timings ``[i]`` of all calls come from the same round and may be compared in pairs; with
    different ones ``pairs`` finds those that do.

    Raises ValueError for no calls or less than one sample.
    """
    names = list(calls)
    wanted = {name: samples if isinstance(samples, int) else samples[name] for name in names}
    if not names:
        raise ValueError("nothing to measure")
    if min(wanted.values()) < 1:
        raise ValueError(f"samples has to be at least 1, got {min(wanted.values())}")
    repeats = {name: repeats_for(call) for name, call in calls.items()}
    for _ in range(warmup):
        for call in calls.values():
            call()
    rounds = max(wanted.values())
    taken: dict[str, dict[int, float]] = {name: {} for name in names}
    for number in range(rounds):
        for name in round_order(names, number):
            if (number + 1) * wanted[name] // rounds > number * wanted[name] // rounds:
                if apart:
                    sleep(PAUSE_S)
                    calls[name]()
                taken[name][number] = clock(calls[name], repeats[name])
    return {name: Sample(tuple(taken[name].values()), repeats[name], tuple(taken[name])) for name in names}


def round_order(names: list[str], number: int) -> list[str]:
    """Return the order of round ``number``: turned by one every second round, reversed in the odd ones."""
    turn = (number // 2) % len(names)
    order = names[turn:] + names[:turn]
    return order[::-1] if number % 2 else order
