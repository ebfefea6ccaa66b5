"""Good calls of the spiking forms of continual learners, to be spoilt."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import spikemem as sm
from spikemem.networks import hlop as hl

from . import hlop

INPUTS = [[0.6, 0.5, 0.6, 0.5], [0.5, -0.5, 0.5, -0.5]]


def lateral() -> Any:
    """A circuit with one row of four inputs."""
    return hl.LateralCircuit([[0.5, 0.5, 0.5, 0.5]], levels=5, n_steps=20)


@functools.cache
def lateral_recording() -> Any:
    """Recording of that circuit."""
    return sm.simulate(lateral().build(INPUTS), backend="native")


@functools.cache
def recording() -> Any:
    """Recording of a classifier that was shown samples."""
    return sm.simulate(hlop.learner().build(hlop.X), backend="native")


SAMPLES: dict[str, Callable[[], Any]] = {"LateralCircuit": lateral}
"""A fresh object of each class."""

if hlop.HAS_TORCH:
    SAMPLES["SpikingClassifier"] = hlop.learner


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function or method."""
    calls: dict[str, dict[str, Any]] = {
        "LateralCircuit": {"rows": [[0.5, 0.5]], "levels": 5, "n_steps": 20},
        "LateralCircuit.build": {"trials": INPUTS},
        "LateralCircuit.expected": {"trials": INPUTS},
        "novelty_threshold": {"familiar": [0.9, 0.8]},
        "CubaNeuron.halving": {"steps": 4},
    }
    names = ("build", "expected", "hidden_spikes", "spike_margins")
    calls |= {f"HLOPClassifier.{name}": {"trials": hlop.X} for name in names}
    found: dict[str, dict[str, Callable[[], Any]]] = {
        name: {key: functools.partial(copy.copy, value) for key, value in values.items()}
        for name, values in calls.items()
    }
    for name in ("decode", "after"):
        found[f"LateralCircuit.{name}"] = {
            "recording": lateral_recording, "trials": lambda: INPUTS,
        }  # fmt: skip
    for name in ("decode", "after", "recorded_spikes"):
        found[f"HLOPClassifier.{name}"] = {"recording": recording, "trials": lambda: hlop.X}
    found["digit_raster"] = {"model": hlop.learner, "sample": lambda: hlop.X[0]}
    return found
