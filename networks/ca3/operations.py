"""Operations on a memory, with their schedule, input spikes and plasticity windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np

from ...checks import Count, Each, Instance, Kind, Quantity, check_fields
from ...codes import Patterns, as_pattern
from ...errors import DescriptionError, UnsupportedError, shown
from ...frozen import Frozen
from ...recording import SpikeTrains
from ...units import in_unit, is_sequence, to_int, to_integers
from .circuit import INPUTS, match_lines
from .parameters import CA3Parameters

__all__ = [
    "Forget",
    "Learn",
    "Operation",
    "RecallContent",
    "RecallCue",
    "compile_schedule",
    "schedule_slots",
]

ECHO_DELAY, ANSWER_DELAY = 5.0, 6.0
"""Output times of a recall, ms after its start: echo of the question, and answer."""

ERASE_TO_STORE, STORE_TO_STORE = 6, 4
"""Times between the input spikes of the two-phase protocol, ms."""

Match = int | Literal["any", "all", "best"]


@dataclass(frozen=True)
class Content(Kind):
    """Content of a memory: one pattern in any form, with at least one bit."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of int, or of bool for a mask; :func:`bits_of` checks the size."""
        if isinstance(value, Patterns):
            if len(value) != 1:
                raise DescriptionError(f"{where} must be one pattern, got {len(value)}.")
            value = value.to_dense()[0]
        elif isinstance(value, set | frozenset):
            value = list(value)
        array = None
        if is_sequence(value):
            try:
                array = np.asarray(in_unit(value, "1", where))
            except (TypeError, ValueError, OverflowError):
                array = None
        if array is not None and array.dtype.kind == "f" and np.isin(array, (0, 1)).all():
            array = array.astype(np.bool_)
        if array is None or array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
            raise DescriptionError(
                f"{where} must be one pattern: a set, indices (ints), a mask (bool) or a dense row "
                f"of shape (n_contents,), or Patterns of length 1, got {shown(value)}."
            )
        if not array.size:
            raise DescriptionError(f"{where} is empty; give at least one bit.")
        if array.dtype.kind != "b":
            if array.min() < 0:
                raise DescriptionError(f"{where} bits must be >= 0, got {array.min()}.")
            array = to_integers(array, where)
        return tuple(array.tolist())


@dataclass(frozen=True)
class MatchNumber(Kind):
    """Number of bits of a fragment that a cue must hold, or the word for a rule."""

    def check(self, value: Any, where: str) -> Any:
        """Return the word, or an int."""
        if isinstance(value, str) and value in ("any", "all", "best"):
            return str(value)
        try:
            return to_int(value, where)
        except DescriptionError:
            raise DescriptionError(
                f"{where} must be 'any', 'all', 'best' or an int >= 1, got {shown(value)}."
            ) from None


CueNumber = Annotated[int, Count(low=0)]
ContentBits = Annotated[Any, Content()]
MatchRule = Annotated[Match, MatchNumber()]
_Start = Annotated[float, Quantity("ms", low=0.0)]


