"""What resistive memory does to a liquid: digits by saccades, 200 neurons, spike counts.

A weight is one differential pair of devices. Three questions, each over several liquids:

* is a liquid of device weights as good as one of Gaussian weights, if its readout is trained on it?
* what does a change of the weights after training cost: programming anew, drift, stuck cells?
* what does noise at each read cost?

    python benchmarks/studies/liquid_devices.py [--seeds 5]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import spikemem as sm
from spikemem.hardware.resistive import (
    HERMES,
    PCM,
    CMOHfOx,
    Faults,
    Generic,
    Ideal,
    WanRRAM,
)
from spikemem.networks.liquid import DenseLiquid, saccade_events

DAY, YEAR = 86400.0, 365 * 86400.0
T0 = 20.0
Case = tuple[str, Any, dict[str, Any]]


def spread(relative: float) -> Generic:
    """A device whose programming error is a part of the conductance."""
    return Generic(programming_sd=25.0 * relative, programming_scaling="proportional")


def fading(gain: float) -> tuple[Generic, float]:
    """A device of which a day leaves this part of every conductance, and that day."""
    return Generic(nu=-np.log(gain) / np.log((DAY + T0) / T0), t0=T0), DAY


def trained_on_it() -> Iterator[Case]:
    """Devices that hold the weights before the readout is trained."""
    for relative in (0.02, 0.05, 0.10, 0.20):
        yield f"programming spread {relative:.0%}", spread(relative), {}
    yield "PCM, just programmed", PCM(), {}
    yield "PCM, one day old", PCM(), {"time": DAY}
    yield "PCM, one day old, compensated", PCM(), {"time": DAY, "compensation": "global"}
    yield "HERMES", HERMES(), {}
    yield "Wan RRAM, 1 s", WanRRAM(), {}
    yield "Wan RRAM, one day old", WanRRAM(), {"time": DAY}
    yield "CMO/HfOx", CMOHfOx(), {}


def changed_later() -> Iterator[Case]:
    """What happens to the weights after the readout was trained on exact ones."""
    for relative in (0.05, 0.10, 0.20):
        yield f"programming spread {relative:.0%}", spread(relative), {}
    for gain in (0.9, 0.8, 0.66):
        device, age = fading(gain)
        yield f"drift to {gain:.0%}", device, {"time": age}
        yield f"drift to {gain:.0%}, compensated", device, {"time": age, "compensation": "global"}
    for part in (0.01, 0.05, 0.10):
        yield f"stuck at zero {part:.0%}", Ideal(), {"faults": Faults(stuck_low=part)}
    for age, name in ((3600.0, "1 h"), (DAY, "1 day"), (YEAR, "1 year")):
        for how in ("none", "global"):
            said = "" if how == "none" else ", compensated"
            yield f"PCM after {name}{said}", PCM(), {"time": age, "compensation": how}


def said(name: str, scores: list[float], base: list[float]) -> None:
    """One line: mean and spread, and the difference to the same liquids without a device."""
    gain = np.array(scores) - np.array(base)
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
    print(f"  {name:<34} {np.mean(scores):.3f} +- {np.std(scores):.3f}   "
          f"difference {gain.mean():+.3f} +- {error:.3f}", flush=True)  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="liquids")
    parser.add_argument("--n-neurons", type=int, default=200)
    given = parser.parse_args()
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    events, labels = saccade_events(data.images[order] / 16.0), data.target[order]
    train, test = slice(0, 1347), slice(1347, len(labels))
    split = (events[train], labels[train], events[test], labels[test])

    def fitted(model: sm.LiquidStateMachine) -> sm.LiquidStateMachine:
        return model.fit(split[0], split[1])

    def accuracy(model: sm.LiquidStateMachine, **noise: Any) -> float:
        states = model.states(split[2], **noise)
        return float(np.mean(model.readout_.predict(states) == split[3]))

    liquid = DenseLiquid(numbers="float")
    plain = [
        fitted(sm.LiquidStateMachine(256, given.n_neurons, liquid=liquid, seed=seed))
        for seed in range(given.seeds)
    ]
    base = [accuracy(model) for model in plain]
    alone = [model.baseline_score(split[2], split[3]) for model in plain[:1]]
    print(f"{given.n_neurons} neurons, {given.seeds} liquids; input alone {alone[0]:.3f}")
    said("Gaussian weights", base, base)

    def over(change: Callable[[sm.LiquidStateMachine, int], float]) -> list[float]:
        return [change(model, seed) for seed, model in enumerate(plain)]

    print("the readout is trained on the device's weights")
    for name, device, how in trained_on_it():
        said(name, over(lambda m, s, d=device, h=how: accuracy(fitted(
            m.on_device(d, seed=s, negative="split", **h)))), base)  # fmt: skip
    print("the weights change after training")
    for name, device, how in changed_later():
        said(name, over(lambda m, s, d=device, h=how: accuracy(
            m.on_device(d, seed=s, negative="split", **h))), base)  # fmt: skip
    print("noise at each read")
    for relative in (0.01, 0.05, 0.10, 0.30):
        said(f"read noise {relative:.0%}", over(lambda m, s, r=relative: accuracy(
            m, read_noise=r, seed=s)), base)  # fmt: skip


if __name__ == "__main__":
    main()
