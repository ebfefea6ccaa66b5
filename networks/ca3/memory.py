"""The spiking CA3 content-addressable memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, ClassVar

import numpy as np

from ...backends import BackendName
from ...checks import Count, MappingOf, Name, Optional, checked
from ...errors import DescriptionError
from ...models import OnDevice
from ...network import Network
from ...recording import Recording, SpikeTrains
from ...simulation import IntegratorName
from ...streams import Seed, own_seed
from .circuit import PLASTIC, circuit
from .health import Health, examine, replay_weights
from .live import LIVE, Live, LiveMemory, WeightMatrices, Weights
from .operations import (
    Content,
    ContentBits,
    CueNumber,
    Forget,
    Learn,
    MatchRule,
    Operation,
    RecallContent,
    RecallCue,
    Slot,
    compile_schedule,
    schedule_slots,
    windows_of,
)
from .parameters import PRESET, CA3Parameters
from .parameters import preset as parameters_of
from .recall import Recall, decode
from .references import CA3

__all__ = ["CA3Memory"]


class CA3Memory(LiveMemory):
    """Spiking hippocampal CA3 memory: content is learnt, recalled and forgotten by its address.

    A cue is one of `n_cues` one-hot addresses. Content is any set of `n_contents` bits. Content is
    recalled from its cue, and cues are recalled from any fragment of their content. The plastic
    projections "W1" (cue to content) and "W2" (content to cue) hold the memories.

    Parameters
    ----------
    n_cues, n_contents : int
        Number of addresses and of content bits, >= 1.
    preset : {"robust", "published"}
        "published" is the circuit of the paper including its defects; "robust" keeps every memory
        intact (``docs/explanation/ca3.md`` explains the differences).
    contents : mapping of int to content, optional
        Initial contents of the cues; content as for :class:`Learn`.
    backend : str
        Backend on which :meth:`learn`, :meth:`recall`, ... run; any backend of
        :func:`spikemem.simulate`.
    integrator : {"spinnaker", "exact"}
        Rules of one time step. The circuit is designed for "spinnaker".
    device : Device, optional
        Resistive memory that holds the plastic weights. It is programmed at the start, and each
        change by learning has a programming error (on backend "brian2").
    seed : int or numpy.random.Generator
        Seed of the device's randomness.
    options : mapping, optional
        Further options of the backend, e.g. ``{"target": "cython"}``.
    record_weights : bool
        Whether the weights of both plastic projections are recorded at every step (large).
    **parameters
        Changes to the preset; fields of :class:`CA3Parameters`.

    Raises
    ------
    DescriptionError
        If sizes, contents or parameters are not valid.

    References
    ----------
    Casanueva-Morato et al., Neural Networks 178:106474 (2024), arXiv 2310.05868.

    Examples
    --------
    >>> memory = CA3Memory(n_cues=5, n_contents=10)
    >>> memory.learn(cue=3, content=[1, 5, 9])
    Recall({1, 5, 9})
    >>> memory.recall(cue=3)
    Recall({1, 5, 9})
    >>> memory.recall(content=[5])
    Recall({3})
    >>> _ = memory.forget(cue=3)
    >>> memory.recall(cue=3)
    Recall({})
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
        record_weights: bool = False,
        **parameters: Any,
    ) -> None:
        live = Live(backend, integrator, device, own_seed(seed), dict(options or {}))
        super().__init__(n_cues, n_contents, live)
        self.preset = preset
        self.parameters: CA3Parameters = parameters_of(preset, **parameters)
        self.record_weights = record_weights
        first = np.zeros((self.n_cues, self.n_contents))
        held: dict[int, frozenset[int]] = {}
        for cue, content in (contents or {}).items():
            item = self._slots([Learn(cue, content)], 0.0, True)[0]
            first[item.cue, list(item.bits)] = self.parameters.w_max
            held[item.cue] = frozenset(item.bits)
        self._begin({"W1": first, "W2": first.T.copy()}, held)

    @classmethod
    def _shapes(cls, n_cues: int, n_contents: int) -> dict[str, tuple[int, int]]:
        return {"W1": (n_cues, n_contents), "W2": (n_contents, n_cues)}

    @property
    def _w_max(self) -> float:
        return self.parameters.w_max

    bibtex: ClassVar[tuple[str, ...]] = (CA3,)
    plastic: ClassVar[Mapping[str, str]] = {
        "W1": "which content bits each cue holds",
        "W2": "which cues hold each content bit",
    }

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments without `contents`."""
        usual = asdict(parameters_of(self.preset))
        changed = {k: v for k, v in asdict(self.parameters).items() if v != usual[k]}
        names = (*LIVE, "preset", "record_weights")
        return {name: getattr(self, name) for name in names} | changed

    def facts(self) -> dict[str, Any]:
        """Return sizes, contents and health as plain data for JSON."""
        return {
            "model": type(self).__name__,
            "cues": self.n_cues,
            "content_bits": self.n_contents,
            "contents": {str(cue): sorted(bits) for cue, bits in self.contents.items()},
            "healthy": self.health().ok,
        }

    def describe(self) -> str:
        """Return sizes, contents and health as lines of text."""
        sizes = [len(bits) for bits in self.contents.values()]
        held = f"{min(sizes)} to {max(sizes)} bits each" if sizes else "the memory is empty"
        return (
            f"{type(self).__name__} of {self.n_cues} cues and {self.n_contents} bits, preset "
            f"{self.preset!r}\n{len(sizes)} cues hold something: {held}\n{self.health()}"
        )

    def _slots(self, schedule: Iterable[Operation], start: float, safe: bool) -> list[Slot]:
        return schedule_slots(
            schedule, self.parameters, self.n_cues, self.n_contents, start=start, safe=safe
        )

    def _compile(self, slots: Sequence[Slot]) -> tuple[dict[str, SpikeTrains], dict[str, Any]]:
        inputs = compile_schedule(slots, self.parameters, self.n_cues, self.n_contents)
        return inputs, windows_of(slots, self.parameters)

    def _network(
        self, inputs: Mapping[str, SpikeTrains], weights: Weights, windows: Mapping[str, Any]
    ) -> Network:
        return circuit(
            self.parameters, self.n_cues, self.n_contents, inputs, weights, windows,
            record_weights=self.record_weights,
        )  # fmt: skip

    def _decode(self, recording: Recording, slots: Sequence[Slot]) -> list[Recall]:
        return decode(recording, slots)

    @checked
    def learn(self, cue: CueNumber, content: ContentBits) -> Recall:
        """Store `content` at `cue` and forget its earlier content. See :class:`Learn`."""
        return self.run([Learn(cue, content)])[0]

    @checked
    def recall(
        self,
        *,
        cue: CueNumber | None = None,
        content: Annotated[Any, Optional(Content())] = None,
        match: MatchRule = "any",
    ) -> Recall:
        """Recall content by its cue, or cues by a fragment of content.

        Parameters
        ----------
        cue : int, optional
            Address. The answer is the set of content bits.
        content : set, array_like, or Patterns of length 1, optional
            Fragment, as for :class:`RecallContent`. The answer is the set of cues.
        match : {"any", "all", "best"} or int
            See :class:`RecallContent`.

        Raises
        ------
        DescriptionError
            If not exactly one of `cue` and `content` is given, or it is not valid.
        """
        if (cue is None) == (content is None):
            raise DescriptionError("recall: give either cue= or content=, not both or neither.")
        if cue is not None:
            return self.run([RecallCue(cue)])[0]
        return self.run([RecallContent(content, match=match)])[0]

    @checked
    def complete(
        self, content: ContentBits, *, match: MatchRule | None = None
    ) -> dict[int, Recall]:
        """Complete a fragment in two steps: recall its cues, then the content of each cue.

        Parameters
        ----------
        content : set, array_like, or Patterns of length 1
            Fragment, as for :class:`RecallContent`.
        match : {"any", "all", "best"} or int, optional
            See :class:`RecallContent`. Default: "best", or "any" with the published circuit.

        Returns
        -------
        dict of int to Recall
            The whole content of each cue that was recalled.
        """
        if match is None:
            match = "best" if self.parameters.protocol == "two_phase" else "any"
        cues = sorted(self.recall(content=content, match=match))
        return dict(zip(cues, self.run([RecallCue(cue) for cue in cues]), strict=True))

    @checked
    def forget(self, cue: CueNumber) -> Recall:
        """Erase the content of `cue`.

        The published circuit can forget only by relearning. With it, the weights of the cue are set
        to zero from outside, and no time passes.
        """
        if self.parameters.protocol == "two_phase":
            return self.run([Forget(cue)])[0]
        item = replace(self._slots([RecallCue(cue)], self.time, True)[0], operation=Forget(cue))
        weights = self.weights
        weights["W1"][item.cue], weights["W2"][:, item.cue] = 0.0, 0.0
        self._set_weights(weights, self.parameters.w_max, [item])
        return Recall(operation=item.operation, start=self.time)

    @checked
    def set_weights(self, weights: WeightMatrices) -> None:
        """Replace the weights of plastic projections, nA, in the form of :attr:`weights`.

        Raises
        ------
        DescriptionError
            If names or shapes are wrong, or weights are outside [0, w_max].
        """
        self._set_weights(weights, self.parameters.w_max)

    def health(self) -> Health:
        """Return the health of the memory: weight margins, ghosts, lost and pending pairs."""
        replays = {}
        start, weights = self._state.base
        if self.time > start:
            recording, windows = self.recording, windows_of(self._done, self.parameters)
            for name, (pre, post) in PLASTIC.items():
                rule = replace(self.parameters.rule(), enabled=windows[name])
                ends = recording[pre], recording[post]
                replays[name] = replay_weights(*ends, weights[name], rule, start)
        return examine(self.contents, self.weights, replays)
