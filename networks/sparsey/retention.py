"""How much a hierarchy holds, and what is left of an item after many later ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

from ...checks import AnyValue, Count, Probability, checked
from ...codes import Patterns, swap_bits
from ...errors import DescriptionError, shown
from ...progress import Progress, progress_callback
from ...streams import Seed, stream
from .model import Sparsey
from .results import Codes

__all__ = [
    "Capacity",
    "Recall",
    "Retention",
    "capacity",
    "n_weights",
    "random_sequences",
    "recall",
    "retention",
]

Item = list[NDArray[np.int64]]

_KINDS: tuple[Literal["bottom_up", "horizontal", "top_down"], ...] = (
    *("bottom_up", "horizontal", "top_down"),
)
_Level = Annotated[int, Count(low=-(2**31))]


class Recall(NamedTuple):
    """How much of what was stored is retrieved.

    Attributes
    ----------
    n_items : int
        Items stored: patterns, or sequences of patterns.
    units : float
        Fraction of the winners that are those of learning.
    frames : float
        Fraction of the frames of which every winner is right.
    items : float
        Fraction of the items of which every winner of every frame is right.
    familiarity : float
        Mean G of the frames.
    bits : float
        Information in the stored frames, bits: ``log2 C(n_inputs, n_active)`` for each.
    bits_per_synapse : float
        ``bits * frames / n_weights``: the frames that are retrieved without any error count.
    """

    n_items: int
    units: float
    frames: float
    items: float
    familiarity: float
    bits: float
    bits_per_synapse: float


class Retention(NamedTuple):
    """What is left of each item while others are stored after it.

    Attributes
    ----------
    stored : int64, shape (n_points,)
        Number of items stored when the memory was tested.
    units : float64, shape (n_points, n_items)
        Fraction of each item's winners that are those of learning; NaN for items that were not yet
        stored.
    """

    stored: NDArray[np.int64]
    units: NDArray[np.float64]

    def by_age(self, edges: Sequence[int]) -> NDArray[np.float64]:
        """Mean recall against the number of later items, between each two edges.

        Parameters
        ----------
        edges : sequence of int
            Limits of the number of later items; each bin includes its lower edge.

        Returns
        -------
        float64, shape (n_edges - 1,)
            NaN where there is no item.

        Raises
        ------
        DescriptionError
            Fewer than two edges, or edges that do not rise.
        """
        try:
            limits = np.asarray(edges, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            limits = np.zeros(0)
        if limits.ndim != 1 or limits.size < 2 or not (np.diff(limits) > 0).all():
            raise DescriptionError(
                f"Retention.by_age: edges must be two or more rising numbers, got {shown(edges)}."
            )
        age = self.stored[:, None] - 1.0 - np.arange(self.units.shape[1])[None, :]
        there = np.isfinite(self.units)
        place = np.digitize(age[there], limits) - 1
        inside = (place >= 0) & (place < limits.size - 1)
        n = limits.size - 1
        counts = np.bincount(place[inside], minlength=n)
        total = np.bincount(place[inside], weights=self.units[there][inside], minlength=n)
        return np.divide(total, counts, out=np.full(n, np.nan), where=counts > 0)


class Capacity(NamedTuple):
    """Number of items that a hierarchy holds.

    Attributes
    ----------
    n_items : int
        Largest number of stored items at which `criterion` was still met, between two tested
        numbers by linear interpolation.
    reached : bool
        Whether recall fell below the criterion; False: all items were held, and more may be.
    points : tuple of Recall
        The tests, in the order in which items were stored.
    bits_per_synapse : float
        Largest of the tests that met the criterion; 0 if there is none.
    """

    n_items: int
    reached: bool
    points: tuple[Recall, ...]
    bits_per_synapse: float


@checked
def n_weights(model: Sparsey) -> int:
    """Return the number of synapses of a hierarchy, without its class weights.

    A competitive module gets no horizontal synapses from its own cells.

    Examples
    --------
    Rinkus' first capacity study: 144 pixels, one mac of Q = 9 and K = 16.

    >>> from spikemem.networks.sparsey import Level
    >>> n_weights(Sparsey((12, 12), [Level(n_modules=9, cells_per_module=16, horizontal_radius=0)]))
    39168
    """
    total = 0
    for k, level in enumerate(model.levels):
        own = level.cells_per_module if level.horizontal_radius is not None else 0
        for mac in range(level.n_macs):
            counts = [model.afferents(k, mac, kind).size for kind in _KINDS]
            total += level.cells_per_mac * (sum(counts) - own)
    return total


@checked
def random_sequences(
    n: Annotated[int, Count()],
    *,
    length: Annotated[int, Count()] = 10,
    size: Annotated[int, Count()] = 144,
    least: Annotated[int, Count()] = 9,
    most: Annotated[int, Count()] = 12,
    seed: Seed = 0,
) -> list[Patterns]:
    """Draw random sequences of frames, as in the capacity studies of a single mac.

    Parameters
    ----------
    n, length : int
        Sequences, and frames of each.
    size : int
        Inputs.
    least, most : int
        Smallest and largest number of active inputs of a frame, drawn evenly.
    seed : int or numpy.random.Generator
        For the frames.

    Raises
    ------
    DescriptionError
        `most` is above `size` or below `least`.

    Examples
    --------
    >>> first, second = random_sequences(2, length=3, size=20, least=2, most=2, seed=1)
    >>> len(first), first.counts.tolist()
    (3, [2, 2, 2])
    """
    if not least <= most <= size:
        raise DescriptionError(
            f"random_sequences: least={least}, most={most} and size={size} must rise in this order."
        )
    rng = stream(seed, "sparsey", "sequences")
    return [
        Patterns(
            [
                np.sort(rng.choice(size, size=int(rng.integers(least, most + 1)), replace=False))
                for _ in range(length)
            ],
            size=size,
        )
        for _ in range(n)
    ]


def _to_sequences(items: Any, where: str) -> list[Patterns]:
    """Items as sequences of patterns: each pattern of Patterns is a sequence of one frame."""
    if isinstance(items, Patterns):
        return [items[k : k + 1] for k in range(len(items))]
    fits = isinstance(items, list | tuple) and all(isinstance(item, Patterns) for item in items)
    if not fits or not items or len({item.size for item in items}) > 1:
        raise DescriptionError(
            f"{where}: items must be Patterns, or a list of Patterns of one size, got "
            f"{shown(items)}."
        )
    return list(items)


def _noisy(sequences: list[Patterns], noise: int, seed: Seed) -> list[Patterns]:
    if not noise:
        return sequences
    rng = stream(seed, "sparsey", "noise")
    return [swap_bits(sequence, noise, seed=rng) for sequence in sequences]


@checked
def recall(
    model: Sparsey,
    items: Annotated[Any, AnyValue()],
    learnt: Codes,
    *,
    noise: Annotated[int, Count(low=0)] = 0,
    level: _Level = -1,
    seed: Seed = 0,
) -> Recall:
    """Test how much of what was stored is retrieved from the same inputs, or from noisy ones.

    Parameters
    ----------
    model : Sparsey
        A hierarchy that has learnt the items; it is as before.
    items : Patterns, or list of Patterns
        Patterns, or sequences of patterns.
    learnt : Codes
        What ``model.learn(items)`` returned.
    noise : int
        Active inputs of each frame that are swapped for others.
    level : int
        Level whose codes are compared.
    seed : int or numpy.random.Generator
        For the noise.

    Raises
    ------
    DescriptionError
        Other items, codes of other items, or no such level.
    """
    sequences = _to_sequences(items, "recall")
    if len(learnt) != len(sequences) or learnt.n_frames != sum(map(len, sequences)):
        raise DescriptionError(
            f"recall: learnt must be the codes of the {len(sequences)} items, got {learnt}."
        )
    found = model.retrieve(_noisy(sequences, noise, seed))
    return _measure(model, sequences, learnt, found, level)


def _measure(
    model: Sparsey, sequences: list[Patterns], learnt: Codes, found: Codes, level: int
) -> Recall:
    right = found.agreement(learnt, level)
    exact = right == 1.0
    whole = np.logical_and.reduceat(exact, learnt.starts[:-1])
    bits = sum(float(_information(item.size, item.counts).sum()) for item in sequences)
    share = float(exact.mean())
    return Recall(
        len(sequences),
        float(right.mean()),
        share,
        float(whole.mean()),
        float(found.mean_familiarity(level).mean()),
        bits,
        bits * share / n_weights(model),
    )


def _information(size: int, active: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits that say which of all patterns of this many active inputs it is."""
    log = scipy.special.gammaln
    nats = log(size + 1.0) - log(active + 1.0) - log(size - active + 1.0)
    return np.asarray(nats / math.log(2.0))


