"""The interface of a number system for the engine, and the floating-point number system."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF, STDP
from ...network import Network, Population, Projection
from ...units import steps_up
from . import delivery, neurons, plasticity, stepping
from .compile import specialise
from .fields import (
    A_MINUS,
    A_PLUS,
    BIAS,
    GAIN_E,
    GAIN_I,
    KEEP_E,
    KEEP_I,
    KEEP_V,
    N_PARAM,
    N_REF,
    N_RULE,
    NO_LEAK,
    PULL_E,
    PULL_I,
    RESISTANCE,
    V_RESET,
    V_REST,
    V_THRESH,
    W_MAX,
    W_MIN,
    Y_ADDS,
)

__all__ = ["Floats", "NumberSystem", "compile_engine"]

_HORIZON = 50.0


class NumberSystem(Protocol):
    """Representation and arithmetic of potentials, weights and traces.

    `state`, `ring`, `weight`, `rule_type`, `trace` are the types of the membrane's arrays, of the
    ring buffers, of ``Wiring.weight``, of ``Plastic.rule``, and of ``Plastic.x``, ``y`` and
    ``lut``. `exact` is True if the cells that fire in step k do so at its end. ``Plastic.y`` has
    `y_rows` rows, one after the other. `keeps_log` is True if the log continues after a run.
    """

    state: np.dtype[Any]
    ring: np.dtype[Any]
    weight: np.dtype[Any]
    rule_type: np.dtype[Any]
    trace: np.dtype[Any]
    exact: bool
    y_rows: int
    keeps_log: bool

    def log_size(self, n_post: int) -> int:
        """Return the log size of a plastic unit with `n_post` post-synaptic cells, in entries."""

    def lag(self, network: Network, projection: Projection, delay: int) -> int:
        """Return the part of a delay before a spike reaches a plastic synapse, in steps."""

    def kernels(self) -> dict[str, Any]:
        """Return ``advance``, ``flush`` and the other functions of :func:`compile_engine`."""

    def group(self, population: Population) -> Hashable:
        """Return a key; populations of equal cells with the same key share their parameters."""

    def cells(self, population: Population, size: int, dt: float) -> NDArray[Any]:
        """Return parameters of the first `size` cells of a population, shape (N_PARAM, size)."""

    def bias(self, population: Population, current: NDArray[np.float64], dt: float) -> NDArray[Any]:
        """Encode currents (nA) as BIAS; shape (n,), or (n, size) with one for each cell.

        If the cells of a population differ, the result has one for each cell.
        """

    def potential(self, v: NDArray[np.float64]) -> NDArray[Any]:
        """Encode potentials (mV)."""

    def weights(self, network: Network, projection: Projection, w: Any) -> NDArray[Any]:
        """Encode weights (nA) of a projection; `w` can be a single number."""

    def rule(
        self, network: Network, projection: Projection
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the row of ``Plastic.rule``, and two tables exp(-k dt / tau) that end in 0."""

    def in_mv(self, v: NDArray[Any]) -> NDArray[np.float64]:
        """Decode potentials, in mV."""

    def in_na(
        self, network: Network, projection: Projection, w: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Decode weights, in nA."""


def compile_engine(
    name: str,
    update_block: Any,
    plastic_pre: Any = plasticity.plastic_pre,
    plastic_post: Any = plasticity.plastic_post,
    plastic_due: Any = plasticity.plastic_due,
    plastic_flush: Any = plasticity.plastic_flush,
) -> dict[str, Any]:
    """Bind the functions of a number system into the engine; see the package's docstring."""
    functions = (
        delivery.deliver,
        stepping.update_cells,
        stepping.deliver_step,
        stepping.flush,
        stepping.advance,
    )
    bindings = {
        "update_block": update_block,
        "plastic_pre": plastic_pre,
        "plastic_post": plastic_post,
        "plastic_due": plastic_due,
        "plastic_flush": plastic_flush,
    }
    return specialise(functions, bindings, name, entries=("flush", "advance"))


@cache
def _float_kernels() -> dict[str, Any]:
    return compile_engine("float", neurons.update_block)


class Floats:
    """Number system with floating-point numbers of 8 or 4 bytes."""

    def __init__(
        self, integrator: str = "spinnaker", precision: Literal["f8", "f4"] = "f8"
    ) -> None:
        self.state = self.ring = self.weight = self.rule_type = self.trace = np.dtype(precision)
        self.exact = integrator == "exact"
        self.y_rows, self.keeps_log = 1, False

    def log_size(self, n_post: int) -> int:
        """Return the log size of a plastic unit with `n_post` post-synaptic cells, in entries."""
        return min(max(64 * n_post, 1024), max(65536, 4 * n_post))

    def lag(self, network: Network, projection: Projection, delay: int) -> int:
        """Return 0, because the whole delay is dendritic."""
        return 0

    def kernels(self) -> dict[str, Any]:
        """Return the compiled engine."""
        return _float_kernels()

    def group(self, population: Population) -> Hashable:
        """Return the same key for all populations."""
        return None

    def cells(self, population: Population, size: int, dt: float) -> NDArray[Any]:
        """Return parameters of the first `size` cells of a population, shape (N_PARAM, size)."""
        with np.errstate(over="ignore"):  # A threshold beyond 4 bytes is never reached.
            return self._constants(population, size, dt).astype(self.state)

    def _constants(self, population: Population, size: int, dt: float) -> NDArray[np.float64]:
        cell = population.lif.steady
        p = {name: cell.array(name, size) for name in LIF.units}
        out = np.empty((N_PARAM, size))
        leaks = np.isfinite(p["tau_m"])
        out[V_THRESH], out[V_RESET] = p["v_thresh"], p["v_reset"]
        out[V_REST] = np.where(leaks, p["v_rest"], 0.0)
        out[RESISTANCE] = np.where(leaks, p["tau_m"], dt) / p["cm"]
        out[KEEP_V] = np.where(leaks | self.exact, np.exp(-dt / p["tau_m"]), NO_LEAK)
        out[BIAS] = self._gain(cell, size, dt) * p["i_offset"]
        out[N_REF] = steps_up(p["tau_refrac"], dt)
        for side, keep_row, gain_row, pull_row in (
            ("E", KEEP_E, GAIN_E, PULL_E), ("I", KEEP_I, GAIN_I, PULL_I),
        ):  # fmt: skip
            tau = p[f"tau_syn_{side}"]
            out[keep_row] = np.exp(-dt / tau)
            out[gain_row] = 1.0 if self.exact else tau / dt * -np.expm1(-dt / tau)
            out[pull_row] = _propagator(tau, p["tau_m"], p["cm"], dt)
        return out

    def _gain(self, cell: LIF, size: int, dt: float) -> NDArray[np.float64]:
        """Return BIAS for each nA of a constant current, shape (size,)."""
        if not self.exact:
            return np.ones(size)
        tau, cm = cell.array("tau_m", size), cell.array("cm", size)
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(tau), tau / cm * -np.expm1(-dt / tau), dt / cm)

    def bias(self, population: Population, current: NDArray[np.float64], dt: float) -> NDArray[Any]:
        """Encode currents (nA) as BIAS; shape (n,), or (n, size) with one for each cell."""
        gain = self._gain(population.lif.steady, population.size, dt)
        if current.ndim == 1 and np.all(gain == gain[0]):
            return np.asarray(gain[0] * current, dtype=self.state)
        return np.asarray(gain * current.reshape(len(current), -1), dtype=self.state)

    def potential(self, v: NDArray[np.float64]) -> NDArray[Any]:
        """Encode potentials (mV)."""
        return v.astype(self.state)

    def weights(self, network: Network, projection: Projection, w: Any) -> NDArray[Any]:
        """Encode weights (nA)."""
        return np.asarray(w, dtype=self.weight)

    def rule(
        self, network: Network, projection: Projection
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the row of ``Plastic.rule``, and the tables of both windows."""
        rule = projection.plasticity
        assert isinstance(rule, STDP)
        row = np.zeros(N_RULE, dtype=self.weight)
        row[A_PLUS], row[A_MINUS] = rule.a_plus, rule.a_minus
        row[W_MIN], row[W_MAX] = rule.w_min, rule.w_max
        # Under "exact" a spike counts in y one step after it arrives, and has decayed since.
        row[Y_ADDS] = np.exp(-network.dt / rule.tau_minus) if self.exact else 1.0
        plus, minus = (
            _table(tau, network.dt).astype(self.trace) for tau in (rule.tau_plus, rule.tau_minus)
        )
        return row, plus, minus

    def in_mv(self, v: NDArray[Any]) -> NDArray[np.float64]:
        """Return potentials in mV."""
        return np.asarray(v, dtype=np.float64)

    def in_na(
        self, network: Network, projection: Projection, w: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Return weights in nA."""
        return np.asarray(w, dtype=np.float64)


def _propagator(tau: Any, tau_m: Any, cm: Any, dt: float) -> Any:
    """Return the potential (mV) after a step from rest, for each nA of initial synaptic current.

    With a = dt/tau_m and b = dt/tau this is dt/cm·(exp(-a) - exp(-b))/(b - a). Neither difference
    is computed directly, because both lose all digits if the constants are nearly equal.
    """
    with np.errstate(invalid="ignore"):
        gap = np.where(np.isinf(tau_m), dt / tau, np.abs(dt * ((tau_m - tau) / tau_m) / tau))
    mean = np.where(gap == 0, 1.0, -np.expm1(-gap) / np.where(gap == 0, 1.0, gap))
    return dt / cm * np.exp(-dt / np.maximum(tau, tau_m)) * mean


def _table(tau: float, dt: float) -> NDArray[np.float64]:
    """Return exp(-k dt / tau) until it is far below the last bit of any weight, then one 0."""
    n = int(np.ceil(_HORIZON * tau / dt)) + 2
    table: NDArray[np.float64] = np.exp(-np.arange(n) * dt / tau)
    table[-1] = 0.0
    return table
