"""How well something was recalled, how much is stored, and whether two recordings agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import Count, Kind, Quantities, Quantity, Text, checked
from .errors import DescriptionError, shown, unknown_name
from .recording import Recording, SpikeTrains
from .units import in_unit

__all__ = [
    "BitErrors",
    "Comparison",
    "Divergence",
    "binary_entropy",
    "bit_errors",
    "bits",
    "compare",
    "exact_recall",
    "information",
    "information_per_synapse",
    "jaccard",
    "overlap",
    "pattern_information",
]

Patterns = NDArray[np.bool_]

_MANY = 10**6


@dataclass(frozen=True)
class Bits(Kind):
    """One pattern of bits, or several: bool, or 0 and 1."""

    def check(self, value: Any, where: str) -> Patterns:
        """Return an array of bool, shape (n_bits,) or (n_patterns, n_bits)."""
        return bits(value, where)


BitPatterns = Annotated[ArrayLike, Bits()]


@checked
def overlap(stored: BitPatterns, recalled: BitPatterns) -> NDArray[np.int64]:
    """Count the bits that are set in both patterns.

    Parameters
    ----------
    stored, recalled : array_like of bool (or 0 and 1), shape (n_bits,) or (n_patterns, n_bits)
        One may be a single pattern, to be compared with each of the other.

    Returns
    -------
    ndarray of int, shape () or (n_patterns,)

    Raises
    ------
    DescriptionError
        Not patterns of bits, or of unequal shapes.

    Examples
    --------
    >>> int(overlap([1, 1, 0, 0], [1, 0, 1, 0]))
    1
    """
    first, second = _pair(stored, recalled)
    return np.asarray(np.count_nonzero(first & second, axis=-1), dtype=np.int64)


class BitErrors(NamedTuple):
    """Wrong bits of each recalled pattern; integer arrays of shape () or (n_patterns,)."""

    missing: NDArray[np.int64]
    extra: NDArray[np.int64]


@checked
def bit_errors(stored: BitPatterns, recalled: BitPatterns) -> BitErrors:
    """Count the bits that are missing from, and those that are too many in, what came back.

    Parameters
    ----------
    stored, recalled : array_like of bool (or 0 and 1), shape (n_bits,) or (n_patterns, n_bits)
        What should have come back, and what did.

    Raises
    ------
    DescriptionError
        Not patterns of bits, or of unequal shapes.

    Examples
    --------
    >>> missing, extra = bit_errors([1, 1, 0, 0], [1, 0, 1, 1])
    >>> int(missing), int(extra)
    (1, 2)
    """
    first, second = _pair(stored, recalled)
    return BitErrors(
        missing=np.asarray(np.count_nonzero(first & ~second, axis=-1), dtype=np.int64),
        extra=np.asarray(np.count_nonzero(~first & second, axis=-1), dtype=np.int64),
    )


@checked
def exact_recall(stored: BitPatterns, recalled: BitPatterns) -> float:
    """Fraction of the patterns that came back without a wrong bit, from 0 to 1.

    Parameters
    ----------
    stored, recalled : array_like of bool (or 0 and 1), shape (n_bits,) or (n_patterns, n_bits)
        What should have come back, and what did.

    Raises
    ------
    DescriptionError
        Not patterns of bits, of unequal shapes, or none.

    Examples
    --------
    >>> exact_recall([[1, 0], [0, 1]], [[1, 0], [1, 1]])
    0.5
    """
    first, second = _pair(stored, recalled)
    right = np.all(first == second, axis=-1)
    if not right.size:
        raise DescriptionError("exact_recall: needs at least one pattern, got none.")
    return float(np.mean(right))


@checked
def jaccard(stored: BitPatterns, recalled: BitPatterns) -> NDArray[np.float64]:
    """Bits set in both patterns over bits set in either; 1 where both are empty.

    Parameters
    ----------
    stored, recalled : array_like of bool (or 0 and 1), shape (n_bits,) or (n_patterns, n_bits)
        One may be a single pattern, to be compared with each of the other.

    Raises
    ------
    DescriptionError
        Not patterns of bits, or of unequal shapes.

    Examples
    --------
    >>> float(jaccard([1, 1, 0], [0, 1, 1]).round(3))
    0.333
    """
    first, second = _pair(stored, recalled)
    both = np.count_nonzero(first & second, axis=-1)
    either = np.asarray(np.count_nonzero(first | second, axis=-1))
    return np.asarray(np.where(either == 0, 1.0, both / np.maximum(either, 1)), dtype=np.float64)


@checked
def binary_entropy(p: Annotated[ArrayLike, Quantities(low=0.0, high=1.0)]) -> NDArray[np.float64]:
    """Entropy of a bit that is set with probability `p`, in bits; 0 for p = 0 and p = 1.

    Raises
    ------
    DescriptionError
        A probability that is not from 0 to 1.

    Examples
    --------
    >>> float(binary_entropy(0.5))
    1.0
    """
    chance = np.asarray(p)
    return np.asarray(_plogp(chance) + _plogp(1.0 - chance), dtype=np.float64)


@checked
def pattern_information(
    n_bits: Annotated[int, Count()], n_active: Annotated[int, Count(low=0)] | None = None
) -> float:
    """Information of one random pattern, in bits.

    Parameters
    ----------
    n_bits : int
        Length of the pattern.
    n_active : int, optional
        If every pattern has just so many bits set: log2 of the number of such patterns.
        Default: any pattern, each equally likely.

    Raises
    ------
    DescriptionError
        Not integers, or `n_active` above `n_bits`.

    Examples
    --------
    >>> pattern_information(4), round(pattern_information(4, 2), 3)
    (4.0, 2.585)
    """
    if n_active is None:
        return float(n_bits)
    if n_active > n_bits:
        raise DescriptionError(
            f"pattern_information: n_active must be at most n_bits={n_bits}, got {n_active}."
        )
    few = min(n_active, n_bits - n_active)
    if few > _MANY:
        logarithms = math.lgamma(n_bits + 1), math.lgamma(few + 1), math.lgamma(n_bits - few + 1)
        return (logarithms[0] - logarithms[1] - logarithms[2]) / math.log(2)
    # The sum of logarithms, since the number itself leaves the range of floats at 1000 bits.
    numbers = np.arange(1, few + 1)
    return float(np.sum(np.log2((n_bits - few + numbers) / numbers)))


@checked
def information(stored: BitPatterns, recalled: BitPatterns) -> float:
    """Information that the recalled patterns give on the stored ones, in bits, over all patterns.

    Each bit counts as one use of a binary channel whose two error rates are those of this set:
    the mutual information of a stored and a recalled bit, times the number of bits.

    Parameters
    ----------
    stored, recalled : array_like of bool (or 0 and 1), shape (n_bits,) or (n_patterns, n_bits)
        What should have come back, and what did.

    Raises
    ------
    DescriptionError
        Not patterns of bits, or of unequal shapes.

    References
    ----------
    A. Knoblauch, G. Palm, F. T. Sommer, "Memory capacities for synaptic and structural
    plasticity", Neural Computation 22, 289-341 (2010).

    Examples
    --------
    >>> information([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    4.0
    """
    first, second = _pair(stored, recalled)
    first, second = np.broadcast_arrays(first, second)
    if not first.size:
        return 0.0
    joint = np.bincount((2 * first + second).ravel(), minlength=4).reshape(2, 2) / first.size
    apart = _plogp(joint.sum(axis=0)).sum() + _plogp(joint.sum(axis=1)).sum()
    return max(float((apart - _plogp(joint).sum()) * first.size), 0.0)


@checked
def information_per_synapse(
    stored: BitPatterns, recalled: BitPatterns, n_synapses: Annotated[int, Count(high=2**63 - 1)]
) -> float:
    """Divide :func:`information` by the number of synapses that hold the patterns.

    Parameters
    ----------
    stored, recalled : array_like of bool (or 0 and 1), shape (n_bits,) or (n_patterns, n_bits)
        What should have come back, and what did.
    n_synapses : int
        Plastic synapses of the memory.

    Raises
    ------
    DescriptionError
        Not patterns of bits, of unequal shapes, or `n_synapses` below 1.

    Examples
    --------
    >>> information_per_synapse([[1, 0], [0, 1]], [[1, 0], [0, 1]], n_synapses=8)
    0.5
    """
    return information(stored, recalled) / n_synapses


class Divergence(NamedTuple):
    """The first spike that only one of two recordings has."""

    time: float
    """ms."""
    population: str
    cell: int
    only_in: str
    """ "a" or "b"."""


class Comparison(NamedTuple):
    """What :func:`compare` finds."""

    same: bool
    """Every spike of one is in the other."""
    first: Divergence | None
    """Where they part, None if nowhere."""
    counts: dict[str, tuple[int, int]]
    """Number of spikes of each population in both."""
    coincident: dict[str, int]
    """Of each population, the spikes that both have."""
    coincidence: float
    """Spikes that both have over their mean number, 0 to 1 (1 where there are none)."""

    def __str__(self) -> str:
        if self.first is None:
            total = sum(pair[0] for pair in self.counts.values())
            return f"same spikes ({total})"
        where = self.first
        a, b = np.sum(list(self.counts.values()), axis=0)
        return (
            f"{self.coincidence:.1%} coincident ({a} and {b} spikes); they part at "
            f"{where.time:g} ms: {where.population}[{where.cell}] fires only in {where.only_in}"
        )


@checked
def compare(
    a: Recording,
    b: Recording,
    *,
    tolerance: Annotated[float, Quantity("ms", low=0.0)] = 1e-6,
) -> Comparison:
    """Compare the spikes of two recordings of the same populations.

    Parameters
    ----------
    a, b : Recording
        For instance from two backends.
    tolerance : float
        Two spikes of one cell are the same if they are at most so far apart, ms. Spikes are
        paired in order of time, each with one other at most.

    Raises
    ------
    DescriptionError
        Not recordings, or not of the same populations.

    Examples
    --------
    >>> a = Recording(spikes={"CA3": SpikeTrains(ids=[0, 1], times=[1.0, 2.0], size=2)})
    >>> b = Recording(spikes={"CA3": SpikeTrains(ids=[0, 1], times=[1.0, 3.0], size=2)})
    >>> print(compare(a, b))
    50.0% coincident (2 and 2 spikes); they part at 2 ms: CA3[1] fires only in a
    """
    _check_comparable(a, b)
    counts, coincident, partings = {}, {}, []
    for name, trains in a.spikes.items():
        other = b.spikes[name]
        only_a, only_b = _unpaired(trains, other, tolerance)
        counts[name] = len(trains), len(other)
        coincident[name] = len(trains) - int(np.count_nonzero(only_a))
        for side, part, alone in (("a", trains, only_a), ("b", other, only_b)):
            for k in np.flatnonzero(alone)[:1]:
                partings.append(Divergence(float(part.times[k]), name, int(part.ids[k]), side))
    total = sum(pair[0] + pair[1] for pair in counts.values())
    return Comparison(
        same=not partings,
        first=min(partings, default=None),
        counts=counts,
        coincident=coincident,
        coincidence=2 * sum(coincident.values()) / total if total else 1.0,
    )


def _check_comparable(a: Any, b: Any) -> None:
    for name in sorted(a.spikes.keys() ^ b.spikes.keys()):
        have = b.spikes if name in a.spikes else a.spikes
        text = unknown_name("population of both", name, have)
        raise DescriptionError(f"compare: {text}")
    for name, trains in a.spikes.items():
        if trains.size != b.spikes[name].size:
            raise DescriptionError(
                f"compare: population {name!r} has {trains.size} cells in a and "
                f"{b.spikes[name].size} in b."
            )


def _unpaired(
    a: SpikeTrains, b: SpikeTrains, margin: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each spike of `a` and of `b` whether it has no partner; greedy, cell by cell."""
    alone_a, alone_b = np.ones(len(a), dtype=np.bool_), np.ones(len(b), dtype=np.bool_)
    order_a, order_b = np.lexsort((a.times, a.ids)), np.lexsort((b.times, b.ids))
    cells_a, cells_b = a.ids[order_a].tolist(), b.ids[order_b].tolist()
    times_a, times_b = a.times[order_a].tolist(), b.times[order_b].tolist()
    m = n = 0
    while m < len(times_a) and n < len(times_b):
        if cells_a[m] == cells_b[n] and abs(times_a[m] - times_b[n]) <= margin:
            alone_a[order_a[m]] = alone_b[order_b[n]] = False
            m, n = m + 1, n + 1
        elif (cells_a[m], times_a[m]) < (cells_b[n], times_b[n]):
            m += 1
        else:
            n += 1
    return alone_a, alone_b


def _pair(stored: BitPatterns, recalled: BitPatterns) -> tuple[Patterns, Patterns]:
    first, second = np.asarray(stored, np.bool_), np.asarray(recalled, np.bool_)
    equal = first.shape == second.shape
    one_to_many = first.shape[-1] == second.shape[-1] and 1 in (first.ndim, second.ndim)
    if not (equal or one_to_many):
        raise DescriptionError(
            f"stored and recalled must have equal shapes, or one be a single pattern; got "
            f"{first.shape} and {second.shape}."
        )
    return first, second


def bits(values: Any, where: str) -> Patterns:
    """Convert one pattern, or several, to bool; `where` begins the message.

    Raises
    ------
    DescriptionError
        Not bool or 0 and 1, or not of shape (n_bits,) or (n_patterns, n_bits).
    """
    array = _numbers(values, Text().check(where, "where"))
    if array.ndim not in (1, 2):
        raise DescriptionError(
            f"{where} must have shape (n_bits,) or (n_patterns, n_bits), got {array.shape}."
        )
    if not np.all((array == 0) | (array == 1)):
        raise DescriptionError(f"{where} must be bool, or 0 and 1, got {shown(values)}.")
    return array.astype(np.bool_)


def _numbers(values: Any, where: str) -> NDArray[np.float64]:
    values = in_unit(values, "1", where)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise DescriptionError(f"{where} must be numbers, got {shown(values)}.")
    return array.astype(np.float64)


def _plogp(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -p log2 p, with 0 for p = 0 (and never -0)."""
    inside = np.where(p > 0, p, 1.0)
    return np.asarray(np.abs(p * np.log2(inside)), dtype=np.float64)
