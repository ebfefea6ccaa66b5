"""Learning with a reward: the same pairing changes weights only where dopamine arrives."""

import pyNN.spiNNaker as sim

sim.setup(timestep=1.0)
pairs = [20.0 + 40.0 * k for k in range(10)]
weights = {}
for rewarded in (True, False):
    pre = sim.Population(1, sim.SpikeSourceArray(pairs))
    drive = sim.Population(1, sim.SpikeSourceArray([time + 4.0 for time in pairs]))
    post = sim.Population(1, sim.IF_curr_exp())
    sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=40.0, delay=1.0))
    synapse = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=10.0, tau_minus=12.0, A_plus=0.5, A_minus=0.5),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=10.0),
        weight=1.0,
        delay=1.0,
    )
    plastic = sim.Projection(
        pre, post, sim.AllToAllConnector(), synapse_type=synapse, receptor_type="excitatory"
    )
    reward = sim.Population(1, sim.SpikeSourceArray([100.0, 300.0] if rewarded else [900.0]))
    sim.Projection(
        reward,
        post,
        sim.AllToAllConnector(),
        synapse_type=sim.extra_models.Neuromodulation(
            weight=0.5, tau_c=100.0, tau_d=20.0, w_max=10.0
        ),
        receptor_type="reward",
        label="reward",
    )
    weights[rewarded] = plastic
sim.run(500.0)
for rewarded, plastic in weights.items():
    (weight,) = plastic.get("weight", "list", with_address=False)
    print("rewarded" if rewarded else "not", float(weight))
sim.end()
