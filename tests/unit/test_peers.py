"""The comparison with peers: our kernels against plain Python, what counts as different, absent peers, the picture."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_rs import cli
from hybrid_rs.bench.peers import compare
from hybrid_rs.bench.peers.compare import Comparison, different
from hybrid_rs.bench.peers.work import WORKS, Work

INSTALLED = {
    "numba": importlib.util.find_spec("numba") is not None,
    "c": shutil.which("gcc") is not None,
    "numexpr": importlib.util.find_spec("numexpr") is not None,
}


def row(ratio: float, different: int = 0) -> dict[str, Any]:
    times = {"median_s": 0.001}
    span = {"low": ratio * 0.9, "high": ratio * 1.1, "coverage": 0.95}
    return {
        "elements": 4, "ours": times, "peer": times, "ratio": ratio, "interval": span, "different": different,
    }  # fmt: skip


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_kernels_give_what_plain_python_gives(work: Work) -> None:
    arguments = work.arguments(True)
    got = work.kernel(*arguments)
    assert got.dtype == work.dtype
    tables = getattr(work.kernel, "tables", {})
    plain: Any = getattr(work.kernel, "py_func", None)
    for place in range(0, got.size, 41):
        given = [
            one if not isinstance(one, np.ndarray) or (k == 1 and "table" in tables) else one[place]
            for k, one in enumerate(arguments)
        ]
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(got[place], plain(*given), rtol=max(work.tolerance, 1e-14))


@pytest.mark.parametrize("peer", INSTALLED)
def test_a_peer_computes_the_same(peer: str) -> None:
    found = compare.compare([peer], threads=1, samples=1, small=True).found[peer]
    if not INSTALLED[peer]:
        assert "rows" not in found
        assert found["absent"]
        return
    assert found["rows"]
    assert {name: one["different"] for name, one in found["rows"].items() if one["different"]} == {}


def test_what_counts_as_different() -> None:
    whole = np.array([1, 2, 3])
    assert different(whole, np.array([1, 0, 0]), 0.0) == 2
    nan = np.array([np.nan, 1.0])
    assert different(nan, nan.copy(), 0.0) == 0
    assert different(nan, np.array([1.0, 1.0]), 1e-9) == 1
    assert different(np.array([1e9]), np.array([1e9 + 1e-3]), 1e-9) == 0
    assert different(np.array([1e9]), np.array([1e9 + 10]), 1e-9) == 1


def test_wrong_results_have_no_ratio() -> None:
    found = {"numba": {"name": "Numba", "version": "1", "rows": {"busy": row(4.0), "axpy": row(9.0, different=3)}}}
    compared = Comparison(2, {**found, "jax": {"absent": "No module named 'jax'"}})
    assert compared.ratios("numba") == {"busy": 4.0}
    text = str(compared)
    assert "differs in 3" in text
    assert "geometric mean 4.00x over 1 works" in text
    assert "jax: not measured: No module named 'jax'" in text


def test_names_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"peers: no peer 'cupy'; there are numba, c"):
        compare.compare(["cupy"])
    with pytest.raises(ValueError, match=r"works: no work 'sleep'; there is busy"):
        compare.compare(["numba"], ["sleep"])


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    rows = {"busy": row(4.0), "axpy": row(0.5)}
    made = Comparison(2, {"numba": {"name": "Numba", "version": "1", "rows": rows}})
    monkeypatch.setattr(compare, "compare", lambda *_: made)
    target = tmp_path / "peers.svg"
    assert cli.main(["bench", "--peers", "numba", "--picture", str(target)]) == 0
    assert "geometric mean 1.41x" in capsys.readouterr().out
    assert target.read_bytes().startswith(b"<?xml")
    assert cli.main(["bench", "--peers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["peers"]["numba"]["rows"]["busy"]["ratio"] == 4.0
    assert cli.main(["bench", "--peers", "cupy"]) == 2
    assert "--peers: no peer 'cupy'" in capsys.readouterr().err
    assert cli.main(["bench", "--peers", "--picture", str(tmp_path / "none" / "p.svg")]) == 2
    assert "--picture" in capsys.readouterr().err
    assert cli.main(["bench", "--picture", str(target)]) == 2
