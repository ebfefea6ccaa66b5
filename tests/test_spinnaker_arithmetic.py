"""SpiNNaker's numbers: against the machine code of sPyNNaker, and against each other."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import board_reference as board
import numpy as np
import pytest
from board_networks import random_network
from hypothesis import given
from hypothesis import strategies as st

from spikemem.cells import LIF
from spikemem.hardware.spinnaker import arithmetic as fixed
from spikemem.network import Population

ARM = json.loads((Path(__file__).parent / "data" / "spinnaker_arm.json").read_text())


def test_the_machine_code_was_read():
    assert len(ARM["exponentials"]) > 50
    assert len(ARM["rows"]) > 10


@pytest.mark.parametrize(("n", "in_s1615", "in_u032"), ARM["exponentials"])
def test_exponentials_equal_the_machine_code(n, in_s1615, in_u032):
    assert (fixed.expk(n), fixed.expulr(n)) == (in_s1615, in_u032)
    assert (board.exponential(n) >> 17, board.exponential(n) % 2**32) == (in_s1615, in_u032)


@pytest.mark.parametrize("row", ARM["rows"], ids=lambda row: f"shift {row['shift']}")
def test_rows_of_plastic_synapses_equal_the_machine_code(row):
    rule = board.Rule(SimpleNamespace(**{**row, "w_min": 0.0}), 1.0)
    histories = [board.PostHistory(rule.minus) for _ in row["delays"]]
    weights, last, trace = list(row["weights"]), 0, 0
    post = sorted((tick, cell) for tick, cell in row["post"])
    for tick, expected, expected_trace, delivered in row["pre"]:
        while post and post[0][0] <= tick:
            when, cell = post.pop(0)
            histories[cell].add(when)
        masked = [delay % row["slots"] for delay in row["delays"]]
        weights = [
            rule.updated(weights[k], row["shift"], masked[k], last, trace, tick, histories[k])
            for k in range(len(weights))
        ]
        trace = board.short(board.faded(trace, tick - last, rule.plus) + 2048)
        last = tick
        assert weights == expected
        assert trace == expected_trace
        assert [w if m else None for w, m in zip(weights, masked, strict=True)] == [
            d or (0 if m else None) for d, m in zip(delivered, masked, strict=True)
        ]


@given(st.integers(-340695, -1))
def test_exponentials_are_near_the_exact_ones(n):
    exact = math.exp(n / 2**15)
    assert abs(fixed.expk(n) - exact * 2**15) < 2
    assert abs(fixed.expulr(n) - exact * 2**32) < 2e-5 * exact * 2**32 + 6000


@given(st.floats(0, 70), st.integers(0, 14), st.booleans())
def test_weights_are_whole_steps(weight, shift, on_machine):
    word = int(fixed.weight16(weight, shift, on_machine=on_machine))
    if weight <= 65535 * fixed.weight_lsb(shift):
        assert abs(word * fixed.weight_lsb(shift) - weight) <= 0.51 * fixed.weight_lsb(shift) + 2e-5
    else:
        assert word <= 65535


def test_a_weight_beyond_16_bits_wraps():
    assert fixed.weight16(2.0, 0).tolist() == 0
    assert fixed.weight16([1.0, 1.999], 0).tolist() == [32768, 65503]


@given(st.floats(0.05, 60), st.sampled_from([1.0, 0.1]))
def test_decay_tables(tau, dt):
    table = fixed.decay_table(tau, dt)
    assert table[0] == 2048
    assert len(table) % 2 == 0
    assert board.lookup_table(tau, dt) == table.tolist()


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_products_round_down_and_wrap(a, b):
    assert int(fixed.multiply(a, b)) == board.times(a, b)


@pytest.mark.parametrize("seed", range(6))
def test_constants_equal_those_of_the_reference(seed):
    for dt in (1.0, 0.1):
        for population in random_network(seed).populations:
            if population.is_source:
                continue
            constants = fixed.cell_constants(population, dt)
            for k in range(population.size):
                values = {
                    name: population.lif.array(name, population.size)[k] for name in LIF.units
                }
                cell = board.Cell(values, population.initial_v()[k], dt)
                assert constants.leak[k] == cell.leak
                assert constants.resistance[k] == cell.r
                assert constants.n_ref[k] == cell.n_ref
                assert [constants.decay_E[k], constants.decay_I[k]] == cell.fade
                assert [constants.scale_E[k], constants.scale_I[k]] == cell.gain


def test_constants_are_near_the_exact_ones():
    cell = LIF(tau_m=10.0, cm=0.25, tau_syn_E=3.0, tau_syn_I=0.3, tau_refrac=2.0)
    constants = fixed.cell_constants(Population(name="x", size=1, cell=cell), 1.0)
    assert constants.resistance[0] / 2**15 == pytest.approx(40.0, abs=1e-3)
    assert constants.leak[0] / 2**15 == pytest.approx(math.exp(-0.1), abs=1e-4)
    assert constants.n_ref[0] == 2
    decay = math.exp(-1 / 3)
    assert constants.decay_E[0] / 2**32 == pytest.approx(decay, abs=1e-4)
    assert constants.scale_E[0] / 2**32 == pytest.approx(3 * (1 - decay), abs=3e-4)


def test_decay_of_negative_currents_rounds_down():
    assert fixed.decay(-1, 2**31).tolist() == -1
    assert fixed.decay(np.array([-(2**31), 2**31 - 1]), 2**32 - 1).tolist() == [
        -(2**31),
        2147483646,
    ]


def test_delays_that_the_machine_cuts_off():
    """The figures are those of sPyNNaker's own ``synapse_expander.aplx``, at 0.1 ms."""
    made = {k: fixed.machine_delay(k / 10, 0.1) for k in range(1, 400)}
    assert [made[k] for k in (3, 4, 8, 9, 13)] == [2, 3, 7, 8, 12]
    assert all(made[k] == k - (k % 5 in (3, 4)) for k in made)
    assert all(fixed.machine_delay(k, 1.0) == k for k in range(1, 5000))
    assert all(fixed.machine_delay(k / 2, 0.5) == k for k in range(1, 5000))


@pytest.mark.parametrize(("a", "b"), [(2**31 - 1, 3277), (70000 << 15, 32768), (5 << 15, 7)])
def test_quotients_have_a_sign(a, b):
    whole = (a << 15) // b
    assert fixed.divide(a, b) == board.signed(whole)
