"""The spiking sequence memory gives, spike for spike, what the memory itself gives."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

import spikemem as sm
from spikemem import DescriptionError
from spikemem.cells import LIF
from spikemem.codes import random_patterns
from spikemem.hardware.resistive import Ideal
from spikemem.models import Model, run
from spikemem.networks.dendrites import (
    PermanenceRule,
    SequenceCircuit,
    TemporalMemory,
    sequence_activity,
)
from spikemem.networks.dendrites.sequence_timing import LONGEST_DELAY
from spikemem.simulation import BACKENDS

PLACES = [name for name in ("brian2", "native", "emulator") if name in BACKENDS]
NEST = pytest.param("pynn:nest", "exact", marks=pytest.mark.nest)


class Case(NamedTuple):
    memory: TemporalMemory
    sequences: list[list[np.ndarray]]


def some_columns(rng, n_columns) -> np.ndarray:
    return rng.choice(n_columns, rng.integers(n_columns // 2 + 1), replace=False)


def random_case(seed: int) -> Case:
    """A memory that has learnt, with segments of no purpose besides, and sequences to show it."""
    rng = np.random.default_rng(seed)
    n_columns, per_column = int(rng.integers(4, 20)), int(rng.integers(1, 6))
    s = int(rng.integers(1, min(9, n_columns * per_column + 1)))
    memory = TemporalMemory(
        n_columns, cells_per_column=per_column, synapses_per_segment=s,
        threshold=int(rng.integers(1, s + 1)), rule=PermanenceRule(initial=0.45), seed=seed,
    )  # fmt: skip
    alphabet = [some_columns(rng, n_columns) for _ in range(5)]
    learnt = [[alphabet[k] for k in rng.integers(5, size=5)] for _ in range(3)]
    memory.learn(learnt, passes=4)
    add_segments(memory, int(rng.integers(12)), rng)
    strange = [[some_columns(rng, n_columns) for _ in range(4)] for _ in range(2)]
    mixed = [[*learnt[0][:3], [], *learnt[1][2:]], learnt[2][2:], [], [np.arange(n_columns)] * 3]
    return Case(memory, [*learnt, *strange, *mixed])


def add_segments(memory, count, rng) -> None:
    """Segments on random cells, some of which are not connected; several of them on one cell."""
    owners = rng.integers(memory.n_cells, size=3)
    for segment in memory.segments.add(count):
        size = rng.integers(1, min(memory.segments.cells.shape[1], memory.n_cells) + 1)
        cells = rng.choice(memory.n_cells, size, replace=False).astype(np.int32)
        memory.segments.append(segment, cells, float(rng.choice([0.3, 0.9], p=[0.2, 0.8])))
        memory.owner = np.append(memory.owner, rng.choice(owners))


def assert_same(got, expected) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one.novelty.tolist() == other.novelty.tolist()
        for name in ("predictions", "active_cells"):
            mine, theirs = (
                [cells.tolist() for cells in getattr(item, name)] for item in (one, other)
            )
            assert mine == theirs, name


def state(memory) -> list:
    parts = [part.values.tolist() for part in memory.arrays().values()]
    return [parts, memory.active_cells.tolist(), memory.predicted_columns.tolist()]


def check(seed, backend, integrator="spinnaker", **options) -> list:
    """Decoded is expected; each cell, burst and prediction is one spike, and nothing else fires."""
    memory, sequences = random_case(seed)
    options = {"integrator": integrator, **options}
    network = memory.build(sequences, **options)
    recording = sm.simulate(network, backend=backend, integrator=integrator)
    expected = memory.expected(sequences)
    assert_same(memory.decode(recording, sequences, **options), expected)
    assert len(recording["cells"]) == sum(len(c) for one in expected for c in one.active_cells)
    bursting = [
        round(novelty * len(frame))
        for one, frames in zip(expected, sequences, strict=True)
        for novelty, frame in zip(one.novelty, frames, strict=True)
    ]
    assert len(recording["bursts"]) == sum(bursting)
    predicted = predicted_cells(memory, sequences)
    assert len(recording["predictions"]) == sum(len(cells) for cells in predicted)
    return [memory, sequences, expected, predicted]


def predicted_cells(memory, sequences) -> list:
    """After each frame, by a count of one's own: which cells have a segment that is active."""
    strong = memory.segments.connected
    result = []
    for replay in memory.expected(sequences):
        for cells in replay.active_cells:
            count = (np.isin(memory.segments.cells, cells) & strong).sum(axis=1)
            result.append(np.unique(memory.owner[count >= memory.threshold]))
    assert len(result) == sum(len(frames) for frames in sequences)
    return result


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_native_gives_what_is_expected(integrator):
    """Thirty memories, in which everything happens that can."""
    seen = dict.fromkeys(
        ("predicted", "burst", "partly", "cells of one column", "segments of one cell", "empty"),
        0,
    )
    for seed in range(30):
        memory, sequences, expected, predicted = check(seed, "native", integrator)
        novelty = np.concatenate([one.novelty for one in expected])
        sizes = np.array([len(frame) for frames in sequences for frame in frames])
        seen["predicted"] += np.count_nonzero((novelty == 0) & (sizes > 0))
        seen["burst"] += np.count_nonzero(novelty == 1)
        seen["partly"] += np.count_nonzero((novelty > 0) & (novelty < 1))
        seen["empty"] += np.count_nonzero(sizes == 0)
        for cells in predicted:
            columns = cells // memory.cells_per_column
            seen["cells of one column"] += np.unique(columns).size < columns.size
        seen["segments of one cell"] += np.bincount(memory.owner, minlength=1).max() > 1
    assert min(seen.values()) >= 20, seen


