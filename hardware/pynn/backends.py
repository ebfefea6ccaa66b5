"""The backends "pynn:nest", "pynn:brian2" and "pynn:mock"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...backends.contract import require_valid_options
from ...checks import Count, checked
from ...errors import UnsupportedError
from ...network import Network
from ...recording import SpikeTrains
from ...simulation import IntegratorName, Results, package_version
from ...support import UNSUPPORTED
from .build import to_pynn
from .dialects import DIALECTS, import_simulator
from .running import end, read, run

__all__ = ["Brian2PyNNBackend", "MockBackend", "NestBackend"]


class _PyNNBackend:
    """Build, run and read in one go.

    A process has one instance of a PyNN simulator, and each run begins with an empty one: nothing
    is left between runs, so that sessions do not disturb each other, and none can go on.
    """

    simulator: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ("PyNN",)
    options: ClassVar[tuple[str, ...]] = ()
    can_continue = False

    @checked
    def __init__(self, network: Network, integrator: IntegratorName, **options: Any) -> None:
        name = DIALECTS[self.simulator].backend
        require_valid_options(options, self.options, name)
        threads = options.get("threads", 1)
        Count().check(threads, f"backend {name!r}: threads")
        self._sim = import_simulator(self.simulator)
        self._network, self._setup = network, options

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Simulate from the start; see :class:`spikemem.simulation.Backend`."""
        name = DIALECTS[self.simulator].backend
        if not all(np.all(gate) for gate in gates.values()):
            reason = UNSUPPORTED[name, "plasticity windows"]
            raise UnsupportedError(
                f"backend {name!r} cannot run this: plasticity windows: {reason}."
            )
        model = to_pynn(self._network.with_inputs(inputs), self._sim, setup=self._setup)
        try:
            run(model, n_steps * self._network.dt)
            result = read(model)
        finally:
            end(model)
        progress(1.0)
        versions = {package: package_version(package) for package in self.packages}
        return Results(dict(result.spikes), dict(result.traces), dict(result.weights), versions)

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Begin with these weights."""
        self._network = self._network.with_weights(weights)

    def snapshot(self) -> Any:
        """Nothing: no run goes on from another."""

    def restore(self, state: Any) -> None:
        """Nothing: no run goes on from another."""

    def close(self) -> None:
        """Nothing: each run has freed the simulator."""


class NestBackend(_PyNNBackend):
    """NEST through PyNN: the reference for ``integrator="exact"``.

    A run resets NEST's kernel; a network that was made with NEST in the same process is gone.

    Parameters
    ----------
    network : Network
        What to simulate.
    integrator : {"exact"}
        NEST's grid; see ``docs/semantics.md``.
    threads : int
        Number of threads of NEST.

    Raises
    ------
    DescriptionError
        Unknown option.
    BackendMissing
        PyNN or NEST is not installed.
    """

    simulator = "nest"
    packages = ("PyNN", "nest-simulator")
    options = ("threads",)


class Brian2PyNNBackend(_PyNNBackend):
    """Brian2 through PyNN, for static networks: a check of the way through PyNN.

    Refractory times, delays of sources and the times of spikes are corrected, so that it gives
    what ``integrator="exact"`` gives, but for one comparison: it fires at ``v > v_thresh``, where
    the contract says ``v >= v_thresh``. Building takes about 0.1 ms for each synapse: for anything
    larger use the backend "brian2".
    """

    simulator = "brian2"
    packages = ("PyNN", "Brian2")


class MockBackend(_PyNNBackend):
    """PyNN's mock, which builds a network and simulates nothing: a run ends in an error.

    Raises
    ------
    VirtualRunError
        Always, at the end of a run: the network could be built.
    """

    simulator = "mock"
