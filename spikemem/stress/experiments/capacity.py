"""Capacity: how many items a memory holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ...checks import Choice, Count, Optional, Probability
from ..answers import Answers
from ..measures import COSTS, RECALL, cost_outcome, declared, recall_outcome
from ..subject import Event, Probe, Study, Subject, Task
from .base import Measure, Outcome
from .loading import Loaded, probed

__all__ = ["Capacity"]


@dataclass(frozen=True, kw_only=True)
class Capacity(Loaded):
    """All items are studied, then they are recalled.

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied.
    load : float, optional
        The same as a multiple of ``subject.scale``; give one of both. Default: 0.5.
    n_probes : int, optional
        Number of items that are probed, drawn at random. Default: all.
    cue_loss : float
        Fraction of a cue's active bits that are missing, 0 to 1.
    wrong_bits : float
        Wrong active bits of a cue, as a fraction of its active bits, 0 to 1.
    probe_order : {"random", "studied", "reversed"}
        Order of the probes: at random, or as the items were studied, from the first or the last.

    Examples
    --------
    >>> Capacity(load=0.3).measures["exact_recall"].kind
    'proportion'
    """

    name: ClassVar[str] = "capacity"
    measures: ClassVar[dict[str, Measure]] = declared(*RECALL, *COSTS)
    main: ClassVar[str] = "exact_recall"

    n_probes: Annotated[int, Optional(Count())] | None = None
    cue_loss: Annotated[float, Probability()] = 0.0
    wrong_bits: Annotated[float, Probability()] = 0.0
    probe_order: Annotated[str, Choice("random", "studied", "reversed", what="order")] = "random"

    def task(self, subject: Subject, seed: int) -> Task:
        """Script: study every item, then probe."""
        n = self.count(subject)
        items = probed(n, self.n_probes, seed, self.probe_order)
        script: list[Event] = [Study(item) for item in range(n)]
        for item in items:
            script.append(Probe(int(item), cue_loss=self.cue_loss, wrong_bits=self.wrong_bits))
        return Task(n, script, seed)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Measures of recall and of cost."""
        return {**recall_outcome(subject, task, answers), **cost_outcome(task, answers)}
