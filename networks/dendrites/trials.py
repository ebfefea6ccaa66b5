"""Errors counted on neurons, to stand beside those of the formulas."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...streams import Seed, stream
from ...units import to_int
from .frames import random_patterns, swap_cells
from .neurons import ActiveDendriteNeurons

__all__ = ["Measured", "measure_false_negatives", "measure_false_positives"]

_CONFIDENCE = 0.95


class Measured(NamedTuple):
    """A number of errors in so many trials."""

    errors: int
    trials: int
    low: float
    """Lower end of the 95 % interval of the probability (Clopper and Pearson)."""
    high: float
    """Upper end."""

    @property
    def rate(self) -> float:
        """Errors over trials."""
        return self.errors / self.trials


def _measured(errors: int, trials: int) -> Measured:
    from scipy.stats import beta

    tail = (1 - _CONFIDENCE) / 2
    low = float(beta.ppf(tail, errors, trials - errors + 1)) if errors else 0.0
    high = float(beta.ppf(1 - tail, errors + 1, trials - errors)) if errors < trials else 1.0
    return Measured(errors, trials, low, high)


def measure_false_positives(
    *,
    n: int,
    a: int,
    s: int,
    theta: int,
    n_segments: int = 1000,
    n_frames: int = 1000,
    seed: Seed = 0,
) -> Measured:
    """Show random frames to neurons with random patterns, and count the segments that respond.

    Parameters
    ----------
    n, a, s, theta
        As :func:`false_positive_probability`, ``s <= a``.
    n_segments, n_frames : int
        Each segment decides on each frame.
    seed : int or numpy.random.Generator
        For patterns, synapses and frames.

    Returns
    -------
    Measured
        Of ``n_segments * n_frames`` trials.

    Examples
    --------
    >>> measure_false_positives(n=100, a=20, s=10, theta=4).trials
    1000000
    """
    count = to_int(n_frames, "measure_false_positives: n_frames")
    rng = stream(seed, "dendrites", "trials")
    neurons = ActiveDendriteNeurons(
        n, n_segments=n_segments, synapses_per_segment=s, threshold=theta, seed=rng
    )
    neurons.store(random_patterns(n_segments, n=n, a=a, seed=rng))
    errors = len(neurons.active_segments(random_patterns(count, n=n, a=a, seed=rng)))
    return _measured(errors, n_segments * count)


def measure_false_negatives(
    *, n: int, a: int, s: int, theta: int, v: int, trials: int = 10_000, seed: Seed = 0
) -> Measured:
    """Show each segment its own pattern with `v` cells swapped, and count those that are silent.

    Parameters
    ----------
    n, a, s, theta, v
        As :func:`false_negative_probability`, and cells.
    trials : int
        Segments, with a pattern each.
    seed : int or numpy.random.Generator
        For patterns, synapses and noise.

    Returns
    -------
    Measured

    Examples
    --------
    >>> measure_false_negatives(n=500, a=40, s=20, theta=13, v=7).errors
    0
    """
    count = to_int(trials, "measure_false_negatives: trials")
    rng = stream(seed, "dendrites", "trials")
    neurons = ActiveDendriteNeurons(
        n, n_segments=count, synapses_per_segment=s, threshold=theta, seed=rng
    )
    patterns = random_patterns(count, n=n, a=a, seed=rng)
    neurons.store(patterns)
    rows = neurons.active_segments(swap_cells(patterns, v, n=n, seed=rng))
    return _measured(count - int(np.count_nonzero(rows[:, 0] == rows[:, 2])), count)
