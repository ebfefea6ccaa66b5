"""Models under conditions: stacked runs, devices, disturbances, costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import spikemem as sm
from spikemem.backends.contract import INTEGRATORS
from spikemem.counters import count, fan_out
from spikemem.errors import DescriptionError, SpikememError, UnsupportedError
from spikemem.networks.dendrites import ActiveDendriteNeurons
from spikemem.stress import disturb, running
from spikemem.stress.conditions import Conditions
from spikemem.stress.running import run_models

NATIVE = Conditions(backend="native")
ALARM = 1e-6
"""False-alarm rate of each comparison with a probability."""


def memory(n_cues=10, shift=0, n_contents=20):
    contents = {c: [(c + shift) % n_contents, (c + 3) % n_contents] for c in range(n_cues)}
    return sm.CA3Memory(n_cues, n_contents, contents=contents)


def recalls(n=10):
    return [sm.RecallCue(c) for c in range(n)]


def require_chance(hits, n, p):
    """A count agrees with a binomial distribution."""
    low, high = scipy.stats.binom.interval(1 - ALARM, n, p)
    assert low <= hits <= high


MIXED = [
    (memory(), recalls()),
    (memory(shift=1), recalls()),
    (memory(12), recalls(4)),
    (memory(shift=2), recalls(3)),
    (memory(shift=5), [sm.Learn(0, [1, 7]), *recalls(3)]),
    (ActiveDendriteNeurons(40, n_segments=3, synapses_per_segment=6, threshold=4),
     [[0, 1, 2, 3], [4, 5, 6, 7]]),
]  # fmt: skip

DISTURBED = {
    "undisturbed": {},
    "failures": {"synapse_failure": 0.3},
    "jitter": {"jitter": 1.0},
    "background": {"background": 30.0, "background_weight": 0.6},
    "noise": {"programming_noise": 0.2, "read_noise": 0.1},
    "stuck": {"stuck": 0.1},
    "levels": {"weight_bits": 2},
    "PCM": {"device": "PCM", "drift_time": 3600.0},
    "all": {"device": "pcm", "stuck": 0.05, "weight_bits": 3, "synapse_failure": 0.1,
            "jitter": 0.3, "background": 5.0},
}  # fmt: skip


@pytest.mark.parametrize("name", DISTURBED)
def test_runs_side_by_side_equal_runs_alone(name):
    conditions = Conditions(backend="native", **DISTURBED[name])
    models, trials = zip(*MIXED, strict=True)
    seeds = [11, 12, 13, 14, 15, 16]
    together = run_models(models, trials, conditions, seeds)
    for k, run in enumerate(together):
        alone = run_models([models[k]], [trials[k]], conditions, [seeds[k]])[0]
        assert run.costs == alone.costs
        assert [list(a) for a in run.answers] == [list(a) for a in alone.answers]


@pytest.mark.parametrize("name", ["undisturbed", "background", "noise"])
@pytest.mark.parametrize("backend", ["brian2", "emulator"])
def test_other_backends_stack_too(backend, name):
    conditions = Conditions(backend=backend, **DISTURBED[name])
    models, trials = [memory(shift=k) for k in range(3)], [recalls(4)] * 3
    together = run_models(models, trials, conditions, [1, 2, 3])
    alone = [
        run_models([model], [each], conditions, [seed])[0]
        for model, each, seed in zip(models, trials, [1, 2, 3], strict=True)
    ]
    assert [run.answers for run in together] == [run.answers for run in alone]
    assert [run.costs["spikes"] for run in together] == [run.costs["spikes"] for run in alone]


def test_batches_of_any_size_give_the_same(monkeypatch):
    models, trials = zip(*MIXED, strict=True)
    whole = run_models(models, trials, NATIVE, range(6))
    stacked = []
    real = sm.Network.stack
    monkeypatch.setattr(sm.Network, "stack", lambda nets: stacked.append(len(nets)) or real(nets))
    assert [r.costs for r in run_models(models, trials, NATIVE, range(6))] == [
        r.costs for r in whole
    ]
    assert stacked == [2]  # The first two are of one structure and length.
    monkeypatch.setattr(running, "_MEMORY", 1)
    assert [r.costs for r in run_models(models, trials, NATIVE, range(6))] == [
        r.costs for r in whole
    ]
    assert stacked == [2]


def test_the_expected_answers_need_no_network():
    run = run_models([memory()], [recalls()], Conditions(), [0], build={"safe": False})[0]
    assert run.answers == memory().expected(recalls())
    assert run.costs == {"operations": 10.0}


@pytest.mark.nest
def test_nest_gives_what_the_native_engine_gives():
    neurons = ActiveDendriteNeurons(60, n_segments=5, synapses_per_segment=6, threshold=4, seed=1)
    frames = sm.codes.random_patterns(5, size=60, active=8, seed=1)
    neurons.store(frames)
    shown = [*frames, [1, 2, 3]]
    found = [
        run_models([neurons], [shown], Conditions(backend=backend, integrator="exact"), [0],
                   build={"integrator": "exact"})[0]
        for backend in ("native", "pynn:nest")
    ]  # fmt: skip
    assert [list(a) for a in found[0].answers] == [list(a) for a in found[1].answers]
    assert [len(a) for a in found[0].answers] == [1] * 5 + [0]
    assert found[0].costs["spikes"] == found[1].costs["spikes"]


@pytest.mark.spinnaker
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:board")
def test_the_board_runs_one_network_at_a_time():
    models, trials = [memory(4), memory(4, shift=1)], [recalls(2)] * 2
    board = run_models(models, trials, Conditions(backend="board"), [1, 2])
    native = run_models(models, trials, NATIVE, [1, 2])
    assert [run.answers for run in board] == [run.answers for run in native]


def test_numbers_of_models_and_trials_must_agree():
    with pytest.raises(DescriptionError, match="equally many, got 1, 2 and 1"):
        run_models([memory()], [recalls(), recalls()], NATIVE, [0])


# Conditions


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"backend": "native", "device": "PCM", "read_noise": 0.1},
            "has its own noise, got read_noise as well",
        ),
        ({"backend": "native", "device": "PCN"}, "PCM"),
        ({"backend": "native", "drift_time": 1.0}, "needs a device that drifts"),
        ({"backend": "native", "platform": "crossbar"}, "needs weights on a device"),
        ({"backend": "nativ"}, "native"),
        ({"backend": "native", "stuck": 1.5}, "stuck"),
        ({"backend": "native", "weight_bits": 0}, "weight_bits"),
        ({"backend": "native", "jitter": -1.0}, "jitter"),
    ],
)
def test_conditions_that_do_not_go_together_are_refused(given, message):
    with pytest.raises((DescriptionError, UnsupportedError), match=message):
        Conditions(**given)


@pytest.mark.parametrize(("name", "value"), [("jitter", 1.0), ("device", "PCM"), ("stuck", 0.5)])
def test_without_spikes_there_is_nothing_to_disturb(name, value):
    conditions = Conditions(**{name: value})
    with pytest.raises(UnsupportedError, match=f"{name}: backend 'expected' has neither cells"):
        run_models([memory()], [recalls()], conditions, [0])


def test_a_platform_must_be_known():
    with pytest.raises(SpikememError, match="Loihi"):
        run_models([memory()], [recalls()], replace(NATIVE, platform="loihi"), [0])


# Disturbances


cells = st.builds(
    sm.LIF,
    tau_m=st.floats(0.5, 50.0), cm=st.floats(0.05, 2.0), tau_syn_E=st.floats(0.2, 20.0),
    v_thresh=st.floats(-64.0, -40.0), tau_refrac=st.just(1.0),
)  # fmt: skip


@given(cell=cells, dt=st.sampled_from([0.1, 1.0]), integrator=st.sampled_from(INTEGRATORS))
def test_threshold_weight_is_the_smallest_that_fires_the_cell(cell, dt, integrator):
    weight = disturb.threshold_weight(cell, 1, dt, integrator)[0]
    source = sm.Population("in", sm.SpikeSource.from_lists([[0.0], [0.0]], duration=100.0))
    out = sm.Population("out", 2, cell)
    # Not exactly at the threshold, where rounding decides.
    drive = sm.Projection.one_to_one(
        "drive", source, out, weight=weight * np.array([1 - 1e-6, 1 + 1e-6]), delay=dt
    )
    net = sm.Network([source, out], [drive], dt=dt)
    recording = sm.simulate(net, 150.0, backend="native", integrator=integrator)
    counts = recording["out"].counts()
    assert counts[0] == 0
    assert counts[1] >= 1


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_threshold_weight_of_a_cell_without_a_leak(integrator):
    cell = sm.LIF(tau_m=math.inf, cm=0.5, tau_syn_E=2.0, v_rest=0.0, v_reset=0.0, v_thresh=3.0)
    # A spike of weight w moves it by w tau_syn / cm in the end, under either integrator.
    assert disturb.threshold_weight(cell, 2, 1.0, integrator) == pytest.approx(3.0 * 0.5 / 2.0)


def test_threshold_weights_of_the_published_cells():
    net = memory().build(recalls())
    for name, wanted in (("CueCue", 3.2924), ("CueCont", 3.3580), ("OUTcue", 2.7437)):
        cell = net.population(name).lif
        assert disturb.threshold_weight(cell, 1, 1.0)[0] == pytest.approx(wanted, abs=1e-4)


def test_failed_synapses_are_gone_for_good():
    learning = sm.CA3Memory(6, 30)
    network = learning.build([sm.Learn(0, range(30)), sm.RecallCue(0)])
    failed = disturb.fail_synapses(network, ["W1"], 0.4, seed=3)
    synapses = failed.synapses("W1")
    left = set(synapses.j[synapses.i == 0].tolist())
    assert failed.projection("W1").connector == "list"
    assert failed.count("W1") < network.count("W1")
    answers = learning.decode(
        sm.simulate(failed, backend="native"), [sm.Learn(0, range(30)), sm.RecallCue(0)]
    )
    assert answers[1] == left
    assert 0 < len(left) < 30


def test_more_failures_include_the_fewer_and_seeds_differ():
    network = memory().build([sm.Learn(0, [1]), *recalls()])

    def pairs(fraction, seed):
        synapses = disturb.fail_synapses(network, ["W1", "W2"], fraction, seed=seed).synapses("W1")
        return set(zip(synapses.i.tolist(), synapses.j.tolist(), strict=True))

    assert pairs(0.5, 1) < pairs(0.2, 1)
    assert pairs(0.5, 1) != pairs(0.5, 2)
    assert pairs(0.5, 1) == pairs(0.5, 1)
    assert pairs(1.0, 1) == set()
    alone = disturb.fail_synapses(network, ["W1"], 0.5, seed=1).synapses("W1")
    assert set(zip(alone.i.tolist(), alone.j.tolist(), strict=True)) == pairs(0.5, 1)


def test_frozen_synapses_keep_their_place():
    network = memory().build(recalls())
    failed = disturb.fail_synapses(network, ["W1"], 0.4, seed=3)
    assert failed.projection("W1").connector == "all_to_all"
    assert np.count_nonzero(failed.weights("W1")) < np.count_nonzero(network.weights("W1"))


def test_windows_of_tiles_keep_synapses_from_being_taken_out():
    network = sm.Network.stack([memory().build([sm.Learn(0, [1])]), memory().build(recalls(3))])
    with pytest.raises(UnsupportedError, match=r"'W1'.*before stacking"):
        disturb.fail_synapses(network, ["W1"], 0.4)


def test_the_fraction_that_fails_is_that_which_is_missing():
    p, n = 0.2, 40
    models = [memory(shift=5 * k) for k in range(n)]
    runs = run_models(models, [recalls()] * n, replace(NATIVE, synapse_failure=p), range(n))
    got = sum(len(a) for run in runs for a in run.answers)
    whole = sum(len(a) for model in models for a in model.expected(recalls()))
    require_chance(got, whole, 1 - p)


def test_jitter_moves_spikes_by_whole_steps_and_keeps_them_in_the_run():
    trains = sm.SpikeTrains(
        ids=np.arange(4000) % 40, times=np.arange(4000) // 40 * 0.5 + 10.0, size=40, duration=80.0
    )
    source = sm.Population("in", sm.SpikeSource(spikes=trains))
    net = sm.Network([source, sm.Population("out", 1, sm.LIF())], [], dt=0.5)
    moved = disturb.jitter(net, 3.0, seed=1).population("in").source
    assert np.array_equal(moved.times / 0.5, np.rint(moved.times / 0.5))
    assert moved.duration == 80.0
    assert moved.times.min() >= 0.0
    assert moved.times.max() < 80.0
    assert moved != trains
    assert moved == disturb.jitter(net, 3.0, seed=1).population("in").source
    assert disturb.jitter(net, 0.0) is net
    hard = disturb.jitter(net, 1e9, seed=1).population("in").source
    assert set(hard.times.tolist()) == {0.0, 79.5}


def test_jitter_fails_as_often_as_a_cue_leaves_its_step():
    sd, n = 0.5, 60
    runs = run_models(
        [memory()] * n, [recalls()] * n, replace(NATIVE, jitter=sd), range(n)
    )  # fmt: skip
    # The first one can't come too early.
    right = sum(a == memory().contents[k] for run in runs for k, a in enumerate(run.answers) if k)
    require_chance(right, 9 * n, math.erf(0.5 / (sd * math.sqrt(2))))


def test_background_has_its_rate_and_fires_cells_by_its_weight():
    net = sm.Network(
        [sm.Population("in", sm.SpikeSource.from_lists([[0.0]], duration=2000.0)),
         sm.Population("out", 50, sm.LIF(tau_m=2.0, tau_syn_E=0.5, tau_refrac=0.1))], dt=1.0,
    )  # fmt: skip
    for weight, fires in ((1.001, True), (0.2, False)):
        noisy = disturb.background(net, 5.0, weight, seed=4)
        trains = noisy.population("background of out").source
        # 50 cells for 2000 steps, each with the chance 0.005.
        require_chance(len(trains), 100_000, 0.005)
        spikes = len(sm.simulate(noisy, backend="native")["out"])
        # Of two spikes in successive steps the second meets a refractory cell.
        assert (0.97 * len(trains) <= spikes <= len(trains)) if fires else not spikes
    assert "background of in" not in noisy


def test_background_makes_answers_worse():
    runs = [
        run_models([memory()] * 10, [recalls()] * 10,
                   replace(NATIVE, background=rate, background_weight=1.0), range(10))
        for rate in (0.0, 2.0, 50.0)
    ]  # fmt: skip
    right = [
        sum(a == memory().contents[k] for run in some for k, a in enumerate(run.answers))
        for some in runs
    ]
    assert right[0] == 100
    assert right[0] > right[1] > right[2]


# Devices


@pytest.mark.parametrize("sd", [0.15, 0.4])
def test_programming_noise_loses_as_many_bits_as_the_weights_that_fall_short(sd):
    n = 40
    models = [memory(shift=5 * k) for k in range(n)]
    noise = replace(NATIVE, programming_noise=sd)
    runs = run_models(models, [recalls()] * n, noise, range(n))
    stored = [(k, c) for k in range(n) for c in range(10)]
    wanted = sum(len(models[k].contents[c]) for k, c in stored)
    got = sum(len(models[k].contents[c] & runs[k].answers[c]) for k, c in stored)
    # A differential pair: the device of a stored weight is written to g_max, the other to 0, and
    # no conductance is below 0. ContCue fires from 3.2924 of the 6 nA on.
    rng = np.random.default_rng(0)
    pair = np.maximum(1 + sd * rng.standard_normal(10**6), 0) - np.maximum(
        sd * rng.standard_normal(10**6), 0
    )
    require_chance(got, wanted, float(np.mean(np.minimum(pair, 1) * 6 >= 3.2924)))


def test_stuck_devices_and_few_levels():
    def right(**given):
        run = run_models([memory()] * 5, [recalls()] * 5, replace(NATIVE, **given), range(5))
        return sum(a == memory().contents[k] for each in run for k, a in enumerate(each.answers))

    assert right() == right(weight_bits=1) == right(device="Ideal") == right(device="PCM") == 50
    assert right(stuck=0.02) > right(stuck=0.1) > right(stuck=0.5)
    assert right(read_noise=0.05) > right(read_noise=1.0)


def test_a_device_ages():
    old = replace(NATIVE, device="PCM", drift_time=3e7)
    new = replace(NATIVE, device="PCM")
    answers = [run_models([memory()], [recalls()], c, [0])[0].answers for c in (new, old)]
    assert answers[0] == memory().expected(recalls())
    assert answers[1] != answers[0]


def test_learning_on_brian2_has_the_errors_of_the_device():
    model, trials = sm.CA3Memory(4, 20), [sm.Learn(0, range(20)), sm.RecallCue(0)]
    answers = {
        backend: run_models(
            [model], [trials], Conditions(backend=backend, programming_noise=1.0), [0]
        )[0].answers[1]
        for backend in ("native", "brian2")
    }
    assert answers["native"] == set(range(20))  # Learnt without an error.
    assert answers["brian2"] < set(range(20))


def test_one_seed_gives_one_answer():
    hard = Conditions(backend="native", **DISTURBED["all"])
    runs = [run_models([memory()], [recalls()], hard, [seed])[0] for seed in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


# Costs


def test_costs_of_a_run_counted_by_hand():
    source = sm.Population("in", sm.SpikeSource.from_lists([[0.0, 5.0], [1.0], []], duration=10.0))
    out = sm.Population("out", 2, sm.LIF(tau_m=3.0, cm=0.27))
    drive = sm.Projection(
        "drive", source, out, i=[0, 0, 1], j=[0, 1, 1], weight=[600.0, 0.0, 0.0], delay=1.0
    )
    net = sm.Network([source, out], [drive], dt=1.0)
    recording = sm.simulate(net, backend="native")
    costs = running.costs_of(net, recording, NATIVE, 3)
    fired = len(recording["out"])
    assert fired >= 2
    assert costs == {
        "spikes": 3 + fired,
        "synaptic_operations": 2 * 2 + 1,
        "duration": 10.0,
        "operations": 3.0,
        "footprint": 3 * 8 + 2 * 4 * 8,
        "connection_sparsity": 1 - 1 / 6,
        "activation_sparsity": 1 - fired / 20,
    }


def test_costs_of_a_memory_agree_with_a_plain_count():
    run = run_models([memory()], [recalls()], replace(NATIVE, platform="SpiNNaker"), [0])[0]
    net = memory().build(recalls())
    recording = sm.simulate(net, backend="native")
    operations = 0
    for item in net.projections:
        synapses = net.synapses(item.name)
        for cell in recording[item.pre].ids:
            operations += int(np.count_nonzero(synapses.i == cell))
    assert run.costs["synaptic_operations"] == operations
    assert run.costs["spikes"] == sum(len(trains) for trains in recording.spikes.values())
    account = sm.hardware.resistive.account(net, recording, "SpiNNaker")
    assert run.costs["energy"] == account.total > 0


def test_fewer_bits_take_less_memory():
    sizes = [
        run_models([memory()], [recalls()], Conditions(backend="native", weight_bits=bits), [0])[0]
        .costs["footprint"]
        for bits in (4, 8)
    ]  # fmt: skip
    assert sizes[1] - sizes[0] == 2 * 10 * 20 * 0.5


def test_the_energy_of_a_crossbar_is_that_of_its_devices():
    conditions = Conditions(backend="native", device="PCM", platform="crossbar")
    energy = run_models([memory()], [recalls()], conditions, [0])[0].costs["energy"]
    net = memory().build(recalls())
    written = sm.hardware.resistive.PCM().write(net, projections=["W1", "W2"], seed=0)
    recording = sm.simulate(written.network(), backend="native")
    account = sm.hardware.resistive.account(net, recording, "crossbar", written=written)
    assert energy == pytest.approx(account.total)


@pytest.mark.parametrize("connector", ["one_to_one", "all_to_all", "list"])
@pytest.mark.parametrize("n", [1, 3])
def test_fan_out_is_that_of_the_expanded_synapses(connector, n):
    pre = sm.Population("pre", sm.SpikeSource.from_lists([[0.0]] * 4, duration=5.0))
    post = sm.Population("post", 4 if connector == "one_to_one" else 6, sm.LIF())
    small = sm.Population("small", 2, sm.LIF())
    indices = {"i": [0, 0, 3], "j": [1, 5, 2]} if connector == "list" else {}
    options = {"weight": 1.0, "delay": 1.0, "connector": connector, **indices}
    parts = [sm.Projection("first", pre, post, **options)]
    if connector == "all_to_all":
        parts += [
            sm.Projection("no self", pre, post, allow_self=False, **options),
            sm.Projection("few", pre, small, allow_self=False, **options),
        ]
    net = sm.Network([pre, post, small], parts).tile(n)
    for item in net.projections:
        size = net.population("pre").size
        wanted = np.bincount(net.synapses(item.name).i, minlength=size)
        assert fan_out(net, item.name).tolist() == wanted.tolist()
    assert count(net, sm.simulate(net, backend="native")).synaptic_events == sum(
        net.count(item.name) for item in net.projections
    )
