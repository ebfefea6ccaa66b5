"""The loop over steps; the same code for every number system.

Compiled by ``compile.specialise``, which gives meaning to ``deliver``, ``update_block``,
``plastic_due`` and ``plastic_flush``.
"""

# ruff: noqa: F821

from __future__ import annotations

from .compile import kernel
from .fields import DONE, FULL, GATE, KIND, N_POST, N_PRE, PLASTIC_DENSE, RECORD, ROWS
from .fields import START, STOP, UNIT, WEIGHT


@kernel
def listed(mask, mask64, n, first, ids, n_ids):  # type: ignore[no-untyped-def]
    """Append to `ids` the cells of a block whose mask is set; the new length."""
    for word in range((n + 7) // 8):
        if mask64[word] == 0:
            continue
        for i in range(8 * word, min(8 * word + 8, n)):
            if mask[i]:
                ids[n_ids] = first + i
                n_ids += 1
    return n_ids


@kernel
def note(output, ids, first, last, label):  # type: ignore[no-untyped-def]
    """Record the spikes of the cells from `first` up to `last` of `ids`."""
    at = output.cursor[1]
    for m in range(first, last):
        if output.recorded[ids[m]]:
            output.spike_step[at] = label
            output.spike_id[at] = ids[m]
            at += 1
    output.cursor[1] = at


@kernel
def take_sources(cells, output, step, n):  # type: ignore[no-untyped-def]
    """Append the sources that fire in this step to the `n` cells of ``cells.ids``."""
    at = output.cursor[0]
    while at < output.source_step.size and output.source_step[at] == step:
        cells.ids[n] = output.source_id[at]
        at += 1
        n += 1
    output.cursor[0] = at
    return n


def record_row(cells, wiring, plastic, output, k):  # type: ignore[no-untyped-def]
    """Write row `k` of the traces."""
    for part in range(output.v_part.shape[0]):
        first, last, column = output.v_part[part]
        for c in range(first, last):
            output.v[k, column + c - first] = cells.v[c]
    for q in range(plastic.table.shape[0]):
        column = plastic.table[q, RECORD]
        if column < 0:
            continue
        plastic_flush(wiring, plastic, q)  # type: ignore[name-defined]
        unit = wiring.units[plastic.table[q, UNIT]]
        n = unit[N_PRE] * unit[N_POST]
        if unit[KIND] != PLASTIC_DENSE:
            n = wiring.rows[unit[ROWS] + unit[N_PRE]]
        for s in range(n):
            output.w[k, column + s] = wiring.weight[unit[WEIGHT] + s]


def update_cells(cells, params, slot, label, exact):  # type: ignore[no-untyped-def]
    """One step of all cells that are not at rest; how many fire (in ``cells.ids``)."""
    n = 0
    for b in range(params.block.shape[0]):
        if not (cells.awake[b] or cells.dirty[slot, 0, b] or cells.dirty[slot, 1, b]):
            continue
        if update_block(cells, params, b, slot, label, exact):  # type: ignore[name-defined]
            start, stop = params.block[b, START], params.block[b, STOP]
            n = listed(cells.mask, cells.mask64, stop - start, start, cells.ids, n)
    return n


def advance(cells, params, wiring, plastic, output, begin, first, last, exact):  # type: ignore[no-untyped-def]
    """Do the steps from `first` up to `last` of a run that began with step `begin`.

    Returns
    -------
    (step, reason)
        The first step that is not done, and DONE or FULL.
    """
    n_slots, n_gates = cells.ring.shape[0], output.gate.shape[0]
    for k in range(first, last):
        if output.cursor[1] + cells.fired.size > output.spike_id.size:
            return k, FULL
        gate = output.gate[min(k - begin, n_gates - 1)]
        record_row(cells, wiring, plastic, output, k - begin)
        for q in range(plastic.table.shape[0]):
            plastic_due(wiring, plastic, q, k, gate[plastic.table[q, GATE]])  # type: ignore[name-defined]
        if exact:
            n = take_sources(cells, output, k, cells.waiting[0])
            note(output, cells.ids, cells.waiting[0], n, k)
            deliver(cells, wiring, plastic, n, k, gate)  # type: ignore[name-defined]
        n_fired = update_cells(cells, params, k % n_slots, k, exact)
        cells.waiting[0] = n_fired
        note(output, cells.ids, 0, n_fired, k + 1 if exact else k)
        if not exact:
            n = take_sources(cells, output, k, n_fired)
            note(output, cells.ids, n_fired, n, k)
            deliver(cells, wiring, plastic, n, k, gate)  # type: ignore[name-defined]
    return last, DONE
