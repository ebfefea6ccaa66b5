"""STDP as a core computes it: all changes of a synapse wait for the next spike of its source.

A core keeps the last :data:`HISTORY` spikes of each cell. When a source fires, each of its
weights is widened to s16.15, raised for every post-synaptic spike of that history that reached
the synapse since the source's last spike, lowered by the trace of the latest of them, and cut
back to 16 bits; what arrives is this weight. Spikes beyond the history are forgotten.

Here a unit has one log of the post-synaptic spikes that have reached its synapses, in order of
time, for all of its cells. In dense units ``before`` holds which spike of its cell an entry is, so
that the age of an entry in the cell's history is known; in sparse ones it leads to the entry
before it of the same cell. The unit's part of ``Plastic.y`` has the rows below.
"""

from __future__ import annotations

import numpy as np

from ...backends.native.compile import kernel
from ...backends.native.fields import (
    A_MINUS,
    A_PLUS,
    ALLOW_SELF,
    CELL,
    DELAY,
    DUE_HEAD,
    INDEX,
    KIND,
    LOG,
    LOG_SIZE,
    LOST,
    LUT_MINUS,
    LUT_PLUS,
    N_LOG,
    N_LUT_MINUS,
    N_LUT_PLUS,
    N_POST,
    N_PRE,
    PLASTIC_DENSE,
    POSITION,
    POST,
    PRE,
    QUEUE,
    QUEUE_SIZE,
    ROW,
    ROWS,
    SAVED,
    SEEN,
    STEP,
    TAIL,
    UNIT,
    W_MAX,
    W_MIN,
    WEIGHT,
    Y_ADDS,
    Y_HEAD,
    Y_STEP,
    Y,
)
from .arithmetic import HISTORY, TRACE_ONE

__all__ = ["SHIFT", "Y_ROWS", "plastic_due", "plastic_flush", "plastic_post", "plastic_pre"]

SHIFT = Y_ADDS
"""Where ``Plastic.rule`` has the left shift of the ring buffer."""

TRACE, LAST, TRAVELLING, COST, COUNT = range(5)
"""Rows of ``Plastic.y``: trace and step of a cell's latest spike that reached the synapses, spikes
on their way to them, what a pre-synaptic spike of this step costs, spikes so far."""
Y_ROWS = 5


@kernel
def _part(plastic, table, row):  # type: ignore[no-untyped-def]
    """Where a unit's part of one row of ``Plastic.y`` begins."""
    return row * plastic.newest.size + table[Y]


@kernel
def _faded(trace, gap, lut):  # type: ignore[no-untyped-def]
    """A trace (s4.11) after `gap` steps; `lut` ends in 0."""
    return (np.int64(trace) * lut[min(gap, lut.size - 1)]) >> 11


@kernel
def _change(amplitude, trace):  # type: ignore[no-untyped-def]
    """Amplitude (s16.15) times trace (s4.11), in s16.15."""
    return np.int64(np.int32((amplitude * (trace << 4)) >> 15))


@kernel
def _span(wiring, unit, row):  # type: ignore[no-untyped-def]
    """First and last synapse of a row, relative to the unit."""
    if unit[KIND] == PLASTIC_DENSE:
        return row * unit[N_POST], (row + 1) * unit[N_POST]
    edge = unit[ROWS] + row
    return wiring.rows[edge], wiring.rows[edge + 1]


@kernel
def plastic_post(wiring, plastic, q, c, step):  # type: ignore[no-untyped-def]
    """A post-synaptic cell of unit `q` fires: a spike sets out for its synapses."""
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    j, at = c - unit[POST], table[QUEUE] + table[TAIL]
    plastic.queue[at, CELL] = j
    plastic.queue[at, STEP] = step
    table[TAIL] = (table[TAIL] + 1) % table[QUEUE_SIZE]
    plastic.y[_part(plastic, table, TRAVELLING) + j] += 1
    plastic.y[_part(plastic, table, COUNT) + j] += 1


