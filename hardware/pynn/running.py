"""Run a network that was built with a PyNN simulator, and free the simulator."""

from __future__ import annotations

from typing import Annotated, Any

from ...checks import Quantity, checked
from ...errors import DescriptionError
from ...recording import Recording
from ...units import whole_steps
from . import nest, reading
from .dialects import quiet
from .model import PyNNModel

__all__ = ["end", "read", "run"]


@checked
def run(model: PyNNModel, duration: Annotated[Any, Quantity("ms", above=0.0)]) -> None:
    """Simulate, once.

    Parameters
    ----------
    model : PyNNModel
        From :func:`to_pynn`.
    duration : float
        ms, a multiple of ``dt``.

    Raises
    ------
    DescriptionError
        It has run before, or `duration` is not a positive multiple of ``dt``.
    """
    if model.n_steps:
        raise DescriptionError("run: the model has run before; make a new one with to_pynn.")
    n_steps = whole_steps(duration, model.network.dt, "run: duration")
    with quiet():
        if model.dialect.backend == "pynn:nest":
            model.weights = nest.run(model, n_steps)
        else:
            model.sim.run(duration)
            if not reading.is_virtual(model):
                model.weights = reading.weights(model)
    model.n_steps = n_steps


@checked
def read(model: PyNNModel) -> Recording:
    """Spikes, potentials and final weights of the run, by the clock of the network.

    Raises
    ------
    DescriptionError
        It has not run.
    VirtualRunError
        The simulator, or the machine, only builds and never computes.
    """
    with quiet():
        return reading.recording(model)


@checked
def end(model: PyNNModel) -> None:
    """Free the simulator, and put back what was changed outside it."""
    with quiet():
        model.sim.end()
    while model.undo:
        model.undo.pop()()
