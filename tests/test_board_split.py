"""Below 1 ms sPyNNaker puts neurons and synapses on separate cores: where that matters."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from board_split import CASES

import spikemem as sm
from spikemem.hardware.spinnaker.board.compare import compare_with_board
from spikemem.hardware.spinnaker.process import environment
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

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
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


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
def test_a_full_history_is_left_to_the_order_of_packets():
    """Cells that fire in every step, and a source that fires seldom: which spikes are forgotten."""
    network = full_history(dt=0.1)
    with pytest.warns(sm.SpikememWarning, match="order in which packets"):
        emulated = sm.simulate(network, 6.0, backend="emulator")
    assert emulated.provenance["spinnaker"]["forgotten"]["learns"] > 0
    weights = [
        sm.simulate(network, 6.0, backend="board", seed=seed).weights["learns"].tolist()
        for seed in (0, 1, 2)
    ]
    assert weights[0] != weights[1] or weights[1] != weights[2]
    found = compare_with_board(network, 6.0)
    assert found.differences == []
    assert not found.same
    assert "order in which packets" in found.refused


def test_a_full_history_of_whole_milliseconds_is_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = sm.simulate(full_history(dt=1.0), 60.0, backend="emulator")
    facts = recording.provenance["spinnaker"]
    assert facts["forgotten"]["learns"] > 0
    assert facts["undetermined"] == []


def full_history(dt):
    steps = np.array([1, 27, 53])
    spikes = SpikeTrains(ids=[0, 0, 0], times=steps * dt, size=1, duration=60 * dt)
    busy = LIF(tau_m=20 * dt, cm=0.2, tau_refrac=0.0, i_offset=20.0 / dt)
    rule = STDP(
        tau_plus=30 * dt, tau_minus=30 * dt, a_plus=0.05, a_minus=0.05, w_min=0.0, w_max=6.0
    )
    out = Population("out", size=8, cell=busy, record=("spikes",))
    return Network(
        [Population("in", cell=SpikeSource(spikes=spikes)), out],
        [
            Projection.all_to_all(
                "learns", "in", "out", weight=3.0, delay=dt, plasticity=rule
            )
        ],
        dt=dt,
    )  # fmt: skip
