"""Checks the columns of events (lengths, ranges, times), and sorts them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import Problems
from ...units import off_grid

__all__ = ["Columns", "order_of", "require_fit"]


class Columns(Protocol):
    """Columns and sizes of events; see :class:`Events`."""

    @property
    def samples(self) -> NDArray[np.int32]:
        """Sample of each event."""

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of each event, ms."""

    @property
    def channels(self) -> NDArray[np.int32]:
        """Channel of each event."""

    @property
    def durations(self) -> NDArray[np.float64]:
        """Length of each sample, ms."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""

    @property
    def n_channels(self) -> int:
        """Number of channels."""

    @property
    def dt(self) -> float | None:
        """Time step, ms."""


def require_fit(events: Columns, problems: Problems) -> None:
    """Add a problem for each wrong length, sample, channel or time."""
    sizes = {name: getattr(events, name).size for name in ("samples", "times", "channels")}
    if len(set(sizes.values())) > 1:
        problems.add(f"samples, times and channels must have the same length, got {sizes}")
        return
    for name, most in (("samples", events.n_samples), ("channels", events.n_channels)):
        values = getattr(events, name)
        if values.size and values.max() >= most:
            problems.add(f"{name} must be from 0 to {most - 1}, got {values.max()}")
            return
    if events.times.size and events.times.min() < 0:
        problems.add(f"times must be >= 0 ms, got {events.times.min():g}")
    late = np.flatnonzero(events.times >= events.durations[events.samples])
    if late.size:
        k = int(late[0])
        problems.add(f"times must be below the duration of their sample, got {events.times[k]:g} "
                     f"ms in sample {events.samples[k]} of "
                     f"{events.durations[events.samples[k]]:g} ms")  # fmt: skip
    if events.dt is not None:
        for name in ("times", "durations"):
            off = off_grid(getattr(events, name), events.dt)
            if off.any():
                problems.add(f"{name} must be multiples of dt={events.dt:g} ms, got "
                             f"{getattr(events, name)[off][0]:g}; use bin() or to_grid() on "
                             f"continuous times")  # fmt: skip


def order_of(
    samples: NDArray[np.int32], times: NDArray[np.float64], channels: NDArray[np.int32]
) -> NDArray[np.int64] | None:
    """Return the order by sample, time and channel, or None if the events are sorted."""
    sample, time = np.diff(samples), np.diff(times)
    fine = (sample > 0) | ((sample == 0) & ((time > 0) | ((time == 0) & (np.diff(channels) >= 0))))
    return None if fine.all() else np.lexsort((channels, times, samples))
