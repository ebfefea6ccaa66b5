"""Panels of a hierarchy in a report: filling of the macs, familiarity, and learnt pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...panels import Curves, Heat, Histogram, Panel, Rows, Series
from .facts import level_facts

if TYPE_CHECKING:
    from .model import Sparsey

__all__ = ["hierarchy_panels"]

_LARGEST = 20_000_000
"""Largest number of synapses of the lowest level for which the pixels are drawn."""


def hierarchy_panels(model: Sparsey) -> Iterator[Panel]:
    """Yield sizes, filling, familiarity, and the pixels that were seen."""
    yield _sizes(model)
    shares = {}
    for k, level in enumerate(model.levels):
        bundle = model._tower.states[k].bottom_up
        shares[f"level {k}"] = bundle.filled / np.maximum(bundle.widths * level.cells_per_mac, 1)
    yield Histogram(
        "How full the macs are",
        "Fraction of the synapses of each mac that are increased: a full mac cannot tell its "
        "inputs apart.",
        shares,
        x="increased synapses (fraction)",
    )
    if len(model.familiarity_):
        yield _familiarity(model)
    yield from _pixels(model)


def _sizes(model: Sparsey) -> Rows:
    rows = [("level", "macs", "modules of a mac", "cells of a module", "synapses", "increased",
             "frozen cells")]  # fmt: skip
    for k in range(len(model.levels)):
        found = level_facts(model._tower, k)
        rows.append(
            (str(k), f"{found['n_macs']:,}", f"{found['n_modules']}",
             f"{found['cells_per_module']}", f"{found['n_synapses']:,}",
             f"{100 * found['increased']:.1f} %", f"{100 * found['frozen_cells']:.1f} %")
        )  # fmt: skip
    return Rows("Synapses of the levels", "Sizes of each level, and how many synapses are used.",
                rows)  # fmt: skip


def _familiarity(model: Sparsey) -> Curves:
    frames = np.arange(len(model.familiarity_))
    return Curves(
        "Familiarity while learning",
        "Mean familiarity of the active macs of each level when each frame was learnt (0: new, 1: "
        "known).",
        [Series(f"level {k}", frames, model.familiarity_[:, k])
         for k in range(model.familiarity_.shape[1])],
        x="frame",
        y="familiarity",
        y_range=(-0.02, 1.02),
    )  # fmt: skip


def _pixels(model: Sparsey) -> Iterator[Panel]:
    """Yield a picture of the number of increased synapses from each pixel."""
    shape, level = model.input_shape, model.levels[0]
    bundle = model._tower.states[0].bottom_up
    if len(shape) != 2 or int(bundle.widths.sum()) * level.cells_per_mac > _LARGEST:
        return
    total = np.zeros(int(np.prod(shape)))
    for mac in range(level.n_macs):
        at = model.afferents(0, mac)
        if at.size and at.max() >= total.size:  # several channels for each pixel
            return
        np.add.at(total, at, (model.weights(0, mac) > 0).sum(axis=(0, 1)))
    yield Heat(
        "Pixels that were learnt",
        "Each field is a pixel of the input; its value is the number of increased synapses from "
        "it.",
        total.reshape(shape),
        x="column",
        y="row",
        value="synapses",
    )
