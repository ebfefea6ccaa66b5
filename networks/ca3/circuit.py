"""The two circuits of the CA3 memory: populations, projections, weights and delays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF, SpikeSource
from ...network import Network, Population, Projection
from ...recording import SpikeTrains
from .parameters import GATED, OUTPUT, RELAY, CA3Parameters

__all__ = ["INPUTS", "circuit", "w_fire"]

INPUTS = {"hold": ("INcue", "INcont"), "two_phase": ("INcue", "INcont", "INerase", "INmatch")}
"""Spike sources of each protocol."""

PLASTIC = {"W1": ("CueCue", "ContCue"), "W2": ("ContCont", "CueCont")}
"""Pre- and post-synaptic population of each plastic projection."""

_CELLS: dict[str, tuple[LIF, str]] = {
    "CueCue": (RELAY, "cues"), "ContCue": (RELAY, "contents"), "ContCond": (GATED, "contents"),
    "CondInt": (GATED, "one"), "CueCont": (GATED, "cues"), "ContCont": (RELAY, "contents"),
    "CueInt": (RELAY, "one"), "MergeCue": (RELAY, "cues"), "MergeCont": (RELAY, "contents"),
    "OUTcue": (OUTPUT, "cues"), "OUTcont": (OUTPUT, "contents"),
}  # fmt: skip
"""Cell type of each population, and the number that gives its size."""


class Link(NamedTuple):
    """One row of a circuit's table: a projection before its synapses are listed."""

    pre: str
    post: str
    connector: str
    weight: Any
    delay: float
    receptor: str = "excitatory"
    allow_self: bool = True


def match_lines(n_contents: int) -> int:
    """Return the number of input lines that encode thresholds up to `n_contents` in binary."""
    return max(int(n_contents - 1).bit_length(), 1)


def _common(p: CA3Parameters) -> list[Link]:
    w = p.weight
    return [
        Link("INcue", "CueCue", "one_to_one", w, 1.0),
        Link("INcont", "ContCue", "one_to_one", w, 1.0),
        Link("CueCue", "CueCont", "one_to_one", w, 2.0),
        Link("CueCue", "ContCond", "all_to_all", p.cue_veto, 2.0, "inhibitory"),
        Link("ContCue", "ContCond", "one_to_one", p.content_drive, 1.0),
        Link("ContCond", "ContCont", "one_to_one", w, 1.0),
        Link("CueCue", "MergeCue", "one_to_one", w, 3.0),
        Link("CueCont", "MergeCue", "one_to_one", w, 1.0),
        Link("ContCue", "MergeCont", "one_to_one", w, 3.0),
        Link("ContCont", "MergeCont", "one_to_one", w, 1.0),
        Link("MergeCue", "OUTcue", "one_to_one", w, 1.0),
        Link("MergeCont", "OUTcont", "one_to_one", w, 1.0),
    ]


def _hold(p: CA3Parameters, n_contents: int) -> list[Link]:
    mutual = p.weight * n_contents
    return [
        *_common(p),
        Link("ContCue", "CondInt", "all_to_all", p.weight, 1.0),
        Link("CondInt", "ContCond", "all_to_all", p.rescue, 1.0),
        Link("CueCue", "CueCont", "all_to_all", mutual, 3.0, "inhibitory", p.self_links),
        Link("CueCont", "CueCont", "all_to_all", mutual, 2.0, "inhibitory", False),
    ]


def _two_phase(p: CA3Parameters, n_cues: int, n_contents: int) -> list[Link]:
    lines = match_lines(n_contents)
    threshold = p.w_max * 2.0 ** np.repeat(np.arange(lines), n_cues)
    return [
        *_common(p),
        Link("CueCue", "CueInt", "all_to_all", p.weight, 1.0),
        Link("CueInt", "MergeCue", "all_to_all", p.answer_veto, 3.0, "inhibitory"),
        Link("INerase", "ContCond", "all_to_all", p.rescue, 1.0),
        Link("INerase", "MergeCont", "all_to_all", 2 * p.weight, 3.0, "inhibitory"),
        Link("INmatch", "CueCont", "all_to_all", threshold, 4.0, "inhibitory"),
    ]


def circuit(
    p: CA3Parameters,
    n_cues: int,
    n_contents: int,
    inputs: Mapping[str, SpikeTrains],
    weights: Mapping[str, NDArray[np.float64]],
    windows: Mapping[str, Any],
    record_weights: bool = False,
) -> Network:
    """Return the network of a memory.

    Parameters
    ----------
    p : CA3Parameters
        Protocol and weights of the circuit.
    n_cues, n_contents : int
        Number of addresses and of content bits.
    inputs : mapping of str to SpikeTrains
        Input spikes of each source in :data:`INPUTS`.
    weights : mapping of str to ndarray
        Initial weights in nA of "W1", shape (n_cues, n_contents), and "W2", shape (n_contents,
        n_cues).
    windows : mapping of str to windows
        Plasticity windows of "W1" and "W2"; None means always on.
    record_weights : bool
        Whether the weights of both plastic projections are recorded at every step.
    """
    hold = p.protocol == "hold"
    links = _hold(p, n_contents) if hold else _two_phase(p, n_cues, n_contents)
    sizes = {"cues": n_cues, "contents": n_contents, "one": 1}
    used = {link.post for link in links}
    populations = [
        *(Population(name=name, cell=SpikeSource(spikes=inputs[name])) for name in inputs),
        *(
            Population(name=name, cell=cell, size=sizes[side])
            for name, (cell, side) in _CELLS.items()
            if name in used
        ),
    ]
    projections = [_projection(link) for link in links]
    record = ("weight",) if record_weights else ()
    for name, (pre, post) in PLASTIC.items():
        rule = replace(p.rule(), enabled=windows[name])
        weight = weights[name].ravel()
        projections.append(
            Projection.all_to_all(
                name, pre, post, weight=weight, delay=1.0, plasticity=rule, record=record
            )
        )
    return Network(populations=populations, projections=projections, dt=1.0)


def _projection(link: Link) -> Projection:
    sign = "" if link.receptor == "excitatory" else " veto"
    return Projection(name=f"{link.pre} to {link.post}{sign}", **link._asdict())


def w_fire(cell: LIF, dt: float = 1.0) -> float:
    """Return the smallest weight (nA) with which one spike fires a cell at rest on arrival."""
    tau = float(cell.tau_syn_E)
    kick = tau / dt * (1 - np.exp(-dt / tau)) * float(cell.tau_m) / float(cell.cm)
    reach = float(cell.v_thresh) - float(cell.v_rest)
    return float(reach / (kick * (1 - np.exp(-dt / float(cell.tau_m)))))