@kernel
def plastic_due(wiring, plastic, q, step, open_):  # type: ignore[no-untyped-def]
    """Take in the post-synaptic spikes that reach the synapses of unit `q` in this step.

    A spike of step 0 raises no weight: the machine takes it for its mark of an empty history.
    """
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    delay, n_post = unit[DELAY], unit[N_POST]
    if table[N_LOG] + n_post >= table[LOG_SIZE]:
        _compact(wiring, plastic, q)
    trace = plastic.y[_part(plastic, table, TRACE) :]
    last = plastic.y[_part(plastic, table, LAST) :]
    travelling = plastic.y[_part(plastic, table, TRAVELLING) :]
    count = plastic.y[_part(plastic, table, COUNT) :]
    lut = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    queue = plastic.queue[table[QUEUE] : table[QUEUE] + table[QUEUE_SIZE]]
    while table[DUE_HEAD] != table[TAIL] and queue[table[DUE_HEAD], STEP] + delay <= step:
        j, fired = queue[table[DUE_HEAD], CELL], queue[table[DUE_HEAD], STEP]
        trace[j] = np.int16(_faded(trace[j], fired - last[j], lut) + TRACE_ONE)
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


@kernel
def plastic_flush(wiring, plastic, q):  # type: ignore[no-untyped-def]
    """Nothing: on the machine, changes that wait can't be seen."""


@kernel
def _costs(plastic, table, n_post, delay, step, amplitude):  # type: ignore[no-untyped-def]
    """Work out the row COST for this step; whether anything in it is not 0."""
    cost = plastic.y[_part(plastic, table, COST) :]
    if table[Y_STEP] == 2 * step + 2 or table[Y_STEP] == 2 * step + 3:
        return table[Y_STEP] == 2 * step + 3
    trace = plastic.y[_part(plastic, table, TRACE) :]
    last = plastic.y[_part(plastic, table, LAST) :]
    travelling = plastic.y[_part(plastic, table, TRAVELLING) :]
    lut = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    some = False
    for j in range(n_post):
        cost[j] = 0
        if trace[j] != 0 and travelling[j] < HISTORY:
            cost[j] = _change(amplitude, _faded(trace[j], step - delay - last[j], lut))
            some |= cost[j] != 0
    table[Y_STEP] = 2 * step + 2 + some
    return some


@kernel
def _raise_dense(wide, log, ordinal, count, first, since, x, lut, rule, own):  # type: ignore[no-untyped-def]
    """Add to a widened row what the log holds from `first` on; how much of it was forgotten."""
    top, lost, above = rule[W_MAX], 0, False
    for j in range(wide.size):
        above |= wide[j] > top
    for e in range(first, log.shape[0]):
        gap = log[e, STEP] - since
        if gap >= lut.size - 1 and not above:
            break
        j = log[e, CELL]
        if j == own:
            continue
        more = _change(rule[A_PLUS], _faded(x, gap, lut))
        if count[j] - ordinal[e] < HISTORY:
            wide[j] = min(wide[j] + more, top)
        elif more != 0:
            lost += 1
    return lost


