"""How many random patterns a mac holds, against Q, K and load; and what similar codes cost.

One mac of Q competitive modules of K cells, 144 inputs, 20 of them active in a pattern, learnt in
one trial each; weights do not freeze. Then every pattern is shown again, whole or with 20 % of its
active inputs exchanged for others, and the winners are compared with those of learning. Capacity is
the load at which 90 % of the winners are right, by bisection; load 1 is K * 144 / 20 patterns.

Codes are selected in two ways: as in the classification of images (chi = 1000: similar inputs get
similar codes), and at random (chi = 0), for which the recall has a formula.

    python benchmarks/studies/stress_sparsey.py            # table and figure from the kept numbers
    python benchmarks/studies/stress_sparsey.py --again    # measured anew, about two minutes
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from stress_tables import kept, rows_of, save_figure, series, table

from spikemem.networks.sparsey import random_code_recall
from spikemem.networks.sparsey.stress import SparseySubject
from spikemem.stress.bisection import Bisect
from spikemem.stress.scaling import scaling_exponent
from spikemem.stress.sweep import Sweep

QS, KS, CHIS = (4, 9, 16, 25, 49), (4, 8, 16, 32, 64), (0.0, 1000.0)
LOADS = tuple(np.round(np.arange(0.1, 2.01, 0.1), 2).tolist())
CUES: dict[str, dict[str, float]] = {"exact": {}, "noisy": {"cue_loss": 0.2, "wrong_bits": 0.2}}


def curves(trials: int) -> list[dict[str, Any]]:
    """Recall against load."""
    sweep = Sweep(
        SparseySubject, "capacity", trials=trials,
        vary={"n_modules": [9, 49], "cells_per_module": [8, 16, 32], "chi": CHIS, "load": LOADS},
    )  # fmt: skip
    return rows_of(sweep.run(progress=True), "bit_recall", "exact_recall",
                   "information_per_synapse")  # fmt: skip


def capacities(
    trials: int, qs: Sequence[int] = QS, ks: Sequence[int] = KS, chis: Sequence[float] = CHIS,
    cues: Sequence[str] = tuple(CUES),
) -> list[dict[str, Any]]:  # fmt: skip
    """Loads at which 90 % of the winners are right."""
    found = []
    for cue in cues:
        search = Bisect(0.01, 8.0, criterion=0.9, measure="bit_recall", scale="log",
                        tolerance=0.05)  # fmt: skip
        sweep = Sweep(
            SparseySubject, "capacity", trials=trials, fixed=CUES[cue],
            vary={"n_modules": qs, "cells_per_module": ks, "chi": chis, "load": search},
        )  # fmt: skip
        results = sweep.run(progress=True)
        for one in results.capacities():
            subject = SparseySubject(**one.values)
            load, low, high = one.value, one.low, one.high
            if not high < 1.5 * low:
                # The fit did not find the crossing: the points of the search beside it do.
                load, low, high = neighbours(results.rows(), one.values)
            found.append({
                "cue": cue, **one.values, "load": load, "load_low": low, "load_high": high,
                "items": load * subject.scale, "items_low": low * subject.scale,
                "items_high": high * subject.scale, "synapses": subject.n_synapses,
            })  # fmt: skip
    return found


def neighbours(rows: list[dict[str, Any]], values: dict[str, Any]) -> tuple[float, float, float]:
    """Load at the criterion between the two nearest points of a search, and these points."""
    x, y, _, _ = series(rows, "load", "bit_recall", **values)
    k = int(np.flatnonzero(y >= 0.9)[-1])
    part = (y[k] - 0.9) / (y[k] - y[k + 1])
    return float(x[k] + part * (x[k + 1] - x[k])), float(x[k]), float(x[k + 1])


def exponents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Growth of the capacity with K at each Q, and with Q at each K: exponents of power laws."""
    found = []
    for cue in CUES:
        for chi in CHIS:
            for along, other, fixed in (
                ("cells_per_module", "n_modules", 16), ("n_modules", "cells_per_module", 16),
            ):  # fmt: skip
                mine = [r for r in rows if (r["cue"], r["chi"], r[other]) == (cue, chi, fixed)
                        and r["items"] and np.isfinite(r["items"])]  # fmt: skip
                fit = scaling_exponent([r[along] for r in mine], [r["items"] for r in mine])
                found.append({"cue": cue, "chi": chi, "along": along, "exponent": fit.exponent,
                              "error": fit.exponent_error})  # fmt: skip
    return found


