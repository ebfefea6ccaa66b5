"""STDP as a core computes it: all changes of a synapse wait for the next spike of its source.

A core stores the last :data:`HISTORY` spikes of each cell. When a source fires, each of its weights
is widened to s16.15. It is raised for every post-synaptic spike in the history that has reached the
synapse since the source's last spike, lowered by the trace of the latest of these spikes, and cut
back to 16 bits; this weight is delivered. Older spikes are forgotten. The part of a delay beyond
the ring buffers is spent in delay cores, as if the source fired later.
"""

from __future__ import annotations

import numpy as np

from ...backends.native.compile import kernel
from ...backends.native.fields import (
    A_MINUS,
    ALLOW_SELF,
    CELL,
    DENDRITIC,
    DISPUTED,
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
    MOST,
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
    FIRED,
    LAST,
    SHIFT,
    TIMES,
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
    """Send a spike of a post-synaptic cell of unit `q` to its synapses."""
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    j, at = c - unit[POST], table[QUEUE] + table[TAIL]
    times = plastic.y[part(plastic, table, TIMES) + j]
    if times == 0:
        return
    plastic.y[part(plastic, table, FIRED) + j] = step + 1
    plastic.queue[at, CELL] = j
    plastic.queue[at, STEP] = step
    table[TAIL] = (table[TAIL] + 1) % table[QUEUE_SIZE]
    plastic.y[part(plastic, table, TRAVELLING) + j] += times
    plastic.y[part(plastic, table, COUNT) + j] += times


@kernel
def _left(plastic, table, j, step, amplitude):  # type: ignore[no-untyped-def]
    """Return the decrease of a weight onto cell `j` by a pre-synaptic spike of this step."""
    trace = plastic.y[part(plastic, table, TRACE) + j]
    gap = step - table[DENDRITIC] - plastic.y[part(plastic, table, LAST) + j]
    lut = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    return change(amplitude, faded(trace, gap, lut))


@kernel
def _costs(plastic, table, n_post, step, amplitude):  # type: ignore[no-untyped-def]
    """Compute the row COST for this step; return whether any entry is not 0."""
    cost = plastic.y[part(plastic, table, COST) :]
    if table[Y_STEP] == 2 * step + 2 or table[Y_STEP] == 2 * step + 3:
        return table[Y_STEP] == 2 * step + 3
    trace = plastic.y[part(plastic, table, TRACE) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    some = False
    for j in range(n_post):
        cost[j] = 0
        if trace[j] != 0 and travelling[j] < HISTORY:
            cost[j] = _left(plastic, table, j, step, amplitude)
        some |= cost[j] != 0
    table[Y_STEP] = 2 * step + 2 + some
    return some


@kernel
def _save(wiring, plastic, state, first, last):  # type: ignore[no-untyped-def]
    """Save the weights of a row before their first change after a snapshot."""
    if not state[SAVED]:
        state[SAVED] = 1
        for s in range(first, last):
            plastic.saved[s] = wiring.weight[s]


@kernel
def _disputed_dense(wiring, plastic, q, row, step):  # type: ignore[no-untyped-def]
    """Count the weights of a row that would differ if the cells' spikes of this step came later.

    These spikes change no weight yet, but each replaces the oldest spike in its cell's history.
    """
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, rule, n_post = plastic.row[table[ROW] + row], plastic.rule[q], unit[N_POST]
    fired = plastic.y[part(plastic, table, FIRED) :][:n_post]
    own = row if not unit[ALLOW_SELF] and row < n_post else -1
    n = 0
    for j in range(n_post):
        n += fired[j] == step + 1 and j != own
    if n == 0:
        return 0
    times = plastic.y[part(plastic, table, TIMES) :]
    count = plastic.y[part(plastic, table, COUNT) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    trace = plastic.y[part(plastic, table, TRACE) :]
    log = plastic.log[table[LOG] : table[LOG] + table[N_LOG]]
    lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    x, before = plastic.x[table[ROW] + row], plastic.before[table[LOG] :]
    w = wiring.weight[unit[WEIGHT] + row * n_post :]
    results = plastic.stack[: 2 * n_post]
    for late in range(2):
        wide = results[late * n_post : (late + 1) * n_post]
        for j in range(n_post):
            wide[j] = np.int64(w[j]) << rule[SHIFT]
            if late and fired[j] == step + 1:
                count[j] -= times[j]
                travelling[j] -= times[j]
        raise_dense(wide, log, before, count, state[POSITION], state[SEEN], x, lut, rule, own)
        for j in range(n_post):
            if trace[j] != 0 and travelling[j] < HISTORY:
                cost = _left(plastic, table, j, step, rule[A_MINUS])
                wide[j] = max(wide[j] - cost, rule[W_MIN])
            wide[j] >>= rule[SHIFT]
            if late and fired[j] == step + 1:
                count[j] += times[j]
                travelling[j] += times[j]
    n = 0
    for j in range(n_post):
        n += j != own and results[j] != results[n_post + j]
    return n


@kernel
def _pre_dense(wiring, plastic, q, row, step, ring):  # type: ignore[no-untyped-def]
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, rule = plastic.row[table[ROW] + row], plastic.rule[q]
    n_post, post, x = unit[N_POST], unit[POST], plastic.x[table[ROW] + row]
    cost = plastic.y[part(plastic, table, COST) :]
    some = _costs(plastic, table, n_post, step, rule[A_MINUS])
    if table[MOST] > 0:
        table[DISPUTED] += _disputed_dense(wiring, plastic, q, row, step)
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
def _changed(plastic, q, row, step, j, room, weight):  # type: ignore[no-untyped-def]
    """Return a weight onto cell `j` after a pre-synaptic spike, and the forgotten potentiations.

    room : number of spikes in the cell's history that have reached the synapse
    """
    table, rule = plastic.table[q], plastic.rule[q]
    state, x = plastic.row[table[ROW] + row], plastic.x[table[ROW] + row]
    lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    value, lost = raise_one(
        np.int64(weight) << rule[SHIFT], plastic.newest[table[Y] + j], state[POSITION], log, before,
        room, state[SEEN], x, lut, rule, plastic.stack,
    )  # fmt: skip
    if room > 0 and plastic.y[part(plastic, table, TRACE) + j] != 0:
        value = max(value - _left(plastic, table, j, step, rule[A_MINUS]), rule[W_MIN])
    return value >> rule[SHIFT], lost


@kernel
def _pre_sparse(wiring, plastic, q, row, step, ring):  # type: ignore[no-untyped-def]
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, post = plastic.row[table[ROW] + row], unit[POST]
    first, last = span(wiring, unit, row)
    w = wiring.weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
    index = wiring.target[unit[INDEX] + first : unit[INDEX] + last]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    fired = plastic.y[part(plastic, table, FIRED) :]
    times = plastic.y[part(plastic, table, TIMES) :]
    _save(wiring, plastic, state, unit[WEIGHT] + first, unit[WEIGHT] + last)
    for s in range(w.size):
        j = index[s] - post
        room = HISTORY - travelling[j]
        weight, lost = _changed(plastic, q, row, step, j, room, w[s])
        if table[MOST] > 0 and fired[j] == step + 1:
            other = _changed(plastic, q, row, step, j, room + times[j], w[s])[0]
            table[DISPUTED] += other != weight
        table[LOST] += lost
        w[s] = weight
        ring[index[s]] += w[s]


@kernel
def _spike(wiring, plastic, q, row, step, ring):  # type: ignore[no-untyped-def]
    """Update a row when its source fires, and add its weights to a slot of the ring buffer."""
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
    """Process a pre-synaptic spike, which may first wait in delay cores.

    ring : shape (N,), the slot of the unit's receptor in which the spike arrives
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
    """Process the spikes that have left their delay cores up to this step, after the step.

    The order makes no difference: in between only cells fire, and the weights arrive later.
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
    """Process spikes from delay cores up to now; other pending changes are not in the weights."""
    _take_late(wiring, plastic, q, plastic.table[q, NOW], ring)


@kernel
def plastic_due(wiring, plastic, q, step, open_, ring):  # type: ignore[no-untyped-def]
    """Process the post-synaptic spikes that reach the synapses of unit `q` in this step.

    A spike of step 0 raises no weight, since the machine takes it for the mark of an empty history.
    """
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    delay, n_post = table[DENDRITIC], unit[N_POST]
    _take_late(wiring, plastic, q, step - 1, ring)
    table[NOW] = step
    if table[N_LOG] + n_post * max(table[MOST], 1) >= table[LOG_SIZE]:
        compact(wiring, plastic, q)
    trace = plastic.y[part(plastic, table, TRACE) :]
    last = plastic.y[part(plastic, table, LAST) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    count = plastic.y[part(plastic, table, COUNT) :]
    times = plastic.y[part(plastic, table, TIMES) :]
    lut = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    queue = plastic.queue[table[QUEUE] : table[QUEUE] + table[QUEUE_SIZE]]
    while table[DUE_HEAD] != table[TAIL] and queue[table[DUE_HEAD], STEP] + delay <= step:
        j, fired = queue[table[DUE_HEAD], CELL], queue[table[DUE_HEAD], STEP]
        for _ in range(times[j]):
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
