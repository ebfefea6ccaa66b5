"""Memory tasks for a liquid: memory capacity, NARMA-10, parity and delayed match-to-sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import (
    Choice,
    Count,
    Probability,
    check_fields,
    checked,
)
from ...errors import DescriptionError
from ...frozen import Frozen, read_only
from ...limits import require_memory
from ...streams import Seed, stream
from .arrays import SpikesOrFeatures
from .features import spike_features
from .readout import LinearReadout
from .responses import LiquidFunction, LiquidLike, respond
from .series import Digits, Values, match_to_sample, narma10, parity

__all__ = [
    "MemoryCapacity",
    "TaskScore",
    "ValueCode",
    "capacity_of",
    "match_to_sample_score",
    "memory_capacity",
    "narma10_score",
    "parity_score",
]

_PENALTIES = np.logspace(-3, 5, 9)
"""Strengths of the ridge penalty to choose from, for standardised features."""


@dataclass(frozen=True, kw_only=True)
class ValueCode(Frozen):
    """Code that turns values from 0 to 1 into random spikes, some steps for each value.

    Parameters
    ----------
    n_channels : int
        Number of input channels.
    hold : int
        Number of steps for which a value is shown.
    p_max : float
        Probability of a spike of a channel in a step, for the value 1.
    kind : {"rate", "opponent"}
        With "rate", all channels fire with probability ``p_max * value``. With "opponent", the
        first half does so, and the others fire with ``p_max * (1 - value)``, so that the total
        rate is constant.
    n_values, n_runs : int
        Number of values in a run, and of runs; the liquid starts each run at rest.
    washout : int
        Number of values at the start of a run that are not used.
    """

    n_channels: Annotated[int, Count()] = 16
    hold: Annotated[int, Count()] = 5
    p_max: Annotated[float, Probability()] = 0.4
    kind: Annotated[Literal["rate", "opponent"], Choice("rate", "opponent")] = "rate"
    n_values: Annotated[int, Count()] = 300
    n_runs: Annotated[int, Count(low=2)] = 20
    washout: Annotated[int, Count(low=0)] = 30

    def __post_init__(self) -> None:
        check_fields(self)
        if self.washout >= self.n_values:
            raise DescriptionError(
                f"ValueCode: washout must be below n_values={self.n_values}, got {self.washout}."
            )
        if self.kind == "opponent" and self.n_channels < 2:
            raise DescriptionError("ValueCode: kind 'opponent' needs n_channels >= 2, got 1.")

    @checked
    def encode(self, values: Digits, *, seed: Seed = 0) -> NDArray[np.bool_]:
        """Draw the spikes that encode values, shape (n_runs, n_values * hold, n_channels).

        Parameters
        ----------
        values : array_like, shape (n_runs, n_values)
            Values from 0 to 1.
        seed : int or numpy.random.Generator
            Seed of the spikes.

        Raises
        ------
        DescriptionError
            If an argument is not valid.
        """
        if values.ndim != 2:
            raise DescriptionError(
                f"ValueCode.encode: values must have shape (n_runs, n_values), got {values.shape}."
            )
        size = float(values.size) * self.hold * self.n_channels
        require_memory(9 * size, f"ValueCode.encode: {values.size} values", "Use fewer.")
        rates = np.repeat(values, self.hold, axis=1)[:, :, None] * np.ones(self.n_channels)
        if self.kind == "opponent":
            rates[:, :, self.n_channels // 2 :] = 1.0 - rates[:, :, self.n_channels // 2 :]
        return stream(seed, "liquid", "encode").random(rates.shape) < self.p_max * rates


class MemoryCapacity(NamedTuple):
    """Memory capacity, and the contribution of each delay."""

    total: float
    """Sum of `curve`."""
    curve: NDArray[np.float64]
    """Squared correlation of the value ``k`` values ago with its reconstruction, k = 1, 2, ..."""


class TaskScore(NamedTuple):
    """Score on a task, with the score of the same readout of the input spikes alone."""

    score: float
    input_score: float
    chance: float
    """Score of the best constant answer."""


@checked
def capacity_of(
    states: SpikesOrFeatures,
    values: Values,
    *,
    delays: Annotated[int, Count()] = 30,
    washout: Annotated[int, Count(low=0)] = 0,
) -> MemoryCapacity:
    """Return the memory capacity of states: how well past values can be read from them.

    ``MC = sum_k r^2(u(t - k), y_k(t))`` for k = 1 to `delays`, with one linear readout ``y_k`` for
    each delay. The readouts are ridge regressions of scikit-learn, whose penalty is chosen by
    leave-one-out cross-validation. They are trained on the first half of the values, or of the
    runs; the correlations are computed on the second half.

    Parameters
    ----------
    states : array_like, shape (n_values, n_features) or (n_runs, n_values, n_features)
        State after each value.
    values : array_like, shape (n_values,) or (n_runs, n_values)
        Independent random values.
    delays : int
        Longest delay, in values.
    washout : int
        Number of values at the start of each run that are not used.

    Raises
    ------
    DescriptionError
        If an argument is not valid, the shapes do not match, or there are too few values.

    Examples
    --------
    >>> u = np.random.default_rng(0).random(1000)
    >>> line = np.column_stack([np.roll(u, k) for k in (1, 2, 3)])  # a delay line of three taps
    >>> round(capacity_of(line, u, delays=10, washout=10).total, 1)
    3.0

    References
    ----------
    H. Jaeger, "Short term memory in echo state networks", GMD report 152 (2001).
    """
    x, u = _runs(states, values, "capacity_of")
    first = max(washout, delays)
    train, test = _halves(x.shape[0], x.shape[1], first, "capacity_of")
    shifted = np.stack([np.roll(u, k, axis=1) for k in range(1, delays + 1)], axis=2)
    predicted = _predicted(x[train], shifted[train], x[test])
    curve = _squared_correlation(predicted, shifted[test])
    return MemoryCapacity(float(curve.sum()), read_only(curve))


@checked
def memory_capacity(
    liquid: LiquidLike,
    *,
    delays: Annotated[int, Count()] = 30,
    code: ValueCode | None = None,
    seed: Seed = 0,
) -> MemoryCapacity:
    """Return the memory capacity of a liquid for independent random values, shown as spikes.

    The state is the spike count of each neuron while a value is shown.

    Parameters
    ----------
    liquid : callable, LiquidStateMachine or Network
        Liquid: it maps spikes (n_samples, n_steps, n_channels) to spikes
        (n_samples, n_steps, n_neurons).
    delays : int
        As in :func:`capacity_of`.
    code : ValueCode, optional
        Code of the values. Default: ``ValueCode()``.
    seed : int or numpy.random.Generator
        Seed of the values and their spikes.

    Raises
    ------
    DescriptionError
        As in :func:`capacity_of`.

    References
    ----------
    H. Jaeger, "Short term memory in echo state networks", GMD report 152 (2001).
    """
    value_code = ValueCode() if code is None else code
    values = stream(seed, "liquid", "values").random((value_code.n_runs, value_code.n_values))
    states, _ = _states(liquid, values, value_code, seed, "memory_capacity")
    return capacity_of(states, values, delays=delays, washout=value_code.washout)


@checked
def narma10_score(
    liquid: LiquidLike,
    *,
    code: ValueCode | None = None,
    seed: Seed = 0,
) -> TaskScore:
    """Return the error of a readout on NARMA-10: the NRMSE on the second half of the runs.

    The error is ``sqrt(mean((y - y')^2) / var(y))``; for chance, the answer is the mean of the
    series.

    Parameters
    ----------
    liquid, code, seed
        As in :func:`memory_capacity`.

    Raises
    ------
    DescriptionError
        As in :func:`memory_capacity`.
    """
    value_code = ValueCode() if code is None else code
    if value_code.n_values < 12:
        raise DescriptionError(
            f"narma10_score: n_values must be at least 12, got {value_code.n_values}."
        )
    values, y = _bounded(value_code, seed)
    inputs = _states(liquid, 2.0 * values, value_code, seed, "narma10_score")
    train, test = _halves(
        value_code.n_runs, value_code.n_values, max(value_code.washout, 10), "narma10_score"
    )
    errors = []
    for x in inputs:
        predicted = _predicted(x[train], y[train][..., None], x[test])[:, 0]
        errors.append(float(np.sqrt(np.mean((predicted - y[test].ravel()) ** 2) / np.var(y[test]))))
    always = float(np.sqrt(np.mean((y[train].mean() - y[test]) ** 2) / np.var(y[test])))
    return TaskScore(errors[0], errors[1], always)


def _bounded(value_code: ValueCode, seed: Seed) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw inputs of NARMA-10 and their series; a run that grows without bound is redrawn."""
    rng = stream(seed, "liquid", "values")
    values = np.empty((value_code.n_runs, value_code.n_values))
    y = np.empty_like(values)
    for k in range(value_code.n_runs):
        for _ in range(1000):
            values[k] = rng.uniform(0.0, 0.5, value_code.n_values)
            try:
                y[k] = narma10(values[k])
            except DescriptionError:
                continue
            break
    return values, y


@checked
def parity_score(
    liquid: LiquidLike,
    n: Annotated[int, Count()],
    *,
    delay: Annotated[int, Count(low=0)] = 0,
    code: ValueCode | None = None,
    seed: Seed = 0,
) -> TaskScore:
    """Return the accuracy of a readout for the parity of the last `n` digits.

    Parameters
    ----------
    liquid, code, seed
        As in :func:`memory_capacity`. The default of `code` is ``ValueCode(kind="opponent")``.
    n, delay
        As in :func:`parity`.

    Raises
    ------
    DescriptionError
        As in :func:`memory_capacity`.
    """
    value_code = ValueCode(kind="opponent") if code is None else code
    digits = (
        stream(seed, "liquid", "values")
        .integers(2, size=(value_code.n_runs, value_code.n_values))
        .astype(np.float64)
    )
    return _answered(
        liquid, digits, parity(digits, n, delay=delay), value_code, seed, "parity_score"
    )


@checked
def match_to_sample_score(
    liquid: LiquidLike,
    n: Annotated[int, Count(low=2)],
    *,
    code: ValueCode | None = None,
    seed: Seed = 0,
) -> TaskScore:
    """Return the accuracy of a readout for delayed match-to-sample.

    Parameters
    ----------
    liquid, code, seed
        As in :func:`parity_score`.
    n : int
        As in :func:`match_to_sample`.

    Raises
    ------
    DescriptionError
        As in :func:`memory_capacity`.
    """
    value_code = ValueCode(kind="opponent") if code is None else code
    digits = (
        stream(seed, "liquid", "values")
        .integers(2, size=(value_code.n_runs, value_code.n_values))
        .astype(np.float64)
    )
    answers = match_to_sample(digits, n)
    return _answered(liquid, digits, answers, value_code, seed, "match_to_sample_score")


def _answered(
    liquid: LiquidFunction,
    digits: NDArray[np.float64],
    answers: NDArray[np.int64],
    value_code: ValueCode,
    seed: Seed,
    where: str,
) -> TaskScore:
    """Train readouts of the liquid and of its input for binary answers; test them on later runs."""
    early = digits.shape[1] - answers.shape[1]
    first = max(value_code.washout, early)
    inputs = _states(liquid, digits, value_code, seed, where)
    train, test = _halves(value_code.n_runs, value_code.n_values, first, where)
    labels = np.concatenate([np.zeros((value_code.n_runs, early), np.int64), answers], axis=1)
    scores = []
    for x in inputs:
        readout = LinearReadout(seed=0).fit(_rows(x[train]), labels[train].ravel())
        scores.append(readout.score(_rows(x[test]), labels[test].ravel()))
    often = float(labels[test].mean())
    return TaskScore(scores[0], scores[1], max(often, 1.0 - often))


def _states(
    liquid: LiquidFunction,
    values: NDArray[np.float64],
    value_code: ValueCode,
    seed: Seed,
    where: str,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the spike counts of the liquid and of its input while each value is shown."""
    spikes = value_code.encode(values, seed=seed)
    answer = respond(liquid, spikes, where)
    counts = [
        spike_features(part, bins=value_code.n_values).reshape(
            value_code.n_runs, value_code.n_values, -1
        )
        for part in (answer, spikes)
    ]
    return counts[0], counts[1]


def _runs(
    states: NDArray[Any], values: NDArray[np.float64], where: str
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the states and values with an axis of runs; a single run gets one of length 1."""
    x = states[None] if states.ndim == 2 else states
    u = values[None] if values.ndim == 1 else values
    if u.ndim != 2 or u.shape != x.shape[:2]:
        raise DescriptionError(
            f"{where}: values must have shape {states.shape[:-1]}, the shape of states without "
            f"its last axis, got {values.shape}."
        )
    return x, u


def _halves(n_runs: int, n_values: int, first: int, where: str) -> tuple[Any, Any]:
    """Return the indices of the training and the test values: halves of the runs, or of one run."""
    left = n_values - first
    if left < 4:
        raise DescriptionError(
            f"{where}: each run must have at least {first + 4} values, since the first {first} are "
            f"not used, got {n_values}."
        )
    if n_runs == 1:
        middle = first + left // 2
        return (slice(None), slice(first, middle)), (slice(None), slice(middle, None))
    later = slice(first, None)
    return (slice(None, n_runs // 2), later), (slice(n_runs // 2, None), later)


def _predicted(x: NDArray[Any], y: NDArray[np.float64], tests: NDArray[Any]) -> NDArray[np.float64]:
    """Return the predictions of ridge regression on standardised features for the test states."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, tests = (_rows(part).astype(np.float64) for part in (x, tests))
    many, plain = y.shape[-1] > 1, _rows(y)
    ridge = RidgeCV(alphas=_PENALTIES, alpha_per_target=many)
    fitted = make_pipeline(StandardScaler(), ridge).fit(x, plain if many else plain[:, 0])
    return np.asarray(fitted.predict(tests), dtype=np.float64).reshape(len(tests), -1)


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    """Stack the values of all runs, shape (n_runs * n_values, n)."""
    return values.reshape(-1, values.shape[-1])


def _squared_correlation(
    predicted: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the squared correlation of each column; 0 where one of the two is constant."""
    a = predicted - predicted.mean(axis=0)
    b = target.reshape(predicted.shape)
    b = b - b.mean(axis=0)
    size = np.sum(a**2, axis=0) * np.sum(b**2, axis=0)
    shared = np.sum(a * b, axis=0) ** 2
    curve = np.divide(shared, size, out=np.zeros_like(size), where=size > 1e-24)
    return np.asarray(curve, dtype=np.float64)
