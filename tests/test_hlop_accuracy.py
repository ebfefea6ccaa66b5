"""The matrix of accuracies and its measures, against cases worked out by hand."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spikemem.errors import DescriptionError, StorageError
from spikemem.networks.hlop.accuracy import MEASURES, AccuracyMatrix, over_seeds

NAN = float("nan")
FULL = [[0.90, 0.20, 0.10], [0.80, 0.95, 0.30], [0.85, 0.75, 0.70]]


def test_measures_of_three_tasks_by_hand():
    matrix = AccuracyMatrix(FULL, baseline=[0.1, 0.15, 0.05])
    assert matrix.acc == pytest.approx((0.85 + 0.75 + 0.70) / 3)
    assert matrix.bwt == pytest.approx(((0.85 - 0.90) + (0.75 - 0.95)) / 2)
    assert matrix.fwt == pytest.approx(((0.20 - 0.15) + (0.30 - 0.05)) / 2)
    assert matrix.forgetting == pytest.approx(((0.90 - 0.85) + (0.95 - 0.75)) / 2)
    assert matrix.learning_accuracy == pytest.approx((0.90 + 0.95 + 0.70) / 3)
    rows = (0.90, (0.80 + 0.95) / 2, (0.85 + 0.75 + 0.70) / 3)
    assert matrix.average_incremental_accuracy == pytest.approx(sum(rows) / 3)


def test_the_published_matrix_of_permuted_mnist():
    last = [93.9, 95.2, 95.5, 95.1, 95.1, 95.5, 94.6, 95.3, 95.9, 96.4]
    diagonal = [96.0, 96.8, 96.7, 96.5, 96.7, 96.3, 96.3, 96.1, 96.3, 96.4]
    R = np.full((10, 10), NAN)
    R[np.diag_indices(10)] = np.array(diagonal) / 100
    R[-1] = np.array(last) / 100
    matrix = AccuracyMatrix(R)
    # The figures are rounded to 0.1 points; so is what follows from them.
    assert 100 * matrix.acc == pytest.approx(95.26, abs=0.05)
    assert 100 * matrix.bwt == pytest.approx(-1.27, abs=0.1)


def test_forgetting_takes_the_best_earlier_accuracy_and_may_be_negative():
    better = AccuracyMatrix([[0.5, 0.0], [0.9, 0.6]])
    assert better.forgetting == pytest.approx(0.5 - 0.9)
    R = [[0.5, 0.1, 0.1], [0.9, 0.6, 0.1], [0.4, 0.6, 0.7]]
    assert AccuracyMatrix(R).forgetting_of_tasks == pytest.approx({0: 0.5, 1: 0.0})


def test_a_triangle_is_enough_for_all_but_forward_transfer():
    R = np.array(FULL)
    R[np.triu_indices(3, 1)] = NAN
    matrix, full = AccuracyMatrix(R, baseline=[0.1] * 3), AccuracyMatrix(FULL)
    for name in MEASURES[:2] + MEASURES[3:6]:
        assert getattr(matrix, name) == getattr(full, name)
    assert matrix.measures()["fwt"] == "R[0, 1] was not measured"


def test_undefined_measures_say_why():
    one = AccuracyMatrix([[0.9, 0.2]])
    assert one.acc == 0.9
    for name in ("bwt", "fwt", "forgetting"):
        assert one.measures()[name] == "it needs at least two learnt tasks, and there is 1"
    with pytest.raises(DescriptionError, match=r"AccuracyMatrix\.bwt is not defined: it needs"):
        _ = one.bwt
    assert "untrained network" in str(AccuracyMatrix(FULL).measures()["fwt"])
    none = AccuracyMatrix(np.zeros((0, 4)))
    assert none.measures()["acc"] == "it needs at least one learnt task, and there are 0"
    assert all(isinstance(value, str) for value in none.measures().values())


def test_tasks_that_come_back():
    R = [[0.8, 0.1], [0.6, 0.7], [0.9, 0.5], [0.7, 0.8]]
    matrix = AccuracyMatrix(R, baseline=[0.1, 0.2], order=[0, 1, 0, 1])
    assert matrix.learnt == matrix.returned == (0, 1)
    assert matrix.acc == pytest.approx(0.75)
    assert matrix.accumulation == pytest.approx(((0.9 - 0.8) + (0.8 - 0.7)) / 2)
    assert matrix.forgetting == pytest.approx(0.9 - 0.7)
    assert matrix.fwt == pytest.approx(0.1 - 0.2)
    assert matrix.learning_accuracy == pytest.approx((0.8 + 0.7) / 2)
    assert "task 0 was learnt more than once" in str(matrix.measures()["bwt"])
    assert AccuracyMatrix(FULL).measures()["accumulation"] == "no task was learnt more than once"


def test_rows_are_added_one_by_one():
    matrix = AccuracyMatrix(np.zeros((0, 3)), baseline=[0.1, 0.1, 0.1])
    for row in FULL:
        matrix = matrix.with_row(row)
    assert np.array_equal(matrix.R, FULL)
    assert matrix.with_row([0.9, 0.9, 0.9], 1).order.tolist() == [0, 1, 2, 1]
    with pytest.raises(DescriptionError, match=r"row must have shape \(3,\)"):
        matrix.with_row([0.1])
    with pytest.raises(DescriptionError, match="task must be from 0 to 2, got 3"):
        matrix.with_row(FULL[0])


@given(arrays(float, (4, 4), elements=st.floats(0, 1)))
def test_backward_transfer_is_the_end_less_the_learning(R):
    matrix = AccuracyMatrix(R)
    expected = (4 * matrix.acc - 4 * matrix.learning_accuracy) / 3
    assert matrix.bwt == pytest.approx(expected, abs=1e-12)
    assert matrix.forgetting >= -matrix.bwt - 1e-12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"R": [[95.0]]}, "fractions from 0 to 1.*got 95"),
        ({"R": [0.5]}, r"shape \(n_learnt, n_tasks\)"),
        ({"R": [[0.5], [0.5, 0.5]]}, "array of numbers"),
        ({"R": [["a"]]}, "array of numbers"),
        ({"R": np.zeros((1, 0))}, "at least one column"),
        ({"baseline": [0.1]}, r"baseline must have shape \(3,\)"),
        ({"baseline": [0.1, 0.2, -0.1]}, "baseline must hold fractions"),
        ({"order": [0, 1]}, "order must be 3 tasks from 0 to 2"),
        ({"order": [0, 1, 3]}, "order must be 3 tasks from 0 to 2"),
    ],
)
def test_bad_matrices_are_refused(changes, message):
    with pytest.raises(DescriptionError, match=message):
        AccuracyMatrix(**{"R": FULL, **changes})


def test_saved_copied_and_pickled(tmp_path):
    R = np.array(FULL)
    R[0, 2] = NAN
    matrix = AccuracyMatrix(R, baseline=[0.1, NAN, 0.3], order=[2, 1, 0])
    path = matrix.save(tmp_path / "R.json")
    for other in (
        AccuracyMatrix.load(path),
        copy.deepcopy(matrix),
        pickle.loads(pickle.dumps(matrix)),
    ):
        assert np.array_equal(other.R, matrix.R, equal_nan=True)
        assert np.array_equal(other.baseline, matrix.baseline, equal_nan=True)
        assert other.order.tolist() == [2, 1, 0]
        assert not other.R.flags.writeable
    assert "NaN" not in path.read_text()
    rows = matrix.save(tmp_path / "R.csv").read_text().splitlines()
    assert rows[0] == "learnt,task 0,task 1,task 2"
    assert rows[1:3] == ["none,0.1,,0.3", "2,0.9,0.2,"]


def test_files_that_hold_no_matrix(tmp_path):
    bad = {"text": "no JSON", "list": "[1]", "half": '{"format": "spikemem accuracy matrix 1"}',
           "deep": "[" * 100_000}  # fmt: skip
    good = AccuracyMatrix(FULL).facts()
    bad["value"] = json.dumps({**good, "R": [[2.0]]})
    bad["kind"] = json.dumps({**good, "R": 5})
    for name, text in bad.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(StorageError, match=f"cannot read .*{name}"):
            AccuracyMatrix.load(tmp_path / name)
    for name in ("missing", "."):
        with pytest.raises(StorageError, match="cannot read"):
            AccuracyMatrix.load(tmp_path / name)


def test_mean_and_deviation_over_seeds():
    two = [AccuracyMatrix([[0.9, 0.1], [0.8, 0.7]]), AccuracyMatrix([[0.9, 0.1], [0.6, 0.7]])]
    found = over_seeds(two)
    assert found["acc"] == pytest.approx((0.7, np.std([0.75, 0.65], ddof=1)))
    assert found["bwt"] == pytest.approx((-0.2, np.std([-0.1, -0.3], ddof=1)))
    assert "untrained" in str(found["fwt"])
    assert np.isnan(over_seeds(two[:1])["acc"][1])
