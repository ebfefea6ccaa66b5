"""What a memory should answer: a dict of sets, without cells and spikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .operations import Forget, Learn, Placed, RecallContent, RecallCue
from .recall import Recall

__all__ = ["Contents", "answers", "contents_after"]

Contents = Mapping[int, frozenset[int]]


def contents_after(placed: Iterable[Placed], contents: Contents) -> dict[int, frozenset[int]]:
    """What each cue holds after some operations; a cue that holds nothing is left out."""
    held = dict(contents)
    for item in placed:
        if isinstance(item.operation, Learn | Forget):
            held[item.cue] = frozenset(item.bits)
    return {cue: bits for cue, bits in sorted(held.items()) if bits}


def answers(placed: Iterable[Placed], contents: Contents) -> list[Recall]:
    """The answer to each operation, if the memory held exactly what it was told.

    Parameters
    ----------
    placed : iterable of Placed
        The operations, in order.
    contents : mapping of int to frozenset of int
        What the cues hold before them.

    Returns
    -------
    list of Recall
        Sets only: what has to do with spikes (latency, what else is on the output) is left open.
    """
    held = dict(contents)
    found = []
    for item in placed:
        found.append(_answer(item, held))
        held = contents_after([item], held)
    return found


def _answer(item: Placed, held: Contents) -> Recall:
    made: dict[str, Any] = {"operation": item.operation, "start": item.start}
    if isinstance(item.operation, Learn):
        return Recall(item.bits, **made)
    if isinstance(item.operation, RecallCue):
        return Recall(held.get(item.cue, frozenset()), **made)
    if not isinstance(item.operation, RecallContent):
        return Recall(**made)
    asked = frozenset(item.bits)
    for threshold in item.thresholds or (1,):
        cues = [cue for cue, bits in held.items() if len(bits & asked) >= threshold]
        if cues:
            return Recall(cues, threshold=threshold, **made)
    return Recall(**made)
