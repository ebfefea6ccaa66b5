"""The loop over steps; the same code for every number system.

Compiled by ``compile.specialise``, which gives meaning to ``deliver``, ``update_block``,
``plastic_due`` and ``plastic_flush``.
"""

# ruff: noqa: F821

from __future__ import annotations

from .compile import kernel
from .fields import (
    BLOCK_SIZE,
    CELL,
    DONE,
    FULL,
    GATE,
    GROUP,
    PARAMS,
    START,
    STATE,
    STEP,
    STOP,
    TAIL,
    Y_HEAD,
)

_KEPT = PARAMS * BLOCK_SIZE


@kernel
def listed(mask, mask64, n, first, ids, n_ids):  # type: ignore[no-untyped-def]
    """Append to `ids` the cells of a block whose mask is set; the new length."""
    for word in range((n + 7) // 8):
        if mask64[word] != 0:
            for i in range(8 * word, min(8 * word + 8, n)):
                if mask[i]:
                    ids[n_ids] = first + i
                    n_ids += 1
    return n_ids


@kernel
def note(spike, recorded, ids, first, last, step, at):  # type: ignore[no-untyped-def]
    """Record the spikes of the cells from `first` up to `last` of `ids`; the new length."""
    for m in range(first, last):
        if recorded[ids[m]]:
            spike[at, CELL] = ids[m]
            spike[at, STEP] = step
            at += 1
    return at


@kernel
def take_sources(source, at, ids, step, n):  # type: ignore[no-untyped-def]
    """Append the sources that fire in this step to the first `n` of `ids`; the new length."""
    while at < source.shape[0] and source[at, STEP] == step:
        ids[n] = source[at, CELL]
        at += 1
        n += 1
    return n


@kernel
def differs(a, b):  # type: ignore[no-untyped-def]
    """Whether two arrays differ within the length of the first."""
    different = False
    for i in range(a.size):
        different |= a[i] != b[i]
    return different


def update_cells(cells, block, group, slot, step, exact):  # type: ignore[no-untyped-def]
    """One step of all cells that are not at rest; how many fire (in ``cells.ids``).

    A block that received nothing and came out of a step as it went in is put to rest: until
    something arrives, every further step would do the same. That is looked at now and then.
    """
    n_fired, scratch = 0, cells.scratch
    for b in range(block.shape[0]):
        quiet = not (cells.dirty[slot, 0, b] or cells.dirty[slot, 1, b])
        if quiet and not cells.awake[b]:
            continue
        start, stop, at, g = block[b, START], block[b, STOP], block[b, STATE], block[b, GROUP]
        s = cells.state[at:]
        look = quiet and step % 8 == 0
        if look:
            for i in range(_KEPT):
                scratch[i] = s[i]
        ring_e, ring_i = cells.ring[slot, 0, start:stop], cells.ring[slot, 1, start:stop]
        tally, n = cells.tally[b], stop - start
        hit = update_block(s, ring_e, ring_i, cells.mask, tally, group, g, n, exact)  # type: ignore[name-defined]
        if hit:
            n_fired = listed(cells.mask, cells.mask64, n, start, cells.ids, n_fired)
        cells.dirty[slot, 0, b] = 0
        cells.dirty[slot, 1, b] = 0
        cells.awake[b] = not look or hit or differs(scratch, s)
    return n_fired


def flush(wiring, plastic):  # type: ignore[no-untyped-def]
    """Bring all plastic weights up to date."""
    for q in range(plastic.table.shape[0]):
        plastic_flush(wiring, plastic, q)  # type: ignore[name-defined]


def advance(cells, params, wiring, plastic, output, begin, first, last, exact):  # type: ignore[no-untyped-def]
    """Do the steps from `first` up to `last` of a run that began with step `begin`.

    Returns
    -------
    (step, reason)
        The first step that is not done, and DONE or FULL.
    """
    n_slots, n_gates, table = cells.ring.shape[0], output.gate.shape[0], plastic.table
    ids, spike, cursor = cells.ids, output.spike, output.cursor
    for k in range(first, last):
        if cursor[1] + cells.fired.size > spike.shape[0]:
            return k, FULL
        for m in range(output.v_place.size):
            output.v[k - begin, m] = cells.state[output.v_place[m]]
        gate = output.gate[min(k - begin, n_gates - 1)]
        for q in range(table.shape[0]):
            if table[q, Y_HEAD] != table[q, TAIL]:
                plastic_due(wiring, plastic, q, k, gate[table[q, GATE]])  # type: ignore[name-defined]
        if not exact:
            n_fired = update_cells(cells, params.block, params.group, k % n_slots, k, False)  # type: ignore[no-untyped-call]
            cells.waiting[0] = n_fired
            cursor[1] = note(spike, output.recorded, ids, 0, n_fired, k, cursor[1])
        n = cells.waiting[0]
        n_all = take_sources(output.source, cursor[0], ids, k, n)
        cursor[0] += n_all - n
        cursor[1] = note(spike, output.recorded, ids, n, n_all, k, cursor[1])
        if n_all:
            deliver(cells, wiring, plastic, n_all, k, gate)  # type: ignore[name-defined]
        if exact:
            n_fired = update_cells(cells, params.block, params.group, k % n_slots, k, True)  # type: ignore[no-untyped-call]
            cells.waiting[0] = n_fired
            cursor[1] = note(spike, output.recorded, ids, 0, n_fired, k + 1, cursor[1])
    return last, DONE
