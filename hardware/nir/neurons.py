"""Converts neuron nodes of NIR to cells, and cells to nodes.

A signal of height 1 that lasts one step is a spike of weight 1, and a constant signal is a bias.
The equations of NIR are:

===========  =============================================  ================  ===================
node         equation                                       spike adds        bias ``b`` is
===========  =============================================  ================  ===================
``CubaLIF``  ``tau_syn dI/dt = -I + w_in S``,               ``w_in dt /       ``i_offset =
             ``tau_mem dv/dt = v_leak - v + r I``           tau_syn`` to I    w_in * b``
``LIF``      ``tau dv/dt = v_leak - v + r S``               one step of S     ``i_offset = b``
``IF``       ``dv/dt = r S``, with time in steps            ``r`` to v        ``i_offset = b``
===========  =============================================  ================  ===================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF
from .common import alike

__all__ = [
    "NEURONS",
    "PULSE_GAIN",
    "cell_of",
    "gain_of",
    "is_pulse",
    "kind_of",
    "native_parameters",
]

NEURONS = ("CubaLIF", "LIF", "IF")

_PULSE = 50.0
"""Value of dt / tau_syn for LIF and IF nodes, which have no synaptic current: inputs last one step.
"""

PULSE_GAIN = _PULSE / -math.expm1(-_PULSE)
"""Initial current of a pulse with the charge of a signal of height 1 during one step."""


def is_pulse(cell: LIF, dt: float) -> bool:
    """Tell whether the synaptic currents of a cell last one step, as those of LIF and IF."""
    return alike(cell.tau_syn_E, dt / _PULSE) and alike(cell.tau_syn_I, dt / _PULSE)


def kind_of(cell: LIF, dt: float) -> str:
    """Return the type of node that a cell becomes."""
    if np.all(np.isinf(cell.tau_m)):
        return "IF"
    return "LIF" if is_pulse(cell, dt) else "CubaLIF"


def native_parameters(
    cell: LIF, size: int, side: str, dt: float, kind: str = "CubaLIF"
) -> dict[str, NDArray[np.float64]]:
    """Return the node parameters of a cell, each of shape (size,), without a constant current."""
    p = {name: np.array(cell.array(name, size)) for name in LIF.units}
    common = {"v_reset": p["v_reset"], "v_threshold": p["v_thresh"]}
    if kind == "IF":
        return {"r": dt / p["cm"], **common}
    common |= {"r": p["tau_m"] / p["cm"], "v_leak": p["v_rest"]}
    if kind == "LIF":
        return {"tau": p["tau_m"] / 1000.0, **common}
    tau_syn = p[f"tau_syn_{side}"]
    own = {"tau_mem": p["tau_m"] / 1000.0, "tau_syn": tau_syn / 1000.0, "w_in": tau_syn / dt}
    return {**own, **common}


def gain_of(node: Any, dt: float) -> Any:
    """Return the increase of a cell's synaptic current by a spike of weight 1, shape () or (n,)."""
    if type(node).__name__ != "CubaLIF":
        return PULSE_GAIN
    gain = np.ravel(node.w_in) * dt / (np.ravel(node.tau_syn) * 1000.0)
    return 1.0 if alike(gain, 1.0) else gain


def cell_of(node: Any, size: int, bias: Any, dt: float, noted: Mapping[str, Any]) -> LIF:
    """Return the cell of a neuron node.

    Parameters
    ----------
    node : nir.NIRNode
        A ``CubaLIF``, ``LIF`` or ``IF``.
    size : int
        Number of cells.
    bias : float or array of shape (size,)
        Constant part of the node's input.
    dt : float
        Time step, ms.
    noted : mapping
        Parameters in the metadata of :func:`to_nir`. They are used if they agree with the node.
    """
    kind = type(node).__name__
    constant = np.ravel(node.w_in) * bias if kind == "CubaLIF" else bias
    whole = _as_noted(node, kind, size, constant, dt, noted)
    if whole is not None:
        return whole
    values = {"v_reset": node.v_reset, "v_thresh": node.v_threshold}
    if kind == "IF":
        values |= {"tau_m": math.inf, "cm": dt / np.asarray(node.r), "v_rest": 0.0}
    else:
        tau_m = np.asarray(node.tau_mem if kind == "CubaLIF" else node.tau) * 1000.0
        values |= {"tau_m": tau_m, "cm": tau_m / node.r, "v_rest": node.v_leak}
    tau_syn = np.asarray(node.tau_syn) * 1000.0 if kind == "CubaLIF" else dt / _PULSE
    values |= {"tau_syn_E": tau_syn, "tau_syn_I": tau_syn, "i_offset": constant}
    return LIF(
        **{name: _spread(value, size) for name, value in values.items()},
        tau_refrac=noted.get("tau_refrac", 0.0),
    )


def _spread(value: Any, size: int) -> Any:
    """Return one value for each cell, or a float that holds for all cells."""
    value = np.ravel(np.asarray(value, np.float64))
    return value if value.size == size else float(value[0])


def _as_noted(
    node: Any, kind: str, size: int, constant: Any, dt: float, noted: Mapping[str, Any]
) -> LIF | None:
    if not noted:
        return None
    cell = LIF(**noted)
    if kind_of(cell, dt) != kind or (kind == "IF" and not is_pulse(cell, dt)):
        return None
    i_offset = cell.array("i_offset", size)
    for side in "EI":
        native = native_parameters(cell, size, side, dt, kind)
        native.pop("w_in", None)
        r, leak = native["r"], native.pop("v_leak", None)
        if not all(alike(getattr(node, key), value) for key, value in native.items()):
            continue
        if leak is None:
            same = alike(constant, i_offset)
        else:
            # The constant current may be part of v_leak instead of a bias.
            scale = np.maximum(np.abs(leak), np.abs(r * i_offset))
            same = alike(np.ravel(node.v_leak) + r * constant, leak + r * i_offset, scale)
        if same:
            return cell
    return None
