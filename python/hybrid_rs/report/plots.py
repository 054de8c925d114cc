"""The report's pictures, each from one measurement; every function returns an SVG document."""

from typing import TYPE_CHECKING, Any

from hybrid_rs.bench.accept import DECIDING, Acceptance
from hybrid_rs.bench.fit import ANCHOR_BATCH, Fit
from hybrid_rs.bench.gap import BAR_RATIO, Gap
from hybrid_rs.bench.lite import BAR_PERCENT, MetricsCost
from hybrid_rs.bench.paths import BASELINE
from hybrid_rs.bench.scaling import Scaling
from hybrid_rs.bench.sweep import Sweep
from hybrid_rs.bench.table import duration, percent, significant
from hybrid_rs.bench.vm import WorkloadSweep
from hybrid_rs.report.canvas import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    figure,
    style,
    svg,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_OUTLIER: dict[str, Any] = {"marker": "x", "s": 26, "linewidths": 1.2, "color": INK, "zorder": 4}
_WIDTH = 9.0


def paths(accepted: Acceptance) -> bytes:
    """Draw throughput per path as dots on a log axis: quartiles as whiskers, outliers as crosses, the target a line.

    Dots, because a bar's length means nothing where the axis has no zero.
    """
    compared = accepted.comparison
    with style():
        made, (axes,) = figure(_WIDTH, 4.4)
        for place, row in enumerate(compared.rows):
            colour = ORANGE if row.name in DECIDING else GREY if row.name == BASELINE else BLUE
            low, high = (row.elements / seconds / 1e6 for seconds in reversed(row.sample.quartiles))
            axes.hlines(place, low, high, color=INK, linewidth=1.6, zorder=3)
            axes.vlines((low, high), place - 0.16, place + 0.16, color=INK, linewidth=1.6, zorder=3)
            axes.scatter([row.melem_s], [place], s=90, color=colour, zorder=4)
            far = [row.elements / row.sample.seconds[i] / 1e6 for i in row.sample.outliers]
            axes.scatter(far, [place] * len(far), **_OUTLIER)
            for column, text in ((1.09, f"{significant(row.vs_runtime_seq)}x"), (1.21, duration(row.sample.median))):
                axes.text(column, place, text, transform=axes.get_yaxis_transform(), va="center", ha="right")
        rates = [row.elements / seconds / 1e6 for row in compared.rows for seconds in row.sample.seconds]
        target = compared.row(BASELINE).melem_s * accepted.target
        axes.axvline(target, color=VERMILLION, linestyle="--", linewidth=1.4, zorder=3)
        axes.annotate(
            f"target: {accepted.target:g}x {BASELINE}",
            (target, 1.0),
            (5, 2),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            color=VERMILLION,
            fontsize=10,
            va="bottom",
        )
        axes.set_xscale("log")
        axes.set_xlim(min([*rates, target]) / 1.6, max([*rates, target]) * 1.6)
        axes.set_ylim(-0.7, len(compared.rows) - 0.3)
        axes.set_yticks(range(len(compared.rows)), [row.name for row in compared.rows])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(color=FAINT, linewidth=0.8)
        plain_log(axes)
        axes.set_xlabel("throughput, million elements a second (log scale, more is better; whiskers: quartiles)")
        axes.set_title(
            f"Paths: {compared.batch:,} elements of {compared.iters} steps, {compared.threads} threads\n", pad=2
        )
        return svg(made)


def sweeps(curves: "Sequence[Sweep]") -> bytes:
    """Draw throughput over the chunk size, a panel a batch: quartile band, grades, undecided sizes hollow, the peak."""
    with style():
        made, panels = figure(1.0 + 5.2 * len(curves), 4.6, len(curves))
        for axes, swept in zip(panels, curves, strict=True):
            _sweep_panel(axes, swept)
        panels[0].set_ylabel("throughput, million elements a second")
        marks, names = panels[0].get_legend_handles_labels()
        made.legend(marks, names, loc="outside lower center", ncols=len(names))
        return svg(made)


