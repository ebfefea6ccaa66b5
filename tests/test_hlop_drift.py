"""Forgetting told layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group

from spikemem.errors import DescriptionError
from spikemem.networks.hlop.drift import layer_drift, linear_cka, relative_change

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((30, 5)), RNG.standard_normal((30, 8))


def hsic_cka(x, y):
    """CKA as the ratio of Hilbert-Schmidt independence criteria of two linear kernels."""
    n = len(x)
    centre = np.eye(n) - np.ones((n, n)) / n
    k, m = x @ x.T, y @ y.T

    def hsic(a, b):
        return np.trace(a @ centre @ b @ centre) / (n - 1) ** 2

    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


@pytest.mark.parametrize("n", [3, 7, 30])
def test_cka_is_the_ratio_of_kernels(n):
    assert linear_cka(X[:n], Y[:n]) == pytest.approx(hsic_cka(X[:n], Y[:n]), rel=1e-10)


def test_cka_does_not_see_rotations_scalings_and_shifts():
    turned = 7.0 * X @ ortho_group.rvs(5, random_state=1) + 100.0
    assert linear_cka(X, turned) == pytest.approx(1.0, abs=1e-9)
    assert linear_cka(X * 1e200, Y * 1e-200) == pytest.approx(linear_cka(X, Y))
    stretched = X * [1, 1, 1, 1, 9]
    assert linear_cka(X, stretched) < 0.9


def test_cka_of_uncorrelated_units_is_zero():
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    y = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert linear_cka(x, y) == pytest.approx(0.0, abs=1e-15)


def test_relative_change():
    assert relative_change(X, X) == 0
    assert relative_change(X, 1.5 * X) == pytest.approx(0.5)
    assert relative_change(X, np.zeros_like(X)) == pytest.approx(1.0)
    assert relative_change(X, X[::-1]) == pytest.approx(
        np.sqrt(((X - X[::-1]) ** 2).sum() / (X**2).sum())
    )


def test_every_layer_has_its_change():
    drift = layer_drift({"1": X, "2": np.zeros((30, 2))}, {"1": 2 * X, "2": np.ones((30, 2))})
    assert [part.layer for part in drift] == ["1", "2"]
    assert drift[0].change == pytest.approx(1.0)
    assert drift[0].cka == pytest.approx(1.0)
    assert np.isnan(drift[1].change)
    assert np.isnan(drift[1].cka)


def test_what_is_not_defined_is_refused():
    with pytest.raises(DescriptionError, match="response other than 0"):
        relative_change(np.zeros((2, 2)), X[:2, :2])
    with pytest.raises(DescriptionError, match="same shape"):
        relative_change(X, Y)
    with pytest.raises(DescriptionError, match="same number of samples"):
        linear_cka(X, Y[1:])
    with pytest.raises(DescriptionError, match="after must have a unit"):
        linear_cka(X, np.full((30, 2), 0.1))
