"""Every family answers to the contract of a model, on every backend, with and without a device."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from families import BACKENDS, FAMILIES, Family, same, table
from worked_example import PairMemory

import spikemem as sm
from spikemem.hardware.resistive import Ideal
from spikemem.models import DEVICES, MODELS, Model, device_named, run

EXAMPLE = Family(
    "PairMemory",
    lambda: PairMemory(8, 4, threshold=2).store([{0, 1}, {2, 3}], [{0}, {1, 2}]),
    lambda: PairMemory(8, 4, threshold=2),
    [{0, 1}, {2, 3}, {0, 3}, set(), {0, 1, 2, 3, 7}],
    "pairs",
    "CONTRIBUTING.md",
    integrators={"pynn:nest": {"integrator": "exact"}},
)
"""The worked example of CONTRIBUTING.md."""
ROWS = [*FAMILIES, EXAMPLE]
BY_NAME = {family.name: family for family in ROWS}
families = pytest.mark.parametrize("family", ROWS, ids=BY_NAME)
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _files_can_hold_the_example(monkeypatch):
    monkeypatch.setitem(MODELS, "PairMemory", "worked_example:PairMemory")


NEEDS = {"pynn:nest": [pytest.mark.nest], "board": [pytest.mark.spinnaker]}


def on(backend, device):
    marks = list(NEEDS.get(backend, []))
    if backend == "board" and device:  # each run takes some seconds
        marks.append(pytest.mark.slow)
    label = "ideal device" if device else "no device"
    return pytest.param(backend, device, marks=marks, id=f"{label}-{backend}")


runs = pytest.mark.parametrize(
    ("backend", "device"), [on(name, device) for device in (None, Ideal()) for name in BACKENDS]
)


def state(model):
    arrays = {name: (item.values.tolist(), item.unit) for name, item in model.arrays().items()}
    return model.arguments(), arrays


def test_there_are_families():
    assert len(FAMILIES) >= 4
    assert len(BY_NAME) == len(ROWS)


@families
def test_it_is_a_model(family):
    model = family.trained()
    assert isinstance(model, Model)
    assert model.plastic
    network = model.build(family.trials)
    assert set(model.plastic) <= {item.name for item in network.projections}
    assert family.cut in model.plastic


@families
def test_building_leaves_the_model_as_it_is(family):
    model = family.trained()
    before = state(model)
    first = model.build(family.trials)
    model.expected(family.trials)
    run(model, family.trials, backend="native")
    assert state(model) == before
    assert model.build(family.trials).content_hash == first.content_hash


@families
@runs
def test_answers_are_the_expected_ones(family, backend, device):
    model = family.trained()
    how = family.integrators.get(backend, {})
    if backend in family.unsupported:
        with pytest.raises(sm.UnsupportedError):
            run(model, family.trials, backend=backend, device=device, **how)
        return
    answers = run(model, family.trials, backend=backend, device=device, **how)
    assert len(answers) == len(family.trials)
    assert same(answers, model.expected(family.trials))


@families
def test_every_device_can_hold_its_weights(family):
    model = family.trained()
    for name in DEVICES.keys() - {"RandomRRAM"}:  # it draws its conductances, and is not written
        answers = run(model, family.trials, backend="native", device=device_named(name), seed=1)
        assert len(answers) == len(family.trials), name


@families
def test_copies_side_by_side_answer_as_one_alone(family):
    model = family.trained()
    network = model.build(family.trials)
    for part in sm.simulate(network.tile(3), backend="native").split(3):
        assert same(model.decode(part, family.trials), model.expected(family.trials))


def ways_to_copy(tmp_path):
    def through_file(model):
        path = tmp_path / "model.h5"
        model.save(path)
        return sm.load(path)

    return {
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda model: pickle.loads(pickle.dumps(model)),
        "file": through_file,
    }


@families
@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle", "file"])
def test_a_copy_is_the_same_model(family, way, tmp_path):
    model = family.trained()
    network = model.build(family.trials)
    recording = sm.simulate(network, backend="native")
    for each in (model, model.after(recording, family.trials)):
        other = ways_to_copy(tmp_path)[way](each)
        assert type(other) is type(each)
        assert state(other) == state(each)
        assert same(other.expected(family.trials), each.expected(family.trials))
        assert other.build(family.trials).content_hash == each.build(family.trials).content_hash


@families
def test_what_was_learnt_elsewhere_is_known_afterwards(family):
    model = family.trained()
    network = model.build(family.trials)
    later = model.after(sm.simulate(network, backend="native"), family.trials)
    assert type(later) is type(model)
    assert same(run(later, family.trials, backend="native"), later.expected(family.trials))


@families
def test_without_learning_the_answers_are_wrong(family):
    trained, untrained = family.trained(), family.untrained()
    answers = run(untrained, family.trials, backend="native")
    assert same(answers, untrained.expected(family.trials))
    assert not same(answers, trained.expected(family.trials))


@families
def test_with_the_circuit_cut_the_answers_are_wrong(family):
    model = family.trained()
    network = model.build(family.trials)
    projection = network.projection(family.cut)
    silent = replace(projection, weight=0.0, plasticity=None, record=())
    recording = sm.simulate(network.replace(silent), backend="native")
    assert not same(model.decode(recording, family.trials), model.expected(family.trials))


@families
def test_the_network_passes_the_check_for_spinnaker(family):
    problems = sm.check(family.trained().build(family.trials), "spinnaker")
    assert not [problem for problem in problems if problem.level == "error"]


def test_the_table_in_the_readme_is_what_was_found():
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_trials_that_a_model_does_not_take_are_refused():
    for family in ROWS:
        for bad in (7, "x", [object()], None):
            with pytest.raises(sm.SpikememError):
                run(family.trained(), bad, backend="native")


def test_things_that_are_no_models_are_refused():
    for thing in (None, 1, object(), sm.CA3Memory, np.zeros(3)):
        with pytest.raises(sm.DescriptionError, match="model"):
            run(thing, [], backend="native")
