"""Compiles kernels to machine code for processors, with llvmlite."""

from __future__ import annotations

import platform
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from hybrid_rs.errors import CompileError
from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.tree import Tree
from hybrid_rs.passes import liveness
from hybrid_rs.passes import uniform as uniformity
from hybrid_rs.printers import llvm
from hybrid_rs.printers.llvm import Shape
from hybrid_rs.targets import lanes

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["VARIANTS", "Code", "Target", "build", "emit", "host", "supported", "variant"]


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of processor."""

    name: str
    triple: str
    cpu: str
    features: str
    """LLVM's list of features beside those of the processor."""
    register_bits: int = 128
    registers: int = 16
    """How many vector registers there are."""
    bit_masks: bool = False
    """Whether masks have registers of their own."""
    fma: bool = False
    converts: bool = False
    """Whether vectors of 64-bit integers are converted to and from floats by instructions."""
    clear: str = ""
    """The intrinsic to call where vector code ends."""
    attributes: str = ""
    """Attributes of all functions."""


_X86: Final = "x86_64-unknown-linux-gnu"
_VZEROUPPER: Final = "llvm.x86.avx.vzeroupper"
_ZMM: Final = '"prefer-vector-width"="512" "min-legal-vector-width"="512"'
# The code says itself where the upper halves of registers are cleared: LLVM's pass for it would clear those of callers
# in helpers that leave all registers alone.
_OWN_CLEARING: Final = "-vzeroupper"

VARIANTS: Final = {
    target.name: target
    for target in (
        Target("baseline", _X86, "x86-64-v2", ""),
        Target("avx2", _X86, "x86-64-v3", _OWN_CLEARING, 256, fma=True, clear=_VZEROUPPER),
        Target(
            "avx512", _X86, "x86-64-v4", _OWN_CLEARING, 512, 32,
            bit_masks=True, fma=True, converts=True, clear=_VZEROUPPER, attributes=_ZMM,
        ),
        Target("aarch64", "aarch64-unknown-linux-gnu", "generic", "+neon", 128, 32, fma=True, converts=True),
    )
}  # fmt: skip
"""Kinds of processors by their names."""


def variant(name: str) -> Target:
    """Return a kind of processor: one of `VARIANTS`, or "native" for this machine's.

    Raises:
        ValueError: There is none of that name.
        CompileError: The machine's own is asked for and isn't known.
    """
    if name == "native":
        return host()
    if name not in VARIANTS:
        raise ValueError(f"target: {name!r} is none of native, {', '.join(VARIANTS)}")
    return VARIANTS[name]


@lru_cache(maxsize=1)
def host() -> Target:
    """Return this machine's kind of processor.

    Raises:
        CompileError: It is neither x86-64 with SSE4.1 nor AArch64.
        ImportError: llvmlite isn't installed.
    """
    binding = _llvm()
    found = {name for name, there in binding.get_host_cpu_features().items() if there}
    cpu, machine = binding.get_host_cpu_name(), platform.machine().lower()
    if machine in ("aarch64", "arm64"):
        features = ",".join([f"+{name}" for name in sorted(found)])
        # Apple keeps x18 for itself.
        features += ",+reserve-x18" if sys.platform == "darwin" else ""
        return Target("native", VARIANTS["aarch64"].triple, cpu, features, 128, 32, fma=True, converts=True)
    if machine not in ("x86_64", "amd64") or "sse4.1" not in found:
        raise CompileError(f"no machine code is made for this processor ({machine} {cpu})")
    triple = "x86_64-pc-windows-msvc-elf" if sys.platform == "win32" else _X86
    features = binding.get_host_cpu_features().flatten() + f",{_OWN_CLEARING}"
    like = _like(found)
    return Target(
        "native", triple, cpu, features, like.register_bits, like.registers,
        bit_masks=like.bit_masks, fma="fma" in found, converts=like.converts,
        clear=_VZEROUPPER if "avx" in found else "", attributes=like.attributes,
    )  # fmt: skip


def _like(features: set[str]) -> Target:
    """Return the variant with the registers of an x86-64 processor."""
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= features:
        return VARIANTS["avx512"]
    return VARIANTS["avx2" if {"avx2", "fma"} <= features else "baseline"]


