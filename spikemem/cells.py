"""Cell types and synaptic plasticity: the vocabulary of PyNN, in PyNN's units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import sources
from .checks import (
    Choice,
    Count,
    Instance,
    Kind,
    Quantities,
    Quantity,
    check_fields,
    checked,
    kinds_of,
)
from .currents import StepCurrent
from .errors import DescriptionError, Problems, shown
from .frozen import Frozen
from .limits import require_memory
from .spikes import SpikeTrains, Trains
from .streams import Seed
from .units import GRID, to_float, to_int, to_tuple

__all__ = ["LIF", "STDP", "Parameter", "SpikeSource", "Window", "gate_of"]

Parameter = float | NDArray[np.float64]
"""A cell parameter: one value for the population, or one for each cell, shape (size,)."""

Window = tuple[float, float] | tuple[float, float, int]
"""Start and stop (ms) of a period of plasticity, and the tile if it holds for one tile only."""


@dataclass(frozen=True)
class Windows(Kind):
    """Periods of plasticity: (start, stop) in ms, or (start, stop, tile) for one tile only."""

    def check(self, value: Any, where: str) -> tuple[Window, ...]:
        """Return the windows as floats (and the tile), in order of time."""
        problems: list[str] = []
        windows: list[Window] = []
        for k, window in enumerate(to_tuple(value, where, "pairs (start, stop) in ms")):
            try:
                windows.append(_window(window, f"{where}[{k}]"))
            except DescriptionError as error:
                problems.append(str(error))
        if problems:
            raise DescriptionError.of(problems)
        return tuple(sorted(windows))


@dataclass(frozen=True)
class ParameterName(Kind):
    """Name of a parameter of :class:`LIF`."""

    def check(self, value: Any, where: str) -> str:
        """Return the name."""
        return Choice(*LIF.units).check(value, where)


def _per_cell(unit: str, **limits: Any) -> Quantities:
    return Quantities(unit, shape=("size",), scalar=True, least=1, **limits)


class CurrentOrSteps(Quantities):
    """One current for all cells, a current for each cell, or a :class:`StepCurrent`."""

    def check(self, value: Any, where: str) -> Any:
        """Return a float, a read-only array, or the :class:`StepCurrent`."""
        return value if isinstance(value, StepCurrent) else super().check(value, where)


@dataclass(frozen=True, kw_only=True, eq=False)
class LIF(Frozen):
    """Leaky integrate-and-fire cell with exponential synaptic currents (PyNN ``IF_curr_exp``).

    Each parameter is a float, an array of shape (size,), or a quantity of Brian2 or of the package
    quantities. The defaults are those of PyNN.

    Parameters
    ----------
    tau_m : float
        Membrane time constant, ms. ``math.inf`` makes a cell without a leak: its potential
        integrates the input, ``cm * dv/dt = i_E - i_I + i_offset``, and starts at `v_rest`.
    cm : float
        Membrane capacitance, nF.
    v_rest, v_reset, v_thresh : float
        Resting, reset and threshold potential, mV.
    tau_refrac : float
        Refractory period, ms; it is rounded up to whole steps.
    tau_syn_E, tau_syn_I : float
        Decay time constants of the excitatory and inhibitory synaptic current, ms.
    i_offset : float or StepCurrent
        Injected current, nA: constant, or one that changes over time.

    Raises
    ------
    DescriptionError
        If a parameter (other than `tau_m`) is not finite, has the wrong dimension or shape, or is
        not > 0 where it must be. The message lists all problems.

    Examples
    --------
    >>> LIF(tau_m=10.0).tau_m
    10.0
    """

    tau_m: Annotated[Parameter, _per_cell("ms", above=0.0, infinite=True)] = 20.0
    cm: Annotated[Parameter, _per_cell("nF", above=0.0)] = 1.0
    v_rest: Annotated[Parameter, _per_cell("mV")] = -65.0
    v_reset: Annotated[Parameter, _per_cell("mV")] = -65.0
    v_thresh: Annotated[Parameter, _per_cell("mV")] = -50.0
    tau_refrac: Annotated[Parameter, _per_cell("ms", low=0.0)] = 0.1
    tau_syn_E: Annotated[Parameter, _per_cell("ms", above=0.0)] = 5.0
    tau_syn_I: Annotated[Parameter, _per_cell("ms", above=0.0)] = 5.0
    i_offset: Annotated[
        Parameter | StepCurrent, CurrentOrSteps("nA", shape=("size",), scalar=True, least=1)
    ] = 0.0

    units: ClassVar[dict[str, str]] = {}
    positive: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def current(self) -> StepCurrent | None:
        """The :class:`StepCurrent` in `i_offset`, or None if the current is constant."""
        return self.i_offset if isinstance(self.i_offset, StepCurrent) else None

    @property
    def steady(self) -> LIF:
        """The cell with `i_offset` 0 if its current changes over time, else the cell itself."""
        return self if self.current is None else replace(self, i_offset=0.0)

    @checked
    def array(
        self, name: Annotated[str, ParameterName()], size: Annotated[int, Count()]
    ) -> NDArray[np.float64]:
        """Return the values of one parameter for `size` cells, shape (size,).

        Raises
        ------
        DescriptionError
            If the parameter has values for another number of cells, or changes over time.
        """
        if name == "i_offset" and self.current is not None:
            raise DescriptionError(
                "LIF.array: i_offset changes over time; read it from LIF.current, and the other "
                "parameters from LIF.steady."
            )
        value = np.asarray(getattr(self, name), dtype=np.float64)
        if value.ndim and value.size != size:
            raise DescriptionError(f"LIF.array: size must be {value.size}, as {name}, got {size}.")
        return np.broadcast_to(value, (size,))

    @checked
    def tile(self, n: Annotated[int, Count()]) -> LIF:
        """Return the parameters of `n` copies side by side; scalars stay scalars."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.current is not None:
            values["i_offset"] = self.current.tile(n)
        numbers = sum(np.size(value) for value in values.values() if np.ndim(value))
        require_memory(8 * numbers * n, f"LIF.tile: {n} copies", "Make fewer.")
        return LIF(**{k: np.tile(v, n) if np.ndim(v) else v for k, v in values.items()})


