"""Bisection along one axis, to find the value at which a measure crosses a criterion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ..checks import Quantity, Text, check_fields
from ..errors import DescriptionError, Problems

__all__ = ["Bisect"]

STEPS = 100
"""A linear axis is bisected to this fraction of its range by default."""

RELATIVE = 0.02
"""Default relative width of the last interval on a logarithmic axis."""

MOST_STEPS = 60
"""Largest number of halvings of one axis. After more, floats no longer differ."""


@dataclass(frozen=True, kw_only=True)
class Bisect:
    """An axis that is searched for the value at which a measure crosses a criterion.

    Parameters
    ----------
    low, high : float
        Ends of the range. Both are evaluated.
    criterion : float
        Value of the measure at the crossing, from 0 to 1 if the measure is a proportion.
    tolerance : float, optional
        The search stops once two neighbouring values differ by at most this much. On a linear
        scale it is in units of the axis (default: a hundredth of the range). On a logarithmic
        scale it is a fraction of the lower value (default: 0.02). On an axis of whole numbers the
        search also stops when the two values differ by 1.
    measure : str, optional
        Measure that is compared with the criterion. Default: the main measure of the experiment.
    scale : {"linear", "log"}
        Whether the middle of two values is their arithmetic or their geometric mean.

    Raises
    ------
    DescriptionError
        If `low` is not below `high`, or if a logarithmic scale does not begin above 0.

    Examples
    --------
    >>> Bisect(0.5, 2.0, criterion=0.9).next_value({0.5: 1.0, 2.0: 0.1})
    1.25
    """

    low: Annotated[float, Quantity()]
    high: Annotated[float, Quantity()]
    criterion: Annotated[float, Quantity()] = 0.9
    tolerance: Annotated[float, Quantity(above=0.0)] | None = None
    measure: Annotated[str, Text()] | None = None
    scale: Literal["linear", "log"] = "linear"

    def __init__(
        self,
        low: float,
        high: float,
        criterion: float = 0.9,
        tolerance: float | None = None,
        measure: str | None = None,
        scale: str = "linear",
    ) -> None:
        arguments = {"low": low, "high": high, "criterion": criterion, "tolerance": tolerance,
                     "measure": measure, "scale": scale}  # fmt: skip
        for name, value in arguments.items():
            object.__setattr__(self, name, value)
        problems = Problems("Bisect")
        plain = check_fields(self, problems)
        if {"low", "high"} <= plain and not self.low < self.high:
            problems.add(f"low must be below high, got low={self.low:g}, high={self.high:g}.")
        if {"low", "scale"} <= plain and self.scale == "log" and self.low <= 0:
            problems.add(f"low must be > 0 on a logarithmic scale, got {self.low:g}.")
        problems.raise_if_any()

    @property
    def width(self) -> float:
        """Distance of two neighbours at which the search stops, in the units of `tolerance`."""
        if self.tolerance is not None:
            return self.tolerance
        return RELATIVE if self.scale == "log" else (self.high - self.low) / STEPS

    def next_value(self, measured: Mapping[Any, float], *, whole: bool = False) -> Any:
        """Return the value that is evaluated next, or None once the search is over.

        The two ends come first, then midpoints. The choice depends on the measured values alone.

        Parameters
        ----------
        measured : mapping of float to float
            Pooled measure at each value evaluated so far. NaN means that every trial failed, and
            ends the search.
        whole : bool
            Whether the axis takes whole numbers only.
        """
        low, high = self._ends(whole)
        for end in (low, high):
            if end not in measured:
                return end
        if self.side(measured[low]) == self.side(measured[high]) or self._is_nan(measured):
            return None
        for _ in range(MOST_STEPS):
            middle = self._middle(low, high, whole)
            if middle is None:
                return None
            if middle not in measured:
                return middle
            if math.isnan(measured[middle]):
                return None
            if self.side(measured[middle]) == self.side(measured[low]):
                low = middle
            else:
                high = middle
        return None

    def side(self, value: float) -> bool:
        """Whether a measured value reaches the criterion."""
        return value >= self.criterion

    @property
    def most_points(self) -> int:
        """Largest number of values that one search evaluates."""
        ratio = (self.high - self.low) / self.width
        if self.scale == "log":
            ratio = math.log(self.high / self.low) / math.log1p(self.width)
        return 2 + min(max(math.ceil(math.log2(max(ratio, 1.0))), 0), MOST_STEPS)

    def require_whole(self, name: str) -> None:
        """Raise an error if an end is not a whole number."""
        if self.low != int(self.low) or self.high != int(self.high):
            raise DescriptionError(
                f"{name} takes whole numbers: Bisect needs whole ends, got {self.low:g} and "
                f"{self.high:g}."
            )

    def _ends(self, whole: bool) -> tuple[Any, Any]:
        return (int(self.low), int(self.high)) if whole else (self.low, self.high)

    def _is_nan(self, measured: Mapping[Any, float]) -> bool:
        return any(math.isnan(measured[end]) for end in (self.low, self.high))

    def _middle(self, low: Any, high: Any, whole: bool) -> Any:
        """Return the value between two values, or None if they are close enough."""
        near = high - low <= self.width if self.scale == "linear" else (
            high - low <= self.width * low
        )  # fmt: skip
        middle = math.sqrt(low) * math.sqrt(high) if self.scale == "log" else low + (high - low) / 2
        if whole:
            middle = min(max(round(middle), low + 1), high - 1)
        return None if near or not low < middle < high else middle
