"""The program, with the errors and options that all commands share."""

from __future__ import annotations

import importlib
import os
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from .._version import __version__
from ..backends import BACKENDS
from ..errors import SimulationError, SpikememError, SpikememWarning, VirtualRunError
from .values import FILE, NUMBER, PATH

__all__ = [
    "COMMANDS",
    "FILE",
    "NUMBER",
    "PATH",
    "Command",
    "Commands",
    "Failure",
    "backend_option",
    "commands",
    "ignore_errors_option",
    "json_option",
    "main",
    "overwrite_option",
    "quiet_option",
    "refuse_given",
]


class Place(NamedTuple):
    """The path of a command, "module:object", and its line in the help of the program."""

    of: str
    help: str


COMMANDS: dict[str, Place] = {
    "demo": Place(
        "spikemem.networks.ca3.commands:demo", "Learn, recall and forget handwritten digits."
    ),
    "simulate": Place(
        "spikemem.cli.run:simulate_command", "Simulate a stored network and store the recording."
    ),
    "plot": Place(
        "spikemem.cli.look:plot", "Draw what a file contains: spikes, potentials or weights."
    ),
    "info": Place(
        "spikemem.cli.look:info",
        "Describe the content of a file: network, recording, memory, and their origin.",
    ),
    "report": Place(
        "spikemem.cli.report:report_command",
        "Write a page of HTML about a file: pictures to zoom into, tables, health, origin.",
    ),
    "check": Place(
        "spikemem.hardware.commands:check",
        "List everything that a target refuses or silently changes.",
    ),
    "map": Place(
        "spikemem.hardware.commands:map_command",
        "Map a network on a virtual SpiNNaker machine: chips, cores, memory, routing.",
    ),
    "export": Place(
        "spikemem.hardware.commands:export",
        "Write a network so that it runs on another machine, without spikemem.",
    ),
    "board": Place(
        "spikemem.hardware.spinnaker.board.commands:board",
        "Run PyNN scripts for SpiNNaker, and networks, on a board in software.",
    ),
    "sdr": Place(
        "spikemem.networks.dendrites.commands:sdr",
        "Dendritic segments on sparse patterns: errors, thresholds, sizes.",
    ),
    "liquid": Place(
        "spikemem.networks.liquid.commands:liquid",
        "Liquid state machines on images, speech and event recordings.",
    ),
    "sparsey": Place(
        "spikemem.networks.sparsey.commands:sparsey",
        "Hierarchies of macrocolumns with sparse distributed codes: train and test on images.",
    ),
    "continual": Place(
        "spikemem.networks.hlop.commands:continual",
        "Networks that learn one task after another without forgetting the earlier ones.",
    ),
    "stress": Place(
        "spikemem.stress.commands:stress",
        "Stress-test a memory: measure how much it holds, how it fails and what it costs.",
    ),
    "device": Place(
        "spikemem.hardware.resistive.commands:device",
        "List and show models of resistive memory, and age a network on one.",
    ),
}
"""Every command, in the order of the help; imported when it is first used."""

FAILED, BAD_INPUT = 1, 2
_DEBUG = "spikemem.debug"


class Failure(click.ClickException):
    """An expected error; the program prints one line and exits with code 1."""

    exit_code = FAILED


class BadInput(Failure):
    """An expected error with the exit code 2."""

    exit_code = BAD_INPUT


