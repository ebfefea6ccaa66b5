"""A wrong, missing or surplus argument: the error says which one may be meant."""

from __future__ import annotations

import inspect
from typing import Annotated

import pytest

import spikemem as sm
from spikemem.calls import SYNONYMS, nearest
from spikemem.checks import Quantity, checked
from spikemem.errors import CallError

SOURCE = sm.SpikeSource.from_lists([[1.0]])
NETWORK = sm.Network([sm.Population("in", SOURCE)])
EXC = sm.Population("exc", 4, sm.LIF())


@pytest.mark.parametrize(
    ("call", "arguments", "meant"),
    [
        (sm.LIF, {"v_threshold": -50.0}, "'v_thresh' (mV)"),
        (sm.LIF, {"tau_syn_e": 5.0}, "'tau_syn_E' (ms)"),
        (sm.LIF, {"C_m": 250.0}, "'cm' (nF)"),
        (sm.LIF, {"E_L": -70.0}, "'v_rest' (mV)"),
        (sm.LIF, {"V_th": -50.0}, "'v_thresh' (mV)"),
        (sm.LIF, {"V_reset": -50.0}, "'v_reset' (mV)"),
        (sm.LIF, {"t_ref": 2.0}, "'tau_refrac' (ms)"),
        (sm.LIF, {"I_e": 300.0}, "'i_offset' (nA)"),
        (sm.LIF, {"tau_mem": 20.0}, "'tau_m' (ms)"),
        (sm.STDP, {"A_plus": 1.0, "a_minus": 1.0, "w_max": 1.0}, "'a_plus' (nA)"),
        (sm.STDP, {"a_plus": 1.0, "a_minus": 1.0, "Wmax": 1.0}, "'w_max' (nA)"),
        (sm.SpikeSource, {"spike_times": [[1.0]]}, "'spikes'"),
        (sm.SpikeSource.poisson, {"rates": 3.0}, "'rate' (Hz)"),
        (sm.Population, {"name": "a", "size": 3, "neuron": sm.LIF()}, "'cell'"),
        (sm.Population, {"name": "a", "n": 3, "cell": sm.LIF()}, "'size'"),
        (sm.Population, {"name": "a", "N": 3, "cell": sm.LIF()}, "'size'"),
        (sm.Projection, {"name": "a", "pre": "b", "post": "c", "weights": 1.0, "delay": 1.0},
         "'weight' (nA)"),
        (sm.Projection.fixed_probability, {"name": "a", "pre": EXC, "post": EXC, "prob": 0.1,
                                           "weight": 1.0, "delay": 1.0}, "'p'"),
        (sm.Projection.one_to_one, {"name": "a", "pre": EXC, "target": EXC}, "'post'"),
        (sm.Network, {"neurons": []}, "'populations'"),
        (sm.simulate, {"network": NETWORK, "time": 5.0}, "'duration'"),
        (sm.simulate, {"network": NETWORK, "simulator": "native"}, "'backend'"),
        (sm.simulate, {"network": NETWORK, "time": 5.0, "backend": "native"}, "'duration'"),
        (sm.Learn, {"cue": 1, "contents": [1]}, "'content'"),
        (sm.CA3Memory, {"n_cue": 1, "n_contents": 3}, "'n_cues'"),
    ],
)  # fmt: skip
def test_a_wrong_keyword_names_the_right_one(call, arguments, meant):
    with pytest.raises(CallError) as caught:
        call(**arguments)
    assert isinstance(caught.value, sm.DescriptionError)
    assert isinstance(caught.value, TypeError)
    assert f"Did you mean {meant}?" in str(caught.value)


@checked
def wait(time: Annotated[float, Quantity("s")], *, speed: float = 1.0, **others: float) -> float:
    """Wait."""
    return time * speed


def test_missing_surplus_and_repeated_arguments():
    assert wait(2) == wait(time=2) == wait(2, other=3) == 2.0
    for call, words in (
        (lambda: wait(), "wait: time must be given."),
        (lambda: wait(1, 2), "at most 1 arguments can be passed without their names, got 2"),
        (lambda: wait(1, time=2), "wait: time is given twice."),
        (lambda: wait(tim=2), "Did you mean 'time' (s)?"),
        (lambda: sm.LIF(20.0), "LIF: at most 0 arguments"),
        (lambda: sm.STDP(), "STDP: a_plus, a_minus and w_max must be given."),
        (lambda: sm.Projection.one_to_one("a", "b", "c"), "Projection: weight and delay must"),
        (lambda: NETWORK.replace(dd=1.0), "Network.replace: 'dd' is not an argument"),
        (lambda: EXC.initial_v(1), None),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        if words is not None:
            assert isinstance(caught.value, CallError)
            assert words in str(caught.value)


def test_subclasses_are_named_in_messages():
    class Mine(sm.Projection):
        pass

    with pytest.raises(CallError, match=r"^Mine\.from_matrix: "):
        Mine.from_matrix("a", EXC)


def test_every_synonym_leads_to_an_argument_somewhere():
    taken = set()
    for call in (
        sm.LIF, sm.STDP, sm.SpikeSource, sm.SpikeTrains, sm.Population, sm.Projection, sm.Network,
        sm.Session, sm.simulate, sm.SpikeSource.poisson, sm.Projection.fixed_number_in,
        sm.Projection.fixed_probability, sm.Recording, sm.CA3Memory.recall, sm.SpikeTrains.rates,
    ):  # fmt: skip
        taken |= set(inspect.signature(call).parameters)
    taken |= {"size", "cell"}
    for name, meant in SYNONYMS.items():
        assert meant, name
        assert set(meant) <= taken, name
        assert nearest(name, sorted(taken)) == meant[0] or name in taken
