"""Sequences of tasks: permutations, splits into classes, and tasks that come back."""

from __future__ import annotations

import copy
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikemem.data import Images, read_images
from spikemem.errors import DescriptionError
from spikemem.networks.hlop.tasks import (
    ClassSplit,
    PermutedImages,
    Task,
    published_permutation,
    returning_order,
)

RNG = np.random.default_rng(0)
IMAGES = Images(RNG.integers(0, 256, (12, 3, 4)).astype(np.uint8), np.arange(12) % 3)


def test_the_published_permutations():
    # sklearn.utils.shuffle is what the published benchmark calls.
    from sklearn.utils import shuffle

    seeds = shuffle(np.arange(10), random_state=2022)
    for task in range(10):
        expected = shuffle(np.arange(784), random_state=seeds[task] * 100 + task)
        assert np.array_equal(published_permutation(task), expected)
        assert np.array_equal(published_permutation(task, n_tasks=task + 1), expected)


def test_more_tasks_have_different_permutations():
    every = {tuple(published_permutation(k, 30, n_tasks=250, seed=3).tolist()) for k in range(250)}
    assert len(every) == 250
    with pytest.raises(DescriptionError, match="task must be from 0 to 9, got 10"):
        published_permutation(10)


def test_permuted_images_hold_the_same_pixels_in_another_order():
    tasks = PermutedImages(IMAGES, 3, test=IMAGES[:2], mean=0.5, deviation=0.25)
    assert (len(tasks), tasks.sample_shape, tasks.n_classes) == (3, (12,), (3, 3, 3))
    assert not tasks.test_is_held_out
    for k, task in enumerate(tasks):
        order = published_permutation(k, 12)
        expected = (IMAGES.images.reshape(12, 12) / 255 - 0.5) / 0.25
        np.testing.assert_allclose(task.x, expected[:, order], rtol=1e-6)
        np.testing.assert_allclose(task.test_x, expected[:2, order], rtol=1e-6)
        assert task.y.tolist() == IMAGES.labels.tolist()
        assert task.x.dtype == np.float32
    assert tasks[-1].name == "permutation 2"
    assert [task.name for task in tasks[:2]] == ["permutation 0", "permutation 1"]


def test_without_test_images_the_last_sixth_is_held_out():
    tasks = PermutedImages(IMAGES)
    learnt, tested = tasks.split
    assert tasks.test_is_held_out
    assert (len(learnt), len(tested)) == (10, 2)
    assert np.array_equal(tested.images, IMAGES.images[10:])


def test_brightness_is_a_fraction_of_white():
    digits = read_images("digits")
    task = PermutedImages(digits, 1, mean=0.0, deviation=1.0)[0]
    assert task.x.max() == 1.0
    assert task.x.min() == 0.0


def test_classes_are_split_and_numbered_anew():
    x, y = RNG.normal(size=(60, 2, 5)), np.arange(60) % 6
    tasks = ClassSplit(x, y, x[:12], y[:12], classes=3)
    assert [task.classes.tolist() for task in tasks] == [[0, 1, 2], [3, 4, 5]]
    assert tasks.n_classes == (3, 3)
    assert tasks.sample_shape == (2, 5)
    for task in tasks:
        assert np.array_equal(task.classes[task.y], y[np.isin(y, task.classes)])
        np.testing.assert_array_equal(task.x, x[np.isin(y, task.classes)].astype(np.float32))
    kept = ClassSplit(x, y, x, y, classes=3, relabel=False)
    assert set(kept[1].y.tolist()) == {3, 4, 5}
    assert kept.n_classes == (6, 6)


@given(st.permutations(range(7)), st.integers(1, 6))
def test_any_grouping_covers_each_sample_once(order, cut):
    y = np.array([0, 1, 2, 3, 4, 5, 6, 6, 5, 0])
    x = np.arange(10.0)[:, None]
    groups = [order[:cut], order[cut:]]
    tasks = ClassSplit(x, y, x, y, classes=groups)
    seen = np.concatenate([task.x[:, 0] for task in tasks])
    assert sorted(seen.tolist()) == x[:, 0].tolist()
    for task, group in zip(tasks, groups, strict=True):
        assert [group[k] for k in task.y] == y[task.x[:, 0].astype(int)].tolist()


def test_tasks_come_back():
    phases = returning_order(6, 2, n_phases=20, seed=3)
    assert [phase[0] for phase in phases[:6]] == list(range(6))
    for k, phase in enumerate(phases):
        assert len(set(phase)) == len(phase) == (min(k, 2) + 1 if k < 6 else 2)
        assert max(phase) <= min(k, 5)
    assert phases == returning_order(6, 2, n_phases=20, seed=3)
    assert phases != returning_order(6, 2, n_phases=20, seed=4)
    assert returning_order(4, 0) == [(0,), (1,), (2,), (3,)]
    # Each of 6 tasks is drawn with p = 1/6; 3,000 draws, 5 standard deviations: below 1e-5.
    late = Counter(task for phase in returning_order(6, 1, n_phases=3006)[6:] for task in phase)
    assert all(abs(late[task] - 500) < 5 * np.sqrt(3000 * 5 / 36) for task in range(6))
    with pytest.raises(DescriptionError, match="n_phases must be at least n_tasks=6, got 5"):
        returning_order(6, n_phases=5)


X, Y = np.zeros((4, 3)), [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Task("a", X, Y[:3], X, Y), r"y must have shape \(4,\)"),
        (lambda: Task("a", X, [0, 1, 0, -1], X, Y), "y must be ints from 0"),
        (lambda: Task("a", X, [0.0, 1, 0, 1], X, Y), "y must be ints"),
        (lambda: Task("a", X, Y, X[:, :2], Y), "samples of the same shape"),
        (lambda: Task("a", X * np.nan, Y, X, Y), "x must be finite"),
        (lambda: Task("a", X[0], Y, X, Y), r"x must have shape \(n, ...\)"),
        (lambda: Task("a", X, Y, X, Y, [5]), "from 0 to 0, one of the classes, got 1"),
        (lambda: ClassSplit(X, Y, X, Y, classes=3), "divide the number of classes, 2, got 3"),
        (lambda: ClassSplit(X, Y, X, Y, classes=[[0], [0, 1]]), "each class once, got 0 twice"),
        (lambda: ClassSplit(X, Y, X, Y, classes=[[0, 2]]), "got 2, which has no sample in y"),
        (lambda: ClassSplit(X, Y, X, [0] * 4), "got 1, which has no sample in test_y"),
        (lambda: PermutedImages(IMAGES, test=Images(np.zeros((2, 2, 2), np.uint8), [0, 1])),
         r"images of \(3, 4\) pixels, got \(2, 2\)"),
        (lambda: PermutedImages(IMAGES[:3]), "at least one image each"),
        (lambda: PermutedImages(IMAGES, 2)[2], "an int from 0 to 1 or a slice, got 2"),
        (lambda: PermutedImages(IMAGES, 2)["a"], "a slice, got 'a'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make, message):
    with pytest.raises(DescriptionError, match=message):
        make()


def test_sequences_are_copied_and_pickled():
    tasks = PermutedImages(IMAGES, 2)
    for other in (copy.deepcopy(tasks), pickle.loads(pickle.dumps(tasks))):
        assert np.array_equal(other[1].x, tasks[1].x)
    assert len(repr(ClassSplit(X, Y, X, Y))) < 300
