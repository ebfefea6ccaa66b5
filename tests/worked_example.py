"""A model of one's own, from nothing to the contract: the worked example of CONTRIBUTING.md.

A pair memory stores pairs of patterns in binary weights (Willshaw, Buneman and Longuet-Higgins,
1969). Asked for the partner of a pattern, a cell of the output answers if enough of the pattern's
active bits are connected to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

import h5py
import numpy as np

import spikemem as sm
from spikemem.checks import Count, checked
from spikemem.codes import PatternLike, Patterns, as_patterns
from spikemem.errors import DescriptionError
from spikemem.hdf5 import read_array
from spikemem.models import Stored, StoredModel

PERIOD = 40.0
"""From one question to the next, ms: four time constants, so that the cells are at rest again."""
CELL = sm.LIF(tau_m=10.0, cm=1.0, tau_syn_E=2.0, v_rest=0.0, v_reset=0.0, tau_refrac=20.0)


def peak() -> float:
    """Largest potential after one spike through a weight of 1 nA, mV.

    An exponential current of time constant s into a membrane of time constant m gives
    v(t) = s m / (m - s) (exp(-t / m) - exp(-t / s)) / C, largest at t = log(m / s) s m / (m - s).
    """
    m, s = CELL.tau_m, CELL.tau_syn_E
    rate = s * m / (m - s)
    t = np.log(m / s) * rate
    return float(rate * (np.exp(-t / m) - np.exp(-t / s)) / CELL.cm)


class PairMemory(StoredModel):
    """Pairs of patterns in binary weights.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Cells of a question and of an answer.
    threshold : int
        Active bits of the question that must be connected to a cell that answers.

    Examples
    --------
    >>> memory = PairMemory(8, 4, threshold=2).store([{0, 1}, {2, 3}], [{0}, {1, 2}])
    >>> sm.run(memory, [{0, 1}, {2, 3}, {0, 3}], backend="native")
    [frozenset({0}), frozenset({1, 2}), frozenset()]
    """

    plastic: ClassVar[Mapping[str, str]] = {"pairs": "which input bits are stored with each output"}

    @checked
    def __init__(
        self,
        n_inputs: Annotated[int, Count()],
        n_outputs: Annotated[int, Count()],
        *,
        threshold: Annotated[int, Count()] = 3,
    ) -> None:
        self.n_inputs, self.n_outputs, self.threshold = n_inputs, n_outputs, threshold
        self.weights = np.zeros((n_inputs, n_outputs), np.bool_)

    @checked
    def store(self, questions: PatternLike, partners: PatternLike) -> Self:
        """Store the partner of each question.

        Raises
        ------
        DescriptionError
            Not as many partners as questions, or bits that the memory does not have.
        """
        x = as_patterns(questions, self.n_inputs, "PairMemory.store: questions").to_dense()
        y = as_patterns(partners, self.n_outputs, "PairMemory.store: partners").to_dense()
        if len(x) != len(y):
            raise DescriptionError(
                f"PairMemory.store: partners must be as many as questions ({len(x)}), got {len(y)}."
            )
        self.weights |= x.T @ y
        return self

    def _questions(self, trials: Iterable[Any]) -> Patterns:
        return as_patterns(trials, self.n_inputs, "PairMemory: trials")

    def build(self, trials: Iterable[Any], **options: Any) -> sm.Network:
        """The network that is asked one question every 40 ms."""
        asked = self._questions(trials)
        spikes = sm.SpikeTrains(
            ids=asked.indices,
            times=1.0 + PERIOD * asked.owners,
            size=self.n_inputs,
            duration=PERIOD * max(len(asked), 1),
        )
        v_thresh = (self.threshold - 0.5) * peak()
        cell = replace(CELL, v_thresh=v_thresh)
        question = sm.Population("question", sm.SpikeSource(spikes))
        answer = sm.Population("answer", self.n_outputs, cell)
        i, j = np.nonzero(self.weights)
        pairs = sm.Projection("pairs", question, answer, i=i, j=j, weight=1.0, delay=1.0)
        return sm.Network([question, answer], [pairs], dt=0.1)

    def decode(
        self, recording: sm.Recording, trials: Iterable[Any], **options: Any
    ) -> list[frozenset[int]]:
        """The cells that answered each question."""
        spikes = recording["answer"]
        asked = (spikes.times // PERIOD).astype(int)
        return [
            frozenset(spikes.ids[asked == k].tolist()) for k in range(len(self._questions(trials)))
        ]

    def expected(self, trials: Iterable[Any]) -> list[frozenset[int]]:
        """The same answers by counting, without spikes."""
        counts = self._questions(trials).to_dense().astype(int) @ self.weights
        return [frozenset(np.flatnonzero(row >= self.threshold).tolist()) for row in counts]

    def after(self, recording: sm.Recording, trials: Iterable[Any]) -> Self:
        """The memory itself: asking changes nothing."""
        return self

    def arguments(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {
            "n_inputs": self.n_inputs, "n_outputs": self.n_outputs, "threshold": self.threshold,
        }  # fmt: skip

    def arrays(self) -> dict[str, Stored]:
        """The weights."""
        return {"weights": Stored(self.weights.astype(np.int8))}

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """The memory that a file holds."""
        memory = cls(**arguments)
        shape = memory.weights.shape
        memory.weights = read_array(arrays, "weights", "int", shape, low=0, high=1).astype(np.bool_)
        return memory