LIF.units = {name: kind.unit for name, kind in kinds_of(LIF).items()}  # type: ignore[attr-defined]
LIF.positive = tuple(
    name for name, kind in kinds_of(LIF).items() if getattr(kind, "above", None) == 0.0
)


@dataclass(frozen=True, eq=False)
class SpikeSource(Frozen):
    """Cells that fire at prescribed times (PyNN ``SpikeSourceArray``).

    :meth:`poisson` and :meth:`regular` generate spike trains; :meth:`from_lists` and
    :meth:`from_neo` take existing ones. Random trains are drawn when the source is made, so that
    every backend gets the same spikes.

    Parameters
    ----------
    spikes : SpikeTrains
        Spike times of each cell; they must lie on the network's time grid.

    Raises
    ------
    DescriptionError
        If `spikes` is not a :class:`SpikeTrains`.

    Examples
    --------
    >>> SpikeSource.from_lists([[1.0], [2.0, 5.0]]).spikes.counts().tolist()
    [1, 2]
    """

    spikes: Annotated[
        SpikeTrains,
        Instance(
            SpikeTrains,
            remedy="From lists of times: SpikeSource.from_lists([[1.0], [2.0, 5.0]]).",
        ),
    ]

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    @checked
    def poisson(
        cls,
        rate: sources.Rates,
        *,
        size: Annotated[int, Count()],
        duration: sources.Positive,
        dt: sources.Positive,
        times: sources.Changes | None = None,
        seed: Seed,
    ) -> Self:
        """Draw Poisson spike trains, independent for each cell.

        In every step a cell fires with the probability ``rate * dt``, so that the mean rate is
        exact.

        Parameters
        ----------
        rate : float or array_like, Hz
            One rate, or one for each cell, shape (size,). With `times`: shape (n_times,) or
            (n_times, size). A rate must be at most one spike in a step.
        size : int
            Number of cells.
        duration, dt : float
            Length of the trains and the network's time step, ms.
        times : array_like of float, shape (n_times,), optional
            Times at which the rate changes, ms, ascending from 0: ``rate[k]`` holds from
            ``times[k]`` on.
        seed : int or numpy.random.Generator
            Seed of the draw. Two sources with the same seed and rate fire at the same times.

        Raises
        ------
        DescriptionError
            If a shape does not fit, a rate is above 1 / `dt`, or `duration` is off the time grid.

        Examples
        --------
        >>> noise = SpikeSource.poisson(20.0, size=1000, duration=1000.0, dt=0.1, seed=1)
        >>> round(noise.spikes.rates().mean())
        20
        """
        return cls(
            sources.poisson(rate, size=size, duration=duration, dt=dt, times=times, seed=seed)
        )

    @classmethod
    @checked
    def regular(
        cls,
        rate: sources.PositiveRates,
        *,
        size: Annotated[int, Count()],
        duration: sources.Positive,
        dt: sources.Positive,
        start: sources.Starts = 0.0,
    ) -> Self:
        """Generate regular spike trains.

        Parameters
        ----------
        rate : float or array_like, shape (size,)
            Hz, at most one spike in a step. Each spike is rounded to the nearest step, so that
            the mean rate is exact.
        size : int
            Number of cells.
        duration, dt : float
            Length of the trains and the network's time step, ms.
        start : float or array_like, shape (size,)
            Time of the first spike of each cell, ms.

        Raises
        ------
        DescriptionError
            If a shape does not fit, a rate is above 1 / `dt`, or `duration` is off the time grid.

        Examples
        --------
        >>> clock = SpikeSource.regular(100.0, size=1, duration=30.0, dt=1.0, start=5.0)
        >>> clock.spikes.to_lists()
        [[5.0, 15.0, 25.0]]
        """
        return cls(sources.regular(rate, size=size, duration=duration, dt=dt, start=start))

    @classmethod
    @checked
    def from_lists(
        cls,
        times: Annotated[Sequence[ArrayLike], Trains()],
        *,
        duration: Annotated[float, Quantity("ms", low=0.0)] | None = None,
        dt: sources.Positive | None = None,
    ) -> Self:
        """Make a source from one list of spike times (ms) for each cell.

        Parameters
        ----------
        times : sequence of sequences of float
            Spike times of each cell, ms; an empty list for a silent cell.
        duration : float, optional
            Length of the trains, ms. Default: just past the last spike.
        dt : float, optional
            Time step, ms. Each time is rounded to the nearest multiple of it, and spikes of a
            cell in the same step merge. Default: times are not rounded.

        Examples
        --------
        >>> SpikeSource.from_lists([[1.04], []], dt=0.5).spikes.to_lists()
        [[1.0], []]
        """
        trains = SpikeTrains.from_lists(times, duration=duration)
        return cls(trains if dt is None else trains.to_grid(dt))

    @classmethod
    @checked
    def from_neo(cls, source: Any, *, dt: sources.Positive | None = None) -> Self:
        """Make a source from a ``neo.Segment``, a ``neo.Block`` with one segment, or a list.

        Parameters
        ----------
        source : neo.Block, neo.Segment, or sequence of neo.SpikeTrain
            One train for each cell, in order. Units are converted, and the earliest start of a
            train becomes 0 ms.
        dt : float, optional
            Time step, ms. Each time is rounded to the nearest multiple of it, and spikes of a
            cell in the same step merge.

        Raises
        ------
        DescriptionError
            If `source` is anything else, or has no trains.
        """
        trains = sources.from_neo(source)
        return cls(trains if dt is None else trains.to_grid(dt))


