"""What a year in devices does to a CA3 memory and to a classifier, and what broken cells do.

The CA3 memory ("robust", 8 cues, 16 bits) has all its synapses in devices and is asked for
everything it holds; an answer counts if it is exactly right. The classifier is a linear readout of
8x8 handwritten digits in one crossbar with converters. Figures are means over arrays of different
seeds. The table of broken cells is that of the published CA3 circuit (10 cues, 12 bits, 3 bits for
each cue), whose plastic synapses are in one cell each.

    python benchmarks/resistive_ageing.py [--quick]
"""

from __future__ import annotations

import argparse

import numpy as np

import spikemem as sm
from spikemem.hardware import resistive

HOUR, DAY, YEAR = 3600.0, 86400.0, 365 * 86400.0
AGES = {"1 s": 1.0, "1 h": HOUR, "1 day": DAY, "2 d": 2 * DAY, "30 d": 30 * DAY, "1 year": YEAR}
DEVICES = {
    "PCM": resistive.PCM(),
    "HERMES": resistive.HERMES(),
    "WanRRAM": resistive.WanRRAM(),
    "CMOHfOx": resistive.CMOHfOx(),
    "SONOS": resistive.SONOS(),
}


def known_ages(device: resistive.Device) -> dict[str, float]:
    return {text: age for text, age in AGES.items() if device.ages[0] <= age <= device.ages[1]}


def ca3_over_time(device: resistive.Device, compensation: str, seeds: int) -> dict[str, float]:
    """Fraction of exact answers at each age."""
    rng = np.random.default_rng(0)
    contents = {cue: rng.choice(16, 4, replace=False).tolist() for cue in range(8)}
    bits = sorted({bit for content in contents.values() for bit in content})
    schedule = [*(sm.RecallCue(cue) for cue in contents), *(sm.RecallContent([b]) for b in bits)]
    memory = sm.CA3Memory(8, 16, contents=contents)
    network = memory.build(schedule)
    right = [frozenset(content) for content in contents.values()]
    right += [frozenset(cue for cue, held in contents.items() if bit in held) for bit in bits]
    ages = known_ages(device)
    arrays = [resistive.write(device, network, seed=seed) for seed in range(seeds)]
    aged = [
        written.network(age, compensation=compensation)
        for age in ages.values()
        for written in arrays
    ]
    parts = sm.simulate(sm.Network.stack(aged)).split(len(aged))
    exact = [
        np.mean([got == wanted for got, wanted in zip(memory.decode(part, schedule), right,
                                                      strict=True)])
        for part in parts
    ]  # fmt: skip
    return dict(zip(ages, np.reshape(exact, (len(ages), seeds)).mean(axis=1), strict=True))


def classifier() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights and biases of a linear readout of digits, and the digits to be classified."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import RidgeClassifier

    digits = load_digits()
    x, y = digits.data / 16.0, digits.target
    model = RidgeClassifier(alpha=10.0).fit(x[:1000], y[:1000])
    return model.coef_.T, model.intercept_, x[1000:], y[1000:]


def readout_over_time(device: resistive.Device, compensation: str, seeds: int) -> dict[str, float]:
    """Accuracy at each age."""
    weights, bias, x, y = classifier()
    found: dict[str, float] = {}
    for seed in range(seeds):
        bar = resistive.Crossbar(
            device, weights, seed=seed, compensation=compensation,
            converters=resistive.Converters(),
        )  # fmt: skip
        for text, age in known_ages(device).items():
            answers = (bar.age(age).matvec(x) + bias).argmax(axis=1)
            found[text] = found.get(text, 0.0) + float((answers == y).mean()) / seeds
    return found


def broken_cells(fraction: float, seeds: int, preset: str) -> tuple[float, float, int]:
    """Bits recalled by cue, addresses by one bit (fractions), and wrong ones (a number)."""
    hits, extra = np.zeros(4), 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        contents = {c: sorted(rng.choice(12, 3, replace=False).tolist()) for c in range(10)}
        used = sorted({bit for bits in contents.values() for bit in bits})
        schedule = [sm.Learn(c, bits, at=24.0 * c) for c, bits in contents.items()]
        schedule += [sm.RecallCue(c, at=240.0 + 20 * c) for c in contents]
        schedule += [sm.RecallContent([b], at=440.0 + 20 * k) for k, b in enumerate(used)]
        memory = sm.CA3Memory(10, 12, preset=preset)
        noisy = resistive.Ideal().apply(
            memory.build(schedule), projections=["W1", "W2"], seed=seed,
            mapping=resistive.SingleDevice(), faults=resistive.Faults(missing=fraction),
        )  # fmt: skip
        answers = memory.decode(sm.simulate(noisy), schedule)[10:]
        wanted = [set(bits) for bits in contents.values()]
        wanted += [{c for c, bits in contents.items() if bit in bits} for bit in used]
        for k, (got, right) in enumerate(zip(answers, wanted, strict=True)):
            side = 0 if k < 10 else 2
            hits[side : side + 2] += len(got & right), len(right)
            extra += len(got - right)
    return float(hits[0] / hits[1]), float(hits[2] / hits[3]), extra


