"""SpiNNaker's numbers for the compiled engine: s16.15 state, 16-bit weights, tables in s4.11."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends.native import fields as f
from ...backends.native.numbers import compile_engine
from ...network import Network, Population, Projection
from ...units import steps
from . import emulated_cells, emulated_log, emulated_plasticity
from .arithmetic import (
    ONE,
    cell_constants,
    machine_delay,
    s1615,
    stdp_constants,
    weight16,
    weight_lsb,
)
from .machine_layout import Shifts, uniform

__all__ = ["BoardNumbers"]

_CHUNK = 1 << 20


@cache
def _kernels() -> dict[str, Any]:
    return compile_engine(
        "board",
        emulated_cells.update_block,
        emulated_plasticity.plastic_pre,
        emulated_plasticity.plastic_post,
        emulated_plasticity.plastic_due,
        emulated_plasticity.plastic_flush,
    )


class BoardNumbers:
    """SpiNNaker's number system for :mod:`spikemem.backends.native`.

    Parameters
    ----------
    shifts : dict of str to (int, int)
        Left shifts of the excitatory and inhibitory ring buffers of each population.
    slots : dict of str to int
        Steps of delay that the ring buffers of each population hold.
    most : int
        Largest number of times that a spike counts for plasticity.
    """

    state = trace = np.dtype(np.int32)
    ring = rule_type = np.dtype(np.int64)
    weight = np.dtype(np.uint16)
    exact = False
    keeps_log = True
    y_rows = emulated_log.Y_ROWS

    def __init__(self, shifts: Shifts, slots: dict[str, int], most: int = 1) -> None:
        self.shifts, self.slots, self.most = shifts, slots, most

    def shift(self, projection: Projection) -> int:
        """Return the left shift of the ring buffer that a projection drives."""
        return self.shifts[projection.post][projection.receptor == "inhibitory"]

    def kernels(self) -> dict[str, Any]:
        """Return the compiled engine."""
        return _kernels()

    def log_size(self, n_post: int) -> int:
        """Return the size of a log: twice all histories, so that compaction is rare."""
        return 16 * n_post * (1 + self.most) + 64

    def lag(self, network: Network, projection: Projection, delay: int) -> int:
        """Return the steps that a spike spends in delay cores: a multiple of the ring buffer."""
        slots = self.slots[projection.post]
        return (delay - 1) // slots * slots

    def group(self, population: Population) -> Hashable:
        """Return the name of the population, since each population has its own shifts."""
        return population.name

    def cells(self, population: Population, size: int, dt: float) -> NDArray[np.int32]:
        """Return parameters of the first `size` cells of a population, shape (N_PARAM, `size`)."""
        words = cell_constants(replace(population, size=size, v_init=None), dt)
        shift_e, shift_i = self.shifts[population.name]
        out = np.zeros((f.N_PARAM, size), dtype=np.int64)
        out[f.V_REST], out[f.V_RESET], out[f.V_THRESH] = words.v_rest, words.v_reset, words.v_thresh
        out[f.RESISTANCE], out[f.KEEP_V], out[f.BIAS] = words.resistance, words.leak, words.i_offset
        out[f.N_REF] = words.n_ref
        out[f.KEEP_E], out[f.GAIN_E] = words.decay_E, words.scale_E
        out[f.KEEP_I], out[f.GAIN_I] = words.decay_I, words.scale_I
        out[emulated_cells.SHIFT_E], out[emulated_cells.SHIFT_I] = shift_e, shift_i
        return out.astype(np.int32)

    def bias(
        self, population: Population, current: NDArray[np.float64], dt: float
    ) -> NDArray[np.int32]:
        """Convert currents (nA) to s16.15; they are added to ``i_offset``, which is 0 here."""
        return s1615(current).astype(np.int32)

    def potential(self, v: NDArray[np.float64]) -> NDArray[np.int32]:
        """Convert potentials (mV) to s16.15."""
        return s1615(v).astype(np.int32)

    def weights(self, network: Network, projection: Projection, w: Any) -> NDArray[np.uint16]:
        """Convert weights (nA) to 16 bits; each copy is rounded as if it were alone."""
        values, shift = np.asarray(w, dtype=np.float64), self.shift(projection)
        out = np.empty(values.shape, dtype=np.uint16)
        n = network.copies if values.ndim else 1
        pieces = zip(values.reshape(n, -1), out.reshape(n, -1), strict=True)
        for k, (piece, target) in enumerate(pieces):
            machine = _made_by_machine(projection, network.dt, piece, k, n, network.copies)
            for at in range(0, piece.size, _CHUNK):
                part = slice(at, at + _CHUNK)
                target[part] = weight16(piece[part], shift, on_machine=machine)
        return out

    def rule(
        self, network: Network, projection: Projection
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Return the row of ``Plastic.rule``, and the tables of both traces, which end in 0."""
        rule = projection.plasticity
        assert rule is not None
        words = stdp_constants(rule, network.dt)
        row = np.zeros(f.N_RULE, dtype=np.int64)
        row[f.A_PLUS], row[f.A_MINUS] = words.a_plus, words.a_minus
        row[f.W_MIN], row[f.W_MAX] = words.w_min, words.w_max
        row[emulated_log.SHIFT] = self.shift(projection)
        plus, minus = (
            np.append(table, 0).astype(np.int32) for table in (words.table_plus, words.table_minus)
        )
        return row, plus, minus

    def in_mv(self, v: NDArray[Any]) -> NDArray[np.float64]:
        """Convert potentials to mV."""
        return np.asarray(v, dtype=np.float64) / ONE

    def in_na(
        self, network: Network, projection: Projection, w: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Convert weights to nA."""
        return np.asarray(w, dtype=np.float64) * weight_lsb(self.shift(projection))


def _made_by_machine(
    projection: Projection, dt: float, weight: NDArray[np.float64], k: int, n: int, copies: int
) -> bool:
    """Tell whether the machine generates the synapses of a copy.

    See :func:`.machine_layout.connector`.
    """
    if projection.connector == "list":
        return False
    tiles = projection.tiles // copies
    if projection.connector == "all_to_all" and (tiles > 1 or not projection.allow_self):
        return False
    delay = np.asarray(projection.delay)
    if delay.ndim:
        delay = delay.reshape(n, -1)[k]
    one = uniform(delay)
    right = one is not None and machine_delay(one, dt) == int(steps(one, dt))
    return right and uniform(weight) is not None
