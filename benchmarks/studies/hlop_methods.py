"""Methods of continual learning on permuted MNIST, under one trainer: accuracy, bytes, CPU time.

    python benchmarks/studies/hlop_methods.py train.npz [--seeds 3] [--tasks 5] [--samples 12000]

Each method trains the same network on the same permutations, one epoch each, by differentiation on
the spike representation with the published settings. The last 10,000 training images of the file
are the test; the first `--test` of them are used. Every method is charged the bytes that it keeps
beside the weights: rows of subspaces, stored samples, Fisher information. "replay, equal bytes" and
"power law, equal bytes" store, as grey levels of one byte, as many samples as fit into the bytes of
the Hebbian subspaces. No setting is chosen by test accuracy: the elastic weights have two
strengths a decade apart, and both are listed.

The last columns are the relative change of each layer's mean response to test samples of the first
task, from the end of the first task to the end of the last.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from spikemem.data import read_images
from spikemem.networks.hlop import HLOPClassifier
from spikemem.networks.hlop.drift import layer_drift
from spikemem.networks.hlop.tasks import PermutedImages

EQUAL = -1
"""Stands for the bytes that the Hebbian subspaces take at the end."""

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "naive": ("naive", {}),
    "HLOP": ("hlop", {}),
    "SVD": ("svd", {}),
    "joint": ("joint", {}),
    "replay, 50 a class": ("replay", {}),
    "replay, equal bytes": ("replay", {"n_bytes": EQUAL}),
    "power law": ("rehearsal", {}),
    "exponential": ("rehearsal", {"schedule": "exponential"}),
    "uniform": ("rehearsal", {"schedule": "uniform"}),
    "power law, equal bytes": ("rehearsal", {"n_bytes": EQUAL}),
    "EWC, strength 10": ("ewc", {"strength": 10.0}),
    "EWC, strength 100": ("ewc", {"strength": 100.0}),
}


def settings(name: str, n_bytes: int) -> tuple[str, dict[str, Any]]:
    """Method and options, with equal memory filled in."""
    method, options = METHODS[name]
    if options.get("n_bytes") == EQUAL:
        most = {"n_bytes": n_bytes, "per_class": 10**6, "stored_as": "uint8"}
        options = {**options, **most}
    return method, options


def learn(name: str, tasks: PermutedImages, n_bytes: int, seed: int, asked: Any) -> dict[str, Any]:
    """All tasks by one method; returns what the table needs."""
    method, options = settings(name, n_bytes)
    model = HLOPClassifier((784, *asked.hidden, 10), method=method, options=options, seed=seed)
    tests = [(task.test_x[: asked.test], task.test_y[: asked.test]) for task in tasks]
    first = tests[0][0][:500]
    train, rows = 0.0, []
    for k, task in enumerate(tasks):
        begun = time.process_time()
        model.learn_task(task.x[: asked.samples], task.y[: asked.samples])
        train += time.process_time() - begun
        scores = [model.score(*pair) for pair in tests[: k + 1]]
        rows.append([*scores, *[float("nan")] * (len(tests) - k - 1)])
        if not k:
            before = model.responses(first)
    matrix = 100 * np.array(rows)
    learnt = matrix.diagonal()
    return {
        "method": name, "seed": seed, "acc": matrix[-1].mean(),
        "bwt": (matrix[-1] - learnt)[:-1].mean(), "learning": learnt.mean(),
        "bytes": model.memory_bytes(), "cpu_s": train, "R": matrix.tolist(),
        "drift": {d.layer: [d.change, d.cka] for d in layer_drift(before, model.responses(first))},
    }  # fmt: skip


def show(found: list[dict[str, Any]]) -> None:
    """The table; means over seeds, with the range over seeds behind ACC."""
    print(f"\n{'method':<24}{'ACC %':>16}{'BWT':>7}{'kept, kB':>10}{'CPU s':>7}"
          f"   change of layers 1, 2, output (CKA)")  # fmt: skip
    for name in dict.fromkeys(item["method"] for item in found):
        mine = [item for item in found if item["method"] == name]
        acc = [item["acc"] for item in mine]
        bwt, cpu = (np.mean([item[key] for item in mine]) for key in ("bwt", "cpu_s"))
        layers = [np.mean([item["drift"][k] for item in mine], axis=0) for k in mine[0]["drift"]]
        drift = "  ".join(f"{change:.2f} ({cka:.2f})" for change, cka in layers)
        spread = f"{np.mean(acc):.2f} ({min(acc):.1f}..{max(acc):.1f})"
        kept = mine[0]["bytes"]["method"] / 1000
        print(f"{name:<24}{spread:>16}{bwt:>7.2f}{kept:>10,.0f}{cpu:>7.1f}   {drift}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", help="MNIST training images, .npz or idx")
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--samples", type=int, default=12_000, help="of each task")
    parser.add_argument("--test", type=int, default=2_000, help="test samples of each task")
    parser.add_argument("--hidden", type=int, nargs="+", default=[800, 800])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--json", help="file for all results")
    asked = parser.parse_args()
    images = read_images(asked.images)
    found: list[dict[str, Any]] = []
    print(f"{asked.tasks} permutations x {asked.samples} samples, 784-"
          f"{'-'.join(map(str, asked.hidden))}-10, {asked.test} test samples a task")  # fmt: skip
    tasks = PermutedImages(images, asked.tasks)
    n_bytes = 0
    for seed in range(asked.seeds):
        # The subspaces come first: others are given as many bytes.
        for name in ["HLOP", *(name for name in asked.methods if name != "HLOP")]:
            found.append(learn(name, tasks, n_bytes, seed, asked))
            n_bytes = found[0]["bytes"]["method"]
            last = found[-1]
            print(f"seed {seed}  {name:<24} ACC {last['acc']:.2f}  BWT {last['bwt']:.2f}  "
                  f"{last['cpu_s']:.1f} CPU s", flush=True)  # fmt: skip
            if asked.json:
                with open(asked.json, "w", encoding="utf-8") as file:
                    json.dump(found, file, indent=1)
    show(found)


if __name__ == "__main__":
    main()
