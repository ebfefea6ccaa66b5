"""Sparsey on spikes: winners, familiarity and one-shot storage are those of the algorithm."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikemem as sm
from spikemem.codes import random_patterns, swap_bits
from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.networks.sparsey import (
    Level,
    Plasticity,
    Retrieve,
    Selection,
    Sparsey,
    Store,
)
from spikemem.networks.sparsey.race import PACES, race

PLACES = [
    ("native", "spinnaker"),
    ("native", "exact"),
    ("brian2", "spinnaker"),
    ("emulator", "spinnaker"),
    pytest.param("pynn:nest", "exact", marks=pytest.mark.nest),
]
places = pytest.mark.parametrize(("backend", "integrator"), PLACES)
NEVER = Plasticity(saturation=None)


def one_mac(seed=0, q=9, k=16, size=144, **level):
    chosen = Level(n_modules=q, cells_per_module=k, **level)
    return Sparsey(size, [chosen], plasticity=NEVER, seed=seed)


def tower(seed=0, normalization="count", **top):
    """Nine macs with overlapping fields, below four, below one."""
    how = Selection(normalization=normalization)
    levels = [
        Level(grid=(3, 3), n_modules=5, cells_per_module=6, radius=3.0, min_active=2, max_active=7),
        Level(grid=(2, 2), n_modules=4, cells_per_module=7, radius=4.0, min_active=2),
        Level(n_modules=6, cells_per_module=5, min_active=2, max_active=3, **top),
    ]
    return Sparsey((9, 9), levels, selection=how, plasticity=NEVER, seed=seed)


def answers(model, trials, backend, integrator):
    build = {"integrator": integrator}
    return sm.run(model, trials, backend=backend, integrator=integrator, build=build)


def winners_of(codes, level=0):
    return np.concatenate([each.winners[level] for each in codes])


def familiarity_of(codes, level=0):
    return np.concatenate([each.familiarity[level] for each in codes])


def best_cells(model, images):
    """Winners and G of one mac, cell by cell from its weights: the rule in words."""
    weights, cells = model.weights(0, 0) > 0, model.afferents(0, 0)
    ties = model.priorities(0)[0]
    winners, found = [], []
    for image in images:
        active = np.isin(cells, image)
        overlap = (weights & active).sum(axis=2)
        rows = [
            max(range(overlap.shape[1]), key=lambda k, q=q: (overlap[q, k], ties[q, k]))
            for q in range(overlap.shape[0])
        ]
        winners.append(rows)
        found.append(np.mean([overlap[q, k] for q, k in enumerate(rows)]) / active.sum())
    return np.array(winners), np.array(found)


# The race


@given(most=st.integers(1, 120), integrator=st.sampled_from(["spinnaker", "exact"]))
@settings(max_examples=25, deadline=None)
def test_every_overlap_has_a_tick_of_its_own(most, integrator):
    """A plain simulation of the leaky sum: overlap u passes the threshold at tick `most` - u."""
    made = race(most, integrator=integrator)
    hold = math.exp(-1.0 / float(made.cell.tau_m))
    unit = (float(made.cell.v_thresh) - float(made.cell.v_rest)) / (most + 1)
    for overlap in {0, 1, most // 2, most - 1, most}:
        v, fired = float(overlap), None
        for j, cells in enumerate(made.ticks):
            v = v * (hold**made.hop if j else 1.0) + float(np.dot(cells, PACES)) / made.unit
            if fired is None and v * unit >= (most + 1) * unit:
                fired = j
        assert fired == most - overlap == made.tick(overlap)
        assert made.overlap([fired]).tolist() == [overlap]


def test_too_many_inputs_are_refused():
    with pytest.raises(UnsupportedError, match=r"about 400 active inputs.*smaller radius"):
        race(2000)
    assert race(300).most == 300
    with pytest.raises(DescriptionError, match="most"):
        race(0)


# Retrieval


@places
def test_winners_and_familiarity_are_those_of_the_rule(backend, integrator):
    model = one_mac()
    patterns = random_patterns(40, size=144, active=20, seed=1)
    model.learn(patterns)
    shown = [row for n in (0, 3, 6) for row in swap_bits(patterns[:8], n, seed=2)]
    found = answers(model, shown, backend, integrator)
    winners, familiarity = best_cells(model, shown)
    assert np.array_equal(winners_of(found)[:, 0], winners)
    assert np.allclose(familiarity_of(found)[:, 0], familiarity, rtol=0, atol=1e-12)
    assert np.array_equal(winners_of(found), winners_of(model.expected(shown)))


@pytest.mark.parametrize(
    ("backend", "integrator"),
    [*PLACES[:4],
     pytest.param("pynn:nest", "exact", marks=[pytest.mark.nest, pytest.mark.slow])],
)  # fmt: skip
@pytest.mark.parametrize("normalization", ["count", "bound"])
def test_three_levels_with_gates(backend, integrator, normalization):
    """Macs are inactive for too few and for too many inputs, on all levels."""
    model = tower(normalization=normalization)
    model.learn(random_patterns(12, size=81, active=20, seed=3))
    rng = np.random.default_rng(4)
    shown = rng.random((12, 81)) < np.linspace(0.0, 0.5, 12)[:, None]
    found, wanted = answers(model, shown, backend, integrator), model.expected(shown)
    assert found == wanted
    for level in range(3):
        assert np.allclose(familiarity_of(found, level), familiarity_of(wanted, level), atol=1e-12)
        active = winners_of(wanted, level) >= 0
        assert 0.1 < active.mean() < 0.95


@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize("active", [1, 7, 100])
@pytest.mark.filterwarnings("ignore:backend 'emulator'")
def test_on_the_emulator_at_any_size(active, dt):
    model = one_mac(q=3, k=5, size=3 * active)
    patterns = random_patterns(6, size=3 * active, active=active, seed=5)
    model.learn(patterns)
    recording = sm.simulate(model.build(patterns, dt=dt), backend="emulator")
    found, wanted = model.decode(recording, patterns, dt=dt), model.expected(patterns)
    assert found == wanted
    assert np.allclose(familiarity_of(found), familiarity_of(wanted), atol=1e-12)


def test_ties_go_to_the_highest_priority():
    """Nothing is learnt: all cells fire in the same step, and one of each module wins."""
    model = one_mac(k=7)
    network = model.build([[0, 1, 2]])
    recording = sm.simulate(network, backend="native")
    first = recording["cells 0"].times.min()
    assert np.count_nonzero(recording["cells 0"].times == first) == 9 * 7
    assert len(recording["winners 0"].times) == 9
    (found,) = model.decode(recording, [[0, 1, 2]])
    assert np.array_equal(found.winners[0][0, 0], model.priorities(0)[0].argmax(axis=1))
    assert found.familiarity[0][0, 0] == 0.0


def test_modules_below_a_floor_stay_silent():
    model = one_mac()
    patterns = random_patterns(20, size=144, active=20, seed=1)
    model.learn(patterns)
    shown = swap_bits(patterns, 7, seed=2)
    full, short = model.build(shown), model.build(shown, floor=15)
    recording = sm.simulate(short, backend="native")
    assert recording.duration < 0.6 * sm.simulate(full, backend="native").duration
    found = winners_of(model.decode(recording, shown, floor=15))[:, 0]
    weights = model.weights(0, 0) > 0
    overlap = np.array([weights[:, :, row].sum(axis=2).max(axis=1) for row in shown])
    assert np.array_equal(found >= 0, overlap >= 15)
    assert 0.05 < (found < 0).mean() < 0.95
    winners, _ = best_cells(model, shown)
    assert np.array_equal(found[found >= 0], winners[found >= 0])


def test_a_module_without_inhibition_has_several_winners():
    """The races are decided by inhibition: without it every cell wins sooner or later."""
    model = one_mac()
    patterns = random_patterns(20, size=144, active=20, seed=1)
    model.learn(patterns)
    network = model.build(patterns)
    cut = [
        replace(network.projection(name), weight=0.0)
        for name in ("inhibition 0", "first 0", "priority 0")
    ]
    alone = sm.simulate(network, backend="native")["winners 0"]
    free = sm.simulate(network.replace(*cut), backend="native")["winners 0"]
    assert alone.times.size == 20 * 9
    assert free.times.size > 5 * alone.times.size


# One-shot storage


@pytest.mark.parametrize(
    ("backend", "integrator"),
    [("native", "spinnaker"), ("native", "exact"), ("brian2", "spinnaker"),
     ("emulator", "spinnaker")],
)  # fmt: skip
@pytest.mark.parametrize("n_stored", [10, 20])
def test_patterns_are_stored_in_one_trial(backend, integrator, n_stored):
    model = one_mac(seed=n_stored)
    patterns = random_patterns(n_stored, size=144, active=20, seed=6)
    trials = [Store(row) for row in patterns]
    trials += [Retrieve(row) for n in (0, 2, 4) for row in swap_bits(patterns, n, seed=7)]
    options = {"integrator": integrator}
    recording = sm.simulate(model.build(trials, **options), backend=backend, integrator=integrator)
    weights = recording.weights["bottom_up 0"] / recording.weights["bottom_up 0"].max()
    assert np.abs(weights - np.round(weights)).max() < 1e-6
    found = model.decode(recording, trials, **options)
    assert found == model.expected(trials)
    winners = winners_of(found)[:, 0]
    recalled = winners[n_stored:].reshape(3, n_stored, 9)
    assert np.array_equal(recalled, np.broadcast_to(winners[:n_stored], recalled.shape))
    learnt = model.after(recording, trials)
    assert model.n_frames_learnt == 0
    assert learnt.n_frames_learnt == n_stored
    # One cell of each module for each pattern has its synapses, and nothing else has.
    wanted = np.zeros((9, 16, 144), dtype=bool)
    for row, winner in zip(patterns, winners, strict=False):
        for q, cell in enumerate(winner):
            wanted[q, cell, row] = True
    assert np.array_equal(learnt.weights(0, 0) > 0, wanted)
    assert np.array_equal(learnt.retrieve(patterns).winners[0][:, 0], winners[:n_stored])


def test_what_is_known_is_not_stored_again():
    model = one_mac()
    patterns = random_patterns(5, size=144, active=20, seed=8)
    model.learn(patterns)
    trials = [Store(row) for row in swap_bits(patterns, 2, seed=9)]
    recording = sm.simulate(model.build(trials), backend="emulator")
    found = model.decode(recording, trials)
    assert found == model.expected(trials)
    assert np.array_equal(winners_of(found), model.retrieve(patterns).winners[0])
    learnt = model.after(recording, trials)
    assert np.array_equal(learnt.weights(0, 0), model.weights(0, 0))
    strict = [Store(row, familiar=1.0) for row in swap_bits(patterns, 2, seed=9)]
    recording = sm.simulate(model.build(strict), backend="emulator")
    fresh = winners_of(model.decode(recording, strict))
    assert np.array_equal(fresh, winners_of(model.expected(strict)))
    assert np.mean(fresh == winners_of(found)) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_storage_with_gates_and_shared_inputs(seed):
    """Stored and retrieved in any order, by four macs that share inputs, some of them inactive."""
    rng = np.random.default_rng(seed)
    level = Level(grid=(2, 2), n_modules=3, cells_per_module=4, radius=3.5, min_active=3,
                  max_active=9)  # fmt: skip
    model = Sparsey((6, 6), [level], plasticity=NEVER, seed=seed)
    base = rng.random((8, 36)) < 0.35
    shown = base[rng.integers(8, size=40)] ^ (rng.random((40, 36)) < 0.03)
    trials = [
        Store(row, familiar=float(rng.choice([0.3, 0.6, 0.9]))) if rng.random() < 0.5 else row
        for row in shown
    ]
    wanted = model.expected(trials)
    assert 0.05 < (winners_of(wanted) < 0).mean() < 0.9
    for backend in ("native", "emulator"):
        recording = sm.simulate(model.build(trials), backend=backend)
        assert model.decode(recording, trials) == wanted
        learnt = model.after(recording, trials)
        again = sm.simulate(learnt.build(list(shown)), backend=backend)
        assert learnt.decode(again, list(shown)) == list(learnt.retrieve(shown))


def test_without_plasticity_nothing_is_stored():
    model = one_mac()
    patterns = random_patterns(3, size=144, active=20, seed=8)
    trials = [Store(row) for row in patterns] + list(patterns)
    network = model.build(trials)
    dead = replace(network.projection("bottom_up 0"), plasticity=None)
    recording = sm.simulate(network.replace(dead), backend="native")
    assert model.decode(recording, trials) != model.expected(trials)


# What has no spiking form, and bad input


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"plasticity": Plasticity(decay="steps")}, "decay='steps'.*use decay='none'"),
        ({"selection": Selection(v_low=0.1)}, "cutoffs of V.*v_low=0"),
        ({"selection": Selection(lambda_u_start=0.0)}, "lambda_u_start=0"),
        ({"selection": Selection(most_hypotheses=2)}, "competing hypotheses.*retrieve"),
    ],
)
def test_parameters_without_a_spiking_form(how, words):
    levels = [Level(n_modules=2, cells_per_module=3), Level(n_modules=2, cells_per_module=3)]
    model = Sparsey(10, levels, **how)
    with pytest.raises(UnsupportedError, match=words):
        model.build([[1, 2]])


def test_trials_without_a_spiking_form():
    model = one_mac()
    with pytest.raises(UnsupportedError, match=r"trials must be images.*retrieve\(\)"):
        model.build(np.zeros((1, 3, 144), dtype=bool))
    with pytest.raises(UnsupportedError, match=r"can store images on spikes, this one has 3"):
        tower().build([Store([1, 2, 3])])
    with pytest.raises(UnsupportedError, match=r"saturation=None"):
        Sparsey(144).build([Store([1, 2, 3])])
    bounded = Sparsey(144, selection=Selection(normalization="bound"), plasticity=NEVER)
    with pytest.raises(UnsupportedError, match="normalization='count'"):
        bounded.build([Store([1])])
    for bad in ([], [[200]], [Store([200])], [[0.5] * 144], None, 3, [object()], "x"):
        with pytest.raises(DescriptionError, match=r"Sparsey.build"):
            model.build(bad)
    for familiar in (0.0, 1.5, "much", float("nan")):
        with pytest.raises(DescriptionError, match="familiar"):
            Store([1], familiar=familiar)


def test_recordings_of_other_networks_are_refused():
    model, other = one_mac(), one_mac(k=5)
    recording = sm.simulate(model.build([[1, 2], [3]]), backend="native")
    with pytest.raises(DescriptionError, match="'winners 0' must have 45 cells, got 144"):
        other.decode(recording, [[1, 2], [3]])
    with pytest.raises(DescriptionError, match=r"must be .* ms long"):
        model.decode(recording, [[1, 2]])
    with pytest.raises(DescriptionError, match="weights of 'bottom_up 0'"):
        model.after(recording, [Store([1, 2])])
    assert model.after(recording, [[1, 2], [3]]) is model


# On a machine, and on devices


def network_for_a_board():
    """Storage and retrieval of one mac, which have every part but the relays."""
    model = one_mac(max_active=30)
    patterns = random_patterns(6, size=144, active=20, seed=1)
    return model.build([*(Store(row) for row in patterns), *patterns])


@pytest.mark.parametrize("made", [network_for_a_board, lambda: tower().build([range(40)])])
def test_nothing_stands_against_spinnaker(made):
    problems = sm.check(made(), "spinnaker")
    assert [str(problem) for problem in problems if problem.level != "note"] == []


def test_weights_of_spinnaker_are_exact():
    from spikemem.hardware.spinnaker import ring_buffer_shifts
    from spikemem.hardware.spinnaker.arithmetic import weight16

    for network in (network_for_a_board(), tower().build([range(40)])):
        shifts = ring_buffer_shifts(network)
        for item in network.projections:
            shift = shifts[item.post][int(item.receptor == "inhibitory")]
            held = weight16(network.synapses(item.name).weight, shift) * 2.0 ** (shift - 15)
            assert np.array_equal(held, network.synapses(item.name).weight), item.name


@pytest.mark.spinnaker
@pytest.mark.slow
def test_it_maps_on_a_virtual_board(tmp_path):
    from spikemem.hardware.spinnaker import map_network

    report = map_network(network_for_a_board())
    assert set(report.populations) >= {"cells 0", "winners 0", "off 0"}
    sm.export(tower().build([range(40)]), "spinnaker", tmp_path / "tower")
    assert any((tmp_path / "tower").iterdir())


def test_winners_stand_drift_and_noise():
    """A year of drift slows all cells alike; 20 stored, and up to 10 % of the pixels moved."""
    from spikemem.hardware.resistive import PCM

    model = one_mac()
    patterns = random_patterns(20, size=144, active=20, seed=1)
    model.learn(patterns)
    shown = swap_bits(patterns, 2, seed=2)
    fresh = familiarity_of(sm.run(model, shown, backend="native", device=PCM(), seed=1))
    old = sm.run(model, shown, backend="native", device=PCM(), time=3.15e7, seed=1)
    wanted = model.expected(shown)
    assert np.mean(winners_of(old) == winners_of(wanted)) >= 0.99
    assert familiarity_of(old).mean() < fresh.mean() - 0.2


def test_the_picture_of_a_race():
    pytest.importorskip("matplotlib").use("Agg")
    from spikemem.networks.sparsey.figures_spiking import race_of_a_module

    model = one_mac()
    patterns = random_patterns(5, size=144, active=20, seed=1)
    model.learn(patterns)
    top, bottom = race_of_a_module(model, patterns[0], module=3)
    assert len(top.lines) >= 16
    assert [label.get_text() for label in bottom.get_yticklabels()] == [
        "winners", "cells", "inputs",
    ]  # fmt: skip
    with pytest.raises(DescriptionError, match="module must be from 0 to 8, got 9"):
        race_of_a_module(model, patterns[0], module=9)
    with pytest.raises(DescriptionError, match="must make mac 0 of level 0 active"):
        race_of_a_module(model, [])
