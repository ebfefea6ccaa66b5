"""The inverse questions: which threshold, how many synapses, how many patterns, how much noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np

from ...checks import checked
from ...errors import DescriptionError
from .arguments import (
    Active,
    Asked,
    Bound,
    Cells,
    Chance,
    Chances,
    Synapses,
    SynapsesOnActive,
    Threshold,
    Whole,
    formula,
    require_table,
)
from .chance import Floats, log_tail
from .union import Method, require_law, union_log_probability

__all__ = [
    "GRID",
    "Choice",
    "choose_threshold",
    "largest_noise",
    "median_error_curve",
    "patterns_per_segment",
    "smallest_threshold",
    "synapses_needed",
]

GRID: dict[str, tuple[float, ...]] = {
    "n": (1000, 5000, 9000, 13000, 17000),
    "sparsity": (0.005, 0.01, 0.015, 0.02, 0.025, 0.03),
    "s": (20, 25, 30, 35, 40, 45, 50),
}
"""The grid behind the published curve of figure 6 (not the one in its caption)."""


_OneCells = Annotated[int, Whole(one=True)]
_OneActive = Annotated[int, Whole(1, "n", one=True)]
_OneBound = Annotated[float, Chances(positive=True, one=True)]


class Choice(NamedTuple):
    """A segment that keeps both bounds."""

    s: int
    """Synapses."""
    theta: int
    """Smallest threshold within the bound on false positives."""
    v: int
    """Most swapped cells within the bound on misses."""
    false_positive: float
    """Probability of a false positive."""
    false_negative: float
    """Probability of a miss with `v` cells swapped."""


@formula
def smallest_threshold(*, n: Cells, a: Active, s: Synapses, false_positive: Bound = 1e-9) -> Any:
    """Smallest threshold with fewer false positives than a bound.

    Parameters
    ----------
    n, a, s : int or array_like of int
        Cells; active ones, 0 to `n`; synapses, 1 to `n`.
    false_positive : float or array_like
        The probability must be below this; above 0, at most 1.

    Returns
    -------
    int or ndarray of int

    Raises
    ------
    DescriptionError
        Not integers, out of range, or even ``theta = s`` is not enough.

    Examples
    --------
    >>> smallest_threshold(n=2048, a=40, s=32)
    10
    """
    found = _smallest_threshold(n, a, s, false_positive)
    return found if found.ndim else int(found)


def _lowest(n: Any, a: Any, s: Any, goal: Any) -> Any:
    """Smallest threshold below the log of a bound; s + 1 if there is none."""
    return _first(lambda theta: log_tail(n, s, a, theta) < goal, 1, s)


def _smallest_threshold(n: Any, a: Any, s: Any, false_positive: Any) -> Any:
    n, a, s, goal = np.broadcast_arrays(n, a, s, log_of(false_positive))
    found = _lowest(n, a, s, goal)
    too_few = found > s
    if np.any(too_few):
        raise DescriptionError(
            f"even theta = s = {s[too_few].flat[0]} gives a false positive more often than "
            f"{np.exp(goal[too_few].flat[0]):g}; take more synapses or fewer active cells."
        )
    return found


@formula
def largest_noise(
    *, a: Cells, s: SynapsesOnActive, theta: Threshold, false_negative: Bound = 1e-3
) -> Any:
    """Most cells of a pattern that can be swapped before it is missed more often than a bound.

    Parameters
    ----------
    a, s, theta : int or array_like of int
        Active cells; synapses on them, 1 to `a`; threshold, 1 to `s`.
    false_negative : float or array_like
        The probability must be below this; above 0, at most 1.

    Returns
    -------
    int or ndarray of int
        At least ``s - theta``, with which nothing is ever missed.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> largest_noise(a=300, s=30, theta=11)
    115
    """
    found = _largest_noise(a, s, theta, false_negative)
    return found if found.ndim else int(found)


def _largest_noise(a: Any, s: Any, theta: Any, false_negative: Any) -> Any:
    a, s, theta, goal = np.broadcast_arrays(a, s, theta, log_of(false_negative))
    return _first(lambda v: ~(log_tail(a, s, v, s - theta + 1) < goal), 1, a) - 1


def log_of(bound: Any) -> Floats:
    """Log of a bound on a probability, which may be a fraction."""
    return np.asarray(np.log(np.asarray(bound, dtype=np.float64)))


def _first(holds: Callable[[Any], Any], low: int, high: Any) -> Any:
    """Smallest number for which a condition holds that stays true from there; else high + 1."""
    bottom, top = np.full(np.shape(high), low), np.asarray(high) + 1
    while np.any(bottom < top):
        middle = (bottom + top) // 2
        true = np.asarray(holds(np.minimum(middle, high))) | (middle > high)
        open_ = bottom < top
        top = np.where(open_ & true, middle, top)
        bottom = np.where(open_ & ~true, middle + 1, bottom)
    return bottom


@formula
def choose_threshold(
    *,
    n: _OneCells,
    a: _OneActive,
    s: Annotated[int, Whole(1, "a", one=True)],
    false_positive: _OneBound = 1e-9,
    false_negative: _OneBound = 1e-3,
) -> Choice:
    """Smallest threshold within a bound on false positives, and the noise that it tolerates.

    Parameters
    ----------
    n, a, s : int
        Cells; active ones; synapses, 1 to `a`.
    false_positive, false_negative : float
        Bounds, above 0, at most 1.

    Returns
    -------
    Choice

    Raises
    ------
    DescriptionError
        Not integers, out of range, or no threshold is enough.

    Examples
    --------
    >>> choose_threshold(n=1000, a=20, s=20)[:3]
    (20, 8, 12)
    """
    theta = int(_smallest_threshold(n, a, s, false_positive))
    v = int(_largest_noise(a, s, theta, false_negative))
    return _choice(n, a, s, theta, v)


def _choice(n: int, a: int, s: int, theta: int, v: int) -> Choice:
    hit = float(np.exp(log_tail(n, s, a, theta)))
    miss = float(np.exp(log_tail(a, s, v, s - theta + 1)))
    return Choice(int(s), int(theta), int(v), hit, miss)


@formula
def synapses_needed(
    *,
    n: _OneCells,
    a: _OneActive,
    v: Annotated[int, Whole(0, "a", one=True)],
    false_positive: _OneBound = 1e-9,
    false_negative: _OneBound = 1e-3,
) -> Choice:
    """Fewest synapses for which some threshold keeps both bounds with `v` cells swapped.

    Parameters
    ----------
    n, a : int
        Cells, and active ones.
    v : int
        Swapped cells, 0 to `a`.
    false_positive, false_negative : float
        Bounds, above 0, at most 1.

    Returns
    -------
    Choice
        With this `v`.

    Raises
    ------
    DescriptionError
        Not integers, out of range, or no number of synapses up to `a` is enough.

    Examples
    --------
    >>> synapses_needed(n=2048, a=40, v=10)[:3]
    (16, 8, 10)
    """
    rare, seldom = log_of(false_positive), log_of(false_negative)
    require_table(a, f"a={a} numbers of synapses")
    # The threshold that just keeps the first bound jumps with s: the second is checked for all s.
    first = 1
    while first <= a:
        s = np.arange(first, min(2 * first + 255, a) + 1)
        theta = _lowest(n, a, s, rare)
        ok = (theta <= s) & (log_tail(a, s, v, s - theta + 1) < seldom)
        if ok.any():
            k = int(np.argmax(ok))
            return _choice(n, a, s[k], theta[k], v)
        first = int(s[-1]) + 1
    raise DescriptionError(
        f"no segment with up to a={a} synapses keeps both bounds with v={v} cells swapped; allow "
        f"more errors or less noise."
    )


@formula
def patterns_per_segment(
    *,
    n: _OneCells,
    a: Annotated[int, Whole(0, "n", one=True)],
    s: Annotated[int, Whole(1, "n", one=True)],
    theta: Annotated[int, Whole(1, "s", one=True)],
    false_positive: _OneBound = 1e-9,
    method: Method = "exact",
) -> int:
    """How many patterns one segment can hold within a bound on false positives.

    Parameters
    ----------
    n, a, s, theta : int
        Cells; active ones; synapses for each pattern; threshold, 1 to `s`.
    false_positive : float
        The probability must be below this; above 0, below 1.
    method : {"exact", "paper"}
        As :func:`union_false_positive_probability`.

    Returns
    -------
    int
        0 if one pattern is already too many.

    Raises
    ------
    DescriptionError
        Not integers, or out of range; or the bound is kept by a segment that has every synapse.

    Examples
    --------
    >>> patterns_per_segment(n=20_000, a=100, s=25, theta=15)
    15
    """
    goal = log_of(false_positive)
    if a < theta or goal >= 0:
        raise DescriptionError(
            f"no number of patterns reaches false_positive={false_positive} with theta={theta} "
            f"and a={a}: there is no limit."
        )

    def search(method: str) -> int:
        return _most(lambda m: bool(union_log_probability(n, a, s, theta, m, method) >= goal))

    near = search("paper")
    if method == "paper":
        return near
    require_law(n, s, near + 1)
    return search("exact")


def _most(too_many: Callable[[int], bool]) -> int:
    """Largest number that is not too many; 0 if 1 is."""
    high = 1
    while not too_many(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if too_many(middle) else (middle, high)
    return low


@checked
def median_error_curve(
    *,
    theta: Cells = tuple(range(3, 25)),
    n: Cells = GRID["n"],
    sparsity: Chance = GRID["sparsity"],
    s: Cells = GRID["s"],
    log: Asked = False,
) -> Floats:
    """Median over a grid of networks of the false-positive probability, for each threshold.

    Parameters
    ----------
    theta : array_like of int, shape (n_thresholds,)
        Thresholds, >= 1; above `s` nothing is ever matched.
    n, s : array_like of int
        Cells and synapses of the grid.
    sparsity : array_like of float
        Fractions of active cells; ``a = round(n sparsity)``.
    log : bool
        Answer with natural logs.

    Returns
    -------
    ndarray, shape (n_thresholds,)
        Figure 6, with the default grid.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> print(median_error_curve(theta=[3, 8])[0].round(4))
    0.0173
    """
    low, n, sparsity, s = (np.ravel(values) for values in (theta, n, sparsity, s))
    where = f"median_error_curve: a grid of {low.size} x {n.size} x {sparsity.size} x {s.size}"
    require_table(float(low.size) * n.size * sparsity.size * s.size, where)
    if not min(low.size, n.size, sparsity.size, s.size):
        raise DescriptionError(f"{where} values is empty; give at least one of each.")
    if s.max() > n.min():
        raise DescriptionError(
            f"median_error_curve: s must be from 1 to the smallest n={n.min()}, got {s.max()}."
        )
    active = np.rint(np.multiply.outer(n, sparsity.astype(np.float64))).astype(np.int64)
    logs = log_tail(n[:, None, None], s, active[:, :, None], low[:, None, None, None])
    flat = np.sort(logs.reshape(low.size, -1), axis=1)
    count = flat.shape[1]
    below, above = flat[:, (count - 1) // 2], flat[:, count // 2]
    # The mean of the two in the middle, in logs.
    with np.errstate(invalid="ignore"):
        middle = np.where(above == -np.inf, -np.inf, np.logaddexp(below, above) - np.log(2.0))
    return np.asarray(middle if log else np.exp(middle))
