"""Decides whether plasticity windows can be left out on SpiNNaker."""

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
    """Return the largest number of steps after a spike at which SpiNNaker's trace is above 0.

    sPyNNaker decays its traces by a table of ``floor(exp(-k * dt / tau) * 2048)``. The result is
    the largest k with an entry above 0.

    Parameters
    ----------
    tau : float
        Time constant, ms.
    dt : float
        Time step, ms.

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
    """Tell whether plasticity windows can be left out on SpiNNaker, which has no such switch.

    They can be left out if both traces are 0 two steps after a spike (:func:`trace_reach` is at
    most 1), so that only spikes in the same step or in two successive steps change a weight. The
    test considers the rule only. A model that relies on it must not produce such pairs of spikes
    outside learning. The emulator, which ignores the windows as the board does, shows whether a
    network satisfies this.

    Parameters
    ----------
    rule : STDP
        Plasticity rule. The result is True if it has no windows.
    dt : float
        Time step, ms.

    Examples
    --------
    >>> short = STDP(tau_plus=0.25, tau_minus=0.25, a_plus=6.0, a_minus=6.0, w_max=6.0,
    ...              enabled=[(1.0, 3.0)])
    >>> gating_is_redundant(short, 1.0), gating_is_redundant(short, 0.1)
    (True, False)
    """
    return rule.enabled is None or traces_are_short(rule, dt)


def traces_are_short(rule: STDP, dt: float) -> bool:
    """Tell whether both traces of a rule are 0 on SpiNNaker two steps (`dt`, ms) after a spike."""
    return max(trace_reach(rule.tau_plus, dt), trace_reach(rule.tau_minus, dt)) <= 1
