"""The commands ``sparsey``: train a hierarchy on labelled images, and test it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from ...cli.app import (
    FILE,
    NUMBER,
    PATH,
    Commands,
    Failure,
    json_option,
    overwrite_option,
    quiet_option,
)
from ...data import Images, read_images
from ...errors import StorageError
from ...files import check_replaceable
from .model import Sparsey
from .presets import image_tower


@click.group("sparsey", cls=Commands)
def sparsey() -> None:
    """Hierarchies of macrocolumns with sparse distributed codes: train and test on images.

    IMAGES is an idx file of images as MNIST publishes it (also .gz) with its labels beside it, an
    .npz file with `images` and `labels`, or the word digits for scikit-learn's digits.
    """


@sparsey.command()
@click.argument("images", type=PATH)
@click.option("--out", type=PATH, required=True, help="File for the trained hierarchy.")
@click.option(
    "--per-class",
    type=int,
    help="Number of training images of each class, the first ones.  [default: all]",
)
@click.option("--from", "first", type=int, default=0, show_default=True, help="First image to use.")
@click.option("--to", "last", type=int, help="Image after the last one to use.  [default: all]")
@click.option(
    "--modules", type=int, default=8, show_default=True, help="Number of modules of a mac, Q."
)
@click.option(
    "--cells", type=int, default=64, show_default=True, help="Number of cells of a module, K."
)
@click.option(
    "--pitch", type=NUMBER, default=1.0, show_default=True, help="Distance between macs, pixels."
)
@click.option(
    "--radius", type=NUMBER, help="Radius of a receptive field, pixels.  [default: 6.3; small "
    "images 3.2]",
)  # fmt: skip
@click.option(
    "--grey", type=int, help="Brightness thresholds; 1 is black and white.  [default: 1; small "
    "images 4]",
)  # fmt: skip
@click.option(
    "--min-active",
    type=int,
    default=12,
    show_default=True,
    help="Active inputs that activate a mac.",
)
@click.option(
    "--saturation", type=NUMBER, default=0.2, show_default=True,
    help="Fraction of increased synapses above which a cell's synapses freeze; 1: never.",
)  # fmt: skip
@click.option(
    "--readout", type=click.Choice(["binary", "clip3", "clip7"]), default="binary",
    show_default=True, help="Class weights with two, four or eight states.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws of codes.")
@overwrite_option
@json_option
@quiet_option
def train(
    images: Path,
    out: Path,
    per_class: int | None,
    first: int,
    last: int | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a hierarchy on IMAGES in one pass, and save it.

    Each image is used once for learning, and once more for the class weights.
    """
    check_replaceable(out)
    if out.exists() and not overwrite:
        raise StorageError(f"{str(out)!r} exists already; use --overwrite to replace it.")
    if not out.absolute().parent.is_dir():
        raise StorageError(f"the folder of {str(out)!r} does not exist.")
    data = _part(read_images(images), first, last)
    if per_class is not None:
        data = data.per_class(per_class)
    tower = image_tower(*data.shape, brightest=float(data.brightest or 255), **settings)
    tower.fit(data.images[:2], data.labels[:2])  # compiles the kernels
    started = time.perf_counter()
    tower.fit(data.images, data.labels, progress=not (quiet or as_json))
    seconds = time.perf_counter() - started
    tower.save(out)
    if as_json:
        facts = {"images": len(data), "seconds": seconds, "images_per_second": len(data) / seconds}
        click.echo(json.dumps({**facts, "file": str(out)}, indent=2))
    elif not quiet:
        click.echo(
            f"{len(data)} images learnt in {seconds:.2f} s ({len(data) / seconds:,.0f} a second); "
            f"written to {out}"
        )


@sparsey.command()
@click.argument("tower", type=FILE)
@click.argument("images", type=PATH)
@click.option("--from", "first", type=int, default=0, show_default=True, help="First image to use.")
@click.option("--to", "last", type=int, help="Image after the last one to use.  [default: all]")
@json_option
def test(tower: Path, images: Path, first: int, last: int | None, as_json: bool) -> None:
    """Test the hierarchy in the file TOWER on IMAGES.

    The command prints the accuracy with the class weights of the second pass, and the accuracy
    with those of the learning pass.
    """
    model = Sparsey.load(tower)
    data = _part(read_images(images), first, last)
    model.predict(data.images[:1])
    started = time.perf_counter()
    accuracy = model.score(data.images, data.labels)
    seconds = time.perf_counter() - started
    facts = {
        "accuracy": accuracy,
        "accuracy_single_pass": model.score(data.images, data.labels, single_pass=True),
        "images_per_second": len(data) / seconds,
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(
        f"{len(data)} images: accuracy {facts['accuracy']:.4f}, "
        f"{facts['accuracy_single_pass']:.4f} with the class weights of the learning pass; "
        f"{facts['images_per_second']:,.0f} images a second"
    )


def _part(data: Images, first: int, last: int | None) -> Images:
    """Return the images `first` to `last` - 1."""
    stop = len(data) if last is None else last
    if not 0 <= first < stop <= len(data):
        raise Failure(
            f"--from and --to must be from 0 to {len(data)} and increase, got {first} and {stop}."
        )
    return data[first:stop]
