"""A kind of memory under test: what it stores, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from ..checks import check_fields
from ..errors import UnsupportedError
from .answers import Answers
from .conditions import Conditions

__all__ = ["Event", "Probe", "Study", "Subject", "Task"]

Question = Literal["recall", "recognise", "order"]
"""What a probe can ask: the content of an item, whether it was studied, which of two came first."""


class Study(NamedTuple):
    """The memory learns one item."""

    item: int
    """Index into the material."""


class Probe(NamedTuple):
    """The memory is asked about one item."""

    item: int
    """Index into the material; an item that was never studied is a novel one."""
    question: Question = "recall"
    other: int = -1
    """The second item of a question about order."""
    cue_loss: float = 0.0
    """Fraction of the cue's active bits that are missing, 0 to 1."""
    wrong_bits: float = 0.0
    """Number of wrong active bits in the cue, as a fraction of its active bits, 0 to 1."""


Event = Study | Probe
"""One step of a script."""


class Task(NamedTuple):
    """One trial: material, and a script of what the memory learns and is asked, in this order."""

    n_items: int
    """Number of items of the material, those that are never studied included."""
    script: Sequence[Event]
    seed: int
    """For everything that the trial draws: material, model, cues, disturbances."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Base of the subjects: a model class with its settings, put to the test.

    A subclass is a frozen dataclass. Each of its fields declares its kind and has a default, and
    each is an axis that a sweep can vary. A model class names its subject in its attribute
    ``subject`` (the class itself, or ``"module:Class"``).

    Raises
    ------
    DescriptionError
        A setting is not of its kind.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall"})
    """Questions that the model can answer; an experiment says which one it asks."""
    relearns: ClassVar[bool] = True
    """Whether the model can study an item again, and items after a test."""
    spiking: ClassVar[bool] = True
    """Whether the model becomes a network of spiking cells; else only backend "expected" runs."""
    backend: ClassVar[str] = "expected"
    """Backend of a sweep that names none, see :class:`.Conditions`."""
    follows: ClassVar[frozenset[str]] = frozenset()
    """Fields of the conditions that the model follows under backend "expected", without spikes."""
    unit: ClassVar[str] = "items"
    """What an item is, in the plural: patterns, sequences, tasks, ..."""
    aliases: ClassVar[dict[str, str]] = {}
    """Other names of this subject's axes: name -> axis."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def scale(self) -> float:
        """Number of items at load 1 (cues of a CA3 memory, cells of a Hopfield network, ...)."""
        raise NotImplementedError

    @property
    def n_synapses(self) -> int:
        """Number of synapses that hold what is stored."""
        raise NotImplementedError

    @property
    def n_neurons(self) -> int:
        """Number of neurons of the memory, inputs left out."""
        raise NotImplementedError

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials; one table of answers a trial, one row for each :class:`Probe`.

        The result for a task does not depend on the other tasks. Several tasks may run in one
        simulation (``spikemem.stress.running.run_models``).

        Raises
        ------
        DescriptionError, UnsupportedError
            A task that this model or these conditions cannot carry out.
        """
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Settings, sizes and units as plain data."""
        from dataclasses import asdict

        return {"subject": type(self).__name__, **asdict(self)}

    def theory(self, measure: str) -> dict[str, float]:
        """Published laws that apply to these settings: name -> value of a measure or of a load.

        A key that begins with ``"load: "`` names a load (a vertical line in a plot against load),
        one that begins with ``"value: "`` a value of the measure (a horizontal line).
        """
        return {}

    def require(self, question: str, experiment: str) -> None:
        """Refuse an experiment that asks what this model cannot answer."""
        if question not in self.questions:
            raise UnsupportedError(
                f"stress: experiment {experiment!r} asks the question {question!r}, which "
                f"{type(self).__name__} cannot answer; it answers: "
                f"{', '.join(sorted(self.questions))}."
            )


def own_rng(seed: int, *purpose: str | int) -> np.random.Generator:
    """Random generator of one purpose of a trial."""
    from ..streams import stream

    return stream(seed, "stress", *purpose)
