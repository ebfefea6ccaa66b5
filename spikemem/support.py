"""What a backend can't do: one declared table, read by simulations, checks and tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .backends import BACKENDS
from .errors import DescriptionError, UnsupportedError, unknown_name
from .network import Network

__all__ = ["UNSUPPORTED", "features", "require_supported", "unsupported"]

_REDRAWN = "device noise redrawn at each read"

UNSUPPORTED: dict[tuple[str, str], str] = {
    ("emulator", "integrator exact"): (
        "the machine holds the synaptic current over a step; use integrator='spinnaker'"
    ),
    ("emulator", "reset at or above threshold"): (
        "the machine compares the potential while refractory too, so that such a cell fires in "
        "every step"
    ),
    ("native", _REDRAWN): "its compiled step draws no random numbers; the noise is drawn once",
    ("emulator", _REDRAWN): "synaptic rows hold fixed weights; the noise is drawn once",
    ("spinnaker", _REDRAWN): "synaptic rows hold fixed weights; the noise is drawn once",
    ("pynn:nest", "integrator spinnaker"): (
        "NEST takes one step more from cell to cell and sees post-synaptic spikes at another "
        "step than SpiNNaker; use integrator='exact', or another backend"
    ),
    ("pynn:nest", "plasticity windows"): (
        "NEST changes a weight only when the next pre-synaptic spike arrives, so that a switch "
        "in between falls on the wrong spikes; use backend 'brian2'"
    ),
    ("pynn:nest", "recorded weights"): (
        "NEST changes a weight only when the next pre-synaptic spike arrives and has no weight "
        "of each step; use backend 'brian2'"
    ),
    ("pynn:nest", "plastic inhibitory synapses"): (
        "NEST refuses a weight of 0 below a negative largest weight; use backend 'brian2'"
    ),
    ("pynn:nest", "smallest weight above 0"): (
        "the smallest weight of stdp_synapse is 0; set w_min=0"
    ),
    ("pynn:nest", "several tau_minus into one population"): (
        "NEST keeps tau_minus in the post-synaptic cell; use one value, or split the population"
    ),
    ("pynn:nest", "reset at or above threshold"): ("NEST needs v_reset below v_thresh"),
    ("pynn:brian2", "integrator spinnaker"): (
        "PyNN's Brian2 cells integrate the synaptic current exactly; use backend 'brian2'"
    ),
    ("pynn:brian2", "plastic synapses"): (
        "PyNN's STDP for Brian2 takes the delay as axonal, where ours is dendritic, and ignores "
        "the weight dependence; use backend 'brian2'"
    ),
    ("pynn:brian2", "unequal resets in one population"): (
        "PyNN's Brian2 cells have one tau_refrac and one v_reset for all; split the population"
    ),
    ("pynn:brian2", "several synapses between two cells"): (
        "PyNN's Brian2 projections set the weights and delays of all of them to the last one; "
        "use one projection for each"
    ),
    ("spinnaker", "integrator exact"): (
        "the machine holds the synaptic current over a step; use integrator='spinnaker'"
    ),
    ("spinnaker", "recorded weights"): (
        "weights stay in the memory of the machine while it runs and can only be read at the end"
    ),
}
"""For (backend, feature) the reason why it can't be done there."""


def features(network: Network) -> set[str]:
    """Names of the features that a network makes use of."""
    used = set()
    for projection in network.projections:
        rule = projection.plasticity
        if rule is None:
            used.add("static synapses")
            continue
        used.add("plastic synapses")
        if rule.enabled is not None:
            used.add("plasticity windows")
        if projection.receptor == "inhibitory":
            used.add("plastic inhibitory synapses")
        if projection.record:
            used.add("recorded weights")
    if any("v" in population.record for population in network.populations):
        used.add("recorded potentials")
    return used | {name for name, used_by in _RARE.items() if used_by(network)}


def _some_w_min(network: Network) -> bool:
    return any(item.plasticity and item.plasticity.w_min > 0 for item in network.plastic)


def _several_tau_minus(network: Network) -> bool:
    pairs = {(item.post, item.plasticity.tau_minus) for item in network.plastic if item.plasticity}
    return len(pairs) > len({post for post, _ in pairs})


def _high_reset(network: Network) -> bool:
    cells = [population.lif for population in network.populations if not population.is_source]
    return any(np.any(np.asarray(cell.v_reset) >= cell.v_thresh) for cell in cells)


def _unequal_resets(network: Network) -> bool:
    cells = [population.lif for population in network.populations if not population.is_source]
    values = [getattr(cell, name) for cell in cells for name in ("tau_refrac", "v_reset")]
    return any(np.ptp(value) > 0 for value in values)


def _several_synapses(network: Network) -> bool:
    for item in network.projections:
        if item.i is not None and item.j is not None:
            codes = item.i.astype(np.int64) * network.population(item.post).size + item.j
            if np.unique(codes).size < codes.size:
                return True
    return False


_RARE: dict[str, Callable[[Network], bool]] = {
    "smallest weight above 0": _some_w_min,
    "several tau_minus into one population": _several_tau_minus,
    "reset at or above threshold": _high_reset,
    "unequal resets in one population": _unequal_resets,
    "several synapses between two cells": _several_synapses,
}


def unsupported(network: Network, backend: str, integrator: str = "spinnaker") -> dict[str, str]:
    """For each feature of the network that the backend can't do, the reason."""
    used = features(network) | {f"integrator {integrator}"}
    return {
        feature: UNSUPPORTED[backend, feature]
        for feature in sorted(used)
        if (backend, feature) in UNSUPPORTED
    }


def require_supported(network: Network, backend: Any, integrator: str = "spinnaker") -> None:
    """Raise unless the backend exists and can do what the network needs."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise DescriptionError(f"simulate: {unknown_name('backend', backend, BACKENDS)}")
    refused = unsupported(network, backend, integrator)
    if refused:
        reasons = "; ".join(f"{feature}: {reason}" for feature, reason in refused.items())
        raise UnsupportedError(f"backend {backend!r} can't run this network: {reasons}.")
