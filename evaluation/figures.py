"""The report's figure: the votes of each pair, and how often each contender won, as SVG.

`python -m evaluation.figures` draws the JSON report on its standard input; it needs no Django and no database.
"""

import io
import json
import sys
from types import SimpleNamespace
from typing import Any

INK, SOFT, GRID = "#1c2024", "#5b646d", "#d9dee2"
CONTENDERS = ("#0b6e6e", "#b4540a", "#6a3fb0", "#1f5fbf", "#8a5a00", "#b3261e")
GOOD, BAD = "#b9c6cf", "#4c565f"
# Colours and texts of its own on an opaque ground: the figure reads the same on a light and on a dark page.
STYLE: dict[str, Any] = {
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def draw(report: Any) -> bytes:
    """Draw a report, or its plain values with names as attributes; the same report gives the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    rows = len(report.pairs) + len(report.contenders)
    style: Any = {**STYLE, "svg.hashsalt": f"{report.input_hash}{report.code_version}"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7.2, 1.7 + 0.42 * rows), layout="constrained", facecolor="#ffffff")
        FigureCanvasSVG(figure)
        heights = [len(report.pairs) + 0.8, len(report.contenders) + 0.8]
        above, below = figure.subplots(2, 1, height_ratios=heights)
        _draw_pairs(above, report)
        _draw_shares(below, report)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def main() -> None:
    """Read a report as JSON and write its figure as SVG."""
    report = json.load(sys.stdin, object_hook=lambda values: SimpleNamespace(**values))
    sys.stdout.buffer.write(draw(report))


def _colours(report: Any) -> dict[str, str]:
    return {each.name: CONTENDERS[n % len(CONTENDERS)] for n, each in enumerate(report.contenders)}


def _shorten(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _draw_pairs(axes: Any, report: Any) -> None:
    """One bar per pair, in per cent of its votes: one, both good, both bad, the other."""
    colours = _colours(report)
    for row, pair in enumerate(reversed(report.pairs)):
        parts = [
            (pair.wins, colours[pair.one], "#ffffff"),
            (pair.both_good, GOOD, INK),
            (pair.both_bad, BAD, "#ffffff"),
            (pair.losses, colours[pair.other], "#ffffff"),
        ]
        votes = sum(count for count, _, _ in parts)
        start = 0.0
        for count, colour, ink in parts:
            width = 100 * count / votes if votes else 0
            axes.barh(row, width, left=start, color=colour, height=0.62, edgecolor="#ffffff", linewidth=0.8)
            if width >= 5:
                axes.text(start + width / 2, row, str(count), color=ink, ha="center", va="center")
            start += width
        if not votes:
            axes.text(1, row, "no votes yet", color=SOFT, va="center")
    labels = [f"{_shorten(pair.one)} | {_shorten(pair.other)}" for pair in reversed(report.pairs)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.5, len(labels) - 0.5)
    axes.tick_params(length=0)
    axes.set_title("Votes per pair", loc="left", fontsize=10, fontweight="bold", pad=22)
    axes.set_xlabel("per cent of the pair's votes")
    handles = [*((_shorten(name), colour) for name, colour in colours.items()), ("both good", GOOD), ("both bad", BAD)]
    for name, colour in handles:
        axes.bar(0, 0, color=colour, label=name)
    legend = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.2, "handlelength": 1}
    axes.legend(ncols=min(5, len(handles)), frameon=False, fontsize=8, **legend)


def _draw_shares(axes: Any, report: Any) -> None:
    """One dot per contender with its interval, beside the line of no preference."""
    colours = _colours(report)
    axes.axvline(50, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
    for row, each in enumerate(reversed(report.contenders)):
        if each.share is None or each.low is None or each.high is None:
            axes.text(1, row, "no decided vote yet", color=SOFT, va="center")
            continue
        axes.plot([100 * each.low, 100 * each.high], [row, row], color=colours[each.name], linewidth=2.2)
        axes.plot([100 * each.share], [row], "o", color=colours[each.name], markersize=6)
        axes.text(101, row, f"{each.wins} of {each.wins + each.losses}", color=SOFT, va="center", clip_on=False)
    names = [_shorten(each.name) for each in reversed(report.contenders)]
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.set_title("Decided votes won", loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel("per cent, with the 95 % Wilson interval")


if __name__ == "__main__":
    main()
