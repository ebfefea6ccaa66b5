"""Capacity at a criterion from a curve, and its scaling with size."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Count, Quantities, Quantity, checked
from ..errors import DescriptionError
from ..streams import Seed, stream
from .intervals import Confidence, counts_of

__all__ = ["CapacityEstimate", "Scaling", "capacity_at", "scaling_exponent"]

_Loads = Annotated[ArrayLike, Quantities(shape=("n",), least=2)]
_Counts = Annotated[ArrayLike, Quantities(shape=("n",), low=0.0, high=2.0**53)]
_Positive = Quantities(shape=("n",), above=0.0, least=2)


class CapacityEstimate(NamedTuple):
    """Load at which a curve crosses a criterion, with its interval."""

    value: float
    """0 if the smallest load misses the criterion, infinite if the largest load meets it."""
    low: float
    high: float


@checked
def capacity_at(
    loads: _Loads,
    successes: _Counts,
    attempts: _Counts,
    criterion: Annotated[float, Quantity(above=0.0, below=1.0)] = 0.5,
    confidence: Confidence = 0.95,
    *,
    n_resamples: Annotated[int, Count(low=10, high=10**6)] = 2000,
    seed: Seed = 0,
) -> CapacityEstimate:
    """Load up to which a share of successes meets a criterion, from a curve over loads.

    A curve that never rises is fitted to the shares (isotonic regression, weighted by attempts);
    between loads it is interpolated by straight lines. The interval is that of the same estimate
    over curves drawn from the posterior of each share, with Jeffreys' prior.

    Parameters
    ----------
    loads : array_like, shape (n_loads,)
        In any order, each once.
    successes, attempts : array_like, shape (n_loads,)
        Counts at each load. Loads without attempts are left out.
    criterion : float
        Share of successes, between 0 and 1.
    confidence : float
        Of the interval.
    n_resamples : int
        Number of curves that are drawn.
    seed : int
        The same seed gives the same interval.

    Raises
    ------
    DescriptionError
        Fewer than two loads with attempts, loads that repeat, more successes than attempts.

    References
    ----------
    R. E. Barlow et al., "Statistical Inference under Order Restrictions", Wiley (1972), ch. 1.

    Examples
    --------
    >>> capacity_at([0.1, 0.2, 0.3], [100, 75, 25], [100, 100, 100], 0.5).value
    0.25
    """
    x, k, n = _curve("capacity_at", loads, successes, attempts)
    rng = stream(seed, "capacity at a criterion")
    drawn = rng.beta(k + 0.5, n - k + 0.5, size=(n_resamples, len(x)))
    found = np.array([_where(x, _falling(shares, n), criterion) for shares in drawn])
    tail = 0.5 - confidence / 2
    # No interpolation: the mean of a load and infinity is no load.
    low = np.quantile(found, tail, method="lower")
    high = np.quantile(found, 1 - tail, method="higher")
    value = _where(x, _falling(k / n, n), criterion)
    return CapacityEstimate(value, min(float(low), value), max(float(high), value))


def load_at(loads: ArrayLike, successes: ArrayLike, attempts: ArrayLike, level: float) -> float:
    """Where a falling curve of shares crosses a level, as the value of :func:`capacity_at`."""
    x, k, n = _curve("load_at", loads, successes, attempts)
    return _where(x, _falling(k / n, n), level)


def _curve(where: str, loads: ArrayLike, successes: ArrayLike, attempts: ArrayLike) -> list[_Array]:
    x = np.asarray(loads, np.float64)
    k, n = counts_of(where, successes, attempts)
    if x.shape != k.shape:
        raise DescriptionError(
            f"{where}: loads must have as many values as successes, got {x.size} and {k.size}."
        )
    order = np.argsort(x)
    order = order[n[order] > 0]
    if len(order) < 2 or not np.diff(x[order]).all():
        raise DescriptionError(
            f"{where}: loads must have at least two different values with attempts, each once."
        )
    return [array[order] for array in (x, k, n)]


_Array = NDArray[np.float64]


def _falling(shares: _Array, weights: _Array) -> _Array:
    """Weighted least-squares fit that never rises: neighbours that rise are pooled."""
    blocks: list[list[float]] = []
    for share, weight in zip(shares.tolist(), weights.tolist(), strict=True):
        blocks.append([share, weight, 1])
        while len(blocks) > 1 and blocks[-1][0] > blocks[-2][0]:
            share, weight, size = blocks.pop()
            last = blocks[-1]
            total = last[1] + weight
            blocks[-1] = [(last[0] * last[1] + share * weight) / total, total, last[2] + size]
    return np.repeat([block[0] for block in blocks], [int(block[2]) for block in blocks])


def _where(x: _Array, shares: _Array, level: float) -> float:
    """Largest x at which a falling curve is at least `level`."""
    enough = np.flatnonzero(shares >= level)
    if not enough.size:
        return 0.0
    last = int(enough[-1])
    if last == len(x) - 1:
        return float("inf")
    part = (shares[last] - level) / (shares[last] - shares[last + 1])
    return float(x[last] + part * (x[last + 1] - x[last]))


class Scaling(NamedTuple):
    """A power law, value = factor * size ** exponent, with standard errors."""

    exponent: float
    exponent_error: float
    """NaN for two sizes without `errors`."""
    factor: float
    r2: float
    """Share of the weighted variance of log(value) that the law explains."""


@checked
def scaling_exponent(
    sizes: Annotated[ArrayLike, _Positive],
    values: Annotated[ArrayLike, _Positive],
    errors: Annotated[ArrayLike, _Positive] | None = None,
) -> Scaling:
    """Exponent with which a value grows over sizes: a straight line through the logarithms.

    Parameters
    ----------
    sizes : array_like > 0, shape (n,)
        At least two different ones.
    values : array_like > 0, shape (n,)
        One for each size, for instance capacities.
    errors : array_like > 0, shape (n,), optional
        Standard error of each value; a point is weighted by (value / error)^2, and the standard
        error of the exponent follows from them. Default: equal weights, and a standard error from
        the scatter around the line.

    Raises
    ------
    DescriptionError
        Values <= 0, numbers of values that differ, or one size only.

    Examples
    --------
    >>> fit = scaling_exponent([10, 100, 1000], [2, 200, 20000])
    >>> round(fit.exponent, 6), round(fit.factor, 6)
    (2.0, 0.02)
    """
    x, y = np.log(np.asarray(sizes)), np.log(np.asarray(values))
    lengths = [len(x), len(y), len(x) if errors is None else np.size(errors)]
    if len(set(lengths)) > 1:
        raise DescriptionError(
            f"scaling_exponent: sizes, values and errors must have the same number of values, got "
            f"{', '.join(map(str, lengths))}."
        )
    weights = np.ones(len(x)) if errors is None else (np.asarray(values) / np.asarray(errors)) ** 2
    relative = weights / weights.max()
    middle = np.average(x, weights=relative), np.average(y, weights=relative)
    dx, dy = x - middle[0], y - middle[1]
    spread = float((relative * dx * dx).sum())
    if spread <= 1e-12 * max(1.0, float(np.abs(x).max())) ** 2:
        raise DescriptionError("scaling_exponent: sizes must have at least two different values.")
    slope = float((relative * dx * dy).sum()) / spread
    left = float((relative * (dy - slope * dx) ** 2).sum())
    if errors is not None:
        error = (spread * float(weights.max())) ** -0.5
    else:
        error = (left / (len(x) - 2) / spread) ** 0.5 if len(x) > 2 else float("nan")
    total = float((relative * dy * dy).sum())
    with np.errstate(over="ignore"):
        factor = float(np.exp(middle[1] - slope * middle[0]))
    return Scaling(slope, error, factor, 1 - left / total if total else 1.0)
