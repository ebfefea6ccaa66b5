"""What memory devices do to every family of models, at one load each.

The weights of the plastic projections of each model are written into a device, and the network is
run by backend "native". Items were learnt on exact weights, except those of the liquid, whose
readout is trained on the liquid as the device holds it: it is asked for the last two of a stream of
digits. Cues of dendrites lack 30 % of their bits, those of the hierarchy 10 %. Each trial has a
twin without a device, so that what is lost is that of the same items and cues. The script serves
all models: it knows them by their names and settings alone.

    python benchmarks/studies/stress_devices.py            # table and figure from the kept numbers
    python benchmarks/studies/stress_devices.py --again    # measured anew, about five minutes
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from stress_tables import kept, save_figure, table

from spikemem.stress.sweep import Sweep

DAY, YEAR = 86400.0, 365 * 86400.0

MODELS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "CA3": ("CA3Memory", 8, {"n_cues": 30, "n_contents": 40, "load": 0.7}),
    "dendrites": (
        "ActiveDendriteNeurons",
        8,
        {"n_inputs": 512, "n_segments": 24, "n_somas": 4, "load": 0.5, "n_probes": 24,
         "cue_loss": 0.3},
    ),
    "Sparsey": ("Sparsey", 8, {"load": 0.35, "cue_loss": 0.1, "chi": 0.0}),
    "liquid": ("LiquidStateMachine", 40, {"n_neurons": 100, "n_train": 300, "n_items": 2}),
    "HLOP": (
        "HLOPClassifier",
        8,
        {"spiking_form": True, "hidden": 80, "n_items": 2, "tests": 60, "pass_mark": 0.6},
    ),
}  # fmt: skip
"""Model, trials and settings of each family."""

DEVICES: dict[str, dict[str, Any]] = {
    "none": {},
    "Ideal": {"device": "Ideal"},
    "PCM, 1 min": {"device": "PCM", "drift_time": 60.0},
    "PCM, 1 day": {"device": "PCM", "drift_time": DAY},
    "PCM, 1 year": {"device": "PCM", "drift_time": YEAR},
    "HERMES": {"device": "HERMES"},
    "Wan RRAM, 1 s": {"device": "WanRRAM", "drift_time": 1.0},
    "Wan RRAM, 1 day": {"device": "WanRRAM", "drift_time": DAY},
    "CMO/HfOx": {"device": "CMOHfOx"},
    "SONOS": {"device": "SONOS"},
    "programming noise 10 %": {"programming_noise": 0.1},
    "2-bit weights": {"weight_bits": 2},
    "stuck 5 %": {"device": "Ideal", "stuck": 0.05},
    "failed synapses 10 %": {"synapse_failure": 0.1},
}
"""Conditions of each row."""


def measure() -> list[dict[str, Any]]:
    """All numbers of the study: one row for each model and device."""
    found = []
    for family, (model, trials, settings) in MODELS.items():
        for device, conditions in DEVICES.items():
            began = time.process_time()
            sweep = Sweep(model, "noise", trials=trials,
                          fixed={"backend": "native", **settings, **conditions})  # fmt: skip
            results = sweep.run()
            row = results.rows()[0]
            failures = [f.error for p in results.points for f in p.failures]
            names = ("exact_recall", "exact_recall_low", "exact_recall_high", "bit_recall",
                     "recall_lost", "recall_lost_low", "recall_lost_high")  # fmt: skip
            found.append({"family": family, "device": device, "failed": row["failed"],
                          **{name: row[name] for name in names},
                          "error": failures[0] if failures else "",
                          "cpu": time.process_time() - began})  # fmt: skip
            print(f"{family:12}{device:24}{row['exact_recall']:8.3f}{row['bit_recall']:8.3f}"
                  f"{row['failed']:4d} failed  {found[-1]['cpu']:5.1f} s of CPU", file=sys.stderr,
                  flush=True)  # fmt: skip
    return found


def figure(found: list[dict[str, Any]]) -> None:
    """Map of exact recall, a row for each device and a column for each family."""
    from spikemem.plotting.axes import MAP, color_bar, new_axes

    values = np.array([[_of(found, family, device)["exact_recall"] for family in MODELS]
                       for device in DEVICES], dtype=float)  # fmt: skip
    ax = new_axes(6.0, 5.0)
    image = ax.imshow(values, cmap=MAP, vmin=0.0, vmax=1.0, aspect="auto")
    ax.set_xticks(range(len(MODELS)), list(MODELS))
    ax.set_yticks(range(len(DEVICES)), list(DEVICES))
    ax.tick_params(length=0)
    for k, row in enumerate(values):
        for j, value in enumerate(row):
            if np.isfinite(value):
                ax.text(j, k, f"{value:.2f}", ha="center", va="center", fontsize=8,
                        color="white" if value < 0.6 else "black")  # fmt: skip
    color_bar(ax, image, "exact recall (fraction)")
    print("written:", save_figure([ax], "stress_devices"))


def _of(found: list[dict[str, Any]], family: str, device: str) -> dict[str, Any]:
    return next(r for r in found if (r["family"], r["device"]) == (family, device))


def main() -> None:
    """Measure or read, print the table, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="measure anew")
    found = kept("stress_devices", measure, again=parser.parse_args().again)
    rows = []
    for device in DEVICES:
        cells = {}
        for family in MODELS:
            row = _of(found, family, device)
            value = row["exact_recall"]
            bits = row["bit_recall"]
            lost = row["recall_lost"]
            cells[family] = "-" if value is None else f"{value:.2f}, {lost:+.2f} ({bits:.2f})"
        rows.append({"device": device, **cells})
    print("\nExact recall; what is lost of that of the twins; in brackets the bits recalled\n")
    print(table(rows, {"device": "device", **{family: family for family in MODELS}}))
    figure(found)


if __name__ == "__main__":
    main()
