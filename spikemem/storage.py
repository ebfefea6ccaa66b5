"""Saves and loads objects of each kind in a table, in sealed HDF5 files.

The sealed file itself is written and read by :mod:`spikemem.container`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import h5py
import numpy as np

from ._version import __version__
from .checks import NameOf, PathName, checked
from .container import DAMAGE, Opened, is_hdf5, open_sealed, pack, reason
from .errors import DescriptionError, StorageError, shown, unknown_name
from .files import NotRegular, check_replaceable, open_regular, to_path, write_atomically
from .foreign import read_attributes
from .hdf5 import Refused, check_memory
from .units import to_int

__all__ = [
    "FORMAT",
    "KINDS",
    "SCHEMA_VERSION",
    "FileKind",
    "contents",
    "load",
    "put",
    "read_fields",
    "save",
    "write_fields",
]

FORMAT = "spikemem"
SCHEMA_VERSION = 1
_SONATA_MAGIC = 0x0A7A

KINDS: dict[str, str] = {
    "model": "spikemem.model_files:MODEL",
    "network": "spikemem.schemas:NETWORK",
    "recording": "spikemem.schemas:RECORDING",
    "resistive": "spikemem.hardware.resistive.files:ARRAY",
    "sweep": "spikemem.stress.results:SWEEP",
}
"""The :class:`FileKind` of each kind of object, imported when it is first used. :func:`load`
looks for the kinds in this order."""


class FileKind(NamedTuple):
    """Functions that write and read one kind of object.

    ``write(file, item)`` and ``read(file) -> item`` take the open ``h5py.File``. `groups` are the
    groups of the file that `read` reads (default: the group with the name of the kind).
    """

    write: Callable[[h5py.File, Any], None]
    read: Callable[[h5py.File], Any]
    cls: type
    groups: tuple[str, ...] = ()


def _kind(name: str) -> FileKind:
    module, _, item = KINDS[name].partition(":")
    file_kind: FileKind = getattr(importlib.import_module(module), item)
    return file_kind


def save(path: str | Path, **objects: Any) -> Path:
    """Write objects to one HDF5 file, completely or not at all.

    Parameters
    ----------
    path : str or Path
        File to write; an existing one is replaced once the new one is complete.
    **objects
        Objects by their kind: ``model=``, ``network=``, ``recording=`` or another one of
        :data:`KINDS`. None is left out.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DescriptionError
        If there is nothing to write, a kind is unknown, or an object is not of its kind.
    StorageError
        If the folder does not exist or cannot be written to, or `path` is a folder, a FIFO, a
        socket or a device. An existing file is unchanged.
    """
    by_kind = {kind: item for kind, item in objects.items() if item is not None}
    _check_kinds(by_kind)
    target = to_path(path, "save")
    check_replaceable(target)
    try:
        return write_atomically(
            target, pack(lambda file: _write(file, by_kind), FORMAT, SCHEMA_VERSION)
        )
    except StorageError:
        raise
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise StorageError(f"save: cannot write {str(target)!r}: {reason(error)}.") from error


def _check_kinds(objects: dict[str, Any]) -> None:
    if not objects:
        raise DescriptionError(f"save: nothing to write; give one of {', '.join(KINDS)}.")
    for kind, item in objects.items():
        if kind not in KINDS:
            raise DescriptionError(f"save: {unknown_name('kind of object', kind, KINDS)}")
        cls = _kind(kind).cls
        if not isinstance(item, cls):
            raise DescriptionError(f"save: {kind} must be a {cls.__name__}, got {shown(item)}.")


def _write(file: h5py.File, objects: dict[str, Any]) -> None:
    file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, writer=__version__)
    file.attrs.update(magic=np.uint32(_SONATA_MAGIC), version=np.array([0, 1], np.uint32))
    file.attrs["kinds"] = list(objects)
    for kind, item in objects.items():
        _kind(kind).write(file, item)


@checked
def load(
    path: Annotated[str | Path, PathName()],
    kind: Annotated[str, NameOf(KINDS, "kind of object")] | None = None,
) -> Any:
    """Read an object of any kind from a file.

    Parameters
    ----------
    path : str or Path
        File written by :func:`save`, or by the ``save`` method of an object.
    kind : str, optional
        Kind of object to read, one of :data:`KINDS`, if the file holds several. Default: the
        first one of :data:`KINDS` in the file: a model before its network and its recording.

    Raises
    ------
    DescriptionError
        If the kind is unknown.
    StorageError
        If the file does not exist, is not a regular file, is not HDF5 or is damaged, is not a
        spikemem file, was written by a newer version, refers to other files, does not fit into
        memory, or holds no object of this kind.
    """
    name = str(path)
    with _open(name) as opened:
        stored = _facts(opened, name)["kinds"]
        selected = next((k for k in KINDS if k in stored), None) if kind is None else kind
        if selected is None or selected not in stored:
            have = ", ".join(stored) or "nothing"
            what = f"no {kind}" if kind else "nothing that this version reads"
            raise StorageError(f"load: {name!r} holds {what} (it holds: {have}).")
        return _read(opened, selected, name)


def _read(opened: Opened, kind: str, name: str) -> Any:
    """Read one kind of object; errors of its reader become errors about the file."""
    try:
        reader = _kind(kind)
        check_memory(sum(opened.memory.get(group, 0) for group in reader.groups or (kind,)))
        return reader.read(opened.file)
    except Refused as error:
        raise StorageError(f"load: the {kind} in {name!r} is refused: {error}.") from error
    except DAMAGE as error:
        raise StorageError(
            f"load: the {kind} in {name!r} is damaged ({reason(error)}). "
            f"Restore the file from a copy, or write it again."
        ) from error


def contents(path: str | Path) -> dict[str, Any]:
    """Return the content of a file: ``{"kinds": [...], "writer": str, "schema_version": int}``.

    Raises
    ------
    StorageError
        As for :func:`load`.
    """
    name = str(to_path(path, "contents"))
    with _open(name) as opened:
        return _facts(opened, name)


def _facts(opened: Opened, name: str) -> dict[str, Any]:
    """Return the facts in the top-level attributes of a file."""
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
        raise _damaged(name, "its attributes do not agree with its seal")
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
            raise StorageError(f"load: {name!r} cannot be read: permission denied.") from error
        except NotRegular as error:
            raise StorageError(f"load: {name!r} is {error}, not a readable HDF5 file.") from error
        except Refused as error:
            raise StorageError(f"load: {name!r} is refused: {error}.") from error
        except DAMAGE as error:
            raise _damaged(name, error) from error
        yield opened


def _foreign(name: str) -> StorageError:
    """Return the error for a file without our seal, which a second process inspects."""
    with open_regular(name) as raw:
        if not is_hdf5(raw):
            return _damaged(name, "it is not HDF5")
        attributes = read_attributes(raw)
    if shown(attributes.get("format")) == shown(FORMAT):
        return _damaged(name, "it has lost its checksum")
    return StorageError(
        f"load: {name!r} is an HDF5 file of another program (no format={FORMAT!r} attribute)."
    )


def _damaged(name: str, cause: BaseException | str) -> StorageError:
    return StorageError(
        f"load: {name!r} is not a readable HDF5 file; it is damaged, cut short, or of another "
        f"format ({reason(cause)})."
    )


def put(group: h5py.Group, name: str, value: Any, unit: str | None = None) -> None:
    """Write a number or an array as a dataset with its unit; large arrays are compressed."""
    array = np.asarray(value)
    data = group.create_dataset(name, data=array, compression="gzip" if array.size > 1000 else None)
    if unit is not None:
        data.attrs["units"] = unit


def write_fields(group: h5py.Group, record: Any, units: dict[str, str] | None = None) -> None:
    """Write the fields of a dataclass.

    Arrays and values with a unit become datasets, other values attributes. None, and fields that
    are dataclasses themselves, are left out.
    """
    units = units or {}
    for item in fields(record):
        value = getattr(record, item.name)
        if value is None or hasattr(value, "__dataclass_fields__"):
            continue
        if isinstance(value, np.ndarray) or item.name in units:
            put(group, item.name, value, units.get(item.name))
        elif isinstance(value, tuple):
            group.attrs[item.name] = json.dumps(value)
        else:
            group.attrs[item.name] = value


def read_fields(group: h5py.Group, cls: type) -> dict[str, Any]:
    """Read the fields that :func:`write_fields` wrote, as keyword arguments of `cls`."""
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
