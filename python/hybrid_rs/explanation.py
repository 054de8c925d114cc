"""What a call would be run by, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid_rs import _core, arrays, runtime, workers
from hybrid_rs.compiled.specialise import Specialiser

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a call would be run by; as text it is a short report. Nothing here can change a result."""

    kernel: str
    """The kernel's name."""
    signature: str
    """The types it is compiled for; empty where it has only one choice."""
    elements: int
    engine: str
    """"native" (machine code), "vm" (the block VM), or "fixed" for kernels of other kinds."""
    why: str
    """Why that engine."""
    chunk_size: int
    """Elements that a worker would take at a time under "auto"."""
    chunk_why: str
    """Where that number comes from."""
    threads: int
    vm_ms: float = 0.0
    """Time that all threads together have spent on this kernel in the VM, in milliseconds."""
    source: str = "none"
    """Where its machine code comes from: "compiled" in this process, "cache", or "none"."""
    compile_ms: float = 0.0
    """How long compiling took, in this process or when the code was stored, in milliseconds."""
    width: int | None = None
    """Elements that machine code computes together."""
    form: str | None = None
    """"refill" where lanes that are done take other elements, "block" where they wait for each other."""
    block_ns: float | None = None
    """Measured ns an element on one core, as far as it was measured."""
    refill_ns: float | None = None
    streams: bool = False
    """Whether results would bypass the caches: the operands are larger than those, and it was not measured to cost."""

    def __str__(self) -> str:
        """Lay it out for reading."""
        lines = [
            f"{self.signature or self.kernel}, {self.elements:,} elements",
            f"  engine   {self.engine}: {self.why}",
            f"  chunks   {self.chunk_size:,} elements on {self.threads} threads: {self.chunk_why}",
        ]
        if self.width is not None:
            costs = [("block", self.block_ns), ("refill", self.refill_ns)]
            measured = ", ".join(f"{name} {ns:.3g} ns" for name, ns in costs if ns is not None)
            lines.append(f"  code     blocks of {self.width}, form {self.form} ({measured or 'not measured yet'})")
            lines.append(f"  results  {'bypass the caches' if self.streams else 'go through the caches'}")
            lines.append(f"  made     {self.source}, {self.compile_ms:.0f} ms of compiling")
        return "\n".join(lines)


def explain(kernel: object, *arrays: object) -> Explanation:
    """Tell what ``kernel(*arrays)`` would be run by now, and why, without running it.

    A kernel of the kernel language is compiled for the block VM if it wasn't yet, as by a call.

    Args:
        kernel: A `hybrid_rs.Kernel`, or any Python callable of numbers.
        *arrays: As `hybrid_rs.map` takes them.

    Raises:
        CompileError, TypeError, ValueError, OverflowError: As a call with these arrays would.
    """
    core = runtime.core_of(kernel)
    resolved = runtime.resolve(core, arrays)
    used = resolved.kernel
    assert used is not None
    scalars = [array for k, array in enumerate(resolved.inputs) if k not in resolved.tables]
    shape = _arrays.broadcast([array.shape for array in scalars])
    elements = int(np.prod(shape, dtype=np.intp))
    size, size_why = runtime.default().chunk_size(used, elements)
    facts: dict[str, Any] = {
        "kernel": used.name,
        "signature": "",
        "elements": elements,
        "engine": "fixed",
        "why": "the kernel has one engine",
        "chunk_size": size,
        "chunk_why": size_why,
        "threads": workers.chosen() or runtime.default().threads,
    }
    if isinstance(core, _core.Dispatcher):
        assert isinstance(core.resolver, Specialiser)
        results = sum(dtype.itemsize for dtype in resolved.results or ())
        varying = [array for array in scalars if array.ndim]
        size = elements * (results + sum(array.dtype.itemsize for array in varying))
        # Operands that aren't contiguous don't bypass anything.
        fits = all(array.shape == shape and array.flags.c_contiguous for array in varying)
        facts |= _of_language(core.resolver, used, size if fits else 0)
    return Explanation(**facts)


def _of_language(specialiser: Specialiser, kernel: _core.Kernel, size: int) -> dict[str, Any]:
    """Tell about a kernel of the kernel language; `size` is that of all operands, in bytes."""
    variant = specialiser.of(kernel)
    plan = None if variant is None else variant.plans.get(kernel)
    made = None if plan is None else plan.made
    facts: dict[str, Any] = {
        "signature": "" if variant is None else f"{specialiser.function.__name__}: {variant.signature()}",
        "vm_ms": (kernel.vm_ns or 0) / 1e6,
    }
    native = kernel.native
    if native is not None:
        block, refill = native["block_ns"], native["refill_ns"]
        slower = block is not None and refill is not None and block <= refill
        from_ = native["streams_from"]
        return facts | {
            "engine": "native",
            "why": "there is machine code",
            "source": made.source if made is not None else "compiled",
            "compile_ms": made.seconds * 1e3 if made is not None else 0.0,
            "width": native["width"],
            "form": "refill" if native["refills"] and not slower else "block",
            "block_ns": block,
            "refill_ns": refill,
            "streams": from_ is not None and size >= from_ and native["streams"],
        }
    if plan is None:
        why = "machine code is turned off by HYBRID_RS_DISABLE_JIT"
    elif made is not None:
        why = f"there can't be machine code: {made.why}"
    elif plan.asked:
        why = "machine code is being compiled"
    else:
        why = f"compiling would not pay yet, the VM has spent {facts['vm_ms']:.1f} ms"
    return facts | {"engine": "vm", "why": why}


# The argument of the same name carries the module's.
_arrays = arrays
