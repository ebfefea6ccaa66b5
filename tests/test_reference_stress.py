"""The subjects of the reference memories: scripts are carried out as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spikemem as sm
from spikemem.networks import reference as ref
from spikemem.networks.reference.phases import corrupted
from spikemem.stress.conditions import Conditions
from spikemem.stress.experiments.capacity import Capacity
from spikemem.stress.subject import Probe, Study, Task
from spikemem.stress.table import SUBJECTS, subject_class

SUBJECT = {
    "HopfieldNetwork": ref.HopfieldSubject(n_cells=200),
    "DenseAssociativeMemory": ref.DenseSubject(n_cells=40),
    "MultitaskingHebbian": ref.MultitaskingSubject(n_cells=2000),
    "WillshawMemory": ref.WillshawSubject(n_cells=200),
}
ALL = pytest.mark.parametrize("subject", SUBJECT.values(), ids=SUBJECT)


def script(n, seed=0, **cue):
    """Study and probe n items."""
    return Task(n, [*(Study(k) for k in range(n)), *(Probe(k, **cue) for k in range(n))], seed)


@pytest.mark.parametrize("name", SUBJECT)
def test_the_table_names_the_subjects(name):
    cls = type(SUBJECT[name])
    assert subject_class(name) is cls
    assert SUBJECTS[name].endswith(cls.__name__)
    assert type(SUBJECT[name].memory()).__name__ == name


@ALL
def test_few_items_come_back_and_nothing_does_without_study(subject):
    (learnt,) = subject.perform([script(2)], Conditions())
    assert learnt.exact.all()
    assert learnt.right.sum() > 0
    assert np.isnan(learnt.familiarity).all()
    # Half of the cue is lost and nothing is stored: the item cannot come back.
    blank = Task(2, [Probe(0, cue_loss=0.5), Probe(1, cue_loss=0.5)], 0)
    if isinstance(subject, ref.MultitaskingSubject):
        subject = replace(subject, blanks="random")
    (unlearnt,) = subject.perform([blank], Conditions())
    assert not unlearnt.exact.any()
    assert unlearnt.missing.sum() > 0


@ALL
def test_overload_fails(subject):
    n = min(round(6 * subject.scale), 3000)
    task = Task(n, [*(Study(k) for k in range(n)), *(Probe(k) for k in range(min(n, 50)))], 0)
    (answers,) = subject.perform([task], Conditions())
    assert answers.exact.mean() < 0.2


@ALL
def test_answers_are_kept_as_patterns(subject):
    n = round(3 * subject.scale)
    events = [*map(Study, range(n)), *(Probe(k, cue_loss=0.3) for k in range(2)), Study(0)]
    task = Task(n, [*events, Probe(0, "recognise"), Probe(n - 1, wrong_bits=0.2)], 5)
    (answers,) = subject.perform([task], Conditions())
    assert not answers.exact.all()
    wanted, got = answers.wanted.to_sets(), answers.got.to_sets()
    assert len(wanted) == len(got) == len(answers) == 4
    for k, (item, answer) in enumerate(zip(wanted, got, strict=True)):
        assert len(item & answer) == answers.right[k]
        assert len(item - answer) == answers.missing[k]
        assert len(answer - item) == answers.extra[k]
    assert wanted[0] == wanted[2] != wanted[1]


@ALL
def test_a_task_does_not_depend_on_the_others(subject):
    tasks = [script(5, seed, cue_loss=0.2, wrong_bits=0.2) for seed in (1, 2, 1)]
    first, other, again = subject.perform(tasks, Conditions())
    (alone,) = subject.perform(tasks[1:2], Conditions())
    for a, b in ((first, again), (other, alone)):
        assert a.right.tolist() == b.right.tolist()
        assert a.extra.tolist() == b.extra.tolist()


@ALL
def test_items_of_a_script_are_learnt_when_it_says_so(subject):
    if isinstance(subject, ref.MultitaskingSubject):
        subject = replace(subject, blanks="random", dilution=0.1)
    probe = Probe(1, cue_loss=0.3)
    task = Task(3, [Study(0), probe, Study(1), Study(2), probe], 4)
    (answers,) = subject.perform([task], Conditions())
    assert answers.exact.tolist() == [False, True]
    assert answers.costs["operations"] == 5.0


@ALL
def test_familiarity_tells_studied_items_from_new_ones(subject):
    n = 12
    events = [Study(k) for k in range(n)] + [Probe(k, "recognise") for k in range(2 * n)]
    (answers,) = subject.perform([Task(2 * n, events, 3)], Conditions())
    known, new = answers.familiarity[:n], answers.familiarity[n:]
    if isinstance(subject, ref.MultitaskingSubject):  # few patterns fit, its cues are partly blank
        assert known.mean() > new.mean()
    else:
        assert known.min() > new.max()
    assert (answers.missing == 0).all() or not isinstance(subject, ref.WillshawSubject)


def test_cues_lose_bits_and_get_wrong_ones():
    items = sm.random_patterns(3, size=60, active=20, seed=0)
    probes = [Probe(2), Probe(0, cue_loss=0.25), Probe(1, cue_loss=0.5, wrong_bits=0.2)]
    cues = corrupted(items, probes, np.random.default_rng(0))
    assert cues.overlaps(items)[[0, 1, 2], [2, 0, 1]].tolist() == [20, 15, 10]
    assert cues.counts.tolist() == [20, 15, 14]
    assert (cues[0] == items[2]).all()
    with pytest.raises(sm.DescriptionError, match="silent cells"):
        corrupted(sm.Patterns([range(9)], 10), [Probe(0, wrong_bits=1.0)], np.random.default_rng())


def test_the_cue_loss_of_a_multitasking_network_is_filled_by_the_recall():
    subject = ref.MultitaskingSubject(n_cells=20_000, dilution=0.1, blanks="random")
    (answers,) = subject.perform([script(3, cue_loss=0.6, wrong_bits=0.1)], Conditions())
    assert answers.exact.all()


def test_faulty_synapses_cost_recall_and_are_the_same_in_a_trial():
    subject = ref.WillshawSubject(n_cells=300, threshold="winners")
    experiment = Capacity(load=0.3)
    task = experiment.task(subject, 1)
    rates = []
    for conditions in (
        Conditions(), Conditions(synapse_failure=0.3), Conditions(stuck=0.3),
    ):  # fmt: skip
        one, two = subject.perform([task, task], conditions)
        assert one.right.tolist() == two.right.tolist()
        rates.append(one.exact.mean())
    assert rates[0] > 0.95
    assert max(rates[1:]) < rates[0] - 0.2


@ALL
def test_what_does_not_apply_is_refused(subject):
    task = script(1)
    for conditions, name in (
        (Conditions(backend="native"), "backend"),
        (Conditions(jitter=1.0), "jitter"),
        (Conditions(device="PCM"), "device"),
    ):
        with pytest.raises(sm.UnsupportedError, match=f"no spiking cells .*so {name}"):
            subject.perform([task], conditions)
    with pytest.raises(sm.UnsupportedError, match="'order'"):
        subject.perform([Task(1, [Probe(0, "order", 0)], 0)], Conditions())


@ALL
def test_subjects_have_sizes_laws_and_facts(subject):
    assert subject.scale > 1
    assert subject.n_synapses > subject.n_neurons > 1
    assert subject.facts()["subject"] == type(subject).__name__
    for name, value in subject.theory("information_per_synapse").items():
        assert name.startswith(("load: ", "value: "))
        assert 0 < value <= 1
    assert not subject.spiking
    for axis in subject.aliases.values():
        assert axis == "load" or hasattr(subject, axis)


def test_loads_are_those_of_the_laws():
    hopfield = ref.HopfieldSubject(n_cells=1000)
    assert hopfield.theory("exact_recall")["load: 0.138 N"] == 0.138
    assert hopfield.theory("")["load: N/(2 ln N)"] * 1000 == pytest.approx(72.38, abs=0.01)
    assert round(ref.DenseSubject(n_cells=60, p=3).scale) == 147
    assert ref.DenseSubject(n_cells=20, p="exp").scale == 1024
    assert ref.DenseSubject(n_cells=20, p=3).n_synapses == 1140
    willshaw = ref.WillshawSubject(n_cells=1000, n_outputs=500)
    assert willshaw.sizes == ((9, 1000), (9, 500))
    assert ref.willshaw_density(round(willshaw.scale), 0.009, 0.018) == pytest.approx(0.5, abs=1e-4)


def test_bad_settings_are_refused():
    for cls, settings, text in (
        (ref.HopfieldSubject, {"n_cells": 1}, "n_cells must be"),
        (ref.DenseSubject, {"p": 1}, "p must be"),
        (ref.MultitaskingSubject, {"dilution": 2.0}, "dilution must be"),
        (ref.WillshawSubject, {"active": 1000}, "fewer than all"),
        (ref.WillshawSubject, {"kind": "auto", "n_outputs": 5}, 'need kind="hetero"'),
        (ref.WillshawSubject, {"steps": 2}, 'steps above 1 need kind="auto"'),
    ):
        with pytest.raises(sm.DescriptionError, match=text):
            cls(**settings)


def test_an_auto_associative_memory_completes_its_items():
    subject = ref.WillshawSubject(kind="auto", n_cells=500, steps=3, threshold="winners")
    (answers,) = subject.perform([script(400, cue_loss=0.5)], Conditions())
    assert answers.exact.mean() > 0.9
    assert answers.n_bits == 500


def test_the_capacity_experiment_finds_the_laws():
    """Exact recall around the load of the law; 60 to 150 items each, far from the bounds."""
    found = {}
    subject = ref.DenseSubject(n_cells=60, p=3)
    for load in (0.5, 2.0):
        experiment = Capacity(load=load, n_probes=60, cue_loss=0.1, wrong_bits=0.1)
        task = experiment.task(subject, 0)
        right, asked = experiment.outcome(subject, task, *subject.perform([task], Conditions()))[
            "exact_recall"
        ]
        found[load] = right / asked
    assert found[0.5] > 0.9
    assert found[2.0] < 0.6
