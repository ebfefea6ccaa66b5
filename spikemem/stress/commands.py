"""The command ``spikemem stress``: runs sweeps from the command line, and shows their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..cli.app import FILE, NUMBER, PATH, Commands, json_option, quiet_option
from ..errors import DescriptionError
from ..output import check_format, check_target
from .axes import Axes
from .plan import classes_of
from .ranges import assignments, read_bisection, read_range, read_value
from .results import Results, load
from .sweep import Sweep
from .table import EXPERIMENTS, SUBJECTS

__all__ = ["stress"]


class _StressCommands(Commands):
    """Command group that also accepts a model as its first word, and then tests that model."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; otherwise ``run`` with all words."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "run", self.commands["run"], args
        return super().resolve_command(ctx, args)


@click.group("stress", cls=_StressCommands)
def stress() -> None:
    r"""Stress-test a memory: measure how much it holds, how it fails and what it costs.

    `spikemem stress MODEL` tests a model, as `spikemem stress run MODEL` does.

    \b
    spikemem stress CA3Memory --vary load=0.25:1:4 --vary cue_loss=0,0.5 --out capacity.h5
    spikemem stress HopfieldNetwork --bisect load=0.02:0.3 --criterion 0.5 --plot capacity.png
    spikemem stress show capacity.h5
    """


@stress.command("run")
@click.argument("model")
@click.option(
    "--experiment", default="capacity", show_default=True, metavar="NAME",
    help=f"Experiment to run: {', '.join(EXPERIMENTS)}.",
)  # fmt: skip
@click.option(
    "--vary", multiple=True, metavar="AXIS=RANGE",
    help="An axis and its values: 0.1,0.2,0.5 or START:STOP:COUNT or START:STOP:COUNT:log. "
    "Repeat it for a grid.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="AXIS=VALUE",
    help="Set an axis that is not varied to one value.",
)  # fmt: skip
@click.option(
    "--bisect", metavar="AXIS=LOW:HIGH[:log]",
    help="Search for the value of this axis at which the measure crosses the criterion.",
)  # fmt: skip
@click.option(
    "--criterion", type=NUMBER, default=0.9, show_default=True, help="Criterion of --bisect."
)
@click.option(
    "--tolerance", type=NUMBER, help="Width at which --bisect stops.  [default: 1 % of the range]"
)
@click.option("--measure", help="Measure for --bisect and --plot.  [default: the main measure]")
@click.option("--trials", type=int, default=20, show_default=True, help="Trials of each point.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the whole sweep.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Number of processes.")
@click.option(
    "--cluster", metavar="ADDRESS", help="Address of a Dask cluster, such as tcp://host:8786."
)
@click.option(
    "--out", type=PATH,
    help="File that keeps each finished point. Run the same command again to finish the rest.",
)  # fmt: skip
@click.option("--retry-failed", is_flag=True, help="Run points with failed trials again.")
@click.option("--plot", "picture", type=PATH, help="Draw the result: .png, .pdf or .svg.")
@json_option
@quiet_option
def run(
    model: str,
    experiment: str,
    vary: tuple[str, ...],
    settings: tuple[str, ...],
    bisect: str | None,
    criterion: float,
    tolerance: float | None,
    measure: str | None,
    trials: int,
    seed: int,
    jobs: int,
    cluster: str | None,
    out: Path | None,
    retry_failed: bool,
    picture: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Test MODEL with one experiment, over the axes that are varied, in repeated trials."""
    axes: dict[str, Any] = {
        name: read_range(name, text) for name, text in assignments(vary, "--vary").items()
    }
    for name, text in assignments([bisect] if bisect else [], "--bisect").items():
        if name in axes:
            raise DescriptionError(f"--bisect {name}: --vary already varies this axis.")
        axes[name] = read_bisection(name, text, criterion, tolerance, measure)
    fixed = {name: read_value(text) for name, text in assignments(settings, "--set").items()}
    sweep = Sweep(model, experiment, vary=axes, fixed=fixed, trials=trials, seed=seed)
    _check_picture(picture)
    results = sweep.run(
        out, jobs=jobs, cluster=cluster, progress=not (quiet or as_json), retry_failed=retry_failed
    )
    _print_results(results, picture, measure, as_json, quiet)


@stress.command()
@click.argument("file", type=FILE)
@click.option("--measure", help="Measure that is drawn.  [default: the main measure]")
@click.option("--plot", "picture", type=PATH, help="Draw the results: .png, .pdf or .svg.")
@json_option
def show(file: Path, measure: str | None, picture: Path | None, as_json: bool) -> None:
    """Show the results of the sweep in FILE. The sweep may still be running."""
    _check_picture(picture)
    _print_results(load(file), picture, measure, as_json, quiet=False)


@stress.command()
@click.argument("model", required=False)
@click.option("--experiment", default="capacity", show_default=True, help="Experiment to list.")
@json_option
def axes(model: str | None, experiment: str, as_json: bool) -> None:
    """List the axes of MODEL with their defaults; without MODEL, list the models."""
    if model is None:
        click.echo(json.dumps(list(SUBJECTS)) if as_json else "\n".join(SUBJECTS))
        return
    space = Axes.of(*classes_of(model, experiment))
    if as_json:
        rows = {n: {"of": part, "default": space.defaults[n]} for n, part in space.parts.items()}
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, space.parts))
    for part in ("subject", "experiment", "conditions"):
        click.echo(f"{part}:")
        for name in (name for name, owner in space.parts.items() if owner == part):
            click.echo(f"  {name:<{width}}  {space.defaults[name]}")


def _check_picture(picture: Path | None) -> None:
    """Raise an error before the sweep begins if the picture cannot be written."""
    if picture is None:
        return
    check_format(picture)
    check_target(picture, overwrite=True)


def _print_results(
    results: Results, picture: Path | None, measure: str | None, as_json: bool, quiet: bool
) -> None:
    if picture is not None:
        results.plot(picture, measure=measure)
    if as_json:
        click.echo(results.to_json())
    elif not quiet:
        click.echo(str(results))
        if picture is not None:
            click.echo(f"\ndrawn into {picture}")
