"""How often dendritic segments err, beside the exact theory: false matches and misses.

A neuron has 128 segments of 20 synapses over 512 cells, each on a pattern of its own. Novel
patterns of as many active cells are shown, and the neuron responds falsely if one segment reaches
its threshold: equation 8 of Ahmad and Hawkins (2016). Then 128 neurons of one segment are shown
their own patterns with some of the active cells swapped for others, and each misses if its segment
stays below the threshold: equation 6.

    python benchmarks/studies/stress_dendrites.py          # table and figure from the kept numbers
    python benchmarks/studies/stress_dendrites.py --again  # measured anew, about two minutes
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from stress_tables import kept, rows_of, save_figure, series, table

from spikemem.networks.dendrites import (
    false_negative_probability,
    population_false_positive_probability,
)
from spikemem.stress.sweep import Sweep

CELLS, SEGMENTS, SYNAPSES = 512, 128, 20
ACTIVES, THETAS, LOADS = (20, 40, 60), (5, 6, 7, 8, 9, 10, 12), (0.0625, 0.25, 0.5, 1.0)
SWAPPED = tuple(np.round(np.arange(0.0, 0.801, 0.1), 1).tolist())
TRIALS, NOVEL = 60, 500
SIZES = {"n_inputs": CELLS, "synapses_per_segment": SYNAPSES}


def false_matches() -> list[dict[str, Any]]:
    """Rates of false matches, with equation 8."""
    sweep = Sweep(
        "ActiveDendriteNeurons", "recognition", trials=TRIALS,
        vary={"active": ACTIVES, "theta": THETAS, "load": LOADS},
        fixed={**SIZES, "n_segments": SEGMENTS, "n_probes": 1, "n_novel": NOVEL},
    )  # fmt: skip
    rows = rows_of(sweep.run(progress=True), "false_matches")
    for row in rows:
        row["theory"] = float(population_false_positive_probability(
            n=CELLS, a=row["active"], s=min(SYNAPSES, row["active"]), theta=row["theta"],
            m=round(row["load"] * SEGMENTS),
        ))  # fmt: skip
    return rows


def misses(backend: str, thetas: tuple[int, ...], trials: int) -> list[dict[str, Any]]:
    """Rates of misses, with equation 6."""
    found = []
    for swapped in SWAPPED:
        sweep = Sweep(
            "ActiveDendriteNeurons", "capacity", trials=trials,
            vary={"theta": thetas, "active": (40,)},
            fixed={**SIZES, "n_somas": SEGMENTS, "n_segments": 1, "load": 1.0, "backend": backend,
                   "cue_loss": swapped, "wrong_bits": swapped},
        )  # fmt: skip
        for row in rows_of(sweep.run(progress=True), "misses"):
            row["theory"] = float(false_negative_probability(
                a=40, s=SYNAPSES, theta=row["theta"], v=round(40 * swapped)
            ))  # fmt: skip
            found.append({"backend": backend, "swapped": swapped, **row})
    return found


def agreement() -> dict[str, Any]:
    """Whether the network of spiking cells errs in the same trials as the algorithm."""
    values = {}
    for backend in ("expected", "native"):
        sweep = Sweep(
            "ActiveDendriteNeurons", "capacity", trials=4,
            vary={"cue_loss": (0.3, 0.4, 0.5, 0.6)},
            fixed={**SIZES, "n_somas": SEGMENTS, "n_segments": 1, "load": 1.0, "theta": 10,
                   "backend": backend, "wrong_bits": 0.4},
        )  # fmt: skip
        points = sweep.run(progress=True).points
        values[backend] = [
            float(x.item()) for point in points for x in point.columns["misses"].values
        ]
    same = sum(a == b for a, b in zip(*values.values(), strict=True))
    return {"trials": len(values["native"]), "same": same,
            "misses": float(np.mean(values["native"]))}  # fmt: skip


def measure() -> dict[str, Any]:
    """All numbers of the study."""
    return {
        "false_matches": false_matches(),
        "misses": misses("expected", (6, 8, 10, 12, 14), 20),
        "agreement": [agreement()],
    }


def judged(rows: list[dict[str, Any]], measure: str, asked: int) -> None:
    """Set the count of each row, and what its 95 % interval is.

    Of rare errors the interval is Wilson's, of others that of the trials (Student): items of one
    trial meet the same segments.
    """
    from spikemem.stress.intervals import wilson

    for row in rows:
        row["count"] = round(row[measure] * asked)
        if min(row["count"], asked - row["count"]) < 30:
            low, high = wilson(row["count"], asked)
            row[f"{measure}_low"], row[f"{measure}_high"] = float(low), float(high)
        row["inside"] = row[f"{measure}_low"] <= row["theory"] <= row[f"{measure}_high"]


def figure(found: dict[str, Any]) -> None:
    """False matches against theta and against load; misses against noise; lines: the theory."""
    from spikemem.plotting.axes import COLORS, new_panels, title

    panels = new_panels(10.0, 3.2, columns=3)
    left, middle, right = panels
    thetas = np.arange(5, 13)
    loads = np.geomspace(0.05, 1.0, 40)
    for colour, active in zip(COLORS, ACTIVES, strict=False):
        law = population_false_positive_probability(
            n=CELLS, a=active, s=SYNAPSES, theta=thetas, m=SEGMENTS
        )
        left.plot(thetas, law, color=colour, lw=1.2, label=f"{active} active")
        _points(left, found["false_matches"], "theta", "false_matches", colour, active=active,
                load=1.0)  # fmt: skip
        middle.plot(loads * SEGMENTS, population_false_positive_probability(
            n=CELLS, a=active, s=SYNAPSES, theta=8, m=np.round(loads * SEGMENTS).astype(int)
        ), color=colour, lw=1.2)  # fmt: skip
        rows = [{**r, "items": r["load"] * SEGMENTS} for r in found["false_matches"]]
        _points(middle, rows, "items", "false_matches", colour, active=active, theta=8)
    swapped = np.arange(33)
    for colour, theta in zip(COLORS, (6, 8, 10, 12, 14), strict=False):
        law = false_negative_probability(a=40, s=SYNAPSES, theta=theta, v=swapped)
        right.plot(swapped / 40, law, color=colour, lw=1.2, label=f"{theta}")
        _points(right, found["misses"], "swapped", "misses", colour, theta=theta)
    for ax in (left, middle):
        ax.set_yscale("log")
        ax.set_ylim(1e-6, 2)
        ax.set_ylabel("false matches (fraction)")
    middle.set_xscale("log", base=2)
    middle.set_xticks([8, 32, 64, 128], ["8", "32", "64", "128"])
    left.set_xlabel("threshold (synapses)")
    middle.set_xlabel("patterns stored")
    right.set_xlabel("active cells swapped (fraction)")
    right.set_ylabel("misses (fraction)")
    title(left, "128 patterns")
    title(middle, "threshold 8")
    title(right, "40 active")
    left.legend(frameon=False, fontsize=8, loc="lower left")
    right.legend(frameon=False, fontsize=8, title="threshold", title_fontsize=8, loc="upper left")
    print("written:", save_figure(panels, "stress_dendrites"))


def _points(ax: Any, rows: list[dict[str, Any]], x: str, y: str, colour: str,
            **where: Any) -> None:  # fmt: skip
    at, value, low, high = series(rows, x, y, **where)
    seen = value > 0
    error = np.stack([value - np.maximum(low, 0), high - value])[:, seen]
    ax.errorbar(at[seen], value[seen], np.maximum(error, 0), fmt="o", ms=3, lw=0.9, color=colour)


def main() -> None:
    """Measure or read, print the tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="measure anew")
    found = kept("stress_dendrites", measure, again=parser.parse_args().again)
    judged(found["false_matches"], "false_matches", TRIALS * NOVEL)
    judged(found["misses"], "misses", 20 * SEGMENTS)
    heads = {"count": "errors", "theory": "theory", "inside": "inside"}
    for measure_name, axes in (("false_matches", ("active", "theta", "load")),
                               ("misses", ("theta", "swapped"))):  # fmt: skip
        shown = {name: name for name in (*axes, measure_name, f"{measure_name}_low",
                                         f"{measure_name}_high")}  # fmt: skip
        rows = found[measure_name]
        print("\n" + table(rows, shown | heads))
        print(f"\n{sum(r['inside'] for r in rows)} of {len(rows)} intervals hold the theory")
    print("\nnetwork of spiking cells:", found["agreement"][0])
    figure(found)


if __name__ == "__main__":
    main()
