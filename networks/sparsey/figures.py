"""Draws receptive fields, codes, familiarity, confusion, similarity and retention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, Each, Instance, Optional, Probability, Text, checked
from ...errors import DescriptionError
from ...plotting import COLORS, new_axes, plain
from ...plotting.axes import GREY, OFF, SMALL, color_bar, tidy, whole_ticks
from ...plotting.kinds import Axes
from .forgetting import Retention
from .intersections import SimilarityCurve
from .model import Sparsey
from .results import Codes
from .structure import to_labels

__all__ = [
    "code_grid",
    "confusion_matrix",
    "familiarity_trace",
    "receptive_fields",
    "retention_curve",
    "similarity_plot",
]

_Level = Annotated[int, Count(low=-(2**31))]
_Names = Annotated[Sequence[str] | None, Optional(Each(Text(), "names"))]


@checked
def receptive_fields(
    model: Sparsey,
    cells: Annotated[int, Count(high=10_000)] = 24,
    *,
    mac: Annotated[int, Count(low=0)] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the bottom-up weights of cells of the lowest level as images.

    Parameters
    ----------
    model : Sparsey
        Hierarchy whose input has rows and columns.
    cells : int
        Number of cells to draw, those with the most increased synapses.
    mac : int, optional
        Mac of the cells. Default: the one with the most increased synapses.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Dark pixels have increased synapses; light pixels are the rest of the receptive field. With
        several brightness thresholds, the shade is the fraction of increased synapses of a pixel.

    Raises
    ------
    DescriptionError
        If the input has one dimension, or the mac does not exist.
    """
    if len(model.input_shape) < 2:
        raise DescriptionError(
            f"receptive_fields: the input of the model must have rows and columns, got "
            f"input_shape={model.input_shape}."
        )
    n_macs = model.levels[0].n_macs
    if mac is not None and mac >= n_macs:
        raise DescriptionError(f"receptive_fields: mac must be from 0 to {n_macs - 1}, got {mac}.")
    chosen = mac if mac is not None else _busiest(model)
    weights = model.weights(0, chosen)
    weights = weights.reshape(-1, weights.shape[2]) / max(float(weights.max()), 1e-300)
    order = np.argsort(-weights.sum(axis=1), kind="stable")[:cells]
    height, width = model.input_shape[:2]
    pixels = model.afferents(0, chosen)
    channels = _channels(model)
    columns = math.ceil(math.sqrt(len(order) * 1.8))
    rows = math.ceil(len(order) / columns)
    sheet = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1), np.nan)
    for k, cell in enumerate(order.tolist()):
        tile = np.full(height * width, np.nan)
        tile[pixels // channels] = 0.0
        np.add.at(tile, pixels // channels, weights[cell] / channels)
        row, column = divmod(k, columns)
        top, left = row * (height + 1) + 1, column * (width + 1) + 1
        sheet[top : top + height, left : left + width] = tile.reshape(height, width)
    ax = new_axes(0.55 * columns + 0.3, 0.55 * rows + 0.5) if ax is None else ax
    ax.imshow(sheet, cmap="Blues", vmin=-0.12, vmax=1.0, interpolation="nearest")
    for k in range(len(order)):
        row, column = divmod(k, columns)
        corner = (column * (width + 1) + 0.5, row * (height + 1) + 0.5)
        _add_rectangle(ax, corner, width, height, fill=False, edgecolor=GREY, linewidth=0.5)
    ax.set_axis_off()
    text = f"weights of {len(order)} cells of mac {chosen}"
    ax.set_title(text, loc="left", fontsize="medium")
    return ax


def _channels(model: Sparsey) -> int:
    """Return the number of binary inputs of each pixel: channels times brightness thresholds."""
    thresholds = model.threshold
    several = len(thresholds) if isinstance(thresholds, tuple) else 1
    return several * (model.input_shape[2] if len(model.input_shape) > 2 else 1)


def _add_rectangle(
    ax: Axes, corner: tuple[float, float], width: int, height: int, **style: Any
) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle(corner, width, height, **style))


def _label(text: str | None) -> str | None:
    """Return a label in which a "$" does not make a formula; None stays None."""
    return None if text is None else plain(text)


def _legend(ax: Axes, **position: Any) -> None:
    ax.legend(frameon=False, fontsize=SMALL, **position)


def _count_lines(ax: Axes, name: str) -> int:
    """Return the number of lines of earlier calls, which sets the colour of the next line."""
    return sum(line.get_gid() == name for line in ax.lines)


def _busiest(model: Sparsey) -> int:
    totals = [float(model.weights(0, m).sum()) for m in range(model.levels[0].n_macs)]
    return int(np.argmax(totals))


@checked
def code_grid(
    codes: Codes,
    items: Annotated[Sequence[int], Each(Count(low=0), "frames", least=1, most=50)] = (0, 1),
    *,
    mac: Annotated[int, Count(low=0)] = 0,
    level: _Level = -1,
    names: _Names = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw codes of one mac side by side; winners shared with the first code have its colour.

    Parameters
    ----------
    codes : Codes
        Codes of a hierarchy.
    items : sequence of int
        Frames to draw, from left to right.
    mac, level : int
        Mac, and its level.
    names : sequence of str, optional
        Name of each code. Default: the index of the frame.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Each code has a column for every competitive module, and a row for every cell.

    Raises
    ------
    DescriptionError
        If a frame, the mac or the level does not exist, or the number of names is wrong.
    """
    active = codes.active(level)
    winners, n_cells = codes.winners[level], codes.cells_per_module[level]
    n_frames, n_macs, modules = winners.shape
    if max(items) >= n_frames or mac >= n_macs:
        raise DescriptionError(
            f"code_grid: items must be from 0 to {n_frames - 1} and mac from 0 to {n_macs - 1}, "
            f"got items={list(items)} and mac={mac}."
        )
    if names is not None and len(names) != len(items):
        raise DescriptionError(
            f"code_grid: names must have {len(items)} entries, one for each item, got {len(names)}."
        )
    step = modules + 2
    ax = (
        new_axes(min(0.09 * step * len(items) + 0.9, 12.0), 0.07 * n_cells + 1.0)
        if ax is None
        else ax
    )
    first = winners[items[0], mac]
    for k, item in enumerate(items):
        left = k * step
        _add_rectangle(ax, (left - 0.5, -0.5), modules, n_cells, facecolor=OFF, edgecolor="none",
                       zorder=0)  # fmt: skip
        if active[item, mac]:
            code = winners[item, mac]
            same = code == first
            columns = np.arange(modules) + left
            for mask, color in ((same, COLORS[0]), (~same, COLORS[1])):
                ax.scatter(columns[mask], code[mask], marker="s", s=14, color=color, linewidths=0)
        text = str(item) if names is None else plain(names[k])
        shared = "" if k == 0 else f"\n{int((winners[item, mac] == first).sum())} shared"
        ax.text(left + modules / 2 - 0.5, -1.0, text + shared, ha="center", va="bottom",
                fontsize=SMALL)  # fmt: skip
    ax.set_xlim(-1, len(items) * step - 1)
    ax.set_ylim(n_cells - 0.5, -1)
    ax.set_xticks([])
    ax.set_xlabel(f"{modules} competitive modules of each code")
    ax.set_ylabel("cell of the module")
    ax.spines[["left", "bottom"]].set_visible(False)
    return tidy(ax)


@checked
def familiarity_trace(
    codes: Codes,
    *,
    ax: Axes | None = None,
    label: Annotated[str | None, Optional(Text())] = None,
) -> Axes:
    """Draw the familiarity G of each frame, with a line for each level.

    Parameters
    ----------
    codes : Codes
        Codes of one sequence, or of several consecutive sequences.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure. Each further call uses the next colour.
    label : str, optional
        Label in the legend; with several levels, the number of the level is appended.

    Returns
    -------
    matplotlib.axes.Axes
        G from 0 (novel) to 1 (familiar); grey lines separate the items.

    Raises
    ------
    DescriptionError
        If `codes` are not codes.
    """
    ax = new_axes(6.4, 2.6) if ax is None else ax
    drawn = _count_lines(ax, "familiarity")
    frames = np.arange(codes.n_frames)
    for level in range(codes.n_levels):
        color = COLORS[(drawn + level) % len(COLORS)]
        several = codes.n_levels > 1
        text = label if not several else f"{label or ''} level {level}".strip()
        ax.plot(frames, codes.mean_familiarity(level), "o-", markersize=3, color=color,
                linewidth=1.2, label=_label(text), gid="familiarity")  # fmt: skip
    if not drawn:
        for start in codes.starts[1:-1].tolist():
            ax.axvline(start - 0.5, color=GREY, linewidth=0.8, zorder=0)
    ax.set_xlabel("frame")
    ax.set_ylabel("familiarity G")
    ax.set_ylim(-0.03, 1.06)
    whole_ticks(ax)
    ax.set_yticks([0.0, 0.5, 1.0])
    if any(str(line.get_label())[:1] != "_" for line in ax.lines):
        _legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return tidy(ax)


@checked
def confusion_matrix(
    labels: Annotated[Any, AnyValue()],
    predicted: Annotated[Any, AnyValue()],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each true class was predicted as each class.

    Parameters
    ----------
    labels, predicted : array_like, shape (n,)
        True and predicted classes.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Rows are true classes; each cell shows its percentage of the row, if it is at least 0.5 %.

    Raises
    ------
    DescriptionError
        If the arguments are not two lists of classes of equal length, or are empty.
    """
    n = np.shape(labels)[0] if _is_list(labels) else -1
    true = to_labels(labels, n, "confusion_matrix")
    guess = to_labels(predicted, n, "confusion_matrix")
    if not n:
        raise DescriptionError("confusion_matrix: labels must have at least one, got none.")
    classes, class_index = np.unique(np.concatenate([true, guess]), return_inverse=True)
    size = len(classes)
    table = np.bincount(class_index[:n] * size + class_index[n:], minlength=size**2).reshape(
        size, size
    )
    share = 100.0 * table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.38 * size + 0.9, 2.4, 9.0))
    ax = new_axes(side + 0.5, side) if ax is None else ax
    picture = ax.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.argwhere(share >= 0.5).tolist() if size <= 20 else []:
        value = share[row, column]
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=SMALL,
                color="white" if value > 60 else "black")  # fmt: skip
    ax.set_xticks(range(size), [plain(str(name)) for name in classes])
    ax.set_yticks(range(size), [plain(str(name)) for name in classes])
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    color_bar(ax, picture, "share of the true class (%)")
    return ax


