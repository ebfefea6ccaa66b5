"""SpiNNaker's arithmetic, slowly: plain integers and loops, one object a core would hold.

Written from the C source of sPyNNaker 7.4 (and its compiled form), not from the package; the tests'
oracle for everything that predicts the board. Words are s16.15 unless a name says otherwise.
"""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal

import numpy as np

from spikemem.hardware.spinnaker.machine_layout import (
    delay_slots,
    on_machine,
    ring_buffer_shifts,
)
from spikemem.network import Network
from spikemem.recording import Recording, SpikeTrains

HISTORY = 16


def board_reference(
    network: Network,
    duration: float,
    shifts: dict[str, tuple[int, int]] | None = None,
    slots: dict[str, int] | None = None,
    own_spikes: str = "first",
) -> Recording:
    """Run a network as a board does; plasticity windows are ignored, as they are there.

    own_spikes : below 1 ms, whether the packets that tell a core of the spikes of its own cells
        are the "first" of a step or the "last".
    """
    shifts = ring_buffer_shifts(network) if shifts is None else shifts
    if slots is None:
        slots = {p.name: delay_slots(network, p) for p in network.populations if not p.is_source}
    machine = Machine(network, shifts, slots, own_spikes)
    n_steps = round(duration / network.dt)
    for tick in range(n_steps):
        machine.tick(tick)
    return machine.recording(n_steps)


def word(value: float) -> int:
    return round(Decimal(repr(float(value))) * 32768)


