"""The report, from planted measurements and once from real ones."""

import dataclasses
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs import report
from hybrid_rs.bench import accept, fit, gap, lite, paths, scaling, stats, sweep, tiny, vm
from hybrid_rs.bench.timing import Sample
from hybrid_rs.bench.workload import Choice
from hybrid_rs.report import canvas, files, findings, machine, markdown, original, plots, sections, study

# ---- Markdown


def test_escape_shows_text_as_it_is() -> None:
    assert markdown.escape("a|b") == r"a\|b"
    assert markdown.escape("<b> *x* [y](z) `c`") == r"\<b\> \*x\* \[y\](z) \`c\`"
    assert markdown.escape("two\nlines  and\ttabs") == "two lines and tabs"
    # Emphasis starts at a word's edge; inside a word an underscore is a letter.
    assert markdown.escape("hybrid_auto_chunked") == "hybrid_auto_chunked"
    assert markdown.escape("_init_") == r"\_init\_"
    assert markdown.escape("C:\\x") == r"C:\\x"


def test_table_keeps_its_columns_whatever_the_cells_hold() -> None:
    text = markdown.table(("a", "b"), [("x|y", "1"), ("line\nbreak", "2")])
    assert text.splitlines() == ["| a | b |", "| :-- | --: |", r"| x\|y | 1 |", "| line break | 2 |"]
    with pytest.raises(ValueError, match="cells"):
        markdown.table(("a",), [("b", "c")])


# ---- files and machine


def test_directory_is_made_or_refused_clearly(tmp_path: Path) -> None:
    assert files.make_directory(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("x")
    for blocked in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError, match="a file is in the way"):
            files.make_directory(blocked)


def test_flat_facts() -> None:
    nested = {"a": 1, "b": {"c": [0, 1], "d": {"e": None}}, "f": [{"g": 1}, {"g": 2}]}
    assert machine.flat(nested) == [("a", "1"), ("b.c", "0, 1"), ("b.d.e", "none"), ("f.0.g", "1"), ("f.1.g", "2")]


def test_facts_are_labelled_for_people() -> None:
    rows = dict(machine.readable(machine.facts()))
    assert rows["versions"].endswith(f"numpy {np.__version__}")
    assert rows["usable CPUs"].isdigit()
    assert not any("." in label for label in rows)
    cached = {"topology": {"model": None, "caches": {"l1d": {"bytes": 49152, "shared_by": 1}, "l2": None}}}
    assert ("caches", "l1d 48 KiB shared by 1") in machine.readable(cached)
    assert ("processor", "unknown") in machine.readable(cached)


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_of_a_checkout(tmp_path: Path) -> None:
    assert machine.commit(None) == "unknown"
    assert machine.commit(tmp_path) == "unknown"
    git(tmp_path, "init", "-q")
    assert machine.commit(tmp_path) == "unknown"
    (tmp_path / "f").write_text("1")
    git(tmp_path, "add", "f")
    git(tmp_path, "commit", "-q", "-m", "one")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert machine.commit(tmp_path) == head[:12]
    (tmp_path / "f").write_text("2")
    assert machine.commit(tmp_path) == f"{head[:12]}-modified"


# ---- a planted study


def around(median: float, count: int = 11, by: float = 0.01) -> Sample:
    return Sample(tuple(median * (1.0 + by * (2.0 * i / (count - 1) - 1.0)) for i in range(count)))


def make_sweep(elements: int, best: int) -> sweep.Sweep:
    timed = {size: around(1e-3 * (1.0 + abs(size - best) / 2500)) for size in sweep.DEFAULT_SIZES}
    return sweep.Sweep("busy_work", "hybrid_fnptr_chunked", elements, 2, sweep.rank(timed, elements))


def make_gap(elements: int, ratio: float) -> gap.Gap:
    fixed = around(2e-3, 30, 0.001)
    auto = Sample(tuple(seconds * ratio for seconds in fixed.seconds))
    found, span = stats.paired_ratio(auto.seconds, fixed.seconds)
    cost = stats.Interval(250.0, 350.0, 0.95)
    return gap.Gap(elements, 2, 1000, (1000,), Choice(2000, "v2 | formula"), auto, fixed, found, span, 300.0, cost)


def make_workloads(*batches: int) -> tuple[vm.WorkloadSweep, ...]:
    return tuple(
        vm.WorkloadSweep(name, make_sweep(batch, best)) for batch in batches for name, best in (("a", 750), ("b", 1500))
    )


