"""One good call of each public function and method of the dendrites, to be spoilt."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import spikemem as sm
from spikemem.networks import dendrites as dd
from spikemem.networks.dendrites import timing

SIZES = {"n": 60, "a": 12, "s": 8, "theta": 4}
NOISE = {"a": 12, "s": 8, "theta": 4, "v": 3}
ANSWER = {"exact": False, "log": False}
FRAMES = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
CELL = sm.LIF(tau_m=10.0, tau_syn_E=2.0)
GRID = {"dt": 1.0, "integrator": "spinnaker"}
TABLE = [[0, 1, 2], [2, 3, 4]]
TIMES = {"window": 0.0, "period": None, "plateau": 0.0}
FAULTS = {"p_off": 0.1, "p_on": 0.01}
BOUNDS = {"false_positive": 1e-3, "false_negative": 0.1}

GoodCall = tuple[Callable[..., Any], dict[str, Any]]


def neurons() -> Any:
    """Two neurons that have stored two patterns."""
    made = dd.ActiveDendriteNeurons(
        60, n_neurons=2, n_segments=3, synapses_per_segment=6, threshold=4
    )
    made.store(FRAMES)
    return made


def memory() -> Any:
    """A sequence memory that has learnt one sequence."""
    made = dd.TemporalMemory(60, cells_per_column=3, synapses_per_segment=6, threshold=4)
    made.learn([FRAMES], passes=2)
    return made


def spiking() -> Any:
    """Two spiking segments, with plateaus."""
    return dd.SpikingDendrites(TABLE, 2, 5, plateau=30.0)


@functools.cache
def recording() -> Any:
    """Recording of :func:`spiking`, shown two frames."""
    return sm.simulate(spiking().build([[0, 1], [2, 3, 4]]), backend="native")


def on(make: Callable[[], Any], method: str) -> Callable[..., Any]:
    """A method of a fresh object at each call."""
    return lambda **given: getattr(make(), method)(**given)


def theory_calls() -> dict[str, GoodCall]:
    """Formulas, and their inverses."""
    union = {"n": 60, "s": 8, "m": 3}
    return {
        "overlap_set_size": (dd.overlap_set_size, {"n": 60, "a": 12, "s": 8, "b": 2}),
        "false_positive_probability": (dd.false_positive_probability, {**SIZES, **ANSWER}),
        "false_negative_probability": (
            dd.false_negative_probability, {**NOISE, "p_fail": 0.1, **ANSWER},
        ),
        "population_false_positive_probability": (
            dd.population_false_positive_probability, {**SIZES, "m": 9, "bound": False, **ANSWER},
        ),
        "union_size": (dd.union_size, {**union, "exact": False}),
        "union_size_probability": (dd.union_size_probability, {**union, "exact": False}),
        "union_false_positive_probability": (
            dd.union_false_positive_probability, {**SIZES, "m": 2, "method": "exact", **ANSWER},
        ),
        "union_exact_match_probability": (
            dd.union_exact_match_probability, {**union, "y": 5, "exact": False},
        ),
        "device_false_positive_probability": (
            dd.device_false_positive_probability, {**SIZES, **FAULTS, **ANSWER},
        ),
        "device_false_negative_probability": (
            dd.device_false_negative_probability, {**NOISE, **FAULTS, **ANSWER},
        ),
        "smallest_threshold": (
            dd.smallest_threshold, {"n": 60, "a": 12, "s": 8, "false_positive": 1e-3},
        ),
        "largest_noise": (dd.largest_noise, {"a": 12, "s": 8, "theta": 4, "false_negative": 0.1}),
        "choose_threshold": (dd.choose_threshold, {"n": 60, "a": 12, "s": 8, **BOUNDS}),
        "synapses_needed": (dd.synapses_needed, {"n": 60, "a": 12, "v": 2, **BOUNDS}),
        "patterns_per_segment": (
            dd.patterns_per_segment, {**SIZES, "false_positive": 0.3, "method": "exact"},
        ),
        "median_error_curve": (
            dd.median_error_curve,
            {"theta": [3, 5], "n": [50, 60], "sparsity": [0.1], "s": [8, 9], "log": False},
        ),
        "measure_false_positives": (
            dd.measure_false_positives, {**SIZES, "n_segments": 9, "n_frames": 9, "seed": 0},
        ),
        "measure_false_negatives": (
            dd.measure_false_negatives, {"n": 60, **NOISE, "trials": 9, "seed": 0},
        ),
    }  # fmt: skip


def neuron_calls() -> dict[str, GoodCall]:
    """Neurons and sequence memories."""
    sizes = {"synapses_per_segment": 6, "threshold": 4, "rule": None, "seed": 0}
    rule = dict.fromkeys(dd.PermanenceRule.__dataclass_fields__, 0.5)
    return {
        "PermanenceRule": (dd.PermanenceRule, rule),
        "ActiveDendriteNeurons": (
            dd.ActiveDendriteNeurons,
            {"n_inputs": 60, "n_neurons": 2, "n_segments": 3, "patterns_per_segment": 1, **sizes},
        ),
        "ActiveDendriteNeurons.store": (
            on(neurons, "store"), {"patterns": FRAMES, "neurons": [0, 1]},
        ),
        "ActiveDendriteNeurons.overlaps": (on(neurons, "overlaps"), {"frames": FRAMES}),
        "ActiveDendriteNeurons.active_segments": (
            on(neurons, "active_segments"), {"frames": FRAMES},
        ),
        "ActiveDendriteNeurons.detect": (
            on(neurons, "detect"), {"frames": FRAMES, "p_fail": 0.1, "seed": 0},
        ),
        "ActiveDendriteNeurons.predict": (on(neurons, "predict"), {"frames": FRAMES}),
        "ActiveDendriteNeurons.learn": (
            on(neurons, "learn"), {"frames": FRAMES, "neurons": [-1, 1]},
        ),
        "ActiveDendriteNeurons.with_device_faults": (
            on(neurons, "with_device_faults"), {**FAULTS, "seed": 0},
        ),
        "ActiveDendriteNeurons.spiking": (on(neurons, "spiking"), {"cell": CELL, **GRID, **TIMES}),
        "ActiveDendriteNeurons.build": (on(neurons, "build"), {"trials": FRAMES, **GRID}),
        "TemporalMemory": (
            dd.TemporalMemory,
            {"n_columns": 60, "cells_per_column": 3, "learning_threshold": None, **sizes},
        ),
        "TemporalMemory.step": (on(memory, "step"), {"columns": FRAMES[0], "learn": False}),
        "TemporalMemory.run": (on(memory, "run"), {"sequence": FRAMES, "learn": False}),
        "TemporalMemory.learn": (on(memory, "learn"), {"sequences": [FRAMES], "passes": 2}),
        "TemporalMemory.predict": (on(memory, "predict"), {"sequence": FRAMES}),
        "TemporalMemory.is_known": (
            on(memory, "is_known"), {"sequence": FRAMES, "tolerance": 0.5},
        ),
    }  # fmt: skip


def spiking_calls() -> dict[str, GoodCall]:
    """Weights and times of spiking segments, and their networks."""
    cell = {"cell": CELL, **GRID}
    return {
        "potential": (dd.potential, cell),
        "segment_weight": (dd.segment_weight, {"theta": [4, 5], **cell}),
        "soma_weight": (timing.soma_weight, cell),
        "coincidence_window": (dd.coincidence_window, {"theta": 4, **cell}),
        "frame_period": (
            dd.frame_period,
            {"theta": 4, "n_synapses": 8, "n_segments": 2, "window": 1.0, **cell},
        ),
        "SpikingDendrites": (
            dd.SpikingDendrites,
            {"cells": TABLE, "theta": [2, 3], "n_inputs": 5, "owner": [0, 0], **cell, **TIMES},
        ),
        "SpikingDendrites.of": (dd.SpikingDendrites.of, {"neurons": neurons()}),
        "SpikingDendrites.build": (on(spiking, "build"), {"frames": TABLE, "seed": 0}),
        "SpikingDendrites.decode": (on(spiking, "decode"), {"recording": recording()}),
        "SpikingDendrites.predictive": (on(spiking, "predictive"), {"recording": recording()}),
    }


def plot_calls() -> dict[str, GoodCall]:
    """Pictures."""
    return {
        "error_curve": (
            dd.error_curve,
            {"vary": "theta", "values": [3, 4], "n": 60, "a": 12, "s": 8, "trials": 9, "seed": 0,
             "ax": None, "label": "x"},
        ),
        "segment_activity": (
            dd.segment_activity,
            {"neurons": neurons(), "frames": FRAMES, "neuron": 0, "ax": None},
        ),
    }  # fmt: skip


SAMPLES: dict[str, Callable[[], Any]] = {
    "SequenceMemory": memory,
    "PermanenceRule": dd.PermanenceRule,
    "ActiveDendriteNeurons": neurons,
    "TemporalMemory": memory,
    "SpikingDendrites": spiking,
}
"""A fresh object of each class."""


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter of every call, made anew."""
    return {
        name: {key: functools.partial(copy.deepcopy, value) for key, value in given.items()}
        for name, (_, given) in good_calls().items()
    }


def good_calls() -> dict[str, GoodCall]:
    """Every call by its name: the function, and arguments that it takes."""
    return {**theory_calls(), **neuron_calls(), **spiking_calls(), **plot_calls()}
