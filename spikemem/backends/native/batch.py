"""Many runs of one network: other inputs, other initial weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..._version import __version__
from ...cells import SpikeSource
from ...checks import Each, Quantity, checked
from ...errors import DescriptionError
from ...network import Inputs, Network, WeightsByName
from ...progress import Progress, progress_callback
from ...recording import Recording, SpikeTrains
from ...runs import require_run
from ...simulation import IntegratorName
from ...support import require_supported
from ...units import whole_steps
from .backend import NativeBackend, results_of
from .engine import Engine

__all__ = ["run_batch"]

Weights = Mapping[str, NDArray[np.float64]]


@checked
def run_batch(
    network: Network,
    inputs: Annotated[Sequence[Mapping[str, SpikeTrains]], Each(Inputs, "mappings")],
    duration: Annotated[Any, Quantity("ms", above=0.0)],
    *,
    weights: Annotated[Sequence[Weights], Each(WeightsByName, "mappings")] | None = None,
    frozen: bool = False,
    integrator: IntegratorName = "spinnaker",
    precision: Literal["f8", "f4"] = "f8",
    progress: Progress = False,
) -> list[Recording]:
    """Run a network once for each of many inputs, each time from its initial state.

    The network is laid out once; of each trial only what it changed is put back before the
    next. So a trial costs little more than its steps.

    Parameters
    ----------
    network : Network
        What to simulate.
    inputs : sequence of mapping of str to SpikeTrains
        For each trial what these spike sources fire; the others fire as the network says.
    duration : float
        Of each trial, ms, a multiple of ``dt``, > 0.
    weights : sequence of mapping of str to array_like, shape (n_synapses,), optional
        For each trial the initial weights (nA) of these plastic projections. All trials name
        the same projections.
    frozen : bool
        True keeps plastic weights as they are, and leaves them out of the recordings.
    integrator, precision
        As ``simulate(network, backend="native")``.
    progress : bool or callable
        True shows a bar on a terminal; a callable is given the fraction done.

    Returns
    -------
    list of Recording
        One for each trial, equal to that of a run of its own.

    Raises
    ------
    DescriptionError
        Inputs, weights or duration do not fit the network.
    """
    require_supported(network, "native", integrator, precision=precision)
    n_steps = _steps(network, duration)
    if weights is not None:
        _check_weights(network, weights, len(inputs))
    backend = NativeBackend(network, integrator, precision=precision, weights=not frozen)
    engine, fixed = backend.engine, _Fixed(network, integrator, n_steps, frozen)
    start = engine.snapshot()
    recordings = []
    with progress_callback(progress, "simulating") as report:
        for k, trial in enumerate(inputs):
            engine.restore(start)
            for name, values in (weights[k] if weights is not None else {}).items():
                engine.set_weights(name, np.asarray(values, dtype=np.float64))
            recordings.append(_run(engine, fixed, trial, k))
            report((k + 1) / len(inputs))
    return recordings


class _Fixed:
    """What all trials share."""

    def __init__(self, network: Network, integrator: str, n_steps: int, frozen: bool) -> None:
        self.network, self.n_steps, self.frozen = network, n_steps, frozen
        dt = network.dt
        self.edges = -dt / 2, (n_steps - 0.5) * dt
        self.sources = {
            pop.name: pop.source.window(*self.edges) for pop in network.populations if pop.is_source
        }
        times = np.arange(n_steps, dtype=np.float64) * dt
        self.gates = {}
        for item in network.plastic:
            assert item.plasticity is not None
            gate = item.plasticity.gate(times, item.tiles)
            self.gates[item.name] = np.zeros_like(gate) if frozen else gate
        self.provenance = {
            "spikemem": __version__,
            "backend": "native",
            "integrator": integrator,
            "network_hash": network.content_hash,
            "numpy": np.__version__,
        }


def _steps(network: Network, length: float) -> int:
    n_steps = whole_steps(length, network.dt, "run_batch: duration")
    require_run(network, n_steps)
    return n_steps


def _check_weights(network: Network, weights: Sequence[Weights], n_trials: int) -> None:
    if len(weights) != n_trials:
        raise DescriptionError(
            f"run_batch: weights must be as many as inputs ({n_trials}), got {len(weights)}."
        )
    names = [item.name for item in network.plastic]
    for k, trial in enumerate(weights):
        if trial.keys() != weights[0].keys() or not set(trial) <= set(names):
            raise DescriptionError(
                f"run_batch: weights must name the same plastic projections (of {names}) in "
                f"every trial, got {sorted(trial)} in trial {k}."
            )
        network.with_weights(trial)


def _run(engine: Engine, fixed: _Fixed, trial: Mapping[str, SpikeTrains], k: int) -> Recording:
    network, inputs = fixed.network, dict(fixed.sources)
    for name, trains in trial.items():
        _check_source(network, name, trains)
        inputs[name] = trains.window(*fixed.edges)
    run = engine.run(0, fixed.n_steps, inputs, fixed.gates)
    results = results_of(engine, run, fixed.n_steps, weights=not fixed.frozen)
    return Recording(
        spikes=results.spikes,
        traces=results.traces,
        weights=results.weights,
        dt=network.dt,
        start=0.0,
        stop=fixed.n_steps * network.dt,
        provenance={**fixed.provenance, **results.versions, "trial": k},
    )


def _check_source(network: Network, name: str, trains: SpikeTrains) -> None:
    """Raise unless the source exists and can fire so."""
    population = network.population(name)
    population.source  # noqa: B018  (an error unless it is a source)
    Network(populations=[replace(population, cell=SpikeSource(spikes=trains))], dt=network.dt)
