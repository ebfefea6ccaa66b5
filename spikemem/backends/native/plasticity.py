"""Spike-timing-dependent plasticity, deferred to the next pre-synaptic spike of a row.

A post-synaptic spike waits in a queue until it has travelled back to the synapse. If weights may
change in that step, it then enters a log. A row continues to read the log when its own cell fires
or when weights are read. Each spike changes each weight separately and in order of time, so the
results do not depend on when the log is read.
"""

from __future__ import annotations

from .compile import kernel
from .fields import (
    A_MINUS,
    A_PLUS,
    ALLOW_SELF,
    CELL,
    DELAY,
    DUE_HEAD,
    HIGH,
    INDEX,
    KIND,
    LOG,
    LOG_SIZE,
    LOW,
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
    Y_LATE,
    Y_STEP,
    Y,
)


@kernel
def _own_cell(unit, row):  # type: ignore[no-untyped-def]
    """Return the position in ``_span`` of the cell that a dense row leaves out, or -1."""
    own = row - (unit[LOW] - unit[POST])
    if unit[ALLOW_SELF] or own < 0 or own >= unit[HIGH] - unit[LOW]:
        return -1
    return own


@kernel
def _catch_up_dense(w, log, low, first, since, step, lut, top, own):  # type: ignore[no-untyped-def]
    """Add the weight changes of the log entries from `first` on to a row.

    low : the first cell of the row; own : a position in the row to leave out
    """
    for e in range(first, log.shape[0]):
        gap = log[e, STEP] - since
        if gap >= lut.size:
            break
        j = log[e, CELL] - low
        if j != own:
            more = w[j] + step * lut[gap]
            w[j] = more if more < top else top


@kernel
def _catch_up_sparse(w, index, post, newest, log, before, first, since, step, lut, top, stack):  # type: ignore[no-untyped-def]
    """Do the same for a sparse row; each synapse follows the chain of its cell's entries."""
    for s in range(w.size):
        e = newest[index[s] - post]
        n = 0
        while e >= first:
            stack[n] = log[e, STEP] - since
            n += 1
            e = before[e]
        for m in range(n - 1, -1, -1):
            if stack[m] < lut.size:
                more = w[s] + step * lut[stack[m]]
                w[s] = more if more < top else top


@kernel
def _span(wiring, unit, row):  # type: ignore[no-untyped-def]
    """Return the first and last synapse of a row, relative to the unit."""
    if unit[KIND] == PLASTIC_DENSE:
        low, high = unit[LOW] - unit[POST], unit[HIGH] - unit[POST]
        return row * unit[N_POST] + low, row * unit[N_POST] + high
    edge = unit[ROWS] + row
    return wiring.rows[edge], wiring.rows[edge + 1]


@kernel
def _catch_up(wiring, plastic, q, row, opened):  # type: ignore[no-untyped-def]
    """Update the weights of a row from the log; save them first if they can change.

    opened : whether the caller changes them in any case
    """
    table, state = plastic.table[q], plastic.row[plastic.table[q, ROW] + row]
    unit = wiring.units[table[UNIT]]
    log = plastic.log[table[LOG] : table[LOG] + table[N_LOG]]
    start, since, x = state[POSITION], state[SEEN], plastic.x[table[ROW] + row]
    n_lut = table[N_LUT_PLUS]
    pending = x != 0 and start < log.shape[0] and log[start, STEP] - since < n_lut
    first, last = _span(wiring, unit, row)
    w = wiring.weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
    if (pending or opened) and not state[SAVED]:
        state[SAVED] = 1
        for s in range(unit[WEIGHT] + first, unit[WEIGHT] + last):
            plastic.saved[s] = wiring.weight[s]
    if pending:
        lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + n_lut]
        top, step = plastic.rule[q, W_MAX], plastic.rule[q, A_PLUS] * x
        if unit[KIND] == PLASTIC_DENSE:
            low, own = unit[LOW] - unit[POST], _own_cell(unit, row)
            _catch_up_dense(w, log, low, start, since, step, lut, top, own)
        else:
            index = wiring.target[unit[INDEX] + first : unit[INDEX] + last]
            _catch_up_sparse(
                w, index, unit[POST], plastic.newest[table[Y] :], log, plastic.before[table[LOG] :],
                start, since, step, lut, top, plastic.stack,
            )  # fmt: skip
    return first, last


@kernel
def plastic_flush(wiring, plastic, q, ring):  # type: ignore[no-untyped-def]
    """Update all weights of unit `q` from its log, and empty the log."""
    table = plastic.table[q]
    if table[N_LOG] == 0:
        return
    for row in range(wiring.units[table[UNIT], N_PRE]):
        if plastic.x[table[ROW] + row] != 0:
            _catch_up(wiring, plastic, q, row, False)
        plastic.row[table[ROW] + row, POSITION] = 0
    for e in range(table[LOG], table[LOG] + table[N_LOG]):
        plastic.newest[table[Y] + plastic.log[e, CELL]] = -1
    table[N_LOG] = 0


