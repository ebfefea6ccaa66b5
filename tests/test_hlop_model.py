"""The classifier that learns one task after another."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra learn)")

import spikemem as sm  # noqa: E402
from spikemem.networks.hlop import (  # noqa: E402
    CubaNeuron,
    DSRNeuron,
    LIFNeuron,
    Ranks,
    SubspaceRule,
)
from spikemem.networks.hlop.strategies import Batch  # noqa: E402

SIZE, CLASSES = 40, 4
RULE = SubspaceRule(learning_rate=0.02)
RANKS = Ranks(first=(8, 16, 10), further=((8, 12, 8),))


def task(seed, n=500, coded=False):
    """Noisy samples of a few prototypes in a subspace of the task, all with the same mean."""
    rng = np.random.default_rng([7, seed])
    basis = np.linalg.qr(rng.normal(size=(SIZE, 6)))[0].T
    prototypes = 2 * rng.normal(size=(CLASSES, 6))
    y = rng.integers(0, CLASSES, n)
    x = 0.5 + (prototypes[y] + 0.5 * rng.normal(size=(n, 6))) @ basis
    x += 0.05 * rng.normal(size=(n, SIZE))
    return (np.clip(0.2 + 0.2 * x, 0, 1) if coded else x).astype(np.float32), y


def model(method="hlop", **settings):
    kw = {"ranks": RANKS, "rule": RULE, "batch": 20, "epochs": 5, "learning_rate": 0.3, "seed": 1}
    kw |= settings
    return sm.HLOPClassifier((SIZE, 60, 50, CLASSES), method=method, **kw)


TASKS = [task(k) for k in range(3)]
TESTS = [(x[:100], y[:100]) for x, y in TASKS]


def learnt(made, tasks=TASKS, tests=TESTS, **how):
    for k, (x, y) in enumerate(tasks):
        made.learn_task(x[100:], y[100:], test=tests, task=k, **how)
    return made


def state(made):
    return {name: item.values.tobytes() for name, item in made.arrays().items()}


@pytest.mark.parametrize("trainer", ["dsr", "bptt", "ottt"])
def test_projection_keeps_what_plain_training_forgets(trainer):
    neuron = None if trainer == "dsr" else LIFNeuron()
    matrices = {
        method: learnt(model(method, trainer=trainer, neuron=neuron)).matrix_
        for method in ("hlop", "svd", "naive")
    }
    for matrix in matrices.values():
        assert matrix.learning_accuracy > 0.9
        assert abs(matrix.fwt) < 0.3  # the baseline and the upper triangle are measured
    assert matrices["naive"].bwt < -0.1
    assert matrices["hlop"].bwt > -0.05
    assert matrices["svd"].bwt > -0.05


def test_weights_change_only_off_the_span_of_old_activity():
    made = model(dtype="float64").learn_task(*TASKS[0])
    before = made.weights_
    rows = [made.kept_[f"subspace {k} rows"] for k in range(3)]
    made.learn_task(*TASKS[1])
    for old, new, frozen in zip(before, made.weights_, rows, strict=True):
        assert np.abs(new - old).max() > 1e-3
        assert np.abs((new - old) @ frozen.T).max() < 1e-12
    assert made.kept_["subspace 1 blocks"].tolist() == [16, 12]
    assert np.array_equal(made.kept_["subspace 0 rows"][:8], rows[0])


def test_a_step_of_hlop_is_the_projected_gradient_of_the_trainer():
    """One mini-batch of the second task, from its plain gradient and the rows of the first."""
    made = model(dtype="float64", epochs=1).learn_task(*TASKS[0])
    x, y = TASKS[1][0][:20], TASKS[1][1][:20]
    plain = made._learner().step(Batch(x, y, np.zeros(20, int))).gradients
    before, rows = made.weights_, [made.kept_[f"subspace {k} rows"] for k in range(3)]
    made.learn_task(x, y)
    for old, new, gradient, frozen in zip(before, made.weights_, plain, rows, strict=True):
        wanted = -0.3 * gradient.numpy() @ (np.eye(old.shape[1]) - frozen.T @ frozen)
        assert np.abs(new - old - wanted).max() < 1e-10


@pytest.mark.parametrize("method", ["hlop", "svd", "naive"])
@pytest.mark.parametrize("trainer", ["dsr", "cuba"])
def test_resumed_in_the_middle_is_the_same(method, trainer, tmp_path):
    coded = trainer == "cuba"
    tasks = [task(k, coded=coded) for k in range(3)]
    tests = [(x[:100], y[:100]) for x, y in tasks]
    kw = {"trainer": "bptt", "neuron": CubaNeuron(steps=6)} if coded else {"momentum": 0.5}
    whole = learnt(model(method, **kw), tasks, tests)
    path = tmp_path / "checkpoint.h5"
    first = model(method, **kw).resume(path)  # no file yet
    assert first.n_learnt == 0
    learnt(first, tasks[:2], tests, checkpoint=path)
    second = model(method, **kw).resume(path)
    assert second.n_learnt == 2
    second.learn_task(tasks[2][0][100:], tasks[2][1][100:], test=tests)
    assert state(second) == state(whole)
    assert np.array_equal(second.R_, whole.R_)
    assert second.predict(tasks[0][0]).tolist() == whole.predict(tasks[0][0]).tolist()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_last_task(error):
    made = model().learn_task(*TASKS[0], test=TESTS)
    before = state(made)

    def stop(fraction):
        if fraction > 0.4:
            raise error

    with pytest.raises(error):
        made.learn_task(*TASKS[1], test=TESTS, progress=stop)
    assert state(made) == before
    other = model().learn_task(*TASKS[0], test=TESTS)
    assert state(made.learn_task(*TASKS[1], test=TESTS)) == state(
        other.learn_task(*TASKS[1], test=TESTS)
    )


def test_it_depends_on_the_seed_alone():
    def after(**settings):
        return state(model(epochs=1, **settings).learn_task(*TASKS[0]))

    torch.manual_seed(1)
    first = after()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert after() == first
    assert torch.equal(torch.get_rng_state(), before)
    assert after(seed=2) != first
    one, two = (model(epochs=1).learn_task(*TASKS[0], n_threads=n) for n in (1, 2))
    assert abs(one.score(*TESTS[0]) - two.score(*TESTS[0])) < 0.05


def test_each_task_may_have_outputs_of_its_own():
    made = model(heads="task", epochs=2)
    for k, (x, y) in enumerate(TASKS):
        made.learn_task(x[100:], y[100:], test=TESTS[: k + 1])
    assert made.n_heads == 3
    assert made.weights_[-1].shape == (3 * CLASSES, 50)
    assert made.matrix_.acc > 0.85
    assert np.isnan(made.R_[0, 1])
    assert made.score(*TESTS[1], task=1) == made.R_[2, 1]
    assert "subspace 2 rows" not in made.kept_
    head = made.weights_[-1][:CLASSES]
    made.learn_task(*TASKS[1], task=1, test=TESTS)  # it comes back
    assert np.array_equal(made.weights_[-1][:CLASSES], head)
    assert made.matrix_.order.tolist() == [0, 1, 2, 1]
    with pytest.raises(
        sm.DescriptionError, match=r"pass task=, the number of the task, from 0 to 2"
    ):
        made.predict(TASKS[0][0])
    with pytest.raises(sm.DescriptionError, match=r"task must be from 0 to 2, got 3"):
        made.predict(TASKS[0][0], task=3)


@pytest.mark.parametrize("code", ["bernoulli", "regular"])
def test_samples_may_come_as_spikes(code):
    neuron = CubaNeuron(steps=10, code=code)
    tasks = [task(k, coded=True) for k in range(2)]
    tests = [(x[:100], y[:100]) for x, y in tasks]
    made = learnt(model(trainer="bptt", neuron=neuron), tasks, tests)
    assert made.matrix_.learning_accuracy > 0.85
    x = tasks[0][0]
    # The spikes of a sample do not depend on the samples beside it.
    parts = made.decision_function(x)[5:9], made.decision_function(x[5:9])
    assert np.allclose(*parts, atol=1e-5)
    with pytest.raises(
        sm.DescriptionError, match=r"must be from 0 to 1, the probability of a spike"
    ):
        made.predict(x - 1)


@pytest.mark.parametrize("code", ["bernoulli", "regular"])
def test_the_code_has_the_rate_of_the_sample(code):
    from spikemem.networks.hlop.cuba import code_levels, encode

    neuron = CubaNeuron(steps=4000, code=code)
    x = np.array([[0.0, 0.1, 0.5, 0.9, 1.0]])
    levels = code_levels(neuron, 5, 0)
    spikes = encode(x, levels, neuron)
    assert spikes.shape == (4000, 1, 5)
    # Five standard deviations of the mean: less than one false alarm in a million.
    bound = 5 * np.sqrt(x * (1 - x) / 4000) + (1 / 4000 if code == "regular" else 0)
    assert (np.abs(spikes.mean(0) - x) <= bound).all()
    same = encode(torch.tensor(x), torch.tensor(levels), neuron)
    assert np.array_equal(same.numpy(), spikes)


@pytest.mark.parametrize("feedback", ["sign", "alignment"])
@pytest.mark.parametrize("trainer", ["dsr", "bptt", "ottt"])
def test_other_ways_for_the_errors_learn_too(feedback, trainer):
    made = learnt(model(feedback=feedback, trainer=trainer, epochs=8), TASKS[:2])
    assert made.matrix_.learning_accuracy > 0.8


def test_spiking_lateral_neurons_learn_too():
    rule = SubspaceRule(learning_rate=0.02, lateral="spiking", scale=20.0, levels=200)
    spiking, linear = (learnt(model(rule=r)).matrix_ for r in (rule, RULE))
    assert spiking.bwt > -0.1  # plain training: below -0.3
    assert abs(spiking.acc - linear.acc) < 0.1


def test_files_copies_and_bytes(tmp_path):
    made = learnt(model(options={"exact": False}, neuron=DSRNeuron(steps=10)), TASKS[:2])
    path = made.save(tmp_path / "model.h5")
    for other in (sm.load(path), copy.copy(made), copy.deepcopy(made)):
        assert state(other) == state(made)
        assert other.arguments() == made.arguments()
        assert str(other) == str(made)
    assert made.memory_bytes() == {
        "weights": 4 * (SIZE * 60 + 60 * 50 + 50 * CLASSES),
        "method": 4 * (16 * SIZE + 28 * 60 + 18 * 50) + 8 * 3 * 2,
    }
    assert made.facts()["accuracy"]["R"] == made.R_.tolist()


def test_wrong_input_is_refused(tmp_path):
    made = model()
    x, y = TASKS[0]
    with pytest.raises(sm.DescriptionError, match=r"labels must be from 0 to 3, .* got 4"):
        made.learn_task(x, np.full(500, 4))
    with pytest.raises(sm.DescriptionError, match="y must be from 0 to"):
        made.learn_task(x, np.full(500, -1))
    with pytest.raises(sm.DescriptionError, match="samples must have 40 values"):
        made.learn_task(x[:, 1:], y)
    with pytest.raises(sm.DescriptionError, match="500 samples and 499 labels"):
        made.learn_task(x, y[1:])
    with pytest.raises(sm.DescriptionError, match="at least one sample"):
        made.learn_task(x[:0], y[:0])
    with pytest.raises(sm.DescriptionError, match="must be finite"):
        made.learn_task(x * np.nan, y)
    made.learn_task(x, y, test=TESTS[:1])
    with pytest.raises(sm.DescriptionError, match="test is required"):
        made.learn_task(x, y)
    with pytest.raises(sm.DescriptionError, match="at least 2 pairs"):
        made.learn_task(x, y, test=TESTS[:1])
    with pytest.raises(sm.DescriptionError, match=r"test\[1\]: samples must have 40 values"):
        made.learn_task(x, y, test=[TESTS[0], (x[:, 1:], y)])
    with pytest.raises(sm.DescriptionError, match="more than the 40 dimensions"):
        model(ranks=Ranks(first=(41, 1, 1), further=((1, 1, 1),)))
    with pytest.raises(sm.DescriptionError, match="must have 3 numbers for each task"):
        model(ranks=Ranks(first=(4,), further=((1,),)))
    with pytest.raises(sm.DescriptionError, match=r"'dsr' needs the neuron DSRNeuron"):
        model(neuron=LIFNeuron())
    with pytest.raises(sm.DescriptionError, match="exakt"):
        model(options={"exakt": True})
    greedy = model(ranks=Ranks(first=(30, 1, 1), further=((30, 1, 1),))).learn_task(x, y)
    with pytest.raises(sm.DescriptionError, match=r"60 rows .* are more than the 40 dimensions"):
        greedy.learn_task(x, y)
    assert greedy.n_learnt == 1
    with pytest.raises(sm.SimulationError, match="smaller learning_rate"):
        model("naive", learning_rate=1e38, trainer="bptt").learn_task(1e5 * x, y)


def test_checkpoints_of_other_networks_are_refused(tmp_path):
    path = tmp_path / "checkpoint.h5"
    model().learn_task(*TASKS[0], checkpoint=path)
    with pytest.raises(sm.StorageError, match=r"another network: seed 1 instead of 2"):
        model(seed=2).resume(path)
    with pytest.raises(sm.StorageError, match=r"another network: method 'hlop' instead of 'svd'"):
        model("svd").resume(path)
    other = sm.HLOPClassifier((SIZE, 60, CLASSES))
    with pytest.raises(sm.StorageError, match="another network: layers"):
        other.resume(path)
    sm.CA3Memory(4, 8).save(path)
    with pytest.raises(sm.StorageError, match="holds a CA3Memory"):
        model().resume(path)
