"""What one step does, on networks of two or three cells, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import A_OUT, SURE, A, B, changed, driven, source

import spikemem as sm
from spikemem.network import LIF, STDP, Network, Population, Projection


def fires(network, duration=10.0, integrator="spinnaker"):
    return sm.simulate(network, duration, integrator=integrator)["out"].to_lists()[0]


def trace(network, duration=10.0, integrator="spinnaker"):
    return sm.simulate(network, duration, integrator=integrator).traces["out", "v"][:, 0]


@pytest.mark.parametrize(
    ("cell", "too_little", "enough"),
    [(A, 3.2923, 3.2925), (B, 3.3579, 3.3581), (A_OUT, 2.7436, 2.7438)],
    ids=["A", "B", "A-out"],
)
def test_weight_that_makes_a_cell_fire(cell, too_little, enough):
    assert fires(driven(cell, [0.0], too_little)) == []
    assert fires(driven(cell, [0.0], enough)) == [1.0]


def test_potential_after_one_input():
    got = trace(driven(A, [1.0], 3.0), 6.0)
    gain = 0.3 * (1 - math.exp(-1 / 0.3)) * (3.0 / 0.27) * (1 - math.exp(-1 / 3.0))
    assert gain == pytest.approx(0.91119, abs=5e-6)
    leak, keep = math.exp(-1 / 3.0), math.exp(-1 / 0.3)
    first = 3.0 * gain
    second = leak * first + keep * 3.0 * gain
    third = leak * second + keep**2 * 3.0 * gain
    # The spike of 1 ms arrives at 2 ms, acts in step 2, and is first seen in row 3.
    wanted = [-60, -60, -60, -60 + first, -60 + second, -60 + third]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


def test_trace_starts_at_v_init_and_decays_to_rest():
    cell = Population(name="out", size=1, cell=A, v_init=-58.0, record=("v",))
    got = sm.simulate(Network(populations=[cell]), 3.0).traces["out", "v"][:, 0]
    wanted = [-60 + 2 * math.exp(-k / 3.0) for k in range(3)]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


def test_inhibition_subtracts():
    network = Network(
        populations=[source([0.0]), Population(name="out", size=1, cell=A, record=("v",))],
        projections=[
            Projection.one_to_one("e", "in", "out", weight=2.0, delay=1.0),
            Projection.one_to_one("i", "in", "out", weight=3.0, delay=1.0, receptor="inhibitory"),
        ],
    )
    assert trace(network, 3.0)[2] == pytest.approx(-60 - 0.91119, abs=5e-6)


@pytest.mark.parametrize("delay", [1.0, 2.0, 7.0, 200.0])
def test_hop_takes_its_delay(delay):
    assert fires(driven(A, [3.0], SURE, delay), 3.0 + delay + 2) == [3.0 + delay]


@pytest.mark.parametrize("delay", [1.0, 2.0, 7.0])
def test_exact_hop_takes_one_step_more(delay):
    assert fires(driven(A, [3.0], SURE, delay), 20.0, "exact") == [3.0 + delay + 1]


@pytest.mark.parametrize(
    ("integrator", "wanted"), [("spinnaker", [2.0, 4.0]), ("exact", [3.0, 6.0])]
)
def test_hop_from_cell_to_cell(integrator, wanted):
    network = Network(
        populations=[source([1.0]), *(Population(name=n, size=1, cell=A) for n in ("a", "out"))],
        projections=[
            Projection.one_to_one("in-a", "in", "a", weight=SURE, delay=1.0),
            Projection.one_to_one("a-out", "a", "out", weight=SURE, delay=2.0),
        ],
    )
    recording = sm.simulate(network, 10.0, integrator=integrator)
    assert [recording["a"].times.tolist(), recording["out"].times.tolist()] == [[t] for t in wanted]


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_source_spike_at_zero_counts(integrator):
    late = integrator == "exact"
    assert fires(driven(A, [0.0], SURE), 5.0, integrator) == [1.0 + late]


@pytest.mark.parametrize(
    ("refractory", "wanted"),
    [
        (0.0, [1.0, 2.0, 3.0]),
        (1.0, [1.0, 3.0]),
        (0.5, [1.0, 3.0]),  # rounded up to a step
        (2.0, [1.0]),
    ],
)
def test_refractory_steps(refractory, wanted):
    network = driven(changed(A, tau_refrac=refractory), [0.0, 1.0, 2.0], SURE)
    assert fires(network) == wanted


def test_refractory_time_in_whole_steps_of_a_fine_grid():
    cell = changed(A, tau_refrac=0.3, i_offset=1e4)
    network = Network(populations=[Population(name="out", size=1, cell=cell)], dt=0.1)
    # 0.3 / 0.1 is 2.9999999999999996: three silent steps, so a spike every fourth step.
    assert fires(network, 1.0) == pytest.approx([0.0, 0.4, 0.8])


def test_currents_decay_on_through_the_refractory_time():
    cell = changed(A, tau_syn_E=2.0, tau_refrac=3.0)
    network = driven(cell, [0.0], 4.0)
    v = trace(network, 8.0)
    assert fires(network) == [1.0]
    np.testing.assert_array_equal(v[2:6], -60.0)  # reset in step 1, frozen in steps 2 to 4
    # In step 5 the current has decayed for four steps.
    current = 4.0 * 2.0 * (1 - math.exp(-0.5)) * math.exp(-4 / 2.0)
    rise = current * (3.0 / 0.27) * (1 - math.exp(-1 / 3.0))
    assert v[6] == pytest.approx(-60 + rise, abs=1e-12)


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_equality_fires(integrator):
    at = Population(name="out", size=1, cell=A, v_init=-57.0)
    held = changed(A, v_rest=-57.0)
    below = changed(held, v_thresh=np.nextafter(-57.0, 0))
    late = integrator == "exact"
    for cell, wanted in ((held, [0.0 + late]), (below, [])):
        network = Network(populations=[sm.Population(name="out", size=1, cell=cell, v_init=-57.0)])
        assert fires(network, 1.0, integrator) == wanted
    assert fires(Network(populations=[at]), 1.0, integrator) == []  # the step comes first


def test_weights_that_arrive_together_add():
    network = Network(
        populations=[source([1.0], [0.0]), Population(name="out", size=1, cell=A)],
        projections=[
            Projection(
                name="p", pre="in", post="out", i=[0, 1], j=[0, 0],
                weight=[1.7, 1.7], delay=[1.0, 2.0],
            )
        ],
    )  # fmt: skip
    assert fires(network) == [2.0]


def test_exact_follows_the_closed_form():
    cell = changed(A, tau_syn_E=1.5)
    got = trace(driven(cell, [0.0], 0.5, dt=0.1), 5.0, "exact")
    t = np.maximum(np.arange(50) * 0.1 - 1.0, 0.0)
    scale = 0.5 * 3.0 * 1.5 / (0.27 * (3.0 - 1.5))
    wanted = -60 + scale * (np.exp(-t / 3.0) - np.exp(-t / 1.5))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("off", [0.0, 1e-9, -1e-9])
def test_exact_with_equal_time_constants(off):
    cell = changed(A, tau_syn_E=3.0 + off)
    got = trace(driven(cell, [0.0], 0.5), 6.0, "exact")
    t = np.maximum(np.arange(6.0) - 1.0, 0.0)
    np.testing.assert_allclose(
        got, -60 + 0.5 / 0.27 * t * np.exp(-t / 3.0), rtol=0, atol=1e-8 if off else 1e-12
    )


def pair(
    pre_times, post_times, delay=1.0, start=3.0, duration=60.0, integrator="spinnaker", **rule
):
    """The weight of a synapse, at the start of each step and at the end.

    A source drives it, and another one makes the post-synaptic cell fire at `post_times`; the
    synapse is too weak to make it fire.
    """
    hop = 1.0 if integrator == "spinnaker" else 2.0
    values = {"tau_plus": 3.0, "tau_minus": 3.0, "a_plus": 0.5, "a_minus": 0.5, "w_max": 6.0} | rule
    network = Network(
        populations=[
            source(pre_times),
            source([t - hop for t in post_times], name="teacher"),
            Population(name="out", size=1, cell=changed(A, cm=27.0)),
        ],
        projections=[
            Projection.one_to_one("force", "teacher", "out", weight=600.0, delay=1.0),
            Projection.one_to_one(
                "learn", "in", "out", weight=start, delay=delay, plasticity=STDP(**values),
                record=("weight",),
            ),
        ],
    )  # fmt: skip
    recording = sm.simulate(network, duration, integrator=integrator)
    assert recording["out"].to_lists()[0] == list(post_times)
    trace = recording.traces["learn", "weight"][:, 0]
    return np.append(trace, recording.weights["learn"])


def change(lag, integrator, **options):
    """Change of weight of one pair with ``t_post - t_pre = lag``."""
    return pair([30.0], [30.0 + lag], integrator=integrator, **options)[-1] - 3.0


@pytest.mark.parametrize("lag", range(-5, 6))
def test_stdp_window(lag):
    if lag >= 0:
        wanted = 0.5 * math.exp(-(lag + 1) / 3.0)
    else:
        wanted = -0.5 * math.exp(-(-lag - 1) / 3.0)
    assert change(lag, "spinnaker") == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("lag", range(-5, 6))
def test_exact_stdp_window(lag):
    # As above, but for a post-synaptic spike that arrives in the step of the pre-synaptic one.
    wanted = {-1: 0.0}.get(lag, 0.5 * math.exp(-abs(lag + 1) / 3.0) * (1 if lag >= 0 else -1))
    assert change(lag, "exact") == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
@pytest.mark.parametrize("lag", [-4, -3, -2, 0, 2])
def test_delay_is_dendritic(integrator, lag):
    delay = 3.0  # the post-synaptic spike is seen three steps late
    seen = lag + delay
    if seen > 0 or (seen == 0 and integrator == "spinnaker"):
        wanted = 0.5 * math.exp(-seen / 3.0)
    else:
        wanted = -0.5 * math.exp(seen / 3.0)
    if seen == 0:
        # Both arrive in one step: the pre-synaptic trace has not counted this spike yet.
        wanted = -0.5 if integrator == "spinnaker" else 0.0
    assert change(lag, integrator, delay=delay) == pytest.approx(wanted, abs=1e-12)


def test_the_paper_memory_stores_and_forgets():
    full = {"a_plus": 6.0, "a_minus": 6.0}
    assert pair([30.0], [30.0], start=0.0, **full)[-1] == pytest.approx(6 * math.exp(-1 / 3))
    assert pair([30.0], [29.0], start=6.0, **full)[-1] == 0.0


def test_all_pairs_count():
    weight = pair([30.0, 31.0], [33.0, 36.0])[-1]
    gain = sum(math.exp(-(t - s + 1) / 3) for t in (33, 36) for s in (30, 31))
    assert weight == pytest.approx(3.0 + 0.5 * gain, abs=1e-12)


def test_weight_stays_in_its_range():
    up = pair([30.0], [30.0], start=2.0, a_plus=6.0, w_min=1.0, w_max=2.5)
    down = pair([30.0], [29.0], start=2.0, a_minus=6.0, w_min=1.0, w_max=2.5)
    assert (up.max(), up[-1]) == (2.5, 2.5)
    assert (down.min(), down[-1]) == (1.0, 1.0)


def test_weight_trace_holds_the_value_before_the_step():
    weights = pair([30.0], [32.0], delay=2.0)
    # The post-synaptic spike of 32 ms arrives at 34 ms, and row 35 is the first to show it.
    assert weights[34] == 3.0
    assert weights[35] == pytest.approx(3.0 + 0.5 * math.exp(-4 / 3))


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_arriving_weight_is_that_of_the_time_it_was_sent(integrator):
    """Three spikes are under way at once, and the weight falls between them."""
    late = 1.0 if integrator == "exact" else 0.0
    rule = STDP(tau_plus=3.0, tau_minus=1e9, a_plus=0.0, a_minus=1.0, w_max=8.0)
    network = Network(
        populations=[
            source([0.0], name="teacher"),
            source([10.0, 11.0, 12.0]),
            Population(name="out", size=1, cell=changed(A, tau_syn_E=1e-2), record=("spikes", "v")),
        ],
        projections=[
            Projection.one_to_one("force", "teacher", "out", weight=1e4, delay=1.0),
            Projection.one_to_one("p", "in", "out", weight=4.0, delay=5.0, plasticity=rule),
        ],
    )
    recording = sm.simulate(network, 20.0, integrator=integrator)
    assert recording["out"].times.tolist() == [1.0 + late]
    assert recording.weights["p"] == pytest.approx([1.0])
    v = recording.traces["out", "v"][:, 0] + 60.0
    rises = v[16:19] - math.exp(-1 / 3.0) * v[15:18]
    if integrator == "spinnaker":
        unit = 0.01 * (3.0 / 0.27) * (1 - math.exp(-1 / 3.0))
    else:
        unit = 0.01 * 3.0 / (0.27 * (3.0 - 0.01)) * math.exp(-1 / 3.0)
    np.testing.assert_allclose(rises / unit, [3.0, 2.0, 1.0], atol=1e-6)


WINDOW_CASES = [
    ([(30.0, 40.0)], True, True),
    ([(31.0, 40.0)], False, True),
    ([(20.0, 31.0)], True, False),
    ([(20.0, 30.0)], False, False),
    ([(30.0, 31.0), (35.0, 36.0)], True, True),
]


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
@pytest.mark.parametrize(("windows", "down", "up"), WINDOW_CASES)
def test_windows(integrator, windows, down, up):
    """Depression falls due at 30 ms, with the pre-synaptic spike; potentiation at 35 ms."""
    wanted = 3.0
    if down:
        wanted -= 0.5 * math.exp(-4 / 3)
    if up:
        wanted += 0.5 * math.exp(-5 / 3)
    got = pair([30.0], [25.0, 34.0], integrator=integrator, enabled=windows)[-1]
    assert got == pytest.approx(wanted, abs=1e-12)


def test_traces_go_on_while_a_window_is_closed():
    open_late = pair([30.0], [33.0], enabled=[(34.0, 35.0)])[-1]
    assert open_late == pytest.approx(3.0 + 0.5 * math.exp(-4 / 3))


def test_plastic_inhibition():
    rule = STDP(a_plus=1.0, a_minus=1.0, w_max=6.0)
    network = driven(A, [0.0], 3.0, receptor="inhibitory", plasticity=rule)
    assert trace(network, 3.0)[2] == pytest.approx(-60 - 3 * 0.91119, abs=2e-5)


def test_cells_with_their_own_parameters():
    cell = changed(A, v_thresh=np.array([-57.0, -57.5]), tau_refrac=np.array([0.0, 5.0]))
    network = Network(
        populations=[source([0.0, 1.0]), Population(name="out", size=2, cell=cell)],
        projections=[Projection.all_to_all("p", "in", "out", weight=3.0, delay=1.0)],
    )
    assert sm.simulate(network, 5.0)["out"].to_lists() == [[2.0], [1.0]]


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_populations_alone(integrator):
    lone = Network(populations=[Population(name="a", size=1, cell=LIF())])
    assert len(sm.simulate(lone, 2.0, integrator=integrator)["a"]) == 0
    only = Network(populations=[source([0.0, 1.0])])
    assert sm.simulate(only, 3.0, integrator=integrator)["in"].times.tolist() == [0.0, 1.0]


def test_empty_projections():
    rule = STDP(a_plus=1.0, a_minus=1.0, w_max=6.0)
    network = driven(A, [0.0], SURE)
    nothing = {"pre": "out", "post": "out", "i": [], "j": [], "weight": [], "delay": 1.0}
    network = Network(
        populations=network.populations,
        projections=[
            *network.projections,
            Projection(name="static", **nothing),
            Projection(name="plastic", **nothing, plasticity=rule, record=("weight",)),
        ],
    )
    recording = sm.simulate(network, 4.0)
    assert recording["out"].times.tolist() == [1.0]
    assert recording.weights["plastic"].shape == (0,)
    assert recording.traces["plastic", "weight"].shape == (4, 0)


def test_only_what_is_asked_for_is_recorded():
    network = driven(A, [0.0], SURE)
    quiet = Population(name="out", size=1, cell=A, record=())
    recording = sm.simulate(network.replace(quiet), 4.0)
    assert (set(recording.spikes), dict(recording.traces)) == ({"in"}, {})
