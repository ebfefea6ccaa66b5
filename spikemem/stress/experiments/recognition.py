"""Recognition: whether studied items are told from novel ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ...checks import Count, Optional, Probability, Quantity
from ..answers import Answers
from ..detection import bias, d_prime, roc_area, said_studied
from ..measures import COSTS, cost_outcome, declared
from ..subject import Event, Probe, Study, Subject, Task, own_rng
from .base import Outcome
from .loading import Loaded, probed, require_script

__all__ = ["Recognition"]


@dataclass(frozen=True, kw_only=True)
class Recognition(Loaded):
    """Items are studied, then they and novel items are shown in random order.

    A probe is called studied if it is familiar enough.

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied.
    load : float, optional
        The same as a multiple of ``subject.scale``; give one of both. Default: 0.5.
    n_probes : int, optional
        Number of studied items that are probed, drawn at random. Default: all.
    n_novel : int, optional
        Number of novel items. Default: as many as studied ones are probed.
    yes_threshold : float, optional
        Familiarity from which on a probe is called studied. Default: the one with as many yes
        answers as studied items are probed, or as close to it as ties allow.
    cue_loss : float
        Fraction of a probe's active bits that are missing, 0 to 1.
    wrong_bits : float
        Wrong active bits of a probe, as a fraction of its active bits, 0 to 1.
    """

    name: ClassVar[str] = "recognition"
    question: ClassVar[str] = "recognise"
    measures = declared("hits", "false_alarms", "d_prime", "bias", "roc_area", *COSTS)
    main: ClassVar[str] = "hits"

    n_probes: Annotated[int, Optional(Count())] | None = None
    n_novel: Annotated[int, Optional(Count())] | None = None
    yes_threshold: Annotated[float, Optional(Quantity())] | None = None
    cue_loss: Annotated[float, Probability()] = 0.0
    wrong_bits: Annotated[float, Probability()] = 0.0

    def task(self, subject: Subject, seed: int) -> Task:
        """Script: study every item, then probe studied and novel ones."""
        n = self.count(subject, probes=2.0)
        require_script(self.name, float(self.n_novel or 0))
        old = probed(n, self.n_probes, seed)
        novel = n + np.arange(len(old) if self.n_novel is None else self.n_novel)
        shown = own_rng(seed, "novel").permutation(np.concatenate([old, novel]))
        script: list[Event] = [Study(item) for item in range(n)]
        script += [
            Probe(int(item), "recognise", cue_loss=self.cue_loss, wrong_bits=self.wrong_bits)
            for item in shown
        ]
        return Task(n + len(novel), script, seed)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Hits, false alarms and what follows from them."""
        studied = {event.item for event in task.script if isinstance(event, Study)}
        probes = [event for event in task.script if isinstance(event, Probe)]
        old = np.array([probe.item in studied for probe in probes])
        familiarity, n_old = answers.familiarity, int(old.sum())
        yes = said_studied(familiarity, n_old, self.yes_threshold, type(subject).__name__)
        hits = int(yes[old].sum()), n_old
        false_alarms = int(yes[~old].sum()), len(old) - n_old
        values = {
            "hits": hits,
            "false_alarms": false_alarms,
            "d_prime": d_prime(*hits, *false_alarms),
            "bias": bias(*hits, *false_alarms),
            "roc_area": roc_area(familiarity[old], familiarity[~old]),
        }
        found = {name: np.asarray(value, np.float64) for name, value in values.items()}
        return {**found, **cost_outcome(task, answers)}

    def summary(self, pooled: Outcome) -> dict[str, float]:
        """Sensitivity and bias of all trials together, from the pooled counts."""
        if not ({"hits", "false_alarms"} <= set(pooled)):
            return {}
        counts = [float(x) for name in ("hits", "false_alarms") for x in pooled[name]]
        return {"pooled_d_prime": d_prime(*counts), "pooled_bias": bias(*counts)}
