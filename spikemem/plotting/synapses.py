"""Draws weights over time, as a histogram, and as a matrix."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import Name, checked
from ..errors import DescriptionError, unknown_name
from ..network import Network
from ..recording import Recording
from .axes import (
    COLORS,
    LINE,
    MAP,
    OFF,
    THIN,
    color_bar,
    legend,
    new_axes,
    plain,
    run_of,
    tidy,
    time_window,
    title,
    whole_ticks,
)
from .kinds import Axes, Weights, Window

__all__ = ["weight_matrix", "weights"]

_MAX_LINES = 200
_MAX_BINS = 250


@checked
def weights(
    recording: Weights,
    projection: Annotated[str, Name()] | None = None,
    ax: Axes | None = None,
    *,
    window: Window | None = None,
) -> Axes:
    """Draw weights over time if they were recorded, otherwise their distribution.

    Parameters
    ----------
    recording : Recording or array_like, shape (n_synapses,) or (n_steps, n_synapses)
        Weights in nA, or a recording of a plastic projection.
    projection : str, optional
        Projection to draw; required for a recording. For an array it is the title.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.
    window : (start, stop), optional
        Time window to draw, ms; it must overlap the recording, which must have weights over time.
        Default: the whole recording.

    Returns
    -------
    matplotlib.axes.Axes
        A line for each synapse, an image with a row for each of more than 200 synapses, or a
        histogram if there are no weights over time.

    Raises
    ------
    DescriptionError
        If the recording has no weights of this projection, the array does not hold weights, the
        window is outside the recording, or there are no weights over time.
    """
    if isinstance(recording, Recording):
        times, values = recording.times, _recorded_weights(recording, projection)
    else:
        values = np.asarray(recording)
        times = np.arange(values.shape[0] if values.ndim else 0, dtype=np.float64)
        if values.ndim not in (1, 2):
            raise DescriptionError(
                f"weights must have shape (n_synapses,) or (n_steps, n_synapses), "
                f"got {values.shape}."
            )
    limits = None
    if window is not None:
        if values.ndim == 1 or not isinstance(recording, Recording):
            raise DescriptionError(
                "weights: window needs weights that were recorded over time. Leave it out, or run "
                "a network whose projection has record=['weight']."
            )
        limits = time_window(window, *run_of(recording), "weights: window")
    ax = new_axes(7.0, 2.8) if ax is None else ax
    if values.ndim == 1:
        _weight_histogram(values, ax)
    else:
        _weights_over_time(values, times, ax)
        ax.set_xlabel("time (ms)" if isinstance(recording, Recording) else "step")
    if limits is not None:
        ax.set_xlim(*limits)
    tidy(ax)
    if projection is not None:
        title(ax, projection)
    return ax


def _recorded_weights(recording: Recording, projection: Any) -> NDArray[np.float64]:
    values_of = {**recording.weights}
    values_of |= {name: rows for (name, kind), rows in recording.traces.items() if kind == "weight"}
    if not isinstance(projection, str) or projection not in values_of:
        text = unknown_name("projection with recorded weights", projection, values_of)
        raise DescriptionError(f"weights: {text}")
    return values_of[projection]


def _weight_histogram(values: NDArray[np.float64], ax: Axes) -> None:
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    # For equal weights, the bins must be wider than the resolution of floats at this size.
    width = max(0.5, 1e-3 * abs(low))
    limits = (low - width, high + width) if low == high else None
    bins = int(np.clip(np.sqrt(values.size), 10, 60))
    ax.hist(values, bins=bins, range=limits, color=COLORS[0])
    ax.set_xlabel("weight (nA)")
    ax.set_ylabel("synapses")


def _weights_over_time(values: NDArray[np.float64], times: NDArray[np.float64], ax: Axes) -> None:
    n_synapses = values.shape[1]
    if n_synapses > _MAX_LINES:
        step = times[1] - times[0] if times.size > 1 else 1.0
        edges = (times[0], times[-1] + step) if times.size else (0.0, 1.0)
        picture = ax.imshow(
            values.T,
            aspect="auto",
            origin="lower",
            extent=(*edges, 0, n_synapses),
            interpolation="nearest",
            cmap=MAP,
        )
        color_bar(ax, picture, "weight (nA)")
        ax.set_ylabel("synapse")
        return
    few = n_synapses <= len(COLORS)
    for k in range(n_synapses):
        ax.plot(
            times,
            values[:, k],
            color=COLORS[k % len(COLORS)] if few else COLORS[0],
            alpha=1.0 if few else 0.4,
            linewidth=LINE if few else THIN,
            drawstyle="steps-post",
            label=f"synapse {k}" if few else None,
        )
    ax.set_ylabel("weight (nA)")
    if times.size > 1:
        ax.set_xlim(times[0], times[-1])
    legend(ax, n_synapses if few else 0)


@checked
def weight_matrix(
    network: Network,
    projection: Annotated[str, Name()],
    weights: Weights | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights of one projection as a matrix; missing synapses have no colour.

    Parameters
    ----------
    network : Network
        Network with the projection.
    projection : str
        Name of the projection.
    weights : Recording or array_like, shape (n_synapses,), optional
        Weights after a run, nA. Default: the initial weights.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Pre-synaptic cells are rows, and post-synaptic cells are columns. Above 250 cells,
        neighbours share a pixel, which shows the largest weight.

    Raises
    ------
    DescriptionError
        If the projection is unknown, or the weights do not fit it.
    """
    item, synapses = network.projection(projection), network.synapses(projection)
    values = synapses.weight
    if isinstance(weights, Recording):
        if projection not in weights.weights:
            text = unknown_name("projection with weights", projection, weights.weights)
            raise DescriptionError(f"weight_matrix: {text}")
        values = weights.weights[projection]
    elif weights is not None:
        values = np.asarray(weights)
    if values.shape != synapses.i.shape:
        raise DescriptionError(
            f"weight_matrix: weights must have shape {synapses.i.shape}, got {values.shape}."
        )
    n_pre, n_post = network.population(item.pre).size, network.population(item.post).size
    matrix = _matrix(synapses.i, synapses.j, values, n_pre, n_post)
    high = float(np.clip(4.6 * n_pre / n_post, 1.2, 4.6))
    ax = new_axes(5.6, high + 0.9) if ax is None else ax
    picture = ax.imshow(
        matrix,
        aspect="auto" if max(n_pre, n_post) > 4 * min(n_pre, n_post) else "equal",
        extent=(-0.5, n_post - 0.5, n_pre - 0.5, -0.5),
        interpolation="nearest",
        cmap=MAP,
        vmin=0.0,
        vmax=float(values.max()) if values.size and values.max() > 0 else 1.0,
    )
    ax.set_facecolor(OFF)
    whole_ticks(ax)
    ax.set_xlabel(f"post: {plain(item.post)}")
    ax.set_ylabel(f"pre: {plain(item.pre)}")
    title(ax, projection)
    color_bar(ax, picture, "weight (nA)")
    return ax


def _matrix(
    i: NDArray[np.int32], j: NDArray[np.int32], values: NDArray[np.float64], n_pre: int, n_post: int
) -> NDArray[np.float64]:
    """Return a dense matrix, with NaN where there is no synapse.

    Weights of synapses between the same cells are summed; above _MAX_BINS cells, each bin has the
    largest weight.
    """
    rows, columns = min(n_pre, _MAX_BINS), min(n_post, _MAX_BINS)
    bins = i.astype(np.int64) * rows // n_pre, j.astype(np.int64) * columns // n_post
    matrix, seen = np.zeros((rows, columns)), np.zeros((rows, columns), dtype=np.bool_)
    gather = np.add if (rows, columns) == (n_pre, n_post) else np.maximum
    gather.at(matrix, bins, values)
    seen[bins] = True
    return np.where(seen, matrix, np.nan)
