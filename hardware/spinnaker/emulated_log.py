"""Log of the post-synaptic spikes that have reached the synapses of a plastic unit.

The log holds the spikes of all cells of the unit in order of time. In dense units ``before`` is the
number of the spike among the spikes of its cell, from which its age in the cell's history follows.
In sparse units ``before`` is the previous entry of the same cell. The unit's part of ``Plastic.y``
has the rows below.
"""

from __future__ import annotations

import numpy as np

from ...backends.native.compile import kernel
from ...backends.native.fields import (
    A_PLUS,
    ALLOW_SELF,
    CELL,
    INDEX,
    KIND,
    LOG,
    LOST,
    LUT_PLUS,
    N_LOG,
    N_LUT_PLUS,
    N_POST,
    N_PRE,
    PLASTIC_DENSE,
    POSITION,
    POST,
    ROW,
    ROWS,
    SEEN,
    STEP,
    UNIT,
    W_MAX,
    Y_ADDS,
    Y,
)
from .arithmetic import HISTORY

__all__ = [
    "COST",
    "COUNT",
    "FIRED",
    "LAST",
    "SHIFT",
    "TIMES",
    "TRACE",
    "TRAVELLING",
    "Y_ROWS",
    "change",
    "compact",
    "faded",
    "forgotten",
    "part",
    "raise_dense",
    "raise_one",
    "span",
]

SHIFT = Y_ADDS
"""Column of ``Plastic.rule`` with the left shift of the ring buffer."""

TRACE, LAST, TRAVELLING, COST, COUNT, TIMES, FIRED = range(7)
"""Rows of ``Plastic.y``, with one entry for each cell:

TRACE, LAST : trace and step of the latest spike that has reached the synapses
TRAVELLING : number of spikes that have not reached the synapses yet
COST : weight decrease by a pre-synaptic spike of this step
COUNT : number of spikes so far
TIMES : number of times that each spike counts
FIRED : step of the latest spike, plus 1
"""
Y_ROWS = 7


@kernel
def part(plastic, table, row):  # type: ignore[no-untyped-def]
    """Return the start of a unit's part of one row of ``Plastic.y``."""
    return row * plastic.newest.size + table[Y]


@kernel
def faded(trace, gap, lut):  # type: ignore[no-untyped-def]
    """Return a trace (s4.11) after `gap` steps; `lut` ends in 0."""
    return (np.int64(trace) * lut[min(gap, lut.size - 1)]) >> 11


@kernel
def change(amplitude, trace):  # type: ignore[no-untyped-def]
    """Return amplitude (s16.15) times trace (s4.11), in s16.15."""
    return np.int64(np.int32((amplitude * (trace << 4)) >> 15))


@kernel
def span(wiring, unit, row):  # type: ignore[no-untyped-def]
    """Return the first synapse of a row and the end of the row, relative to the unit."""
    if unit[KIND] == PLASTIC_DENSE:
        return row * unit[N_POST], (row + 1) * unit[N_POST]
    edge = unit[ROWS] + row
    return wiring.rows[edge], wiring.rows[edge + 1]


@kernel
def raise_dense(wide, log, ordinal, count, first, since, x, lut, rule, own):  # type: ignore[no-untyped-def]
    """Add the potentiation of the log from entry `first` on to a widened row.

    Returns the number of changes that the histories no longer hold.
    """
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
        more = change(rule[A_PLUS], faded(x, gap, lut))
        if count[j] - ordinal[e] < HISTORY:
            wide[j] = min(wide[j] + more, top)
        elif more != 0:
            lost += 1
    return lost


@kernel
def raise_one(value, e, first, log, before, room, since, x, lut, rule, gaps):  # type: ignore[no-untyped-def]
    """Add the potentiation of a cell's entries, from entry `e` backwards, to a widened weight.

    Returns the weight, and the number of forgotten changes: all but the newest `room`.
    """
    n = lost = 0
    while e >= first:
        gap = log[e, STEP] - since
        if n < room:
            gaps[n] = gap
            n += 1
        elif change(rule[A_PLUS], faded(x, gap, lut)) != 0:
            lost += 1
        e = before[e]
    for m in range(n - 1, -1, -1):
        value = min(value + change(rule[A_PLUS], faded(x, gaps[m], lut)), rule[W_MAX])
    return value, lost


@kernel
def forgotten(wiring, plastic, q, row):  # type: ignore[no-untyped-def]
    """Return the number of pending potentiations of a row that are no longer in any history."""
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    state, x = plastic.row[table[ROW] + row], plastic.x[table[ROW] + row]
    if x == 0 or state[POSITION] >= table[N_LOG]:
        return 0
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    lut = plastic.lut[table[LUT_PLUS] : table[LUT_PLUS] + table[N_LUT_PLUS]]
    rule, lost = plastic.rule[q], 0
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    if unit[KIND] == PLASTIC_DENSE:
        count = plastic.y[part(plastic, table, COUNT) :]
        for e in range(state[POSITION], table[N_LOG]):
            gap, j = log[e, STEP] - state[SEEN], log[e, CELL]
            if gap >= lut.size - 1:
                break
            own = j == row and not unit[ALLOW_SELF]
            if not own and count[j] - before[e] >= HISTORY:
                lost += change(rule[A_PLUS], faded(x, gap, lut)) != 0
        return lost
    first, last = span(wiring, unit, row)
    for s in range(unit[INDEX] + first, unit[INDEX] + last):
        j = np.int64(wiring.target[s]) - unit[POST]
        lost += raise_one(
            np.int64(0), plastic.newest[table[Y] + j], state[POSITION], log, before,
            HISTORY - travelling[j], state[SEEN], x, lut, rule, plastic.stack,
        )[1]  # fmt: skip
    return lost


@kernel
def compact(wiring, plastic, q):  # type: ignore[no-untyped-def]
    """Remove the entries of the log that are no longer in any history."""
    table, unit = plastic.table[q], wiring.units[plastic.table[q, UNIT]]
    n_post, n_pre = unit[N_POST], unit[N_PRE]
    for row in range(n_pre):
        table[LOST] += forgotten(wiring, plastic, q, row)
    log, before = plastic.log[table[LOG] :], plastic.before[table[LOG] :]
    newest = plastic.newest[table[Y] : table[Y] + n_post]
    count = plastic.y[part(plastic, table, COUNT) :]
    travelling = plastic.y[part(plastic, table, TRAVELLING) :]
    index, n_log, dense = plastic.stack, table[N_LOG], unit[KIND] == PLASTIC_DENSE
    for e in range(n_log):
        index[e] = dense and count[log[e, CELL]] - before[e] < HISTORY
    for j in range(n_post):
        e, room = newest[j], HISTORY - travelling[j]
        while e >= 0 and room > 0:
            index[e] = 1
            e, room = before[e], room - 1
    n = 0
    for e in range(n_log):
        kept = index[e]
        index[e] = n
        if kept:
            j = log[e, CELL]
            log[n, CELL] = j
            log[n, STEP] = log[e, STEP]
            before[n] = before[e]
            n += 1
    index[n_log] = n
    if not dense:
        for j in range(n_post):
            newest[j] = -1
        for e in range(n):
            before[e] = newest[log[e, CELL]]
            newest[log[e, CELL]] = e
    for row in range(n_pre):
        position = plastic.row[table[ROW] + row, POSITION]
        plastic.row[table[ROW] + row, POSITION] = index[position]
    table[N_LOG] = n
