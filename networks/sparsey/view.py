"""The display of hierarchies in a notebook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...display import View
from ...plotting import title
from ...plotting.axes import tidy

if TYPE_CHECKING:
    from .model import Sparsey

__all__ = ["hierarchy_view"]

_COLUMNS = {"macs": "n_macs", "Q": "n_modules", "K": "cells_per_module"}


def hierarchy_view(model: Sparsey) -> View:
    """Return sizes, parameters, and fractions of increased synapses of a hierarchy."""
    facts: dict[str, Any] = {
        "input": " × ".join(map(str, model.input_shape)) + " pixels",
        "learnt": f"{model.n_frames_learnt} frames, {len(model.classes_)} classes",
    }
    names = ("selection", "plasticity", "back_off", "threshold", "readout", "seed")
    facts |= {name: getattr(model, name) for name in names}
    rows = [("level", *_COLUMNS, "inputs of a mac", "active inputs")]
    for k, level in enumerate(model.levels):
        widths = [model.afferents(k, mac).size for mac in range(level.n_macs)]
        sizes = [str(getattr(level, name)) for name in _COLUMNS.values()]
        bounds = f"{level.min_active} to {level.max_active or 'all'}"
        rows.append((str(k), *sizes, _range(widths), bounds))
    return View(facts, {"levels": rows}, partial(_draw_filling, model))


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _draw_filling(model: Sparsey, ax: Any) -> None:
    """Draw a histogram of the fraction of increased synapses of the macs of each level."""
    edges = np.linspace(0.0, 1.0, 21)
    for k, level in enumerate(model.levels):
        bundle = model._tower.states[k].bottom_up
        share = bundle.filled / (bundle.widths * level.cells_per_mac)
        height, _ = np.histogram(share, edges)
        ax.stairs(height / height.sum(), edges, label=f"level {k}")
    ax.set(xlabel="increased synapses of a mac, fraction", ylabel="macs, fraction",
           xlim=(0, 1), ylim=(0, None))  # fmt: skip
    title(ax, "filling of the macs")
    if len(model.levels) > 1:
        ax.legend(frameon=False)
    tidy(ax)
