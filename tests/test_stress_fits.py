"""Fits of forgetting curves."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from spikemem.errors import DescriptionError
from spikemem.stress.fits import fit_forgetting

FORMULAS = {
    "power": lambda n, a, b: a * (1 + n) ** -b,
    "exponential": lambda n, a, b: a * np.exp(-b * n),
    "hyperbolic": lambda n, a, b: a / (1 + b * n),
}
LAGS = np.arange(0, 40, 2)


def log_likelihood(k, n, p):
    return scipy.stats.binom.logpmf(k, n, np.clip(p, 1e-12, 1 - 1e-12)).sum()


@pytest.mark.parametrize("law", FORMULAS)
def test_parameters_are_found_and_the_law_wins(law):
    a, b = {"power": (0.9, 0.5), "exponential": (0.95, 0.08), "hyperbolic": (0.9, 0.2)}[law]
    n = np.full(len(LAGS), 10**6)
    fits = fit_forgetting(LAGS, np.round(n * FORMULAS[law](LAGS, a, b)), n)
    assert fits.best == law
    assert fits[law].weight > 0.999
    assert (fits[law].a, fits[law].b) == pytest.approx((a, b), rel=1e-4)
    assert fits[law].r2 > 0.99999
    np.testing.assert_allclose(fits[law].predict(LAGS), FORMULAS[law](LAGS, a, b), rtol=1e-3)
    assert sum(fit.weight for fit in fits.values()) == pytest.approx(1.0)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 30), st.floats(0, 1)),
        min_size=3, max_size=12, unique_by=lambda row: row[0],
    ),
    st.floats(0, 0.5),
    st.lists(st.tuples(st.floats(0.001, 1), st.floats(1e-6, 20)), min_size=5, max_size=5),
)  # fmt: skip
def test_no_other_parameters_are_more_likely(rows, chance, others):
    lags, n, shares = (np.array(x) for x in zip(*rows, strict=True))
    k = np.round(n * shares)
    fits = fit_forgetting(lags, k, n, chance=chance)
    for law, fit in fits.items():
        assert fit.log_likelihood == pytest.approx(
            log_likelihood(k, n, fit.predict(lags)), abs=1e-6
        )
        for a, b in others:
            p = chance + (1 - chance) * FORMULAS[law](lags, a, b)
            assert log_likelihood(k, n, p) <= fit.log_likelihood + 1e-6
        assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood)
        wanted = 2 * (log_likelihood(k, n, k / n) - fit.log_likelihood)
        assert fit.deviance == pytest.approx(wanted, abs=1e-6)
        assert fit.deviance > -1e-6
        assert fit.bic == pytest.approx(2 * np.log(n.sum()) - 2 * fit.log_likelihood)
    assert list(fits) == sorted(fits, key=lambda law: fits[law].aic)


@pytest.mark.parametrize("law", FORMULAS)
def test_the_fit_is_that_of_another_optimiser(law):
    rng = np.random.default_rng(4)
    n = np.full(len(LAGS), 80)
    k = rng.binomial(n, FORMULAS[law](LAGS, 0.9, 0.1))
    result = scipy.optimize.minimize(
        lambda x: -log_likelihood(k, n, FORMULAS[law](LAGS, *x)), [0.8, 0.2],
        method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000},
    )  # fmt: skip
    fit = fit_forgetting(LAGS, k, n)[law]
    assert (fit.a, fit.b) == pytest.approx(tuple(result.x), rel=1e-4)
    assert fit.log_likelihood == pytest.approx(-result.fun, abs=1e-6)
    # Standard errors from the curvature of the likelihood, by differences (observed information;
    # it differs from the expected one by the scatter of the counts).
    h = 1e-4

    def loss(x):
        return -log_likelihood(k, n, FORMULAS[law](LAGS, *x))

    steps = np.eye(2) * h
    x = np.array([fit.a, fit.b])
    bend = np.array(
        [
            [(loss(x + p + q) - loss(x + p - q) - loss(x - p + q) + loss(x - p - q)) / (4 * h * h)
             for q in steps] for p in steps
        ]
    )  # fmt: skip
    errors = np.sqrt(np.diag(np.linalg.inv(bend)))
    assert (fit.a_error, fit.b_error) == pytest.approx(tuple(errors), rel=0.1)


def test_standard_errors_hold_their_confidence():
    # 150 curves: the share within 1.96 standard errors of the truth is 0.95 +- 0.07 (z = 4).
    rng = np.random.default_rng(6)
    lags, n = np.arange(0, 30, 3), np.full(10, 100)
    held = np.zeros(2)
    deviances = []
    for _ in range(150):
        fit = fit_forgetting(lags, rng.binomial(n, FORMULAS["power"](lags, 0.9, 0.4)), n)["power"]
        off = np.array([fit.a - 0.9, fit.b - 0.4]) / [fit.a_error, fit.b_error]
        held += np.abs(off) < 1.96
        deviances.append(fit.deviance)
    assert (held / 150 > 0.95 - 0.07).all()
    # Chi-squared of 8 degrees of freedom: mean 8, variance 16 (z = 4, and 5 % for few attempts).
    assert fit.freedom == 8
    assert abs(np.mean(deviances) - 8) < 4 * (16 / 150) ** 0.5 + 0.4


def test_ends_of_the_ranges():
    n = np.full(4, 10)
    perfect = fit_forgetting([0, 1, 2, 3], n, n)
    for fit in perfect.values():
        assert (fit.a, fit.b) == (pytest.approx(1.0), 0.0)
        assert np.isnan([fit.a_error, fit.b_error]).all()
        assert fit.weight == pytest.approx(1 / 3)
    nothing = fit_forgetting([0, 1, 2, 3], np.zeros(4), n)
    assert all(fit.a == pytest.approx(0.0, abs=1e-9) for fit in nothing.values())
    rising = fit_forgetting([0, 1, 2, 3], [1, 2, 3, 4], n)
    assert all((fit.a, fit.b) == (pytest.approx(0.25), 0.0) for fit in rising.values())
    assert rising["power"].a_error == pytest.approx((0.25 * 0.75 / 40) ** 0.5)
    guessing = fit_forgetting([0, 1, 2, 3], [5, 5, 5, 5], n, chance=0.5)
    assert all(fit.a == pytest.approx(0.0, abs=1e-9) for fit in guessing.values())


def test_numbers_and_refusals():
    fits = fit_forgetting([0, 1, 2, 9], [9, 5, 3, 0], [10, 10, 10, 0])
    numbers = fits.numbers()
    assert numbers["power_b"] == fits["power"].b
    assert len(numbers) == 27
    for lags, k, n, text in (
        ([0, 1, 2], [1, 1, 0], [1, 1, 0], "three different lags"),
        ([0, 1, 2], [1, 1, 2], [1, 1, 1], "at most attempts"),
        ([0, 1, 2, 3], [1, 1, 1], [1, 1, 1], "as many values"),
        ([0, -1, 2], [1, 1, 1], [1, 1, 1], "lags must be >= 0"),
    ):
        with pytest.raises(DescriptionError, match=text):
            fit_forgetting(lags, k, n)
