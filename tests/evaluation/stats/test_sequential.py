"""Evidence that may be looked at after every vote: printed figures and false stops."""

import math

import numpy as np
import pytest

from evaluation.stats import sequential


def test_sixty_to_forty_is_no_evidence_yet():
    assert sequential.e_value(60, 40) == pytest.approx(0.9130, abs=5e-5)
    by_hand = math.factorial(60) * math.factorial(40) / math.factorial(101) * 2**100
    assert sequential.e_value(60, 40) == pytest.approx(by_hand)


def test_evidence_at_the_ends():
    assert sequential.e_value(0, 0) == 1
    assert sequential.e_value(10**7, 0) == math.inf
    assert 0 < sequential.e_value(5_000_000, 5_000_000) < 0.001
    with pytest.raises(ValueError, match="counts"):
        sequential.e_value(-1, 0)


def test_a_path_ends_at_the_value():
    won = np.array([1, 1, 0, 1, 0, 1, 1])
    assert np.exp(sequential.path(won))[-1] == pytest.approx(sequential.e_value(5, 2))
    assert sequential.path([]).shape == sequential.rater_path([]).shape == (0,)


def test_looking_after_every_vote_stops_at_most_5_of_100_null_studies():
    won = np.random.default_rng(0).random((10_000, 400)) < 0.5
    stopped = (sequential.path(won).max(axis=1) >= math.log(20)).mean()
    assert 0.005 < stopped <= 0.05
    wins, votes = np.cumsum(won, axis=1), np.arange(1, 401)
    z = np.abs(2 * wins - votes)[:, 20:] / np.sqrt(votes[20:])
    assert (z > 1.96).any(axis=1).mean() > 0.3  # what looking on does to a test made for one look


def test_raters_whose_votes_hang_together_need_their_own_evidence():
    rng = np.random.default_rng(1)
    lean = rng.beta(2, 2, size=(10_000, 30))  # fair over raters, not within one
    won = rng.random((10_000, 30, 10)) < lean[:, :, None]
    by_rater = (sequential.rater_path(won.mean(axis=2)).max(axis=1) >= math.log(20)).mean()
    by_vote = (sequential.path(won.reshape(10_000, 300)).max(axis=1) >= math.log(20)).mean()
    assert by_rater <= 0.05 < by_vote


def test_raters_of_one_mind_are_soon_evidence_and_scores_are_shares():
    assert np.exp(sequential.rater_path([0.8] * 30))[-1] > 20
    assert np.exp(sequential.rater_path([0.5] * 30))[-1] == 1
    with pytest.raises(ValueError, match="between 0 and 1"):
        sequential.rater_path([1.2])
