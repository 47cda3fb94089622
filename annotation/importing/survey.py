"""What a transcript holds, before anybody says which lane its speakers are."""

from dataclasses import dataclass

from annotation.importing.rows import Heard, Repair, lane_of, placed

SAMPLE = 80  # characters


@dataclass(frozen=True, slots=True)
class Speaker:
    """A speaker or tier: the lane that its name means by itself, how much it says, and how that begins."""

    name: str
    lane: str | None
    segments: int
    speech_ms: int
    sample: str


@dataclass(frozen=True, slots=True)
class Survey:
    """A transcript's format, speakers and counts, and what would be repaired and lost."""

    format: str
    speakers: tuple[Speaker, ...]
    segments: int
    length_ms: int
    turns: int
    conversations: int
    repaired: tuple[Repair, ...]
    lost: tuple[Repair, ...]


def survey(format: str, heard: Heard) -> Survey:
    """Count what was heard; TranscriptError where no choice of lanes would make rows of it."""
    speakers = tuple(
        Speaker(
            name,
            lane_of(name, {}),
            len(pieces),
            sum(piece.end_ms - piece.start_ms for piece in pieces),
            next((piece.text.strip() for piece in pieces if piece.text.strip()), "")[:SAMPLE],
        )
        for name, pieces in heard.speakers().items()
    )
    repaired, lost = tuple(heard.repaired.told()), tuple(heard.lost.told())
    length_ms = max((piece.end_ms for piece in heard.pieces), default=0)
    turns, conversations = len(heard.rest.turns), len(heard.rest.conversations)
    if all(speaker.lane for speaker in speakers):
        placed(heard, {})
    return Survey(format, speakers, len(heard.pieces), length_ms, turns, conversations, repaired, lost)
