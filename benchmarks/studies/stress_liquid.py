"""What a liquid remembers and separates, against its size and spectral radius.

The liquid is the dense one of Lin et al. (discrete leaky neurons, reset to 0 by a spike). The
spectral radius is that of its recurrent weights, in thresholds; input weights stay as published.
Measured are Jaeger's memory capacity for random binary digits (20 delays, 2000 digits, each shown
for 5 steps as spikes of 16 channels), the kernel and the generalisation rank (200 streams), the
fraction of digits that are read rightly after a delay, and how many spike patterns with random
labels a least-squares readout learns, beside the law of least squares.

    python benchmarks/studies/stress_liquid.py            # table and figure from the kept numbers
    python benchmarks/studies/stress_liquid.py --again    # measured anew, about five minutes
"""

from __future__ import annotations

import argparse
import math
from statistics import NormalDist
from typing import Any

import numpy as np
from stress_tables import kept, rows_of, save_figure, series, table

from spikemem.networks.liquid.stress import LiquidSubject
from spikemem.stress.sweep import Sweep

SIZES = (50, 100, 200, 400)
RADII = (0.0, 0.5, 1.0, 1.32, 1.6, 2.0, 3.0)
MEASURES = ("memory_capacity", "kernel_rank", "generalisation_rank", "activation_sparsity")


def memory(trials: int) -> list[dict[str, Any]]:
    """Memory capacity and ranks."""
    sweep = Sweep(
        LiquidSubject, "capacity", trials=trials,
        vary={"n_neurons": SIZES, "spectral_radius": RADII},
        fixed={"n_items": 1, "ranks": True, "n_train": 2000},
    )  # fmt: skip
    return rows_of(sweep.run(progress=True), *MEASURES)


def delays(trials: int) -> list[dict[str, Any]]:
    """Digits that are read after a delay."""
    sweep = Sweep(
        LiquidSubject, "retention", trials=trials, vary={"spectral_radius": [0.0, 1.32, 2.0]},
        fixed={"n_neurons": 200, "n_items": 9, "n_lags": None, "chance": 0.5},
    )  # fmt: skip
    return rows_of(sweep.run(progress=True), "retained", "lag")


def labels(trials: int) -> list[dict[str, Any]]:
    """Random labels that are learnt, against the number of patterns."""
    sweep = Sweep(
        LiquidSubject, "capacity", trials=trials,
        vary={"n_neurons": [50, 100, 200], "load": [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0]},
        fixed={"task": "labels"},
    )  # fmt: skip
    rows = rows_of(sweep.run(progress=True), "exact_recall", "state_rank", "input_exact")
    for row in rows:
        n = round(row["load"] * row["n_neurons"])
        h = min((row["state_rank"] + 1) / n, 1.0)
        row["law"] = NormalDist().cdf(math.sqrt(h / (1 - h))) if h < 1 else 1.0
    return rows


def measure() -> dict[str, Any]:
    """All numbers of the study."""
    return {"memory": memory(4), "delays": delays(60), "labels": labels(4)}


def figure(found: dict[str, Any]) -> None:
    """Capacity and ranks against the radius; digits by delay; labels against load."""
    from spikemem.plotting.axes import COLORS, GREY, new_panels, title

    panels = new_panels(9.0, 6.0, rows=2, columns=2)
    capacity, ranks, delay, learnt = panels
    for colour, n in zip(COLORS, SIZES, strict=False):
        for ax, name, style in (
            (capacity, "memory_capacity", "-"), (ranks, "kernel_rank", "-"),
            (ranks, "generalisation_rank", ":"),
        ):  # fmt: skip
            x, y, low, high = series(found["memory"], "spectral_radius", name, n_neurons=n)
            ax.plot(x, y, style, marker="o", ms=3, color=colour, lw=1.2,
                    label=f"N = {n}" if style == "-" else None)  # fmt: skip
            if ax is capacity:
                ax.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)
    for ax in (capacity, ranks):
        ax.set_xlabel("spectral radius (thresholds)")
        ax.set_ylim(bottom=0)
    capacity.set_ylabel("memory capacity (digits)")
    ranks.set_ylabel("rank of 200 states")
    title(capacity, "Memory capacity")
    title(ranks, "Kernel rank, and generalisation rank (dotted)")
    for colour, row in zip(COLORS, found["delays"], strict=False):
        delay.plot(row["lag"], row["retained"], marker="o", ms=3, lw=1.2, color=colour,
                   label=f"radius {row['spectral_radius']:g}")  # fmt: skip
        delay.fill_between(row["lag"], row["retained_low"], row["retained_high"], color=colour,
                           alpha=0.15, lw=0)  # fmt: skip
    delay.axhline(0.5, color=GREY, lw=0.8)
    delay.set_xlabel("values shown since")
    delay.set_ylabel("digits read rightly (fraction)")
    delay.set_ylim(0.3, 1.02)
    title(delay, "N = 200")
    for colour, n in zip(COLORS, (50, 100, 200), strict=False):
        x, y, low, high = series(found["labels"], "load", "exact_recall", n_neurons=n)
        learnt.errorbar(x, y, [y - low, high - y], fmt="o", ms=3, color=colour, capsize=2)
        learnt.plot(x, series(found["labels"], "load", "law", n_neurons=n)[1], color=colour, lw=1.0)
    learnt.set_xlabel("load (patterns / N)")
    learnt.set_ylabel("labels recalled (fraction)")
    learnt.set_ylim(0.5, 1.02)
    title(learnt, "Random labels; lines: law of least squares")
    delay.legend(frameon=False, fontsize=8)
    handles, names = capacity.get_legend_handles_labels()
    panels[0].figure.legend(handles, names, frameon=False, fontsize=8, ncols=4,
                            loc="outside lower center")  # fmt: skip
    print("written:", save_figure(panels, "stress_liquid"))


def main() -> None:
    """Measure or read, print the tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="measure anew")
    found = kept("stress_liquid", measure, again=parser.parse_args().again)
    names = (("memory_capacity", "memory capacity", 2), ("kernel_rank", "kernel rank", 0),
             ("generalisation_rank", "generalisation rank", 0))  # fmt: skip
    for name, head, digits in names:
        rows = []
        for n in SIZES:
            x, y, low, high = series(found["memory"], "spectral_radius", name, n_neurons=n)
            cells = {f"{r:g}": f"{value:.{digits}f} ± {(b - a) / 2:.{digits}f}"
                     for r, value, a, b in zip(x, y, low, high, strict=True)}  # fmt: skip
            rows.append({"n": n, **cells})
        print("\n" + table(rows, {"n": f"{head}, N", **{f"{r:g}": f"radius {r:g}" for r in RADII}}))
    print()
    for row in found["delays"]:
        said = ", ".join(f"{value:.2f}" for value in np.asarray(row["retained"], dtype=float))
        print(f"radius {row['spectral_radius']:g}, digits read after 0, 1, ... values: {said}")
    print("\n" + table(found["labels"], {"n_neurons": "N", "load": "patterns / N",
                                         "exact_recall": "labels recalled", "law": "law",
                                         "state_rank": "rank of the states",
                                         "input_exact": "input alone"}))  # fmt: skip
    figure(found)


if __name__ == "__main__":
    main()
