"""Figures of liquids: spikes, states of classes, retrieval and accuracies; each returns Axes."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, checked
from ...errors import DescriptionError, shown
from ...plotting import COLORS, new_axes, plain, raster
from ...plotting.axes import SMALL, color_bar, tidy
from ...plotting.kinds import Axes
from ...recording import Recording
from ...spikes import SpikeTrains
from .arrays import Features, Labels, Spikes

__all__ = ["accuracy_bars", "class_states", "liquid_raster", "retrieval_matrix"]


@checked
def liquid_raster(
    spikes: Spikes,
    inputs: Spikes | None = None,
    *,
    sample: Annotated[int, Count(low=0)] = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spikes of a liquid in one sample above those of its input.

    Parameters
    ----------
    spikes : array_like, shape (n_samples, n_steps, n_neurons)
        Spikes of the liquid in each step, as from :meth:`LiquidStateMachine.spikes`.
    inputs : array_like, shape (n_samples, n_steps, n_channels), optional
        Events in each step, as from ``events.dense()``.
    sample : int
        Index of the sample.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        If there is no such sample, or inputs have another number of samples or steps.

    Examples
    --------
    >>> ax = liquid_raster([[[1, 0], [0, 1], [1, 1]]])
    >>> ax.get_xlabel()
    'time (steps)'
    """
    liquid: NDArray[Any] = np.asarray(spikes)
    if sample >= len(liquid):
        raise DescriptionError(
            f"liquid_raster: sample must be from 0 to {len(liquid) - 1}, got {sample}."
        )
    groups = {"liquid": liquid[sample]}
    if inputs is not None:
        input_spikes: NDArray[Any] = np.asarray(inputs)
        if input_spikes.shape[:2] != liquid.shape[:2]:
            raise DescriptionError(
                f"liquid_raster: inputs must have shape ({liquid.shape[0]}, {liquid.shape[1]}, "
                f"n_channels), like the spikes, got {input_spikes.shape}."
            )
        groups = {"input": input_spikes[sample], **groups}
    n_steps = liquid.shape[1]
    recording = Recording(
        spikes={name: _trains(dense, n_steps) for name, dense in groups.items()}, stop=n_steps
    )
    ax = new_axes(7.0, 3.6) if ax is None else ax
    raster(recording, ax=ax)
    ax.set_xlabel("time (steps)")
    return ax


def _trains(dense: NDArray[Any], n_steps: int) -> SpikeTrains:
    step, cell = np.nonzero(dense)
    return SpikeTrains(ids=cell, times=step.astype(float), size=dense.shape[1], duration=n_steps)


@checked
def class_states(
    states: Features,
    labels: Labels,
    *,
    classes: Annotated[Any, AnyValue()] = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the states of two or more classes in the plane in which they vary most.

    The plane is spanned by the first two principal components of the standardised states of these
    classes.

    Parameters
    ----------
    states : array_like, shape (n_samples, n_features)
        Features of each sample that a readout uses, as from :meth:`LiquidStateMachine.states`.
    labels : array_like, shape (n_samples,)
        Class of each sample.
    classes : sequence, optional
        Classes to draw, at most seven. Default: the first two.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        If the number of labels is wrong, no sample has a class, or there are fewer than three
        samples.

    Examples
    --------
    >>> ax = class_states([[0.0, 1.0], [1.0, 0.5], [5.0, 4.0]], [0, 0, 1])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    array, names = np.asarray(states, dtype=np.float64), np.asarray(labels)
    if len(array) != len(names):
        raise DescriptionError(
            f"class_states: labels must have one entry for each of the {len(array)} states, got "
            f"{len(names)}."
        )
    valid = np.unique(names)
    chosen = _chosen_classes(classes, valid)
    keep = np.isin(names, chosen)
    if keep.sum() < 3 or array.shape[1] < 1:
        raise DescriptionError(
            f"class_states: states must have at least three samples of the chosen classes, got "
            f"{keep.sum()}."
        )
    points, shares = _plane(array[keep])
    ax = new_axes(4.2, 3.8) if ax is None else ax
    for color, name in zip(COLORS, chosen, strict=False):
        mine = names[keep] == name
        ax.plot(*points[mine].T, "o", color=color, markersize=3.5, alpha=0.7, markeredgewidth=0,
                label=plain(str(name)))  # fmt: skip
    for axis, share in zip(("x", "y"), shares, strict=True):
        number = 1 if axis == "x" else 2
        getattr(ax, f"set_{axis}label")(f"component {number} ({share:.0%} of the variance)")
    ax.legend(title="class", frameon=False, fontsize=SMALL, loc="upper left",
              bbox_to_anchor=(1.0, 1.0))  # fmt: skip
    return tidy(ax)


def _chosen_classes(classes: Any, valid: NDArray[Any]) -> list[Any]:
    if classes is None:
        return list(valid[:2])
    try:
        requested = [] if isinstance(classes, str) else list(classes)
    except TypeError:
        requested = []
    every = valid.tolist()
    good = [
        name for name in requested if any(name is other or _same(name, other) for other in every)
    ]
    if not requested or len(good) < len(requested) or len(requested) > len(COLORS):
        raise DescriptionError(
            f"class_states: classes must be at most {len(COLORS)} of {shown(every)}, got "
            f"{shown(classes)}."
        )
    return good


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, int | str | float | np.generic) and bool(one == other)


