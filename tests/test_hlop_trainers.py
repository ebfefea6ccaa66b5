"""Single steps of the trainers against plain references, in double precision."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra learn)")

from spikemem.networks.hlop import CubaNeuron, DSRNeuron, LIFNeuron, cuba_step  # noqa: E402
from spikemem.networks.hlop.trainers.bptt import BPTT, FusedLIF  # noqa: E402
from spikemem.networks.hlop.trainers.dsr import DSR  # noqa: E402
from spikemem.networks.hlop.trainers.ottt import OTTT  # noqa: E402

SIZES = (12, 15, 14, 11, 4)
BATCH = 6


def drawn(seed, depth=4, gain=2.0):
    rng = np.random.default_rng(seed)
    sizes = (*SIZES[:depth], SIZES[-1])
    weights = [rng.normal(size=(b, a)) * gain / np.sqrt(a)
               for a, b in itertools.pairwise(sizes)]  # fmt: skip
    x = rng.normal(size=(BATCH, SIZES[0]))
    return weights, x, rng.integers(0, SIZES[-1], BATCH)


def tensors(weights, x, y):
    return [torch.tensor(w) for w in weights], torch.tensor(x), torch.tensor(y)


def softmax_error(outputs, y):
    p = np.exp(outputs - outputs.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


def same(step, loss, gradients, traces=None):
    assert step.loss == pytest.approx(loss, abs=1e-10)
    assert len(step.gradients) == len(gradients)
    for mine, wanted in zip(step.gradients, gradients, strict=True):
        assert np.abs(wanted).max() > 1e-6
        assert np.abs(mine.numpy() - wanted).max() < 1e-10
    for mine, wanted in zip(step.traces, traces or [], strict=bool(traces)):
        assert np.abs(mine.numpy() - wanted).max() < 1e-10


def dsr_reference(weights, x, y, neuron):
    """Layer by layer and step by step, with a gradient for each time step."""
    T, B = neuron.steps, len(x)
    beta = np.exp(-neuron.dt / neuron.tau)
    w = np.exp(-(T - np.arange(1, T + 1)) * neuron.dt / neuron.tau)
    w /= w.sum()
    inputs, drives = [np.repeat(x[None], T, axis=0)], []
    for weight in weights[:-1]:
        v = np.zeros((B, len(weight)))
        spikes = np.zeros((T, B, len(weight)))
        current = inputs[-1] @ weight.T
        for t in range(T):
            v = beta * v + (1 - beta) * current[t]
            fired = v >= neuron.alpha * neuron.v_thresh
            v = v - neuron.v_thresh * fired
            spikes[t] = fired * neuron.v_thresh / neuron.dt
        drives.append(np.tensordot(w, current, 1))
        inputs.append(spikes)
    rates = [np.tensordot(w, each, 1) for each in inputs]
    loss, g = softmax_error(rates[-1] @ weights[-1].T, y)
    gradients = [g.T @ rates[-1]]
    errors = w[:, None, None] * (g @ weights[-1])
    limit = neuron.v_thresh * neuron.tau / neuron.dt
    for k in range(len(weights) - 2, -1, -1):
        inside = (drives[k] > 0) & (drives[k] < limit)
        same_at_all_steps = inside / neuron.tau * np.tensordot(w, errors, 1)
        gradients.insert(0, sum(same_at_all_steps.T @ inputs[k][t] for t in range(T)))
        errors = np.repeat((same_at_all_steps @ weights[k])[None], T, axis=0)
    return loss, gradients, rates


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "neuron", [DSRNeuron(), DSRNeuron(steps=7, tau=0.6, dt=0.1, v_thresh=0.5, alpha=0.7)]
)
def test_dsr_is_the_published_gradient(depth, neuron):
    weights, x, y = drawn(depth, depth)
    step = DSR(neuron).step(*tensors(weights, x, y))
    same(step, *dsr_reference(weights, x, y, neuron))


def test_dsr_gradient_stops_where_the_rate_is_clipped():
    weights, x, y = drawn(0, 2, gain=1.0)
    weights[0][0], weights[0][1] = 1000 * x[0], -1000 * x[0]
    step = DSR(DSRNeuron()).step(*tensors(weights, x[:1], y[:1]))
    assert not step.gradients[0][:2].any()
    assert step.gradients[0][2:].any()


class Spike(torch.autograd.Function):
    """A step function with the derivative of a sigmoid, at >= or > the threshold."""

    @staticmethod
    def forward(ctx, over, slope, strict):
        ctx.save_for_backward(over)
        ctx.slope = slope
        return (over > 0 if strict else over >= 0).to(over.dtype)

    @staticmethod
    def backward(ctx, error):
        (over,) = ctx.saved_tensors
        s = 1 / (1 + torch.exp(-ctx.slope * over))
        return error * ctx.slope * s * (1 - s), None, None


def lif_reference(current, neuron):
    """Spikes of one layer by autograd, step by step."""
    v, spikes = torch.zeros_like(current[0]), []
    for t in range(neuron.steps):
        v = v * (1 - 1 / neuron.tau) + current[t]
        s = Spike.apply(v - neuron.v_thresh, neuron.slope, False)
        fixed = s.detach()
        v = v - fixed * neuron.v_thresh if neuron.reset == "soft" else v * (1 - fixed)
        spikes.append(s)
    return torch.stack(spikes)


def cuba_reference(current, neuron):
    """As :func:`lif_reference`, from the constants of the exact solution."""
    p11, p22 = np.exp(-neuron.dt / neuron.tau_syn), np.exp(-neuron.dt / neuron.tau_m)
    gain = neuron.tau_m / neuron.cm * neuron.tau_syn / (neuron.tau_syn - neuron.tau_m)
    p21 = gain * (p11 - p22)
    v = i = torch.zeros_like(current[0])
    spikes = []
    for t in range(neuron.steps):
        v = p22 * v + p21 * i
        s = Spike.apply(v - neuron.v_thresh, neuron.slope / neuron.v_thresh, True)
        v = v * (1 - s.detach())
        i = p11 * i + current[t]
        spikes.append(s)
    return torch.stack(spikes)


def bptt_reference(weights, x, y, neuron, layer):
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    activity = torch.tensor(x)
    activity = activity if activity.ndim == 3 else activity.expand(neuron.steps, *activity.shape)
    rates = [activity.mean(0)]
    for leaf in leaves[:-1]:
        activity = layer(activity @ leaf.T, neuron)
        rates.append(activity.mean(0))
    outputs = torch.stack([s @ leaves[-1].T for s in activity]).mean(0)
    loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(y))
    loss.backward()
    return loss.item(), [leaf.grad.numpy() for leaf in leaves], [r.detach().numpy() for r in rates]


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_bptt_is_backpropagation_through_time(depth, reset):
    neuron = LIFNeuron(steps=6, reset=reset)
    weights, x, y = drawn(depth, depth)
    step = BPTT(neuron).step(*tensors(weights, x, y))
    same(step, *bptt_reference(weights, x, y, neuron, lif_reference))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_bptt_of_the_current_based_neuron(depth):
    neuron = CubaNeuron(steps=12, v_thresh=2.0)
    weights, x, y = drawn(depth, depth)
    x = (np.random.default_rng(depth).random((neuron.steps, BATCH, SIZES[0])) < 0.4).astype(float)
    step = BPTT(neuron).step(*tensors(weights, x, y))
    same(step, *bptt_reference(weights, x, y, neuron, cuba_reference))


@pytest.mark.parametrize("static", [False, True])
def test_the_fused_neuron_is_the_same_in_a_graph(static):
    neuron = LIFNeuron(steps=5)
    rng = np.random.default_rng(0)
    given = rng.normal(size=(1 if static else 5, 7)) + 0.5
    weight = torch.tensor(rng.normal(size=(5, 7)))
    grads = []
    for layer in (FusedLIF.apply, lambda c, n: lif_reference(c.expand(5, 7), n)):
        current = torch.tensor(given, requires_grad=True)
        (layer(current, neuron) * weight).sum().backward()
        grads.append(current.grad)
    assert torch.allclose(*grads, atol=1e-12)
    assert grads[0].abs().max() > 0.01


def ottt_reference(weights, x, y, neuron):
    """A loss for each step, whose error does not go back in time, times explicit traces."""
    B, T = len(x), neuron.steps
    decay = 1 - 1 / neuron.tau
    v = [np.zeros((B, len(w))) for w in weights[:-1]]
    eligibility = [np.zeros((B, w.shape[1])) for w in weights[:-1]]
    gradients = [np.zeros_like(w) for w in weights]
    total, rates = 0.0, [np.zeros((B, w.shape[1])) for w in weights]
    for _ in range(T):
        leaves, spikes = [], torch.tensor(x)
        rates[0] += x / T
        for k, w in enumerate(weights[:-1]):
            eligibility[k] = decay * eligibility[k] + spikes.detach().numpy()
            before = torch.tensor(decay * v[k]) + spikes @ torch.tensor(w).T
            before.retain_grad() if before.requires_grad else before.requires_grad_(True)
            leaves.append(before)
            spikes = Spike.apply(before - neuron.v_thresh, neuron.slope, False)
            fired = spikes.detach().numpy()
            v[k] = before.detach().numpy()
            v[k] = v[k] - fired if neuron.reset == "soft" else v[k] * (1 - fired)
            rates[k + 1] += fired / T
        outputs = spikes @ torch.tensor(weights[-1]).T
        outputs = outputs if outputs.requires_grad else outputs.requires_grad_(True)
        outputs.retain_grad()
        loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(y)) / T
        loss.backward()
        total += loss.item()
        gradients[-1] += outputs.grad.numpy().T @ spikes.detach().numpy()
        for k, leaf in enumerate(leaves):
            for b in range(B):
                gradients[k] += np.outer(leaf.grad[b].numpy(), eligibility[k][b])
    return total, gradients, rates


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_ottt_is_a_trace_times_the_error_of_the_step(depth, reset):
    neuron = LIFNeuron(steps=6, reset=reset)
    weights, x, y = drawn(depth, depth)
    step = OTTT(neuron).step(*tensors(weights, x, y))
    same(step, *ottt_reference(weights, x, y, neuron))


def test_one_layer_of_ottt_differs_from_bptt_only_by_the_loss():
    # One step of time: there is no past, so all three ways of the LIF are the same.
    neuron = LIFNeuron(steps=1)
    weights, x, y = drawn(7)
    left = BPTT(neuron).step(*tensors(weights, x, y))
    right = OTTT(neuron).step(*tensors(weights, x, y))
    for a, b in zip(left.gradients, right.gradients, strict=True):
        assert torch.allclose(a, b, atol=1e-14)


@pytest.mark.parametrize("trainer", [DSR(DSRNeuron(), "sign"), BPTT(LIFNeuron(), "sign"),
                                     OTTT(LIFNeuron(), "sign")])  # fmt: skip
def test_errors_may_go_back_through_signs_or_fixed_weights(trainer):
    weights, x, y = tensors(*drawn(8))
    signs = [w.sign() / np.sqrt(w.shape[1]) for w in weights]
    by_sign = trainer.step(weights, x, y).gradients
    fixed = type(trainer)(trainer.neuron, "alignment", signs).step(weights, x, y).gradients
    mirrored = type(trainer)(trainer.neuron, "alignment", weights).step(weights, x, y).gradients
    plain = type(trainer)(trainer.neuron).step(weights, x, y).gradients
    for a, b, c, d in zip(by_sign, fixed, mirrored, plain, strict=True):
        assert torch.allclose(a, b, atol=1e-14)
        assert torch.allclose(c, d, atol=1e-14)
    assert torch.allclose(by_sign[-1], plain[-1])  # the last layer needs no feedback
    assert not torch.allclose(by_sign[0], plain[0], atol=1e-3)


@pytest.mark.parametrize("trainer", [DSR(DSRNeuron()), BPTT(LIFNeuron()), OTTT(LIFNeuron())])
def test_outputs_of_other_heads_have_no_part(trainer):
    weights, x, y = drawn(9)
    alone = trainer.step(*tensors(weights, x, y))
    more = np.random.default_rng(1).normal(size=(8, weights[-1].shape[1]))
    wide = [*weights[:-1], np.concatenate([more[:4], weights[-1], more[4:]])]
    allowed = torch.zeros(BATCH, 12, dtype=torch.bool)
    allowed[:, 4:8] = True
    step = trainer.step(*tensors(wide, x, y + 4), allowed)
    assert step.loss == pytest.approx(alone.loss, abs=1e-12)
    assert not step.gradients[-1][:4].any()
    assert not step.gradients[-1][8:].any()
    assert torch.allclose(step.gradients[-1][4:8], alone.gradients[-1], atol=1e-14)
    for a, b in zip(step.gradients[:-1], alone.gradients[:-1], strict=True):
        assert torch.allclose(a, b, atol=1e-14)


def test_the_step_of_the_current_based_neuron_by_hand():
    neuron = CubaNeuron(v_thresh=1.0)
    assert neuron.p21 == pytest.approx(0.8611, abs=5e-5)
    v, i = np.zeros(1), np.zeros(1)
    seen = []
    for drive in (1.0, 0.5, 0.0, 0.0):
        v, i, spikes = cuba_step(v, i, np.array([drive]), neuron)
        seen.append((float(v[0]), float(i[0]), bool(spikes[0])))
    p11, p22, p21 = np.exp(-0.2), np.exp(-0.1), neuron.p21
    first = p21
    assert seen[0] == (0.0, 1.0, False)
    assert seen[1] == pytest.approx((first, p11 + 0.5, False))
    assert p22 * first + p21 * (p11 + 0.5) > 1
    assert seen[2] == pytest.approx((0.0, p11 * (p11 + 0.5), True))
    assert seen[3] == pytest.approx((p21 * p11 * (p11 + 0.5), p11**2 * (p11 + 0.5), False))
    both = cuba_step(torch.tensor([0.3]), torch.tensor([1.0]), torch.tensor([0.1]), neuron)
    plain = cuba_step(np.array([0.3]), np.array([1.0]), np.array([0.1]), neuron)
    for a, b in zip(both, plain, strict=True):
        assert np.allclose(a.numpy(), b)
