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
from typing import Any

import numpy as np

from ...errors import DescriptionError
from .arguments import answer, answer_exactly, chances, fraction, mode, together, whole
from .chance import (
    Floats,
    binomial_log_tail,
    exact_binomial_tail,
    exact_tail,
    log_pmf,
    log_sum,
    log_tail,
)

__all__ = [
    "false_negative_probability",
    "false_positive_probability",
    "overlap_set_size",
    "population_false_positive_probability",
]

_MOST_BITS = 50_000_000


def overlap_set_size(*, n: Any, a: Any, s: Any, b: Any) -> Any:
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
        Not integers, or ``a > n``, ``s > n``, ``b > s``.

    Examples
    --------
    >>> overlap_set_size(n=20, a=5, s=5, b=5)
    1
    """
    where = "overlap_set_size"
    cells, active, synapses = pattern(where, n, a, s)
    overlap = whole(where, "b", b, 0, synapses, "s")

    def count(n: int, a: int, s: int, b: int) -> Any:
        return math.comb(s, b) * math.comb(n - s, a - b) if b <= a else 0

    return answer_exactly(count, cells, active, synapses, overlap)


def false_positive_probability(
    *, n: Any, a: Any, s: Any, theta: Any, exact: bool = False, log: bool = False
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
    where = "false_positive_probability"
    exactly = mode(where, exact, log)
    cells, active, synapses = pattern(where, n, a, s)
    low = whole(where, "theta", theta, 1, synapses, "s")
    if exactly:
        return answer_exactly(exact_tail, cells, synapses, active, low)
    return answer(log_tail(*together(where, n=cells, s=synapses, a=active, theta=low)), log)


def false_negative_probability(
    *,
    a: Any,
    s: Any,
    theta: Any,
    v: Any,
    p_fail: Any = 0.0,
    exact: bool = False,
    log: bool = False,
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
    where = "false_negative_probability"
    exactly = mode(where, exact, log)
    active, synapses, low, swapped = noisy(where, a, s, theta, v)
    failing = chances(where, "p_fail", p_fail)
    if exactly:
        return answer_exactly(_exact_miss, active, synapses, low, swapped,
                              np.asarray(p_fail, dtype=object))  # fmt: skip
    active, synapses, low, swapped, failing = together(
        where, a=active, s=synapses, theta=low, v=swapped, p_fail=failing
    )
    sure = log_tail(active, synapses, swapped, synapses - low + 1)
    if not np.any(failing > 0):
        return answer(sure, log)
    lost, weight = _lost(active, synapses, swapped)
    kept = synapses[..., None] - lost
    fewer = binomial_log_tail(kept, failing[..., None], kept - low[..., None] + 1)
    return answer(np.where(failing > 0, log_sum(weight + fewer), sure), log)


def _exact_miss(a: int, s: int, theta: int, v: int, p_fail: Any) -> Fraction:
    failing = fraction(p_fail)
    if not failing:
        return exact_tail(a, s, v, s - theta + 1)
    total, whole_set = Fraction(0), math.comb(a, v)
    for lost in range(max(0, v + s - a), min(s, v) + 1):
        ways = math.comb(s, lost) * math.comb(a - s, v - lost)
        kept = s - lost
        total += Fraction(ways, whole_set) * exact_binomial_tail(kept, failing, kept - theta + 1)
    return total


def population_false_positive_probability(
    *,
    n: Any,
    a: Any,
    s: Any,
    theta: Any,
    m: Any,
    bound: bool = False,
    exact: bool = False,
    log: bool = False,
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
    where = "population_false_positive_probability"
    exactly = mode(where, exact, log)
    many = whole(where, "m", m, 1)
    if exactly:
        one = false_positive_probability(n=n, a=a, s=s, theta=theta, exact=True)
        together(where, m=many, others=one)
        return answer_exactly(_exact_bound if bound else _exact_any, np.asarray(one), many)
    one = np.asarray(false_positive_probability(n=n, a=a, s=s, theta=theta, log=True))
    one, many = together(where, others=one, m=many)
    if bound:
        return answer(np.minimum(np.log(many) + one, 0.0), log)
    return answer(any_of(one, many), log)


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
            f"population_false_positive_probability: with m={many} the fraction would have "
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


def pattern(where: str, n: Any, a: Any, s: Any) -> tuple[Any, Any, Any]:
    """Check the sizes of a pattern and a segment."""
    cells = whole(where, "n", n, 1)
    return (
        cells,
        whole(where, "a", a, 0, cells, "n"),
        whole(where, "s", s, 1, cells, "n"),
    )


def noisy(where: str, a: Any, s: Any, theta: Any, v: Any) -> tuple[Any, Any, Any, Any]:
    active = whole(where, "a", a, 1)
    synapses = whole(where, "s", s, 1, active, "a")
    low = whole(where, "theta", theta, 1, synapses, "s")
    return active, synapses, low, whole(where, "v", v, 0, active, "a")
