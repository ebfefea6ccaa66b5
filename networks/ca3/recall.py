"""Decodes a recording into answers: one set for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ...display import Displayed
from ...errors import DescriptionError, shown
from ...recording import Recording, SpikeTrains
from .operations import ANSWER_DELAY, ECHO_DELAY, Learn, RecallContent, RecallCue, Slot

__all__ = ["Recall", "decode"]


class Recall(frozenset[int], Displayed):
    """The answer to an operation, a set of content bits or cues.

    A recall by cue returns a set of content bits, a recall by content a set of cues. `Learn`
    returns the content that appeared on the output, `Forget` the empty set.

    Attributes
    ----------
    operation : Operation
        The operation.
    cues, content : frozenset of int
        Cues and content bits on the output.
    start : float
        Start of the operation, ms.
    latency : float or None
        Time from the operation's start to the answer, ms; None if there is no answer.
    threshold : int or None
        Number of bits of the fragment that the cues hold (recall by content).

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
        """Make the set with its attributes.

        Raises
        ------
        DescriptionError
            If `answer`, `cues` or `content` are not whole numbers.
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
        members = frozenset(values)
    except TypeError:
        members = None
    if members is None or not all(isinstance(item, int | np.integer) for item in members):
        raise DescriptionError(f"Recall: {where} must be whole numbers, got {shown(values)}.")
    return members


def _rebuild(answer: list[int], state: dict[str, Any]) -> Recall:
    return Recall(answer, **state)


def _fired(trains: SpikeTrains, time: float) -> frozenset[int]:
    return frozenset(trains.at(time).tolist())


def decode(recording: Recording, slots: Sequence[Slot]) -> list[Recall]:
    """Return one :class:`Recall` for each operation, in order.

    Raises
    ------
    DescriptionError
        If the recording lacks the output populations, or ends before the last answer.
    """
    require_whole(recording, slots)
    cues, contents = recording["OUTcue"], recording["OUTcont"]
    return [_answer(item, cues, contents) for item in slots]


def require_whole(recording: Recording, slots: Sequence[Slot]) -> None:
    """Raise DescriptionError if the recording ends before the answers to all operations."""
    for item in slots:
        if item.start + item.answer >= recording.stop:
            raise DescriptionError(
                f"decode: the recording ends at {recording.stop:g} ms, before the answer to "
                f"{type(item.operation).__name__} at {item.start:g} ms; simulate for longer."
            )


def _answer(item: Slot, cues: SpikeTrains, contents: SpikeTrains) -> Recall:
    operation, start = item.operation, item.start
    if isinstance(operation, RecallCue):
        answer = _fired(contents, start + ANSWER_DELAY)
        return Recall(
            answer, operation=operation, start=start, content=answer,
            cues=_fired(cues, start + ECHO_DELAY), latency=ANSWER_DELAY if answer else None,
        )  # fmt: skip
    if isinstance(operation, RecallContent):
        moments = [start + k * item.step for k in range(len(item.thresholds))]
        asked = zip(moments, item.thresholds, strict=True)
        outputs = ((at, least, _fired(cues, at + ANSWER_DELAY)) for at, least in asked)
        moment, threshold, answer = next(
            (each for each in outputs if each[2]), (moments[-1], item.thresholds[-1], frozenset())
        )
        return Recall(
            answer, operation=operation, start=start, cues=answer,
            content=_fired(contents, moment + ECHO_DELAY), threshold=threshold if answer else None,
            latency=moment + ANSWER_DELAY - start if answer else None,
        )  # fmt: skip
    if not isinstance(operation, Learn):
        return Recall(operation=operation, start=start)
    echo = start + item.answer
    stored = _fired(contents, echo)
    return Recall(stored, operation=operation, start=start, content=stored, cues=_fired(cues, echo))
