"""Measure the accuracy of mathlib at length, and print a table in Markdown.

    python -m tests.mathlib.run --function exp.f64 --samples 1e7

Without `--function` all of them are measured; a name without a type means each type that has it.
"""

import argparse
import sys
from collections.abc import Sequence

from .rows import rows


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a bound was passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mathlib.run", description=__doc__.splitlines()[0])
    parser.add_argument("--function", action="append", help="a function, as exp or exp.f64; may be repeated")
    parser.add_argument("--samples", type=float, default=1e6, help="samples for each range (1e6)")
    options = parser.parse_args(argv)
    known = rows()
    wanted = options.function or list(known)
    chosen = [name for name in known if name in wanted or name.partition(".")[0] in wanted]
    if not chosen:
        parser.error(f"--function: have {', '.join(known)}")
    print("| function | range | samples | max ulp | mean ulp | worst argument |\n|---|---|--:|--:|--:|---|")
    passed = False
    for name in chosen:
        row = known[name]
        for label in row.ranges:
            found = row.measure(label, int(options.samples))
            passed |= not found.worst <= row.bound
            where = ", ".join(map(repr, found.argument))
            print(
                f"| {name} | {label} | {found.count:.1e} | {found.worst:.4f} | {found.mean:.4f} | {where} |", flush=True
            )
    return int(passed)


if __name__ == "__main__":
    sys.exit(main())
