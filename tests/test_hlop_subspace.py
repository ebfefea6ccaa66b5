"""Subspaces of old activity: Oja's rule, projection, freezing, and singular vectors."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra learn)")

import spikemem as sm  # noqa: E402
from spikemem.networks.hlop import Ranks, Subspace, SubspaceRule, SVDSubspace  # noqa: E402

KINDS = pytest.mark.parametrize("kind", [Subspace, SVDSubspace])


def activity(seed, n=400, size=20, dimensions=8):
    """Samples near a random subspace, with a spectrum that falls."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(size, dimensions)))[0].T
    strengths = 3.0 * 0.8 ** np.arange(dimensions)
    return rng.normal(size=(n, dimensions)) * strengths @ basis + 0.01 * rng.normal(size=(n, size))


def oja_of_all_rows(rows, n_frozen, moving, x, rule):
    """The published rule: all rows respond and reconstruct, and old rows have no change."""
    rows, moving = rows.copy(), moving.copy()
    for _ in range(rule.iterations):
        y = x @ rows.T
        if rule.lateral == "spiking":
            y = np.round(np.clip(y, -rule.scale, rule.scale) / rule.scale * rule.levels)
            y = y / rule.levels * rule.scale
        change = np.clip(y.T @ (x - y @ rows) / len(x), -rule.clip, rule.clip)
        change[:n_frozen] = 0
        moving = rule.momentum * moving + (1 - rule.momentum) * change
        rows = rows + rule.learning_rate * moving
    return rows, moving


@pytest.mark.parametrize("lateral", ["linear", "spiking"])
@pytest.mark.parametrize("n", [7, 90])  # fewer and many more samples than dimensions
@pytest.mark.parametrize("clip", [10.0, 0.05])
def test_new_rows_learn_the_residual_as_in_the_rule_of_all_rows(lateral, n, clip):
    rule = SubspaceRule(learning_rate=0.03, lateral=lateral, scale=10.0, levels=25, clip=clip)
    subspace = Subspace(20, rule, dtype="float64", seed=1).grow(3)
    for k in range(10):
        subspace.update(activity(k))
    subspace.freeze().grow(4)
    rows, moving = subspace.rows, np.zeros((7, 20))
    for k in range(5):
        x = activity(50 + k, n)
        subspace.update(x)
        rows, moving = oja_of_all_rows(rows, 3, moving, x, rule)
        assert np.abs(subspace.rows - rows).max() < 1e-10
    assert np.abs(subspace.rows[3:] - rows[:4]).max() > 0.01


def test_the_rule_finds_the_principal_subspace():
    x = activity(0, 4000)
    subspace = Subspace(20, SubspaceRule(learning_rate=0.05), dtype="float64", seed=0).grow(4)
    before = subspace.energy(x)
    for k in [*range(0, 4000, 200)] * 10:
        subspace.update(x[k : k + 200])
    best = np.linalg.svd(x)[1] ** 2
    optimum = best[:4].sum() / best.sum()
    assert before < 0.6 * optimum
    assert 0.99 * optimum < subspace.freeze().energy(x) <= optimum + 1e-12


def test_singular_vectors_are_the_optimum_and_those_of_the_residual_follow():
    x, other = activity(1), activity(2)
    subspace = SVDSubspace(20, dtype="float64").grow(4)
    subspace.update(x[:150])
    subspace.update(x[150:])
    subspace.freeze().grow(3)
    best = np.linalg.svd(x)[1] ** 2
    assert subspace.energy(x) >= best[:4].sum() / best.sum() - 1e-12
    subspace.update(other)
    subspace.freeze()
    left = other @ (np.eye(20) - subspace.rows[:4].T @ subspace.rows[:4])
    wanted = np.linalg.svd(left)[2][:3]
    mine = subspace.rows[4:]
    assert np.allclose(mine.T @ mine, wanted.T @ wanted, atol=1e-10)
    assert subspace.blocks == (4, 3)


def test_only_the_latest_samples_are_kept():
    x = activity(3, 300)
    short, all_of_them = (SVDSubspace(20, samples=n, dtype="float64").grow(3) for n in (100, 300))
    for k in range(0, 300, 50):
        short.update(x[k : k + 50])
    all_of_them.update(x[200:])
    a, b = (s.freeze().rows for s in (short, all_of_them))
    assert np.allclose(a.T @ a, b.T @ b, atol=1e-12)


