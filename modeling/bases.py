"""Which base models the site knows, and how a child process is told where one lies."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.utils.text import slugify

from modeling.backbones.errors import BackboneError
from modeling.backbones.registry import FAMILIES, Family, family_of
from modeling.models import BaseModel, Source
from modeling.models.base_model import TINY

FAMILY = "qwen2_audio"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class BaseError(ValueError):
    """A base model that isn't there, or can't be added, in a sentence that a person can act on."""


def known_keys() -> list[str]:
    """The keys that a run may name; the miniature is always among them."""
    return sorted({TINY, *BaseModel.objects.values_list("key", flat=True)}, key=lambda key: (key != TINY, key))


def named(key: str) -> BaseModel:
    """The base with this key; the miniature's row is made when it is first asked for."""
    if key == TINY:
        return BaseModel.objects.get_or_create(key=TINY, defaults={"license": "MIT"})[0]
    try:
        return BaseModel.objects.get(key=key)
    except BaseModel.DoesNotExist:
        known = ", ".join(known_keys())
        raise BaseError(f"There is no base model {key}; the site knows {known}. Add one with add_base.") from None


def add(key: str, location: str, *, revision: str = "", license: str = "") -> BaseModel:
    """Register a checkpoint directory or a hub id under a key; the same again changes nothing."""
    if key in (TINY, Source.EXPERT) or slugify(key) != key:
        raise BaseError(
            f"A key is of lower-case letters, digits and hyphens, and neither {TINY} nor expert; {key!r} won't do."
        )
    folder = Path(location).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise BaseError(f"The directory {location} holds no config.json, so it is no checkpoint.")
        _require_known(folder)
        location = str(folder.resolve())
    elif not HUB_ID.fullmatch(location):
        raise BaseError(f"{location} is neither a directory nor a hub id like Qwen/Qwen2-Audio-7B-Instruct.")
    facts = {"location": location, "revision": revision, "license": license}
    base, is_new = BaseModel.objects.get_or_create(key=key, defaults=facts)
    if not is_new and (base.location, base.revision) != (location, revision):
        raise BaseError(f"The key {key} already stands for {base.location}; take another for {location}.")
    return base


def family_in(folder: Path) -> Family | None:
    """The family of a checkpoint directory by its config; None without one that can be read and opened."""
    try:
        return family_of(SimpleNamespace(**json.loads((folder / "config.json").read_text())))
    except (OSError, ValueError, TypeError):
        return None


def family_named(base: BaseModel) -> Family | None:
    """The family of a base, as far as it can be told without fetching anything."""
    if base.is_tiny:
        return FAMILIES[FAMILY]
    return family_in(Path(base.location)) if base.location else None


def _require_known(folder: Path) -> None:
    """Refuse a checkpoint of a family that can't be opened, before anybody waits for it."""
    try:
        config = json.loads((folder / "config.json").read_text())
        family_of(SimpleNamespace(**config))
    except BackboneError as error:
        raise BaseError(error.sentence) from None
    except (OSError, ValueError, TypeError):
        raise BaseError(f"The config.json of {folder} can't be read, so it is no checkpoint.") from None


def from_shell(words: str) -> BaseModel:
    """The base with this key, or the checkpoint directory or hub id of that name, registered if it is new."""
    if words in known_keys():
        return named(words)
    if not HUB_ID.fullmatch(words) and not Path(words).expanduser().is_dir():
        return named(words)  # says which keys there are
    folder = Path(words).expanduser()
    location = str(folder.resolve()) if folder.is_dir() else words
    known = BaseModel.objects.filter(location=location).first()
    return known or add(slugify(Path(location).name.replace(".", "-")), location)


def kind_of(key: str) -> str:
    """Which preset of a training config fits a base."""
    return "tiny" if key == TINY else FAMILY


def request_of(base: BaseModel) -> dict[str, Any]:
    """A base as a child's request names it."""
    tiny = Path(settings.MODELS_ROOT) / TINY
    return {
        "kind": kind_of(base.key),
        "key": base.key,
        "path": base.location or str(tiny),
        "revision": base.revision or None,
    }
