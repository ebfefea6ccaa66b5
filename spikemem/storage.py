"""Files of networks, recordings and other kinds of objects: one schema to write and to read.

What a file is, is said in :mod:`spikemem.container`; here stands what is in it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ._version import __version__
from .cells import LIF, STDP, SpikeSource
from .container import DAMAGE, Opened, is_hdf5, open_sealed, pack, reason
from .currents import StepCurrent
from .errors import DescriptionError, StorageError, shown, unknown_name
from .files import NotRegular, check_replaceable, open_regular, to_path, write_atomically
from .foreign import read_attributes
from .hdf5 import Refused, check_memory
from .network import Network, Population, Projection
from .recording import Recording, SpikeTrains
from .units import to_int

__all__ = [
    "FORMAT",
    "SCHEMA_VERSION",
    "contents",
    "load",
    "put",
    "read_fields",
    "register",
    "save",
    "write_fields",
]

FORMAT = "spikemem"
SCHEMA_VERSION = 1
_SONATA_MAGIC = 0x0A7A

Writer = Callable[[h5py.Group, Any], None]
Reader = Callable[[h5py.Group], Any]


class _Kind(NamedTuple):
    write: Writer
    read: Reader
    cls: type
    groups: tuple[str, ...]


_KINDS: dict[str, _Kind] = {}

_WHERE = {
    "memory": "spikemem.networks.ca3.memory",
    "neurons": "spikemem.networks.dendrites.files",
    "sequence_memory": "spikemem.networks.dendrites.files",
    "resistive": "spikemem.hardware.resistive.files",
}
"""Who registers the other kinds; imported when one is read."""


def _bring(kind: str) -> None:
    if kind not in _KINDS and kind in _WHERE:
        importlib.import_module(_WHERE[kind])


def register(
    kind: str, write: Writer, read: Reader, cls: type = object, groups: tuple[str, ...] = ()
) -> None:
    """Make a further kind of object storable under the name `kind`.

    Parameters
    ----------
    kind : str
        The keyword of :func:`save`.
    write, read : callable
        ``write(file, thing)`` and ``read(file) -> thing``, with the open ``h5py.File``.
    cls : type
        What :func:`save` takes under this name.
    groups : tuple of str
        Groups of the file that `read` reads. Default: the one named `kind`.
    """
    _KINDS[kind] = _Kind(write, read, cls, groups or (kind,))


def save(path: str | Path, **objects: Any) -> Path:
    """Write objects to one HDF5 file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        A file that is there is replaced once the new one is complete.
    **objects
        ``network=``, ``recording=`` and every registered kind, e.g. ``memory=``; None is left
        out.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    DescriptionError
        Nothing to write, an unknown kind, or a thing of another kind.
    StorageError
        The folder does not exist or can't be written, or `path` is a folder, a FIFO, a socket or a
        device. A file that was there is unchanged.
    """
    given = {kind: thing for kind, thing in objects.items() if thing is not None}
    _check_kinds(given)
    target = to_path(path, "save")
    check_replaceable(target)
    try:
        return write_atomically(
            target, pack(lambda file: _write(file, given), FORMAT, SCHEMA_VERSION)
        )
    except StorageError:
        raise
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise StorageError(f"save: can't write {str(target)!r}: {reason(error)}.") from error


def _check_kinds(given: dict[str, Any]) -> None:
    if not given:
        raise DescriptionError(f"save: nothing to write; give one of {', '.join(_KINDS)}.")
    for kind, thing in given.items():
        if kind not in _KINDS:
            raise DescriptionError(f"save: {unknown_name('kind of object', kind, _KINDS)}")
        cls = _KINDS[kind].cls
        if not isinstance(thing, cls):
            raise DescriptionError(f"save: {kind} must be a {cls.__name__}, got {shown(thing)}.")


def _write(file: h5py.File, objects: dict[str, Any]) -> None:
    file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, writer=__version__)
    file.attrs.update(magic=np.uint32(_SONATA_MAGIC), version=np.array([0, 1], np.uint32))
    file.attrs["kinds"] = list(objects)
    for kind, thing in objects.items():
        _KINDS[kind].write(file, thing)


def load(path: str | Path, kind: str) -> Any:
    """Read one object of a kind ("network", "recording", ...) from a file.

    Raises
    ------
    DescriptionError
        The kind is not known.
    StorageError
        No such file, or not a regular one; not HDF5 or damaged; not written by spikemem; newer
        than this version; it refers to other files; it needs more memory than there is; or nothing
        of this kind is inside.
    """
    _bring(kind)
    if kind not in _KINDS:
        raise DescriptionError(f"load: {unknown_name('kind of object', kind, _KINDS)}")
    name = str(to_path(path, "load"))
    with _open(name) as opened:
        kinds = _facts(opened, name)["kinds"]
        if kind not in kinds:
            have = ", ".join(kinds) or "nothing"
            raise StorageError(f"load: {name!r} holds no {kind} (it holds: {have}).")
        try:
            check_memory(sum(opened.memory.get(group, 0) for group in _KINDS[kind].groups))
            return _KINDS[kind].read(opened.file)
        except Refused as error:
            raise StorageError(f"load: the {kind} in {name!r} is refused: {error}.") from error
        except DAMAGE as error:
            raise StorageError(
                f"load: the {kind} in {name!r} is damaged ({reason(error)}). "
                f"Restore the file from a copy, or write it again."
            ) from error


def contents(path: str | Path) -> dict[str, Any]:
    """Say what a file holds: ``{"kinds": [...], "writer": version, "schema_version": int}``.

    Raises
    ------
    StorageError
        As for :func:`load`.
    """
    name = str(to_path(path, "contents"))
    with _open(name) as opened:
        return _facts(opened, name)


def _facts(opened: Opened, name: str) -> dict[str, Any]:
    """What the attributes at the top say."""
    attributes = opened.file.attrs
    try:
        written_by = attributes["format"]
        facts = {
            "kinds": [str(kind) for kind in attributes["kinds"]],
            "writer": str(attributes["writer"]),
            "schema_version": to_int(attributes["schema_version"], "schema_version"),
        }
    except DAMAGE as error:
        raise _damaged(name, error) from error
    if shown(written_by) != shown(FORMAT) or facts["schema_version"] != opened.version:
        raise _damaged(name, "its attributes and its seal say different things")
    if opened.version > SCHEMA_VERSION:
        raise StorageError(
            f"load: {name!r} has schema version {opened.version}, written by spikemem "
            f"{facts['writer']}; this version reads up to {SCHEMA_VERSION}. Update spikemem."
        )
    return facts


@contextlib.contextmanager
def _open(name: str) -> Iterator[Opened]:
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(open_sealed(name, FORMAT))
            if opened is None:
                raise _foreign(name)
        except FileNotFoundError as error:
            raise StorageError(f"load: no such file: {name!r}.") from error
        except PermissionError as error:
            raise StorageError(f"load: {name!r} can't be read: permission denied.") from error
        except NotRegular as error:
            raise StorageError(f"load: {name!r} is {error}, not a readable HDF5 file.") from error
        except Refused as error:
            raise StorageError(f"load: {name!r} is refused: {error}.") from error
        except DAMAGE as error:
            raise _damaged(name, error) from error
        yield opened


def _foreign(name: str) -> StorageError:
    """What to say of a file without a seal of ours, which a second process looks at."""
    with open_regular(name) as raw:
        if not is_hdf5(raw):
            return _damaged(name, "it is not HDF5")
        found = read_attributes(raw)
    if shown(found.get("format")) == shown(FORMAT):
        return _damaged(name, "it has lost its checksum")
    return StorageError(
        f"load: {name!r} is an HDF5 file of another program (no format={FORMAT!r} attribute)."
    )


def _damaged(name: str, why: BaseException | str) -> StorageError:
    return StorageError(
        f"load: {name!r} is not a readable HDF5 file; it is damaged, cut short, or of another "
        f"format ({reason(why)})."
    )


def put(group: h5py.Group, name: str, value: Any, unit: str | None = None) -> None:
    """Write a number or an array as a data set, large ones packed, with its unit."""
    array = np.asarray(value)
    data = group.create_dataset(name, data=array, compression="gzip" if array.size > 1000 else None)
    if unit is not None:
        data.attrs["units"] = unit


def write_fields(group: h5py.Group, thing: Any, units: dict[str, str] | None = None) -> None:
    """Write a dataclass: arrays, and all that has a unit, as data sets; the rest as attributes.

    None, and fields that are dataclasses themselves, are left out.
    """
    units = units or {}
    for item in fields(thing):
        value = getattr(thing, item.name)
        if value is None or hasattr(value, "__dataclass_fields__"):
            continue
        if isinstance(value, np.ndarray) or item.name in units:
            put(group, item.name, value, units.get(item.name))
        elif isinstance(value, tuple):
            group.attrs[item.name] = json.dumps(value)
        else:
            group.attrs[item.name] = value


def read_fields(group: h5py.Group, cls: type) -> dict[str, Any]:
    """Read what :func:`write_fields` wrote, as keyword arguments for `cls`."""
    values: dict[str, Any] = {}
    for item in fields(cls):
        if item.name in group and isinstance(group[item.name], h5py.Dataset):
            values[item.name] = group[item.name][()]
        elif item.name in group.attrs:
            value = group.attrs[item.name]
            if "tuple" in str(item.type):
                values[item.name] = tuple(json.loads(value))
            else:
                values[item.name] = value.item() if isinstance(value, np.generic) else value
    return values


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
        (name, variable): _owned(data)
        for name, group in root["traces"].items()
        for variable, data in group.items()
    }
    return Recording(
        spikes=spikes,
        traces=traces,
        weights={name: _owned(data) for name, data in root["weights"].items()},
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


def _owned(data: h5py.Dataset) -> NDArray[Any]:
    """Read-only at once, so that the recording need not copy it."""
    array: NDArray[Any] = data[()]
    array.flags.writeable = False
    return array


register("network", _write_network, _read_network, Network)
register("recording", _write_recording, _read_recording, Recording, groups=("recording", "spikes"))
