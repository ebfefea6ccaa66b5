"""Spike-timing-dependent plasticity, deferred to the next pre-synaptic spike of a row.

A post-synaptic spike waits in a queue until it has travelled back to the synapse; then, if
weights may change in that step, it goes to a log. A row reads the log from where it stopped
when its own cell fires or when weights are asked for. Each spike changes each weight by itself
and in order of time, so results do not depend on when the log is read.
"""

from __future__ import annotations

from .compile import kernel
from .fields import (
    A_MINUS,
    A_PLUS,
    ALLOW_SELF,
    DELAY,
    DUE_HEAD,
    INDEX,
    KIND,
    LOG,
    LOG_SIZE,
    LUT_MINUS,
    LUT_PLUS,
    N_LUT_MINUS,
    N_LUT_PLUS,
    N_OPEN,
    N_POST,
    N_PRE,
    PLASTIC_DENSE,
    POST,
    PRE,
    QUEUE,
    QUEUE_SIZE,
    ROW,
    ROWS,
    TAIL,
    UNIT,
    W_MAX,
    W_MIN,
    WEIGHT,
    Y_HEAD,
    Y_LABEL,
    Y_LATE,
    Y_STEP,
    Y,
)


@kernel
def _span(wiring, unit, row):  # type: ignore[no-untyped-def]
    """First and last synapse of a row, relative to the unit."""
    if unit[KIND] == PLASTIC_DENSE:
        return row * unit[N_POST], (row + 1) * unit[N_POST]
    edge = unit[ROWS] + row
    return wiring.rows[edge], wiring.rows[edge + 1]


@kernel
def _keep(wiring, plastic, r, first, last):  # type: ignore[no-untyped-def]
    """Save a row's weights before the first change since the snapshot."""
    if not plastic.mark[r]:
        plastic.mark[r] = 1
        for s in range(first, last):
            plastic.saved[s] = wiring.weight[s]


@kernel
def _catch_up_dense(w, plastic, q, r, own):  # type: ignore[no-untyped-def]
    table = plastic.table[q]
    top, step = plastic.rule[q, W_MAX], plastic.rule[q, A_PLUS] * plastic.x[r]
    lut, n_lut = table[LUT_PLUS], table[N_LUT_PLUS]
    log, since = table[LOG], plastic.seen[r]
    for e in range(log + plastic.position[r], log + table[N_OPEN]):
        gap = plastic.log_due[e] - since
        if gap >= n_lut:
            break
        j = plastic.log_cell[e]
        if j != own:
            more = w[j] + step * plastic.lut[lut + gap]
            w[j] = more if more < top else top


@kernel
def _catch_up_sparse(w, index, plastic, q, r, post):  # type: ignore[no-untyped-def]
    table = plastic.table[q]
    top, step = plastic.rule[q, W_MAX], plastic.rule[q, A_PLUS] * plastic.x[r]
    lut, n_lut = table[LUT_PLUS], table[N_LUT_PLUS]
    log, y, since, start = table[LOG], table[Y], plastic.seen[r], plastic.position[r]
    for s in range(w.size):
        e = plastic.last[y + index[s] - post]
        n = 0
        while e >= start:
            plastic.stack[n] = plastic.log_due[log + e] - since
            n += 1
            e = plastic.log_before[log + e]
        for m in range(n - 1, -1, -1):
            gap = plastic.stack[m]
            if gap < n_lut:
                more = w[s] + step * plastic.lut[lut + gap]
                w[s] = more if more < top else top


@kernel
def _own_cell(unit, row):  # type: ignore[no-untyped-def]
    """The post-synaptic cell that a dense row leaves out, or -1."""
    if unit[KIND] != PLASTIC_DENSE or unit[ALLOW_SELF] or row >= unit[N_POST]:
        return -1
    return row


@kernel
def _catch_up(wiring, plastic, q, row):  # type: ignore[no-untyped-def]
    """Bring the weights of a row up to date with the log."""
    table = plastic.table[q]
    r = table[ROW] + row
    start = plastic.position[r]
    if plastic.x[r] == 0 or start >= table[N_OPEN]:
        return
    if plastic.log_due[table[LOG] + start] - plastic.seen[r] >= table[N_LUT_PLUS]:
        return
    unit = wiring.units[table[UNIT]]
    first, last = _span(wiring, unit, row)
    begin, end = unit[WEIGHT] + first, unit[WEIGHT] + last
    _keep(wiring, plastic, r, begin, end)
    w = wiring.weight[begin:end]
    if unit[KIND] == PLASTIC_DENSE:
        _catch_up_dense(w, plastic, q, r, _own_cell(unit, row))
    else:
        index = wiring.index[unit[INDEX] + first : unit[INDEX] + last]
        _catch_up_sparse(w, index, plastic, q, r, unit[POST])


@kernel
def plastic_flush(wiring, plastic, q):  # type: ignore[no-untyped-def]
    """Bring all weights of unit `q` up to date and empty its log."""
    table = plastic.table[q]
    if table[N_OPEN] == 0:
        return
    unit = wiring.units[table[UNIT]]
    for row in range(unit[N_PRE]):
        _catch_up(wiring, plastic, q, row)
        plastic.position[table[ROW] + row] = 0
    for e in range(table[LOG], table[LOG] + table[N_OPEN]):
        plastic.last[table[Y] + plastic.log_cell[e]] = -1
    table[N_OPEN] = 0


