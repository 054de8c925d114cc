"""The report's sections that draw conclusions: how ours differs from the original report, and what to be wary of."""

from collections.abc import Iterator

from hybrid_rs.bench.accept import DECIDING
from hybrid_rs.bench.paths import BASELINE, DIRECT
from hybrid_rs.bench.table import duration, percent, significant, span
from hybrid_rs.report import original
from hybrid_rs.report.markdown import bullets, table
from hybrid_rs.report.study import Study

# The two forms of one kernel that are timed on a single thread.
CHUNKED, ELEMENT = "hybrid_fnptr_chunked", "hybrid_fnptr"
# A median whose quartiles lie further apart than this share of it is called noisy.
NOISY_SPREAD = 0.05


def differences(study: Study) -> str:
    """Set our figures beside the original report's, and say why they differ."""
    header = ("path", "batch", "original", "ours", "original x", "ours x")
    rows = []
    for compared in study.comparisons:
        for row in compared.rows:
            theirs = original.figure(row.name, compared.batch)
            if theirs is not None:
                rows.append(
                    (
                        row.name,
                        f"{compared.batch:,}",
                        duration(theirs.seconds),
                        duration(row.sample.median),
                        f"{significant(theirs.vs_runtime_seq)}x",
                        f"{significant(row.vs_runtime_seq)}x",
                    )
                )
    parts = ["## Where our figures differ from the original report's"]
    if rows:
        parts.append(table(header, rows))
    parts.append(bullets(list(_reasons(study))))
    return "\n\n".join(parts)


def _reasons(study: Study) -> Iterator[str]:
    """Yield what explains the differences; ours from this study, theirs from their own figures."""
    compared = study.acceptance.comparison
    direct = original.figure(DIRECT, 10_000)
    handed = original.figure(BASELINE, 10_000)
    chunked = original.figure(DECIDING[0], 100_000)
    if direct is None or handed is None or chunked is None:
        raise AssertionError("the original's figures lack a row that the text speaks of")
    their_ns = direct.seconds / direct.batch * 1e9
    our_ns = compared.row(DIRECT).sample.median / compared.batch * 1e9
    yield (
        f"The original's {DIRECT} takes {their_ns:.0f} ns an element. Its {original.ITERATIONS} iterations are a "
        "chain: each multiplies, adds and takes a remainder of the one before. That leaves "
        f"{their_ns / original.ITERATIONS:.3f} ns for an iteration, less than one clock cycle of any processor. Here "
        f"an element takes {our_ns:,.0f} ns on one core, {our_ns / compared.iters:.2f} ns an iteration. The original "
        "must have timed something else: fewer iterations, or a loop that the compiler removed."
    )
    yield (
        f"For the same path, batch and work it claims {significant(chunked.melem_s)} Melem/s in its table of paths and "
        f"{significant(original.SWEEP_BEST_MELEM_S)} Melem/s as the best of its sweep. Both can't be right."
    )
    their_cost = (handed.seconds - direct.seconds) / handed.batch * 1e9
    yield (
        f"Its {BASELINE} pays {their_cost:.0f} ns an element for submission, ours "
        f"{significant(compared.submission_ns)} ns, metrics included. With work of "
        f"{our_ns:,.0f} ns an element, submission is "
        f"{compared.submission_ns / our_ns * 100.0:.1f} % of our baseline where it is "
        f"{their_cost * handed.batch / handed.seconds / 1e7:.0f} % of theirs."
    )
    for name in DECIDING:
        ours = compared.row(name)
        yield (
            f"Our {name} reaches {significant(ours.vs_runtime_seq)}x on {compared.threads} threads, "
            f"{significant(ours.vs_runtime_seq / compared.threads)}x a thread."
        )
    lanes = _chunk_form(study)
    if lanes:
        yield lanes
    worst = max(study.gaps, key=lambda gap: gap.ratio)
    yield (
        f"It found its automatic path {original.ADAPTIVE_GAP_PERCENT:.0f} % behind the best swept chunk. Our largest "
        f"gap is {percent((worst.ratio - 1.0) * 100.0)}, at {worst.elements:,} elements ({worst.verdict})."
    )


