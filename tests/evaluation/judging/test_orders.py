"""No place favours anybody."""

from collections import Counter

import pytest

from evaluation.judging.orders import orders_of


@pytest.mark.parametrize(("count", "orders"), [(1, 1), (2, 2), (3, 6), (4, 4), (5, 10), (6, 6), (7, 14), (20, 20)])
def test_everybody_stands_in_each_place_equally_often(count, orders):
    found = orders_of(count)
    assert len(found) == len(set(found)) == orders
    for place in range(count):
        assert set(Counter(order[place] for order in found).values()) == {orders // count}


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 12])
def test_everybody_follows_everybody_equally_often(count):
    follows = Counter((order[at], order[at + 1]) for order in orders_of(count) for at in range(count - 1))
    assert len(follows) == count * (count - 1)
    assert len(set(follows.values())) == 1


def test_rotations_are_balanced_by_place_alone():
    assert orders_of(3, "rotations") == [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    with pytest.raises(ValueError, match="balanced, rotations"):
        orders_of(3, "random")
