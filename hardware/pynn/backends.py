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
    """Builds, runs and reads a network in one call (base class).

    A process has one instance of a PyNN simulator, and each run starts with an empty one. Sessions
    therefore do not disturb each other, and no session can continue after a run.
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
        """Use these weights at the start of the next run."""
        self._network = self._network.with_weights(weights)

    def snapshot(self) -> Any:
        """Return None: there is no state between runs."""

    def restore(self, state: Any) -> None:
        """Do nothing: there is no state between runs."""

    def close(self) -> None:
        """Do nothing: each run frees the simulator at its end."""


class NestBackend(_PyNNBackend):
    """NEST through PyNN: the reference for ``integrator="exact"``.

    A run resets NEST's kernel, and so deletes every network that was made with NEST in the same
    process.

    Parameters
    ----------
    network : Network
        Network to simulate.
    integrator : {"exact"}
        NEST's time grid; see ``docs/explanation/semantics.md``.
    threads : int
        Number of threads of NEST.

    Raises
    ------
    DescriptionError
        If an option is unknown.
    BackendMissing
        If PyNN or NEST is not installed.
    """

    simulator = "nest"
    packages = ("PyNN", "nest-simulator")
    options = ("threads",)


class Brian2PyNNBackend(_PyNNBackend):
    """Brian2 through PyNN, for static networks; it serves to check the path through PyNN.

    Refractory times, delays of sources and spike times are corrected, so that the results are those
    of ``integrator="exact"`` with one exception: a cell fires at ``v > v_thresh`` in place of
    ``v >= v_thresh``. Building takes about 0.1 ms for each synapse; use the backend "brian2" for
    larger networks.
    """

    simulator = "brian2"
    packages = ("PyNN", "Brian2")


class MockBackend(_PyNNBackend):
    """PyNN's mock, which builds a network and simulates nothing.

    Raises
    ------
    VirtualRunError
        At the end of every run. The error shows that the network could be built.
    """

    simulator = "mock"
