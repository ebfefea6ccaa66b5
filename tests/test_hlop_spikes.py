"""The trained network as spikes: what is proven to be the same is the same, on all backends."""

from __future__ import annotations

import functools
import itertools
import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikemem as sm
from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.hardware.spinnaker import arithmetic
from spikemem.networks.hlop import (
    CubaNeuron,
    DSRNeuron,
    HLOPClassifier,
    LIFNeuron,
    cuba_step,
)
from spikemem.networks.hlop.circuit import (
    arrange,
    circuit,
    pass_layers,
    recorded_spikes,
)
from spikemem.networks.hlop.cuba import code_levels, encode
from spikemem.networks.hlop.lowering import lower_layer, machine_decays

torch = pytest.importorskip("torch")

GENERAL = [
    CubaNeuron(v_thresh=10.0),
    CubaNeuron(tau_m=7.3, tau_syn=2.6, cm=0.4, v_thresh=5.0),
    CubaNeuron(tau_m=9.5, tau_syn=1 / 64, cm=0.2),
    CubaNeuron(tau_m=3.0, tau_syn=16.0, v_thresh=2.0),
]


def drawn(neuron, rng, sizes=(20, 15, 10), spread=0.4):
    """Weights that make the cells fire, and spikes of ten samples."""
    scale = spread * neuron.v_thresh / neuron.p21 / (1.0 + 0.2 * neuron.tau_syn)
    weights = [
        rng.normal(0.1 * scale, scale, (n_out, n_in)) for n_in, n_out in itertools.pairwise(sizes)
    ]
    return weights, rng.random((neuron.steps, 10, sizes[0])) < rng.random((10, sizes[0]))


def simulated(layers, spikes, backend, samples="side by side", integrator="spinnaker"):
    layout = arrange(spikes.shape[1], len(spikes), layers, samples)
    network = circuit(layers, spikes, layout, integrator)
    recording = sm.simulate(network, backend=backend, integrator=integrator)
    return recorded_spikes(recording, layout, len(layers), integrator)


def equal(found, wanted):
    return all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def fractions_of(layer, spikes, p22, limit):
    """The update of the specification, number by number, without rounding."""
    found = np.zeros((len(spikes), len(layer)), dtype=bool)
    for k, row in enumerate(layer):
        v = i = Fraction(0)
        for t, arriving in enumerate(spikes):
            v = p22 * v + i
            found[t, k] = v > limit
            v = Fraction(0) if found[t, k] else v
            i = sum((row[j] for j in np.flatnonzero(arriving)), Fraction(0))
    return found


@given(st.integers(0, 2**32 - 1), st.integers(2, 18), st.floats(0.1, 1.5))
@settings(max_examples=25, deadline=None)
def test_halving_neurons_spike_alike_in_fractions_and_on_every_engine(seed, steps, spread):
    neuron = CubaNeuron.halving(steps=steps)
    weights, spikes = drawn(neuron, np.random.default_rng(seed), (12, 8, 6), spread)
    layers = [lower_layer(each, neuron) for each in weights]
    assert all(layer.is_proven for layer in layers)
    wanted = pass_layers(layers, spikes)
    given_spikes = spikes[:, 0]
    for layer, made in zip(layers, wanted.spikes, strict=True):
        rows = [[Fraction(float(w)) for w in row] for row in layer.weights]
        slow = fractions_of(rows, given_spikes, Fraction(1, 2), Fraction(neuron.v_thresh))
        assert np.array_equal(slow, made[:, 0])
        given_spikes = slow
    for samples in ("side by side", "in turn"):
        assert equal(simulated(layers, spikes, "native", samples), wanted.spikes)
        assert equal(simulated(layers, spikes, "emulator", samples), wanted.spikes)


def test_potentials_of_halving_neurons_keep_a_distance_from_the_threshold():
    """They are multiples of 2**(1 - T) points, and the threshold lies in the middle of two."""
    neuron = CubaNeuron.halving()
    weights, spikes = drawn(neuron, np.random.default_rng(0))
    layers = [lower_layer(each, neuron) for each in weights]
    for layer, margin in zip(layers, pass_layers(layers, spikes).margins, strict=True):
        half = 2.0**-neuron.steps
        assert margin >= 0.9 * half > layer.error
        assert math.log2(neuron.v_thresh / layer.unit).is_integer()


