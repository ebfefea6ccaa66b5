"""Reads weights and readouts from files, and checks them."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...errors import StorageError
from ...hdf5 import read_array
from ...models import Stored
from .lowering import Weights
from .readout import LinearReadout

__all__ = ["read_readout", "read_weights", "stored_readout"]


def read_weights(arrays: h5py.Group, n_inputs: int, n_neurons: int) -> Weights:
    """Return the weights of a dense liquid from a file.

    Raises
    ------
    StorageError
        If the arrays do not fit such a liquid.
    """
    return Weights(
        read_array(arrays, "input weights", "float", (n_inputs, n_neurons)),
        read_array(arrays, "recurrent weights", "float", (n_neurons, n_neurons)),
    )


def stored_readout(name: str, readout: LinearReadout) -> dict[str, Stored]:
    """Return the arrays of a trained readout; words are stored as character codes."""
    classes = readout.classes
    kept = {
        "classes": classes if classes.dtype.kind != "U" else _letters(classes),
        "weights": readout.weights,
        "bias": readout.bias,
        "choice": np.array([readout.strength, np.nan_to_num(readout.held_out_accuracy, nan=-1.0)]),
    }
    return {f"{name} {key}": Stored(np.asarray(value)) for key, value in kept.items()}


def _letters(words: NDArray[Any]) -> NDArray[np.int32]:
    """Return the character codes of words of equal width, shape (n_words, width)."""
    width = max(words.dtype.itemsize // 4, 1)
    plain = np.ascontiguousarray(words.astype(f"U{width}"))
    return plain.view(np.uint32).reshape(len(words), width).astype(np.int32)


def read_readout(arrays: h5py.Group, name: str, readout: LinearReadout, n_features: int) -> None:
    """Fill a readout with the arrays from :func:`stored_readout`.

    Raises
    ------
    StorageError
        If the arrays do not fit a readout of `n_features` features.
    """
    if f"{name} classes" not in arrays:
        raise StorageError(f"its {name} has no classes")
    words = arrays[f"{name} classes"].ndim == 2
    shape = (None, None) if words else (None,)
    low, high = (0, 0x10FFFF) if words else (-(2**62), 2**62)
    classes = read_array(arrays, f"{name} classes", "int", shape, low=low, high=high)
    if words:
        plain = np.ascontiguousarray(classes.astype(np.uint32))
        try:
            classes = plain.view(f"U{plain.shape[1]}").reshape(len(plain))
        except (ValueError, UnicodeDecodeError) as error:
            raise StorageError(f"the classes of its {name} are not valid words") from error
    n = len(classes)
    if n < 2 or len(np.unique(classes)) < n:
        raise StorageError(f"the classes of its {name} must be at least two, each once")
    readout.weights = read_array(arrays, f"{name} weights", "float", (n_features, n))
    readout.bias = read_array(arrays, f"{name} bias", "float", (n,))
    strength, accuracy = read_array(arrays, f"{name} choice", "float", (2,)).tolist()
    readout.strength = strength
    readout.held_out_accuracy = float("nan") if accuracy < 0 else accuracy
    readout.classes = classes
