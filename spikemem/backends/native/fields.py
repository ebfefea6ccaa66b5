"""Columns of the integer and number tables that the kernels read."""

from __future__ import annotations

# Kinds of a unit: how the synapses of one projection are stored.
ONE_TO_ONE = 0
SPARSE = 1
SPARSE_DELAYS = 2
DENSE = 3
SUM = 4
PLASTIC_DENSE = 5
PLASTIC_SPARSE = 6

# Wiring.units, shape (n_units, N_UNIT)
KIND = 0
PRE = 1
N_PRE = 2
POST = 3
N_POST = 4
TILE_PRE = 5
TILE_POST = 6
RECEPTOR = 7
DELAY = 8
WEIGHT = 9
STRIDE = 10
INDEX = 11
ROWS = 12
ALLOW_SELF = 13
COUNTER = 14
PLASTIC = 15
LOW = 16
HIGH = 17
PART = 18
N_UNIT = 19
"""A unit changes only the post-synaptic cells from LOW up to HIGH; PART is their thread."""

# Wiring.route: for each segment of cells the number of units that start there, these units, the
# number of plastic units that end there, and these units.

# Plastic.table, shape (n_plastic, N_PLASTIC); the first five, LOST to LATE_TAIL, and DISPUTED
# change in a run
N_LOG = 0
DUE_HEAD = 1
Y_HEAD = 2
TAIL = 3
Y_STEP = 4
UNIT = 5
LOG = 6
LOG_SIZE = 7
QUEUE = 8
QUEUE_SIZE = 9
ROW = 10
Y = 11
GATE = 12
LUT_PLUS = 13
N_LUT_PLUS = 14
LUT_MINUS = 15
N_LUT_MINUS = 16
Y_LATE = 17
LOST = 18
NOW = 19
LATE_HEAD = 20
LATE_TAIL = 21
LATE = 22
LATE_SIZE = 23
LAG = 24
DENDRITIC = 25
MOST = 26
DISPUTED = 27
N_PLASTIC = 36
"""Number of columns plus eight, so that threads do not write to the same cache line."""

# Plastic.row, shape (n_rows, N_ROW)
SEEN = 0
POSITION = 1
SAVED = 2
N_ROW = 3

# Plastic.log and Plastic.queue, shape (*, 2)
CELL = 0
STEP = 1

# Plastic.rule, shape (n_plastic, N_RULE)
A_PLUS = 0
A_MINUS = 1
W_MIN = 2
W_MAX = 3
Y_ADDS = 4
N_RULE = 5

BLOCK_SIZE = 512
"""Number of cells that are updated together; their state fits into the first-level cache."""

APART = 64
"""Smallest distance between data to which two threads write (a cache line), bytes."""

# Params.block, shape (n_blocks, N_BLOCK)
START = 0
STOP = 1
STATE = 2
GROUP = 3
N_BLOCK = 4

# Rows of a block in CellState.state, each BLOCK_SIZE long; if cells differ in their parameters,
# the parameters follow from row PARAMS on.
V = 0
I_E = 1
I_I = 2
REF = 3
PARAMS = 4

# Parameters of a cell: columns of Params.group, or rows of a block
V_REST = 0
RESISTANCE = 1
KEEP_V = 2
BIAS = 3
V_THRESH = 4
V_RESET = 5
N_REF = 6
KEEP_E = 7
KEEP_I = 8
GAIN_E = 9
GAIN_I = 10
PULL_E = 11
PULL_I = 12
N_PARAM = 13

NO_LEAK = -1.0
"""KEEP_V of a cell without a leak, if the current is constant over a step. The RESISTANCE of such
a cell is the potential (mV) that 1 nA adds in a step."""

# Part.plan, shape (N_PLAN,): number of the thread, number of threads, first and last block of
# cells, steps between two barriers
ME = 0
N_PARTS = 1
FIRST_BLOCK = 2
LAST_BLOCK = 3
WINDOW = 4
N_PLAN = 5

DONE = 0
FULL = 1
STOPPED = 2
"""Why a kernel returned: all steps are done, the spike buffer is full, or a thread has ended."""
