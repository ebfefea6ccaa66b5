"""Laws of forgetting: the probability that an item is retained, as a function of its lag."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAWS", "Law"]

_Array = NDArray[np.float64]


class Law(NamedTuple):
    """A law of forgetting with two parameters: retention a at lag 0, and a rate or exponent b."""

    formula: str
    value: Callable[[_Array, float], _Array]
    """Function of lags and b that returns retention relative to lag 0."""
    slope: Callable[[_Array, float], _Array]
    """Function of lags and b that returns the derivative of `value` with respect to b."""


LAWS: dict[str, Law] = {
    "power": Law(
        "a (1 + lag)^-b",
        lambda lag, b: (1 + lag) ** -b,
        lambda lag, b: -np.log1p(lag) * (1 + lag) ** -b,
    ),
    "exponential": Law(
        "a exp(-b lag)",
        lambda lag, b: np.exp(-b * lag),
        lambda lag, b: -lag * np.exp(-b * lag),
    ),
    "hyperbolic": Law(
        "a / (1 + b lag)",
        lambda lag, b: 1 / (1 + b * lag),
        lambda lag, b: -lag / (1 + b * lag) ** 2,
    ),
}
"""The laws that are compared; each has two parameters, 0 <= a <= 1 and b >= 0."""
