"""Limits of the description: the last value that is allowed, and the first that is refused."""

from __future__ import annotations

import numpy as np
import pytest

import spikemem as sm
from spikemem import units
from spikemem.codes import Patterns, swap_bits
from spikemem.errors import DescriptionError, shown
from spikemem.networks.dendrites import (
    ActiveDendriteNeurons,
    PermanenceRule,
    TemporalMemory,
    measure_false_negatives,
    segment_activity,
    synapses_needed,
)
from spikemem.support import features

A, B, C = [0, 1, 2], [3, 4, 5], [6, 7, 8]


def rule(**changes):
    return sm.STDP(**{"a_plus": 0.5, "a_minus": 0.5, "w_max": 2.0, **changes})


def network(wire, *, n_pre=2, n_post=2, dt=1.0, **cell):
    populations = [
        sm.Population(name=name, size=size, cell=sm.LIF(**cell))
        for name, size in (("a", n_pre), ("b", n_post))
    ]
    return sm.Network(populations=populations, projections=[wire], dt=dt)


def wire(**changes):
    fields = {"i": [0, 1], "j": [1, 0], "weight": 1.0, "delay": 1.0, **changes}
    return sm.Projection(name="p", pre="a", post="b", **fields)


def test_the_range_of_a_rule_is_not_empty():
    rule(w_min=1.9)
    with pytest.raises(DescriptionError, match="w_min must be below w_max"):
        rule(w_min=2.0)


def test_windows_begin_at_0_and_are_not_empty():
    assert rule(enabled=[(0.0, 1.0)]).gate([0.0, 1.0])[:, 0].tolist() == [True, False]
    for window in ((1.0, 1.0), (-1.0, 1.0)):
        with pytest.raises(DescriptionError, match="start < stop"):
            rule(enabled=[window])


def test_a_window_names_a_tile_that_exists():
    learning = rule(enabled=[(0.0, 1.0, 1)])
    assert learning.gate([0.0], 2).tolist() == [[False, True]]
    wire(plasticity=learning, tiles=2)
    with pytest.raises(DescriptionError, match="tile must be from 0 to 0, got 1"):
        learning.gate([0.0], 1)
    with pytest.raises(DescriptionError, match="tile must be from 0 to 0, got 1"):
        wire(plasticity=learning)


def test_plastic_weights_may_lie_on_the_limits_of_the_rule():
    wire(weight=[1.0, 2.0], plasticity=rule(w_min=1.0))
    for weight in ([0.99, 2.0], [1.0, 2.01]):
        with pytest.raises(DescriptionError, match="weight"):
            wire(weight=weight, plasticity=rule(w_min=1.0))


@pytest.mark.parametrize("name", ["tau_m", "tau_syn_E", "tau_syn_I", "cm"])
def test_time_constants_are_above_0(name):
    with pytest.raises(DescriptionError, match=f"{name} must be > 0"):
        sm.LIF(**{name: 0.0})
    sm.LIF(**{name: 1e-3})


def test_synapses_lead_to_cells_that_exist_after_at_least_one_step():
    network(wire())
    network(wire(delay=0.1), dt=0.1)
    for changes, part in (
        ({"i": [0, 2]}, "i must be from 0 to 1, got 2"),
        ({"j": [0, 2]}, "j must be from 0 to 1, got 2"),
        ({"delay": 0.9}, "delay"),
    ):
        with pytest.raises(DescriptionError, match=part):
            network(wire(**changes))


def test_spikes_belong_to_a_cell_and_lie_before_the_end():
    sm.SpikeTrains(ids=[1], times=[2.9], size=2, duration=3.0)
    with pytest.raises(DescriptionError, match="ids"):
        sm.SpikeTrains(ids=[2], times=[1.0], size=2, duration=3.0)
    with pytest.raises(DescriptionError, match=r"times|duration"):
        sm.SpikeTrains(ids=[1], times=[3.0], size=2, duration=3.0)


RARE = {
    "smallest weight above 0": network(wire(weight=1.0, plasticity=rule(w_min=0.1))),
    "several synapses between two cells": network(wire(i=[0, 0], j=[1, 1])),
    "reset at or above threshold": network(wire(), v_reset=-50.0, v_thresh=-50.0),
    "unequal resets in one population": network(wire(), v_reset=[-65.0, -66.0]),
}


@pytest.mark.parametrize("feature", RARE)
def test_rare_features_are_seen_where_they_are_and_nowhere_else(feature):
    assert features(RARE[feature]) & RARE.keys() == {feature}
    plain = network(wire(plasticity=rule()), v_reset=[-65.0, -65.0])
    assert not features(plain) & {*RARE, "several tau_minus into one population"}


