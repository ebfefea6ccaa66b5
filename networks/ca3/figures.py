"""Draws the spikes of a memory with its operations, and its stored and recalled content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np

from ...checks import Count, Each, Instance, Kind, checked
from ...display import View
from ...errors import DescriptionError, shown
from ...plotting import images
from ...plotting import raster as raster_of
from ...plotting.axes import MAP, color_bar, whole_ticks
from ...plotting.kinds import Axes, Names, Pair, Window
from ...recording import Recording
from .operations import Forget, Learn, Operation, RecallContent, RecallCue
from .recall import Recall

__all__ = [
    "contents",
    "memory_view",
    "named",
    "operation_name",
    "patterns",
    "raster",
    "recall_view",
]

_MOST_BITS, _MOST_LISTED = 4, 16
_LARGEST_PICTURE = 4_000_000  # synapses


@dataclass(frozen=True)
class _Sets(Kind):
    """The expected answer of each operation, as a set."""

    def check(self, value: Any, where: str) -> tuple[frozenset[int], ...]:
        """Return a tuple of sets of int."""
        sets = Each(Instance(set, frozenset, list, tuple), "sets").check(value, where)
        bit = Count(low=0)
        return tuple(frozenset(bit.check(item, where) for item in one) for one in sets)


Answers = Annotated[Sequence[Recall], Each(Instance(Recall), "Recall objects")]


def operation_name(operation: Operation) -> str:
    """Return a short name of an operation.

    Examples
    --------
    >>> operation_name(Learn(3, [1, 5])), operation_name(RecallContent([5, 6], match="all"))
    ('learn 3', 'all of bits 5, 6')
    """
    match operation:
        case Learn():
            return f"learn {operation.cue}"
        case Forget():
            return f"forget {operation.cue}"
        case RecallCue():
            return f"recall {operation.cue}"
        case RecallContent():
            return _fragment(operation)
    raise DescriptionError(
        f"operation_name: operation must be Learn, Forget, RecallCue or RecallContent, got "
        f"{shown(operation)}."
    )


def _fragment(operation: RecallContent) -> str:
    content = np.asarray(operation.content)
    bits = np.flatnonzero(content) if content.dtype == np.bool_ else np.sort(content)
    few = f"bit{'s' * (bits.size > 1)} {', '.join(map(str, bits))}"
    names = few if bits.size <= _MOST_BITS else f"{bits.size} bits"
    return names if operation.match == "any" else f"{operation.match} of {names}"


@checked
def raster(
    recording: Recording,
    answers: Answers,
    populations: Names | None = None,
    window: Window | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spikes of a memory, with the names of its operations above the picture.

    Parameters
    ----------
    recording : Recording
        Recording of the network of a memory.
    answers : sequence of Recall
        Answers from the memory's ``decode`` or ``run``, with their operations and times.
    populations, window, ax
        As for :func:`spikemem.plotting.raster`.

    Returns
    -------
    matplotlib.axes.Axes
        "recall 3" is the recall of the content of cue 3, "bits 5, 6" the recall of the cues that
        hold one of these bits.

    Examples
    --------
    >>> import spikemem as sm
    >>> memory = sm.CA3Memory(4, 8, backend="native")
    >>> answers = memory.run([sm.Learn(1, [2, 5]), sm.RecallCue(1)])
    >>> ax = raster(memory.recording, answers)
    >>> [name.get_text() for name in ax.texts]
    ['learn 1', 'recall 1']
    """
    return raster_of(recording, populations, window, ax, marks=named(answers))


def named(operations: Iterable[Any]) -> list[tuple[float, str]]:
    """Return start (ms) and name of each operation, from objects with both attributes."""
    return [(one.start, operation_name(one.operation)) for one in operations]


