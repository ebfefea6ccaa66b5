"""Makes spike trains before a simulation: Poisson, regular, or from neo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import Count, Quantities, Quantity, checked
from .connectors import bernoulli
from .errors import DescriptionError, shown
from .limits import require_memory
from .spikes import SpikeTrains
from .streams import Seed, stream
from .units import ROUNDING, in_unit, off_grid, steps

__all__ = [
    "Changes",
    "Positive",
    "PositiveRates",
    "Rates",
    "Starts",
    "from_neo",
    "poisson",
    "regular",
]

_BYTES = 80
"""Memory that one spike takes while it is drawn, bytes."""

Positive = Annotated[float, Quantity("ms", above=0.0)]
Rates = Annotated[ArrayLike, Quantities("Hz", low=0.0)]
PositiveRates = Annotated[ArrayLike, Quantities("Hz", above=0.0)]
Starts = Annotated[ArrayLike, Quantities("ms", low=0.0)]
Changes = Annotated[NDArray[np.float64], Quantities("ms", low=0.0, shape=(None,))]


def _n_steps(duration: float, dt: float, where: str) -> int:
    if off_grid(np.asarray(duration), dt):
        raise DescriptionError(
            f"{where}: duration must be a multiple of dt={dt:g} ms, got {duration:g} ms."
        )
    return int(steps(duration, dt))


@checked
def poisson(
    rate: Rates,
    *,
    size: Annotated[int, Count()],
    duration: Positive,
    dt: Positive,
    times: Changes | None = None,
    seed: Seed = 0,
) -> SpikeTrains:
    """Draw Poisson spike trains on a time grid.

    In every step a cell fires with the probability ``rate * dt``, independently of other steps
    and cells, so that the mean rate is exact.

    Parameters
    ----------
    rate : float or array_like, Hz
        One rate, or one for each cell, shape (size,). With `times`: shape (n_times,) or
        (n_times, size).
    size : int
        Number of cells.
    duration, dt : float
        Length of the trains and time step, ms.
    times : array_like of float, shape (n_times,), optional
        Times at which the rate changes, ms, ascending from 0: ``rate[k]`` holds from
        ``times[k]`` on.
    seed : int or numpy.random.Generator
        Seed of the draw.

    Raises
    ------
    DescriptionError
        If a shape does not fit, a rate is above 1 / `dt`, or `duration` is off the time grid.

    Examples
    --------
    >>> trains = poisson(50.0, size=1000, duration=1000.0, dt=0.1, seed=1)
    >>> round(len(trains) / 1000)
    50
    """
    where = "poisson"
    n = _n_steps(duration, dt, where)
    table, first_steps = _rate_table(np.asarray(rate), times, size, dt, where)
    chance = table * (dt / 1000.0)
    most = float(chance.max(initial=0.0))
    if most > 1.0:
        raise DescriptionError(
            f"{where}: rate must be at most one spike in a step ({1000.0 / dt:g} Hz for "
            f"dt={dt:g} ms), got {table.max():g} Hz."
        )
    _require_room(float(table.max(axis=0).mean()) * duration / 1000.0, size, where)
    rng = stream(seed, "sources", "poisson")
    step, cell = np.divmod(bernoulli(n * size, most, rng), size)
    if most:
        row = np.searchsorted(first_steps, step, side="right") - 1
        accepted = rng.random(step.size) * most < chance[row, cell % chance.shape[1]]
        step, cell = step[accepted], cell[accepted]
    return SpikeTrains(ids=cell, times=step * dt, size=size, duration=n * dt)


def _rate_table(
    rate: NDArray[np.float64], times: NDArray[np.float64] | None, size: int, dt: float, where: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return rates, shape (n_times, 1 or size), and the first step of each row."""
    if times is None:
        if rate.shape not in ((), (size,)):
            raise DescriptionError(
                f"{where}: rate must be one number or have shape ({size},), got {rate.shape}; for "
                f"rates that change over time give times=."
            )
        return np.atleast_1d(rate)[None, :], np.zeros(1, dtype=np.int64)
    if not times.size or times[0] != 0 or np.any(np.diff(times) <= 0):
        raise DescriptionError(
            f"{where}: times must ascend from 0 ms, got {shown(times.tolist())}."
        )
    if rate.shape not in ((times.size,), (times.size, size)):
        raise DescriptionError(
            f"{where}: rate must have shape ({times.size},) or ({times.size}, {size}), one for "
            f"each of times, got {rate.shape}."
        )
    return rate.reshape(times.size, -1), np.ceil(times / dt - 1e-6).astype(np.int64)


