"""HDF5 files: one versioned schema that is both written and read from, atomic writing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ._version import __version__
from .cells import LIF, STDP, SpikeSource
from .errors import SpikememError, StorageError
from .network import Network, Population, Projection
from .recording import Recording, SpikeTrains

__all__ = ["FORMAT", "SCHEMA_VERSION", "contents", "load", "register", "save"]

FORMAT = "spikemem"
SCHEMA_VERSION = 1
_SONATA_MAGIC = 0x0A7A

Writer = Callable[[h5py.Group, Any], None]
Reader = Callable[[h5py.Group], Any]
_KINDS: dict[str, tuple[Writer, Reader]] = {}


def register(kind: str, write: Writer, read: Reader) -> None:
    """Make a further kind of object storable under the name `kind`."""
    _KINDS[kind] = (write, read)


def save(path: str | Path, **objects: Any) -> Path:
    """Write objects to one HDF5 file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        A file that is there is replaced once the new one is complete.
    **objects
        ``network=``, ``recording=`` and every registered kind, e.g. ``memory=``.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    StorageError
        The folder does not exist or can't be written.
    """
    target = Path(path)
    objects = {kind: thing for kind, thing in objects.items() if thing is not None}
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise StorageError(
            f"save: can't write {str(target)!r}: {error.strerror or error}. "
            f"Give a file in a folder that exists and that you may write to."
        ) from error
    try:
        with h5py.File(name, "w") as file:
            file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, writer=__version__)
            file.attrs.update(magic=_SONATA_MAGIC, version=np.array([0, 1]))
            for kind, thing in objects.items():
                _KINDS[kind][0](file, thing)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except OSError as error:
        raise StorageError(f"save: can't write {str(target)!r}: {error}") from error
    finally:
        Path(name).unlink(missing_ok=True)
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def load(path: str | Path, kind: str) -> Any:
    """Read one object of a kind ("network", "recording", ...) from a file.

    Raises
    ------
    StorageError
        No such file; not HDF5 or damaged; not written by spikemem; newer than this version; or
        nothing of this kind inside.
    """
    name = str(path)
    with _open(name) as file:
        if kind not in file and not (kind == "recording" and "spikes" in file):
            have = ", ".join(_kinds_in(file)) or "nothing that this version knows"
            raise StorageError(f"load: {name!r} holds no {kind} (it holds: {have}).")
        try:
            return _KINDS[kind][1](file)
        except (SpikememError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise StorageError(
                f"load: the {kind} in {name!r} is damaged ({_first_line(error)}). "
                f"Restore the file from a copy, or write it again."
            ) from error


def contents(path: str | Path) -> dict[str, Any]:
    """What a file holds: ``{"kinds": [...], "writer": version, "schema_version": int}``."""
    with _open(str(path)) as file:
        return {
            "kinds": _kinds_in(file),
            "writer": str(file.attrs["writer"]),
            "schema_version": int(file.attrs["schema_version"]),
        }


def _kinds_in(file: h5py.File) -> list[str]:
    return [kind for kind in _KINDS if kind in file or (kind == "recording" and "spikes" in file)]


def _open(name: str) -> h5py.File:
    if not Path(name).exists():
        raise StorageError(f"load: no such file: {name!r}.")
    try:
        file = h5py.File(name, "r")
    except OSError as error:
        raise StorageError(
            f"load: {name!r} is not a readable HDF5 file; it is damaged, cut short, or of another "
            f"format ({_first_line(error)})."
        ) from error
    if file.attrs.get("format") != FORMAT:
        file.close()
        raise StorageError(
            f"load: {name!r} is an HDF5 file of another program (no format={FORMAT!r} attribute)."
        )
    version = int(file.attrs.get("schema_version", 0))
    if version > SCHEMA_VERSION:
        writer = file.attrs.get("writer", "?")
        file.close()
        raise StorageError(
            f"load: {name!r} has schema version {version}, written by spikemem {writer}; this "
            f"version reads up to {SCHEMA_VERSION}. Update spikemem."
        )
    return file


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def write_fields(group: h5py.Group, thing: Any, units: dict[str, str] | None = None) -> None:
    """Write a dataclass: arrays as data sets, the rest as attributes, None left out."""
    for item in fields(thing):
        value = getattr(thing, item.name)
        if value is None or hasattr(value, "__dataclass_fields__"):
            continue
        if isinstance(value, np.ndarray):
            data = group.create_dataset(item.name, data=value, compression=_packed(value))
            if units and item.name in units:
                data.attrs["units"] = units[item.name]
        elif isinstance(value, tuple):
            group.attrs[item.name] = json.dumps(value)
        else:
            group.attrs[item.name] = value


def _packed(array: np.ndarray) -> str | None:
    return "gzip" if array.size > 1000 else None


def read_fields(group: h5py.Group, cls: type) -> dict[str, Any]:
    """Read what :func:`write_fields` wrote, as keyword arguments for `cls`."""
    values: dict[str, Any] = {}
    for item in fields(cls):
        if item.name in group and isinstance(group[item.name], h5py.Dataset):
            values[item.name] = group[item.name][()]
        elif item.name in group.attrs:
            value = group.attrs[item.name]
            if "tuple" in str(item.type):
                values[item.name] = tuple(
                    tuple(entry) if isinstance(entry, list) else entry
                    for entry in json.loads(value)
                )
            else:
                values[item.name] = value.item() if isinstance(value, np.generic) else value
    return values


_SYNAPSE_UNITS = {"weight": "nA", "delay": "ms"}


def _write_network(file: h5py.File, network: Network) -> None:
    root = file.create_group("network")
    root.attrs.update(dt=network.dt, units="ms", content_hash=network.content_hash)
    nodes = root.create_group("populations", track_order=True)
    for population in network.populations:
        group = nodes.create_group(population.name)
        write_fields(group, population, {"v_init": "mV"})
        cell = group.create_group("cell")
        cell.attrs["type"] = type(population.cell).__name__
        if isinstance(population.cell, SpikeSource):
            write_fields(cell, population.cell.spikes, {"times": "ms"})
        else:
            write_fields(cell, population.cell, LIF.units)
    edges = root.create_group("projections", track_order=True)
    for projection in network.projections:
        group = edges.create_group(projection.name)
        write_fields(group, projection, _SYNAPSE_UNITS)
        if projection.plasticity is not None:
            write_fields(group.create_group("plasticity"), projection.plasticity, STDP.units)


def _read_network(file: h5py.File) -> Network:
    root = file["network"]
    populations, projections = [], []
    for group in root["populations"].values():
        cell: LIF | SpikeSource
        if group["cell"].attrs["type"] == "SpikeSource":
            cell = SpikeSource(spikes=SpikeTrains(**read_fields(group["cell"], SpikeTrains)))
        else:
            cell = LIF(**read_fields(group["cell"], LIF))
        populations.append(Population(cell=cell, **read_fields(group, Population)))
    for group in root["projections"].values():
        rule = None
        if "plasticity" in group:
            rule = STDP(**read_fields(group["plasticity"], STDP))
        projections.append(Projection(plasticity=rule, **read_fields(group, Projection)))
    network = Network(populations=populations, projections=projections, dt=float(root.attrs["dt"]))
    if network.content_hash != root.attrs["content_hash"]:
        raise StorageError("its content does not match its hash")
    return network


def _write_recording(file: h5py.File, recording: Recording) -> None:
    root = file.create_group("recording")
    root.attrs.update(dt=recording.dt, start=recording.start, stop=recording.stop, units="ms")
    root.attrs["provenance"] = json.dumps(dict(recording.provenance), default=str)
    spikes = file.create_group("spikes", track_order=True)
    for name, trains in recording.spikes.items():
        group = spikes.create_group(name)
        group.attrs.update(sorting="by_time", size=trains.size, duration=trains.duration)
        times = group.create_dataset(
            "timestamps", data=trains.times, compression=_packed(trains.times)
        )
        times.attrs["units"] = "ms"
        group.create_dataset("node_ids", data=trains.ids.astype(np.uint64))
    traces = root.create_group("traces", track_order=True)
    for (name, variable), array in recording.traces.items():
        data = traces.create_group(name) if name not in traces else traces[name]
        trace = data.create_dataset(variable, data=array, compression=_packed(array))
        trace.attrs["units"] = "mV" if variable == "v" else "nA"
    weights = root.create_group("weights", track_order=True)
    for name, array in recording.weights.items():
        weights.create_dataset(name, data=array, compression=_packed(array)).attrs["units"] = "nA"


def _read_recording(file: h5py.File) -> Recording:
    root = file["recording"]
    spikes = {
        name: SpikeTrains(
            ids=group["node_ids"][()].astype(np.int32),
            times=group["timestamps"][()],
            size=int(group.attrs["size"]),
            duration=float(group.attrs["duration"]),
        )
        for name, group in file["spikes"].items()
    }
    traces = {
        (name, variable): data[()]
        for name, group in root["traces"].items()
        for variable, data in group.items()
    }
    return Recording(
        spikes=spikes,
        traces=traces,
        weights={name: data[()] for name, data in root["weights"].items()},
        dt=float(root.attrs["dt"]),
        start=float(root.attrs["start"]),
        stop=float(root.attrs["stop"]),
        provenance=json.loads(root.attrs["provenance"]),
    )


register("network", _write_network, _read_network)
register("recording", _write_recording, _read_recording)
