"""An analysis as a report: JSON, one HTML file, pages."""

import base64
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from evaluation import drawing, figures
from evaluation.models import Analysis

STYLES = ("tokens.css", "site.css", "evaluation.css")


def to_json(analysis: Analysis) -> dict[str, Any]:
    """The report as plain values, for commands and scripts."""
    return analysis.told


def to_html(analysis: Analysis) -> str:
    """The report as one file that needs no other: styles and figures inside."""
    styles = "\n".join((settings.BASE_DIR / "static" / "css" / name).read_text() for name in STYLES)
    folder = drawing.folder_of(analysis)
    drawn = {name: (folder / f"{name}.svg").read_text(encoding="utf-8") for name in figures.NAMES}
    context = {
        "report": analysis.result,
        "analysis": analysis,
        "styles": styles,
        "figures": {name: _inside(svg) for name, svg in drawn.items()},
        "dark_figures": {name: _inside(figures.darkened(svg)) for name, svg in drawn.items()},
        "whole": True,
        "rater_rows": analysis.result["rater_rows"],
    }
    return render_to_string("evaluation/report_file.html", context)


def _inside(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def to_pdf(analysis: Analysis) -> bytes:
    """The report as pages."""
    return (drawing.folder_of(analysis) / "report.pdf").read_bytes()
