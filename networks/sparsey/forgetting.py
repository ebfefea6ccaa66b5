"""How much a hierarchy holds, and what is left of an item after many later ones."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, Probability, checked
from ...codes import Patterns
from ...errors import DescriptionError, shown
from ...progress import Progress, progress_callback
from ...streams import Seed
from .model import Sparsey
from .recalling import Recall, measure_recall, noisy, to_sequences
from .results import Codes

__all__ = ["Capacity", "Retention", "capacity", "joined", "retention"]

_Level = Annotated[int, Count(low=-(2**31))]


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
        return np.asarray(np.divide(total, counts, out=np.full(n, np.nan), where=counts > 0))


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
    sequences = to_sequences(items, "retention")
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
) -> Iterator[tuple[int, Codes, Codes]]:
    """After each stage of storing: number stored, codes of learning and of retrieval."""
    own = copy.deepcopy(model)
    shown_again = noisy(sequences, noise, seed)
    parts: list[Codes] = []
    with progress_callback(progress, "storing") as report:
        for first, last in itertools.pairwise(stops):
            parts.append(own.learn(sequences[first:last]))
            learnt = joined(parts)
            yield last, learnt, own.retrieve(shown_again[:last])
            report(last / len(sequences))


def joined(parts: Sequence[Codes]) -> Codes:
    """The codes of several calls as those of one."""
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def table(name: str) -> tuple[Any, ...]:
        levels = range(parts[0].n_levels)
        return tuple(np.concatenate([getattr(part, name)[k] for part in parts]) for k in levels)

    return Codes(
        starts, table("winners"), table("familiarity"), table("hypotheses"), table("evidence"),
        parts[0].cells_per_module,
    )  # fmt: skip


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
    sequences = to_sequences(items, "capacity")
    stops = np.unique(np.linspace(0, len(sequences), min(tests, len(sequences)) + 1).astype(int))
    points: list[Recall] = []
    for stored, learnt, found in _stages(model, sequences, stops.tolist(), noise, seed, progress):
        points.append(measure_recall(model, sequences[:stored], learnt, found, level))
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
    """Items at which recall crosses the criterion; an empty memory recalls everything."""
    after = points[-1]
    n, units = (points[-2].n_items, points[-2].units) if len(points) > 1 else (0, 1.0)
    if units <= criterion:
        return n
    part = (units - criterion) / (units - after.units)
    return int(n + part * (after.n_items - n))
