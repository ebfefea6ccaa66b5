"""Converts recordings to and from neo (and so NIX and NWB), and to pandas."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from .checks import Quantity, checked
from .errors import BackendMissing, DescriptionError, shown
from .recording import Recording, SpikeTrains
from .units import in_unit

__all__ = ["recording_from_neo", "recording_to_neo", "spikes_to_pandas"]

_WEIGHTS = "weights."
_RENAMED = "provenance_"

Step = Annotated[float, Quantity("ms", above=0.0)]


@checked
def recording_to_neo(recording: Recording) -> Any:
    """Convert a recording to a ``neo.Block`` with one segment.

    Parameters
    ----------
    recording : Recording
        Recording to convert.

    Returns
    -------
    neo.Block
        Its segment holds one ``SpikeTrain`` (ms) for each cell of each recorded population, even
        a silent one, annotated with ``population`` and ``cell``, and one ``AnalogSignal`` for each
        trace (mV; nA for weights), annotated with its ``source``. The segment is annotated with
        `dt`, `start`, `stop` and the final weights, and the block with the provenance.

    Raises
    ------
    BackendMissing
        If neo is not installed.
    DescriptionError
        If `recording` is not a :class:`~spikemem.Recording`.
    """
    try:
        import neo
    except ImportError as error:
        raise BackendMissing.of("to_neo", "neo", extra="neo") from error
    block = neo.Block(name="spikemem", **_annotations(recording))
    clock = {name: getattr(recording, name) for name in ("dt", "start", "stop")}
    weights = {f"{_WEIGHTS}{name}": np.array(w) for name, w in recording.weights.items()}
    segment = neo.Segment(name="run", **clock, **weights)
    for name, trains in recording.spikes.items():
        segment.spiketrains.extend(_trains(neo, name, trains, recording))
    for name, variable in recording.traces:
        segment.analogsignals.append(_signal(neo, name, variable, recording))
    block.segments.append(segment)
    return block


@checked
def recording_from_neo(source: Any, *, dt: Step | None = None) -> Recording:
    """Convert a ``neo.Block`` with one segment, or a ``neo.Segment``, to a recording.

    Blocks of :func:`recording_to_neo` become the original recording. Blocks of PyNN keep the names
    of their populations.

    Parameters
    ----------
    source : neo.Block or neo.Segment
        Units are converted. A spike train belongs to the population that its annotation
        ``population`` or ``source_population`` names ("spikes" without one), and to the cell of
        its annotation ``cell`` or ``source_index`` (without one: in order). Analog signals must
        be potentials or currents.
    dt : float, optional
        Time step, ms. Default: that of the block or of its signals.

    Returns
    -------
    Recording
        The recording; its times are those of the block.

    Raises
    ------
    DescriptionError
        If `source` is anything else, the time step is unknown, a signal has another unit, or
        signals differ in their times.
    """
    block, segment = _segment(source)
    notes = dict(getattr(segment, "annotations", {}))
    trains, signals = list(segment.spiketrains), list(segment.analogsignals)
    periods = [float(in_unit(s.sampling_period, "ms", "sampling_period")) for s in signals]
    step = next((x for x in (dt, notes.get("dt"), *periods) if x is not None), None)
    if step is None:
        raise DescriptionError(
            "from_neo: dt must be given, because neither signals nor annotations have a time step."
        )
    starts, stops = (
        [float(in_unit(getattr(item, name), "ms", name)) for item in (*trains, *signals)]
        for name in ("t_start", "t_stop")
    )
    start = notes.get("start", min(starts, default=0.0))
    stop = notes.get("stop", max(stops, default=0.0))
    if signals and "stop" not in notes:
        stop = start + len(signals[0]) * step
    return Recording(
        spikes=_populations(trains, stop),
        traces={_key(signal): _values(signal) for signal in signals},
        weights={
            key.removeprefix(_WEIGHTS): value
            for key, value in notes.items() if key.startswith(_WEIGHTS)
        },
        dt=step, start=start, stop=stop,
        provenance={
            str(key).removeprefix(_RENAMED): value
            for key, value in getattr(block, "annotations", {}).items()
        },
    )  # fmt: skip


def _segment(source: Any) -> tuple[Any, Any]:
    """Return the block (or None) and its only segment."""
    segments = getattr(source, "segments", None)
    one = segments[0] if segments is not None and len(segments) == 1 else source
    if not all(hasattr(one, name) for name in ("spiketrains", "analogsignals")) or (
        segments is not None and one is source
    ):
        raise DescriptionError(
            f"from_neo: source must be a neo.Segment, or a neo.Block with one segment, got "
            f"{shown(source)}."
        )
    return (None if one is source else source), one


def _populations(trains: list[Any], stop: float) -> dict[str, SpikeTrains]:
    """Collect the spike trains of each population."""
    cells: dict[str, dict[int, Any]] = {}
    for train in trains:
        notes = train.annotations
        name = str(notes.get("population", notes.get("source_population", "spikes")))
        trains_of_cell = cells.setdefault(name, {})
        cell = int(notes.get("cell", notes.get("source_index", len(trains_of_cell))))
        if cell in trains_of_cell:
            raise DescriptionError(f"from_neo: population {name!r} has two trains of cell {cell}.")
        trains_of_cell[cell] = np.asarray(in_unit(train, "ms", "times"), dtype=np.float64)
    populations = {}
    for name, trains_of_cell in cells.items():
        ids = np.repeat(list(trains_of_cell), [len(times) for times in trains_of_cell.values()])
        times = np.concatenate(list(trains_of_cell.values()))
        length = max([stop, *np.nextafter(times, np.inf).tolist()])
        populations[name] = SpikeTrains(
            ids=ids.astype(np.int64), times=times, size=max(trains_of_cell) + 1, duration=length
        )
    return populations


def _key(signal: Any) -> tuple[str, str]:
    notes = signal.annotations
    name = notes.get("source", notes.get("source_population", "signals"))
    return str(name), str(notes.get("variable", signal.name))


def _values(signal: Any) -> Any:
    """Return the values of a signal: potentials in mV, currents in nA."""
    name, variable = _key(signal)
    unit = "mV" if variable == "v" else "nA"
    return np.asarray(in_unit(signal, unit, f"from_neo: signal {name}.{variable}"))


@checked
def spikes_to_pandas(recording: Recording) -> Any:
    """Return all spikes of a recording as a ``pandas.DataFrame``.

    Returns
    -------
    pandas.DataFrame
        One row for each spike, with the columns "population", "cell" and "time" (ms), ordered by
        population, then by time.

    Raises
    ------
    BackendMissing
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise BackendMissing(
            "to_pandas needs pandas, which is not installed: pip install pandas"
        ) from error
    counts = [len(trains) for trains in recording.spikes.values()]
    parts = list(recording.spikes.values())
    return pandas.DataFrame({
        "population": np.repeat(np.array(list(recording.spikes), dtype=object), counts),
        "cell": np.concatenate([np.empty(0, np.int32), *(trains.ids for trains in parts)]),
        "time": np.concatenate([np.empty(0), *(trains.times for trains in parts)]),
    })  # fmt: skip


