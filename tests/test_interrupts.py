"""A run is done wholly or not at all, wherever an interrupt comes."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from cases import assert_same
from interrupts import Interrupter, isolated, thin, thinner, traced

import spikemem as sm

LENGTH = 3.0
SIMULATORS = ["native", "emulator", "brian2"]
THIN = [pytest.param(thin, id="each line")]
THINNER = [pytest.param(thinner, id="some lines")]
ALL = [
    pytest.param(lambda places: range(len(places)), id="every place", marks=pytest.mark.slow),
]


def learning_pair(backend):
    """Two sources and three cells with plastic synapses, whose weights change in every run."""
    cell = sm.LIF(tau_m=3.0, cm=0.27, v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0,
                  tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3)  # fmt: skip
    rule = sm.STDP(tau_plus=3.0, tau_minus=3.0, a_plus=0.75, a_minus=0.5, w_max=8.0)
    network = sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=sm.SpikeTrains.empty(2))),
            sm.Population(name="out", size=3, cell=cell, record=("spikes", "v")),
        ],
        projections=[
            sm.Projection.all_to_all(
                "learnt", "in", "out", weight=3.0, delay=1.0, plasticity=rule, record=("weight",)
            ),
            sm.Projection(
                name="drive", pre="in", post="out", i=[0, 1], j=[0, 2], weight=4.0, delay=2.0
            ),
        ],
    )
    return sm.Session(network, backend=backend)


def one_run(session, **options):
    """Simulate the next few steps; the input depends on the time alone."""
    rng = np.random.default_rng(int(session.time))
    ticks, ids = np.nonzero(rng.random((int(LENGTH), 2)) < 0.6)
    trains = sm.SpikeTrains(ids=ids, times=session.time + ticks, size=2)
    return session.run(LENGTH, inputs={"in": trains}, note=int(session.time), **options)


class Pair:
    """A session that is disturbed, and one that does the same undisturbed."""

    def __init__(self, backend):
        self.got, self.wanted = learning_pair(backend), learning_pair(backend)
        self.step()

    def step(self):
        one_run(self.got)
        self.follow()

    def follow(self):
        """Bring the undisturbed session to the time of the other; both must be equal."""
        while self.wanted.time < self.got.time:
            one_run(self.wanted)
        assert self.got.time == self.wanted.time
        assert self.got.note == self.wanted.note
        for name, weights in self.wanted.weights.items():
            np.testing.assert_array_equal(self.got.weights[name], weights)

    def compare(self):
        self.step()
        assert len(self.wanted.recording["out"]) > 10
        assert_same(self.got.recording, self.wanted.recording)


@pytest.mark.parametrize("choose", THIN + ALL)
@pytest.mark.parametrize("backend", SIMULATORS)
def test_interrupt_in_run(backend, choose):
    pair = Pair(backend)
    places, _ = traced(lambda: one_run(pair.got))
    done = 0
    for at in choose(places):
        time = pair.got.time
        _, error = traced(lambda: one_run(pair.got), at)
        done += error is not None
        assert pair.got.time in (time, time + LENGTH), error
        pair.follow()
        pair.step()
    assert done > 100
    pair.compare()


@pytest.mark.parametrize("choose", THIN + ALL)
@pytest.mark.parametrize("backend", SIMULATORS)
def test_second_interrupt_while_the_first_is_handled(backend, choose):
    pair = Pair(backend)

    def interrupted_twice(at):
        tracer = Interrupter(at)

        def press(fraction):
            if fraction > 0.5:
                tracer.begin_here()
                raise KeyboardInterrupt("first")

        # Tracing begins in `press`, that is with the first interrupt.
        before = sys.gettrace()
        try:
            with pytest.raises(KeyboardInterrupt) as caught:
                isolated(lambda: one_run(pair.got, progress=press))
        finally:
            sys.settrace(before)
        return tracer.places, str(caught.value) != "first"

    places, second = interrupted_twice(None)
    assert not second
    assert any("restore" in code.co_name for code, _, _ in places)
    done = 0
    for at in choose(places):
        time = pair.got.time
        done += interrupted_twice(at)[1]
        assert pair.got.time == time
        pair.follow()
        pair.step()
    assert done > 10
    pair.compare()


@pytest.mark.parametrize("backend", SIMULATORS)
def test_interrupt_while_the_next_run_recovers(backend, monkeypatch):
    """The simulator could not be restored when the run was interrupted; the next run does it."""
    pair = Pair(backend)
    simulator = pair.got.simulator
    restore = simulator.restore

    def fail(state):
        simulator.restore = restore
        raise KeyboardInterrupt("second")

    def spoil():
        def press(fraction):
            if fraction > 0.5:
                raise KeyboardInterrupt("first")

        simulator.restore = fail
        with pytest.raises(KeyboardInterrupt, match="second"):
            one_run(pair.got, progress=press)

    def recovery(places):
        """Those until the simulator runs again."""
        names = [code.co_name for code, _, _ in places]
        return range(names.index("snapshot"))

    spoil()
    places, _ = traced(lambda: one_run(pair.got))
    pair.follow()
    chosen = [k for k in thin(places) if k in recovery(places)]
    assert any("restore" in places[k][0].co_name for k in chosen)
    for at in chosen:
        spoil()
        _, error = traced(lambda: one_run(pair.got), at)
        assert error is not None
        pair.step()
    pair.compare()


@pytest.mark.parametrize("backend", SIMULATORS)
def test_interrupt_in_set_weights(backend):
    """The weights are the old or the new ones, and they are those that the simulator uses."""
    pair = Pair(backend)
    new = {"learnt": np.full(6, 2.0)}
    places, _ = traced(lambda: pair.got.set_weights(new, note="set"))
    pair.wanted.set_weights(new, note="set")
    outcomes = set()
    for at in thin(places):
        pair.step()
        traced(lambda: pair.got.set_weights(new, note="set"), at)
        changed = pair.got.note == "set"
        outcomes.add(changed)
        if changed:
            pair.wanted.set_weights(new, note="set")
        pair.follow()
    assert outcomes == {False, True}
    pair.compare()


# -- memories -------------------------------------------------------------------------------------


class Memories:
    """A memory that is disturbed, and one that does the same undisturbed."""

    def __init__(self, backend, preset="robust"):
        self.got, self.wanted = (
            sm.CA3Memory(4, 6, preset=preset, backend=backend) for _ in range(2)
        )
        self.n = 0
        self.step()

    def operation(self, n, memory):
        rng = np.random.default_rng(n)
        cue = int(rng.integers(4))
        if n % 4 == 3:
            memory.forget(cue)
        else:
            memory.learn(cue, np.flatnonzero(rng.random(6) < 0.5).tolist() or [0])

    def step(self):
        self.operation(self.n, self.got)
        self.operation(self.n, self.wanted)
        self.n += 1
        self.compare()

    def compare(self):
        assert self.got.time == self.wanted.time
        assert self.got.contents == self.wanted.contents
        for name, weights in self.wanted.weights.items():
            np.testing.assert_array_equal(self.got.weights[name], weights)

    def disturb(self, at):
        """The next operation with an interrupt; once more if it was not done."""
        before = self.got.contents, self.got.time, self.got.weights
        done = self.got._state.n_done
        places, error = traced(lambda: self.operation(self.n, self.got), at)
        if self.got._state.n_done == done:
            assert error is not None
            assert self.got.contents == before[0]
            assert self.got.time == before[1]
            for name, weights in before[2].items():
                np.testing.assert_array_equal(self.got.weights[name], weights)
            self.operation(self.n, self.got)
        self.operation(self.n, self.wanted)
        self.n += 1
        self.compare()
        return places


@pytest.mark.parametrize("choose", THINNER + ALL)
@pytest.mark.parametrize("backend", SIMULATORS)
def test_interrupt_in_an_operation_of_a_memory(backend, choose):
    pair = Memories(backend)
    places = pair.disturb(None)
    for k, at in enumerate(choose(places)):
        if k % 300 == 299:  # since comparing takes longer with each operation
            assert_same(pair.got.recording, pair.wanted.recording)
            pair = Memories(backend)
            pair.step()
        pair.disturb(at)
    pair.step()
    assert_same(pair.got.recording, pair.wanted.recording)
    assert str(pair.got.health()) == str(pair.wanted.health())


def test_interrupt_in_forgetting_by_hand():
    """The published circuit forgets by setting weights, without a run."""
    pair = Memories("native", preset="published")
    pair.n = 3
    places = pair.disturb(None)
    for at in thinner(places):
        pair.n = 4 * at
        pair.step()
        pair.n = 4 * at + 3
        pair.disturb(at)
    assert_same(pair.got.recording, pair.wanted.recording)


@pytest.mark.parametrize(
    ("backend", "stride"),
    [
        ("native", 60),
        pytest.param("native", 1, marks=pytest.mark.slow),
        pytest.param("emulator", 10, marks=pytest.mark.slow),
        pytest.param("brian2", 10, marks=pytest.mark.slow),
    ],
)
def test_interrupt_in_the_first_operation(backend, stride):
    """The simulator is made in it."""
    wanted = sm.CA3Memory(4, 6, backend=backend)
    wanted.learn(1, [2, 3])
    fresh = sm.CA3Memory(4, 6, backend=backend)
    places, _ = traced(lambda: fresh.learn(1, [2, 3]))
    chosen = thin(places, (), stride)
    assert len(chosen) > 20
    for at in chosen:
        memory = sm.CA3Memory(4, 6, backend=backend)
        traced(lambda memory=memory: memory.learn(1, [2, 3]), at)
        assert memory.contents == ({1: {2, 3}} if memory.time else {})
        if not memory.time:
            memory.learn(1, [2, 3])
        assert_same(memory.recording, wanted.recording)


# -- Ctrl-C ---------------------------------------------------------------------------------------

HERE = pathlib.Path(__file__).parent

RUN = """
import os, signal, sys
import spikemem as sm
from cases import assert_same, ring

