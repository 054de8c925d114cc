"""Random expressions of a wanted type. Each has exactly that type in the language; plain mode also in Python."""

from collections.abc import Callable

from .scope import Dice, Scope
from .values import BOOL, FLOATS, INTEGERS, NUMBERS, SIGNED, TYPES, UNSIGNED, bits, bounds, meeting

ARITHMETIC = ("+", "-", "*")
COMPARE = ("<", "<=", ">", ">=", "==", "!=")
# Exact in both Python and the language, whatever the argument.
EXACT_FLOAT = (
    "np.sqrt", "np.floor", "np.ceil", "np.trunc", "np.rint", "np.fabs", "np.abs", "np.absolute", "np.square", "np.sign",
    "np.negative",
)  # fmt: skip
EXACT_PAIRS = (
    "np.copysign", "np.minimum", "np.maximum", "np.fmod", "np.add", "np.multiply", "np.subtract", "np.divide",
    "np.true_divide", "np.fmin", "np.fmax",
)  # fmt: skip
# NumPy doesn't say which of 0.0 and -0.0 these give, and it depends on the processor.
EXTREMES = ("np.minimum", "np.maximum", "np.fmin", "np.fmax")
INTEGER_PAIRS = (
    "np.bitwise_and", "np.bitwise_or", "np.bitwise_xor", "np.left_shift", "np.right_shift", "np.add", "np.multiply",
    "np.subtract", "np.fmin", "np.fmax",
)  # fmt: skip
COMPARISONS = ("np.less", "np.less_equal", "np.greater", "np.greater_equal", "np.equal", "np.not_equal")
ELEMENTARY = (
    "math.exp", "math.exp2", "math.expm1", "math.log", "math.log2", "math.log10", "math.log1p", "math.sin", "math.cos",
    "math.tan", "math.asin", "math.acos", "math.atan", "math.sinh", "math.cosh", "math.tanh", "math.asinh",
    "math.acosh", "math.atanh", "math.cbrt", "math.erf", "math.erfc", "math.lgamma", "math.gamma", "np.exp", "np.log",
    "np.sin", "np.cos", "np.arctan", "np.log1p", "math.sqrt", "math.fabs",
)  # fmt: skip
ELEMENTARY_PAIRS = ("math.atan2", "np.arctan2", "math.hypot", "np.hypot", "math.pow", "np.power", "math.fmod")
TESTS = ("np.isnan", "np.isinf", "np.isfinite", "math.isnan", "math.isinf", "math.isfinite")


