"""Which speaker of a diarisation is the expert and which the amateur: a proposal, for a person to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.importing.survey import Speaker


@dataclass(frozen=True, slots=True)
class Proposal:
    """A lane for each speaker, "" for one to leave out, and in a sentence why."""

    lanes: dict[str, str]
    reason: str


def propose_lanes(speakers: Sequence[Speaker], *, expert: str | None = None) -> Proposal:
    """Propose lanes: a name that is a lane's is that; of the others the longest speech is the expert's, the next the
    amateur's, and the rest is left out.

    `expert` says who the expert is, where somebody knows. Raises ValueError where nobody has that name.
    """
    if expert is not None and all(speaker.name != expert for speaker in speakers):
        raise ValueError(f"Nobody in this transcript is named “{expert}”.")
    lanes = {each.name: each.lane for each in speakers if each.lane and each.name != expert}
    others = sorted((each for each in speakers if each.name not in lanes), key=lambda each: -each.speech_ms)
    why: list[str] = []
    if expert is not None:
        others = [each for each in others if each.name != expert]
        lanes[expert] = "expert"
        why.append(f"{expert} is the expert, as somebody said")
    for lane, reason in (("expert", "speaks longest"), ("amateur", "speaks longest of the others")):
        if others and lane not in lanes.values():
            one = others.pop(0)
            lanes[one.name] = lane
            why.append(f"{one.name} {reason} ({one.speech_ms / 1000:.1f} s) and is proposed as {lane}")
    if others:
        why.append(f"{', '.join(each.name for each in others[:5])} speak least and are left out")
    lanes |= {each.name: "" for each in others}
    reason = "; ".join(why) or "every name is a lane's"
    return Proposal(lanes, f"{reason[:1].upper()}{reason[1:]}.")
