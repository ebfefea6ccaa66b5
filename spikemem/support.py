"""Features that a backend does not support: one table for simulations, checks and tests."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any, NamedTuple

import numpy as np

from .backends import BACKENDS
from .errors import DescriptionError, UnsupportedError, unknown_name
from .network import Network
from .problem import Problem
from .ranges import out_of_range, too_much_memory

__all__ = [
    "UNSUPPORTED",
    "Unsupported",
    "features",
    "raise_errors",
    "refusals",
    "require_supported",
    "unsupported",
]

_FLOATING = ("brian2", "native", "pynn:brian2", "pynn:nest")

_NO_LEAK = "cell without a leak"
_CURRENT = "current over time"
_REDRAWN = "device noise redrawn at each read"
_ELSEWHERE = "use backend 'brian2'"


class Unsupported(NamedTuple):
    """Why a backend does not support a feature, and what to do instead."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


_SPLIT = "split the population"
_SLOW_LEAK = "use backend 'native' or 'brian2', or a long tau_m instead of an infinite one"
_FIXED_ROWS = Unsupported("synaptic rows hold fixed weights", "draw the noise once")

_MACHINE_LEAK = Unsupported("the machine holds tau_m / cm as a number below 65536", _SLOW_LEAK)
_MACHINE_CURRENT = Unsupported(
    "the machine keeps the synaptic current constant over a step", "use integrator='spinnaker'"
)
_MACHINE_WEIGHTS = Unsupported(
    "weights stay in the memory of the machine during a run and can only be read at the end",
    "leave out record=('weight',)",
)

UNSUPPORTED: dict[tuple[str, str], Unsupported] = {
    ("pynn:nest", _NO_LEAK): Unsupported("iaf_psc_exp needs a finite tau_m", _SLOW_LEAK),
    ("pynn:brian2", _NO_LEAK): Unsupported("IF_curr_exp needs a finite tau_m", _SLOW_LEAK),
    ("pynn:mock", _NO_LEAK): Unsupported("IF_curr_exp needs a finite tau_m", _SLOW_LEAK),
    ("spinnaker", _NO_LEAK): _MACHINE_LEAK,
    ("emulator", "integrator exact"): _MACHINE_CURRENT,
    ("emulator", "reset at or above threshold"): Unsupported(
        "the machine also compares the potential of a refractory cell, so that such a cell fires "
        "in every step",
        "lower v_reset",
    ),
    ("board", _NO_LEAK): _MACHINE_LEAK,
    ("board", "integrator exact"): _MACHINE_CURRENT,
    ("board", "recorded weights"): _MACHINE_WEIGHTS,
    ("board", _REDRAWN): _FIXED_ROWS,
    ("native", _REDRAWN): Unsupported(
        "its compiled step draws no random numbers", "draw the noise once, or use backend 'brian2'"
    ),
    ("emulator", _REDRAWN): _FIXED_ROWS,
    ("spinnaker", _REDRAWN): _FIXED_ROWS,
    ("pynn:nest", "integrator spinnaker"): Unsupported(
        "NEST needs one step more from cell to cell, and processes post-synaptic spikes at "
        "another step than SpiNNaker",
        "use integrator='exact', or another backend",
    ),
    ("pynn:nest", "plasticity windows"): Unsupported(
        "NEST changes a weight only when the next pre-synaptic spike arrives, so that a switch "
        "in between applies to the wrong spikes",
        _ELSEWHERE,
    ),
    ("pynn:nest", "recorded weights"): Unsupported(
        "NEST changes a weight only when the next pre-synaptic spike arrives, and has no weights "
        "for each step",
        _ELSEWHERE,
    ),
    ("pynn:nest", "plastic inhibitory synapses"): Unsupported(
        "NEST refuses a weight of 0 below a negative largest weight", _ELSEWHERE
    ),
    ("pynn:nest", "smallest weight above 0"): Unsupported(
        "the smallest weight of stdp_synapse is 0", "set w_min=0"
    ),
    ("pynn:nest", "several tau_minus into one population"): Unsupported(
        "NEST keeps tau_minus in the post-synaptic cell", f"use one value, or {_SPLIT}"
    ),
    ("pynn:nest", "reset at or above threshold"): Unsupported(
        "NEST needs v_reset below v_thresh", "lower v_reset"
    ),
    ("pynn:brian2", "integrator spinnaker"): Unsupported(
        "PyNN's Brian2 cells integrate the synaptic current exactly", _ELSEWHERE
    ),
    ("pynn:brian2", "plastic synapses"): Unsupported(
        "PyNN's STDP for Brian2 treats the delay as axonal, not as dendritic, and ignores the "
        "weight dependence",
        _ELSEWHERE,
    ),
    ("pynn:brian2", "unequal resets in one population"): Unsupported(
        "PyNN's Brian2 cells share one tau_refrac and one v_reset", _SPLIT
    ),
    ("pynn:brian2", "several synapses between two cells"): Unsupported(
        "PyNN's Brian2 projections give all of them the weight and delay of the last one",
        "use one projection for each",
    ),
    ("pynn:mock", "plasticity windows"): Unsupported(
        "PyNN has no call that switches plasticity", _ELSEWHERE
    ),
    ("spinnaker", "integrator exact"): _MACHINE_CURRENT,
    ("spinnaker", "recorded weights"): _MACHINE_WEIGHTS,
}
"""For each (backend, feature) the reason why it is not supported, and what to do instead."""


