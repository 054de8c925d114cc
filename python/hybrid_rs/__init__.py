"""hybrid_rs: run one small function over millions of elements at the speed of the whole machine.

>>> import numpy as np, hybrid_rs as hr
>>> hr.kernels.busy_work(np.arange(5), 3)
array([741,  87, 430, 773, 119], dtype=int32)
"""

from typing import TYPE_CHECKING, Any

from numpy import bool_, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64

from hybrid_rs import kernels, policy
from hybrid_rs._core import __version__
from hybrid_rs.compiled import CompiledKernel, kernel
from hybrid_rs.errors import Cancelled, CompileError, DeviceError, KernelError, KernelFault, PerformanceWarning
from hybrid_rs.kernel_object import Kernel, dyn, foreign
from hybrid_rs.runtime import PATHS, Runtime, map  # noqa: A004 - the contract's name
from hybrid_rs.workers import get_num_threads, set_num_threads, threads

if TYPE_CHECKING:
    from hybrid_rs.bench.sweep import sweep
    from hybrid_rs.explanation import Explanation, explain
    from hybrid_rs.info import config, features, show_config
    from hybrid_rs.language import bits, fma, from_bits, quot, rem
    from hybrid_rs.metrics import Metrics

__all__ = [
    "PATHS",
    "Cancelled",
    "CompileError",
    "CompiledKernel",
    "DeviceError",
    "Explanation",
    "Kernel",
    "KernelError",
    "KernelFault",
    "Metrics",
    "PerformanceWarning",
    "Runtime",
    "__version__",
    "bits",
    "bool_",
    "config",
    "dyn",
    "explain",
    "features",
    "float32",
    "float64",
    "fma",
    "foreign",
    "from_bits",
    "get_num_threads",
    "int8",
    "int16",
    "int32",
    "int64",
    "kernel",
    "kernels",
    "map",
    "policy",
    "quot",
    "rem",
    "set_num_threads",
    "show_config",
    "sweep",
    "threads",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

# Loaded at first use, to keep the import quick.
_LAZY = {
    "Explanation": "hybrid_rs.explanation",
    "Metrics": "hybrid_rs.metrics",
    "bits": "hybrid_rs.language",
    "config": "hybrid_rs.info",
    "explain": "hybrid_rs.explanation",
    "features": "hybrid_rs.info",
    "fma": "hybrid_rs.language",
    "from_bits": "hybrid_rs.language",
    "quot": "hybrid_rs.language",
    "rem": "hybrid_rs.language",
    "show_config": "hybrid_rs.info",
    "sweep": "hybrid_rs.bench.sweep",
}


def __getattr__(name: str) -> Any:
    """Load what is seldom needed at its first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'hybrid_rs' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, the lazy ones too."""
    return sorted(__all__)
