"""What a CA3 memory recalls, published against robust: load, size of the fragment, spacing.

A memory of 32 cues and 64 content bits stores random contents of 4 bits, one a cue, by operations
in the same run. Then each is asked for by a fragment of 1 to 4 of its bits, and the answer is right
if it names just the cues that hold one of these bits (match "any"). Items beyond load 1 replace
others. Recalls by cue, jitter of the input spikes and background spikes are tested besides. The
published circuit is tested as it is, and without the inhibition of each address by itself.

    python benchmarks/studies/stress_ca3.py            # table and figure from the kept numbers
    python benchmarks/studies/stress_ca3.py --again    # measured anew, about two minutes
"""

from __future__ import annotations

import argparse
from typing import Any

from stress_tables import kept, rows_of, save_figure, series, table

from spikemem.stress.sweep import Sweep

SIZES = {"n_cues": 32, "n_contents": 64, "content_size": 4, "backend": "native"}
CIRCUITS: dict[str, dict[str, Any]] = {
    "published": {"preset": "published"},
    "no self links": {"preset": "published", "self_links": False},
    "robust": {"preset": "robust"},
}
"""Circuits of the study: name -> settings."""
ASKED: dict[str, dict[str, Any]] = {
    "content": {"probe": "content", "match": "any", "wanted": "match"},
    "cue": {"probe": "cue"},
}
LOADS = (0.125, 0.25, 0.5, 1.0, 1.5, 2.0)
LOSSES = (0.0, 0.25, 0.5, 0.75)
SPACINGS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 30)
FEW = (7, 10, 14, 16, 20)
WIDE = 20
"""Spacing of the disturbed trials, ms: more than either preset needs."""
JITTERS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 1.0)
RATES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
MEASURES = ("exact_recall", "precision", "bit_recall")


def swept(trials: int, asked: str, fixed: dict[str, Any], **vary: Any) -> list[dict[str, Any]]:
    """Rows of a sweep for each circuit."""
    found = []
    for name, circuit in CIRCUITS.items():
        settings = {**SIZES, **circuit, **ASKED[asked], **fixed}
        sweep = Sweep("CA3Memory", "capacity", vary=vary, fixed=settings, trials=trials)
        rows = rows_of(sweep.run(progress=True), *MEASURES)
        found += [{"circuit": name, "asked": asked, **row} for row in rows]
    return found


def measure() -> dict[str, Any]:
    """All numbers of the study."""
    wide = {"spacing": WIDE, "load": 0.5}
    return {
        "grid": swept(10, "content", {}, load=LOADS, cue_loss=LOSSES, spacing=FEW),
        "spacing": swept(10, "content", {"load": 1.0}, cue_loss=(0.0, 0.75), spacing=SPACINGS),
        "cue": swept(10, "cue", {}, load=LOADS[:4], spacing=SPACINGS),
        "jitter": [row for asked in ASKED for row in
                   swept(10, asked, wide, jitter=JITTERS)],
        "background": [row for asked in ASKED for row in
                       swept(10, asked, {**wide, "background_weight": 1.0}, background=RATES)],
    }  # fmt: skip


def figure(found: dict[str, Any]) -> None:
    """Exact recall against spacing, against load for each size of fragment, against jitter."""
    from spikemem.plotting.axes import COLORS, new_panels, title

    panels = new_panels(10.0, 3.2, columns=3)
    left, middle, right = panels
    colours = dict(zip(CIRCUITS, COLORS, strict=False))
    for name, colour in colours.items():
        for loss, style in ((0.75, "-"), (0.0, "--")):
            _line(left, found["spacing"], "spacing", colour, style, circuit=name, cue_loss=loss)
        for asked, style in (("content", "-"), ("cue", ":")):
            _line(right, found["jitter"], "jitter", colour, style, circuit=name, asked=asked)
    for loss, style in zip(LOSSES, ("--", "-.", ":", "-"), strict=True):
        for name in ("no self links", "robust"):
            _line(middle, found["grid"], "load", colours[name], style, circuit=name,
                  cue_loss=loss, spacing=WIDE)  # fmt: skip
    left.set_xlabel("spacing of operations (ms)")
    left.set_ylabel("exact recall (fraction)")
    middle.set_xlabel("load (memories per cue)")
    right.set_xlabel("jitter of input spikes (SD, ms)")
    title(left, "Load 1: 1 bit (lines), 4 bits (dashes)")
    for text, at in (("4 bits", (0.42, 0.5)), ("3", (1.14, 0.53)), ("2", (1.31, 0.68)),
                     ("1", (1.65, 0.93))):  # fmt: skip
        middle.text(*at, text, fontsize=8, color=colours["no self links"])
    title(middle, f"Spacing {WIDE} ms, by content")
    title(right, "By content (lines), by cue (dots)")
    for ax in panels:
        ax.set_ylim(-0.03, 1.05)
    names = ("published", "published without self links", "robust")
    lines = [left.plot([], [], color=colour, label=name)[0]
             for name, colour in zip(names, colours.values(), strict=True)]  # fmt: skip
    left.figure.legend(lines, names, frameon=False, fontsize=8, loc="outside lower center",
                       ncols=3)  # fmt: skip
    print("written:", save_figure(panels, "stress_ca3"))


def _line(ax: Any, rows: list[dict[str, Any]], x: str, colour: str, style: str,
          **where: Any) -> None:  # fmt: skip
    at, y, low, high = series(rows, x, "exact_recall", **where)
    ax.plot(at, y, style, color=colour, lw=1.3)
    ax.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)


def percent(row: dict[str, Any]) -> str:
    """Exact recall with its interval."""
    values = (100 * row[name] for name in ("exact_recall", "exact_recall_low", "exact_recall_high"))
    return "{:.0f} ({:.0f}-{:.0f})".format(*values)


def tables(found: dict[str, Any]) -> None:
    """Print the tables."""
    for name in CIRCUITS:
        rows = []
        for load in LOADS:
            for loss in LOSSES:
                mine = [r for r in found["grid"] if (r["circuit"], r["load"], r["cue_loss"])
                        == (name, load, loss)]  # fmt: skip
                rows.append({"load": load, "bits": round(4 * (1 - loss)),
                             **{f"{r['spacing']} ms": percent(r) for r in mine}})  # fmt: skip
        print(f"\n{name}: exact recall by content, % (95 %)\n")
        print(table(rows, {name: name for name in rows[0]}))
    for part, x in (("cue", "spacing"), ("jitter", "jitter"), ("background", "background")):
        rows = []
        for name in CIRCUITS:
            for asked in ASKED:
                mine = [r for r in found[part] if (r["circuit"], r["asked"]) == (name, asked)
                        and r.get("load", 1.0) == 1.0]  # fmt: skip
                if mine:
                    rows.append({"circuit": name, "asked by": asked,
                                 **{f"{r[x]:g}": percent(r) for r in mine}})  # fmt: skip
        print(f"\n{part}: exact recall, % (95 %), by {x}\n")
        print(table(rows, {name: name for name in rows[0]}))


def main() -> None:
    """Measure or read, print the tables, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="measure anew")
    found = kept("stress_ca3", measure, again=parser.parse_args().again)
    tables(found)
    figure(found)


if __name__ == "__main__":
    main()
