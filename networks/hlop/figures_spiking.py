"""Figure of the spikes of one sample in a trained network."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ...checks import AnyValue, Instance, checked
from ...errors import DescriptionError
from ...plotting import COLORS, new_panels, title
from ...plotting.kinds import Axes
from ...simulation import simulate
from .spiking import SpikingClassifier, spikes_of_input

__all__ = ["digit_raster"]


@checked
def digit_raster(
    model: Annotated[SpikingClassifier, Instance(SpikingClassifier)],
    sample: Annotated[Any, AnyValue()],
    *,
    backend: str = "native",
) -> list[Axes]:
    """Draw the spikes of the input and of each hidden layer for one sample, and the outputs.

    Parameters
    ----------
    model : HLOPClassifier
        Model with a :class:`CubaNeuron`.
    sample : array_like, shape (n_inputs,)
        Values from 0 to 1.
    backend : str
        Backend that simulates the network.

    Returns
    -------
    list of Axes
        Panels of the input, the hidden layers, and the outputs. The outputs at each step are those
        of a sample that ends there.

    Raises
    ------
    DescriptionError
        If `sample` is not one sample.
    UnsupportedError
        If the model has no spiking form.
    """
    x = np.asarray(sample) if isinstance(sample, list | tuple | np.ndarray) else None
    if x is None or x.ndim != 1:
        raise DescriptionError("digit_raster: sample must be one row of values, 0 to 1.")
    rows: Any = x[None]
    recording = simulate(model.build(rows), backend=backend)
    hidden = model.recorded_spikes(recording, rows)
    panels = new_panels(7.0, 1.5 * len(hidden) + 3.2, rows=len(hidden) + 2)
    layers = [spikes_of_input(model, rows), *hidden]
    names = ["input", *(f"hidden {k + 1}" for k in range(len(hidden)))]
    for axes, spikes, name in zip(panels, layers, names, strict=False):
        step, cell = np.nonzero(spikes[:, 0])
        color = COLORS[0 if name == "input" else 2]
        axes.plot(step, cell, "|", color=color, markersize=4, markeredgewidth=1.2)
        axes.set_ylim(-1, spikes.shape[2])
        axes.set_ylabel(name + "\ncell")
    _outputs(panels[-1], model, hidden[-1][:, 0])
    for axes in panels:
        axes.set_xlim(-0.5, len(hidden[0]) - 0.2)
    title(panels[0], "spikes of one sample in a trained network")
    return panels


def _outputs(axes: Axes, model: SpikingClassifier, spikes: Any) -> None:
    weights = model._learnt.weights[-1].astype(float)
    outputs = np.cumsum(spikes, axis=0) @ weights.T / len(spikes)
    best = int(outputs[-1].argmax())
    for k, line in enumerate(outputs.T):
        axes.plot(line, color=COLORS[1] if k == best else "0.75", zorder=2 if k == best else 1)
    axes.annotate(f"{best}", (len(spikes) - 1, outputs[-1, best]), xytext=(4, 0),
                  textcoords="offset points", va="center", color=COLORS[1])  # fmt: skip
    axes.set_ylabel("outputs\nW · counts / T")
    axes.set_xlabel("time (ms)")
