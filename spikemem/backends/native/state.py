"""The arrays that the kernels work on, in six groups.

All are C-contiguous and writable, so that one compiled signature serves every network. ``N`` is
the number of cells, ``S`` the number of spike sources (they are numbered after the cells), ``L``
the slots of the ring buffers (longest delay + 1), ``B`` the number of blocks of cells.

With several threads each has its own ``Cells.fired``, ``ids``, ``waiting``, ``mask`` and
``scratch``, ``Wiring.segment``, ``route`` and ``touched``, and ``Plastic.stack``; all else is
shared, and a thread writes only to what belongs to its cells.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "Output", "Params", "Part", "Plastic", "Wiring"]

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Numbers = NDArray[Any]


class Cells(NamedTuple):
    """What changes with each step.

    state : shape (*,), block after block; rows V, I_E, I_I, REF (steps left of the refractory
        time), each BLOCK_SIZE long, then the parameters where cells have their own
    ring : shape (L, 2, N), sums of the weights that arrive in a slot, for each receptor
    dirty : uint8, shape (L, 2, B), whether anything arrives at a block
    awake : uint8, shape (B,), 0 where a step without input changes nothing
    fired : uint8, shape (N + S,), who fires in the step being delivered
    ids : int64, shape (N + S,), the same as a list
    waiting : int64, shape (1,), how many cells of `ids` fired in the step before
    mask : uint8, shape (BLOCK_SIZE,), who fires in a block, and mask64, the same memory
    scratch : shape (PARAMS * BLOCK_SIZE,)
    tally : int64, shape (B, 2), for the number system to count what it likes
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
    """Parameters of the cells; the columns are named in ``fields``.

    block : int64, shape (B, N_BLOCK); GROUP is -1 where cells have parameters of their own
    group : shape (n_groups, N_PARAM), for blocks of equal cells
    """

    block: Ints
    group: Numbers


class Wiring(NamedTuple):
    """Who is joined to whom, and all weights.

    units : int64, shape (n_units, N_UNIT)
    weight : shape (n_weights,), of all units one after the other
    target : uint32, post-synaptic cells of the sparse units
    rows : int64, edges of the rows of the sparse units, relative to the unit's first synapse
    delay : int32, steps, of units with a delay for each synapse (parallel to `target`)
    segment : int64, shape (N + S,), place in `route` of what each cell is joined to
    route : int64
    block : int32, shape (N,), the block of each cell
    counts : int64, spikes of this step into each sum
    touched : int64, shape (n_counts, 2), units and tiles of the sums that have any
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
    row : int64, shape (n_rows, N_ROW), step of the row's last spike (its trace holds for it),
        the first entry of the log that is not yet in its weights, and whether `saved` holds its
        weights of the last snapshot
    y : trace of each post-synaptic cell; other number systems have several such rows
    newest : int64, for each post-synaptic cell its newest entry in the log (-1: none)
    log : int64, shape (*, 2), post-synaptic spikes that still have to change weights: cell, and
        step in which the spike takes effect
    before : int64, for each entry of the log the one before it of the same cell
    queue : int64, shape (*, 2), spikes on their way back to the synapse (a ring): cell, step
    lut : exp(-k dt / tau), one table for each constant
    saved : as Wiring.weight; pages are touched only where a row is saved
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
    """What one of T threads has to do: its blocks of cells, and the units that end there.

    Between two meetings the threads do `WINDOW` steps, no more than the shortest delay: each
    steps its cells first, and then delivers the spikes of all cells to its own.

    plan : int64, shape (N_PLAN,), columns in ``fields``
    plastic : int64, the plastic units
    v_column : int64, columns of ``Output.v``
    fired : int64, shape (2, WINDOW * N), who fires in a window, one list for each thread; two
        windows take turns, so that one can be read while the next is written
    place : int64, shape (T,), where each thread's list begins
    ends : int64, shape (2, T, WINDOW + a cache line), length of each thread's list after each step
    sync : int64, how many have met so far, and (one cache line on) whether to stop
    """

    plan: Ints
    plastic: Ints
    v_column: Ints
    fired: Ints
    place: Ints
    ends: Ints
    sync: Ints


class Output(NamedTuple):
    """What goes into one run and comes out of it.

    source : int64, shape (n_spikes, 2), cell and step of the sources' spikes, sorted by step
    gate : uint8, shape (n_steps or 1, n_gates), whether weights may change
    spike : int64, shape (room, 2), recorded spikes
    recorded : uint8, shape (N + S,), whose spikes are recorded
    v_place : int64, shape (n_v,), places in ``Cells.state`` of the recorded potentials
    v : shape (n_steps, n_v)
    cursor : int64, shape (2,), next source spike; recorded spikes so far
    """

    source: Ints
    gate: Bytes
    spike: Ints
    recorded: Bytes
    v_place: Ints
    v: Numbers
    cursor: Ints
