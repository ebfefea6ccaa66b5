"""The lateral circuit in spikes: it responds as the closed form, and tells novel from familiar."""

from __future__ import annotations

import numpy as np
import pytest

import spikemem as sm
from spikemem.errors import DescriptionError
from spikemem.networks.hlop import LateralCircuit, novelty_threshold

N, ROWS, SAMPLES = 40, 5, 100


def rows(seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(N, ROWS)))[0].T


def familiar(n, seed):
    """Inputs of the subspace, with noise in all directions."""
    rng = np.random.default_rng(seed)
    return 0.5 * rng.normal(size=(n, ROWS)) @ rows() + 0.05 * rng.normal(size=(n, N))


def novel(n, seed):
    """Inputs of about the same length in all directions."""
    return 0.2 * np.random.default_rng(seed).normal(size=(n, N))


def energies(answers):
    return np.array([answer.energy for answer in answers])


@pytest.mark.parametrize("backend", ["brian2", "native", "emulator"])
def test_responses_are_those_of_the_closed_form(backend):
    x = np.concatenate([familiar(15, 1), novel(15, 2)])
    circuit = LateralCircuit(rows())
    found, wanted = sm.run(circuit, x, backend=backend), circuit.expected(x)
    # Resolution is y_max / levels.
    apart = np.array([a.y - b.y for a, b in zip(found, wanted, strict=True)])
    assert np.abs(apart).max() < 1.5 * circuit.y_max / circuit.levels
    assert np.corrcoef(energies(found), energies(wanted))[0, 1] > 0.99
    assert np.abs(energies(found) - energies(wanted)).max() < 0.15
    left = [np.concatenate([a.residual for a in each]) for each in (found, wanted)]
    assert np.corrcoef(*left)[0, 1] > 0.95


@pytest.mark.nest
def test_nest_responds_alike():
    x = np.concatenate([familiar(2, 1), novel(2, 2)])
    circuit = LateralCircuit(rows())
    nest = sm.run(circuit, x, backend="pynn:nest", integrator="exact")
    assert np.abs(energies(nest) - energies(circuit.expected(x))).max() < 0.15


def test_novel_inputs_are_found_at_the_stated_rate_of_false_alarms():
    """5 % of the familiar, where the limit comes from 100 of them.

    Of 100 others, 20 or more are then below it with a probability of 1.1e-3 (beta-binomial law).
    """
    circuit = LateralCircuit(rows())
    x = np.concatenate([familiar(SAMPLES, 3), familiar(SAMPLES, 4), novel(SAMPLES, 5)])
    known, others, strange = np.split(energies(sm.run(circuit, x, backend="native")), 3)
    limit = novelty_threshold(known, false_alarms=0.05)
    assert np.mean(others < limit) < 0.20
    assert np.mean(strange < limit) == 1.0
    closed = np.split(energies(circuit.expected(x)), 3)
    assert others.mean() == pytest.approx(closed[1].mean(), abs=0.03)
    assert strange.mean() == pytest.approx(closed[2].mean(), abs=0.03)


def test_a_subspace_that_is_learnt_by_hebb_finds_its_inputs_familiar():
    torch = pytest.importorskip("torch")
    from spikemem.networks.hlop import Subspace, SubspaceRule

    subspace = Subspace(N, SubspaceRule(learning_rate=0.2), seed=0)
    subspace.grow(ROWS)
    for k in range(60):
        subspace.update(torch.tensor(familiar(64, 10 + k), dtype=torch.float32))
    subspace.freeze()
    circuit = LateralCircuit(np.asarray(subspace.rows))
    x = np.concatenate([familiar(10, 3), novel(10, 5)])
    known, strange = np.split(energies(sm.run(circuit, x, backend="native")), 2)
    assert known.min() > 0.75 > 0.5 > strange.max()


def test_without_the_rows_backwards_nothing_is_taken_away():
    from dataclasses import replace

    circuit, x = LateralCircuit(rows()), familiar(10, 3)
    network = circuit.build(x)
    whole = circuit.decode(sm.simulate(network, backend="native"), x)
    cut = network
    for name in ("backward excitatory", "backward inhibitory"):
        cut = cut.replace(replace(network.projection(name), weight=0.0))
    open_loop = circuit.decode(sm.simulate(cut, backend="native"), x)

    def size(answers):
        return np.mean([np.sum(answer.residual**2) for answer in answers])

    assert size(whole) < 0.25 * size(open_loop)
    assert size(open_loop) == pytest.approx(np.mean(np.sum(x**2, axis=1)), rel=0.1)


def test_an_input_of_zeros_has_no_energy():
    (answer,) = sm.run(LateralCircuit(rows()), np.zeros((1, N)), backend="native")
    assert answer.energy == 0.0
    assert not answer.y.any()
    assert not answer.residual.any()


def test_the_sign_of_an_input_is_the_sign_of_the_response():
    circuit, x = LateralCircuit(rows()), familiar(4, 8)
    plus, minus = (circuit.expected(s * x) for s in (1, -1))
    ran = sm.run(circuit, np.concatenate([x, -x]), backend="native")
    for a, b, c, d in zip(ran[:4], ran[4:], plus, minus, strict=True):
        assert np.allclose(c.y, -d.y)
        assert np.abs(a.y + b.y).max() < 2.0 * circuit.y_max / circuit.levels


@pytest.mark.parametrize("wrong", [np.ones((1, 3)), np.zeros((0, N)), "x", [[np.nan] * N]])
def test_inputs_of_another_kind_are_refused(wrong):
    with pytest.raises(DescriptionError):
        LateralCircuit(rows()).build(wrong)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"rows": np.zeros((2, 3))}, "rows"),
        ({"rows": [[np.inf, 1.0]]}, "finite"),
        ({"levels": 200}, "levels"),
        ({"x_max": 0.0}, "x_max"),
    ],
)
def test_parameters_that_do_not_fit(bad, why):
    with pytest.raises(DescriptionError, match=why):
        LateralCircuit(**{"rows": rows(), **bad})


@pytest.mark.spinnaker
def test_a_virtual_board_holds_it():
    from spikemem.hardware.spinnaker import map_network

    report = map_network(LateralCircuit(rows()).build(familiar(1, 0)))
    assert set(report.shifts) == {"subspace", "residual"}
