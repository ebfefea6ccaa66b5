"""Subspaces on the layers of any PyTorch module."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra learn)")

import spikemem as sm  # noqa: E402
from spikemem.networks.hlop import LIFNeuron, Ranks, SubspaceRule, attach  # noqa: E402

nn = torch.nn
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
RULE = SubspaceRule(learning_rate=0.05)


class SpikingNet(nn.Module):
    """Two linear layers of spiking neurons that are called once for each time step."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(10, 12, bias=False, dtype=torch.float64)
        self.last = nn.Linear(12, 3, bias=False, dtype=torch.float64)

    def forward(self, x):
        from spikemem.networks.hlop.trainers.bptt import FusedLIF

        current = torch.stack([self.first(step) for step in x])
        spikes = FusedLIF.apply(current, LIFNeuron(steps=len(x)))
        return torch.stack([self.last(step) for step in spikes]).mean(0)


class ConvNet(nn.Module):
    """A convolution with stride and padding, and one with padding "same" of an even kernel."""

    def __init__(self):
        super().__init__()
        kw = {"bias": False, "dtype": torch.float64}
        self.a = nn.Conv2d(2, 3, 3, stride=2, padding=1, **kw)
        self.b = nn.Conv2d(3, 4, (2, 3), padding="same", **kw)
        self.c = nn.Linear(4 * 16, 3, **kw)

    def forward(self, x):
        x = torch.tanh(self.a(x))
        return self.c(torch.tanh(self.b(x)).flatten(1))


CASES = {
    "spiking": (SpikingNet, (4, 20, 10), (4, 3)),
    "conv": (ConvNet, (20, 2, 8, 8), (5, 4, 6)),
}


def learnt(case, mode, rng, n_batches=30, rule=RULE):
    kind, shape, rows = CASES[case]
    torch.manual_seed(0)
    net = kind()
    projections = attach(net, ranks=Ranks(first=rows, further=(rows,)), rule=rule, mode=mode)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    projections.start_task()
    for _ in range(n_batches):
        train(net, projections, optimiser, torch.tensor(2 * rng.normal(size=shape)))
    projections.end_task()
    return net, projections, optimiser, shape


def train(net, projections, optimiser, x):
    optimiser.zero_grad()
    output = net(x)
    nn.functional.cross_entropy(output, torch.arange(len(output)) % 3).backward()
    projections.project()
    optimiser.step()


