"""Measures of recall quality, of stored information, and of the agreement of two recordings."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import Count, Quantities, Quantity, checked
from .errors import DescriptionError, unknown_name
from .pairing import BitPatterns, paired
from .pairing import bits as bits
from .recording import Recording, SpikeTrains

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

_MANY = 10**6


@checked
def overlap(stored: BitPatterns, recalled: BitPatterns) -> NDArray[np.int64]:
    """Count the bits that are set in both patterns.

    Parameters
    ----------
    stored, recalled : Patterns, set, list of sets, or array_like of bool (or 0 and 1)
        One pattern or several; arrays have shape (n_bits,) or (n_patterns, n_bits). A
        :class:`~spikemem.Recall` is a set. A single pattern is compared with each of the others.
        If one argument is :class:`~spikemem.Patterns`, lists in the other are read as indices.

    Returns
    -------
    ndarray of int, shape () or (n_patterns,)

    Raises
    ------
    DescriptionError
        If they are not patterns of bits, or differ in number or size.

    Examples
    --------
    >>> int(overlap([1, 1, 0, 0], [1, 0, 1, 0]))
    1
    >>> overlap([{0, 1}, {7}], [{0, 1}, {8}]).tolist()
    [2, 0]
    """
    pair = paired("overlap", stored, recalled)
    return pair.each(pair.shared)


class BitErrors(NamedTuple):
    """Wrong bits of each recalled pattern; integer arrays of shape () or (n_patterns,)."""

    missing: NDArray[np.int64]
    extra: NDArray[np.int64]


@checked
def bit_errors(stored: BitPatterns, recalled: BitPatterns) -> BitErrors:
    """Count the missing bits and the extra bits of recalled patterns.

    Parameters
    ----------
    stored, recalled : Patterns, set, list of sets, or array_like of bool (or 0 and 1)
        Patterns that should be recalled, and patterns that were; as for :func:`overlap`.

    Raises
    ------
    DescriptionError
        If they are not patterns of bits, or differ in number or size.

    Examples
    --------
    >>> missing, extra = bit_errors([1, 1, 0, 0], [1, 0, 1, 1])
    >>> int(missing), int(extra)
    (1, 2)
    """
    pair = paired("bit_errors", stored, recalled)
    return BitErrors(
        missing=pair.each(pair.first.counts - pair.shared),
        extra=pair.each(pair.second.counts - pair.shared),
    )


@checked
def exact_recall(stored: BitPatterns, recalled: BitPatterns) -> float:
    """Return the fraction of patterns that were recalled without a wrong bit, from 0 to 1.

    Parameters
    ----------
    stored, recalled : Patterns, set, list of sets, or array_like of bool (or 0 and 1)
        Patterns that should be recalled, and patterns that were; as for :func:`overlap`.

    Raises
    ------
    DescriptionError
        If they are not patterns of bits, differ in number or size, or there are none.

    Examples
    --------
    >>> exact_recall([[1, 0], [0, 1]], [[1, 0], [1, 1]])
    0.5
    """
    pair = paired("exact_recall", stored, recalled)
    if not len(pair.first):
        raise DescriptionError("exact_recall: stored must have at least one pattern, got none.")
    wrong = pair.first.counts + pair.second.counts - 2 * pair.shared
    return float(np.mean(wrong == 0))


@checked
def jaccard(stored: BitPatterns, recalled: BitPatterns) -> NDArray[np.float64]:
    """Return the Jaccard index: bits set in both over bits set in either; 1 if both are empty.

    Parameters
    ----------
    stored, recalled : Patterns, set, list of sets, or array_like of bool (or 0 and 1)
        One pattern or several; arrays have shape (n_bits,) or (n_patterns, n_bits). A
        :class:`~spikemem.Recall` is a set. A single pattern is compared with each of the others.
        If one argument is :class:`~spikemem.Patterns`, lists in the other are read as indices.

    Raises
    ------
    DescriptionError
        If they are not patterns of bits, or differ in number or size.

    Examples
    --------
    >>> float(jaccard([1, 1, 0], [0, 1, 1]).round(3))
    0.333
    """
    pair = paired("jaccard", stored, recalled)
    either = pair.first.counts + pair.second.counts - pair.shared
    index = np.where(either == 0, 1.0, pair.shared / np.maximum(either, 1))
    return index if pair.several else index.reshape(())


@checked
def binary_entropy(p: Annotated[ArrayLike, Quantities(low=0.0, high=1.0)]) -> NDArray[np.float64]:
    """Return the entropy of a bit that is set with probability `p`, in bits; 0 for p = 0 or 1.

    Raises
    ------
    DescriptionError
        If a probability is not from 0 to 1.

    Examples
    --------
    >>> float(binary_entropy(0.5))
    1.0
    """
    probability = np.asarray(p)
    return np.asarray(_plogp(probability) + _plogp(1.0 - probability), dtype=np.float64)


@checked
def pattern_information(
    n_bits: Annotated[int, Count()], n_active: Annotated[int, Count(low=0)] | None = None
) -> float:
    """Return the information of one random pattern, in bits.

    Parameters
    ----------
    n_bits : int
        Length of the pattern.
    n_active : int, optional
        Number of bits that are set in every pattern; the information is then log2 of the number
        of such patterns. Default: all patterns are equally likely.

    Raises
    ------
    DescriptionError
        If an argument is not an integer, or `n_active` is above `n_bits`.

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
    # Logarithms are summed, because the number itself exceeds the range of floats at 1000 bits.
    numbers = np.arange(1, few + 1)
    return float(np.sum(np.log2((n_bits - few + numbers) / numbers)))


