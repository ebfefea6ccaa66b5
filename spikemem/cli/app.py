"""What all commands share: the program, its errors, its options."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .._version import __version__
from ..errors import SimulationError, SpikememError, SpikememWarning, VirtualRunError
from ..simulation import BACKENDS

__all__ = [
    "FILE",
    "PATH",
    "Failure",
    "backend_option",
    "commands",
    "force_option",
    "json_option",
    "main",
    "quiet_option",
]

FAILED, BAD_INPUT = 1, 2
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(path_type=Path)
_DEBUG = "spikemem.debug"


class Failure(click.ClickException):
    """An error that was foreseen: it becomes one line, and the exit code 1."""

    exit_code = FAILED


class BadInput(Failure):
    """As above, with the exit code 2."""

    exit_code = BAD_INPUT


class Command(click.Command):
    """A command with ``--debug``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(
            click.Option(
                ["--debug"], is_flag=True, expose_value=False, callback=_note_debug,
                help="Show where in the program an error arose.",
            )
        )  # fmt: skip


def _note_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_DEBUG] = value


class Commands(click.Group):
    """The commands, in the order in which they are defined."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out a command; warnings, and errors that were foreseen, become one line."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", SpikememWarning)
                warnings.showwarning = _warn
                return super().invoke(ctx)
        except (KeyboardInterrupt, SpikememError) as error:
            if ctx.meta.get(_DEBUG):
                raise
            if isinstance(error, KeyboardInterrupt):
                raise Failure("interrupted.") from None
            failed = isinstance(error, SimulationError | VirtualRunError)
            raise (Failure if failed else BadInput)(str(error)) from error


def main(args: Sequence[str] | None = None) -> int:
    """Carry out one command line.

    Parameters
    ----------
    args : sequence of str, optional
        Default: those of the process.

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
        # Who read the output has stopped; Python would complain of it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else 0


def _warn(message: Warning | str, category: type[Warning], *place: Any, **others: Any) -> None:
    click.echo(f"spikemem: warning: {message}", err=True)


def _report(error: click.ClickException) -> int:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message += f" See '{error.ctx.command_path} -h'."
    click.echo(f"spikemem: error: {message}", err=True)
    return error.exit_code


quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing but errors, and no progress."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
force_option = click.option("--force", is_flag=True, help="Replace a file that is there.")
backend_option = click.option(
    "--backend", type=click.Choice(list(BACKENDS)), default="brian2", show_default=True,
    help="Simulator.",
)  # fmt: skip


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a run failed or was interrupted, 2 bad input or usage.",
)
@click.version_option(__version__, prog_name="spikemem", message="%(prog)s %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> int:
    """Spiking memory models: run them, look at what they did."""
    if ctx.invoked_subcommand is not None:
        return 0
    click.echo(ctx.get_help(), err=True)
    return BAD_INPUT
