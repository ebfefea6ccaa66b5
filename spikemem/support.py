"""What a backend can't do: one declared table, read by simulations, checks and tests."""

from __future__ import annotations

from typing import Any

from .errors import DescriptionError, UnsupportedError, unknown_name
from .network import Network

__all__ = ["UNSUPPORTED", "features", "require_supported", "unsupported"]

_REDRAWN = "device noise redrawn at each read"

UNSUPPORTED: dict[tuple[str, str], str] = {
    ("native", _REDRAWN): "its compiled step draws no random numbers; the noise is drawn once",
    ("emulator", _REDRAWN): "the machine's synaptic rows hold fixed weights; the noise is drawn "
    "once",
    ("spinnaker", _REDRAWN): "synaptic rows hold fixed weights; the noise is drawn once",
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
    return used


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
    from .simulation import BACKENDS

    if not isinstance(backend, str) or backend not in BACKENDS:
        raise DescriptionError(f"simulate: {unknown_name('backend', backend, BACKENDS)}")
    refused = unsupported(network, backend, integrator)
    if refused:
        reasons = "; ".join(f"{feature}: {reason}" for feature, reason in refused.items())
        raise UnsupportedError(f"backend {backend!r} can't run this network: {reasons}.")
