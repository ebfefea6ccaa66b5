"""How often the CA3 memory answers exactly: presets, spacings, densities.

For each row 800 random operations: 25 % learn (a random cue, content of the given density), 40 %
recall by cue, 35 % recall by a fragment of 1 to 3 random bits (--longest). An answer is exact if it
is that of a Python dict. The spacing is the time from the start of an operation to that of the next
one, after learning / after a recall. Memories of one circuit and size run side by side in one
simulation.

Two variants of the preset "robust" have plasticity always on. "ungated" has the preset's window, in
which spikes one step off coincidence still add 0.12 nA. "ungated, cut" has one in which they add
nothing, as in SpiNNaker's table of 11 bits; coincident spikes add 6.6 nA in all of them.

    python benchmarks/ca3_robust.py [--seed 0] [--operations 800] [--longest 3] [--backend brian2]
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import numpy as np

import spikemem as sm

SIZES = ((10, 12), (32, 64))
QUARTER, MIXED = (0.25, 0.25), (0.02, 0.95)
CASES = {
    "published": [((7, 6), QUARTER), ((10, 10), QUARTER), ((14, 14), QUARTER), ((20, 20), QUARTER)],
    "robust": [((16, 8), QUARTER), ((16, 8), MIXED), ((15, 8), QUARTER), ((14, 8), QUARTER),
               ((16, 7), QUARTER), ((16, 6), QUARTER), ((15, 7), QUARTER)],
    "ungated": [((16, 8), QUARTER), ((16, 8), MIXED)],
    "ungated, cut": [((16, 8), QUARTER), ((16, 8), MIXED)],
}  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "published": {"preset": "published"},
    "robust": {},
    "ungated": {"gated": False},
    "ungated, cut": {"gated": False, "tau_plus": 0.05, "a_plus": 6.6 * np.exp(1 / 0.05)},
}


class Score(NamedTuple):
    """Answers by kind of question: how many were exact, of how many."""

    cue: tuple[int, int]
    content: tuple[int, int]


def operations(
    n_cues: int, n_contents: int, n: int, seed: int, density: tuple[float, float], longest: int = 3
) -> list[Any]:
    rng = sm.streams.stream(seed, "ca3_robust", n_cues, n_contents, *map(str, density))
    schedule: list[Any] = []
    for _ in range(n):
        kind, cue = rng.random(), int(rng.integers(n_cues))
        if kind < 0.25:
            bits = np.flatnonzero(rng.random(n_contents) < rng.uniform(*density)).tolist()
            schedule.append(sm.Learn(cue, bits or [int(rng.integers(n_contents))]))
        elif kind < 0.65:
            schedule.append(sm.RecallCue(cue))
        else:
            fragment = rng.choice(n_contents, int(rng.integers(1, longest + 1)), replace=False)
            schedule.append(sm.RecallContent(fragment.tolist()))
    return schedule


def score(answers: list[sm.Recall], expected: list[sm.Recall]) -> Score:
    counts = {sm.RecallCue: [0, 0], sm.RecallContent: [0, 0], sm.Learn: [0, 0]}
    for answer, wanted in zip(answers, expected, strict=True):
        count = counts[type(wanted.operation)]
        count[0] += answer == wanted
        count[1] += 1
    cue, content = counts[sm.RecallCue], counts[sm.RecallContent]
    return Score((cue[0], cue[1]), (content[0], content[1]))


def measure(name: str, size: tuple[int, int], options: argparse.Namespace) -> list[Score]:
    memories, schedules = [], []
    for (learn_gap, recall_gap), density in CASES[name]:
        memories.append(
            sm.CA3Memory(*size, learn_gap=learn_gap, recall_gap=recall_gap, **CHANGES[name])
        )
        schedules.append(
            operations(*size, options.operations, options.seed, density, options.longest)
        )
    pairs = list(zip(memories, schedules, strict=True))
    whole = sm.Network.stack([memory.build(schedule) for memory, schedule in pairs])
    parts = sm.simulate(whole, backend=options.backend, progress=True).split(len(pairs))
    return [
        score(memory.decode(part, schedule), memory.expected(schedule))
        for (memory, schedule), part in zip(pairs, parts, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--operations", type=int, default=800)
    parser.add_argument("--longest", type=int, default=3)
    parser.add_argument("--backend", default="brian2")
    options = parser.parse_args()
    began = time.perf_counter()
    print(f"{options.operations} random operations each, seed {options.seed}, {options.backend}\n")
    print("cues x bits  preset        spacing ms  density    by cue           by content")
    for size in SIZES:
        for name, cases in CASES.items():
            found = measure(name, size, options)
            for ((learn, recall), density), result in zip(cases, found, strict=True):
                shown = [f"{hit / of:6.1%} ({hit}/{of})" for hit, of in result]
                span = f"{density[0]:g}" if density == QUARTER else f"{density[0]:g}-{density[1]:g}"
                print(
                    f"{size[0]:>4} x {size[1]:<5} {name:<13} {learn:>4} / {recall:<4} "
                    f"{span:>9}    {shown[0]:<16} {shown[1]}"
                )
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
