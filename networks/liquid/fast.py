"""Fast computation of the dense liquid: spikes of many samples at once, without a simulator.

Sums of weights are exact whole numbers; potentials are float64, or fixed-point numbers of
SpiNNaker. Besides the spikes, the memory in use does not depend on the number of samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError
from ...units import steps
from .events import Events
from .lowering import Lowered

__all__ = ["EventTable", "batches", "dense_spikes", "event_table", "noisy_spikes"]

_BLOCK = 1024
"""Number of neurons in a block, whose sums fit into the first-level cache."""

_BYTES = 1 << 26
"""Approximate size of the spikes of a batch, bytes."""

SpikeArray = NDArray[np.uint8]


class EventTable(NamedTuple):
    """Events, indexed by sample and step."""

    starts: NDArray[np.int64]
    """The events of sample b in step t are ``channels[starts[b, t]:starts[b, t + 1]]``."""
    channels: NDArray[np.int32]


def event_table(events: Events, n_steps: int) -> EventTable:
    """Index events on a grid; ``starts`` has shape (n_samples, n_steps + 1)."""
    step = steps(events.times, float(events.dt or 1.0))
    code = events.samples.astype(np.int64) * n_steps + step
    edges = np.searchsorted(code, np.arange(events.n_samples * n_steps + 1))
    rows = np.arange(events.n_samples)[:, None] * n_steps + np.arange(n_steps + 1)
    return EventTable(edges[rows], np.ascontiguousarray(events.channels, dtype=np.int32))


def batches(events: Events, n_steps: int, n_neurons: int) -> Iterator[slice]:
    """Yield the samples of each batch."""
    size = max(1, min(256, _BYTES // max(n_steps * n_neurons, 1)))
    for first in range(0, events.n_samples, size):
        yield slice(first, min(first + size, events.n_samples))


def dense_spikes(
    lowered: Lowered, events: Events, n_steps: int, *, machine: bool = False
) -> SpikeArray:
    """Return the spikes of a batch of samples, shape (n_samples, n_steps, n_neurons).

    Parameters
    ----------
    lowered : Lowered
        The liquid.
    events : Events
        Events on a time grid.
    n_steps : int
        Number of steps of each sample.
    machine : bool
        Whether potentials are fixed-point numbers of SpiNNaker instead of float64.

    Raises
    ------
    DescriptionError
        If `machine` is true and the weights are not on a grid.
    """
    from . import kernels

    if machine and not lowered.is_exact:
        raise DescriptionError("LiquidStateMachine: arithmetic='spinnaker' needs a liquid with "
                               "numbers='spinnaker'.")  # fmt: skip
    n_samples, n = events.n_samples, lowered.recurrent.shape[0]
    table = event_table(events, n_steps)
    whole = lowered.input.dtype.kind == "i"
    kind = np.int64 if machine else np.int32 if whole else np.float64
    acc = np.zeros(min(_BLOCK, n), dtype=kind)
    state = (
        np.zeros((2, n_samples, n), dtype=np.int32),
        np.zeros((2, n_samples), dtype=np.int64),
        np.zeros((n_samples, n_steps, n), dtype=np.uint8),
    )
    rows = (table.starts, table.channels, lowered.input, lowered.recurrent)
    if machine:
        v = np.zeros((n_samples, n), dtype=np.int64)
        kernels.run_machine(*rows, *lowered.words(), acc, v, *state)
        return state[2]
    v = np.full((n_samples, n), lowered.offset)
    numbers = (lowered.keep, lowered.gain, lowered.offset, lowered.threshold)
    kernels.run(*rows, *numbers, acc, v, *state)
    return state[2]


def noisy_spikes(
    lowered: Lowered,
    events: Events,
    n_steps: int,
    deviations: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
) -> SpikeArray:
    """Return spikes as :func:`dense_spikes` does, with noise drawn at each read of a weight.

    In one step, the noise of a neuron's summed input is one normal number, whose variance is the
    sum of ``sd**2`` over the weights that are read. This is the exact distribution.

    Parameters
    ----------
    lowered, events, n_steps
        As in :func:`dense_spikes`.
    deviations : tuple of ndarray
        Standard deviations of reads of the input and of the recurrent weights, in grid points.
    rng : numpy.random.Generator
        Generator of the noise.
    """
    x = events.dense(n_steps).astype(np.float64)
    w_in, w_rec = lowered.input.astype(np.float64), lowered.recurrent.astype(np.float64)
    v_in, v_rec = (sd**2 for sd in deviations)
    n = w_rec.shape[0]
    out: SpikeArray = np.zeros((len(x), n_steps, n), dtype=np.uint8)
    v, s = np.full((len(x), n), lowered.offset), np.zeros((len(x), n))
    for t in range(n_steps):
        noise = np.sqrt(x[:, t] @ v_in + s @ v_rec) * rng.standard_normal(v.shape)
        total = x[:, t] @ w_in + s @ w_rec + noise
        v = lowered.keep * v * (1.0 - s) + lowered.gain * total + lowered.offset
        s = (v >= lowered.threshold).astype(np.float64)
        out[:, t] = s
    return out


def each_batch(
    run: Callable[[slice], Any], parts: list[slice], jobs: int, report: Callable[[float], None]
) -> list[Any]:
    """Return the results of all batches in order, computed by `jobs` threads."""
    results: list[Any] = []
    done = 0
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for result in pool.map(run, parts) if jobs > 1 else map(run, parts):
            results.append(result)
            done += 1
            report(done / len(parts))
    return results
