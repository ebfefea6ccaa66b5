"""Pictures: errors beside the theory, and segments over a sequence; each gives back its Axes."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from ...checks import Choice, Count, Text, checked
from ...codes import PatternLike
from ...errors import DescriptionError, unknown_name
from ...plotting import COLORS, plain
from ...plotting.kinds import Axes
from ...streams import Seed
from .arguments import Whole
from .neurons import ActiveDendriteNeurons
from .theory import false_negative_probability, false_positive_probability
from .trials import measure_false_negatives, measure_false_positives

__all__ = ["error_curve", "segment_activity"]

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
    """Draw the probability of an error against one of n, a, s, theta and v.

    With `v`, varied or fixed, it is that of a miss, else that of a false positive.

    Parameters
    ----------
    vary : {"n", "a", "s", "theta", "v"}
        What the horizontal axis is.
    values : array_like of int
        Its values.
    trials : int
        If above 0: decisions of neurons at each value, drawn with their 95 % intervals; where no
        error was counted, a triangle stands at the upper end.
    seed : int or numpy.random.Generator
        For the trials.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure. Repeated calls take the next colours.
    label : str, optional
        For the legend.
    **fixed
        The other arguments, as of :func:`false_positive_probability` and
        :func:`false_negative_probability`. `n` is needed for a miss only with trials.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DescriptionError
        An unknown argument, or values that the theory refuses.
    """
    for name in fixed:
        if name not in _LABELS:
            raise DescriptionError(f"error_curve: {unknown_name('parameter', name, _LABELS)}")
        Count(low=0).check(fixed[name], f"error_curve: {name}")
    if vary in fixed:
        raise DescriptionError(f"error_curve: {vary} is on the axis; leave out {vary}=.")
    axis = np.ravel(values)
    given = {**fixed, vary: axis}
    needed = {"a", "s", "theta"} | ({"n"} if trials and "v" in given else set())
    missing = sorted(needed - set(given))
    if not missing and not {"n", "v"} & set(given):
        missing = ["n (for false positives) or v (for misses)"]
    if missing:
        raise DescriptionError(f"error_curve: {', '.join(missing)} must be given.")
    without_n = {name: value for name, value in given.items() if name != "n"}
    if "v" in given:
        line = false_negative_probability(**without_n)
    else:
        line = false_positive_probability(**given)
    line = np.broadcast_to(line, axis.shape)
    ax = _axes(ax, 5.2, 3.4)
    n_drawn = sum(one.get_gid() == _THEORY for one in ax.lines)
    color = COLORS[n_drawn % len(COLORS)]
    shown_label = None if label is None else plain(label)
    ax.plot(axis, np.where(line > 0, line, np.nan), color=color, label=shown_label, gid=_THEORY)
    if trials:
        _draw_trials(ax, axis, vary, fixed, trials, seed, color)
    ax.set_yscale("log")
    ax.set_xlabel(_LABELS[vary])
    ax.set_ylabel("false negatives" if "v" in given else "false positives")
    if label:
        ax.legend(frameon=False)
    return ax


def _draw_trials(
    ax: Axes, axis: Any, vary: str, fixed: dict[str, Any], trials: int, seed: Seed, color: str
) -> None:
    """Points with intervals; where no error was counted, only the upper end as an arrow."""
    for value in axis.tolist():
        sizes = {**fixed, vary: value}
        if "v" in sizes:
            found = measure_false_negatives(**sizes, trials=trials, seed=seed)
        else:
            side = max(round(trials**0.5), 1)
            found = measure_false_positives(**sizes, n_segments=side, n_frames=side, seed=seed)
        if not found.errors:
            ax.plot(value, found.high, marker="v", color=color, markersize=4, fillstyle="none")
            continue
        bars = [[found.rate - found.low], [found.high - found.rate]]
        ax.errorbar(value, found.rate, bars, fmt="o", color=color, markersize=3, capsize=2)


@checked
def segment_activity(
    neurons: ActiveDendriteNeurons,
    frames: PatternLike,
    *,
    neuron: Annotated[int, Count(low=0)] = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the overlap of each segment of one neuron with each frame of a sequence.

    Parameters
    ----------
    neurons : ActiveDendriteNeurons
        Whose segments.
    frames : Patterns, or anything that Patterns takes
        Patterns of active cells.
    neuron : int
        Which neuron.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each segment, a column for each frame; active segments are framed, and a mark
        below says when the neuron detects the frame.

    Raises
    ------
    DescriptionError
        Not neurons or frames, or a neuron that is not there.
    """
    from matplotlib.ticker import MaxNLocator

    if neuron >= neurons.n_neurons:
        raise DescriptionError(
            f"segment_activity: neuron must be from 0 to {neurons.n_neurons - 1}, got {neuron}."
        )
    overlaps = neurons.overlaps(frames)[:, neuron].T
    if not overlaps.size:
        raise DescriptionError("segment_activity: frames must be one or more, got none.")
    ax = _axes(ax, 6.4, float(np.clip(0.16 * len(overlaps) + 1.2, 2.0, 6.0)))
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
    ax.figure.colorbar(picture, ax=ax, label="active synapses")
    ax.set_xlabel("frame")
    ax.set_ylabel("segment")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return ax


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]
