"""Pictures of recordings, weights and recalled patterns; every function gives back its Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DescriptionError, shown, unknown_name
from .network import Network
from .recording import Recording
from .units import to_array, to_float, to_int, to_integers, to_tuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLORS", "images", "raster", "traces", "weight_matrix", "weights"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart (without the yellow)."""

_OFF, _ON, _MISSING, _EXTRA = "#EEEEEE", "#222222", "#D55E00", "#56B4E9"
_MAX_LINES = 200
_MAX_BINS = 250
_PER_ROW = 16


def raster(
    recording: Recording,
    populations: str | Sequence[str] | None = None,
    window: tuple[float, float] | None = None,
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
        Part of the time to draw, ms. Default: all of the run.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, as high as the cells need.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        An unknown population, or a window that is none.
    """
    _check(recording, Recording, "raster: recording")
    names = _chosen(recording, populations)
    start, stop = _window(recording, names, window)
    sizes = np.array([recording[name].size for name in names])
    heights = _band_heights(sizes)
    if ax is None:
        tall = max(0.09 * sizes.sum(), 0.32 * len(names)) + 0.8
        ax = _new_axes(7.0, float(np.clip(tall, 1.7, 6.0)))
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
    labels = [f"{name} ({size})" for name, size in zip(names, sizes, strict=True)]
    ax.set_yticks((bases[:-1] + bases[1:]) / 2, labels)
    ax.tick_params(axis="y", length=0)
    for k, label in enumerate(ax.get_yticklabels()):
        label.set_color(COLORS[k % len(COLORS)])
    ax.set_ylim(0.0, bases[-1])


def traces(
    recording: Recording,
    population: str,
    cells: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw membrane potentials over time.

    Parameters
    ----------
    recording : Recording
        Of a network whose population has ``record=("v",)``.
    population : str
        Whose cells.
    cells : array_like of int, optional
        Which cells. Default: the first seven.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        The potential of this population was not recorded, or a cell that it does not have.
    """
    _check(recording, Recording, "traces: recording")
    values = _trace(recording, population, "v")
    if cells is None:
        wanted = np.arange(min(values.shape[1], len(COLORS)))
    else:
        wanted = to_integers(cells, "traces: cells")
    if wanted.size and wanted.max() >= values.shape[1]:
        raise DescriptionError(
            f"traces: cells must be from 0 to {values.shape[1] - 1}, got {wanted.max()}."
        )
    ax = _new_axes(7.0, 2.8) if ax is None else ax
    for k, cell in enumerate(wanted):
        ax.plot(
            recording.times,
            values[:, cell],
            color=COLORS[k % len(COLORS)],
            linestyle=("-", "--", ":")[k // len(COLORS) % 3],
            linewidth=1.2,
            label=f"cell {cell}",
        )
    ax.set_xlim(recording.start, max(recording.stop, recording.start + recording.dt))
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(f"{population}: v (mV)")
    _legend(ax, len(wanted))
    return ax


def weights(
    recording: Recording | ArrayLike, projection: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw weights: over time where that was recorded, else how they are distributed.

    Parameters
    ----------
    recording : Recording or array_like, shape (n_synapses,) or (n_steps, n_synapses)
        Weights in nA, or a recording of a plastic projection.
    projection : str, optional
        Which one; needed for a recording. With an array it is the title.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A line for each synapse; for more than 200 an image with a row for each; without a time
        axis a histogram.

    Raises
    ------
    DescriptionError
        The recording holds no weights of this projection, or not an array of weights.
    """
    if isinstance(recording, Recording):
        times, values = recording.times, _recorded_weights(recording, projection)
    else:
        values = to_array(recording, "nA", "weights")
        times = np.arange(values.shape[0] if values.ndim else 0, dtype=np.float64)
        if values.ndim not in (1, 2):
            raise DescriptionError(
                f"weights must have shape (n_synapses,) or (n_steps, n_synapses), "
                f"got {values.shape}."
            )
    ax = _new_axes(7.0, 2.8) if ax is None else ax
    if values.ndim == 1:
        _weight_histogram(values, ax)
    else:
        _weights_over_time(values, times, ax)
        ax.set_xlabel("time (ms)" if isinstance(recording, Recording) else "step")
    if projection is not None:
        ax.set_title(projection, loc="left")
    return ax


def _recorded_weights(recording: Recording, projection: Any) -> NDArray[np.float64]:
    known = {**recording.weights}
    known |= {name: rows for (name, kind), rows in recording.traces.items() if kind == "weight"}
    if not isinstance(projection, str) or projection not in known:
        text = unknown_name("projection with recorded weights", projection, known)
        raise DescriptionError(f"weights: {text}")
    return known[projection]


def _weight_histogram(values: NDArray[np.float64], ax: Axes) -> None:
    ax.hist(values, bins=int(np.clip(np.sqrt(values.size), 10, 60)), color=COLORS[0])
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
        )
        _scale(ax, picture)
        ax.set_ylabel("synapse")
        return
    few = n_synapses <= len(COLORS)
    for k in range(n_synapses):
        ax.plot(
            times,
            values[:, k],
            color=COLORS[k % len(COLORS)] if few else COLORS[0],
            alpha=1.0 if few else 0.4,
            linewidth=1.2 if few else 0.8,
            drawstyle="steps-post",
            label=f"synapse {k}" if few else None,
        )
    ax.set_ylabel("weight (nA)")
    if times.size > 1:
        ax.set_xlim(times[0], times[-1])
    _legend(ax, n_synapses if few else 0)


def weight_matrix(
    network: Network,
    projection: str,
    weights: Recording | ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights of one projection as a matrix, with no colour where there is no synapse.

    Parameters
    ----------
    network : Network
        Where the projection is.
    projection : str
        Which one.
    weights : Recording or array_like, shape (n_synapses,), optional
        Weights after a run, nA. Default: the initial ones.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Pre-synaptic cells are rows, post-synaptic ones columns. Above 250 cells neighbours share
        a pixel, which shows the largest weight.

    Raises
    ------
    DescriptionError
        An unknown projection, or weights that do not fit it.
    """
    from matplotlib.ticker import MaxNLocator

    _check(network, Network, "weight_matrix: network")
    item, synapses = network.projection(projection), network.synapses(projection)
    values = synapses.weight
    if isinstance(weights, Recording):
        if projection not in weights.weights:
            text = unknown_name("projection with weights", projection, weights.weights)
            raise DescriptionError(f"weight_matrix: {text}")
        values = weights.weights[projection]
    elif weights is not None:
        values = to_array(weights, "nA", "weight_matrix: weights")
    if values.shape != synapses.i.shape:
        raise DescriptionError(
            f"weight_matrix: weights must have shape {synapses.i.shape}, got {values.shape}."
        )
    n_pre, n_post = network.population(item.pre).size, network.population(item.post).size
    matrix = _matrix(synapses.i, synapses.j, values, n_pre, n_post)
    high = float(np.clip(4.6 * n_pre / n_post, 1.2, 4.6))
    ax = _new_axes(5.6, high + 0.9) if ax is None else ax
    picture = ax.imshow(
        matrix,
        aspect="auto" if max(n_pre, n_post) > 4 * min(n_pre, n_post) else "equal",
        extent=(-0.5, n_post - 0.5, n_pre - 0.5, -0.5),
        interpolation="nearest",
        vmin=0.0,
        vmax=float(values.max()) if values.size and values.max() > 0 else 1.0,
    )
    ax.set_facecolor(_OFF)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    ax.set_xlabel(f"post: {item.post}")
    ax.set_ylabel(f"pre: {item.pre}")
    ax.set_title(projection, loc="left")
    _scale(ax, picture)
    return ax


def _matrix(
    i: NDArray[np.int32], j: NDArray[np.int32], values: NDArray[np.float64], n_pre: int, n_post: int
) -> NDArray[np.float64]:
    """Dense matrix, NaN without a synapse; summed, or above _MAX_BINS the largest of each bin."""
    rows, columns = min(n_pre, _MAX_BINS), min(n_post, _MAX_BINS)
    place = i.astype(np.int64) * rows // n_pre, j.astype(np.int64) * columns // n_post
    matrix, seen = np.zeros((rows, columns)), np.zeros((rows, columns), dtype=np.bool_)
    gather = np.add if (rows, columns) == (n_pre, n_post) else np.maximum
    gather.at(matrix, place, values)
    seen[place] = True
    return np.where(seen, matrix, np.nan)


def images(
    stored: ArrayLike,
    recalled: ArrayLike,
    shape: tuple[int, int],
    labels: Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw stored patterns above recalled ones, with every wrong pixel marked.

    Parameters
    ----------
    stored, recalled : array_like of bool, shape (n_patterns, n_bits)
        What was learnt, and what came back.
    shape : (rows, columns)
        Of each picture; their product is ``n_bits``.
    labels : sequence, optional
        What to write above each picture, shape (n_patterns,).
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Missing pixels are orange, pixels too many blue.

    Raises
    ------
    DescriptionError
        Not patterns of bits, or shapes that do not fit.
    """
    first, second = _patterns(stored, "stored"), _patterns(recalled, "recalled")
    if first.shape != second.shape:
        raise DescriptionError(
            f"images: stored and recalled must have equal shapes, got {first.shape} and "
            f"{second.shape}."
        )
    rows, columns = (to_int(n, "images: shape") for n in _two(shape, "images: shape"))
    if rows * columns != first.shape[1]:
        raise DescriptionError(
            f"images: shape must hold {first.shape[1]} pixels, got {(rows, columns)}."
        )
    words = None if labels is None else [str(w) for w in to_tuple(labels, "images: labels", "str")]
    if words is not None and len(words) != len(first):
        raise DescriptionError(
            f"images: labels must be {len(first)}, one for each pattern, got {len(words)}."
        )
    wrong = second + 2 * (first & ~second) + 2 * (second & ~first)
    pairs = np.stack([first.astype(int), wrong], axis=1).reshape(-1, 2, rows, columns)
    return _draw_pairs(pairs, words, ax)


def _draw_pairs(pairs: NDArray[np.int64], labels: list[str] | None, ax: Axes | None) -> Axes:
    """Lay pairs of pictures (pixel codes 0 off, 1 on, 2 missing, 3 extra) out on one canvas."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    n, _, rows, columns = pairs.shape
    across, gap = min(n, _PER_ROW), max(1, round(0.12 * max(rows, columns)))
    above = 4 * gap if labels is not None else 2 * gap
    block, wide = 2 * rows + gap + above, columns + gap
    canvas = np.full((-(-n // across) * block, across * wide - gap), -1)
    ticks: list[tuple[float, str]] = []
    for k, pair in enumerate(pairs):
        down, right = divmod(k, across)
        left = right * wide
        for half, name in enumerate(("stored", "recalled")):
            top = down * block + above + half * (rows + gap)
            canvas[top : top + rows, left : left + columns] = pair[half]
            if not right:
                ticks.append((top + rows / 2 - 0.5, name))
    if ax is None:
        across_inches = across * float(np.clip(3.3 / across, 0.55, 1.1))
        tall = across_inches * canvas.shape[0] / canvas.shape[1]
        ax = _new_axes(across_inches + 0.9, min(max(tall, 1.0) + 0.5, 12.0))
    colors = ListedColormap(["none", _OFF, _ON, _MISSING, _EXTRA])
    ax.imshow(canvas, cmap=colors, vmin=-1, vmax=3, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    points = ax.get_window_extent().width * 72.0 / ax.figure.dpi
    fits = max(int(points / across / 5.6), 2)  # letters of 8 points above one picture
    for k, word in enumerate(labels or []):
        down, right = divmod(k, across)
        at = right * wide + columns / 2 - 0.5, down * block + above - 0.5 * gap - 0.5
        short = word if len(word) <= fits else f"{word[: fits - 1]}…"
        ax.text(*at, short, ha="center", va="bottom", fontsize=8)
    ax.legend(
        handles=[
            Patch(color=_MISSING, label=f"missing ({np.count_nonzero(pairs == 2)})"),
            Patch(color=_EXTRA, label=f"extra ({np.count_nonzero(pairs == 3)})"),
        ],
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=2 if across > 2 else 1,
        frameon=False,
        borderaxespad=0.3,
        handlelength=0.9,
        handleheight=0.9,
    )
    return ax


def _new_axes(width: float, height: float) -> Axes:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    return figure.add_subplot()


def _scale(ax: Axes, picture: Any) -> None:
    """Colour bar as high as the picture, whatever its shape."""
    beside = ax.inset_axes((1.03, 0.0, 0.04, 1.0))
    ax.figure.colorbar(picture, cax=beside, label="weight (nA)")


def _legend(ax: Axes, n_lines: int) -> None:
    if 1 < n_lines <= 3 * len(COLORS):
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            fontsize="small",
            ncols=-(-n_lines // 10),
        )


def _check(value: Any, cls: type, where: str) -> None:
    if not isinstance(value, cls):
        raise DescriptionError(f"{where} must be a {cls.__name__}, got {shown(value)}.")


def _chosen(recording: Recording, populations: Any) -> list[str]:
    if populations is None:
        names = list(recording.spikes)
    elif isinstance(populations, str):
        names = [populations]
    else:
        names = list(to_tuple(populations, "raster: populations", "names"))
    if not names:
        raise DescriptionError("raster: no population to draw; record spikes of at least one.")
    for name in names:
        recording[name]
    return names


def _window(recording: Recording, names: Sequence[str], window: Any) -> tuple[float, float]:
    if window is None:
        last = max(recording[name].duration for name in names)
        start, stop = recording.start, recording.stop
        return start, stop if stop > start else max(last, start + recording.dt)
    start, stop = (
        to_float(edge, "ms", "raster: window") for edge in _two(window, "raster: window")
    )
    if start >= stop:
        raise DescriptionError(f"raster: window must be (start, stop) in ms, got {shown(window)}.")
    return start, stop


def _two(value: Any, where: str) -> tuple[Any, Any]:
    parts = to_tuple(value, where, "two numbers")
    if len(parts) != 2:
        raise DescriptionError(f"{where} must be two numbers, got {shown(value)}.")
    return parts[0], parts[1]


def _trace(recording: Recording, population: Any, variable: str) -> NDArray[np.float64]:
    have = [name for name, kind in recording.traces if kind == variable]
    if not isinstance(population, str) or population not in have:
        text = unknown_name(f"population with a recorded {variable!r}", population, have)
        raise DescriptionError(f"traces: {text}")
    return recording.traces[population, variable]


def _patterns(values: Any, where: str) -> NDArray[np.bool_]:
    from .metrics import bits

    return np.atleast_2d(bits(values, f"images: {where}"))
