"""Sizes of segments for bounds on errors: thresholds, synapses, patterns and tolerated noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np

from ...checks import checked
from ...errors import DescriptionError
from .arguments import (
    Active,
    Bound,
    CellCount,
    Probabilities,
    ProbabilityArray,
    Switch,
    Synapses,
    SynapsesOnActive,
    Threshold,
    Whole,
    formula,
    require_table,
)
from .tails import Floats, log_tail
from .union import Method, require_law, union_log_probability

__all__ = [
    "GRID",
    "SegmentChoice",
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
_OneBound = Annotated[float, Probabilities(positive=True, one=True)]


class SegmentChoice(NamedTuple):
    """Sizes of a segment that meets both bounds."""

    s: int
    """Number of synapses."""
    theta: int
    """Smallest threshold that meets the bound on false positives."""
    v: int
    """Largest number of swapped cells that meets the bound on misses."""
    false_positive: float
    """Probability of a false positive."""
    false_negative: float
    """Probability of a miss with `v` cells swapped."""


@formula
def smallest_threshold(
    *, n: CellCount, a: Active, s: Synapses, false_positive: Bound = 1e-9
) -> Any:
    """Return the smallest threshold with fewer false positives than a bound.

    Parameters
    ----------
    n, a, s : int or array_like of int
        Number of cells; of active cells, 0 to `n`; of synapses, 1 to `n`.
    false_positive : float or array_like
        Upper bound on the probability, which must be below it; above 0, at most 1.

    Returns
    -------
    int or ndarray of int

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range, or even ``theta = s`` does not meet the bound.

    Examples
    --------
    >>> smallest_threshold(n=2048, a=40, s=32)
    10
    """
    theta = _smallest_threshold(n, a, s, false_positive)
    return theta if theta.ndim else int(theta)


def _lowest(n: Any, a: Any, s: Any, goal: Any) -> Any:
    """Return the smallest threshold whose probability is below a bound (log); s + 1 if none is."""
    return _first(lambda theta: log_tail(n, s, a, theta) < goal, 1, s)


def _smallest_threshold(n: Any, a: Any, s: Any, false_positive: Any) -> Any:
    n, a, s, goal = np.broadcast_arrays(n, a, s, log_of(false_positive))
    theta = _lowest(n, a, s, goal)
    too_few = theta > s
    if np.any(too_few):
        raise DescriptionError(
            f"even theta = s = {s[too_few].flat[0]} has a false-positive probability of at least "
            f"{np.exp(goal[too_few].flat[0]):g}; use more synapses or fewer active cells."
        )
    return theta


@formula
def largest_noise(
    *, a: CellCount, s: SynapsesOnActive, theta: Threshold, false_negative: Bound = 1e-3
) -> Any:
    """Return how many cells of a pattern can be swapped until misses exceed a bound.

    Parameters
    ----------
    a, s, theta : int or array_like of int
        Number of active cells; of synapses on them, 1 to `a`; threshold, 1 to `s`.
    false_negative : float or array_like
        Upper bound on the probability, which must be below it; above 0, at most 1.

    Returns
    -------
    int or ndarray of int
        At least ``s - theta``, because so many swapped cells never cause a miss.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

    Examples
    --------
    >>> largest_noise(a=300, s=30, theta=11)
    115
    """
    swapped = _largest_noise(a, s, theta, false_negative)
    return swapped if swapped.ndim else int(swapped)


def _largest_noise(a: Any, s: Any, theta: Any, false_negative: Any) -> Any:
    a, s, theta, goal = np.broadcast_arrays(a, s, theta, log_of(false_negative))
    return _first(lambda v: ~(log_tail(a, s, v, s - theta + 1) < goal), 1, a) - 1


def log_of(bound: Any) -> Floats:
    """Return the log of a bound on a probability, which may be a fraction."""
    return np.asarray(np.log(np.asarray(bound, dtype=np.float64)))


def _first(holds: Callable[[Any], Any], low: int, high: Any) -> Any:
    """Return the smallest number that meets a monotonic condition, or high + 1."""
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
) -> SegmentChoice:
    """Return the smallest threshold for a bound on false positives, and the noise it tolerates.

    Parameters
    ----------
    n, a, s : int
        Number of cells; of active cells; of synapses, 1 to `a`.
    false_positive, false_negative : float
        Bounds, above 0, at most 1.

    Returns
    -------
    SegmentChoice

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range, or no threshold meets the bound.

    Examples
    --------
    >>> choose_threshold(n=1000, a=20, s=20)[:3]
    (20, 8, 12)
    """
    theta = int(_smallest_threshold(n, a, s, false_positive))
    v = int(_largest_noise(a, s, theta, false_negative))
    return _choice(n, a, s, theta, v)


def _choice(n: int, a: int, s: int, theta: int, v: int) -> SegmentChoice:
    hit = float(np.exp(log_tail(n, s, a, theta)))
    miss = float(np.exp(log_tail(a, s, v, s - theta + 1)))
    return SegmentChoice(int(s), int(theta), int(v), hit, miss)


@formula
def synapses_needed(
    *,
    n: _OneCells,
    a: _OneActive,
    v: Annotated[int, Whole(0, "a", one=True)],
    false_positive: _OneBound = 1e-9,
    false_negative: _OneBound = 1e-3,
) -> SegmentChoice:
    """Return the fewest synapses for which a threshold meets both bounds with `v` swapped cells.

    Parameters
    ----------
    n, a : int
        Number of cells, and of active cells.
    v : int
        Number of swapped cells, 0 to `a`.
    false_positive, false_negative : float
        Bounds, above 0, at most 1.

    Returns
    -------
    SegmentChoice
        Sizes of the segment, with this `v`.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range, or no number of synapses up to `a` suffices.

    Examples
    --------
    >>> synapses_needed(n=2048, a=40, v=10)[:3]
    (16, 8, 10)
    """
    positive_bound, negative_bound = log_of(false_positive), log_of(false_negative)
    require_table(a, f"a={a} numbers of synapses")
    # The smallest threshold for the first bound jumps with s, so every s is checked.
    first = 1
    while first <= a:
        s = np.arange(first, min(2 * first + 255, a) + 1)
        theta = _lowest(n, a, s, positive_bound)
        ok = (theta <= s) & (log_tail(a, s, v, s - theta + 1) < negative_bound)
        if ok.any():
            k = int(np.argmax(ok))
            return _choice(n, a, s[k], theta[k], v)
        first = int(s[-1]) + 1
    raise DescriptionError(
        f"no segment with up to a={a} synapses meets both bounds with v={v} swapped cells; allow "
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
    """Return how many patterns one segment can hold within a bound on false positives.

    Parameters
    ----------
    n, a, s, theta : int
        Number of cells; of active cells; of synapses for each pattern; threshold, 1 to `s`.
    false_positive : float
        Upper bound on the probability, which must be below it; above 0, below 1.
    method : {"exact", "paper"}
        As for :func:`union_false_positive_probability`.

    Returns
    -------
    int
        Number of patterns; 0 if one pattern is already too many.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range, or any number of patterns meets the bound.

    Examples
    --------
    >>> patterns_per_segment(n=20_000, a=100, s=25, theta=15)
    15
    """
    goal = log_of(false_positive)
    if a < theta or goal >= 0:
        raise DescriptionError(
            f"no number of patterns reaches false_positive={false_positive} with theta={theta} "
            f"and a={a}; there is no limit."
        )

    def search(method: str) -> int:
        return _most(lambda m: bool(union_log_probability(n, a, s, theta, m, method) >= goal))

    approximate = search("paper")
    if method == "paper":
        return approximate
    require_law(n, s, approximate + 1)
    return search("exact")


def _most(too_many: Callable[[int], bool]) -> int:
    """Return the largest number that is not too many; 0 if 1 is too many."""
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
    theta: CellCount = tuple(range(3, 25)),
    n: CellCount = GRID["n"],
    sparsity: ProbabilityArray = GRID["sparsity"],
    s: CellCount = GRID["s"],
    log: Switch = False,
) -> Floats:
    """Return the median false-positive probability over a grid of networks, for each threshold.

    Parameters
    ----------
    theta : array_like of int, shape (n_thresholds,)
        Thresholds, >= 1; a segment with a threshold above `s` never fires.
    n, s : array_like of int
        Numbers of cells and of synapses of the grid.
    sparsity : array_like of float
        Fractions of active cells; ``a = round(n sparsity)``.
    log : bool
        Whether to return natural logs.

    Returns
    -------
    ndarray, shape (n_thresholds,)
        Medians; with the default grid, the curve of figure 6.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

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
    # Mean of the two middle values, in logs.
    with np.errstate(invalid="ignore"):
        middle = np.where(above == -np.inf, -np.inf, np.logaddexp(below, above) - np.log(2.0))
    return np.asarray(middle if log else np.exp(middle))
