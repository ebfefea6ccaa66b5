"""The view of a liquid state machine in a notebook."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...display import View
from .bodies import DenseBody
from .model import LiquidStateMachine

__all__ = ["liquid_view"]


def liquid_view(model: LiquidStateMachine) -> View:
    """Return a view with the sizes of a model and the distribution of its weights."""
    facts = model.facts()
    shown = {
        "inputs": model.n_inputs,
        "neurons": model.n_neurons,
        "liquid": facts["liquid"],
        "device": None if model.device is None else type(model.device).__name__,
        "features": f"{model.features} in {model.bins} bins",
        "readout": model.readout,
        "classes": ", ".join(map(str, model.classes_)) or None,
        "trained on": f"{model.n_train} samples" if model.n_train else None,
    }

    def draw(ax: Any) -> None:
        weights = model.weights
        for part, label in ((weights.input, "input"), (weights.recurrent, "recurrent")):
            ax.hist(np.ravel(part), bins=60, histtype="step", label=label)
        ax.set_xlabel("weight (units of the threshold)")
        ax.set_ylabel("synapses")
        ax.legend(frameon=False)

    return View(shown, draw=draw if isinstance(model.body, DenseBody) else None)
