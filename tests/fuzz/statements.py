"""Random statements: bodies of kernels and helpers, whose every path ends in a return."""

from dataclasses import dataclass, field

from .expressions import Expressions, write_call
from .scope import Dice, Scope
from .values import BOOL, FLOATS, INTEGERS, NUMBERS, SIGNED, TYPES, promote

RAISED = ("ValueError", "ZeroDivisionError", "RuntimeError", "ArithmeticError", "KeyError", "IndexError", "TypeError")
INDENT = "    "
# How often each statement is drawn; loops are what the engines find hardest.
WEIGHTS = {
    "new": 3.0, "assign": 4.0, "augment": 3.0, "several": 1.0, "swap": 0.7, "branch": 2.6, "for": 2.2, "while": 1.4,
    "leave": 1.2, "return": 0.5, "assert": 0.5, "raise": 0.5, "unpack": 0.8, "divmod": 0.4, "pass": 0.1,
}  # fmt: skip
# Trip counts are remainders of these, so that nested loops stay short enough for plain Python.
TRIPS = (3, 5, 7, 11, 40)


@dataclass
class Place:
    """Where a statement stands: how deep, in how many loops, and what a return has to give."""

    results: tuple[str, ...]
    level: int = 1
    loops: int = 0
    kept: frozenset[str] = frozenset()
    """Names that steer an enclosing loop, hence aren't assigned to."""

    def inside(self, loop: bool = False, kept: str = "") -> "Place":
        """Give the place inside of a body."""
        return Place(self.results, self.level + 1, self.loops + loop, self.kept | ({kept} if kept else set()))


