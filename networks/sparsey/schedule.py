"""Times of the events of a frame at one level, in steps of the network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .race import Race

__all__ = ["Stage", "stage"]

QUIET = 4
"""Time, in delays of the cells, after which spikes of an input and a cell no longer count as a pair
for the plasticity."""


class Stage(NamedTuple):
    """Times of one frame at one level, in steps after the spikes of its inputs.

    Times of sources are spike times; times of cells are recorded times.
    """

    ticks: NDArray[np.int64]
    """Ticks of the pacemaker."""
    open: int
    """Spike onto the gates, which then mute macs without enough active inputs."""
    first: int
    """First possible winner; a winner of tick k is recorded at ``first + k * hop``."""
    last: int
    """Last possible winner of the race."""
    kick: int
    """Kick that makes a new cell win, in stored frames only."""
    repeats: tuple[int, ...]
    """Repeated spikes of the inputs, one to store them, one for SpiNNaker to apply the change."""
    reset: int
    """Spike that makes all cells fire, which resets them."""
    release: int
    """Spike that makes the relays of the winners fire."""
    relayed: int
    """Spikes of the relays."""
    period: int
    """Earliest spikes of the inputs of the next frame."""


def stage(race: Race, n_ticks: int, store: bool) -> Stage:
    """Return the times of a frame of `n_ticks` ticks."""
    lag, hop, delay = race.lag, race.hop, race.delay
    first_arrival = delay + race.first_tick
    ticks = race.first_tick + np.arange(n_ticks) * hop
    first = first_arrival + lag + hop
    last = first + (n_ticks - 1) * hop
    # The inhibition by the last winner arrives one step later; then the cells can be reset. The
    # plasticity receives a spike of a cell only after `delay`, and no input may fire before that.
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
