"""Weights, coincidence windows and frame periods of spiking segments, on the target's time grid.

A segment is a leaky integrate-and-fire cell. Each active synapse adds one potential of the same
shape; the weight puts the firing threshold in the middle between theta - 1 and theta of them. The
shape is found by iterating what the target does in a step (``docs/explanation/semantics.md``), not
from its continuous form, so that theta - 1 inputs never fire a cell and theta always do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...checks import Choice, Count, Kind, Quantity, checked
from ...errors import DescriptionError, shown
from ...simulation import INTEGRATORS
from ...units import LARGEST, steps_up
from .arguments import Whole

__all__ = ["coincidence_window", "frame_period", "potential", "segment_weight", "soma_weight"]

SOMA_DRIVE = 1.5
"""Peak that one segment's spike gives the soma, in units of its threshold."""

_SPARE = 0.35
_END = 1e-9
_LONGEST = 2e5
_LONGEST_SEARCH = 2e4
_PEAKS = (1e-9, 1e9)


@dataclass(frozen=True)
class OneCell(Kind):
    """An LIF cell with one value of each parameter, which is silent at rest."""

    def check(self, value: Any, where: str) -> LIF:
        """Return the cell itself."""
        if not isinstance(value, LIF) or any(np.ndim(getattr(value, p)) for p in LIF.units):
            raise DescriptionError(
                f"{where} must be LIF with one value of each parameter, got {shown(value)}."
            )
        if not 0.0 < float(value.v_thresh) - float(value.v_rest) < 1e6:
            raise DescriptionError(
                f"{where} must have v_thresh above v_rest, by less than 1e6 mV, got "
                f"{value.v_thresh} and {value.v_rest} mV."
            )
        return value


Cell = Annotated[LIF, OneCell()]
TimeStep = Annotated[float, Quantity("ms", above=0.0)]
Integrator = Annotated[str, Choice(*INTEGRATORS)]


@checked
def potential(
    cell: Cell, *, dt: TimeStep = 1.0, integrator: Integrator = "spinnaker"
) -> NDArray[np.float64]:
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
        Not a cell, a time step or an integrator; or time constants too long or too short for the
        time step, as that of a cell without a leak.

    Examples
    --------
    >>> cell = LIF(tau_m=10.0, tau_syn_E=2.0)
    >>> float(potential(cell, dt=1.0).max().round(4))
    1.343
    >>> float(potential(cell, dt=0.1, integrator="exact").max().round(4))
    1.3375
    """
    tau_m, tau_s = float(cell.tau_m), float(cell.tau_syn_E)
    if math.isinf(tau_m):
        raise DescriptionError("potential: cell must have a leak: a finite tau_m, got inf ms.")
    _require_steps("potential", cell, dt, _LONGEST)
    hold, fade = math.exp(-dt / tau_m), math.exp(-dt / tau_s)
    if integrator == "spinnaker":
        current, gain = tau_s / dt * (1 - fade), tau_m / float(cell.cm) * (1 - hold)
    else:
        # (hold - fade) / (1 / tau_s - 1 / tau_m), also where the two are equal or nearly so.
        gap = abs(dt / tau_s - dt / tau_m)
        mean = -math.expm1(-gap) / gap if gap else 1.0
        current, gain = 1.0, dt / float(cell.cm) * max(hold, fade) * mean
    values: list[float] = []
    v = peak = 0.0
    while not values or v > _END * peak:
        v = hold * v + gain * current
        current *= fade
        values.append(v)
        peak = max(peak, v)
    if not _PEAKS[0] <= peak <= _PEAKS[1]:
        raise DescriptionError(
            f"potential: one spike of 1 nA must raise cell by {_PEAKS[0]:g} to {_PEAKS[1]:g} mV, "
            f"got {peak:g} mV; dt={dt:g} ms may be too long for its time constants."
        )
    return np.array(values)


def _require_steps(where: str, cell: LIF, dt: float, most: float) -> None:
    longest = max(float(cell.tau_m), float(cell.tau_syn_E))
    if not longest / dt <= most:
        raise DescriptionError(
            f"{where}: dt must be at least {longest / most:g} ms for the time constants of cell, "
            f"got {dt:g} ms: it would take {longest / dt:.3g} steps for each."
        )


@checked
def segment_weight(
    theta: Annotated[Any, Whole()],
    cell: Cell,
    *,
    dt: TimeStep = 1.0,
    integrator: Integrator = "spinnaker",
) -> Any:
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


@checked
def soma_weight(cell: Cell, *, dt: TimeStep = 1.0, integrator: Integrator = "spinnaker") -> float:
    """Weight with which one spike of a segment fires the soma, nA."""
    reach = float(cell.v_thresh) - float(cell.v_rest)
    return SOMA_DRIVE * reach / float(potential(cell, dt=dt, integrator=integrator).max())


@checked
def coincidence_window(
    theta: Annotated[int, Count()],
    cell: Cell,
    *,
    dt: TimeStep = 1.0,
    integrator: Integrator = "spinnaker",
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
    shape = potential(cell, dt=dt, integrator=integrator)
    # At some moment every spike, early or late, still gives so much of its peak.
    need = (theta - 0.5) / theta * float(shape.max()) * (1 + _END)
    # The shape rises to its peak and falls from there: what is above is one piece.
    above = int(np.count_nonzero(shape >= need))
    return round(max(above - 1, 0) * dt, 9)


@checked
def frame_period(
    theta: Annotated[int, Count()],
    cell: Cell,
    *,
    n_synapses: Annotated[int, Count()],
    n_segments: Annotated[int, Count()] = 1,
    window: Annotated[float, Quantity("ms", low=0.0)] = 0.0,
    dt: TimeStep = 1.0,
    integrator: Integrator = "spinnaker",
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
    _require_steps("frame_period", cell, dt, _LONGEST_SEARCH)
    if window / dt > LARGEST:
        raise DescriptionError(f"frame_period: window must be at most {LARGEST} steps of dt={dt:g} "
                               f"ms, got {window:g} ms.")  # fmt: skip
    shape = potential(cell, dt=dt, integrator=integrator)
    shape = shape / shape.max()
    rise = int(np.argmax(shape)) + 1
    spread = int(steps_up(window, dt))
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
