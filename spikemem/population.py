"""A group of cells of one type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cells import LIF, Parameter, SpikeSource
from .checks import Count, Instance, Kind, Name, Quantities, Some, check_fields
from .errors import DescriptionError, Problems, shown
from .frozen import Frozen
from .spikes import SpikeTrains

__all__ = ["End", "PartName", "Population", "PopulationName"]

PartName = Annotated[str, Name()]
"""Name of a population or projection."""

_VARIABLE = "variable to record"
_CELL = "Give the type of the cells: sm.LIF(), or a spike source such as sm.SpikeSource.poisson()."


@dataclass(frozen=True, kw_only=True, eq=False)
class Population(Frozen):
    """A group of cells of one type.

    `size` and `cell` can be passed in either order.

    Parameters
    ----------
    name : str
        Name, unique in the network, without "/".
    cell : LIF or SpikeSource
        Cell type with its parameters.
    size : int, optional
        Number of cells. Default for a :class:`SpikeSource`: the number of its spike trains.
    v_init : float or array_like, shape (size,), optional
        Initial membrane potential, mV. Default: ``v_rest``.
    record : sequence of str
        Variables to record: "spikes" and "v" (membrane potential).

    Raises
    ------
    DescriptionError
        If an argument has the wrong type, shape or range. The message lists all problems.

    Examples
    --------
    >>> Population("exc", 800, LIF(tau_m=10.0)).size
    800
    >>> Population("in", SpikeSource.from_lists([[1.0], [2.0]])).size
    2
    """

    name: Annotated[str, Name()]
    cell: Annotated[LIF | SpikeSource, Instance(LIF, SpikeSource, remedy=_CELL)]
    size: Annotated[int, Count()] = 0
    v_init: Annotated[Parameter, Quantities("mV", shape=("size",), scalar=True)] | None = None
    record: Annotated[tuple[str, ...], Some("spikes", "v", what=_VARIABLE)] = ("spikes",)

    @overload
    def __init__(
        self, name: str, size: int, cell: LIF | SpikeSource, *,
        v_init: ArrayLike | None = ..., record: str | Sequence[str] = ...,
    ) -> None: ...  # fmt: skip
    @overload
    def __init__(
        self, name: str, cell: LIF | SpikeSource, size: int = ..., *,
        v_init: ArrayLike | None = ..., record: str | Sequence[str] = ...,
    ) -> None: ...  # fmt: skip
    def __init__(  # type: ignore[misc]  # The second argument is a size or a cell.
        self, name: str, size: Any = 0, cell: Any = None, *,
        v_init: Any = None, record: Any = ("spikes",),
    ) -> None:  # fmt: skip
        if isinstance(size, LIF | SpikeSource):
            size, cell = 0 if cell is None else cell, size
        if isinstance(cell, SpikeSource) and (size is None or (type(size) is int and size == 0)):
            size = cell.spikes.size
        values = {"name": name, "cell": cell, "size": size, "v_init": v_init, "record": record}
        for item, value in values.items():
            object.__setattr__(self, item, value)
        self._check()

    def _check(self) -> None:
        problems = Problems(f"population {shown(self.name)}")
        check_fields(self, problems)
        if not problems.found:
            self._check_source(problems) if self.is_source else self._check_lengths(problems)
        problems.raise_if_any()

    def _check_source(self, problems: Problems) -> None:
        if self.size != self.source.size:
            problems.add(
                f"size must be the number of its spike trains ({self.source.size}), got {self.size}"
            )
        if self.v_init is not None:
            problems.add("v_init must be None for a SpikeSource: it has no potential")
        with problems.collecting():
            Some("spikes", what=_VARIABLE).check(self.record, "record")

    def _check_lengths(self, problems: Problems) -> None:
        values = {f"cell.{name}": getattr(self.cell, name) for name in LIF.units}
        for item, value in {**values, "v_init": self.v_init}.items():
            if np.ndim(value) and len(value) != self.size:
                problems.add(
                    f"{item} must be a float or have shape ({self.size},), got {np.shape(value)}"
                )
        current = self.lif.current
        if current is not None and current.size not in (None, self.size):
            n = len(current.times)
            problems.add(
                f"cell.i_offset: amplitudes must have shape ({n},) or ({n}, {self.size}), got "
                f"{current.amplitudes.shape}"
            )

    @property
    def is_source(self) -> bool:
        """True for a :class:`SpikeSource`."""
        return isinstance(self.cell, SpikeSource)

    @property
    def lif(self) -> LIF:
        """The cell type, if it is a :class:`LIF`; otherwise an error is raised."""
        if isinstance(self.cell, LIF):
            return self.cell
        raise DescriptionError(f"population {self.name!r}: a SpikeSource has no LIF parameters.")

    @property
    def source(self) -> SpikeTrains:
        """The spike trains of a :class:`SpikeSource`; for a LIF an error is raised."""
        if isinstance(self.cell, SpikeSource):
            return self.cell.spikes
        raise DescriptionError(f"population {self.name!r}: a LIF has no spike trains of its own.")

    def initial_v(self) -> NDArray[np.float64]:
        """Return the initial membrane potential of each cell, mV, shape (size,)."""
        start = self.lif.v_rest if self.v_init is None else self.v_init
        return np.broadcast_to(np.asarray(start, dtype=np.float64), (self.size,))


class PopulationName(Kind):
    """A population or its name."""

    def check(self, value: Any, where: str) -> str:
        """Return the name."""
        return value.name if isinstance(value, Population) else Name().check(value, where)


End = Annotated[str | Population, PopulationName()]
"""Population in which a projection begins or ends, or its name."""