@checked
def retention(
    model: Sparsey,
    items: Annotated[Any, AnyValue()],
    *,
    tests: Annotated[int, Count(high=10_000)] = 10,
    noise: Annotated[int, Count(low=0)] = 0,
    level: _Level = -1,
    seed: Seed = 0,
    progress: Progress = False,
) -> Retention:
    """Store items one after another, and test all of them again and again.

    Parameters
    ----------
    model : Sparsey
        A hierarchy; a copy of it learns, and it is as before.
    items : Patterns, or list of Patterns
        Patterns, or sequences of patterns, in the order in which they are stored.
    tests : int
        Number of tests, evenly spaced.
    noise : int
        Active inputs of each frame that are swapped for others in the tests.
    level : int
        Level whose codes are compared.
    seed : int or numpy.random.Generator
        For the noise.
    progress : bool or callable
        Whether to show a bar, or a function of the fraction done.

    Raises
    ------
    DescriptionError
        Other items, or no such level.
    """
    sequences = _to_sequences(items, "retention")
    stops = np.unique(np.linspace(0, len(sequences), min(tests, len(sequences)) + 1).astype(int))
    units = np.full((stops.size - 1, len(sequences)), np.nan)
    for k, (stored, learnt, found) in enumerate(
        _stages(model, sequences, stops.tolist(), noise, seed, progress)
    ):
        right = found.agreement(learnt, level)
        starts = learnt.starts
        units[k, :stored] = np.add.reduceat(right, starts[:-1]) / np.diff(starts)
    return Retention(stops[1:].astype(np.int64), units)


