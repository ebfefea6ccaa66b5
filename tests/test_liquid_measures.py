"""Measures of liquids against closed forms, hand-made cases and liquids whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonsense import refusal

import spikemem as sm
from spikemem.networks.liquid import (
    DenseLiquid,
    LiquidStateMachine,
    ValueCode,
    capacity_of,
    class_separation,
    generalisation_rank,
    input_distance,
    kernel_quality,
    low_passed_states,
    match_to_sample,
    match_to_sample_score,
    memory_capacity,
    narma10,
    narma10_score,
    numerical_rank,
    parity,
    parity_score,
    poisson_streams,
    separation,
)


def same(spikes):
    return spikes


def dead(spikes):
    return np.zeros((*spikes.shape[:2], 5))


def test_distance_of_single_spikes_is_the_integral_of_gaussians():
    u, v = np.zeros((2, 60, 2)), np.zeros((2, 60, 2))
    u[0, 20, 0] = 1
    u[1, 20, 0] = v[1, 26, 0] = 1
    got = input_distance(u, v, dt=1.0, width=5.0)
    t = np.arange(-100.0, 200.0, 0.001)
    for k, filtered in enumerate(
        (np.exp(-(((t - 20) / 5) ** 2)),
         np.exp(-(((t - 20) / 5) ** 2)) - np.exp(-(((t - 26) / 5) ** 2)))
    ):  # fmt: skip
        assert np.isclose(got[k], np.sqrt(np.sum(filtered**2) * 1e-6), rtol=1e-4)


@given(seed=st.integers(0, 99))
def test_distance_is_a_metric(seed):
    a, b, c = (poisson_streams(4, n_steps=30, n_channels=3, seed=3 * seed + k) for k in range(3))
    assert np.allclose(input_distance(a, b), input_distance(b, a))
    assert np.all(input_distance(a, c) <= input_distance(a, b) + input_distance(b, c) + 1e-12)
    assert not input_distance(a, a).any()


def test_separation_is_the_distance_of_the_states():
    u, v = (poisson_streams(5, n_steps=20, n_channels=3, seed=k) for k in range(2))
    got = separation(same, u, v, tau=4.0)
    states = [low_passed_states(part, tau=4.0) for part in (u, v)]
    assert np.allclose(got, np.linalg.norm(states[0] - states[1], axis=2).mean(axis=0))
    assert not separation(same, u, u).any()
    # Alike from step 10 on: the difference decays as the filter does.
    v[:, 10:] = u[:, 10:]
    late = separation(same, u, v, tau=4.0)[10:]
    assert np.allclose(late[1:] / late[:-1], np.exp(-1 / 4.0))


def test_class_separation_by_hand():
    states = np.array([[0.0, 0.0], [0.0, 4.0], [6.0, 2.0], [6.0, 2.0]])
    found = class_separation(states, ["a", "a", "b", "b"])
    # Centroids (0, 2) and (6, 2): 6 apart, twice, over 2 squared. Spreads 2 and 0.
    assert found == (3.0 / 2.0, 3.0, 1.0)


@given(seed=st.integers(0, 99), rank=st.integers(1, 6))
def test_rank_of_a_product_is_its_inner_size(seed, rank):
    rng = np.random.default_rng(seed)
    left, right = np.linalg.qr(rng.normal(size=(9, 9)))[0], rng.normal(size=(7, 7))
    matrix = left[:, :rank] @ np.linalg.qr(right)[0][:rank]
    assert numerical_rank(matrix) == rank
    assert numerical_rank(matrix * 1e-9) == rank


def test_a_singular_value_below_the_tolerance_does_not_count():
    assert numerical_rank(np.diag([1.0, 0.02, 0.005]), tolerance=0.01) == 2
    assert numerical_rank(np.diag([1.0, 0.02, 0.005]), tolerance=0.001) == 3


def test_kernel_quality_of_a_liquid_that_copies_is_the_rank_of_its_input():
    streams = poisson_streams(12, n_steps=40, n_channels=30)
    states = low_passed_states(streams, tau=30.0)[:, -1]
    assert kernel_quality(same, streams) == np.linalg.matrix_rank(states, rtol=0.01) == 12
    assert kernel_quality(dead, streams) == 0
    summed = kernel_quality(lambda x: x.sum(axis=2, keepdims=True), streams)
    assert summed == 1
    repeated = np.repeat(streams[:3], 4, axis=0)
    assert kernel_quality(same, repeated) == 3


def test_generalisation_rank_grows_with_the_jitter():
    streams = poisson_streams(30, n_steps=60, n_channels=20)
    still = generalisation_rank(same, streams, jitter=0.0)
    little = generalisation_rank(same, streams, jitter=0.5, tolerance=0.02)
    much = generalisation_rank(same, streams, jitter=20.0, tolerance=0.02)
    assert still == 1
    assert still < little <= much
    assert much <= kernel_quality(same, streams, tolerance=0.02)


def test_ranks_of_the_dense_liquid_peak_at_the_published_constant():
    quality, general = np.zeros(3), np.zeros(3)
    for k, constant in enumerate((0.03, 0.07, 0.15)):
        for seed in range(2):
            liquid = LiquidStateMachine(16, 100, liquid=DenseLiquid(constant=constant), seed=seed)
            streams = poisson_streams(150, n_steps=100, seed=seed)
            quality[k] += kernel_quality(liquid, streams)
            general[k] += generalisation_rank(liquid, streams, seed=seed)
    assert quality[1] > 1.5 * quality[0]
    assert quality[1] > 1.5 * quality[2]
    assert np.all(quality > general)


def test_a_network_is_a_liquid():
    source = sm.Population("in", 4, sm.SpikeSource(spikes=sm.SpikeTrains.empty(4)))
    cells = sm.Population("out", 4, sm.LIF(), record=("spikes",))
    wires = sm.Projection.one_to_one("wires", "in", "out", weight=20.0, delay=1.0)
    streams = poisson_streams(6, n_steps=40, n_channels=4, p=0.05)
    network = sm.Network([source, cells], [wires])
    assert kernel_quality(network, streams) == 4
    cut = sm.Network([source, cells], [])
    assert kernel_quality(cut, streams) == 0
    assert "records its spikes" in refusal(kernel_quality, sm.Network([source], []), streams)


@pytest.mark.parametrize("taps", [1, 4, 9])
def test_memory_capacity_of_a_delay_line_is_its_number_of_taps(taps):
    u = np.random.default_rng(0).random(2000)
    line = np.column_stack([np.roll(u, k) for k in range(1, taps + 1)])
    found = capacity_of(line, u, delays=15, washout=20)
    assert np.allclose(found.curve[:taps], 1.0, atol=1e-6)
    # Beyond, r^2 of 990 independent pairs: above 0.03 in less than one case of 10^7 each.
    assert np.all(found.curve[taps:] < 0.03)


def test_memory_capacity_is_at_most_the_number_of_neurons():
    rng = np.random.default_rng(1)
    u = rng.random((4, 800))
    x = np.zeros((4, 800, 6))
    mixing = np.linalg.qr(rng.normal(size=(6, 6)))[0] * 0.95
    for t in range(1, 800):
        x[:, t] = x[:, t - 1] @ mixing + u[:, t - 1, None] * np.ones(6)
    found = capacity_of(x, u, delays=40, washout=50)
    # 40 delays whose r^2 by chance is 1/1500 each add 0.03, below 0.2 by far.
    assert 2.0 < found.total < 6.2


def test_memory_capacity_of_a_liquid_that_forgets_is_nothing():
    code = ValueCode(n_values=200, n_runs=6, hold=20, p_max=1.0)
    assert memory_capacity(same, delays=5, code=code).total < 0.1
    assert memory_capacity(dead, delays=5, code=code).total < 1e-20

    def late(spikes):
        return np.roll(spikes, 20, axis=1)

    found = memory_capacity(late, delays=5, code=code)
    # The counts of 16 channels in 20 steps are binomial: r^2 = var / (var + noise).
    signal = 320**2 / 12
    noise = 320 * (1 / 2 - 1 / 3)
    assert np.isclose(found.curve[0], signal / (signal + noise), atol=0.01)
    assert found.total - found.curve[0] < 0.1


def test_values_are_shown_at_their_rates():
    code = ValueCode(n_channels=10, hold=4, p_max=0.5, kind="opponent", n_values=2, washout=0)
    values = np.tile([[0.2, 1.0]], (4000, 1))
    spikes = code.encode(values, seed=1).reshape(4000, 2, 4, 2, 5)
    rates = spikes.mean(axis=(0, 2, 4))
    # SD of a mean of 80,000 spikes at most 0.0018; five of them.
    assert np.allclose(rates, [[0.1, 0.4], [0.5, 0.0]], atol=0.009)
    assert not spikes[:, 1, :, 1].any()


def test_narma10_of_a_constant_input_by_hand():
    u = np.full(13, 0.2)
    y = narma10(u)
    assert not y[:10].any()
    first = 1.5 * 0.2 * 0.2 + 0.1
    second = 0.3 * first + 0.05 * first * first + 1.5 * 0.2 * 0.2 + 0.1
    third = 0.3 * second + 0.05 * second * (first + second) + 1.5 * 0.2 * 0.2 + 0.1
    assert np.allclose(y[10:], [first, second, third])
    assert np.array_equal(narma10(np.stack([u, u])), np.stack([y, y]))
    assert "without bound" in refusal(narma10, np.full(500, 5.0))


@given(digits=st.lists(st.integers(0, 1), min_size=8, max_size=20), n=st.integers(1, 4),
       delay=st.integers(0, 3))  # fmt: skip
def test_parity_and_match_digit_by_digit(digits, n, delay):
    times = range(n - 1 + delay, len(digits))
    wanted = [sum(digits[t - delay - n + 1 : t - delay + 1]) % 2 for t in times]
    assert parity(digits, n, delay=delay).tolist() == wanted
    if n > 1:
        pairs = [(digits[t], digits[t - n + 1]) for t in range(n - 1, len(digits))]
        assert match_to_sample(digits, n).tolist() == [int(a == b) for a, b in pairs]


CODE = ValueCode(n_channels=4, hold=1, p_max=1.0, kind="opponent", n_values=150, n_runs=8)


def shift_and_multiply(spikes):
    """A liquid that sees the last two digits, and all products of them."""
    now, before = spikes[:, :, :1], np.roll(spikes[:, :, :1], 1, axis=1)
    return np.concatenate([now, before, now & before, now & ~before], axis=2)


def test_scores_of_liquids_that_can_and_cannot():
    assert parity_score(shift_and_multiply, 2, code=CODE).score == 1.0
    assert match_to_sample_score(shift_and_multiply, 2, code=CODE).score == 1.0
    hard = parity_score(shift_and_multiply, 3, code=CODE)
    # 480 fair coins: 0.63 is more than five standard deviations above one half.
    assert hard.score < 0.63
    for found in (parity_score(same, 2, code=CODE), match_to_sample_score(same, 3, code=CODE)):
        assert found.score == found.input_score < 0.63
        assert 0.5 <= found.chance < 0.6
    assert parity_score(same, 1, code=CODE).score == 1.0


def test_narma10_is_followed_better_with_more_memory():
    code = ValueCode(n_channels=40, hold=4, p_max=1.0, n_values=120, n_runs=8)

    def line(spikes):
        return np.concatenate([np.roll(spikes, 4 * k, axis=1) for k in range(10)], axis=2)

    found = narma10_score(line, code=code)
    assert found.score < 0.9 * found.input_score
    assert found.chance == pytest.approx(1.0, abs=0.05)
    forgets = narma10_score(dead, code=code)
    assert forgets.score == pytest.approx(forgets.chance)


def test_bad_input_is_refused():
    streams = poisson_streams(3, n_steps=10, n_channels=2)
    assert "Network" in refusal(kernel_quality, "liquid", streams)
    assert "one argument" in refusal(kernel_quality, lambda: streams, streams)
    assert "n_neurons" in refusal(kernel_quality, lambda x: x[:, :-1], streams)
    assert "step" in refusal(kernel_quality, same, streams, step=10)
    assert "streams" in refusal(kernel_quality, same, streams[0])
    assert "of the same shape" in refusal(separation, same, streams, streams[:2])
    assert "two classes" in refusal(class_separation, [[0.0], [1.0]], [1, 1])
    assert "tolerance" in refusal(numerical_rank, [[1.0]], tolerance=1.0)
    assert "values" in refusal(capacity_of, np.zeros((50, 2)), np.zeros(49))
    assert "at least" in refusal(capacity_of, np.zeros((20, 2)), np.zeros(20))
    assert "0 and 1" in refusal(parity, [0.5, 1.0], 1)
    assert "at least 3" in refusal(match_to_sample, [0, 1], 3)
    assert "washout" in refusal(ValueCode, n_values=10, washout=10)
