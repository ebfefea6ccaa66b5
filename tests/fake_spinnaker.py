"""A stand-in for ``pyNN.spiNNaker``: it keeps every call, and its board is the emulator.

As on a board, the delay of a structured connector is cut off after a product of two s16.15 numbers;
a list has the delays that it says.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np

import spikemem as sm
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains


class Cells:
    def __init__(self, sim, size, cell, label, additional_parameters=None):
        self.sim, self.size, self.cell, self.label = sim, size, cell, label
        self.additional = additional_parameters or {}
        self.recorded, self.v, self.currents = [], None, []
        sim.populations.append(self)

    def __getitem__(self, cells):
        assert cells.step is None
        return SimpleNamespace(parent=self, cells=range(self.size)[cells])

    def injected(self, dt):
        """The currents that were injected, as the machine steps through their tables."""
        last = round(self.sim.duration / dt)
        table = np.zeros((last, self.size))
        for source, cells in self.currents:
            at, now = 0, 0.0
            for tick in range(last):
                if tick >= source.ticks[at]:  # an IndexError is a read past the table
                    now, at = source.amplitudes[at], at + 1
                table[tick, cells] += now
        return sm.StepCurrent(times=np.arange(last) * dt, amplitudes=table)

    def record(self, variable):
        self.recorded.append(variable)

    def initialize(self, v):
        self.v = v

    def get_data(self, variable):
        result, segment = self.sim.result, SimpleNamespace(spiketrains=[], analogsignals=[])
        if variable == "v":
            signal = _Signal(result.traces[self.label, "v"])
            signal.annotations = {"channel_names": np.arange(self.size)}
            segment.analogsignals.append(signal)
        else:
            for k, times in enumerate(result[self.label].to_lists()):
                train = _Signal(np.array(times))
                train.annotations = {"source_index": k}
                segment.spiketrains.append(train)
        return SimpleNamespace(segments=[segment])


class StepCurrentSource:
    """As sPyNNaker's: times are cut off to steps, and both lists are lists."""

    def __init__(self, sim, times, amplitudes):
        assert type(times) is type(amplitudes) is list
        assert len(times) == len(amplitudes)
        self.ticks = [int(time * (1000.0 / round(sim.dt * 1000))) for time in times]
        self.amplitudes = amplitudes

    def inject_into(self, cells):
        whole = isinstance(cells, Cells)
        parent = cells if whole else cells.parent
        parent.currents.append((self, list(range(parent.size) if whole else cells.cells)))


class _Signal:
    name = "v"

    def __init__(self, values):
        self.magnitude = values

    def __len__(self):
        return len(self.magnitude)

    def rescale(self, unit):
        return self


class Links:
    def __init__(self, sim, pre, post, connector, *, synapse_type, receptor_type, label):
        self.sim, self.pre, self.post, self.connector = sim, pre, post, connector
        self.synapse, self.receptor, self.label = synapse_type, receptor_type, label
        sim.projections.append(self)

    def ours(self, dt):
        """The projection as a list, with the delays of the board."""
        if self.connector.rows is None:
            weight, delay = self.synapse.fixed["weight"], self.synapse.fixed["delay"]
            i, j = np.nonzero(
                np.eye(self.pre.size)
                if self.connector.kind == "one_to_one"
                else np.ones((self.pre.size, self.post.size))
            )
            delay = cut_off(delay, dt)
        else:
            columns = dict(
                zip(("i", "j", *self.connector.names), self.connector.rows.T, strict=True)
            )
            i, j, weight = columns["i"].astype(int), columns["j"].astype(int), columns["weight"]
            delay = columns.get("delay", self.synapse.fixed.get("delay"))
        rule = self.synapse.rule and STDP(**self.synapse.rule)
        return Projection(
            name=self.label, pre=self.pre.label, post=self.post.label, i=i, j=j, weight=weight,
            delay=delay, receptor=self.receptor, plasticity=rule,
        )  # fmt: skip

    def get(self, names, format):
        assert (names, format) == (["weight", "delay"], "list")
        full = self.sim.network.synapses(self.label)
        weight = self.sim.result.weights[self.label]
        return list(zip(full.i, full.j, weight, full.delay, strict=True))


def cut_off(delay, dt):
    """A delay (ms) as the machine makes it."""
    per_ms = round(1000 / round(dt * 1000) * 32768)
    return ((round(delay * 32768) * per_ms) >> 30) * dt


def fake_module():
    """The module; its lists `populations` and `projections` have what was made with it."""
    sim = ModuleType("pyNN.spiNNaker")
    sim.populations, sim.projections, sim.calls = [], [], []
    sim.setup = lambda timestep, min_delay: setattr(sim, "dt", timestep)
    sim.end = lambda: sim.calls.append("end")
    sim.SpikeSourceArray = lambda spike_times: spike_times
    sim.IF_curr_exp = lambda **values: LIF(**values)
    sim.Population = lambda size, cell, label, **more: Cells(sim, size, cell, label, **more)
    sim.StepCurrentSource = lambda **values: StepCurrentSource(sim, **values)
    sim.Projection = lambda *args, **options: Links(sim, *args, **options)
    for name, kind in (("OneToOne", "one_to_one"), ("AllToAll", "all_to_all")):
        made = SimpleNamespace(kind=kind, rows=None)
        setattr(sim, f"{name}Connector", lambda made=made: made)
    sim.FromListConnector = lambda rows, column_names: SimpleNamespace(
        rows=np.asarray(rows), names=column_names
    )
    sim.StaticSynapse = lambda **fixed: SimpleNamespace(fixed=fixed, rule=None)
    sim.SpikePairRule = lambda **values: {k.lower(): v for k, v in values.items()}
    sim.AdditiveWeightDependence = lambda **values: values
    sim.STDPMechanism = _stdp
    sim.run = lambda duration: _run(sim, duration)
    return sim


def _stdp(timing_dependence, weight_dependence, dendritic_delay_fraction, **fixed):
    assert dendritic_delay_fraction == 1.0
    return SimpleNamespace(fixed=fixed, rule=timing_dependence | weight_dependence)


def _run(sim, duration):
    sim.duration, populations = duration, []
    for item in sim.populations:
        if isinstance(item.cell, LIF):
            cell = item.cell
            if item.currents:
                assert cell.i_offset == 0
                cell = replace(cell, i_offset=item.injected(sim.dt))
            populations.append(
                Population(name=item.label, size=item.size, cell=cell, v_init=item.v,
                           record=tuple(item.recorded))
            )  # fmt: skip
        else:
            lists = item.cell or [[]] * item.size
            trains = SpikeTrains.from_lists(lists)
            assert trains.size == item.size
            populations.append(Population(name=item.label, cell=SpikeSource(spikes=trains)))
    sim.network = Network(
        populations=populations,
        projections=[item.ours(sim.dt) for item in sim.projections],
        dt=sim.dt,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sim.result = sm.simulate(sim.network, duration, backend="emulator", allow_coarse=True)


def install(monkeypatch, *, virtual=False):
    """Put the fake where an exported script looks for sPyNNaker, and return it."""
    sim = fake_module()
    config = ModuleType("spinn_utilities.config_holder")
    config.get_config_bool = lambda section, option: virtual
    monkeypatch.setitem(sys.modules, "pyNN.spiNNaker", sim)
    monkeypatch.setitem(sys.modules, "spinn_utilities.config_holder", config)
    return sim
