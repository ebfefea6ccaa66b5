"""Convolutional spiking networks: shapes, exact gradients, and projection of patches."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spikemem.data import read_images  # noqa: E402
from spikemem.errors import DescriptionError, SimulationError, UnsupportedError  # noqa: E402
from spikemem.networks.hlop import DSRNeuron, LIFNeuron, Ranks, SubspaceRule  # noqa: E402
from spikemem.networks.hlop.convolution import Convolution, patches  # noqa: E402
from spikemem.networks.hlop.convolutional import SpikingCNN, SpikingResNet18  # noqa: E402
from spikemem.networks.hlop.convolutional_model import ConvolutionalClassifier  # noqa: E402
from spikemem.networks.hlop.spike_functions import neurons  # noqa: E402

SHORT = DSRNeuron(steps=5)


def small(n_heads=5, neuron=None, **options):
    kind = DSRNeuron(steps=10) if neuron is None else neuron
    return SpikingCNN((1, 8, 8), 2, n_heads, channels=(8, 16), neuron=kind, seed=1, **options)


def digits():
    """Five tasks of two digits each: (train, test)."""
    images = read_images("digits")
    x = (images.images[:, None] / images.images.max()).astype(np.float32)
    y = np.asarray(images.labels)
    for k in range(5):
        mine = (y == 2 * k) | (y == 2 * k + 1)
        n = int(0.8 * mine.sum())
        parts = x[mine], y[mine] - 2 * k
        yield tuple(part[:n] for part in parts), tuple(part[n:] for part in parts)


def test_published_small_network():
    net = SpikingCNN((3, 32, 32), 10, 10, neuron=DSRNeuron(steps=1))
    shapes = [tuple(p.weight.shape) for p in net.projected_layers().values()]
    assert shapes == [(64, 3, 3, 3), (128, 64, 3, 3), (256, 128, 3, 3)]
    assert [tuple(head.weight.shape) for head in net.heads] == [(10, 4096)] * 10
    assert net.ranks == Ranks(first=(6, 100, 200), further=((2, 20, 40),))
    assert net(torch.zeros(2, 3, 32, 32), 7).shape == (2, 10)


def test_published_residual_network():
    net = SpikingResNet18((3, 32, 32), 10, 5)
    # 6; [40, 40] x 2; [40, 100, 6]; [100, 100]; [100, 200, 8]; [200, 200]; [200, 200, 16]; ...
    rows = (6, 40, 40, 40, 40, 40, 100, 6, 100, 100, 100, 200, 8, 200, 200, 200, 200, 16, 200, 200)
    assert net.ranks.first == rows
    assert net.ranks.of_task(1) == rows
    shapes = [tuple(p.weight.shape) for p in net.projected_layers().values()]
    assert shapes[0] == (20, 3, 3, 3)
    assert shapes[5:8] == [(40, 20, 3, 3), (40, 40, 3, 3), (40, 20, 1, 1)]
    assert shapes[15:] == [(160, 80, 3, 3), (160, 160, 3, 3), (160, 80, 1, 1),
                           (160, 160, 3, 3), (160, 160, 3, 3)]  # fmt: skip
    assert SpikingResNet18((3, 32, 32), 10, 1).ranks.first == (*rows, 10)
    large = SpikingResNet18((3, 84, 84), 5, 20, large=True).ranks
    assert (large.first[0], large.first[15:18]) == (24, (360, 720, 40))
    assert (large.of_task(5)[0], large.of_task(5)[-1]) == (2, 48)
    assert (large.of_task(6)[0], large.of_task(6)[1], large.of_task(6)[-1]) == (0, 2, 16)


@pytest.mark.parametrize("kind", [SHORT, LIFNeuron(steps=3), LIFNeuron(steps=3, reset="hard")])
@pytest.mark.parametrize("large", [False, True])
def test_one_step_of_a_residual_network(kind, large):
    net = SpikingResNet18((3, 16, 16), 3, width=4, large=large, neuron=kind)
    model = ConvolutionalClassifier(net, batch=4)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3, 16, 16)), np.arange(8) % 3
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    model.learn_task(x, y)
    changed = [n for n, p in net.named_parameters() if not torch.equal(p, before[n])]
    assert {n for n in before if "conv" in n or n.startswith("stem")} <= set(changed)
    vectors = {n: p.detach().clone() for n, p in net.named_parameters() if p.ndim == 1}
    running = [b.clone() for b in net.buffers()]
    model.learn_task(x + 1, y)
    after = dict(net.named_parameters())
    assert all(torch.equal(after[n], vector) for n, vector in vectors.items())
    assert all(torch.equal(a, b) for a, b in zip(running, net.buffers(), strict=True))
    assert model.predict(x).shape == (8,)


def plain_rate_gradient(current, weights, kind):
    """Gradient of sum(weights * spikes) by the current, from the definition."""
    steps = kind.steps
    share = np.exp(-np.arange(steps - 1, -1, -1) * kind.dt / kind.tau)
    share /= share.sum()
    mean = np.tensordot(share, current, 1)
    inside = (mean > 0) & (mean < kind.v_thresh / kind.dt * kind.tau)
    return np.repeat((np.tensordot(share, weights, 1) * inside / kind.tau)[None], steps, 0)


def plain_surrogate_gradient(current, weights, kind):
    """The same for backpropagation through time, by plain autograd with a detached reset."""
    now = torch.tensor(current, requires_grad=True)
    v, total = torch.zeros(current.shape[1:], dtype=torch.float64), 0.0
    for t in range(kind.steps):
        v = (1 - 1 / kind.tau) * v + now[t]
        soft = torch.sigmoid(kind.slope * (v - kind.v_thresh))
        spike = (v >= kind.v_thresh).double()
        total = total + (torch.tensor(weights[t]) * (spike + soft - soft.detach())).sum()
        v = v * (1 - spike) if kind.reset == "hard" else v - kind.v_thresh * spike
    total.backward()
    return now.grad.numpy()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (DSRNeuron(steps=7), plain_rate_gradient),
        (LIFNeuron(steps=7), plain_surrogate_gradient),
        (LIFNeuron(steps=7, reset="hard", tau=3.0), plain_surrogate_gradient),
    ],
)
def test_gradients_of_neurons(kind, expected):
    rng = np.random.default_rng(2)
    current, weights = rng.normal(0.5, 1.5, (7, 40)), rng.normal(size=(7, 40))
    rows = torch.tensor(current.reshape(-1, 1), requires_grad=True)
    spikes = neurons(kind)(rows)
    (spikes * torch.tensor(weights.reshape(-1, 1))).sum().backward()
    found = rows.grad.numpy().reshape(7, 40)
    np.testing.assert_allclose(found, expected(current, weights, kind), rtol=1e-6, atol=1e-9)
    assert 0 < spikes.count_nonzero() < spikes.numel()


def test_learning_from_mean_activity_is_exact():
    net = SpikingCNN((1, 8, 8), 3, channels=(4, 6), neuron=SHORT).double()
    x = torch.tensor(np.random.default_rng(0).normal(size=(6, 1, 8, 8)))
    labels = torch.arange(6) % 3
    net(x)  # Normalisation has seen something.
    net.freeze_norms()
    net.train()
    found = {}
    for steady in (True, False):
        for part in net.modules():
            if isinstance(part, Convolution):
                part.steady = steady
        net.zero_grad()
        torch.nn.functional.cross_entropy(net(x), labels).backward()
        found[steady] = {n: p.grad.clone() for n, p in net.named_parameters() if p.ndim > 1}
    for name, gradient in found[False].items():
        torch.testing.assert_close(found[True][name], gradient, rtol=1e-10, atol=1e-14)
        assert gradient.abs().max() > 0


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 2), (1, 2)])
def test_patches_are_what_a_convolution_sees(size, stride):
    layer = Convolution(3, 4, size, steps=1, stride=stride)
    maps = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    rows = patches(maps, size, stride)
    out = layer(maps)
    expected = out.permute(0, 2, 3, 1).reshape(-1, 4)
    torch.testing.assert_close(rows @ layer.weight.flatten(1).T, expected, rtol=1e-4, atol=1e-5)


def test_changes_are_orthogonal_to_the_subspaces():
    model = ConvolutionalClassifier(small(), batch=16)
    tasks = list(digits())
    model.learn_task(*tasks[0][0])
    layers = model.network.projected_layers()
    before = {name: layer.weight.detach().clone() for name, layer in layers.items()}
    rows = {name: part.rows.copy() for name, part in model.subspaces.items()}
    model.learn_task(*tasks[1][0])
    assert list(rows) == list(layers)
    for name, layer in layers.items():
        change = (layer.weight.detach() - before[name]).flatten(1).numpy()
        inside = np.linalg.norm(change @ rows[name].T)
        assert inside < 1e-4 * np.linalg.norm(change)
        own = model.subspaces[name].rows
        np.testing.assert_allclose(own @ own.T, np.eye(len(own)), atol=1e-4)
        np.testing.assert_array_equal(own[: len(rows[name])], rows[name])


def test_learning_from_a_covariance_is_learning_from_the_rows():
    from spikemem.networks.hlop import Subspace

    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(9, 6)) * [4, 3, 2, 1, 1, 1])
    found = []
    for way in ("rows", "covariance"):
        subspace = Subspace(6, dtype="float64", seed=0).grow(2)
        subspace.update(x)
        subspace.freeze().grow(2)
        for _ in range(20):
            if way == "rows":
                subspace.learn(x, subspace.residual(x))
            else:
                subspace.learn_covariance(x.T @ x / len(x))
        found.append(subspace.rows)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-10, atol=1e-12)


def test_rows_never_exceed_the_dimensions():
    ranks = Ranks(first=(5, 3), further=((5, 3),))
    model = ConvolutionalClassifier(small(), ranks=ranks, batch=64)
    for train, _ in list(digits())[:3]:
        model.learn_task(*train)
    first, second = model.subspaces.values()
    assert (first.n_frozen, second.n_frozen) == (9, 9)  # The first layer has 9 dimensions.
    assert first.blocks == (5, 4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [DSRNeuron(steps=10), LIFNeuron(steps=4)])
def test_projection_keeps_digits(kind):
    tasks = list(digits())
    tests = [test for _, test in tasks]
    matrices = {}
    for method in ("naive", "hlop"):
        net = SpikingCNN((1, 8, 8), 2, 5, channels=(16, 32, 64), neuron=kind, seed=1)
        model = ConvolutionalClassifier(net, method=method, learning_rate=0.02, batch=32, epochs=10)
        for train, _ in tasks:
            model.learn_task(*train, test=tests)
        matrices[method] = model.matrix_
    assert matrices["hlop"].bwt > matrices["naive"].bwt + 0.08
    assert matrices["hlop"].acc > matrices["naive"].acc + 0.05


def test_bytes_and_seeds():
    def learnt(seed):
        model = ConvolutionalClassifier(small(), seed=seed, batch=64)
        return model.learn_task(*next(digits())[0])

    one, same, other = learnt(3), learnt(3), learnt(4)
    x = next(digits())[1][0]
    np.testing.assert_array_equal(one.decision_function(x, 0), same.decision_function(x, 0))
    assert not np.array_equal(one.decision_function(x, 0), other.decision_function(x, 0))
    convolutions, heads = 8 * 9 + 16 * 8 * 9, 5 * 2 * 16 * 2 * 2
    norms = 4 * (8 + 16) * 4 + 2 * 8
    assert one.memory_bytes()["weights"] == 4 * (convolutions + heads) + norms
    rows = sum(part.n_frozen * part.size for part in one.subspaces.values())
    assert one.memory_bytes()["method"] == 4 * rows + 2 * 8
    naive = ConvolutionalClassifier(small(), method="naive")
    assert naive.memory_bytes()["method"] == 0


def test_the_state_of_torch_stays():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ConvolutionalClassifier(small(), batch=64).learn_task(*next(digits())[0])
    assert torch.equal(torch.rand(3), expected)


def test_what_is_interrupted_leaves_everything_as_it_was():
    model = ConvolutionalClassifier(small(), batch=64)
    train, _ = next(digits())

    def stop(fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    before = {name: t.clone() for name, t in model.network.state_dict().items()}
    with pytest.raises(KeyboardInterrupt):
        model.learn_task(*train, progress=stop)
    assert all(torch.equal(t, before[n]) for n, t in model.network.state_dict().items())
    assert model.n_learnt == 0
    assert all(part.n_new == part.n_frozen == 0 for part in model.subspaces.values())
    fresh = ConvolutionalClassifier(small(), batch=64).learn_task(*train)
    model.learn_task(*train)
    x = train[0]
    np.testing.assert_array_equal(model.decision_function(x, 0), fresh.decision_function(x, 0))


def test_weights_that_are_not_finite_are_an_error():
    net = small()
    model = ConvolutionalClassifier(net, learning_rate=1e6, batch=64)
    train, _ = next(digits())
    with torch.no_grad():
        net.heads[0].weight.fill_(1e37)
    with pytest.raises(SimulationError, match="learning_rate"):
        model.learn_task(*train)
    assert float(net.heads[0].weight.detach().min()) > 9e36


def test_bad_images_and_settings_are_refused():
    model = ConvolutionalClassifier(small())
    x, y = next(digits())[0]
    with pytest.raises(DescriptionError, match="x must have shape"):
        model.learn_task(x[:, :, :7], y)
    with pytest.raises(DescriptionError, match="from 0 to 1"):
        model.learn_task(x, y + 1)
    with pytest.raises(DescriptionError, match="one of the heads"):
        model.learn_task(x, y, task=5)
    with pytest.raises(DescriptionError, match="pass task="):
        model.predict(x)
    with pytest.raises(DescriptionError, match="at least 8"):
        SpikingCNN((3, 7, 32))
    with pytest.raises(DescriptionError, match="ranks must be for 2 layers"):
        ConvolutionalClassifier(small(), ranks=Ranks(first=(1,), further=((1,),)))
    with pytest.raises(DescriptionError, match="more than the 9 dimensions"):
        ConvolutionalClassifier(small(), ranks=Ranks(first=(10, 1), further=((1, 1),)))
    with pytest.raises(UnsupportedError, match="linear"):
        ConvolutionalClassifier(small(), rule=SubspaceRule(lateral="spiking"))
