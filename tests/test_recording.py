"""Spike trains and recordings: checked, frozen, cut, joined and split."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nonsense import nonsense, refusal
from samples import any_recording, small_network, small_recording, spike_trains

import spikemem as sm
from spikemem.errors import DescriptionError

SPIKES = {"ids": [0, 1], "times": [1.0, 0.5], "size": 2, "duration": 2.0}


@pytest.mark.parametrize("field", SPIKES)
def test_spike_trains_refuse_nonsense(field):
    said = [refusal(sm.SpikeTrains, **{**SPIKES, field: value}) for value in nonsense()]
    texts = [text for text in said if text is not None]
    assert len(texts) > 25
    assert all(text.startswith("SpikeTrains: ") for text in texts)


def test_all_problems_of_spike_trains_come_at_once():
    with pytest.raises(DescriptionError) as caught:
        sm.SpikeTrains(ids=[0, 5, 1], times=[-1.0, 9.0], size=2, duration=3.0)
    text = str(caught.value)
    for part in ("ids must be from 0 to 1 (size=2), got 5", "got (3,) and (2,)",
                 "times must be >= 0 ms, got -1", "below duration=3 ms, got 9"):  # fmt: skip
        assert part in text


def test_spikes_are_sorted_and_frozen():
    trains = sm.SpikeTrains(ids=[2, 1, 0], times=[5.0, 5.0, 1.0], size=3)
    assert (trains.ids.tolist(), trains.times.tolist()) == ([0, 1, 2], [1.0, 5.0, 5.0])
    assert trains.ids.dtype == np.int32
    for array in (trains.ids, trains.times):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@given(spike_trains())
def test_lists_and_counts_say_the_same(trains):
    lists = trains.to_lists()
    again = sm.SpikeTrains.from_lists(lists, duration=trains.duration)
    assert again == trains
    assert [len(train) for train in lists] == trains.counts().tolist()
    assert len(trains) == sum(map(len, lists))


@given(spike_trains(), st.floats(0, 1e6))
def test_shift_there_and_back(trains, by):
    there = trains.shift(by)
    assert there.duration >= trains.duration
    assert np.array_equal(there.times, trains.times + by)
    assert there.shift(-by).to_grid(1.0) == trains


def test_shift_does_not_fail_by_rounding():
    late = sm.SpikeTrains(ids=[0], times=[1.0], size=1).shift(100.0)
    assert late.times.tolist() == [101.0]
    with pytest.raises(DescriptionError, match="must not become negative"):
        late.shift(-200.0)


def test_at_window_and_grid():
    trains = sm.SpikeTrains(ids=[0, 2, 1, 1], times=[1.0, 1.0, 1.2, 2.6], size=3, duration=3.0)
    assert trains.at(1.0).tolist() == [0, 2]
    assert trains.at(1.5).tolist() == []
    assert trains.window(1.0, 1.2).ids.tolist() == [0, 2]
    assert trains.window(1.0, 1.2).duration == 3.0
    grid = trains.to_grid(1.0)
    assert (grid.times.tolist(), grid.duration) == ([1.0, 1.0, 1.0, 3.0], 4.0)
    assert sm.SpikeTrains(ids=[0, 0], times=[1.0, 1.1], size=1).to_grid(1.0).times.tolist() == [1.0]


def test_select_renumbers():
    trains = sm.SpikeTrains(ids=[0, 1, 2], times=[1.0, 2.0, 3.0], size=3)
    assert trains.select([2, 0]).to_lists() == [[3.0], [1.0]]
    for cells in ([3], [-1], [0, 0], []):
        with pytest.raises(DescriptionError, match=r"SpikeTrains\.select: cells"):
            trains.select(cells)


def test_side_by_side():
    trains = sm.SpikeTrains(ids=[1], times=[2.0], size=2, duration=4.0)
    both = sm.SpikeTrains.side_by_side([trains, sm.SpikeTrains.empty(1, duration=9.0), trains])
    assert (both.ids.tolist(), both.size, both.duration) == ([1, 4], 5, 9.0)


@pytest.mark.parametrize(
    "call",
    [
        *("at", "shift", "to_grid", "select", "side_by_side", "from_lists", "empty"),
        *(lambda trains, x: trains.window(x, 5.0), lambda trains, x: trains.window(0.0, x)),
        lambda trains, x: trains.at(1.0, tolerance=x),
        lambda trains, x: trains == x,
    ],
)
def test_every_method_meets_nonsense_with_a_description(call):
    trains = sm.SpikeTrains(ids=[0, 1], times=[1.0, 2.0], size=2)
    for value in nonsense():
        if isinstance(call, str):
            text = refusal(getattr(trains, call), value)
        else:
            text = refusal(call, trains, value)
        assert text is None or "SpikeTrains" in text


def test_equality_and_repr():
    first, second = sm.SpikeTrains(**SPIKES), sm.SpikeTrains(**{**SPIKES, "duration": 5.0})
    assert first == second
    assert first != sm.SpikeTrains(**{**SPIKES, "size": 3})
    assert first != 3
    assert repr(first) == "SpikeTrains(2 spikes of 2 cells in 2 ms)"


RECORDING = {
    "spikes": {"a": sm.SpikeTrains(**SPIKES)}, "traces": {("a", "v"): np.zeros((2, 2))},
    "weights": {"p": np.ones(3)}, "dt": 1.0, "start": 0.0, "stop": 2.0, "provenance": {},
}  # fmt: skip


@pytest.mark.parametrize("field", RECORDING)
def test_recordings_refuse_nonsense(field):
    said = [refusal(sm.Recording, **{**RECORDING, field: value}) for value in nonsense()]
    texts = [text for text in said if text is not None]
    assert len(texts) > 25
    assert all(text.startswith("Recording: ") for text in texts)


@pytest.mark.parametrize("field", ["spikes", "traces", "weights"])
def test_recordings_refuse_nonsense_inside(field):
    key = next(iter(RECORDING[field]))
    for value in nonsense():
        for inside in ({key: value}, {value: RECORDING[field][key]} if hashable(value) else {}):
            text = refusal(sm.Recording, **{**RECORDING, field: inside})
            assert text is None or text.startswith(("Recording: 2", f"Recording: {field}"))


def hashable(value):
    try:
        hash(value)
    except TypeError:
        return False
    return True


def test_all_problems_of_a_recording_come_at_once():
    with pytest.raises(DescriptionError) as caught:
        sm.Recording(
            spikes={"a": 1}, traces={"v": np.zeros(3), ("a", "v"): np.zeros((3, 2))},
            weights={"p": np.zeros((2, 2))}, stop=2.0,
        )  # fmt: skip
    assert str(caught.value).startswith("Recording: 4 problems")
    assert "must have shape (2, n), got (3, 2)" in str(caught.value)


def test_a_recording_is_frozen_and_aliases_nothing():
    trace, weights = np.zeros((2, 2)), np.ones(3)
    trains = {"a": sm.SpikeTrains(**SPIKES)}
    recording = sm.Recording(
        **{**RECORDING, "spikes": trains, "traces": {("a", "v"): trace}, "weights": {"p": weights}}
    )
    trace[:], weights[:] = 9.0, 9.0
    trains.clear()
    assert recording.same_as(sm.Recording(**RECORDING))
    with pytest.raises(TypeError):
        recording.spikes["b"] = None
    with pytest.raises(ValueError, match="read-only"):
        recording.weights["p"][0] = 0.0


def test_frozen_arrays_are_not_copied_again():
    trace = np.zeros((2, 2))
    trace.flags.writeable = False
    kept = sm.Recording(**{**RECORDING, "traces": {("a", "v"): trace}}).traces["a", "v"]
    assert kept is trace
    view = np.zeros((2, 2))[:]
    view.flags.writeable = False
    kept = sm.Recording(**{**RECORDING, "traces": {("a", "v"): view}}).traces["a", "v"]
    assert not np.shares_memory(kept, view)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_recordings_go_to_other_processes(again):
    recording = small_recording()
    twin = again(recording)
    assert twin.same_as(recording)
    assert dict(twin.provenance) == dict(recording.provenance)
    assert not twin.traces["out", "v"].flags.writeable
    assert not twin.spikes["out"].times.flags.writeable


def test_unknown_populations_list_the_recorded_ones():
    recording = small_recording()
    assert len(recording["out"]) == 3
    with pytest.raises(DescriptionError, match=r"have: in, out\). Did you mean 'out'"):
        recording["outt"]
    for value in nonsense():
        with pytest.raises(DescriptionError, match="is not a recorded population"):
            recording[value]


def test_times_and_repr():
    recording = small_recording(start=2.0, stop=4.0, dt=0.5)
    assert recording.times.tolist() == [2.0, 2.5, 3.0, 3.5]
    assert recording.duration == 2.0
    assert "2 populations, 3 spikes, 2 traces" in repr(recording)


def test_same_as_sees_every_difference_and_takes_nan_for_equal():
    base = small_recording()
    others = [
        small_recording(spikes={"out": base["out"]}),
        small_recording(spikes={**base.spikes, "out": base["out"].shift(0.25)}),
        small_recording(weights={"learnt": [0.5, np.nextafter(1.5, 2)]}),
        small_recording(traces={("out", "v"): base.traces["out", "v"]}),
    ]
    assert base.same_as(small_recording())
    assert not any(base.same_as(other) for other in others)
    broken = small_recording(weights={"learnt": [np.nan, 1.0]})
    assert broken.same_as(copy.copy(broken))
    with pytest.raises(DescriptionError, match="must be a Recording"):
        base.same_as(3)


def test_join_of_the_parts_is_the_whole():
    whole = small_recording()
    parts = [
        small_recording(
            spikes={name: trains.window(a, b) for name, trains in whole.spikes.items()},
            traces={key: trace[int(a) : int(b)] for key, trace in whole.traces.items()},
            start=a,
            stop=b,
        )
        for a, b in ((0.0, 1.0), (1.0, 3.0), (3.0, 4.0))
    ]
    joined = sm.Recording.join(iter(parts))
    assert joined.same_as(whole)
    assert (joined.start, joined.stop) == (0.0, 4.0)
    with pytest.raises(DescriptionError, match="one ends at 1 ms and the next begins at 3 ms"):
        sm.Recording.join([parts[0], parts[2]])
    fewer = small_recording(spikes={}, traces={}, start=4.0, stop=5.0)
    with pytest.raises(DescriptionError, match="must record the same"):
        sm.Recording.join([whole, fewer])


def test_split_gives_the_copies():
    one = small_recording(weights={"learnt": [0.5, 1.5]})
    three = small_recording(
        spikes={k: sm.SpikeTrains.side_by_side([t] * 3) for k, t in one.spikes.items()},
        traces={key: np.tile(trace, 3) for key, trace in one.traces.items()},
        weights={"learnt": np.tile([0.5, 1.5], 3)},
    )
    assert all(part.same_as(one) for part in three.split(3))
    with pytest.raises(DescriptionError, match="n=2 must divide every"):
        three.split(2)


@pytest.mark.parametrize("call", [sm.Recording.join, lambda x: small_recording().split(x)])
def test_join_and_split_refuse_nonsense(call):
    for value in nonsense():
        with pytest.raises(DescriptionError, match=r"^Recording\.(join|split)"):
            call(value)


@settings(max_examples=30)
@given(any_recording())
def test_any_recording_is_its_own_copy(recording):
    assert pickle.loads(pickle.dumps(recording)).same_as(recording)
    assert sm.Recording.join([recording]).same_as(recording)


def test_traces_are_found_by_name():
    recording = small_recording()
    assert recording.v["out"] is recording.traces["out", "v"]
    assert recording.weight_traces["learnt"] is recording.traces["learnt", "weight"]
    assert list(recording.v) == ["out"]
    assert "in" not in recording.v
    said = refusal(recording.v.__getitem__, "in")
    assert "'in' is not a recorded population (have: out)" in said
    assert "record=('v',)" in said
    assert "recorded projection" in refusal(recording.weight_traces.__getitem__, "fixed")


def test_a_window_cuts_spikes_and_traces_and_keeps_times():
    recording = sm.simulate(small_network(), 20.0, backend="native")
    part = recording.window(5.0, 12.0)
    assert (part.start, part.stop) == (5.0, 12.0)
    for name in recording.spikes:
        times = recording[name].times
        assert part[name].times.tolist() == times[(times >= 5) & (times < 12)].tolist()
        assert part[name].duration == 12.0
    assert np.array_equal(part.times, recording.times[5:12])
    assert np.array_equal(part.v["out"], recording.v["out"][5:12])
    assert np.array_equal(part.weights["learnt"], recording.weight_traces["learnt"][12])
    assert recording.window().same_as(recording)
    assert recording.window(0.0, 20.0).same_as(recording)
    parts = [recording.window(a, b) for a, b in ((0, 5), (5, 12), (12, 20))]
    assert sm.Recording.join(parts).same_as(recording)
    assert recording.window(3.0).window(4.0, 4.0).duration == 0.0


@pytest.mark.parametrize("backend", ["brian2", "native"])
def test_spikes_at_the_very_end_belong_to_the_last_window(backend):
    cell = sm.LIF(tau_m=1.0, i_offset=100.0, tau_refrac=0.0)
    net = sm.Network([sm.Population("out", 1, cell)])
    recording = sm.simulate(net, 3.0, backend=backend, integrator="exact")
    assert recording["out"].times.tolist() == [1.0, 2.0, 3.0]
    assert recording.window(2.0)["out"].times.tolist() == [2.0, 3.0]
    assert recording.window(1.0, 2.0)["out"].times.tolist() == [1.0]


def test_weights_that_are_not_known_are_left_out_of_a_window():
    recording = small_recording(traces={})
    assert recording.window(0.0, 2.0).weights == {}
    assert recording.window(1.0).weights.keys() == {"learnt"}


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ((3.0, 2.0), "in order"),
        ((-1.0, 2.0), "from 0 to 4 ms"),
        ((0.0, 5.0), "from 0 to 4 ms"),
        ((0.5, 2.0), "whole steps of dt=1 ms"),
        (("x", 2.0), "start"),
    ],
)
def test_windows_that_are_refused(window, words):
    assert words in refusal(small_recording().window, *window)
