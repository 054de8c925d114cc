"""What an expression may name at a place of a random kernel, and the dice that everything is drawn with."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .values import FLOATS, bounds, edges

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A table that a kernel may index: a parameter or a captured array."""

    name: str
    kind: str
    shape: tuple[int, ...]
    captured: bool = False


@dataclass(frozen=True)
class Helper:
    """A function that a kernel may call."""

    name: str
    parameters: tuple[str, ...]
    """Types of the parameters."""
    results: tuple[str, ...]
    defaults: int = 0
    """How many trailing parameters have a default."""


@dataclass
class Dice:
    """Random choices of one program; `plain` keeps to what plain Python on NumPy scalars shares with the language."""

    rng: random.Random
    plain: bool
    risk: float = 0.04
    """The probability that an operation which can fault is left unguarded."""

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self.rng.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Choose one of some."""
        return options[int(self.rng.random() * len(options))]

    def weighted(self, options: dict[str, float]) -> str:
        """Choose a name by its weight."""
        return self.rng.choices(list(options), list(options.values()))[0]

    def between(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return low + int(self.rng.random() * (high - low + 1))

    def literal(self, kind: str) -> str:
        """Write a literal that a type holds; weak, so it needs a strong operand beside it."""
        if kind == "bool":
            return self.pick(("True", "False"))
        if kind in FLOATS:
            value = float(self.pick((*edges(kind)[12:], 0.25, 3.0, -7.5, 0.1, 1e-3, 100.0, 0.0)))
            return repr(value) if value >= 0.0 else f"({value!r})"
        low, high = bounds(kind)
        drawn = int(self.pick(edges(kind))) if self.chance(0.25) else self.between(max(low, -9), min(high, 12))
        return str(drawn) if drawn >= 0 else f"({drawn})"

    def small(self, low: int, high: int) -> str:
        """Write a small whole number."""
        value = self.between(low, high)
        return str(value) if value >= 0 else f"({value})"

    def constant(self, kind: str) -> str:
        """Write a strong constant: a literal in a cast."""
        if kind == "bool":
            return self.literal(kind)
        if kind in FLOATS and self.chance(0.06):
            return f"np.{kind}({self.pick(('np.nan', 'np.inf', '(-np.inf)', 'math.inf', 'math.pi', 'math.nan'))})"
        return f"{self.pick(('np', 'np', 'hr'))}.{kind}({self.literal(kind).strip('()')})"


@dataclass
class Scope:
    """Names that can be read, by type; copies are made for branches."""

    variables: dict[str, str]
    tables: tuple[Table, ...] = ()
    helpers: tuple[Helper, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    """Captured numbers: name to type, "int" or "float" for weak ones."""
    counters: tuple[str, ...] = ()
    """Loop counters, int64."""
    calls: int = 2
    """How many helper calls may still be written here; each is inlined."""

    def of(self, kind: str) -> list[str]:
        """Name the variables and strong constants of a type."""
        found = [name for name, type_ in self.variables.items() if type_ == kind]
        return found + [name for name, type_ in self.constants.items() if type_ == kind]

    def branch(self) -> "Scope":
        """Copy it for a body whose new names end with it."""
        return Scope(dict(self.variables), self.tables, self.helpers, self.constants, self.counters, self.calls)