def _chunk_form(study: Study) -> str:
    """Say what the chunk form gains on one thread, where both forms were timed on one; nothing where they weren't."""
    alone = {row.path: row.sample for row in study.scaling.rows if row.threads == 1}
    if not {CHUNKED, ELEMENT} <= alone.keys():
        return ""
    chunked, element = alone[CHUNKED].median, alone[ELEMENT].median
    return (
        f"On one thread, {study.scaling.batch:,} elements take {duration(chunked)} in the chunk form ({CHUNKED}) and "
        f"{duration(element)} in the scalar element form ({ELEMENT}): {significant(element / chunked)} times as long. "
        "That is what vector lanes and one call a chunk instead of one an element gain together, without any threads."
    )


def risks(study: Study) -> str:
    """Say what could make these figures mislead, from what was measured."""
    return "## Risks\n\n" + bullets([*_noise(study), *_decisions(study), *_limits(study)])


def _noise(study: Study) -> Iterator[str]:
    rows = [(compared, row) for compared in study.comparisons for row in compared.rows]
    noisy = [
        f"{row.name} at {compared.batch:,} ({row.sample.spread / row.sample.median * 100.0:.0f} %)"
        for compared, row in rows
        if row.sample.spread > NOISY_SPREAD * row.sample.median
    ]
    others = [
        *(
            (f"{row.path} on {row.threads} thread{'s' if row.threads > 1 else ''}", row.sample)
            for row in study.scaling.rows
        ),
        *((f"auto at {gap.elements:,} elements", gap.auto_sample) for gap in study.gaps),
        *((f"the best fixed size at {gap.elements:,} elements", gap.fixed_sample) for gap in study.gaps),
    ]
    wide = [
        f"{name} ({sample.spread / sample.median * 100.0:.0f} %)"
        for name, sample in others
        if sample.spread > NOISY_SPREAD * sample.median
    ]
    marked = sum(len(row.sample.outliers) for _, row in rows)
    taken = sum(len(row.sample.seconds) for _, row in rows)
    if noisy:
        yield (
            f"Noise: quartiles more than {NOISY_SPREAD * 100.0:.0f} % of the median apart for {', '.join(noisy)}. "
            "The machine was busy with something else, or changed its clock."
        )
    else:
        yield f"Noise: every path's quartiles lie within {NOISY_SPREAD * 100.0:.0f} % of its median."
    if wide:
        yield f"Noise of the thread and gap tables: quartiles as far apart for {', '.join(wide)}."
    yield f"Outliers: {marked} of {taken} timings of the path tables, all of them kept."


def _decisions(study: Study) -> Iterator[str]:
    undecided = [f"{swept.elements:,}" for swept in study.sweeps if not swept.decided]
    if undecided:
        yield (
            f"Sweeps without a single winner: {', '.join(undecided)} elements. Their best size may be another one "
            "next time; don't tune to it."
        )
    if not study.fitted.meaningful:
        yield "The scaling law rests on plateaus: the line describes this sitting, not the machine."
    for verdict in ("behind", "undecided"):
        batches = [f"{gap.elements:,}" for gap in study.gaps if gap.verdict == verdict]
        if batches:
            yield f"The automatic path is {verdict} at {', '.join(batches)} elements."
    for row in study.metrics.rows:
        if row.verdict != "pass":
            reach = span(row.interval, percent)
            yield f"The cost of metrics on {row.path} is not shown to stay under the bar: {reach}, {row.verdict}."
    accepted = study.acceptance
    for note in accepted.notes:
        yield f"Acceptance: {note}."
    for path in accepted.comparison.rows:
        if accepted.verdict(path.name) == "undecided":
            yield f"{path.name}: the target lies within the interval of its ratio, so it is undecided."
        elif abs(path.vs_runtime_seq / accepted.target - 1.0) < NOISY_SPREAD:
            yield f"{path.name} lies within {NOISY_SPREAD * 100.0:.0f} % of the target: its verdict may turn next time."


def _limits(study: Study) -> Iterator[str]:
    most = max(row.threads for row in study.scaling.rows)
    yield (
        f"Measured on up to {most} thread{'s' if most > 1 else ''}: nothing here says how more of them, or several "
        "sockets, behave."
    )
    yield (
        "One kernel of uniform cost: kernels whose elements differ in cost balance differently, and memory-bound ones "
        "gain little from lanes."
    )
