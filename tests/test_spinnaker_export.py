"""The exported folder: run from elsewhere without spikemem, mapped; and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import ca3_cases
import numpy as np
import pytest
from board_networks import random_network
from reference import reference

import spikemem as sm
from spikemem.errors import DescriptionError, StorageError, UnsupportedError
from spikemem.hardware.spinnaker.export import FILES
from spikemem.network import LIF, Population

VIRTUAL = """[Machine]
version = 5
virtual_board = True
[Mode]
mode = Production
[Reports]
default_report_file_path = {folder}
write_network_graph = False
"""
BLOCKED = "import sys, runpy\nsys.modules['spikemem'] = None\nsys.argv[:] = sys.argv[1:]\n"
BLOCKED += "runpy.run_path(sys.argv[0], run_name='__main__')"


def run(folder, elsewhere, *arguments, **environment):
    """Run the script of a folder in another one, where spikemem can't be imported."""
    command = [sys.executable, "-I", "-c", BLOCKED, str(folder / "run.py"), *arguments]
    return subprocess.run(
        command, cwd=elsewhere, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.fixture
def network():
    memory = sm.CA3Memory(5, 10, preset="robust", gated=False)
    return memory.build([sm.Learn(0, [1, 2]), sm.RecallCue(0), sm.RecallContent([2])])


def test_what_the_folder_holds(network, tmp_path):
    folder = sm.export(network, "spinnaker", tmp_path / "memory", title="Digits")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["memory"]
    readme = (folder / "README.md").read_text()
    assert readme.startswith("# Digits\n")
    assert "CueCue to ContCond veto" in readme
    assert "its oldest spikes are forgotten" in readme
    assert "spikemem" not in (folder / "requirements.txt").read_text()
    script = (folder / "run.py").read_text()
    assert "import spikemem" not in script
    assert "from spikemem" not in script
    data = json.loads((folder / "network.json").read_text())
    assert data["content_hash"] == network.content_hash
    assert data["duration"] == network.duration


@pytest.mark.nest
@pytest.mark.parametrize("case", ["published", "random"])
def test_the_folder_runs_on_nest(case, tmp_path):
    if case == "published":
        memory = sm.CA3Memory(5, 10, preset="published")
        network = memory.build(ca3_cases.EXPERIMENT_1, safe=False)
    else:
        network = random_network(1)
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run(folder, elsewhere, "--sim", "nest", "--out", "mine.h5", "--duration", "60")
    assert done.returncode == 0, done.stderr
    got = sm.load_recording(elsewhere / "mine.h5")
    wanted = reference(network, 60.0, "exact")
    assert all(got[name] == wanted[name] for name in wanted.spikes)
    assert got.traces.keys() == wanted.traces.keys()
    for key, trace in wanted.traces.items():
        assert np.abs(got.traces[key] - trace).max() < 1e-9
    assert got.weights.keys() == wanted.weights.keys()
    assert (got.start, got.stop, got.dt) == (0.0, 60.0, 1.0)
    assert got.provenance["network_hash"] == network.content_hash
    for projection in network.plastic:
        rule = projection.plasticity
        weight = got.weights[projection.name]
        assert weight.shape == wanted.weights[projection.name].shape
        assert not weight.size or rule.w_min <= weight.min() <= weight.max() <= rule.w_max


@pytest.mark.spinnaker
def test_the_folder_maps_on_a_virtual_board(network, tmp_path):
    folder = sm.export(network, "spinnaker", tmp_path / "out")
    config = tmp_path / "config"
    config.mkdir()
    (config / ".spynnaker.cfg").write_text(VIRTUAL.format(folder=tmp_path))
    done = run(
        folder, tmp_path, "--sim", "spinnaker", XDG_CONFIG_HOME=str(config), HOME=str(tmp_path)
    )
    assert done.returncode == 1
    assert "the network was mapped, but not run." in done.stderr
    assert not (tmp_path / "recording.h5").exists()


def test_it_refuses_what_the_machine_can_not_hold(network, tmp_path):
    wrong = network.replace(Population(name="OUTcue", size=5, cell=LIF(v_reset=0.0)))
    with pytest.raises(UnsupportedError, match="export: SpiNNaker cannot run this"):
        sm.export(wrong, "spinnaker", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    sm.export(wrong, "spinnaker", tmp_path / "out", force=True)


def test_nothing_is_left_of_a_failed_export(network, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spikemem.hardware.spinnaker.export.shutil.copyfile", fail)
    with pytest.raises(StorageError, match="No space left"):
        sm.export(network, "spinnaker", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "folder", "options", "error", "message"),
    [
        ("spinnaker", "no/such/folder", {}, StorageError, "cannot write"),
        ("spinnaker", ".", {}, StorageError, "already exists"),
        ("loihi", "out", {}, DescriptionError, "'loihi' is not a target"),
        ("spinnaker", "out", {"duration": 0.0}, DescriptionError, "duration must be > 0"),
    ],
)
def test_bad_arguments(network, tmp_path, target, folder, options, error, message):
    with pytest.raises(error, match=message):
        sm.export(network, target, tmp_path / folder, **options)
    with pytest.raises(DescriptionError, match="must be a Network"):
        sm.export("network", target, tmp_path / "x")


SECOND_PROCESS = """
import importlib, pathlib, sys
sys.path.insert(0, sys.argv[1])
import run
network, arrays = run.load(pathlib.Path(sys.argv[1]))
model = run.Model(importlib.import_module("pyNN.nest"), network, arrays)
model.build(threads=2)
model.run(network["duration"])
asked = []


def noted(name, function):
    def call(*args, **options):
        asked.append((name, args, options))
        return function(*args, **options)

    return call


for name, made in model.populations.items():
    made.get_data = noted(name, made.get_data)
for name, made in model.projections.items():
    made.get = noted(name, made.get)
run.write_recording(model, pathlib.Path("recording.h5"))
by_the_first, asked[:] = list(asked), []
model.collect()
assert len(by_the_first) > 5
assert by_the_first == asked, (by_the_first, asked)
"""


@pytest.mark.nest
def test_all_processes_collect_in_one_order(network, tmp_path):
    """With MPI each call that reads a recording must be made by every process."""
    folder = sm.export(network, "spinnaker", tmp_path / "memory")
    command = [sys.executable, "-c", SECOND_PROCESS, str(folder)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sm.load_recording(tmp_path / "recording.h5")["OUTcont"].ids.size


@pytest.mark.slow
@pytest.mark.nest
def test_threads_of_nest_change_nothing(network, tmp_path):
    folder = sm.export(network, "spinnaker", tmp_path / "memory")
    found = []
    for threads in ("1", "2"):
        out = str(tmp_path / f"{threads}.h5")
        result = run(folder, tmp_path, "--sim", "nest", "--threads", threads, "--out", out)
        assert result.returncode == 0, result.stderr
        found.append(sm.load_recording(out))
    assert found[0]["OUTcont"].ids.size
    assert found[0].same_as(found[1])
