"""The file of a running sweep. Each point is stored as soon as it is finished."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..output import check_target
from ..storage import contents, load, save
from .journal import Journal
from .plan import difference
from .records import Point, Record, key_of
from .results import Results

__all__ = ["Store"]

_SHARE = 10
"""The file is rewritten once this many times the time of the last rewriting has passed."""


class Store:
    """Points of a sweep, kept in a file and the journal beside it, or in memory alone.

    A finished point is appended to the journal, which takes one write. The file itself is
    rewritten atomically at the end, and before that so rarely that rewriting takes less than a
    tenth of the time. Each rewriting empties the journal. The journal is removed at the end.

    Parameters
    ----------
    path : Path, optional
        The file. Default: none.
    plan : dict
        :meth:`Plan.facts`.

    Raises
    ------
    StorageError
        If the file cannot be written, if another process is writing it, or if it does not hold
        this sweep.
    """

    def __init__(self, path: Path | None, plan: dict[str, Any]) -> None:
        self.path, self.plan = path, plan
        self.points: dict[str, Point] = {}
        self.journal: Journal | None = None
        self.dirty = False
        if path is None:
            return
        check_same(path, plan)
        self.journal = Journal(path, plan)
        try:
            self._read(path, self.journal)
        except BaseException:
            self.journal.close(remove=False)
            raise

    def _read(self, path: Path, journal: Journal) -> None:
        check_same(path, plan := self.plan)
        held = load(path, "sweep").record.points if path.exists() else ()
        self._take([*held, *journal.points])
        self.dirty = len(self.points) > len(held) or not path.exists()
        self.rewritten, self.cost = time.monotonic(), 0.0
        if not path.exists():
            save(path, sweep=Results(Record(plan)))

    def _take(self, points: Iterable[Point]) -> None:
        for point in points:
            self.points[key_of(point.values)] = point

    def add(self, point: Point) -> None:
        """Keep a finished point; it is on the disk when this returns.

        Raises
        ------
        StorageError
            If the point cannot be written. The points stored before are intact.
        """
        if self.journal is not None:
            self.journal.add(point)
        self._take([point])
        self.dirty = True
        if self.path is not None and time.monotonic() - self.rewritten >= _SHARE * self.cost:
            self.rewrite()

    def rewrite(self) -> None:
        """Write all points to the file, and empty the journal."""
        if self.path is None or self.journal is None or not self.dirty:
            return
        start = time.monotonic()
        save(self.path, sweep=Results(self.record()))
        self.journal.clear(self.plan)
        self.dirty = False
        self.rewritten = time.monotonic()
        self.cost = self.rewritten - start

    def record(self) -> Record:
        """All points, in the order of the axes."""
        return Record(self.plan).with_points(self.points.values())

    def close(self) -> None:
        """Write the file a last time, and close it."""
        if self.journal is None:
            return
        try:
            self.rewrite()
        finally:
            self.journal.close(remove=not self.dirty)
            self.journal = None


def check_same(path: Path, plan: dict[str, Any]) -> None:
    """Refuse a file that cannot be written, or that holds something other than this sweep.

    Raises
    ------
    StorageError
        With the first thing in which the sweeps differ.
    """
    check_target(path, overwrite=True)
    if not path.exists():
        return
    held = contents(path)["kinds"]
    if "sweep" not in held:
        raise StorageError(
            f"sweep: {str(path)!r} holds a {' and a '.join(held)}, no sweep; give another file."
        )
    record = load(path, "sweep")
    found = difference(record.record.plan, plan)
    if found is not None:
        raise StorageError(f"sweep: {str(path)!r} holds another sweep: {found}. Give another file.")
