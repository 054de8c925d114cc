"""The report's section on kernels of the kernel language: does the best chunk size move with the workload?"""

from collections.abc import Sequence

from hybrid_rs.bench.sweep import DECISION_LEVEL
from hybrid_rs.bench.table import PAIRED, duration, significant
from hybrid_rs.bench.vm import WorkloadSweep, answer
from hybrid_rs.report.markdown import escape, picture, table
from hybrid_rs.report.sections import PICTURES


def section(swept: Sequence[WorkloadSweep]) -> str:
    """Show each workload's sizes at each batch size, and say what follows."""
    parts = [
        "## Does the best chunk size move with the workload?",
        picture("Time over the chunk size relative to each workload's best, a line a workload", PICTURES["workloads"]),
        (
            "Kernels written in Python and run by the block VM: integer hashing, Mandelbrot in order, cube roots by "
            "Newton's method, interpolation in a table by bisection, and a state machine. They differ in what an "
            "element costs and in how much that varies. A cell is the time relative to the workload's own best size; "
            f"where the {DECISION_LEVEL * 100.0:g} % interval of that ratio reaches 1, the size can't be told from the "
            "best, and the cell says so with ≈."
        ),
    ]
    for batch in dict.fromkeys(one.swept.elements for one in swept):
        chosen = [one for one in swept if one.swept.elements == batch]
        parts += [f"### {batch:,} elements", _table(chosen), escape(answer(chosen).text())]
    parts.append(
        f"{PAIRED} Which size has the best median is partly luck; the answer therefore rests on all sizes that can't "
        "be told from it."
    )
    return "\n\n".join(parts)


def _table(swept: Sequence[WorkloadSweep]) -> str:
    sizes = [row.size for row in swept[0].swept.rows]
    header = ("workload", "best median", "Melem/s", *(str(size) for size in sizes))
    rows = [
        (
            one.workload,
            duration(one.swept.best.sample.median),
            significant(one.swept.best.melem_s),
            *(_cell(one, size) for size in sizes),
        )
        for one in swept
    ]
    return table(header, rows)


def _cell(one: WorkloadSweep, size: int) -> str:
    row = one.row(size)
    if row is one.swept.best:
        return "best"
    return f"{'≈ ' if row.undecided else ''}{row.ratio:.3f}"