@checked
def information(stored: BitPatterns, recalled: BitPatterns) -> float:
    """Return the information that recalled patterns carry about the stored ones, in bits.

    Each bit counts as one use of a binary channel whose two error rates are those of this set of
    patterns. The result is the mutual information of a stored and a recalled bit, times the number
    of bits of all patterns.

    Parameters
    ----------
    stored, recalled : Patterns, set, list of sets, or array_like of bool (or 0 and 1)
        Patterns that should be recalled, and patterns that were; as for :func:`overlap`.

    Raises
    ------
    DescriptionError
        If they are not patterns of bits, differ in number or size, or their number of bits is
        unknown. Sets do not tell it; :class:`~spikemem.Patterns` do.

    References
    ----------
    A. Knoblauch, G. Palm, F. T. Sommer, "Memory capacities for synaptic and structural
    plasticity", Neural Computation 22, 289-341 (2010).

    Examples
    --------
    >>> information([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    4.0
    >>> from spikemem import Patterns
    >>> information(Patterns([{0}, {1}], size=2), [{0}, {1}])
    4.0
    """
    pair = paired("information", stored, recalled)
    if not pair.sized:
        raise DescriptionError(
            "information: the number of bits is unknown, because sets do not tell it; pass stored "
            "as Patterns(stored, size=...)."
        )
    n_bits = len(pair.first) * pair.first.size
    if not n_bits:
        return 0.0
    both = int(pair.shared.sum())
    missing, extra = pair.first.indices.size - both, pair.second.indices.size - both
    return channel_information(n_bits, both, missing, extra)


def channel_information(n_bits: int, right: int, missing: int, extra: int) -> float:
    """Information of `n_bits` uses of a binary channel, in bits, from counts of its outcomes."""
    silent = n_bits - right - missing - extra
    joint = np.array([[silent, extra], [missing, right]]) / n_bits
    apart = _plogp(joint.sum(axis=0)).sum() + _plogp(joint.sum(axis=1)).sum()
    return max(float((apart - _plogp(joint).sum()) * n_bits), 0.0)


@checked
def information_per_synapse(
    stored: BitPatterns, recalled: BitPatterns, n_synapses: Annotated[int, Count(high=2**63 - 1)]
) -> float:
    """Divide :func:`information` by the number of synapses that hold the patterns.

    Parameters
    ----------
    stored, recalled : Patterns, set, list of sets, or array_like of bool (or 0 and 1)
        Patterns that should be recalled, and patterns that were; as for :func:`overlap`.
    n_synapses : int
        Number of plastic synapses of the memory.

    Raises
    ------
    DescriptionError
        As for :func:`information`, or if `n_synapses` is below 1.

    Examples
    --------
    >>> information_per_synapse([[1, 0], [0, 1]], [[1, 0], [0, 1]], n_synapses=8)
    0.5
    """
    return information(stored, recalled) / n_synapses


class Divergence(NamedTuple):
    """The first spike that only one of two recordings has."""

    time: float
    """Time of the spike, ms."""
    population: str
    cell: int
    only_in: str
    """The recording that has the spike: "a" or "b"."""


class Comparison(NamedTuple):
    """Result of :func:`compare`."""

    same: bool
    """Whether both recordings have the same spikes."""
    first: Divergence | None
    """The first difference, or None if there is none."""
    counts: dict[str, tuple[int, int]]
    """Number of spikes of each population in the two recordings."""
    coincident: dict[str, int]
    """Number of spikes of each population that both recordings have."""
    coincidence: float
    """Spikes that both have, over their mean number; 0 to 1 (1 if there are no spikes)."""

    def __str__(self) -> str:
        if self.first is None:
            total = sum(pair[0] for pair in self.counts.values())
            return f"same spikes ({total})"
        where = self.first
        a, b = np.sum(list(self.counts.values()), axis=0)
        return (
            f"{self.coincidence:.1%} coincident ({a} and {b} spikes); the first difference is at "
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
        Recordings to compare, for instance from two backends.
    tolerance : float
        Largest time difference of two spikes that count as the same spike of a cell, ms. Spikes
        are paired in order of time, each with at most one other.

    Raises
    ------
    DescriptionError
        If they are not recordings of the same populations.

    Examples
    --------
    >>> a = Recording(spikes={"CA3": SpikeTrains(ids=[0, 1], times=[1.0, 2.0], size=2)})
    >>> b = Recording(spikes={"CA3": SpikeTrains(ids=[0, 1], times=[1.0, 3.0], size=2)})
    >>> print(compare(a, b))
    50.0% coincident (2 and 2 spikes); the first difference is at 2 ms: CA3[1] fires only in a
    """
    _check_comparable(a, b)
    counts, coincident, differences = {}, {}, []
    for name, trains in a.spikes.items():
        other = b.spikes[name]
        only_a, only_b = _unpaired(trains, other, tolerance)
        counts[name] = len(trains), len(other)
        coincident[name] = len(trains) - int(np.count_nonzero(only_a))
        for side, part, alone in (("a", trains, only_a), ("b", other, only_b)):
            for k in np.flatnonzero(alone)[:1]:
                differences.append(Divergence(float(part.times[k]), name, int(part.ids[k]), side))
    total = sum(pair[0] + pair[1] for pair in counts.values())
    return Comparison(
        same=not differences,
        first=min(differences, default=None),
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
    """Mark the spikes of `a` and `b` that have no partner; pairing is greedy, cell by cell."""
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


def _plogp(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -p log2 p, with 0 for p = 0 (and never -0)."""
    inside = np.where(p > 0, p, 1.0)
    return np.asarray(np.abs(p * np.log2(inside)), dtype=np.float64)