def signed(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def times(a: int, b: int) -> int:
    return signed((a * b) >> 15)


def quotient(a: int, b: int) -> int:
    return a * 32768 // b


def scaled(x: int, y: int) -> int:
    low = (x & 0xFFFFFFFF) * y
    rounded = (low >> 32) + (1 if (low & 0xFFFFFFFF) >= 0x7FFFFFFF else 0)
    return rounded + (x >> 32) * y


def exponential(n: int) -> int:
    """exp of an s16.15 number <= 0, times 2**32."""
    table = [int((Decimal(k).exp() * 2**32).to_integral_value()) for k in range(-13, 1)]
    finer = [int(((1 - (Decimal(-k) / 16).exp()) * 2**32).to_integral_value()) for k in range(16)]
    if n < -340695:
        return 0
    rest = -n % 32768
    result = table[13 - (-n // 32768)]
    if rest:
        result -= scaled(result, finer[rest // 2048])
        x = (rest % 2048) << 17
        series = (((4293434720 - (2081624032 * x >> 32)) * x) >> 32) + 5294
        result -= scaled(result, series)
    return result


class Cell:
    """One IF_curr_exp cell with its two synaptic currents."""

    def __init__(self, parameters, v, dt, changes=()):
        p = {name: word(value) for name, value in parameters.items()}
        step = word(dt)
        self.v, self.ref = word(v), 0
        self.rest, self.reset, self.threshold = p["v_rest"], p["v_reset"], p["v_thresh"]
        self.offset, self.source, self.changes = p["i_offset"], 0, dict(changes)
        self.r = quotient(p["tau_m"], p["cm"])
        self.leak = exponential(-quotient(step, p["tau_m"])) >> 17
        self.n_ref = math.ceil(quotient(p["tau_refrac"], step) / 32768)
        self.current, self.fade, self.gain = [0, 0], [], []
        for side in "EI":
            tau = p[f"tau_syn_{side}"]
            fade = exponential(-quotient(step, tau)) % 2**32
            self.fade.append(fade)
            self.gain.append((quotient(tau, step) * (2**32 - 1 - fade) >> 15) % 2**32)

    def tick(self, tick, inputs):
        self.source = self.changes.get(tick, self.source)
        for side, arriving in enumerate(inputs):
            more = (signed(arriving) * self.gain[side]) >> 32
            self.current[side] = signed(self.current[side] + more)
        fired = False
        if self.ref > 0:
            self.ref -= 1
        else:
            drive = signed(self.current[0] - self.current[1] + self.offset + self.source)
            alpha = signed(times(drive, self.r) + self.rest)
            self.v = signed(alpha - times(self.leak, signed(alpha - self.v)))
            if self.v >= self.threshold:
                fired, self.v, self.ref = True, self.reset, self.n_ref
        for side in (0, 1):
            self.current[side] = (self.current[side] * self.fade[side]) >> 32
        return fired


class PostHistory:
    """Times and traces (s4.11) of a cell's last spikes; the first entry stands for "never"."""

    def __init__(self, table):
        self.times, self.traces, self.table = [0], [0], table

    def add(self, tick):
        trace = faded(self.traces[-1], tick - self.times[-1], self.table)
        if len(self.times) == HISTORY:
            del self.times[1], self.traces[1]
        self.times.append(tick)
        self.traces.append(short(trace + 2048))


def short(value: int) -> int:
    return (value + 2**15) % 2**16 - 2**15


def faded(trace, age, table):
    return (trace * (table[age] if 0 <= age < len(table) else 0)) >> 11


def lookup_table(tau, dt):
    half = math.log(2048) / (dt / tau) / 2
    return [math.floor(math.exp(-k * (dt / tau)) * 2048) for k in range(2 * math.ceil(half))]


class Rule:
    """One plasticity rule as its core holds it."""

    def __init__(self, rule, dt):
        self.plus, self.minus = lookup_table(rule.tau_plus, dt), lookup_table(rule.tau_minus, dt)
        self.low, self.high = word(rule.w_min), word(rule.w_max)
        self.a_plus, self.a_minus = word(rule.a_plus), word(rule.a_minus)

    def updated(self, weight, shift, delay, last, last_trace, now, history):
        """The 16-bit weight after a pre-synaptic spike at `now`; all that waited is done first."""
        value = weight << shift
        begin, end = max(last - delay, 0), max(now - delay, 0)
        stored = list(zip(history.times, history.traces, strict=True))
        first = len(stored)
        while first > 1 and stored[first - 1][0] > begin:
            first -= 1
        previous = stored[first - 1] if first > 1 else None
        for moment, trace in stored[first:]:
            if moment > end:
                break
            age = moment + delay - last
            if age > 0:
                change = times(self.a_plus, faded(last_trace, age, self.plus) << 4)
                value = min(value + change, self.high)
            previous = moment, trace
        if previous is not None:
            trace = faded(previous[1], now - previous[0] - delay, self.minus)
            value = max(value - times(self.a_minus, trace << 4), self.low)
        return (value >> shift) & 0xFFFF


class Synapses:
    """One projection: 16-bit weights, and for each source (and delay stage) its last spike."""

    def __init__(self, network, projection, shift, slots):
        self.projection, self.shift, self.slots = projection, shift, slots
        self.dt = network.dt
        self.side = 0 if projection.receptor == "excitatory" else 1
        synapses = network.synapses(projection.name)
        self.rule = Rule(projection.plasticity, network.dt) if projection.plasticity else None
        self.i, self.j = synapses.i.tolist(), synapses.j.tolist()
        steps = [round(d / network.dt) for d in synapses.delay]
        self.stage = [(d - 1) // slots for d in steps]
        self.delay = [d - stage * slots for d, stage in zip(steps, self.stage, strict=True)]
        self.weight = [self.encode(w) for w in synapses.weight]
        self.rows = defaultdict(list)
        for s, i in enumerate(synapses.i.tolist()):
            self.rows[i, self.stage[s]].append(s)
        self.stages = sorted(set(self.stage))
        self.last = defaultdict(lambda: (0, 0))

    def encode(self, weight):
        if on_machine(self.projection, self.dt):
            half = 2 ** (self.shift - 1) if self.shift else 0
            return ((word(weight) + half) >> self.shift) % 2**16
        return round(float(weight) * 2 ** (15 - self.shift)) % 2**16

    def send(self, tick, fired_at, histories):
        """Deliveries (cell, delay, weight) of the spikes whose stage is over at `tick`."""
        for stage in self.stages:
            for i in sorted(fired_at(tick - stage * self.slots)):
                yield from self.spike(i, stage, tick, histories)

    def spike(self, i, stage, tick, histories):
        if self.rule is None:
            for s in self.rows[i, stage]:
                yield self.j[s], self.delay[s], self.weight[s]
            return
        last, trace = self.last[i, stage]
        for s in self.rows[i, stage]:
            masked = self.delay[s] % self.slots
            self.weight[s] = self.rule.updated(
                self.weight[s], self.shift, masked, last, trace, tick, histories[self.j[s]]
            )
            if masked:
                yield self.j[s], masked, self.weight[s]
        fresh = faded(trace, tick - last, self.rule.plus) + 2048
        self.last[i, stage] = tick, short(fresh)


class Machine:
    def __init__(self, network, shifts, slots, own_spikes):
        self.network, self.shifts, dt = network, shifts, network.dt
        self.own_last = own_spikes == "last"
        self.cells, self.histories = {}, {}
        for pop in network.populations:
            if not pop.is_source:
                cell = pop.lif.steady
                arrays = {name: cell.array(name, pop.size) for name in cell.units}
                self.cells[pop.name] = [
                    Cell(
                        {name: a[k] for name, a in arrays.items()},
                        pop.initial_v()[k],
                        dt,
                        _changes(pop.lif.current, k, dt),
                    )
                    for k in range(pop.size)
                ]
        self.due = {p.name: _due(p, dt) for p in network.populations if p.is_source}
        self.rows = [
            Synapses(network, p, shifts[p.post][p.receptor == "inhibitory"], slots[p.post])
            for p in network.projections
            if network.count(p.name)
        ]
        for row in self.rows:
            if row.rule is not None:
                size = len(self.cells[row.projection.post])
                self.histories[row.projection.post] = [
                    PostHistory(row.rule.minus) for _ in range(size)
                ]
        self.notes = {name: self.noted(name) for name in self.histories}
        self.ring = defaultdict(int)
        self.fired = {pop.name: defaultdict(set) for pop in network.populations}
        self.traces = defaultdict(list)

    def noted(self, name):
        """How often each cell's spike enters its history: see spike_processing_fast.c below 1 ms.

        Of a population with a projection onto itself, once for each row that is fetched for the
        packet of a spike; the master population table has one for each matrix without delay cores.
        Packets of which no row holds anything are filtered; a plastic row holds its own history.
        There is no route from a core to one where none of its cells has a synapse.
        """
        size = len(self.cells[name])
        loops = [row for row in self.rows if row.projection.pre == row.projection.post == name]
        if self.network.dt >= 1.0 or not loops:
            return [1] * size
        matrices = [row for row in loops if 0 in row.stages]
        counts = []
        for k in range(size):
            here = range(k // 128 * 128, k // 128 * 128 + 128)
            pairs = [pair for row in loops for pair in zip(row.i, row.j, strict=True)]
            route = any(i in here and j in here for i, j in pairs)
            holds = [
                (row.rule is not None and route) or any(row.j[s] in here for s in row.rows[k, 0])
                for row in matrices
            ]
            counts.append(len(matrices) if any(holds) else 0)
        return counts

    def note(self, tick):
        """Post-synaptic spikes of a step enter the histories."""
        for name, histories in self.histories.items():
            for k in self.fired[name][tick]:
                for _ in range(self.notes[name][k]):
                    histories[k].add(tick)

    def tick(self, tick):
        for pop in self.network.populations:
            if "v" in pop.record:
                self.traces[pop.name, "v"].append([c.v / 32768 for c in self.cells[pop.name]])
        for name, cells in self.cells.items():
            for k, cell in enumerate(cells):
                inputs = [
                    min(self.ring.pop((name, k, side, tick), 0), 0xFFFF) << self.shifts[name][side]
                    for side in (0, 1)
                ]
                if cell.tick(tick, inputs):
                    self.fired[name][tick].add(k)
        if not self.own_last:
            self.note(tick)
        for name, due in self.due.items():
            self.fired[name][tick] = due.get(tick, set())
        for row in self.rows:
            p = row.projection
            fired, histories = self.fired[p.pre], self.histories.get(p.post)
            for j, delay, weight in row.send(tick, lambda t, f=fired: f.get(t, ()), histories):
                self.ring[p.post, j, row.side, tick + delay] += weight
        if self.own_last:
            self.note(tick)

    def recording(self, n_steps):
        dt = self.network.dt
        spikes = {}
        for pop in self.network.populations:
            if "spikes" in pop.record:
                pairs = [(t, k) for t, ids in self.fired[pop.name].items() for k in ids]
                spikes[pop.name] = SpikeTrains(
                    ids=[k for _, k in pairs],
                    times=[t * dt for t, _ in pairs],
                    size=pop.size,
                    duration=(n_steps + 1) * dt,
                )
        weights = {
            row.projection.name: np.array(row.weight) * 2.0 ** (row.shift - 15)
            for row in self.rows
            if row.rule is not None
        }
        return Recording(
            spikes=spikes,
            traces={key: np.array(rows) for key, rows in self.traces.items()},
            weights=weights,
            dt=dt,
            stop=n_steps * dt,
        )


def _changes(current, k, dt):
    """(tick, word) of each change of a cell's step current source, as the host rounds them."""
    if current is None:
        return []
    amplitudes = current.amplitudes
    mine = amplitudes if amplitudes.ndim == 1 else amplitudes[:, k]
    return [(round(t / dt), word(i)) for t, i in zip(current.times, mine, strict=True)]


def _due(population, dt):
    due = defaultdict(set)
    trains = population.source
    for k, t in zip(trains.ids.tolist(), trains.times.tolist(), strict=True):
        due[round(t / dt)].add(k)
    return due
