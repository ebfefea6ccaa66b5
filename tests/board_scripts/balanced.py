"""A balanced random network, after Vogels and Abbott, with Poisson sources."""

import numpy as np
import pyNN.spiNNaker as sim
from pyNN.random import RandomDistribution

sim.setup(timestep=1.0)
sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 64)
cell = sim.IF_curr_exp(
    cm=0.2,
    tau_m=20.0,
    v_rest=-60.0,
    v_reset=-60.0,
    v_thresh=-50.0,
    tau_syn_E=5.0,
    tau_syn_I=10.0,
    tau_refrac=5.0,
    i_offset=0.0,
)
exc = sim.Population(160, cell, label="exc", seed=1)
inh = sim.Population(40, cell, label="inh", seed=2)
for population in (exc, inh):
    population.initialize(v=RandomDistribution("uniform", low=-65.0, high=-55.0))
    noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=60.0), seed=3)
    sim.Projection(
        noise, population, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.6, delay=1.0)
    )
    noise.record("spikes")
delays = RandomDistribution("uniform", low=1.0, high=14.0)
for pre in (exc, inh):
    for post in (exc, inh):
        kind = "excitatory" if pre is exc else "inhibitory"
        weight = 0.05 if pre is exc else 0.4
        sim.Projection(
            pre,
            post,
            sim.FixedProbabilityConnector(0.1),
            sim.StaticSynapse(weight=weight, delay=delays),
            receptor_type=kind,
        )
exc.record(["spikes", "v"])
inh.record("spikes")
sim.run(400.0)
for population in (exc, inh, noise):
    trains = population.get_data("spikes").segments[0].spiketrains
    counts = np.array([len(train) for train in trains])
    print(population.label, len(trains), counts.mean() / 0.4, counts.std() / 0.4)
sim.end()
