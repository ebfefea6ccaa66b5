"""Error probabilities of unions: several patterns stored on one segment.

The size of the union of `m` subsamples of `s` cells depends on their overlap. The paper replaces
`s` by the mean size. The exact probability averages over the distribution of sizes.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any

import numpy as np

from ...checks import Choice
from ...errors import DescriptionError
from .arguments import (
    Active,
    CellCount,
    PatternCount,
    Switch,
    Synapses,
    Threshold,
    Whole,
    answer,
    answer_exactly,
    formula,
    require_table,
)
from .tails import (
    Floats,
    binary_digits,
    exact_tail,
    log_pmf,
    log_sum,
    log_tail,
    require_short,
)

__all__ = [
    "union_exact_match_probability",
    "union_false_positive_probability",
    "union_size",
    "union_size_probability",
]

Method = Annotated[str, Choice("exact", "paper")]

_MOST_WORK = 1e10
_OVERHEAD = 5000


@formula
def union_size(*, n: CellCount, s: Synapses, m: PatternCount, exact: Switch = False) -> Any:
    """Return the mean number of synapses of a segment that holds `m` patterns.

    Parameters
    ----------
    n, s, m : int or array_like of int
        Number of cells; of synapses for each pattern, 1 to `n`; of patterns, >= 1.
    exact : bool
        Whether to return fractions.

    Returns
    -------
    float, Fraction or ndarray
        Equation 13.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

    Examples
    --------
    >>> round(union_size(n=20_000, s=25, m=10), 9)
    248.598427261
    """
    if exact:
        return answer_exactly(_exact_size, n, s, m)
    size = _size(n, s, m)
    return size if size.ndim else float(size)


def _size(n: Any, s: Any, m: Any) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(-n * np.expm1(m * np.log1p(-s / n)))


def _exact_size(n: int, s: int, m: int) -> Fraction:
    require_short(float(m) * n.bit_length())
    return n * (1 - Fraction(n - s, n) ** m)


@formula
def union_size_probability(
    *,
    n: Annotated[int, Whole(one=True)],
    s: Annotated[int, Whole(1, "n", one=True)],
    m: Annotated[int, Whole(one=True)],
    exact: Switch = False,
) -> Any:
    """Return the distribution of the number of synapses of a segment that holds `m` patterns.

    Parameters
    ----------
    n, s, m : int
        Number of cells; of synapses for each pattern, 1 to `n`; of patterns, >= 1.
    exact : bool
        Whether to return fractions.

    Returns
    -------
    ndarray, shape (min(n, m s) + 1,)
        Probability of each size, from 0.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

    Examples
    --------
    >>> union_size_probability(n=4, s=2, m=2, exact=True).tolist()[2:]
    [Fraction(1, 6), Fraction(2, 3), Fraction(1, 6)]
    """
    if exact:
        return np.array(_exact_law(n, s, m), dtype=object)
    return _law(n, s, m).copy()


def require_law(n: int, s: int, m: int) -> None:
    """Raise an error if the distribution of sizes does not fit into memory, or takes minutes."""
    top = min(n, m * s)
    require_table((top + 1.0) * (s + 1), f"unions of m={m} patterns of s={s} of n={n} cells")
    # After so many patterns, the probability that a cell is left out is below the range of floats.
    rounds = min(m, 760.0 * n / s)
    work = rounds * (s + 1) * (top + _OVERHEAD)
    if work > _MOST_WORK:
        raise DescriptionError(
            f"unions of m={m} patterns of s={s} of n={n} cells take {work:.3g} steps; use fewer "
            f"patterns or cells, or method='paper'."
        )


@lru_cache(maxsize=64)
def _law(n: int, s: int, m: int) -> Floats:
    """Return the probability of each size of the union, by adding one pattern after the other."""
    require_law(n, s, m)
    top = min(n, m * s)
    x, k = np.meshgrid(np.arange(top + 1), np.arange(s + 1), indexing="ij")
    possible = (k <= n - x) & (s - k <= x)
    cells = np.full(x.shape, n)
    grown = log_pmf(cells, n - x, np.full(x.shape, s), np.where(possible, k, _safe(n - x, n, s)))
    step = np.where(possible, np.exp(grown), 0.0)
    law = np.zeros(top + 1)
    law[0] = 1.0
    for _ in range(m):
        following = np.zeros(top + 1)
        for new in range(s + 1):
            following[new:] += (law * step[:, new])[: top + 1 - new]
        if np.array_equal(following, law):
            break
        law = following
    law.flags.writeable = False
    return law


def _safe(fresh: Any, n: int, s: int) -> Any:
    """Return a possible overlap, as a substitute for impossible ones."""
    return np.maximum(0, fresh + s - n)


@lru_cache(maxsize=16)
def _exact_law(n: int, s: int, m: int) -> tuple[Fraction, ...]:
    digits, top = m * binary_digits(n, s), min(n, m * s)
    require_short(digits, float(top) * min(s, top) * m + 50 * top)
    ways = math.comb(n, s)
    counts = {0: 1}
    for _ in range(m):
        following: dict[int, int] = {}
        for x, count in counts.items():
            for k in range(max(0, s - x), min(s, n - x) + 1):
                gain = count * math.comb(n - x, k) * math.comb(x, s - k)
                following[x + k] = following.get(x + k, 0) + gain
        counts = following
    return tuple(Fraction(counts.get(x, 0), ways**m) for x in range(min(n, m * s) + 1))


@formula
def union_false_positive_probability(
    *,
    n: CellCount,
    a: Active,
    s: Synapses,
    theta: Threshold,
    m: PatternCount,
    method: Method = "exact",
    exact: Switch = False,
    log: Switch = False,
) -> Any:
    """Return the false-positive probability of a segment with the union of `m` patterns.

    Parameters
    ----------
    n, a : int or array_like of int
        Number of cells, and of active cells, 0 to `n`.
    s : int or array_like of int
        Number of synapses for each pattern, 1 to `n`.
    theta : int or array_like of int
        Threshold, 1 to `s`; with a higher one the segment would miss its own patterns.
    m : int or array_like of int
        Number of patterns on the segment, >= 1.
    method : {"exact", "paper"}
        "exact" averages equation 4 over the size of the union. "paper" is equation 14, which uses
        the rounded mean size instead, with an error of some per cent.
    exact : bool
        Whether to return fractions.
    log : bool
        Whether to return natural logs.

    Returns
    -------
    float, Fraction or ndarray

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range, or the method is unknown.

    Examples
    --------
    >>> round(union_false_positive_probability(n=1000, a=200, s=25, theta=15, m=2), 12)
    0.050773363243
    """
    if exact:
        one = _exact_paper if method == "paper" else _exact_union
        return answer_exactly(one, n, a, s, theta, m)
    return answer(union_log_probability(n, a, s, theta, m, method), log)


def union_log_probability(n: Any, a: Any, s: Any, theta: Any, m: Any, method: str) -> Floats:
    """Return the log of the false-positive probability of unions, by either method."""
    if method == "paper":
        return log_tail(n, np.rint(_size(n, s, m)).astype(np.int64), a, theta)
    return np.asarray(answer_exactly(_log_union, n, a, s, theta, m), dtype=np.float64)


def _log_union(n: int, a: int, s: int, theta: int, m: int) -> float:
    law = _law(n, s, m)
    x = np.flatnonzero(law)
    return float(log_sum(np.log(law[x]) + log_tail(n, x, a, theta)))


def _exact_union(n: int, a: int, s: int, theta: int, m: int) -> Fraction:
    law = _exact_law(n, s, m)
    require_short(
        m * binary_digits(n, s) + binary_digits(n, a), float(len(law)) * (min(a, len(law)) + 50)
    )
    return sum((p * exact_tail(n, x, a, theta) for x, p in enumerate(law) if p), Fraction(0))


def _exact_paper(n: int, a: int, s: int, theta: int, m: int) -> Fraction:
    return exact_tail(n, round(_exact_size(n, s, m)), a, theta)


@formula
def union_exact_match_probability(
    *,
    n: CellCount,
    s: Synapses,
    m: PatternCount,
    y: Annotated[Any, Whole(0, "n")],
    exact: Switch = False,
) -> Any:
    """Return the probability that all `y` bits of a random pattern are in a union.

    This is the error probability of a Bloom filter.

    Parameters
    ----------
    n, s, m : int or array_like of int
        Number of cells; of synapses for each pattern, 1 to `n`; of patterns, >= 1.
    y : int or array_like of int
        Number of bits of the pattern, 0 to `n`.
    exact : bool
        Whether to return fractions.

    Returns
    -------
    float, Fraction or ndarray
        Equation 12.

    Raises
    ------
    DescriptionError
        If a value is not an integer or out of range.

    Examples
    --------
    >>> union_exact_match_probability(n=4, s=2, m=2, y=2, exact=True)
    Fraction(9, 16)
    """
    if exact:
        return answer_exactly(_exact_match, n, s, m, y)
    with np.errstate(divide="ignore"):
        set_bit = np.log(-np.expm1(m * np.log1p(-s / n)))
    return answer(y * set_bit, False)


def _exact_match(n: int, s: int, m: int, y: int) -> Fraction:
    require_short(float(m) * n.bit_length() * max(y, 1))
    return Fraction((1 - Fraction(n - s, n) ** m) ** y)
