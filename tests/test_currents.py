"""Currents that change over time: against closed forms, the references, and other simulators."""

from __future__ import annotations

import copy
import math
import pickle
import re
import warnings
from dataclasses import replace

import fake_spinnaker
import numpy as np
import pytest
from board_reference import board_reference
from cases import assert_alike, assert_same, source
from reference import reference
from test_spinnaker_export import VIRTUAL, run
from test_spinnaker_run import run_script

import spikemem as sm
from spikemem.errors import SpikememWarning

INTEGRATORS = ["spinnaker", "exact"]
CELL = sm.LIF(
    tau_m=3.0, cm=0.27, v_rest=-60.0, v_reset=-61.0, v_thresh=-57.0, tau_refrac=1.0,
    tau_syn_E=0.3, tau_syn_I=2.0,
)  # fmt: skip


def alone(current, size=1, dt=1.0, cell=CELL, **options):
    cells = sm.Population(
        name="out", size=size, cell=replace(cell, i_offset=current), record=("spikes", "v"),
        **options,
    )  # fmt: skip
    return sm.Network(populations=[cells], dt=dt)


def mixed(dt=1.0, first=0, seed=0):
    """The same current for all cells, one for each (two alike), and none; with synapses."""
    rng = np.random.default_rng(seed)
    ticks = np.array([first, first + 3, 11, 25])
    same = sm.StepCurrent(times=ticks * dt, amplitudes=[0.1, 0.4, -0.2, 0.5])
    each = np.repeat(rng.uniform(-0.1, 0.6, (3, 3)), [2, 1, 1], axis=1)
    other = sm.StepCurrent(times=np.array([first + 2, first + 5, 30]) * dt, amplitudes=each)
    slow = replace(CELL, tau_m=[3.0, 4.0, 5.0, 6.0], i_offset=same)
    cells = [
        (2, replace(CELL, i_offset=same)), (4, replace(CELL, i_offset=other)),
        (3, replace(CELL, i_offset=0.05)), (4, slow),
    ]  # fmt: skip
    populations = [source([10 * dt, 14 * dt, 19 * dt], [12 * dt])] + [
        sm.Population(name=f"c{k}", size=n, cell=cell, record=("spikes", "v"))
        for k, (n, cell) in enumerate(cells)
    ]
    projections = [
        sm.Projection.all_to_all(
            f"p{k}", "in", f"c{k}", weight=1.5, delay=dt * (k + 1),
            receptor="inhibitory" if k == 1 else "excitatory",
        )
        for k in range(len(cells))
    ]  # fmt: skip
    return sm.Network(populations=populations, projections=projections, dt=dt)


