"""One good call of each public function and method of the hierarchies, to be spoilt."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import spikemem as sm
from spikemem.networks import sparsey as sp

IMAGES = np.random.default_rng(0).random((6, 5, 6)) < 0.5
LABELS = [0, 1, 0, 1, 0, 1]


@functools.cache
def _tower() -> Any:
    level = sp.Level(grid=(2, 2), radius=3.0, n_modules=3, cells_per_module=4)
    made = sp.Sparsey((5, 6), [level], seed=0)
    return made.fit(IMAGES, LABELS)


def tower() -> Any:
    """A small tower that has learnt six images of two classes."""
    return copy.deepcopy(_tower())


@functools.cache
def codes() -> Any:
    """Codes of these images."""
    return _tower().retrieve(IMAGES)


def mac() -> Any:
    """One mac of 20 inputs, that has learnt nothing."""
    return sp.Sparsey(20, [sp.Level(n_modules=3, cells_per_module=4)], seed=0)


def items() -> sm.Patterns:
    """Four patterns of 20 cells."""
    return sm.random_patterns(4, size=20, active=6, seed=0)


def curve() -> Any:
    """How the intersections of the codes follow the overlaps."""
    return sp.similarity_curve(codes(), IMAGES)


def retained() -> Any:
    """What is left of four patterns."""
    return sp.retention(mac(), items(), tests=2)


@functools.cache
def _spikes() -> Any:
    """Recording of a tower that was shown these images."""
    return sm.simulate(_tower().build(IMAGES), backend="native")


def _learnt() -> Any:
    return mac().learn(items())


def _trained() -> Any:
    made = mac()
    made.learn(items())
    return made


SAMPLES: dict[str, Callable[[], Any]] = {
    "Sparsey": tower,
    "Codes": codes,
    "SimilarityCurve": curve,
    "Retention": retained,
    "OnSpikes": tower,
    "Selection": sp.Selection,
    "Plasticity": sp.Plasticity,
    "Level": sp.Level,
    "BackOff": sp.BackOff,
}
"""A fresh object of each class."""


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """Good values of parameters that must fit together, by function or method."""
    shown = {"x": lambda: IMAGES.copy()}
    labelled = {**shown, "y": lambda: list(LABELS)}
    compared = {"codes": codes, "inputs": lambda: IMAGES.copy(), "level": lambda: 0}
    stored = {"model": mac, "items": items}
    fit = {**labelled, "second_pass": lambda: True}
    random_codes = {
        "cells_per_module": lambda: 8, "n_inputs": lambda: 40, "active": lambda: 6,
    }  # fmt: skip
    return {
        "Sparsey": {"input_shape": lambda: (5, 6), "levels": lambda: [sp.Level()]},
        "Sparsey.fit": fit,
        "Sparsey.partial_fit": fit,
        "Sparsey.fit_readout": labelled,
        "Sparsey.score": labelled,
        "Sparsey.learn": shown,
        "Sparsey.retrieve": shown,
        "Sparsey.complete": shown,
        "Sparsey.class_scores": shown,
        "Sparsey.predict": shown,
        "Sparsey.replay": {"first": lambda: IMAGES.copy(), "n_frames": lambda: 3},
        "Sparsey.read_back": {"codes": codes},
        "Sparsey.weights": {"level": lambda: 0, "mac": lambda: 1},
        "Sparsey.afferents": {"level": lambda: 0, "mac": lambda: 1},
        "Sparsey.priorities": {"level": lambda: 0},
        "Sparsey.draws": {"level": lambda: 0, "first": lambda: 1, "n_frames": lambda: 2},
        "Sparsey.spiking": {"options": lambda: {"floor": 1}},
        "Sparsey.build": {"trials": lambda: IMAGES.copy()},
        "Sparsey.expected": {"trials": lambda: IMAGES.copy()},
        "Sparsey.decode": {"trials": lambda: IMAGES.copy(), "recording": _spikes},
        "Sparsey.after": {"trials": lambda: IMAGES.copy(), "recording": _spikes},
        "Retrieve": {"image": lambda: [0, 1]},
        "Store": {"image": lambda: [0, 1]},
        "race_of_a_module": {"model": tower, "image": lambda: IMAGES[0].copy(), "level": lambda: 0,
                             "mac": lambda: 0, "module": lambda: 0},
        "Codes": {
            name: functools.partial(getattr, codes(), name)
            for name in ("starts", "winners", "familiarity", "hypotheses", "evidence",
                         "cells_per_module")
        },
        "Codes.active": {"level": lambda: 0},
        "Codes.mean_familiarity": {"level": lambda: 0},
        "Codes.patterns": {"level": lambda: 0},
        "Codes.agreement": {"other": codes, "level": lambda: 0},
        "code_intersections": {"codes": codes, "level": lambda: 0},
        "input_overlaps": {"inputs": lambda: IMAGES.copy()},
        "similarity_curve": compared,
        "higher_order_intersections": {**compared, "order": lambda: 3, "n_groups": lambda: 5},
        "expected_intersection": {"overlap": lambda: [0.2, 0.8], "cells_per_module": lambda: 8},
        "random_code_recall": {**random_codes, "n_items": lambda: 30},
        "random_code_capacity": random_codes,
        "class_structure": {"codes": codes, "labels": lambda: list(LABELS), "level": lambda: 0},
        "n_weights": {"model": mac},
        "random_sequences": {
            "n": lambda: 2, "length": lambda: 3, "size": lambda: 20, "least": lambda: 2,
            "most": lambda: 4,
        },
        "recall": {"model": _trained, "items": items, "learnt": _learnt, "level": lambda: 0},
        "retention": {**stored, "tests": lambda: 2, "level": lambda: 0},
        "capacity": {**stored, "tests": lambda: 2, "level": lambda: 0},
        "Retention.by_age": {"edges": lambda: [0, 2, 4]},
        "image_tower": {"height": lambda: 8, "width": lambda: 9},
        "receptive_fields": {"model": tower, "cells": lambda: 3, "mac": lambda: 1},
        "code_grid": {
            "codes": codes, "items": lambda: (0, 1), "mac": lambda: 0, "level": lambda: 0,
        },
        "familiarity_trace": {"codes": codes},
        "confusion_matrix": {"labels": lambda: list(LABELS), "predicted": lambda: list(LABELS)},
        "similarity_plot": {"curve": curve},
        "retention_curve": {"found": retained},
    }  # fmt: skip
