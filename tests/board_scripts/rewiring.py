"""Structural plasticity: synapses are formed near their target and eliminated elsewhere."""

import pyNN.spiNNaker as sim
from pyNN.space import Line

sim.setup(timestep=1.0)
noise = sim.Population(
    16, sim.SpikeSourcePoisson(rate=50.0), label="noise", structure=Line(), seed=1
)
cells = sim.Population(16, sim.IF_curr_exp(), label="cells", structure=Line())
synapse = sim.StructuralMechanismStatic(
    partner_selection=sim.RandomSelection(),
    formation=sim.DistanceDependentFormation(grid=[16, 1], sigma_form_forward=0.8),
    elimination=sim.RandomByWeightElimination(threshold=0.5, prob_elim_depressed=0.0),
    f_rew=1000,
    initial_weight=2.0,
    initial_delay=3.0,
    s_max=8,
    seed=7,
    weight=0.0,
    delay=1.0,
)
projection = sim.Projection(noise, cells, sim.FromListConnector([]), synapse_type=synapse)
cells.record("spikes")
sim.run(400.0)
rows = projection.get(["weight", "delay"], "list")
n = sum(len(train) for train in cells.get_data("spikes").segments[0].spiketrains)
print(len(rows), "synapses", n, "spikes", sorted({(float(r[2]), float(r[3])) for r in rows}))
sim.end()
