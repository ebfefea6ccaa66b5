"""Operations on a memory and what they become: input spikes and plasticity windows."""

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
    "place",
]

FIRST, LAST = 5.0, 6.0
"""Output of a recall: what was asked about comes after 5 ms, the answer after 6."""

ERASE_TO_STORE, STORE_TO_STORE = 6, 4
"""Times between the presentations of the two-phase protocol, ms."""

Match = int | Literal["any", "all", "best"]


@dataclass(frozen=True)
class Content(Kind):
    """Content of a memory: one pattern in any form; at least one entry."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of int, or of bool for a mask; :func:`bits_of` knows the size."""
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
    """How many bits of a fragment a cue must hold."""

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
    """Base of the operations: the fields are checked when one is made."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class Learn(_Checked):
    """Store content at a cue; what was there before is forgotten.

    Parameters
    ----------
    cue : int
        Address, 0 to ``n_cues - 1``.
    content : set, array_like, or Patterns of length 1
        Bits that are set, at least one: a set (such as a :class:`Recall`), indices (int), a mask
        (bool) or a dense row (0 and 1) of shape (n_contents,).
    at : float, optional
        Start in ms. Default: as soon as it is safe after the operation before.
    """

    cue: CueNumber
    content: ContentBits
    at: _Start | None = None


@dataclass(frozen=True)
class Forget(_Checked):
    """Erase what a cue holds. `cue`, `at`: as :class:`Learn`."""

    cue: CueNumber
    at: _Start | None = None


@dataclass(frozen=True)
class RecallCue(_Checked):
    """Ask what a cue holds. `cue`, `at`: as :class:`Learn`."""

    cue: CueNumber
    at: _Start | None = None


@dataclass(frozen=True)
class RecallContent(_Checked):
    """Ask which cues hold a fragment of content.

    Parameters
    ----------
    content : set, array_like, or Patterns of length 1
        The fragment, at least one bit, as for :class:`Learn`.
    at : float, optional
        Start in ms. Default: as soon as it is safe after the operation before.
    match : {"any", "all", "best"} or int
        How many bits of the fragment a cue must hold: at least one, all of them, a number, or
        as many as the best cue does ("best" asks for all, then for one less, and so on).
    """

    content: ContentBits
    at: _Start | None = None
    match: MatchRule = "any"


Operation = Learn | Forget | RecallCue | RecallContent

Schedule = Annotated[
    Iterable[Operation], Each(Instance(Learn, Forget, RecallCue, RecallContent), "operations")
]
"""What every ``schedule`` argument takes."""


@dataclass(frozen=True)
class Placed:
    """An operation at its time, checked.

    From `start` to `stop` nothing else may begin; the answer comes `answer` ms after the start (of
    the last question, if `thresholds` are asked one after the other, each `step` ms long).
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
        """When its last output spike is over and the next operation may start, ms."""
        return max(self.stop, self.start + self.answer + 1.0)


def _cue(value: int, n_cues: int, where: str) -> int:
    if value >= n_cues:
        raise DescriptionError(
            f"{where}: cue must be from 0 to {n_cues - 1} (n_cues={n_cues}), got {value}."
        )
    return value


def bits_of(content: tuple[int, ...], n_contents: int, where: str) -> tuple[int, ...]:
    """Sorted indices of the set bits, from plain content (:class:`Content`).

    Raises
    ------
    DescriptionError
        Out of range, repeated, or a mask of the wrong length or without a bit.
    """
    bits = as_pattern(np.array(content), n_contents, f"{where}: content (n_contents={n_contents})")
    if not bits.size:
        raise DescriptionError(f"{where}: content is empty; give at least one bit.")
    return tuple(bits.tolist())


def _thresholds(operation: RecallContent, n_bits: int) -> tuple[int, ...]:
    """The numbers of bits that are asked for, one after the other."""
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


def place_one(operation: Operation, n_cues: int, n_contents: int) -> Placed:
    """Check cue and content of an operation; its times are left open."""
    where = type(operation).__name__
    cue = -1
    bits: tuple[int, ...] = ()
    if not isinstance(operation, RecallContent):
        cue = _cue(operation.cue, n_cues, where)
    if isinstance(operation, Learn | RecallContent):
        bits = bits_of(operation.content, n_contents, where)
    return Placed(operation, start=0.0, stop=0.0, cue=cue, bits=bits, answer=LAST)


