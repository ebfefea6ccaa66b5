"""A group of cells of one type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import LIF, Parameter, SpikeSource
from .errors import DescriptionError, Problems, shown
from .fields import check_record, take
from .frozen import Frozen
from .spikes import SpikeTrains
from .units import (
    to_array,
    to_int,
    to_name,
)

__all__ = ["Population"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Population(Frozen):
    """A group of cells of one type.

    Parameters
    ----------
    name : str
        Unique in the network; no "/".
    cell : LIF or SpikeSource
        Cell type with its parameters.
    size : int, optional
        Number of cells; default for a :class:`SpikeSource`: that of its spike trains.
    v_init : float or array_like, shape (size,), optional
        Membrane potential at the start, mV. Default: ``v_rest``.
    record : sequence of str
        Any of "spikes" and "v".

    Raises
    ------
    DescriptionError
        Anything of the wrong type, shape or range; all problems at once.
    """

    name: str
    cell: LIF | SpikeSource
    size: int = 0
    v_init: Parameter | None = None
    record: tuple[str, ...] = ("spikes",)

    def __post_init__(self) -> None:
        problems = Problems(f"population {shown(self.name)}")
        take(self, "name", to_name, problems)
        cell: Any = self.cell
        if not isinstance(cell, LIF | SpikeSource):
            problems.add(f"cell must be LIF or SpikeSource, got {shown(cell)}")
            self._check_size(None, problems)
            check_record(self, ("spikes", "v"), problems)
        else:
            trains = cell.spikes if isinstance(cell, SpikeSource) else None
            if self._check_size(trains, problems):
                self._check_lengths(problems)
            check_record(self, ("spikes", "v") if trains is None else ("spikes",), problems)
        problems.raise_if_any()

    def _check_size(self, trains: SpikeTrains | None, problems: Problems) -> bool:
        """Take the size, by default that of the trains; False if it is not valid."""
        before = len(problems.found)
        size: Any = self.size
        if trains is not None and (size is None or (type(size) is int and size == 0)):
            object.__setattr__(self, "size", trains.size)
        take(self, "size", to_int, problems)
        if len(problems.found) == before and trains is not None and self.size != trains.size:
            problems.add(f"size must be that of its trains ({trains.size}), got {self.size}")
        return len(problems.found) == before

    def _check_lengths(self, problems: Problems) -> None:
        if isinstance(self.cell, SpikeSource):
            if self.v_init is not None:
                problems.add("v_init must be None for a SpikeSource: it has no potential")
            return
        for item in LIF.units:
            value = getattr(self.cell, item)
            if np.ndim(value) and len(value) != self.size:
                problems.add(f"cell.{item} must be a float or have shape ({self.size},), "
                             f"got {np.shape(value)}")  # fmt: skip
        if self.v_init is not None:
            with problems.noting():
                start = to_array(self.v_init, "mV", "v_init")
                if start.ndim and start.shape != (self.size,):
                    problems.add(
                        f"v_init must be a float or have shape ({self.size},), got {start.shape}"
                    )
                start.flags.writeable = False
                object.__setattr__(self, "v_init", start if start.ndim else float(start))

    @property
    def is_source(self) -> bool:
        """True for a :class:`SpikeSource`."""
        return isinstance(self.cell, SpikeSource)

    @property
    def lif(self) -> LIF:
        """The cell, where it is a :class:`LIF` (an error elsewhere)."""
        if isinstance(self.cell, LIF):
            return self.cell
        raise DescriptionError(f"population {self.name!r}: a SpikeSource has no LIF parameters.")

    @property
    def source(self) -> SpikeTrains:
        """The spike trains, where the cell is a :class:`SpikeSource` (an error elsewhere)."""
        if isinstance(self.cell, SpikeSource):
            return self.cell.spikes
        raise DescriptionError(f"population {self.name!r}: a LIF has no spike trains of its own.")

    def initial_v(self) -> NDArray[np.float64]:
        """Membrane potential of each cell at the start, mV, shape (size,)."""
        start = self.lif.v_rest if self.v_init is None else self.v_init
        return np.broadcast_to(np.asarray(start, dtype=np.float64), (self.size,))
