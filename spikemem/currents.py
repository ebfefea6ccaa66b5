"""Currents that change over time in steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from .checks import Count, Quantities, Quantity, check_fields, checked
from .errors import Problems
from .frozen import Frozen
from .limits import require_memory
from .units import LARGEST, off_grid, steps

__all__ = ["StepCurrent", "problem_on_grid", "side_by_side"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class StepCurrent(Frozen):
    """A current that changes in steps (PyNN ``StepCurrentSource``), for ``LIF.i_offset``.

    ``amplitudes[k]`` flows from ``times[k]`` until ``times[k + 1]``, and the last one until the
    end. No current flows before the first time. A change at ``k * dt`` acts in step ``k``
    (``docs/explanation/semantics.md``). Times count from 0, also in a session that starts later.

    Parameters
    ----------
    times : array_like, shape (n_times,)
        ms, ascending, >= 0, at least one; on the network's time grid.
    amplitudes : array_like, shape (n_times,) or (n_times, size)
        nA: one current for all cells, or one for each cell of the population.

    Raises
    ------
    DescriptionError
        If times do not ascend, or shapes do not fit. The message lists all problems.

    Examples
    --------
    >>> pulse = StepCurrent(times=[100.0, 200.0], amplitudes=[0.5, 0.0])
    >>> [pulse.at(time).tolist() for time in (0.0, 100.0, 199.9, 200.0)]
    [0.0, 0.5, 0.5, 0.0]
    """

    times: Annotated[Floats, Quantities("ms", shape=("n_times",), low=0.0, least=1)]
    amplitudes: Annotated[Floats, Quantities("nA")]

    def __post_init__(self) -> None:
        problems = Problems("StepCurrent")
        converted = check_fields(self, problems)
        if "times" in converted and np.any(np.diff(self.times) <= 0):
            k = int(np.argmax(np.diff(self.times) <= 0))
            problems.add(
                f"times must ascend, got {self.times[k]:g} and then {self.times[k + 1]:g} ms"
            )
        if len(converted) == 2 and not self._fits():
            n = len(self.times)
            problems.add(
                f"amplitudes must have shape ({n},) or ({n}, size), as there are {n} times, got "
                f"{self.amplitudes.shape}"
            )
        problems.raise_if_any()

    def _fits(self) -> bool:
        shape = self.amplitudes.shape
        return len(shape) in (1, 2) and shape[0] == len(self.times) and 0 not in shape

    @property
    def size(self) -> int | None:
        """Number of cells if each has its own amplitudes; None if all have the same."""
        return self.amplitudes.shape[1] if self.amplitudes.ndim == 2 else None

    @checked
    def at(self, time: Annotated[float, Quantity("ms")]) -> Floats:
        """Return the current at a time (ms), nA, shape () or (size,)."""
        k = int(np.searchsorted(self.times, time, side="right")) - 1
        return np.array(self.amplitudes[max(k, 0)] * (k >= 0), dtype=np.float64)

    @checked
    def from_step(
        self, first: Annotated[int, Count(low=0)], dt: Annotated[float, Quantity("ms", above=0.0)]
    ) -> tuple[NDArray[np.int64], Floats]:
        """Return the constant pieces of the current from step `first` on.

        Returns
        -------
        steps : ndarray of int64, shape (n,)
            Step at which each piece begins; the first one is `first`.
        amplitudes : ndarray, shape (n,) or (n, size)
            Current of each piece, nA.
        """
        ticks = steps(self.times, dt)
        k = int(np.searchsorted(ticks, first, side="right"))
        if k:
            return np.concatenate([[first], ticks[k:]]), self.amplitudes[k - 1 :]
        zero = np.zeros_like(self.amplitudes[:1])
        return np.concatenate([[first], ticks]), np.concatenate([zero, self.amplitudes])

    @checked
    def tile(self, n: Annotated[int, Count()]) -> StepCurrent:
        """Return the current of `n` copies of a population side by side."""
        if self.size is None:
            return self
        require_memory(8 * self.amplitudes.size * n, f"StepCurrent.tile: {n} copies", "Make fewer.")
        return StepCurrent(times=self.times, amplitudes=np.tile(self.amplitudes, (1, n)))

    @checked
    def part(
        self, start: Annotated[int, Count(low=0)], stop: Annotated[int, Count()]
    ) -> StepCurrent:
        """Return the current of the cells from `start` to `stop` - 1."""
        if self.size is None:
            return self
        return StepCurrent(times=self.times, amplitudes=self.amplitudes[:, start:stop])

    @checked
    def alike(self, size: Annotated[int, Count()]) -> list[tuple[int, int, Floats]]:
        """Group neighbouring cells with the same current, in a population of `size` cells.

        Returns
        -------
        list of (int, int, ndarray of shape (n_times,))
            For each group: first cell, last cell + 1, and amplitudes, nA.
        """
        if self.size is None:
            return [(0, size, self.amplitudes)]
        differ = np.any(np.diff(self.amplitudes, axis=1) != 0, axis=0)
        edges = [0, *(np.flatnonzero(differ) + 1).tolist(), size]
        return [(start, stop, self.amplitudes[:, start]) for start, stop in pairwise(edges)]

    @checked
    def equals(self, other: StepCurrent) -> bool:
        """Tell whether another current has the same times and amplitudes."""
        return self is other or (
            np.array_equal(self.times, other.times)
            and np.array_equal(self.amplitudes, other.amplitudes)
        )


def side_by_side(
    currents: Sequence[StepCurrent | float | Floats], size: int, dt: float
) -> StepCurrent:
    """Join the currents of several copies of a population into one.

    Parameters
    ----------
    currents : sequence of StepCurrent, float or ndarray of shape (size,)
        Current of each copy, nA; at least one is a :class:`StepCurrent`.
    size : int
        Number of cells of one copy.
    dt : float
        Time step, ms.
    """
    first = currents[0]
    if isinstance(first, StepCurrent) and all(
        isinstance(item, StepCurrent) and first.equals(item) for item in currents
    ):
        return first.tile(len(currents))
    each = [
        item
        if isinstance(item, StepCurrent)
        else StepCurrent(times=[0.0], amplitudes=np.reshape(item, (1, -1)))  # type: ignore[arg-type]
        for item in currents
    ]
    times = np.concatenate([item.times for item in each])
    ticks, first_index = np.unique(steps(times, dt), return_index=True)
    require_memory(
        16.0 * ticks.size * size * len(each),
        f"Network.stack: {ticks.size} changes of the currents of {size * len(each)} cells",
        "Simulate fewer copies at a time, or give them the same times.",
    )
    table = np.zeros((ticks.size, len(each), size))
    for k, item in enumerate(each):
        row = np.searchsorted(steps(item.times, dt), ticks, side="right") - 1
        columns = item.amplitudes.reshape(len(item.times), -1)
        table[row >= 0, k] = columns[row[row >= 0]]
    return StepCurrent(times=times[first_index], amplitudes=table.reshape(ticks.size, -1))


def problem_on_grid(current: StepCurrent, dt: float) -> str | None:
    """Return why the times of a current do not fit a time grid of `dt` ms, or None if they do."""
    off = off_grid(current.times, dt)
    if off.any():
        return (
            f"time {current.times[off][0]:g} ms is not a multiple of dt={dt:g} ms (at most "
            f"{LARGEST} of them)"
        )
    same = np.diff(steps(current.times, dt)) == 0
    if same.any():
        return f"it changes twice in one step, at {current.times[1:][same][0]:g} ms"
    return None
