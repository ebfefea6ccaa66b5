"""PyNN scripts for SpiNNaker, unmodified, on the board in software."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from board_driver import SCRIPTS, run_scripts

from spikemem.hardware.spinnaker.process import environment

pytestmark = pytest.mark.spinnaker
NAMES = [path.stem for path in sorted(SCRIPTS.glob("*.py")) if path.stem != "arguments"]


@pytest.fixture(scope="module")
def lines():
    """The lines that each script has printed, in words."""
    told = run_scripts(*NAMES)
    failed = {name: item["error"] for name, item in told.items() if item["error"]}
    assert not failed, "\n".join(failed.values())
    return {
        name: [line.split() for line in item["out"].splitlines()] for name, item in told.items()
    }


def test_the_volley_of_a_synfire_chain_arrives_at_every_pool(lines):
    pools = lines["synfire"]
    assert len(pools) == 6
    assert all(spikes == "20" for *_, cells, spikes, _ in pools)
    arrivals = np.array([float(words[-1]) for words in pools])
    # Four milliseconds of delay, and a rise of a few more.
    assert np.all(np.diff(arrivals) >= 4.0)
    assert np.ptp(np.diff(arrivals)) < 2.0


def test_the_curve_of_stdp_changes_its_sign(lines):
    change = {int(a): float(b) for a, b in lines["stdp_curve"]}  # in amplitudes
    for gap, value in change.items():
        # Post-synaptic after pre-synaptic makes the synapse stronger.
        assert np.sign(value) == np.sign(gap), change
    assert change[5] > change[10] > change[20] > change[40]
    assert change[-5] < change[-10] < change[-20] < change[-40]
    # Ten pairs; the post-synaptic spike comes a delay of its drive later, and counts from a
    # dendritic delay on. Each change is cut off to a step of the weight, 2**-13 nA, where the
    # amplitude is 0.008 nA.
    for gap, value in change.items():
        wanted = np.sign(gap) * 10 * np.exp(-abs(gap + 2) / 20.0)
        assert wanted - 0.18 < value < wanted + 0.02, change


def test_izhikevich_cells_adapt_or_do_not(lines):
    regular, fast = lines["izhikevich"]
    name, n, kinds, first, last, highest, rows = regular
    assert (name, kinds, rows) == ("regular", "1", "500")
    assert float(last) > float(first)  # the gaps become longer
    assert int(fast[1]) > 2 * int(n)
    assert float(highest) < 40.0


def test_a_balanced_network_fires_irregularly_and_not_all_at_once(lines):
    rates = {words[0]: [float(x) for x in words[-3:]] for words in lines["balanced"]}
    exc, inh, noise = rates.values()
    assert (exc[0], inh[0]) == (160, 40)
    for _, mean, deviation in (exc, inh):
        assert 1.0 < mean < 80.0
        assert deviation > 0.0
    # 40 sources of 60 Hz for 0.4 s: 960 spikes, SD 31; five of them make one false alarm in 10^6.
    assert noise[1] == pytest.approx(60.0, abs=5 * 31 / 40 / 0.4)


def test_every_connector_makes_the_synapses_that_it_promises(lines):
    found = {" ".join(w[:-7]).rstrip(":"): w for w in lines["conductances"]}
    n = {name.split(":")[0]: int(words[-7]) for name, words in found.items()}
    assert n == {
        "one to one": 9, "all to all": 81, "list": 3, "probability 1": 81, "three inputs": 27,
        "two outputs": 18, "twenty": 20, "near": n["near"], "an array": 9,
    }  # fmt: skip
    assert n["near"] == 9 + 2 * 8  # itself and its neighbours on a line
    for name, words in found.items():
        # The program that draws these multiplies 0.1 with 2**18 in an s16.15 number: 0 remains.
        assert float(words[-1]) == 0.0 if name == "two outputs" else float(words[-1]) >= 0.09, name


def test_runs_go_on_and_a_reset_begins_again(lines):
    told = [" ".join(words) for words in lines["segments"]]
    assert told[0] == "time 60.0"
    first, second, third, last = told[1:2] + told[2:4] + told[4:]
    assert first.endswith("(60, 2)")
    assert second == first  # the first segment, again
    assert third.endswith("(30, 2)")
    assert last == "[[], []] (10, 2)"
    before = eval(first.rpartition("] ")[0] + "]")
    after = eval(third.rpartition("] ")[0] + "]")
    # 3 ms of delay, and the steps until the threshold is reached, are the same each time.
    wait = before[0][0] - 5.0
    assert before == [[5.0 + wait, 45.0 + wait], [30.0 + wait]]
    assert after == [[7.0 + wait], [7.0 + wait]]


def test_rates_change_between_runs_and_long_delays_are_kept(lines):
    (_, early, _, late), (_, n, _, shortest, longest) = lines["rates"]
    # 40 sources: 400 and 2000 spikes expected, within five standard deviations (10^-6).
    assert int(early) == pytest.approx(400, abs=100)
    assert int(late) == pytest.approx(2000, abs=224)
    assert n == "40"
    assert 50.0 <= float(shortest) <= float(longest) <= 53.0


def test_a_reward_makes_a_pairing_count(lines):
    rewarded, alone = (float(words[-1]) for words in lines["reward"])
    assert rewarded > alone + 0.05
    assert alone == pytest.approx(1.0, abs=0.01)


def test_synapses_are_formed_where_there_were_none(lines):
    ((n, _, spikes, *_),) = lines["rewiring"]
    assert int(n) > 16
    assert int(spikes) > 0


def test_cells_and_rules_of_many_kinds_run_and_can_be_read(lines):
    found = {" ".join(words).split(" | ")[0]: words for words in lines["zoo"]}
    steps = found.pop("steps")
    assert len(found) == 11
    for name, (*_, spikes, recorded, rows, weight) in found.items():
        assert int(spikes) > 0, name
        assert (recorded, rows) == ("1", "3")
        if name in ("nearest pair", "multiplicative", "triplet", "vogels"):
            assert abs(float(weight) - 15.0) > 0.05, name
        else:
            assert float(weight) == pytest.approx(15.0 if float(weight) > 1 else 0.2, rel=1e-4)
    # 100 ms sampled every 5; 0.5 nA for 40 ms in a cell of 20 MOhm and 20 ms.
    assert steps[2:4] == ["20", "2"]
    assert float(steps[-1]) == pytest.approx(-65.0 + 10.0 * (1 - np.exp(-2.0)), abs=0.05)


def test_a_script_may_use_the_old_name_and_set_potentials(lines):
    (v, cm, *counts), (injector, known) = lines["old_name"]
    assert (v, round(float(cm), 4)) == ("-62.0", 0.3)
    assert all(int(n.strip("[],")) >= 1 for n in counts)
    assert (injector, known) == ("SpikeInjector", "True")


def test_a_script_finds_itself_as_python_starts_it(tmp_path):
    """Arguments, exit code and errors are its own; nothing is written but by itself."""
    out = tmp_path / "out.txt"
    done = spikemem(tmp_path, "run", SCRIPTS / "arguments.py", "--weight", "30", out)
    assert done.returncode == 3, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "arguments.py __main__"
    assert len(eval(out.read_text())) >= 1
    assert "cores on 1 chips" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "out.txt"]
    assert list((tmp_path / "home").iterdir()) == []


def test_an_error_of_a_script_is_shown_from_its_own_line_on(tmp_path):
    done = spikemem(tmp_path, "run", SCRIPTS / "arguments.py", "--fail", tmp_path / "out.txt")
    assert done.returncode == 1
    shown = done.stderr[done.stderr.rindex("Traceback") :].splitlines()
    assert shown[1].strip().startswith(f'File "{SCRIPTS / "arguments.py"}", line')
    assert shown[-1] == "ValueError: of the script's own" or "of the script's own" in shown[-2]
    assert "runpy" not in done.stderr


def spikemem(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    (folder / "home").mkdir()
    command = [sys.executable, "-m", "spikemem", "board", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env=environment(HOME=str(folder / "home")),
    )  # fmt: skip
