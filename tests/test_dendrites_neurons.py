"""Segments and neurons: against sets, against the theory, and on what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikemem as sm
from spikemem import ActiveDendriteNeurons, DescriptionError, StorageError
from spikemem.networks.dendrites import (
    Frames,
    PermanenceRule,
    device_false_positive_probability,
    false_negative_probability,
    false_positive_probability,
    population_false_positive_probability,
    random_patterns,
    swap_cells,
    union_false_positive_probability,
)


def agrees(count: int, trials: int, p: float) -> None:
    """Within 4 standard errors of a binomial number."""
    error = math.sqrt(p * (1 - p) / trials)
    assert abs(count / trials - p) <= 4 * error, f"{count / trials} is not {p} +- {error}"


def overlap_by_sets(neurons: ActiveDendriteNeurons, frames) -> np.ndarray:
    table = neurons.segments
    return np.array(
        [
            [len({*table.cells[k][table.connected[k]].tolist()} & {*map(int, frame)})
             for k in range(len(table))]
            for frame in frames
        ]
    ).reshape(len(frames), neurons.n_neurons, neurons.n_segments)  # fmt: skip


@given(st.integers(0, 10**6))
def test_evaluation_is_that_of_sets(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 200))
    neurons = ActiveDendriteNeurons(
        n, n_neurons=2, n_segments=5, synapses_per_segment=6, threshold=int(rng.integers(1, 7)),
        patterns_per_segment=2, seed=seed,
    )  # fmt: skip
    neurons.store([rng.choice(n, int(rng.integers(6, 15)), replace=False) for _ in range(17)])
    frames = [rng.choice(n, int(rng.integers(0, 20)), replace=False) for _ in range(9)]
    expected = overlap_by_sets(neurons, frames)
    assert np.array_equal(neurons.overlaps(frames), expected)
    reached = expected >= neurons.threshold
    assert np.array_equal(neurons.detect(frames), reached.any(axis=2))
    rows = neurons.active_segments(frames)
    assert np.array_equal(rows[:, :3], np.argwhere(reached))
    assert np.array_equal(rows[:, 3], expected[reached])
    assert [cells.tolist() for cells in neurons.predict(frames)] == [
        np.flatnonzero(row).tolist() for row in reached.any(axis=2)
    ]


@pytest.mark.parametrize(("s", "theta"), [(200, 100), (200, 150), (300, 10), (300, 299)])
def test_wide_segments(s, theta):
    neurons = ActiveDendriteNeurons(1000, n_segments=3, synapses_per_segment=s, threshold=theta)
    neurons.store([np.arange(s), np.arange(s) + 100])
    for lost in (0, s - theta, s - theta + 1):
        assert neurons.detect([np.arange(s - lost)])[0, 0] == (lost <= s - theta)
    assert neurons.active_segments([np.arange(s)])[0].tolist() == [0, 0, 0, s]


def test_many_active_segments():
    neurons = ActiveDendriteNeurons(50, n_segments=5000, synapses_per_segment=5, threshold=5)
    neurons.store([np.arange(5)] * 5000)
    assert len(neurons.active_segments([np.arange(5)] * 3)) == 15_000


def test_nothing_stored_is_missed_within_the_noise_that_is_always_tolerated():
    patterns = random_patterns(500, n=2000, a=40, seed=1)
    neurons = ActiveDendriteNeurons(
        2000, n_segments=100, synapses_per_segment=20, threshold=12, patterns_per_segment=5
    )
    neurons.store(patterns)
    assert neurons.detect(patterns).all()
    assert neurons.detect(swap_cells(patterns, 8, n=2000, seed=2)).all()


def test_false_positives():
    """4 million segment decisions for each threshold."""
    n, a, s = 400, 32, 20
    neurons = ActiveDendriteNeurons(n, n_segments=1000, synapses_per_segment=s, threshold=5)
    neurons.store(random_patterns(1000, n=n, a=a, seed=1))
    overlaps = neurons.overlaps(random_patterns(4000, n=n, a=a, seed=2))
    for theta in (4, 5, 6, 7):
        p = false_positive_probability(n=n, a=a, s=s, theta=theta)
        agrees(np.count_nonzero(overlaps >= theta), overlaps.size, p)


def test_false_positives_of_a_neuron():
    """20,000 frames; each neuron of 200 has 10 segments."""
    n, a, s, theta = 300, 24, 16, 6
    neurons = ActiveDendriteNeurons(
        n, n_neurons=200, n_segments=10, synapses_per_segment=s, threshold=theta
    )
    neurons.store(random_patterns(2000, n=n, a=a, seed=1))
    found = neurons.detect(random_patterns(5000, n=n, a=a, seed=2))
    p = population_false_positive_probability(n=n, a=a, s=s, theta=theta, m=10)
    agrees(np.count_nonzero(found), found.size, p)


@pytest.mark.parametrize("v", [16, 20, 26])
def test_false_negatives(v):
    """20,000 noisy patterns, each for the segment that holds it."""
    n, a, s, theta, count = 1000, 40, 20, 12, 20_000
    neurons = ActiveDendriteNeurons(
        n, n_neurons=count, n_segments=1, synapses_per_segment=s, threshold=theta
    )
    patterns = random_patterns(count, n=n, a=a, seed=3)
    neurons.store(patterns)
    rows = neurons.active_segments(swap_cells(patterns, v, n=n, seed=4))
    right = np.count_nonzero(rows[:, 0] == rows[:, 1])
    agrees(count - right, count, false_negative_probability(a=a, s=s, theta=theta, v=v))


def test_failing_synapses():
    """20,000 noisy patterns; a tenth of the synapses fails."""
    n, a, s, theta, v, count = 2000, 40, 20, 12, 14, 20_000
    neurons = ActiveDendriteNeurons(
        n, n_neurons=1, n_segments=1, synapses_per_segment=s, threshold=theta
    )
    pattern = random_patterns(1, n=n, a=a, seed=5)
    neurons.store(pattern)
    noisy = swap_cells(np.repeat(pattern, count, axis=0), v, n=n, seed=6)
    missed = count - np.count_nonzero(neurons.detect(noisy, p_fail=0.1, seed=7))
    p = false_negative_probability(a=a, s=s, theta=theta, v=v, p_fail=0.1)
    agrees(missed, count, p)
    assert abs(p - false_negative_probability(a=a, s=s, theta=theta, v=v)) > 0.05


@pytest.mark.parametrize("m", [2, 5])
def test_unions(m):
    """2,000 unions and 2,000 frames: the overlaps with one union are not independent."""
    n, a, s, theta = 1000, 200, 25, 15
    neurons = ActiveDendriteNeurons(
        n, n_segments=2000, synapses_per_segment=s, threshold=theta, patterns_per_segment=m
    )
    neurons.store(random_patterns(2000 * m, n=n, a=a, seed=8))
    reached = neurons.overlaps(random_patterns(2000, n=n, a=a, seed=9))[:, 0] >= theta
    p = union_false_positive_probability(n=n, a=a, s=s, theta=theta, m=m)
    by_union = reached.mean(axis=0)
    error = by_union.std() / math.sqrt(by_union.size)
    assert abs(by_union.mean() - p) <= 4 * error


def test_stuck_devices():
    """1,000 faulty segments and 2,000 frames."""
    n, a, s, theta = 300, 30, 20, 6
    faults = {"p_off": 0.2, "p_on": 0.02}
    neurons = ActiveDendriteNeurons(n, n_segments=1000, synapses_per_segment=s, threshold=theta)
    neurons.store(random_patterns(1000, n=n, a=a, seed=10))
    faulty = neurons.with_device_faults(**faults, seed=11)
    reached = faulty.overlaps(random_patterns(2000, n=n, a=a, seed=12))[:, 0] >= theta
    by_segment = reached.mean(axis=0)
    error = by_segment.std() / math.sqrt(by_segment.size)
    p = device_false_positive_probability(n=n, a=a, s=s, theta=theta, **faults)
    assert abs(by_segment.mean() - p) <= 4 * error
    same = neurons.with_device_faults()
    frames = random_patterns(50, n=n, a=a, seed=13)
    assert np.array_equal(same.overlaps(frames), neurons.overlaps(frames))


def learner(**changes) -> ActiveDendriteNeurons:
    settings = {"n_neurons": 3, "n_segments": 4, "synapses_per_segment": 12, "threshold": 8}
    return ActiveDendriteNeurons(500, **(settings | changes))


def test_learning_by_permanences():
    patterns = random_patterns(9, n=500, a=20, seed=1)
    labels = np.arange(9) % 3
    neurons = learner()
    for _ in range(3):
        neurons.learn(patterns, labels)
    expected = labels[:, None] == np.arange(3)
    assert np.array_equal(neurons.detect(patterns), expected)
    assert np.count_nonzero(neurons.segments.sizes) == 9


def test_no_learning_without_increase_and_growth():
    rule = PermanenceRule(initial=0.2, increase=0.0, decrease=0.0)
    neurons = learner(rule=rule).learn(random_patterns(3, n=500, a=20, seed=1), [0, 1, 2])
    assert not neurons.detect(random_patterns(3, n=500, a=20, seed=1)).any()


def test_synapses_connect_step_by_step():
    rule = PermanenceRule(initial=0.2, increase=0.1, decrease=0.0)
    neurons = learner(rule=rule)
    pattern = random_patterns(1, n=500, a=20, seed=1)
    seen = [bool(neurons.learn(pattern, [0]).detect(pattern)[0, 0]) for _ in range(5)]
    # A new segment is grown at 0.2; the next times find it and add 0.1 each.
    assert seen == [False, False, False, True, True]


def test_punishment_disconnects_and_removes():
    rule = PermanenceRule(initial=0.5, punish=0.2, connect=0.5, disconnect=0.3)
    neurons = learner(rule=rule)
    pattern = random_patterns(1, n=500, a=20, seed=1)
    neurons.store(pattern, neurons=0)
    assert neurons.detect(pattern)[0].tolist() == [True, False, False]
    neurons.learn(pattern, [-1])
    assert not neurons.detect(pattern).any()
    assert neurons.segments.sizes[0] == 12
    table = neurons.segments
    table.adapt([0], np.ones(500, np.bool_), -0.2, 0.0)
    assert table.sizes[0] == 0
    assert np.all(table.cells[0] == -1)


def test_the_oldest_segment_makes_room():
    patterns = random_patterns(5, n=500, a=20, seed=1)
    neurons = learner(n_neurons=1)
    neurons.learn(patterns, 0)
    assert neurons.detect(patterns)[:, 0].tolist() == [False, True, True, True, True]


def test_store_fills_the_emptiest_segment_first():
    neurons = learner(n_neurons=2, n_segments=2, patterns_per_segment=2)
    patterns = random_patterns(8, n=500, a=20, seed=1)
    assert neurons.store(patterns[:3], neurons=[0, 0, 0]).tolist() == [0, 1, 0]
    assert neurons.store(patterns[3:6], neurons=[1, 0, 1]).tolist() == [0, 1, 1]
    assert neurons.n_patterns.tolist() == [2, 2, 1, 1]


def test_save_and_load(tmp_path):
    neurons = learner(patterns_per_segment=2, seed=5)
    patterns = random_patterns(12, n=500, a=20, seed=1)
    neurons.store(patterns[:6])
    neurons.learn(patterns[6:9], [0, 1, 2])
    again = ActiveDendriteNeurons.load(neurons.save(tmp_path / "neurons.h5"))
    frames = random_patterns(100, n=500, a=100, seed=2)
    assert np.array_equal(again.overlaps(frames), neurons.overlaps(frames))
    for one in (neurons, again):
        one.store(patterns[9:]).tolist()
        one.learn(patterns, np.arange(12) % 3)
    assert np.array_equal(again.segments.cells, neurons.segments.cells)
    assert np.array_equal(again.segments.permanences, neurons.segments.permanences)
    with pytest.raises(StorageError, match="holds no network"):
        sm.load_network(tmp_path / "neurons.h5")


def test_the_seed_decides():
    patterns = random_patterns(3, n=500, a=40, seed=1)
    cells = []
    for seed in (1, 1, 2, np.random.default_rng(3), np.random.default_rng(3)):
        neurons = learner(seed=seed)
        neurons.store(patterns)
        cells.append(neurons.segments.cells)
    assert np.array_equal(cells[0], cells[1])
    assert not np.array_equal(cells[0], cells[2])
    assert np.array_equal(cells[3], cells[4])


def test_frames():
    frames = Frames([[3, 1], [], np.array([0])], n_cells=4)
    assert [cells.tolist() for cells in frames] == [[1, 3], [], [0]]
    assert np.array_equal(Frames.from_dense(frames.to_dense()).cells, frames.cells)
    assert len(learner().detect([])) == 0
    assert learner().detect([1, 2, 3]).shape == (1, 3)
    with pytest.raises(IndexError):
        frames[3]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 500), bool), r"indices of active cells, got a mask \(bool\)"),
        (np.eye(500, dtype=int)[:2], r"each cell once, got 0 twice.*Frames.from_dense"),
        ([[0.5, 1.0]], "indices of active cells"),
        (np.array([[0.0, 1.0]]), "indices of active cells"),
        ([[1, 1]], "each cell once, got 1 twice in frame 0"),
        ([[0, 500]], "from 0 to 499, got 500"),
        ([[0, -1]], "from 0 to 499, got -1"),
        ("abc", "lists of active cells"),
        (7, "lists of active cells"),
        ([["a"]], "indices of active cells"),
        (np.zeros((2, 2, 2), int), "must have shape"),
        (Frames([[1]], 4), "frames of 500 cells, got 4"),
    ],
)
def test_bad_frames(frames, message):
    with pytest.raises(DescriptionError, match=message):
        learner().detect(frames)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: learner(threshold=13),
            "threshold must be at most synapses_per_segment=12, got 13",
        ),
        (lambda: learner(threshold=0), "threshold must be an int >= 1, got 0"),
        (lambda: learner(synapses_per_segment=0), "synapses_per_segment must be an int >= 1"),
        (
            lambda: learner(synapses_per_segment=501),
            "synapses_per_segment must be at most n_inputs=500, got 501",
        ),
        (lambda: learner(n_segments=2.0), "n_segments must be an int"),
        (lambda: learner(rule=0.5), "rule must be a PermanenceRule"),
        (lambda: learner(seed=-1), "seed must be an int >= 0"),
        (lambda: learner().store([[1, 2]]), "at least threshold=8 active cells, got 2"),
        (lambda: learner().store([range(20)], neurons=3), "neurons must be from 0 to 2, got 3"),
        (lambda: learner().store([range(20)] * 2, neurons=[1]), "one for each of 2 patterns"),
        (lambda: learner().store([range(20)] * 13), "neuron 0 has room for 4 more patterns, got 5"),
        (
            lambda: learner().learn([range(20)], [0.0]),
            "neurons must be an int or an array of int, got",
        ),
        (lambda: learner().learn([range(3)], [0]), "frame 0 has fewer"),
        (lambda: learner().detect([[1]], p_fail=-0.1), "p_fail must be >= 0 and <= 1, got -0.1"),
        (lambda: learner().with_device_faults(p_on=2), "p_on must be >= 0 and <= 1, got 2"),
        (lambda: PermanenceRule(connect=0.1, disconnect=0.2), "at least disconnect=0.2"),
        (lambda: PermanenceRule(initial=-1, punish="x"), "2 problems"),
        (lambda: random_patterns(1, n=5, a=6), "a must be an int <= 5"),
        (lambda: swap_cells([[0, 1]], 3, n=10), "v must be at most 2"),
        (lambda: swap_cells([[0, 1]], -1, n=10), "v must be an int >= 0"),
        (lambda: Frames.from_dense([[0, 2]]), "bool, or 0 and 1"),
        (lambda: ActiveDendriteNeurons(10**6, synapses_per_segment=10**5), "at most 65535"),
    ],
)
def test_bad_input(action, message):
    with pytest.raises(DescriptionError, match=message):
        action()


def test_nothing_is_stored_if_there_is_no_room():
    neurons = learner()
    with pytest.raises(DescriptionError):
        neurons.store([range(20)] * 13)
    assert neurons.n_synapses == 0
