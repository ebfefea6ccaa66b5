"""Files of objects: saved and loaded by their kinds, each of which is found in a table.

The sealed container is that of :mod:`spikemem.container`.
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
"""Where each kind of object is written and read, in the order in which :func:`load` looks for
them; imported when it is first used."""


class FileKind(NamedTuple):
    """How a kind of object is written and read.

    ``write(file, thing)`` and ``read(file) -> thing`` take the open ``h5py.File``, and `groups`
    are the groups of the file that `read` reads (default: the one named as the kind).
    """

    write: Callable[[h5py.File, Any], None]
    read: Callable[[h5py.File], Any]
    cls: type
    groups: tuple[str, ...] = ()


def _kind(name: str) -> FileKind:
    module, _, item = KINDS[name].partition(":")
    found: FileKind = getattr(importlib.import_module(module), item)
    return found


def save(path: str | Path, **objects: Any) -> Path:
    """Write objects to one HDF5 file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        A file that is there is replaced once the new one is complete.
    **objects
        ``model=``, ``network=``, ``recording=`` and every other of :data:`KINDS`; None is left
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
        raise DescriptionError(f"save: nothing to write; give one of {', '.join(KINDS)}.")
    for kind, thing in given.items():
        if kind not in KINDS:
            raise DescriptionError(f"save: {unknown_name('kind of object', kind, KINDS)}")
        cls = _kind(kind).cls
        if not isinstance(thing, cls):
            raise DescriptionError(f"save: {kind} must be a {cls.__name__}, got {shown(thing)}.")


def _write(file: h5py.File, objects: dict[str, Any]) -> None:
    file.attrs.update(format=FORMAT, schema_version=SCHEMA_VERSION, writer=__version__)
    file.attrs.update(magic=np.uint32(_SONATA_MAGIC), version=np.array([0, 1], np.uint32))
    file.attrs["kinds"] = list(objects)
    for kind, thing in objects.items():
        _kind(kind).write(file, thing)


@checked
def load(
    path: Annotated[str | Path, PathName()],
    kind: Annotated[str, NameOf(KINDS, "kind of object")] | None = None,
) -> Any:
    """Read an object from a file, whatever it holds.

    Parameters
    ----------
    path : str or Path
        A file that :func:`save`, or the ``save`` method of an object, has written.
    kind : str, optional
        What to read if the file holds several things, one of :data:`KINDS`. Default: the first of
        them that it holds, so that a model comes before its network and its recording.

    Raises
    ------
    DescriptionError
        The kind is not known.
    StorageError
        No such file, or not a regular one; not HDF5 or damaged; not written by spikemem; newer
        than this version; it refers to other files; it needs more memory than there is; or nothing
        of this kind is inside.
    """
    name = str(path)
    with _open(name) as opened:
        held = _facts(opened, name)["kinds"]
        wanted = next((k for k in KINDS if k in held), None) if kind is None else kind
        if wanted is None or wanted not in held:
            have = ", ".join(held) or "nothing"
            what = f"no {kind}" if kind else "nothing that this version reads"
            raise StorageError(f"load: {name!r} holds {what} (it holds: {have}).")
        return _read(opened, wanted, name)


def _read(opened: Opened, kind: str, name: str) -> Any:
    """Read one kind; a reader's errors are about the file."""
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
