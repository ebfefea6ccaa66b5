"""One step of a block of cells in s16.15, as a core computes it.

State and parameters are the machine's 32-bit words. The decays and scales of the synaptic inputs,
which are u0.32, are stored in the same type with the same bits. Every result is cut to 32 bits.
"""

from __future__ import annotations

import numpy as np

from ...backends.native.compile import kernel, select
from ...backends.native.fields import (
    BIAS,
    BLOCK_SIZE,
    GAIN_E,
    GAIN_I,
    I_E,
    I_I,
    KEEP_E,
    KEEP_I,
    KEEP_V,
    N_REF,
    PARAMS,
    PULL_E,
    PULL_I,
    REF,
    RESISTANCE,
    V_RESET,
    V_REST,
    V_THRESH,
)
from .arithmetic import RING_MAX

__all__ = ["SHIFT_E", "SHIFT_I", "update_block"]

_E, _I, _REF = I_E * BLOCK_SIZE, I_I * BLOCK_SIZE, REF * BLOCK_SIZE
_OWN = PARAMS * BLOCK_SIZE
_LOW = 0xFFFFFFFF

SHIFT_E, SHIFT_I = PULL_E, PULL_I
"""Rows of the left shifts of the ring buffers among the parameters of a cell."""


@kernel
def _arriving(current, sum_, shift, gain):  # type: ignore[no-untyped-def]
    """Return a synaptic current after the saturated sum of a step's weights is added."""
    held = min(sum_, RING_MAX)
    wide = np.int64(np.int32(held << shift)) * (np.int64(gain) & _LOW)
    return np.int32(current + (wide >> 32))


@kernel
def _faded(current, keep):  # type: ignore[no-untyped-def]
    return np.int32((np.int64(current) * (np.int64(keep) & _LOW)) >> 32)


@kernel
def _moved(v, drive, v_rest, resistance, keep):  # type: ignore[no-untyped-def]
    """Return the potential after a step with the current `drive`; products are rounded down."""
    alpha = np.int32(((np.int64(np.int32(drive)) * resistance) >> 15) + v_rest)
    gap = np.int64(np.int32(np.int64(alpha) - v))
    return np.int32(np.int64(alpha) - np.int32((gap * keep) >> 15))


@kernel
def _equal(s, ring_e, ring_i, mask, tally, p, n):  # type: ignore[no-untyped-def]
    """Advance cells with equal parameters."""
    v_rest, resistance, keep = np.int64(p[V_REST]), np.int64(p[RESISTANCE]), np.int64(p[KEEP_V])
    bias, v_thresh, v_reset, n_ref = np.int64(p[BIAS]), p[V_THRESH], p[V_RESET], p[N_REF]
    gain_e, gain_i, keep_e, keep_i = p[GAIN_E], p[GAIN_I], p[KEEP_E], p[KEEP_I]
    shift_e, shift_i = np.int64(p[SHIFT_E]), np.int64(p[SHIFT_I])
    hit, full_e, full_i = False, 0, 0
    for i in range(n):
        full_e += ring_e[i] > RING_MAX
        full_i += ring_i[i] > RING_MAX
        i_e = _arriving(s[_E + i], ring_e[i], shift_e, gain_e)
        i_i = _arriving(s[_I + i], ring_i[i], shift_i, gain_i)
        ring_e[i] = 0
        ring_i[i] = 0
        moved = _moved(s[i], np.int64(i_e) - i_i + bias, v_rest, resistance, keep)
        ref = s[_REF + i]
        free = ref == 0
        v = select(free, moved, s[i])
        fires = free & (v >= v_thresh)
        s[i] = select(fires, v_reset, v)
        s[_REF + i] = select(fires, n_ref, select(free, ref, np.int32(ref - 1)))
        s[_E + i] = _faded(i_e, keep_e)
        s[_I + i] = _faded(i_i, keep_i)
        mask[i] = fires
        hit |= fires
    tally[0] += full_e
    tally[1] += full_i
    return hit


@kernel
def _own(s, name, i):  # type: ignore[no-untyped-def]
    return s[_OWN + name * BLOCK_SIZE + i]


@kernel
def _each(s, ring_e, ring_i, mask, tally, n):  # type: ignore[no-untyped-def]
    """Advance cells with individual parameters."""
    hit, full_e, full_i = False, 0, 0
    for i in range(n):
        full_e += ring_e[i] > RING_MAX
        full_i += ring_i[i] > RING_MAX
        i_e = _arriving(s[_E + i], ring_e[i], _own(s, SHIFT_E, i), _own(s, GAIN_E, i))
        i_i = _arriving(s[_I + i], ring_i[i], _own(s, SHIFT_I, i), _own(s, GAIN_I, i))
        ring_e[i] = 0
        ring_i[i] = 0
        drive = np.int64(i_e) - i_i + _own(s, BIAS, i)
        keep, resistance = np.int64(_own(s, KEEP_V, i)), np.int64(_own(s, RESISTANCE, i))
        moved = _moved(s[i], drive, np.int64(_own(s, V_REST, i)), resistance, keep)
        ref = s[_REF + i]
        free = ref == 0
        v = select(free, moved, s[i])
        fires = free & (v >= _own(s, V_THRESH, i))
        s[i] = select(fires, _own(s, V_RESET, i), v)
        left = select(free, ref, np.int32(ref - 1))
        s[_REF + i] = select(fires, _own(s, N_REF, i), left)
        s[_E + i] = _faded(i_e, _own(s, KEEP_E, i))
        s[_I + i] = _faded(i_i, _own(s, KEEP_I, i))
        mask[i] = fires
        hit |= fires
    tally[0] += full_e
    tally[1] += full_i
    return hit


@kernel
def update_block(s, ring_e, ring_i, mask, tally, group, g, n, exact):  # type: ignore[no-untyped-def]
    """Advance the `n` cells of a block by one step; return True if any cell fires.

    `mask` tells which cells fire, and `tally` counts, for each receptor, the sums of a step that
    do not fit into 16 bits. For the other arguments see
    :func:`spikemem.backends.native.neurons.update_block`.
    """
    if g < 0:
        return _each(s, ring_e, ring_i, mask, tally, n)
    return _equal(s, ring_e, ring_i, mask, tally, group[g], n)
