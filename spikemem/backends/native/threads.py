"""The threads of one run: each does its part of the network, and they meet at every window."""

from __future__ import annotations

import _thread
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import SimulationError
from . import fields as f
from .layout import Layout
from .meeting import N_SYNC, STOP
from .state import Cells, Part, Plastic, Wiring

__all__ = ["Crew", "Share", "share", "usual_threads"]

MANY_SYNAPSES = 1_000_000
"""Networks with so many synapses are simulated with several threads unless told otherwise."""

LONGEST_WINDOW = 16
"""Steps between two meetings at most."""

_Helper = tuple[dict[str, str], list[BaseException | None]]
"""Who has claimed a task, the thread or (to give it up) the caller, and how the thread ended."""

Share = tuple[Cells, Wiring, Plastic, Part]
"""What one thread works on."""


def usual_threads(n_synapses: int) -> int:
    """Threads for a network of this size: as many as there are cores, or one for a small one."""
    if n_synapses < MANY_SYNAPSES:
        return 1
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not on macOS and Windows.
        return os.cpu_count() or 1


def share(layout: Layout, cells: Cells, plastic: Plastic, v_place: Any) -> list[Share]:
    """What each thread works on; the first has the arrays that the others are copies of."""
    n_parts = max(layout.bounds.size - 1, 1)
    table, block_of = plastic.table, layout.cells.block_of
    dendritic = table[:, f.DENDRITIC].tolist()
    window = max(min([layout.shortest, LONGEST_WINDOW, *dendritic]), 1)
    bounds = layout.bounds if layout.bounds.size > 1 else np.zeros(2, dtype=np.int64)
    block_of_v = np.searchsorted(layout.cells.params.block[:, f.STATE], v_place, side="right") - 1
    together: dict[str, Any] = {
        "fired": np.empty((2, window * layout.cells.n_cells), dtype=np.int64),
        "place": window * bounds[:-1],
        "ends": np.zeros((2, n_parts, window + f.APART // 8), dtype=np.int64),
        "sync": np.zeros(N_SYNC, dtype=np.int64),
    }
    shares = []
    for p, (segment, route) in enumerate(layout.routes):
        mine = block_of[bounds[p] : bounds[p + 1]]
        first, last = (int(mine[0]), int(mine[-1]) + 1) if mine.size else (0, 0)
        plan = np.array([p, n_parts, first, last, window], dtype=np.int64)
        part = Part(
            plan=plan,
            plastic=np.flatnonzero(layout.wiring.units[table[:, f.UNIT], f.PART] == p),
            v_column=np.flatnonzero((block_of_v >= first) & (block_of_v < last)),
            **together,
        )
        wiring = layout.wiring._replace(segment=segment, route=route)
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
    """Threads that work beside the one that calls.

    They live for one call each. Whatever interrupts the caller, :meth:`rest` ends them; it can be
    interrupted itself, and called again.
    """

    def __init__(self, sync: Any) -> None:
        self._sync = sync
        self._helpers: list[_Helper] = []

    def work(self, tasks: Sequence[Callable[[], Any]]) -> Any:
        """Do the first task here and the others in threads; returns what the first one returns.

        Raises
        ------
        SimulationError
            A thread failed; the error that it met is the cause.
        """
        self.rest()
        self._sync[:] = 0
        helpers: list[_Helper] = [({}, []) for _ in tasks[1:]]
        try:
            for task, helper in zip(tasks[1:], helpers, strict=True):
                self._helpers.append(helper)
                _thread.start_new_thread(self._help, (task, *helper))
            found = tasks[0]()
        finally:
            self.rest()
        for _, ended in helpers:
            if ended and ended[0] is not None:
                raise SimulationError("backend 'native': a thread of the run failed") from ended[0]
        return found

    def _help(
        self, task: Callable[[], Any], claim: dict[str, str], ended: list[BaseException | None]
    ) -> None:
        # The first to write into the claim has it; the caller may have given up meanwhile.
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
        """Wait until no thread works any more; none waits for the caller."""
        if not self._helpers:
            return
        self._sync[STOP] = 1
        for claim, ended in self._helpers:
            if claim.setdefault("by", "caller") == "thread":
                while not ended:
                    time.sleep(0)
        self._helpers.clear()
