"""The threads of one run: each simulates its part of the network up to the next barrier."""

from __future__ import annotations

import _thread
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import SimulationError
from . import fields as f
from .barrier import N_SYNC, STOP
from .state import CellState, Part, Plastic, Wiring
from .tables import EngineTables

__all__ = ["Crew", "Share", "share", "usual_threads"]

MANY_SYNAPSES = 1_000_000
"""Number of synapses from which several threads are used by default."""

LONGEST_WINDOW = 16
"""Largest number of steps between two barriers."""

_Helper = tuple[dict[str, str], list[BaseException | None]]
"""Who has claimed a task (the thread, or the caller to cancel it), and the error of the thread."""

Share = tuple[CellState, Wiring, Plastic, Part]
"""The arrays of one thread."""


def usual_threads(n_synapses: int) -> int:
    """Return the default number of threads: the number of cores, or 1 for a small network."""
    if n_synapses < MANY_SYNAPSES:
        return 1
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows lack this function.
        return os.cpu_count() or 1


def share(tables: EngineTables, cells: CellState, plastic: Plastic, v_index: Any) -> list[Share]:
    """Return the arrays of each thread; the first thread has the original arrays."""
    n_parts = max(tables.bounds.size - 1, 1)
    table, block_of = plastic.table, tables.cells.block_of
    dendritic = table[:, f.DENDRITIC].tolist()
    window = max(min([tables.shortest, LONGEST_WINDOW, *dendritic]), 1)
    bounds = tables.bounds if tables.bounds.size > 1 else np.zeros(2, dtype=np.int64)
    block_of_v = np.searchsorted(tables.cells.params.block[:, f.STATE], v_index, side="right") - 1
    common: dict[str, Any] = {
        "fired": np.empty((2, window * tables.cells.n_cells), dtype=np.int64),
        "starts": window * bounds[:-1],
        "ends": np.zeros((2, n_parts, window + f.APART // 8), dtype=np.int64),
        "sync": np.zeros(N_SYNC, dtype=np.int64),
    }
    shares = []
    for p, (segment, route) in enumerate(tables.routes):
        mine = block_of[bounds[p] : bounds[p + 1]]
        first, last = (int(mine[0]), int(mine[-1]) + 1) if mine.size else (0, 0)
        plan = np.array([p, n_parts, first, last, window], dtype=np.int64)
        part = Part(
            plan=plan,
            plastic=np.flatnonzero(tables.wiring.units[table[:, f.UNIT], f.PART] == p),
            v_column=np.flatnonzero((block_of_v >= first) & (block_of_v < last)),
            **common,
        )
        wiring = tables.wiring._replace(segment=segment, route=route)
        if p == 0:
            shares.append((cells, wiring, plastic, part))
            continue
        mask = np.zeros_like(cells.mask)
        own = {name: np.zeros_like(getattr(cells, name))
               for name in ("fired", "ids", "waiting", "scratch")}  # fmt: skip
        shares.append((
            cells._replace(mask=mask, mask64=mask.view(np.uint64), **own),
            wiring._replace(touched=np.zeros_like(wiring.touched)),
            plastic._replace(stack=np.zeros_like(plastic.stack)),
            part,
        ))  # fmt: skip
    return shares


class Crew:
    """Threads that work in addition to the calling one.

    They exist during one call. After an interrupt of the caller, :meth:`rest` ends them; it can
    itself be interrupted and called again.
    """

    def __init__(self, sync: Any) -> None:
        self._sync = sync
        self._helpers: list[_Helper] = []

    def work(self, tasks: Sequence[Callable[[], Any]]) -> Any:
        """Do the first task here and the others in threads; return the result of the first.

        Raises
        ------
        SimulationError
            If a thread failed; its error is the cause.
        """
        self.rest()
        self._sync[:] = 0
        helpers: list[_Helper] = [({}, []) for _ in tasks[1:]]
        try:
            for task, helper in zip(tasks[1:], helpers, strict=True):
                self._helpers.append(helper)
                _thread.start_new_thread(self._help, (task, *helper))
            result = tasks[0]()
        finally:
            self.rest()
        for _, ended in helpers:
            if ended and ended[0] is not None:
                raise SimulationError("backend 'native': a thread of the run failed") from ended[0]
        return result

    def _help(
        self, task: Callable[[], Any], claim: dict[str, str], ended: list[BaseException | None]
    ) -> None:
        # The first writer owns the claim; the caller may have cancelled the task meanwhile.
        if claim.setdefault("by", "thread") != "thread":
            return
        failure = None
        try:
            task()
        except BaseException as error:
            self._sync[STOP] = 1
            failure = error
        ended.append(failure)

    def rest(self) -> None:
        """Wait until no thread is running; threads never wait for the caller."""
        if not self._helpers:
            return
        self._sync[STOP] = 1
        for claim, ended in self._helpers:
            if claim.setdefault("by", "caller") == "thread":
                while not ended:
                    time.sleep(0)
        self._helpers.clear()
