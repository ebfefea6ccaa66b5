"""Conductance-based cells, and every way to connect."""

import numpy as np
import pyNN.spiNNaker as sim
from pyNN.space import Line

sim.setup(timestep=1.0)
source = sim.Population(
    9, sim.SpikeSourceArray([[10.0 * k + 5.0] for k in range(9)]), structure=Line()
)
connectors = {
    "one to one": sim.OneToOneConnector(),
    "all to all": sim.AllToAllConnector(),
    "list": sim.FromListConnector([(0, 0, 0.1, 2.0), (0, 8, 0.1, 5.0), (4, 4, 0.1, 1.0)]),
    "probability 1": sim.FixedProbabilityConnector(1.0),
    "three inputs": sim.FixedNumberPreConnector(3),
    "two outputs": sim.FixedNumberPostConnector(2),
    "twenty": sim.FixedTotalNumberConnector(20, with_replacement=True),
    "near": sim.DistanceDependentProbabilityConnector("d < 1.1"),
    "an array": sim.ArrayConnector(np.eye(9, dtype=bool)),
}
made = {}
for name, connector in connectors.items():
    cells = sim.Population(
        9, sim.IF_cond_exp(cm=0.25, e_rev_E=0.0, e_rev_I=-80.0), label=name, structure=Line()
    )
    projection = sim.Projection(source, cells, connector, sim.StaticSynapse(weight=0.1, delay=2.0))
    cells.record(["spikes", "v", "gsyn_exc"])
    made[name] = cells, projection
sim.run(120.0)
for name, (cells, projection) in made.items():
    rows = projection.get(["weight", "delay"], "list")
    segment = cells.get_data().segments[0]
    conductance = segment.filter(name="gsyn_exc")[0].magnitude
    n = sum(len(train) for train in segment.spiketrains)
    print(f"{name}: {len(rows)} synapses, {n} spikes, largest g {conductance.max():.3f}")
sim.end()
