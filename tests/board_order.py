"""Packets in an order that is asked for, on boards in software with neurons on separate cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from spikemem.hardware.spinnaker.board.board import Board

Place = tuple[int, int, int]


@contextmanager
def own_spikes(when: str) -> Iterator[None]:
    """The spikes of its own cells are the "first" or the "last" that a core for synapses gets."""
    start, take = Board.__init__, Board._take_packets
    sender: dict[int, Place] = {}

    def started(board: Any, *arguments: Any, **options: Any) -> None:
        start(board, *arguments, **options)
        board._order = _Order(when, sender)

    def taken(board: Any, core: Any, place: Place) -> None:
        before = len(board._packets)
        take(board, core, place)
        sender.update((key, place) for _, _, key, _ in board._packets[before:])

    with mock.patch.multiple(Board, __init__=started, _take_packets=taken):
        yield


class _Order:
    """In place of a random generator."""

    def __init__(self, when: str, sender: dict[int, Place]) -> None:
        self.when, self.sender = when, sender
        self.own: dict[Place, Place] = {}

    def shuffle(self, batch: list[Any]) -> None:
        self.own = self.own or _neurons_of_synapses()
        first = self.when == "first"
        batch.sort(key=lambda item: (self.own.get(item[1]) == self.sender[item[2]]) is not first)


def _neurons_of_synapses() -> dict[Place, Place]:
    """For each core for synapses the core that has its neurons."""
    from spynnaker.pyNN.data import SpynnakerDataView

    neurons, synapses = {}, {}
    for item in SpynnakerDataView.iterate_placemements():
        vertex, place = item.vertex, (item.x, item.y, item.p)
        kind = type(vertex).__name__
        if "Neurons" in kind:
            neurons[id(vertex.app_vertex), vertex.vertex_slice.lo_atom] = place
        elif "Synapses" in kind:
            synapses[place] = id(vertex.app_vertex), vertex.vertex_slice.lo_atom
    return {place: neurons[key] for place, key in synapses.items()}
