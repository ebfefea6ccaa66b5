"""Recordings for other tools: neo, and through it NIX and NWB."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import checked
from .errors import BackendMissing
from .recording import Recording, SpikeTrains

__all__ = ["recording_to_neo"]


@checked
def recording_to_neo(recording: Recording) -> Any:
    """Convert a recording to a ``neo.Block`` with one segment.

    Parameters
    ----------
    recording : Recording
        What to convert.

    Returns
    -------
    neo.Block
        Its segment holds one ``SpikeTrain`` (ms) for each cell of each recorded population, silent
        ones too, annotated with ``population`` and ``cell``, and one ``AnalogSignal`` for each
        trace (mV; nA for weights), annotated with its ``source``. The block is annotated with the
        provenance.

    Raises
    ------
    BackendMissing
        neo is not installed.
    DescriptionError
        `recording` is not a :class:`~spikemem.Recording`.
    """
    try:
        import neo
    except ImportError as error:
        raise BackendMissing.of("to_neo", "neo", extra="neo") from error
    block = neo.Block(name="spikemem", **_annotations(recording))
    segment = neo.Segment(name="run")
    for name, trains in recording.spikes.items():
        segment.spiketrains.extend(_trains(neo, name, trains, recording))
    for name, variable in recording.traces:
        segment.analogsignals.append(_signal(neo, name, variable, recording))
    block.segments.append(segment)
    return block


def _annotations(recording: Recording) -> dict[str, Any]:
    """Provenance in the types that neo takes; its own field names are kept free."""
    taken = ("name", "description", "file_origin", "file_datetime", "rec_datetime", "index")
    return {
        f"provenance_{key}" if key in taken else str(key): (
            value if isinstance(value, str | int | float | bool) else str(value)
        )
        for key, value in recording.provenance.items()
    }


def _trains(neo: Any, name: str, trains: SpikeTrains, recording: Recording) -> list[Any]:
    # A recording made by hand may not say where it ends.
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
