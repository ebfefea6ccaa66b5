"""Programmed arrays in HDF5 files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import h5py
import numpy as np

from ...errors import StorageError
from ...hdf5 import read_array
from ...storage import FileKind, put
from ...streams import stream
from ...units import to_float, to_int
from .array import ProgrammedArray
from .devices import DEVICES, Measured
from .devices.base import Array, Device
from .weight_mapping import BitSlices, DifferentialPair, Offset, SingleDevice

__all__ = ["ARRAY"]

_TYPES: dict[str, Mapping[str, Any]] = {
    "device": {**DEVICES, "Measured": Measured},
    "mapping": {cls.__name__: cls for cls in (BitSlices, DifferentialPair, Offset, SingleDevice)},
}
"""Classes that can be stored, by their name in the file."""

_PLAIN = ("w_max", "seed", "name", "generation", "writes", "accepted")


def _write(file: h5py.File, array: ProgrammedArray) -> None:
    group = file.create_group("resistive")
    for item, types in _TYPES.items():
        value: Any = getattr(array, item)
        name = type(value).__name__
        if types.get(name) is not type(value):
            raise StorageError(
                f"save: a {item} of type {name} cannot be stored; use one of {', '.join(types)}."
            )
        settings = {each.name: getattr(value, each.name) for each in fields(value)}
        group.attrs[item] = json.dumps({"type": name, "settings": settings})
    group.attrs["plain"] = json.dumps({item: getattr(array, item) for item in _PLAIN})
    put(group, "target", array.target, "uS")
    put(group, "programmed", array.programmed, "uS")
    if array.fixed is not None:
        put(group, "fixed", array.fixed, "uS")
    drawn = group.create_group("drawn")
    for name, values in array.drawn.items():
        put(drawn, name, values)


def _made(group: h5py.Group, item: str) -> Any:
    stored = json.loads(group.attrs[item])
    settings = {key: _tuples(value) for key, value in stored["settings"].items()}
    return _TYPES[item][stored["type"]](**settings)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _read(file: h5py.File) -> ProgrammedArray:
    group = file["resistive"]
    device, mapping = _made(group, "device"), _made(group, "mapping")
    target = read_array(group, "target", "float", low=0.0)
    if target.shape[:1] != (mapping.n_devices,):
        raise StorageError(f"target must have shape ({mapping.n_devices}, ...), got {target.shape}")
    fixed = None
    if "fixed" in group:
        fixed = read_array(group, "fixed", "float", target.shape, low=0.0, nan=True)
    array = ProgrammedArray(
        device=device,
        mapping=mapping,
        target=target,
        programmed=read_array(group, "programmed", "float", target.shape),
        drawn=_read_drawn(group["drawn"], device, target),
        fixed=fixed,
        **_read_plain(json.loads(group.attrs["plain"])),
    )
    # Outside the range of a device its equations return no finite number.
    with np.errstate(all="ignore"):
        aged = device.aged(array.cells, device.first_age)
        sd = device.read_sd(array.cells, aged, device.first_age)
    if not np.isfinite(aged).all() or not np.isfinite(sd).all():
        raise StorageError("its devices have no finite conductance at their first age")
    return array


def _read_drawn(group: h5py.Group, device: Device, target: Array) -> dict[str, Array]:
    """Read the properties of each device; a device written now tells their names and shapes."""
    one = np.full(1, (device.g_min + device.g_max) / 2)
    wanted = device.program(one, stream(0)).drawn if target.size else {}
    if target.size and set(wanted) != set(group):
        raise StorageError(f"drawn must hold {sorted(wanted)}, got {sorted(group)}")
    return {
        name: read_array(group, name, "float", (*target.shape, *values.shape[1:]))
        for name, values in wanted.items()
    }


def _read_plain(stored: dict[str, Any]) -> dict[str, Any]:
    if set(stored) != set(_PLAIN) or not isinstance(stored["name"], str):
        raise StorageError(f"its settings must be {', '.join(_PLAIN)}")
    plain: dict[str, Any] = {
        "w_max": to_float(stored["w_max"], "nA", "w_max"),
        "seed": to_int(stored["seed"], "seed", low=0, high=2**128),
        "name": stored["name"],
        "accepted": to_float(stored["accepted"], "1", "accepted"),
    }
    for item in ("generation", "writes"):
        plain[item] = to_int(stored[item], item, low=0, high=2**62)
    if plain["w_max"] <= 0 or not 0 <= plain["accepted"] <= 1:
        raise StorageError("w_max must be > 0 nA, and accepted from 0 to 1")
    return plain


ARRAY = FileKind(_write, _read, ProgrammedArray)
