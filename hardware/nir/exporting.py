"""Converts a network to a NIR graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...checks import checked
from ...errors import UnsupportedError
from ...network import Network, Population, Projection
from .common import KEY, LARGEST, as_lines, free_name, require_nir
from .neurons import PULSE_GAIN, is_pulse, kind_of, native_parameters

__all__ = ["to_nir"]


@checked
def to_nir(network: Network, *, metadata: bool = True) -> Any:
    """Convert a network to a NIR graph.

    A population of cells becomes a ``CubaLIF``. It becomes a ``LIF`` if its synaptic currents last
    one step (``tau_syn = dt / 50``), and an ``IF`` if it also has no leak. A spike source becomes
    an ``Input``. A projection becomes a ``Delay`` and a ``Linear`` for each of its delays. A
    recorded population gets an ``Output``. A constant current becomes the bias of the first
    ``Linear`` into the cells, which is then an ``Affine``; for cells without synapses it is part
    of ``v_leak``. Synapses between the same two cells with the same delay become one synapse with
    the sum of their weights. A projection without synapses is left out.

    Parameters
    ----------
    network : Network
        Static network with one synaptic time constant for each cell.
    metadata : bool
        Whether properties that NIR cannot express are written into the metadata. If False, a
        network that needs them is refused.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    UnsupportedError
        If NIR cannot express the network. The message lists all reasons.
    BackendMissing
        If the package nir is not installed.

    Examples
    --------
    ::

        graph = to_nir(network)
        graph.nodes["CA3"].tau_mem     # s, shape (n_cells,)
    """
    nir = require_nir()
    problems = list(_problems(network, metadata))
    if problems:
        raise UnsupportedError("to_nir: NIR cannot express this network:" + as_lines(problems))
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for position, population in enumerate(network.populations):
        extra = _population_metadata(population, position) if metadata else {}
        nodes[population.name] = _neuron(nir, network, population, extra)
    biases = {
        name: bias
        for name in _driven(network)
        if (bias := _bias(network, network.population(name))).any()
    }
    for position, projection in enumerate(network.projections):
        for group in _groups(network, projection, position):
            own = biases.pop(projection.post) if projection.post in biases else None
            _connect(nir, network, projection, group, own, nodes, edges, metadata)
    for population in network.populations:
        if "spikes" in population.record:
            name = free_name(f"{population.name} out", nodes)
            nodes[name] = nir.Output({"output": np.array([population.size])})
            edges.append((population.name, name))
    head = {KEY: {"dt": network.dt, "copies": network.copies}} if metadata else {}
    # NIR's check of types would add an Input to every cell without one.
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=head, type_check=False)


def _problems(network: Network, metadata: bool) -> Iterator[str]:
    """Yield everything that NIR cannot express."""
    for projection in network.projections:
        where = f"projection {projection.name!r}"
        if projection.plasticity is not None:
            yield (
                f"{where}: NIR has no plasticity; export a static copy with the weights of a "
                f"recording"
            )
        sizes = [network.population(end).size for end in (projection.pre, projection.post)]
        if sizes[0] * sizes[1] > LARGEST:
            yield (
                f"{where}: NIR writes {sizes[1]} x {sizes[0]} weights as a dense matrix, and at "
                f"most {LARGEST:g} entries are possible"
            )
    for population in network.populations:
        if not population.is_source:
            yield from _cell_problems(network, population, metadata)


def _cell_problems(network: Network, population: Population, metadata: bool) -> Iterator[str]:
    where, cell = f"population {population.name!r}", population.lif
    if cell.current is not None:
        yield f"{where}: NIR has no currents that change over time; make i_offset constant"
    if np.any(np.isinf(cell.tau_m)):
        yield from _problems_without_leak(network, population, metadata)
        return
    if len(_receptors(network, population)) == 2 and np.any(
        np.asarray(cell.tau_syn_E) != cell.tau_syn_I
    ):
        yield f"{where}: a CubaLIF has one tau_syn; make tau_syn_E and tau_syn_I equal"
    if metadata:
        return
    if np.any(np.asarray(cell.tau_refrac) > 0):
        yield f"{where}: NIR has no refractory time; set tau_refrac=0, or metadata=True"
    if np.any(population.initial_v() != cell.array("v_rest", population.size)):
        yield f"{where}: NIR has no initial potential; leave out v_init, or metadata=True"


def _problems_without_leak(
    network: Network, population: Population, metadata: bool
) -> Iterator[str]:
    where, cell = f"population {population.name!r}", population.lif
    if not np.all(np.isinf(cell.tau_m)):
        yield f"{where}: some cells have a leak and others have none; make two populations"
    if not is_pulse(cell, network.dt):
        yield (
            f"{where}: an IF has no synaptic current; set tau_syn_E and tau_syn_I to dt / 50 = "
            f"{network.dt / 50:g} ms, or give the cells a leak"
        )
    if np.any(cell.steady.array("i_offset", population.size)) and population.name not in _driven(
        network
    ):
        yield f"{where}: an IF without synapses cannot have an i_offset"
    if metadata:
        return
    if np.any(np.asarray(cell.tau_refrac) > 0):
        yield f"{where}: NIR has no refractory time; set tau_refrac=0, or metadata=True"
    if np.any(population.initial_v()):
        yield f"{where}: an IF starts at 0 mV; set v_init=0, or metadata=True"


def _driven(network: Network) -> set[str]:
    """Return the populations that receive synapses, one of which can hold a bias."""
    return {item.post for item in network.projections if network.synapses(item.name).i.size}


def _bias(network: Network, population: Population) -> NDArray[np.float64]:
    """Return the constant signal with the effect of the constant current, shape (n_cells,)."""
    if population.is_source:
        return np.zeros(population.size)
    current = np.array(population.lif.array("i_offset", population.size))
    if kind_of(population.lif, network.dt) == "CubaLIF":
        current /= _native(network, population)["w_in"]
    return current


def _receptors(network: Network, population: Population) -> set[str]:
    return {item.receptor for item in network.projections if item.post == population.name}


def _population_metadata(population: Population, position: int) -> dict[str, Any]:
    own: dict[str, Any] = {"place": position, "record": ",".join(population.record)}
    if population.is_source:
        trains = population.source
        own["duration"] = trains.duration
        if len(trains):
            own |= {"ids": np.array(trains.ids), "times": np.array(trains.times)}
    else:
        own["cell"] = {name: getattr(population.lif, name) for name in LIF.units}
        if population.v_init is not None:
            own["v_init"] = population.v_init
    return {KEY: own}


def _native(network: Network, population: Population) -> dict[str, NDArray[np.float64]]:
    side = "I" if _receptors(network, population) == {"inhibitory"} else "E"
    kind = kind_of(population.lif, network.dt)
    return native_parameters(population.lif, population.size, side, network.dt, kind)


def _neuron(nir: Any, network: Network, population: Population, metadata: Any) -> Any:
    if population.is_source:
        return nir.Input({"input": np.array([population.size])}, metadata=metadata)
    values = _native(network, population)
    if "v_leak" in values and population.name not in _driven(network):
        values["v_leak"] = values["v_leak"] + values["r"] * population.lif.array(
            "i_offset", population.size
        )
    return getattr(nir, kind_of(population.lif, network.dt))(**values, metadata=metadata)


class _Group(NamedTuple):
    """Synapses of a projection with one delay (ms)."""

    delay: float
    weight: NDArray[np.float64]
    metadata: dict[str, Any]


def _groups(network: Network, projection: Projection, position: int) -> Iterator[_Group]:
    synapses = network.synapses(projection.name)
    shape = [network.population(end).size for end in (projection.post, projection.pre)]
    sign = -1.0 if projection.receptor == "inhibitory" else 1.0
    pulse = kind_of(network.population(projection.post).lif, network.dt) != "CubaLIF"
    common: dict[str, Any] = {
        "projection": projection.name,
        "place": position,
        "receptor": projection.receptor,
        "connector": projection.connector,
        "allow_self": int(projection.allow_self),
        "tiles": projection.tiles,
        "scalar_weight": int(np.ndim(projection.weight) == 0),
        "scalar_delay": int(np.ndim(projection.delay) == 0),
    }
    for delay in np.unique(synapses.delay):
        rows = np.flatnonzero(synapses.delay == delay)
        i, j = synapses.i[rows], synapses.j[rows]
        weight = np.zeros(shape)
        np.add.at(weight, (j, i), sign * synapses.weight[rows])
        first = np.sort(np.unique(j.astype(np.int64) * shape[1] + i, return_index=True)[1])
        own = {**common, "delay": float(delay)}
        own |= {"rows": rows[first], "i": i[first], "j": j[first]}
        if pulse:
            # Division and multiplication by the same number may not cancel exactly.
            own["weight"] = sign * weight[j[first], i[first]]
            weight /= PULSE_GAIN
        yield _Group(float(delay), weight, {KEY: own})


def _connect(
    nir: Any,
    network: Network,
    projection: Projection,
    group: _Group,
    bias: NDArray[np.float64] | None,
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
    metadata: bool,
) -> None:
    n_pre = network.population(projection.pre).size
    linear = free_name(projection.name, nodes)
    notes = group.metadata if metadata else {}
    if bias is None:
        nodes[linear] = nir.Linear(group.weight, metadata=notes)
    else:
        nodes[linear] = nir.Affine(group.weight, bias, metadata=notes)
    delay = free_name(f"{linear} delay", nodes)
    nodes[delay] = nir.Delay(np.full(n_pre, group.delay / 1000.0))
    edges += [(projection.pre, delay), (delay, linear), (linear, projection.post)]
