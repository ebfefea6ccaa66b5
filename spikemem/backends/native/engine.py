"""The engine: the tables and the state of a network, advanced in chunks of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...network import Network
from ...recording import SpikeTrains
from ...units import steps
from . import fields as f
from .currents import Currents
from .numbers import NumberSystem
from .state import CellState, Output, Plastic
from .tables import EngineTables, make_tables
from .threads import Crew, share

__all__ = ["Engine", "Run", "Snapshot"]

_CHUNK_SECONDS = 0.05
_REPORTS = 100
_CELLS = ("state", "ring", "dirty", "awake", "ids", "waiting", "tally")
_PLASTIC = ("table", "x", "row", "y", "queue")
_LOG = ("log", "before", "newest")


class Run(NamedTuple):
    """Raw results: spikes (cell, step), shape (n_spikes, 2), and traces in the number system."""

    spikes: NDArray[np.int64]
    v: NDArray[Any]
    w: NDArray[Any]


class Snapshot(NamedTuple):
    """State between two runs; the engine saves the weights of each row that changes later."""

    serial: int
    cells: tuple[NDArray[Any], ...]
    plastic: tuple[NDArray[Any], ...]


class Engine:
    """A network in arrays, with the kernels that advance it.

    Parameters
    ----------
    network : Network
        Network to simulate.
    numbers : NumberSystem
        Number system with its kernels.
    threads : int
        Largest number of threads; fewer are used if the network has fewer blocks of cells.
    """

    def __init__(self, network: Network, numbers: NumberSystem, threads: int = 1) -> None:
        self.network = network
        self.numbers = numbers
        self.threads = threads
        self.tables: EngineTables = make_tables(network, numbers, threads)
        self.cells = _make_cells(network, numbers, self.tables)
        self.plastic = _make_plastic(network, numbers, self.tables)
        self._currents = Currents(network, numbers, self.tables.cells, self.cells)
        self._advance = numbers.kernels()["advance"]
        self._flush = numbers.kernels()["flush"]
        self._saved = _PLASTIC + (_LOG if numbers.keeps_log else ())
        self._reported: dict[str, NDArray[np.float64]] = {}
        self._serial = 0
        self._chunk = 64
        self._v_index = self._potentials()
        self._shares = share(self.tables, self.cells, self.plastic, self._v_index)
        self._crew = Crew(self._shares[0][3].sync)
        self._recorded = np.zeros(self.cells.fired.size, dtype=np.uint8)
        for population in network.populations:
            first = self.tables.cells.start[population.name]
            self._recorded[first : first + population.size] = "spikes" in population.record
        stores = self.tables.storage.values()
        self._w_recorded = [store for store in stores if store.projection.record]
        self._load()

    def _load(self) -> None:
        """Compile the kernels, or load them from disk, before the first run."""
        closed = {
            name: np.zeros((1, last - first), dtype=np.bool_)
            for name, (first, last) in self.tables.gate_columns.items()
        }
        self._steps(self._output(1, {}, closed), 0, 0, 0, True)
        self._flush(self.cells, self.tables.wiring, self.plastic)

    def _potentials(self) -> NDArray[np.int64]:
        """Return the indices of the recorded potentials in the state, by population."""
        parts = [np.zeros(0, dtype=np.int64)]
        for population in self.network.populations:
            if "v" in population.record:
                first = self.tables.cells.start[population.name]
                parts.append(self.tables.cells.v_index[first : first + population.size])
        return np.concatenate(parts)

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None] | None = None,
    ) -> Run:
        """Advance by `n_steps`; see :meth:`spikemem.simulation.Backend.run`."""
        output = self._output(n_steps, inputs, gates)
        n_w = sum(store.stop - store.start for store in self._w_recorded)
        w = np.empty((n_steps, n_w), dtype=self.numbers.weight)
        spikes: list[NDArray[np.int64]] = []
        step, last, reported = first_step, first_step + n_steps, first_step
        self._currents.begin(first_step)
        while step < last:
            change = self._currents.set(step)
            began, start = time.perf_counter(), step
            if n_w:
                self._record_weights(w[step - first_step])
            stop = step + 1 if n_w else min(step + self._chunk, last, change)
            step, reason = self._steps(output, first_step, step, stop, stop == last)
            if reason == f.FULL:
                spikes.append(_drain(output))
            if progress is not None and (step == last or (step - reported) * _REPORTS >= n_steps):
                progress((step - first_step) / n_steps)
                reported = step
            if not n_w:
                self._adapt(time.perf_counter() - began, step - start)
        spikes.append(_drain(output))
        self._forget_changed()
        return Run(np.concatenate(spikes), output.v, w)

    def _steps(
        self, output: Output, begin: int, first: int, last: int, settle: bool
    ) -> tuple[int, int]:
        params, exact = self.tables.cells.params, self.numbers.exact
        tasks = [
            partial(self._advance, cells, params, wiring, plastic, output, part,
                    begin, first, last, exact, settle)
            for cells, wiring, plastic, part in self._shares
        ]  # fmt: skip
        result: tuple[int, int] = tasks[0]() if len(tasks) == 1 else self._crew.work(tasks)
        return result

    def _record_weights(self, row: NDArray[Any]) -> None:
        self._flush(self.cells, self.tables.wiring, self.plastic)
        column = 0
        for store in self._w_recorded:
            n = store.stop - store.start
            row[column : column + n] = self.tables.wiring.weight[store.start : store.stop]
            column += n

    def _adapt(self, seconds: float, done: int) -> None:
        """Choose the length of the next chunk so that interrupts are handled soon."""
        if done and seconds > 0:
            goal = int(done * _CHUNK_SECONDS / seconds)
            self._chunk = min(max(goal, self._chunk // 2, 1), 4 * self._chunk, 1 << 24)

    def _output(
        self,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
    ) -> Output:
        source = [np.zeros((0, 2), np.int64)]
        for name, trains in inputs.items():
            cells = trains.ids.astype(np.int64) + self.tables.cells.start[name]
            source.append(np.stack([cells, steps(trains.times, self.network.dt)], axis=1))
        spikes = np.concatenate(source)
        order = np.lexsort((spikes[:, f.CELL], spikes[:, f.STEP]))
        return Output(
            source=spikes[order],
            gate=self._gates(gates),
            spike=np.empty((self._room(), 2), dtype=np.int64),
            recorded=self._recorded,
            v_index=self._v_index,
            v=np.empty((n_steps, self._v_index.size), dtype=self.numbers.state),
            cursor=np.zeros(2, dtype=np.int64),
        )

    def _room(self) -> int:
        """Return the size of the spike buffer: more than a window in which all cells fire."""
        window = int(self._shares[0][3].plan[f.WINDOW])
        return max((window + 3) * self.cells.fired.size, 65536)

    def _gates(self, gates: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
        columns = self.tables.gate_columns
        if all(gates[name].all() for name in columns):
            return np.ones((1, max(self.tables.n_gates, 1)), dtype=np.uint8)
        table = [gates[name].astype(np.uint8) for name in columns]
        return np.ascontiguousarray(np.concatenate(table, axis=1))

    def weights(self, name: str) -> NDArray[np.float64]:
        """Return the weights of a plastic projection, nA, shape (n_synapses,), read-only.

        As long as they do not change, the same array is returned.
        """
        if name not in self._reported:
            store = self.tables.storage[name]
            stored = store.read(self.tables.wiring.weight[store.start : store.stop])
            values = self.numbers.in_na(self.network, store.projection, stored)
            values.flags.writeable = False
            self._reported[name] = values
        return self._reported[name]

    def _forget_changed(self) -> None:
        """Drop the reported weights of projections in which a row has changed."""
        for name, store in self.tables.storage.items():
            if store.units:
                units = self.tables.wiring.units[store.units]
                first = self.plastic.table[units[0, f.PLASTIC], f.ROW]
                last = self.plastic.table[units[-1, f.PLASTIC], f.ROW] + units[-1, f.N_PRE]
                if self.plastic.row[first:last, f.SAVED].any():
                    self._reported.pop(name, None)

    def set_weights(self, name: str, values: Any) -> None:
        """Set the weights (nA) of a plastic projection."""
        store = self.tables.storage[name]
        encoded = self.numbers.weights(self.network, store.projection, values)
        n = self.network.count(name)
        target = self.tables.wiring.weight[store.start : store.stop]
        store.write(target, np.broadcast_to(encoded, (n,)))
        self._reported.pop(name, None)

    def snapshot(self) -> Snapshot:
        """Return the present state; only the latest snapshot can be restored.

        Weights are not copied: from now on, a row is saved before its first change. Logs are
        copied only if they can be non-empty between runs.
        """
        self._crew.rest()
        self._serial += 1
        self.plastic.row[:, f.SAVED] = 0
        return Snapshot(
            self._serial,
            tuple(getattr(self.cells, name).copy() for name in _CELLS),
            tuple(getattr(self.plastic, name).copy() for name in self._saved),
        )

    def restore(self, state: Snapshot) -> None:
        """Return to the state of the latest snapshot; can be called again after an interrupt.

        Raises
        ------
        ValueError
            If there is a later snapshot.
        """
        if state.serial != self._serial:
            raise ValueError("only the latest snapshot can be restored")
        self._crew.rest()
        self._forget_changed()
        self._restore_weights()
        for name, values in zip(_CELLS, state.cells, strict=True):
            getattr(self.cells, name)[:] = values
        for cells, *_ in self._shares:
            cells.fired[:] = 0
            cells.ids[:] = self.cells.ids
            cells.waiting[:] = self.cells.waiting
        self.tables.wiring.counts[:] = 0
        self.plastic.newest[:] = -1
        for name, values in zip(self._saved, state.plastic, strict=True):
            getattr(self.plastic, name)[:] = values

    def save_state(self) -> tuple[Any, ...]:
        """Return copies of everything that changes in a run, including the weights."""
        state = self.snapshot()
        return state.cells, state.plastic, self.tables.wiring.weight.copy()

    def load_state(self, state: tuple[Any, ...]) -> None:
        """Continue from the state that another engine of the same network saved."""
        cells, plastic, weight = state
        self.tables.wiring.weight[:] = weight
        self._reported.clear()
        self.restore(self.snapshot()._replace(cells=cells, plastic=plastic))

    def _restore_weights(self) -> None:
        wiring, plastic = self.tables.wiring, self.plastic
        for table in plastic.table:
            unit = wiring.units[table[f.UNIT]]
            rows = np.flatnonzero(plastic.row[table[f.ROW] : table[f.ROW] + unit[f.N_PRE], f.SAVED])
            for row in rows.tolist():
                if unit[f.KIND] == f.PLASTIC_DENSE:
                    begin = row * unit[f.N_POST] - unit[f.POST]
                    first, last = begin + unit[f.LOW], begin + unit[f.HIGH]
                else:
                    first, last = wiring.rows[unit[f.ROWS] + row : unit[f.ROWS] + row + 2]
                part = slice(unit[f.WEIGHT] + first, unit[f.WEIGHT] + last)
                wiring.weight[part] = plastic.saved[part]
        plastic.row[:, f.SAVED] = 0


def _drain(output: Output) -> NDArray[np.int64]:
    n = int(output.cursor[1])
    output.cursor[1] = 0
    return output.spike[:n].copy()


def _make_cells(network: Network, numbers: NumberSystem, tables: EngineTables) -> CellState:
    cells = tables.cells
    n, n_all, n_blocks = cells.n_cells, cells.n_cells + cells.n_sources, len(cells.params.block)
    state = cells.state.copy()
    for population in network.populations:
        if not population.is_source:
            first = cells.start[population.name]
            v_index = cells.v_index[first : first + population.size]
            state[v_index] = numbers.potential(population.initial_v())
    mask = np.zeros(f.BLOCK_SIZE, dtype=np.uint8)
    return CellState(
        state=state,
        ring=np.zeros((tables.n_slots, 2, n), dtype=numbers.ring),
        dirty=np.zeros((tables.n_slots, 2, n_blocks), dtype=np.uint8),
        awake=np.ones(n_blocks, dtype=np.uint8),
        fired=np.zeros(n_all, dtype=np.uint8),
        ids=np.zeros(n_all, dtype=np.int64),
        waiting=np.zeros(1, dtype=np.int64),
        mask=mask,
        mask64=mask.view(np.uint64),
        scratch=np.zeros(f.PARAMS * f.BLOCK_SIZE, dtype=numbers.state),
        tally=np.zeros((n_blocks, 2), dtype=np.int64),
    )


def _make_plastic(network: Network, numbers: NumberSystem, tables: EngineTables) -> Plastic:
    units, late = tables.wiring.units, int(numbers.exact)
    table_rows, rules, luts = [], [], []
    n_row = n_y = n_log = n_queue = n_lut = 0
    longest = 1
    for store in tables.storage.values():
        rule, plus, minus = numbers.rule(network, store.projection)
        for u, gate in zip(store.units, store.gates, strict=True):
            n_pre, n_post, delay = (int(units[u, k]) for k in (f.N_PRE, f.N_POST, f.DELAY))
            row = np.zeros(f.N_PLASTIC, dtype=np.int64)
            log = numbers.log_size(n_post)
            queue = (delay + 2 + late) * n_post + 1
            lag = numbers.lag(network, store.projection, delay)
            waiting = (lag + 2) * n_pre + 1 if lag else 0
            row[[f.UNIT, f.LOG, f.LOG_SIZE, f.QUEUE, f.QUEUE_SIZE]] = u, n_log, log, n_queue, queue
            row[[f.ROW, f.Y, f.GATE, f.Y_LATE]] = n_row, n_y, gate, late
            row[[f.LUT_PLUS, f.N_LUT_PLUS]] = n_lut, plus.size
            row[[f.LUT_MINUS, f.N_LUT_MINUS]] = n_lut + plus.size, minus.size
            row[[f.LAG, f.DENDRITIC]] = lag, delay - lag
            row[[f.LATE, f.LATE_SIZE]] = n_queue + queue, waiting
            table_rows.append(row)
            rules.append(rule)
            n_log, n_queue = n_log + log, n_queue + queue + waiting
            n_row, n_y = n_row + n_pre, n_y + n_post
            longest = max(longest, log)
        luts += [plus, minus]
        n_lut += plus.size + minus.size
    return Plastic(
        table=np.array(table_rows, dtype=np.int64).reshape(-1, f.N_PLASTIC),
        rule=np.array(rules or np.zeros((0, f.N_RULE)), dtype=numbers.rule_type),
        x=np.zeros(n_row, dtype=numbers.trace),
        row=np.zeros((n_row, f.N_ROW), dtype=np.int64),
        y=np.zeros(numbers.y_rows * n_y, dtype=numbers.trace),
        newest=np.full(n_y, -1, dtype=np.int64),
        log=np.zeros((n_log, 2), dtype=np.int64),
        before=np.zeros(n_log, dtype=np.int64),
        queue=np.zeros((n_queue, 2), dtype=np.int64),
        lut=np.concatenate([np.zeros(0, numbers.trace), *luts]),
        saved=np.empty(tables.wiring.weight.size if table_rows else 0, dtype=numbers.weight),
        stack=np.zeros(longest, dtype=np.int64),
    )