def measure() -> dict[str, Any]:
    """All numbers of the study."""
    found = capacities(8)
    return {"curves": curves(6), "capacities": found, "exponents": exponents(found)}


def figure(found: dict[str, Any]) -> None:
    """Recall against load with the formula; capacity against K; capacity against Q."""
    from spikemem.plotting.axes import COLORS, GREY, new_panels, title

    left, middle, right = panels = new_panels(10.0, 3.1, columns=3)
    for colour, k in zip(COLORS, (8, 16, 32), strict=False):
        for chi, style in ((0.0, "o"), (1000.0, "-")):
            x, y, _, _ = series(found["curves"], "load", "bit_recall", n_modules=9,
                                cells_per_module=k, chi=chi)  # fmt: skip
            label = f"K = {k}" if chi else None
            left.plot(x, y, style, color=colour, ms=2.5, lw=1.2, label=label)
        loads = np.linspace(0.02, 2.0, 60)
        law = [random_code_recall(max(round(a * k * 7.2), 1), k, 144, 20) for a in loads]
        left.plot(loads, law, ":", color=colour, lw=1.0)
    left.axhline(0.9, color=GREY, lw=0.8)
    left.set_xlabel("load (patterns / 7.2 K)")
    left.set_ylabel("right winners (fraction)")
    left.set_ylim(0, 1.03)
    title(left, "Q = 9")
    for ax, along, other in ((middle, "cells_per_module", "n_modules"),
                             (right, "n_modules", "cells_per_module")):  # fmt: skip
        for colour, (cue, chi, name) in zip(
            COLORS,
            (("exact", 0.0, "random codes"), ("exact", 1000.0, "similar codes"),
             ("noisy", 0.0, "random, noisy cue"), ("noisy", 1000.0, "similar, noisy cue")),
            strict=False,
        ):  # fmt: skip
            x, y, low, high = series(found["capacities"], along, "items", cue=cue, chi=chi,
                                     **{other: 16})  # fmt: skip
            ax.errorbar(x, y, [y - low, high - y], color=colour, marker="o", ms=3, lw=1.2,
                        capsize=2, label=name)  # fmt: skip
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(x, [f"{n:g}" for n in x])
        ax.minorticks_off()
        ax.set_yticks([3, 10, 30, 100, 300], ["3", "10", "30", "100", "300"])
    middle.set_xlabel("K, cells of a module")
    middle.set_ylabel("patterns held")
    right.set_xlabel("Q, modules")
    title(middle, "Q = 16")
    title(right, "K = 16")
    handles, labels = middle.get_legend_handles_labels()
    more = left.get_legend_handles_labels()
    panels[0].figure.legend(more[0] + handles, more[1] + labels, frameon=False, fontsize=8,
                            loc="outside lower center", ncols=7, columnspacing=1.0)  # fmt: skip
    print("written:", save_figure(panels, "stress_sparsey"))


def main() -> None:
    """Measure or read, print the tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="measure anew")
    found = kept("stress_sparsey", measure, again=parser.parse_args().again)
    print("\nPatterns held (90 % of the winners right)\n")
    rows = []
    for q in QS:
        row: dict[str, Any] = {"Q": q}
        for k in KS:
            for chi in CHIS:
                mine = [r for r in found["capacities"] if r["n_modules"] == q
                        and r["cells_per_module"] == k and r["chi"] == chi]  # fmt: skip
                each = {r["cue"]: "-" if r["items"] is None else f"{r['items']:.0f}" for r in mine}
                row[f"{k} {chi:g}"] = f"{each['exact']} / {each['noisy']}"
        rows.append(row)
    for chi, name in ((0.0, "random codes"), (1000.0, "similar codes")):
        print(table(rows, {"Q": name, **{f"{k} {chi:g}": f"K = {k}" for k in KS}}), "\n")
    heads = {"cue": "cue", "chi": "chi", "along": "grows along", "exponent": "exponent",
             "error": "standard error"}  # fmt: skip
    print(table(found["exponents"], heads))
    figure(found)


if __name__ == "__main__":
    main()