def _plane(states: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return the coordinates on the first two principal components, and their variance shares."""
    centred = states - states.mean(axis=0)
    spread = centred.std(axis=0)
    scaled = centred / np.where(spread > 0, spread, 1.0)
    left, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    two = np.zeros((len(states), 2))
    n = min(2, sizes.size)
    two[:, :n] = left[:, :n] * sizes[:n]
    whole = max(float(np.sum(sizes**2)), np.finfo(float).tiny)
    shares = np.zeros(2)
    shares[:n] = sizes[:n] ** 2 / whole
    return two, (float(shares[0]), float(shares[1]))


@checked
def retrieval_matrix(
    labels: Labels,
    found: Labels,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often queries of each class retrieve a sample of each class.

    Parameters
    ----------
    labels : array_like, shape (n_queries,)
        Classes of the queries.
    found : array_like, shape (n_queries,)
        Class of the sample that each query retrieved (or the predicted class).
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The rows are the classes of `labels`, the columns the retrieved classes; each row sums to 1.

    Raises
    ------
    DescriptionError
        If the lengths differ, or the arrays are empty.

    Examples
    --------
    >>> ax = retrieval_matrix([0, 0, 1], [0, 1, 1])
    >>> ax.images[0].get_array().tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    asked, answers = np.asarray(labels), np.asarray(found)
    if asked.shape != answers.shape or not asked.size:
        raise DescriptionError(
            f"retrieval_matrix: labels and found must have the same length, at least 1, got "
            f"{asked.size} and {answers.size}."
        )
    if asked.dtype.kind != answers.dtype.kind and {asked.dtype.kind, answers.dtype.kind} & {"U"}:
        asked, answers = asked.astype(str), answers.astype(str)
    rows, row = np.unique(asked, return_inverse=True)
    columns = np.unique(np.concatenate([asked, answers]))
    table = np.zeros((len(rows), len(columns)))
    np.add.at(table, (row, np.searchsorted(columns, answers)), 1.0)
    table /= table.sum(axis=1, keepdims=True)
    ax = new_axes(4.4, 3.8) if ax is None else ax
    picture = ax.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest")
    if table.size <= 144:
        _write_shares(ax, table)
    ax.set_xticks(range(len(columns)), [plain(str(name)) for name in columns])
    ax.set_yticks(range(len(rows)), [plain(str(name)) for name in rows])
    ax.tick_params(length=0)
    ax.set_xlabel("class found")
    ax.set_ylabel("class asked with")
    color_bar(ax, picture, "fraction of the queries (numbers: %)")
    return ax


def _write_shares(ax: Axes, table: NDArray[np.float64]) -> None:
    """Write each fraction of at least 0.5 % into its cell of the matrix."""
    for (row, column), share in np.ndenumerate(table):
        if share >= 0.005:
            ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=SMALL,
                    color="white" if share > 0.5 else "0.2")  # fmt: skip


@checked
def accuracy_bars(
    reports: Annotated[Any, AnyValue()],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw accuracies from liquids and from their input alone, with 95 % intervals.

    Parameters
    ----------
    reports : mapping of str to ReadoutReport
        Reports from :meth:`LiquidStateMachine.report` or :func:`evaluate_readout`, by name.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        If `reports` is not a mapping of names to reports, or is empty.
    """
    from collections.abc import Mapping

    from .readout import ReadoutReport

    if not isinstance(reports, Mapping) or not reports or not all(
        isinstance(name, str) and isinstance(report, ReadoutReport)
        for name, report in reports.items()
    ):  # fmt: skip
        raise DescriptionError(
            f"accuracy_bars: reports must map at least one name to a ReadoutReport, got "
            f"{shown(reports)}."
        )
    ax = new_axes(max(3.6, 1.2 + 0.9 * len(reports)), 3.2) if ax is None else ax
    positions = np.arange(len(reports))
    kinds = (("liquid", "accuracy", "interval", COLORS[1], -0.12),
             ("input alone", "input_accuracy", "input_interval", COLORS[0], 0.12))  # fmt: skip
    for label, name, interval, color, shift in kinds:
        values = np.array([getattr(report, name) for report in reports.values()])
        ends = np.array([getattr(report, interval) for report in reports.values()])
        bars = np.abs(np.stack([values - ends[:, 0], ends[:, 1] - values]))
        ax.errorbar(positions + shift, values, bars, fmt="o", color=color, markersize=5, capsize=3,
                    label=label)  # fmt: skip
    ax.set_xticks(positions, [plain(name) for name in reports])
    ax.set_xlim(-0.5, len(reports) - 0.5)
    ax.set_ylabel("accuracy")
    ax.legend(frameon=False, fontsize=SMALL, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    return tidy(ax)
