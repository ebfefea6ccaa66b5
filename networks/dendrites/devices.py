"""Error probabilities of segments on a resistive crossbar with stuck devices."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import DescriptionError
from .arguments import (
    Active,
    CellCount,
    ProbabilityArray,
    Swapped,
    Switch,
    Synapses,
    SynapsesOnActive,
    Threshold,
    answer,
    answer_exactly,
    formula,
    fraction,
)
from .tails import (
    binary_digits,
    binomial_log_pmf,
    binomial_log_tail,
    exact_binomial_pmf,
    exact_binomial_tail,
    log_pmf,
    log_sum,
    require_short,
)

__all__ = ["device_false_negative_probability", "device_false_positive_probability"]

_MOST_STEPS = 1e8


@formula
def device_false_positive_probability(
    *,
    n: CellCount,
    a: Active,
    s: Synapses,
    theta: Threshold,
    p_off: ProbabilityArray = 0.0,
    p_on: ProbabilityArray = 0.0,
    exact: Switch = False,
    log: Switch = False,
) -> Any:
    """Return the probability of a false positive on a crossbar with stuck devices.

    Parameters
    ----------
    n, a, s, theta, exact, log
        As for :func:`false_positive_probability`; each a scalar or array.
    p_off : float or Fraction, or array_like
        Probability that the device of an intended synapse is stuck off.
    p_on : float or Fraction, or array_like
        Probability that a device without an intended synapse is stuck on.

    Returns
    -------
    float, Fraction or ndarray
        Equation 4, averaged over the states of the devices.

    Raises
    ------
    DescriptionError
        If a value is not an integer, or out of range.

    Examples
    --------
    >>> p = device_false_positive_probability(n=1000, a=40, s=25, theta=11, p_off=.05, p_on=.002)
    >>> f"{p:.9e}"
    '6.172343334e-10'
    """

    def one(n: int, a: int, s: int, theta: int, p_off: Any, p_on: Any) -> Any:
        # The overlap has the same distribution if synapses and active cells are exchanged.
        return _stuck(n, s, a, 0, theta, p_off, p_on, exact)

    values = answer_exactly(one, n, a, s, theta, p_off, p_on)
    return values if exact else answer(np.asarray(values, dtype=np.float64), log)


@formula
def device_false_negative_probability(
    *,
    a: CellCount,
    s: SynapsesOnActive,
    theta: Threshold,
    v: Swapped,
    p_off: ProbabilityArray = 0.0,
    p_on: ProbabilityArray = 0.0,
    exact: Switch = False,
    log: Switch = False,
) -> Any:
    """Return the probability of a miss on a crossbar with stuck devices.

    Parameters
    ----------
    a, s, theta, v, exact, log
        As for :func:`false_negative_probability`; each a scalar or array. The cells that replace
        swapped ones have no synapse.
    p_off, p_on
        As for :func:`device_false_positive_probability`.

    Returns
    -------
    float, Fraction or ndarray
        Equation 6, averaged over the states of the devices.

    Raises
    ------
    DescriptionError
        If a value is not an integer, or out of range.

    Examples
    --------
    >>> p = device_false_negative_probability(a=300, s=30, theta=12, v=60, p_off=0.1)
    >>> f"{p:.12e}"
    '3.190923591345e-05'
    """

    def one(a: int, s: int, theta: int, v: int, p_off: Any, p_on: Any) -> Any:
        return _stuck(a, s, a - v, v, theta, p_off, p_on, exact, miss=True)

    values = answer_exactly(one, a, s, theta, v, p_off, p_on)
    return values if exact else answer(np.asarray(values, dtype=np.float64), log)


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
    """Return the probability (or its log) that theta or more devices conduct, or fewer (`miss`).

    Of `n` cells, `a` are active, and b of these are on one of the `s` synapses; `more` further
    active cells have no synapse.
    """
    overlaps = range(max(0, s + a - n), min(s, a) + 1)
    if exactly:
        good, on = 1 - fraction(p_off), fraction(p_on)
        digits = s * good.denominator.bit_length() + (a + more) * on.denominator.bit_length()
        steps = 50.0 * len(overlaps) * (min(s, a) + 1) * (min(theta, a + more) + 1)
        require_short(binary_digits(n, a) + digits, steps)
        exact = Fraction(0)
        for b in overlaps:
            weight = Fraction(math.comb(s, b) * math.comb(n - s, a - b), math.comb(n, a))
            exact += weight * _exact_of_two(b, good, a - b + more, on, theta, miss)
        return exact
    if float(len(overlaps)) * min(s, a) > _MOST_STEPS:
        raise DescriptionError(
            f"a={a} active cells on s={s} synapses take {len(overlaps) * min(s, a):.3g} steps; "
            f"take fewer."
        )
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
    """Return the log of the probability that b synapses and `others` without one reach theta."""
    off = np.arange(b + 1)
    share = binomial_log_pmf(np.full(b + 1, b), np.full(b + 1, p_off), off)
    need = theta - (b - off)
    if not miss:
        return float(log_sum(share + binomial_log_tail(others, p_on, need)))
    # Fewer than `need` devices conduct if more than others - need do not conduct.
    fewer = binomial_log_tail(others, 1.0 - p_on, others - need + 1)
    return float(log_sum(share + np.where(need <= 0, -np.inf, fewer)))
