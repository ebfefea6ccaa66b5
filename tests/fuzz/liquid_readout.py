"""Good calls of the readouts, the measures and the projection of liquids, to be spoilt."""

from __future__ import annotations

import copy
import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from spikemem.networks import liquid as ls

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(12, 4))
LABELS = [0, 1] * 6
SPIKES = _RNG.random((5, 8, 4)) < 0.4
CODE = ls.ValueCode(n_channels=4, hold=2, n_values=30, n_runs=4, washout=4)
VALUES = _RNG.random((4, 40)) / 2
DIGITS = [0, 1, 1, 0, 1, 0]


def same(spikes: Any) -> Any:
    """A liquid that copies its input."""
    return spikes


def readout() -> Any:
    """A trained readout."""
    return ls.LinearReadout().fit(X, LABELS)


def projection() -> Any:
    """Heads, trained if PyTorch is there."""
    made = ls.ContrastiveProjection(dim=3, epochs=2, batch=6)
    if importlib.util.find_spec("torch") is not None:
        made.fit(X, X[:, :2], LABELS)
    return made


SAMPLES: dict[str, Callable[[], Any]] = {
    "LinearReadout": readout,
    "ContrastiveProjection": projection,
    "ValueCode": lambda: CODE,
}
"""A fresh object of each class."""


def _fixed(values: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    return {name: functools.partial(copy.copy, value) for name, value in values.items()}


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function or method."""
    both = {"states": X, "labels": LABELS, "test_states": X, "test_labels": LABELS, "inputs": X,
            "test_inputs": X}  # fmt: skip
    liquid = {"liquid": same}
    calls: dict[str, dict[str, Any]] = {
        "LinearReadout.fit": {"features": X, "labels": LABELS},
        "LinearReadout.scores": {"features": X},
        "LinearReadout.predict": {"features": X},
        "LinearReadout.score": {"features": X, "labels": LABELS},
        "evaluate_readout": both,
        "ContrastiveProjection": {"dim": 3},
        "ContrastiveProjection.fit": {"a": X, "b": X[:, :2], "labels": LABELS},
        "ContrastiveProjection.transform": {"x": X, "modality": "a"},
        "ContrastiveProjection.retrieve": {"query": X, "pool": X[:, :2], "modality": "a", "n": 1},
        "ContrastiveProjection.retrieval_accuracy": {"a": X, "b": X[:, :2], "labels": LABELS},
        "ValueCode": {"n_values": 30, "washout": 4},
        "ValueCode.encode": {"values": VALUES},
        "spike_features": {"spikes": SPIKES, "bins": 2},
        "low_passed_states": {"spikes": SPIKES, "tau": 3.0, "steps": [0, 7]},
        "class_separation": {"states": X, "labels": LABELS},
        "numerical_rank": {"matrix": X},
        "input_distance": {"u": SPIKES, "v": SPIKES[::-1]},
        "separation": {**liquid, "u": SPIKES, "v": SPIKES[::-1]},
        "kernel_quality": {**liquid, "streams": SPIKES, "step": 3},
        "generalisation_rank": {**liquid, "streams": SPIKES, "n_copies": 4},
        "poisson_streams": {"n_streams": 3, "n_steps": 5, "n_channels": 2},
        "capacity_of": {"states": VALUES[:, :, None], "values": VALUES, "delays": 3},
        "memory_capacity": {**liquid, "delays": 3, "code": CODE},
        "narma10": {"values": VALUES},
        "narma10_score": {**liquid, "code": CODE},
        "parity": {"digits": DIGITS, "n": 2, "delay": 1},
        "parity_score": {**liquid, "n": 2, "code": CODE},
        "match_to_sample": {"digits": DIGITS, "n": 2},
        "match_to_sample_score": {**liquid, "n": 2, "code": CODE},
    }
    return {name: _fixed(values) for name, values in calls.items()}