@pytest.mark.parametrize(
    ("backend", "integrator"),
    [
        *[(name, "spinnaker") for name in PLACES if name != "native"],
        pytest.param("brian2", "exact", marks=pytest.mark.slow),
        NEST,
    ],
)
def test_other_backends_give_what_is_expected(backend, integrator):
    for seed in (31, 32):
        check(seed, backend, integrator)


@pytest.mark.slow
@pytest.mark.parametrize("backend", PLACES)
def test_more_memories(backend):
    for seed in range(100, 120 if backend == "brian2" else 200):
        check(seed, backend)


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_every_period_that_is_allowed(integrator):
    for period in (7.0 if integrator == "spinnaker" else 9.0, 20.0, 37.0, 48.0):
        memory = check(3, "native", integrator, period=period)[0]
        circuit = memory.spiking(integrator=integrator, period=period)
        delays = circuit.schedule[3:]
        assert 1 <= min(delays) <= max(delays) <= LONGEST_DELAY
        assert circuit.period == period


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
@pytest.mark.parametrize("theta", [1, 2, 12, 40])
def test_the_shortest_period_is_long_enough(theta, integrator):
    """After 80 active synapses on a segment, 20 segments on a cell: one synapse too few, or not."""
    n = 80
    memory = TemporalMemory(n, cells_per_column=1, synapses_per_segment=40, threshold=theta)
    for segment in memory.segments.add(20):
        memory.segments.append(segment, np.arange(n, dtype=np.int32), 0.9)
    memory.owner = np.full(20, 5)
    frames = [np.arange(n), np.arange(theta - 1), np.arange(theta), np.arange(theta - 1)] * 2
    wanted = [[5], [], [5], []] * 2
    for backend in ("native",) if integrator == "exact" else ("native", "emulator"):
        network = memory.build([frames], integrator=integrator)
        recording = sm.simulate(network, backend=backend, integrator=integrator)
        replay = memory.decode(recording, [frames], integrator=integrator)[0]
        assert [columns.tolist() for columns in replay.predictions] == wanted


@pytest.fixture(scope="module")
def abcd() -> Case:
    a, b, c, d, x, y = random_patterns(6, size=100, active=10, seed=1)
    memory = TemporalMemory(100, cells_per_column=4, synapses_per_segment=8, threshold=6, seed=0)
    sequences = [[a, b, c, d], [x, b, c, y]]
    assert memory.learn(sequences, passes=20)[-1] == 0.0
    return Case(memory, sequences)


def test_it_answers_to_the_contract(abcd):
    memory, sequences = abcd
    assert isinstance(memory, Model)
    answers = run(memory, iter(sequences), backend="native")
    assert_same(answers, memory.expected(iter(sequences)))
    assert_same(answers, [memory.run(sequence) for sequence in sequences])
    recording = sm.simulate(memory.build(sequences), backend="native")
    assert memory.after(recording, sequences) is memory
    assert list(memory.plastic) == ["synapses"]
    assert memory.build(sequences).count("synapses") == np.count_nonzero(memory.segments.connected)


