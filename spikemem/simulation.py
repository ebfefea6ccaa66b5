"""Runs networks: :func:`simulate` for one run, :class:`Session` for several consecutive runs."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .backends import BACKENDS, BackendName
from .backends.contract import (
    INTEGRATORS,
    Backend,
    Integrator,
    Results,
    check_options,
    load,
    package_version,
)
from .cells import Windows
from .checks import Choice, Instance, MappingOf, Name, Optional, Quantity, checked
from .errors import DescriptionError, SimulationError, SpikememError, UnsupportedError, unknown_name
from .network import Inputs, Network, WeightsByName
from .progress import Progress, progress_callback
from .recording import Recording, SpikeTrains
from .runs import gates_of, inputs_of, provenance_of, steps_needed, steps_of
from .support import require_supported
from .units import whole_steps

__all__ = [
    "BACKENDS",
    "INTEGRATORS",
    "Backend",
    "Results",
    "Session",
    "package_version",
    "simulate",
]

IntegratorName = Annotated[Integrator, Choice(*INTEGRATORS, what="integrator")]
"""Type of every ``integrator`` argument."""

_BUILD = "The build() method of a model returns one."


class _State(NamedTuple):
    """Current state of a session.

    The whole state is replaced by one assignment. An interrupt comes before or after it, and so
    never leaves half a run behind.

    Parameters
    ----------
    step : int
        Number of completed steps.
    n_runs : int
        Number of valid recordings; the list can hold more, from interrupted runs.
    final : mapping of str to ndarray
        Weights of the last recording.
    weights : mapping of str to ndarray
        Current weights of the plastic projections.
    pending : mapping of str to ndarray
        Weights that are not yet in the simulator.
    note : object
        Object that the owner of the session stores with it.
    """

    step: int
    n_runs: int
    final: Mapping[str, NDArray[np.float64]]
    weights: Mapping[str, NDArray[np.float64]]
    pending: Mapping[str, NDArray[np.float64]]
    note: Any


class Session:
    """A simulation that can be continued: each run starts where the previous one stopped.

    A run is completed or has no effect: after an error or an interrupt the session has the state
    from before the run. This also holds for an interrupt during the recovery from another one.
    Sessions can be copied and pickled between runs; the copy continues as the original would.

    Parameters
    ----------
    network : Network
        Network to simulate.
    backend : str
        One of :data:`BACKENDS`.
    integrator : {"spinnaker", "exact"}
        Rules of one time step; see ``docs/explanation/semantics.md``.
    start : float
        Time of the first step, ms. Times of inputs, windows and recordings still count from 0.
    **options
        Options of the backend, e.g. ``target="cython"`` for "brian2".

    Attributes
    ----------
    simulator : Backend
        The backend's own object; for "brian2", its ``model`` holds the Brian2 objects.

    Raises
    ------
    DescriptionError
        If the backend, the integrator or an option is unknown.
    UnsupportedError
        If the backend cannot simulate the network.
    BackendMissing
        If a package that the backend needs is not installed.

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

    @checked
    def __init__(
        self,
        network: Annotated[Network, Instance(Network, remedy=_BUILD)],
        *,
        backend: BackendName = "brian2",
        integrator: IntegratorName = "spinnaker",
        start: Annotated[float, Quantity("ms", low=0.0)] = 0.0,
        **options: Any,
    ) -> None:
        require_supported(network, backend, integrator, **options)
        self.network = network
        self.backend = backend
        self.integrator = integrator
        make = load(backend)
        check_options(make, backend, options)
        self.simulator: Backend = make(network, integrator, **options)
        self._options = dict(options)
        self._closed = False
        self._runs: list[Recording] = []
        weights = {item.name: network.weights(item.name) for item in network.plastic}
        first = self._first_step(start)
        self._state = _State(first, 0, final={}, weights=weights, pending={}, note=None)
        self._undo: tuple[_State, Any] | None = None

    def _first_step(self, begin: float) -> int:
        first = whole_steps(begin, self.network.dt, "Session: start", least=0)
        if first and not self.simulator.can_continue:
            raise DescriptionError(
                f"Session: start must be 0 ms with backend {self.backend!r} and these options, "
                f"which run only once, from the beginning; got {begin:g} ms."
            )
        return first

    def __repr__(self) -> str:
        return f"Session({self.network!r}, backend={self.backend!r}, at {self.time:g} ms)"

    @property
    def time(self) -> float:
        """Time of the next step, ms; in a session that starts at 0 the simulated time so far."""
        return self._state.step * self.network.dt

    @property
    def recording(self) -> Recording:
        """All runs so far as one recording.

        Raises
        ------
        DescriptionError
            If nothing has been run yet.
        """
        state = self._state
        if not state.n_runs:
            raise DescriptionError("Session.recording: nothing has been run yet.")
        return replace(Recording.join(self._runs[: state.n_runs]), weights=state.final)

    @property
    def weights(self) -> dict[str, NDArray[np.float64]]:
        """Current weights of each plastic projection, nA, shape (n_synapses,)."""
        return {name: weight.copy() for name, weight in self._state.weights.items()}

    @property
    def note(self) -> Any:
        """The `note` of the last :meth:`run` or :meth:`set_weights` that had one, or None."""
        return self._state.note

    @checked
    def set_weights(
        self, weights: Annotated[Mapping[str, Any], WeightsByName], *, note: Any = None
    ) -> None:
        """Set weights of plastic projections between two runs.

        Parameters
        ----------
        weights : mapping of str to array_like, shape (n_synapses,)
            Weights of each projection, nA, within the range of its plasticity.
        note : object, optional
            As for :meth:`run`.

        Raises
        ------
        DescriptionError
            If a projection is unknown, or weights have the wrong shape or range.
        """
        if self._closed:
            raise DescriptionError("Session.set_weights: the session is closed; make a new one.")
        self._require_idle("set_weights")
        names = [projection.name for projection in self.network.plastic]
        for name in weights:
            if name not in names:
                raise DescriptionError(
                    f"set_weights: {unknown_name('plastic projection', name, names)}"
                )
        if weights and not self.simulator.can_continue:
            raise DescriptionError(
                f"set_weights: backend {self.backend!r} with these options runs only once; set the "
                f"weights in the network (Network.with_weights)."
            )
        changed = self.network.with_weights(weights)
        arrays = {name: changed.weights(name) for name in weights}
        self._settle()
        state = self._state
        self._state = state._replace(
            weights={**state.weights, **arrays},
            pending=arrays,
            note=state.note if note is None else note,
        )
        self._settle()

    @checked
    def run(
        self,
        duration: Annotated[Any, Quantity("ms")],
        *,
        inputs: Annotated[Mapping[str, SpikeTrains], Inputs] | None = None,
        enabled: Annotated[Mapping[str, Any], MappingOf(Name(), Optional(Windows()))] | None = None,
        progress: Progress = False,
        note: Any = None,
    ) -> Recording:
        """Simulate the next `duration` ms.

        Parameters
        ----------
        duration : float
            ms, a multiple of ``dt``, > 0.
        inputs : mapping of str to SpikeTrains, optional
            Spikes of these sources in this run, in ms since the start of the session. Default:
            the spikes in the network.
        enabled : mapping of str to windows, optional
            Plasticity windows (as :attr:`STDP.enabled`) of these projections in this run, in ms
            since the start of the session. Default: the windows in the network.
        progress : bool or callable
            True shows a bar on a terminal; a function is called with the fraction done.
        note : object, optional
            Object to store in :attr:`note` after this run. Run and note are stored together, so
            that an interrupt leaves either both or none. Default: the note does not change.

        Returns
        -------
        Recording
            Recording of this run only.

        Raises
        ------
        DescriptionError
            If `duration`, `inputs` or `enabled` is not valid, or `progress` uses this session.
        SimulationError
            If the backend failed. The session then has the state from before this run.
        """
        self._require_idle("run")
        n_steps = self._steps_of(duration)
        step = self._state.step
        spikes = inputs_of(self.network, inputs or {}, step, n_steps)
        gates = gates_of(self.network, enabled or {}, step, n_steps)
        self._settle()
        state = self._state
        try:
            if self.simulator.can_continue:
                self._undo = (state, self.simulator.snapshot())
            with progress_callback(progress, "simulating") as report:
                results = self.simulator.run(state.step, n_steps, spikes, gates, report)
            recording = self._recording(results, n_steps)
            after = self._after(recording, n_steps, state.note if note is None else note)
        except BaseException as error:
            self._settle()
            if isinstance(error, SpikememError) or not isinstance(error, Exception):
                raise
            raise SimulationError(
                f"{self.backend} failed at {self.time:g} ms: {error}. The session has the state "
                f"from before this run."
            ) from error
        self._state = after
        self._undo = None
        return recording

    def _after(self, recording: Recording, n_steps: int, note: Any) -> _State:
        """Append a recording to the list, and return the state in which it is valid."""
        state = self._state
        del self._runs[state.n_runs :]
        # Its weights are left out: those of every run of a large model would soon fill the memory.
        self._runs.append(replace(recording, weights={}))
        weights = dict(recording.weights)
        return _State(state.step + n_steps, state.n_runs + 1, weights, weights, {}, note)

    def _settle(self) -> None:
        """Bring the simulator into the state of the session, and repeat an interrupted call."""
        state = self._state
        if self._undo is not None and self._undo[0] is state:
            self.simulator.restore(self._undo[1])
            self._undo = None
        if state.pending:
            self.simulator.set_weights(state.pending)
            self._state = state._replace(pending={})

    def _require_idle(self, method: str) -> None:
        """Raise an error if a progress callback uses the session during a run."""
        if self._undo is None or self._undo[0] is not self._state:
            return
        frame, run = sys._getframe(1).f_back, inspect.unwrap(Session.run).__code__
        while frame is not None:
            if frame.f_code is run and frame.f_locals.get("self") is self:
                raise DescriptionError(
                    f"Session.{method}: a run of this session is still going on; a progress "
                    f"callback cannot use the session."
                )
            frame = frame.f_back

    def _steps_of(self, length: float) -> int:
        if self._closed:
            raise DescriptionError("Session.run: the session is closed; make a new one.")
        n_steps = steps_of(self.network, length)
        if self._state.step and not self.simulator.can_continue:
            raise DescriptionError(
                f"Session.run: backend {self.backend!r} with these options cannot continue after a "
                f"run; simulate everything in one run."
            )
        return n_steps

    def _recording(self, results: Results, n_steps: int) -> Recording:
        dt = self.network.dt
        return Recording(
            spikes=results.spikes,
            traces=results.traces,
            weights=results.weights,
            dt=dt,
            start=self.time,
            stop=(self._state.step + n_steps) * dt,
            provenance=provenance_of(self.network, self.backend, self.integrator, results.versions),
        )

    def close(self) -> None:
        """Free the simulator; recordings stay available."""
        if not self._closed:
            self.simulator.close()
            self._closed = True

    def _parts(self, note: Any) -> tuple[Any, ...]:
        """Return all arguments of :func:`_revive`, which makes an equal session."""
        self._require_idle("copy")
        simulator: Any = self.simulator
        saved = None
        if not self._closed and simulator.can_continue:
            self._settle()
            if not hasattr(simulator, "save_state"):
                raise UnsupportedError(
                    f"Session: backend {self.backend!r} cannot be copied or pickled, because its "
                    f"state cannot be read. Copy the network and the recording, and make a new "
                    f"Session."
                )
            saved = simulator.save_state()
        arguments = (self.network, self.backend, self.integrator, self._options)
        state = self._state._replace(note=note)
        return type(self), arguments, self._closed, self._runs[: state.n_runs], state, saved

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, self._parts(self.note)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # Network and recordings are immutable, so a deep copy can share them.
        session: Self = _revive(*self._parts(copy.deepcopy(self.note, memo)))
        memo[id(self)] = session
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _revive(
    cls: type[Session],
    arguments: tuple[Any, ...],
    closed: bool,
    runs: list[Recording],
    state: _State,
    saved: Any,
) -> Any:
    """Make an equal session from the parts of a copied or pickled one."""
    network, backend, integrator, options = arguments
    session = cls(network, backend=backend, integrator=integrator, **options)
    session._runs, session._state = list(runs), state
    if saved is not None:
        simulator: Any = session.simulator
        simulator.load_state(saved)
    if closed:
        session.close()
    return session


@checked
def simulate(
    network: Annotated[Network, Instance(Network, remedy=_BUILD)],
    duration: Annotated[Any, Optional(Quantity("ms"))] = None,
    *,
    backend: BackendName = "brian2",
    integrator: IntegratorName = "spinnaker",
    progress: Progress = False,
    **options: Any,
) -> Recording:
    """Simulate a network once, from its initial state.

    Parameters
    ----------
    network : Network
        Network to simulate.
    duration : float, optional
        ms. Default: the length of the longest spike source, including its last spike.
    backend, integrator, **options
        As for :class:`Session`.
    progress : bool or callable
        True shows a bar on a terminal; a function is called with the fraction done.

    Returns
    -------
    Recording
        Spikes, traces and final weights, with their provenance.

    Raises
    ------
    DescriptionError, UnsupportedError, BackendMissing, SimulationError
        As for :class:`Session` and :meth:`Session.run`.
    """
    with Session(network, backend=backend, integrator=integrator, **options) as session:
        if duration is None:
            n_steps = steps_needed(network)
            if n_steps < 1:
                raise DescriptionError(
                    "simulate: duration must be given, because no spike source of the network "
                    "has one."
                )
            duration = n_steps * network.dt
        return session.run(duration, progress=progress)
