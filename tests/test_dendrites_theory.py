"""Error probabilities of dendritic segments: published numbers, fractions, and extremes."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikemem as sm
from spikemem import DescriptionError
from spikemem.networks.dendrites import (
    choose_threshold,
    device_false_negative_probability,
    device_false_positive_probability,
    false_negative_probability,
    false_positive_probability,
    largest_noise,
    median_error_curve,
    overlap_set_size,
    patterns_per_segment,
    population_false_positive_probability,
    smallest_threshold,
    synapses_needed,
    union_exact_match_probability,
    union_false_positive_probability,
    union_size,
    union_size_probability,
)

CLOSE = 1e-12

FALSE_POSITIVES = {
    (20, 5, 5, 3): 0.072626418988648091,
    (64, 3, 3, 2): 0.0044162826420890937,
    (400, 8, 4, 2): 0.0020631461696657755,
    (1024, 40, 20, 10): 3.564165255476688e-10,
    (10000, 300, 30, 12): 2.2790794202651466e-11,
    (10000, 300, 30, 15): 1.0491918252123694e-15,
    (200000, 2000, 24, 12): 2.343083718152087e-18,
}
FALSE_NEGATIVES = {
    (128, 30, 8, 64): 0.00073542945687512073,
    (128, 30, 12, 64): 0.071698516040356359,
    (300, 30, 12, 60): 3.9474360873928386e-8,
    (40, 20, 13, 10): 0.032416580803677578,
}
FIGURE_6 = {
    3: 0.0173, 4: 0.00199, 5: 1.71e-4, 6: 1.20e-5, 7: 6.57e-7, 8: 3.33e-8, 9: 1.35e-9,
    10: 4.80e-11, 11: 1.54e-12, 12: 3.41e-14, 13: 6.40e-16, 14: 9.34e-18, 15: 1.37e-19,
    16: 1.43e-21, 17: 1.42e-23, 18: 1.12e-25, 19: 5.18e-28, 20: 3.90e-30, 21: 1.70e-32,
    22: 9.21e-35, 23: 4.62e-37, 24: 2.07e-39,
}  # fmt: skip


def fp(values, **options):
    return false_positive_probability(
        **dict(zip(("n", "a", "s", "theta"), values, strict=True)), **options
    )


def fn(values, **options):
    return false_negative_probability(
        **dict(zip(("a", "s", "theta", "v"), values, strict=True)), **options
    )


def log_of(p: Fraction) -> float:
    with localcontext() as context:
        context.prec = 60
        return float(Decimal(p.numerator).ln() - Decimal(p.denominator).ln())


@pytest.mark.parametrize(("values", "expected"), FALSE_POSITIVES.items())
def test_false_positives_of_the_table(values, expected):
    assert fp(values) == pytest.approx(expected, rel=CLOSE)
    assert float(fp(values, exact=True)) == pytest.approx(expected, rel=1e-15)
    assert fp(values, log=True) == pytest.approx(math.log(expected), rel=CLOSE)


@pytest.mark.parametrize(("values", "expected"), FALSE_NEGATIVES.items())
def test_false_negatives_of_the_table(values, expected):
    assert fn(values) == pytest.approx(expected, rel=CLOSE)
    assert float(fn(values, exact=True)) == pytest.approx(expected, rel=1e-15)


def test_fractions_of_the_table():
    assert fp((20, 5, 5, 3), exact=True) == Fraction(563, 7752)
    assert fp((64, 3, 3, 2), exact=True) == Fraction(23, 5208)
    assert fp((400, 8, 4, 2), exact=True) == Fraction(30969, 15010570)
    assert fn((40, 20, 13, 10), exact=True) == Fraction(409, 12617)


def test_extensions_of_the_table():
    assert fn((300, 30, 12, 60), p_fail=0.1) == pytest.approx(3.190923591345e-5, rel=CLOSE)
    stuck = {"n": 1000, "a": 40, "s": 25, "theta": 11, "p_off": 0.05, "p_on": 0.002}
    assert device_false_positive_probability(**stuck) == pytest.approx(6.172343334e-10, rel=1e-9)
    exact = device_false_positive_probability(**stuck, exact=True)
    assert device_false_positive_probability(**stuck) == pytest.approx(float(exact), rel=CLOSE)
    assert fp((1000, 40, 25, 11)) == pytest.approx(2.962697788e-10, rel=1e-9)
    many = {"n": 10_000, "a": 300, "s": 30, "theta": 15, "m": 10**6}
    assert population_false_positive_probability(**many, bound=True) == pytest.approx(
        1.0491918252123694e-9, rel=CLOSE
    )
    assert population_false_positive_probability(**many) == pytest.approx(
        1.0491918246619682e-9, rel=CLOSE
    )


@pytest.mark.parametrize(
    ("values", "paper", "exact"),
    [
        ((1000, 200, 25, 15, 2), 0.047389453029285516, 0.050773363242822575),
        ((10000, 200, 25, 15, 5), 2.2792191554063574e-8, 2.3840406901514337e-8),
    ],
)
def test_unions_of_the_table(values, paper, exact):
    names = dict(zip(("n", "a", "s", "theta", "m"), values, strict=True))
    for method, expected in (("paper", paper), ("exact", exact)):
        p = union_false_positive_probability(**names, method=method)
        assert p == pytest.approx(expected, rel=CLOSE)
        fraction = union_false_positive_probability(**names, method=method, exact=True)
        assert p == pytest.approx(float(fraction), rel=CLOSE)


def test_where_the_text_of_the_paper_is_off():
    many = {"n": 10_000, "a": 300, "s": 30, "theta": 15, "m": 10**6}
    assert population_false_positive_probability(**many) > 1e-9  # "better than 1 in a billion"
    assert union_size(n=20_000, s=25, m=10) == pytest.approx(248.5984272614586, rel=CLOSE)
    ten = {"n": 20_000, "a": 100, "s": 25, "theta": 15, "m": 10}
    assert union_false_positive_probability(**ten, method="paper") == pytest.approx(
        1.7347e-12, rel=1e-4
    )
    assert union_false_positive_probability(**ten) == pytest.approx(1.6984e-12, rel=1e-4)
    # Figure 5A: the line "50 % of the cells active" was drawn for a quarter of them.
    assert fp((300, 75, 24, 12)) == pytest.approx(0.0051860430675, rel=1e-10)
    assert fp((300, 150, 24, 12)) == pytest.approx(0.584, abs=5e-4)
    # Figures 4B and 7B, where the authors' sums lost digits.
    assert fn((128, 30, 8, 26)) == pytest.approx(3.1419e-16, rel=2e-5)
    three = {"n": 20_000, "a": 200, "s": 25, "theta": 15, "m": 3, "method": "paper"}
    assert union_false_positive_probability(**three) == pytest.approx(7.9303e-16, rel=2e-5)


def test_figure_4():
    theory = fp((np.array([300, 500, 700]), 64, 24, 12))
    np.testing.assert_allclose(theory, [1.09462e-3, 5.6957e-6, 1.4125e-7], rtol=5e-5)
    assert fp((300, 128, 24, 12)) == pytest.approx(0.292078, abs=1e-6)
    noisy = fn((128, 30, np.array([12, 12, 16]), np.array([38, 64, 64])))
    np.testing.assert_allclose(noisy, [1.0925e-5, 0.0716985, 0.582502], rtol=5e-5)


def test_figure_6():
    medians = median_error_curve(theta=list(FIGURE_6))
    assert [float(f"{p:.2e}") for p in medians] == list(FIGURE_6.values())
    np.testing.assert_allclose(median_error_curve(log=True), np.log(median_error_curve()))
    assert median_error_curve(theta=[51])[0] == 0.0


def test_figure_7():
    assert union_size(n=1000, s=20, m=10) == pytest.approx(182.93, abs=5e-3)
    assert union_size(n=1000, s=20, m=19) == pytest.approx(318.767, abs=5e-4)
    assert union_size(n=1000, s=30, m=10) == pytest.approx(262.576, abs=5e-4)
    curve = union_false_positive_probability(
        n=np.array([10_000, 20_000])[:, None], a=200, s=25, theta=15, m=[1, 5, 10], method="paper"
    )
    published = [[5.30e-20, 2.28e-8, 1.27e-4], [1.76e-24, 2.04e-12, 3.32e-8]]
    np.testing.assert_allclose(curve, published, rtol=3e-3)


def test_table_1_of_the_companion_paper():
    full = fp((200_000, 2000, np.array([6, 8, 10]), np.array([6, 8, 10])))
    np.testing.assert_allclose(full, [9.9e-13, 9.9e-17, 9.8e-21], rtol=6e-3)
    half = fp((200_000, 2000, np.array([12, 16, 20, 24]), np.array([6, 8, 10, 12])))
    np.testing.assert_allclose(half, [8.7e-10, 1.18e-12, 1.65e-15, 2.34e-18], rtol=6e-3)


@given(data=st.data())
def test_equal_to_fractions(data):
    n = data.draw(st.integers(3, 1500))
    a, s = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    theta = data.draw(st.integers(1, s))
    exact = fp((n, a, s, theta), exact=True)
    assert 0 <= exact <= 1
    close_to(fp((n, a, s, theta)), fp((n, a, s, theta), log=True), exact)


@given(data=st.data())
def test_misses_are_equal_to_fractions(data):
    a = data.draw(st.integers(1, 200))
    s, v = data.draw(st.integers(1, a)), data.draw(st.integers(0, a))
    theta = data.draw(st.integers(1, s))
    f = data.draw(st.sampled_from([0.0, 0.001, 0.3, 0.5, 0.999, 1.0]))
    exact = fn((a, s, theta, v), p_fail=f, exact=True)
    close_to(fn((a, s, theta, v), p_fail=f), fn((a, s, theta, v), p_fail=f, log=True), exact)


def close_to(p: float, log_p: float, exact: Fraction) -> None:
    if not exact:
        assert (p, log_p) == (0.0, -math.inf)
        return
    expected = log_of(exact)
    assert log_p == pytest.approx(expected, rel=CLOSE, abs=CLOSE)
    assert 0 <= p <= 1
    if expected > -700:
        assert p == pytest.approx(float(exact), rel=2 * CLOSE)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
def test_equal_to_fractions_in_large_networks(n):
    cases = [
        (n, a, s, theta)
        for a, s in itertools.product((n // 10_000 + 1, n // 50, n // 2, n), (2, 40, 300))
        for theta in {1, s // 4 + 1, s // 2, s}
    ]
    for values in cases:
        close_to(fp(values), fp(values, log=True), fp(values, exact=True))


def test_far_below_the_range_of_floats():
    assert fp((10**6, 100, 100, 100)) == pytest.approx(0.0, abs=1e-300)
    exact = fp((10**6, 100, 100, 100), exact=True)
    assert fp((10**6, 100, 100, 100), log=True) == pytest.approx(log_of(exact), rel=CLOSE)
    assert fp((10**6, 5000, 5000, 5000), log=True) < -10_000
    many = population_false_positive_probability(n=10**6, a=100, s=100, theta=100, m=7, log=True)
    assert many == pytest.approx(log_of(exact) + math.log(7), rel=CLOSE)


def test_everything_is_a_probability():
    n = np.array([3, 4, 10, 1000, 10**6])[:, None, None]
    a = np.array([0, 1, 2, 3])[:, None]
    p = fp((n, a, 3, np.array([1, 2, 3])))
    assert p.shape == (5, 4, 3)
    assert np.all((p >= 0) & (p <= 1))
    assert p[0, 3].tolist() == [1.0, 1.0, 1.0]
    half = fp((10**6, 500_000, 500_000, np.arange(1, 500_000, 50_001)), log=True)
    assert np.all(half <= 0)
    assert not np.any(np.isnan(half))


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_against_every_pattern(n):
    """All a-of-n patterns, counted one by one."""
    for a, s in itertools.product(range(n + 1), range(1, n + 1)):
        met = [sum(cell < s for cell in cells) for cells in itertools.combinations(range(n), a)]
        for theta in range(1, s + 1):
            share = Fraction(sum(overlap >= theta for overlap in met), len(met))
            assert fp((n, a, s, theta), exact=True) == share
        assert [overlap_set_size(n=n, a=a, s=s, b=b) for b in range(s + 1)] == [
            met.count(b) for b in range(s + 1)
        ]


def test_swapped_bits_one_by_one():
    a, s = 6, 4
    for v, theta in itertools.product(range(a + 1), range(1, s + 1)):
        kept = [s - sum(cell < s for cell in lost) for lost in itertools.combinations(range(a), v)]
        share = Fraction(sum(left < theta for left in kept), len(kept))
        assert fn((a, s, theta, v), exact=True) == share


def test_unions_one_by_one():
    subsets = list(itertools.combinations(range(5), 2))
    sizes = [len({*x, *y, *z}) for x, y, z in itertools.product(subsets, repeat=3)]
    law = [Fraction(sizes.count(x), len(sizes)) for x in range(6)]
    assert union_size_probability(n=5, s=2, m=3, exact=True).tolist() == law
    np.testing.assert_allclose(
        union_size_probability(n=5, s=2, m=3), np.array(law, float), rtol=1e-13
    )
    assert union_size(n=5, s=2, m=3, exact=True) == sum(x * p for x, p in enumerate(law))
    three = {"n": 5, "a": 3, "s": 2, "theta": 2, "m": 3}
    mean = sum(p * fp((5, 3, x, 2), exact=True) for x, p in enumerate(law) if x >= 2)
    assert union_false_positive_probability(**three, exact=True) == mean


def test_devices_that_work_change_nothing():
    plain = fp((100, 10, 8, 4), exact=True)
    assert device_false_positive_probability(n=100, a=10, s=8, theta=4, exact=True) == plain
    missed = fn((20, 10, 6, 7), exact=True)
    assert device_false_negative_probability(a=20, s=10, theta=6, v=7, exact=True) == missed
    failing = fn((20, 10, 6, 7), p_fail=Fraction(1, 8), exact=True)
    assert (
        device_false_negative_probability(
            a=20, s=10, theta=6, v=7, p_off=Fraction(1, 8), exact=True
        )
        == failing
    )


@pytest.mark.parametrize(("p_off", "p_on"), [(0.2, 0.01), (1.0, 0.1), (0.0, 0.5), (0.3, 1.0)])
def test_devices_are_equal_to_fractions(p_off, p_on):
    hit = {"n": 60, "a": 12, "s": 9, "theta": 5, "p_off": p_off, "p_on": p_on}
    exact = device_false_positive_probability(**hit, exact=True)
    assert device_false_positive_probability(**hit) == pytest.approx(float(exact), rel=CLOSE)
    miss = {"a": 20, "s": 9, "theta": 5, "v": 8, "p_off": p_off, "p_on": p_on}
    exact = device_false_negative_probability(**miss, exact=True)
    assert device_false_negative_probability(**miss) == pytest.approx(float(exact), rel=CLOSE)


def test_bloom_filter():
    p = union_exact_match_probability(n=1000, s=20, m=19, y=[20, 0])
    assert p[0] == pytest.approx((318.76734 / 1000) ** 20, rel=1e-5)
    assert p[1] == 1.0


def test_populations():
    one = fp((100, 10, 8, 3), exact=True)
    names = {"n": 100, "a": 10, "s": 8, "theta": 3}
    assert population_false_positive_probability(**names, m=3, exact=True) == 1 - (1 - one) ** 3
    for m in (1, 10, 10**6):
        p = population_false_positive_probability(**names, m=m)
        assert p == pytest.approx(-math.expm1(m * math.log1p(-float(one))), rel=CLOSE)
    assert population_false_positive_probability(**names, m=10**9, bound=True) == 1.0
    assert population_false_positive_probability(n=5, a=5, s=3, theta=3, m=4) == 1.0
    assert population_false_positive_probability(n=5, a=0, s=3, theta=3, m=4) == 0.0


@pytest.mark.parametrize(
    ("n", "a", "s", "theta", "v"),
    [(1000, 20, 20, 8, 12), (2048, 40, 32, 10, 23), (10_000, 300, 30, 11, 115)],
)
def test_inverse_of_the_table(n, a, s, theta, v):
    choice = choose_threshold(n=n, a=a, s=s)
    assert choice[:3] == (s, theta, v)
    assert fp((n, a, s, theta)) < 1e-9 <= fp((n, a, s, theta - 1))
    assert fn((a, s, theta, v)) < 1e-3
    assert v == a - (s == a) * theta or fn((a, s, theta, v + 1)) >= 1e-3


def test_inverse_questions_by_trying_all():
    thresholds = smallest_threshold(n=500, a=[10, 30], s=[[8], [20]], false_positive=1e-3)
    for (row, s), (column, a) in itertools.product(enumerate((8, 20)), enumerate((10, 30))):
        first = next(t for t in range(1, s + 1) if fp((500, a, s, t)) < 1e-3)
        assert thresholds[row, column] == first
    noise = largest_noise(a=30, s=20, theta=np.arange(1, 21), false_negative=0.01)
    for theta in range(1, 21):
        fitting = [v for v in range(31) if fn((30, 20, theta, v)) < 0.01]
        assert noise[theta - 1] == max(fitting)
    choice = synapses_needed(n=500, a=30, v=9, false_positive=1e-6, false_negative=0.01)
    fitting = [
        (s, t)
        for s in range(1, 31)
        for t in range(1, s + 1)
        if fp((500, 30, s, t)) < 1e-6 and fn((30, s, t, 9)) < 0.01
    ]
    assert (choice.s, choice.theta) == fitting[0]


@pytest.mark.parametrize("method", ["exact", "paper"])
def test_patterns_per_segment(method):
    names = {"n": 2000, "a": 40, "s": 20, "theta": 12}
    m = patterns_per_segment(**names, false_positive=1e-8, method=method)
    assert m > 1
    p = union_false_positive_probability(**names, m=[m, m + 1], method=method)
    assert p[0] < 1e-8 <= p[1]
    assert patterns_per_segment(**names, false_positive=1e-30, method=method) == 0


GOOD = {"n": 100, "a": 10, "s": 8, "theta": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": 101}, r"a must be from 0 to n=100, got 101"),
        ({"a": -1}, r"a must be from 0 to n, got -1"),
        ({"s": 0}, r"s must be from 1 to n, got 0"),
        ({"s": 101}, r"s must be from 1 to n=100, got 101"),
        ({"theta": 9}, r"theta must be from 1 to s=8, got 9"),
        ({"theta": [3, 0]}, r"theta must be from 1 to s, got 0"),
        ({"n": 0}, r"n must be from 1"),
        ({"n": 100.0}, r"n must be an int or an array of int, got 100\.0"),
        ({"a": "ten"}, r"a must be an int"),
        ({"a": True}, r"a must be an int"),
        ({"a": None}, r"a must be an int"),
        ({"a": [[1], [2, 3]]}, r"a must be an int"),
        ({"a": [1, 2], "s": [8, 8, 8]}, r"shapes must broadcast"),
        ({"exact": True, "log": True}, r"not both"),
        ({"exact": 1}, r"exact must be True or False"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(DescriptionError, match=message) as caught:
        false_positive_probability(**{**GOOD, **change})
    assert str(caught.value).startswith("false_positive_probability")


@pytest.mark.parametrize(
    ("function", "names", "message"),
    [
        (false_negative_probability, {"a": 10, "s": 11, "theta": 3, "v": 1}, "s must be from 1"),
        (false_negative_probability, {"a": 10, "s": 8, "theta": 3, "v": 11}, "v must be from 0"),
        (
            false_negative_probability,
            {"a": 10, "s": 8, "theta": 3, "v": 1, "p_fail": -0.1},
            "p_fail must be a probability, from 0 to 1, got -0.1",
        ),
        (device_false_positive_probability, {**GOOD, "p_on": 1.5}, "p_on must be a probability"),
        (device_false_positive_probability, {**GOOD, "p_off": "x"}, "p_off must be a probability"),
        (population_false_positive_probability, {**GOOD, "m": 0}, "m must be from 1"),
        (
            population_false_positive_probability,
            {**GOOD, "m": 10**9, "exact": True},
            "binary digits",
        ),
        (
            union_false_positive_probability,
            {**GOOD, "m": 2, "method": "guess"},
            "method: 'guess' is not a valid choice",
        ),
        (union_size_probability, {"n": 10, "s": 3, "m": [1, 2]}, "m must be one int"),
        (smallest_threshold, {"n": 10, "a": 9, "s": 3}, "even theta = s = 3"),
        (smallest_threshold, {"n": 10, "a": 9, "s": 3, "false_positive": 0}, "above 0"),
        (synapses_needed, {"n": 10, "a": 9, "v": 3}, "no segment"),
        (choose_threshold, {"n": 10, "a": [9], "s": 3}, "a must be one int"),
        (patterns_per_segment, {**GOOD, "a": 3}, "no limit"),
        (median_error_curve, {"sparsity": 2.0}, "sparsity must be a probability"),
    ],
)
def test_bad_input_elsewhere(function, names, message):
    with pytest.raises(DescriptionError, match=message):
        function(**names)


def test_public_name():
    assert sm.networks.dendrites.false_positive_probability is false_positive_probability
    with pytest.raises(AttributeError, match="no attribute 'dendrite'"):
        _ = sm.networks.dendrite
