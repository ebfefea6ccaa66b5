"""Sequence memory: high-order sequences, novelty, noise, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spikemem import DescriptionError
from spikemem.codes import Patterns, random_patterns, swap_bits
from spikemem.networks.dendrites import (
    PermanenceRule,
    TemporalMemory,
    false_negative_probability,
    largest_noise,
)

N, A = 1024, 30


@pytest.fixture(scope="module")
def alphabet() -> Patterns:
    return random_patterns(40, size=N, active=A, seed=1)


@pytest.fixture(scope="module")
def sequences(alphabet) -> list[list[np.ndarray]]:
    """Four sequences of eight frames with a shared middle of four and endings of their own."""
    middle = list(alphabet[30:34])
    return [[*alphabet[4 * k : 4 * k + 2], *middle, *alphabet[4 * k + 2 : 4 * k + 4]]
            for k in range(4)]  # fmt: skip


@pytest.fixture(scope="module")
def memory(sequences) -> TemporalMemory:
    memory = TemporalMemory(N, cells_per_column=16, seed=0)
    errors = memory.learn(sequences, passes=40)
    assert errors[-1] == 0.0
    return memory


def test_high_order_sequences_are_predicted_without_error(memory, sequences):
    for sequence in sequences:
        replay = memory.run(sequence)
        assert replay.novelty.tolist() == [1.0] + [0.0] * 7
        for prediction, frame in zip(replay.predictions, sequence[1:], strict=False):
            assert np.array_equal(prediction, frame)


def test_the_shared_middle_has_cells_of_its_own_in_each_context(memory, sequences):
    last = [set(memory.run(s).active_cells[5].tolist()) for s in sequences]
    for k in range(4):
        assert len(last[k]) == A
        for other in last[:k]:
            assert len(last[k] & other) < A / 4


def test_without_the_beginning_all_endings_are_possible(memory, sequences):
    middle = sequences[0][2:6]
    predicted = set(memory.predict(middle).tolist())
    for sequence in sequences:
        assert set(sequence[6].tolist()) <= predicted


def test_a_novel_order_is_told_from_a_known_one(memory, sequences):
    assert all(memory.is_known(sequence) for sequence in sequences)
    a, b = sequences[:2]
    mixed = [*a[:6], *b[6:]]
    assert not memory.is_known(mixed)
    assert memory.run(mixed).novelty[6] > 0.9
    shuffled = [a[k] for k in (0, 2, 1, 3, 5, 4, 7, 6)]
    assert memory.run(shuffled).novelty[1:].min() > 0.8


def test_nothing_is_learnt_unless_asked(memory, sequences):
    before = memory.segments.cells.copy(), memory.segments.permanences.copy()
    memory.run(sequences[0][::-1])
    memory.predict(sequences[1])
    assert np.array_equal(memory.segments.cells, before[0])
    assert np.array_equal(memory.segments.permanences, before[1])


@pytest.mark.parametrize("rule", [PermanenceRule(initial=0.2, increase=0.0)])
def test_without_strengthening_nothing_is_predicted(rule, sequences):
    memory = TemporalMemory(N, rule=rule)
    memory.learn(sequences[:1], passes=3)
    assert memory.run(sequences[0]).novelty.tolist() == [1.0] * 8


def test_without_punishment_a_wrong_prediction_stays(sequences):
    predicted = {}
    for punish in (0.0, 0.1):
        memory = TemporalMemory(N, rule=PermanenceRule(punish=punish), cells_per_column=1)
        a, b, c = sequences[0][:3]
        memory.learn([[a, b]], passes=2)
        for _ in range(10):
            memory.run([a, c], learn=True)
        predicted[punish] = set(memory.predict([a]).tolist())
        assert set(c.tolist()) <= predicted[punish]
    assert set(b.tolist()) <= predicted[0.0]
    assert not set(b.tolist()) & (predicted[0.1] - set(c.tolist()))


def test_one_cell_per_column_can_not_tell_contexts_apart(sequences):
    memory = TemporalMemory(N, cells_per_column=1)
    memory.learn(sequences[:2], passes=20)
    wrong = [memory.run(s).predictions[5].tolist() != s[6].tolist() for s in sequences[:2]]
    assert any(wrong)


def noisy_prediction(v: int, trials: int) -> tuple[int, int]:
    """Columns of the second frame that a noisy first one predicts: misses, and cases."""
    n, a, s, theta = 2048, 40, 20, 10
    misses = 0
    for trial in range(trials):
        first, second = random_patterns(2, size=n, active=a, seed=trial)
        memory = TemporalMemory(
            n, cells_per_column=4, synapses_per_segment=s, threshold=theta, seed=trial
        )
        memory.learn([[first, second]], passes=1)
        noisy = swap_bits(Patterns(first, size=n), v, seed=trial)[0]
        misses += np.setdiff1d(second, memory.predict([noisy])).size
    return misses, a * trials


def test_noise_misses_as_the_theory_says():
    """60 memories of 40 segments each; those of one memory share the noise, and are
    independent for a given frame since each has its own synapses."""
    misses, cases = noisy_prediction(20, 60)
    p = false_negative_probability(a=40, s=20, theta=10, v=20)
    assert abs(misses / cases - p) <= 4 * math.sqrt(p * (1 - p) / cases)


def test_robust_to_the_noise_that_the_theory_allows(memory, sequences):
    v = largest_noise(a=A, s=20, theta=10, false_negative=1e-6)
    assert v >= 10
    for k, sequence in enumerate(sequences):
        noisy = swap_bits(Patterns(sequence, size=N), v, seed=k)
        predictions = memory.run(noisy).predictions
        # The first frame is known by its columns alone; contexts follow from it.
        for prediction, frame in zip(predictions, sequence[1:], strict=False):
            assert np.isin(frame, prediction).mean() > 0.6


def test_steps_are_those_of_run(memory, sequences):
    memory.reset()
    novelty = [memory.step(columns) for columns in sequences[0]]
    assert novelty == memory.run(sequences[0]).novelty.tolist()
    assert memory.step([]) == 0.0


def test_columns_are_taken_in_every_form(memory, sequences):
    """Frames as sets, masks and Patterns; a sequence memory learns them as it learns indices."""
    plain = Patterns(sequences[0], size=N)
    for form in (plain, plain.to_sets(), plain.to_dense(), list(plain.to_dense().astype(int))):
        assert memory.run(form).novelty.tolist() == [1.0] + [0.0] * 7
        assert memory.is_known(form)
        assert np.array_equal(memory.expected([form])[0].novelty, memory.run(plain).novelty)
    small = [TemporalMemory(9, synapses_per_segment=2, threshold=2, seed=0) for _ in range(2)]
    small[0].learn([[[0, 1], [2, 3]]])
    small[1].learn([Patterns([[0, 1], [2, 3]], size=9)])
    assert np.array_equal(small[0].segments.cells, small[1].segments.cells)
    memory.reset()
    one = plain[:1]
    for form in (one, one.to_sets()[0], one.to_dense()[0], one[0].tolist()):
        memory.reset()
        assert memory.step(form) == 1.0
        assert np.array_equal(memory.predicted_columns, memory.run(one).predictions[0])
    for bad in (plain, [[0], [1]], 3, [N], [0, 0]):
        with pytest.raises(DescriptionError, match="columns"):
            memory.step(bad)
    with pytest.raises(DescriptionError, match="must be a list of sequences"):
        memory.learn(plain)


def test_save_and_load(tmp_path, memory, sequences):
    again = TemporalMemory.load(memory.save(tmp_path / "memory.h5"))
    assert np.array_equal(again.predict(sequences[0][:3]), memory.predict(sequences[0][:3]))
    new = [random_patterns(4, size=N, active=A, seed=9)]
    copies = [again, TemporalMemory.load(tmp_path / "memory.h5")]
    for copy in copies:
        copy.learn(new, passes=2)
    assert np.array_equal(copies[0].segments.cells, copies[1].segments.cells)


def test_the_seed_decides(sequences):
    made = []
    for seed in (1, 1, 2):
        memory = TemporalMemory(N, seed=seed)
        memory.learn(sequences[:1], passes=2)
        made.append(memory.segments.cells)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda m: TemporalMemory(0), "n_columns must be an int >= 1"),
        (
            lambda m: TemporalMemory(10, threshold=21),
            "threshold must be at most synapses_per_segment=20, got 21",
        ),
        (lambda m: TemporalMemory(10, learning_threshold=11), "learning_threshold must be"),
        (lambda m: TemporalMemory(1, cells_per_column=2), "synapses_per_segment must be"),
        (lambda m: TemporalMemory(10, rule=1), "rule must be a PermanenceRule"),
        (lambda m: m.step([N]), f"from 0 to {N - 1}, got {N}"),
        (lambda m: m.step(np.ones(N - 1, bool)), f"mask must have a length of {N}"),
        (lambda m: m.run([[0.5]]), "sequence must be indices"),
        (lambda m: m.learn(3), "a sequence of sequences of frames"),
        (lambda m: m.learn([[[1, 1]]]), r"sequences\[0\] must name each cell once"),
        (lambda m: m.learn([], passes=0), "passes must be an int >= 1"),
        (lambda m: m.is_known([[1]], tolerance=2), "tolerance must be >= 0 and <= 1, got 2"),
    ],
)
def test_bad_input(memory, action, message):
    with pytest.raises(DescriptionError, match=message):
        action(memory)
