"""Below 1 ms sPyNNaker puts neurons and synapses on separate cores: where that matters."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from board_networks import random_network
from board_reference import board_reference
from board_split import CASES, OFTEN, ORDERS, values

import spikemem as sm
from spikemem.errors import SpikememWarning
from spikemem.hardware.spinnaker.process import environment

pytest.importorskip("unicorn", reason="the software board needs unicorn")


@pytest.fixture(scope="module")
def runs():
    pytest.importorskip("spynnaker")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "board_split.py")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        env=environment(MPLBACKEND="agg"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    ways = [*CASES, *(("often", *kind) for kind in ORDERS)]
    return dict(zip(ways, json.loads(done.stdout), strict=True))


def emulate():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikememWarning)
        duration = OFTEN[1] * OFTEN[2]
        network = random_network(*OFTEN)
        return sm.simulate(network, duration, backend="emulator", allow_coarse=True)


@pytest.mark.slow
@pytest.mark.spinnaker
def test_separate_cores_learn_what_combined_ones_learn(runs):
    """Every delay is a step shorter than the ring buffers: no order of packets matters."""
    first = runs[7, "combined", 0]
    assert sum(map(len, first["spikes"])) > 300
    assert np.ptp(first["weights"]) > 1.0
    for kind, seed in (("combined", 1), ("split", 0), ("split", 1)):
        assert runs[7, kind, seed] == first


@pytest.mark.slow
@pytest.mark.spinnaker
def test_order_of_packets_matters_where_a_plastic_delay_counts_as_zero(runs):
    """A delay of a whole ring buffer: a spike and what it learns from arrive in one step.

    A combined core knows of its own spikes before any packet arrives; a core for synapses learns
    of them by packets, in the order in which they come.
    """
    first = runs[8, "combined", 0]
    assert runs[8, "combined", 1] == first
    split = [runs[8, "split", seed]["weights"] for seed in (0, 1)]
    assert split[0] != split[1]
    assert all(weights != first["weights"] for weights in split)
    assert all(runs[8, "split", seed]["spikes"] == first["spikes"] for seed in (0, 1))


@pytest.mark.slow
@pytest.mark.spinnaker
def test_order_of_packets_matters_where_a_cell_fires_more_often_than_it_remembers(runs):
    """A spike of the same step displaces the oldest of 15, if its packet is there by then."""
    network, emulated = random_network(*OFTEN), emulate()
    first = runs["often", "combined", 0]
    assert runs["often", "combined", 1] == runs["often", "split", "first"] == first
    assert values(emulated) == first
    last = board_reference(network, OFTEN[1] * OFTEN[2], own_spikes="last")
    assert values(last) == runs["often", "split", "last"]
    disputed = emulated.provenance["spinnaker"]["disputed"]
    split = [runs["often", "split", order] for order in (0, 1, "last")]
    for name, weights in first["weights"].items():
        same = [run["weights"][name] == weights for run in split]
        assert same == [disputed[name] == 0] * 3
    assert split[0]["weights"] != split[1]["weights"]
    for run in split:
        assert (run["spikes"], run["v"]) == (first["spikes"], first["v"])
