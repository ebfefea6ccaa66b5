"""Memory that would not fit is refused before any of it is taken."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from nonsense import refusal

import spikemem as sm
from spikemem import limits, runs

GIB = 2**30


@pytest.fixture
def small_computer(monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: GIB)


def network(size=1, *, delay=1.0, record=("spikes",), **options):
    source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=source),
            sm.Population(name="out", size=size, cell=sm.LIF(), record=record),
        ],
        projections=[
            sm.Projection.all_to_all("p", "in", "out", weight=1.0, delay=delay, **options)
        ],
    )


LARGE = {
    "many steps": lambda: sm.simulate(network(), 2**31, backend="native"),
    "most steps": lambda: sm.simulate(network(), 1e12, backend="native"),
    "a long delay": lambda: sm.simulate(network(100, delay=1e8), 10.0),
    "potentials": lambda: sm.simulate(network(10**6, record=["v"]), 200.0, backend="native"),
    "cells": lambda: sm.Session(network(2**31 - 1)),
    "cues": lambda: sm.CA3Memory(2**31 - 1, 5),
    "contents": lambda: sm.HippocampalMemory(16383, 10**6),
    "copies": lambda: network(100, delay=np.ones(100)).tile(10**6),
    "pairs": lambda: sm.Projection.all_to_all("p", "a", "b", weight=1.0, delay=1.0).expand(
        10**4, 10**4
    ),
    "lists": lambda: sm.SpikeTrains.empty(2**31 - 1).to_lists(),
    "counts": lambda: sm.SpikeTrains.empty(2**31 - 1).counts(),
    "times": lambda: sm.Recording(spikes={}, stop=1e12).times,
    "gate": lambda: sm.STDP(a_plus=1.0, a_minus=1.0, w_max=1.0).gate(np.arange(5.0), 2**31 - 1),
}


@pytest.mark.parametrize("call", LARGE.values(), ids=LARGE)
def test_what_does_not_fit_is_refused_with_both_numbers(small_computer, call):
    with pytest.raises((sm.DescriptionError, sm.UnsupportedError)) as caught:
        call()
    assert "would take at least" in str(caught.value)
    assert "this computer has 1 GiB" in str(caught.value)


def test_steps_are_counted_by_32_bit():
    said = refusal(runs.require_run, network(), 2**31)
    assert "2147483648" in said


def test_what_fits_is_done(small_computer):
    limits.require_memory(GIB, "it", "Do less.")
    assert refusal(limits.require_memory, GIB + 1, "it", "Do less.") == (
        "it would take at least 1 GiB of memory, and this computer has 1 GiB. Do less."
    )
    assert network(3, delay=np.ones(3)).tile(7).n_synapses == 21


def test_the_memory_of_a_run_is_that_of_its_arrays(monkeypatch):
    asked = []
    monkeypatch.setattr(runs, "require_memory", lambda n, what, remedy: asked.append(n))
    rule = sm.STDP(a_plus=1.0, a_minus=1.0, w_max=9.0)
    net = sm.Network(
        populations=network(50, record=["v"]).populations,
        projections=[
            sm.Projection.all_to_all(
                "p", "in", "out", weight=1.0, delay=1.0, plasticity=rule, record=["weight"]
            )
        ],
    )
    runs.require_run(net, 1000)
    assert asked == [1000 * (8 * (50 + 50) + 1 + 8)]


LIMITED = """
import resource, sys
import numpy as np
import spikemem as sm
from spikemem import limits, runs
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
assert limits.available_memory() < 3 * 2**30
for call in (lambda: sm.CA3Memory(2**31 - 1, 5), lambda: sm.CA3Memory(20000, 20000)):
    try:
        call()
    except sm.DescriptionError as error:
        assert "would take at least" in str(error), error
    else:
        raise SystemExit("not refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the limits of Linux")
def test_a_limit_of_the_process_counts():
    subprocess.run([sys.executable, "-c", LIMITED], check=True, timeout=120)
