"""The loop over steps; all number systems share this code.

``compile.specialise`` compiles it, and binds the names ``deliver``, ``update_block``,
``plastic_due`` and ``plastic_flush``.
"""

# ruff: noqa: F821

from __future__ import annotations

from .barrier import wait_for_all
from .compile import kernel
from .fields import (
    BLOCK_SIZE,
    CELL,
    DONE,
    FIRST_BLOCK,
    FULL,
    GATE,
    GROUP,
    LAST_BLOCK,
    LATE_HEAD,
    LATE_TAIL,
    ME,
    N_PARTS,
    NOW,
    PARAMS,
    START,
    STATE,
    STEP,
    STOP,
    STOPPED,
    TAIL,
    WINDOW,
    Y_HEAD,
)

_CHANGING = PARAMS * BLOCK_SIZE


@kernel
def listed(mask, mask64, n, first, ids, n_ids):  # type: ignore[no-untyped-def]
    """Append the cells of a block whose mask is set to `ids`; return the new length."""
    for word in range((n + 7) // 8):
        if mask64[word] != 0:
            for i in range(8 * word, min(8 * word + 8, n)):
                if mask[i]:
                    ids[n_ids] = first + i
                    n_ids += 1
    return n_ids


@kernel
def note(spike, recorded, ids, first, last, step, at):  # type: ignore[no-untyped-def]
    """Record the spikes of the cells from `first` up to `last` of `ids`; return the new length."""
    for m in range(first, last):
        if recorded[ids[m]]:
            spike[at, CELL] = ids[m]
            spike[at, STEP] = step
            at += 1
    return at


@kernel
def take_sources(source, at, ids, step, n):  # type: ignore[no-untyped-def]
    """Append the sources that fire in this step to the first `n` of `ids`; return their number."""
    while at < source.shape[0] and source[at, STEP] == step:
        ids[n] = source[at, CELL]
        at += 1
        n += 1
    return n


@kernel
def differs(a, b):  # type: ignore[no-untyped-def]
    """Tell whether two arrays differ within the length of the first."""
    different = False
    for i in range(a.size):
        different |= a[i] != b[i]
    return different


def update_cells(cells, params, part, slot, step, exact, ids, n_fired):  # type: ignore[no-untyped-def]
    """Do one step of a thread's cells that are awake, and append those that fire to `ids`.

    A block without input that a step does not change is put to sleep: until something arrives,
    further steps would not change it either. This is checked every few steps. Returns the new
    length of `ids`.
    """
    block, group, scratch = params.block, params.group, cells.scratch
    for b in range(part.plan[FIRST_BLOCK], part.plan[LAST_BLOCK]):
        quiet = not (cells.dirty[slot, 0, b] or cells.dirty[slot, 1, b])
        if quiet and not cells.awake[b]:
            continue
        start, stop, at, g = block[b, START], block[b, STOP], block[b, STATE], block[b, GROUP]
        s = cells.state[at:]
        look = quiet and step % 8 == 0
        if look:
            for i in range(_CHANGING):
                scratch[i] = s[i]
        ring_e, ring_i = cells.ring[slot, 0, start:stop], cells.ring[slot, 1, start:stop]
        tally, n = cells.tally[b], stop - start
        hit = update_block(s, ring_e, ring_i, cells.mask, tally, group, g, n, exact)  # type: ignore[name-defined]
        if hit:
            n_fired = listed(cells.mask, cells.mask64, n, start, ids, n_fired)
        cells.dirty[slot, 0, b] = 0
        cells.dirty[slot, 1, b] = 0
        cells.awake[b] = not look or hit or differs(scratch, s)
    return n_fired


@kernel
def gather(part, turn, k, ids):  # type: ignore[no-untyped-def]
    """Copy the cells of all threads that fired in step `k` of a window to `ids`; count them."""
    n = 0
    for p in range(part.starts.size):
        for m in range(part.ends[turn, p, k - 1] if k else 0, part.ends[turn, p, k]):
            ids[n] = part.fired[turn, part.starts[p] + m]
            n += 1
    return n


def deliver_step(cells, wiring, plastic, output, part, turn, k, step, gate, at, exact):  # type: ignore[no-untyped-def]
    """Deliver the spikes of step `step`, the `k`-th of a window, to a thread's cells.

    at : the next spike of the sources

    Returns the next spike of the sources after this step, and the number of recorded spikes.
    """
    ids, spike, cursor, n_noted = cells.ids, output.spike, output.cursor, 0
    first = part.plan[ME] == 0
    for m in range(part.plastic.size):
        q = part.plastic[m]
        table = plastic.table[q]
        if table[LATE_HEAD] != table[LATE_TAIL] or table[Y_HEAD] != table[TAIL]:
            plastic_due(wiring, plastic, q, step, gate[table[GATE]], cells.ring)  # type: ignore[name-defined]
    n = cells.waiting[0] if exact else gather(part, turn, k, ids)
    n_all = take_sources(output.source, at, ids, step, n)
    if first:
        cursor[1] = note(spike, output.recorded, ids, n if exact else 0, n_all, step, cursor[1])
    n_noted += n_all - n if exact else n_all
    if n_all:
        deliver(cells, wiring, plastic, n_all, step, gate)  # type: ignore[name-defined]
    for m in range(part.plastic.size):
        table = plastic.table[part.plastic[m]]
        if table[LATE_HEAD] != table[LATE_TAIL]:
            # This precedes the next step of the cells, in which these spikes can arrive.
            table[NOW] = step
            plastic_flush(wiring, plastic, part.plastic[m], cells.ring)  # type: ignore[name-defined]
    at += n_all - n
    if exact:
        n = gather(part, turn, k, ids)
        n_noted += n
        if first:
            cursor[1] = note(spike, output.recorded, ids, 0, n, step + 1, cursor[1])
    cells.waiting[0] = n
    return at, n_noted


def flush(cells, wiring, plastic):  # type: ignore[no-untyped-def]
    """Update all plastic weights."""
    for q in range(plastic.table.shape[0]):
        plastic_flush(wiring, plastic, q, cells.ring)  # type: ignore[name-defined]


def advance(cells, params, wiring, plastic, output, part, begin, first, last, exact, settle):  # type: ignore[no-untyped-def]
    """Do a thread's part of the steps from `first` up to `last` of a run that began with `begin`.

    settle : whether to update the plastic weights at the end

    Returns
    -------
    (step, reason)
        The first step that is not done, and why the kernel returned: DONE, FULL or STOPPED.
    """
    n_slots, n_gates = cells.ring.shape[0], output.gate.shape[0]
    me, n_parts, window = part.plan[ME], part.plan[N_PARTS], part.plan[WINDOW]
    at, noted = output.cursor[0], output.cursor[1]
    k, turn, arrivals = first, 0, 0
    while k < last:
        n_steps = min(window, last - k)
        if noted + n_steps * cells.fired.size > output.spike.shape[0]:
            if me == 0:
                output.cursor[0] = at
            return k, FULL
        n_fired, mine = 0, part.fired[turn, part.starts[me] :]
        for s in range(n_steps):
            for m in range(part.v_column.size):
                column = part.v_column[m]
                output.v[k + s - begin, column] = cells.state[output.v_index[column]]
            slot = (k + s) % n_slots
            n_fired = update_cells(cells, params, part, slot, k + s, exact, mine, n_fired)  # type: ignore[no-untyped-call]
            part.ends[turn, me, s] = n_fired
        if n_parts > 1:
            arrivals += n_parts
            if not wait_for_all(part.sync, arrivals):
                return k, STOPPED
        for s in range(n_steps):
            gate = output.gate[min(k + s - begin, n_gates - 1)]
            at, more = deliver_step(  # type: ignore[no-untyped-call]
                cells, wiring, plastic, output, part, turn, s, k + s, gate, at, exact
            )
            noted += more
        k, turn = k + n_steps, 1 - turn
    if me == 0:
        output.cursor[0] = at
    if settle:
        for m in range(part.plastic.size):
            plastic_flush(wiring, plastic, part.plastic[m], cells.ring)  # type: ignore[name-defined]
    return last, DONE