@pytest.mark.parametrize("neuron", GENERAL)
@pytest.mark.parametrize("seed", range(3))
def test_other_neurons_spike_alike_where_the_margin_says_so(neuron, seed):
    """Test vectors with a potential within the machine's error are drawn again."""
    rng = np.random.default_rng(seed)
    for _ in range(30):
        weights, spikes = drawn(neuron, rng, (10, 6, 5))
        layers = [lower_layer(each, neuron) for each in weights]
        wanted = pass_layers(layers, spikes)
        if all(m > layer.error for m, layer in zip(wanted.margins, layers, strict=True)):
            break
    else:
        pytest.fail("no test vector")
    assert not any(layer.is_proven for layer in layers)
    assert all(0 < each.mean() < 0.9 for each in wanted.spikes)
    for samples in ("side by side", "in turn"):
        assert equal(simulated(layers, spikes, "emulator", samples), wanted.spikes)
    assert equal(simulated(layers, spikes, "brian2"), wanted.spikes)
    assert equal(simulated(layers, spikes, "native", integrator="exact"), wanted.spikes)


@pytest.mark.parametrize("neuron", [CubaNeuron.halving(), *GENERAL])
def test_the_machine_stays_within_the_stated_error(neuron):
    weights, spikes = drawn(neuron, np.random.default_rng(1), (20, 15))
    layer = lower_layer(weights[0], neuron)
    network = circuit([layer], spikes, arrange(10, len(spikes), [layer], "side by side"))
    cells = replace(network.population("hidden 1"), record=("spikes", "v"))
    runs = [
        sm.simulate(network.replace(cells), backend=name).traces["hidden 1", "v"]
        for name in ("native", "emulator")
    ]
    apart = np.abs(runs[0] - runs[1]) / layer.gain
    assert 0 < apart.max() < layer.error


@pytest.mark.parametrize("neuron", [CubaNeuron.halving(), *GENERAL])
def test_decays_are_those_of_the_machine_and_close_to_the_wanted(neuron):
    decays = machine_decays(neuron)
    assert decays.p22 == pytest.approx(neuron.p22, abs=2**-14)
    assert decays.p11 == pytest.approx(neuron.p11, abs=2e-3)
    layer = lower_layer(np.array([[0.3, -0.2]]) * neuron.v_thresh, neuron)
    population = sm.Population("p", 1, layer.cell())
    words = arithmetic.cell_constants(population, 1.0)
    assert words.leak[0] == decays.p22 * 2**15
    assert words.decay_E[0] / 2**32 == pytest.approx(decays.p11, abs=2e-6)
    if neuron == CubaNeuron.halving():
        assert (decays.p22, decays.p11) == (0.5, 0.0)


def test_time_constants_that_the_machine_does_not_hold():
    for wrong in ({"tau_m": 1e5}, {"tau_syn": 1e6}):
        with pytest.raises(DescriptionError, match="SpiNNaker has no decay"):
            machine_decays(CubaNeuron(**wrong))


def test_weights_that_16_bits_do_not_hold():
    neuron = CubaNeuron.halving()
    with pytest.raises(DescriptionError, match="too large for 16 bits"):
        lower_layer(np.full((3, 1000), 1e4), neuron)
    silent = lower_layer(np.zeros((3, 4)), neuron)
    assert not pass_layers([silent], np.ones((16, 2, 4), bool)).spikes[0].any()


def test_one_definition_for_numpy_and_torch():
    neuron, rng = CubaNeuron(), np.random.default_rng(3)
    v, i, drive = rng.random((3, 5, 4))
    for mine, theirs in zip(
        cuba_step(v, i, drive, neuron),
        cuba_step(*map(torch.tensor, (v, i, drive)), neuron),
        strict=True,
    ):
        assert np.array_equal(mine, theirs.numpy())


def test_a_strong_sample_leaves_nothing_to_the_next():
    """A sample of inhibition first; then one that only just makes the cell fire."""
    neuron = CubaNeuron.halving(steps=6)
    layer = lower_layer(np.array([[neuron.v_thresh * 1.001, -40.0]]), neuron)
    spikes = np.zeros((6, 2, 2), dtype=bool)
    spikes[:, 0, 1] = True
    spikes[0, 1, 0] = True
    alone = pass_layers([layer], spikes).spikes
    assert alone[0][:, 0].sum() == 0
    assert alone[0][:, 1].sum() <= 1
    assert equal(simulated([layer], spikes, "emulator", "in turn"), alone)


