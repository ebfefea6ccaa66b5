"""Good calls of what runs models under conditions, to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import spikemem as sm
from spikemem.stress.conditions import Conditions
from spikemem.stress.subject import Probe, Study, Task

PACKAGES = (
    "spikemem.counters",
    "spikemem.stress.disturb",
    "spikemem.stress.material",
    "spikemem.stress.running",
)

LEFT_OUT = {
    "spikemem.stress.conditions.Conditions.memory_device": "takes nothing",
}
"""Callables that are not called, and why."""


def good_values(
    network: Callable[[], Any], recording: Callable[[], Any]
) -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function."""
    learnt: dict[str, Callable[[], Any]] = {"network": network, "projections": lambda: ["learnt"]}
    conditions: dict[str, Any] = {
        "backend": "native", "device": None, "drift_time": None, "platform": None,
        "weight_bits": 3, "programming_noise": 0.1, "read_noise": 0.1,
    }  # fmt: skip
    return {
        "Conditions": {name: (lambda value=value: value) for name, value in conditions.items()},
        "count": {**learnt, "recording": recording},
        "fan_out": {"network": network, "projection": lambda: "learnt"},
        "fail_synapses": learnt,
        "jitter": {"network": network, "sd": lambda: 1.0},
        "background": {"network": network, "rate": lambda: 5.0, "weight": lambda: 0.2},
        "threshold_weight": {"cell": sm.LIF, "size": lambda: 2, "dt": lambda: 1.0},
        "distinct_patterns": {
            "n_items": lambda: 3, "size": lambda: 9, "active": lambda: 3, "shared": lambda: 1,
        },
        "fragment": {
            "content": lambda: [0, 1, 2], "probe": lambda: Probe(0, cue_loss=0.3),
            "size": lambda: 9, "rng": lambda: np.random.default_rng(0),
        },
        "require_items": {"task": lambda: Task(1, [Study(0)], 0), "name": lambda: "a"},
        "run_models": {
            "models": lambda: [sm.CA3Memory(2, 3, contents={0: [1]})],
            "trials": lambda: [[sm.RecallCue(0)]], "conditions": Conditions, "seeds": lambda: [0],
            "build": lambda: {"safe": True},
        },
    }  # fmt: skip
