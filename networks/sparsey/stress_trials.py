"""A trial of a stress test of a hierarchy: its script, its cues, and its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...limits import require_memory
from ...stress.answers import Answers
from ...stress.material import fragment
from ...stress.subject import Probe, Study, Task, own_rng
from .facts import level_facts
from .forgetting import joined
from .model import Sparsey
from .results import Codes
from .shown import Store

__all__ = ["Part", "StressTrial", "corrupt"]

_Bits = NDArray[np.bool_]
_Winners = NDArray[np.int16]


class Part(NamedTuple):
    """Tests between two phases of learning."""

    model: Sparsey
    cues: _Bits
    """Shape (n_cues, frames, n_inputs)."""
    rows: list[int]
    """Row of each cue in the answers. Both items of a question about order have the same row."""
    others: list[bool]
    """Whether each cue is the second item of a question about order."""
    wanted: list[_Winners | None]
    """Winners when each cue was learnt, (frames, n_macs, Q), or None if it was not learnt."""


class StressTrial:
    """Carries out a script and keeps the answers.

    Parameters
    ----------
    subject : SparseySubject
        Subject under test.
    task : Task
        Material and script of the trial.
    """

    def __init__(self, subject: Any, task: Task) -> None:
        self.subject, self.task = subject, task
        self.items = subject.material(task.n_items, task.seed)
        self.model = subject.model(model_seed(task.seed))
        self.learnt: dict[int, _Winners] = {}
        self.probes = [event for event in task.script if isinstance(event, Probe)]
        n = len(self.probes)
        self.right, self.missing, self.extra = (np.zeros(n, dtype=np.int64) for _ in range(3))
        self.familiarity = np.full((n, 2), np.nan)
        self.costs: dict[str, float] = {}

    def parts(self) -> Iterator[Part]:
        """Learn the items of the script, and yield the tests between them."""
        n_tested = 0
        for kind, events in _runs(self.task.script):
            if kind is Study:
                self._learn([event.item for event in events])
            else:
                yield self._part(events, n_tested)
                n_tested += len(events)

    def _learn(self, items: list[int]) -> None:
        codes = self.model.learn(self._dense(self.items[items]))
        winners = codes.winners[-1].reshape(len(items), self.subject.frames, *_shape(codes))
        for item, row in zip(items, winners, strict=True):
            self.learnt[item] = row

    def _dense(self, indices: NDArray[np.int32]) -> _Bits:
        shape = (*indices.shape[:2], self.subject.n_inputs)
        require_memory(2.0 * float(np.prod(shape)), "SparseySubject: the items of a trial",
                       "Use fewer or smaller items.")  # fmt: skip
        dense = np.zeros(shape, dtype=np.bool_)
        np.put_along_axis(dense, indices.astype(np.int64), True, axis=2)
        return dense

    def _part(self, probes: list[Any], first: int) -> Part:
        asked, rows, others = [], [], []
        for row, probe in enumerate(probes, start=first):
            both = (probe.item, probe.other) if probe.question == "order" else (probe.item,)
            for k, item in enumerate(both):
                asked.append(item)
                rows.append(row)
                others.append(k == 1)
        cues = self._dense(self.items[asked])
        for k, (row, other) in enumerate(zip(rows, others, strict=True)):
            probe = self.probes[row]
            if probe.cue_loss or probe.wrong_bits:
                corrupt(cues[k], probe, own_rng(self.task.seed, "cue", row, int(other)))
        return Part(self.model, cues, rows, others, [self.learnt.get(item) for item in asked])

    def shown(self) -> list[Any]:
        """Return the whole script as trials of the spiking form."""
        trials: list[Any] = []
        row = 0
        for event in self.task.script:
            if isinstance(event, Study):
                image = self._dense(self.items[[event.item]])[0, 0]
                trials.append(Store(image, familiar=self.subject.familiar))
            else:
                trials += list(self._part([event], row).cues[:, 0])
                row += 1
        return trials

    def read_shown(self, answers: Sequence[Codes]) -> None:
        """Read the answers to the trials of :meth:`shown`."""
        k = row = 0
        for event in self.task.script:
            if isinstance(event, Study):
                self.learnt[event.item] = answers[k].winners[-1]
                k += 1
            else:
                part = self._part([event], row)
                self.read(part, joined(answers[k : k + len(part.rows)]))
                k += len(part.rows)
                row += 1

    def read(self, part: Part, codes: Codes) -> None:
        """Compare the codes of the cues of one part with the codes at learning."""
        winners = codes.winners[-1].reshape(len(part.rows), -1)
        g = codes.mean_familiarity().reshape(len(part.rows), -1).mean(axis=1)
        empty = np.full(winners.shape[1], -1, dtype=np.int16)
        wanted = np.stack([empty if w is None else w.reshape(-1) for w in part.wanted])
        right = ((wanted >= 0) & (wanted == winners)).sum(axis=1)
        first = ~np.array(part.others)
        rows = np.array(part.rows)
        self.right[rows[first]] = right[first]
        self.missing[rows[first]] = ((wanted >= 0).sum(axis=1) - right)[first]
        self.extra[rows[first]] = ((winners >= 0).sum(axis=1) - right)[first]
        self.familiarity[rows, (~first).astype(int)] = g

    def answers(self) -> Answers:
        """Return the answers to all tests."""
        subject, level = self.subject, self.model.levels[-1]
        asked = np.array([probe.question == "order" for probe in self.probes], dtype=np.bool_)
        return Answers(
            right=self.right, missing=self.missing, extra=self.extra,
            n_bits=level.n_cells * subject.frames,
            familiarity=self.familiarity[:, 0],
            first=asked & _earlier(self.familiarity, self.task.seed),
            costs=self._expense() | self.costs,
        )  # fmt: skip

    def _expense(self) -> dict[str, float]:
        tower = self.model._tower
        levels = [level_facts(tower, k) for k in range(len(self.model.levels))]
        synapses = [level["n_synapses"] for level in levels]
        set_to_one = sum(a["increased"] * n for a, n in zip(levels, synapses, strict=True))
        return {
            "operations": float(len(self.task.script)),
            "footprint": sum(synapses) / 8,
            "connection_sparsity": 1.0 - set_to_one / sum(synapses),
            "activation_sparsity": 1.0 - 1.0 / self.subject.cells_per_module,
        }


def model_seed(seed: int) -> int:
    return int(own_rng(seed, "model").integers(2**31))


def _shape(codes: Codes) -> tuple[int, int]:
    return codes.winners[-1].shape[1], codes.winners[-1].shape[2]


def _runs(script: Sequence[Any]) -> Iterator[tuple[type, list[Any]]]:
    """Yield runs of consecutive events of one kind."""
    events: list[Any] = []
    for event in script:
        if events and type(event) is not type(events[0]):
            yield type(events[0]), events
            events = []
        events.append(event)
    if events:
        yield type(events[0]), events


def corrupt(cue: _Bits, probe: Probe, rng: np.random.Generator) -> None:
    """Remove active inputs from each frame, and add inputs that were silent in the item."""
    for frame in cue:
        left = fragment(np.flatnonzero(frame), probe, frame.size, rng)
        frame[:] = False
        frame[left] = True


def _earlier(familiarity: NDArray[np.float64], seed: int) -> _Bits:
    """Return whether the first item of each pair is less familiar, and so seems older."""
    item, other = familiarity.T
    coin = own_rng(seed, "coin").random(len(item)) < 0.5
    return np.asarray(np.where(item == other, coin, item < other))