@functools.cache
def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    x, y = data.data[order] / 16.0, data.target[order]
    neuron = CubaNeuron.halving()
    model = HLOPClassifier((64, 48, 32, 10), trainer="bptt", neuron=neuron, batch=16,
                           epochs=6, seed=0)  # fmt: skip
    return model.learn_task(x[:797], y[:797]), x[797:], y[797:]


def torch_spikes(model, x):
    """Spikes of the trained PyTorch network itself, with the weights of `model`."""
    from spikemem.networks.hlop.trainers.bptt import FusedLIF

    levels = code_levels(model.neuron, model.layers[0], model.seed)
    given = torch.from_numpy(encode(x.astype(model.dtype), levels, model.neuron)).double()
    found = []
    for weights in model.weights_[:-1]:
        drive = given @ torch.from_numpy(weights).double().T
        given = FusedLIF.apply(drive, model.neuron)
        found.append(given.numpy().astype(bool))
    return found


def same_everywhere(n, backends):
    model, x, y = digits()
    x, y = x[:n], y[:n]
    wanted = model.hidden_spikes(x)
    assert equal(torch_spikes(model.on_grid(), x), wanted)
    network = model.build(x, samples="in turn")
    for backend in backends:
        recording = sm.simulate(network, backend=backend)
        assert equal(model.recorded_spikes(recording, x, samples="in turn"), wanted)
        answers = model.decode(recording, x, samples="in turn")
        assert np.mean(np.array(answers) == y) == model.on_grid().score(x, y)
    return model.score(x, y), model.on_grid().score(x, y)


def test_digits_spike_alike_in_torch_and_on_simulators():
    trained, rounded = same_everywhere(60, ("brian2", "native", "emulator"))
    assert rounded > 0.8
    assert abs(trained - rounded) < 0.07


@pytest.mark.slow
def test_a_thousand_digits_spike_alike_in_torch_and_on_simulators():
    """Accuracies of 1,000 images differ by 0.01 or less, fewer than 3 in a binomial sd of 0.7 %."""
    trained, rounded = same_everywhere(1000, ("brian2", "emulator"))
    assert rounded > 0.9
    assert abs(trained - rounded) <= 0.01


def test_answers_agree_with_each_other():
    model, x, _y = digits()
    x = x[:5]
    scores = np.array(model.expected(x, answer="scores"))
    counts = np.array(model.expected(x, answer="counts"))
    assert np.array_equal(scores.argmax(axis=1), model.expected(x))
    assert np.allclose(scores, counts @ model.weights_[-1].T / 16)
    assert np.array_equal(counts, model.hidden_spikes(x)[-1].sum(axis=0))
    grid = model.on_grid()
    assert np.allclose(scores, grid.decision_function(x), atol=1e-5)
    assert grid.expected(x) == model.expected(x)
    ran = sm.run(model, x, backend="native", build={"answer": "scores"})
    assert np.array_equal(ran, scores)


def test_patterns_are_samples_of_zeros_and_ones():
    model, _, _ = digits()
    patterns = sm.Patterns([{1, 5, 40}, set(), range(64)], size=64)
    dense = patterns.to_dense().astype(float)
    assert model.expected(patterns) == model.expected(dense)
    assert sm.run(model, patterns, backend="native") == model.expected(patterns)


def test_margins_say_what_is_proven():
    model, x, _ = digits()
    assert all(layer.is_proven and layer.is_identical for layer in model.spike_margins(x[:3]))
    general = HLOPClassifier((64, 5, 10), trainer="bptt", neuron=CubaNeuron())
    (layer,) = general.spike_margins(x[:1])
    assert not layer.is_proven
    assert layer.is_identical == (layer.margin > layer.error)


@pytest.mark.parametrize(("trainer", "neuron"), [("dsr", DSRNeuron()), ("bptt", LIFNeuron()),
                                                 ("ottt", LIFNeuron())])  # fmt: skip
def test_other_neurons_are_refused_with_a_remedy(trainer, neuron):
    model = HLOPClassifier((4, 5, 2), trainer=trainer, neuron=neuron)
    for method in ("build", "expected", "hidden_spikes", "spike_margins"):
        with pytest.raises(UnsupportedError, match=r"CubaNeuron\.halving"):
            getattr(model, method)(np.ones((1, 4)))
    with pytest.raises(UnsupportedError, match="on_grid"):
        model.on_grid()
    assert not model.plastic


