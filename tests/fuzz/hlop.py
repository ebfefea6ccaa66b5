"""Good calls of the continual learners, to be spoilt."""

from __future__ import annotations

import copy
import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from spikemem.networks import hlop as hl

HAS_TORCH = importlib.util.find_spec("torch") is not None
_RNG = np.random.default_rng(0)
X = _RNG.random((12, 5))
LABELS = [0, 1, 2] * 4
NEURON = hl.CubaNeuron(steps=4)


@functools.cache
def _learner() -> Any:
    ranks = hl.Ranks(first=(1, 1), further=((1, 1),))
    made = hl.HLOPClassifier((5, 6, 3), trainer="bptt", neuron=NEURON, ranks=ranks, batch=4)
    return made.learn_task(X, LABELS, test=[(X, LABELS)])


def learner() -> Any:
    """A classifier of spikes that has learnt one task."""
    return copy.deepcopy(_learner())


def subspace() -> Any:
    """A subspace with two frozen rows and one that learns."""
    return hl.Subspace(5).grow(2).freeze().grow(1)


def module() -> Any:
    """A small module of PyTorch."""
    from torch import nn

    return nn.Sequential(nn.Linear(5, 4, bias=False), nn.Linear(4, 2, bias=False))


def projections() -> Any:
    """Subspaces of that module."""
    return hl.attach(module(), ranks=hl.Ranks(first=(1, 1), further=((1, 1),)))


SAMPLES: dict[str, Callable[[], Any]] = {
    "AccuracyMatrix": lambda: hl.AccuracyMatrix([[0.5, 0.6]]),
    "CubaNeuron": lambda: NEURON,
    "Ranks": lambda: hl.Ranks(first=(1, 1), further=((1, 1),)),
}
"""A fresh object of each class."""

if HAS_TORCH:
    SAMPLES |= {
        "HLOPClassifier": learner,
        "Projections": projections,
        "SVDSubspace": lambda: hl.SVDSubspace(5).grow(1),
        "Subspace": subspace,
    }


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function or method."""
    pair = {"x": X, "y": LABELS}
    both = {"arrays": {}}
    matrix = SAMPLES["AccuracyMatrix"]()
    calls: dict[str, dict[str, Any]] = {
        "AccuracyMatrix": {"R": [[0.5, 0.6]]},
        "AccuracyMatrix.with_row": {"row": [0.5, 0.6], "task": 0},
        "over_seeds": {"matrices": [matrix]},
        "cuba_step": {"v": np.zeros(2), "i": np.zeros(2), "drive": np.ones(2), "neuron": NEURON},
        "HLOPClassifier": {"layers": (5, 6, 3)},
        "HLOPClassifier.learn_task": {**pair, "test": [(X, LABELS)] * 2},
        "HLOPClassifier.predict": {"x": X},
        "HLOPClassifier.decision_function": {"x": X},
        "HLOPClassifier.score": pair,
        "Ranks": {"first": (1, 1), "further": ((1, 1),)},
        "Ranks.scaled": {"sizes": (5, 6)},
        "Subspace": {"size": 5},
        "SVDSubspace": {"size": 5, "samples": 10},
        "Subspace.restore": both,
        "SVDSubspace.restore": both,
        "Projections.restore": both,
        "CubaNeuron": {"tau_m": 10.0, "tau_syn": 5.0},
    }
    for name in ("Subspace", "SVDSubspace"):
        calls[f"{name}.grow"] = {"n": 0}
        for method in ("update", "energy"):
            calls[f"{name}.{method}"] = {"traces": X}
        calls[f"{name}.project"] = {"rows": X}
    if HAS_TORCH:
        calls["Projections"] = {"attached": projections().attached}
        calls["attach"] = {"module": module(), "ranks": SAMPLES["Ranks"]()}
    return {
        name: {key: functools.partial(copy.copy, value) for key, value in values.items()}
        for name, values in calls.items()
    }


LEFT_OUT = {
    f"spikemem.networks.hlop.{cls}.{method}": "called by learners with tensors, unchecked for speed"
    for cls in ("Subspace", "SVDSubspace")
    for method in ("learn", "learn_covariance", "project_factors", "residual")
}
"""Methods that are not called, and why."""
