"""Commands for continual learning: learn a sequence of tasks, and report the accuracies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from ...checks import Count
from ...cli.app import NUMBER, PATH, Commands, json_option, quiet_option
from ...data import read_images
from ...errors import DescriptionError
from ...output import check_format, check_target, save_figure
from .sequence import SequenceResult, learn_tasks
from .tasks import PermutedImages, returning_order

HIDDEN, QUICK_HIDDEN = 800, 200
QUICK_TASKS, QUICK_TRAIN, QUICK_TEST = 3, 6000, 1000
MOST_EPOCHS = 10_000
QUICK_SHOWN = 12_000
"""Samples shown for each task in the quick preset; small data sets get more epochs."""


@click.group("continual", cls=Commands)
def continual() -> None:
    """Networks that learn one task after another without forgetting the earlier ones.

    IMAGES is one of these: an idx file of images, as published for MNIST (also .gz), with its label
    file in the same folder; an .npz file with `images` and `labels`; or the word digits, for the
    digits of scikit-learn.
    """


@continual.command()
@click.argument("images", type=PATH)
@click.option("--test", type=PATH, help="Test images.  [default: the last sixth]")
@click.option("--tasks", type=int, help="Number of permutations.  [default: 10; quick 3]")
@click.option(
    "--method", type=click.Choice(["hlop", "naive", "ewc", "replay", "svd", "joint"]),
    default="hlop", show_default=True, help="Method that preserves earlier tasks.",
)  # fmt: skip
@click.option(
    "--trainer", type=click.Choice(["dsr", "bptt", "ottt"]), default="dsr", show_default=True,
    help="Method that computes gradients.",
)  # fmt: skip
@click.option("--again", type=int, default=0, show_default=True,
              help="Number of earlier tasks to learn again after each new one.")  # fmt: skip
@click.option("--train", "n_train", type=int, help="Number of training images (the first ones).  "
              "[default: all; quick 6000]")  # fmt: skip
@click.option("--hidden", type=int, help="Neurons in each of two hidden layers.  [default: 800; "
              "quick 200]")  # fmt: skip
@click.option("--epochs", type=int, help="Number of passes through the images.  [default: 1; quick "
              "more for few images]")  # fmt: skip
@click.option("--batch", type=int, help="Images in a mini-batch.  [default: 64; quick 32]")
@click.option("--learning-rate", type=NUMBER, default=0.1, show_default=True,
              help="Learning rate of the gradient descent.")  # fmt: skip
@click.option("--seed", type=int, default=2022, show_default=True, help="Seed of all draws.")
@click.option("--quick", is_flag=True, help="Do a small run of less than a minute.")
@click.option("--checkpoint", type=PATH, metavar="FOLDER",
              help="Folder for a checkpoint after each task, to resume from.")  # fmt: skip
@click.option("--out", type=PATH, metavar="FILE", help="File for the accuracies, .json or .csv.")
@click.option("--plot", type=PATH, metavar="FILE", help="Figure of the accuracies, .png or .pdf.")
@json_option
@quiet_option
def pmnist(
    images: Path,
    test: Path | None,
    checkpoint: Path | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Learn IMAGES with permuted pixels, with another permutation for each task.

    The command prints the accuracy on each task after each learnt task, ACC (the mean accuracy at
    the end), BWT (the mean change since each task was learnt), and the processor time.
    """
    for path in (out, plot):
        if path is not None:
            check_target(path, overwrite=True)
    if plot is not None:
        check_format(plot)
    filled = _filled(settings)
    if filled["epochs"] is not None:
        Count(high=MOST_EPOCHS).check(filled["epochs"], "epochs")
    tasks = _tasks(images, test, filled)
    if filled["held_out"] and not (quiet or as_json):
        click.echo("no --test: the last sixth of the images is held out for testing")
    model = _model(tasks, filled)
    order = None
    if filled["again"]:
        phases = returning_order(len(tasks), filled["again"], seed=filled["seed"])
        order = [task for phase in phases for task in phase]
    told = None if quiet or as_json else _tell(tasks)
    result = learn_tasks(
        model, tasks, order=order, checkpoint=checkpoint, after_task=told,
        progress=not (quiet or as_json),
    )  # fmt: skip
    if out is not None:
        result.matrix.save(out)
    if plot is not None:
        from .figures import accuracy_matrix

        figure: Any = accuracy_matrix(result.matrix).figure
        save_figure(figure, plot)
    facts = _facts(result, tasks, filled)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    elif not quiet:
        click.echo(_text(result, tasks))


