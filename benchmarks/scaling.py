"""Set-up, run and memory against the number of synapses, beside NEST and Brian2.

    python benchmarks/scaling.py [--synapses 1e4 1e5 1e6 1e7] [--repeat N] [--picture FILE]

The network is the balanced one of ``engine.py`` (CUBA, dt 0.1 ms), with 100 to 1,000 synapses for
each cell and weights that keep the input of a cell. Each peer runs in a process of its own, on the
same arrays, one after the other; times are wall seconds, medians of N processes. "set-up" makes
the network from the arrays (Brian2's C++ is compiled in it), "run" simulates 1 s (200 ms with
10^7 synapses; the table gives seconds for 1 s), "GB" is the largest memory of the process.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import engine_peers as peers
import numpy as np

PEERS = ("native 1", "native 2", "Brian2 C++", "NEST 1", "NEST 2")
PACKAGE = {"native": "numba", "Brian2": "brian2", "NEST": "nest"}
MEASURES = {"set-up": "set-up (s)", "run": "run of 1 s (s)", "GB": "memory (GB)"}


def network(n_synapses: int) -> dict[str, object]:
    """Arrays of a balanced network of about this many synapses."""
    degree = int(np.clip(n_synapses / 10_000, 100, 1000))
    n = max(round(n_synapses / degree), 100)
    rng = np.random.default_rng(1)
    i = np.repeat(np.arange(n, dtype=np.int32), degree)
    j = rng.integers(0, n, size=i.size, dtype=np.int32)
    share = 80.0 / degree
    return {"n": n, "n_exc": n * 4 // 5, "i": i, "j": j, "v": rng.uniform(-60, -50, n),
            "w_e": 0.0162 * share, "w_i": 0.09 * share,
            "duration": 200.0 if n_synapses > 3e6 else 1000.0}  # fmt: skip


def main() -> None:
    """Measure, print the table, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synapses", nargs="*", type=float, default=[1e4, 1e5, 1e6, 1e7])
    parser.add_argument("--repeat", type=int, default=3, help="processes of each peer; medians")
    parser.add_argument("--picture", type=Path, help="where to draw the table")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.peer:
        measure(chosen.peer, chosen.data)
        return
    found = {}
    for count in chosen.synapses:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "network.npz"
            np.savez(data, **network(round(count)))
            found[count] = compare(data, chosen.repeat)
        table(count, found[count])
    if chosen.picture:
        draw(found, chosen.picture)


def measure(peer: str, data: Path) -> None:
    """In the peer's own process: run it, and print its times as JSON."""
    import resource

    with np.load(data) as file:
        arrays = dict(file)
    kind, which = peer.split()
    if kind == "native":
        arrays["threads"] = int(which)
        peer = "native f8"
    times = peers.PEERS["a", kind](arrays, peer)
    run = times["next run"] * 1000.0 / float(arrays["duration"])
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"set-up": times["set-up"], "run": run, "GB": largest / 1e6}, default=float))


def compare(data: Path, repeat: int) -> dict[str, dict[str, float]]:
    """Medians of each peer; the processes of different peers take turns."""
    present = [p for p in PEERS if importlib.util.find_spec(PACKAGE[p.split()[0]])]
    runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in present}
    for k in range(repeat + 1):
        for peer in present:
            # C++ is compiled in every process; of the others the first one fills their caches.
            if k == 0 and "C++" in peer:
                continue
            command = [sys.executable, __file__, "--peer", peer, "--data", str(data)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{peer}: {done.stderr}")
            if k:
                runs[peer].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        peer: {name: float(np.median([run[name] for run in each])) for name in MEASURES}
        for peer, each in runs.items()
    }


def table(count: float, found: dict[str, dict[str, float]]) -> None:
    """One size: every peer, and how many times as much as native with one thread it takes."""
    ours = found[PEERS[0]]
    print(f"\n{count:.0e} synapses" + "".join(f"{text:>24}" for text in MEASURES.values()))
    for peer, values in found.items():
        cells = (f"{values[name]:>14.3g} ({values[name] / ours[name]:>6.3g}x)" for name in MEASURES)
        print(f"{peer:<14}" + "".join(cells), flush=True)


def draw(found: dict[float, dict[str, dict[str, float]]], path: Path) -> None:
    """Three panels: set-up, run and memory against the number of synapses."""
    import matplotlib

    matplotlib.use("Agg")
    from spikemem.plotting import COLORS, new_panels
    from spikemem.plotting.axes import LINE, SMALL

    panels = new_panels(10.0, 3.4, columns=3)
    for ax, (name, label) in zip(panels, MEASURES.items(), strict=True):
        for k, peer in enumerate(PEERS):
            points = [(count, each[peer][name]) for count, each in found.items() if peer in each]
            style = "--" if peer.endswith(" 2") else "-"
            ax.loglog(*zip(*points, strict=True), style, marker="o", markersize=4,
                      linewidth=LINE, color=COLORS[k], label=peer)  # fmt: skip
        ax.set_xlabel("synapses")
        ax.set_ylabel(label)
    panels[0].legend(frameon=False, fontsize=SMALL)
    panels[0].figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
