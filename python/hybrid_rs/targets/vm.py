"""Makes a kernel that the block VM runs."""

from __future__ import annotations

from functools import lru_cache

from hybrid_rs import _core
from hybrid_rs.errors import CompileError
from hybrid_rs.ir.nodes import Function, Table
from hybrid_rs.ir.tree import Tree
from hybrid_rs.passes import liveness
from hybrid_rs.passes import uniform as uniformity
from hybrid_rs.printers import vm

__all__ = ["build", "program"]


def build(function: Function, uniform: tuple[bool, ...], steps: bool) -> _core.Kernel:
    """Make a kernel of a function that passed the verifier.

    Args:
        function: The function, after the passes.
        uniform: For each argument whether calls give it as one value for all elements; a table's flag means nothing.
        steps: Whether the kernel counts steps, for calls with `max_steps`.

    Raises:
        CompileError: The function nests deeper than Python's recursion limit allows.
        KernelError: The function is too large for the VM.
    """
    made = program(function, uniform, steps)
    arguments = [
        (arg.type.name, arg.ndim if isinstance(arg, Table) else -1, flag)
        for arg, flag in zip(function.params, uniform, strict=True)
    ]
    sites = [(site.exception, site.message, site.file, site.line) for site in function.sites]
    return _core.Kernel.vm(
        function.name,
        arguments,
        [type_.name for type_ in function.results],
        made.lanes,
        made.uniforms,
        made.consts,
        made.code,
        made.loop_start,
        made.epilogue,
        made.permute,
        sites,
    )


def program(function: Function, uniform: tuple[bool, ...], steps: bool) -> vm.Program:
    """Print a function as bytecode, as `build` does."""
    try:
        tree = Tree(function)
        liveness.run(tree)
        uniformity.run(tree, uniform)
        return vm.emit(tree, _numbers(), steps=steps)
    except RecursionError:
        raise CompileError(f"{function.name} nests too deeply; split it into helpers with fewer levels") from None


@lru_cache(maxsize=1)
def _numbers() -> dict[str, int]:
    """Give the ops' numbers."""
    return {name: number for name, (number, _) in _core.vm_ops().items()}