def _is_list(values: Any) -> bool:
    try:
        return bool(np.ndim(values) == 1)
    except (TypeError, ValueError):
        return False


@checked
def similarity_plot(
    curve: Annotated[Any, Instance(SimilarityCurve)],
    *,
    expected: Annotated[Any, AnyValue()] = None,
    chance: Annotated[float | None, Optional(Probability())] = None,
    label: Annotated[str | None, Optional(Text())] = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean intersection of codes as a function of the overlap of their inputs.

    Parameters
    ----------
    curve : SimilarityCurve
        Result of :func:`similarity_curve`.
    expected : (array_like, array_like), optional
        Overlaps and expected intersections, which are drawn as a line.
    chance : float, optional
        Intersection of independent codes, 1/K, which is drawn as a grey line.
    label : str, optional
        Label in the legend.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure. Each further call uses the next colour.

    Returns
    -------
    matplotlib.axes.Axes
        Points with error bars of one standard error.

    Raises
    ------
    DescriptionError
        If `expected` is not a pair of arrays of equal length.
    """
    ax = new_axes(4.4, 3.2) if ax is None else ax
    color = COLORS[len(ax.containers) % len(COLORS)]
    ax.errorbar(curve.overlap, curve.intersection, np.nan_to_num(curve.error), fmt="o",
                color=color, markersize=4, capsize=2, label=_label(label))  # fmt: skip
    if expected is not None:
        x, y = _two_arrays(expected)
        ax.plot(x, y, color=color, linewidth=1.2)
    if chance is not None:
        ax.axhline(chance, color=GREY, linewidth=0.8, zorder=0)
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.03, 1.05)
    ax.set_xlabel("overlap of the inputs")
    ax.set_ylabel("intersection of the codes")
    if label is not None:
        _legend(ax, loc="upper left")
    return tidy(ax)


def _two_arrays(value: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        x, y = (np.asarray(part, dtype=np.float64) for part in value)
    except (TypeError, ValueError) as error:
        raise DescriptionError(
            "similarity_plot: expected must be two arrays, overlaps and intersections."
        ) from error
    if x.ndim != 1 or x.shape != y.shape:
        raise DescriptionError(
            f"similarity_plot: expected must be two arrays of equal length, got shapes {x.shape} "
            f"and {y.shape}."
        )
    return x, y


@checked
def retention_curve(
    found: Annotated[Any, Instance(Retention)],
    *,
    bins: Annotated[int, Count(high=1000)] = 10,
    label: Annotated[str | None, Optional(Text())] = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how well an item is retrieved as a function of the number of items stored later.

    Parameters
    ----------
    found : Retention
        Result of :func:`retention`.
    bins : int
        Number of points.
    label : str, optional
        Label in the legend.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure. Each further call uses the next colour.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = new_axes(5.2, 3.0) if ax is None else ax
    edges = np.linspace(0, found.units.shape[1], bins + 1)
    values = found.by_age(edges.tolist())
    drawn = _count_lines(ax, "retention")
    ax.plot((edges[:-1] + edges[1:]) / 2, values, "o-", markersize=4, linewidth=1.2,
            color=COLORS[drawn % len(COLORS)], label=_label(label), gid="retention")  # fmt: skip
    ax.set_ylim(-0.03, 1.06)
    ax.set_xlabel("items stored later")
    ax.set_ylabel("correct winners (fraction)")
    if label is not None:
        _legend(ax, loc="lower left")
    return tidy(ax)
