"""At the limits of the machine's numbers: equal to the board inside, refused outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from board_edges import INSIDE, OUTSIDE, STEPS

import spikemem as sm
from spikemem.errors import UnsupportedError
from spikemem.hardware.spinnaker.process import environment

pytest.importorskip("unicorn", reason="the software board needs unicorn")


@pytest.fixture(scope="module")
def found():
    """All of them on the board and on the emulator, in one process."""
    pytest.importorskip("spynnaker")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "board_edges.py")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.spinnaker
@pytest.mark.parametrize("name", INSIDE)
def test_inside_the_emulator_computes_what_the_board_does(found, name):
    assert found[name]["differences"] == []
    assert found[name]["moved"]


@pytest.mark.spinnaker
def test_most_of_them_fire_and_some_learn(found):
    assert sum(item["spikes"] > 0 for item in found.values()) > len(INSIDE) // 2
    assert sum(item["learns"] for item in found.values()) >= 4


@pytest.mark.parametrize("name", INSIDE)
def test_inside_the_check_finds_no_error(name):
    problems = sm.check(INSIDE[name], "spinnaker")
    assert [item.text for item in problems if item.level == "error"] == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_the_emulator_refuses_and_the_check_says_so(name):
    network = OUTSIDE[name]
    for target in ("spinnaker", "emulator", "board"):
        assert "error" in [item.level for item in sm.check(network, target)]
    with pytest.raises(UnsupportedError):
        sm.simulate(network, STEPS * network.dt, backend="emulator", allow_coarse=True)
