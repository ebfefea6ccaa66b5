"""What is Brian2's own: its global state, its objects, its compiled targets."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from cases import SURE, A, assert_alike, assert_same, driven, ring
from reference import reference

import spikemem as sm

b2 = pytest.importorskip("brian2")
compiler = pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")


def test_global_state_is_untouched():
    hook = sys.excepthook
    before = (
        b2.prefs.codegen.target,
        b2.prefs["codegen.cpp.extra_compile_args"],
        float(b2.defaultclock.dt),
        b2.get_device(),
    )
    sm.simulate(ring(0), 10.0)
    with pytest.raises(sm.SimulationError):
        sm.simulate(ring(0), 10.0, progress=lambda fraction: 1 / 0)
    after = (
        b2.prefs.codegen.target,
        b2.prefs["codegen.cpp.extra_compile_args"],
        float(b2.defaultclock.dt),
        b2.get_device(),
    )
    assert after == before
    assert sys.excepthook is hook


def test_users_can_add_objects():
    """A recorder of the user's own sees every step, and an interrupted run leaves it as it was."""
    with sm.Session(ring(0)) as session:
        model = session.simulator.model
        monitor = b2.StateMonitor(
            model.cells, "current_E", record=[0, 1], clock=model.clock, name="mine"
        )
        session.simulator.brian2_network.add(monitor)
        session.run(10.0)
        assert monitor.current_E.shape == (2, 10)

        def fail(fraction):
            if fraction > 0.5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            session.run(10.0, progress=fail)
        assert monitor.current_E.shape == (2, 10)
        session.run(30.0)
        assert monitor.current_E.shape == (2, 40)
        assert np.asarray(monitor.current_E).any()
        assert_same(session.recording, sm.simulate(ring(0), 40.0))


@pytest.mark.parametrize("active", [True, False])
def test_an_inactive_object_of_the_users_does_nothing(active):
    calls = []
    with sm.Session(ring(0)) as session:
        clock = session.simulator.model.clock
        operation = b2.NetworkOperation(lambda: calls.append(1), clock=clock, name="mine")
        operation.active = active
        session.simulator.brian2_network.add(operation)
        session.run(10.0)
        assert len(calls) == (10 if active else 0)
        operation.active = True
        session.run(30.0)
        assert len(calls) == (40 if active else 30)
        assert_same(session.recording, sm.simulate(ring(0), 40.0))


def test_ctrl_c_arrives_though_brian2_believes_that_it_runs(monkeypatch):
    """As after a run of the user's own that failed: Brian2 then keeps the first Ctrl-C."""
    before = signal.signal(signal.SIGINT, b2._int_handler)
    monkeypatch.setattr(b2._int_handler, "previous_handler", signal.default_int_handler)
    monkeypatch.setattr(b2.Network, "_globally_running", True)

    def press(fraction):
        if fraction > 0.5:
            signal.raise_signal(signal.SIGINT)

    try:
        with sm.Session(ring(0)) as session:
            with pytest.raises(KeyboardInterrupt):
                session.run(40.0, progress=press)
            assert signal.getsignal(signal.SIGINT) is b2._int_handler
            session.run(40.0)
        assert not b2.Network._globally_stopped
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_of_the_users_stays_and_is_asked():
    presses = []
    mine = lambda number, frame: presses.append(number)  # noqa: E731
    before = signal.signal(signal.SIGINT, mine)
    try:
        with sm.Session(ring(0)) as session:
            session.run(40.0, progress=lambda fraction: signal.raise_signal(signal.SIGINT))
            assert session.time == 40.0
        assert len(presses) > 10
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_object_added_between_runs_changes_nothing_else():
    with sm.Session(ring(0)) as session:
        session.run(13.0)
        model = session.simulator.model
        model.network.add(b2.SpikeMonitor(model.cells, name="mine"))
        session.run(27.0)
        assert_same(session.recording, sm.simulate(ring(0), 40.0))


def test_objects_need_the_clock_of_the_model():
    with sm.Session(ring(0)) as session:
        model = session.simulator.model
        model.network.add(b2.NeuronGroup(1, "x : 1", dt=0.5 * b2.ms, name="mine"))
        with pytest.raises(sm.DescriptionError, match=r"clock=model\.clock, but 'mine"):
            session.run(10.0)


