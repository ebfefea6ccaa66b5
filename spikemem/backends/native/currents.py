"""Currents that change over time: they replace a parameter of the cells between two chunks."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ...network import Network
from . import fields as f
from .blocks import CellLayout
from .numbers import NumberSystem
from .state import Cells

__all__ = ["Currents"]

NEVER = 1 << 62
"""A step that no run reaches."""


class _Change(NamedTuple):
    step: int
    places: list[tuple[NDArray[Any], slice]]
    value: NDArray[Any]


class Currents:
    """The currents of the cells whose current changes over time.

    What flows depends on the step alone, so that nothing of this is saved or restored.

    Parameters
    ----------
    network : Network
        What is simulated.
    numbers : NumberSystem
        How currents are held.
    layout : CellLayout
        Where the parameters of the cells are.
    cells : Cells
        Their state.
    """

    def __init__(
        self, network: Network, numbers: NumberSystem, layout: CellLayout, cells: Cells
    ) -> None:
        self._network, self._numbers, self._layout, self._cells = network, numbers, layout, cells
        self._changes: list[_Change] = []
        self._next = 0

    def begin(self, first_step: int) -> None:
        """Prepare a run that begins with this step."""
        found, dt = [], self._network.dt
        for population in self._network.populations:
            current = None if population.is_source else population.lif.current
            if current is None:
                continue
            ticks, amplitudes = current.from_step(first_step, dt)
            held = self._numbers.bias(population, amplitudes, dt)
            places = self._places(population.name)
            found += [
                _Change(step, places, row) for step, row in zip(ticks.tolist(), held, strict=True)
            ]
        self._changes = sorted(found, key=lambda change: change.step)
        self._next = 0

    def set(self, step: int) -> int:
        """Make all changes up to a step; returns the step of the next one."""
        while self._next < len(self._changes) and self._changes[self._next].step <= step:
            change = self._changes[self._next]
            at = 0
            for target, cells in change.places:
                n = target[cells].size
                target[cells] = change.value[at : at + n] if change.value.ndim else change.value
                at += n
            self._next += 1
            self._cells.awake[:] = 1
        return self._changes[self._next].step if self._next < len(self._changes) else NEVER

    def _places(self, name: str) -> list[tuple[NDArray[Any], slice]]:
        """Arrays and places that hold the currents of a population's cells, in their order."""
        first, last = self._layout.start[name], self._layout.start[name] + self._layout.size[name]
        params, places = self._layout.params, []
        for block in params.block[params.block[:, f.START].argsort()]:
            if not first <= block[f.START] < last:
                continue
            if block[f.GROUP] >= 0:
                return [(params.group[block[f.GROUP]], slice(f.BIAS, f.BIAS + 1))]
            at = int(block[f.STATE]) + (f.PARAMS + f.BIAS) * f.BLOCK_SIZE
            places.append((self._cells.state, slice(at, at + int(block[f.STOP] - block[f.START]))))
        return places
