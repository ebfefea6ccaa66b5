"""Error probabilities where devices of a resistive crossbar are stuck."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from .arguments import answer, answer_exactly, chances, fraction, mode, together, whole
from .chance import (
    binomial_log_pmf,
    binomial_log_tail,
    exact_binomial_pmf,
    exact_binomial_tail,
    log_pmf,
    log_sum,
)
from .theory import noisy, pattern

__all__ = ["device_false_negative_probability", "device_false_positive_probability"]


def device_false_positive_probability(
    *,
    n: Any,
    a: Any,
    s: Any,
    theta: Any,
    p_off: Any = 0.0,
    p_on: Any = 0.0,
    exact: bool = False,
    log: bool = False,
) -> Any:
    """Probability of a false positive where devices of a crossbar are stuck.

    Parameters
    ----------
    n, a, s, theta, exact, log
        As :func:`false_positive_probability`; each scalar or array.
    p_off : float or Fraction, or array_like
        Probability that the device of an intended synapse is stuck off.
    p_on : float or Fraction, or array_like
        Probability that a device without an intended synapse is stuck on.

    Returns
    -------
    float, Fraction or ndarray
        Equation 4, averaged over the devices.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> p = device_false_positive_probability(n=1000, a=40, s=25, theta=11, p_off=.05, p_on=.002)
    >>> f"{p:.9e}"
    '6.172343334e-10'
    """
    where = "device_false_positive_probability"
    exactly = mode(where, exact, log)
    cells, active, synapses = pattern(where, n, a, s)
    low = whole(where, "theta", theta, 1, synapses, "s")
    chances(where, "p_off", p_off), chances(where, "p_on", p_on)
    off, on = (np.asarray(p, dtype=object) for p in (p_off, p_on))
    together(where, n=cells, a=active, s=synapses, theta=low, p_off=off, p_on=on)

    def one(n: int, a: int, s: int, theta: int, p_off: Any, p_on: Any) -> Any:
        # A segment's synapses are drawn for an active set as the active set is for a segment.
        return _stuck(n, s, a, 0, theta, p_off, p_on, exactly)

    found = answer_exactly(one, cells, active, synapses, low, off, on)
    return found if exactly else answer(np.asarray(found, dtype=np.float64), log)


def device_false_negative_probability(
    *,
    a: Any,
    s: Any,
    theta: Any,
    v: Any,
    p_off: Any = 0.0,
    p_on: Any = 0.0,
    exact: bool = False,
    log: bool = False,
) -> Any:
    """Probability of a miss where devices of a crossbar are stuck.

    Parameters
    ----------
    a, s, theta, v, exact, log
        As :func:`false_negative_probability`; each scalar or array. Swapped-in cells count as
        cells without a synapse.
    p_off, p_on
        As :func:`device_false_positive_probability`.

    Returns
    -------
    float, Fraction or ndarray
        Equation 6, averaged over the devices.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> p = device_false_negative_probability(a=300, s=30, theta=12, v=60, p_off=0.1)
    >>> f"{p:.12e}"
    '3.190923591345e-05'
    """
    where = "device_false_negative_probability"
    exactly = mode(where, exact, log)
    active, synapses, low, swapped = noisy(where, a, s, theta, v)
    chances(where, "p_off", p_off), chances(where, "p_on", p_on)
    off, on = (np.asarray(p, dtype=object) for p in (p_off, p_on))
    together(where, a=active, s=synapses, theta=low, v=swapped, p_off=off, p_on=on)

    def one(a: int, s: int, theta: int, v: int, p_off: Any, p_on: Any) -> Any:
        return _stuck(a, s, a - v, v, theta, p_off, p_on, exactly, miss=True)

    found = answer_exactly(one, active, synapses, low, swapped, off, on)
    return found if exactly else answer(np.asarray(found, dtype=np.float64), log)


def _stuck(
    n: int,
    s: int,
    a: int,
    more: int,
    theta: int,
    p_off: Any,
    p_on: Any,
    exactly: bool,
    miss: bool = False,
) -> Any:
    """Chance (or its log) that theta devices conduct, or fewer (`miss`).

    Of `n` cells `a` are active, b of them on one of the `s` synapses; `more` further active cells
    have none.
    """
    overlaps = range(max(0, s + a - n), min(s, a) + 1)
    if exactly:
        good, on = 1 - fraction(p_off), fraction(p_on)
        exact = Fraction(0)
        for b in overlaps:
            weight = Fraction(math.comb(s, b) * math.comb(n - s, a - b), math.comb(n, a))
            exact += weight * _exact_of_two(b, good, a - b + more, on, theta, miss)
        return exact
    rest = np.array(
        [_log_of_two(b, float(p_off), a - b + more, float(p_on), theta, miss) for b in overlaps]
    )
    overlap = np.arange(overlaps.start, overlaps.stop)
    full = [np.full(overlap.shape, x) for x in (n, s, a)]
    return log_sum(log_pmf(full[0], full[1], full[2], overlap) + rest)


def _exact_of_two(
    b: int, good: Fraction, others: int, on: Fraction, theta: int, miss: bool
) -> Fraction:
    reach = sum(
        (exact_binomial_pmf(b, good, i) * exact_binomial_tail(others, on, theta - i)
         for i in range(b + 1)), Fraction(0),
    )  # fmt: skip
    return 1 - reach if miss else reach


def _log_of_two(b: int, p_off: float, others: int, p_on: float, theta: int, miss: bool) -> float:
    """Log of the chance that b good and `others` bad devices reach theta, or miss it."""
    off = np.arange(b + 1)
    share = binomial_log_pmf(np.full(b + 1, b), np.full(b + 1, p_off), off)
    need = theta - (b - off)
    if not miss:
        return float(log_sum(share + binomial_log_tail(others, p_on, need)))
    # Fewer than `need` conduct if more than others - need do not.
    fewer = binomial_log_tail(others, 1.0 - p_on, others - need + 1)
    return float(log_sum(share + np.where(need <= 0, -np.inf, fewer)))
