"""The dense liquid: its equation, its fast path, and the same spikes on every backend."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikemem as sm
from spikemem.hardware.spinnaker.arithmetic import ONE, cell_constants
from spikemem.hardware.spinnaker.machine_layout import ring_buffer_shifts
from spikemem.networks.liquid import DenseLiquid, Events, NetworkLiquid
from spikemem.networks.liquid.circuit import draw_weights, template
from spikemem.networks.liquid.lowering import Weights, grid_decay, lower

FLOAT = DenseLiquid(numbers="float")


def random_events(n=6, steps=30, channels=24, rate=0.2, seed=1):
    return Events.from_dense(np.random.default_rng(seed).random((n, steps, channels)) < rate)


def model(liquid=None, n=60, channels=24, seed=0):
    return sm.LiquidStateMachine(channels, n, liquid=liquid, seed=seed)


def by_the_equation(dense, w_in, w_rec, decay, threshold):
    """U[t] = decay U[t-1] (1 - S[t-1]) + W_in x[t] + W_rec S[t-1], one number at a time."""
    out = np.zeros((*dense.shape[:2], w_rec.shape[0]), dtype=int)
    for k, sample in enumerate(dense):
        u, s = np.zeros(w_rec.shape[0]), np.zeros(w_rec.shape[0])
        for t, x in enumerate(sample):
            u = decay * u * (1 - s) + w_in.T @ x + w_rec.T @ s
            s = (u > threshold).astype(float)
            out[k, t] = s
    return out


@pytest.mark.parametrize("liquid", [DenseLiquid(), FLOAT], ids=["grid", "float"])
def test_the_fast_path_is_the_published_equation(liquid):
    events = random_events()
    made = model(liquid)
    low = made.body.lowered
    w_in, w_rec = made.weights
    wanted = by_the_equation(events.dense(), w_in, w_rec, low.keep, liquid.threshold)
    assert 0.01 < wanted.mean() < 0.5
    np.testing.assert_array_equal(made.spikes(events), wanted)
    np.testing.assert_array_equal(made.expected(events, answer="counts"), wanted.sum(axis=1))


def test_two_neurons_by_hand():
    made = model(n=2, channels=1).with_weights([[3.0, -1.0]], [[0.0, 6.0], [-9.0, 0.0]])
    # U0: 3, 5.7 > 5 fires; U1 then is -1.9 * 0.9 + 6 - 1 = 3.29; nothing else comes.
    dense = np.ones((1, 3, 1), dtype=bool)
    assert made.spikes(dense)[0].tolist() == [[0, 0], [1, 0], [0, 0]]


def test_a_potential_at_the_threshold_does_not_fire_and_one_above_does():
    for value, fires in ((5.0, 0), (math.nextafter(5.0, 6.0), 1)):
        made = model(FLOAT, n=1, channels=1).with_weights([[value]], [[0.0]])
        assert made.spikes(np.ones((1, 1, 1), dtype=bool)).ravel().tolist() == [fires]


@pytest.mark.parametrize("backend", ["native", "brian2", "emulator"])
def test_every_backend_gives_the_spikes_of_the_fast_path(backend):
    events = random_events()
    made = model()
    np.testing.assert_array_equal(made.spikes(events, backend=backend), made.spikes(events))


@pytest.mark.nest
def test_nest_gives_the_spikes_of_the_fast_path():
    events = random_events(n=3)
    made = model()
    np.testing.assert_array_equal(made.spikes(events, backend="pynn:nest"), made.spikes(events))


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_weights_off_the_grid_give_the_same_spikes_in_floating_point(backend):
    events = random_events(n=3)
    made = model(FLOAT)
    np.testing.assert_array_equal(made.spikes(events, backend=backend), made.spikes(events))
    with pytest.raises(sm.DescriptionError, match="numbers='spinnaker'"):
        made.spikes(events, arithmetic="spinnaker")


@settings(max_examples=15)
@given(
    decay=st.floats(0.05, 0.99),
    threshold=st.floats(0.1, 50.0),
    relative=st.floats(0.002, 0.05),
    seed=st.integers(0, 99),
)
def test_the_machines_numbers_are_those_of_the_emulator(decay, threshold, relative, seed):
    liquid = DenseLiquid(decay=decay, threshold=threshold, constant=relative * threshold)
    events = random_events(n=4, steps=20, seed=seed)
    made = model(liquid, n=40, seed=seed)
    fixed = made.spikes(events, arithmetic="spinnaker")
    np.testing.assert_array_equal(made.spikes(events, backend="emulator"), fixed)
    # The words of the cells are those that the fast path computes with.
    network = made.build(events[:1])
    words = cell_constants(network.population("liquid"), 1.0)
    keep, gain, limit = made.body.lowered.words()
    assert (words.leak[0], words.resistance[0], words.v_thresh[0]) == (keep, 32 * gain, limit)
    assert words.i_offset[0] == 0
    assert words.decay_E[0] == 0


@pytest.mark.slow
def test_floating_point_and_the_machine_differ_in_few_samples():
    # A potential within about one part in 2**15 mV of the threshold decides otherwise: 1.9e-4 of
    # samples like these were counted; 8 or more of 2000 have a probability below 1e-8.
    events = random_events(n=2000, steps=50, channels=256, rate=0.06)
    made = sm.LiquidStateMachine(256, 200, seed=0)
    fixed = made.states(events, arithmetic="spinnaker")
    assert np.count_nonzero(np.any(fixed != made.states(events), axis=1)) < 8


@pytest.mark.parametrize("decay", [*np.linspace(0.01, 0.99, 60), 0.995, 0.998])
def test_decays_of_the_grid_are_the_machines_own(decay):
    keep = grid_decay(decay)
    assert abs(keep - decay) < 3e-4
    cell = sm.LIF(tau_m=-1.0 / math.log(keep), tau_syn_E=1.0, tau_syn_I=1.0)
    words = cell_constants(sm.Population("a", 1, cell), 1.0)
    assert words.leak[0] == keep * ONE


@settings(max_examples=40)
@given(n=st.integers(1, 300), channels=st.integers(1, 300), scale=st.floats(1e-3, 10.0))
def test_the_grid_fits_the_ring_buffers_and_is_as_fine_as_they_allow(n, channels, scale):
    rng = np.random.default_rng(n * 1000 + channels)
    weights = Weights(rng.normal(0, scale, (channels, n)), rng.normal(0, scale, (n, n)))
    low = lower(weights, DenseLiquid(threshold=5.0))
    shifts = ring_buffer_shifts(template(low, 1))["liquid"]
    assert max(shifts) <= 16
    # Weights are 2 nA a point: with this shift a step of 16 bits.
    assert low.input.dtype == np.int16
    error = np.abs(low.input * low.grid - weights.input)
    assert error.max() <= low.grid / 2 * (1 + 1e-9)
    assert low.threshold / low.gain == pytest.approx(5.0 / low.grid, rel=1e-6)
    if max(shifts) < 16:  # Then the threshold has as many points as it can have.
        assert 5.0 / low.grid > 8000


def test_weights_have_the_published_statistics():
    weights = draw_weights(DenseLiquid(), 400, 400, seed=3)
    # 160,000 normal numbers: mean within 4 standard errors (6e-5), SD within 1 % (5.7 errors).
    assert abs(weights.input.mean() - 0.07 * 0.00156) < 4 * 0.07 * 6.61329 / 400
    assert weights.input.std() == pytest.approx(0.07 * 6.61329, rel=0.01)
    assert weights.recurrent.std() == pytest.approx(0.07 * 6.67268 * math.sqrt(0.5), rel=0.01)
    plain = draw_weights(DenseLiquid(recurrent_scale="none"), 400, 400, seed=3)
    assert plain.recurrent.std() == pytest.approx(0.07 * 6.67268, rel=0.01)
    np.testing.assert_array_equal(plain.input, weights.input)


def test_batches_threads_and_order_change_nothing():
    events = random_events(n=300, steps=10)
    made = model()
    whole = made.spikes(events)
    np.testing.assert_array_equal(made.spikes(events, jobs=2), whole)
    np.testing.assert_array_equal(made.spikes(events[[7, 3]]), whole[[7, 3]])
    np.testing.assert_array_equal(made.spikes(events.dense()), whole)
    trains = [events.trains(k) for k in range(2)]
    with pytest.raises(sm.DescriptionError, match="n_steps"):
        made.spikes(trains)
    steps = sm.LiquidStateMachine(24, 60, n_steps=10, seed=0)
    np.testing.assert_array_equal(steps.spikes(trains), whole[:2])


def test_without_the_recurrent_weights_the_spikes_are_others():
    events = random_events()
    made = model()
    cut = made.with_weights(made.weights.input, np.zeros((60, 60)))
    assert np.any(cut.spikes(events) != made.spikes(events))


def test_read_noise_has_the_variance_of_reads_one_by_one():
    # One neuron that never fires, read through its own potential: a second neuron fires if the
    # noise lifts the sum above the threshold, in 1 - Phi(0.5) = 30.9 % of the samples.
    made = model(FLOAT, n=1, channels=16).with_weights(np.full((16, 1), 0.3), [[0.0]])
    dense = np.ones((20_000, 1, 16), dtype=bool)
    noise = 0.2 / 4 / 0.3 * 2  # the sum is 4.8; its SD is 0.4, half of it lies below 5
    rate = made.spikes(dense, read_noise=noise, seed=1).mean()
    assert rate == pytest.approx(0.3085, abs=5 * math.sqrt(0.3085 * 0.6915 / 20_000))
    again = made.spikes(dense[:50], read_noise=noise, seed=1)
    np.testing.assert_array_equal(again, made.spikes(dense[:50], read_noise=noise, seed=1))
    assert made.spikes(dense[:50]).sum() == 0


@pytest.mark.spinnaker
def test_the_export_maps_on_a_virtual_board():
    from spikemem.hardware.spinnaker import map_network

    made = sm.LiquidStateMachine(64, 200, seed=0)
    network = made.build(random_events(n=1, steps=10, channels=64))
    assert not [p for p in sm.check(network, "spinnaker") if p.level == "error"]
    mapped = map_network(network)
    shifts = ring_buffer_shifts(network)
    assert shifts["liquid"] == (16, 16)
    assert mapped.shifts == shifts
    assert mapped.cores["liquid"] == 1


def test_any_network_can_be_a_liquid():
    rng = np.random.default_rng(0)
    sources = [
        sm.Population(name, n, sm.SpikeSource(spikes=sm.SpikeTrains.empty(n)))
        for name, n in (("left", 3), ("right", 5))
    ]
    cells = sm.Population("cells", 20, sm.LIF(tau_m=10.0))
    projections = [
        sm.Projection.from_matrix(
            pop.name[0], pop, cells, rng.random((pop.size, 20)) * 9, delay=1.0
        )
        for pop in sources
    ]
    network = sm.Network([*sources, cells], projections)
    liquid = NetworkLiquid(network=network, inputs=("left", "right"), liquid=("cells",))
    made = sm.LiquidStateMachine(8, liquid=liquid, bins=2)
    events = random_events(n=3, steps=25, channels=8, rate=0.3)
    spikes = made.spikes(events)
    # The same by hand: the network with these trains, one sample after the other.
    for k in range(3):
        trains = events.trains(k)
        inputs = {"left": trains.select([0, 1, 2]), "right": trains.select([3, 4, 5, 6, 7])}
        recording = sm.simulate(network.with_inputs(inputs), 25.0, backend="native")
        np.testing.assert_array_equal(recording["cells"].counts(), spikes[k].sum(axis=0))
    assert set(made.plastic) == {"l", "r"}
    with pytest.raises(sm.DescriptionError, match="n_inputs must be 8"):
        sm.LiquidStateMachine(9, liquid=liquid)
    for bad in ({"inputs": ("cells",)}, {"liquid": ("left",)}, {"inputs": ("left", "left")}):
        with pytest.raises(sm.DescriptionError, match="NetworkLiquid"):
            NetworkLiquid(**({"network": network, "inputs": ("left",), "liquid": ("cells",)} | bad))