class Expressions:
    """Writes expressions over a scope. `fuel` bounds how many operations one expression gets."""

    def __init__(self, dice: Dice, scope: Scope, fuel: int) -> None:
        """Keep what is drawn from."""
        self.dice, self.scope, self.fuel = dice, scope, fuel

    def expr(self, kind: str, depth: int = 3) -> str:
        """Write a strong expression of a type."""
        self.fuel -= 1
        if depth <= 0 or self.fuel <= 0 or self.dice.chance(0.12):
            return self.leaf(kind)
        if self.dice.chance(0.3):
            return self.dice.pick(_ANY)(self, kind, depth - 1)
        forms = _BOOL if kind == BOOL else _FLOAT if kind in FLOATS else _INTEGER
        return self.dice.pick(forms)(self, kind, depth - 1)

    def leaf(self, kind: str) -> str:
        """Write a variable, a cast of one, a table element or a constant."""
        own = self.scope.of(kind)
        if own and self.dice.chance(0.7):
            return self.dice.pick(own)
        if kind == "int64" and self.scope.counters and self.dice.chance(0.6):
            return self.counter()
        if kind == "int64" and self.scope.tables and self.dice.chance(0.1):
            name = self.dice.pick(self.scope.tables).name
            return f"np.int64({self.dice.pick((f'len({name})', f'{name}.size', f'{name}.shape[0]', f'{name}.ndim'))})"
        others = list(self.scope.variables.items())
        if others and self.dice.chance(0.85):
            name, given = self.dice.pick(others)
            return self.cast(name, given, kind)
        return self.dice.constant(kind)

    def counter(self) -> str:
        """Write a loop counter; Python's is an int, which is weak."""
        name = self.dice.pick(self.scope.counters)
        return f"np.int64({name})" if self.dice.plain else name

    def strong(self, depth: int, kinds: tuple[str, ...] = NUMBERS) -> tuple[str, str]:
        """Write an expression of any of some types, one that has a variable if possible; give its type, too."""
        present = [kind for kind in self.scope.variables.values() if kind in kinds]
        kind = self.dice.pick(present) if present and self.dice.chance(0.8) else self.dice.pick(kinds)
        return self.expr(kind, depth), kind

    def operand(self, kind: str, depth: int) -> str:
        """Write what may stand beside a strong operand of a type: a literal, a captured number, or an expression."""
        if kind in NUMBERS and self.dice.chance(0.22):
            weak = [
                name for name, given in self.scope.constants.items() if given == ("float" if kind in FLOATS else "int")
            ]
            return self.dice.pick(weak) if weak and self.dice.chance(0.4) else self.dice.literal(kind)
        return self.expr(kind, depth)

    def pair(self, kind: str, depth: int) -> tuple[str, str]:
        """Write two operands whose common type is `kind`."""
        if self.dice.chance(0.25):
            a, b = self.dice.pick(meeting(kind))
            return self.expr(a, depth), self.expr(b, depth)
        left, right = self.expr(kind, depth), self.operand(kind, depth)
        return (right, left) if self.dice.chance(0.3) else (left, right)

    def cast(self, text: str, given: str, kind: str) -> str:
        """Cast an expression; in plain mode a float goes to an integer type only where it fits."""
        if given == kind:
            return text
        if kind == BOOL:
            return self.dice.pick((f"bool({text})", f"({text} != 0)", f"np.bool_({text})"))
        if given in FLOATS and kind in INTEGERS and self.dice.plain:
            low, high = bounds(kind)
            text = self.clamped(text, given, max(low, -100), min(high, 100))
        return f"{self.dice.pick(('np', 'np', 'hr'))}.{kind}({text})"

    def signed(self, text: str, kind: str) -> str:
        """Write a float whose sign is looked at: in plain mode no nan, whose sign depends on the processor."""
        return f"({text} if {text} == {text} else np.{kind}(1.0))" if self.dice.plain else text

    def unsigned_zero(self, name: str, call: str, kind: str) -> str:
        """Write a call; in plain mode with 0.0 for -0.0 where NumPy may give either."""
        return f"({call} + 0.0)" if self.dice.plain and kind in FLOATS and name in EXTREMES else call

    def clamped(self, text: str, kind: str, low: int, high: int) -> str:
        """Write a float that lies between two numbers."""
        return f"({text} if {low} < {text} < {high} else np.{kind}({self.dice.small(low + 1, high - 1).strip('()')}))"


def _arithmetic(e: Expressions, kind: str, depth: int) -> str:
    left, right = e.pair(kind, depth)
    return f"({left} {e.dice.pick(ARITHMETIC)} {right})"


def _divisor(e: Expressions, kind: str, depth: int) -> str:
    """Write a divisor: mostly one that isn't zero."""
    if kind in INTEGERS and (e.dice.plain or not e.dice.chance(4 * e.dice.risk)):
        form = e.dice.between(0, 2)
        if form == 0:
            return e.dice.small(1, 9)
        text = e.expr(kind, min(depth, 1))
        return f"({text} | {e.dice.small(1, 1)})" if form == 1 else f"({text} if {text} != 0 else np.{kind}(3))"
    return e.operand(kind, depth)


def _floor(e: Expressions, kind: str, depth: int) -> str:
    left = e.expr(kind, depth)
    if kind in INTEGERS and e.dice.chance(0.25):
        return f"hr.{e.dice.pick(('quot', 'rem'))}({left}, {_strong_divisor(e, kind, depth)})"
    name = e.dice.pick(("//", "%", "%"))
    if e.dice.chance(0.15):
        function = "np.floor_divide" if name == "//" else e.dice.pick(("np.mod", "np.remainder"))
        return f"{function}({left}, {_strong_divisor(e, kind, depth)})"
    return f"({left} {name} {_divisor(e, kind, depth)})"


def _strong_divisor(e: Expressions, kind: str, depth: int) -> str:
    text = _divisor(e, kind, depth)
    return f"np.{kind}({text.strip('()')})" if text.strip("()-").isdigit() else text


