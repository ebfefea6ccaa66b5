"""The exported script and the backend "spinnaker", run on a stand-in for the board."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import fake_spinnaker
import numpy as np
import pytest
from board_networks import random_network

import spikemem as sm
from spikemem.errors import SimulationError, SpikememWarning
from spikemem.hardware.spinnaker import run as backend
from spikemem.network import LIF, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

SHORT = LIF(tau_m=3.0, cm=0.27, v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0, tau_refrac=1.0)


def emulate(network, duration):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikememWarning)
        return sm.simulate(network, duration, backend="emulator", allow_coarse=True)


def run_script(folder, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [str(folder / "run.py"), *arguments])
    runpy.run_path(str(folder / "run.py"), run_name="__main__")


def assert_same(got, wanted):
    for name in wanted.spikes:
        assert got[name].to_lists() == wanted[name].to_lists(), name
    assert got.traces.keys() == wanted.traces.keys()
    for key, trace in wanted.traces.items():
        # The first row is the initial value as the network says it, not in s16.15.
        np.testing.assert_array_equal(got.traces[key][1:], trace[1:])
    assert got.weights.keys() >= {name for name, w in wanted.weights.items() if w.size}
    for name in got.weights:
        np.testing.assert_array_equal(got.weights[name], wanted.weights[name])


def structured(dt, delays):
    """One-to-one and all-to-all with these delays, from sources that fire in the first steps."""
    trains = SpikeTrains.from_lists([[0.0, 7 * dt], [2 * dt], [], [3 * dt]])
    populations = [Population(name="in", cell=SpikeSource(spikes=trains))]
    projections = []
    for k, delay in enumerate(delays):
        populations.append(Population(name=f"a{k}", size=4, cell=SHORT, record=("spikes", "v")))
        make = Projection.all_to_all if k % 2 else Projection.one_to_one
        projections.append(make(f"p{k}", "in", f"a{k}", weight=2.0, delay=delay))
    return Network(populations=populations, projections=projections, dt=dt)


CASES = {
    "lists": random_network(1, 40),
    "plastic": random_network(4, 40),
    "structured": structured(1.0, [1.0, 3.0]),
    "short delays": structured(0.1, [0.1, 0.2, 0.3, 0.4, 0.8, 0.9, 1.3, 1.4]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_script_gives_what_the_emulator_predicts(name, tmp_path, monkeypatch):
    network = CASES[name]
    duration = 40 * network.dt
    board = fake_spinnaker.install(monkeypatch)
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True, duration=duration)
    out = tmp_path / "mine.h5"
    run_script(folder, monkeypatch, "--out", str(out))
    assert board.calls == ["end"]
    got, wanted = sm.load_recording(out), emulate(network, duration)
    assert sum(len(trains) for trains in wanted.spikes.values()) > 3
    assert_same(got, wanted)


def test_the_board_is_sent_the_spikes_of_the_sources(tmp_path, monkeypatch):
    network = structured(1.0, [1.0])
    board = fake_spinnaker.install(monkeypatch)
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True)
    run_script(folder, monkeypatch, "--out", str(tmp_path / "mine.h5"))
    assert board.populations[0].cell == [[0.0, 7.0], [2.0], [], [3.0]]
    assert board.populations[1].cell.tau_m == SHORT.tau_m
    assert board.populations[1].additional == {"neurons_per_core": 256}


def test_sources_without_spikes_are_an_empty_list(tmp_path, monkeypatch):
    """sPyNNaker fails on lists that are all empty."""
    silent = SpikeSource(spikes=SpikeTrains.empty(4, duration=5.0))
    network = structured(1.0, [1.0]).replace(Population(name="in", cell=silent))
    board = fake_spinnaker.install(monkeypatch)
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True)
    run_script(folder, monkeypatch, "--out", str(tmp_path / "mine.h5"))
    assert board.populations[0].cell == []


def test_delays_that_the_board_would_cut_off_are_lists(tmp_path):
    network = CASES["short delays"]
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True)
    written = json.loads((folder / "network.json").read_text())["projections"]
    listed = {item["delay"] for item in written if item["connector"] == "list"}
    assert listed == {0.3, 0.4, 0.8, 0.9, 1.3, 1.4}
    assert "would become 2 steps instead of 3" in (folder / "README.md").read_text()


def test_a_virtual_board_writes_no_recording(tmp_path, monkeypatch):
    board = fake_spinnaker.install(monkeypatch, virtual=True)
    folder = sm.export(CASES["structured"], "spinnaker", tmp_path / "out", force=True)
    with pytest.raises(SystemExit, match="but not run"):
        run_script(folder, monkeypatch, "--out", str(tmp_path / "mine.h5"))
    assert board.calls == ["end"]
    assert not (tmp_path / "mine.h5").exists()


@pytest.fixture
def process(monkeypatch):
    """A board of one's own, and a process that runs the script in this one."""
    monkeypatch.setattr(backend, "require_spynnaker", lambda: None)
    monkeypatch.setattr(backend, "machine_of_the_user", lambda: {"machine_name": "mine"})
    monkeypatch.setattr(backend, "package_version", lambda name: f"{name} of the test")
    board = fake_spinnaker.install(monkeypatch)
    commands = []

    def run(command, *, capture_output, text, check):
        assert (capture_output, text, check) == (True, True, False)
        commands.append(command)
        assert command[0] == sys.executable
        run_script(Path(command[1]).parent, monkeypatch, *command[2:])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(backend.subprocess, "run", run)
    board.commands = commands
    return board


def test_a_run_on_a_board_is_the_recording_of_the_script(process):
    network = CASES["structured"]
    fractions = []
    got = sm.simulate(network, 20.0, backend="spinnaker", progress=fractions.append)
    assert_same(got, emulate(network, 20.0))
    assert sum(len(trains) for trains in got.spikes.values()) > 3
    assert (got.start, got.stop, got.provenance["backend"]) == (0.0, 20.0, "spinnaker")
    assert got.provenance["sPyNNaker"] == "sPyNNaker of the test"
    assert fractions[-1] == 1.0
    (command,) = process.commands
    assert command[2:4] == ["--sim", "spinnaker"]
    assert not Path(command[1]).parent.exists()


def test_inputs_weights_and_shifts_of_one_run_reach_the_board(process):
    rule = sm.STDP(tau_plus=5.0, tau_minus=5.0, a_plus=1.0, a_minus=1.0, w_max=4.0)
    base = structured(1.0, [1.0])
    network = base.replace(replace(base.projection("p0"), plasticity=rule))
    spikes = SpikeTrains(ids=[2, 3], times=[4.0, 5.0], size=4, duration=20.0)
    with sm.Session(network, backend="spinnaker", shifts={"a0": (5, 0)}) as session:
        session.run(20.0, inputs={"in": spikes})
    assert process.populations[0].cell == [[], [], [4.0], [5.0]]
    asked = process.populations[1].additional["max_expected_summed_weight"]
    assert asked == [0.75 * 2**5, 0.75]


@pytest.mark.parametrize(
    ("stderr", "message"),
    [("Traceback\nOut of DTCM\n", "status 3: Out of DTCM"), ("", "status 3: no message")],
)
def test_a_board_that_fails_is_an_error_in_its_words(process, monkeypatch, stderr, message):
    def run(command, **options):
        return subprocess.CompletedProcess(command, 3, "", stderr)

    monkeypatch.setattr(backend.subprocess, "run", run)
    with pytest.raises(SimulationError, match=message):
        sm.simulate(CASES["structured"], 20.0, backend="spinnaker")
