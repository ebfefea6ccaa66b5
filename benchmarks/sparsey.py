"""Images per second of hierarchies, beside plain NumPy and scikit-learn, in one process.

Four comparisons on random images of 28 x 28 pixels, or on those of a file:

- one mac (512 inputs, Q = 33, K = 60), beside the same algorithm with matrices in NumPy;
- 196 macs (Q = 16, K = 32), beside the same, one mac after another, with dense weights in NumPy;
- one and two threads;
- for orientation, scikit-learn's stochastic gradient descent and nearest neighbour.

The NumPy macs draw codes by the same equations, with their own random numbers. Of the public
implementations, sparseypy (SashwatAnagolum/SparseyTestingSystem) is not on PyPI, needs an account
of a web service and is under a licence that allows no use; dcc-sparsey is written in Rust, and is
not on PyPI; sparsey-csa has neither a package nor a licence. None of them can be installed here.

    python benchmarks/sparsey.py [PATH] [--quick]
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np

from spikemem.data import read_images
from spikemem.networks.sparsey import Level, Plasticity, Selection, Sparsey

RULES = Selection()


class NumpyMac:
    """Macs with dense weights: one matrix product a mac and image, as one would write it first."""

    def __init__(self, fields: list[np.ndarray], modules: int, cells: int, low: int) -> None:
        self.fields, self.low = fields, low
        self.modules, self.cells = modules, cells
        self.weights = [np.zeros((modules * cells, len(field))) for field in fields]
        self.frozen = [np.zeros(modules * cells, dtype=bool) for _ in fields]
        self.rng = np.random.default_rng(0)

    def learn(self, image: np.ndarray) -> None:
        """Select and store the code of one image in every mac."""
        first = np.arange(self.modules) * self.cells
        for field, weights, frozen in zip(self.fields, self.weights, self.frozen, strict=True):
            x = image[field]
            n = x.sum()
            if n < self.low:
                continue
            v = (weights @ x / n).reshape(self.modules, self.cells)
            g = v.max(axis=1).mean()
            above = max(0.0, (g - RULES.g_minus) / (1 - RULES.g_minus))
            eta = 1 + above**RULES.gamma * RULES.chi * self.cells
            psi = (eta - 1) / (1 + np.exp(-RULES.sigma2 * (v - RULES.sigma3))) + 1
            total = np.cumsum(psi, axis=1)
            point = self.rng.random(self.modules) * total[:, -1]
            winners = first + (total <= point[:, None]).sum(axis=1)
            open_ = winners[~frozen[winners]]
            weights[open_] = np.maximum(weights[open_], x)
            frozen[open_] = weights[open_].mean(axis=1) > 0.2

    def rate(self, images: np.ndarray) -> tuple[float, float]:
        """Images per second, by the clock and by processor time."""
        wall, load = time.perf_counter(), time.process_time()
        for image in images:
            self.learn(image)
        return len(images) / (time.perf_counter() - wall), len(images) / (
            time.process_time() - load
        )


def ours(make: Any, images: np.ndarray, what: str = "learn", repeats: int = 3) -> tuple[Any, Any]:
    """Best images per second, by the clock and by processor time."""
    walls, loads = [], []
    for _ in range(repeats):
        model = make()
        if what == "retrieve":
            model.learn(images)
        call = model.learn if what == "learn" else model.retrieve
        call(images[:2])
        wall, load = time.perf_counter(), time.process_time()
        call(images)
        walls.append(time.perf_counter() - wall)
        loads.append(time.process_time() - load)
    return len(images) / min(walls), len(images) / min(loads)


def line(name: str, rates: tuple[float, float], peer: tuple[float, float] | None = None) -> None:
    ratio = "" if peer is None else f"{rates[1] / peer[1]:>10,.0f} x NumPy, by processor time"
    print(f"{name:<44}{rates[0]:>12,.1f}/s{rates[1]:>12,.1f} per CPU second{ratio}", flush=True)


def single(n: int) -> None:
    """One mac on random patterns."""
    rng = np.random.default_rng(0)
    images = (rng.random((n, 512)) < 0.1).astype(np.float64)
    level = Level(n_modules=33, cells_per_module=60)
    print(f"\none mac, 512 inputs, Q33 K60, {n} patterns")
    peer = NumpyMac([np.arange(512)], 33, 60, 1).rate(images[: max(n // 10, 10)])
    line("NumPy", peer)
    plasticity = Plasticity(saturation=0.2)
    line("spikemem, learning",
         ours(lambda: Sparsey(512, [level], plasticity=plasticity), images), peer)  # fmt: skip


def tower(images: np.ndarray, labels: np.ndarray, few: int) -> None:
    """196 macs on images."""
    import numba

    level = Level(grid=(14, 14), n_modules=16, cells_per_module=32, radius=6.3, min_active=12)

    def make() -> Sparsey:
        return Sparsey((28, 28), [level], plasticity=Plasticity(saturation=0.2))

    print(f"\n196 macs, Q16 K32, {len(images)} images of 28 x 28")
    fields = [make().afferents(0, mac) for mac in range(196)]
    flat = images.reshape(len(images), -1).astype(np.float64)
    peer = NumpyMac(fields, 16, 32, 12).rate(flat[:few])
    line("NumPy, learning", peer)
    most = min(2, os.cpu_count() or 1)
    for threads in sorted({1, most}):
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        line(f"spikemem, learning, {threads} thread(s)", ours(make, images), peer)
        line(f"spikemem, retrieval, {threads} thread(s)", ours(make, images, "retrieve"))
    others(flat, labels)


def others(flat: np.ndarray, labels: np.ndarray) -> None:
    """scikit-learn on the same pixels: other algorithms, as an orientation."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.neighbors import KNeighborsClassifier

    half = len(flat) // 2
    for name, model in (
        ("SGDClassifier", SGDClassifier(loss="log_loss", max_iter=5, tol=None, random_state=0)),
        ("1-NN", KNeighborsClassifier(1)),
    ):
        wall, load = time.perf_counter(), time.process_time()
        model.fit(flat[:half], labels[:half])
        model.predict(flat[half:])
        rates = len(flat) / (time.perf_counter() - wall), len(flat) / (time.process_time() - load)
        line(f"scikit-learn's {name}, fit half, test half", rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", help="images to use: .npz or idx file")
    parser.add_argument("--quick", action="store_true", help="a quarter of the images")
    options = parser.parse_args()
    n = 500 if options.quick else 2000
    if options.path:
        data = read_images(options.path)[:n]
        images, labels = data.images > (data.brightest or 255) / 2, data.labels
    else:
        rng = np.random.default_rng(1)
        labels = rng.integers(10, size=n)
        images = rng.random((n, 28, 28)) < 0.19
    single(10 * n)
    tower(images, labels, 10 if options.quick else 40)


if __name__ == "__main__":
    main()
