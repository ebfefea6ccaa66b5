"""The CA3 memory: the published experiments, the robust preset, and what a user may do wrong."""

from __future__ import annotations

import numpy as np
import pytest
from ca3_cases import (
    ANSWERS_1,
    ANSWERS_3,
    COUNTS_1,
    COUNTS_3,
    EXPERIMENT_1,
    EXPERIMENT_3,
    ORDER,
    SHA_1,
    SHA_3,
    checksum,
    exact_fraction,
    expected,
    experiment_2,
    random_operations,
)

import spikemem as sm
from spikemem import CA3Memory, Forget, Learn, Patterns, Recall, RecallContent, RecallCue
from spikemem.networks.ca3.circuit import w_fire
from spikemem.networks.ca3.parameters import GATED, OUTPUT, RELAY


def run(memory: sm.CA3Memory | sm.HippocampalMemory, schedule: list, backend: dict | None = None):
    recording = sm.simulate(memory.build(schedule), **(backend or {}))
    return recording, memory.decode(recording, schedule)


# -- the paper ------------------------------------------------------------------------------------


def test_weights_that_fire_a_cell_alone_are_those_of_the_specification():
    assert w_fire(RELAY) == pytest.approx(3.2924, abs=5e-5)
    assert w_fire(OUTPUT) == pytest.approx(2.7437, abs=5e-5)
    assert w_fire(GATED) == pytest.approx(3.3580, abs=5e-5)


@pytest.mark.parametrize(
    ("n_cues", "n_contents", "static", "neurons"), [(5, 10, 200, 71), (16, 6, 720, 95)]
)
def test_published_resources(n_cues, n_contents, static, neurons):
    network = CA3Memory(n_cues, n_contents, preset="published").build()
    plastic = 2 * n_cues * n_contents
    assert network.n_neurons == neurons == 4 * n_cues + 5 * n_contents + 1
    assert network.n_synapses == static + plastic


@pytest.mark.parametrize(
    ("shape", "schedule", "answers", "counts", "digest"),
    [
        ((5, 10), EXPERIMENT_1, ANSWERS_1, COUNTS_1, SHA_1),
        ((16, 6), EXPERIMENT_3, [None] * 16 + ANSWERS_3, COUNTS_3, SHA_3),
    ],
    ids=["functional", "state map"],
)
def test_published_experiments_spike_for_spike(backend, shape, schedule, answers, counts, digest):
    recording, recalls = run(CA3Memory(*shape, preset="published"), schedule, backend)
    assert [len(recording[name]) for name in ORDER] == counts
    assert checksum(recording) == digest
    for got, want in zip(recalls, answers, strict=True):
        assert want is None or got == want


def test_published_stress_experiment_answers_all_60_operations(backend):
    schedule = experiment_2()
    recording, recalls = run(CA3Memory(5, 10, preset="published"), schedule, backend)
    assert len(schedule) == 60
    assert exact_fraction(recalls, expected(schedule)) == 1.0
    learnt = [recall for recall in recalls if isinstance(recall.operation, Learn)]
    assert all(recall == set(recall.operation.content) for recall in learnt)
    assert sum(len(recording[name]) for name in ORDER) == 1828


@pytest.mark.parametrize(("n_contents", "answers"), [(12, True), (13, False), (16, False)])
def test_published_self_links_break_content_recall_from_13_bits_on(n_contents, answers):
    schedule = [Learn(1, [0, 3]), RecallContent([3], at=30.0)]
    _, recalls = run(CA3Memory(3, n_contents, preset="published"), schedule)
    assert (recalls[1] == {1}) is answers
    _, recalls = run(CA3Memory(3, n_contents, preset="published", self_links=False), schedule)
    assert recalls[1] == {1}


def test_published_latencies():
    recording, recalls = run(CA3Memory(5, 10, preset="published"), EXPERIMENT_1)
    assert {recall.latency for recall in recalls if recall.latency} == {6.0}
    start = 30.0
    assert recording["OUTcue"].at(start + 5).tolist() == [0]
    assert recording["OUTcont"].at(start + 6).tolist() == [0, 1, 8, 9]
    assert recording["OUTcont"].at(0.0 + 5).tolist() == [0, 1, 8, 9]
    assert recording["OUTcont"].at(0.0 + 7).tolist() == [0, 1, 8, 9]


