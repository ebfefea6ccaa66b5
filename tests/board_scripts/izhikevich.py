"""Izhikevich's cells: regular spiking and fast spiking, with a current."""

import numpy as np
import pyNN.spiNNaker as sim

sim.setup(timestep=1.0)
regular = sim.Population(4, sim.Izhikevich(a=0.02, b=0.2, c=-65.0, d=8.0, i_offset=10.0))
fast = sim.Population(4, sim.Izhikevich(a=0.1, b=0.2, c=-65.0, d=2.0, i_offset=10.0))
for population in (regular, fast):
    population.initialize(v=-65.0, u=-13.0)
    population.record(["spikes", "v"])
sim.Projection(
    regular,
    fast,
    sim.OneToOneConnector(),
    sim.StaticSynapse(weight=2.0, delay=1.0),
    receptor_type="inhibitory",
)
sim.run(500.0)
for name, population in (("regular", regular), ("fast", fast)):
    segment = population.get_data().segments[0]
    v = segment.filter(name="v")[0]
    counts = [len(train) for train in segment.spiketrains]
    gaps = np.diff(np.asarray(segment.spiketrains[0].magnitude))
    print(
        name,
        counts[0],
        len(set(counts)),
        float(gaps[0]),
        float(gaps[-1]),
        float(v.max()),
        v.shape[0],
    )
sim.end()
