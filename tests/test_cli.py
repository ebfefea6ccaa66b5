"""The command line: what it prints, what it writes, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import h5py
import pytest

import spikemem as sm
from spikemem import simulation
from spikemem.cli import commands, main
from spikemem.cli.app import Place

COMMANDS = ("demo", "simulate", "plot", "info", "report", "check", "map", "export", "board",
            "sdr", "liquid", "sparsey", "continual", "stress", "device")  # fmt: skip


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A cell that fires 1 ms after its source, which fires at 1, 5 and 9 ms, 12 ms in all."""
    source = sm.SpikeSource(
        spikes=sm.SpikeTrains(ids=[0, 0, 0], times=[1.0, 5.0, 9.0], size=1, duration=12.0)
    )
    rule = sm.STDP(a_plus=1.0, a_minus=1.0, w_max=100.0)
    cell = sm.LIF(
        tau_m=3.0,
        cm=0.27,
        tau_refrac=1.0,
        tau_syn_E=0.3,
        v_rest=-60.0,
        v_reset=-60.0,
        v_thresh=-57.0,
    )
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=source),
            sm.Population(name="out", size=1, cell=cell, record=("spikes", "v")),
        ],
        projections=[
            sm.Projection.one_to_one("drive", "in", "out", weight=6.0, delay=1.0),
            sm.Projection.one_to_one("learn", "in", "out", weight=0.5, delay=1.0, plasticity=rule),
        ],
    ).save(tmp_path / "net.h5")


@pytest.fixture
def recorded(network: Path) -> Path:
    """The network and what it did, in one file."""
    net = sm.load_network(network)
    return sm.simulate(net).save(network.with_name("both.h5"), network=net)


