"""The steps of the code selection algorithm, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spikemem.networks.sparsey import BackOff, Selection
from spikemem.networks.sparsey import selection as csa
from spikemem.networks.sparsey.selection import Evidence


def test_step_1_the_bounds_are_included():
    assert [csa.is_active(n, 3, 5) for n in (2, 3, 5, 6)] == [False, True, True, False]


def test_step_3_divides_by_the_active_count_or_by_the_bound():
    sums = np.array([[2.0, 5.0, 0.0]])
    np.testing.assert_array_equal(csa.normalize(sums, 5, math.inf), [[0.4, 1.0, 0.0]])
    np.testing.assert_array_equal(csa.normalize(sums, 5, 4.0), [[0.5, 1.0, 0.0]])
    np.testing.assert_array_equal(csa.normalize(127 * sums, 5, math.inf, 127.0), [[0.4, 1.0, 0.0]])
    # Fewer inputs than the bound are active: they are all that there is to reach.
    np.testing.assert_array_equal(csa.normalize(sums, 2, 4.0), [[1.0, 1.0, 0.0]])


def test_step_4_multiplies_powers_and_cuts_off():
    u, h = np.array([[0.5, 1.0]]), np.array([[0.25, 0.81]])
    v = csa.combine({"U": Evidence(u, 2.0), "H": Evidence(h, 0.5)})
    np.testing.assert_allclose(v, [[0.25 * 0.5, 0.9]])
    cut = csa.combine({"U": Evidence(u, 2.0), "H": Evidence(h, 0.5)}, low=0.2, high=0.9)
    np.testing.assert_array_equal(cut, [[0.0, 1.0]])


def test_steps_5_and_6_count_hypotheses_and_weight_the_output():
    v = np.array([[1.0, 0.99, 0.2], [1.0, 0.1, 0.2]])
    assert csa.competing_hypotheses(v, 0.95) == 2  # 3 cells in 2 modules: 1.5 is rounded up
    assert csa.competing_hypotheses(np.zeros((2, 3)), 0.95) == 1
    assert csa.multiplier(2, 1.0, None) == 2.0
    assert csa.multiplier(2, 0.5, 2) == pytest.approx(math.sqrt(2))
    assert csa.multiplier(3, 1.0, 2) == 0.0


def test_steps_7_and_8_average_the_peaks():
    v = np.array([[0.1, 0.9], [0.4, 0.2]])
    peaks = csa.strongest(v)
    np.testing.assert_array_equal(peaks, [0.9, 0.4])
    assert csa.familiarity(peaks) == pytest.approx(0.65)


def test_step_9_expands_from_1_to_1_plus_chi_k():
    rules = Selection(g_minus=0.2, gamma=2.0, chi=100.0)
    assert [csa.expand(g, rules, 8) for g in (0.0, 0.2)] == [1.0, 1.0]
    assert csa.expand(1.0, rules, 8) == pytest.approx(801.0)
    assert csa.expand(0.6, rules, 8) == pytest.approx(1 + 0.25 * 800)
    assert csa.expand(0.5, Selection(form="2010", a=1e4, b=7.0), 8) == pytest.approx(78.125)


def test_step_10_in_its_three_forms():
    v = np.array([[0.85, 0.0]])
    of_2014 = csa.relative_likelihood(v, 11.0, Selection(sigma2=40.0, sigma3=0.85, sigma4=2.0))
    np.testing.assert_allclose(of_2014, [[10 / 4 + 1, 1 + 10 / (1 + math.exp(34)) ** 2]])
    of_2010 = csa.relative_likelihood(v, 8.0, Selection(form="2010", slope=20.0, phase=-17.0))
    np.testing.assert_allclose(of_2010, [[5.0, 1 + 8 / (1 + math.exp(17))]])
    ratchet = Selection(form="ratchet", ratchet_slope=4.0, ratchet_low=0.5, ratchet_high=0.9)
    half_full = csa.relative_likelihood(np.array([[0.7, 0.0]]), 6.0, ratchet, fill=0.5)
    np.testing.assert_allclose(half_full, [[3.0, 1.0]])  # 6 / (1 + e^2.8) is below 1
    assert csa.relative_likelihood(v, 1.0, Selection()).tolist() == [[1.0, 1.0]]


def test_steps_11_and_12_draw_by_the_likelihoods():
    psi = np.array([[1.0, 3.0, 4.0]] * 6)
    points = np.array([0.0, 0.124, 0.125, 0.499, 0.5, 1 - 2**-53])
    assert csa.draw(psi, points).tolist() == [0, 0, 1, 1, 2, 2]


def test_step_12_in_retrieval_takes_the_largest_and_of_equals_the_first_in_rank():
    v = np.array([[0.2, 0.7, 0.7], [0.3, 0.1, 0.2]])
    assert csa.most_supported(v, np.array([[0.9, 0.1, 0.5], [0.1, 0.9, 0.5]])).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("values", "used"),
    [
        ({"U": 0.95, "H": 0.95, "D": 1.0}, "UHD"),  # 0.9025 >= 0.9
        ({"U": 0.95, "H": 0.5, "D": 1.0}, "UD"),  # 0.475, then the pair of 0.95 >= 0.93
        ({"U": 0.97, "H": 0.5, "D": 0.5}, "U"),  # pairs of 0.485, then the single of 0.97 >= 0.96
        ({"U": 0.95, "H": 0.5, "D": 0.5}, "U"),  # nothing is accepted: the largest
        ({"U": 0.95, "H": 0.99}, "UH"),  # two kinds begin with the threshold of pairs
        ({"U": 0.1}, "U"),
    ],
)
def test_back_off_accepts_fewer_inputs_by_familiarity(values, used):
    evidence = {name: Evidence(np.array([[g, 0.0]]), 1.0) for name, g in values.items()}
    assert "".join(csa.accepted(evidence, BackOff(), Selection())) == used
    assert "".join(csa.accepted(evidence, None, Selection())) == "".join(values)


def test_a_selection_in_one_call():
    evidence = {"U": Evidence(np.array([[1.0, 0.0], [0.6, 0.5]]), 1.0)}
    rules = Selection(chi=1e6, gamma=1.0, sigma2=200.0, sigma3=0.55)
    choice = csa.select(evidence, rules, uniform=np.array([0.5, 0.5]), priority=np.zeros((2, 2)))
    assert choice.winners.tolist() == [0, 0]
    assert (choice.familiarity, choice.hypotheses, choice.evidence) == (0.8, 1, "U")
    told = csa.select(evidence, rules, uniform=None, priority=np.zeros((2, 2)))
    assert told.winners.tolist() == [0, 0]


def test_uniforms_are_splitmix_of_frame_and_module():
    mask = 2**64 - 1

    def mixed(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return z ^ (z >> 31)

    key, frame, mac, module = 0xFEDCBA9876543210, 12, 3, 2
    numbers = csa.uniforms(key, 10, 4, n_macs=5, n_modules=4)
    row = mixed((key + (frame + 1) * 0x9E3779B97F4A7C15) & mask)
    bits = mixed((row + (mac * 4 + module + 1) * 0xD1B54A32D192ED03) & mask)
    assert numbers[frame - 10, mac, module] == (bits >> 11) / 2**53
    np.testing.assert_array_equal(numbers[2:], csa.uniforms(key, 12, 2, 5, 4))


def test_uniforms_are_uniform_and_independent():
    numbers = csa.uniforms(7, 0, 2000, n_macs=4, n_modules=8).reshape(2000, 32)
    n = numbers.size
    counts = np.histogram(numbers, bins=16, range=(0, 1))[0]
    chi = ((counts - n / 16) ** 2 / (n / 16)).sum()
    assert chi < 37.7  # 15 degrees of freedom, p = 0.001
    together = np.corrcoef(numbers.T) - np.eye(32)
    assert abs(together).max() < 4.5 / math.sqrt(2000)  # of 496 pairs, p = 0.004
    follows = np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]
    assert abs(follows) < 3.3 / math.sqrt(n)
