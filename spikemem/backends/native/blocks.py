"""Arranges the cells of a network in blocks of equal parameters, and divides them among threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network import Network, Population
from . import fields as f
from .numbers import NumberSystem
from .state import Params

__all__ = ["CellTables", "bounds_of", "keep_apart", "make_cell_tables"]

Ints = NDArray[np.int64]

_SYNAPSES_OF_A_CELL = 1000.0
"""Number of synapses onto a cell that take as long as the cell itself; few are used in a step."""


@dataclass
class CellTables:
    """Order of the cells; cells with equal parameters are neighbours.

    `start` and `size` are by population. `state` is ``CellState.state``: it has the parameters of
    cells that differ from others, and is otherwise 0. `v_index` is the index of each cell's
    potential in `state`.
    """

    start: dict[str, int]
    size: dict[str, int]
    n_cells: int
    n_sources: int
    params: Params
    block_of: NDArray[np.int32]
    state: NDArray[Any]
    v_index: Ints


def make_cell_tables(network: Network, numbers: NumberSystem, n_parts: int) -> CellTables:
    """Arrange the cells in blocks that can be divided among `n_parts` threads."""
    groups: dict[Any, list[Population]] = {}
    for population in network.populations:
        if not population.is_source:
            groups.setdefault(_group_key(population, numbers), []).append(population)
    start: dict[str, int] = {}
    blocks: list[tuple[int, int, int, int]] = []
    group: list[NDArray[Any]] = []
    own: list[tuple[int, NDArray[Any]]] = []
    n_placed = n_state = 0
    length = _block_length(network, n_parts)
    for key, members in groups.items():
        first = n_placed
        for population in members:
            start[population.name] = n_placed
            n_placed += population.size
        equal = isinstance(key, tuple)
        values = numbers.cells(members[0], 1 if equal else n_placed - first, network.dt)
        for a in range(first, n_placed, length):
            b = min(a + length, n_placed)
            blocks.append((a, b, n_state, len(group) if equal else -1))
            if not equal:
                own.append((n_state, values[:, a - first : b - first]))
            n_state += (f.PARAMS + (0 if equal else f.N_PARAM)) * f.BLOCK_SIZE
        if equal:
            group.append(values[:, 0])
    n_cells = n_placed
    for population in network.populations:
        if population.is_source:
            start[population.name] = n_placed
            n_placed += population.size
    table = np.array(blocks, dtype=np.int64).reshape(-1, f.N_BLOCK)
    lengths = table[:, f.STOP] - table[:, f.START]
    v_index = np.arange(n_cells) + np.repeat(table[:, f.STATE] - table[:, f.START], lengths)
    sizes = {population.name: population.size for population in network.populations}
    return CellTables(
        start=start,
        size=sizes,
        n_cells=n_cells,
        n_sources=n_placed - n_cells,
        params=Params(table, np.array(group or np.zeros((0, f.N_PARAM)), dtype=numbers.state)),
        block_of=np.repeat(np.arange(len(blocks), dtype=np.int32), lengths),
        state=_state(n_state, own, numbers),
        v_index=v_index,
    )


def _block_length(network: Network, n_parts: int) -> int:
    """Return the number of cells of a block; it is smaller if threads would have few blocks."""
    if n_parts == 1:
        return f.BLOCK_SIZE
    share = -(-network.n_neurons // (4 * n_parts))
    return min(f.BLOCK_SIZE, -(-share // 8) * 8)


def _group_key(population: Population, numbers: NumberSystem) -> Any:
    """Return a key; populations with the same key have the same parameters in all cells.

    Cells without a leak count as cells with different parameters, because only that kernel
    computes them.
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
    for offset, values in own:
        first = offset + f.PARAMS * f.BLOCK_SIZE
        rows = state[first : first + f.N_PARAM * f.BLOCK_SIZE].reshape(f.N_PARAM, f.BLOCK_SIZE)
        rows[:, : values.shape[1]] = values
    return state


def bounds_of(network: Network, cells: CellTables, n_parts: int) -> Ints:
    """Return the first cell of each thread's part, and the number of cells.

    Parts consist of whole blocks.
    """
    load = np.ones(cells.n_cells)
    for item in network.projections:
        first, size = cells.start[item.post], cells.size[item.post]
        load[first : first + size] += network.count(item.name) / size / _SYNAPSES_OF_A_CELL
    starts = cells.params.block[:, f.START]
    done = np.concatenate([[0.0], np.cumsum(load)])[starts]
    goal = load.sum() * np.arange(1, n_parts) / n_parts
    last = max(starts.size - 1, 0)
    cuts = starts[np.minimum(np.searchsorted(done, goal), last)] if starts.size else starts
    return np.unique(np.concatenate([[0], cuts, [cells.n_cells]]).astype(np.int64))


def keep_apart(cells: CellTables, bounds: Ints) -> None:
    """Insert empty blocks before the parts of several threads.

    ``CellState.dirty`` and ``awake`` have a byte for each block. If threads wrote to bytes of one
    cache line, each would wait for the other at every write.
    """
    if bounds.size <= 2:
        return
    table, blocks, at = cells.params.block, [], 0
    number = np.zeros(len(table), dtype=np.int32)
    parts = np.searchsorted(table[:, f.START], bounds)
    for first, last in zip(parts[:-1].tolist(), parts[1:].tolist(), strict=True):
        empty = np.repeat(table[first : first + 1], f.APART, axis=0)
        empty[:, f.STOP] = empty[:, f.START]
        blocks += [empty, table[first:last]]
        at += len(empty)
        number[first:last] = np.arange(at, at + last - first)
        at += last - first
    cells.params = Params(np.concatenate(blocks), cells.params.group)
    cells.block_of = number[cells.block_of]
