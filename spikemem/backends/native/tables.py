"""Makes the tables of the engine from a network: each projection becomes one or more units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network import Network, Projection, Synapses
from ...units import steps
from . import fields as f
from .blocks import CellTables, bounds_of, keep_apart, make_cell_tables
from .numbers import NumberSystem
from .rows import sort_rows
from .state import Wiring

__all__ = ["EngineTables", "Storage", "make_tables"]

Ints = NDArray[np.int64]


@dataclass
class Storage:
    """Position of the weights of a plastic projection: all its units, one after the other.

    `positions` has the position of each synapse, in the projection's own order; None if that is
    the order of storage. `holes` are positions that belong to no synapse.
    """

    projection: Projection
    start: int
    stop: int
    units: list[int]
    gates: list[int]
    positions: Ints | None = None
    holes: Ints | None = None

    def read(self, w: NDArray[Any]) -> NDArray[Any]:
        """Return stored weights (last axis) in the projection's order, as a copy."""
        if self.positions is not None:
            return np.ascontiguousarray(w[..., self.positions])
        if self.holes is not None:
            return np.delete(w, self.holes, axis=-1)
        return w.copy()

    def write(self, w: NDArray[Any], values: NDArray[Any]) -> None:
        """Store weights that are in the projection's order."""
        if self.positions is not None:
            w[self.positions] = values
        elif self.holes is not None:
            inside = np.ones(w.size, dtype=np.bool_)
            inside[self.holes] = False
            w[inside] = values
        else:
            w[:] = values


@dataclass
class EngineTables:
    """Everything about a network that does not change in a run.

    `routes` has ``Wiring.segment`` and ``Wiring.route`` of each thread. `bounds` has the first
    cell of each thread's part, and the number of cells. `shortest` is the shortest delay in steps.
    """

    cells: CellTables
    wiring: Wiring
    n_slots: int
    storage: dict[str, Storage]
    n_gates: int
    gate_columns: dict[str, tuple[int, int]]
    routes: list[tuple[Ints, Ints]]
    bounds: Ints
    shortest: int


@dataclass
class _Units:
    """Collects units; offsets refer to the data collected so far.

    `bounds` has the first cell of each thread's part, and the number of cells.
    """

    bounds: Ints
    rows: list[dict[int, int]] = field(default_factory=list)
    weight: list[tuple[int, int, Any]] = field(default_factory=list)
    index: list[NDArray[Any]] = field(default_factory=list)
    delay: list[tuple[int, NDArray[Any]]] = field(default_factory=list)
    edges: list[Ints] = field(default_factory=list)
    n_weight: int = 0
    n_index: int = 0
    n_edges: int = 0
    n_counters: int = 0
    n_plastic: int = 0
    longest: int = 1
    shortest: int = 1 << 30

    def note_delays(self, delays: Any) -> None:
        """Update the longest and shortest delay with those of a projection, in steps."""
        self.longest = max(self.longest, int(np.max(delays)))
        self.shortest = min(self.shortest, int(np.min(delays)))

    def add(self, row: dict[int, int]) -> list[int]:
        """Add a unit as one piece for each thread with cells of it; return their numbers."""
        numbers = []
        for p in range(self.bounds.size - 1):
            low = max(int(self.bounds[p]), row[f.POST])
            high = min(int(self.bounds[p + 1]), row[f.POST] + row[f.N_POST])
            if low < high:
                numbers.append(self.add_piece(row | {f.LOW: low, f.HIGH: high, f.PART: p}))
        return numbers

    def add_piece(self, row: dict[int, int]) -> int:
        """Add one thread's piece of a unit, and return its number."""
        if row[f.KIND] == f.SUM:
            row |= {f.COUNTER: self.n_counters}
            gap = f.APART // 8 if self.bounds.size > 2 else 0
            self.n_counters += row[f.N_PRE] // row[f.TILE_PRE] + gap
        elif row[f.KIND] == f.ONE_TO_ONE:
            skip = row[f.LOW] - row[f.POST]
            row |= {f.POST: row[f.LOW], f.PRE: row[f.PRE] + skip,
                    f.N_POST: row[f.HIGH] - row[f.LOW], f.N_PRE: row[f.HIGH] - row[f.LOW],
                    f.WEIGHT: row[f.WEIGHT] + skip * row[f.STRIDE]}  # fmt: skip
        elif row[f.KIND] in (f.PLASTIC_DENSE, f.PLASTIC_SPARSE):
            row |= {f.PLASTIC: self.n_plastic}
            self.n_plastic += 1
        self.rows.append(row)
        return len(self.rows) - 1

    def add_weight(self, values: Any, n: int) -> int:
        """Reserve `n` weights, and return their offset; `values` is an array or one number."""
        offset = self.n_weight
        self.weight.append((offset, n, values))
        self.n_weight += n
        return offset

    def add_targets(self, j: NDArray[Any]) -> int:
        """Append the post-synaptic cells of sparse rows, and return their offset."""
        offset = self.n_index
        self.index.append(j)
        self.n_index += j.size
        return offset

    def add_edges(self, edges: Ints) -> int:
        """Append the edges of sparse rows, and return their offset."""
        offset = self.n_edges
        self.edges.append(edges)
        self.n_edges += edges.size
        return offset


