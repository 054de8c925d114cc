"""Chunk-size policies: how many elements a worker takes at a time.

Each named policy is a pure function of the batch size, in exact integer arithmetic:

=========  ==========================================================================
v1         a fiftieth of the batch, clamped to 500..2000, rounded up to a multiple of 500
v2         750 below 20 000; 1000 to 1500 up to 80 000; 1500 to 1750 up to 120 000; then 1750
linear     ``500 + (n - 10_000) * 0.015``, truncated
ratio      ``max(750, min(n // 60, 2000))``
adaptive   v2 by formula; a Runtime corrects it by what it measured of the kernel
fixed(k)   always ``k``
=========  ==========================================================================
"""

from __future__ import annotations

import operator
from typing import Final, SupportsIndex

from hybrid_rs import _core

__all__ = ["NAMES", "Policy", "adaptive", "chunk_size", "fixed", "get", "linear", "ratio", "v1", "v2"]

NAMES: Final[tuple[str, ...]] = tuple(_core.policies())

_FIXED = "fixed"
_MOST_DIGITS = 20


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


class Policy:
    """A way to choose chunk sizes; call it with a batch size."""

    __slots__ = ("name", "size")

    name: str
    size: int | None

    def __init__(self, name: str, size: SupportsIndex | None = None) -> None:
        """Make one by name; ``size``, at least 1, belongs to "fixed" alone.

        Raises:
            TypeError: If ``name`` is no text or ``size`` no integer.
            ValueError: If no policy has that name, or ``size`` is missing, out of place or less than 1.
        """
        if not isinstance(name, str):
            raise TypeError(f"policy: the name must be a str, not {type(name).__name__}")
        if name == _FIXED:
            if size is None:
                raise ValueError("size: policy 'fixed' needs one: hr.policy.fixed(n)")
            size = _count("size", size, 1)
        elif name not in NAMES:
            raise _unknown(name)
        elif size is not None:
            raise ValueError(f"size: policy {name!r} has none; it belongs to 'fixed'")
        self.name = name
        self.size = size

    def __call__(self, n: SupportsIndex) -> int:
        """Return the chunk size for a batch of ``n`` elements, in elements."""
        count = _count("n", n, 0)
        return self.size if self.size is not None else _core.chunk_size(self.name, count)

    def __repr__(self) -> str:
        """Show how it is written."""
        return f"hybrid_rs.policy.{self.name}" if self.size is None else f"hybrid_rs.policy.fixed({self.size})"

    def __eq__(self, other: object) -> bool:
        """Policies of one name and size are equal."""
        return isinstance(other, Policy) and (self.name, self.size) == (other.name, other.size)

    def __hash__(self) -> int:
        """Hash by name and size."""
        return hash((self.name, self.size))


v1: Final = Policy("v1")
v2: Final = Policy("v2")
linear: Final = Policy("linear")
ratio: Final = Policy("ratio")
adaptive: Final = Policy("adaptive")


def fixed(n: SupportsIndex) -> Policy:
    """Return the policy that always takes ``n`` elements (at least 1)."""
    return Policy("fixed", _count("n", n, 1))


def get(policy: str | Policy) -> Policy:
    """Return the policy of a name ("v1", "fixed(500)"), or the policy itself.

    Raises:
        TypeError: If it is neither.
        ValueError: If no policy has that name, or the number in "fixed(n)" is less than 1.
    """
    if isinstance(policy, Policy):
        return policy
    if not isinstance(policy, str):
        raise TypeError(f"policy: must be a name or a hybrid_rs.policy.Policy, not {type(policy).__name__}")
    number = policy.strip().removeprefix(f"{_FIXED}(").removesuffix(")").strip()
    if policy.strip().startswith(f"{_FIXED}(") and policy.strip().endswith(")") and number.isdecimal():
        # More digits than Python reads are more elements than there can be.
        return fixed(int(number) if len(number) <= _MOST_DIGITS else 10**_MOST_DIGITS)
    if policy not in NAMES:
        raise _unknown(policy)
    return Policy(policy)


def _unknown(name: str) -> ValueError:
    return ValueError(f"policy: unknown policy {name!r}; there are {', '.join(NAMES)} and hr.policy.fixed(n)")


def chunk_size(name: str | Policy, n: SupportsIndex) -> int:
    """Return the chunk size of a policy for a batch of ``n`` elements, in elements.

    Raises:
        TypeError: If ``name`` is no policy or ``n`` no integer.
        ValueError: If no policy has that name, or ``n`` is negative.
    """
    return get(name)(n)


def _count(name: str, value: SupportsIndex, least: int) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name}: must be an integer, not bool")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: must be an integer, not {type(value).__name__}") from None
    if count < least:
        raise ValueError(f"{name}: must be at least {least}, got {count}")
    return min(count, 2**64 - 1)
