"""The Willshaw memory has binary synapses, which pairs of active cells set to 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Probability, checked
from ...codes import PatternLike, Patterns, as_patterns
from ...errors import DescriptionError
from ...hdf5 import read_array
from ...limits import require_memory
from ...models import Stored
from ...streams import Seed, stream
from .base import ReferenceMemory
from .references import KNOBLAUCH, PALM, WILLSHAW

__all__ = ["WillshawMemory"]

Threshold = Literal["cue", "winners"]

_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)
"""Number of ones in each byte."""


class WillshawMemory(ReferenceMemory):
    """Willshaw memory: a synapse is 1 if its two cells were active together in any stored pair.

    With `n_outputs` the memory maps patterns to other patterns (hetero-associative). Without it,
    each pattern is stored with itself (auto-associative), and a fragment recalls the whole pattern.

    Parameters
    ----------
    n_inputs : int
        Number of input cells.
    n_outputs : int, optional
        Number of output cells. Default: the inputs are the outputs.
    threshold : {"cue", "winners"}
        "cue": an output cell is active if all active cells of the cue have a synapse to it.
        "winners": the `n_winners` output cells with the most synapses are active, together with
        the cells that tie with the last of them. This rule tolerates wrong bits in the cue.
    n_winners : int, optional
        Number of winners, for threshold "winners". Default: the rounded mean number of active
        cells of the stored outputs.
    steps : int
        Largest number of steps of an auto-associative recall. Each step begins with the answer of
        the step before, and the recall ends when the answer no longer changes.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or if the synapses do not fit into the computer's memory.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969); Palm, Biol. Cybern. 36, 19 (1980).

    Examples
    --------
    >>> from spikemem.codes import drop_bits, random_patterns
    >>> words, meanings = (random_patterns(500, size=1000, active=10, seed=k) for k in (1, 2))
    >>> memory = WillshawMemory(1000, 1000).store(words, meanings)
    >>> memory.recall(words) == meanings
    True
    >>> memory = WillshawMemory(1000).store(words)
    >>> memory.recall(drop_bits(words, 0.5)) == words
    True
    """

    bibtex: ClassVar[tuple[str, ...]] = (WILLSHAW, PALM, KNOBLAUCH)
    view: ClassVar[str] = "spikemem.networks.reference.figures:willshaw_view"

    @checked
    def __init__(
        self,
        n_inputs: Annotated[int, Count(high=10**7)],
        n_outputs: Annotated[int, Count(high=10**7)] | None = None,
        *,
        threshold: Threshold = "cue",
        n_winners: Annotated[int, Count()] | None = None,
        steps: Annotated[int, Count(high=100_000)] = 1,
    ) -> None:
        where = "WillshawMemory"
        n_columns = n_inputs if n_outputs is None else n_outputs
        if n_winners is not None and (threshold != "winners" or n_winners > n_columns):
            raise DescriptionError(
                f'{where}: n_winners needs threshold="winners" and at most {n_columns} cells, got '
                f'{n_winners} with threshold="{threshold}".'
            )
        if steps > 1 and n_outputs is not None:
            raise DescriptionError(
                f"{where}: steps={steps} needs an auto-associative memory; leave out n_outputs."
            )
        width = math.ceil(n_columns / 8)
        require_memory(float(n_inputs) * width, f"{where}: {n_inputs} x {n_columns} synapses",
                       "Use fewer cells.")  # fmt: skip
        self.n_inputs, self.n_outputs = n_inputs, n_outputs
        self.threshold, self.n_winners, self.steps = threshold, n_winners, steps
        self.n_patterns = self.n_active = 0
        self._rows = np.zeros((n_inputs, width), np.uint8)  # one bit for each synapse

    @property
    def output_size(self) -> int:
        """Number of output cells."""
        return self.n_inputs if self.n_outputs is None else self.n_outputs

    @property
    def n_synapses(self) -> int:
        """Number of synapses, including those that are 0."""
        return self.n_inputs * self.output_size

    @property
    def density(self) -> float:
        """Fraction of the synapses that are 1."""
        return int(self.synapses_of_inputs().sum()) / self.n_synapses

    def synapses_of_inputs(self) -> NDArray[np.int64]:
        """Return the number of synapses of each input cell that are 1, shape (n_inputs,)."""
        counts: NDArray[np.int64] = _ONES[self._rows].sum(axis=1, dtype=np.int64)
        return counts

    def __repr__(self) -> str:
        return (
            f"WillshawMemory(n_inputs={self.n_inputs}, n_outputs={self.n_outputs}, "
            f"threshold={self.threshold!r}: {self.n_patterns} patterns, "
            f"{self.density:.3g} of the synapses set)"
        )

    @checked
    def store(self, patterns: PatternLike, contents: PatternLike | None = None) -> Self:
        """Store patterns, each with its content, or with itself in an auto-associative memory.

        Parameters
        ----------
        patterns : Patterns, or anything that Patterns takes
            Input patterns.
        contents : Patterns, or anything that Patterns takes, optional
            Output patterns, one for each input. A hetero-associative memory needs them.

        Returns
        -------
        WillshawMemory
            The memory itself.

        Raises
        ------
        DescriptionError
            If the patterns or the contents do not fit the memory. Nothing is stored in this case.
        """
        where = "WillshawMemory.store"
        inputs = as_patterns(patterns, self.n_inputs, f"{where}: patterns")
        if (contents is None) != (self.n_outputs is None):
            kind, verb = ("auto", "takes no") if self.n_outputs is None else ("hetero", "needs")
            raise DescriptionError(f"{where}: a {kind}-associative memory {verb} contents.")
        outputs = inputs
        if contents is not None:
            outputs = as_patterns(contents, self.output_size, f"{where}: contents")
        if len(inputs) != len(outputs):
            raise DescriptionError(
                f"{where}: contents must hold {len(inputs)} outputs, one for each pattern, got "
                f"{len(outputs)}."
            )
        line = np.zeros(self._rows.shape[1] * 8, np.uint8)
        for active_inputs, active_outputs in zip(inputs, outputs, strict=True):
            line[active_outputs] = 1
            self._rows[active_inputs] |= np.packbits(line)
            line[active_outputs] = 0
        self.n_patterns += len(inputs)
        self.n_active += outputs.indices.size
        return self

    @checked
    def recall(self, cues: PatternLike) -> Patterns:
        """Return the output that each cue recalls.

        Parameters
        ----------
        cues : Patterns, or anything that Patterns takes
            Whole inputs, or parts of them. A cue without active cells recalls nothing.

        Raises
        ------
        DescriptionError
            If the cues are not patterns of `n_inputs` cells.
        """
        patterns = as_patterns(cues, self.n_inputs, "WillshawMemory.recall: cues")
        rows = [self._answer(cue) for cue in patterns]
        starts = np.cumsum([0, *(row.size for row in rows)])
        flat = np.concatenate([*rows, np.empty(0, np.int64)]).astype(np.int32)
        return Patterns._of(self.output_size, starts, flat)

    def _answer(self, cue: NDArray[Any]) -> NDArray[np.int64]:
        """Return the active output cells. An auto-associative memory repeats the step."""
        active = np.asarray(cue, np.int64)
        for _ in range(self.steps):
            before, active = active, self._step(active)
            if np.array_equal(before, active):
                break
        return active

    def _step(self, cue: NDArray[np.int64]) -> NDArray[np.int64]:
        if not cue.size:
            return cue
        if self.threshold == "cue":
            every = np.bitwise_and.reduce(self._rows[cue], axis=0)
            return np.flatnonzero(np.unpackbits(every, count=self.output_size))
        sums = self._sums(cue)
        n = min(self._winners(), sums.size)
        if not n:
            return np.empty(0, np.int64)
        last = np.partition(sums, sums.size - n)[sums.size - n]
        return np.flatnonzero(sums >= max(last, 1))

    def _winners(self) -> int:
        if self.n_winners is not None:
            return self.n_winners
        return round(self.n_active / self.n_patterns) if self.n_patterns else 0

    def _sums(self, cue: NDArray[Any]) -> NDArray[np.int64]:
        """Return the number of set synapses of each output cell from the active cells of a cue."""
        total = np.zeros(self.output_size, np.int64)
        for first in range(0, cue.size, 4096):  # a long cue is unpacked in parts
            bits = np.unpackbits(self._rows[cue[first : first + 4096]], axis=1)
            total += bits[:, : self.output_size].sum(axis=0, dtype=np.int64)
        return total

    @checked
    def familiarity(self, cues: PatternLike) -> NDArray[np.float64]:
        """Return the familiarity of each cue, from 0 to 1, shape (n_cues,).

        In an auto-associative memory it is the fraction of the synapses among the cue's cells that
        are set. In a hetero-associative memory it is the largest fraction of the cue's cells that
        have a synapse to one output cell. A stored pattern has familiarity 1, and a cue without
        active cells has familiarity 0.

        Raises
        ------
        DescriptionError
            If the cues are not patterns of `n_inputs` cells.
        """
        patterns = as_patterns(cues, self.n_inputs, "WillshawMemory.familiarity: cues")
        familiarity = np.zeros(len(patterns))
        for k, cue in enumerate(patterns):
            if cue.size:
                share = self._sums(cue) / cue.size
                familiarity[k] = share[cue].mean() if self.n_outputs is None else share.max()
        return familiarity

    @checked
    def weights(self) -> NDArray[np.bool_]:
        """Return the synapses, shape (n_inputs, n_outputs).

        Raises
        ------
        DescriptionError
            If the matrix does not fit into the computer's memory.
        """
        require_memory(float(self.n_synapses), "WillshawMemory.weights",
                       "A recall does not need them.")  # fmt: skip
        bits = np.unpackbits(self._rows, axis=1, count=self.output_size)
        return bits.view(np.bool_)

    @checked
    def with_faults(
        self,
        *,
        failed: Annotated[float, Probability()] = 0.0,
        stuck: Annotated[float, Probability()] = 0.0,
        seed: Seed = 0,
    ) -> Self:
        """Return a copy with faulty synapses, which are drawn independently of each other.

        Parameters
        ----------
        failed : float
            Probability that a synapse does not transmit.
        stuck : float
            Probability that a synapse is stuck. Half of the stuck synapses are at 0, half at 1.
        seed : int or numpy.random.Generator
            Seed of the faults. The same seed makes the same synapses faulty.

        Raises
        ------
        DescriptionError
            If an argument is not a probability, or if the synapses do not fit into the computer's
            memory.
        """
        require_memory(9.0 * self.n_synapses, "WillshawMemory.with_faults", "Use fewer cells.")
        rng = stream(seed, "reference", "faults")
        shape = (self.n_inputs, self.output_size)
        bits = self.weights().copy()
        draw = rng.random(shape)
        bits[draw < stuck] = False
        bits[draw < stuck / 2] = True
        bits[rng.random(shape) < failed] = False
        copy = type(self)(**self.arguments())
        copy.n_patterns, copy.n_active = self.n_patterns, self.n_active
        copy._rows = np.packbits(bits, axis=1)
        return copy

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("n_inputs", "n_outputs", "threshold", "n_winners", "steps")
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """Return the synapses, eight in a byte, and the counts of patterns and active cells."""
        counts = np.array([self.n_patterns, self.n_active], np.int64)
        return {"synapses": Stored(self._rows), "counts": Stored(counts)}

    def facts(self) -> dict[str, Any]:
        """Return sizes, number of patterns and density as plain data, ready for JSON."""
        return super().facts() | {"n_patterns": self.n_patterns, "density": self.density}

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Return the memory with these synapses; see :meth:`arrays`."""
        memory = cls(**arguments)
        shape = memory._rows.shape
        rows = read_array(arrays, "synapses", "int", shape, low=0, high=255).astype(np.uint8)
        if memory.output_size % 8 and (rows[:, -1] & (255 >> memory.output_size % 8)).any():
            raise DescriptionError("WillshawMemory: synapses lead to cells that do not exist")
        memory._rows = rows
        counts = read_array(arrays, "counts", "int", (2,), low=0)
        memory.n_patterns, memory.n_active = (int(n) for n in counts)
        return memory