@dataclass(frozen=True, kw_only=True, eq=False)
class STDP(Frozen):
    """Additive pair-based spike-timing-dependent plasticity.

    A post-synaptic spike adds ``a_plus * exp(-(t_post - t_pre) / tau_plus)`` to the weight for
    each earlier pre-synaptic spike. A pre-synaptic spike subtracts ``a_minus * exp(-(t_pre -
    t_post) / tau_minus)`` for each earlier post-synaptic spike. All pairs count, and the delay is
    dendritic. ``docs/explanation/semantics.md`` gives the order of events in a step.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the two windows, ms, > 0.
    a_plus, a_minus : float
        Largest weight change by one pair of spikes, nA, >= 0; absolute, not relative to `w_max`.
    w_min, w_max : float
        Range of the weight, nA, 0 <= `w_min` < `w_max`.
    enabled : sequence of (start, stop) or (start, stop, tile), optional
        Windows in ms, ``start <= t < stop``, in which weights change. Outside them the weights
        stay constant, and only the spike traces are updated. With a third entry the window holds
        for one tile only, in a network of copies (:meth:`spikemem.Network.stack`). Default:
        always.

    Raises
    ------
    DescriptionError
        If a value is out of range. The message lists all problems.
    """

    tau_plus: Annotated[float, Quantity("ms", above=0.0)] = 20.0
    tau_minus: Annotated[float, Quantity("ms", above=0.0)] = 20.0
    a_plus: Annotated[float, Quantity("nA", low=0.0)]
    a_minus: Annotated[float, Quantity("nA", low=0.0)]
    w_min: Annotated[float, Quantity("nA", low=0.0)] = 0.0
    w_max: Annotated[float, Quantity("nA", low=0.0)]
    enabled: Annotated[tuple[Window, ...], Windows()] | None = None

    units: ClassVar[dict[str, str]] = {}

    def __post_init__(self) -> None:
        problems = Problems("STDP")
        check_fields(self, problems)
        if not problems.found and self.w_min >= self.w_max:
            problems.add(f"w_min must be below w_max, got {self.w_min:g} and {self.w_max:g} nA")
        problems.raise_if_any()

    @property
    def last_tile(self) -> int:
        """Largest tile number in the windows, or -1 if no window names a tile."""
        return _last_tile(self.enabled)

    @checked
    def gate(
        self,
        times: Annotated[NDArray[np.floating[Any]], Quantities("ms", shape=("n_times",))],
        tiles: Annotated[int, Count()] = 1,
    ) -> NDArray[np.bool_]:
        """Tell whether weights may change at each of these times (ms), shape (n_times, `tiles`).

        Examples
        --------
        >>> rule = STDP(a_plus=1.0, a_minus=1.0, w_max=6.0, enabled=[(1.0, 3.0)])
        >>> rule.gate(np.arange(4.0))[:, 0].tolist()
        [False, True, True, False]
        """
        return gate_of(self.enabled, np.asarray(times, dtype=np.float64), tiles)