class _Checked(Frozen):
    """Base of the operations; it checks the fields."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Learn(_Checked):
    """Store content at a cue, and forget the earlier content of the cue.

    Parameters
    ----------
    cue : int
        Address, 0 to ``n_cues - 1``.
    content : set, array_like, or Patterns of length 1
        Bits that are set, at least one: a set (such as a :class:`Recall`), indices (int), a mask
        (bool) or a dense row (0 and 1) of shape (n_contents,).
    at : float, optional
        Start in ms. Default: as soon as it is safe after the previous operation.
    """

    cue: CueNumber
    content: ContentBits
    at: _Start | None = None


@dataclass(frozen=True)
class Forget(_Checked):
    """Erase the content of a cue. `cue` and `at` are as for :class:`Learn`."""

    cue: CueNumber
    at: _Start | None = None


@dataclass(frozen=True)
class RecallCue(_Checked):
    """Recall the content of a cue. `cue` and `at` are as for :class:`Learn`."""

    cue: CueNumber
    at: _Start | None = None


@dataclass(frozen=True)
class RecallContent(_Checked):
    """Recall the cues that hold a fragment of content.

    Parameters
    ----------
    content : set, array_like, or Patterns of length 1
        Fragment with at least one bit, as for :class:`Learn`.
    at : float, optional
        Start in ms. Default: as soon as it is safe after the previous operation.
    match : {"any", "all", "best"} or int
        Number of bits of the fragment that a cue must hold: at least one, all of them, a given
        number, or as many as the best cue. "best" asks for all bits, then for one less, and so on.
    """

    content: ContentBits
    at: _Start | None = None
    match: MatchRule = "any"


Operation = Learn | Forget | RecallCue | RecallContent

Schedule = Annotated[
    Iterable[Operation], Each(Instance(Learn, Forget, RecallCue, RecallContent), "operations")
]
"""Type of every ``schedule`` argument."""


@dataclass(frozen=True)
class Slot:
    """A slot of the schedule: an operation with its checked arguments and its times, ms.

    No other operation may begin from `start` to `stop`. The answer is on the output `answer` ms
    after the start. A recall by content asks for its `thresholds` one after the other, every `step`
    ms; then `answer` belongs to the last one.
    """

    operation: Operation
    start: float
    stop: float
    cue: int
    bits: tuple[int, ...]
    answer: float
    thresholds: tuple[int, ...] = ()
    step: float = 0.0

    @property
    def end(self) -> float:
        """Time after the last output spike, when the next operation may start, ms."""
        return max(self.stop, self.start + self.answer + 1.0)


def _cue(value: int, n_cues: int, where: str) -> int:
    if value >= n_cues:
        raise DescriptionError(
            f"{where}: cue must be from 0 to {n_cues - 1} (n_cues={n_cues}), got {value}."
        )
    return value


def bits_of(content: tuple[int, ...], n_contents: int, where: str) -> tuple[int, ...]:
    """Return the sorted indices of the bits that are set in checked content (:class:`Content`).

    Raises
    ------
    DescriptionError
        If an index is out of range or repeated, or a mask has the wrong length or no bit.
    """
    bits = as_pattern(np.array(content), n_contents, f"{where}: content (n_contents={n_contents})")
    if not bits.size:
        raise DescriptionError(f"{where}: content is empty; give at least one bit.")
    return tuple(bits.tolist())


def _thresholds(operation: RecallContent, n_bits: int) -> tuple[int, ...]:
    """Return the numbers of bits that a recall by content asks for, one after the other."""
    where, match = "RecallContent", operation.match
    if match == "any":
        return (1,)
    if match == "all":
        return (n_bits,)
    if match == "best":
        return tuple(range(n_bits, 0, -1))
    if not 1 <= match <= n_bits:
        raise DescriptionError(
            f"{where}: match must be from 1 to {n_bits} (the bits of the fragment), got {match}."
        )
    return (match,)


def checked_slot(operation: Operation, n_cues: int, n_contents: int) -> Slot:
    """Return a slot with the checked cue and content of an operation, and times of zero."""
    where = type(operation).__name__
    cue = -1
    bits: tuple[int, ...] = ()
    if not isinstance(operation, RecallContent):
        cue = _cue(operation.cue, n_cues, where)
    if isinstance(operation, Learn | RecallContent):
        bits = bits_of(operation.content, n_contents, where)
    return Slot(operation, start=0.0, stop=0.0, cue=cue, bits=bits, answer=ANSWER_DELAY)


def _check(operation: Operation, p: CA3Parameters, n_cues: int, n_contents: int) -> Slot:
    """Return the slot of one operation, with its length, at time 0."""
    item = checked_slot(operation, n_cues, n_contents)
    if isinstance(operation, Forget) and p.protocol == "hold":
        raise UnsupportedError(
            "Forget: the published circuit can forget only by relearning. Learn other content at "
            "this cue, or use CA3Memory.forget or preset='robust'."
        )
    if isinstance(operation, Learn | Forget):
        return replace(item, stop=p.learn_gap, answer=_echo(p))
    if isinstance(operation, RecallCue):
        return replace(item, stop=p.recall_gap)
    thresholds = _thresholds(operation, len(item.bits))
    if p.protocol == "hold" and thresholds != (1,):
        raise UnsupportedError(
            f"RecallContent: the published circuit supports only match='any', got "
            f"match={operation.match!r}. Use preset='robust'."
        )
    step = p.recall_gap + math.ceil(math.log(max(thresholds)) / 2)
    return replace(
        item, thresholds=thresholds, step=step, stop=step * len(thresholds),
        answer=step * (len(thresholds) - 1) + ANSWER_DELAY,
    )  # fmt: skip


def _echo(p: CA3Parameters) -> float:
    """Return the time of the last output spike of a learning operation, ms after its start."""
    return ECHO_DELAY + (2.0 if p.protocol == "hold" else ERASE_TO_STORE + STORE_TO_STORE)


def assign_times(
    schedule: Iterable[Operation],
    check: Callable[[Operation], Slot],
    *,
    start: float,
    safe: bool,
) -> list[Slot]:
    """Check all operations and assign their times.

    Parameters
    ----------
    schedule : iterable of operations
        Operations in order of time; an operation without ``at`` starts as soon as it is safe.
    check : callable
        Function that returns the slot of an operation at time 0.
    start : float
        Earliest start of the first operation, ms.
    safe : bool
        False allows shorter times between operations than the safe ones (for stress tests).

    Raises
    ------
    DescriptionError
        If an operation is not valid, or starts before the previous one has settled.
    UnsupportedError
        If the circuit cannot perform an operation.
    """
    slots: list[Slot] = []
    free, last = start, -1.0
    for k, operation in enumerate(schedule):
        item = check(operation)
        at = free if operation.at is None else operation.at
        where = f"schedule[{k}]: {type(operation).__name__} at {at:g} ms"
        if at != round(at) or at < 0:
            raise DescriptionError(f"{where} must start at a whole number of ms >= 0 (dt = 1 ms).")
        if at < free and safe:
            raise DescriptionError(
                f"{where} must start at {free:g} ms or later, to be safe. Start later, leave out "
                f"at=, or pass safe=False."
            )
        if at <= last:
            raise DescriptionError(
                f"{where} must start after the previous operation ({last:g} ms)."
            )
        slots.append(replace(item, start=at, stop=at + item.stop))
        free, last = slots[-1].stop, at
    return slots


def schedule_slots(
    schedule: Iterable[Operation],
    p: CA3Parameters,
    n_cues: int,
    n_contents: int,
    *,
    start: float = 0.0,
    safe: bool = True,
) -> list[Slot]:
    """Check operations of a :class:`CA3Memory` and assign times; see :func:`assign_times`."""
    return assign_times(
        schedule, lambda operation: _check(operation, p, n_cues, n_contents),
        start=start, safe=safe,
    )  # fmt: skip


def _events(item: Slot, p: CA3Parameters, n_contents: int) -> Iterator[tuple[str, int, float]]:
    """Yield the input spikes of an operation: (source, line, time)."""
    t = item.start
    match item.operation:
        case Learn() if p.protocol == "hold":
            for moment in (t, t + 1, t + 2):
                yield "INcue", item.cue, moment
                yield from (("INcont", bit, moment) for bit in item.bits)
        case Learn():
            yield from _erase(item.cue, t)
            for moment in _stores(t):
                yield "INcue", item.cue, moment
                yield from (("INcont", bit, moment) for bit in item.bits)
        case Forget():
            yield from _erase(item.cue, t)
        case RecallCue():
            yield "INcue", item.cue, t
        case RecallContent():
            for k, threshold in enumerate(item.thresholds):
                moment = t + k * item.step
                yield from (("INcont", bit, moment) for bit in item.bits)
                for line in range(match_lines(n_contents)):
                    if (threshold - 1) >> line & 1:
                        yield "INmatch", line, moment


def _erase(cue: int, t: float) -> Iterator[tuple[str, int, float]]:
    """Yield the spikes that erase a cue.

    The second spike of the cue arrives one step after the spikes of its content, which depresses
    their synapses fully.
    """
    yield "INcue", cue, t
    yield "INcue", cue, t + 2
    yield "INerase", 0, t + 2


def _stores(t: float) -> tuple[float, float]:
    """Return the two times of storing; the second spike of the cue applies pending changes."""
    first = t + ERASE_TO_STORE
    return first, first + STORE_TO_STORE


def _windows(item: Slot) -> dict[str, list[tuple[float, float]]]:
    """Return the steps in which an operation changes weights, as windows."""
    t = item.start
    steps: dict[str, list[float]] = {"W1": [t + 3], "W2": [t + 4]}
    if isinstance(item.operation, Learn):
        for moment in _stores(t):
            steps["W1"].append(moment + 2)
            steps["W2"].append(moment + 4)
    return {name: [(step, step + 1) for step in times] for name, times in steps.items()}


def compile_schedule(
    slots: Sequence[Slot], p: CA3Parameters, n_cues: int, n_contents: int
) -> dict[str, SpikeTrains]:
    """Return the input spikes of each source."""
    sizes = {
        "INcue": n_cues,
        "INcont": n_contents,
        "INerase": 1,
        "INmatch": match_lines(n_contents),
    }
    duration = max((item.end for item in slots), default=0.0)
    # Operations closer than is safe may want a spike of one line in one step; a source has one.
    lists: dict[str, set[tuple[int, float]]] = {name: set() for name in INPUTS[p.protocol]}
    for item in slots:
        for source, line, time in _events(item, p, n_contents):
            lists[source].add((line, time))
    return {
        name: SpikeTrains(
            ids=np.array([line for line, _ in pairs], dtype=np.int64),
            times=[time for _, time in pairs],
            size=sizes[name],
            duration=duration,
        )
        for name, pairs in lists.items()
    }


def windows_of(slots: Sequence[Slot], p: CA3Parameters) -> dict[str, Any]:
    """Return the plasticity windows of "W1" and "W2"; None means always on."""
    if not p.gated:
        return {"W1": None, "W2": None}
    learning = [_windows(item) for item in slots if isinstance(item.operation, Learn | Forget)]
    return {name: [w for each in learning for w in each[name]] for name in ("W1", "W2")}
