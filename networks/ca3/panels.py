"""Panels of a memory in a report: weights, contents, health, and answers to recalls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedError
from ...network import Network
from ...panels import Heat, Histogram, Panel, Raster, Rows
from ...recording import Recording
from ...reporting.recordings import bands, trace_panel
from ...simulation import simulate
from .figures import named
from .operations import Operation, RecallContent, RecallCue
from .recall import Recall

__all__ = ["memory_panels"]

_MOST_ASKED, _MOST_FRAGMENTS, _MOST_BITS = 12, 4, 12
_LARGEST = 1_000_000
"""Largest number of synapses of a plastic projection for which the memory is asked."""

_SILENT, _HELD, _LOST, _GHOST = range(4)


def memory_panels(memory: Any) -> Iterator[Panel]:
    """Yield the health, the answers and the weights of a memory."""
    weights = memory.weights
    yield from _health(memory)
    if memory.n_cues * memory.n_contents <= _LARGEST:
        yield from _answers(memory)
    for name, means in memory.plastic.items():
        yield Heat(
            f"Weights {name}",
            f"Each field is the weight from one cell (row) to another (column); {name} holds "
            f"{means}.",
            weights[name],
            x="content bit" if name == "W1" else "cue",
            y="cue" if name == "W1" else "content bit",
            value="nA",
        )
    yield _margins(memory, weights)


def _health(memory: Any) -> Iterator[Panel]:
    """Yield lost bits, wrong answers, and the margins of the weights."""
    if not hasattr(memory, "health"):
        return
    health = memory.health()
    yield Rows(
        "Health",
        "Nothing is lost and nothing answers that was not stored."
        if health.ok
        else "Some of what is stored is lost, or something answers that was not stored.",
        [
            ("projection", "stored weights above firing (nA)", "other weights below firing (nA)",
             "lost", "ghosts", "pending", "at risk on SpiNNaker"),
            *((name, f"{health.stored_margin[name]:+.3f}", f"{health.silent_margin[name]:+.3f}",
               len(health.lost[name]), len(health.ghosts[name]), len(health.pending[name]),
               len(health.at_risk[name])) for name in health.stored_margin),
        ],
    )  # fmt: skip
    held = _table(memory.contents, (memory.n_cues, memory.n_contents))
    kinds = np.where(held, _HELD, _SILENT)
    for by_projection, kind in ((health.lost, _LOST), (health.ghosts, _GHOST)):
        for pairs in by_projection.values():
            for cue, bit in pairs:
                kinds[cue, bit] = kind
    yield Heat(
        "What is stored",
        "Each field is a content bit (column) of a cue (row): held safely, lost, or answering "
        "although it was not stored (a ghost), by the weights in both directions.",
        kinds,
        x="content bit",
        y="cue",
        names=("not stored", "stored", "lost", "ghost"),
    )


def _table(sets: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    table = np.zeros(shape, dtype=np.bool_)
    for row, bits in sets.items():
        table[row, list(bits)] = True
    return table


def _margins(memory: Any, weights: Any) -> Histogram:
    """Return the distributions of the stored weights and of the others."""
    held = _table(memory.contents, (memory.n_cues, memory.n_contents))
    values = {}
    for name in weights:
        stored = held if weights[name].shape == held.shape and name == "W1" else held.T
        values[f"{name}, stored"] = weights[name][stored]
        values[f"{name}, others"] = weights[name][~stored]
    return Histogram(
        "Stored weights and others",
        "How the weights of what is stored, and those of everything else, are distributed: the "
        "further apart, the safer.",
        {name: each for name, each in values.items() if each.size},
        x="weight (nA)",
    )


def _questions(memory: Any) -> list[Operation]:
    """Return recalls by some of the cues, and by fragments of some of their contents."""
    held = {cue: bits for cue, bits in sorted(memory.contents.items()) if bits}
    few = list(held)[:_MOST_ASKED]
    asked: list[Operation] = [RecallCue(cue) for cue in few]
    for cue in few[:_MOST_FRAGMENTS]:
        fragment = sorted(held[cue])[: max(1, len(held[cue]) // 2)]
        question = RecallContent(fragment, match="any")
        try:
            memory.expected([question])
        except UnsupportedError:  # This memory recalls by cue only.
            break
        asked.append(question)
    return asked


def _answers(memory: Any) -> Iterator[Panel]:
    """Ask a copy of the memory on the compiled engine, and yield answers, spikes and potentials."""
    asked = _questions(memory)
    if not asked:
        return
    network = _with_potentials(memory.build(asked), memory)
    recording = simulate(network, backend="native", integrator=memory.integrator)
    answers = memory.decode(recording, asked)
    wanted = memory.expected(asked)
    marks = named(answers)
    right = sum(answer == want for answer, want in zip(answers, wanted, strict=True))
    yield _answer_table(answers, wanted, right)
    yield _compared(memory, answers, wanted)
    yield Raster(
        "Spikes while it is asked",
        "Each mark is a spike while the memory is asked for the answers above; the names at the "
        "top say when each question begins.",
        bands({name: trains for name, trains in recording.spikes.items() if len(trains)}),
        recording.start,
        recording.stop,
        marks=marks,
    )
    yield from _potentials(recording, marks)


def _with_potentials(network: Network, memory: Any) -> Network:
    """Return the network with potentials recorded in the targets of the plastic projections."""
    ends = {network.projection(name).post for name in memory.plastic}
    populations = [
        replace(item, record=("spikes", "v")) if item.name in ends else item
        for item in network.populations
    ]
    return Network(populations, network.projections, dt=network.dt, copies=network.copies)


def _potentials(recording: Recording, marks: Any) -> Iterator[Panel]:
    for name, variable in recording.traces:
        if variable == "v":
            yield trace_panel(recording, name, variable, marks)


def _answer_table(answers: list[Recall], wanted: list[Recall], right: int) -> Rows:
    rows: list[tuple[str, ...]] = [("asked", "answer", "stored", "right", "latency")]
    for (_, name), answer, want in zip(named(answers), answers, wanted, strict=True):
        late = "" if answer.latency is None else f"{answer.latency:g} ms"
        rows.append((name, _listed(answer), _listed(want), "yes" if answer == want else "NO", late))
    return Rows(
        "Answers",
        f"What the circuit answers when it is asked now, simulated for this page with its stored "
        f"weights: {right} of {len(answers)} answers are right.",
        rows,
    )


def _listed(bits: Any) -> str:
    numbers = sorted(bits)
    more = f", … ({len(numbers)})" if len(numbers) > _MOST_BITS else ""
    return ", ".join(map(str, numbers[:_MOST_BITS])) + more or "none"


def _compared(memory: Any, answers: list[Recall], wanted: list[Recall]) -> Heat:
    """Return a map of the bits in the answers to cues: right, missing, or too many."""
    pairs = [(answer, want) for answer, want in zip(answers, wanted, strict=True)
             if isinstance(answer.operation, RecallCue)]  # fmt: skip
    kinds = np.zeros((len(pairs), memory.n_contents))
    for row, (answer, want) in zip(kinds, pairs, strict=True):
        row[sorted(answer & want)] = 1
        row[sorted(want - answer)] = 2
        row[sorted(answer - want)] = 3
    return Heat(
        "Recalled content",
        "Each row is the answer to a cue; each column is a content bit that was recalled rightly, "
        "is missing, or is too many.",
        kinds,
        x="content bit",
        y="cue",
        rows=[str(answer.operation.cue) for answer, _ in pairs],
        names=("silent", "right", "missing", "too many"),
    )
