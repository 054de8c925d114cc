"""Counters, features and configuration."""

import json
import subprocess
import sys

import numpy as np
import pytest

import hybrid_rs as hr

busy = hr.kernels.busy_work


def test_metrics_count_batches_elements_and_tasks() -> None:
    with hr.Runtime(threads=2) as rt:
        for path in hr.PATHS:
            rt.map(busy, np.arange(10_000), 10, path=path, chunk_size=100)
        metrics = rt.metrics()
    values = metrics.to_dict()
    assert dict(metrics) == values
    json.dumps(values)
    assert values["batches"] == len(hr.PATHS)
    assert values["elements"] == len(hr.PATHS) * 10_000
    assert set(values["paths"]) == set(hr.PATHS)
    assert all(row["seconds"] > 0 for row in values["paths"].values())
    tasks = sum(worker["chunks"] for worker in values["workers"]) + values["callers"]["chunks"]
    assert tasks == sum(bucket["count"] for bucket in values["chunk_time_histogram"])
    assert len(values["workers"]) == 2
    assert values["last"] == {
        "path": "hybrid_auto_chunked",
        "chunk_size": 100,
        "reason": "chunk_size argument",
        "threads": 2,
        "elements": 10_000,
    }
    text = str(metrics)
    for word in ("7 batches", "70,000 elements", "worker 1: busy", "chunk_size argument", "hybrid_dyn_chunked"):
        assert word in text


def test_one_of_a_thing_is_no_plural() -> None:
    with hr.Runtime(threads=1) as rt:
        rt.map(busy, np.arange(1), 1, path="seq_direct")
        metrics = rt.metrics()
    text = str(metrics)
    assert text.startswith("1 batch, 1 element\n")
    assert repr(metrics) == "<Metrics of 1 batch, 1 element>"
    assert "last batch: 1 element, seq_direct, 1 thread," in text
    assert " 1 batches" not in text
    assert " 1 tasks" not in text


def test_metrics_off() -> None:
    with hr.Runtime(metrics=False) as rt:
        rt.map(busy, np.arange(10_000), 10)
        assert rt.metrics()["batches"] == 0
        assert str(rt.metrics()) == "metrics are off"


def test_lite_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_RS_LITE", "1")
    with hr.Runtime() as rt:
        rt.map(busy, np.arange(10_000), 10)
        assert str(rt.metrics()) == "metrics are off"


def test_tiny_batches_run_inline() -> None:
    with hr.Runtime() as rt:
        for n in (0, 1, 64, 499):
            rt.map(busy, np.arange(n), 1)
            assert rt.metrics()["last"]["reason"] == "small batch, run by the calling thread"
        assert all(worker["chunks"] == 0 for worker in rt.metrics()["workers"])


def test_features_and_config(capsys: pytest.CaptureFixture[str]) -> None:
    features = hr.features()
    assert features["hybrid-exec"] is True
    assert features["version"] == hr.__version__
    assert features["simd"] in ("avx512", "avx2", "neon", "baseline")
    config = hr.config()
    assert config["threads"]["count"] == hr.get_num_threads()
    hr.show_config()
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(config))


def test_threads_by_argument_context_and_process() -> None:
    with hr.threads(3):
        assert hr.get_num_threads() == 3
        hr.map(busy, np.arange(5000), 1, path="hybrid_fnptr")
        assert hr.runtime.default().metrics()["last"]["threads"] == 3
        hr.map(busy, np.arange(5000), 1, path="hybrid_fnptr", threads=1)
        assert hr.runtime.default().metrics()["last"]["threads"] == 1
        with pytest.raises(ValueError, match="threads: 0 is not between 1 and 1024"), hr.threads(0):
            pass
    with pytest.raises(TypeError, match="threads: must be an integer, not float"):
        hr.set_num_threads(1.5)  # type: ignore[arg-type]
    with hr.Runtime(threads=5) as rt:
        assert (rt.threads, rt.threads_source) == (5, "threads argument")


def test_wrong_thread_counts_are_refused_before_the_block() -> None:
    with pytest.raises(TypeError, match="threads: must be an integer, not str"):
        hr.threads("a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads: 0 is not between"):
        hr.threads(0)


def test_config_says_who_chose_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_rs.workers._process", None)
    hr.set_num_threads(3)
    assert hr.config()["threads"] == {"count": 3, "source": "set_num_threads"}
    with hr.threads(2):
        assert hr.config()["threads"] == {"count": 2, "source": "threads context"}
    monkeypatch.setattr("hybrid_rs.workers._process", None)
    assert hr.config()["threads"]["source"] not in ("set_num_threads", "threads context")


def test_imports_are_silent_and_lazy() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import hybrid_rs; new = set(sys.modules) - before;"
        "heavy = {'argparse', 'matplotlib', 'pyarrow', 'csv', 'tqdm'};"
        "heavy |= {'hybrid_rs.bench', 'hybrid_rs.report', 'hybrid_rs.cli'};"
        "print(sorted(heavy & new))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
