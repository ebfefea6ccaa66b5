"""Run a network: :func:`simulate` for one run, :class:`Session` to go on from where it stopped."""

from __future__ import annotations

import datetime
import importlib
import importlib.metadata
import inspect
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ._version import __version__
from .backends import BACKENDS
from .errors import BackendMissing, DescriptionError, SimulationError, SpikememError, unknown_name
from .network import Network
from .progress import Progress, progress_callback
from .recording import Recording, SpikeTrains
from .support import require_supported
from .units import steps, to_float

__all__ = ["BACKENDS", "INTEGRATORS", "Backend", "Results", "Session", "simulate"]

Integrator = Literal["spinnaker", "exact"]
INTEGRATORS: tuple[str, ...] = ("spinnaker", "exact")


class Results(NamedTuple):
    """What a backend hands back after a run."""

    spikes: dict[str, SpikeTrains]
    traces: dict[tuple[str, str], NDArray[np.float64]]
    weights: dict[str, NDArray[np.float64]]
    versions: dict[str, Any]


class Backend(Protocol):
    """What a simulator must offer; it is made as ``Backend(network, integrator, **options)``."""

    can_continue: bool

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Advance by `n_steps`.

        Parameters
        ----------
        first_step : int
            Number of steps done so far.
        n_steps : int
            Number of steps to do.
        inputs : mapping of str to SpikeTrains
            For each spike source its spikes of these steps (absolute times in ms).
        gates : mapping of str to ndarray of bool, shape (n_steps, tiles)
            For each plastic projection whether weights may change in each step.
        progress : callable
            To be called with the fraction done, from 0 to 1.
        """

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Replace the weights (nA, shape (n_synapses,)) of these plastic projections."""

    def snapshot(self) -> Any:
        """Everything that :meth:`restore` needs to be as now."""

    def restore(self, state: Any) -> None:
        """Be as at the time of the snapshot."""

    def close(self) -> None:
        """Free what the backend holds."""


