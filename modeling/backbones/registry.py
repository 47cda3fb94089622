"""Which families of audio language models the site knows, and how far each is known: data alone, read without torch.

verified      prompt, labels, audio rows and loss are tested on a small random model of the real class
structural    decoder, head, layers to learn and loss are tested so; the prompt is not, for want of a package
unsupported   not opened here; its answers can come in as an imported source
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from modeling.backbones.errors import BackboneError

Status = Literal["verified", "structural", "unsupported"]


@dataclass(frozen=True, slots=True)
class Family:
    """What must be known of a family before one of its checkpoints is opened; None is not known."""

    key: str  # the model_type of a checkpoint's config
    name: str
    class_name: str | None  # the class of transformers that trains; None where there is none
    license: str  # of the published weights; None of it is checked here
    window_seconds: float | None  # what the encoder hears at once
    max_seconds: float | None  # what one clip may last
    several_clips: bool  # in one message, which over-long clips as windows need
    audio_tokens_per_second: float | None
    status: Status
    needs: tuple[str, ...] = ()  # packages beyond requirements.txt that its processor imports
    note: str = ""

    @property
    def cuts_windows(self) -> bool:
        """Whether its processor cuts a long clip into what the encoder hears at once."""
        return bool(self.window_seconds and self.max_seconds and self.max_seconds > self.window_seconds)


_LISTED = (
    Family(
        "qwen2_audio", "Qwen2-Audio", "Qwen2AudioForConditionalGeneration", "Apache-2.0", 30, 30, True, 25, "verified",
        note="The paper's Qwen-Audio-Instruct-7B. Its own processor drops what lies beyond 30 s without a word.",
    ),
    Family(
        "qwen2_5_omni", "Qwen2.5-Omni", "Qwen2_5OmniThinkerForConditionalGeneration",
        "Apache-2.0 (7B); Qwen Research (3B)", 300, 300, True, 25, "verified",
        note="The thinker alone is opened: text out, no speech, no eyes.",
    ),
    Family(
        "audioflamingo3", "Audio Flamingo 3", "AudioFlamingo3ForConditionalGeneration", "NVIDIA, non-commercial", 30,
        600, False, 25, "verified",
        note="Cuts a long clip into windows by itself. Some Music Flamingo weights are of this type.",
    ),
    Family(
        "voxtral", "Voxtral", "VoxtralForConditionalGeneration", "Apache-2.0", 30, 1800, True, 12.5, "structural",
        ("mistral_common",), "Its chat template lives in mistral-common, which the site does not install.",
    ),
    Family(
        "granite_speech", "Granite Speech", "GraniteSpeechForConditionalGeneration", "Apache-2.0", None, None, False,
        10, "structural", ("torchaudio",), "Hears speech; its processor needs torchaudio. One clip to a prompt.",
    ),
    Family(
        "qwen3_omni_moe", "Qwen3-Omni", "Qwen3OmniMoeThinkerForConditionalGeneration", "Apache-2.0", None, None, True,
        None, "unsupported", note="30 billion parameters; nobody has tried it here.",
    ),
    Family(
        "musicflamingo", "Music Flamingo", "MusicFlamingoForConditionalGeneration", "NVIDIA, non-commercial", 30, None,
        False, 25, "unsupported", note="Not tried.",
    ),
    Family(
        "ltu", "LTU", None, "see its repository", None, None, False, None, "unsupported",
        note="One of the paper's three; lives outside transformers: import its answers.",
    ),
    Family(
        "mu_llama", "MU-LLaMA", None, "see its repository", None, None, False, None, "unsupported",
        note="One of the paper's three; lives outside transformers: import its answers.",
    ),
)  # fmt: skip

FAMILIES: dict[str, Family] = {family.key: family for family in _LISTED}
# the same family under the name of a part of it
ALIASES = {"qwen2_5_omni_thinker": "qwen2_5_omni", "qwen3_omni_moe_thinker": "qwen3_omni_moe"}


def family_of(config: Any) -> Family:
    """Name the family of a checkpoint by its config; BackboneError for one that the site can't open."""
    kind = str(getattr(config, "model_type", "") or "nameless")
    family = FAMILIES.get(ALIASES.get(kind, kind))
    if family is None:
        known = ", ".join(one.name for one in _LISTED if one.status != "unsupported")
        raise BackboneError(
            "unknown-family", f"No audio language model of type {kind} is known here; those that are: {known}."
        )
    if family.status == "unsupported":
        raise BackboneError("unsupported-family", f"{family.name} can't be opened here. {family.note}")
    named = (getattr(config, "architectures", None) or [family.class_name])[0]
    whole = ALIASES.get(kind, kind) in ALIASES.values()  # its config names the whole, of which a part is trained
    if named != family.class_name and not whole:
        raise BackboneError(
            "unknown-architecture",
            f"The checkpoint is a {named}; {family.name} is trained as {family.class_name}.",
        )
    return family


def require_packages(family: Family) -> None:
    """Refuse a family whose processor imports what is not installed."""
    missing = [name.replace("_", "-") for name in family.needs if find_spec(name) is None]
    if missing:
        raise BackboneError(
            "needs-package", f"The processor of {family.name} needs the package {missing[0]}; install it first."
        )
