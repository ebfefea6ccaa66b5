"""From a network to a NIR graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...checks import checked
from ...errors import UnsupportedError
from ...network import Network, Population, Projection
from .common import KEY, as_lines, free_name, native_parameters, require_nir

__all__ = ["to_nir"]

_LARGEST = 10**8


@checked
def to_nir(network: Network, *, metadata: bool = True) -> Any:
    """Convert a network to a NIR graph.

    A population of cells becomes a ``CubaLIF``, a spike source an ``Input``, a projection a
    ``Delay`` and a ``Linear`` for each of its delays, a recorded population has an ``Output``.
    Synapses between the same two cells with the same delay become one with the sum of their
    weights; a projection without synapses is left out.

    Parameters
    ----------
    network : Network
        Static, with one synaptic time constant for each cell.
    metadata : bool
        Whether what NIR can't say may be put into the metadata. False refuses a network that
        needs it.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    UnsupportedError
        NIR can't carry the network; all reasons at once.
    BackendMissing
        The package nir is not installed.

    Examples
    --------
    ::

        graph = to_nir(network)
        graph.nodes["CA3"].tau_mem     # s, shape (n_cells,)
    """
    nir = require_nir()
    problems = list(_problems(network, metadata))
    if problems:
        raise UnsupportedError("to_nir: NIR can't carry this network:" + as_lines(problems))
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for place, population in enumerate(network.populations):
        extra = _population_metadata(population, place) if metadata else {}
        nodes[population.name] = _neuron(nir, network, population, extra)
    for place, projection in enumerate(network.projections):
        for group in _groups(network, projection, place):
            _connect(nir, network, projection, group, nodes, edges, metadata)
    for population in network.populations:
        if "spikes" in population.record:
            name = free_name(f"{population.name} out", nodes)
            nodes[name] = nir.Output({"output": np.array([population.size])})
            edges.append((population.name, name))
    head = {KEY: {"dt": network.dt}} if metadata else {}
    # Its check of types adds an Input to every cell without one, and fails without any.
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=head, type_check=False)


def _problems(network: Network, metadata: bool) -> Iterator[str]:
    """What NIR can't carry."""
    for projection in network.projections:
        where = f"projection {projection.name!r}"
        if projection.plasticity is not None:
            yield (
                f"{where}: NIR has no plasticity; export a copy without it, with the weights of a "
                f"recording"
            )
        sizes = [network.population(end).size for end in (projection.pre, projection.post)]
        if sizes[0] * sizes[1] > _LARGEST:
            yield (
                f"{where}: NIR writes {sizes[1]} x {sizes[0]} weights as a dense matrix, of at "
                f"most {_LARGEST:g} entries"
            )
    for population in network.populations:
        if not population.is_source:
            yield from _cell_problems(network, population, metadata)


def _cell_problems(network: Network, population: Population, metadata: bool) -> Iterator[str]:
    where, cell = f"population {population.name!r}", population.lif
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


def _receptors(network: Network, population: Population) -> set[str]:
    return {item.receptor for item in network.projections if item.post == population.name}


def _population_metadata(population: Population, place: int) -> dict[str, Any]:
    own: dict[str, Any] = {"place": place, "record": ",".join(population.record)}
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


def _neuron(nir: Any, network: Network, population: Population, metadata: Any) -> Any:
    if population.is_source:
        return nir.Input({"input": np.array([population.size])}, metadata=metadata)
    side = "I" if _receptors(network, population) == {"inhibitory"} else "E"
    values = native_parameters(population.lif, population.size, side, network.dt)
    return nir.CubaLIF(**values, metadata=metadata)


class _Group(NamedTuple):
    """Synapses of one delay."""

    delay: float
    weight: NDArray[np.float64]
    metadata: dict[str, Any]


def _groups(network: Network, projection: Projection, place: int) -> Iterator[_Group]:
    synapses = network.synapses(projection.name)
    shape = [network.population(end).size for end in (projection.post, projection.pre)]
    sign = -1.0 if projection.receptor == "inhibitory" else 1.0
    common: dict[str, Any] = {
        "projection": projection.name,
        "place": place,
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
        yield _Group(float(delay), weight, {KEY: own})


def _connect(
    nir: Any,
    network: Network,
    projection: Projection,
    group: _Group,
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
    metadata: bool,
) -> None:
    n_pre = network.population(projection.pre).size
    linear = free_name(projection.name, nodes)
    nodes[linear] = nir.Linear(group.weight, metadata=group.metadata if metadata else {})
    delay = free_name(f"{linear} delay", nodes)
    nodes[delay] = nir.Delay(np.full(n_pre, group.delay / 1000.0))
    edges += [(projection.pre, delay), (delay, linear), (linear, projection.post)]
