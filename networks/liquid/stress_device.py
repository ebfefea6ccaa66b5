"""A device that applies the conditions of a stress test that act on weights."""

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
    """A device with the noise, the stuck devices and the failed synapses of the conditions.

    Parameters
    ----------
    conditions : Conditions
        Conditions of the run.
    """

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        platform = None if conditions.platform == "crossbar" else conditions.platform
        self.rest = replace(
            conditions, device=None, drift_time=None, programming_noise=0.0, read_noise=0.0,
            stuck=0.0, weight_bits=None, synapse_failure=0.0, platform=platform,
        )  # fmt: skip
        """Conditions that do not act on weights."""

    def apply(self, network: Network, *, projections: Any, time: Any, seed: Any) -> Network:
        """Return the network with the weights that the device holds for these projections."""
        conditions, names = self.conditions, list(projections)
        device = conditions.memory_device()
        network = fail_synapses(
            network, names, conditions.synapse_failure, seed=seed, remove=device is not None
        )
        names = [name for name in names if network.count(name)]
        if device is None or not names:
            return network
        faults = None
        if conditions.stuck:
            module, _, item = FAULTS.partition(":")
            half = conditions.stuck / 2
            faults = getattr(importlib.import_module(module), item)(stuck_low=half, stuck_high=half)
        written = device.write(network, projections=names, seed=seed, faults=faults)
        held: Network = written.network(conditions.drift_time)
        return held

    def learning(self, projections: Any, seed: Any) -> None:
        """Return None, because a liquid does not learn."""
        return None
