"""Runs of task sequences: accuracies, checkpoints, the command line, and pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

import matplotlib

from spikemem.cli import main
from spikemem.data import Images, read_images
from spikemem.errors import DescriptionError, StorageError
from spikemem.networks.hlop import AccuracyMatrix, HLOPClassifier
from spikemem.networks.hlop.energy import captured_energy
from spikemem.networks.hlop.figures import (
    accuracy_curves,
    accuracy_matrix,
    energy_bars,
    mean_accuracy_curves,
)
from spikemem.networks.hlop.sequence import learn_tasks
from spikemem.networks.hlop.tasks import ClassSplit, PermutedImages

matplotlib.use("Agg")

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(3, 16))
LABELS = np.arange(150) % 3
GREY = np.clip(90 + 60 * CENTRES[LABELS] + 20 * RNG.normal(size=(150, 16)), 0, 255)
IMAGES = Images(GREY.reshape(150, 4, 4).astype(np.uint8), LABELS)
TASKS = PermutedImages(IMAGES, 3)


def model(**changes):
    settings = {"layers": (16, 12, 12, 3), "batch": 10, "epochs": 2, "seed": 1, **changes}
    return HLOPClassifier(**settings)


class Stop(Exception):
    """Stands for an interruption."""


def stop_after(n):
    def check(result):
        if result.matrix.n_learnt == n:
            raise Stop

    return check


def test_the_matrix_is_that_of_single_calls():
    result = learn_tasks(model(), TASKS)
    other = model()
    expected = []
    base = [other.score(task.test_x, task.test_y) for task in TASKS]
    for task in TASKS:
        other.learn_task(task.x, task.y)
        expected.append([other.score(each.test_x, each.test_y) for each in TASKS])
    assert np.array_equal(result.matrix.R, expected)
    assert result.matrix.baseline.tolist() == base
    assert len(result.seconds) == len(result.test_seconds) == len(result.memory) == 3
    assert result.memory[2]["method"] > result.memory[0]["method"] > 0


def test_what_is_measured_can_be_less():
    full = learn_tasks(model(), TASKS).matrix.R
    seen = learn_tasks(model(), TASKS, evaluate="seen").matrix
    last = learn_tasks(model(), TASKS, evaluate="last").matrix
    lower = np.tril(np.ones((3, 3), bool))
    assert np.array_equal(seen.R[lower], full[lower])
    assert np.isnan(seen.R[~lower]).all()
    assert np.array_equal(np.diag(last.R), np.diag(full))
    assert np.array_equal(last.R[2], full[2])
    assert np.isnan(last.R[1, 0])
    assert last.bwt == seen.bwt
    assert "untrained" in seen.measures()["fwt"]


@pytest.mark.parametrize("method", ["hlop", "svd", "naive"])
def test_after_a_stop_the_result_is_the_same(tmp_path, method):
    whole = learn_tasks(model(method=method), TASKS)
    with pytest.raises(Stop):
        learn_tasks(model(method=method), TASKS, checkpoint=tmp_path, after_task=stop_after(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accuracies.json", "model-002.h5"]
    again = model(method=method)
    result = learn_tasks(again, TASKS, checkpoint=tmp_path)
    assert result.resumed == 2
    assert np.array_equal(result.matrix.R, whole.matrix.R)
    assert np.array_equal(result.matrix.baseline, whole.matrix.baseline)
    done = learn_tasks(model(method=method), TASKS, checkpoint=tmp_path)
    assert done.resumed == 3
    assert np.array_equal(done.matrix.R, whole.matrix.R)


def test_a_stop_between_learning_and_tests_loses_nothing(tmp_path, monkeypatch):
    whole = learn_tasks(model(), TASKS)
    score, calls = HLOPClassifier.score, []

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3 + 3 + 2:  # Untrained, after task 0, and within the tests of task 1.
            raise KeyboardInterrupt
        return score(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(HLOPClassifier, "score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            learn_tasks(model(), TASKS, checkpoint=tmp_path)
    result = learn_tasks(model(), TASKS, checkpoint=tmp_path)
    assert result.resumed == 2
    assert len(result.seconds) == 3
    assert np.array_equal(result.matrix.R, whole.matrix.R)


def test_tasks_that_come_back():
    result = learn_tasks(model(), TASKS, order=[0, 1, 0, 2])
    assert result.matrix.order.tolist() == [0, 1, 0, 2]
    assert result.matrix.returned == (0,)
    assert isinstance(result.matrix.measures()["accumulation"], float)


def test_a_head_for_each_task():
    x = np.concatenate([GREY - 90, 90 - GREY]) / 60
    y = np.concatenate([LABELS, LABELS + 3])
    tasks = ClassSplit(x, y, x, y, classes=[[0, 1, 2], [5, 4, 3]])
    result = learn_tasks(model(heads="task", epochs=6), tasks)
    assert np.isnan(result.matrix.R[0, 1])
    assert result.matrix.acc > 0.8


def test_learning_is_what_makes_the_difference():
    untrained = learn_tasks(model(), TASKS).matrix
    assert untrained.learning_accuracy > untrained.baseline.mean() + 0.2


def test_checkpoints_of_something_else(tmp_path):
    learn_tasks(model(), TASKS, order=[0], checkpoint=tmp_path)
    with pytest.raises(StorageError, match="other tasks, or another order"):
        learn_tasks(model(), TASKS, checkpoint=tmp_path)
    with pytest.raises(StorageError, match="other tasks"):
        learn_tasks(model(), PermutedImages(IMAGES, 3, seed=5), order=[0], checkpoint=tmp_path)
    with pytest.raises(StorageError, match="another network"):
        learn_tasks(model(seed=2), TASKS, order=[0], checkpoint=tmp_path)
    good = json.loads((tmp_path / "accuracies.json").read_text())
    short = {**good, "result": {**good["result"], "memory_bytes": []}}
    value = {**good, "result": {**good["result"], "R": [[5, 5, 5]]}}
    for text in ("no JSON", "[]", "{}", json.dumps(short), json.dumps(value), "[" * 100_000):
        (tmp_path / "accuracies.json").write_text(text)
        with pytest.raises(StorageError, match=r"'accuracies.json' is damaged"):
            learn_tasks(model(), TASKS, order=[0], checkpoint=tmp_path)
    (tmp_path / "accuracies.json").write_text(json.dumps(good))
    (tmp_path / "model-001.h5").unlink()
    with pytest.raises(StorageError, match="has learnt 0 tasks, but 1 are recorded"):
        learn_tasks(model(), TASKS, order=[0], checkpoint=tmp_path)


def test_bad_calls():
    with pytest.raises(DescriptionError, match="tasks must be"):
        learn_tasks(model(), 5)
    with pytest.raises(DescriptionError, match="order must hold tasks from 0 to 2, got 3"):
        learn_tasks(model(), TASKS, order=[3])
    with pytest.raises(DescriptionError, match="must be untrained"):
        learn_tasks(model().learn_task(TASKS[0].x, TASKS[0].y), TASKS)
    with pytest.raises(DescriptionError, match="samples must have 9 values"):
        learn_tasks(model(layers=(9, 5, 3)), TASKS)


def test_captured_energy():
    learner = model(ranks=None)
    learn_tasks(learner, TASKS, order=[0])
    x = TASKS[0].x
    found, best = captured_energy(learner, x), captured_energy(learner, x, best=True)
    assert found.shape == (3,)
    # The rows are orthonormal: no subspace of this rank captures more than the components.
    assert (found <= best + 1e-6).all()
    # More than random rows capture.
    assert (found > np.array(learner.ranks.of_task(0)) / [16, 12, 12]).all()
    rows = learner.kept_["subspace 0 rows"].astype(float)
    expected = ((x @ rows.T) ** 2).sum() / (x.astype(float) ** 2).sum()
    assert found[0] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(DescriptionError, match="must have subspaces"):
        captured_energy(model(method="naive"), x)
    with pytest.raises(DescriptionError, match="at least one sample"):
        captured_energy(learner, x[:0])


def run(capsys, *words):
    assert main(["continual", "pmnist", *words]) == 0
    return capsys.readouterr().out


SMALL = ("digits", "--tasks", "2", "--hidden", "20", "--train", "300")


def test_the_command(capsys, tmp_path):
    out, picture = tmp_path / "R.csv", tmp_path / "R.png"
    words = [*SMALL, "--checkpoint", str(tmp_path / "run")]
    text = run(capsys, *words, "--out", str(out), "--plot", str(picture))
    assert "the last sixth of the images is held out" in text
    assert text.count("learnt task") == 2
    assert "ACC:" in text
    assert "BWT:" in text
    assert out.read_text().startswith("learnt,task 0,task 1")
    assert picture.read_bytes()[:4] == b"\x89PNG"
    facts = json.loads(run(capsys, *words, "--json"))
    assert facts["test_images"] == len(read_images("digits")) // 6 == 299
    assert facts["images"] == 300
    matrix = AccuracyMatrix.from_facts(facts)
    assert facts["measures"]["acc"] == matrix.acc
    assert len(facts["cpu_seconds"]) == 2
    data = read_images("digits")
    tasks = PermutedImages(data[:300], 2, test=data[1498:])
    other = HLOPClassifier((64, 20, 20, 10), seed=2022)
    assert np.array_equal(learn_tasks(other, tasks).matrix.R, matrix.R)


def test_other_test_images_and_methods(capsys, tmp_path):
    data = read_images("digits")[:60]
    np.savez(tmp_path / "t.npz", images=data.images * 15, labels=data.labels)
    words = (*SMALL, "--test", str(tmp_path / "t.npz"), "--method", "naive", "--again", "1")
    facts = json.loads(run(capsys, *words, "--json"))
    assert facts["test_images"] == 60
    assert facts["test"] == "test images given"
    assert facts["order"] == [0, 1, 0]
    assert facts["settings"]["method"] == "naive"


def test_bad_command_lines(capsys, tmp_path):
    np.savez(tmp_path / "t.npz", images=np.zeros((4, 5, 5), np.uint8), labels=[0] * 4)
    for words, message in (
        (("none.npz",), "No such file"),
        ((*SMALL[:-1], "5000"), "--train must be from 1 to 1498, got 5000"),
        ((*SMALL, "--test", str(tmp_path / "t.npz")), "images of (8, 8) pixels, got (5, 5)"),
        ((*SMALL, "--epochs", "0"), "epochs"),
        ((*SMALL, "--plot", "a.xyz"), "has no file name extension of a picture"),
        ((*SMALL, "--learning-rate", "-1"), "--learning-rate must be > 0"),
    ):
        assert main(["continual", "pmnist", *words]) in (1, 2)
        error = capsys.readouterr().err
        assert message in error
        assert len(error.strip().splitlines()) == 1


MATRIX = AccuracyMatrix([[0.9, 0.2], [0.8, 0.95], [0.85, 0.9]], order=[0, 1, 0])


def test_pictures_show_the_numbers():
    ax = accuracy_matrix(MATRIX, names=["a", "$b"])
    assert [text.get_text() for text in ax.texts] == [
        "90.0",
        "20.0",
        "80.0",
        "95.0",
        "85.0",
        "90.0",
    ]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", r"\$b", "a"]
    np.testing.assert_allclose(ax.images[0].get_array(), 100 * MATRIX.R)
    ax = accuracy_curves(MATRIX)
    lines = {str(line.get_label()): line for line in ax.lines if line.get_label()[0] != "_"}
    np.testing.assert_allclose(lines["1"].get_xdata(), [2, 3])
    np.testing.assert_allclose(lines["1"].get_ydata(), [95, 90])
    ax = mean_accuracy_curves({"hlop": MATRIX})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [90, 87.5, 87.5])
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [90, 92.5, 90])
    ax = energy_bars({"Hebbian": [0.5, 0.75], "best": [0.6, 0.9]})
    assert [bar.get_height() for bar in ax.patches] == [50, 75, 60, 90]


def test_pictures_refuse():
    empty = AccuracyMatrix(np.zeros((0, 2)))
    for draw in (accuracy_matrix, accuracy_curves):
        with pytest.raises(DescriptionError, match="at least one learnt task"):
            draw(empty)
        with pytest.raises(DescriptionError, match="there must be 2 names"):
            draw(MATRIX, names=["a"])
    holes = AccuracyMatrix([[0.9, 0.2], [np.nan, 0.9]])
    for matrices, message in (
        ({}, "at least one matrix"), ({"a": empty}, "at least one learnt task"),
        ({"a": holes}, r"R\[1, 0\] was not"),
    ):  # fmt: skip
        with pytest.raises(DescriptionError, match=message):
            mean_accuracy_curves(matrices)
    for energies, message in (
        ({}, "the same number of layers, at least one"),
        ({"a": [0.5], "b": [0.5, 0.5]}, "the same number of layers"),
        ({"a": [1.5]}, "fractions from 0 to 1"), ({"a": "x"}, "fractions from 0 to 1"),
    ):  # fmt: skip
        with pytest.raises(DescriptionError, match=message):
            energy_bars(energies)
    with pytest.raises(DescriptionError, match="layers must be 1 names"):
        energy_bars({"a": [0.5]}, layers=["x", "y"])


@pytest.mark.slow
def test_hebbian_projection_keeps_permuted_digits():
    """Five permutations of scikit-learn's digits: projection forgets far less than without."""
    tasks = PermutedImages(read_images("digits"), 5)
    found = {}
    for method in ("hlop", "naive"):
        learner = HLOPClassifier((64, 200, 200, 10), method=method, epochs=8, batch=32, seed=0)
        found[method] = learn_tasks(learner, tasks, evaluate="seen").matrix
    # 299 test images a task: one standard error of a mean over five tasks is below 1 point.
    assert found["hlop"].acc > found["naive"].acc + 0.10
    assert found["hlop"].bwt > found["naive"].bwt + 0.15
    assert found["hlop"].acc > 0.8
