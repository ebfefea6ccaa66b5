"""Capacity of one mac for random sequences, against Q, K and noise.

The inputs are those of the capacity studies of a single mac: 12 x 12 pixels, frames of 9 to 12
active ones, sequences of ten frames, bottom-up and horizontal synapses. After learning, every
sequence is shown again, exactly or with one or two pixels of each frame swapped, and the winners
are compared with those of learning. Capacity is where the mean fraction of right winners falls
below 0.9. The synapses do not freeze: these studies ask how much fits, not what is protected.

    python benchmarks/studies/sparsey_capacity.py [--quick] [--seeds N]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from spikemem.networks import sparsey
from spikemem.networks.sparsey import Level, Plasticity, Sparsey

SIZES = ((9, 8), (9, 16), (9, 24), (9, 32), (25, 16), (25, 24), (49, 16), (49, 24))


def mac(modules: int, cells: int, seed: int) -> Sparsey:
    """The mac of the studies."""
    level = Level(n_modules=modules, cells_per_module=cells, horizontal_radius=0)
    return Sparsey((12, 12), [level], plasticity=Plasticity(saturation=None), seed=seed)


def published(seeds: int) -> None:
    """Unit accuracy of 8 and 16 sequences in Q = 9, K = 16, and of more in larger macs."""
    print("\nright winners of sequences shown again (fraction), by pixels swapped in each frame")
    print("   Q   K    weights  sequences      0       1       2   bits/synapse")
    for modules, cells, n in ((9, 16, 8), (9, 16, 16), (9, 16, 32), (25, 16, 16), (25, 24, 32)):
        rows = []
        for seed in range(seeds):
            items = sparsey.random_sequences(n, seed=seed)
            model = mac(modules, cells, seed)
            learnt = model.learn(items)
            found = [sparsey.recall(model, items, learnt, noise=k, seed=seed) for k in (0, 1, 2)]
            rows.append([*(one.units for one in found), found[0].bits_per_synapse])
        exact, one, two, bits = np.mean(rows, axis=0)
        weights = sparsey.n_weights(mac(modules, cells, 0))
        print(
            f"{modules:>4}{cells:>4}{weights:>11,}{n:>11}{exact:>10.4f}{one:>8.4f}{two:>8.4f}"
            f"{bits:>11.3f}",
            flush=True,
        )


def capacities(seeds: int, most: int) -> None:
    """Sequences held, for each size and noise."""
    print("\nsequences held (90 % of the winners right), by pixels swapped in each frame")
    print("   Q   K    weights      0       1       2   bits/synapse at most   CPU (s)")
    for modules, cells in SIZES:
        began = time.process_time()
        held, bits = [], []
        for seed in range(seeds):
            items = sparsey.random_sequences(most, seed=seed)
            found = [
                sparsey.capacity(mac(modules, cells, seed), items, tests=most // 2, noise=noise,
                                 seed=seed)
                for noise in (0, 1, 2)
            ]  # fmt: skip
            held.append([one.n_items for one in found])
            bits.append(found[0].bits_per_synapse)
        exact, one, two = np.mean(held, axis=0)
        weights = sparsey.n_weights(mac(modules, cells, 0))
        print(
            f"{modules:>4}{cells:>4}{weights:>11,}{exact:>7.1f}{one:>8.1f}{two:>8.1f}"
            f"{np.mean(bits):>15.3f}{time.process_time() - began:>18.1f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, at most 40 sequences")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    options = parser.parse_args()
    seeds = 1 if options.quick else options.seeds
    published(seeds)
    capacities(seeds, 40 if options.quick else 80)


if __name__ == "__main__":
    main()
