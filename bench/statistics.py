"""The statistics cores on a million comparisons, against evalica and choix in the same run."""

from pathlib import Path

import numpy as np

from bench.measure import Figure, Recordings, least
from evaluation.stats import bootstrap, bradley_terry, davidson

COMPARISONS, CONTENDERS, RATERS, ITEMS, DRAWS = 1_000_000, 20, 200, 500, 1000


def statistics_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Bradley–Terry from names and from a table, and cluster bootstraps; 20 contenders, 200 raters, 500 items."""
    import choix
    import evalica

    rng = np.random.default_rng(7)
    strength = rng.normal(0, 0.6, CONTENDERS)
    one = rng.integers(CONTENDERS, size=COMPARISONS)
    other = (one + rng.integers(1, CONTENDERS, COMPARISONS)) % CONTENDERS
    won = rng.random(COMPARISONS) < 1 / (1 + np.exp(strength[other] - strength[one]))
    winners, losers = np.where(won, one, other), np.where(won, other, one)
    raters, items = rng.integers(RATERS, size=COMPARISONS), rng.integers(ITEMS, size=COMPARISONS)
    names = np.array([f"contender-{number:02}" for number in range(CONTENDERS)])
    columns = names[winners], names[losers]
    lists = [column.tolist() for column in columns]
    outcomes = [evalica.Winner.X] * COMPARISONS
    pairs = list(zip(winners.tolist(), losers.tolist(), strict=True))
    wins = bradley_terry.tabulate(*columns).wins

    def from_names() -> None:
        bradley_terry.fit(bradley_terry.tabulate(*columns).wins)

    mine = least(from_names, 5)
    listed = least(lambda: bradley_terry.fit(bradley_terry.tabulate(*lists).wins), 3)
    theirs = least(lambda: evalica.bradley_terry(*lists, outcomes), 2)
    choixs = least(lambda: choix.ilsr_pairwise(CONTENDERS, pairs), 1)
    table = least(lambda: bradley_terry.fit(wins), 5)
    dense = least(lambda: choix.ilsr_pairwise_dense(wins), 3)
    by_rater = least(lambda: bootstrap.strengths(winners, losers, CONTENDERS, (raters,), n=DRAWS), 3)
    both = least(lambda: bootstrap.strengths(winners, losers, CONTENDERS, (raters, items), n=DRAWS), 2)
    ties = np.round(wins / 3)
    tied = least(lambda: davidson.fit(wins, ties + ties.T), 3)
    few = winners[:100_000] % 4, (winners[:100_000] + 1 + losers[:100_000] % 3) % 4
    ways = raters[:100_000], items[:100_000]
    report = least(lambda: bootstrap.strengths(*few, 4, ways, n=2000), 2)
    return [
        Figure("Bradley–Terry of 1M from names", mine, "s", 0.3, "evalica.bradley_terry, from lists", mine / theirs),
        Figure("… the names in lists", listed, "s", 0.3, "evalica.bradley_terry, from lists", listed / theirs),
        Figure("… beside numbers in choix", mine, "s", None, "choix.ilsr_pairwise, from numbers", mine / choixs),
        Figure("… from a table of wins", 1000 * table, "ms", 2.0, "choix.ilsr_pairwise_dense", table / dense),
        Figure("Davidson from tables", 1000 * tied, "ms"),
        Figure("1,000 bootstraps of 1M by 200 raters", by_rater, "s", 1.0),
        Figure("… by 200 raters and 500 items", both, "s"),
        Figure("2,000 two-way bootstraps of 100,000 votes", report, "s", 3.0),
    ]


ARMS = {"statistics": statistics_arm}
