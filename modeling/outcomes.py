"""What an experiment's runs came to: means and spreads over seeds, what an arm differs by, and the figure's places."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 720, 44, 190, 24, 16, 44
# two-sided 95 % of Student's t by degrees of freedom; beyond, the normal's is near enough for a table of seeds
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


@dataclass(frozen=True, slots=True)
class Result:
    """One run: its arm, its seed, and its validation loss once it has one."""

    arm: str
    seed: int
    loss: float | None
    watched: str | None = None  # hash of the validation turns


@dataclass(frozen=True, slots=True)
class Row:
    """One arm over its seeds."""

    arm: str
    planned: int
    count: int  # of runs that have a loss
    mean: float | None
    spread: float | None  # standard deviation over seeds
    low: float | None
    high: float | None
    difference: float | None  # from the first arm, over the seeds that both have
    margin: float | None  # half of its 95 % interval (Student's t on the pairs); None below two pairs
    pairs: int


def table(results: Sequence[Result]) -> list[Row]:
    """Sum up the arms in their order; the first one is what the others are held against."""
    arms = list(dict.fromkeys(result.arm for result in results))
    losses = {arm: {one.seed: one.loss for one in results if one.arm == arm and one.loss is not None} for arm in arms}
    rows = []
    for arm in arms:
        values = list(losses[arm].values())
        shared = sorted(set(losses[arm]) & set(losses[arms[0]])) if arm != arms[0] else []
        gaps = [losses[arm][seed] - losses[arms[0]][seed] for seed in shared]
        margin = None
        if len(gaps) > 1:
            t = T95[len(gaps) - 2] if len(gaps) - 2 < len(T95) else 1.96
            margin = t * stdev(gaps) / math.sqrt(len(gaps))
        rows.append(
            Row(
                arm=arm,
                planned=sum(one.arm == arm for one in results),
                count=len(values),
                mean=fmean(values) if values else None,
                spread=stdev(values) if len(values) > 1 else None,
                low=min(values) if values else None,
                high=max(values) if values else None,
                difference=fmean(gaps) if gaps else None,
                margin=margin,
                pairs=len(gaps),
            )
        )
    return rows


def watch_the_same(results: Sequence[Result]) -> bool:
    """Whether all runs that are done were validated on the same turns, so that their losses may be compared."""
    return len({one.watched for one in results if one.loss is not None}) < 2


@dataclass(frozen=True, slots=True)
class Lane:
    """One arm of the figure: where its dots and its mean lie."""

    arm: str
    at: float
    dots: tuple[float, ...]
    mean: float | None
    from_x: float | None  # mean ± spread
    to_x: float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A dot for each seed, a mark for the mean, a line for the spread; one lane for each arm."""

    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    words: str
    width: int
    height: int
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = 0


def figure(results: Sequence[Result]) -> Figure | None:
    """Lay the losses out on one axis; None while no run has one."""
    losses = [one.loss for one in results if one.loss is not None]
    if not losses:
        return None
    rows = table(results)
    ends = [
        end
        for row in rows
        if row.mean is not None
        for end in (row.mean - (row.spread or 0), row.mean + (row.spread or 0))
    ]
    least, most = min([*losses, *ends]), max([*losses, *ends])
    step = _step(most - least or abs(most) or 1.0)
    first, last = math.floor(least / step), math.ceil(most / step)
    if first == last:
        first, last = first - 1, last + 1

    def x(loss: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (loss / step - first) / (last - first), 1)

    lanes = []
    for place, row in enumerate(rows):
        dots = tuple(x(one.loss) for one in results if one.arm == row.arm and one.loss is not None)
        spread = row.spread or 0.0
        lanes.append(
            Lane(
                arm=row.arm,
                at=TOP + ROW * place + ROW / 2,
                dots=dots,
                mean=None if row.mean is None else x(row.mean),
                from_x=None if row.mean is None else x(row.mean - spread),
                to_x=None if row.mean is None else x(row.mean + spread),
            )
        )
    words = "; ".join(
        f"{row.arm}: mean {row.mean:.4g} over {row.count}" + (f", spread {row.spread:.2g}" if row.spread else "")
        for row in rows
        if row.mean is not None
    )
    bottom = TOP + ROW * len(rows)
    ticks = tuple((x(number * step), f"{number * step:.4g}") for number in range(first, last + 1))
    return Figure(tuple(lanes), ticks, words, WIDTH, bottom + BOTTOM, bottom=bottom)


def _step(span: float) -> float:
    size = 10.0 ** math.floor(math.log10(span / 4))
    return next(size * times for times in (1, 2, 2.5, 5, 10) if size * times * 5 >= span)
