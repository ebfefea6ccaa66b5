"""Draws error curves, overlaps of segments, and the activity of a sequence memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Text, checked
from ...codes import PatternLike
from ...display import View
from ...errors import DescriptionError, shown, unknown_name
from ...plotting import COLORS, new_axes, plain
from ...plotting.axes import SMALL, color_bar, tidy, whole_ticks
from ...plotting.kinds import Axes
from ...recording import Recording
from ...streams import Seed
from ...units import steps
from .arguments import Whole
from .neurons import ActiveDendriteNeurons
from .sequence_circuit import SequenceCircuit
from .temporal import TemporalMemory
from .theory import false_negative_probability, false_positive_probability
from .trials import measure_false_negatives, measure_false_positives

__all__ = [
    "error_curve",
    "neurons_view",
    "patterns_on_segments",
    "segment_activity",
    "segments_of_cells",
    "sequence_activity",
    "sequences_view",
]

CellIds = NDArray[np.int64]

_THEORY = "theory"
_LABELS = {
    "n": "cells n",
    "a": "active cells a",
    "s": "synapses s",
    "theta": "threshold θ",
    "v": "swapped cells v",
}


@checked
def error_curve(
    vary: Annotated[str, Choice(*_LABELS)],
    values: Annotated[Any, Whole(0)],
    *,
    trials: Annotated[int, Count(low=0)] = 0,
    seed: Seed = 0,
    ax: Axes | None = None,
    label: Annotated[str, Text()] | None = None,
    **fixed: Any,
) -> Axes:
    """Draw the probability of an error as a function of n, a, s, theta or v.

    If `v` is varied or fixed, it is the probability of a miss, otherwise that of a false positive.

    Parameters
    ----------
    vary : {"n", "a", "s", "theta", "v"}
        Parameter on the horizontal axis.
    values : array_like of int
        Values of this parameter.
    trials : int
        Number of decisions of neurons at each value; 0 draws the theory only. Measured rates are
        drawn with 95 % intervals. Without errors, a triangle marks the upper end of the interval.
    seed : int or numpy.random.Generator
        Seed of the trials.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure. Each further call uses the next colour.
    label : str, optional
        Label in the legend.
    **fixed
        The other arguments of :func:`false_positive_probability` or
        :func:`false_negative_probability`. For a miss, `n` is required only with trials.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        If an argument is unknown, or values are not valid for the theory.
    """
    for name in fixed:
        if name not in _LABELS:
            raise DescriptionError(f"error_curve: {unknown_name('parameter', name, _LABELS)}")
        Count(low=0).check(fixed[name], f"error_curve: {name}")
    if vary in fixed:
        raise DescriptionError(
            f"error_curve: {vary} is varied and cannot be fixed too; leave out {vary}=."
        )
    axis = np.ravel(values)
    arguments = {**fixed, vary: axis}
    needed = {"a", "s", "theta"} | ({"n"} if trials and "v" in arguments else set())
    missing = sorted(needed - set(arguments))
    if not missing and not {"n", "v"} & set(arguments):
        missing = ["n (for false positives) or v (for misses)"]
    if missing:
        raise DescriptionError(f"error_curve: missing {', '.join(missing)}.")
    without_n = {name: value for name, value in arguments.items() if name != "n"}
    if "v" in arguments:
        line = false_negative_probability(**without_n)
    else:
        line = false_positive_probability(**arguments)
    line = np.broadcast_to(line, axis.shape)
    ax = new_axes(5.2, 3.4) if ax is None else ax
    n_drawn = sum(one.get_gid() == _THEORY for one in ax.lines)
    color = COLORS[n_drawn % len(COLORS)]
    shown_label = None if label is None else plain(label)
    ax.plot(axis, np.where(line > 0, line, np.nan), color=color, label=shown_label, gid=_THEORY)
    if trials:
        _draw_trials(ax, axis, vary, fixed, trials, seed, color)
    ax.set_yscale("log")
    ax.set_xlabel(_LABELS[vary])
    ax.set_ylabel("false negatives" if "v" in arguments else "false positives")
    if label:
        ax.legend(frameon=False, fontsize=SMALL)
    return tidy(ax)


def _draw_trials(
    ax: Axes, axis: Any, vary: str, fixed: dict[str, Any], trials: int, seed: Seed, color: str
) -> None:
    """Draw rates with intervals; without errors, only the upper end as a triangle."""
    for value in axis.tolist():
        sizes = {**fixed, vary: value}
        if "v" in sizes:
            counted = measure_false_negatives(**sizes, trials=trials, seed=seed)
        else:
            side = max(round(trials**0.5), 1)
            counted = measure_false_positives(**sizes, n_segments=side, n_frames=side, seed=seed)
        if not counted.errors:
            ax.plot(value, counted.high, marker="v", color=color, markersize=4, fillstyle="none")
            continue
        bars = [[counted.rate - counted.low], [counted.high - counted.rate]]
        ax.errorbar(value, counted.rate, bars, fmt="o", color=color, markersize=3, capsize=2)


@checked
def segment_activity(
    neurons: ActiveDendriteNeurons,
    frames: PatternLike,
    *,
    neuron: Annotated[int, Count(low=0)] = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the overlap of each segment of a neuron with each frame of a sequence.

    Parameters
    ----------
    neurons : ActiveDendriteNeurons
        Neurons with the segments.
    frames : Patterns, or anything that Patterns takes
        Patterns of active cells.
    neuron : int
        Index of the neuron.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each segment and a column for each frame. Active segments have a frame, and a
        mark below shows that the neuron detects the frame.

    Raises
    ------
    DescriptionError
        If `frames` are not patterns of active cells, there are none, or the neuron does not exist.
    """
    from matplotlib.ticker import MaxNLocator

    if neuron >= neurons.n_neurons:
        raise DescriptionError(
            f"segment_activity: neuron must be from 0 to {neurons.n_neurons - 1}, got {neuron}."
        )
    overlaps = neurons.overlaps(frames)[:, neuron].T
    if not overlaps.size:
        raise DescriptionError("segment_activity: frames must have at least one frame, got none.")
    high = float(np.clip(0.16 * len(overlaps) + 1.2, 2.0, 6.0))
    ax = new_axes(6.4, high) if ax is None else ax
    picture = ax.imshow(overlaps, cmap="Blues", aspect="auto", interpolation="nearest",
                        vmin=0, vmax=neurons.synapses_per_segment)  # fmt: skip
    segment, frame = np.nonzero(overlaps >= neurons.threshold)
    ax.plot(frame, segment, "s", color=COLORS[1], fillstyle="none", markersize=6,
            label=f"active (θ = {neurons.threshold})")  # fmt: skip
    fired = np.unique(frame)
    ax.plot(fired, np.full(fired.size, len(overlaps) + 0.2), "^", color=COLORS[1], markersize=6,
            label="neuron detects")  # fmt: skip
    ax.set_ylim(len(overlaps) + 0.9, -0.6)
    ax.set_yticks(range(0, len(overlaps), math.ceil(len(overlaps) / 10)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    color_bar(ax, picture, "active synapses", whole=True)
    ax.set_xlabel("frame")
    ax.set_ylabel("segment")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=SMALL)
    return ax


@checked
def sequence_activity(
    memory: TemporalMemory,
    recording: Recording,
    *,
    labels: Iterable[Iterable[str]] = (),
    ax: Axes | None = None,
    **options: Any,
) -> Axes:
    """Draw columns, cells and predictions of a sequence memory over time.

    Parameters
    ----------
    memory : TemporalMemory
        Memory, in the state in which the network was built.
    recording : Recording
        Recording of the network ``memory.build(sequences, **options)``.
    labels : iterable of iterable of str, optional
        A name for each frame of each sequence, such as ``["ABCD", "XBCY"]``.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.
    **options
        As for :meth:`TemporalMemory.build`.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each cell. A bar covers the cells of each active column. Filled marks are cells
        that fired; their colour tells whether they were predicted or their column burst. Hollow
        marks are predictions for the next frame.

    Raises
    ------
    DescriptionError
        If `memory` is not a TemporalMemory, or `recording` not one of its network.
    """
    where, checked_memory = "sequence_activity", memory
    if not isinstance(checked_memory, TemporalMemory):
        raise DescriptionError(f"{where}: memory must be a TemporalMemory, got {shown(memory)}.")
    circuit = memory.spiking(**options)
    circuit.check(recording, where)
    size = circuit.cells_per_column
    ax = new_axes(8.0, 4.2) if ax is None else ax
    ticks, columns = _spikes(circuit, recording, "columns")
    low = columns * size - 0.5
    ax.vlines(ticks * circuit.dt, low, low + size, color="0.8", linewidth=2.0, label="column")
    ticks, cells = _spikes(circuit, recording, "cells")
    burst = np.isin(_column(circuit, ticks, cells // size),
                    _column(circuit, *_spikes(circuit, recording, "bursts")))  # fmt: skip
    marks: dict[str, Any] = {"linestyle": "none", "markersize": 3.5}
    ax.plot(ticks[~burst] * circuit.dt, cells[~burst], "o", color=COLORS[0],
            label="cell, predicted", **marks)  # fmt: skip
    ax.plot(ticks[burst] * circuit.dt, cells[burst], "s", color=COLORS[1],
            label="cell, bursting", **marks)  # fmt: skip
    ticks, relays = _spikes(circuit, recording, "predictions")
    ax.plot(ticks * circuit.dt, circuit.predicting[relays], "o", color=COLORS[2],
            fillstyle="none", label="prediction", **marks)  # fmt: skip
    _name_frames(ax, labels, circuit.period)
    ax.set_xlim(-0.25 * circuit.period, recording.duration)
    ax.set_ylim(-1, circuit.n_cells)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(f"cell ({size} in each column)")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL)
    return tidy(ax)


def _spikes(circuit: SequenceCircuit, recording: Recording, name: str) -> tuple[CellIds, CellIds]:
    """Return steps and cells of all spikes of a population."""
    trains = recording[name]
    return steps(trains.times - recording.start, circuit.dt), trains.ids.astype(np.int64)


def _column(circuit: SequenceCircuit, ticks: CellIds, columns: CellIds) -> CellIds:
    """Return a distinct number for each column in each frame."""
    return ticks // circuit.schedule.period * circuit.n_columns + columns


def _name_frames(ax: Axes, labels: Iterable[Iterable[str]], period: float) -> None:
    """Write names above the frames; a silent period follows each sequence."""
    time = 0.0
    for sequence in labels:
        for name in sequence:
            ax.annotate(str(name), (time, 1.0), xytext=(0, 3), ha="left", fontsize="large",
                        xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
            time += period
        time += period


def patterns_on_segments(neurons: ActiveDendriteNeurons, ax: Axes) -> None:
    """Draw the number of synapses of each segment."""
    sizes = neurons.segments.sizes.reshape(neurons.n_neurons, neurons.n_segments)
    if neurons.n_neurons == 1:
        ax.bar(np.arange(sizes.shape[1]), sizes[0], width=0.8, color=COLORS[0])
        ax.set_ylabel("synapses")
        tidy(ax)
    else:
        color_bar(ax, _fitted(ax, sizes), "synapses", whole=True)
        ax.set_ylabel("neuron")
    ax.set_xlabel("segment")


def segments_of_cells(memory: TemporalMemory, ax: Axes) -> None:
    """Draw the number of segments of each cell."""
    counts = np.bincount(memory.owner, minlength=memory.n_cells)
    color_bar(ax, _fitted(ax, counts.reshape(memory.n_columns, -1).T), "segments", whole=True)
    whole_ticks(ax)
    ax.set_xlabel("column")
    ax.set_ylabel("cell of the column")


def neurons_view(neurons: ActiveDendriteNeurons) -> View:
    """Return sizes, parameters and stored patterns of neurons, for their display."""
    used = np.count_nonzero(neurons.segments.sizes)
    facts = {
        "stored": f"{int(neurons.n_patterns.sum())} patterns on {used} segments",
        "synapses": f"{int(neurons.segments.sizes.sum())}, {neurons.n_synapses} connected",
    }
    return View(neurons.arguments() | facts, draw=partial(patterns_on_segments, neurons))


def sequences_view(memory: TemporalMemory) -> View:
    """Return sizes, parameters, segments and synapses of a sequence memory, for its display."""
    connected = int(np.count_nonzero(memory.segments.connected))
    facts = {
        "learnt": f"{len(memory.segments)} segments on {np.unique(memory.owner).size} cells",
        "synapses": f"{int(memory.segments.sizes.sum())}, {connected} connected",
    }
    return View(memory.arguments() | facts, draw=partial(segments_of_cells, memory))


def _fitted(ax: Axes, values: NDArray[Any]) -> Any:
    """Draw an image of counts; if there are many columns, a pixel shows the largest of several."""
    n = values.shape[1]
    bin_width = -(-n // 400)
    if bin_width > 1:
        padded = np.pad(values, ((0, 0), (0, -n % bin_width)))
        values = padded.reshape(len(values), -1, bin_width).max(axis=2)
    return ax.imshow(values, cmap="Blues", aspect="auto", interpolation="nearest", vmin=0,
                     vmax=max(int(values.max(initial=0)), 1), origin="lower",
                     extent=(-0.5, n - 0.5, -0.5, len(values) - 0.5))  # fmt: skip
