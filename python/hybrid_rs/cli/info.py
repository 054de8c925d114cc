"""``hybrid-rs info``: what this installation is and what it would use."""

import argparse
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import hybrid_rs as hr
from hybrid_rs import _core, flags
from hybrid_rs.cli.command import Outcome, Subparsers, add_command

_LABEL = 12  # columns before the values


def add(commands: Subparsers) -> None:
    """Add the command."""
    add_command(
        commands,
        "info",
        "show versions, processor, thread count and the rule that chose it, flags and features",
        "hybrid-rs info --json",
        _execute,
    )


def _execute(_options: argparse.Namespace) -> Outcome:
    """Give `hybrid_rs.config`, with what the flags mean beside their values."""
    bad: dict[str, tuple[str, str]] = {}
    try:
        document = hr.config()
    except ValueError:
        document, bad = _despite_bad_flags()
    values = document["flags"]
    document["flags"] = {
        row["name"]: {
            "value": _value(values, row["name"]),
            "default": row["default"],
            "accepts": row["accepts"],
            "doc": row["doc"],
        }
        | ({"value": bad[row["name"]][0], "error": bad[row["name"]][1]} if row["name"] in bad else {})
        for row in flags.table()
    }
    return Outcome(document, "\n".join(_lines(document)))


def _despite_bad_flags() -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """Give the configuration without the variables that can't be used, and those with their values and errors.

    This is the command to find them with, so they must not stop it.
    """
    environment = flags.environment()
    bad: dict[str, tuple[str, str]] = {}
    for name, text in environment.items():
        try:
            _core.resolve_flags({name: text})
        except ValueError as error:
            bad[name] = text, str(error)
    usable = {name: text for name, text in environment.items() if name not in bad}
    count, source = _core.thread_count(None, None, usable)
    document = {
        "versions": {"hybrid_rs": hr.__version__, "python": platform.python_version(), "numpy": np.__version__},
        "platform": platform.platform(),
        "topology": _core.topology(),
        "threads": {"count": count, "source": source},
        "flags": _core.resolve_flags(usable),
        "features": hr.features(),
    }
    return document, bad


def _value(values: Mapping[str, Any], variable: str) -> Any:
    """Find a variable's value, which is kept without the prefix."""
    return values[variable.removeprefix("HYBRID_RS_").removeprefix("HYBRID_").lower()]


def _lines(document: dict[str, Any]) -> Iterator[str]:
    """Lay the document out for reading."""
    versions, machine, workers = document["versions"], document["topology"], document["threads"]
    yield _line("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))
    yield _line("platform", document["platform"])
    yield _line("processor", machine["model"] or "unknown")
    yield _line("caches", ", ".join(_cache(*item) for item in machine["caches"].items() if item[1]) or "unknown")
    yield _line("CPUs", f"{len(machine['allowed'])} in the affinity mask: {_ranges(machine['allowed'])}")
    quota = machine["quota"]
    yield _line("quota", "none" if quota is None else f"{quota:g} CPUs (cgroup)")
    yield _line("NUMA nodes", "; ".join(f"{node['id']}: {_ranges(node['cpus'])}" for node in machine["nodes"]) or "-")
    yield _line("threads", f"{workers['count']} (decided by: {workers['source']})")
    yield _line("features", ", ".join(f"{name} {_shown(value)}" for name, value in document["features"].items()))
    yield "flags"
    for name, row in document["flags"].items():
        yield f"  {name} = {_shown(row['value'])}"
        if "error" in row:
            yield f"      CAN'T BE USED, and stops every other command: {row['error']}"
        yield f"      {row['doc']} Accepts {row['accepts']}; default: {row['default']}."


def _line(label: str, value: str) -> str:
    return f"{label:<{_LABEL}}{value}"


def _cache(name: str, cache: dict[str, int]) -> str:
    return f"{name} {cache['bytes'] // 1024:,} KiB shared by {cache['shared_by']}"


def _shown(value: object) -> str:
    """Show a flag's value as its owner thinks of it."""
    if value is None:
        return "unset"
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _ranges(cpus: list[int]) -> str:
    """Write ascending numbers as ranges: 0-3, 8."""
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)
