"""The inverse questions: which threshold, how many synapses, how many patterns, how much noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import DescriptionError, shown, unknown_name
from .arguments import chances, whole
from .chance import Floats, log_tail
from .theory import pattern
from .union import METHODS, union_false_positive_probability

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


def smallest_threshold(*, n: Any, a: Any, s: Any, false_positive: Any = 1e-9) -> Any:
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
    where = "smallest_threshold"
    cells, active, synapses = pattern(where, n, a, s)
    goal = np.log(chances(where, "false_positive", false_positive, positive=True))
    cells, active, synapses, goal = np.broadcast_arrays(cells, active, synapses, goal)
    found = _first(lambda theta: log_tail(cells, synapses, active, theta) < goal, 1, synapses)
    if np.any(found > synapses):
        index = np.unravel_index(np.argmax(found > synapses), found.shape)
        raise DescriptionError(
            f"{where}: even theta = s = {synapses[index]} gives a false positive more often than "
            f"{np.exp(goal[index]):g}; take more synapses or fewer active cells."
        )
    return found if found.ndim else int(found)


def largest_noise(*, a: Any, s: Any, theta: Any, false_negative: Any = 1e-3) -> Any:
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
    where = "largest_noise"
    active = whole(where, "a", a, 1)
    synapses = whole(where, "s", s, 1, active, "a")
    low = whole(where, "theta", theta, 1, synapses, "s")
    goal = np.log(chances(where, "false_negative", false_negative, positive=True))
    active, synapses, low, goal = np.broadcast_arrays(active, synapses, low, goal)
    lost = synapses - low + 1
    found = _first(lambda v: ~(log_tail(active, synapses, v, lost) < goal), 1, active) - 1
    return found if found.ndim else int(found)


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


def choose_threshold(
    *, n: int, a: int, s: int, false_positive: float = 1e-9, false_negative: float = 1e-3
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
    where = "choose_threshold"
    for name, value in (("n", n), ("a", a), ("s", s)):
        if np.ndim(value):
            raise DescriptionError(f"{where}: {name} must be one int, got {shown(value)}.")
    whole(where, "s", s, 1, whole(where, "a", a, 1), "a")
    theta = smallest_threshold(n=n, a=a, s=s, false_positive=false_positive)
    v = largest_noise(a=a, s=s, theta=theta, false_negative=false_negative)
    return _choice(n, a, s, theta, v)


def _choice(n: int, a: int, s: int, theta: int, v: int) -> Choice:
    hit = float(np.exp(log_tail(n, s, a, theta)))
    miss = float(np.exp(log_tail(a, s, v, s - theta + 1)))
    return Choice(int(s), int(theta), int(v), hit, miss)


def synapses_needed(
    *, n: int, a: int, v: int, false_positive: float = 1e-9, false_negative: float = 1e-3
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
    where = "synapses_needed"
    for name, value in (("n", n), ("a", a), ("v", v)):
        if np.ndim(value):
            raise DescriptionError(f"{where}: {name} must be one int, got {shown(value)}.")
    cells, active, _ = pattern(where, n, a, 1)
    whole(where, "a", a, 1)
    swapped = whole(where, "v", v, 0, active, "a")
    rare = np.log(chances(where, "false_positive", false_positive, positive=True))
    seldom = np.log(chances(where, "false_negative", false_negative, positive=True))
    # The threshold that just keeps the first bound jumps with s: the second is checked for all s.
    s = np.arange(1, int(active) + 1)
    theta = _first(lambda low: log_tail(cells, s, active, low) < rare, 1, s)
    ok = (theta <= s) & (log_tail(active, s, swapped, s - theta + 1) < seldom)
    if not ok.any():
        raise DescriptionError(
            f"{where}: no segment with up to a={int(active)} synapses keeps both bounds with "
            f"v={int(swapped)} cells swapped; allow more errors or less noise."
        )
    first = int(np.argmax(ok))
    return _choice(int(cells), int(active), int(s[first]), int(theta[first]), int(swapped))


def patterns_per_segment(
    *, n: int, a: int, s: int, theta: int, false_positive: float = 1e-9, method: str = "exact"
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
    where = "patterns_per_segment"
    goal = np.log(chances(where, "false_positive", false_positive, positive=True))
    if method not in METHODS:
        raise DescriptionError(f"{where}: {unknown_name('method', method, METHODS)}")
    for name, value in (("n", n), ("a", a), ("s", s), ("theta", theta)):
        if np.ndim(value):
            raise DescriptionError(f"{where}: {name} must be one int, got {shown(value)}.")
    _, active, synapses = pattern(where, n, a, s)
    whole(where, "theta", theta, 1, synapses, "s")
    if active < theta or goal >= 0:
        raise DescriptionError(
            f"{where}: no number of patterns reaches false_positive={false_positive} with "
            f"theta={theta} and a={int(active)}: there is no limit."
        )

    def too_many(m: int) -> bool:
        log_p = union_false_positive_probability(
            n=n, a=a, s=s, theta=theta, m=m, method=method, log=True
        )
        return bool(log_p >= goal)

    high = 1
    while not too_many(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if too_many(middle) else (middle, high)
    return low


def median_error_curve(
    *,
    theta: ArrayLike = range(3, 25),
    n: ArrayLike = GRID["n"],
    sparsity: ArrayLike = GRID["sparsity"],
    s: ArrayLike = GRID["s"],
    log: bool = False,
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
    where = "median_error_curve"
    low = np.atleast_1d(whole(where, "theta", theta, 1))
    cells = np.atleast_1d(whole(where, "n", n, 1))[:, None, None]
    part = np.atleast_1d(chances(where, "sparsity", sparsity))[None, :, None]
    synapses = whole(where, "s", np.atleast_1d(s)[None, None, :], 1, cells, "n")
    active = np.rint(cells * part).astype(np.int64)
    logs = log_tail(*np.broadcast_arrays(cells[None], synapses[None], active[None],
                                         low[:, None, None, None]))  # fmt: skip
    flat = np.sort(logs.reshape(low.size, -1), axis=1)
    count = flat.shape[1]
    below, above = flat[:, (count - 1) // 2], flat[:, count // 2]
    # The mean of the two in the middle, in logs.
    with np.errstate(invalid="ignore"):
        middle = np.where(above == -np.inf, -np.inf, np.logaddexp(below, above) - np.log(2.0))
    return np.asarray(middle if log else np.exp(middle))
