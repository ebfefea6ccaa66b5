"""The discrete neuron as a leaky integrate-and-fire cell, in numbers that every backend can hold.

``docs/explanation/semantics.md`` defines one time step. A cell whose synaptic current decays within
one step computes ``v = keep * v + gain * m``, where m is the sum of the weights that arrive: this
is the discrete neuron. With ``numbers="spinnaker"``, weights are whole multiples of a grid, and the
threshold lies half way between two grid points. The decay and the gain are chosen so that the
fixed-point machine makes only one error: it rounds one product down, by at most 2**-15 mV. In
floating point, a current below the machine's smallest one adds the mean of that rounding.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...errors import DescriptionError
from .parameters import DenseLiquid

__all__ = ["Lowered", "Weights", "grid_decay", "lower"]

ONE = 1 << 15
"""The number 1.0 in SpiNNaker's fixed point."""

TAU_SYN = 1.0 / 64.0
"""Synaptic time constant, ms: a fraction ``exp(-64)`` of the current remains after a step."""

NA_PER_POINT = 2.0
"""Weight of one grid point, nA: one step of a 16-bit weight with a left shift of 16."""

RING_LIMIT = 1 << 15
"""Limit of the ring buffer for the sum of all weights of a receptor, in grid points."""

_FINE = 32
"""The resistance in fixed point is a multiple of this, so that its products are whole numbers."""

Real = NDArray[np.float64]


class Weights(NamedTuple):
    """Weights of a dense liquid, from row to column, in units of the threshold."""

    input: Real
    """Shape (n_inputs, n_neurons)."""
    recurrent: Real
    """Shape (n_neurons, n_neurons)."""


class Lowered(NamedTuple):
    """A dense liquid as parameters of integrate-and-fire cells."""

    input: NDArray[Any]
    """Input weights in grid points, shape (n_inputs, n_neurons), int16 or float64."""
    recurrent: NDArray[Any]
    """Recurrent weights in grid points, shape (n_neurons, n_neurons), int16 or float64."""
    grid: float
    """Distance of two grid points, in units of the threshold; 0 if there is no grid."""
    keep: float
    """Fraction of the potential that remains after a step."""
    gain: float
    """Potential that a weight of one grid point adds, mV."""
    offset: float
    """Constant input in each step, mV."""
    threshold: float
    """Potential at or above which a cell fires, mV."""
    weight: float
    """Weight of one grid point, nA."""
    capacitance: float
    """Membrane capacitance, nF."""

    @property
    def tau_m(self) -> float:
        """Membrane time constant, ms."""
        return -1.0 / math.log(self.keep)

    @property
    def is_exact(self) -> bool:
        """Whether SpiNNaker's fixed point holds the weights and the decay exactly."""
        return self.grid > 0

    def words(self) -> tuple[int, int, int]:
        """Return the decay, gain and threshold in SpiNNaker's fixed point."""
        gain = round(self.gain * ONE / (1.0 - self.keep))
        return round(self.keep * ONE), gain, round(self.threshold * ONE)

    def cell(self, integrator: str = "spinnaker") -> LIF:
        """Return the cell for a time step of 1 ms, or of 0.5 ms for the integrator "exact".

        The exact integrator adds one step between one cell and the next, so that one step of the
        liquid takes two of its steps.
        """
        resistance = self.tau_m / self.capacitance
        capacitance, current = self.capacitance, self.offset / ((1.0 - self.keep) * resistance)
        if integrator == "exact":
            half, gone = math.sqrt(self.keep), math.exp(-0.5 / TAU_SYN)
            kernel = TAU_SYN * self.tau_m / (self.tau_m - TAU_SYN) * (half - gone)
            capacitance = kernel * self.weight / self.gain
            current = self.offset * capacitance / (self.tau_m * (1.0 - self.keep))
        return LIF(
            tau_m=self.tau_m, cm=capacitance, v_rest=0.0, v_reset=0.0, v_thresh=self.threshold,
            tau_refrac=0.0, tau_syn_E=TAU_SYN, tau_syn_I=TAU_SYN, i_offset=current,
        )  # fmt: skip


