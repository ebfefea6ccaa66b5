"""One step of a block of cells, in floating point.

The whole state of a block is in one array, at constant distances. Only then can LLVM tell that
nothing overlaps, and vectorise these loops.
"""

from __future__ import annotations

from .compile import kernel, select
from .fields import (
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

_E, _I, _REF = I_E * BLOCK_SIZE, I_I * BLOCK_SIZE, REF * BLOCK_SIZE
_OWN = PARAMS * BLOCK_SIZE


@kernel
def _equal_held(s, ring_e, ring_i, mask, p, n):  # type: ignore[no-untyped-def]
    """Step cells with the same parameters; the current is constant over the step."""
    v_rest, resistance, keep, bias = p[V_REST], p[RESISTANCE], p[KEEP_V], p[BIAS]
    v_thresh, v_reset, n_ref = p[V_THRESH], p[V_RESET], p[N_REF]
    gain_e, gain_i, keep_e, keep_i = p[GAIN_E], p[GAIN_I], p[KEEP_E], p[KEEP_I]
    one = type(s[0])(1)
    hit = False
    for i in range(n):
        i_e = s[_E + i] + gain_e * ring_e[i]
        i_i = s[_I + i] + gain_i * ring_i[i]
        ring_e[i] = 0
        ring_i[i] = 0
        alpha = v_rest + resistance * (i_e - i_i + bias)
        moved = alpha - keep * (alpha - s[i])
        ref = s[_REF + i]
        free = ref == 0
        v = select(free, moved, s[i])
        fires = free & (v >= v_thresh)
        s[i] = select(fires, v_reset, v)
        s[_REF + i] = select(fires, n_ref, select(free, ref, ref - one))
        s[_E + i] = i_e * keep_e
        s[_I + i] = i_i * keep_i
        mask[i] = fires
        hit |= fires
    return hit


@kernel
def _equal_propagated(s, ring_e, ring_i, mask, p, n):  # type: ignore[no-untyped-def]
    """Step cells with the same parameters, integrated exactly."""
    v_rest, keep, bias, pull_e, pull_i = p[V_REST], p[KEEP_V], p[BIAS], p[PULL_E], p[PULL_I]
    v_thresh, v_reset, n_ref = p[V_THRESH], p[V_RESET], p[N_REF]
    gain_e, gain_i, keep_e, keep_i = p[GAIN_E], p[GAIN_I], p[KEEP_E], p[KEEP_I]
    one = type(s[0])(1)
    hit = False
    for i in range(n):
        i_e = s[_E + i] + gain_e * ring_e[i]
        i_i = s[_I + i] + gain_i * ring_i[i]
        ring_e[i] = 0
        ring_i[i] = 0
        moved = v_rest + (keep * (s[i] - v_rest) + (pull_e * i_e - pull_i * i_i) + bias)
        ref = s[_REF + i]
        free = ref == 0
        v = select(free, moved, s[i])
        fires = free & (v >= v_thresh)
        s[i] = select(fires, v_reset, v)
        s[_REF + i] = select(fires, n_ref, select(free, ref, ref - one))
        s[_E + i] = i_e * keep_e
        s[_I + i] = i_i * keep_i
        mask[i] = fires
        hit |= fires
    return hit


@kernel
def _own(s, name, i):  # type: ignore[no-untyped-def]
    return s[_OWN + name * BLOCK_SIZE + i]


@kernel
def _each(s, ring_e, ring_i, mask, n, exact):  # type: ignore[no-untyped-def]
    """Step cells with different parameters, by either integrator."""
    one, zero = type(s[0])(1), type(s[0])(0)
    hit = False
    for i in range(n):
        i_e = s[_E + i] + _own(s, GAIN_E, i) * ring_e[i]
        i_i = s[_I + i] + _own(s, GAIN_I, i) * ring_i[i]
        ring_e[i] = 0
        ring_i[i] = 0
        v, ref = s[i], s[_REF + i]
        v_rest, keep, bias = _own(s, V_REST, i), _own(s, KEEP_V, i), _own(s, BIAS, i)
        free = ref == 0
        if exact:
            drive = _own(s, PULL_E, i) * i_e - _own(s, PULL_I, i) * i_i
            moved = v_rest + (keep * (v - v_rest) + drive + bias)
        else:
            leaks = keep >= zero  # else keep is NO_LEAK
            drive = _own(s, RESISTANCE, i) * (i_e - i_i + bias)
            alpha = select(leaks, v_rest, v) + drive
            moved = alpha - select(leaks, keep, zero) * (alpha - v)
        v = select(free, moved, v)
        fires = free & (v >= _own(s, V_THRESH, i))
        s[i] = select(fires, _own(s, V_RESET, i), v)
        s[_REF + i] = select(fires, _own(s, N_REF, i), select(free, ref, ref - one))
        s[_E + i] = i_e * _own(s, KEEP_E, i)
        s[_I + i] = i_i * _own(s, KEEP_I, i)
        mask[i] = fires
        hit |= fires
    return hit


@kernel
def update_block(s, ring_e, ring_i, mask, tally, group, g, n, exact):  # type: ignore[no-untyped-def]
    """Do one step of the `n` cells of a block; return True if any fires (then `mask` is set).

    s : the block's part of ``CellState.state``
    ring_e, ring_i : arriving weights, which are set to 0
    tally : the block's row of ``CellState.tally``
    group : ``Params.group``; g : the block's row in it, -1 if cells have different parameters
    """
    if g < 0:
        return _each(s, ring_e, ring_i, mask, n, exact)
    if exact:
        return _equal_propagated(s, ring_e, ring_i, mask, group[g], n)
    return _equal_held(s, ring_e, ring_i, mask, group[g], n)
