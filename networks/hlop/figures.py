"""Figures of continual learning; each returns its Axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Each, Instance, MappingOf, Optional, Text, checked
from ...errors import DescriptionError, shown
from ...plotting import COLORS, new_axes, plain
from ...plotting.axes import GREY, LINE, SMALL, THIN, color_bar, tidy, whole_ticks
from ...plotting.kinds import Axes
from .accuracy import AccuracyMatrix

__all__ = ["accuracy_curves", "accuracy_matrix", "energy_bars", "mean_accuracy_curves"]

_MOST_TEXTS = 16
"""Largest number of tasks for which the cells of a matrix show their numbers."""

_Names = Annotated[Sequence[str] | None, Optional(Each(Text(), "names"))]


@checked
def accuracy_matrix(
    matrix: AccuracyMatrix, *, names: _Names = None, ax: Axes | None = None
) -> Axes:
    """Draw the accuracies on each task after each learnt task.

    Parameters
    ----------
    matrix : AccuracyMatrix
        Matrix with at least one learnt task.
    names : sequence of str, optional
        Name of each task. Default: their numbers, from 0.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Rows are the learnt tasks, columns all tasks; accuracies are in per cent. Cells that were
        not measured are empty; the cell of the task that was learnt has a frame.

    Raises
    ------
    DescriptionError
        If no task was learnt, or the numbers of names and tasks differ.
    """
    texts = _task_names(matrix, names, "accuracy_matrix")
    n_rows, n_tasks = matrix.R.shape
    width = float(np.clip(0.46 * n_tasks + 1.9, 3.2, 11.0))
    height = float(np.clip(0.36 * n_rows + 1.0, 2.2, 10.0))
    ax = new_axes(width, height) if ax is None else ax
    shown_values = 100 * matrix.R
    low = float(np.floor(np.nanmin(shown_values) / 10) * 10) if _measured(matrix) else 0.0
    picture = ax.imshow(shown_values, cmap="Blues", vmin=min(low, 90.0), vmax=100, aspect="auto")
    middle = (min(low, 90.0) + 100) / 2
    if max(n_rows, n_tasks) <= _MOST_TEXTS:
        for row, column in np.argwhere(~np.isnan(shown_values)).tolist():
            value = shown_values[row, column]
            ax.text(column, row, f"{value:.1f}" if value < 99.95 else "100", ha="center",
                    va="center", fontsize="x-small",
                    color="white" if value > middle + 8 else "black")  # fmt: skip
    for row, task in enumerate(np.asarray(matrix.order).tolist()):
        ax.add_patch(_frame(task, row))
    _ticks(ax, texts, [texts[task] for task in np.asarray(matrix.order)])
    ax.set_xlabel("tested on task")
    ax.set_ylabel("after learning task")
    color_bar(ax, picture, "accuracy (%)")
    return ax


def _ticks(ax: Axes, columns: list[str], rows: list[str]) -> None:
    for axis, names in ((ax.xaxis, columns), (ax.yaxis, rows)):
        step = max(1, -(-len(names) // 20))
        axis.set_ticks(range(0, len(names), step), names[::step])
    long = max(map(len, columns)) > 3
    ax.tick_params(axis="x", labelrotation=90 if long and len(columns) > 4 else 0)


def _frame(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, row - 0.5)
    return Rectangle(corner, 1, 1, fill=False, edgecolor=COLORS[1], linewidth=1.4)


def _measured(matrix: AccuracyMatrix) -> bool:
    return not bool(np.isnan(matrix.R).all())


def _task_names(matrix: AccuracyMatrix, names: Sequence[str] | None, where: str) -> list[str]:
    if not matrix.n_learnt:
        raise DescriptionError(f"{where}: matrix must have at least one learnt task, got none.")
    if names is None:
        return [str(task) for task in range(matrix.n_tasks)]
    if len(names) != matrix.n_tasks:
        raise DescriptionError(
            f"{where}: there must be {matrix.n_tasks} names, one for each task, got {len(names)}."
        )
    return [plain(name) for name in names]


@checked
def accuracy_curves(
    matrix: AccuracyMatrix, *, names: _Names = None, ax: Axes | None = None
) -> Axes:
    """Draw the accuracy on each task from the time it is learnt to the end.

    Parameters
    ----------
    matrix : AccuracyMatrix
        Matrix with at least one learnt task.
    names : sequence of str, optional
        Name of each task. Default: their numbers, from 0.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        One line for each task, which starts at a circle when the task is first learnt; each further
        circle marks that it is learnt again.

    Raises
    ------
    DescriptionError
        If no task was learnt, or the numbers of names and tasks differ.
    """
    from matplotlib import colormaps

    texts = _task_names(matrix, names, "accuracy_curves")
    ax = new_axes(6.0, 3.2) if ax is None else ax
    order = np.asarray(matrix.order)
    shades = colormaps["viridis"](np.linspace(0.0, 0.88, len(matrix.learnt)))
    for task, shade in zip(matrix.learnt, shades, strict=True):
        rows = np.arange(int(np.argmax(order == task)), matrix.n_learnt)
        values = 100 * matrix.R[rows, task]
        measured = ~np.isnan(values)
        ax.plot(
            rows[measured] + 1, values[measured], color=shade, linewidth=LINE, label=texts[task]
        )
        learnt = np.flatnonzero(order == task)
        ax.plot(learnt + 1, 100 * matrix.R[learnt, task], "o", color=shade, markersize=4.5)
    ax.set_xlabel("tasks learnt")
    ax.set_ylabel("accuracy on each task (%)")
    ax.set_xlim(0.8, matrix.n_learnt + 0.2)
    whole_ticks(ax)
    _top(ax)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL,
              title="task", title_fontsize=SMALL, ncols=-(-len(matrix.learnt) // 12))  # fmt: skip
    return tidy(ax)


def _top(ax: Axes) -> None:
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, -2.0), min(max(high, low + 1.0), 101.0))


@checked
def mean_accuracy_curves(
    matrices: Annotated[Mapping[str, AccuracyMatrix], MappingOf(Text(), Instance(AccuracyMatrix))],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean accuracy on the tasks learnt so far, one line for each method.

    Parameters
    ----------
    matrices : mapping of str to AccuracyMatrix
        Matrices by the names of the methods.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Dashed lines show the mean accuracy on each task just after it was learnt, so that the
        distance between the two lines of a method is its forgetting.

    Raises
    ------
    DescriptionError
        If there is no matrix, or a matrix has no learnt task or lacks a measurement of one.
    """
    if not matrices:
        raise DescriptionError(
            "mean_accuracy_curves: matrices must hold at least one matrix, got none."
        )
    ax = new_axes(5.6, 3.2) if ax is None else ax
    longest = 1
    for k, (name, matrix) in enumerate(matrices.items()):
        color = COLORS[k % len(COLORS)]
        means, fresh = _means(matrix, name)
        x = np.arange(1, len(means) + 1)
        longest = max(longest, len(means))
        ax.plot(x, means, "o-", color=color, linewidth=LINE, markersize=4, label=plain(name))
        ax.plot(x, fresh, "--", color=color, linewidth=THIN)
    ax.set_xlabel("tasks learnt")
    ax.set_ylabel("mean accuracy (%)")
    ax.set_xlim(0.8, longest + 0.2)
    whole_ticks(ax)
    _top(ax)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL)
    return tidy(ax)


