"""Order: which of two stored episodes came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Optional, Probability
from ..answers import Answers
from ..measures import COSTS, cost_outcome, declared
from ..subject import Event, Probe, Study, Subject, Task, own_rng
from .base import Outcome
from .loading import Loaded, require_script, spaced

__all__ = ["Order"]


@dataclass(frozen=True, kw_only=True)
class Order(Loaded):
    """Items are studied one after another, then the model judges which of two came first.

    Pairs are drawn at random for each distance in the list; the earlier item is named first in
    half of them. A guess is right in half of the pairs.

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied, at least 2.
    load : float, optional
        The same as a multiple of ``subject.scale``; give one of both. Default: 0.5.
    n_distances : int, optional
        Number of different distances, about evenly spaced on a logarithmic axis. Default: 8;
        None: every distance.
    max_distance : int, optional
        Largest distance. Default: the number of items less one.
    n_pairs : int
        Pairs of each distance; all there are, if they are fewer.
    cue_loss : float
        Fraction of the active bits of both cues that are missing, 0 to 1.
    wrong_bits : float
        Wrong active bits of both cues, as a fraction of their active bits, 0 to 1.
    """

    name: ClassVar[str] = "order"
    question: ClassVar[str] = "order"
    measures = declared(
        "order_accuracy", "order_by_distance", "distance", *COSTS, order_by_distance="distance"
    )
    main: ClassVar[str] = "order_accuracy"

    n_distances: Annotated[int, Optional(Count())] | None = 8
    max_distance: Annotated[int, Optional(Count())] | None = None
    n_pairs: Annotated[int, Count()] = 4
    cue_loss: Annotated[float, Probability()] = 0.0
    wrong_bits: Annotated[float, Probability()] = 0.0

    def distances(self, n_items: int) -> NDArray[np.int64]:
        """Distances that are probed, for a number of items."""
        most = n_items - 1 if self.max_distance is None else min(self.max_distance, n_items - 1)
        return spaced(1, most, self.n_distances)

    def task(self, subject: Subject, seed: int) -> Task:
        """Script: study every item, then probe pairs in random order."""
        n = self.count(subject, least=2)
        distances = self.distances(n)
        require_script(self.name, n + float(np.minimum(n - distances, self.n_pairs).sum()))
        rng = own_rng(seed, "pairs")
        pairs = []
        for distance in distances.tolist():
            starts = rng.permutation(n - distance)[: self.n_pairs].tolist()
            pairs += [
                (start, start + distance) if k % 2 else (start + distance, start)
                for k, start in enumerate(starts, start=int(rng.integers(2)))
            ]
        script: list[Event] = [Study(item) for item in range(n)]
        for k in rng.permutation(len(pairs)):
            item, other = pairs[k]
            script.append(
                Probe(item, "order", other, cue_loss=self.cue_loss, wrong_bits=self.wrong_bits)
            )
        return Task(n, script, seed)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Counts of right judgements, over all pairs and at each distance."""
        pairs = np.array([(e.item, e.other) for e in task.script if isinstance(e, Probe)])
        distances = self.distances(task.n_items)
        gap = pairs[:, 1] - pairs[:, 0]
        right = answers.first == (gap > 0)
        at = np.searchsorted(distances, np.abs(gap))
        n = len(distances)
        by = np.bincount(at, weights=right, minlength=n), np.bincount(at, minlength=n)
        return {
            "order_accuracy": np.array([right.sum(), len(right)], np.float64),
            "order_by_distance": np.stack(by, axis=1).astype(np.float64),
            "distance": distances.astype(np.float64),
            **cost_outcome(task, answers),
        }