# -- the robust preset ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(10, 12), (32, 64)])
def test_robust_800_random_operations_are_all_exact(backend, shape):
    schedule = random_operations(*shape, 800, seed=1)
    _, recalls = run(CA3Memory(*shape), schedule, backend)
    assert exact_fraction(recalls, expected(schedule)) == 1.0


def test_robust_with_any_density_and_threshold():
    schedule = random_operations(
        10, 40, 300, seed=2, density=(0.02, 0.95), longest=12, thresholds=True
    )
    _, recalls = run(CA3Memory(10, 40), schedule)
    assert exact_fraction(recalls, expected(schedule)) == 1.0


def test_published_is_not_robust_to_random_operations():
    schedule = random_operations(10, 12, 400, seed=1)
    _, recalls = run(CA3Memory(10, 12, preset="published"), schedule)
    assert exact_fraction(recalls, expected(schedule)) < 0.8


def test_nothing_is_recalled_without_plasticity():
    schedule = random_operations(10, 12, 200, seed=3)
    network = CA3Memory(10, 12).build(schedule)
    frozen = network.replace(*(_without_change(item) for item in network.plastic))
    recalls = CA3Memory(10, 12).decode(sm.simulate(frozen), schedule)
    asked = [want for want in expected(schedule) if want]
    assert asked
    assert exact_fraction(recalls, [want or None for want in expected(schedule)]) == 0.0


def _without_change(projection):
    from dataclasses import replace

    return replace(projection, plasticity=replace(projection.plasticity, enabled=()))


@pytest.mark.parametrize(("cut", "kind"), [("W1", RecallCue), ("W2", RecallContent)])
def test_nothing_is_recalled_through_a_cut_projection(cut, kind):
    schedule = random_operations(10, 12, 200, seed=3)
    network = CA3Memory(10, 12).build(schedule)
    kept = [item for item in network.projections if item.name != cut]
    broken = sm.Network(populations=network.populations, projections=kept)
    recalls = CA3Memory(10, 12).decode(sm.simulate(broken), schedule)
    through = [recall for recall in recalls if isinstance(recall.operation, kind)]
    assert len(through) > 40
    assert all(recall == set() for recall in through)
    if cut == "W2":
        for recall, want in zip(recalls, expected(schedule), strict=True):
            assert recall == want or not isinstance(recall.operation, RecallCue)


@pytest.mark.parametrize("second", [Learn(2, [3]), RecallCue(1), RecallContent([0])])
@pytest.mark.parametrize("first", [Learn(1, [0, 1]), RecallCue(0), RecallContent([5]), Forget(0)])
def test_operations_closer_than_is_safe_are_refused_or_spaced(first, second):
    memory = CA3Memory(4, 6)
    gap = 16.0 if isinstance(first, Learn | Forget) else 8.0
    late = {**vars(first), "at": 5.0}, {**vars(second), "at": 5.0 + gap - 1}
    schedule = [type(first)(**late[0]), type(second)(**late[1])]
    with pytest.raises(sm.DescriptionError, match=r"must start at .* ms or later, to be safe"):
        memory.build(schedule)
    assert memory.build(schedule, safe=False).duration >= 5.0 + gap
    recalls = memory.decode(sm.simulate(memory.build([first, second])), [first, second])
    assert recalls[1].start == gap


def test_robust_output_shows_answers_only_and_learning_echoes_only_itself():
    schedule = [Learn(0, [0, 1, 2]), Learn(1, [1, 2, 3]), Learn(0, [2, 5]), RecallCue(0)]
    recording, recalls = run(CA3Memory(3, 6), schedule)
    starts = [recall.start for recall in recalls]
    relearn = recording["OUTcont"].window(starts[2], starts[3])
    assert set(relearn.ids.tolist()) == {2, 5}
    cues = recording["OUTcue"].window(starts[1], starts[2])
    assert set(cues.ids.tolist()) == {1}
    assert [recall.cues for recall in recalls] == [{0}, {1}, {0}, {0}]


