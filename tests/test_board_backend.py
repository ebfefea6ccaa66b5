"""The backend "board": what the emulator predicts, the shipped programs do."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import ca3_cases
import numpy as np
import pytest
from board_networks import KINDS

import spikemem as sm
from spikemem.cells import LIF
from spikemem.cli import main
from spikemem.errors import BackendMissing, SimulationError, UnsupportedError
from spikemem.hardware.spinnaker.board import backend, seam
from spikemem.hardware.spinnaker.board.compare import compare_with_board, differences
from spikemem.hardware.spinnaker.process import environment
from spikemem.network import Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

N = 12
ORDER = ca3_cases.ORDER
spinnaker = pytest.mark.spinnaker


def small(weight=20.0, **more):
    source = SpikeSource(spikes=SpikeTrains(ids=[0, 1, 0], times=[1.0, 4.0, 9.0], size=2))
    return Network(
        populations=[
            Population(name="in", cell=source),
            Population(name="out", size=2, cell=LIF(tau_m=10.0), record=("spikes", "v")),
        ],
        projections=[Projection.one_to_one("drive", "in", "out", weight=weight, delay=2.0, **more)],
    )


@pytest.fixture(scope="module")
def random_runs():
    """Twelve random networks on the board and on the emulator, in one process."""
    command = [sys.executable, str(Path(__file__).parent / "fuzz" / "board.py"), "--json"]
    done = subprocess.run(
        [*command, "--n", str(N)], capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@spinnaker
def test_random_networks_are_what_the_emulator_says(random_runs):
    assert [item["seed"] for item in random_runs] == list(range(N))
    assert {item["kind"] for item in random_runs} == set(KINDS)
    assert not [item for item in random_runs if item.get("error") or item["differences"]]
    same = [item for item in random_runs if "refused" not in item]
    assert len(same) >= N - 3
    assert sum(item["spikes"] for item in same) > 5000
    assert sum(item["weights"] for item in same) > 5000


@pytest.fixture(scope="module")
def experiment_1():
    """The first published experiment on the board, and the fractions of its progress."""
    memory = sm.CA3Memory(5, 10, preset="published")
    network = memory.build(ca3_cases.EXPERIMENT_1, safe=False)
    fractions = []
    recording = sm.simulate(network, 90.0, backend="board", force=True, progress=fractions.append)
    return recording, fractions


@spinnaker
def test_the_first_published_experiment(experiment_1):
    recording, fractions = experiment_1
    assert ca3_cases.checksum(recording) == ca3_cases.SHA_1
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)


@spinnaker
def test_the_recording_says_what_the_board_was(experiment_1):
    recording, _ = experiment_1
    facts = recording.provenance["board"]
    assert recording.provenance["backend"] == "board"
    assert recording.provenance["sPyNNaker"]
    assert recording.provenance["unicorn"]
    assert facts["boards"] == facts["chips"] == 1
    assert facts["cores"] >= 3
    assert facts["ticks"] >= 90
    assert facts["packets"] > 100
    assert facts["seconds"] > 0.0


@spinnaker
@pytest.mark.slow
def test_the_second_published_experiment():
    """Its recording of the real board was not published; the answers and the count were."""
    schedule = ca3_cases.experiment_2()
    memory = sm.CA3Memory(5, 10, preset="published")
    network = memory.build(schedule)
    recording = sm.simulate(network, backend="board", force=True)
    recalls = memory.decode(recording, schedule)
    assert ca3_cases.exact_fraction(recalls, ca3_cases.expected(schedule)) == 1.0
    assert sum(len(recording[name]) for name in ORDER) == 1828


@spinnaker
@pytest.mark.slow
def test_the_third_published_experiment():
    memory = sm.CA3Memory(16, 6, preset="published")
    network = memory.build(ca3_cases.EXPERIMENT_3, safe=False)
    recording = sm.simulate(network, 140.0, backend="board", force=True)
    assert ca3_cases.checksum(recording) == ca3_cases.SHA_3


@spinnaker
def test_the_command_lays_board_and_emulator_side_by_side(tmp_path, capsys):
    small().save(tmp_path / "net.h5")
    assert main(["board", "compare", str(tmp_path / "net.h5"), "--duration", "30", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"]
    assert found["differences"] == []
    assert found["compared"]["v"] == 60
    assert found["compared"]["spikes"] >= 3
    assert found["board"]["cores"] >= 2


def test_the_first_difference_is_named():
    one = sm.simulate(small(), 30.0, backend="emulator")
    other = sm.simulate(small(25.0), 30.0, backend="emulator")
    found = differences(one, other, 1.0)
    assert {item.what for item in found} >= {"v"}
    assert found == sorted(found, key=lambda item: item.step)
    trace, changed = (run.traces["out", "v"] for run in (one, other))
    step, cell = np.argwhere(trace != changed)[0]
    first = next(item for item in found if item.what == "v")
    assert (first.step, first.n) == (step, np.count_nonzero(trace != changed))
    assert f"cell {cell} at {step} ms" in str(first)
    assert differences(one, one, 1.0) == []


@spinnaker
def test_everything_that_is_replaced_is_there_and_has_a_reason():
    names = [(item.module, item.name) for item in seam.REPLACED]
    assert len(set(names)) == len(names)
    for item in seam.REPLACED:
        assert seam._check(item) is not None
        assert len(item.reason) > 5


@spinnaker
def test_nothing_stays_replaced_and_the_home_is_left_alone(tmp_path, monkeypatch):
    import os

    monkeypatch.setenv("HOME", str(tmp_path))
    before = [seam._check(item) for item in seam.REPLACED]
    with seam.software_boards():
        inside = [seam._check(replace(item, parameters=())) for item in seam.REPLACED]
        assert os.environ["HOME"] == str(tmp_path)
    assert not any(one is other for one, other in zip(before, inside, strict=True))
    assert [seam._check(item) for item in seam.REPLACED] == before
    assert list(tmp_path.iterdir()) == []


@spinnaker
@pytest.mark.parametrize(
    "change", [{"name": "transmitter"}, {"parameters": ("host",)}, {"module": "spinnman.missing"}]
)
def test_another_version_of_spynnaker_is_refused(monkeypatch, change):
    changed = (replace(seam.REPLACED[0], **change), *seam.REPLACED[1:])
    monkeypatch.setattr(seam, "REPLACED", changed)
    with (
        pytest.raises(UnsupportedError, match=r"differs from that of 7\.4"),
        seam.software_boards(),
    ):
        pass


@pytest.mark.parametrize("absent", ["spynnaker", "unicorn"])
def test_missing_packages_are_named(monkeypatch, absent):
    find = seam.importlib.util.find_spec
    present = {"spynnaker", "unicorn"} - {absent}
    monkeypatch.setattr(
        seam.importlib.util,
        "find_spec",
        lambda name: True if name in present else None if name == absent else find(name),
    )
    with pytest.raises(BackendMissing, match=r'pip install "\.\[board\]"'):
        sm.simulate(small(), 5.0, backend="board")


@pytest.mark.parametrize("version", ["1!7.3.0", "1!7.40.0", "1!8.0.0"])
def test_other_versions_are_named(monkeypatch, version):
    monkeypatch.setattr(seam.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(seam, "package_version", lambda name: version)
    with pytest.raises(UnsupportedError, match=f"{version[2:]} is installed"):
        seam.require_board()


def test_check_and_the_backend_refuse_the_same():
    exact = sm.check(small(), "board", integrator="exact")
    assert [item.level for item in exact if "constant over a step" in item.what] == ["error"]
    coarse = small(5000.0)
    errors = [item.level for item in sm.check(coarse, "board")]
    assert errors == [item.level for item in sm.check(coarse, "spinnaker")]
    assert sm.check(coarse, "board", force=True) == []


@pytest.fixture
def process(monkeypatch):
    """The processes that the backend starts, each running some lines of Python instead."""
    monkeypatch.setattr(backend, "require_board", lambda: None)
    started = []

    def replace_with(text):
        def command(script, others, *, seed, answer):
            return [sys.executable, "-c", text, str(answer)]

        start = subprocess.Popen

        def popen(*arguments, **options):
            started.append(start(*arguments, **options))
            return started[-1]

        monkeypatch.setattr(backend, "command", command)
        monkeypatch.setattr(backend.subprocess, "Popen", popen)
        return started

    return replace_with


def test_a_failure_of_a_core_is_told_in_its_own_words(process):
    told = {"error": {"type": "BoardFault", "message": "core (0, 0, 3): out of DTCM"}}
    process(f"import sys; open(sys.argv[1] + '/answer.json', 'w').write({json.dumps(told)!r})")
    with pytest.raises(SimulationError, match=r"backend 'board': core \(0, 0, 3\): out of DTCM$"):
        sm.simulate(small(), 5.0, backend="board")


def test_an_error_of_spynnaker_is_named(process):
    told = {"error": {"type": "SynapseRowTooBigException", "message": "too big"}}
    process(f"import sys; open(sys.argv[1] + '/answer.json', 'w').write({json.dumps(told)!r})")
    with pytest.raises(SimulationError, match="sPyNNaker: SynapseRowTooBigException: too big"):
        sm.simulate(small(), 5.0, backend="board")


def test_a_process_that_dies_leaves_its_last_words(process):
    process("import sys; sys.exit('Segmentation fault')")
    with pytest.raises(SimulationError, match="status 1: Segmentation fault"):
        sm.simulate(small(), 5.0, backend="board")


def test_an_interrupt_ends_the_process_and_leaves_the_session_as_it_was(process):
    started = process("import time; time.sleep(600)")

    def interrupt(fraction):
        raise KeyboardInterrupt

    with sm.Session(small(), backend="board") as session, pytest.raises(KeyboardInterrupt):
        session.run(5.0, progress=interrupt)
    (child,) = started
    assert child.returncode is not None


@spinnaker
def test_a_network_that_the_emulator_refuses_is_not_compared(tmp_path):
    high = LIF(v_reset=-40.0, v_thresh=-50.0)
    network = small()
    network = network.replace(replace(network.population("out"), cell=high))
    found = compare_with_board(network, 10.0)
    assert found.refused
    assert not found.same
    assert "refuses it" in str(found)
