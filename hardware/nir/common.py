"""What both directions share: names, notes, and a check for the package nir."""

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
    "place_of",
    "require_nir",
]

KEY = "spikemem"
"""Under which the metadata of a node hold what is ours."""

LARGEST = 10**8
"""Largest number of entries of a weight matrix, and of synapses of a chain of linear nodes."""

_CLOSE = 1e-9


def require_nir() -> Any:
    """The package nir."""
    try:
        import nir
    except ImportError as error:
        raise BackendMissing.of("NIR", "nir", extra="nir") from error
    return nir


def as_lines(problems: Sequence[str]) -> str:
    """One problem on the same line, several as a list."""
    if len(problems) == 1:
        return f" {problems[0]}."
    return "".join(f"\n  - {problem}." for problem in problems)


def free_name(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or with the first number that no other node has."""
    if name not in taken:
        return name
    return next(f"{name} {k}" for k in range(2, len(taken) + 3) if f"{name} {k}" not in taken)


def notes_of(node: Any) -> dict[str, Any]:
    """What :func:`to_nir` noted in a node."""
    found = node.metadata.get(KEY, {}) if isinstance(node.metadata, dict) else {}
    return found if isinstance(found, dict) else {}


def alike(a: Any, b: Any, scale: Any = 0.0) -> bool:
    """Whether two values differ by rounding alone; `scale` is the size of what they are sums of."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= _CLOSE * np.maximum(np.abs(b), scale)
    return bool(np.all(near | (a == b)))


def array_of(value: Any) -> Any:
    """The value as an array; None if it is none."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None


def place_of(node: Any) -> float:
    """Where a node stood in the network; last if nothing was noted."""
    return float(notes_of(node).get("place", np.inf))