def test_networks_without_hidden_layers_are_refused():
    model = HLOPClassifier((4, 2), trainer="bptt", neuron=CubaNeuron.halving())
    with pytest.raises(UnsupportedError, match="hidden"):
        model.build(np.ones((1, 4)))


@pytest.mark.parametrize("wrong", [np.zeros((0, 64)), np.ones((2, 3)), [[math.nan] * 64],
                                   np.full((1, 64), 1.5), "digits", [object()],
                                   sm.Patterns([[1]], size=9)])  # fmt: skip
def test_samples_of_another_kind_are_refused(wrong):
    model, _, _ = digits()
    for method in (model.build, model.expected):
        with pytest.raises(DescriptionError):
            method(wrong)


def test_recordings_of_other_networks_are_refused():
    model, x, _ = digits()
    recording = sm.simulate(model.build(x[:2]), backend="native")
    with pytest.raises(DescriptionError, match="copy"):
        model.decode(recording, x[:5])


def test_heads_of_tasks():
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 6)), np.arange(40) % 2
    model = HLOPClassifier((6, 8, 2), trainer="bptt", neuron=CubaNeuron.halving(), heads="task")
    model.learn_task(x, y).learn_task(x, 1 - y)
    with pytest.raises(DescriptionError, match="task"):
        model.expected(x[:3])
    found = [model.expected(x[:3], answer="scores", task=k) for k in (0, 1)]
    counts = np.array(model.expected(x[:3], answer="counts"))
    wanted = np.split(counts @ model.weights_[-1].T / 16, 2, axis=1)
    assert np.allclose(found, wanted)


def test_it_goes_through_a_nir_file(tmp_path):
    pytest.importorskip("nir")
    from spikemem.hardware.nir import from_nir

    model, x, _ = digits()
    network = model.build(x[:3], samples="in turn")
    path = sm.export(network, "nir", tmp_path / "digits.nir")
    import nir

    inputs = {pop.name: pop.source for pop in network.populations if pop.is_source}
    back = from_nir(nir.read(path), 1.0, inputs=inputs)
    recording = sm.simulate(back, backend="native")
    spikes = model.recorded_spikes(recording, x[:3], samples="in turn")
    assert equal(spikes, model.hidden_spikes(x[:3]))


@pytest.mark.spinnaker
def test_a_virtual_board_holds_it_with_the_weights_of_the_emulator():
    from spikemem.hardware.spinnaker import map_network
    from spikemem.hardware.spinnaker.machine_layout import ring_buffer_shifts

    model, x, _ = digits()
    network = model.build(x[:2], samples="in turn")
    report = map_network(network, weights=True)
    assert report.shifts == ring_buffer_shifts(network)
    name = "layer 1 excitatory"
    shift = report.shifts["hidden 1"][0]
    written = sorted(int(row[3]) for row in report.weights[name])
    exact = np.asarray(network.synapses(name).weight) * 2.0 ** (15 - shift)
    assert np.array_equal(written, np.sort(exact))


def test_the_network_cut_short_forgets_what_it_knew():
    model, x, y = digits()
    network = model.build(x[:50])
    silent = replace(network.projection("layer 2 excitatory"), weight=0.0)
    recording = sm.simulate(network.replace(silent), backend="native")
    wrong = np.mean(np.array(model.decode(recording, x[:50])) == y[:50])
    # Chance is 0.1; by luck 20 of 50 are right with a probability below 1e-7.
    assert wrong < 0.4


@pytest.mark.slow
def test_the_page_does_what_it_says(capsys, monkeypatch, tmp_path):
    page = Path(__file__).resolve().parents[1] / "docs" / "hlop_spikes.md"
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        exec(example, names)
    accuracy, found = map(float, capsys.readouterr().out.split())
    assert accuracy > 0.85
    assert found == 1.0
    assert (tmp_path / "digits").is_dir()


def test_a_picture_of_one_sample():
    from spikemem.networks.hlop import digit_raster

    model, x, _ = digits()
    panels = digit_raster(model, x[0])
    assert len(panels) == 4
    spikes = model.hidden_spikes(x[:1])[0][:, 0]
    assert len(panels[1].lines[0].get_xdata()) == spikes.sum()
    last = [line.get_ydata()[-1] for line in panels[3].lines]
    assert np.allclose(last, model.expected(x[:1], answer="scores")[0])
    with pytest.raises(DescriptionError, match="one row"):
        digit_raster(model, x[:2])
