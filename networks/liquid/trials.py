"""Samples in every form that the model takes: events, arrays, spike trains, patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...codes import Patterns
from ...errors import DescriptionError, shown
from .events import Events, as_events

__all__ = ["BURST", "events_of"]

BURST = 10
"""Steps of a pattern, if the model does not say how many."""


def events_of(trials: Any, n_inputs: int, n_steps: int | None, where: str) -> Events:
    """Samples as events of so many channels.

    Parameters
    ----------
    trials : Events, array_like, Patterns, or sequence of SpikeTrains or Events
        The samples.
    n_inputs : int
        Channels that they must have.
    n_steps : int, optional
        Steps of a pattern.
    where : str
        What messages begin with.

    Raises
    ------
    DescriptionError
        Something else, no samples, or other channels.
    """
    if isinstance(trials, Patterns):
        return _burst(trials, n_inputs, n_steps or BURST, where)
    if isinstance(trials, Iterable) and not isinstance(trials, Sequence | np.ndarray | Events):
        try:
            trials = list(trials)
        except TypeError:
            raise DescriptionError(f"{where} must be samples, got {shown(trials)}.") from None
    if isinstance(trials, Sequence) and trials and all(isinstance(x, Events) for x in trials):
        trials = Events.concatenate(trials)
    return as_events(trials, where, n_inputs)


def _burst(patterns: Patterns, n_inputs: int, n_steps: int, where: str) -> Events:
    """Patterns as samples in which the active cells fire in each step."""
    if patterns.size != n_inputs or not len(patterns):
        raise DescriptionError(
            f"{where} must be at least one pattern of {n_inputs} cells, got {len(patterns)} of "
            f"{patterns.size}."
        )
    n = patterns.indices.size
    return Events(
        samples=np.tile(patterns.owners, n_steps),
        times=np.repeat(np.arange(n_steps, dtype=np.float64), n),
        channels=np.tile(patterns.indices, n_steps),
        shape=(n_inputs,),
        n_samples=len(patterns),
        durations=np.array(float(n_steps)),
        dt=1.0,
    )
