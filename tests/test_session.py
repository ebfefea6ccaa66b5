"""Sessions: go on from where a run stopped, fail or be interrupted without a trace."""

from __future__ import annotations

import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from cases import SURE, A, assert_same, driven, ring

import spikemem as sm
from spikemem.network import STDP, Network, Population, Projection
from spikemem.recording import Recording, SpikeTrains

INTEGRATORS = ["spinnaker", "exact"]


def spikes(*times):
    return SpikeTrains.from_lists([times])


def plastic_pair():
    """A source, a cell that follows it, and plastic synapses."""
    rule = STDP(tau_plus=3.0, tau_minus=3.0, a_plus=1.0, a_minus=0.5, w_max=6.0)
    network = driven(A, [0.0, 4.0], SURE)
    learn = Projection.one_to_one("learn", "in", "out", weight=1.0, delay=1.0, plasticity=rule)
    return Network(populations=network.populations, projections=[*network.projections, learn])


@pytest.mark.parametrize("integrator", INTEGRATORS)
@pytest.mark.parametrize("cuts", [(1, 2, 3, 40), (20, 40), (7, 8, 21, 30, 40)])
def test_runs_in_a_row_equal_one_run(backend, integrator, cuts):
    network = ring(0, windows=[(5.0, 21.0), (30.0, 39.0)])
    whole = sm.simulate(network, 40.0, integrator=integrator, **backend)
    with sm.Session(network, integrator=integrator, **backend) as session:
        parts = [session.run(float(b - a)) for a, b in zip((0, *cuts), cuts, strict=False)]
        assert session.time == 40.0
        assert_same(session.recording, whole)
    assert [(part.start, part.stop) for part in parts] == [
        (a, b) for a, b in zip((0, *cuts), cuts, strict=False)
    ]
    np.testing.assert_array_equal(parts[0].times, np.arange(cuts[0]))


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_spikes_under_way_arrive_in_the_next_run(backend, integrator):
    network = driven(A, [0.0], SURE, delay=5.0)
    with sm.Session(network, integrator=integrator, **backend) as session:
        assert len(session.run(2.0)["out"]) == 0
        assert session.run(10.0)["out"].times.tolist() == [5.0 + (integrator == "exact")]


def test_inputs_of_one_run(backend):
    with sm.Session(driven(A, [0.0, 12.0], SURE), **backend) as session:
        assert session.run(5.0)["out"].times.tolist() == [1.0]
        changed = session.run(5.0, inputs={"in": spikes(6.0, 8.0)})
        assert changed["in"].times.tolist() == [6.0, 8.0]
        assert changed["out"].times.tolist() == [7.0, 9.0]
        assert session.run(5.0)["out"].times.tolist() == [13.0]


def test_windows_of_one_run(backend):
    with sm.Session(plastic_pair(), **backend) as session:
        closed = session.run(4.0, enabled={"learn": []}).weights["learn"]
        opened = session.run(4.0).weights["learn"]
        assert closed.tolist() == [1.0]
        assert opened[0] > 1.0
    with sm.Session(plastic_pair(), **backend) as session:
        assert session.run(4.0).weights["learn"][0] > 1.0


class Stop(Exception):
    pass


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
@pytest.mark.parametrize("done", [0, 10])
def test_failed_run_leaves_no_trace(backend, error, done):
    """A run that stops half way, whatever the reason, never happened."""
    network = ring(1)
    whole = sm.simulate(network, 40.0, **backend)

    def fail(fraction):
        if fraction > 0.5:
            raise error("enough")

    with sm.Session(network, **backend) as session:
        if done:
            session.run(float(done))
        expected = KeyboardInterrupt if error is KeyboardInterrupt else sm.SimulationError
        for _ in range(2):
            with pytest.raises(expected, match="enough"):
                session.run(40.0 - done, progress=fail)
        assert session.time == done
        session.run(40.0 - done)
        assert_same(session.recording, whole)


