"""Reads files of event recordings: N-MNIST (.bin), Heidelberg digits and N-TIDIGITS (HDF5)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..checks import Choice, Count, PathName, checked
from ..errors import DescriptionError, StorageError, shown
from ..files import open_regular, write_atomically
from ..foreign import read_items
from ..limits import lack_of_memory
from .recordings import EVENT, Recordings, SensorShape, to_recording
from .references import ANUMULA, CRAMER, ORCHARD

__all__ = ["read_nmnist", "read_ntidigits", "read_shd", "write_nmnist"]

_OVERFLOW = 240
"""Row of an entry that is not an event: it tells that the clock has advanced by 2**13 µs."""
_OVERFLOW_TIME = 2**13
_LONGEST_TIME = 2**23
_BYTES = 5
_LARGEST = 2**28
"""Largest file of one recording, bytes."""

DIGITS = ("o", "1", "2", "3", "4", "5", "6", "7", "8", "9", "z")
"""Classes of N-TIDIGITS: "oh", 1 to 9, "zero"."""


@checked
def read_nmnist(
    path: Annotated[str | Path, PathName()],
    *,
    shape: Annotated[int | tuple[int, ...], SensorShape()] = (2, 34, 34),
    per_class: Annotated[int, Count()] | None = None,
) -> Recordings:
    """Read recordings in the format of N-MNIST: five bytes for each event.

    The bytes are the column, the row, and 1 bit of polarity with 23 bits of time, µs. N-Caltech101
    has the same format.

    Parameters
    ----------
    path : str or Path
        A ``.bin`` file, which is one sample of class 0; or a folder with a folder of such files
        for each class, such as ``Train`` of N-MNIST. The classes are numbered in the order of the
        folders' names.
    shape : tuple of int
        Shape of the sensor: polarities (2), rows and columns.
    per_class : int, optional
        Number of files to read from each class. Default: all.

    Returns
    -------
    Recordings

    Raises
    ------
    StorageError
        If the file or folder does not exist, a folder has no recordings, a file is truncated or
        empty, an event is outside the sensor, or times decrease.

    References
    ----------
    Orchard, Jayawant, Cohen and Thakor, Frontiers in Neuroscience 9:437 (2015).
    """
    source, sensor = Path(path), (shape,) if isinstance(shape, int) else tuple(shape)
    if len(sensor) != 3 or sensor[0] != 2 or max(sensor) > 256:
        raise DescriptionError(
            f"read_nmnist: shape must be (2, rows, columns), at most 256 each, got {sensor}."
        )
    with _reading("read_nmnist", source):
        if not source.is_dir():
            files, names = [(source, 0)], [source.parent.name or "0"]
        else:
            files, names = _files_of(source, ".bin", per_class)
        size = sum(file.stat().st_size for file, _ in files)
    what = f"read_nmnist: {str(source)!r}"
    if problem := lack_of_memory(size / _BYTES * 3 * EVENT.itemsize, what):
        raise StorageError(f"{problem}. Read fewer files with per_class.")
    samples = []
    for file, _ in files:
        with _reading("read_nmnist", file), open_regular(file) as raw:
            samples.append(to_recording(_decoded(_content(raw)), sensor, "recording"))
    labels = np.array([label for _, label in files], np.int64)
    return Recordings(samples=tuple(samples), shape=sensor, labels=labels, names=tuple(names),
                      bibtex=(ORCHARD,))  # fmt: skip


@contextlib.contextmanager
def _reading(where: str, path: Path) -> Iterator[None]:
    """Convert errors about a file to a StorageError that names the file."""
    try:
        yield
    except (OSError, DescriptionError, MemoryError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StorageError(f"{where}: cannot read {str(path)!r}: {reason.rstrip('.')}.") from error


def _files_of(
    folder: Path, suffix: str, per_class: int | None
) -> tuple[list[tuple[Path, int]], list[str]]:
    """Return the files of each class, and the names of the classes."""
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    files: list[tuple[Path, int]] = []
    names: list[str] = []
    for entry in classes:
        inside = sorted(file for file in entry.iterdir() if file.suffix.lower() == suffix)
        if inside:
            files += [(file, len(names)) for file in inside[:per_class]]
            names.append(entry.name)
    if not files:
        raise StorageError(f"it has no folders of {suffix} files, one folder for each class")
    return files, names


def _content(raw: BinaryIO) -> bytes:
    content = raw.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise StorageError(f"it is larger than {_LARGEST // 2**20} MiB")
    if not content:
        raise StorageError("it is empty")
    if len(content) % _BYTES:
        raise StorageError(
            f"it is truncated: {len(content)} bytes are not a whole number of events of {_BYTES} "
            f"bytes"
        )
    return content


def _decoded(content: bytes) -> NDArray[Any]:
    """Return the events of a file, in the order of the file."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, _BYTES).astype(np.int64)
    events = np.zeros(len(rows), EVENT)
    events["x"], events["y"], events["p"] = rows[:, 0], rows[:, 1], rows[:, 2] >> 7
    time = ((rows[:, 2] & 0x7F) << 16) | (rows[:, 3] << 8) | rows[:, 4]
    passed = rows[:, 1] == _OVERFLOW
    events["t"] = time + _OVERFLOW_TIME * np.cumsum(passed)
    return np.asarray(events[~passed])


