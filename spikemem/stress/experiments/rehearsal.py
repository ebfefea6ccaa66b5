"""Rehearsal: schedules of repetition, and what they keep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np

from ...checks import Choice, Count, Flag, Optional, Probability, Quantity
from ...errors import DescriptionError, UnsupportedError
from ...schedules import GANDHI, RehearsalSchedule
from ..answers import Answers
from ..measures import COSTS, RECALL, cost_outcome, declared, recall_outcome
from ..subject import Event, Probe, Study, Subject, Task, own_rng
from .base import Outcome
from .loading import Loaded, probed

__all__ = ["Rehearsal"]


@dataclass(frozen=True, kw_only=True)
class Rehearsal(Loaded):
    """After each new item earlier ones are studied again; then all items are recalled.

    The items of each rehearsal are drawn, with replacement, from a
    :class:`~spikemem.schedules.RehearsalSchedule`.

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied.
    load : float, optional
        The same as a multiple of ``subject.scale``; give one of both, or `budget`. Default: 0.5.
    schedule : {"none", "uniform", "power", "exponential"}
        The law by which earlier items are drawn.
    exponent, rate : float > 0
        Of the power law; of the exponential, per new item.
    rehearsals : int
        Studies of earlier items after each new one.
    massed : bool
        Whether the new item takes part in the draw, so that schedule "none" spends all rehearsals
        on it at once. Then every schedule makes the same number of studies for each new item.
        Default: only earlier items are rehearsed, and with "none" nothing is.
    budget : int, optional
        Number of all studies, rehearsals included, instead of `n_items` or `load`: schedules and
        rates of rehearsal are compared at equal effort, and the more is rehearsed, the fewer items
        are studied. What is left after the last item goes to its rehearsals.
    cue_loss : float
        Fraction of a cue's active bits that are missing, 0 to 1.
    wrong_bits : float
        Wrong active bits of a cue, as a fraction of its active bits, 0 to 1.

    References
    ----------
    A. Gandhi, R. S. Shah, V. Marupudi, S. Varma, arXiv 2401.10393 (2024).
    """

    name: ClassVar[str] = "rehearsal"
    bibtex: ClassVar[tuple[str, ...]] = (GANDHI,)
    measures = declared(
        *RECALL, "recalled_by_age", "age", "items_recalled", "studies", "recalled_per_study",
        *COSTS, recalled_by_age="age",
    )  # fmt: skip
    main: ClassVar[str] = "exact_recall"

    schedule: Annotated[str, Choice(*RehearsalSchedule.KINDS, what="schedule")] = "power"
    exponent: Annotated[float, Quantity(above=0.0, high=100.0)] = 1.0
    rate: Annotated[float, Quantity(above=0.0, high=100.0)] = 1.0
    rehearsals: Annotated[int, Count(low=0, high=10**6)] = 1
    massed: Annotated[bool, Flag()] = False
    budget: Annotated[int, Optional(Count())] | None = None
    cue_loss: Annotated[float, Probability()] = 0.0
    wrong_bits: Annotated[float, Probability()] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.budget is not None and (self.n_items is not None or self.load is not None):
            raise DescriptionError(
                f"Rehearsal: give budget, n_items or load, only one of them, got "
                f"budget={self.budget} as well as n_items={self.n_items} and load={self.load}."
            )

    @property
    def per_item(self) -> int:
        """Rehearsals after each new item (not after the first, if it is not `massed`)."""
        return 0 if self.schedule == "none" and not self.massed else self.rehearsals

    def check(self, subject: Subject) -> None:
        """Refuse a subject that lacks what the experiment needs."""
        super().check(subject)
        if self.per_item and not subject.relearns:
            raise UnsupportedError(
                f"stress: experiment 'rehearsal' studies items again, which "
                f"{type(subject).__name__} cannot; use schedule='none'."
            )

    def count(self, subject: Subject, *, probes: float = 1.0, least: int = 1) -> int:
        """Number of items that are studied."""
        if self.budget is None:
            return super().count(subject, probes=probes + self.per_item, least=least)
        free = 0 if self.massed else self.per_item
        n = (self.budget + free) // (1 + self.per_item)
        return replace(self, budget=None, n_items=max(n, 1)).count(subject, probes=probes)

    def task(self, subject: Subject, seed: int) -> Task:
        """Script: new items, each followed by rehearsals, then probes of all."""
        n = self.count(subject)
        law = RehearsalSchedule(kind=self.schedule, exponent=self.exponent, rate=self.rate)
        rng = own_rng(seed, "rehearsals")
        script: list[Event] = []
        for item in range(n):
            script.append(Study(item))
            wanted = self.per_item
            if self.budget is not None and item == n - 1 and self.per_item:
                wanted = self.budget - len(script)
            shares = law.probabilities(item)
            if not self.massed:
                shares[-1] = 0.0
            if wanted and shares.any():
                drawn = rng.choice(item + 1, size=wanted, p=shares / shares.sum())
                script += [Study(int(k)) for k in drawn]
        for k in probed(n, None, seed):
            script.append(Probe(int(k), cue_loss=self.cue_loss, wrong_bits=self.wrong_bits))
        return Task(n, script, seed)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Recall in all, by age and for each study, and costs."""
        n = task.n_items
        items = np.array([e.item for e in task.script if isinstance(e, Probe)])
        age = n - 1 - items
        by_age = np.zeros((n, 2))
        np.add.at(by_age, age, np.stack([answers.exact, np.ones(len(items))], axis=1))
        studies = len(task.script) - len(items)
        recalled = np.count_nonzero(answers.exact)
        return {
            **recall_outcome(subject, task, answers),
            "recalled_by_age": by_age,
            "age": np.arange(n, dtype=np.float64),
            "items_recalled": np.asarray(recalled, np.float64),
            "studies": np.asarray(studies, np.float64),
            "recalled_per_study": np.asarray(recalled / studies, np.float64),
            **cost_outcome(task, answers),
        }
