"""Delivers spikes through synapses to ring buffers; all number systems share this code.

``compile.specialise`` compiles :func:`deliver`, and binds the names ``plastic_pre`` and
``plastic_post``.
"""

# ruff: noqa: F821

from __future__ import annotations

from .compile import kernel, prefetch
from .fields import (
    ALLOW_SELF,
    COUNTER,
    DELAY,
    DENSE,
    GATE,
    HIGH,
    INDEX,
    KIND,
    LOW,
    ONE_TO_ONE,
    PLASTIC,
    POST,
    PRE,
    RECEPTOR,
    ROWS,
    SPARSE,
    SPARSE_DELAYS,
    STRIDE,
    SUM,
    TILE_POST,
    TILE_PRE,
    WEIGHT,
)

_AHEAD = 16
"""Number of spikes whose synapses are prefetched together."""

_SOON = 64
"""Number of synapses of a row to prefetch; the processor itself prefetches the rest."""


@kernel
def mark(dirty, block, first, n):  # type: ignore[no-untyped-def]
    """Mark the blocks of `n` cells from `first` on, because something arrives there."""
    for b in range(block[first], block[first + n - 1] + 1):
        dirty[b] = 1


@kernel
def _add_row(ring, w):  # type: ignore[no-untyped-def]
    for j in range(w.size):
        ring[j] += w[j]


@kernel
def send_dense(unit, c, weight, block, ring, dirty):  # type: ignore[no-untyped-def]
    """Add the row of cell `c` to the cells of its tile."""
    tile, index = divmod(c - unit[PRE], unit[TILE_PRE])
    n = unit[TILE_POST]
    first = unit[POST] + tile * n
    low, high = max(first, unit[LOW]), min(first + n, unit[HIGH])
    if low >= high:
        return
    begin = unit[WEIGHT] + (c - unit[PRE]) * n - first
    w, target = weight[begin + low : begin + high], ring[low:high]
    own = first + index - low
    cut = high - low if unit[ALLOW_SELF] or index >= n else min(max(own, 0), high - low)
    _add_row(target[:cut], w[:cut])
    skip = cut + 1 if cut == own else cut
    _add_row(target[skip:], w[skip:])
    mark(dirty, block, low, high - low)


@kernel
def send_sparse(unit, c, rows, weight, index, ring):  # type: ignore[no-untyped-def]
    """Add the row of cell `c`, whose synapses have equal delays."""
    edge = unit[ROWS] + c - unit[PRE]
    first, last = rows[edge], rows[edge + 1]
    targets = index[unit[INDEX] + first : unit[INDEX] + last]
    if unit[STRIDE]:
        w = weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
        for s in range(targets.size):
            ring[targets[s]] += w[s]
    else:
        value = weight[unit[WEIGHT]]
        for s in range(targets.size):
            ring[targets[s]] += value


@kernel
def send_delays(unit, c, step, rows, weight, index, delay, block, ring, dirty):  # type: ignore[no-untyped-def]
    """Add the row of cell `c`, whose delays differ; `ring` and `dirty` have all slots."""
    edge = unit[ROWS] + c - unit[PRE]
    for s in range(rows[edge], rows[edge + 1]):
        slot = (step + delay[unit[INDEX] + s]) % ring.shape[0]
        j = index[unit[INDEX] + s]
        ring[slot, unit[RECEPTOR], j] += weight[unit[WEIGHT] + s * unit[STRIDE]]
        dirty[slot, unit[RECEPTOR], block[j]] = 1


@kernel
def send_sum(unit, tile, count, value, fired, ring, block, dirty):  # type: ignore[no-untyped-def]
    """Add `count` equal weights to each cell of a tile, but none from a cell to itself."""
    n, n_pre = unit[TILE_POST], unit[TILE_PRE]
    first, pre = unit[POST] + tile * n, unit[PRE] + tile * n_pre
    low, high = max(first, unit[LOW]), min(first + n, unit[HIGH])
    total = count * value
    n_own = 0 if unit[ALLOW_SELF] else min(n, n_pre)
    cut = min(max(first + n_own, low), high)
    for j in range(low, cut):
        ring[j] += (count - 1) * value if fired[pre + j - first] else total
    for j in range(cut, high):
        ring[j] += total
    if low < high:
        mark(dirty, block, low, high - low)


