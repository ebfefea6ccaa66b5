"""The description: checked at the door, frozen, expanded, replaced, stacked, hashed."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from nonsense import nonsense, refusal
from samples import RULE, any_network, small_network

import spikemem as sm
from spikemem.errors import DescriptionError
from spikemem.runs import steps_needed

ROOT = Path(__file__).resolve().parents[1]
TRAINS = sm.SpikeTrains(ids=[0], times=[1.0], size=1, duration=2.0)
CELLS = sm.Population(name="a", cell=sm.LIF(), size=2)
WIRE = {"name": "p", "pre": "a", "post": "a", "weight": 1.0, "delay": 1.0}
VALID = {
    sm.LIF: {name: getattr(sm.LIF(), name) for name in sm.LIF.units},
    sm.SpikeSource: {"spikes": TRAINS},
    sm.STDP: {
        "tau_plus": 20.0, "tau_minus": 20.0, "a_plus": 1.0, "a_minus": 1.0, "w_min": 0.0,
        "w_max": 2.0, "enabled": [(0.0, 1.0)],
    },
    sm.Population: {
        "name": "a", "cell": sm.LIF(), "size": 2, "v_init": -60.0, "record": ("spikes",),
    },
    sm.Projection: {
        **WIRE, "i": [0], "j": [1], "receptor": "excitatory", "plasticity": None,
        "connector": "list", "allow_self": True, "tiles": 1, "record": (),
    },
    sm.Network: {
        "populations": [CELLS], "projections": [sm.Projection(**WIRE, i=[0], j=[1])], "dt": 1.0,
        "copies": 1,
    },
}  # fmt: skip
FIELDS = [(cls, name) for cls, values in VALID.items() for name in values]


@pytest.mark.parametrize(("cls", "field"), FIELDS, ids=lambda x: getattr(x, "__name__", x))
def test_every_field_refuses_nonsense_with_a_description(cls, field):
    said = [refusal(cls, **{**VALID[cls], field: value}) for value in nonsense()]
    texts = [text for text in said if text is not None]
    assert len(texts) > 20
    assert all(len(text) < 500 for text in texts)


def test_the_fields_above_are_all_there_are():
    for cls, values in VALID.items():
        assert set(values) == {item.name for item in dataclasses.fields(cls)}


def refused(cls, **fields):
    with pytest.raises(DescriptionError) as caught:
        cls(**fields)
    return str(caught.value)


def test_all_problems_of_a_cell_come_at_once():
    text = refused(sm.LIF, tau_m=-1.0, cm="x", tau_syn_E=[[1.0]], v_rest=float("nan"))
    assert text.startswith("LIF: 4 problems")
    assert "tau_m must be > 0 ms, got -1" in text


def test_all_problems_of_a_rule_come_at_once():
    text = refused(
        sm.STDP, tau_plus=0, a_plus=-1, a_minus=None, w_max=1, enabled=[(2, 1), (0, 1, -1), 3]
    )
    assert text.startswith("STDP: 6 problems")
    assert "w_min must be below w_max" in refused(sm.STDP, a_plus=1, a_minus=1, w_min=2, w_max=1)


def test_all_problems_of_a_population_come_at_once():
    text = refused(sm.Population, name="", cell=3, size=-1, record=["w"])
    assert "4 problems" in text
    text = refused(sm.Population, name="a", cell=sm.LIF(cm=[1, 2]), size=3, v_init=[0, 1])
    assert "cell.cm must be a float or have shape (3,)" in text
    assert "v_init must be a float or have shape (3,)" in text


def test_all_problems_of_a_projection_come_at_once():
    text = refused(
        sm.Projection, name="p", pre=1, post="b", i=[0, -1], j=[0], weight=[-1.0], delay="x",
        receptor="excitatry", tiles=0, record=["weight"],
    )  # fmt: skip
    for part in ("pre must be", "i must be from 0", "weight must be >= 0 nA", "delay must be in ms",
                 "Did you mean 'excitatory'?", "tiles must be an int", "record:"):  # fmt: skip
        assert part in text, part


def test_weights_and_indices_must_fit():
    assert "equal lengths, got 2 and 1" in refused(sm.Projection, **WIRE, i=[0, 1], j=[0])
    assert "shape (1,), got (2,)" in refused(
        sm.Projection, **{**WIRE, "weight": [1, 1]}, i=[0], j=[0]
    )
    assert "use receptor='inhibitory'" in refused(
        sm.Projection, **{**WIRE, "weight": -1}, i=[0], j=[0]
    )
    assert "must be finite" in refused(sm.Projection, **{**WIRE, "weight": [np.nan]}, i=[0], j=[0])
    assert "i and j are needed" in refused(sm.Projection, **WIRE)
    assert "must be left out" in refused(
        sm.Projection, **WIRE, connector="one_to_one", i=[0], j=[0]
    )
    assert "within [w_min, w_max] = [0, 6]" in refused(
        sm.Projection, **{**WIRE, "weight": 7.0}, i=[0], j=[0], plasticity=RULE
    )


def test_indices_above_32_bits_do_not_wrap_round():
    assert "i must be from 0 to" in refused(sm.Projection, **WIRE, i=[2**32], j=[0])


def test_all_problems_of_a_network_come_at_once():
    bad = [
        sm.Projection(**{**WIRE, "post": "aa"}, i=[0], j=[0]),
        sm.Projection(**{**WIRE, "name": "q", "delay": 0.5}, i=[5], j=[0]),
        sm.Projection(**{**WIRE, "name": "q", "delay": 1.5}, i=[0], j=[7]),
    ]
    text = refused(sm.Network, populations=[CELLS], projections=bad)
    for part in (
        "post='aa' is not a population (have: a). Did you mean 'a'?",
        "projection name 'q' is used 2 times",
        "delay must be at least one step (dt=1 ms), got 0.5",
        "delay 1.5 ms is not a multiple of dt=1 ms",
        "i must be from 0 to 1, got 5",
        "j must be from 0 to 1, got 7",
    ):
        assert part in text, part


def test_network_refuses_what_no_backend_can_run():
    source = sm.Population(name="s", cell=sm.SpikeSource(spikes=TRAINS))
    into = sm.Projection.all_to_all("p", "a", "s", weight=1.0, delay=1.0)
    assert "takes no input" in refused(sm.Network, populations=[CELLS, source], projections=[into])
    pairs = sm.Projection.one_to_one("p", "s", "a", weight=1.0, delay=1.0)
    assert "one_to_one needs equal sizes, got 1 and 2" in refused(
        sm.Network, populations=[CELLS, source], projections=[pairs]
    )
    odd = sm.Projection.all_to_all("p", "a", "a", weight=[1.0], delay=1.0)
    assert "shape (4,), got (1,)" in refused(sm.Network, populations=[CELLS], projections=[odd])
    assert "needs at least one population" in refused(sm.Network, populations=[])
    assert "dt must be > 0 ms" in refused(sm.Network, populations=[CELLS], dt=-1)
    far = sm.Projection.all_to_all("p", "a", "a", weight=1.0, delay=1e300)
    assert "at most" in refused(sm.Network, populations=[CELLS], projections=[far])


def test_sources_lie_on_the_grid_and_fire_once_a_step():
    off = sm.SpikeTrains(ids=[0], times=[1.3], size=1)
    twice = sm.SpikeTrains(ids=[0, 0], times=[1.0, 1.0], size=1)
    for trains, text in ((off, "1.3 ms is not a multiple"), (twice, "fires twice in one step")):
        source = sm.Population(name="s", cell=sm.SpikeSource(spikes=trains))
        assert text in refused(sm.Network, populations=[source])
        fixed = dataclasses.replace(source, cell=sm.SpikeSource(spikes=trains.to_grid(1.0)))
        sm.Network(populations=[fixed])


def test_tiles_of_a_list_stay_apart():
    crossing = sm.Projection(**WIRE, i=[0, 1], j=[1, 0], tiles=2)
    assert "each within its tile" in refused(
        sm.Network, populations=[CELLS], projections=[crossing]
    )
    rule = dataclasses.replace(RULE, enabled=[(0.0, 1.0, 3)])
    assert "tile must be from 0 to 0, got 3" in refused(
        sm.Projection, **WIRE, i=[0], j=[0], plasticity=rule
    )
    with pytest.raises(DescriptionError, match="tile must be from 0 to 0"):
        rule.gate(np.arange(2.0))


def test_numpy_scalars_and_strings_become_plain():
    plain = sm.Population(name="a", cell=sm.LIF(tau_m=10.0), size=2)
    other = sm.Population(
        name=np.array(["a"])[0], cell=sm.LIF(tau_m=np.float32(10)), size=np.int8(2)
    )
    assert type(other.name) is str
    assert type(other.size) is int
    networks = [sm.Network(populations=[part]) for part in (plain, other)]
    assert networks[0].content_hash == networks[1].content_hash


def arrays(thing):
    for item in dataclasses.fields(thing):
        value = getattr(thing, item.name)
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple):
            for part in value:
                yield from arrays(part) if dataclasses.is_dataclass(part) else ()
        elif dataclasses.is_dataclass(value):
            yield from arrays(value)


def test_nothing_can_be_changed():
    net = small_network()
    everything = list(arrays(net))
    assert len(everything) == 6
    for array in everything:
        assert not array.flags.writeable
    for thing in (net, net.populations[0], net.projections[0], net.populations[1].cell, RULE):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, dataclasses.fields(thing)[0].name, None)


def test_inputs_are_neither_changed_nor_kept():
    mine = {
        "tau_m": np.array([1.0, 2.0]), "v_init": np.array([-60.0, -61.0]), "i": np.array([0, 1]),
        "j": np.array([1, 0]), "weight": np.array([1.0, 2.0]), "delay": np.array([1.0, 2.0]),
        "ids": np.array([1, 0]), "times": np.array([3.0, 1.0]),
    }  # fmt: skip
    before = {name: array.copy() for name, array in mine.items()}
    trains = sm.SpikeTrains(ids=mine["ids"], times=mine["times"], size=2)
    cells = sm.Population(name="a", size=2, cell=sm.LIF(tau_m=mine["tau_m"]), v_init=mine["v_init"])
    source = sm.Population(name="s", cell=sm.SpikeSource(spikes=trains))
    wires = {name: mine[name] for name in ("i", "j", "weight", "delay")}
    wire = sm.Projection(name="p", pre="s", post="a", **wires)
    net = sm.Network(populations=[cells, source], projections=[wire])
    known = net.content_hash
    for name, array in mine.items():
        assert np.array_equal(array, before[name])
        assert array.flags.writeable
        array[:] = 0
    again = sm.Network(populations=net.populations, projections=net.projections)
    assert again.content_hash == known


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_and_pickles_are_equal_and_frozen(again):
    net = small_network()
    twin = again(net)
    assert twin.content_hash == net.content_hash
    assert not any(array.flags.writeable for array in arrays(twin))


def test_structured_connectors_expand():
    pairs = sm.Projection.one_to_one("p", "a", "b", weight=1.0, delay=2.0).expand(3, 3)
    assert (pairs.i.tolist(), pairs.j.tolist()) == ([0, 1, 2], [0, 1, 2])
    assert (pairs.weight.tolist(), pairs.delay.tolist()) == ([1.0] * 3, [2.0] * 3)
    full = sm.Projection.all_to_all("p", "a", "b", weight=np.arange(6.0), delay=1.0)
    cells = full.expand(2, 3)
    assert list(zip(cells.i.tolist(), cells.j.tolist(), strict=True)) == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2),
    ]  # fmt: skip
    assert cells.weight.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("tiles", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(6, 6), (6, 12), (12, 6)])
@pytest.mark.parametrize("allow_self", [True, False])
def test_all_to_all_joins_each_pair_of_a_tile_once(tiles, sizes, allow_self):
    wire = sm.Projection.all_to_all(
        "p", "a", "b", weight=0.0, delay=1.0, tiles=tiles, allow_self=allow_self
    )
    found = wire.expand(*sizes)
    pairs = list(zip(found.i.tolist(), found.j.tolist(), strict=True))
    width = [size // tiles for size in sizes]
    expected = [
        (t * width[0] + i, t * width[1] + j)
        for t in range(tiles) for i in range(width[0]) for j in range(width[1])
        if allow_self or i != j
    ]  # fmt: skip
    assert pairs == expected
    assert wire.n_synapses(*sizes) == len(expected)


def test_counts_and_summary():
    net = small_network()
    assert (net.n_neurons, net.n_synapses, net.count("fixed"), net.duration) == (3, 9, 6, 10.0)
    assert [item.name for item in net.plastic] == ["learnt"]
    for text in ("2 populations, 3 neurons, 9 synapses (3 plastic), dt = 1 ms", "1..3 nA"):
        assert text in net.summary()
    assert "9 synapses" in repr(net)


@pytest.mark.parametrize("lookup", ["population", "projection", "synapses", "count"])
def test_unknown_names_list_the_valid_ones(lookup):
    known, wrong = ("out", "oot") if lookup == "population" else ("learnt", "learn")
    call = getattr(small_network(), lookup)
    call(known)
    with pytest.raises(DescriptionError, match=f"have: .*Did you mean '{known}'"):
        call(wrong)
    for value in nonsense():
        with pytest.raises(DescriptionError, match="is not a"):
            call(value)


def test_replace_with_inputs_and_with_weights():
    net = small_network()
    cells = dataclasses.replace(net.population("out"), cell=sm.LIF())
    assert net.replace(cells).population("out").lif.tau_m == 20.0
    assert [pop.name for pop in net.replace(cells).populations] == ["in", "out"]
    other = sm.SpikeTrains(ids=[1], times=[4.0], size=2)
    assert net.with_inputs({"in": other}).population("in").source == other
    assert net.with_weights({"learnt": [3, 2, 1]}).synapses("learnt").weight.tolist() == [3, 2, 1]
    assert net.population("out").lif.cm == 0.27
    assert net.replace(dt=0.5).dt == 0.5


def test_replace_refuses_strangers():
    net = small_network()
    for call in (net.replace, net.with_inputs, net.with_weights, net.tile):
        for value in nonsense():
            if isinstance(value, dict) and not value:
                continue
            with pytest.raises(DescriptionError):
                call(value)
    with pytest.raises(DescriptionError, match="is not a population"):
        net.replace(sm.Population(name="new", cell=sm.LIF(), size=1))
    with pytest.raises(DescriptionError, match="no spike trains of its own"):
        net.with_inputs({"out": TRAINS})
    with pytest.raises(
        DescriptionError, match=r"size must be the number of its spike trains \(1\), got 2"
    ):
        net.with_inputs({"in": TRAINS})


def test_tile_lays_copies_side_by_side():
    net = small_network()
    three = net.tile(3)
    assert (three.n_neurons, three.n_synapses) == (9, 27)
    for name in ("learnt", "fixed"):
        one, all_ = net.synapses(name), three.synapses(name)
        n_pre = net.population(net.projection(name).pre).size
        n_post = net.population(net.projection(name).post).size
        for k in range(3):
            part = slice(k * len(one.i), (k + 1) * len(one.i))
            assert np.array_equal(all_.i[part], one.i + k * n_pre)
            assert np.array_equal(all_.j[part], one.j + k * n_post)
            assert np.array_equal(all_.weight[part], one.weight)
    assert three.population("out").lif.tau_m.tolist() == [3, 4, 5] * 3
    assert three.population("out").lif.cm == 0.27
    assert three.population("in").source.counts().tolist() == [2, 1] * 3
    assert three.projection("learnt").plasticity == net.projection("learnt").plasticity
    assert net.tile(1).content_hash == net.content_hash
    assert net.tile(2).tile(2).n_synapses == net.tile(4).n_synapses


def test_tiling_twice_is_tiling_once():
    net = small_network()
    assert net.tile(2).tile(3).content_hash == net.tile(6).content_hash


def test_stack_keeps_what_differs():
    first = small_network()
    rule = dataclasses.replace(RULE, enabled=[(1.0, 2.0)])
    second = first.with_weights({"learnt": [3.0, 3.0, 3.0], "fixed": 0.25}).replace(
        dataclasses.replace(first.projection("learnt"), plasticity=rule),
        dataclasses.replace(first.population("out"), cell=sm.LIF(cm=1.0), v_init=-70.0),
    )
    both = sm.Network.stack([first, second])
    assert both.synapses("fixed").weight.tolist() == [0.5] * 6 + [0.25] * 6
    assert both.population("out").lif.cm.tolist() == [0.27] * 3 + [1.0] * 3
    assert both.population("out").initial_v().tolist() == [-65.0] * 3 + [-70.0] * 3
    times = np.arange(10.0)
    gate = both.projection("learnt").plasticity.gate(times, 2)
    assert np.array_equal(gate[:, 0], RULE.gate(times)[:, 0])
    assert np.array_equal(gate[:, 1], rule.gate(times)[:, 0])


def test_stack_always_and_never():
    nets = [
        small_network(learnt=dataclasses.replace(
            small_network().projection("learnt"),
            plasticity=dataclasses.replace(RULE, enabled=enabled),
        ))
        for enabled in (None, (), [(1.0, 3.0)])
    ]  # fmt: skip
    gate = sm.Network.stack(nets).projection("learnt").plasticity.gate(np.arange(4.0), 3)
    assert gate.T.tolist() == [[True] * 4, [False] * 4, [False, True, True, False]]


def test_stack_names_the_first_difference():
    net = small_network()
    others = {
        "dt": net.replace(dt=0.5),
        "population 'out'": net.replace(dataclasses.replace(net.population("out"), record=["v"])),
        "projection 'fixed'": net.replace(
            dataclasses.replace(net.projection("fixed"), allow_self=True)
        ),
        "its projections": sm.Network(populations=net.populations),
    }
    for text, other in others.items():
        with pytest.raises(DescriptionError, match=f"network 1 differs from network 0 in {text}"):
            sm.Network.stack([net, other])
    for value in nonsense():
        with pytest.raises(DescriptionError):
            sm.Network.stack(value)


def variations():
    """The small network with each of its fields changed, one at a time."""
    net = small_network()
    source, out = net.populations
    learnt, fixed = net.projections
    yield net.replace(dt=0.5)
    yield sm.Network(populations=[out, source], projections=net.projections)
    yield sm.Network(populations=net.populations, projections=[learnt])
    for name, unit in sm.LIF.units.items():
        value = getattr(out.lif, name)
        cell = dataclasses.replace(out.lif, **{name: np.asarray(value) + 0.5})
        yield net.replace(dataclasses.replace(out, cell=cell))
        assert unit
    yield net.replace(dataclasses.replace(out, v_init=-65.0))
    yield net.replace(dataclasses.replace(out, record=["v"]))
    for change in ({"ids": [1, 1, 0]}, {"times": [1, 2, 8]}, {"duration": 11.0}):
        fields = {"ids": [0, 1, 0], "times": [1, 2, 7], "size": 2, "duration": 10.0, **change}
        yield net.with_inputs({"in": sm.SpikeTrains(**fields)})
    for change in ({"i": [0, 1, 0]}, {"j": [2, 0, 2]}, {"weight": 1.0}, {"delay": 2.0},
                   {"receptor": "inhibitory"}, {"plasticity": None, "record": ()},
                   {"record": ()}):  # fmt: skip
        yield net.replace(dataclasses.replace(learnt, **change))
    for item in dataclasses.fields(sm.STDP):
        change = {item.name: None if item.name == "enabled" else getattr(RULE, item.name) + 0.125}
        rule = dataclasses.replace(RULE, **change)
        yield net.replace(dataclasses.replace(learnt, plasticity=rule))
    yield net.replace(dataclasses.replace(fixed, allow_self=True))


def test_the_hash_is_sensitive_to_every_field():
    hashes = [small_network().content_hash, *(net.content_hash for net in variations())]
    assert len(set(hashes)) == len(hashes) > 30


def test_the_hash_is_that_of_another_process():
    code = "from samples import small_network; print(small_network().content_hash)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"},
    )  # fmt: skip
    assert result.stdout.strip() == small_network().content_hash


@settings(max_examples=30)
@given(any_network())
def test_any_network_copies_tiles_and_prints(net):
    assert pickle.loads(pickle.dumps(net)).content_hash == net.content_hash
    assert net.tile(2).n_synapses == 2 * net.n_synapses
    assert str(net.n_synapses) in net.summary()


def test_a_run_without_a_duration_covers_the_last_spike():
    def needed(duration, dt=1.0):
        trains = sm.SpikeTrains(ids=[0], times=[3.0], size=1, duration=duration)
        source = sm.Population(name="s", cell=sm.SpikeSource(spikes=trains))
        return steps_needed(sm.Network(populations=[source, CELLS], dt=dt))

    assert [needed(None), needed(4.0), needed(7.5), needed(7.0)] == [4, 4, 8, 7]
    assert needed(3.5, dt=0.1) == 35
    assert steps_needed(sm.Network(populations=[CELLS])) == 0


@pytest.mark.parametrize("field", ["network", "backend", "integrator"])
def test_a_simulation_refuses_nonsense_before_it_starts(field):
    for value in nonsense():
        fields = {"network": small_network(), field: value}
        assert refusal(sm.simulate, **fields).startswith("simulate: ")


def test_copies_are_counted_by_what_lays_them_side_by_side():
    net = small_network()
    assert net.copies == 1
    assert net.tile(3).copies == 3
    assert net.tile(2).tile(3).copies == 6
    assert sm.Network.stack([net.tile(2), net.tile(2)]).copies == 4
    assert net.tile(3).replace(net.tile(3).populations[0]).copies == 3
    with pytest.raises(DescriptionError, match=r"copies \(2 and 1\)"):
        sm.Network.stack([net.tile(2), sm.Network(
            populations=net.tile(2).populations, projections=net.tile(2).projections, dt=net.dt,
        )])  # fmt: skip


def test_copies_must_divide_populations_and_tiles():
    net = small_network().tile(2)
    with pytest.raises(DescriptionError) as caught:
        net.replace(copies=7)
    for part in (*net.populations, *net.projections):
        assert f"{part.name!r}: copies=7 must divide its" in str(caught.value)


def test_copies_are_part_of_the_hash_and_of_files(tmp_path):
    net = small_network().tile(2)
    single = net.replace(copies=1)
    assert net.content_hash != single.content_hash
    loaded = sm.load_network(net.save(tmp_path / "net.h5"))
    assert (loaded.copies, loaded.content_hash) == (2, net.content_hash)
    assert sm.load_network(single.save(tmp_path / "net.h5")).copies == 1
