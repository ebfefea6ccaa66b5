"""Commands that show the content of files: ``plot`` and ``info``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click

from ..errors import DescriptionError
from ..output import check_format, check_target, save_figure
from ..storage import contents, load
from .app import FILE, NUMBER, PATH, Command, json_option, overwrite_option, quiet_option
from .values import NumberRange

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Picture(NamedTuple):
    """A kind of picture: the function that draws it (by default in a new figure), its options."""

    draw: Callable[[Path, Mapping[str, Any], Axes | None], Axes]
    options: tuple[str, ...]


def _draw_raster(file: Path, options: Mapping[str, Any], ax: Axes | None) -> Axes:
    from ..plotting import raster
    from ..recording import load_recording

    return raster(load_recording(file), options["population"] or None, options["window"], ax=ax)


def _draw_traces(file: Path, options: Mapping[str, Any], ax: Axes | None) -> Axes:
    from ..plotting import traces
    from ..recording import load_recording

    recording = load_recording(file)
    have = [name for name, variable in recording.traces if variable == "v"]
    name = _the_one("population", options["population"], have, "with a recorded potential")
    return traces(recording, name, options["cell"] or None, ax=ax, window=options["window"])


def _draw_weights(file: Path, options: Mapping[str, Any], ax: Axes | None) -> Axes:
    from ..plotting import weights
    from ..recording import load_recording

    recording = load_recording(file)
    name = _the_one("projection", options["projection"], list(recording.weights), "that is plastic")
    return weights(recording, name, ax=ax, window=options["window"])


def _draw_matrix(file: Path, options: Mapping[str, Any], ax: Axes | None) -> Axes:
    from ..network import load_network
    from ..plotting import weight_matrix
    from ..recording import load_recording

    network = load_network(file)
    have = [projection.name for projection in network.projections]
    name = _the_one("projection", options["projection"], have, "in the network")
    recording = load_recording(file) if "recording" in contents(file)["kinds"] else None
    after = recording if recording is not None and name in recording.weights else None
    return weight_matrix(network, name, after, ax=ax)


def _the_one(what: str, name: Any, valid_names: Sequence[str], which: str) -> str:
    """Return the given name, or the only existing one."""
    names = [name] if isinstance(name, str) else list(name or valid_names)
    if len(names) == 1:
        return names[0]
    raise DescriptionError(f"give one --{what} {which} (have: {', '.join(valid_names) or 'none'}).")


PICTURES = {
    "raster": Picture(_draw_raster, ("population", "window")),
    "traces": Picture(_draw_traces, ("population", "cell", "window")),
    "weights": Picture(_draw_weights, ("projection", "window")),
    "weight-matrix": Picture(_draw_matrix, ("projection",)),
}


@click.command(cls=Command)
@click.argument("file", metavar="FILE.h5", type=FILE)
@click.option(
    "--kind",
    type=click.Choice(list(PICTURES)),
    default="raster",
    show_default=True,
    help="raster: a mark for each spike. traces: recorded potentials, mV. weights: weights over "
    "time if recorded, otherwise their distribution, nA. weight-matrix: weights of one "
    "projection, after the run if the file holds a recording, nA.",
)
@click.option(
    "--population",
    multiple=True,
    metavar="NAME",
    help="Population to draw; for raster it can be repeated.  [default: all]",
)
@click.option(
    "--projection", metavar="NAME", help="Projection to draw, for weights and weight-matrix."
)
@click.option(
    "--cell",
    multiple=True,
    type=int,
    metavar="INDEX",
    help="Cell to draw, for traces; can be repeated.  [default: the first seven]",
)
@click.option(
    "--window",
    nargs=2,
    type=NUMBER,
    metavar="START STOP",
    help="Part of the time to draw, ms.  [default: all]",
)
@click.option(
    "--size",
    nargs=2,
    type=NumberRange(1.0, 100.0),
    metavar="WIDTH HEIGHT",
    help="Size of the picture, inches of 150 pixels.  [default: depends on the kind]",
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE.png",
    help="Picture to write (png, pdf, svg, ...).  [default: FILE-KIND.png beside FILE.h5]",
)
@overwrite_option
@quiet_option
def plot(
    file: Path,
    kind: str,
    size: tuple[float, float] | None,
    out: Path | None,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Draw what a file contains: spikes, potentials or weights."""
    picture = PICTURES[kind]
    for name, value in options.items():
        if value not in (None, ()) and name not in picture.options:
            raise click.UsageError(f"--{name} cannot be used with --kind {kind}.")
    out = out or file.with_name(f"{file.stem}-{kind}.png")
    check_format(out)
    check_target(out, overwrite=overwrite)

    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    ax = None if size is None else Figure(figsize=size, layout="constrained").add_subplot()
    figure = picture.draw(file, options, ax).figure
    save_figure(cast("Figure", figure), out)
    if not quiet:
        click.echo(out)


@click.command(cls=Command)
@click.argument("file", metavar="FILE.h5", type=FILE)
@json_option
def info(file: Path, as_json: bool) -> None:
    """Describe the content of a file: network, recording, memory, and their origin."""
    facts = contents(file)
    texts = [
        f"{file}: {', '.join(facts['kinds']) or 'nothing'}; written by spikemem {facts['writer']}, "
        f"schema {facts['schema_version']}"
    ]
    for kind in facts["kinds"]:
        item = load(file, kind)
        facts[kind] = item.facts()
        text = "\n".join(f"  {line}" for line in item.describe().splitlines())
        texts.append(f"{kind}\n{text}")
    click.echo(
        json.dumps({"file": str(file), **facts}, indent=2) if as_json else "\n\n".join(texts)
    )
