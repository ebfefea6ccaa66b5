"""The arrays that the kernels work on, in five groups.

All are C-contiguous and writable, so that one compiled signature serves every network. ``N`` is
the number of cells, ``S`` the number of spike sources (they are numbered after the cells), ``L``
the slots of the ring buffers (longest delay + 1), ``B`` the number of blocks of cells.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "Output", "Params", "Plastic", "Wiring"]

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Numbers = NDArray[Any]


class Cells(NamedTuple):
    """What changes with each step.

    v, i_e, i_i : shape (N,), the number system's type
    ref : int32, shape (N,), steps left of the refractory time
    ring : shape (L, 2, N), sums of the weights that arrive in a slot, for each receptor
    dirty : uint8, shape (L, 2, B), whether anything arrives at a block
    awake : uint8, shape (B,), 0 where a step without input changes nothing
    fired : uint8, shape (N + S,), who fires in the step being delivered
    ids : int64, shape (N + S,), the same as a list
    waiting : int64, shape (1,), how many cells of `ids` fired in the step before
    mask : uint8, shape (BLOCK_SIZE,), and mask64, the same memory as uint64
    scratch : shape (3, BLOCK_SIZE)
    """

    v: Numbers
    i_e: Numbers
    i_i: Numbers
    ref: NDArray[np.int32]
    ring: Numbers
    dirty: Bytes
    awake: Bytes
    fired: Bytes
    ids: Ints
    waiting: Ints
    mask: Bytes
    mask64: NDArray[np.uint64]
    scratch: Numbers


class Params(NamedTuple):
    """Parameters of the cells; the columns are named in ``fields``.

    block : int64, shape (B, N_BLOCK)
    group : shape (n_groups, N_PARAM), for blocks of equal cells
    group_ref : int32, shape (n_groups,), refractory steps
    own : shape (N_PARAM, n_own), for cells of populations whose parameters differ
    own_ref : int32, shape (n_own,)
    """

    block: Ints
    group: Numbers
    group_ref: NDArray[np.int32]
    own: Numbers
    own_ref: NDArray[np.int32]


class Wiring(NamedTuple):
    """Who is joined to whom, and all weights.

    units : int64, shape (n_units, N_UNIT)
    weight : shape (n_weights,), of all units one after the other
    index : uint32, post-synaptic cells of the sparse units
    rows : int64, edges of the rows of the sparse units, relative to the unit's first synapse
    delay : int32, steps, of units with a delay for each synapse (parallel to `index`)
    segment : int32, shape (N + S,), cells of a segment have the same units
    out_edge, out_unit : int64, units that leave the cells of each segment
    in_edge, in_plastic : int64, plastic units that end there
    block : int32, shape (N,), the block of each cell
    counts : int64, spikes of this step into each sum; touched : int64, which sums have any
    """

    units: Ints
    weight: Numbers
    index: NDArray[np.uint32]
    rows: Ints
    delay: NDArray[np.int32]
    segment: NDArray[np.int32]
    out_edge: Ints
    out_unit: Ints
    in_edge: Ints
    in_plastic: Ints
    block: NDArray[np.int32]
    counts: Ints
    touched: Ints


class Plastic(NamedTuple):
    """State of the plastic units.

    table : int64, shape (n_plastic, N_PLASTIC); rule : shape (n_plastic, N_RULE)
    x, seen, position : for each row (pre-synaptic cell) its trace, the step of its last spike
        (the trace holds for it), and the first entry of the log that is not yet in its weights
    mark : uint8, for each row whether `saved` holds its weights of the last snapshot
    y, last : for each post-synaptic cell its trace, and its newest entry in the log (-1: none)
    log_cell, log_due, log_before : post-synaptic spikes that still have to change weights: cell,
        step in which the spike takes effect, entry before it of the same cell
    queue_cell, queue_step : spikes on their way back to the synapse (a ring)
    lut : exp(-k dt / tau), one table for each constant
    saved : as Wiring.weight; pages are touched only where `mark` is set
    stack : int64, scratch
    """

    table: Ints
    rule: Numbers
    x: Numbers
    seen: Ints
    position: Ints
    mark: Bytes
    y: Numbers
    last: Ints
    log_cell: NDArray[np.uint32]
    log_due: Ints
    log_before: Ints
    queue_cell: NDArray[np.uint32]
    queue_step: Ints
    lut: Numbers
    saved: Numbers
    stack: Ints


class Output(NamedTuple):
    """What goes into one run and comes out of it.

    source_step, source_id : int64, spikes of the sources, sorted by step
    gate : uint8, shape (n_steps or 1, n_gates), whether weights may change
    spike_step, spike_id : int64, shape (room,), recorded spikes
    recorded : uint8, shape (N + S,), whose spikes are recorded
    v_part : int64, shape (n_parts, 3), first and last cell and column; v : shape (n_steps, *)
    w : shape (n_steps, *), recorded weights, in order of storage
    cursor : int64, shape (2,), next source spike; recorded spikes so far
    """

    source_step: Ints
    source_id: Ints
    gate: Bytes
    spike_step: Ints
    spike_id: Ints
    recorded: Bytes
    v_part: Ints
    v: Numbers
    w: Numbers
    cursor: Ints
