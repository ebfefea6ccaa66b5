"""Commands for liquids: train a readout on events, test it, and measure the liquid."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...cli.app import FILE, NUMBER, PATH, Commands, json_option, overwrite_option, quiet_option
from ...cli.values import NumberRange
from ...errors import DescriptionError
from ...models import device_named
from ...output import check_target
from .datasets import LabelledEvents, read_events
from .measures import class_separation, generalisation_rank, kernel_quality, poisson_streams
from .memory import ValueCode, memory_capacity
from .model import LiquidStateMachine
from .parameters import DenseLiquid

Function = Callable[..., Any]

_PART = (
    click.option("--from", "first", type=int, default=0, help="First sample.  [default: 0]"),
    click.option("--to", "last", type=int, help="End of the samples (exclusive).  [default: all]"),
    click.option("--per-class", type=int, help="Number of samples of each class.  [default: all]"),
)


def _part_options(function: Function) -> Function:
    """Add the options that choose samples of a file."""
    for option in reversed(_PART):
        function = option(function)
    return function


@click.group("liquid", cls=Commands)
def liquid() -> None:
    """Liquid state machines on images, speech and event recordings.

    DATA is one of these: the word digits (for the digits of scikit-learn); an idx file of images
    with its label file in the same folder; an .npz file with `images` and `labels`; a folder or tar
    archive of the Free Spoken Digit Dataset; a folder of N-MNIST, such as its Train; or an HDF5
    file of N-TIDIGITS or of the Heidelberg digits. A simulated camera turns images into events,
    and a simulated cochlea does so for speech.
    """


@liquid.command()
@click.argument("data", type=PATH)
@click.option("--out", type=PATH, required=True, metavar="FILE.h5", help="File for the model.")
@click.option("--n-neurons", type=int, default=200, show_default=True, help="Number of neurons.")
@click.option(
    "--bins", type=int, default=1, show_default=True, help="Number of time bins of the readout."
)
@click.option(
    "--steps", "n_steps", type=int, help="Number of time steps.  [default: 50; sounds 129]"
)
@click.option("--device", metavar="DEVICE", help="Memory technology; see `spikemem device list`.")
@click.option("--time", "age", type=NUMBER, help="Age of the device, s.")
@click.option(
    "--readout",
    type=click.Choice(["ridge", "logistic"]),
    default="ridge",
    show_default=True,
    help="Linear classifier of the readout.",
)
@click.option(
    "--constant",
    type=NumberRange(1e-6, 10.0),
    help="Factor that scales all weights.  [default: 0.07; sounds 0.08]",
)
@_part_options
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the weights and the device."
)
@overwrite_option
@json_option
@quiet_option
def train(
    data: Path,
    out: Path,
    n_neurons: int,
    bins: int,
    n_steps: int | None,
    device: str | None,
    age: float | None,
    readout: Any,
    constant: float | None,
    first: int,
    last: int | None,
    per_class: int | None,
    seed: int,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the readout of a liquid on DATA, and save the model.

    For the spoken digits, N-TIDIGITS and the word digits, only the training set is used. The
    command prints the accuracies on the training samples; `test` prints those on other samples.
    """
    check_target(out, overwrite=overwrite)
    bar = not (quiet or as_json)
    technology = None if device is None else device_named(device)
    part: dict[str, Any] = {"first": first, "last": last, "per_class": per_class}
    labelled = read_events(data, split="train", n_steps=n_steps, progress=bar, **part)
    kind = labelled.liquid if constant is None else replace(labelled.liquid, constant=constant)
    model = LiquidStateMachine(
        labelled.events.n_channels,
        n_neurons,
        liquid=kind,
        device=technology,
        time=age,
        readout=readout,
        bins=bins,
        n_steps=labelled.events.n_steps,
        seed=seed,
    )
    began = time.perf_counter()
    model.fit(labelled.events, labelled.labels, progress=bar)
    seconds = time.perf_counter() - began
    model.save(out)
    facts = _tested(model, labelled) | {"seconds": seconds, "file": str(out)}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    elif not quiet:
        click.echo(
            f"trained on {len(labelled.labels)} samples ({labelled.kind}) in {seconds:.2f} s"
        )
        click.echo(_lines(facts, "of the training samples"))
        click.echo(f"written to {out}")