def make_tables(network: Network, numbers: NumberSystem, n_parts: int = 1) -> EngineTables:
    """Make the tables of a network for a number system and at most `n_parts` threads."""
    cells = make_cell_tables(network, numbers, n_parts)
    bounds = bounds_of(network, cells, n_parts)
    keep_apart(cells, bounds)
    units = _Units(bounds)
    storage: dict[str, Storage] = {}
    columns: dict[str, tuple[int, int]] = {}
    n_gates = 0
    for projection in network.projections:
        ends = _ends(cells, projection)
        if projection.plasticity is not None:
            columns[projection.name] = (n_gates, n_gates + projection.tiles)
            storage[projection.name] = _add_plastic(
                units, network, numbers, projection, ends, n_gates
            )
            n_gates += projection.tiles
        elif network.count(projection.name):
            _add_static(units, network, numbers, projection, ends)
    wiring, routes = _wire(units, cells, numbers)
    return EngineTables(
        cells, wiring, units.longest + 1, storage, n_gates, columns, routes,
        units.bounds, units.shortest,
    )  # fmt: skip


def _ends(cells: CellTables, projection: Projection) -> dict[int, int]:
    n_pre, n_post = cells.size[projection.pre], cells.size[projection.post]
    return {
        f.PRE: cells.start[projection.pre],
        f.N_PRE: n_pre,
        f.POST: cells.start[projection.post],
        f.N_POST: n_post,
        f.TILE_PRE: n_pre // projection.tiles,
        f.TILE_POST: n_post // projection.tiles,
        f.RECEPTOR: int(projection.receptor == "inhibitory"),
        f.ALLOW_SELF: int(projection.allow_self),
    }


def _constant(values: Any) -> bool:
    return bool(np.ndim(values) == 0 or np.all(values == values[0]))


def _one(values: Any) -> float:
    return float(values if np.ndim(values) == 0 else values[0])


def _add_static(
    units: _Units,
    network: Network,
    numbers: NumberSystem,
    projection: Projection,
    ends: dict[int, int],
) -> None:
    row, same = dict(ends), _constant(projection.weight)
    weight = numbers.weights(
        network, projection, _one(projection.weight) if same else projection.weight
    )
    row[f.STRIDE] = int(not same)
    delays = steps(projection.delay, network.dt)
    units.note_delays(delays)
    uniform = _constant(delays)
    row[f.DELAY] = int(np.ravel(delays)[0])
    if uniform and projection.connector == "one_to_one":
        row[f.KIND] = f.ONE_TO_ONE
    elif uniform and projection.connector == "all_to_all" and same:
        row[f.KIND] = f.SUM
    elif uniform and projection.connector == "all_to_all":
        row[f.KIND] = f.DENSE
        holes = _holes(ends, projection)
        if holes is not None:
            full = np.zeros(weight.size + holes.size, dtype=weight.dtype)
            Storage(projection, 0, full.size, [], [], holes=holes).write(full, weight)
            weight = full
    else:
        row[f.KIND] = f.SPARSE if uniform else f.SPARSE_DELAYS
        _add_list(units, network.synapses(projection.name), row, weight, delays)
        return
    row[f.WEIGHT] = units.add_weight(weight, 1 if same else weight.size)
    units.add(row)


def _add_list(
    units: _Units, synapses: Synapses, row: dict[int, int], weight: Any, delays: Any
) -> None:
    """Add the synapses of a list, sorted by thread, then by pre-synaptic cell."""
    bounds, n_pre = units.bounds, row[f.N_PRE]
    target = synapses.j + np.int32(row[f.POST])
    order, edges = sort_rows(synapses.i, target, n_pre, bounds)
    if order is not None:
        target = target[order]
        weight = weight[order] if row[f.STRIDE] else weight
    at = units.add_weight(weight, weight.size)
    index = units.add_targets(target)
    if row[f.KIND] == f.SPARSE_DELAYS:
        units.delay.append((index, delays if order is None else delays[order]))
    for p in range(bounds.size - 1):
        part = edges[p * n_pre : (p + 1) * n_pre + 1]
        first, last = int(part[0]), int(part[-1])
        low = max(int(bounds[p]), row[f.POST])
        high = min(int(bounds[p + 1]), row[f.POST] + row[f.N_POST])
        if first < last:
            offsets = {f.INDEX: index + first, f.ROWS: units.add_edges(part - first),
                       f.WEIGHT: at + first * row[f.STRIDE]}  # fmt: skip
            units.add_piece(row | offsets | {f.LOW: low, f.HIGH: high, f.PART: p})


