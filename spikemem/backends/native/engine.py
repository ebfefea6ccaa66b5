"""The engine: a laid-out network with its state, run in chunks of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...network import Network
from ...recording import SpikeTrains
from ...units import steps
from . import fields as f
from .layout import Layout, lay_out
from .numbers import NumberSystem
from .state import Cells, Output, Plastic

__all__ = ["Engine", "Run", "Snapshot"]

_CHUNK_SECONDS = 0.05
_CHANGING = ("table", "x", "seen", "position", "y", "queue_cell", "queue_step")


class Run(NamedTuple):
    """Raw results: spikes as (step, cell), traces as they are held."""

    spike_step: NDArray[np.int64]
    spike_id: NDArray[np.int64]
    v: NDArray[Any]
    w: NDArray[Any]


class Snapshot(NamedTuple):
    """State between two runs; the weights are those since when rows are marked."""

    serial: int
    cells: tuple[NDArray[Any], ...]
    plastic: tuple[NDArray[Any], ...]


class Engine:
    """A network in arrays, ready to be advanced.

    Parameters
    ----------
    network : Network
        What to simulate.
    numbers : NumberSystem
        How numbers are held, and the kernels that compute with them.
    """

    def __init__(self, network: Network, numbers: NumberSystem) -> None:
        self.network = network
        self.numbers = numbers
        self.layout: Layout = lay_out(network, numbers)
        self.cells = _make_cells(network, numbers, self.layout)
        self.plastic = _make_plastic(network, numbers, self.layout)
        self._advance = numbers.kernels()["advance"]
        self._flush = numbers.kernels()["plastic_flush"]
        self._serial = 0
        self._chunk = 64
        self._v_parts, self._n_v = self._place_potentials()
        self._n_w = self._place_weights()
        self._recorded = np.zeros(self.cells.fired.size, dtype=np.uint8)
        for population in network.populations:
            first = self.layout.cells.start[population.name]
            self._recorded[first : first + population.size] = "spikes" in population.record

    def _place_potentials(self) -> tuple[NDArray[np.int64], int]:
        parts, column = [], 0
        for population in self.network.populations:
            if "v" in population.record:
                first = self.layout.cells.start[population.name]
                parts.append((first, first + population.size, column))
                column += population.size
        return np.array(parts, dtype=np.int64).reshape(-1, 3), column

    def _place_weights(self) -> int:
        """Give each recorded plastic unit its first column of the trace."""
        column = 0
        units = self.layout.wiring.units
        for place in self.layout.storage.values():
            if not place.projection.record:
                continue
            for u in place.units:
                q = units[u, f.PLASTIC]
                self.plastic.table[q, f.RECORD] = column + units[u, f.WEIGHT] - place.start
            column += place.stop - place.start
        return column

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None] | None = None,
    ) -> Run:
        """Advance by `n_steps`; arguments as :meth:`spikemem.simulation.Backend.run`."""
        output = self._output(n_steps, inputs, gates)
        spikes: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        step, last = first_step, first_step + n_steps
        while step < last:
            began, start = time.perf_counter(), step
            stop = min(step + self._chunk, last)
            step, reason = self._advance(
                self.cells, self.layout.cells.params, self.layout.wiring, self.plastic, output,
                first_step, step, stop, self.numbers.exact,
            )  # fmt: skip
            if reason == f.FULL:
                spikes.append(_drain(output))
            if progress is not None:
                progress((step - first_step) / n_steps)
            self._adapt(time.perf_counter() - began, step - start)
        spikes.append(_drain(output))
        for q in range(self.plastic.table.shape[0]):
            self._flush(self.layout.wiring, self.plastic, q)
        moments, cells = (np.concatenate(parts) for parts in zip(*spikes, strict=True))
        return Run(moments, cells, output.v, output.w)

    def _adapt(self, seconds: float, done: int) -> None:
        """Choose the next chunk so that an interrupt is noticed soon."""
        if done and seconds > 0:
            wish = int(done * _CHUNK_SECONDS / seconds)
            self._chunk = min(max(wish, self._chunk // 2, 1), 4 * self._chunk, 1 << 24)

    def _output(
        self,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
    ) -> Output:
        moments, ids = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for name, trains in inputs.items():
            moments.append(steps(trains.times, self.network.dt))
            ids.append(trains.ids.astype(np.int64) + self.layout.cells.start[name])
        moment, cell = np.concatenate(moments), np.concatenate(ids)
        order = np.lexsort((cell, moment))
        room = max(4 * self.cells.fired.size, 65536)
        return Output(
            source_step=moment[order],
            source_id=cell[order],
            gate=self._gates(gates),
            spike_step=np.empty(room, dtype=np.int64),
            spike_id=np.empty(room, dtype=np.int64),
            recorded=self._recorded,
            v_part=self._v_parts,
            v=np.empty((n_steps, self._n_v), dtype=self.numbers.state),
            w=np.empty((n_steps, self._n_w), dtype=self.numbers.weight),
            cursor=np.zeros(2, dtype=np.int64),
        )

    def _gates(self, gates: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
        columns = self.layout.gate_columns
        if all(gates[name].all() for name in columns):
            return np.ones((1, max(self.layout.n_gates, 1)), dtype=np.uint8)
        table = [gates[name].astype(np.uint8) for name in columns]
        return np.ascontiguousarray(np.concatenate(table, axis=1))

    def weights(self, name: str) -> NDArray[np.float64]:
        """Weights of a plastic projection, nA, in its own order, shape (n_synapses,)."""
        place = self.layout.storage[name]
        held = place.read(self.layout.wiring.weight[place.start : place.stop])
        return self.numbers.in_na(self.network, place.projection, held)

    def set_weights(self, name: str, values: Any) -> None:
        """Put other weights (nA) into a plastic projection."""
        place = self.layout.storage[name]
        held = self.numbers.weights(self.network, place.projection, values)
        n = self.network.count(name)
        target = self.layout.wiring.weight[place.start : place.stop]
        place.write(target, np.broadcast_to(held, (n,)))

    def snapshot(self) -> Snapshot:
        """State as it is; the latest snapshot alone can be restored.

        Weights are not copied: from now on the first change of a row saves it. Between runs the
        logs are empty, so they need no copy either.
        """
        self._serial += 1
        self.plastic.mark[:] = 0
        return Snapshot(
            self._serial,
            tuple(getattr(self.cells, name).copy() for name in _CELL_STATE),
            tuple(getattr(self.plastic, name).copy() for name in _CHANGING),
        )

    def restore(self, state: Snapshot) -> None:
        """Be as at the time of the latest snapshot.

        Raises
        ------
        ValueError
            A later snapshot was made.
        """
        if state.serial != self._serial:
            raise ValueError("only the latest snapshot can be restored")
        for name, values in zip(_CELL_STATE, state.cells, strict=True):
            getattr(self.cells, name)[:] = values
        self.cells.fired[:] = 0
        self.layout.wiring.counts[:] = 0
        for name, values in zip(_CHANGING, state.plastic, strict=True):
            getattr(self.plastic, name)[:] = values
        self.plastic.last[:] = -1
        self._restore_weights()

    def _restore_weights(self) -> None:
        wiring, plastic = self.layout.wiring, self.plastic
        for table in plastic.table:
            unit = wiring.units[table[f.UNIT]]
            rows = np.flatnonzero(plastic.mark[table[f.ROW] : table[f.ROW] + unit[f.N_PRE]])
            for row in rows.tolist():
                if unit[f.KIND] == f.PLASTIC_DENSE:
                    first, last = row * unit[f.N_POST], (row + 1) * unit[f.N_POST]
                else:
                    first, last = wiring.rows[unit[f.ROWS] + row : unit[f.ROWS] + row + 2]
                part = slice(unit[f.WEIGHT] + first, unit[f.WEIGHT] + last)
                wiring.weight[part] = plastic.saved[part]
        plastic.mark[:] = 0


_CELL_STATE = ("v", "i_e", "i_i", "ref", "ring", "dirty", "awake", "ids", "waiting")


def _drain(output: Output) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n = int(output.cursor[1])
    output.cursor[1] = 0
    return output.spike_step[:n].copy(), output.spike_id[:n].copy()


def _make_cells(network: Network, numbers: NumberSystem, layout: Layout) -> Cells:
    n, n_sources = layout.cells.n_cells, layout.cells.n_sources
    n_blocks = layout.cells.params.block.shape[0]
    v = np.zeros(n)
    for population in network.populations:
        if not population.is_source:
            first = layout.cells.start[population.name]
            v[first : first + population.size] = population.initial_v()
    mask = np.zeros(f.BLOCK_SIZE, dtype=np.uint8)
    return Cells(
        v=numbers.potential(v),
        i_e=np.zeros(n, dtype=numbers.state),
        i_i=np.zeros(n, dtype=numbers.state),
        ref=np.zeros(n, dtype=np.int32),
        ring=np.zeros((layout.n_slots, 2, n), dtype=numbers.ring),
        dirty=np.zeros((layout.n_slots, 2, n_blocks), dtype=np.uint8),
        awake=np.ones(n_blocks, dtype=np.uint8),
        fired=np.zeros(n + n_sources, dtype=np.uint8),
        ids=np.zeros(n + n_sources, dtype=np.int64),
        waiting=np.zeros(1, dtype=np.int64),
        mask=mask,
        mask64=mask.view(np.uint64),
        scratch=np.zeros((3, f.BLOCK_SIZE), dtype=numbers.state),
    )


def _make_plastic(network: Network, numbers: NumberSystem, layout: Layout) -> Plastic:
    units, late = layout.wiring.units, int(numbers.exact)
    tables, rules, luts = [], [], []
    n_row = n_y = n_log = n_queue = n_lut = 0
    longest = 1
    for place in layout.storage.values():
        rule, plus, minus = numbers.rule(network, place.projection)
        for u, gate in zip(place.units, place.gates, strict=True):
            n_pre, n_post, delay = (int(units[u, k]) for k in (f.N_PRE, f.N_POST, f.DELAY))
            row = np.zeros(f.N_PLASTIC, dtype=np.int64)
            log = min(max(64 * n_post, 1024), max(65536, 4 * n_post))
            queue = (delay + 2 + late) * n_post + 1
            row[[f.UNIT, f.LOG, f.LOG_SIZE, f.QUEUE, f.QUEUE_SIZE]] = u, n_log, log, n_queue, queue
            row[[f.ROW, f.Y, f.GATE, f.RECORD, f.Y_LATE]] = n_row, n_y, gate, -1, late
            row[[f.LUT_PLUS, f.N_LUT_PLUS]] = n_lut, plus.size
            row[[f.LUT_MINUS, f.N_LUT_MINUS]] = n_lut + plus.size, minus.size
            tables.append(row)
            rules.append(rule)
            n_log, n_queue = n_log + log, n_queue + queue
            n_row, n_y = n_row + n_pre, n_y + n_post
            longest = max(longest, log)
        luts += [plus, minus]
        n_lut += plus.size + minus.size
    return Plastic(
        table=np.array(tables, dtype=np.int64).reshape(-1, f.N_PLASTIC),
        rule=np.array(rules or np.zeros((0, f.N_RULE)), dtype=numbers.rule_type),
        x=np.zeros(n_row, dtype=numbers.trace),
        seen=np.zeros(n_row, dtype=np.int64),
        position=np.zeros(n_row, dtype=np.int64),
        mark=np.zeros(n_row, dtype=np.uint8),
        y=np.zeros(n_y, dtype=numbers.trace),
        last=np.full(n_y, -1, dtype=np.int64),
        log_cell=np.zeros(n_log, dtype=np.uint32),
        log_due=np.zeros(n_log, dtype=np.int64),
        log_before=np.zeros(n_log, dtype=np.int64),
        queue_cell=np.zeros(n_queue, dtype=np.uint32),
        queue_step=np.zeros(n_queue, dtype=np.int64),
        lut=np.concatenate([np.zeros(0, numbers.trace), *luts]),
        saved=np.empty(layout.wiring.weight.size if tables else 0, dtype=numbers.weight),
        stack=np.zeros(longest, dtype=np.int64),
    )
