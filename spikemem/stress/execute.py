"""Executors of the batches of a sweep: this process, several processes, or a cluster.

All three have the same methods. If a process dies, its batch runs again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from .work import Batch, Done, carry_out

__all__ = ["Executor", "executor_of"]

CRASHES = 3
"""A batch is given up once its process has died this many times."""

_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _LIBRARIES}


class Executor(Protocol):
    """Runs batches."""

    slots: int
    """Batches that run at the same time."""

    def free(self) -> bool:
        """Whether the executor can take another batch now."""

    def submit(self, batch: Batch) -> None:
        """Take a batch."""

    def wait(self) -> list[tuple[Batch, Done | None]]:
        """Wait until a batch ends, and return the batches that have ended with their results.

        The result is None if the process of the batch died `CRASHES` times. The list is empty
        only if nothing runs.
        """

    def close(self) -> None:
        """End all running batches."""


@contextmanager
def executor_of(jobs: int, cluster: Any) -> Iterator[Executor]:
    """Context of the requested executor. Batches that still run at its end are ended."""
    executor: Executor
    if cluster is not None:
        from .cluster import ClusterExecutor

        executor = ClusterExecutor(cluster)
    elif jobs > 1:
        executor = ProcessExecutor(jobs)
    else:
        executor = SerialExecutor()
    try:
        yield executor
    finally:
        executor.close()


class SerialExecutor:
    """Runs one batch after the other in this process."""

    slots = 1

    def __init__(self) -> None:
        self.batch: Batch | None = None

    def free(self) -> bool:
        """Whether no batch is waiting."""
        return self.batch is None

    def submit(self, batch: Batch) -> None:
        """Keep the batch until `wait` runs it."""
        self.batch = batch

    def wait(self) -> list[tuple[Batch, Done | None]]:
        """Run the batch, and return it with its result."""
        batch, self.batch = self.batch, None
        return [] if batch is None else [(batch, carry_out(batch))]

    def close(self) -> None:
        """Do nothing: no batch runs outside `wait`."""


class ProcessExecutor:
    """Runs batches in the processes of joblib (loky).

    Once a process has died, the batches that ran at that time run again one at a time, to find the
    batch that caused it.
    """

    def __init__(self, jobs: int) -> None:
        self.slots = jobs
        self.pool: Any = None
        self.running: dict[Any, Batch] = {}
        self.suspects: deque[Batch] = deque()
        self.crashes: dict[Batch, int] = {}

    def free(self) -> bool:
        """Whether a process is idle and no batch is suspected of having killed a process."""
        return len(self.running) < self.slots and not self.suspects and not self._isolated()

    def _isolated(self) -> bool:
        return any(batch in self.crashes for batch in self.running.values())

    def submit(self, batch: Batch) -> None:
        """Send a batch to a process."""
        from joblib.externals.loky import ProcessPoolExecutor

        if self.pool is None:
            self.pool = ProcessPoolExecutor(self.slots, timeout=None, env=_ONE_THREAD)
        self.running[self.pool.submit(carry_out, batch)] = batch

    def wait(self) -> list[tuple[Batch, Done | None]]:
        """Wait until a batch ends or a process dies, and return the batches that have ended."""
        from concurrent.futures import FIRST_COMPLETED, wait
        from concurrent.futures.process import BrokenProcessPool

        while self.running or self.suspects:
            if not self.running:
                self.submit(self.suspects.popleft())
            ended: list[tuple[Batch, Done | None]] = []
            broken = False
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                try:
                    ended.append((self.running[future], future.result()))
                except BrokenProcessPool:
                    broken = True
                    continue
                self.crashes.pop(self.running.pop(future), None)
            if broken:
                ended += self._crashed()
            if ended:
                return ended
        return []

    def _crashed(self) -> list[tuple[Batch, Done | None]]:
        """Count a crash, and return the batch that is given up, if there is one."""
        batches = list(self.running.values())
        self.running.clear()
        self._end_pool()
        given_up: list[tuple[Batch, Done | None]] = []
        for batch in batches:
            self.crashes[batch] = self.crashes.get(batch, 0) + 1
            if self.crashes[batch] >= CRASHES and len(batches) == 1:
                del self.crashes[batch]
                given_up.append((batch, None))
            else:
                self.suspects.append(batch)
        return given_up

    def _end_pool(self) -> None:
        pool, self.pool = self.pool, None
        if pool is not None:
            pool.shutdown(wait=True, kill_workers=True)

    def close(self) -> None:
        """End the processes."""
        self._end_pool()
