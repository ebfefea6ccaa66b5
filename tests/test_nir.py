"""NIR: what it carries comes back equal, the numbers mean what NIR says, the rest is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import reference

import spikemem.foreign
from spikemem import container
from spikemem.errors import (
    BackendMissing,
    DescriptionError,
    SpikememError,
    StorageError,
    UnsupportedError,
)
from spikemem.hardware import nir as nir_files
from spikemem.hardware.nir import from_nir, paths, to_nir
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

nir = pytest.importorskip("nir")
ROOT = Path(__file__).resolve().parents[1]


def source(times, name="in"):
    trains = SpikeTrains.from_lists(times, duration=30.0)
    return Population(name=name, cell=SpikeSource(spikes=trains))


def cells(name="out", size=2, **options):
    values = {"tau_m": 7.0, "cm": 0.3, "tau_refrac": 0.0, "tau_syn_E": 3.0, "tau_syn_I": 3.0}
    cell = LIF(**{**values, **options.pop("cell", {})})
    return Population(name=name, size=size, cell=cell, record=("spikes", "v"), **options)


@st.composite
def networks(draw):
    """Static networks of every connector, with values that are not round."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dt, n = draw(st.sampled_from([1.0, 0.1])), draw(st.integers(1, 5))
    scalar = draw(st.booleans())

    def value(low, high):
        return rng.uniform(low, high, None if scalar else n)

    tau_syn = value(0.5, 5.0)
    ticks, ids = np.nonzero(rng.random((40, n)) < 0.3)
    trains = SpikeTrains(ids=ids, times=ticks * dt, size=n, duration=40 * dt)
    cell = LIF(
        tau_m=value(3.0, 20.0), cm=value(0.1, 0.5), v_rest=value(-66.0, -60.0),
        v_reset=value(-66.0, -60.0), v_thresh=value(-57.0, -50.0), tau_refrac=value(0.0, 4.0),
        tau_syn_E=tau_syn, tau_syn_I=tau_syn, i_offset=value(0.0, 0.3),
    )  # fmt: skip
    populations = [
        Population(name="z", cell=SpikeSource(spikes=trains)),
        Population(
            name="a", size=n, cell=cell, record=("spikes", "v"),
            v_init=draw(st.sampled_from([None, -58.123])),
        ),
    ]  # fmt: skip
    projections = []
    for k in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["list", "one_to_one", "all_to_all"]))
        options = {"name": f"p{9 - k}", "pre": draw(st.sampled_from(["z", "a"])), "post": "a"}
        count = n * n if kind == "all_to_all" else n
        if kind == "list":
            pairs = rng.permutation(n * n)[:n]
            options |= {"i": pairs // n, "j": pairs % n}
        elif kind == "all_to_all" and n > 1:
            options["allow_self"] = draw(st.booleans())
            count -= 0 if options["allow_self"] else n
        many = None if draw(st.booleans()) else count
        projections.append(
            Projection(
                **options, connector=kind, weight=rng.uniform(0.0, 2.0, many),
                delay=rng.integers(1, 4, many) * dt,
                receptor=draw(st.sampled_from(["excitatory", "inhibitory"])),
            )
        )  # fmt: skip
    return Network(populations=populations, projections=projections, dt=dt)


@given(network=networks())
@settings(max_examples=40)
def test_a_file_holds_the_network(tmp_path_factory, network):
    path = nir_files.write(tmp_path_factory.mktemp("nir") / "net.nir", network)
    assert nir_files.read(path).content_hash == network.content_hash


@given(network=networks())
@settings(max_examples=20)
def test_without_metadata_the_same_dynamics(network):
    """What is left in NIR's own numbers is the network, up to rounding."""
    plain = network.replace(
        Population(
            name="a", size=network.population("a").size, record=("spikes", "v"),
            cell=LIF(**{
                name: 0.0 if name == "tau_refrac" else getattr(network.population("a").lif, name)
                for name in LIF.units
            }),
        )
    )  # fmt: skip
    graph = to_nir(plain, metadata=False)
    inputs = {"z": plain.population("z").source}
    back = from_nir(graph, plain.dt, inputs=inputs)
    # The potential begins at v_leak, which holds the constant current too.
    back = back.replace(
        Population(
            name="a", size=plain.population("a").size, cell=back.population("a").lif,
            v_init=plain.population("a").initial_v(), record=("spikes", "v"),
        )
    )  # fmt: skip
    for integrator in ("spinnaker", "exact"):
        wanted = reference(plain, 30 * plain.dt, integrator)
        got = reference(back, 30 * plain.dt, integrator)
        assert got["a"] == wanted["a"]
        np.testing.assert_allclose(got.traces["a", "v"], wanted.traces["a", "v"], atol=1e-9)


def test_the_numbers_are_those_of_nir():
    """One spike, by the differential equations of the nodes alone."""
    network = Network(
        populations=[source([[2.0]]), cells(size=1, v_init=-58.0, cell={"v_rest": -61.0})],
        projections=[
            Projection(name="w", pre="in", post="out", i=[0], j=[0], weight=0.4, delay=3.0)
        ],
    )
    nodes = to_nir(network).nodes
    out, linear, delay = nodes["out"], nodes["w"], nodes["w delay"]
    tau_m, tau_s = float(out.tau_mem[0]), float(out.tau_syn[0])
    assert (tau_m, tau_s) == (0.007, 0.003)
    assert delay.delay.tolist() == [0.003]
    kick = linear.weight[0, 0] * out.w_in[0] * (network.dt / 1000) / tau_s
    start = network.population("out").initial_v()[0]
    t = np.arange(30) / 1000
    since = np.maximum(t - 0.002 - delay.delay[0], 0.0)
    shape = tau_s / (tau_m - tau_s) * (np.exp(-since / tau_m) - np.exp(-since / tau_s))
    expected = out.v_leak + (start - out.v_leak) * np.exp(-t / tau_m) + out.r * kick * shape
    got = reference(network, 30.0, "exact").traces["out", "v"][:, 0]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_weights_that_were_edited_are_read():
    network = Network(
        populations=[source([[1.0], [2.0]]), cells()],
        projections=[Projection.one_to_one("w", "in", "out", weight=0.5, delay=1.0)],
    )
    graph = to_nir(network)
    graph.nodes["w"].weight[1, 1] = 0.75
    changed = from_nir(graph).projection("w")
    assert changed.connector == "one_to_one"
    assert changed.weight.tolist() == [0.5, 0.75]
    graph.nodes["w"].weight[0, 1] = -0.25
    graph.nodes["out"].v_threshold[:] = -52.0
    back = from_nir(graph)
    assert [item.receptor for item in back.projections] == ["excitatory", "inhibitory"]
    inhibitory = back.projection("w inhibitory")
    assert (inhibitory.i.tolist(), inhibitory.j.tolist()) == ([1], [0])
    assert np.all(back.population("out").lif.v_thresh == -52.0)


def test_names_that_meet_and_synapses_that_meet():
    network = Network(
        populations=[source([[1.0]], "w"), cells("w delay", size=1)],
        projections=[
            Projection(
                name="w", pre="w", post="w delay", i=[0, 0, 0], j=[0, 0, 0],
                weight=[0.25, 0.5, 1.0], delay=[1.0, 1.0, 2.0],
            )
        ],
    )  # fmt: skip
    back = from_nir(to_nir(network)).projection("w")
    assert back.weight.tolist() == [0.75, 1.0]
    assert back.delay.tolist() == [1.0, 2.0]


def test_every_reason_at_once():
    rule = STDP(a_plus=0.1, a_minus=0.1, w_max=1.0)
    network = Network(
        populations=[
            source([[1.0]]),
            cells(size=1, v_init=-60.0, cell={"tau_syn_I": 2.0, "tau_refrac": 1.0}),
        ],
        projections=[
            Projection.one_to_one("a", "in", "out", weight=0.5, delay=1.0, plasticity=rule),
            Projection.one_to_one("b", "in", "out", weight=0.5, delay=1.0, receptor="inhibitory"),
        ],
    )
    with pytest.raises(UnsupportedError) as error:
        to_nir(network, metadata=False)
    for part in ("plasticity", "one tau_syn", "refractory", "initial potential"):
        assert part in str(error.value)
    with pytest.raises(UnsupportedError) as error:
        to_nir(network)
    assert "refractory" not in str(error.value)
    assert "plasticity" in str(error.value)


def graph_of(nodes, edges, **options):
    ends = {
        "in": nir.Input({"input": np.array([2])}),
        "end": nir.Output({"output": np.array([2])}),
    }
    return nir.NIRGraph(nodes={**ends, **nodes}, edges=edges, type_check=False, **options)


def cuba(**options):
    values = {
        "tau_mem": 0.01, "tau_syn": 0.005, "r": 2.0, "v_leak": 0.0, "v_threshold": 1.0, "w_in": 5.0,
    }  # fmt: skip
    return nir.CubaLIF(**{key: np.full(2, x) for key, x in {**values, **options}.items()})


def test_a_graph_from_elsewhere():
    weight = np.array([[0.5, -0.25], [0.0, 1.0]])
    graph = graph_of(
        {
            "a": cuba(),
            "b": cuba(w_in=2.5),
            "fc": nir.Affine(weight, np.zeros(2)),
            "d": nir.Delay(np.array([0.002, 0.003])),
            "s": nir.Scale(np.array([0.5, 2.0])),
            "rec": nir.Linear(np.eye(2)),
        },
        [("in", "fc"), ("fc", "d"), ("d", "a"), ("a", "s"), ("s", "b"), ("a", "rec"),
         ("rec", "a"), ("b", "a"), ("b", "end")],
    )  # fmt: skip
    network = from_nir(graph, 1.0, inputs={"in": SpikeTrains.from_lists([[1.0], []])})
    assert [pop.name for pop in network.populations] == ["a", "b", "in"]
    assert network.population("b").record == ("spikes",)
    assert network.population("a").record == ()
    lif = network.population("a").lif
    assert (lif.tau_m[0], lif.cm[0], lif.v_rest[0], lif.v_thresh[0]) == (10.0, 5.0, 0.0, 1.0)
    assert len(network.population("in").source) == 1
    up, down = network.projection("fc"), network.projection("fc inhibitory")
    assert (up.i.tolist(), up.j.tolist(), up.weight.tolist()) == ([0, 1], [0, 1], [0.5, 1.0])
    assert up.delay.tolist() == [2.0, 3.0]
    assert (down.i.tolist(), down.j.tolist(), down.weight.tolist()) == ([1], [0], [0.25])
    # b reads a spike of weight 1 as half: its w_in is half of tau_syn / dt
    assert network.projection("s").weight.tolist() == [0.25, 1.0]
    assert network.projection("b to a").delay.tolist() == [1.0, 1.0]


def test_a_lif_has_a_current_of_one_step():
    leak = {"tau": 0.01, "r": 2.0, "v_leak": 0.0, "v_threshold": 100.0}
    node = nir.LIF(**{key: np.full(2, x) for key, x in leak.items()})
    graph = graph_of(
        {"a": node, "w": nir.Linear(np.diag([3.0, 4.0]))}, [("in", "w"), ("w", "a"), ("a", "end")]
    )
    trains = SpikeTrains.from_lists([[1.0], [2.0]], duration=10.0)
    network = from_nir(graph, 1.0, inputs={"in": trains})
    network = network.replace(
        Population(name="a", size=2, cell=network.population("a").lif, record=("v",))
    )
    v = reference(network, 8.0).traces["a", "v"]
    jump = 2.0 * np.array([3.0, 4.0]) * (1 - np.exp(-0.1))
    np.testing.assert_allclose(v[[3, 4], [0, 1]], jump, rtol=1e-12)
    np.testing.assert_allclose(v[7], jump * np.exp([-0.4, -0.3]), rtol=1e-12)


def test_what_a_network_has_not_is_listed():
    graph = graph_of(
        {
            "a": cuba(),
            "li": nir.LI(np.ones(2), np.ones(2), np.ones(2)),
            "biased": nir.Affine(np.eye(2), np.ones(2)),
            "one": nir.Linear(np.eye(2)),
            "two": nir.Linear(np.eye(2)),
            "late": nir.Delay(np.full(2, 0.0015)),
            "thin": nir.Linear(np.eye(2)),
        },
        [("in", "biased"), ("biased", "a"), ("in", "one"), ("one", "two"), ("two", "a"),
         ("in", "late"), ("late", "thin"), ("thin", "a")],
    )  # fmt: skip
    with pytest.raises(UnsupportedError, match="node 'li': LI has no counterpart"):
        from_nir(graph, 1.0)
    del graph.nodes["li"]
    with pytest.raises(UnsupportedError) as error:
        from_nir(graph, 1.0)
    assert "1.5 ms is not a multiple of dt=1 ms" in str(error.value)
    graph.nodes["late"].delay[:] = 0.002
    network = from_nir(graph, 1.0)
    # The bias passes r = 2 MOhm; its synaptic current is w_in = 5 times as high.
    assert network.population("a").lif.i_offset.tolist() == [5.0, 5.0]
    assert network.projection("two").weight.tolist() == [1.0, 1.0]


def test_sizes_and_edges_that_do_not_fit():
    graph = graph_of(
        {"a": cuba(), "w": nir.Linear(np.ones((2, 3))), "d": nir.Delay(np.zeros(5))},
        [("in", "w"), ("w", "a"), ("in", "d"), ("d", "a")],
    )
    with pytest.raises(UnsupportedError) as error:
        from_nir(graph, 1.0)
    assert "weight has shape (2, 3): it takes 3 signals, but 2 arrive" in str(error.value)
    del graph.nodes["w"]
    graph.edges[:2] = []
    with pytest.raises(UnsupportedError) as error:
        from_nir(graph, 1.0)
    assert "it has 5 delays for 2 signals from 'in'" in str(error.value)
    graph.edges.append(("in", "b"))
    with pytest.raises(UnsupportedError, match="does not have: b"):
        from_nir(graph, 1.0)


def test_faults(tmp_path, monkeypatch):
    network = Network(populations=[source([[1.0]]), cells(size=1)])
    with pytest.raises(StorageError, match="no such file"):
        nir_files.read(tmp_path / "none.nir")
    bad = tmp_path / "bad.nir"
    bad.write_text("not HDF5")
    with pytest.raises(StorageError, match="cannot be read as a NIR file"):
        nir_files.read(bad)
    with pytest.raises(StorageError, match="cannot write"):
        nir_files.write(tmp_path / "nowhere" / "net.nir", network)
    graph = graph_of({"a": cuba()}, [("in", "a"), ("a", "end")])
    with pytest.raises(DescriptionError, match="dt is needed"):
        from_nir(graph)
    with pytest.raises(DescriptionError, match="inputs must name Input nodes"):
        from_nir(graph, 1.0, inputs={"an": SpikeTrains.empty(2)})
    with pytest.raises(DescriptionError, match="NIRGraph, got str"):
        from_nir("net.nir", 1.0)
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(BackendMissing, match=r'pip install "\.\[nir\]"'):
        to_nir(network)


# -- files ----------------------------------------------------------------------------------------


def network_of_two():
    return Network(
        populations=[source([[1.0], [2.0]]), cells(cell={"tau_refrac": 2.0})],
        projections=[Projection.one_to_one("w", "in", "out", weight=0.5, delay=1.0)],
    )


def foreign(path, graph):
    """A file without a checksum, as the package nir writes it."""
    nir.write(path, graph)
    return path


def test_a_file_of_ours_is_read_by_the_package_nir(tmp_path):
    path = nir_files.write(tmp_path / "a.nir", network_of_two())
    assert path.read_bytes().startswith(b"spikemem-nir 1 sha256 ")
    graph = nir.read(path)
    assert from_nir(graph).content_hash == network_of_two().content_hash
    np.testing.assert_array_equal(graph.nodes["w"].weight, 0.5 * np.eye(2))


def test_a_file_of_the_package_nir_is_read(tmp_path):
    path = foreign(tmp_path / "a.nir", to_nir(network_of_two()))
    assert nir_files.read(path).content_hash == network_of_two().content_hash


def test_every_changed_byte_of_a_file_of_ours_is_noticed(tmp_path):
    path = nir_files.write(tmp_path / "a.nir", network_of_two())
    whole = path.read_bytes()
    for place in [*range(0, 512, 31), *range(512, len(whole), len(whole) // 100)]:
        broken = bytearray(whole)
        broken[place] ^= 0x10
        path.write_bytes(broken)
        with pytest.raises(StorageError, match="cannot be read as a NIR file"):
            nir_files.read(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(StorageError, match="does not match its checksum"):
        nir_files.read(path)


def test_two_writers_do_not_meet(tmp_path):
    path, others = tmp_path / "a.nir", [network_of_two(), network_of_two().tile(3)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: nir_files.write(path, others[k % 2]), range(12)))
    assert nir_files.read(path).content_hash in {one.content_hash for one in others}
    assert [file.name for file in tmp_path.iterdir()] == ["a.nir"]


def test_what_crashes_or_stops_the_reader_is_an_error(tmp_path, monkeypatch):
    path = foreign(tmp_path / "a.nir", to_nir(network_of_two()))
    for code, words in {
        "import os; os.abort()": r"HDF5 cannot read it \(status -6\)",
        "import sys; sys.exit(1)": r"HDF5 cannot read it \(status 1\)",
        "from spikemem.foreign import _limit; _limit(1)\nwhile True: pass": r"status -",
    }.items():
        monkeypatch.setattr(spikemem.foreign, "_CODE", code)
        with pytest.raises(StorageError, match=words):
            nir_files.read(path)
    monkeypatch.setattr(spikemem.foreign, "_CODE", "import time; time.sleep(60)")
    monkeypatch.setattr(spikemem.foreign, "_WAIT", 0.02)
    with pytest.raises(StorageError, match="too long"):
        nir_files.read(path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(StorageError, match="no second Python process"):
        nir_files.read(path)


def test_reading_needs_no_main_guard_and_no_folder(tmp_path):
    """The second process finds spikemem where the first one did, from anywhere."""
    path = foreign(tmp_path / "a.nir", to_nir(network_of_two()))
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from spikemem.hardware import nir\n"
        f"print(nir.read({str(path)!r}).content_hash)\n"
    )
    (tmp_path / "h5py.py").write_text("raise SystemExit('the wrong h5py')\n")
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [sys.executable, "-P", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == network_of_two().content_hash, done.stderr


@pytest.mark.parametrize("words", ["a link to another file", "a virtual dataset"])
@pytest.mark.parametrize("ours", [True, False])
def test_links_to_other_files_are_refused(tmp_path, words, ours):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["a"] = np.full((2, 2), 0.25)
    path = tmp_path / "a.nir"
    nir_files.write(path, network_of_two()) if ours else foreign(path, to_nir(network_of_two()))
    with h5py.File(path, "r+") as file:
        nodes = file["node/nodes/w"]
        del nodes["weight"]
        if "virtual" in words:
            layout = h5py.VirtualLayout((2, 2), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "a", (2, 2))
            nodes.create_virtual_dataset("weight", layout)
        else:
            nodes["weight"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/a")
    if ours:
        body = path.read_bytes()[container.BLOCK :]
        path.write_bytes(container.seal(body, "spikemem-nir", 1) + body)
    with pytest.raises(StorageError, match=words):
        nir_files.read(path)


def test_a_newer_file_of_ours_says_so(tmp_path):
    path = nir_files.write(tmp_path / "a.nir", network_of_two())
    body = path.read_bytes()[container.BLOCK :]
    path.write_bytes(container.seal(body, "spikemem-nir", 2) + body)
    with pytest.raises(StorageError, match="newer version of spikemem"):
        nir_files.read(path)


def test_a_file_without_a_graph(tmp_path):
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file["other"] = 1
    with pytest.raises(StorageError, match="has no group 'node'"):
        nir_files.read(tmp_path / "a.nir")
    foreign(tmp_path / "a.nir", nir.Linear(np.eye(2)))
    with pytest.raises(StorageError, match="holds 'Linear', not a graph"):
        nir_files.read(tmp_path / "a.nir")
    foreign(tmp_path / "a.nir", to_nir(network_of_two()))
    with h5py.File(tmp_path / "a.nir", "r+") as file:
        del file["node/nodes/w/weight"]
    with pytest.raises(StorageError, match="cannot be read as a NIR file: "):
        nir_files.read(tmp_path / "a.nir")


# -- graphs with values that can't be -------------------------------------------------------------


def test_a_lif_with_notes_of_ours():
    """A LIF of NIR has no refractory time: that is in our note, and all else is in the node."""
    values = {"tau": 0.01, "r": 2.0, "v_leak": -60.0, "v_threshold": -50.0, "v_reset": -58.0}
    noted = {"tau_m": 7.0, "tau_refrac": 3.0, "v_rest": -1.0}
    arrays = {name: np.full(2, value) for name, value in values.items()}
    node = nir.LIF(**arrays, metadata={"spikemem": {"cell": noted}})
    network = from_nir(graph_of({"a": node}, [("in", "a"), ("a", "end")]), 1.0)
    cell = network.population("a").lif
    assert cell.tau_refrac == 3.0
    assert cell.tau_m.tolist() == [10.0, 10.0]
    assert cell.cm.tolist() == [5.0, 5.0]
    assert cell.v_rest.tolist() == [-60.0, -60.0]
    assert cell.v_reset.tolist() == [-58.0, -58.0]


def spoil(graph, node, item, value):
    graph.nodes[node].metadata["spikemem"][item] = value


SPOILT = {
    "weight must be finite": lambda g: g.nodes["w"].weight.__setitem__((0, 0), np.nan),
    "weight must be an array of numbers": lambda g: setattr(g.nodes["w"], "weight", np.eye(2) * 1j),
    "tau_mem must be > 0": lambda g: g.nodes["out"].tau_mem.__setitem__(0, 0.0),
    "delay must be >= 0 s, got -1": lambda g: g.nodes["w delay"].delay.__setitem__(0, -1.0),
    "'place' must be a number": lambda g: spoil(g, "out", "place", "first"),
    "'record' must be text": lambda g: spoil(g, "out", "record", 5),
    "'times' must be an array": lambda g: spoil(g, "in", "times", "x"),
    "'cell' must have parameters": lambda g: spoil(g, "out", "cell", {"x": 1}),
    "'tau_m' must be a number or": lambda g: spoil(g, "out", "cell", {"tau_m": np.ones(3)}),
    "must have rows": lambda g: g.nodes["w"].metadata["spikemem"].pop("rows"),
    "rows, i and j must be whole": lambda g: spoil(g, "w", "i", np.array([0.0, 1.0])),
    "rows must differ": lambda g: spoil(g, "w", "rows", np.array([1, 1])),
    "i and j must be cells": lambda g: spoil(g, "w", "j", np.array([0, 7])),
    "'connector' must be text": lambda g: spoil(g, "w", "connector", 1),
    "it has 3 delays for 2 signals": lambda g: (
        g.nodes.update(more=nir.Delay(np.zeros(3))),
        g.edges.extend([("w delay", "more"), ("more", "out")]),
    ),
    "returns to it": lambda g: g.edges.append(("w delay", "w delay")),
    "scale has shape (3,), but shape (2,) arrives": lambda g: (
        g.nodes.update(s=nir.Scale(np.ones(3))),
        g.edges.extend([("in", "s"), ("s", "out")]),
    ),
    "shape must be (n_cells,)": lambda g: g.nodes.update(i=nir.Input({"input": np.array([0])})),
}


@pytest.mark.parametrize("words", SPOILT)
def test_graphs_with_values_that_can_not_be(words):
    graph = to_nir(network_of_two())
    SPOILT[words](graph)
    with pytest.raises(UnsupportedError, match=re.escape(words)):
        from_nir(graph)


@pytest.mark.parametrize(
    ("item", "words"), [("w_in", "w_in / tau_syn is too large"), ("tau_mem", "must be finite")]
)
def test_values_that_overflow_are_refused(item, words):
    graph = to_nir(network_of_two())
    getattr(graph.nodes["out"], item)[:] = 1e308
    with pytest.raises(SpikememError, match=words):
        from_nir(graph, 10.0)


@pytest.mark.parametrize("value", [5, [], ["a", "b"], "LIF"])
def test_a_file_whose_type_is_not_a_graph(tmp_path, value):
    path = foreign(tmp_path / "a.nir", to_nir(network_of_two()))
    with h5py.File(path, "r+") as file:
        del file["node/type"]
        file["node/type"] = value
    with pytest.raises(StorageError, match="not a graph"):
        nir_files.read(path)


def test_notes_of_another_connector_are_not_believed():
    graph = to_nir(network_of_two())
    spoil(graph, "w", "connector", "all_to_all")
    back = from_nir(graph).projection("w")
    assert (back.connector, back.i.tolist(), back.j.tolist()) == ("list", [0, 1], [0, 1])


def test_too_many_paths_between_neurons_are_refused(monkeypatch):
    monkeypatch.setattr(paths, "_MOST_PATHS", 1000)
    nodes, edges, last = {"a": cuba()}, [], ["in"]
    for k in range(40):
        pair = [f"d{k}", f"e{k}"]
        nodes |= {name: nir.Delay(np.zeros(2)) for name in pair}
        edges += [(start, name) for start in last for name in pair]
        last = pair
    graph = graph_of(nodes, [*edges, *((name, "a") for name in last)])
    with pytest.raises(UnsupportedError, match="more than 1000 paths"):
        from_nir(graph, 1.0)


def test_a_direct_connection_of_many_cells_takes_no_matrix():
    names = ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "w_in")
    node = nir.CubaLIF(**dict.fromkeys(names, np.ones(20_000)))
    graph = nir.NIRGraph({"a": node, "b": node}, [("a", "b")], type_check=False)
    made = from_nir(graph, 1.0).projection("a to b")
    assert made.n_synapses(20_000, 20_000) == 20_000
    np.testing.assert_array_equal(made.i, made.j)


def test_copies_side_by_side_stay_copies(tmp_path):
    net = network_of_two().tile(3)
    assert from_nir(to_nir(net)).content_hash == net.content_hash
    read = nir_files.read(nir_files.write(tmp_path / "copies.nir", net))
    assert (read.copies, read.content_hash) == (3, net.content_hash)
