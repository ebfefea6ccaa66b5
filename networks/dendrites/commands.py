"""The commands ``sdr``: error probabilities of dendritic segments, and the sizes they need."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from ...cli.app import NUMBER, Commands, json_option
from .inverse import choose_threshold, patterns_per_segment, synapses_needed
from .theory import (
    false_negative_probability,
    false_positive_probability,
    population_false_positive_probability,
)
from .union import union_false_positive_probability

n_option = click.option("--n", type=int, required=True, help="Number of cells.")
a_option = click.option("--a", type=int, required=True, help="Number of active cells of a pattern.")
s_option = click.option("--s", type=int, required=True, help="Number of synapses of the segment.")
theta_option = click.option("--theta", type=int, required=True, help="Threshold of the segment.")
fp_option = click.option(
    "--fp",
    "false_positive",
    type=NUMBER,
    default=1e-9,
    show_default=True,
    help="Bound on false positives.",
)
fn_option = click.option(
    "--fn",
    "false_negative",
    type=NUMBER,
    default=1e-3,
    show_default=True,
    help="Bound on false negatives.",
)


@click.group("sdr", cls=Commands)
def sdr() -> None:
    """Dendritic segments on sparse patterns: errors, thresholds, sizes."""


@sdr.command()
@n_option
@a_option
@s_option
@theta_option
@click.option("--v", type=int, help="Number of swapped cells; adds false negatives.")
@click.option("--p-fail", type=NUMBER, default=0.0, help="Probability that a synapse fails.")
@click.option("--m", type=int, help="Number of segments, each with its own pattern.")
@click.option("--union", type=int, metavar="M", help="Number of patterns on one segment.")
@click.option("--exact", is_flag=True, help="Print fractions.")
@json_option
def error(
    n: int,
    a: int,
    s: int,
    theta: int,
    v: int | None,
    p_fail: float,
    m: int | None,
    union: int | None,
    exact: bool,
    as_json: bool,
) -> None:
    """Print the error probabilities of one segment, and of many."""
    if p_fail and v is None:
        raise click.UsageError("--p-fail needs --v.")
    options: dict[str, Any] = {"exact": True} if exact else {"log": True}
    sizes: dict[str, Any] = {"n": n, "a": a, "s": s, "theta": theta}
    probabilities = {"false positive": false_positive_probability(**sizes, **options)}
    if m is not None:
        probabilities[f"false positive of {m} segments"] = population_false_positive_probability(
            **sizes, m=m, **options
        )
    if union is not None:
        probabilities[f"false positive of {union} patterns on one segment"] = (
            union_false_positive_probability(**sizes, m=union, **options)
        )
    if v is not None:
        probabilities[f"false negative with {v} cells swapped"] = false_negative_probability(
            a=a, s=s, theta=theta, v=v, p_fail=p_fail, **options
        )
    if as_json:
        plain = {name: str(p) if exact else _finite(p) for name, p in probabilities.items()}
        click.echo(json.dumps({**sizes, "fraction" if exact else "ln": plain}, indent=2))
        return
    _table({name: str(p) if exact else _scientific(p) for name, p in probabilities.items()})


@sdr.command("theta")
@n_option
@a_option
@s_option
@fp_option
@fn_option
@json_option
def theta_command(
    n: int, a: int, s: int, false_positive: float, false_negative: float, as_json: bool
) -> None:
    """Print the smallest threshold for a bound on false positives, and the noise it tolerates."""
    _choice(
        choose_threshold(
            n=n, a=a, s=s, false_positive=false_positive, false_negative=false_negative
        ),
        as_json,
    )


@sdr.command()
@n_option
@a_option
@click.option("--v", type=int, required=True, help="Number of swapped cells to tolerate.")
@fp_option
@fn_option
@json_option
def synapses(
    n: int, a: int, v: int, false_positive: float, false_negative: float, as_json: bool
) -> None:
    """Print the smallest number of synapses with which a segment meets both bounds."""
    _choice(
        synapses_needed(
            n=n, a=a, v=v, false_positive=false_positive, false_negative=false_negative
        ),
        as_json,
    )


@sdr.command()
@n_option
@a_option
@s_option
@theta_option
@fp_option
@json_option
def patterns(n: int, a: int, s: int, theta: int, false_positive: float, as_json: bool) -> None:
    """Print the number of patterns that one segment can hold."""
    count = patterns_per_segment(n=n, a=a, s=s, theta=theta, false_positive=false_positive)
    click.echo(json.dumps({"patterns": count}, indent=2) if as_json else f"patterns  {count}")


def _choice(choice: Any, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(choice._asdict(), indent=2))
        return
    _table(
        {
            "synapses": str(choice.s),
            "threshold": str(choice.theta),
            "swapped cells tolerated": str(choice.v),
            "false positive": f"{choice.false_positive:.6g}",
            "false negative": f"{choice.false_negative:.6g}",
        }
    )


def _table(rows: dict[str, str]) -> None:
    width = max(map(len, rows))
    click.echo("\n".join(f"{name:<{width}}  {value}" for name, value in rows.items()))


def _finite(log_p: float) -> float | None:
    """Return None for the log of 0, because JSON has no infinity."""
    return log_p if math.isfinite(log_p) else None


def _scientific(log_p: float) -> str:
    """Return a probability as text, even far below the range of floats."""
    if log_p > -600 or not math.isfinite(log_p):
        return f"{math.exp(log_p):.9g}"
    power, rest = divmod(log_p / math.log(10), 1)
    return f"{10**rest:.6f}e{int(power)}"
