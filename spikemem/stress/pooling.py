"""Measures of a point over its trials: pooled values and their confidence intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .intervals import mean_interval, wilson
from .records import CURVES, Column

__all__ = ["Pooled", "pooled", "pooled_of"]


class Pooled(NamedTuple):
    """A measure of a point: floats, or arrays of shape (n,) for a curve."""

    value: Any
    low: Any
    high: Any


def pooled(column: Column, kind: str, confidence: float) -> Pooled:
    """A measure over trials with its interval: Wilson's of proportions, Student's of means.

    Wilson's interval takes the attempts of all trials as independent.
    """
    value = pooled_of(column, kind)
    if column.values.shape[1] == 2:
        successes, attempts = value[..., 0], value[..., 1]
        rate = np.divide(
            successes, attempts, out=np.full(np.shape(attempts), np.nan), where=attempts > 0
        )
        limits = wilson(successes, attempts, confidence)
        value = rate if rate.ndim else float(rate)
    else:
        stack = stacked(column)[..., 0]
        limits = mean_interval(stack if kind in CURVES else stack[:, 0], confidence)
    return Pooled(value, limits.low, limits.high)


def stacked(column: Column) -> NDArray[np.float64]:
    """Rows of all trials, shape (n_trials, longest, width); NaN where a trial has fewer."""
    rows = column.rows()
    longest = max(len(row) for row in rows)
    stack = np.full((len(rows), longest, column.values.shape[1]), np.nan)
    for k, row in enumerate(rows):
        stack[k, : len(row)] = row
    return stack


def pooled_of(column: Column, kind: str) -> Any:
    """A measure over the trials of a point: sums of proportions, means of the others.

    Trials whose curves are shorter than others leave out the rows that they lack.
    """
    stack = stacked(column) if kind in CURVES else column.values[:, None, :]
    known = ~np.isnan(stack)
    total = np.where(known, stack, 0.0).sum(axis=0)
    if column.values.shape[1] == 2:
        return total if kind in CURVES else total[0]
    counts = known.sum(axis=0)
    mean = np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)
    return mean[:, 0] if kind in CURVES else float(mean[0, 0])