backend = {backend!r}
network = sm.Network(
    populations=[
        sm.Population(name="in", cell=sm.SpikeSource(
            spikes=sm.SpikeTrains.from_lists([[0.0, 4.0, 9.0, 30.0]]))),
        sm.Population(name="out", size=1, cell=sm.LIF(tau_m=3.0, cm=0.27)),
    ],
    projections=[sm.Projection.one_to_one("drive", "in", "out", weight=60.0, delay=1.0)],
)
pressed = []
def press(fraction):
    if fraction > 0.5 and not pressed:
        pressed.append(fraction)
        os.kill(os.getpid(), signal.SIGINT)
"""

INTERRUPTED = (
    RUN
    + """
with sm.Session(network, backend=backend) as session:
    session.run(10.0)
    try:
        session.run(30.0, progress=press)
    except KeyboardInterrupt:
        print("interrupted at", session.time)
    session.run(30.0)
    assert_same(session.recording, sm.simulate(network, 40.0, backend=backend))
"""
)

IGNORED = (
    RUN
    + """
with sm.Session(network, backend=backend) as session:
    recording = session.run(40.0, progress=press)
assert_same(recording, sm.simulate(network, 40.0, backend=backend))
assert pressed
print(signal.getsignal(signal.SIGINT))
"""
)

SET_UP = (
    RUN
    + """
