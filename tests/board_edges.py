"""Networks at the limits of the machine's numbers, on the board in software; prints JSON.

Just inside a limit the emulator must compute what the board does; outside it must refuse.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from fuzz.board import emulated, on_board

from spikemem.hardware.spinnaker.board.compare import differences
from spikemem.hardware.spinnaker.board.seam import software_boards
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

STEPS = 60
SOME: list[Sequence[int]] = [(1, 4, 5, 9, 20), (2, 3, 30)]
BUSY: list[Sequence[int]] = [range(k % 3, 58) for k in range(4)]


def source(trains: list[Sequence[int]], dt: float = 1.0) -> Population:
    """Cells that fire in the given steps."""
    ids = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    times = np.concatenate([np.asarray(train) for train in trains]) * dt
    order = np.lexsort((ids, times))
    spikes = SpikeTrains(ids=ids[order], times=times[order], size=len(trains), duration=STEPS * dt)
    return Population("in", cell=SpikeSource(spikes=spikes))


def cell(**more: Any) -> LIF:
    """A cell with some of its parameters changed."""
    usual = {"tau_m": 10.0, "cm": 0.5, "v_rest": -62.0, "v_reset": -63.0, "v_thresh": -57.0}
    return LIF(**{**usual, **more})


def onto(
    cells: LIF, weight: float, *, trains: list[Sequence[int]] = SOME, size: int = 2,
    dt: float = 1.0, delay: int = 1, kind: str = "list", **more: Any,
) -> Network:  # fmt: skip
    """Sources onto cells, all to all; `delay` in steps."""
    more |= {"weight": weight, "delay": delay * dt}
    if kind == "list":
        i, j = np.divmod(np.arange(len(trains) * size), size)
        projection = Projection("p", pre="in", post="a", i=i, j=j, **more)
    else:
        make = {"one": Projection.one_to_one, "all": Projection.all_to_all}[kind]
        projection = make("p", "in", "a", **more)
    target = Population("a", size=size, cell=cells, record=("spikes", "v"))
    return Network([source(trains, dt), target], [projection], dt=dt)


def rule(**more: float) -> STDP:
    """A rule with some of its parameters changed."""
    usual = {"tau_plus": 20.0, "tau_minus": 20.0, "a_plus": 0.5, "a_minus": 0.5, "w_max": 6.0}
    return STDP(**{**usual, **more})


def several_cores() -> Network:
    """600 cells, and 130 that learn from them and from each other, with delays beyond the ring."""
    rng = np.random.default_rng(0)
    far = {"i": rng.integers(0, 600, 900), "j": rng.integers(0, 130, 900)}
    far |= {"weight": rng.uniform(0, 5, 900), "delay": rng.integers(1, 30, 900) * 1.0}
    around = {"i": np.arange(130), "j": (np.arange(130) + 1) % 130, "weight": 3.0, "delay": 1.0}
    recorded = ("spikes", "v")
    return Network(
        [
            source([(3 + k % 40,) for k in range(600)]),
            Population("a", size=600, cell=cell(), record=recorded),
            Population("b", size=130, cell=cell(), record=recorded),
        ],
        [
            Projection.one_to_one("p", "in", "a", weight=20.0, delay=2.0),
            Projection("q", pre="a", post="b", plasticity=rule(), **far),
            Projection("r", pre="b", post="b", plasticity=rule(), **around),
        ],
    )


big = {"tau_plus": 100.0, "tau_minus": 100.0, "a_plus": 4000.0, "a_minus": 3900.0, "w_max": 1500.0}
INSIDE = {
    "tau_syn of 32768 steps": onto(cell(tau_syn_E=32768.0), 0.2),
    "tau_syn of 32768 steps of 0.1 ms": onto(cell(tau_syn_E=3276.8), 0.2, dt=0.1),
    "tau_m of 32768 steps": onto(cell(tau_m=32768.0, cm=20.0), 2.0),
    "tau_m of 2**-10": onto(cell(tau_m=2**-10, tau_syn_E=2**-6, cm=2**-10), 20.0),
    "cm of 2**-13": onto(cell(tau_m=1.0, cm=2**-13), 0.001),
    "tau_refrac of 65535 steps": onto(cell(tau_refrac=65535.0), 20.0),
    "tau_refrac of 65530 steps of 0.1 ms": onto(cell(tau_refrac=6553.0), 20.0, dt=0.1),
    "tau_refrac between steps": onto(cell(tau_refrac=[0.05, 0.26]), 40.0, dt=0.1),
    "largest change": onto(cell(cm=1000.0), 100.0, trains=BUSY, plasticity=rule(**big)),
    "lowest weight above 0": onto(cell(), 3.0, trains=BUSY, plasticity=rule(w_min=2.0, a_minus=2)),
    "plastic inhibition": onto(
        cell(i_offset=2.0), 2.0, trains=BUSY, receptor="inhibitory", plasticity=rule()
    ),
    "sums of more than 16 bits": onto(cell(cm=100.0), 1.5, trains=[(5, 6)] * 40),
    "sums of more than 32 bits": onto(
        cell(cm=10000.0, v_thresh=1000.0), 9000.0, trains=[(5, 6, 20)] * 12
    ),
    "far potentials": onto(
        cell(v_rest=-60000.0, v_reset=-60000.0, v_thresh=60000.0, cm=0.01), 3000.0
    ),
    **{f"dt of {dt} ms": onto(cell(tau_m=30 * dt), 5.0, dt=dt, delay=3) for dt in (0.01, 0.3, 7.0)},
    **{f"one to one, 0.{k} ms": onto(cell(), 20.0, dt=0.1, delay=k, kind="one") for k in (3, 4)},
    "all to all, 0.8 ms": onto(cell(), 9.0, dt=0.1, delay=8, kind="all"),
    "delay of 45 steps": onto(cell(), 20.0, delay=45),
    "plastic delay of 7 of 8 steps": onto(
        cell(cm=0.2), 5.0, delay=7, kind="all", plasticity=rule()
    ),
    "several cores": several_cores(),
}
OUTSIDE = {
    "tau_syn of 40000 steps": onto(cell(tau_syn_E=40000.0), 0.2),
    "tau_syn of 70000 steps of 0.1 ms": onto(cell(tau_syn_E=7000.0), 0.2, dt=0.1),
    "tau_refrac of 70000 steps of 0.1 ms": onto(cell(tau_refrac=7000.0), 20.0, dt=0.1),
    "change of 65600 nA": onto(
        cell(cm=1000.0), 100.0, trains=BUSY, plasticity=rule(**{**big, "w_max": 1600.0})
    ),
    "plastic delay of a whole ring": onto(cell(), 5.0, delay=8, kind="all", plasticity=rule()),
    "dt of 1 µs": onto(cell(), 5.0, dt=0.001, delay=3),
}


def side_by_side(networks: dict[str, Network]) -> Network:
    """Networks of one time step as one; the names of their parts end with theirs."""
    populations, projections = [], []
    for name, network in networks.items():
        for item in network.populations:
            populations.append(replace(item, name=f"{item.name} | {name}"))
        for item in network.projections:
            ends = {"pre": f"{item.pre} | {name}", "post": f"{item.post} | {name}"}
            projections.append(replace(item, name=f"{item.name} | {name}", **ends))
    return Network(populations, projections, dt=next(iter(networks.values())).dt)


def look(networks: dict[str, Network]) -> dict[str, dict[str, Any]]:
    """What the emulator and the board make of networks of one time step."""
    together = side_by_side(networks)
    board = on_board(together, STEPS)
    away = differences(board, emulated(together, STEPS), together.dt)
    return {
        name: {
            "differences": [str(item) for item in away if item.name.endswith(f" | {name}")],
            "spikes": len(board.spikes[f"a | {name}"]),
            "moved": bool(np.ptp(board.traces[f"a | {name}", "v"]) > 0),
            "learns": any(key.endswith(f" | {name}") for key in board.weights),
        }
        for name in networks
    }


def main() -> None:
    """Compare all that are inside."""
    errors, sys.stderr = sys.stderr, open(os.devnull, "w")  # noqa: SIM115
    logging.disable(logging.CRITICAL)
    with software_boards():
        told = {}
        for dt in sorted({network.dt for network in INSIDE.values()}):
            told |= look({name: net for name, net in INSIDE.items() if net.dt == dt})
    sys.stderr = errors
    print(json.dumps(told))


if __name__ == "__main__":
    main()
