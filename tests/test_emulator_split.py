"""The emulator below 1 ms, where cores for synapses learn of their cells' spikes by packets.

The oracle is the slow reference, which has these packets come first or last of their step; that
boards do as the reference says is tested in test_board_split.py and test_board_backend.py.
"""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from board_reference import board_reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spikemem as sm
from spikemem.errors import SpikememWarning
from spikemem.hardware.spinnaker.board.compare import differences
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

DT = 0.1
STEPS = 200
SLOW = settings(
    max_examples=40, suppress_health_check=[HealthCheck.too_slow], print_blob=True, deadline=None
)


def emulate(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikememWarning)
        return sm.simulate(network, STEPS * network.dt, backend="emulator", allow_coarse=True)


def network(seed, refractory=0.0, loops=(), n=5, dt=DT):
    """Sources that fire rarely onto cells that fire often, and projections among these."""
    rng = np.random.default_rng(seed)
    ticks, ids = np.nonzero(rng.random((STEPS, 4)) < 0.04)
    trains = SpikeTrains(ids=ids, times=ticks * dt, size=4, duration=STEPS * dt)
    cell = LIF(tau_m=1.0, cm=0.2, v_rest=-60.0, v_reset=-61.0, v_thresh=-58.0,
               tau_refrac=refractory, i_offset=6.0, tau_syn_E=0.3, tau_syn_I=0.3)  # fmt: skip
    rule = STDP(tau_plus=20.0, tau_minus=10.0, a_plus=0.05, a_minus=0.3, w_min=0.0, w_max=4.0)
    i, j = np.nonzero(rng.random((4, n)) < 0.7)
    projections = [
        Projection.all_to_all("dense", "in", "a", weight=0.5, delay=2 * dt, plasticity=rule),
        Projection(name="list", pre="in", post="a", i=i, j=j, weight=1.0, plasticity=rule,
                   delay=dt * rng.integers(1, 19, i.size)),
        # No plastic delay is as long as the ring buffer.
        Projection(name="ring", pre="in", post="a", i=[0], j=[0], weight=0.1, delay=20 * dt),
    ]  # fmt: skip
    for k, kind in enumerate(loops):
        density = 0.15 if "sparse" in kind else 0.6
        i, j = np.nonzero(rng.random((n, n)) < density)
        if not i.size:
            i = j = np.array([0])
        projections.append(
            Projection(
                name=f"loop {k}", pre="a", post="a", i=i, j=j, weight=0.3, receptor="excitatory",
                delay=dt * rng.integers(1, 6, i.size),
                plasticity=rule if "plastic" in kind else None,
            )
        )  # fmt: skip
    return Network(
        populations=[
            Population(name="in", cell=SpikeSource(spikes=trains)),
            Population(name="a", size=n, cell=cell, record=("spikes", "v")),
        ],
        projections=projections,
        dt=dt,
    )


def disputed(recording):
    return sum(recording.provenance["spinnaker"]["disputed"].values())


@SLOW
@given(
    seed=st.integers(0, 2**32 - 1),
    refractory=st.sampled_from([0.0, 0.2, 1.0, 3.0]),
    loops=st.lists(
        st.sampled_from(["static", "sparse static", "plastic", "sparse plastic"]), max_size=3
    ),
)
def test_own_spikes_first_is_what_it_computes_and_the_order_matters_only_where_it_says(
    seed, refractory, loops
):
    net = network(seed, refractory, loops)
    got = emulate(net)
    assert differences(board_reference(net, STEPS * DT), got, DT) == []
    if not disputed(got):
        last = board_reference(net, STEPS * DT, own_spikes="last")
        assert differences(last, got, DT) == []


@pytest.mark.parametrize("loops", [(), ("static",), ("plastic", "sparse static")])
def test_a_board_may_learn_other_weights_if_cells_fire_often(loops):
    net = network(1, 0.0, loops)
    got = emulate(net)
    last = board_reference(net, STEPS * DT, own_spikes="last")
    found = {item.name for item in differences(last, got, DT) if item.what == "weights"}
    held = got.provenance["spinnaker"]["disputed"]
    assert found
    assert found <= {name for name, n in held.items() if n}


def test_at_a_millisecond_no_order_matters():
    got = emulate(network(1, 0.0, ("static",), dt=1.0))
    assert sum(got.provenance["spinnaker"]["forgotten"].values()) > 0
    assert disputed(got) == 0


def test_a_session_warns_of_what_is_new_only():
    net = network(1, 0.0)
    with (
        warnings.catch_warnings(record=True) as caught,
        sm.Session(net, backend="emulator", allow_coarse=True) as session,
    ):
        warnings.simplefilter("always")
        counts = [disputed(session.run(STEPS * DT / 4)) for _ in range(4)]
    told = [re.search(r"(\d+) weight changes depend on the order", str(item.message))
            for item in caught]  # fmt: skip
    said = sum(int(found[1]) for found in told if found)
    assert said == counts[-1] > 0


@pytest.mark.parametrize(
    ("loops", "counted"),
    [
        ((), {1}),
        (("static",), {1}),
        (("sparse static",), {0, 1}),
        (("sparse plastic",), {1}),
        (("static", "sparse static"), {2}),
        (("plastic", "static", "static"), {3}),
    ],
)
def test_how_often_a_spike_counts_is_told(loops, counted):
    """The seed gives every cell a synapse of the dense loops, and some none of the sparse one."""
    net = network(5, 1.0, loops)
    rules = {problem.rule: problem for problem in sm.check(net, "emulator", allow_coarse=True)}
    assert ("unseen spikes" in rules) is (0 in counted)
    assert ("repeated spikes" in rules) is (max(counted) > 1)
    assert {rules[name].level for name in rules.keys() & {"unseen spikes", "repeated spikes"}} <= {
        "warning"
    }
    if max(counted) > 1:
        assert f"count {max(counted)} times" in rules["repeated spikes"].what
    levels = {problem.rule: problem.level for problem in sm.check(net, "spinnaker")}
    assert {levels[name] for name in levels.keys() & {"unseen spikes", "repeated spikes"}} <= {
        "error"
    }


@pytest.mark.parametrize("plastic", [False, True])
def test_a_core_that_no_packet_of_its_own_cells_reaches_knows_none_of_them(plastic):
    """Cores of 128, 128 and 4 cells; only the first has a synapse among its own cells."""
    net = network(3, 1.0, n=260)
    rule = net.plastic[0].plasticity if plastic else None
    loop = Projection(name="loop", pre="a", post="a", i=[0, 130, 5], j=[1, 0, 258], weight=0.3,
                      delay=DT, plasticity=rule)  # fmt: skip
    net = Network(populations=net.populations, projections=[*net.projections, loop], dt=DT)
    rules = {problem.rule: problem for problem in sm.check(net, "emulator", allow_coarse=True)}
    unseen = (
        "132 of its cells (the first is 128)" if plastic else "259 of its cells (the first is 1)"
    )
    assert unseen in rules["unseen spikes"].what
