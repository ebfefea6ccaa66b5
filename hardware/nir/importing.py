"""Converts a NIR graph to a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from ...cells import SpikeSource
from ...checks import Quantity, checked
from ...errors import DescriptionError, UnsupportedError, shown
from ...network import Inputs, Network, Population
from ...recording import SpikeTrains
from ...units import to_float, to_int
from .checking import problems_of_node
from .common import as_lines, notes_of, position_of, require_nir
from .flattening import Flat, flatten
from .neurons import NEURONS, cell_of
from .paths import projections
from .wiring import READABLE, Wiring

__all__ = ["from_nir"]


@checked
def from_nir(
    graph: Any,
    dt: Annotated[float, Quantity("ms", above=0.0)] | None = None,
    *,
    inputs: Annotated[Mapping[str, SpikeTrains], Inputs] | None = None,
) -> Network:
    """Convert a NIR graph to a network.

    ``docs/howto/nir.md`` lists the nodes that can be read and their conversion. In short: a
    ``CubaLIF``, ``LIF`` or ``IF`` becomes a population, whose cells are numbered in C order of its
    shape. All linear nodes between two neurons (``Linear``, ``Affine``, ``Scale``, ``Conv1d``,
    ``Conv2d``, ``SumPool2d``, ``AvgPool2d``, ``Flatten``) are multiplied, and become one list of
    excitatory and one of inhibitory synapses. A bias becomes ``i_offset``. A connection without a
    ``Delay`` takes one step. Inner graphs are flattened: the node ``lif`` of a graph ``rnn``
    becomes ``rnn.lif``.

    Parameters
    ----------
    graph : nir.NIRGraph
        Graph in the units of this package.
    dt : float, optional
        Time step, ms. Default: the step in the metadata of :func:`to_nir`.
    inputs : mapping of str to SpikeTrains, optional
        Spikes of ``Input`` nodes, by name. Default: the spikes in the metadata of :func:`to_nir`,
        or no spikes.

    Returns
    -------
    Network

    Raises
    ------
    UnsupportedError
        If the graph has nodes or connections that a network cannot have. The message lists all
        reasons.
    DescriptionError
        If `dt` is missing, `inputs` names a node that is not an ``Input``, or a value is invalid.
    BackendMissing
        If the package nir is not installed.
    """
    nir = require_nir()
    if not isinstance(graph, nir.NIRGraph):
        raise DescriptionError(
            f"from_nir: graph must be a nir.NIRGraph, got {type(graph).__name__}; "
            f"for a file use spikemem.hardware.nir.read(path)."
        )
    if dt is None and "dt" not in notes_of(graph):
        raise DescriptionError(
            "from_nir: dt is needed (ms), since the metadata of the graph do not hold it."
        )
    if inputs is not None and not isinstance(inputs, Mapping):
        raise DescriptionError(
            f"from_nir: inputs must be a mapping of names to SpikeTrains, got {shown(inputs)}."
        )
    flat = flatten(nir, graph)
    step = to_float(notes_of(graph)["dt"] if dt is None else dt, "ms", "from_nir: dt")
    _require_inputs(flat, inputs or {})
    problems = _problems(flat)
    _stop(problems)
    # Values that overflow are not finite, and are refused by name.
    with np.errstate(all="ignore"):
        network = _network(flat, step, inputs or {}, problems)
    copies = to_int(notes_of(graph).get("copies", 1), "from_nir: copies")
    parts = [item.size for item in network.populations]
    parts += [item.tiles for item in network.projections]
    # The graph may have been changed since its number of copies was written.
    return network.replace(copies=copies if all(n % copies == 0 for n in parts) else 1)


def _network(
    flat: Flat, dt: float, inputs: Mapping[str, SpikeTrains], problems: list[str]
) -> Network:
    wiring = Wiring(flat, problems)
    _stop(problems)
    spiking = [name for name in flat.nodes if wiring.kind(name) in NEURONS]
    spiking += [name for name in flat.nodes if wiring.kind(name) == "Input"]
    spiking.sort(key=lambda name: position_of(flat.nodes[name]))
    populations = [_population(wiring, name, dt, inputs) for name in spiking]
    made = projections(wiring, spiking, dt, problems)
    _stop(problems)
    return Network(populations=populations, projections=made, dt=dt)


def _stop(problems: list[str]) -> None:
    if problems:
        unique = list(dict.fromkeys(problems))
        raise UnsupportedError("from_nir: this graph cannot be read:" + as_lines(unique))


def _require_inputs(flat: Flat, inputs: Mapping[str, SpikeTrains]) -> None:
    names = [name for name, node in flat.nodes.items() if type(node).__name__ == "Input"]
    strangers = set(inputs) - set(names)
    if strangers:
        raise DescriptionError(
            f"from_nir: inputs must name Input nodes ({', '.join(names)}), "
            f"got {', '.join(sorted(strangers))}."
        )


def _problems(flat: Flat) -> list[str]:
    """Return one sentence for each node that cannot be read."""
    problems: list[str] = []
    for name, node in flat.nodes.items():
        kind = type(node).__name__
        if kind not in READABLE:
            problems.append(
                f"node {name!r}: {kind} has no counterpart (valid types: {', '.join(READABLE)})"
            )
        else:
            problems.extend(problems_of_node(name, node))
    return problems


def _population(
    wiring: Wiring, name: str, dt: float, inputs: Mapping[str, SpikeTrains]
) -> Population:
    node = wiring.flat.nodes[name]
    own, size = notes_of(node), math.prod(wiring.shape[name])
    recorded = any(wiring.kind(to) == "Output" for to in wiring.after[name])
    record = tuple(filter(None, own["record"].split(","))) if "record" in own else ()
    record = record if "record" in own else ("spikes",) * recorded
    if wiring.kind(name) == "Input":
        return Population(
            name=name, cell=SpikeSource(spikes=_trains(name, own, size, inputs)), record=record
        )
    cell = cell_of(node, size, wiring.constant.get(name, 0.0), dt, own.get("cell", {}))
    return Population(name=name, cell=cell, size=size, v_init=own.get("v_init"), record=record)


def _trains(
    name: str, own: Mapping[str, Any], size: int, inputs: Mapping[str, SpikeTrains]
) -> SpikeTrains:
    if name in inputs:
        return inputs[name]
    return SpikeTrains(
        ids=own.get("ids", []), times=own.get("times", []),
        size=size, duration=float(own.get("duration", 0.0)),
    )  # fmt: skip
