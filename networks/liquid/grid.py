"""Maass's liquid as a network: neurons on a grid, connected with a probability by distance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ... import connectors
from ...cells import LIF, SpikeSource
from ...errors import DescriptionError
from ...limits import require_memory
from ...network import Network, Population, Projection
from ...spikes import SpikeTrains
from ...streams import stream
from .dynamic import DYNAMICS
from .parameters import MaassLiquid, NetworkLiquid

__all__ = ["GRID_PLASTIC", "Wiring", "draw_wiring", "grid_liquid", "receptor_of"]

GRID_PLASTIC = {
    "input": "weights of the input",
    "EE": "weights from excitatory to excitatory neurons",
    "EI": "weights from excitatory to inhibitory neurons",
    "IE": "weights from inhibitory to excitatory neurons",
    "II": "weights from inhibitory to inhibitory neurons",
}
"""Projections that hold the weights of Maass's liquid, with descriptions."""


LARGEST_GRID = 50_000
"""Largest number of neurons, since every pair is drawn."""


class Wiring(NamedTuple):
    """Connections between the neurons of a grid."""

    inhibitory: NDArray[np.bool_]
    """Whether each neuron is inhibitory, shape (n_neurons,)."""
    pairs: dict[str, connectors.Pairs]
    """Connected pairs for each kind of synapse: EE, EI, IE and II."""

    def counts(self) -> dict[str, int]:
        """Return the number of synapses of each kind."""
        return {name: int(pairs.i.size) for name, pairs in self.pairs.items()}


def draw_wiring(liquid: MaassLiquid, seed: int) -> Wiring:
    """Draw the inhibitory neurons and the synapses; no neuron connects to itself."""
    n = liquid.n_neurons
    inhibitory = np.zeros(n, dtype=np.bool_)
    chosen = stream(seed, "liquid", "inhibitory").permutation(n)[: round(liquid.inhibitory * n)]
    inhibitory[chosen] = True
    positions = connectors.grid_positions(liquid.shape)
    pairs = {}
    for name in ("EE", "EI", "IE", "II"):
        pre, post = (np.flatnonzero(inhibitory == (kind == "I")) for kind in name)
        rng = stream(seed, "liquid", "wiring", name)
        peak, lam = getattr(liquid, f"c_{name}"), liquid.lam
        drawn = connectors.distance_dependent(
            positions[pre],
            positions[post],
            lambda d, peak=peak, lam=lam: _chance(d, peak, lam),  # type: ignore[misc]
            rng,
            allow_self=name[0] != name[1],
        )
        pairs[name] = connectors.Pairs(
            pre[drawn.i].astype(np.int32), post[drawn.j].astype(np.int32)
        )
    return Wiring(inhibitory, pairs)


def _chance(distance: NDArray[np.float64], peak: float, lam: float) -> NDArray[np.float64]:
    """Return the connection probability at each distance; with ``lam=0`` it is 0."""
    if not lam:
        return np.zeros_like(distance)
    return peak * np.exp(-((distance / lam) ** 2))


def receptor_of(name: str) -> str:
    """Return the receptor for a kind of synapse, from its presynaptic neurons."""
    return "inhibitory" if name.startswith("I") else "excitatory"


def _gamma(rng: np.random.Generator, mean: Any, n: int) -> NDArray[np.float64]:
    """Draw weights from a gamma distribution whose standard deviation equals its mean."""
    return np.asarray(rng.gamma(1.0, 1.0, n) * mean)


def grid_liquid(liquid: MaassLiquid, n_inputs: int, seed: int) -> NetworkLiquid:
    """Return Maass's liquid as a network with the populations "events" and "liquid".

    Parameters
    ----------
    liquid : MaassLiquid
        Parameters.
    n_inputs : int
        Number of channels; each connects to each neuron with probability ``p_input``.
    seed : int
        Seed of all random draws.
    """
    n = liquid.n_neurons
    if n > LARGEST_GRID:
        raise DescriptionError(
            f"MaassLiquid: shape must have at most {LARGEST_GRID} neurons, because every pair is "
            f"drawn, got {n}."
        )
    require_memory(64.0 * n_inputs * n * liquid.p_input, f"LiquidStateMachine: {n_inputs} inputs",
                   "Make p_input smaller.")  # fmt: skip
    wiring = draw_wiring(liquid, seed)
    inhibitory = wiring.inhibitory
    cell = LIF(
        tau_m=liquid.tau_m, cm=liquid.tau_m / liquid.resistance, v_rest=0.0,
        v_reset=liquid.v_reset, v_thresh=liquid.v_thresh,
        tau_refrac=np.where(inhibitory, liquid.tau_refrac_I, liquid.tau_refrac_E),
        tau_syn_E=liquid.tau_syn_E, tau_syn_I=liquid.tau_syn_I, i_offset=liquid.i_background,
    )  # fmt: skip
    start = stream(seed, "liquid", "initial potential").uniform(liquid.v_reset, liquid.v_thresh, n)
    projections = [_input(liquid, inhibitory, n_inputs, seed)]
    for name, pairs in wiring.pairs.items():
        rng = stream(seed, "liquid", "weights", name)
        mean = getattr(liquid, f"a_{name}") * DYNAMICS[name][0]
        weight = _gamma(rng, mean, pairs.i.size)
        delay = liquid.delay_EE if name == "EE" else liquid.delay_other
        projections.append(
            Projection(name=name, pre="liquid", post="liquid", i=pairs.i, j=pairs.j, weight=weight,
                       delay=delay, receptor=receptor_of(name))  # type: ignore[arg-type]
        )  # fmt: skip
    events = Population(name="events", cell=SpikeSource(spikes=SpikeTrains.empty(n_inputs)))
    cells = Population(name="liquid", cell=cell, size=n, v_init=start)
    network = Network(populations=[events, cells], projections=projections, dt=liquid.dt)
    return NetworkLiquid(network=network, inputs=("events",), liquid=("liquid",))


def _input(
    liquid: MaassLiquid, inhibitory: NDArray[np.bool_], n_inputs: int, seed: int
) -> Projection:
    rng = stream(seed, "liquid", "input")
    pairs = connectors.fixed_probability(n_inputs, inhibitory.size, liquid.p_input, rng)
    mean = np.where(inhibitory, liquid.a_input_I, liquid.a_input_E)[pairs.j]
    return Projection(
        name="input", pre="events", post="liquid", i=pairs.i, j=pairs.j,
        weight=_gamma(rng, mean, pairs.i.size), delay=liquid.delay_other,
    )  # fmt: skip
