"""Source of kernels that nobody has compiled before: 20 lines with loops, branches, a helper call and rounding."""

_TEXT = """\
def soften(x, limit):
    return x if abs(x) < limit else limit


@hr.kernel
def kernel(x, n):
    total = {a}
    best = -{b}
    steps = 0
    for i in range(n):
        y = x * {c} + i
        if y > {d}:
            total += soften(y, {e})
        elif y < -{d}:
            total -= y * y * {f}
        else:
            total = total + y / (1.0 + y * y)
        while y > 1.0 and steps < {g}:
            y *= 0.5
            steps += 1
        best = max(best, y)
    if total > best:
        total, best = best, total
    scaled = total + {h} * best
    return scaled - steps
"""
LINES = 20


def source(number: int) -> str:
    """Return the source of kernel ``number``; each has its own constants."""
    values = {letter: round(0.37 + 0.11 * place + number * 0.0173, 4) for place, letter in enumerate("abcdefh")}
    return _TEXT.format(**values, g=20 + number)
