"""Result files in the JSON form of the paper's published judge script, without the verdicts that it made up.

The script writes a random ranking wherever a call or its parsing fails, counts it, and tells so under `errors` alone.
Such rankings are left out here, as are those that are no permutation, and those that the judge's own reply does not
state: two ranks may name one letter there, and the reply is read after its quotes have been changed.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 64 * 2**20


class Unreadable(Exception):
    """Why a file is no result of the script, in a sentence."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One ranking that a judge gave: models, best first, letters as they were shown, and the reply that says so."""

    conversation: str
    turn: str
    models: tuple[str, ...]
    letters: Mapping[str, str]  # letter → model, in the order in which they were shown
    raw: str
    start: int  # of the verdict in the reply
    end: int
    latency_ms: int

    @property
    def shown(self) -> list[str]:
        """The models in the order in which they were shown."""
        return [self.letters[letter] for letter in sorted(self.letters)]


@dataclass(frozen=True, slots=True)
class Results:
    """A result file: whose judgements, the rankings that count, and how many were left out, by reason."""

    run: str
    judge: str
    seed: int | None
    models: tuple[str, ...]
    attempted: int
    judged: tuple[Judged, ...]
    left_out: Mapping[str, int]


def read(data: bytes) -> Results:
    """Read a result file; Unreadable for what is none."""
    if len(data) > MOST_BYTES:
        raise Unreadable(f"The file has at most {MOST_BYTES >> 20} MiB.")
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise Unreadable("The file is no JSON; choose the results file that the judge script wrote.") from None
    evaluations = told.get("evaluations") if isinstance(told, dict) else None
    if not isinstance(evaluations, list):
        raise Unreadable("The file has no list “evaluations”; choose the results file that the judge script wrote.")
    judged: list[Judged] = []
    left_out: Counter[str] = Counter()
    for each in evaluations:
        found = _judged(each)
        if isinstance(found, str):
            left_out[found] += 1
        else:
            judged.append(found)
    skipped = told.get("skipped_samples_details")
    if isinstance(skipped, list):  # in no list of evaluations
        left_out["timed out"] += len(skipped)
    counts = told.get("model_counts")
    models = set(counts) if isinstance(counts, dict) else set()
    return Results(
        run=_word(told.get("run_id")),
        judge=_word(told.get("model")) or "unknown",
        seed=told.get("random_seed") if isinstance(told.get("random_seed"), int) else None,
        models=tuple(sorted(models.union(*(each.models for each in judged)))),
        attempted=len(judged) + left_out.total(),
        judged=tuple(judged),
        left_out={why: n for why, n in sorted(left_out.items()) if n},
    )


def _judged(each: Any) -> Judged | str:
    """One evaluation, or the reason why it doesn't count."""
    if not isinstance(each, dict) or each.get("placeholder"):
        return "unfinished"
    if each.get("skipped"):
        return "timed out"
    if each.get("errors") or each.get("error"):
        return "random fall-back"
    letters, ranks, raw = each.get("letter_model_map"), each.get("rankings"), each.get("ranking_response")
    if not isinstance(raw, str) or not raw.strip():
        return "no reply kept"
    if not isinstance(letters, dict) or not isinstance(ranks, dict) or not letters:
        return "no ranking"
    letters = {str(letter): str(model) for letter, model in letters.items()}
    places = [rank for rank in ranks.values() if isinstance(rank, int) and not isinstance(rank, bool)]
    if sorted(places) != list(range(1, len(letters) + 1)) or set(ranks) != set(letters.values()):
        return "no permutation"
    models = tuple(sorted(ranks, key=lambda model: ranks[model]))
    raw = raw.replace("\0", "\ufffd")
    span = _span(raw, models, letters)
    if span is None:
        return "not in the reply"
    return Judged(
        conversation=_word(each.get("conversation_id")),
        turn=_turn(each.get("turn_id")),
        models=models,
        letters=letters,
        raw=raw,
        start=span[0],
        end=span[1],
        latency_ms=_milliseconds(each.get("latency")),
    )


def _span(raw: str, models: tuple[str, ...], letters: Mapping[str, str]) -> tuple[int, int] | None:
    """Where the reply states this ranking and no other: rank_1 to rank_K, once each, each with its letter."""
    start, end = raw.find("{"), raw.rfind("}") + 1
    if start < 0 or end <= start:
        return None
    said = re.findall(r"rank_(\d+)\W+([A-Za-z]+)", raw[start:end])
    letter_of = {model: letter for letter, model in letters.items()}
    wanted = {(str(place), letter_of[model]) for place, model in enumerate(models, start=1)}
    whole = len(letter_of) == len(letters) and len(said) == len(models) and set(said) == wanted
    return (start, end) if whole else None


def _milliseconds(said: Any) -> int:
    known = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < 1e6
    return round(said * 1000) if known else 0


def _word(said: Any) -> str:
    return "".join(sign for sign in str(said) if sign.isprintable())[:80] if isinstance(said, str | int) else ""


def _turn(said: Any) -> str:
    if isinstance(said, float) and said.is_integer():  # a table that had holes
        said = int(said)
    return _word(said)
