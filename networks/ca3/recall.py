"""From a recording back to sets: one answer for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ...display import Displayed
from ...errors import DescriptionError, shown
from ...recording import Recording, SpikeTrains
from .operations import FIRST, LAST, Learn, Placed, RecallContent, RecallCue

__all__ = ["Recall", "decode"]


class Recall(frozenset[int], Displayed):
    """What came back from an operation; it is the set of what was asked for.

    A recall by cue is a set of content bits, a recall by content a set of cues. `Learn` and
    `Forget` answer nothing; they hold what they left on the output.

    Attributes
    ----------
    operation : Operation
        What was asked.
    cues, content : frozenset of int
        Cues and content bits on the output.
    start : float
        When the operation began, ms.
    latency : float or None
        From the operation's start to the answer, ms; None without an answer.
    threshold : int or None
        How many bits of the fragment the cues hold (recall by content).

    Examples
    --------
    >>> answer = Recall([3, 1], operation=None, cues=[0], content=[1, 3], latency=6.0)
    >>> answer == {1, 3}, answer.latency
    (True, 6.0)
    """

    view: ClassVar[str] = "spikemem.networks.ca3.figures:recall_view"
    operation: Any
    cues: frozenset[int]
    content: frozenset[int]
    start: float
    latency: float | None
    threshold: int | None

    def __new__(
        cls,
        answer: Iterable[int] = (),
        *,
        operation: Any,
        cues: Iterable[int] = (),
        content: Iterable[int] = (),
        start: float = 0.0,
        latency: float | None = None,
        threshold: int | None = None,
    ) -> Recall:
        """Make the set, with what belongs to it.

        Raises
        ------
        DescriptionError
            `answer`, `cues` or `content` are not whole numbers.
        """
        self = super().__new__(cls, _members(answer, "answer"))
        self.operation, self.start = operation, start
        self.cues, self.content = _members(cues, "cues"), _members(content, "content")
        self.latency, self.threshold = latency, threshold
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (sorted(self), dict(self.__dict__))

    def __repr__(self) -> str:
        inside = ", ".join(str(item) for item in sorted(self))
        return f"Recall({{{inside}}})"


def _members(values: Any, where: str) -> frozenset[int]:
    try:
        found = frozenset(values)
    except TypeError:
        found = None
    if found is None or not all(isinstance(item, int | np.integer) for item in found):
        raise DescriptionError(f"Recall: {where} must be whole numbers, got {shown(values)}.")
    return found


def _rebuild(answer: list[int], state: dict[str, Any]) -> Recall:
    return Recall(answer, **state)


def _fired(trains: SpikeTrains, time: float) -> frozenset[int]:
    return frozenset(trains.at(time).tolist())


def decode(recording: Recording, placed: Sequence[Placed]) -> list[Recall]:
    """One :class:`Recall` for each operation, in order.

    Raises
    ------
    DescriptionError
        The recording lacks the output populations or ends before an operation does.
    """
    require_whole(recording, placed)
    cues, contents = recording["OUTcue"], recording["OUTcont"]
    return [_answer(item, cues, contents) for item in placed]


def require_whole(recording: Recording, placed: Sequence[Placed]) -> None:
    """Raise :class:`DescriptionError` unless the recording holds the answers to all operations."""
    for item in placed:
        if item.start + item.answer >= recording.stop:
            raise DescriptionError(
                f"decode: the recording ends at {recording.stop:g} ms, before the answer to "
                f"{type(item.operation).__name__} at {item.start:g} ms; simulate for longer."
            )


def _answer(item: Placed, cues: SpikeTrains, contents: SpikeTrains) -> Recall:
    operation, start = item.operation, item.start
    if isinstance(operation, RecallCue):
        answer = _fired(contents, start + LAST)
        return Recall(
            answer, operation=operation, start=start, content=answer,
            cues=_fired(cues, start + FIRST), latency=LAST if answer else None,
        )  # fmt: skip
    if isinstance(operation, RecallContent):
        moments = [start + k * item.step for k in range(len(item.thresholds))]
        asked = zip(moments, item.thresholds, strict=True)
        heard = ((at, least, _fired(cues, at + LAST)) for at, least in asked)
        moment, threshold, answer = next(
            (each for each in heard if each[2]), (moments[-1], item.thresholds[-1], frozenset())
        )
        return Recall(
            answer, operation=operation, start=start, cues=answer,
            content=_fired(contents, moment + FIRST), threshold=threshold if answer else None,
            latency=moment + LAST - start if answer else None,
        )  # fmt: skip
    if not isinstance(operation, Learn):
        return Recall(operation=operation, start=start)
    echo = start + item.answer
    stored = _fired(contents, echo)
    return Recall(stored, operation=operation, start=start, content=stored, cues=_fired(cues, echo))