def _sweep_panel(axes: "Axes", swept: Sweep) -> None:
    sizes = [row.size for row in swept.rows]
    rates = [row.melem_s for row in swept.rows]
    bands = [[row.elements / seconds / 1e6 for seconds in row.sample.quartiles] for row in swept.rows]
    axes.fill_between(
        sizes, [band[1] for band in bands], [band[0] for band in bands], color=SKY, alpha=0.35, lw=0, label="quartiles"
    )
    axes.plot(sizes, rates, color=BLUE, linewidth=1.8, zorder=2)
    best = swept.best
    decided = [row for row in swept.rows if row is not best and not row.undecided]
    level = [row for row in swept.rows if row.undecided]
    axes.scatter(
        [row.size for row in decided], [row.melem_s for row in decided], s=42, color=BLUE, zorder=3, label="slower"
    )
    axes.scatter(
        [row.size for row in level],
        [row.melem_s for row in level],
        s=42,
        fc="white",
        ec=BLUE,
        lw=1.6,
        zorder=3,
        label="undecided",
    )
    axes.scatter([best.size], [best.melem_s], s=190, marker="*", fc=ORANGE, ec=INK, lw=0.8, zorder=5, label="best")
    far = [(row.size, row.elements / row.sample.seconds[i] / 1e6) for row in swept.rows for i in row.sample.outliers]
    lowest = min([band[1] for band in bands] + rates)
    highest = max([band[0] for band in bands] + rates)
    reach = max(highest - lowest, 0.02 * highest)
    floor, ceiling = lowest - 0.25 * reach, highest + 0.4 * reach
    # An outlier far below would flatten the curve: it is drawn on the frame, and report.json has its time.
    places = [min(max(rate, floor), ceiling) for _, rate in far]
    label = "outlier (on the frame: beyond it)"
    axes.scatter([size for size, _ in far], places, clip_on=False, label=label, **_OUTLIER)
    # In two rows, in turns: neighbours on a narrow axis would run into each other.
    for place, row in enumerate(swept.rows):
        axes.annotate(
            row.grade,
            (row.size, 1.0),
            (0, -11 - 12 * (place % 2)),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9,
        )
    axes.set_ylim(floor, ceiling)
    if max(sizes) > 6 * min(sizes):
        axes.set_xscale("log")
        plain_log(axes)
        axes.set_xticks([size for size in sizes if size in (250, 500, 1000, 2000, 4000, 8000)])
        axes.minorticks_off()
    elif len(sizes) <= 9:
        axes.set_xticks(sizes)
    axes.grid(color=FAINT, linewidth=0.8)
    axes.set_xlabel("chunk size, elements")
    edge = ", the largest swept" if swept.best_is_largest else ""
    axes.set_title(
        f"{swept.elements:,} elements\npeak {significant(best.melem_s)} Melem/s at {best.size}{edge}", fontsize=11
    )


def fit(fitted: Fit) -> bytes:
    """Draw the best chunk size over the batch size, plateaus as bars, beside the fitted line and the formulas."""
    with style():
        made, (axes,) = figure(_WIDTH, 4.6)
        batches = [point.batch for point in fitted.points]
        lows = [point.plateau[0] for point in fitted.points]
        highs = [point.plateau[-1] for point in fitted.points]
        bests = [point.best for point in fitted.points]
        axes.vlines(
            batches, lows, highs, color=FAINT, linewidth=14, zorder=1, label="sizes within the noise of the best"
        )
        axes.scatter(batches, bests, s=190, marker="*", fc=ORANGE, ec=INK, lw=0.8, zorder=5, label="measured best")
        ends = [batches[0], batches[-1]]
        axes.plot(
            ends,
            [fitted.intercept + (end - ANCHOR_BATCH) * fitted.slope for end in ends],
            color=VERMILLION,
            linewidth=2.2,
            label="fitted line",
        )
        styles = ((BLUE, "--", "s"), (GREEN, ":", "^"), (SKY, "-.", "D"), (PURPLE, "--", "v"))
        for (colour, dash, marker), name in zip(styles, fitted.points[0].picks, strict=True):
            picks = [point.picks[name] for point in fitted.points]
            axes.plot(batches, picks, color=colour, linestyle=dash, marker=marker, markersize=6, lw=1.5, label=name)
        axes.set_xticks(batches, [f"{batch:,}" for batch in batches])
        axes.set_ylim(bottom=0)
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_xlabel("batch size, elements")
        axes.set_ylabel("chunk size, elements")
        axes.set_title("Best chunk size over the batch size")
        made.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return svg(made)


def gaps(measured: "Sequence[Gap]") -> bytes:
    """Draw how far auto lies behind the best fixed chunk, per batch, with intervals and the bar."""
    rows = [
        (f"{gap.elements:,}", (gap.ratio - 1.0) * 100.0, gap.interval.scaled(100.0, -100.0), gap.verdict)
        for gap in measured
    ]
    with style():
        made, (axes,) = figure(_WIDTH, 1.5 + 0.5 * len(rows))
        _interval_rows(axes, [(name, value, span.low, span.high, note) for name, value, span, note in rows])
        # One-sided, as the rule is: being ahead is no fault.
        axes.axvspan(axes.get_xlim()[0], BAR_RATIO * 100.0, color=GREEN, alpha=0.15, lw=0)
        axes.set_ylabel("batch, elements")
        axes.set_xlabel("auto behind the best fixed chunk, percent (less is better; band: up to 2 % behind is level)")
        axes.set_title("Adaptive gap (dots: medians of paired ratios; bars: 95 % intervals)")
        return svg(made)


