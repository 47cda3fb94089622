"""How numbers of a report are written: never more digits than they carry, a dash where there is nothing."""

from typing import Any

from django import template

TITLES = {"bleu": "BLEU", "rouge_l": "ROUGE-L", "bertscore": "BERTScore"}

OUTCOMES = {"one": "first better", "other": "second better", "both_good": "both good", "both_bad": "both bad"}

register = template.Library()
NOTHING = "–"


@register.filter
def percent(share: float | None) -> str:
    """A share as 54.8 %, which no line breaks."""
    return NOTHING if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


@register.filter
def signed(value: float | None) -> str:
    """A log odds as +0.35."""
    if value is None:
        return NOTHING
    rounded = round(value, 2) + 0.0  # no minus before a zero
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"


@register.filter
def pvalue(p: float | None) -> str:
    """A p as 0.057, or < 0.001."""
    return NOTHING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


@register.filter
def plain(value: float | str | None) -> str:
    """A number with three digits that count: 48.5, 0.588; what a template doesn't find is an empty string."""
    if value is None or isinstance(value, str):
        return NOTHING
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}".replace("-", "−")


@register.filter
def metric(name: str) -> str:
    """A metric by the name that people know."""
    return TITLES.get(name, name)


@register.filter
def outcome(name: str) -> str:
    """An outcome of a pair in words."""
    return OUTCOMES.get(name, name)


@register.filter
def anything(value: Any) -> str:
    """Any value of a result, as short as it can be told."""
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    return NOTHING if value is None or value == "" else str(value)
