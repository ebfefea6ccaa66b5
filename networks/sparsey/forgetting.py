"""Measures the capacity of a hierarchy, and the retention of items while others are stored."""

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
    """Retrieval of each item while other items are stored after it.

    Attributes
    ----------
    stored : int64, shape (n_points,)
        Number of items stored at each test.
    units : float64, shape (n_points, n_items)
        Fraction of each item's winners that equal those of learning; NaN before the item is
        stored.
    """

    stored: NDArray[np.int64]
    units: NDArray[np.float64]

    def by_age(self, edges: Sequence[int]) -> NDArray[np.float64]:
        """Return the mean recall in bins of the number of later items.

        Parameters
        ----------
        edges : sequence of int
            Edges of the bins of the number of later items; each bin includes its lower edge.

        Returns
        -------
        float64, shape (n_edges - 1,)
            Mean recall; NaN for bins without items.

        Raises
        ------
        DescriptionError
            If there are fewer than two edges, or they do not increase.
        """
        try:
            limits = np.asarray(edges, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            limits = np.zeros(0)
        if limits.ndim != 1 or limits.size < 2 or not (np.diff(limits) > 0).all():
            raise DescriptionError(
                f"Retention.by_age: edges must be 2 or more increasing numbers, got {shown(edges)}."
            )
        age = self.stored[:, None] - 1.0 - np.arange(self.units.shape[1])[None, :]
        is_stored = np.isfinite(self.units)
        bin_index = np.digitize(age[is_stored], limits) - 1
        inside = (bin_index >= 0) & (bin_index < limits.size - 1)
        n = limits.size - 1
        counts = np.bincount(bin_index[inside], minlength=n)
        total = np.bincount(bin_index[inside], weights=self.units[is_stored][inside], minlength=n)
        return np.asarray(np.divide(total, counts, out=np.full(n, np.nan), where=counts > 0))


class Capacity(NamedTuple):
    """Number of items that a hierarchy can hold.

    Attributes
    ----------
    n_items : int
        Largest number of stored items at which recall meets the criterion, by linear interpolation
        between tests.
    reached : bool
        Whether recall fell below the criterion. If False, the hierarchy holds all items, and may
        hold more.
    points : tuple of Recall
        Results of the tests, in order.
    bits_per_synapse : float
        Largest value of the tests that met the criterion; 0 if none did.
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
    """Store items one after another, and repeatedly test all stored items.

    Parameters
    ----------
    model : Sparsey
        Hierarchy; a copy of it learns, and it is unchanged.
    items : Patterns, or list of Patterns
        Patterns, or sequences of patterns, in the order of storage.
    tests : int
        Number of tests, evenly spaced.
    noise : int
        Number of active inputs of each frame that are swapped for others in the tests.
    level : int
        Level whose codes are compared.
    seed : int or numpy.random.Generator
        Seed of the noise.
    progress : bool or callable
        As for :func:`spikemem.simulate`.

    Raises
    ------
    DescriptionError
        If the items are not valid, or the level does not exist.
    """
    sequences = to_sequences(items, "retention")
    counts, rows = [], []
    for stored, learnt, retrieved in _stages(model, sequences, tests, noise, seed, progress):
        right, starts = retrieved.agreement(learnt, level), learnt.starts
        row = np.full(len(sequences), np.nan)
        row[:stored] = np.add.reduceat(right, starts[:-1]) / np.diff(starts)
        counts.append(stored)
        rows.append(row)
    return Retention(np.array(counts, dtype=np.int64), np.stack(rows))


def _stages(
    model: Sparsey,
    sequences: list[Patterns],
    tests: int,
    noise: int,
    seed: Seed,
    progress: Any,
) -> Iterator[tuple[int, Codes, Codes]]:
    """Store items in a copy of the model, in up to `tests` stages, and test all after each.

    Yields the number of stored items, their codes of learning, and their codes of retrieval.
    """
    n_stages = min(tests, len(sequences))
    stops = np.unique(np.linspace(0, len(sequences), n_stages + 1).astype(int)).tolist()
    own = copy.deepcopy(model)
    cues = noisy(sequences, noise, seed)
    parts: list[Codes] = []
    with progress_callback(progress, "storing") as report:
        for first, last in itertools.pairwise(stops):
            parts.append(own.learn(sequences[first:last]))
            learnt = joined(parts)
            yield last, learnt, own.retrieve(cues[:last])
            report(last / len(sequences))


def joined(parts: Sequence[Codes]) -> Codes:
    """Return the codes of several calls as if they were from one call."""
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
    """Store items until the mean fraction of correct winners falls below a criterion.

    Parameters
    ----------
    model : Sparsey
        Hierarchy; a copy of it learns, and it is unchanged.
    items : Patterns, or list of Patterns
        Patterns, or sequences of patterns, in the order of storage.
    criterion : float
        Smallest mean fraction of correct winners.
    tests : int
        Largest number of tests, evenly spaced; the first one below the criterion is the last.
    noise, level, seed, progress
        As for :func:`retention`.

    Raises
    ------
    DescriptionError
        If the items are not valid, or the level does not exist.
    """
    sequences = to_sequences(items, "capacity")
    points: list[Recall] = []
    for stored, learnt, retrieved in _stages(model, sequences, tests, noise, seed, progress):
        points.append(measure_recall(model, sequences[:stored], learnt, retrieved, level))
        if points[-1].units < criterion:
            break
    passed = [point for point in points if point.units >= criterion]
    failed = len(passed) < len(points)
    return Capacity(
        _crossing(points, criterion) if failed else points[-1].n_items,
        failed,
        tuple(points),
        max((point.bits_per_synapse for point in passed), default=0.0),
    )


def _crossing(points: list[Recall], criterion: float) -> int:
    """Return the number of items at which recall crosses the criterion.

    The recall of an empty memory counts as 1.
    """
    after = points[-1]
    n, units = (points[-2].n_items, points[-2].units) if len(points) > 1 else (0, 1.0)
    if units <= criterion:
        return n
    part = (units - criterion) / (units - after.units)
    return int(n + part * (after.n_items - n))
