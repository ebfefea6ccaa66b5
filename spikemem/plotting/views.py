"""The displays of networks and recordings in a notebook."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..display import View
from ..network import Network
from ..recording import Recording
from ..spikes import SpikeTrains
from .activity import raster
from .axes import COLORS, GREY, SMALL, plain
from .kinds import Axes

__all__ = ["graph", "layers", "network_view", "recording_view", "spikes"]

_LARGEST_GRAPH, _LARGEST_RASTER = 24, 20  # populations

_MOST_SPIKES = 20_000
_LETTERS = 16


def network_view(network: Network) -> View:
    """Return populations, projections and a graph of a network."""
    n_plastic = sum(network.count(item.name) for item in network.plastic)
    populations = [["name", "cells", "type", "records"]]
    populations += [
        [pop.name, f"{pop.size}", type(pop.cell).__name__, ", ".join(pop.record) or "-"]
        for pop in network.populations
    ]
    projections = [["name", "from", "to", "synapses", "weight", "delay", "kind"]]
    projections += [
        [item.name, item.pre, item.post, f"{network.count(item.name)}",
         f"{_span(item.weight)} nA", f"{_span(item.delay)} ms",
         f"{item.receptor}, plastic" if item.plasticity else item.receptor]
        for item in network.projections
    ]  # fmt: skip
    return View(
        {
            "neurons": network.n_neurons,
            "synapses": f"{network.n_synapses} ({n_plastic} plastic)",
            "dt": f"{network.dt:g} ms",
            "input": f"{network.duration:g} ms",
        },
        {"populations": populations, "projections": projections},
        partial(graph, network) if len(network.populations) <= _LARGEST_GRAPH else None,
    )


def recording_view(recording: Recording) -> View:
    """Return spikes, rates, weights and a raster of a recording."""
    length = recording.duration or float("inf")
    spikes_of = [["population", "cells", "spikes", "mean rate"]]
    spikes_of += [
        [name, f"{trains.size}", f"{len(trains)}",
         f"{1000.0 * len(trains) / trains.size / length:.3g} Hz"]
        for name, trains in recording.spikes.items()
    ]  # fmt: skip
    weights = [["projection", "synapses", "weights at the end"]]
    weights += [[name, f"{values.size}", f"{_span(values)} nA"]
                for name, values in recording.weights.items()]  # fmt: skip
    facts: dict[str, Any] = {
        "time": f"{recording.start:g} to {recording.stop:g} ms, dt = {recording.dt:g} ms",
        "spikes": sum(map(len, recording.spikes.values())),
        "traces": ", ".join(f"{name}: {kind}" for name, kind in recording.traces) or None,
    }
    facts |= {name: recording.provenance.get(name) for name in ("backend", "integrator", "date")}
    small = 0 < len(recording.spikes) <= _LARGEST_RASTER
    return View(facts, {"spikes": spikes_of, "weights": weights},
                partial(spikes, recording) if small else None)  # fmt: skip


def _span(values: Any) -> str:
    """Return the smallest and largest of some numbers as text."""
    if not np.size(values):
        return "-"
    low, high = np.min(values), np.max(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def spikes(recording: Recording, ax: Axes) -> None:
    """Draw the spikes of a recording; if there are very many, every n-th spike."""
    few = {name: _some(trains) for name, trains in recording.spikes.items()}
    short = Recording(spikes=few, dt=recording.dt, start=recording.start, stop=recording.stop)
    _resize(ax, 5.6, min(max(0.32 * len(few) + 0.8, 1.8), 4.6))
    raster(short, ax=ax)


def _some(trains: SpikeTrains) -> SpikeTrains:
    every = -(-len(trains) // _MOST_SPIKES)
    if every < 2:
        return trains
    return SpikeTrains(ids=trains.ids[::every], times=trains.times[::every], size=trains.size,
                       duration=trains.duration)  # fmt: skip


def layers(network: Network) -> list[list[str]]:
    """Group the names of populations by their distance from the sources, in projections.

    A population without input comes first, like the sources. Other populations that no source
    reaches come last.
    """
    follows: dict[str, set[str]] = {item.name: set() for item in network.populations}
    for item in network.projections:
        if item.pre != item.post:
            follows[item.pre].add(item.post)
    reached = set().union(*follows.values())
    group = [item.name for item in network.populations
           if item.is_source or item.name not in reached]  # fmt: skip
    groups, seen = [], set(group)
    while group:
        groups.append(group)
        following = {name for each in group for name in follows[each]} - seen
        group = [item.name for item in network.populations if item.name in following]
        seen |= following
    rest = [item.name for item in network.populations if item.name not in seen]
    return [*groups, rest] if rest else groups


def _resize(ax: Axes, width: float, height: float) -> None:
    figure: Any = ax.figure
    figure.set_size_inches(width, height)


def graph(network: Network, ax: Axes) -> None:
    """Draw a box for each population, and an arrow for each pair of connected populations.

    Excitatory projections are blue. Inhibitory projections are orange and end in a bar. Plastic
    projections are dashed.
    """
    columns = layers(network)
    high = max(map(len, columns))
    _resize(ax, 1.35 * len(columns) + 0.3, max(0.75 * high, 1.1))
    positions = {
        name: (float(x), high / 2 - len(names) / 2 + y + 0.5)
        for x, names in enumerate(columns) for y, name in enumerate(reversed(names))
    }  # fmt: skip
    boxes = {name: _box(ax, network, name, position) for name, position in positions.items()}
    drawn = {(item.pre, item.post, item.receptor, item.plasticity is not None): None
             for item in network.projections}  # fmt: skip
    for pre, post, receptor, plastic in drawn:
        _arrow(ax, positions, boxes, (pre, post), receptor == "inhibitory", plastic)
    ax.set_xlim(-0.6, len(columns) - 0.4)
    ax.set_ylim(-0.2, high + 0.2)
    ax.set_axis_off()


def _box(ax: Axes, network: Network, name: str, position: tuple[float, float]) -> Any:
    item = network.population(name)
    short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    return ax.text(
        *position, f"{plain(short)}\n{item.size}", ha="center", va="center", fontsize=SMALL,
        zorder=3,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "#EEEEEE" if item.is_source else "white",
              "edgecolor": GREY},
    )  # fmt: skip


def _arrow(
    ax: Axes,
    positions: dict[str, tuple[float, float]],
    boxes: dict[str, Any],
    ends: tuple[str, str],
    inhibitory: bool,
    plastic: bool,
) -> None:
    """Draw an arrow between boxes, or a loop above a box (below it, if inhibitory)."""
    from matplotlib.patches import FancyArrowPatch

    (x0, y0), (x1, y1) = (positions[name] for name in ends)
    style = "|-|,widthA=0,widthB=0.25" if inhibitory else "-|>"
    look: dict[str, Any] = {
        "arrowstyle": style, "mutation_scale": 9.0, "zorder": 2,
        "linestyle": "--" if plastic else "-", "linewidth": 1.0,
        "color": COLORS[1] if inhibitory else COLORS[0], "shrinkA": 0.0, "shrinkB": 1.0,
    }  # fmt: skip
    if ends[0] == ends[1]:
        up = -1.0 if inhibitory else 1.0
        tips = (x0 - 0.07, y0 + 0.27 * up), (x0 + 0.07, y0 + 0.27 * up)
        ax.add_patch(FancyArrowPatch(*tips, connectionstyle=f"arc3,rad={-1.6 * up}", **look))
        return
    # Each arrow bends to its right, so that arrows in opposite directions stay apart.
    bend = (0.12 if x1 > x0 else 0.45) * (1.5 if inhibitory else 1.0)
    ax.add_patch(
        FancyArrowPatch((x0, y0), (x1, y1), patchA=boxes[ends[0]].get_bbox_patch(),
                        patchB=boxes[ends[1]].get_bbox_patch(),
                        connectionstyle=f"arc3,rad={bend}", **look)
    )  # fmt: skip
