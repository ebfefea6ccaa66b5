"""Numbers, names and Brian2 quantities at the door."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonsense import nonsense, refusal

import spikemem as sm
from spikemem import units
from spikemem.errors import DescriptionError
from spikemem.units import in_unit, off_grid, steps, to_array, to_float, to_int, to_integers

BRIAN2_NAMES = {"nF": "nfarad", "uS": "usiemens", "Hz": "hertz", "s": "second"}


@pytest.fixture(scope="module")
def brian2():
    return pytest.importorskip("brian2")


@pytest.mark.parametrize("unit", units.UNITS)
def test_a_quantity_is_converted(brian2, unit):
    scale = getattr(brian2, BRIAN2_NAMES.get(unit, unit))
    assert to_float(20 * scale, unit, "x") == 20.0
    assert to_array([1, 2] * scale, unit, "x").tolist() == [1.0, 2.0]
    assert to_array([1 * scale, 2 * scale], unit, "x").tolist() == [1.0, 2.0]
    assert type(to_array([1, 2] * scale, unit, "x")) is np.ndarray


@pytest.mark.parametrize("unit", units.UNITS)
def test_a_quantity_of_another_dimension_is_refused_with_the_unit(brian2, unit):
    for wrong in (3 * brian2.meter, [3 * brian2.meter]):
        with pytest.raises(DescriptionError, match=f"^tau_m must be in {unit}, got the Brian2"):
            to_float(wrong, unit, "tau_m")


@given(st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: float(f"{x:.9g}")))
def test_a_quantity_gives_the_very_float_that_was_written(value):
    brian2 = pytest.importorskip("brian2")
    if abs(value) > 1e-6:
        assert to_float(value * brian2.ms, "ms", "x") == value


def test_other_scales_of_the_dimension_are_converted(brian2):
    assert to_float(1 * brian2.second, "ms", "x") == 1000.0
    assert to_float(-0.065 * brian2.volt, "mV", "x") == -65.0


def test_quantities_reach_the_fields(brian2):
    ms, mV, nA = brian2.ms, brian2.mV, brian2.nA
    cell = sm.LIF(tau_m=[3, 4] * ms, v_rest=-70 * mV, cm=0.27 * brian2.nfarad, i_offset=1 * nA)
    assert cell.tau_m.tolist() == [3.0, 4.0]
    assert (cell.v_rest, cell.cm, cell.i_offset) == (-70.0, 0.27, 1.0)
    rule = sm.STDP(a_plus=1 * nA, a_minus=1 * nA, w_max=6 * nA, enabled=[(1 * ms, 2 * ms)])
    assert rule.enabled == ((1.0, 2.0),)
    wire = sm.Projection.all_to_all("p", "a", "a", weight=1 * nA, delay=2 * ms)
    assert (wire.weight, wire.delay) == (1.0, 2.0)
    trains = sm.SpikeTrains(ids=[0, 0], times=[1, 3] * ms, size=1, duration=5 * ms)
    assert (trains.times.tolist(), trains.duration) == ([1.0, 3.0], 5.0)
    assert len(trains.window(2 * ms, 4 * ms)) == 1
    assert trains.at(3 * ms).tolist() == [0]
    assert trains.shift(1 * ms).times.tolist() == [2.0, 4.0]
    assert sm.SpikeTrains.from_lists([[1 * ms], [2 * ms]]).times.tolist() == [1.0, 2.0]


@pytest.fixture(scope="module")
def pq():
    return pytest.importorskip("quantities")


PQ_NAMES = {"Ohm": "ohm"}


@pytest.mark.parametrize("unit", [*units.UNITS, "V", "Ohm", "nm", "A"])
def test_a_value_of_quantities_is_converted(pq, unit):
    one = pq.Quantity(1.0, PQ_NAMES.get(unit, unit))
    assert to_float(20 * one, unit, "x") == 20.0
    for values in ([1, 2] * one, [1 * one, 2 * one], np.array([1 * one, 2 * one], dtype=object)):
        plain = to_array(values, unit, "x")
        assert plain.tolist() == [1.0, 2.0]
        assert type(plain) is np.ndarray
    for wrong in (3 * pq.mol, [3 * pq.mol], np.array([3 * pq.mol, 1], dtype=object)):
        with pytest.raises(DescriptionError, match=f"^x must be in {unit}, got the quantities"):
            to_array(wrong, unit, "x")


@given(st.integers(-(10**9), 10**9), st.sampled_from([(-6, "us"), (-3, "ms"), (0, "s")]))
def test_a_value_of_quantities_gives_the_float_of_the_same_decimal(number, scale):
    pq = pytest.importorskip("quantities")
    written = float(f"{number}e-5")
    given_unit = pq.Quantity(written, scale[1])
    expected = float(f"{number}e{scale[0] + 3 - 5}")
    assert to_float(given_unit, "ms", "x") == expected


def test_spike_trains_of_neo_are_converted(pq):
    neo = pytest.importorskip("neo")
    train = neo.SpikeTrain([0.002, 0.0057] * pq.s, t_stop=1.0 * pq.s)
    trains = sm.SpikeTrains.from_lists([train, train], duration=0.5 * pq.s)
    assert trains.to_lists() == [[2.0, 5.7], [2.0, 5.7]]
    assert trains.duration == 500.0
    assert sm.SpikeTrains.from_lists(neo.core.spiketrainlist.SpikeTrainList([train])).size == 1
    assert sm.SpikeTrains(ids=[0, 0], times=train, size=1).times.tolist() == [2.0, 5.7]


def test_indices_have_no_unit(pq, brian2):
    assert to_integers(pq.Quantity([1, 2], "dimensionless"), "i").tolist() == [1, 2]
    for wrong in (pq.Quantity([1, 2], "ms"), [1, 2] * brian2.ms, [pq.Quantity(1, "ms")]):
        with pytest.raises(DescriptionError, match=r"^i must have no unit"):
            to_integers(wrong, "i")
        assert refusal(to_int, wrong, "i")


class Foreign:
    """As pint's quantities are: a magnitude with units."""

    units, magnitude = "second", 0.02

    def __float__(self):
        return self.magnitude

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.magnitude)