@pytest.fixture
def numpy_target():
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before


@pytest.mark.usefixtures("numpy_target")
def test_built_objects_run_in_brian2_alone():
    """What build() gives, run by Brian2's own loop, gives the same spikes."""
    from spikemem.backends.brian2 import build

    for integrator, late in (("spinnaker", 0), ("exact", 1)):
        model = build(ring(0), integrator)
        monitor = b2.SpikeMonitor(model.cells, name="mine")
        model.network.add(monitor)
        model.network.run(40 * b2.ms, namespace={})
        wanted = sm.simulate(ring(0), 40.0, integrator=integrator)["cells"]
        ticks = np.rint(np.asarray(monitor.t / b2.ms)) + late
        order = np.lexsort((monitor.i[:], ticks))
        np.testing.assert_array_equal(ticks[order], wanted.times)
        np.testing.assert_array_equal(monitor.i[:][order], wanted.ids)


def test_first_import_in_a_thread_says_what_to_do():
    code = """
import threading
import spikemem as sm
network = sm.Network(populations=[sm.Population(name="a", size=1, cell=sm.LIF())])
def work():
    try:
        sm.simulate(network, 1.0)
    except sm.BackendMissing as error:
        print(error)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert "imported in the main thread" in done.stdout


def test_runs_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(sm.simulate(ring(0), 40.0)))
    thread.start()
    thread.join()
    assert_same(found[0], sm.simulate(ring(0), 40.0))


@compiler
@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_compiled_targets(target, integrator):
    network = ring(1, windows=[(0.0, 11.0), (20.0, 31.0)])
    got = sm.simulate(network, 40.0, integrator=integrator, target=target)
    assert_alike(got, reference(network, 40.0, integrator))


def two_rules():
    """Two plastic synapses: one may always change, the other in a window that never comes."""
    rule = sm.STDP(tau_plus=3.0, tau_minus=3.0, a_plus=1.0, a_minus=0.5, w_max=6.0)
    network = driven(A, [0.0, 4.0], SURE)
    plastic = [
        sm.Projection.one_to_one(name, "in", "out", weight=1.0, delay=1.0, plasticity=stdp)
        for name, stdp in (("always", rule), ("never", replace(rule, enabled=[])))
    ]
    return sm.Network(populations=network.populations, projections=[*network.projections, *plastic])


def test_standalone_compiles_windows_in_if_one_projection_has_any():
    """With a compiler, the test after this one shows what that is for."""
    from spikemem.backends.brian2.standalone import _needed

    open_, closed = np.ones((3, 1), dtype=bool), np.array([[True], [False], [True]])
    assert not _needed({"always": open_, "too": open_})
    assert _needed({"always": open_, "never": closed}).keys() == {"always", "never"}


@compiler
@pytest.mark.slow
def test_standalone_with_a_window_of_one_projection():
    got = sm.simulate(two_rules(), 10.0, target="cpp_standalone")
    assert got.weights["never"].tolist() == [1.0]
    assert got.weights["always"][0] > 1.0
    assert_alike(got, reference(two_rules(), 10.0, "spinnaker"))


@compiler
@pytest.mark.slow
def test_standalone_runs_once_and_leaves_the_device():
    device = b2.get_device()
    with sm.Session(driven(A, [0.0], SURE), target="cpp_standalone") as session:
        assert session.run(3.0)["out"].times.tolist() == [1.0]
        with pytest.raises(sm.DescriptionError, match="cannot continue"):
            session.run(3.0)
    assert b2.get_device() is device


def test_standalone_that_fails_leaves_the_device(monkeypatch):
    device = b2.get_device()
    monkeypatch.setattr(b2.Network, "run", lambda *args, **options: 1 / 0)
    with pytest.raises(sm.SimulationError):
        sm.simulate(driven(A, [0.0], SURE), 3.0, target="cpp_standalone")
    assert b2.get_device() is device
    monkeypatch.undo()
    assert sm.simulate(driven(A, [0.0], SURE), 3.0)["out"].times.tolist() == [1.0]
