"""Random networks that SpiNNaker accepts, for its tests."""

from __future__ import annotations

import numpy as np

from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains


def random_network(seed: int, steps: int = 60, dt: float = 1.0) -> Network:
    """A source and two or three populations, static and plastic, lists and structured."""
    rng = np.random.default_rng([seed, 27])
    sizes = [int(n) for n in rng.integers(3, 12, size=rng.integers(2, 4))]
    source = _source(rng, int(rng.integers(3, 9)), steps, dt)
    populations = [Population(name="in", cell=source)]
    for k, size in enumerate(sizes):
        populations.append(
            Population(
                name=f"cells {k}", size=size, cell=_cell(rng, size), record=("spikes", "v"),
                v_init=rng.uniform(-66, -58, size) if rng.random() < 0.3 else None,
            )
        )  # fmt: skip
    projections = [_list(rng, populations[0], populations[1], "drive", 8.0, 1.0, dt)]
    for k, post in enumerate(populations[1:]):
        rule = _rule(rng)
        for n in range(int(rng.integers(1, 4))):
            pre = populations[int(rng.integers(len(populations)))]
            name = f"{pre.name} to {post.name} {n}"
            projections.append(_projection(rng, pre, post, name, rule, dt))
        if k:
            before = populations[k]
            projections.append(_list(rng, before, post, f"feed {k}", 12.0, 0.6, dt))
    return Network(populations=populations, projections=projections, dt=dt)


def _source(rng: np.random.Generator, size: int, steps: int, dt: float) -> SpikeSource:
    fires = rng.random((steps, size)) < rng.choice([0.05, 0.15, 0.4])
    ticks, ids = np.nonzero(fires)
    return SpikeSource(
        spikes=SpikeTrains(ids=ids, times=ticks * dt, size=size, duration=steps * dt)
    )


def _cell(rng: np.random.Generator, size: int) -> LIF:
    spread = rng.random() < 0.4
    return LIF(
        tau_m=rng.uniform(2, 20, size) if spread else float(rng.uniform(0.5, 20)),
        cm=float(rng.uniform(0.1, 1.0)),
        v_rest=-62.0, v_reset=-63.5, v_thresh=-57.0,
        tau_refrac=float(rng.choice([0.0, 1.0, 2.5])),
        tau_syn_E=float(rng.uniform(0.3, 5)), tau_syn_I=float(rng.uniform(0.3, 8)),
        i_offset=float(rng.choice([0.0, 0.1])),
    )  # fmt: skip


def _rule(rng: np.random.Generator) -> STDP:
    w_max = float(rng.choice([0.7, 2.0, 6.0]))
    return STDP(
        tau_plus=float(rng.choice([0.25, 3.0, 20.0])), tau_minus=float(rng.choice([0.25, 5.0, 17])),
        a_plus=w_max * float(rng.choice([0.05, 0.4, 1.0])),
        a_minus=w_max * float(rng.choice([0.06, 0.3, 1.0])),
        w_min=0.0, w_max=w_max,
    )  # fmt: skip


def _list(rng, pre, post, name, largest, density, dt, **options) -> Projection:  # type: ignore[no-untyped-def]
    i, j = np.nonzero(rng.random((pre.size, post.size)) < density)
    longest = int(rng.choice([1, 3, 9]))
    return Projection(
        name=name, pre=pre.name, post=post.name, i=i, j=j,
        weight=rng.uniform(0, largest, i.size), delay=dt * rng.integers(1, longest + 1, i.size),
        **options,
    )  # fmt: skip


def _projection(rng, pre, post, name, rule, dt):  # type: ignore[no-untyped-def]
    plastic = rng.random() < 0.6
    receptor = "inhibitory" if not plastic and rng.random() < 0.5 else "excitatory"
    top = rule.w_max if plastic else 4.0
    options = {"receptor": receptor, "plasticity": rule if plastic else None}
    if rng.random() < 0.5:
        delay = dt if plastic else dt * float(rng.integers(1, 6))
        return Projection.all_to_all(
            name, pre.name, post.name, weight=float(rng.uniform(0, top)), delay=delay, **options
        )
    return _list(rng, pre, post, name, top, 0.5, dt, **options)


KINDS = ("mixed", "structured", "long delays", "large", "fine")
"""Kinds of :func:`varied_network`, one after the other."""


def varied_network(seed: int, steps: int = 60) -> tuple[str, Network]:
    """A network of one of :data:`KINDS`, and which."""
    kind = KINDS[seed % len(KINDS)]
    rng = np.random.default_rng([seed, 28])
    if kind == "mixed":
        return kind, random_network(seed, steps)
    if kind == "fine":
        # Seed 4: a population with two projections onto itself; 9: one with cells that no core
        # for synapses takes note of.
        return kind, random_network(3 * (2 * seed - 5), steps, 0.1 if seed % 2 else 0.5)
    size = {"structured": 12, "long delays": 9, "large": int(rng.integers(257, 400))}[kind]
    dt = 1.0
    cell = _cell(rng, size)
    populations = [
        Population(name="in", cell=_source(rng, size, steps, dt)),
        Population(name="a", size=size, cell=cell, record=("spikes", "v")),
        Population(name="b", size=size, cell=cell, record=("spikes", "v")),
    ]
    rule = _rule(rng)
    longest = {"structured": 9, "long delays": 40, "large": 5}[kind]
    delays = [float(rng.integers(1, longest + 1)) for _ in range(3)]
    projections = [
        Projection.one_to_one("in to a", "in", "a", weight=9.0, delay=delays[0]),
        Projection.one_to_one("a to b", "a", "b", weight=7.0, delay=delays[1]),
    ]
    if kind == "large":
        projections += [_sparse(rng, populations[1], post, rule, dt) for post in populations[1:]]
    else:
        delay = min(delays[2], 12.0)
        projections.append(
            Projection.all_to_all(
                "learns", "in", "b", weight=0.3 * rule.w_max, delay=delay, plasticity=rule
            )
        )
        projections.append(
            Projection.all_to_all(
                "back", "b", "a", weight=0.2, delay=delays[0], receptor="inhibitory"
            )
        )
        i, j = np.nonzero(rng.random((size, size)) < 0.4)
        projections.append(
            Projection(
                name="far", pre="a", post="b", i=i, j=j, weight=rng.uniform(0, 2, i.size),
                delay=rng.integers(1, longest + 1, i.size) * dt,
            )
        )  # fmt: skip
    return kind, Network(populations=populations, projections=projections, dt=dt)


def _sparse(rng, pre, post, rule, dt):  # type: ignore[no-untyped-def]
    """Few synapses, so that a row fits a core: plastic ones, recurrent where both are one."""
    name = f"{pre.name} learns {post.name}"
    return _list(rng, pre, post, name, rule.w_max, 0.03, dt, plasticity=rule)
