"""In which orders candidates are shown, so that no place favours anybody."""

from collections.abc import Sequence
from itertools import permutations
from typing import TypeVar

T = TypeVar("T")
MODES = ("balanced", "rotations")


def orders_of(count: int, mode: str = "balanced") -> list[tuple[int, ...]]:
    """Orders of the numbers 0 to count - 1, each number in each place equally often.

    balanced: all permutations up to three; from four on a Williams square, in which each number also follows each
    other one equally often (Williams 1949): count orders, twice as many for an odd count. rotations: count orders,
    balanced by place alone, for a small budget.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, got {mode}")
    if mode == "rotations":
        return [tuple((start + place) % count for place in range(count)) for start in range(count)]
    if count <= 3:
        return list(permutations(range(count)))
    return williams(count)


def williams(count: int) -> list[tuple[int, ...]]:
    """A Williams square, for an odd count with its mirror."""
    zigzag = [0]
    low, high = 1, count - 1
    while len(zigzag) < count:
        zigzag.append(low)
        low += 1
        if len(zigzag) < count:
            zigzag.append(high)
            high -= 1
    rows = [tuple((number + shift) % count for number in zigzag) for shift in range(count)]
    return rows if count % 2 == 0 else rows + [tuple(reversed(row)) for row in rows]


def shown(items: Sequence[T], order: Sequence[int]) -> list[T]:
    """Items in an order."""
    return [items[number] for number in order]
