"""The examples run, and give what is known from elsewhere."""

import importlib.util
import struct
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hybrid_rs.cli import main as command

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    """Import an example, as a file beside which others lie."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_quickstart_finds_the_opposition_of_2003() -> None:
    day, distance = example("quickstart").main()
    # The closest approach in sixty thousand years was that of 27 August 2003, at 0.37272 au; the orbits of the table
    # lie in one plane, which costs a day and a thousandth.
    assert abs(np.datetime64(day) - np.datetime64("2003-08-27")) <= np.timedelta64(2, "D")
    assert distance == pytest.approx(0.37272, abs=2e-3)


def test_fractal_is_a_picture(tmp_path: Path) -> None:
    fractal = example("fractal")
    steps = fractal.main(tmp_path / "m.png", 60)
    data = (tmp_path / "m.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (60, 40)
    begin = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[begin - 4 : begin])
    assert len(zlib.decompress(data[begin + 4 : begin + 4 + length])) == 40 * 61
    assert steps.shape == (40, 60)
    # Some known points: the middle of the main bulb and of the disc at -1 stay, 1 leaves.
    assert fractal.escape(-0.1, 0.0, 500) == 0.0
    assert fractal.escape(-1.0, 0.0, 500) == 0.0
    assert fractal.escape(1.0, 0.0, 500) > 0.0


def test_roots_are_those_the_table_was_made_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roots = example("roots")
    found, made = roots.main(tmp_path / "quotes.csv", 500)
    assert np.abs(found - made).max() < 1e-7
    # Hull, "Options, Futures, and Other Derivatives": a call at 1.875 has a volatility of 23.5 %.
    assert roots.volatility(21.0, 20.0, 0.25, 0.1, 1.875) == pytest.approx(0.235, abs=5e-4)
    assert np.isnan(roots.volatility(21.0, 20.0, 0.25, 0.1, 30.0))
    out = tmp_path / "volatility.csv"
    words = ["run", f"{EXAMPLES / 'roots.py'}:volatility", str(tmp_path / "quotes.csv"), "--out", str(out)]
    assert command(words) == 0
    np.testing.assert_array_equal(np.genfromtxt(out, skip_header=1), found)
    assert "500 elements" in capsys.readouterr().out


def test_scan_agrees_with_the_formula() -> None:
    table = example("scan").main(20_000, 4)
    assert table.shape == (5, 4)
    # Hull's formula by hand for a volatility of 0.2: d1 = 0.00605, so 100 N(d1) - 105 exp(-0.03) N(d1 - 0.2).
    assert table[1, 3] == pytest.approx(7.1281, abs=1e-4)
    assert (np.abs(table[:, 1] - table[:, 3]) < 5.0 * table[:, 2]).all()
    assert (table[:, 2] < 0.02 * table[:, 3] + 0.1).all()


def test_scan_has_the_same_numbers_everywhere() -> None:
    scan = example("scan")
    paths = np.arange(1000)
    whole = scan.payoff(paths, 0.3, 3)
    np.testing.assert_array_equal(scan.payoff(paths[500:], 0.3, 3, threads=1, chunk_size=7), whole[500:])
    # NumPy's scalars warn where integers wrap, which hashing is about.
    with np.errstate(over="ignore"):
        assert whole[17] == pytest.approx(scan.payoff.py_func(np.uint64(17), 0.3, 3), rel=1e-12)


def test_thermocouple_reads_its_own_table(capsys: pytest.CaptureFixture[str]) -> None:
    thermocouple = example("thermocouple")
    found = thermocouple.main(1001)
    assert np.flatnonzero(np.isnan(found)).tolist() == [500]
    assert "outside of the table" in capsys.readouterr().out
    volts = thermocouple.MILLIVOLTS
    inside = np.linspace(volts[0], volts[-1], 777)
    given = thermocouple.temperature(inside, volts, thermocouple.DEGREES)
    np.testing.assert_allclose(given, np.interp(inside, volts, thermocouple.DEGREES), rtol=1e-13)
    assert thermocouple.temperature(4.096, volts, thermocouple.DEGREES) == 100.0
