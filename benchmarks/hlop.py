"""CPU milliseconds of one mini-batch of Hebbian orthogonal projection, beside the authors' way.

784-800-800-10, batches of 64, 20 steps, as published for permuted MNIST: plain training, task 0
(subspaces learn), task 1 (the rows of task 0 are frozen) and task 9 (470, 590 and 490 rows). The
peer (``hlop_peer.py``) computes what the authors' code computes, plainly with autograd: all steps
pass all layers, the traces of all steps are projected, and all rows take part in Oja's rule. Both
are timed in turn, in this process, with one thread. First both take one step from the same state in
double precision, and the largest relative difference of the changed weights is printed.

The second table is the middle layer of the paper's small CNN, a convolution of 64 to 128 channels
with neurons behind it, forward, backward and lateral learning.

    python benchmarks/hlop.py [--rounds 8] [--quick]
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any

import hlop_peer as peer
import numpy as np
import torch

from spikemem.networks.hlop import DSRNeuron, HLOPClassifier, Ranks, Subspace
from spikemem.networks.hlop.convolution import Convolution
from spikemem.networks.hlop.learner import Learner
from spikemem.networks.hlop.spike_functions import neurons
from spikemem.networks.hlop.strategies import Batch
from spikemem.networks.hlop.torches import threads

SIZES = (784, 800, 800, 10)
RATES = (0.001, 0.01, 0.01)
BATCH = 64
FROZEN = {0: (0, 0, 0), 1: (80, 200, 100), 9: (460, 580, 480)}
NEW = {0: (80, 200, 100), 1: (70, 70, 70), 9: (10, 10, 10)}


def orthonormal(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rows that are orthonormal."""
    return np.linalg.qr(rng.normal(size=(size, n)))[0].T if n else np.zeros((0, size))


def ours(task: int | None, dtype: str, seed: int = 0) -> Learner:
    """A learner in the middle of a task; `task` None: plain training."""
    kinds: dict[str, Any] = {"method": "naive"} if task is None else {"method": "hlop"}
    model = HLOPClassifier(SIZES, ranks=Ranks(), batch=BATCH, dtype=dtype, seed=seed, **kinds)
    learner = model._learner()
    if task is not None:
        rng = np.random.default_rng(1)
        for k, part in enumerate(learner.strategy.subspaces):
            n, new = FROZEN[task][k], NEW[task][k]
            rows = orthonormal(n + new, SIZES[k], rng).astype(dtype)
            part.restore({
                "frozen": rows[:n], "new": rows[n:], "moving": np.zeros_like(rows[n:]),
                "blocks": np.array([n] if n else [], dtype=np.int64),
            })  # fmt: skip
    return learner


def theirs(learner: Learner, task: int | None) -> peer.PeerNetwork:
    """The peer in the same state."""
    laterals = []
    if task is not None:
        for k, part in enumerate(learner.strategy.subspaces):
            rows = torch.tensor(part.rows)
            laterals.append(peer.Lateral(rows, FROZEN[task][k], RATES[k]))
    return peer.PeerNetwork(list(learner.weights), laterals)


def samples(n: int, dtype: str, seed: int = 0) -> Batch:
    """Sparse images like those of MNIST, normalised: a fifth of the pixels is bright."""
    rng = np.random.default_rng(seed)
    pixels = rng.random((n, 784)) * (rng.random((n, 784)) < 0.2)
    x = ((pixels - 0.1307) / 0.3081).astype(dtype)
    return Batch(x, rng.integers(0, 10, n), np.zeros(n, dtype=np.int64))


def train(learner: Learner, data: Batch) -> None:
    """One pass over the samples, hooks of the method included."""
    with threads(1):
        learner.train(data, 1, 0.1)


def difference(task: int | None) -> float:
    """Largest relative difference of weights and rows after one step in double precision."""
    learner = ours(task, "float64")
    other = theirs(learner, task)
    data = samples(BATCH, "float64")
    before = [w.clone() for w in learner.weights]
    train(learner, data)
    other.learn(torch.tensor(data.x), torch.tensor(data.y))
    gaps = [
        float((mine - w.detach()).norm() / (w.detach() - first).norm())
        for mine, w, first in zip(learner.weights, other.weights, before, strict=True)
    ]
    for k, lateral in enumerate(other.laterals):
        rows = torch.tensor(learner.strategy.subspaces[k].rows)
        gaps.append(float((rows - lateral.rows).norm() / lateral.rows.norm()))
    return max(gaps)


def milliseconds(call: Callable[[], None], n: int) -> float:
    """CPU time of one of `n` batches."""
    begun = time.process_time()
    call()
    return 1000 * (time.process_time() - begun) / n


def in_turn(calls: list[Callable[[], None]], n: int, rounds: int) -> list[list[float]]:
    """CPU milliseconds of each call, in turn in each round; the first is not counted."""
    found: list[list[float]] = [[] for _ in calls]
    for k in range(rounds + 1):
        for times, call in zip(found, calls, strict=True):
            spent = milliseconds(call, n)
            if k:
                times.append(spent)
    return found


def line(name: str, times: list[list[float]], note: str = "") -> None:
    low, middle = ([f(part) for part in times] for f in (np.min, np.median))
    print(f"{name:<28}{low[0]:>9.1f} ({middle[0]:.1f}){low[1]:>9.1f} ({middle[1]:.1f})"
          f"{low[0] / low[1]:>7.1f}x ({middle[0] / middle[1]:.1f}x){note}", flush=True)  # fmt: skip


