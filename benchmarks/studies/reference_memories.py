"""Curves of the reference memories, beside the figures to reproduce and the published laws.

Hopfield: overlap with the pattern at which the network begins, against the load. Dense
associative memory: right bits after a cue of which 10 % of the bits are flipped, against the load
in units of the error-free capacity K*. Multitasking: magnetisations from the hierarchical state.
Willshaw: exact recall and bits per synapse against load and size. Every trial draws its own
network. The results are in ``reference_memories.json``.

    python benchmarks/studies/reference_memories.py [--quick] [--out FILE] [--plot FOLDER]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import spikemem as sm
from spikemem.networks import reference as ref
from spikemem.stress.conditions import Conditions
from spikemem.stress.experiments.capacity import Capacity

RESULTS = Path(__file__).with_suffix(".json")

HOPFIELD = {
    1000: {0.05: 1.0, 0.10: 0.997, 0.13: 0.980, 0.138: 0.923, 0.15: 0.778, 0.17: 0.602, 0.2: 0.356},
    500: {0.138: 0.932, 0.15: 0.899, 0.17: 0.682, 0.2: 0.543},
}
"""Cells -> load -> overlap to reproduce."""

FACTORS = (0.5, 1.0, 2.0, 4.0, 8.0)
DENSE = {
    (2, 100): (1.0, 1.0, 0.916, 0.719, 0.709),
    (3, 60): (1.0, 1.0, 0.867, 0.806, 0.652),
    (4, 40): (0.966, 0.922, 0.759, 0.684, 0.663),
}
"""Power and cells -> right bits to reproduce, at these multiples of K*."""

MULTITASKING = {
    0.1: (0.904, 0.075, 0.015, 0.008),
    0.3: (0.698, 0.212, 0.055, 0.015),
    0.5: (0.502, 0.255, 0.120, 0.062),
    0.7: (0.272, 0.217, 0.178, 0.132),
    0.9: (0.102, 0.090, 0.083, 0.072),
}
"""Dilution -> magnetisations to reproduce."""

WILLSHAW = {100: 7, 300: 8, 1000: 10, 3000: 12, 10_000: 13}
"""Cells -> active cells: log2 of the number of cells."""

LOADS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)


def overlap(n: int, load: float, seed: int) -> float:
    """Overlap with the pattern at which a Hopfield network begins."""
    patterns = ref.random_spins(round(load * n), n, seed=seed)
    memory = ref.HopfieldNetwork(n, max_sweeps=1000).store(patterns)
    found: float = memory.overlaps(memory.recall(patterns[0], seed=seed))[0, 0]
    return found


def right_bits(p: int, n: int, factor: float, seed: int) -> float:
    """Right bits of a dense memory, after a cue of which a tenth of the bits is flipped."""
    n_patterns = round(factor * round(ref.dense_capacity(n, p)))
    patterns = ref.random_spins(n_patterns, n, seed=seed)
    memory = ref.DenseAssociativeMemory(n, p=p, max_sweeps=1000).store(patterns)
    answer = memory.recall(ref.flip_spins(patterns[0], 0.1, seed=seed), seed=seed)
    return float((answer[0] == patterns[0]).mean())


def magnetisations(dilution: float, seed: int, n: int = 20_000) -> list[float]:
    """Magnetisations of four patterns, from the hierarchical state."""
    memory = ref.MultitaskingHebbian(n, max_sweeps=1000)
    memory.store(ref.diluted_patterns(4, n, dilution, seed=seed))
    state = memory.hierarchical_state(seed=seed)
    found: list[float] = memory.overlaps(memory.recall(state, seed=seed))[0].tolist()
    return found


def willshaw(n: int, load: float, seed: int) -> list[float]:
    """Exact recall, false bits of an answer and bits per synapse of a Willshaw memory."""
    subject = ref.WillshawSubject(n_cells=n, active=WILLSHAW[n], active_outputs=WILLSHAW[n])
    experiment = Capacity(load=load, n_probes=300)
    task = experiment.task(subject, seed)
    (answers,) = subject.perform([task], Conditions())
    found = experiment.outcome(subject, task, answers)
    right, asked = found["exact_recall"]
    bits = float(found["information_per_synapse"])
    return [float(right / asked), float(answers.extra.mean()), bits]


def repeated(trial: Callable[[int], Any], trials: int) -> dict[str, Any]:
    """Mean, standard deviation of a trial, and number of trials."""
    values = np.array([trial(seed) for seed in range(trials)], dtype=np.float64)
    spread = values.std(axis=0, ddof=1) if trials > 1 else np.full(values.shape[1:], np.nan)
    mean = values.mean(axis=0)
    return {"mean": mean.round(5).tolist(), "sd": spread.round(5).tolist(), "trials": trials}


def measured(trials: int, largest: int) -> dict[str, Any]:
    """Everything, as plain data."""
    found: dict[str, Any] = {"hopfield": [], "dense": [], "multitasking": [], "willshaw": []}
    for n, loads in HOPFIELD.items():
        for load, wanted in loads.items():
            row = repeated(lambda seed, n=n, load=load: overlap(n, load, seed), trials)
            found["hopfield"].append({"cells": n, "load": load, "specification": wanted, **row})
    for (p, n), wanted in DENSE.items():
        for factor, one in zip(FACTORS, wanted, strict=True):
            row = repeated(lambda s, p=p, n=n, f=factor: right_bits(p, n, f, s), trials)
            found["dense"].append(
                {"p": p, "cells": n, "factor": factor, "specification": one, **row}
            )
    for d, wanted in MULTITASKING.items():
        row = repeated(lambda seed, d=d: magnetisations(d, seed), trials)
        theory = ref.diluted_magnetisations(4, d).round(4).tolist()
        found["multitasking"].append(
            {"dilution": d, "specification": wanted, "theory": theory, **row}
        )
    for n, k in WILLSHAW.items():
        for load in LOADS if n <= largest else ():
            few = max(min(trials // 10, 20_000 // n), 1)
            row = repeated(lambda seed, n=n, load=load: willshaw(n, load, seed), few)
            pairs = round(load * ref.willshaw_capacity(k / n, k / n))
            sizes = {"n_inputs": n, "n_outputs": n, "input_active": k, "output_active": k}
            theory = [
                ref.willshaw_false_bits(pairs, **sizes, exact=True),
                ref.willshaw_bits_per_synapse(pairs, **sizes, exact=True),
            ]
            found["willshaw"].append(
                {"cells": n, "active": k, "load": load, "pairs": pairs, "theory": theory, **row}
            )
    return found


def half_width(row: dict[str, Any], k: int | None = None) -> float:
    """Half of the 95 % interval of a mean."""
    spread = row["sd"] if k is None else row["sd"][k]
    return float(1.96 * spread / np.sqrt(row["trials"]))


def report(found: dict[str, Any]) -> None:
    """Print the tables of the documentation."""
    print("\n| cells | load | to reproduce | measured (95 % interval) | SD of a trial | theory |")
    print("|---|---|---|---|---|---|")
    for row in found["hopfield"]:
        print(
            f"| {row['cells']} | {row['load']:g} | {row['specification']:.3f} | "
            f"{row['mean']:.3f} ± {half_width(row):.3f} | {row['sd']:.3f} | "
            f"{ref.hopfield_overlap(row['load']):.3f} |"
        )
    print("\n| p, cells | K/K* | to reproduce | measured (95 % interval) | SD of a trial |")
    print("|---|---|---|---|---|")
    for row in found["dense"]:
        print(
            f"| {row['p']}, {row['cells']} | {row['factor']:g} | {row['specification']:.3f} | "
            f"{row['mean']:.3f} ± {half_width(row):.3f} | {row['sd']:.3f} |"
        )
    print("\n| d | to reproduce | measured | SD of a trial | theory |")
    print("|---|---|---|---|---|")
    for row in found["multitasking"]:
        cells = [row["specification"], row["mean"], row["sd"], row["theory"]]
        text = [" ".join(f"{value:.3f}" for value in cell) for cell in cells]
        print(f"| {row['dilution']:g} | {' | '.join(text)} |")
    print("\n| N, k | load | pairs | exact recall | false bits | exact theory | bits per synapse |")
    print("|---|---|---|---|---|---|---|")
    for row in found["willshaw"]:
        exact, extra, bits = row["mean"]
        print(
            f"| {row['cells']}, {row['active']} | {row['load']:g} | {row['pairs']:,} | "
            f"{exact:.3f} | {extra:.3f} | {row['theory'][0]:.3f} | {bits:.3f} |"
        )


def draw(found: dict[str, Any]) -> dict[str, Any]:
    """Draw the four families with their laws; returns the figures by name."""
    pictures = {
        "reference_spins": {
            "Hopfield network, from a stored pattern": draw_hopfield,
            "dense associative memory, 10 % of the cue flipped": draw_dense,
        },
        "reference_sparse": {
            "multitasking network, N = 20,000, four patterns": draw_multitasking,
            "Willshaw memory, log₂ N active cells": draw_willshaw,
        },
    }
    figures = {}
    for name, parts in pictures.items():
        panels = sm.plotting.new_panels(10.0, 3.6, columns=2)
        for ax, (text, part) in zip(panels, parts.items(), strict=True):
            part(ax, found)
            sm.plotting.title(ax, text)
        figures[name] = panels[0].figure
    return figures


def draw_hopfield(ax: Any, found: dict[str, Any]) -> None:
    """Overlap against load, with the solution for large N and both capacities."""
    loads = np.linspace(0.04, 0.21, 400)
    theory = [ref.hopfield_overlap(load) for load in loads]
    ax.plot(loads, theory, color="0.6", label="theory, N → ∞")
    for color, n in zip(sm.plotting.COLORS, HOPFIELD, strict=False):
        rows = [row for row in found["hopfield"] if row["cells"] == n]
        x = [row["load"] for row in rows]
        bars = [half_width(row) for row in rows]
        ax.errorbar(x, [r["mean"] for r in rows], bars, fmt="o", color=color, markersize=4,
                    capsize=2, label=f"N = {n}")  # fmt: skip
        ax.plot(x, [r["specification"] for r in rows], "x", color=color, markersize=6)
    ax.plot([], [], "x", color="0.4", label="to reproduce")
    for load, name in ((0.138, "0.138 N"), (1 / (2 * np.log(1000)), "N/(2 ln N), N = 1000")):
        ax.axvline(load, color="0.6", linewidth=0.8, linestyle="--")
        ax.annotate(name, (load, 0.03), xytext=(-3, 0), textcoords="offset points", rotation=90,
                    ha="right", va="bottom", fontsize="small", color="0.4")  # fmt: skip
    ax.set(xlabel="load (patterns per cell)", ylabel="overlap", ylim=(-0.03, 1.05))
    ax.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.2, 0.15))


def draw_dense(ax: Any, found: dict[str, Any]) -> None:
    """Right bits against load; the law is load 1."""
    for color, (p, n) in zip(sm.plotting.COLORS, DENSE, strict=False):
        rows = [row for row in found["dense"] if row["p"] == p]
        x = [row["factor"] for row in rows]
        bars = [half_width(row) for row in rows]
        name = f"p = {p}, N = {n}, K* = {round(ref.dense_capacity(n, p))}"
        ax.errorbar(x, [r["mean"] for r in rows], bars, fmt="o-", color=color, markersize=4,
                    capsize=2, label=name)  # fmt: skip
        ax.plot(x, [r["specification"] for r in rows], "x", color=color, markersize=6)
    ax.plot([], [], "x", color="0.4", label="to reproduce")
    ax.axvline(1.0, 0.28, 1.0, color="0.6", linewidth=0.8, linestyle="--")
    ax.annotate(r"$K^* = N^{p-1}/(2(2p-3)!!\,\ln N)$", (1.0, 1.05), xytext=(4, 0), color="0.4",
                textcoords="offset points", fontsize="small")  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.set_xticks(FACTORS, [f"{factor:g}" for factor in FACTORS])
    ax.set(xlabel="load (patterns over K*)", ylabel="right bits", ylim=(0.5, 1.1))
    ax.legend(frameon=False, fontsize="small", loc="lower left")


def draw_multitasking(ax: Any, found: dict[str, Any]) -> None:
    """Magnetisations against dilution, on the law."""
    dilutions = np.linspace(0.0, 1.0, 101)
    theory = np.array([ref.diluted_magnetisations(4, d) for d in dilutions])
    rows = found["multitasking"]
    x = [row["dilution"] for row in rows]
    for k, color in zip(range(4), sm.plotting.COLORS, strict=False):
        ax.plot(dilutions, theory[:, k], color=color, linewidth=1.0)
        ax.errorbar(x, [r["mean"][k] for r in rows], [half_width(r, k) for r in rows], fmt="o",
                    color=color, markersize=4, capsize=2, label=f"pattern {k + 1}")  # fmt: skip
        ax.plot(x, [r["specification"][k] for r in rows], "x", color=color, markersize=6)
    ax.plot([], [], "x", color="0.4", label="to reproduce")
    ax.plot([], [], color="0.4", linewidth=1.0, label=r"$(1 - d)\,d^{\mu - 1}$")
    ax.set(xlabel="dilution d", ylabel="magnetisation", ylim=(-0.02, 1.0))
    ax.legend(frameon=False, fontsize="small", loc="upper right")


def draw_willshaw(ax: Any, found: dict[str, Any]) -> None:
    """Bits per synapse against load, with the exact theory, below ln 2."""
    sizes = sorted({row["cells"] for row in found["willshaw"]})
    for color, n in zip(sm.plotting.COLORS, sizes, strict=False):
        rows = [row for row in found["willshaw"] if row["cells"] == n]
        x = [row["load"] for row in rows]
        ax.plot(x, [row["theory"][1] for row in rows], color=color, linewidth=1.0)
        ax.plot(x, [row["mean"][2] for row in rows], "o", color=color, markersize=4,
                label=f"N = {n:,}")  # fmt: skip
    ax.axhline(ref.WILLSHAW_BITS_PER_SYNAPSE, color="0.6", linewidth=0.8, linestyle="--")
    ax.annotate("ln 2", (LOADS[0], np.log(2)), xytext=(0, 3), textcoords="offset points",
                fontsize="small", color="0.4")  # fmt: skip
    ax.set(xlabel="load (1: half of the synapses set)", ylabel="information per synapse (bits)")
    ax.set_ylim(0.0, 0.75)
    ax.legend(frameon=False, fontsize="small", loc="lower right", ncols=2)


def main() -> None:
    """Measure, print, save and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few trials, small Willshaw memories")
    parser.add_argument("--trials", type=int, default=400, help="networks for each point")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    parser.add_argument("--plot", type=Path, help="draw them into this folder")
    options = parser.parse_args()
    began = time.process_time()
    found = measured(20, 1000) if options.quick else measured(options.trials, 10_000)
    report(found)
    print(f"\n{time.process_time() - began:.0f} s of CPU time")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        for name, figure in draw(found).items():
            figure.savefig(options.plot / f"{name}.png", dpi=90)


if __name__ == "__main__":
    main()
