"""Liquid state machines under test."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.networks.liquid import kernel_quality, poisson_streams
from spikemem.networks.liquid.stress import LEAST_SQUARES, LiquidSubject
from spikemem.networks.liquid.stress_streams import Memory
from spikemem.stress.conditions import Conditions
from spikemem.stress.subject import Probe, Study, Task, own_rng

PLAIN = Conditions()
NATIVE = Conditions(backend="native")
SMALL = {"n_neurons": 40, "n_train": 80, "delays": 5}


def studied(n: int, seed: int = 0, **how) -> Task:
    """A script that studies n items and then asks for all of them."""
    script = [*(Study(k) for k in range(n)), *(Probe(k, **how) for k in range(n))]
    return Task(n, script, seed)


def rows(answers):
    """All numbers of some answers, the costs apart."""
    return [[*a.right, *a.missing, *a.exact, sorted(a.numbers.items())] for a in answers]


@pytest.mark.parametrize(
    "change", [{}, {"bits": 3}, {"task": "labels"}, {"task": "labels", "reset": False},
               {"task": "labels", "spread": 1.0, "n_classes": 3}],
)  # fmt: skip
def test_several_trials_are_as_each_alone(change):
    subject = LiquidSubject(**SMALL, **change)
    tasks = [studied(8, seed) for seed in range(3)]
    together = subject.perform(tasks, PLAIN)
    assert rows(together) == rows([subject.perform([task], PLAIN)[0] for task in tasks])
    assert len({a.costs["spikes"] for a in together}) == 3


@pytest.mark.parametrize(
    "change", [{}, {"bits": 2}, {"task": "labels"}, {"task": "labels", "reset": False}]
)
def test_spikes_answer_as_the_fast_path(change):
    subject = LiquidSubject(**SMALL, **change)
    tasks = [studied(6, seed) for seed in range(2)]
    plain, spiking = subject.perform(tasks, PLAIN), subject.perform(tasks, NATIVE)
    assert rows(plain) == rows(spiking)
    assert spiking[0].costs["operations"] == 12
    ideal = subject.perform(tasks, Conditions(backend="native", device="Ideal"))
    assert rows(plain) == rows(ideal)


def test_a_delay_counts_the_values_since_the_last_study():
    script = [Study(0), Study(1), Probe(0), Study(2), Study(0), Probe(0), Probe(1), Probe(3)]
    trial = Memory(LiquidSubject(**SMALL), Task(4, script, 0))
    assert trial.lags.tolist() == [1, 0, 2, -1]
    assert (trial.windows - 99).tolist() == [2, 4, 4, 4]


def test_the_present_value_is_read_and_old_ones_are_not():
    """A fair coin is right 23 times of 30 or more with a chance of 0.3 %."""
    subject = LiquidSubject(n_neurons=60, n_train=300)
    script = [*(Study(k) for k in range(25)), Probe(24), Probe(0)]
    tasks = [Task(25, script, seed) for seed in range(30)]
    right = np.array([a.right for a in subject.perform(tasks, PLAIN)])
    assert right[:, 0].sum() >= 23 > right[:, 1].sum()


def test_without_memory_in_neurons_and_synapses_there_is_no_capacity():
    """Jaeger's sum for 20 delays; noise adds about 1 / 240 for each of them."""
    cut = LiquidSubject(n_neurons=50, n_train=500, spectral_radius=0.0, decay=0.01)
    whole = LiquidSubject(n_neurons=50, n_train=500)
    found = [
        np.mean([a.numbers["memory_capacity"] for a in
                 subject.perform([studied(1, seed) for seed in range(4)], PLAIN)])
        for subject in (cut, whole)
    ]  # fmt: skip
    assert found[0] < 0.25
    assert found[1] > 2 * found[0]


@pytest.mark.parametrize("items", [200, 400])
def test_random_labels_are_recalled_as_least_squares_predicts(items):
    """Large-size law: the fraction right is Phi(sqrt(h / (1 - h))), h = (rank + 1) / n.

    False alarm: t of 11 beyond 4.5 standard errors, 9e-4; 0.01 is left for the finite size.
    """
    subject = LiquidSubject(task="labels", n_neurons=100, penalty=1e-3)
    answers = subject.perform([studied(items, seed) for seed in range(12)], PLAIN)
    share = np.array([a.right.mean() for a in answers])
    h = np.array([(a.numbers["state_rank"] + 1) / items for a in answers])
    wanted = np.mean([NormalDist().cdf(math.sqrt(part / (1 - part))) for part in h])
    assert abs(share.mean() - wanted) < 4.5 * share.std(ddof=1) / math.sqrt(12) + 0.01


