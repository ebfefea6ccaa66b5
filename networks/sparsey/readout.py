"""Hebbian class readout: weights from cells to one node for each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_WEIGHT", "Counts", "add_labels", "class_sums", "grown", "new_counts"]

Counts = tuple[NDArray[np.uint8], ...]
"""Coincidences of each cell with each class, (n_cells, n_classes), for each level read out."""

LARGEST_WEIGHT = {"binary": 1, "clip3": 3, "clip7": 7}
"""Largest class weight of each readout; a weight is the number of coincidences, up to this."""


def new_counts(sizes: tuple[int, ...], n_classes: int) -> Counts:
    """Return counts of zero."""
    return tuple(np.zeros((size, n_classes), dtype=np.uint8) for size in sizes)


def grown(counts: Counts, columns: NDArray[np.int64], n_classes: int) -> Counts:
    """Return counts for more classes; class k moves to column ``columns[k]``."""
    new_tables = new_counts(tuple(len(table) for table in counts), n_classes)
    for new, old in zip(new_tables, counts, strict=True):
        new[:, columns] = old
    return new_tables


def add_labels(
    counts: Counts, winners: list[NDArray[Any]], cells: list[int], labels: NDArray[np.int64]
) -> None:
    """Count the coincidences of the active cells with the class of each frame.

    Parameters
    ----------
    counts : Counts
        Counts, which are changed.
    winners : list of int16 (n_frames, n_macs, Q)
        Codes of the levels of the readout.
    cells : list of int
        K of each of these levels.
    labels : int64 (n_frames,)
        Class of each frame.
    """
    from .counting import add_classes

    for table, codes, k in zip(counts, winners, cells, strict=True):
        add_classes(table, codes.reshape(len(codes), -1), k, labels)


def class_sums(
    counts: Counts,
    winners: list[NDArray[Any]],
    cells: list[int],
    largest: int,
    owners: NDArray[np.int64],
    n_items: int,
) -> NDArray[np.float64]:
    """Return class weights summed over the active cells of each item, (n_items, n_classes)."""
    from .counting import sum_classes

    sums = np.zeros((len(owners), counts[0].shape[1]))
    for table, codes, k in zip(counts, winners, cells, strict=True):
        sum_classes(table, codes.reshape(len(codes), -1), k, largest, sums)
    total = np.zeros((n_items, sums.shape[1]))
    np.add.at(total, owners, sums)
    return total
