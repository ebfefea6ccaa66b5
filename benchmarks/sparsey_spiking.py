"""Spiking macs beside the algorithm: winners, familiarity, one-shot storage, and devices.

One mac of 9 modules of 16 cells above 144 pixels, of which 20 are active in an image. What is
stored is shown again with 0 to 30 % of its active pixels moved. The winners of every module and the
familiarity G, decoded from the times of first spikes, are compared with those of the algorithm on
the same synapses.

    python benchmarks/sparsey_spiking.py [--quick] [--seeds N] [--figure FILE]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import spikemem as sm
from spikemem.codes import Patterns, random_patterns, swap_bits
from spikemem.hardware.resistive import PCM, Generic, WanRRAM
from spikemem.networks.sparsey import Level, Plasticity, Sparsey, Store

SIZE, ACTIVE, Q, K = 144, 20, 9, 16
BACKENDS = (
    ("brian2", "spinnaker"),
    ("native", "spinnaker"),
    ("emulator", "spinnaker"),
    ("pynn:nest", "exact"),
)
AGES = {"1 s": 1.0, "1 h": 3600.0, "1 month": 2.6e6, "1 year": 3.15e7}


def mac(seed: int) -> Sparsey:
    """One mac whose synapses never freeze."""
    return Sparsey(SIZE, [Level(n_modules=Q, cells_per_module=K)], seed=seed,
                   plasticity=Plasticity(saturation=None))  # fmt: skip


def noisy(patterns: Patterns, n: int, seed: int) -> Patterns:
    """Stored patterns with 0, 10, 20 and 30 % of their active pixels moved, in turn."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        one = patterns[int(rng.integers(len(patterns)))]
        rows += list(swap_bits(Patterns([one], size=SIZE), 2 * (k % 4), seed=seed * 1000 + k))
    return Patterns(rows, size=SIZE)


def compared(model: Sparsey, frames: Patterns, backend: str, integrator: str):
    """Modules, wrong ones, ties of first spikes, G by spikes, G by the algorithm, seconds."""
    options = {"integrator": integrator}
    network = model.build(frames, **options)
    load = time.process_time()
    recording = sm.simulate(network, backend=backend, integrator=integrator)
    load = time.process_time() - load
    answers = model.decode(recording, frames, **options)
    codes = model.retrieve(frames)
    winners = np.concatenate([answer.winners[0] for answer in answers])
    g = np.concatenate([answer.familiarity[0][:, 0] for answer in answers])
    wrong = np.count_nonzero(winners != codes.winners[0])
    ties = tied_modules(recording, len(frames), float(np.max(network.projection("tick 0").delay)))
    return winners.size, wrong, ties, g, codes.familiarity[0][:, 0], load


