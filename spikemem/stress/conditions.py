"""Under which conditions a model is tested: backend, device, noise, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..checks import Choice, Count, Optional, Probability, Quantity, Text, check_fields

__all__ = ["Conditions"]

BACKENDS = ("expected", "brian2", "native", "emulator", "board", "pynn:nest")
"""``"expected"`` is the family's own algorithm, without spikes."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How a network is run, and what is wrong with it; each field is an axis.

    Parameters
    ----------
    backend : str
        Where the network runs; "expected" runs the family's own algorithm without spikes.
    integrator : {"spinnaker", "exact"}
        As :func:`spikemem.simulate`.
    device : str, optional
        Name of a device model (:data:`spikemem.models.DEVICES`) that holds the weights of the
        model's plastic projections.
    drift_time : float, optional
        Age of the device, s.
    programming_noise, read_noise : float
        SD over g_max, SD over the conductance, of a generic device.
    stuck : float
        Fraction of the devices that are stuck, half of them low, half high.
    weight_bits : int, optional
        Number of bits of a stored weight.
    synapse_failure : float
        Fraction of the plastic synapses that do not transmit.
    jitter : float
        SD of the times of the input spikes, ms.
    background : float
        Rate of background spikes onto each cell, Hz.
    background_weight : float
        Weight of such a spike, as a fraction of the smallest constant current step that makes the
        cell fire; 1 makes it fire alone.
    """

    backend: Annotated[str, Choice(*BACKENDS)] = "expected"
    integrator: Annotated[str, Choice("spinnaker", "exact")] = "spinnaker"
    device: Annotated[str, Text()] | None = None
    drift_time: Annotated[float, Quantity("s", low=0.0)] | None = None
    programming_noise: Annotated[float, Quantity(low=0.0, high=10.0)] = 0.0
    read_noise: Annotated[float, Quantity(low=0.0, high=10.0)] = 0.0
    stuck: Annotated[float, Probability()] = 0.0
    weight_bits: Annotated[int, Optional(Count(high=24))] | None = None
    synapse_failure: Annotated[float, Probability()] = 0.0
    jitter: Annotated[float, Quantity("ms", low=0.0)] = 0.0
    background: Annotated[float, Quantity("Hz", low=0.0)] = 0.0
    background_weight: Annotated[float, Quantity(low=0.0)] = 0.2

    def __post_init__(self) -> None:
        check_fields(self)
