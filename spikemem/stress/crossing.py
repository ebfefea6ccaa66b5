"""The value of an axis at which a measure crosses a criterion, with its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .bisection import Bisect
from .records import Point

__all__ = ["Capacity", "crossing"]


class Capacity(NamedTuple):
    """Where a measure crosses its criterion, for one combination of the other axes."""

    values: dict[str, Any]
    """The other axes."""
    axis: str
    value: float
    """NaN if the measure does not cross the criterion."""
    low: float
    high: float
    note: str = ""
    """What keeps it from being known, as in ``">= 2"``; empty if it is known."""


def crossing(
    search: Bisect, axis: str, points: Sequence[Point], measure: str, kind: str, confidence: float
) -> Capacity:
    """Where a measure crosses the criterion of a bisection."""
    ordered = sorted(points, key=lambda point: point.values[axis])
    rest = {name: value for name, value in points[0].values.items() if name != axis}
    x = np.array([float(point.values[axis]) for point in ordered])
    y = np.array([point.pooled(measure, kind) for point in ordered])
    nothing = Capacity(rest, axis, math.nan, math.nan, math.nan)
    if np.isnan(y).any():
        return nothing._replace(note="every trial of a point failed")
    if len(x) < 2 or x[0] != search.low or x[-1] != search.high:
        return nothing._replace(note="not finished")
    above = y >= search.criterion
    if above[0] == above[-1]:
        return nothing._replace(note=f">= {search.high:g}" if above[0] else f"< {search.low:g}")
    k = int(np.flatnonzero(above != above[0])[0])
    value = float(np.interp(search.criterion, *zip(*sorted([(y[k - 1], x[k - 1]), (y[k], x[k])]))))
    return Capacity(rest, axis, value, x[k - 1], x[k])
