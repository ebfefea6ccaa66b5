"""What a network shows in a report: its graph, its input, its weights and delays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cells import LIF
from ..network import Network, Population, Projection
from ..panels import Arrow, Box, Graph, Heat, Histogram, Panel, Raster, Rows
from ..plotting.views import layers
from .recordings import bands
from .thinning import MOST_FIELDS

__all__ = ["network_panels"]

_LARGEST_GRAPH, _MOST_MATRICES, _MOST_KINDS = 40, 8, 8
_MOST_SYNAPSES = 20_000_000
_CELL = ("tau_m", "cm", "v_rest", "v_reset", "v_thresh", "tau_refrac", "tau_syn_E", "tau_syn_I",
         "i_offset")  # fmt: skip


def network_panels(network: Network) -> Iterator[Panel]:
    """Yield the graph, the cells, the input, and the weights and delays of a network."""
    if len(network.populations) <= _LARGEST_GRAPH:
        yield _graph(network)
    yield from _cells(network)
    yield from _inputs(network)
    small = [item for item in network.projections
             if 0 < network.count(item.name) <= _MOST_SYNAPSES]  # fmt: skip
    yield from _distributions(network, small)
    chosen = sorted(small, key=lambda item: item.plasticity is None)[:_MOST_MATRICES]
    for item in chosen:
        yield _matrix(network, item)


def _graph(network: Network) -> Graph:
    def box(item: Population) -> Box:
        facts = f"records {', '.join(item.record)}" if item.record else "records nothing"
        kind = type(item.cell).__name__
        return Box(item.name, f"{item.size:,}", f"{kind}, {facts}", filled=item.is_source)

    arrows = [
        Arrow(
            item.name, item.pre, item.post, _said(network, item),
            blocks=item.receptor == "inhibitory", dashed=item.plasticity is not None,
        )
        for item in network.projections
    ]  # fmt: skip
    columns = [[box(network.population(name)) for name in names] for names in layers(network)]
    return Graph(
        "Populations and projections",
        "Each box is a population with its number of cells (grey: a source of spikes), each arrow "
        "a projection (ending in a bar: inhibitory; dashed: plastic).",
        columns,
        arrows,
    )


def _said(network: Network, item: Projection) -> str:
    kind = "plastic" if item.plasticity is not None else "static"
    return (
        f"{network.count(item.name):,} synapses, {kind}, weight {_span(item.weight)} nA, "
        f"delay {_span(item.delay)} ms"
    )


def _span(values: Any) -> str:
    if not np.size(values):
        return "none"
    low, high = np.min(values), np.max(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _cells(network: Network) -> Iterator[Panel]:
    """Parameters of the cells, one row for each population."""
    rows: list[list[str]] = [["population", *(f"{name} ({LIF.units[name]})" for name in _CELL)]]
    for item in network.populations:
        if not item.is_source:
            values = [getattr(item.cell, name) for name in _CELL]
            rows.append([item.name, *(_parameter(value) for value in values)])
    if len(rows) > 1:
        yield Rows("Cells", "Parameters of the cells of each population.", rows)


def _parameter(value: Any) -> str:
    return "over time" if hasattr(value, "amplitudes") else _span(value)


def _inputs(network: Network) -> Iterator[Panel]:
    sources = {item.name: item.source for item in network.populations if item.is_source}
    if any(len(trains) for trains in sources.values()):
        yield Raster(
            "Input spikes",
            "Each mark is a spike that a source sends into the network.",
            bands(sources),
            0.0,
            network.duration,
        )


def _distributions(network: Network, items: list[Projection]) -> Iterator[Panel]:
    if not items:
        return
    shown = items[:_MOST_KINDS]
    more = "" if len(items) == len(shown) else f" Only the first {len(shown)} are shown."
    for what, unit in (("weight", "nA"), ("delay", "ms")):
        yield Histogram(
            f"{what.capitalize()}s",
            f"How the {what}s of each projection are distributed.{more}",
            {item.name: _repeated(network, item, what) for item in shown},
            x=f"{what} ({unit})",
        )


def _repeated(network: Network, item: Projection, what: str) -> NDArray[np.float64]:
    """One value for each synapse."""
    value = np.asarray(getattr(item, what), dtype=np.float64)
    return np.broadcast_to(value, network.count(item.name)) if value.ndim == 0 else value


def _matrix(network: Network, item: Projection) -> Heat:
    """Weights of a projection from each pre- to each post-synaptic cell."""
    return matrix_of(network, item.name, network.synapses(item.name).weight)


def matrix_of(network: Network, name: str, weights: NDArray[np.float64]) -> Heat:
    """Picture of these weights of a projection; of large populations, blocks of cells."""
    item, synapses = network.projection(name), network.synapses(name)
    n, m = network.population(item.pre).size, network.population(item.post).size
    a, b = max(-(-n // MOST_FIELDS), 1), max(-(-m // MOST_FIELDS), 1)
    table = np.full((-(-n // a), -(-m // b)), np.nan)
    at = (synapses.i // a, synapses.j // b)
    np.fmax.at(table, at, weights)
    cells = "" if (a, b) == (1, 1) else f" Each field stands for {a} × {b} cells."
    return Heat(
        f"Weights of {name}",
        f"Each field is the weight from a cell of {item.pre} (row) to a cell of {item.post} "
        f"(column), the largest if there are several; white: no synapse.{cells}",
        table,
        x=f"cell of {item.post}" + ("" if b == 1 else f", in groups of {b}"),
        y=f"cell of {item.pre}" + ("" if a == 1 else f", in groups of {a}"),
        value="nA",
    )
