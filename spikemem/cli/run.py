"""Commands that simulate: ``demo`` and ``simulate``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from ..errors import DescriptionError
from ..output import check_folder, check_target
from ..simulation import INTEGRATORS, simulate
from .app import (
    FILE,
    NUMBER,
    PATH,
    Failure,
    backend_option,
    commands,
    ignore_errors_option,
    json_option,
    overwrite_option,
    quiet_option,
    refuse_given,
)
from .facts import recording_facts


@commands.command()
@click.option(
    "--out", type=PATH, default=Path("results/demo"), show_default=True,
    help="Folder to write to; made if needed, files of an earlier run are replaced.",
)  # fmt: skip
@backend_option
@quiet_option
def demo(out: Path, backend: str, quiet: bool) -> int:
    """Learn, recall and forget handwritten digits.

    A CA3 memory of 16 cues and 64 bits learns sixteen digits of 8 × 8 pixels, recalls them from
    their cues, finds cues from fragments, relearns and forgets some, and is asked again. Every
    answer is compared with that of a Python dict; exit code 1 if one differs.

    Writes ca3.h5 (network, recording, memory), raster.png, digits.png and spinnaker/, the same
    network as a PyNN script for a SpiNNaker machine.
    """
    from .. import demo as demonstration

    check_folder(out)
    outcome = demonstration.run(out, backend=backend, progress=not quiet)
    if not quiet:
        click.echo(demonstration.table(outcome.rows))
        click.echo(
            f"\n{outcome.exact} of {outcome.total} operations exact; {outcome.duration:g} ms "
            f"simulated in {outcome.wall:.1f} s on {backend}\n\nweights at the end\n"
            f"{outcome.health}\n\nwritten"
        )
        click.echo("\n".join(f"  {file}" for file in outcome.files))
    if outcome.exact < outcome.total:
        raise Failure(f"{outcome.total - outcome.exact} answers are not exact.")
    return 0


@commands.command("simulate")
@click.argument("network", metavar="NETWORK.h5", type=FILE)
@click.option(
    "--duration",
    type=NUMBER,
    metavar="MS",
    help="Time to simulate, ms.  [default: the length of the longest spike source]",
)
@backend_option
@click.option(
    "--integrator",
    type=click.Choice(INTEGRATORS),
    default="spinnaker",
    show_default=True,
    help="What one time step does; see docs/semantics.md.",
)
@click.option(
    "--target", help="How brian2 runs: numpy, cython or cpp_standalone.  [default: numpy]"
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE.h5",
    help="Recording to write.  [default: NETWORK-recording.h5 beside the network]",
)
@overwrite_option
@ignore_errors_option
@json_option
@quiet_option
@click.pass_context
def simulate_command(
    ctx: click.Context,
    network: Path,
    duration: float | None,
    backend: str,
    integrator: str,
    target: str | None,
    out: Path | None,
    overwrite: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate a stored network and store the recording."""
    from ..network import load_network

    if backend != "spinnaker":
        refuse_given(ctx, ("force",), f"--backend {backend}")
    if backend != "brian2":
        refuse_given(ctx, ("target",), f"--backend {backend}")
    options: dict[str, Any] = {} if target is None else {"target": target}
    if force:
        options["force"] = force
    out = out or network.with_name(f"{network.stem}-recording.h5")
    if os.path.exists(out) and os.path.samefile(out, network):
        raise DescriptionError(f"--out {str(out)!r} is the network itself; give another file.")
    check_target(out, overwrite=overwrite)
    net = load_network(network)
    began = time.perf_counter()
    recording = simulate(
        net, duration, backend=backend, integrator=integrator,  # type: ignore[arg-type]
        progress=not quiet, **options,
    )  # fmt: skip
    wall = time.perf_counter() - began
    recording.save(out)
    summary = {"file": str(out), "wall_s": wall, **recording_facts(recording)}
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    elif not quiet:
        n_spikes = sum(facts["spikes"] for facts in summary["populations"].values())
        click.echo(
            f"{recording.duration:g} ms simulated in {wall:.1f} s on {backend}, {n_spikes} spikes "
            f"of {len(recording.spikes)} populations\n{out}"
        )
