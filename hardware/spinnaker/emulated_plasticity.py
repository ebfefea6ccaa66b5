"""STDP as a core computes it: all changes of a synapse wait for the next spike of its source.

A core keeps the last :data:`HISTORY` spikes of each cell. When a source fires, each of its
weights is widened to s16.15, raised for every post-synaptic spike of that history that reached
the synapse since the source's last spike, lowered by the trace of the latest of them, and cut
back to 16 bits; what arrives is this weight. Spikes beyond the history are forgotten. A delay
that is longer than the ring buffers is spent in delay cores, as if the source fired later.
"""

from __future__ import annotations

import numpy as np

from ...backends.native.compile import kernel
from ...backends.native.fields import (
    A_MINUS,
    ALLOW_SELF,
    CELL,
    DENDRITIC,
    DUE_HEAD,
    INDEX,
    KIND,
    LAG,
    LATE,
    LATE_HEAD,
    LATE_SIZE,
    LATE_TAIL,
    LOG,
    LOG_SIZE,
    LOST,
    LUT_MINUS,
    LUT_PLUS,
    N_LOG,
    N_LUT_MINUS,
    N_LUT_PLUS,
    N_POST,
    NOW,
    PLASTIC_DENSE,
    POSITION,
    POST,
    PRE,
    QUEUE,
    QUEUE_SIZE,
    RECEPTOR,
    ROW,
    SAVED,
    SEEN,
    STEP,
    TAIL,
    UNIT,
    W_MIN,
    WEIGHT,
    Y_HEAD,
    Y_STEP,
    Y,
)
from .arithmetic import HISTORY, TRACE_ONE
from .emulated_log import (
    COST,
    COUNT,
    LAST,
    SHIFT,
    TRACE,
    TRAVELLING,
    change,
    compact,
    faded,
    part,
    raise_dense,
    raise_one,
    span,
)

__all__ = ["plastic_due", "plastic_flush", "plastic_post", "plastic_pre"]


@kernel
def plastic_post(wiring, plastic, q, c, step):  # type: ignore[no-untyped-def]
    """A post-synaptic cell of unit `q` fires: a spike sets out for its synapses."""
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    j, at = c - unit[POST], table[QUEUE] + table[TAIL]
    plastic.queue[at, CELL] = j
    plastic.queue[at, STEP] = step
    table[TAIL] = (table[TAIL] + 1) % table[QUEUE_SIZE]
    plastic.y[part(plastic, table, TRAVELLING) + j] += 1
    plastic.y[part(plastic, table, COUNT) + j] += 1


