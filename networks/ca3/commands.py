"""The command ``demo``."""

from __future__ import annotations

from pathlib import Path

import click

from ...cli.app import PATH, Command, Failure, backend_option, quiet_option
from ...output import check_folder
from .demo import run as run_demo
from .demo import table


@click.command(cls=Command)
@click.option(
    "--out", type=PATH, default=Path("results/demo"), show_default=True,
    help="Output folder; it is made if needed, and files of an earlier run are replaced.",
)  # fmt: skip
@backend_option
@quiet_option
def demo(out: Path, backend: str, quiet: bool) -> int:
    """Learn, recall and forget handwritten digits.

    A CA3 memory of 16 cues and 64 bits learns sixteen digits of 8 × 8 pixels, recalls them from
    their cues, and recalls cues from fragments. Then it relearns some digits, forgets one, and
    recalls again. Every answer is compared with that of a Python dict; the exit code is 1 if one
    differs.

    Writes ca3.h5 (network, recording, memory), raster.png, digits.png and spinnaker/, the same
    network as a PyNN script for a SpiNNaker machine.
    """
    check_folder(out)
    outcome = run_demo(out, backend=backend, progress=not quiet)
    if not quiet:
        click.echo(table(outcome.rows))
        click.echo(
            f"\n{outcome.exact} of {outcome.total} operations exact; {outcome.duration:g} ms "
            f"simulated in {outcome.wall:.1f} s on {backend}\n\nweights at the end\n"
            f"{outcome.health}\n\nwritten"
        )
        click.echo("\n".join(f"  {file}" for file in outcome.files))
    if outcome.exact < outcome.total:
        raise Failure(f"{outcome.total - outcome.exact} answers are not exact.")
    return 0