class ForeignArray(np.ndarray):
    """As those of astropy (`unit`) and unyt (`units`) are."""

    unit = "s"


class Labelled(Foreign):
    """As the arrays of xarray and the datasets of h5py are."""

    units = None
    attrs = {"units": "s"}  # noqa: RUF012


@pytest.mark.parametrize(
    "value", [Foreign(), np.zeros(2).view(ForeignArray), Labelled()], ids=lambda v: type(v).__name__
)
def test_units_that_are_not_understood_are_refused(value):
    for given_value in (value, [1.0, value], (value,), np.array([value, 1.0], dtype=object)):
        if isinstance(given_value, np.ndarray) and given_value.dtype != object:
            continue
        with pytest.raises(DescriptionError, match=r"^tau_m has a unit that is not understood: 's"):
            to_array(given_value, "ms", "tau_m")
    assert "is not understood" in refusal(to_integers, value, "i")
    assert "is not understood" in refusal(sm.metrics.binary_entropy, value)


def test_hidden_values_of_masked_arrays_are_refused():
    shown = np.ma.array([1.0, 2.0], mask=[False, False])
    assert to_array(shown, "ms", "x").tolist() == [1.0, 2.0]
    hidden = np.ma.array([1.0, 2.0], mask=[False, True])
    for value in (hidden, [hidden], np.ma.masked, [1.0, np.ma.masked]):
        assert refusal(to_array, value, "ms", "x").startswith("x has 1 masked values")
    assert "masked" in refusal(to_integers, np.ma.array([1, 2], mask=[True, False]), "x")


def test_lists_that_hold_themselves_are_refused():
    endless = []
    endless.append(endless)
    assert refusal(to_array, endless, "ms", "x")


def test_values_of_a_running_brian2_model_keep_their_unit(brian2):
    group = brian2.NeuronGroup(2, "v : volt", name="units_of_a_view")
    group.v = [-65, -70] * brian2.mV
    assert to_array(group.v, "mV", "v_init").tolist() == [-65.0, -70.0]
    assert "must be in ms" in refusal(to_array, group.v, "ms", "delay")


