"""The arrays of the kernels, in six groups.

All are C-contiguous and writable, so that one compiled signature serves every network. ``N`` is
the number of cells, ``S`` the number of spike sources (which are numbered after the cells), ``L``
the number of slots of the ring buffers (longest delay + 1), ``B`` the number of blocks of cells.

Each thread has its own ``CellState.fired``, ``ids``, ``waiting``, ``mask`` and ``scratch``,
``Wiring.segment``, ``route`` and ``touched``, and ``Plastic.stack``. Everything else is shared,
and a thread writes only to the data of its cells.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CellState", "Output", "Params", "Part", "Plastic", "Wiring"]

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Numbers = NDArray[Any]


class CellState(NamedTuple):
    """Variables of the cells that change in each step.

    state : shape (*,), block after block; rows V, I_E, I_I, REF (remaining refractory steps), each
        BLOCK_SIZE long, then the parameters if cells have different ones
    ring : shape (L, 2, N), sums of the weights that arrive in a slot, for each receptor
    dirty : uint8, shape (L, 2, B), whether anything arrives at a block
    awake : uint8, shape (B,), 0 if a step without input changes nothing
    fired : uint8, shape (N + S,), whether each cell fires in the step being delivered
    ids : int64, shape (N + S,), the same as a list of cells
    waiting : int64, shape (1,), number of cells of `ids` that fired in the previous step
    mask : uint8, shape (BLOCK_SIZE,), whether each cell of a block fires; mask64 is the same memory
    scratch : shape (PARAMS * BLOCK_SIZE,)
    tally : int64, shape (B, 2), counters that the number system can use
    """

    state: Numbers
    ring: Numbers
    dirty: Bytes
    awake: Bytes
    fired: Bytes
    ids: Ints
    waiting: Ints
    mask: Bytes
    mask64: NDArray[np.uint64]
    scratch: Numbers
    tally: Ints


class Params(NamedTuple):
    """Parameters of the cells; ``fields`` names the columns.

    block : int64, shape (B, N_BLOCK); GROUP is -1 if cells have different parameters
    group : shape (n_groups, N_PARAM), parameters of blocks of equal cells
    """

    block: Ints
    group: Numbers


class Wiring(NamedTuple):
    """The synapses: connected cells, delays and all weights.

    units : int64, shape (n_units, N_UNIT)
    weight : shape (n_weights,), weights of all units one after the other
    target : uint32, post-synaptic cells of the sparse units
    rows : int64, edges of the rows of the sparse units, relative to the unit's first synapse
    delay : int32, steps, for units with a delay for each synapse (parallel to `target`)
    segment : int64, shape (N + S,), offset in `route` of the units of each cell
    route : int64, see ``fields``
    block : int32, shape (N,), the block of each cell
    counts : int64, number of spikes of this step into each sum
    touched : int64, shape (n_counts, 2), units and tiles of the sums with spikes
    """

    units: Ints
    weight: Numbers
    target: NDArray[np.uint32]
    rows: Ints
    delay: NDArray[np.int32]
    segment: Ints
    route: Ints
    block: NDArray[np.int32]
    counts: Ints
    touched: Ints


class Plastic(NamedTuple):
    """State of the plastic units.

    table : int64, shape (n_plastic, N_PLASTIC); rule : shape (n_plastic, N_RULE)
    x : trace of each row (pre-synaptic cell)
    row : int64, shape (n_rows, N_ROW), step of the row's last spike (the trace is that of this
        step), the first log entry that is not yet in its weights, and whether `saved` holds its
        weights of the last snapshot
    y : trace of each post-synaptic cell; other number systems have several such rows
    newest : int64, newest log entry of each post-synaptic cell (-1: none)
    log : int64, shape (*, 2), post-synaptic spikes that still have to change weights: cell, and
        step in which the spike takes effect
    before : int64, for each log entry the previous one of the same cell
    queue : int64, shape (*, 2), spikes on their way back to the synapse (a ring): cell, step
    lut : exp(-k dt / tau), one table for each time constant
    saved : as Wiring.weight; only pages with saved rows take memory
    stack : int64, scratch
    """

    table: Ints
    rule: Numbers
    x: Numbers
    row: Ints
    y: Numbers
    newest: Ints
    log: Ints
    before: Ints
    queue: Ints
    lut: Numbers
    saved: Numbers
    stack: Ints


class Part(NamedTuple):
    """The work of one of T threads: its blocks of cells, and the units that end there.

    Between two barriers the threads do `WINDOW` steps, which is at most the shortest delay. Each
    thread first steps its cells, and then delivers the spikes of all cells to its own.

    plan : int64, shape (N_PLAN,), columns in ``fields``
    plastic : int64, the plastic units
    v_column : int64, columns of ``Output.v``
    fired : int64, shape (2, WINDOW * N), cells that fire in a window, one list for each thread;
        two windows alternate, so that one can be read while the next is written
    starts : int64, shape (T,), beginning of each thread's list
    ends : int64, shape (2, T, WINDOW + a cache line), length of each thread's list after each step
    sync : int64, number of arrivals so far, and (one cache line later) whether to stop
    """

    plan: Ints
    plastic: Ints
    v_column: Ints
    fired: Ints
    starts: Ints
    ends: Ints
    sync: Ints


class Output(NamedTuple):
    """Input and output of one run.

    source : int64, shape (n_spikes, 2), cell and step of the sources' spikes, sorted by step
    gate : uint8, shape (n_steps or 1, n_gates), whether weights may change
    spike : int64, shape (room, 2), recorded spikes
    recorded : uint8, shape (N + S,), whether the spikes of each cell are recorded
    v_index : int64, shape (n_v,), indices of the recorded potentials in ``CellState.state``
    v : shape (n_steps, n_v)
    cursor : int64, shape (2,), next source spike, and number of recorded spikes so far
    """

    source: Ints
    gate: Bytes
    spike: Ints
    recorded: Bytes
    v_index: Ints
    v: Numbers
    cursor: Ints