def _filled(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with the defaults of the preset."""
    quick = settings["quick"]
    defaults = {
        "tasks": QUICK_TASKS if quick else 10,
        "hidden": QUICK_HIDDEN if quick else HIDDEN,
        "batch": 32 if quick else 64,
        "n_train": QUICK_TRAIN if quick else None,
    }
    return settings | {name: value for name, value in defaults.items() if settings[name] is None}


def _tasks(images: Path, test: Path | None, settings: dict[str, Any]) -> PermutedImages:
    """Return the tasks; without test images, the last sixth of the images is held out."""
    data = read_images(images)
    whole = PermutedImages(
        data, settings["tasks"], test=None if test is None else read_images(test),
        seed=settings["seed"],
    )  # fmt: skip
    learnt, tested = whole.split
    requested, most = settings["n_train"], len(learnt)
    if requested is not None:
        if requested < 1 or (requested > most and not settings["quick"]):
            raise DescriptionError(f"--train must be from 1 to {most}, got {requested}.")
        learnt = learnt[:requested]
    if settings["quick"]:
        tested = tested[:QUICK_TEST]
    if settings["epochs"] is None:
        few = -(-QUICK_SHOWN // len(learnt)) if settings["quick"] else 1
        settings["epochs"] = min(few, 10)
    settings["held_out"] = whole.test_is_held_out
    return PermutedImages(learnt, settings["tasks"], test=tested, seed=settings["seed"])


def _model(tasks: PermutedImages, settings: dict[str, Any]) -> Any:
    from .model import HLOPClassifier

    size, hidden = tasks.sample_shape[0], settings["hidden"]
    return HLOPClassifier(
        (size, hidden, hidden, tasks.n_classes[0]),
        method=settings["method"], trainer=settings["trainer"], epochs=settings["epochs"],
        batch=settings["batch"], learning_rate=settings["learning_rate"], seed=settings["seed"],
    )  # fmt: skip


def _tell(tasks: PermutedImages) -> Any:
    """Return a function that prints one line after each task."""

    def tell(result: SequenceResult) -> None:
        matrix = result.matrix
        row = matrix.n_learnt - 1
        task = int(np.asarray(matrix.order)[row])
        seen = " ".join(f"{100 * matrix.R[row, j]:5.1f}" for j in sorted(matrix.learnt))
        click.echo(
            f"learnt task {task} in {result.seconds[row]:.1f} s of processor time; "
            f"accuracy on the tasks so far (%): {seen}"
        )

    return tell


def _facts(
    result: SequenceResult, tasks: PermutedImages, settings: dict[str, Any]
) -> dict[str, Any]:
    learnt, tested = tasks.split
    names = ("method", "trainer", "hidden", "epochs", "batch", "learning_rate", "seed")
    return {
        **result.facts(),
        "training_cpu_seconds": sum(result.seconds),
        "images": len(learnt),
        "test_images": len(tested),
        "test": "last sixth of the images" if settings["held_out"] else "test images given",
        "settings": {name: settings[name] for name in names},
    }


def _text(result: SequenceResult, tasks: PermutedImages) -> str:
    measures = result.matrix.measures()
    words = {"acc": "ACC", "bwt": "BWT", "fwt": "FWT", "forgetting": "forgetting"}
    lines = []
    for name, word in words.items():
        value = measures[name]
        text = value if isinstance(value, str) else f"{100 * value:.2f} %"
        lines.append(f"{word}: {text}")
    learnt, tested = tasks.split
    lines.append(f"{len(learnt)} training images and {len(tested)} test images in each task")
    lines.append(f"{sum(result.seconds):.1f} s of processor time for learning")
    if result.resumed:
        lines.append(f"{result.resumed} tasks were read from the checkpoint")
    return "\n".join(lines)
