"""Segments and the sequence memory under test."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.networks.dendrites.stress import DendriteSubject, SequenceSubject
from spikemem.networks.dendrites.theory import (
    false_negative_probability,
    population_false_positive_probability,
)
from spikemem.stress.conditions import Conditions
from spikemem.stress.subject import Probe, Study, Task

EXPECTED = Conditions()
NATIVE = Conditions(backend="native")
ALARM = 1e-6
SEGMENTS = {"n_inputs": 200, "active": 20, "n_segments": 12, "synapses_per_segment": 10, "theta": 6}
SEQUENCES = {"n_columns": 120, "active": 10, "cells_per_column": 4, "theta": 6,
             "synapses_per_segment": 10}  # fmt: skip


def task(n, seed, novel=0, **asked):
    script = [*map(Study, range(n)), *(Probe(k, **asked) for k in range(n + novel))]
    return Task(n + novel, script, seed)


def one(subject, given, conditions=EXPECTED):
    return subject.perform([given], conditions)[0]


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "familiarity")
        for name in ("right", "missing", "extra", "exact", "familiarity", "first")
    )


def require_chance(hits, n, p):
    """A count agrees with a binomial distribution."""
    low, high = scipy.stats.binom.interval(1 - ALARM, n, p)
    assert low <= hits <= high


CASES = [
    (DendriteSubject(**SEGMENTS), "recall"),
    (DendriteSubject(**SEGMENTS, graded=False), "recognise"),
    (DendriteSubject(**SEGMENTS, n_somas=3, learning="permanence"), "recall"),
    (SequenceSubject(**SEQUENCES), "recall"),
    (SequenceSubject(**SEQUENCES, alphabet=6), "recognise"),
]


@pytest.mark.parametrize(("subject", "question"), CASES)
@pytest.mark.parametrize("backend", ["native", "brian2", "emulator"])
def test_backends_agree_with_the_plain_algorithm(backend, subject, question):
    tasks = [task(5, seed, 2, question=question, cue_loss=0.2, wrong_bits=0.2) for seed in (1, 2)]
    wanted = subject.perform(tasks, EXPECTED)
    found = subject.perform(tasks, Conditions(backend=backend))
    assert all(same(a, b) for a, b in zip(wanted, found, strict=True))
    assert all(answers.costs["spikes"] > 0 for answers in found)


@pytest.mark.parametrize(("subject", "question"), CASES)
@pytest.mark.parametrize(
    "conditions",
    [EXPECTED, NATIVE, Conditions(backend="native", synapse_failure=0.2, jitter=0.5)],
    ids=["expected", "native", "disturbed"],
)
def test_many_trials_equal_each_alone(conditions, subject, question):
    between = [Study(0), Probe(0, question), Study(1), Probe(0, question), Probe(1, question)]
    tasks = [task(4, 1, question=question), Task(2, between, 2), task(4, 1, question=question)]
    together = subject.perform(tasks, conditions)
    assert [len(answers) for answers in together] == [4, 3, 4]
    for given, answers in zip(tasks, together, strict=True):
        alone = one(subject, given, conditions)
        assert same(answers, alone)
        assert answers.costs == alone.costs
    assert same(together[0], together[2])


def test_costs_of_what_is_asked_between_studies_add_up():
    subject = DendriteSubject(**SEGMENTS)
    script = [Study(0), Probe(0), Study(1), Probe(0), Probe(1)]
    costs = one(subject, Task(2, script, 1), NATIVE).costs
    assert costs["operations"] == 3
    whole = one(subject, Task(2, [Study(0), Study(1), Probe(0), Probe(1), Probe(0)], 1), NATIVE)
    assert costs["duration"] == whole.costs["duration"]
    assert costs["footprint"] == whole.costs["footprint"]


# Segments


@pytest.mark.parametrize("theta", [4, 5, 6])
def test_false_matches_and_misses_are_those_of_the_theory(theta):
    sizes = {**SEGMENTS, "theta": theta}
    subject = DendriteSubject(**sizes)
    n_trials, novel = 30, 200
    script = [Study(k) for k in range(12)]
    script += [Probe(k, "recognise") for k in range(12, 12 + novel)]
    script += [Probe(k, "recognise", cue_loss=0.5, wrong_bits=0.5) for k in range(12)]
    tasks = [Task(12 + novel, script, seed) for seed in range(n_trials)]
    numbers = [answers.numbers for answers in subject.perform(tasks, EXPECTED)]
    chance = population_false_positive_probability(n=200, a=20, s=10, theta=theta, m=12)
    assert subject.theory("false_alarms") == {
        "value: at load 1 (Ahmad and Hawkins, equation 8)": chance
    }
    # The probes of one trial share its segments; their number varies little more than binomially.
    found = np.array([each["false_matches"] for each in numbers])
    spread = max(found.std(ddof=1), np.sqrt(chance * (1 - chance) / novel)) / np.sqrt(n_trials)
    assert abs(found.mean() - chance) < scipy.stats.t.isf(ALARM, n_trials - 1) * spread
    # 10 of the 20 active cells are swapped.
    miss = false_negative_probability(a=20, s=10, theta=theta, v=10)
    hits = round(sum(each["misses"] for each in numbers) * 12)
    require_chance(hits, 12 * n_trials, miss)


def test_failed_synapses_miss_as_often_as_the_theory_says():
    p, n = 0.3, 40
    subject = DendriteSubject(**SEGMENTS)
    dead = Conditions(backend="native", synapse_failure=p)
    answers = subject.perform([task(12, seed) for seed in range(n)], dead)
    missed = sum(int(each.missing.sum()) for each in answers)
    # Each of 10 synapses fails; 6 have to be left.
    require_chance(missed, 12 * n, scipy.stats.binom.cdf(5, 10, 1 - p))


def test_familiarity_is_the_best_overlap():
    subject = DendriteSubject(**SEGMENTS)
    answers = one(subject, task(6, 3, 6, question="recognise"))
    assert answers.familiarity[:6].tolist() == [10.0] * 6
    assert answers.familiarity[6:].max() < 10
    spiking = one(subject, task(6, 3, 6, question="recognise"), NATIVE)
    assert spiking.familiarity.tolist() == [1.0] * 6 + [0.0] * 6


def test_each_neuron_recognises_its_own():
    subject = DendriteSubject(**SEGMENTS, n_somas=4)
    answers = one(subject, task(20, 1, 4))
    assert answers.n_bits == 4
    assert answers.right.tolist() == [1] * 20 + [0] * 4
    assert answers.extra.sum() == 0
    assert (subject.scale, subject.n_neurons, subject.n_synapses) == (48, 4, 480)


def test_segments_are_full_at_load_one():
    subject = DendriteSubject(**SEGMENTS)
    assert one(subject, task(12, 1)).exact.all()
    with pytest.raises(DescriptionError, match=r"room for 12 more patterns, got 13.*permanence"):
        one(subject, task(13, 1))
    # By permanences the pattern that was used longest ago gives way.
    sparse = {**SEGMENTS, "n_inputs": 2000}
    answers = one(DendriteSubject(**sparse, learning="permanence"), task(18, 1))
    assert answers.exact.tolist() == [False] * 6 + [True] * 12


@pytest.mark.parametrize(
    ("given", "message"),
    [({"active": 3000}, "active must be at most n_inputs"),
     ({"theta": 41}, "theta must be at most active"),
     ({"theta": 21}, "theta must be at most synapses_per_segment"),
     ({"overlap": 2.0}, "overlap"), ({"learning": "hebb"}, "learning")],
)  # fmt: skip
def test_segments_that_make_no_sense(given, message):
    with pytest.raises(DescriptionError, match=message):
        DendriteSubject(**given)


# Sequences


def test_the_next_frame_is_predicted_from_all_that_came_before():
    subject = SequenceSubject(**SEQUENCES, length=5)
    answers = one(subject, task(6, 1, 2))
    assert answers.right.tolist() == [10] * 6 + [0] * 2
    assert answers.exact.tolist() == [True] * 6 + [False] * 2
    early = one(SequenceSubject(**SEQUENCES, length=5, prefix=1), task(6, 1))
    assert early.exact.all()
    assert (subject.scale, subject.n_neurons, subject.n_synapses) == (9.6, 480, 4800)


def test_shared_frames_need_context():
    shared = SequenceSubject(**SEQUENCES, alphabet=6)
    context = one(shared, task(6, 2))
    first = one(SequenceSubject(**SEQUENCES, alphabet=6, prefix=1), task(6, 2))
    # One frame does not say which of the sequences that hold it goes on.
    assert first.exact.mean() < context.exact.mean()
    assert first.extra.sum() > context.extra.sum()


def test_known_sequences_are_familiar():
    answers = one(SequenceSubject(**SEQUENCES), task(6, 1, 6, question="recognise"))
    assert answers.familiarity[:6].tolist() == [1.0] * 6
    assert answers.familiarity[6:].max() < 0.5


def pairs(n, seed, count=24):
    rng = np.random.default_rng(seed)
    return [tuple(rng.permutation(n)[:2].tolist()) for _ in range(count)]


def order(n, seed, asked, studies=None):
    studied = range(n) if studies is None else studies
    return Task(n, [*map(Study, studied), *(Probe(i, "order", j) for i, j in asked)], seed)


def test_order_is_told_by_replay():
    asked = pairs(8, 1)
    studies = np.random.default_rng(3).permutation(8).tolist()
    answers = one(SequenceSubject(**SEQUENCES), order(8, 2, asked, studies))
    assert answers.first.tolist() == [studies.index(i) < studies.index(j) for i, j in asked]


def test_without_learning_order_is_a_guess():
    asked = pairs(8, 1, 400)
    answers = one(SequenceSubject(**SEQUENCES), order(8, 2, asked, []))
    require_chance(int(answers.first.sum()), 400, 0.5)


def test_order_goes_on_after_questions():
    script = [Study(0), Study(1), Probe(0, "order", 1), Study(2), Study(3), Probe(3, "order", 0),
              Probe(1, "order", 2)]  # fmt: skip
    answers = one(SequenceSubject(**SEQUENCES), Task(4, script, 2))
    assert answers.first.tolist() == [True, False, True]


def test_order_needs_predictions_as_input():
    with pytest.raises(UnsupportedError, match=r"order need backend 'expected'.*'native'"):
        one(SequenceSubject(**SEQUENCES), order(4, 1, [(0, 1)]), NATIVE)


@pytest.mark.parametrize(
    ("given", "message"),
    [({"prefix": 4}, "prefix must be below length=4"), ({"length": 1}, "length"),
     ({"alphabet": 3}, "alphabet must be at least length=4"),
     ({"theta": 21}, "theta must be at most active")],
)  # fmt: skip
def test_sequences_that_make_no_sense(given, message):
    with pytest.raises(DescriptionError, match=message):
        SequenceSubject(**given)
