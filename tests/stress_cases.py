"""Small subjects and an experiment for the tests of sweeps."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np

from spikemem.checks import Count, Flag, Optional, Probability, Quantity, Text
from spikemem.codes import Patterns
from spikemem.stress.answers import Answers
from spikemem.stress.experiments.base import Experiment, Measure
from spikemem.stress.subject import Probe, Study, Subject, Task, own_rng


@dataclass(frozen=True, kw_only=True)
class Willshaw(Subject):
    """A binary hetero-associative matrix, in plain NumPy."""

    aliases: ClassVar[dict[str, str]] = {"size": "n"}
    spiking: ClassVar[bool] = False

    n: Annotated[int, Count(low=4)] = 40
    k: Annotated[int, Count()] = 4
    gain: Annotated[float, Quantity(above=0.0)] = 1.0

    @property
    def scale(self) -> float:
        return float(self.n)

    @property
    def n_synapses(self) -> int:
        return self.n**2

    @property
    def n_neurons(self) -> int:
        return self.n

    def theory(self, measure):
        return {"load: made up": self.gain}

    def perform(self, tasks, conditions):
        return [self.one(task, conditions) for task in tasks]

    def one(self, task, conditions):
        rng = own_rng(task.seed, "material")
        chosen = np.argsort(rng.random((2, task.n_items, self.n)), axis=-1)[..., : self.k]
        keys, contents = (np.zeros((task.n_items, self.n), bool) for _ in range(2))
        np.put_along_axis(keys, chosen[0], True, axis=1)
        np.put_along_axis(contents, chosen[1], True, axis=1)
        weights = np.zeros((self.n, self.n), bool)
        rows = [[], []]
        for event in task.script:
            if isinstance(event, Study):
                weights |= np.outer(keys[event.item], contents[event.item])
                continue
            cue = keys[event.item].copy()
            cue[np.flatnonzero(cue)[: round(event.cue_loss * self.k)]] = False
            rows[0].append(contents[event.item])
            rows[1].append((cue @ weights.astype(int)) >= max(cue.sum(), 1))
        wanted, got = (Patterns.from_dense(np.array(row)) for row in rows)
        return Answers.compared(wanted, got, costs={"operations": float(len(task.script))})


@dataclass(frozen=True, kw_only=True)
class Failing(Willshaw):
    """Fails where `bad`: with every trial, or with those of odd seeds."""

    bad: Annotated[bool, Flag()] = False
    odd: Annotated[bool, Flag()] = False

    def one(self, task, conditions):
        if self.bad or (self.odd and task.seed % 2):
            raise ValueError("this memory is broken")
        return super().one(task, conditions)


@dataclass(frozen=True, kw_only=True)
class Slow(Willshaw):
    """Sleeps in each trial, and counts its trials in a file."""

    sleep: Annotated[float, Quantity("s", low=0.0)] = 0.02
    log: Annotated[str, Optional(Text())] | None = None

    def one(self, task, conditions):
        time.sleep(self.sleep)
        if self.log is not None:
            with open(self.log, "a", encoding="utf-8") as file:
                file.write("x")
        return super().one(task, conditions)


@dataclass(frozen=True, kw_only=True)
class Deadly(Willshaw):
    """Kills its process: always at `k` = `deadly`, or once, if a file `once` is not there yet."""

    deadly: Annotated[int, Count(low=0)] = 0
    once: Annotated[str, Optional(Text())] | None = None

    def one(self, task, conditions):
        first = self.once is not None and not Path(self.once).exists()
        if first:
            Path(self.once).touch()
        if first or self.k == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().one(task, conditions)


@dataclass(frozen=True, kw_only=True)
class Filling(Experiment):
    """Studies `load` x scale items and recalls each."""

    name: ClassVar[str] = "filling"
    measures: ClassVar[dict[str, Measure]] = {
        "exact": Measure("proportion", "exact recall"),
        "errors": Measure("mean", "wrong bits per item"),
        "curve": Measure("curve", "wrong bits", "items"),
        "items": Measure("curve", "item"),
        "hits": Measure("proportions", "right items"),
    }
    main: ClassVar[str] = "exact"

    load: Annotated[float, Quantity(above=0.0)] = 0.5
    cue_loss: Annotated[float, Probability()] = 0.0

    def task(self, subject, seed):
        n = max(round(self.load * subject.scale), 1)
        probes = [Probe(item, cue_loss=self.cue_loss) for item in range(n)]
        return Task(n, [*map(Study, range(n)), *probes], seed)

    def outcome(self, subject, task, answers):
        exact = answers.exact.astype(float)
        wrong = (answers.missing + answers.extra).astype(float)
        return {
            "exact": np.array([exact.sum(), len(exact)]),
            "errors": wrong.mean(),
            "curve": wrong[:3],
            "items": np.arange(3.0)[: len(wrong)],
            "hits": np.stack([exact, np.ones(len(exact))], axis=1)[:3],
            "brought": float(answers.costs["operations"]),
        }

    def summary(self, pooled):
        return {"share": float(pooled["exact"][0] / pooled["exact"][1])}