def test_rules_into_one_population_may_differ_in_tau_minus_or_not():
    def two(tau):
        one = wire(plasticity=rule())
        other = sm.Projection(name="q", pre="b", post="b", i=[0], j=[1], weight=1.0, delay=1.0,
                              plasticity=rule(tau_minus=tau))  # fmt: skip
        return "several tau_minus into one population" in features(
            sm.Network(populations=network(one).populations, projections=[one, other])
        )

    assert two(21.0)
    assert not two(20.0)


def test_whole_numbers_up_to_their_limits():
    assert [units.to_int(n, "n", low=2, high=5) for n in (2, 5)] == [2, 5]
    with pytest.raises(DescriptionError, match="n must be an int >= 2, got 1"):
        units.to_int(1, "n", low=2, high=5)
    with pytest.raises(DescriptionError, match="n must be an int <= 5, got 6"):
        units.to_int(6, "n", low=2, high=5)
    assert units.to_int(units.LARGEST, "n") == units.LARGEST
    assert units.to_integers([0, units.LARGEST], "n").tolist() == [0, units.LARGEST]
    for bad in (-1, units.LARGEST + 1):
        with pytest.raises(DescriptionError, match=f"got {bad}"):
            units.to_integers([0, bad, 1], "n")


def test_steps_up_to_those_that_a_float_counts():
    assert units.steps(2.0**53, 1.0) == 2**53
    with pytest.raises(DescriptionError, match="too long"):
        units.steps(2.0**54, 1.0)
    largest = np.array([units.LARGEST, units.LARGEST + 1], dtype=float)
    assert units.off_grid(largest, 1.0).tolist() == [False, True]


def test_text_of_eighty_characters_is_shown_whole():
    class Named:
        def __init__(self, n):
            self.n = n

        def __repr__(self):
            return "x" * self.n

    assert shown(Named(80)) == "x" * 80
    assert shown(Named(81)) == "x" * 77 + "..."


def test_patterns_are_counted_from_either_end():
    frames = Patterns([A, B], 9)
    assert [frames[k].tolist() for k in (0, 1, -1, -2)] == [A, B, B, A]
    for k in (2, -3):
        with pytest.raises(IndexError):
            frames[k]


def test_every_active_cell_may_be_swapped():
    assert set(swap_bits(Patterns([A], size=6), 3)[0].tolist()) == set(B)
    assert set(swap_bits(Patterns([A], size=5), 2)[0].tolist()) >= {3, 4}
    for v, n in ((4, 9), (3, 5)):
        with pytest.raises(DescriptionError, match="n must be at most"):
            swap_bits(Patterns([A], size=n), v)


def test_the_permanences_of_a_rule_by_default():
    assert vars(PermanenceRule()) == {
        "connect": 0.5, "disconnect": 0.05, "initial": 0.5, "increase": 0.1, "decrease": 0.02,
        "punish": 0.05,
    }  # fmt: skip
    PermanenceRule(connect=0.3, initial=0.3, disconnect=0.3)
    PermanenceRule(connect=1.0, disconnect=0.0, increase=1.0, punish=0.0)
    for name in ("connect", "initial"):
        with pytest.raises(DescriptionError, match=f"{name} must be at least disconnect=0.3"):
            PermanenceRule(**{"connect": 0.3, "initial": 0.3, "disconnect": 0.3, name: 0.29})


def memory(**changes):
    """A sequence memory in which all synapses of a segment are just enough to predict its cell."""
    sizes = {"cells_per_column": 1, "synapses_per_segment": 3, "threshold": 3,
             "learning_threshold": 3, "seed": 0}  # fmt: skip
    return TemporalMemory(9, **{**sizes, **changes})


def permanences(model):
    """Of each segment, rounded to what 32 bits hold."""
    rows = zip(model.segments.permanences, model.segments.sizes, strict=True)
    return [[round(float(value), 4) for value in row[:size]] for row, size in rows]


def test_a_segment_at_its_threshold_predicts_learns_and_is_punished():
    model = memory()
    model.run([A, B], learn=True)
    assert permanences(model) == [[0.5] * 3] * 3
    assert model.predict([A]).tolist() == B
    model.run([A, B], learn=True)
    assert permanences(model) == [[0.6] * 3] * 3
    # B is predicted and does not come: its three segments are punished, those of C are new.
    model.run([A, C], learn=True)
    assert permanences(model) == [[0.55] * 3] * 3 + [[0.5] * 3] * 3