@kernel
def _raise_one(value, e, first, log, before, room, since, x, lut, rule, gaps):  # type: ignore[no-untyped-def]
    """Add to a widened weight what its cell's chain from entry `e` on holds.

    Returns the weight, and how many additions were forgotten: all but the newest `room`.
    """
    n = lost = 0
    while e >= first:
        gap = log[e, STEP] - since
        if n < room:
            gaps[n] = gap
            n += 1
        elif _change(rule[A_PLUS], _faded(x, gap, lut)) != 0:
            lost += 1
        e = before[e]
    for m in range(n - 1, -1, -1):
        value = min(value + _change(rule[A_PLUS], _faded(x, gaps[m], lut)), rule[W_MAX])
    return value, lost


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
    cost = plastic.y[_part(plastic, table, COST) :]
    some = _costs(plastic, table, n_post, unit[DELAY], step, rule[A_MINUS])
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
            count = plastic.y[_part(plastic, table, COUNT) :]
            table[LOST] += _raise_dense(
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
    first, last = _span(wiring, unit, row)
    w = wiring.weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
    index = wiring.target[unit[INDEX] + first : unit[INDEX] + last]
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    plus = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    minus = plastic.lut[table[LUT_MINUS] : table[LUT_MINUS] + table[N_LUT_MINUS]]
    trace = plastic.y[_part(plastic, table, TRACE) :]
    latest = plastic.y[_part(plastic, table, LAST) :]
    travelling = plastic.y[_part(plastic, table, TRAVELLING) :]
    _save(wiring, plastic, state, unit[WEIGHT] + first, unit[WEIGHT] + last)
    for s in range(w.size):
        j = index[s] - post
        room = HISTORY - travelling[j]
        value, lost = _raise_one(
            np.int64(w[s]) << rule[SHIFT], plastic.newest[table[Y] + j], state[POSITION], log,
            before, room, state[SEEN], x, plus, rule, plastic.stack,
        )  # fmt: skip
        table[LOST] += lost
        if room > 0 and trace[j] != 0:
            faded = _faded(trace[j], step - unit[DELAY] - latest[j], minus)
            value = max(value - _change(rule[A_MINUS], faded), rule[W_MIN])
        w[s] = value >> rule[SHIFT]
        ring[index[s]] += w[s]


@kernel
def plastic_pre(wiring, plastic, q, c, step, open_, ring):  # type: ignore[no-untyped-def]
    """A pre-synaptic cell fires: bring its row up to date, and add it to the ring.

    ring : shape (N,), the slot in which the spike arrives, of the unit's receptor
    """
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    row = c - unit[PRE]
    r = table[ROW] + row
    if unit[KIND] == PLASTIC_DENSE:
        _pre_dense(wiring, plastic, q, row, step, ring)
    else:
        _pre_sparse(wiring, plastic, q, row, step, ring)
    lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    gap = step - plastic.row[r, SEEN]
    plastic.x[r] = np.int16(_faded(plastic.x[r], gap, lut) + TRACE_ONE)
    plastic.row[r, SEEN] = step
    plastic.row[r, POSITION] = table[N_LOG]


@kernel
def _forgotten(wiring, plastic, q, row):  # type: ignore[no-untyped-def]
    """Additions that a row still waits for and that are no longer in any history."""
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, x = plastic.row[table[ROW] + row], plastic.x[table[ROW] + row]
    if x == 0 or state[POSITION] >= table[N_LOG]:
        return 0
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    rule, lost = plastic.rule[q], 0
    travelling = plastic.y[_part(plastic, table, TRAVELLING) :]
    if unit[KIND] == PLASTIC_DENSE:
        count = plastic.y[_part(plastic, table, COUNT) :]
        for e in range(state[POSITION], table[N_LOG]):
            gap, j = log[e, STEP] - state[SEEN], log[e, CELL]
            if gap >= lut.size - 1:
                break
            own = j == row and not unit[ALLOW_SELF]
            if not own and count[j] - before[e] >= HISTORY:
                lost += _change(rule[A_PLUS], _faded(x, gap, lut)) != 0
        return lost
    first, last = _span(wiring, unit, row)
    for s in range(unit[INDEX] + first, unit[INDEX] + last):
        j = np.int64(wiring.target[s]) - unit[POST]
        lost += _raise_one(
            np.int64(0), plastic.newest[table[Y] + j], state[POSITION], log, before,
            HISTORY - travelling[j], state[SEEN], x, lut, rule, plastic.stack,
        )[1]  # fmt: skip
    return lost


@kernel
def _compact(wiring, plastic, q):  # type: ignore[no-untyped-def]
    """Drop the entries of the log that are no longer in any history."""
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    n_post, n_pre = unit[N_POST], unit[N_PRE]
    for row in range(n_pre):
        table[LOST] += _forgotten(wiring, plastic, q, row)
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    newest = plastic.newest[table[Y] : table[Y] + n_post]
    count = plastic.y[_part(plastic, table, COUNT) :]
    travelling = plastic.y[_part(plastic, table, TRAVELLING) :]
    place, n_log, dense = plastic.stack, table[N_LOG], unit[KIND] == PLASTIC_DENSE
    for e in range(n_log):
        place[e] = dense and count[log[e, CELL]] - before[e] < HISTORY
    for j in range(n_post):
        e, room = newest[j], HISTORY - travelling[j]
        while e >= 0 and room > 0:
            place[e] = 1
            e, room = before[e], room - 1
    n = 0
    for e in range(n_log):
        kept = place[e]
        place[e] = n
        if kept:
            j = log[e, CELL]
            log[n, CELL] = j
            log[n, STEP] = log[e, STEP]
            before[n] = before[e]
            n += 1
    place[n_log] = n
    if not dense:
        for j in range(n_post):
            newest[j] = -1
        for e in range(n):
            before[e] = newest[log[e, CELL]]
            newest[log[e, CELL]] = e
    for row in range(n_pre):
        position = plastic.row[table[ROW] + row, POSITION]
        plastic.row[table[ROW] + row, POSITION] = place[position]
    table[N_LOG] = n
