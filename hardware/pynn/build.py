"""Builds the populations and projections of a network with a PyNN simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from ...cells import LIF, Parameter
from ...checks import MappingOf, Name, checked
from ...errors import UnsupportedError
from ...network import Network, Population, Projection
from ...support import unsupported
from ...units import steps, steps_up
from ..spinnaker.gating import gating_is_redundant
from ..spinnaker.machine_layout import shortened
from . import currents, nest
from .dialects import Dialect, dialect_of, quiet
from .model import PyNNModel
from .running import end

__all__ = ["to_pynn"]

_NEARLY_ZERO = 1e-300


@checked
def to_pynn(
    network: Network,
    sim: Any,
    *,
    setup: Annotated[Mapping[str, Any], MappingOf(Name())] | None = None,
) -> PyNNModel:
    """Build a network with a PyNN simulator.

    Signs of weights, amplitudes of STDP, refractory times and delays are set so that the simulator
    follows an integrator of ``docs/explanation/semantics.md`` (:attr:`Dialect.integrator`). A
    one-to-one or all-to-all projection with one weight and one delay becomes PyNN's connector of
    that kind; any other projection becomes a list.

    Parameters
    ----------
    network : Network
        Network to build.
    sim : module
        ``pyNN.nest``, ``pyNN.brian2``, ``pyNN.spiNNaker`` or ``pyNN.mock``. Its ``setup`` is
        called, which deletes every network in it.
    setup : mapping, optional
        Further arguments of its ``setup``, e.g. ``{"threads": 2}``.

    Returns
    -------
    PyNNModel
        The network in the simulator, for :func:`run`, :func:`read` and :func:`end`.

    Raises
    ------
    DescriptionError
        If `sim` is none of these modules.
    UnsupportedError
        If the simulator cannot run the network. The message lists all reasons.

    Examples
    --------
    ::

        import pyNN.nest
        model = to_pynn(network, pyNN.nest)
        run(model, 100.0)
        recording = read(model)
        end(model)
    """
    dialect = dialect_of(sim)
    _require(network, dialect)
    delays = [steps(np.atleast_1d(item.delay), network.dt) for item in network.projections]
    every = np.concatenate([*delays, np.empty(0, np.int64)])
    model = PyNNModel(network=network, sim=sim, dialect=dialect)
    if dialect.backend == "pynn:nest":
        model.min_delay = nest.min_delay(network, every)
        model.lead = nest.lead(network, model.min_delay)
    arguments: dict[str, Any] = {
        "timestep": network.dt,
        "min_delay": model.min_delay * network.dt,
    }
    if dialect.max_delay:
        arguments["max_delay"] = int(max(every, default=1)) * network.dt
    arguments |= {**dialect.setup, **(setup or {})}
    try:
        with quiet():
            _fill(model, arguments)
    except BaseException:
        end(model)
        raise
    return model


def _use_clock(model: PyNNModel) -> None:
    """Set Brian2's default clock, on which PyNN runs spike sources, to the network's step."""
    import brian2

    before = brian2.defaultclock.dt
    model.undo.append(lambda: setattr(brian2.defaultclock, "dt", before))
    brian2.defaultclock.dt = model.network.dt * brian2.ms


def _fill(model: PyNNModel, arguments: Mapping[str, Any]) -> None:
    network, backend = model.network, model.dialect.backend
    model.sim.setup(**arguments)
    if backend == "pynn:nest":
        nest.set_up()
    if backend == "pynn:brian2":
        _use_clock(model)
    for population in network.populations:
        model.populations[population.name] = _population(model, population)
    for projection in network.projections:
        if network.count(projection.name):
            model.projections[projection.name] = _projection(model, projection)
    if model.lead:
        nest.freeze(model)


def _require(network: Network, dialect: Dialect) -> None:
    reasons_of = unsupported(network, dialect.backend, dialect.integrator)
    refused = {feature: str(reason) for feature, reason in reasons_of.items()}
    if dialect.integrator == "spinnaker":
        refused.pop("plasticity windows", None)
        for item in network.plastic:
            if item.plasticity and not gating_is_redundant(item.plasticity, network.dt):
                refused["plasticity windows"] = (
                    f"sPyNNaker cannot switch plasticity on and off, and the traces of projection "
                    f"{item.name!r} last for more than one step, so that spikes outside the "
                    f"windows would change weights; shorten tau_plus and tau_minus"
                )
    if refused:
        reasons = "; ".join(f"{feature}: {reason}" for feature, reason in refused.items())
        raise UnsupportedError(f"to_pynn: {dialect.module} cannot run this network: {reasons}.")


def _population(model: PyNNModel, population: Population) -> Any:
    sim, dialect = model.sim, model.dialect
    if population.is_source:
        cell = sim.SpikeSourceArray(spike_times=_spike_times(model, population))
    else:
        cell = sim.IF_curr_exp(**_cell(population.lif, model.network.dt, dialect))
    made = sim.Population(population.size, cell, label=population.name)
    if not population.is_source:
        made.initialize(v=_plain(population.initial_v()))
        currents.inject(model, population, made)
    record = set(population.record)
    if dialect.backend == "pynn:nest":
        record |= nest.watched(model.network, population.name)
    for variable in sorted(record):
        made.record(variable)
    return made


def _spike_times(model: PyNNModel, population: Population) -> list[Any]:
    dt = model.network.dt
    trains = population.source
    times = (steps(trains.times, dt) + model.lead) * dt
    order = np.argsort(trains.ids, kind="stable")
    edges = np.searchsorted(trains.ids[order], np.arange(1, population.size))
    lists = [train.tolist() for train in np.split(times[order], edges)]
    if model.dialect.backend == "spinnaker":
        return lists if any(lists) else []
    from pyNN.parameters import Sequence

    return [Sequence(train) for train in lists]


def _cell(cell: LIF, dt: float, dialect: Dialect) -> dict[str, Any]:
    """Return PyNN's parameters, with the refractory period in whole steps."""
    values: dict[str, Any] = {name: _plain(getattr(cell.steady, name)) for name in LIF.units}
    if dialect.backend != "spinnaker":
        rounded = steps_up(cell.tau_refrac, dt) + dialect.refractory
        values["tau_refrac"] = _plain(rounded * dt)
    return values