@checked
def write_nmnist(path: Annotated[str | Path, PathName()], recordings: Recordings) -> Path:
    """Write recordings in the format of N-MNIST: a folder with a folder for each class.

    Parameters
    ----------
    path : str or Path
        Name of a folder; it is made if it does not exist. Files of the same names are replaced.
    recordings : Recordings
        Recordings of a sensor of shape (2, rows, columns), with at most 240 rows and 256 columns,
        shorter than 8.39 s.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DescriptionError
        If the format cannot hold the recordings.
    StorageError
        If the files cannot be written.
    """
    shape, folder = recordings.shape, Path(path)
    if len(shape) != 3 or shape[0] != 2 or shape[1] > _OVERFLOW or shape[2] > 256:
        raise DescriptionError(
            f"write_nmnist: recordings must be of a sensor (2, rows, columns), at most 240 "
            f"rows and 256 columns, got {shape}."
        )
    last = max((int(sample["t"][-1]) for sample in recordings), default=0)
    if last >= _LONGEST_TIME:
        raise DescriptionError(
            f"write_nmnist: recordings must end before {_LONGEST_TIME} us, the limit of 23 bits, "
            f"got {last} us."
        )
    for k, (sample, label) in enumerate(zip(recordings, recordings.labels.tolist(), strict=True)):
        name = recordings.names[label] if recordings.names else str(label)
        if "/" in name or name in ("", ".", ".."):
            raise DescriptionError(f"write_nmnist: {shown(name)} cannot be the name of a folder.")
        inner = folder / name
        try:
            inner.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise StorageError(f"write_nmnist: cannot make {str(inner)!r}: {error}.") from error
        write_atomically(inner / f"{k + 1:05d}.bin", _encoded(sample), "write_nmnist")
    return folder


def _encoded(sample: NDArray[Any]) -> bytes:
    rows = np.empty((sample.size, _BYTES), np.uint8)
    time = sample["t"]
    rows[:, 0], rows[:, 1] = sample["x"], sample["y"]
    rows[:, 2] = (sample["p"].astype(np.int64) << 7) | (time >> 16)
    rows[:, 3], rows[:, 4] = (time >> 8) & 0xFF, time & 0xFF
    return rows.tobytes()


@checked
def read_shd(
    path: Annotated[str | Path, PathName()], *, channels: Annotated[int, Count()] = 700
) -> Recordings:
    """Read the Spiking Heidelberg Digits, or the Spiking Speech Commands.

    Parameters
    ----------
    path : str or Path
        HDF5 file with rows of different lengths, ``spikes/times`` (s) and ``spikes/units``, and
        with `labels`. Names of the classes are read from ``extra/keys``, if present.
    channels : int
        Number of channels of the cochlea.

    Returns
    -------
    Recordings
        Recordings of a sensor of shape (channels,).

    Raises
    ------
    StorageError
        If the file does not exist, is damaged, truncated or of another kind, or has spikes on
        other channels, negative times or decreasing times.

    References
    ----------
    Cramer, Stradmann, Schemmel and Zenke, IEEE Transactions on Neural Networks and Learning Systems
    33:2744 (2022).
    """
    source = Path(path)
    with _reading("read_shd", source):
        with open_regular(source) as raw:
            tree = read_items(raw, ["spikes", "labels", "extra"])
        times, lengths = _rows(tree, "times")
        units, others = _rows(tree, "units")
        labels = _array(tree, "labels", "iu")
        if not np.array_equal(lengths, others) or labels.shape != lengths.shape:
            raise StorageError("spikes/times, spikes/units and labels do not have the same lengths")
        events = _cochlea_events(times, units, channels)
        edges = np.cumsum(lengths)[:-1]
        keys = tree.get("extra")
        return Recordings(
            samples=tuple(np.split(events, edges)) if lengths.size else (),
            shape=(channels,),
            labels=labels.astype(np.int64),
            names=_names(keys.get("keys") if isinstance(keys, dict) else None, labels),
            bibtex=(CRAMER,),
        )


