"""Cells, small networks and comparisons that several test modules share."""

from __future__ import annotations

import numpy as np

from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

# The three cells of the CA3 memory. With dt = 1 ms, one input of 1 nA moves v by
# gain = g0·R·(1 - a) = 0.3·(1 - e^(-1/0.3)) · tau_m/cm · (1 - e^(-1/tau_m)) in its first step.
A = LIF(
    cm=0.27, tau_m=3.0, tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3,
    v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0,
)  # fmt: skip
B = LIF(
    cm=0.14, tau_m=0.5, tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3,
    v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0,
)  # fmt: skip
A_OUT = LIF(
    cm=0.27, tau_m=3.0, tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3,
    v_rest=-60.0, v_reset=-60.0, v_thresh=-57.5,
)  # fmt: skip
SURE = 6.0


def changed(cell, **values):
    return LIF(**{**{name: getattr(cell, name) for name in LIF.units}, **values})


def source(*lists, name="in"):
    return Population(name=name, cell=SpikeSource(spikes=SpikeTrains.from_lists(lists)))


def driven(cell, times, weight, delay=1.0, dt=1.0, **options):
    """One cell, driven by one source."""
    return Network(
        populations=[
            source(times),
            Population(name="out", size=1, cell=cell, record=("spikes", "v")),
        ],
        projections=[
            Projection.one_to_one("drive", "in", "out", weight=weight, delay=delay, **options)
        ],
        dt=dt,
    )


def ring(seed, dt=1.0, windows=None):
    """Six cells in a plastic ring with mixed delays, driven by four sources."""
    rng = np.random.default_rng(seed)
    ticks, ids = np.nonzero(rng.random((40, 4)) < 0.4)
    cell = LIF(
        tau_m=3.0, cm=0.27, v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0, tau_refrac=1.0,
        tau_syn_E=0.3, tau_syn_I=0.3, i_offset=rng.integers(0, 8, 6) / 64,
    )  # fmt: skip
    rule = STDP(tau_plus=3.0, tau_minus=5.0, a_plus=1.0, a_minus=0.5, w_max=6.0, enabled=windows)
    i, j = np.nonzero(rng.random((6, 6)) < 2.0)
    return Network(
        populations=[
            Population(
                name="in",
                cell=SpikeSource(
                    spikes=SpikeTrains(ids=ids, times=ticks * dt, size=4, duration=40 * dt)
                ),
            ),
            Population(name="cells", size=6, cell=cell, record=("spikes", "v")),
        ],
        projections=[
            Projection.all_to_all("drive", "in", "cells", weight=1.75, delay=dt),
            Projection(
                name="ring", pre="cells", post="cells", i=i, j=j,
                weight=rng.integers(0, 128, i.size) / 64, delay=np.arange(i.size) % 3 * dt + dt,
                plasticity=rule, record=("weight",),
            ),
            Projection.all_to_all(
                "rivals", "cells", "cells", weight=0.5, delay=dt, receptor="inhibitory",
                allow_self=False,
            ),
        ],
        dt=dt,
    )  # fmt: skip


def assert_alike(got, wanted, tolerance=1e-11):
    assert got.spikes.keys() == wanted.spikes.keys()
    for name in wanted.spikes:
        assert got[name].to_lists() == wanted[name].to_lists(), name
    assert got.traces.keys() == wanted.traces.keys()
    for key in wanted.traces:
        assert got.traces[key].shape == wanted.traces[key].shape
        np.testing.assert_allclose(got.traces[key], wanted.traces[key], rtol=0, atol=tolerance)
    assert got.weights.keys() == wanted.weights.keys()
    for name in wanted.weights:
        np.testing.assert_allclose(got.weights[name], wanted.weights[name], rtol=0, atol=tolerance)


def assert_same(got, wanted):
    assert got.spikes.keys() == wanted.spikes.keys()
    for name in wanted.spikes:
        assert got[name].to_lists() == wanted[name].to_lists()
    for kind in ("traces", "weights"):
        assert getattr(got, kind).keys() == getattr(wanted, kind).keys()
        for key, array in getattr(wanted, kind).items():
            np.testing.assert_array_equal(getattr(got, kind)[key], array)
