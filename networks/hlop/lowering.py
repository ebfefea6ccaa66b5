"""Layers of a trained network in numbers that floating point and SpiNNaker's cells both hold.

Weights become whole multiples of a grid. Decays are rounded to those of SpiNNaker, and the
constants of the cells are chosen so that floating point computes with the same numbers. The only
remaining difference is the rounding of products on SpiNNaker, for which :class:`LoweredLayer` has a
bound. See ``docs/explanation/hlop_spikes.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...errors import DescriptionError
from ...fixedpoint import ONE, divide, expk, expulr
from .parameters import CubaNeuron

__all__ = ["Decays", "LoweredLayer", "lower_layer", "machine_decays", "machine_membrane"]

TAU_PULSE = 1.0 / 64.0
"""Time constant of a current that lasts one step, ms: ``exp(-64)`` of it remains after 1 ms."""

FINEST = 1 << 13
"""Largest number of grid points below the threshold."""

COARSEST = 4
"""Smallest number of grid points below the threshold."""

_RING = 1 << 15
"""Limit of the ring buffer of a receptor, in grid points."""

_WIDE = 1 << 30
"""Limit of potentials and sums of currents, in units of 2**-15."""

_U32 = 1 << 32
_UNDERFLOW = -340695
"""Exponent, in units of 2**-15, below which SpiNNaker's exponential is 0."""


class Decays(NamedTuple):
    """Decays of the potential (`p22`) and of the current (`p11`) in a step on SpiNNaker."""

    p22: float
    tau_m: float
    """Membrane time constant, ms, whose decay is `p22` in floating point and on SpiNNaker."""
    p11: float
    """0 if the current lasts one step."""
    tau_syn: float
    """Synaptic time constant, ms."""

    @property
    def is_pulse(self) -> bool:
        """Whether the current lasts one step."""
        return self.p11 == 0.0