def _bitwise(e: Expressions, kind: str, depth: int) -> str:
    left, right = e.pair(kind, depth)
    return f"({left} {e.dice.pick(('&', '|', '^'))} {right})"


def _integer_function(e: Expressions, kind: str, depth: int) -> str:
    if e.dice.chance(0.3):
        return f"{e.dice.pick(('np.sign', 'np.invert', 'np.negative', 'np.square'))}({e.expr(kind, depth)})"
    if e.dice.chance(0.15):
        return f"np.clip({e.expr(kind, depth)}, {e.expr(kind, 0)}, {e.expr(kind, 0)})"
    return f"{e.dice.pick(INTEGER_PAIRS)}({e.expr(kind, depth)}, {e.expr(kind, depth)})"


def _shift(e: Expressions, kind: str, depth: int) -> str:
    # A literal count has to fit the type that is shifted.
    count = e.dice.small(0, min(bits(kind) + 2, bounds(kind)[1])) if e.dice.chance(0.5) else e.expr(kind, depth)
    return f"({e.expr(kind, depth)} {e.dice.pick(('<<', '>>'))} {count})"


def _unary(e: Expressions, kind: str, depth: int) -> str:
    inner = e.expr(kind, depth)
    form = e.dice.pick(("(-{})", "abs({})", "(~{})" if kind in INTEGERS else "(+{})", "np.abs({})"))
    return form.format(inner)


def _power(e: Expressions, kind: str, depth: int) -> str:
    base = e.expr(kind, depth)
    if kind in FLOATS:
        if e.dice.plain:
            return f"np.square({base})"
        return f"({base} ** {e.dice.pick(('2', '3', '2.0', '0.5', '(-1)', e.expr(kind, 0)))})"
    if kind in SIGNED and e.dice.chance(e.dice.risk * 2):
        return f"({base} ** {e.expr(kind, depth)})"
    return f"({base} ** ({e.expr(kind, 0)} & 7))" if e.dice.chance(0.5) else f"({base} ** {e.dice.small(0, 5)})"


def _extreme(e: Expressions, kind: str, depth: int) -> str:
    name = e.dice.pick(("min", "max", "np.minimum", "np.maximum"))
    count = 2 if "." in name or e.dice.chance(0.75) else 3
    parts = [e.expr(kind, depth) for _ in range(count)]
    # Python's min gives one of its arguments as it is, so a literal would stay a Python number.
    if not e.dice.plain and e.dice.chance(0.3):
        parts[1] = e.operand(kind, depth)
    return e.unsigned_zero(name, f"{name}({', '.join(parts)})", kind)


def _divide(e: Expressions, kind: str, depth: int) -> str:
    if kind == "float64" and e.dice.chance(0.4):
        group = SIGNED if e.dice.chance(0.5) else UNSIGNED
        a, b = e.dice.pick(group), e.dice.pick(group)
        return f"({e.expr(a, depth)} / {e.expr(b, depth)})"
    left, right = e.pair(kind, depth)
    return f"({left} / {right})"


def _float_function(e: Expressions, kind: str, depth: int) -> str:
    if e.dice.chance(0.1):
        return f"hr.fma({e.expr(kind, depth)}, {e.expr(kind, depth)}, {e.expr(kind, depth)})"
    if e.dice.chance(0.35):
        name, second = e.dice.pick(EXACT_PAIRS), e.expr(kind, min(depth, 1))
        second = e.signed(second, kind) if name == "np.copysign" else second
        return e.unsigned_zero(name, f"{name}({e.expr(kind, depth)}, {second})", kind)
    if not e.dice.plain and e.dice.chance(0.4):
        if e.dice.chance(0.25):
            return f"{e.dice.pick(ELEMENTARY_PAIRS)}({e.expr(kind, depth)}, {e.expr(kind, depth)})"
        return f"{e.dice.pick(ELEMENTARY)}({e.expr(kind, depth)})"
    return f"{e.dice.pick(EXACT_FLOAT)}({e.expr(kind, depth)})"


