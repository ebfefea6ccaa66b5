"""Spikes to synapses to ring buffers; the same code for every number system.

The functions here are compiled by ``compile.specialise``, which gives meaning to the names
``plastic_pre`` and ``plastic_post``.
"""

# ruff: noqa: F821

from __future__ import annotations

from .compile import kernel
from .fields import (
    ALLOW_SELF,
    COUNTER,
    DELAY,
    DENSE,
    GATE,
    INDEX,
    KIND,
    N_POST,
    N_PRE,
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


@kernel
def mark(dirty, block, first, n):  # type: ignore[no-untyped-def]
    """Note that something arrives at `n` cells from `first` on."""
    for b in range(block[first], block[first + n - 1] + 1):
        dirty[b] = 1


@kernel
def _add_row(ring, w):  # type: ignore[no-untyped-def]
    for j in range(w.size):
        ring[j] += w[j]


@kernel
def send_dense(wiring, unit, c, ring, dirty):  # type: ignore[no-untyped-def]
    tile, place = divmod(c - unit[PRE], unit[TILE_PRE])
    n = unit[TILE_POST]
    first = unit[POST] + tile * n
    begin = unit[WEIGHT] + (c - unit[PRE]) * n
    w, target = wiring.weight[begin : begin + n], ring[first : first + n]
    if unit[ALLOW_SELF] or place >= n:
        _add_row(target, w)
    else:
        _add_row(target[:place], w[:place])
        _add_row(target[place + 1 :], w[place + 1 :])
    mark(dirty, wiring.block, first, n)


@kernel
def send_sparse(wiring, unit, c, ring, dirty):  # type: ignore[no-untyped-def]
    edge = unit[ROWS] + c - unit[PRE]
    first, last = wiring.rows[edge], wiring.rows[edge + 1]
    if first == last:
        return
    index = wiring.index[unit[INDEX] + first : unit[INDEX] + last]
    if unit[STRIDE]:
        w = wiring.weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
        for s in range(index.size):
            ring[index[s]] += w[s]
    else:
        value = wiring.weight[unit[WEIGHT]]
        for s in range(index.size):
            ring[index[s]] += value
    mark(dirty, wiring.block, unit[POST], unit[N_POST])


@kernel
def send_delays(wiring, unit, c, label, rings, dirty):  # type: ignore[no-untyped-def]
    """Rows whose synapses differ in their delays; rings of shape (L, N), dirty (L, B)."""
    edge = unit[ROWS] + c - unit[PRE]
    first, last = wiring.rows[edge], wiring.rows[edge + 1]
    n_slots = rings.shape[0]
    for s in range(first, last):
        slot = (label + wiring.delay[unit[INDEX] + s]) % n_slots
        j = wiring.index[unit[INDEX] + s]
        rings[slot, j] += wiring.weight[unit[WEIGHT] + s * unit[STRIDE]]
        dirty[slot, wiring.block[j]] = 1


@kernel
def send_one(wiring, unit, c, ring, dirty):  # type: ignore[no-untyped-def]
    place = c - unit[PRE]
    j = unit[POST] + place
    ring[j] += wiring.weight[unit[WEIGHT] + place * unit[STRIDE]]
    dirty[wiring.block[j]] = 1


@kernel
def _add_counts(wiring, unit, tile, count, fired, ring, dirty):  # type: ignore[no-untyped-def]
    """`count` equal weights to each cell of a tile; none from a cell to itself."""
    n, n_pre = unit[TILE_POST], unit[TILE_PRE]
    first, pre = unit[POST] + tile * n, unit[PRE] + tile * n_pre
    value = wiring.weight[unit[WEIGHT]]
    target = ring[first : first + n]
    total = count * value
    n_own = 0 if unit[ALLOW_SELF] else min(n, n_pre)
    for j in range(n_own):
        if fired[pre + j]:
            target[j] += (count - 1) * value
        else:
            target[j] += total
    for j in range(n_own, n):
        target[j] += total
    mark(dirty, wiring.block, first, n)


@kernel
def deliver_sums(cells, wiring, n_touched, label):  # type: ignore[no-untyped-def]
    """Projections of one constant weight: what the spikes of a step add to each target."""
    n_slots = cells.ring.shape[0]
    for m in range(n_touched):
        u = wiring.touched[2 * m]
        unit = wiring.units[u]
        tile = wiring.touched[2 * m + 1]
        slot, receptor = (label + unit[DELAY]) % n_slots, unit[RECEPTOR]
        counter = unit[COUNTER] + tile
        count = wiring.counts[counter]
        wiring.counts[counter] = 0
        ring, dirty = cells.ring[slot, receptor], cells.dirty[slot, receptor]
        _add_counts(wiring, unit, tile, count, cells.fired, ring, dirty)


def deliver(cells, wiring, plastic, n, label, gate):  # type: ignore[no-untyped-def]
    """Deliver the spikes of the first `n` cells of ``cells.ids``.

    gate : uint8, shape (n_gates,), whether the weights of each gate may change in this step
    """
    n_slots = cells.ring.shape[0]
    n_touched = 0
    for m in range(n):
        c = cells.ids[m]
        cells.fired[c] = 1
        segment = wiring.segment[c]
        for e in range(wiring.out_edge[segment], wiring.out_edge[segment + 1]):
            u = wiring.out_unit[e]
            unit = wiring.units[u]
            kind, receptor = unit[KIND], unit[RECEPTOR]
            if kind == SUM:
                tile = (c - unit[PRE]) // unit[TILE_PRE]
                counter = unit[COUNTER] + tile
                if wiring.counts[counter] == 0:
                    wiring.touched[2 * n_touched] = u
                    wiring.touched[2 * n_touched + 1] = tile
                    n_touched += 1
                wiring.counts[counter] += 1
                continue
            if kind == SPARSE_DELAYS:
                send_delays(
                    wiring, unit, c, label, cells.ring[:, receptor], cells.dirty[:, receptor]
                )
                continue
            slot = (label + unit[DELAY]) % n_slots
            ring, dirty = cells.ring[slot, receptor], cells.dirty[slot, receptor]
            if kind == ONE_TO_ONE:
                send_one(wiring, unit, c, ring, dirty)
            elif kind == SPARSE:
                send_sparse(wiring, unit, c, ring, dirty)
            elif kind == DENSE:
                send_dense(wiring, unit, c, ring, dirty)
            else:
                q = unit[PLASTIC]
                plastic_pre(wiring, plastic, q, c, label, gate[plastic.table[q, GATE]], ring)  # type: ignore[name-defined]
                mark(dirty, wiring.block, unit[POST], unit[N_POST])
        for e in range(wiring.in_edge[segment], wiring.in_edge[segment + 1]):
            plastic_post(wiring, plastic, wiring.in_plastic[e], c, label)  # type: ignore[name-defined]
    deliver_sums(cells, wiring, n_touched, label)
    for m in range(n):
        cells.fired[cells.ids[m]] = 0
