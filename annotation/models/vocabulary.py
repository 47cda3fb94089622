"""What a project's words and rules were at a time: version after version, none ever changed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

Entry = dict[str, Any]
LONGEST_KEY = 40  # as conversations and flags keep it


def paper_topics() -> list[Entry]:
    """The six topics of the MixAssist data set, in its spelling."""
    names = ("drums", "overall_mix", "guitars", "bass", "vocals", "keys")
    return [{"key": name, "label": name.replace("_", " ").capitalize()} for name in names]


def paper_flags() -> list[Entry]:
    """The one flag of the data set: the expert's turn carries advice that one can act on."""
    return [{"key": "has_content", "label": "Has content", "letter": "h"}]


def usual_rules() -> Entry:
    """Lengths that are rarely meant otherwise; `max_ms` null is no limit, `overlap` is of segments on one lane."""
    return {
        "lanes": {
            "amateur": {"min_ms": 200, "max_ms": 60_000, "overlap": "allow"},
            "expert": {"min_ms": 200, "max_ms": 60_000, "overlap": "allow"},
            "music": {"min_ms": 100, "max_ms": 30_000, "overlap": "warn"},  # the base model hears 30 s at a time
            "note": {"min_ms": 0, "max_ms": None, "overlap": "allow"},
        },
        "summary_words": {"min": 0, "max": 80},
    }


def keeping(entries: Sequence[Entry], known: Iterable[Entry]) -> list[Entry]:
    """Entries, and after them the known ones that they don't name: a key that exists never vanishes."""
    named = {entry["key"] for entry in entries}
    return [*entries, *(entry for entry in known if entry["key"] not in named)]


class VocabularyVersion(models.Model):
    """One version of a project's topics, flags and rules; layers keep the keys, so a key stays for ever."""

    project = models.ForeignKey("annotation.Project", on_delete=models.CASCADE, related_name="vocabulary_versions")
    number = models.PositiveIntegerField()
    topics = models.JSONField()
    flags = models.JSONField()
    rules = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="vocabulary_number_once_per_project")]

    def differs_from(self, before: "VocabularyVersion") -> list[str]:
        """What became different since an earlier version, each in a few words."""
        told = [*_entries("topic", before.topics, self.topics), *_entries("flag", before.flags, self.flags)]
        return [*told, *_rules(before.rules, self.rules)]


def _entries(noun: str, before: Sequence[Entry], after: Sequence[Entry]) -> list[str]:
    old = {entry["key"]: entry for entry in before}
    told = []
    for entry in after:
        key, was = entry["key"], old.get(entry["key"])
        if was is None:
            told.append(f"{noun} {key} added")
            continue
        if entry["label"] != was["label"]:
            told.append(f"{noun} {key} is called “{entry['label']}”, was “{was['label']}”")
        if entry.get("letter", "") != was.get("letter", ""):
            told.append(f"{noun} {key} has the letter {entry.get('letter') or '–'}, had {was.get('letter') or '–'}")
        if bool(entry.get("retired")) != bool(was.get("retired")):
            told.append(f"{noun} {key} {'retired' if entry.get('retired') else 'brought back'}")
    if [entry["key"] for entry in after if entry["key"] in old] != [*old]:
        told.append(f"{noun}s in another order")
    return told


def _rules(before: Entry, after: Entry) -> list[str]:
    old, new = dict(_flat(before)), dict(_flat(after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"{name}: {_said(new.get(name))}, was {_said(old.get(name))}" for name in names]


def _flat(rules: Entry) -> Iterable[tuple[str, Any]]:
    for lane, rule in rules.get("lanes", {}).items():
        for name, value in rule.items():
            yield f"{lane} {name.replace('_ms', ' (ms)')}", value
    for name, value in rules.get("summary_words", {}).items():
        yield f"summary words {name}", value


def _said(value: Any) -> str:
    return "no limit" if value is None else str(value)
