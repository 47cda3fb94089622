"""One probe from clips to verdicts, in one function read top to bottom."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from modeling.backbones.audio_lm import AudioLM, steady
from modeling.backbones.example import Example
from modeling.generation import decode
from modeling.generation.config import DecodeConfig
from modeling.probing import clips as diagnostic
from modeling.probing import hearing, probes, questions, verdict

Tell = Callable[[str, int, int], None]


def probe(
    lm: AudioLM,
    *,
    clips: int,
    seed: int = 0,
    seconds: float = 6.0,
    adapter: Path | None = None,
    asks: bool = True,
    tell: Tell = lambda what, done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Score every property at every stage; returns {property: {"stages": {stage: Score}, "where", …}} as JSON.

    Raises hearing.Stopped when should_stop says so.
    """
    made = diagnostic.make(clips, seed=seed, seconds=seconds)
    with tempfile.TemporaryDirectory(prefix="probe-") as name, steady(1, lm.device):
        folder = Path(name)
        features = hearing.features(
            lm, made, folder, heard=lambda done: tell("Listens", done, clips), should_stop=should_stop
        )
        said = _ask(lm, folder, clips, adapter, tell, should_stop) if asks else {}
    told: dict[str, Any] = {}
    for at, name in enumerate(diagnostic.PROPERTIES):
        if should_stop():
            raise hearing.Stopped
        tell("Fits probes", at, len(diagnostic.PROPERTIES))
        truth = np.array([clip.truth[name] for clip in made])
        scores = {stage: score(name, found, truth, seed) for stage, found in features.items()}
        answers = said.get(name)
        if answers is not None:
            scores["answer"] = score_answers(name, answers, truth, seed)
        told[name] = {
            "stages": {stage: asdict(one) | {"heard": one.is_heard} for stage, one in scores.items()},
            "where": verdict.where(scores),
            "chance": 1 / len(diagnostic.CLASSES[name]) if name in diagnostic.CLASSES else 0.0,
            "read": None if answers is None else float(np.mean([one is not None for one in answers])),
        }
    return told


def score(name: str, features: np.ndarray, truth: np.ndarray, seed: int) -> probes.Score:
    """R² of a number, share right of a class."""
    if name in diagnostic.CLASSES:
        return probes.classes(features, truth, len(diagnostic.CLASSES[name]), seed=seed)
    return probes.number(features, truth, seed=seed)


def score_answers(name: str, answers: list[float | None], truth: np.ndarray, seed: int) -> probes.Score:
    """Of a class, the share that is right, against the same answers to shuffled questions; of a number, what a probe
    reads out of the numbers said, so that a model with a scale of its own is not called deaf."""
    if name in diagnostic.CLASSES:
        rng = np.random.default_rng(seed)
        said = np.array([-1.0 if one is None else one for one in answers])
        floor = max(float(np.mean(said == rng.permutation(truth))) for _ in range(200))
        return probes.share(said == truth, rng, floor=floor)
    known = [one for one in answers if one is not None]
    middle = float(np.mean(known)) if known else 0.0
    said = np.array([[middle if one is None else one, float(one is None)] for one in answers])
    return probes.number(said, truth, seed=seed)


def _ask(
    lm: AudioLM, folder: Path, clips: int, adapter: Path | None, tell: Tell, should_stop: Callable[[], bool]
) -> dict[str, list[float | None]]:
    """Put every question about every clip, and read the answers."""
    config = DecodeConfig(max_new_tokens=16, redraw=False)
    examples = [
        Example(row=f"{name}/{at}", user=question, audio=folder / f"clip-{at}.wav")
        for at in range(clips)
        for name, question in questions.QUESTIONS.items()
    ]
    prompts, _ = decode.prepare(lm, examples, config)
    sources = decode.Sources(lm, [decode.Source("asked", adapter)])
    said: dict[str, list[float | None]] = {name: [None] * clips for name in questions.QUESTIONS}
    done = 0
    try:
        for one in decode.generate(sources, prompts, config, should_stop=should_stop):
            name, at = one.row.split("/")
            said[name][int(at)] = questions.read(name, one.text)
            done += 1
            tell("Asks", done, len(prompts))
    finally:
        sources.close()
    if done < len(prompts):
        raise hearing.Stopped
    return said
