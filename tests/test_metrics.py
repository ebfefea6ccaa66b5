"""Metrics by hand and in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nonsense import nonsense
from samples import small_recording, spike_trains

import spikemem as sm
from spikemem import Patterns, metrics
from spikemem.errors import DescriptionError

STORED = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
RECALLED = [[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]
pairs = st.tuples(st.integers(1, 5), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(hnp.arrays(np.bool_, shape), hnp.arrays(np.bool_, shape))
)


def test_by_hand():
    assert metrics.overlap(STORED, RECALLED).tolist() == [1, 2, 0]
    missing, extra = metrics.bit_errors(STORED, RECALLED)
    assert (missing.tolist(), extra.tolist()) == ([1, 0, 0], [2, 0, 0])
    assert metrics.jaccard(STORED, RECALLED).tolist() == [0.25, 1.0, 1.0]
    assert metrics.exact_recall(STORED, RECALLED) == pytest.approx(2 / 3)


def test_one_pattern_against_many():
    assert metrics.overlap([1, 1, 0, 0], RECALLED).tolist() == [1, 1, 0]
    assert metrics.bit_errors(STORED, [0, 0, 0, 0]).missing.tolist() == [2, 2, 0]
    assert metrics.exact_recall([0, 1, 1, 0], RECALLED) == pytest.approx(1 / 3)
    assert metrics.overlap([1, 1], [1, 0]).shape == ()


@given(pairs)
def test_identities(pair):
    stored, recalled = pair
    both, (missing, extra) = metrics.overlap(stored, recalled), metrics.bit_errors(stored, recalled)
    assert np.array_equal(both + missing, stored.sum(axis=1))
    assert np.array_equal(both + extra, recalled.sum(axis=1))
    score = metrics.jaccard(stored, recalled)
    assert np.allclose(score * (both + missing + extra), both)
    assert np.array_equal(score == 1, missing + extra == 0)
    assert metrics.exact_recall(stored, recalled) == np.mean(missing + extra == 0)
    assert np.array_equal(metrics.jaccard(recalled, stored), score)


FORMS = {
    "Patterns": lambda sets: Patterns(sets, size=9),
    "sets": list,
    "tuple": tuple,
    "Recall": lambda sets: [sm.Recall(cells, operation=None) for cells in sets],
    "masks": lambda sets: Patterns(sets, size=9).to_dense(),
    "dense": lambda sets: Patterns(sets, size=9).to_dense().astype(int).tolist(),
    "floats": lambda sets: Patterns(sets, size=9).to_dense().astype(float),
    "list of masks": lambda sets: list(Patterns(sets, size=9).to_dense()),
    "indices": lambda sets: [sorted(cells) for cells in sets],
}
sets = st.lists(st.frozensets(st.integers(0, 8)), min_size=1, max_size=5)


@pytest.mark.parametrize("form", FORMS)
@given(stored=sets, data=st.data())
def test_every_form_is_measured_as_sets_are(form, stored, data):
    recalled = [data.draw(st.frozensets(st.integers(0, 8))) for _ in stored]
    shared = [len(a & b) for a, b in zip(stored, recalled, strict=True)]
    both = Patterns(stored, size=9), FORMS[form](recalled)
    masks = both[0].to_dense(), Patterns(recalled, size=9).to_dense()
    known = [both, both[::-1], (both[0].to_dense(), both[1])]
    for pair in known[: 2 if form == "indices" else 3]:
        turned = pair[0] is both[1]
        missing, extra = metrics.bit_errors(*pair)[:: -1 if turned else 1]
        assert metrics.overlap(*pair).tolist() == shared
        assert missing.tolist() == [len(a - b) for a, b in zip(stored, recalled, strict=True)]
        assert extra.tolist() == [len(b - a) for a, b in zip(stored, recalled, strict=True)]
        assert metrics.exact_recall(*pair) == np.mean(
            [a == b for a, b in zip(stored, recalled, strict=True)]
        )
        assert np.array_equal(metrics.jaccard(*pair), metrics.jaccard(*masks))
        assert metrics.information(*pair) == pytest.approx(metrics.information(*masks), abs=1e-9)


def test_sets_alone_are_measured_but_for_their_information():
    stored, recalled = [{0, 1, 5}, {2}], [sm.Recall([1, 5, 7], operation=None), set()]
    assert metrics.overlap(stored, recalled).tolist() == [2, 0]
    assert metrics.bit_errors(stored, recalled).extra.tolist() == [1, 0]
    assert metrics.jaccard(stored, recalled).tolist() == [0.5, 0.0]
    assert metrics.exact_recall(stored, stored) == 1.0
    assert metrics.overlap({1, 2}, {2, 3}).shape == ()
    assert metrics.overlap({1}, [{2}, {1, 3}]).tolist() == [0, 1]
    assert metrics.overlap([], []).shape == (0,)
    for args in ((stored, recalled), ({1}, {1})):
        with pytest.raises(DescriptionError, match=r"pass stored as Patterns\(stored, size=...\)"):
            metrics.information(*args)
    # Nine cells: all of the entropy of the stored ones.
    full = 18 * float(metrics.binary_entropy(4 / 18))
    known = Patterns(stored, size=9)
    assert metrics.information(known, stored) == pytest.approx(full)
    assert metrics.information(stored, known.to_dense()) == pytest.approx(full)


def test_what_a_memory_recalls_is_measured():
    contents = {0: [1, 2], 1: [0, 5, 7]}
    memory = sm.CA3Memory(2, 8, contents=contents, backend="native")
    recalled = memory.run([sm.RecallCue(0), sm.RecallCue(1)])
    assert metrics.exact_recall(Patterns(list(contents.values()), size=8), recalled) == 1.0
    assert metrics.bit_errors(set(contents[0]), recalled[0]) == (0, 0)


@pytest.mark.parametrize(
    ("stored", "recalled", "message"),
    [
        ([[1, 5]], [{1, 5}], r"stored must be bool, or 0 and 1.*Patterns\(indices, size=...\)"),
        (Patterns([[1]], 4), [[9]], "recalled must name cells from 0 to 3, got 9"),
        (Patterns([[1]], 4), Patterns([[1]], 5), "equal shapes"),
        (Patterns([[1]], 4), [{1}, {2}], "equal shapes"),
        ([{1}], [[0, 1]] * 2, "equal shapes"),
        ([[0, 1]], [{2}], "recalled must name cells from 0 to 1, got 2"),
        ([{-1}], [{2}], "stored must name cells from 0 to 2, got -1"),
        ([{2**40}], [{2}], "stored must name cells from 0 to"),
        ([{1.5}], [{2}], "stored must name cells by integers"),
        ([{"a"}], [{2}], "stored must name cells by integers"),
        ([{1}, [2]], [{1}], "stored must be numbers"),
        (np.zeros((2, 0)), [{1}], "stored must have at least one bit"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(stored, recalled, message):
    for function in (metrics.overlap, metrics.jaccard, metrics.exact_recall):
        with pytest.raises(DescriptionError, match=f"{function.__name__}: .*{message}"):
            function(stored, recalled)


def test_entropy():
    assert metrics.binary_entropy([0, 0.5, 1]).tolist() == [0.0, 1.0, 0.0]
    assert float(metrics.binary_entropy(0.11)) == pytest.approx(0.499916, abs=1e-6)
    for value in (-0.1, 1.1, float("nan"), "x"):
        with pytest.raises(DescriptionError, match="binary_entropy: p must be"):
            metrics.binary_entropy(value)


@pytest.mark.parametrize(("n", "k"), [(10, 3), (10, 0), (10, 10), (1000, 20), (64, 32)])
def test_information_of_a_pattern(n, k):
    assert metrics.pattern_information(n, k) == pytest.approx(math.log2(math.comb(n, k)))
    assert metrics.pattern_information(n) == n


def test_information_of_large_patterns_is_finite():
    assert metrics.pattern_information(10**6, 10**5) == pytest.approx(
        10**6 * float(metrics.binary_entropy(0.1)), rel=1e-4
    )


def test_information_of_perfect_inverted_and_useless_recall():
    rng = np.random.default_rng(0)
    stored = rng.random((50, 40)) < 0.25
    full = stored.size * float(metrics.binary_entropy(stored.mean()))
    assert metrics.information(stored, stored) == pytest.approx(full)
    assert metrics.information(stored, ~stored) == pytest.approx(full)
    assert metrics.information(stored, np.ones_like(stored)) == 0.0
    assert metrics.information(np.empty((0, 4), bool), np.empty((0, 4), bool)) == 0.0


def test_information_of_a_symmetric_channel():
    # 1 - h(1/4) bits for each of 8 bits, each value with a quarter of errors.
    stored, recalled = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 0]
    expected = 8 * (1 - float(metrics.binary_entropy(0.25)))
    assert metrics.information(stored, recalled) == pytest.approx(expected)
    per_synapse = metrics.information_per_synapse(stored, recalled, 16)
    assert per_synapse == pytest.approx(expected / 16)


@given(pairs)
def test_information_is_bounded_and_symmetric(pair):
    stored, recalled = pair
    found = metrics.information(stored, recalled)
    limit = stored.size * float(metrics.binary_entropy(stored.mean()))
    assert 0.0 <= found <= limit + 1e-9
    assert metrics.information(recalled, stored) == pytest.approx(found, abs=1e-9)


PATTERN_FUNCTIONS = [
    metrics.overlap, metrics.bit_errors, metrics.exact_recall, metrics.jaccard,
    metrics.information, lambda a, b: metrics.information_per_synapse(a, b, 3),
]  # fmt: skip


@pytest.mark.parametrize("function", PATTERN_FUNCTIONS)
def test_patterns_that_are_none_are_refused(function):
    for value in [*nonsense(), [0, 2], [0.5], [[[1]]], [[1, 0], [1, 0]]]:
        is_empty = isinstance(value, np.ndarray) and value.shape == (0, 3)
        if is_empty or isinstance(value, set) or (isinstance(value, list) and not value):
            continue  # no patterns, or a set of bits: both are in order
        for args in ((value, [1, 0, 1]), ([1, 0, 1], value)):
            with pytest.raises(DescriptionError, match=r"stored|recalled"):
                function(*args)
    with pytest.raises(DescriptionError, match="equal shapes"):
        function([[1, 0]] * 2, [[1, 0]] * 3)


def test_counts_that_are_none_are_refused():
    for args in ((0,), (4, 5), (4, -1), ("x",)):
        with pytest.raises(DescriptionError, match="pattern_information"):
            metrics.pattern_information(*args)
    with pytest.raises(DescriptionError, match="n_synapses"):
        metrics.information_per_synapse([1], [1], 0)
    with pytest.raises(DescriptionError, match="at least one pattern"):
        metrics.exact_recall(np.empty((0, 3)), np.empty((0, 3)))


def recording(**spikes):
    return sm.Recording(
        spikes={k: sm.SpikeTrains.from_lists(v, duration=99.0) for k, v in spikes.items()}
    )


def test_compare_equal():
    found = metrics.compare(small_recording(), small_recording())
    assert found.same
    assert found.first is None
    assert found.coincidence == 1.0
    assert str(found) == "same spikes (3)"
    silent = recording(a=[[], []])
    assert metrics.compare(silent, silent).coincidence == 1.0


def test_compare_names_the_first_divergence():
    a = recording(A=[[1.0, 5.0], [3.0]], B=[[2.0], [7.0]])
    b = recording(A=[[1.0, 6.0], [3.0]], B=[[2.0], [4.0, 7.0]])
    found = metrics.compare(a, b)
    assert found.first == (4.0, "B", 1, "b")
    assert found.counts == {"A": (3, 3), "B": (2, 3)}
    assert found.coincident == {"A": 2, "B": 2}
    assert found.coincidence == pytest.approx(2 * 4 / 11)
    assert "B[1] fires only in b" in str(found)
    assert metrics.compare(b, a).first == (4.0, "B", 1, "a")


def test_compare_within_a_tolerance():
    a, b = recording(A=[[1.0, 2.0, 3.0]]), recording(A=[[1.4, 2.4, 3.4]])
    assert metrics.compare(a, b).coincidence == 0.0
    assert metrics.compare(a, b, tolerance=0.5).same
    half = recording(A=[[1.0]]), recording(A=[[1.5]])
    assert metrics.compare(*half, tolerance=0.5).same
    assert not metrics.compare(*half, tolerance=0.4999).same
    doubled = recording(A=[[1.0, 1.1]])
    assert metrics.compare(recording(A=[[1.0]]), doubled, tolerance=0.5).first.time == 1.1


@given(spike_trains(4), spike_trains(4))
def test_compare_is_exact_set_comparison_on_a_grid(one, two):
    a, b = sm.Recording(spikes={"A": one}), sm.Recording(spikes={"A": two})
    sets = [set(zip(t.times.tolist(), t.ids.tolist(), strict=True)) for t in (one, two)]
    found = metrics.compare(a, b)
    assert found.coincident["A"] == len(sets[0] & sets[1])
    apart = sorted(sets[0] ^ sets[1])
    assert found.same == (not apart)
    if apart:
        assert (found.first.time, found.first.cell) == apart[0]


def test_compare_refuses_what_can_not_be_compared():
    a = recording(A=[[1.0]])
    for value in nonsense():
        with pytest.raises(DescriptionError, match="must be a Recording"):
            metrics.compare(a, value)
    with pytest.raises(DescriptionError, match=r"'B' is not a population of both \(have: A\)"):
        metrics.compare(a, recording(A=[[1.0]], B=[[]]))
    with pytest.raises(DescriptionError, match="has 1 cells in a and 2 in b"):
        metrics.compare(a, recording(A=[[1.0], []]))
    with pytest.raises(DescriptionError, match="compare: tolerance"):
        metrics.compare(a, a, tolerance="x")
