"""Frame period and delays of a spiking sequence memory, computed from the constants of its cells.

Each cell compares the spikes that arrive in one step with its threshold, and its potential decays
before the next frame. This works for cells whose potential peaks in the step in which the spikes
arrive (:func:`check_detector`). The period is the shortest after which earlier frames no longer
change the result. The delays bring a prediction to the columns of the next frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...errors import DescriptionError, Problems
from ...units import off_grid, steps
from .timing import potential

__all__ = ["LONGEST_DELAY", "Load", "Schedule", "check_detector", "schedule"]

LONGEST_DELAY = 16
"""Longest delay, steps: the size of SpiNNaker's ring buffers at dt = 1 ms. Longer delays need extra
cores."""

MOST_RESIDUE = 0.35
"""Largest potential from earlier frames, in potentials of one spike; 0.5 would change a result."""

HOP = 1
"""Delay from a column's source to its burst cell and from a burst cell to its cells, and shortest
other delay, steps."""


class Load(NamedTuple):
    """The spikes that can arrive at a cell in one step."""

    threshold: int
    """Number of spikes that fire it."""
    excited: int
    """Largest number of excitatory spikes."""
    inhibited: int = 0
    """Largest number of inhibitory spikes."""


class Schedule(NamedTuple):
    """Times within a frame, and delays, in time steps."""

    period: int
    """Time between frames."""
    refractory: int
    """Refractory time of all cells."""
    meeting: int
    """Time from the beginning of a frame until its cells fire: the delay from columns to cells."""
    synapse: int
    """Delay from cells to segments."""
    branch: int
    """Delay from segments to predictions."""
    prediction: int
    """Delay from predictions to cells."""
    veto: int
    """Delay from predictions to burst cells."""


def check_detector(cell: LIF, *, dt: float, integrator: str, where: str) -> None:
    """Raise an error unless the cell responds to the spikes of one step in the same step.

    Raises
    ------
    DescriptionError
        If its constants are arrays, too slow, or not those of a detector; the message lists all
        problems.
    """
    problems = Problems(where)
    arrays = [name for name in LIF.units if np.ndim(getattr(cell, name))]
    if arrays:
        problems.add(f"cell must have one value of {', '.join(arrays)} for all cells")
        problems.raise_if_any()
    if cell.v_reset != cell.v_rest:
        problems.add(f"cell.v_reset must be v_rest={cell.v_rest:g} mV, got {cell.v_reset:g}")
    is_silent = 0.0 < float(cell.v_thresh) - float(cell.v_rest) < 1e6
    if not is_silent:
        problems.add(f"cell.v_thresh must be above v_rest={cell.v_rest:g} mV, by less than 1e6 mV, "
                     f"got {cell.v_thresh:g}")  # fmt: skip
    if cell.current is not None or cell.i_offset != 0:
        got = "a StepCurrent" if cell.current is not None else f"{cell.i_offset:g}"
        problems.add(f"cell.i_offset must be 0 nA, got {got}")
    if cell.tau_syn_I != cell.tau_syn_E:
        problems.add(
            f"cell.tau_syn_I must be tau_syn_E={cell.tau_syn_E:g} ms, so that one inhibitory spike "
            f"cancels one excitatory spike, got {cell.tau_syn_I:g}"
        )
    if is_silent and potential(cell, dt=dt, integrator=integrator).argmax() > 0:
        problems.add(
            f"cell must have its peak in the step in which spikes arrive: exp(-dt/tau_m) + "
            f"exp(-dt/tau_syn_E) must be at most 1, got tau_m={cell.tau_m:g} and "
            f"tau_syn_E={cell.tau_syn_E:g} ms with dt={dt:g} ms; set both constants to dt"
        )
    problems.raise_if_any()


def schedule(
    loads: Iterable[Load],
    cell: LIF,
    *,
    dt: float,
    integrator: str,
    period: float | None = None,
    where: str,
) -> Schedule:
    """Return the period and delays with which all cells respond to each frame alone.

    Parameters
    ----------
    loads : iterable of Load
        Largest numbers of spikes at the cells of each population.
    cell : LIF
        Cell that passes :func:`check_detector`.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        As for :func:`spikemem.simulate`; each transmission takes one more step with "exact".
    period : float, optional
        Frame period, ms. Default: the shortest that is safe.
    where : str
        Beginning of error messages.

    Returns
    -------
    Schedule

    Raises
    ------
    DescriptionError
        If the period is not a multiple of `dt`, too short for the potentials to decay, or too long
        for the delays.

    Examples
    --------
    >>> cell = LIF(tau_m=1.0, tau_syn_E=1.0, tau_syn_I=1.0)
    >>> schedule([Load(10, 40)], cell, dt=1.0, integrator="spinnaker", where="example").period
    9
    """
    lag = int(integrator == "exact")
    meeting = 2 * HOP + lag
    shape = potential(cell, dt=dt, integrator=integrator)
    shape = shape / shape[0]
    fade = math.exp(-dt / float(cell.tau_syn_E))
    # Three transmissions lead from the cells to those of the next frame. The last delay is so long
    # that the veto, which arrives one transmission earlier, still has a delay.
    shortest = 3 * lag + 2 * HOP + meeting
    longest = 3 * lag + 3 * LONGEST_DELAY
    safe = shortest
    load_list = list(loads)

    def is_safe(period: int) -> bool:
        return max(_residue(load, shape, fade, period) for load in load_list) <= MOST_RESIDUE

    while safe <= longest and not is_safe(safe):
        safe += 1
    if safe > longest:
        raise DescriptionError(
            f"{where}: the potentials of these cells take more than {longest * dt:g} ms to decay "
            f"between frames, which needs delays above {LONGEST_DELAY} steps; shorten tau_m and "
            f"tau_syn_E."
        )
    period_steps = safe if period is None else int(steps(period, dt))
    if not safe <= period_steps <= longest or (
        period is not None and off_grid(np.array([period]), dt)[0]
    ):
        raise DescriptionError(
            f"{where}: period must be a multiple of dt={dt:g} ms from {safe * dt:g} to "
            f"{longest * dt:g} ms, got {period:g}."
        )
    delays = period_steps - 3 * lag
    prediction = min(delays - 2 * HOP, LONGEST_DELAY)
    branch = min(delays - prediction - HOP, LONGEST_DELAY)
    return Schedule(
        period=period_steps, refractory=_refractory(period_steps), meeting=meeting,
        synapse=delays - prediction - branch, branch=branch, prediction=prediction,
        veto=prediction - meeting + HOP,
    )  # fmt: skip


def _refractory(period: int) -> int:
    return period // 2


def _residue(load: Load, shape: NDArray[np.float64], fade: float, period: int) -> float:
    """Return the largest potential from all earlier frames, in potentials of one spike."""
    old = float(shape[period::period].sum())
    quiet = (load.threshold - 1) * old
    # A spike resets the potential of a cell, but not its current. After the refractory time, the
    # remaining current must neither fire the cell again nor change the next frames.
    rest = _refractory(period) + 1
    after = load.excited * fade**rest
    fired = after * (1.0 + float(shape[period - rest :: period].sum()))
    return max(quiet + fired, load.inhibited * old)
