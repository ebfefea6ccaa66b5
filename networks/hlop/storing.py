"""Converts the state of a classifier to named arrays, and reads it from files."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ...errors import StorageError
from ...hdf5 import read_array
from ...models import Stored
from .accuracy import AccuracyMatrix

__all__ = ["Learnt", "read_learnt", "stored_learnt"]

_KEPT = "kept "


class Learnt(NamedTuple):
    """State of a classifier between two tasks.

    Parameters
    ----------
    weights : tuple of ndarray (n_out, n_in)
        Weights of each layer.
    kept : dict of str to ndarray
        State of the method.
    matrix : AccuracyMatrix or None
        Accuracies so far.
    n_learnt : int
        Number of tasks learnt so far.
    """

    weights: tuple[NDArray[Any], ...]
    kept: dict[str, NDArray[Any]]
    matrix: AccuracyMatrix | None = None
    n_learnt: int = 0


def stored_learnt(learnt: Learnt) -> dict[str, Stored]:
    """Return the named arrays of a state."""
    stored = {f"weights {k}": Stored(array) for k, array in enumerate(learnt.weights)}
    stored["n_learnt"] = Stored(np.array(learnt.n_learnt))
    if learnt.matrix is not None:
        stored["accuracies"] = Stored(learnt.matrix.R)
        stored["order"] = Stored(np.asarray(learnt.matrix.order))
        if learnt.matrix.baseline is not None:
            stored["baseline"] = Stored(learnt.matrix.baseline)
    return stored | {_KEPT + name: Stored(array) for name, array in learnt.kept.items()}


def read_learnt(arrays: h5py.Group, layers: tuple[int, ...], heads: str, dtype: str) -> Learnt:
    """Read the state of a network with these layers from a file.

    Raises
    ------
    StorageError
        If the arrays do not fit such a network.
    """
    weights = []
    last = len(layers) - 2
    for k, (n_in, n_out) in enumerate(itertools.pairwise(layers)):
        rows = None if k == last and heads == "task" else n_out
        array = read_array(arrays, f"weights {k}", "float", (rows, n_in))
        if rows is None and (not len(array) or len(array) % n_out):
            raise StorageError(f"weights {k} must have {n_out} rows for each head")
        weights.append(array.astype(dtype))
    kept = {}
    for name in arrays:
        if name.startswith(_KEPT):
            kind = "float" if arrays[name].dtype.kind == "f" else "int"
            kept[name.removeprefix(_KEPT)] = read_array(arrays, name, kind)
    n_learnt = int(read_array(arrays, "n_learnt", "int", (), low=0, high=10**6))
    return Learnt(tuple(weights), kept, _matrix(arrays), n_learnt)


def _matrix(arrays: h5py.Group) -> AccuracyMatrix | None:
    if "accuracies" not in arrays:
        return None
    values = read_array(arrays, "accuracies", "float", (None, None), low=0.0, high=1.0, nan=True)
    order = read_array(arrays, "order", "int", (None,), low=0)
    baseline = None
    if "baseline" in arrays:
        baseline = read_array(arrays, "baseline", "float", (None,), low=0.0, high=1.0, nan=True)
    return AccuracyMatrix(values, baseline, order)
