"""What this installation is and what it sees of the machine."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

import numpy as np

from hybrid_rs import _core, flags, workers

__all__ = ["config", "features", "show_config"]


def features() -> dict[str, bool | str]:
    """Return what the build can do: cargo features, SIMD level of the built-in kernels, version."""
    return {
        "hybrid-exec": _core.HYBRID_EXEC,
        "hybrid-lite": _core.HYBRID_LITE,
        "simd": _core.cpu_level(),
        "version": _core.__version__,
    }


def config() -> dict[str, Any]:
    """Return versions, machine, thread count with the rule that chose it, environment variables and features."""
    count, source = flags.thread_count(None, workers.chosen())
    return {
        "versions": {"hybrid_rs": _core.__version__, "python": sys.version.split()[0], "numpy": np.__version__},
        "platform": platform.platform(),
        "topology": _core.topology(),
        "threads": {"count": count, "source": workers.chosen_by() or source},
        "flags": flags.resolve()._asdict(),
        "features": features(),
    }


def show_config() -> None:
    """Print `config` as JSON."""
    print(json.dumps(config(), indent=2))
