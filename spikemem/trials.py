"""Runs a network many times, with other inputs or initial weights each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .backends import BackendName
from .backends.contract import Backend, Results, check_options, load
from .cells import STDP
from .checks import Each, Instance, Kind, Optional, Quantity, checked
from .errors import DescriptionError, SimulationError, SpikememError, shown, unknown_name
from .network import Inputs, Network, Projection, WeightsByName
from .progress import Progress, progress_callback
from .recording import Recording, SpikeTrains
from .runs import check_inputs, gates_of, provenance_of, steps_needed, steps_of
from .simulation import IntegratorName
from .support import require_supported
from .units import is_sequence

__all__ = ["run_trials"]


@dataclass(frozen=True)
class OneOrSeveral(Kind):
    """A network, or a sequence of networks."""

    def check(self, value: Any, where: str) -> Any:
        """Return the network, or a tuple of networks."""
        if isinstance(value, Network):
            return value
        if not is_sequence(value):
            raise DescriptionError(
                f"{where} must be a Network or a sequence of networks, got {shown(value)}."
            )
        return Each(Instance(Network), "networks").check(value, where)


Weights = Mapping[str, NDArray[np.float64]]


Windows = Mapping[str, Any]


class _Trial(NamedTuple):
    """One trial: a base network, whose simulator trials can share, and the trial's changes."""

    base: Network
    inputs: Mapping[str, SpikeTrains]
    weights: Weights
    enabled: Windows
    n_steps: int


@checked
def run_trials(
    networks: Annotated[Network | Sequence[Network], OneOrSeveral()],
    inputs: Annotated[Sequence[Mapping[str, SpikeTrains]], Each(Inputs, "mappings")] | None = None,
    duration: Annotated[Any, Optional(Quantity("ms", above=0.0))] = None,
    *,
    weights: Annotated[Sequence[Weights], Each(WeightsByName, "mappings")] | None = None,
    frozen: bool = False,
    backend: BackendName = "brian2",
    integrator: IntegratorName = "spinnaker",
    progress: Progress = False,
    **options: Any,
) -> list[Recording]:
    """Run a network once for each of many inputs, each time from its initial state.

    If the backend can return to its initial state ("native", "emulator", "brian2" without its
    standalone target), one simulator runs all trials, and a trial costs little more than its
    steps. Other backends make a simulator for each trial.

    Parameters
    ----------
    networks : Network or sequence of Network
        Network to simulate: one for all `inputs`, or one for each trial. Consecutive networks
        that differ only in their inputs, plastic weights and plasticity windows share a
        simulator.
    inputs : sequence of mapping of str to SpikeTrains, optional
        With one network: the spikes of these sources in each trial. Other sources fire the spikes
        in the network.
    duration : float, optional
        Length of each trial, ms, a multiple of ``dt``, > 0. Default: the length of the longest
        spike source of each trial, including its last spike.
    weights : sequence of mapping of str to array_like, shape (n_synapses,), optional
        With one network: the initial weights (nA) of these plastic projections in each trial.
        Other projections start with the weights in the network.
    frozen : bool
        True switches plasticity off, and leaves the weights out of the recordings.
    backend, integrator, **options
        As for :func:`spikemem.simulate`.
    progress : bool or callable
        True shows a bar on a terminal; a function is called with the fraction done.

    Returns
    -------
    list of Recording
        One recording for each trial, equal to that of a separate run. In the provenance,
        "network_hash" is the hash of the network without the trial's `inputs` and `weights`, and
        "trial" is the number of the trial.

    Raises
    ------
    DescriptionError
        If inputs, weights or duration do not fit the network, or there are neither inputs nor
        several networks.
    UnsupportedError, BackendMissing, SimulationError
        As for :func:`spikemem.simulate`.

    Examples
    --------
    >>> import spikemem as sm
    >>> source = sm.SpikeSource(spikes=sm.SpikeTrains.empty(1, duration=5.0))
    >>> net = sm.Network(
    ...     populations=[sm.Population(name="in", cell=source),
    ...                  sm.Population(name="out", size=1, cell=sm.LIF(tau_m=3.0, cm=0.27))],
    ...     projections=[sm.Projection.one_to_one("drive", "in", "out", weight=60.0, delay=1.0)],
    ... )
    >>> cues = [sm.SpikeTrains(ids=[0], times=[t], size=1) for t in (0.0, 1.0)]
    >>> trials = run_trials(net, [{"in": cue} for cue in cues], 5.0)
    >>> [trial["out"].times.tolist() for trial in trials]
    [[1.0, 3.0], [2.0, 4.0]]
    """
    trials = _trials(networks, inputs, weights, duration, frozen)
    make = load(backend)
    check_options(make, backend, options)
    recordings = []
    with (
        _Runner(backend, lambda network: make(network, integrator, **options)) as runner,
        progress_callback(progress, "simulating") as report,
    ):
        for k, trial in enumerate(trials):
            if not k or trial.base is not trials[k - 1].base:
                require_supported(trial.base, backend, integrator, **options)
            results = runner.run(trial, lambda part, k=k: report((k + part) / len(trials)))  # type: ignore[misc]
            provenance = provenance_of(trial.base, backend, integrator, results.versions)
            recordings.append(_recording(trial, results, {**provenance, "trial": k}, frozen))
    return recordings


