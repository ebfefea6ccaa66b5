"""Brian2 code of one step of cells and synapses, for both integrators.

Every variable is a plain number in ms, mV or nA, so that no unit is checked or converted in a run.
No variable has the name of a Brian2 unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import STDP
from ...network import Population
from ...units import steps_up

__all__ = [
    "CELL_CONSTANTS",
    "CELL_STATE",
    "CELL_UPDATE",
    "CELL_VARIABLES",
    "PLASTIC_STATE",
    "RULE",
    "SCHEDULE",
    "STATIC_VARIABLES",
    "Code",
    "Plastic",
    "cell_update",
    "coefficients",
    "offset_gain",
    "plastic",
    "static",
]

Array = NDArray[np.float64]

SCHEDULE = {
    "spinnaker": ["start", "groups", "thresholds", "synapses", "resets", "end"],
    "exact": ["start", "synapses", "groups", "thresholds", "resets", "end"],
}
"""Under "exact" the spikes of ``k * dt`` are sent before the cells take step ``k``."""

CELL_STATE = (
    "v", "current_E", "current_I", "arriving_E", "arriving_I", "silent_steps", "fired"
)  # fmt: skip
CELL_CONSTANTS = (
    "rest", "reset_to", "fires_at", "n_refractory", "leak", "keep_E", "keep_I", "drive_E",
    "drive_I", "drive_offset", "resistance", "leaks",
)  # fmt: skip
CELL_VARIABLES = "\n".join(f"{name} : 1" for name in (*CELL_STATE, *CELL_CONSTANTS))
PLASTIC_STATE = ("weight", "trace_plus", "trace_minus", "last_event")

_AFTER = """
fired = free*int(v >= fires_at)
v = fired*reset_to + (1 - fired)*v
silent_steps = fired*n_refractory + (1 - fired)*(silent_steps - (1 - free))
current_E = keep_E*current_E
current_I = keep_I*current_I
"""

CELL_UPDATE = {
    "spinnaker": """
current_E = current_E + drive_E*arriving_E
current_I = current_I + drive_I*arriving_I
arriving_E = 0
arriving_I = 0
free = int(silent_steps == 0)
goal = {rest} + resistance*(current_E - current_I + drive_offset)
v = free*(goal - leak*(goal - v)) + (1 - free)*v
"""
    + _AFTER,
    "exact": """
