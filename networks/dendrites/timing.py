"""Weights, coincidence windows and frame periods of spiking segments, on the target's time grid.

A segment is a leaky integrate-and-fire cell. Each active synapse adds one potential of the same
shape; the weight puts the firing threshold in the middle between theta - 1 and theta of them. The
shape is found by iterating what the target does in a step (``docs/semantics.md``), not from its
continuous form, so that theta - 1 inputs never fire a cell and theta always do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...errors import DescriptionError
from ...simulation import INTEGRATORS
from ...units import to_choice, to_float, to_int

__all__ = ["coincidence_window", "frame_period", "potential", "segment_weight", "soma_weight"]

SOMA_DRIVE = 1.5
"""Peak that one segment's spike gives the soma, in units of its threshold."""

_SPARE = 0.35
_END = 1e-9


def potential(cell: LIF, *, dt: float = 1.0, integrator: str = "spinnaker") -> NDArray[np.float64]:
    """Potential that one spike through a synapse of 1 nA adds, step by step.

    Parameters
    ----------
    cell : LIF
        With scalar parameters.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        As :func:`spikemem.simulate`.

    Returns
    -------
    ndarray of float64, shape (n_steps,)
        mV above rest; entry k is the one that is compared with the threshold in the k-th step
        after the arrival, until it has decayed.

    Raises
    ------
    DescriptionError
        Not a time step or an integrator, or a cell without a leak: its potential never decays.

    Examples
    --------
    >>> cell = LIF(tau_m=10.0, tau_syn_E=2.0)
    >>> float(potential(cell, dt=1.0).max().round(4))
    1.343
    >>> float(potential(cell, dt=0.1, integrator="exact").max().round(4))
    1.3375
    """
    step = to_float(dt, "ms", "potential: dt")
    if step <= 0:
        raise DescriptionError(f"potential: dt must be > 0 ms, got {step:g}.")
    to_choice(integrator, "potential: integrator", INTEGRATORS)
    tau_m, tau_s = float(cell.tau_m), float(cell.tau_syn_E)
    if math.isinf(tau_m):
        raise DescriptionError("potential: cell must have a leak: a finite tau_m, got inf ms.")
    resistance = tau_m / float(cell.cm)
    hold, fade = math.exp(-step / tau_m), math.exp(-step / tau_s)
    if integrator == "spinnaker":
        current, gain = tau_s / step * (1 - fade), resistance * (1 - hold)
    elif abs(tau_m - tau_s) < _END * tau_m:
        current, gain = 1.0, step / float(cell.cm) * hold
    else:
        current, gain = 1.0, resistance * tau_s / (tau_m - tau_s) * (hold - fade)
    values: list[float] = []
    v = peak = 0.0
    while not values or v > _END * peak:
        v = hold * v + gain * current
        current *= fade
        values.append(v)
        peak = max(peak, v)
    return np.array(values)


def segment_weight(theta: Any, cell: LIF, *, dt: float = 1.0, integrator: str = "spinnaker") -> Any:
    """Weight with which `theta` coincident spikes fire a cell and ``theta - 1`` do not.

    Parameters
    ----------
    theta : int or array of int
        Threshold.
    cell, dt, integrator
        As :func:`potential`.

    Returns
    -------
    float or ndarray
        nA, the midpoint rule.

    Examples
    --------
    >>> cell = LIF(tau_m=10.0, tau_syn_E=2.0)
    >>> float(segment_weight(12, cell, dt=0.1, integrator="exact").round(4))
    0.9752
    """
    reach = float(cell.v_thresh) - float(cell.v_rest)
    peak = float(potential(cell, dt=dt, integrator=integrator).max())
    return reach / ((np.asarray(theta) - 0.5) * peak)[()]


def soma_weight(cell: LIF, *, dt: float = 1.0, integrator: str = "spinnaker") -> float:
    """Weight with which one spike of a segment fires the soma, nA."""
    reach = float(cell.v_thresh) - float(cell.v_rest)
    return SOMA_DRIVE * reach / float(potential(cell, dt=dt, integrator=integrator).max())


def coincidence_window(
    theta: int, cell: LIF, *, dt: float = 1.0, integrator: str = "spinnaker"
) -> float:
    """Longest time over which `theta` spikes may be spread, in any way, and still fire a cell.

    Parameters
    ----------
    theta, cell, dt, integrator
        As :func:`segment_weight`.

    Returns
    -------
    float
        ms, a multiple of `dt`: the last arrival less the first. 0 if they must come together.

    Raises
    ------
    DescriptionError
        Not integers.

    Examples
    --------
    >>> coincidence_window(12, LIF(tau_m=10.0, tau_syn_E=2.0), dt=0.1, integrator="exact")
    2.6
    """
    low = to_int(theta, "coincidence_window: theta")
    shape = potential(cell, dt=dt, integrator=integrator)
    # At some moment every spike, early or late, still gives so much of its peak.
    need = (low - 0.5) / low * float(shape.max()) * (1 + _END)
    wide = 0
    while np.any(np.minimum(shape[wide + 1 :], shape[: -wide - 1]) >= need):
        wide += 1
    return round(wide * dt, 9)


def frame_period(
    theta: int,
    cell: LIF,
    *,
    n_synapses: int,
    n_segments: int = 1,
    window: float = 0.0,
    dt: float = 1.0,
    integrator: str = "spinnaker",
) -> float:
    """Time from frame to frame after which what is left of earlier ones decides nothing.

    Parameters
    ----------
    theta, cell, dt, integrator
        As :func:`segment_weight`. Cells are taken to be refractory for half the period.
    n_synapses : int
        Most synapses of a segment.
    n_segments : int
        Most segments of a soma.
    window : float
        Time over which the spikes of a frame are spread, ms.

    Returns
    -------
    float
        ms, a multiple of `dt`.

    Examples
    --------
    >>> frame_period(12, LIF(tau_m=10.0, tau_syn_E=2.0), n_synapses=24)
    42.0
    """
    shape = potential(cell, dt=dt, integrator=integrator)
    shape = shape / shape.max()
    rise = int(np.argmax(shape)) + 1
    spread = math.ceil(window / dt - 1e-9)
    late = spread + 2 * rise + 2
    fade = math.exp(-dt / float(cell.tau_syn_E))
    period = 2 * late
    while True:
        period += 2
        rest = period // 2 - late
        # In units of one input spike: what the current does after the refractory time, and what
        # the potential of a frame just below threshold still is, in the next frames.
        after = n_synapses * fade ** (period // 2 - spread - 1)
        soma = SOMA_DRIVE * n_segments * fade ** max(period // 2 - late, 0)
        old = shape[np.arange(period - spread - 1, shape.size, period)].sum()
        old_after = shape[np.arange(max(rest, rise), shape.size, period)].sum()
        left = (theta - 1) * old + after * old_after
        if left <= _SPARE and after <= _SPARE * (theta - 0.5) and soma <= _SPARE:
            return round(period * dt, 9)
