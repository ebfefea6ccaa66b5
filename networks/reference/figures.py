"""Pictures of the reference memories."""

from __future__ import annotations

from functools import partial

from ...display import View
from ...plotting import COLORS
from ...plotting.axes import tidy
from ...plotting.kinds import Axes
from .spins import SpinMemory
from .willshaw import WillshawMemory

__all__ = ["spins_view", "willshaw_view"]


def stored_overlaps(memory: SpinMemory, ax: Axes) -> None:
    """Draw the overlap of each stored pattern with the recall that begins at it."""
    rows = memory.patterns[:_MOST]
    if memory.blank:
        rows = rows[(rows != 0).all(axis=1)]
    kept = (rows * memory.recall(rows)).mean(axis=1) if len(rows) else rows.mean(axis=1)
    ax.plot(range(len(kept)), kept, "o", color=COLORS[0], markersize=3)
    ax.set_ylim(-0.05, 1.05)
    ax.set_xlabel("pattern")
    ax.set_ylabel("overlap after recall")
    tidy(ax)


_MOST = 50


def spins_view(memory: SpinMemory) -> View:
    """Return the settings and the load of a memory of spins, for a notebook."""
    facts = {
        "stored": f"{memory.n_patterns} patterns, {memory.n_patterns / memory.n_cells:.3g} a cell"
    }
    return View(memory.arguments() | facts, draw=partial(stored_overlaps, memory))


def synapse_counts(memory: WillshawMemory, ax: Axes) -> None:
    """Draw the number of set synapses of each input cell."""
    ax.plot(memory.synapses_of_inputs(), ".", color=COLORS[0], markersize=2)
    ax.set_xlabel("input cell")
    ax.set_ylabel("synapses that are set")
    ax.set_ylim(0, memory.output_size)
    tidy(ax)


def willshaw_view(memory: WillshawMemory) -> View:
    """Return the sizes and the density of a Willshaw memory, for a notebook."""
    facts = {"stored": f"{memory.n_patterns} patterns", "synapses": f"{memory.density:.3g} set"}
    return View(memory.arguments() | facts, draw=partial(synapse_counts, memory))
