"""Counts errors of neurons, for comparison with the closed forms."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from ...checks import Count, checked
from ...codes import random_patterns, swap_bits
from ...streams import Seed, stream
from .neurons import ActiveDendriteNeurons, require_order

__all__ = ["ErrorCount", "measure_false_negatives", "measure_false_positives"]

_CONFIDENCE = 0.95

_Size = Annotated[int, Count()]


class ErrorCount(NamedTuple):
    """Number of errors in a number of trials."""

    errors: int
    trials: int
    low: float
    """Lower end of the 95 % interval of the probability (Clopper and Pearson)."""
    high: float
    """Upper end of this interval."""

    @property
    def rate(self) -> float:
        """Number of errors divided by the number of trials."""
        return self.errors / self.trials


def _error_count(errors: int, trials: int) -> ErrorCount:
    from scipy.stats import beta

    tail = (1 - _CONFIDENCE) / 2
    low = float(beta.ppf(tail, errors, trials - errors + 1)) if errors else 0.0
    high = float(beta.ppf(1 - tail, errors + 1, trials - errors)) if errors < trials else 1.0
    return ErrorCount(errors, trials, low, high)


@checked
def measure_false_positives(
    *,
    n: _Size,
    a: _Size,
    s: _Size,
    theta: _Size,
    n_segments: _Size = 1000,
    n_frames: _Size = 1000,
    seed: Seed = 0,
) -> ErrorCount:
    """Count the segments that respond to random frames, in neurons with random patterns.

    Parameters
    ----------
    n, a, s, theta
        As for :func:`false_positive_probability`, with ``s <= a``.
    n_segments, n_frames : int
        Numbers of segments and of frames; each segment responds to each frame.
    seed : int or numpy.random.Generator
        Seed of patterns, synapses and frames.

    Returns
    -------
    ErrorCount
        Errors of ``n_segments * n_frames`` trials.

    Examples
    --------
    >>> measure_false_positives(n=100, a=20, s=10, theta=4).trials
    1000000
    """
    require_order("measure_false_positives", n=n, a=a, s=s, theta=theta)
    rng = stream(seed, "dendrites", "trials")
    neurons = ActiveDendriteNeurons(
        n, n_segments=n_segments, synapses_per_segment=s, threshold=theta, seed=rng
    )
    neurons.store(random_patterns(n_segments, size=n, active=a, seed=rng))
    frames = random_patterns(n_frames, size=n, active=a, seed=rng)
    errors = len(neurons.active_segments(frames))
    return _error_count(errors, n_segments * n_frames)


@checked
def measure_false_negatives(
    *,
    n: _Size,
    a: _Size,
    s: _Size,
    theta: _Size,
    v: Annotated[int, Count(low=0)],
    trials: _Size = 10_000,
    seed: Seed = 0,
) -> ErrorCount:
    """Count the segments that do not respond to their own pattern with `v` cells swapped.

    Parameters
    ----------
    n, a, s, theta, v
        As for :func:`false_negative_probability`; `n` is the number of cells.
    trials : int
        Number of segments, each with its own pattern.
    seed : int or numpy.random.Generator
        Seed of patterns, synapses and noise.

    Returns
    -------
    ErrorCount

    Examples
    --------
    >>> measure_false_negatives(n=500, a=40, s=20, theta=13, v=7).errors
    0
    """
    require_order("measure_false_negatives", n=n, a=a, s=s, theta=theta)
    rng = stream(seed, "dendrites", "trials")
    neurons = ActiveDendriteNeurons(
        n, n_segments=trials, synapses_per_segment=s, threshold=theta, seed=rng
    )
    patterns = random_patterns(trials, size=n, active=a, seed=rng)
    neurons.store(patterns)
    rows = neurons.active_segments(swap_bits(patterns, v, seed=rng))
    return _error_count(trials - int(np.count_nonzero(rows[:, 0] == rows[:, 2])), trials)
