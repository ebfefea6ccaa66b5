"""Below 1 ms sPyNNaker puts neurons and synapses on separate cores: where that matters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from board_split import CASES

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
