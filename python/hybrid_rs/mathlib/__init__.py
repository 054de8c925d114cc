"""Elementary functions in the kernel language: one definition, which every engine compiles and so has the same bits.

Each is a plain function of float64 (in the files ``f64_*``) or float32 (``f32_*``) that the frontend lowers like a
helper. `docs/design/009-elementary-functions.md` says how they are made, `docs/mathlib.md` how exact they are.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

__all__ = ["FILES", "function"]

# The functions of each file, by the names of their ops.
_OPS: Final = {
    "f64_exp": "exp exp2 expm1",
    "f64_log": "log log2 log10 log1p",
    "f64_pow": "pow",
    "f64_roots": "cbrt hypot",
    "f64_hyperbolic": "sinh cosh tanh asinh acosh atanh",
    "f64_trig": "sin cos tan",
    "f64_inverse": "asin acos atan atan2",
    "f64_erf": "erf erfc",
    "f64_gamma": "lgamma tgamma",
    "f32_exp": "exp exp2 expm1",
    "f32_log": "log log2 log10 log1p",
    "f32_erf": "erf erfc",
    "f32_gamma": "lgamma tgamma",
    "f32_pow": "pow",
    "f32_root": "cbrt hypot",
    "f32_hyperbolic": "sinh cosh tanh",
    "f32_area": "asinh acosh atanh",
    "f32_trig": "sin cos tan",
    "f32_arc": "asin acos atan atan2",
}
FILES: Final = {(op, int(file[1:3])): file for file, ops in _OPS.items() for op in ops.split()}
"""The file of each function, by the name of its op and the bits of its type."""


def function(op: str, bits: int) -> Callable[..., Any]:
    """Return the function that an op on floats of so many bits stands for.

    Raises:
        KeyError: There is none.
    """
    found: Callable[..., Any] = getattr(import_module(f"{__name__}.{FILES[op, bits]}"), op)
    return found
