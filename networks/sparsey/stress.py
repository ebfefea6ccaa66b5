"""Stress test of a hierarchy of macs with patterns and sequences, each learnt in one trial."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Flag, Optional, Probability, Quantity
from ...errors import DescriptionError, UnsupportedError
from ...limits import require_memory
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.material import distinct_patterns, require_items
from ...stress.running import run_models
from ...stress.subject import Subject, Task, own_rng
from .forgetting import joined
from .model import Sparsey
from .parameters import Level, Plasticity, Selection
from .random_codes import MOST_ACTIVE, MOST_INPUTS, random_code_capacity
from .recalling import n_weights
from .stress_trials import StressTrial

__all__ = ["SparseySubject"]

_Not_negative = Annotated[float, Quantity(low=0.0)]


@dataclass(frozen=True, kw_only=True)
class SparseySubject(Subject):
    """Random patterns, or random sequences of them, in a hierarchy of macs.

    An item is learnt in one trial. A test shows it again, whole or corrupted, and compares the
    code of the highest level with that of the item's last learning trial, winner by winner.

    - "recall": the winners are compared with the winners at learning.
    - "recognise": the answer is the familiarity G of the highest level, averaged over the frames.
    - "order": with weights that age (`decay`), the item with the smaller G is taken as the earlier
      one. Ties are decided at random.

    Parameters
    ----------
    n_inputs, active : int
        Number of inputs, and number of active inputs of a pattern.
    overlap : float
        Fraction of the active inputs that all patterns share.
    frames : int
        Number of patterns in an item: 1, or the length of a sequence. For sequences the macs of the
        lowest level have horizontal synapses.
    n_levels : int
        Number of levels. Each level above the lowest has one mac.
    n_macs : int
        Number of macs of the lowest level, which are spread over the inputs.
    radius : float, optional
        Distance within which inputs project to a mac. Default: all inputs do.
    n_modules, cells_per_module : int
        Q competitive modules of K cells in every mac.
    saturation : float, optional
        Fraction of increased synapses above which the synapses of a cell or of a mac (`freeze`)
        freeze. Default: they never freeze.
    freeze, decay, convexity
        As in :class:`.Plasticity`.
    lifetime : int
        Age in frames at which a synapse that was increased once is lost, if `decay` is not "none".
        A second pairing makes the synapse permanent.
    g_minus, gamma, chi, sigma2, sigma3 : float
        As in :class:`.Selection`; ``chi=0`` makes all codes random.
    store_on_spikes : bool
        Whether items are stored by :class:`.Store` (a threshold of familiarity in every module,
        the rule of the spiking form), and on a spiking backend by spikes and plasticity. Otherwise
        they are learnt by the algorithm, and on a spiking backend only retrieved by spikes.
    familiar : float
        Threshold of :class:`.Store`.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise", "order"})
    unit: ClassVar[str] = "patterns"
    aliases: ClassVar[dict[str, str]] = {
        "Q": "n_modules", "K": "cells_per_module", "modules": "n_modules",
        "cells": "cells_per_module", "sparsity": "active",
    }  # fmt: skip

    n_inputs: Annotated[int, Count(high=2**20)] = 144
    active: Annotated[int, Count(high=2**20)] = 20
    overlap: Annotated[float, Probability()] = 0.0
    frames: Annotated[int, Count(high=10_000)] = 1
    n_levels: Annotated[int, Count(high=30)] = 1
    n_macs: Annotated[int, Count(high=2**16)] = 1
    radius: Annotated[float | None, Optional(Quantity(low=0.0))] = None
    n_modules: Annotated[int, Count(high=2**16)] = 9
    cells_per_module: Annotated[int, Count(high=2**15 - 1)] = 16
    saturation: Annotated[float | None, Optional(Probability())] = None
    freeze: Literal["cell", "mac"] = "cell"
    decay: Literal["none", "steps", "convex"] = "none"
    lifetime: Annotated[int, Count(high=2**30)] = 4000
    convexity: _Not_negative = 1.0
    g_minus: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.2
    gamma: Annotated[float, Quantity(above=0.0)] = 8.0
    chi: _Not_negative = 1000.0
    sigma2: _Not_negative = 40.0
    sigma3: Annotated[float, Quantity(low=-10.0, high=10.0)] = 0.85
    store_on_spikes: Annotated[bool, Flag()] = False
    familiar: Annotated[float, Quantity(above=0.0, high=1.0)] = 0.85

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.active > self.n_inputs:
            raise DescriptionError(
                f"SparseySubject: active must be at most n_inputs={self.n_inputs}, got "
                f"{self.active}."
            )
        if self.store_on_spikes and self.frames > 1:
            raise DescriptionError(
                f"SparseySubject: store_on_spikes takes patterns, frames=1, got {self.frames}."
            )

    @property
    def scale(self) -> float:
        """Items at load 1: ``K * n_inputs / (active * frames)``.

        A cell that won in ``n_inputs / active`` frames has about 63 % of its synapses increased.
        """
        return self.cells_per_module * self.n_inputs / (self.active * self.frames)

    @property
    def n_synapses(self) -> int:
        """Binary synapses of all macs."""
        return _sizes(self)[0]

    @property
    def n_neurons(self) -> int:
        """Cells of all levels."""
        return _sizes(self)[1]

    def model(self, seed: int) -> Sparsey:
        """Return a hierarchy that has learnt nothing."""
        sequence = self.frames > 1
        common: dict[str, Any] = {
            "n_modules": self.n_modules, "cells_per_module": self.cells_per_module,
        }  # fmt: skip
        levels = [
            Level(grid=(1, self.n_macs), radius=self.radius,
                  horizontal_radius=0.0 if sequence else None, **common),
            *(Level(**common) for _ in range(self.n_levels - 1)),
        ]  # fmt: skip
        return Sparsey(
            self.n_inputs, levels,
            selection=Selection(g_minus=self.g_minus, gamma=self.gamma, chi=self.chi,
                                sigma2=self.sigma2, sigma3=self.sigma3),
            plasticity=Plasticity(saturation=self.saturation, freeze=self.freeze, decay=self.decay,
                                  lifetimes=(self.lifetime,), convexity=self.convexity),
            seed=seed,
        )  # fmt: skip

    def material(self, n_items: int, seed: int) -> NDArray[np.int32]:
        """Return the active inputs of the items, shape (n_items, frames, active), all different."""
        require_memory(200.0 * n_items * self.frames + 12.0 * n_items * self.frames * self.active,
                       f"SparseySubject: {n_items} items", "Use fewer.")  # fmt: skip
        patterns = distinct_patterns(
            n_items * self.frames, size=self.n_inputs, active=self.active,
            shared=round(self.overlap * self.active), seed=own_rng(seed, "material"),
            where="SparseySubject",
        )  # fmt: skip
        return patterns.indices.astype(np.int32).reshape(n_items, self.frames, self.active)

    def require(self, question: str, experiment: str) -> None:
        """Raise UnsupportedError for a question about order if the weights do not age."""
        super().require(question, experiment)
        if question == "order" and self.decay == "none":
            raise UnsupportedError(
                f"stress: experiment {experiment!r} asks a hierarchy what came first, which it "
                f"reads from the age of its weights; set decay='convex' or 'steps' and a lifetime."
            )

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials; see :meth:`spikemem.stress.subject.Subject.perform`."""
        for task in tasks:
            require_items(task, "SparseySubject")
        if self.store_on_spikes:
            return _perform_storing(self, tasks, conditions)
        trials = [StressTrial(self, task) for task in tasks]
        if conditions.backend == "expected":
            for trial in trials:
                for part in trial.parts():
                    trial.read(part, part.model.retrieve(part.cues))
        else:
            _run_spiking(self, trials, conditions)
        return [trial.answers() for trial in trials]

    def theory(self, measure: str) -> dict[str, float]:
        """Return the load at which 90 % of the winners are right, for random codes and exact cues.

        It holds for one mac that receives patterns from all inputs, with weights that neither
        freeze nor decay; see :func:`.random_code_recall`.
        """
        plain = self.saturation is None and self.decay == "none" and self.radius is None
        plain = plain and self.n_inputs <= MOST_INPUTS and self.active <= MOST_ACTIVE
        if not (plain and self.frames == self.n_macs == self.n_levels == 1 and not self.overlap):
            return {}
        held = random_code_capacity(self.cells_per_module, self.n_inputs, self.active)
        return {"load: random codes, 90 % of the winners": held / self.scale}


@functools.lru_cache(maxsize=256)
def _sizes(subject: SparseySubject) -> tuple[int, int]:
    model = subject.model(0)
    return n_weights(model), sum(level.n_cells for level in model.levels)


def _run_spiking(
    subject: SparseySubject, trials: list[StressTrial], conditions: Conditions
) -> None:
    """Learn by the algorithm, and retrieve the cues of all trials on spikes, side by side."""
    parts = [
        (trial, part._replace(model=copy.deepcopy(part.model)), k)
        for trial in trials
        for k, part in enumerate(trial.parts())
    ]
    runs = run_models(
        [part.model for _, part, _ in parts],
        [list(part.cues[:, 0] if subject.frames == 1 else part.cues) for _, part, _ in parts],
        conditions,
        [int(own_rng(trial.task.seed, "run", k).integers(2**31)) for trial, _, k in parts],
    )
    for (trial, part, _), run in zip(parts, runs, strict=True):
        trial.read(part, joined(run.answers))
        trial.costs = _together(trial.costs, run.costs)


_TOTALS = ("spikes", "synaptic_operations", "duration", "operations", "energy")


def _together(costs: dict[str, float], more: dict[str, float]) -> dict[str, float]:
    """Merge the costs of two runs of one memory. Totals are added, and sizes stay."""
    return costs | {
        name: value + costs.get(name, 0.0) if name in _TOTALS else value
        for name, value in more.items()
    }


def _perform_storing(
    subject: SparseySubject, tasks: Sequence[Task], conditions: Conditions
) -> list[Answers]:
    """Store and retrieve in the order of the script, by the rule of the spiking form."""
    trials = [StressTrial(subject, task) for task in tasks]
    shown = [trial.shown() for trial in trials]
    if conditions.backend == "expected":
        answers = [trial.model.expected(s) for trial, s in zip(trials, shown, strict=True)]
        for trial, codes in zip(trials, answers, strict=True):
            trial.read_shown(codes)
    else:
        seeds = [int(own_rng(trial.task.seed, "run").integers(2**31)) for trial in trials]
        runs = run_models([trial.model for trial in trials], shown, conditions, seeds)
        for trial, run in zip(trials, runs, strict=True):
            trial.read_shown(run.answers)
            trial.costs.update(run.costs)
    return [trial.answers() for trial in trials]
