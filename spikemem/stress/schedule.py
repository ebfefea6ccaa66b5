"""Which point of a sweep comes next, in which batches its trials run, and when it is finished."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .execute import CRASHES, Executor
from .experiments.base import Measure
from .plan import Plan
from .pooling import pooled_of
from .records import Column, Failure, Point, Times, column_of, key_of
from .work import Batch, Done

__all__ = ["Schedule"]

SYNAPSES = 2_000_000
"""Synapses of the trials that run in one batch, at most (one trial may have more)."""

TRIALS = 256
"""Trials of one batch, at most."""


@dataclass
class _Open:
    """A point that is being computed."""

    values: dict[str, Any]
    combination: int
    left: int
    """Batches that have not ended."""
    found: Done = field(default_factory=Done)
    processes: set[tuple[str, int]] = field(default_factory=set)
    died: bool = False


class Schedule:
    """The points of a plan that are not finished.

    Parameters
    ----------
    plan : Plan
        The sweep.
    points : mapping of str to Point
        Those that are finished, by their names.
    """

    def __init__(self, plan: Plan, points: Mapping[str, Point]) -> None:
        self.plan = plan
        self.points = dict(points)
        self.combinations = list(plan.combinations())
        self.searches: list[dict[Any, float]] = [{} for _ in self.combinations]
        self.open: dict[str, _Open] = {}
        if plan.search is not None:
            index = {key_of(values): k for k, values in enumerate(self.combinations)}
            for point in points.values():
                rest = {k: v for k, v in point.values.items() if k != plan.bisected}
                self._note(index[key_of(rest)], point)

    def begin(self, *, new_only: bool = False) -> list[dict[str, Any]]:
        """Points that can be computed at once; those that are finished too unless `new_only`."""
        found = []
        for k, values in enumerate(self.combinations):
            for point in self._ready(k) if new_only else self._ends(values):
                if not new_only or key_of(point) not in self.points:
                    found.append(point)
        return found

    def _ends(self, values: dict[str, Any]) -> list[dict[str, Any]]:
        search, name = self.plan.search, self.plan.bisected
        if search is None or name is None:
            return [values]
        whole = self.plan.space.is_whole(name)
        ends = (search.low, search.high)
        return [self._at(values, int(end) if whole else end) for end in ends]

    def _at(self, values: dict[str, Any], value: Any) -> dict[str, Any]:
        """A combination with a value of the bisected axis, in the order of the axes."""
        every = {**values, str(self.plan.bisected): value}
        return {name: every[name] for name in self.plan.axes}

    def _ready(self, k: int) -> list[dict[str, Any]]:
        """Points of a combination that can be computed now and are not."""
        search, name = self.plan.search, self.plan.bisected
        values = self.combinations[k]
        if search is None or name is None:
            return [] if self._is_known(values) else [values]
        ends = [end for end in self._ends(values) if not self._is_known(end)]
        if ends or any(key_of(end) in self.open for end in self._ends(values)):
            return ends
        value = search.next_value(self.searches[k], whole=self.plan.space.is_whole(name))
        point = None if value is None else self._at(values, value)
        return [] if point is None or self._is_known(point) else [point]

    def _is_known(self, values: dict[str, Any]) -> bool:
        return (key := key_of(values)) in self.points or key in self.open

    def run(
        self, executor: Executor, keep: Callable[[Point], None], report: Callable[[float], None]
    ) -> None:
        """Compute everything that is missing.

        Parameters
        ----------
        executor : Executor
            Where batches run.
        keep : callable
            Is given each point that is finished.
        report : callable
            Is given the fraction of points that are done.
        """
        queue: deque[Batch] = deque()
        waiting = deque(range(len(self.combinations)))
        report(self._fraction())
        while True:
            while executor.free():
                while not queue and waiting:
                    k = waiting.popleft()
                    for values in self._ready(k):
                        queue.extend(self._begun(values, k, executor.slots))
                if not queue:
                    break
                executor.submit(queue.popleft())
            ended = executor.wait()
            if not ended:
                return
            for batch, done in ended:
                point = self._gathered(batch, done)
                if point is not None:
                    keep(point)
                    waiting.append(self._finished(point))
                    report(self._fraction())

    def _fraction(self) -> float:
        search = self.plan.search
        if search is None:
            return len(self.points) / max(len(self.combinations), 1)
        most = search.most_points
        busy = {held.combination for held in self.open.values()}
        over = sum(
            min(len(found), most - 1) if k in busy or self._ready(k) else most
            for k, found in enumerate(self.searches)
        )
        return over / max(most * len(self.searches), 1)

    def _begun(self, values: dict[str, Any], k: int, slots: int) -> Iterator[Batch]:
        """The batches of a point."""
        parts, seeds = self.plan.parts(values), self.plan.seeds(values)
        size = self._batch_size(parts.subject, slots)
        starts = range(0, len(seeds), size)
        self.open[key_of(values)] = _Open(values, k, len(starts))
        for start in starts:
            chosen = tuple(seeds[start : start + size])
            yield Batch(key_of(values), parts, self.plan.measure, start, chosen)

    def _batch_size(self, subject: Any, slots: int) -> int:
        """Trials of one batch: as many as fit, but so few that no process waits."""
        trials = self.plan.trials
        try:
            synapses = max(int(subject.n_synapses), 1)
        except Exception:  # The trials report the error.
            synapses = 1
        size = max(1, min(trials, TRIALS, SYNAPSES // synapses))
        parallel = len(self.combinations) * (1 if self.plan.search is None else 2)
        shares = max(1, slots // max(parallel, 1)) if slots > 1 else 1
        return max(1, min(size, math.ceil(trials / shares)))

    def _gathered(self, batch: Batch, done: Done | None) -> Point | None:
        """The point of a batch, if that was its last one."""
        held = self.open[batch.point]
        held.left -= 1
        if done is None:
            held.died = True
        else:
            held.found.outcomes.update(done.outcomes)
            held.found.failures += done.failures
            held.found.facts = done.facts
            held.found.wall += done.wall
            held.found.cpu += done.cpu
            held.processes.add(done.process)
        return None if held.left else self._point(held)

    def _point(self, held: _Open) -> Point:
        found, trials = held.found, self.plan.trials
        times = Times(found.wall, found.cpu, max(len(held.processes), 1))
        if held.died:
            text = (
                f"The process that ran this point died {CRASHES} times without an error; it may "
                f"have run out of memory."
            )
            failures = tuple(Failure(number, text, "") for number in range(trials))
            return Point(held.values, np.empty(0, np.int64), {}, failures, {}, times)
        measures = dict(self.plan.experiment.measures)
        for outcome in found.outcomes.values():
            for name in outcome:
                measures.setdefault(name, Measure("mean", name))
        columns = {
            name: column
            for name, measure in measures.items()
            if (column := column_of(name, measure, found.outcomes)) is not None
        }
        failures = tuple(sorted(found.failures))
        facts = {**found.facts, "summary": self._summary(held.values, columns, measures)}
        done = np.array(sorted(found.outcomes), np.int64)
        return Point(held.values, done, columns, failures, facts, times)

    def _summary(
        self, values: dict[str, Any], columns: Mapping[str, Column], measures: Mapping[str, Measure]
    ) -> dict[str, float]:
        """Numbers of the experiment that follow from the pooled measures."""
        pooled = {name: pooled_of(column, measures[name].kind) for name, column in columns.items()}
        if not pooled:
            return {}
        summary = self.plan.parts(values).experiment.summary(pooled)
        return {str(name): float(value) for name, value in summary.items()}

    def _finished(self, point: Point) -> int:
        """Note a point that is finished; returns the number of its combination."""
        k = self.open.pop(key_of(point.values)).combination
        self.points[key_of(point.values)] = point
        self._note(k, point)
        return k

    def _note(self, k: int, point: Point) -> None:
        name, measure = self.plan.bisected, self.plan.measure
        if name is not None:
            kind = self.plan.experiment.measures[measure].kind
            self.searches[k][point.values[name]] = point.pooled(measure, kind)
