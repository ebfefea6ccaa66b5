"""Converts samples to events: binary arrays, spike trains and patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...checks import Kind
from ...codes import Patterns
from ...errors import DescriptionError, shown
from .events import Events, as_events

__all__ = ["BURST", "EventsLike", "events_of"]

BURST = 10
"""Default number of steps of a pattern."""


@dataclass(frozen=True)
class SamplesKind(Kind):
    """Samples in any form; patterns are converted later, when the number of channels is known."""

    def check(self, value: Any, where: str) -> Any:
        """Return events, or patterns without conversion."""
        return value if isinstance(value, Patterns) else _events(value, where, None)


EventsLike = Annotated[Any, SamplesKind()]
"""Samples that a method accepts: events, binary arrays, spike trains or patterns."""


def events_of(trials: Any, n_inputs: int, n_steps: int | None, where: str) -> Events:
    """Return samples as events on `n_inputs` channels.

    Parameters
    ----------
    trials : Events, array_like, Patterns, or sequence of SpikeTrains or Events
        The samples.
    n_inputs : int
        Number of channels that they must have.
    n_steps : int, optional
        Number of steps of a pattern.
    where : str
        Start of error messages.

    Raises
    ------
    DescriptionError
        If the value has another form, there are no samples, or the channels differ.
    """
    if isinstance(trials, Patterns):
        return _burst(trials, n_inputs, n_steps or BURST, where)
    return _events(trials, where, n_inputs)


def _events(value: Any, where: str, n_inputs: int | None) -> Events:
    if isinstance(value, Iterable) and not isinstance(value, Sequence | np.ndarray | Events):
        try:
            value = list(value)
        except TypeError:
            raise DescriptionError(f"{where} must be samples, got {shown(value)}.") from None
    return as_events(value, where, n_inputs)


def _burst(patterns: Patterns, n_inputs: int, n_steps: int, where: str) -> Events:
    """Return patterns as samples in which the active cells fire in each step."""
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
