"""What a person chooses before a run or a generation."""

import uuid
from typing import Any

from django import forms
from django.urls import reverse

from annotation.models import Lane, MixingSession, Project, Recording, Snapshot
from modeling import bases, importing, probes, servers
from modeling.designs import DESIGNS
from modeling.generation.config import OVER_LONG
from modeling.launch import MAX_ANSWERS, MAX_NAME, SPLITS
from modeling.models import Adapter, Source
from modeling.models.base_model import TINY
from modeling.training.config import TrainingConfig

OPTIONS = (
    "epochs", "max_steps", "learning_rate", "variant", "rank", "alpha", "dropout", "examples_per_step", "loss_on",
    "has_content_only", "fraction", "summaries", "max_turns", "max_tokens", "max_audio_seconds", "over_long",
    "validate_on", "eval_every", "patience", "quantization", "seed",
)  # fmt: skip
SWITCHES = ("has_content_only", "summaries")
YES_OR_NO = {"": "The base's default", "true": "Yes", "false": "No"}
WORDS = {  # what a value of a closed list is called, after which the default is told by the same words
    "variant": {"lora": "LoRA", "rslora": "rsLoRA", "dora": "DoRA", "pissa": "PiSSA", "loraplus": "LoRA+"},
    "loss_on": {"last": "The last answer", "all": "All of the expert's turns"},
    "over_long": {"tail": "Its tail", "head": "Its head", "windows": "All, in windows"},
    "validate_on": {"same": "Turns chosen like those learnt from", "content": "Turns with content", "all": "All turns"},
    "quantization": {"": "None", "4bit": "4-bit (needs a GPU and bitsandbytes)"},
}


class RunForm(forms.Form):
    """A training run; an option that is left empty takes the default of the chosen base, shown in its field."""

    snapshot = forms.ModelChoiceField(Snapshot.objects.none(), empty_label=None)
    base = forms.ChoiceField(label="Base model")
    name = forms.CharField(max_length=120, required=False, help_text="Empty: named after the snapshot and the base.")
    epochs = forms.IntegerField(required=False, min_value=1, max_value=1000)
    max_steps = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, label="Steps", help_text="In place of epochs."
    )
    learning_rate = forms.FloatField(required=False, min_value=1e-8, max_value=1)
    variant = forms.ChoiceField(required=False, label="LoRA variant")
    rank = forms.IntegerField(required=False, min_value=1, max_value=512, label="LoRA rank")
    alpha = forms.IntegerField(
        required=False, min_value=1, max_value=1024, label="LoRA alpha", help_text="The scale is alpha / rank."
    )
    dropout = forms.FloatField(required=False, min_value=0, max_value=0.9, label="LoRA dropout")
    examples_per_step = forms.IntegerField(required=False, min_value=1, max_value=1024, label="Turns per step")
    loss_on = forms.ChoiceField(required=False, label="Learn")
    has_content_only = forms.TypedChoiceField(
        required=False, choices=list(YES_OR_NO.items()), label="Only turns with content", empty_value=None
    )
    fraction = forms.FloatField(
        required=False, min_value=0.01, max_value=1, label="Share of the turns", help_text="0.5 is half of them."
    )
    summaries = forms.TypedChoiceField(
        required=False, choices=list(YES_OR_NO.items()), label="Show context summaries", empty_value=None
    )
    max_turns = forms.IntegerField(required=False, min_value=0, max_value=1000, label="Turns of history")
    max_tokens = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, label="Longest example, tokens",
        help_text="Older turns make room first.",
    )  # fmt: skip
    max_audio_seconds = forms.FloatField(required=False, min_value=1, max_value=3600, label="Seconds of a clip")
    over_long = forms.ChoiceField(required=False, label="Of a longer clip")
    validate_on = forms.ChoiceField(required=False, label="Validate on")
    eval_every = forms.IntegerField(
        required=False, min_value=0, max_value=100_000, label="Validate every", help_text="Steps; 0 is every epoch."
    )
    patience = forms.IntegerField(
        required=False, min_value=0, max_value=1000, label="Stop early after",
        help_text="Looks at validation without a gain; 0 is never.",
    )  # fmt: skip
    quantization = forms.ChoiceField(required=False, label="Quantization")
    seed = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        snapshots = project.snapshots.frozen().order_by("-pk")
        self.fields["snapshot"].queryset = snapshots  # type: ignore[attr-defined]
        base = self.fields["base"]
        base.choices = [(key, base_label(key)) for key in bases.known_keys()]  # type: ignore[attr-defined]
        base.widget.attrs |= {  # the options' defaults are the base's
            "hx-get": reverse("run-new", args=[project.slug]),
            "hx-include": "closest form",
            "hx-target": "#options",
            "hx-select": "#options",
            "hx-swap": "outerHTML",
        }
        self._show_defaults(str(self["base"].value() or bases.known_keys()[0]))

    def _show_defaults(self, key: str) -> None:
        defaults = TrainingConfig.from_dict({}, base_kind=bases.kind_of(key)).to_dict()
        for name in OPTIONS:
            value, field = defaults[name], self.fields[name]
            if name in SWITCHES:
                words = {**YES_OR_NO, "": f"Default ({'yes' if value else 'no'})"}
                field.choices = list(words.items())  # type: ignore[attr-defined]
            elif name in WORDS:
                told = WORDS[name][value or ""]
                first = ("", f"Default ({told})")
                field.choices = [first, *((each, word) for each, word in WORDS[name].items() if each)]  # type: ignore[attr-defined]
            elif value is None:
                field.widget.attrs["placeholder"] = EMPTY[name]
            else:
                field.widget.attrs["placeholder"] = f"{value:g}" if isinstance(value, float) else str(value)
        if defaults["max_steps"]:
            self.fields["epochs"].widget.attrs["placeholder"] = "by steps"

    def options(self) -> list[forms.BoundField]:
        """The fields of the config, apart from what is trained on what."""
        return [self[name] for name in OPTIONS]

    def config(self) -> dict[str, Any]:
        """What differs from the base's preset."""
        chosen = {name: self.cleaned_data[name] for name in OPTIONS if self.cleaned_data[name] not in (None, "")}
        for name in SWITCHES:
            if name in chosen:
                chosen[name] = chosen[name] == "true"
        if "epochs" in chosen and "max_steps" not in chosen:
            chosen["max_steps"] = None  # the preset of a toy counts steps
        return chosen


