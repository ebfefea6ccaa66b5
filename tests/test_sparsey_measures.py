"""Episodic and semantic memory in superposition: intersections, classes, capacity, retention."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from spikemem import DescriptionError, Patterns, random_patterns
from spikemem.codes import swap_bits
from spikemem.networks import sparsey as sp
from spikemem.networks.sparsey import Level, Plasticity, Selection, Sparsey

GENTLE = Selection(g_minus=0.0, gamma=2.0, chi=10.0, sigma2=10.0, sigma3=0.5)
GRADED = Selection(g_minus=0.0, gamma=2.0, chi=10.0, sigma2=20.0, sigma3=0.6)
STEEP = Selection(g_minus=0.0, gamma=2.0, chi=100.0, sigma2=40.0, sigma3=0.8)


def mac(size=144, q=24, k=8, *, seed=0, selection=GENTLE):
    """One mac whose synapses do not freeze."""
    level = Level(n_modules=q, cells_per_module=k)
    plasticity = Plasticity(saturation=None)
    return Sparsey(size, [level], selection=selection, plasticity=plasticity, seed=seed)


def near(pattern, overlap, size, seed):
    """A pattern of the same size that shares `overlap` active cells."""
    return swap_bits(pattern, len(pattern[0]) - overlap, seed=seed)


@pytest.mark.parametrize(
    ("selection", "published"),
    [
        (GENTLE, {0.2: 0.137, 0.4: 0.356, 0.5: 0.581, 0.6: 0.728, 0.8: 0.843, 1.0: 0.877}),
        (STEEP, {0.6: 0.13, 0.7: 0.50, 0.8: 0.97, 1.0: 0.99}),
    ],
    ids=["gentle", "steep"],
)
def test_closed_form_of_the_expected_intersection(selection, published):
    """One stored item; 60 memories of 24 modules each: 1440 modules, within 3 standard errors.

    With twelve comparisons of a normal variable a false alarm has a probability of 3 %; the seeds
    are fixed. The published values are means of simulations.
    """
    n, modules = 60, 24
    for v, value in published.items():
        expected = float(sp.expected_intersection(v, 8, selection))
        assert expected == pytest.approx(value, abs=0.04)
        shared = []
        for seed in range(n):
            model = mac(seed=seed, selection=selection)
            stored = random_patterns(1, size=144, active=20, seed=seed)
            first = model.learn(stored)
            second = model.learn(near(stored, round(20 * v), 144, seed))
            shared.append((first.winners[0] == second.winners[0]).mean())
            assert second.familiarity[0][0, 0] == pytest.approx(v)
        error = math.sqrt(expected * (1 - expected) / (n * modules))
        assert abs(np.mean(shared) - expected) < 3 * error


def test_closed_form_at_its_ends():
    assert sp.expected_intersection(0.0, 8, GENTLE) == pytest.approx(1 / 8)
    assert sp.expected_intersection(1.0, 8, Selection(chi=1e12)) == pytest.approx(1.0)
    assert sp.expected_intersection([0.1, 0.9], 1).tolist() == [1.0, 1.0]
    rules = Selection(v_low=0.3, v_high=0.7)
    low, high, top = sp.expected_intersection([0.2, 0.8, 1.0], 8, rules)
    assert low == pytest.approx(1 / 8)
    assert high == top
    assert sp.expected_intersection([[0.5]], 8).shape == (1, 1)


def test_intersections_by_hand():
    overlaps = sp.input_overlaps([[1, 1, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])
    np.testing.assert_allclose(overlaps, [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 0]])
    images = np.zeros((2, 2, 2))
    images[:, 0, 0] = 1
    np.testing.assert_allclose(sp.input_overlaps(images), np.ones((2, 2)))
    patterns = random_patterns(12, size=60, active=10, seed=1)
    codes = mac(60).learn(patterns)
    winners = codes.winners[0][:, 0]
    expected = (winners[:, None] == winners[None, :]).mean(axis=2)
    np.testing.assert_allclose(sp.code_intersections(codes), expected)


def test_intersections_of_codes_of_different_sizes():
    """Two macs, of which one is silent for the first image: 2 |C & C'| / (|C| + |C'|)."""
    level = Level(grid=(1, 2), radius=1.0, n_modules=3, cells_per_module=4)
    codes = Sparsey((1, 4), [level], seed=0).learn([[1, 1, 0, 0], [1, 1, 1, 1]])
    assert codes.active().tolist() == [[True, False], [True, True]]
    shared = int((codes.winners[0][0, 0] == codes.winners[0][1, 0]).sum())
    assert sp.code_intersections(codes)[0, 1] == pytest.approx(2 * shared / (3 + 6))


def clusters(n_classes=4, each=15, size=200, active=30, noise=8, seed=0):
    """Noisy copies of prototypes, and their classes."""
    prototypes = random_patterns(n_classes, size=size, active=active, seed=seed)
    rows = [
        row
        for k in range(n_classes)
        for row in swap_bits(Patterns([prototypes[k]] * each, size=size), noise, seed=seed + k + 1)
    ]
    return Patterns(rows, size=size), np.repeat(np.arange(n_classes), each)


def test_similar_inputs_get_similar_codes_and_chance_does_not():
    inputs, _ = clusters()
    codes = mac(200, 64, 16, selection=GRADED).learn(inputs)
    found = sp.similarity_curve(codes, inputs, bins=8)
    assert found.n_pairs.sum() == 60 * 59 // 2
    assert found.rank_correlation > 0.4
    assert found.intersection[-1] > 1.5 * found.intersection[0]
    random = mac(200, 64, selection=Selection(chi=0.0)).learn(inputs)
    chance = sp.similarity_curve(random, inputs, bins=8)
    assert abs(chance.rank_correlation) < 0.1
    # Each bin within 4.5 of its own standard errors of 1/K; eight bins, false alarm below 1e-4.
    enough = chance.n_pairs > 30
    deviation = (chance.intersection - 1 / 8)[enough] / chance.error[enough]
    assert np.abs(deviation).max() < 4.5


def test_similarity_curve_by_hand():
    inputs, _ = clusters(each=3)
    codes = mac(200).learn(inputs)
    found = sp.similarity_curve(codes, inputs, bins=5)
    x, c = sp.input_overlaps(inputs), sp.code_intersections(codes)
    pairs = list(itertools.combinations(range(12), 2))
    bins: dict[int, list[tuple[float, float]]] = {}
    for a, b in pairs:
        bins.setdefault(min(int(x[a, b] * 5), 4), []).append((x[a, b], c[a, b]))
    for row, key in enumerate(sorted(bins)):
        values = np.array(bins[key])
        assert found.n_pairs[row] == len(values)
        assert found.overlap[row] == pytest.approx(values[:, 0].mean())
        assert found.intersection[row] == pytest.approx(values[:, 1].mean())
        if len(values) > 1:
            error = values[:, 1].std(ddof=1) / math.sqrt(len(values))
            assert found.error[row] == pytest.approx(error)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_intersections_of_higher_order_follow_the_inputs(order):
    inputs, labels = clusters()
    codes = mac(200, 64, 16, selection=GRADED).learn(inputs)
    rng = np.random.default_rng(order)
    alike = np.stack([rng.choice(np.flatnonzero(labels == k % 4), order, replace=False)
                      for k in range(60)])  # fmt: skip
    mixed = np.stack([rng.choice(60, order, replace=False) for _ in range(60)])
    groups = np.concatenate([alike, mixed])
    found = sp.higher_order_intersections(codes, inputs, order, groups=groups)
    assert found.codes[:60].mean() > 1.25 * found.codes[60:].mean()
    assert found.codes[60:].mean() > 2 * found.chance
    assert found.rank_correlation > 0.3
    first = set(range(200)).intersection(*(inputs[int(i)].tolist() for i in groups[0]))
    assert found.inputs[0] == pytest.approx(len(first) / 30)
    same = codes.winners[0][groups[0], 0]
    assert found.codes[0] == pytest.approx((same == same[0]).all(axis=0).mean())
    assert found.chance == pytest.approx(16.0 ** (1 - order))


def test_random_codes_have_the_intersections_of_chance():
    """200 groups of 64 modules: within 4 standard errors of K**(1 - order)."""
    inputs, _ = clusters()
    codes = mac(200, 64, selection=Selection(chi=0.0)).learn(inputs)
    for order in (2, 3):
        found = sp.higher_order_intersections(codes, inputs, order, n_groups=200, seed=1)
        assert all(len(set(group)) == order for group in found.items.tolist())
        p = found.chance
        assert abs(found.codes.mean() - p) < 4 * math.sqrt(p * (1 - p) / (200 * 64))


def test_class_structure_is_read_from_codes_of_single_trials():
    inputs, labels = clusters()
    codes = mac(200, 64, 16, selection=GRADED).learn(inputs)
    found = sp.class_structure(codes, labels)
    shared = sp.code_intersections(codes)
    same = labels[:, None] == labels[None, :]
    off = ~np.eye(60, dtype=bool)
    assert found.within == pytest.approx(shared[same & off].mean())
    assert found.between == pytest.approx(shared[~same].mean())
    assert found.within > found.between + 0.1
    assert found.purity > 0.9
    expected = silhouette_score(1 - shared, labels, metric="precomputed")
    assert found.silhouette == pytest.approx(expected)
    one, two = shared[:15, :15], shared[:15, 15:30]
    assert found.matrix[0, 0] == pytest.approx((one.sum() - 15) / (15 * 14))
    assert found.matrix[0, 1] == pytest.approx(two.mean())
    words = sp.class_structure(codes, np.array(["a", "b", "c", "d"])[labels])
    assert words.classes.tolist() == ["a", "b", "c", "d"]
    assert words.purity == found.purity


def test_class_structure_is_not_there_in_random_codes():
    inputs, labels = clusters()
    codes = mac(200, 32, selection=Selection(chi=0.0)).learn(inputs)
    found = sp.class_structure(codes, labels)
    assert abs(found.within - found.between) < 0.02
    assert abs(found.silhouette) < 0.05
    # Purity of chance is 14/59; 60 items, 4 standard errors.
    assert abs(found.purity - 14 / 59) < 4 * math.sqrt(0.24 * 0.76 / 60)


def test_a_class_of_one_item():
    codes = mac(60).learn(random_patterns(4, size=60, active=10, seed=1))
    found = sp.class_structure(codes, [0, 0, 1, 2])
    assert np.isnan(found.matrix[1, 1])
    shared = sp.code_intersections(codes)
    expected = silhouette_score(1 - shared, [0, 0, 1, 2], metric="precomputed")
    assert found.silhouette == pytest.approx(expected)


def test_number_of_weights():
    study = Level(n_modules=9, cells_per_module=16, horizontal_radius=0)
    assert sp.n_weights(Sparsey((12, 12), [study])) == 39_168
    levels = [Level(grid=(2, 2), n_modules=2, cells_per_module=3, radius=1.0, top_down=True),
              Level(n_modules=4, cells_per_module=5)]  # fmt: skip
    # Four pixels for each of four macs of 6 cells; 24 cells for 20 cells, and these back.
    assert sp.n_weights(Sparsey((4, 4), levels)) == 4 * 4 * 6 + 24 * 20 + 20 * 24


def sequence_mac(k=16, q=9, seed=0):
    level = Level(n_modules=q, cells_per_module=k, horizontal_radius=0)
    return Sparsey(144, [level], plasticity=Plasticity(saturation=None), seed=seed)


def test_recall_and_its_information():
    items = sp.random_sequences(4, seed=3)
    model = sequence_mac()
    learnt = model.learn(items)
    found = sp.recall(model, items, learnt)
    assert found.n_items == 4
    bits = sum(math.log2(math.comb(144, int(n))) for item in items for n in item.counts)
    assert found.bits == pytest.approx(bits)
    assert found.bits_per_synapse == pytest.approx(bits * found.frames / 39_168)
    right = (model.retrieve(items).winners[0] == learnt.winners[0]).reshape(40, 9)
    assert found.units == pytest.approx(right.mean())
    assert found.frames == pytest.approx(right.all(axis=1).mean())
    assert found.items == pytest.approx(right.reshape(4, -1).all(axis=1).mean())
    assert found.units > 0.99
    noisy = sp.recall(model, items, learnt, noise=2, seed=1)
    assert noisy.familiarity < found.familiarity
    assert sp.recall(model, items, learnt, noise=2, seed=1) == noisy
    assert sp.recall(sequence_mac(), items, learnt).units < 0.2


def test_random_sequences():
    items = sp.random_sequences(3, length=5, size=50, least=4, most=7, seed=2)
    assert [len(item) for item in items] == [5, 5, 5]
    counts = np.concatenate([item.counts for item in items])
    assert counts.min() >= 4
    assert counts.max() <= 7
    assert items == sp.random_sequences(3, length=5, size=50, least=4, most=7, seed=2)
    assert items != sp.random_sequences(3, length=5, size=50, least=4, most=7, seed=3)


def test_retention_tests_every_stored_item_and_the_model_stays():
    items = random_patterns(30, size=100, active=10, seed=1)
    model = mac(100, 8, 8, selection=Selection())
    before = copy.deepcopy(model)
    found = sp.retention(model, items, tests=6)
    assert found.stored.tolist() == [5, 10, 15, 20, 25, 30]
    assert np.isfinite(found.units).sum(axis=1).tolist() == found.stored.tolist()
    assert model.n_frames_learnt == 0
    assert (model.weights(0, 0) == before.weights(0, 0)).all()
    own = copy.deepcopy(model)
    learnt = own.learn(items[:10])
    again = own.retrieve(items[:10]).agreement(learnt)
    np.testing.assert_allclose(found.units[1, :10], again)


def test_retention_by_age():
    units = np.array([[1.0, 0.8, np.nan], [0.4, 0.6, 1.0]])
    found = sp.Retention(np.array([2, 3]), units)
    # Ages of the first test: 1, 0; of the second: 2, 1, 0.
    np.testing.assert_allclose(found.by_age([0, 1, 2, 3]), [0.9, 0.8, 0.4])
    assert np.isnan(found.by_age([5, 9])).all()
    with pytest.raises(DescriptionError, match="edges must be 2 or more increasing numbers"):
        found.by_age([3, 1])


def test_freezing_keeps_old_items_and_its_lack_loses_them():
    """Without critical periods the first items are overwritten as the synapses fill up."""
    items = random_patterns(300, size=100, active=12, seed=4)
    rules = Selection()
    kept = {}
    for saturation in (0.3, None):
        level = Level(n_modules=16, cells_per_module=8)
        plasticity = Plasticity(saturation=saturation)
        model = Sparsey(100, [level], selection=rules, plasticity=plasticity, seed=1)
        kept[saturation] = sp.retention(model, items, tests=3).units[-1, :10].mean()
    assert kept[0.3] > kept[None] + 0.3


def test_capacity_grows_with_the_number_of_cells():
    items = random_patterns(400, size=100, active=10, seed=2)
    found = {}
    for k in (8, 16):
        level = Level(n_modules=12, cells_per_module=k)
        model = Sparsey(100, [level], plasticity=Plasticity(saturation=None), seed=0)
        found[k] = sp.capacity(model, items, criterion=0.9, tests=40)
        assert found[k].reached
        before, after = found[k].points[-2:]
        assert before.units >= 0.9 > after.units
        assert before.n_items <= found[k].n_items <= after.n_items
        best = max(point.bits_per_synapse for point in found[k].points[:-1])
        assert found[k].bits_per_synapse == best
    assert found[16].n_items > 1.1 * found[8].n_items
    all_held = sp.capacity(model, items[:10], tests=3)
    assert (all_held.n_items, all_held.reached) == (10, False)


def test_capacity_of_a_memory_that_holds_nothing():
    level = Level(n_modules=4, cells_per_module=4)
    model = Sparsey(50, [level], selection=Selection(chi=0.0), seed=0)
    found = sp.capacity(model, random_patterns(40, size=50, active=25, seed=0), tests=2)
    assert found.reached
    assert found.n_items < 20
    assert found.bits_per_synapse == 0.0


def test_bad_input_is_named():
    codes = mac(60).learn(random_patterns(4, size=60, active=10, seed=1))
    with pytest.raises(DescriptionError, match="codes and inputs must be of the same items"):
        sp.similarity_curve(codes, np.ones((3, 60)))
    with pytest.raises(DescriptionError, match="inputs must be Patterns, or 0 and 1"):
        sp.similarity_curve(codes, "x")
    with pytest.raises(DescriptionError, match=r"groups must be numbers of items from 0 to 3"):
        sp.higher_order_intersections(codes, np.ones((4, 60)), groups=[[0, 1, 9]])
    with pytest.raises(DescriptionError, match="at least 5"):
        sp.higher_order_intersections(codes, np.ones((4, 60)), 5)
    with pytest.raises(DescriptionError, match=r"labels must be .* of shape \(4,\)"):
        sp.class_structure(codes, [0, 1])
    with pytest.raises(DescriptionError, match="labels must have two or more classes"):
        sp.class_structure(codes, [0, 0, 0, 0])
    with pytest.raises(DescriptionError, match="level must be from -1 to 0"):
        sp.code_intersections(codes, 3)
    with pytest.raises(DescriptionError, match="items must be Patterns"):
        sp.capacity(mac(60), [[0, 1]])
    for measure in (sp.capacity, sp.retention):
        with pytest.raises(DescriptionError, match="at least one pattern"):
            measure(mac(60), Patterns([], size=60))
    with pytest.raises(DescriptionError, match="learnt must be the codes of the 2 items"):
        sp.recall(mac(60), random_patterns(2, size=60, active=5, seed=0), codes)
    with pytest.raises(DescriptionError, match="must be in ascending order"):
        sp.random_sequences(2, size=10)
