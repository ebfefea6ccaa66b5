"""The cells: one step of a block, in floating point."""

from __future__ import annotations

import numpy as np

from .compile import kernel
from .fields import (
    BIAS,
    GAIN_E,
    GAIN_I,
    GROUP,
    KEEP_E,
    KEEP_I,
    KEEP_V,
    OWN,
    PULL_E,
    PULL_I,
    RESISTANCE,
    START,
    STOP,
    V_REST,
    V_RESET,
    V_THRESH,
)

# The loops are split so that each has few arrays: LLVM gives up on vectorising a loop when it
# would have to rule out the overlap of too many of them.


@kernel
def _add_input(current, ring, gain):  # type: ignore[no-untyped-def]
    for i in range(current.size):
        current[i] += gain * ring[i]
        ring[i] = 0


@kernel
def _held(v, i_e, i_i, ref, p):  # type: ignore[no-untyped-def]
    """The membrane with the current held over the step, then the decay of the currents."""
    v_rest, resistance, keep, bias = p[V_REST], p[RESISTANCE], p[KEEP_V], p[BIAS]
    keep_e, keep_i = p[KEEP_E], p[KEEP_I]
    for i in range(v.size):
        alpha = v_rest + resistance * (i_e[i] - i_i[i] + bias)
        moved = alpha - keep * (alpha - v[i])
        v[i] = moved if ref[i] == 0 else v[i]
        i_e[i] *= keep_e
        i_i[i] *= keep_i


@kernel
def _propagated(v, i_e, i_i, ref, p):  # type: ignore[no-untyped-def]
    """The membrane and the currents integrated exactly."""
    v_rest, pull_e, pull_i, keep, bias = p[V_REST], p[PULL_E], p[PULL_I], p[KEEP_V], p[BIAS]
    keep_e, keep_i = p[KEEP_E], p[KEEP_I]
    for i in range(v.size):
        drive = pull_e * i_e[i] - pull_i * i_i[i]
        moved = v_rest + (keep * (v[i] - v_rest) + drive + bias)
        v[i] = moved if ref[i] == 0 else v[i]
        i_e[i] *= keep_e
        i_i[i] *= keep_i


@kernel
def _fire(v, ref, mask, v_thresh, v_reset, n_ref):  # type: ignore[no-untyped-def]
    hit = False
    for i in range(v.size):
        fires = (ref[i] == 0) & (v[i] >= v_thresh)
        mask[i] = fires
        rest = ref[i] - np.int32(1) if ref[i] > 0 else np.int32(0)
        ref[i] = n_ref if fires else rest
        v[i] = v_reset if fires else v[i]
        hit |= fires
    return hit


@kernel
def _update_equal(v, i_e, i_i, ref, ring_e, ring_i, dirty, mask, p, n_ref, exact):  # type: ignore[no-untyped-def]
    if dirty[0]:
        _add_input(i_e, ring_e, p[GAIN_E])
    if dirty[1]:
        _add_input(i_i, ring_i, p[GAIN_I])
    if exact:
        _propagated(v, i_e, i_i, ref, p)
    else:
        _held(v, i_e, i_i, ref, p)
    return _fire(v, ref, mask, p[V_THRESH], p[V_RESET], n_ref)


@kernel
def _update_own(v, i_e, i_i, ref, ring_e, ring_i, mask, p, n_ref, exact):  # type: ignore[no-untyped-def]
    """The same for cells with parameters of their own, p of shape (N_PARAM, n)."""
    hit = False
    for i in range(v.size):
        i_e[i] += p[GAIN_E, i] * ring_e[i]
        i_i[i] += p[GAIN_I, i] * ring_i[i]
        ring_e[i] = 0
        ring_i[i] = 0
        free = ref[i] == 0
        if not free:
            ref[i] -= 1
        elif exact:
            drive = p[PULL_E, i] * i_e[i] - p[PULL_I, i] * i_i[i]
            u = p[KEEP_V, i] * (v[i] - p[V_REST, i]) + drive + p[BIAS, i]
            v[i] = p[V_REST, i] + u
        else:
            alpha = p[V_REST, i] + p[RESISTANCE, i] * (i_e[i] - i_i[i] + p[BIAS, i])
            v[i] = alpha - p[KEEP_V, i] * (alpha - v[i])
        i_e[i] *= p[KEEP_E, i]
        i_i[i] *= p[KEEP_I, i]
        fires = free and v[i] >= p[V_THRESH, i]
        mask[i] = fires
        if fires:
            v[i] = p[V_RESET, i]
            ref[i] = n_ref[i]
            hit = True
    return hit


@kernel
def _remember(scratch, v, i_e, i_i, ref):  # type: ignore[no-untyped-def]
    """Keep the state before a step; False if a refractory time is running, which alone changes."""
    for i in range(v.size):
        if ref[i] != 0:
            return False
        scratch[0, i] = v[i]
        scratch[1, i] = i_e[i]
        scratch[2, i] = i_i[i]
    return True


@kernel
def _unchanged(scratch, v, i_e, i_i):  # type: ignore[no-untyped-def]
    for i in range(v.size):
        if scratch[0, i] != v[i] or scratch[1, i] != i_e[i] or scratch[2, i] != i_i[i]:
            return False
    return True


@kernel
def update_block(cells, params, b, slot, label, exact):  # type: ignore[no-untyped-def]
    """One step of block `b`; True if any of its cells fires (then ``cells.mask`` says which).

    A block that received nothing and came out of a step as it went in is put to rest: until
    something arrives, every further step would do the same.
    """
    start, stop = params.block[b, START], params.block[b, STOP]
    n = stop - start
    v, ref = cells.v[start:stop], cells.ref[start:stop]
    i_e, i_i = cells.i_e[start:stop], cells.i_i[start:stop]
    ring_e, ring_i = cells.ring[slot, 0, start:stop], cells.ring[slot, 1, start:stop]
    dirty = cells.dirty[slot, :, b]
    quiet = not (dirty[0] or dirty[1])
    look = quiet and label % 8 == 0 and _remember(cells.scratch, v, i_e, i_i, ref)
    mask = cells.mask[:n]
    own = params.block[b, OWN]
    if own < 0:
        g = params.block[b, GROUP]
        p = params.group[g]
        n_ref = params.group_ref[g]
        hit = _update_equal(v, i_e, i_i, ref, ring_e, ring_i, dirty, mask, p, n_ref, exact)
    else:
        p_own, refs = params.own[:, own : own + n], params.own_ref[own : own + n]
        hit = _update_own(v, i_e, i_i, ref, ring_e, ring_i, mask, p_own, refs, exact)
    dirty[0] = 0
    dirty[1] = 0
    cells.awake[b] = not (look and not hit and _unchanged(cells.scratch, v, i_e, i_i))
    return hit