import gc
import brian2
from brian2.core.tracking import InstanceTrackerSet

def press_in_callback(frame, event, arg):
    "Python drops what is raised where a weak reference is cleared away."
    if frame.f_code is InstanceTrackerSet.remove.__code__ and not pressed:
        pressed.append(1)
        os.kill(os.getpid(), signal.SIGINT)

def press_in_build(frame, event, arg):
    if frame.f_code.co_name == "_bundle" and not pressed:
        pressed.append(1)
        os.kill(os.getpid(), signal.SIGINT)

wanted = sm.simulate(network, 40.0)
for press in (press_in_callback, press_in_build):
    pressed.clear()
    sys.settrace(press)
    try:
        sm.Session(network)
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        sys.settrace(None)
    gc.collect()
assert not brian2.Network._globally_running
assert_same(sm.simulate(network, 40.0), wanted)
print("done")
"""
)


def python(code, ignore=False):
    """Run a program in a process of its own, with SIGINT as usual or ignored."""

    def prepare():
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignore else signal.SIG_DFL)

    paths = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=prepare,
    )  # fmt: skip


posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@posix
@pytest.mark.parametrize("backend", SIMULATORS)
def test_ctrl_c_in_another_process(backend):
    done = python(INTERRUPTED.format(backend=backend))
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted at 10.0\n", "", 0)


@posix
@pytest.mark.parametrize("backend", SIMULATORS)
def test_ctrl_c_that_the_parent_ignores(backend):
    """As in a job that a script starts in the background."""
    done = python(IGNORED.format(backend=backend), ignore=True)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "SIG_IGN" in done.stdout or done.stdout == "1\n"


@posix
def test_ctrl_c_while_brian2_is_set_up():
    done = python(SET_UP.format(backend="brian2"))
    assert (done.stdout, done.stderr, done.returncode) == (
        "interrupted\ninterrupted\ndone\n",
        "",
        0,
    )
