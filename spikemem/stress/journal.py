"""The journal of a sweep: points that its file does not hold yet, each with a checksum.

A point is appended and synced to the disk as soon as it is finished. If a process is killed while
it writes an entry, the checksum reveals the incomplete entry, and the next run removes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..container import DAMAGE
from ..errors import StorageError
from ..files import lock, open_regular
from .records import Column, Failure, Point, Times, check_points

__all__ = ["Journal", "journal_of", "points_in"]

_HEAD = 64 + 1 + 12 + 1
"""Length of the header of an entry: checksum, length and blanks."""


def journal_of(path: Path) -> Path:
    """Return the path of the journal beside a file."""
    return path.with_name(path.name + ".journal")


class Journal:
    """The journal of one sweep. It is locked, so that no other process writes the same file.

    Parameters
    ----------
    path : Path
        File of the sweep.
    plan : dict
        :meth:`Plan.facts` of the sweep.

    Raises
    ------
    StorageError
        If another process has the journal open, if it belongs to another sweep, or if it cannot be
        written.
    """

    def __init__(self, path: Path, plan: Mapping[str, Any]) -> None:
        self.path = journal_of(path)
        self.file = self._locked()
        try:
            found = _entries(self.file)
            if found and found[0] != _digest(plan):
                raise StorageError(
                    f"sweep: {str(self.path)!r} holds points of another sweep; move it away, or "
                    f"give another file."
                )
            self.points = _points(found[1:], plan)
            self.end = self.file.tell()
            if not found:
                self._restart(plan)
        except BaseException:
            self.file.close()
            raise

    def _locked(self) -> FileIO:
        """Open and lock the file. Try again if another process removes it before it is locked."""
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise _unwritable(self.path, error) from error
            file = open(descriptor, "r+b", buffering=0)  # noqa: SIM115
            if lock(file) is False:
                file.close()
                raise StorageError(
                    f"sweep: another process is writing {str(self.path.with_suffix(''))!r}; wait "
                    f"for it, or give another file."
                )
            if os.fstat(descriptor).st_nlink:
                return file
            file.close()

    def add(self, point: Point) -> None:
        """Append a point, and sync it to the disk before returning.

        Raises
        ------
        StorageError
            If the point cannot be written. Earlier points are intact.
        """
        self._append(_packed(point))

    def clear(self, plan: Mapping[str, Any]) -> None:
        """Remove all points from the journal, because the file now holds them."""
        self._restart(plan)

    def _restart(self, plan: Mapping[str, Any]) -> None:
        self.end = 0
        self._append(_digest(plan))

    def _append(self, entry: Any) -> None:
        body = json.dumps(entry).encode()
        head = f"{hashlib.sha256(body).hexdigest()} {len(body):12d} ".encode()
        try:
            self.file.seek(self.end)
            self.file.truncate()
            left = memoryview(head + body + b"\n")
            while left:
                left = left[self.file.write(left) :]
            os.fsync(self.file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self.file.fileno(), self.end)
            raise _unwritable(self.path, error) from error
        self.end = self.file.tell()

    def close(self, *, remove: bool) -> None:
        """Close the journal; with `remove`, delete it as well."""
        if remove:
            with contextlib.suppress(OSError):
                self.path.unlink()
        with contextlib.suppress(OSError):
            self.file.close()


def points_in(path: Path, plan: Mapping[str, Any]) -> list[Point]:
    """Return the points of the journal beside a file; none if it belongs to another sweep."""
    try:
        with open_regular(journal_of(path)) as file:
            found = _entries(file)
        if not found or found[0] != _digest(plan):
            return []
        return _points(found[1:], plan)
    except (OSError, *DAMAGE):
        return []


def _entries(file: BinaryIO | FileIO) -> list[Any]:
    """Read the entries of a journal up to the first incomplete one, and leave the file there."""
    found: list[Any] = []
    file.seek(0)
    while True:
        start = file.tell()
        head = file.read(_HEAD)
        length = head[65:77].strip()
        body = file.read(int(length) + 1) if length.isdigit() else b""
        digest = hashlib.sha256(body[:-1]).hexdigest().encode()
        if len(head) < _HEAD or body[-1:] != b"\n" or digest != head[:64]:
            file.seek(start)
            return found
        found.append(json.loads(body))


def _digest(plan: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plan).encode()).hexdigest()


def _packed(point: Point) -> dict[str, Any]:
    columns = {
        name: [column.trials.tolist(), column.lengths.tolist(), column.values.tolist()]
        for name, column in point.columns.items()
    }
    return {
        "values": point.values, "done": point.done.tolist(), "columns": columns,
        "failures": [list(failure) for failure in point.failures], "facts": point.facts,
        "times": list(point.times),
    }  # fmt: skip


def _points(entries: list[Any], plan: Mapping[str, Any]) -> list[Point]:
    points = [_point(entry, plan) for entry in entries]
    check_points(plan, points)
    return points


def _point(entry: Any, plan: Mapping[str, Any]) -> Point:
    columns = {}
    for name, (trials, lengths, values) in entry["columns"].items():
        kind = plan["measures"].get(name, ["mean"])[0]
        width = 2 if kind in ("proportion", "proportions") else 1
        rows = np.array(values, np.float64).reshape(-1, width)
        columns[name] = Column(np.array(trials, np.int64), np.array(lengths, np.int64), rows)
    return Point(
        entry["values"],
        np.array(entry["done"], np.int64),
        columns,
        tuple(Failure(*failure) for failure in entry["failures"]),
        entry["facts"],
        Times(*entry["times"]),
    )


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"sweep: cannot write {str(path)!r}: {error.strerror or error}. The points that were "
        f"finished before are kept; make room, and run the same sweep again."
    )
