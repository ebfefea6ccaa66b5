"""Mapping and arrays: identity without noise, the same seed, ageing, faults, files, bad input."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikemem as sm
from spikemem.hardware.resistive import (
    HERMES,
    PCM,
    BitSlices,
    CMOHfOx,
    DifferentialPair,
    Faults,
    Generic,
    Ideal,
    Offset,
    SingleDevice,
    Verify,
    WanRRAM,
    from_measurements,
    load_array,
    program,
)

MAPPINGS = [
    DifferentialPair(),
    DifferentialPair(balanced=True),
    DifferentialPair(factors=(1.0, 4.0)),
    DifferentialPair(factors=(1.0, 4.0), fill="alike"),
    Offset(),
    Offset(reference="device"),
]
SIGNED = np.random.default_rng(0).normal(0, 2.0, (20, 30))


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda m: f"{type(m).__name__}")
@pytest.mark.parametrize("g_min", [0.0, 3.0])
def test_weights_come_back_from_conductances(mapping, g_min):
    w_max = float(np.abs(SIGNED).max())
    g = mapping.targets(SIGNED, w_max, g_min, 25.0)
    assert g.min() >= g_min
    assert g.max() <= 25.0 + 1e-12
    assert g.shape == (mapping.n_devices, *SIGNED.shape)
    back = mapping.weights(g, w_max, g_min, 25.0)
    np.testing.assert_allclose(back, SIGNED, rtol=0, atol=1e-12)


@given(st.floats(0, 6.0), st.floats(0, 10.0))
def test_single_device_gives_every_weight_back(weight, g_min):
    g = SingleDevice().targets([weight], 6.0, g_min, 25.0)
    assert SingleDevice().weights(g, 6.0, g_min, 25.0)[0] == pytest.approx(weight, abs=1e-12)


def test_bit_slices_round_to_their_grid():
    mapping = BitSlices(bits=6, per_device=2)
    on_grid = np.arange(-63, 64) * (2.0 / 63)
    g = mapping.targets(on_grid, 2.0, 1.0, 25.0)
    np.testing.assert_allclose(mapping.weights(g, 2.0, 1.0, 25.0), on_grid, atol=1e-12)
    assert np.unique(g).size == 4
    anything = np.linspace(-2, 2, 1001)
    back = mapping.weights(mapping.targets(anything, 2.0, 1.0, 25.0), 2.0, 1.0, 25.0)
    assert np.abs(back - anything).max() <= 1.0 / 63 + 1e-12


def test_the_pair_of_lowest_significance_is_filled_first():
    g = DifferentialPair(factors=(1.0, 4.0)).targets([0.2, 0.6, 1.0], 1.0, 0.0, 10.0)
    np.testing.assert_allclose(g[:2], [[10, 10, 10], [0, 5, 10]])


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda m: f"{type(m).__name__}")
def test_without_noise_nothing_changes(mapping):
    for device in (Ideal(), Generic()):
        array = program(device, SIGNED, mapping=mapping)
        for time in (0.0, 1e9):
            np.testing.assert_allclose(array.weights(time), SIGNED, atol=1e-12)
            np.testing.assert_allclose(array.weights(time, draw=0), SIGNED, atol=1e-12)


def test_levels_round_the_target():
    array = program(Ideal(levels=5, g_max=8.0), [0.1, 0.4, 0.9], w_max=1.0)
    np.testing.assert_allclose(array.weights(), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(array.wanted(), array.weights())


DEVICES = [PCM(), HERMES(), WanRRAM(), CMOHfOx()]


@pytest.mark.parametrize("device", DEVICES, ids=lambda d: d.name)
def test_the_same_seed_gives_the_same_array_in_any_process(device):
    code = (
        "import numpy as np\n"
        "from spikemem.hardware.resistive import *\n"
        f"a = program({device.name}(), np.linspace(-1, 1, 7), seed=5, name='n')\n"
        "print(a.read(86400.0, draw=2).tobytes().hex())"
    )
    root = Path(__file__).resolve().parents[1]
    got = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()
    array = program(device, np.linspace(-1, 1, 7), seed=5, name="n")
    assert array.read(86400.0, draw=2).tobytes().hex() == got


@pytest.mark.parametrize("device", DEVICES, ids=lambda d: d.name)
def test_time_only_ages(device):
    array = program(device, SIGNED, seed=2)
    before = {t: array.conductances(t) for t in (device.first_age, 3600.0, 86400.0)}
    array.read(3600.0)
    for time in (86400.0, device.first_age, 3600.0):
        np.testing.assert_array_equal(array.conductances(time), before[time])
    np.testing.assert_array_equal(array.conductances(device.first_age), array.programmed)
    last = array.conductances(min(device.ages[1], 365 * 86400.0))
    assert np.isfinite(last).all()
    # Devices keep their rank apart from what their own exponents do: they are not drawn anew.
    assert np.corrcoef(before[device.first_age].ravel(), last.ravel())[0, 1] > 0.97


def test_reads_have_the_noise_that_is_stated():
    array = program(PCM(), np.full(40_000, 0.5), w_max=1.0)
    first, second = (array.weights(3600.0, draw) for draw in (0, 1))
    spread = (first - second).std() / np.sqrt(2)
    expected = np.sqrt((array.weight_sd(3600.0) ** 2).mean())
    assert spread == pytest.approx(expected, rel=0.02)
    np.testing.assert_array_equal(first, array.weights(3600.0, 0))


def test_a_generator_as_seed_gives_independent_arrays():
    rng = np.random.default_rng(1)
    first, second = (program(PCM(), [1.0], seed=rng) for _ in range(2))
    assert first.programmed[0] != second.programmed[0]
    again = program(PCM(), [1.0], seed=np.random.default_rng(1))
    np.testing.assert_array_equal(first.programmed, again.programmed)


def test_write_and_verify_meets_its_tolerance():
    target = np.full(20_000, 0.5)
    once = program(PCM(), target, w_max=1.0, mapping=SingleDevice())
    checked = program(
        PCM(), target, w_max=1.0, mapping=SingleDevice(), verify=Verify(tolerance=0.5, rounds=50)
    )
    off = np.abs(checked.programmed - 12.5)
    assert off.max() <= 0.5
    assert checked.accepted == 1.0
    assert checked.writes > 1.5 * once.writes
    limited = program(
        PCM(), target, w_max=1.0, mapping=SingleDevice(), verify=Verify(tolerance=0.5, rounds=1)
    )
    accepted = (np.abs(once.programmed - 12.5) <= 0.5).mean()
    assert limited.accepted == pytest.approx(accepted)
    np.testing.assert_array_equal(limited.programmed, once.programmed)


def test_reprogramming_draws_anew_and_keeps_what_is_broken():
    array = program(PCM(), SIGNED, faults=Faults(missing=0.1), seed=4)
    again = array.reprogram()
    assert again.generation == 1
    np.testing.assert_array_equal(array.target, again.target)
    assert (array.programmed != again.programmed).mean() > 0.4
    np.testing.assert_array_equal(np.isnan(array.fixed), np.isnan(again.fixed))
    other = array.reprogram(-SIGNED)
    np.testing.assert_allclose(other.wanted(), -SIGNED, atol=1e-12)
    with pytest.raises(sm.DescriptionError, match="must have shape"):
        array.reprogram([1.0])


def test_faults_have_their_fractions_and_are_nested():
    weights = np.ones((300, 200))
    small = program(Ideal(), weights, faults=Faults(missing=0.05, stuck_high=0.1), seed=1).fixed
    assert (small == 0).mean() == pytest.approx(0.05, abs=0.004)
    assert (small == 25.0).mean() == pytest.approx(0.1, abs=0.005)
    large = program(Ideal(), weights, faults=Faults(missing=0.2), seed=1).fixed
    assert np.isin(np.flatnonzero(small == 0), np.flatnonzero(large == 0)).all()


def test_broken_lines_take_whole_rows_and_columns():
    array = program(
        Ideal(), np.ones((50, 40)), faults=Faults(open_rows=0.2), mapping=SingleDevice()
    )
    dead = array.conductances()[0] == 0
    assert (dead.all(axis=1) == dead.any(axis=1)).all()
    assert 0 < dead.any(axis=1).mean() < 0.5
    array = program(Ideal(), np.ones((50, 40)), faults=Faults(open_columns=0.2))
    dead = array.fixed == 0
    assert (dead.all(axis=1) == dead.any(axis=1)).all()


def test_stuck_devices_neither_age_nor_have_noise():
    array = program(PCM(), np.full(100, 0.5), w_max=1.0, faults=Faults(stuck_high=1.0))
    assert (array.read(86400.0) == 25.0).all()
    assert (array.read_sd(86400.0) == 0.0).all()


@pytest.mark.parametrize(
    "device", [*DEVICES, from_measurements([0, 9], mean=[0, 8], sd=[1, 1])], ids=lambda d: d.name
)
def test_an_array_is_the_same_after_a_file_and_a_pickle(tmp_path, device):
    array = program(
        device, SIGNED, mapping=DifferentialPair(factors=(1.0, 2.0)), faults=Faults(missing=0.1)
    )
    back = load_array(array.save(tmp_path / "array.h5"))
    time = device.ages[1] if device.name == "Measured" else 86400.0
    for other in (back, pickle.loads(pickle.dumps(array))):
        np.testing.assert_array_equal(other.read(time, 3), array.read(time, 3))
        np.testing.assert_array_equal(other.reprogram().programmed, array.reprogram().programmed)
    with pytest.raises(sm.StorageError, match="holds no network"):
        sm.load_network(tmp_path / "array.h5")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: program(PCM(), [np.nan]), "weights must be finite"),
        (lambda: program(PCM(), [0.0]), "pass w_max"),
        (lambda: program(PCM(), [2.0], w_max=1.0), "larger w_max"),
        (lambda: program(PCM(), [2.0], w_max=-1.0), "w_max must be > 0"),
        (lambda: program("PCM", [2.0]), "device must be a Device"),
        (lambda: program(PCM(), [2.0], seed=-1), "seed must be"),
        (lambda: program(PCM(), [2.0]).read(0.0, draw=-1), "draw must be an int >= 0"),
        (lambda: program(PCM(), [-2.0], mapping=SingleDevice()), "DifferentialPair or an Offset"),
        (lambda: SingleDevice().weights(np.ones((2, 3)), 1.0, 0.0, 1.0), "shape"),
        (lambda: DifferentialPair(factors=(0.0,)), r"factors\[0\] must be > 0"),
        (lambda: DifferentialPair(fill="first"), "'first' is not a valid choice .*alike, lowest"),
        (lambda: Offset(reference="none"), "'none' is not a valid choice .*device, digital"),
        (lambda: BitSlices(bits=5, per_device=2), "multiple of per_device"),
        (lambda: Faults(missing=1.5), "missing must be .*1, got 1.5"),
        (lambda: Faults(missing=0.6, stuck_low=0.6), "at most 1"),
        (lambda: Verify(tolerance=0.0), "tolerance must be > 0"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(sm.DescriptionError, match=words):
        make()
