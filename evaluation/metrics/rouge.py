"""ROUGE-L of answers against the expert's."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from rouge_score import rouge_scorer

from evaluation.metrics.resampling import Array


def scores(answers: Sequence[str], references: Sequence[str]) -> Array:
    """Return each answer's ROUGE-L F1, 0 to 1, shape (N,): the longest common run of stemmed words (Lin 2004)."""
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    pairs = zip(answers, references, strict=True)
    return np.array([scorer.score(reference, answer)["rougeL"].fmeasure for answer, reference in pairs], dtype=float)


def signature() -> str:
    """Say what `scores` computes."""
    return f"rougeL|fmeasure|stemmer:porter|rouge-score:{version('rouge-score')}"
