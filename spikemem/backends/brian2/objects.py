"""Containers of the Brian2 objects of a network."""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2

__all__ = ["Brian2Model", "Bundle"]


@dataclass(frozen=True, eq=False)
class Bundle:
    """Projections that share one ``brian2.Synapses``.

    Parameters
    ----------
    synapses : brian2.Synapses
        Has the variable ``weight`` (nA); plastic ones also have ``trace_plus`` and
        ``trace_minus``.
    slices : dict of str to slice
        Synapses of each projection.
    plastic : bool
        Whether the weights change.
    state : tuple of str
        Names of the variables of the synapses that change in a run.
    """

    synapses: b2.Synapses
    slices: dict[str, slice]
    plastic: bool
    state: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Brian2Model:
    """The Brian2 objects of a network.

    Parameters
    ----------
    network : brian2.Network
        Holds all objects; add your own with ``network.add``. Its schedule produces the order of
        events in ``docs/explanation/semantics.md``.
    clock : brian2.Clock
        Clock of all objects.
    cells : brian2.NeuronGroup or None
        All LIF cells: ``v`` in mV, ``current_E`` and ``current_I`` in nA. None without LIF cells.
    sources : brian2.SpikeGeneratorGroup or None
        All spike sources. None without sources.
    bundles : list of Bundle
        All synapses.
    slices : dict of str to slice
        Cells of each population in ``cells`` or ``sources``.
    """

    network: b2.Network
    clock: b2.Clock
    cells: b2.NeuronGroup | None
    sources: b2.SpikeGeneratorGroup | None
    bundles: list[Bundle]
    slices: dict[str, slice]
