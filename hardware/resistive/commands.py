"""The commands ``device list``, ``device show`` and ``device age``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from ...cli.app import FILE, NUMBER, PATH, Commands, json_option, overwrite_option
from ...errors import DescriptionError, unknown_name
from ...network import Network, load_network
from ...output import check_target
from ...recording import load_recording
from ...storage import contents
from .array import program
from .devices import DEVICES
from .faults import Faults
from .weight_mapping import SingleDevice
from .writing import write

_NAME = click.argument("name", metavar="DEVICE")


@click.group(cls=Commands)
def device() -> None:
    """List and show models of resistive memory, and age a network on one."""


def _device(name: str, **options: Any) -> Any:
    by_name: dict[str, Any] = {key.lower(): cls for key, cls in DEVICES.items()}
    model = by_name.get(name.lower())
    if model is None:
        raise DescriptionError(unknown_name("device", name, DEVICES))
    return model(**options)


@device.command("list")
@json_option
def list_devices(as_json: bool) -> None:
    """List the models."""
    if as_json:
        rows = [
            {"name": name, "title": cls.title, "source": cls.source, "validity": cls.validity}
            for name, cls in DEVICES.items()
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    wide = max(len(name) for name in DEVICES)
    for name, cls in DEVICES.items():
        click.echo(f"{name:<{wide}}  {cls.title}")


@device.command()
@_NAME
def show(name: str) -> None:
    """Show a model: its source, its range of validity, and how its conductances age."""
    model = _device(name)
    click.echo(model.describe())
    if model.writable:
        click.echo(_table(model))


def _table(model: Any) -> str:
    """Return a table of the mean and SD of 20,000 devices at a few ages."""
    day = 86400.0
    ages = {"0 s": 0.0, "1 s": 1.0, "1 h": 3600.0, "1 day": day, "2 d": 2 * day, "30 d": 30 * day,
            "1 year": 365 * day}  # fmt: skip
    first, last = model.ages
    calibrated = {text: age for text, age in ages.items() if first <= age <= last * 1.001}
    lines = ["  target/µS" + "".join(f"{text:>16}" for text in calibrated) + "   (mean ± SD, µS)"]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        array = program(model, np.full(20_000, share), w_max=1.0, mapping=SingleDevice())
        target = model.g_min + share * (model.g_max - model.g_min)
        reads = [array.read(age)[0] for age in calibrated.values()]
        cells = "".join(f"{read.mean():>9.3f} ±{read.std():>5.3f}" for read in reads)
        lines.append(f"  {target:>9.3f}{cells}")
    return "\n".join(lines)


@device.command()
@_NAME
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=PATH, required=True, help="File for the aged network.")
@click.option("--time", type=NUMBER, default=None, help="Age of the devices, s.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the devices.")
@click.option("--missing", type=NUMBER, default=0.0, help="Fraction of cells that are open.")
@click.option(
    "--compensation", type=click.Choice(["none", "global", "column"]), default="none",
    show_default=True, help="Digital factor that undoes the mean drift.",
)  # fmt: skip
@click.option(
    "--weights", "which", type=click.Choice(["learnt", "initial"]), default=None,
    help="Weights to write: those at the end of the recording in FILE, or the initial ones.  "
    "[default: learnt, if FILE holds them]",
)  # fmt: skip
@click.option(
    "--extrapolate", is_flag=True, help="Allow ages for which the device is not calibrated."
)
@overwrite_option
def age(
    name: str,
    file: Path,
    output: Path,
    time: float | None,
    seed: int,
    missing: float,
    compensation: str,
    which: str | None,
    extrapolate: bool,
    overwrite: bool,
) -> None:
    """Write the weights of the network in FILE into DEVICE, and let them age.

    If FILE also holds a recording, its final weights are used.
    """
    check_target(output, overwrite=overwrite)
    model = _device(name, extrapolate=extrapolate)
    faults = Faults(missing=missing) if missing else None
    network, used = _network(file, which)
    arrays = write(model, network, seed=seed, faults=faults)
    arrays.network(time, compensation=compensation).save(output)
    click.echo(f"{used} weights of {file}")
    for projection, quality in arrays.report(time, compensation=compensation).items():
        click.echo(
            f"{projection}: error {quality.error:.3f}, gain {quality.gain:.3f}, "
            f"{quality.clipped:.1%} below 0"
        )
    click.echo(f"wrote {output}")


def _network(file: Path, which: str | None) -> tuple[Network, str]:
    """Return the network in a file with learnt or initial weights, and which of them it has."""
    network = load_network(file)
    if which == "initial":
        return network, which
    learnt = load_recording(file).weights if "recording" in contents(file)["kinds"] else {}
    if not learnt:
        if which == "learnt":
            raise DescriptionError(
                f"--weights learnt: {str(file)!r} holds no recording with weights; leave out the "
                f"option to use the initial weights."
            )
        return network, "initial"
    plastic = [item.name for item in network.plastic]
    unlike = [
        name for name, weight in learnt.items()
        if name not in plastic or weight.shape != (network.count(name),)
    ]  # fmt: skip
    if unlike:
        raise DescriptionError(
            f"the recording in {str(file)!r} is of another network (its weights of {unlike[0]!r} "
            f"do not fit); pass --weights initial to use the weights of the network."
        )
    return network.with_weights(learnt), "learnt"