# -- what a user does -----------------------------------------------------------------------------


def test_learn_recall_forget_one_after_the_other(backend):
    memory = CA3Memory(16, 64, backend=backend["backend"])
    assert memory.learn(cue=3, content=[1, 5, 9]) == {1, 5, 9}
    assert memory.learn(cue=4, content=[5, 9, 11]) == {5, 9, 11}
    assert memory.recall(cue=3) == {1, 5, 9}
    assert memory.recall(content=[5]) == {3, 4}
    assert memory.recall(content=[1, 5, 9], match="all") == {3}
    assert memory.recall(content=[9, 11, 60], match=2) == {4}
    best = memory.recall(content=[1, 5, 9, 60], match="best")
    assert best == {3}
    assert best.threshold == 3
    assert memory.complete([11, 60]) == {4: {5, 9, 11}}
    memory.forget(cue=3)
    assert memory.recall(cue=3) == set()
    assert memory.recall(content=[1]) == set()
    assert memory.recall(content=[5]) == {4}
    assert memory.contents == {4: {5, 9, 11}}


def test_one_after_the_other_equals_one_schedule():
    schedule = random_operations(6, 8, 40, seed=5)
    together = CA3Memory(6, 8)
    recording, answers = run(together, schedule)
    live = CA3Memory(6, 8)
    assert [live.run([operation])[0] for operation in schedule] == answers
    assert all(live.recording[name] == recording[name] for name in recording.spikes)
    assert all(np.array_equal(live.weights[n].ravel(), recording.weights[n]) for n in ("W1", "W2"))


def test_contents_given_at_the_start_are_there():
    memory = CA3Memory(4, 8, contents={0: [1, 2], 3: np.arange(8) > 5})
    assert memory.recall(cue=0) == {1, 2}
    assert memory.recall(cue=3) == {6, 7}
    assert memory.recall(content=[7]) == {3}
    assert memory.learn(0, [7]) == {7}
    assert memory.recall(cue=0) == {7}
    assert memory.recall(content=[1, 2]) == set()


def test_content_is_taken_in_every_form():
    """Learnt, held from the start, and recalled by; a row of 0 and 1 is no list of indices."""
    one = Patterns({2, 4}, size=8)
    mask = one.to_dense()[0]
    forms = [
        *([2, 4], (4, 2), {2, 4}, np.array([2, 4], dtype=np.uint8), range(2, 5, 2), one),
        *(mask, mask.tolist(), mask.astype(int), mask.astype(int).tolist(), mask.astype(float)),
        Recall({2, 4}, operation=None),
    ]
    for content in forms:
        memory = CA3Memory(2, 8, contents={0: content, 1: [4]}, backend="native")
        assert memory.contents[0] == {2, 4}
        assert memory.recall(content=content, match="all") == {0}
        assert memory.learn(1, content) == {2, 4}
        assert sm.HippocampalMemory(2, 8, contents={0: content}).contents == {0: {2, 4}}
        assert memory.run([Learn(0, [1]), RecallContent(content, match="all")])[1] == {1}
    # Two cells: 0 and 1 are indices of both.
    assert CA3Memory(2, 2, contents={0: [0, 1]}).contents == {0: {0, 1}}


def test_what_is_recalled_is_learnt_again():
    memory = CA3Memory(3, 8, contents={0: [1, 6]}, backend="native")
    assert memory.learn(2, memory.recall(cue=0)) == {1, 6}
    assert memory.recall(content=memory.recall(cue=2)) == {0, 2}
    assert memory.complete(memory.recall(cue=0)) == {0: {1, 6}, 2: {1, 6}}


def test_published_forget_is_done_from_outside():
    memory = CA3Memory(4, 8, preset="published")
    memory.run([Learn(1, [0, 1]), Learn(2, [1, 2], at=30.0), RecallCue(1, at=60.0)])
    before = memory.time
    memory.forget(1)
    assert memory.time == before
    assert memory.run([RecallCue(1, at=before + 30)])[0] == set()
    assert memory.run([RecallContent([1], at=memory.time + 30)])[0] == {2}
    assert memory.contents == {2: {1, 2}}


