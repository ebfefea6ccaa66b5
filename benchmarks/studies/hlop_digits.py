"""Methods and trainers of continual learning beside each other, on permuted digits, three seeds.

Five permutations of scikit-learn's digits, 64-200-200-10, eight epochs of mini-batches of 32; the
last sixth of the images is the test. The seeds draw weights and the order of samples; the
permutations are the same. Prints ACC and BWT (mean ± standard deviation, per cent), processor time
of training, and the bytes of the weights and of what the method keeps.

    python benchmarks/studies/hlop_digits.py [--seeds 3] [--only WORDS] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spikemem.data import read_images
from spikemem.networks.hlop import HLOPClassifier, PermutedImages, SubspaceRule, learn_tasks

SIZES, EPOCHS, BATCH, TASKS = (64, 200, 200, 10), 8, 32, 5


def rules(**changes: Any) -> tuple[SubspaceRule, ...]:
    """The published rules, with changes: a smaller learning rate in the first layer."""
    every = SubspaceRule(**changes)
    return (replace(every, learning_rate=0.001), every, every)


ROWS: dict[str, dict[str, Any]] = {
    "DSR, Hebbian": {},
    "DSR, Hebbian, spiking lateral": {"rule": rules(lateral="spiking")},
    "DSR, Hebbian, rows not made orthonormal": {"options": {"exact": False}},
    "DSR, SVD of the same rank": {"method": "svd"},
    "DSR, plain training": {"method": "naive"},
    "BPTT, Hebbian": {"trainer": "bptt"},
    "BPTT, SVD of the same rank": {"trainer": "bptt", "method": "svd"},
    "BPTT, plain training": {"trainer": "bptt", "method": "naive"},
    "OTTT, Hebbian": {"trainer": "ottt"},
    "OTTT, SVD of the same rank": {"trainer": "ottt", "method": "svd"},
    "OTTT, plain training": {"trainer": "ottt", "method": "naive"},
    "DSR, Hebbian, signs carry errors back": {"feedback": "sign"},
    "DSR, Hebbian, fixed matrices carry errors back": {"feedback": "alignment"},
    "DSR, replay": {"method": "replay"},
    "DSR, EWC": {"method": "ewc"},
    "DSR, joint training": {"method": "joint"},
}
"""Settings of each row of the table."""


def measure(settings: dict[str, Any], seeds: int) -> dict[str, Any]:
    """ACC, BWT, processor time and memory of one row."""
    tasks = PermutedImages(read_images("digits"), TASKS)
    acc, bwt, seconds, memory = [], [], [], {}
    for seed in range(seeds):
        model = HLOPClassifier(SIZES, epochs=EPOCHS, batch=BATCH, seed=seed, **settings)
        result = learn_tasks(model, tasks, evaluate="last")
        acc.append(100 * result.matrix.acc)
        bwt.append(100 * result.matrix.bwt)
        seconds.append(sum(result.seconds))
        memory = result.memory[-1]
    return {"acc": acc, "bwt": bwt, "cpu_seconds": seconds, "bytes": memory}


def _text(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):4.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):6.2f}{spread}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose names have these words")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = {}
    print(f"{'':48s} {'ACC':>14s} {'BWT':>14s} {'CPU-s':>6s} {'kB weights':>10s} {'kept':>6s}")
    for name, settings in ROWS.items():
        if arguments.only not in name:
            continue
        row = found[name] = measure(settings, arguments.seeds)
        print(f"{name:48s} {_text(row['acc']):>14s} {_text(row['bwt']):>14s} "
              f"{np.mean(row['cpu_seconds']):6.1f} {row['bytes']['weights'] / 1000:10.0f} "
              f"{row['bytes']['method'] / 1000:6.0f}", flush=True)  # fmt: skip
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
