"""10,000 recalls of a CA3 memory of 100 cues and 100 bits, by a sweep and run by run.

    python benchmarks/stress.py [--jobs N] [--trials N] [--sample N]

The sweep is the experiment "capacity" at four loads: each trial learns 25 to 100 contents of ten
bits by spikes and recalls each by its cue. It is timed from its beginning to its results, the
start of the processes and the file of results included. Beside it stands the same sweep run
naively: one Brian2 simulation for each recall, of a memory that is given its contents at once; the
learning is not even counted. A sample of these runs is measured, and the time of all follows from
their mean: it is extrapolated.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import spikemem as sm
from spikemem.stress import Sweep

LOADS = [0.25, 0.5, 0.75, 1.0]
SIZE = 100


def sweep(trials: int, jobs: int) -> tuple[int, float]:
    """Recalls of a sweep, and its wall time in s."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        results = Sweep(
            "CA3Memory", "capacity", vary={"load": LOADS}, trials=trials,
            fixed={"backend": "native", "n_cues": SIZE, "n_contents": SIZE},
        ).run(out=Path(folder) / "capacity.h5", jobs=jobs)  # fmt: skip
        seconds = time.perf_counter() - begin
    rows = results.rows()
    if any(row["exact_recall"] != 1.0 for row in rows):
        raise SystemExit(f"the sweep has wrong answers: {rows}")
    return int(sum(load * SIZE for load in LOADS)) * trials, seconds


def naive(sample: int, seed: int = 0) -> tuple[float, float]:
    """Mean and standard error of the wall time of one recall in a Brian2 run of its own, s."""
    rng = np.random.default_rng(seed)
    contents = {cue: rng.choice(SIZE, 10, replace=False).tolist() for cue in range(SIZE)}
    seconds = []
    for cue in rng.integers(SIZE, size=sample + 2).tolist():
        begin = time.perf_counter()
        memory = sm.CA3Memory(SIZE, SIZE, contents=contents)
        answers = sm.run(memory, [sm.RecallCue(cue)], backend="brian2")
        seconds.append(time.perf_counter() - begin)
        if answers[0] != set(contents[cue]):
            raise SystemExit("brian2: a wrong answer")
    counted = np.array(seconds[2:])  # The first ones import and compile.
    return float(counted.mean()), float(counted.std(ddof=1) / np.sqrt(sample))


def main() -> None:
    """Measure and print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--sample", type=int, default=30)
    given = parser.parse_args()
    n, seconds = sweep(given.trials, given.jobs)
    print(f"sweep: {n} recalls (and as many learnt contents) in {seconds:.1f} s, "
          f"{given.jobs} processes, backend native")  # fmt: skip
    each, error = naive(given.sample)
    total, spread = each * n / given.jobs, error * n / given.jobs
    print(f"naive: one Brian2 run a recall, {1000 * each:.0f} ms each (mean of {given.sample}); "
          f"{n} of them in {given.jobs} processes: {total:.0f} +- {spread:.0f} s, "
          f"extrapolated")  # fmt: skip
    print(f"ratio: {total / seconds:.0f}")


if __name__ == "__main__":
    main()
