"""Expected answers of a memory, from a dict of sets without cells and spikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .operations import Forget, Learn, RecallContent, RecallCue, Slot
from .recall import Recall

__all__ = ["Contents", "answers", "contents_after"]

Contents = Mapping[int, frozenset[int]]


def contents_after(slots: Iterable[Slot], contents: Contents) -> dict[int, frozenset[int]]:
    """Return the contents after some operations; cues without content are left out."""
    held = dict(contents)
    for item in slots:
        if isinstance(item.operation, Learn | Forget):
            held[item.cue] = frozenset(item.bits)
    return {cue: bits for cue, bits in sorted(held.items()) if bits}


def answers(slots: Iterable[Slot], contents: Contents) -> list[Recall]:
    """Return the answer to each operation of a memory without errors.

    Parameters
    ----------
    slots : iterable of Slot
        Slots of the operations, in order.
    contents : mapping of int to frozenset of int
        Contents of the cues before the operations.

    Returns
    -------
    list of Recall
        Only the sets; attributes that need spikes (latency, other output) have their defaults.
    """
    held = dict(contents)
    results = []
    for item in slots:
        results.append(_answer(item, held))
        held = contents_after([item], held)
    return results


def _answer(item: Slot, held: Contents) -> Recall:
    attributes: dict[str, Any] = {"operation": item.operation, "start": item.start}
    if isinstance(item.operation, Learn):
        return Recall(item.bits, **attributes)
    if isinstance(item.operation, RecallCue):
        return Recall(held.get(item.cue, frozenset()), **attributes)
    if not isinstance(item.operation, RecallContent):
        return Recall(**attributes)
    asked = frozenset(item.bits)
    for threshold in item.thresholds or (1,):
        cues = [cue for cue, bits in held.items() if len(bits & asked) >= threshold]
        if cues:
            return Recall(cues, threshold=threshold, **attributes)
    return Recall(**attributes)