def test_the_capacity_of_least_squares_is_nine_tenths():
    h = LEAST_SQUARES
    assert NormalDist().cdf(math.sqrt(h / (1 - h))) == pytest.approx(0.9, abs=1e-4)
    laws = LiquidSubject(task="labels").theory("exact_recall")
    assert laws["load: Cover, 2 N"] == 2.0
    assert LiquidSubject().theory("memory_capacity") == {"value: Jaeger's bound N": 200.0}


def test_spectral_radius_is_that_of_the_weights():
    """Circular law: the largest eigenvalue of 400 neurons is within 10 % of the radius."""
    subject = LiquidSubject(n_neurons=400, spectral_radius=0.8)
    weights = subject.model(0).weights.recurrent
    largest = np.abs(np.linalg.eigvals(weights)).max() / subject.v_thresh
    assert largest == pytest.approx(0.8, rel=0.1)


def test_ranks_are_those_of_the_measures():
    subject = LiquidSubject(**SMALL, ranks=True, n_streams=30)
    for conditions in (PLAIN, NATIVE):
        (answers,) = subject.perform([studied(3, seed=4)], conditions)
        model = subject.model(int(own_rng(4, "model").integers(2**31)))
        seed = int(own_rng(4, "streams").integers(2**31))
        wanted = kernel_quality(model, poisson_streams(30, seed=seed))
        assert answers.numbers["kernel_rank"] == wanted
        assert 0 < answers.numbers["generalisation_rank"] <= 30
    with pytest.raises(UnsupportedError, match="ranks=False"):
        subject.perform([studied(3)], Conditions(backend="native", device="PCM"))


def test_all_samples_are_shown_to_one_device():
    """A readout that is trained on a noisy liquid knows its samples again: it is one liquid."""
    subject = LiquidSubject(task="labels", n_neurons=60, n_steps=15)
    noisy = Conditions(backend="native", programming_noise=0.1)
    answers = subject.perform([studied(15, seed) for seed in range(2)], noisy)
    assert all(a.exact.all() for a in answers)
    clean = subject.perform([studied(15, seed) for seed in range(2)], NATIVE)
    assert answers[0].costs["spikes"] != clean[0].costs["spikes"]


def test_labels_of_noisy_cues_are_recalled_worse():
    subject = LiquidSubject(task="labels", n_neurons=100)
    right = [
        np.mean([a.right.mean() for a in subject.perform([studied(40, s, **how) for s in range(4)],
                                                         PLAIN)])
        for how in ({}, {"cue_loss": 0.02}, {"wrong_bits": 0.5})
    ]  # fmt: skip
    assert right[0] == 1.0
    assert right[0] > right[1] > right[2]


def test_repeated_study_of_jittered_patterns_helps():
    subject = LiquidSubject(task="labels", n_neurons=100, spread=0.3, constant=0.04)
    once = [Study(k) for k in range(12)]
    probes = [Probe(k) for k in range(12)]
    right = []
    for times in (1, 8):
        tasks = [Task(12, once * times + probes, seed) for seed in range(6)]
        right.append(np.mean([a.right.mean() for a in subject.perform(tasks, PLAIN)]))
    assert right[1] > right[0] + 0.05


def test_before_any_study_nothing_is_right():
    for task in ("memory", "labels"):
        subject = LiquidSubject(**SMALL, task=task)
        script = [Probe(0), Probe(1), Study(0), Probe(0), Probe(1)]
        (answers,) = subject.perform([Task(2, script, 0)], PLAIN)
        assert answers.right.tolist()[:2] == [0, 0]
        assert answers.right[3] == 0
    assert answers.right[2] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [({"liquid": "maass", "n_neurons": 100}, "multiple of 9"), ({"bits": 9}, "at least 2 for each"),
     ({"n_train": 60, "delays": 30}, "2 \\* delays")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(change, said):
    with pytest.raises(DescriptionError, match=said):
        LiquidSubject(**change)


def test_what_the_memory_task_cannot_do_is_refused():
    subject = LiquidSubject(**SMALL)
    with pytest.raises(UnsupportedError, match="no cue"):
        subject.perform([studied(3, cue_loss=0.5)], PLAIN)
    with pytest.raises(DescriptionError, match="n_train of at least"):
        subject.perform([studied(60)], PLAIN)


def test_a_maass_liquid_runs():
    subject = LiquidSubject(liquid="maass", n_neurons=27, n_train=50, delays=5)
    (answers,) = subject.perform([studied(3)], PLAIN)
    assert len(answers) == 3
    assert answers.costs["spikes"] > 0