def _to_float(e: Expressions, kind: str, depth: int) -> str:
    text, given = e.strong(depth, TYPES)
    if kind == "float64" and given != BOOL and e.dice.chance(0.3):
        return f"np.float64(float({text}))" if e.dice.plain else f"float({text})"
    if given == "uint32" and kind == "float32" and e.dice.chance(0.5):
        return f"hr.from_bits({text})"
    if given == "uint64" and kind == "float64" and e.dice.chance(0.5):
        return f"hr.from_bits({text})"
    return e.cast(text, given, kind)


def _from_float(e: Expressions, kind: str, depth: int) -> str:
    source = e.dice.pick(FLOATS)
    text = e.expr(source, min(depth, 1))
    if kind in ("uint32", "uint64") and e.dice.chance(0.5):
        return f"hr.bits({e.expr('float32' if kind == 'uint32' else 'float64', depth)})"
    if kind != "int64" or e.dice.chance(0.3):
        return e.cast(text, source, kind)
    # NumPy's float32 has no __trunc__.
    name = e.dice.pick(("int", "round", "math.floor", "math.ceil", "int" if e.dice.plain else "math.trunc"))
    if not e.dice.plain:
        return f"{name}({text})"
    return f"np.int64({name}({e.clamped(text, source, -1000, 1000)}))"


def _convert(e: Expressions, kind: str, depth: int) -> str:
    text, given = e.strong(depth, TYPES)
    return e.cast(text, given, kind) if given not in FLOATS else _from_float(e, kind, depth)


def _choice(e: Expressions, kind: str, depth: int) -> str:
    condition = e.expr(BOOL, depth)
    if e.dice.chance(0.1):
        text = f"np.where({condition}, {e.expr(kind, depth)}, {e.expr(kind, depth)})"
        # NumPy gives an array of no axes, which isn't a scalar everywhere.
        return f"np.{'bool_' if kind == BOOL else kind}({text})" if e.dice.plain else text
    return f"({e.expr(kind, depth)} if {condition} else {_other(e, kind, depth)})"


def _other(e: Expressions, kind: str, depth: int) -> str:
    """Write the second of two values of which one is taken; Python would leave a literal weak."""
    return e.expr(kind, depth) if e.dice.plain else e.operand(kind, depth)


def _lazy(e: Expressions, kind: str, depth: int) -> str:
    return f"({e.expr(kind, depth)} {e.dice.pick(('and', 'or'))} {_other(e, kind, depth)})"


def _guarded(e: Expressions, kind: str, depth: int) -> str:
    """Write a condition that keeps the other side from faulting."""
    if kind != BOOL:
        return _lazy(e, kind, depth)
    integers = [(name, given) for name, given in e.scope.variables.items() if given in INTEGERS]
    if not integers:
        return _lazy(e, kind, depth)
    divisor, given = e.dice.pick(integers)
    test = f"{e.expr(given, depth)} {e.dice.pick(('//', '%'))} {divisor} {e.dice.pick(COMPARE)} {e.dice.literal(given)}"
    # Python's unguarded side warns instead of failing, so either form is right there.
    return f"({divisor} != 0 and {test})" if e.dice.chance(0.5) else f"({divisor} == 0 or {test})"


def _load(e: Expressions, kind: str, depth: int) -> str:
    tables = [table for table in e.scope.tables if table.kind == kind]
    if not tables:
        return e.expr(kind, depth)
    table = e.dice.pick(tables)
    indices = [_index(e, table.name, axis, table.shape, depth) for axis in range(len(table.shape))]
    return f"{table.name}[{', '.join(indices)}]"


def _index(e: Expressions, table: str, axis: int, shape: tuple[int, ...], depth: int) -> str:
    text, given = e.strong(min(depth, 1), INTEGERS)
    length = f"len({table})" if len(shape) == 1 and e.dice.chance(0.5) else f"{table}.shape[{axis}]"
    if e.dice.chance(e.dice.risk * 4) and not (given == "uint64" and e.dice.plain):
        return e.dice.pick((text, f"({text} % {shape[axis] + 1})", f"({text} % {shape[axis] + 1} - {shape[axis]})"))
    if e.dice.chance(0.4):
        low = 0 if given in UNSIGNED or e.dice.chance(0.5) else shape[axis]
        return f"({text} % {shape[axis]}{f' - {low}' if low else ''})"
    return f"({e.cast(text, given, 'int64')} % {length})"


