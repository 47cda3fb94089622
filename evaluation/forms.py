"""What a person decides before a study, and while it runs."""

import uuid
from dataclasses import fields
from typing import Any

from django import forms

from annotation.models import Project, Snapshot
from evaluation import flags, joining, pairing, protocol, rules
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
    topics = forms.CharField(required=False, help_text="With commas. Empty: rows of every topic.")
    with_clip = forms.BooleanField(required=False, label="Only rows with a clip")
    sample = forms.IntegerField(
        min_value=1, required=False, label="Items to draw", help_text="By the seed. Empty: all that can be compared."
    )
    scale = forms.ChoiceField(choices=list(rules.SCALES.items()), required=False)
    tie = forms.ChoiceField(choices=list(rules.TIES.items()), required=False, label="What a tie is called")
    criteria = forms.MultipleChoiceField(
        choices=list(rules.CRITERIA.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    criteria_when = forms.ChoiceField(
        choices=list(rules.PASSES.items()), required=False, label="When the criteria are asked"
    )
    criteria_optional = forms.BooleanField(
        required=False, label="Raters may leave criteria open", help_text="What is left open is kept as not said."
    )
    listening = forms.ChoiceField(choices=list(rules.LISTENING.items()), required=False)
    practice = forms.IntegerField(min_value=0, max_value=10, required=False, label="Practice pairs, with feedback")
    quiz = forms.BooleanField(required=False, label="Ask whether the task was understood (two attempts)")
    attention = forms.IntegerField(min_value=0, max_value=20, required=False, label="Attention pairs per rater")
    gold = forms.IntegerField(min_value=0, max_value=20, required=False, label="Gold pairs per rater")
    repeats = forms.IntegerField(
        min_value=0, max_value=50, required=False, label="Repeats per rater", help_text="With their sides exchanged."
    )
    block = forms.IntegerField(
        min_value=0, max_value=500, required=False, label="Pairs between breaks", help_text="Empty: no breaks."
    )
    source_share = forms.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        label="Share of pairs followed by “which was written by a person?”",
        help_text="From 0 to 1; 0.1 is usual.",
    )
    design = forms.ChoiceField(choices=list(rules.DESIGNS.items()), required=False)
    stopping = forms.ChoiceField(choices=list(rules.STOPPING.items()), required=False, label="When the study stops")
    exclusions = forms.MultipleChoiceField(
        choices=[(rule, rule) for rule in rules.EXCLUSIONS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Rules by which raters may be excluded",
        help_text="Said before anybody votes; a person decides, and the decision is logged.",
    )
    consent = forms.CharField(
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        label="Consent text",
        help_text="Raters agree to it before they begin. Empty: nothing to agree to.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, generations: dict[str, Generation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.generations = generations
        self.fields["contenders"].choices = [(name, name) for name in generations]  # type: ignore[attr-defined]

    def plan(self, snapshot: Snapshot, split: str) -> protocol.Plan:
        """What the form asks for."""
        asked = dict(self.cleaned_data)
        chosen = tuple(self.generations[name] for name in asked.pop("contenders"))
        picked = {name: asked.pop(name) for name in ("topics", "with_clip", "sample")}
        topics = tuple(topic.strip() for topic in picked.pop("topics").split(",") if topic.strip())
        told = {field.name: asked.pop(field.name) for field in fields(rules.Rules) if field.name in asked}
        named: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in told.items() if value
        }
        return protocol.Plan(
            snapshot=snapshot,
            split=split,
            contenders=chosen,
            rules=rules.Rules(**named),
            choice=pairing.Choice(topics=topics, **picked),
            **asked,
        )


class PanelForm(forms.Form):
    """Places, completion codes and the way back of a panel; they may change while a study runs."""

    places = forms.IntegerField(
        min_value=1, max_value=protocol.MAX_RATERS, required=False, help_text="Empty: as many as come."
    )
    return_url = forms.URLField(
        required=False, assume_scheme="https", label="The panel's page for completions", help_text="https:// only."
    )
    complete = forms.CharField(max_length=40, required=False, label="Code: complete")
    failed_checks = forms.CharField(max_length=40, required=False, label="Code: complete, checks failed")
    screened_out = forms.CharField(max_length=40, required=False, label="Code: screened out")
    withdrawn = forms.CharField(max_length=40, required=False, label="Code: withdrawn")
    full = forms.CharField(max_length=40, required=False, label="Code: study full")

    def clean_return_url(self) -> str:
        """Codes leave this site over an encrypted way alone."""
        address = str(self.cleaned_data["return_url"])
        if address and not address.startswith("https://"):
            raise forms.ValidationError("The address begins with https://.")
        return address

    @property
    def panel(self) -> dict[str, Any]:
        """As the study keeps it."""
        told = self.cleaned_data
        codes = {name: told[name] for name in joining.CODES if told[name]}
        return {"places": told["places"], "return_url": told["return_url"], "codes": codes}


class DecisionForm(forms.Form):
    """Why a rater is excluded, or counts again."""

    rule = forms.ChoiceField(choices=[(rule, rule) for rule in (*flags.RULES, "other")], required=False)
    reason = forms.CharField(max_length=2000)


class RatersForm(forms.Form):
    """How many more raters a study invites."""

    count = forms.IntegerField(min_value=1, max_value=protocol.MAX_RATERS, initial=1, label="More raters")


class PlannerForm(forms.Form):
    """A plan and the question it should answer."""

    contenders = forms.IntegerField(min_value=2, max_value=20, initial=2)
    raters = forms.IntegerField(min_value=1, max_value=100_000, initial=12)
    items = forms.IntegerField(min_value=1, max_value=1_000_000, initial=100)
    votes_per_rater = forms.IntegerField(
        min_value=1, max_value=10_000, initial=20, help_text="At most one a rater on each item."
    )
    share = forms.FloatField(
        min_value=0.01, max_value=0.99, initial=0.6, label="Share to be told from a half",
        help_text="Of decided votes: 0.6 is 60 against 40. What difference would matter to you?",
    )  # fmt: skip
    rho = forms.FloatField(
        min_value=0, max_value=1, initial=0.1, label="Correlation of one rater's votes",
        help_text="0 if raters were interchangeable; 0.05 to 0.2 is usual.",
    )  # fmt: skip
    tie_share = forms.FloatField(
        min_value=0, max_value=0.99, initial=0.25, label="Share of votes that decide nothing",
        help_text="Ties, both bad, can't judge. In the paper's study 27 of 100.",
    )  # fmt: skip
    power = forms.FloatField(min_value=0.5, max_value=0.99, initial=0.8)
    alpha = forms.FloatField(min_value=0.001, max_value=0.2, initial=0.05, label="Error allowed (α, two-sided)")
