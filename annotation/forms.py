"""Forms of the annotation pages: what is asked, and the sentence when an answer won't do."""

import re
import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.text import slugify

from annotation.finding import SIDES, Wanted
from annotation.folding import MOST_CHARACTERS
from annotation.importing import FORMATS, MAX_BYTES, Speaker
from annotation.models import ApiToken, Lane, Layer, MixingSession, MixTrack, Person, Project, Recording, Role
from annotation.releases.options import CHOICES, Options
from annotation.snapshots.choosing import OPTIONAL, VALUES

RESERVED = {"new"}


class ProjectForm(forms.ModelForm):  # type: ignore[type-arg]
    """A project's name and guidelines; its vocabulary has versions and a form of its own."""

    class Meta:
        model = Project
        fields = ["name", "guidelines"]
        widgets = {"guidelines": forms.Textarea(attrs={"rows": 6})}
        help_texts = {"guidelines": "What annotators read beside the workbench."}

    def save(self, commit: bool = True) -> Project:
        """Save what this form asks and nothing else; a new project gets an address."""
        project: Project = self.instance
        if project.pk:
            project.save(update_fields=["name", "guidelines"])
        else:
            project.slug = free_slug(self.cleaned_data["name"])
            project.save()
        return project


def free_slug(name: str) -> str:
    """An address for a project that none has yet."""
    stem = slugify(name)[:50] or "project"
    slug, number = stem, 2
    while slug in RESERVED or Project.objects.filter(slug=slug).exists():
        slug, number = f"{stem}-{number}", number + 1
    return slug


class MembershipForm(forms.Form):
    """Who gets which role."""

    username = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Role.choices)

    def clean_username(self) -> Person:
        """The person of that name."""
        person = Person.objects.filter(username=self.cleaned_data["username"], is_active=True).first()
        if person is None:
            raise forms.ValidationError("Nobody has an account with this name; an administrator of the site makes one.")
        return person


class PersonForm(forms.Form):
    """A new account."""

    username = forms.RegexField(r"^[\w.@+-]+$", max_length=150, help_text="Letters, digits and @ . + - _")
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text="At least ten characters."
    )

    def clean_username(self) -> str:
        """A name that nobody has."""
        name: str = self.cleaned_data["username"]
        if Person.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError("Somebody has this name already.")
        return name

    def clean_password(self) -> str:
        """A password that is hard to guess."""
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class LayerForm(forms.Form):
    """Where a person's own layer begins."""

    parent = forms.ModelChoiceField(
        Layer.objects.none(), required=False, empty_label="an empty layer", label="Start from"
    )

    def __init__(self, *args: Any, visible: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].queryset = visible  # type: ignore[attr-defined]