def test_side_by_side_64_memories_give_the_spikes_of_64_simulations():
    memory = CA3Memory(5, 10)
    schedules = [random_operations(5, 10, 6, seed=k) for k in range(64)]
    networks = [memory.build(schedule) for schedule in schedules]
    longest = max(network.duration for network in networks)
    parts = sm.simulate(sm.Network.stack(networks), longest).split(64)
    for network, schedule, part in zip(networks, schedules, parts, strict=True):
        alone = sm.simulate(network, longest)
        assert part.same_as(alone)
        assert exact_fraction(memory.decode(part, schedule), expected(schedule)) == 1.0


def test_tiled_memory_gives_the_same_in_every_copy():
    memory = CA3Memory(5, 10, preset="published")
    network = memory.build(EXPERIMENT_1)
    parts = sm.simulate(network.tile(3)).split(3)
    assert [checksum(part) for part in parts] == [SHA_1] * 3


# -- health, storage ------------------------------------------------------------------------------


def test_health_of_a_robust_memory_has_wide_margins():
    memory = CA3Memory(6, 10)
    memory.run(random_operations(6, 10, 60, seed=7))
    health = memory.health()
    assert health.ok
    assert health.stored_margin["W1"] == pytest.approx(6.0 - w_fire(RELAY))
    assert health.stored_margin["W2"] == pytest.approx(6.0 - w_fire(GATED))
    assert health.silent_margin["W2"] == pytest.approx(w_fire(GATED))
    assert not any(health.pending.values())


def test_health_finds_the_ghost_that_recalls_of_the_published_circuit_make():
    memory = CA3Memory(5, 10, preset="published")
    gap = 30.0
    schedule = [Learn(0, [0], at=0.0), Learn(1, [1], at=gap)]
    schedule += [RecallContent([0, 1], at=gap * k) for k in (2, 3)]
    memory.run(schedule)
    assert memory.run([RecallContent([0], at=gap * 4)])[0] == {0, 1}
    assert (1, 0) in memory.health().ghosts["W2"]
    assert not memory.health().ok


def test_health_knows_what_a_board_would_still_owe():
    memory = CA3Memory(5, 10, preset="published")
    memory.run([Learn(2, [4, 7])])
    assert set(memory.health().pending["W1"]) == {(2, 4), (2, 7)}
    memory.run([RecallCue(2)])
    assert memory.health().pending["W1"] == []
    memory.run([Learn(0, [3]), *(Learn(1, [3, 5]) for _ in range(9))])
    assert (0, 3) in memory.health().at_risk["W1"]


def test_saved_memory_goes_on_where_it_was(tmp_path):
    memory = CA3Memory(6, 10, recall_gap=9.0)
    memory.run([Learn(0, [1, 2]), Learn(5, [2, 9])])
    path = memory.save(tmp_path / "memory.h5")
    again = CA3Memory.load(path)
    assert again.parameters == memory.parameters
    assert again.contents == memory.contents
    assert again.recall(content=[2]) == {0, 5}
    assert again.recall(cue=5) == {2, 9}
    assert sm.load_recording(path).same_as(memory.recording)


