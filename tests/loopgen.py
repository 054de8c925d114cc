"""Random kernels whose loops keep integers small: by remainders, limits, bits cut off, and counting."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

import irgen
from hybrid_rs import frontend
from hybrid_rs.errors import CompileError
from hybrid_rs.ir.nodes import Function, Param
from hybrid_rs.ir.types import named
from lowered import made

TYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float64")


COUNTS = ("int8", "int32", "int64", "uint8", "uint32")


def function(rng: random.Random) -> Function | None:
    """Lower a random kernel for random types; None for types that don't go together."""
    types = [rng.choice(TYPES), rng.choice(TYPES), rng.choice(COUNTS)]
    args = tuple(frontend.Arg(named(name)) for name in types)
    try:
        return frontend.lower(
            frontend.load(made(source(rng))), args, overflow=rng.choice(["wrap", "wrap", "raise"])
        ).function
    except CompileError:
        return None


def arguments(rng: random.Random, function: Function, count: int) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Draw a column of values for each parameter; there are no tables."""
    params = [param for param in function.params if isinstance(param, Param)]
    columns = [
        np.array([irgen.constant(rng, param.type) for _ in range(count)], dtype=param.type.name)
        for param in params[:-1]
    ]
    trips = np.array([rng.choice([0, 1, 2, 3, 5, 9]) for _ in range(count)], dtype=params[-1].type.name)
    return [*columns, trips], []


def source(rng: random.Random) -> str:
    """Write a kernel `f(x, y, n)`, with `n` a small integer."""
    return _Writer(rng).kernel()


class _Writer:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.loops = 0

    def kernel(self) -> str:
        casts = [self.rng.choice(["int", "int", "np.int32", "np.int64", "np.uint32", "np.int16"]) for _ in "abc"]
        self.line(0, "def f(x, y, n):")
        start = [self.rng.choice(["x", "y", "0", "1", "x % 50", "min(max(y, -9), 99)"]) for _ in casts]
        for name, cast, value in zip("abc", casts, start, strict=True):
            self.line(1, f"{name} = {cast}({value})")
        self.line(1, "s = 0.0")
        self.line(1, "k = 0")
        self.loop(1, 0)
        if self.chance(0.4):
            self.loop(1, 0)
        self.line(1, f"return {self.rng.choice(['a', 'b', 'k', 'c'])}, k, s, {self.rng.choice('abc')}")
        return "\n".join(self.lines) + "\n"

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def loop(self, depth: int, nested: int) -> None:
        self.loops += 1
        counter = f"i{self.loops}"
        kind = self.rng.choice(["n", "n", "steps", "while", "while", "fixed"])
        if kind == "n":
            self.line(depth, f"for {counter} in range(n):")
        elif kind == "steps":
            self.line(depth, f"for {counter} in range({self.rng.randint(-5, 5)}, n, {self.rng.choice([1, 2, 3])}):")
        elif kind == "fixed":
            self.line(depth, f"for {counter} in range({self.rng.randint(0, 6)}):")
        else:
            self.line(depth, f"{counter} = 0")
            bound = self.rng.choice(["n", "7", "9", f"n and a != {self.rng.randint(0, 9)}", "n and b > k"])
            self.line(depth, f"while {counter} < {bound}:")
            self.line(depth + 1, f"{counter} += {self.rng.choice([1, 1, 2])}")
        for _ in range(self.rng.randint(1, 4)):
            self.statement(depth + 1, counter, nested)

    def statement(self, depth: int, counter: str, nested: int) -> None:
        kind = self.rng.random()
        if kind < 0.16 and nested < 2:
            self.line(depth, f"if {self.condition(counter)}:")
            for _ in range(self.rng.randint(1, 2)):
                self.statement(depth + 1, counter, nested + 1)
            if self.chance(0.4):
                self.line(depth, "else:")
                self.statement(depth + 1, counter, nested + 1)
        elif kind < 0.2 and nested < 1:
            self.loop(depth, nested + 1)
        elif kind < 0.28 and nested:
            self.line(depth, self.rng.choice(["break", "continue", "return a, k, s, b", "break"]))
        elif kind < 0.5:
            self.line(depth, f"k {self.rng.choice(['+=', '+=', '-='])} {self.rng.choice(['1', '1', '2', counter])}")
        elif kind < 0.58:
            self.line(depth, f"s = s * 0.5 + {self.rng.choice(['a', 'b', 'k', counter])}")
        else:
            self.line(depth, f"{self.rng.choice('aabbc')} = {self.small(counter)}")

    def condition(self, counter: str) -> str:
        name, number = self.rng.choice(["a", "b", "k", counter]), self.rng.randint(-3, 60)
        return self.rng.choice([
            f"{name} % {self.rng.randint(1, 9)} == {self.rng.randint(0, 3)}",
            f"{name} < {number}",
            f"{name} >= {number} or b == {self.rng.randint(0, 9)}",
            f"{name} != {number} and a > {self.rng.randint(-3, 9)}",
        ])  # fmt: skip

    def small(self, counter: str) -> str:
        """Write an integer, most of them small."""
        one, other = self.rng.choice(["a", "b", "c", "k"]), self.rng.choice(["a", "b", "1", "7", "x", counter])
        number = self.rng.choice([3, 10, 97, 997, 1000, 65521])
        whole = f"int({one} * {self.rng.randint(1, 99)} + {other})"
        return self.rng.choice([
            f"{whole} % {number}",
            f"{whole} % {number} - {self.rng.randint(0, number)}",
            f"int(hr.rem(int({one}) * 7 + 13, {number}))",
            f"{whole} & {self.rng.choice([1, 7, 255, 65535, 2**31 - 1])}",
            f"{whole} >> {self.rng.choice([1, 4, 20, 33, 50])}",
            f"{whole} // {number}",
            f"min(max({whole}, -{number}), {number})",
            f"int({one}) + 1 if {self.condition(counter)} else int({other})",
            f"int(min(max(s, -{number}.0), {number}.0))",
            f"int({one}) ^ int({other})",
            f"abs({whole}) % {number}",
            f"int({one}) // (int({other}) % 5)",
        ])  # fmt: skip
