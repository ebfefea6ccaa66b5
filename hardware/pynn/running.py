"""Runs and reads a network in a PyNN simulator, and frees the simulator."""

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
    """Simulate a model; a model can run once.

    Parameters
    ----------
    model : PyNNModel
        Model that :func:`to_pynn` returned.
    duration : float
        Simulated time, ms; a multiple of ``dt``.

    Raises
    ------
    DescriptionError
        If the model has already run, or `duration` is not a positive multiple of ``dt``.
    """
    if model.n_steps:
        raise DescriptionError("run: the model has already run; make a new one with to_pynn.")
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
    """Return spikes, potentials and final weights of the run; time 0 is the start of the network.

    Raises
    ------
    DescriptionError
        If the model has not run.
    VirtualRunError
        If the simulator or machine builds networks without computing them.
    """
    with quiet():
        return reading.recording(model)


@checked
def end(model: PyNNModel) -> None:
    """Free the simulator, and restore settings that were changed outside it."""
    with quiet():
        model.sim.end()
    while model.undo:
        model.undo.pop()()
