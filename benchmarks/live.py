"""Milliseconds of one live operation, and of one trial of many.

    python benchmarks/live.py [--repeat N]

``memory.learn`` and ``memory.recall`` simulate 10.67 ms each; what is measured is all that a user
waits for. Trials: a CA3 network of 100 cues and 100 bits with ten operations in each trial, by
``run_trials``, and by a ``simulate`` of its own for each. Medians.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import spikemem as sm


def operations(backend: str, n: int, repeat: int) -> tuple[float, float]:
    """Medians of learning and of recalling, ms."""
    memory, rng = sm.CA3Memory(n, n, backend=backend), np.random.default_rng(0)
    learn, recall = [], []
    for _ in range(repeat + 5):
        cue = int(rng.integers(n))
        bits = rng.choice(n, max(n // 10, 3), replace=False).tolist()
        begin = time.perf_counter()
        memory.learn(cue, bits)
        middle = time.perf_counter()
        answer = memory.recall(cue=cue)
        learn.append(middle - begin)
        recall.append(time.perf_counter() - middle)
        if set(answer) != set(bits):
            raise SystemExit(f"{backend}: a wrong answer")
    memory.close()
    return 1000 * float(np.median(learn[5:])), 1000 * float(np.median(recall[5:]))


def trials(backend: str, repeat: int) -> tuple[float, float]:
    """Medians of a trial among many and of a run of its own, ms."""
    memory, rng = sm.CA3Memory(100, 100), np.random.default_rng(1)
    networks = []
    for _ in range(repeat):
        schedule = []
        for cue in rng.choice(100, 5, replace=False).tolist():
            bits = rng.choice(100, 10, replace=False).tolist()
            schedule += [sm.Learn(cue, bits), sm.RecallCue(cue)]
        networks.append(memory.build(schedule))
    begin = time.perf_counter()
    together = sm.run_trials(networks, backend=backend)
    middle = time.perf_counter()
    alone = [sm.simulate(network, backend=backend) for network in networks]
    end = time.perf_counter()
    if not all(a.same_as(b) for a, b in zip(together, alone, strict=True)):
        raise SystemExit(f"{backend}: a trial differs from a run of its own")
    return 1000 * (middle - begin) / repeat, 1000 * (end - middle) / repeat


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=200)
    repeat = parser.parse_args().repeat
    print(f"{'live operation, ms':<26}{'learn':>8}{'recall':>8}")
    for backend in ("native", "emulator", "brian2"):
        for n in (10, 100):
            found = operations(backend, n, repeat if backend != "brian2" else repeat // 4)
            print(f"{backend:<16}{f'{n} x {n}':<10}{found[0]:>8.2f}{found[1]:>8.2f}", flush=True)
    print(f"\n{'trial of 10 operations, ms':<26}{'run_trials':>12}{'simulate':>10}")
    for backend in ("native", "emulator", "brian2"):
        many, single = trials(backend, max(repeat // 4, 2) if backend != "brian2" else 5)
        print(f"{backend:<26}{many:>12.1f}{single:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