@dataclass
class Statements:
    """Writes the body of one function."""

    dice: Dice
    budget: int
    """How many statements it gets, about."""
    fuel: int = 9
    """How many operations an expression gets."""
    names: int = 0
    lines: list[str] = field(default_factory=list)

    def function(self, scope: Scope, results: tuple[str, ...]) -> list[str]:
        """Write a body that returns values of the given types on every path."""
        place = Place(results)
        while self.budget > 0:
            self.statement(scope, place)
        self.add(place, f"return {self.values(scope, place, last=True)}")
        return self.lines

    def add(self, place: Place, line: str) -> None:
        """Write a line."""
        self.lines.append(INDENT * place.level + line)

    def name(self) -> str:
        """Give a name that is new."""
        self.names += 1
        return f"v{self.names}"

    def expr(self, scope: Scope, kind: str, depth: int = 3) -> str:
        """Write an expression of a type."""
        return Expressions(self.dice, scope, self.fuel).expr(kind, depth)

    def condition(self, scope: Scope) -> str:
        """Write a condition; at times a number, which counts as true where it isn't zero."""
        if self.dice.chance(0.06):
            return self.expr(scope, self.dice.pick(NUMBERS), 2)
        return self.expr(scope, BOOL, self.dice.between(1, 3))

    def rare(self, scope: Scope) -> str:
        """Write a condition that few elements meet."""
        integers = [name for name, kind in scope.variables.items() if kind in INTEGERS]
        if not integers or self.dice.chance(0.2):
            return f"({self.condition(scope)} and {self.condition(scope)} and {self.condition(scope)})"
        return f"{self.dice.pick(integers)} % {self.dice.pick((13, 17, 29))} == {self.dice.between(1, 12)}"

    def values(self, scope: Scope, place: Place, last: bool = False) -> str:
        """Write the values of a return; in the free mode also of types that join to the one `last` has."""
        parts = []
        for kind in place.results:
            below = [one for one in NUMBERS if kind in NUMBERS and promote(one, kind) == kind and one != "uint64"]
            loose = not self.dice.plain and below and self.dice.chance(0.08) and not last
            parts.append(self.expr(scope, self.dice.pick(below) if loose else kind))
        return ", ".join(parts)

    def target(self, scope: Scope, place: Place, kinds: tuple[str, ...] = TYPES) -> tuple[str, str] | None:
        """Choose a variable that may be assigned to."""
        free = [(name, kind) for name, kind in scope.variables.items() if name not in place.kept and kind in kinds]
        return self.dice.pick(free) if free else None

    # ---- each writes one statement

    def statement(self, scope: Scope, place: Place) -> None:
        """Write one statement, of a kind that fits the place."""
        self.budget -= 1
        weights = dict(WEIGHTS)
        if place.loops >= 3 or place.level > 5:
            weights["for"] = weights["while"] = 0.0
        if place.level > 5:
            weights["branch"] = 0.0
        if not place.loops:
            weights["leave"] = 0.0
        getattr(self, f"write_{self.dice.weighted(weights)}")(scope, place)

    def write_new(self, scope: Scope, place: Place) -> None:
        """Write the first assignment of a variable; its names last as long as the scope."""
        kind = self.dice.pick(TYPES)
        name = self.name()
        if not self.dice.plain and kind in ("int64", "float64") and self.dice.chance(0.4):
            value = self.dice.literal(kind)
        else:
            value = self.expr(scope, kind)
        note = ": int" if self.dice.chance(0.05) else ""
        self.add(place, f"{name}{note} = {value}")
        scope.variables[name] = kind

    def write_assign(self, scope: Scope, place: Place) -> None:
        """Write an assignment to a variable that is there."""
        found = self.target(scope, place)
        if found is None:
            return self.write_new(scope, place)
        self.add(place, f"{found[0]} = {self.expr(scope, found[1])}")
        return None

    def write_augment(self, scope: Scope, place: Place) -> None:
        """Write an augmented assignment whose result has the variable's type."""
        found = self.target(scope, place)
        if found is None:
            return
        name, kind = found
        if kind == BOOL:
            self.add(place, f"{name} {self.dice.pick(('&=', '|=', '^='))} {self.expr(scope, BOOL)}")
            return
        writer = Expressions(self.dice, scope, self.fuel)
        if kind in FLOATS:
            self.add(place, f"{name} {self.dice.pick(('+=', '-=', '*=', '/=', '//=', '%='))} {writer.operand(kind, 2)}")
        elif self.dice.chance(0.3):
            divisor = self.dice.small(2, 9)
            self.add(place, f"{name} {self.dice.pick(('//=', '%=', '<<=', '>>='))} {divisor}")
        else:
            form = self.dice.pick(("+=", "-=", "*=", "&=", "|=", "^="))
            self.add(place, f"{name} {form} {writer.operand(kind, 2)}")

    def write_several(self, scope: Scope, place: Place) -> None:
        """Write a tuple assignment of new and old variables."""
        pairs: list[tuple[str, str]] = []
        for _ in range(self.dice.between(2, 3)):
            found = self.target(scope, place)
            if found and found[0] not in [name for name, _ in pairs] and self.dice.chance(0.6):
                pairs.append(found)
            else:
                pairs.append((self.name(), self.dice.pick(TYPES)))
        values = [self.expr(scope, kind, 2) for _, kind in pairs]
        self.add(place, f"{', '.join(name for name, _ in pairs)} = {', '.join(values)}")
        scope.variables.update(pairs)

    def write_swap(self, scope: Scope, place: Place) -> None:
        """Swap or turn variables of one type."""
        kinds: dict[str, list[str]] = {}
        for name, kind in scope.variables.items():
            if name not in place.kept:
                kinds.setdefault(kind, []).append(name)
        groups = [names for names in kinds.values() if len(names) > 1]
        if not groups:
            return
        names = self.dice.rng.sample(group := self.dice.pick(groups), min(len(group), self.dice.between(2, 3)))
        self.add(place, f"{', '.join(names)} = {', '.join([*names[1:], names[0]])}")

    def write_branch(self, scope: Scope, place: Place) -> None:
        """Write if, elif, else; a variable that all branches set is there behind it."""
        shared = (self.name(), self.dice.pick(TYPES)) if self.dice.chance(0.25) else None
        arms = self.dice.between(0, 1)
        for number in range(arms + 1):
            self.add(place, f"{'elif' if number else 'if'} {self.condition(scope)}:")
            self.body(scope.branch(), place.inside(), shared)
        if shared or self.dice.chance(0.5):
            self.add(place, "else:")
            self.body(scope.branch(), place.inside(), shared)
        if shared:
            scope.variables[shared[0]] = shared[1]

    def body(self, scope: Scope, place: Place, shared: tuple[str, str] | None = None) -> None:
        """Write some statements, at least one."""
        begun = len(self.lines)
        for _ in range(self.dice.between(1, 3 if place.level < 4 else 2)):
            self.statement(scope, place)
        if shared:
            self.add(place, f"{shared[0]} = {self.expr(scope, shared[1])}")
        if len(self.lines) == begun:
            self.add(place, "pass")

    def write_for(self, scope: Scope, place: Place) -> None:
        """Write a loop over a range: by literals, by data, up and down, and at the ends of a type."""
        counter = self.name()
        inner = scope.branch()
        lasting, moved = self.dice.chance(0.2), self.dice.chance(0.1)
        # The counter of a range of uint64 is one: it can't be assigned an int64, and isn't read where that matters.
        wide = not (lasting or moved) and self.dice.chance(0.05)
        if lasting:
            # Assigned before the loop, it may be read behind it.
            self.add(place, f"{counter} = np.int64({self.dice.between(0, 9)})")
        if not wide or self.dice.plain:
            inner.counters = (*scope.counters, counter)
        trips = self.dice.pick(TRIPS[: (5, 3, 2)[place.loops]])
        given = f"{self.expr(scope, 'uint64', 2)} % {trips}" if wide else self.range_arguments(scope, trips)
        self.add(place, f"for {counter} in range({given}):")
        inside = place.inside(loop=True)
        if moved:
            # Python's range goes on from where it was.
            self.add(inside, f"{counter} = np.int64({counter}) * 2 - 1")
        self.body(inner, inside)
        if lasting:
            scope.counters = (*scope.counters, counter)

    def range_arguments(self, scope: Scope, trips: int) -> str:
        """Write the arguments of range, for about as many trips."""
        form = self.dice.between(0, 7)
        if form == 0:
            return str(self.dice.between(0, trips))
        if form == 1:
            start, step = self.dice.between(-9, 9), self.dice.pick((-3, -2, -1, 1, 2, 3))
            return f"{start}, {start + step * self.dice.between(0, trips)}, {step}"
        if form == 2:
            high = 2**63 - 1
            return self.dice.pick((f"{high - trips}, {high}, 2", f"{-high + trips}, {-high - 1}, -1", "3, -3"))
        kind = self.dice.pick(SIGNED)
        if form == 3:
            low = self.expr(scope, kind, 1)
            return f"{low} % {trips}, {self.expr(scope, kind, 1)} % {2 * trips}, {self.dice.between(1, 3)}"
        if form == 4:
            return f"{self.expr(scope, kind, 1)} % {trips}, {self.dice.small(-4, 0)}, {self.dice.small(-3, -1)}"
        if form == 5:
            least = 0 if self.dice.chance(self.dice.risk * 2) else 1
            return f"0, {self.expr(scope, kind, 1)} % {trips}, {self.expr(scope, kind, 1)} % 3 + {least}"
        return f"{self.expr(scope, self.dice.pick(INTEGERS[:-1]), 2)} % {trips}"

    def write_while(self, scope: Scope, place: Place) -> None:
        """Write a loop with a counter that ends it at the latest; trip counts differ between elements."""
        counter, kind = self.name(), self.dice.pick(INTEGERS)
        self.add(place, f"{counter} = np.{kind}(0)")
        scope.variables[counter] = kind
        trips = self.dice.pick(TRIPS[: (5, 3, 2)[place.loops]])
        limit = str(trips) if self.dice.chance(0.4) else f"{self.expr(scope, kind, 1)} % {trips}"
        inside = place.inside(loop=True, kept=counter)
        if self.dice.chance(0.2):
            self.add(place, "while True:")
            self.add(inside, f"if {counter} >= {trips}:")
            self.add(inside.inside(), "break")
        else:
            # The limit is a variable at times, and the condition may change while the loop runs.
            other = f" and {self.condition(scope)}" if self.dice.chance(0.5) else ""
            self.add(place, f"while {counter} < {limit}{other}:")
        self.add(inside, f"{counter} += 1")
        # Only for reading: assigning to it could make the loop endless.
        self.body(scope.branch(), inside)

    def write_leave(self, scope: Scope, place: Place) -> None:
        """Write break or continue under a condition."""
        self.add(place, f"if {self.condition(scope)}:")
        inner = scope.branch()
        if self.dice.chance(0.4):
            self.write_assign(inner, place.inside())
        self.add(place.inside(), self.dice.pick(("break", "continue", "break")))

    def write_return(self, scope: Scope, place: Place) -> None:
        """Write an early return under a condition."""
        self.add(place, f"if {self.condition(scope)}:")
        self.add(place.inside(), f"return {self.values(scope, place)}")

    def write_assert(self, scope: Scope, place: Place) -> None:
        """Write an assertion that most elements meet."""
        text = self.dice.pick(("", ', "must hold"', ", 'not {this}, 50 %'"))
        self.add(place, f"assert not ({self.rare(scope)}){text}")

    def write_raise(self, scope: Scope, place: Place) -> None:
        """Write a raise that few elements come to."""
        name = self.dice.pick(RAISED)
        self.add(place, f"if {self.rare(scope)}:")
        text = self.dice.pick(("", "()", '("no such case")'))
        self.add(place.inside(), f"raise {name}{text}")

    def write_unpack(self, scope: Scope, place: Place) -> None:
        """Write a call of a helper with several results."""
        several = [helper for helper in scope.helpers if len(helper.results) > 1]
        if not several or scope.calls <= 0:
            return
        scope.calls -= 1
        helper = self.dice.pick(several)
        call = write_call(Expressions(self.dice, scope, self.fuel), helper.name, 2)
        names = [self.name() for _ in helper.results]
        self.add(place, f"{', '.join(names)} = {call}")
        scope.variables.update(zip(names, helper.results, strict=True))

    def write_divmod(self, scope: Scope, place: Place) -> None:
        """Write a divmod, which gives two values."""
        kind = self.dice.pick(NUMBERS)
        divisor = f"np.{kind}({self.dice.between(1, 9)})"
        first, second = self.name(), self.name()
        self.add(place, f"{first}, {second} = divmod({self.expr(scope, kind, 2)}, {divisor})")
        scope.variables.update({first: kind, second: kind})

    def write_pass(self, scope: Scope, place: Place) -> None:
        """Write a statement that does nothing."""
        del scope
        self.add(place, "pass")
