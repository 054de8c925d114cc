"""The frontend: a Python function's source to typed IR, for one choice of argument types.

    source = load(function)
    typed = lower(source, (Arg(FLOAT64), Arg(INT64, weak=True)))

See docs/language.md for the language, docs/design/006-kernel-language.md for how it is lowered.
"""

from hybrid_rs.frontend.kernel_source import Source, load
from hybrid_rs.frontend.lower import lower
from hybrid_rs.frontend.typed import MISSING, Arg, Guard, TableArg, Typed

__all__ = ["MISSING", "Arg", "Guard", "Source", "TableArg", "Typed", "load", "lower"]
