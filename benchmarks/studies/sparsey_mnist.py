"""Accuracy of hierarchies on MNIST, what each setting brings, and time against stored items.

The settings were chosen on the first 10,000 training images alone (``--choose``: the first 200 or
800 of each class are learnt, all others of the 10,000 are the test). The figures are those of
training images 50,000 to 59,999, which are used once, with the settings that are written here.
Nothing of MNIST is shipped: give the path of an .npz file with `images` and `labels`, or of
``train-images-idx3-ubyte``.

    python benchmarks/studies/sparsey_mnist.py PATH [--choose | --time | --digits] [--per-class 200]
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, NamedTuple

import numpy as np

import spikemem as sm
from spikemem.data import Images, read_images
from spikemem.networks.sparsey import Level, Plasticity, Selection, Sparsey
from spikemem.networks.sparsey.presets import image_tower

CHOSEN, TEST = 10_000, slice(50_000, 60_000)

SMALL: dict[str, Any] = {"pitch": 2, "modules": 16, "cells": 32}
"""196 macs of Q = 16, K = 32: the size at which speed is stated."""

FREEZING = Plasticity(saturation=0.2)


class Outcome(NamedTuple):
    """Accuracies of one run, and its processor time."""

    two_pass: float
    single_pass: float
    clip3: float
    learning: float
    """Images learnt per second of processor time."""
    seconds: float
    """Processor time of both passes."""


def two_levels(seed: int, *, lowest: bool, cells: int = 64) -> Sparsey:
    """The default level with a second one of 49 macs above it."""
    first = Level(grid=(14, 14), n_modules=8, cells_per_module=64, radius=6.3, min_active=12)
    second = Level(grid=(7, 7), n_modules=8, cells_per_module=cells, radius=4.5, min_active=4,
                   persistence=1)  # fmt: skip
    return Sparsey(
        (28, 28), [first, second], plasticity=FREEZING, threshold=127.5, seed=seed,
        readout_levels=(0, 1) if lowest else None,
    )  # fmt: skip


def one_level(seed: int, selection: Selection, plasticity: Plasticity, **sizes: Any) -> Sparsey:
    """The small tower with other rules."""
    shape = {"grid": (14, 14), "n_modules": 16, "cells_per_module": 32, "radius": 6.3,
             "min_active": 12, **sizes}  # fmt: skip
    return Sparsey((28, 28), [Level(**shape)], selection=selection, plasticity=plasticity,
                   threshold=127.5, seed=seed)  # fmt: skip


def settings(seed: int) -> dict[str, Any]:
    """Towers of the table, by their names."""

    def tower(**changes: Any) -> Any:
        return lambda: image_tower(28, 28, seed=seed, **{**SMALL, **changes})

    def rules(selection: Selection | None = None, plasticity: Plasticity | None = None,
              **sizes: Any) -> Any:  # fmt: skip
        return lambda: one_level(seed, selection or Selection(), plasticity or FREEZING, **sizes)

    return {
        "196 macs, Q16 K32": tower(),
        "no freezing": tower(saturation=1.0),
        "freezing at 0.1": tower(saturation=0.1),
        "freezing at 0.3": tower(saturation=0.3),
        "freezing at 0.5": tower(saturation=0.5),
        "whole macs freeze at 0.1": rules(plasticity=Plasticity(freeze="mac", saturation=0.1)),
        "chi = 0: codes always random": rules(Selection(chi=0.0)),
        "centre 0.75": rules(Selection(sigma3=0.75)),
        "slope 20": rules(Selection(sigma2=20.0)),
        "normalised by the bound": rules(Selection(normalization="bound")),
        "three thresholds": tower(grey=3),
        "radius 4.4, at least 6 active": tower(radius=4.4, min_active=6),
        "radius 8, at least 16 active": tower(radius=8.0, min_active=16),
        "hexagonal grid": rules(layout="hex"),
        "Q4": tower(modules=4),
        "Q8": tower(modules=8),
        "K16": tower(cells=16),
        "K64": tower(cells=64),
        "K128": tower(cells=128),
        "49 macs": tower(pitch=4),
        "784 macs, Q4 K64": tower(pitch=1, modules=4, cells=64),
        "784 macs, Q8 K64 (default)": tower(pitch=1, modules=8, cells=64),
        "784 macs, Q8 K128": tower(pitch=1, modules=8, cells=128),
        "two levels, Q8 K64, classes on both": lambda: two_levels(seed, lowest=True),
        "two levels, Q8 K64, classes on the upper": lambda: two_levels(seed, lowest=False),
        "the lower of these two alone": tower(modules=8, cells=64),
    }


def measure(tower: Sparsey, learnt: Images, tested: Images) -> Outcome:
    """Learn once, read the codes once more, and test."""
    tower.fit(learnt.images[:2], learnt.labels[:2])
    began = time.process_time()
    tower.fit(learnt.images, learnt.labels, second_pass=False)
    learning = time.process_time() - began
    tower.fit_readout(learnt.images, learnt.labels)
    both = time.process_time() - began
    single = tower.score(tested.images, tested.labels, single_pass=True)
    double = tower.score(tested.images, tested.labels)
    tower.readout = "clip3"
    clip3 = tower.score(tested.images, tested.labels)
    tower.readout = "binary"
    return Outcome(double, single, clip3, len(learnt) / learning, both)


def show(name: str, n: int, outcomes: list[Outcome]) -> None:
    """One row of the table: means over the seeds."""
    mean = Outcome(*np.mean(outcomes, axis=0))
    spread = np.std([one.two_pass for one in outcomes], ddof=1) if len(outcomes) > 1 else 0.0
    print(
        f"{name:<42}{n:>6}{mean.two_pass:>9.4f}{f'±{spread:.4f}' if spread else '':>9}"
        f"{mean.clip3:>9.4f}{mean.single_pass:>13.4f}{mean.learning:>12,.0f}{mean.seconds:>9.2f}",
        flush=True,
    )


def header(title: str) -> None:
    print(
        f"\n{title}\n{'':<42}{'n':>6}{'two pass':>9}{'':>9}{'clip3':>9}{'single pass':>13}"
        f"{'learnt/s':>12}{'CPU (s)':>9}"
    )


def choose(data: Images, per_class: int, only: str, seeds: int) -> None:
    """The table of ablations, on the first 10,000 images."""
    first = data[:CHOSEN]
    ranks = np.zeros(CHOSEN, dtype=np.int64)
    for label in range(10):
        rows = np.flatnonzero(first.labels == label)
        ranks[rows] = np.arange(len(rows))
    learnt, tested = first[ranks < per_class], first[ranks >= per_class]
    header(f"first {CHOSEN} training images: {len(learnt)} learnt, {len(tested)} tested")
    for name in settings(0):
        if only in name:
            made = [settings(seed)[name]() for seed in range(seeds)]
            show(name, per_class, [measure(tower, learnt, tested) for tower in made])


def figures(data: Images, seeds: int, per_class: list[int], only: str) -> None:
    """The figures, on images that no setting was chosen with."""
    header("training images 50,000 to 59,999, never used for choosing settings")
    tested = data[TEST]
    for n in per_class:
        learnt = data[:CHOSEN].per_class(n)
        names = ["196 macs, Q16 K32", "784 macs, Q8 K64 (default)"]
        names += ["784 macs, Q8 K128"] if n >= 800 else ["no freezing"]
        for name in (name for name in names if only in name):
            made = [settings(seed)[name]() for seed in range(seeds)]
            show(name, n, [measure(tower, learnt, tested) for tower in made])


def timing(data: Images) -> None:
    """Time of one item against the number of stored items."""
    tower = settings(0)["196 macs, Q16 K32"]()
    tower.partial_fit(data.images[:2], data.labels[:2], second_pass=False)
    tower = settings(0)["196 macs, Q16 K32"]()
    print("\nitems stored   learning (ms of CPU an item)   retrieval (ms of CPU an item)")
    stored, probe = 0, data.images[CHOSEN : CHOSEN + 200]
    for until in (100, 300, 1000, 3000, 10_000):
        tower.partial_fit(data.images[stored : until - 50], second_pass=False)
        began = time.process_time()
        tower.partial_fit(data.images[until - 50 : until], second_pass=False)
        learning = (time.process_time() - began) / 50
        began = time.process_time()
        tower.retrieve(probe)
        retrieval = (time.process_time() - began) / len(probe)
        print(f"{until:>12}{1e3 * learning:>24.3f}{1e3 * retrieval:>30.3f}", flush=True)
        stored = until


def digits(seeds: int) -> None:
    """Five-fold cross-validation on scikit-learn's digits, with the default settings."""
    from sklearn.model_selection import StratifiedKFold

    data = read_images("digits")
    print("\nscikit-learn's digits, 5-fold        two pass   clip3   single pass")
    for name, more in (("64 macs, Q16 K64", {"modules": 16}), ("64 macs, Q8 K64 (default)", {})):
        rows = []
        for seed in range(seeds):
            folds = StratifiedKFold(5, shuffle=True, random_state=seed)
            for learnt, tested in folds.split(data.images, data.labels):
                tower = image_tower(8, 8, brightest=16, seed=seed, **more)
                rows.append(measure(tower, data[learnt], data[tested])[:3])
        two, single, clip3 = np.mean(rows, axis=0)
        print(f"{name:<35}{two:>10.4f}{clip3:>8.4f}{single:>14.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", help="MNIST's training images (.npz or idx)")
    parser.add_argument("--choose", action="store_true", help="the table of settings")
    parser.add_argument("--time", action="store_true", help="time against stored items")
    parser.add_argument("--digits", action="store_true", help="scikit-learn's digits")
    parser.add_argument("--per-class", type=int, action="append", help="images of each class")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    parser.add_argument("--only", default="", help="rows of the table that contain this")
    options = parser.parse_args()
    print(f"spikemem {sm.__version__}")
    if options.digits:
        digits(options.seeds)
        return
    if options.path is None:
        print("No path of MNIST's training images was given: nothing to do.")
        return
    try:
        data = read_images(options.path)
    except sm.StorageError as error:
        sys.exit(str(error))
    sizes = options.per_class or [200, 800]
    if options.choose:
        for n in sizes:
            choose(data, n, options.only, options.seeds)
    elif options.time:
        timing(data)
    else:
        figures(data, options.seeds, sizes, options.only)


if __name__ == "__main__":
    main()
