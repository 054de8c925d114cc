"""The exceptions of hybrid_rs. Wrong arguments raise ``TypeError`` and ``ValueError``, as in NumPy."""

from __future__ import annotations

from typing import Any

__all__ = ["Cancelled", "CompileError", "DeviceError", "KernelError", "KernelFault", "PerformanceWarning"]


class KernelError(Exception):
    """Base class of everything that goes wrong with a kernel."""


class CompileError(KernelError):
    """A function that can't be made into a kernel. The message shows the place and says what to write instead.

    Attributes:
        filename: The source file, or None where there is no one place.
        lineno: The line in it, from 1, or None.
        offset: The column, from 1, or None.
        text: The source line, or None.
    """

    filename: str | None
    lineno: int | None
    offset: int | None
    text: str | None

    def __init__(
        self,
        message: str,
        filename: str | None = None,
        lineno: int | None = None,
        offset: int | None = None,
        text: str | None = None,
    ) -> None:
        """Keep the place beside the message."""
        super().__init__(message)
        self.filename = filename
        self.lineno = lineno
        self.offset = offset
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the attributes."""
        return type(self), (self.args[0], self.filename, self.lineno, self.offset, self.text)


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


class PerformanceWarning(UserWarning):
    """Something runs slower than it could, and something can be done about it."""