def test_the_shared_middle_has_other_cells_in_each_context(abcd):
    memory, sequences = abcd
    first, second = run(memory, sequences, backend="native")
    assert first.novelty.tolist() == second.novelty.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert not set(first.active_cells[2]) & set(second.active_cells[2])
    assert first.predictions[2].tolist() == sequences[0][3].tolist()
    assert second.predictions[2].tolist() == sequences[1][3].tolist()
    alone = run(memory, [sequences[0][1:3]], backend="native")[0]
    assert set(alone.predictions[1]) == {*sequences[0][3], *sequences[1][3]}


def test_build_and_expected_leave_the_memory_as_it_is(abcd):
    memory, sequences = abcd
    memory.run(sequences[0][:2])
    before = state(memory)
    networks = [memory.build(sequences), memory.build(iter(sequences))]
    memory.expected(sequences)
    run(memory, sequences, backend="native")
    assert state(memory) == before
    assert before[1]
    assert networks[0].content_hash == networks[1].content_hash


def test_a_network_keeps_the_synapses_of_its_time():
    memory, sequences = random_case(2)
    circuit = memory.spiking()
    expected = memory.expected(sequences)
    memory.learn(sequences[:3], passes=3)
    recording = sm.simulate(circuit.build(sequences), backend="native")
    assert_same(circuit.decode(recording, sequences), expected)


def test_sequences_do_not_influence_each_other(abcd):
    memory, sequences = abcd
    # Each ends where the other would go on.
    parts = [sequences[0][:2], sequences[0][2:], sequences[1][:3], sequences[1][3:]]
    together = run(memory, parts, backend="native")
    backwards = run(memory, parts[::-1], backend="native")[::-1]
    alone = [run(memory, [part], backend="native")[0] for part in parts]
    assert_same(together, alone)
    assert_same(backwards, alone)
    assert [one.novelty[0] for one in together] == [1.0] * 4
    assert all(one.predictions[-1].size for one in (together[0], together[2]))


def test_without_learning_nothing_is_predicted(abcd):
    memory = TemporalMemory(**abcd.memory.arguments())
    for answer in run(memory, abcd.sequences, backend="native", device=Ideal()):
        assert answer.novelty.tolist() == [1.0] * 4
        assert [columns.size for columns in answer.predictions] == [0] * 4
        assert [cells.size for cells in answer.active_cells] == [40] * 4


def test_without_synapses_on_segments_everything_bursts(abcd):
    memory, sequences = abcd
    network = memory.build(sequences)
    cut = network.replace(replace(network.projection("synapses"), i=[], j=[]))
    answers = memory.decode(sm.simulate(cut, backend="native"), sequences)
    for answer in answers:
        assert answer.novelty.tolist() == [1.0] * 4
        assert [columns.size for columns in answer.predictions] == [0] * 4
    with pytest.raises(AssertionError):
        assert_same(answers, memory.expected(sequences))


@pytest.mark.parametrize("name", ["context", "veto", "branches", "burst"])
def test_every_other_path_is_needed(abcd, name):
    memory, sequences = abcd
    network = memory.build(sequences)
    cut = network.replace(replace(network.projection(name), weight=0.0))
    answers = memory.decode(sm.simulate(cut, backend="native"), sequences)
    with pytest.raises(AssertionError):
        assert_same(answers, memory.expected(sequences))


def test_an_ideal_device_changes_nothing(abcd):
    memory, sequences = abcd
    assert_same(
        run(memory, sequences, backend="native", device=Ideal()), memory.expected(sequences)
    )


def test_copies_side_by_side(abcd):
    memory, sequences = abcd
    network = memory.build(sequences)
    recording = sm.simulate(network.tile(3), backend="native")
    for part in recording.split(3):
        assert_same(memory.decode(part, sequences), memory.expected(sequences))


def test_a_finer_time_grid(abcd):
    memory, sequences = abcd
    cell = LIF(tau_m=0.1, tau_syn_E=0.05, tau_syn_I=0.05)
    options = {"dt": 0.1, "cell": cell}
    assert memory.spiking(**options).period < 1.5
    answers = run(memory, sequences, backend="native", build=options)
    assert_same(answers, memory.expected(sequences))