# -- what a user may do wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.learn(9, [1]), r"cue must be from 0 to 4 \(n_cues=5\), got 9"),
        (lambda m: m.learn(-1, [1]), r"cue must be an int >= 0, got -1"),
        (lambda m: m.learn(1.5, [1]), r"cue must be an int >= 0, got 1.5"),
        (lambda m: m.learn(True, [1]), r"cue must be an int >= 0, got True"),
        (lambda m: m.learn(0, []), r"content is empty"),
        (lambda m: m.learn(0, np.zeros(8, dtype=bool)), r"content is empty"),
        (lambda m: m.learn(0, [8]), r"content \(n_contents=8\) must name cells from 0 to 7, got 8"),
        (lambda m: m.learn(0, [-1]), r"content bits must be >= 0, got -1"),
        (
            lambda m: m.learn(0, [1, 1]),
            r"content \(n_contents=8\) must name each cell once, got 1 twice",
        ),
        (lambda m: m.learn(0, [0.5, 1.0]), r"content must be one pattern: a set, indices"),
        (lambda m: m.learn(0, "abc"), r"content must be one pattern: a set, indices"),
        (lambda m: m.learn(0, None), r"content must be one pattern: a set, indices"),
        (lambda m: m.learn(0, [[1], [2, 3]]), r"content must be one pattern: a set, indices"),
        (
            lambda m: m.learn(0, np.ones(9, dtype=bool)),
            r"a mask must have a length of 8 cells, got 9",
        ),
        (lambda m: m.learn(0, [0.0, 1.0]), r"a mask must have a length of 8 cells, got 2"),
        (
            lambda m: m.learn(0, Patterns([1], size=9)),
            r"a mask must have a length of 8 cells, got 9",
        ),
        (lambda m: m.learn(0, Patterns([[1], [2]], size=8)), r"content must be one pattern, got 2"),
        (lambda m: m.recall(content=Recall(operation=None)), r"content is empty"),
        (lambda m: m.recall(), r"either cue= or content="),
        (lambda m: m.recall(cue=1, content=[1]), r"either cue= or content="),
        (lambda m: m.recall(content=[1], match=2), r"match must be from 1 to 1"),
        (lambda m: m.recall(content=[1], match="most"), r"match must be 'any', 'all', 'best'"),
        (lambda m: m.run(["learn"]), r"schedule\[0\] must be a Learn or Forget .*, got 'learn'"),
        (lambda m: m.build([Learn(0, [1], at=-1.0)]), r"at must be >= 0 ms, got -1"),
        (lambda m: m.build([Learn(0, [1], at=0.5)]), r"whole number of ms >= 0"),
        (lambda m: m.set_weights({"W1": np.ones((2, 2))}), r"must have shape \(5, 8\)"),
        (lambda m: m.set_weights({"W1": np.full((5, 8), 9.0)}), r"lie in \[0, 6\] nA"),
        (lambda m: m.set_weights({"W3": np.ones((5, 8))}), r"'W3' is not a plastic projection"),
        (lambda m: CA3Memory(0, 8), r"n_cues must be an int >= 1, got 0"),
        (lambda m: CA3Memory(5, 2.5), r"n_contents must be an int >= 1, got 2.5"),
        (lambda m: CA3Memory(5, 8, preset="paper"), r"'paper' is not a preset"),
        (lambda m: CA3Memory(5, 8, tau_plsu=1.0), r"Did you mean 'tau_plus'"),
        (lambda m: CA3Memory(5, 8, tau_plus=-1.0), r"tau_plus must be >"),
        (lambda m: CA3Memory(5, 8, contents={7: [1]}), r"cue must be from 0 to 4"),
    ],
)
def test_bad_input_is_named_in_one_sentence_and_nothing_is_lost(call, message):
    memory = CA3Memory(5, 8)
    memory.learn(2, [3, 4])
    with pytest.raises(sm.DescriptionError, match=message) as caught:
        call(memory)
    assert "\n" not in str(caught.value)
    assert memory.recall(cue=2) == {3, 4}


def test_what_the_published_circuit_can_not_do_is_said():
    memory = CA3Memory(5, 8, preset="published")
    with pytest.raises(sm.UnsupportedError, match="supports only match='any'"):
        memory.recall(content=[1, 2], match="all")
    with pytest.raises(sm.UnsupportedError, match="can forget only by relearning"):
        memory.run([Forget(1)])


def test_decoding_a_recording_that_is_too_short_is_refused():
    memory = CA3Memory(5, 8)
    schedule = [Learn(0, [1]), RecallCue(0)]
    recording = sm.simulate(memory.build(schedule), 20.0)
    with pytest.raises(sm.DescriptionError, match="ends at 20 ms, before the answer"):
        memory.decode(recording, schedule)


# -- the hippocampal variant ----------------------------------------------------------------------


def test_hippocampal_memory_recalls_by_binary_cue(backend):
    memory = sm.HippocampalMemory(20, 12)
    schedule = [
        op for op in random_operations(20, 12, 300, seed=4) if not isinstance(op, RecallContent)
    ]
    recording, recalls = run(memory, schedule, backend)
    assert exact_fraction(recalls, expected(schedule)) == 1.0
    for recall in recalls:
        assert recall.cues == {recall.operation.cue}
    assert memory.n_bits == 5
    first = recalls[0]
    assert recording["OUTcue"].times[0] == first.start + 4
    assert recording["CA3cue"].times[0] == first.start + 2


