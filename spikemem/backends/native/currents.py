"""Currents that change over time: they set a parameter of the cells between chunks of steps."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ...network import Network
from . import fields as f
from .blocks import CellTables
from .numbers import NumberSystem
from .state import CellState

__all__ = ["Currents"]

NEVER = 1 << 62
"""A step that no run reaches."""


class _Change(NamedTuple):
    step: int
    targets: list[tuple[NDArray[Any], slice]]
    value: NDArray[Any]


class Currents:
    """Sets the currents of the cells whose current changes over time.

    The currents depend only on the step, so nothing of this is saved or restored.

    Parameters
    ----------
    network : Network
        Network to simulate.
    numbers : NumberSystem
        Number system of the currents.
    tables : CellTables
        Positions of the parameters of the cells.
    cells : CellState
        State of the cells.
    """

    def __init__(
        self, network: Network, numbers: NumberSystem, tables: CellTables, cells: CellState
    ) -> None:
        self._network, self._numbers, self._tables, self._cells = network, numbers, tables, cells
        self._changes: list[_Change] = []
        self._next = 0

    def begin(self, first_step: int) -> None:
        """Prepare a run that begins with this step."""
        changes, dt = [], self._network.dt
        for population in self._network.populations:
            current = None if population.is_source else population.lif.current
            if current is None:
                continue
            ticks, amplitudes = current.from_step(first_step, dt)
            biases = self._numbers.bias(population, amplitudes, dt)
            targets = self._targets(population.name)
            changes += [
                _Change(step, targets, row)
                for step, row in zip(ticks.tolist(), biases, strict=True)
            ]
        self._changes = sorted(changes, key=lambda change: change.step)
        self._next = 0

    def set(self, step: int) -> int:
        """Make all changes up to a step, and return the step of the next one."""
        while self._next < len(self._changes) and self._changes[self._next].step <= step:
            change = self._changes[self._next]
            first = 0
            for array, part in change.targets:
                n = array[part].size
                array[part] = change.value[first : first + n] if change.value.ndim else change.value
                first += n
            self._next += 1
            self._cells.awake[:] = 1
        return self._changes[self._next].step if self._next < len(self._changes) else NEVER

    def _targets(self, name: str) -> list[tuple[NDArray[Any], slice]]:
        """Return arrays and slices that hold the currents of a population's cells, in order."""
        first, last = self._tables.start[name], self._tables.start[name] + self._tables.size[name]
        params, targets = self._tables.params, []
        for block in params.block[params.block[:, f.START].argsort()]:
            if not first <= block[f.START] < last:
                continue
            if block[f.GROUP] >= 0:
                return [(params.group[block[f.GROUP]], slice(f.BIAS, f.BIAS + 1))]
            at = int(block[f.STATE]) + (f.PARAMS + f.BIAS) * f.BLOCK_SIZE
            targets.append((self._cells.state, slice(at, at + int(block[f.STOP] - block[f.START]))))
        return targets
