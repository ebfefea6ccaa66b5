"""The slow integer board: the published runs, the robust memory, and its distance from floats."""

from __future__ import annotations

from dataclasses import replace

import ca3_cases
import numpy as np
import pytest
from board_networks import random_network
from board_reference import board_reference
from reference import reference

import spikemem as sm
from spikemem.hardware.spinnaker.machine_layout import ring_buffer_shifts
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

PUBLISHED = [
    ((5, 10), ca3_cases.EXPERIMENT_1, 90.0, ca3_cases.SHA_1),
    ((16, 6), ca3_cases.EXPERIMENT_3, 140.0, ca3_cases.SHA_3),
]


def with_potentials(network):
    cells = [pop for pop in network.populations if not pop.is_source]
    return network.replace(*[replace(pop, record=("spikes", "v")) for pop in cells])


def largest_difference(one, other):
    return {key[0]: np.abs(one.traces[key] - other.traces[key]).max() for key in one.traces}


@pytest.mark.parametrize(("size", "operations", "duration", "sha"), PUBLISHED, ids=["1", "3"])
def test_published_experiments(size, operations, duration, sha):
    network = sm.CA3Memory(*size, preset="published").build(operations, safe=False)
    network = with_potentials(network)
    board, floats = board_reference(network, duration), reference(network, duration)
    assert ca3_cases.checksum(board) == sha
    difference = largest_difference(board, floats)
    # CueCont adds up to four plastic weights at once, and each has lost parts of a step.
    assert difference.pop("CueCont") < 0.024
    assert max(difference.values()) < 0.0042


def test_potentials_of_the_hippocampus_are_within_the_published_bound():
    memory = sm.HippocampalMemory(5, 10)
    operations = [sm.Learn(1, [0, 1, 8]), sm.Learn(4, [1, 5]), sm.RecallCue(1), sm.RecallCue(4),
                  sm.Learn(1, [2, 3]), sm.RecallCue(1)]  # fmt: skip
    network = with_potentials(memory.build(operations))
    board = board_reference(network, network.duration)
    floats = reference(network, network.duration)
    assert all(board[name] == floats[name] for name in floats.spikes)
    assert max(largest_difference(board, floats).values()) < 0.0042


@pytest.mark.parametrize(("size", "n", "seed"), [((5, 10), 60, 1), ((10, 12), 60, 2)])
def test_robust_memory_without_windows_is_the_gated_one(size, n, seed):
    operations = ca3_cases.random_operations(*size, n, seed, density=(0.1, 0.5), thresholds=True)
    gated = sm.CA3Memory(*size, preset="robust")
    free = sm.CA3Memory(*size, preset="robust", gated=False)
    gated_network, free_network = gated.build(operations), free.build(operations)
    floats = reference(gated_network, gated_network.duration)
    board = board_reference(free_network, free_network.duration)
    assert all(board[name] == floats[name] for name in floats.spikes)
    assert free.decode(board, operations) == gated.decode(floats, operations)
    for name in floats.weights:
        assert np.abs(board.weights[name] - floats.weights[name]).max() < 1e-6


def test_robust_memory_survives_the_short_history():
    """More than 15 answers of a content cell between two spikes of a cue lose nothing."""
    operations = [sm.Learn(0, [1, 2]), sm.Learn(1, [1, 3])]
    operations += [sm.RecallCue(1)] * 20 + [sm.RecallContent([1])] * 20
    operations += [sm.RecallCue(0), sm.RecallContent([2])]
    memory = sm.CA3Memory(3, 5, preset="robust", gated=False)
    network = memory.build(operations)
    answers = memory.decode(board_reference(network, network.duration), operations)
    assert answers[-2:] == [{1, 2}, {0}]


def test_published_memory_loses_what_the_history_forgets():
    operations = [sm.Learn(0, [1, 2], at=0.0)]
    operations += [sm.Learn(1 + k, [1], at=20.0 * (k + 1)) for k in range(9)]
    operations += [sm.RecallCue(0, at=220.0)]
    memory = sm.CA3Memory(10, 5, preset="published")
    network = memory.build(operations)
    board = memory.decode(board_reference(network, network.duration), operations)
    floats = memory.decode(reference(network, network.duration), operations)
    assert floats[-1] == {1, 2}
    assert board[-1] == {2}


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_are_near_the_floats(seed):
    """Fixed point moves few spikes; what differs much would be a misread rule."""
    network = random_network(seed)
    board, floats = board_reference(network, 30.0), reference(network, 30.0)
    for name in floats.spikes:
        assert abs(len(board[name]) - len(floats[name])) <= 2 + 0.02 * len(floats[name])


def pair(weight, delay, shift, n=1, **options):
    """One source, `n` synapses to one cell, spikes at 1 and 4 ms."""
    source = SpikeSource(spikes=SpikeTrains(ids=[0, 0], times=[1.0, 4.0], size=1, duration=40.0))
    network = Network(
        populations=[
            Population(name="in", cell=source),
            Population(name="out", size=1, cell=LIF(tau_m=10.0, cm=1.0, v_thresh=1e3),
                       record=("v",)),
        ],
        projections=[Projection(name="p", pre="in", post="out", i=[0] * n, j=[0] * n,
                                weight=weight, delay=delay, **options)],
    )  # fmt: skip
    return network, {"out": (shift, 0)}


def test_ring_buffers_saturate():
    many, shifts = pair(1.5, 1.0, 0, n=4)
    one, _ = pair(65535 / 32768, 1.0, 0)
    got, saturated = (board_reference(net, 10.0, shifts=shifts) for net in (many, one))
    assert np.array_equal(got.traces["out", "v"], saturated.traces["out", "v"])


def test_long_delays_arrive_when_they_should():
    near, shifts = pair(2.0, 1.0, 2)
    far, _ = pair(2.0, 21.0, 2)
    early = board_reference(near, 18.0, shifts=shifts, slots={"out": 2}).traces["out", "v"]
    late = board_reference(far, 38.0, shifts=shifts, slots={"out": 8}).traces["out", "v"]
    assert np.array_equal(early, late[20:])


def test_a_plastic_delay_as_long_as_the_ring_is_lost():
    rule = STDP(a_plus=0.1, a_minus=0.1, w_max=4.0)
    for delay, arrives in ((2.0, False), (1.0, True)):
        network, shifts = pair(2.0, delay, 3, plasticity=rule)
        trace = board_reference(network, 10.0, shifts=shifts, slots={"out": 2}).traces["out", "v"]
        assert bool(np.ptp(trace) > 0) is arrives


def test_shifts_follow_the_largest_input():
    network, _ = pair([1.0, 1.0, 1.5], 1.0, 0, n=3)
    assert ring_buffer_shifts(network)["out"] == (3, 0)
    network, _ = pair(4.0, 1.0, 0)
    assert ring_buffer_shifts(network)["out"] == (3, 0)
    network, _ = pair(3.99, 1.0, 0)
    assert ring_buffer_shifts(network)["out"] == (2, 0)