EMPTY = {"max_steps": "by epochs", "max_turns": "as many as fit"}


class ExperimentForm(forms.Form):
    """A question, its arms, and the seeds over which they are compared."""

    snapshot = forms.ModelChoiceField(Snapshot.objects.none(), empty_label=None)
    base = forms.ChoiceField(label="Base model")
    name = forms.CharField(max_length=50, required=False, help_text="Empty: named after what it varies.")
    design = forms.ChoiceField(label="What it varies", choices=[(key, told[0]) for key, told in DESIGNS.items()])
    question = forms.CharField(max_length=300, required=False, help_text="Empty: the usual question of the design.")
    arms = forms.JSONField(
        required=False,
        label="Arms of your own",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": '{"rank 4": {"rank": 4}, "rank 16": {"rank": 16}}'}),
        help_text="JSON: each arm's name, and what it changes. Only where the arms are your own.",
    )
    config = forms.JSONField(
        required=False,
        label="What all arms share",
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": '{"epochs": 1}'}),
        help_text="JSON: options of a run that differ from the base's defaults.",
    )
    seeds = forms.RegexField(
        r"^\s*\d{1,9}(\s*,\s*\d{1,9})*\s*$",
        initial="0, 1, 2",
        help_text="Whole numbers with commas. Three or more show a spread.",
        error_messages={"invalid": "Give seeds as whole numbers with commas: 0, 1, 2."},
    )
    validate_on = forms.ChoiceField(
        label="Validate on",
        choices=[("all", "All validation turns"), ("content", "Validation turns with content")],
        help_text="The same turns for every arm.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["snapshot"].queryset = project.snapshots.frozen().order_by("-pk")  # type: ignore[attr-defined]
        base: Any = self.fields["base"]
        base.choices = [(key, base_label(key)) for key in bases.known_keys()]

    def clean_seeds(self) -> list[int]:
        """Read the seeds."""
        return [int(each) for each in self.cleaned_data["seeds"].split(",")]

    def clean_config(self) -> dict[str, Any]:
        """Refuse what is no object."""
        config = self.cleaned_data["config"] or {}
        if not isinstance(config, dict):
            raise forms.ValidationError('Give options by name: {"epochs": 1}.')
        return config


class GenerationForm(forms.Form):
    """Who answers which rows, and how."""

    snapshot = forms.ModelChoiceField(Snapshot.objects.none(), empty_label=None)
    split = forms.ChoiceField(choices=[(split, split) for split in SPLITS], initial="test")
    source = forms.ChoiceField(label="Who answers")
    answers = forms.IntegerField(min_value=1, max_value=MAX_ANSWERS, initial=1, label="Answers per row")
    temperature = forms.FloatField(
        required=False, min_value=0, max_value=5, help_text="Empty: 0, the likeliest token, or 0.7 for several answers."
    )
    top_p = forms.FloatField(required=False, min_value=0.01, max_value=1, label="Top p")
    max_new_tokens = forms.IntegerField(required=False, min_value=1, max_value=1024, label="Longest answer, tokens")
    over_long = forms.ChoiceField(
        required=False,
        choices=[("", "As the adapter was taught, or the tail"), *((word, word) for word in OVER_LONG)],
        label="Heard of a clip that is too long",
        help_text="Windows are even cuts, shown as several clips; not every family takes several.",
    )
    max_turns = forms.IntegerField(
        required=False, min_value=0, max_value=1000, label="Earlier turns shown", help_text="Empty: as many as fit."
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        snapshots = project.snapshots.frozen().order_by("-pk")
        self.fields["snapshot"].queryset = snapshots  # type: ignore[attr-defined]
        self.fields["top_p"].widget.attrs["placeholder"] = "1"
        self.fields["max_new_tokens"].widget.attrs["placeholder"] = "128"
        self.adapters = {
            f"adapter:{adapter.pk}": adapter
            for adapter in Adapter.objects.in_use()
            .filter(run__project=project)
            .select_related("run__base", "run__project")
            .order_by("-pk")
        }
        choices = [("expert", "The human expert, as recorded")]
        choices += [(f"base:{key}", f"{base_label(key)}, zero-shot") for key in bases.known_keys()]
        choices += [(word, f"Adapter {adapter.name}") for word, adapter in self.adapters.items()]
        choices += [(f"endpoint:{key}", f"{key}, a server") for key in servers.known()]
        self.fields["source"].choices = choices  # type: ignore[attr-defined]

    def chosen_source(self) -> dict[str, Any]:
        """Who answers, as `start_generation` takes it."""
        kind, _, word = self.cleaned_data["source"].partition(":")
        if kind == Source.ADAPTER:
            return {"source": Source.ADAPTER, "adapter": self.adapters[self.cleaned_data["source"]]}
        if kind == Source.BASE:
            return {"source": Source.BASE, "base": bases.named(word)}
        if kind == Source.ENDPOINT:
            servers.named(word)
            return {"source": Source.ENDPOINT, "server": word}
        return {"source": Source.EXPERT}

    def decoding(self) -> dict[str, Any]:
        """The options that were chosen."""
        names = ("max_new_tokens", "temperature", "top_p", "over_long", "max_turns")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name] not in (None, "")}


