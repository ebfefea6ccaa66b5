"""Panels of liquids and projections in a report: weights, readouts and training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...panels import Curves, Heat, Histogram, Panel, Rows, Series
from .bodies import DenseBody
from .model import LiquidStateMachine
from .projection import ContrastiveProjection

__all__ = ["liquid_panels", "projection_panels"]

_LARGEST_SPECTRUM = 700


def liquid_panels(model: LiquidStateMachine) -> Iterator[Panel]:
    """Yield the readout, the weights and the spectrum of a liquid."""
    if model.is_fitted:
        yield from _readout(model)
    if not isinstance(model.body, DenseBody):
        return
    weights = model.body.weights
    yield Histogram(
        "Weights",
        "How the weights from the input and within the liquid are distributed, in units of the "
        "threshold.",
        {"input": weights.input, "recurrent": weights.recurrent},
        x="weight (threshold)",
    )
    yield Heat(
        "Recurrent weights",
        "Each field is the weight from a neuron (row) to another (column) of the liquid.",
        weights.recurrent,
        x="to neuron",
        y="from neuron",
        value="threshold",
    )
    if model.n_neurons <= _LARGEST_SPECTRUM:
        yield _spectrum(model.n_neurons, weights.recurrent)


def _readout(model: LiquidStateMachine) -> Iterator[Panel]:
    rows = [("readout of", "features", "classes", "penalty", "accuracy on held-out samples")]
    for name, readout in (("the liquid", model.readout_), ("the input alone", model.baseline_)):
        right = readout.held_out_accuracy
        rows.append((name, f"{readout.weights.shape[0]:,}", f"{len(readout.classes)}",
                     f"{readout.strength:.3g}",
                     "not measured" if np.isnan(right) else f"{100 * right:.1f} %"))  # fmt: skip
    yield Rows(
        "Readouts",
        f"The linear readout of the liquid, and the same readout of the input without a liquid, "
        f"each trained on {model.n_train:,} samples.",
        rows,
    )
    yield Heat(
        "Weights of the readout",
        "Each field is the weight of a feature of the liquid (column: bin by bin, one for each "
        "neuron) for a class (row).",
        model.readout_.weights.T,
        x="feature",
        y="class",
        value="weight",
        rows=[str(name) for name in model.classes_],
    )


def _spectrum(n: int, recurrent: np.ndarray) -> Curves:
    values = np.linalg.eigvals(np.asarray(recurrent, dtype=np.float64))
    radius = float(np.abs(values).max(initial=0.0))
    circle = np.linspace(0.0, 2.0 * np.pi, 181)
    return Curves(
        "Spectrum of the recurrent weights",
        f"Each point is one of the {n} eigenvalues of the recurrent weights; the largest has the "
        f"absolute value {radius:.3g} (dashed circle).",
        [
            Series("eigenvalues", values.real, values.imag, style="points"),
            Series("spectral radius", radius * np.cos(circle), radius * np.sin(circle),
                   dashed=True),
        ],
        x="real part",
        y="imaginary part",
        equal=True,
    )  # fmt: skip


def projection_panels(model: ContrastiveProjection) -> Iterator[Panel]:
    """Yield the loss and the weights of both heads."""
    if not model.history.size:
        return
    yield Curves(
        "Loss",
        "Mean loss of each epoch of training: it falls while the projection learns.",
        [Series("loss", np.arange(1, len(model.history) + 1), model.history)],
        x="epoch",
        y="loss",
    )
    heads = {name: head.weights for name, head in model._heads.items() if head.weights.size}
    yield Histogram(
        "Weights of the heads",
        "How the weights that project the features of each modality are distributed.",
        {f"modality {name}": weights for name, weights in heads.items()},
        x="weight",
    )
