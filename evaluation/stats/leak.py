"""How well the surface of a text gives away who wrote it."""

import re

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import rankdata

from evaluation.stats.newton import Array, maximise

FOLDS = 5
RIDGE = 1.0  # of standardised features, the intercept free
SURFACE = ("characters", "sentences", "list markers", "filler words", "first person", "punctuation")
LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
FILLER = re.compile(r"\b(?:um+|uh+|erm?|like|you know|kind of|sort of|i mean|yeah|okay|ok)\b", re.IGNORECASE)
FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|we|us|our|ours|i['’]\w+|we['’]\w+)\b", re.IGNORECASE)


def surface(text: str) -> Array:
    """Measure what one sees without reading, in the order of SURFACE; shares are of 100 words, shape (6,)."""
    words = max(1, len(text.split()))
    sentences = len(re.findall(r"[.!?…]+(?:\s|$)", text)) or bool(text.strip())
    shares = (len(FILLER.findall(text)), len(FIRST_PERSON.findall(text)), len(re.findall(r"[^\w\s]", text)))
    counts = (len(text), sentences, len(LIST_MARK.findall(text)))
    return np.array([*counts, *(100 * count / words for count in shares)], dtype=np.float64)


def auc(features: npt.ArrayLike, labels: npt.ArrayLike, groups: npt.ArrayLike) -> float | None:
    """Return how often a classifier that never saw an item ranks one class's text above another's; ½ is no leak.

    `features`, shape (N, F), are standardised; `labels`, N of them, say who wrote a text; `groups`, N of them, which
    item it answers: no item is both learnt from and judged. A ridge logistic model on up to five folds, least-filled
    first; the area under the curve by ranks (Hanley and McNeil 1982) within folds; more than two labels: each against
    the rest, averaged by pairs. None with one label, fewer than two groups, or no fold that holds two labels.
    """
    x = np.asarray(features, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    kinds, label = np.unique(np.asarray(labels), return_inverse=True)
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if not len(x) == len(label) == len(group) or not np.all(np.isfinite(x)):
        raise ValueError(f"one label and one group a row, features finite; got {len(x)}, {len(label)}, {len(group)}")
    if len(kinds) < 2 or len(names) < 2:
        return None
    folds = _folds(np.bincount(group))[group]
    ordered = pairs = 0.0
    for kind in range(len(kinds)) if len(kinds) > 2 else (1,):
        truth = (label == kind).astype(np.float64)
        for fold in range(folds.max() + 1):
            inside = folds == fold
            ones = float(truth[inside].sum())
            zeros = float(inside.sum()) - ones
            if not ones or not zeros or not 0 < truth[~inside].sum() < (~inside).sum():
                continue
            score = _learnt(x[~inside], truth[~inside], x[inside])
            ordered += float(rankdata(score)[truth[inside] == 1].sum()) - ones * (ones + 1) / 2
            pairs += ones * zeros
    return ordered / pairs if pairs else None


def _folds(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Which fold each group goes to: the largest first, to the fold that holds least."""
    held = np.zeros(min(FOLDS, len(sizes)))
    fold = np.zeros(len(sizes), dtype=np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        fold[group] = int(np.argmin(held))
        held[fold[group]] += sizes[group]
    return fold


def _learnt(known: Array, truth: Array, asked: Array) -> Array:
    """Scores of texts by a ridge logistic model of others."""
    centre, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    design = np.hstack([np.ones((len(known), 1)), (known - centre) / spread])
    pull = np.diag([1e-6, *[RIDGE] * known.shape[1]])

    def derivatives(place: Array) -> tuple[float, Array, Array]:
        logits = design @ place
        p = expit(logits)
        value = float(truth @ logits - np.logaddexp(0, logits).sum() - place @ pull @ place / 2)
        bend = (p * (1 - p))[:, None] * design
        return value, design.T @ (truth - p) - pull @ place, design.T @ bend + pull

    place, _ = maximise(derivatives, np.zeros(design.shape[1]))
    return np.asarray((asked - centre) / spread @ place[1:])
