"""DG, CA3 and CA1: a memory whose cues are binary numbers, recalled by cue."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...backends import BackendName
from ...cells import LIF, SpikeSource
from ...checks import Count, MappingOf, Name, checked
from ...errors import DescriptionError, UnsupportedError
from ...models import OnDevice
from ...network import Network, Population, Projection
from ...recording import Recording, SpikeTrains
from ...simulation import IntegratorName
from ...streams import Seed, own_seed
from .live import LIVE, Live, LiveMemory, WeightMatrices, Weights
from .operations import (
    Content,
    ContentBits,
    CueNumber,
    Learn,
    Operation,
    RecallCue,
    Slot,
    assign_times,
    checked_slot,
)
from .parameters import GATED, OUTPUT, PRESET, RELAY
from .parameters import preset as parameters_of
from .recall import Recall, require_whole
from .references import HIPPOCAMPUS

__all__ = ["HippocampalMemory"]

WEIGHT, VETO, DECODE = 6.0, 2.5, 3.0
"""Driving weight; inhibition among DG cells; sum of the input weights of a DG cell, nA."""

CUE_DELAY, CONTENT_DELAY, LAST_ECHO_DELAY = 4.0, 5.0, 6.0
"""Output times of cue and content of a recall, and of the last echo of learning, ms."""

LEARN_GAP, RECALL_GAP, HOLD = 7.0, 5.0, 3
"""Time after learning and after a recall, ms, and steps for which a pair to learn is held."""

MAX_CUES = 2**14 - 1
"""With 15 ones in a code, DG cells whose code has 14 of them would fire too."""

DG = replace(GATED, v_thresh=-57.5)
"""Cell of the dentate gyrus; one input of 2.7984 nA fires it."""


class HippocampalMemory(LiveMemory):
    """Spiking memory of dentate gyrus, CA3 and CA1 with binary cues.

    A cue enters as a binary code of ``n_bits`` lines (cue `c` as the number `c + 1`; 0 means no
    cue). DG decodes it to one cell. CA3 maps that cell to its content by plastic synapses ("W1").
    CA1 encodes the cue in binary again. Content can be recalled by cue only.

    Parameters
    ----------
    n_cues, n_contents : int
        Number of cues (up to 16383) and of content bits, >= 1.
    preset : {"robust", "published"}
        Time constant of the plasticity. The published one (3 ms) is so long that bits of one
        operation leak into the memory of the next at the documented times between operations. The
        robust one (0.25 ms) prevents this.
    contents : mapping of int to content, optional
        Initial contents of the cues; content as for :class:`Learn`.
    backend : str
        Backend on which :meth:`learn` and :meth:`recall` run; any backend of
        :func:`spikemem.simulate`.
    integrator, device, seed, options
        As for :class:`CA3Memory`.

    Raises
    ------
    DescriptionError
        If sizes or contents are not valid.

    References
    ----------
    Casanueva-Morato et al., a bio-inspired spike-based hippocampal memory (IEEE Trans. Emerging
    Topics in Computing, 2024); parameters of its variant with lateral inhibition in DG.

    Examples
    --------
    >>> memory = HippocampalMemory(n_cues=5, n_contents=10)
    >>> _ = memory.learn(cue=2, content=[0, 7])
    >>> memory.recall(cue=2)
    Recall({0, 7})
    """

    @checked
    def __init__(
        self,
        n_cues: Annotated[int, Count()],
        n_contents: Annotated[int, Count()],
        *,
        preset: Annotated[str, PRESET] = "robust",
        contents: Annotated[Mapping[int, Any], MappingOf(Count(low=0), Content())] | None = None,
        backend: BackendName = "brian2",
        integrator: IntegratorName = "spinnaker",
        device: OnDevice = None,
        seed: Seed = 0,
        options: Annotated[Mapping[str, Any], MappingOf(Name())] | None = None,
    ) -> None:
        live = Live(backend, integrator, device, own_seed(seed), dict(options or {}))
        super().__init__(n_cues, n_contents, live)
        if self.n_cues > MAX_CUES:
            raise DescriptionError(f"n_cues must be at most {MAX_CUES}, got {self.n_cues}.")
        self.preset = preset
        self.rule = parameters_of(preset).rule()
        first = np.zeros((self.n_cues, self.n_contents))
        held = {}
        for cue, content in (contents or {}).items():
            item = self._slots([Learn(cue, content)], 0.0, True)[0]
            first[item.cue, list(item.bits)] = self.rule.w_max
            held[item.cue] = frozenset(item.bits)
        self._begin({"W1": first}, held)

    @classmethod
    def _shapes(cls, n_cues: int, n_contents: int) -> dict[str, tuple[int, int]]:
        return {"W1": (n_cues, n_contents)}

    @property
    def _w_max(self) -> float:
        return self.rule.w_max

    bibtex: ClassVar[tuple[str, ...]] = (HIPPOCAMPUS,)
    plastic: ClassVar[Mapping[str, str]] = {"W1": "which content bits each cue holds"}

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments without `contents`."""
        return {name: getattr(self, name) for name in (*LIVE, "preset")}

    @property
    def n_bits(self) -> int:
        """Number of input lines that encode a cue."""
        return math.ceil(math.log2(self.n_cues + 1))

    @property
    def codes(self) -> NDArray[np.bool_]:
        """Binary code of each cue, shape (n_cues, n_bits), lowest bit first."""
        numbers = np.arange(1, self.n_cues + 1)[:, None]
        return (numbers >> np.arange(self.n_bits) & 1).astype(np.bool_)

    def _slots(self, schedule: Iterable[Operation], start: float, safe: bool) -> list[Slot]:
        def check(operation: Operation) -> Slot:
            if not isinstance(operation, Learn | RecallCue):
                raise UnsupportedError(
                    f"{type(operation).__name__}: HippocampalMemory supports only Learn and "
                    f"RecallCue; use CA3Memory."
                )
            learns = isinstance(operation, Learn)
            item = checked_slot(operation, self.n_cues, self.n_contents)
            return replace(
                item, stop=LEARN_GAP if learns else RECALL_GAP,
                answer=LAST_ECHO_DELAY if learns else CONTENT_DELAY,
            )  # fmt: skip

        return assign_times(schedule, check, start=start, safe=safe)

    def _compile(self, slots: Sequence[Slot]) -> tuple[dict[str, SpikeTrains], dict[str, Any]]:
        duration = max((item.end for item in slots), default=0.0)
        codes = self.codes
        # Operations closer than is safe may want a spike of one line in one step.
        lists: dict[str, set[tuple[int, float]]] = {"INcue": set(), "INcont": set()}
        for item in slots:
            for k in range(HOLD if item.bits else 1):
                lines = np.flatnonzero(codes[item.cue]).tolist()
                lists["INcue"] |= {(line, item.start + k) for line in lines}
                lists["INcont"] |= {(bit, item.start + k) for bit in item.bits}
        sizes = {"INcue": self.n_bits, "INcont": self.n_contents}
        inputs = {
            name: SpikeTrains(
                ids=[line for line, _ in pairs], times=[time for _, time in pairs],
                size=sizes[name], duration=duration,
            )
            for name, pairs in lists.items()
        }  # fmt: skip
        return inputs, {"W1": None}

    def _network(
        self, inputs: Mapping[str, SpikeTrains], weights: Weights, windows: Mapping[str, Any]
    ) -> Network:
        n, m, bits = self.n_cues, self.n_contents, self.n_bits
        cells: dict[str, tuple[LIF, int]] = {
            "DG": (DG, n), "CA3cue": (RELAY, n), "CA3cont": (OUTPUT, m), "CA1": (OUTPUT, bits),
            "OUTcue": (OUTPUT, bits), "OUTcont": (OUTPUT, m),
        }  # fmt: skip
        populations = [
            *(Population(name=name, cell=SpikeSource(spikes=inputs[name])) for name in inputs),
            *(Population(name=name, cell=cell, size=k) for name, (cell, k) in cells.items()),
        ]
        relay = Projection.one_to_one
        projections = [
            *self._decoder(),
            relay("INcont to CA3cont", "INcont", "CA3cont", weight=WEIGHT, delay=2.0),
            relay("DG to CA3cue", "DG", "CA3cue", weight=WEIGHT, delay=1.0),
            self._encoder(),
            relay("CA1 to OUTcue", "CA1", "OUTcue", weight=WEIGHT, delay=1.0),
            relay("CA3cont to OUTcont", "CA3cont", "OUTcont", weight=WEIGHT, delay=2.0),
            Projection.all_to_all(
                "W1", "CA3cue", "CA3cont", weight=weights["W1"].ravel(), delay=1.0,
                plasticity=replace(self.rule, enabled=windows["W1"]),
            ),
        ]  # fmt: skip
        return Network(populations=populations, projections=projections, dt=1.0)

    def _decoder(self) -> list[Projection]:
        """Return the inputs of DG; only the cell whose code equals the input fires."""
        codes = self.codes.T
        share = DECODE / codes.sum(axis=0)
        ones, zeros = np.nonzero(codes), np.nonzero(~codes)
        return [
            Projection(
                name="INcue to DG", pre="INcue", post="DG", i=ones[0], j=ones[1],
                weight=share[ones[1]], delay=1.0,
            ),
            Projection(
                name="INcue to DG veto", pre="INcue", post="DG", i=zeros[0], j=zeros[1],
                weight=DECODE, delay=1.0, receptor="inhibitory",
            ),
            Projection.all_to_all(
                "DG to DG veto", "DG", "DG", weight=VETO, delay=1.0,
                receptor="inhibitory", allow_self=False,
            ),
        ]  # fmt: skip

    def _encoder(self) -> Projection:
        cue, line = np.nonzero(self.codes)
        return Projection(
            name="CA3cue to CA1", pre="CA3cue", post="CA1", i=cue, j=line,
            weight=WEIGHT, delay=1.0,
        )  # fmt: skip

    def _decode(self, recording: Recording, slots: Sequence[Slot]) -> list[Recall]:
        require_whole(recording, slots)
        cues, contents = recording["OUTcue"], recording["OUTcont"]
        answers = []
        for item in slots:
            number = sum(2**line for line in cues.at(item.start + CUE_DELAY).tolist())
            answer = contents.at(item.start + item.answer).tolist()
            answers.append(
                Recall(
                    answer, operation=item.operation, start=item.start, content=answer,
                    cues=[number - 1] if number else [], latency=item.answer if answer else None,
                )
            )  # fmt: skip
        return answers

    @checked
    def learn(self, cue: CueNumber, content: ContentBits) -> Recall:
        """Store `content` at `cue` and forget its earlier content. See :class:`Learn`."""
        return self.run([Learn(cue, content)])[0]

    @checked
    def recall(self, *, cue: CueNumber) -> Recall:
        """Recall the content of a cue as a set of bits."""
        return self.run([RecallCue(cue)])[0]

    @checked
    def set_weights(self, weights: WeightMatrices) -> None:
        """Replace the weights of "W1", nA, shape (n_cues, n_contents), within [0, 6]."""
        self._set_weights(weights, self.rule.w_max)