@pytest.mark.parametrize("case", CASES)
def test_both_modes_give_the_same_gradients(case):
    grads = {}
    for mode in ("weight", "input"):
        rng = np.random.default_rng(1)
        net, projections, optimiser, shape = learnt(case, mode, rng)
        projections.start_task()
        train(net, projections, optimiser, torch.tensor(2 * rng.normal(size=shape)))
        grads[mode] = [part.weight.grad.numpy() for part in net.children()]
        grads[mode] += [s.rows for s in projections.subspaces.values()]
    for left, right in zip(*grads.values(), strict=True):
        assert np.abs(left).max() > 0
        assert np.allclose(left, right, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_layers_answer_to_the_old_subspace_as_before(case):
    rng = np.random.default_rng(2)
    net, projections, optimiser, shape = learnt(case, "weight", rng)
    before = [part.weight.detach().clone() for part in net.children()]
    projections.start_task()
    for _ in range(5):
        train(net, projections, optimiser, torch.tensor(2 * rng.normal(size=shape)))
    for old, part, subspace in zip(before, net.children(), projections.subspaces.values(),
                                   strict=True):  # fmt: skip
        change = (part.weight.detach() - old).flatten(1).numpy()
        frozen = subspace.rows[: subspace.n_frozen]
        assert np.abs(change).max() > 1e-5
        assert np.abs(change @ frozen.T).max() < 1e-12


def test_rows_of_a_convolution_are_what_its_weights_see():
    from spikemem.networks.hlop.attaching import presynaptic

    torch.manual_seed(3)
    net = ConvNet()
    x = torch.randn(2, 2, 8, 8, dtype=torch.float64)
    for layer, given in ((net.a, x), (net.b, net.a(x)), (net.b, net.a(x)[0])):
        output = layer(given)
        rows = presynaptic(layer, given) @ layer.weight.flatten(1).T
        flat = output.flatten(-2).transpose(-1, -2).reshape(rows.shape)
        assert torch.allclose(rows, flat, atol=1e-12)


def test_passes_of_one_batch_are_time_steps():
    net = nn.Sequential(nn.Linear(4, 2, bias=False, dtype=torch.float64))
    x = torch.randn(5, 30, 4, dtype=torch.float64)
    rows = {}
    for name, inputs in (("steps", list(x)), ("mean", [x.mean(0)])):
        projections = attach(net, ranks=Ranks(first=(2,), further=((1,),)), rule=RULE, seed=4)
        projections.start_task()
        sum(net(step).sum() for step in inputs).backward()
        projections.project()
        projections.end_task(exact=False)
        projections.detach()
        rows[name] = projections.subspaces["0"].rows
    assert np.allclose(rows["steps"], rows["mean"], atol=1e-14)


def test_state_continues_elsewhere():
    rng = np.random.default_rng(5)
    _, projections, *_ = learnt("spiking", "weight", rng)
    other = attach(SpikingNet(), ranks=projections.ranks, rule=RULE)
    other.restore(projections.arrays())
    assert other.n_tasks == 1
    for name, subspace in projections.subspaces.items():
        assert np.array_equal(other.subspaces[name].rows, subspace.rows)
    with pytest.raises(sm.StorageError, match="arrays belong to other layers"):
        attach(ConvNet(), ranks=Ranks(first=(1, 1, 1), further=((1, 1, 1),))).restore(
            projections.arrays()
        )


def test_what_cannot_be_attached_is_refused():
    ranks = Ranks(first=(2, 2), further=((2, 2),))
    with pytest.raises(sm.DescriptionError, match=r"torch.nn.Module"):
        attach("net", ranks=ranks)
    with pytest.raises(sm.DescriptionError, match="must have a linear or convolutional layer"):
        attach(nn.ReLU(), ranks=ranks)
    with pytest.raises(sm.DescriptionError, match=r"for 2 layers .first, last., got 3"):
        attach(SpikingNet(), ranks=Ranks())
    with pytest.raises(sm.DescriptionError, match="no linear or convolutional layer 'middle'"):
        attach(SpikingNet(), ranks=ranks, layers=["middle"])
    with pytest.raises(sm.DescriptionError, match="13 rows for layer 'last' are more than the 12"):
        attach(SpikingNet(), ranks=Ranks(first=(2, 13), further=((1, 1),)))
    with pytest.raises(sm.UnsupportedError, match="groups=2"):
        attach(nn.Conv2d(2, 2, 3, groups=2), ranks=Ranks(first=(2,), further=((2,),)))
    with pytest.raises(sm.UnsupportedError, match="mode='input'"):
        attach(SpikingNet(), ranks=ranks, rule=SubspaceRule(lateral="spiking"))
    projections = attach(SpikingNet(), ranks=Ranks(first=(2, 2), further=((9, 9),)))
    with pytest.raises(sm.DescriptionError, match="call start_task first"):
        projections.project()
    projections.start_task()
    with pytest.raises(sm.DescriptionError, match="has not ended"):
        projections.start_task()
    projections.end_task()
    with pytest.raises(sm.DescriptionError, match="would have 11 rows in 10 dimensions"):
        projections.start_task()
    assert not projections.is_learning


def test_a_norse_module():
    norse = pytest.importorskip("norse.torch", reason="norse is not installed (extra learn)")
    torch.manual_seed(0)
    net = norse.SequentialState(
        nn.Linear(10, 12, bias=False),
        norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=torch.tensor(500.0))),
        nn.Linear(12, 3, bias=False),
    )
    projections = attach(net, ranks=Ranks(first=(4, 3), further=((2, 2),)), rule=RULE)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    rng = np.random.default_rng(6)
    for task in range(2):
        before = [net[k].weight.detach().clone() for k in (0, 2)]
        projections.start_task()
        for _ in range(10):
            x = torch.tensor(3 * rng.normal(size=(20, 10)), dtype=torch.float32)
            optimiser.zero_grad()
            state, outputs = None, []
            for _ in range(6):
                output, state = net(x, state)
                outputs.append(output)
            loss = nn.functional.cross_entropy(torch.stack(outputs).mean(0), torch.arange(20) % 3)
            loss.backward()
            projections.project()
            optimiser.step()
        subspaces = list(projections.subspaces.values())
        assert [s.n_new for s in subspaces] == ([4, 3] if task == 0 else [2, 2])
        for k, (old, subspace) in enumerate(zip(before, subspaces, strict=True)):
            change = (net[2 * k].weight.detach() - old).numpy()
            assert np.abs(change).max() > 1e-6
            if task:
                assert np.abs(change @ subspace.rows[: subspace.n_frozen].T).max() < 1e-6
        projections.end_task()
