"""Where the points of a loss curve lie: the page draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Points = Sequence[tuple[int, float]]  # step, value

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 36, 54  # room for words that a phone shows larger
MOST_POINTS = 360  # more than the pixels between them can show


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its place in the drawing and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One drawn series."""

    name: str
    label: str
    points: str  # "x,y x,y …"
    dots: tuple[tuple[float, float], ...]  # drawn as dots too where there are few
    last: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawing of series over steps, linear on both axes, with zero at the bottom."""

    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    words: str  # what a screen reader says
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def draw(series: Sequence[tuple[str, str, Points]], steps: int) -> Curve | None:
    """Lay out series of (name, label, points) over `steps` steps; None while there is nothing to draw."""
    drawn = [(name, label, thinned(points)) for name, label, points in series if points]
    if not drawn:
        return None
    last = max(steps, *(points[-1][0] for _, _, points in drawn), 1)
    y_marks = marks(max(value for _, _, points in drawn for _, value in points))
    top = y_marks[-1]

    def x(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * step / last, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)

    lines = []
    for name, label, points in drawn:
        places = [(x(step), y(value)) for step, value in points]
        lines.append(
            Line(
                name=name,
                label=label,
                points=" ".join(f"{left},{down}" for left, down in places),
                dots=tuple(places) if len(places) <= 12 else (),
                last=points[-1][1],
            )
        )
    return Curve(
        lines=tuple(lines),
        x_ticks=tuple(Tick(x(step), f"{step:g}") for step in marks(last, whole=True) if step <= last),
        y_ticks=tuple(Tick(y(value), f"{value:g}") for value in y_marks),
        words="; ".join(
            f"{label} loss from {points[0][1]:.3g} at step {points[0][0]} to {points[-1][1]:.3g} at {points[-1][0]}"
            for _, label, points in drawn
        ),
    )


def marks(most: float, *, whole: bool = False) -> list[float]:
    """Round numbers from zero to just above the greatest value, four to seven of them."""
    if most <= 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(most / 4))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times * 5 >= most)
    if whole:
        step = max(1, math.ceil(step))
    return [round(step * number, 10) for number in range(math.ceil(most / step - 1e-9) + 1)]


def thinned(points: Points) -> Points:
    """At most MOST_POINTS points: the lowest and the highest of each stretch, with both ends."""
    if len(points) <= MOST_POINTS:
        return points
    stretch = math.ceil(2 * len(points) / MOST_POINTS)
    kept = {points[0], points[-1]}
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        kept |= {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
    return sorted(kept)
