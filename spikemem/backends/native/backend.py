"""The backend class of "native"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, checked
from ...errors import SimulationError
from ...network import Network
from ...recording import SpikeTrains
from ...simulation import IntegratorName, Results
from ...spikes import trains_in_order
from .engine import Engine, Run, Snapshot
from .fields import BLOCK_SIZE, CELL, I_E, I_I, STEP, V
from .numbers import Floats, NumberSystem
from .threads import usual_threads

__all__ = ["NativeBackend", "results_of"]

PRECISIONS = ("f8", "f4")
MOST_THREADS = 256


class NativeBackend:
    """The compiled engine, in floating point.

    Parameters
    ----------
    network : Network
        Network to simulate.
    integrator : {"spinnaker", "exact"}
        Rules of one time step; see ``docs/explanation/semantics.md``.
    precision : {"f8", "f4"}
        Floating-point type, of 8 or 4 bytes. "f4" takes half the memory and is faster if memory
        limits the speed.
    weights : bool
        False leaves :attr:`Recording.weights` empty. With many plastic synapses the copy at the
        end of each run can take longer than the run.
    threads : int, optional
        Largest number of threads; results do not depend on it. Default: one for each core for
        networks of a million synapses or more, otherwise one.

    Raises
    ------
    DescriptionError
        If the precision is unknown, or the number of threads is below 1.
    """

    can_continue = True

    @checked
    def __init__(
        self,
        network: Network,
        integrator: IntegratorName,
        *,
        precision: Annotated[Literal["f8", "f4"], Choice(*PRECISIONS, what="precision")] = "f8",
        weights: bool = True,
        threads: Annotated[int, Count(high=MOST_THREADS)] | None = None,
    ) -> None:
        n = usual_threads(network.n_synapses) if threads is None else threads
        self._set_up(network, Floats(integrator, precision), weights, n)

    def _set_up(
        self, network: Network, numbers: NumberSystem, weights: bool, threads: int = 1
    ) -> None:
        self.network = network
        self.engine = Engine(network, numbers, threads)
        self._weights = weights

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Advance by `n_steps`; see :class:`spikemem.simulation.Backend`."""
        run = self.engine.run(first_step, n_steps, inputs, gates, progress)
        if not _finite(self.engine):
            raise SimulationError(
                "backend 'native': a potential or a current exceeds the range of floating point; "
                "use precision='f8', or smaller weights"
            )
        return results_of(self.engine, run, first_step + n_steps, self._weights)

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Replace the weights (nA, shape (n_synapses,)) of these plastic projections."""
        for name, values in weights.items():
            self.engine.set_weights(name, values)

    def snapshot(self) -> Snapshot:
        """Return the present state; only the latest snapshot can be restored."""
        return self.engine.snapshot()

    def restore(self, state: Snapshot) -> None:
        """Return to the state of the latest snapshot; can be called again after an interrupt."""
        self.engine.restore(state)

    def save_state(self) -> Any:
        """Return a state from which another simulator of the same network can continue."""
        return self.engine.threads, self.engine.save_state()

    def load_state(self, state: Any) -> None:
        """Continue from a state that :meth:`save_state` returned, with the same threads."""
        threads, arrays = state
        if threads != self.engine.threads:
            self.engine = Engine(self.network, self.engine.numbers, threads)
        self.engine.load_state(arrays)

    def close(self) -> None:
        """Free the arrays."""
        self.__dict__.pop("engine", None)


def _finite(engine: Engine) -> bool:
    """Tell whether all potentials and currents are finite."""
    v_index = engine.tables.cells.v_index
    rows = [engine.cells.state[v_index + row * BLOCK_SIZE] for row in (V, I_E, I_I)]
    return all(bool(np.isfinite(row).all()) for row in rows)


def results_of(engine: Engine, run: Run, stop_step: int, weights: bool = True) -> Results:
    """Return the results of a run that ended before `stop_step`, in ms, mV and nA."""
    network = engine.network
    late = int(engine.numbers.exact)
    duration = (stop_step + late) * network.dt
    traces: dict[tuple[str, str], NDArray[np.float64]] = {}
    column = 0
    for population in network.populations:
        if "v" in population.record:
            part = run.v[:, column : column + population.size]
            traces[population.name, "v"] = np.ascontiguousarray(engine.numbers.in_mv(part))
            column += population.size
    column = 0
    for name, store in engine.tables.storage.items():
        if store.projection.record:
            part = store.read(run.w[:, column : column + store.stop - store.start])
            traces[name, "weight"] = engine.numbers.in_na(network, store.projection, part)
            column += store.stop - store.start
    return Results(
        spikes=_trains(engine, run, duration),
        traces=traces,
        weights={name: engine.weights(name) for name in engine.tables.storage} if weights else {},
        versions={"numba": numba.__version__},
    )


def _trains(engine: Engine, run: Run, duration: float) -> dict[str, SpikeTrains]:
    """Return the spikes of each population that records them."""
    recorded = {pop.name: pop for pop in engine.network.populations if "spikes" in pop.record}
    start = engine.tables.cells.start
    names = sorted(recorded, key=lambda name: start[name])
    firsts = [start[name] for name in names]
    # The spikes are sorted by time, then by cell within a population.
    owner = np.searchsorted(firsts, run.spikes[:, CELL], side="right")
    order = np.argsort(owner, kind="stable")
    edges = owner[order].searchsorted(np.arange(1, len(names) + 2)).tolist()
    ids = run.spikes[order, CELL].astype(np.int32)
    times = run.spikes[order, STEP] * engine.network.dt
    trains = {
        name: trains_in_order(
            ids[low:high] - np.int32(start[name]), times[low:high], recorded[name].size, duration
        )
        for name, low, high in zip(names, edges[:-1], edges[1:], strict=True)
    }
    return {name: trains[name] for name in recorded}
