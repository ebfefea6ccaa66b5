"""What both directions share: names, notes, and the parameters of a cell in NIR's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from ...errors import BackendMissing

__all__ = [
    "KEY",
    "alike",
    "as_lines",
    "free_name",
    "native_parameters",
    "notes_of",
    "place_of",
    "require_nir",
]

KEY = "spikemem"
"""Under which the metadata of a node hold what is ours."""

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


def alike(a: Any, b: Any) -> bool:
    """Whether two values differ by rounding alone."""
    return bool(np.allclose(a, b, rtol=_CLOSE, atol=0.0))


def place_of(node: Any) -> float:
    """Where a node stood in the network; last if nothing was noted."""
    return float(notes_of(node).get("place", np.inf))


def native_parameters(cell: LIF, size: int, side: str, dt: float) -> dict[str, NDArray[np.float64]]:
    """Parameters of a CubaLIF, each of shape (size,)."""
    p = {name: np.array(cell.array(name, size)) for name in LIF.units}
    r, tau_syn = p["tau_m"] / p["cm"], p[f"tau_syn_{side}"]
    return {
        "tau_mem": p["tau_m"] / 1000.0,
        "tau_syn": tau_syn / 1000.0,
        "r": r,
        "v_leak": p["v_rest"] + r * p["i_offset"],
        "v_reset": p["v_reset"],
        "v_threshold": p["v_thresh"],
        "w_in": tau_syn / dt,
    }
