"""Tails of the hypergeometric and the binomial distribution, as logarithms and as fractions.

A tail is its largest term times a sum of ratios of neighbouring terms. The largest term is computed
from the sum of ``x log(x/m) + m - x`` over the cells of the contingency table (x counted, m
expected). No summand is negative, so nothing cancels, and the relative error of the logarithm is
about 1e-16.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError

__all__ = [
    "Floats",
    "Integers",
    "binary_digits",
    "binomial_log_pmf",
    "binomial_log_tail",
    "exact_binomial_pmf",
    "exact_binomial_tail",
    "exact_tail",
    "log_pmf",
    "log_sum",
    "log_tail",
    "require_short",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SMALL = 16
_NEAR = 0.5
_SERIES = 27
_END = 1e-18
_MOST_DIGITS = 2e5
_MOST_WORK = 1e10


def _excess_of_small() -> Floats:
    exact = (Fraction(math.factorial(k), max(k, 1) ** k) for k in range(_SMALL))
    return np.array([math.log(value) + k for k, value in enumerate(exact)])


_EXCESS = _excess_of_small()


def _excess(k: Integers) -> Floats:
    """Return log k! - (k log k - k)."""
    x = np.maximum(k, _SMALL).astype(np.float64)
    y = 1.0 / (x * x)
    rest = 1 / 12 - y * (
        1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - y * 691 / 360360)))
    )
    large = 0.5 * np.log(2 * np.pi * x) + rest / x
    return np.asarray(np.where(k < _SMALL, _EXCESS[np.clip(k, 0, _SMALL - 1)], large))


def _deviance(x: Floats, expected: Floats, difference: Floats) -> Floats:
    """Return ``x log(x/expected) + expected - x`` for a given ``x - expected``; never negative."""
    total = x + expected
    v = np.divide(difference, total, out=np.zeros_like(total), where=total > 0)
    near = np.abs(v) < _NEAR
    square = np.where(near, v * v, 0.0)
    series = np.zeros_like(v)
    for k in range(_SERIES, 0, -1):
        series = (series + 1.0 / (2 * k + 1)) * square
    close = difference * v + 2.0 * x * v * series
    ok = (x > 0) & (expected > 0)
    # A quotient can exceed the range of floats; the difference of two logarithms cannot.
    logs = np.log(np.where(ok, x, 1.0)) - np.log(np.where(ok, expected, 1.0))
    with np.errstate(over="ignore"):
        ratio = np.divide(x, expected, out=np.ones_like(total), where=ok)
    far = np.where(x > 0, x * np.where(np.isinf(ratio), logs, np.log(ratio)), 0.0) - difference
    return np.asarray(np.where(near, close, far))


def log_pmf(n: Integers, s: Integers, a: Integers, b: Integers) -> Floats:
    """Return the log of the probability that `a` of `n` cells include `b` of `s` marked ones.

    Every `b` must be possible, that is, from ``max(0, s + a - n)`` to ``min(s, a)``.
    """
    gap = (b * n - s * a) / np.maximum(n, 1)
    table = (
        (b, s, a, 1),
        (s - b, s, n - a, -1),
        (a - b, n - s, a, -1),
        (n - s - a + b, n - s, n - a, 1),
    )
    result = _excess(s) + _excess(n - s) + _excess(a) + _excess(n - a) - _excess(n)
    for count, row, column, sign in table:
        expected = row * column.astype(np.float64) / np.maximum(n, 1)
        result = result - _excess(count) - _deviance(count.astype(np.float64), expected, sign * gap)
    return np.asarray(result)


def log_tail(n: Any, s: Any, a: Any, low: Any) -> Floats:
    """Return the log of the probability that `a` of `n` cells include >= `low` of `s` marked ones.

    Arguments are arrays of int that broadcast, with ``s <= n`` and ``a <= n``.
    """
    n, s, a, low = _together(n, s, a, low)
    least, most = np.maximum(0, s + a - n), np.minimum(s, a)
    upper = low * n > s * a
    first = np.clip(np.where(upper, low, low - 1), least, most)

    def ratio(k: int) -> Floats:
        b = np.where(upper, first + k, first - k)
        inside = (b >= least) & (b <= most)
        b = np.clip(b, least, most)
        up = (s - b + 1.0) * (a - b + 1.0) / (np.maximum(b, 1) * np.maximum(n - s - a + b, 1.0))
        down = (b + 1.0) * (n - s - a + b + 1.0) / np.maximum((s - b) * (a - b), 1.0)
        return np.where(inside, np.where(upper, up, down), 0.0)

    total = log_pmf(n, s, a, first) + np.log(_sum_of_ratios(ratio, first.shape))
    return _assemble(total, upper, low <= least, low > most)


def binomial_log_pmf(k: Integers, p: Floats, x: Integers) -> Floats:
    """Return the log of the probability of `x` successes in `k` trials of probability `p`."""
    k, x = np.asarray(k), np.asarray(x)
    gap = x - k * p
    hit = _deviance(*np.broadcast_arrays(x.astype(np.float64), k * p, gap))
    miss = _deviance(*np.broadcast_arrays((k - x).astype(np.float64), k * (1 - p), -gap))
    chance = _excess(k) - _excess(x) - _excess(k - x) - hit - miss
    impossible = ((p == 0) & (x > 0)) | ((p == 1) & (x < k))
    return np.asarray(np.where(impossible, -np.inf, chance))


def binomial_log_tail(k: Any, p: Any, low: Any) -> Floats:
    """Return the log of the probability of at least `low` successes in `k` trials."""
    k, low = _together(k, low)
    k, low, p = np.broadcast_arrays(k, low, np.asarray(p, dtype=np.float64))
    upper = low > k * p
    first = np.clip(np.where(upper, low, low - 1), 0, k)
    odds = np.divide(p, 1 - p, out=np.zeros_like(p), where=p < 1)
    with np.errstate(over="ignore"):
        # If p is below the range of floats, the tail is never summed downwards.
        against = np.divide(1 - p, p, out=np.zeros_like(p), where=p > 0)
        against = np.where(np.isinf(against), 0.0, against)

    def ratio(step: int) -> Floats:
        x = np.where(upper, first + step, first - step)
        inside = (x >= 0) & (x <= k)
        up = (k - x + 1.0) / np.maximum(x, 1) * odds
        down = (x + 1.0) / np.maximum(k - x, 1) * against
        return np.where(inside, np.where(upper, up, down), 0.0)

    total = binomial_log_pmf(k, p, first) + np.log(_sum_of_ratios(ratio, first.shape))
    return _assemble(total, upper, low <= 0, low > k)


def log_sum(terms: Floats) -> Floats:
    """Return the log of the sum, over the last axis, of numbers given as logs."""
    high = np.max(terms, axis=-1, keepdims=True, initial=-np.inf)
    high = np.where(np.isfinite(high), high, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.sum(np.exp(terms - high), axis=-1)) + high[..., 0])


def _together(*arrays: Any) -> tuple[Any, ...]:
    return np.broadcast_arrays(*(np.asarray(array, dtype=np.int64) for array in arrays))


def _sum_of_ratios(ratio: Callable[[int], Floats], shape: tuple[int, ...]) -> Floats:
    """Return 1 + r(1) + r(1) r(2) + ..., up to negligible terms."""
    term, total = np.ones(shape), np.ones(shape)
    k = 1
    while np.any(term > _END * total):
        term = term * ratio(k)
        total = total + term
        k += 1
    return total


def _assemble(total: Floats, upper: Any, certain: Any, impossible: Any) -> Floats:
    """Return the tail if it was summed, otherwise one minus the other tail."""
    with np.errstate(divide="ignore"):
        other = np.log1p(-np.exp(np.minimum(np.where(upper, -1.0, total), 0.0)))
    result = np.where(upper, np.minimum(total, 0.0), other)
    return np.asarray(np.where(certain, 0.0, np.where(impossible, -np.inf, result)))


def binary_digits(n: int, k: int) -> float:
    """Return the approximate number of binary digits of the binomial coefficient (n, k)."""
    return (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(2)


def require_short(digits: float, steps: float = 1.0) -> None:
    """Raise an error if exact arithmetic would take minutes or more.

    Parameters
    ----------
    digits : float
        Binary digits of the numbers.
    steps : float
        Number of arithmetic operations.

    Raises
    ------
    DescriptionError
        If there are too many digits or steps.
    """
    if digits > _MOST_DIGITS or digits * steps > _MOST_WORK:
        raise DescriptionError(
            f"the exact answer would take {steps:.3g} steps with numbers of {digits:.3g} binary "
            f"digits; take smaller sizes, or leave out exact=True."
        )


def exact_tail(n: int, s: int, a: int, low: int) -> Fraction:
    """Return the tail of :func:`log_tail` as a fraction."""
    s, a = max(s, a), min(s, a)
    least, most = max(0, s + a - n), a
    if low <= least:
        return Fraction(1)
    if low > most:
        return Fraction(0)
    require_short(binary_digits(n, a), min(most - low, low - least) + 1)
    whole = math.comb(n, a)
    if most - low < low - least:
        return Fraction(_count(n, s, a, low, most), whole)
    return 1 - Fraction(_count(n, s, a, least, low - 1), whole)


def _count(n: int, s: int, a: int, first: int, last: int) -> int:
    """Count the sets of `a` of `n` cells that include `first` to `last` of `s` marked ones."""
    term = math.comb(s, first) * math.comb(n - s, a - first)
    total = term
    for b in range(first, last):
        term = term * (s - b) * (a - b) // ((b + 1) * (n - s - a + b + 1))
        total += term
    return total


def exact_binomial_pmf(k: int, p: Fraction, x: int) -> Fraction:
    """Return the probability of `x` successes in `k` trials of probability `p`."""
    return math.comb(k, x) * p**x * (1 - p) ** (k - x)


def exact_binomial_tail(k: int, p: Fraction, low: int) -> Fraction:
    """Return the probability of at least `low` successes in `k` trials of probability `p`."""
    return sum((exact_binomial_pmf(k, p, x) for x in range(max(low, 0), k + 1)), Fraction(0))
