"""Small memories whose answers are known in closed form, to test the stress tests with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spikemem.checks import Choice, Count, Probability, Quantity
from spikemem.codes import Patterns
from spikemem.stress.answers import Answers
from spikemem.stress.conditions import Conditions
from spikemem.stress.experiments.base import Experiment
from spikemem.stress.subject import Probe, Study, Subject, Task, own_rng

COSTS = {
    "spikes": 600.0, "synaptic_operations": 1200.0, "duration": 90.0, "operations": 30.0,
    "energy": 3e-6, "footprint": 4096.0, "connection_sparsity": 0.25, "activation_sparsity": 0.9,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ToySubject(Subject):
    """Base of the small memories: every task is carried out by itself."""

    spiking: ClassVar[bool] = False
    size: Annotated[int, Count()] = 50

    @property
    def scale(self) -> float:
        return float(self.size)

    @property
    def n_synapses(self) -> int:
        return self.size * self.size

    @property
    def n_neurons(self) -> int:
        return self.size

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        return [self.trial(task, conditions) for task in tasks]

    def trial(self, task: Task, conditions: Conditions) -> Answers:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Willshaw(ToySubject):
    """The associative matrix of Willshaw, autoassociative, with `active` of `size` cells."""

    active: Annotated[int, Count()] = 4

    def material(self, task: Task) -> NDArray[np.bool_]:
        rng = own_rng(task.seed, "material")
        items = np.zeros((task.n_items, self.size), np.bool_)
        for row in items:
            row[rng.choice(self.size, self.active, replace=False)] = True
        return items

    def trial(self, task: Task, conditions: Conditions) -> Answers:
        items, rng = self.material(task), own_rng(task.seed, "cues")
        synapses = np.zeros((self.size, self.size), np.bool_)
        wanted, got = [], []
        for event in task.script:
            item = items[event.item]
            if isinstance(event, Study):
                synapses |= np.outer(item, item)
            else:
                on = rng.permutation(np.flatnonzero(item))[round(event.cue_loss * self.active) :]
                off = rng.permutation(np.flatnonzero(~item))
                cue = np.concatenate([on, off[: round(event.wrong_bits * self.active)]])
                wanted.append(item)
                got.append(synapses[cue].all(axis=0))
        pair = (Patterns.from_dense(np.array(rows)) for rows in (wanted, got))
        return Answers.compared(*pair, costs=COSTS, numbers={"density": synapses.mean()})


def _lags(task: Task) -> list[tuple[Probe, int, int]]:
    """For each probe: the probe, its lag in studies of any kind (-1: novel), and repetitions."""
    last: dict[int, int] = {}
    times: dict[int, int] = {}
    n, found = 0, []
    for event in task.script:
        if isinstance(event, Study):
            n, last[event.item] = n + 1, n
            times[event.item] = times.get(event.item, 0) + 1
        else:
            lag = n - 1 - last[event.item] if event.item in last else -1
            found.append((event, lag, times.get(event.item, 0)))
    return found


@dataclass(frozen=True, kw_only=True)
class Fading(ToySubject):
    """Recalls an item with a probability that is known.

    That is `a` times a law of the lag with the parameter `b`, times the part of the cue that is
    there, times 1 - `read_noise`. What is drawn for a probe does not depend on the conditions.
    """

    law: Annotated[str, Choice("power", "exponential", "hyperbolic")] = "exponential"
    a: Annotated[float, Probability()] = 1.0
    b: Annotated[float, Quantity(low=0.0)] = 0.0
    least: Annotated[int, Count(low=0)] = 0
    """Studies that an item needs."""

    def chance(self, lag: Any) -> Any:
        lag = np.asarray(lag, float)
        return (
            self.a
            * {
                "power": (1 + lag) ** -self.b,
                "exponential": np.exp(-self.b * lag),
                "hyperbolic": 1 / (1 + self.b * lag),
            }[self.law]
        )

    def trial(self, task: Task, conditions: Conditions) -> Answers:
        rows = _lags(task)
        drawn = own_rng(task.seed, "answers").random(len(rows))
        there = np.array([1 - probe.cue_loss for probe, _, _ in rows])
        good = self.chance([lag for _, lag, _ in rows]) * there * (1 - conditions.read_noise)
        exact = (drawn < good) & np.array([times >= self.least for _, _, times in rows])
        right = np.where(exact, 4, 1)
        return Answers(right=right, missing=4 - right, extra=np.where(exact, 0, 2), n_bits=16)


@dataclass(frozen=True, kw_only=True)
class Palimpsest(ToySubject):
    """`size` slots; each new item takes a random one. Its share after n more: (1 - 1/size)^n."""

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise"})

    def trial(self, task: Task, conditions: Conditions) -> Answers:
        rng = own_rng(task.seed, "slots")
        slots = np.full(self.size, -1)
        found = []
        for event in task.script:
            if isinstance(event, Study):
                slots[rng.integers(self.size)] = event.item
            else:
                found.append((slots == event.item).any())
        held = np.array(found)
        right = np.where(held, 3, 0)
        return Answers(
            right=right, missing=3 - right, extra=0 * right, n_bits=9,
            familiarity=held.astype(float),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Traces(ToySubject):
    """Familiarity is normal, with mean `d` for studied items; positions are kept with errors.

    A pair at a distance n is judged right with the probability Phi(n / (sqrt(2) blur)).
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recognise", "order"})
    relearns: ClassVar[bool] = False
    d: Annotated[float, Quantity()] = 1.0
    blur: Annotated[float, Quantity(above=0.0)] = 4.0

    def trial(self, task: Task, conditions: Conditions) -> Answers:
        rng = own_rng(task.seed, "traces")
        rows = _lags(task)
        old = np.array([lag >= 0 for _, lag, _ in rows])
        first = [
            probe.item + self.blur * rng.normal() < probe.other + self.blur * rng.normal()
            for probe, _, _ in rows
        ]
        none = np.zeros(len(rows), np.int64)
        return Answers(
            right=none, missing=none, extra=none, n_bits=1,
            familiarity=rng.normal(self.d * old), first=np.array(first),
        )  # fmt: skip


def trials(
    experiment: Experiment, subject: Subject, n: int, conditions: Conditions | None = None
) -> list[Any]:
    """Outcomes of `n` trials."""
    experiment.check(subject)
    point = Conditions() if conditions is None else conditions
    tasks = [experiment.task(subject, seed) for seed in range(n)]
    runs = [subject.perform(tasks, each) for each in (point, *experiment.twins(point))]
    return [experiment.outcome(subject, *row) for row in zip(tasks, *runs, strict=True)]


def pooled(experiment: Experiment, outcomes: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
    """Sums of counts and means of numbers over trials."""
    found = {}
    for name in outcomes[0]:
        rows = np.array([outcome[name] for outcome in outcomes])
        if experiment.measure(name).kind.startswith("proportion"):
            found[name] = rows.sum(axis=0)
        else:
            known = ~np.isnan(rows)
            total = np.where(known, rows, 0.0).sum(axis=0)
            found[name] = np.where(
                known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan
            )
    return found
