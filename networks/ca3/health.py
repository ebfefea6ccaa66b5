"""Health of a memory: weight margins, ghosts, lost pairs, and changes that are pending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import STDP
from ...frozen import Short
from ...recording import SpikeTrains
from .circuit import w_fire
from .live import Weights
from .parameters import GATED, RELAY

__all__ = ["HISTORY", "Health", "examine", "replay_weights"]

HISTORY = 15
"""Number of post-synaptic spikes that SpiNNaker stores until the next pre-synaptic spike."""

Pairs = list[tuple[int, int]]
FIRES = {"W1": w_fire(RELAY), "W2": w_fire(GATED)}
"""Smallest weight of each plastic projection that fires its target, nA."""


@dataclass(frozen=True, kw_only=True)
class Health(Short):
    """State of a memory's plastic projections "W1" and "W2".

    Attributes
    ----------
    stored_margin : dict of str to float
        Smallest distance of a stored weight above the weight that fires its target, nA. It is
        negative if a bit is lost, and infinite if nothing is stored.
    silent_margin : dict of str to float
        Smallest distance of any other weight below the weight that fires its target, nA.
    ghosts : dict of str to list of (cue, bit)
        Pairs that fire although they were not stored, or were forgotten.
    lost : dict of str to list of (cue, bit)
        Pairs that were stored and no longer fire.
    pending : dict of str to list of (cue, bit)
        Pairs that a simulator with deferred plasticity (SpiNNaker) does not fire yet, or still
        fires: it applies a weight change when the pre-synaptic cell fires, which has not happened.
    at_risk : dict of str to list of (cue, bit)
        Pending pairs whose change it cannot apply any more, because it stores only
        :data:`HISTORY` post-synaptic spikes.
    """

    stored_margin: dict[str, float]
    silent_margin: dict[str, float]
    ghosts: dict[str, Pairs]
    lost: dict[str, Pairs]
    pending: dict[str, Pairs]
    at_risk: dict[str, Pairs]

    @property
    def ok(self) -> bool:
        """Whether there are no lost pairs and no ghosts."""
        return not any(self.ghosts.values()) and not any(self.lost.values())

    def __str__(self) -> str:
        lines = []
        for name in FIRES:
            lines.append(
                f"{name}: stored weights {self.stored_margin[name]:+.2f} nA above firing, others "
                f"{self.silent_margin[name]:+.2f} nA below; {len(self.lost[name])} lost, "
                f"{len(self.ghosts[name])} ghosts, {len(self.pending[name])} pending "
                f"({len(self.at_risk[name])} at risk on SpiNNaker)"
            )
        return "\n".join(lines)


class ReplayedWeights(NamedTuple):
    """Weights from recorded spikes: now, and at the last pre-synaptic spike of each row."""

    now: NDArray[np.float64]
    committed: NDArray[np.float64]
    post_since: NDArray[np.int64]


def replay_weights(
    pre: SpikeTrains, post: SpikeTrains, weight: NDArray[np.float64], rule: STDP, start: float
) -> ReplayedWeights:
    """Apply the plasticity rule to recorded spikes (delay and step 1 ms).

    Parameters
    ----------
    pre, post : SpikeTrains
        Spikes of the pre- and post-synaptic cells of the projection.
    weight : ndarray, shape (n_pre, n_post)
        Weights at `start`, nA.
    rule : STDP
        Plasticity rule, with its windows.
    start : float
        Time from which spikes count, ms.

    Returns
    -------
    ReplayedWeights
        ``now`` and ``committed`` in nA, and ``post_since``, the post-synaptic spikes since the
        last pre-synaptic one; each of shape (n_pre, n_post).
    """
    now, committed = weight.copy(), weight.copy()
    post_since = np.zeros(weight.shape, dtype=np.int64)
    x, y = np.zeros(weight.shape[0]), np.zeros(weight.shape[1])
    moments = np.unique(np.concatenate([pre.times, post.times + 1.0]))
    moments = moments[moments >= start]
    gates, last = rule.gate(moments)[:, 0], start
    for moment, is_open in zip(moments, gates, strict=True):
        x *= np.exp((last - moment) / rule.tau_plus)
        y *= np.exp((last - moment) / rule.tau_minus)
        last = moment
        arrived, fired = post.at(moment - 1.0), pre.at(moment)
        if is_open:
            now[:, arrived] = np.minimum(now[:, arrived] + rule.a_plus * x[:, None], rule.w_max)
        y[arrived] += 1
        post_since[:, arrived] += 1
        if is_open:
            now[fired] = np.maximum(now[fired] - rule.a_minus * y, rule.w_min)
        x[fired] += 1
        committed[fired], post_since[fired] = now[fired], 0
    return ReplayedWeights(now, committed, post_since)


def _pairs(table: NDArray[np.bool_]) -> Pairs:
    return [(int(cue), int(bit)) for cue, bit in np.argwhere(table)]


def examine(
    contents: Mapping[int, frozenset[int]], weights: Weights, replays: Mapping[str, ReplayedWeights]
) -> Health:
    """Compare the weights of a memory with the contents that it should hold.

    Parameters
    ----------
    contents : mapping of int to frozenset of int
        Content bits that each cue should hold.
    weights : mapping of str to ndarray
        Weights in nA: "W1" of shape (n_cues, n_contents), "W2" of shape (n_contents, n_cues).
    replays : mapping of str to ReplayedWeights
        Results of :func:`replay_weights` for the projections; without one, no pair is pending.
    """
    stored = np.zeros(weights["W1"].shape, dtype=np.bool_)
    for cue, bits in contents.items():
        stored[cue, list(bits)] = True
    report: dict[str, dict[str, Any]] = {item: {} for item in Health.__dataclass_fields__}
    for name, fires in FIRES.items():
        above = _by_cue(name, weights[name]) - fires
        report["stored_margin"][name] = float(above[stored].min(initial=np.inf))
        report["silent_margin"][name] = float((-above[~stored]).min(initial=np.inf))
        report["ghosts"][name] = _pairs((above >= 0) & ~stored)
        report["lost"][name] = _pairs((above < 0) & stored)
        pending = overdue = np.zeros_like(stored)
        if name in replays:
            result = replays[name]
            pending = _by_cue(name, (result.now >= fires) != (result.committed >= fires))
            overdue = _by_cue(name, result.post_since > HISTORY)
        report["pending"][name] = _pairs(pending)
        report["at_risk"][name] = _pairs(pending & overdue)
    return Health(**report)


def _by_cue(name: str, table: NDArray[Any]) -> NDArray[Any]:
    return table if name == "W1" else table.T
