"""Every public callable of resistive memory refuses what is not of its declared kind."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import is_dataclass

import numpy as np
import pytest
from nonsense import nonsense

import spikemem as sm
from spikemem import limits
from spikemem.checks import kinds_of
from spikemem.errors import SpikememError
from spikemem.hardware import resistive as rm
from spikemem.hardware.resistive import accounts
from spikemem.hardware.resistive.devices import ProgrammedCells


def network() -> sm.Network:
    spikes = sm.SpikeTrains(ids=[0, 1], times=[1.0, 3.0], size=2, duration=5.0)
    rule = sm.STDP(a_plus=0.1, a_minus=0.1, w_max=2.0)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=spikes)),
            sm.Population(name="out", size=2, cell=sm.LIF()),
        ],
        projections=[
            sm.Projection.all_to_all("static", "in", "out", weight=1.0, delay=1.0),
            sm.Projection.one_to_one("plastic", "in", "out", weight=1.0, delay=1.0,
                                     plasticity=rule),
        ],
    )  # fmt: skip


NET = network()
RECORDING = sm.Recording(
    spikes={"in": NET.population("in").source, "out": sm.SpikeTrains.empty(2)},
    dt=1.0, start=0.0, stop=5.0,
)  # fmt: skip
WRITTEN = rm.write(rm.PCM(), NET)
ARRAY = rm.program(rm.PCM(), [[1.0, 0.5], [0.0, 2.0]])
LINE = rm.program(rm.PCM(), [1.0, 2.0])
BAR = rm.Crossbar(rm.PCM(), [[1.0, 0.5], [0.0, 2.0]], converters=rm.Converters.bits(7, 7))
LINES = {"rows": [0, 1], "columns": [0, 1]}

CELLS = ProgrammedCells(
    np.full(2, 10.0), np.full(2, 10.0), {"nu": np.full(2, 0.1), "z": np.ones(2)}
)
OWN = rm.from_measurements([0.0, 60.0], mean=[0.1, 60.0], sd=[0.1, 0.5])
DEVICES = {type(item).__name__: item for item in (
    rm.PCM(), rm.HERMES(), rm.WanRRAM(), rm.CMOHfOx(), rm.MiloRRAM(), rm.SONOS(), rm.Generic(),
    rm.Ideal(), rm.RandomRRAM(), OWN,
)}  # fmt: skip
RANGE = {"w_max": 1.0, "g_min": 0.0, "g_max": 1.0}

METHODS = {
    f"{name}.{method}": (getattr(device, method), arguments)
    for name, device in DEVICES.items()
    for method, arguments in {
        "program": {"target": np.full(2, 10.0), "rng": np.random.default_rng(0)},
        "aged": {"cells": CELLS, "time": 1.0},
        "read_sd": {"cells": CELLS, "aged": np.full(2, 10.0), "time": 1.0},
        "check_target": {"target": np.full(2, device.g_max)},
        "clip": {"conductance": np.full(2, 10.0)},
    }.items()
    if (name, method) != ("RandomRRAM", "program")
}

CALLS = {
    **METHODS,
    "WanRRAM.sd": (rm.WanRRAM().sd, {"target": np.full(2, 10.0), "time": 1.0}),
    "BitSlices.readout": (rm.BitSlices().readout, RANGE),
    "DifferentialPair.readout": (rm.DifferentialPair().readout, RANGE),
    "Offset.readout": (rm.Offset().readout, RANGE),
    "SingleDevice.readout": (rm.SingleDevice().readout, RANGE),
    "ConductanceUpdate.gains": (rm.ConductanceUpdate().gains,
                                {"n": 3, "rng": np.random.default_rng(0)}),
    "ConductanceUpdate.moved": (rm.ConductanceUpdate().moved, {"x": [0.5], "share": [0.1]}),
    "ConductanceUpdate.changed": (rm.ConductanceUpdate().changed, {
        "weight": [1.0], "wanted": [0.1], "gain": [1.0], "low": 0.0, "high": 2.0,
        "rng": np.random.default_rng(0),
    }),
    "Written.broken": (WRITTEN.broken, {"name": "static"}),
    "Account": (rm.Account, {"platform": "p", "energy": {}, "dense_energy": 0.0,
                             "sparse_energy": 0.0, "latency": None, "area": None, "source": "s"}),
    "BitSlices": (rm.BitSlices, {"bits": 4, "per_device": 2}),
    "CMOHfOx": (rm.CMOHfOx, {"acceptance": 0.002, "g_max": 80.0, "g_min": 10.0, "levels": 4,
                             "extrapolate": False}),
    "ConductanceUpdate": (rm.ConductanceUpdate, {"nonlinearity_plus": 1.0, "step_sd": 0.1}),
    "Converters": (rm.Converters, {"inp_bound": 1.0, "inp_res": 0.1, "adc_range": "fixed",
                                   "weight_noise_kind": "pcm", "scale_inputs": True}),
    "Converters.bits": (rm.Converters.bits, {"dac": 7, "adc": 7}),
    "Crossbar": (rm.Crossbar, {
        "device": rm.PCM(), "weights": [[1.0]], "w_max": 1.0, "mapping": rm.DifferentialPair(),
        "seed": 0, "faults": None, "verify": None, "tile": (1, 1), "converters": None,
        "reads": "none", "ir_drop": 0.5, "g_ratio": 10.0, "wires": (1.0, 1.0), "spare_columns": 0,
        "compensation": "none", "time": 0.0, "dtype": "float64",
    }),
    "Crossbar.age": (BAR.age, {"time": 1.0}),
    "Crossbar.matvec": (BAR.matvec, {"x": [1.0, 0.0]}),
    "Crossbar.read": (BAR.read, {"spikes": [0]}),
    "Crossbar.calibrate": (BAR.calibrate, {"x": [[1.0, 0.0]], "quantile": 0.9}),
    "Device.check_time": (rm.PCM().check_time, {"time": 1.0}),
    "Device.apply": (rm.PCM().apply, {"network": NET}),
    "Device.write": (rm.PCM().write, {"network": NET}),
    "DeviceLearning": (rm.DeviceLearning, {"update": rm.ConductanceUpdate(), "seed": 0,
                                           "projections": ["plastic"]}),
    "DifferentialPair": (rm.DifferentialPair, {"factors": (1.0, 2.0), "fill": "alike",
                                               "balanced": False}),
    "EventReader": (rm.EventReader, {"i": [0, 1], "j": [0, 1], "array": LINE, "n_in": 2,
                                     "n_out": 2, "time": 0.0, "seed": 0}),
    "EventReader.read": (rm.EventReader([0, 1], [0, 1], LINE, n_in=2, n_out=2).read,
                         {"spikes": [0]}),
    "Faults": (rm.Faults, {"missing": 0.1, "stuck_low": 0.1, "stuck_high": 0.1, "open_rows": 0.1,
                           "open_columns": 0.1}),
    "Faults.fixed": (rm.Faults(missing=0.5).fixed,
                     {"device": rm.PCM(), **LINES, "n_devices": 2, "seed": 0, "name": "a"}),
    "Generic": (rm.Generic, {"g_max": 10.0, "programming_sd": 0.1, "nu": 0.1, "nu_sd": 0.1,
                             "programming_scaling": "inverse", "programming_shape": "uniform",
                             "t0": 1.0, "read_noise": 0.1}),
    "HERMES": (rm.HERMES, {"g_max": 10.0, "devices": 1}),
    "Ideal": (rm.Ideal, {"g_max": 10.0, "g_min": 1.0}),
    "Measured": (rm.Measured, {"targets": [0, 1], "measured_at": [0.0], "mean": [0, 1],
                               "sd": [0, 1], "read_noise": 0.1}),
    "MiloRRAM": (rm.MiloRRAM, {"g_max": 200.0}),
    "Offset": (rm.Offset, {"reference": "device"}),
    "PCM": (rm.PCM, {"g_max": 20.0, "g_min": 0.1, "levels": 3, "extrapolate": True}),
    "Periphery": (rm.Periphery, {"read_voltage": 0.1, "read_time": 1e-9, "adc_bits": 4, "node": 22,
                                 "column_resistance": 1e4, "feature": 20.0,
                                 "one_transistor": False}),
    "ProgrammedArray": (rm.ProgrammedArray, {
        "device": rm.PCM(), "mapping": rm.SingleDevice(), "w_max": 1.0, "seed": 0, "name": "a",
        "target": [[1.0]], "programmed": [[1.0]], "drawn": {"nu": [[0.1]]}, "fixed": [[np.nan]],
        "generation": 0, "writes": 1, "accepted": 1.0,
    }),
    "ProgrammedArray.read": (ARRAY.read, {"time": 0.0, "draw": 1}),
    "ProgrammedArray.read_sd": (ARRAY.read_sd, {"time": 0.0}),
    "ProgrammedArray.conductances": (ARRAY.conductances, {"time": 0.0}),
    "ProgrammedArray.weights": (ARRAY.weights, {"time": 0.0, "draw": 1}),
    "ProgrammedArray.weight_sd": (ARRAY.weight_sd, {"time": 0.0}),
    "ProgrammedArray.reprogram": (ARRAY.reprogram, {"weights": [[1.0, 0.5], [0.0, 2.0]],
                                                    "verify": None}),
    "RandomRRAM": (rm.RandomRRAM, {"voltage": 3.4, "distribution": "normal", "read_noise": 0.1,
                                   "cell_yield": 0.5}),
    "RandomRRAM.draw": (rm.RandomRRAM().draw, {"shape": (2, 2), "seed": 0}),
    "RandomRRAM.weights": (rm.RandomRRAM().weights, {"shape": 2, "seed": 0, "scale": 1.0}),
    "ReadNoise": (rm.ReadNoise, {"written": WRITTEN, "time": 0.0, "projections": "static",
                                 "seed": 0}),
    "SONOS": (rm.SONOS, {"g_max": 10.0}),
    "SingleDevice": (rm.SingleDevice, {}),
    "SingleDevice.targets": (rm.SingleDevice().targets, {"weight": [1.0], "w_max": 1.0,
                                                         "g_min": 0.0, "g_max": 1.0}),
    "SingleDevice.weights": (rm.SingleDevice().weights, {"conductance": [[1.0]], "w_max": 1.0,
                                                         "g_min": 0.0, "g_max": 1.0}),
    "Verify": (rm.Verify, {"tolerance": 0.1, "rounds": 3}),
    "WanRRAM": (rm.WanRRAM, {"read_noise": 0.1}),
    "Written": (rm.Written, {"ideal": NET, "device": rm.PCM(), "arrays": WRITTEN.arrays,
                             "absent": {}, "negative": "clip"}),
    "Written.network": (WRITTEN.network, {"time": 0.0, "draw": 0, "compensation": "global"}),
    "Written.report": (WRITTEN.report, {"time": 0.0, "draw": 0, "compensation": "global"}),
    "Written.weights": (WRITTEN.weights, {"name": "static", "time": 0.0, "draw": 0,
                                          "compensation": "none"}),
    "account": (rm.account, {"network": NET, "recording": RECORDING, "platform": "crossbar",
                             "written": WRITTEN, "time": 0.0, "periphery": rm.Periphery()}),
    "accounts.adc_energy": (accounts.adc_energy, {"bits": 5, "node": 45, "resistance": 1e4}),
    "accounts.table": (accounts.table, {"accounts": [rm.account(NET, RECORDING, "Loihi")]}),
    "apply": (rm.apply, {"device": rm.PCM(), "network": NET, "time": 0.0, "draw": 0,
                         "compensation": "column"}),
    "count": (rm.count, {"network": NET, "recording": RECORDING, "projections": ["static"]}),
    "formed_fraction": (rm.formed_fraction, {"voltage": 3.4}),
    "forming_voltage": (rm.forming_voltage, {"density": 0.4}),
    "from_measurements": (rm.from_measurements, {"targets": [0, 1], "mean": [0, 1], "sd": [0, 1],
                                                 "ages": [0.0]}),
    "learn_on_device": (rm.learn_on_device, {"session": None,
                                             "update": rm.ConductanceUpdate(), "seed": 0}),
    "load_array": (rm.load_array, {"path": "nosuch.h5"}),
    "nodal_currents": (rm.nodal_currents, {"g": [[1.0]], "v": [1.0], "r_row": 1.0,
                                           "r_column": 1.0}),
    "program": (rm.program, {"device": rm.PCM(), "weights": [1.0, 2.0], "w_max": 2.0,
                             "mapping": None, "seed": 0, "name": "a", "faults": rm.Faults(),
                             "verify": None, **LINES}),
    "redraw_reads": (rm.redraw_reads, {"session": None,
                                       "written": WRITTEN, "time": 0.0, "seed": 0}),
    "session": (rm.session, {"written": WRITTEN, "time": 0.0, "reads": "none", "seed": 0,
                             "backend": "native"}),
    "write": (rm.write, {"device": rm.PCM(), "network": NET, "projections": ["static"], "seed": 0,
                         "mapping": None, "w_max": {"static": 2.0}, "faults": None,
                         "verify": None, "unconnected": "hrs", "negative": "split"}),
}  # fmt: skip

UNDECLARED = {
    "Account": "all",  # made by account()
    "Device.apply": "all",  # passes everything on to apply()
    "Device.write": "all",
    "account": ("platform",),
    "session": ("backend",),  # that of Session
}


def test_every_public_callable_is_tried():
    public = [name for name in rm.__all__ if callable(getattr(rm, name))]
    assert len(public) > 30
    assert set(public) <= {*CALLS, "Device", "WeightMapping", "Quality"}


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_has_a_declared_kind(name):
    function, arguments = CALLS[name]
    own = function
    if inspect.isclass(function) and not is_dataclass(function):
        own = function.__init__
    declared = set(kinds_of(getattr(own, "__func__", own)))
    exempt = UNDECLARED.get(name, ())
    missing = set() if exempt == "all" else {*arguments} - declared - {*exempt}
    assert not missing


@pytest.mark.parametrize("name", CALLS)
def test_nonsense_is_refused_by_name_or_taken(name):
    """No argument leads to an error that is not ours; the valid call works.

    Three calls are never valid here: they need an open session, or a file.
    """
    function, arguments = CALLS[name]
    if name not in ("learn_on_device", "redraw_reads", "load_array"):
        function(**arguments)
    for changed in arguments:
        for value in nonsense():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    function(**{**arguments, changed: value})
                except SpikememError:
                    continue


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]], ir_drop=-5), "ir_drop must be >= 0, got -5"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]], g_ratio=0), "g_ratio must be > 0"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]], tile={1, 2}), r"tile must be \(rows, columns\)"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]], tile="12"), r"tile must be \(rows, columns\)"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]], seed=True), "seed must be an int >= 0"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]], wires=(-1.0, 1.0)), "wires must be >= 0 Ohm"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0], [1.0, 2.0]]), "weights must be in nA"),
        (lambda: rm.Crossbar(rm.PCM(), [[1.0]]).matvec([[1.0], [1.0, 2.0]]), "array of numbers"),
        (
            lambda: rm.Crossbar(rm.PCM(), [[1.0]]).matvec(np.ma.masked_equal([1.0], 1.0)),
            "x must be an array of numbers",
        ),
        (lambda: rm.program(rm.PCM(), [1.0], seed=True), "seed must be an int >= 0"),
        (lambda: rm.write(rm.PCM(), NET, seed=True), "seed must be an int >= 0"),
        (lambda: rm.write(rm.PCM(), NET, w_max={"p": 3.0}), "'p' is not a projection"),
        (lambda: rm.PCM(extrapolate="no"), "extrapolate must be True or False"),
        (lambda: rm.DifferentialPair(balanced=1), "balanced must be True or False"),
        (lambda: rm.Periphery(one_transistor="no"), "one_transistor must be True or False"),
        (lambda: rm.Converters.bits(1, 7), "dac must be an int >= 2"),
        (lambda: rm.BitSlices(bits=True), "bits must be an int"),
        (lambda: WRITTEN.network(draw=True), "draw must be an int"),
        (lambda: WRITTEN.network(draw=-1), "draw must be an int >= 0"),
        (lambda: BAR.calibrate([[1.0, 2.0, 3.0]]), r"shape \(n_vectors, 2\)"),
        (lambda: rm.program(rm.PCM(), [1.0, 2.0], rows=[0], columns=[0, 1], faults=rm.Faults(
            missing=0.1)), "weights' shape"),
        (lambda: rm.SingleDevice().targets([1.0], 1.0, 2.0, 1.0), "g_min must be below"),
        (lambda: rm.SingleDevice().readout(1.0, 2.0, 2.0), "g_min must be below"),
        (lambda: rm.PCM().program([np.nan], np.random.default_rng(0)), "target must be finite"),
        (lambda: rm.PCM().program([1.0], 3), "rng must be a Generator"),
        (lambda: rm.WanRRAM().aged(rm.PCM().program([1.0], np.random.default_rng(0)), 1.0),
         "must keep 'z'"),
        (lambda: rm.PCM().read_sd(CELLS, [1.0], 1.0), r"shape \(2,\), got \(1,\)"),
        (lambda: rm.PCM().aged(ProgrammedCells([1.0], [1.0], {}), 1.0),
         "cells must be ProgrammedCells with arrays"),
        (lambda: rm.ConductanceUpdate().moved([0.1, 0.2], [0.1, 0.2, 0.3]), "x .* share .*one sha"),
        (lambda: rm.ConductanceUpdate().changed([1.0], [1.0], 1.0, 2.0, 2.0,
                                                np.random.default_rng(0)), "low must be below"),
        (lambda: rm.RandomRRAM().draw([1] * 40), "shape must have at most 30 sizes"),
        (lambda: WRITTEN.broken("nosuch"), "'nosuch' is not a projection in devices"),
        (lambda: rm.Written(NET, rm.PCM(), {"static": ARRAY}, {}, "clip"), "n_synapses"),
        (lambda: rm.nodal_currents(np.ones((2, 2)), [1.0, 1.0], 1e300, 1e300), "r_column"),
    ],
)  # fmt: skip
def test_bad_arguments(call, words):
    with pytest.raises(sm.DescriptionError, match=words):
        call()


def test_all_problems_of_a_crossbar_are_reported_at_once():
    with pytest.raises(sm.DescriptionError) as caught:
        rm.Crossbar(rm.PCM(), [[1.0]], ir_drop=-5, reads="often", tile={1}, seed=True)
    for part in ("4 problems", "ir_drop", "reads", "tile", "seed"):
        assert part in str(caught.value)


LARGE = {
    "inputs": lambda: rm.EventReader([0, 1], [0, 1], LINE, n_in=2**31 - 1, n_out=2),
    "outputs": lambda: rm.EventReader([0, 1], [0, 1], LINE, n_in=2, n_out=2**31 - 1),
    "draw": lambda: rm.RandomRRAM().draw(2**31 - 1),
    "weights": lambda: rm.RandomRRAM().weights((2**20, 2**20, 2**20)),
    "gains": lambda: rm.ConductanceUpdate().gains(2**31 - 1, np.random.default_rng(0)),
    "row": lambda: rm.program(rm.PCM(), [1.0], rows=[2**31 - 1], columns=[0],
                              faults=rm.Faults(open_rows=0.5)),
    "column": lambda: rm.program(rm.PCM(), [1.0], rows=[0], columns=[2**31 - 1],
                                 faults=rm.Faults(open_columns=0.5)),
    "devices": lambda: rm.Faults(missing=0.5).fixed(rm.PCM(), [0], [0], 2**31 - 1, 0, "a"),
    "wires": lambda: rm.nodal_currents(np.ones((1000, 1000)), np.ones(1000), 1.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_what_does_not_fit_into_the_memory_is_refused(name, monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: 2**30)
    with pytest.raises(sm.DescriptionError, match="of memory, and this computer has 1 GiB"):
        LARGE[name]()


def test_large_numbers_of_lines_are_taken_where_no_line_is_broken():
    array = rm.program(rm.PCM(), [1.0], rows=[2**31 - 1], columns=[2**31 - 1],
                       faults=rm.Faults(missing=1.0))  # fmt: skip
    assert array.weights(0.0).tolist() == [0.0]


def test_wires_of_the_least_resistance_are_as_without_any():
    """Each wire in turn; the other one has 1 Ohm."""
    g, v = [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]
    for order in (1, -1):
        least, small = (rm.nodal_currents(g, v, *(1.0, ohm)[::order]) for ohm in (5e-324, 1e-9))
        np.testing.assert_allclose(least, small, rtol=1e-9)


def test_wires_of_extreme_resistance_are_exact_or_refused():
    """One cell is in series with its two pieces of wire."""
    for ohm in (1e-12, 1e-3, 1e3, 1e12):
        expected = 1.0 / (1e-6 * 2 * ohm + 1 / 10.0)
        assert rm.nodal_currents([[10.0]], [1.0], ohm, ohm) == pytest.approx([expected], rel=1e-2)