def _stages(
    model: Sparsey,
    sequences: list[Patterns],
    stops: list[int],
    noise: int,
    seed: Seed,
    progress: Any,
) -> Any:
    """After each stage of storing: number stored, codes of learning and of retrieval."""
    own = copy.deepcopy(model)
    shown_again = _noisy(sequences, noise, seed)
    parts: list[Codes] = []
    with progress_callback(progress, "storing") as report:
        for first, last in zip(stops, stops[1:], strict=False):
            parts.append(own.learn(sequences[first:last]))
            learnt = joined(parts)
            yield last, learnt, own.retrieve(shown_again[:last])
            report(last / len(sequences))


def joined(parts: Sequence[Codes]) -> Codes:
    """The codes of several calls as those of one."""
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    tables = [
        tuple(np.concatenate(arrays) for arrays in zip(*rows, strict=True))
        for rows in (
            [part.winners for part in parts],
            [part.familiarity for part in parts],
            [part.hypotheses for part in parts],
            [part.evidence for part in parts],
        )
    ]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    arrays: Any = tables
    return Codes(starts, *arrays, parts[0].cells_per_module)


@checked
def capacity(
    model: Sparsey,
    items: Annotated[Any, AnyValue()],
    *,
    criterion: Annotated[float, Probability()] = 0.9,
    tests: Annotated[int, Count(high=10_000)] = 20,
    noise: Annotated[int, Count(low=0)] = 0,
    level: _Level = -1,
    seed: Seed = 0,
    progress: Progress = False,
) -> Capacity:
    """Store items until the mean fraction of right winners falls below a criterion.

    Parameters
    ----------
    model : Sparsey
        A hierarchy; a copy of it learns, and it is as before.
    items : Patterns, or list of Patterns
        Patterns, or sequences of patterns, in the order in which they are stored.
    criterion : float
        Smallest mean fraction of right winners.
    tests : int
        Number of tests, evenly spaced; the search ends at the first below the criterion.
    noise, level, seed, progress
        As for :func:`retention`.

    Raises
    ------
    DescriptionError
        Other items, or no such level.
    """
    sequences = _to_sequences(items, "capacity")
    stops = np.unique(np.linspace(0, len(sequences), min(tests, len(sequences)) + 1).astype(int))
    points: list[Recall] = []
    for stored, learnt, found in _stages(model, sequences, stops.tolist(), noise, seed, progress):
        points.append(_measure(model, sequences[:stored], learnt, found, level))
        if points[-1].units < criterion:
            break
    kept = [point for point in points if point.units >= criterion]
    failed = len(kept) < len(points)
    return Capacity(
        _crossing(points, criterion) if failed else points[-1].n_items,
        failed,
        tuple(points),
        max((point.bits_per_synapse for point in kept), default=0.0),
    )


def _crossing(points: list[Recall], criterion: float) -> int:
    """Items at which recall crosses the criterion, in the last step; an empty memory recalls all."""
    after = points[-1]
    n, units = (points[-2].n_items, points[-2].units) if len(points) > 1 else (0, 1.0)
    if units <= criterion:
        return n
    part = (units - criterion) / (units - after.units)
    return int(n + part * (after.n_items - n))
