"""Good calls of the liquids, to be spoilt."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import spikemem as sm
from spikemem.networks import liquid as ls

DENSE = np.random.default_rng(0).random((6, 5, 4)) < 0.4
LABELS = [0, 1, 0, 1, 0, 1]
CAMERA = np.array([(1, 0, 500, 1), (0, 1, 900, 0)],
                  dtype=[("x", int), ("y", int), ("t", int), ("p", int)])  # fmt: skip


def events() -> Any:
    """Six samples of four channels in five steps."""
    return ls.Events.from_dense(DENSE, shape=(2, 2))


def liquid() -> Any:
    """A small liquid with a readout."""
    return sm.LiquidStateMachine(4, 8, seed=0).fit(DENSE, LABELS)


def network() -> Any:
    """A source of four channels and two cells."""
    source = sm.Population("events", sm.SpikeSource(spikes=sm.SpikeTrains.empty(4)))
    cells = sm.Population("cells", 2, sm.LIF())
    both = sm.Projection.all_to_all("p", "events", "cells", weight=9.0, delay=1.0)
    return sm.Network([source, cells], [both])


def network_liquid() -> Any:
    """That network as a liquid."""
    return ls.NetworkLiquid(network=network(), inputs=("events",), liquid=("cells",))


@functools.cache
def recording() -> Any:
    """Recording of the network of :func:`liquid` for :func:`events`."""
    return sm.simulate(liquid().build(DENSE), backend="native")


SAMPLES: dict[str, Callable[[], Any]] = {
    "Events": events,
    "LiquidStateMachine": liquid,
    "DenseLiquid": ls.DenseLiquid,
    "MaassLiquid": ls.MaassLiquid,
    "NetworkLiquid": network_liquid,
    "DynamicSynapses": ls.DynamicSynapses,
}
"""A fresh object of each class."""

_EVENTS = {"events": lambda: DENSE}
_LABELLED = {**_EVENTS, "labels": lambda: LABELS}
_TRIALS = {"trials": lambda: DENSE}
_RECORDED = {**_TRIALS, "recording": lambda: recording()}


def _identity(spikes: Any) -> Any:
    return spikes


def measures() -> dict[str, dict[str, Callable[[], Any]]]:
    """Measures of a liquid that answers with its input, and features of spikes."""
    pair = {"u": lambda: DENSE, "v": lambda: DENSE[::-1]}
    asked = {"liquid": lambda: _identity}
    return {
        "input_distance": pair,
        "separation": {**asked, **pair},
        "kernel_quality": {**asked, "streams": lambda: DENSE},
        "generalisation_rank": {**asked, "streams": lambda: DENSE},
        "low_passed_states": {"spikes": lambda: DENSE, "tau": lambda: 5.0},
        "spike_features": {"spikes": lambda: DENSE},
        "liquid_raster": {"spikes": lambda: DENSE, "inputs": lambda: DENSE},
    }


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of parameters that must fit together, by class or method."""
    model = {
        **dict.fromkeys(("spikes", "states", "transform", "input_states", "predict"), _EVENTS),
        **dict.fromkeys(("fit", "score", "baseline_score", "report"), _LABELLED),
        **dict.fromkeys(("build", "expected"), _TRIALS),
        **dict.fromkeys(("decode", "after"), _RECORDED),
        "with_weights": {"input": lambda: np.ones((4, 8)), "recurrent": lambda: np.ones((8, 8))},
    }
    return {
        **{f"LiquidStateMachine.{name}": values for name, values in model.items()},
        "LiquidStateMachine": {"n_inputs": lambda: 4, "n_neurons": lambda: 8},
        "Events": {
            "samples": lambda: [0, 1], "times": lambda: [1.0, 2.0], "channels": lambda: [0, 3],
            "shape": lambda: (2, 2), "n_samples": lambda: 2, "durations": lambda: 3.0,
        },
        "Events.from_dense": {"array": lambda: DENSE},
        "Events.from_structured": {
            "recordings": lambda: [CAMERA], "shape": lambda: (2, 2, 2),
        },
        "Events.from_trains": {"trains": lambda: [events().trains(0)]},
        "Events.polarity": {"k": lambda: 0},
        "Events.crop": {"size": lambda: 1},
        "Events.concatenate": {"parts": lambda: [events(), events()]},
        "Events.trains": {"sample": lambda: 1},
        "NetworkLiquid": {
            "network": network, "inputs": lambda: ("events",), "liquid": lambda: ("cells",),
        },
        "DynamicSynapses.drawn": {"name": lambda: "EE", "n": lambda: 3},
        **measures(),
    }  # fmt: skip
