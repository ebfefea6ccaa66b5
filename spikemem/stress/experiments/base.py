"""What every experiment is: scripts for trials, and measures of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import check_fields
from ..answers import Answers
from ..conditions import Conditions
from ..subject import Subject, Task

__all__ = ["Experiment", "Measure", "Outcome"]

Outcome = Mapping[str, NDArray[np.float64]]
"""Measures of one trial, by name: shape () for a number, (2,) for a count of successes and a
number of attempts, (n,) or (n, 2) for a curve. NaN, and zero attempts, stand for what the trial
did not measure; they are left out when trials are pooled."""


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
    """Base of the experiments; each field of a subclass declares its kind, and is an axis.

    A trial takes these steps. ``task`` writes the script. ``subject.perform`` carries it out under
    the conditions of the point, and once more under each of the conditions that ``twins`` returns.
    ``outcome`` takes the answers of all these runs, those of the point first. The outcomes of the
    trials of a point are pooled by the kinds in ``measures``, and ``summary`` adds the numbers
    that only pooled measures give::

        runs = [subject.perform(tasks, c) for c in (conditions, *experiment.twins(conditions))]
        outcomes = [experiment.outcome(subject, *row) for row in zip(tasks, *runs)]
    """

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

    def measure(self, name: str) -> Measure:
        """What a measure of an outcome is.

        A name that the experiment does not declare is one of the subject's own numbers
        (:attr:`.Answers.numbers`), which are means.
        """
        return self.measures.get(name, Measure("mean", name.replace("_", " ")))

    def twins(self, conditions: Conditions) -> tuple[Conditions, ...]:
        """Further conditions under which the same trial runs, to compare with; default: none."""
        return ()

    def task(self, subject: Subject, seed: int) -> Task:
        """Script of one trial."""
        raise NotImplementedError

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Measures of one trial.

        Parameters
        ----------
        subject : Subject
            What was tested.
        task : Task
            The script of the trial.
        answers : Answers
            One row for each probe of the script.
        *twins : Answers
            Answers to the same script under each of the conditions of :meth:`twins`.
        """
        raise NotImplementedError

    def summary(self, pooled: Outcome) -> dict[str, float]:
        """Numbers from the pooled measures of a point, such as the parameters of a fit.

        Parameters
        ----------
        pooled : mapping of str to ndarray
            Proportions as sums over trials (successes, attempts), the others as means.
        """
        return {}
