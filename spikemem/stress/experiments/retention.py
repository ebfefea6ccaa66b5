"""Retention: what is left of an item after further items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Flag, Optional, Probability, Quantity
from ...errors import UnsupportedError
from ..answers import Answers
from ..detection import said_studied
from ..fits import fit_forgetting
from ..measures import COSTS, cost_outcome, declared
from ..subject import Event, Probe, Question, Study, Subject, Task, own_rng
from .base import Outcome
from .loading import Loaded, spaced

__all__ = ["Retention"]


@dataclass(frozen=True, kw_only=True)
class Retention(Loaded):
    """Items are studied one after another, and probed after some lag.

    The lag of a probe is the number of items studied between the item and its probe. The curve
    of retention over lags is fitted by a power law, an exponential and a hyperbola
    (:func:`.fits.fit_forgetting`).

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied.
    load : float, optional
        The same as a multiple of ``subject.scale``; give one of both. Default: 0.5.
    ask : {"recall", "recognise"}
        What a probe asks. To recognise, as many novel items are shown as studied ones; a probe is
        called studied by its familiarity, as in :class:`.Recognition`.
    interleaved : bool
        Whether items are probed between studies, as in continuous recognition: each item once, at
        a lag that is drawn for it. Default: all probes follow the last study, so that the lag of
        an item is its position from the end.
    n_lags : int, optional
        Number of different lags, about evenly spaced on a logarithmic axis. Default: 20; None:
        every lag.
    max_lag : int, optional
        Largest lag. Default: the number of items less one.
    yes_threshold : float, optional
        Familiarity from which on a probe is called studied; as in :class:`.Recognition`.
    chance : float
        Share of right answers without any memory, for the fits.
    cue_loss : float
        Fraction of a cue's active bits that are missing, 0 to 1.
    wrong_bits : float
        Wrong active bits of a cue, as a fraction of its active bits, 0 to 1.
    """

    name: ClassVar[str] = "retention"
    measures = declared(
        "exact_recall", "hits", "false_alarms", "retained", "bits_by_lag", "lag", *COSTS,
        retained="lag", bits_by_lag="lag",
    )  # fmt: skip
    main: ClassVar[str] = "retained"

    ask: Annotated[str, Choice("recall", "recognise", what="question")] = "recall"
    interleaved: Annotated[bool, Flag()] = False
    n_lags: Annotated[int, Optional(Count())] | None = 20
    max_lag: Annotated[int, Optional(Count(low=0))] | None = None
    yes_threshold: Annotated[float, Optional(Quantity())] | None = None
    chance: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.0
    cue_loss: Annotated[float, Probability()] = 0.0
    wrong_bits: Annotated[float, Probability()] = 0.0

    def check(self, subject: Subject) -> None:
        """Refuse a subject that lacks what the experiment needs."""
        subject.require(self.ask, self.name)
        if self.interleaved and not subject.relearns:
            raise UnsupportedError(
                f"stress: experiment 'retention' with interleaved=True studies items after a test, "
                f"which {type(subject).__name__} cannot; use interleaved=False."
            )

    def lags(self, n_items: int) -> NDArray[np.int64]:
        """Lags that are probed, for a number of items."""
        most = n_items - 1 if self.max_lag is None else min(self.max_lag, n_items - 1)
        return spaced(0, most, self.n_lags)

    def task(self, subject: Subject, seed: int) -> Task:
        """Script: studies, and probes at the end or between them."""
        n = self.count(subject, probes=2.0)
        lags = self.lags(n)
        due: dict[int, list[int]] = {}
        if self.interleaved:
            rng = own_rng(seed, "lags")
            rounds = [rng.permutation(lags) for _ in range(-(-n // len(lags)))]
            for item, lag in enumerate(np.concatenate(rounds)[:n].tolist()):
                due.setdefault(item + lag, []).append(item)
        else:
            due[n - 1] = (n - 1 - lags).tolist()
        script: list[Event] = []
        novel = n
        for item in range(n):
            script.append(Study(item))
            shown = due.get(item, [])
            if shown and self.ask == "recognise":
                shown = [*shown, *range(novel, novel + len(shown))]
                novel = shown[-1] + 1
            if len(shown) > 1:
                shown = own_rng(seed, "probes", item).permutation(shown).tolist()
            script += [self._probe(k) for k in shown]
        return Task(novel, script, seed)

    def _probe(self, item: int) -> Probe:
        question: Question = "recognise" if self.ask == "recognise" else "recall"
        return Probe(item, question, cue_loss=self.cue_loss, wrong_bits=self.wrong_bits)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Counts of right answers at each lag."""
        lag, n_studied = _lags_of(task)
        lags, old = self.lags(n_studied), lag >= 0
        if self.ask == "recognise":
            right = said_studied(
                answers.familiarity, int(old.sum()), self.yes_threshold, type(subject).__name__
            )
        else:
            right = answers.exact
        at = np.searchsorted(lags, lag[old])

        def by_lag(values: NDArray[Any]) -> NDArray[np.float64]:
            weights = values[old].astype(np.float64)
            return np.bincount(at, weights=weights, minlength=len(lags)).astype(np.float64)

        tried = by_lag(np.ones(len(lag)))
        counts = np.array([right[old].sum(), old.sum()], np.float64)
        none = np.zeros(2)
        bits = np.full(len(lags), np.nan)
        if self.ask == "recall":
            wanted = by_lag(answers.right + answers.missing)
            np.divide(by_lag(answers.right), wanted, out=bits, where=wanted > 0)
        return {
            "exact_recall": counts if self.ask == "recall" else none,
            "hits": counts if self.ask == "recognise" else none,
            "false_alarms": np.array([right[~old].sum(), (~old).sum()], np.float64),
            "retained": np.stack([by_lag(right), tried], axis=1),
            "bits_by_lag": bits,
            "lag": lags.astype(np.float64),
            **cost_outcome(task, answers),
        }

    def summary(self, pooled: Outcome) -> dict[str, float]:
        """Parameters, standard errors, criteria and weights of the laws of forgetting.

        Nothing for fewer than three lags.
        """
        if not ({"retained", "lag"} <= set(pooled)):
            return {}
        counts = np.asarray(pooled["retained"])
        if np.count_nonzero(counts[:, 1]) < 3:
            return {}
        fits = fit_forgetting(pooled["lag"], counts[:, 0], counts[:, 1], chance=self.chance)
        return fits.numbers()


def _lags_of(task: Task) -> tuple[NDArray[np.int64], int]:
    """Lag of each probe, -1 for novel items; and the number of studies."""
    studied: dict[int, int] = {}
    found = []
    for event in task.script:
        if isinstance(event, Study):
            studied[event.item] = len(studied)
        else:
            at = studied.get(event.item)
            found.append(-1 if at is None else len(studied) - 1 - at)
    return np.array(found, np.int64), len(studied)
