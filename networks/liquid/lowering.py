"""The discrete neuron as a leaky integrate-and-fire cell, in numbers that every backend holds.

In the step of ``docs/explanation/semantics.md`` a cell whose synaptic current is gone after one
step computes
``v = keep * v + gain * m``, where m is the sum of the weights that arrive: the discrete neuron.
With ``numbers="spinnaker"`` weights are whole multiples of a grid, the threshold lies half way
between two of its points, and the decay and the gain are such that the fixed-point machine makes
no error but that of one product, which is rounded down by at most one part in 2**15 mV. A current
below the machine's smallest one stands for the mean of that rounding in floating point.
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
"""1.0 in the machine's numbers."""

TAU_SYN = 1.0 / 64.0
"""Decay of the synaptic current, ms: ``exp(-64)`` of it is left after a step."""

NA = 2.0
"""Weight of one point of the grid, nA: with the left shift 16 one step of a 16-bit weight."""

MOST = 1 << 15
"""Sum of all weights of a receptor, in points of the grid, that the ring buffer must hold."""

_FINE = 32
"""The resistance is a multiple of it in the machine's numbers, so that its products are whole."""

Real = NDArray[np.float64]


class Weights(NamedTuple):
    """Weights of a dense liquid, from row to column; in the unit of the threshold."""

    input: Real
    """Shape (n_inputs, n_neurons)."""
    recurrent: Real
    """Shape (n_neurons, n_neurons)."""


class Lowered(NamedTuple):
    """A dense liquid in the numbers of its cells."""

    input: NDArray[Any]
    """Weights in points of the grid, shape (n_inputs, n_neurons): int16, or float64."""
    recurrent: NDArray[Any]
    """The same of the recurrent weights, shape (n_neurons, n_neurons)."""
    grid: float
    """One point of the grid in the unit of the threshold; 0: no grid."""
    keep: float
    """What a step leaves of the potential."""
    gain: float
    """Potential of one point of the grid, mV."""
    offset: float
    """Constant input of a step, mV."""
    threshold: float
    """Potential from which on a cell fires, mV."""
    weight: float
    """Weight of one point of the grid, nA."""
    capacitance: float
    """Of a cell, nF."""

    @property
    def tau_m(self) -> float:
        """Membrane time constant, ms."""
        return -1.0 / math.log(self.keep)

    @property
    def is_exact(self) -> bool:
        """Whether weights and decay are numbers of the fixed-point machine."""
        return self.grid > 0

    def words(self) -> tuple[int, int, int]:
        """Decay, gain and threshold in the machine's numbers."""
        gain = round(self.gain * ONE / (1.0 - self.keep))
        return round(self.keep * ONE), gain, round(self.threshold * ONE)

    def cell(self, integrator: str = "spinnaker") -> LIF:
        """The cell: with a time step of 1 ms, or of 0.5 ms for the integrator "exact".

        The exact integrator adds one step to each hop from cell to cell, so that a step of the
        liquid is two of its own.
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
    """Decay of a step for a time constant in the machine's numbers, before it is cut off."""
    return math.exp(-(ONE * ONE // tau) / ONE) * ONE


def grid_decay(decay: float) -> float:
    """Nearest decay that is the same number in floating point and on the machine.

    It is an odd multiple of 2**-15, so that sums of two steps never meet the threshold, and the
    machine, which rounds the time constant and the exponential, arrives at it without doubt.

    Examples
    --------
    >>> grid_decay(0.9) * 2**15
    29491.0
    """
    wanted = decay * ONE
    odd = sorted(range(1, ONE, 2), key=lambda n: abs(n - wanted))
    for n in odd[:4000]:
        made = _machine_keep(round(-ONE / math.log(n / ONE)))
        # Its exponential is up to 0.04 too small.
        if n + 0.05 < made < n + 0.999:
            return n / ONE
    raise DescriptionError(f"DenseLiquid: decay={decay:g} has no number of the machine near it.")


def lower(weights: Weights, liquid: DenseLiquid) -> Lowered:
    """Weights and parameters of a dense liquid in the numbers of its cells.

    Raises
    ------
    DescriptionError
        The threshold is too low beside the weights for a grid of 16 bits.
    """
    if liquid.numbers == "float":
        keep, above = liquid.decay, math.nextafter(liquid.threshold, math.inf)
        tau = -1.0 / math.log(keep)
        return Lowered(weights.input, weights.recurrent, 0.0, keep, 1.0, 0.0, above, 1.0,
                       tau * TAU_SYN * (1.0 - keep))  # fmt: skip
    points, units = _on_grid(weights, liquid.threshold)
    keep = grid_decay(liquid.decay)
    tau = -1.0 / math.log(keep)
    # The machine's numbers overflow at 2**31, and potentials are subtracted from each other.
    highest = min((1 << 35) // (_fullest(units) + 1), (1 << 31) - 1)
    resistance, capacitance = _whole_resistance(tau, highest)
    gain = (1.0 - keep) * resistance / _FINE / ONE
    threshold = round(gain * (points + 0.5) * ONE) / ONE
    current = 0.5 / ONE / ((1.0 - keep) * resistance / ONE)
    offset = 0.5 / ONE if current < 0.45 / ONE else 0.0
    return Lowered(units[0], units[1], liquid.threshold / (points + 0.5), keep, gain, offset,
                   threshold, NA, capacitance)  # fmt: skip


def _on_grid(weights: Weights, threshold: float) -> tuple[int, tuple[NDArray[Any], ...]]:
    """Points of the grid below the threshold, and the weights in points.

    The grid is the finest whose weights SpiNNaker's ring buffers hold if all sources fire at once.
    """
    bound = max(_bound(weights, sign) for sign in (1, -1))
    points = MOST // 4
    if bound > threshold * MOST / points:
        points = math.floor(threshold * MOST / bound)
    while points >= 1:
        unit = threshold / (points + 0.5)
        units = tuple(np.rint(each / unit) for each in weights)
        if max(_bound(units, sign) for sign in (1, -1)) + 1 < MOST:
            return points, tuple(each.astype(np.int16) for each in units)
        points = min(points - 1, int(points * 0.999))
    raise DescriptionError(
        f"LiquidStateMachine: threshold={threshold:g} is too low beside weights whose sum reaches "
        f"{bound:g}: 16 bits can't hold them; use smaller weights, or numbers='float'."
    )


def _bound(weights: tuple[Any, ...], sign: int) -> float:
    """Largest sum of a receptor as sPyNNaker foresees it: largest weight times most synapses."""
    total = 0.0
    for each in weights:
        signed = sign * each
        count = np.count_nonzero(signed > 0, axis=0).max(initial=0)
        total += float(signed.max(initial=0.0)) * float(count)
    return total


def _fullest(units: tuple[NDArray[Any], ...]) -> int:
    """Largest sum of the weights of one sign onto one cell."""
    sums = [
        sum(np.maximum(sign * each.astype(np.int64), 0).sum(axis=0) for each in units)
        for sign in (1, -1)
    ]
    return int(np.max(sums))


def _whole_resistance(tau: float, highest: int) -> tuple[int, float]:
    """Largest resistance below a limit that is a multiple of 32 in the machine's numbers.

    Returns it with the capacitance (nF) for which floating point has exactly the same one.
    """
    wide = round(tau * ONE) << 15
    for word in range(wide // highest + 1, wide // highest + 100_000):
        resistance = wide // word
        capacitance = tau / (resistance / ONE)
        if resistance % _FINE == 0 and resistance and round(capacitance * ONE) == word:
            return resistance, capacitance
    raise DescriptionError("LiquidStateMachine: no capacitance of the machine fits this decay.")
