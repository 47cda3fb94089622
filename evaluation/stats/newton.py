"""The greatest value of a concave likelihood, and whether it has one."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Derivatives = Callable[[Array], tuple[float, Array, Array]]  # value, gradient (P,), information (P, P)
MAX_STEPS = 100


class NotIdentified(ValueError):
    """No finite estimate exists: some contenders never beat, or never met, the others, or something explains all votes.

    `components` holds the indices of each group that the data can't place against the others, winners first; it is
    one group where contenders aren't what can't be told apart.
    """

    def __init__(self, components: tuple[tuple[int, ...], ...], why: str = "") -> None:
        self.components = components
        groups = "; ".join(", ".join(str(index) for index in group) for group in components)
        falls = f"The win graph falls apart into groups that don't beat each other both ways: {groups}."
        super().__init__(why or falls)


def maximise(derivatives: Derivatives, start: Array) -> tuple[Array, bool]:
    """Climb to the top of a concave function by Newton's steps, halved where they overshoot.

    The information may lack rank in directions in which nothing changes: the step of least length is taken.
    Returns the place, shape (P,), and whether it is a top: steps below 1e-11.
    """
    place = start
    value, gradient, information = derivatives(place)
    for _ in range(MAX_STEPS):
        step = np.linalg.lstsq(information, gradient, rcond=1e-13)[0]
        scale = 1.0
        while True:
            tried = derivatives(place + scale * step)
            if tried[0] >= value - 1e-9 * abs(value) or scale < 1e-10:
                break
            scale /= 2
        place = place + scale * step
        value, gradient, information = tried
        if np.max(np.abs(step), initial=0.0) < 1e-11 * max(1.0, float(np.max(np.abs(place), initial=0.0))):
            return place, True
    return place, False


def chance(logits: Array) -> Array:
    """Return 1 / (1 + exp(-x)), exact in both tails, without scipy: pages that show a report import this."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))


def separating(rows: Array) -> Array | None:
    """Find a direction along which no seen outcome ever becomes less likely, and some become more likely.

    `rows`, shape (N, P): for each seen outcome and each other that was possible, the difference of what their
    log-probabilities are linear in. Returns the direction, shape (P,), entries in [-1, 1], or None: then the
    likelihood has a maximum (Albert and Anderson 1984; by linear programming as in Konis 2007).
    """
    from scipy.optimize import linprog  # only here: the web process reads reports, and rarely meets this

    if not rows.size:
        return None
    found = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1), method="highs")
    return np.asarray(found.x) if found.status == 0 and found.fun < -1e-7 else None
