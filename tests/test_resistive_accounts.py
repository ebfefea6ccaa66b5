"""Accounts, pictures and the command line of devices."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spikemem as sm
from spikemem.cli import main
from spikemem.hardware.resistive import (
    PCM,
    CMOHfOx,
    Crossbar,
    Faults,
    MiloRRAM,
    Periphery,
    RandomRRAM,
    SingleDevice,
    account,
    count,
    figures,
    program,
    write,
)
from spikemem.hardware.resistive.accounts import adc_energy, costs, table
from spikemem.storage import save


def chain() -> sm.Network:
    """Three sources on two cells: spikes at 1 and 3 ms."""
    spikes = sm.SpikeTrains(ids=[0, 2, 1], times=[1.0, 1.0, 3.0], size=3, duration=10.0)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=spikes)),
            sm.Population(name="out", size=2, cell=sm.LIF()),
        ],
        projections=[
            sm.Projection.all_to_all("all", "in", "out", weight=1e-3, delay=1.0),
            sm.Projection(name="list", pre="in", post="out", i=[0, 0, 1], j=[0, 1, 1],
                          weight=[1e-3, 2e-3, 0.0], delay=1.0),
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def run():
    network = chain()
    return network, sm.simulate(network)


def test_counters_by_hand(run):
    counters = count(*run)
    assert counters.synaptic_events == 3 * 2 + 3
    assert counters.dense_operations == 2 * (3 * 2) * 10
    assert counters.stored_operations == (6 + 3) * 10
    assert counters.neuron_updates == 20
    assert counters.spikes == 3
    assert counters.conversions == 2 * (2 * 2)
    assert counters.duration == pytest.approx(0.01)
    assert count(*run, ["list"]).synaptic_events == 3


def test_counters_of_tiles_are_sums(run):
    network, recording = run
    tiled = network.tile(3)
    counters = count(tiled, sm.simulate(tiled))
    for item in ("synaptic_events", "dense_operations", "conversions", "neuron_updates"):
        assert getattr(counters, item) == 3 * getattr(count(network, recording), item)


def test_accounts_of_platforms(run):
    loihi = account(*run, "Loihi")
    assert loihi.energy["synapses"] == pytest.approx(9 * 23.6e-12)
    assert loihi.total == pytest.approx(9 * 23.6e-12 + 20 * 81e-12 + 3 * 3.5e-12)
    assert account(*run, "SpiNNaker").latency == pytest.approx(0.01)
    gpu = account(*run, "GPU")
    assert gpu.total == gpu.dense_energy == pytest.approx(120 * 0.3e-9)
    assert gpu.sparse_energy == pytest.approx(9 * 0.3e-9)
    text = table([loihi, gpu])
    assert "Loihi" in text
    assert "2018" in str(loihi)


def test_account_of_a_crossbar_is_the_sum_over_its_cells(run):
    network, recording = run
    arrays = write(PCM(), network, mapping=SingleDevice())
    around = Periphery(read_voltage=0.2, read_time=1e-8, feature=40.0)
    result = account(network, recording, "crossbar", written=arrays, periphery=around)
    g = {name: array.conductances()[0] for name, array in arrays.arrays.items()}
    touched = g["all"].sum() + g["list"].sum()
    assert result.energy["cells"] == pytest.approx(touched * 1e-6 * 0.2**2 * 1e-8)
    assert result.energy["converters"] == pytest.approx(8 * adc_energy(5))
    assert result.area == pytest.approx(9 * 48 * (40e-6) ** 2)


def test_units_have_a_source_and_a_year():
    for name, unit in costs()["platforms"].items():
        assert unit["source"], name
        assert 2010 <= unit["year"] <= 2030
        assert unit["synaptic_event"] > 0
    assert adc_energy(5, 45, 1000.0) == pytest.approx(0.74e-12, rel=0.01)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda run: account(*run, "Loihi3"), "Did you mean 'Loihi'"),
        (lambda run: account(*run, "crossbar"), "needs written="),
        (lambda run: count(run[1], run[0]), "network must be a Network"),
        (lambda run: Periphery(read_voltage=0.0), "read_voltage must be > 0"),
        (lambda run: Periphery(node=10), "45, 22 or 7"),
        (lambda run: figures.conductances("PCM"), "must be a Device"),
        (lambda run: figures.ageing(RandomRRAM()), "can be written"),
        (lambda run: figures.ageing(MiloRRAM()), "its ageing was not measured"),
        (lambda run: figures.error_against_time([], [[1.0]]), "at least 1"),
        (lambda run: figures.crossbar_map(program(PCM(), [1.0])), "needs a matrix"),
        (lambda run: figures.crossbar_map("bar"), "must be a Crossbar"),
    ],
)
def test_bad_input(run, make, words):
    with pytest.raises(sm.DescriptionError, match=words):
        make(run)


def test_pictures():
    assert figures.conductances(PCM(), 3600.0, n=500).get_xlabel().startswith("conductance")
    axes = figures.ageing(CMOHfOx(), n=100)
    assert axes.get_title(loc="left") == "CMOHfOx"
    weights = np.random.default_rng(0).normal(size=(20, 10))
    bars = [Crossbar(PCM(), weights), Crossbar(PCM(), weights, compensation="global")]
    drawn = figures.error_against_time(bars, np.eye(20), labels=["plain", "compensated"])
    plain, compensated = (line.get_ydata() for line in drawn.get_lines())
    assert plain[-1] > compensated[-1]
    assert bars[0].time == 0.0
    broken = program(PCM(), weights, faults=Faults(missing=0.1))
    drawn = figures.crossbar_map(broken)
    assert drawn.get_legend() is not None
    assert all(tick == round(tick) for tick in drawn.get_yticks())
    assert figures.crossbar_map(bars[0], 60.0, device=1).get_ylabel() == "input"


def test_names_with_dollar_signs_are_drawn_as_they_are():
    costly = type("$costly$", (PCM,), {})
    bar = Crossbar(costly(), np.ones((2, 2)))
    drawn = (
        figures.conductances(costly(), 3600.0, n=50)._left_title,
        figures.ageing(costly(), n=5)._left_title,
        figures.error_against_time(bar, [[1.0, 2.0]]).get_legend().get_texts()[0],
    )
    for text in drawn:
        text.figure.canvas.draw()
        shown, formula = text._preprocess_math(text.get_text())
        assert shown.startswith("$costly$")
        assert not formula


def test_an_age_without_calibration_needs_the_option(tmp_path, capsys):
    source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    rule = sm.STDP(a_plus=0.5, a_minus=0.5, w_max=1.0)
    network = sm.Network(
        populations=[sm.Population(name="a", cell=source),
                     sm.Population(name="b", cell=sm.LIF(), size=1)],
        projections=[sm.Projection.one_to_one("p", "a", "b", weight=0.5, plasticity=rule,
                                              delay=1.0)],
    )  # fmt: skip
    words = ["device", "age", "PCM", str(network.save(tmp_path / "net.h5")), "--time", "1e9",
             "-o", str(tmp_path / "old.h5")]  # fmt: skip
    assert main(words) == 2
    assert "pass --extrapolate" in capsys.readouterr().err
    assert main([*words, "--extrapolate"]) == 0
    assert sm.load_network(tmp_path / "old.h5").weights("p").shape == (1,)


def test_command_line(tmp_path, capsys):
    assert main(["device", "list"]) == 0
    assert "PCM" in capsys.readouterr().out
    assert main(["device", "list", "--json"]) == 0
    assert {item["name"] for item in json.loads(capsys.readouterr().out)} >= {"PCM", "WanRRAM"}
    assert main(["device", "show", "pcm"]) == 0
    assert "Nandakumar" in capsys.readouterr().out
    assert main(["device", "show", "PCMs"]) == 2
    assert "Did you mean 'PCM'" in capsys.readouterr().err
    network, old, new = chain(), tmp_path / "old.h5", tmp_path / "new.h5"
    network.save(old)
    arguments = ["device", "age", "PCM", str(old), "-o", str(new), "--time", "3600", "--seed", "3"]
    assert main(arguments) == 0
    assert "gain" in capsys.readouterr().out
    expected = PCM().apply(network, time=3600.0, seed=3)
    assert sm.load_network(new).content_hash == expected.content_hash
    assert main(arguments) != 0
    assert (
        main(["device", "age", "PCM", str(old), "-o", str(new), "--overwrite", "--time", "-1"]) == 2
    )


def test_ageing_takes_the_weights_that_were_learnt(tmp_path, capsys):
    memory = sm.CA3Memory(4, 6)
    network = memory.build([sm.Learn(0, [1, 2]), sm.Learn(3, [5])])
    recording = sm.simulate(network)
    both, new = tmp_path / "both.h5", tmp_path / "new.h5"
    save(both, network=network, recording=recording)
    learnt = network.with_weights(recording.weights)
    age = ["device", "age", "PCM", str(both), "-o", str(new), "--time", "86400", "--overwrite"]
    for options, expected in (([], learnt), (["--weights", "learnt"], learnt),
                              (["--weights", "initial"], network)):  # fmt: skip
        assert main([*age, *options]) == 0
        said = capsys.readouterr().out
        assert f"{'initial' if options[1:] == ['initial'] else 'learnt'} weights of" in said
        wanted = PCM().apply(expected, time=86400.0)
        assert sm.load_network(new).content_hash == wanted.content_hash
    assert sm.load_network(new).synapses("W1").weight.max() < 1.0  # nothing was learnt before

    network.save(both)
    assert main([*age, "--weights", "learnt"]) == 2
    assert "holds no recording with weights" in capsys.readouterr().err
    assert main(age) == 0
    assert "initial weights of" in capsys.readouterr().out
    save(both, network=chain(), recording=recording)
    assert main(age) == 2
    assert "--weights initial" in capsys.readouterr().err


@pytest.mark.parametrize("compensation", ["none", "global", "column"])
def test_the_report_of_ageing_is_that_of_the_weights_that_are_written(
    tmp_path, capsys, compensation
):
    network, old, new = chain(), tmp_path / "old.h5", tmp_path / "new.h5"
    network.save(old)
    assert main(["device", "age", "PCM", str(old), "-o", str(new), "--time", "31536000",
                 "--compensation", compensation]) == 0  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(network.projections) + 2
    arrays = PCM().write(network)
    for projection in network.projections:
        name, wanted = projection.name, network.synapses(projection.name).weight
        got = arrays.weights(name, 31536000.0, 0, compensation)
        gain = wanted @ got / (wanted @ wanted)
        assert any(line.startswith(f"{name}: ") and f"gain {gain:.3f}" in line for line in lines)
        error = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
        quality = arrays.report(31536000.0, compensation=compensation)[name]
        assert quality.error == pytest.approx(error)
        assert (gain < 0.7) == (compensation == "none")
