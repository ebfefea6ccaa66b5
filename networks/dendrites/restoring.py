"""Reads the state of neurons and sequence memories from a file, and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...errors import StorageError
from ...hdf5 import check_memory, read_array
from ...units import to_int
from .segments import Segments

__all__ = ["read_clock", "read_segments", "read_settings", "refill"]


def read_settings(arguments: Mapping[str, Any]) -> dict[str, int]:
    """Return the arguments that are sizes, as whole numbers."""
    others = ("rule", "seed")
    return {name: to_int(value, name) for name, value in arguments.items() if name not in others}


def read_clock(arrays: h5py.Group) -> int:
    """Return the number of learning steps so far."""
    return int(read_array(arrays, "clock", "int", (), low=0, high=2**62))


def read_segments(
    arrays: h5py.Group, shape: tuple[int | None, int], n_inputs: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return cells and permanences of all segments, each of shape (n_segments, room).

    Raises
    ------
    StorageError
        If the arrays do not describe such segments, or do not fit into memory.
    """
    cells = read_array(arrays, "cells", "int", shape, low=-1, high=n_inputs - 1)
    permanences = read_array(arrays, "permanences", "float", cells.shape, low=0.0, high=1.0)
    ordered = np.sort(cells, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)):
        raise StorageError("a segment has two synapses on the same cell")
    check_memory(8 * n_inputs)
    return cells, permanences


def refill(like: Segments, cells: NDArray[Any], permanences: NDArray[Any]) -> Segments:
    """Return segments with these synapses, and with the rule and inputs of `like`."""
    segments = Segments(len(cells), cells.shape[1], like.n_inputs, like.rule)
    segments.fill(cells, permanences)
    return segments
