"""Commands of the board in software: ``board run`` and ``board compare``."""

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
    help="For the order in which the packets of a tick arrive.",
)  # fmt: skip


@click.group(cls=Commands)
def board() -> None:
    """Run PyNN scripts for SpiNNaker, and networks, on a board in software.

    Needs sPyNNaker and unicorn (pip install ".[board]"), no board.
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
    """Run a PyNN script for SpiNNaker as it stands.

    The script says `import pyNN.spiNNaker as sim`; its machine is a board in software. Options of
    this command stand before the script, those of the script after it. The exit code is the
    script's.
    """
    require_board()
    line = command(script, arguments, seed=seed, reports=reports and reports.resolve(), quiet=quiet)
    process = subprocess.Popen(line, env=environment())
    while True:
        # Ctrl-C reaches the script itself, which is given the time to end.
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
    """Lay side by side what is predicted, what the emulator computes and what the board does.

    Exit code 0 if the emulator and the board agree to the last bit, 1 if they differ or the
    emulator refuses the network.
    """
    found = compare_with_board(load_network(network), duration, seed=seed, progress=not quiet)
    if as_json:
        click.echo(json.dumps(found.facts(), indent=2))
    elif not quiet:
        click.echo(str(found))
    return 0 if found.same else 1
