"""HDF5 files: one versioned schema that is both written and read from, atomic writing.

In front of the HDF5 data stands a user block of 512 bytes with the SHA-256 of the rest. It is
compared before HDF5 sees the file: damaged bytes can make that library loop without end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ._version import __version__
from .cells import LIF, STDP, SpikeSource
from .errors import DescriptionError, SpikememError, StorageError, shown, unknown_name
from .network import Network, Population, Projection
from .recording import Recording, SpikeTrains

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
_BLOCK = 512
# What HDF5 and the constructors raise when they meet bytes that make no sense.
_DAMAGE = (
    SpikememError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
    OverflowError,
)

Writer = Callable[[h5py.Group, Any], None]
Reader = Callable[[h5py.Group], Any]


class _Kind(NamedTuple):
    write: Writer
    read: Reader
    cls: type


_KINDS: dict[str, _Kind] = {}


def register(kind: str, write: Writer, read: Reader, cls: type = object) -> None:
    """Make a further kind of object storable under the name `kind`.

    Parameters
    ----------
    kind : str
        The keyword of :func:`save` and the name of its group in the file.
    write, read : callable
        ``write(file, thing)`` and ``read(file) -> thing``, with the open ``h5py.File``.
    cls : type
        What :func:`save` takes under this name.
    """
    _KINDS[kind] = _Kind(write, read, cls)


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
        The folder does not exist or can't be written.
    """
    given = {kind: thing for kind, thing in objects.items() if thing is not None}
    _check_kinds(given)
    target = _path(path, "save")
    # A link stays one: the file that it names is replaced.
    place = Path(os.path.realpath(target))
    part = place.with_name(f".spikemem-{secrets.token_hex(8)}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        _write(part, given)
        os.replace(part, place)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise StorageError(
            f"save: can't write {str(target)!r}: {getattr(error, 'strerror', None) or error}. "
            f"Give a file in a folder that exists and that you may write to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return target


def _check_kinds(given: dict[str, Any]) -> None:
    if not given:
        raise DescriptionError(f"save: nothing to write; give one of {', '.join(_KINDS)}.")
    for kind, thing in given.items():
        if kind not in _KINDS:
            raise DescriptionError(f"save: {unknown_name('kind of object', kind, _KINDS)}")
        cls = _KINDS[kind].cls
        if not isinstance(thing, cls):
            raise DescriptionError(f"save: {kind} must be a {cls.__name__}, got {shown(thing)}.")


def _path(path: Any, where: str) -> Path:
    try:
        name = os.fspath(path)
        if not isinstance(name, str) or not name or "\0" in name:
            raise TypeError
    except TypeError:
        raise DescriptionError(f"{where}: path must be a str or Path, got {shown(path)}.") from None
    return Path(name)


def _write(path: Path, objects: dict[str, Any]) -> None:
    # Older versions of the format can't hold attributes above 64 kB.
    with h5py.File(path, "w", libver="v110", userblock_size=_BLOCK) as file:
        file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, writer=__version__)
        file.attrs.update(magic=np.uint32(_SONATA_MAGIC), version=np.array([0, 1], np.uint32))
        file.attrs["kinds"] = list(objects)
        for kind, thing in objects.items():
            _KINDS[kind].write(file, thing)
    with path.open("r+b") as raw:
        raw.write(_seal(raw))
        raw.flush()
        os.fsync(raw.fileno())


def _seal(raw: BinaryIO) -> bytes:
    """User block for what stands behind it; leaves the file at its beginning."""
    raw.seek(_BLOCK)
    digest = hashlib.file_digest(raw, "sha256").hexdigest()  # type: ignore[arg-type]
    raw.seek(0)
    return f"{FORMAT} {SCHEMA_VERSION} sha256 {digest}\n".encode().ljust(_BLOCK, b"\0")


def load(path: str | Path, kind: str) -> Any:
    """Read one object of a kind ("network", "recording", ...) from a file.

    Raises
    ------
    DescriptionError
        The kind is not known.
    StorageError
        No such file; not HDF5 or damaged; not written by spikemem; newer than this version; or
        nothing of this kind inside.
    """
    if kind not in _KINDS:
        raise DescriptionError(f"load: {unknown_name('kind of object', kind, _KINDS)}")
    name = str(_path(path, "load"))
    with _open(name) as file:
        kinds = _kinds_in(file, name)
        if kind not in kinds:
            have = ", ".join(kinds) or "nothing"
            raise StorageError(f"load: {name!r} holds no {kind} (it holds: {have}).")
        try:
            return _KINDS[kind].read(file)
        except _DAMAGE as error:
            raise StorageError(
                f"load: the {kind} in {name!r} is damaged ({_first_line(error)}). "
                f"Restore the file from a copy, or write it again."
            ) from error


def contents(path: str | Path) -> dict[str, Any]:
    """Say what a file holds: ``{"kinds": [...], "writer": version, "schema_version": int}``.

    Raises
    ------
    StorageError
        No such file; not HDF5 or damaged; not written by spikemem; newer than this version.
    """
    name = str(_path(path, "contents"))
    with _open(name) as file:
        return {
            "kinds": _kinds_in(file, name),
            "writer": str(file.attrs.get("writer", "?")),
            "schema_version": int(file.attrs["schema_version"]),
        }


def _kinds_in(file: h5py.File, name: str) -> list[str]:
    try:
        return [str(kind) for kind in file.attrs["kinds"]]
    except _DAMAGE as error:
        raise _damaged(name, error) from error


def _open(name: str) -> h5py.File:
    if not Path(name).exists():
        raise StorageError(f"load: no such file: {name!r}.")
    try:
        sealed = _is_sealed(name)
        file = h5py.File(name, "r")
    except PermissionError as error:
        raise StorageError(f"load: {name!r} can't be read: permission denied.") from error
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    try:
        _check_format(file, name)
        if not sealed:
            raise _damaged(name, "it has lost its checksum")
    except BaseException:
        file.close()
        raise
    return file


def _is_sealed(name: str) -> bool:
    """Whether a file of this version is whole; False for other files, an error if it is not."""
    with open(name, "rb") as raw:
        block = raw.read(_BLOCK)
        if not block.startswith(f"{FORMAT} {SCHEMA_VERSION} ".encode()):
            return False
        if block != _seal(raw):
            raise StorageError("its content does not match its checksum")
    return True


def _check_format(file: h5py.File, name: str) -> None:
    try:
        written_by_us = shown(file.attrs.get("format")) == shown(FORMAT)
        version = int(file.attrs.get("schema_version", 0))
        writer = str(file.attrs.get("writer", "?"))
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    if not written_by_us:
        raise StorageError(
            f"load: {name!r} is an HDF5 file of another program (no format={FORMAT!r} attribute)."
        )
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"load: {name!r} has schema version {version}, written by spikemem {writer}; this "
            f"version reads up to {SCHEMA_VERSION}. Update spikemem."
        )


def _damaged(name: str, why: BaseException | str) -> StorageError:
    return StorageError(
        f"load: {name!r} is not a readable HDF5 file; it is damaged, cut short, or of another "
        f"format ({_first_line(why)})."
    )


def _first_line(why: BaseException | str) -> str:
    return (str(why) or type(why).__name__).splitlines()[0]


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


_SYNAPSE_UNITS = {"weight": "nA", "delay": "ms"}


def _write_network(file: h5py.File, network: Network) -> None:
    root = file.create_group("network")
    root.attrs["content_hash"] = network.content_hash
    put(root, "dt", network.dt, "ms")
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
            cell = LIF(**read_fields(group["cell"], LIF))
        populations.append(Population(cell=cell, **read_fields(group, Population)))
    for group in root["projections"].values():
        rule = None
        if "plasticity" in group:
            rule = _read_rule(group["plasticity"])
        projections.append(Projection(plasticity=rule, **read_fields(group, Projection)))
    network = Network(populations=populations, projections=projections, dt=root["dt"][()])
    if network.content_hash != root.attrs["content_hash"]:
        raise StorageError("its content does not match its hash")
    return network


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
register("recording", _write_recording, _read_recording, Recording)
