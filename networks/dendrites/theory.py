"""Closed forms of the error probabilities of dendritic segments on sparse patterns.

Symbols are those of the paper. A pattern activates `a` of `n` cells. A segment has `s` synapses and
fires if at least `theta` of them are active. Noise swaps `v` of the `a` cells for other cells.
There are `m` segments. Patterns are independent and uniformly random. Every argument can be an
array; arrays broadcast. With ``log=True`` results are natural logs, which reach beyond the range of
floats. With ``exact=True`` results are :class:`fractions.Fraction`, computed from whole numbers.

References
----------
S. Ahmad, J. Hawkins, "How do neurons operate on sparse distributed representations? A mathematical
theory of sparsity, neurons and active dendrites", arXiv 1601.00720 (2016).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated, Any

import numpy as np

from ...errors import DescriptionError
from .arguments import (
    Active,
    CellCount,
    PatternCount,
    ProbabilityArray,
    Swapped,
    Switch,
    Synapses,
    SynapsesOnActive,
    Threshold,
    Whole,
    answer,
    answer_exactly,
    formula,
    fraction,
    require_table,
)
from .tails import (
    Floats,
    binary_digits,
    binomial_log_tail,
    exact_binomial_tail,
    exact_tail,
    log_pmf,
    log_sum,
    log_tail,
    require_short,
)

__all__ = [
    "false_negative_probability",
    "false_positive_probability",
    "overlap_set_size",
    "population_false_positive_probability",
]

_MOST_BITS = 10_000_000


@formula
def overlap_set_size(
    *, n: CellCount, a: Active, s: Synapses, b: Annotated[Any, Whole(0, "s")]
) -> Any:
    """Return the number of patterns of `a` of `n` cells that activate exactly `b` of `s` synapses.

    Parameters
    ----------
    n, a, s, b : int or array_like of int
        Numbers of cells, of active cells, of synapses, and of active synapses.

    Returns
    -------
    int, or object array of int
        Equations 2 and 3.

    Raises
    ------
    DescriptionError
        If a value is not an integer, ``a > n``, ``s > n`` or ``b > s``, or the number is too long.

    Examples
    --------
    >>> overlap_set_size(n=20, a=5, s=5, b=5)
    1
    """

    def count(n: int, a: int, s: int, b: int) -> Any:
        if not 0 <= a - b <= n - s:
            return 0
        require_short(binary_digits(s, b) + binary_digits(n - s, a - b))
        return math.comb(s, b) * math.comb(n - s, a - b)

    return answer_exactly(count, n, a, s, b)


@formula
def false_positive_probability(
    *,
    n: CellCount,
    a: Active,
    s: Synapses,
    theta: Threshold,
    exact: Switch = False,
    log: Switch = False,
) -> Any:
    """Return the probability that a random pattern reaches a segment's threshold.

    Parameters
    ----------
    n : int or array_like of int
        Number of cells.
    a : int or array_like of int
        Number of active cells, 0 to `n`.
    s : int or array_like of int
        Number of synapses of the segment, 1 to `n`.
    theta : int or array_like of int
        Threshold, 1 to `s`.
    exact : bool
        Whether to return fractions.
    log : bool
        Whether to return natural logs.

    Returns
    -------
    float, Fraction or ndarray
        Equation 4; relative error below 1e-12 (of the logarithm, with ``log=True``).

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

    Examples
    --------
    >>> false_positive_probability(n=20, a=5, s=5, theta=3, exact=True)
    Fraction(563, 7752)
    >>> false_positive_probability(n=200_000, a=2000, s=24, theta=[12, 24], log=True).round(6)
    array([ -40.595064, -110.661248])
    """
    if exact:
        return answer_exactly(exact_tail, n, s, a, theta)
    return answer(log_tail(n, s, a, theta), log)


@formula
def false_negative_probability(
    *,
    a: CellCount,
    s: SynapsesOnActive,
    theta: Threshold,
    v: Swapped,
    p_fail: ProbabilityArray = 0.0,
    exact: Switch = False,
    log: Switch = False,
) -> Any:
    """Return the probability that a segment misses its pattern if `v` active cells are swapped.

    Parameters
    ----------
    a : int or array_like of int
        Number of active cells of the pattern.
    s : int or array_like of int
        Number of synapses of the segment, all on these cells, 1 to `a`.
    theta : int or array_like of int
        Threshold, 1 to `s`.
    v : int or array_like of int
        Number of active cells that are swapped for cells outside the pattern, 0 to `a`.
    p_fail : float or Fraction, or array_like
        Probability that a synapse fails to transmit, independently for each synapse.
    exact : bool
        Whether to return fractions; a float `p_fail` stands for its shortest decimal (0.1 is
        1/10).
    log : bool
        Whether to return natural logs.

    Returns
    -------
    float, Fraction or ndarray
        Equation 6, averaged over failing synapses. It does not depend on the number of cells.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

    Examples
    --------
    >>> false_negative_probability(a=40, s=20, theta=13, v=10, exact=True)
    Fraction(409, 12617)
    >>> false_negative_probability(a=40, s=20, theta=13, v=7)
    0.0
    """
    if exact:
        return answer_exactly(_exact_miss, a, s, theta, v, p_fail)
    failing = np.asarray(p_fail, dtype=np.float64)
    sure = log_tail(a, s, v, s - theta + 1)
    if not np.any(failing > 0):
        return answer(sure, log)
    a, s, theta, v, failing = np.broadcast_arrays(a, s, theta, v, failing)
    most = int(np.max(np.minimum(s, v), initial=0)) + 1
    require_table(float(most) * max(a.size, 1), f"s and v of {most - 1} and more with p_fail")
    lost, weight = _lost_synapses(a, s, v)
    intact = s[..., None] - lost
    fewer = binomial_log_tail(intact, failing[..., None], intact - theta[..., None] + 1)
    return answer(np.where(failing > 0, log_sum(weight + fewer), sure), log)


def _exact_miss(a: int, s: int, theta: int, v: int, p_fail: Any) -> Fraction:
    failing = fraction(p_fail)
    if not failing:
        return exact_tail(a, s, v, s - theta + 1)
    lost_at_most = min(s, v) + 1
    require_short(
        binary_digits(a, v) + s * failing.denominator.bit_length(), 50.0 * lost_at_most * s
    )
    total, whole_set = Fraction(0), math.comb(a, v)
    for lost in range(max(0, v + s - a), lost_at_most):
        ways = math.comb(s, lost) * math.comb(a - s, v - lost)
        intact = s - lost
        total += Fraction(ways, whole_set) * exact_binomial_tail(
            intact, failing, intact - theta + 1
        )
    return total


@formula
def population_false_positive_probability(
    *,
    n: CellCount,
    a: Active,
    s: Synapses,
    theta: Threshold,
    m: PatternCount,
    bound: Switch = False,
    exact: Switch = False,
    log: Switch = False,
) -> Any:
    """Return the probability that a random pattern reaches the threshold of any of `m` segments.

    The segments can belong to one neuron or to a layer; each stores its own pattern.

    Parameters
    ----------
    n, a, s, theta, exact, log
        As for :func:`false_positive_probability`.
    m : int or array_like of int
        Number of segments, >= 1.
    bound : bool
        Whether to return the union bound of equation 9 (at most 1) in place of equation 8.

    Returns
    -------
    float, Fraction or ndarray
        Equation 8, accurate also for small probabilities.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range, or a fraction is too long.

    Examples
    --------
    >>> p = population_false_positive_probability(n=10_000, a=300, s=30, theta=15, m=10**6)
    >>> f"{p:.12e}"
    '1.049191824662e-09'
    """
    if exact:
        one = answer_exactly(exact_tail, n, s, a, theta)
        return answer_exactly(_exact_bound if bound else _exact_any, one, m)
    each = log_tail(n, s, a, theta)
    if bound:
        return answer(np.minimum(np.log(m) + each, 0.0), log)
    return answer(any_of(each, m), log)


def any_of(one: Any, many: Any) -> Floats:
    """Return the log of the probability of any of `many` events; `one` is the log for each."""
    tiny = one < -40.0
    with np.errstate(divide="ignore"):
        # log of -log(1 - p)
        rate = np.where(tiny, one, np.log(-np.log1p(-np.exp(np.where(tiny, -1.0, one)))))
        total = np.log(many) + rate
        small = total < -40.0
        return np.asarray(
            np.where(small, total, np.log(-np.expm1(-np.exp(np.where(small, 0.0, total)))))
        )


def _exact_bound(one: Fraction, many: int) -> Fraction:
    return min(many * one, Fraction(1))


def _exact_any(one: Fraction, many: int) -> Fraction:
    if many * one.denominator.bit_length() > _MOST_BITS:
        raise DescriptionError(
            f"with m={many} the fraction would have "
            f"{many * one.denominator.bit_length()} binary digits; leave out exact=True."
        )
    return 1 - (1 - one) ** many


def _lost_synapses(active: Any, synapses: Any, swapped: Any) -> tuple[Any, Floats]:
    """Return numbers of synapses lost to noise, on a new axis, with their log probabilities."""
    least = np.maximum(0, swapped + synapses - active)[..., None]
    most = np.minimum(synapses, swapped)[..., None]
    lost = np.arange(int(np.max(most, initial=0)) + 1)
    possible = (lost >= least) & (lost <= most)
    lost = np.clip(lost, least, most)
    table = np.broadcast_arrays(active[..., None], synapses[..., None], swapped[..., None], lost)
    return lost, np.asarray(np.where(possible, log_pmf(*table), -np.inf))
