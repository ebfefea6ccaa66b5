"""Streams of bits for working memory: their statistics, their answers, and what a liquid keeps."""

from __future__ import annotations

import numpy as np
import pytest
from nonsense import refusal
from scipy.stats import binom

import spikemem as sm
from spikemem.citations import bibtex
from spikemem.data import BitStreams, match_streams, parity_streams, transfer_matrix

DRAWS = {"parity": parity_streams, "match": match_streams}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("n", [2, 5, (2, 3, 7)])
def test_answers_are_those_of_the_definition(name, n):
    streams = DRAWS[name](n, 300, seed=1)
    windows = (n,) if isinstance(n, int) else n
    assert streams.windows == windows
    largest = max(windows)
    assert streams.lengths.min() >= largest + 2
    assert streams.lengths.max() <= 4 * largest + 1
    for row, length, labels in zip(streams.bits, streams.lengths, streams.labels, strict=True):
        bits = row[row >= 0].tolist()
        assert len(bits) == length
        assert (row[: row.size - length] == -1).all()
        for window, label in zip(windows, labels, strict=True):
            if name == "parity":
                assert label == sum(bits[-window:]) % 2
            else:
                assert label == (bits[-window] == bits[-1])


def test_every_length_is_drawn_and_each_stream_has_its_own_bias():
    streams = parity_streams(4, 6000, seed=0)
    counts = np.bincount(streams.lengths, minlength=18)
    assert counts[:6].sum() == 0
    # Each of 12 lengths: false alarm 1e-6.
    low, high = binom.ppf([5e-7, 1 - 5e-7], 6000, 1 / 12)
    assert ((counts[6:] >= low) & (counts[6:] <= high)).all()
    # The mean of the bits of a stream varies with a bias from 0 to 1 (SD 0.29 and more), and by
    # about 0.15 without.
    mean = np.array([row[row >= 0].mean() for row in streams.bits])
    assert mean.std() > 0.28
    fair = match_streams(4, 6000, seed=0)
    assert np.array([row[row >= 0].mean() for row in fair.bits]).std() < 0.18
    assert abs(fair.labels.mean() - 0.5) < 4.9 * 0.5 / 6000**0.5  # false alarm: 1e-6


def test_a_draw_depends_on_its_seed():
    first, again, other = (parity_streams(3, 50, seed=k) for k in (1, 1, 2))
    assert (first.bits == again.bits).all()
    assert (first.bits != other.bits).any()
    assert "khajehabdollahi2023emergent" in bibtex(first)


def test_spikes_show_each_bit_on_its_half_of_the_channels():
    streams = match_streams(2, 20, seed=0)
    spikes = streams.spikes(n_channels=6, hold=3, p=1.0)
    assert spikes.shape == (20, streams.bits.shape[1] * 3, 6)
    shown = np.repeat(streams.bits, 3, axis=1)
    assert (spikes[:, :, :3].all(axis=2) == (shown == 1)).all()
    assert (spikes[:, :, 3:].all(axis=2) == (shown == 0)).all()
    assert not streams.spikes(p=0.0).any()
    part = streams.spikes(n_channels=40, hold=20, p=0.3, seed=4)
    chances = np.repeat(streams.bits >= 0, 20, axis=1).sum() * 20
    low, high = binom.ppf([5e-7, 1 - 5e-7], chances, 0.3)
    assert low <= part.sum() <= high


def test_the_matrix_of_perfect_states_is_1_on_its_diagonal():
    train, test = (match_streams((2, 3, 4), 400, seed=k) for k in (0, 1))
    matrix = transfer_matrix(train.labels, train, test.labels, test)
    assert matrix.shape == (3, 3)
    assert (matrix.diagonal() == 1.0).all()
    others = matrix[~np.eye(3, dtype=bool)]
    # Tasks of fair bits are independent of each other; false alarm of all six: 6e-6.
    assert np.abs(others - 0.5).max() < 4.9 * 0.5 / 20
    for i in range(3):
        for j in range(3):
            assert matrix[i, j] == (test.labels[:, i] == test.labels[:, j]).mean()


def test_a_liquid_keeps_short_windows_better_than_long_ones():
    windows = (2, 3, 6)
    train, test = (match_streams(windows, n, seed=k) for k, n in ((0, 700), (1, 400)))
    liquid = sm.LiquidStateMachine(16, 150, seed=0)
    # The state is the count of the last 20 steps.
    states = [
        liquid.spikes(part.spikes(seed=k))[:, -20:].sum(axis=1)
        for k, part in enumerate((train, test))
    ]
    matrix = transfer_matrix(states[0], train, states[1], test, strength=100.0)
    assert matrix.shape == (3, 3)
    # A readout that guesses: 0.5 with an SD of 0.025.
    assert matrix[0, 0] > 0.62
    assert matrix[0, 0] > matrix[2, 2]
    assert abs(matrix[0, 2] - 0.5) < 0.12


def test_bad_arguments_are_refused():
    assert "n must be" in refusal(parity_streams, [], 3)
    assert "different" in refusal(parity_streams, [2, 2], 3)
    assert "n must be" in refusal(match_streams, 1, 3)
    assert "n must be" in refusal(parity_streams, True, 3)
    streams, other = match_streams(2, 30), match_streams(3, 30)
    states = np.ones((30, 2))
    assert "windows of streams" in refusal(transfer_matrix, states, streams, states, other)
    assert "30 streams" in refusal(transfer_matrix, states[:9], streams, states, streams)
    assert "features" in refusal(transfer_matrix, states, streams, states[:, :1], streams)
    one = BitStreams(bits=np.ones((3, 4)), windows=(2,), labels=np.ones((3, 1)))
    assert "both answers" in refusal(transfer_matrix, states[:3], one, states[:3], one)
    with pytest.raises(sm.DescriptionError, match="labels must have shape"):
        BitStreams(bits=np.ones((3, 4)), windows=(2, 3), labels=np.ones((3, 1)))
    with pytest.raises(sm.DescriptionError, match="whole numbers"):
        BitStreams(bits=np.full((3, 4), 0.5), windows=(2,), labels=np.ones((3, 1)))
