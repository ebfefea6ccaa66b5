"""Draws stored and recalled patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ..checks import Count, checked
from ..errors import DescriptionError
from ..pairing import BitPatterns, paired
from .axes import COLORS, OFF, SMALL, WRONG, new_axes, plain
from .kinds import Axes, Labels, Pair

__all__ = ["images"]

_ON, _MISSING, _EXTRA = "#222222", WRONG, COLORS[4]
_PER_ROW = 16


@checked
def images(
    stored: BitPatterns,
    recalled: BitPatterns,
    shape: Annotated[tuple[int, int], Pair(Count())],
    labels: Labels | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw stored patterns above recalled ones, with every wrong pixel marked.

    Parameters
    ----------
    stored, recalled : Patterns, sets, or array_like of bool, shape (n_patterns, n_bits)
        Stored and recalled patterns.
    shape : (rows, columns)
        Shape of each picture; the product is ``n_bits``.
    labels : sequence, optional
        Text above each picture, shape (n_patterns,).
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Missing pixels are orange, extra pixels blue.

    Raises
    ------
    DescriptionError
        If the arguments are not patterns of bits, or shapes do not fit.
    """
    rows, columns = shape
    pair = paired("images", stored, recalled, size=rows * columns)
    if rows * columns != pair.first.size:
        raise DescriptionError(
            f"images: shape must hold {pair.first.size} pixels, got {(rows, columns)}."
        )
    first, second = pair.first.to_dense(), pair.second.to_dense()
    if labels is not None and len(labels) != len(first):
        raise DescriptionError(
            f"images: labels must have {len(first)} entries, one for each pattern, got "
            f"{len(labels)}."
        )
    wrong = second + 2 * (first & ~second) + 2 * (second & ~first)
    pairs = np.stack([first.astype(int), wrong], axis=1).reshape(-1, 2, rows, columns)
    return _draw_pairs(pairs, labels, ax)


def _draw_pairs(pairs: NDArray[np.int64], labels: Sequence[str] | None, ax: Axes | None) -> Axes:
    """Arrange pairs of pictures (codes: 0 off, 1 on, 2 missing, 3 extra) on one canvas."""
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
        ax = new_axes(across_inches + 0.9, min(max(tall, 1.0) + 0.5, 12.0))
    colors = ListedColormap(["none", OFF, _ON, _MISSING, _EXTRA])
    ax.imshow(canvas, cmap=colors, vmin=-1, vmax=3, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    points = ax.get_window_extent().width * 72.0 / ax.figure.dpi
    fits = max(int(points / across / 5.8), 2)  # letters of 8.3 points above one picture
    for k, word in enumerate(labels or []):
        down, right = divmod(k, across)
        at = right * wide + columns / 2 - 0.5, down * block + above - 0.5 * gap - 0.5
        short = word if len(word) <= fits else f"{word[: fits - 1]}…"
        ax.text(*at, plain(short), ha="center", va="bottom", fontsize=SMALL)
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
