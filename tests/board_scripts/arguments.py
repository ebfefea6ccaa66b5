"""A script with arguments of its own, which writes a file and may fail."""

import argparse
import sys
from pathlib import Path

import pyNN.spiNNaker as sim

parser = argparse.ArgumentParser()
parser.add_argument("--weight", type=float, default=5.0)
parser.add_argument("--fail", action="store_true")
parser.add_argument("out", type=Path)
asked = parser.parse_args()

sim.setup(timestep=1.0)
source = sim.Population(1, sim.SpikeSourceArray([3.0]))
cells = sim.Population(1, sim.IF_curr_exp())
sim.Projection(
    source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=asked.weight, delay=1.0)
)
cells.record("spikes")
sim.run(20.0)
if asked.fail:
    raise ValueError("of the script's own")
asked.out.write_text(str(cells.get_data().segments[0].spiketrains[0].magnitude.tolist()))
print(Path(sys.argv[0]).name, __name__)
sim.end()
sys.exit(3)
