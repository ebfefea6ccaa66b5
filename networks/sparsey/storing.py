"""Converts the learnt state of a hierarchy to named arrays, and reads it from a file."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...errors import StorageError
from ...hdf5 import read_array
from ...models import Stored
from .parameters import Level
from .readout import Counts
from .state import KINDS, Bundle, LevelState

__all__ = [
    "check_sizes",
    "label_arrays",
    "read_bundle",
    "read_counts",
    "read_labels",
    "read_state",
    "state_arrays",
]

LATEST = 2**62
_TEXT = "class_text"


def state_arrays(states: tuple[LevelState, ...]) -> dict[str, Stored]:
    """Return the synapses of all levels as named arrays."""
    arrays = {}
    for k, state in enumerate(states):
        for name, bundle in zip(KINDS, state[:3], strict=True):
            where = f"level_{k}_{name}"
            if bundle.stamps.size:
                arrays[f"{where}_stamps"] = Stored(bundle.stamps)
                arrays[f"{where}_permanence"] = Stored(bundle.permanence)
            elif bundle.bits.size:
                # The reader accepts integers of 63 bits only, so the words are written as bytes.
                arrays[f"{where}_bits"] = Stored(bundle.bits.astype("<u8").view(np.uint8))
            if bundle.bits.size or bundle.stamps.size:
                arrays[f"{where}_frozen"] = Stored(bundle.frozen)
                arrays[f"{where}_filled"] = Stored(bundle.filled)
    return arrays


def check_sizes(levels: Any, arrays: h5py.Group) -> None:
    """Compare the sizes of levels with the arrays, before memory is allocated.

    Raises
    ------
    StorageError
        If `levels` are not levels, or have other sizes than the arrays.
    """
    if not isinstance(levels, tuple) or not all(isinstance(part, Level) for part in levels):
        raise StorageError("its argument 'levels' does not hold levels")
    for k, level in enumerate(levels):
        dataset = arrays.get(f"level_{k}_bottom_up_frozen")
        if not isinstance(dataset, h5py.Dataset):
            raise StorageError(f"there is no array 'level_{k}_bottom_up_frozen'")
        if dataset.shape != (level.n_macs, level.cells_per_mac):
            raise StorageError(
                f"levels[{k}] has {level.n_macs} macs of {level.cells_per_mac} cells, but its "
                f"synapses have shape {dataset.shape}"
            )


def read_state(states: tuple[LevelState, ...], arrays: h5py.Group, now: int) -> None:
    """Read the synapses of all levels from a file.

    Raises
    ------
    StorageError
        If the arrays do not fit these levels.
    """
    for k, state in enumerate(states):
        for name, bundle in zip(KINDS, state[:3], strict=True):
            read_bundle(bundle, arrays, f"level_{k}_{name}", now)


def read_bundle(bundle: Bundle, arrays: h5py.Group, where: str, now: int) -> None:
    """Read the synapses of one kind."""
    if not (bundle.bits.size or bundle.stamps.size):
        return
    if bundle.stamps.size:
        shape = bundle.stamps.shape
        bundle.stamps[...] = read_array(arrays, f"{where}_stamps", "int", shape, low=-1,
                                        high=max(now - 1, -1))  # fmt: skip
        bundle.permanence[...] = read_array(arrays, f"{where}_permanence", "int", shape, low=0,
                                            high=255)  # fmt: skip
    else:
        *rows, words = bundle.bits.shape
        octets = read_array(arrays, f"{where}_bits", "int", (*rows, 8 * words), low=0, high=255)
        packed = np.ascontiguousarray(octets.astype(np.uint8)).view("<u8")
        bundle.bits[...] = packed.astype(np.uint64)
    bundle.frozen[...] = read_array(arrays, f"{where}_frozen", "int", bundle.frozen.shape, low=-1,
                                    high=max(now - 1, -1))  # fmt: skip
    bundle.filled[...] = read_array(arrays, f"{where}_filled", "int", bundle.filled.shape, low=0,
                                    high=LATEST)  # fmt: skip


def label_arrays(labels: NDArray[Any]) -> dict[str, Stored]:
    """Return labels as arrays of numbers; text is stored as code points."""
    if labels.dtype.kind != "U":
        return {"classes": Stored(labels)}
    length = max(labels.dtype.itemsize // 4, 1)
    wide = labels.astype(f"<U{length}")
    return {_TEXT: Stored(wide.view(np.uint32).reshape(len(labels), length))}


def read_labels(arrays: h5py.Group) -> NDArray[Any]:
    """Read the labels that :func:`label_arrays` converted.

    Raises
    ------
    StorageError
        If they are not labels, or not in order.
    """
    if _TEXT in arrays:
        codes = read_array(arrays, _TEXT, "int", (None, None), low=0, high=0x10FFFF)
        wide = np.ascontiguousarray(codes.astype("<u4"))
        labels: NDArray[Any] = np.array(
            ["".join(map(chr, row)).rstrip("\0") for row in wide.tolist()], dtype=np.str_
        )
    else:
        dataset = arrays.get("classes")
        kind = "float" if isinstance(dataset, h5py.Dataset) and dataset.dtype.kind == "f" else "int"
        labels = read_array(arrays, "classes", kind, (None,))
        labels = labels.astype(np.float64 if kind == "float" else np.int64)
    if np.any(labels[1:] <= labels[:-1]):
        raise StorageError("the classes must be distinct and in order")
    return labels


def read_counts(
    arrays: h5py.Group, name: str, sizes: tuple[int, ...], n_classes: int
) -> Counts | None:
    """Read the class weights of one readout; return None if the file has none.

    Raises
    ------
    StorageError
        If they do not fit these levels and classes.
    """
    if f"{name}_0" not in arrays:
        return None
    return tuple(
        read_array(arrays, f"{name}_{k}", "int", (size, n_classes), low=0, high=255).astype(
            np.uint8
        )
        for k, size in enumerate(sizes)
    )