@kernel
def _decay_y(plastic, table, n_post, label):  # type: ignore[no-untyped-def]
    gap = label - table[Y_LABEL]
    if gap == 0:
        return
    y = plastic.y[table[Y] : table[Y] + n_post]
    factor = plastic.lut[table[LUT_MINUS] + min(gap, table[N_LUT_MINUS] - 1)]
    for j in range(n_post):
        y[j] *= factor
    table[Y_LABEL] = label


@kernel
def plastic_due(wiring, plastic, q, label, open_):  # type: ignore[no-untyped-def]
    """Take in the post-synaptic spikes that reach the synapses of unit `q` in this step."""
    table = plastic.table[q]
    if table[Y_HEAD] == table[TAIL]:
        return
    unit = wiring.units[table[UNIT]]
    size, queue, delay = table[QUEUE_SIZE], table[QUEUE], unit[DELAY]
    if table[N_OPEN] + unit[N_POST] > table[LOG_SIZE]:
        plastic_flush(wiring, plastic, q)
    while table[DUE_HEAD] != table[TAIL]:
        due = plastic.queue_step[queue + table[DUE_HEAD]] + delay
        if due > label:
            break
        if open_:
            _log(plastic, table, plastic.queue_cell[queue + table[DUE_HEAD]], due)
        table[DUE_HEAD] = (table[DUE_HEAD] + 1) % size
    while table[Y_HEAD] != table[TAIL]:
        due = plastic.queue_step[queue + table[Y_HEAD]] + delay + table[Y_LATE]
        if due > label:
            break
        _decay_y(plastic, table, unit[N_POST], due)
        plastic.y[table[Y] + plastic.queue_cell[queue + table[Y_HEAD]]] += plastic.rule[q, Y_STEP]
        table[Y_HEAD] = (table[Y_HEAD] + 1) % size


@kernel
def _log(plastic, table, j, due):  # type: ignore[no-untyped-def]
    n = table[N_OPEN]
    plastic.log_cell[table[LOG] + n] = j
    plastic.log_due[table[LOG] + n] = due
    plastic.log_before[table[LOG] + n] = plastic.last[table[Y] + j]
    plastic.last[table[Y] + j] = n
    table[N_OPEN] = n + 1


@kernel
def plastic_post(wiring, plastic, q, c, label):  # type: ignore[no-untyped-def]
    """A post-synaptic cell of unit `q` fires: its spike sets out for the synapses."""
    table = plastic.table[q]
    at = table[QUEUE] + table[TAIL]
    plastic.queue_cell[at] = c - wiring.units[table[UNIT], POST]
    plastic.queue_step[at] = label
    table[TAIL] = (table[TAIL] + 1) % table[QUEUE_SIZE]


@kernel
def _send_dense(w, y, ring, cost, bottom, open_):  # type: ignore[no-untyped-def]
    if open_:
        for j in range(w.size):
            less = w[j] - cost * y[j]
            less = less if less > bottom else bottom
            w[j] = less
            ring[j] += less
    else:
        for j in range(w.size):
            ring[j] += w[j]


@kernel
def _send_sparse(w, index, y, ring, post, cost, bottom, open_):  # type: ignore[no-untyped-def]
    for s in range(w.size):
        if open_:
            less = w[s] - cost * y[index[s] - post]
            w[s] = less if less > bottom else bottom
        ring[index[s]] += w[s]


@kernel
def plastic_pre(wiring, plastic, q, c, label, open_, ring):  # type: ignore[no-untyped-def]
    """A pre-synaptic cell fires: depress its row, and add the weights to their ring slot.

    ring : shape (N,), the slot in which the spike arrives, of the unit's receptor
    """
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    row, n_post, post = c - unit[PRE], unit[N_POST], unit[POST]
    r = table[ROW] + row
    _catch_up(wiring, plastic, q, row)
    first, last = _span(wiring, unit, row)
    begin, end = unit[WEIGHT] + first, unit[WEIGHT] + last
    if open_:
        _keep(wiring, plastic, r, begin, end)
        _decay_y(plastic, table, n_post, label)
    w = wiring.weight[begin:end]
    y = plastic.y[table[Y] : table[Y] + n_post]
    cost, bottom = plastic.rule[q, A_MINUS], plastic.rule[q, W_MIN]
    if unit[KIND] == PLASTIC_DENSE:
        target = ring[post : post + n_post]
        own = _own_cell(unit, row)
        if own < 0:
            _send_dense(w, y, target, cost, bottom, open_)
        else:
            _send_dense(w[:own], y[:own], target[:own], cost, bottom, open_)
            _send_dense(w[own + 1 :], y[own + 1 :], target[own + 1 :], cost, bottom, open_)
    else:
        index = wiring.index[unit[INDEX] + first : unit[INDEX] + last]
        _send_sparse(w, index, y, ring, post, cost, bottom, open_)
    gap = min(label - plastic.seen[r], table[N_LUT_PLUS] - 1)
    plastic.x[r] = plastic.x[r] * plastic.lut[table[LUT_PLUS] + gap] + 1
    plastic.seen[r] = label
    plastic.position[r] = table[N_OPEN]