def _rows(tree: dict[str, Any], name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return values and lengths of the rows of one dataset of ``spikes``."""
    spikes = tree.get("spikes")
    rows = spikes.get(name) if isinstance(spikes, dict) else None
    if isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind in "iuf":
        return rows.ravel(), np.full(rows.shape[0], rows.shape[1], np.int64)
    if not isinstance(rows, dict) or set(rows) != {"values", "lengths"}:
        raise StorageError(f"it has no rows of numbers in spikes/{name}")
    return rows["values"], rows["lengths"]


def _array(tree: dict[str, Any], name: str, kinds: str) -> NDArray[Any]:
    array = tree.get(name)
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in kinds:
        raise StorageError(f"it has no one-dimensional array {name!r} of the right type")
    return array


def _names(keys: Any, labels: NDArray[Any]) -> tuple[str, ...]:
    if not isinstance(keys, np.ndarray) or keys.dtype.kind != "S" or keys.ndim != 1:
        return ()
    names = tuple(key.decode("utf-8", "replace") for key in keys.tolist())
    return names if not labels.size or labels.max() < len(names) else ()


def _cochlea_events(times: NDArray[Any], units: NDArray[Any], channels: int) -> NDArray[Any]:
    """Make events from times (s) and channels."""
    if times.dtype.kind not in "iuf" or units.dtype.kind not in "iuf":
        raise StorageError("times and channels must be numbers")
    seconds, channel = times.astype(np.float64), units.astype(np.float64)
    if not np.isfinite(seconds).all() or (seconds.size and np.abs(seconds).max() > 1e9):
        raise StorageError("times must be finite numbers of seconds")
    if not np.isfinite(channel).all() or np.any(channel != np.rint(channel)):
        raise StorageError("channels must be whole numbers")
    if channel.size and (channel.min() < 0 or channel.max() >= channels):
        bad = channel.min() if channel.min() < 0 else channel.max()
        raise StorageError(f"channels must be from 0 to {channels - 1}, got {bad:g}")
    events = np.zeros(seconds.size, EVENT)
    events["t"], events["x"] = np.rint(seconds * 1e6), channel
    return events


@checked
def read_ntidigits(
    path: Annotated[str | Path, PathName()],
    *,
    part: Annotated[str, Choice("train", "test")] = "train",
    single: bool = True,
    channels: Annotated[int, Count()] = 64,
) -> Recordings:
    """Read N-TIDIGITS: spoken digits, recorded with a silicon cochlea.

    Parameters
    ----------
    path : str or Path
        HDF5 file with ``train_labels``, the names of the recordings, and ``train_addresses`` and
        ``train_timestamps`` (s), which have a dataset for each name; likewise for "test".
    part : {"train", "test"}
        Part of the data set to read.
    single : bool
        True leaves out recordings of several digits; the names of the classes are then "o", "1"
        to "9" and "z". If False, each sequence of digits in the file is a class.
    channels : int
        Number of channels of the cochlea.

    Returns
    -------
    Recordings
        Recordings of a sensor of shape (channels,).

    Raises
    ------
    StorageError
        If the file does not exist, is damaged, truncated or of another kind, or has spikes on
        other channels, negative times or decreasing times.

    References
    ----------
    Anumula, Neil, Delbruck and Liu, Frontiers in Neuroscience 12:23 (2018).
    """
    source = Path(path)
    keys = [f"{part}_labels", f"{part}_addresses", f"{part}_timestamps"]
    with _reading("read_ntidigits", source):
        with open_regular(source) as raw:
            tree = read_items(raw, keys)
        names = [name.decode() for name in _array(tree, keys[0], "S").tolist()]
        spoken = [name.rpartition("-")[2] for name in names]
        classes = DIGITS if single else tuple(sorted(set(spoken)))
        chosen = [k for k, word in enumerate(spoken) if word in classes]
        if not chosen:
            raise StorageError(f"it has no {'single digits' if single else 'recordings'} in {part}")
        samples = []
        for k in chosen:
            units, times = (_named(tree, key, names[k]) for key in keys[1:])
            if units.shape != times.shape:
                raise StorageError(f"{names[k]!r} has {units.size} addresses, {times.size} times")
            samples.append(_cochlea_events(times, units, channels))
        return Recordings(
            samples=tuple(samples),
            shape=(channels,),
            labels=np.array([classes.index(spoken[k]) for k in chosen], np.int64),
            names=classes,
            bibtex=(ANUMULA,),
        )


def _named(tree: dict[str, Any], group: str, name: str) -> NDArray[Any]:
    datasets = tree.get(group)
    array = datasets.get(name) if isinstance(datasets, dict) else None
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "iuf":
        raise StorageError(f"{group!r} has no numbers for {name!r}")
    return array
