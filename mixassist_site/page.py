"""What every page's frame shows: the areas of the site, and the modules that its scripts import."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


def frame(request: HttpRequest) -> dict[str, Any]:
    """The navigation's links, and the import map."""
    return {"areas": areas(), "importmap": importmap()}


def areas() -> list[tuple[str, str]]:
    """Where a person who is logged in can go from anywhere."""
    words = {"home": "Home", "projects": "Projects", "jobs": "Jobs", "tokens": "API"}
    return [(reverse(name), word) for name, word in words.items()]


@lru_cache(maxsize=1)
def importmap() -> dict[str, dict[str, str]]:
    """Every module under static/js by its bare name: `workbench/timeline` is static/js/workbench/timeline.js."""
    root = Path(settings.BASE_DIR) / "static" / "js"
    files = sorted(path.relative_to(root) for path in root.rglob("*.js"))
    return {"imports": {str(path.with_suffix("")): static(f"js/{path}") for path in files}}
