"""Many kinds of cells and rules in one network, and the ways to read data back."""

import pyNN.spiNNaker as sim

sim.setup(timestep=1.0)
models = sim.extra_models
source = sim.Population(3, sim.SpikeSourceArray([[5.0, 40.0, 75.0]] * 3), label="source")
cells = {
    "alpha": sim.IF_curr_alpha(tau_syn_E=2.0),
    "delta": sim.IF_curr_delta(),
    "conductance": sim.IF_cond_exp(),
    "adaptive": models.IFCurrExpCa2Adaptive(),
    "dual": models.IF_curr_dual_exp(),
    "izhikevich, conductance": models.Izhikevich_cond(),
    "stochastic": models.IFCondExpStoc(),
    "nearest pair": sim.IF_curr_exp(),
    "multiplicative": sim.IF_curr_exp(),
    "triplet": sim.IF_curr_exp(),
    "vogels": sim.IF_curr_exp(),
}
rules = {
    "nearest pair": (
        models.SpikeNearestPairRule(A_plus=0.1, A_minus=0.1),
        sim.AdditiveWeightDependence(w_max=20.0),
    ),
    "multiplicative": (
        sim.SpikePairRule(A_plus=0.1, A_minus=0.1),
        sim.MultiplicativeWeightDependence(w_max=20.0),
    ),
    "triplet": (
        models.PfisterSpikeTriplet(
            tau_plus=16.8, tau_minus=33.7, tau_x=101, tau_y=114, A_plus=0.1, A_minus=0.1
        ),
        models.WeightDependenceAdditiveTriplet(w_max=20.0),
    ),
    "vogels": (
        models.Vogels2011Rule(alpha=0.2, tau=20.0, A_plus=0.1, A_minus=0.1),
        sim.AdditiveWeightDependence(w_max=20.0),
    ),
}
made = {}
for name, cell in cells.items():
    population = sim.Population(3, cell, label=name)
    weight = 0.2 if "onductance" in name or name == "stochastic" else 15.0
    if name in rules:
        timing, dependence = rules[name]
        synapse = sim.STDPMechanism(timing, dependence, weight=weight, delay=1.0)
    else:
        synapse = sim.StaticSynapse(weight=weight, delay=1.0)
    projection = sim.Projection(source, population, sim.AllToAllConnector(), synapse)
    population.record("spikes")
    population[0:1].record("v")
    made[name] = population, projection
steps = sim.Population(2, sim.IF_curr_exp(), label="steps")
steps.record("v", sampling_interval=5.0)
sim.StepCurrentSource(times=[10.0, 50.0], amplitudes=[0.5, 0.0]).inject_into(steps)
sim.run(100.0)
for name, (population, projection) in made.items():
    counts = [int(n) for n in population.get_spike_counts().values()]
    v = population.get_data("v").segments[0].filter(name="v")[0]
    weights = projection.get("weight", format="array")
    print(f"{name} | {sum(counts)} {v.shape[1]} {weights.shape[0]} {float(weights[0, 0]):.4f}")
v = steps.get_data("v").segments[0].filter(name="v")[0]
print(f"steps | {v.shape[0]} {v.shape[1]} {v.sampling_period} {float(v.max()):.2f}")
sim.end()
