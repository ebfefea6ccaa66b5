"""The window of spike-timing dependent plasticity: one pair of cells for each difference."""

import pyNN.spiNNaker as sim

DIFFERENCES = [-40, -20, -10, -5, -2, 2, 5, 10, 20, 40]
START, PAIRS, A = 0.1, 10, 0.008

sim.setup(1.0)
rule = {
    "timing_dependence": sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=A, A_minus=A),
    "weight_dependence": sim.AdditiveWeightDependence(w_min=0.0, w_max=0.2),
}
projections = []
for difference in DIFFERENCES:
    # The cell fires in the step in which its drive arrives, and so late is a pre-synaptic spike.
    posts = [200.0 + 200.0 * k for k in range(PAIRS)]
    pres = [time - difference for time in posts]
    pre = sim.Population(1, sim.SpikeSourceArray([*pres, 200.0 * (PAIRS + 2)]))
    drive = sim.Population(1, sim.SpikeSourceArray(posts))
    post = sim.Population(1, sim.IF_curr_exp(cm=0.05, tau_refrac=50.0))
    sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=3.0, delay=1.0))
    synapse = sim.STDPMechanism(**rule, weight=START, delay=1.0)
    projections.append(sim.Projection(pre, post, sim.OneToOneConnector(), synapse_type=synapse))
    post.record("spikes")
sim.run(200.0 * (PAIRS + 3))
for difference, projection in zip(DIFFERENCES, projections, strict=True):
    ((_, _, weight),) = projection.get("weight", format="list")
    print(difference, (weight - START) / A)
sim.end()
