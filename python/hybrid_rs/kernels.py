"""Built-in kernels."""

from __future__ import annotations

from typing import Final

from hybrid_rs import _core
from hybrid_rs.kernel_object import Kernel

__all__ = ["busy_work"]

_BITS = 32
_MULTIPLIER, _INCREMENT, _MODULUS = 7, 13, 997


def _wrap(value: int) -> int:
    """Return the value of the low 32 bits as a signed integer."""
    half = 1 << (_BITS - 1)
    return (value + half) % (1 << _BITS) - half


def _busy_work(x: int, iters: int) -> int:
    acc = _wrap(x)
    for _ in range(iters):
        step = _wrap(acc * _MULTIPLIER + _INCREMENT)
        # The remainder has the sign of the dividend, as in Rust and C.
        acc = step % _MODULUS if step >= 0 else -(-step % _MODULUS)
    return acc


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


def _built_in(name: str) -> Kernel:
    """Return the built-in kernel of a name."""
    kernel: Kernel = globals()[name]
    return kernel


busy_work: Final = Kernel(
    _core.Kernel.busy_work(),
    py_func=_busy_work,
    remake=(_built_in, ("busy_work",)),
    doc="""busy_work(x, iters) -> int32: synthetic work that only a processor slows.

``acc`` starts as the low 32 bits of ``x``, signed; ``iters`` times ``acc = (acc * 7 + 13) % 997`` in wrapping int32
arithmetic, the remainder with the sign of the dividend. ``x`` and ``iters`` are integers, arrays or numbers; negative
``iters`` count as 0.""",
)
