"""What can be read out of features: cross-validated ridge and logistic probes, with intervals and a floor.

A probe is fitted on four fifths of the clips and scored on the last, in turn. The interval is a bootstrap over clips of
the held-out predictions; the floor is the best score among fits to shuffled targets, which holds nothing to be read.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from threadpoolctl import threadpool_limits

FOLDS = 5
SHUFFLES = 8
DRAWS = 1000
PENALTIES = 10.0 ** np.arange(-4, 5)
LOGISTIC_PENALTIES = (0.01, 0.1, 1.0)
COMPONENTS = 64  # principal ones, of which a logistic probe takes that many at most


@dataclass(frozen=True, slots=True)
class Score:
    """Held-out R² of a number or share right of a class, its 95 % interval, and what shuffled targets reach."""

    score: float
    low: float
    high: float
    floor: float

    @property
    def is_heard(self) -> bool:
        """Whether it is surely more than nothing."""
        return self.low > max(self.floor, 0.0)


def number(features: np.ndarray, target: np.ndarray, *, seed: int = 0) -> Score:
    """Score a ridge probe: features of shape (clips, width), one number a clip; R² against the mean.

    Ridge regression (Hoerl and Kennard 1970); the penalty is the one with the least generalised cross-validation
    error (Golub, Heath and Wahba 1979) on the training clips.
    """
    with threadpool_limits(limits=1):  # small products lose to threads that wait; one order of sums is one sum
        rng = np.random.default_rng(seed)
        folds = rng.permutation(np.arange(len(target)) % FOLDS)
        found = _held_out(features, target, folds)
        floors = []
        for _ in range(SHUFFLES):
            shuffled = rng.permutation(target)
            floors.append(_r2(shuffled, *_held_out(features, shuffled, folds)))
        draws = [_r2(target[pick], found[0][pick], found[1][pick]) for pick in _resamples(len(target), rng)]
        low, high = np.quantile(draws, [0.025, 0.975])
        return Score(_r2(target, *found), float(low), float(high), float(max(floors)))


def classes(features: np.ndarray, target: np.ndarray, count: int, *, seed: int = 0) -> Score:
    """Score a multinomial logistic probe: features (clips, width), the place of one of `count` classes a clip."""
    with threadpool_limits(limits=1):  # small products lose to threads that wait; one order of sums is one sum
        rng = np.random.default_rng(seed)
        target = target.astype(int)
        folds = rng.permutation(np.arange(len(target)) % FOLDS)
        right = _held_out_classes(features, target, count, folds) == target
        floors = []
        for _ in range(SHUFFLES // 2):
            shuffled = rng.permutation(target)
            floors.append(float(np.mean(_held_out_classes(features, shuffled, count, folds) == shuffled)))
        return share(right, rng, floor=max(floors))


def share(right: np.ndarray, rng: np.random.Generator, *, floor: float) -> Score:
    """A share right with its interval."""
    draws = [right[pick].mean() for pick in _resamples(len(right), rng)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Score(float(right.mean()), float(low), float(high), floor)


def _held_out(features: np.ndarray, target: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions for each clip from a fit without it, and the mean of what that fit saw."""
    predicted, means = np.empty(len(target)), np.empty(len(target))
    for fold in range(FOLDS):
        held = folds == fold
        train, test = _standard(features, held)
        mean = target[~held].mean()
        predicted[held] = mean + test @ _ridge(train, target[~held] - mean)
        means[held] = mean
    return predicted, means


def _ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    uy = u.T @ y
    best: tuple[float, np.ndarray] | None = None
    for penalty in PENALTIES * max(1e-12, float(np.mean(s**2))):
        shrink = s**2 / (s**2 + penalty)
        rest = float(np.sum((y - u @ (shrink * uy)) ** 2))
        freedom = max(1e-3, 1 - (1 + float(shrink.sum())) / len(y))
        error = rest / freedom**2
        if best is None or error < best[0]:
            best = error, vt.T @ (s / (s**2 + penalty) * uy)
    assert best is not None
    return best[1]


def _held_out_classes(features: np.ndarray, target: np.ndarray, count: int, folds: np.ndarray) -> np.ndarray:
    predicted = np.empty(len(target), dtype=int)
    for fold in range(FOLDS):
        held = folds == fold
        train, test = _standard(features, held)
        _, s, vt = np.linalg.svd(train, full_matrices=False)
        kept = vt[: min(COMPONENTS, len(train) // 2)].T
        scale = max(1e-9, float(np.sqrt(np.mean(s**2))))
        train, test = train @ kept / scale, test @ kept / scale
        known, inner = target[~held], np.arange(len(train)) % 4 == 0
        tried = []
        for penalty in LOGISTIC_PENALTIES:
            weights = _logistic(train[~inner], known[~inner], count, penalty)
            tried.append(np.mean((train[inner] @ weights[:-1] + weights[-1]).argmax(1) == known[inner]))
        weights = _logistic(train, known, count, LOGISTIC_PENALTIES[int(np.argmax(tried))])
        predicted[held] = (test @ weights[:-1] + weights[-1]).argmax(1)
    return predicted


def _logistic(x: np.ndarray, y: np.ndarray, count: int, penalty: float) -> np.ndarray:
    """Weights of shape (width + 1, count); the last row is the intercept, which is not penalised."""
    padded = np.hstack([x, np.ones((len(x), 1))])
    hot = np.eye(count)[y]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, count)
        logits = padded @ weights
        value = (logsumexp(logits, axis=1) - (logits * hot).sum(1)).sum() + penalty / 2 * np.sum(weights[:-1] ** 2)
        slope = padded.T @ (softmax(logits, axis=1) - hot)
        slope[:-1] += penalty * weights[:-1]
        return float(value), slope.ravel()

    found = minimize(loss, np.zeros(padded.shape[1] * count), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    weights: np.ndarray = found.x.reshape(-1, count)
    return weights


def _standard(features: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out features, centred and scaled by the training clips."""
    train = features[~held]
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 1e-7 * (1 + np.abs(mean)), spread, np.inf)  # what never changes tells nothing
    return (train - mean) / spread, (features[held] - mean) / spread


def _r2(target: np.ndarray, predicted: np.ndarray, means: np.ndarray) -> float:
    total = float(np.sum((target - means) ** 2))
    return 1 - float(np.sum((target - predicted) ** 2)) / total if total else 0.0


def _resamples(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(count, size=(DRAWS, count))
