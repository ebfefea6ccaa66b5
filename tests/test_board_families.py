"""Models of every family: what their networks do on the board is what the emulator says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from families import FAMILIES

from spikemem.hardware.spinnaker.process import environment

pytest.importorskip("unicorn", reason="the software board needs unicorn")
pytestmark = pytest.mark.spinnaker
NAMES = [family.name for family in FAMILIES]


@pytest.fixture(scope="module")
def found():
    """All of them in one process."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "board_families.py")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_the_board_does_what_the_emulator_computes(found, name):
    item = found[name]
    assert item["differences"] == []
    assert item["answers"]
    assert item["spikes"] > 20
    assert item["v"] > 500
    assert sorted(item["weights"]) == sorted(item["plastic"])


def test_some_of_them_learn(found):
    assert sum(bool(item["weights"]) for item in found.values()) >= 2
