"""Voltage drop along the wires of a crossbar: exact (Kirchhoff's laws), and an approximation."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Quantities, Quantity, checked
from ...errors import DescriptionError
from ...limits import require_memory

__all__ = ["approximate_drop", "effective_conductances", "nodal_currents"]

Array = NDArray[np.float64]

Resistance = Annotated[float, Quantity("Ohm", low=0.0)]

G_RATIO = 1 / (0.35 * 5e-6)
"""Conductance of a piece of wire (0.35 Ohm) divided by that of a device (5 uS)."""


@checked
def nodal_currents(
    g: Annotated[Any, Quantities("uS", low=0.0, shape=(None, None))],
    v: Annotated[Any, Quantities("V")],
    r_row: Resistance,
    r_column: Resistance,
) -> Array:
    """Return the column currents of a crossbar with resistive wires.

    Row i is driven at its left end, and column j ends on virtual ground at the bottom. Between
    neighbouring cells, and at these ends, each wire has the resistance of one piece.

    Parameters
    ----------
    g : array_like, shape (n_in, n_out)
        Conductances of the cells, uS.
    v : array_like, shape (n_in,) or (n_vectors, n_in)
        Voltages of the row drivers, V.
    r_row, r_column : float
        Resistance of a piece of row wire and of column wire, Ohm; both 0 or both > 0.

    Returns
    -------
    ndarray, shape (n_out,) or (n_vectors, n_out)
        Column currents, uA.

    Raises
    ------
    DescriptionError
        If shapes do not fit, a conductance or resistance is negative, wires and cells differ by
        more than a float can hold, or the matrix does not fit into memory.

    Examples
    --------
    >>> nodal_currents([[100.0]], [1.0], 1000.0, 4000.0).round(6)
    array([66.666667])
    """
    rows = np.atleast_2d(v)
    if not v.ndim or v.ndim > 2 or rows.shape[-1] != len(g):
        raise DescriptionError(
            f"nodal_currents: g must have shape (n_in, n_out) and v (..., n_in), got "
            f"{g.shape} and {v.shape}."
        )
    currents = rows @ effective_conductances(g, r_row, r_column)
    return currents[0] if v.ndim == 1 else currents


def effective_conductances(g: Array, r_row: float, r_column: float) -> Array:
    """Return the current out of column j for one volt on row i alone, shape (n_in, n_out), uS.

    The network is linear, so that this matrix describes it completely.
    """
    wires = r_row, r_column
    if (min(wires) == 0) != (max(wires) == 0):
        raise DescriptionError(
            f"r_row and r_column must be both 0 or both > 0 Ohm, got {wires[0]:g} and {wires[1]:g}."
        )
    if max(wires) == 0 or not g.size:
        return np.array(g, dtype=np.float64)
    from scipy.sparse.linalg import splu

    n_in, n_out = g.shape
    require_memory(
        32.0 * n_in * n_out**2, f"g: the exact voltage drop in {n_in} x {n_out} cells",
        "Use smaller tiles, or the approximate drop.",
    )  # fmt: skip
    row, column = (1e6 / max(wire, 1e-300) for wire in wires)
    # The matrix is symmetric: one solution for each column instead of one for each row.
    sinks = np.zeros((2 * n_in * n_out, n_out))
    sinks[n_in * n_out + (n_in - 1) * n_out + np.arange(n_out), np.arange(n_out)] = column
    try:
        with np.errstate(all="ignore"):
            solver = splu(_laplacian(g, row, column).tocsc())
            effective = row * solver.solve(sinks)[np.arange(n_in) * n_out]
    except RuntimeError:  # A factor is singular.
        effective = np.full((n_in, n_out), np.nan)
    if not np.isfinite(effective).all():
        raise DescriptionError(
            f"r_row and r_column: the currents cannot be computed for pieces of wire of "
            f"{wires[0]:g} and {wires[1]:g} Ohm between cells of up to {g.max():g} uS: the "
            f"conductances differ by more than a float can hold. Use resistances nearer to those "
            f"of the cells."
        )
    return np.asarray(effective)


def _laplacian(g: Array, row: float, column: float) -> Any:
    """Return the conductance matrix (uS): nodes on the row wires, then on the column wires."""
    from scipy.sparse import coo_array

    n_in, n_out = g.shape
    node = np.arange(n_in * n_out).reshape(n_in, n_out)
    below = node + node.size
    pairs: list[tuple[Any, Any, Any]] = [
        (node[:, :-1], node[:, 1:], row),
        (below[:-1], below[1:], column),
        (node, below, g),
    ]
    total = np.zeros(2 * node.size)
    total[node[:, 0]] += row
    total[below[-1]] += column
    i, j, values = [], [], []
    for one, other, conductance in pairs:
        ends = one.ravel(), other.ravel()
        flat = np.broadcast_to(conductance, one.shape).ravel()
        for this, that in (ends, ends[::-1]):
            i.append(this)
            j.append(that)
            values.append(-flat)
            np.add.at(total, this, flat)
    i.append(np.arange(total.size))
    j.append(np.arange(total.size))
    values.append(total)
    where = np.concatenate(i), np.concatenate(j)
    return coo_array((np.concatenate(values), where), shape=(total.size, total.size))


def approximate_drop(weights: Array, x: Array, y: Array, g_ratio: float = G_RATIO) -> Array:
    """Return the loss of each output to the wires: a polynomial in the current of its column.

    With ``a = n / gamma sum_j |w_j| |x_j|`` and ``c = 0.05 a^3 - 0.2 a^2 + 0.5 a``, the loss is
    ``c sum_j w_j x_j (1 - (1 - j/n)^2)``. This is the approximation of aihwkit's tiles; absolute
    weights and inputs must be at most 1.

    Parameters
    ----------
    weights : ndarray, shape (n_in, n_out)
        Normalised weights.
    x : ndarray, shape (n_vectors, n_in)
        Normalised inputs.
    y : ndarray, shape (n_vectors, n_out)
        Products ``x @ weights``.
    g_ratio : float
        Conductance of a piece of wire divided by that of the largest weight.

    Returns
    -------
    ndarray, shape (n_vectors, n_out)
    """
    n = len(weights)
    a = (np.abs(x) @ np.abs(weights)) * (n / g_ratio)
    c = ((0.05 * a - 0.2) * a + 0.5) * a
    far = ((1 - np.arange(n) / n) ** 2).astype(x.dtype)
    return np.asarray(c * (y - (x * far) @ weights))