def make_study(noise: float = 0.01) -> study.Study:
    """A study in which every figure is planted: fnptr_chunked is 40 times the baseline, auto 23 % behind the best."""
    speed = dict(zip(hr.PATHS, (1.05, 1.0, 1.9, 2.02, 1.9, 40.0, 41.0), strict=True))
    comparisons = tuple(
        paths.PathComparison(
            batch,
            512,
            2,
            tuple(
                paths.compared_row(
                    name, around(batch * 2e-6 / times, 11, noise), around(batch * 2e-6, 11, noise), batch
                )
                for name, times in speed.items()
            ),
            95.0,
            stats.Interval(90.0, 99.0, 0.95),
        )
        for batch in (10_000, 100_000)
    )
    sweeps = (make_sweep(50_000, 1000), make_sweep(100_000, 1750))
    cost = stats.Interval(-1.0, 2.0, 0.95)
    metrics = tuple(lite.MetricsRow(name, around(1.005), around(1.0), 0.5, cost) for name in lite.DEFAULT_PATHS)
    one, two = stats.Interval(1.0, 1.0, 0.95), stats.Interval(1.8, 2.0, 0.95)
    scaled = tuple(
        row
        for name in scaling.DEFAULT_PATHS
        for row in (
            scaling.ScalingRow(name, 1, around(2.0), 1.0, one),
            scaling.ScalingRow(name, 2, around(1.0), 1.9, two),
        )
    )
    return study.Study(
        {"cpu": "A|B <fast>", "commit": "unknown", "cores": 2},
        study.QUICK,
        comparisons,
        accept.Acceptance(comparisons[-1], 2.0),
        sweeps,
        fit.fit(sweeps),
        (make_gap(50_000, 1.0), make_gap(100_000, 1.23)),
        lite.MetricsCost(50_000, 512, 2, False, metrics),
        scaling.Scaling(100_000, 512, scaled),
        tiny.Tiny(512, 2, (tiny.TinyRow("seq_direct", 64, around(1e-4), around(1e-6)),)),
        make_workloads(50_000, 100_000),
    )


def tables(text: str) -> list[list[str]]:
    """The tables of a Markdown text, as blocks of lines."""
    blocks = re.split(r"\n\n", text)
    return [block.splitlines() for block in blocks if block.startswith("| ")]


def cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_every_table_is_rectangular_and_every_section_is_there() -> None:
    text = report.render(make_study())
    for block in tables(text):
        assert len({cells(line) for line in block}) == 1, block[0]
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    wanted = [
        "How this",
        "Machine",
        "Paths",
        "Acceptance",
        "Chunk sizes",
        "Does the best",
        "Scaling law",
        "Adaptive gap",
        "Cost of",
        "Threads",
    ]
    wanted += ["Tiny", "Where our", "Risks"]
    assert [next((want for want in wanted if head.startswith(want)), head) for head in heads] == wanted
    assert r"A\|B \<fast\>" in text
    assert r"v2 \| formula" in text


def test_figures_in_the_text_are_the_planted_ones() -> None:
    text = report.render(make_study())
    assert "**PASS**: `hybrid_fnptr_chunked` 40.0x and `hybrid_auto_chunked` 41.0x" in text
    assert "| hybrid_fnptr | 99.0 ms |" in text
    assert "| 1.230 |" in text
    assert "behind |" in text
    # 1000 at 50,000 and 1750 at 100,000.
    assert "`chunk = 400.00 + (batch - 10,000) * 0.0150000`, residual 0.00 elements" in text


def test_differences_set_the_originals_figures_beside_ours() -> None:
    text = findings.differences(make_study())
    assert "| hybrid_fnptr_chunked | 100,000 | 600 µs | 5.00 ms | 42.0x | 40.0x |" in text
    assert "| seq_direct | 10,000 | 390 µs | 19.0 ms | 7.10x | 1.05x |" in text
    # 0.390 ms / 10,000 elements / 512 iterations, and the two throughputs claimed for one piece of work.
    assert "0.076 ns for an iteration" in text
    assert "167 Melem/s" in text
    assert "57.4 Melem/s" in text


def test_the_original_is_introduced_before_it_is_spoken_of() -> None:
    text = report.render(make_study())
    assert text.index("called the original here") < text.index("original's")


def test_lanes_are_spoken_of_from_measured_figures_alone() -> None:
    made = make_study()
    rows = tuple(
        dataclasses.replace(row, sample=around(0.1)) if (row.path, row.threads) == (findings.CHUNKED, 1) else row
        for row in made.scaling.rows
    )
    measured = dataclasses.replace(made, scaling=dataclasses.replace(made.scaling, rows=rows))
    # 2.0 s of the element form against 0.1 s.
    assert "20.0 times as long" in findings.differences(measured)
    several = tuple(row for row in rows if row.threads > 1)
    unmeasured = dataclasses.replace(made, scaling=dataclasses.replace(made.scaling, rows=several))
    assert "lanes" not in findings.differences(unmeasured)


