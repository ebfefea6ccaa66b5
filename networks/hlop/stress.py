"""Stress test of continual learners: how many tasks they keep."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from ...checks import Choice, Count, Flag, NameOf, Optional, Probability, Quantity
from ...errors import DescriptionError, UnsupportedError
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.running import Run, run_models
from ...stress.subject import Subject, Task, own_rng
from .parameters import CubaNeuron, DSRNeuron, LIFNeuron, Ranks
from .strategies import STRATEGIES

if TYPE_CHECKING:
    from .model import HLOPClassifier
    from .stress_trials import Asked, StressTrial

__all__ = ["HLOPSubject"]

_DIGITS = (64, 10)
"""Pixels and classes of scikit-learn's digits."""

_TOTALS = ("spikes", "synaptic_operations", "duration", "operations", "energy")


@dataclass(frozen=True, kw_only=True)
class HLOPSubject(Subject):
    """Tasks that a network learns one after another, and is tested on.

    An item is a task of `n_classes` classes. Studying it is learning its `samples` training samples
    in `epochs` passes; a test asks for the class of `tests` samples that are not learnt. The bits
    of an answer are these samples: those that are classified rightly, and the others, each of which
    is a bit that is missing and one that is extra. The answer is exact as a whole if at least the
    fraction `pass_mark` of the samples is right.

    `cue_loss` sets a fraction of the inputs of every test sample to the value of no brightness;
    `wrong_bits` replaces a fraction of them by those of other samples of the test. "recognise":
    the fraction of the activity of the test that the subspaces capture, the mean over the layers
    (methods "hlop" and "svd").

    Further measures of a trial: ``accuracy`` (mean over the tests), ``accuracy_when_learnt`` (of
    the tasks tested, directly after each was studied last), and ``backward_transfer``, the
    difference of the two.

    Parameters
    ----------
    data : {"digits", "gaussian"}
        "digits": scikit-learn's digits, in each task with their pixels in another order; the last
        sixth of the images is for tests. "gaussian": classes drawn anew for every task, normal
        with unit variance about random centres at the distance `separation` from 0.
    n_inputs, n_classes : int
        Sizes of "gaussian" tasks. The digits have 64 pixels and 10 classes.
    separation : float
        Distance of the class centres from 0, for "gaussian".
    samples, tests : int
        Number of training and of test samples of a task. There are 1498 and 299 digits.
    hidden, n_hidden : int
        Number of neurons of a hidden layer, and number of hidden layers.
    method, trainer, heads
        As in :class:`.HLOPClassifier`; "naive" learns without subspaces.
    spiking_form : bool
        Whether the neurons are those that every backend has (:meth:`.CubaNeuron.halving`, trainer
        "bptt"), which is what backends other than "expected" need. Samples are then from 0 to 1.
    n_time_steps : int, optional
        Time steps of a sample. Default: that of the neuron.
    first_rank, further_rank : float, optional
        Rows of a layer's subspace for the first and each further task, as a fraction of the
        layer's inputs. Default: those published for PMNIST, in proportion.
    epochs, batch, learning_rate
        As in :class:`.HLOPClassifier`.
    pass_mark : float
        Accuracy at and above which a task counts as kept.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise"})
    unit: ClassVar[str] = "tasks"
    aliases: ClassVar[dict[str, str]] = {"n_tasks": "n_items"}

    data: Annotated[str, Choice("digits", "gaussian")] = "digits"
    n_inputs: Annotated[int, Count(high=2**16)] = 64
    n_classes: Annotated[int, Count(low=2, high=2**10)] = 10
    separation: Annotated[float, Quantity(low=0.0)] = 8.0
    samples: Annotated[int, Count(high=2**24)] = 400
    tests: Annotated[int, Count(high=2**24)] = 100
    hidden: Annotated[int, Count(high=2**16)] = 100
    n_hidden: Annotated[int, Count(high=100)] = 1
    method: Annotated[str, NameOf(STRATEGIES, "method")] = "hlop"
    trainer: Annotated[str, Choice("dsr", "bptt", "ottt")] = "dsr"
    heads: Literal["domain", "task"] = "domain"
    spiking_form: Annotated[bool, Flag()] = False
    n_time_steps: Annotated[int | None, Optional(Count(high=10_000))] = None
    first_rank: Annotated[float | None, Optional(Probability())] = None
    further_rank: Annotated[float | None, Optional(Probability())] = None
    epochs: Annotated[int, Count(high=10_000)] = 5
    batch: Annotated[int, Count(high=2**20)] = 32
    learning_rate: Annotated[float, Quantity(above=0.0)] = 0.1
    pass_mark: Annotated[float, Probability()] = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data == "digits" and (self.n_inputs, self.n_classes) != _DIGITS:
            raise DescriptionError(
                f"HLOPSubject: digits have {_DIGITS[0]} inputs and {_DIGITS[1]} classes, got "
                f"n_inputs={self.n_inputs} and n_classes={self.n_classes}; other sizes need "
                f"data='gaussian'."
            )
        if self.data == "digits" and (self.samples > MOST_SAMPLES or self.tests > MOST_TESTS):
            raise DescriptionError(
                f"HLOPSubject: there are {MOST_SAMPLES} digits to learn and {MOST_TESTS} to test "
                f"with, got samples={self.samples} and tests={self.tests}."
            )
        if self.spiking_form and self.trainer == "ottt":
            raise DescriptionError(
                "HLOPSubject: neurons of the spiking form are trained by 'bptt', got "
                "trainer='ottt'; leave trainer out."
            )

    @property
    def layers(self) -> tuple[int, ...]:
        """Inputs, hidden neurons, and classes of a task."""
        return (self.n_inputs, *(self.hidden,) * self.n_hidden, self.n_classes)

    @property
    def ranks(self) -> Ranks:
        """Number of rows of the subspace of each layer."""
        sizes = self.layers[:-1]
        usual = Ranks.scaled(sizes)
        first, further = usual.first, usual.further
        if self.first_rank is not None:
            first = tuple(round(self.first_rank * n) for n in sizes)
        if self.further_rank is not None:
            further = (tuple(round(self.further_rank * n) for n in sizes),)
        return Ranks(first=first, further=further)

    @property
    def scale(self) -> float:
        """Largest number of tasks whose subspaces fit into every layer (load 1), at most 1000.

        It is the same for methods without subspaces, so that loads can be compared.
        """
        ranks, left, n = self.ranks, list(self.layers[:-1]), 0
        while n < MOST_TASKS:
            left = [size - rank for size, rank in zip(left, ranks.of_task(n), strict=True)]
            if min(left) < 0:
                break
            n += 1
        return float(max(n, 1))

    @property
    def n_synapses(self) -> int:
        """Number of weights of all layers, with one head."""
        return sum(a * b for a, b in itertools.pairwise(self.layers))

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons and outputs."""
        return sum(self.layers[1:])

    def model(self, seed: int) -> HLOPClassifier:
        """Return a network that has learnt nothing."""
        from .model import HLOPClassifier

        more: dict[str, Any] = {"trainer": self.trainer}
        steps: dict[str, Any] = {} if self.n_time_steps is None else {"steps": self.n_time_steps}
        if self.spiking_form:
            more = {"trainer": "bptt", "neuron": CubaNeuron.halving(**steps)}
        elif steps:
            more["neuron"] = (DSRNeuron if self.trainer == "dsr" else LIFNeuron)(**steps)
        return HLOPClassifier(
            self.layers, method=self.method, heads=self.heads, ranks=self.ranks,
            learning_rate=self.learning_rate, batch=self.batch, epochs=self.epochs, seed=seed,
            **more,
        )  # fmt: skip

    def require(self, question: str, experiment: str) -> None:
        """Raise UnsupportedError for recognition by a method without subspaces."""
        super().require(question, experiment)
        if question == "recognise" and self.method not in ("hlop", "svd"):
            raise UnsupportedError(
                f"stress: experiment {experiment!r} asks a learner what it knows, which it reads "
                f"from its subspaces; method {self.method!r} has none, use 'hlop' or 'svd'."
            )

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials; see :meth:`spikemem.stress.subject.Subject.perform`.

        Raises
        ------
        BackendMissing
            If PyTorch is not installed.
        UnsupportedError
            If the backend does not have the neurons of the network.
        """
        from .stress_trials import StressTrial

        if conditions.backend != "expected" and not self.spiking_form:
            raise UnsupportedError(
                f"HLOPSubject: the neurons of trainer {self.trainer!r} run on backend 'expected' "
                f"alone, got {conditions.backend!r}; set spiking_form=True."
            )
        trials = [StressTrial(self, task) for task in tasks]
        asked = [(trial, part) for trial in trials for part in trial.parts()]
        if self.spiking_form:
            self._run(asked, conditions)
        else:
            for trial, part in asked:
                trial.read(part, part.model.predict(part.x, part.head))
        return [trial.answers() for trial in trials]

    def _run(self, asked: list[tuple[StressTrial, Asked]], conditions: Conditions) -> None:
        """Run the tests on the spiking form, with one call for each head."""
        for head in sorted({part.head or 0 for _, part in asked}):
            mine = [(trial, part) for trial, part in asked if (part.head or 0) == head]
            how: dict[str, Any] = {"samples": "in turn", "integrator": conditions.integrator}
            if self.heads == "task":
                how["task"] = head
            samples: list[Any] = [part.x for _, part in mine]
            runs = run_models(
                [part.model for _, part in mine], samples, conditions,
                [_seed(trial.task.seed, "run", part.first) for trial, part in mine], build=how,
            )  # fmt: skip
            for (trial, part), run in zip(mine, runs, strict=True):
                trial.read(part, run.answers)
                trial.costs = _together(trial.costs, run, len(part.rows))

    def theory(self, measure: str) -> dict[str, float]:
        """Return the load at which the subspaces fill a layer, and the chance level."""
        laws = {"load: subspaces are full": 1.0} if self.method in ("hlop", "svd") else {}
        if measure == "accuracy":
            laws["value: chance"] = 1.0 / self.n_classes
        return laws


MOST_TASKS = 1000
"""Largest number of tasks at load 1."""

MOST_SAMPLES, MOST_TESTS = 1498, 299
"""Number of digits to learn, and of digits to test with."""


def _seed(seed: int, *purpose: str | int) -> int:
    return int(own_rng(seed, *purpose).integers(2**31))


def _together(costs: dict[str, float], run: Run, n_probes: int) -> dict[str, float]:
    """Merge the costs of two runs of one memory. Totals are added, and sizes stay.

    An operation is a probe with all its samples. Learning is not a spiking run.
    """
    return costs | {
        name: value + costs.get(name, 0.0) if name in _TOTALS else value
        for name, value in (run.costs | {"operations": float(n_probes)}).items()
    }