@pytest.fixture
def heeded_ctrl_c():
    """SIGINT raises KeyboardInterrupt, even if the process that started the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.usefixtures("heeded_ctrl_c")
def test_ctrl_c(backend):
    network = ring(2)
    with sm.Session(network, **backend) as session:
        session.run(10.0)
        begun = threading.Event()

        def press():
            begun.wait(10.0)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=press)
        thread.start()
        fractions = []

        def note(fraction):
            fractions.append(fraction)
            begun.set()

        with pytest.raises(KeyboardInterrupt):
            session.run(1e5, progress=note)
        thread.join()
        assert fractions[-1] < 1.0, "it was stopped on the way"
        assert session.time == 10.0
        session.run(30.0)
        assert_same(session.recording, sm.simulate(network, 40.0, **backend))


@pytest.mark.parametrize(
    "use", [lambda it: it.run(3.0), lambda it: it.set_weights({"ring": np.zeros(36)})]
)
def test_a_progress_callback_can_not_use_its_session(backend, use):
    network = ring(1)
    messages = []
    with sm.Session(network, **backend) as session:

        def callback(fraction):
            with pytest.raises(sm.DescriptionError) as caught:
                use(session)
            messages.append(str(caught.value))

        session.run(13.0, progress=callback)
        assert len(set(messages)) == 1
        assert "a run of this session is still going on" in messages[0]
        session.run(27.0)
        assert_same(session.recording, sm.simulate(network, 40.0, **backend))


def test_a_note_comes_with_its_run(backend):
    with sm.Session(ring(0), **backend) as session:
        assert session.note is None
        session.run(2.0, note="first")
        session.run(2.0)
        assert session.note == "first"
        with pytest.raises(sm.SimulationError):
            session.run(2.0, note="second", progress=lambda fraction: 1 / 0)
        assert session.note == "first"
        session.set_weights({}, note="third")
        assert session.note == "third"


def test_a_session_that_has_not_run_has_no_recording():
    with pytest.raises(sm.DescriptionError, match="nothing has been run yet"):
        sm.Session(ring(0), backend="native").recording  # noqa: B018


def test_progress_is_reported(backend):
    fractions = []
    sm.simulate(ring(0), 400.0, progress=fractions.append, **backend)
    assert fractions == sorted(fractions)
    assert 0.0 <= fractions[0] < 0.1
    assert fractions[-1] == 1.0
    assert 10 <= len(fractions) <= 200


@pytest.mark.parametrize("duration", [0.0, -1.0, 0.5, float("nan"), "10", None])
def test_wrong_durations(duration):
    session = sm.Session(driven(A, [0.0], SURE))
    with pytest.raises(sm.DescriptionError, match="duration must be"):
        session.run(duration)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"inn": spikes(1.0)}, "'inn' is not a population .* Did you mean 'in'"),
        ({"out": spikes(1.0)}, "LIF has no spike trains"),
        ({"in": SpikeTrains.empty(2)}, "size must be the number of its spike trains .2., got 1"),
        ({"in": spikes(3.0)}, r"inputs\['in'\]: spikes must lie in this run \(5 to 10 ms"),
        ({"in": spikes(10.0)}, "must lie in this run"),
        ({"in": spikes(6.3)}, "6.3 ms is not a multiple of dt=1"),
    ],
)
def test_wrong_inputs(inputs, message):
    with sm.Session(driven(A, [0.0], SURE)) as session:
        session.run(5.0)
        with pytest.raises(sm.DescriptionError, match=message):
            session.run(5.0, inputs=inputs)
        assert session.run(5.0).stop == 10.0


@pytest.mark.parametrize(
    ("enabled", "message"),
    [
        ({"drive": []}, "'drive' is not a plastic projection .have: learn"),
        ({"learn": [(3.0, 1.0)]}, "start < stop"),
        ({"learn": [5.0]}, "must be a sequence of start and stop"),
    ],
)
def test_wrong_windows(enabled, message):
    session = sm.Session(plastic_pair())
    with pytest.raises(sm.DescriptionError, match=message):
        session.run(5.0, enabled=enabled)


def test_wrong_names():
    network = driven(A, [0.0], SURE)
    with pytest.raises(
        sm.DescriptionError, match=r"'brain2' is not a backend .*Did you mean 'brian2'"
    ):
        sm.Session(network, backend="brain2")
    with pytest.raises(sm.DescriptionError, match="'euler' is not an integrator"):
        sm.Session(network, integrator="euler")
    with pytest.raises(sm.DescriptionError, match=r"'targets' is not an option .have: exten"):
        sm.Session(network, targets="numpy")
    with pytest.raises(sm.DescriptionError, match=r"'gpu' is not a target .have: .*cython.*numpy"):
        sm.Session(network, target="gpu")
    with pytest.raises(sm.DescriptionError, match="must be a Network"):
        sm.Session("network")


def test_default_duration_is_that_of_the_sources():
    assert sm.simulate(driven(A, [0.0, 7.0], SURE)).stop == 8.0
    with pytest.raises(sm.DescriptionError, match="duration must be given"):
        sm.simulate(Network(populations=[Population(name="a", size=1, cell=A)]))


def test_provenance(backend):
    network = plastic_pair()
    recording = sm.simulate(network, 5.0, integrator="exact", **backend)
    told = recording.provenance
    assert told["backend"] == backend["backend"]
    assert told["integrator"] == "exact"
    assert told["network_hash"] == network.content_hash
    assert {"spikemem", "python", "numpy", "date"} <= told.keys()


def test_closed_session(backend):
    session = sm.Session(driven(A, [0.0], SURE), **backend)
    recording = session.run(5.0)
    session.close()
    session.close()
    assert recording["out"].times.tolist() == [1.0]
    with pytest.raises(sm.DescriptionError, match="closed"):
        session.run(5.0)
    with pytest.raises(sm.DescriptionError, match="closed"):
        session.set_weights({})


def test_join_needs_consecutive_runs(backend):
    with sm.Session(driven(A, [0.0], SURE), **backend) as session:
        parts = [session.run(2.0) for _ in range(3)]
    with pytest.raises(sm.DescriptionError, match="consecutive"):
        Recording.join([parts[0], parts[2]])


def test_two_sessions_at_once(backend):
    """Two sessions take turns, and a third one of the same network runs in between."""
    one, two = ring(0), ring(1)
    wanted = [sm.simulate(network, 40.0, **backend) for network in (one, two)]
    with sm.Session(one, **backend) as a, sm.Session(two, integrator="spinnaker", **backend) as b:
        for _ in range(4):
            a.run(10.0)
            sm.simulate(one, 5.0, integrator="exact", **backend)
            b.run(10.0)
        assert_same(a.recording, wanted[0])
        assert_same(b.recording, wanted[1])


FINGERPRINT = """
import hashlib
import spikemem as sm
from cases import ring
from test_session import fingerprint
print(fingerprint(sm.simulate(ring(0), 40.0, {options})))
"""


def fingerprint(recording):
    digest = hashlib.sha256()
    for trains in recording.spikes.values():
        digest.update(trains.ids.tobytes() + trains.times.tobytes())
    for array in (*recording.traces.values(), *recording.weights.values()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def test_same_result_in_another_process(backend):
    options = ", ".join(f"{name}={value!r}" for name, value in backend.items())
    here = pathlib.Path(__file__).parent
    paths = [str(here), str(here.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FINGERPRINT.format(options=options)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "7"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == fingerprint(sm.simulate(ring(0), 40.0, **backend))


def test_memory_does_not_grow_with_runs(backend):
    import gc
    import tracemalloc

    with sm.Session(ring(0), **backend) as session:

        def size_after(n_runs):
            for _ in range(n_runs):
                session.run(10.0)
            session._runs.clear()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = size_after(100)
            # NumPy keeps small blocks for later; a recording left behind would be thousands.
            assert (size_after(200) - before) / 200 < 500, "bytes that a run leaves behind"
        finally:
            tracemalloc.stop()


def test_weights_may_be_replaced_between_two_runs(backend):
    network = weak_pair()
    with sm.Session(network, **backend) as session:
        assert session.weights["learnt"].tolist() == [2.0]
        session.set_weights({"learnt": [5.0]})
        assert session.weights["learnt"].tolist() == [5.0]
        recording = session.run(4.0)
        assert recording["out"].times.tolist() == [2.0]
        for bad, message in (
            ({"learnt": [9.0]}, "within"),
            ({"learnt": [1.0, 2.0]}, "shape"),
            ({"learned": [1.0]}, "Did you mean 'learnt'"),
        ):
            with pytest.raises(sm.DescriptionError, match=message):
                session.set_weights(bad)
        assert np.array_equal(session.weights["learnt"], recording.weights["learnt"])
    assert len(sm.simulate(network, 4.0, **backend)["out"]) == 0


def weak_pair() -> sm.Network:
    """One source spike at 1 ms through a synapse of 2 nA, too weak to fire its target."""
    cell = sm.LIF(tau_m=3.0, cm=0.27, v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0,
                  tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3)  # fmt: skip
    source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    rule = sm.STDP(a_plus=0.5, a_minus=0.5, w_max=6.0)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=source),
            sm.Population(name="out", size=1, cell=cell),
        ],
        projections=[
            sm.Projection.one_to_one("learnt", "in", "out", weight=2.0, delay=1.0, plasticity=rule)
        ],
    )


@pytest.mark.parametrize("name", ["brian2", "native", "emulator"])
def test_an_unknown_option_names_those_there_are(name):
    with pytest.raises(sm.DescriptionError, match=f"backend '{name}': 'weight' is not an option"):
        sm.Session(weak_pair(), backend=name, weight=False)


@pytest.mark.parametrize("backend", ["brian2", "native", "emulator"])
def test_a_session_can_begin_late(backend):
    """The same spikes, all of them later; plasticity too."""
    rule = sm.STDP(a_plus=0.5, a_minus=0.1, w_max=60.0)
    trains = sm.SpikeTrains.from_lists([[2.0, 9.0, 15.0]], duration=30.0)
    cells = sm.LIF(tau_m=3.0, cm=0.27, tau_refrac=1.0, tau_syn_E=0.3)
    net = sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
            sm.Population(name="out", size=1, cell=cells, record=("spikes", "v")),
        ],
        projections=[
            sm.Projection.all_to_all("w", "in", "out", weight=30.0, delay=3.0, plasticity=rule)
        ],
    )
    early = sm.simulate(net, 30.0, backend=backend)
    with sm.Session(net, backend=backend, start=500.0) as session:
        assert session.time == 500.0
        late = [
            session.run(length, inputs={"in": trains.shift(500.0).window(*edges)})
            for length, edges in ((10.0, (500.0, 510.0)), (20.0, (510.0, 530.0)))
        ]
        assert session.time == 530.0
    whole = sm.Recording.join(late)
    assert (whole.start, whole.stop) == (500.0, 530.0)
    assert len(early["out"]) >= 2
    assert whole["out"] == early["out"].shift(500.0)
    assert np.array_equal(whole.traces["out", "v"], early.traces["out", "v"])
    assert np.allclose(whole.weights["w"], early.weights["w"], rtol=1e-12)


@pytest.mark.parametrize("start", [-1.0, 0.5, "x", float("nan")])
def test_a_bad_start_is_refused(start):
    net = sm.Network(populations=[sm.Population(name="a", size=1, cell=sm.LIF())])
    with pytest.raises(sm.DescriptionError, match="start"):
        sm.Session(net, backend="native", start=start)
