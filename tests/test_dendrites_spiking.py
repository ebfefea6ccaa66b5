"""Spiking segments decide as the boolean ones, on every backend and time grid."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import spikemem as sm
from spikemem import ActiveDendriteNeurons, DescriptionError
from spikemem.cells import LIF
from spikemem.codes import random_patterns
from spikemem.networks.dendrites import (
    SpikingDendrites,
    coincidence_window,
    frame_period,
    potential,
    segment_weight,
)
from spikemem.simulation import BACKENDS

PLACES = [name for name in ("brian2", "native", "emulator") if name in BACKENDS]
GRIDS = [(1.0, "spinnaker"), (1.0, "exact"), (0.1, "spinnaker"), (0.1, "exact")]
CELLS = {(5, 2): (1.0856, 1.0947), (10, 2): (1.3375, 1.3430), (20, 5): (3.1489, 3.1515)}


def cell(tau_m: float, tau_syn: float) -> LIF:
    return LIF(tau_m=tau_m, cm=1.0, tau_syn_E=tau_syn, tau_syn_I=tau_syn)


@pytest.mark.parametrize(("taus", "peaks"), CELLS.items())
def test_peaks_of_the_table(taus, peaks):
    one = cell(*taus)
    assert potential(one, integrator="exact").max() == pytest.approx(peaks[0], abs=6e-5)
    assert potential(one, integrator="spinnaker").max() == pytest.approx(peaks[1], abs=6e-5)
    tau_m, tau_s = taus
    at = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
    smooth = tau_m * tau_s / (tau_m - tau_s) * (np.exp(-at / tau_m) - np.exp(-at / tau_s))
    fine = potential(one, dt=0.001, integrator="exact").max()
    assert fine == pytest.approx(smooth, rel=1e-6)


def test_weights_of_the_table():
    weights = segment_weight([8, 12, 15, 20, 30], cell(10, 2), dt=0.1, integrator="exact")
    np.testing.assert_allclose(weights, [1.4954, 0.9752, 0.7735, 0.5751, 0.3802], atol=6e-5)
    weights = segment_weight([8, 12, 15, 20, 30], cell(20, 5), dt=0.1, integrator="exact")
    np.testing.assert_allclose(weights, [0.6350, 0.4141, 0.3284, 0.2442, 0.1614], atol=6e-5)


def test_equal_time_constants():
    one = potential(cell(5, 5), dt=0.01, integrator="exact").max()
    assert one == pytest.approx(5 / np.e, rel=1e-5)


def many_thresholds(per_theta: int, n_frames: int, seed: int):
    """Segments with theta from 1 to 30 on cells of their own, and frames with chosen overlaps."""
    rng = np.random.default_rng(seed)
    theta = np.repeat(np.arange(1, 31), per_theta)
    sizes = theta + 2
    starts = np.concatenate([[0], np.cumsum(sizes)])
    table = np.full((theta.size, sizes.max()), -1)
    for k, size in enumerate(sizes):
        table[k, :size] = starts[k] + np.arange(size)
    kinds = rng.integers(5, size=(n_frames, theta.size))
    choices = np.stack([np.zeros_like(theta), theta - 1, theta, theta + 1, sizes])
    overlap = choices[kinds, np.arange(theta.size)]
    # Each segment's first cells are active: which ones does not matter, since all weigh the same.
    frames = [
        np.concatenate([starts[k] + np.arange(count) for k, count in enumerate(row)])
        for row in overlap
    ]
    return table, theta, int(starts[-1]), frames, overlap


def check(per_theta, n_frames, backend, dt, integrator, taus=(10, 2), window=0.0):
    if backend == "emulator" and integrator == "exact":
        pytest.skip("the board has its own integrator")
    table, theta, n_inputs, frames, overlap = many_thresholds(per_theta, n_frames, seed=1)
    spiking = SpikingDendrites(
        table, theta, n_inputs, cell=cell(*taus), dt=dt, integrator=integrator, window=window,
        owner=np.arange(theta.size) % 7,
    )  # fmt: skip
    network = spiking.build(frames, seed=2)
    with warnings.catch_warnings():
        # The emulator names what it does not model below 1 ms; nothing here is plastic.
        warnings.filterwarnings("ignore", ".*separate cores", sm.SpikememWarning)
        recording = sm.simulate(network, backend=backend, integrator=integrator)
    decisions = spiking.decode(recording)
    expected = overlap >= theta
    assert 0.3 < expected.mean() < 0.9
    assert np.array_equal(decisions.segments, expected), "a mismatch, or a double spike"
    by_soma = np.stack([expected[:, k::7].any(axis=1) for k in range(7)], axis=1)
    assert np.array_equal(decisions.somas, by_soma)
    return expected.size


@pytest.mark.parametrize("backend", PLACES)
@pytest.mark.parametrize(("dt", "integrator"), GRIDS)
def test_spiking_is_boolean(backend, dt, integrator):
    check(20, 5, backend, dt, integrator)


@pytest.mark.parametrize("backend", PLACES)
@pytest.mark.parametrize("taus", CELLS)
def test_spiking_is_boolean_for_each_cell(backend, taus):
    check(10, 8, backend, 1.0, "spinnaker", taus)


@pytest.mark.slow
@pytest.mark.parametrize("backend", PLACES)
@pytest.mark.parametrize(("dt", "integrator"), GRIDS)
def test_spiking_is_boolean_in_100_000_decisions(backend, dt, integrator):
    assert check(84, 40, backend, dt, integrator) >= 100_000


def test_spikes_spread_over_the_window():
    """With theta = 30 the window of a 20 ms membrane is 1 ms or more."""
    widest = coincidence_window(30, cell(20, 5))
    assert widest >= 1.0
    check(5, 20, "brian2", 1.0, "spinnaker", (20, 5), window=widest)


@pytest.mark.parametrize(("dt", "integrator"), GRIDS)
@pytest.mark.parametrize("theta", [1, 2, 12, 20, 30])
def test_the_window_is_the_widest(theta, dt, integrator):
    """Two volleys, the worst case: any split of theta spikes fires up to the window."""
    one = cell(10, 2)
    shape = potential(one, dt=dt, integrator=integrator)
    reach = 15.0 / segment_weight(theta, one, dt=dt, integrator=integrator)
    window = coincidence_window(theta, one, dt=dt, integrator=integrator)
    ticks = round(window / dt)

    def peak(shift: int, first: int) -> float:
        late = np.concatenate([np.zeros(shift), shape])
        early = np.concatenate([shape, np.zeros(shift)])
        return float(np.max(first * early + (theta - first) * late))

    assert min(peak(ticks, first) for first in range(theta + 1)) >= reach
    # With few spikes, or coarse steps, not every split is possible, and more may be tolerated.
    if theta >= 12 and dt < 1:
        assert min(peak(ticks + round(0.2 / dt), k) for k in range(theta + 1)) < reach


def test_frame_period_of_the_table():
    """The shortest periods that were found by trial, within a quarter."""
    for taus, found in {(5, 2): (20, 22, 24), (10, 2): (36, 41, 46), (20, 5): (73, 84, 92)}.items():
        for theta, period in zip((12, 20, 30), found, strict=True):
            ours = frame_period(theta, cell(*taus), n_synapses=2 * theta)
            assert period <= ours <= 1.35 * period


@pytest.mark.parametrize("backend", PLACES)
def test_neurons_of_many_segments(backend):
    """Four neurons of 30 segments, frames from nothing to all that is stored."""
    neurons = ActiveDendriteNeurons(
        400, n_neurons=4, n_segments=30, synapses_per_segment=12, threshold=6,
        patterns_per_segment=2, seed=3,
    )  # fmt: skip
    patterns = random_patterns(200, size=400, active=16, seed=4)
    neurons.store(patterns)
    frames = [
        *random_patterns(10, size=400, active=60, seed=5),
        [],
        np.arange(400),
        *patterns[:10],
        [],
    ]
    spiking = neurons.spiking()
    recording = sm.simulate(spiking.build(frames), backend=backend)
    decisions = spiking.decode(recording)
    expected = neurons.overlaps(frames).reshape(len(frames), -1) >= 6
    assert expected[11].all()
    assert np.array_equal(decisions.segments, expected)
    assert np.array_equal(decisions.somas, neurons.detect(frames))


@pytest.mark.parametrize("backend", PLACES)
def test_plateaus(backend):
    neurons = ActiveDendriteNeurons(
        100, n_neurons=2, n_segments=2, synapses_per_segment=10, threshold=6
    )
    patterns = random_patterns(2, size=100, active=12, seed=1)
    neurons.store(patterns, neurons=[0, 1])
    spiking = neurons.spiking(plateau=100.0)
    frames = [patterns[0], [], [], [], [], [], *[patterns[1]] * 12]
    recording = sm.simulate(spiking.build(frames), backend=backend)
    up = spiking.predictive(recording)
    assert up[0].tolist() == [True, False]
    lasts = np.count_nonzero(up[:6, 0]) * spiking.period
    assert 50 <= lasts <= 200
    assert up[6:].tolist() == [[False, True]] * 12
    assert len(recording["plateaus"]) == 0
    v = recording.traces["plateaus", "v"]
    assert -53.0 < v.max() < -50.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": [[0, 9]]}, "cells must be from 0 to 4, or -1 for none, got 9"),
        ({"cells": [0, 1]}, r"shape \(n_segments, room\)"),
        ({"theta": 0}, "theta must be from 1 to 2147483647, got 0"),
        ({"theta": [2, 2, 2]}, "must be 1 or 2 integers"),
        ({"owner": [0, -1]}, "owner must be from 0"),
        ({"cell": 3}, "cell must be LIF"),
        ({"dt": 0.0}, "dt must be > 0 ms"),
        ({"integrator": "euler"}, "integrator"),
        ({"window": 50.0}, "window must be from 0 to"),
        ({"period": 10.0}, "period must be an even multiple of dt=1 ms and at least"),
        ({"period": 61.0}, "period must be an even multiple"),
    ],
)
def test_bad_input(change, message):
    good = {"cells": [[0, 1, 2], [2, 3, 4]], "theta": 2, "n_inputs": 5}
    with pytest.raises(DescriptionError, match=message):
        SpikingDendrites(**{**good, **change})


def test_bad_frames_and_recordings():
    spiking = SpikingDendrites([[0, 1, 2], [2, 3, 4]], 2, 5)
    with pytest.raises(DescriptionError, match="from 0 to 4, got 5"):
        spiking.build([[5]])
    with pytest.raises(DescriptionError, match="at least one frame, got none"):
        spiking.build([])
    recording = sm.simulate(SpikingDendrites([[0]], 1, 1).build([[0]]))
    with pytest.raises(DescriptionError, match="'segments' must have 2 cells, got 1"):
        spiking.decode(recording)
    with pytest.raises(DescriptionError, match="no plateaus"):
        spiking.predictive(recording)


def network_for_a_board():
    neurons = ActiveDendriteNeurons(
        1024, n_neurons=3, n_segments=40, synapses_per_segment=20, threshold=10, seed=1
    )
    patterns = random_patterns(120, size=1024, active=40, seed=2)
    neurons.store(patterns)
    return neurons.build(patterns[:3])


def test_nothing_stands_against_spinnaker():
    problems = sm.check(network_for_a_board(), "spinnaker")
    assert [str(problem) for problem in problems if problem.level == "error"] == []


def test_weights_of_spinnaker_are_exact():
    """Thresholds from 1 to 30 in one population, and wide segments: 16 bits hold each weight."""
    from spikemem.hardware.spinnaker import ring_buffer_shifts
    from spikemem.hardware.spinnaker.arithmetic import weight16

    table = np.tile(np.arange(250), (30, 1))
    network = SpikingDendrites(table, np.arange(1, 31), 250).build([np.arange(250)])
    shift = ring_buffer_shifts(network)["segments"][0]
    held = weight16(network.synapses("synapses").weight, shift) * 2.0 ** (shift - 15)
    assert np.array_equal(held, network.synapses("synapses").weight)


@pytest.mark.spinnaker
@pytest.mark.slow
def test_it_maps_on_a_virtual_board():
    from spikemem.hardware.spinnaker import map_network

    report = map_network(network_for_a_board())
    assert set(report.populations) >= {"segments", "somas"}
