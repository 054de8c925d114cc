"""The report's sections that show measurements, each a Markdown text from a study."""

from hybrid_rs.bench.accept import DECIDING, cap_text
from hybrid_rs.bench.lite import BAR_PERCENT
from hybrid_rs.bench.paths import BASELINE, RATIOS, PathComparison
from hybrid_rs.bench.sweep import GRADES, WORST_GRADE, Sweep, standing
from hybrid_rs.bench.table import PAIRED, duration, percent, significant, span, spread
from hybrid_rs.report import machine, original
from hybrid_rs.report.markdown import bullets, escape, picture, table
from hybrid_rs.report.study import Study

TILES = (
    "Chunk sizes that the runtime chose itself are rounded to whole tiles of `busy_work`, 256 elements; a fixed size "
    "is used as it is."
)
# The files beside the report, by what they show.
PICTURES = {
    "paths": "paths.svg",
    "sweeps": "sweep.svg",
    "fit": "fit.svg",
    "gaps": "gap.svg",
    "metrics": "metrics.svg",
    "scaling": "scaling.svg",
    "workloads": "workloads.svg",
}


def verdict(study: Study) -> str:
    """Say first what most readers came for."""
    accepted, compared = study.acceptance, study.acceptance.comparison
    reached = " and ".join(f"`{name}` {significant(compared.row(name).vs_runtime_seq)}x" for name in DECIDING)
    return (
        f"**{'PASS' if accepted.passed else 'FAIL'}**: {reached} the throughput of `{BASELINE}` (target "
        f"{accepted.target:g}x), {compared.batch:,} elements of {compared.iters} steps, {compared.threads} threads."
    )


def how(study: Study) -> str:
    """Say how the figures came about."""
    return (
        "## How this was measured\n\n"
        "Workload: `busy_work` over 0, 1, 2 …, results compared bit for bit with plain NumPy before anything is timed. "
        "What is compared runs in interleaved rounds, so that drift of the machine hits all alike. Figures are "
        "medians; spread is the interquartile range; outliers (beyond Tukey's fences) are counted and marked, never "
        f"dropped. Path tables rest on {study.effort.samples} samples (runs of 50 ms and more on half of them, but at "
        f"least 5), sweeps on {study.effort.fast_samples} a size. Intervals are sign-test intervals of the median, "
        "95 % where nothing else is said (five samples give 93.75 %). Times are whole calls from Python "
        "into a reused output array. All raw timings: [report.json](report.json).\n\n"
        f"{original.INTRODUCTION}"
    )


def machine_facts(study: Study) -> str:
    """List the machine, the versions and the commit."""
    return "## Machine and versions\n\n" + table(("what", "value"), machine.readable(study.facts), left=2)


def path_comparison(study: Study) -> str:
    """Show the seven paths, a table for each batch size."""
    parts = ["## Paths", picture("Throughput of the seven paths on a log scale", PICTURES["paths"])]
    for compared in study.comparisons:
        parts += [f"### {compared.batch:,} elements", _path_table(compared)]
        parts.append(
            f"`{BASELINE}` pays {significant(compared.submission_ns)} ns an element "
            f"({span(compared.submission_interval)} ns) for being handed to the Runtime, metrics included: its time "
            "without iterations, less `seq_direct`'s. Every \"x\" is relative to it, so the baseline's honest cost "
            "stands beside them."
        )
    parts.append(f"{RATIOS} {TILES}")
    return "\n\n".join(parts)


def _path_table(compared: PathComparison) -> str:
    header = ("path", "median", "spread", "Melem/s", f"vs {BASELINE}", "95 % interval", "chunk", "samples", "outliers")
    rows = [
        (
            row.name,
            duration(row.sample.median),
            spread(row.sample.seconds),
            significant(row.melem_s),
            f"{significant(row.vs_runtime_seq)}x",
            span(row.interval),
            str(row.choice.chunk_size or "-"),
            str(len(row.sample.seconds)),
            str(len(row.sample.outliers)),
        )
        for row in compared.rows
    ]
    return table(header, rows)


def acceptance(study: Study) -> str:
    """Show the verdict for each path, and what the machine allows it."""
    accepted, compared = study.acceptance, study.acceptance.comparison
    header = ("path", f"vs {BASELINE}", "95 % interval", "cap", "decides", "verdict")
    rows = [
        (
            row.name,
            f"{significant(row.vs_runtime_seq)}x",
            span(row.interval),
            cap_text(accepted.cap(row.name)),
            "yes" if row.name in DECIDING else "",
            accepted.verdict(row.name),
        )
        for row in compared.rows
    ]
    return "\n\n".join(
        [
            "## Acceptance",
            (
                f"Target: {accepted.target:g}x. The interval decides: wholly above the target is PASS, across it "
                "undecided, which does not pass."
            ),
            table(header, rows),
            (
                "Cap: a path that calls scalar code one element at a time can't be faster than `seq_direct` on every "
                f"thread; with {compared.threads} threads that is what stands there. A verdict near its cap is "
                "decided by noise."
            ),
            *(f"Note: {escape(note)}." for note in accepted.notes),
        ]
    )


