"""Patterns: one form for sets, indices, masks and dense rows, and what is done to them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonsense import nonsense, refusal

from spikemem.codes import (
    Patterns,
    add_bits,
    as_patterns,
    drop_bits,
    random_patterns,
    swap_bits,
)
from spikemem.networks.ca3 import Recall

SETS = st.lists(st.frozensets(st.integers(0, 8)), max_size=6)


def mask(cells, size):
    row = np.zeros(size, dtype=bool)
    row[list(cells)] = True
    return row


FORMS = {
    "sets": lambda sets: sets,
    "Recall": lambda sets: [Recall(cells, operation=None) for cells in sets],
    "indices": lambda sets: [sorted(cells, reverse=True) for cells in sets],
    "arrays": lambda sets: [np.array(sorted(cells), dtype=np.int16) for cells in sets],
    "masks": lambda sets: [mask(cells, 9) for cells in sets],
    "dense": lambda sets: [mask(cells, 9).astype(int).tolist() for cells in sets],
    "dense floats": lambda sets: [mask(cells, 9).astype(float) for cells in sets],
    "table": lambda sets: np.array([mask(cells, 9) for cells in sets]).reshape(-1, 9),
    "table of 0 and 1": lambda sets: np.array([mask(c, 9) for c in sets], int).reshape(-1, 9),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(sets=SETS)
def test_every_form_is_the_same_patterns(form, sets):
    patterns = Patterns(form(sets), size=9)
    assert patterns.to_sets() == sets
    assert patterns.counts.tolist() == [len(cells) for cells in sets]
    assert Patterns.from_dense(patterns.to_dense().reshape(-1, 9)) == patterns
    assert pickle.loads(pickle.dumps(patterns)) == patterns
    assert as_patterns(patterns, 9, "it") is patterns


@pytest.mark.parametrize(
    "one", [{1, 2}, [2, 1], (1, 2), np.array([1, 2]), range(1, 3), [0, 1, 1], np.array([0, 1, 1.0])]
)
def test_one_pattern_stands_for_a_list_of_one(one):
    assert Patterns(one, size=3).to_sets() == [{1, 2}]


def test_integers_are_indices_where_both_readings_are_possible():
    assert Patterns([[0, 1]], size=2).to_sets() == [{0, 1}]
    assert Patterns([[0, 1]], size=9).to_sets() == [{0, 1}]
    assert Patterns([[False, True]], size=2).to_sets() == [{1}]
    assert Patterns(np.array([[0, 1, 1]]), size=3).to_sets() == [{1, 2}]


@pytest.mark.parametrize(
    "bad",
    [
        *([[0, 9]], [[-1]], [[1, 1]], [[1.5]], [["a"]], "ab", {"a": 1}, 3, None, [None], [[[1]]]),
        *({1.5}, [{"a"}], np.ma.array([1, 2]), np.array([[0, 4], [4, 4]]), [[True, False]]),
        *(np.array([[0.5] * 9]), np.zeros((2, 8), bool)),
        *(np.array([{1}, {2}], dtype=object)[:, None], iter([[1]])),
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(bad):
    said = refusal(Patterns, bad, 9)
    assert said
    assert said.startswith("Patterns")


def test_nonsense_never_raises_anything_else():
    for value in nonsense():
        refusal(Patterns, value, 9)
        refusal(Patterns, [value], 9)
        refusal(Patterns.from_dense, value)
        refusal(Patterns, [[1]], value)


@given(sets=SETS, others=SETS)
def test_overlaps_count_shared_cells(sets, others):
    shared = Patterns(sets, size=9).overlaps(Patterns(others, size=9))
    assert shared.tolist() == [[len(a & b) for b in others] for a in sets]


def test_slices_and_lists_choose_patterns():
    patterns = Patterns([[0], [1, 2], [3]], size=4)
    assert patterns[1:].to_sets() == [{1, 2}, {3}]
    assert patterns[[2, 0]].to_sets() == [{3}, {0}]
    assert patterns[-1].tolist() == [3]
    with pytest.raises(IndexError):
        patterns[3]


def test_arrays_are_read_only():
    patterns = Patterns([[0, 1]], size=4)
    with pytest.raises(ValueError, match="read-only"):
        patterns.indices[0] = 3


@given(n=st.integers(0, 5), size=st.integers(1, 40), data=st.data())
def test_random_patterns_have_the_size_asked_for(n, size, data):
    active = data.draw(st.integers(0, size))
    patterns = random_patterns(n, size=size, active=active, seed=3)
    assert patterns.counts.tolist() == [active] * n
    assert patterns == random_patterns(n, size=size, active=active, seed=3)
    assert Patterns(patterns.to_sets(), size=size) == patterns


def test_each_cell_is_drawn_equally_often():
    """Chi-square of 64,000 draws; a false alarm in 10^6 runs."""
    from scipy.stats import chi2

    for size, active in ((10, 4), (200, 8)):
        patterns = random_patterns(64_000 // active, size=size, active=active, seed=5)
        counts = np.bincount(patterns.indices, minlength=size)
        # Without replacement the variance is smaller than that of a multinomial draw.
        statistic = ((counts - 64_000 / size) ** 2).sum() / (64_000 / size * (1 - active / size))
        assert statistic * (1 - 1 / size) < chi2.isf(1e-6, size - 1)


@given(sets=SETS, fraction=st.floats(0, 1))
def test_drop_keeps_a_subset(sets, fraction):
    patterns = Patterns(sets, size=9)
    left = drop_bits(patterns, fraction, seed=1)
    for before, after in zip(sets, left.to_sets(), strict=True):
        assert after <= before
        assert abs(len(after) - len(before) * (1 - fraction)) <= 0.5


def test_add_and_swap():
    patterns = Patterns([[0, 1, 2], [5, 6]], size=9)
    more = add_bits(patterns, 3, seed=1)
    assert all(a <= b and len(b) == len(a) + 3 for a, b in zip(patterns.to_sets(), more.to_sets(),
                                                               strict=True))  # fmt: skip
    swapped = swap_bits(patterns, 2, seed=1)
    assert np.diag(patterns.overlaps(swapped)).tolist() == [1, 0]
    assert swapped.counts.tolist() == [3, 2]
    assert "at most 6" in refusal(add_bits, patterns, 7)
    assert "at most 2" in refusal(swap_bits, patterns, 3)
    assert "at most 4" in refusal(swap_bits, Patterns(range(5), size=9), 5)
    assert "Probability" not in refusal(drop_bits, patterns, 1.5)
