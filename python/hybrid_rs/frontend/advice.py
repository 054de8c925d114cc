"""What to write in place of functions that kernels can't call, by the objects that their names stand for."""

from __future__ import annotations

import builtins
import math
from typing import Final

import numpy as np

__all__ = ["advice"]

_ONE: Final = "nothing: a kernel sees one element at a time; the whole array is for NumPy, before or after the call"
_NO_ARRAYS: Final = "numbers in variables; an array is made outside, and passed whole as a parameter that is indexed"
_RANDOM: Final = "random numbers made outside, as one more argument"
_ROWS: Final[dict[str, str]] = {
    "builtins.print": "return the value, and print outside of the kernel",
    "builtins.sum": "a `for` loop that adds",
    "builtins.range": "`for i in range(...)`; a range is nothing else",
    "builtins.sorted np.sort": "np.sort before the kernel is called",
    "builtins.enumerate builtins.zip": "`for i in range(len(t))`",
    "builtins.reversed": "`for i in range(n - 1, -1, -1)`",
    "builtins.any": "`or`, or a loop",
    "builtins.all": "`and`, or a loop",
    "builtins.complex": "two floats, the real and the imaginary part",
    "builtins.isinstance builtins.type": "nothing: the types are fixed when the kernel is compiled",
    "builtins.str builtins.repr builtins.format builtins.chr builtins.ord": "numbers that stand for the cases",
    "builtins.list builtins.dict builtins.set": "a NumPy array, as a parameter or a global",
    "builtins.tuple": "the values, with commas between them",
    "builtins.round np.round np.around": "round(x * 100) / 100, or np.rint",
    "builtins.pow": "a ** b % c",
    "builtins.input builtins.open": "the values, as parameters",
    "math.fsum math.sumprod math.prod": "a `for` loop over range(len(t))",
    "math.hypot": "math.sqrt(x * x + y * y + z * z)",
    "math.dist": "math.hypot(x1 - x2, y1 - y2)",
    "math.isqrt": "int(math.sqrt(x))",
    "math.modf np.modf": "np.trunc(x) and x - np.trunc(x)",
    "math.factorial math.perm math.comb": "a `for` loop that multiplies, or math.gamma(n + 1.0)",
    "math.gcd np.gcd math.lcm np.lcm": "`while b: a, b = b, a % b`",
    "math.isclose np.isclose": "abs(a - b) <= 1e-9 * max(abs(a), abs(b))",
    "math.remainder": "x - y * np.rint(x / y)",
    "math.nextafter np.nextafter math.ulp np.spacing": "hr.from_bits(hr.bits(x) + np.uint64(1))",
    "np.reciprocal": "1.0 / x",
    "np.float_power": "float(x) ** y",
    "np.exp10": "10.0 ** x",
    "np.heaviside": "a conditional expression, as `1.0 if x > 0 else 0.0`",
    "np.nan_to_num": "a conditional expression, as `0.0 if math.isnan(x) else x`",
    "np.select np.piecewise": "`if` and `elif`",
    "np.logaddexp": "max(a, b) + math.log1p(math.exp(-abs(a - b)))",
    "np.sinc": "math.sin(math.pi * x) / (math.pi * x) where x isn't 0",
    "np.interp np.searchsorted": "a loop over the table, or a binary search with `while low < high`",
    "np.max np.min": "max(a, b) or min(a, b); of a whole array it is for NumPy, outside of the kernel",
    "np.sum np.mean np.prod np.std np.var np.median np.argmax np.argmin np.cumsum np.cumprod np.any np.all": _ONE,
    "np.percentile np.quantile np.argsort np.diff np.unique np.count_nonzero np.average": _ONE,
    "np.dot np.matmul np.vdot np.inner np.linalg.norm": "a `for` loop that adds the products",
    "np.cross np.linalg.solve np.linalg.inv np.linalg.det": "the formula, number by number",
    "np.array np.asarray np.zeros np.ones np.empty np.full np.arange np.linspace np.eye": _NO_ARRAYS,
    "np.zeros_like np.ones_like np.empty_like np.full_like np.copy": "a number, as 0.0: " + _ONE.partition(": ")[2],
    "np.float16": "np.float32",
    "np.longdouble": "np.float64",
    "np.complex64 np.complex128": "two floats, the real and the imaginary part",
}


def advice(value: object) -> str:
    """Say what to write in place of a call of a captured object; "" where nothing is known about it."""
    try:
        found = _found().get(value, "")
    except TypeError:  # what can't be hashed
        return ""
    module = str(getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__)
    return found or (_RANDOM if module == "random" or module.startswith("numpy.random") else "")


def _found() -> dict[object, str]:
    """Look the rows up; names that this Python or NumPy doesn't have are left out."""
    if not _BY_OBJECT:
        modules = {"builtins": builtins, "math": math, "np": np}
        for names, text in _ROWS.items():
            for name in names.split():
                first, *rest = name.split(".")
                value: object = modules[first]
                for part in rest:
                    value = getattr(value, part, None)
                if value is not None:
                    _BY_OBJECT[value] = text
    return _BY_OBJECT


_BY_OBJECT: Final[dict[object, str]] = {}
