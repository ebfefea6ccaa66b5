"""Weights, coincidence windows and frame periods of spiking segments, on the backend's time grid.

A segment is a leaky integrate-and-fire cell. Each active synapse adds one potential of the same
shape. The weight puts the firing threshold midway between theta - 1 and theta such potentials. The
shape is computed by iterating the backend's time step (``docs/explanation/semantics.md``), not
from its continuous form. So theta - 1 inputs never fire a cell, and theta inputs always do.
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
"""Peak potential of the soma after one spike of a segment, in units of its threshold."""

_SPARE = 0.35
_END = 1e-9
_LONGEST = 2e5
_LONGEST_SEARCH = 2e4
_PEAKS = (1e-9, 1e9)


@dataclass(frozen=True)
class OneCell(Kind):
    """An LIF cell with one value of each parameter that is silent at rest."""

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
    """Return the potential that one spike through a synapse of 1 nA adds in each step.

    Parameters
    ----------
    cell : LIF
        Cell with scalar parameters.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        As for :func:`spikemem.simulate`.

    Returns
    -------
    ndarray of float64, shape (n_steps,)
        Potential above rest, mV, until it has decayed. Entry k is compared with the threshold in
        the k-th step after the arrival.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or the time constants are too long or too short for the time
        step (a cell without a leak has an infinite one).

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
        # (hold - fade) / (1 / tau_s - 1 / tau_m), also for equal or nearly equal constants.
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
            f"got {dt:g} ms, with which a potential takes {longest / dt:.3g} steps to decay."
        )


@checked
def segment_weight(
    theta: Annotated[Any, Whole()],
    cell: Cell,
    *,
    dt: TimeStep = 1.0,
    integrator: Integrator = "spinnaker",
) -> Any:
    """Return the weight with which `theta` coincident spikes fire a cell, but ``theta - 1`` do not.

    Parameters
    ----------
    theta : int or array of int
        Threshold.
    cell, dt, integrator
        As for :func:`potential`.

    Returns
    -------
    float or ndarray
        Weight by the midpoint rule, nA.

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
    """Return the weight with which one spike of a segment fires the soma, nA."""
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
    """Return the longest time over which `theta` spikes can spread and still fire a cell.

    Parameters
    ----------
    theta, cell, dt, integrator
        As for :func:`segment_weight`.

    Returns
    -------
    float
        Time from the first to the last arrival, ms, a multiple of `dt`. 0 if all spikes must arrive
        in the same step.

    Raises
    ------
    DescriptionError
        If `theta` is not an integer.

    Examples
    --------
    >>> coincidence_window(12, LIF(tau_m=10.0, tau_syn_E=2.0), dt=0.1, integrator="exact")
    2.6
    """
    shape = potential(cell, dt=dt, integrator=integrator)
    # There must be a moment at which every spike contributes at least this potential.
    need = (theta - 0.5) / theta * float(shape.max()) * (1 + _END)
    # The shape rises to its peak and then falls, so the steps above are consecutive.
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
    """Return the time between frames after which earlier frames no longer change the result.

    Parameters
    ----------
    theta, cell, dt, integrator
        As for :func:`segment_weight`. Cells are assumed to be refractory for half the period.
    n_synapses : int
        Largest number of synapses of a segment.
    n_segments : int
        Largest number of segments of a soma.
    window : float
        Time over which the spikes of a frame are spread, ms.

    Returns
    -------
    float
        Frame period, ms, a multiple of `dt`.

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
        # In units of one input spike: the current after the refractory time, and the remaining
        # potential of frames just below threshold in the next frames.
        after = n_synapses * fade ** (period // 2 - spread - 1)
        soma = SOMA_DRIVE * n_segments * fade ** max(period // 2 - late, 0)
        old = shape[np.arange(period - spread - 1, shape.size, period)].sum()
        old_after = shape[np.arange(max(rest, rise), shape.size, period)].sum()
        left = (theta - 1) * old + after * old_after
        if left <= _SPARE and after <= _SPARE * (theta - 0.5) and soma <= _SPARE:
            return round(period * dt, 9)
