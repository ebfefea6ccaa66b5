"""How often a dendritic segment errs on sparse patterns: the closed forms.

Symbols are those of the paper: `n` cells of which a pattern activates `a`; a segment with `s`
synapses that fires at `theta` active ones; `v` of the `a` cells swapped for others; `m` segments.
Patterns are independent and uniformly random. Every argument takes arrays, which broadcast.
With ``log=True`` answers are natural logs, which reach beyond the range of floats; with
``exact=True`` they are :class:`fractions.Fraction`, from whole numbers alone.

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
    Asked,
    Cells,
    Chance,
    PatternCount,
    Swapped,
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
from .chance import (
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
def overlap_set_size(*, n: Cells, a: Active, s: Synapses, b: Annotated[Any, Whole(0, "s")]) -> Any:
    """Count the patterns of `a` of `n` cells that meet a segment of `s` synapses in just `b`.

    Parameters
    ----------
    n, a, s, b : int or array_like of int
        Cells, active cells, synapses, overlap.

    Returns
    -------
    int, or object array of int
        Equations 2 and 3.

    Raises
    ------
    DescriptionError
        Not integers, or ``a > n``, ``s > n``, ``b > s``; or a number too long to be written.

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
    n: Cells,
    a: Active,
    s: Synapses,
    theta: Threshold,
    exact: Asked = False,
    log: Asked = False,
) -> Any:
    """Probability that a random pattern reaches a segment's threshold by chance.

    Parameters
    ----------
    n : int or array_like of int
        Cells.
    a : int or array_like of int
        Active cells, 0 to `n`.
    s : int or array_like of int
        Synapses of the segment, 1 to `n`.
    theta : int or array_like of int
        Threshold, 1 to `s`.
    exact : bool
        Answer with fractions.
    log : bool
        Answer with natural logs.

    Returns
    -------
    float, Fraction or ndarray
        Equation 4; relative error below 1e-12 (of the logarithm, with ``log=True``).

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

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
    a: Cells,
    s: SynapsesOnActive,
    theta: Threshold,
    v: Swapped,
    p_fail: Chance = 0.0,
    exact: Asked = False,
    log: Asked = False,
) -> Any:
    """Probability that a segment misses its pattern when `v` of the active cells are swapped.

    Parameters
    ----------
    a : int or array_like of int
        Active cells of the pattern.
    s : int or array_like of int
        Synapses of the segment, all on these cells, 1 to `a`.
    theta : int or array_like of int
        Threshold, 1 to `s`.
    v : int or array_like of int
        Active cells that are swapped for cells outside the pattern, 0 to `a`.
    p_fail : float or Fraction, or array_like
        Probability that a synapse fails to transmit, each on its own.
    exact : bool
        Answer with fractions; a float `p_fail` stands for its shortest decimal (0.1 is 1/10).
    log : bool
        Answer with natural logs.

    Returns
    -------
    float, Fraction or ndarray
        Equation 6, and its average over failing synapses. The number of cells does not matter.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

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
    lost, weight = _lost(a, s, v)
    kept = s[..., None] - lost
    fewer = binomial_log_tail(kept, failing[..., None], kept - theta[..., None] + 1)
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
        kept = s - lost
        total += Fraction(ways, whole_set) * exact_binomial_tail(kept, failing, kept - theta + 1)
    return total


@formula
def population_false_positive_probability(
    *,
    n: Cells,
    a: Active,
    s: Synapses,
    theta: Threshold,
    m: PatternCount,
    bound: Asked = False,
    exact: Asked = False,
    log: Asked = False,
) -> Any:
    """Probability that a random pattern is taken for one of `m`, each on a segment of its own.

    It is also that of a neuron with `m` segments, or of a layer with `m` in all.

    Parameters
    ----------
    n, a, s, theta, exact, log
        As :func:`false_positive_probability`.
    m : int or array_like of int
        Segments, >= 1.
    bound : bool
        Give the union bound of equation 9 (at most 1) in place of equation 8.

    Returns
    -------
    float, Fraction or ndarray
        Equation 8, without loss for small probabilities.

    Raises
    ------
    DescriptionError
        Not integers, or out of range; or a fraction too long to be written.

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
    """Log of the probability of at least one of `many` events; `one` is the log for each."""
    tiny = one < -40.0
    with np.errstate(divide="ignore"):
        # -log(1 - p), in logs
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


def _lost(active: Any, synapses: Any, swapped: Any) -> tuple[Any, Floats]:
    """Numbers of synapses lost to noise, on a further axis, and the logs of their chances."""
    least = np.maximum(0, swapped + synapses - active)[..., None]
    most = np.minimum(synapses, swapped)[..., None]
    lost = np.arange(int(np.max(most, initial=0)) + 1)
    possible = (lost >= least) & (lost <= most)
    lost = np.clip(lost, least, most)
    table = np.broadcast_arrays(active[..., None], synapses[..., None], swapped[..., None], lost)
    return lost, np.asarray(np.where(possible, log_pmf(*table), -np.inf))
