"""Writes and reads networks and recordings in files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .cells import LIF, STDP, SpikeSource
from .currents import StepCurrent
from .errors import StorageError
from .network import Network, Population, Projection
from .recording import Recording, SpikeTrains
from .storage import FileKind, put, read_fields, write_fields
from .units import to_int

__all__ = ["NETWORK", "RECORDING"]

_CURRENT_UNITS = {"times": "ms", "amplitudes": "nA"}
_SYNAPSE_UNITS = {"weight": "nA", "delay": "ms"}


def _write_network(file: h5py.File, network: Network) -> None:
    root = file.create_group("network")
    root.attrs["content_hash"] = network.content_hash
    put(root, "dt", network.dt, "ms")
    root.attrs["copies"] = network.copies
    nodes = root.create_group("populations", track_order=True)
    for population in network.populations:
        group = nodes.create_group(population.name)
        write_fields(group, population, {"v_init": "mV"})
        cell = group.create_group("cell")
        cell.attrs["type"] = type(population.cell).__name__
        if isinstance(population.cell, SpikeSource):
            write_fields(cell, population.cell.spikes, {"times": "ms", "duration": "ms"})
        else:
            write_fields(cell, population.cell, LIF.units)
            if population.cell.current is not None:
                write_fields(cell.create_group("i_offset"), population.cell.current, _CURRENT_UNITS)
    edges = root.create_group("projections", track_order=True)
    for projection in network.projections:
        group = edges.create_group(projection.name)
        write_fields(group, projection, _SYNAPSE_UNITS)
        if projection.plasticity is not None:
            _write_rule(group.create_group("plasticity"), projection.plasticity)


def _read_network(file: h5py.File) -> Network:
    root = file["network"]
    populations, projections = [], []
    for group in root["populations"].values():
        cell: LIF | SpikeSource
        if group["cell"].attrs["type"] == "SpikeSource":
            cell = SpikeSource(spikes=SpikeTrains(**read_fields(group["cell"], SpikeTrains)))
        else:
            cell = _read_cell(group["cell"])
        populations.append(Population(cell=cell, **read_fields(group, Population)))
    for group in root["projections"].values():
        rule = None
        if "plasticity" in group:
            rule = _read_rule(group["plasticity"])
        projections.append(Projection(plasticity=rule, **read_fields(group, Projection)))
    copies = to_int(root.attrs.get("copies", 1), "copies")
    network = Network(
        populations=populations, projections=projections, dt=root["dt"][()], copies=copies
    )
    if network.content_hash != root.attrs["content_hash"]:
        raise StorageError("its content does not match its hash")
    return network


def _read_cell(group: h5py.Group) -> LIF:
    values = read_fields(group, LIF)
    if "i_offset" in group and isinstance(group["i_offset"], h5py.Group):
        values["i_offset"] = StepCurrent(**read_fields(group["i_offset"], StepCurrent))
    return LIF(**values)


_EVERY_TILE = -1.0


def _write_rule(group: h5py.Group, rule: STDP) -> None:
    write_fields(group, replace(rule, enabled=None), STDP.units)
    if rule.enabled is not None:
        rows = [(*window, _EVERY_TILE)[:3] for window in rule.enabled]
        put(group, "enabled", np.array(rows, dtype=np.float64).reshape(-1, 3), "ms")
        group["enabled"].attrs["columns"] = ["start", "stop", "tile (-1: every tile)"]


def _read_rule(group: h5py.Group) -> STDP:
    values = read_fields(group, STDP)
    if "enabled" in values:
        values["enabled"] = [
            (start, stop) if tile == _EVERY_TILE else (start, stop, int(tile))
            for start, stop, tile in values["enabled"].tolist()
        ]
    return STDP(**values)


def _write_recording(file: h5py.File, recording: Recording) -> None:
    root = file.create_group("recording")
    for name in ("dt", "start", "stop"):
        put(root, name, getattr(recording, name), "ms")
    root["provenance"] = json.dumps(dict(recording.provenance), default=str)
    spikes = file.create_group("spikes", track_order=True)
    for name, trains in recording.spikes.items():
        group = spikes.create_group(name)
        group.attrs.update(sorting="by_time", size=trains.size)
        put(group, "timestamps", trains.times, "ms")
        put(group, "node_ids", trains.ids.astype(np.uint64))
        put(group, "duration", trains.duration, "ms")
    traces = root.create_group("traces", track_order=True)
    for (name, variable), array in recording.traces.items():
        group = traces[name] if name in traces else traces.create_group(name, track_order=True)
        put(group, variable, array, "mV" if variable == "v" else "nA")
    weights = root.create_group("weights", track_order=True)
    for name, array in recording.weights.items():
        put(weights, name, array, "nA")


def _read_recording(file: h5py.File) -> Recording:
    root = file["recording"]
    spikes = {name: _read_spikes(group) for name, group in file["spikes"].items()}
    traces = {
        (name, variable): _read_only_array(data)
        for name, group in root["traces"].items()
        for variable, data in group.items()
    }
    return Recording(
        spikes=spikes,
        traces=traces,
        weights={name: _read_only_array(data) for name, data in root["weights"].items()},
        dt=root["dt"][()],
        start=root["start"][()],
        stop=root["stop"][()],
        provenance=json.loads(root["provenance"][()]),
    )


def _read_spikes(group: h5py.Group) -> SpikeTrains:
    return SpikeTrains(
        ids=group["node_ids"][()],
        times=group["timestamps"][()],
        size=group.attrs["size"],
        duration=group["duration"][()],
    )


def _read_only_array(data: h5py.Dataset) -> NDArray[Any]:
    """Read an array and make it read-only, so that the recording does not copy it."""
    array: NDArray[Any] = data[()]
    array.flags.writeable = False
    return array


NETWORK = FileKind(_write_network, _read_network, Network)
RECORDING = FileKind(_write_recording, _read_recording, Recording, groups=("recording", "spikes"))
