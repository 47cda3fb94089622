"""What a person decides before a study, and while it runs."""

import uuid
from typing import Any

from django import forms

from annotation.models import Project, Snapshot
from evaluation import protocol
from mixassist_site.jobs import State
from modeling.models import Generation

RowsKey = str  # "<snapshot id>/<split>"


def comparable_rows(project: Project) -> dict[RowsKey, tuple[Snapshot, str]]:
    """Splits of frozen snapshots that at least two sources have answered, newest answers first."""
    finished = Generation.objects.filter(project=project, state=State.SUCCEEDED)
    found: dict[RowsKey, tuple[Snapshot, str]] = {}
    sources: dict[RowsKey, set[str]] = {}
    for generation in finished.select_related("snapshot", "base", "adapter").order_by("-pk"):
        key = f"{generation.snapshot_id}/{generation.split}"
        found.setdefault(key, (generation.snapshot, generation.split))
        sources.setdefault(key, set()).add(generation.source_name)
    return {key: rows for key, rows in found.items() if len(sources[key]) >= 2}


class StudyForm(forms.Form):
    """A study on one split of one snapshot; which split decides who can compete."""

    contenders = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, help_text="At least two. The newest answers of each stand for it."
    )
    title = forms.CharField(
        max_length=200,
        required=False,
        help_text="For members of the project; raters don't see it. Empty: named after the snapshot.",
    )
    question = forms.CharField(max_length=300, initial=protocol.QUESTION)
    instructions = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), required=False, initial=protocol.INSTRUCTIONS
    )
    raters = forms.IntegerField(
        min_value=1, max_value=protocol.MAX_RATERS, initial=6, help_text="Each gets a link of their own."
    )
    ratings = forms.IntegerField(
        min_value=1,
        max_value=protocol.MAX_RATINGS,
        required=False,
        label="Ratings per comparison",
        help_text="By different raters. Empty: as many as these raters can give when each sees every item once.",
    )
    trials = forms.IntegerField(
        min_value=1, required=False, label="Pairs per rater", help_text="Empty: just enough for the ratings above."
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, generations: dict[str, Generation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.generations = generations
        self.fields["contenders"].choices = [(name, name) for name in generations]  # type: ignore[attr-defined]

    def plan(self, snapshot: Snapshot, split: str) -> protocol.Plan:
        """What the form asks for."""
        asked = {name: value for name, value in self.cleaned_data.items() if name != "contenders"}
        chosen = tuple(self.generations[name] for name in self.cleaned_data["contenders"])
        return protocol.Plan(snapshot=snapshot, split=split, contenders=chosen, **asked)


class RatersForm(forms.Form):
    """How many more raters a study invites."""

    count = forms.IntegerField(min_value=1, max_value=protocol.MAX_RATERS, initial=1, label="More raters")
