"""A picture of the spiking sequence memory: which cells fired, and which were predicted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, shown
from ...plotting import COLORS
from ...plotting.axes import new_axes
from ...recording import Recording
from ...units import steps
from .sequence_circuit import SequenceCircuit
from .temporal import TemporalMemory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["sequence_activity"]

Cells = NDArray[np.int64]


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
        As it was when the network was built.
    recording : Recording
        Of the network of ``memory.build(sequences, **options)``.
    labels : iterable of iterable of str, optional
        A name for each frame of each sequence, such as ``["ABCD", "XBCY"]``.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    **options
        As for :meth:`TemporalMemory.build`.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each cell: a bar over the cells of each active column, filled marks for cells
        that fired, in one colour if they were predicted and in another if their column burst, and
        hollow marks for the predictions of the next frame.

    Raises
    ------
    DescriptionError
        Not a memory, or not a recording of its network.
    """
    where, thing = "sequence_activity", memory
    if not isinstance(thing, TemporalMemory):
        raise DescriptionError(f"{where}: memory must be a TemporalMemory, got {shown(thing)}.")
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
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return ax


def _spikes(circuit: SequenceCircuit, recording: Recording, name: str) -> tuple[Cells, Cells]:
    """Steps and cells of all spikes of a population."""
    trains = recording[name]
    return steps(trains.times - recording.start, circuit.dt), trains.ids.astype(np.int64)


def _column(circuit: SequenceCircuit, ticks: Cells, columns: Cells) -> Cells:
    """A number for each column in each frame."""
    return ticks // circuit.schedule.period * circuit.n_columns + columns


def _name_frames(ax: Axes, labels: Iterable[Iterable[str]], period: float) -> None:
    """Names above the frames; after each sequence comes a silent period."""
    at = 0.0
    for sequence in labels:
        for name in sequence:
            ax.annotate(str(name), (at, 1.0), xytext=(0, 3), ha="left", fontsize=11,
                        xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
            at += period
        at += period
