"""How permanences change with one frame, and what a faulty crossbar leaves of the synapses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .segments import Segments

if TYPE_CHECKING:
    from .neurons import ActiveDendriteNeurons

__all__ = ["learn_frame", "with_faults"]


def learn_frame(
    neurons: ActiveDendriteNeurons, cells: NDArray[np.int32], neuron: int, rng: np.random.Generator
) -> None:
    """Let one neuron (-1: none) recognise a frame, and punish the others."""
    neurons.clock += 1
    active = np.zeros(neurons.n_inputs, dtype=np.bool_)
    active[cells] = True
    connected, every = neurons.segments.scan(active)
    firing = np.flatnonzero(connected >= neurons.threshold)
    mine = firing // neurons.n_segments == neuron
    neurons.segments.adapt(firing[~mine], active, -neurons.rule.punish, 0.0)
    if neuron < 0:
        return
    chosen = firing[mine]
    if not chosen.size:
        chosen = np.array([_nearest(neurons, neuron, every)])
    neurons.segments.adapt(chosen, active, neurons.rule.increase, -neurons.rule.decrease)
    missing = np.minimum(neurons.synapses_per_segment, cells.size) - every[chosen]
    order = np.stack([rng.permutation(cells) for _ in chosen])
    neurons.segments.grow(chosen, missing, order, neurons.rule.initial)
    neurons.used[chosen] = neurons.clock


def _nearest(neurons: ActiveDendriteNeurons, neuron: int, every: NDArray[np.int32]) -> int:
    """The neuron's segment that comes nearest, or an empty one."""
    block = slice(neuron * neurons.n_segments, (neuron + 1) * neurons.n_segments)
    best = int(np.argmax(every[block]))
    if every[block][best] >= max(neurons.threshold // 2, 1):
        return block.start + best
    sizes = neurons.segments.sizes[block]
    empty = np.flatnonzero(sizes == 0)
    oldest = int(empty[0]) if empty.size else int(np.argmin(neurons.used[block]))
    segment = block.start + oldest
    neurons.segments.clear(segment)
    neurons.n_patterns[segment], every[segment] = 1, 0
    return segment


def with_faults(
    table: Segments, p_off: float, p_on: float, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Cells of the synapses that conduct, -1 where there is none, a row for each segment."""
    strong = table.connected
    kept = [table.cells[k, row & (rng.random(row.size) >= p_off)] for k, row in enumerate(strong)]
    for k in np.flatnonzero(table.sizes > 0) if p_on else ():
        stuck = np.flatnonzero(rng.random(table.n_inputs) < p_on)
        kept[k] = np.union1d(kept[k], np.setdiff1d(stuck, table.cells[k][strong[k]]))
    cells = np.full((len(kept), max(max(row.size for row in kept), 1)), -1, dtype=np.int32)
    for k, row in enumerate(kept):
        cells[k, : row.size] = row
    return cells
