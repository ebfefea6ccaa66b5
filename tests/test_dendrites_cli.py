"""``spikemem sdr``: what it prints, and what it refuses."""

from __future__ import annotations

import json

import pytest

import spikemem as sm
from spikemem.cli import main
from spikemem.codes import random_patterns
from spikemem.networks.dendrites import TemporalMemory

SEGMENT = ["--n", "4000", "--a", "128", "--s", "24", "--theta", "12"]


def run(capsys, *words) -> str:
    assert main(["sdr", *words]) == 0
    return capsys.readouterr().out


def test_error(capsys):
    text = run(capsys, "error", *SEGMENT, "--v", "40", "--m", "1000", "--union", "3")
    rows = [line.rsplit("  ", 1) for line in text.splitlines()]
    assert rows[0][0].strip() == "false positive"
    assert float(rows[0][1]) == pytest.approx(1.343e-12, rel=1e-3)
    assert float(rows[1][1]) == pytest.approx(1.343e-9, rel=1e-3)
    assert [name.split()[0:2] for name, _ in rows[2:]] == [["false", "positive"],
                                                           ["false", "negative"]]  # fmt: skip


def test_error_in_other_forms(capsys):
    assert "563/7752" in run(
        capsys, "error", "--n", "20", "--a", "5", "--s", "5", "--theta", "3", "--exact"
    )
    tiny = ["--n", "1000000", "--a", "500", "--s", "500", "--theta", "300"]
    assert "e-" in run(capsys, "error", *tiny)
    facts = json.loads(run(capsys, "error", *tiny, "--json"))
    assert facts["ln"]["false positive"] < -1000
    sure = json.loads(run(capsys, "error", *SEGMENT, "--v", "5", "--json"))
    assert sure["ln"]["false negative with 5 cells swapped"] is None


def test_the_inverse(capsys):
    text = run(capsys, "theta", "--n", "2048", "--a", "40", "--s", "32")
    assert [line.split()[-1] for line in text.splitlines()][:3] == ["32", "10", "23"]
    facts = json.loads(run(capsys, "theta", "--n", "1000", "--a", "20", "--s", "20", "--json"))
    assert (facts["theta"], facts["v"]) == (8, 12)
    facts = json.loads(run(capsys, "synapses", "--n", "2048", "--a", "40", "--v", "10", "--json"))
    assert (facts["s"], facts["theta"]) == (16, 8)
    words = ["--n", "20000", "--a", "100", "--s", "25", "--theta", "15"]
    assert run(capsys, "patterns", *words) == "patterns  15\n"
    assert json.loads(run(capsys, "patterns", *words, "--json")) == {"patterns": 15}


def test_info(capsys, tmp_path):
    patterns = random_patterns(2, size=100, active=20, seed=1)
    neurons = sm.ActiveDendriteNeurons(100, n_segments=3)
    neurons.store(patterns)
    file = neurons.save(tmp_path / "neurons.h5")
    assert main(["info", str(file)]) == 0
    assert "2 patterns on 2 segments" in capsys.readouterr().out
    assert main(["info", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["model"]
    assert (facts["n_segments"], facts["segments_with_synapses"]) == (3, 2)
    memory = TemporalMemory(100)
    memory.learn([patterns], passes=2)
    file = memory.save(tmp_path / "memory.h5")
    assert main(["info", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["model"]
    assert (facts["model"], facts["connected_synapses"]) == ("TemporalMemory", 400)


@pytest.mark.parametrize("group", ["sdr", "device"])
def test_a_group_without_a_command_shows_its_help(capsys, group):
    assert main([group]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"Usage: spikemem {group}")


def test_messages_name_the_options(capsys):
    words = ["patterns", "--n", "100", "--a", "0", "--s", "10", "--theta", "5"]
    assert main(["sdr", *words]) == 2
    assert "--fp 1e-09" in capsys.readouterr().err.replace("1e-9", "1e-09")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["error", *SEGMENT, "--p-fail", "0.1"], "--p-fail needs --v"),
        (["error", "--n", "10", "--a", "11", "--s", "2", "--theta", "1"], "a must be from 0 to n"),
        (["theta", "--n", "10", "--a", "9", "--s", "3"], "even theta = s = 3"),
        (["theta", "--n", "10", "--a", "9"], "Missing option '--s'"),
        (["guess"], "No such command"),
    ],
)
def test_refused(capsys, words, part):
    assert main(["sdr", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err
    assert captured.err.startswith("spikemem: error: ")
