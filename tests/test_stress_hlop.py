"""Continual learners under test."""

from __future__ import annotations

import numpy as np
import pytest

from spikemem.errors import BackendMissing, DescriptionError, UnsupportedError
from spikemem.networks.hlop.stress import HLOPSubject
from spikemem.stress.conditions import Conditions
from spikemem.stress.subject import Probe, Study, Task

pytest.importorskip("torch")

PLAIN = Conditions()
NATIVE = Conditions(backend="native")
SMALL = {"hidden": 30, "samples": 120, "tests": 40, "epochs": 2}


def studied(n: int, seed: int = 0, novel: int = 0, question: str = "recall", **how) -> Task:
    """A script that learns n tasks and then tests all of them, and others."""
    probes = [Probe(k, question, **how) for k in range(n + novel)]
    return Task(n + novel, [*(Study(k) for k in range(n)), *probes], seed)


def rows(answers):
    """All numbers of some answers, the costs apart."""
    return [[*a.right, *a.exact, *np.nan_to_num(a.familiarity, nan=-1.0),
             sorted(a.numbers.items())] for a in answers]  # fmt: skip


@pytest.mark.parametrize(
    "change", [{}, {"data": "gaussian"}, {"method": "naive", "n_hidden": 2}, {"heads": "task"},
               {"spiking_form": True, "n_time_steps": 6}],
)  # fmt: skip
def test_several_trials_are_as_each_alone(change):
    subject = HLOPSubject(**SMALL, **change)
    tasks = [studied(2, seed, novel=1) for seed in range(2)]
    together = subject.perform(tasks, PLAIN)
    assert rows(together) == rows([subject.perform([task], PLAIN)[0] for task in tasks])
    assert rows(together)[0] != rows(together)[1]
    assert together[0].n_bits == 400
    assert (together[0].right + together[0].missing == 40).all()


@pytest.mark.parametrize("method", ["hlop", "naive"])
def test_a_trial_is_what_a_loop_over_the_learner_finds(method):
    subject = HLOPSubject(**SMALL, method=method)
    task = studied(3, seed=2)
    (answers,) = subject.perform([task], PLAIN)
    from spikemem.networks.hlop.stress_trials import StressTrial

    trial = StressTrial(subject, task)
    model, first = trial.model, []
    for k in range(3):
        x, y, test_x, test_y = trial._data(k)
        model.learn_task(x, y)
        first.append(model.score(test_x, test_y))
    last = [model.score(*trial._data(k)[2:]) for k in range(3)]
    assert (answers.right / 40).tolist() == pytest.approx(last)
    assert answers.numbers["accuracy"] == pytest.approx(np.mean(last))
    assert answers.numbers["accuracy_when_learnt"] == pytest.approx(np.mean(first))
    assert answers.numbers["backward_transfer"] == pytest.approx(np.mean(last) - np.mean(first))
    assert answers.exact.tolist() == [score >= 0.7 for score in last]


def test_tasks_are_permutations_of_the_same_digits():
    from spikemem.networks.hlop.stress_trials import StressTrial

    trial = StressTrial(HLOPSubject(), studied(2, seed=1))
    one, two = trial._data(0), trial._data(1)
    assert (one[1] == two[1]).all()
    assert np.allclose(np.sort(one[0], axis=1), np.sort(two[0], axis=1))
    assert not np.allclose(one[0], two[0])
    learnt, tested = {row.tobytes() for row in one[0]}, {row.tobytes() for row in one[2]}
    assert not learnt & tested


def test_subspaces_keep_old_tasks_that_plain_training_forgets():
    """Six permutations, the first three tested; the same three seeds."""
    kept = {}
    for method in ("hlop", "naive"):
        subject = HLOPSubject(method=method, samples=300, tests=100)
        script = [*(Study(k) for k in range(6)), *(Probe(k) for k in range(3))]
        answers = subject.perform([Task(6, script, seed) for seed in range(3)], PLAIN)
        kept[method] = np.mean([a.numbers["backward_transfer"] for a in answers])
    assert kept["naive"] < -0.3
    assert kept["hlop"] > kept["naive"] + 0.15


