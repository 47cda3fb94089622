"""The figures of a snapshot as SVG that reads on light and on dark pages, each with its numbers as CSV beside.

`python -m annotation.releases.figures SNAPSHOT OUT` draws them all; it needs no Django and no database.
"""

import csv
import io
import re
import sys
from pathlib import Path
from typing import Any

from annotation.releases.statistics import Table, gather, tables

# Each colour as it is on a light page, its name in the drawing, and what it is on a dark one.
INK, SOFT, GRID, PANEL, ON_BAR = "#1c2024", "#5b646d", "#d9dee2", "#ffffff", "#fefefe"
DARK = {INK: "#e6e9ec", SOFT: "#9aa5af", GRID: "#333a41", PANEL: "#1b1f23", ON_BAR: "#14171a"}
SERIES = {
    "train": ("#1f5fbf", "#7fb0f5"),
    "validation": ("#6a3fb0", "#b99af0"),
    "test": ("#0b6e6f", "#5cc7c3"),
    "amateur": ("#a94e09", "#f2a65e"),
    "expert": ("#0b6e6e", "#5cc7c4"),
    "yes": ("#1a7040", "#6cc793"),
    "no": ("#b3261e", "#f28b82"),
    "unset": ("#59636e", "#a6b0b9"),
}
STYLE: dict[str, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "mixassist",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "axes.facecolor": PANEL,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}
_COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")


def draw(table: Table) -> bytes:
    """Draw a table as bars; the same table gives the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = STYLE
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(6.4, 1.1 + 0.34 * max(2, len(table.rows))), layout="constrained", facecolor=PANEL)
        FigureCanvasSVG(figure)
        _bars(figure.subplots(), table)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _on_both_grounds(out.getvalue()).encode()


def _bars(axes: Any, table: Table) -> None:
    """One stacked bar a row, the first at the top, with its sum at the end."""
    names = [name if len(name) <= 24 else f"{name[:23]}…" for name, _ in table.rows]
    places = range(len(names))
    ends = [0] * len(names)
    most = max([sum(counts) for _, counts in table.rows], default=0) or 1
    for number, series in enumerate(table.series):
        widths = [counts[number] for _, counts in table.rows]
        axes.barh(places, widths, left=ends, color=SERIES[series][0], height=0.66, label=series)
        for place, width in zip(places, widths, strict=True):
            if width > 0.06 * most:
                at = {"ha": "center", "va": "center", "fontsize": 8}
                axes.text(ends[place] + width / 2, place, str(width), color=ON_BAR, **at)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    if len(table.series) > 1:
        for place, end in zip(places, ends, strict=True):
            axes.text(end + 0.01 * most, place, str(end), color=SOFT, va="center", fontsize=8)
    axes.set_yticks(places, names)
    axes.set_xlim(0, 1.08 * most)
    axes.set_ylim(max(2, len(names)) - 0.5, -0.5)  # the first at the top, and a bar alone no fatter than others
    axes.tick_params(length=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(ncols=3, frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.0), handlelength=1)


def _on_both_grounds(svg: str) -> str:
    """Let each colour follow the page's scheme; a program that knows no variables keeps the light one."""
    dark = DARK | dict(SERIES.values())
    rules = ";".join(f"--c{light[1:]}:{colour}" for light, colour in dark.items())
    plain = ";".join(f"--c{light[1:]}:{light}" for light in dark)
    style = f"<style>:root{{{plain}}}@media (prefers-color-scheme: dark){{:root{{{rules}}}}}</style>"
    told = _COLOUR.sub(lambda m: f"{m[0]}; {m[1]}: var(--c{m[2][1:]})" if m[2] in dark else m[0], svg)
    head, tag, rest = told.partition("<defs>")
    return f"{head}{style}{tag}{rest}"


def as_csv(table: Table) -> bytes:
    """The numbers of a figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([table.heading, *table.series])
    writer.writerows([name, *counts] for name, counts in table.rows)
    return out.getvalue().encode()


def draw_all(snapshot: Path, out: Path) -> None:
    """Draw every figure of a snapshot into a folder that is there."""
    for table in tables(gather(snapshot)):
        (out / f"{table.key}.csv").write_bytes(as_csv(table))
        (out / f"{table.key}.svg").write_bytes(draw(table))


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]), Path(sys.argv[2]))
