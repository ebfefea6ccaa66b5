"""What a second thread brings: the same network with one and with two threads, in turn.

    python benchmarks/threads.py [--pairs N]

Three balanced networks of ``scaling.py`` and two of plastic synapses; the runs of a pair follow
each other, so that what else the computer does disturbs both. Milliseconds are the fastest runs,
the ratio is that of the fastest, and in brackets the median of the pairs.
"""

from __future__ import annotations

import argparse
import time

import engine_peers as peers
import numpy as np
import scaling

import spikemem as sm


def balanced(n_synapses: int) -> sm.Network:
    """The network of ``scaling.py``."""
    data = scaling.network(n_synapses)
    exc = data["i"] < data["n_exc"]
    projections = [
        sm.Projection(name=name, pre="cells", post="cells", i=data["i"][kind], j=data["j"][kind],
                      weight=data[weight], delay=1.0, receptor=name)
        for name, kind, weight in (("excitatory", exc, "w_e"), ("inhibitory", ~exc, "w_i"))
    ]  # fmt: skip
    cells = sm.Population(name="cells", size=data["n"], cell=sm.LIF(**peers.CUBA), v_init=data["v"])
    return sm.Network(populations=[cells], projections=projections, dt=0.1)


def plastic(n: int, n_steps: int) -> sm.Network:
    """Poisson spikes of 5 Hz to as many cells, all to all."""
    rng = np.random.default_rng(1)
    times, ids = np.nonzero(rng.random((n_steps, n)) < 0.005)
    trains = sm.SpikeTrains(ids=ids, times=times + 1.0, size=n)
    rule = sm.STDP(tau_plus=20.0, tau_minus=20.0, a_plus=peers.A_PLUS, a_minus=peers.A_MINUS,
                   w_max=peers.W_MAX)  # fmt: skip
    weight = rng.uniform(0, peers.W_MAX * 1000 / n, n * n)
    return sm.Network(
        populations=[sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
                     sm.Population(name="cells", size=n, cell=sm.LIF(**peers.QUIET))],
        projections=[sm.Projection.all_to_all("p", "in", "cells", weight=weight, delay=1.0,
                                              plasticity=rule)],
    )  # fmt: skip


def measure(name: str, network: sm.Network, duration: float, integrator: str, pairs: int) -> None:
    """Print one row, and see that both give the same spikes."""
    options = {"backend": "native", "integrator": integrator, "weights": False}
    with (
        sm.Session(network, threads=1, **options) as one,
        sm.Session(network, threads=2, **options) as two,
    ):
        times = np.zeros((pairs + 1, 2))
        for row in times:
            runs = []
            for k, session in enumerate((one, two)):
                begin = time.perf_counter()
                runs.append(session.run(duration))
                row[k] = time.perf_counter() - begin
            if not runs[0].same_as(runs[1]):
                raise SystemExit(f"{name}: two threads give something else than one")
    times = times[1:]
    low = 1000 * times.min(axis=0)
    median = np.median(times[:, 0] / times[:, 1])
    print(f"{name:<26}{low[0]:>10.2f}{low[1]:>12.2f}{low[0] / low[1]:>10.2f} ({median:.2f})")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    print(f"{'synapses':<26}{'1 thread, ms':>10}{'2 threads':>10}{'ratio':>10}")
    for n, duration in ((1e6, 400.0), (3e6, 200.0), (1e7, 200.0)):
        measure(f"{n:.0e} static", balanced(round(n)), duration, "exact", pairs)
    for n, duration in ((1000, 500.0), (3000, 100.0)):
        network = plastic(n, int(duration) * (pairs + 2))
        measure(f"{n * n:.0e} plastic", network, duration, "spinnaker", pairs)


if __name__ == "__main__":
    main()