@kernel
def _costs(plastic, table, n_post, delay, step, amplitude):  # type: ignore[no-untyped-def]
    """Work out the row COST for this step; whether anything in it is not 0."""
    cost = plastic.y[part(plastic, table, COST) :]
    if table[Y_STEP] == 2 * step + 2 or table[Y_STEP] == 2 * step + 3:
        return table[Y_STEP] == 2 * step + 3
    trace = plastic.y[part(plastic, table, TRACE) :]
    last = plastic.y[part(plastic, table, LAST) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    lut = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    some = False
    for j in range(n_post):
        cost[j] = 0
        if trace[j] != 0 and travelling[j] < HISTORY:
            cost[j] = change(amplitude, faded(trace[j], step - delay - last[j], lut))
            some |= cost[j] != 0
    table[Y_STEP] = 2 * step + 2 + some
    return some


@kernel
def _save(wiring, plastic, state, first, last):  # type: ignore[no-untyped-def]
    """Keep the weights of a row as they are since the last snapshot."""
    if not state[SAVED]:
        state[SAVED] = 1
        for s in range(first, last):
            plastic.saved[s] = wiring.weight[s]


@kernel
def _pre_dense(wiring, plastic, q, row, step, ring):  # type: ignore[no-untyped-def]
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, rule = plastic.row[table[ROW] + row], plastic.rule[q]
    n_post, post, x = unit[N_POST], unit[POST], plastic.x[table[ROW] + row]
    cost = plastic.y[part(plastic, table, COST) :]
    some = _costs(plastic, table, n_post, table[DENDRITIC], step, rule[A_MINUS])
    begin = unit[WEIGHT] + row * n_post
    w, target = wiring.weight[begin : begin + n_post], ring[post : post + n_post]
    own = row if not unit[ALLOW_SELF] and row < n_post else -1
    log = plastic.log[table[LOG] : table[LOG] + table[N_LOG]]
    pending, shift = state[POSITION] < table[N_LOG], rule[SHIFT]
    if own >= 0:
        w[own] = 0
    if pending or some:
        _save(wiring, plastic, state, begin, begin + n_post)
        wide = plastic.stack[:n_post]
        for j in range(n_post):
            wide[j] = np.int64(w[j]) << shift
        if pending:
            lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
            count = plastic.y[part(plastic, table, COUNT) :]
            table[LOST] += raise_dense(
                wide, log, plastic.before[table[LOG] :], count, state[POSITION], state[SEEN], x,
                lut, rule, own,
            )  # fmt: skip
        bottom = rule[W_MIN]
        for j in range(n_post):
            w[j] = max(wide[j] - cost[j], bottom) >> shift
        if own >= 0:
            w[own] = 0
    for j in range(n_post):
        target[j] += w[j]


@kernel
def _pre_sparse(wiring, plastic, q, row, step, ring):  # type: ignore[no-untyped-def]
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, rule = plastic.row[table[ROW] + row], plastic.rule[q]
    post, x = unit[POST], plastic.x[table[ROW] + row]
    first, last = span(wiring, unit, row)
    w = wiring.weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
    index = wiring.target[unit[INDEX] + first : unit[INDEX] + last]
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    plus = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    minus = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    trace = plastic.y[part(plastic, table, TRACE) :]
    latest = plastic.y[part(plastic, table, LAST) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    _save(wiring, plastic, state, unit[WEIGHT] + first, unit[WEIGHT] + last)
    for s in range(w.size):
        j = index[s] - post
        room = HISTORY - travelling[j]
        value, lost = raise_one(
            np.int64(w[s]) << rule[SHIFT], plastic.newest[table[Y] + j], state[POSITION], log,
            before, room, state[SEEN], x, plus, rule, plastic.stack,
        )  # fmt: skip
        table[LOST] += lost
        if room > 0 and trace[j] != 0:
            left = faded(trace[j], step - table[DENDRITIC] - latest[j], minus)
            value = max(value - change(rule[A_MINUS], left), rule[W_MIN])
        w[s] = value >> rule[SHIFT]
        ring[index[s]] += w[s]


@kernel
def _spike(wiring, plastic, q, row, step, ring):  # type: ignore[no-untyped-def]
    """The source of a row fires: bring it up to date, and add it to a slot of the ring."""
    table = plastic.table[q]
    r = table[ROW] + row
    if wiring.units[table[UNIT], KIND] == PLASTIC_DENSE:
        _pre_dense(wiring, plastic, q, row, step, ring)
    else:
        _pre_sparse(wiring, plastic, q, row, step, ring)
    lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    gap = step - plastic.row[r, SEEN]
    plastic.x[r] = np.int16(faded(plastic.x[r], gap, lut) + TRACE_ONE)
    plastic.row[r, SEEN] = step
    plastic.row[r, POSITION] = table[N_LOG]


@kernel
def plastic_pre(wiring, plastic, q, c, step, open_, ring):  # type: ignore[no-untyped-def]
    """A pre-synaptic cell fires; its spike may have to wait in delay cores.

    ring : shape (N,), the slot in which the spike arrives, of the unit's receptor
    """
    table = plastic.table[q]
    row = c - wiring.units[table[UNIT], PRE]
    if table[LAG] == 0:
        _spike(wiring, plastic, q, row, step, ring)
        return
    at = table[LATE] + table[LATE_TAIL]
    plastic.queue[at, CELL] = row
    plastic.queue[at, STEP] = step + table[LAG]
    table[LATE_TAIL] = (table[LATE_TAIL] + 1) % table[LATE_SIZE]
    table[NOW] = step


@kernel
def _take_late(wiring, plastic, q, step, ring):  # type: ignore[no-untyped-def]
    """Carry out the spikes that left their delay cores up to this step, after it.

    Nothing but the spikes of the cells comes between the two; and what is sent arrives later.
    """
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    while table[LATE_HEAD] != table[LATE_TAIL]:
        at = table[LATE] + table[LATE_HEAD]
        row, moment = plastic.queue[at, CELL], plastic.queue[at, STEP]
        if moment > step:
            break
        slot = (moment + table[DENDRITIC]) % ring.shape[0]
        _spike(wiring, plastic, q, row, moment, ring[slot, unit[RECEPTOR]])
        table[LATE_HEAD] = (table[LATE_HEAD] + 1) % table[LATE_SIZE]


@kernel
def plastic_flush(wiring, plastic, q, ring):  # type: ignore[no-untyped-def]
    """Carry out what is due by now; changes that wait for a spike can't be seen on the machine."""
    _take_late(wiring, plastic, q, plastic.table[q, NOW], ring)


@kernel
def plastic_due(wiring, plastic, q, step, open_, ring):  # type: ignore[no-untyped-def]
    """Take in the post-synaptic spikes that reach the synapses of unit `q` in this step.

    A spike of step 0 raises no weight: the machine takes it for its mark of an empty history.
    """
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    delay, n_post = table[DENDRITIC], unit[N_POST]
    _take_late(wiring, plastic, q, step - 1, ring)
    table[NOW] = step
    if table[N_LOG] + n_post >= table[LOG_SIZE]:
        compact(wiring, plastic, q)
    trace = plastic.y[part(plastic, table, TRACE) :]
    last = plastic.y[part(plastic, table, LAST) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    count = plastic.y[part(plastic, table, COUNT) :]
    lut = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    queue = plastic.queue[table[QUEUE] : table[QUEUE] + table[QUEUE_SIZE]]
    while table[DUE_HEAD] != table[TAIL] and queue[table[DUE_HEAD], STEP] + delay <= step:
        j, fired = queue[table[DUE_HEAD], CELL], queue[table[DUE_HEAD], STEP]
        trace[j] = np.int16(faded(trace[j], fired - last[j], lut) + TRACE_ONE)
        last[j] = fired
        travelling[j] -= 1
        if fired > 0:
            n = table[LOG] + table[N_LOG]
            plastic.log[n, CELL] = j
            plastic.log[n, STEP] = fired + delay
            if unit[KIND] == PLASTIC_DENSE:
                plastic.before[n] = count[j] - travelling[j]
            else:
                plastic.before[n] = plastic.newest[table[Y] + j]
                plastic.newest[table[Y] + j] = table[N_LOG]
            table[N_LOG] += 1
        table[DUE_HEAD] = (table[DUE_HEAD] + 1) % queue.shape[0]
    table[Y_HEAD] = table[DUE_HEAD]