STDP.units = {
    name: kind.unit for name, kind in kinds_of(STDP).items() if isinstance(kind, Quantity)
}


def _last_tile(windows: Iterable[Window] | None) -> int:
    return max((window[2] for window in windows or () if len(window) == 3), default=-1)


def gate_of(
    windows: tuple[Window, ...] | None, times: NDArray[np.float64], tiles: int
) -> NDArray[np.bool_]:
    """Return the table of :meth:`STDP.gate` for windows that are already checked."""
    if _last_tile(windows) >= tiles:
        raise DescriptionError(
            f"enabled: tile must be from 0 to {tiles - 1}, got {_last_tile(windows)}."
        )
    require_memory(
        len(times) * tiles, f"STDP.gate: {len(times)} times of {tiles} tiles", "Use fewer."
    )
    table = np.zeros((len(times), tiles), dtype=np.bool_)
    table[:] = windows is None
    for start, stop, *tile in windows or ():
        low, high = times.searchsorted((start - GRID, stop - GRID))
        table[low:high, int(tile[0]) if tile else slice(None)] = True
    return table


def _window(window: Any, where: str) -> Window:
    edges = to_tuple(window, where, "start and stop in ms")
    if len(edges) not in (2, 3):
        raise DescriptionError(f"{where} must be (start, stop) in ms, got {shown(window)}")
    start, stop = (to_float(edge, "ms", where) for edge in edges[:2])
    if not 0 <= start < stop:
        raise DescriptionError(f"{where} must have 0 <= start < stop, got {shown(window)} (ms)")
    if len(edges) == 2:
        return start, stop
    return start, stop, to_int(edges[2], f"{where}: tile", low=0)
