"""Random well-typed kernels as Python source, with inputs for them; the same for the same seed.

``Dice`` and ``Scope`` → expressions → statements → a ``Program``: the whole module that a user would write.
"""

import random
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scope import Dice, Helper, Scope, Table
from .statements import INDENT, Statements
from .values import BOOL, NUMBERS, TYPES, column

HEADER = "import math\n\nimport numpy as np\n\nimport hybrid_rs as hr\n"
KERNEL = "f"
# Rows of inputs that results are computed for; batches repeat them in random order.
ROWS = (6, 20)


@dataclass(frozen=True)
class Program:
    """A module with the kernel ``f``, and inputs."""

    seed: int
    plain: bool
    """Whether plain Python gives the same values."""
    source: str
    arguments: tuple[str, ...]
    """Names of the kernel's parameters in order; tables are those in `tables`."""
    rows: dict[str, NDArray[Any]]
    """Scalar parameters: values of one length."""
    tables: dict[str, NDArray[Any]]
    results: tuple[str, ...]
    """Types of the results, which hold in plain mode."""
    uniform: frozenset[str] = field(default_factory=frozenset)
    """Parameters whose value is the same in all rows."""

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(next(iter(self.rows.values())))


def generate(seed: int) -> Program:
    """Make a program from a seed."""
    rng = random.Random(seed)
    dice = Dice(rng, plain=rng.random() < 0.6, risk=rng.choice((0.0, 0.03, 0.08)))
    size = rng.choice((2, 4, 8, 14))
    kinds = [_parameter_type(dice) for _ in range(dice.between(1, 5))]
    parameters = {f"a{number}": kind for number, kind in enumerate(kinds)}
    tables = tuple(_table(dice, f"t{number}") for number in range(dice.pick((0, 0, 1, 1, 2))))
    captured, constants = _captured(dice)
    lines: list[str] = [*captured]
    inside = tuple(_table(dice, "CT", captured=True) for _ in range(dice.between(0, 1)) if dice.chance(0.25))
    for table in inside:
        values = column(rng, table.kind, int(np.prod(table.shape)))
        lines.append(f"CT = np.array({_listed(values)}, dtype=np.{_dtype(table.kind)}).reshape({table.shape})")
    scope = Scope(parameters, (*tables, *inside), (), constants)
    scope.helpers = tuple(_helper(dice, f"h{number}", scope, lines) for number in range(dice.pick((0, 0, 1, 2))))
    results = tuple(dice.pick(TYPES) for _ in range(dice.pick((1, 1, 1, 2, 3))))
    names = [*parameters, *(table.name for table in tables)]
    rng.shuffle(names)
    body = _used(tables, Statements(dice, size).function(scope, results))
    options = '(overflow="raise")' if not dice.plain and dice.chance(0.2) else ""
    note = [f'{INDENT}"""Give what a seed decides."""'] if dice.chance(0.2) else []
    text = "\n".join([HEADER, *lines, "", f"@hr.kernel{options}", f"def f({', '.join(names)}):", *note, *body, ""])
    count = dice.between(*ROWS)
    rows = {name: column(rng, kind, count) for name, kind in list(parameters.items())[: len(kinds)]}
    uniform = frozenset(name for name in rows if dice.chance(0.25))
    for name in uniform:
        rows[name][:] = rows[name][0]
    arrays = {table.name: column(rng, table.kind, int(np.prod(table.shape))).reshape(table.shape) for table in tables}
    return Program(seed, dice.plain, text, tuple(names), rows, arrays, results, uniform)


def _parameter_type(dice: Dice) -> str:
    """Draw a type, the common ones more often."""
    return dice.pick(("int64", "float64", "int32", "float32")) if dice.chance(0.5) else dice.pick(TYPES)


def _dtype(kind: str) -> str:
    return "bool_" if kind == BOOL else kind


def _table(dice: Dice, name: str, captured: bool = False) -> Table:
    """Draw a table's type and shape."""
    shape = (dice.between(1, 9),) if dice.chance(0.65) else (dice.between(1, 4), dice.between(1, 5))
    return Table(name, dice.pick(TYPES), shape, captured)


def _used(tables: tuple[Table, ...], body: list[str]) -> list[str]:
    """Index every table that isn't yet: by that a parameter is known as a table, and by how many axes it has."""
    text = "\n".join(body)
    lines = [
        f"{INDENT}{table.name}_first = {table.name}[{', '.join('0' * len(table.shape))}]"
        for table in tables
        if not re.search(rf"\b{table.name}\[", text)
    ]
    return lines + body


def _listed(values: NDArray[Any]) -> str:
    return f"[{', '.join(_value(value) for value in values.tolist())}]"


def _value(value: float) -> str:
    text = repr(value)
    return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}.get(text, text)


def _captured(dice: Dice) -> tuple[list[str], dict[str, str]]:
    """Write global constants: Python numbers, which are weak, and NumPy scalars."""
    lines: list[str] = []
    types: dict[str, str] = {}
    for number in range(dice.pick((0, 0, 1, 2, 3))):
        name = f"C{number}"
        kind = dice.pick(("int", "float", *NUMBERS))
        if kind in NUMBERS:
            lines.append(f"{name} = np.{kind}({dice.literal(kind).strip('()')})")
        else:
            lines.append(f"{name} = {dice.between(0, 100) if kind == 'int' else dice.pick((0.5, 2.0, -1.25, 0.1))}")
        types[name] = kind
    return lines, types


def _helper(dice: Dice, name: str, outer: Scope, lines: list[str]) -> Helper:
    """Write a helper function above the kernel; at times it takes a table, or has a loop and several returns."""
    kinds = tuple(dice.pick(TYPES) for _ in range(dice.between(1, 3)))
    results = tuple(dice.pick(TYPES) for _ in range(dice.pick((1, 1, 1, 2))))
    tables: tuple[Table, ...] = ()
    parameters = [f"p{number}" for number in range(len(kinds))]
    defaults = 0
    # A Python number would be weak, and what is computed of literals need not fit the type it is cast to.
    if not dice.plain and kinds[-1] in ("int64", "float64") and dice.chance(0.5):
        defaults = 1
        parameters[-1] += f"=np.{kinds[-1]}({dice.between(0, 99)}{'.5' if kinds[-1] == 'float64' else ''})"
    own = [table for table in outer.tables if not table.captured][:1]
    if own and dice.chance(0.3):
        name = f"t{name}"
        tables = (Table("q", own[0].kind, own[0].shape),)
        parameters.insert(0, "q")
    visible = tuple(table for table in outer.tables if table.captured)
    scope = Scope({f"p{n}": kind for n, kind in enumerate(kinds)}, (*tables, *visible), outer.helpers, outer.constants)
    body = _used(tables, Statements(dice, dice.between(0, 5), fuel=6, names=100).function(scope, results))
    # In plain mode it stays plain: as a kernel it would be computed by the engine that is to be judged.
    mark = ["@hr.kernel"] if not dice.plain and dice.chance(0.15) else []
    lines += ["", "", *mark, f"def {name}({', '.join(parameters)}):", *body, ""]
    return Helper(name, kinds, results, defaults)