def tied_modules(recording: sm.Recording, n_frames: int, delay: float) -> int:
    """Modules in which two cells or more were the first to fire, in the same step."""
    trains = recording["cells 0"]
    # Cells of a frame can fire from the arrival of its inputs on; at its end the reset fires all.
    period, arrival = recording.duration // n_frames, delay
    frame = ((trains.times - arrival) // period).astype(int)
    module = frame * Q + trains.ids // K
    ties = 0
    for one in np.unique(module):
        times = trains.times[module == one]
        first = np.count_nonzero(times == times.min())
        ties += 1 < first < K
    return ties


def agreement(seeds: int, n_frames: int) -> None:
    print(f"Retrieval: {seeds} memories each, {n_frames} images a memory, dt = 1 ms")
    print(f"{'backend':10} {'stored':>6} {'modules':>8} {'right':>9} {'ties':>5} "
          f"{'corr. of G':>10} {'MAE of G':>9} {'ms/image':>9} {'CPU s':>6}")  # fmt: skip
    for backend, integrator in BACKENDS:
        for n_stored in (20, 60):
            total = wrong = ties = 0
            ours, theirs, load = [], [], 0.0
            for seed in range(seeds):
                model = mac(seed)
                patterns = random_patterns(n_stored, size=SIZE, active=ACTIVE, seed=seed)
                model.learn(patterns)
                frames = noisy(patterns, n_frames, seed)
                n, bad, double, g, expected, seconds = compared(model, frames, backend, integrator)
                total, wrong, ties, load = total + n, wrong + bad, ties + double, load + seconds
                ours.append(g)
                theirs.append(expected)
            a, b = np.concatenate(ours), np.concatenate(theirs)
            period = model.build(frames, integrator=integrator).population("inputs").source.duration
            print(f"{backend:10} {n_stored:6} {total:8} {1 - wrong / total:9.2%} {ties:5} "
                  f"{np.corrcoef(a, b)[0, 1]:10.4f} {np.abs(a - b).mean():9.5f} "
                  f"{period / n_frames:9.1f} {load:6.2f}")  # fmt: skip


def alpha_steps(tau_m: float, tau_syn: float, floor: int, dt: float = 1.0) -> str:
    """How many of the overlaps from `floor` to 20 share a step where one potential races alone."""
    times = np.arange(0.0, 6 * tau_m, dt)
    shape = np.exp(-times / tau_m) - np.exp(-times / tau_syn)
    shape /= shape.max()
    first = [int(np.argmax(u * shape >= floor * (1 - 1e-9))) for u in range(floor, ACTIVE + 1)]
    return f"{len(first)} overlaps in {len(set(first))} steps"


def storage() -> None:
    print("\nOne-shot storage by plasticity: images are stored and retrieved in one run")
    print(f"{'backend':10} {'stored':>6} {'binary':>10} {'as the rule':>11}   units recalled at "
          f"0 / 10 / 20 % noise (without spikes)")  # fmt: skip
    for backend in ("brian2", "native", "emulator"):
        for n_stored in (10, 20, 40):
            model = mac(n_stored)
            patterns = random_patterns(n_stored, size=SIZE, active=ACTIVE, seed=n_stored)
            shown = [swap_bits(patterns, n, seed=1) for n in (0, 2, 4)]
            trials = [Store(row) for row in patterns] + [row for each in shown for row in each]
            recording = sm.simulate(model.build(trials), backend=backend)
            answers, expected = model.decode(recording, trials), model.expected(trials)
            weights = recording.weights["bottom_up 0"]
            weights = weights / weights.max()
            binary = float((np.abs(weights - np.round(weights)) < 1e-6).mean())
            same = np.mean([a == b for a, b in zip(answers, expected, strict=True)])
            ours, plain = (_recalled(each, n_stored) for each in (answers, expected))
            print(f"{backend:10} {n_stored:6} {binary:10.4%} {same:11.2%}   "
                  f"{' / '.join(f'{x:.4f}' for x in ours)}  "
                  f"({' / '.join(f'{x:.4f}' for x in plain)})")  # fmt: skip


def _recalled(answers, n_stored: int) -> list[float]:
    winners = np.stack([answer.winners[0][0, 0] for answer in answers])
    stored, recalled = winners[:n_stored], winners[n_stored:].reshape(-1, n_stored, Q)
    return [float((each == stored).mean()) for each in recalled]


def devices(figure: str | None, n_frames: int) -> None:
    """Winners of the spiking mac whose synapses are devices, beside those of ideal synapses."""
    model = mac(0)
    patterns = random_patterns(20, size=SIZE, active=ACTIVE, seed=0)
    model.learn(patterns)
    frames = noisy(patterns, n_frames, 0)
    network, codes = model.build(frames), model.retrieve(frames)

    def right(device, **options) -> tuple[float, float]:
        parts = []
        for seed in range(3):
            changed = device.apply(network, projections=list(model.plastic), seed=seed, **options)
            answers = model.decode(sm.simulate(changed, backend="native"), frames)
            winners = np.concatenate([answer.winners[0] for answer in answers])
            g = np.concatenate([answer.familiarity[0] for answer in answers])
            parts.append(((winners == codes.winners[0]).mean(),
                          (g - codes.familiarity[0]).mean()))  # fmt: skip
        return tuple(np.mean(parts, axis=0).tolist())

    print("\nDevices: share of the winners that are right, and mean error of G (3 arrays)")
    for device in (PCM(), WanRRAM()):
        for name, age in AGES.items():
            try:
                plain, low = right(device, time=age)
                kept, error = right(device, time=age, compensation="global")
            except sm.DescriptionError:
                continue
            print(f"  {device.name:8} {name:8} {plain:8.2%} {low:+.3f}   compensated {kept:8.2%} "
                  f"{error:+.3f}")  # fmt: skip
    levels = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.5])
    noise = [
        right(Generic(programming_sd=25.0 * float(s), programming_scaling="proportional"))
        for s in levels
    ]
    for s, (share, error) in zip(levels, noise, strict=True):
        print(f"  noise of {s:4.0%} of a weight: {share:8.2%} {error:+.3f}")
    if figure:
        _draw(figure, levels, noise)


def _draw(figure: str, levels, noise) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from spikemem.plotting import COLORS, new_axes, title

    ax = new_axes(5.0, 3.0)
    ax.plot(100 * levels, [100 * share for share, _ in noise], "o-", color=COLORS[0])
    ax.set(xlabel="noise of a synapse (% of its weight)", ylabel="winners as without noise (%)")
    title(ax, "spiking winners on noisy devices")
    ax.figure.savefig(figure, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one memory, fewer images")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--figure", help="file for the picture of noisy devices")
    options = parser.parse_args()
    n_frames = 20 if options.quick else 80
    agreement(1 if options.quick else options.seeds, n_frames)
    print("A potential alone, without a pacemaker, at dt = 1 ms: "
          f"tau 40 and 20 ms: {alpha_steps(40.0, 20.0, 5)}; "
          f"80 and 40 ms: {alpha_steps(80.0, 40.0, 5)}")  # fmt: skip
    storage()
    devices(options.figure, n_frames)


if __name__ == "__main__":
    main()
