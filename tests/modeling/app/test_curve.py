"""The loss curve's drawing: inside its frame, on round numbers, small however long the run."""

import pytest

from modeling.curve import MOST_POINTS, draw, marks, thinned


@pytest.mark.parametrize(
    ("most", "expected"),
    [(6.9, [0, 2, 4, 6, 8]), (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.013, [0, 0.005, 0.01, 0.015]), (0, [0, 1])],
)
def test_marks_are_round_and_reach_the_top(most, expected):
    assert marks(most) == pytest.approx(expected)


@pytest.mark.parametrize("last", [1, 2, 3, 7, 80, 241, 9999])
def test_steps_are_marked_by_whole_numbers(last):
    assert all(mark == int(mark) for mark in marks(last, whole=True))


def test_every_point_lies_inside_the_frame():
    curve = draw([("loss", "Training", [(1, 6.9), (40, 0.5), (80, 0.02)]), ("eval_loss", "Validation", [])], 80)
    assert [line.name for line in curve.lines] == ["loss"]
    for point in curve.lines[0].points.split():
        x, y = map(float, point.split(","))
        assert curve.left <= x <= curve.right
        assert curve.top <= y <= curve.bottom
    assert curve.x_ticks[-1].label == "80"


def test_nothing_measured_is_no_curve():
    assert draw([("loss", "Training", [])], 80) is None


def test_a_long_run_is_thinned_and_keeps_its_ends_and_peaks():
    points = [(step, 1.0) for step in range(1, 100_001)]
    points[54_321] = (54_322, 9.0)
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 2
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert (54_322, 9.0) in kept
