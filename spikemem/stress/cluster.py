"""Runs the batches of a sweep on a Dask cluster."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated, Any

from ..checks import Kind, Optional
from ..errors import BackendMissing, DescriptionError, SimulationError, shown
from .work import Batch, Done, carry_out

__all__ = ["Cluster", "ClusterExecutor"]

_TIMEOUT = 15.0
"""Seconds to wait for the answer of a scheduler."""

_PER_WORKER = 2
"""Batches sent to one worker: one runs while the next is transferred."""


@dataclass(frozen=True)
class ClusterAddress(Kind):
    """Address of the scheduler of a Dask cluster, or a ``distributed.Client``."""

    def check(self, value: Any, where: str) -> Any:
        """Return the address, or the client itself."""
        module = sys.modules.get("distributed")
        if isinstance(value, str) and value.isprintable() and "://" in value:
            return value
        if module is not None and isinstance(value, module.Client):
            return value
        raise DescriptionError(
            f"{where} must be an address such as 'tcp://127.0.0.1:8786' or a distributed.Client, "
            f"got {shown(value)}."
        )


Cluster = Annotated[Any, Optional(ClusterAddress())]
"""Type of every ``cluster`` argument."""


class ClusterExecutor:
    """Runs batches on the workers of a Dask cluster.

    If a worker dies, Dask sends its batch to another worker. Dask gives a batch up after as many
    deaths as the setting ``distributed.scheduler.allowed-failures`` allows.

    Parameters
    ----------
    cluster : str or distributed.Client
        Address of the scheduler, or a client. A client stays open afterwards.
    """

    distributed: Any

    def __init__(self, cluster: Any) -> None:
        try:
            import distributed
        except ImportError as error:
            raise BackendMissing.of("cluster", "distributed", "cluster") from error
        self.distributed = distributed
        self.own = not isinstance(cluster, distributed.Client)
        self.client = _client(distributed, cluster) if self.own else cluster
        self.running: dict[Any, Batch] = {}
        self.count = 0
        self.slots = self._slots()

    def _slots(self) -> int:
        return max(len(self.client.nthreads()), 1) * _PER_WORKER

    def free(self) -> bool:
        """Whether a worker can take another batch."""
        return len(self.running) < self.slots

    def submit(self, batch: Batch) -> None:
        """Send a batch to the cluster."""
        self.count += 1
        future = self.client.submit(carry_out, batch, pure=False)
        self.running[future] = batch

    def wait(self) -> list[tuple[Batch, Done | None]]:
        """Wait until a batch ends, and return the batches that have ended."""
        if not self.running:
            return []
        from concurrent.futures import CancelledError

        try:
            with self.client.as_current():
                ready = self.distributed.wait(list(self.running), return_when="FIRST_COMPLETED")
        except (OSError, CancelledError) as error:
            raise _lost() from error
        ended: list[tuple[Batch, Done | None]] = []
        for future in ready.done:
            batch = self.running.pop(future)
            ended.append((batch, self._result(future)))
            future.release()
        self.slots = self._slots()
        return ended

    def _result(self, future: Any) -> Done | None:
        """Return the result of a batch, or None if its workers died."""
        if future.status in ("cancelled", "lost"):
            raise _lost()
        error = future.exception()
        if isinstance(error, self.distributed.KilledWorker):
            return None
        done: Done = future.result()
        return done

    def close(self) -> None:
        """Cancel running batches, and close the client if this object opened it."""
        if self.running:
            self.client.cancel(list(self.running), force=True)
            self.running.clear()
        if self.own:
            self.client.close()


def _lost() -> SimulationError:
    return SimulationError(
        "sweep: the cluster has lost trials, and may have ended; start it, and run the same sweep "
        "again to continue."
    )


def _client(distributed: Any, address: Any) -> Any:
    try:
        return distributed.Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise SimulationError(
            f"cluster: no Dask scheduler answers at {address!r}; start one with 'dask scheduler'."
        ) from error
