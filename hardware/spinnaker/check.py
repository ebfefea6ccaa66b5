"""Checks a network for SpiNNaker: everything that the machine refuses or silently changes."""

from __future__ import annotations

from typing import Annotated, Any

from ...checks import Quantity, checked
from ...errors import DescriptionError, UnsupportedError, unknown_name
from ...network import Network
from ...problem import Problem
from .machine_layout import AskedShifts
from .rules import find_problems
from .view import SMALLEST_STEP, View

__all__ = ["check_spinnaker", "require_mappable"]


@checked
def check_spinnaker(
    network: Network,
    *,
    shifts: AskedShifts | None = None,
    smallest_step: Annotated[float, Quantity(low=0.0)] = SMALLEST_STEP,
) -> list[Problem]:
    """List what SpiNNaker refuses or changes, the most serious problems first.

    Parameters
    ----------
    network : Network
        Network to check.
    shifts : dict of str to (int, int), optional
        Left shifts of the excitatory and inhibitory ring buffers to request from sPyNNaker, by
        population. Default: sPyNNaker's choice, predicted by
        :func:`~spikemem.hardware.spinnaker.machine_layout.ring_buffer_shifts`.
    smallest_step : float
        A pair of spikes that changes a weight by fewer steps than this is reported as an error.

    Returns
    -------
    list of Problem
        Errors, then warnings, then notes.

    Raises
    ------
    DescriptionError
        If `shifts` names an unknown population.
    """
    asked = shifts or {}
    cells = [pop.name for pop in network.populations if not pop.is_source]
    for name in asked:
        if name not in cells:
            raise DescriptionError(f"check: shifts: {unknown_name('population', name, cells)}")
    view = View(network, asked, smallest_step)
    return find_problems(view)


def require_mappable(network: Network, where: str, **options: Any) -> list[Problem]:
    """Raise an error if SpiNNaker cannot run the network; return the warnings and notes."""
    problems = check_spinnaker(network, **options)
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        lines = "".join(f"\n  - {problem.text}" for problem in errors)
        raise UnsupportedError(
            f"{where}: SpiNNaker cannot run this network as it is; {len(errors)} errors:{lines}\n"
            f"Pass force=True to go on anyway."
        )
    return problems
