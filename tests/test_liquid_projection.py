"""The contrastive projection: its loss against NumPy, its learning, retrieval and files."""

from __future__ import annotations

import copy
import pickle
import sys

import h5py
import numpy as np
import pytest
from nonsense import refusal
from scipy.special import log_softmax, softmax

import spikemem as sm
from spikemem.errors import BackendMissing, SimulationError, StorageError
from spikemem.networks.liquid import ContrastiveProjection

torch = pytest.importorskip("torch", reason="needs the extra learn")

from spikemem.networks.liquid.contrastive import TrainingOptions, _loss  # noqa: E402


def pairs(seed: int, n: int = 120, classes: int = 4, noise: float = 0.4):
    """Two modalities of different sizes that share nothing but the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    ways = np.random.default_rng(99)
    a = ways.normal(size=(classes, 12))[labels] + noise * rng.normal(size=(n, 12))
    b = 50.0 + 9.0 * (ways.normal(size=(classes, 7))[labels] + noise * rng.normal(size=(n, 7)))
    return a, b, labels


def small(**options):
    return ContrastiveProjection(dim=8, epochs=40, batch=30, learning_rate=3e-3, **options)


def how(loss="infonce", temperature=0.3):
    return TrainingOptions(temperature, 1, 2, 1e-3, loss, True)


@pytest.mark.parametrize("labelled", [True, False])
def test_the_loss_is_symmetric_info_nce(labelled):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    labels = np.array([0, 0, 1, 2, 2, 2]) if labelled else np.arange(6)
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (a, b)]
    s = unit[0] @ unit[1].T / 0.3
    wanted = 0.0
    for i in range(6):
        mates = np.flatnonzero(labels == labels[i])
        there = np.mean([log_softmax(s[i])[j] for j in mates])
        back = np.mean([log_softmax(s[:, i])[j] for j in mates])
        wanted -= (there + back) / 12
    got = _loss(torch, torch.tensor(a), torch.tensor(b), torch.tensor(labels), how())
    assert float(got) == pytest.approx(wanted, rel=1e-10)


def test_the_soft_loss_has_targets_of_both_modalities():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    targets = softmax((a @ a.T + b @ b.T) / 2 * 0.7, axis=1)
    logits = a @ b.T / 0.7
    rows = -(targets * log_softmax(logits, axis=1)).sum(axis=1)
    columns = -(targets.T * log_softmax(logits.T, axis=1)).sum(axis=1)
    got = _loss(torch, *map(torch.tensor, (a, b, np.arange(4))), how("soft", 0.7))
    assert float(got) == pytest.approx((rows + columns).mean() / 2, rel=1e-10)


def test_the_projection_is_what_torch_computes():
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    head = made.arrays()
    x = torch.tensor(a) @ torch.tensor(head["weights_a"].values, dtype=torch.float64)
    wanted = torch.nn.functional.gelu(x + torch.tensor(head["bias_a"].values))
    wanted = torch.nn.functional.normalize(wanted, dim=1).numpy()
    assert np.allclose(made.transform(a), wanted, atol=1e-6)
    assert np.allclose(np.linalg.norm(made.transform(b, "b"), axis=1), 1.0, atol=1e-6)


def test_both_ways_are_retrieved_after_training_alone():
    a, b, labels = pairs(0)
    tests = pairs(1, n=80)
    made = small().fit(a, b, labels)
    found = made.retrieval_accuracy(*tests)
    assert found.chance == pytest.approx(0.25)
    # 80 queries at chance: above 0.6 in less than one case of 10^9.
    assert min(found.a_to_b, found.b_to_a) > 0.9
    assert made.history[-1] < made.history[0]
    still = ContrastiveProjection(dim=8, epochs=1, learning_rate=1e-12).fit(a, b, labels)
    assert np.mean(still.retrieval_accuracy(*tests)[:2]) < 0.6


def test_retrieval_lists_the_nearest_first():
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    similar = made.transform(b[:9], "b") @ made.transform(a, "a").T
    got = made.retrieve(b[:9], a, modality="b", n=5)
    assert np.array_equal(got, np.argsort(-similar, axis=1, kind="stable")[:, :5])
    assert np.array_equal(made.retrieve(b[:9], a, modality="b")[:, 0], similar.argmax(axis=1))


def test_accuracy_counts_labels_of_pools_of_any_size():
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    found = made.retrieval_accuracy(a[:10], b[:25], labels[:10], labels[:25])
    nearest = made.retrieve(a[:10], b[:25])[:, 0]
    back = made.retrieve(b[:25], a[:10], modality="b")[:, 0]
    assert found.a_to_b == np.mean(labels[nearest] == labels[:10])
    assert found.b_to_a == np.mean(labels[back] == labels[:25])
    assert found.chance == np.mean(labels[:10, None] == labels[None, :25])


def test_words_and_numbers_are_the_same_labels_and_pairs_are_labels_of_their_own():
    a, b, labels = pairs(0)
    words = np.array(["d", "a", "c", "b"])[labels]
    made, named = small().fit(a, b, labels), small().fit(a, b, words)
    assert np.array_equal(made.history, named.history)
    alone, each = small().fit(a, b), small().fit(a, b, np.arange(len(a)))
    assert np.array_equal(alone.history, each.history)
    assert not np.array_equal(made.history, alone.history)


def test_the_seed_decides_and_threads_do_not():
    a, b, labels = pairs(0)
    before, state = torch.get_num_threads(), torch.random.get_rng_state()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(small(seed=3).fit(a, b, labels))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(torch.random.get_rng_state(), state)
    first, second = (made.arrays() for made in results)
    assert all(np.array_equal(first[name].values, second[name].values) for name in first)
    other = small(seed=4).fit(a, b, labels)
    assert not np.array_equal(other.history, results[0].history)


def test_attributes_can_be_the_points_of_the_space():
    a, _, labels = pairs(0)
    corners = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]], dtype=float)
    made = ContrastiveProjection(dim=4, epochs=60, batch=30, project_b=False, seed=0)
    made.fit(a, corners[labels], labels)
    tests, _, names = pairs(1, n=40)
    assert np.allclose(made.transform(corners, "b") * np.sqrt(2), corners)
    assert np.mean(made.retrieve(tests, corners)[:, 0] == names) > 0.9


@pytest.mark.parametrize("trained", [True, False])
def test_files_and_copies_keep_everything(tmp_path, trained):
    a, b, labels = pairs(0)
    made = small(seed=5, temperature=0.2)
    if trained:
        made.fit(a, b, labels)
    path = made.save(tmp_path / "heads.h5")
    for other in (sm.load(path), ContrastiveProjection.load(path), copy.copy(made),
                  copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # fmt: skip
        assert other.arguments() == made.arguments()
        for name, stored in made.arrays().items():
            assert np.array_equal(other.arrays()[name].values, stored.values)
        if trained:
            assert np.array_equal(other.transform(a), made.transform(a))
    assert sm.networks.ca3.CA3Memory(2, 2).save(tmp_path / "other.h5")
    with pytest.raises(StorageError):
        ContrastiveProjection.load(tmp_path / "other.h5")


def test_without_torch_the_message_has_the_command(monkeypatch):
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendMissing, match=r"learn"):
        small().fit(a, b, labels)
    assert made.retrieve(a, b).shape == (120, 1)


def test_a_failed_fit_leaves_the_projection_as_it_was():
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    before = made.transform(a)
    made.learning_rate, made.temperature = 1e30, 1e-30
    with pytest.raises(SimulationError, match="learning_rate"):
        made.fit(a, b, labels)
    assert np.array_equal(made.transform(a), before)


def test_bad_input_is_refused():
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    assert "pairs" in refusal(made.fit, a, b[:-1])
    assert "one entry for each of the" in refusal(made.fit, a, b, labels[:-1])
    assert "at least two" in refusal(made.fit, a[:1], b[:1])
    assert "Call fit" in refusal(small().transform, a)
    assert "12 features" in refusal(made.transform, b)
    assert "7 features" in refusal(made.retrieve, a, a)
    assert "n=121" in refusal(made.retrieve, a, b, n=121)
    assert "one label" in refusal(made.retrieval_accuracy, a, b, labels[:-1])
    assert "dim=8" in refusal(small(project_b=False).fit, a, b)
    assert "modality" in refusal(made.transform, a, "c")
    assert "temperature" in refusal(ContrastiveProjection, temperature=0.0)
    assert "batch" in refusal(ContrastiveProjection, batch=1)
    assert "finite" in refusal(made.transform, a * np.inf)


def test_a_file_whose_parts_do_not_fit_is_refused():
    a, b, labels = pairs(0)
    made = small().fit(a, b, labels)
    good = {name: stored.values for name, stored in made.arrays().items()}
    for name, values in (
        ("bias_a", good["bias_a"][:3]), ("weights_b", good["weights_b"][:0]),
        ("weights_a", good["weights_a"] * np.nan), ("history", np.empty(0)),
        ("history", np.zeros((2, 2))), ("bias_b", good["bias_b"].astype(int)),
    ):  # fmt: skip
        with pytest.raises(StorageError, match=r"does not fit"):
            ContrastiveProjection.restored(made.arguments(), group(good | {name: values}))
    again = ContrastiveProjection.restored(made.arguments(), group(good))
    assert np.array_equal(again.transform(b, "b"), made.transform(b, "b"))


def group(arrays):
    """An HDF5 group with arrays, in memory."""
    file = h5py.File("any.h5", "w", driver="core", backing_store=False)
    for name, values in arrays.items():
        file[name] = values
    return file
