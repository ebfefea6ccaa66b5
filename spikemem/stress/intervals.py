"""Confidence intervals of proportions and means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Callback, Count, Kind, Quantities, Quantity, checked
from ..errors import DescriptionError, shown
from ..limits import require_memory
from ..streams import Seed, stream
from ..units import to_array

__all__ = ["Interval", "bootstrap", "mean_interval", "wilson"]

Confidence = Annotated[float, Quantity(above=0.0, below=1.0)]
"""Fraction of the intervals that contain the true value."""


class Interval(NamedTuple):
    """Lower and upper limit of an interval: two floats, or two arrays."""

    low: Any
    high: Any


@dataclass(frozen=True)
class _Trials(Kind):
    """Finite numbers, one row for each trial; NaN where a trial has no value."""

    def check(self, value: Any, where: str) -> NDArray[np.float64]:
        """Return a float64 array with at least one axis."""
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, OverflowError):
            array = np.zeros(())
        if array.dtype.kind == "f":
            known = ~np.isnan(array)
            full = np.full(array.shape, np.nan)
            full[known] = to_array(array[known], "1", where)
        else:
            full = to_array(value, "1", where)
        if not full.ndim or not len(full):
            raise DescriptionError(
                f"{where} must have at least one row, one for each trial, got {shown(value)}."
            )
        return full


@checked
def wilson(
    successes: Annotated[ArrayLike, Quantities(low=0.0)],
    attempts: Annotated[ArrayLike, Quantities(low=0.0)],
    confidence: Confidence = 0.95,
) -> Interval:
    """Return Wilson's interval for the probability of a success.

    The interval keeps its confidence level for few attempts and for probabilities near 0 and 1,
    where the normal interval does not. It always lies between 0 and 1.

    Parameters
    ----------
    successes, attempts : float or array_like
        Counts. Arrays are processed element by element. Without attempts the interval is 0 to 1.
    confidence : float
        Fraction of such intervals that contain the true probability.

    Raises
    ------
    DescriptionError
        If there are more successes than attempts, if the shapes do not match, or if a count is
        negative.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22, 209-212 (1927).

    Examples
    --------
    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    from scipy.special import ndtri

    k, n = counts_of("wilson", successes, attempts)
    z2 = float(ndtri(0.5 + confidence / 2)) ** 2
    tried = np.where(n > 0, n, 1.0)
    share = k / tried
    middle = share + z2 / (2 * tried)
    half = np.sqrt(z2 * (share * (1 - share) / tried + z2 / (4 * tried * tried)))
    low = np.where(k == 0, 0.0, (middle - half) / (1 + z2 / tried))
    high = np.where(k == n, 1.0, (middle + half) / (1 + z2 / tried))
    return _interval(np.clip(low, 0.0, 1.0), np.where(n > 0, np.clip(high, 0.0, 1.0), 1.0))


def counts_of(
    where: str, successes: ArrayLike, attempts: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Broadcast the counts to one shape; raise an error if successes exceed attempts."""
    try:
        k, n = np.broadcast_arrays(np.asarray(successes), np.asarray(attempts))
    except ValueError as error:
        raise DescriptionError(
            f"{where}: successes and attempts must have one shape, got {np.shape(successes)} and "
            f"{np.shape(attempts)}."
        ) from error
    if (k > n).any():
        at = int(np.flatnonzero(k > n)[0])
        raise DescriptionError(
            f"{where}: successes must be at most attempts, got {k.flat[at]:g} of {n.flat[at]:g}."
        )
    return k.astype(np.float64), n.astype(np.float64)


@checked
def mean_interval(
    values: Annotated[ArrayLike, _Trials()], confidence: Confidence = 0.95
) -> Interval:
    """Return the interval of Student's t for a mean over trials.

    Parameters
    ----------
    values : array_like, shape (n_trials,) or (n_trials, ...)
        One row for each trial. NaN is left out.
    confidence : float
        Fraction of such intervals that contain the true mean, for normally distributed values.

    Returns
    -------
    Interval
        NaN where there are fewer than two values.

    Raises
    ------
    DescriptionError
        If a value is not a number or is infinite, or if there is no trial.

    Examples
    --------
    >>> low, high = mean_interval([1.0, 2.0, 3.0])
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    from scipy.special import stdtrit

    rows = np.asarray(values)
    there = ~np.isnan(rows)
    n = there.sum(axis=0)
    few = np.maximum(n, 1)
    mean = np.where(there, rows, 0.0).sum(axis=0) / few
    squares = (np.where(there, rows - mean, 0.0) ** 2).sum(axis=0)
    freedom = np.maximum(n - 1, 1)
    half = stdtrit(freedom, 0.5 + confidence / 2) * np.sqrt(squares / freedom / few)
    half = np.where(n < 2, np.nan, half)
    return _interval(mean - half, mean + half)


def _mean(rows: NDArray[np.float64]) -> Any:
    return rows.mean(axis=0)


@checked
def bootstrap(
    values: Annotated[ArrayLike, _Trials()],
    statistic: Annotated[Callable[[NDArray[np.float64]], Any], Callback()] = _mean,
    confidence: Confidence = 0.95,
    *,
    n_resamples: Annotated[int, Count(low=10, high=10**6)] = 2000,
    seed: Seed = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a statistic over trials.

    Trials are resampled with replacement.

    Parameters
    ----------
    values : array_like, shape (n_trials,) or (n_trials, ...)
        One row for each trial. Whole rows are drawn.
    statistic : function
        Function of rows, shape (n_trials, ...), that returns a float or an array. Default: the
        mean over rows.
    confidence : float
        Fraction of such intervals that contain the true value, for many trials.
    n_resamples : int
        Number of bootstrap samples.
    seed : int
        The same seed gives the same interval.

    Raises
    ------
    DescriptionError
        If a value is not a number or is infinite, if there is no trial, or if the statistic fails
        or changes its shape.

    References
    ----------
    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall (1993), ch. 13.

    Examples
    --------
    >>> low, high = bootstrap([1.0, 2.0, 3.0, 4.0], seed=1)
    >>> 1.0 <= low < 2.5 < high <= 4.0
    True
    """
    rows = np.asarray(values)
    rng = stream(seed, "bootstrap")
    found: list[NDArray[np.float64]] = []
    for _ in range(n_resamples):
        drawn = rows[rng.integers(len(rows), size=len(rows))]
        try:
            value = np.asarray(statistic(drawn), dtype=np.float64)
        except (TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise DescriptionError(
                f"bootstrap: statistic fails on {len(rows)} rows: {shown(str(error))}."
            ) from error
        if found and value.shape != found[0].shape:
            raise DescriptionError(
                f"bootstrap: statistic must return one shape, got {found[0].shape} and "
                f"{value.shape}."
            )
        if not found:
            need = 16.0 * n_resamples * value.size
            require_memory(need, f"bootstrap: {n_resamples} statistics", "Use fewer n_resamples.")
        found.append(value)
    tail = 50 * (1 - confidence)
    return _interval(*np.percentile(np.array(found), [tail, 100 - tail], axis=0))


def _interval(low: Any, high: Any) -> Interval:
    return Interval(*(x if np.ndim(x) else float(x) for x in (low, high)))