class LoweredLayer(NamedTuple):
    """One layer as parameters of its cells; the unit is one grid point.

    It has the constants that :func:`~spikemem.networks.hlop.cuba_step` uses.
    """

    units: NDArray[np.int16]
    """Weights in grid points, shape (n_out, n_in)."""
    unit: float
    """Distance of two grid points, nA, in the scale of the trained weights."""
    decays: Decays
    v_thresh: float
    """Threshold in grid points; no potential equals it."""
    error: float
    """Largest error of a potential on SpiNNaker, in grid points."""
    is_proven: bool
    """Whether this error is too small to change a spike, for any input."""
    gain: float
    """Potential that a weight of one grid point adds, mV."""
    threshold: float
    """Threshold, mV, a multiple of 2**-15."""
    weight: float
    """Weight of one grid point, nA."""
    capacitance: float
    """Membrane capacitance, nF."""

    @property
    def p11(self) -> float:
        """Fraction of the current that remains after a step."""
        return self.decays.p11

    @property
    def p22(self) -> float:
        """Fraction of the potential that remains after a step."""
        return self.decays.p22

    @property
    def p21(self) -> float:
        """Increase of the potential in a step for a current of one grid point, in grid points."""
        return 1.0

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights on the grid in the scale of the trained weights, nA, shape (n_out, n_in)."""
        return self.units.astype(np.float64) * self.unit

    def cell(self, integrator: str = "spinnaker") -> LIF:
        """Return the equivalent cell for a time step of 1 ms."""
        d, capacitance = self.decays, self.capacitance
        if integrator == "exact":
            left = math.exp(-1.0 / d.tau_syn)
            kernel = d.tau_syn * d.tau_m / (d.tau_m - d.tau_syn) * (d.p22 - left)
            capacitance = kernel * self.weight / self.gain
        return LIF(
            tau_m=d.tau_m, cm=capacitance, v_rest=0.0, v_reset=0.0, v_thresh=self.threshold,
            tau_refrac=0.0, tau_syn_E=d.tau_syn, tau_syn_I=d.tau_syn,
        )  # fmt: skip


def machine_decays(neuron: CubaNeuron) -> Decays:
    """Return the decays of a neuron, rounded to those of SpiNNaker.

    A step is 1 ms on every backend, whatever ``neuron.dt`` is.

    Raises
    ------
    DescriptionError
        If SpiNNaker cannot represent a time constant.
    """
    p22, tau_m = machine_membrane(neuron.tau_m / neuron.dt)
    p11, tau_syn = _synapse(neuron.tau_syn / neuron.dt)
    return Decays(p22, tau_m, p11, tau_syn)


def machine_membrane(tau: float) -> tuple[float, float]:
    """Return the nearest decay on SpiNNaker for a time constant (steps), and its time constant.

    Raises
    ------
    DescriptionError
        If there is no such decay.
    """
    nearest = math.exp(-1.0 / tau) * ONE
    for n in sorted(range(max(1, int(nearest) - 9), min(int(nearest) + 10, ONE)),
                    key=lambda n: abs(n - nearest)):  # fmt: skip
        time_constant = -1.0 / math.log(n / ONE)
        word = round(time_constant * ONE)
        if word and expk(-divide(ONE, word)) == n:
            return n / ONE, time_constant
    raise DescriptionError(
        f"HLOPClassifier.build: SpiNNaker has no decay for tau_m={tau:g} steps; use 0.25 to 500."
    )


def _synapse(tau: float) -> tuple[float, float]:
    """Return the decay of a current, and its time constant; below 0.1 ms it lasts one step.

    SpiNNaker's exponential has an error of up to 1.3e-6. Among the exponents within 0.5 % of the
    required one, this chooses the exponent with the smallest error: a time constant that rounds to
    the same number compensates for most of it.
    """
    target = ONE / tau
    if target >= -_UNDERFLOW:
        return 0.0, TAU_PULSE
    near = max(1, round(0.005 * target))
    candidates = [
        _time_constant(n) for n in range(max(1, round(target) - near), round(target) + near)
    ]
    best = min((pair for pair in candidates if pair), default=None)
    if best is None:
        raise DescriptionError(
            f"HLOPClassifier.build: SpiNNaker has no decay for tau_syn={tau:g} steps; use 0 to 500."
        )
    return math.exp(-1.0 / best[1]), best[1]


def _time_constant(n: int) -> tuple[float, float] | None:
    """Return the error of the decay and the time constant for the exponent n / 2**15, or None."""
    first, last = (ONE * ONE) // (n + 1) + 1, (ONE * ONE) // n
    factor = expulr(-n) / _U32
    if last < first or not 0.0 < factor < 1.0:
        return None
    time_constant = min(max(-1.0 / math.log(factor), (first - 0.499) / ONE), (last + 0.499) / ONE)
    return abs(math.exp(-1.0 / time_constant) - factor), time_constant


def lower_layer(weights: NDArray[Any], neuron: CubaNeuron, name: str = "layer") -> LoweredLayer:
    """Return one layer of spiking neurons as parameters of its cells.

    The grid is the finest one whose sums fit into SpiNNaker's ring buffers and potentials. If the
    potential is halved in each step and the current lasts one step, every potential after T steps
    is a multiple of ``2**(1 - T)`` grid points. The grid is then chosen so that the error on
    SpiNNaker is below half of this multiple, which proves that all spikes are the same.

    Parameters
    ----------
    weights : array_like, shape (n_out, n_in)
        Trained weights, nA.
    neuron : CubaNeuron
        Neuron of the layer.
    name : str
        Name of the layer in messages.

    Raises
    ------
    DescriptionError
        If the threshold is too low, compared with the weights, for a grid of 16 bits.
    """
    matrix = np.asarray(weights, dtype=np.float64)
    decays = machine_decays(neuron)
    limit = neuron.v_thresh / neuron.p21
    if decays.is_pulse and decays.p22 == 0.5:
        for points in _grids(matrix, limit):
            layer = _halving(matrix, limit, points, decays, neuron.steps)
            if layer is not None:
                return layer
    for points in _grids(matrix, limit):
        layer = (_pulse if decays.is_pulse else _lasting)(matrix, limit, points, decays)
        if layer is not None:
            return layer
    raise DescriptionError(
        f"HLOPClassifier.build: the weights of {name} are too large for 16 bits with a threshold "
        f"of {neuron.v_thresh:g} mV: one spike of each input reaches "
        f"{float(np.abs(matrix).sum(axis=1).max()) / limit:.3g} times the threshold. Train with a "
        f"higher v_thresh, or with fewer inputs."
    )


def _grids(matrix: NDArray[np.float64], limit: float) -> Sequence[int]:
    """Return the possible numbers of points below the threshold, from fine to coarse."""
    largest = FINEST
    grids = []
    while largest >= COARSEST:
        if _ring_bound(np.rint(matrix * (largest / limit))) < _RING:
            grids.append(largest)
        largest //= 2
    return grids


def _ring_bound(units: NDArray[np.float64]) -> float:
    """Return sPyNNaker's upper bound for a receptor: largest weight times most synapses."""
    bound = 0.0
    for sign in (1, -1):
        count = np.count_nonzero(sign * units > 0, axis=1).max(initial=0)
        bound = max(bound, float((sign * units).max(initial=0.0)) * float(count))
    # Room for the balancing synapse.
    return bound + 2.0


def _fullest(units: NDArray[np.float64]) -> int:
    """Return the largest sum of weights of one sign onto one cell, with the balancing synapse."""
    sums = [np.maximum(sign * units, 0).sum(axis=1).max(initial=0.0) for sign in (1, -1)]
    return int(max(sums)) + 1


