"""Pictures of spikes and membrane potentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import Indices, Name, checked
from ..errors import DescriptionError, unknown_name
from ..recording import Recording
from .axes import COLORS, legend, new_axes, plain, run_of, time_window
from .kinds import Axes, Names, Window

__all__ = ["raster", "traces"]


@checked
def raster(
    recording: Recording,
    populations: Names | None = None,
    window: Window | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a mark for each spike, with a row for each cell, silent ones too.

    Parameters
    ----------
    recording : Recording
        Where the spikes are.
    populations : sequence of str, optional
        Which to draw, from bottom to top. Default: all.
    window : (start, stop), optional
        Part of the time to draw, ms; it must overlap the recording. Default: all of it.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, as high as the cells need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        An unknown population, or a window outside the recording.
    """
    names = _chosen(recording, populations)
    last = max(recording[name].duration for name in names)
    start, stop = time_window(window, *run_of(recording, last), "raster: window")
    sizes = np.array([recording[name].size for name in names])
    heights = _band_heights(sizes)
    if ax is None:
        tall = max(0.09 * sizes.sum(), 0.32 * len(names)) + 0.8
        ax = new_axes(7.0, float(np.clip(tall, 1.7, 6.0)))
    points = ax.get_window_extent().height * 72.0 / ax.figure.dpi
    bases = np.concatenate([[0.0], np.cumsum(heights)])
    for k, name in enumerate(names):
        trains = recording[name].window(start, stop)
        row = 0.8 * points * heights[k] / sizes[k] / bases[-1]
        crowded = len(trains) > 5000
        ax.plot(
            trains.times,
            bases[k] + (trains.ids + 0.5) * heights[k] / sizes[k],
            linestyle="none",
            marker="|",
            markersize=float(np.clip(row, 2.0 if crowded else 4.5, 18.0)),
            markeredgewidth=0.6 if crowded else 1.4,
            color=COLORS[k % len(COLORS)],
            rasterized=len(trains) > 20_000,
        )
    _label_bands(ax, names, sizes, bases)
    ax.set_xlim(start, stop)
    ax.set_xlabel("time (ms)")
    return ax


def _band_heights(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Height of each population: its share of the cells, but room for its label in any case."""
    share = sizes / sizes.sum()
    least = min(0.06, 0.8 / sizes.size)
    return np.asarray(np.maximum(share, least), dtype=np.float64)


def _label_bands(
    ax: Axes, names: Sequence[str], sizes: NDArray[np.int64], bases: NDArray[np.float64]
) -> None:
    for base in bases[1:-1]:
        ax.axhline(base, color="0.7", linewidth=0.8)
    labels = [f"{plain(name)} ({size})" for name, size in zip(names, sizes, strict=True)]
    ax.set_yticks((bases[:-1] + bases[1:]) / 2, labels)
    ax.tick_params(axis="y", length=0)
    for k, label in enumerate(ax.get_yticklabels()):
        label.set_color(COLORS[k % len(COLORS)])
    ax.set_ylim(0.0, bases[-1])


@checked
def traces(
    recording: Recording,
    population: Annotated[str, Name()],
    cells: Annotated[Any, Indices()] | None = None,
    ax: Axes | None = None,
    *,
    window: Window | None = None,
) -> Axes:
    """Draw membrane potentials over time.

    Parameters
    ----------
    recording : Recording
        Of a network whose population has ``record=("v",)``.
    population : str
        Population that the cells belong to.
    cells : array_like of int, optional
        Which cells. Default: the first seven.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    window : (start, stop), optional
        Part of the time to draw, ms; it must overlap the recording. Default: all of it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        The potential of this population was not recorded, a cell that it does not have, or a
        window outside the recording.
    """
    values = _trace(recording, population, "v")
    if cells is None:
        wanted = np.arange(min(values.shape[1], len(COLORS)))
    else:
        wanted = cells
    if wanted.size and wanted.max() >= values.shape[1]:
        raise DescriptionError(
            f"traces: cells must be from 0 to {values.shape[1] - 1}, got {wanted.max()}."
        )
    limits = time_window(window, *run_of(recording), "traces: window")
    ax = new_axes(7.0, 2.8) if ax is None else ax
    for k, cell in enumerate(wanted):
        ax.plot(
            recording.times,
            values[:, cell],
            color=COLORS[k % len(COLORS)],
            linestyle=("-", "--", ":")[k // len(COLORS) % 3],
            linewidth=1.2,
            label=f"cell {cell}",
        )
    ax.set_xlim(*limits)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(f"{plain(population)}: v (mV)")
    legend(ax, len(wanted))
    return ax


def _chosen(recording: Recording, populations: Any) -> list[str]:
    names = list(recording.spikes if populations is None else populations)
    if not names:
        raise DescriptionError("raster: no population to draw; record spikes of at least one.")
    for name in names:
        recording[name]
    return names


def _trace(recording: Recording, population: str, variable: str) -> NDArray[np.float64]:
    have = [name for name, kind in recording.traces if kind == variable]
    if population not in have:
        text = unknown_name(f"population with a recorded {variable!r}", population, have)
        raise DescriptionError(f"traces: {text}")
    return recording.traces[population, variable]
