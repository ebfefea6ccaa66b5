"""The conditions of a stress test that act on weights, as one device."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

from ...network import Network
from ...stress.conditions import Conditions
from ...stress.disturb import fail_synapses
from ...stress.running import FAULTS

__all__ = ["Held"]


class Held:
    """A device with all that conditions say of weights: noise, stuck devices, failed synapses.

    Parameters
    ----------
    conditions : Conditions
        Of the run.
    """

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        platform = None if conditions.platform == "crossbar" else conditions.platform
        self.rest = replace(
            conditions, device=None, drift_time=None, programming_noise=0.0, read_noise=0.0,
            stuck=0.0, weight_bits=None, synapse_failure=0.0, platform=platform,
        )  # fmt: skip
        """What the weights have nothing to do with."""

    def apply(self, network: Network, *, projections: Any, time: Any, seed: Any) -> Network:
        """The network with the weights of these projections as they are held."""
        how, names = self.conditions, list(projections)
        device = how.memory_device()
        network = fail_synapses(
            network, names, how.synapse_failure, seed=seed, remove=device is not None
        )
        names = [name for name in names if network.count(name)]
        if device is None or not names:
            return network
        faults = None
        if how.stuck:
            module, _, item = FAULTS.partition(":")
            half = how.stuck / 2
            faults = getattr(importlib.import_module(module), item)(stuck_low=half, stuck_high=half)
        written = device.write(network, projections=names, seed=seed, faults=faults)
        held: Network = written.network(how.drift_time)
        return held

    def learning(self, projections: Any, seed: Any) -> None:
        """Nothing: a liquid does not learn."""
        return None
