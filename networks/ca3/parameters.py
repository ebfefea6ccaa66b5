"""Parameters of the CA3 memory, with a published and a robust preset."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

from ...cells import LIF, STDP
from ...checks import NameOf, Quantity, check_fields
from ...errors import DescriptionError, unknown_name
from ...frozen import Frozen

__all__ = ["PRESETS", "CA3Parameters", "preset"]

RELAY = LIF(tau_m=3.0, cm=0.27, tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3,
            v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0)  # fmt: skip
"""Type A: cue cells, content cells and merging cells; one input of 3.2924 nA fires them."""

OUTPUT = replace(RELAY, v_thresh=-57.5)
"""Type A': output cells; one input of 2.7437 nA fires them."""

GATED = replace(RELAY, tau_m=0.5, cm=0.14)
"""Type B: cells whose input is gated by inhibition; one input of 3.3580 nA fires them."""


_Current = Annotated[float, Quantity("nA", low=0.0)]
_Constant = Annotated[float, Quantity("ms", above=0.0)]
_Gap = Annotated[float, Quantity("ms", low=0.0)]


@dataclass(frozen=True, kw_only=True)
class CA3Parameters(Frozen):
    """Parameters of a CA3 memory.

    Parameters
    ----------
    protocol : {"hold", "two_phase"}
        Protocol of learning. "hold": cue and content are held for three steps, as published.
        "two_phase": first the old content of the cue is erased, then the new content is stored.
    weight : float
        Weight of the driving synapses, nA.
    content_drive : float
        Weight from ContCue to ContCond, nA.
    cue_veto : float
        Inhibition of ContCond by the cue cells, nA; it prevents that an answer is replayed.
    rescue : float
        Excitation that brings a recalled cell of ContCond above threshold against `cue_veto`, so
        that its synapses are erased, nA.
    answer_veto : float
        "two_phase" only: constant inhibition of MergeCue one step after its cue, nA. It silences
        the output of addresses that share content bits with the content that is being learnt.
    self_links : bool
        "hold" only: whether the inhibition among addresses includes the address itself.
    gated : bool
        Whether weights change only in the steps of storing and erasing.
    tau_plus, tau_minus : float
        Time constants of the plasticity, ms.
    a_plus, a_minus : float
        Largest potentiation and depression by one pair of spikes, nA.
    w_max : float
        Largest weight of a plastic synapse, nA.
    learn_gap, recall_gap : float
        Smallest time from the start of an operation to that of the next one, ms.

    Raises
    ------
    DescriptionError
        If values are out of range; the message lists all problems.
    """

    protocol: Literal["hold", "two_phase"]
    weight: _Current = 6.0
    content_drive: _Current = 9.0
    cue_veto: _Current
    rescue: _Current
    answer_veto: _Current = 0.0
    self_links: bool = False
    gated: bool
    tau_plus: _Constant
    tau_minus: _Constant
    a_plus: _Current
    a_minus: _Current
    w_max: Annotated[float, Quantity("nA", above=0.0)] = 6.0
    learn_gap: _Gap
    recall_gap: _Gap

    def __post_init__(self) -> None:
        check_fields(self)

    def rule(self) -> STDP:
        """Return the plasticity rule of both plastic projections, always on."""
        return STDP(
            tau_plus=self.tau_plus, tau_minus=self.tau_minus,
            a_plus=self.a_plus, a_minus=self.a_minus, w_max=self.w_max,
        )  # fmt: skip


PRESETS: dict[str, CA3Parameters] = {
    "published": CA3Parameters(
        protocol="hold", cue_veto=6.0, rescue=2.0, self_links=True, gated=False,
        tau_plus=3.0, tau_minus=3.0, a_plus=6.0, a_minus=6.0,
        learn_gap=7.0, recall_gap=6.0,
    ),
    "robust": CA3Parameters(
        protocol="two_phase", cue_veto=9.0, rescue=7.0, answer_veto=9.0, gated=True,
        tau_plus=0.25, tau_minus=0.25, a_plus=360.0, a_minus=12.0,
        learn_gap=16.0, recall_gap=8.0,
    ),
}  # fmt: skip
"""Parameters of the paper ("published"), and parameters that keep every memory intact."""


PRESET = NameOf(PRESETS, "preset")
"""Kind of every ``preset`` argument."""


def preset(name: str, **changes: Any) -> CA3Parameters:
    """Return one of :data:`PRESETS` with some parameters changed.

    Raises
    ------
    DescriptionError
        If the preset or a parameter is unknown.

    Examples
    --------
    >>> preset("robust", recall_gap=10.0).recall_gap
    10.0
    """
    PRESET.check(name, "CA3Memory: preset")
    valid_names = [item.name for item in fields(CA3Parameters)]
    for key in changes:
        if key not in valid_names:
            raise DescriptionError(f"CA3Memory: {unknown_name('CA3 parameter', key, valid_names)}")
    return replace(PRESETS[name], **changes)
