"""How strong each contender is, from who beat whom."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.stats.newton import Array, NotIdentified, chance, maximise, separating

__all__ = ["Fit", "NotIdentified", "OrderFit", "Tally", "components", "fit", "fit_many", "fit_with_order", "tabulate"]

LONG_NAMES = 256  # bytes of a fixed-width name from which hashing each word of it is slower than a dictionary
BLOCK = 1 << 13  # names that are hashed at once: they stay in the cache
MANY_STEPS = 30


class Tally(NamedTuple):
    """Who took part, sorted, and `wins[i, j]` = times i beat j, shape (K, K)."""

    names: tuple[str, ...]
    wins: Array


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Strengths of K contenders with their uncertainty."""

    strength: Array  # (K,) log worths, sum 0
    covariance: Array  # (K, K) of the strengths, rank K - 1
    log_likelihood: float

    @property
    def worth(self) -> Array:
        """Worths with geometric mean 1, shape (K,)."""
        return np.exp(self.strength)

    @property
    def elo(self) -> Array:
        """Strengths on the scale of chess around 1000: 400 points are odds of ten, shape (K,)."""
        return np.asarray(1000 + 400 / np.log(10) * self.strength)

    @property
    def se(self) -> Array:
        """Standard errors of the strengths, shape (K,)."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    def difference(self, i: int, j: int) -> tuple[float, float]:
        """How much stronger i is than j, in log odds, and the standard error of that."""
        variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        return float(self.strength[i] - self.strength[j]), float(np.sqrt(max(variance, 0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class OrderFit(Fit):
    """Strengths freed from where answers stood, and what standing on the left is worth."""

    order_effect: float  # log odds that the left gains
    order_se: float


def tabulate(winners: Sequence[str] | npt.ArrayLike, losers: Sequence[str] | npt.ArrayLike) -> Tally:
    """Count who beat whom: two columns of N names, lists or arrays, one comparison a row.

    Fixed-width arrays are told apart by a hash of their words, which is then checked name by name; all else goes
    through a dictionary. Raises ValueError where the columns differ in length or a name meets itself.
    """
    won, lost = _encode(winners), _encode(losers)
    if len(won[1]) != len(lost[1]):
        raise ValueError(f"each comparison has a winner and a loser, got {len(won[1])} and {len(lost[1])}")
    names = tuple(sorted({*won[0], *lost[0]}))
    place = {name: index for index, name in enumerate(names)}
    size = len(names)
    first = np.array([place[name] for name in won[0]], dtype=np.int64)
    second = np.array([place[name] for name in lost[0]], dtype=np.int64)
    across = max(1, len(lost[0]))
    cells = np.bincount(won[1] * across + lost[1], minlength=max(1, len(won[0])) * across).reshape(-1, across)
    wins = np.zeros((size, size))
    wins[np.ix_(first, second)] = cells[: len(first), : len(second)]
    if np.any(np.diag(wins)):
        twice = names[int(np.flatnonzero(np.diag(wins))[0])]
        raise ValueError(f"nobody beats themselves: {twice} is winner and loser of one comparison")
    return Tally(names, wins)


def fit(wins: npt.ArrayLike, *, ridge: float = 0.0) -> Fit:
    """Fit P(i beats j) = 1 / (1 + exp(s_j - s_i)) by maximum likelihood (Bradley and Terry 1952).

    `wins[i, j]`, shape (K, K), is how often i beat j; the diagonal is zero. Newton's steps on the concave
    log-likelihood. The covariance is the pseudo-inverse of the observed information.
    Raises NotIdentified when the win graph isn't strongly connected: then the likelihood has no maximum (Ford 1957).
    With `ridge` > 0 the log-likelihood loses ridge / 2 · Σs², and strengths, pulled to each other, always exist.
    """
    table = _table(wins)
    size = len(table)
    groups = components(table)
    if len(groups) > 1 and not ridge:
        raise NotIdentified(groups)
    games = table + table.T
    ones = np.full((size, size), 1 / size)

    def derivatives(strength: Array) -> tuple[float, Array, Array]:
        gradient, information = _derivatives(table, games, strength)
        value = _log_likelihood(table, strength) - ridge / 2 * float(strength @ strength)
        return value, gradient - ridge * strength, information + ridge * np.eye(size) + ones

    strength, _ = maximise(derivatives, np.zeros(size))
    strength = strength - strength.mean()
    covariance = np.linalg.inv(derivatives(strength)[2] - ridge * ones) - ones
    return Fit(strength=strength, covariance=covariance, log_likelihood=_log_likelihood(table, strength))


def fit_many(tables: npt.ArrayLike, start: npt.ArrayLike | None = None) -> Array:
    """Fit B tables of wins at once, shape (B, K, K); strengths (B, K), NaN where a table's aren't identified.

    Counts may be weights of a resample. The same likelihood as `fit`, without errors of its own: made for bootstraps.
    """
    wins = np.asarray(tables, dtype=np.float64)
    number, size = wins.shape[:2]
    reach = ((wins > 0) | np.eye(size, dtype=bool)).astype(np.float32)
    for _ in range(max(1, int(np.ceil(np.log2(max(2, size)))))):
        reach = (reach @ reach > 0).astype(np.float32)
    found = np.full((number, size), np.nan)
    left = np.flatnonzero(reach.all(axis=(1, 2)))
    strength = np.zeros((len(left), size)) + (0.0 if start is None else np.asarray(start, dtype=np.float64))
    for _ in range(MANY_STEPS):
        if not len(left):
            break
        table = wins[left]
        games = table + table.transpose(0, 2, 1)
        expected = chance(strength[:, :, None] - strength[:, None, :])
        weight = games * expected * (1 - expected)
        information = np.full_like(weight, 1 / size) - weight
        information[:, range(size), range(size)] += weight.sum(axis=2)
        gradient = (table - games * expected).sum(axis=2)
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        strength = strength + np.clip(step, -2, 2)  # a step from far away may overshoot
        done = np.abs(step).max(axis=1) < 1e-8
        found[left[done]] = strength[done]
        left, strength = left[~done], strength[~done]
    for index in left:  # hardly connected at all: one at a time, with halved steps
        found[index] = fit(wins[index]).strength
    return np.asarray(found - found.mean(axis=1, keepdims=True))


def fit_with_order(left_wins: npt.ArrayLike, right_wins: npt.ArrayLike) -> OrderFit:
    """Fit log odds that the left wins = s_left - s_right + δ (Davidson and Beaver 1977).

    `left_wins[i, j]`: i shown left, i won against j; `right_wins[i, j]`: i shown left, j won; both (K, K).
    Raises NotIdentified when strengths or δ have no finite best value: not connected, always the left, or one order.
    """
    won, lost = _table(left_wins), _table(right_wins)
    if won.shape != lost.shape:
        raise ValueError(f"both tables are of the same contenders, got {len(won)} and {len(lost)}")
    size = len(won)
    groups = components((won + won.T + lost + lost.T > 0).astype(float))
    if len(groups) > 1:
        raise NotIdentified(groups)
    left, right = np.nonzero(won + lost)
    k, n = won[left, right], won[left, right] + lost[left, right]
    design = np.zeros((len(left), size + 1))
    design[range(len(left)), left] = 1
    design[range(len(left)), right] -= 1
    design[:, size] = 1
    place, covariance, value = logistic(design, k, n - k, free=size, everyone=size)
    shift = np.append(np.full(size, place[:size].mean()), 0.0)
    place = place - shift
    return OrderFit(
        place[:size], covariance[:size, :size], value, float(place[size]), float(np.sqrt(covariance[size, size]))
    )


def logistic(design: Array, won: Array, lost: Array, *, free: int, everyone: int) -> tuple[Array, Array, float]:
    """Fit log odds = design · β to counts; the first `free` columns are contenders, whose level is free.

    Returns β with those columns summing to 0, its covariance and the log-likelihood. Raises NotIdentified.
    """
    columns = design.shape[1]
    level = np.zeros((columns, columns))
    level[:free, :free] = 1 / free

    def derivatives(place: Array) -> tuple[float, Array, Array]:
        logits = design @ place
        value = -float(won @ np.logaddexp(0, -logits) + lost @ np.logaddexp(0, logits))
        p = chance(logits)
        weight = (won + lost) * p * (1 - p)
        return value, design.T @ (won - (won + lost) * p), design.T @ (weight[:, None] * design) + level

    whole = tuple(range(everyone))
    if np.linalg.matrix_rank(np.vstack([design, np.append(np.ones(free), np.zeros(columns - free))])) < columns:
        raise NotIdentified(
            (whole,), "The votes can't tell contenders from sides or covariates: vary who stands where."
        )
    place, top = maximise(derivatives, np.zeros(columns))
    if not top or np.max(np.abs(design @ place), initial=0.0) > 12:
        signed = np.unique(np.vstack([design[won > 0], -design[lost > 0]]), axis=0)
        direction = separating(signed)
        if direction is not None:
            raise NotIdentified(
                _grouped(direction[:free]), "Side, covariates and contenders together explain every vote."
            )
    covariance = np.linalg.inv(derivatives(place)[2]) - level
    return place, covariance, derivatives(place)[0]


def components(wins: npt.ArrayLike) -> tuple[tuple[int, ...], ...]:
    """Group contenders that beat each other both ways, directly or through others; winners' groups first."""
    table = _table(wins)
    reach = (table > 0) | np.eye(len(table), dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(max(2, len(table))))))):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    both = reach & reach.T
    groups = {tuple(int(i) for i in np.flatnonzero(row)) for row in both}
    # whoever reaches more of the others stands higher; the index settles the rest
    return tuple(sorted(groups, key=lambda group: (-int(reach[group[0]].sum()), group)))


