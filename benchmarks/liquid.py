"""Samples per second of a dense liquid, beside reservoirpy's LIF and a loop over samples in Brian2.

Events of scikit-learn's digits by simulated saccades, 256 channels in 50 steps, the same for all,
one after the other in this process. "NumPy" is the same equation as batched products of float32
matrices, which is what one writes by hand. Brian2 runs the liquid's own network, one sample after
the other, in a session that is made once and restored; its spikes are compared with ours.

    python benchmarks/liquid.py [--quick]

reservoirpy is compared if it is installed (pip install reservoirpy).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

import spikemem as sm  # noqa: E402
from spikemem.networks.liquid import Events, saccade_events  # noqa: E402
from spikemem.networks.liquid.circuit import dense_network  # noqa: E402

STEPS = 50


def rate(function: Callable[[], Any], n: int, repeats: int = 3) -> tuple[float, float, Any]:
    """Best samples per second by the clock, and by processor time, and the result."""
    walls, loads, result = [], [], None
    for _ in range(repeats):
        wall, load = time.perf_counter(), time.process_time()
        result = function()
        walls.append(time.perf_counter() - wall)
        loads.append(time.process_time() - load)
    return n / min(walls), n / min(loads), result


def by_numpy(model: sm.LiquidStateMachine, dense: np.ndarray) -> np.ndarray:
    """Spike counts by products of float32 matrices, all samples at once."""
    w_in, w_rec = (w.astype(np.float32) for w in model.weights)
    keep, threshold = np.float32(model.facts()["decay"]), np.float32(model.liquid.threshold)
    x = dense.astype(np.float32)
    u = s = np.zeros((len(x), model.n_neurons), np.float32)
    counts = np.zeros_like(u)
    for t in range(x.shape[1]):
        u = keep * u * (1 - s) + x[:, t] @ w_in + s @ w_rec
        s = (u > threshold).astype(np.float32)
        counts += s
    return counts


def by_brian2(model: sm.LiquidStateMachine, events: Events) -> np.ndarray:
    """Spike counts, one sample after the other."""
    low = model.body.lowered
    network = dense_network(low, events[:1], STEPS)
    trains = [{"events": part.trains(0)} for part in events]
    runs = sm.run_trials(network, trains, float(STEPS + 1), backend="brian2")
    return np.stack([run["liquid"].counts() for run in runs])


def by_reservoirpy(n: int, dense: np.ndarray) -> Any:
    """A LIF reservoir of the same size and density, one sample after the other; None without it."""
    try:
        from reservoirpy.nodes import LIF
    except ImportError:
        return None
    make: dict[str, Any] = {"lr": 0.1, "threshold": 5.0, "sr": 1.0, "seed": 0, "inhibitory": 0.5,
                            "rc_connectivity": 1.0, "input_connectivity": 1.0}  # fmt: skip

    def run() -> float:
        node = LIF(units=n, **make)
        samples = dense.astype(np.float64)
        node.run(samples[0])
        start = time.process_time()
        for sample in samples:
            node.reset()
            node.run(sample)
        return len(samples) / (time.process_time() - start)

    return run()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples, up to 1000 neurons")
    quick = parser.parse_args().quick
    images = load_digits().images / 16.0
    events = saccade_events(images[: 200 if quick else 400], n_steps=STEPS)
    dense = events.dense()
    print("samples/s of processor time (wall in brackets)")
    print("neurons  spikemem          fixed point  NumPy    reservoirpy  Brian2   "
          "ratio to the faster peer")  # fmt: skip
    for n in (200, 1000) if quick else (200, 1000, 5000):
        model = sm.LiquidStateMachine(256, n, seed=0)
        model.states(events[:2])
        wall, ours, counts = rate(lambda model=model: model.states(events), len(events))
        few = events[: {200: 20, 1000: 4}.get(n, 2)]
        model.states(few, arithmetic="spinnaker")
        fixed = rate(lambda m=model: m.states(events, arithmetic="spinnaker"), len(events))[1]
        some = dense[: 100 if n < 5000 else 30]
        plain = rate(lambda m=model, some=some: by_numpy(m, some), len(some), 1)[1]
        peer = by_reservoirpy(n, dense[: 20 if n < 5000 else 3])
        _, brian, spikes = rate(lambda m=model, few=few: by_brian2(m, few), len(few), 1)
        if not np.array_equal(spikes, counts[: len(few)]):
            raise SystemExit("Brian2's spikes differ from ours")
        ratio = ours / max(brian, peer or 0.0)
        theirs = "missing" if peer is None else f"{peer:.1f}"
        print(f"{n:>7}  {ours:>8.0f} ({wall:.0f})  {fixed:>11.0f}  {plain:>7.0f}  {theirs:>11}  "
              f"{brian:>6.2f}  {ratio:.0f}")  # fmt: skip
    if peer is None:
        print("reservoirpy is not installed: pip install reservoirpy")


if __name__ == "__main__":
    main()
