"""Brian2 objects for currents that change over time: an operation, or a table when compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from ...limits import require_memory
from ...network import Network, Population
from .equations import offset_gain

__all__ = ["operation", "table"]

TABLE = "spikemem_current"
"""Name of the table of currents in compiled code."""


def operation(
    network: Network, cells: b2.NeuronGroup, slices: Mapping[str, slice], integrator: str
) -> b2.NetworkOperation | None:
    """Return a Brian2 object that sets the currents in each step, or None if none changes.

    The currents depend only on the step, so the object has no state.
    """
    changing = [pop for pop in network.populations if not pop.is_source and pop.lif.current]
    if not changing:
        return None
    act = _Steps(changing, cells, slices, network.dt, integrator)
    return b2.NetworkOperation(
        act.__call__, clock=cells.clock, when="start", order=-10, name="spikemem_currents"
    )


class _Steps:
    def __init__(
        self,
        populations: Sequence[Population],
        cells: b2.NeuronGroup,
        slices: Mapping[str, slice],
        dt: float,
        integrator: str,
    ) -> None:
        self._populations, self._dt = populations, dt
        self._gain = {pop.name: offset_gain(pop, dt, integrator) for pop in populations}
        drive = cells.variables["drive_offset"].get_value()
        self._drive = {pop.name: drive[slices[pop.name]] for pop in populations}
        self._now = cells.clock.variables["timestep"].get_value()
        self._expected = -1
        self._changes: dict[int, list[tuple[str, NDArray[np.float64]]]] = {}

    def __call__(self) -> None:
        step = int(self._now[0])
        if step != self._expected:
            self._changes = {}
            for pop in self._populations:
                assert pop.lif.current is not None
                ticks, amplitudes = pop.lif.current.from_step(step, self._dt)
                for tick, row in zip(ticks.tolist(), amplitudes, strict=True):
                    self._changes.setdefault(tick, []).append((pop.name, row))
        for name, row in self._changes.get(step, ()):
            self._drive[name][:] = self._gain[name] * row
        self._expected = step + 1


def table(
    populations: Sequence[Population], dt: float, integrator: str, n_steps: int
) -> tuple[str, dict[str, Any], NDArray[np.int64]] | None:
    """Return code that reads the currents of each step from a table, or None if none changes.

    Returns
    -------
    code : str
        Code to put before that of the cells; it needs the constant ``current_column``.
    namespace : dict
        Namespace with the table.
    column : ndarray of int64, shape (n_cells,)
        Column of each cell; -1 if its current is constant.
    """
    if not any(pop.lif.current for pop in populations):
        return None
    width = sum(pop.size for pop in populations if pop.lif.current)
    require_memory(
        8.0 * width * n_steps,
        f"backend 'brian2' with target 'cpp_standalone': currents of {width} cells in {n_steps} "
        f"steps",
        "Use another target.",
    )
    columns, values, column = [], [np.zeros((n_steps, 0))], 0
    for pop in populations:
        if pop.lif.current is None:
            columns.append(np.full(pop.size, -1))
            continue
        ticks, amplitudes = pop.lif.current.from_step(0, dt)
        row = np.searchsorted(ticks, np.arange(n_steps), side="right") - 1
        values.append(offset_gain(pop, dt, integrator) * amplitudes.reshape(len(ticks), -1)[row])
        columns.append(np.arange(column, column + pop.size))
        column += pop.size
    array = b2.TimedArray(np.concatenate(values, axis=1), dt=dt * b2.ms, name=TABLE)
    code = (
        f"drive_offset = int(current_column >= 0)*{TABLE}(t, current_column*int("
        f"current_column >= 0)) + int(current_column < 0)*drive_offset\n"
    )
    return code, {TABLE: array}, np.concatenate(columns)