def _on_grid(matrix: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    return np.rint(matrix / unit)


def _halving(
    matrix: NDArray[np.float64], limit: float, points: int, decays: Decays, steps: int
) -> LoweredLayer | None:
    """Return a layer whose spikes are proven to be the same, or None if 32 bits are not enough."""
    unit = limit / points
    units = _on_grid(matrix, unit)
    spacing = 2.0 ** (1 - steps)
    match = _resistance(decays.tau_m, _highest(_fullest(units)))
    if match is None:
        return None
    resistance, capacitance = match
    gain = (1.0 - decays.p22) * resistance / 32.0
    # The error is below 2 units of 2**-15, plus 1 from an earlier sample; the threshold is rounded.
    if gain * spacing / 2.0 < 4.0:
        return None
    return _layer_of(units, unit, decays, gain, points + spacing / 2.0, 3.0, capacitance, True, 2.0)


def _pulse(
    matrix: NDArray[np.float64], limit: float, points: int, decays: Decays
) -> LoweredLayer | None:
    """Return a layer whose currents last one step, or None if it does not fit."""
    unit = limit / (points + 0.5)
    units = _on_grid(matrix, unit)
    match = _resistance(decays.tau_m, _highest(_fullest(units)))
    if match is None:
        return None
    resistance, capacitance = match
    gain = (1.0 - decays.p22) * resistance / 32.0
    error = 2.0 + 1.0 / (1.0 - decays.p22)
    return _layer_of(units, unit, decays, gain, points + 0.5, error, capacitance, False, 2.0)


def _lasting(
    matrix: NDArray[np.float64], limit: float, points: int, decays: Decays
) -> LoweredLayer | None:
    """Return a layer whose currents decay over several steps, or None if it does not fit."""
    unit = limit / (points + 0.5)
    units = _on_grid(matrix, unit)
    # If all inputs fire in every step, the current reaches tau_syn times the sum of the weights.
    room = _RING / max(_ring_bound(units), _fullest(units) * max(decays.tau_syn, 1.0))
    if room < 1.0:
        return None
    fullest = _fullest(units) * max(decays.tau_syn, 1.0)
    finest = 1 + math.floor(math.log2(room))
    # A smaller weight needs a larger resistance, which is easier to find but less precise.
    for weight in (2.0**k for k in range(finest, finest - 8, -1)):
        peak = fullest * weight * ONE
        match = _scaled_resistance(decays, _WIDE * ONE / peak)
        if match is not None:
            break
    else:
        return None
    resistance, capacitance = match
    scale, apart = _machine_input(decays)
    gain = (1.0 - decays.p22) * resistance * scale * weight
    # Both receptors are rounded down twice a step, and the decay differs slightly on SpiNNaker.
    current = (2.0 * 2.0 + apart * peak) / (1.0 - decays.p11)
    error = resistance / ONE * current + 3.0 + 2.0 / (1.0 - decays.p22)
    return _layer_of(units, unit, decays, gain, points + 0.5, error, capacitance, False, weight)


def _layer_of(
    units: NDArray[np.float64], unit: float, decays: Decays, gain: float, limit: float,
    error: float, capacitance: float, is_proven: bool, weight: float,
) -> LoweredLayer:  # fmt: skip
    """Make the layer; `gain` and `error` are in units of 2**-15."""
    threshold = round(gain * limit) / ONE
    return LoweredLayer(
        units.astype(np.int16), unit, decays, threshold * ONE / gain, error / gain, is_proven,
        gain / ONE, threshold, weight, capacitance,
    )  # fmt: skip


def _highest(fullest: int) -> int:
    """Return the largest resistance for which differences of potentials fit into 32 bits."""
    return min((1 << 35) // (fullest + 1), (1 << 31) - 1)


def _resistance(tau: float, highest: int) -> tuple[int, float] | None:
    """Return the largest resistance below a limit that is a multiple of 32, and its capacitance."""
    wide = round(tau * ONE) << 15
    first = wide // highest + 1
    for word in range(first, first + 100_000):
        resistance = wide // word
        if not resistance:
            return None
        capacitance = tau / (resistance / ONE)
        if resistance % 32 == 0 and round(capacitance * ONE) == word:
            return resistance, capacitance
    return None


def _machine_input(decays: Decays) -> tuple[float, float]:
    """Return SpiNNaker's scale of an input, and the difference between its decay and `p11`."""
    word = round(decays.tau_syn * ONE)
    factor = expulr(-divide(ONE, word))
    return ((word * (_U32 - 1 - factor)) >> 15) / _U32, abs(factor / _U32 - decays.p11)


def _scaled_resistance(decays: Decays, highest: float) -> tuple[int, float] | None:
    """Return the largest resistance for which floating point has SpiNNaker's scale of input.

    The two scales differ slightly; a capacitance that rounds to the same fixed-point number
    compensates for it.
    """
    wide = round(decays.tau_m * ONE) << 15
    scale, _ = _machine_input(decays)
    exact = -decays.tau_syn * math.expm1(-1.0 / decays.tau_syn)
    first = max(int(wide / highest) + 1, 1)
    for word in range(first, first + 100_000):
        resistance = wide // word
        if not resistance:
            return None
        capacitance = decays.tau_m / (resistance / ONE * (scale / exact))
        if round(capacitance * ONE) == word:
            return resistance, capacitance
    return None