def _call(e: Expressions, kind: str, depth: int) -> str:
    helpers = [helper for helper in e.scope.helpers if helper.results == (kind,)]
    if not helpers or e.scope.calls <= 0:
        return e.expr(kind, depth)
    e.scope.calls -= 1
    return write_call(e, e.dice.pick(helpers).name, depth)


def write_call(e: Expressions, name: str, depth: int) -> str:
    """Write a call of a helper, trailing defaults left out at times, and arguments named at times."""
    helper = next(one for one in e.scope.helpers if one.name == name)
    given = len(helper.parameters) - (e.dice.between(0, helper.defaults) if helper.defaults else 0)
    parts = [e.expr(kind, depth) for kind in helper.parameters[:given]]
    if parts and e.dice.chance(0.2):
        parts[-1] = f"p{given - 1}={parts[-1]}"
    tables = [table.name for table in e.scope.tables if not table.captured][:1] if name.startswith("t") else []
    return f"{name}({', '.join([*tables, *parts])})"


def _compare(e: Expressions, kind: str, depth: int) -> str:
    del kind
    left, given = e.strong(depth, TYPES)
    if given == BOOL:
        return f"({left} {e.dice.pick(('==', '!='))} {e.expr(BOOL, depth)})"
    if e.dice.chance(0.1):
        return f"{e.dice.pick(COMPARISONS)}({left}, {e.expr(given, depth)})"
    if not e.dice.plain and e.dice.chance(0.2):
        right, _ = e.strong(depth)
        return f"({left} {e.dice.pick(COMPARE)} {right})"
    if given in INTEGERS and e.dice.chance(0.1):
        # A literal is compared exactly, whether the type holds it or not.
        return f"({left} {e.dice.pick(COMPARE)} {e.dice.literal(e.dice.pick(INTEGERS))})"
    text = f"{left} {e.dice.pick(COMPARE)} {e.operand(given, depth)}"
    while e.dice.chance(0.15):
        text += f" {e.dice.pick(COMPARE)} {e.expr(given, depth)}"
    return f"({text})"


def _logic(e: Expressions, kind: str, depth: int) -> str:
    if e.dice.chance(0.25):
        return e.dice.pick(("(not {})", "(not {})", "np.logical_not({})")).format(e.expr(BOOL, depth))
    return f"({e.expr(kind, depth)} {e.dice.pick(('and', 'or', '&', '|', '^', 'and', 'or'))} {e.expr(kind, depth)})"


def _test(e: Expressions, kind: str, depth: int) -> str:
    del kind
    text, given = e.strong(depth, TYPES)
    if given in FLOATS and e.dice.chance(0.6):
        name = e.dice.pick((*TESTS, "np.signbit"))
        return f"{name}({e.signed(text, given) if name == 'np.signbit' else text})"
    return (
        f"bool({text})"
        if e.dice.chance(0.6)
        else f"np.logical_{e.dice.pick(('and', 'or', 'xor'))}({text}, {e.expr(BOOL, depth)})"
    )


def _mixed_bool(e: Expressions, kind: str, depth: int) -> str:
    """Do arithmetic with a bool, which plain Python does on NumPy's own terms."""
    if e.dice.plain:
        return _arithmetic(e, kind, depth)
    return f"({e.expr(kind, depth)} {e.dice.pick(ARITHMETIC)} {e.expr(BOOL, depth)})"


_Form = Callable[[Expressions, str, int], str]
_ANY: tuple[_Form, ...] = (_choice, _choice, _lazy, _guarded, _load, _load, _call, _call)
_INTEGER: tuple[_Form, ...] = (
    _arithmetic, _arithmetic, _arithmetic, _floor, _floor, _bitwise, _shift, _unary, _power, _extreme, _convert,
    _from_float, _mixed_bool, _integer_function,
)  # fmt: skip
_FLOAT: tuple[_Form, ...] = (
    _arithmetic, _arithmetic, _arithmetic, _floor, _unary, _power, _extreme, _divide, _divide, _float_function,
    _float_function, _to_float, _mixed_bool,
)  # fmt: skip
_BOOL: tuple[_Form, ...] = (_compare, _compare, _compare, _logic, _logic, _test, _guarded)
