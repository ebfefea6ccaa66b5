"""Fits of forgetting curves by binomial likelihood, and which law fits best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Quantities, Quantity, checked
from ..errors import DescriptionError
from .forgetting import LAWS, Law
from .intervals import counts_of

__all__ = ["ForgettingFit", "ForgettingFits", "fit_forgetting"]

_Array = NDArray[np.float64]
_Lags = Annotated[ArrayLike, Quantities(shape=("n",), low=0.0, high=1e15, least=3)]
_Counts = Annotated[ArrayLike, Quantities(shape=("n",), low=0.0, high=2.0**53)]

_EPSILON = 1e-12
"""Smallest distance of a fitted probability from 0 and 1."""


@dataclass(frozen=True, kw_only=True)
class ForgettingFit:
    """Fit of one law of forgetting.

    Attributes
    ----------
    law : str
        A name in :data:`.forgetting.LAWS`.
    a, b : float
        Fitted parameters of the law.
    a_error, b_error : float
        Standard errors from the Fisher information at the fit. NaN where there is none, e.g. for a
        parameter at the end of its range.
    chance : float
        Share of right answers without any memory.
    log_likelihood : float
        Binomial log-likelihood, including its constant.
    aic, bic : float
        Information criteria of Akaike and of Schwarz (for the number of attempts).
    weight : float
        Akaike weight among the laws that were compared; they add up to 1.
    r2 : float
        Fraction of the variance of the observed shares that the law explains, weighted by
        attempts.
    deviance : float
        Twice the log-likelihood ratio of the observed shares to the law. If the law holds, the
        deviance is about as large as `freedom`, with a chi-squared distribution for many attempts.
        If it is much larger, the law does not describe the curve, even if it is the best law.
    freedom : int
        Number of lags less the two parameters.
    """

    law: str
    a: float
    b: float
    a_error: float
    b_error: float
    chance: float
    log_likelihood: float
    aic: float
    bic: float
    weight: float
    r2: float
    deviance: float
    freedom: int

    @checked
    def predict(self, lags: Annotated[ArrayLike, Quantities(low=0.0)]) -> NDArray[np.float64]:
        """Return the share of right answers at each lag, with the shape of `lags`."""
        lag = np.asarray(lags, np.float64)
        return np.asarray(
            self.chance + (1 - self.chance) * self.a * LAWS[self.law].value(lag, self.b)
        )


class ForgettingFits(dict[str, ForgettingFit]):
    """Fits of several laws, by name; the best first."""

    @property
    def best(self) -> str:
        """The law of the smallest AIC."""
        return next(iter(self))

    def numbers(self) -> dict[str, float]:
        """Return all fits as plain numbers: ``power_a``, ``power_b``, ``power_aic``, ..."""
        names = ("a", "a_error", "b", "b_error", "aic", "bic", "weight", "r2", "deviance")
        return {
            f"{law}_{name}": float(getattr(fit, name))
            for law, fit in sorted(self.items())
            for name in names
        }


@checked
def fit_forgetting(
    lags: _Lags,
    successes: _Counts,
    attempts: _Counts,
    *,
    chance: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.0,
) -> ForgettingFits:
    """Fit the power, exponential and hyperbolic laws of forgetting to pooled counts.

    The share of right answers is ``chance + (1 - chance) * p``, where p falls with the lag n:
    a (1 + n)^-b, a exp(-b n), or a / (1 + b n). The parameters maximise the binomial likelihood.
    All laws have two parameters, so AIC and BIC rank them in the same order.

    Parameters
    ----------
    lags : array_like >= 0, shape (n_lags,)
        Number of items that were studied between an item and its probe.
    successes, attempts : array_like, shape (n_lags,)
        Right answers and probes at each lag; lags without probes are left out.
    chance : float
        Share of right answers without any memory.

    Returns
    -------
    ForgettingFits
        A mapping of law to fit, the best first.

    Raises
    ------
    DescriptionError
        If fewer than three lags have attempts, or if there are more successes than attempts.

    References
    ----------
    J. T. Wixted, E. B. Ebbesen, "On the form of forgetting", Psychological Science 2, 409-415
    (1991). K. P. Burnham, D. R. Anderson, "Model Selection and Multimodel Inference", Springer
    (2002), ch. 2, for the weights.

    Examples
    --------
    >>> import numpy as np
    >>> lags = np.arange(20)
    >>> fits = fit_forgetting(lags, np.round(1000 * 0.9 * 0.8**lags), np.full(20, 1000))
    >>> fits.best, round(fits["exponential"].a, 2), round(fits["exponential"].b, 2)
    ('exponential', 0.9, 0.22)
    """
    lag = np.asarray(lags)
    k, n = counts_of("fit_forgetting", successes, attempts)
    if lag.shape != k.shape:
        raise DescriptionError(
            f"fit_forgetting: lags must have as many values as successes, got {lag.size} and "
            f"{k.size}."
        )
    lag, k, n = lag[n > 0], k[n > 0], n[n > 0]
    if len(np.unique(lag)) < 3:
        raise DescriptionError(
            f"fit_forgetting: at least three different lags with attempts are needed, got "
            f"{len(np.unique(lag))}."
        )
    found = {name: _fit(law, lag, k, n, chance) for name, law in LAWS.items()}
    constant = _binomial_constant(k, n)
    likelihood = {name: -loss + constant for name, (_, _, loss) in found.items()}
    best = max(likelihood.values())
    weights = {name: float(np.exp(value - best)) for name, value in likelihood.items()}
    total = sum(weights.values())
    order = sorted(found, key=lambda name: -likelihood[name])
    fits = ForgettingFits()
    for name in order:
        a, b, _ = found[name]
        p = chance + (1 - chance) * a * LAWS[name].value(lag, b)
        deviance = 2 * (constant - float(_loss(k / n, k, n)) - likelihood[name])
        errors = _errors(LAWS[name], lag, n, a, b, chance)
        fits[name] = ForgettingFit(
            law=name, a=a, b=b, a_error=errors[0], b_error=errors[1], chance=chance,
            log_likelihood=likelihood[name], aic=4 - 2 * likelihood[name],
            bic=2 * float(np.log(n.sum())) - 2 * likelihood[name], weight=weights[name] / total,
            r2=_r2(k / n, p, n), deviance=deviance,
            freedom=len(lag) - 2,
        )  # fmt: skip
    return fits


def _fit(law: Law, lag: _Array, k: _Array, n: _Array, chance: float) -> tuple[float, float, float]:
    """Return the maximum-likelihood parameters, and the negative log-likelihood."""
    from scipy.optimize import minimize_scalar

    def at(log_b: float) -> tuple[float, float]:
        a, loss = _best_a(law.value(lag, np.exp(log_b)), k, n, chance)
        return float(a), float(loss)

    # For each b the best a is unique, but the loss can have several minima over b: search a grid.
    grid = np.linspace(np.log(1e-6 / (1 + lag.max())), np.log(50.0), 121)
    _, losses = _best_a(np.stack([law.value(lag, b) for b in np.exp(grid)]), k, n, chance)
    middle = int(losses.argmin())
    ends = grid[max(middle - 1, 0)], grid[min(middle + 1, len(grid) - 1)]
    result = minimize_scalar(
        lambda x: at(x)[1], bounds=ends, method="bounded", options={"xatol": 1e-9}
    )
    flat, loss = _best_a(np.ones(len(lag)), k, n, chance)
    found = float(flat), 0.0, float(loss)
    for x in (float(result.x), float(grid[middle])):
        a, value = at(x)
        if value < found[2] - 1e-10:
            found = a, float(np.exp(x)), value
    return found


def _best_a(q: _Array, k: _Array, n: _Array, chance: float) -> tuple[_Array, _Array]:
    """Return the maximum-likelihood a of ``chance + (1 - chance) a q``, and the loss at it.

    `q` has shape (n_lags,) or (m, n_lags); the results have shape () or (m,). The log-likelihood
    is concave in a, and Newton's method finds the zero of its slope. A step that leaves the
    bracket of the zero is replaced by bisection.
    """
    slope = (1 - chance) * q
    low, high = np.zeros(q.shape[:-1]), np.ones(q.shape[:-1])
    above = float(k.sum() - chance * n.sum())
    a = np.clip(above / np.maximum((n * slope).sum(axis=-1), 1e-300), 0.0, 1.0)
    for _ in range(100):
        p = np.clip(chance + a[..., None] * slope, _EPSILON, 1 - _EPSILON)
        gain = (slope * (k / p - (n - k) / (1 - p))).sum(axis=-1)
        bend = (slope * slope * (k / p**2 + (n - k) / (1 - p) ** 2)).sum(axis=-1)
        low, high = np.where(gain > 0, a, low), np.where(gain > 0, high, a)
        step = a + gain / np.maximum(bend, 1e-300)
        new = np.where((low <= step) & (step <= high), step, (low + high) / 2)
        done = bool((np.abs(new - a) < 1e-13).all())
        a = new
        if done:
            break
    return a, _loss(chance + a[..., None] * slope, k, n)


def _loss(p: _Array, k: _Array, n: _Array) -> _Array:
    """Return the negative binomial log-likelihood, without its constant."""
    p = np.clip(p, _EPSILON, 1 - _EPSILON)
    loss: _Array = -(k * np.log(p) + (n - k) * np.log1p(-p)).sum(axis=-1)
    return loss


def _binomial_constant(k: _Array, n: _Array) -> float:
    from scipy.special import gammaln

    return float((gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)).sum())


def _errors(law: Law, lag: _Array, n: _Array, a: float, b: float, chance: float) -> _Array:
    """Return the standard errors of a and b; NaN for a parameter at the end of its range."""
    q = law.value(lag, b)
    by = (1 - chance) * np.stack([q, a * law.slope(lag, b)])
    p = np.clip(chance + (1 - chance) * a * q, _EPSILON, 1 - _EPSILON)
    inside = np.array([1e-9 < a < 1 - 1e-9, b > 0 and a > 1e-9])
    found = np.full(2, np.nan)
    information = (by[inside] * (n / (p * (1 - p)))) @ by[inside].T
    if inside.any() and np.linalg.cond(information) < 1e14:
        found[inside] = np.sqrt(np.diag(np.linalg.inv(information)))
    return found


def _r2(shares: _Array, p: _Array, n: _Array) -> float:
    total = float((n * (shares - np.average(shares, weights=n)) ** 2).sum())
    left = float((n * (shares - p) ** 2).sum())
    return 1 - left / total if total > 0 else float("nan")
