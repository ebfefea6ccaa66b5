"""Frame period and delays of a spiking sequence memory, from the constants of its cells.

Each cell compares what arrives in one step with its threshold, and forgets it before the next
frame. That works for cells whose potential peaks in the step in which the spikes arrive
(:func:`check_detector`). The period is the shortest after which what earlier frames left decides
nothing; the delays are set so that a prediction meets the columns of the next frame.
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
"""Steps: SpiNNaker's ring buffers hold as many at dt = 1 ms, longer delays cost it extra cores."""

SPARE = 0.35
"""Most that earlier frames may leave in a cell, in potentials of one spike; half of one decides."""

FIRST = 1
"""Steps from a column's source to its burst cell, from a burst cell to its cells, and at least of
every other delay."""


class Load(NamedTuple):
    """What can arrive at a cell in one step."""

    threshold: int
    """Spikes that fire it."""
    excited: int
    """Most excitatory spikes."""
    inhibited: int = 0
    """Most inhibitory spikes."""


class Schedule(NamedTuple):
    """When what happens in a frame, and the delays that bring it about, in time steps."""

    period: int
    """From frame to frame."""
    refractory: int
    """For all cells."""
    meeting: int
    """From the beginning of a frame to the step in which its cells decide: the delay from the
    columns to the cells."""
    synapse: int
    """Delay from cells to segments."""
    branch: int
    """Delay from segments to predictions."""
    prediction: int
    """Delay from predictions to cells."""
    veto: int
    """Delay from predictions to burst cells."""


def check_detector(cell: LIF, *, dt: float, integrator: str, where: str) -> None:
    """Raise unless the cell decides on the spikes of one step in that step.

    Raises
    ------
    DescriptionError
        Its constants are arrays, too slow, or not those of a detector; all problems at once.
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
            f"tau_syn_E={cell.tau_syn_E:g} ms with dt={dt:g} ms; take both constants of dt"
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
    """Period and delays with which all cells decide on each frame alone.

    Parameters
    ----------
    loads : iterable of Load
        Of each population.
    cell : LIF
        That passes :func:`check_detector`.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        As :func:`spikemem.simulate`; a hop takes a step more with "exact".
    period : float, optional
        Frame period, ms. Default: the shortest that is safe.
    where : str
        Beginning of the messages.

    Returns
    -------
    Schedule

    Raises
    ------
    DescriptionError
        A period that is off the time grid, too short to forget, or too long for the delays.

    Examples
    --------
    >>> cell = LIF(tau_m=1.0, tau_syn_E=1.0, tau_syn_I=1.0)
    >>> schedule([Load(10, 40)], cell, dt=1.0, integrator="spinnaker", where="example").period
    9
    """
    lag = int(integrator == "exact")
    meeting = 2 * FIRST + lag
    shape = potential(cell, dt=dt, integrator=integrator)
    shape = shape / shape[0]
    fade = math.exp(-dt / float(cell.tau_syn_E))
    # Three hops lead from the cells to those of the next frame; the last one is so long that the
    # veto, which decides a hop earlier, still has a delay.
    shortest = 3 * lag + 2 * FIRST + meeting
    longest = 3 * lag + 3 * LONGEST_DELAY
    safe = shortest
    given = list(loads)
    while safe <= longest and max(_left(load, shape, fade, safe) for load in given) > SPARE:
        safe += 1
    if safe > longest:
        raise DescriptionError(
            f"{where}: frames would have to be more than {longest * dt:g} ms apart for these cells "
            f"to forget them, which needs delays above {LONGEST_DELAY} steps; shorten tau_m and "
            f"tau_syn_E."
        )
    chosen = safe if period is None else int(steps(period, dt))
    if not safe <= chosen <= longest or (
        period is not None and off_grid(np.array([period]), dt)[0]
    ):
        raise DescriptionError(
            f"{where}: period must be a multiple of dt={dt:g} ms from {safe * dt:g} to "
            f"{longest * dt:g} ms, got {period:g}."
        )
    delays = chosen - 3 * lag
    prediction = min(delays - 2 * FIRST, LONGEST_DELAY)
    branch = min(delays - prediction - FIRST, LONGEST_DELAY)
    return Schedule(
        period=chosen, refractory=_refractory(chosen), meeting=meeting,
        synapse=delays - prediction - branch, branch=branch, prediction=prediction,
        veto=prediction - meeting + FIRST,
    )  # fmt: skip


def _refractory(period: int) -> int:
    return period // 2


def _left(load: Load, shape: NDArray[np.float64], fade: float, period: int) -> float:
    """Most that all earlier frames leave in a cell, in potentials of one spike."""
    old = float(shape[period::period].sum())
    quiet = (load.threshold - 1) * old
    # A cell that fires loses its potential, but its current goes on; when the refractory time has
    # passed, what is left must neither fire it again nor reach the next frames.
    rest = _refractory(period) + 1
    after = load.excited * fade**rest
    fired = after * (1.0 + float(shape[period - rest :: period].sum()))
    return max(quiet + fired, load.inhibited * old)