def test_nothing_stands_against_spinnaker():
    for seed in (1, 5):
        memory, sequences = random_case(seed)
        network = memory.build(sequences)
        assert sm.check(network, "emulator") == []
        assert {problem.rule for problem in sm.check(network, "spinnaker")} == {
            "size of the machine"
        }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": 3}, "cell must be a LIF, got 3"),
        ({"cell": LIF(tau_m=10.0, tau_syn_E=2.0, tau_syn_I=2.0)}, "set both constants to dt"),
        ({"cell": LIF(tau_m=1.0, tau_syn_E=1.0)}, "tau_syn_I must be tau_syn_E=1 ms"),
        ({"cell": LIF(tau_m=[1.0, 2.0])}, "one value of tau_m for all cells"),
        ({"cell": LIF(v_reset=-70.0)}, "v_reset must be v_rest=-65 mV, got -70"),
        ({"cell": LIF(v_rest=-40.0)}, "v_thresh must be above v_rest=-40 mV"),
        ({"cell": LIF(i_offset=1.0)}, "i_offset must be 0 nA"),
        ({"dt": 0.1}, "set both constants to dt"),
        ({"dt": 0.0}, "dt must be > 0 ms"),
        ({"integrator": "euler"}, "integrator"),
        ({"period": 4.0}, "period must be a multiple of dt=1 ms from 6 to 48 ms, got 4"),
        ({"period": 8.5}, "period must be a multiple of dt=1 ms from 6 to 48 ms, got 8.5"),
        ({"period": 49.0}, "period must be a multiple of dt=1 ms from 6 to 48 ms, got 49"),
    ],
)
def test_bad_options(abcd, options, message):
    with pytest.raises(DescriptionError, match=message):
        abcd.memory.build(abcd.sequences, **options)


def test_cells_that_need_too_long_to_forget():
    """The slowest membrane that has its peak at once, with a hundred segments on one cell."""
    memory = TemporalMemory(100, cells_per_column=1, threshold=20)
    memory.segments.add(100)
    memory.owner = np.full(100, 5)
    slow = LIF(tau_m=20.0, tau_syn_E=0.3, tau_syn_I=0.3)
    with pytest.raises(DescriptionError, match="take more than 48 ms to decay between frames"):
        memory.spiking(cell=slow)


def test_bad_sequences_and_recordings(abcd):
    memory, sequences = abcd
    with pytest.raises(DescriptionError, match=r"memory must be a SequenceMemory.*TemporalMemory"):
        SequenceCircuit(3)
    with pytest.raises(DescriptionError, match="must have at least one, got none"):
        memory.build([])
    assert memory.expected([]) == []
    for call in (memory.build, memory.expected):
        with pytest.raises(
            DescriptionError, match="must be a sequence of sequences of frames, got 3"
        ):
            call(3)
        with pytest.raises(DescriptionError, match=r"\[1\] must name cells from 0 to 99, got 100"):
            call([sequences[0], [[100]]])
    recording = sm.simulate(memory.build(sequences), backend="native")
    with pytest.raises(DescriptionError, match="must be 30 ms long, got 60 ms"):
        memory.decode(recording, sequences[:1])
    with pytest.raises(DescriptionError, match="'cells' must have 800 cells, got 400"):
        TemporalMemory(200, cells_per_column=4).decode(recording, sequences)
    with pytest.raises(DescriptionError, match="must be a Recording, got 3"):
        memory.decode(3, sequences)


def test_the_picture_tells_predicted_from_bursting_cells(abcd):
    memory, sequences = abcd
    recording = sm.simulate(memory.build(sequences), backend="native")
    ax = sequence_activity(memory, recording, labels=["ABCD", "XBCY"])
    expected = memory.expected(sequences)
    counts = {line.get_label(): line.get_xdata().size for line in ax.lines}
    assert counts["cell, bursting"] == 2 * 10 * 4
    assert counts["cell, predicted"] == 2 * 3 * 10
    assert counts["prediction"] == sum(
        columns.size for one in expected for columns in one.predictions
    )
    assert [text.get_text() for text in ax.texts] == list("ABCDXBCY")
    with pytest.raises(DescriptionError, match="memory must be a TemporalMemory"):
        sequence_activity(3, recording)
    with pytest.raises(DescriptionError, match="must have 400 cells"):
        sequence_activity(memory, sm.simulate(TemporalMemory(9).build([[[1]]]), backend="native"))
