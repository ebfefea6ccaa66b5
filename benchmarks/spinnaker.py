"""What SpiNNaker's numbers change, and what networks need there: figures of two pages in docs/.

    python benchmarks/spinnaker.py [--quick]

Membrane potentials of the published CA3 experiments on the emulator beside floating point; learning
by resolution of the weights; maps on a virtual board, and the board in software beside the emulator
and the native engine (both need sPyNNaker, and are left out without it).
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

import spikemem as sm
from spikemem.hardware.spinnaker import drift, map_network

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from ca3_cases import EXPERIMENT_1, EXPERIMENT_3

SHIFTS = (0, 2, 4, 5, 6, 8)
MAPS = [(16, 64, "robust"), (16, 64, "published"), (1000, 1000, "robust"),
        (1000, 1000, "published")]  # fmt: skip


def membrane() -> None:
    """Largest difference of potentials between the emulator and floating point."""
    print("membrane, emulator beside native: largest difference, mV")
    for number, shape, schedule in ((1, (5, 10), EXPERIMENT_1), (3, (16, 6), EXPERIMENT_3)):
        network = sm.CA3Memory(*shape, preset="published").build(schedule)
        cells = [replace(pop, record=("v",)) for pop in network.populations if not pop.is_source]
        network = network.replace(*cells)
        runs = [sm.simulate(network, backend=name).traces for name in ("emulator", "native")]
        found = {name: np.abs(runs[0][name, "v"] - runs[1][name, "v"]).max() for name, _ in runs[0]}
        worst = max(found, key=lambda name: found[name])
        rest = max(value for name, value in found.items() if name != worst)
        print(f"  experiment {number}: {worst} {found[worst]:.4f}, all others {rest:.4f}")


def learner() -> sm.Network:
    """100 sources of 10 Hz onto 100 cells, all to all, a pair worth at most 5 pA."""
    rng = np.random.default_rng(0)
    step, source = np.nonzero(rng.random((10_000, 100)) < 0.01)
    trains = sm.SpikeTrains(ids=source, times=step.astype(float), size=100, duration=10_000.0)
    rule = sm.STDP(a_plus=0.005, a_minus=0.00525, w_max=0.25)
    weight = rng.uniform(0.1, 0.15, 100 * 100)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
            sm.Population(name="out", size=100, cell=sm.LIF()),
        ],
        projections=[
            sm.Projection.all_to_all(
                "learnt", "in", "out", weight=weight, delay=1.0, plasticity=rule
            )
        ],
    )


def resolution(duration: float) -> None:
    """Mean weight and changes, by the left shift of the weights."""
    network = learner()
    print(f"learning by resolution, {duration / 1000:g} s: shift, steps a pair, mean weight beside")
    print("floating point, correlation of the changes")
    for shift in SHIFTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sm.SpikememWarning)
            report = drift(
                network, duration, shifts={("out", "excitatory"): shift}, allow_coarse=True
            )
        item = report.weights["learnt"]
        print(
            f"  {shift}  {0.005 / item.lsb:7.2f}  {item.mean:.4f} and {item.mean_float:.4f} nA "
            f"({item.relative:+.1%})  {item.correlation:5.2f}"
        )


def maps(quick: bool) -> None:
    """Chips, cores, memory and routing on a virtual board of 48 chips."""
    if importlib.util.find_spec("spynnaker") is None:
        print("maps: sPyNNaker is not installed")
        return
    print("maps: chips, cores, SDRAM (fullest chip) MiB, routing entries (most), keys, seconds")
    for n_cues, n_contents, preset in MAPS[: 2 if quick else None]:
        memory = sm.CA3Memory(n_cues, n_contents, preset=preset)
        network = memory.build([sm.Learn(0, [0, 1]), sm.RecallCue(0)])
        report = map_network(network, boards=1)
        print(
            f"  {n_cues}x{n_contents} {preset}: {report.chips}, {sum(report.cores.values())}, "
            f"{report.sdram / 2**20:.1f} ({report.sdram_fullest / 2**20:.1f}), "
            f"{report.routing_entries} ({report.routing_max}), {report.keys}, {report.seconds:.1f}"
        )


def busy() -> sm.Network:
    """250 cells that fire all the time, each onto 25 others."""
    rng = np.random.default_rng(0)
    i, j = np.nonzero(rng.random((250, 250)) < 0.1)
    cells = sm.Population(name="cells", size=250, cell=sm.LIF(cm=0.5, i_offset=0.6))
    around = sm.Projection(
        name="around", pre="cells", post="cells", i=i, j=j, weight=0.05, delay=2.0
    )
    return sm.Network(populations=[cells], projections=[around])


def software_board(quick: bool) -> None:
    """The board in software, the emulator and the native engine on one network each."""
    if not all(map(importlib.util.find_spec, ("spynnaker", "unicorn"))):
        print("board in software: sPyNNaker or unicorn is not installed")
        return
    schedule = [sm.Learn(k, [k, k + 1, k + 20]) for k in range(16)]
    schedule += [sm.RecallCue(k) for k in range(16)] + [sm.RecallContent([k]) for k in range(16)]
    demo = sm.CA3Memory(n_cues=16, n_contents=64).build(schedule[:2] if quick else schedule)
    print("ms of wall time for a ms: board (its ticks; all, with sPyNNaker), emulator, native")
    for name, network, duration in (
        ("memory of 16 x 64", demo, demo.duration),
        ("250 busy cells", busy(), 100.0 if quick else 1000.0),
    ):
        recording = sm.simulate(network, duration, backend="board")
        facts = recording.provenance["board"]
        walls = []
        for backend in ("emulator", "native"):
            sm.simulate(network, duration, backend=backend)  # compiles
            began = time.perf_counter()
            other = sm.simulate(network, duration, backend=backend)
            walls.append((time.perf_counter() - began) * 1000.0 / duration)
            if backend == "emulator":
                same = all(recording[key] == other[key] for key in recording.spikes)
        ticks = facts["ticks"] * facts["cores"]
        print(
            f"  {name}: {facts['seconds'] * 1000 / duration:.2f}, "
            f"{facts['wall_seconds'] * 1000 / duration:.2f}, {walls[0]:.4f}, {walls[1]:.4f}; "
            f"{facts['cores']} cores, {ticks / facts['seconds']:.3g} ticks of a core, "
            f"{facts['packets'] / facts['seconds']:.3g} packets and "
            f"{facts['instructions'] / facts['seconds'] / 1e6:.3g} million instructions a second; "
            f"spikes as on the emulator: {same}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script")
    quick = parser.parse_args().quick
    membrane()
    resolution(1000.0 if quick else 10_000.0)
    maps(quick)
    software_board(quick)


if __name__ == "__main__":
    main()
