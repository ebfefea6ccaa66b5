"""The Brian2 objects of a network: plain data that the other modules read."""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2

__all__ = ["Brian2Model", "Bundle"]


@dataclass(frozen=True, eq=False)
class Bundle:
    """Projections that are one ``brian2.Synapses``.

    Parameters
    ----------
    synapses : brian2.Synapses
        With the variable ``weight`` (nA), for plastic ones also ``trace_plus``, ``trace_minus``.
    place : dict of str to slice
        For each projection which of these synapses are its own.
    plastic : bool
        Whether the weights change.
    state : tuple of str
        Names of the variables of the synapses that change in a run.
    """

    synapses: b2.Synapses
    place: dict[str, slice]
    plastic: bool
    state: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Brian2Model:
    """The Brian2 objects of a network.

    Parameters
    ----------
    network : brian2.Network
        Holds all the objects; add your own with ``network.add``. Its schedule gives the order of
        events that ``docs/explanation/semantics.md`` asks for.
    clock : brian2.Clock
        Shared by all objects.
    cells : brian2.NeuronGroup or None
        All LIF cells: ``v`` in mV, ``current_E`` and ``current_I`` in nA. None without any.
    sources : brian2.SpikeGeneratorGroup or None
        All spike sources. None without any.
    bundles : list of Bundle
        All synapses.
    place : dict of str to slice
        For each population which cells of ``cells`` or ``sources`` are its own.
    """

    network: b2.Network
    clock: b2.Clock
    cells: b2.NeuronGroup | None
    sources: b2.SpikeGeneratorGroup | None
    bundles: list[Bundle]
    place: dict[str, slice]
