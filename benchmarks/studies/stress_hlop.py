"""How many tasks a continual learner keeps: Hebbian projection against plain training.

Tasks are scikit-learn's digits with their pixels in another order each time: 400 digits to learn,
100 others to test with; 64-100-10 neurons, 5 epochs. A task is kept if 70 % of its test is right.
Measured are the tasks kept and the mean accuracy after each number of tasks, what is left of a task
by the number of tasks after it, and what repeating earlier tasks changes.

    python benchmarks/studies/stress_hlop.py            # table and figure from the kept numbers
    python benchmarks/studies/stress_hlop.py --again    # measured anew, about five minutes
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from stress_tables import kept, rows_of, save_figure, series, table

from spikemem.networks.hlop.stress import HLOPSubject
from spikemem.stress.sweep import Sweep

METHODS = {"hlop": "HLOP", "svd": "SVD subspaces", "naive": "plain training"}
TASKS = (1, 2, 3, 5, 8, 12, 18)
SCHEDULES = ("none", "uniform", "power", "exponential")


def capacities(trials: int) -> list[dict[str, Any]]:
    """Tasks kept and accuracy against the number of tasks."""
    sweep = Sweep(HLOPSubject, "capacity", trials=trials,
                  vary={"method": list(METHODS), "n_items": TASKS})  # fmt: skip
    return rows_of(sweep.run(progress=True), "exact_recall", "accuracy", "accuracy_when_learnt",
                   "backward_transfer", "footprint")  # fmt: skip


def forgetting(trials: int) -> list[dict[str, Any]]:
    """Accuracy of a task by the number of later ones."""
    sweep = Sweep(HLOPSubject, "retention", trials=trials, vary={"method": list(METHODS)},
                  fixed={"n_items": 12, "n_lags": None})  # fmt: skip
    return rows_of(sweep.run(progress=True), "bits_by_lag", "lag", "retained")


def rehearsals(trials: int) -> list[dict[str, Any]]:
    """Ten tasks, each followed by one task that is repeated."""
    sweep = Sweep(HLOPSubject, "rehearsal", trials=trials,
                  vary={"method": ["hlop", "naive"], "schedule": list(SCHEDULES)},
                  fixed={"n_items": 10, "massed": True})  # fmt: skip
    return rows_of(sweep.run(progress=True), "exact_recall", "accuracy")


def measure() -> dict[str, Any]:
    """All numbers of the study."""
    return {"capacity": capacities(5), "forgetting": forgetting(5), "rehearsal": rehearsals(4)}


def figure(found: dict[str, Any]) -> None:
    """Accuracy and tasks kept against the number of tasks; accuracy by age."""
    from spikemem.plotting.axes import COLORS, GREY, new_panels, title

    panels = new_panels(10.0, 3.1, columns=3)
    for colour, (method, name) in zip(COLORS, METHODS.items(), strict=False):
        for ax, measured in zip(panels, ("accuracy", "exact_recall"), strict=False):
            x, y, low, high = series(found["capacity"], "n_items", measured, method=method)
            ax.errorbar(x, y, [y - low, high - y], color=colour, marker="o", ms=3, lw=1.2,
                        capsize=2, label=name)  # fmt: skip
        row = next(r for r in found["forgetting"] if r["method"] == method)
        lag = np.asarray(row["lag"], dtype=float)
        panels[2].plot(lag, row["bits_by_lag"], color=colour, marker="o", ms=3, lw=1.2)
        panels[2].fill_between(lag, np.asarray(row["bits_by_lag_low"], dtype=float),
                               np.asarray(row["bits_by_lag_high"], dtype=float), color=colour,
                               alpha=0.15, lw=0)  # fmt: skip
    panels[0].set_ylabel("accuracy, mean over the tasks")
    panels[1].set_ylabel("tasks kept (fraction)")
    panels[2].set_ylabel("accuracy of a task")
    for ax in panels[:2]:
        ax.set_xlabel("tasks learnt")
    panels[2].set_xlabel("tasks learnt since")
    for ax in panels:
        ax.set_ylim(0, 1.03)
    for ax in (panels[0], panels[2]):
        ax.axhline(0.1, color=GREY, lw=0.8)
    for ax, text in zip(panels, ("Accuracy", "70 % right or more", "12 tasks"), strict=True):
        title(ax, text)
    handles, names = panels[0].get_legend_handles_labels()
    panels[0].figure.legend(handles, names, frameon=False, fontsize=8, ncols=3,
                            loc="outside lower center")  # fmt: skip
    print("written:", save_figure(panels, "stress_hlop"))


def main() -> None:
    """Measure or read, print the tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="measure anew")
    found = kept("stress_hlop", measure, again=parser.parse_args().again)
    rows = []
    for n in TASKS:
        row: dict[str, Any] = {"n": n}
        for method in METHODS:
            mine = next(r for r in found["capacity"] if (r["n_items"], r["method"]) == (n, method))
            row[method] = f"{mine['accuracy']:.2f}, {mine['exact_recall']:.2f}"
        rows.append(row)
    print("\nAccuracy, tasks kept (fraction)\n")
    print(table(rows, {"n": "tasks", **METHODS}))
    print("\nTen tasks, each followed by one repeated: accuracy, tasks kept\n")
    rows = []
    for schedule in SCHEDULES:
        row = {"schedule": schedule}
        for method in ("hlop", "naive"):
            mine = next(r for r in found["rehearsal"]
                        if (r["schedule"], r["method"]) == (schedule, method))  # fmt: skip
            row[method] = f"{mine['accuracy']:.2f}, {mine['exact_recall']:.2f}"
        rows.append(row)
    print(table(rows, {"schedule": "schedule", "hlop": METHODS["hlop"], "naive": METHODS["naive"]}))
    figure(found)


if __name__ == "__main__":
    main()
