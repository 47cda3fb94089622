"""Where a property of the sound is lost on its way from the clip to an answer."""

from collections.abc import Mapping

from modeling.probing.probes import Score

STAGES = {  # in the order of the way
    "clip": "the clip, both channels",
    "mel": "the clip, mixed to mono",
    "tower": "after the encoder",
    "projector": "after the projector",
    "answer": "in the answers",
}
WHERE = {
    "nowhere": "It is heard, and told in the answers.",
    "language model": "The encoder hears it and the projector passes it on; the answers don't tell it.",
    "projector": "The encoder hears it; after the projector it is gone.",
    "encoder": "It is in the clip, and not in what the encoder gives.",
    "before": "It is in the two channels, and gone where they are mixed to one before the model hears anything.",
    "not asked": "It is heard up to the language model, which was not asked.",
    "unknown": "Neither the baseline nor any stage shows it; more clips may tell.",
}


def where(scores: Mapping[str, Score]) -> str:
    """The first stage that loses what the one before it had: a key of WHERE."""
    heard = {stage: score.is_heard for stage, score in scores.items()}
    if heard.get("answer"):
        return "nowhere"
    last = "projector" if "projector" in heard else "tower"
    if heard[last]:
        return "language model" if "answer" in heard else "not asked"
    if heard["tower"]:
        return "projector"
    if heard["mel"]:
        return "encoder"
    return "before" if heard["clip"] else "unknown"
