"""Permuted MNIST, the published benchmark: Hebbian orthogonal projection beside plain training.

Ten tasks of 784 permuted pixels, one epoch each, 784-800-800-10, the published settings. The last
10,000 of MNIST's 60,000 training images are the test, and of the first 50,000 those are learnt that
fill 781 mini-batches of 64; the paper learns 60,000 and tests with MNIST's own 10,000 test images.
With all 50,000 the last mini-batch of a task would have 16 images, half as many as the paper's last
one: that one step costs the first task, which nothing is projected from, several points.
Accuracies of an earlier task are measured after each later one, or (``--evaluate last``) at the end
alone. Nothing of MNIST is shipped: give the path of an .npz file with `images` and `labels`, or of
``train-images-idx3-ubyte``.

    python benchmarks/studies/hlop_pmnist.py PATH [--method hlop] [--tasks 10] [--train 49984]
        [--seed 2022] [--trainer dsr] [--lateral linear] [--out FOLDER] [--checkpoint FOLDER]

    python benchmarks/studies/hlop_pmnist.py --table [--out FOLDER]

The second form makes the table of all matrices in the folder (``hlop_pmnist/`` beside this file).
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
from spikemem.networks.hlop import AccuracyMatrix, HLOPClassifier
from spikemem.networks.hlop.parameters import SubspaceRule
from spikemem.networks.hlop.sequence import SequenceResult, learn_tasks
from spikemem.networks.hlop.tasks import PermutedImages

FOLDER = Path(__file__).with_suffix("")
TEST = slice(50_000, 60_000)
FULL = 781 * 64

PUBLISHED = {"hlop": (95.15, -1.30), "naive": (70.61, -28.88), "svd": (94.80, -1.62),
             "replay": (92.53, -4.73), "ewc": (91.45, -3.20), "joint": (96.15, None)}  # fmt: skip
"""Published ACC and BWT, per cent (svd: gradient projection memory; joint: multitask)."""


def rules(lateral: str) -> tuple[SubspaceRule, ...]:
    """The published rules: a smaller learning rate in the first layer."""
    every = SubspaceRule(lateral=lateral)
    return (replace(every, learning_rate=0.001), every, every)


def run(arguments: argparse.Namespace) -> SequenceResult:
    """Learn all tasks; one line a task."""
    data = read_images(arguments.path)
    tasks = PermutedImages(data[: arguments.train], arguments.tasks, test=data[TEST])
    model = HLOPClassifier(
        (784, 800, 800, 10), method=arguments.method, trainer=arguments.trainer,
        rule=rules(arguments.lateral), seed=arguments.seed,
    )  # fmt: skip

    def tell(result: SequenceResult) -> None:
        row = " ".join(f"{100 * value:.2f}" for value in result.matrix.R[-1])
        print(f"{result.seconds[-1]:7.1f} CPU-s, tests {result.test_seconds[-1]:6.1f}: {row}",
              flush=True)  # fmt: skip

    return learn_tasks(
        model, tasks, evaluate=arguments.evaluate, checkpoint=arguments.checkpoint, after_task=tell
    )


def name_of(arguments: argparse.Namespace) -> str:
    """Name of the file of one run."""
    lateral = "_spiking" if arguments.lateral == "spiking" else ""
    return (f"{arguments.method}{lateral}_{arguments.trainer}_{arguments.tasks}x{arguments.train}"
            f"_{arguments.seed}.json")  # fmt: skip


def write(result: SequenceResult, arguments: argparse.Namespace) -> Path:
    """Write what was measured as small JSON."""
    wanted = ("method", "trainer", "lateral", "tasks", "train", "seed")
    settings = {name: getattr(arguments, name) for name in wanted}
    facts: dict[str, Any] = result.facts() | {"settings": settings}
    facts["R"] = [[None if v is None else round(v, 4) for v in row] for row in facts["R"]]
    for key in ("cpu_seconds", "cpu_seconds_of_tests"):
        facts[key] = [round(value, 1) for value in facts[key]]
    arguments.out.mkdir(parents=True, exist_ok=True)
    path: Path = arguments.out / name_of(arguments)
    path.write_text(json.dumps(facts) + "\n", encoding="utf-8")
    return path


def table(folder: Path) -> None:
    """One line for each run, and the mean over seeds."""
    groups: dict[str, list[tuple[int, AccuracyMatrix, dict[str, Any]]]] = {}
    for path in sorted(folder.glob("*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        matrix = AccuracyMatrix.from_facts(facts)
        groups.setdefault(path.stem.rpartition("_")[0], []).append(
            (facts["settings"]["seed"], matrix, facts)
        )
    print(f"{'run':34s} {'seeds':>5s} {'ACC':>14s} {'BWT':>14s} {'CPU-s/task':>11s} "
          f"{'first, last':>12s}")  # fmt: skip
    for name, runs in groups.items():
        acc = np.array([100 * matrix.acc for _, matrix, _ in runs])
        bwt = np.array([100 * matrix.bwt for _, matrix, _ in runs])
        seconds = np.array([facts["cpu_seconds"] for *_, facts in runs]).mean(axis=0)
        spread = [f" ± {part.std(ddof=1):.2f}" if len(runs) > 1 else "" for part in (acc, bwt)]
        print(f"{name:34s} {len(runs):5d} {acc.mean():6.2f}{spread[0]:8s} {bwt.mean():6.2f}"
              f"{spread[1]:8s} {seconds.mean():11.1f} {seconds[0]:5.1f}, "
              f"{seconds[-1]:5.1f}")  # fmt: skip


def main() -> None:
    """Run one setting, or make the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("path", nargs="?", help="MNIST's training images")
    parser.add_argument("--method", default="hlop")
    parser.add_argument("--trainer", default="dsr")
    parser.add_argument("--lateral", choices=("linear", "spiking"), default="linear")
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--train", type=int, default=FULL)
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--evaluate", choices=("seen", "last"), default="seen")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        table(arguments.out)
        return
    if arguments.path is None:
        parser.error("give the path of MNIST's training images, or --table")
    if not 0 < arguments.train <= TEST.start:
        parser.error(f"--train must be 1 to {TEST.start}: the images after these are the test")
    result = run(arguments)
    path = write(result, arguments)
    matrix = result.matrix
    acc, bwt = PUBLISHED.get(arguments.method, (None, None))
    print(f"ACC {100 * matrix.acc:.2f} (published {acc}), BWT {100 * matrix.bwt:.2f} (published "
          f"{bwt}), {sum(result.seconds):.0f} CPU-s of training; {path.name}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