class Session:
    """A network that is being simulated: it can be run again and again, from where it stopped.

    Parameters
    ----------
    network : Network
        What to simulate.
    backend : str
        One of :data:`BACKENDS`.
    integrator : {"spinnaker", "exact"}
        What one step does; ``docs/semantics.md``.
    **options
        For the backend, e.g. ``target="cython"`` for "brian2".

    Attributes
    ----------
    simulator : Backend
        The backend's own object; that of "brian2" has the Brian2 objects in ``model``.

    Raises
    ------
    DescriptionError
        Unknown backend, integrator or option.
    UnsupportedError
        The network needs what the backend can't do.
    BackendMissing
        A package that the backend needs is not installed.

    Examples
    --------
    >>> import spikemem as sm
    >>> source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    >>> net = sm.Network(
    ...     populations=[sm.Population(name="in", cell=source),
    ...                  sm.Population(name="out", size=1, cell=sm.LIF(tau_m=3.0, cm=0.27))],
    ...     projections=[sm.Projection.one_to_one("drive", "in", "out", weight=60.0, delay=1.0)],
    ... )
    >>> with Session(net) as session:
    ...     early = session.run(2.0)
    ...     late = session.run(2.0)
    >>> len(early["out"]), late["out"].times.tolist()
    (0, [2.0])
    """

    def __init__(
        self,
        network: Network,
        *,
        backend: str = "brian2",
        integrator: Integrator = "spinnaker",
        **options: Any,
    ) -> None:
        if not isinstance(network, Network):
            raise DescriptionError(
                f"simulate: network must be a Network, got {type(network).__name__}. "
                f"A model gives one by its build() method."
            )
        rule: Any = integrator
        if not isinstance(rule, str) or rule not in INTEGRATORS:
            raise DescriptionError(
                f"simulate: {unknown_name('integrator', integrator, INTEGRATORS)}"
            )
        require_supported(network, backend, integrator, **options)
        self.network = network
        self.backend = backend
        self.integrator = integrator
        make = _load(backend)
        _check_options(make, backend, options)
        self.simulator: Backend = make(network, integrator, **options)
        self._step = 0
        self._closed = False
        self._runs: list[Recording] = []
        self._final: Mapping[str, NDArray[np.float64]] = {}
        self._weights = {item.name: network.weights(item.name) for item in network.plastic}

    @property
    def time(self) -> float:
        """Time simulated so far, ms."""
        return self._step * self.network.dt

    @property
    def recording(self) -> Recording:
        """All runs so far as one recording."""
        return replace(Recording.join(self._runs), weights=self._final)

    @property
    def weights(self) -> dict[str, NDArray[np.float64]]:
        """Weights of each plastic projection now, nA, shape (n_synapses,)."""
        return {name: weight.copy() for name, weight in self._weights.items()}

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Give plastic projections other weights between two runs.

        Parameters
        ----------
        weights : mapping of str to array_like, shape (n_synapses,)
            nA, within the range of the projection's plasticity.

        Raises
        ------
        DescriptionError
            Unknown projection, or weights of the wrong shape or range.
        """
        names = [projection.name for projection in self.network.plastic]
        for name in weights:
            if name not in names:
                raise DescriptionError(
                    f"set_weights: {unknown_name('plastic projection', name, names)}"
                )
        if weights and not self.simulator.can_continue:
            raise DescriptionError(
                f"set_weights: backend {self.backend!r} with these options runs once; give the "
                f"weights to the network (Network.with_weights)."
            )
        changed = self.network.with_weights(weights)
        arrays = {name: changed.weights(name) for name in weights}
        if arrays:
            self.simulator.set_weights(arrays)
            self._weights.update(arrays)

    def run(
        self,
        duration: Any,
        *,
        inputs: Mapping[str, SpikeTrains] | None = None,
        enabled: Mapping[str, Any] | None = None,
        progress: Progress = False,
    ) -> Recording:
        """Simulate `duration` ms more.

        Parameters
        ----------
        duration : float
            ms, a multiple of ``dt``, > 0.
        inputs : mapping of str to SpikeTrains, optional
            What these spike sources fire in this run, in ms since the start of the session.
            Default: what the network says.
        enabled : mapping of str to windows, optional
            Plasticity windows (as :attr:`STDP.enabled`) of these projections in this run, in ms
            since the start of the session. Default: what the network says.
        progress : bool or callable
            True shows a bar on a terminal; a callable is given the fraction done.

        Returns
        -------
        Recording
            Of this run alone.

        Raises
        ------
        DescriptionError
            `duration`, `inputs` or `enabled` is not valid.
        SimulationError
            The backend failed. As after an interrupt, the session is as it was before this run.
        """
        n_steps = self._steps_of(duration)
        spikes = self._inputs(inputs or {}, n_steps)
        gates = self._gates(enabled or {}, n_steps)
        before = self.simulator.snapshot() if self.simulator.can_continue else None
        try:
            with progress_callback(progress, "simulating") as report:
                results = self.simulator.run(self._step, n_steps, spikes, gates, report)
            recording = self._recording(results, n_steps)
        except BaseException as error:
            if self.simulator.can_continue:
                self.simulator.restore(before)
            if isinstance(error, SpikememError) or not isinstance(error, Exception):
                raise
            raise SimulationError(
                f"{self.backend} failed at {self.time:g} ms: {error}. The session is as it was "
                f"before this run."
            ) from error
        self._step += n_steps
        # Without its weights: of a large memory, those of every run would soon fill the computer's.
        self._runs.append(replace(recording, weights={}))
        self._final = recording.weights
        self._weights = dict(recording.weights)
        return recording

    def _steps_of(self, duration: Any) -> int:
        if self._closed:
            raise DescriptionError("Session.run: the session is closed; make a new one.")
        length = to_float(duration, "ms", "duration")
        n_steps = int(steps(length, self.network.dt))
        if n_steps < 1 or abs(n_steps * self.network.dt - length) > 1e-6:
            raise DescriptionError(
                f"duration must be a positive multiple of dt={self.network.dt:g} ms, "
                f"got {length:g} ms."
            )
        if self._step and not self.simulator.can_continue:
            raise DescriptionError(
                f"Session.run: backend {self.backend!r} with these options can't go on after a "
                f"run; simulate all at once."
            )
        return n_steps

    def _inputs(self, inputs: Mapping[str, SpikeTrains], n_steps: int) -> dict[str, SpikeTrains]:
        network = self.network.with_inputs(inputs) if inputs else self.network
        dt, start = network.dt, self.time
        edges = start - dt / 2, start + (n_steps - 0.5) * dt
        for name, trains in inputs.items():
            if len(trains) and not edges[0] <= trains.times[0] <= trains.times[-1] <= edges[1]:
                raise DescriptionError(
                    f"inputs[{name!r}]: spikes must lie in this run ({start:g} to "
                    f"{start + n_steps * dt:g} ms since the start of the session), got "
                    f"{trains.times[0]:g} to {trains.times[-1]:g}; see SpikeTrains.shift."
                )
        return {pop.name: pop.source.window(*edges) for pop in network.populations if pop.is_source}

    def _gates(self, enabled: Mapping[str, Any], n_steps: int) -> dict[str, NDArray[np.bool_]]:
        names = [projection.name for projection in self.network.plastic]
        for name in enabled:
            if name not in names:
                raise DescriptionError(
                    f"enabled: {unknown_name('plastic projection', name, names)}"
                )
        times = (self._step + np.arange(n_steps, dtype=np.float64)) * self.network.dt
        gates = {}
        for projection in self.network.plastic:
            rule = projection.plasticity
            assert rule is not None
            if projection.name in enabled:
                rule = replace(rule, enabled=enabled[projection.name])
            gates[projection.name] = rule.gate(times, projection.tiles)
        return gates

    def _recording(self, results: Results, n_steps: int) -> Recording:
        dt = self.network.dt
        provenance = {
            "spikemem": __version__,
            "backend": self.backend,
            "integrator": self.integrator,
            "network_hash": self.network.content_hash,
            "python": platform.python_version(),
            "numpy": np.__version__,
            **results.versions,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }
        return Recording(
            spikes=results.spikes,
            traces=results.traces,
            weights=results.weights,
            dt=dt,
            start=self.time,
            stop=(self._step + n_steps) * dt,
            provenance=provenance,
        )

    def close(self) -> None:
        """Free the simulator; recordings stay."""
        if not self._closed:
            self.simulator.close()
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def simulate(
    network: Network,
    duration: Any = None,
    *,
    backend: str = "brian2",
    integrator: Integrator = "spinnaker",
    progress: Progress = False,
    **options: Any,
) -> Recording:
    """Simulate a network once, from its initial state.

    Parameters
    ----------
    network : Network
        What to simulate.
    duration : float, optional
        ms. Default: the length of the longest spike source, its last spike included.
    backend, integrator, **options
        As :class:`Session`.
    progress : bool or callable
        True shows a bar on a terminal; a callable is given the fraction done.

    Returns
    -------
    Recording
        Spikes, traces and final weights, with their provenance.

    Raises
    ------
    DescriptionError, UnsupportedError, BackendMissing, SimulationError
        As :class:`Session` and :meth:`Session.run`.
    """
    with Session(network, backend=backend, integrator=integrator, **options) as session:
        if duration is None:
            n_steps = _steps_needed(network)
            if n_steps < 1:
                raise DescriptionError(
                    "simulate: duration is needed, since no spike source of the network has one."
                )
            duration = n_steps * network.dt
        return session.run(duration, progress=progress)


def _steps_needed(network: Network) -> int:
    """Steps that cover every spike source: its duration, and the step of its last spike."""
    sources = [pop.source for pop in network.populations if pop.is_source]
    last = [int(steps(trains.times[-1], network.dt)) + 1 for trains in sources if len(trains)]
    return max(int(np.ceil(network.duration / network.dt - 1e-9)), *last, 0)


def _load(backend: str) -> Any:
    module, name = BACKENDS[backend].split(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        if isinstance(error, BackendMissing) or (error.name or "").startswith("spikemem"):
            raise
        raise BackendMissing(
            f"backend {backend!r} needs the package {error.name!r}, which is not installed: "
            f"pip install {error.name}"
        ) from error


def _check_options(make: Any, backend: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that the backend does not have, unless it looks at all of them itself."""
    parameters = list(inspect.signature(make).parameters.values())[2:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters]
    for option in options:
        if option not in known:
            raise DescriptionError(f"backend {backend!r}: {unknown_name('option', option, known)}")


def package_version(name: str) -> str:
    """Version of an installed package."""
    return importlib.metadata.version(name)
