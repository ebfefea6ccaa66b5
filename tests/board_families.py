"""A small model of every family on the board in software and on the emulator; prints JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import replace
from typing import Any

from families import FAMILIES, Family, same
from fuzz.board import emulated, on_board

from spikemem.hardware.spinnaker.board.compare import differences
from spikemem.hardware.spinnaker.board.seam import software_boards


def look(family: Family) -> dict[str, Any]:
    """What a family's network does on both, with every potential recorded."""
    model = family.trained()
    network = model.build(family.trials)
    cells = [item for item in network.populations if not item.is_source]
    network = network.replace(*[replace(item, record=("spikes", "v")) for item in cells])
    n_steps = round(network.duration / network.dt)
    board, other = on_board(network, n_steps), emulated(network, n_steps)
    return {
        "answers": same(model.decode(board, family.trials), model.expected(family.trials)),
        "differences": [str(item) for item in differences(board, other, network.dt)],
        "spikes": sum(len(trains) for trains in board.spikes.values()),
        "v": sum(trace.size for trace in board.traces.values()),
        "weights": {name: weights.size for name, weights in board.weights.items()},
        "plastic": [item.name for item in network.plastic],
    }


def main() -> None:
    """Look at every family."""
    errors, sys.stderr = sys.stderr, open(os.devnull, "w")  # noqa: SIM115
    logging.disable(logging.CRITICAL)
    with software_boards():
        told = {family.name: look(family) for family in FAMILIES}
    sys.stderr = errors
    print(json.dumps(told))


if __name__ == "__main__":
    main()
