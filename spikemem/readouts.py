"""Readouts of spike trains: counts, time bins, low-passed states, and linear classifiers."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .checks import Choice, Count, Quantities, Quantity, checked
from .errors import DescriptionError
from .spikes import SpikeTrains
from .units import GRID

__all__ = ["bin_counts", "counts", "linear_readout", "low_passed"]


Times = Annotated[NDArray[np.float64], Quantities("ms", shape=(None,))]
Length = Annotated[float, Quantity("ms", above=0.0)]


@checked
def counts(trains: SpikeTrains, starts: Times, length: Length) -> NDArray[np.int64]:
    """Count the spikes of each cell in windows of equal length.

    Parameters
    ----------
    trains : SpikeTrains
        Spikes of one population.
    starts : array_like of float, shape (n_windows,)
        Beginnings of the windows, ms.
    length : float
        Length of every window, ms; a spike at the end of a window does not count.

    Returns
    -------
    ndarray of int64, shape (n_windows, size)

    Raises
    ------
    DescriptionError
        If an argument is not valid.

    Examples
    --------
    >>> trains = SpikeTrains(ids=[0, 0, 1], times=[1.0, 12.0, 13.0], size=2)
    >>> counts(trains, [0.0, 10.0], 10.0).tolist()
    [[1, 0], [1, 1]]
    """
    return bin_counts(trains, starts, length, 1)[:, 0]


@checked
def bin_counts(
    trains: SpikeTrains, starts: Times, length: Length, bins: Annotated[int, Count()]
) -> NDArray[np.int64]:
    """Count the spikes of each cell in equal time bins of windows of equal length.

    Parameters
    ----------
    trains, starts, length
        As for :func:`counts`.
    bins : int
        Number of bins of each window.

    Returns
    -------
    ndarray of int64, shape (n_windows, bins, size)

    Raises
    ------
    DescriptionError
        If an argument is not valid.
    """
    edges = starts[:, None] + np.arange(bins + 1) * (length / bins) - GRID
    result = np.zeros((len(starts), bins, trains.size), dtype=np.int64)
    edge_indices = np.searchsorted(trains.times, edges)
    for window, row in enumerate(edge_indices):
        for k in range(bins):
            ids = trains.ids[row[k] : row[k + 1]]
            result[window, k] = np.bincount(ids, minlength=trains.size)
    return result


@checked
def low_passed(
    trains: SpikeTrains, times: Times, *, tau: Annotated[float, Quantity("ms", above=0.0)]
) -> NDArray[np.float64]:
    """Return low-passed spikes of each cell: every spike adds 1, which decays exponentially.

    The state at time `t` is the sum of ``exp(-(t - s) / tau)`` over the spikes at ``s <= t``.

    Parameters
    ----------
    trains : SpikeTrains
        Spikes of one population.
    times : array_like of float, shape (n_times,)
        Times at which the state is read, ms, in ascending order.
    tau : float
        Time constant, ms.

    Returns
    -------
    ndarray of float64, shape (n_times, size)

    Raises
    ------
    DescriptionError
        If an argument is not valid, or `times` are not in order.

    Examples
    --------
    >>> trains = SpikeTrains(ids=[0, 0], times=[0.0, 10.0], size=1)
    >>> low_passed(trains, [0.0, 10.0], tau=10.0).ravel().round(3).tolist()
    [1.0, 1.368]
    """
    if np.any(np.diff(times) < 0):
        raise DescriptionError("low_passed: times must be in ascending order.")
    result = np.zeros((len(times), trains.size))
    state, last = np.zeros(trains.size), 0.0
    stops = np.searchsorted(trains.times, times + GRID)
    for k, (first, stop) in enumerate(itertools.pairwise([0, *stops.tolist()])):
        moment = float(times[k])
        state *= np.exp(-(moment - last) / tau)
        fresh = np.exp(-(moment - trains.times[first:stop]) / tau)
        state += np.bincount(trains.ids[first:stop], weights=fresh, minlength=trains.size)
        result[k], last = state, moment
    return result


@checked
def linear_readout(
    kind: Annotated[Literal["ridge", "logistic"], Choice("ridge", "logistic")] = "ridge",
    *,
    strength: Annotated[float, Quantity(above=0.0)] = 1.0,
) -> Any:
    """Make a linear classifier of scikit-learn, on standardised features.

    Parameters
    ----------
    kind : {"ridge", "logistic"}
        ``RidgeClassifier`` or ``LogisticRegression``.
    strength : float
        Strength of the L2 penalty (``alpha``; ``C`` is its inverse).

    Returns
    -------
    sklearn.pipeline.Pipeline
        Classifier with the methods ``fit``, ``predict`` and ``score``.

    Raises
    ------
    DescriptionError
        If an argument is not valid.

    Examples
    --------
    >>> readout = linear_readout().fit([[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1])
    >>> readout.predict([[0.5], [4.5]]).tolist()
    [0, 1]
    """
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "ridge":
        return make_pipeline(StandardScaler(), RidgeClassifier(alpha=strength))
    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0 / strength, max_iter=1000))