TILES = {
    "PCM": (resistive.PCM(), {}, (0.1197, 0.2564, 0.3583, 0.4541, 0.5156)),
    "PCM, global": (
        resistive.PCM(), {"compensation": "global"}, (0.1198, 0.1361, 0.1539, 0.1768, 0.1954),
    ),
    "PCM, converters, global": (
        resistive.PCM(), {"compensation": "global", "converters": resistive.Converters()},
        (0.1228, 0.1374, 0.1548, 0.1775, 0.1963),
    ),
    "CMO/HfOx 0.2 %": (
        resistive.CMOHfOx(acceptance=0.002), {"mapping": resistive.Offset()},
        (0.0379, 0.0914, 0.1164, 0.1441, 0.1646),
    ),
    "CMO/HfOx 2 %": (
        resistive.CMOHfOx(), {"mapping": resistive.Offset()},
        (0.0623, 0.1060, 0.1294, 0.1564, 0.1767),
    ),
    "HERMES, global": (
        resistive.HERMES(), {"compensation": "global"}, (0.1455, 0.1536, 0.1785, 0.2195, 0.2564),
    ),
}  # fmt: skip
"""Errors of aihwkit's tiles after 1 s, 1 h, 1 day, 30 d and a year (version 1.2.0)."""


def tile_errors(seeds: int) -> None:
    """Relative error of products of a 256 x 512 matrix, beside that of aihwkit's tiles."""
    rng = np.random.default_rng(7)
    weights = rng.normal(0, 0.3, (256, 512)).clip(-1, 1).T.copy()
    x = rng.uniform(-1, 1, (500, 512))
    exact = x @ weights
    print("\nerror of a product: ours (aihwkit)")
    for name, (device, options, expected) in TILES.items():
        errors = np.zeros(len(expected))
        for seed in range(seeds):
            bar = resistive.Crossbar(device, weights, seed=seed, **options)
            for k, age in enumerate((1.0, HOUR, DAY, 30 * DAY, YEAR)):
                off = bar.age(age).matvec(x) - exact
                errors[k] += np.linalg.norm(off) / np.linalg.norm(exact) / seeds
        cells = (f"{ours:7.4f} ({other:.4f})" for ours, other in zip(errors, expected, strict=True))
        print(f"{name:<24}" + " ".join(cells))


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}\n{'':<22}" + "".join(f"{text:>8}" for text in AGES))
    for name, row in rows.items():
        cells = "".join(f"{row[text]:>8.3f}" if text in row else f"{'-':>8}" for text in AGES)
        print(f"{name:<22}{cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one array each (about 1 min)")
    quick = parser.parse_args().quick
    seeds = 1 if quick else 5
    for title, measure in (("CA3 memory: exact answers", ca3_over_time),
                           ("classifier: accuracy", readout_over_time)):  # fmt: skip
        rows = {
            f"{name}, {compensation}": measure(device, compensation, seeds)
            for name, device in DEVICES.items()
            for compensation in ("none", "global", "column")
        }
        show(title, rows)
    tile_errors(1 if quick else 5)
    weights, bias, x, y = classifier()
    print(f"classifier without devices: {((x @ weights + bias).argmax(axis=1) == y).mean():.3f}")
    print("\nbroken cells: bits by cue, addresses by content, wrong ones")
    for preset in ("published", "robust"):
        for fraction in (0.0, 0.01, 0.05, 0.1, 0.2):
            by_cue, by_content, extra = broken_cells(fraction, 2 if quick else 20, preset)
            print(f"{preset:<10} {fraction:>5.0%} {by_cue:>8.3f} {by_content:>8.3f} {extra:>4}")


if __name__ == "__main__":
    main()
