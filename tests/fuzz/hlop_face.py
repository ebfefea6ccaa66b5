"""Good calls of tasks, runs and pictures of continual learners, and of readers of colour images."""

from __future__ import annotations

import copy
import functools
import importlib.util
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from spikemem import data
from spikemem.networks import hlop as hl

HAS_TORCH = importlib.util.find_spec("torch") is not None
_RNG = np.random.default_rng(0)
X = _RNG.random((12, 4))
LABELS = [0, 1, 2] * 4
PIXELS = _RNG.integers(0, 256, (12, 2, 2)).astype(np.uint8)
COLOUR = np.zeros((2, 3, 4, 4), np.uint8)
MATRIX = hl.AccuracyMatrix([[0.5, 0.4], [0.6, 0.7]], baseline=[0.1, 0.1])
_KEPT: list[Any] = []


def pictures() -> Any:
    """Twelve images of four pixels."""
    return data.Images(PIXELS, LABELS)


def tasks() -> Any:
    """Two permutations of these."""
    return hl.PermutedImages(pictures(), 2)


def untrained() -> Any:
    """A small classifier that has learnt nothing."""
    ranks = hl.Ranks(first=(1, 1), further=((1, 1),))
    neuron = hl.DSRNeuron(steps=3)
    return hl.HLOPClassifier((4, 5, 3), ranks=ranks, neuron=neuron, batch=4)


@functools.cache
def _trained() -> Any:
    return untrained().learn_task(X, LABELS)


@functools.cache
def folder() -> Path:
    """A file of every format, in a folder that lives as long as the process."""
    _KEPT.append(tempfile.TemporaryDirectory())
    path = Path(_KEPT[0].name)
    content = pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [1]}, protocol=2)
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        (path / name).write_bytes(content)
    street = np.zeros((32, 32, 3, 1), np.uint8)
    savemat(path / "street.mat", {"X": street, "y": np.array([[1]], np.uint8)})
    (path / "letters" / "A").mkdir(parents=True)
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(path / "letters" / "A" / "a.png")
    MATRIX.save(path / "matrix.json")
    return path


def _file(name: str) -> Callable[[], str]:
    return lambda: str(folder() / name)


def five() -> Any:
    """Five data sets, not all of which are there."""
    names = ("mnist", "svhn", "fashion", "notmnist")
    paths = {f"{name}{test}": "none" for name in names for test in ("", "_test")}
    return hl.FiveDatasets(cifar10=folder(), **paths)


SAMPLES: dict[str, Callable[[], Any]] = {
    "ColourImages": lambda: data.ColourImages(COLOUR, [0, 1]),
    "AccuracyMatrix": lambda: MATRIX,
    "PermutedImages": tasks,
    "ClassSplit": lambda: hl.ClassSplit(X, LABELS, X, LABELS, classes=3),
    "FiveDatasets": five,
    "Task": lambda: hl.Task("a", X, LABELS, X, LABELS),
    "TaskSequence": tasks,
    "SequenceResult": lambda: hl.SequenceResult(MATRIX),
}
"""A fresh object of each class."""


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function or method."""
    four = {"x": X, "y": LABELS, "test_x": X, "test_y": LABELS}
    calls: dict[str, dict[str, Any]] = {
        "ColourImages": {"images": COLOUR, "labels": [0, 1]},
        "AccuracyMatrix.from_facts": {"found": MATRIX.facts()},
        "Task": {"name": "a", **four, "classes": [0, 1, 2]},
        "ClassSplit": {**four, "classes": 3},
        "PermutedImages": {"images": pictures(), "n_tasks": 2},
        "published_permutation": {"task": 1, "size": 9, "n_tasks": 3},
        "returning_order": {"n_tasks": 3, "again": 1, "n_phases": 4},
        "accuracy_matrix": {"matrix": MATRIX, "names": ["a", "b"]},
        "accuracy_curves": {"matrix": MATRIX, "names": ["a", "b"]},
        "mean_accuracy_curves": {"matrices": {"a": MATRIX}},
        "energy_bars": {"energies": {"a": [0.5, 0.6]}, "layers": ["x", "y"]},
    }
    found = {
        name: {key: functools.partial(copy.copy, value) for key, value in values.items()}
        for name, values in calls.items()
    }
    found |= {
        "read_cifar": {"path": lambda: str(folder()), "labels": lambda: "fine"},
        "read_svhn": {"path": _file("street.mat")},
        "read_notmnist": {"path": _file("letters")},
        "AccuracyMatrix.load": {"path": _file("matrix.json")},
        "split_cifar": {"path": lambda: str(folder()), "classes": lambda: 1},
    }
    if HAS_TORCH:
        found["learn_tasks"] = {"model": untrained, "tasks": tasks, "order": lambda: [0, 1]}
        found["captured_energy"] = {
            "model": lambda: copy.deepcopy(_trained()), "x": lambda: X.copy(),
        }  # fmt: skip
    return found


LEFT_OUT = {
    "spikemem.networks.hlop.TaskSequence": "the base of others, with no tasks of its own",
    "spikemem.networks.hlop.SequenceResult": "made by learn_tasks",
}
"""Callables that are not called, and why."""
