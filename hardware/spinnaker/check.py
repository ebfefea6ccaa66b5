"""Check a network for SpiNNaker: everything that the machine would refuse or silently change."""

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
    """List what SpiNNaker would refuse or change, the worst first.

    Parameters
    ----------
    network : Network
        What is to run there.
    shifts : dict of str to (int, int), optional
        Left shifts of the excitatory and inhibitory ring buffers that sPyNNaker is asked for, by
        population. Default: those that it chooses, predicted by
        :func:`~spikemem.hardware.spinnaker.machine_layout.ring_buffer_shifts`.
    smallest_step : float
        It is an error if a pair of spikes changes a weight by less than this number of steps.

    Returns
    -------
    list of Problem
        Errors, warnings, notes; in this order.
    """
    asked = shifts or {}
    cells = [pop.name for pop in network.populations if not pop.is_source]
    for name in asked:
        if name not in cells:
            raise DescriptionError(f"check: shifts: {unknown_name('population', name, cells)}")
    view = View(network, asked, smallest_step)
    return find_problems(view)


def require_mappable(network: Network, where: str, **options: Any) -> list[Problem]:
    """Raise unless SpiNNaker can hold the network; give the warnings and notes."""
    problems = check_spinnaker(network, **options)
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        lines = "".join(f"\n  - {problem.text}" for problem in errors)
        raise UnsupportedError(
            f"{where}: SpiNNaker cannot run this network as it is; {len(errors)} errors:{lines}\n"
            f"Pass force=True to go on anyway."
        )
    return problems
