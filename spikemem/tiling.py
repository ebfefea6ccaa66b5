"""Networks of one structure laid side by side, so that one simulation runs them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import LIF, STDP, Parameter, SpikeSource, Window
from .currents import StepCurrent, side_by_side
from .errors import DescriptionError
from .limits import require_memory
from .network import Network, Population, Projection
from .spikes import SpikeTrains

__all__ = ["difference", "one_copy", "stack"]


def stack(networks: Sequence[Network]) -> Network:
    """Lay networks of the same structure side by side; see :meth:`spikemem.Network.stack`."""
    first = networks[0]
    require_memory(
        sum(_bytes_of(network, len(networks)) for network in {id(n): n for n in networks}.values()),
        f"Network.stack: {len(networks)} copies of {first!r}",
        "Simulate fewer copies at a time.",
    )
    for k, other in enumerate(networks[1:], start=1):
        found = difference(first, other)
        if found:
            raise DescriptionError(
                f"Network.stack: network {k} differs from network 0 in {found}; "
                f"only inputs, weights, delays, plasticity windows and cell parameters may differ."
            )
    populations = [
        _stack_populations([net.populations[k] for net in networks], first.dt)
        for k in range(len(first.populations))
    ]
    projections = [
        _stack_projections([net.projections[k] for net in networks], networks)
        for k in range(len(first.projections))
    ]
    return Network(
        populations=populations,
        projections=projections,
        dt=first.dt,
        copies=first.copies * len(networks),
    )


def _bytes_of(network: Network, n: int) -> float:
    """Memory of `n` copies of a network, with what making them takes besides, bytes."""
    per_copy = 0
    for population in network.populations:
        if population.is_source:
            per_copy += 48 * len(population.source)
        else:
            values = [getattr(population.lif, name) for name in LIF.units]
            per_copy += 16 * sum(np.size(value) for value in values if np.ndim(value))
            current = population.lif.current
            per_copy += 16 * current.amplitudes.size if current and current.size else 0
    for item in network.projections:
        listed = item.i is not None
        arrays = 3 * listed + (np.ndim(item.weight) > 0) + (np.ndim(item.delay) > 0)
        per_copy += 16 * arrays * network.count(item.name) + 8
    return float(per_copy) * n


def difference(a: Network, b: Network) -> str:
    """The first thing that keeps two networks from being stacked, in words; "" if nothing does."""
    if a is b:
        return ""
    if a.dt != b.dt:
        return f"dt ({a.dt:g} and {b.dt:g} ms)"
    if a.copies != b.copies:
        return f"copies ({a.copies} and {b.copies})"
    for kind in ("populations", "projections"):
        names = [[part.name for part in getattr(net, kind)] for net in (a, b)]
        if names[0] != names[1]:
            return f"its {kind} ({names[0]} and {names[1]})"
    for one, two in zip(a.populations, b.populations, strict=True):
        if (one.size, one.is_source, one.record) != (two.size, two.is_source, two.record):
            return f"population {one.name!r}"
    for left, right in zip(a.projections, b.projections, strict=True):
        if not _same_wiring(left, right):
            return f"projection {left.name!r}"
    return ""


def _same_wiring(a: Projection, b: Projection) -> bool:
    plain = ("pre", "post", "receptor", "connector", "allow_self", "tiles", "record")
    return (
        all(getattr(a, item) == getattr(b, item) for item in plain)
        and all(_equal(getattr(a, item), getattr(b, item)) for item in ("i", "j"))
        and _same_rule(a.plasticity, b.plasticity)
    )


def _same_rule(a: STDP | None, b: STDP | None) -> bool:
    if a is None or b is None:
        return a is b
    return all(
        getattr(a, item.name) == getattr(b, item.name)
        for item in fields(STDP)
        if item.name != "enabled"
    )


def _equal(a: NDArray[Any] | None, b: NDArray[Any] | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def _stack_populations(copies: Sequence[Population], dt: float) -> Population:
    first, n = copies[0], len(copies)
    size = first.size * n
    if first.is_source:
        trains = SpikeTrains.side_by_side([copy.source for copy in copies])
        return replace(first, size=size, cell=SpikeSource(spikes=trains))
    same = all(copy is first for copy in copies)
    values: dict[str, Any] = {}
    for name in LIF.units:
        each = [getattr(copy.lif, name) for copy in copies]
        if any(isinstance(value, StepCurrent) for value in each):
            values[name] = side_by_side(each, first.size, dt)
        elif same:
            values[name] = _repeated(each[0], n)
        else:
            values[name] = _stack_values(each, first.size)
    cell = LIF(**values)
    v_init = None
    if any(copy.v_init is not None for copy in copies):
        v_init = np.concatenate([copy.initial_v() for copy in copies])
    return replace(first, size=size, cell=cell, v_init=v_init)


def _repeated(value: Parameter, n: int) -> Parameter:
    return np.tile(value, n) if np.ndim(value) else value


def _stack_values(values: Sequence[Parameter], length: int) -> Parameter:
    first = values[0]
    if all(value is first for value in values):
        return _repeated(first, len(values))
    if all(np.ndim(value) == 0 and value == first for value in values):
        return first
    full = [np.broadcast_to(np.asarray(value, np.float64), (length,)) for value in values]
    return np.concatenate(full)


def _stack_projections(copies: Sequence[Projection], networks: Sequence[Network]) -> Projection:
    first, n = copies[0], len(copies)
    net = networks[0]
    n_pre, n_post = net.population(first.pre).size, net.population(first.post).size
    count = first.n_synapses(n_pre, n_post)
    common: dict[str, Any] = {
        "weight": _stack_values([copy.weight for copy in copies], count),
        "delay": _stack_values([copy.delay for copy in copies], count),
        "plasticity": _stack_rules([copy.plasticity for copy in copies], first.tiles),
        "tiles": first.tiles * n,
    }
    if first.i is None or first.j is None:
        return replace(first, **common)
    shift = np.repeat(np.arange(n, dtype=np.int32), count)
    i, j = np.tile(first.i, n) + shift * n_pre, np.tile(first.j, n) + shift * n_post
    return replace(first, i=i, j=j, **common)


def _stack_rules(rules: Sequence[STDP | None], tiles: int) -> STDP | None:
    """One rule whose windows name their tile, unless they are the same in every copy."""
    first = rules[0]
    if first is None:
        return None
    same = all(rule is not None and rule.enabled == first.enabled for rule in rules)
    if same and first.last_tile < 0:
        return first
    windows: list[Window] = []
    for k, rule in enumerate(rules):
        enabled = (
            ((0.0, np.finfo(float).max),) if rule is None or rule.enabled is None else rule.enabled
        )
        for start, stop, *tile in enabled:
            inside = tile or range(tiles)
            windows += [(start, stop, k * tiles + int(index)) for index in inside]
    return replace(first, enabled=tuple(windows))


def one_copy(network: Network, k: int) -> Network:
    """Copy `k` of a network of copies, without its input spikes and plasticity windows."""
    n = network.copies
    if n == 1:
        return network
    return Network(
        populations=[_population_of(pop, k, n) for pop in network.populations],
        projections=[_projection_of(network, item, k, n) for item in network.projections],
        dt=network.dt,
    )


def _part(values: Any, k: int, n: int) -> Any:
    if not np.ndim(values):
        return values
    size = len(values) // n
    return values[k * size : (k + 1) * size]


def _population_of(population: Population, k: int, n: int) -> Population:
    size = population.size // n
    if population.is_source:
        return replace(population, size=size, cell=SpikeSource(spikes=SpikeTrains.empty(size)))
    values = {name: _part(getattr(population.lif, name), k, n) for name in LIF.units}
    if population.lif.current is not None:
        values["i_offset"] = population.lif.current.part(k * size, (k + 1) * size)
    cell = LIF(**values)
    start: Parameter | None = _part(population.v_init, k, n)
    return replace(population, size=size, cell=cell, v_init=start)


def _projection_of(network: Network, item: Projection, k: int, n: int) -> Projection:
    rule = item.plasticity
    changes: dict[str, Any] = {
        "weight": _part(item.weight, k, n),
        "delay": _part(item.delay, k, n),
        "tiles": item.tiles // n,
        "plasticity": rule and replace(rule, enabled=None),
    }
    if item.i is not None and item.j is not None:
        sizes = (network.population(name).size // n for name in (item.pre, item.post))
        for name, size in zip("ij", sizes, strict=True):
            changes[name] = _part(getattr(item, name), k, n) - k * size
    return replace(item, **changes)
