"""Hierarchies of macs under test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.networks.sparsey import random_code_capacity, random_code_recall
from spikemem.networks.sparsey.stress import SparseySubject
from spikemem.networks.sparsey.stress_trials import corrupt
from spikemem.stress.conditions import Conditions
from spikemem.stress.subject import Probe, Study, Task
from spikemem.stress.sweep import Sweep

PLAIN = Conditions()
NATIVE = Conditions(backend="native")


def studied(n: int, seed: int = 0, extra: int = 0, **how) -> Task:
    """A script that studies n items and then asks for all of them, and for novel ones."""
    probes = [Probe(k, **how) for k in range(n + extra)]
    return Task(n + extra, [*(Study(k) for k in range(n)), *probes], seed)


def rows(answers):
    """All numbers of some answers."""
    return [
        [*a.right, *a.missing, *a.extra, *a.exact, *np.nan_to_num(a.familiarity, nan=-1.0),
         *a.first]
        for a in answers
    ]  # fmt: skip


def test_random_codes_recall_what_counting_every_case_says():
    """Two items of two of four inputs, modules of two cells: all cases, one by one."""
    patterns = list(itertools.combinations(range(4), 2))
    won = []
    for first, second, same_cell in itertools.product(patterns, patterns, (True, False)):
        # The other cell ties with the right one if it stands for the same inputs.
        ties = not same_cell and set(first) == set(second)
        won.append(0.5 if ties else 1.0)
    assert random_code_recall(2, 2, 4, 2) == pytest.approx(np.mean(won), abs=1e-12)


@pytest.mark.parametrize("items", [120, 200, 300])
def test_a_mac_of_random_codes_recalls_what_the_formula_says(items):
    """False alarm: t of 24 trials beyond 4.5 standard errors, 2e-4 for each number of items."""
    subject = SparseySubject(chi=0.0)
    answers = subject.perform([studied(items, seed) for seed in range(25)], PLAIN)
    share = np.array([a.right.sum() / (9 * items) for a in answers])
    error = share.std(ddof=1) / 5
    wanted = random_code_recall(items, 16, 144, 20)
    assert abs(share.mean() - wanted) < 4.5 * error
    assert error < 0.02


def test_the_capacity_of_random_codes_is_where_the_recall_crosses():
    held = random_code_capacity(16, 144, 20)
    assert random_code_recall(held, 16, 144, 20) >= 0.9 > random_code_recall(held + 1, 16, 144, 20)
    subject = SparseySubject()
    assert subject.theory("exact_recall") == {
        "load: random codes, 90 % of the winners": held / subject.scale
    }
    assert SparseySubject(saturation=0.2).theory("exact_recall") == {}


@pytest.mark.parametrize("change", [{}, {"frames": 3}, {"decay": "convex"}, {"saturation": 0.3}])
def test_several_trials_are_as_each_alone(change):
    subject = SparseySubject(n_inputs=60, active=10, **change)
    tasks = [studied(15, seed, extra=3, cue_loss=0.2, wrong_bits=0.1) for seed in range(4)]
    together = subject.perform(tasks, PLAIN)
    assert rows(together) == rows([subject.perform([task], PLAIN)[0] for task in tasks])
    assert rows(together) == rows(subject.perform(tasks, PLAIN))
    assert len({str(row) for row in rows(together)}) == 4


def test_items_learnt_in_one_call_are_as_items_learnt_one_by_one():
    subject = SparseySubject(n_inputs=60, active=10)
    ask = [Probe(k) for k in range(12)]
    whole = Task(12, [*(Study(k) for k in range(12)), *ask], 3)
    apart = Task(12, [e for k in range(12) for e in (Study(k), Probe(0))] + ask, 3)
    one, other = subject.perform([whole, apart], PLAIN)
    assert one.right.tolist() == other.right[12:].tolist()
    assert one.familiarity.tolist() == other.familiarity[12:].tolist()


def test_a_study_is_compared_with_the_last_one_of_its_item():
    subject = SparseySubject(n_inputs=60, active=10)
    script = [Probe(0), Study(0), Probe(0), Study(1), Study(0), Probe(0)]
    (answers,) = subject.perform([Task(2, script, 0)], PLAIN)
    assert answers.right.tolist() == [0, 9, 9]
    assert answers.missing.tolist() == [0, 0, 0]
    assert answers.extra.tolist() == [9, 0, 0]
    assert answers.n_bits == 144


def test_novel_items_are_less_familiar():
    (answers,) = SparseySubject().perform([studied(40, extra=40, question="recognise")], PLAIN)
    old, new = answers.familiarity[:40], answers.familiarity[40:]
    assert old.min() > 0.999
    assert new.max() < 0.9


def test_order_is_read_from_the_age_of_the_weights():
    subject = SparseySubject(decay="convex", lifetime=60, convexity=30.0, cells_per_module=32)
    pairs = [(a, b) for a, b in itertools.permutations(range(0, 40, 4), 2)]
    script = [*(Study(k) for k in range(40)), *(Probe(a, "order", other=b) for a, b in pairs)]
    answers = subject.perform([Task(40, script, seed) for seed in range(3)], PLAIN)
    right = [a.first == np.array([x < y for x, y in pairs]) for a in answers]
    assert np.mean(right) > 0.9
    with pytest.raises(UnsupportedError, match="decay='convex'"):
        SparseySubject().require("order", "order")
    subject.require("order", "order")


def test_freezing_keeps_the_first_items_and_refuses_the_last():
    tasks = [studied(400, seed) for seed in range(3)]
    frozen = SparseySubject(saturation=0.3).perform(tasks, PLAIN)
    free = SparseySubject().perform(tasks, PLAIN)
    share = {
        name: np.mean([a.right for a in answers], axis=0) / 9
        for name, answers in (("frozen", frozen), ("free", free))
    }
    assert share["frozen"][:20].mean() > 0.95 > share["free"][:20].mean() + 0.3
    assert share["frozen"][-20:].mean() < share["frozen"][:20].mean() - 0.5


def test_cues_lose_and_gain_the_bits_that_are_asked_for():
    cue = np.zeros((3, 50), dtype=bool)
    cue[:, :20] = True
    whole = cue.copy()
    corrupt(cue, Probe(0, cue_loss=0.25, wrong_bits=0.1), np.random.default_rng(0))
    assert (cue & whole).sum(axis=1).tolist() == [15, 15, 15]
    assert (cue & ~whole).sum(axis=1).tolist() == [2, 2, 2]
    assert len({row.tobytes() for row in cue}) == 3


def test_an_item_does_not_depend_on_how_many_there_are():
    subject = SparseySubject(overlap=0.4, frames=2)
    few, many = subject.material(3, 5), subject.material(30, 5)
    assert (few == many[:3]).all()
    shared = set.intersection(*(set(frame) for item in many for frame in item))
    assert len(shared) == 8
    assert all(len(set(frame)) == 20 for item in many for frame in item)


@pytest.mark.parametrize("stored", [False, True])
def test_spikes_answer_as_the_algorithm(stored):
    subject = SparseySubject(n_inputs=40, active=8, n_modules=5, store_on_spikes=stored)
    script = [*(Study(k) for k in range(8)), *(Probe(k, cue_loss=0.25) for k in range(9)),
              Study(8), *(Probe(k) for k in range(9))]  # fmt: skip
    tasks = [Task(9, script, seed) for seed in range(2)]
    plain, spiking = subject.perform(tasks, PLAIN), subject.perform(tasks, NATIVE)
    assert rows(plain) == rows(spiking)
    assert plain[0].right[9:].mean() > 4.5
    assert rows(spiking) == rows([subject.perform([task], NATIVE)[0] for task in tasks])
    costs = spiking[0].costs
    assert 0 < costs["connection_sparsity"] < 1
    assert costs["operations"] == (27 if stored else 18)
    assert costs["spikes"] > 0


def test_devices_and_noise_change_the_answers_of_spikes():
    subject = SparseySubject(n_inputs=40, active=8)
    tasks = [studied(20, seed) for seed in range(2)]
    clean = subject.perform(tasks, NATIVE)
    ideal = subject.perform(tasks, Conditions(backend="native", device="Ideal"))
    assert rows(clean) == rows(ideal)
    failing = subject.perform(tasks, Conditions(backend="native", synapse_failure=0.4))
    assert sum(a.right.sum() for a in failing) < 0.9 * sum(a.right.sum() for a in clean)


def test_a_sweep_finds_the_capacity_by_load():
    fixed = {"n_inputs": 60, "active": 10, "chi": 0.0}
    found = Sweep(SparseySubject, vary={"load": [0.5, 3.0]}, fixed=fixed, trials=3).run()
    low, high = found.array("bit_recall")
    assert low > 0.95 > high
    assert high == pytest.approx(random_code_recall(288, 16, 60, 10), abs=0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"active": 200}, "active must be at most n_inputs=144"),
     ({"store_on_spikes": True, "frames": 2}, "frames=1"), ({"n_modules": 0}, "n_modules")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(change, said):
    with pytest.raises(DescriptionError, match=said):
        SparseySubject(**change)
