"""What a release may be asked for."""

from dataclasses import asdict, dataclass, replace
from typing import Any

CHOICES = {
    "format": {"hf": "Hugging Face (Parquet)", "jsonl": "JSON lines", "csv": "CSV for spreadsheets"},
    "summary": {"apart": "in the config turns alone", "joined": "in front of the amateur's words too"},
    "clips": {"as-is": "at their own level", "normalised": "each peak at full scale"},
    "audio": {"wav": "WAV", "flac": "FLAC"},
}


class ReleaseError(ValueError):
    """Why a release can't be written, and how to mend it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Options:
    """The same snapshot and the same options give the same bytes."""

    format: str = "hf"
    content_only: bool = False  # rows whose has_content is yes; histories keep all earlier turns
    placeholders: bool = False  # the two published sentences stand for silent sides
    summary: str = "apart"
    clips: str = "as-is"
    audio: str = "wav"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ReleaseError("bad-option", f"Choose {name} from {', '.join(choices)}.")

    def as_dict(self) -> dict[str, Any]:
        """As a manifest and a job keep them."""
        return asdict(self)

    @property
    def changes_rows(self) -> bool:
        """Whether a row that is in the release may be told otherwise than it was frozen."""
        return replace(self, format="hf", content_only=False) != Options()

    @property
    def flags(self) -> str:
        """As the command `export_snapshot` is told them."""
        usual = Options()
        said = [f"--format {self.format}"]
        said += ["--content-only"] if self.content_only else []
        said += ["--placeholders"] if self.placeholders else []
        others = [(name, getattr(self, name)) for name in ("summary", "clips", "audio")]
        return " ".join([*said, *(f"--{name} {value}" for name, value in others if value != getattr(usual, name))])

    @property
    def words(self) -> list[str]:
        """What sets this release apart from the snapshot, in words; empty for the snapshot as it is."""
        said = ["rows with content only"] if self.content_only else []
        said += ["placeholders for silent sides"] if self.placeholders else []
        said += ["summaries joined to the user's text"] if self.summary == "joined" else []
        said += ["clips peak-normalised"] if self.clips == "normalised" else []
        return said + (["clips as FLAC"] if self.audio == "flac" else [])
