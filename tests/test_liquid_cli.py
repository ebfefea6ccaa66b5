"""Commands of liquids, and the files that they read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fuzz import data as files
from scipy.io import wavfile

from spikemem.cli import main
from spikemem.data import read_images
from spikemem.errors import DescriptionError, StorageError
from spikemem.networks.liquid import LiquidStateMachine
from spikemem.networks.liquid.datasets import read_events
from spikemem.networks.liquid.sources import saccade_events


def test_digits_are_trained_and_tested(tmp_path, capsys):
    model = tmp_path / "m.h5"
    line = ["liquid", "train", "digits", "--out", str(model), "--per-class", "30", "--n-neurons",
            "100", "--bins", "2", "--seed", "3", "--json"]  # fmt: skip
    assert main(line) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_train"], facts["n_features"], facts["n_input_features"]) == (300, 200, 512)
    loaded = LiquidStateMachine.load(model)
    assert (loaded.n_neurons, loaded.bins, loaded.seed, loaded.n_steps) == (100, 2, 3, 50)
    assert main(["liquid", "test", str(model), "digits", "--to", "100", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    # The same by hand: every fourth image, the first 100 of these.
    digits = read_images("digits")[::4][:100]
    report = loaded.report(saccade_events(digits), digits.labels)
    assert facts["accuracy"] == report.accuracy
    assert facts["input_accuracy"] == report.input_accuracy
    assert facts["samples_per_second"] > 0
    assert main(["liquid", "test", str(model), "digits", "--to", "100"]) == 0
    out = capsys.readouterr().out
    assert f"{report.accuracy:.4f} correct of 100 samples" in out
    assert "from the input alone, with the same time bins" in out


def test_a_device_holds_the_weights(tmp_path, capsys):
    model = tmp_path / "m.h5"
    line = ["liquid", "train", "digits", "--out", str(model), "--to", "60", "--device", "PCM",
            "--time", "3600", "-q"]  # fmt: skip
    assert main(line) == 0
    assert capsys.readouterr().out == ""
    loaded = LiquidStateMachine.load(model)
    assert (type(loaded.device).__name__, loaded.time) == ("PCM", 3600.0)
    assert main(line) == 2
    assert "exists already" in capsys.readouterr().err


def test_measures(tmp_path, capsys):
    line = ["liquid", "measure", "digits", "--to", "40", "--n-neurons", "50", "--streams", "60",
            "--json"]  # fmt: skip
    assert main(line) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kernel_quality"] >= facts["generalisation_rank"] > 0
    assert facts["samples"] == 40
    assert 0 < facts["spikes_per_neuron_and_step"] < 1
    assert facts["class_separation"] > 0
    assert main(["liquid", "measure", "--n-neurons", "20", "--streams", "20"]) == 0
    assert "memory capacity" in capsys.readouterr().out


BAD = {
    "missing": (["train", "missing", "--out", "x.h5"], "missing"),
    "no samples": (["train", "digits", "--from", "9999", "--out", "x.h5"], "no samples"),
    "device": (["train", "digits", "--device", "XYZ", "--out", "x.h5"], "is not a device"),
    "age": (["train", "digits", "--to", "50", "--time", "3", "--out", "x.h5"], "device"),
    "one class": (["train", "digits", "--to", "1", "--out", "x.h5"], "at least two classes"),
    "bins": (["train", "digits", "--to", "50", "--bins", "51", "--out", "x.h5"], "bins must be"),
    "folder": (["train", "digits", "--out", "no/x.h5"], "no folder"),
    "no model": (["test", "model.txt", "digits"], "model.txt"),
}


@pytest.mark.parametrize(("line", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line(line, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.txt").write_text("text")
    assert main(["liquid", *line]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "x.h5").exists()


def test_a_model_of_other_channels_is_refused(tmp_path, capsys):
    model = tmp_path / "m.h5"
    assert main(["liquid", "train", "digits", "--to", "50", "--out", str(model), "-q"]) == 0
    speech = tmp_path / "fsdd"
    speech.mkdir()
    wavfile.write(speech / "1_theo_0.wav", 8000, (files.TONE * 1000).astype(np.int16))
    assert main(["liquid", "test", str(model), str(speech)]) == 2
    assert "events must have 256 channels, got 64" in capsys.readouterr().err


def test_every_kind_of_file_is_found_out(tmp_path):
    folder = files.folder()
    for name, kind, shape in (
        ("fsdd", "speech by a simulated cochlea", (64,)),
        ("shd.h5", "recordings of a cochlea", (700,)),
        ("n.h5", "recordings of a cochlea", (64,)),
    ):
        found = read_events(folder / name)
        assert (found.kind, found.events.shape, found.events.n_steps) == (kind, shape, 129)
        assert found.liquid.decay == 0.97
    camera = read_events(folder / "nmnist")
    assert (camera.events.shape, camera.events.n_steps) == ((16, 16), 50)
    assert camera.labels.tolist() == [0, 1]
    alone = read_events(folder / "nmnist" / "0" / "00001.bin", n_steps=7)
    assert (len(alone.events), alone.events.n_steps) == (1, 7)
    np.savez(tmp_path / "a.npz", images=np.eye(28)[None].astype(np.uint8) * 255, labels=[4])
    images = read_events(tmp_path / "a.npz")
    assert (images.labels.tolist(), images.liquid.decay) == ([4], 0.9)


def test_the_digits_have_a_test_set():
    train, test = (read_events("digits", split=split, last=9) for split in ("train", "test"))
    labels = read_images("digits").labels
    assert test.labels.tolist() == labels[::4][:9].tolist()
    assert train.labels.tolist() == [labels[k] for k in (1, 2, 3, 5, 6, 7, 9, 10, 11)]
    part = read_events("digits", first=5, last=200, per_class=2)
    assert np.bincount(part.labels).tolist() == [2] * 10


def test_files_that_can_not_be_read(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.tar.xz").write_bytes(b"x" * 100)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"x" * 100)
    for name in ("missing", "empty", "a.tar.xz", "a.h5"):
        with pytest.raises(StorageError, match=name):
            read_events(tmp_path / name)
    with pytest.raises(DescriptionError, match="no samples"):
        read_events("digits", first=2000)
