"""Where a kernel's values differ from plain Python's on NumPy scalars: the one table of it.

The generator's plain mode stays clear of every row, so that plain Python is an oracle for everything else. A row has a
witness, which `tests/engine/test_fuzz.py` runs on both sides: one that no longer differs is noticed. `docs/language.md`
tells users of all.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Deviation:
    """One difference, with the body of a witness, its arguments, and what each side gives.

    What a side gives is a value whose type counts, or an exception's class; None where it depends on the machine.
    """

    what: str
    body: str
    arguments: tuple[Any, ...]
    python: Any
    ours: Any


DEVIATIONS: dict[str, Deviation] = {
    "int, round, len": Deviation(
        "int(x), round(x), math.floor(x), len(t) are int64; in Python ints, which take the type of what they meet",
        "return x + int(y)",
        (np.int8(100), np.float64(100.0)),
        np.int8(-56),
        np.int64(200),
    ),
    "loop counters": Deviation(
        "the counter of a for loop is an int64; in Python an int, which takes the type of what it meets",
        "total = x\nfor i in range(3):\n    total = total + i\nreturn total",
        (np.int8(126),),
        np.int8(-127),
        np.int64(129),
    ),
    "float": Deviation(
        "float(x) is a float64; in Python a float, which takes the type of a float32 that it meets",
        "return x * float(x)",
        (np.float32(1.5),),
        np.float32(2.25),
        np.float64(2.25),
    ),
    "one type a variable": Deviation(
        "a variable has one type in the whole function; in Python each assignment brings its own",
        "y = 0\nif x > 5:\n    y = x\nreturn y",
        (np.int8(3),),
        0,
        np.int8(0),
    ),
    "one type a choice": Deviation(
        "and, or, conditional expressions and returns of different types give the common one; in Python the chosen one",
        "return x if x < y else y",
        (np.int8(1), np.int32(2)),
        np.int8(1),
        np.int32(1),
    ),
    "min and max": Deviation(
        "min and max of different types give the common one; in Python the chosen one",
        "return min(x, y)",
        (np.int8(1), np.float64(2.0)),
        np.int8(1),
        np.float64(1.0),
    ),
    "integer division by zero": Deviation(
        "an integer // or % by zero is a fault; NumPy's scalars give 0 and warn",
        "return x // (x - x)",
        (np.int32(5),),
        np.int32(0),
        ZeroDivisionError,
    ),
    "float to int": Deviation(
        "int, round and math.floor saturate, and give 0 for a nan; Python raises",
        "return int(x)",
        (np.float64(math.nan),),
        ValueError,
        np.int64(0),
    ),
    "casts of floats": Deviation(
        "a cast to an integer type saturates, and gives 0 for a nan; NumPy's result depends on the processor",
        "return np.int8(x)",
        (np.float64(1e10),),
        None,
        np.int8(127),
    ),
    "sign of nan": Deviation(
        "a nan has no sign and no payload for copysign, signbit and bits; elsewhere it depends on the processor",
        "return np.signbit(x - x)",
        (np.float64(math.inf),),
        None,
        np.bool_(False),
    ),
    "extremes of zeros": Deviation(
        "-0.0 is less than 0.0 for np.minimum and np.maximum, and np.fmin and np.fmax give the first; "
        "what NumPy gives depends on the processor",
        "return np.copysign(1.0, np.maximum(x, y)) + np.copysign(2.0, np.minimum(x, y))",
        (np.float64(0.0), np.float64(-0.0)),
        None,
        np.float64(-1.0),
    ),
    "arithmetic on bools": Deviation(
        "bools count as 0 and 1; NumPy's bools stay bools",
        "return x + x",
        (np.bool_(True),),
        np.bool_(True),
        np.int64(2),
    ),
    "operators on bools": Deviation(
        "// % ** << >> of two bools compute in int64; NumPy's in int8",
        "return x << y",
        (np.bool_(True), np.bool_(True)),
        np.int8(2),
        np.int64(2),
    ),
    "functions of narrow integers": Deviation(
        "functions of floats make float64 of every integer and bool; NumPy's make float16 of 8 bits and float32 of 16",
        "return np.hypot(x, y)",
        (np.int8(3), np.int16(4)),
        np.float32(5.0),
        np.float64(5.0),
    ),
    "functions of int8": Deviation(
        "the same of 8 bits alone",
        "return np.sqrt(x)",
        (np.uint8(4),),
        np.float16(2.0),
        np.float64(2.0),
    ),
    "abs of a bool": Deviation(
        "abs of a bool is an int64; NumPy's a bool",
        "return abs(x)",
        (np.bool_(True),),
        np.bool_(True),
        np.int64(1),
    ),
    "round of a bool": Deviation(
        "round, np.round, np.sign, -x and +x take a bool as 0 or 1; NumPy's scalars refuse it or make it a float16",
        "return -x",
        (np.bool_(True),),
        TypeError,
        np.int64(-1),
    ),
    "np.where": Deviation(
        "np.where gives a number; NumPy's an array without axes",
        "return np.where(x > 1, x, 0)",
        (np.int16(3),),
        None,
        np.int16(3),
    ),
    "domain errors": Deviation(
        "functions outside of their domain give nan or inf; those of math raise",
        "return math.sqrt(x)",
        (np.float64(-1.0),),
        ValueError,
        np.float64(math.nan),
    ),
    "float32 in math": Deviation(
        "functions of a float32 give a float32; those of math a float",
        "return math.sqrt(x)",
        (np.float32(2.25),),
        1.5,
        np.float32(1.5),
    ),
    "math.trunc": Deviation(
        "math.trunc takes numbers of all types; of NumPy's scalars only float64 has the method",
        "return math.trunc(x)",
        (np.float32(2.5),),
        TypeError,
        np.int64(2),
    ),
    "np.floor of integers": Deviation(
        "np.floor, ceil, trunc and fix of integers and bools give float64; those of NumPy from 2.1 give the same type",
        "return np.floor(x)",
        (np.int32(3),),
        None,
        np.float64(3.0),
    ),
    "elementary functions": Deviation(
        "exp, sin, ** of floats and their like have one implementation on every machine, near Python's but not its own",
        "return np.abs(math.exp(x) - 2.718281828459045) < 1e-15",
        (np.float64(1.0),),
        None,
        np.bool_(True),
    ),
}