def _require_room(per_cell: float, size: int, where: str) -> None:
    require_memory(
        (_BYTES * per_cell + 32) * size, f"{where}: {size} cells of about {per_cell:.3g} spikes",
        "Use fewer cells, a lower rate, or a shorter duration.",
    )  # fmt: skip


@checked
def regular(
    rate: PositiveRates,
    *,
    size: Annotated[int, Count()],
    duration: Positive,
    dt: Positive,
    start: Starts = 0.0,
) -> SpikeTrains:
    """Make regular spike trains on a time grid.

    Parameters
    ----------
    rate : float or array_like, shape (size,)
        Hz, at most one spike in a step. Each spike is rounded to the nearest step, so that the
        mean rate is exact.
    size : int
        Number of cells.
    duration, dt : float
        Length of the trains and time step, ms.
    start : float or array_like, shape (size,)
        Time of the first spike of each cell, ms.

    Raises
    ------
    DescriptionError
        If a shape does not fit, a rate is above 1 / `dt`, or `duration` is off the time grid.

    Examples
    --------
    >>> regular([100.0, 50.0], size=2, duration=30.0, dt=1.0).to_lists()
    [[0.0, 10.0, 20.0], [0.0, 20.0]]
    """
    n = _n_steps(duration, dt, "regular")
    _require_room(float(np.asarray(rate).mean()) * duration / 1000.0, size, "regular")
    rates, starts = (_for_each(x, size, name) for x, name in ((rate, "rate"), (start, "start")))
    period = 1000.0 / rates
    if np.any(period < dt * (1 - ROUNDING)):
        raise DescriptionError(
            f"regular: rate must be at most one spike in a step ({1000.0 / dt:g} Hz for "
            f"dt={dt:g} ms), got {rates.max():g} Hz."
        )
    counts = np.maximum(np.ceil((duration - starts) / period - ROUNDING), 0).astype(np.int64)
    cell = np.repeat(np.arange(size), counts)
    spike_number = np.arange(cell.size) - np.repeat(np.cumsum(counts) - counts, counts)
    step = steps(starts[cell] + spike_number * period[cell], dt)
    inside = step < n
    return SpikeTrains(ids=cell[inside], times=step[inside] * dt, size=size, duration=n * dt)


def _for_each(values: Any, size: int, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (size,)):
        raise DescriptionError(
            f"regular: {name} must be one number or have shape ({size},), got {array.shape}."
        )
    return np.broadcast_to(array, (size,))


def from_neo(source: Any) -> SpikeTrains:
    """Read the spike trains of a ``neo.Block``, a ``neo.Segment`` or a list of trains.

    Parameters
    ----------
    source : neo.Block, neo.Segment, or sequence of neo.SpikeTrain
        One train for each cell, in order; a block must have one segment. Units are converted.

    Returns
    -------
    SpikeTrains
        Times since the earliest start of a train, ms, up to the latest stop.

    Raises
    ------
    DescriptionError
        If `source` is anything else, or has no trains.
    """
    segments = getattr(source, "segments", None)
    if segments is not None:
        if len(segments) != 1:
            raise DescriptionError(
                f"from_neo: the block must have one segment, got {len(segments)}; give one of "
                f"block.segments."
            )
        source = segments[0]
    trains: Any = getattr(source, "spiketrains", source)
    lists = (
        list(trains) if isinstance(trains, Iterable) and getattr(trains, "ndim", None) != 0 else []
    )
    if not lists or not all(
        hasattr(train, "t_start") and hasattr(train, "t_stop") for train in lists
    ):
        raise DescriptionError(
            f"from_neo: source must be a neo.Block, a neo.Segment or neo.SpikeTrains (at least "
            f"one), got {shown(source)}."
        )
    starts = [float(in_unit(train.t_start, "ms", "t_start")) for train in lists]
    stops = [float(in_unit(train.t_stop, "ms", "t_stop")) for train in lists]
    first = min(starts)
    times = [np.asarray(in_unit(train, "ms", "times"), dtype=np.float64) - first for train in lists]
    duration = max(
        [max(stops) - first, *(float(np.nextafter(t.max(), np.inf)) for t in times if t.size)]
    )
    return SpikeTrains.from_lists([t.tolist() for t in times], duration=duration)
