"""One good call of each public function and method of the reference memories, to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spikemem.networks import reference as ref

STATE = [[1, -1, 1, 1], [-1, -1, 1, -1]]
SIZES: dict[str, Callable[[], Any]] = {
    "n_patterns": lambda: 5, "n_inputs": lambda: 20, "n_outputs": lambda: 10,
    "input_active": lambda: 3, "output_active": lambda: 2, "exact": lambda: True,
}  # fmt: skip


def hopfield() -> Any:
    """Two patterns of four cells."""
    return ref.HopfieldNetwork(4).store(STATE)


def dense() -> Any:
    """The same in a dense memory."""
    return ref.DenseAssociativeMemory(4, p="exp").store(STATE)


def multitasking() -> Any:
    """Two patterns, one of them with blank entries."""
    return ref.MultitaskingHebbian(4).store([[1, 0, 1, 0], [1, 1, 1, -1]])


def willshaw() -> Any:
    """Two patterns stored with themselves."""
    return ref.WillshawMemory(4).store([[0, 1], [1, 2]])


SAMPLES: dict[str, Callable[[], Any]] = {
    "DenseAssociativeMemory": dense,
    "HopfieldNetwork": hopfield,
    "MultitaskingHebbian": multitasking,
    "WillshawMemory": willshaw,
}
"""A fresh object of each class."""

CONTENTS: dict[str, Callable[[], Any]] = {"SpinKind": lambda: STATE, "PowerKind": lambda: 3}
"""A good value of each kind."""


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter of every call, made anew."""
    trials = {"trials": lambda: STATE}
    found: dict[str, dict[str, Callable[[], Any]]] = {
        "WillshawMemory": {"n_inputs": lambda: 4, "n_outputs": lambda: None},
        "WillshawMemory.store": {"patterns": lambda: [[0, 1]]},
        "WillshawMemory.recall": {"cues": lambda: [[0, 1]]},
        "WillshawMemory.familiarity": {"cues": lambda: [[0, 1]]},
        "WillshawMemory.expected": {"trials": lambda: [[0, 1]]},
        "willshaw_false_bits": {**SIZES, "cue_active": lambda: 2},
        "willshaw_bits_per_synapse": SIZES,
        "flip_spins": {"states": lambda: STATE},
    }
    for name in ("HopfieldNetwork", "DenseAssociativeMemory", "MultitaskingHebbian"):
        found[name] = {"n_cells": lambda: 4, "max_sweeps": lambda: 3}
        found[f"{name}.expected"] = trials
    return found