current_E = current_E + arriving_E
current_I = current_I + arriving_I
arriving_E = 0
arriving_I = 0
free = int(silent_steps == 0)
change = (drive_E*current_E - drive_I*current_I) + drive_offset
v = free*(rest + (leak*(v - rest) + change)) + (1 - free)*v
"""
    + _AFTER,
}


def cell_update(integrator: str, leakless: bool) -> str:
    """Return the code of one step of the cells; `leakless` tells whether some have no leak.

    Under "spinnaker" a cell without a leak has ``leak`` 0, and the potential that it approaches is
    relative to its present one.
    """
    rest = "(leaks*rest + (1 - leaks)*v)" if leakless else "rest"
    return CELL_UPDATE[integrator].replace("{rest}", rest)


def coefficients(populations: Sequence[Population], dt: float, integrator: str) -> dict[str, Array]:
    """Compute the constants of each cell of some LIF populations, one after the other.

    Returns
    -------
    dict of str to ndarray, shape (n_cells,)
        Constants by the names in :data:`CELL_CONSTANTS`, in mV, nA or steps. Currents that change
        over time are left out.
    """
    p = {
        name: np.concatenate([pop.lif.steady.array(name, pop.size) for pop in populations])
        for name in populations[0].lif.units
    }
    leaks, exact = np.isfinite(p["tau_m"]), integrator == "exact"
    # In a cell without a leak, 1 nA adds dt/cm in each step.
    resistance = np.where(leaks, p["tau_m"], dt) / p["cm"]
    leak = np.where(leaks | exact, _each(math.exp, -dt / p["tau_m"]), 0.0)
    keep = {side: _each(math.exp, -dt / p[f"tau_syn_{side}"]) for side in "EI"}
    values = {
        "rest": np.where(leaks | (not exact), p["v_rest"], 0.0),
        "leaks": leaks.astype(np.float64),
        "reset_to": p["v_reset"],
        "fires_at": p["v_thresh"],
        "n_refractory": steps_up(p["tau_refrac"], dt),
        "leak": leak,
        "keep_E": keep["E"],
        "keep_I": keep["I"],
    }
    for side in "EI":
        tau = p[f"tau_syn_{side}"]
        if integrator == "spinnaker":
            values[f"drive_{side}"] = -tau / dt * _each(math.expm1, -dt / tau)
        else:
            with np.errstate(invalid="ignore"):
                gap = np.where(leaks, dt * ((p["tau_m"] - tau) / p["tau_m"]) / tau, dt / tau)
            slower = np.where(gap > 0, leak, keep[side])
            values[f"drive_{side}"] = dt / p["cm"] * slower * _each(_relative_expm1, -np.abs(gap))
    gain = np.concatenate([offset_gain(pop, dt, integrator) for pop in populations])
    return {**values, "drive_offset": gain * p["i_offset"], "resistance": resistance}


def offset_gain(population: Population, dt: float, integrator: str) -> Array:
    """Return ``drive_offset`` for each nA of a constant current, shape (size,)."""
    if integrator == "spinnaker":
        return np.ones(population.size)
    cell = population.lif.steady
    tau, cm = (cell.array(name, population.size) for name in ("tau_m", "cm"))
    with np.errstate(invalid="ignore"):
        leaky = -(tau / cm) * _each(math.expm1, -dt / tau)
    return np.where(np.isfinite(tau), leaky, dt / cm)


def _each(function: Callable[[float], float], values: Array) -> Array:
    """Apply a function of the C library; results do not depend on the position in the array."""
    unique, inverse = np.unique(values, return_inverse=True)
    return np.array([function(value) for value in unique.tolist()])[inverse]


def _relative_expm1(z: float) -> float:
    return math.expm1(z) / z if z else 1.0


STATIC_VARIABLES = "weight : 1"

Code = Mapping[str, str]
"""Code of extensions by the names in :data:`.extensions.HOOKS`."""

_PLASTIC_VARIABLES = """
weight : 1
trace_plus : 1
trace_minus : 1
last_event : integer
"""
_IS_OPEN = "is_open : boolean\n"
_IS_OPEN_BY_TABLE = (
    "is_open = gate(t, gate_column) > 0.5 : boolean\ngate_column : integer (constant)\n"
)

RULE: dict[str, Callable[[STDP, float], float]] = {
    "rate_plus": lambda rule, dt: dt / rule.tau_plus,
    "rate_minus": lambda rule, dt: dt / rule.tau_minus,
    "step_plus": lambda rule, dt: rule.a_plus,
    "step_minus": lambda rule, dt: rule.a_minus,
    "weight_min": lambda rule, dt: rule.w_min,
    "weight_max": lambda rule, dt: rule.w_max,
}
"""Constants of a plastic synapse; rates are per step."""

_DECAY = """
trace_plus = trace_plus*exp((last_event - t_in_timesteps)*rate_plus)
trace_minus = trace_minus*exp((last_event - t_in_timesteps)*rate_minus)
last_event = t_in_timesteps
"""
_COUNT_PRE = "trace_plus = trace_plus + 1\n"
_COUNT_POST = "trace_minus = trace_minus + 1\n"


def static(receptor: str, hooks: Code) -> str:
    """Write the code that delivers the weights of static synapses."""
    reading, read = _reading(hooks)
    return f"{reading}{_target(receptor)} += {read}"


def _target(receptor: str) -> str:
    return f"arriving_{receptor[0].upper()}_post"


def _reading(hooks: Code) -> tuple[str, str]:
    """Return the code that runs when a spike reads a weight, and the name of the sent current."""
    code = hooks.get("before_delivery")
    if not code:
        return "", "weight"
    # With "read = weight", Brian2's numpy code would use one array for both.
    return f"read = clip(weight, weight, weight)\n{code}\n", "read"


def _update(sign: str, side: str, hooks: Code) -> str:
    """Return the code that changes a weight by the rule or by an extension."""
    change = f"step_{side}*trace_{side}*int(is_open)"
    new, after = hooks.get("weight_update"), hooks.get("after_update")
    if not new and not after:
        return f"weight = clip(weight {sign} {change}, weight_min, weight_max)\n"
    code = f"change = {'-' * (sign == '-')}{change}\n"
    code += f"weight = clip({new or 'weight + change'}, weight_min, weight_max)\n"
    return code + (f"{after}\n" if after else "")


class Plastic(NamedTuple):
    """Code of plastic synapses: variables, code of each pathway, and order of the pathways."""

    variables: str
    on_pre: dict[str, str]
    on_post: dict[str, str]
    order: dict[str, int]


def plastic(
    receptor: str,
    delays: NDArray[np.int64],
    integrator: str,
    shared: set[str],
    *,
    scheduled: bool = False,
    hooks: Code = MappingProxyType({}),
) -> Plastic:
    """Write the code of plastic synapses.

    A spike delivers the weight from the time when it was sent, and the cell can fire again before
    the spike arrives. Each synapse therefore has variables ``sent_0``, ``sent_1``, ..., one for
    each step of its delay.

    Parameters
    ----------
    receptor : {"excitatory", "inhibitory"}
        Synaptic current that the synapses drive.
    delays : ndarray of int, shape (n_synapses,)
        Steps from the event of the pre-synaptic spike to the delivery.
    integrator : {"spinnaker", "exact"}
        Determines the order of events in a step.
    shared : set of str
        Names in :data:`RULE` that have one value for all synapses.
    scheduled : bool
        True if a table ``gate`` tells when weights may change; False if ``is_open`` is set by the
        caller.
    hooks : mapping of str to str
        Code of extensions.
    """
    target = _target(receptor)
    reading, read = _reading(hooks)
    constants = [f"{name} : 1 ({'shared, ' * (name in shared)}constant)" for name in RULE]
    is_open = _IS_OPEN_BY_TABLE if scheduled else _IS_OPEN
    variables = _PLASTIC_VARIABLES + is_open + "\n".join(constants)
    order = {"potentiate": 0, "depress": 1, "count": 2}
    potentiate = _DECAY + _update("+", "plus", hooks)
    depress = _DECAY + _update("-", "minus", hooks) + _COUNT_PRE + reading
    on_post = {"potentiate": potentiate, "count": _COUNT_POST}
    if integrator == "spinnaker":
        on_post = {"potentiate": potentiate + _COUNT_POST}
    longest = int(delays.max())
    if longest == 0:
        on_pre = {"depress": depress + f"{target} += {read}\n"}
        return Plastic(variables, on_pre, on_post, order)
    early = bool(delays.min() > 0)
    slots = longest if early else longest + 1
    variables += "\nsteps_under_way : integer (constant)\n"
    variables += "\n".join(f"sent_{k} : 1" for k in range(slots))
    on_pre = {"depress": _store_sent(depress, slots, read), "deliver": _deliver(target, slots)}
    return Plastic(variables, on_pre, on_post, {**order, "deliver": -1 if early else 3})


def _store_sent(code: str, slots: int, read: str) -> str:
    """Return `code` followed by storing the sent current in the slot of this step."""
    if slots == 1:
        return code + f"sent_0 = {read}\n"
    code = f"slot = t_in_timesteps % {slots}\n" + code
    for k in range(slots):
        code += f"sent_{k} = int(slot == {k})*{read} + int(slot != {k})*sent_{k}\n"
    return code


def _deliver(target: str, slots: int) -> str:
    """Return the code that reads the weight from the slot of the step in which it was sent."""
    if slots == 1:
        return f"{target} += sent_0\n"
    code = f"slot = (t_in_timesteps - steps_under_way) % {slots}\n"
    code += "arrived = int(slot == 0)*sent_0\n"
    for k in range(1, slots):
        code += f"arrived = arrived + int(slot == {k})*sent_{k}\n"
    return code + f"{target} += arrived\n"
