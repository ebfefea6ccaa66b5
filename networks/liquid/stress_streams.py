"""Input streams of a trial of a stress test of a liquid, and the answers of its readouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, UnsupportedError
from ...limits import require_memory
from ...stress.answers import Answers
from ...stress.material import fragment, require_items
from ...stress.subject import Probe, Study, Task, own_rng
from .memory import ValueCode, _predicted, capacity_of
from .readout import LinearReadout

__all__ = ["Labels", "Memory", "StressTrial"]

_Bits = NDArray[np.bool_]
_Counts = NDArray[np.float64]


class StressTrial:
    """One trial: its stream in windows of equal length, and its answers.

    Parameters
    ----------
    subject : LiquidSubject
        Subject under test.
    task : Task
        Material and script of the trial.
    """

    stream: _Bits
    """Input spikes, shape (n_windows * window, n_inputs)."""

    def __init__(self, subject: Any, task: Task) -> None:
        require_items(task, "LiquidSubject")
        self.subject, self.task, self.seed = subject, task, task.seed
        self.probes = [event for event in task.script if isinstance(event, Probe)]
        self.stream = self._stream()
        self.n_windows = len(self.stream) // subject.window

    @property
    def samples(self) -> _Bits:
        """Input of the liquid, shape (n_samples, n_steps, n_inputs): the stream or its windows."""
        rows = 1 if self.bins > 1 else self.n_windows
        return self.stream.reshape(rows, -1, self.stream.shape[1])

    @property
    def bins(self) -> int:
        """Number of windows of a sample."""
        apart = self.subject.task == "labels" and self.subject.reset
        return 1 if apart else max(self.n_windows, 1)

    def _stream(self) -> _Bits:
        raise NotImplementedError

    def _right(self, states: _Counts) -> _Bits:
        """Return whether each digit of each probe is answered rightly, shape (n_probes, digits)."""
        raise NotImplementedError

    def _numbers(self, states: _Counts) -> dict[str, float]:
        return {}

    def _require_room(self, n_windows: int) -> None:
        subject = self.subject
        size = float(n_windows) * subject.window * (subject.n_inputs + subject.n_neurons)
        require_memory(10.0 * size, f"LiquidSubject: a stream of {n_windows} windows",
                       "Use fewer items or a smaller liquid.")  # fmt: skip

    def answers(
        self, states: _Counts, costs: Mapping[str, float], numbers: Mapping[str, float]
    ) -> Answers:
        """Return the answers from the spike counts of all windows."""
        right = self._right(states)
        window, n_inputs = self.subject.window, self.stream.shape[1]
        inputs = self.stream.reshape(self.n_windows, window, n_inputs).sum(axis=1, dtype=np.float64)
        plain = self._right(inputs)
        count = right.sum(axis=1, dtype=np.int64)
        wrong = right.shape[1] - count
        more = {"input_exact": float(plain.all(axis=1).mean())} if len(plain) else {}
        return Answers(
            right=count, missing=wrong, extra=wrong.copy(), n_bits=self._n_bits(),
            costs=self._expense(states) | dict(costs),
            numbers=more | self._numbers(states) | dict(numbers),
        )  # fmt: skip

    def _n_bits(self) -> int:
        raise NotImplementedError

    def _expense(self, states: _Counts) -> dict[str, float]:
        steps, n = len(self.stream), states.shape[1]
        spikes, into = float(states.sum()), float(self.stream.sum())
        costs = {
            "operations": float(len(self.task.script)),
            "spikes": spikes,
            "duration": float(steps),
            "activation_sparsity": 1.0 - spikes / (steps * n),
        }
        if self.subject.liquid == "dense":
            # Every spike of the input and of the liquid reaches all neurons.
            costs["synaptic_operations"] = (spikes + into) * n
        return costs


class Memory(StressTrial):
    """Trial of task "memory": values of a stream are read several values later."""

    def _stream(self) -> _Bits:
        subject = self.subject
        before = subject.n_windows_before
        for event in self.task.script:
            if isinstance(event, Probe) and (event.cue_loss or event.wrong_bits):
                raise UnsupportedError(
                    "stress: a liquid of task 'memory' reads the past from its state; there is no "
                    "cue of which a part can be lost or wrong. Use task='labels'."
                )
        studied = [event.item for event in self.task.script if isinstance(event, Study)]
        self._require_room(before + len(studied))
        # Digits of an item do not depend on how many items there are.
        self.digits = own_rng(self.seed, "material").random((self.task.n_items, subject.bits)) < 0.5
        training = own_rng(self.seed, "training").random((before, subject.bits)) < 0.5
        self.values = np.concatenate([training, self.digits[studied]])
        self._find()
        code = ValueCode(
            n_channels=subject.n_inputs // subject.bits, hold=subject.hold, p_max=subject.p_max,
            kind="opponent", n_values=len(self.values), washout=0,
        )  # fmt: skip
        parts = [
            code.encode(column[None].astype(np.float64), seed=own_rng(self.seed, "spikes", k))[0]
            for k, column in enumerate(self.values.T)
        ]
        spikes = np.concatenate(parts, axis=1)
        rest = subject.n_inputs - spikes.shape[1]
        return np.pad(spikes, ((0, 0), (0, rest)))

    def _find(self) -> None:
        """Find the window in which each probe reads, and the delay of its item (-1: not shown)."""
        last = self.subject.n_windows_before - 1
        at: dict[int, int] = {}
        windows, delays = [], []
        for event in self.task.script:
            if isinstance(event, Study):
                last += 1
                at[event.item] = last
            else:
                windows.append(last)
                delays.append(last - at[event.item] if event.item in at else -1)
        self.windows = np.array(windows, dtype=np.int64)
        self.lags = np.array(delays, dtype=np.int64)
        longest = self.lags.max(initial=0)
        if longest > self.subject.n_train // 2:
            raise DescriptionError(
                f"LiquidSubject: a readout for a delay of {longest} values needs n_train of at "
                f"least {2 * longest}, got {self.subject.n_train}."
            )

    def _right(self, states: _Counts) -> _Bits:
        right = np.zeros((len(self.probes), self.subject.bits), dtype=np.bool_)
        asked = np.unique(self.lags[self.lags >= 0])
        if not asked.size:
            return right
        first, end = 20 + int(asked.max()), self.subject.n_windows_before
        train = np.arange(first, end)
        signs = np.where(self.values, 1.0, -1.0)
        # All digits of all delays that are asked for, each with a readout of its own.
        wanted = np.concatenate([signs[train - lag] for lag in asked.tolist()], axis=1)
        windows, which = np.unique(self.windows, return_inverse=True)
        found = _predicted(states[train], wanted, states[windows])
        table = found.reshape(len(windows), len(asked), self.subject.bits)
        for k, (probe, lag) in enumerate(zip(self.probes, self.lags.tolist(), strict=True)):
            if lag >= 0:
                said = table[which[k], np.searchsorted(asked, lag)] > 0
                right[k] = said == self.digits[probe.item]
        return right

    def _numbers(self, states: _Counts) -> dict[str, float]:
        end = self.subject.n_windows_before
        signs = np.where(self.values[20:end, 0], 1.0, -1.0)
        found = capacity_of(states[20:end], signs, delays=self.subject.delays)
        return {"memory_capacity": found.total}

    def _n_bits(self) -> int:
        return 2 * int(self.subject.bits)


class Labels(StressTrial):
    """Trial of task "labels": one readout learns random labels of spike patterns."""

    def _stream(self) -> _Bits:
        subject = self.subject
        self._require_room(len(self.task.script))
        shape = (subject.n_steps, subject.n_inputs)
        drawn = own_rng(self.seed, "material")
        items = [drawn.random(shape) < subject.p_max for _ in range(self.task.n_items)]
        labels = own_rng(self.seed, "labels")
        self.labels = labels.integers(subject.n_classes, size=self.task.n_items)
        silent = np.zeros((subject.gap, subject.n_inputs), dtype=np.bool_)
        shown = []
        for k, event in enumerate(self.task.script):
            rng = own_rng(self.seed, "shown", k)
            sample = _moved(items[event.item], subject.spread, rng)
            shown += [_changed(sample, event, rng) if isinstance(event, Probe) else sample, silent]
        empty = np.zeros((0, subject.n_inputs), dtype=np.bool_)
        return np.concatenate(shown) if shown else empty

    def _right(self, states: _Counts) -> _Bits:
        right = np.zeros((len(self.probes), 1), dtype=np.bool_)
        studied: list[int] = []
        items: list[int] = []
        readout, row = None, 0
        for k, event in enumerate(self.task.script):
            if isinstance(event, Study):
                studied.append(k)
                items.append(event.item)
                readout = None
                continue
            if readout is None:
                readout = self._trained(states[studied], self.labels[items])
            said = readout.predict(states[[k]])[0] if readout is not None else -1
            right[row] = said == self.labels[event.item] and event.item in items
            row += 1
        return right

    def _trained(self, states: _Counts, labels: NDArray[np.int64]) -> Any:
        if len(np.unique(labels)) < 2:
            return _Always(labels)
        return LinearReadout(strengths=(self.subject.penalty,)).fit(states, labels)

    def _numbers(self, states: _Counts) -> dict[str, float]:
        studied = [k for k, event in enumerate(self.task.script) if isinstance(event, Study)]
        if not studied:
            return {}
        rows = states[studied] - states[studied].mean(axis=0)
        return {"state_rank": float(np.linalg.matrix_rank(rows))}

    def _n_bits(self) -> int:
        return int(self.subject.n_classes)


class _Always:
    """Readout that was trained on one class, or on none."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.label = int(labels[0]) if labels.size else -1

    def predict(self, states: _Counts) -> NDArray[np.int64]:
        return np.full(len(states), self.label)


def _moved(sample: _Bits, spread: float, rng: np.random.Generator) -> _Bits:
    """Return the pattern with shifted spikes, which stay within the pattern."""
    if not spread:
        return sample
    steps, channels = np.nonzero(sample)
    later = np.rint(steps + rng.normal(0.0, spread, steps.size)).astype(np.int64)
    moved = np.zeros_like(sample)
    moved[np.clip(later, 0, len(sample) - 1), channels] = True
    return moved


def _changed(sample: _Bits, probe: Probe, rng: np.random.Generator) -> _Bits:
    """Return the pattern with missing spikes and with new ones."""
    if not (probe.cue_loss or probe.wrong_bits):
        return sample
    left = fragment(np.flatnonzero(sample.reshape(-1)), probe, sample.size, rng)
    changed = np.zeros(sample.size, dtype=np.bool_)
    changed[left] = True
    return changed.reshape(sample.shape)
