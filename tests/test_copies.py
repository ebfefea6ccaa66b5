"""Copies and pickles of objects with a state continue as the original would, apart from it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from cases import assert_same, ring

import spikemem as sm
from spikemem.codes import random_patterns
from spikemem.hardware.resistive import PCM, Crossbar, EventReader, program
from spikemem.networks.dendrites import TemporalMemory

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
SIMULATORS = ["native", "emulator", "brian2"]


@pytest.fixture(params=WAYS)
def copied(request):
    return WAYS[request.param]


def learn(memory, *pairs):
    for cue, content in pairs:
        memory.learn(cue, content)
    return memory


@pytest.mark.parametrize(
    ("family", "backend"),
    [*((sm.CA3Memory, name) for name in SIMULATORS), (sm.HippocampalMemory, "native")],
)
def test_used_memories(family, backend, copied):
    memory = learn(family(4, 6, backend=backend), (1, [0, 2]), (3, [1]))
    twin = copied(memory)
    learn(memory, (1, [5]))
    learn(twin, (0, [3, 4]))
    for got, last in ((memory, (1, [5])), (twin, (0, [3, 4]))):
        wanted = learn(family(4, 6, backend=backend), (1, [0, 2]), (3, [1]), last)
        for cue in range(4):
            assert got.recall(cue=cue) == wanted.recall(cue=cue)
        assert_same(got.recording, wanted.recording)
        assert {n: w.tolist() for n, w in got.weights.items()} == {
            n: w.tolist() for n, w in wanted.weights.items()
        }


def test_memories_that_have_not_run_or_are_closed(copied):
    fresh = sm.CA3Memory(3, 4, contents={1: [2]}, backend="native")
    twin = copied(fresh)
    twin.set_weights({"W1": np.zeros((3, 4))})
    assert twin.recall(cue=1) == set()
    assert fresh.recall(cue=1) == {2}
    fresh.close()
    closed = copied(fresh)
    assert closed.contents == {1: {2}}
    assert_same(closed.recording, fresh.recording)
    with pytest.raises(sm.DescriptionError, match="closed"):
        closed.recall(cue=1)


def test_health_of_a_copy(copied):
    memory = learn(sm.CA3Memory(4, 6, backend="native"), (1, [0, 2]))
    memory.set_weights({"W1": memory.weights["W1"] / 2})
    memory.learn(2, [1])
    assert copied(memory).health() == memory.health()
    assert memory.health().lost["W1"]


@pytest.mark.parametrize("backend", SIMULATORS)
def test_sessions_with_spikes_under_way(backend, copied):
    network = ring(0)
    wanted = sm.simulate(network, 40.0, backend=backend)
    with sm.Session(network, backend=backend) as session:
        session.run(13.0, note={"mine": [1]})
        twin = copied(session)
        assert twin.note == {"mine": [1]}
        session.run(27.0)
        assert twin.time == 13.0
        twin.run(27.0)
        assert_same(session.recording, wanted)
        assert_same(twin.recording, wanted)
        twin.close()


def test_sessions_after_an_interrupt(copied):
    """The copy is of the session as it counts, not of the simulator as the interrupt left it."""

    def press(fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    network = ring(1)
    session = sm.Session(network, backend="native")
    session.run(13.0)
    restore, session.simulator.restore = session.simulator.restore, press  # not restored yet
    with pytest.raises(TypeError):
        session.run(27.0, progress=press)
    session.simulator.restore = restore
    twin = copied(session)
    twin.run(27.0)
    assert_same(twin.recording, sm.simulate(network, 40.0, backend="native"))


def test_sessions_that_can_not_be_copied(copied, monkeypatch):
    import brian2 as b2

    from spikemem.backends.native import NativeBackend

    with sm.Session(ring(0)) as session:
        model = session.simulator.model
        model.network.add(b2.SpikeMonitor(model.cells, name="mine"))
        with pytest.raises(sm.UnsupportedError, match="'mine' in its Brian2 network"):
            copied(session)

    session = sm.Session(ring(0), backend="native")
    with monkeypatch.context() as patch:
        patch.delattr(NativeBackend, "save_state")
        with pytest.raises(sm.UnsupportedError, match="its state cannot be read"):
            copied(session)
    messages = []

    def use(fraction):
        with pytest.raises(sm.DescriptionError) as caught:
            copied(session)
        messages.append(str(caught.value))

    session.run(5.0, progress=use)
    assert set(messages) == {
        "Session.copy: a run of this session is still going on; a progress callback cannot use "
        "the session."
    }


def stored_neurons():
    neurons = sm.ActiveDendriteNeurons(n_inputs=200, n_segments=8, seed=0)
    neurons.store(random_patterns(3, size=200, active=40, seed=1))
    return neurons, lambda it: it.store(random_patterns(1, size=200, active=40, seed=2))


def trained_sequences():
    memory = TemporalMemory(20, cells_per_column=4, synapses_per_segment=6, threshold=3, seed=0)
    memory.run([[0, 1, 2, 3], [4, 5, 6, 7]] * 3)
    return memory, lambda it: it.run([[8, 9, 10, 11], [0, 1, 2, 3]] * 2)


def noisy_crossbar():
    bar = Crossbar(PCM(), np.eye(4))
    return bar, lambda it: it.matvec(np.ones(4))


def noisy_reader():
    reader = EventReader([0, 1, 1], [0, 0, 1], program(PCM(), [1.0, 2.0, 4.0]), n_in=2, n_out=2)
    return reader, lambda it: it.read([0, 1])


@pytest.mark.parametrize("make", [stored_neurons, trained_sequences, noisy_crossbar, noisy_reader])
def test_other_objects_with_a_state(make, copied):
    """The copy is what the object was; what the object does afterwards does not change it."""
    thing, use = make()
    before = pickle.dumps(thing)
    twin = copied(thing)
    wanted = use(thing)
    assert pickle.dumps(thing) != before, "using it changes it"
    got = use(twin)
    np.testing.assert_equal(plain(got), plain(wanted))
    np.testing.assert_equal(plain(twin), plain(thing))


def plain(thing):
    """Attributes, and those of attributes, as something that NumPy compares."""
    if hasattr(thing, "bit_generator"):
        return thing.bit_generator.state
    if hasattr(thing, "__dict__") and not isinstance(thing, type):
        return {name: plain(value) for name, value in vars(thing).items()}
    if isinstance(thing, (list, tuple)):
        return [plain(item) for item in thing]
    return thing
