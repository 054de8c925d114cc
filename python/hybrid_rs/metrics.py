"""A Runtime's counters, readable and as a dict."""

from __future__ import annotations

from typing import Any

__all__ = ["Metrics"]

_BAR = 30


class Metrics:
    """Counters of a Runtime at one moment: batches, elements, time by path, chunk times, workers, the last batch."""

    __slots__ = ("_counts", "_values")

    def __init__(self, values: dict[str, Any], counts: bool = True) -> None:
        """Wrap the core's counters."""
        self._values = values
        self._counts = counts

    def to_dict(self) -> dict[str, Any]:
        """Return the counters as a JSON-ready dict.

        ``batches``, ``elements``; ``paths``: by name ``batches``, ``elements``, ``seconds`` of wall time;
        ``chunk_time_histogram``: counts of chunks shorter than ``upto_ns`` (None: the longest); ``workers`` and
        ``callers`` (all calling threads): ``busy_s``, ``idle_s``, ``chunks``; ``last``: ``path``, ``chunk_size``,
        ``reason``, ``threads``, ``elements`` of the last batch, or None.
        """
        return self._values

    def __getitem__(self, key: str) -> Any:
        """Return one entry of the dict."""
        return self._values[key]

    def keys(self) -> list[str]:
        """Return the names of the entries, so that ``dict(metrics)`` works."""
        return list(self._values)

    def __str__(self) -> str:
        """Lay the counters out for reading."""
        if not self._counts:
            return "metrics are off"
        values = self._values
        lines = [f"{_counted(values['batches'], 'batch', 'batches')}, {_counted(values['elements'], 'element')}"]
        for name, row in values["paths"].items():
            rate = row["elements"] / row["seconds"] / 1e6 if row["seconds"] else 0.0
            milliseconds = row["seconds"] * 1e3
            unit = "batch" if row["batches"] == 1 else "batches"
            lines.append(f"  {name:<22} {row['batches']:>6} {unit:<7} {milliseconds:>12.3f} ms {rate:>10.2f} Melem/s")
        last = values["last"]
        if last:
            lines.append(
                f"last batch: {_counted(last['elements'], 'element')}, {last['path']}, "
                f"{_counted(last['threads'], 'thread')}, "
                f"chunks of {last['chunk_size']:,} ({last['reason']})"
            )
        for k, worker in enumerate(values["workers"]):
            lines.append(f"worker {k}: {_worker(worker)}")
        lines.append(f"callers:  {_worker(values['callers'])}")
        lines += _histogram(values["chunk_time_histogram"])
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Show the totals."""
        batches = _counted(self._values["batches"], "batch", "batches")
        return f"<Metrics of {batches}, {_counted(self._values['elements'], 'element')}>"


def _counted(count: int, one: str, many: str | None = None) -> str:
    """Return a count with the word in its number."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _worker(row: dict[str, Any]) -> str:
    return f"busy {row['busy_s'] * 1e3:.3f} ms, idle {row['idle_s'] * 1e3:.3f} ms, {_counted(row['chunks'], 'task')}"


def _histogram(buckets: list[dict[str, Any]]) -> list[str]:
    if not buckets:
        return []
    most = max(bucket["count"] for bucket in buckets)
    lines = ["task times:"]
    for bucket in buckets:
        limit = "longer" if bucket["upto_ns"] is None else f"< {bucket['upto_ns'] / 1e3:,.3f} µs"
        bar = "#" * max(1, round(_BAR * bucket["count"] / most))
        lines.append(f"  {limit:>18} {bucket['count']:>10,} {bar}")
    return lines
