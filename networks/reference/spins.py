"""Base of the memories of spins +1 and -1: patterns, overlaps, and relaxation to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Kind, Quantity, checked
from ...codes import Patterns
from ...errors import DescriptionError, shown
from ...hdf5 import read_array
from ...limits import require_memory
from ...models import Stored
from ...streams import Seed, own_seed, stream
from .base import ReferenceMemory

__all__ = ["Slope", "SpinKind", "SpinMemory", "Spins", "as_array", "as_spins"]

Bits = NDArray[np.int8]
Dynamics = Literal["asynchronous", "synchronous"]


class Slope(NamedTuple):
    """Contribution of an overlap to a field."""

    table: NDArray[np.float64]
    """Table of values, as :mod:`.kernels` describes it."""
    exponential: bool
    """Whether the table is exp(-k)."""
    unit: float
    """Field that corresponds to a sum of 1, in the unit of the temperature."""


def as_spins(values: Any, size: int, where: str, *, blank: bool = False) -> Bits:
    """Return rows of -1 and 1 (and 0 if `blank`), shape (n, size). Active cells of Patterns are 1.

    Raises
    ------
    DescriptionError
        If a value or the length is not allowed. The message begins with `where`.
    """
    array = as_array(values, where)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or array.shape[1] != size:
        raise DescriptionError(
            f"{where} must have shape ({size},) or (n_patterns, {size}), got {array.shape}."
        )
    if array.dtype.kind == "b":
        return np.where(array, 1, -1).astype(np.int8)
    allowed = (-1, 0, 1) if blank else (-1, 1)
    bad = ~np.isin(array, allowed)
    if bad.any():
        words = "-1, 0 and 1" if blank else "-1 and 1"
        raise DescriptionError(
            f"{where} must hold {words}, got {array[bad].flat[0]}; give bits 0 and 1 as bool or "
            f"as Patterns."
        )
    return array.astype(np.int8)


def as_array(values: Any, where: str) -> NDArray[Any]:
    """Return an array of numbers or bool of any shape, without a check of its values."""
    if isinstance(values, Patterns):
        return values.to_dense()
    try:
        masked = isinstance(values, np.ma.MaskedArray)
        array = np.asarray(None if masked or isinstance(values, str | bytes) else values)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise DescriptionError(
            f"{where} must be an array of spins -1 and 1, an array of bool, or Patterns, got "
            f"{shown(values)}."
        )
    return array


@dataclass(frozen=True)
class SpinKind(Kind):
    """Spins -1 and 1 in an array, an array of bool, or Patterns. With `blank`, 0 is allowed too.

    The called function knows the number of cells, and checks it with :func:`as_spins`.
    """

    blank: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return the value itself if it can hold spins."""
        if not isinstance(value, Patterns):
            as_array(value, where)
        return value


Spins = Annotated[Any, SpinKind()]
"""Declared kind of patterns, cues and states of spins."""