def perceptron(rounds: int, n: int) -> None:
    print(f"{'784-800-800-10, B=64, T=20':<28}{'peer, ms':>14}{'spikemem, ms':>16}{'ratio':>10}")
    data = samples(BATCH * n, "float32")
    batches = [
        (torch.tensor(data.x[k : k + BATCH]), torch.tensor(data.y[k : k + BATCH]))
        for k in range(0, BATCH * n, BATCH)
    ]
    for task, name in ((None, "plain training"), (0, "task 0"), (1, "task 1"), (9, "task 9")):
        learner = ours(task, "float32")
        other = theirs(learner, task)

        def theirs_all(other: peer.PeerNetwork = other) -> None:
            for x, y in batches:
                other.learn(x, y)

        def ours_all(learner: Learner = learner) -> None:
            train(learner, data)

        line(name, in_turn([theirs_all, ours_all], n, rounds),
             f"   same step to {difference(task):.0e}")  # fmt: skip


class PeerLayer:
    """A convolution with neurons: all patches of all steps are projected."""

    def __init__(self, weight: torch.Tensor, rows: torch.Tensor, n_old: int, steps: int) -> None:
        self.weight = weight.clone().requires_grad_(True)
        self.lateral = peer.Lateral(rows, n_old, 0.01)
        self.steps = steps

    def learn(self, maps: torch.Tensor, errors: torch.Tensor) -> None:
        """Forward, backward with given errors of the spikes, and lateral learning."""
        maps = maps.requires_grad_(True)
        out = peer.ProjectedConv.apply(maps, self.weight, self.lateral.old)
        spikes = peer.SpikeRepresentation.apply(out, self.steps)
        self.weight.grad = None
        spikes.backward(errors)
        with torch.no_grad():
            self.lateral.update(peer.patches(peer.weighted_mean(maps.detach(), self.steps)))


class OurLayer:
    """The same with spikemem's convolution, neurons and subspace."""

    def __init__(self, weight: torch.Tensor, rows: torch.Tensor, n_old: int, steps: int) -> None:
        self.neurons: Any = neurons(DSRNeuron(steps=steps))
        self.layer = Convolution(weight.shape[1], weight.shape[0], 3, steps=steps)
        self.layer.to(weight.dtype)
        self.layer.weight.data.copy_(weight)
        self.layer.steady, self.layer.listening = True, True
        self.layer.time_weights = self.neurons.weights
        dtype = str(weight.dtype).removeprefix("torch.")
        self.subspace = Subspace(weight[0].numel(), dtype=dtype)
        self.subspace.restore({
            "frozen": rows[:n_old].numpy(), "new": rows[n_old:].numpy(),
            "moving": np.zeros_like(rows[n_old:].numpy()), "blocks": np.array([n_old]),
        })  # fmt: skip

    def learn(self, maps: torch.Tensor, errors: torch.Tensor) -> None:
        """Forward, backward with given errors of the spikes, and lateral learning."""
        maps = maps.requires_grad_(True)
        spikes = self.neurons(self.layer(maps))
        self.layer.weight.grad = None
        spikes.backward(errors)
        with torch.no_grad():
            grad: Any = self.layer.weight.grad
            grad.copy_(self.subspace.residual(grad.flatten(1)).view_as(grad))
            rows = self.layer.rows()
            self.subspace.learn_covariance(rows.T @ rows / len(rows))


def again(part: Any, maps: torch.Tensor, errors: torch.Tensor) -> None:
    """One batch of a layer."""
    part.learn(maps.detach(), errors)


def convolution(rounds: int, places: int, batch: int) -> None:
    steps, n_in, n_out = 20, 64, 128
    print(f"\n{f'{n_in}C3-{n_out}, {places}x{places}, B={batch}, T=20':<28}{'peer, ms':>14}"
          f"{'spikemem, ms':>16}{'ratio':>10}")  # fmt: skip
    rng = np.random.default_rng(0)
    for name, n_old, n_new in (("task 1", 100, 20), ("task 9", 260, 20)):
        pairs = []
        for dtype in (torch.float64, torch.float32):
            weight = torch.tensor(rng.normal(size=(n_out, n_in, 3, 3)) / 24, dtype=dtype)
            rows = torch.tensor(orthonormal(n_old + n_new, n_in * 9, rng).copy(), dtype=dtype)
            both = [kind(weight, rows, n_old, steps) for kind in (PeerLayer, OurLayer)]
            few = 2 if dtype == torch.float64 else batch
            maps = torch.tensor(rng.random((steps * few, n_in, places, places)) < 0.15) * 6.0
            errors = torch.tensor(rng.normal(size=(steps * few, n_out, places, places)))
            pairs.append((both, maps.to(dtype), errors.to(dtype)))
        (theirs, mine), maps, errors = pairs[0]
        grads: list[Any] = []
        for part in (theirs, mine):
            own = maps.clone()
            part.learn(own, errors)
            found = part.weight.grad if isinstance(part, PeerLayer) else part.layer.weight.grad
            grads.append((found, own.grad))
        gap = max(float((a - b).norm() / a.norm()) for a, b in zip(*grads, strict=True))
        both, maps, errors = pairs[1]
        calls = [functools.partial(again, part, maps, errors) for part in both]
        line(name, in_turn(calls, 1, rounds), f"   same gradients to {gap:.0e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="three rounds of few batches")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rounds, n = (3, 2) if options.quick else (options.rounds, 4)
    print("CPU time of one batch, one thread: least (median)")
    perceptron(rounds, n)
    convolution(rounds, 8 if options.quick else 16, 8)


if __name__ == "__main__":
    main()
