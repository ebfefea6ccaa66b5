"""A slow, plain simulator, written from docs/explanation/semantics.md alone; the tests' oracle."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache

import mpmath
import numpy as np

from spikemem.network import Network
from spikemem.recording import Recording, SpikeTrains


def reference(network: Network, duration: float, integrator: str = "spinnaker") -> Recording:
    """Simulate with loops over cells, synapses and steps."""
    machine = _Machine(network, integrator)
    n_steps = round(duration / network.dt)
    for step in range(n_steps):
        machine.advance(step)
    return machine.recording(n_steps)


class _Machine:
    def __init__(self, network, integrator):
        self.network, self.exact, self.dt = network, integrator == "exact", network.dt
        self.cells = {
            pop.name: [_Cell(pop, k, self.dt, self.exact) for k in range(pop.size)]
            for pop in network.populations
            if not pop.is_source
        }
        self.due = {
            pop.name: {
                (round(t / self.dt), int(k))
                for t, k in zip(pop.source.times, pop.source.ids, strict=True)
            }
            for pop in network.populations
            if pop.is_source
        }
        self.rows = {p.name: _Row(network, p, self.dt, self.exact) for p in network.projections}
        self.arriving = defaultdict(float)
        self.waiting = {}
        self.spikes = {pop.name: [] for pop in network.populations}
        self.traces = defaultdict(list)

    def advance(self, step):
        for pop in self.network.populations:
            if "v" in pop.record:
                self.traces[pop.name, "v"].append([cell.v for cell in self.cells[pop.name]])
        for row in self.rows.values():
            if row.projection.record:
                self.traces[row.projection.name, "weight"].append(list(row.weight))
        if self.exact:
            self.send(step, self.waiting | self.sources(step))
        fired = {}
        for name, cells in self.cells.items():
            inputs = [
                [
                    self.arriving.pop((name, k, receptor, step), 0.0)
                    for receptor in ("excitatory", "inhibitory")
                ]
                for k in range(len(cells))
            ]
            fired[name] = {k for k, cell in enumerate(cells) if cell.advance(step, *inputs[k])}
        self.note(step + 1 if self.exact else step, fired)
        self.note(step, self.sources(step))
        if self.exact:
            self.waiting = fired
        else:
            self.send(step, fired | self.sources(step))

    def sources(self, step):
        return {name: {k for t, k in due if t == step} for name, due in self.due.items()}

    def note(self, label, fired):
        for name, ids in fired.items():
            self.spikes[name] += [(label * self.dt, k) for k in sorted(ids)]

    def send(self, label, fired):
        for row in self.rows.values():
            post = row.projection.post
            for j, delay, weight in row.events(label, fired):
                self.arriving[post, j, row.projection.receptor, label + delay] += weight

    def recording(self, n_steps):
        stop = n_steps * self.dt
        spikes = {
            pop.name: SpikeTrains(
                ids=[k for _, k in self.spikes[pop.name]],
                times=[t for t, _ in self.spikes[pop.name]],
                size=pop.size,
                duration=stop + self.dt,
            )
            for pop in self.network.populations
            if "spikes" in pop.record
        }
        return Recording(
            spikes=spikes,
            traces={key: np.array(rows) for key, rows in self.traces.items()},
            weights={p.name: np.array(self.rows[p.name].weight) for p in self.network.plastic},
            dt=self.dt,
            stop=stop,
        )


@cache
def _gain(tau, dt):
    """tau/dt·(1 - exp(-dt/tau)), with more digits than a float has."""
    with mpmath.workdps(60):
        tau, dt = mpmath.mpf(tau), mpmath.mpf(dt)
        return float(tau / dt * (1 - mpmath.exp(-dt / tau)))


@cache
def _propagator(tau, tau_m, cm, dt):
    with mpmath.workdps(60):
        tau, tau_m, cm, dt = (mpmath.mpf(value) for value in (tau, tau_m, cm, dt))
        if mpmath.isinf(tau_m):
            return float(tau / cm * (1 - mpmath.exp(-dt / tau)))
        if tau == tau_m:
            return float(dt / cm * mpmath.exp(-dt / tau))
        between = mpmath.exp(-dt / tau_m) - mpmath.exp(-dt / tau)
        return float(tau * tau_m / (cm * (tau_m - tau)) * between)


class _Cell:
    def __init__(self, pop, k, dt, exact):
        cell = pop.lif.steady
        value = {name: float(cell.array(name, pop.size)[k]) for name in cell.units}
        self.p, self.exact, self.dt = value, exact, dt
        self.steps = []
        if pop.lif.current is not None:
            amplitudes = pop.lif.current.amplitudes
            mine = amplitudes if amplitudes.ndim == 1 else amplitudes[:, k]
            self.steps = [
                (round(t / dt), float(i)) for t, i in zip(pop.lif.current.times, mine, strict=True)
            ]
        self.v, self.i_e, self.i_i, self.ref = float(pop.initial_v()[k]), 0.0, 0.0, 0
        tau_m, cm = value["tau_m"], value["cm"]
        self.leaks = math.isfinite(tau_m)
        self.r, self.a = tau_m / cm, math.exp(-dt / tau_m)
        self.p_i = self.r * dt / tau_m * _gain(tau_m, dt) if self.leaks else dt / cm
        self.n_ref = math.ceil(value["tau_refrac"] / dt - 1e-9)
        self.d, self.g0, self.p_vs = {}, {}, {}
        for side in "EI":
            tau = value[f"tau_syn_{side}"]
            self.d[side] = math.exp(-dt / tau)
            self.g0[side] = _gain(tau, dt)
            self.p_vs[side] = _propagator(tau, tau_m, cm, dt)

    def offset(self, step):
        """i_offset in a step, nA."""
        return ([self.p["i_offset"]] + [i for first, i in self.steps if first <= step])[-1]

    def advance(self, step, in_e, in_i):
        p, free, offset = self.p, self.ref == 0, self.offset(step)
        self.i_e += in_e if self.exact else self.g0["E"] * in_e
        self.i_i += in_i if self.exact else self.g0["I"] * in_i
        if free and self.exact:
            u = self.v - p["v_rest"]
            drive = self.p_vs["E"] * self.i_e - self.p_vs["I"] * self.i_i
            u = self.a * u + drive + self.p_i * offset
            self.v = p["v_rest"] + u
        elif free and not self.leaks:
            self.v += (self.i_e - self.i_i + offset) * self.dt / p["cm"]
        elif free:
            alpha = p["v_rest"] + self.r * (self.i_e - self.i_i + offset)
            self.v = alpha - self.a * (alpha - self.v)
        else:
            self.ref -= 1
        fires = free and self.v >= p["v_thresh"]
        if fires:
            self.v, self.ref = p["v_reset"], self.n_ref
        self.i_e *= self.d["E"]
        self.i_i *= self.d["I"]
        return fires


class _Row:
    """One projection: its synapses, their weights, and the traces of each."""

    def __init__(self, network, projection, dt, exact):
        self.projection, self.dt, self.exact = projection, dt, exact
        self.rule = projection.plasticity
        synapses = network.synapses(projection.name)
        self.i, self.j = synapses.i.tolist(), synapses.j.tolist()
        self.weight = synapses.weight.tolist()
        self.delay = [round(d / dt) for d in synapses.delay]
        self.x, self.y = [0.0] * len(self.i), [0.0] * len(self.i)
        self.seen = [0] * len(self.i)
        self.post_spikes = defaultdict(set)
        per_tile = max(len(self.i) // projection.tiles, 1)
        self.tile = [s // per_tile for s in range(len(self.i))]

    def events(self, label, fired):
        pre, post = fired.get(self.projection.pre, set()), fired.get(self.projection.post, set())
        if self.rule is None:
            return [
                (self.j[s], self.delay[s], self.weight[s])
                for s in range(len(self.i))
                if self.i[s] in pre
            ]
        self.post_spikes[label] = set(post)
        gate = self.rule.gate(np.array([label * self.dt]), self.projection.tiles)[0]
        return [
            sent
            for s in range(len(self.i))
            if (sent := self.event(s, label, pre, bool(gate[self.tile[s]])))
        ]

    def event(self, s, label, pre, open_):
        rule, gap = self.rule, (label - self.seen[s]) * self.dt
        arrived = self.j[s] in self.post_spikes[label - self.delay[s]]
        if not arrived and self.i[s] not in pre:
            return None
        self.x[s] *= math.exp(-gap / rule.tau_plus)
        self.y[s] *= math.exp(-gap / rule.tau_minus)
        self.seen[s] = label
        if arrived:
            if open_:
                self.weight[s] = min(self.weight[s] + rule.a_plus * self.x[s], rule.w_max)
            if not self.exact:
                self.y[s] += 1
        sent = None
        if self.i[s] in pre:
            if open_:
                self.weight[s] = max(self.weight[s] - rule.a_minus * self.y[s], rule.w_min)
            self.x[s] += 1
            sent = self.j[s], self.delay[s], self.weight[s]
        if arrived and self.exact:
            self.y[s] += 1
        return sent
