"""Elastic weight consolidation: penalty and Fisher information, against cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spikemem.networks.hlop.penalty import QuadraticPenalty  # noqa: E402


def named(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def test_one_task_by_hand():
    penalty = QuadraticPenalty()
    penalty.add(named(w=[[2.0, 0.0, 0.5]]), named(w=[[1.0, 5.0, -1.0]]))
    at = named(w=[[2.0, 7.0, 1.0]])
    # 1/2 (2 * 1 + 0 * 4 + 0.5 * 4) = 2.
    assert penalty.value(at) == pytest.approx(2.0, rel=1e-15)
    assert penalty.gradient(at)["w"].tolist() == [[2.0, 0.0, 1.0]]
    assert penalty.gradient(at, strength=10.0, most=8.0)["w"].tolist() == [[8.0, 0.0, 10.0]]
    assert penalty.n_bytes == 2 * 3 * 8


def test_many_tasks_are_the_sum_of_their_terms():
    rng = np.random.default_rng(0)
    terms = [(rng.random((3, 4)) * (rng.random((3, 4)) < 0.7), rng.normal(size=(3, 4)))
             for _ in range(6)]  # fmt: skip
    penalty = QuadraticPenalty()
    for fisher, weights in terms:
        penalty.add(named(w=fisher), named(w=weights))
    for _ in range(5):
        at = rng.normal(size=(3, 4))
        expected = sum(0.5 * (f * (at - w) ** 2).sum() for f, w in terms)
        slope = sum(f * (at - w) for f, w in terms)
        assert penalty.value(named(w=at)) == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(penalty.gradient(named(w=at))["w"], slope, atol=1e-12)
    assert penalty.n_bytes == 2 * 12 * 8  # As many as after one task.


def test_decay_fades_older_terms():
    penalty = QuadraticPenalty(decay=0.5)
    for centre in (0.0, 2.0, 6.0):
        penalty.add(named(w=[1.0]), named(w=[centre]))
    at = 1.0
    expected = 0.5 * (0.25 * at**2 + 0.5 * (at - 2) ** 2 + (at - 6) ** 2)
    assert penalty.value(named(w=[at])) == pytest.approx(expected, rel=1e-14)


def test_further_heads_have_no_term_until_they_are_learnt():
    penalty = QuadraticPenalty()
    penalty.add(named(head=[[1.0, 1.0]]), named(head=[[0.0, 0.0]]))
    two = named(head=[[1.0, 2.0], [9.0, 9.0]])
    assert penalty.value(two) == pytest.approx(2.5)
    assert penalty.gradient(two)["head"].tolist() == [[1.0, 2.0]]
    penalty.add(named(head=[[0.0, 0.0], [4.0, 0.0]]), two)
    three = named(head=[[1.0, 2.0], [8.0, 0.0]])
    assert penalty.value(three) == pytest.approx(2.5 + 0.5 * 4)
    assert penalty.gradient(three)["head"].tolist() == [[1.0, 2.0], [-4.0, 0.0]]