@pytest.mark.parametrize(
    "times",
    [{7: [1.0, 2.0]}, {1.0, 2.0}, [1.0, 2.0], 3.0, "12", (t for t in [[1.0]]), [[1.0], "2"],
     [[1.0], {2.0}], [[1.0], None], np.arange(3.0), [[[1.0]]]],
    ids=lambda times: type(times).__name__,
)  # fmt: skip
def test_spike_trains_are_made_of_a_list_for_each_cell(times):
    said = refusal(sm.SpikeTrains.from_lists, times)
    assert said.startswith("SpikeTrains.from_lists: times")
    assert "[[1.0, 3.0], []]" in said


def test_rows_of_arrays_are_lists_of_times():
    assert sm.SpikeTrains.from_lists(np.array([[1.0], [2.0]])).to_lists() == [[1.0], [2.0]]


def test_all_wrong_dimensions_are_named_at_once(brian2):
    with pytest.raises(DescriptionError) as caught:
        sm.LIF(tau_m=1 * brian2.mV, cm=1 * brian2.ms)
    assert "tau_m must be in ms" in str(caught.value)
    assert "cm must be in nF" in str(caught.value)


def test_plain_numbers_pass_through():
    assert in_unit(20.0, "ms", "x") == 20.0
    assert to_float(np.float32(2.5), "ms", "x") == 2.5
    assert to_float(np.array(3), "ms", "x") == 3.0


NOT_NUMBERS = [None, True, "1.0", b"1", [True], ["1.0"], 1j, [1, "a"], [[1, 2], [3]], {}, object(),
               np.datetime64("2020-01-01"), 2**70, float("nan"), [1.0, float("inf")]]  # fmt: skip


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
def test_not_numbers_are_refused(value):
    with pytest.raises(DescriptionError, match=r"^tau_m must be (in ms|finite)"):
        to_array(value, "ms", "tau_m")


@pytest.mark.parametrize(
    "check",
    [
        lambda value: to_array(value, "ms", "x"),
        lambda value: to_float(value, "ms", "x"),
        lambda value: to_int(value, "x"),
        lambda value: to_integers(value, "x"),
        lambda value: units.to_name(value, "x"),
        lambda value: units.to_flag(value, "x"),
        lambda value: units.to_choice(value, "x", ("a", "b")),
        lambda value: units.to_tuple(value, "x", "numbers"),
    ],
)
def test_nonsense_meets_a_described_error_or_none(check):
    for value in nonsense():
        text = refusal(check, value)
        assert text is None or text.startswith("x")


def test_arrays_are_copies():
    mine = np.array([1.0, 2.0])
    assert not np.shares_memory(to_array(mine, "ms", "x"), mine)


def test_whole_numbers_have_limits():
    assert to_int(np.int16(3), "n") == 3
    for value in (0, -1, 2.0, True, "3", 2**31):
        with pytest.raises(DescriptionError, match=r"^n must be an int"):
            to_int(value, "n")
    with pytest.raises(DescriptionError, match="from 0 to"):
        to_integers(np.array([2**40]), "i")


def test_steps_and_the_grid():
    assert steps([0.3, 0.7], 0.1).tolist() == [3, 7]
    assert off_grid(np.array([0.3, 0.35, 1e300]), 0.1).tolist() == [False, True, True]


@pytest.mark.parametrize(("time", "count"), [(0.1, 1), (0.3, 3), (0.3 + 9e-7, 3), (1e6, 10**7)])
def test_whole_steps(time, count):
    assert units.whole_steps(time, 0.1, "duration") == count
    assert units.whole_steps(0.0, 0.1, "start", least=0) == 0


@pytest.mark.parametrize("time", [0.0, -0.1, 0.05, 0.3 + 2e-6, 1e300])
def test_times_that_are_not_whole_steps_are_refused(time):
    with pytest.raises(DescriptionError):
        units.whole_steps(time, 0.1, "duration")
    if -1 < time < 1:
        with pytest.raises(DescriptionError, match=r"duration must be a positive multiple of dt"):
            units.whole_steps(time, 0.1, "duration")


def test_steps_are_rounded_up_but_for_the_rounding_of_floats():
    times = [0.0, 0.1 + 0.2, 0.3001, 2.0]
    assert units.steps_up(times, 0.1).tolist() == [0.0, 3.0, 4.0, 20.0]
