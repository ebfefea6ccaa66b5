"""Panels of neurons with segments in a report: synapses, permanences, and chance matches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...panels import Curves, Heat, Histogram, Panel, Series
from .theory import false_positive_probability

if TYPE_CHECKING:
    from .neurons import ActiveDendriteNeurons
    from .segments import Segments
    from .temporal import TemporalMemory

__all__ = ["neurons_panels", "sequences_panels"]

_MOST_ACTIVE, _POINTS = 400, 25


def neurons_panels(neurons: ActiveDendriteNeurons) -> Iterator[Panel]:
    """Yield the synapses and patterns of the segments, permanences, and chance matches."""
    shape = (neurons.n_neurons, neurons.n_segments)
    yield Heat(
        "Synapses of the segments",
        "Each field is a segment (column) of a neuron (row); its value is the number of its "
        "synapses.",
        neurons.segments.sizes.reshape(shape),
        x="segment",
        y="neuron",
        value="synapses",
    )
    yield Heat(
        "Patterns on the segments",
        "Each field is a segment (column) of a neuron (row); its value is the number of patterns "
        "stored on it.",
        neurons.n_patterns.reshape(shape),
        x="segment",
        y="neuron",
        value="patterns",
    )
    yield from _permanences(neurons.segments)
    used = neurons.segments.sizes[neurons.segments.sizes > 0]
    if used.size:
        yield _chance(neurons.n_inputs, int(np.median(used)), neurons.threshold)


def sequences_panels(memory: TemporalMemory) -> Iterator[Panel]:
    """Yield the segments of the cells, permanences, and chance matches."""
    counts = np.bincount(memory.owner, minlength=memory.n_cells)
    yield Heat(
        "Segments of the cells",
        "Each field is a cell (row) of a column; its value is the number of its segments, each of "
        "which knows one context in which the cell fires.",
        counts.reshape(memory.n_columns, -1).T,
        x="column",
        y="cell of the column",
        value="segments",
    )
    if len(memory.segments):
        yield Histogram(
            "Synapses of the segments",
            "How many synapses the segments have: those in all, and those that are connected.",
            {"all": memory.segments.sizes, "connected": memory.segments.connected.sum(axis=1)},
            x="synapses of a segment",
        )
    yield from _permanences(memory.segments)
    if len(memory.segments):
        size = int(np.median(memory.segments.connected.sum(axis=1)))
        if size >= memory.threshold:
            yield _chance(memory.n_cells, size, memory.threshold)


def _permanences(segments: Segments) -> Iterator[Panel]:
    present = np.arange(segments.cells.shape[1]) < segments.sizes[:, None]
    if present.any():
        yield Histogram(
            "Permanences",
            "How the permanences of the synapses are distributed; those right of the line are "
            "connected.",
            {"synapses": segments.permanences[present]},
            x="permanence",
            marks=[(segments.rule.connect, "connected")],
        )


def _chance(n: int, s: int, theta: int) -> Curves:
    """Return the theoretical probability that a random pattern reaches the threshold."""
    most = min(n // 2, max(_MOST_ACTIVE, 2 * theta))
    active = np.unique(np.linspace(theta, max(most, theta + 1), _POINTS).astype(int))
    active = active[active <= n]
    chance = np.atleast_1d(false_positive_probability(n=n, a=active, s=s, theta=min(theta, s)))
    return Curves(
        "Chance matches",
        f"Probability that a random pattern of so many active cells among {n:,} reaches the "
        f"threshold of {theta} on a segment of {s} synapses, by the theory.",
        [Series("one segment", active, chance, dashed=True)],
        x="active cells of the pattern",
        y="probability",
        log_y=True,
    )
