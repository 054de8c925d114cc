"""The exceptions of hybrid_rs. Wrong arguments raise ``TypeError`` and ``ValueError``, as in NumPy."""

from __future__ import annotations

from typing import Any

__all__ = ["Cancelled", "CompileError", "DeviceError", "KernelError", "KernelFault"]


class KernelError(Exception):
    """Base class of everything that goes wrong with a kernel."""


class CompileError(KernelError):
    """A function that can't be made into a kernel."""


class KernelFault(KernelError):
    """A kernel failed at an element. Every element below it is computed.

    Attributes:
        index: The lowest failing element: an int, or one int for each axis where the batch has several.
        inputs: The element's inputs as Python numbers.
        cause: The exception behind it (also ``__cause__``), or None.
    """

    index: int | tuple[int, ...] | None
    inputs: tuple[Any, ...] | None
    cause: BaseException | None

    def __init__(
        self,
        message: str,
        index: int | tuple[int, ...] | None = None,
        inputs: tuple[Any, ...] | None = None,
        cause: BaseException | None = None,
    ) -> None:
        """Keep the place of the fault beside the message."""
        super().__init__(message)
        self.index = index
        self.inputs = inputs
        self.cause = cause

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the attributes, so that a fault crosses process boundaries whole."""
        return type(self), (self.args[0], self.index, self.inputs, self.cause)


class Cancelled(KernelError):
    """A batch was stopped by its timeout.

    Attributes:
        finished: Finished ranges ``(begin, end)`` of the flat batch, merged and in order.
    """

    finished: list[tuple[int, int]]

    def __init__(self, message: str, finished: list[tuple[int, int]] | None = None) -> None:
        """Keep the finished ranges beside the message."""
        super().__init__(message)
        self.finished = finished or []

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the attributes."""
        return type(self), (self.args[0], self.finished)


class DeviceError(KernelError):
    """A device was asked for that is not there, or it failed."""