def _machine_keep(tau: int) -> float:
    """Return the decay of a step for a fixed-point time constant, before it is truncated."""
    return math.exp(-(ONE * ONE // tau) / ONE) * ONE


def grid_decay(decay: float) -> float:
    """Return the nearest decay that is the same number in floating point and in fixed point.

    It is an odd multiple of 2**-15, so that sums over two steps never equal the threshold. It is
    chosen so that SpiNNaker, which rounds the time constant and the exponential, gets this number.

    Examples
    --------
    >>> grid_decay(0.9) * 2**15
    29491.0
    """
    target = decay * ONE
    odd = sorted(range(1, ONE, 2), key=lambda n: abs(n - target))
    for n in odd[:4000]:
        machine_value = _machine_keep(round(-ONE / math.log(n / ONE)))
        # The exponential on SpiNNaker is up to 0.04 too small.
        if n + 0.05 < machine_value < n + 0.999:
            return n / ONE
    raise DescriptionError(f"DenseLiquid: no fixed-point number is near decay={decay:g}.")


def lower(weights: Weights, liquid: DenseLiquid) -> Lowered:
    """Return the weights and parameters of a dense liquid as parameters of its cells.

    Raises
    ------
    DescriptionError
        If the threshold is too low, compared with the weights, for a grid of 16 bits.
    """
    if liquid.numbers == "float":
        keep, above = liquid.decay, math.nextafter(liquid.threshold, math.inf)
        tau = -1.0 / math.log(keep)
        return Lowered(weights.input, weights.recurrent, 0.0, keep, 1.0, 0.0, above, 1.0,
                       tau * TAU_SYN * (1.0 - keep))  # fmt: skip
    points, units = _on_grid(weights, liquid.threshold)
    keep = grid_decay(liquid.decay)
    tau = -1.0 / math.log(keep)
    # Fixed-point numbers overflow at 2**31, and potentials are subtracted from each other.
    highest = min((1 << 35) // (_fullest(units) + 1), (1 << 31) - 1)
    resistance, capacitance = _whole_resistance(tau, highest)
    gain = (1.0 - keep) * resistance / _FINE / ONE
    threshold = round(gain * (points + 0.5) * ONE) / ONE
    current = 0.5 / ONE / ((1.0 - keep) * resistance / ONE)
    offset = 0.5 / ONE if current < 0.45 / ONE else 0.0
    return Lowered(units[0], units[1], liquid.threshold / (points + 0.5), keep, gain, offset,
                   threshold, NA_PER_POINT, capacitance)  # fmt: skip


def _on_grid(weights: Weights, threshold: float) -> tuple[int, tuple[NDArray[Any], ...]]:
    """Return the number of grid points below the threshold, and the weights in grid points.

    The grid is the finest one for which SpiNNaker's ring buffers do not overflow when all sources
    fire at once.
    """
    bound = max(_bound(weights, sign) for sign in (1, -1))
    points = RING_LIMIT // 4
    if bound > threshold * RING_LIMIT / points:
        points = math.floor(threshold * RING_LIMIT / bound)
    while points >= 1:
        unit = threshold / (points + 0.5)
        units = tuple(np.rint(each / unit) for each in weights)
        if max(_bound(units, sign) for sign in (1, -1)) + 1 < RING_LIMIT:
            return points, tuple(each.astype(np.int16) for each in units)
        points = min(points - 1, int(points * 0.999))
    raise DescriptionError(
        f"LiquidStateMachine: threshold={threshold:g} is too low for weights whose sum reaches "
        f"{bound:g}: 16 bits cannot hold them. Use smaller weights, or numbers='float'."
    )


def _bound(weights: tuple[Any, ...], sign: int) -> float:
    """Return sPyNNaker's upper bound for a receptor: largest weight times most synapses."""
    total = 0.0
    for each in weights:
        signed = sign * each
        count = np.count_nonzero(signed > 0, axis=0).max(initial=0)
        total += float(signed.max(initial=0.0)) * float(count)
    return total


def _fullest(units: tuple[NDArray[Any], ...]) -> int:
    """Return the largest sum of the weights of one sign onto one cell."""
    sums = [
        sum(np.maximum(sign * each.astype(np.int64), 0).sum(axis=0) for each in units)
        for sign in (1, -1)
    ]
    return int(np.max(sums))


def _whole_resistance(tau: float, highest: int) -> tuple[int, float]:
    """Return the largest resistance below a limit that is a multiple of 32 in fixed point.

    The capacitance (nF) that it comes with gives exactly the same resistance in floating point.
    """
    wide = round(tau * ONE) << 15
    for word in range(wide // highest + 1, wide // highest + 100_000):
        resistance = wide // word
        capacitance = tau / (resistance / ONE)
        if resistance % _FINE == 0 and resistance and round(capacitance * ONE) == word:
            return resistance, capacitance
    raise DescriptionError("LiquidStateMachine: no fixed-point capacitance fits this decay.")
