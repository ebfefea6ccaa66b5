"""Networks and recordings that several tests use."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import spikemem as sm

RULE = sm.STDP(a_plus=0.5, a_minus=0.25, w_max=6.0, enabled=[(0.0, 5.0), (8.0, 9.0)])


def small_network(**changes):
    """Two sources to three cells, with a plastic list and a static structured projection."""
    trains = sm.SpikeTrains(ids=[0, 1, 0], times=[1.0, 2.0, 7.0], size=2, duration=10.0)
    parts = {
        "source": sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
        "cells": sm.Population(
            name="out", size=3, cell=sm.LIF(tau_m=[3.0, 4.0, 5.0], cm=0.27), record=["spikes", "v"]
        ),
        "learnt": sm.Projection(
            name="learnt", pre="in", post="out", i=[0, 1, 1], j=[2, 0, 1],
            weight=[1.0, 2.0, 3.0], delay=1.0, plasticity=RULE, record=["weight"],
        ),
        "fixed": sm.Projection.all_to_all(
            "fixed", "out", "out", weight=0.5, delay=2.0, receptor="inhibitory", allow_self=False
        ),
        "dt": 1.0,
    }  # fmt: skip
    parts.update(changes)
    return sm.Network(
        populations=[parts["source"], parts["cells"]],
        projections=[parts["learnt"], parts["fixed"]],
        dt=parts["dt"],
    )


def small_recording(**changes):
    rng = np.random.default_rng(0)
    fields = {
        "spikes": {
            "out": sm.SpikeTrains(ids=[2, 0, 1], times=[3.0, 1.0, 1.0], size=3, duration=4.0),
            "in": sm.SpikeTrains.empty(2, duration=4.0),
        },
        "traces": {("out", "v"): rng.normal(-65, 3, (4, 3)), ("learnt", "weight"): np.ones((4, 2))},
        "weights": {"learnt": np.array([0.5, 1.5])},
        "stop": 4.0,
        "provenance": {"backend": "none", "seed": 3},
    }
    return sm.Recording(**{**fields, **changes})


names = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zs"]), min_size=1, max_size=6)
names = names.filter(lambda name: name.isprintable() and name != "." and "/" not in name)
numbers = st.floats(-1e3, 1e3, allow_subnormal=False)
positive = st.floats(1e-3, 1e3)


@st.composite
def spike_trains(draw, size=None):
    size = draw(st.integers(1, 6)) if size is None else size
    spikes = draw(st.sets(st.tuples(st.integers(0, 30), st.integers(0, size - 1)), max_size=12))
    ids = [cell for _, cell in spikes]
    times = [float(step) for step, _ in spikes]
    duration = draw(st.sampled_from([None, 31.0, 50.5]))
    return sm.SpikeTrains(ids=ids, times=times, size=size, duration=duration)


@st.composite
def cells(draw, size):
    def values(element):
        return st.one_of(element, hnp.arrays(np.float64, size, elements=element))

    fields = {
        name: draw(values(positive if name in sm.LIF.positive else numbers))
        for name in sm.LIF.units
        if name not in ("tau_refrac", "i_offset")
    }
    offset = draw(st.one_of(values(numbers), step_currents(size)))
    if draw(st.integers(0, 4)) == 0:
        fields["tau_m"] = np.inf
    return sm.LIF(**fields, i_offset=offset, tau_refrac=draw(values(st.floats(0, 20))))


@st.composite
def step_currents(draw, size):
    times = sorted(draw(st.sets(st.integers(0, 30), min_size=1, max_size=4)))
    shape = draw(st.sampled_from([len(times), (len(times), size)]))
    amplitudes = draw(hnp.arrays(np.float64, shape, elements=numbers))
    return sm.StepCurrent(times=np.array(times, dtype=float), amplitudes=amplitudes)


@st.composite
def populations(draw, name):
    if draw(st.booleans()):
        return sm.Population(name=name, cell=sm.SpikeSource(spikes=draw(spike_trains())))
    size = draw(st.integers(1, 5))
    v_init = draw(st.one_of(st.none(), numbers, hnp.arrays(np.float64, size, elements=numbers)))
    record = draw(st.lists(st.sampled_from(["spikes", "v"]), unique=True))
    return sm.Population(name=name, size=size, cell=draw(cells(size)), v_init=v_init, record=record)


windows = st.tuples(st.floats(0, 50), st.floats(51, 99))
rules = st.builds(
    sm.STDP,
    tau_plus=positive, tau_minus=positive, a_plus=positive, a_minus=positive,
    w_max=st.floats(10, 20),
    enabled=st.one_of(st.none(), st.lists(windows, max_size=3)),
)  # fmt: skip


@st.composite
def projections(draw, name, sources, targets):
    pre, post = draw(st.sampled_from(sources)), draw(st.sampled_from(targets))
    rule = draw(st.one_of(st.none(), rules))
    kind = draw(st.sampled_from(["list", "all_to_all", "one_to_one"]))
    kind = "list" if kind == "one_to_one" and pre.size != post.size else kind
    wiring = {"connector": kind}
    if kind == "list":
        count = draw(st.integers(0, 6))
        wiring["i"] = draw(hnp.arrays(np.int64, count, elements=st.integers(0, pre.size - 1)))
        wiring["j"] = draw(hnp.arrays(np.int64, count, elements=st.integers(0, post.size - 1)))
    else:
        wiring["allow_self"] = kind == "one_to_one" or draw(st.booleans())
        structured = sm.Projection(
            name=name, pre=pre.name, post=post.name, weight=0, delay=1, **wiring
        )
        count = structured.n_synapses(pre.size, post.size)
    weight = st.floats(0, 10)
    return sm.Projection(
        name=name,
        pre=pre.name,
        post=post.name,
        weight=draw(st.one_of(weight, hnp.arrays(np.float64, count, elements=weight))),
        delay=draw(st.one_of(st.just(1.0), hnp.arrays(np.float64, count, elements=st.just(2.0)))),
        receptor=draw(st.sampled_from(["excitatory", "inhibitory"])),
        plasticity=rule,
        record=("weight",) if rule and draw(st.booleans()) else (),
        **wiring,
    )


@st.composite
def any_network(draw):
    chosen = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    parts = [draw(populations(name)) for name in chosen]
    targets = [part for part in parts if not part.is_source]
    wires = draw(st.lists(names, max_size=3, unique=True)) if targets else []
    return sm.Network(
        populations=parts,
        projections=[draw(projections(name, parts, targets)) for name in wires],
    )


@st.composite
def any_recording(draw):
    n_steps = draw(st.integers(0, 5))
    some = st.dictionaries(names, st.integers(1, 4), max_size=3)
    value = st.floats(allow_subnormal=False)
    return sm.Recording(
        spikes={name: draw(spike_trains(size)) for name, size in draw(some).items()},
        traces={
            (name, variable): draw(hnp.arrays(np.float64, (n_steps, size), elements=value))
            for name, size in draw(some).items()
            for variable in draw(st.permutations(["v", "weight"]))
        },
        weights={
            name: draw(hnp.arrays(np.float64, size, elements=value))
            for name, size in draw(some).items()
        },
        dt=0.5,
        start=3.0,
        stop=3.0 + 0.5 * n_steps,
        provenance=draw(st.dictionaries(names, st.one_of(st.integers(), st.text()), max_size=3)),
    )