def test_every_table_of_paired_ratios_says_so() -> None:
    made = make_study()
    for section in (sections.sweep_curves, sections.adaptive_gap, sections.metrics_cost, sections.threads):
        assert "need not equal the ratio of the medians" in section(made)
    assert "that of the ratio in paired rounds" in sections.path_comparison(made)


def test_acceptance_gives_its_verdict_once() -> None:
    text = report.render(make_study())
    assert text.count("**PASS**") == 1


def test_noise_of_the_thread_and_gap_tables_is_a_risk() -> None:
    made = make_study()
    assert "thread and gap tables" not in findings.risks(made)
    rows = tuple(dataclasses.replace(row, sample=around(1.0, by=0.3)) for row in made.scaling.rows)
    noisy = dataclasses.replace(made, scaling=dataclasses.replace(made.scaling, rows=rows))
    assert "thread and gap tables: quartiles as far apart for hybrid_fnptr_chunked on 1 thread (" in findings.risks(
        noisy
    )


def test_originals_figures_agree_with_their_throughputs() -> None:
    # As the original prints them beside its times, in Melem/s.
    printed = {"seq_direct": 25.6, "runtime_seq": 3.6, "hybrid_fnptr": 30.3, "hybrid_dyn_chunked": 115.8}
    printed |= {"hybrid_fnptr_chunked": 166.8, "hybrid_auto_chunked": 46.6}
    for one in original.FIGURES:
        if one.path in printed:
            assert one.melem_s == pytest.approx(printed[one.path], rel=0.01)
    assert {one.path for one in original.FIGURES} == set(hr.PATHS)


def test_risks_come_from_the_measurements() -> None:
    calm, noisy = findings.risks(make_study(noise=0.01)), findings.risks(make_study(noise=0.3))
    assert "every path's quartiles lie within 5 %" in calm
    assert "quartiles more than 5 % of the median apart for seq_direct at 10,000" in noisy
    assert "The automatic path is behind at 100,000 elements" in calm
    assert "hybrid_fnptr lies within 5 % of the target" in calm
    assert "up to 2 threads" in calm


# ---- pictures and files


def test_study_is_saved_whole(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    made = make_study()
    written = report.save(made, tmp_path)
    assert written == tmp_path / "report.md"
    linked = set(re.findall(r"\]\(([\w.]+)\)", written.read_text()))
    assert linked == {file.name for file in tmp_path.iterdir()} - {"report.md"}
    for name in sections.PICTURES.values():
        assert ET.parse(tmp_path / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    raw = json.loads((tmp_path / "report.json").read_text())
    assert raw["paths"][1]["paths"]["runtime_seq"]["seconds"] == list(
        made.comparisons[1].row("runtime_seq").sample.seconds
    )
    assert raw["acceptance"]["pass"] is True


def test_pictures_are_the_same_bytes_and_leave_no_state() -> None:
    mpl = pytest.importorskip("matplotlib")
    before = dict(mpl.rcParams)
    made = make_study()
    assert plots.sweeps(made.curves) == plots.sweeps(made.curves)
    first = plots.paths(made.acceptance)
    with mpl.rc_context({"font.size": 30.0}):
        assert plots.paths(made.acceptance) == first
    assert b"<dc:date>" not in first
    assert dict(mpl.rcParams) == before


def test_missing_matplotlib_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(report, "measure", lambda *_: pytest.fail("measured in vain"))
    with pytest.raises(canvas.MissingPlotsError, match=r"hybrid_rs\[report\]"):
        report.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_import_stays_light() -> None:
    code = (
        "import sys, hybrid_rs;"
        "print([m for m in sys.modules if m.startswith(('matplotlib', 'hybrid_rs.bench', 'hybrid_rs.report'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_report_from_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    effort = study.Effort(2, 2, (2000,), (2000, 4000), (500, 1000), 1000, 2000, 7, (2000, 4000), (2000,), (500, 1000))
    steps: list[str] = []
    made = study.measure(effort, threads=2, note=steps.append)
    text = report.save(made, tmp_path).read_text()
    assert [step.split(":")[0] for step in steps] == [f"{k} of 7" for k in range(1, 8)]
    assert all(re.search(r"\(about \d+ s left\)$", step) for step in steps)
    assert [swept.elements for swept in made.curves] == [2000, 4000]
    assert all(name in text for name in hr.PATHS)
    assert f"numpy {np.__version__} |" in text
