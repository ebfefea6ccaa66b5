"""Virtual boards: sPyNNaker's own words against ours, and what can go wrong."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from board_networks import random_network
from board_reference import Synapses

import spikemem as sm
from spikemem.cells import LIF
from spikemem.errors import BackendMissing, DescriptionError, UnsupportedError, VirtualRunError
from spikemem.hardware.spinnaker import arithmetic, map_network
from spikemem.hardware.spinnaker.machine_layout import (
    connector,
    delay_slots,
    on_machine,
    ring_buffer_shifts,
)
from spikemem.network import Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

MACHINE = "[Machine]\nversion = 5\nvirtual_board = {}\n"


def assert_same_words(network, report):
    shifts = ring_buffer_shifts(network)
    assert report.shifts == shifts
    for population in network.populations:
        if not population.is_source:
            words = report.populations[population.name]
            assert words.slots == delay_slots(network, population)
            assert_same_cells(network, population, words.constants)
            assert_same_rule(network, population, words.plasticity)
    for projection in network.projections:
        if network.count(projection.name):
            shift = shifts[projection.post][projection.receptor == "inhibitory"]
            ours = Synapses(network, projection, shift, 2**14)
            # Without a machine the host expands structured projections, and rounds as for lists.
            synapses = network.synapses(projection.name)
            weight = arithmetic.weight16(synapses.weight, shift).tolist()
            assert np.abs(np.subtract(weight, ours.weight)).max() <= on_machine(
                projection, network.dt
            )
            rows = zip(synapses.i, ours.j, ours.delay, weight, strict=True)
            theirs = map(tuple, report.weights[projection.name])
            assert sorted(theirs) == sorted((int(i), j, d, w) for i, j, d, w in rows)


def assert_same_cells(network, population, theirs):
    ours = arithmetic.cell_constants(population, network.dt)
    assert theirs["v"] == ours.v_init.tolist()
    for name in LIF.units:
        words = arithmetic.s1615(population.lif.array(name, population.size)).tolist()
        assert theirs[name] == words, name


def assert_same_rule(network, population, theirs):
    rules = [
        item.plasticity
        for item in network.plastic
        if item.post == population.name and network.count(item.name)
    ]
    assert bool(rules) == bool(theirs)
    if rules:
        ours = arithmetic.stdp_constants(rules[0], network.dt)
        assert theirs["backprop_delay"] == 1
        assert theirs["table_plus"] == ours.table_plus.tolist()
        assert theirs["table_minus"] == ours.table_minus.tolist()
        for name in ("w_min", "w_max", "a_plus", "a_minus"):
            assert theirs["excitatory"][name] == getattr(ours, name)


@pytest.mark.spinnaker
@pytest.mark.parametrize("seed", [0, 2])
def test_words_of_random_networks(seed):
    network = random_network(seed)
    assert_same_words(network, map_network(network, weights=True, force=True))


@pytest.mark.slow
@pytest.mark.spinnaker
@pytest.mark.parametrize("seed", range(3, 15))
def test_words_of_more_random_networks(seed):
    network = random_network(seed)
    assert_same_words(network, map_network(network, weights=True, force=True))


def short_delays():
    """Both kinds of structured projection with every delay up to 1.5 ms, and lists, at 0.1 ms."""
    trains = SpikeTrains(ids=[0], times=[1.0], size=10, duration=20.0)
    cells = LIF(tau_m=10.0, cm=0.5)
    populations = [Population(name="in", cell=SpikeSource(spikes=trains))]
    projections = []
    for k in range(1, 16):
        delay, name = k / 10, f"{k}"
        populations.append(Population(name=name, size=10, cell=cells))
        make = Projection.one_to_one if k % 2 else Projection.all_to_all
        projections.append(make(f"p{k}", "in", name, weight=0.37, delay=delay))
        projections.append(
            Projection.all_to_all(f"q{k}", "in", name, weight=3.0, delay=delay, allow_self=False)
        )
    return Network(populations=populations, projections=projections, dt=0.1)


@pytest.mark.spinnaker
def test_delays_below_a_millisecond():
    """Lists, or structured, the shifts and delays are as predicted."""
    network = short_delays()
    assert_same_words(network, map_network(network, weights=True, force=True))
    kinds = {item.name: connector(item, network.dt) for item in network.projections}
    listed = {name for name, kind in kinds.items() if kind == "list" and name[0] == "p"}
    assert listed == {f"p{k}" for k in range(1, 16) if k % 5 in (3, 4)}


@pytest.mark.spinnaker
def test_a_learnt_memory(tmp_path):
    memory = sm.CA3Memory(16, 64, preset="robust", contents={3: [1, 5, 9]})
    network = memory.build([sm.RecallCue(3)])
    home = set(Path.home().rglob("*"))
    report = map_network(network, weights=True)
    assert_same_words(network, report)
    assert (report.boards, report.machine_chips, report.chips) == (1, 48, 1)
    assert report.cores.keys() == {pop.name for pop in network.populations}
    assert 0 < report.sdram < report.sdram_fullest < report.sdram_per_chip
    assert 0 < report.routing_entries <= report.keys < 100
    text = str(report)
    assert "1 of 48 chips, 14 cores" in text
    assert len(text.splitlines()) == 2 + len(report.cores)
    assert set(Path.home().rglob("*")) == home


@pytest.mark.spinnaker
def test_asked_shifts_and_delay_cores():
    memory = sm.CA3Memory(5, 10, preset="robust", gated=False)
    network = memory.build([sm.Learn(0, [1])])
    link = network.projection("MergeCue to OUTcue")
    far = Projection.one_to_one(link.name, link.pre, link.post, weight=6.0, delay=5000.0)
    network = network.replace(far)
    report = map_network(network, shifts={"OUTcue": (9, 2), "CueCue": (0, 0)}, force=True)
    assert report.shifts["OUTcue"] == (9, 2)
    assert report.shifts["CueCue"] == (0, 0)
    assert report.shifts["CueCont"] == ring_buffer_shifts(network)["CueCont"]
    assert report.populations["OUTcue"].slots == 2**10
    assert len(report.cores) > len(network.populations)


@pytest.mark.slow
@pytest.mark.spinnaker
@pytest.mark.parametrize("preset", ["robust", "published"])
def test_a_large_memory(preset):
    network = sm.CA3Memory(1000, 1000, preset=preset).build([sm.Learn(0, [1])])
    report = map_network(network, timeout=600)
    assert report.shifts == ring_buffer_shifts(network)
    assert report.boards == 1
    assert sum(report.cores.values()) < 60


@pytest.mark.spinnaker
def test_what_spynnaker_refuses_is_said_in_its_words():
    network = sm.CA3Memory(5, 10, preset="published").build([sm.Learn(0, [1])])
    rule = network.projection("W1").plasticity
    other = Projection.all_to_all("other", "ContCue", "ContCue", weight=0.0, delay=1.0,
                                  plasticity=replace(rule, a_plus=1.0))  # fmt: skip
    network = Network(populations=network.populations, projections=[*network.projections, other])
    with pytest.raises(UnsupportedError, match="differs from that of 'W1'"):
        map_network(network)
    with pytest.raises(UnsupportedError, match=r"sPyNNaker refused .*must match exactly"):
        map_network(network, force=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 4}, "version must be one of"),
        ({"boards": 0}, "boards must be an int"),
        ({"shifts": {"x": (0, 0)}}, "'x' is not a population"),
    ],
)
@pytest.mark.spinnaker
def test_bad_arguments(options, message):
    network = Network(populations=[Population(name="a", size=1, cell=LIF())])
    with pytest.raises(DescriptionError, match=message):
        map_network(network, **options)


@pytest.fixture
def network():
    return sm.CA3Memory(5, 10, preset="robust", gated=False).build([sm.Learn(0, [1])])


def configure(text):
    path = Path(os.environ["XDG_CONFIG_HOME"]) / ".spynnaker.cfg"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.spinnaker
def test_a_virtual_machine_gives_no_recording(network):
    path = configure(MACHINE.format("True"))
    try:
        with pytest.raises(VirtualRunError, match="there are no spikes"):
            sm.simulate(network, backend="spinnaker")
    finally:
        path.unlink()


@pytest.mark.spinnaker
def test_no_machine(network):
    with pytest.raises(UnsupportedError, match="no machine is configured"):
        sm.simulate(network, backend="spinnaker")


@pytest.mark.spinnaker
def test_a_network_that_the_machine_can_not_hold(network):
    path = configure("[Machine]\nmachine_name = nowhere\nversion = 5\n")
    wrong = network.replace(
        Population(name="OUTcue", size=5, cell=LIF(v_reset=0.0, v_thresh=-50.0))
    )
    try:
        with pytest.raises(UnsupportedError, match="v_reset is not below v_thresh"):
            sm.simulate(wrong, backend="spinnaker")
    finally:
        path.unlink()


@pytest.mark.spinnaker
def test_windows_of_one_run_are_refused_before_the_machine_is_asked():
    path = configure("[Machine]\nmachine_name = nowhere\nversion = 5\n")
    memory = sm.CA3Memory(3, 4, preset="published")
    try:
        session = sm.Session(memory.build([sm.Learn(0, [1])]), backend="spinnaker")
        with pytest.raises(UnsupportedError, match="'W1' has plasticity windows"):
            session.run(10.0, enabled={"W1": []})
    finally:
        path.unlink()


def test_without_spynnaker(network, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "spynnaker" else find(name, *a),
    )
    for action in (lambda: map_network(network), lambda: sm.simulate(network, backend="spinnaker")):
        with pytest.raises(BackendMissing, match=r'pip install "\.\[spinnaker\]"'):
            action()


@pytest.mark.spinnaker
def test_more_steps_than_a_machine_counts_are_refused():
    with pytest.raises(DescriptionError, match="at most 2147483647 steps"):
        map_network(random_network(0), duration=2.0**31)