def refused(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    """Run a command that must fail with one line on stderr and nothing on stdout."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("spikemem: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def program(*words: object) -> list[str]:
    return [sys.executable, "-m", "spikemem", *map(str, words)]


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_commands_are_there():
    assert tuple(commands.table) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name):
    command = commands.get_command(click.Context(commands), name)
    assert command.name == name
    assert commands.table[name].help == command.get_short_help_str(1000)


def test_a_command_that_can_not_be_loaded_leaves_the_others_alone(capsys, monkeypatch):
    monkeypatch.setitem(commands.table, "odd", Place("spikemem.no_such_module:odd", "Do it."))
    assert main(["--help"]) == 0
    assert "odd        Do it." in capsys.readouterr().out
    assert main(["info", "--help"]) == 0
    capsys.readouterr()
    assert "odd cannot be loaded: No module named" in refused(capsys, "odd", code=1)


@pytest.mark.parametrize("word", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help(capsys, command, word):
    assert main([*command, word]) == 0
    text = capsys.readouterr().out
    assert text.startswith(" ".join(["Usage: spikemem", *command]))
    if not command:
        assert all(name in text for name in COMMANDS)


def test_help_gives_units_and_defaults(capsys):
    main(["simulate", "-h"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Time to simulate, ms. [default: the length of the longest spike source]" in text
    assert "[default: spinnaker]" in text
    main(["plot", "-h"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Part of the time to draw, ms. [default: all]" in text


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"spikemem {sm.__version__}\n"


def test_no_command_shows_the_help(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: spikemem" in captured.err


def test_python_m_spikemem():
    result = subprocess.run(program("--version"), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, f"spikemem {sm.__version__}\n")
    result = subprocess.run(program("nothing"), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["simulte"], "No such command 'simulte'"),
        (["simulate"], "Missing argument 'NETWORK.h5'"),
        (["simulate", "NET", "--nothing"], "No such option"),
        (["simulate", "NET", "--backend", "brian3"], "brian3"),
        (["simulate", "NET", "--integrator", "euler"], "euler"),
        (["simulate", "NET", "--target", "fortran"], "'fortran' is not a target"),
        (["simulate", "NET", "--duration", "long"], "not a valid float"),
        (["simulate", "NET", "--duration", "-1"], "duration must be"),
        (["simulate", "NET", "--duration", "nan"], "duration"),
        (["simulate", "NET", "--duration", "1.5"], "duration must be"),
        (["simulate", "missing.h5"], "does not exist"),
        (["plot", "NET", "--kind", "pie"], "pie"),
        (["plot", "NET", "--out", "DIR/x.bmq"], "has no file name extension of a picture"),
        (["plot", "NET"], "holds no recording"),
        (["plot", "NET", "--kind", "weight-matrix"], "give one --projection"),
        (["plot", "NET", "--kind", "raster", "--projection", "drive"], "cannot be used with"),
        (["plot", "NET", "--size", "0", "1"], "is not in the range"),
        (["info", "DIR"], "is a directory"),
        (["demo", "--backend", "brian3"], "brian3"),
    ],
)
def test_bad_usage_is_one_line(capsys, network, words, part):
    before = leftovers(network.parent)
    places = {"NET": str(network), "DIR": str(network.parent)}
    words = [places.get(word, word.replace("DIR", places["DIR"])) for word in words]
    assert part in refused(capsys, *words)
    assert leftovers(network.parent) == before


def test_bad_files_are_one_line(capsys, tmp_path, recorded):
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["x"] = [1, 2]
    cut = tmp_path / "cut.h5"
    cut.write_bytes(recorded.read_bytes()[:-100])
    for file, part in ((text, "not a readable HDF5 file"), (foreign, "of another program"),
                       (cut, "not a readable HDF5 file")):  # fmt: skip
        for command in ("info", "plot", "simulate"):
            assert part in refused(capsys, command, file)


def test_simulate(capsys, network):
    out = network.with_name("rec.h5")
    assert main(["simulate", str(network), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith("12 ms simulated in ")
    assert captured.out.endswith(f"on brian2, 6 spikes of 2 populations\n{out}\n")
    recording = sm.load_recording(out)
    assert recording["out"].times.tolist() == [2.0, 6.0, 10.0]
    assert recording.same_as(sm.simulate(sm.load_network(network)))


def test_simulate_beside_the_network(capsys, network):
    assert main(["simulate", str(network), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert sm.load_recording(network.with_name("net-recording.h5")).stop == 12.0


def test_simulate_options(capsys, network):
    out = network.with_name("rec.h5")
    words = ["--duration", "4", "--integrator", "exact", "--target", "numpy", "--json"]
    assert main(["simulate", str(network), "--out", str(out), *words]) == 0
    facts = json.loads(capsys.readouterr().out)
    net = sm.load_network(network)
    expected = sm.simulate(net, 4.0, integrator="exact")
    assert sm.load_recording(out).same_as(expected)
    assert facts["file"] == str(out)
    assert (facts["start_ms"], facts["stop_ms"], facts["dt_ms"]) == (0.0, 4.0, 1.0)
    assert facts["populations"] == {
        name: {"size": trains.size, "spikes": len(trains)}
        for name, trains in expected.spikes.items()
    }
    assert facts["provenance"]["integrator"] == "exact"
    assert facts["provenance"]["network_hash"] == net.content_hash


def test_simulate_replaces_nothing_unasked(capsys, network):
    out = network.with_name("rec.h5")
    out.write_text("precious")
    assert "--overwrite" in refused(capsys, "simulate", network, "--out", out)
    assert out.read_text() == "precious"
    assert main(["simulate", str(network), "--out", str(out), "--overwrite", "-q"]) == 0
    assert len(sm.load_recording(out)["out"]) == 3
    before = network.read_bytes()
    assert "the network itself" in refused(
        capsys, "simulate", network, "--out", network, "--overwrite"
    )
    assert network.read_bytes() == before


@pytest.mark.parametrize("where", ["missing/rec.h5", ".", "net.h5/rec.h5"])
def test_the_output_is_checked_before_the_run(capsys, monkeypatch, network, where):
    monkeypatch.setattr("spikemem.cli.run.simulate", lambda *args, **options: 1 / 0)
    refused(capsys, "simulate", network, "--out", network.parent / where)
    assert leftovers(network.parent) == {"net.h5"}


def test_a_failed_run(capsys, monkeypatch, network):
    class Broken:
        can_continue = False

        def __init__(self, network, integrator, **options):
            pass

        def run(self, *args):
            raise RuntimeError("out of order")

        def close(self):
            pass

    monkeypatch.setattr(simulation, "load", lambda name: Broken)
    assert "out of order" in refused(capsys, "simulate", network, code=1)
    assert leftovers(network.parent) == {"net.h5"}
    with pytest.raises(sm.SimulationError):
        main(["simulate", str(network), "--debug"])


def test_an_interrupt(network):
    command = program("simulate", network, "--duration", "10000000")
    # A parent in the background may ignore SIGINT, and its children then ignore it too.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, **(heard if os.name == "posix" else {})) as process:
        deadline = time.monotonic() + 60
        # Brian2 is loaded, and the run on, when this process has used so much time.
        ticks = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        stat = Path(f"/proc/{process.pid}/stat")
        while stat.exists() and time.monotonic() < deadline:
            used = stat.read_text().rpartition(")")[2].split()
            if (int(used[11]) + int(used[12])) / ticks > 3.0:
                break
            time.sleep(0.1)
        else:
            time.sleep(5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (1, b"", b"spikemem: error: interrupted.\n")
    assert leftovers(network.parent) == {"net.h5"}


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal_only(network):
    import termios

    pipe = subprocess.run(program("simulate", network), capture_output=True, check=True)
    assert pipe.stderr == b""
    for words, shown in ((("--overwrite",), True), (("--overwrite", "--quiet"), False)):
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (25, 80))
        command = program("simulate", network, *words)
        subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True)
        os.set_blocking(ours, False)
        try:
            text = os.read(ours, 10_000)
        except BlockingIOError:
            text = b""
        os.close(ours), os.close(theirs)
        assert (b"simulating" in text) == shown


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe")
def test_a_reader_that_stops_early(recorded):
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        program("info", recorded), stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert result.returncode == 1
    assert result.stderr == b""


@pytest.mark.parametrize(
    "words",
    [
        ["--kind", "raster"],
        ["--kind", "raster", "--population", "out", "--window", "2", "8"],
        ["--kind", "traces"],
        ["--kind", "traces", "--population", "out", "--cell", "0", "--window", "2", "8"],
        ["--kind", "weights"],
        ["--kind", "weights", "--projection", "learn", "--size", "3", "2"],
        ["--kind", "weight-matrix", "--projection", "learn"],
    ],
)
def test_plot(capsys, recorded, words):
    out = recorded.with_suffix(".png")
    assert main(["plot", str(recorded), "--out", str(out), *words]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_bytes().startswith(b"\x89PNG")
    assert leftovers(out.parent) == {"net.h5", "both.h5", "both.png"}


def test_plot_of_a_size(recorded):
    from matplotlib.image import imread

    out = recorded.with_suffix(".png")
    main(["plot", str(recorded), "--size", "4", "2", "--out", str(out), "-q"])
    assert imread(out).shape[:2] == (300, 600)


def test_plot_replaces_nothing_unasked(capsys, recorded):
    assert main(["plot", str(recorded), "-q"]) == 0
    out = recorded.with_name("both-raster.png")
    before = out.read_bytes()
    assert "--overwrite" in refused(capsys, "plot", recorded, "--window", 0, 5)
    assert out.read_bytes() == before
    assert main(["plot", str(recorded), "-q", "--window", "0", "5", "--overwrite"]) == 0
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--population", "ouch"], "'ouch' is not a recorded population"),
        (["--window", "5", "5"], "window must be"),
        (["--kind", "traces", "--population", "in"], "'in' is not a population"),
        (["--kind", "traces", "--cell", "7"], "cells must be from 0 to 0"),
        (["--kind", "traces", "--window", "5", "5"], "window must be"),
        (["--kind", "weights", "--window", "2", "8"], "window needs weights that were recorded"),
        (["--window", "12", "20"], "from 0 to 12 ms, got 12 to 20 ms"),
        (["--window", "-5", "0"], "from 0 to 12 ms, got -5 to 0 ms"),
        (["--kind", "traces", "--window", "30", "40"], "from 0 to 12 ms, got 30 to 40 ms"),
        (["--window", "0", "inf"], "inf is not a finite number"),
        (["--size", "nan", "5"], "nan is not a finite number"),
        (["--out", "x" * 300 + ".png"], "each name in it at most 255"),
        (["--out", "/".join(["x" * 200] * 30) + ".png"], "must have at most 4000 bytes"),
        (["--kind", "weights", "--projection", "learnt"], "Did you mean 'learn'?"),
        (["--kind", "weight-matrix", "--projection", "learnt"], "Did you mean 'learn'?"),
    ],
)
def test_plot_refuses(capsys, recorded, words, part):
    before = leftovers(recorded.parent)
    assert part in refused(capsys, "plot", recorded, *words)
    assert leftovers(recorded.parent) == before


def test_info(capsys, recorded):
    assert main(["info", str(recorded)]) == 0
    text = capsys.readouterr().out
    net = sm.load_network(recorded)
    assert text.startswith(f"{recorded}: ")
    assert "2 populations, 1 neurons, 2 synapses (1 plastic), dt = 1 ms" in text
    assert net.content_hash[:12] in text
    assert "0 to 12 ms, dt = 1 ms, 6 spikes" in text
    assert "backend brian2" in text


def test_info_as_json(capsys, recorded):
    assert main(["info", str(recorded), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert sorted(facts["kinds"]) == ["network", "recording"]
    assert facts["network"]["hash"] == sm.load_network(recorded).content_hash
    assert facts["network"]["populations"]["out"] == {"size": 1, "cell": "LIF"}
    assert facts["network"]["projections"]["learn"]["plastic"] is True
    assert facts["recording"]["populations"]["out"] == {"size": 1, "spikes": 3}
    assert facts["recording"]["traces"] == [{"of": "out", "variable": "v"}]


def test_info_of_a_memory(capsys, tmp_path):
    memory = sm.CA3Memory(n_cues=4, n_contents=6, contents={1: [0, 5], 3: [2]})
    file = memory.save(tmp_path / "memory.h5")
    assert main(["info", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kinds"] == ["model"]
    assert facts["model"]["model"] == "CA3Memory"
    assert facts["model"]["contents"] == {"1": [0, 5], "3": [2]}
    assert facts["model"]["healthy"] is True
    assert main(["info", str(file)]) == 0
    assert "2 cues hold something" in capsys.readouterr().out
    assert "holds no network" in refused(capsys, "simulate", file)
