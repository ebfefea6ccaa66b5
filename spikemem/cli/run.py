"""The command that simulates a stored network."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from ..errors import DescriptionError
from ..network import load_network
from ..output import check_target
from ..simulation import INTEGRATORS, simulate
from .app import (
    FILE,
    NUMBER,
    PATH,
    Command,
    backend_option,
    ignore_errors_option,
    json_option,
    overwrite_option,
    quiet_option,
    refuse_given,
)


@click.command("simulate", cls=Command)
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
    help="Rules of one time step; see docs/explanation/semantics.md.",
)
@click.option(
    "--target", help="Code that brian2 runs: numpy, cython or cpp_standalone.  [default: numpy]"
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
    summary = {"file": str(out), "wall_s": wall, **recording.facts()}
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    elif not quiet:
        n_spikes = sum(facts["spikes"] for facts in summary["populations"].values())
        click.echo(
            f"{recording.duration:g} ms simulated in {wall:.1f} s on {backend}, {n_spikes} spikes "
            f"of {len(recording.spikes)} populations\n{out}"
        )
