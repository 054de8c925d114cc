"""Seed 9000905. LLVM found 0 / 0, of zeros that it had worked out itself, equal to 0."""

SEED = 9000905
PLAIN = True
ARGUMENTS = ("a0",)
RESULTS = ("float64",)
UNIFORM: list[str] = []
ROWS = {"a0": ("int64", [-2, 5])}
TABLES: dict[str, tuple[str, list[int]]] = {}
SOURCE = """\
import numpy as np

import hybrid_rs as hr


@hr.kernel
def f(a0):
    zero = np.int32(a0) - np.int32(a0)
    return np.sign(np.divide(zero, zero))
"""
