"""Frames per second of the compiled evaluator, beside a bit-packed NumPy evaluation.

100,000 segments of 20 synapses, 2,048 cells of which 40 are active in a frame. Both decide on the
same frames, with the same segments, in this process, one after the other, and their decisions are
compared. NumPy keeps each segment and each frame as 2,048 bits, takes the AND, and counts. The
public implementations of such neurons (htm.core, nupic) can't be installed with pip, and are not
compared.

    python benchmarks/dendrites.py [--quick] [--jobs N]
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from spikemem import ActiveDendriteNeurons
from spikemem.codes import Patterns, random_patterns

N, A, S, THETA = 2048, 40, 20, 10


def table(patterns: Patterns) -> np.ndarray:
    """Cells of each pattern, shape (n_patterns, A)."""
    return patterns.indices.reshape(-1, A).copy()


def packed(cells: np.ndarray) -> np.ndarray:
    """Rows of bits, in 64-bit words."""
    rows = np.zeros((len(cells), N), dtype=np.uint8)
    np.put_along_axis(rows, cells.astype(np.int64), 1, axis=1)
    return np.packbits(rows, axis=1).view(np.uint64)


def popcount(words: np.ndarray) -> np.ndarray:
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words).sum(axis=1)
    table = np.array([bin(k).count("1") for k in range(1 << 16)], dtype=np.uint8)
    return table[words.view(np.uint16)].sum(axis=1)


def numpy_decisions(segments: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Rows (frame, segment)."""
    found = []
    for k, frame in enumerate(frames):
        (active,) = np.nonzero(popcount(segments & frame) >= THETA)
        found.append(np.stack([np.full(active.size, k), active], axis=1))
    return np.concatenate(found)


def rate(function, n_frames: int, repeats: int) -> tuple[float, float, np.ndarray]:
    """Best frames per second by the clock, and by processor time."""
    walls, loads = [], []
    for _ in range(repeats):
        wall, load = time.perf_counter(), time.process_time()
        result = function()
        walls.append(time.perf_counter() - wall)
        loads.append(time.process_time() - load)
    return n_frames / min(walls), n_frames / min(loads), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the segments and frames")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="threads")
    options = parser.parse_args()
    n_segments, n_frames = (10_000, 2_000) if options.quick else (100_000, 20_000)
    few = n_frames // 200

    begin = time.perf_counter()
    neurons = ActiveDendriteNeurons(
        N, n_segments=n_segments, synapses_per_segment=S, threshold=THETA, seed=0
    )
    patterns = random_patterns(n_segments, size=N, active=A, seed=1)
    neurons.store(patterns)
    print(f"{n_segments} patterns stored in {time.perf_counter() - begin:.1f} s")
    # One frame in ten is a stored pattern, so that there is something to find.
    shown = table(random_patterns(n_frames, size=N, active=A, seed=2))
    shown[::10] = table(patterns)[: len(shown[::10])]
    frames = Patterns(shown, size=N)
    neurons.active_segments(shown[:10])

    segments, bits = packed(neurons.segments.cells), packed(shown[:few])
    theirs, _, expected = rate(lambda: numpy_decisions(segments, bits), few, 3)
    print(f"{'bit-packed NumPy':<28}{theirs:>12,.0f} frames/s")
    for jobs in sorted({1, options.jobs}):
        ours, load, rows = rate(lambda: neurons.segments.active(frames, THETA, jobs), n_frames, 5)  # noqa: B023
        same = np.array_equal(rows[rows[:, 0] < few][:, :2], expected)
        print(
            f"{f'spikemem, {jobs} thread(s)':<28}{ours:>12,.0f} frames/s"
            f"{load:>12,.0f} per processor second  {ours / theirs:,.0f} x NumPy, "
            f"{'same decisions' if same else 'DECISIONS DIFFER'}"
        )


if __name__ == "__main__":
    main()
