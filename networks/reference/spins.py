"""Networks of spins +1 and -1: patterns, overlaps, and relaxation to an answer."""

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
    """What an overlap contributes to a field."""

    table: NDArray[np.float64]
    """As :mod:`.kernels` describes it."""
    exponential: bool
    """Whether the table is exp(-k)."""
    unit: float
    """Field that a sum of 1 stands for, in the unit of the temperature."""


def as_spins(values: Any, size: int, where: str, *, blank: bool = False) -> Bits:
    """Rows of -1 and 1 (and 0, if `blank`), shape (n, size); active cells of Patterns are 1.

    Raises
    ------
    DescriptionError
        Other values or another length; the message begins with `where`.
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
    """An array of numbers or bool, of any shape, before its values are looked at."""
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
    """Spins -1 and 1 in an array, an array of bool, or Patterns; `blank`: 0 is a value too.

    The function knows the number of cells, and calls :func:`as_spins` with it.
    """

    blank: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return the value itself, if it can be spins."""
        if not isinstance(value, Patterns):
            as_array(value, where)
        return value


Spins = Annotated[Any, SpinKind()]
"""What stands for patterns, cues and states of spins."""


class SpinMemory(ReferenceMemory):
    """Base of the memories whose cells are spins; a subclass says how overlaps act.

    Parameters
    ----------
    n_cells : int
        Number of spins.
    dynamics : {"asynchronous", "synchronous"}
        One cell after another in random order, or all at once.
    temperature : float
        0: a cell follows its field, and stays as it is where the field is 0. Above 0: Glauber
        dynamics, a cell is +1 with probability 1/(1 + exp(-2h/T)) in the field h.
    max_sweeps : int
        Largest number of updates of each cell. Without temperature a recall ends as soon as
        nothing changes any more.
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
        """How the overlaps act on a cell."""
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
        """Store patterns, beside those that are stored already.

        Parameters
        ----------
        patterns : array_like of -1 and 1, array of bool, or Patterns, shape (n_patterns, n_cells)
            Active cells of Patterns, and True, are +1. A MultitaskingHebbian takes 0 for blank
            entries too.

        Returns
        -------
        Self
            The memory itself.

        Raises
        ------
        DescriptionError
            Other values, another number of cells, or more than the memory of the computer holds.
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
        """Relax from each cue to the answer.

        Parameters
        ----------
        cues : array_like of -1 and 1, array of bool, or Patterns, shape (n_cues, n_cells)
            States to begin from.
        seed : int or numpy.random.Generator
            For the order of the updates and the temperature. A cue's answer depends on the seed
            and on its row, not on the other cues.

        Returns
        -------
        ndarray of int8, shape (n_cues, n_cells)
            States of -1 and 1.

        Raises
        ------
        DescriptionError
            Not states of this number of cells.
        """
        where = f"{type(self).__name__}.recall: cues"
        states = as_spins(cues, self.n_cells, where).copy()
        base = own_seed(seed)
        for k, spins in enumerate(states):
            self._relax(spins, stream(base, "reference", "recall", k))
        return states

    def _relax(self, spins: Bits, rng: np.random.Generator) -> int:
        """Let one state relax in place; returns the number of sweeps."""
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
        """Magnetisations: overlap of each state with each pattern, divided by the number of cells.

        Parameters
        ----------
        states : array_like of -1 and 1, array of bool, or Patterns, shape (n_states, n_cells)
            States.

        Returns
        -------
        ndarray of float64, shape (n_states, n_patterns)
            From -1 to 1.

        Raises
        ------
        DescriptionError
            Not states of this number of cells.
        """
        return self._products(states, "overlaps") / self.n_cells

    def _products(self, states: Any, method: str) -> NDArray[np.float64]:
        where = f"{type(self).__name__}.{method}: states"
        rows = as_spins(states, self.n_cells, where)
        require_memory(8.0 * (len(rows) * (self.n_patterns + self.n_cells) + self.patterns.size),
                       f"{where}: overlaps of {len(rows)} states with {self.n_patterns} patterns",
                       "Give fewer states at once.")  # fmt: skip
        # Sums of -1 and 1 below 2**53 are exact in float64, whose product is the fast one.
        return np.rint(rows.astype(np.float64) @ self.patterns.T.astype(np.float64))

    @checked
    def energy(self, states: Spins) -> NDArray[np.float64]:
        """Energy of each state, shape (n_states,); a recall without temperature lowers it.

        Raises
        ------
        DescriptionError
            Not states of this number of cells.
        """
        return self._energy(self._products(states, "energy"))

    def _energy(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    @checked
    def familiarity(self, cues: Spins) -> NDArray[np.float64]:
        """How familiar each cue seems: minus its energy, shape (n_cues,).

        Raises
        ------
        DescriptionError
            Not states of this number of cells.

        References
        ----------
        Bogacz, Brown, Hippocampus 13, 494 (2003).
        """
        return -self.energy(cues)

    def arguments(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {
            "n_cells": self.n_cells, "dynamics": self.dynamics, "temperature": self.temperature,
            "max_sweeps": self.max_sweeps,
        }  # fmt: skip

    def arrays(self) -> dict[str, Stored]:
        """Stored patterns."""
        return {"patterns": Stored(self.patterns)}

    def facts(self) -> dict[str, Any]:
        """Settings and number of patterns as plain data, ready for JSON."""
        load = self.n_patterns / self.n_cells
        return super().facts() | {"n_patterns": self.n_patterns, "patterns_per_cell": load}

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """The memory with these patterns; see :meth:`arrays`."""
        memory = cls(**arguments)
        rows = read_array(arrays, "patterns", "int", (None, memory.n_cells), low=-1, high=1)
        return memory.store(rows) if len(rows) else memory


Cells = Annotated[int, Count(high=10**6)]
Heat = Annotated[float, Quantity(low=0.0)]
Sweeps = Annotated[int, Count(high=100_000)]
