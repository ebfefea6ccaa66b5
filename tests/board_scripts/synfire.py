"""A synfire chain: a volley travels from pool to pool."""

import numpy as np
import pyNN.spiNNaker as sim

N_POOLS, SIZE = 6, 20

sim.setup(timestep=1.0, min_delay=1.0)
sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 10)
cell = {
    "tau_m": 10.0,
    "cm": 0.25,
    "v_thresh": -55.0,
    "v_reset": -70.0,
    "v_rest": -65.0,
    "tau_refrac": 2.0,
    "tau_syn_E": 1.5,
    "tau_syn_I": 5.0,
    "i_offset": 0.0,
}
stimulus = sim.Population(SIZE, sim.SpikeSourceArray([10.0]), label="stimulus")
pools = [sim.Population(SIZE, sim.IF_curr_exp, cell, label=f"pool {k}") for k in range(N_POOLS)]
connector = sim.FixedProbabilityConnector(0.8)
for k, pool in enumerate(pools):
    before = stimulus if k == 0 else pools[k - 1]
    sim.Projection(
        before,
        pool,
        connector,
        sim.StaticSynapse(weight=0.5, delay=4.0),
        receptor_type="excitatory",
    )
    pool.record("spikes")
sim.run(80.0)
for pool in pools:
    trains = pool.get_data("spikes").segments[0].spiketrains
    times = np.concatenate([np.asarray(train.magnitude) for train in trains])
    print(pool.label, len(trains), len(times), float(times.mean()) if len(times) else -1.0)
sim.end()
