"""Positions of macs above the input, and the pixels and macs that project to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError
from ...limits import require_memory
from .parameters import Level

__all__ = ["SourceTables", "centres", "pixel_centres", "wire"]

Table = NDArray[np.int32]

_PART = 2**20
"""Number of distances that are computed at once."""


class SourceTables(NamedTuple):
    """Sources of each mac of a level, int32 tables of shape (n_macs, n); -1 fills short rows."""

    bottom_up: Table
    """Pixels, or macs of the level below."""
    horizontal: Table
    """Macs of the level itself."""
    top_down: Table
    """Macs of the level above."""


def pixel_centres(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return row and column of each pixel, shape (n_pixels, 2); channels share a position."""
    rows, columns, _ = np.unravel_index(np.arange(shape[0] * shape[1] * shape[2]), shape)
    return np.stack([rows, columns], axis=1).astype(np.float64)


def centres(level: Level, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return row and column of each mac, in pixels of the input, shape (n_macs, 2).

    The macs are spread evenly. For example, the macs of a grid with half as many rows and columns
    as the input are between the pixels 0 and 1, 2 and 3, ...
    """
    rows, columns = level.grid
    row, column = np.divmod(np.arange(rows * columns), columns)
    x = (column + 0.5) * shape[1] / columns - 0.5
    if level.layout == "hex":
        x = x + np.where(row % 2, 0.25, -0.25) * shape[1] / columns
    return np.stack([(row + 0.5) * shape[0] / rows - 0.5, x], axis=1)


def wire(levels: tuple[Level, ...], shape: tuple[int, int, int]) -> list[SourceTables]:
    """Return the sources of all macs of all levels.

    Raises
    ------
    DescriptionError
        If a mac has no bottom-up inputs, or the tables do not fit into memory.
    """
    require_memory(64.0 * shape[0] * shape[1] * shape[2],
                   f"Sparsey: an input of {shape[0] * shape[1] * shape[2]} pixels",
                   "Use a smaller input_shape.")  # fmt: skip
    below = pixel_centres(shape)
    bottom, sideways = [], []
    for k, level in enumerate(levels):
        sources = len(below) + (0 if level.horizontal_radius is None else level.n_macs)
        require_memory(level.n_macs * (10.0 * sources + 64.0),
                       f"Sparsey: the inputs of {level.n_macs} macs of levels[{k}]",
                       "Use a smaller grid.")  # fmt: skip
        positions = centres(level, shape)
        is_near = _within(positions, below, level.radius)
        _require_inputs(is_near, k, level)
        bottom.append(is_near)
        if level.horizontal_radius is None:
            sideways.append(np.zeros((len(positions), 0), dtype=np.bool_))
        else:
            sideways.append(_within(positions, positions, level.horizontal_radius))
        below = positions
    return [
        SourceTables(_table(bottom[k]), _table(sideways[k]), _table(_from_above(levels, bottom, k)))
        for k in range(len(levels))
    ]


def _within(
    positions: NDArray[np.float64], sources: NDArray[np.float64], radius: float | None
) -> NDArray[np.bool_]:
    """Return whether each source is within the radius of each position, one row per position."""
    if radius is None:
        return np.ones((len(positions), len(sources)), dtype=np.bool_)
    is_near = np.zeros((len(positions), len(sources)), dtype=np.bool_)
    part = max(1, _PART // max(len(sources), 1))
    for first in range(0, len(positions), part):
        rows = slice(first, first + part)
        square = ((positions[rows, None, :] - sources[None, :, :]) ** 2).sum(axis=2)
        is_near[rows] = square <= radius * radius * (1 + 1e-12)
    return is_near


def _require_inputs(is_near: NDArray[np.bool_], k: int, level: Level) -> None:
    counts = is_near.sum(axis=1)
    what = "pixels" if k == 0 else f"macs of levels[{k - 1}]"
    if not counts.all():
        mac = int(np.argmin(counts))
        raise DescriptionError(
            f"Sparsey: mac {mac} of levels[{k}] has no inputs: no {what} within radius="
            f"{level.radius:g}. Use a larger radius or a finer grid."
        )
    if counts.max() < level.min_active:
        raise DescriptionError(
            f"Sparsey: no mac of levels[{k}] can become active: it has at most {counts.max()} "
            f"{what} as inputs, and min_active={level.min_active}. Use a larger radius or a "
            f"smaller min_active."
        )


def _from_above(
    levels: tuple[Level, ...], bottom: list[NDArray[np.bool_]], k: int
) -> NDArray[np.bool_]:
    """Return the macs of the level above that get input from each mac of level k."""
    n_macs = levels[k].n_macs
    if not levels[k].top_down or k + 1 == len(levels):
        return np.zeros((n_macs, 0), dtype=np.bool_)
    return bottom[k + 1].T


def _table(is_near: NDArray[np.bool_]) -> Table:
    """Return the indices of the True entries of each row; -1 fills short rows."""
    counts = is_near.sum(axis=1)
    table: Table = np.full((len(is_near), int(counts.max(initial=0))), -1, dtype=np.int32)
    row, column = np.nonzero(is_near)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    table[row, np.arange(row.size) - first] = column
    return table
