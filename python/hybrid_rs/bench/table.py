"""Plain-text tables and units for ``str()`` of the measurements."""

from collections.abc import Callable, Sequence

from hybrid_rs.bench.stats import Interval, quartiles
from hybrid_rs.bench.timing import LEAST_FOR_SPREAD

UNKNOWN = "-"
PAIRED = "Ratios are medians of paired rounds and need not equal the ratio of the medians."

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Return a time with three significant digits in the unit that suits it: 0.00174 gives ``1.74 ms``."""
    size = abs(seconds)
    for scale, unit in _UNITS:
        # 0.9995 of a unit already prints as 1.00 of it.
        if size >= 0.9995 * scale or unit == "ns":
            return f"{significant(seconds / scale)} {unit}"
    raise AssertionError("the last unit takes everything")


def significant(value: float) -> str:
    """Return ``value`` with three significant digits and no exponent: 166.8 gives ``167``, 3.6 gives ``3.60``."""
    size = abs(value)
    decimals = 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{value:,.{decimals}f}"


def percent(value: float) -> str:
    """Return a signed percentage with one decimal: 3.21 gives ``+3.2 %``."""
    return f"{value:+.1f} %"


def spread(seconds: Sequence[float]) -> str:
    """Return the interquartile range of timings as text, ``-`` for too few of them. Raises ValueError for none."""
    low, _, high = quartiles(seconds)
    return UNKNOWN if len(seconds) < LEAST_FOR_SPREAD else duration(high - low)


def span(interval: Interval, text: Callable[[float], str] = significant) -> str:
    """Return an interval as text, ``-`` where it comes from too few values to be one."""
    least = 1.0 - 2.0 * 0.5**LEAST_FOR_SPREAD
    return UNKNOWN if interval.coverage < least else f"{text(interval.low)} to {text(interval.high)}"


def render(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return aligned columns, the first ``left`` of them to the left, the others to the right, a rule below the header.

    Raises ValueError when a row has another number of cells than the header.
    """
    cells = [list(header), *(list(row) for row in rows)]
    if any(len(row) != len(header) for row in cells):
        raise ValueError("every row needs as many cells as the header")
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
