"""Compiled kernels of the dense liquid: event-driven, for many samples side by side.

They add only the rows of active sources. Neurons are processed in blocks that stay in the cache
for all samples of a batch. The compiled kernels are cached on disk and release Python's global
lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["run", "run_machine"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function at its first call; cache it on disk if there is a folder for it."""
    try:
        return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:
        return cast(_Function, njit(nogil=True, error_model="numpy")(function))


@compiled
def add_rows(weights: Any, rows: Any, first: int, last: int, low: int, acc: Any) -> None:
    """Add the weights of ``rows[first:last]``, in the columns from `low` on, to `acc`."""
    n = acc.size
    k = first
    while k + 4 <= last:
        a = weights[rows[k], low : low + n]
        b = weights[rows[k + 1], low : low + n]
        c = weights[rows[k + 2], low : low + n]
        d = weights[rows[k + 3], low : low + n]
        for j in range(n):
            acc[j] += a[j] + b[j] + (c[j] + d[j])
        k += 4
    while k < last:
        a = weights[rows[k], low : low + n]
        for j in range(n):
            acc[j] += a[j]
        k += 1


@compiled
def run(
    starts: Any,
    channels: Any,
    w_in: Any,
    w_rec: Any,
    keep: float,
    gain: float,
    offset: float,
    threshold: float,
    acc: Any,
    v: Any,
    active: Any,
    n_active: Any,
    out: Any,
) -> None:
    """Compute the spikes `out`, shape (n_samples, n_steps, n_neurons), which must start as zeros.

    The input of sample b in step t is ``channels[starts[b, t]:starts[b, t + 1]]``. `acc` holds the
    sums of one block, and `v` (n_samples, n_neurons) the potentials, mV. `active`
    (2, n_samples, n_neurons) and `n_active` (2, n_samples) hold the neurons that fired in the last
    and in the present step.
    """
    n_samples, n_steps, n = out.shape
    block = acc.size
    for t in range(n_steps):
        old, new = t % 2, (t + 1) % 2
        for b in range(n_samples):
            n_active[new, b] = 0
        for low in range(0, n, block):
            size = min(block, n - low)
            for b in range(n_samples):
                part = acc[:size]
                for j in range(size):
                    part[j] = 0
                add_rows(w_in, channels, starts[b, t], starts[b, t + 1], low, part)
                add_rows(w_rec, active[old, b], 0, n_active[old, b], low, part)
                fired = n_active[new, b]
                for j in range(size):
                    u = keep * v[b, low + j] + gain * part[j] + offset
                    v[b, low + j] = u
                    if u >= threshold:
                        v[b, low + j] = 0.0
                        out[b, t, low + j] = 1
                        active[new, b, fired] = low + j
                        fired += 1
                n_active[new, b] = fired


@compiled
def run_machine(
    starts: Any,
    channels: Any,
    w_in: Any,
    w_rec: Any,
    keep: int,
    gain: int,
    threshold: int,
    acc: Any,
    v: Any,
    active: Any,
    n_active: Any,
    out: Any,
) -> None:
    """Compute as :func:`run`, in fixed point: `v` is int64, and products are rounded down."""
    n_samples, n_steps, n = out.shape
    block = acc.size
    for t in range(n_steps):
        old, new = t % 2, (t + 1) % 2
        for b in range(n_samples):
            n_active[new, b] = 0
        for low in range(0, n, block):
            size = min(block, n - low)
            for b in range(n_samples):
                part = acc[:size]
                for j in range(size):
                    part[j] = 0
                add_rows(w_in, channels, starts[b, t], starts[b, t + 1], low, part)
                add_rows(w_rec, active[old, b], 0, n_active[old, b], low, part)
                fired = n_active[new, b]
                for j in range(size):
                    alpha = part[j] * gain
                    u = alpha - (((alpha - v[b, low + j]) * keep) >> 15)
                    v[b, low + j] = u
                    if u >= threshold:
                        v[b, low + j] = 0
                        out[b, t, low + j] = 1
                        active[new, b, fired] = low + j
                        fired += 1
                n_active[new, b] = fired
