"""Seed 1015127. Lanes in the refill loop lost what a uniform loop ahead of it gave when no lane took a new element."""

from typing import Any

SEED = 1015127
PLAIN = True
ARGUMENTS = ("a2", "a0", "a1")
RESULTS = ("float64",)
UNIFORM: list[str] = []
ROWS: dict[str, tuple[str, list[Any]]] = {
    "a0": ("int64", [17, -37, 23, -886, 15, -7, 32, 63, 63, -2, 772, 64, 7]),
    "a1": ("int64", [11, 6, 63, -896, 404, -423, -2, 18, -7, 8, -26, 64, -1]),
    "a2": ("float64", [2.5, -9.2, 0.4, 1.8e19, 646.0, 0.5, 520228.1, -452.6, 0.2, 331.2, 0.7, -744373.8, 371.1]),
}
TABLES: dict[str, tuple[str, list[int]]] = {}
SOURCE = """\
import numpy as np
import hybrid_rs as hr

@hr.kernel
def f(a2, a0, a1):
    v1 = 0
    while v1 != 5:
        v1 += 1
    for v3 in range(a0):
        v4 = 7
    return v1 + hr.float64(a0)
"""
