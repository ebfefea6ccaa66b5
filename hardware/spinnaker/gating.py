"""Where plasticity windows need no switch, because nothing outside them would change a weight."""

from __future__ import annotations

import math
from typing import Annotated

from ...cells import STDP
from ...checks import Quantity, checked
from ...errors import DescriptionError
from ...units import LARGEST
from .arithmetic import TRACE_ONE

__all__ = ["gating_is_redundant", "trace_reach", "traces_are_short"]

_Time = Annotated[float, Quantity("ms", above=0.0)]


@checked
def trace_reach(tau: _Time, dt: _Time) -> int:
    """Most steps between two spikes at which SpiNNaker's trace is not yet 0.

    sPyNNaker decays its traces by a table of ``floor(exp(-k * dt / tau) * 2048)``; this is the
    largest k with an entry above 0.

    Parameters
    ----------
    tau : float
        Time constant, ms.
    dt : float
        Step, ms.

    Examples
    --------
    >>> trace_reach(0.25, 1.0), trace_reach(20.0, 1.0)
    (1, 152)
    """
    ratio = tau / dt
    if not 0.0 < ratio <= LARGEST:
        raise DescriptionError(
            f"trace_reach: tau must be from 0 to {LARGEST} steps of dt, got tau={tau:g} and "
            f"dt={dt:g} ms."
        )
    reach = int(math.log(TRACE_ONE) * ratio) + 1
    while reach and math.floor(math.exp(-reach * dt / tau) * TRACE_ONE) == 0:
        reach -= 1
    return reach


@checked
def gating_is_redundant(rule: STDP, dt: _Time) -> bool:
    """Whether a plasticity's windows can be left out on SpiNNaker, which cannot switch it.

    That is so if only spikes of the same step or of two steps that follow each other change a
    weight: both traces are 0 two steps after a spike (:func:`trace_reach` is at most 1). What
    it says is about the rule alone. A model that counts on it must keep a pair of spikes one step
    apart, or in one step, for learning: the emulator, which ignores the windows as the board does,
    shows whether a given network does.

    Parameters
    ----------
    rule : STDP
        With or without windows; without, there is nothing to switch.
    dt : float
        Step, ms.

    Examples
    --------
    >>> short = STDP(tau_plus=0.25, tau_minus=0.25, a_plus=6.0, a_minus=6.0, w_max=6.0,
    ...              enabled=[(1.0, 3.0)])
    >>> gating_is_redundant(short, 1.0), gating_is_redundant(short, 0.1)
    (True, False)
    """
    return rule.enabled is None or traces_are_short(rule, dt)


def traces_are_short(rule: STDP, dt: float) -> bool:
    """Whether both traces of a rule are 0 on SpiNNaker two steps of `dt` ms after a spike."""
    return max(trace_reach(rule.tau_plus, dt), trace_reach(rule.tau_minus, dt)) <= 1
