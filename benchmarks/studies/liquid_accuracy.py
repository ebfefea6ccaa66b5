"""Accuracy of a liquid on images and speech, always beside the same readout of its input alone.

    python benchmarks/studies/liquid_accuracy.py                                  digits: a minute
    python benchmarks/studies/liquid_accuracy.py --fsdd fsdd.tar.xz --mnist train.npz

The digits are scikit-learn's (1347 to train, 450 to test, split anew for each seed). MNIST: the
first 8000 images to train, and the first 2000 of the last 10,000 of the same file to test; with
the file of the 60,000 training images, none of the official test images is used. FSDD: the
official split (utterances 0 to 4 of each speaker and digit are the test set). A seed is that of
the liquid, of the held-out part that chooses the readout's penalty, and of the split of the
digits. The readout is scikit-learn's ridge classifier on standardised features.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from spikemem.data import read_fsdd, read_images
from spikemem.networks.liquid import (
    DenseLiquid,
    Events,
    LiquidStateMachine,
    cochlea_events,
    evaluate_readout,
    saccade_events,
)
from spikemem.networks.liquid.datasets import CAMERA_LIQUID, COCHLEA_LIQUID

MOST_FEATURES = 5000


class Task(NamedTuple):
    """Events with their classes, and how they are split."""

    name: str
    events: Events
    labels: Any
    is_test: Any
    """Mask of the test samples; None: 450 of 1797, drawn for each seed."""
    liquid: DenseLiquid
    bins: int
    sizes: tuple[int, ...]


def tasks(mnist: str | None, fsdd: str | None, sizes: tuple[int, ...]) -> Iterator[Task]:
    """The tasks whose files are given."""
    digits = read_images("digits")
    for polarity, name in ((0, "digits, 16 x 16 x 1"), (None, "digits, 16 x 16 x 2")):
        events = saccade_events(digits, polarity=polarity)
        yield Task(name, events, digits.labels, None, CAMERA_LIQUID, 5, sizes)
    if fsdd is not None:
        spoken = read_fsdd(fsdd)
        events = cochlea_events(spoken.sounds, rate=spoken.rate)
        yield Task(
            "FSDD, official split", events, spoken.labels, spoken.is_test, COCHLEA_LIQUID, 8, sizes
        )
    if mnist is not None:
        images = read_images(mnist)
        chosen = np.concatenate([np.arange(8000), len(images) - 10_000 + np.arange(2000)])
        part = images[chosen]
        test = np.arange(10_000) >= 8000
        for polarity, name in ((0, "MNIST, 16 x 16 x 1"), (None, "MNIST, 16 x 16 x 2")):
            events = saccade_events(part, polarity=polarity)
            yield Task(name, events, part.labels, test, CAMERA_LIQUID, 5, sizes)


def measure(task: Task, n_neurons: int, bins: int, seed: int, inputs: Any) -> dict[str, Any]:
    """Accuracy of one liquid, with its input's, and the time of the liquid."""
    test = task.is_test
    if test is None:
        order = np.random.default_rng(seed).permutation(len(task.labels))
        test = np.isin(np.arange(len(task.labels)), order[:450])
    began, cpu = time.perf_counter(), time.process_time()
    states = spikes_of(task, n_neurons, seed)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    report = evaluate_readout(
        states[~test], task.labels[~test], states[test], task.labels[test],
        inputs=inputs[~test], test_inputs=inputs[test], bins=bins, seed=seed,
    )  # fmt: skip
    return {
        **report.facts(),
        "rate": float(states.mean()),
        "samples_per_second": len(states) / wall,
        "liquid_cpu_seconds": cpu,
    }


def camera_speed() -> str:
    """Images that the simulated camera sees in a second of processor time."""
    images = read_images("digits")
    began = time.process_time()
    saccade_events(images)
    return f"camera: {len(images) / (time.process_time() - began):.0f} images a second"


def spikes_of(task: Task, n_neurons: int, seed: int) -> Any:
    """Spikes of the liquid, bool (n_samples, n_steps, n_neurons)."""
    model = LiquidStateMachine(
        n_inputs=task.events.n_channels, n_neurons=n_neurons, liquid=task.liquid, seed=seed
    )
    return model.spikes(task.events)


def main() -> None:
    """Print a line for each task, size and number of bins."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", help="idx or npz file of MNIST's training images")
    parser.add_argument("--fsdd", help="folder or tar archive of the Free Spoken Digit Dataset")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 500, 1000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the name of a task")
    parser.add_argument("--json", help="file for all results")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    print(camera_speed())
    row = "{:<22} {:>6} {:>5}  {:>16}  {:>16}  {:>7}  {}"
    print(row.format("task", "N", "bins", "liquid", "input alone", "samples/s", "verdicts"))
    for task in tasks(options.mnist, options.fsdd, tuple(options.sizes)):
        if options.only not in task.name:
            continue
        inputs = task.events.dense()
        for n_neurons in task.sizes:
            for bins in (1, task.bins):
                if n_neurons * bins > MOST_FEATURES:
                    continue
                found = []
                for seed in range(options.seeds):
                    one = measure(task, n_neurons, bins, seed, inputs)
                    found.append(one)
                    results.append({"task": task.name, "n_neurons": n_neurons, "seed": seed} | one)
                    if options.json:
                        with open(options.json, "w", encoding="utf-8") as file:
                            json.dump(results, file, indent=1)
                accuracy, baseline = (
                    _spread([one[name] for one in found]) for name in ("accuracy", "input_accuracy")
                )
                speed = np.median([one["samples_per_second"] for one in found])
                verdicts = "; ".join(sorted({one["verdict"] for one in found}))
                print(row.format(task.name, n_neurons, bins, accuracy, baseline, f"{speed:.0f}",
                                 verdicts), flush=True)  # fmt: skip


def _spread(values: list[float]) -> str:
    spread = np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.3f} +- {spread:.3f}"


if __name__ == "__main__":
    main()