@checked
def patterns(
    answers: Answers,
    expected: Annotated[Sequence[Iterable[int]], _Sets()],
    shape: Annotated[tuple[int, int], Pair(Count())],
    ax: Axes | None = None,
) -> Axes:
    """Draw the stored content above the recalled content, for each recall by cue.

    Parameters
    ----------
    answers : sequence of Recall
        Answers of the memory; only recalls by cue are drawn.
    expected : sequence of sets of int
        Expected answers, ``memory.expected(schedule)``.
    shape : (rows, columns)
        Shape of each picture; the product is the number of content bits.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Missing bits are orange, extra bits blue.

    Raises
    ------
    DescriptionError
        If the numbers of answers and expected answers differ, there is no recall by cue, or a bit
        is outside the picture.
    """
    if len(answers) != len(expected):
        raise DescriptionError(
            f"patterns: expected must have {len(answers)} sets, one for each answer, got "
            f"{len(expected)}."
        )
    pairs = [(answer, wanted) for answer, wanted in zip(answers, expected, strict=True)
             if isinstance(answer.operation, RecallCue)]  # fmt: skip
    if not pairs:
        raise DescriptionError("patterns: answers must hold a recall by cue, got none.")
    recalled, stored = (_masks([pair[k] for pair in pairs], shape) for k in (0, 1))
    labels = [f"cue {answer.operation.cue}" for answer, _ in pairs]
    return images(stored, recalled, shape, labels, ax=ax)


def _masks(sets: Sequence[Iterable[int]], shape: tuple[int, int]) -> Any:
    masks = np.zeros((len(sets), shape[0] * shape[1]), dtype=np.bool_)
    for row, bits in zip(masks, sets, strict=True):
        indices = np.array(sorted(bits), dtype=np.int64)
        if indices.size and indices[-1] >= row.size:
            raise DescriptionError(
                f"patterns: shape {tuple(shape)} must hold every bit, got bit {indices[-1]}."
            )
        row[indices] = True
    return masks


def contents(memory: Any, ax: Axes) -> None:
    """Draw the weights of a memory from cues to content bits."""
    picture = ax.imshow(memory.weights["W1"], aspect="auto", interpolation="nearest", vmin=0.0,
                        cmap=MAP)  # fmt: skip
    whole_ticks(ax)
    ax.set_xlabel("content bit")
    ax.set_ylabel("cue")
    color_bar(ax, picture, "W1 (nA)")


def memory_view(memory: Any) -> View:
    """Return sizes, parameters, contents and weights of a memory, for its display."""
    held = memory.contents
    rest = {name: value for name, value in memory.arguments().items()
            if name not in ("n_cues", "n_contents")}  # fmt: skip
    facts = {
        "size": f"{memory.n_cues} cues × {memory.n_contents} content bits",
        "stored": f"{len(held)} of {memory.n_cues} cues hold something",
        "time": f"{memory.time:g} ms",
    }
    rows = [(f"{cue}", _listed(bits)) for cue, bits in sorted(held.items())]
    small = memory.n_cues * memory.n_contents <= _LARGEST_PICTURE
    return View(facts | rest, {"contents": [("cue", "content bits"), *rows]},
                partial(contents, memory) if small else None)  # fmt: skip


def recall_view(answer: Recall) -> View:
    """Return operation, answer and latency of a recall, for its display."""
    return View(
        {
            "asked": answer.operation,
            "answer": _listed(answer),
            "cues": _listed(answer.cues),
            "content": _listed(answer.content),
            "latency": None if answer.latency is None else f"{answer.latency:g} ms",
            "threshold": None if answer.threshold is None else f"{answer.threshold} bits",
        }
    )


def _listed(bits: Iterable[int]) -> str:
    """Return numbers as text; of many numbers, the first ones and the total."""
    numbers = sorted(bits)
    text = ", ".join(map(str, numbers[:_MOST_LISTED]))
    if len(numbers) > _MOST_LISTED:
        return f"{text}, … ({len(numbers)} in all)"
    return text or "none"