@kernel
def fetch(wiring, ids, first, last):  # type: ignore[no-untyped-def]
    """Prefetch the lists of synapses of the cells from `first` up to `last` of `ids`.

    The lists are scattered over the memory, and the processor would wait for each of them.
    """
    for m in range(first, last):
        c = ids[m]
        at = wiring.segment[c]
        for e in range(at + 1, at + 1 + wiring.route[at]):
            unit = wiring.units[wiring.route[e]]
            if unit[KIND] == SPARSE or unit[KIND] == SPARSE_DELAYS:
                prefetch(wiring.rows, unit[ROWS] + c - unit[PRE])
    for m in range(first, last):
        c = ids[m]
        at = wiring.segment[c]
        for e in range(at + 1, at + 1 + wiring.route[at]):
            unit = wiring.units[wiring.route[e]]
            if unit[KIND] == SPARSE or unit[KIND] == SPARSE_DELAYS:
                edge = unit[ROWS] + c - unit[PRE]
                begin, end = (
                    wiring.rows[edge],
                    min(wiring.rows[edge + 1], wiring.rows[edge] + _SOON),
                )
                for s in range(begin, end, 16):
                    prefetch(wiring.target, unit[INDEX] + s)
                if unit[STRIDE]:
                    for s in range(begin, end, 8):
                        prefetch(wiring.weight, unit[WEIGHT] + s)


def deliver(cells, wiring, plastic, n, step, gate):  # type: ignore[no-untyped-def]
    """Deliver the spikes of the first `n` cells of ``cells.ids``.

    gate : uint8, shape (n_gates,), whether the weights of each gate may change in this step
    """
    units, route, n_slots = wiring.units, wiring.route, cells.ring.shape[0]
    n_touched = 0
    for m in range(n):
        c = cells.ids[m]
        cells.fired[c] = 1
        at = wiring.segment[c]
        at += 1 + route[at]
        for e in range(at + 1, at + 1 + route[at]):
            plastic_post(wiring, plastic, route[e], c, step)  # type: ignore[name-defined]
    for m in range(n):
        if m % _AHEAD == 0:
            fetch(wiring, cells.ids, m, min(m + _AHEAD, n))
        c = cells.ids[m]
        at = wiring.segment[c]
        for e in range(at + 1, at + 1 + route[at]):
            u = route[e]
            unit = units[u]
            kind, receptor = unit[KIND], unit[RECEPTOR]
            slot = (step + unit[DELAY]) % n_slots
            ring, dirty = cells.ring[slot, receptor], cells.dirty[slot, receptor]
            if kind == SUM:
                tile = (c - unit[PRE]) // unit[TILE_PRE]
                if wiring.counts[unit[COUNTER] + tile] == 0:
                    wiring.touched[n_touched, 0] = u
                    wiring.touched[n_touched, 1] = tile
                    n_touched += 1
                wiring.counts[unit[COUNTER] + tile] += 1
            elif kind == ONE_TO_ONE:
                index = c - unit[PRE]
                ring[unit[POST] + index] += wiring.weight[unit[WEIGHT] + index * unit[STRIDE]]
                dirty[wiring.block[unit[POST] + index]] = 1
            elif kind == SPARSE:
                send_sparse(unit, c, wiring.rows, wiring.weight, wiring.target, ring)
                mark(dirty, wiring.block, unit[LOW], unit[HIGH] - unit[LOW])
            elif kind == DENSE:
                send_dense(unit, c, wiring.weight, wiring.block, ring, dirty)
            elif kind == SPARSE_DELAYS:
                send_delays(
                    unit, c, step, wiring.rows, wiring.weight, wiring.target, wiring.delay,
                    wiring.block, cells.ring, cells.dirty,
                )  # fmt: skip
            else:
                q = unit[PLASTIC]
                plastic_pre(wiring, plastic, q, c, step, gate[plastic.table[q, GATE]], ring)  # type: ignore[name-defined]
                mark(dirty, wiring.block, unit[LOW], unit[HIGH] - unit[LOW])
    for m in range(n_touched):
        unit, tile = units[wiring.touched[m, 0]], wiring.touched[m, 1]
        slot, counter = (step + unit[DELAY]) % n_slots, unit[COUNTER] + tile
        value, count = wiring.weight[unit[WEIGHT]], wiring.counts[counter]
        wiring.counts[counter] = 0
        ring, dirty = cells.ring[slot, unit[RECEPTOR]], cells.dirty[slot, unit[RECEPTOR]]
        send_sum(unit, tile, count, value, cells.fired, ring, wiring.block, dirty)
    for m in range(n):
        cells.fired[cells.ids[m]] = 0