def _holes(ends: dict[int, int], projection: Projection) -> Ints | None:
    """Return the positions of left-out pairs of equal index in dense storage, or None."""
    if projection.allow_self:
        return None
    n_pre, n_post = ends[f.TILE_PRE], ends[f.TILE_POST]
    own = np.arange(min(n_pre, n_post), dtype=np.int64) * (n_post + 1)
    tile = np.arange(projection.tiles, dtype=np.int64) * (n_pre * n_post)
    return (tile[:, None] + own).ravel()


def _add_plastic(
    units: _Units,
    network: Network,
    numbers: NumberSystem,
    projection: Projection,
    ends: dict[int, int],
    gate: int,
) -> Storage:
    store = Storage(projection, units.n_weight, units.n_weight, [], [])
    if not network.count(projection.name):
        return store
    delays = steps(projection.delay, network.dt)
    units.note_delays(delays)
    if projection.connector == "all_to_all" and _constant(delays):
        _add_plastic_dense(units, network, numbers, store, ends, gate, int(np.ravel(delays)[0]))
    else:
        _add_plastic_sparse(units, network, numbers, store, ends, gate, delays)
    store.stop = units.n_weight
    return store


def _add_plastic_dense(
    units: _Units,
    network: Network,
    numbers: NumberSystem,
    store: Storage,
    ends: dict[int, int],
    gate: int,
    delay: int,
) -> None:
    """Add one unit for each tile, so that a tile's rows see only its own spikes."""
    projection = store.projection
    store.holes = _holes(ends, projection)
    n_pre, n_post = ends[f.TILE_PRE], ends[f.TILE_POST]
    total = n_pre * n_post * projection.tiles
    weight: Any = numbers.weights(network, projection, projection.weight)
    if weight.ndim and store.holes is not None:
        full = np.zeros(total, dtype=weight.dtype)
        store.write(full, weight)
        weight = full
    start = units.add_weight(weight, total)
    for tile in range(projection.tiles):
        row = dict(ends) | {f.KIND: f.PLASTIC_DENSE, f.DELAY: delay, f.STRIDE: 1}
        row |= {f.PRE: ends[f.PRE] + tile * n_pre, f.POST: ends[f.POST] + tile * n_post}
        row |= {f.N_PRE: n_pre, f.N_POST: n_post, f.WEIGHT: start + tile * n_pre * n_post}
        _note_plastic(store, units.add(row), gate + tile)


def _note_plastic(store: Storage, numbers: list[int], gate: int) -> None:
    store.units += numbers
    store.gates += [gate] * len(numbers)


def _add_plastic_sparse(
    units: _Units,
    network: Network,
    numbers: NumberSystem,
    store: Storage,
    ends: dict[int, int],
    gate: int,
    delays: Any,
) -> None:
    """Add one unit for each delay and tile, limited to the cells that it connects.

    The pieces of a unit for several threads have the same limits, so that traces decay in the
    same steps and are rounded in the same way in all of them.
    """
    projection = store.projection
    synapses = network.synapses(projection.name)
    n = synapses.i.size
    delay = np.broadcast_to(delays, (n,))
    tile = np.minimum(np.arange(n) // max(n // projection.tiles, 1), projection.tiles - 1)
    target = synapses.j + np.int64(ends[f.POST])
    part = np.searchsorted(units.bounds, target, side="right") - 1
    order = np.lexsort((synapses.i, part, delay, tile))
    store.positions = np.empty(n, dtype=np.int64)
    store.positions[order] = np.arange(n)
    weight = numbers.weights(network, projection, synapses.weight)[order]
    start = units.add_weight(weight, n)
    i, target, delay, tile = synapses.i[order], target[order], delay[order], tile[order]
    part, index = part[order], units.add_targets(target)
    cuts = np.flatnonzero((np.diff(delay) != 0) | (np.diff(tile) != 0)) + 1
    for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), n], strict=True):
        pre, post = i[first:last], target[first:last]
        low, high = int(pre.min()), int(post.min())
        row = dict(ends) | {f.KIND: f.PLASTIC_SPARSE, f.DELAY: int(delay[first]), f.STRIDE: 1}
        row |= {f.PRE: ends[f.PRE] + low, f.N_PRE: int(pre.max()) - low + 1}
        row |= {f.POST: high, f.N_POST: int(post.max()) - high + 1}
        for p in np.unique(part[first:last]).tolist():
            begin, end = (first + np.searchsorted(part[first:last], [p, p + 1])).tolist()
            edges = np.searchsorted(i[begin:end], np.arange(low, low + row[f.N_PRE] + 1))
            piece = row | {f.WEIGHT: start + begin, f.INDEX: index + begin, f.PART: p}
            piece[f.ROWS] = units.add_edges(edges)
            piece[f.LOW] = max(int(units.bounds[p]), row[f.POST])
            piece[f.HIGH] = min(int(units.bounds[p + 1]), row[f.POST] + row[f.N_POST])
            _note_plastic(store, [units.add_piece(piece)], gate + int(tile[first]))


