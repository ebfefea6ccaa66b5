"""The view of a continual learner in a notebook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...display import View
from ...plotting import title
from ...plotting.axes import tidy

if TYPE_CHECKING:
    from .model import HLOPClassifier

__all__ = ["learner_view"]


def learner_view(model: HLOPClassifier) -> View:
    """Return a view with the sizes, method, accuracies and weights of a continual learner."""
    facts: dict[str, Any] = {
        "layers": " - ".join(map(str, model.layers)),
        "learnt": f"{model.n_learnt} tasks",
    }
    names = ("method", "trainer", "neuron", "heads", "seed")
    facts |= {name: getattr(model, name) for name in names}
    facts |= {f"{name}, kB": round(size / 1000, 1) for name, size in model.memory_bytes().items()}
    tables: dict[str, list[tuple[str, ...]]] = {}
    if model.matrix_ is not None:
        accuracies = model.R_
        head = ("after task", *(f"on {k}" for k in range(accuracies.shape[1])))
        rows = [(str(k), *map(_per_cent, row)) for k, row in enumerate(accuracies)]
        tables["accuracies, %"] = [head, *rows]
    return View(facts, tables, partial(_draw_weights, model))


def _per_cent(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.1f}"


def _draw_weights(model: HLOPClassifier, ax: Any) -> None:
    """Draw the distribution of the weights of each layer."""
    for k, weights in enumerate(model.weights_):
        height, edges = np.histogram(weights, 40)
        ax.stairs(height / height.sum(), edges, label=f"layer {k + 1}")
    ax.set(xlabel="weight", ylabel="fraction", ylim=(0, None))
    title(ax, "weights of the layers")
    ax.legend(frameon=False)
    tidy(ax)