def _encode(names: Sequence[str] | npt.ArrayLike) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Distinct names, and the place of each name among them, shape (N,)."""
    if isinstance(names, np.ndarray) and names.dtype.kind == "U" and 0 < names.dtype.itemsize <= LONG_NAMES:
        column = np.ascontiguousarray(names).reshape(-1)
        words = column.view(np.uint32 if column.dtype.itemsize % 8 else np.uint64).reshape(len(column), -1)
        marks = _marks(words)
        kinds = np.unique(marks)
        codes = np.searchsorted(kinds, marks)
        first = np.zeros(len(kinds), dtype=np.int64)
        first[codes[::-1]] = np.arange(len(column))[::-1]
        known = words[first]
        blocks = (slice(start, start + BLOCK) for start in range(0, len(column), BLOCK))
        if all(np.array_equal(known.take(codes[block], axis=0), words[block]) for block in blocks):
            return column[first].tolist(), codes  # else two names share a hash
    listed = names.tolist() if isinstance(names, np.ndarray) else list(names)  # type: ignore[arg-type]
    places: defaultdict[Any, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(places.__getitem__, listed), dtype=np.int64, count=len(listed))
    return list(places), codes


def _marks(words: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """A hash of each fixed-width name, shape (N,): its words by odd multipliers."""
    factors = np.random.default_rng(0).integers(2**62, size=(words.shape[1],)).astype(np.uint64)
    marks = np.zeros(len(words), dtype=np.uint64)
    for start in range(0, len(words), BLOCK):
        block, mark = words[start : start + BLOCK], marks[start : start + BLOCK]
        for word, factor in enumerate(factors):
            mark += block[:, word] * (factor * np.uint64(2) + np.uint64(1))
    return marks


def _table(wins: npt.ArrayLike) -> Array:
    table = np.array(wins, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not len(table):
        raise ValueError(f"wins must be a K×K table, got shape {table.shape}")
    if not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ValueError("wins are counts: finite and not negative")
    if np.any(np.diag(table)):
        raise ValueError("nobody beats themselves: the diagonal of wins is zero")
    return table


def _grouped(direction: Array) -> tuple[tuple[int, ...], ...]:
    """Contenders that go the same way, those that go up first."""
    rounded = np.round(direction, 6)
    return tuple(tuple(int(i) for i in np.flatnonzero(rounded == each)) for each in np.unique(rounded)[::-1])


def _derivatives(table: Array, games: Array, strength: Array) -> tuple[Array, Array]:
    expected = chance(strength[:, None] - strength[None, :])
    weight = games * expected * (1 - expected)
    return (table - games * expected).sum(axis=1), np.diag(weight.sum(axis=1)) - weight


def _log_likelihood(table: Array, strength: Array) -> float:
    return float(-(table * np.logaddexp(0, strength[None, :] - strength[:, None])).sum())
