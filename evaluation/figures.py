"""A report's figures as SVG, PDF and PNG, and the report as pages.

`python -m evaluation.figures RESULT.json OUT` draws them all; it needs no Django and no database.
"""

import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

GROUND, INK, SOFT, GRID = "#ffffff", "#1c2024", "#5b646d", "#d9dee2"
CONTENDERS = ("#0b6e6e", "#b4540a", "#6a3fb0", "#1f5fbf", "#8a5a00", "#b3261e")
GOOD, BAD, CANNOT = "#b9c6cf", "#4c565f", "#e7ebee"
# On a dark page: what is written on a bar turns with the bar.
DARK = dict(
    zip(
        (GROUND, INK, SOFT, GRID, *CONTENDERS, GOOD, BAD, CANNOT),
        ("#1c2024", "#e6e9ec", "#9aa5af", "#333a41", "#5cc7c3", "#f2a65e", "#b99af0", "#7fb0f5", "#e5b455", "#f28b82",
         "#46525d", "#a6b0b9", "#2b3238"),
        strict=True,
    )
)  # fmt: skip
NAMES = ("pairs", "shares", "strengths", "topics")
FORMATS = ("svg", "pdf", "png")
LINES = 62  # of a page
WIDTH = 98  # signs of a line
MOST = 40  # rows of a figure: the tables hold them all
# Colours and texts of its own on an opaque ground: a figure reads the same wherever it is put.
STYLE: Any = {
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
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
    "svg.hashsalt": "mixassist",
}
METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def draw_all(result: dict[str, Any], out: Path) -> None:
    """Write every figure in every format, and the report's pages; the same result gives the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        for name in NAMES:
            figure = figure_of(result, name)
            for kind in FORMATS:
                figure.savefig(out / f"{name}.{kind}", format=kind, dpi=200, metadata=METADATA[kind])
        _pages(result, out / "report.pdf")


def figure_of(result: dict[str, Any], name: str) -> Any:
    """One figure: outcomes of pairs, shares, strengths with their intervals, shares by topic."""
    from matplotlib.figure import Figure

    drawn: dict[str, tuple[Callable[[Any, dict[str, Any]], None], int]] = {
        "pairs": (_draw_pairs, len(result["pairs"])),
        "shares": (_draw_shares, len(result["contenders"])),
        "strengths": (_draw_strengths, len(result["contenders"])),
        "topics": (_draw_topics, len(result["topics"])),
    }
    draw, rows = drawn[name]
    figure = Figure(figsize=(7.2, 1.4 + 0.36 * min(MOST, max(1, rows))), layout="constrained", facecolor=GROUND)
    draw(figure.subplots(), result)
    return figure


def darkened(svg: str) -> str:
    """The same figure for a dark page."""
    return re.sub("|".join(DARK), lambda colour: DARK[colour[0]], svg)


def main(source: str, out: str) -> None:
    """Read a result and draw it."""
    draw_all(json.loads(Path(source).read_text(encoding="utf-8")), Path(out))


def _colours(result: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: CONTENDERS[n % len(CONTENDERS)] for n, each in enumerate(result["contenders"])}


def _shorten(name: str) -> str:
    return plain(name if len(name) <= 24 else f"{name[:23]}…")


def plain(text: str) -> str:
    """A name as it is: a dollar would begin a formula."""
    return text.replace("$", r"\$")


def _draw_pairs(axes: Any, result: dict[str, Any]) -> None:
    """One bar per pair, in per cent of its votes: one, both good, both bad, can't judge, the other."""
    colours = _colours(result)
    pairs = result["pairs"][:MOST]
    for row, pair in enumerate(reversed(pairs)):
        parts = [
            (pair["wins"], colours[pair["one"]], GROUND),
            (pair["both_good"], GOOD, INK),
            (pair["both_bad"], BAD, GROUND),
            (pair["cannot_judge"], CANNOT, INK),
            (pair["losses"], colours[pair["other"]], GROUND),
        ]
        votes = sum(count for count, _, _ in parts)
        start = 0.0
        for count, colour, ink in parts:
            width = 100 * count / votes if votes else 0
            axes.barh(row, width, left=start, color=colour, height=0.62, edgecolor=GROUND, linewidth=0.8)
            if width >= 5:
                axes.text(start + width / 2, row, str(count), color=ink, ha="center", va="center")
            start += width
        if not votes:
            axes.text(1, row, "no votes yet", color=SOFT, va="center")
    handles = [*((_shorten(name), colour) for name, colour in colours.items()), ("both good", GOOD), ("both bad", BAD)]
    for name, colour in [*handles, ("can't judge", CANNOT)][:9]:
        axes.bar(0, 0, color=colour, label=name)
    legend = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.2, "handlelength": 1}
    axes.legend(ncols=3, frameon=False, fontsize=8, **legend)
    labels = [f"{_shorten(pair['one'])} | {_shorten(pair['other'])}" for pair in reversed(pairs)]
    _rows(axes, labels, "per cent of the pair's votes", (0, 100))


