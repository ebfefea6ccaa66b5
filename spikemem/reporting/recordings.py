"""What a recording shows in a report: spikes, rates, traces, and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..panels import Band, Curves, Histogram, Panel, Raster, Series
from ..recording import Recording
from ..spikes import SpikeTrains

__all__ = ["bands", "rates", "recording_panels", "trace_panel"]

_MOST_RATES, _MOST_TRACES, _MOST_LINES, _BINS = 7, 6, 6, 200


def recording_panels(recording: Recording) -> Iterator[Panel]:
    """Yield the spikes, rates, traces and weights of a recording."""
    if recording.spikes:
        yield Raster(
            "Spikes",
            "Each mark is a spike; each row is a cell.",
            bands(recording.spikes),
            recording.start,
            recording.stop,
        )
    if any(len(trains) for trains in recording.spikes.values()) and recording.duration > 0:
        yield rates(recording)
        yield _cell_rates(recording)
    for name, variable in list(recording.traces)[:_MOST_TRACES]:
        if recording.traces[name, variable].size:
            yield trace_panel(recording, name, variable)
    weights = {name: values for name, values in recording.weights.items() if values.size}
    if weights:
        few = dict(list(weights.items())[:_MOST_RATES])
        yield Histogram(
            "Weights at the end",
            "How the weights of each plastic projection are distributed at the end of the run.",
            few,
            x="weight (nA)",
        )


def bands(spikes: Mapping[str, SpikeTrains]) -> list[Band]:
    """Spikes of each population for a raster; the first one at the top."""
    found = [Band(name, trains.size, trains.ids, trains.times) for name, trains in spikes.items()]
    return found[::-1]


def rates(recording: Recording) -> Curves:
    """Rate of each population over time, from all of its spikes."""
    most = max(int(recording.duration / recording.dt), 1)
    edges = np.linspace(recording.start, recording.stop, min(_BINS, most) + 1)
    width = edges[1] - edges[0]
    active = sorted(recording.spikes.items(), key=lambda pair: -len(pair[1]))[:_MOST_RATES]
    series = [
        Series(
            name,
            edges[:-1],
            1000.0 * np.histogram(trains.times, edges)[0] / (trains.size * width),
            style="steps",
        )
        for name, trains in active
        if len(trains)
    ]
    left_out = sum(bool(len(trains)) for trains in recording.spikes.values()) - len(series)
    more = f" {left_out} less active populations are left out." if left_out else ""
    return Curves(
        "Rates over time",
        f"Mean rate of the cells of each population in steps of {width:.3g} ms.{more}",
        series,
        x="time (ms)",
        y="rate (Hz)",
    )


def _cell_rates(recording: Recording) -> Histogram:
    active = sorted(recording.spikes.items(), key=lambda pair: -len(pair[1]))[:_MOST_RATES]
    seconds = recording.duration / 1000.0
    return Histogram(
        "Rates of the cells",
        "How many of the cells of each population fire at which rate over the whole run.",
        {name: trains.counts() / seconds for name, trains in active if len(trains)},
        x="rate (Hz)",
    )


def trace_panel(
    recording: Recording, name: str, variable: str, marks: Sequence[tuple[float, str]] = ()
) -> Curves:
    """A few of the recorded potentials or weights over time."""
    values = recording.traces[name, variable]
    chosen = _chosen(recording, name, variable, values)
    is_v = variable == "v"
    kind, what = ("cell", "membrane potentials") if is_v else ("synapse", f"{variable}s")
    which = "" if len(chosen) == values.shape[1] else (
        f" Drawn are {len(chosen)} of {values.shape[1]:,}, those that "
        f"{'spike' if is_v else 'change'} most.")  # fmt: skip
    return Curves(
        f"{'Potentials' if is_v else variable.capitalize() + 's'} of {name}",
        f"Recorded {what} over time, one line for each {kind}.{which}",
        [Series(f"{kind} {k}", recording.times, values[:, k]) for k in chosen],
        x="time (ms)",
        y="v (mV)" if is_v else f"{variable} (nA)",
        rows=True,
        marks=marks,
    )


def _chosen(
    recording: Recording, name: str, variable: str, values: NDArray[np.float64]
) -> list[int]:
    """Cells that spike most, or synapses that change most; in order."""
    if variable == "v" and name in recording.spikes:
        trains = recording.spikes[name]
        score = np.zeros(values.shape[1])
        n = min(trains.size, values.shape[1])
        score[:n] = trains.counts()[:n]
    else:
        fine = np.where(np.isfinite(values), values, 0.0)
        score = fine.max(axis=0) - fine.min(axis=0)
    order = np.argsort(-score, kind="stable")[:_MOST_LINES]
    return sorted(order.tolist())