def _trials(
    networks: Network | Sequence[Network],
    inputs: Sequence[Mapping[str, SpikeTrains]] | None,
    weights: Sequence[Weights] | None,
    duration: float | None,
    frozen: bool,
) -> list[_Trial]:
    if isinstance(networks, Network):
        if inputs is None:
            raise DescriptionError(
                "run_trials: inputs must be given for one network, a mapping for each trial; use "
                "{} for a trial with the inputs of the network."
            )
        trials = _of_one(networks, inputs, weights)
    else:
        if inputs is not None or weights is not None:
            raise DescriptionError(
                "run_trials: inputs and weights must be left out with several networks, which have "
                "their own."
            )
        trials = _of_several(networks)
    bases = {id(trial.base): trial.base for trial in trials}
    if frozen:
        bases = {key: _without_learning(base) for key, base in bases.items()}
    return [_timed(trial, bases[id(trial.base)], duration, frozen) for trial in trials]


def _of_one(
    network: Network, inputs: Sequence[Mapping[str, SpikeTrains]], weights: Sequence[Weights] | None
) -> list[_Trial]:
    if weights is not None and len(weights) != len(inputs):
        raise DescriptionError(
            f"run_trials: weights must have one mapping for each of inputs ({len(inputs)}), got "
            f"{len(weights)}."
        )
    plastic = [item.name for item in network.plastic]
    trials = []
    for k, trains in enumerate(inputs):
        own = weights[k] if weights is not None else {}
        for name in own:
            if name not in plastic:
                raise DescriptionError(
                    f"run_trials: weights[{k}]: {unknown_name('plastic projection', name, plastic)}"
                )
        check_inputs(network, trains)
        changed = network.with_weights(own) if own else network
        arrays = {name: changed.weights(name) for name in own}
        trials.append(_Trial(network, trains, arrays, {}, 0))
    return trials


def _of_several(networks: Sequence[Network]) -> list[_Trial]:
    bases: list[Network] = []
    trials = []
    for network in networks:
        base = next((each for each in bases if _share_simulator(each, network)), None)
        if base is None:
            base = network
            bases.append(network)
        trials.append(
            _Trial(
                base=base,
                inputs={pop.name: pop.source for pop in network.populations if pop.is_source},
                weights={item.name: network.weights(item.name) for item in network.plastic},
                enabled={item.name: _rule(item).enabled for item in network.plastic},
                n_steps=0,
            )
        )
    return trials


def _share_simulator(a: Network, b: Network) -> bool:
    """Tell whether networks differ only in inputs, plastic weights and plasticity windows."""
    if len(a.populations) != len(b.populations) or len(a.projections) != len(b.projections):
        return False
    populations = (
        _same(one, two, skip=("cell",) if one.is_source and two.is_source else ())
        for one, two in zip(a.populations, b.populations, strict=True)
    )
    projections = (
        _same(one, two, skip=("weight", "plasticity"))
        and _same(_rule(one), _rule(two), skip=("enabled",))
        if one.plasticity and two.plasticity
        else _same(one, two)
        for one, two in zip(a.projections, b.projections, strict=True)
    )
    same = _same(a, b, skip=("populations", "projections"))
    return same and all(populations) and all(projections)


