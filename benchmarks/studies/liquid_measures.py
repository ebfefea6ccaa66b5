"""What the dense liquid separates and remembers, against the factor of its weights.

    python benchmarks/studies/liquid_measures.py                       about five minutes
    python benchmarks/studies/liquid_measures.py --figure ranks.png --json measures.json

Ranks: 500 Poisson streams (16 channels, p = 0.2 a step, 200 steps), states low-passed with 30 steps
and read after the last one, singular values above 1 % of the largest; generalisation rank: 500
copies of one stream, each spike shifted by 2 steps (SD). Mean and SD over liquids, each with
streams of its own. Beside them the values of a prototype of the same liquid (one liquid each).

Memory: random values shown for 5 steps each, counts while a value is shown, ridge readouts; the
same readouts of the input spikes alone beside them. NARMA-10: NRMSE. Parity and match-to-sample:
fraction of right answers (chance 0.5). Separation: mean distance of the states of pairs of inputs.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from spikemem.networks.liquid import (
    DenseLiquid,
    LiquidStateMachine,
    generalisation_rank,
    input_distance,
    kernel_quality,
    match_to_sample_score,
    memory_capacity,
    narma10_score,
    parity_score,
    poisson_streams,
    separation,
)

CONSTANTS = (0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15)
PROTOTYPE = {
    (135, 0.03): (15, 6), (135, 0.05): (53, 37), (135, 0.07): (68, 54), (135, 0.1): (38, 32),
    (135, 0.15): (21, 18), (200, 0.03): (27, 14), (200, 0.05): (82, 62), (200, 0.07): (110, 97),
    (200, 0.1): (65, 56), (200, 0.15): (30, 23), (500, 0.03): (62, 17), (500, 0.05): (153, 121),
    (500, 0.07): (162, 150), (500, 0.1): (79, 68), (500, 0.15): (36, 28),
}  # fmt: skip
"""Kernel quality and generalisation rank of the prototype."""


def made(n_neurons: int, constant: float, seed: int) -> LiquidStateMachine:
    """A liquid of 16 channels."""
    return LiquidStateMachine(16, n_neurons, liquid=DenseLiquid(constant=constant), seed=seed)


def ranks(n_neurons: int, constant: float, liquids: int) -> dict[str, Any]:
    """Kernel quality and generalisation rank of several liquids."""
    rows = []
    for seed in range(liquids):
        liquid = made(n_neurons, constant, seed)
        streams = poisson_streams(500, seed=seed)
        rows.append(
            (kernel_quality(liquid, streams), generalisation_rank(liquid, streams, seed=seed))
        )
    quality, general = np.transpose(rows)
    return {
        "n_neurons": n_neurons, "constant": constant,
        "kernel_quality": float(quality.mean()), "kernel_quality_sd": float(quality.std(ddof=1)),
        "generalisation_rank": float(general.mean()),
        "generalisation_rank_sd": float(general.std(ddof=1)),
        "liquids_with_quality_above_rank": int(np.sum(quality > general)), "liquids": liquids,
        "prototype": PROTOTYPE.get((n_neurons, constant)),
    }  # fmt: skip


def memory(constant: float, liquids: int) -> dict[str, Any]:
    """Memory of several liquids of 200 neurons: means, with the input alone."""
    found: dict[str, list[Any]] = {}
    for seed in range(liquids):
        liquid = made(200, constant, seed)
        capacity = memory_capacity(liquid, seed=seed)
        found.setdefault("memory_capacity", []).append((capacity.total, capacity.curve[0]))
        found.setdefault("narma10", []).append(narma10_score(liquid, seed=seed)[:2])
        for n in (2, 3):
            found.setdefault(f"parity_{n}", []).append(parity_score(liquid, n, seed=seed)[:2])
        for n in (2, 3, 4):
            score = match_to_sample_score(liquid, n, seed=seed)[:2]
            found.setdefault(f"match_{n}", []).append(score)
    means = {name: np.mean(rows, axis=0).tolist() for name, rows in found.items()}
    return {"constant": constant, "liquids": liquids, **means}


def distances(constant: float, liquids: int) -> dict[str, Any]:
    """State distance of pairs of inputs that differ in one spike, in ten, or altogether."""
    u = poisson_streams(40, p=0.05, seed=0)
    found = {}
    for changed in (1, 10, None):
        v = poisson_streams(40, p=0.05, seed=1) if changed is None else u.copy()
        rng = np.random.default_rng(2)
        for pair in range(len(u) if changed else 0):
            steps = rng.choice(60, changed, replace=False)
            v[pair, steps, rng.integers(16, size=changed)] ^= True
        curves = [separation(made(135, constant, seed), u, v) for seed in range(liquids)]
        name = "independent" if changed is None else f"{changed} spikes in the first 60 steps"
        found[name] = {
            "input_distance": float(input_distance(u, v).mean()),
            "state_distance": {t: float(np.mean(curves, axis=0)[t]) for t in (59, 119, 199)},
        }
    return {"constant": constant, **found}


def figure(table: list[dict[str, Any]], path: str) -> None:
    """Both ranks against the factor of the weights, a panel for each size."""
    from spikemem.plotting.axes import COLORS, new_panels, title

    sizes = sorted({row["n_neurons"] for row in table})
    panels = new_panels(8.0, 2.8, columns=len(sizes))
    for ax, n in zip(panels, sizes, strict=True):
        rows = [row for row in table if row["n_neurons"] == n]
        x = [row["constant"] for row in rows]
        for colour, name in zip(COLORS, ("kernel_quality", "generalisation_rank"), strict=False):
            y = [row[name] for row in rows]
            ax.errorbar(x, y, [row[f"{name}_sd"] for row in rows], marker="o", ms=3, capsize=2,
                        color=colour, label=name.replace("_", " "))  # fmt: skip
        ax.axvspan(0.05, 0.1, color="0.9", zorder=0)
        ax.set_xlabel("weight constant")
        ax.set_ylim(bottom=0)
        title(ax, f"{n} neurons")
    panels[0].set_ylabel("rank of 500 states")
    handles, labels = panels[0].get_legend_handles_labels()
    figure = panels[0].figure
    figure.legend(handles, labels, frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[135, 200, 500])
    parser.add_argument("--liquids", type=int, default=5)
    parser.add_argument("--figure", help="picture of the ranks")
    parser.add_argument("--json", help="file for all numbers")
    given = parser.parse_args()
    table = []
    for n in given.sizes:
        print(f"\n{n} neurons  kernel quality  generalisation rank  above in  prototype")
        for constant in CONSTANTS:
            row = ranks(n, constant, given.liquids)
            table.append(row)
            before = "{}/{}".format(*row["prototype"]) if row["prototype"] else "-"
            print(f"{constant:9.2f}  {row['kernel_quality']:8.1f} ± {row['kernel_quality_sd']:4.1f}"
                  f"  {row['generalisation_rank']:10.1f} ± {row['generalisation_rank_sd']:4.1f}"
                  f"  {row['liquids_with_quality_above_rank']:6d}/{row['liquids']}  {before:>9}",
                  flush=True)  # fmt: skip
    memories = []
    print("\n200 neurons (input alone)   MC, r2(1)   NARMA-10   parity 2, 3   match 2, 3, 4")
    for constant in CONSTANTS[::2]:
        row = memory(constant, given.liquids)
        memories.append(row)
        names = ("narma10", "parity_2", "parity_3", "match_2", "match_3", "match_4")
        scores = "  ".join(f"{row[name][0]:.2f} ({row[name][1]:.2f})" for name in names)
        total, first = row["memory_capacity"]
        print(f"{constant:9.2f}  {total:.2f}, {first:.2f}  {scores}", flush=True)
    apart = distances(0.07, given.liquids)
    print("\nSeparation, 135 neurons, constant 0.07:", json.dumps(apart, indent=1))
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump({"ranks": table, "memory": memories, "separation": apart}, file, indent=1)
    if given.figure:
        figure(table, given.figure)


if __name__ == "__main__":
    main()
