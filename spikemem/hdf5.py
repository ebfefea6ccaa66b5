"""Checks the structure of an HDF5 file before any data is read.

Links to other files, storage in other files, virtual datasets and user-defined filters would let
a file decide what is read or run; they are refused. A declared size is only a number, so it is
compared with the bytes that the file has.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .errors import StorageError, shown
from .limits import available_memory, size_text

__all__ = [
    "Refused",
    "Tree",
    "attributes_of",
    "check_memory",
    "check_tree",
    "is_ragged",
    "item_of",
    "ragged_of",
    "read_array",
    "tree_of",
]

Tree = dict[str, Any]
"""Content of a group by name: a Tree, a str or an array."""


class Refused(StorageError):
    """A file that is refused because of its structure; the message is the reason only."""


MOST_OBJECTS = 250_000
"""Largest number of groups and datasets in one file."""

_DEEPEST = 32
# Deflate compresses by a factor of 1032 at most, and the other filters by less.
_BEST_PACKING = 1040
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_LAYOUTS = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
_NUMBERS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT)
_CLASSES = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING)


def check_tree(file: h5py.File, size: int, *, ragged: bool = False) -> dict[str, int]:
    """Check every link, dataset and attribute of a file.

    Parameters
    ----------
    file : h5py.File
        An open file, before anything is read from it.
    size : int
        Length of the file, bytes.
    ragged : bool
        Whether datasets with rows of different lengths are allowed; :func:`ragged_of` reads them.

    Returns
    -------
    dict of str to int
        Memory that all datasets below each top-level object take, bytes.

    Raises
    ------
    Refused
        If the file refers to other files, holds types or filters that are not allowed, or
        declares more data than it can hold. The message is the reason only.
    """
    return _Check(size, ragged).top(file["/"])


class _Check:
    """One walk through a file; it keeps the objects and bytes seen so far."""

    def __init__(self, size: int, ragged: bool) -> None:
        self.size = size
        self.ragged = ragged
        self.stored = 0
        self.seen: set[int] = set()

    def top(self, root: h5py.Group) -> dict[str, int]:
        self._register(root)
        self._check_attributes(root)
        return {
            name: self._object(root, name, f"/{shown(name)[1:-1]}", 1)
            for name in self._links(root, "/")
        }

    def _links(self, group: h5py.Group, where: str) -> list[str]:
        """Return the names in a group; raise an error unless all links lead to this file."""
        if len(group) > MOST_OBJECTS:
            raise Refused(f"it declares more than {MOST_OBJECTS} objects")
        names = list(group)
        for name in names:
            kind = group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type
            if kind != h5py.h5l.TYPE_HARD:
                which = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL:
                         "a link to another file"}.get(kind, "a user-defined link")  # fmt: skip
                raise Refused(f"{shown(name)} in {where} is {which}")
        return names

    def _register(self, item: Any) -> None:
        address = h5py.h5o.get_info(item.id).addr
        if address in self.seen:
            raise Refused(f"two links lead to the object {shown(item.name)}")
        self.seen.add(address)
        if len(self.seen) > MOST_OBJECTS:
            raise Refused(f"it holds more than {MOST_OBJECTS} objects")

    def _object(self, group: h5py.Group, name: str, where: str, depth: int) -> int:
        """Check the object of a name; return its size in memory, bytes."""
        item = group[name]
        if not isinstance(item, h5py.Group | h5py.Dataset):
            raise Refused(f"{where} is neither a group nor a dataset")
        self._register(item)
        self._check_attributes(item)
        if isinstance(item, h5py.Dataset):
            return self._dataset(item.id, where)
        if depth >= _DEEPEST:
            raise Refused(f"it has more than {_DEEPEST} groups inside each other")
        return sum(
            self._object(item, inner, f"{where}/{shown(inner)[1:-1]}", depth + 1)
            for inner in self._links(item, where)
        )

    def _check_attributes(self, item: Any) -> None:
        for k in range(h5py.h5a.get_num_attrs(item.id)):
            attribute = h5py.h5a.open(item.id, index=k)
            where = f"attribute {shown(attribute.name.decode('utf-8', 'replace'))} of {item.name}"
            declared = _bytes_of(attribute.get_space(), attribute.get_type(), where)
            if declared > self.size:
                raise Refused(
                    f"{where} declares {size_text(declared)}, in a file of {size_text(self.size)}"
                )

    def _dataset(self, item: Any, where: str) -> int:
        plan = item.get_create_plist()
        layout = plan.get_layout()
        if layout not in _LAYOUTS:
            raise Refused(f"{where} is a virtual dataset: its data are in other files")
        if plan.get_external_count():
            raise Refused(f"{where} has its data in another file")
        packed = plan.get_nfilters() if layout == h5py.h5d.CHUNKED else 0
        for k in range(packed):
            if plan.get_filter(k)[0] not in _FILTERS:
                raise Refused(
                    f"{where} is packed with filter {plan.get_filter(k)[0]}; allowed are "
                    f"{', '.join(_FILTERS.values())}"
                )
        declared = _bytes_of(item.get_space(), item.get_type(), where, ragged=self.ragged)
        stored = item.get_storage_size()
        self.stored += stored
        if self.stored > self.size or declared > stored * (_BEST_PACKING if packed else 1):
            raise Refused(
                f"{where} declares {size_text(declared)}, but the file has only "
                f"{size_text(min(stored, self.size))} for it"
            )
        return declared


def _bytes_of(space: Any, kind: Any, where: str, *, ragged: bool = False) -> int:
    """Return the bytes of an array of this shape and type; for ragged rows, of the references."""
    rows = ragged and kind.get_class() == h5py.h5t.VLEN and kind.get_super().get_class() in _NUMBERS
    if not rows and kind.get_class() not in _CLASSES and kind.dtype != bool:
        raise Refused(f"{where} holds neither numbers nor text")
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return 0
    count = int(kind.get_size())
    for length in space.get_simple_extent_dims():
        count *= length
    return count


def check_memory(needed: int) -> None:
    """Raise an error if data do not fit into the memory of this computer.

    Parameters
    ----------
    needed : int
        Size of the data, bytes.

    Raises
    ------
    Refused
        If they do not fit. The message is the reason only.
    """
    limit = available_memory()
    if needed > limit:
        raise Refused(
            f"it would take {size_text(needed)} of memory, and this computer has {size_text(limit)}"
        )


def tree_of(group: h5py.Group) -> Tree:
    """Read all datasets of a checked group, and of the groups below it."""
    return {name: item_of(item, 0) for name, item in group.items()}


def item_of(item: Any, most: int) -> Any:
    """Read a checked dataset, or all datasets of a checked group; `most`: see `ragged_of`."""
    if isinstance(item, h5py.Group):
        return {name: item_of(inner, most) for name, inner in item.items()}
    return ragged_of(item, most) if is_ragged(item) else _plain(item[()])


def ragged_of(item: Any, most: int) -> Tree:
    """Read a checked dataset of rows of different lengths.

    Parameters
    ----------
    item : h5py.Dataset
        One-dimensional; its entries are rows of numbers.
    most : int
        Length of the file, bytes. Rows are not compressed, so they cannot be longer than it.

    Returns
    -------
    Tree
        `values`, all rows one after the other, and `lengths`, the length of each row.

    Raises
    ------
    Refused
        If the dataset has more than one dimension, or its rows are longer than the file.
    """
    if item.ndim != 1:
        raise Refused(f"{item.name} must have one dimension, got {item.ndim}")
    rows, total = [], 0
    for k in range(item.shape[0]):
        row = np.asarray(item[k])
        total += row.nbytes
        if total > most:
            raise Refused(f"the rows of {item.name} are longer than the file")
        rows.append(row)
    dtype = h5py.check_vlen_dtype(item.dtype)
    return {
        "values": np.concatenate([np.empty(0, dtype), *rows]),
        "lengths": np.array([len(row) for row in rows], np.int64),
    }


def is_ragged(item: Any) -> bool:
    """Tell whether a dataset has rows of numbers of different lengths."""
    dtype = h5py.check_vlen_dtype(item.dtype) if isinstance(item, h5py.Dataset) else None
    return dtype is not None and np.dtype(dtype).kind in "iuf"


def attributes_of(item: Any) -> Tree:
    """Read all attributes of a checked group or dataset."""
    return {name: _plain(value) for name, value in item.attrs.items()}


def _plain(value: Any) -> str | NDArray[Any]:
    """Return text as str, arrays of text as arrays of bytes, and numbers as arrays."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return value
    if isinstance(value, h5py.Empty):
        return np.empty(0)
    array = np.asarray(value)
    if array.dtype.kind != "O":
        return array
    texts = [text.encode() if isinstance(text, str) else text for text in array.flat]
    return np.array(texts, dtype="S").reshape(array.shape)


