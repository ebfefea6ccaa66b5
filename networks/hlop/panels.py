"""Panels of a continual learner in a report: accuracies, weights, arrays of its method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...panels import Curves, Heat, Histogram, Panel, Rows, Series

if TYPE_CHECKING:
    from .model import HLOPClassifier

__all__ = ["learner_panels"]

_MOST_TASKS = 30


def learner_panels(model: HLOPClassifier) -> Iterator[Panel]:
    """Yield the accuracies so far, the weights, and the sizes of the arrays that are kept."""
    if model.matrix_ is not None:
        yield from _accuracies(model)
    yield Histogram(
        "Weights of the layers",
        "How the weights of each layer are distributed.",
        {f"layer {k + 1}": weights for k, weights in enumerate(model.weights_)},
        x="weight",
    )
    yield Heat(
        "Weights of the output layer",
        "Each field is the weight from a cell of the last hidden layer (column) to an output "
        "(row).",
        model.weights_[-1],
        x="cell of the last hidden layer",
        y="output",
        value="weight",
    )
    kept = [(name, " × ".join(map(str, array.shape)), f"{array.nbytes / 1000:.1f}")
            for name, array in model.kept_.items()]  # fmt: skip
    if kept:
        yield Rows(
            "What the method keeps",
            "Arrays that protect what was learnt, beside the weights.",
            [("array", "shape", "kB"), *kept],
        )


def _accuracies(model: HLOPClassifier) -> Iterator[Panel]:
    accuracies, matrix = model.R_, model.matrix_
    assert matrix is not None
    tasks = [f"task {k}" for k in range(accuracies.shape[1])]
    yield Heat(
        "Accuracies",
        "Each field is the accuracy (%) on a task (column) after a task was learnt (row).",
        100.0 * accuracies,
        x="tested on",
        y="after learning",
        value="accuracy (%)",
        rows=[f"task {k}" for k in matrix.learnt],
        columns=tasks,
        limits=(0.0, 100.0),
        written=True,
    )
    learnt = np.arange(1, len(accuracies) + 1)
    series = []
    for k, name in enumerate(tasks[:_MOST_TASKS]):
        known = np.isfinite(accuracies[:, k])
        if known.any():
            series.append(Series(name, learnt[known], 100.0 * accuracies[known, k]))
    yield Curves(
        "Forgetting",
        "Accuracy on each task against the number of tasks that were learnt: what falls is "
        "forgotten.",
        series,
        x="tasks learnt",
        y="accuracy (%)",
        y_range=(0.0, 102.0),
    )
    rows = [(name, value if isinstance(value, str) else f"{value:.4g}")
            for name, value in matrix.measures().items()]  # fmt: skip
    yield Rows("Measures", "Summaries of the accuracies above.", [("measure", "value"), *rows])
