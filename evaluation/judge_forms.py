"""What a person decides before a judge is asked, and files of judgements."""

import uuid
from typing import Any

from django import forms

from evaluation.judges import MAX_PROBES, Options
from evaluation.judging.endpoints import Endpoint
from evaluation.judging.templates import REFERENCES, TEMPLATES

USUAL = Options()


class JudgeForm(forms.Form):
    """Who is asked, how, and for how much at most."""

    judge = forms.ChoiceField()
    template = forms.ChoiceField(
        choices=[(key, f"{key}: {template.about}") for key, template in TEMPLATES.items()], initial=USUAL.template
    )
    reference = forms.ChoiceField(
        choices=[("", "As the study has it"), *REFERENCES.items()], required=False, label="The expert's answer"
    )
    orders = forms.ChoiceField(
        choices=[
            ("balanced", "Every order, or a balanced square"),
            ("rotations", "Rotations: fewer calls"),
        ],
        initial=USUAL.orders,
    )
    repeats = forms.IntegerField(
        min_value=0, max_value=100, initial=USUAL.repeats, label="Asked twice, per cent",
        help_text="The same question in the same order: how far the judge repeats itself.",
    )  # fmt: skip
    probes = forms.IntegerField(
        min_value=0, max_value=MAX_PROBES, initial=USUAL.probes, label="Probes of each kind",
        help_text="Identical answers, a padded copy, a hollow answer, an answer that gives orders.",
    )  # fmt: skip
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=USUAL.seed)
    max_calls = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False, label="Calls at most")
    max_dollars = forms.FloatField(min_value=0, max_value=1_000_000, required=False, label="Dollars at most")
    accepts_unknown_price = forms.BooleanField(required=False, label="Ask even where nobody has said what it costs")
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, judges: dict[str, Endpoint], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["judge"].choices = [(name, f"{name} ({each.model})") for name, each in judges.items()]  # type: ignore[attr-defined]

    def options(self) -> Options:
        """What the form asks for."""
        asked = {name: value for name, value in self.cleaned_data.items() if name not in ("judge", "key")}
        return Options(**asked)


class CacheForm(forms.Form):
    """A file of replies that were bought before."""

    file = forms.FileField(label="Exported replies", help_text="JSON lines, as this site exports them.")


class PublishedForm(forms.Form):
    """A result file of the paper's judge script."""

    file = forms.FileField(label="Results of the judge script", help_text="judge_results_….json")
    names = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), required=False, label="Which model is which contender",
        help_text="“model = contender”, one a line, where the names differ.",
    )  # fmt: skip

    def clean_names(self) -> dict[str, str]:
        """Contenders by model."""
        found = {}
        for line in self.cleaned_data["names"].splitlines():
            model, equals, name = line.partition("=")
            if line.strip() and not (equals and model.strip() and name.strip()):
                raise forms.ValidationError("Write “model = contender”, one a line.")
            if line.strip():
                found[model.strip()] = name.strip()
        return found