def sweep_curves(study: Study) -> str:
    """Show the sweeps, with grades, the peak, and what noise leaves undecided."""
    scale = ", ".join(f"{name} within {limit * 100.0:g} %" for name, limit in GRADES)
    parts = [
        "## Chunk sizes",
        picture("Throughput over the chunk size with the peak marked", PICTURES["sweeps"]),
        (
            f"Grades against the best median: {scale}, {WORST_GRADE} beyond. A size is called slower only where the "
            "99 % interval of its paired ratio to the best lies above 1; else it is undecided, whatever its grade."
        ),
    ]
    for swept in study.sweeps:
        parts += [f"### {swept.elements:,} elements", _sweep_table(swept), escape(swept.summary())]
    parts.append(PAIRED)
    return "\n\n".join(parts)


def _sweep_table(swept: Sweep) -> str:
    best = swept.best
    header = ("chunk", "median", "spread", "Melem/s", "grade", "against the best", "outliers")
    rows = [
        (
            str(row.size),
            duration(row.sample.median),
            spread(row.sample.seconds),
            significant(row.melem_s),
            row.grade,
            standing(row, best),
            str(len(row.sample.outliers)),
        )
        for row in swept.rows
    ]
    return table(header, rows, left=0)


def scaling_law(study: Study) -> str:
    """Show the line over the batch sizes, and say what it is worth."""
    fitted = study.fitted
    return "\n\n".join(
        [
            "## Scaling law",
            picture("Best chunk size over the batch size, with the fitted line and the formulas", PICTURES["fit"]),
            table(fitted.header(), fitted.table(), left=0),
            (
                f"Least squares: `{fitted.formula()}`, {fitted.residual_text()}. The original's: "
                "`chunk = 500 + (batch - 10,000) * 0.015`."
            ),
            escape(fitted.verdict()),
            (
                "The formulas' sizes stand here as they come out; the runtime rounds what it picks to whole tiles of "
                "256 elements."
            ),
        ]
    )


def adaptive_gap(study: Study) -> str:
    """Show the automatic path against the best swept sizes, and the diagnosis."""
    header = ("batch", "auto", "chunk", "best fixed", "chunk", "auto / best", "95 % interval", "verdict")
    rows = [
        (
            f"{gap.elements:,}",
            duration(gap.auto_sample.median),
            str(gap.choice.chunk_size or "-"),
            duration(gap.fixed_sample.median),
            str(gap.fixed),
            f"{gap.ratio:.3f}",
            span(gap.interval, "{:.3f}".format),
            gap.verdict,
        )
        for gap in study.gaps
    ]
    parts = [
        "## Adaptive gap",
        picture("How far the automatic path lies behind the best fixed chunk size", PICTURES["gaps"]),
        table(header, rows),
        (
            "The winner of each sweep was timed again beside the automatic path, since the best of several noisy "
            "figures is partly luck. Behind: the whole interval is above 2 % or 1 µs, whichever is larger. Level: all "
            f"of it below. {PAIRED} {TILES}"
        ),
        "Diagnosis:",
        *(f"**{gap.elements:,} elements**\n\n{bullets(gap.diagnosis())}" for gap in study.gaps),
    ]
    return "\n\n".join(parts)


def metrics_cost(study: Study) -> str:
    """Show what metrics cost."""
    cost = study.metrics
    header = ("path", "with metrics", "without", "cost", "95 % interval", f"under {BAR_PERCENT:g} %")
    rows = [
        (
            row.path,
            duration(row.with_metrics.median),
            duration(row.without.median),
            percent(row.percent),
            span(row.interval, percent),
            row.verdict,
        )
        for row in cost.rows
    ]
    note = (
        "This build has no metrics (`hybrid-lite`): both sides ran the same code, and the figures show the noise."
        if cost.lite_build
        else f"Runtimes with and without metrics, in turns, at {cost.batch:,} elements."
    )
    return "\n\n".join(
        [
            "## Cost of metrics",
            picture("Cost of metrics in percent", PICTURES["metrics"]),
            table(header, rows),
            f"{note} {PAIRED}",
        ]
    )


def threads(study: Study) -> str:
    """Show the speed-up over the number of threads."""
    header = ("path", "threads", "median", "spread", "speed-up", "95 % interval", "efficiency")
    rows = [
        (
            row.path,
            str(row.threads),
            duration(row.sample.median),
            spread(row.sample.seconds),
            f"{significant(row.speedup)}x",
            span(row.interval),
            f"{row.efficiency * 100.0:.0f} %",
        )
        for row in study.scaling.rows
    ]
    return "\n\n".join(
        [
            "## Threads",
            picture("Speed-up over the number of threads", PICTURES["scaling"]),
            table(header, rows),
            PAIRED,
        ]
    )


def tiny_batches(study: Study) -> str:
    """Show whole calls on tiny batches."""
    header = ("path", "elements", "a call", "spread", "without iterations")
    rows = [
        (
            row.path,
            str(row.elements),
            duration(row.sample.median),
            spread(row.sample.seconds),
            duration(row.empty.median),
        )
        for row in study.tiny.rows
    ]
    return "\n\n".join(
        [
            "## Tiny batches",
            table(header, rows),
            "Without iterations, what is left is the call itself and its dispatch.",
        ]
    )
