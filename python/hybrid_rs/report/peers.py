"""The picture of the comparison with peers."""

from hybrid_rs.bench.peers.compare import Comparison
from hybrid_rs.bench.peers.work import WORKS
from hybrid_rs.report.canvas import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, SKY, VERMILLION, figure, style, svg
from hybrid_rs.report.plots import plain_log

__all__ = ["picture"]

_LOOKS = ((BLUE, "o"), (VERMILLION, "D"), (ORANGE, "s"), (GREEN, "^"), (PURPLE, "v"), (SKY, "P"))


def picture(compared: Comparison) -> bytes:
    """Draw each peer's time over ours for each work, on a log axis with intervals, as an SVG document.

    Dots, because a bar's length means nothing where the axis has no zero. Left of the line at 1 the peer is faster.

    Raises:
        MissingPlotsError: Without matplotlib.
        ValueError: If no peer was measured.
    """
    names = [peer for peer in compared.found if compared.found[peer].get("rows")]
    if not names:
        raise ValueError("compared: no peer was measured, there is nothing to draw")
    works = [work.name for work in WORKS if any(work.name in compared.found[peer]["rows"] for peer in names)]
    with style():
        made, (axes,) = figure(9.0, 1.6 + 0.42 * len(works))
        for number, peer in enumerate(names):
            found = compared.found[peer]
            colour, marker = _LOOKS[number % len(_LOOKS)]
            places, ratios = [], []
            for name, ratio in compared.ratios(peer).items():
                place = works.index(name) + 0.1 * (number - (len(names) - 1) / 2)
                span = found["rows"][name]["interval"]
                if span:
                    axes.hlines(place, span["low"], span["high"], color=colour, linewidth=4, alpha=0.3)
                places.append(place)
                ratios.append(ratio)
            label = f"{found['name']} {found['version']}"
            axes.scatter(ratios, places, s=52, color=colour, marker=marker, label=label, zorder=4)
        axes.axvline(1.0, color=INK, linewidth=1.2)
        axes.set_xscale("log")
        plain_log(axes)
        axes.set_ylim(-0.7, len(works) - 0.3)
        axes.set_yticks(range(len(works)), works)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.grid(color=FAINT, linewidth=0.8)
        axes.set_xlabel("peer's time / hybrid_rs' time (log scale; right of 1: hybrid_rs is faster; bands: 95 %)")
        axes.set_title(f"hybrid_rs and peers, {compared.threads} threads")
        made.legend(loc="outside lower center", ncols=3)
        return svg(made)
