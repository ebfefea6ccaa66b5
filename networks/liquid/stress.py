"""Stress tests of liquid state machines: memory of a stream, and random labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Flag, Optional, Probability, Quantity
from ...errors import DescriptionError, UnsupportedError
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.running import run_models
from ...stress.subject import Subject, Task, own_rng
from .measures import generalisation_rank, kernel_quality, poisson_streams
from .model import LiquidStateMachine
from .parameters import DenseLiquid, MaassLiquid
from .stress_device import Held
from .stress_streams import Labels, Memory, StressTrial

__all__ = ["LiquidSubject"]


@dataclass(frozen=True, kw_only=True)
class LiquidSubject(Subject):
    """A liquid that receives a stream, and linear readouts that are tested on its states.

    The state of the liquid is the spike count of every neuron in a window of time.

    - ``task="memory"``: an item is one value of the stream, of `bits` random binary digits, and
      studying it is showing it for `hold` steps. A test asks for the digits of an item that was
      shown k values ago, which a readout for the delay k reads from the present state. The readouts
      are trained on `n_train` values that come before. There is no cue.
    - ``task="labels"``: an item is a random spike pattern with a random label out of `n_classes`.
      The readout is trained on all that were studied so far; a test shows an item, whole or with
      spikes that are missing (`cue_loss`) or new (`wrong_bits`), and asks for its label. With
      `reset` the liquid begins every pattern at rest, as in :meth:`.LiquidStateMachine.fit`.

    Further measures of a trial: ``memory_capacity`` (task "memory": Jaeger's sum of squared
    correlations over 1 to `delays` values, on the second half of the training stream),
    ``input_exact`` (fraction of right answers of the same readouts of the input alone), and with
    `ranks` ``kernel_rank`` and ``generalisation_rank``. Task "labels": ``state_rank``, the rank of
    the states of the studied patterns about their mean.

    Parameters
    ----------
    task : {"memory", "labels"}
        Whether values of a stream or labels of patterns are remembered.
    liquid : {"dense", "maass"}
        :class:`.DenseLiquid`, or :class:`.MaassLiquid` on a grid of ``n_neurons / 9`` x 3 x 3.
    n_inputs, n_neurons : int
        Number of input channels and of neurons.
    constant, decay, v_thresh : float
        As in :class:`.DenseLiquid`, where `v_thresh` is the threshold.
    spectral_radius : float, optional
        Radius of the circle in which the eigenvalues of the recurrent weights lie, in thresholds:
        ``constant * recurrent_sd * sqrt(200) / v_thresh`` for large dense liquids. It sets the SD
        of the recurrent weights and leaves the input weights. Default: the published SD, a radius
        of 1.32 at the other defaults. A liquid fires and is reset, so 1 is no border of stability.
    lam : float
        Length constant of the connections of a "maass" liquid.
    bits : int
        Number of digits of a value. Each digit has its own channels: half of them code 1, half 0.
    hold : int
        Number of steps for which a value is shown.
    p_max : float
        Probability of a spike in a step, of an active channel ("memory") or any channel ("labels").
    n_train : int
        Number of values on which the readouts for delays are trained.
    delays : int
        Longest delay of the memory capacity, in values.
    n_classes : int
        Number of labels.
    n_steps, gap : int
        Number of steps of a pattern, and of silent steps after it.
    reset : bool
        Whether the liquid begins every pattern at rest. If not, it continues from the state after
        the pattern before.
    spread : float
        SD of the random shift of every spike each time an item is shown, in steps.
    penalty : float
        Strength of the ridge penalty of the readout of labels.
    ranks : bool
        Whether the kernel and the generalisation rank are also measured, with `n_streams` streams.
    n_streams : int
        Number of streams, as in :func:`.poisson_streams`, and number of jittered copies.
    """

    unit: ClassVar[str] = "values"
    aliases: ClassVar[dict[str, str]] = {"size": "n_neurons", "N": "n_neurons"}

    task: Literal["memory", "labels"] = "memory"
    liquid: Literal["dense", "maass"] = "dense"
    n_inputs: Annotated[int, Count(low=2, high=2**16)] = 16
    n_neurons: Annotated[int, Count(high=2**16)] = 200
    constant: Annotated[float, Quantity(above=0.0)] = 0.07
    decay: Annotated[float, Quantity(low=0.01, high=0.998)] = 0.9
    v_thresh: Annotated[float, Quantity(above=0.0)] = 5.0
    spectral_radius: Annotated[float | None, Optional(Quantity(low=0.0))] = None
    lam: Annotated[float, Quantity(low=0.0)] = 2.0
    bits: Annotated[int, Count(high=2**10)] = 1
    hold: Annotated[int, Count(high=2**16)] = 5
    p_max: Annotated[float, Probability()] = 0.4
    n_train: Annotated[int, Count(low=50, high=2**20)] = 1000
    delays: Annotated[int, Count(high=2**10)] = 20
    n_classes: Annotated[int, Count(low=2, high=2**10)] = 2
    n_steps: Annotated[int, Count(high=2**16)] = 30
    gap: Annotated[int, Count(low=0, high=2**16)] = 10
    reset: Annotated[bool, Flag()] = True
    spread: Annotated[float, Quantity("1", low=0.0)] = 0.0
    penalty: Annotated[float, Quantity(above=0.0)] = 1.0
    ranks: Annotated[bool, Flag()] = False
    n_streams: Annotated[int, Count(low=2, high=2**14)] = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.liquid == "maass" and self.n_neurons % 9:
            raise DescriptionError(
                f"LiquidSubject: n_neurons of a 'maass' liquid must be a multiple of 9 (a grid of "
                f"n x 3 x 3), got {self.n_neurons}."
            )
        if self.n_inputs < 2 * self.bits:
            raise DescriptionError(
                f"LiquidSubject: n_inputs must be at least 2 for each of bits={self.bits}, got "
                f"{self.n_inputs}."
            )
        if self.n_train < 2 * self.delays + 10:
            raise DescriptionError(
                f"LiquidSubject: n_train must be at least 2 * delays + 10 = "
                f"{2 * self.delays + 10}, got {self.n_train}."
            )

    @property
    def scale(self) -> float:
        """Items at load 1: the number of neurons, which bounds the linear memory capacity."""
        return float(self.n_neurons)

    @property
    def n_synapses(self) -> int:
        """Number of weights of the readout: one for each neuron and each digit or class."""
        outputs = self.bits if self.task == "memory" else self.n_classes
        return self.n_neurons * outputs

    def model(self, seed: int, **options: Any) -> LiquidStateMachine:
        """Return the liquid, with an untrained readout."""
        made = self._dense() if self.liquid == "dense" else self._maass()
        return LiquidStateMachine(
            self.n_inputs,
            self.n_neurons,
            liquid=made,
            seed=seed,
            **options,
        )

    def _dense(self) -> DenseLiquid:
        more: dict[str, Any] = {}
        if self.spectral_radius is not None:
            unit = self.constant * math.sqrt(200.0) / self.v_thresh
            more = {"recurrent_sd": self.spectral_radius / unit}
        return DenseLiquid(
            constant=self.constant, decay=self.decay, threshold=self.v_thresh, **more
        )

    def _maass(self) -> MaassLiquid:
        return MaassLiquid(shape=(self.n_neurons // 9, 3, 3), lam=self.lam)

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials; see :meth:`spikemem.stress.subject.Subject.perform`."""
        kind = Memory if self.task == "memory" else Labels
        trials: list[StressTrial] = [kind(self, task) for task in tasks]
        models = [
            self.model(_seed(task.seed, "model"), bins=trial.bins)
            for task, trial in zip(tasks, trials, strict=True)
        ]
        if conditions.backend == "expected":
            found = [m.states(t.samples) for m, t in zip(models, trials, strict=True)]
            costs: list[dict[str, float]] = [{} for _ in tasks]
        else:
            found, costs = self._run(models, trials, conditions)
        answers = []
        for trial, states, model, cost in zip(trials, found, models, costs, strict=True):
            more = self._ranks(model, trial.seed, conditions) if self.ranks else {}
            answers.append(trial.answers(_counts(states, trial), cost, more))
        return answers

    def _run(
        self, models: list[Any], trials: list[StressTrial], conditions: Conditions
    ) -> tuple[list[NDArray[Any]], list[dict[str, float]]]:
        """Return the states of the spiking network, and the costs of the runs."""
        seeds = [_seed(trial.seed, "run") for trial in trials]
        if self.task == "labels" and self.reset:
            # Every sample has a copy of the liquid; all copies are one liquid on one device.
            held = Held(conditions)
            models = [m.on_device(held, seed=s) for m, s in zip(models, seeds, strict=True)]
            conditions = held.rest
        samples: list[Any] = [trial.samples for trial in trials]
        how = {"answer": "states", "integrator": conditions.integrator}
        runs = run_models(models, samples, conditions, seeds, build=how)
        # The operations are those of the script, not the samples of a run.
        costs = [{k: v for k, v in run.costs.items() if k != "operations"} for run in runs]
        return [np.stack(run.answers) for run in runs], costs

    def _ranks(
        self, model: LiquidStateMachine, seed: int, conditions: Conditions
    ) -> dict[str, float]:
        """Return the kernel and the generalisation rank of streams that begin at rest."""
        backend: Any = None if conditions.backend == "expected" else conditions.backend
        if conditions != Conditions(backend=conditions.backend, integrator=conditions.integrator):
            raise UnsupportedError(
                "stress: the ranks of a liquid are measured without noise and devices; leave these "
                "conditions out, or set ranks=False."
            )

        def respond(spikes: NDArray[Any]) -> NDArray[Any]:
            return model.spikes(spikes, backend=backend)

        streams = poisson_streams(
            self.n_streams, n_channels=self.n_inputs, seed=_seed(seed, "streams")
        )
        jitter = _seed(seed, "jitter of the streams")
        return {
            "kernel_rank": float(kernel_quality(respond, streams)),
            "generalisation_rank": float(generalisation_rank(respond, streams, seed=jitter)),
        }

    def theory(self, measure: str) -> dict[str, float]:
        """Return Cover's capacity of a linear readout and that of least squares, or Jaeger's bound.

        Labels: ``2 N`` random patterns of two classes can be separated (Cover 1965). Least squares
        answers ``Phi(sqrt(h / (1 - h)))`` of n of them as they were taught, ``h = N / n``, which
        is 0.9 at ``n = 1.61 N``. Both hold for states of full rank; of rank r, N is ``r + 1``.
        Memory: Jaeger's bound of the memory capacity is N.
        """
        if self.task == "memory":
            bound = {"value: Jaeger's bound N": float(self.n_neurons)}
            return bound if measure == "memory_capacity" else {}
        laws = {"load: Cover, 2 N": 2.0, "load: least squares, 90 % right": 1.0 / LEAST_SQUARES}
        return laws if self.n_classes == 2 else {}

    @property
    def n_windows_before(self) -> int:
        """Number of windows before the first item: unused values and training values."""
        return WASHOUT + self.n_train if self.task == "memory" else 0

    @property
    def window(self) -> int:
        """Number of steps of one window."""
        return self.hold if self.task == "memory" else self.n_steps + self.gap


WASHOUT = 20
"""Number of values that a liquid receives before its states are used."""

LEAST_SQUARES = 0.6216
"""Solution h of ``Phi(sqrt(h / (1 - h))) = 0.9``."""


def _seed(seed: int, purpose: str) -> int:
    return int(own_rng(seed, purpose).integers(2**31))


def _counts(states: NDArray[Any], trial: StressTrial) -> NDArray[np.float64]:
    """Return spike counts, shape (n_windows, n_neurons)."""
    return np.asarray(states, dtype=np.float64).reshape(trial.n_windows, -1)
