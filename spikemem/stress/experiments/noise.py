"""Noise: what a device's imperfections and other disturbances cost in accuracy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from ..answers import Answers
from ..conditions import Conditions
from ..measures import declared, recall_outcome
from ..subject import Subject, Task
from .base import Measure, Outcome
from .capacity import Capacity

__all__ = ["Noise"]

_KEPT = ("backend", "integrator", "platform")
"""Conditions that disturb nothing: a twin has them, too."""


@dataclass(frozen=True, kw_only=True)
class Noise(Capacity):
    """The capacity experiment, beside the same trial without anything wrong.

    The twin of a trial has the same items, cues, backend and integrator, and neither a device nor
    faults nor disturbances. Differences of a trial and its twin are free of what differs between
    trials.

    Parameters
    ----------
    n_items, load, n_probes, cue_loss, wrong_bits, probe_order
        As :class:`.Capacity`.
    """

    name: ClassVar[str] = "noise"
    measures: ClassVar[dict[str, Measure]] = {
        **Capacity.measures,
        **declared("ideal_exact_recall", "recall_lost", "ideal_bit_errors", "bit_errors_added"),
    }
    main: ClassVar[str] = "exact_recall"

    def twins(self, conditions: Conditions) -> tuple[Conditions, ...]:
        """Return the ideal conditions, unless those of the point are ideal."""
        kept = {
            field.name: getattr(conditions, field.name)
            for field in fields(Conditions)
            if field.name in _KEPT
        }
        ideal = Conditions(**kept)
        return () if ideal == conditions else (ideal,)

    def outcome(self, subject: Subject, task: Task, answers: Answers, *twins: Answers) -> Outcome:
        """Measures of the trial, those of its twin, and differences."""
        found = super().outcome(subject, task, answers)
        ideal = recall_outcome(subject, task, twins[0] if twins else answers)
        share, ideal_share = (x["exact_recall"][0] / x["exact_recall"][1] for x in (found, ideal))
        return {
            **found,
            "ideal_exact_recall": ideal["exact_recall"],
            "recall_lost": np.asarray(ideal_share - share),
            "ideal_bit_errors": ideal["bit_errors"],
            "bit_errors_added": found["bit_errors"] - ideal["bit_errors"],
        }
