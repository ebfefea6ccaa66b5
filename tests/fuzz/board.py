"""Random networks on the board in software and on the emulator.

``python -m tests.fuzz.board --n 200 --seed 1`` runs them one after the other and ends with 1 if a
spike, a potential or a weight differs, or a run fails. Each line names the seed of its network.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
if __name__ == "__main__":
    # In place of this folder, whose names are those of other modules.
    sys.path[0:1] = [str(HERE.parents[2]), str(HERE.parents[1])]

from board_networks import varied_network

import spikemem as sm
from spikemem.errors import SpikememWarning, UnsupportedError
from spikemem.hardware.spinnaker.board.compare import differences
from spikemem.hardware.spinnaker.board.seam import software_boards
from spikemem.hardware.spinnaker.folder import write_data
from spikemem.hardware.spinnaker.script import Model, load, write_recording
from spikemem.network import Network
from spikemem.recording import Recording

STEPS = 60


def on_board(network: Network, n_steps: int) -> Recording:
    """Run a network on a board in software, in this process and within `software_boards`."""
    import pyNN.spiNNaker as sim

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(network, folder, duration=n_steps * network.dt)
        model = Model(sim, *load(folder))
        model.build()
        try:
            model.run(n_steps * network.dt)
            write_recording(model, folder / "out.h5")
        finally:
            sim.end()
        return sm.load_recording(folder / "out.h5")


def emulated(network: Network, n_steps: int) -> Recording:
    """The same on the emulator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikememWarning)
        return sm.simulate(network, n_steps * network.dt, backend="emulator", allow_coarse=True)


def look(seed: int) -> dict[str, Any]:
    """Compare one network."""
    kind, network = varied_network(seed, STEPS)
    found: dict[str, Any] = {"seed": seed, "kind": kind}
    began = time.perf_counter()
    try:
        board = on_board(network, STEPS)
    except Exception as error:
        return found | {"error": f"{type(error).__name__}: {error}"}
    found["seconds"] = time.perf_counter() - began
    found["spikes"] = sum(len(trains) for trains in board.spikes.values())
    found["v"] = sum(trace.size for trace in board.traces.values())
    found["weights"] = sum(weights.size for weights in board.weights.values())
    try:
        other = emulated(network, STEPS)
    except UnsupportedError as error:
        return found | {"differences": [], "refused": str(error)}
    found["differences"] = [str(item) for item in differences(board, other, network.dt)]
    chance = other.provenance["spinnaker"]["undetermined"]
    if found["differences"] and chance:
        return found | {"differences": [], "refused": chance[0]}
    return found


def main() -> int:
    """Compare, and print a line for each network, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20, help="number of networks")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = []
    # sPyNNaker writes its progress there.
    errors, sys.stderr = sys.stderr, open(os.devnull, "w")  # noqa: SIM115
    logging.disable(logging.CRITICAL)
    with software_boards():
        for seed in range(given.seed, given.seed + given.n):
            results.append(look(seed))
            if not given.json:
                print(_line(results[-1]), flush=True)
    sys.stderr = errors
    if given.json:
        print(json.dumps(results))
        return 0
    bad = [item for item in results if item.get("error") or item["differences"]]
    totals = {key: sum(item.get(key, 0) for item in results) for key in ("spikes", "v", "weights")}
    print(f"{len(results)} networks, {len(bad)} differ or fail; compared: {totals}")
    return 1 if bad else 0


def _line(item: dict[str, Any]) -> str:
    head = f"{item['seed']:>5} {item['kind']:<12}"
    if "error" in item:
        return f"{head} failed: {item['error']}"
    same = f"refused: {item['refused']}" if "refused" in item else "the same"
    what = "; ".join(item["differences"]) or same
    return f"{head} {item['spikes']:>6} spikes {item['weights']:>6} weights  {what}"


if __name__ == "__main__":
    sys.exit(main())
