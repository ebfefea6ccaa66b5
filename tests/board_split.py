"""Networks that learn, at 0.1 ms, on combined and on split cores; prints JSON.

``python board_split.py`` runs :data:`CASES`, and :data:`OFTEN` in all :data:`ORDERS`.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from functools import partial
from typing import Any

import numpy as np

DT = 0.1
KINDS = [("combined", 0), ("combined", 1), ("split", 0), ("split", 1)]
"""Kind of cores, and the seed of the order of packets."""

CASES = [(steps, *kind) for steps in (7, 8) for kind in KINDS]
"""Steps of every plastic delay, and a kind."""

OFTEN = (104, 60, 0.1)
"""A random network whose cells fire more than 15 times between two spikes of a source."""

ORDERS = [*KINDS, ("split", "first"), ("split", "last")]
"""Its ways: the packets of a step are shuffled, or those of a core's own cells first or last."""


def run(steps: int, kind: str, n: int = 60, ms: float = 40.0) -> dict[str, Any]:
    """Spikes in steps, and the plastic weights at the end."""
    import pyNN.spiNNaker as sim
    from spynnaker.pyNN.extra_algorithms import splitter_components as splitters

    rng = np.random.default_rng(7)
    sim.setup(timestep=DT)
    trains = [(np.unique(rng.integers(5, int(ms / DT) - 20, 5)) * DT).tolist() for _ in range(20)]
    source = sim.Population(20, sim.SpikeSourceArray(spike_times=trains))
    if kind == "combined":
        splitter = splitters.SplitterPopulationVertexFixed()
    else:
        splitter = splitters.SplitterPopulationVertexNeuronsSynapses()
    cell = sim.IF_curr_exp(tau_m=10.0, tau_syn_E=2.0, tau_refrac=1.0)
    cells = sim.Population(n, cell, splitter=splitter)
    rule = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=5, tau_minus=5, A_plus=0.05, A_minus=0.06),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0, w_max=5),
    )
    for pre, density, delay, synapse in (
        (source, 0.3, 5, sim.StaticSynapse()),
        (cells, 0.1, steps, rule),
    ):
        i, j = np.nonzero(rng.random((pre.size, n)) < density)
        rows = [
            (int(a), int(b), float(w), delay * DT)
            for a, b, w in zip(i, j, rng.uniform(0.5, 4.0, i.size), strict=True)
        ]
        last = sim.Projection(pre, cells, sim.FromListConnector(rows), synapse)
    cells.record("spikes")
    sim.run(ms)
    found = cells.get_data("spikes").segments[0].spiketrains
    spikes = [np.rint(np.asarray(train) / DT).astype(int).tolist() for train in found]
    weights = [float(row[2]) for row in sorted(map(tuple, last.get("weight", "list")))]
    sim.end()
    return {"spikes": spikes, "weights": weights}


def fire_often(kind: str) -> dict[str, Any]:
    """Spikes, potentials and weights of :data:`OFTEN`."""
    import pyNN.spiNNaker as sim
    from board_networks import random_network
    from fuzz.board import on_board
    from spynnaker.pyNN.extra_algorithms import splitter_components as splitters

    make = sim.Population

    def combined(size: int, cell: Any, **more: Any) -> Any:
        if not isinstance(cell, sim.SpikeSourceArray):
            more["splitter"] = splitters.SplitterPopulationVertexFixed()
        return make(size, cell, **more)

    if kind == "combined":
        sim.Population = combined
    try:
        found = on_board(random_network(*OFTEN), OFTEN[1])
    finally:
        sim.Population = make
    return values(found)


def values(found: Any) -> dict[str, Any]:
    """What a recording holds, as JSON has it; potentials without the initial ones."""
    return {
        "spikes": {name: trains.to_lists() for name, trains in found.spikes.items()},
        "v": {name: trace[1:].tolist() for (name, _), trace in found.traces.items()},
        "weights": {name: weights.tolist() for name, weights in found.weights.items()},
    }


def main() -> None:
    """Run every case."""
    from board_order import own_spikes

    from spikemem.hardware.spinnaker.board.seam import software_boards

    logging.disable(logging.CRITICAL)
    jobs = [partial(run, steps, kind) for steps, kind, _ in CASES]
    jobs += [partial(fire_often, kind) for kind, _ in ORDERS]
    told = []
    for job, (*_, order) in zip(jobs, [*CASES, *ORDERS], strict=True):
        quiet = io.StringIO()
        with (
            contextlib.redirect_stdout(quiet),
            contextlib.redirect_stderr(quiet),
            software_boards(seed=order if isinstance(order, int) else 0),
            own_spikes(order) if isinstance(order, str) else contextlib.nullcontext(),
        ):
            told.append(job())
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
