"""Covariances that hold where votes of one rater, or on one item, hang together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.stats.newton import Array

Codes = npt.NDArray[np.int64]
RANK = 1e-10  # of the greatest eigenvalue, below which nothing was learnt


def covariance(
    scores: npt.ArrayLike, information: npt.ArrayLike, clusters: Sequence[npt.ArrayLike] | npt.ArrayLike = ()
) -> Array | None:
    """Return H⁻¹ (Σ_g s_g s_gᵀ) H⁻¹ · G / (G - 1) for the clusters g of one way, V_1 + V_2 - V_12 for two.

    `scores`, shape (N, P), is each vote's derivative of the log-likelihood at its maximum; `information`, (P, P), its
    negative second derivative, of any rank: its pseudo-inverse is taken. `clusters`: one or two columns of N labels;
    with none, each vote is a cluster of its own. One way: Liang and Zeger 1986; two: Cameron, Gelbach and Miller 2011,
    negative eigenvalues set to 0. None where some way has fewer than two clusters.
    """
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    ways = ways_of(clusters, len(rows))
    if any(way.max(initial=-1) < 1 for way in ways):
        return None
    # what lacks rank is 1e-13 of the rest after many votes, not 0: it must not be taken for an estimate
    bread = np.linalg.pinv(np.asarray(information, dtype=np.float64), rtol=RANK, hermitian=True)
    parts = [bread @ _meat(rows, way) @ bread for way in ways]
    if len(ways) == 1:
        return np.asarray(parts[0])
    both = bread @ _meat(rows, crossing(*ways)) @ bread
    values, vectors = np.linalg.eigh(parts[0] + parts[1] - both)
    return np.asarray((vectors * np.clip(values, 0, None)) @ vectors.T)


def ways_of(clusters: Sequence[npt.ArrayLike] | npt.ArrayLike, rows: int) -> list[Codes]:
    """Number the clusters of each way from 0, shape (N,) each; rows are clusters of their own where none are given.

    Raises ValueError for more than two ways, or labels that aren't one a row.
    """
    columns = [clusters] if isinstance(clusters, np.ndarray) and clusters.ndim == 1 else list(clusters)  # type: ignore[arg-type]
    if len(columns) > 2:
        raise ValueError(f"clusters are raters, items, or both, got {len(columns)} columns of labels")
    labels = [np.asarray(column) for column in columns]
    if any(label.shape != (rows,) for label in labels):
        raise ValueError(f"clusters name one label for each of {rows} rows, got shapes {[x.shape for x in labels]}")
    return [_numbered(label) for label in labels] or [np.arange(rows)]


def crossing(first: Codes, second: Codes) -> Codes:
    """Number the combinations that occur of two ways of clustering, shape (N,)."""
    return _numbered(first * (second.max(initial=0) + 1) + second)


def _numbered(labels: npt.NDArray[Any]) -> Codes:
    """Labels as numbers from 0 without a gap; whole numbers that are dense already need no sorting."""
    if labels.dtype.kind in "iu" and len(labels) and labels.min() >= 0 and labels.max() < 4 * len(labels):
        return np.asarray((np.cumsum(np.bincount(labels) > 0) - 1)[labels])
    return np.unique(labels, return_inverse=True)[1]


def _meat(rows: Array, way: Codes) -> Array:
    count = int(way.max()) + 1
    sums = np.stack([np.bincount(way, weights=column, minlength=count) for column in rows.T], axis=1)
    return np.asarray(sums.T @ sums * count / (count - 1))
