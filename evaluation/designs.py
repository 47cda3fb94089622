"""Closed designs: who sees which pair when, worked out before anybody comes."""


def williams(n: int) -> list[list[int]]:
    """A Williams design for n conditions: n rows for an even n, 2n for an odd one; each row is a permutation.

    Every condition follows every other one equally often (Williams 1949), and stands in every place equally often.
    """
    first = [0]
    low, high = 1, n - 1
    while len(first) < n:
        first.append(low)
        low += 1
        if len(first) < n:
            first.append(high)
            high -= 1
    rows = [[(each + shift) % n for each in first] for shift in range(n)]
    return rows if n % 2 == 0 else rows + [row[::-1] for row in rows]


def planned(rater: int, trial: int, pairs: int) -> int:
    """Which of the pairs the rater with this number (from 1) sees on the item in this place (from 0)."""
    square = williams(pairs)
    return square[(rater - 1) % len(square)][trial % pairs]