@liquid.command()
@click.argument("model", metavar="MODEL.h5", type=FILE)
@click.argument("data", type=PATH)
@_part_options
@json_option
@quiet_option
def test(
    model: Path,
    data: Path,
    first: int,
    last: int | None,
    per_class: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Test the model in MODEL.h5 on DATA, and compare it with a readout of the input alone.

    For the spoken digits, N-TIDIGITS and the word digits, only the test set is used.
    """
    machine = LiquidStateMachine.load(model)
    if not machine.is_fitted:
        raise DescriptionError(f"the model in {str(model)!r} is not trained.")
    part: dict[str, Any] = {"first": first, "last": last, "per_class": per_class}
    bar = not (quiet or as_json)
    labelled = read_events(data, split="test", n_steps=machine.n_steps, progress=bar, **part)
    facts = _tested(machine, labelled)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo(_lines(facts, f"of {len(labelled.labels)} samples ({labelled.kind})"))


def _tested(model: LiquidStateMachine, labelled: LabelledEvents) -> dict[str, Any]:
    """Return the accuracies, and the speed of the liquid without its readout."""
    model.states(labelled.events[:1])  # Compiles the kernels, outside the measured time.
    began = time.perf_counter()
    model.states(labelled.events)
    seconds = time.perf_counter() - began
    report = model.report(labelled.events, labelled.labels).facts()
    return {
        **report,
        "samples_per_second": len(labelled.labels) / seconds,
        "data": labelled.kind,
        "n_neurons": model.n_neurons,
        "seed": model.seed,
        "device": None if model.device is None else type(model.device).__name__,
    }


def _lines(facts: dict[str, Any], where: str) -> str:
    (low, high), (least, most) = facts["interval"], facts["input_interval"]
    return (
        f"{facts['accuracy']:.4f} correct {where} (95 %: {low:.4f} to {high:.4f})\n"
        f"{facts['input_accuracy']:.4f} from the input alone, with the same time bins "
        f"({least:.4f} to {most:.4f}): {facts['verdict']} (p = {facts['p_value']:.2g})\n"
        f"{facts['samples_per_second']:,.0f} samples a second"
    )


@liquid.command()
@click.argument("data", type=PATH, required=False)
@click.option("--model", "file", type=FILE, metavar="MODEL.h5", help="Measure a stored model.")
@click.option("--n-neurons", type=int, default=200, show_default=True, help="Number of neurons.")
@click.option("--device", metavar="DEVICE", help="Memory technology; see `spikemem device list`.")
@click.option("--time", "age", type=NUMBER, help="Age of the device, s.")
@click.option(
    "--constant",
    type=NumberRange(1e-6, 10.0),
    help="Factor that scales all weights.  [default: 0.07; sounds 0.08]",
)
@click.option(
    "--bins", type=int, default=1, show_default=True, help="Number of time bins of the states."
)
@click.option(
    "--steps", "n_steps", type=int, help="Number of time steps.  [default: 50; sounds 129]"
)
@click.option("--streams", type=int, default=200, show_default=True, help="Number of streams.")
@_part_options
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the weights and streams."
)
@json_option
def measure(
    data: Path | None,
    file: Path | None,
    n_neurons: int,
    device: str | None,
    age: float | None,
    constant: float | None,
    bins: int,
    n_steps: int | None,
    streams: int,
    first: int,
    last: int | None,
    per_class: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Measure a liquid: ranks and memory on random streams, class separation on DATA.

    Without DATA, the streams have 16 channels, or as many as the stored model.
    """
    model = None if file is None else LiquidStateMachine.load(file)
    labelled = None
    if data is not None:
        steps = n_steps if model is None else model.n_steps
        part: dict[str, Any] = {"first": first, "last": last, "per_class": per_class}
        labelled = read_events(data, n_steps=steps, **part)
    if model is None:
        technology = None if device is None else device_named(device)
        kind = DenseLiquid() if labelled is None else labelled.liquid
        kind = kind if constant is None else replace(kind, constant=constant)
        channels = 16 if labelled is None else labelled.events.n_channels
        model = LiquidStateMachine(
            channels, n_neurons, liquid=kind, device=technology, time=age, bins=bins, seed=seed
        )
    facts = _measured(model, labelled, streams, seed)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    wide = max(map(len, facts))
    for name, value in facts.items():
        words = f"{value:.4g}" if isinstance(value, float) else value
        click.echo(f"{name.replace('_', ' '):<{wide}}  {words}")


def _measured(
    model: LiquidStateMachine, labelled: LabelledEvents | None, streams: int, seed: int
) -> dict[str, Any]:
    """Return the measures that need no labels, and those of labelled events if there are any."""
    any_length = copy.deepcopy(model)
    any_length.n_steps = None
    # With any number of channels, the mean number of spikes in a step is that of 16 channels.
    share = min(16.0 / model.n_inputs, 1.0)
    drawn = poisson_streams(streams, n_channels=model.n_inputs, p=0.2 * share, seed=seed)
    rank = kernel_quality(any_length, drawn)
    general = generalisation_rank(any_length, drawn, seed=seed)
    code = ValueCode(n_channels=model.n_inputs)
    code = replace(code, p_max=code.p_max * share)
    memory = memory_capacity(any_length, code=code, seed=seed)
    facts: dict[str, Any] = {
        "neurons": model.n_neurons,
        "channels": model.n_inputs,
        "kernel_quality": rank,
        "generalisation_rank": general,
        "kernel_quality_less_generalisation_rank": rank - general,
        "memory_capacity": memory.total,
    }
    if labelled is not None:
        spikes = model.spikes(labelled.events)
        facts["samples"] = len(labelled.labels)
        facts["spikes_per_neuron_and_step"] = float(spikes.mean())
        facts["class_separation"] = class_separation(
            model.states(labelled.events), labelled.labels
        ).value
        plain = class_separation(model.input_states(labelled.events), labelled.labels)
        facts["class_separation_of_the_input"] = plain.value
    return facts