def _plain(value: Parameter) -> Any:
    """Return a float if all values are equal, else a list."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim and np.any(array != array.flat[0]):
        return array.tolist()
    return float(array.flat[0])


def _projection(model: PyNNModel, projection: Projection) -> Any:
    sim, network = model.sim, model.network
    sign = -1.0 if projection.receptor == "inhibitory" and model.dialect.signed_weights else 1.0
    extra = model.dialect.source_delay if network.population(projection.pre).is_source else 0
    synapses = network.synapses(projection.name)
    connector = _structured(model, projection)
    values: dict[str, float] = {}
    if connector is None:
        delay: Any = (steps(synapses.delay, network.dt) + extra) * network.dt
        columns: list[Any] = [synapses.i, synapses.j, sign * synapses.weight, delay]
        names = ["weight", "delay"]
        if model.dialect.backend == "spinnaker" and np.all(delay == delay[0]):
            # sPyNNaker treats a column of equal delays as delays that differ by rounding.
            values["delay"] = float(delay[0])
            del columns[3], names[1]
        connector = sim.FromListConnector(np.column_stack(columns), column_names=names, safe=False)
    else:
        delay = (int(steps(projection.delay, network.dt)) + extra) * network.dt
        values = {"weight": sign * float(projection.weight), "delay": delay}
    return sim.Projection(
        model.populations[projection.pre],
        model.populations[projection.post],
        connector,
        synapse_type=_synapse(model, projection, sign, values),
        receptor_type=projection.receptor,
        label=projection.name,
    )


def _structured(model: PyNNModel, projection: Projection) -> Any:
    """Return PyNN's one-to-one or all-to-all connector if it makes exactly these synapses.

    Else return None. These connectors fail on single cells, and PyNN's ``allow_self_connections``
    compares cells, where spikemem's compares indices.
    """
    sizes = [model.populations[end].size for end in (projection.pre, projection.post)]
    if np.ndim(projection.weight) or np.ndim(projection.delay) or min(sizes) == 1:
        return None
    on_machine = model.dialect.backend == "spinnaker"
    if on_machine and shortened(projection, model.network.dt) is not None:
        return None
    if projection.connector == "one_to_one":
        return model.sim.OneToOneConnector(safe=False)
    if projection.connector != "all_to_all" or projection.tiles > 1:
        return None
    if not projection.allow_self and projection.pre != projection.post:
        return None
    return model.sim.AllToAllConnector(allow_self_connections=projection.allow_self, safe=False)


def _synapse(
    model: PyNNModel, projection: Projection, sign: float, values: Mapping[str, Any]
) -> Any:
    sim, rule = model.sim, projection.plasticity
    if rule is None:
        return sim.StaticSynapse(**values)
    scale = rule.w_max if model.dialect.relative_amplitudes else 1.0
    a_plus = rule.a_plus / scale
    if model.dialect.backend == "pynn:nest":
        # NEST stores A_minus as a multiple of A_plus, so that A_plus must not be 0.
        a_plus = max(a_plus, _NEARLY_ZERO)
    return sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(
            tau_plus=rule.tau_plus,
            tau_minus=rule.tau_minus,
            A_plus=a_plus,
            A_minus=rule.a_minus / scale,
        ),
        weight_dependence=sim.AdditiveWeightDependence(w_min=rule.w_min, w_max=sign * rule.w_max),
        dendritic_delay_fraction=1.0,
        **values,
    )