def _check(operation: Operation, p: CA3Parameters, n_cues: int, n_contents: int) -> Placed:
    """One operation with its length, starting at 0."""
    item = place_one(operation, n_cues, n_contents)
    if isinstance(operation, Forget) and p.protocol == "hold":
        raise UnsupportedError(
            "Forget: the published circuit forgets by relearning only; learn something else "
            "at this cue, use CA3Memory.forget, or preset='robust'."
        )
    if isinstance(operation, Learn | Forget):
        return replace(item, stop=p.learn_gap, answer=_echo(p))
    if isinstance(operation, RecallCue):
        return replace(item, stop=p.recall_gap)
    thresholds = _thresholds(operation, len(item.bits))
    if p.protocol == "hold" and thresholds != (1,):
        raise UnsupportedError(
            f"RecallContent: the published circuit answers match='any' only, got "
            f"match={operation.match!r}; use preset='robust'."
        )
    step = p.recall_gap + math.ceil(math.log(max(thresholds)) / 2)
    return replace(
        item, thresholds=thresholds, step=step, stop=step * len(thresholds),
        answer=step * (len(thresholds) - 1) + LAST,
    )  # fmt: skip


def _echo(p: CA3Parameters) -> float:
    """When the last echo of a learning operation leaves the output, ms after its start."""
    return FIRST + (2.0 if p.protocol == "hold" else ERASE_TO_STORE + STORE_TO_STORE)


def put(
    schedule: Iterable[Operation],
    check: Callable[[Operation], Placed],
    *,
    start: float,
    safe: bool,
) -> list[Placed]:
    """Check every operation and give each its time.

    Parameters
    ----------
    schedule : iterable of operations
        In order of time; those without ``at`` follow as soon as it is safe.
    check : callable
        Gives an operation its length, as if it started at 0.
    start : float
        Earliest start of the first operation, ms.
    safe : bool
        False allows operations closer than is safe (for stress tests).

    Raises
    ------
    DescriptionError
        Bad operation, or one that starts before the one before it has settled.
    UnsupportedError
        The circuit can't do the operation.
    """
    placed: list[Placed] = []
    free, last = start, -1.0
    for k, operation in enumerate(schedule):
        item = check(operation)
        at = free if operation.at is None else operation.at
        where = f"schedule[{k}]: {type(operation).__name__} at {at:g} ms"
        if at != round(at) or at < 0:
            raise DescriptionError(f"{where} must start at a whole number of ms >= 0 (dt = 1 ms).")
        if at < free and safe:
            raise DescriptionError(
                f"{where} starts before it is safe ({free:g} ms). "
                f"Start later, leave out at=, or pass safe=False."
            )
        if at <= last:
            raise DescriptionError(
                f"{where} must start after the operation before it ({last:g} ms)."
            )
        placed.append(replace(item, start=at, stop=at + item.stop))
        free, last = placed[-1].stop, at
    return placed


def place(
    schedule: Iterable[Operation],
    p: CA3Parameters,
    n_cues: int,
    n_contents: int,
    *,
    start: float = 0.0,
    safe: bool = True,
) -> list[Placed]:
    """Check the operations of a :class:`CA3Memory` and give each its time; see :func:`put`."""
    return put(
        schedule, lambda operation: _check(operation, p, n_cues, n_contents),
        start=start, safe=safe,
    )  # fmt: skip


def _events(item: Placed, p: CA3Parameters, n_contents: int) -> Iterator[tuple[str, int, float]]:
    """Input spikes of an operation: (source, line, time)."""
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
    """The cue's second spike comes one step after what it holds: full depression."""
    yield "INcue", cue, t
    yield "INcue", cue, t + 2
    yield "INerase", 0, t + 2


def _stores(t: float) -> tuple[float, float]:
    """Twice, so that the second spike of the cue carries out what the first one left pending."""
    first = t + ERASE_TO_STORE
    return first, first + STORE_TO_STORE


def _windows(item: Placed) -> dict[str, list[tuple[float, float]]]:
    """The steps in which the weights of an operation are meant to change."""
    t = item.start
    steps: dict[str, list[float]] = {"W1": [t + 3], "W2": [t + 4]}
    if isinstance(item.operation, Learn):
        for moment in _stores(t):
            steps["W1"].append(moment + 2)
            steps["W2"].append(moment + 4)
    return {name: [(step, step + 1) for step in times] for name, times in steps.items()}


def compile_schedule(
    placed: Sequence[Placed], p: CA3Parameters, n_cues: int, n_contents: int
) -> dict[str, SpikeTrains]:
    """Input spikes of each source."""
    sizes = {
        "INcue": n_cues,
        "INcont": n_contents,
        "INerase": 1,
        "INmatch": match_lines(n_contents),
    }
    duration = max((item.end for item in placed), default=0.0)
    # Operations closer than is safe may want a spike of one line in one step; a source has one.
    lists: dict[str, set[tuple[int, float]]] = {name: set() for name in INPUTS[p.protocol]}
    for item in placed:
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


def windows_of(placed: Sequence[Placed], p: CA3Parameters) -> dict[str, Any]:
    """Plasticity windows of "W1" and "W2" (None: always on)."""
    if not p.gated:
        return {"W1": None, "W2": None}
    learning = [_windows(item) for item in placed if isinstance(item.operation, Learn | Forget)]
    return {name: [w for each in learning for w in each[name]] for name in ("W1", "W2")}
