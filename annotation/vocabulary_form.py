"""The form of a project's vocabulary: topics and flags row by row, and the rules."""

from typing import Any

from django import forms
from django.utils.text import slugify

from annotation.models import Lane, Project
from annotation.models.vocabulary import LONGEST_KEY, Entry, keeping

MOST = 60  # entries of one list
LONGEST_MS = 24 * 3_600_000
NO_KEY = "The key is made of letters a to z and digits, and there are none here; the label can be changed later."
INCOMPLETE = {"missing_management_form": "This came back incomplete; open the page again."}


class TopicForm(forms.Form):
    """One topic: its key stays what it is, its label is for people."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    label = forms.CharField(max_length=60, error_messages={"required": "Say what people read."})
    retired = forms.BooleanField(required=False)


class FlagForm(TopicForm):
    """One flag, with the letter that sets it after F."""

    letter = forms.RegexField(
        r"^[A-Za-z]$",
        required=False,
        widget=forms.TextInput(attrs={"maxlength": 1, "size": 1}),
        error_messages={"invalid": "One letter from a to z."},
    )

    def clean_letter(self) -> str:
        """A small letter."""
        letter: str = self.cleaned_data["letter"]
        return letter.lower()


class Rows(forms.BaseFormSet):  # type: ignore[type-arg]
    """Rows of a list in an order that can be changed; those that exist keep their keys, new ones get one."""

    noun = "topic"

    def __init__(self, data: Any, *, prefix: str, known: list[Entry]) -> None:
        self.known = {entry["key"] for entry in known}
        super().__init__(data, prefix=prefix, initial=known, error_messages=INCOMPLETE)

    def clean(self) -> None:
        """Each key once, each label and each letter once among those that can be chosen."""
        if not self.management_form.is_valid():
            return
        typed = [form for form in self.forms if form.has_changed() or form.cleaned_data.get("key")]
        kept = {form.cleaned_data.get("key") for form in typed} & self.known
        for form in typed:
            if "label" in form.cleaned_data and form.cleaned_data.get("key") not in self.known:
                self._name(form, taken=kept | self.known)
                kept.add(form.cleaned_data.get("key"))
        in_use = [form for form in typed if not form.cleaned_data.get("retired")]
        self._once(in_use, "label", f"Another {self.noun} is called this.")
        self._once(in_use, "letter", f"Another {self.noun} has this letter.")
        if self.noun == "topic" and not in_use:
            raise forms.ValidationError("Leave at least one topic that can be chosen.")

    def _name(self, form: forms.Form, *, taken: set[Any]) -> None:
        key = slugify(form.cleaned_data["label"]).replace("-", "_")[:LONGEST_KEY]
        if not key:
            form.add_error("label", NO_KEY)
        elif key in taken:
            form.add_error("label", f"There is a {self.noun} with the key “{key}” already; use or bring back that one.")
        form.cleaned_data["key"] = key

    def _once(self, typed: list[Any], name: str, sentence: str) -> None:
        seen = set()
        for form in typed:
            value = form.cleaned_data.get(name, "").casefold()
            if value and value in seen:
                form.add_error(name, sentence)
            seen.add(value)

    def entries(self) -> list[Entry]:
        """What was typed, in its order."""
        made = []
        for form in self.ordered_forms:
            said = form.cleaned_data
            entry = {name: said[name] for name in ("key", "label", "letter") if name in said}
            made.append({**entry, "retired": True} if said["retired"] else entry)
        return made


class FlagRows(Rows):
    """Rows of flags."""

    noun = "flag"


OPTIONS: dict[str, Any] = {"can_order": True, "extra": 2, "max_num": MOST, "absolute_max": MOST, "validate_max": True}
TopicSet: Any = forms.formset_factory(TopicForm, formset=Rows, **OPTIONS)
FlagSet: Any = forms.formset_factory(FlagForm, formset=FlagRows, **OPTIONS)


class RulesForm(forms.Form):
    """How long segments are, whether they overlap, and how many words a summary has."""

    summary_min = forms.IntegerField(min_value=0, max_value=1000, label="Fewest words of a context summary")
    summary_max = forms.IntegerField(min_value=1, max_value=1000, label="Most words of a context summary")
    note = forms.CharField(
        required=False, max_length=200, label="Note", help_text="Why it changes, for those who read the versions."
    )

    def __init__(self, data: Any, *, prefix: str, rules: Entry) -> None:
        initial = {f"summary_{name}": value for name, value in rules["summary_words"].items()}
        for lane, rule in rules["lanes"].items():
            initial |= {f"{lane}_{name}": value for name, value in rule.items()}
        super().__init__(data, prefix=prefix, initial=initial)
        for lane in Lane.values:
            name = lane.capitalize()
            self.fields[f"{lane}_min_ms"] = forms.IntegerField(
                min_value=0, max_value=LONGEST_MS, label=f"{name}: shortest (ms)"
            )
            self.fields[f"{lane}_max_ms"] = forms.IntegerField(
                min_value=1, max_value=LONGEST_MS, required=False, label=f"{name}: longest (ms)"
            )
            self.fields[f"{lane}_overlap"] = forms.ChoiceField(
                choices=[("allow", "may overlap"), ("warn", "warn of overlaps")], label=f"{name}: segments of this lane"
            )

    def lanes(self) -> list[tuple[Any, ...]]:
        """The fields lane by lane."""
        names = ("min_ms", "max_ms", "overlap")
        return [(lane.capitalize(), *(self[f"{lane}_{name}"] for name in names)) for lane in Lane.values]

    def words(self) -> list[Any]:
        """The fields that are of no lane."""
        return [self["summary_min"], self["summary_max"], self["note"]]

    def clean(self) -> dict[str, Any]:
        """The least is not above the most."""
        said = super().clean() or {}
        pairs = [(f"{lane}_min_ms", f"{lane}_max_ms") for lane in Lane.values] + [("summary_min", "summary_max")]
        for least, most in pairs:
            if said.get(most) is not None and said.get(least) is not None and said[most] <= said[least]:
                self.add_error(most, f"This has to be more than the least, {said[least]:,}.")
        return said

    def rules(self) -> Entry:
        """The rules as a project keeps them."""
        said = self.cleaned_data
        names = ("min_ms", "max_ms", "overlap")
        lanes = {lane: {name: said[f"{lane}_{name}"] for name in names} for lane in Lane.values}
        return {"lanes": lanes, "summary_words": {"min": said["summary_min"], "max": said["summary_max"]}}


class VocabularyForm:
    """All that makes a version, on one page and in one request."""

    def __init__(self, project: Project, data: Any = None) -> None:
        self.project = project
        self.topics = TopicSet(data, prefix="topics", known=project.topics)
        self.flags = FlagSet(data, prefix="flags", known=project.flags)
        self.rules = RulesForm(data, prefix="rules", rules=project.rules)

    def is_valid(self) -> bool:
        """Whether every part is; each says what is wrong beside its field."""
        return all(part.is_valid() for part in (self.topics, self.flags, self.rules))

    def words(self) -> Entry:
        """Topics, flags and rules as a version has them."""
        topics = keeping(self.topics.entries(), self.project.topics)
        flags = keeping(self.flags.entries(), self.project.flags)
        return {"topics": topics, "flags": flags, "rules": self.rules.rules()}

    def is_different(self) -> bool:
        """Whether a version of this would differ from the newest."""
        return any(getattr(self.project, name) != value for name, value in self.words().items())