class Command(click.Command):
    """A command with ``--debug``, whose errors and warnings are one line each."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(
            click.Option(
                ["--debug"], is_flag=True, expose_value=False, callback=_note_debug,
                help="Show the Python traceback of an error.",
            )
        )  # fmt: skip

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; expected errors and warnings become one line."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", SpikememWarning)
                warnings.showwarning = _warn
                return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (KeyboardInterrupt, SpikememError, OSError, MemoryError) as error:
            if ctx.meta.get(_DEBUG):
                raise
            raise _failure(error, self) from error


def _note_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_DEBUG] = value


def _failure(error: BaseException, command: click.Command) -> Failure:
    """Return the error that the command line reports."""
    if isinstance(error, KeyboardInterrupt):
        return Failure(str(error) or "interrupted.")
    if isinstance(error, SpikememError):
        failed = isinstance(error, SimulationError | VirtualRunError)
        return (Failure if failed else BadInput)(_translated(str(error), command))
    if isinstance(error, MemoryError):
        return Failure("there is not enough memory.")
    return Failure(str(error))


def _translated(message: str, command: click.Command) -> str:
    """Replace names of Python arguments by the options of the command.

    A number after "=" is the value of an argument, and does not change: "from 0 to n=10".
    """
    for param in command.params:
        if isinstance(param, click.Option):
            name, option = param.name or "", param.opts[0]
            message = re.sub(rf"\b{name}=(?!True\b)(?=['\"a-zA-Z])", f"{option} ", message)
            message = re.sub(rf"\b{name}=(True\b|(?![\w.-]))", option, message)
            if "_" in name:  # cannot be an English word
                message = re.sub(rf"(?<![\w-]){name}=(?=[\w.-])", f"{option} ", message)
                message = re.sub(rf"(?<![\w-]){name}\b", option, message)
    return message


def _one_line(message: str) -> str:
    """Join the lines of a message; entries of a list are separated by semicolons."""
    first, *others = (line.strip() for line in message.splitlines() if line.strip())
    text = first
    for line in others:
        gap = "; " if line.startswith("- ") and text[-1] not in ":;" else " "
        text = (text.removesuffix(".") if gap == "; " else text) + gap + line.removeprefix("- ")
    return text


class Commands(click.Group):
    """Commands in the order in which they are defined."""

    command_class = Command
    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


class LazyCommands(Commands):
    """Commands of a table; the module of a command is imported when it is used.

    Parameters
    ----------
    table : mapping of str to Place
        Default: :data:`COMMANDS`.
    """

    def __init__(self, *args: Any, table: Mapping[str, Place] = COMMANDS, **options: Any) -> None:
        super().__init__(*args, **options)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        module, name = entry.of.split(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise Failure(f"{cmd_name} cannot be loaded: {error}.") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        room = formatter.width - 6 - max(map(len, self.table))
        rows = [(name, shortened(entry.help, room)) for name, entry in self.table.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def shortened(text: str, room: int) -> str:
    """Return the first words of a text that fit, as click shortens the help of a command."""
    command = click.Command("", help=text)
    return command.get_short_help_str(room)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line.

    Parameters
    ----------
    args : sequence of str, optional
        Arguments. Default: the arguments of the process.

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> main(["info", "missing.h5"])
    2
    """
    try:
        code = commands.main(args, prog_name="spikemem", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _report(error)
    except click.Abort:
        return FAILED
    except BrokenPipeError:
        # The reader closed the pipe; Python would report this again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else 0


def _warn(message: Warning | str, category: type[Warning], *position: Any, **others: Any) -> None:
    click.echo(f"spikemem: warning: {_one_line(str(message))}", err=True)


def _report(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return BAD_INPUT
    message = _one_line(error.format_message())
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message += f" See '{error.ctx.command_path} -h'."
    click.echo(f"spikemem: error: {message}", err=True)
    return error.exit_code


def refuse_given(ctx: click.Context, names: Sequence[str], beside: str) -> None:
    """Raise an error if the command line has options without effect beside another one."""
    for param in ctx.command.params:
        used = param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
        if used and param.name in names:
            raise click.UsageError(f"{param.opts[0]} cannot be used with {beside}.", ctx)


quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Print only errors, and no progress."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Replace the file if it exists already."
)
ignore_errors_option = click.option(
    "--ignore-errors", "force", is_flag=True,
    help="Continue even if `spikemem check` finds errors.",
)  # fmt: skip
backend_option = click.option(
    "--backend", type=click.Choice(list(BACKENDS)), default="brian2", show_default=True,
    help="Simulator.",
)  # fmt: skip


@click.group(
    cls=LazyCommands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a run failed or was interrupted, 2 bad input or usage.",
)
@click.version_option(__version__, prog_name="spikemem", message="%(prog)s %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> int:
    """Run spiking memory models, and look at their results."""
    if ctx.invoked_subcommand is not None:
        return 0
    click.echo(ctx.get_help(), err=True)
    return BAD_INPUT
