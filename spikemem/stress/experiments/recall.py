"""Recall: how much of a cue a memory needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ...checks import Count, Optional, Probability
from ..answers import Answers
from ..measures import COSTS, cost_outcome, declared
from ..scaling import load_at
from ..subject import Event, Probe, Study, Subject, Task, own_rng
from .base import Outcome
from .loading import Loaded, probed

__all__ = ["Recall"]


@dataclass(frozen=True, kw_only=True)
class Recall(Loaded):
    """Items are studied, then recalled from cues of shrinking size.

    Each probed item is asked for once at every cue loss; the probes are in random order.

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied.
    load : float, optional
        The same as a multiple of ``subject.scale``; give one of both. Default: 0.5.
    n_probes : int, optional
        Number of items that are probed, drawn at random. Default: all.
    n_losses : int
        Number of cue losses, from 0 to `max_loss` in equal steps.
    max_loss : float
        Largest fraction of a cue's active bits that are missing, 0 to 1.
    wrong_bits : float
        Wrong active bits of a cue, as a fraction of its active bits, 0 to 1.
    """

    name: ClassVar[str] = "recall"
    measures = declared(
        "exact_recall", "exact_by_loss", "bits_by_loss", "cue_loss", *COSTS,
        exact_by_loss="cue_loss", bits_by_loss="cue_loss",
    )  # fmt: skip
    main: ClassVar[str] = "exact_by_loss"

    n_probes: Annotated[int, Optional(Count())] | None = None
    n_losses: Annotated[int, Count(low=2, high=10_000)] = 10
    max_loss: Annotated[float, Probability()] = 0.9
    wrong_bits: Annotated[float, Probability()] = 0.0

    def task(self, subject: Subject, seed: int) -> Task:
        """Script: study every item, then probe each at every cue loss."""
        n = self.count(subject, probes=self.n_losses)
        items = probed(n, self.n_probes, seed)
        losses = np.linspace(0.0, self.max_loss, self.n_losses).tolist()
        order = own_rng(seed, "losses").permutation(len(items) * self.n_losses)
        script: list[Event] = [Study(item) for item in range(n)]
        script += [
            Probe(
                int(items[k // self.n_losses]),
                cue_loss=losses[k % self.n_losses],
                wrong_bits=self.wrong_bits,
            )
            for k in order
        ]
        return Task(n, script, seed)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Exact recall and recall of bits at each cue loss."""
        losses = np.linspace(0.0, self.max_loss, self.n_losses)
        asked = [event.cue_loss for event in task.script if isinstance(event, Probe)]
        level = np.abs(np.asarray(asked)[:, None] - losses).argmin(axis=1)
        tried, exact, right, wanted = (
            np.bincount(level, weights=values, minlength=self.n_losses)
            for values in (
                np.ones(len(answers)), answers.exact, answers.right,
                answers.right + answers.missing,
            )
        )  # fmt: skip
        with np.errstate(invalid="ignore"):
            bits = right / wanted
        return {
            "exact_recall": np.array([exact.sum(), tried.sum()]),
            "exact_by_loss": np.stack([exact, tried], axis=1),
            "bits_by_loss": bits,
            "cue_loss": losses,
            **cost_outcome(task, answers),
        }

    def summary(self, pooled: Outcome) -> dict[str, float]:
        """Cue loss at which half of the items are recalled exactly.

        0 if the whole cue recalls less than half, infinite if the smallest cue recalls more.
        Nothing for a single cue loss.
        """
        if not ({"exact_by_loss", "cue_loss"} <= set(pooled)):
            return {}
        successes, attempts = np.asarray(pooled["exact_by_loss"]).T
        if len(np.unique(np.asarray(pooled["cue_loss"])[attempts > 0])) < 2:
            return {}
        return {"half_loss": load_at(pooled["cue_loss"], successes, attempts, 0.5)}