def _means(matrix: AccuracyMatrix, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean accuracies on the tasks learnt so far, now and just after learning, per cent."""
    order = np.asarray(matrix.order).tolist()
    means, fresh = [], []
    for row in range(matrix.n_learnt):
        seen = list(dict.fromkeys(order[: row + 1]))
        values = matrix.R[row, seen]
        if np.isnan(values).any():
            task = seen[int(np.argmax(np.isnan(values)))]
            raise DescriptionError(
                f"mean_accuracy_curves: matrices[{shown(name)}] must have a value for every task "
                f"learnt so far; R[{row}, {task}] was not measured."
            )
        means.append(100 * float(values.mean()))
        latest = [row - order[row::-1].index(task) for task in seen]
        fresh.append(100 * float(np.mean([matrix.R[r, task] for r, task in zip(latest, seen)])))  # noqa: B905
    if not means:
        raise DescriptionError(
            f"mean_accuracy_curves: matrices[{shown(name)}] must have at least one learnt task."
        )
    return np.array(means), np.array(fresh)


@checked
def energy_bars(
    energies: Annotated[Mapping[str, Any], MappingOf(Text(), AnyValue())],
    *,
    layers: _Names = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the fraction of the energy of earlier activity that subspaces capture.

    Parameters
    ----------
    energies : mapping of str to array_like, shape (n_layers,)
        Fractions, 0 to 1, for each layer, by a name for the legend; see
        :func:`spikemem.networks.hlop.captured_energy`.
    layers : sequence of str, optional
        Name of each layer. Default: "input of layer 1" and so on.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a group of bars for each layer.

    Raises
    ------
    DescriptionError
        If there are no energies, fractions are outside 0 to 1, or numbers of layers differ.
    """
    rows = {name: _fractions(values, name) for name, values in energies.items()}
    sizes = {len(values) for values in rows.values()}
    if len(sizes) != 1 or sizes == {0}:
        raise DescriptionError(
            f"energy_bars: energies must all have the same number of layers, at least one, got "
            f"{shown(sorted(sizes))} layers."
        )
    n = sizes.pop()
    if layers is not None and len(layers) != n:
        raise DescriptionError(f"energy_bars: layers must be {n} names, got {len(layers)}.")
    texts = [f"input of\nlayer {k + 1}" for k in range(n)] if layers is None else layers
    ax = new_axes(1.1 * n + 2.2, 3.0) if ax is None else ax
    width = 0.8 / len(rows)
    for k, (name, values) in enumerate(rows.items()):
        positions = np.arange(n) + (k - (len(rows) - 1) / 2) * width
        ax.bar(
            positions, 100 * values, 0.9 * width, color=COLORS[k % len(COLORS)], label=plain(name)
        )
    ax.axhline(100, color=GREY, linewidth=THIN, zorder=0)
    ax.set_xticks(range(n), [plain(text) for text in texts])
    ax.set_ylim(0, 104)
    ax.set_ylabel("captured energy (%)")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL)
    return tidy(ax)


def _fractions(values: Any, name: str) -> NDArray[np.float64]:
    where = f"energy_bars: energies[{shown(name)}]"
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.array(np.nan)
    # In single precision, sums of squares can slightly exceed the total.
    if array.ndim != 1 or not ((array >= 0) & (array <= 1 + 1e-4)).all():
        raise DescriptionError(
            f"{where} must hold fractions from 0 to 1, one for each layer, got {shown(values)}."
        )
    return array