@KINDS
@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(2, 12),
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    scale=st.sampled_from([0.0, 1e-6, 1.0, 5.0]),
    seed=st.integers(0, 1000),
)
def test_frozen_rows_make_an_exact_projector(kind, size, counts, scale, seed):
    rng = np.random.default_rng(seed)
    rule = SubspaceRule(learning_rate=0.3, iterations=3, clip=1.0)
    subspace = kind(size, rule, dtype="float64", seed=seed)
    olds, total = [], 0
    for n in counts:
        if total + n > size:
            with pytest.raises(sm.DescriptionError, match=f"more than the {size} dimensions"):
                subspace.grow(n)
            assert subspace.n_new == 0
            continue
        subspace.grow(n)
        subspace.update(scale * rng.normal(size=(6, size)))
        subspace.freeze()
        total += n
        olds.append(subspace.rows)
    left = subspace.projector
    assert np.abs(left @ left - left).max() < 1e-12
    assert np.trace(left) == pytest.approx(size - total, abs=1e-10)
    gradient = subspace.project(rng.normal(size=(5, size)))
    for old in olds:  # no task that came later has changed an earlier span
        assert np.abs(gradient @ old.T).max(initial=0) < 1e-12
        assert np.array_equal(subspace.rows[: len(old)], old)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n_out=st.integers(1, 9), n=st.integers(1, 9))
def test_traces_and_gradients_are_projected_alike(seed, n_out, n):
    rng = np.random.default_rng(seed)
    subspace = Subspace(7, dtype="float64", seed=seed).grow(3).freeze()
    delta, trace = rng.normal(size=(n, n_out)), rng.normal(size=(n, 7))
    rows = subspace.rows
    wanted = delta.T @ trace @ (np.eye(7) - rows.T @ rows)
    by_trace = delta.T @ subspace.project(trace)
    by_gradient = subspace.project(delta.T @ trace)
    left, right = subspace.project_factors(torch.tensor(delta), torch.tensor(trace))
    for found in (by_trace, by_gradient, (left.T @ right).numpy()):
        assert np.abs(found - wanted).max() < 1e-12


def test_without_qr_the_rows_stay_as_they_were_learnt():
    subspace = Subspace(20, SubspaceRule(learning_rate=0.2), dtype="float64").grow(5)
    subspace.update(activity(5, 10))
    learnt = subspace.rows
    assert np.array_equal(copy.copy(subspace).freeze(exact=False).rows, learnt)
    exact = copy.copy(subspace).freeze()
    assert np.abs(learnt @ learnt.T - np.eye(5)).max() > 1e-4
    assert np.abs(exact.rows @ exact.rows.T - np.eye(5)).max() < 1e-12
    x = activity(5, 10)  # QR keeps the span
    assert exact.energy(x @ exact.rows.T @ exact.rows) == pytest.approx(1)
    assert exact.energy(learnt) == pytest.approx(1)


@KINDS
def test_a_state_continues_as_the_original(kind):
    first = kind(20, SubspaceRule(learning_rate=0.05), seed=3).grow(4)
    first.update(activity(0))
    first.freeze().grow(3)
    first.update(activity(1))
    second = kind(20, SubspaceRule(learning_rate=0.05), seed=3)
    second.restore(first.arrays())
    assert repr(second) == repr(first)
    for subspace in (first, second):
        subspace.update(activity(2))
        subspace.freeze().grow(2)
    assert np.array_equal(first.rows, second.rows)
    assert first.blocks == second.blocks == (4, 3)
    with pytest.raises(sm.StorageError, match="must have 21 columns"):
        kind(21).restore(first.arrays())
    with pytest.raises(sm.StorageError, match="sum to the number of frozen rows"):
        kind(20).restore(first.arrays() | {"blocks": np.array([4, 4])})


def test_spiking_responses_are_multiples_of_the_resolution():
    rule = SubspaceRule(lateral="spiking", scale=20.0, levels=40)
    subspace = Subspace(3, rule, dtype="float64").grow(3).freeze()
    rows = subspace.rows
    x = 3.3 * rows[:1] + 0.3 * rows[1:2] - 55.0 * rows[2:]
    left = subspace.project(x) @ rows.T
    assert left[0] == pytest.approx([3.3 - 3.5, 0.3 - 0.5, -55.0 + 20.0])


def test_wrong_input_is_refused():
    subspace = Subspace(5).grow(2)
    with pytest.raises(sm.DescriptionError, match="2 rows still learn; call freeze"):
        subspace.grow(1)
    with pytest.raises(sm.DescriptionError, match=r"update: traces must have 5 columns"):
        subspace.update(np.zeros((3, 4)))
    with pytest.raises(sm.DescriptionError, match="must be finite"):
        subspace.update(np.full((3, 5), np.nan))
    with pytest.raises(sm.DescriptionError, match="rows must be an array of numbers"):
        subspace.project("abc")
    with pytest.raises(sm.DescriptionError, match=r"6 rows .2 frozen and 4 new. are more than"):
        subspace.freeze().grow(4)
    with pytest.raises(sm.DescriptionError, match="2 numbers, like first"):
        Ranks(first=(1, 2), further=((1, 2), (1,)))


def test_ranks_of_the_published_benchmark():
    ranks = Ranks()
    totals = np.sum([ranks.of_task(k) for k in range(10)], axis=0)
    assert totals.tolist() == [470, 590, 490]
    assert ranks.of_task(50) == (10, 10, 10)
    assert Ranks.scaled((784, 800, 800)) == ranks
