"""Connectors against closed forms; each statistical test has a false-alarm rate of 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from nonsense import refusal
from scipy import stats

from spikemem.connectors import (
    distance_dependent,
    draw_values,
    fixed_in,
    fixed_out,
    fixed_probability,
    from_matrix,
    grid_positions,
)
from spikemem.errors import SpikememWarning

ALARM = 1e-6


def rng(seed=0):
    return np.random.default_rng(seed)


def pairs_of(pairs):
    return list(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True))


@given(
    n_pre=st.integers(1, 12),
    n_post=st.integers(1, 12),
    p=st.floats(0, 1),
    allow_self=st.booleans(),
    seed=st.integers(0, 9),
)
def test_fixed_probability_joins_each_pair_once_at_most(n_pre, n_post, p, allow_self, seed):
    pairs = pairs_of(fixed_probability(n_pre, n_post, p, rng(seed), allow_self=allow_self))
    assert pairs == sorted(set(pairs))
    assert all(i < n_pre and j < n_post and (allow_self or i != j) for i, j in pairs)
    if p in (0.0, 1.0):
        every = {(i, j) for i in range(n_pre) for j in range(n_post) if allow_self or i != j}
        assert set(pairs) == (every if p else set())


@pytest.mark.parametrize("p", [0.003, 0.2, 0.97])
def test_the_number_of_synapses_is_binomial(p):
    n = 400 * 500
    counts = [fixed_probability(400, 500, p, rng(seed)).i.size for seed in range(20)]
    low, high = stats.binom.interval(1 - ALARM, 20 * n, p)
    assert low <= sum(counts) <= high
    spread = np.var(counts, ddof=1) / (n * p * (1 - p)) * 19
    assert stats.chi2.ppf(ALARM / 2, 19) < spread < stats.chi2.isf(ALARM / 2, 19)


def test_every_pair_is_equally_likely():
    hits = np.zeros((7, 5))
    for seed in range(2000):
        pairs = fixed_probability(7, 5, 0.3, rng(seed))
        hits[pairs.i, pairs.j] += 1
    statistic = ((hits - 600) ** 2 / (600 * 0.7)).sum()
    assert stats.chi2.ppf(ALARM / 2, 35) < statistic < stats.chi2.isf(ALARM / 2, 35)


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("allow_self", [False, True])
@pytest.mark.parametrize(("n_pre", "n_post", "n"), [(6, 4, 3), (4, 6, 3), (5, 5, 4), (5, 5, 0)])
def test_fixed_numbers(n_pre, n_post, n, allow_self, repeat):
    into = fixed_in(n_pre, n_post, n, rng(), allow_self=allow_self, repeat=repeat)
    out = fixed_out(n_pre, n_post, n, rng(), allow_self=allow_self, repeat=repeat)
    assert np.bincount(into.j, minlength=n_post).tolist() == [n] * n_post
    assert np.bincount(out.i, minlength=n_pre).tolist() == [n] * n_pre
    for pairs in (into, out):
        assert pairs_of(pairs) == sorted(pairs_of(pairs))
        assert repeat or len(set(pairs_of(pairs))) == len(pairs.i)
        assert allow_self or not np.any(pairs.i == pairs.j)


@pytest.mark.parametrize("connect", [fixed_in, fixed_out])
def test_fixed_numbers_choose_each_cell_equally_often(connect):
    counts = np.zeros((8, 8))
    for seed in range(1000):
        pairs = connect(8, 8, 3, rng(seed), allow_self=False)
        counts[pairs.i, pairs.j] += 1
    others = counts[~np.eye(8, dtype=bool)]
    # 3 of 7 without replacement: each row's counts have the covariance of a hypergeometric draw.
    statistic = ((others - 3000 / 7) ** 2).sum() / (3000 / 7 * (4 / 7)) * 6 / 7
    assert stats.chi2.ppf(ALARM / 2, 8 * 6) < statistic < stats.chi2.isf(ALARM / 2, 8 * 6)


def test_too_many_partners_are_refused():
    assert "at most 4" in refusal(fixed_in, 5, 5, 5, rng(), allow_self=False)
    assert "at most 5" in refusal(fixed_out, 3, 5, 6, rng())
    assert "at most 0" in refusal(fixed_in, 1, 1, 1, rng(), allow_self=False, repeat=True)


def test_distance_dependent_follows_the_probability():
    cells = grid_positions((30, 30))
    pairs = distance_dependent(cells, cells, lambda d: 0.3 * np.exp(-d / 4.0), rng(1))
    distance = np.sqrt(((cells[:, None] - cells[None]) ** 2).sum(-1))
    joined = np.zeros_like(distance)
    joined[pairs.i, pairs.j] = 1
    for low, high in ((0, 2), (2, 5), (5, 10), (10, 45)):
        inside = (distance >= low) & (distance < high)
        chance = 0.3 * np.exp(-distance[inside] / 4.0)
        z = (joined[inside].sum() - chance.sum()) / np.sqrt((chance * (1 - chance)).sum())
        assert abs(z) < stats.norm.isf(ALARM / 2)


def test_the_draw_does_not_depend_on_the_size_of_a_block(monkeypatch):
    cells = grid_positions((9, 7), 2.0)
    whole = distance_dependent(cells, cells, lambda d: np.exp(-d), rng(3), allow_self=False)
    monkeypatch.setattr("spikemem.connectors.BLOCK", 200)
    parts = distance_dependent(cells, cells, lambda d: np.exp(-d), rng(3), allow_self=False)
    assert pairs_of(whole) == pairs_of(parts)


@pytest.mark.parametrize("bad", [lambda d: 2.0, lambda d: -d, lambda d: "x", lambda d: d[0]])
def test_distances_need_probabilities(bad):
    cells = grid_positions((3,))
    assert "probability" in refusal(distance_dependent, cells, cells, bad, rng())


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_a_matrix_becomes_its_entries(form):
    dense = np.array([[0.0, 0.5, 0.0], [0.25, 0.0, 1.0]])
    pairs, weight = from_matrix(form(dense), 2, 3)
    assert pairs_of(pairs) == [(0, 1), (1, 0), (1, 2)]
    assert weight.tolist() == [0.5, 0.25, 1.0]


def test_matrices_that_do_not_fit_are_refused():
    assert "shape (2, 2)" in refusal(from_matrix, np.zeros((2, 3)), 2, 2)
    assert "shape (2, 2)" in refusal(from_matrix, scipy.sparse.csr_array((2, 3)), 2, 2)
    assert "nA" in refusal(from_matrix, "x", 2, 2)
    assert "nA" in refusal(from_matrix, [[0, 1], [2]], 2, 2)
    assert refusal(from_matrix, [[0, np.inf], [2, 0]], 2, 2)
    assert pairs_of(from_matrix([[np.nan, 1.0]], 1, 2)[0]) == [(0, 1)]


@pytest.mark.parametrize(
    "distribution", [stats.norm(1.0, 0.5), stats.lognorm(0.4), stats.uniform(0.2, 3.0)]
)
@pytest.mark.filterwarnings("ignore::spikemem.SpikememWarning")
def test_drawn_values_follow_the_truncated_distribution(distribution):
    low, high = 0.5, 2.0
    drawn = draw_values(distribution, 5000, "nA", "weight", rng(2), low=low, high=high)

    def cdf(x):
        inside = distribution.cdf([low, high])
        return (distribution.cdf(x) - inside[0]) / (inside[1] - inside[0])

    assert drawn.min() >= low
    assert drawn.max() <= high
    assert stats.kstest(drawn, cdf).pvalue > ALARM


def test_truncation_is_said_and_rounding_is_to_the_grid():
    with pytest.warns(SpikememWarning, match=r"2\.3% of the distribution lies outside 0 to inf nA"):
        draw_values(stats.norm(1.0, 0.5), 10, "nA", "weight", rng(), low=0.0)
    delay = draw_values(stats.uniform(0.0, 5.0), 1000, "ms", "delay", rng(), low=0.0, step=0.5)
    assert np.allclose(delay / 0.5, np.rint(delay / 0.5))
    with pytest.warns(SpikememWarning):
        delay = draw_values(stats.norm(0, 1), 1000, "ms", "delay", rng(), low=0.1, step=0.1)
    assert delay.min() >= 0.1
    assert "no values" in refusal(
        draw_values, stats.uniform(-2, 1), 5, "nA", "weight", rng(), low=0.0
    )


def test_discrete_distributions_keep_their_least_value():
    drawn = draw_values(stats.randint(1, 4), 3000, "ms", "delay", rng(), low=1.0, step=1.0)
    counts = np.bincount(drawn.astype(int), minlength=4)[1:]
    assert stats.chisquare(counts).pvalue > ALARM


def test_numbers_and_arrays_stay_as_they_are():
    given_array = np.array([1.0, 2.0])
    assert draw_values(given_array, 2, "nA", "weight", rng(), low=0.0) is given_array
    assert draw_values(3, 2, "nA", "weight", rng(), low=0.0) == 3
