"""Plan of a sweep: the points of its axes, their settings, and the seeds of their trials."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from .._version import __version__
from ..errors import DescriptionError, UnsupportedError, shown, unknown_name
from ..streams import stream
from .axes import Axes, plain
from .bisection import Bisect
from .conditions import Conditions
from .experiments.base import Experiment
from .records import key_of
from .subject import Subject
from .table import experiment_named, subject_class

__all__ = ["Parts", "Plan", "difference", "ranges_of"]

Values = dict[str, Any]
"""Values of the axes of one point."""

MOST_POINTS = 1_000_000
"""Most points of one sweep."""

_UNSEEDED = ("backend",)
"""Settings that do not enter the seeds: backends are compared on the same trials."""


@dataclass(frozen=True)
class Parts:
    """Subject, experiment and conditions of one point."""

    subject: Subject
    experiment: Experiment
    conditions: Conditions


@dataclass(frozen=True)
class Plan:
    """A sweep that has been checked; see :meth:`made`.

    Parameters
    ----------
    subject, experiment : type
        Classes.
    space : Axes
        All settings.
    settings : dict
        Value of every setting that is not varied.
    axes : dict of str to tuple or Bisect
        Values of the varied settings, in the order of the arguments.
    trials : int
        Trials of each point.
    seed : int
        Seed of the sweep.
    """

    subject: type[Subject]
    experiment: type[Experiment]
    space: Axes
    settings: dict[str, Any]
    axes: dict[str, tuple[Any, ...] | Bisect]
    trials: int
    seed: int

    @classmethod
    def made(
        cls,
        model: Any,
        experiment: Any,
        vary: Mapping[str, Any],
        fixed: Mapping[str, Any],
        trials: int,
        seed: int,
    ) -> Plan:
        """Check all arguments of a sweep before anything is computed.

        Raises
        ------
        DescriptionError
            If a model, an experiment or an axis is unknown, if a value is not of its kind, if a
            range is empty, if settings do not fit together, or if there are too many points.
        UnsupportedError
            If the model lacks what the experiment needs.
        """
        given = {**asdict_of(model), **asdict_of(experiment)}
        subject, experiment = classes_of(model, experiment)
        space = Axes.of(subject, experiment)
        named = _by_setting(space, vary, fixed)
        axes = {n: space.values(n, v) for n, v in named.items() if n in _settings(space, vary)}
        settings = {
            name: plain(given.get(name, default), name) for name, default in space.defaults.items()
        }
        for name, value in named.items():
            if name in axes:
                settings.pop(name, None)
            elif name == "seed":
                seed = space.value("seed", value)
            else:
                settings[name] = space.value(name, value)
        plan = cls(subject, experiment, space, settings, axes, trials, seed)
        plan._check()
        return plan

    @property
    def bisected(self) -> str | None:
        """Name of the axis that is bisected, if there is one."""
        return next((n for n, axis in self.axes.items() if isinstance(axis, Bisect)), None)

    @property
    def search(self) -> Bisect | None:
        """The bisection, if there is one."""
        axis = None if self.bisected is None else self.axes[self.bisected]
        return axis if isinstance(axis, Bisect) else None

    @property
    def measure(self) -> str:
        """The measure that a bisection compares, or else the main measure."""
        search = self.search
        return self.experiment.main if search is None or search.measure is None else search.measure

    def combinations(self) -> Iterator[Values]:
        """Yield combinations of the axes that are not bisected; the last axis changes fastest."""
        grid = {name: axis for name, axis in self.axes.items() if not isinstance(axis, Bisect)}
        for values in itertools.product(*grid.values()):
            yield dict(zip(grid, values, strict=True))

    @property
    def n_combinations(self) -> int:
        """Number of combinations of the axes that are not bisected."""
        lengths = (len(axis) for axis in self.axes.values() if not isinstance(axis, Bisect))
        return int(np.prod([1, *lengths], dtype=object))

    @property
    def most_points(self) -> int:
        """Number of points; with a bisection, the largest possible number."""
        search = self.search
        return self.n_combinations * (1 if search is None else search.most_points)

    def at(self, values: Values, part: Any = None) -> dict[str, Any]:
        """Return the value of every setting at a point, for one part or for all."""
        every = {**self.settings, **values}
        every.pop("seed", None)
        if part is None:
            return every
        return {name: every[name] for name, owner in self.space.parts.items() if owner == part}

    def parts(self, values: Values) -> Parts:
        """Return the subject, the experiment and the conditions of a point.

        Raises
        ------
        DescriptionError, UnsupportedError
            If settings do not fit together.
        """
        subject = self.subject(**self.at(values, "subject"))
        experiment = self.experiment(**self.at(values, "experiment"))
        conditions = Conditions(**self.at(values, "conditions"))
        experiment.check(subject)
        if not subject.spiking and conditions.backend != "expected":
            raise UnsupportedError(
                f"stress: {self.subject.__name__} has no spiking network; use "
                f"backend='expected', not {conditions.backend!r}."
            )
        conditions.require_ideal(*subject.follows)
        return Parts(subject, experiment, conditions)

    def seeds(self, values: Values) -> list[int]:
        """Return the seed of each trial of a point.

        A seed depends on the seed of the sweep, on the settings of the point that differ from the
        defaults of its class (without the backend), and on the number of the trial. It depends
        neither on the other points nor on the number of trials.
        """
        every = self.at(values)
        changed = {
            name: value
            for name, value in every.items()
            if name not in _UNSEEDED and value != plain(self.space.defaults[name], name)
        }
        text = json.dumps([self.subject.__name__, self.experiment.name, changed], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        rng = stream(values.get("seed", self.seed), "stress", "trials", digest)
        return [int(seed) for seed in rng.integers(2**62, size=self.trials)]

    def facts(self) -> dict[str, Any]:
        """Return the sweep as plain data, as its file holds it."""
        measures = self.experiment.measures
        return {
            "subject": self.subject.__name__,
            "experiment": self.experiment.name,
            "settings": self.settings,
            "axes": {
                name: {"bisect": asdict(axis)} if isinstance(axis, Bisect) else list(axis)
                for name, axis in self.axes.items()
            },
            "trials": self.trials,
            "seed": self.seed,
            "main": self.measure,
            "measures": {name: list(measure) for name, measure in measures.items()},
            "unit": self.subject.unit,
            "version": __version__,
        }

    def _check(self) -> None:
        """Raise the errors that would otherwise occur later."""
        searches = [name for name, axis in self.axes.items() if isinstance(axis, Bisect)]
        if len(searches) > 1:
            raise DescriptionError(
                f"stress: only one axis can be bisected, got {' and '.join(searches)}."
            )
        self._check_search()
        if self.most_points > MOST_POINTS:
            raise DescriptionError(
                f"stress: a sweep has at most {MOST_POINTS} points, got {self.most_points}."
            )
        seen: set[str] = set()
        search, name = self.search, self.bisected
        whole = name is not None and self.space.is_whole(name)
        ends: list[Any] = [None] if search is None else [search.low, search.high]
        for values in self.combinations():
            for end in ends:
                point = values if name is None else {**values, name: int(end) if whole else end}
                text = key_of({k: v for k, v in point.items() if k != "seed"})
                if text not in seen:
                    seen.add(text)
                    self.parts(point)

    def _check_search(self) -> None:
        search = self.search
        if search is None:
            return
        measures = self.experiment.measures
        numbers = [n for n, m in measures.items() if m.kind in ("proportion", "mean")]
        if self.measure not in numbers:
            raise DescriptionError(
                f"Bisect: measure: {unknown_name('measure of one number', self.measure, numbers)}"
            )
        if measures[self.measure].kind == "proportion" and not 0 <= search.criterion <= 1:
            raise DescriptionError(
                f"Bisect: criterion must be from 0 to 1, since {self.measure!r} is a proportion; "
                f"got {search.criterion:g}."
            )


def classes_of(model: Any, experiment: Any) -> tuple[type[Subject], type[Experiment]]:
    """Classes of a model, its name or a subject, and of an experiment or its name."""
    subject = type(model) if isinstance(model, Subject) else subject_class(model)
    if isinstance(experiment, Experiment):
        return subject, type(experiment)
    if isinstance(experiment, type) and issubclass(experiment, Experiment):
        return subject, experiment
    if not isinstance(experiment, str):
        raise DescriptionError(f"experiment must be a name, got {shown(experiment)}.")
    return subject, experiment_named(experiment)


def ranges_of(
    model: Any, experiment: Any, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide settings into varied and fixed ones.

    A sequence is varied, unless the setting itself takes sequences and this is one value of it.
    """
    space = Axes.of(*classes_of(model, experiment))
    single = {n: space.is_one_value(space.name_of(n), v) for n, v in settings.items()}
    vary = {name: value for name, value in settings.items() if not single[name]}
    return vary, {name: value for name, value in settings.items() if single[name]}