def metrics(cost: MetricsCost) -> bytes:
    """Draw what metrics cost each path, with intervals and the bar."""
    with style():
        made, (axes,) = figure(_WIDTH, 1.5 + 0.5 * len(cost.rows))
        rows = [(row.path, row.percent, row.interval.low, row.interval.high, row.verdict) for row in cost.rows]
        _interval_rows(axes, rows)
        axes.axvline(BAR_PERCENT, color=VERMILLION, linestyle="--", linewidth=1.4)
        axes.set_xlabel(f"time that metrics add, percent (less is better; dashed: the bar, {BAR_PERCENT:.0f} %)")
        axes.set_title(f"Cost of metrics at {cost.batch:,} elements (bars: 95 % intervals)")
        return svg(made)


def _interval_rows(axes: "Axes", rows: "Sequence[tuple[str, float, float, float, str]]") -> None:
    """Draw a point with its interval in each row: name, value, low, high, and a note at the right."""
    for place, (_, value, low, high, note) in enumerate(rows):
        axes.hlines(place, low, high, color=BLUE, linewidth=5, alpha=0.45, zorder=2)
        axes.scatter([value], [place], s=52, color=BLUE, zorder=3)
        axes.annotate(
            f"{percent(value)}  {note}", (1.02, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=10
        )
    axes.axvline(0.0, color=GREY, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    # Never so narrow that noise looks like an effect.
    reach = max(6.0, *(1.15 * abs(edge) for row in rows for edge in row[2:4]))
    axes.set_xlim(-reach, reach)


def scaling(measured: Scaling) -> bytes:
    """Draw the speed-up over the number of threads, intervals as error bars, beside the ideal line."""
    with style():
        made, (axes,) = figure(6.5, 4.4)
        counts = sorted({row.threads for row in measured.rows})
        axes.plot(counts, counts, color=GREY, linestyle="--", linewidth=1.4, label="ideal")
        styles = ((ORANGE, "o"), (BLUE, "s"))
        names = dict.fromkeys(row.path for row in measured.rows)
        for (colour, marker), name in zip(styles, names, strict=True):
            rows = [row for row in measured.rows if row.path == name]
            axes.errorbar(
                [row.threads for row in rows],
                [row.speedup for row in rows],
                yerr=[
                    [row.speedup - row.interval.low for row in rows],
                    [row.interval.high - row.speedup for row in rows],
                ],
                color=colour,
                marker=marker,
                markersize=7,
                linewidth=1.8,
                capsize=4,
                label=name,
            )
        axes.set_xticks(counts)
        axes.set_ylim(bottom=0)
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_xlabel("threads")
        axes.set_ylabel("speed-up over one thread")
        axes.set_title(f"Scaling at {measured.batch:,} elements")
        axes.legend(loc="upper left")
        return svg(made)


def workloads(swept: "Sequence[WorkloadSweep]") -> bytes:
    """Draw time over the chunk size relative to each workload's best, a panel a batch: intervals, undecided hollow."""
    batches = list(dict.fromkeys(one.swept.elements for one in swept))
    looks = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILLION, "D"), (PURPLE, "v"), (SKY, "P"))
    names = list(dict.fromkeys(one.workload for one in swept))
    with style():
        made, panels = figure(1.0 + 5.2 * len(batches), 4.6, len(batches))
        for axes, batch in zip(panels, batches, strict=True):
            for one in swept:
                if one.swept.elements == batch:
                    _workload_line(axes, one, *looks[names.index(one.workload) % len(looks)])
            axes.axhline(1.0, color=GREY, linestyle="--", linewidth=1.2, zorder=1)
            axes.set_xscale("log")
            plain_log(axes)
            sizes = [row.size for row in swept[0].swept.rows]
            axes.set_xticks([size for size in sizes if size in (250, 500, 1000, 2000, 4000, 8000)] or sizes)
            axes.minorticks_off()
            axes.grid(color=FAINT, linewidth=0.8)
            axes.set_xlabel("chunk size, elements (white core: can't be told from the best)")
            axes.set_title(f"{batch:,} elements")
        panels[0].set_ylabel("time / time at the workload's best size")
        marks, labels = panels[0].get_legend_handles_labels()
        made.legend(marks, labels, loc="outside lower center", ncols=3)
        return svg(made)


def _workload_line(axes: "Axes", one: WorkloadSweep, colour: str, marker: str) -> None:
    """Draw one workload: its line, an interval a size, and hollow marks where a size can't be told from the best."""
    rows = one.swept.rows
    sizes, ratios = [row.size for row in rows], [row.ratio for row in rows]
    axes.vlines(
        sizes, [row.interval.low for row in rows], [row.interval.high for row in rows], color=colour, lw=4, alpha=0.3
    )
    axes.plot(sizes, ratios, color=colour, lw=1.6, marker=marker, ms=7, label=one.workload, zorder=3)
    level = [row for row in rows if row.undecided]
    axes.plot(
        [row.size for row in level], [row.ratio for row in level], ls="", marker=marker, ms=4, color="white", zorder=4
    )


def plain_log(axes: "Axes") -> None:
    """Label a logarithmic x axis with plain numbers instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
