"""What every experiment is: scripts for trials, and measures of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import check_fields
from ..answers import Answers
from ..subject import Subject, Task

__all__ = ["Experiment", "Measure", "Outcome"]

Outcome = Mapping[str, NDArray[np.float64]]
"""Measures of one trial, by name: shape () for a number, (2,) for a count of successes and a
number of attempts, (n,) or (n, 2) for a curve."""


class Measure(NamedTuple):
    """What a measure is; how trials are pooled follows from its kind."""

    kind: str
    """"proportion" (successes, attempts), "mean", "curve" (means) or "proportions" (a curve)."""
    label: str
    """For an axis of a plot, with the unit."""
    against: str = ""
    """Of a curve: the measure that holds its abscissa."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Base of the experiments; each field of a subclass declares its kind, and is an axis."""

    name: ClassVar[str]
    question: ClassVar[str] = "recall"
    measures: ClassVar[Mapping[str, Measure]]
    main: ClassVar[str]
    """The measure that is plotted, and that a bisection compares with its criterion."""

    def __post_init__(self) -> None:
        check_fields(self)

    def check(self, subject: Subject) -> None:
        """Refuse a subject that lacks what the experiment needs."""
        subject.require(self.question, self.name)

    def task(self, subject: Subject, seed: int) -> Task:
        """Script of one trial."""
        raise NotImplementedError

    def outcome(self, subject: Subject, task: Task, answers: Answers) -> Outcome:
        """Measures of one trial."""
        raise NotImplementedError
