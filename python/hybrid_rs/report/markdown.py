"""Markdown pieces: escaped text, tables, pictures."""

import re
from collections.abc import Sequence

# What Markdown or HTML would read as markup inside a line. A name such as hybrid_auto_chunked needs no escape, for an
# underscore between letters is plain text in CommonMark.
_SPECIAL = re.compile(r"([\\`*\[\]<>|]|(?<!\w)_|_(?!\w))")


def escape(text: str) -> str:
    """Return text that shows as it is, on one line: markup is escaped, line breaks become spaces."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table with its cells escaped; the first ``left`` columns are left-aligned, the others right-aligned.

    Raises ValueError when a row has another number of cells than the header.
    """
    if any(len(row) != len(header) for row in rows):
        raise ValueError("every row needs as many cells as the header")
    rule = [":--" if column < left else "--:" for column in range(len(header))]
    lines = [[escape(cell) for cell in header], rule, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(items: Sequence[str]) -> str:
    """Return an unordered list of escaped items."""
    return "\n".join(f"- {escape(item)}" for item in items)


def picture(alt: str, name: str) -> str:
    """Return an image that lies beside the document; ``alt`` describes it for those who don't see it."""
    return f"![{escape(alt)}]({name})"