def test_hippocampal_memory_holds_what_it_learns_from_its_start_on():
    """For three steps, whenever the operation starts; a recall asks once."""
    schedule = [Learn(2, [0, 3], at=5.0), RecallCue(1, at=20.0)]
    network = sm.HippocampalMemory(5, 4).build(schedule)
    trains = {name: network.population(name).source for name in ("INcue", "INcont")}
    held = [5.0, 6.0, 7.0]
    # Cue 2 is the number 3 (both lowest lines), cue 1 the number 2 (line 1 alone).
    assert trains["INcue"].to_lists() == [held, [*held, 20.0], []]
    assert trains["INcont"].to_lists() == [held, [], [], held]


def test_hippocampal_published_window_leaks_between_operations():
    schedule = [
        op for op in random_operations(20, 12, 300, seed=4) if not isinstance(op, RecallContent)
    ]
    _, recalls = run(sm.HippocampalMemory(20, 12, preset="published"), schedule)
    assert exact_fraction(recalls, expected(schedule)) < 1.0


def test_hippocampal_memory_refuses_what_it_can_not_do():
    memory = sm.HippocampalMemory(3, 4, contents={1: [2]})
    assert memory.recall(cue=1) == {2}
    with pytest.raises(sm.UnsupportedError, match="supports only Learn and RecallCue"):
        memory.run([RecallContent([1])])
    with pytest.raises(sm.DescriptionError, match="n_cues must be at most 16383"):
        sm.HippocampalMemory(20000, 4)


# -- a live memory on any backend, with a device ---------------------------------------------------


@pytest.mark.parametrize("make", [sm.CA3Memory, sm.HippocampalMemory])
def test_a_memory_learns_on_a_device(make):
    """Ideal devices change nothing; noisy ones leave weights that scatter, and are reproducible."""
    from spikemem.hardware.resistive import Generic, Ideal

    def weights_of(device, seed=0, backend="brian2"):
        with make(4, 8, contents={2: [1]}, device=device, seed=seed, backend=backend) as memory:
            memory.learn(0, [1, 2, 5])
            assert memory.contents[0] == {1, 2, 5}
            return memory.weights["W1"]

    plain = weights_of(None)
    assert np.array_equal(weights_of(Ideal()), plain)
    assert np.array_equal(weights_of(Ideal(), backend="native"), plain)
    noisy = Generic(programming_sd=0.5)
    first = weights_of(noisy, seed=1)
    assert not np.array_equal(first, plain)
    assert np.array_equal(first, weights_of(noisy, seed=1))
    assert not np.array_equal(first, weights_of(noisy, seed=2))
    assert np.abs(first - plain).max() < 3.0
    with pytest.raises(sm.UnsupportedError, match="needs backend 'brian2'"):
        weights_of(noisy, backend="native")


def test_a_memory_takes_the_options_of_its_backend():
    memory = sm.CA3Memory(3, 4, backend="native", options={"precision": "f4"})
    memory.learn(0, [1])
    assert memory.recall(cue=0) == {1}
    with pytest.raises(sm.DescriptionError, match="precision"):
        sm.CA3Memory(3, 4, backend="native", options={"precision": "f2"}).recall(cue=0)
    with pytest.raises(sm.DescriptionError, match="integrator"):
        sm.CA3Memory(3, 4, integrator="euler")
    with pytest.raises(sm.DescriptionError, match="device"):
        sm.CA3Memory(3, 4, device="PCM")


def test_a_stored_memory_keeps_its_device_and_options(tmp_path):
    from spikemem.hardware.resistive import PCM

    memory = sm.CA3Memory(3, 4, device=PCM(), seed=5, record_weights=True, w_max=5.5, weight=5.0)
    memory.save(tmp_path / "a.h5")
    again = sm.load(tmp_path / "a.h5")
    assert repr(again.arguments()) == repr(memory.arguments())
    assert again.parameters == memory.parameters
    assert repr(again.device) == repr(PCM())
