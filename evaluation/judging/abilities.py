"""What an endpoint takes: found out once, by asking, so that one code serves o3-like, vLLM and Ollama endpoints."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from evaluation.judging.errors import JudgeError

QUESTION = [
    {"role": "system", "content": "You are asked once whether you can be asked. Answer with one JSON object alone."},
    {"role": "user", "content": 'Answer with exactly this JSON object: {"ranking": [["R1"]]}'},
]
FORMS = ("json_schema", "json_object", "")
LIMITS = ("max_completion_tokens", "max_tokens", "")
TRIES = 20  # requests at most
BEST_FIRST: dict[str, tuple[Any, ...]] = {
    "form": FORMS,
    "temperature": (True, False),
    "seed": (True, False),
    "limit": LIMITS,
    "effort": (True, False),
}


@dataclass(frozen=True, slots=True)
class Abilities:
    """Parameters that an endpoint takes; `form` and `limit` by the name of the best that it does."""

    form: str = "json_schema"
    temperature: bool = True
    seed: bool = True
    effort: bool = True
    limit: str = "max_completion_tokens"

    def as_dict(self) -> dict[str, Any]:
        """Abilities for a row."""
        return asdict(self)

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Abilities":
        """Abilities from a row."""
        return cls(**said)


def probe(try_with: Callable[[Abilities], None]) -> tuple[Abilities, int]:
    """Find what an endpoint takes, and in how many requests: all at once first, then less.

    `try_with` sends `QUESTION` with these abilities and raises JudgeError; one with status 400 or 422 tells that some
    parameter is not taken, by `names` where the endpoint says which. Any other error is passed on.
    """
    asked = Abilities()
    tried = 0
    refused: list[Abilities] = []
    for _ in range(TRIES):
        tried += 1
        try:
            try_with(asked)
        except JudgeError as error:
            if error.status not in (400, 422):
                raise
            refused.append(asked)
            lesser = _without(asked, error.names)
            if lesser is None or lesser in refused:
                lesser = next((each for each in _lesser(asked) if each not in refused), None)
            if lesser is None:
                raise
            asked = lesser
            continue
        return _regained(asked, refused, try_with, tried)
    raise JudgeError("rejected", "The judge's server turned every form of the request down.", permanent=True)


def _without(asked: Abilities, name: str) -> Abilities | None:
    """Abilities without what was named."""
    if name in LIMITS[:2] and asked.limit == name:
        return replace(asked, limit=LIMITS[LIMITS.index(name) + 1])
    if name == "temperature" and asked.temperature:
        return replace(asked, temperature=False)
    if name == "seed" and asked.seed:
        return replace(asked, seed=False)
    if name == "reasoning_effort" and asked.effort:
        return replace(asked, effort=False)
    if name in ("json_schema", "json_object", "response_format") and asked.form:
        return replace(asked, form=FORMS[FORMS.index(asked.form) + 1])
    return None


def _lesser(asked: Abilities) -> list[Abilities]:
    """What to try where nobody says what was wrong: less at every step."""
    steps = []
    if asked.effort:
        steps.append(replace(asked, effort=False))
    if asked.temperature:
        steps.append(replace(asked, temperature=False))
    if asked.form:
        steps.append(replace(asked, form=FORMS[FORMS.index(asked.form) + 1]))
    if asked.seed:
        steps.append(replace(asked, seed=False))
    if asked.limit:
        steps.append(replace(asked, limit=LIMITS[LIMITS.index(asked.limit) + 1]))
    return steps


def _regained(
    found: Abilities, refused: list[Abilities], try_with: Callable[[Abilities], None], tried: int
) -> tuple[Abilities, int]:
    """Try again what was given up only because nobody said what was wrong."""
    for name, best_first in BEST_FIRST.items():
        for better in best_first[: best_first.index(getattr(found, name))]:
            more = replace(found, **{name: better})
            if tried >= TRIES or any(_covers(more, each) for each in refused):
                continue
            tried += 1
            try:
                try_with(more)
            except JudgeError as error:
                if error.status not in (400, 422):
                    raise
                refused.append(more)
            else:
                found = more
                break
    return found, tried


def _covers(more: Abilities, refused: Abilities) -> bool:
    """Whether what was refused asked for nothing more than this does: then this is refused too."""
    return all(getattr(refused, name) == getattr(more, name) or not getattr(refused, name) for name in BEST_FIRST)
