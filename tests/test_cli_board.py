"""The commands for other machines."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import spikemem as sm
from spikemem.cli import main


@pytest.fixture
def stored(tmp_path):
    memory = sm.CA3Memory(3, 4)
    path = tmp_path / "net.h5"
    memory.build([sm.Learn(0, [1, 2]), sm.RecallCue(0)]).save(path)
    return path


@pytest.fixture
def coarse(tmp_path):
    """A rule whose steps are far below the resolution that the strong synapse leaves."""
    source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    rule = sm.STDP(a_plus=0.01, a_minus=0.01, w_max=1.0)
    network = sm.Network(
        populations=[
            sm.Population(name="in", cell=source),
            sm.Population(name="out", size=1, cell=sm.LIF()),
        ],
        projections=[
            sm.Projection.one_to_one("strong", "in", "out", weight=500.0, delay=1.0),
            sm.Projection.one_to_one("fine", "in", "out", weight=0.5, delay=1.0, plasticity=rule),
        ],
    )
    return network.save(tmp_path / "coarse.h5")


def test_check_lists_what_the_board_changes(stored, capsys):
    assert main(["check", str(stored)]) == 0
    assert "warning: projection 'W1': its windows are ignored" in capsys.readouterr().out
    assert main(["check", str(stored), "--json"]) == 0
    problems = json.loads(capsys.readouterr().out)
    assert {problem["level"] for problem in problems} == {"warning", "note"}


def test_check_of_a_backend_that_can_do_all_says_so(stored, capsys):
    assert main(["check", str(stored), "--target", "brian2"]) == 0
    assert "no problems" in capsys.readouterr().out


def test_check_and_export_refuse_learning_below_the_resolution(coarse, tmp_path, capsys):
    assert main(["check", str(coarse)]) == 2
    assert "error: projection 'fine'" in capsys.readouterr().out
    assert main(["export", str(coarse), str(tmp_path / "out")]) == 2
    assert "cannot run this network" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["export", str(coarse), str(tmp_path / "out"), "--ignore-errors"]) == 0
    assert (tmp_path / "out" / "run.py").exists()


def test_the_emulator_warns_in_one_line_of_coarse_learning(coarse, tmp_path, capsys):
    network = sm.load_network(coarse)
    rule = sm.STDP(a_plus=0.2, a_minus=0.2, w_max=1.0)
    network.replace(replace(network.projection("fine"), plasticity=rule)).save(coarse)
    out = ["--out", str(tmp_path / "out.h5"), "--quiet", "--duration", "20"]
    assert main(["simulate", str(coarse), "--backend", "emulator", *out]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("spikemem: warning: backend 'emulator'") for line in lines)


def test_each_target_is_listed_once(stored, capsys):
    assert main(["check", str(stored), "--target", "nosuch"]) == 2
    listed = capsys.readouterr().err.partition("(have: ")[2].partition(")")[0].split(", ")
    assert "spinnaker" in listed
    assert len(listed) == len(set(listed))


def test_errors_of_a_network_are_one_line_and_name_the_options(coarse, tmp_path, capsys):
    assert main(["export", str(coarse), str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "projection 'fine'" in error
    assert "--smallest-step" in error
    assert error.endswith("Pass --ignore-errors to go on anyway.\n")


@pytest.mark.spinnaker
def test_map_refuses_in_one_line(coarse, capsys):
    assert main(["map", str(coarse)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.endswith("Pass --ignore-errors to go on anyway.\n")


@pytest.mark.slow
@pytest.mark.spinnaker
def test_map_allows_smaller_steps_when_asked(coarse, capsys):
    assert main(["map", str(coarse), "--smallest-step", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chips"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["export", "--to", "spinnaker", "--overwrite"],
        ["export", "--to", "nir", "--ignore-errors"],
        ["export", "--to", "nir", "--duration", "5"],
        ["export", "--to", "nir", "--smallest-step", "5"],
        ["check", "--target", "brian2", "--smallest-step", "5"],
        ["simulate", "--backend", "native", "--ignore-errors"],
        ["simulate", "--backend", "native", "--target", "numpy"],
    ],
)
def test_an_option_without_effect_is_refused(stored, tmp_path, capsys, words):
    out = [str(tmp_path / "out")] if words[0] == "export" else []
    assert main([*words, "--", str(stored), *out]) == 2
    option = [word for word in words if word.startswith("--")][-1]
    assert f"{option} cannot be used with {words[1]} {words[2]}" in capsys.readouterr().err


def test_export_to_nir_overwrites_only_when_asked(tmp_path, capsys):
    pytest.importorskip("nir")
    population = sm.Population(name="a", size=2, cell=sm.LIF(tau_refrac=0.0))
    path = sm.Network(populations=[population]).save(tmp_path / "plain.h5")
    out = tmp_path / "plain.nir"
    out.write_text("precious")
    words = ["export", str(path), str(out), "--to", "nir", "--quiet"]
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert main([*words, "--overwrite"]) == 0
    assert out.read_bytes() != b"precious"


def test_unknown_target_names_the_known_ones(stored, capsys):
    assert main(["check", str(stored), "--target", "spinaker"]) == 2
    assert "Did you mean 'spinnaker'" in capsys.readouterr().err


def test_export_writes_a_folder_once(stored, tmp_path, capsys):
    folder = tmp_path / "board"
    assert main(["export", str(stored), "--to", "spinnaker", str(folder)]) == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {"run.py", "network.json", "arrays.npz", "README.md", "requirements.txt"}
    assert main(["export", str(stored), str(folder)]) == 2
    assert "already exists" in capsys.readouterr().err


def test_export_to_nir_refuses_plasticity_and_writes_the_rest(stored, tmp_path, capsys):
    nir = pytest.importorskip("nir")
    assert main(["export", str(stored), "--to", "nir", str(tmp_path / "net.nir")]) == 2
    assert "plastic" in capsys.readouterr().err
    cell = sm.LIF(tau_refrac=0.0)
    population = sm.Population(name="a", size=2, cell=cell)
    path = sm.Network(populations=[population]).save(tmp_path / "plain.h5")
    assert main(["export", str(path), "--to", "nir", str(tmp_path / "plain.nir")]) == 0
    nodes = nir.read(tmp_path / "plain.nir").nodes.values()
    assert any(np.size(getattr(node, "v_threshold", ())) == 2 for node in nodes)


@pytest.mark.spinnaker
def test_map_reports_chips_cores_and_keys(stored, capsys):
    assert main(["map", str(stored), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["chips"] == 1
    assert sum(report["cores"].values()) == 14
    assert report["keys"] > 0
