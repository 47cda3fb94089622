"""The same numbers as evalica and choix, table by table."""

import choix
import evalica
import numpy as np
import pandas as pd
import pytest
from evalica import Winner

from evaluation.stats import bradley_terry, davidson, plackett_luce
from tests.evaluation.stats.tables import FOOD, FOOD_TIES, puddings, random_tables

TIGHT = {"tolerance": 1e-12, "limit": 100_000}
TABLES = 500


def listed(wins, ties):
    """Columns, outcomes and weights as evalica takes them."""
    won, tied = np.nonzero(wins), np.nonzero(np.triu(ties))
    columns = [[int(x) for x in (*a, *b)] for a, b in zip(won, tied, strict=True)]
    outcomes = [Winner.X] * len(won[0]) + [Winner.Draw] * len(tied[0])
    weights = [float(x) for x in (*wins[won], *ties[tied])]
    return (*columns, outcomes), {"weights": weights, "index": pd.Index(range(len(wins)))}


def centred(values):
    return np.asarray(values) - np.mean(values)


def test_bradley_terry_is_evalicas_to_1e_7_and_choixs_to_1e_9():
    for wins, ties in random_tables(TABLES):
        found = bradley_terry.fit(wins)
        columns, options = listed(wins, ties)
        theirs = evalica.bradley_terry(*columns, **options, **TIGHT).scores.loc[range(len(wins))]
        assert found.strength == pytest.approx(centred(np.log(theirs)), abs=1e-7)
        assert found.strength == pytest.approx(
            centred(choix.ilsr_pairwise_dense(wins, max_iter=10_000, tol=1e-12)), abs=1e-9
        )


def test_davidson_is_evalicas_newman():
    for wins, ties in random_tables(TABLES, seed=1, ties=True):
        found = davidson.fit(wins, ties)
        if len(wins) > 2:
            columns, options = listed(wins, ties)
            theirs = evalica.newman(*columns, **options, **TIGHT)
            assert found.strength == pytest.approx(centred(np.log(theirs.scores.loc[range(len(wins))])), abs=1e-7)
            assert found.nu == pytest.approx(2 * theirs.v, abs=1e-7)
        else:  # evalica stops early where two are about equal; by hand
            assert found.strength[0] == pytest.approx(np.log(wins[0, 1] / wins[1, 0]) / 2, abs=1e-9)
            assert found.nu == pytest.approx(ties[0, 1] / np.sqrt(wins[0, 1] * wins[1, 0]), abs=1e-9)


def test_plackett_luce_is_choixs():
    rng = np.random.default_rng(2)
    for _ in range(60):
        size = int(rng.integers(3, 6))
        rankings = [rng.permutation(size)[: rng.integers(2, size + 1)].tolist() for _ in range(60)]
        theirs = choix.ilsr_rankings(size, rankings, max_iter=10_000, tol=1e-12)
        assert plackett_luce.fit(rankings, size).strength == pytest.approx(centred(theirs), abs=1e-9)


def test_the_libraries_print_what_the_papers_do():
    wins, ties = puddings()
    columns, options = listed(wins, ties)
    assert evalica.newman(*columns, **options, **TIGHT).v == pytest.approx(0.3734115, abs=5e-8)
    columns, options = listed(np.array(FOOD), np.array(FOOD_TIES))
    scores = evalica.bradley_terry(*columns, **options, **TIGHT).scores.loc[range(5)]
    assert scores.loc[0] / scores.sum() == pytest.approx(0.434290, abs=5e-7)
    ours = bradley_terry.fit(np.array(FOOD) + np.array(FOOD_TIES) / 2)
    assert ours.strength == pytest.approx(centred(np.log(scores)), abs=1e-7)