def _annotations(recording: Recording) -> dict[str, Any]:
    """Return the provenance in types that neo accepts; keys that neo uses get a prefix."""
    reserved = ("name", "description", "file_origin", "file_datetime", "rec_datetime", "index")
    return {
        f"{_RENAMED}{key}" if key in reserved else str(key): (
            value if isinstance(value, str | int | float | bool) else str(value)
        )
        for key, value in recording.provenance.items()
    }


def _trains(neo: Any, name: str, trains: SpikeTrains, recording: Recording) -> list[Any]:
    # The spikes of a recording made by hand can lie outside its start and stop.
    times = trains.times
    start = min(recording.start, float(times[0])) if times.size else recording.start
    stop = max(recording.stop, float(times[-1]), start) if times.size else recording.stop
    return [
        neo.SpikeTrain(
            np.array(train),
            units="ms",
            t_start=start,
            t_stop=stop,
            name=f"{name}[{cell}]",
            population=name,
            cell=cell,
        )
        for cell, train in enumerate(trains.to_lists())
    ]


def _signal(neo: Any, name: str, variable: str, recording: Recording) -> Any:
    import quantities

    return neo.AnalogSignal(
        recording.traces[name, variable],
        units="mV" if variable == "v" else "nA",
        sampling_period=recording.dt * quantities.ms,
        t_start=recording.start * quantities.ms,
        name=f"{name}.{variable}",
        source=name,
        variable=variable,
    )