class SpinMemory(ReferenceMemory):
    """Base of the memories whose cells are spins. A subclass defines how overlaps act.

    Parameters
    ----------
    n_cells : int
        Number of spins.
    dynamics : {"asynchronous", "synchronous"}
        Whether the cells are updated one after another in random order, or all at once.
    temperature : float
        At 0 each cell follows its field, and keeps its state where the field is 0. Above 0 the
        cells follow Glauber dynamics: a cell in the field h is +1 with probability
        1/(1 + exp(-2h/T)).
    max_sweeps : int
        Largest number of updates of each cell. At temperature 0 a recall ends as soon as no cell
        changes.
    """

    blank: ClassVar[bool] = False
    """Whether patterns have blank entries (0)."""
    view: ClassVar[str] = "spikemem.networks.reference.figures:spins_view"

    def __init__(
        self, n_cells: int, dynamics: Dynamics, temperature: float, max_sweeps: int
    ) -> None:
        self.n_cells, self.dynamics = n_cells, dynamics
        self.temperature, self.max_sweeps = temperature, max_sweeps
        self.patterns: Bits = np.empty((0, n_cells), np.int8)
        self._columns: Bits | None = None
        self._slope: Slope | None = None

    def slope(self) -> Slope:
        """Return how the overlaps act on a cell."""
        raise NotImplementedError

    @property
    def n_patterns(self) -> int:
        """Number of stored patterns."""
        return len(self.patterns)

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.arguments().items())
        return f"{type(self).__name__}({settings}: {self.n_patterns} patterns)"

    @checked
    def store(self, patterns: Spins) -> Self:
        """Store patterns in addition to those that are already stored.

        Parameters
        ----------
        patterns : array_like of -1 and 1, array of bool, or Patterns, shape (n_patterns, n_cells)
            Patterns. True and the active cells of Patterns are +1. A MultitaskingHebbian also
            accepts 0, for blank entries.

        Returns
        -------
        Self
            The memory itself.

        Raises
        ------
        DescriptionError
            If a value or the number of cells is not allowed, or if the patterns do not fit into
            the computer's memory.
        """
        where = f"{type(self).__name__}.store"
        rows = as_spins(patterns, self.n_cells, f"{where}: patterns", blank=self.blank)
        require_memory(3.0 * (self.n_patterns + len(rows)) * self.n_cells,
                       f"{where}: {self.n_patterns + len(rows)} patterns of {self.n_cells} cells",
                       "Store fewer patterns.")  # fmt: skip
        self.patterns = np.concatenate([self.patterns, rows])
        self._columns = None
        return self

    @checked
    def recall(self, cues: Spins, *, seed: Seed = 0) -> Bits:
        """Relax from each cue to its answer, and return the answers.

        Parameters
        ----------
        cues : array_like of -1 and 1, array of bool, or Patterns, shape (n_cues, n_cells)
            States from which the relaxation begins.
        seed : int or numpy.random.Generator
            Seed of the order of the updates and of the thermal noise. The answer to a cue depends
            on the seed and on the row of the cue, not on the other cues.

        Returns
        -------
        ndarray of int8, shape (n_cues, n_cells)
            States of -1 and 1.

        Raises
        ------
        DescriptionError
            If the states do not have `n_cells` cells, or have values other than -1 and 1.
        """
        where = f"{type(self).__name__}.recall: cues"
        states = as_spins(cues, self.n_cells, where).copy()
        base = own_seed(seed)
        for k, spins in enumerate(states):
            self._relax(spins, stream(base, "reference", "recall", k))
        return states

    def _relax(self, spins: Bits, rng: np.random.Generator) -> int:
        """Relax one state in place. Return the number of sweeps."""
        from .kernels import asynchronous_sweep, synchronous_step

        if self._columns is None:
            self._columns = np.ascontiguousarray(self.patterns.T)
        if self._slope is None:
            self._slope = self.slope()
        slope, columns = self._slope, self._columns
        overlaps = self.patterns.astype(np.int64) @ spins.astype(np.int64)
        heat = self.temperature / slope.unit
        uniforms = np.empty(0)
        for sweep in range(self.max_sweeps):
            if self.dynamics == "asynchronous":
                order = rng.permutation(self.n_cells)
                uniforms = rng.random(self.n_cells) if heat > 0 else uniforms
                changed = asynchronous_sweep(spins, columns, overlaps, slope.table,
                                             slope.exponential, order, heat, uniforms)  # fmt: skip
            else:
                uniforms = rng.random(self.n_cells) if heat > 0 else uniforms
                changed = synchronous_step(spins, columns, overlaps, slope.table,
                                           slope.exponential, heat, uniforms)  # fmt: skip
            if not changed and heat == 0:
                return sweep
        return self.max_sweeps

    @checked
    def overlaps(self, states: Spins) -> NDArray[np.float64]:
        """Return the magnetisations: the overlap of each state with each pattern, divided by N.

        Parameters
        ----------
        states : array_like of -1 and 1, array of bool, or Patterns, shape (n_states, n_cells)
            States.

        Returns
        -------
        ndarray of float64, shape (n_states, n_patterns)
            Magnetisations from -1 to 1.

        Raises
        ------
        DescriptionError
            If the states do not have `n_cells` cells, or have values other than -1 and 1.
        """
        return self._products(states, "overlaps") / self.n_cells

    def _products(self, states: Any, method: str) -> NDArray[np.float64]:
        where = f"{type(self).__name__}.{method}: states"
        rows = as_spins(states, self.n_cells, where)
        require_memory(8.0 * (len(rows) * (self.n_patterns + self.n_cells) + self.patterns.size),
                       f"{where}: overlaps of {len(rows)} states with {self.n_patterns} patterns",
                       "Pass fewer states at once.")  # fmt: skip
        # Sums of -1 and 1 below 2**53 are exact in float64, and its matrix product is fast.
        return np.rint(rows.astype(np.float64) @ self.patterns.T.astype(np.float64))

    @checked
    def energy(self, states: Spins) -> NDArray[np.float64]:
        """Return the energy of each state, shape (n_states,). A recall at temperature 0 lowers it.

        Raises
        ------
        DescriptionError
            If the states do not have `n_cells` cells, or have values other than -1 and 1.
        """
        return self._energy(self._products(states, "energy"))

    def _energy(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    @checked
    def familiarity(self, cues: Spins) -> NDArray[np.float64]:
        """Return the familiarity of each cue, which is minus its energy, shape (n_cues,).

        Raises
        ------
        DescriptionError
            If the states do not have `n_cells` cells, or have values other than -1 and 1.

        References
        ----------
        Bogacz, Brown, Hippocampus 13, 494 (2003).
        """
        return -self.energy(cues)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "n_cells": self.n_cells, "dynamics": self.dynamics, "temperature": self.temperature,
            "max_sweeps": self.max_sweeps,
        }  # fmt: skip

    def arrays(self) -> dict[str, Stored]:
        """Return the stored patterns."""
        return {"patterns": Stored(self.patterns)}

    def facts(self) -> dict[str, Any]:
        """Return the settings and the number of patterns as plain data, ready for JSON."""
        load = self.n_patterns / self.n_cells
        return super().facts() | {"n_patterns": self.n_patterns, "patterns_per_cell": load}

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Return the memory with these patterns; see :meth:`arrays`."""
        memory = cls(**arguments)
        rows = read_array(arrays, "patterns", "int", (None, memory.n_cells), low=-1, high=1)
        return memory.store(rows) if len(rows) else memory


Cells = Annotated[int, Count(high=10**6)]
Heat = Annotated[float, Quantity(low=0.0)]
Sweeps = Annotated[int, Count(high=100_000)]
