"""Bad arguments of the dendrites: refused by name, and sizes beyond memory before any is taken."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from fuzz import dendrites as good
from matplotlib import pyplot
from nonsense import nonsense, refusal

import spikemem as sm
from spikemem import DescriptionError, codes, limits
from spikemem.networks import dendrites as dd

LAST = 2**31 - 1
CALLS = good.good_calls()


def bad_values():
    return [
        *nonsense(), np.timedelta64(3, "s"), np.ma.masked_array([1, 2], [0, 1]),
        np.ma.masked_array([[1, 2]], [[0, 1]]), [[1, 2], [3]], 2**31, -1e30, 5e-324,
        Fraction(10**400 + 1, 10**400), np.array([2**63], dtype=np.uint64), sm.LIF(cm=1e-300),
        sm.LIF(tau_m=[1.0, 2.0]), sm.LIF(tau_m=1e308), sm.LIF(v_thresh=-70.0),
    ]  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_spoilt_call_is_answered_or_refused(name):
    call, given = CALLS[name]
    call(**given)
    for k, parameter in enumerate(given):
        # A third of the values for each parameter; the fuzz script takes all.
        for at in range(k % 3, len(bad_values()), 3):
            said = refusal(call, **{**given, parameter: bad_values()[at]})
            assert said is None or ": " in said
    pyplot.close("all")


def test_flags_and_seeds_are_not_read_by_truth():
    for call, given in CALLS.values():
        for flag in {"exact", "log", "bound", "learn"} & set(given):
            for value in (1, 0, "no", 10**6, None):
                assert f"{flag} must be True or False" in refusal(call, **{**given, flag: value})
        if "seed" in given:
            for value in (True, np.timedelta64(3, "s"), -1, 1.0):
                assert "seed must be an int >= 0" in refusal(call, **{**given, "seed": value})


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (dd.union_size_probability, {"n": LAST, "s": 10**5, "m": 10**5}),
        (dd.false_positive_probability, {"n": np.full((10**6, 1), 50), "a": np.full(10**6, 5),
                                         "s": 4, "theta": 2}),
        (dd.false_negative_probability, {"a": LAST, "s": LAST, "theta": 1, "v": LAST,
                                         "p_fail": 0.1}),
        (dd.synapses_needed, {"n": LAST, "a": LAST, "v": 1}),
        (codes.random_patterns, {"n_patterns": LAST, "size": 10**6, "active": 1000}),
        (dd.ActiveDendriteNeurons, {"n_inputs": 2000, "n_neurons": 10**6, "n_segments": 10**4}),
        (dd.ActiveDendriteNeurons, {"n_inputs": 2000, "n_segments": LAST}),
        (dd.TemporalMemory, {"n_columns": LAST, "cells_per_column": 1}),
        (dd.measure_false_positives, {"n": 60, "a": 12, "s": 8, "theta": 4, "n_frames": LAST}),
        (dd.measure_false_negatives, {"n": 60, "a": 12, "s": 8, "theta": 4, "v": 1,
                                      "trials": LAST}),
        (dd.SpikingDendrites, {"cells": [[0]], "theta": 1, "n_inputs": 1, "owner": [LAST]}),
    ],
)  # fmt: skip
def test_sizes_beyond_memory_are_refused_with_both_numbers(call, given, monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: 16 * 2**30)
    assert "of memory, and this computer has 16 GiB" in refusal(call, **given)


def test_many_overlaps_are_refused_before_they_are_counted(monkeypatch):
    neurons = dd.ActiveDendriteNeurons(1000, n_segments=400)
    frames = codes.Patterns([[0]] * 10**5, 1000)
    monkeypatch.setattr(limits, "available_memory", lambda: 2**20)
    for call in (lambda: neurons.overlaps(frames), frames.to_dense):
        assert "this computer has 1 MiB" in refusal(call)


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (dd.overlap_set_size, {"n": LAST, "a": 10**9, "s": 10**9, "b": 10**8}),
        (dd.false_positive_probability, {"n": LAST, "a": 10**9, "s": 10**9, "theta": 10**8,
                                         "exact": True}),
        (dd.false_negative_probability, {"a": 2000, "s": 2000, "theta": 1000, "v": 900,
                                         "p_fail": 0.1, "exact": True}),
        (dd.population_false_positive_probability, {"n": 60, "a": 12, "s": 8, "theta": 4,
                                                    "m": LAST, "exact": True}),
        (dd.union_size, {"n": 60, "s": 8, "m": LAST, "exact": True}),
        (dd.union_size_probability, {"n": 10**6, "s": 100, "m": 10**4}),
        (dd.union_exact_match_probability, {"n": LAST, "s": 1, "m": 10**5, "y": LAST,
                                            "exact": True}),
        (dd.device_false_negative_probability, {"a": LAST, "s": LAST, "theta": 4, "v": 0}),
        (dd.potential, {"cell": good.CELL, "dt": 1e-9}),
        (dd.frame_period, {"theta": 4, "cell": good.CELL, "n_synapses": 8, "dt": 1e-4}),
    ],
)  # fmt: skip
def test_endless_answers_are_refused_with_their_length(call, given):
    assert any(word in refusal(call, **given) for word in (" steps", " binary digits"))


def log_of(exact):
    """Log of a fraction, also of one that no float holds."""
    if exact == 0:
        return -math.inf
    if exact > Fraction(1, 2):
        return math.log1p(-float(1 - exact))
    return math.log(exact.numerator) - math.log(exact.denominator)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("chance", [0, 1, Fraction(1, 3), 5e-324, 1 - 2**-53])
def test_ends_of_the_ranges_are_those_of_the_fractions(n, chance):
    exactly = Fraction(chance)
    for a in {0, 1, n - 1, n}:
        for s in {1, n}:
            for theta in {1, s}:
                sizes = {"n": n, "a": a, "s": s, "theta": theta}
                for call, more in (
                    (dd.false_positive_probability, {}),
                    (dd.union_false_positive_probability, {"m": 3}),
                    (dd.population_false_positive_probability, {"m": 3}),
                ):
                    expected = log_of(call(**sizes, **more, exact=True))
                    assert call(**sizes, **more, log=True) == pytest.approx(expected, abs=1e-14)
                stuck = dd.device_false_positive_probability(
                    **sizes, p_off=exactly, p_on=exactly, exact=True
                )
                found = dd.device_false_positive_probability(
                    **sizes, p_off=chance, p_on=chance, log=True
                )
                assert found == pytest.approx(log_of(stuck), rel=1e-11, abs=1e-14)
    noise = {"a": n, "s": n, "theta": n, "v": n // 2}
    missed = dd.false_negative_probability(**noise, p_fail=exactly, exact=True)
    found = dd.false_negative_probability(**noise, p_fail=chance, log=True)
    assert found == pytest.approx(log_of(missed), rel=1e-11, abs=1e-14)


@pytest.mark.parametrize(
    "sizes",
    [
        {"a": LAST, "s": LAST, "theta": LAST},
        {"a": 20, "s": 20, "theta": 2},
        {"a": LAST - 1, "s": 2, "theta": 2},
        {"a": 1, "s": LAST, "theta": 1},
    ],
)
def test_the_largest_number_of_cells(sizes):
    exact = dd.false_positive_probability(n=LAST, **sizes, exact=True)
    found = dd.false_positive_probability(n=LAST, **sizes, log=True)
    assert found == pytest.approx(log_of(exact), rel=1e-12)


@pytest.mark.parametrize("gap", [0.0, 1e-13, 1e-10, 1e-9, 1e-8, 1e-6])
def test_potential_of_nearly_equal_time_constants(gap):
    """The limit is that of the alpha function, t/tau_m exp(-t/tau_m) tau_m/cm."""
    cell = sm.LIF(tau_m=10.0, cm=0.5, tau_syn_E=10.0 * (1 + gap))
    found = dd.potential(cell, dt=0.1, integrator="exact")[:300]
    t = 0.1 * np.arange(1, found.size + 1)
    alpha = t / 0.5 * np.exp(-t / 10.0)
    assert np.allclose(found, alpha, rtol=3 * gap + 1e-11, atol=0)


@pytest.mark.parametrize("theta", [1, 2, 5, 12, 40])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_coincidence_window_is_the_widest_that_holds_everywhere_inside(theta, dt):
    shape = dd.potential(good.CELL, dt=dt)
    need = (theta - 0.5) / theta * shape.max() * (1 + 1e-9)
    widths = [w for w in range(1, 300) if np.any(np.minimum(shape[w:], shape[:-w]) >= need)]
    expected = max(widths, default=0) * dt
    assert dd.coincidence_window(theta, good.CELL, dt=dt) == pytest.approx(expected)


def test_error_curve_refuses_what_it_cannot_draw():
    sizes = {"a": 12, "s": 8}
    for change, message in (
        ({"a": -1e30}, "error_curve: a must be an int"),
        ({"a": [12, 13]}, "error_curve: a must be an int"),
        ({"theta": 3}, "theta is varied"),
        ({"v": 3, "trials": 9}, "missing n"),
    ):
        with pytest.raises(DescriptionError, match=message):
            dd.error_curve("theta", [3, 4], **{**sizes, **change})
    assert not pyplot.get_fignums()
    ax = dd.error_curve("n", [60, 70], **sizes, theta=4, v=5)
    assert len(set(ax.lines[0].get_ydata())) == 1
    pyplot.close("all")
