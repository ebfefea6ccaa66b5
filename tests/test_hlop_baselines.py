"""Continual baselines: what each keeps, byte by byte, and what it is good for."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import spikemem as sm
from spikemem.data import read_images
from spikemem.errors import DescriptionError, StorageError
from spikemem.networks.hlop import HLOPClassifier, Ranks
from spikemem.networks.hlop.strategies import Batch
from spikemem.networks.hlop.tasks import PermutedImages
from spikemem.networks.hlop.torches import threads

SIZES = (64, 60, 60, 10)
TASKS = PermutedImages(read_images("digits"), 3, mean=0.3, deviation=0.35)
N_CLASSES, N_PIXELS = 10, 64


def model(method, *, epochs=3, sizes=SIZES, seed=0, **options):
    return HLOPClassifier(sizes, method=method, epochs=epochs, batch=32, options=options, seed=seed)


def learn(method, n_tasks=3, **options):
    found = model(method, **options)
    for task in TASKS[:n_tasks]:
        found.learn_task(task.x, task.y)
    return found


def scores(found):
    return np.array([found.score(task.test_x, task.test_y) for task in TASKS])


@pytest.fixture(scope="module")
def naive():
    return scores(learn("naive"))


def test_joint_training_learns_all_tasks(naive):
    joint = scores(learn("joint"))
    assert joint.min() > 0.75
    assert joint[0] > naive[0] + 0.15  # The first task is what naive training forgets.


@pytest.mark.parametrize(
    ("method", "options"),
    [("replay", {"epochs_": 5}), ("ewc", {"strength": 30.0}), ("rehearsal", {})],
)
def test_each_method_forgets_less_than_naive_training(naive, method, options):
    options = {name.rstrip("_"): value for name, value in options.items()}
    found = HLOPClassifier(SIZES, method=method, epochs=3, batch=32, options=options)
    for task in TASKS:
        found.learn_task(task.x, task.y)
    assert scores(found)[:2].mean() > naive[:2].mean() + 0.05


def test_rehearsal_without_repetition_is_naive_training():
    alone = learn("naive", epochs=1)
    none = learn("rehearsal", epochs=1, schedule="none")
    # The same samples in another order: as good on the last task, and as forgetful.
    assert np.abs(scores(alone) - scores(none)).max() < 0.15
    assert none.memory_bytes()["method"] > 0


def test_bytes_of_replay():
    found = learn("replay", 2, epochs=1, per_class=7)
    n = 2 * N_CLASSES * 7
    assert found.memory_bytes() == {
        "weights": 4 * (64 * 60 + 60 * 60 + 60 * 10),
        "method": n * (4 * N_PIXELS + 8),
    }


def test_bytes_of_joint_training_and_of_ewc():
    n = sum(len(task.y) for task in TASKS[:2])
    assert learn("joint", 2, epochs=1).memory_bytes()["method"] == n * (4 * N_PIXELS + 8)
    found = learn("ewc", 2, epochs=1, samples=5).memory_bytes()
    # Fisher information and rest of each weight, whatever the number of tasks, and one constant.
    assert found["method"] == 2 * found["weights"] + 8


def test_replay_at_the_memory_of_subspaces():
    hlop = learn("hlop", 2, epochs=1)
    limit = hlop.memory_bytes()["method"]
    ranks = Ranks.scaled(SIZES[:-1])
    rows = np.sum([ranks.of_task(k) for k in range(2)], axis=0)
    entries = 4 * int(rows @ SIZES[:-1])
    assert limit == entries + 3 * 2 * 8  # And how many rows of each layer each task has brought.
    for stored, size in (("float32", 4 * N_PIXELS + 8), ("uint8", N_PIXELS + 8)):
        found = learn("replay", 2, epochs=1, per_class=10**6, n_bytes=limit, stored_as=stored)
        used = found.memory_bytes()["method"] - (2 * 16 if stored == "uint8" else 0)
        assert limit - 2 * N_CLASSES * size < used <= limit


def learner_of(method, **options):
    return model(method, epochs=1, **options)._learner()


def data_of(task, k):
    return Batch(np.array(task.x), np.array(task.y), np.full(len(task.y), k))


@pytest.mark.parametrize("schedule", ["power", "exponential", "uniform"])
def test_a_phase_of_rehearsal_has_exactly_the_scheduled_samples(schedule):
    learner = learner_of("rehearsal", schedule=schedule)
    phases = []
    with threads(1):
        for k, task in enumerate(TASKS):
            data = data_of(task, k)
            phases.append(learner.strategy.dataset(data))
            learner.strategy.after_task(k, data)
            learner.n_learnt += 1
    n = len(TASKS[0].y)
    law = {"power": lambda age: 1 / (age + 1), "exponential": lambda age: np.exp(-age),
           "uniform": lambda age: 1.0}[schedule]  # fmt: skip
    for k, phase in enumerate(phases):
        shares = np.array([law(k - j) for j in range(k + 1)])
        expected = n * shares / shares.sum()
        counts = np.bincount(phase.task, minlength=k + 1)
        assert counts.sum() == n
        assert np.abs(counts - expected).max() < 1
        for j, count in enumerate(counts):
            known = {tuple(row) for row in TASKS[j].x}
            mine = [tuple(row) for row in phase.x[phase.task == j]]
            assert set(mine) <= known
            if count <= len(known):
                assert len(set(mine)) == len({tuple(r) for r in mine})


def test_added_rehearsal_keeps_the_new_task_whole():
    learner = learner_of("rehearsal", added=0.5)
    with threads(1):
        for k, task in enumerate(TASKS[:2]):
            learner.strategy.after_task(k, data_of(task, k))
            learner.n_learnt += 1
        phase = learner.strategy.dataset(data_of(TASKS[2], 2))
    n = len(TASKS[2].y)
    half = round(0.5 * n)
    # Ages 2 and 1: shares 1/3 and 1/2 of the power law, which are 2/5 and 3/5 of the two.
    assert np.bincount(phase.task).tolist() == [round(0.4 * half), round(0.6 * half), n]


def test_a_task_that_comes_back_is_the_youngest():
    learner = learner_of("rehearsal", schedule="exponential", rate=50.0)
    with threads(1):
        for k in (0, 1, 0):
            learner.strategy.after_task(k, data_of(TASKS[k], k))
            learner.n_learnt += 1
        assert learner.strategy.store.tasks == (1, 0)
        phase = learner.strategy.dataset(data_of(TASKS[1], 1))
        assert set(phase.task) == {1}  # Its own old samples are not rehearsed beside the new ones.


def test_fisher_of_the_head_by_hand():
    # The head is linear in the mean activity s, so that its gradient is (p - onehot) s^T.
    learner = learner_of("ewc", samples=40, labels="true")
    data = data_of(TASKS[0], 0)
    with threads(1):
        fisher = learner.strategy.fisher(data)["2"].numpy()
        places = learner.rng("fisher").permutation(len(data.y))[:40]
        s = learner.traces(data.x[places])[2].numpy().astype(np.float64)
        logits = learner.logits(data.x[places]).astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = p - np.eye(10)[data.y[places]]
    expected = np.mean((error[:, :, None] * s[:, None, :]) ** 2, axis=0)
    np.testing.assert_allclose(fisher, expected, rtol=1e-4, atol=1e-10)


@pytest.mark.parametrize("trainer", ["dsr", "bptt", "ottt"])
def test_fisher_is_the_mean_square_of_gradients_of_single_samples(trainer):
    found = HLOPClassifier((64, 12, 10), method="ewc", trainer=trainer, dtype="float64",
                           options={"samples": 70, "labels": "true"})  # fmt: skip
    learner = found._learner()
    data = data_of(TASKS[0], 0)
    places = learner.rng("fisher").permutation(len(data.y))[:70]
    with threads(1):
        fisher = learner.strategy.fisher(data)
        squares = [0.0, 0.0]
        for k in places:
            one = learner.step(Batch(*(part[k : k + 1] for part in data)))
            squares = [s + g.numpy() ** 2 for s, g in zip(squares, one.gradients, strict=True)]
    for layer, expected in enumerate(squares):
        np.testing.assert_allclose(fisher[str(layer)], expected / 70, rtol=1e-9, atol=1e-18)


def test_labels_are_drawn_from_the_output_of_the_network():
    learner = learner_of("ewc")
    data = data_of(TASKS[0], 0)
    some = Batch(
        data.x[:1].repeat(20_000, axis=0), data.y[:1].repeat(20_000), np.zeros(20_000, int)
    )
    with threads(1):
        logits = learner.logits(some.x[:1])[0].astype(np.float64)
        drawn = learner.strategy._drawn_labels(some)
    p = np.exp(logits) / np.exp(logits).sum()
    counts = np.bincount(drawn, minlength=10)
    # Five standard deviations, ten classes: a false alarm in fewer than one of 100,000 seeds.
    assert (np.abs(counts - 20_000 * p) < 5 * np.sqrt(20_000 * p * (1 - p))).all()


def test_ewc_changes_gradients_by_the_spring():
    learner = learner_of("ewc", strength=2.0, samples=30)
    data = data_of(TASKS[0], 0)
    with threads(1):
        learner.strategy.after_task(0, data)
        fisher = {k: value.clone() for k, value in learner.strategy.penalty.fisher.items()}
        for weight in learner.weights:
            weight += 0.25
        batch = Batch(data.x[:20], data.y[:20], data.task[:20])
        plain = [g.clone() for g in learner.step(batch).gradients]
        step = learner.step(batch)
        learner.strategy.after_backward(step)
    for k, (before, after) in enumerate(zip(plain, step.gradients, strict=True)):
        pull = np.minimum(2.0 * fisher[str(k)].numpy(), 1 / 0.1) * 0.25
        np.testing.assert_allclose((after - before).numpy(), pull, rtol=2e-3, atol=1e-6)
        assert pull.max() > 0


@pytest.mark.parametrize("method", ["joint", "replay", "rehearsal", "ewc"])
def test_resumed_learning_is_the_same(method, tmp_path):
    options = {"samples": 20} if method == "ewc" else {}
    straight = learn(method, 3, epochs=1, sizes=(64, 20, 10), **options)
    broken = learn(method, 2, epochs=1, sizes=(64, 20, 10), **options)
    broken.save(tmp_path / "two.h5")
    resumed = sm.load(tmp_path / "two.h5")
    resumed.learn_task(TASKS[2].x, TASKS[2].y)
    for one, other in zip(straight.weights_, resumed.weights_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert resumed.memory_bytes() == straight.memory_bytes()


def test_subspaces_by_decomposition_are_the_principal_components_of_the_activity():
    found = HLOPClassifier(SIZES, method="svd", dtype="float64", options={"samples": 10**4})
    found.learn_task(TASKS[0].x, TASKS[0].y)
    learner = found._learner()
    with threads(1):
        traces = [trace.numpy() for trace in learner.traces(TASKS[0].x)]
    for k, trace in enumerate(traces):
        rows = learner.strategy.subspaces[k].rows
        right = np.linalg.svd(trace, full_matrices=False)[2][: len(rows)]
        assert len(rows) == found.ranks.first[k]
        np.testing.assert_allclose(rows.T @ rows, right.T @ right, atol=1e-6)


def test_heads_of_their_own():
    x, y = TASKS[0].x, np.asarray(TASKS[0].y)
    for method, options in (("replay", {"per_class": 5}), ("ewc", {"samples": 20}), ("joint", {})):
        found = HLOPClassifier((64, 20, 2), method=method, heads="task", batch=32, options=options)
        for task in range(3):
            chosen = (y == 2 * task) | (y == 2 * task + 1)
            found.learn_task(x[chosen], y[chosen] - 2 * task)
        assert found.n_heads == 3
        assert found.score(x[y < 2], y[y < 2], task=0) > 0.8


@pytest.mark.parametrize("method", ["hlop", "replay"])
def test_knowledge_accumulates_where_tasks_come_back(method):
    found = model(method)
    tests = [(task.test_x, task.test_y) for task in TASKS]
    for k in (0, 1, 2, 0, 1):
        found.learn_task(TASKS[k].x, TASKS[k].y, task=k, test=tests)
    assert found.matrix_.order.tolist() == [0, 1, 2, 0, 1]
    # The task that comes back is better than before, and the mean over all tasks grows.
    assert found.R_[3, 0] > found.R_[2, 0] + 0.05
    assert found.R_[4].mean() > found.R_[2].mean() + 0.02


def test_bad_settings_are_refused():
    with pytest.raises(DescriptionError, match="strength"):
        model("ewc", strength=-1.0)
    with pytest.raises(DescriptionError, match="per_clas"):
        model("replay", per_clas=3)
    with pytest.raises(DescriptionError, match="schedule"):
        model("rehearsal", schedule="linear")
    tiny = model("replay", n_bytes=1000)
    with pytest.raises(DescriptionError, match="n_bytes must be at least 2640"):
        tiny.learn_task(TASKS[0].x, TASKS[0].y)
    assert tiny.n_learnt == 0


def test_what_was_kept_by_another_network_is_refused():
    kept = learn("ewc", 1, epochs=1, samples=5).kept_
    other = model("ewc", sizes=(64, 30, 10))._learner()
    with pytest.raises(StorageError, match="does not fit this network"):
        other.strategy.restore(kept)
    store = learner_of("replay").strategy
    with pytest.raises(StorageError, match="incomplete"):
        store.restore({"samples 0 0 x": np.zeros((2, 64), np.float32)})
