"""The report (report row S26): everything measured, written as Markdown with pictures and the raw timings.

canvas, markdown, files, machine, original → study → plots, sections, workloads, findings → write
"""

import json
from collections.abc import Callable
from pathlib import Path

from hybrid_rs.report import canvas, files, findings, plots, sections, workloads
from hybrid_rs.report.canvas import MissingPlotsError
from hybrid_rs.report.study import FULL, QUICK, Effort, Study, measure

__all__ = ["FULL", "QUICK", "Effort", "MissingPlotsError", "Study", "measure", "render", "save", "write"]


def write(
    directory: str | Path,
    quick: bool = False,
    threads: int | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Measure everything and write ``report.md``, its SVG pictures and ``report.json``; return the Markdown's path.

    A full report takes some minutes, a quick one less than one: fewer samples, batches and sizes. The directory is
    made where it is missing; each file is replaced whole, ``report.md`` last. ``note`` is told what is measured next.

    Raises MissingPlotsError (an ImportError) without matplotlib and NotADirectoryError or PermissionError for a
    directory that can't be, both before anything is measured; oracle.WrongResultError for a path whose result is wrong.
    """
    canvas.require_matplotlib()
    target = files.make_directory(Path(directory))
    files.require_writable(target)
    return save(measure(QUICK if quick else FULL, threads, note), target)


def save(study: Study, directory: Path) -> Path:
    """Write a study's files into an existing directory and return the path of ``report.md``. Raises OSError."""
    drawn = {
        "paths": plots.paths(study.acceptance),
        "sweeps": plots.sweeps(study.curves),
        "fit": plots.fit(study.fitted),
        "gaps": plots.gaps(study.gaps),
        "metrics": plots.metrics(study.metrics),
        "scaling": plots.scaling(study.scaling),
        "workloads": plots.workloads(study.workloads),
    }
    for what, name in sections.PICTURES.items():
        files.write_whole(directory / name, drawn[what])
    raw = json.dumps(study.to_dict(), indent=1, default=str)
    files.write_whole(directory / "report.json", raw + "\n")
    return files.write_whole(directory / "report.md", render(study))


def render(study: Study) -> str:
    """Return the report of a study as Markdown, ended by a line break."""
    parts = [
        "# hybrid_rs: measured",
        sections.verdict(study),
        sections.how(study),
        sections.machine_facts(study),
        sections.path_comparison(study),
        sections.acceptance(study),
        sections.sweep_curves(study),
        workloads.section(study.workloads),
        sections.scaling_law(study),
        sections.adaptive_gap(study),
        sections.metrics_cost(study),
        sections.threads(study),
        sections.tiny_batches(study),
        findings.differences(study),
        findings.risks(study),
    ]
    return "\n\n".join(parts) + "\n"
