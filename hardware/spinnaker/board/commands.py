"""The commands ``board run`` and ``board compare``."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

import click

from ....cli.app import FILE, NUMBER, PATH, Command, Commands, json_option, quiet_option
from ....network import load_network
from ..process import environment
from .compare import compare_with_board
from .launch import command
from .seam import require_board

seed_option = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True,
    help="Seed of the order in which the packets of a tick arrive.",
)  # fmt: skip


@click.group(cls=Commands)
def board() -> None:
    """Run PyNN scripts for SpiNNaker, and networks, on a board in software.

    This needs sPyNNaker and unicorn (pip install ".[board]"), but no board.
    """


@board.command(
    "run",
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@seed_option
@click.option(
    "--reports", type=PATH, metavar="DIR",
    help="Folder for the reports of sPyNNaker.  [default: none are kept]",
)  # fmt: skip
@quiet_option
@click.argument("script", metavar="SCRIPT.py", type=FILE)
@click.argument("arguments", metavar="[ARGUMENTS]...", nargs=-1, type=click.UNPROCESSED)
def run(
    seed: int, reports: Path | None, quiet: bool, script: Path, arguments: tuple[str, ...]
) -> int:
    """Run an unchanged PyNN script for SpiNNaker on a board in software.

    The script contains `import pyNN.spiNNaker as sim`. Write the options of this command before the
    script, and the arguments of the script after it. The exit code is that of the script.
    """
    require_board()
    line = command(script, arguments, seed=seed, reports=reports and reports.resolve(), quiet=quiet)
    process = subprocess.Popen(line, env=environment())
    while True:
        # Ctrl-C also reaches the script, which needs time to end.
        with suppress(KeyboardInterrupt):
            code = process.wait()
            return code if code >= 0 else 128 - code


@board.command("compare")
@click.argument("network", metavar="NETWORK.h5", type=FILE)
@click.option(
    "--duration", type=NUMBER, metavar="MS",
    help="Time to simulate, ms.  [default: the length of the longest spike source]",
)  # fmt: skip
@seed_option
@json_option
@quiet_option
def compare(network: Path, duration: float | None, seed: int, as_json: bool, quiet: bool) -> int:
    """Compare the predictions, the emulator and the board in software on one network.

    The exit code is 0 if the emulator and the board agree to the last bit, and 1 if they differ or
    the emulator refuses the network.
    """
    result = compare_with_board(load_network(network), duration, seed=seed, progress=not quiet)
    if as_json:
        click.echo(json.dumps(result.facts(), indent=2))
    elif not quiet:
        click.echo(str(result))
    return 0 if result.same else 1
