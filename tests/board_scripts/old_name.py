"""A script of the time when sPyNNaker was imported as spynnaker8."""

import spynnaker8 as sim
from spynnaker8.external_devices import SpikeInjector

sim.setup(1.0)
source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[5], [9]]), label="in")
cells = sim.Population(2, sim.IF_curr_exp(v_rest=-60.0, tau_m=10.0), label="cells")
cells.set(v=-61.0)
cells.set(cm=0.3, v=-62.0)
sim.Projection(source, cells, sim.OneToOneConnector(), synapse_type=sim.StaticSynapse(weight=40.0))
cells.record(["spikes", "v"])
sim.run(20.0)
segment = cells.get_data().segments[0]
v = segment.filter(name="v")[0].magnitude
print(float(v[0, 0]), cells.get("cm")[0], [len(train) for train in segment.spiketrains])
print(SpikeInjector.__name__, isinstance(cells, sim.Population))
sim.end()