def _same(a: Any, b: Any, skip: Sequence[str] = ()) -> bool:
    """Tell whether two values, or two dataclasses without some of their fields, are equal."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if is_dataclass(a):
        names = [item.name for item in fields(a) if item.name not in skip]
        return all(_same(getattr(a, name), getattr(b, name)) for name in names)
    return bool(a == b)


def _rule(item: Projection) -> STDP:
    assert item.plasticity is not None
    return item.plasticity


def _without_learning(network: Network) -> Network:
    """Return the network with weights that never change."""
    frozen = [
        replace(item, plasticity=replace(_rule(item), enabled=())) for item in network.plastic
    ]
    return network.replace(*frozen)


def _timed(trial: _Trial, base: Network, duration: float | None, frozen: bool) -> _Trial:
    """Return the trial with its checked length; this happens before any trial runs."""
    if duration is None:
        n_steps = steps_needed(base, trial.inputs)
        if n_steps < 1:
            raise DescriptionError(
                "run_trials: duration must be given, because no spike source of the network has "
                "one."
            )
        duration = n_steps * base.dt
    enabled = {} if frozen else trial.enabled
    return trial._replace(base=base, enabled=enabled, n_steps=steps_of(base, duration))


class _Runner:
    """Runs trials one after the other, in the same simulator where possible."""

    def __init__(self, backend: str, make: Callable[[Network], Backend]) -> None:
        self._backend, self._make = backend, make
        self._base: Network | None = None
        self._simulator: Backend | None = None
        self._start: Any = None
        self._changed: set[str] = set()

    def run(self, trial: _Trial, report: Callable[[float], None]) -> Results:
        """Simulate one trial from the beginning."""
        edges = -trial.base.dt / 2, (trial.n_steps - 0.5) * trial.base.dt
        spikes = {
            pop.name: trial.inputs.get(pop.name, pop.source).window(*edges)
            for pop in trial.base.populations
            if pop.is_source
        }
        gates = gates_of(trial.base, trial.enabled, 0, trial.n_steps)
        try:
            return self._ready(trial).run(0, trial.n_steps, spikes, gates, report)
        except SpikememError:
            raise
        except Exception as error:
            raise SimulationError(f"run_trials: {self._backend} failed: {error}") from error

    def _ready(self, trial: _Trial) -> Backend:
        """Return a simulator in the initial state of the trial."""
        if self._base is not trial.base or self._simulator is None:
            self._close()
            self._simulator, self._base = self._make(trial.base), trial.base
            if self._simulator.can_continue:
                self._start, self._changed = self._simulator.snapshot(), set()
        elif self._simulator.can_continue:
            self._simulator.restore(self._start)
        if self._simulator.can_continue:
            self._set_weights(self._simulator, trial)
        else:
            self._close()
            self._simulator = self._make(_whole(trial))
        return self._simulator

    def _set_weights(self, simulator: Backend, trial: _Trial) -> None:
        """Set the initial weights of a trial, where they differ from those of its base network.

        A restored simulator can still have the weights of an earlier trial.
        """
        base = {item.name: trial.base.weights(item.name) for item in trial.base.plastic}
        own = {n: w for n, w in trial.weights.items() if not np.array_equal(w, base[n])}
        self._changed |= own.keys()
        if self._changed:
            simulator.set_weights({name: own.get(name, base[name]) for name in self._changed})

    def _close(self) -> None:
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            simulator.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()


def _whole(trial: _Trial) -> Network:
    """Return the network of one trial, with its inputs, weights and windows."""
    network = trial.base.with_inputs(trial.inputs).with_weights(trial.weights)
    rules = [
        replace(item, plasticity=replace(_rule(item), enabled=trial.enabled[item.name]))
        for item in network.plastic
        if item.name in trial.enabled
    ]
    return network.replace(*rules)


def _recording(
    trial: _Trial, results: Results, provenance: Mapping[str, Any], frozen: bool
) -> Recording:
    return Recording(
        spikes=results.spikes,
        traces=results.traces,
        weights={} if frozen else results.weights,
        dt=trial.base.dt,
        start=0.0,
        stop=trial.n_steps * trial.base.dt,
        provenance=provenance,
    )
