"""The backend "board": what the emulator predicts, the shipped programs do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import ca3_cases
import numpy as np
import pytest
from board_networks import KINDS, random_network

import spikemem as sm
from spikemem.cli import main
from spikemem.errors import BackendMissing, SimulationError, UnsupportedError
from spikemem.hardware.spinnaker.board import backend, seam
from spikemem.hardware.spinnaker.board.compare import compare_with_board, differences
from spikemem.hardware.spinnaker.process import environment

N = 12


@pytest.fixture(scope="module")
def random_runs():
    """Twelve random networks on the board and on the emulator, in one process."""
    command = [sys.executable, str(Path(__file__).parent / "fuzz" / "board.py"), "--json"]
    done = subprocess.run(
        [*command, "--n", str(N)], capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.spinnaker
def test_random_networks_are_what_the_emulator_says(random_runs):
    assert [item["seed"] for item in random_runs] == list(range(N))
    assert {item["kind"] for item in random_runs} == set(KINDS)
    assert not [item for item in random_runs if item.get("error") or item["differences"]]
    same = [item for item in random_runs if "refused" not in item]
    assert len(same) >= N - 3
    assert sum(item["spikes"] for item in same) > 5000
    assert sum(item["weights"] for item in same) > 5000
