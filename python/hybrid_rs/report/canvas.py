"""Drawing with matplotlib as a library: no pyplot, no state left behind, the same bytes for the same study."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette (Color Universal Design, 2008): told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
GREY, INK, FAINT = "#8A8A8A", "#222222", "#D9D9D9"

# Any, because matplotlib types its settings by name in some versions and as plain text in others.
_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "figure.constrained_layout.w_pad": 0.12,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Outlines instead of text: the picture looks the same where these fonts are missing.
    "svg.fonttype": "path",
    # Ids in the file come from this instead of a random number.
    "svg.hashsalt": "hybrid_rs",
}


class MissingPlotsError(ImportError):
    """matplotlib is not installed."""


def require_matplotlib() -> None:
    """Raise MissingPlotsError, naming the extra to install, where matplotlib can't be imported."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingPlotsError(
            "the report's plots need matplotlib: pip install 'hybrid_rs[report]'", name="matplotlib"
        ) from error


@contextmanager
def style() -> Iterator[None]:
    """Draw with the report's fonts and colours within the block; the caller's settings come back after it.

    Raises MissingPlotsError without matplotlib.
    """
    require_matplotlib()
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def figure(width: float, height: float, panels: int = 1) -> "tuple[Figure, list[Axes]]":
    """Return a figure of ``width`` x ``height`` inches with panels side by side. Belongs inside ``style()``."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    axes = made.subplots(1, panels, squeeze=False)
    return made, list(axes[0])


def svg(made: "Figure") -> bytes:
    """Return a figure as an SVG document without a date. Belongs inside ``style()``."""
    target = io.BytesIO()
    made.savefig(target, format="svg", metadata={"Date": None})
    return target.getvalue()
