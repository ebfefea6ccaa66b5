"""Recall examples: repeats one trial of a sweep, and draws stored and recalled items."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DescriptionError, UnsupportedError
from ..plotting.axes import COLORS, OFF, SMALL, WRONG, new_axes, title
from ..plotting.kinds import Axes
from .answers import Answers
from .plan import Plan
from .records import Point
from .table import SUBJECTS, model_of

__all__ = ["draw_examples", "trial_again"]

_MOST_CELLS = 400
"""Most bits of an item that a picture can show."""


def trial_again(results: Any, point: Point, trial: int) -> Answers:
    """Repeat one trial of a point, and return the same answers as before.

    Raises
    ------
    UnsupportedError
        If the subject of the sweep is a class that spikemem does not contain.
    """
    model = model_of(results.plan["subject"])
    if model not in SUBJECTS:
        raise UnsupportedError(f"examples: {model} is not a class of spikemem; call its perform.")
    plan = results.plan
    made = Plan.made(
        model, plan["experiment"], results.axes, plan["settings"], plan["trials"], plan["seed"]
    )
    parts = made.parts(point.values)
    task = parts.experiment.task(parts.subject, made.seeds(point.values)[trial])
    return parts.subject.perform([task], parts.conditions)[0]


def draw_examples(
    results: Any, index: int = -1, n: int = 8, trial: int = 0, ax: Any = None
) -> Axes:
    """Draw stored and recalled items; see :meth:`.Results.plot_examples`."""
    if not -len(results.points) <= index < len(results.points):
        raise DescriptionError(
            f"plot_examples: point must be from 0 to {len(results.points) - 1}, got {index}."
        )
    point = results.points[index]
    answers = trial_again(results, point, trial)
    if answers.wanted is None or answers.got is None:
        raise UnsupportedError(
            f"plot_examples: the answers of {model_of(results.plan['subject'])} are no patterns."
        )
    if answers.n_bits > _MOST_CELLS:
        raise DescriptionError(
            f"plot_examples: an item of {answers.n_bits} bits is too long to be drawn; at most "
            f"{_MOST_CELLS} can be told apart."
        )
    rows = min(n, len(answers))
    stored = answers.wanted[:rows].to_dense()
    recalled = answers.got[:rows].to_dense()
    return _draw(stored, recalled, _heading(point), ax)


def _draw(stored: Any, recalled: Any, heading: str, ax: Any) -> Axes:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    rows, n_bits = stored.shape
    target: Axes = new_axes(6.4, 0.9 + 0.28 * rows) if ax is None else ax
    code = np.where(stored & recalled, 1, np.where(stored, 2, np.where(recalled, 3, 0)))
    colors = [OFF, COLORS[0], WRONG, COLORS[5]]
    target.imshow(
        code, cmap=ListedColormap(colors), vmin=0, vmax=3, aspect="auto", interpolation="nearest"
    )
    target.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    target.grid(which="minor", axis="y", color="white", linewidth=3)
    target.tick_params(which="minor", length=0)
    target.set_yticks(range(rows), [str(k) for k in range(rows)])
    target.set_xlabel(f"bit of the item (of {n_bits})")
    target.set_ylabel("probe")
    names = ("recalled", "missing", "not stored")
    patches = [Patch(color=c, label=name) for c, name in zip(colors[1:], names, strict=True)]
    target.legend(
        handles=patches, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL
    )
    title(target, heading)
    return target


def _heading(point: Point) -> str:
    values = ", ".join(f"{name} = {value}" for name, value in point.values.items())
    return f"Answers at {values}" if values else "Answers"
