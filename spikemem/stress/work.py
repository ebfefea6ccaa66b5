"""Work of one process of a sweep: runs some trials of one point."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SpikememError
from .plan import Parts
from .records import Failure

__all__ = ["Batch", "Done", "carry_out"]

_LINES = 12
"""Lines of a traceback that are kept."""

_ONE_AT_A_TIME = threading.Lock()
"""Simulators have a global state: a process of several threads runs one batch at a time."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some trials of one point.

    Parameters
    ----------
    point : str
        Name of the point.
    parts : Parts
        What it runs.
    measure : str
        Measure whose theory is asked for.
    first : int
        Number of the first trial.
    seeds : tuple of int
        Seed of each trial.
    """

    point: str
    parts: Parts
    measure: str
    first: int
    seeds: tuple[int, ...]


@dataclass
class Done:
    """Outcomes and failures of a batch."""

    outcomes: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float = 0.0
    process: tuple[str, int] = ("", 0)


def carry_out(batch: Batch) -> Done:
    """Carry out the trials of a batch; a trial that fails leaves the others as they are."""
    with _ONE_AT_A_TIME, one_thread():
        wall, cpu = time.perf_counter(), time.process_time()
        done = Done(facts=_facts(batch), process=_process())
        numbers = range(batch.first, batch.first + len(batch.seeds))
        if len(batch.seeds) > 1:
            try:
                found = _together(batch.parts, batch.seeds)
            except Exception:  # One trial fails, or some: each is tried alone.
                found = []
            done.outcomes = dict(zip(numbers, found, strict=False))
        if not done.outcomes:
            for number, seed in zip(numbers, batch.seeds, strict=True):
                _alone(batch.parts, number, seed, done)
        done.wall, done.cpu = time.perf_counter() - wall, time.process_time() - cpu
        return done


def _alone(parts: Parts, number: int, seed: int, done: Done) -> None:
    try:
        (done.outcomes[number],) = _together(parts, (seed,))
    except Exception as error:
        lines = "".join(traceback.format_exception(error)).splitlines()
        text = str(error) if isinstance(error, SpikememError) else (
            f"{type(error).__name__}: {error}"
        )  # fmt: skip
        done.failures.append(Failure(number, _clean(text), _clean("\n".join(lines[-_LINES:]))))


def _together(parts: Parts, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Outcomes of trials that run side by side."""
    subject, experiment = parts.subject, parts.experiment
    tasks = [experiment.task(subject, seed) for seed in seeds]
    runs = [
        subject.perform(tasks, conditions)
        for conditions in (parts.conditions, *experiment.twins(parts.conditions))
    ]
    return [_plain(experiment.outcome(subject, *row)) for row in zip(tasks, *runs, strict=True)]


def _plain(outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): np.asarray(value, np.float64) for name, value in outcome.items()}


def _facts(batch: Batch) -> dict[str, Any]:
    """Sizes of the subject, and the laws that apply to it."""
    subject = batch.parts.subject
    try:
        theory = {str(k): float(v) for k, v in subject.theory(batch.measure).items()}
        return {
            "scale": float(subject.scale),
            "n_synapses": int(subject.n_synapses),
            "n_neurons": int(subject.n_neurons),
            "theory": theory,
        }
    except Exception:  # The trials report the error.
        return {}


def _process() -> tuple[str, int]:
    import os
    import platform

    return platform.node(), os.getpid()


def _clean(text: str) -> str:
    """Text that a file can hold."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for the libraries of linear algebra: sums have the same order everywhere."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
