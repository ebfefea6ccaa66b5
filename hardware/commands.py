"""The commands ``check``, ``map`` and ``export``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from ..cli.app import (
    FILE,
    NUMBER,
    PATH,
    Command,
    ignore_errors_option,
    json_option,
    overwrite_option,
    quiet_option,
    refuse_given,
)
from ..network import load_network
from ..output import check_target
from ..targets import EXPORTS
from ..targets import check as check_network
from ..targets import export as export_network
from .spinnaker.mapping import map_network
from .spinnaker.view import SMALLEST_STEP

_NOT_FOR = {"spinnaker": ("overwrite",), "nir": ("duration", "smallest_step", "force")}
smallest_option = click.option(
    "--smallest-step",
    type=NUMBER,
    metavar="LSB",
    default=SMALLEST_STEP,
    show_default=True,
    help="Report an error if a pair of spikes changes a weight by fewer steps than this.",
)


@click.command(cls=Command)
@click.argument("network", metavar="NETWORK.h5", type=FILE)
@click.option(
    "--target", default="spinnaker", show_default=True, help="Target or backend to check for."
)
@smallest_option
@json_option
@click.pass_context
def check(
    ctx: click.Context, network: Path, target: str, smallest_step: float, as_json: bool
) -> int:
    """List everything that a target refuses or silently changes.

    The exit code is 2 if there are errors, and 0 if there are only warnings and notes.
    """
    if target != "spinnaker":
        refuse_given(ctx, ("smallest_step",), f"--target {target}")

    options = {"smallest_step": smallest_step} if target == "spinnaker" else {}
    problems = check_network(load_network(network), target, **options)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2))
    else:
        click.echo("\n".join(map(str, problems)) or f"no problems for {target}")
    return 2 if any(problem.level == "error" for problem in problems) else 0


@click.command("map", cls=Command)
@click.argument("network", metavar="NETWORK.h5", type=FILE)
@click.option(
    "--boards", type=click.IntRange(1), help="Number of boards.  [default: as many as needed]"
)
@click.option(
    "--duration", type=NUMBER, metavar="MS", help="Time that recordings need memory for, ms."
)
@smallest_option
@ignore_errors_option
@json_option
def map_command(
    network: Path,
    boards: int | None,
    duration: float | None,
    smallest_step: float,
    force: bool,
    as_json: bool,
) -> None:
    """Map a network on a virtual SpiNNaker machine: chips, cores, memory, routing.

    This needs sPyNNaker (pip install ".[spinnaker]"), but no board. Nothing is simulated.
    """
    report = map_network(
        load_network(network), boards=boards, duration=duration, smallest_step=smallest_step,
        force=force,
    )  # fmt: skip
    click.echo(json.dumps(dataclasses.asdict(report), indent=2) if as_json else str(report))


@click.command(cls=Command)
@click.argument("network", metavar="NETWORK.h5", type=FILE)
@click.argument("out", metavar="OUT", type=PATH)
@click.option(
    "--to", "target", type=click.Choice(list(EXPORTS)), default="spinnaker", show_default=True,
    help="spinnaker: a folder with a PyNN script; nir: a NIR file.",
)  # fmt: skip
@click.option(
    "--duration", type=NUMBER, metavar="MS",
    help="Time that the script simulates, ms.  [default: the length of the longest spike source]",
)  # fmt: skip
@smallest_option
@ignore_errors_option
@overwrite_option
@quiet_option
@click.pass_context
def export(
    ctx: click.Context,
    network: Path,
    out: Path,
    target: str,
    duration: float | None,
    smallest_step: float,
    force: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a network so that it runs on another machine, without spikemem.

    OUT is a new folder (spinnaker) or a file (nir). The options --duration, --smallest-step and
    --ignore-errors are for spinnaker, and --overwrite is for nir.
    """
    refuse_given(ctx, _NOT_FOR[target], f"--to {target}")
    options: dict[str, Any] = {}
    if target == "nir":
        check_target(out, overwrite=overwrite)
    else:
        options = {"duration": duration, "smallest_step": smallest_step, "force": force}
    written = export_network(load_network(network), target, out, **options)
    if not quiet:
        click.echo(str(written))
