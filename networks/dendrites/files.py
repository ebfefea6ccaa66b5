"""Neurons and sequence memories in HDF5 files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import h5py

from ...storage import register
from .neurons import ActiveDendriteNeurons
from .segments import PermanenceRule, Segments
from .temporal import TemporalMemory

__all__: list[str] = []


def _write_settings(group: h5py.Group, thing: Any) -> None:
    arguments = thing.arguments() | {"rule": asdict(thing.rule)}
    group.attrs.update(arguments=json.dumps(arguments), clock=thing.clock)


def _read_settings(group: h5py.Group) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(group.attrs["arguments"])
    return arguments | {"rule": PermanenceRule(**arguments["rule"])}


def _write_arrays(group: h5py.Group, **arrays: Any) -> None:
    for name, array in arrays.items():
        packed = {"compression": "gzip"} if array.size > 1000 else {}
        group.create_dataset(name, data=array, **packed)


def _read_segments(group: h5py.Group, n_inputs: int, rule: PermanenceRule) -> Segments:
    cells, permanences = group["cells"][()], group["permanences"][()]
    if cells.shape != permanences.shape:
        raise ValueError("it has other numbers of cells than of permanences")
    if cells.max(initial=-1) >= n_inputs or cells.min(initial=-1) < -1:
        raise ValueError("a synapse is on a cell that does not exist")
    segments = Segments(len(cells), cells.shape[1], n_inputs, rule)
    segments.fill(cells, permanences)
    return segments


def _write_neurons(file: h5py.File, neurons: ActiveDendriteNeurons) -> None:
    group = file.create_group("neurons")
    _write_settings(group, neurons)
    _write_arrays(
        group, cells=neurons.segments.cells, permanences=neurons.segments.permanences,
        n_patterns=neurons.n_patterns, used=neurons.used,
    )  # fmt: skip


def _read_neurons(file: h5py.File) -> ActiveDendriteNeurons:
    group = file["neurons"]
    neurons = ActiveDendriteNeurons(**_read_settings(group))
    segments = _read_segments(group, neurons.n_inputs, neurons.rule)
    if len(segments) != len(neurons.segments):
        raise ValueError("it has another number of segments than it says")
    neurons.segments = segments
    neurons.n_patterns, neurons.used = group["n_patterns"][()], group["used"][()]
    neurons.clock = int(group.attrs["clock"])
    return neurons


register("neurons", _write_neurons, _read_neurons, ActiveDendriteNeurons)


def _write_sequences(file: h5py.File, memory: TemporalMemory) -> None:
    group = file.create_group("sequence_memory")
    _write_settings(group, memory)
    _write_arrays(
        group, cells=memory.segments.cells, permanences=memory.segments.permanences,
        owner=memory.owner,
    )  # fmt: skip


def _read_sequences(file: h5py.File) -> TemporalMemory:
    group = file["sequence_memory"]
    memory = TemporalMemory(**_read_settings(group))
    memory.segments = _read_segments(group, memory.n_cells, memory.rule)
    memory.owner, memory.clock = group["owner"][()], int(group.attrs["clock"])
    if len(memory.owner) != len(memory.segments):
        raise ValueError("it has another number of segments than it says")
    memory.reset()
    return memory


register("sequence_memory", _write_sequences, _read_sequences, TemporalMemory)
