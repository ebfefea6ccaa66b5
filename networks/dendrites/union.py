"""Unions: several patterns stored on one segment.

The union of `m` subsamples of `s` cells grows as the subsamples overlap. The paper puts its mean
size in the place of `s`; the exact law averages over all sizes. Both are here.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ...errors import DescriptionError, unknown_name
from .arguments import answer, answer_exactly, mode, together, whole
from .chance import Floats, exact_tail, log_pmf, log_sum, log_tail

__all__ = [
    "union_exact_match_probability",
    "union_false_positive_probability",
    "union_size",
    "union_size_probability",
]

METHODS = ("exact", "paper")


def union_size(*, n: Any, s: Any, m: Any, exact: bool = False) -> Any:
    """Mean number of synapses of a segment that holds `m` patterns.

    Parameters
    ----------
    n, s, m : int or array_like of int
        Cells; synapses for each pattern, 1 to `n`; patterns, >= 1.
    exact : bool
        Answer with fractions.

    Returns
    -------
    float, Fraction or ndarray
        Equation 13.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> round(union_size(n=20_000, s=25, m=10), 9)
    248.598427261
    """
    cells, synapses, patterns = _sizes("union_size", n, s, m)
    if mode("union_size", exact, False):
        return answer_exactly(_exact_size, cells, synapses, patterns)
    cells, synapses, patterns = together("union_size", n=cells, s=synapses, m=patterns)
    size = _size(cells, synapses, patterns)
    return size if size.ndim else float(size)


def _size(n: Any, s: Any, m: Any) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(-n * np.expm1(m * np.log1p(-s / n)))


def _exact_size(n: int, s: int, m: int) -> Fraction:
    return n * (1 - Fraction(n - s, n) ** m)


def union_size_probability(*, n: int, s: int, m: int, exact: bool = False) -> Any:
    """Law of the number of synapses of a segment that holds `m` patterns.

    Parameters
    ----------
    n, s, m : int
        Cells; synapses for each pattern, 1 to `n`; patterns, >= 1.
    exact : bool
        Answer with fractions.

    Returns
    -------
    ndarray, shape (min(n, m s) + 1,)
        Probability of each size, from 0 on.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> union_size_probability(n=4, s=2, m=2, exact=True).tolist()[2:]
    [Fraction(1, 6), Fraction(2, 3), Fraction(1, 6)]
    """
    where = "union_size_probability"
    sizes = _sizes(where, n, s, m)
    for name, value in zip("nsm", sizes, strict=True):
        if value.ndim:
            raise DescriptionError(f"{where}: {name} must be one int, got shape {value.shape}.")
    cells, synapses, patterns = (int(value) for value in sizes)
    if mode(where, exact, False):
        return np.array(_exact_law(cells, synapses, patterns), dtype=object)
    return _law(cells, synapses, patterns).copy()


@lru_cache(maxsize=64)
def _law(n: int, s: int, m: int) -> Floats:
    """Chance of each size: x grows to x + k with the chance that s cells hold k new ones."""
    top = min(n, m * s)
    x, k = np.meshgrid(np.arange(top + 1), np.arange(s + 1), indexing="ij")
    possible = (k <= n - x) & (s - k <= x)
    cells = np.full(x.shape, n)
    grown = log_pmf(cells, n - x, np.full(x.shape, s), np.where(possible, k, _safe(n - x, n, s)))
    step = np.where(possible, np.exp(grown), 0.0)
    law = np.zeros(top + 1)
    law[0] = 1.0
    for _ in range(m):
        ahead = np.zeros(top + 1)
        for new in range(s + 1):
            ahead[new:] += (law * step[:, new])[: top + 1 - new]
        law = ahead
    law.flags.writeable = False
    return law


def _safe(fresh: Any, n: int, s: int) -> Any:
    """An overlap that is possible, to stand where one is not."""
    return np.maximum(0, fresh + s - n)


@lru_cache(maxsize=16)
def _exact_law(n: int, s: int, m: int) -> tuple[Fraction, ...]:
    ways = math.comb(n, s)
    counts = {0: 1}
    for _ in range(m):
        ahead: dict[int, int] = {}
        for x, count in counts.items():
            for k in range(max(0, s - x), min(s, n - x) + 1):
                gain = count * math.comb(n - x, k) * math.comb(x, s - k)
                ahead[x + k] = ahead.get(x + k, 0) + gain
        counts = ahead
    return tuple(Fraction(counts.get(x, 0), ways**m) for x in range(min(n, m * s) + 1))


def union_false_positive_probability(
    *,
    n: Any,
    a: Any,
    s: Any,
    theta: Any,
    m: Any,
    method: str = "exact",
    exact: bool = False,
    log: bool = False,
) -> Any:
    """Probability that a random pattern reaches the threshold of a union of `m` patterns.

    Parameters
    ----------
    n, a : int or array_like of int
        Cells, and active ones, 0 to `n`.
    s : int or array_like of int
        Synapses for each pattern, 1 to `n`.
    theta : int or array_like of int
        Threshold, 1 to `s`: a higher one would miss what is stored.
    m : int or array_like of int
        Patterns on the segment, >= 1.
    method : {"exact", "paper"}
        "exact" averages equation 4 over the size of the union; "paper" is equation 14, which puts
        the rounded mean size in its place (some per cent off).
    exact : bool
        Answer with fractions.
    log : bool
        Answer with natural logs.

    Returns
    -------
    float, Fraction or ndarray

    Raises
    ------
    DescriptionError
        Not integers, out of range, or an unknown method.

    Examples
    --------
    >>> round(union_false_positive_probability(n=1000, a=200, s=25, theta=15, m=2), 12)
    0.050773363243
    """
    where = "union_false_positive_probability"
    exactly = mode(where, exact, log)
    if method not in METHODS:
        raise DescriptionError(f"{where}: {unknown_name('method', method, METHODS)}")
    cells, synapses, patterns = _sizes(where, n, s, m)
    active = whole(where, "a", a, 0, cells, "n")
    low = whole(where, "theta", theta, 1, synapses, "s")
    given = together(where, n=cells, a=active, s=synapses, theta=low, m=patterns)
    if exactly:
        return answer_exactly(_exact_paper if method == "paper" else _exact_union, *given)
    cells, active, synapses, low, patterns = given
    if method == "paper":
        size = np.rint(_size(cells, synapses, patterns)).astype(np.int64)
        return answer(log_tail(cells, size, active, low), log)
    logs = np.empty(cells.shape)
    for index in np.ndindex(cells.shape):
        logs[index] = log_union(*(int(array[index]) for array in given))
    return answer(logs, log)


def log_union(n: int, a: int, s: int, theta: int, m: int) -> float:
    """Log of the exact false-positive probability of one union."""
    law = _law(n, s, m)
    x = np.flatnonzero(law)
    return float(log_sum(np.log(law[x]) + log_tail(n, x, a, theta)))


def _exact_union(n: int, a: int, s: int, theta: int, m: int) -> Fraction:
    law = _exact_law(n, s, m)
    return sum((p * exact_tail(n, x, a, theta) for x, p in enumerate(law) if p), Fraction(0))


def _exact_paper(n: int, a: int, s: int, theta: int, m: int) -> Fraction:
    return exact_tail(n, round(_exact_size(n, s, m)), a, theta)


def union_exact_match_probability(*, n: Any, s: Any, m: Any, y: Any, exact: bool = False) -> Any:
    """Probability that all `y` bits of a random pattern are in a union: a Bloom filter's error.

    Parameters
    ----------
    n, s, m : int or array_like of int
        Cells; synapses for each pattern, 1 to `n`; patterns, >= 1.
    y : int or array_like of int
        Bits of the pattern, 0 to `n`.
    exact : bool
        Answer with fractions.

    Returns
    -------
    float, Fraction or ndarray
        Equation 12.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> union_exact_match_probability(n=4, s=2, m=2, y=2, exact=True)
    Fraction(9, 16)
    """
    where = "union_exact_match_probability"
    cells, synapses, patterns = _sizes(where, n, s, m)
    bits = whole(where, "y", y, 0, cells, "n")
    if mode(where, exact, False):
        return answer_exactly(_exact_match, cells, synapses, patterns, bits)
    cells, synapses, patterns, bits = together(where, n=cells, s=synapses, m=patterns, y=bits)
    with np.errstate(divide="ignore"):
        set_bit = np.log(-np.expm1(patterns * np.log1p(-synapses / cells)))
    return answer(bits * set_bit, False)


def _exact_match(n: int, s: int, m: int, y: int) -> Fraction:
    return Fraction((1 - Fraction(n - s, n) ** m) ** y)


def _sizes(where: str, n: Any, s: Any, m: Any) -> tuple[Any, Any, Any]:
    cells = whole(where, "n", n, 1)
    return cells, whole(where, "s", s, 1, cells, "n"), whole(where, "m", m, 1)