class UploadForm(forms.Form):
    """A file that is about to come."""

    name = forms.CharField(max_length=255, error_messages={"required": "Choose a recording first."})
    size = forms.IntegerField(min_value=0, max_value=2**62, error_messages={"required": "Choose a recording first."})
    title = forms.CharField(required=False, max_length=200)
    fingerprint = forms.CharField(required=False, max_length=80)
    session = forms.ModelChoiceField(MixingSession.objects.none(), required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = project.sessions.all()  # type: ignore[attr-defined]

    @property
    def sentence(self) -> str:
        """The first thing that is wrong."""
        name, errors = next(iter(self.errors.items()))
        return str(errors[0]) if "recording" in errors[0] else f"{name.capitalize()}: {errors[0]}"


_CLOCK = re.compile(r"^([-−+]?)(?:(?:(\d{1,2}):)?(\d{1,4}):)?(\d{1,6}(?:[.,]\d{1,3})?)$", re.ASCII)
FURTHEST_MS = 24 * 3600 * 1000


class PlacementForm(forms.Form):
    """What a recording holds, and when in its session it begins."""

    kind = forms.ChoiceField(choices=Recording.Kind.choices, label="Holds")
    begins = forms.CharField(
        label="Begins at",
        max_length=20,
        help_text="On the session's clock: 12.5 or 1:02.5; with − in front what lies before the session's start.",
    )

    def clean_begins(self) -> int:
        """Milliseconds, perhaps before the session's start."""
        found = _CLOCK.match(self.cleaned_data["begins"].strip())
        if not found:
            raise forms.ValidationError("Write a time in seconds, or as minutes and seconds: 12.5 or 1:02.5.")
        sign, hours, minutes, seconds = found.groups()
        whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000 + round(float(seconds.replace(",", ".")) * 1000)
        if whole > FURTHEST_MS:
            raise forms.ValidationError("A recording begins within a day of its session.")
        return -whole if sign in ("-", "−") else whole


class TranscriptForm(forms.Form):
    """A transcript that comes in."""

    file = forms.FileField(label="Transcript", help_text="The next page shows what would come of it.")
    format = forms.ChoiceField(required=False, help_text="The content tells it; choose one where that goes wrong.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        formats = [(name, name) for name in sorted(FORMATS)]
        self.fields["format"].choices = [("", "told by its content"), *formats]  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """A file of a transcript's size."""
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError("A transcript has at most 64 MB; this file is something else.")
        return file


class ProposalForm(forms.Form):
    """Whose microphone each of two recordings is."""

    amateur = forms.ChoiceField(label="Amateur’s microphone")
    expert = forms.ChoiceField(label="Expert’s microphone")

    def __init__(self, *args: Any, recordings: Sequence[Recording]) -> None:
        super().__init__(*args)
        self.microphones = {str(one.pk): one for one in recordings if one.kind != Recording.Kind.DAW}
        for number, field in enumerate(self.fields.values()):
            field.choices = [(pk, one.name) for pk, one in self.microphones.items()]  # type: ignore[attr-defined]
            field.initial = [*self.microphones, "", ""][number]

    @property
    def is_possible(self) -> bool:
        """Whether there are two to choose."""
        return len(self.microphones) > 1

    def chosen(self) -> tuple[Recording, Recording]:
        """The amateur's recording, and the expert's."""
        return self.microphones[self.cleaned_data["amateur"]], self.microphones[self.cleaned_data["expert"]]


LANE_CHOICES = [*Lane.choices, ("", "leave out")]


class MappingForm(forms.Form):
    """Which lane each speaker of a transcript goes to."""

    def __init__(self, speakers: Sequence[Speaker], *args: Any, lanes: dict[str, str] | None = None) -> None:
        super().__init__(*args)
        self.speakers = speakers
        for number, speaker in enumerate(speakers):
            self.fields[f"lane-{number}"] = forms.ChoiceField(
                choices=LANE_CHOICES,
                required=False,
                label=f"Lane of {speaker.name or 'the unnamed speaker'}",
                initial=(lanes or {}).get(speaker.name, ""),
            )

    def lanes(self) -> dict[str, str]:
        """The lane of each speaker by name."""
        return {speaker.name: self.cleaned_data[f"lane-{number}"] for number, speaker in enumerate(self.speakers)}


def read_lanes(pairs: list[str]) -> dict[str, str]:
    """`SPEAKER=LANE` pairs as a mapping, without a lane to leave one out; a ValidationError says what is wrong."""
    lanes = {}
    for pair in pairs:
        name, equals, lane = pair.rpartition("=")
        if not equals or lane.strip() not in ("amateur", "expert", "music", "note", ""):
            raise forms.ValidationError("Write each as NAME=LANE, the lane being amateur, expert, music or note.")
        lanes[name.strip()] = lane.strip()
    return lanes


class ReviewForm(forms.Form):
    """A reviewer's verdict."""

    verdict = forms.ChoiceField(choices=[("accept", "Accept"), ("return", "Return")])
    note = forms.CharField(required=False, max_length=5000)
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """A return says why."""
        cleaned = super().clean() or {}
        if cleaned.get("verdict") == "return" and not cleaned.get("note", "").strip():
            self.add_error("note", "Say what should be done before the layer comes back.")
        return cleaned


class SnapshotForm(forms.Form):
    """What a snapshot holds."""

    name = forms.CharField(max_length=120)
    has_content = forms.BooleanField(required=False, label="Only turns with content (has_content is yes)")
    topics = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None: all topics."
    )
    sessions = forms.TypedMultipleChoiceField(
        required=False, coerce=int, widget=forms.CheckboxSelectMultiple, help_text="None: all sessions."
    )
    layers = forms.TypedMultipleChoiceField(
        required=False, coerce=int, help_text="None: of each session the one that was accepted or submitted last."
    )
    state = forms.ChoiceField(
        required=False,
        label="Layers that are",
        choices=[
            ("", "accepted"),
            ("submitted", "accepted, else submitted"),
            ("any", "accepted, submitted or returned"),
        ],
    )
    submitted = forms.BooleanField(required=False, widget=forms.HiddenInput)  # scripts send it: the state “submitted”
    split = forms.ChoiceField(
        required=False,
        choices=[
            ("", "As it was published where all of it was, else by session"),
            ("session", "By session, drawn with the seed"),
            ("published", "As it was published"),
        ],
        help_text="The published split leaves out what comes from no published data set.",
    )
    exclude = forms.MultipleChoiceField(
        required=False,
        choices=list(OPTIONAL.items()),
        widget=forms.CheckboxSelectMultiple,
        label="Leave out rows with",
        help_text="The others are told and kept.",
    )
    fraction = forms.FloatField(
        min_value=0.01, max_value=1.0, initial=1.0, help_text="Share of the training rows; smaller ones are subsets."
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0, help_text="Decides the split.")
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        topics = self.fields["topics"]
        topics.choices = [(topic["key"], topic["label"]) for topic in project.topics]  # type: ignore[attr-defined]
        sessions = project.sessions.order_by("number").values_list("number", "title")
        self.fields["sessions"].choices = [(n, f"{n} {title}") for n, title in sessions]  # type: ignore[attr-defined]
        layers = Layer.objects.filter(session__project=project).exclude(state=Layer.State.DRAFT)
        self.fields["layers"].choices = [  # type: ignore[attr-defined]
            (
                layer.pk,
                f"{layer.session.number} {layer.session.title}: {whose(layer)}, {layer.get_state_display().lower()}",
            )
            for layer in layers.select_related("session", "owner").order_by("session__number", "pk")
        ]
        for flag in project.flags:
            self.fields[f"flag_{flag['key']}"] = forms.ChoiceField(
                required=False,
                label=f"Flag: {flag['label']}",
                choices=[("", "any"), *((each, each) for each in VALUES)],
            )
        self.order_fields(["name", "has_content", "topics", *(f"flag_{flag['key']}" for flag in project.flags)])

    def wanted(self) -> dict[str, Any]:
        """The filter as it is stored."""
        chosen = self.cleaned_data
        flags = {flag["key"]: chosen[f"flag_{flag['key']}"] for flag in self.project.flags}
        names = ("has_content", "topics", "sessions", "layers", "exclude", "fraction")
        return {
            **{name: chosen[name] for name in names},
            "flags": {flag: [value] for flag, value in flags.items() if value},
            "state": chosen["state"] or ("submitted" if chosen["submitted"] else "accepted"),
            "split": chosen["split"],
        }


def whose(layer: Layer) -> str:
    """Whose a layer is, for a list of them."""
    return layer.owner.username if layer.owner else layer.get_kind_display()


class SongForm(forms.Form):
    """The song of a session, among those whose track settings are here."""

    song = forms.ChoiceField(required=False, label="Song of this session")

    def __init__(self, *args: Any, session: MixingSession, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        songs = MixTrack.objects.filter(project=session.project_id).order_by("song_name")
        names = list(songs.values_list("song_name", flat=True).distinct())
        choices = [("", "as its title says"), *((name, name) for name in names)]
        self.fields["song"].choices = choices  # type: ignore[attr-defined]


class SearchForm(forms.Form):
    """Which turns are looked for; what is left empty doesn't matter."""

    q = forms.CharField(required=False, max_length=MOST_CHARACTERS, widget=forms.TextInput(attrs={"type": "search"}))
    side = forms.ChoiceField(required=False, choices=[("", "either"), *((side, side) for side in SIDES)])
    topic = forms.ChoiceField(required=False)
    flag = forms.ChoiceField(required=False)
    value = forms.ChoiceField(required=False, label="Flag is", choices=[(value, value) for value in VALUES])
    session = forms.ModelChoiceField(MixingSession.objects.none(), required=False, empty_label="any")
    state = forms.ChoiceField(required=False, label="Layer", choices=[("", "any"), *Layer.State.choices])
    layer = forms.IntegerField(required=False, min_value=0, max_value=2**62, widget=forms.HiddenInput)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, entries in (("topic", project.topics), ("flag", project.flags)):
            choices = [(entry["key"], entry["label"]) for entry in entries]
            self.fields[name].choices = [("", "any"), *choices]  # type: ignore[attr-defined]
        self.fields["session"].queryset = project.sessions.order_by("number")  # type: ignore[attr-defined]

    @property
    def narrowing(self) -> list[forms.BoundField]:
        """All fields but the words."""
        return [field for field in self.visible_fields() if field.name != "q"]

    def wanted(self) -> Wanted:
        """What was asked for."""
        chosen = self.cleaned_data
        session = chosen["session"].pk if chosen["session"] else None
        return Wanted(**{**chosen, "session": session})


class ReleaseForm(forms.Form):
    """How a snapshot is released."""

    format = forms.ChoiceField(choices=list(CHOICES["format"].items()))
    content_only = forms.BooleanField(
        required=False, label="Only rows with content", help_text="Histories keep all earlier turns."
    )
    placeholders = forms.BooleanField(
        required=False,
        label="Published placeholder sentences for silent sides",
        help_text="Otherwise a silent side is null, which nobody takes for an answer.",
    )
    summary = forms.ChoiceField(choices=list(CHOICES["summary"].items()), label="Context summaries")
    clips = forms.ChoiceField(choices=list(CHOICES["clips"].items()), help_text="The gain is told in the config turns.")
    audio = forms.ChoiceField(choices=list(CHOICES["audio"].items()), label="Audio files")

    def options(self) -> Options:
        """What was chosen."""
        return Options(**self.cleaned_data)


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=80, help_text="What the script does.")
    scopes = forms.MultipleChoiceField(
        choices=list(ApiToken.SCOPES.items()), widget=forms.CheckboxSelectMultiple, initial=["read"]
    )