def features(network: Network, wanted: Container[str] | None = None) -> set[str]:
    """Return the names of the features that a network uses.

    Parameters
    ----------
    network : Network
        Network to simulate.
    wanted : container of str, optional
        Rare features to look for; some take long to find in large networks. Default: all.
    """
    wanted = _RARE if wanted is None else wanted
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
    return used | {name for name, used_by in _RARE.items() if name in wanted and used_by(network)}


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
            codes.sort()
            if np.any(codes[1:] == codes[:-1]):
                return True
    return False


def _cells_without_leak(network: Network) -> bool:
    cells = [population.lif for population in network.populations if not population.is_source]
    return any(np.any(np.isinf(cell.tau_m)) for cell in cells)


def _current_over_time(network: Network) -> bool:
    return any(not pop.is_source and pop.lif.current is not None for pop in network.populations)


_RARE: dict[str, Callable[[Network], bool]] = {
    _NO_LEAK: _cells_without_leak,
    _CURRENT: _current_over_time,
    "smallest weight above 0": _some_w_min,
    "several tau_minus into one population": _several_tau_minus,
    "reset at or above threshold": _high_reset,
    "unequal resets in one population": _unequal_resets,
    "several synapses between two cells": _several_synapses,
}


def unsupported(
    network: Network, backend: str, integrator: str = "spinnaker"
) -> dict[str, Unsupported]:
    """Return the features of the network that the backend does not support, with reasons."""
    refused = {feature for name, feature in UNSUPPORTED if name == backend}
    used = features(network, refused) | {f"integrator {integrator}"}
    return {
        feature: UNSUPPORTED[backend, feature]
        for feature in sorted(used)
        if (backend, feature) in UNSUPPORTED
    }


def refusals(
    network: Network, backend: str, integrator: str = "spinnaker", **options: Any
) -> list[Problem]:
    """List the problems for which a backend refuses a network.

    Simulations and ``check`` both use this list. The backends "emulator", "board" and "spinnaker"
    add further problems themselves.

    Parameters
    ----------
    network : Network
        Network to simulate.
    backend, integrator, **options
        As for :func:`spikemem.simulate`.
    """
    problems = [] if backend == "emulator" else too_much_memory(network)
    if problems:
        return problems
    problems = [
        Problem(
            level="error",
            where="network",
            what=f"{feature}: {refusal.reason}",
            remedy=refusal.remedy,
            rule=feature,
        )
        for feature, refusal in unsupported(network, backend, integrator).items()
    ]
    if backend in _FLOATING:
        problems += out_of_range(network, backend, options.get("precision", "f8"))
    return problems


def raise_errors(problems: Iterable[Problem], backend: str) -> None:
    """Raise one error with all problems of the level "error", if there are any."""
    texts = [
        f"{'' if problem.where == 'network' else problem.where + ': '}{problem.what}; "
        f"{problem.remedy}"
        for problem in problems
        if problem.level == "error"
    ]
    if texts:
        raise UnsupportedError(f"backend {backend!r} cannot run this network: {'; '.join(texts)}.")


def require_supported(
    network: Network, backend: Any, integrator: str = "spinnaker", **options: Any
) -> None:
    """Raise an error unless the backend exists and supports the network."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise DescriptionError(f"simulate: {unknown_name('backend', backend, BACKENDS)}")
    raise_errors(refusals(network, backend, integrator, **options), backend)