def _draw_shares(axes: Any, result: dict[str, Any]) -> None:
    """One dot per contender with its interval, beside the line of no preference."""
    axes.axvline(50, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
    rows = result["contenders"][:MOST]
    for row, each in enumerate(reversed(rows)):
        _dot(axes, row, each["share"], each["low"], each["high"], _colours(result)[each["name"]], 100)
        if each["share"] is None:
            axes.text(1, row, "no decided vote yet", color=SOFT, va="center")
    names = [_shorten(each["name"]) for each in reversed(rows)]
    _rows(axes, names, "decided votes won, per cent, with the 95 % interval over raters and items", (0, 100))


def _draw_strengths(axes: Any, result: dict[str, Any]) -> None:
    """One dot per contender on the scale of log odds."""
    axes.axvline(0, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
    rows = result["contenders"][:MOST]
    for row, each in enumerate(reversed(rows)):
        ends = each["strength_low"], each["strength_high"]
        _dot(axes, row, each["strength"], *ends, _colours(result)[each["name"]], 1)
        if each["strength"] is None:
            axes.text(0.02, row, "can't be given", color=SOFT, va="center")
    names = [_shorten(each["name"]) for each in reversed(rows)]
    _rows(axes, names, "Bradley–Terry strength, log odds, with the 95 % interval", None)


def _draw_topics(axes: Any, result: dict[str, Any]) -> None:
    """One dot per topic and contender."""
    axes.axvline(50, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
    rows = result["topics"][:MOST]
    for row, each in enumerate(reversed(rows)):
        _dot(axes, row, each["share"], each["low"], each["high"], _colours(result)[each["name"]], 100)
    names = [f"{_shorten(each['topic'] or 'no topic')}: {_shorten(each['name'])}" for each in reversed(rows)]
    _rows(axes, names, "decided votes won, per cent, with the 95 % interval", (0, 100))


def _dot(
    axes: Any, row: int, value: float | None, low: float | None, high: float | None, colour: str, scale: float
) -> None:
    if value is None:
        return
    if low is not None and high is not None:
        axes.plot([scale * low, scale * high], [row, row], color=colour, linewidth=2.2)
    axes.plot([scale * value], [row], "o", color=colour, markersize=6)


def _rows(axes: Any, labels: list[str], below: str, span: tuple[float, float] | None) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, max(1, len(labels)) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(below)
    if span:
        axes.set_xlim(*span)


def _pages(result: dict[str, Any], out: Path) -> None:
    """The report on A4: sentences and tables, then the figures."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    lines = lines_of(result)
    with PdfPages(out, metadata=METADATA["pdf"]) as pages:
        for start in range(0, len(lines), LINES):
            page = Figure(figsize=(8.27, 11.69), facecolor=GROUND)
            text = plain("\n".join(lines[start : start + LINES]))
            page.text(0.08, 0.95, text, family="DejaVu Sans Mono", fontsize=7.6, va="top", linespacing=1.35)
            pages.savefig(page)
        for name in NAMES:
            pages.savefig(figure_of(result, name))


def lines_of(result: dict[str, Any]) -> list[str]:
    """The report as lines of text."""
    study = result["study"]
    lines = [*_wrapped(study["title"]), "", *_wrapped(f"Question: {study['question']}"), ""]
    for sentence in result["limits"]:
        lines += _wrapped(f"– {sentence}")
    lines += ["", "Contenders: share of decided votes, strength, place", ""]
    for each in result["contenders"]:
        share = _interval(each["share"], each["low"], each["high"], 100, " %")
        strength = _interval(each["strength"], each["strength_low"], each["strength_high"], 1, "")
        place = f"{each['best_rank']} to {each['worst_rank']}" if each["rank"] else "–"
        counts = f"{each['wins']:>6} won {each['losses']:>6} lost"
        lines.append(f"{each['name'][:24]:24} {counts}  {share:26} {strength:22} {place}")
    columns = ("votes", "wins", "losses", "both_good", "both_bad", "cannot_judge")
    lines += [
        "",
        "Pairs: votes, first, second, both good, both bad, can't judge; first's share; p by Holm",
        "",
    ]
    for pair in result["pairs"]:
        counts = " ".join(f"{pair[key]:>5}" for key in columns)
        p = f"{pair['p_holm']:.3f}" if pair["p_holm"] is not None else "–"
        names = f"{pair['one'][:16]} | {pair['other'][:16]}"
        lines.append(f"{names:36} {counts}  {_interval(pair['share'], pair['low'], pair['high'], 100, ' %'):24} {p}")
    return [*lines, "", "What was done", "", *_wrapped(result["methods"])]


def _interval(value: float | None, low: float | None, high: float | None, scale: float, unit: str) -> str:
    if value is None:
        return "–"
    digits = 1 if scale == 100 else 2
    told = f"{scale * value:.{digits}f}{unit}"
    return told if low is None or high is None else f"{told} [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH) or [""]


if __name__ == "__main__":
    main(*sys.argv[1:])
