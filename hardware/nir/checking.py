"""Checks the shapes, types and ranges of the nodes of a NIR graph and of their metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...cells import LIF
from ...errors import shown
from .common import array_of, notes_of

__all__ = ["problems_of_node"]

_NEURON = ("r", "v_leak", "v_reset", "v_threshold")
_ARRAYS = {
    "CubaLIF": (*_NEURON, "tau_mem", "tau_syn", "w_in"),
    "LIF": (*_NEURON, "tau"),
    "IF": ("r", "v_reset", "v_threshold"),
    "Conv1d": ("weight", "bias"),
    "Conv2d": ("weight", "bias"),
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "Scale": ("scale",),
    "Delay": ("delay",),
}
_POSITIVE = ("tau_mem", "tau_syn", "tau", "r")


def problems_of_node(name: str, node: Any) -> Iterator[str]:
    """Yield one sentence for each problem with the values of a node.

    Parameters
    ----------
    name : str
        Name of the node in the graph.
    node : nir.NIRNode
        Node of a type that can be read.
    """
    where, kind = f"node {name!r}", type(node).__name__
    for item in _ARRAYS.get(kind, ()):
        yield from _problems_of_array(f"{where}: {item}", item, getattr(node, item))
    if hasattr(node, "v_threshold"):
        yield from _problems_of_cells(where, node, _ARRAYS[kind])
    if kind == "Input":
        types = node.input_type
        shape = types.get("input") if isinstance(types, dict) else None
        yield from _problems_of_shape(where, shape)
    if notes_of(node):
        yield from _problems_of_notes(f"{where}: the metadata of spikemem", node)


def _problems_of_array(where: str, item: str, value: Any) -> Iterator[str]:
    array = array_of(value)
    if array is None or array.dtype.kind not in "iuf":
        yield f"{where} must be an array of numbers, got {shown(value)}"
    elif not array.size:
        yield f"{where} must not be empty"
    elif not np.isfinite(array).all():
        yield f"{where} must be finite"
    elif item in _POSITIVE and np.any(array <= 0):
        yield f"{where} must be > 0, got {array.min():g}"
    elif item == "delay" and np.any(array < 0):
        yield f"{where} must be >= 0 s, got {array.min():g}"


def _problems_of_cells(where: str, node: Any, items: Iterable[str]) -> Iterator[str]:
    arrays = {item: array_of(getattr(node, item)) for item in items}
    if any(array is None for array in arrays.values()):
        return
    shapes = {item: array.shape for item, array in arrays.items()}
    whole = shapes["v_threshold"]
    for item, shape in shapes.items():
        if shape != whole and int(np.prod(shape)) != 1:
            yield f"{where}: {item} has shape {shape}, but v_threshold has {whole}"


def _problems_of_shape(where: str, value: Any) -> Iterator[str]:
    shape = array_of(value)
    if shape is None or shape.dtype.kind not in "iu" or not shape.size or shape.min() < 1:
        yield f"{where}: shape must be (n_cells,), got {shown(value)}"


def _problems_of_notes(where: str, node: Any) -> Iterator[str]:
    notes = notes_of(node)
    for item in ("place", "duration", "v_init", "delay", "tiles", "allow_self",
                 "scalar_weight", "scalar_delay"):  # fmt: skip
        if item in notes and not _are_numbers(notes[item], scalar=item != "v_init"):
            yield f"{where} {item!r} must be a number, got {shown(notes[item])}"
    for item in ("record", "projection", "receptor", "connector"):
        if item in notes and not isinstance(notes[item], str):
            yield f"{where} {item!r} must be text, got {shown(notes[item])}"
    for item in ("ids", "times", "weight"):
        if item in notes and not _are_numbers(notes[item]):
            yield f"{where} {item!r} must be an array of numbers, got {shown(notes[item])}"
    cell = notes.get("cell", {})
    if not isinstance(cell, Mapping) or not set(cell) <= set(LIF.units):
        yield f"{where} 'cell' must have parameters of a LIF, got {shown(cell)}"
        cell = {}
    size = np.size(getattr(node, "v_threshold", 0.0))
    for item, value in cell.items():
        if not _are_numbers(value, infinite=item == "tau_m") or np.shape(value) not in (
            (),
            (size,),
        ):
            yield f"{where} {item!r} must be a number or have shape ({size},), got {shown(value)}"
    if "projection" in notes:
        yield from _problems_of_synapses(where, node)


def _are_numbers(value: Any, scalar: bool = False, infinite: bool = False) -> bool:
    array = array_of(value)
    if array is None or array.dtype.kind not in "biuf" or (scalar and array.ndim):
        return False
    return bool((~np.isnan(array) if infinite else np.isfinite(array)).all())


def _problems_of_synapses(where: str, node: Any) -> Iterator[str]:
    notes = notes_of(node)
    needed = ("receptor", "connector", "allow_self", "tiles", "scalar_weight", "scalar_delay",
              "delay", "rows", "i", "j")  # fmt: skip
    missing = [item for item in needed if item not in notes]
    if missing:
        yield f"{where} must have {', '.join(missing)}"
        return
    rows, i, j = (array_of(notes[item]) for item in ("rows", "i", "j"))
    whole = all(
        one is not None and one.dtype.kind in "iu" and one.ndim == 1 for one in (rows, i, j)
    )
    if not whole or not rows.shape == i.shape == j.shape or not rows.size:
        yield f"{where}: rows, i and j must be whole numbers of shape (n_synapses,)"
        return
    if np.unique(rows).size < rows.size or min(rows.min(), i.min(), j.min()) < 0:
        yield f"{where}: rows must differ, and rows, i and j must be >= 0"
    weight = array_of(getattr(node, "weight", None))
    if weight is None or weight.ndim != 2 or j.max() >= len(weight) or i.max() >= weight.shape[1]:
        yield f"{where}: i and j must be cells of the weight matrix"
