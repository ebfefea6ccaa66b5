"""Poisson sources whose rate changes between runs; delays beyond 16 steps; several cores."""

import numpy as np
import pyNN.spiNNaker as sim

sim.setup(timestep=1.0)
sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 16)
sim.set_number_of_neurons_per_core(sim.SpikeSourcePoisson, 16)
noise = sim.Population(40, sim.SpikeSourcePoisson(rate=20.0), label="noise", seed=5)
cells = sim.Population(40, sim.IF_curr_exp(), label="cells")
sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=30.0, delay=50.0))
noise.record("spikes")
cells.record("spikes")
sim.run(500.0)
noise.set(rate=100.0)
sim.run(500.0)


def trains(population):
    found = population.get_data("spikes").segments[0].spiketrains
    return [np.asarray(train.magnitude) for train in found]


inputs, outputs = trains(noise), trains(cells)
early = sum((times < 500.0).sum() for times in inputs)
print("early", early, "late", sum(map(len, inputs)) - early)
# A spike that arrives makes its cell fire within a step or two.
gaps = [
    out[0] - came[0] for came, out in zip(inputs, outputs, strict=False) if len(out) and len(came)
]
print("cells", len(outputs), "delay", min(gaps), max(gaps))
sim.end()
