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
N_UNIT = 16

# Plastic.table, shape (n_plastic, N_PLASTIC); the first five change in a run
N_OPEN = 0
DUE_HEAD = 1
Y_HEAD = 2
TAIL = 3
Y_LABEL = 4
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
RECORD = 17
Y_LATE = 18
N_PLASTIC = 19

# Plastic.rule, shape (n_plastic, N_RULE)
A_PLUS = 0
A_MINUS = 1
W_MIN = 2
W_MAX = 3
Y_STEP = 4
N_RULE = 5

# Params.block, shape (n_blocks, N_BLOCK)
START = 0
STOP = 1
GROUP = 2
OWN = 3
N_BLOCK = 4

# Params.group, shape (n_groups, N_PARAM); Params.own has the same rows for single cells
V_REST = 0
RESISTANCE = 1
KEEP_V = 2
BIAS = 3
V_THRESH = 4
V_RESET = 5
KEEP_E = 6
KEEP_I = 7
GAIN_E = 8
GAIN_I = 9
PULL_E = 10
PULL_I = 11
N_PARAM = 12

BLOCK_SIZE = 512
"""Cells that are updated together: their state fits the first-level cache."""

DONE = 0
FULL = 1
"""Why a kernel came back: all steps are done, or the buffer of spikes is full."""