def emulate(network, duration):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikememWarning)
        return sm.simulate(network, duration, backend="emulator")


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_a_change_acts_in_the_step_of_its_time(backend, integrator):
    """Between changes v relaxes to v_rest + R·i, under both integrators; by the closed form."""
    current = sm.StepCurrent(times=[2.0, 5.0], amplitudes=[0.1, -0.2])
    got = sm.simulate(alone(current), 8.0, integrator=integrator, **backend).traces["out", "v"]
    r, wanted = 3.0 / 0.27, [-60.0]
    for i in [0.0, 0.0, 0.1, 0.1, 0.1, -0.2, -0.2]:
        goal = -60.0 + r * i
        wanted.append(goal + (wanted[-1] - goal) * math.exp(-1 / 3.0))
    np.testing.assert_allclose(got[:, 0], wanted, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(got[:3, 0], -60.0)
    assert got[3, 0] > -60.0


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_rate_of_each_step_is_that_of_the_closed_form(backend, integrator):
    """The interval of a LIF cell: refractory steps, and those until it crosses the threshold."""
    amplitudes, length = np.array([0.3, 0.5, 1.0, 0.2]), 200
    cell = replace(CELL, v_reset=-60.0)
    current = sm.StepCurrent(times=np.arange(4) * float(length), amplitudes=amplitudes)
    network = alone(current, cell=cell)
    got = sm.simulate(network, 800.0, integrator=integrator, **backend)["out"].times
    for k, i in enumerate(amplitudes):
        times = got[(got > length * k + 20) & (got < length * (k + 1))]
        reach = 3.0 / (3.0 / 0.27 * i)  # of the potential that it tends to
        if reach >= 1:
            assert not times.size
            continue
        interval = 1 + math.ceil(-3.0 * math.log(1 - reach) - 1e-9)
        np.testing.assert_allclose(np.diff(times), interval)
        assert times.size >= 170 // interval


@pytest.mark.parametrize("integrator", INTEGRATORS)
@pytest.mark.parametrize(("dt", "first"), [(1.0, 0), (0.1, 1)])
def test_equals_the_reference(backend, integrator, dt, first):
    network = mixed(dt, first)
    got = sm.simulate(network, 40 * dt, integrator=integrator, **backend)
    assert len(got["c0"]) > 0
    assert_alike(got, reference(network, 40 * dt, integrator))


@pytest.mark.parametrize("name", ["brian2", "native", "emulator"])
def test_a_session_in_parts_copied_and_restored(name):
    network = mixed()
    wanted = sm.simulate(network, 40.0, backend=name)

    def press(fraction):
        raise KeyboardInterrupt

    with sm.Session(network, backend=name) as session:
        for part in (1.0, 2.0, 9.0):
            session.run(part)
        with pytest.raises(KeyboardInterrupt):
            session.run(20.0, progress=press)
        twins = [session, copy.deepcopy(session), pickle.loads(pickle.dumps(session))]
        for each in twins:
            each.run(28.0)
            assert_same(each.recording, wanted)


@pytest.mark.parametrize("name", ["brian2", "native", "emulator"])
def test_a_session_that_begins_later(name):
    """Its first step is that of the time `start`: the current is by then what it would be."""
    current = sm.StepCurrent(times=[3.0, 10.0, 12.0], amplitudes=[0.1, 0.2, -0.1])
    whole = sm.Session(alone(current), backend=name, start=8.0).run(10.0)
    late = sm.StepCurrent(times=[0.0, 2.0, 4.0], amplitudes=[0.1, 0.2, -0.1])
    wanted = sm.simulate(alone(late), 10.0, backend=name)
    np.testing.assert_array_equal(whole.traces["out", "v"], wanted.traces["out", "v"])


def test_sleeping_cells_wake_up():
    """Cells at rest are skipped until their current changes."""
    current = sm.StepCurrent(times=[500.0], amplitudes=[0.5])
    network = alone(current, size=1100)
    got = sm.simulate(network, 520.0, backend="native")["out"]
    assert got.times[0] == 500.0 + math.ceil(-3.0 * math.log(1 - 3.0 / (3.0 / 0.27 * 0.5))) - 1
    assert len(got) % 1100 == 0


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_copies_are_separate_runs(backend, integrator):
    """Stacked: other times, one current for each cell, and a constant one."""
    first = sm.StepCurrent(times=[1.0, 7.0], amplitudes=[0.5, 0.1])
    each = sm.StepCurrent(times=[4.0, 7.0], amplitudes=[[0.6, 0.4], [0.0, 0.7]])
    networks = [alone(first, 2), alone(each, 2), alone(0.4, 2), alone([0.3, 0.6], 2)]
    stacked = sm.Network.stack(networks)
    assert stacked.population("out").lif.current.amplitudes.shape == (4, 8)
    parts = sm.simulate(stacked, 30.0, integrator=integrator, **backend).split(4)
    for network, part in zip(networks, parts, strict=True):
        assert_same(part, sm.simulate(network, 30.0, integrator=integrator, **backend))


def test_tiles_and_copies_on_the_emulator():
    network = mixed()
    assert network.tile(3).population("c0").lif.current is not None
    assert network.tile(3).population("c0").lif.current.size is None
    assert network.tile(3).population("c1").lif.current.amplitudes.shape == (3, 12)
    for part in emulate(network.tile(3), 40.0).split(3):
        assert_same(part, emulate(network, 40.0))
    assert sm.LIF(i_offset=network.population("c1").lif.current).tile(2).current.size == 8


@pytest.mark.parametrize(("dt", "first"), [(1.0, 0), (1.0, 2), (0.1, 1)])
def test_emulator_is_bit_by_bit_the_board(dt, first):
    network = mixed(dt, first)
    got = emulate(network, 40 * dt)
    assert len(got["c0"]) > 0
    assert_same(got, board_reference(network, 40 * dt))


@pytest.mark.nest
@pytest.mark.parametrize("dt", [1.0, 0.1])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_nest_has_the_same_spikes_and_potentials(dt, first):
    network = mixed(dt, first)
    got = sm.simulate(network, 40 * dt, backend="pynn:nest", integrator="exact")
    assert_alike(got, reference(network, 40 * dt, "exact"), 1e-9)


@pytest.mark.nest
def test_nest_with_longer_delays():
    """Its currents are as late as the shortest delay, which is corrected for."""
    network = mixed(first=1)
    slow = [replace(item, delay=item.delay + 4.0) for item in network.projections]
    network = network.replace(*slow)
    got = sm.simulate(network, 40.0, backend="pynn:nest", integrator="exact")
    assert_alike(got, reference(network, 40.0, "exact"), 1e-9)


def test_brian2_through_pynn_has_the_same_spikes_and_potentials():
    network = mixed()
    simple = sm.Network(
        populations=[pop for pop in network.populations if pop.name in ("in", "c1")],
        projections=[item for item in network.projections if item.post == "c1"],
    )
    got = sm.simulate(simple, 40.0, backend="pynn:brian2", integrator="exact")
    assert_alike(got, reference(simple, 40.0, "exact"), 1e-9)


@pytest.mark.parametrize("dt", [1.0, 0.1, 0.3])
def test_the_exported_script_gives_what_the_emulator_predicts(dt, tmp_path, monkeypatch):
    """The stand-in for the board cuts times off, and fails if it reads past a table."""
    network = mixed(dt)
    fake_spinnaker.install(monkeypatch)
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True, duration=40 * dt)
    run_script(folder, monkeypatch, "--out", str(tmp_path / "mine.h5"))
    got, wanted = sm.load_recording(tmp_path / "mine.h5"), emulate(network, 40 * dt)
    for name in ("c0", "c1", "c2", "c3"):
        assert got[name].to_lists() == wanted[name].to_lists()
        np.testing.assert_array_equal(got.traces[name, "v"][1:], wanted.traces[name, "v"][1:])


