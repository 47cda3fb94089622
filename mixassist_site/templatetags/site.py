"""How values are written on a page."""

import json
import math
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
# What would end a script element early is written as JSON escapes.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@register.simple_tag
def json_of(value: Any) -> SafeString:
    """A value as JSON inside a script element."""
    return format_html("{}", SafeString(json.dumps(value).translate(_ESCAPES)))


@register.filter
def clock(milliseconds: int | None) -> str:
    """Milliseconds as 1:02:03.4; tenths are what annotators read."""
    if milliseconds is None:
        return "–"
    if milliseconds < 0:
        return f"−{clock(-milliseconds)}"
    tenths = round(milliseconds / 100)
    seconds, tenth = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}.{tenth}" if hours else f"{minute}:{second:02}.{tenth}"


@register.filter
def short(digest: str) -> str:
    """The first twelve letters of a hash."""
    return digest[:12]


@register.filter
def megabytes(size: int | None) -> str:
    """Bytes as megabytes."""
    return f"{size / 1e6:,.1f} MB" if isinstance(size, int) else "–"


@register.filter
def lasting(seconds: float) -> str:
    """A time in words: 40 s, 12 min, 3 h 5 min."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """One value of a mapping whose key a page only knows at run time."""
    return mapping.get(key)
