"""Good calls of stored samples, schedules, measures and convolutional learners, to be spoilt."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from fuzz.hlop import HAS_TORCH, LABELS, X
from spikemem.networks import hlop as hl

IMAGES = np.random.default_rng(1).random((6, 1, 4, 4))
CLASSES = [0, 1, 0, 1, 0, 1]


def store() -> Any:
    """Samples of one task."""
    found = hl.SampleStore(2)
    found.add(X, LABELS)
    return found


def network() -> Any:
    """A convolutional network of one layer."""
    neuron = hl.DSRNeuron(steps=2)
    return hl.SpikingCNN((1, 4, 4), 2, 2, channels=(3,), neuron=neuron)


@functools.cache
def _made() -> Any:
    return hl.ConvolutionalClassifier(network(), batch=3).learn_task(IMAGES, CLASSES)


def learner() -> Any:
    """A convolutional learner that has learnt one task."""
    import copy

    return copy.deepcopy(_made())


SAMPLES: dict[str, Callable[[], Any]] = {
    "LayerDrift": lambda: hl.LayerDrift("layer 1", 0.1, 0.9),
    "RehearsalSchedule": hl.RehearsalSchedule,
    "SampleStore": store,
}
"""A fresh object of each class."""

if HAS_TORCH:
    SAMPLES |= {
        "ConvolutionalClassifier": learner,
        "SpikingCNN": network,
        "SpikingStack": network,
    }


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function or method."""
    pair = {"before": X, "after": X[::-1]}
    images = {"x": IMAGES, "task": 0}
    calls: dict[str, dict[str, Any]] = {
        "RehearsalSchedule.probabilities": {"phase": 3},
        "RehearsalSchedule.counts": {"phase": 3, "n_samples": 10},
        "RehearsalSchedule.counts_of_old": {"phase": 3, "n_samples": 10},
        "SampleStore": {"per_class": 2, "n_bytes": 10_000},
        "SampleStore.add": {"x": X, "labels": LABELS, "task": 1},
        "SampleStore.draw": {"task": 0, "n": 5},
        "SampleStore.samples": {"task": 0},
        "linear_cka": pair,
        "relative_change": pair,
        "layer_drift": {"before": {"a": X}, "after": {"a": X[::-1]}},
        "HLOPClassifier.responses": {"x": X},
        "SpikingCNN": {"image_shape": (1, 4, 4), "n_classes": 2, "n_heads": 2, "channels": (3,)},
        "SpikingResNet18": {"image_shape": (1, 8, 8), "n_classes": 2, "n_heads": 1, "width": 2},
        "ConvolutionalClassifier.learn_task": {
            **images, "y": CLASSES, "test": [(IMAGES, CLASSES)] * 2,
        },
        "ConvolutionalClassifier.predict": images,
        "ConvolutionalClassifier.decision_function": images,
        "ConvolutionalClassifier.score": {**images, "y": CLASSES},
    }  # fmt: skip
    found: dict[str, dict[str, Callable[[], Any]]] = {
        name: {key: functools.partial(_same, value) for key, value in values.items()}
        for name, values in calls.items()
    }
    ranks = hl.Ranks(first=(2,), further=((1,),))
    found["ConvolutionalClassifier"] = {"network": network, "ranks": lambda: ranks}
    return found


def _same(value: Any) -> Any:
    return value


_CALLED = "called by learners with tensors"
LEFT_OUT = {
    "spikemem.networks.hlop.LayerDrift": "made by layer_drift",
    **{
        f"spikemem.networks.hlop.{cls}.{method}": _CALLED
        for cls in ("SpikingCNN", "SpikingResNet18")
        for method in (
            "add_heads", "draw_weights", "forward", "freeze_norms", "projected_layers", "train",
        )
    },
    **{
        f"spikemem.networks.hlop.SampleStore.{method}": "called by strategies with arrays of a file"
        for method in ("arrays", "restore")
    },
}  # fmt: skip
"""Methods that are not called, and why."""
