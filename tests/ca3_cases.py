"""The published experiments, random operations, and a plain dict as the memory's oracle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

import spikemem as sm
from spikemem import Learn, RecallContent, RecallCue

ORDER = [
    *("INcue", "INcont", "CueCue", "ContCue", "ContCond", "CondInt"),
    *("CueCont", "ContCont", "MergeCue", "MergeCont", "OUTcue", "OUTcont"),
]

EXPERIMENT_1 = [
    Learn(0, [0, 1, 8, 9], at=0.0),
    Learn(4, [1, 5, 6], at=10.0),
    Learn(3, [4, 5, 6], at=20.0),
    RecallCue(0, at=30.0),
    RecallContent([6], at=40.0),
    RecallContent([0, 4], at=50.0),
    Learn(3, [1, 3, 4, 8], at=60.0),
    RecallCue(3, at=70.0),
    RecallContent([6], at=80.0),
]
ANSWERS_1 = [{0, 1, 8, 9}, {1, 5, 6}, {4, 5, 6}, {0, 1, 8, 9}, {3, 4}, {0, 3}, {1, 3, 4, 8},
             {1, 3, 4, 8}, {4}]  # fmt: skip
SHA_1 = "2c15bfb9d43ad7f1c6f75d4bc292e9aa99281d49d0b314ce20309ce65f48acd6"
COUNTS_1 = [14, 46, 10, 42, 34, 13, 15, 34, 15, 42, 15, 42]

_STATES = [0, 5, 1, 3, 0, 3, 4, 5, 0, 5, 4, 3, 2, 4, 4, 3]
EXPERIMENT_3 = [
    *(Learn(cell, [state], at=7.0 * cell) for cell, state in enumerate(_STATES)),
    RecallContent([1, 2, 4], at=112.0),
    RecallContent([3], at=118.0),
    RecallContent([5], at=124.0),
    RecallContent([0], at=130.0),
]
ANSWERS_3 = [{2, 6, 10, 12, 13, 14}, {3, 5, 11, 15}, {1, 7, 9}, {0, 4, 8}]
SHA_3 = "45802252373d29a9549a46a53edc5c20a2b1ca04fd3b63023da91d271e630cea"
COUNTS_3 = [48, 54, 32, 38, 38, 36, 48, 38, 48, 38, 48, 38]


def experiment_2() -> list[sm.networks.ca3.operations.Operation]:
    """Learn, recall by cue, recall by single bits; then complemented, then complemented again."""
    first = [{bit for bit in range(10) if (cue + 1) >> bit & 1} for cue in range(5)]
    operations = []
    for turn in range(3):
        contents = first if turn != 1 else [set(range(10)) - content for content in first]
        operations += [Learn(cue, sorted(content)) for cue, content in enumerate(contents)]
        operations += [RecallCue(cue) for cue in range(5)]
        operations += [RecallContent([bit]) for bit in range(10)]
    return [replace(operation, at=1.0 + 14.0 * k) for k, operation in enumerate(operations)]


def checksum(recording: sm.Recording) -> str:
    """SHA-256 over lines "POP:t:i", populations in the published order."""
    lines = [
        f"{name}:{time:.0f}:{cell}\n"
        for name in ORDER
        for time, cell in zip(recording[name].times, recording[name].ids, strict=True)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def random_operations(
    n_cues: int,
    n_contents: int,
    n: int,
    seed: int,
    *,
    density: tuple[float, float] = (0.25, 0.25),
    longest: int = 3,
    thresholds: bool = False,
) -> list[sm.networks.ca3.operations.Operation]:
    """25 % learn, 40 % recall by cue, 35 % recall by a fragment of 1 to `longest` bits."""
    rng = np.random.default_rng(seed)
    operations = []
    for _ in range(n):
        kind, cue = rng.random(), int(rng.integers(n_cues))
        if kind < 0.25:
            bits = np.flatnonzero(rng.random(n_contents) < rng.uniform(*density))
            operations.append(Learn(cue, bits if bits.size else [int(rng.integers(n_contents))]))
        elif kind < 0.65:
            operations.append(RecallCue(cue))
        else:
            size = int(rng.integers(1, longest + 1))
            fragment = rng.choice(n_contents, size, replace=False)
            match = int(rng.integers(1, size + 1)) if thresholds else "any"
            operations.append(RecallContent(fragment, match=match))
    return operations


def expected(operations: Iterable[object]) -> list[set[int] | None]:
    """What a dict would answer; None for operations that answer nothing."""
    store: dict[int, set[int]] = {}
    answers: list[set[int] | None] = []
    for op in operations:
        if isinstance(op, Learn):
            store[op.cue] = {int(bit) for bit in op.content}
            answers.append(None)
        elif isinstance(op, RecallCue):
            answers.append(set(store.get(op.cue, ())))
        elif isinstance(op, RecallContent):
            asked = {int(bit) for bit in op.content}
            least = 1 if op.match == "any" else int(op.match)
            answers.append({cue for cue, bits in store.items() if len(bits & asked) >= least})
        else:
            store.pop(op.cue, None)
            answers.append(None)
    return answers


def exact_fraction(answers: list[sm.Recall], wanted: list[set[int] | None]) -> float:
    """Fraction of the questions that were answered exactly."""
    pairs = [(got, want) for got, want in zip(answers, wanted, strict=True) if want is not None]
    return sum(got == want for got, want in pairs) / len(pairs)
