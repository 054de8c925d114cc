"""Seed 374. A Return of several values gave a register back behind the first value, though the third reads it."""

SEED = 374
PLAIN = True
ARGUMENTS = ("a0",)
RESULTS = ("uint16", "uint8", "int8")
UNIFORM: list[str] = []
ROWS = {"a0": ("float64", [-0.3950147781020157, 0.0, 5.0])}
TABLES: dict[str, tuple[str, list[int]]] = {}
SOURCE = """\
import numpy as np

import hybrid_rs as hr


@hr.kernel
def f(a0):
    a0 = a0
    if a0:
        return np.uint16(0 < a0 < 100), np.uint8(3), np.int8(-100 < a0 < 100)
    return np.uint16(7), np.uint8(63), np.int8(46)
"""