class ImportForm(forms.Form):
    """Answers of a program outside the site, to rows of a snapshot."""

    snapshot = forms.ModelChoiceField(Snapshot.objects.none(), empty_label=None)
    split = forms.ChoiceField(choices=[(split, split) for split in SPLITS], initial="test")
    name = forms.CharField(
        max_length=MAX_NAME,
        label="Who answered",
        help_text="The source's name in studies and reports: LTU fine-tuned.",
    )
    file = forms.FileField(
        label="Answers",
        help_text="CSV or JSON lines: row, or conversation_id and turn_id, and the answer to it.",
    )
    column = forms.CharField(
        max_length=100, required=False, help_text="The column of the answers, if it has another name than answer."
    )
    about = forms.CharField(
        max_length=importing.MAX_ABOUT,
        required=False,
        label="How they came about",
        help_text="Checkpoint, training data, prompt, settings: what a reader needs to repeat it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["snapshot"].queryset = project.snapshots.frozen().order_by("-pk")  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        """Refuse a file that is too large before it is read."""
        file = self.cleaned_data["file"]
        if file.size > importing.MOST_BYTES:
            raise forms.ValidationError(f"The file has at most {importing.MOST_BYTES >> 20} MiB.")
        return file


class ProbeForm(forms.Form):
    """Whose hearing is probed, and on how many clips."""

    subject = forms.ChoiceField(label="Whose hearing")
    clips = forms.IntegerField(
        min_value=probes.LEAST_CLIPS,
        max_value=probes.MOST_CLIPS,
        initial=240,
        help_text="More clips, narrower intervals.",
    )
    asks = forms.BooleanField(required=False, initial=True, label="Ask the language model about each clip too")
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        adapters = Adapter.objects.filter(run__project=project).select_related("run__base", "run__project")
        self.adapters = {f"adapter:{adapter.pk}": adapter for adapter in adapters.order_by("-pk")}
        choices = [(f"base:{key}", base_label(key)) for key in bases.known_keys()]
        choices += [(word, f"{adapter.base.key} with {adapter.name}") for word, adapter in self.adapters.items()]
        self.fields["subject"].choices = choices  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What is probed, as `start_probe` takes it."""
        data = dict(self.cleaned_data)
        word = data.pop("subject")
        if adapter := self.adapters.get(word):
            return {**data, "adapter": adapter}
        return {**data, "base": bases.named(word.partition(":")[2])}


def base_label(key: str) -> str:
    """A base as forms name it."""
    return "tiny (random weights, to try things out)" if key == TINY else key


class TranscriptionForm(forms.Form):
    """Which recording is transcribed, and where its words go."""

    recording = forms.ModelChoiceField(Recording.objects.none(), empty_label=None)
    language = forms.RegexField(
        r"^[a-z]{2,3}$", required=False, help_text="Its code, such as en; left empty, the model tells it.",
        error_messages={"invalid": "Give a language by its code, such as en or de."},
    )  # fmt: skip
    lane = forms.ChoiceField(
        choices=Lane.choices,
        initial=Lane.NOTE,
        help_text="A model does not know who speaks: of a recording with both voices, notes are a good place.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, session: MixingSession, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        recording: Any = self.fields["recording"]
        recording.queryset = session.recordings.select_related("session__project").exclude(kind=Recording.Kind.DAW)
        recording.label_from_instance = lambda one: f"{one.name} ({one.get_kind_display()})"
