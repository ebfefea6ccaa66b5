"""Networks by hand, on every backend; each statistical test has a false-alarm rate of 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from nonsense import nonsense, refusal
from scipy import stats

import spikemem as sm
from spikemem.connectors import grid_positions
from spikemem.errors import SpikememWarning

ALARM = 1e-6
RUNS = [
    pytest.param({"backend": "brian2"}, id="brian2"),
    pytest.param({"backend": "native"}, id="native"),
    pytest.param({"backend": "emulator"}, id="emulator"),
    pytest.param(
        {"backend": "pynn:nest", "integrator": "exact"}, id="nest", marks=pytest.mark.nest
    ),
]
EXC = sm.Population("exc", 40, sm.LIF(), record=("spikes", "v"))
INH = sm.Population("inh", 20, sm.LIF())
ALL = {
    "fixed_probability": {"p": 0.2},
    "fixed_number_in": {"n": 5},
    "fixed_number_out": {"n": 5},
    "distance_dependent": {
        "p": lambda distance: np.exp(-distance),
        "pre_positions": grid_positions((40,)),
        "post_positions": grid_positions((20,), 2.0),
    },
    "from_matrix": {"matrix": np.arange(800).reshape(40, 20) % 3 * 0.25},
}


def drawn(kind, name="syn", pre=EXC, post=INH, **options):
    return getattr(sm.Projection, kind)(
        name, pre, post, **{"weight": 0.5, "delay": 1.0, **ALL[kind], **options}
    )


def binomial(count, n, p):
    low, high = stats.binom.interval(1 - ALARM, n, p)
    return low <= count <= high


# --- Construction


def test_populations_as_people_guess_them():
    cell = sm.LIF(tau_m=10.0)
    source = sm.SpikeSource.from_lists([[1.0], [2.0]])
    for pop in (
        sm.Population("exc", 8, cell),
        sm.Population("exc", cell, 8),
        sm.Population("exc", cell=cell, size=8),
        sm.Population(name="exc", size=8, cell=cell),
    ):
        assert (pop.name, pop.size, pop.cell) == ("exc", 8, cell)
    for pop in (sm.Population("in", source), sm.Population("in", 2, source)):
        assert (pop.size, pop.cell) == (2, source)
    assert "cell must be a LIF or SpikeSource, got None" in refusal(sm.Population, "exc", 800)
    assert "size must be an int >= 1" in refusal(sm.Population, "exc", cell)
    assert "size must be an int >= 1" in refusal(sm.Population, "exc", cell, source)
    assert "size must be the number of its spike trains" in refusal(sm.Population, "in", 3, source)


def test_networks_and_projections_take_populations():
    by_object = sm.Projection.one_to_one("a", EXC, EXC, weight=1.0, delay=1.0)
    by_name = sm.Projection(
        name="a", pre="exc", post=EXC, connector="one_to_one", weight=1.0, delay=1.0
    )
    net = sm.Network([EXC, INH], [by_object], dt=0.1)
    assert net.content_hash == sm.Network([EXC, INH], [by_name], dt=0.1).content_hash
    assert (by_object.pre, by_object.post) == ("exc", "exc")
    assert net["exc"] is EXC
    assert net["a"] is by_object
    assert "exc" in net
    assert "a" in net
    assert "b" not in net
    assert 3 not in net
    assert "Did you mean 'exc'?" in refusal(net.__getitem__, "exz")
    for value in nonsense():
        assert "not a population or projection" in refusal(net.__getitem__, value)
    with pytest.raises(TypeError):
        iter(net)
    both = sm.Network([EXC], [sm.Projection.one_to_one("exc", EXC, EXC, weight=1.0, delay=1.0)])
    assert "is a population and a projection" in refusal(both.__getitem__, "exc")


# --- Sources


def test_sources_hold_what_was_drawn():
    noise = sm.SpikeSource.poisson(30.0, size=200, duration=1000.0, dt=0.1, seed=1)
    assert binomial(len(noise.spikes), 200 * 10_000, 30.0 * 0.1 / 1000)
    rates = noise.spikes.rates()
    assert rates.shape == (200,)
    assert rates.mean() == pytest.approx(len(noise.spikes) / 200)
    clock = sm.SpikeSource.regular([100.0, 50.0], size=2, duration=100.0, dt=1.0)
    assert clock.spikes.rates().tolist() == [100.0, 50.0]
    assert clock.spikes.rates(0.0, 50.0).tolist() == [100.0, 60.0]
    assert clock.spikes.rates(50.0).tolist() == [100.0, 40.0]
    rounded = sm.SpikeSource.from_lists([[1.04, 1.06], [7.0]], duration=10.0, dt=0.1)
    assert np.allclose(rounded.spikes.times, [1.0, 1.1, 7.0])


def test_bad_sources_are_refused():
    assert "rate" in refusal(sm.SpikeSource.poisson, -1, size=1, duration=1.0, dt=1.0, seed=0)
    assert "seed must be given" in refusal(
        sm.SpikeSource.poisson, 1.0, size=1, duration=1.0, dt=1.0
    )
    assert "times[0]" in refusal(sm.SpikeSource.from_lists, [3.0])
    assert "dt" in refusal(sm.SpikeSource.from_lists, [[3.0]], dt=0.0)
    assert refusal(sm.SpikeSource.from_neo, "x").startswith("from_neo")
    trains = sm.SpikeTrains.from_lists([[1.0]], duration=5.0)
    assert "stop must be after" in refusal(trains.rates, 3.0, 3.0)
    assert "stop must be after" in refusal(sm.SpikeTrains.empty(3).rates)


def test_sources_from_neo():
    neo = pytest.importorskip("neo")
    trains = [neo.SpikeTrain([0.1001, 0.3], units="s", t_stop=1.0)]
    taken = sm.SpikeSource.from_neo(trains, dt=0.5)
    assert taken.spikes.times.tolist() == [100.0, 300.0]


@pytest.mark.parametrize("run", RUNS)
def test_poisson_and_regular_sources_drive_cells(run):
    """A relay with a strong synapse fires once for each spike of its source."""
    relay = sm.LIF(tau_m=1.0, cm=0.1, tau_refrac=0.0, tau_syn_E=0.3, v_reset=-70.0, v_thresh=-64.0)
    made = {
        "noise": sm.SpikeSource.poisson([0.0, 5.0, 20.0], size=3, duration=2000.0, dt=1.0, seed=4),
        "clock": sm.SpikeSource.regular(20.0, size=3, duration=2000.0, dt=1.0, start=5.0),
    }
    for name, source in made.items():
        pre, post = sm.Population(name, source), sm.Population("out", 3, relay)
        # Inputs that come within 20 ms of another leave a rest behind; these are left out.
        lists = [[t for k, t in enumerate(train) if not k or t - train[k - 1] > 20.0]
                 for train in source.spikes.to_lists()]  # fmt: skip
        clear = sm.SpikeSource.from_lists(lists, duration=2000.0)
        drive = sm.Projection.one_to_one("drive", pre, post, weight=2.0, delay=1.0)
        net = sm.Network([pre, post], [drive]).with_inputs({name: clear.spikes})
        found = sm.simulate(net, 2010.0, **run)["out"]
        assert found.counts().tolist() == clear.spikes.counts().tolist()
        lag = 2.0 if run.get("integrator") == "exact" else 1.0
        assert np.allclose(found.times, clear.spikes.times + lag)


# --- Connectors


@pytest.mark.parametrize("receptor", ["excitatory", "inhibitory"])
@pytest.mark.parametrize("kind", ALL)
def test_drawn_synapses_arrive_in_the_network(kind, receptor):
    projection = drawn(kind, receptor=receptor, seed=3)
    net = sm.Network([EXC, INH], [projection])
    synapses = net.synapses("syn")
    assert projection.receptor == receptor
    assert synapses.i.size == net.count("syn") > 0
    assert np.all(np.diff(synapses.i.astype(np.int64) * 20 + synapses.j) > 0)
    if kind == "fixed_probability":
        assert binomial(synapses.i.size, 800, 0.2)
    elif kind == "fixed_number_in":
        assert np.bincount(synapses.j, minlength=20).tolist() == [5] * 20
    elif kind == "fixed_number_out":
        assert np.bincount(synapses.i, minlength=40).tolist() == [5] * 40
    elif kind == "distance_dependent":
        chance = np.exp(-np.abs(np.arange(40.0)[:, None] - 2.0 * np.arange(20.0)))
        z = (synapses.i.size - chance.sum()) / np.sqrt((chance * (1 - chance)).sum())
        assert abs(z) < stats.norm.isf(ALARM / 2)
    else:
        assert set(zip(synapses.i.tolist(), synapses.j.tolist(), strict=True)) == set(
            zip(*(x.tolist() for x in np.nonzero(ALL[kind]["matrix"])), strict=True)
        )


@pytest.mark.parametrize("kind", ALL)
def test_weights_and_delays_follow_their_distributions(kind):
    big = sm.Population("big", 400, sm.LIF())
    sizes = {
        "distance_dependent": {"pre_positions": grid_positions((20, 20)), "post_positions": None},
        "from_matrix": {"matrix": np.random.default_rng(0).random((400, 400)) < 0.05},
    }
    weight, delay = stats.gamma(4.0, scale=0.1), stats.uniform(0.05, 2.0)
    with pytest.warns(SpikememWarning, match=r"2\.5% .* outside 0\.1 to inf ms"):
        projection = drawn(
            kind, pre=big, post=big, **sizes.get(kind, {}),
            weight=weight, delay=delay, dt=0.1, seed=7,
        )  # fmt: skip
    synapses = sm.Network([big], [projection], dt=0.1).synapses("syn")
    assert synapses.i.size > 1000
    assert stats.kstest(synapses.weight, weight.cdf).pvalue > ALARM
    ticks = np.rint(synapses.delay / 0.1).astype(int)
    assert np.allclose(synapses.delay, ticks * 0.1)
    # From 0.1 to 2.05 ms, rounded to the nearest step: half as many have the first one.
    chance = np.array([0.5, *[1.0] * 19])
    counts = np.bincount(ticks, minlength=21)[1:21]
    assert counts.sum() == ticks.size
    assert stats.chisquare(counts, counts.sum() * chance / chance.sum()).pvalue > ALARM


@pytest.mark.parametrize("kind", ["fixed_probability", "fixed_number_in"])
def test_plastic_weights_are_truncated_to_their_range(kind):
    rule = sm.STDP(a_plus=0.1, a_minus=0.1, w_min=0.2, w_max=0.6)
    normal = stats.norm(0.5, 0.2)
    with pytest.warns(SpikememWarning, match=r"'syn': weight: .* outside 0\.2 to 0\.6 nA"):
        projection = drawn(kind, weight=normal, plasticity=rule, record="weight", seed=2)
    low, high = normal.cdf([0.2, 0.6])
    assert projection.weight.min() >= 0.2
    assert projection.weight.max() <= 0.6
    cdf = stats.kstest(projection.weight, lambda w: (normal.cdf(w) - low) / (high - low))
    assert cdf.pvalue > ALARM
    assert projection.record == ("weight",)
    assert "[w_min, w_max]" in refusal(drawn, kind, weight=1.0, plasticity=rule)


def test_each_draw_has_its_own_stream():
    first = drawn("fixed_probability", weight=stats.norm(5.0, 1.0), seed=1)
    again = drawn("fixed_probability", weight=stats.norm(5.0, 1.0), seed=1)
    assert first.weight.tolist() == again.weight.tolist()
    wider = drawn("fixed_probability", weight=stats.norm(9.0, 1.0), seed=1)
    assert np.allclose(wider.weight, first.weight + 4.0)
    assert wider.i.tolist() == first.i.tolist()
    for other in (drawn("fixed_probability", seed=2), drawn("fixed_probability", "x", seed=1)):
        assert other.i.tolist() != first.i.tolist()
    rng = np.random.default_rng(0)
    one, two = (drawn("fixed_probability", seed=rng) for _ in range(2))
    assert one.i.tolist() != two.i.tolist()


def test_matrices_of_every_form():
    dense = np.where(np.arange(800).reshape(40, 20) % 7, 0.0, 0.25)
    forms = [dense, dense.tolist(), scipy.sparse.csr_array(dense), scipy.sparse.coo_matrix(dense)]
    made = [drawn("from_matrix", matrix=form, weight=None) for form in forms]
    made.append(drawn("from_matrix", matrix=dense > 0, weight=0.25))
    for projection in made:
        expanded = sm.Network([EXC, INH], [projection]).synapses("syn")
        assert expanded.weight.tolist() == [0.25] * np.count_nonzero(dense)
        assert expanded.i.tolist() == np.nonzero(dense)[0].tolist()
    assert "receptor='inhibitory'" in refusal(drawn, "from_matrix", matrix=-dense, weight=None)
    assert "weight must be given" in refusal(drawn, "from_matrix", matrix=dense > 0, weight=None)
    assert refusal(drawn, "from_matrix", matrix=dense[:3]).startswith(
        "Projection.from_matrix: matrix must have shape (40, 20)"
    )


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("kind", ALL)
def test_every_backend_runs_the_same_synapses(kind, run):
    """Each spike of one source cell arrives at its targets alone, and moves them by its weight."""
    source = sm.Population("in", sm.SpikeSource.from_lists([[1.0 + 40.0 * k] for k in range(8)]))
    cells = sm.Population("out", 6, sm.LIF(tau_m=2.0, tau_syn_E=1.0, v_thresh=50.0), record="v")
    sizes = {
        "from_matrix": {"matrix": np.random.default_rng(1).random((8, 6)) < 0.5},
        "distance_dependent": {
            "pre_positions": grid_positions((8,)), "post_positions": grid_positions((6,)),
        },
        "fixed_number_in": {"n": 3}, "fixed_number_out": {"n": 3}, "fixed_probability": {"p": 0.5},
    }  # fmt: skip
    projection = drawn(
        kind, pre=source, post=cells, **sizes[kind], weight=stats.uniform(1.0, 2.0),
        delay=stats.randint(1, 5), dt=1.0, seed=5,
    )  # fmt: skip
    net = sm.Network([source, cells], [projection], dt=1.0)
    v = sm.simulate(net, 340.0, **run).v["out"]
    wanted = np.full((8, 6), 0.0)
    wanted[projection.i, projection.j] = projection.weight
    risen = np.array([v[40 * k : 40 * k + 40].max(axis=0) for k in range(8)]) + 65.0
    gain = risen[wanted > 0] / wanted[wanted > 0]
    tolerance = 0.03 if run["backend"] == "emulator" else 0.005
    assert np.allclose(gain, np.median(gain), rtol=tolerance)
    assert np.all(risen[wanted == 0] < 0.02 * np.median(gain))
    late = np.array([v[40 * k : 40 * k + 40].argmax(axis=0) for k in range(8)])
    lag = late[projection.i, projection.j] - projection.delay
    assert np.unique(lag).size == 1


@pytest.mark.parametrize("kind", ALL)
def test_bad_arguments_of_connectors(kind):
    where = f"Projection.{kind}"
    for end in ("pre", "post"):
        said = refusal(drawn, kind, **{end: "exc"})
        assert said.startswith(where)
        assert "pass the population itself, not its name" in said
    for value in nonsense():
        for item in ("weight", "delay", "seed", "allow_self", "dt", "receptor", "plasticity"):
            if kind == "from_matrix" and item == "allow_self":
                continue
            said = refusal(drawn, kind, **{item: value})
            assert said is None or item in said
    assert "dt must be given" in refusal(drawn, kind, delay=stats.norm(2.0, 0.1))
    assert "no values from 0 to inf nA" in refusal(drawn, kind, weight=stats.uniform(-2.0, 1.0))
    assert "give the distribution its parameters" in refusal(drawn, kind, weight=stats.norm)
    assert "one number, not of an array" in refusal(drawn, kind, weight=stats.norm([1, 2], 1))
    assert "inhibition" in refusal(drawn, kind, weight=-1.0)
    with pytest.warns(SpikememWarning, match="coarse"):
        drawn(kind, delay=stats.norm(5.0, 0.1), dt=1.0)


def test_bad_arguments_of_one_connector():
    assert "p must be" in refusal(drawn, "fixed_probability", p=1.1)
    assert "fixed_number_in: n must be at most 40" in refusal(drawn, "fixed_number_in", n=41)
    assert "fixed_number_out: n must be at most 20" in refusal(drawn, "fixed_number_out", n=21)
    assert drawn("fixed_number_out", n=21, repeat=True).i.size == 840
    near = {"kind": "distance_dependent"}
    assert "post_positions must be given" in refusal(drawn, **near, post_positions=None)
    assert "pre_positions must have shape (40, n_dims)" in refusal(
        drawn, **near, pre_positions=grid_positions((20,))
    )
    assert "the same number of dimensions" in refusal(
        drawn, **near, post_positions=np.zeros((20, 2))
    )
    assert "probability" in refusal(drawn, **near, p=lambda distance: distance + 2)
    assert "p must be a function" in refusal(drawn, **near, p=0.5)
    huge = sm.Population("huge", 2**31 - 1, sm.LIF())
    assert "of memory" in refusal(drawn, "fixed_probability", pre=huge, post=huge)
    assert "of memory" in refusal(drawn, "fixed_number_in", post=huge)


def test_warnings_point_to_the_line_of_the_user():
    with pytest.warns(SpikememWarning) as caught:
        sm.Projection.fixed_probability(
            "a", EXC, INH, p=0.5, weight=stats.norm(0.1, 0.1), delay=1.0
        )
    assert caught[0].filename == __file__