def test_a_task_that_was_never_learnt_is_answered_by_chance():
    """Ten classes, 300 answers: above 0.2 with a chance of 1e-7 if they were independent."""
    subject = HLOPSubject(samples=200, tests=100)
    script = [Study(0), Probe(1), Probe(2), Probe(3)]
    answers = subject.perform([Task(4, script, seed) for seed in range(3)], PLAIN)
    assert np.mean([a.right for a in answers]) / 100 < 0.25


def test_learnt_tasks_are_more_familiar_than_new_ones():
    subject = HLOPSubject(samples=300, tests=100)
    answers = subject.perform([studied(4, 0, novel=4, question="recognise")], PLAIN)
    familiarity = answers[0].familiarity
    assert familiarity[:4].min() > familiarity[4:].max()
    with pytest.raises(UnsupportedError, match="use 'hlop' or 'svd'"):
        HLOPSubject(method="naive").require("recognise", "recognition")


@pytest.mark.parametrize("heads", ["domain", "task"])
def test_spikes_answer_as_the_learner(heads):
    subject = HLOPSubject(**SMALL, spiking_form=True, n_time_steps=8, heads=heads)
    script = [Study(0), Probe(0), Study(1), Probe(0), Probe(1, cue_loss=0.3, wrong_bits=0.2)]
    tasks = [Task(2, script, seed) for seed in range(2)]
    plain, spiking = subject.perform(tasks, PLAIN), subject.perform(tasks, NATIVE)
    assert rows(plain) == rows(spiking)
    assert spiking[0].costs["operations"] == 3
    assert spiking[0].costs["spikes"] > 0
    assert rows(spiking) == rows([subject.perform([task], NATIVE)[0] for task in tasks])
    ideal = subject.perform(tasks, Conditions(backend="native", device="Ideal"))
    assert rows(plain) == rows(ideal)
    failing = subject.perform(tasks, Conditions(backend="native", synapse_failure=0.5))
    assert sum(a.right.sum() for a in failing) < sum(a.right.sum() for a in spiking)


def test_cues_that_lose_pixels_are_classified_worse():
    subject = HLOPSubject(samples=300, tests=100)
    script = [Study(0), Probe(0), Probe(0, cue_loss=0.5), Probe(0, wrong_bits=0.6)]
    right = np.mean([a.right for a in subject.perform([Task(1, script, s) for s in range(3)],
                                                      PLAIN)], axis=0)  # fmt: skip
    assert right[0] > right[1] + 10
    assert right[0] > right[2] + 10


def test_load_one_is_where_the_subspaces_are_full():
    subject = HLOPSubject(**SMALL, first_rank=0.4, further_rank=0.25)
    # 64 inputs: 26 rows, then 16 for each further task; 30 neurons: 12, then 8.
    assert subject.scale == 3
    subject.perform([studied(3)], PLAIN)
    with pytest.raises(DescriptionError, match="rank"):
        subject.perform([studied(4)], PLAIN)
    assert subject.theory("exact_recall") == {"load: subspaces are full": 1.0}
    assert HLOPSubject(method="naive").theory("accuracy") == {"value: chance": 0.1}
    assert subject.n_synapses == 64 * 30 + 30 * 10


@pytest.mark.parametrize(
    ("change", "said"),
    [({"n_inputs": 30}, "digits have 64 inputs"), ({"tests": 300}, "299 to test"),
     ({"spiking_form": True, "trainer": "ottt"}, "bptt"), ({"method": "magic"}, "magic")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(change, said):
    with pytest.raises(DescriptionError, match=said):
        HLOPSubject(**change)


def test_neurons_without_a_spiking_form_run_on_no_other_backend():
    with pytest.raises(UnsupportedError, match="spiking_form=True"):
        HLOPSubject().perform([studied(1)], NATIVE)


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(BackendMissing, match="learn"):
        HLOPSubject().perform([studied(1)], PLAIN)