@dataclass(frozen=True, slots=True)
class Code:
    """Machine code of a kernel; `docs/design/008-native-code.md` says how it is called."""

    object: bytes
    """An ELF file that imports nothing."""
    lanes: int
    """How many elements it computes at once."""
    has_refill: bool
    has_stream: bool
    text: str = field(repr=False)
    """The LLVM IR."""
    target: Target = field(repr=False)
    seconds: dict[str, float] = field(repr=False)
    """How long the steps took: print, parse, generate."""

    def assembly(self) -> str:
        """Return the machine code as text, generated once more."""
        binding = _llvm()
        return str(_machine(self.target).emit_assembly(binding.parse_assembly(self.text)))


def supported(function: Function, target: Target) -> bool:
    """Whether machine code can be made of a function: whether all its ops have rows that the processor can run."""
    return llvm.supported(function, fma=target.fma)


def emit(
    function: Function,
    uniform: tuple[bool, ...],
    steps: bool,
    target: Target,
    *,
    shape: tuple[int, int] | None = None,
    refill: bool = True,
) -> tuple[str, Shape, bool, bool]:
    """Print a function as LLVM IR, as `build` does; give the text, the shape, and whether it has refill and stream."""
    try:
        tree = _tree(function, uniform, refill=False)
        filling = _tree(function, uniform, refill=True) if refill and any(loop.masked for loop in tree.loops) else None
        width, pieces, widest = lanes.choose(tree, target.register_bits, target.registers)
        if shape is not None:
            width, pieces = shape
        made = Shape(
            width, 1 if target.bit_masks or width == 1 else widest, pieces if width > 1 else 1,
            fma=target.fma, converts=target.converts, clear=target.clear, attributes=target.attributes,
        )  # fmt: skip
        has_refill = filling is not None and filling.refill is not None
        has_stream = not tree.loops
        text = llvm.emit(tree, made, steps=steps, refill=filling if has_refill else None, stream=has_stream)
    except RecursionError:
        raise CompileError(f"{function.name} nests too deeply; split it into helpers with fewer levels") from None
    return text, made, has_refill, has_stream


def build(
    function: Function,
    uniform: tuple[bool, ...],
    steps: bool,
    target: Target,
    *,
    shape: tuple[int, int] | None = None,
    refill: bool = True,
) -> Code:
    """Compile a function that passed the verifier and is supported.

    Args:
        function: The function, after the passes.
        uniform: For each argument whether calls give it as one value for all elements; a table's flag means nothing.
        steps: Whether the code counts steps, for calls with `max_steps`.
        target: The kind of processor.
        shape: The lanes of a vector and the vectors of a value; None for what suits the function.
        refill: Whether to make `refill` where the function has a loop for it.

    Raises:
        CompileError: The function nests deeper than Python's recursion limit allows.
        ImportError: llvmlite isn't installed.
    """
    binding = _llvm()
    begin = time.perf_counter()
    text, made, has_refill, has_stream = emit(function, uniform, steps, target, shape=shape, refill=refill)
    printed = time.perf_counter()
    module = binding.parse_assembly(text)
    parsed = time.perf_counter()
    code = _machine(target).emit_object(module)
    done = time.perf_counter()
    seconds = {"print": printed - begin, "parse": parsed - printed, "generate": done - parsed}
    return Code(code, made.lanes, has_refill, has_stream, text, target, seconds)


def _tree(function: Function, uniform: tuple[bool, ...], *, refill: bool) -> Tree:
    tree = Tree(function)
    liveness.run(tree)
    uniformity.run(tree, uniform, refill=refill)
    return tree


# ---- llvmlite

_lock = threading.Lock()
_ready: set[str] = set()


def _llvm() -> ModuleType:
    """Import llvmlite, which takes some 50 ms."""
    import llvmlite.binding

    return llvmlite.binding  # type: ignore[no-any-return]


def _machine(target: Target) -> Any:
    """Make LLVM's description of a kind of processor."""
    binding = _llvm()
    with _lock:
        if not _ready:
            binding.initialize_all_targets()
            binding.initialize_all_asmprinters()
            _ready.add("all")
    return binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="small"
    )
