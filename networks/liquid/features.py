"""Features for a readout: spike counts in time bins, and low-passed states."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Indices, Quantity, checked
from ...errors import DescriptionError
from ...limits import require_memory
from .arrays import Spikes

__all__ = ["bin_edges", "low_passed_states", "spike_features"]

Tau = Annotated[float, Quantity("1", above=0.0)]


def bin_edges(n_steps: int, bins: int, where: str = "bin_edges") -> NDArray[np.int64]:
    """Return the first step of each of `bins` time bins, and the end of the last one.

    The lengths of the bins differ by at most one step.

    Raises
    ------
    DescriptionError
        If there are more bins than steps. The message begins with `where`.

    Examples
    --------
    >>> bin_edges(50, 4).tolist()
    [0, 12, 25, 37, 50]
    """
    if bins > n_steps:
        raise DescriptionError(
            f"{where}: bins must be at most n_steps={n_steps}, the steps of a sample, got {bins}."
        )
    return np.arange(bins + 1, dtype=np.int64) * n_steps // bins


@checked
def spike_features(
    spikes: Spikes, *, bins: Annotated[int, Count()] = 1, tau: Tau | None = None
) -> NDArray[np.float32]:
    """Return spike counts in time bins, or low-passed states at the ends of the bins.

    Parameters
    ----------
    spikes : array_like, shape (n_samples, n_steps, n_neurons)
        Spikes of the liquid or of its input in each step, as bool or counts.
    bins : int
        Number of time bins; their lengths differ by at most one step. Default: one bin for the
        whole sample.
    tau : float, optional
        Time constant of the states, steps. Default: features are counts.

    Returns
    -------
    ndarray of float32, shape (n_samples, bins * n_neurons)
        The neurons of the first bin come first.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or there are more bins than steps.

    Examples
    --------
    >>> spikes = np.array([[[1, 0], [1, 0], [0, 1], [0, 0]]])
    >>> spike_features(spikes).tolist(), spike_features(spikes, bins=2).tolist()
    ([[2.0, 1.0]], [[2.0, 0.0, 0.0, 1.0]])
    """
    samples, steps, n = spikes.shape
    edges = bin_edges(steps, bins, "spike_features")
    require_memory(4.0 * samples * bins * n, f"spike_features: {bins} bins of {samples} samples",
                   "Use fewer bins.")  # fmt: skip
    if tau is not None:
        read = low_passed_states(spikes, tau=tau, steps=edges[1:] - 1)
    else:
        read = np.add.reduceat(spikes, edges[:-1], axis=1, dtype=np.float32)
    return np.ascontiguousarray(read, dtype=np.float32).reshape(samples, bins * n)


@checked
def low_passed_states(spikes: Spikes, *, tau: Tau, steps: Any = None) -> NDArray[np.float64]:
    """Return low-passed spikes: every spike adds 1, which decays by ``exp(-1 / tau)`` each step.

    Maass, Natschläger & Markram (2002) read the liquid in this way, with a time constant of 30 ms.

    Parameters
    ----------
    spikes : array_like, shape (n_samples, n_steps, n_neurons)
        Spikes in each step.
    tau : float
        Time constant, steps.
    steps : array_like of int, optional
        Steps after which the state is read, in ascending order. Default: all of them.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_read, n_neurons)

    Raises
    ------
    DescriptionError
        If an argument is not valid, or `steps` are out of range or not in ascending order.

    Examples
    --------
    >>> low_passed_states(np.array([[[1], [0], [1]]]), tau=1.0).ravel().round(3).tolist()
    [1.0, 0.368, 1.135]
    """
    samples, length, n = spikes.shape
    read_steps = _steps(steps, length)
    require_memory(
        8.0 * samples * read_steps.size * n,
        f"low_passed_states: {read_steps.size} states of {samples} samples",
        "Read the states at fewer steps.",
    )
    decay = np.exp(-1.0 / tau)
    result: NDArray[np.float64] = np.empty((samples, read_steps.size, n))
    state, k = np.zeros((samples, n)), 0
    for step in range(int(read_steps[-1]) + 1 if read_steps.size else 0):
        state *= decay
        state += spikes[:, step]
        while k < read_steps.size and read_steps[k] == step:
            result[:, k] = state
            k += 1
    return result


def _steps(steps: Any, length: int) -> NDArray[np.int64]:
    if steps is None:
        return np.arange(length, dtype=np.int64)
    read_steps = np.asarray(
        Indices(length).check(steps, "low_passed_states: steps"), dtype=np.int64
    )
    if np.any(np.diff(read_steps) < 0):
        raise DescriptionError("low_passed_states: steps must be in ascending order.")
    return read_steps
