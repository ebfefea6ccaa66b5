"""Accuracy on scikit-learn's digits, and what the end of the critical period is for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from spikemem.data import read_images
from spikemem.networks.sparsey import image_tower


@pytest.fixture(scope="module")
def digits():
    return read_images("digits")


def accuracies(digits, learnt, tested, **settings):
    """With two passes, and strictly single pass."""
    tower = image_tower(*digits.shape, brightest=digits.brightest, **settings)
    tower.fit(digits.images[learnt], digits.labels[learnt])
    x, y = digits.images[tested], digits.labels[tested]
    return tower.score(x, y), tower.score(x, y, single_pass=True)


@pytest.mark.slow
def test_five_fold_accuracy(digits):
    """Settings fixed beforehand; the binomial standard error of 1797 images is 0.0042."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    parts = folds.split(digits.images, digits.labels)
    found = [accuracies(digits, *part, modules=16) for part in parts]
    two, single = np.mean(found, axis=0)
    assert two >= 0.96
    assert single >= 0.93


def test_without_the_end_of_the_critical_period_classes_are_lost(digits):
    """600 images are learnt, 400 tested: the standard error of a difference is below 0.035."""
    learnt, tested = np.arange(600), np.arange(600, 1000)
    small = {"pitch": 2.0, "cells": 16}
    two, single = accuracies(digits, learnt, tested, **small)
    assert two > 0.85
    never, never_single = accuracies(digits, learnt, tested, saturation=1.0, **small)
    assert two - never > 0.15
    assert single - never_single > 0.15


def test_the_classes_are_read_from_the_codes(digits):
    """With shuffled labels of the second pass, accuracy falls to chance (0.1, 4 errors: 0.06)."""
    tower = image_tower(*digits.shape, brightest=digits.brightest, pitch=2.0, cells=16)
    x, y = digits.images[:600], digits.labels[:600]
    tower.fit(x, y)
    tower.fit_readout(x, np.random.default_rng(0).permutation(y))
    later = slice(600, 1000)
    assert tower.score(digits.images[later], digits.labels[later]) < 0.2
