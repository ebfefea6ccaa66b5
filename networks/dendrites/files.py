"""Neurons and sequence memories in HDF5 files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...hdf5 import check_memory, read_array
from ...storage import register
from ...units import to_int
from .neurons import ActiveDendriteNeurons
from .segments import PermanenceRule, Segments
from .temporal import TemporalMemory

__all__: list[str] = []


def _write_settings(group: h5py.Group, thing: Any) -> None:
    arguments = thing.arguments() | {"rule": asdict(thing.rule)}
    group.attrs.update(arguments=json.dumps(arguments), clock=thing.clock)


def _read_settings(group: h5py.Group) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(group.attrs["arguments"])
    for name, value in arguments.items():
        if name not in ("rule", "seed"):
            to_int(value, name)
    return arguments | {"rule": PermanenceRule(**arguments["rule"])}


def _read_clock(group: h5py.Group) -> int:
    return to_int(group.attrs["clock"], "clock", low=0, high=2**62)


def _write_arrays(group: h5py.Group, **arrays: Any) -> None:
    for name, array in arrays.items():
        packed = {"compression": "gzip"} if array.size > 1000 else {}
        group.create_dataset(name, data=array, **packed)


def _read_segments(
    group: h5py.Group, shape: tuple[int | None, int], n_inputs: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Cells and permanences, before anything of their size is made."""
    cells = read_array(group, "cells", "int", shape, low=-1, high=n_inputs - 1)
    permanences = read_array(group, "permanences", "float", cells.shape, low=0.0, high=1.0)
    ordered = np.sort(cells, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)):
        raise ValueError("a segment has two synapses on the same cell")
    return cells, permanences


def _filled(cells: NDArray[Any], permanences: NDArray[Any], like: Segments) -> Segments:
    segments = Segments(len(cells), cells.shape[1], like.n_inputs, like.rule)
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
    settings = _read_settings(group)
    n_inputs, count = settings["n_inputs"], settings["n_neurons"] * settings["n_segments"]
    room = min(settings["synapses_per_segment"] * settings["patterns_per_segment"], n_inputs)
    cells, permanences = _read_segments(group, (count, room), n_inputs)
    check_memory(8 * n_inputs)
    neurons = ActiveDendriteNeurons(**settings)
    neurons.segments = _filled(cells, permanences, neurons.segments)
    neurons.n_patterns = read_array(group, "n_patterns", "int", (count,), low=0)
    neurons.used = read_array(group, "used", "int", (count,), low=0)
    neurons.clock = _read_clock(group)
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
    settings = _read_settings(group)
    n_cells = settings["n_columns"] * settings["cells_per_column"]
    room = 2 * settings["synapses_per_segment"]
    cells, permanences = _read_segments(group, (None, room), n_cells)
    check_memory(8 * n_cells)
    memory = TemporalMemory(**settings)
    memory.segments = _filled(cells, permanences, memory.segments)
    memory.owner = read_array(group, "owner", "int", (len(cells),), low=0, high=n_cells - 1)
    memory.clock = _read_clock(group)
    memory.reset()
    return memory


register("sequence_memory", _write_sequences, _read_sequences, TemporalMemory)
