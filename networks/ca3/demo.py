"""The demonstration: a CA3 memory learns, recalls and forgets handwritten digits."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...network import Network
from ...output import save_figure
from ...recording import Recording
from ...simulation import simulate
from ...storage import save
from ...targets import export
from .memory import CA3Memory
from .operations import Forget, Learn, RecallContent, RecallCue
from .recall import Recall

__all__ = ["Outcome", "Row", "digits", "run", "table"]

SHAPE = (8, 8)
"""Height and width of a digit, pixels."""

N_CUES, N_CONTENTS = 16, SHAPE[0] * SHAPE[1]
RELEARNT = (1, 4, 7, 10, 13)
FORGOTTEN = 15


class Step(NamedTuple):
    """Operations of the schedule that share a row of the table."""

    asked: str
    operations: tuple[Any, ...]


class Row(NamedTuple):
    """A row of the table: question, answer, number of exact answers, and latency."""

    asked: str
    answer: str
    exact: int
    total: int
    latency: str


class Outcome(NamedTuple):
    """Results of the demonstration.

    Attributes
    ----------
    rows : list of Row
        The table.
    exact, total : int
        Number of operations with the expected answer, and of all operations.
    duration : float
        Simulated time, ms.
    wall : float
        Run time of the simulation, s.
    health : str
        Weight margins of the memory at the end.
    files : list of Path
        Files that were written.
    """

    rows: list[Row]
    exact: int
    total: int
    duration: float
    wall: float
    health: str
    files: list[Path]


def digits(target: int, sample: int) -> frozenset[int]:
    """Return one of scikit-learn's handwritten digits as the set of its dark pixels.

    Parameters
    ----------
    target : int
        The digit, 0 to 9.
    sample : int
        0 for the first example of this digit in the data set, 1 for the second, ...

    Examples
    --------
    >>> sorted(digits(1, 0))[:6]
    [3, 4, 11, 12, 13, 19]
    """
    images, targets = _data()
    pixels = images[np.flatnonzero(targets == target)[sample]]
    return frozenset(np.flatnonzero(pixels >= 8).tolist())


def _data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    images, targets = load_digits(return_X_y=True)
    return images, targets


def _steps() -> list[Step]:
    """Return the schedule: learn, recall, relearn and forget, then recall again."""
    first = [digits(cue % 10, cue // 10) for cue in range(N_CUES)]
    other = {cue: digits((cue + 5) % 10, 2) for cue in RELEARNT}
    everyone = tuple(RecallCue(cue) for cue in range(N_CUES))
    relearn = tuple(Learn(cue, sorted(bits)) for cue, bits in other.items())
    return [
        Step("learn 16 digits", tuple(Learn(cue, sorted(bits)) for cue, bits in enumerate(first))),
        Step("recall cues 0 to 15", everyone),
        *_fragments(first),
        Step(f"relearn cues {_names(RELEARNT)}", relearn),
        Step(f"forget cue {FORGOTTEN}", (Forget(FORGOTTEN),)),
        Step("recall cues 0 to 15", everyone),
        *_fragments_again(first, other),
    ]


def _fragments(first: Sequence[frozenset[int]]) -> list[Step]:
    rare = min(sorted(frozenset().union(*first)), key=lambda bit: sum(bit in x for x in first))
    few = sorted(first[6])[::6]
    wrong = sorted(frozenset(range(32)) - first[8])[:3]
    upper = sorted(bit for bit in first[8] if bit < 32)
    return [
        _ask("1 bit", [rare], "any"),
        _ask("digit 6", few, "all"),
        _ask("digit 2, upper half", [bit for bit in first[2] if bit < 32], "all"),
        _ask("digit 5", sorted(first[5])[::2], len(first[5]) // 2 - 1),
        _ask("digit 8, upper half and 3 wrong bits", [*upper, *wrong], "best"),
        _ask("another digit 4", digits(4, 5), "best"),
    ]


def _fragments_again(
    first: Sequence[frozenset[int]], other: Mapping[int, frozenset[int]]
) -> list[Step]:
    cue = RELEARNT[1]
    return [
        _ask(f"what cue {cue} held before", first[cue], "all"),
        _ask(f"what cue {cue} holds now", other[cue], "all"),
        _ask(f"what cue {FORGOTTEN} held before", first[FORGOTTEN], "all"),
        _ask("digit 8, lower half", [bit for bit in first[8] if bit >= 32], "best"),
    ]


def _ask(name: str, bits: Iterable[int], match: Any) -> Step:
    content = sorted(bits)
    size = "" if len(content) == 1 else f" ({len(content)} bits)"
    wanted = f"{match} or more" if isinstance(match, int) else match
    return Step(f"cues with {name}{size}: {wanted}", (RecallContent(content, match=match),))


def run(folder: Path, *, backend: str = "brian2", progress: bool = False) -> Outcome:
    """Run the demonstration; write ``ca3.h5``, two pictures and the export ``spinnaker/``.

    Parameters
    ----------
    folder : Path
        Output folder; it must exist.
    backend : str
        As for :func:`spikemem.simulate`.
    progress : bool
        Whether a progress bar is shown on a terminal.
    """
    steps = _steps()
    schedule = [operation for step in steps for operation in step.operations]
    memory = CA3Memory(n_cues=N_CUES, n_contents=N_CONTENTS)
    network = memory.build(schedule)
    started = time.perf_counter()
    recording = simulate(network, backend=backend, progress=progress)
    wall = time.perf_counter() - started
    answers = memory.decode(recording, schedule)

    wanted = memory.expected(schedule)
    rows = _rows(steps, answers, wanted)
    after = memory.after(recording, schedule)
    files = [
        save(folder / "ca3.h5", network=network, recording=recording, model=after),
        *_draw(folder, recording, answers, wanted),
        _export(network, folder / "spinnaker"),
    ]
    return Outcome(
        rows=rows,
        exact=sum(row.exact for row in rows),
        total=sum(row.total for row in rows),
        duration=recording.duration,
        wall=wall,
        health=str(after.health()),
        files=files,
    )


def _export(network: Network, folder: Path) -> Path:
    """Export the network for a SpiNNaker machine; the export of an earlier run is replaced."""
    if (folder / "network.json").exists():
        shutil.rmtree(folder)
    return export(network, "spinnaker", folder, title="A CA3 memory of sixteen digits")


def _rows(
    steps: Sequence[Step], answers: Sequence[Recall], wanted: Sequence[frozenset[int]]
) -> list[Row]:
    rows = []
    first = 0
    for step in steps:
        part = slice(first, first + len(step.operations))
        first = part.stop
        exact = sum(a == w for a, w in zip(answers[part], wanted[part], strict=True))
        rows.append(
            Row(step.asked, _shown(answers[part]), exact, len(step.operations),
                _span([answer.latency for answer in answers[part]], "ms"))
        )  # fmt: skip
    return rows


def _shown(answers: Sequence[Recall]) -> str:
    kind = answers[0].operation
    if isinstance(kind, Forget):
        return "-"
    if not isinstance(kind, RecallContent):
        return _span([len(answer) for answer in answers], "bits")
    if not answers[0]:
        return "none"
    return f"cue {_names(answers[0])}" + (
        f" ({answers[0].threshold} bits)" if kind.match == "best" else ""
    )


def _names(cues: Iterable[int]) -> str:
    return " ".join(str(cue) for cue in sorted(cues))


def _span(values: Iterable[float | None], unit: str) -> str:
    """Return the smallest and largest value as text; None is left out."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "-"
    low, high = min(numbers), max(numbers)
    return f"{low:g} {unit}" if low == high else f"{low:g} to {high:g} {unit}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text, one line each."""
    head = ("asked", "came back", "exact", "latency")
    lines = [head, *((r.asked, r.answer, f"{r.exact}/{r.total}", r.latency) for r in rows)]
    wide = [max(len(line[k]) for line in lines) for k in range(len(head))]
    text = [
        f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}  {d:>{wide[3]}}" for a, b, c, d in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def _draw(
    folder: Path,
    recording: Recording,
    answers: Sequence[Recall],
    wanted: Sequence[frozenset[int]],
) -> list[Path]:
    from matplotlib.figure import Figure

    from ...plotting import images, raster

    asked = [k for k, answer in enumerate(answers) if isinstance(answer.operation, RecallCue)]
    rounds = asked[:N_CUES], asked[N_CUES:]
    titles = "recalled by cue, after learning", "recalled by cue, after relearning and forgetting"

    figure = Figure(figsize=(11.0, 4.9), layout="constrained")
    for ax, title, part in zip(figure.subplots(2), titles, rounds, strict=True):
        stored = np.array([_mask(wanted[k]) for k in part])
        recalled = np.array([_mask(answers[k]) for k in part])
        images(stored, recalled, SHAPE, [f"cue {cue}" for cue in range(N_CUES)], ax=ax)
        ax.set_title(title, loc="left")
    pictures = [save_figure(figure, folder / "digits.png")]

    figure = Figure(figsize=(12.0, 8.0), layout="constrained")
    shown = [name for name in recording.spikes if name.startswith(("IN", "OUT"))]
    ax = figure.subplots()
    raster(recording, shown, ax=ax, marks=_parts(answers))
    return [*pictures, save_figure(figure, folder / "raster.png")]


def _parts(answers: Sequence[Recall]) -> list[tuple[float, str]]:
    """Return the times at which another kind of operation begins, with its name."""
    names = {"Learn": "learn", "Forget": "forget", "RecallCue": "recall by cue",
             "RecallContent": "recall by content"}  # fmt: skip
    kinds = [type(answer.operation).__name__ for answer in answers]
    starts = [answer.start for answer in answers]
    return [
        (start, names[kind])
        for start, kind, before in zip(starts, kinds, ["", *kinds], strict=False)
        if kind != before
    ]


def _mask(bits: Iterable[int]) -> NDArray[np.bool_]:
    mask = np.zeros(N_CONTENTS, dtype=np.bool_)
    mask[list(bits)] = True
    return mask
