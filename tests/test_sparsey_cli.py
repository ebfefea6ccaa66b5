"""``spikemem sparsey``: trains, tests, and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spikemem.cli import main
from spikemem.data import read_images
from spikemem.networks.sparsey import Sparsey, image_tower

SMALL = ["--modules", "8", "--cells", "16", "--pitch", "2"]


def run(capsys, *words) -> str:
    assert main(["sparsey", *words]) == 0
    return capsys.readouterr().out


def fails(capsys, *words) -> str:
    assert main(["sparsey", *words]) in (1, 2)
    out = capsys.readouterr()
    assert len(out.err.strip().splitlines()) == 1
    assert "Traceback" not in out.err
    return out.err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tower trained by the command line on 40 digits of each class, and its JSON."""
    file = tmp_path_factory.mktemp("sparsey") / "tower.h5"
    words = ["sparsey", "train", "digits", "--per-class", "40", "--out", str(file), *SMALL]
    assert main([*words, "--seed", "3", "--quiet"]) == 0
    return file


def test_train_and_test(capsys, trained):
    facts = json.loads(run(capsys, "test", str(trained), "digits", "--from", "1000", "--json"))
    assert set(facts) == {"accuracy", "accuracy_single_pass", "images_per_second"}
    data = read_images("digits")
    model = Sparsey.load(trained)
    later = data[1000:]
    assert facts["accuracy"] == model.score(later.images, later.labels)
    assert facts["accuracy_single_pass"] == model.score(
        later.images, later.labels, single_pass=True
    )
    assert facts["accuracy"] > 0.85
    assert facts["images_per_second"] > 0
    text = run(capsys, "test", str(trained), "digits", "--to", "500")
    assert text.startswith("500 images: accuracy 0.")


def test_it_is_the_tower_that_python_makes(capsys, trained):
    data = read_images("digits").per_class(40)
    tower = image_tower(8, 8, brightest=16, pitch=2, modules=8, cells=16, seed=3)
    tower.fit(data.images, data.labels)
    found = Sparsey.load(trained)
    assert found.arguments() == tower.arguments()
    np.testing.assert_array_equal(found.weights(0, 5), tower.weights(0, 5))


def test_output_of_train(capsys, tmp_path):
    file = tmp_path / "a.h5"
    words = ["train", "digits", "--per-class", "3", "--out", str(file), *SMALL]
    assert "30 images learnt in" in run(capsys, *words)
    assert "use --overwrite to replace it" in fails(capsys, *words)
    facts = json.loads(run(capsys, *words, "--overwrite", "--json"))
    assert facts["images"] == 30
    assert facts["file"] == str(file)
    assert facts["images_per_second"] == pytest.approx(30 / facts["seconds"])
    assert run(capsys, *words, "--overwrite", "--quiet") == ""


def test_npz_files(capsys, tmp_path):
    data = read_images("digits")[:100]
    np.savez(tmp_path / "a.npz", images=data.images * 15, labels=data.labels)
    file = tmp_path / "a.h5"
    run(capsys, "train", str(tmp_path / "a.npz"), "--out", str(file), *SMALL)
    facts = json.loads(run(capsys, "test", str(file), str(tmp_path / "a.npz"), "--json"))
    assert facts["accuracy"] > 0.9


def test_bad_input_is_one_line(capsys, tmp_path, trained):
    out = str(tmp_path / "b.h5")
    assert "No such file" in fails(capsys, "train", "missing.npz", "--out", out)
    assert "does not exist" in fails(capsys, "train", "digits", "--out", f"{tmp_path}/no/b.h5")
    assert "a folder" in fails(capsys, "train", "digits", "--out", str(tmp_path))
    text = fails(capsys, "train", "digits", "--out", out, "--per-class", "500")
    assert "at most 174" in text
    assert "cells must be an int" in fails(capsys, "train", "digits", "--out", out, "--cells", "0")
    assert "radius must be" in fails(capsys, "train", "digits", "--out", out, "--radius", "-1")
    assert "--from and --to" in fails(capsys, "train", "digits", "--out", out, "--to", "9999")
    assert not (tmp_path / "b.h5").exists()
    big = np.zeros((10, 28, 28), np.uint8)
    np.savez(tmp_path / "big.npz", images=big, labels=np.arange(10))
    assert "images of shape" in fails(capsys, "test", str(trained), str(tmp_path / "big.npz"))
    (tmp_path / "text.h5").write_text("no file of ours")
    assert "text.h5" in fails(capsys, "test", str(tmp_path / "text.h5"), "digits")


def test_images_without_any_bright_pixel(capsys, tmp_path):
    np.savez(tmp_path / "dark.npz", images=np.zeros((4, 9, 9), np.uint8), labels=[0, 1, 0, 1])
    words = ["train", str(tmp_path / "dark.npz"), "--out", str(tmp_path / "c.h5")]
    assert "must activate a mac of levels[0]" in fails(capsys, *words)


def test_settings_for_images_of_other_sizes():
    large = image_tower(28, 20)
    assert large.threshold == (127.5,)
    assert large.levels[0].grid == (28, 20)
    assert large.levels[0].radius == 6.3
    assert image_tower(28, 28, pitch=2, radius=5.0).levels[0].grid == (14, 14)
    assert image_tower(8, 8, saturation=1.0).plasticity.saturation is None
    assert image_tower(8, 8, grey=2, brightest=3).threshold == (1.0, 2.0)
