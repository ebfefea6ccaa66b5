"""The command that writes a page about a file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import DescriptionError
from ..output import check_target
from .app import FILE, PATH, Command, overwrite_option, quiet_option, refuse_given
from .values import NumberRange


@click.command("report", cls=Command)
@click.argument("file", metavar="FILE.h5", type=FILE)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE.html",
    help="Page to write.  [default: FILE-report.html beside FILE.h5]",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Write the page again whenever the file changes, until Ctrl-C; the open page follows.",
)
@click.option(
    "--every",
    type=NumberRange(0.1, 86_400.0),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="With --watch: time after which the open page reloads itself, s.",
)
@overwrite_option
@quiet_option
@click.pass_context
def report_command(
    ctx: click.Context,
    file: Path,
    out: Path | None,
    watch: bool,
    every: float,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a page of HTML about a file: pictures to zoom into, tables, health, origin."""
    if not watch:
        refuse_given(ctx, ("every",), "a page that is written once; add --watch")
    out = out or file.with_name(f"{file.stem}-report.html")
    if os.path.exists(out) and os.path.samefile(out, file):
        raise DescriptionError(f"--out {str(out)!r} is the file itself; give another path.")
    check_target(out, overwrite=overwrite)

    from .. import reporting

    def print_path(page: Path) -> None:
        if not quiet:
            click.echo(page)

    if watch:
        reporting.watch(file, out, every=every, written=print_path)
    else:
        print_path(reporting.report(file, out))