@kernel
def _decay(y, table, lut, step):  # type: ignore[no-untyped-def]
    """Decay the post-synaptic traces of a unit up to this step."""
    gap = step - table[Y_STEP]
    if gap > 0:
        factor = lut[table[LUT_MINUS] + min(gap, table[N_LUT_MINUS] - 1)]
        for j in range(y.size):
            y[j] *= factor
        table[Y_STEP] = step


@kernel
def plastic_due(wiring, plastic, q, step, open_, ring):  # type: ignore[no-untyped-def]
    """Process the post-synaptic spikes that reach the synapses of unit `q` in this step.

    It is called in each step with a non-empty queue of the unit, before any cell fires.
    """
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    delay, n_post = unit[DELAY], unit[N_POST]
    low, high = unit[LOW] - unit[POST], unit[HIGH] - unit[POST]
    if table[N_LOG] + n_post > table[LOG_SIZE]:
        plastic_flush(wiring, plastic, q, ring)
    queue = plastic.queue[table[QUEUE] : table[QUEUE] + table[QUEUE_SIZE]]
    y = plastic.y[table[Y] + low : table[Y] + high]
    while table[DUE_HEAD] != table[TAIL] and queue[table[DUE_HEAD], STEP] + delay <= step:
        j, n = queue[table[DUE_HEAD], CELL], table[N_LOG]
        if open_ and low <= j < high:
            plastic.log[table[LOG] + n, CELL] = j
            plastic.log[table[LOG] + n, STEP] = step
            plastic.before[table[LOG] + n] = plastic.newest[table[Y] + j]
            plastic.newest[table[Y] + j] = n
            table[N_LOG] = n + 1
        table[DUE_HEAD] = (table[DUE_HEAD] + 1) % queue.shape[0]
    delay += table[Y_LATE]
    while table[Y_HEAD] != table[TAIL] and queue[table[Y_HEAD], STEP] + delay <= step:
        # This includes cells of other threads, so that the traces decay in the same steps.
        _decay(y, table, plastic.lut, step)
        j = queue[table[Y_HEAD], CELL]
        if low <= j < high:
            y[j - low] += plastic.rule[q, Y_ADDS]
        table[Y_HEAD] = (table[Y_HEAD] + 1) % queue.shape[0]


@kernel
def plastic_post(wiring, plastic, q, c, step):  # type: ignore[no-untyped-def]
    """Queue the spike of a post-synaptic cell of unit `q` on its way to the synapses."""
    table = plastic.table[q]
    at = table[QUEUE] + table[TAIL]
    plastic.queue[at, CELL] = c - wiring.units[table[UNIT], POST]
    plastic.queue[at, STEP] = step
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
def _send_sparse(w, index, y, ring, low, cost, bottom, open_):  # type: ignore[no-untyped-def]
    for s in range(w.size):
        if open_:
            less = w[s] - cost * y[index[s] - low]
            w[s] = less if less > bottom else bottom
        ring[index[s]] += w[s]


@kernel
def plastic_pre(wiring, plastic, q, c, step, open_, ring):  # type: ignore[no-untyped-def]
    """Depress the row of a pre-synaptic cell that fires, and add its weights to the ring.

    ring : shape (N,), the slot of the unit's receptor in which the spike arrives
    """
    table = plastic.table[q]
    unit = wiring.units[table[UNIT]]
    row, low, high = c - unit[PRE], unit[LOW], unit[HIGH]
    r = table[ROW] + row
    first, last = _catch_up(wiring, plastic, q, row, open_)
    w = wiring.weight[unit[WEIGHT] + first : unit[WEIGHT] + last]
    y = plastic.y[table[Y] + low - unit[POST] : table[Y] + high - unit[POST]]
    if open_:
        _decay(y, table, plastic.lut, step)
    cost, bottom = plastic.rule[q, A_MINUS], plastic.rule[q, W_MIN]
    if unit[KIND] == PLASTIC_DENSE:
        target, own = ring[low:high], _own_cell(unit, row)
        cut = own if own >= 0 else high - low
        _send_dense(w[:cut], y[:cut], target[:cut], cost, bottom, open_)
        _send_dense(w[cut + 1 :], y[cut + 1 :], target[cut + 1 :], cost, bottom, open_)
    else:
        index = wiring.target[unit[INDEX] + first : unit[INDEX] + last]
        _send_sparse(w, index, y, ring, low, cost, bottom, open_)
    gap = min(step - plastic.row[r, SEEN], table[N_LUT_PLUS] - 1)
    plastic.x[r] = plastic.x[r] * plastic.lut[table[LUT_PLUS] + gap] + 1
    plastic.row[r, SEEN] = step
    plastic.row[r, POSITION] = table[N_LOG]
