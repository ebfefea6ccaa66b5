"""What a programmed array shows in a report: its conductances, its errors, and how they age."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...panels import Curves, Heat, Histogram, Panel, Rows, Series
from .array import ProgrammedArray
from .devices.base import DAY, YEAR

__all__ = ["array_panels"]

_POINTS, _MOST_AGED = 20, 200_000
_NAMED = {"1 s": 1.0, "1 min": 60.0, "1 h": 3600.0, "1 day": DAY, "30 days": 30 * DAY,
          "1 year": YEAR}  # fmt: skip


def array_panels(array: ProgrammedArray) -> Iterator[Panel]:
    """Yield the weights, the conductances, and the errors at several ages."""
    yield _settings(array)
    if not array.target.size:
        return
    first = array.device.first_age
    yield _written(array, first)
    ages = _ages(array)
    yield _errors(array, [ages[0], *([ages[-1]] if len(ages) > 1 else [])])
    if len(ages) > 1:
        yield _ageing(array, ages)
    yield from _maps(array, first)


def _settings(array: ProgrammedArray) -> Rows:
    device = array.device
    broken = 0 if array.fixed is None else int(np.isfinite(array.fixed).sum())
    rows = [
        ("largest weight (nA)", f"{array.w_max:.4g}"),
        ("conductances (µS)", f"{device.g_min:.4g} to {device.g_max:.4g}"),
        ("devices", f"{array.target.size:,} of which {broken:,} are broken"),
        ("writes", f"{array.writes:,}, {100 * array.accepted:.1f} % accepted"),
        ("written before", f"{array.generation} times"),
    ]
    return Rows("Array", "What the array is made of, and how it was written.",
                [("property", "value"), *rows])  # fmt: skip


def _ages(array: ProgrammedArray) -> NDArray[np.float64]:
    """Ages from the first to one year, within the calibrated ones, s."""
    first, last = array.device.ages
    start, end = max(first, 1.0), min(last, YEAR)
    if end <= start:
        return np.array([first])
    many = array.target.size > _MOST_AGED
    return np.geomspace(start, end, 4 if many else _POINTS)


def _written(array: ProgrammedArray, age: float) -> Curves:
    wanted, got = array.wanted().ravel(), array.weights(age).ravel()
    ends = np.array([min(wanted.min(), got.min()), max(wanted.max(), got.max())])
    return Curves(
        "Weights that were asked for, and those that came out",
        f"Each point is a weight, {_age(age)} after it was written; on the dashed line it is "
        f"exact.",
        [
            Series("weights", wanted, got, style="points"),
            Series("exact", ends, ends, dashed=True),
        ],
        x="asked for (nA)",
        y="came out (nA)",
    )


def _errors(array: ProgrammedArray, ages: list[float]) -> Histogram:
    wanted = array.wanted()
    return Histogram(
        "Errors of the weights",
        "How the differences between the weights and what was asked for are distributed.",
        {f"after {_age(age)}": array.weights(age) - wanted for age in dict.fromkeys(ages)},
        x="error (nA)",
        marks=[(0.0, "exact")],
    )


def _ageing(array: ProgrammedArray, ages: NDArray[np.float64]) -> Curves:
    wanted = array.wanted()
    errors = np.array([(array.weights(age) - wanted).ravel() for age in ages])
    size = np.abs(errors)
    low, middle, high = np.quantile(size, (0.05, 0.5, 0.95), axis=1)
    noise = np.array([np.sqrt(np.mean(array.weight_sd(age) ** 2)) for age in ages])
    return Curves(
        "Ageing",
        "Size of the errors of the weights against the age of the array (median, and the range "
        "of the middle 90 %), and the noise of a single read.",
        [
            Series("error", ages, middle, low=low, high=high),
            Series("noise of a read (SD)", ages, noise, dashed=True),
        ],
        x="age (s)",
        y="nA",
        log_x=True,
        marks=[(s, name) for name, s in _NAMED.items() if ages[0] <= s <= ages[-1]],
    )


def _maps(array: ProgrammedArray, age: float) -> Iterator[Panel]:
    """Conductances of each of the devices of the weights; vectors are one row."""
    values = array.conductances(age)
    for k, plane in enumerate(values[:4]):
        flat = plane.reshape(plane.shape[0], -1) if plane.ndim > 1 else plane.reshape(1, -1)
        yield Heat(
            f"Conductances of device {k}",
            f"Each field is the conductance of device {k} of a weight, {_age(age)} after it was "
            f"written.",
            flat,
            x="output",
            y="input",
            value="µS",
            limits=(array.device.g_min, array.device.g_max),
        )


def _age(time: float) -> str:
    for name, seconds in _NAMED.items():
        if np.isclose(time, seconds):
            return name
    return f"{time:.3g} s"