def read_array(
    group: h5py.Group,
    name: str,
    kind: str,
    shape: tuple[int | None, ...] | None = None,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    nan: bool = False,
) -> NDArray[Any]:
    """Read an array of numbers, and check its type, shape and range.

    Parameters
    ----------
    group : h5py.Group
        Group that holds the dataset.
    name : str
        Name of the dataset.
    kind : {"int", "float"}
        Whole numbers or floats.
    shape : tuple of int or None, optional
        Lengths of the axes; None stands for any. Default: any shape.
    low, high : float
        Smallest and largest value.
    nan : bool
        Whether NaN is allowed.

    Raises
    ------
    StorageError
        If the array is missing, or has another type, shape or range. The message is the reason
        only.
    """
    data = group.get(name)
    if not isinstance(data, h5py.Dataset):
        raise StorageError(f"there is no array {name!r}")
    if data.dtype.kind not in {"int": "iu", "float": "f"}[kind]:
        raise StorageError(f"{name} must be of type {kind}, got {data.dtype}")
    fits = shape is None or (
        len(shape) == data.ndim
        and all(want in (None, have) for want, have in zip(shape, data.shape, strict=True))
    )
    if not fits:
        raise StorageError(f"{name} must have shape {shape}, got {data.shape}")
    array: NDArray[Any] = data[()] if data.ndim else np.asarray(data[()])
    values = array[~np.isnan(array)] if nan else array
    if kind == "float" and not np.isfinite(values).all():
        raise StorageError(f"{name} must be finite")
    if values.size and (values.min() < low or values.max() > high):
        raise StorageError(
            f"{name} must be from {low:g} to {high:g}, got {values.min():g} to {values.max():g}"
        )
    return array
