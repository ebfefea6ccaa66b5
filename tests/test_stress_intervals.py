"""Intervals of proportions and means, d', ROC, capacity at a criterion and scaling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.stress import scaling
from spikemem.stress.detection import bias, d_prime, roc_area, said_studied
from spikemem.stress.intervals import bootstrap, mean_interval, wilson

COUNTS = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.floats(0.01, 0.999))
def test_wilson_is_that_of_scipy(counts, confidence):
    k, n = counts
    wanted = scipy.stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    np.testing.assert_allclose(wilson(k, n, confidence), wanted, rtol=1e-9, atol=1e-12)


def test_wilson_takes_arrays_and_says_nothing_of_nothing():
    low, high = wilson([0, 3, 5], [0, 5, 5])
    assert low.shape == (3,)
    assert (low[0], high[0], high[2]) == (0.0, 1.0, 1.0)
    # By hand: k = n = 5, z = 1.96: the lower limit is n / (n + z^2).
    assert low[2] == pytest.approx(5 / (5 + 1.959964**2), rel=1e-6)
    np.testing.assert_allclose([low[1], high[1]], wilson(3, 5))


@pytest.mark.parametrize(("k", "n", "text"), [
    (6, 5, "at most attempts, got 6 of 5"), (-1, 5, "successes must be >= 0"),
    ([1, 2], [1, 2, 3], "one shape"), ("x", 3, "successes"),
])  # fmt: skip
def test_wilson_refuses(k, n, text):
    with pytest.raises(DescriptionError, match=text):
        wilson(k, n)
    with pytest.raises(DescriptionError, match="confidence must be > 0 and < 1"):
        wilson(1, 2, 1.0)


def test_mean_interval_is_that_of_student():
    x = np.random.default_rng(0).normal(size=(7, 2))
    x[3, 1] = np.nan
    low, high = mean_interval(x, 0.9)
    for column, a, b in zip(x.T, low, high, strict=True):
        values = column[~np.isnan(column)]
        wanted = scipy.stats.t.interval(
            0.9, len(values) - 1, loc=values.mean(), scale=scipy.stats.sem(values)
        )
        np.testing.assert_allclose([a, b], wanted, rtol=1e-12)
    assert np.isnan(mean_interval([2.0])).all()
    assert mean_interval([2, 2, 2]) == (2.0, 2.0)
    for bad in ([], 3.0, [np.inf], ["a"]):
        with pytest.raises(DescriptionError, match="values"):
            mean_interval(bad)


def test_bootstrap_is_near_the_normal_interval():
    # Of 400 normal values. The limits of 2000 resamples lie within 5 of their standard errors,
    # 0.05 * 0.06, of those of the normal interval.
    x = np.random.default_rng(1).normal(size=400)
    wanted = x.mean() + np.array([-1.96, 1.96]) * x.std() / 20
    np.testing.assert_allclose(bootstrap(x, seed=3), wanted, atol=0.015)
    assert bootstrap(x, seed=3) == bootstrap(x, seed=3) != bootstrap(x, seed=4)
    low, high = bootstrap(x, lambda rows: [np.median(rows), rows.max()], n_resamples=50)
    assert low.shape == (2,)
    assert (low <= high).all()
    with pytest.raises(DescriptionError, match="statistic fails"):
        bootstrap(x, lambda rows: {}["a"])
    with pytest.raises(DescriptionError, match="one shape"):
        bootstrap(x, lambda rows: np.unique(rows), n_resamples=50)


def test_d_prime_by_hand():
    # 20.5/26 = 0.788, 10.5/26 = 0.404: z = 0.801 and -0.243 in a table of the normal integral.
    assert d_prime(20, 25, 10, 25) == pytest.approx(0.801 + 0.243, abs=2e-3)
    assert bias(20, 25, 10, 25) == pytest.approx((0.243 - 0.801) / 2, abs=2e-3)
    assert d_prime(5, 5, 0, 5) == pytest.approx(2 * scipy.stats.norm.ppf(5.5 / 6))
    with pytest.raises(DescriptionError, match="hits must be at most n_studied=5, got 6"):
        d_prime(6, 5, 0, 5)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
)
def test_roc_area_is_that_of_sklearn(old, new):
    labels = [1] * len(old) + [0] * len(new)
    assert roc_area(old, new) == pytest.approx(roc_auc_score(labels, [*old, *new]))
    assert roc_area(old, new) + roc_area(new, old) == pytest.approx(1.0)
    assert math.isnan(roc_area(old, []))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.data())
def test_yes_answers_are_as_many_as_studied_items(values, data):
    n = data.draw(st.integers(0, len(values)))
    familiarity = np.array(values, float)
    yes = said_studied(familiarity, n, None, "Toy")
    if yes.any() and not yes.all():
        assert familiarity[yes].min() > familiarity[~yes].max()
    possible = [int((familiarity >= cut).sum()) for cut in (*familiarity, np.inf)]
    assert abs(yes.sum() - n) == min(abs(k - n) for k in possible)


def test_yes_from_a_threshold_or_not_at_all():
    assert said_studied(np.array([0.2, 0.5, 0.7]), 3, 0.5, "Toy").tolist() == [False, True, True]
    with pytest.raises(UnsupportedError, match="Toy gives no familiarity for 1 of 2 probes"):
        said_studied(np.array([np.nan, 1.0]), 1, None, "Toy")


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 50)), min_size=1, max_size=12),
)
def test_the_falling_fit_is_that_of_sklearn(rows):
    shares, weights = (np.array(x, float) for x in zip(*rows, strict=True))
    fit = IsotonicRegression(increasing=False)
    wanted = fit.fit_transform(np.arange(len(rows)), shares, sample_weight=weights)
    np.testing.assert_allclose(scaling._falling(shares, weights), wanted, atol=1e-9)


def test_capacity_at_a_criterion():
    capacity = scaling.capacity_at
    assert capacity([3, 1, 2], [25, 100, 75], [100, 100, 100], 0.5).value == 2.5
    # A curve that rises is pooled: 90, 70, 80, 20 -> 90, 75, 75, 20.
    assert capacity([1, 2, 3, 4], [90, 70, 80, 20], [100] * 4, 0.75).value == 3.0
    high = capacity([1, 2], [10, 10], [10, 10], 0.5)
    assert (high.value, high.high) == (math.inf, math.inf)
    assert capacity([1, 2], [0, 0], [10, 10], 0.5).value == 0.0
    found = capacity([1, 2, 3, 4], [99, 80, 30, 2], [100] * 4, 0.5)
    assert found.low < found.value < found.high
    more = capacity([1, 2, 3, 4], [9900, 8000, 3000, 200], [10_000] * 4, 0.5)
    assert more.high - more.low < 0.2 * (found.high - found.low)
    with pytest.raises(DescriptionError, match="two different values"):
        capacity([1, 1], [1, 1], [2, 2])
    with pytest.raises(DescriptionError, match="as many values"):
        capacity([1, 2, 3], [1, 1], [2, 2])


def test_the_interval_of_a_capacity_holds_it():
    # 200 curves over a line through 0.5 at load 5, on which interpolation has no bias. The share
    # of 95 % intervals that hold it is 0.95 +- 4 sqrt(0.95 0.05 / 200) = 0.06 (z = 4), less an
    # allowance of 0.03 since neighbours of a noisy curve are pooled.
    loads = np.arange(1, 10)
    truth = np.clip(1 - loads / 10, 0, 1)
    rng = np.random.default_rng(5)
    held = 0
    for seed in range(200):
        found = scaling.capacity_at(
            loads, rng.binomial(60, truth), np.full(9, 60), 0.5, n_resamples=200, seed=seed
        )
        held += found.low <= 5 <= found.high
    assert held / 200 > 0.95 - 0.06 - 0.03


def test_scaling_exponent_is_the_weighted_line():
    sizes = np.array([100.0, 200, 400, 800])
    rng = np.random.default_rng(2)
    values = 0.1 * sizes**1.5 * np.exp(rng.normal(scale=0.1, size=4))
    line = scipy.stats.linregress(np.log(sizes), np.log(values))
    fit = scaling.scaling_exponent(sizes, values)
    assert fit.exponent == pytest.approx(line.slope)
    assert fit.exponent_error == pytest.approx(line.stderr)
    assert fit.factor == pytest.approx(np.exp(line.intercept))
    assert fit.r2 == pytest.approx(line.rvalue**2)
    errors = values * np.array([0.1, 0.2, 0.05, 0.3])
    weighted = scaling.scaling_exponent(sizes, values, errors)
    coefficients, covariance = np.polyfit(
        np.log(sizes), np.log(values), 1, w=values / errors, cov="unscaled"
    )
    assert weighted.exponent == pytest.approx(coefficients[0])
    assert weighted.exponent_error == pytest.approx(covariance[0, 0] ** 0.5)


@pytest.mark.parametrize(("sizes", "values", "text"), [
    ([1, 1], [1, 2], "two different values"), ([1, 2], [0, 1], "values must be > 0"),
    ([1, 2], [1, 2, 3], "same number of values"), ([1], [1], "at least 2 values"),
])  # fmt: skip
def test_scaling_refuses(sizes, values, text):
    with pytest.raises(DescriptionError, match=text):
        scaling.scaling_exponent(sizes, values)
