"""Runs that go on, a reset, a second set-up; times are counted as PyNN counts them."""

import pyNN.spiNNaker as sim


def build(weight):
    sim.setup(timestep=1.0)
    source = sim.Population(2, sim.SpikeSourceArray([[5.0, 45.0], [30.0]]), label="source")
    cells = sim.Population(2, sim.IF_curr_exp(tau_refrac=25.0), label="cells")
    sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight, delay=3.0))
    cells.record(["spikes", "v"])
    return source, cells


def show(cells):
    for segment in cells.get_data().segments:
        trains = [train.magnitude.tolist() for train in segment.spiketrains]
        print(trains, segment.filter(name="v")[0].shape)


source, cells = build(20.0)
sim.run(20.0)
sim.run(40.0)
print("time", sim.get_current_time())
show(cells)
sim.reset()
source.set(spike_times=[7.0])
sim.run(30.0)
show(cells)
sim.end()
source, cells = build(0.1)
sim.run(10.0)
show(cells)
sim.end()
