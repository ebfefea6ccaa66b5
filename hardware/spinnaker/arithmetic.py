"""SpiNNaker's numbers: s16.15 accumulators, u0.32 decays, 16-bit weights, tables for STDP.

Every function works on the integers that the machine holds. The arithmetic was read in the C source
of sPyNNaker 7.4 and checked against its compiled programs ``IF_curr_exp*.aplx``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...cells import STDP
from ...fixedpoint import ONE, divide, expk, expulr
from ...network import Population

__all__ = [
    "ONE",
    "RING_MAX",
    "TRACE_ONE",
    "CellConstants",
    "StdpConstants",
    "cell_constants",
    "decay",
    "decay_table",
    "divide",
    "expk",
    "expulr",
    "machine_delay",
    "multiply",
    "s1615",
    "stdp_constants",
    "weight16",
    "weight_lsb",
    "wrap32",
]

Int = NDArray[np.int64]

TRACE_ONE = 1 << 11
"""The number 1.0 in s4.11, the format of the traces of STDP."""

RING_MAX = 0xFFFF
"""Largest sum in a slot of a ring buffer, which saturates there."""

HISTORY = 15
"""Number of its last spikes that a cell remembers for its plastic synapses."""

_U32 = 1 << 32


def s1615(values: ArrayLike) -> Int:
    """Round to s16.15 numbers, returned as integers."""
    return np.rint(np.asarray(values, dtype=np.float64) * ONE).astype(np.int64)


def wrap32(values: ArrayLike) -> Int:
    """Return the low 32 bits as signed integers, as in a 32-bit register."""
    return np.asarray(values, dtype=np.int64).astype(np.int32).astype(np.int64)


def multiply(a: ArrayLike, b: ArrayLike) -> Int:
    """Multiply s16.15 numbers, and round down."""
    return wrap32((np.asarray(a, dtype=np.int64) * np.asarray(b, dtype=np.int64)) >> 15)


def decay(value: ArrayLike, factor: ArrayLike) -> Int:
    """Multiply s16.15 numbers with u0.32 factors, and round down."""
    wide = np.asarray(value, dtype=np.int64)
    factors = np.asarray(factor, dtype=np.int64)
    # The product of a signed and an unsigned number of 32 bits fits into 64 bits.
    return wrap32((wide * factors) >> 32)


def machine_delay(delay: float, dt: float) -> int:
    """Return the steps of a delay (ms) if the machine generates the synapses of a projection.

    The machine multiplies two s16.15 numbers, the delay and the number of steps in a millisecond,
    and rounds the product down.

    Examples
    --------
    >>> [machine_delay(k / 10, 0.1) for k in range(1, 7)]
    [1, 2, 2, 3, 5, 6]
    """
    per_ms = s1615(1000.0 / math.ceil(dt * 1000.0))
    return int(multiply(s1615(delay), per_ms)) >> 15


class CellConstants(NamedTuple):
    """Constants of each cell on a core; int64 arrays of shape (size,).

    Potentials (mV), `resistance` (MΩ), `leak` (exp(-dt/tau_m)) and `i_offset` (nA) are s16.15. The
    decays and scales of the synaptic inputs are u0.32. `n_ref` is in steps.
    """

    v_init: Int
    v_rest: Int
    v_reset: Int
    v_thresh: Int
    i_offset: Int
    resistance: Int
    leak: Int
    n_ref: Int
    decay_E: Int
    scale_E: Int
    decay_I: Int
    scale_I: Int


def cell_constants(population: Population, dt: float) -> CellConstants:
    """Return the constants of a population of LIF cells.

    Parameters
    ----------
    population : Population
        Population of :class:`~spikemem.LIF` cells. ``i_offset`` is 0 if the current changes over
        time.
    dt : float
        Time step, ms.
    """
    cell = population.lif.steady
    words = {name: s1615(cell.array(name, population.size)) for name in cell.units}
    step = int(s1615(dt))
    leak = _each(words["tau_m"], lambda tau: expk(-divide(step, tau)))
    resistance = _each2(words["tau_m"], words["cm"], divide)
    n_ref = _each(words["tau_refrac"], lambda t: -(-divide(t, step) // ONE))
    synaptic = {}
    for side in "EI":
        tau = words[f"tau_syn_{side}"]
        synaptic[f"decay_{side}"] = _each(tau, lambda tau: _synapse(tau, step)[0])
        synaptic[f"scale_{side}"] = _each(tau, lambda tau: _synapse(tau, step)[1])
    return CellConstants(
        v_init=s1615(population.initial_v()),
        v_rest=words["v_rest"],
        v_reset=words["v_reset"],
        v_thresh=words["v_thresh"],
        i_offset=words["i_offset"],
        resistance=resistance,
        leak=leak,
        n_ref=n_ref,
        **synaptic,
    )


def _synapse(tau: int, step: int) -> tuple[int, int]:
    """Return the decay of a synaptic current in a step, and tau/dt·(1 - decay), both u0.32."""
    factor = expulr(-divide(step, tau))
    return factor, ((divide(tau, step) * (_U32 - 1 - factor)) >> 15) % _U32


def _each(values: Int, function: object) -> Int:
    unique, inverse = np.unique(values, return_inverse=True)
    return np.array([function(int(v)) for v in unique], dtype=np.int64)[inverse]  # type: ignore[operator]


def _each2(a: Int, b: Int, function: object) -> Int:
    unique, inverse = np.unique(np.stack([a, b]), axis=1, return_inverse=True)
    results = [function(int(x), int(y)) for x, y in unique.T]  # type: ignore[operator]
    return np.array(results, dtype=np.int64)[inverse.ravel()]


def weight_lsb(shift: int) -> float:
    """Return the smallest step of a weight (nA) for the left shift of its ring buffer."""
    return 2.0 ** (shift - 15)


def weight16(weight: ArrayLike, shift: int, *, on_machine: bool = False) -> Int:
    """Return weights as synaptic rows hold them: 16 bits without a sign.

    Parameters
    ----------
    weight : array_like
        Weights, nA, >= 0.
    shift : int
        Left shift of the ring buffer.
    on_machine : bool
        True if the machine generates the synapses of the projection. It then rounds the s16.15
        number of a weight; otherwise the host rounds the weight itself.

    Returns
    -------
    ndarray of int64
        Weights in steps. A weight above 65535 steps wraps around, as when it is loaded.
    """
    if on_machine:
        return ((s1615(weight) + ((1 << shift) >> 1)) >> shift) & 0xFFFF
    scaled = np.rint(np.asarray(weight, dtype=np.float64) * 2.0 ** (15 - shift))
    return scaled.astype(np.int64) & 0xFFFF


def decay_table(tau: float, dt: float) -> Int:
    """Return the table of exp(-k·dt/tau) in s4.11, rounded down; a trace is 0 beyond its end.

    Examples
    --------
    >>> decay_table(0.25, 1.0).tolist()
    [2048, 37]
    """
    rate = dt / float(tau)
    half = math.log(TRACE_ONE) / rate
    size = (int(half // 2) + (half % 2 > 0)) * 2
    table: Int = np.floor(np.exp(np.arange(size) * -rate) * TRACE_ONE).astype(np.int64)
    return table


class StdpConstants(NamedTuple):
    """Constants of a plasticity rule on a core: tables in s4.11, other numbers in s16.15."""

    table_plus: Int
    table_minus: Int
    w_min: int
    w_max: int
    a_plus: int
    a_minus: int


def stdp_constants(rule: STDP, dt: float) -> StdpConstants:
    """Return the constants of a plasticity rule for a time step `dt` (ms)."""
    return StdpConstants(
        decay_table(rule.tau_plus, dt),
        decay_table(rule.tau_minus, dt),
        *(int(s1615(value)) for value in (rule.w_min, rule.w_max, rule.a_plus, rule.a_minus)),
    )
