"""The figures of the performance report that this project starts from, to be set beside ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the original report: a path's time on a batch in seconds, and its multiple of ``runtime_seq``."""

    path: str
    batch: int
    seconds: float
    vs_runtime_seq: float

    @property
    def melem_s(self) -> float:
        """Throughput in million elements a second."""
        return self.batch / self.seconds / 1e6


# "Phase 13 hybrid execution": its tables of paths, all of busy_work with 512 iterations.
FIGURES = (
    Figure("seq_direct", 10_000, 0.390e-3, 7.1),
    Figure("runtime_seq", 10_000, 2.78e-3, 1.0),
    Figure("hybrid_dyn", 10_000, 2.85e-3, 0.97),
    Figure("hybrid_fnptr", 10_000, 0.330e-3, 8.4),
    Figure("hybrid_dyn_chunked", 100_000, 0.863e-3, 29.0),
    Figure("hybrid_fnptr_chunked", 100_000, 0.600e-3, 42.0),
    Figure("hybrid_auto_chunked", 100_000, 2.15e-3, 12.0),
)
INTRODUCTION = (
    "The project began from a performance report of a virtual machine's hybrid execution, called the original here. "
    "Its figures are compared with ours because the names of our paths and the acceptance rule come from it."
)
ITERATIONS = 512
# Its sweep gives the same path and batch as the row above another throughput, at its best chunk size (Melem/s).
SWEEP_BEST_MELEM_S = 57.4
# How far it found the automatic path behind the best swept chunk, in percent.
ADAPTIVE_GAP_PERCENT = 23.0


def figure(path: str, batch: int) -> Figure | None:
    """Return the original's figure for a path and batch, or None where it gives none."""
    return next((one for one in FIGURES if (one.path, one.batch) == (path, batch)), None)
