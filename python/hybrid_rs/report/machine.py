"""The machine, the versions and the commit that a measurement belongs to."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import hybrid_rs as hr

UNKNOWN = "unknown"
_GIT_TIMEOUT_S = 5.0


def facts() -> dict[str, object]:
    """Return date (UTC), commit and the Runtime's own view of the machine, nested, ready for JSON."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(checkout()),
        **hr.config(),
    }


def checkout() -> Path | None:
    """Return the root of the source tree that this package runs from, or None for an installed copy."""
    root = Path(__file__).resolve().parents[3]
    ours = (root / ".git").exists() and (root / "python" / "hybrid_rs").is_dir()
    return root if ours else None


def commit(root: Path | None) -> str:
    """Return the commit of a checkout, ``-modified`` when tracked files differ, ``unknown`` where git can't say."""
    if root is None:
        return UNKNOWN
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if not head:
        return UNKNOWN
    return f"{head}-modified" if _git(root, "status", "--porcelain", "--untracked-files=no") else head


def _git(root: Path, *arguments: str) -> str:
    """Return what git prints, or nothing where it is missing or fails."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def readable(known: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return facts as (label, text) pairs for people, in their order; what has no better label keeps its own name."""
    rows: list[tuple[str, str]] = []
    for key, value in known.items():
        if key == "topology" and isinstance(value, Mapping):
            rows += _topology(value)
        elif key == "threads" and isinstance(value, Mapping):
            rows.append(("threads", f"{value.get('count')} (decided by: {value.get('source')})"))
        elif key in ("versions", "features") and isinstance(value, Mapping):
            named = {True: "on", False: "off"}
            texts = (named[each] if isinstance(each, bool) else each for each in value.values())
            rows.append((key, ", ".join(f"{name} {text}" for name, text in zip(value, texts, strict=True))))
        elif key == "flags" and isinstance(value, Mapping):
            changed = [f"{name} = {setting}" for name, setting in value.items() if setting not in (None, False)]
            rows.append(("flags set", ", ".join(changed) or "none"))
        else:
            rows += flat({key: value})
    return rows


def _topology(machine: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return what is known of the processor, each thing only where it is known."""
    rows = [("processor", str(machine.get("model") or UNKNOWN))]
    caches = machine.get("caches")
    if isinstance(caches, Mapping):
        texts = [
            f"{name} {one['bytes'] // 1024:,} KiB shared by {one['shared_by']}" for name, one in caches.items() if one
        ]
        rows.append(("caches", ", ".join(texts) or UNKNOWN))
    quota, nodes = machine.get("quota"), machine.get("nodes")
    rows.append(("usable CPUs", str(machine.get("usable_cpus", UNKNOWN))))
    rows.append(("quota", "none" if quota is None else f"{quota:g} CPUs" if isinstance(quota, float) else str(quota)))
    rows.append(("NUMA nodes", str(len(nodes)) if isinstance(nodes, list) else UNKNOWN))
    return rows


def flat(nested: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested facts as (dotted name, text) pairs in their order; lists are joined by commas."""
    rows: list[tuple[str, str]] = []
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += flat(value, f"{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            rows += flat({str(place): item for place, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, list | tuple | set | frozenset):
            rows.append((name, ", ".join(str(item) for item in value)))
        else:
            rows.append((name, "none" if value is None else str(value)))
    return rows