def test_a_segment_at_the_learning_threshold_is_taken_up_again():
    model = memory(rule=PermanenceRule(initial=0.3))
    for expected in (0.3, 0.4, 0.5):
        model.run([A, B], learn=True)
        assert permanences(model) == [[expected] * 3] * 3


def test_a_bursting_column_learns_with_the_cell_of_its_nearest_segment():
    model = memory(cells_per_column=2, rule=PermanenceRule(initial=0.3))
    model.run([A, B], learn=True)
    chosen = set(model.owner.tolist())
    assert {cell // 2 for cell in chosen} == set(B)
    model.run([A, B, C], learn=True)
    assert set(model.segments.cells[3:, :3].ravel().tolist()) == chosen


def test_sequences_are_shown_at_most_as_often_as_asked():
    model = memory(rule=PermanenceRule(initial=0.3))
    assert model.learn([[A, B]], passes=1) == [1.0]
    assert len(model.learn([[A, B]], passes=2)) == 2


def test_a_sequence_is_known_up_to_the_tolerance():
    model = memory()
    model.learn([[A, B]])
    half = [A, [3, 4, 6, 7]]
    assert model.run(half).novelty.tolist() == [1.0, 0.5]
    assert model.is_known(half)
    assert model.is_known(half, tolerance=0.5)
    assert not model.is_known(half, tolerance=0.49)
    assert model.is_known([A, B], tolerance=0.0)
    assert model.is_known([A, C], tolerance=1.0)
    for tolerance in (-0.01, 1.01):
        with pytest.raises(DescriptionError, match="tolerance must be"):
            model.is_known(half, tolerance=tolerance)


def test_a_tolerance_has_no_unit():
    brian2 = pytest.importorskip("brian2")
    with pytest.raises(DescriptionError, match="tolerance"):
        memory().is_known([A, B], tolerance=0.5 * brian2.ms)


def neurons():
    """Two segments of three synapses that all must be active; the first holds A."""
    model = ActiveDendriteNeurons(9, n_segments=2, synapses_per_segment=3, threshold=3, seed=0)
    model.store([A])
    return model


def test_a_frame_of_as_many_cells_as_the_threshold_can_be_learnt():
    assert neurons().learn([B], [0]).detect([B]).all()
    with pytest.raises(DescriptionError, match="at least threshold=3"):
        neurons().learn([[3, 4]], [0])


def test_a_segment_at_its_threshold_detects_and_is_corrected():
    model = neurons()
    assert model.detect([A, [0, 1, 3]]).ravel().tolist() == [True, False]
    before = permanences(model)[0]
    model.learn([A], [-1])
    assert permanences(model)[0] == pytest.approx([value - 0.05 for value in before])
    ax = segment_activity(neurons(), [A, [0, 1, 3]])
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0], [0]]


def test_faults_of_devices_from_none_to_all():
    frames = [A, B, C]
    assert neurons().with_device_faults().detect(frames).ravel().tolist() == [True, False, False]
    assert not neurons().with_device_faults(p_off=1.0).detect(frames).any()
    faulty = neurons().with_device_faults(p_on=1.0)
    assert faulty.detect(frames).all()
    # A segment without synapses has no devices, and none is stuck.
    assert faulty.segments.sizes.tolist() == [9, 0]


def test_trials_that_all_err_have_an_upper_end_of_one():
    found = measure_false_negatives(n=100, a=10, s=5, theta=5, v=10, trials=50)
    assert (found.rate, found.high) == (1.0, 1.0)
    assert 0.9 < found.low < 1.0


@pytest.mark.parametrize(("n", "a"), [(100, 20), (1000, 40)])
def test_without_noise_every_synapse_may_be_needed(n, a):
    # All s synapses active by chance: a / n * (a - 1) / (n - 1) * ...
    p, s = 1.0, 0
    while p >= 1e-9:
        p *= (a - s) / (n - s)
        s += 1
    found = synapses_needed(n=n, a=a, v=0)
    assert (found.s, found.theta) == (s, s)


def test_cells_are_selected_from_the_first_to_the_last():
    trains = sm.SpikeTrains(ids=[0, 1, 2], times=[1.0, 2.0, 3.0], size=3)
    assert [list(train) for train in trains.select([2, 0]).to_lists()] == [[3.0], [1.0]]
    with pytest.raises(DescriptionError, match="cells must be from 0 to 2, got 3"):
        trains.select([3])
