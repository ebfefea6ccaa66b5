"""Good calls of the statistics of stress tests, to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LEFT_OUT = {
    "spikemem.stress.fits.ForgettingFit": "made by fit_forgetting",
    "spikemem.stress.fits.ForgettingFits": "made by fit_forgetting",
}
"""Callables that are not called, and why."""

PACKAGES = (
    "spikemem.stress.detection",
    "spikemem.stress.fits",
    "spikemem.stress.intervals",
    "spikemem.stress.scaling",
)


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function."""
    yes = {"hits": 3, "n_studied": 4, "false_alarms": 1, "n_novel": 4}
    counts = {"successes": [9, 5, 3, 1], "attempts": [10, 10, 10, 10]}
    calls: dict[str, dict[str, Any]] = {
        "bias": yes,
        "d_prime": yes,
        "roc_area": {"studied": [1.0, 2.0], "novel": [0.0, 1.0]},
        "wilson": {"successes": 3, "attempts": 4},
        "mean_interval": {"values": [1.0, 2.0, 4.0]},
        "bootstrap": {"values": [1.0, 2.0, 4.0], "statistic": _spread, "n_resamples": 20},
        "fit_forgetting": {"lags": [0, 1, 2, 5], **counts},
        "capacity_at": {"loads": [1, 2, 3, 4], **counts, "n_resamples": 20},
        "scaling_exponent": {
            "sizes": [1.0, 2.0, 4.0], "values": [1.0, 4.0, 9.0], "errors": [0.1, 0.2, 0.3],
        },
    }  # fmt: skip
    return {
        call: {name: (lambda value=value: value) for name, value in values.items()}
        for call, values in calls.items()
    }


def _spread(rows: Any) -> Any:
    return rows.max(axis=0) - rows.min(axis=0)
