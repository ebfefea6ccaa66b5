"""Runs models under conditions: many trials of one structure in one simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..models import Model
from .conditions import Conditions

__all__ = ["Run", "run_models"]


class Run(NamedTuple):
    """One run of a model: its answers and what they cost."""

    answers: Sequence[Any]
    """As ``decode`` returns them: one a trial of the model."""
    costs: dict[str, float]
    """Totals; see :class:`.answers.Answers`."""


def run_models(
    models: Sequence[Model[Any, Any]],
    trials: Sequence[Sequence[Any]],
    conditions: Conditions,
    seeds: Sequence[int],
    *,
    build: Mapping[str, Any] | None = None,
) -> list[Run]:
    """Carry out trials on models under conditions; equal to one run a model.

    Networks of one structure run side by side in one simulation (:meth:`spikemem.Network.stack`).

    Parameters
    ----------
    models : sequence of Model
        One for each run; they stay as they are.
    trials : sequence of sequences
        For each model, its trials, as its ``build`` takes them.
    conditions : Conditions
        Backend "expected" asks ``model.expected`` instead of a network.
    seeds : sequence of int
        For each run: device and disturbances.
    build : mapping, optional
        Options of ``build`` and ``decode``.
    """
    raise NotImplementedError
