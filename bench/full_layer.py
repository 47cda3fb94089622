"""A layer as full as the busiest session: 800 turns and 2,000 segments on four lanes, with words, topics and flags."""

import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.make_session import FAULTS, SMALL_TALK, TOPIC_WEIGHTS, TOPICS, sentence

TURNS = 800
CLIPS = 320  # each with the turn that plays it; with two utterances a turn and the notes they make 2,000 segments
NOTES = 80

Row = dict[str, Any]


def write(path: Path, minutes: float) -> Path:
    """Write the layer of a session of this length as the site's own transcript."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(round(minutes * 60_000))))
    return path


def rows(length_ms: int, seed: int = 7) -> Iterator[Row]:
    """Everything in the layer, turn after turn; the same seed gives the same rows."""
    rng = random.Random(seed)
    yield {"type": "session", "title": "Full", "length_ms": length_ms, "expert": "E1", "amateur": "A1"}
    share = length_ms / TURNS
    with_clip = set(rng.sample(range(TURNS), CLIPS))
    with_note = set(rng.sample(range(TURNS), NOTES))
    topic, turns, left = "drums", [], 0
    for number in range(TURNS):
        if left == 0:
            if turns:
                yield {"type": "conversation", "uid": _uid(rng), "topic": topic, "turns": turns}
            topic, turns, left = rng.choices(list(TOPICS), TOPIC_WEIGHTS)[0], [], rng.randint(3, 8)
        left -= 1
        turn = _uid(rng)
        members: dict[str, list[str]] = {"amateur": [], "expert": [], "music": []}
        for lane, first, last in _spans(number in with_clip, number in with_note):
            uid = _uid(rng)
            if lane in members:
                members[lane].append(uid)
            yield {
                "type": "segment",
                "uid": uid,
                "lane": lane,
                "start_ms": round((number + first) * share),
                "end_ms": round((number + last - rng.uniform(0, 0.05)) * share),
                "text": _words(rng, lane, topic),
            }
        yield {"type": "turn", "uid": turn, **members, "amateur_text": None, "expert_text": None}
        value = "yes" if rng.random() > 0.15 else "no"
        yield {"type": "flag", "turn": turn, "flag": "has_content", "value": value, "note": ""}
        if not turns or rng.random() < 0.2:
            yield {"type": "summary", "turn": turn, "text": _summary(rng, topic), "author": "person", "model": None}
        turns.append(turn)
    yield {"type": "conversation", "uid": _uid(rng), "topic": topic, "turns": turns}


def _spans(has_clip: bool, has_note: bool) -> Iterator[tuple[str, float, float]]:
    """Lane, start and end in shares of a turn: the expert speaks over the end of the clip, as experts do."""
    yield "amateur", 0.04, 0.34
    if has_clip:
        yield "music", 0.36, 0.72
    yield "expert", 0.60 if has_clip else 0.40, 0.97
    if has_note:
        yield "note", 0.40, 0.90


def _words(rng: random.Random, lane: str, topic: str) -> str:
    if lane == "note":
        return "check this one again"
    if lane == "music":
        return f"{rng.choice(TOPICS[topic])} {rng.choice(('soloed', 'in the mix', 'before', 'after'))}"
    if rng.random() < 0.15:
        return rng.choice(SMALL_TALK)
    return " ".join(sentence(rng, lane, topic) for _ in range(rng.choice((1, 1, 2))))


def _summary(rng: random.Random, topic: str) -> str:
    return (
        f"They have been working on the {rng.choice(TOPICS[topic])} and have tried two things that did not convince "
        f"them. It sounds {rng.choice(FAULTS)} at the moment, and they want to hear what comes first."
    )


def _uid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