def _wire(
    units: _Units, cells: CellTables, numbers: NumberSystem
) -> tuple[Wiring, list[tuple[Ints, Ints]]]:
    table = np.zeros((len(units.rows), f.N_UNIT), dtype=np.int64)
    for u, row in enumerate(units.rows):
        for column, value in row.items():
            table[u, column] = value
    # Pages of zeros take no memory until a weight in them changes.
    weight = np.zeros(units.n_weight, dtype=numbers.weight)
    for at, n, values in units.weight:
        if np.ndim(values) or values != 0:
            weight[at : at + n] = values
    target = np.empty(units.n_index, dtype=np.uint32)
    at = 0
    for part in units.index:
        target[at : at + part.size] = part
        at += part.size
    delay = np.zeros(units.n_index, dtype=np.int32)
    for at, values in units.delay:
        delay[at : at + values.size] = values
    n_all = cells.n_cells + cells.n_sources
    n_parts = max(units.bounds.size - 1, 1)
    routes = [_routes(table, np.flatnonzero(table[:, f.PART] == p), n_all) for p in range(n_parts)]
    wiring = Wiring(
        units=table,
        weight=weight,
        target=target,
        rows=np.concatenate([np.zeros(0, np.int64), *units.edges]),
        delay=delay,
        segment=routes[0][0],
        route=routes[0][1],
        block=cells.block_of,
        counts=np.zeros(units.n_counters, dtype=np.int64),
        touched=np.zeros((units.n_counters, 2), dtype=np.int64),
    )
    return wiring, routes


def _routes(table: Ints, members: Ints, n_all: int) -> tuple[Ints, Ints]:
    """Return ``Wiring.segment`` and ``Wiring.route`` of some of the units."""
    table = table[members]
    plastic = np.flatnonzero(np.isin(table[:, f.KIND], (f.PLASTIC_DENSE, f.PLASTIC_SPARSE)))
    out = table[:, f.PRE], table[:, f.PRE] + table[:, f.N_PRE]
    into = table[plastic, f.POST], table[plastic, f.POST] + table[plastic, f.N_POST]
    edges = np.unique(np.concatenate([[0], *out, *into]))
    edges = edges[edges < n_all]
    leaving, arriving = _by_segment(edges, *out), _by_segment(edges, *into)
    offsets, route = _route(
        edges,
        (leaving[0], members[leaving[1]]),
        (arriving[0], table[plastic, f.PLASTIC][arriving[1]]),
    )
    segment = np.zeros(n_all, dtype=np.int64)
    segment[edges[1:]] = 1
    return offsets[np.cumsum(segment)], route


def _by_segment(edges: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return the intervals that cover each segment beginning at `edges`, as a ragged list."""
    low, high = np.searchsorted(edges, first), np.searchsorted(edges, last)
    length = high - low
    owner = np.repeat(np.arange(first.size), length)
    rank = np.arange(owner.size) - np.repeat(np.cumsum(length) - length, length)
    segment = np.repeat(low, length) + rank
    order = np.argsort(segment, kind="stable")
    starts = np.searchsorted(segment[order], np.arange(edges.size + 1))
    return starts, owner[order]


def _route(edges: Ints, out: tuple[Ints, Ints], into: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Return the offset of each segment in ``Wiring.route``, and the route."""
    offsets, parts, at = np.zeros(edges.size, dtype=np.int64), [], 0
    for k in range(edges.size):
        offsets[k] = at
        for starts, owner in (out, into):
            members = owner[starts[k] : starts[k + 1]]
            parts += [np.array([members.size]), members]
            at += 1 + members.size
    return offsets, np.concatenate(parts).astype(np.int64)