def asdict_of(owner: Any) -> dict[str, Any]:
    """Return the fields of a subject or an experiment; nothing for a class or a name."""
    if isinstance(owner, Subject | Experiment):
        return {item.name: getattr(owner, item.name) for item in fields(owner)}
    return {}


def _settings(space: Axes, given: Mapping[str, Any]) -> set[str]:
    return {space.name_of(name) for name in given}


def _by_setting(space: Axes, vary: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by the names of their settings; each setting occurs once."""
    named: dict[str, Any] = {}
    for name, value in [*vary.items(), *fixed.items()]:
        setting = space.name_of(name)
        if setting in named:
            raise DescriptionError(f"stress: {name} is given twice ({setting} is the same axis).")
        named[setting] = value
    return named


def difference(stored: Mapping[str, Any], wanted: Mapping[str, Any], where: str = "") -> str | None:
    """Describe the first difference between two sweeps; None if they are the same.

    Examples
    --------
    >>> difference({"trials": 20, "seed": 0}, {"trials": 10, "seed": 0})
    'trials is 20 in the file and 10 now'
    """
    for name in (*wanted, *(name for name in stored if name not in wanted)):
        label = f"{where}{name}"
        if name not in stored:
            return f"{label} is not in the file"
        if name not in wanted:
            return f"{label} is only in the file"
        old, new = stored[name], wanted[name]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            inner = "" if name in ("settings", "axes") else f"{label}."
            found = difference(old, new, inner)
            if found is not None:
                return found
        elif json.dumps(old) != json.dumps(new):
            return f"{label} is {shown(old)} in the file and {shown(new)} now"
    if list(stored) != list(wanted):
        return f"{where or 'its parts'} stand in another order"
    return None
