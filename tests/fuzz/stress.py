"""Good calls of sweeps and their results, to be spoilt."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stress_cases import Filling, Willshaw

from spikemem import stress

_KEPT: list[Any] = []

_BASE = ("facts", "perform", "require", "theory")
_EXPERIMENT = ("check", "measure", "outcome", "summary", "task", "twins")

LEFT_OUT = {
    **{f"spikemem.stress.Subject.{name}": "called by a sweep" for name in _BASE},
    **{f"spikemem.stress.Experiment.{name}": "called by a sweep" for name in _EXPERIMENT},
    "spikemem.stress.Answers": "made by a subject",
    "spikemem.stress.Results.pooled": "called by the methods of the results",
    "spikemem.stress.Bisect.next_value": "called by a sweep",
    "spikemem.stress.Bisect.require_whole": "called by a sweep",
    "spikemem.stress.Bisect.side": "called by a sweep",
}
"""Callables that are not called, and why."""


def sweep() -> Any:
    """A bisection of three points."""
    search = stress.Bisect(0.5, 2.0, criterion=0.5, tolerance=1.0)
    return stress.Sweep(Willshaw(n=8), Filling, vary={"load": search}, trials=2)


@functools.cache
def results() -> Any:
    """What it finds."""
    return sweep().run()


@functools.cache
def grid() -> Any:
    """Results of a grid."""
    return stress.Sweep(Willshaw(n=8), Filling, vary={"load": [0.5, 1.0]}, trials=2).run()


def file() -> str:
    """A file of a sweep, in a folder that lives as long as the process."""
    if not _KEPT:
        _KEPT.append(tempfile.TemporaryDirectory())
        sweep().run(Path(_KEPT[0].name) / "x.h5")
    return str(Path(_KEPT[0].name) / "x.h5")


SAMPLES: dict[str, Callable[[], Any]] = {
    "Bisect": lambda: stress.Bisect(0.5, 2.0),
    "Experiment": Filling,
    "Point": lambda: grid().points[0],
    "Record": lambda: grid().record,
    "Results": lambda: results(),
    "Subject": Willshaw,
    "Sweep": lambda: stress.Sweep(Willshaw(n=8), Filling, trials=1),
}
"""A fresh object of each class."""


def good_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """A good value of each parameter that must fit the others, by function or method."""
    model = {"model": lambda: Willshaw(n=8), "trials": lambda: 1}
    refused = {"model": lambda: "no model"}  # A sweep of many trials would take long.
    names = ("capacity", "noise", "order", "recall", "recognition", "rehearsal", "retention")
    return {
        "Bisect": {"low": lambda: 0.5, "high": lambda: 2.0, "scale": lambda: "log"},
        "Sweep": {**model, "experiment": lambda: Filling, "vary": lambda: {"load": [0.5]}},
        "Results": {"record": lambda: grid().record},
        "Results.equal": {"other": grid},
        "Results.subject": {"point": lambda: grid().points[0]},
        "load": {"path": file},
        **dict.fromkeys(names, refused),
    }  # fmt: skip
