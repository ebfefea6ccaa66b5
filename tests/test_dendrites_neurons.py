"""Segments and neurons: against sets, against the theory, and on what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikemem as sm
from spikemem import ActiveDendriteNeurons, DescriptionError, StorageError
from spikemem.codes import Patterns, random_patterns, swap_bits
from spikemem.networks.ca3 import Recall
from spikemem.networks.dendrites import (
    PermanenceRule,
    device_false_positive_probability,
    false_negative_probability,
    false_positive_probability,
    population_false_positive_probability,
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
    patterns = random_patterns(500, size=2000, active=40, seed=1)
    neurons = ActiveDendriteNeurons(
        2000, n_segments=100, synapses_per_segment=20, threshold=12, patterns_per_segment=5
    )
    neurons.store(patterns)
    assert neurons.detect(patterns).all()
    assert neurons.detect(swap_bits(patterns, 8, seed=2)).all()


def test_false_positives():
    """4 million segment decisions for each threshold."""
    n, a, s = 400, 32, 20
    neurons = ActiveDendriteNeurons(n, n_segments=1000, synapses_per_segment=s, threshold=5)
    neurons.store(random_patterns(1000, size=n, active=a, seed=1))
    overlaps = neurons.overlaps(random_patterns(4000, size=n, active=a, seed=2))
    for theta in (4, 5, 6, 7):
        p = false_positive_probability(n=n, a=a, s=s, theta=theta)
        agrees(np.count_nonzero(overlaps >= theta), overlaps.size, p)


def test_false_positives_of_a_neuron():
    """20,000 frames; each neuron of 200 has 10 segments."""
    n, a, s, theta = 300, 24, 16, 6
    neurons = ActiveDendriteNeurons(
        n, n_neurons=200, n_segments=10, synapses_per_segment=s, threshold=theta
    )
    neurons.store(random_patterns(2000, size=n, active=a, seed=1))
    found = neurons.detect(random_patterns(5000, size=n, active=a, seed=2))
    p = population_false_positive_probability(n=n, a=a, s=s, theta=theta, m=10)
    agrees(np.count_nonzero(found), found.size, p)


@pytest.mark.parametrize("v", [16, 20, 26])
def test_false_negatives(v):
    """20,000 noisy patterns, each for the segment that holds it."""
    n, a, s, theta, count = 1000, 40, 20, 12, 20_000
    neurons = ActiveDendriteNeurons(
        n, n_neurons=count, n_segments=1, synapses_per_segment=s, threshold=theta
    )
    patterns = random_patterns(count, size=n, active=a, seed=3)
    neurons.store(patterns)
    rows = neurons.active_segments(swap_bits(patterns, v, seed=4))
    right = np.count_nonzero(rows[:, 0] == rows[:, 1])
    agrees(count - right, count, false_negative_probability(a=a, s=s, theta=theta, v=v))


def test_failing_synapses():
    """20,000 noisy patterns; a tenth of the synapses fails."""
    n, a, s, theta, v, count = 2000, 40, 20, 12, 14, 20_000
    neurons = ActiveDendriteNeurons(
        n, n_neurons=1, n_segments=1, synapses_per_segment=s, threshold=theta
    )
    pattern = random_patterns(1, size=n, active=a, seed=5)
    neurons.store(pattern)
    noisy = swap_bits(pattern[[0] * count], v, seed=6)
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
    neurons.store(random_patterns(2000 * m, size=n, active=a, seed=8))
    reached = neurons.overlaps(random_patterns(2000, size=n, active=a, seed=9))[:, 0] >= theta
    p = union_false_positive_probability(n=n, a=a, s=s, theta=theta, m=m)
    by_union = reached.mean(axis=0)
    error = by_union.std() / math.sqrt(by_union.size)
    assert abs(by_union.mean() - p) <= 4 * error


def test_stuck_devices():
    """1,000 faulty segments and 2,000 frames."""
    n, a, s, theta = 300, 30, 20, 6
    faults = {"p_off": 0.2, "p_on": 0.02}
    neurons = ActiveDendriteNeurons(n, n_segments=1000, synapses_per_segment=s, threshold=theta)
    neurons.store(random_patterns(1000, size=n, active=a, seed=10))
    faulty = neurons.with_device_faults(**faults, seed=11)
    reached = faulty.overlaps(random_patterns(2000, size=n, active=a, seed=12))[:, 0] >= theta
    by_segment = reached.mean(axis=0)
    error = by_segment.std() / math.sqrt(by_segment.size)
    p = device_false_positive_probability(n=n, a=a, s=s, theta=theta, **faults)
    assert abs(by_segment.mean() - p) <= 4 * error
    same = neurons.with_device_faults()
    frames = random_patterns(50, size=n, active=a, seed=13)
    assert np.array_equal(same.overlaps(frames), neurons.overlaps(frames))


def learner(**changes) -> ActiveDendriteNeurons:
    settings = {"n_neurons": 3, "n_segments": 4, "synapses_per_segment": 12, "threshold": 8}
    return ActiveDendriteNeurons(500, **(settings | changes))


def test_learning_by_permanences():
    patterns = random_patterns(9, size=500, active=20, seed=1)
    labels = np.arange(9) % 3
    neurons = learner()
    for _ in range(3):
        neurons.learn(patterns, labels)
    expected = labels[:, None] == np.arange(3)
    assert np.array_equal(neurons.detect(patterns), expected)
    assert np.count_nonzero(neurons.segments.sizes) == 9


def test_no_learning_without_increase_and_growth():
    rule = PermanenceRule(initial=0.2, increase=0.0, decrease=0.0)
    neurons = learner(rule=rule).learn(random_patterns(3, size=500, active=20, seed=1), [0, 1, 2])
    assert not neurons.detect(random_patterns(3, size=500, active=20, seed=1)).any()


def test_synapses_connect_step_by_step():
    rule = PermanenceRule(initial=0.2, increase=0.1, decrease=0.0)
    neurons = learner(rule=rule)
    pattern = random_patterns(1, size=500, active=20, seed=1)
    seen = [bool(neurons.learn(pattern, [0]).detect(pattern)[0, 0]) for _ in range(5)]
    # A new segment is grown at 0.2; the next times find it and add 0.1 each.
    assert seen == [False, False, False, True, True]


def test_punishment_disconnects_and_removes():
    rule = PermanenceRule(initial=0.5, punish=0.2, connect=0.5, disconnect=0.3)
    neurons = learner(rule=rule)
    pattern = random_patterns(1, size=500, active=20, seed=1)
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
    patterns = random_patterns(5, size=500, active=20, seed=1)
    neurons = learner(n_neurons=1)
    neurons.learn(patterns, 0)
    assert neurons.detect(patterns)[:, 0].tolist() == [False, True, True, True, True]


def test_store_fills_the_emptiest_segment_first():
    neurons = learner(n_neurons=2, n_segments=2, patterns_per_segment=2)
    patterns = random_patterns(8, size=500, active=20, seed=1)
    assert neurons.store(patterns[:3], neurons=[0, 0, 0]).tolist() == [0, 1, 0]
    assert neurons.store(patterns[3:6], neurons=[1, 0, 1]).tolist() == [0, 1, 1]
    assert neurons.n_patterns.tolist() == [2, 2, 1, 1]


def test_save_and_load(tmp_path):
    neurons = learner(patterns_per_segment=2, seed=5)
    patterns = random_patterns(12, size=500, active=20, seed=1)
    neurons.store(patterns[:6])
    neurons.learn(patterns[6:9], [0, 1, 2])
    again = ActiveDendriteNeurons.load(neurons.save(tmp_path / "neurons.h5"))
    frames = random_patterns(100, size=500, active=100, seed=2)
    assert np.array_equal(again.overlaps(frames), neurons.overlaps(frames))
    for one in (neurons, again):
        one.store(patterns[9:]).tolist()
        one.learn(patterns, np.arange(12) % 3)
    assert np.array_equal(again.segments.cells, neurons.segments.cells)
    assert np.array_equal(again.segments.permanences, neurons.segments.permanences)
    with pytest.raises(StorageError, match="holds no network"):
        sm.load_network(tmp_path / "neurons.h5")


def test_the_seed_decides():
    patterns = random_patterns(3, size=500, active=40, seed=1)
    cells = []
    for seed in (1, 1, 2, np.random.default_rng(3), np.random.default_rng(3)):
        neurons = learner(seed=seed)
        neurons.store(patterns)
        cells.append(neurons.segments.cells)
    assert np.array_equal(cells[0], cells[1])
    assert not np.array_equal(cells[0], cells[2])
    assert np.array_equal(cells[3], cells[4])


FORMS = {
    "Patterns": lambda sets: Patterns(sets, size=30),
    "sets": list,
    "Recall": lambda sets: [Recall(cells, operation=None) for cells in sets],
    "indices": lambda sets: [sorted(cells) for cells in sets],
    "masks": lambda sets: Patterns(sets, size=30).to_dense(),
    "dense": lambda sets: Patterns(sets, size=30).to_dense().astype(int).tolist(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_patterns_are_taken_in_every_form(form):
    """Stored, learnt, detected and shown to the network as sets are."""
    first, second, rest = set(range(9)), set(range(5, 20)), {*range(9, 12), 29}
    neurons = [ActiveDendriteNeurons(30, n_neurons=2, n_segments=2, synapses_per_segment=8,
                                     threshold=4) for _ in range(2)]  # fmt: skip
    for each, convert in zip(neurons, (list, form), strict=True):
        each.store(convert([first]))
        each.learn(convert([second, rest]), [1, 0])
    assert np.array_equal(neurons[0].segments.cells, neurons[1].segments.cells)
    shown = [first, second, rest, set()]
    assert [row.tolist() for row in neurons[1].predict(form(shown))] == [[0], [1], [0], []]
    assert np.array_equal(neurons[1].overlaps(form(shown)), overlap_by_sets(neurons[0], shown))
    network = neurons[1].build(form(shown))
    assert network.content_hash == neurons[0].build(shown).content_hash


def test_one_pattern_or_none():
    assert len(learner().detect([])) == 0
    assert learner().detect([1, 2, 3]).shape == (1, 3)
    assert learner().detect({1, 2, 3}).shape == (1, 3)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 499), bool), r"must have shape \(n_patterns, 500\)"),
        ([np.zeros(499, bool)], "a mask must have a length of 500 cells, got 499"),
        ([[0.5, 1.0]], "must be indices"),
        (np.array([[0.0, 1.0]]), r"must have shape \(n_patterns, 500\)"),
        ([[1, 1]], "each cell once, got 1 twice in pattern 0"),
        ([[0, 500]], "from 0 to 499, got 500"),
        ([[0, -1]], "from 0 to 499, got -1"),
        ("abc", "frames must be patterns"),
        (7, "frames must be patterns"),
        ([["a"]], "must be patterns"),
        (np.zeros((2, 2, 2), int), "must be patterns|of shape"),
        (Patterns([[1]], 4), "patterns of 500 cells, got 4"),
    ],
)
def test_bad_frames(frames, message):
    for name in ("detect", "predict", "overlaps", "active_segments"):
        with pytest.raises(DescriptionError, match=message) as error:
            getattr(learner(), name)(frames)
        assert "frames" in str(error.value)
    with pytest.raises(DescriptionError, match="patterns"):
        learner().store(frames)


def test_answers_of_a_recording_of_other_frames_are_refused():
    neurons = learner()
    recording = sm.simulate(neurons.build([[1], [2]]), backend="native")
    assert [row.tolist() for row in neurons.decode(recording, [[1], [2]])] == [[], []]
    with pytest.raises(DescriptionError, match="decode: the recording must hold 3 frames, got 2"):
        neurons.decode(recording, [[1], [2], [3]])
    with pytest.raises(DescriptionError, match="must have 4 cells"):
        learner(n_neurons=1).decode(recording, [[1], [2]])
    with pytest.raises(DescriptionError, match="decode: trials must be patterns"):
        neurons.decode(recording, 3)


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
        (lambda: learner().learn([range(3)], [0]), "but frame 0 has fewer"),
        (lambda: learner().detect([[1]], p_fail=-0.1), "p_fail must be >= 0 and <= 1, got -0.1"),
        (lambda: learner().with_device_faults(p_on=2), "p_on must be >= 0 and <= 1, got 2"),
        (lambda: PermanenceRule(connect=0.1, disconnect=0.2), "at least disconnect=0.2"),
        (lambda: PermanenceRule(initial=-1, punish="x"), "2 problems"),
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


@pytest.mark.parametrize("threshold", [1, 2**15 - 1, 2**15, 65535])
def test_a_segment_counts_the_most_synapses_that_it_can_have(threshold):
    most = 2**16 - 1
    neurons = ActiveDendriteNeurons(
        most + 1, n_segments=2, synapses_per_segment=most, threshold=threshold
    )
    neurons.store([np.arange(most)])
    frames = [np.arange(most + 1), np.arange(threshold - 1), np.arange(threshold)]
    assert neurons.overlaps(frames)[:, 0, 0].tolist() == [most, threshold - 1, threshold]
    assert neurons.detect(frames)[:, 0].tolist() == [True, False, True]
    assert neurons.active_segments(frames[:1]).tolist() == [[0, 0, 0, most]]


def test_a_segment_with_more_synapses_than_are_counted_is_refused():
    with pytest.raises(DescriptionError, match="at most 65535 synapses, got 65536"):
        ActiveDendriteNeurons(2**17, synapses_per_segment=2**16)


@given(st.integers(0, 10**6))
def test_many_inputs_with_few_synapses_are_found_as_by_sets(seed):
    rng = np.random.default_rng(seed)
    n = 2**22
    neurons = ActiveDendriteNeurons(
        n, n_neurons=2, n_segments=3, synapses_per_segment=6, threshold=2, patterns_per_segment=2,
        seed=seed,
    )  # fmt: skip
    few = np.concatenate([[0, n - 1], rng.choice(n, 20, replace=False)])
    neurons.store([rng.choice(few, 8, replace=False) for _ in range(int(rng.integers(0, 9)))])
    frames = [rng.choice(few, int(rng.integers(0, 12)), replace=False) for _ in range(5)]
    frames = [*map(np.unique, frames), rng.choice(n, 9, replace=False)]
    expected = overlap_by_sets(neurons, frames)
    assert np.array_equal(neurons.overlaps(frames), expected)
    assert np.array_equal(neurons.detect(frames), (expected >= 2).any(axis=2))


def test_the_index_is_of_the_size_of_the_synapses_where_inputs_are_many():
    neurons = ActiveDendriteNeurons(2**24, n_segments=2, synapses_per_segment=4, threshold=2)
    neurons.store([[1, 2, 3, 2**24 - 1]])
    assert neurons.detect([[3, 2**24 - 1], [4, 5]])[:, 0].tolist() == [True, False]
    assert neurons.segments.index.starts.size < 10