@pytest.mark.nest
def test_the_exported_script_on_nest(tmp_path, monkeypatch):
    network = mixed()
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True, duration=40.0)
    out = str(tmp_path / "mine.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_script(folder, monkeypatch, "--sim", "nest", "--out", out)
    assert_alike(sm.load_recording(out), reference(network, 40.0, "exact"), 1e-9)


def test_files_hashes_and_what_is_shown(tmp_path):
    network = mixed()
    back = sm.load_network(network.save(tmp_path / "net.h5"))
    assert back.content_hash == network.content_hash
    assert back.population("c1").lif.current.equals(network.population("c1").lif.current)
    other = network.population("c1").lif.current
    other = sm.StepCurrent(times=other.times, amplitudes=other.amplitudes + 1e-9)
    changed = network.replace(replace(network.population("c1"), cell=replace(CELL, i_offset=other)))
    assert changed.content_hash != network.content_hash
    assert pickle.loads(pickle.dumps(network)).content_hash == network.content_hash
    assert "LIF, i_offset -0.2..0.5 nA in 4 step(s) at 0..25 ms" in network.summary()


BAD = [
    ({"times": [1.0, 1.0], "amplitudes": [0.0, 0.0]}, "times must ascend, got 1 and then 1 ms"),
    ({"times": [-1.0], "amplitudes": [0.0]}, "times must be >= 0 ms, got -1"),
    ({"times": [], "amplitudes": []}, "times must have at least 1 values"),
    ({"times": [1.0, 2.0], "amplitudes": [0.0]}, r"shape \(2,\) or \(2, size\).*got \(1,\)"),
    ({"times": [1.0], "amplitudes": 0.5}, r"shape \(1,\) or \(1, size\).*got \(\)"),
    ({"times": [1.0], "amplitudes": np.zeros((1, 0))}, r"shape \(1,\) or \(1, size\)"),
    ({"times": [1.0], "amplitudes": [math.nan]}, "amplitudes must be finite"),
    ({"times": ["a"], "amplitudes": [1.0]}, "times must be in ms"),
]


@pytest.mark.parametrize(("values", "message"), BAD)
def test_bad_currents(values, message):
    with pytest.raises(sm.DescriptionError, match=message):
        sm.StepCurrent(**values)


def test_currents_that_do_not_fit():
    current = sm.StepCurrent(times=[1.5], amplitudes=[[1.0, 2.0]])
    with pytest.raises(sm.DescriptionError, match=r"shape \(1,\) or \(1, 3\), got \(1, 2\)"):
        alone(current, 3)
    with pytest.raises(sm.DescriptionError, match=r"i_offset: time 1\.5 ms is not a multiple"):
        alone(current, 2)
    alone(current, 2, dt=0.1)
    twice = sm.StepCurrent(times=[1.0, 1.0 + 1e-9], amplitudes=[1.0, 2.0])
    with pytest.raises(sm.DescriptionError, match="it changes twice in one step, at 1 ms"):
        alone(twice)
    with pytest.raises(sm.DescriptionError, match=r"read it from LIF\.current"):
        sm.LIF(i_offset=current).array("i_offset", 2)
    with pytest.raises(sm.DescriptionError, match="i_offset must be in nA"):
        sm.LIF(i_offset={"times": [0.0]})


def test_targets_refuse_what_they_can_not():
    large = alone(sm.StepCurrent(times=[0.0], amplitudes=[7e4]))
    for target in ("spinnaker", "emulator"):
        assert any("i_offset reaches 70000" in str(item) for item in sm.check(large, target))
    times = np.arange(10_000.0)
    long = alone(sm.StepCurrent(times=times, amplitudes=times % 2))
    for target in ("spinnaker", "emulator"):
        assert any(item.rule == "current too long" for item in sm.check(long, target))
    assert not [item for item in sm.check(long, "native") if item.level == "error"]
    huge = alone(sm.StepCurrent(times=[0.0], amplitudes=[1e40]))
    assert any("i_offset reaches 1e+40" in str(item) for item in sm.check(huge, "native"))
    with pytest.raises(sm.UnsupportedError, match="NIR has no currents that change over time"):
        sm.hardware.nir.to_nir(mixed())


def test_at_and_alike():
    current = sm.StepCurrent(times=[1.0, 2.0], amplitudes=[[1.0, 1.0, 3.0], [2.0, 2.0, 2.0]])
    assert current.at(0.5).tolist() == [0.0, 0.0, 0.0]
    assert current.at(1.0).tolist() == [1.0, 1.0, 3.0]
    assert [(a, b, i.tolist()) for a, b, i in current.alike(3)] == [
        (0, 2, [1.0, 2.0]), (2, 3, [3.0, 2.0])
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_compiled_brian2(integrator):
    network = mixed()
    got = sm.simulate(network, 40.0, integrator=integrator, target="cpp_standalone")
    assert_alike(got, reference(network, 40.0, integrator))


@pytest.mark.slow
@pytest.mark.spinnaker
def test_words_that_the_host_writes_for_a_board(tmp_path):
    """The steps of the changes, one beyond every run, and amplitudes as the emulator has them."""
    network = mixed()
    folder = sm.export(network, "spinnaker", tmp_path / "out", force=True, duration=40.0)
    config = tmp_path / "config"
    config.mkdir()
    text = VIRTUAL.format(folder=tmp_path) + "write_text_specs = True\n"
    (config / ".spynnaker.cfg").write_text(text)
    run(folder, tmp_path, "--sim", "spinnaker", XDG_CONFIG_HOME=str(config), HOME=str(tmp_path))
    found = set()
    for file in tmp_path.glob("reports/*/run_1/data_spec_text_files/*.txt"):
        part = file.read_text().partition("Writing Current Source")[2].partition("neuron_params")[0]
        found.add(tuple(int(word) for word in re.findall(r"WRITE data=(\d+)", part)))
    last = 2**31 - 1
    same = network.population("c0").lif.current
    words = [round(i * 32768) % 2**32 for i in same.amplitudes]
    wanted = (5, 0, 3, 11, 25, last, 5, *words, words[-1])
    assert sum(case[-len(wanted) :] == wanted for case in found) == 2  # of c0 and c3
