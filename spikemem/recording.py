"""The result of a run: spikes, traces, weights and provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from .checks import (
    AnyValue,
    Count,
    Each,
    Instance,
    Kind,
    MappingOf,
    Name,
    PathName,
    Quantity,
    check_fields,
    check_shape,
    checked,
)
from .display import Displayed
from .errors import DescriptionError, Problems, shown, unknown_name
from .frozen import Frozen, read_only
from .limits import require_memory
from .spikes import SpikeTrains
from .units import GRID, in_unit, off_grid, steps, to_name

__all__ = ["Recording", "SpikeTrains", "Traces", "load_recording"]


@dataclass(frozen=True)
class TraceName(Kind):
    """Key of a trace: a pair (name of a population or projection, variable)."""

    def check(self, value: Any, where: str) -> tuple[str, str]:
        """Return the pair."""
        if not isinstance(value, tuple) or len(value) != 2:
            raise DescriptionError(f"{where} must be a pair (name, variable), got {shown(value)}.")
        return to_name(value[0], f"{where}: name"), to_name(value[1], f"{where}: variable")


@dataclass(frozen=True)
class Floats(Kind):
    """An array of floats of a certain shape; a recording can hold NaN and infinite values.

    The unit is nA, or mV for the traces whose key ends in "v".
    """

    shape: tuple[str, ...]

    def __init__(self, *shape: str) -> None:
        object.__setattr__(self, "shape", shape)

    def check(self, value: Any, where: str) -> NDArray[np.float64]:
        """Return a read-only array."""
        value = in_unit(value, "mV" if where.endswith("'v')]") else "nA", where)
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, OverflowError):
            array = np.asarray(None)
        if array.dtype.kind not in "iuf":
            raise DescriptionError(f"{where} must be an array of floats, got {shown(value)}")
        check_shape(array, self.shape, where)
        return read_only(array.astype(np.float64, copy=False))


class Traces(dict[str, NDArray[np.float64]]):
    """Traces of one variable, by name of the population or projection."""

    def __init__(self, variable: str, traces: Mapping[str, NDArray[np.float64]]) -> None:
        super().__init__(traces)
        self.variable = variable

    def __missing__(self, name: Any) -> NDArray[np.float64]:
        what = "recorded projection" if self.variable == "weight" else "recorded population"
        raise DescriptionError(
            f"Recording: no trace of {self.variable!r}: {unknown_name(what, name, self)} "
            f"Record one with record=('{self.variable}',)."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording(Frozen, Displayed):
    """The result of a run.

    Parameters
    ----------
    spikes : mapping of str to SpikeTrains
        Spikes of each population that records them; times in ms since the start of the session.
    traces : mapping of (str, str) to ndarray, shape (n_steps, n_cells)
        For each (population, "v") the membrane potential in mV, and for each
        (projection, "weight") the weights in nA. Row k is the value at ``start + k * dt``, before
        the update of that step.
    weights : mapping of str to ndarray, shape (n_synapses,)
        Final weights of each plastic projection, nA, in the order of
        :meth:`spikemem.Network.synapses`.
    dt, start, stop : float
        Time step, beginning and end of the run, ms.
    provenance : mapping
        Backend, integrator, network hash, versions, date.

    Raises
    ------
    DescriptionError
        If an argument has the wrong type or shape. The message lists all problems.

    Examples
    --------
    >>> trains = SpikeTrains(ids=[0], times=[2.0], size=1)
    >>> Recording(spikes={"CA3": trains}, stop=5.0)["CA3"].times.tolist()
    [2.0]
    """

    spikes: Annotated[Mapping[str, SpikeTrains], MappingOf(Name(), Instance(SpikeTrains))]
    traces: Annotated[
        Mapping[tuple[str, str], NDArray[np.float64]],
        MappingOf(TraceName(), Floats("n_steps", "n")),
    ] = field(default_factory=dict)
    weights: Annotated[
        Mapping[str, NDArray[np.float64]], MappingOf(Name(), Floats("n_synapses"))
    ] = field(default_factory=dict)
    dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0
    start: Annotated[float, Quantity("ms")] = 0.0
    stop: Annotated[float, Quantity("ms")] = 0.0
    provenance: Annotated[Mapping[str, Any], MappingOf(AnyValue())] = field(default_factory=dict)

    view: ClassVar[str] = "spikemem.plotting.views:recording_view"
    panels: ClassVar[str] = "spikemem.reporting.recordings:recording_panels"

    def __post_init__(self) -> None:
        problems = Problems("Recording")
        converted = check_fields(self, problems)
        if {"dt", "start", "stop"} <= converted:
            self._check_clock(problems)
        problems.raise_if_any()
        for name in ("spikes", "traces", "weights", "provenance"):
            object.__setattr__(self, name, MappingProxyType(getattr(self, name)))

    def _check_clock(self, problems: Problems) -> None:
        if self.stop < self.start:
            problems.add(
                f"stop must not be before start, got start={self.start:g} and stop={self.stop:g} ms"
            )
            return
        with problems.collecting():
            n_steps = int(steps(self.duration, self.dt))
            traces = self.traces if isinstance(self.traces, Mapping) else {}
            for key, trace in traces.items():
                if isinstance(trace, np.ndarray) and trace.ndim == 2 and len(trace) != n_steps:
                    problems.add(
                        f"traces[{shown(key)}] must have shape ({n_steps}, n), got {trace.shape}"
                    )

    @property
    def duration(self) -> float:
        """Length of the run, ms."""
        return self.stop - self.start

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of each row of a trace, ms, shape (n_steps,)."""
        n_steps = int(steps(self.duration, self.dt))
        require_memory(16 * n_steps, f"Recording.times: {n_steps} steps", "Use duration and dt.")
        return self.start + self.dt * np.arange(n_steps, dtype=np.float64)

    def __repr__(self) -> str:
        n_spikes = sum(len(trains) for trains in self.spikes.values())
        return (
            f"Recording({self.start:g} to {self.stop:g} ms, {len(self.spikes)} populations, "
            f"{n_spikes} spikes, {len(self.traces)} traces)"
        )

    def facts(self) -> dict[str, Any]:
        """Return times, spikes and provenance as plain data for JSON."""
        return {
            "start_ms": self.start,
            "stop_ms": self.stop,
            "dt_ms": self.dt,
            "populations": {
                name: {"size": trains.size, "spikes": len(trains)}
                for name, trains in self.spikes.items()
            },
            "traces": [{"of": name, "variable": variable} for name, variable in self.traces],
            "weights": {name: len(weight) for name, weight in self.weights.items()},
            "provenance": dict(self.provenance),
        }

    def describe(self) -> str:
        """Return times, spikes and provenance as lines of text."""
        spikes = self.spikes
        wide = max((len(name) for name in spikes), default=0)
        lines = [
            f"{self.start:g} to {self.stop:g} ms, dt = {self.dt:g} ms, "
            f"{sum(map(len, spikes.values()))} spikes",
            *(f"  {name:<{wide}} {len(one):>8} spikes of {one.size} cells"
              for name, one in spikes.items()),
            *(f"  {name}: {variable} at every step" for name, variable in self.traces),
            *(f"  {name}: {len(weight)} weights, {weight.min(initial=0):g} to "
              f"{weight.max(initial=0):g} nA at the end" for name, weight in self.weights.items()),
            "by " + ", ".join(f"{key} {value}" for key, value in self.provenance.items()),
        ]  # fmt: skip
        return "\n".join(lines)

    def __getitem__(self, population: str) -> SpikeTrains:
        try:
            return self.spikes[population]
        except (KeyError, TypeError):
            raise DescriptionError(
                f"Recording: {unknown_name('recorded population', population, self.spikes)}"
            ) from None

    @property
    def v(self) -> Traces:
        """Membrane potential of each population that records it, mV, shape (n_steps, n_cells).

        Examples
        --------
        >>> Recording(spikes={}, traces={("a", "v"): [[-65.0]]}, stop=1.0).v["a"]
        array([[-65.]])
        """
        return self._traces_of("v")

    @property
    def weight_traces(self) -> Traces:
        """Weights of each projection that records them, nA, shape (n_steps, n_synapses)."""
        return self._traces_of("weight")

    def _traces_of(self, variable: str) -> Traces:
        selected = {name: trace for (name, kind), trace in self.traces.items() if kind == variable}
        return Traces(variable, selected)

    @checked
    def window(
        self,
        start: Annotated[float, Quantity("ms")] | None = None,
        stop: Annotated[float, Quantity("ms")] | None = None,
    ) -> Recording:
        """Return the part of the recording from `start` to `stop` (ms); times do not shift.

        Parameters
        ----------
        start, stop : float, optional
            ms, a whole number of steps after the recording's start. The part has the spikes and
            rows of traces with ``start <= t < stop``. Default: the recording's start and stop.

        Returns
        -------
        Recording
            Its :attr:`weights` are those at `stop`. They are left out if they are unknown: if
            `stop` is not the end and no weights were recorded over time.

        Raises
        ------
        DescriptionError
            If the times are outside the recording, not in order, or between two steps.

        Examples
        --------
        >>> trains = SpikeTrains(ids=[0, 0], times=[2.0, 4.0], size=1)
        >>> Recording(spikes={"CA3": trains}, stop=5.0).window(3.0)["CA3"].times.tolist()
        [4.0]
        """
        low = self.start if start is None else start
        high = self.stop if stop is None else stop
        if not self.start - GRID <= low <= high <= self.stop + GRID:
            raise DescriptionError(
                f"Recording.window: start and stop must be in order and from {self.start:g} to "
                f"{self.stop:g} ms, got {low:g} and {high:g}."
            )
        first, last = (self._step_of(time) for time in (low, high))
        whole = last == self._step_of(self.stop)
        # With the exact integrator, cells can also fire at the very end of a run.
        latest = np.inf if whole else high - GRID
        return replace(
            self,
            spikes={
                name: _cut(trains, low - GRID, latest, high) for name, trains in self.spikes.items()
            },
            traces={key: trace[first:last] for key, trace in self.traces.items()},
            weights=self.weights if whole else self._weights_at(last),
            start=self.start + first * self.dt,
            stop=self.stop if whole else self.start + last * self.dt,
        )

    def _step_of(self, time: float) -> int:
        if off_grid(np.asarray(abs(time - self.start)), self.dt):
            raise DescriptionError(
                f"Recording.window: times must be whole steps of dt={self.dt:g} ms from the start "
                f"({self.start:g} ms), got {time:g} ms."
            )
        return int(steps(time - self.start, self.dt))

    def _weights_at(self, row: int) -> dict[str, NDArray[np.float64]]:
        traces = self.weight_traces
        return {name: traces[name][row] for name in self.weights if name in traces}

    @checked
    def same_as(self, other: Recording) -> bool:
        """Tell whether spikes, traces and weights are exactly equal."""
        return (
            self.spikes.keys() == other.spikes.keys()
            and self.traces.keys() == other.traces.keys()
            and self.weights.keys() == other.weights.keys()
            and all(self.spikes[name] == other.spikes[name] for name in self.spikes)
            and all(_same(self.traces[key], other.traces[key]) for key in self.traces)
            and all(_same(self.weights[key], other.weights[key]) for key in self.weights)
        )

    @staticmethod
    @checked
    def join(
        parts: Annotated[
            Iterable[Recording],
            Each(Instance("spikemem.recording:Recording"), "recordings", least=1),
        ],
    ) -> Recording:
        """Join consecutive recordings of the same session into one.

        Raises
        ------
        DescriptionError
            If there are none, one does not begin where the previous one ends, or they record
            different things.
        """
        runs = tuple(parts)
        for before, after in pairwise(runs):
            if abs(before.stop - after.start) > GRID:
                raise DescriptionError(
                    f"Recording.join: parts must be consecutive; one ends at {before.stop:g} ms "
                    f"and the next begins at {after.start:g} ms."
                )
            if before._structure() != after._structure():
                raise DescriptionError(
                    f"Recording.join: parts must record the same; {before!r} and {after!r} differ "
                    f"in dt, or in the names or sizes of their parts."
                )
        first, last = runs[0], runs[-1]
        spikes = {
            name: SpikeTrains(
                ids=np.concatenate([run.spikes[name].ids for run in runs]),
                times=np.concatenate([run.spikes[name].times for run in runs]),
                size=first.spikes[name].size,
                duration=max(run.spikes[name].duration for run in runs),
            )
            for name in first.spikes
        }
        traces = {key: np.concatenate([run.traces[key] for run in runs]) for key in first.traces}
        return Recording(
            spikes=spikes,
            traces=traces,
            weights=last.weights,
            dt=first.dt,
            start=first.start,
            stop=last.stop,
            provenance=last.provenance,
        )

    def _structure(self) -> tuple[Any, ...]:
        return (
            self.dt,
            {name: trains.size for name, trains in self.spikes.items()},
            {key: trace.shape[1] for key, trace in self.traces.items()},
            {name: weights.shape for name, weights in self.weights.items()},
        )

    @checked
    def split(self, n: Annotated[int, Count()]) -> list[Recording]:
        """Split the recording of `n` copies side by side (:meth:`spikemem.Network.tile`).

        Raises
        ------
        DescriptionError
            If a population or projection does not divide into `n` equal parts.
        """
        sizes = [trains.size for trains in self.spikes.values()]
        sizes += [array.shape[-1] for array in (*self.traces.values(), *self.weights.values())]
        if any(size % n for size in sizes):
            raise DescriptionError(
                f"Recording.split: n={n} must divide every population and projection (sizes: "
                f"{sorted(set(sizes))})."
            )
        return [self._copy(k, n) for k in range(n)]

    def _copy(self, k: int, n: int) -> Recording:
        def part(array: NDArray[np.float64]) -> NDArray[np.float64]:
            width = array.shape[-1] // n
            return array[..., k * width : (k + 1) * width]

        spikes = {}
        for name, trains in self.spikes.items():
            width = trains.size // n
            spikes[name] = trains.select(np.arange(k * width, (k + 1) * width))
        return Recording(
            spikes=spikes,
            traces={key: part(array) for key, array in self.traces.items()},
            weights={name: part(array) for name, array in self.weights.items()},
            dt=self.dt,
            start=self.start,
            stop=self.stop,
            provenance=self.provenance,
        )

    @checked
    def save(self, path: Annotated[str | Path, PathName()], **others: Any) -> Path:
        """Write the recording to an HDF5 file; see :func:`spikemem.storage.save`."""
        from .storage import save

        return save(path, recording=self, **others)

    @staticmethod
    @checked
    def load(path: Annotated[str | Path, PathName()]) -> Recording:
        """Read a recording from an HDF5 file; see :func:`spikemem.load_recording`."""
        return load_recording(path)

    def to_neo(self) -> Any:
        """Convert to a ``neo.Block``; see :func:`spikemem.interchange.recording_to_neo`."""
        from .interchange import recording_to_neo

        return recording_to_neo(self)

    @staticmethod
    @checked
    def from_neo(
        source: Any, *, dt: Annotated[float, Quantity("ms", above=0.0)] | None = None
    ) -> Recording:
        """Convert from neo; see :func:`spikemem.interchange.recording_from_neo`."""
        from .interchange import recording_from_neo

        return recording_from_neo(source, dt=dt)

    def to_pandas(self) -> Any:
        """Return all spikes as a table; see :func:`spikemem.interchange.spikes_to_pandas`."""
        from .interchange import spikes_to_pandas

        return spikes_to_pandas(self)


def _cut(trains: SpikeTrains, start: float, stop: float, duration: float) -> SpikeTrains:
    """Return the spikes from `start` to `stop`, in trains of `duration` unless a spike is later."""
    low, high = np.searchsorted(trains.times, [start, stop])
    times = trains.times[low:high]
    late = bool(times.size) and times[-1] >= duration
    return SpikeTrains(
        ids=trains.ids[low:high],
        times=times,
        size=trains.size,
        duration=trains.duration if late else max(duration, 0.0),
    )


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return np.array_equal(a, b, equal_nan=True)


@checked
def load_recording(path: Annotated[str | Path, PathName()]) -> Recording:
    """Read a :class:`Recording` from an HDF5 file.

    Raises
    ------
    StorageError
        If the file does not exist, is damaged, is not a spikemem file, was written by a newer
        version, or holds no recording.
    """
    from .storage import load

    return cast(Recording, load(path, "recording"))
