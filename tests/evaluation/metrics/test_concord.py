"""Kendall's tau of a metric with votes."""

import pytest

from evaluation.metrics.concord import kendall


def test_tau_counts_votes_for_and_against_the_metric():
    found = kendall([0.2, 0.1, -0.3, 0.0, 0.5], [1, 1, -1, 1, -1], list("aabbc"))
    assert (found.same, found.other, found.tied) == (3, 1, 1)
    assert found.tau == pytest.approx(2 / 5)
    assert found.low <= found.tau <= found.high


def test_a_metric_that_always_or_never_agrees():
    assert kendall([1, 2], [1, 1], ["a", "b"]).tau == 1
    assert kendall([1, 2], [-1, -1], ["a", "b"]).tau == -1


def test_without_votes_there_is_no_tau_and_with_one_item_no_interval():
    assert kendall([], [], []).tau is None
    assert kendall([1.0], [1], ["a"]).low is None


def test_what_is_no_preference_is_refused():
    with pytest.raises(ValueError, match="preference"):
        kendall([1.0], [0], ["a"])
