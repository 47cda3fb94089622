"""Tables that papers print, and random ones."""

import numpy as np

# Wikipedia's example: A>B 2, B>A 3, A>D 1, D>A 4, B>C 5, C>B 3, C>D 1, D>C 3
WIKIPEDIA = [[0, 2, 0, 1], [3, 0, 5, 0], [0, 3, 0, 1], [4, 0, 3, 0]]
# Stigler's journals (Agresti): rows are cited by columns; Biometrika, Comm. Statist., JASA, JRSS-B
CITATIONS = [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]]
# Davidson 1970, example 2: six puddings, i-j wins of i / wins of j / ties
PUDDINGS = """1-2 19/22/16 1-3 16/19/12 2-3 19/19/10 1-4 18/23/13 2-4 23/19/9 3-4 19/20/15 1-5 13/19/18 2-5 16/20/12
3-5 16/15/17 4-5 17/14/16 1-6 18/21/12 2-6 22/20/12 3-6 13/18/10 4-6 14/19/18 5-6 11/21/12"""
# evalica's README: Tacos, Sushi, Burger, Pasta, Pizza; wins, and ties
FOOD = [[0, 1, 1, 4, 4], [1, 0, 4, 1, 0], [1, 2, 0, 0, 3], [1, 0, 2, 0, 0], [0, 2, 0, 1, 0]]
FOOD_TIES = [[0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 1, 0]]


def puddings():
    """Wins and symmetric ties of the pudding data, (6, 6) each."""
    wins, ties = np.zeros((6, 6)), np.zeros((6, 6))
    for each in PUDDINGS.split("\n"):
        cells = each.split()
        for pair, outcome in zip(cells[::2], cells[1::2], strict=True):
            i, j = (int(number) - 1 for number in pair.split("-"))
            wins[i, j], wins[j, i], tied = map(int, outcome.split("/"))
            ties[i, j] = ties[j, i] = tied
    return wins, ties


def random_tables(number, seed=0, *, ties=False):
    """Tables of 2 to 6 contenders in which everyone beats everyone at least once."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        size = int(rng.integers(2, 7))
        wins = rng.integers(1, 40, size=(size, size)).astype(float)
        tied = np.triu(rng.integers(0, 20, size=(size, size)), 1).astype(float) if ties else np.zeros((size, size))
        np.fill_diagonal(wins, 0)
        yield wins, tied + tied.T


def votes_of(wins):
    """Numbers of winners and losers, one a vote."""
    table = np.asarray(wins, dtype=int)
    won, lost = np.nonzero(table)
    return np.repeat(won, table[won, lost]), np.repeat(lost, table[won, lost])
