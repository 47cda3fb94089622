"""All metrics of all contenders' answers, each between a floor and a ceiling."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evaluation.metrics import NAMES, bleu, rouge
from evaluation.metrics.resampling import Array, interval, mean, others, scored

Progress = Callable[[int, int, str], None]  # steps done, of how many, what now


def measure(
    references: Mapping[str, str],
    answers: Mapping[str, Mapping[str, str]],
    *,
    reader: Any = None,
    baseline: float | None = None,
    seed: int = 0,
    on_progress: Progress = lambda done, total, note: None,
) -> dict[str, Any]:
    """Score each contender's answers, {contender: {item: text}}, against {item: what the expert said}.

    The floor scores each answer against another item's reference, the ceiling a copy of the reference. `reader` is a
    `bertscore.Reader`, or None for no BERTScore; `baseline` rescales it, None: measured on the references. Items
    without a reference are left out and counted. The same input and seed give the same numbers.
    """
    total = (len(answers) + 1) * (2 if reader else 1)
    known = {item: text for item, text in sorted(references.items()) if text.strip()}
    limits: list[str] = []
    words: dict[str, Any] = {}
    base: float | None = None
    done = 0
    if reader and known:
        on_progress(done, total, "Reads what the expert said")
        words = dict(zip(known, reader.read(list(known.values())), strict=True))
        base, told = _baseline(words, baseline, seed)
        limits += told
        done += 1
    rows, items = [], {}
    for name, given in answers.items():
        on_progress(done, total, f"Scores {name}"[:200])
        used = [item for item in sorted(given) if item in known and given[item].strip()]
        left = len(given) - len(used)
        if left:
            limits.append(f"{left} answers of {name} are left out: the item has no expert's answer, or they are empty.")
        row, each = _contender(name, {item: given[item] for item in used}, known, reader, words, base, seed)
        rows.append(row)
        items[name] = each
        done += 2 if reader else 1
    if any(row["is_reference"] for row in rows):
        limits.append(
            "Answers that are the references themselves score the ceiling: that says nothing of who is better."
        )
    scale = {"baseline": _rounded(base), "baseline_from": _source(base, baseline)}
    record = reader.record() | scale if reader else None
    if record and record["cut"]:
        limits.append(f"{record['cut']} texts are longer than BERTScore's model reads, and were cut at its end.")
    return {
        "contenders": rows,
        "ceiling": {"bleu": 100.0, "rouge_l": 1.0, "bertscore": 1.0 if reader else None},
        "signatures": {"bleu": bleu.signature(), "rouge_l": rouge.signature(), "bertscore": record},
        "references": len(known),
        "seed": seed,
        "scores": items,
        "limits": limits,
    }


def _contender(
    name: str,
    given: Mapping[str, str],
    known: Mapping[str, str],
    reader: Any,
    words: Mapping[str, Any],
    base: float | None,
    seed: int,
) -> tuple[dict[str, Any], dict[str, list[float | None]]]:
    """One contender's row, and its answers' own scores by item."""
    used = list(given)
    texts, truth = list(given.values()), [known[item] for item in given]
    row: dict[str, Any] = {"name": name, "answers": len(used), "is_reference": bool(used) and texts == truth}
    if not used:
        return row | dict.fromkeys(NAMES), {}
    partner = others(len(used), seed)
    wrong = [truth[index] for index in partner] if partner is not None else None
    counted = bleu.parts(texts, truth)
    row["bleu"] = _told(
        bleu.corpus(counted.sum(axis=0)),
        interval(counted, used, bleu.corpus, seed=seed),
        bleu.corpus(bleu.parts(texts, wrong).sum(axis=0)) if wrong else None,
    )
    shared = rouge.scores(texts, truth)
    row["rouge_l"] = _mean(shared, used, rouge.scores(texts, wrong) if wrong else None, seed)
    near: list[float | None] = [None] * len(used)
    row["bertscore"] = None
    if reader and base is not None:
        from evaluation.metrics import bertscore

        read = reader.read(texts)
        raw = bertscore.scores(read, [words[item] for item in used])
        floor = bertscore.scores(read, [words[used[i]] for i in partner]) if partner is not None else None
        row["bertscore"] = _mean(
            bertscore.rescaled(raw, base), used, bertscore.rescaled(floor, base) if floor is not None else None, seed
        ) | {"raw": _rounded(float(raw.mean()))}
        near = [_rounded(value) for value in bertscore.rescaled(raw, base)]
    own = bleu.sentences(counted)
    each = {item: [_rounded(own[place]), _rounded(shared[place]), near[place]] for place, item in enumerate(used)}
    return row, each


def _baseline(words: Mapping[str, Any], given: float | None, seed: int) -> tuple[float | None, list[str]]:
    from evaluation.metrics import bertscore

    if given is not None:
        return given, []
    base = bertscore.baseline(list(words.values()), seed)
    if base is None:
        return None, ["BERTScore is not given: one reference, or references that are all alike, give no baseline."]
    return base, []


def _source(base: float | None, given: float | None) -> str | None:
    if base is None:
        return None
    return "given" if given is not None else "measured: references against other items' references"


def _mean(values: Array, items: list[str], floor: Array | None, seed: int) -> dict[str, float | None]:
    parts = scored(values)
    low = float(floor.mean()) if floor is not None else None
    return _told(float(values.mean()), interval(parts, items, mean, seed=seed), low)


def _told(value: float, ends: tuple[float, float] | None, floor: float | None) -> dict[str, float | None]:
    low, high = ends or (None, None)
    told = {"value": value, "low": low, "high": high, "floor": floor}
    return {key: _rounded(number) for key, number in told.items()}


def _rounded(value: float | np.floating[Any] | None) -> float | None:
    """Nine digits: the last ones differ between processors."""
    return None if value is None else float(f"{float(value):.9g}")
