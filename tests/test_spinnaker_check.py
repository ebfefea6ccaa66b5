"""Everything that a check for SpiNNaker looks for, each by a network that has it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from board_networks import random_network

import spikemem as sm
from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.hardware.spinnaker import RULES
from spikemem.hardware.spinnaker.check import require_mappable
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains
from spikemem.simulation import BACKENDS

STDP_RULE = STDP(tau_plus=20.0, tau_minus=20.0, a_plus=0.5, a_minus=0.6, w_max=2.0)
SHORT = STDP(tau_plus=0.25, tau_minus=0.25, a_plus=100.0, a_minus=6.0, w_max=2.0)


def network(*projections, n_in=4, n_out=4, spikes=True, cell=None, dt=1.0):
    trains = SpikeTrains(ids=[0] * spikes, times=[1.0] * spikes, size=n_in, duration=20.0)
    return Network(
        populations=[
            Population(name="in", cell=SpikeSource(spikes=trains)),
            Population(name="out", size=n_out, cell=cell or LIF(tau_m=10.0, cm=0.5)),
        ],
        projections=projections,
        dt=dt,
    )


def link(name="p", weight=1.0, delay=1.0, rule=None, **options):
    return Projection.all_to_all(
        name, "in", "out", weight=weight, delay=delay, plasticity=rule, **options
    )


def many(n, weight=1.0, delay=1.0, rule=None, j=0):
    return Projection(name="p", pre="in", post="out", i=[0] * n, j=[j] * n, weight=weight,
                      delay=delay, plasticity=rule)  # fmt: skip


EXAMPLES = {
    "one rule per population": network(
        link("a", rule=STDP_RULE), link("b", rule=replace(STDP_RULE, a_plus=0.4))
    ),
    "row too long": network(many(255, weight=0.1, rule=STDP_RULE)),
    "time step": network(link(), dt=1e-6),
    "cell without a leak": network(link(), cell=LIF(tau_m=np.inf)),
    "current too long": network(
        link(),
        cell=LIF(i_offset=sm.StepCurrent(times=np.arange(9000.0), amplitudes=np.ones(9000))),
    ),
    "number out of range": network(link(), cell=LIF(cm=1e-6)),
    "time constant out of range": network(link(delay=0.1), cell=LIF(tau_syn_I=3300.0), dt=0.1),
    "table too long": network(link(rule=replace(STDP_RULE, tau_minus=5000.0))),
    "change overflows": network(link(rule=replace(STDP_RULE, a_minus=5000.0))),
    "delay shortened": network(link(delay=0.3), dt=0.1),
    "weight beyond 16 bit": network(link(weight=3.0)),
    "weight lost": network(link("a", weight=1000.0), link("b", weight=0.001)),
    "weight rounded": network(link("a", weight=1000.0), link("b", weight=0.8)),
    "learning step": network(link(rule=replace(STDP_RULE, a_plus=0.006, a_minus=0.006))),
    "plastic delay of a whole ring": network(link(delay=4.0, rule=STDP_RULE)),
    "unseen spikes": network(
        link(rule=STDP_RULE),
        Projection(name="r", pre="out", post="out", i=[0], j=[1], weight=0.5, delay=0.2),
        dt=0.1,
    ),
    "repeated spikes": network(
        link(rule=STDP_RULE),
        Projection.all_to_all("r", "out", "out", weight=0.5, delay=0.2),
        Projection.all_to_all("s", "out", "out", weight=0.1, delay=0.3),
        dt=0.1,
    ),
    "plasticity windows": network(link(rule=replace(STDP_RULE, enabled=[(1.0, 2.0)]))),
    "longer than the ring": network(link(delay=300.0), n_out=256),
    "input overflows": network(link(weight=20000.0)),
    "input saturates": network(
        Projection(name="p", pre="in", post="out", i=np.arange(40), j=[0] * 40,
                   weight=np.linspace(0.01, 1.0, 40), delay=np.arange(1.0, 41.0)),
        n_in=40,
    ),
    "reset above threshold": network(link(), cell=LIF(v_reset=-40.0)),
    "parameter rounded": network(link(), cell=LIF(cm=0.001, tau_m=0.02)),
    "recorded weights": network(link(rule=STDP_RULE, record=("weight",))),
    "short history": network(link(rule=STDP_RULE)),
    "small steps of time": network(link(), dt=0.1),
    "silent source": network(link(), spikes=False),
    "size of the machine": network(link()),
}  # fmt: skip
OPTIONS = {"weight beyond 16 bit": {"shifts": {"out": (0, 0)}}}


def found(net, **options):
    return {problem.rule: problem for problem in sm.check(net, "spinnaker", **options)}


def test_every_rule_has_an_example():
    assert EXAMPLES.keys() == RULES.keys()
    assert len(RULES) > 15


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_finds_its_example(name):
    problem = found(EXAMPLES[name], **OPTIONS.get(name, {}))[name]
    assert problem.level == RULES[name].level
    assert RULES[name].reason in problem.what
    assert problem.where == "network" or re.match(r"(population|projection) '\w+'", problem.where)
    assert problem.remedy
    assert str(problem).startswith(f"{problem.level}: {problem.where}: ")


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.level == "error"])
def test_errors_refuse_the_network(name):
    with pytest.raises(UnsupportedError, match="force=True"):
        require_mappable(EXAMPLES[name], "map_network", **OPTIONS.get(name, {}))


def test_a_plain_network_has_notes_only():
    assert {p.level for p in sm.check(network(link()), "spinnaker")} == {"note"}


def test_the_worst_comes_first():
    levels = [p.level for p in sm.check(EXAMPLES["weight lost"], "spinnaker")]
    assert levels == sorted(levels, key=("error", "warning", "note").index)


def test_learning_steps_by_size():
    def level(a, **options):
        net = network(link(rule=replace(STDP_RULE, a_plus=a, a_minus=0.5)))
        problem = found(net, **options).get("learning step")
        return problem and problem.level

    # The steps of the weights are 2**-11 nA; the table starts at 0.95.
    assert level(0.02) is None
    assert level(0.006) == "warning"
    assert level(0.002) == "error"
    assert level(0.002, smallest_step=1.0) == "warning"


def test_learning_at_once_needs_few_steps():
    net = network(link("a", rule=SHORT), link("b", weight=8000.0))
    assert found(net)["learning step"].level == "warning"


def test_windows_of_short_traces_are_no_error():
    problem = found(network(link(rule=replace(SHORT, enabled=[(1.0, 2.0)]))))["plasticity windows"]
    assert problem.level == "warning"
    assert "the same or in the next step" in problem.what


def test_the_large_published_memory_would_turn_inhibition_into_excitation():
    memory = sm.CA3Memory(1000, 1000, preset="published")
    problems = found(memory.build([sm.Learn(0, [1])]))
    assert "more than 10 of the strongest" in problems["input overflows"].what
    robust = sm.CA3Memory(1000, 1000, preset="robust", gated=False)
    assert {p.level for p in sm.check(robust.build([sm.Learn(0, [1])]))} == {"note"}


@pytest.mark.parametrize("seed", range(10))
def test_random_networks_can_be_checked(seed):
    assert sm.check(random_network(seed), "spinnaker")


def test_other_targets_read_the_table_of_the_backends():
    net = EXAMPLES["recorded weights"]
    assert sm.check(net, "brian2") == []
    assert [p.level for p in sm.check(net, "pynn:nest")] == ["error"]
    assert "exact" in sm.check(net, "pynn:nest", integrator="spinnaker")[0].remedy
    for name in BACKENDS:
        sm.check(net, name)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((EXAMPLES["short history"], "spinaker"), {}, "Did you mean 'spinnaker'"),
        (("network",), {}, "must be a Network, got 'network'"),
        ((EXAMPLES["short history"], "brian2"), {"shifts": {}}, "'shifts' is not an option"),
        ((EXAMPLES["short history"],), {"integrator": "exact"}, "'integrator' is not an option"),
        ((EXAMPLES["short history"],), {"shifts": 3}, "must be a mapping"),
        ((EXAMPLES["short history"],), {"shifts": {"out": 3}}, "must be a sequence of left shifts"),
        ((EXAMPLES["short history"],), {"shifts": {"out": (1, 99)}}, "must be an int <= 31"),
        ((EXAMPLES["short history"],), {"smallest_step": "5"}, "smallest_step must be"),
        ((EXAMPLES["short history"], "native"), {"precision": "f2"}, "'f2' is not a precision"),
        (
            (EXAMPLES["short history"],),
            {"shifts": {"cells": (1, 1)}},
            "'cells' is not a population",
        ),
    ],
)
def test_bad_arguments(arguments, options, message):
    with pytest.raises(DescriptionError, match=re.escape(message)):
        sm.check(*arguments, **options)
