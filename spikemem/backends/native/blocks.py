"""The cells of a network in blocks of equal parameters, and their division among threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network import Network, Population
from . import fields as f
from .numbers import NumberSystem
from .state import Params

__all__ = ["CellLayout", "bounds_of", "keep_apart", "lay_out_cells"]

Ints = NDArray[np.int64]

_SYNAPSES_OF_A_CELL = 1000.0
"""Synapses onto a cell that take as long as the cell itself; few of them are used in a step."""


@dataclass
class CellLayout:
    """Order of the cells: those with equal parameters stand together.

    `start` and `size` are by population; `state` is ``Cells.state`` with the parameters of cells
    that have their own, otherwise 0; `place` is where each cell's potential is in it.
    """

    start: dict[str, int]
    size: dict[str, int]
    n_cells: int
    n_sources: int
    params: Params
    block_of: NDArray[np.int32]
    state: NDArray[Any]
    place: Ints


def lay_out_cells(network: Network, numbers: NumberSystem, n_parts: int) -> CellLayout:
    """Put the cells in order, in blocks that can be divided among so many threads."""
    groups: dict[Any, list[Population]] = {}
    for population in network.populations:
        if not population.is_source:
            groups.setdefault(_group_key(population, numbers), []).append(population)
    start: dict[str, int] = {}
    blocks: list[tuple[int, int, int, int]] = []
    group: list[NDArray[Any]] = []
    own: list[tuple[int, NDArray[Any]]] = []
    at = n_state = 0
    length = _block_length(network, n_parts)
    for key, members in groups.items():
        first = at
        for population in members:
            start[population.name] = at
            at += population.size
        equal = isinstance(key, tuple)
        values = numbers.cells(members[0], 1 if equal else at - first, network.dt)
        for a in range(first, at, length):
            b = min(a + length, at)
            blocks.append((a, b, n_state, len(group) if equal else -1))
            if not equal:
                own.append((n_state, values[:, a - first : b - first]))
            n_state += (f.PARAMS + (0 if equal else f.N_PARAM)) * f.BLOCK_SIZE
        if equal:
            group.append(values[:, 0])
    n_cells = at
    for population in network.populations:
        if population.is_source:
            start[population.name] = at
            at += population.size
    table = np.array(blocks, dtype=np.int64).reshape(-1, f.N_BLOCK)
    lengths = table[:, f.STOP] - table[:, f.START]
    place = np.arange(n_cells) + np.repeat(table[:, f.STATE] - table[:, f.START], lengths)
    sizes = {population.name: population.size for population in network.populations}
    return CellLayout(
        start=start,
        size=sizes,
        n_cells=n_cells,
        n_sources=at - n_cells,
        params=Params(table, np.array(group or np.zeros((0, f.N_PARAM)), dtype=numbers.state)),
        block_of=np.repeat(np.arange(len(blocks), dtype=np.int32), lengths),
        state=_state(n_state, own, numbers),
        place=place,
    )


def _block_length(network: Network, n_parts: int) -> int:
    """Cells of a block: fewer where there would not be several blocks for each thread."""
    if n_parts == 1:
        return f.BLOCK_SIZE
    share = -(-network.n_neurons // (4 * n_parts))
    return min(f.BLOCK_SIZE, -(-share // 8) * 8)


def _group_key(population: Population, numbers: NumberSystem) -> Any:
    """Populations of the same key have the same parameters in all cells.

    Cells without a leak have parameters of their own: only that kernel computes them.
    """
    cell, current = population.lif.steady, population.lif.current
    values = [getattr(cell, name) for name in cell.units]
    per_cell = any(np.ndim(value) for value in values) or np.isinf(cell.tau_m)
    if per_cell or (current is not None and current.size is not None):
        return population.name
    return *values, numbers.group(population), None if current is None else population.name


def _state(
    n_state: int, own: list[tuple[int, NDArray[Any]]], numbers: NumberSystem
) -> NDArray[Any]:
    state = np.zeros(n_state, dtype=numbers.state)
    for at, values in own:
        first = at + f.PARAMS * f.BLOCK_SIZE
        rows = state[first : first + f.N_PARAM * f.BLOCK_SIZE].reshape(f.N_PARAM, f.BLOCK_SIZE)
        rows[:, : values.shape[1]] = values
    return state


def bounds_of(network: Network, cells: CellLayout, n_parts: int) -> Ints:
    """First cell of each thread's part, and the number of cells; parts are whole blocks."""
    load = np.ones(cells.n_cells)
    for item in network.projections:
        first, size = cells.start[item.post], cells.size[item.post]
        load[first : first + size] += network.count(item.name) / size / _SYNAPSES_OF_A_CELL
    starts = cells.params.block[:, f.START]
    done = np.concatenate([[0.0], np.cumsum(load)])[starts]
    wish = load.sum() * np.arange(1, n_parts) / n_parts
    last = max(starts.size - 1, 0)
    cuts = starts[np.minimum(np.searchsorted(done, wish), last)] if starts.size else starts
    return np.unique(np.concatenate([[0], cuts, [cells.n_cells]]).astype(np.int64))


def keep_apart(cells: CellLayout, bounds: Ints) -> None:
    """Put empty blocks before the parts of several threads.

    There is a byte for each block in ``Cells.dirty`` and ``awake``. Where threads wrote to bytes
    of one cache line, each would wait for the other at every write.
    """
    if bounds.size <= 2:
        return
    table, kept, at = cells.params.block, [], 0
    number = np.zeros(len(table), dtype=np.int32)
    parts = np.searchsorted(table[:, f.START], bounds)
    for first, last in zip(parts[:-1].tolist(), parts[1:].tolist(), strict=True):
        empty = np.repeat(table[first : first + 1], f.APART, axis=0)
        empty[:, f.STOP] = empty[:, f.START]
        kept += [empty, table[first:last]]
        at += len(empty)
        number[first:last] = np.arange(at, at + last - first)
        at += last - first
    cells.params = Params(np.concatenate(kept), cells.params.group)
    cells.block_of = number[cells.block_of]
