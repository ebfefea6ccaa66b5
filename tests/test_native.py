"""The compiled engine: against the reference, and against itself run in other ways."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import reference

import spikemem as sm
from spikemem.backends.native.engine import Engine
from spikemem.backends.native.numbers import Floats
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import Recording, SpikeTrains

BOTH = pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
FAST = LIF(
    tau_m=3.0, cm=0.27, v_rest=-60.0, v_reset=-60.0, v_thresh=-57.0,
    tau_refrac=1.0, tau_syn_E=0.3, tau_syn_I=0.3,
)  # fmt: skip
RULE = STDP(tau_plus=3.0, tau_minus=3.0, a_plus=0.7, a_minus=0.4, w_min=0.25, w_max=6.0)


def native(network, duration, **options):
    return sm.simulate(network, duration, backend="native", **options)


def spikes(rng, size, n_steps, dt=1.0, rate=0.3):
    ticks, ids = np.nonzero(rng.random((n_steps, size)) < rate)
    return SpikeTrains(ids=ids, times=ticks * dt, size=size, duration=n_steps * dt)


def source(name, trains):
    return Population(name=name, cell=SpikeSource(spikes=trains))


def cells(name, size, cell=FAST, **options):
    return Population(name=name, size=size, cell=cell, record=("spikes", "v"), **options)


def grid(rng, n, low=0.25, high=6.0):
    """Weights that add up without rounding."""
    return rng.integers(int(low * 64), int(high * 64) + 1, n) / 64


def small(seed=0, n_steps=60, *, rule=RULE, n=6, rate=0.3):
    """One projection of every kind."""
    rng = np.random.default_rng(seed)
    i, j = np.nonzero(rng.random((n, n)) < 0.5)
    trains = spikes(rng, n, n_steps, rate=rate)
    make = Projection.all_to_all
    return Network(
        populations=[source("in", trains), cells("a", n), cells("b", n)],
        projections=[
            Projection.one_to_one("one", "in", "a", weight=4.5, delay=1.0),
            make("sum", "a", "b", weight=0.75, delay=2.0),
            make("others", "b", "b", weight=1.5, delay=3.0, receptor="inhibitory",
                 allow_self=False),
            make("dense", "in", "b", weight=grid(rng, n * n, high=2.0), delay=1.0),
            Projection(name="list", pre="b", post="a", i=i, j=j, weight=grid(rng, i.size, high=2.0),
                       delay=rng.integers(1, 5, i.size)),
            make("learn", "in", "b", weight=0.5, delay=2.0, plasticity=rule),
            make("learn others", "b", "b", weight=0.25, delay=1.0, plasticity=rule,
                 allow_self=False),
            Projection(name="learn list", pre="a", post="b", i=i, j=j, weight=0.5,
                       delay=rng.integers(1, 4, i.size), plasticity=rule),
        ],
    )  # fmt: skip


@st.composite
def networks(draw):
    """A few populations joined by connectors of every kind."""
    dt = draw(st.sampled_from([1.0, 0.1]))
    n_steps = draw(st.integers(10, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rate = draw(st.sampled_from([0.05, 0.3, 0.9]))
    populations = [source("in", spikes(rng, draw(st.integers(1, 4)), n_steps, dt, rate))]
    for k in range(draw(st.integers(1, 3))):
        scale = {name: getattr(FAST, name) * dt for name in ("tau_m", "cm", "tau_syn_E")}
        near = draw(st.sampled_from([0.1, 1.0, 1 + 1e-14, 1 + 1e-9, 1 - 1e-4, 1.1]))
        cell = replace(FAST, **scale, tau_syn_I=scale["tau_m"] * near,
                       tau_refrac=draw(st.sampled_from([0.0, 1.0, 2.5])) * dt,
                       i_offset=draw(st.sampled_from([0.0, 0.25])))  # fmt: skip
        size = draw(st.integers(1, 4))
        start = draw(st.sampled_from([None, -58.5]))
        populations.append(cells(f"c{k}", size, cell, v_init=start))
    projections = [
        draw_projection(draw, rng, f"p{k}", populations, dt, n_steps)
        for k in range(draw(st.integers(1, 6)))
    ]
    return Network(populations=populations, projections=projections, dt=dt), n_steps * dt


def draw_projection(draw, rng, name, populations, dt, n_steps):
    pre, post = draw(st.sampled_from(populations)), draw(st.sampled_from(populations[1:]))
    connector = draw(st.sampled_from(["list", "all_to_all", "one_to_one"]))
    options = {"allow_self": draw(st.booleans())} if connector == "all_to_all" else {}
    if connector == "one_to_one":
        post = pre if pre.size != post.size and not pre.is_source else post
        connector = "list" if pre.size != post.size else connector
    if connector == "list":
        i, j = np.nonzero(rng.random((pre.size, post.size)) < draw(st.sampled_from([0.4, 1.0])))
        order = rng.permutation(i.size)
        options |= {"i": i[order], "j": j[order]}
        n = i.size
    else:
        probe = Projection(name="x", pre="x", post="x", connector=connector, weight=0.0,
                           delay=1.0, **options)  # fmt: skip
        n = probe.n_synapses(pre.size, post.size)
    if draw(st.booleans()):
        width = draw(st.sampled_from([4 * dt, n_steps * dt / 2]))
        windows = draw(st.sampled_from([None, [(3 * dt, 3 * dt + width)]]))
        options["plasticity"] = replace(RULE, enabled=windows, tau_plus=3 * dt, tau_minus=5 * dt)
        options["record"] = draw(st.sampled_from([(), ("weight",)]))
    single = draw(st.booleans())
    return Projection(
        name=name,
        pre=pre.name,
        post=post.name,
        connector=connector,
        weight=float(grid(rng, 1)[0]) if single else grid(rng, n),
        delay=dt * (rng.integers(1, 4, n) if draw(st.booleans()) else int(rng.integers(1, 4))),
        receptor=draw(st.sampled_from(["excitatory", "inhibitory"])),
        **options,
    )


def assert_close(got, wanted, tolerance):
    for name in wanted.spikes:
        assert got[name].to_lists() == wanted[name].to_lists(), name
    assert got.traces.keys() == wanted.traces.keys()
    assert got.weights.keys() == wanted.weights.keys()
    for part in ("traces", "weights"):
        for key, values in getattr(wanted, part).items():
            found = getattr(got, part)[key]
            assert found.shape == np.shape(values) or found.size == np.size(values) == 0
            np.testing.assert_allclose(found, np.reshape(values, found.shape), 0, tolerance)


@BOTH
@given(case=networks())
@SLOW
def test_equals_the_reference(integrator, case):
    network, duration = case
    got = native(network, duration, integrator=integrator)
    assert_close(got, reference(network, duration, integrator), 1e-11)


GAPS = [0.0, *10.0 ** np.arange(-16.0, 0.0), 0.3]


@pytest.mark.parametrize("gap", [*GAPS, *(-gap for gap in GAPS[1:])])
def test_exact_with_nearly_equal_time_constants(gap):
    """One input at 1 ms: the potential that follows, computed with 50 digits."""
    cell = replace(FAST, tau_syn_E=3.0 * (1 + gap), v_thresh=1e9)
    trains = SpikeTrains(ids=[0], times=[0.0], size=1, duration=12.0)
    network = Network(
        populations=[source("in", trains), cells("a", 1, cell)],
        projections=[Projection.one_to_one("drive", "in", "a", weight=1.5, delay=1.0)],
    )
    with mpmath.workdps(50):
        tau, tau_m, cm = (mpmath.mpf(x) for x in (cell.tau_syn_E, cell.tau_m, cell.cm))
        for t in range(12):
            after = mpmath.mpf(max(t - 1, 0))
            if tau == tau_m:
                u = mpmath.mpf(1.5) / cm * after * mpmath.exp(-after / tau)
            else:
                between = mpmath.exp(-after / tau_m) - mpmath.exp(-after / tau)
                u = mpmath.mpf(1.5) * tau * tau_m / (cm * (tau_m - tau)) * between
            for backend in ("native", "brian2"):
                got = _exact_potential(network, backend)[t, 0]
                assert abs(got - float(u - 60)) < 1e-12, (backend, t)


@cache
def _exact_potential(network, backend):
    return sm.simulate(network, 12.0, backend=backend, integrator="exact").traces["a", "v"]


def test_nearly_equal_time_constants_fire_as_others_do():
    cell = LIF(tau_m=3 * 1.1, tau_syn_E=3.3, cm=0.3, v_thresh=-35.0, v_rest=-65.0, v_reset=-65.0)
    assert 0 < abs(cell.tau_m - cell.tau_syn_E) < 1e-14
    trains = SpikeTrains(ids=[0] * 4, times=[1.0, 2.0, 3.0, 4.0], size=1, duration=60.0)
    network = Network(
        populations=[source("in", trains), cells("a", 1, cell)],
        projections=[Projection.one_to_one("drive", "in", "a", weight=1.5, delay=1.0)],
    )
    got = native(network, 60.0, integrator="exact")
    assert got.traces["a", "v"].max() < -36.0
    assert len(got["a"]) == 0


@BOTH
@pytest.mark.parametrize("connector", ["dense", "sparse"])
@pytest.mark.parametrize("gap", [4, 5])
def test_a_spike_as_late_as_the_table_is_long(integrator, connector, gap):
    """A table of 4 entries: what comes 4 steps after a spike, or later, changes nothing."""
    rule = STDP(tau_plus=0.04, tau_minus=3.0, a_plus=1.0, a_minus=0.0, w_max=6.0)
    hop = 2 if integrator == "exact" else 1
    trains = SpikeTrains(ids=[0, 1, 1], times=[10.0, 11.0 - hop, 9.0 + gap - hop], size=2,
                         duration=30.0)  # fmt: skip
    one = {"weight": [0.25, 0.0], "delay": 1.0, "plasticity": rule}
    kind = {"i": [0, 1], "j": [0, 0]} if connector == "sparse" else {"connector": "all_to_all"}
    network = Network(
        populations=[source("in", trains), cells("a", 1)],
        projections=[
            Projection(name="drive", pre="in", post="a", i=[1], j=[0], weight=9.0, delay=1.0),
            Projection(name="learn", pre="in", post="a", **kind, **one),
        ],
    )
    table = Floats().rule(network, network.projection("learn"))[1]
    assert table.size == 4
    got = native(network, 30.0, integrator=integrator)
    # Seen at the synapse, which is one step away.
    assert (got["a"].times + 1.0 - 10.0).tolist() == [2.0, gap]
    assert got.weights["learn"][0] == 0.25 + np.exp(-2 / 0.04)


@BOTH
def test_equals_the_reference_with_every_kind_at_once(integrator):
    network = small(1)
    got = native(network, 60.0, integrator=integrator)
    assert sum(len(got[name]) for name in "ab") > 50
    assert_close(got, reference(network, 60.0, integrator), 1e-11)


@BOTH
def test_a_structured_projection_equals_its_list(integrator):
    network = small(2)
    listed = []
    for item in network.projections:
        full = network.synapses(item.name)
        listed.append(
            Projection(name=item.name, pre=item.pre, post=item.post, i=full.i, j=full.j,
                       weight=full.weight, delay=full.delay, receptor=item.receptor,
                       plasticity=item.plasticity)
        )  # fmt: skip
    got = native(network, 60.0, integrator=integrator)
    wanted = native(network.replace(*listed), 60.0, integrator=integrator)
    assert_close(got, wanted, 1e-13)


@BOTH
@pytest.mark.parametrize("cut", [1, 7, 30])
def test_going_on_equals_one_run_to_the_last_bit(integrator, cut):
    network = small(3)
    whole = native(network, 60.0, integrator=integrator)
    with sm.Session(network, backend="native", integrator=integrator) as session:
        while session.time < 60.0:
            session.run(min(float(cut), 60.0 - session.time))
        assert session.recording.same_as(whole)


@BOTH
def test_recording_weights_changes_nothing(integrator):
    network = small(4)
    parts = [replace(item, record=("weight",)) for item in network.plastic]
    seen = native(network.replace(*parts), 60.0, integrator=integrator)
    blind = native(network, 60.0, integrator=integrator)
    assert all(seen[name] == blind[name] for name in blind.spikes)
    for name, weight in blind.weights.items():
        np.testing.assert_array_equal(seen.weights[name], weight)


@BOTH
def test_after_an_interrupt_the_session_is_as_before(integrator):
    network = small(5)

    def interrupt(fraction):
        raise KeyboardInterrupt

    with sm.Session(network, backend="native", integrator=integrator) as session:
        session.run(20.0)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                session.run(30.0, progress=interrupt)
        session.run(40.0)
        assert session.recording.same_as(native(network, 60.0, integrator=integrator))


def test_only_the_latest_snapshot_is_restored():
    engine = Engine(small(), Floats())
    old = engine.snapshot()
    engine.snapshot()
    with pytest.raises(ValueError, match="latest"):
        engine.restore(old)


@BOTH
def test_copies_side_by_side_equal_runs_of_their_own(integrator):
    base = small(6)
    rng = np.random.default_rng(6)
    variants = [
        base.with_inputs({"in": spikes(rng, 6, 60)}).with_weights({"learn": 0.25 * (k + 1)})
        for k in range(3)
    ]
    parts = native(Network.stack(variants), 60.0, integrator=integrator).split(3)
    for variant, part in zip(variants, parts, strict=True):
        assert_close(part, native(variant, 60.0, integrator=integrator), 1e-13)


def test_more_copies_than_a_block_has_cells():
    part = native(small(7).tile(150), 60.0).split(150)
    alone = native(small(7), 60.0)
    assert_close(part[0], alone, 1e-13)
    assert_close(part[149], alone, 1e-13)


def test_windows_of_single_copies():
    base = small(8)
    shut = [replace(item, plasticity=replace(RULE, enabled=[(5.0, 20.0)])) for item in base.plastic]
    variants = [base, base.replace(*shut)]
    parts = native(Network.stack(variants), 60.0).split(2)
    for variant, part in zip(variants, parts, strict=True):
        assert_close(part, native(variant, 60.0), 1e-13)


@BOTH
def test_four_bytes_are_close_to_eight(integrator):
    network = small(11, n_steps=30)
    short = native(network, 30.0, integrator=integrator, precision="f4")
    long = native(network, 30.0, integrator=integrator)
    assert_close(short, long, 1e-3)
    assert short.traces["a", "v"].dtype == np.float64


def test_session_goes_on_with_other_weights():
    network = small(12)
    values = np.full(36, 2.0)
    with sm.Session(network, backend="native") as session:
        session.set_weights({"learn": values})
        got = session.run(60.0)
    assert got.same_as(native(network.with_weights({"learn": values}), 60.0))


def test_a_log_that_overflows_loses_nothing():
    network = small(13, n_steps=400, n=6, rate=0.6)
    whole = native(network, 400.0)
    engine = Engine(network, Floats())
    assert len(whole["b"]) > 3 * engine.tables.wiring.units[0, 2]
    tiny = Engine(network, Floats())
    from spikemem.backends.native import fields

    tiny.plastic.table[:, fields.LOG_SIZE] = 13
    gates = {item.name: np.ones((400, 1), dtype=np.bool_) for item in network.plastic}
    run = tiny.run(0, 400, {"in": network.population("in").source}, gates)
    assert len(run.spikes) == sum(len(whole[name]) for name in whole.spikes)
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(tiny.weights(name), weight)


@BOTH
def test_rest_is_left_when_something_arrives(integrator):
    trains = SpikeTrains(ids=[0, 0, 0], times=[1.0, 600.0, 901.0], size=1, duration=1300.0)
    network = Network(
        populations=[source("in", trains), cells("a", 3), cells("far", 2)],
        projections=[
            Projection.all_to_all("drive", "in", "a", weight=5.0, delay=1.0),
            Projection.all_to_all("late", "a", "far", weight=2.0, delay=300.0),
        ],
    )
    got = native(network, 1300.0, integrator=integrator)
    assert len(got["far"]) == 6
    assert_close(got, reference(network, 1300.0, integrator), 1e-11)


def test_nothing_at_all():
    empty = Network(populations=[source("in", SpikeTrains.empty(2, duration=5.0))])
    assert len(native(empty, 5.0)["in"]) == 0
    alone = Network(
        populations=[cells("a", 1)],
        projections=[
            Projection(name="none", pre="a", post="a", i=[], j=[], weight=[], delay=[]),
            Projection(name="no", pre="a", post="a", i=[], j=[], weight=[], delay=[],
                       plasticity=RULE, record=("weight",)),
            Projection.all_to_all("self", "a", "a", weight=1.0, delay=1.0, allow_self=False),
            Projection.all_to_all("learn", "a", "a", weight=1.0, delay=1.0, allow_self=False,
                                  plasticity=RULE),
        ],
    )  # fmt: skip
    got = native(alone, 5.0)
    assert got.weights["no"].shape == (0,)
    assert got.weights["learn"].shape == (0,)
    assert got.traces["no", "weight"].shape == (5, 0)


def test_many_spikes_fill_the_buffer():
    """More spikes in a run than the buffer of a kernel call holds."""
    restless = replace(FAST, tau_refrac=0.0, i_offset=5.0)
    network = Network(populations=[cells("a", 900, restless)])
    network = network.replace(replace(network.population("a"), record=("spikes",)))
    got = native(network, 200.0)
    assert len(got["a"]) == 900 * 200


def test_weights_may_stay_in_the_engine():
    network = small()
    assert native(network, 20.0, weights=False).weights == {}


def test_a_second_network_compiles_nothing():
    native(small(), 10.0)
    kernels = Floats().kernels()
    before = [len(kernels[name].signatures) for name in ("advance", "flush")]
    i = np.arange(3)
    other = Network(
        populations=[cells("x", 5, replace(FAST, tau_m=np.linspace(2, 3, 5))), cells("y", 3)],
        projections=[Projection(name="z", pre="x", post="y", i=i, j=i, weight=1.0, delay=4.0)],
    )
    native(other, 10.0)
    native(small().tile(2), 10.0, integrator="exact")
    assert [len(kernels[name].signatures) for name in ("advance", "flush")] == before


def test_unknown_options_are_refused():
    with pytest.raises(sm.DescriptionError, match="precision"):
        native(small(), 10.0, precision="f16")


def test_joined_parts_are_a_recording():
    with sm.Session(small(), backend="native") as session:
        parts = [session.run(5.0), session.run(5.0)]
    assert Recording.join(parts).stop == 10.0
