"""The demonstration: its answers, its files, and what it says when an answer is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spikemem as sm
from spikemem.cli import main
from spikemem.networks.ca3 import demo
from spikemem.networks.ca3.demo import digits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> demo.Outcome:
    return demo.run(folder)


def test_every_answer_is_exact(outcome):
    assert outcome.exact == outcome.total == 64
    assert all(row.exact == row.total for row in outcome.rows)


def test_the_table_asks_for_all_that_the_memory_can(outcome):
    asked = " ".join(row.asked for row in outcome.rows)
    for part in ("learn", "recall cues", ": any", ": all", ": 10 or more", ": best", "relearn",
                 "forget"):  # fmt: skip
        assert part in asked
    text = demo.table(outcome.rows).splitlines()
    assert len(text) == len(outcome.rows) + 2
    assert max(map(len, text)) <= 100
    assert "recall cues 0 to 15" in text[3]
    assert text[3].endswith("16/16     6 ms")


def test_the_files(outcome, folder):
    names = {"ca3.h5", "raster.png", "digits.png", "spinnaker"}
    assert {file.name for file in outcome.files} == names
    assert {file.name for file in folder.iterdir()} == names
    assert (folder / "spinnaker" / "run.py").exists()
    for name in ("raster.png", "digits.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_network_gives_the_recording_again(outcome, folder):
    network, recording = (load(folder / "ca3.h5") for load in (sm.load_network, sm.load_recording))
    assert recording.provenance["network_hash"] == network.content_hash
    assert recording.duration == outcome.duration
    assert sm.simulate(network).same_as(recording)


def test_the_memory_can_be_asked_again(outcome, folder):
    memory = sm.CA3Memory.load(folder / "ca3.h5")
    assert memory.health().ok
    assert 15 not in memory.contents
    for cue in range(15):
        assert memory.recall(cue=cue) == memory.contents[cue]
    assert memory.contents[0] == digits(0, 0)
    assert memory.contents[4] == digits(9, 2)
    assert not memory.recall(cue=15)


def test_info_on_the_file_says_what_was_simulated(outcome, folder, capsys):
    assert main(["info", str(folder / "ca3.h5")]) == 0
    text = capsys.readouterr().out
    assert f"0 to {outcome.duration:g} ms" in text
    assert "15 cues hold something" in text
    assert "0 ms simulated" not in text


def test_the_digits_are_sixteen_and_come_from_every_class():
    learnt = [digits(cue % 10, cue // 10) for cue in range(16)]
    assert len(set(learnt)) == 16
    # The first 0 of the data set, its grey values compared with 8 by hand.
    picture = np.zeros(64, dtype=int)
    picture[list(learnt[0])] = 1
    assert ["".join(" #"[dot] for dot in row) for row in picture.reshape(8, 8)] == [
        "   ##   ",
        "  ####  ",
        "  #  ## ",
        "  #  ## ",
        "  #  ## ",
        "  #  #  ",
        "  # ##  ",
        "   ##   ",
    ]


def test_what_answers_are_compared_with():
    memory = sm.CA3Memory(4, 8)
    content = [0, 1, 3, 5]
    asked = [sm.RecallContent(content, match=match) for match in ("any", "all", "best", 1, 2)]
    schedule = [
        sm.Learn(0, [0, 1, 2]), sm.Learn(1, [2, 3]), sm.Learn(2, [4]), sm.RecallCue(1),
        sm.RecallCue(3), *asked, sm.RecallContent([5], match="best"), sm.Learn(1, [5]),
        sm.RecallContent([2, 5]), sm.Forget(1), sm.RecallCue(1),
    ]  # fmt: skip
    assert memory.expected(schedule) == [
        {0, 1, 2}, {2, 3}, {4}, {2, 3},
        set(), {0, 1}, set(), {0}, {0, 1}, {0}, set(), {5},
        {0, 1}, set(), set(),
    ]  # fmt: skip
    assert memory.contents == {}


def test_the_command(capsys, tmp_path):
    out = tmp_path / "a" / "b"
    assert main(["demo", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "64 of 64 operations exact" in captured.out
    for name in ("ca3.h5", "raster.png", "digits.png"):
        assert str(out / name) in captured.out
        assert (out / name).is_file()
    before = (out / "ca3.h5").stat().st_mtime_ns
    assert main(["demo", "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert (out / "ca3.h5").stat().st_mtime_ns > before


def test_a_folder_that_can_not_be_made(capsys, tmp_path):
    (tmp_path / "file").write_text("x")
    assert main(["demo", "--out", str(tmp_path / "file" / "demo")]) == 2
    assert "cannot make the folder" in capsys.readouterr().err
    assert main(["demo", "--out", str(tmp_path / "file")]) == 2


def without_learning(network: sm.Network) -> sm.Network:
    return network.replace(*(
        replace(item, plasticity=replace(item.plasticity, a_plus=0.0)) for item in network.plastic
    ))  # fmt: skip


def test_an_inexact_answer_is_said_and_fails(capsys, monkeypatch, tmp_path):
    whole = demo.simulate
    monkeypatch.setattr(
        demo, "simulate", lambda net, **options: whole(without_learning(net), **options)
    )
    assert main(["demo", "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert " 0/16 " in captured.out
    assert captured.err.startswith("spikemem: error: ")
    assert "answers are not exact" in captured.err
