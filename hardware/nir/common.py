"""Helpers of export and import: names, metadata, comparisons, and the package nir."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import BackendMissing

__all__ = [
    "KEY",
    "LARGEST",
    "alike",
    "as_lines",
    "free_name",
    "notes_of",
    "position_of",
    "require_nir",
]

KEY = "spikemem"
"""Key of spikemem's entries in the metadata of a node."""

LARGEST = 10**8
"""Largest number of entries of a weight matrix, and of synapses of a chain of linear nodes."""

_CLOSE = 1e-9


def require_nir() -> Any:
    """Return the package nir, or raise an error if it is not installed."""
    try:
        import nir
    except ImportError as error:
        raise BackendMissing.of("NIR", "nir", extra="nir") from error
    return nir


def as_lines(problems: Sequence[str]) -> str:
    """Return one problem as text on the same line, or several as a list."""
    if len(problems) == 1:
        return f" {problems[0]}."
    return "".join(f"\n  - {problem}." for problem in problems)


def free_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return the name, with the first free number if it is taken."""
    if name not in taken:
        return name
    return next(f"{name} {k}" for k in range(2, len(taken) + 3) if f"{name} {k}" not in taken)


def notes_of(node: Any) -> dict[str, Any]:
    """Return spikemem's entries in the metadata of a node, which :func:`to_nir` writes."""
    notes = node.metadata.get(KEY, {}) if isinstance(node.metadata, dict) else {}
    return notes if isinstance(notes, dict) else {}


def alike(a: Any, b: Any, scale: Any = 0.0) -> bool:
    """Tell whether two values are equal except for rounding; `scale` is the size of their terms."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= _CLOSE * np.maximum(np.abs(b), scale)
    return bool(np.all(near | (a == b)))


def array_of(value: Any) -> Any:
    """Return the value as an array, or None if it cannot be one."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None


def position_of(node: Any) -> float:
    """Return the position of a node in the exported network; infinity if it is unknown."""
    return float(notes_of(node).get("place", np.inf))
