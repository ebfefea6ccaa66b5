"""The compiled engine beside Brian2 and NEST on the same networks, one after the other.

    python benchmarks/engine.py [--quick] [--case a b c d] [--repeat N]

Each peer runs in a process of its own and is given the same arrays. Times are wall seconds:
"set-up" makes the network from the arrays (and compiles or loads code), "first run" and "next
run" simulate, "process" is all that a user waits for, imports included. Ratios are a peer's time
over ours. Compiled code of all peers is on disk already (one run before the measured ones),
except that C++ standalone always compiles: that is how it works.

a  CUBA: 4,000 LIF, 2 % connected, dt 0.1 ms, 1 s
b  1,000 -> 1,000 all to all, 10^6 STDP synapses, dt 1 ms, 10 s
c  repeated recall: 1,200 LIF, 180,000 frozen synapses, 500 ms, a new cue in each trial
d  operations of CA3 memories, one and 64 side by side, beside the emulator of SpiNNaker, our
   Brian2 backend and real time
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import engine_peers as peers
import numpy as np

CASES = {
    "a": ("native f8", "native f4", "NEST 1", "NEST 2", "Brian2 cython", "Brian2 C++"),
    "b": ("native f8", "native f4", "NEST 1", "NEST 2", "Brian2 cython", "Brian2 C++"),
    "c": ("native f8", "native f4", "NEST kept alive", "Brian2 20 copies"),
    "d": ("native f8", "emulator", "brian2 backend"),
}
PACKAGE = {"N": "nest", "B": "brian2", "n": "numba", "e": "numba", "b": "brian2"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the script")
    parser.add_argument("--case", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--repeat", type=int, default=3, help="processes of each peer; medians")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.peer:
        measure(chosen.case[0], chosen.peer, chosen.data)
        return
    for case in chosen.case:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "network.npz"
            np.savez(data, **peers.DATA[case](quick=chosen.quick))
            compare(case, data, 1 if chosen.quick else chosen.repeat)


def compare(case: str, data: Path, repeat: int) -> None:
    """Run every peer of a case and print one table."""
    found: dict[str, list[dict[str, float]]] = {}
    for peer in CASES[case]:
        if importlib.util.find_spec(PACKAGE[peer[0]]) is None:
            print(f"{peer}: skipped, {PACKAGE[peer[0]]} is not installed")
            continue
        if "C++" not in peer:
            start(case, peer, data)
        found[peer] = []
    for _ in range(repeat):
        for peer, results in found.items():
            results.append(start(case, peer, data))
    table(case, found)


def start(case: str, peer: str, data: Path) -> dict[str, float]:
    """One peer in a process of its own."""
    command = [sys.executable, __file__, "--case", case, "--peer", peer, "--data", str(data)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{peer}: {done.stderr}")
    return {**json.loads(done.stdout.splitlines()[-1]), "process": seconds}


def measure(case: str, peer: str, data: Path) -> None:
    """In the peer's own process: run it, and print its times as JSON."""
    with np.load(data) as file:
        arrays = dict(file)
    times = peers.PEERS[case, peer.split()[0]](arrays, peer)
    times["GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps(times, default=float))


def table(case: str, found: dict[str, list[dict[str, float]]]) -> None:
    """Medians, and how many times as long as ours each takes."""
    median = {
        peer: {name: float(np.median([run[name] for run in runs])) for name in runs[0]}
        for peer, runs in found.items()
    }
    ours = next(iter(median.values()))
    print(f"\ncase {case}: seconds, and the ratio to {next(iter(median))}")
    print(f"{'':22}" + "".join(f"{peer:>20}" for peer in median))
    for name, own in ours.items():
        cells = []
        for times in median.values():
            value = times.get(name)
            if value is None:
                cells.append(f"{'-':>20}")
                continue
            plain = name.startswith("*") or times is ours or not own
            ratio = "" if plain else f"({value / own:.3g}x)"
            cells.append(f"{value:>11.4g} {ratio:>8}")
        print(f"{name:22}" + "".join(cells))
    print("lines with * are no times but what the network did: spikes, answers", flush=True)


if __name__ == "__main__":
    main()
