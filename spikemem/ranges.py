"""Checks for numbers out of the range of floating-point arithmetic, used by several backends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .limits import lack_of_memory
from .network import Network, Population, Projection
from .problem import Problem

__all__ = ["out_of_range", "too_much_memory"]

CELL = 96.0
"""Smallest memory of one cell (nine parameters and its state), bytes."""

LARGEST = 1e30
"""Largest current (nA) and resistance (MΩ); their products stay finite."""

LARGEST_V = 1e9
"""Largest potential, mV; beyond it steps of 1e-7 mV are lost in rounding."""

MOST_STEPS = 1e9
"""Longest time constant in steps; beyond it the decay of a step is lost in rounding."""

LEAST_STEPS = 1e-30
"""Shortest time constant in steps; the exponent of its decay stays finite."""

MOST_ENTRIES = 1e8
"""Largest number of entries in a table of exponentials."""

_COUNTED = 2.0**24
"""Largest number of steps that a 4-byte float counts exactly."""


def out_of_range(network: Network, backend: str, precision: str = "f8") -> list[Problem]:
    """Find the numbers of a network that a floating-point backend cannot compute with.

    Parameters
    ----------
    network : Network
        Network to simulate.
    backend : str
        "native" has tables of exponentials, which limit the time constants of plasticity;
        "pynn:nest" counts time in µs.
    precision : {"f8", "f4"}
        As for the backend "native".
    """
    problems: list[Problem] = []
    if backend == "pynn:nest" and not _whole_tics(network.dt):
        what = f"dt = {network.dt:g} ms: NEST counts time in whole µs"
        problems.append(_problem("network", what, "use a multiple of 0.001 ms"))
    for population in network.populations:
        if not population.is_source:
            problems += [
                _problem(f"population {population.name!r}", *case)
                for case in _of_cells(population, network.dt, precision)
            ]
    for item in network.projections:
        if network.count(item.name):
            problems += [
                _problem(f"projection {item.name!r}", *case)
                for case in _of_synapses(item, network.dt, backend)
            ]
    return problems


def _problem(where: str, what: str, remedy: str) -> Problem:
    return Problem(level="error", where=where, what=what, remedy=remedy, rule="number out of range")


def too_much_memory(network: Network) -> list[Problem]:
    """Find cells, ring buffers and plastic weights that do not fit into this computer's memory.

    A ring buffer has one number for each cell, receptor and step up to the longest delay.
    """
    cells = network.n_neurons
    plastic = sum(network.count(item.name) for item in network.plastic)
    delays = {
        item.name: float(np.max(item.delay))
        for item in network.projections
        if network.count(item.name)
    }
    name = max(delays, key=lambda name: delays[name], default="")
    longest = delays.get(name, 0.0)
    cases = [
        ("network", f"{cells} neurons", CELL * cells, "make populations smaller"),
        ("network", f"{plastic} plastic synapses", 8.0 * plastic, "make populations smaller"),
        (
            f"projection {name!r}", f"a delay of {longest:g} ms onto {cells} cells",
            16.0 * cells * (longest / network.dt + 1.0), "shorten it, or use a larger dt",
        ),
    ]  # fmt: skip
    return [
        _problem(where, problem, remedy)
        for where, what, needed, remedy in cases
        if (problem := lack_of_memory(needed, what))
    ]


def _whole_tics(dt: float) -> bool:
    tics = dt * 1000.0
    return tics < 1e9 and round(tics) >= 1 and abs(round(tics) - tics) <= 1e-9 * tics


def _largest(values: Any) -> float:
    array = np.asarray(values)
    return float(max(array.max(initial=0.0), -array.min(initial=0.0)))


def _of_cells(population: Population, dt: float, precision: str) -> Iterator[tuple[str, str]]:
    def values(name: str) -> NDArray[np.float64]:
        return np.asarray(getattr(population.lif, name), dtype=np.float64)

    potentials = {name: _largest(values(name)) for name in ("v_rest", "v_reset")}
    for name, most in {**potentials, "v_init": _largest(population.initial_v())}.items():
        if most > LARGEST_V:
            yield f"{name} reaches {most:g} mV", f"keep it within {LARGEST_V:g} mV"
    current = population.lif.current
    most = _largest(values("i_offset") if current is None else current.amplitudes)
    if most > LARGEST:
        yield f"i_offset reaches {most:g} nA", f"keep it below {LARGEST:g} nA"
    for name in ("tau_m", "tau_syn_E", "tau_syn_I"):
        finite = values(name)[np.isfinite(values(name))]
        if finite.size:
            yield from _of_constant(name, _largest(finite), float(finite.min()), dt)
    leak = np.where(np.isfinite(values("tau_m")), np.maximum(values("tau_m"), dt), dt)
    with np.errstate(over="ignore"):
        resistance = _largest(leak / values("cm"))
    if resistance > LARGEST:
        yield f"cm = {values('cm').min():g} nF is too small", "raise cm, and scale the weights"
    if precision == "f4" and _largest(values("tau_refrac")) > _COUNTED * dt:
        longest = _largest(values("tau_refrac"))
        what = f"tau_refrac = {longest:g} ms has more steps than 4 bytes can count"
        yield what, "use precision='f8'"


def _of_constant(
    name: str, longest: float, shortest: float, dt: float
) -> Iterator[tuple[str, str]]:
    if longest > MOST_STEPS * dt:
        what = f"{name} = {longest:g} ms is longer than {MOST_STEPS:g} steps"
        yield f"{what}, so that the decay of a step is lost in rounding", f"shorten {name}"
    if shortest < LEAST_STEPS * dt:
        yield f"{name} = {shortest:g} ms is shorter than {LEAST_STEPS:g} steps", f"raise {name}"


def _of_synapses(item: Projection, dt: float, backend: str) -> Iterator[tuple[str, str]]:
    rule = item.plasticity
    top = _largest(np.asarray(item.weight, dtype=np.float64))
    if rule is not None:
        top = max(top, rule.w_max, rule.a_plus, rule.a_minus)
    if top > LARGEST:
        yield f"weights or weight changes reach {top:g} nA", f"keep them below {LARGEST:g} nA"
    if rule is None:
        return
    for name in ("tau_plus", "tau_minus"):
        tau = getattr(rule, name)
        yield from _of_constant(name, tau, tau, dt)
        if backend == "native" and MOST_ENTRIES < 50.0 * tau / dt < 50.0 * MOST_STEPS:
            what = f"{name} = {tau:g} ms needs a table of {50.0 * tau / dt:.2g} numbers"
            yield what, f"shorten {name}, use a larger dt, or use backend 'brian2'"
