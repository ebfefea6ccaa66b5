"""When the host leads a level through a frame: all times in steps of the network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .race import Race

__all__ = ["Stage", "stage"]

QUIET = 4
"""Delays of the cells after which a spike of an input no longer meets one of a cell for the
plasticity."""


class Stage(NamedTuple):
    """Times of one frame at one level, in steps after the spikes of its inputs.

    Times of sources are those of their spikes; those of cells are recorded times.
    """

    ticks: NDArray[np.int64]
    """Spikes of the pacemaker."""
    open: int
    """Spike that asks every mac whether enough of its inputs are active."""
    first: int
    """A winner of tick k is recorded at ``first + k * hop``."""
    last: int
    """Last winner of the race."""
    kick: int
    """Spike of the sources that make a new cell win; a stored frame only."""
    repeats: tuple[int, ...]
    """Spikes of the inputs that come again: to be stored, and for SpiNNaker to write that down."""
    reset: int
    """Spike that makes all cells fire, and so begin anew."""
    release: int
    """Spike that makes the relays of the winners fire."""
    relayed: int
    """Spikes of the relays."""
    period: int
    """The inputs of the next frame can fire."""


def stage(race: Race, n_ticks: int, store: bool) -> Stage:
    """Times of a frame of `n_ticks` ticks."""
    lag, hop, delay = race.lag, race.hop, race.delay
    first_arrival = delay + race.first_tick
    ticks = race.first_tick + np.arange(n_ticks) * hop
    first = first_arrival + lag + hop
    last = first + (n_ticks - 1) * hop
    # The inhibition by the last winner has arrived one step after it; then the cells start anew.
    # Plasticity sees a spike of a cell only `delay` later, and no input may fire before that.
    restart, kick = last + 2, 0
    repeats: tuple[int, ...] = ()
    if store:
        fired = last + 2 + lag
        kick = fired - lag - delay
        written = fired + delay + 2
        restart = written + max(QUIET * delay, delay + 1)
        repeats = (fired, written)
    return Stage(
        ticks=ticks, open=1 + lag, first=first, last=last, kick=kick, repeats=repeats,
        reset=restart - delay, release=last + 1, relayed=last + 2 + lag,
        period=restart + (delay + 1 + lag if race.first_tick else 2 - delay),
    )  # fmt: skip
