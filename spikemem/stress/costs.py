"""Costs of a run, under the names of NeuroBench."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ..counters import count
from ..network import Network
from ..recording import Recording
from .conditions import Conditions

__all__ = ["ACCOUNT", "costs_of"]

ACCOUNT = "spikemem.hardware.resistive:account"
"""Function that computes the energy of a run on a platform. It is imported at its first use."""

_BYTES = 8
"""Bytes of one number of the simulation."""

_STATES = 4
"""State variables of a cell: potential, two synaptic currents, refractory time."""

_SMALL = 1e-6
"""Weights below this fraction of the largest weight count as zero.

Decaying plasticity traces leave such weights behind.
"""


def costs_of(
    network: Network,
    recording: Recording,
    conditions: Conditions,
    n_operations: int,
    written: Any = None,
) -> dict[str, float]:
    """Compute the costs of one run. The names are those of :class:`.answers.Answers`.

    ``synaptic_operations`` counts effective operations: one for each spike and each synapse that
    it reaches. ``footprint`` counts one weight for each synapse (8 bytes, or `weight_bits` bits
    for a plastic synapse on a device), one trace for each cell at either end of a plastic
    projection, and four numbers of 8 bytes for each cell. ``connection_sparsity`` is the fraction
    of cell pairs of connected populations that have no synapse, or a synapse of weight 0, at the
    end of the run. ``activation_sparsity`` is the fraction of pairs of a cell and a time step
    without a spike; inputs are left out.
    """
    counted = count(network, recording)
    cells = [pop.name for pop in network.populations if not pop.is_source]
    fired = sum(len(recording.spikes[name]) for name in cells if name in recording.spikes)
    costs = {
        "spikes": float(counted.spikes),
        "synaptic_operations": float(counted.synaptic_events),
        "duration": counted.duration * 1000,
        "operations": float(n_operations),
        "footprint": _footprint(network, conditions),
        "connection_sparsity": _connection_sparsity(network, recording),
        "activation_sparsity": 1.0 - fired / max(counted.neuron_updates, 1),
    }
    if conditions.platform is not None:
        module, _, item = ACCOUNT.partition(":")
        account = getattr(importlib.import_module(module), item)
        more = {"written": written, "time": conditions.drift_time} if written is not None else {}
        costs["energy"] = float(account(network, recording, conditions.platform, **more).total)
    return costs


def _footprint(network: Network, conditions: Conditions) -> float:
    total = float(network.n_neurons * _STATES * _BYTES)
    for item in network.projections:
        each = float(_BYTES)
        if item.plasticity is not None:
            ends = network.population(item.pre).size + network.population(item.post).size
            total += ends * _BYTES
            each = each if conditions.weight_bits is None else conditions.weight_bits / 8
        total += each * network.count(item.name)
    return total


def _connection_sparsity(network: Network, recording: Recording) -> float:
    possible = present = 0
    for item in network.projections:
        pairs = network.population(item.pre).size * network.population(item.post).size
        possible += pairs // item.tiles
        last = recording.weights.get(item.name)
        weight = network.weights(item.name) if last is None else last
        if len(weight):
            present += int(np.count_nonzero(weight > _SMALL * np.max(weight)))
    return 1.0 - present / possible if possible else 0.0
