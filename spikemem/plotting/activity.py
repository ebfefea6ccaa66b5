"""Draws spikes and membrane potentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import Flag, Indices, Name, Quantity, checked
from ..errors import DescriptionError, unknown_name
from ..recording import Recording
from .axes import COLORS, GREY, LINE, THIN, legend, new_axes, plain, run_of, tidy, time_window
from .kinds import Axes, Marks, Names, Window
from .marks import mark_times

__all__ = ["raster", "traces"]


@checked
def raster(
    recording: Recording,
    populations: Names | None = None,
    window: Window | None = None,
    ax: Axes | None = None,
    *,
    marks: Marks = (),
) -> Axes:
    """Draw a mark for each spike, with a row for each cell, even a silent one.

    Parameters
    ----------
    recording : Recording
        Recording with the spikes.
    populations : sequence of str, optional
        Populations to draw, from bottom to top. Default: all.
    window : (start, stop), optional
        Time window to draw, ms; it must overlap the recording. Default: the whole recording.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure, whose height depends on the number of cells.
    marks : sequence of (float, str)
        Times in ms with names, which are written above the picture; see :func:`mark_times`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        If a population is unknown, or the window is outside the recording.

    Examples
    --------
    >>> import spikemem as sm
    >>> trains = sm.SpikeTrains(ids=[0, 1], times=[2.0, 4.0], size=2)
    >>> ax = raster(sm.Recording(spikes={"CA3": trains}, stop=8.0), marks=[(1.0, "learn")])
    >>> [name.get_text() for name in ax.texts]
    ['learn']
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
    tidy(ax)
    return mark_times(ax, marks)


def _band_heights(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the height of each population: its share of the cells, with room for its label."""
    share = sizes / sizes.sum()
    least = min(0.06, 0.8 / sizes.size)
    return np.asarray(np.maximum(share, least), dtype=np.float64)


def _label_bands(
    ax: Axes, names: Sequence[str], sizes: NDArray[np.int64], bases: NDArray[np.float64]
) -> None:
    for base in bases[1:-1]:
        ax.axhline(base, color=GREY, linewidth=THIN)
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
    offset: Annotated[bool, Flag()] = True,
    threshold: Annotated[float, Quantity("mV")] | None = None,
    marks: Marks = (),
) -> Axes:
    """Draw membrane potentials over time, one row for each cell, with its spikes.

    Parameters
    ----------
    recording : Recording
        Recording of a network whose population has ``record=("v",)``.
    population : str
        Population of the cells.
    cells : array_like of int, optional
        Cells to draw, from bottom to top. Default: the first seven.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.
    window : (start, stop), optional
        Time window to draw, ms; it must overlap the recording. Default: the whole recording.
    offset : bool
        True draws several cells above each other, with a scale bar. If False, they share one axis
        in mV.
    threshold : float, optional
        Potential of the thin line in each row, mV. Default: the initial potential of the cell.
    marks : sequence of (float, str)
        Times in ms with names; see :func:`mark_times`.

    Returns
    -------
    matplotlib.axes.Axes
        If the spikes of the population were recorded, a short line above its trace shows each
        spike, unless several cells share one axis.

    Raises
    ------
    DescriptionError
        If the potential of this population was not recorded, a cell does not exist, or the window
        is outside the recording.
    """
    values = _trace(recording, population, "v")
    if cells is None:
        chosen = np.arange(min(values.shape[1], len(COLORS)))
    else:
        chosen = cells
    if chosen.size and chosen.max() >= values.shape[1]:
        raise DescriptionError(
            f"traces: cells must be from 0 to {values.shape[1] - 1}, got {chosen.max()}."
        )
    limits = time_window(window, *run_of(recording), "traces: window")
    rows = offset and len(chosen) > 1
    if ax is None:
        ax = new_axes(7.0, float(np.clip(0.5 * len(chosen) + 0.9, 2.8, 7.0)) if rows else 2.8)
    inside = (recording.times >= limits[0]) & (recording.times < limits[1])
    low, high = _limits(values[inside][:, chosen], threshold)
    step = 1.3 * (high - low) if rows else 0.0
    levels = []
    for k, cell in enumerate(chosen):
        color = COLORS[k % len(COLORS)]
        ax.plot(
            recording.times,
            values[:, cell] + k * step,
            color=color,
            linestyle="-" if rows else ("-", "--", ":")[k // len(COLORS) % 3],
            linewidth=LINE,
            label=f"cell {cell}",
        )
        levels.append(_level(values[:, cell], threshold) + k * step)
        if rows or len(chosen) == 1:
            above = high + k * step + np.array([0.04, 0.16]) * (high - low)
            _mark_spikes(ax, recording, population, int(cell), above, color)
    if rows or threshold is not None:
        drawn = levels if rows else levels[:1]
        ax.hlines(drawn, *limits, color=GREY, linewidth=THIN, linestyle=":", zorder=0.5)
    if rows:
        _label_rows(ax, population, chosen, levels, high - low)
    else:
        ax.set_ylabel(f"{plain(population)}: v (mV)")
        legend(ax, len(chosen))
    ax.set_xlim(*limits)
    ax.set_xlabel("time (ms)")
    tidy(ax)
    return mark_times(ax, marks)


def _limits(values: NDArray[np.float64], threshold: float | None) -> tuple[float, float]:
    """Return lowest and highest potential including the threshold, at least 0.1 mV apart."""
    finite = values[np.isfinite(values)]
    if threshold is not None:
        finite = np.append(finite, threshold)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return low, max(high, low + 0.1)


def _level(values: NDArray[np.float64], threshold: float | None) -> float:
    """Return the potential of the line in the row of a cell, mV."""
    if threshold is not None:
        return threshold
    finite = values[np.isfinite(values)]
    return float(finite[0]) if finite.size else 0.0


def _mark_spikes(
    ax: Axes,
    recording: Recording,
    population: str,
    cell: int,
    ends: NDArray[np.float64],
    color: str,
) -> None:
    """Draw a short vertical line above the trace for each spike."""
    trains = recording.spikes.get(population)
    if trains is None or cell >= trains.size:
        return
    times = trains.times[trains.ids == cell]
    if times.size:
        ax.vlines(times, *ends, color=color, linewidth=LINE, label="_spikes")


def _label_rows(
    ax: Axes, population: str, cells: NDArray[np.int64], levels: Sequence[float], span: float
) -> None:
    """Label the cells at their lines, and draw a scale bar in mV at the right."""
    every = -(-len(cells) // 40)
    names = [f"cell {cell}" for cell in cells[::every]]
    ax.set_yticks(levels[::every], names)
    ax.tick_params(axis="y", length=0)
    if every == 1:
        for k, name in enumerate(ax.get_yticklabels()):
            name.set_color(COLORS[k % len(COLORS)])
    ax.set_ylabel(f"{plain(population)}: v")
    power = 10.0 ** np.floor(np.log10(span))
    bar = power * max(m for m in (1.0, 2.0, 5.0) if m * power <= span)
    low, _ = ax.get_ylim()
    ends = ax.get_yaxis_transform()
    ax.vlines(1.01, low, low + bar, color="black", linewidth=2 * LINE, transform=ends,
              clip_on=False)  # fmt: skip
    ax.set_ylim(low, None)
    ax.annotate(f"{bar:g} mV", (1.02, low + bar / 2), xycoords=ends, va="center")


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
