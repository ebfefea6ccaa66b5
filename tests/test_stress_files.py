"""Files of sweeps: each point is kept, an interrupted sweep goes on, nothing is overwritten."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from stress_cases import Failing, Filling, Slow, Willshaw

import spikemem as sm
from spikemem import storage
from spikemem.errors import SpikememError, StorageError
from spikemem.stress import Bisect, Sweep, load
from spikemem.stress import journal as journals
from spikemem.stress.journal import Journal, journal_of
from spikemem.stress.store import Store

TESTS = Path(__file__).resolve().parent
GRID = {"load": [0.25, 0.5, 1.0], "n": [20, 30]}


def sweep(model=Willshaw, vary=GRID, **options):
    return Sweep(model, Filling, **{"vary": vary, "trials": 3, **options})


class Stop(Exception):
    """Raised in the middle of a sweep."""


def stop_after(fraction):
    def report(done):
        if done >= fraction:
            raise Stop

    return report


def count_trials(monkeypatch):
    seen = []
    plain = Willshaw.one
    monkeypatch.setattr(
        Willshaw, "one", lambda self, task, c: (seen.append(task.seed), plain(self, task, c))[1]
    )
    return seen


@pytest.mark.parametrize(
    "vary", [GRID, {"load": Bisect(0.1, 3.0, criterion=0.7), "n": [20, 30]}, {}], ids=str
)
def test_a_file_holds_everything(vary, tmp_path):
    found = sweep(Failing, vary, fixed={"odd": True}).run(tmp_path / "x.h5")
    for read in (load, sm.load, Sweep.run):
        if read is Sweep.run:
            back = sweep(Failing, vary, fixed={"odd": True}).run(tmp_path / "x.h5")
        else:
            back = read(tmp_path / "x.h5")
        assert back.equal(found)
        assert back.plan == found.plan
        assert [p.times for p in back.points] == [p.times for p in found.points]
        assert [p.failures for p in back.points] == [p.failures for p in found.points]
        assert str(back) == str(found)
        assert back.to_json() == found.to_json()
    assert sorted(os.listdir(tmp_path)) == ["x.h5"]


def test_words_none_and_truth_values_are_axes(tmp_path):
    words = {"log": [None, str(tmp_path / "log")], "sleep": [0.0]}
    for k, (model, vary) in enumerate([(Slow, words), (Failing, {"bad": [False, True]})]):
        found = sweep(model, vary, trials=1).run(tmp_path / f"{k}.h5")
        assert found.points[0].values[next(iter(vary))] is (None if model is Slow else False)
        back = load(tmp_path / f"{k}.h5")
        assert [point.values for point in back.points] == [point.values for point in found.points]


def test_an_interrupted_sweep_goes_on_and_repeats_nothing(tmp_path, monkeypatch):
    whole = sweep().run()
    with pytest.raises(Stop):
        sweep().run(tmp_path / "x.h5", progress=stop_after(0.5))
    part = load(tmp_path / "x.h5")
    assert len(part.points) == 3
    assert "3 of 6 points" in str(part)
    assert np.isnan(part.array("exact")).sum() == 3
    seen = count_trials(monkeypatch)
    found = sweep().run(tmp_path / "x.h5")
    assert found.equal(whole)
    assert len(seen) == 3 * 3
    seen.clear()
    assert sweep().run(tmp_path / "x.h5").equal(whole)
    assert seen == []


def test_an_interrupted_bisection_goes_on(tmp_path, monkeypatch):
    vary = {"load": Bisect(0.1, 3.0, criterion=0.7), "n": [20, 30]}
    whole = sweep(vary=vary).run()
    with pytest.raises(Stop):
        sweep(vary=vary).run(tmp_path / "x.h5", progress=stop_after(0.5))
    n = len(load(tmp_path / "x.h5").points)
    assert 0 < n < len(whole.points)
    seen = count_trials(monkeypatch)
    assert sweep(vary=vary).run(tmp_path / "x.h5").equal(whole)
    assert len(seen) == 3 * (len(whole.points) - n)


def test_failed_points_are_computed_again_if_asked(tmp_path, monkeypatch):
    path = tmp_path / "x.h5"
    broken = Failing.one
    monkeypatch.setattr(Failing, "one", lambda self, task, c: broken(self, task, c) if self.n < 30
                        else 1 / 0)  # fmt: skip
    first = sweep(Failing).run(path)
    assert sum(len(point.failures) for point in first.points) == 9
    monkeypatch.setattr(Failing, "one", broken)
    assert sweep(Failing).run(path).equal(first)
    again = sweep(Failing).run(path, retry_failed=True)
    assert again.equal(sweep(Failing).run())
    assert load(path).equal(again)


OTHERS = [
    ({"trials": 4}, "trials is 3 in the file and 4 now"),
    ({"seed": 1}, "seed is 0 in the file and 1 now"),
    ({"model": Failing}, "subject is 'Willshaw' in the file and 'Failing' now"),
    ({"vary": {"load": [0.25, 0.5], "n": [20, 30]}}, r"load is \[0.25, 0.5, 1.0\] in the file"),
    ({"fixed": {"k": 5}}, "k is 4 in the file and 5 now"),
    ({"vary": {"n": [20, 30], "load": [0.25, 0.5, 1.0]}}, "another order"),
    ({"vary": {"load": [0.25, 0.5, 1.0]}}, "n is not in the file|n is only in the file"),
]


@pytest.mark.parametrize(("other", "said"), OTHERS, ids=[said for _, said in OTHERS])
def test_a_file_of_another_sweep_is_refused_as_it_is(other, said, tmp_path, monkeypatch):
    path = tmp_path / "x.h5"
    sweep().run(path)
    before = path.read_bytes()
    seen = count_trials(monkeypatch)
    with pytest.raises(StorageError, match=f"holds another sweep: .*({said})") as caught:
        sweep(**other).run(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.h5"]
    assert seen == []


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    from spikemem.stress import plan

    sweep().run(tmp_path / "x.h5")
    monkeypatch.setattr(plan, "__version__", "99.0")
    with pytest.raises(StorageError, match=r"version is .* in the file and '99.0' now"):
        sweep().run(tmp_path / "x.h5")


def test_other_files_are_refused_as_they_are(tmp_path):
    recording = tmp_path / "r.h5"
    net = sm.Network([sm.Population(name="a", cell=sm.LIF(), size=1)], [])
    storage.save(recording, network=net)
    text = tmp_path / "t.h5"
    text.write_text("mine")
    for path, said in [
        (recording, "holds a network, no sweep"), (text, "not a readable HDF5 file"),
        (tmp_path, "is a folder"), (tmp_path / "no" / "x.h5", "there is no folder"),
    ]:  # fmt: skip
        with pytest.raises(StorageError, match=said):
            sweep().run(path)
    assert text.read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["r.h5", "t.h5"]


def test_points_are_in_the_journal_until_the_file_is_rewritten(tmp_path, monkeypatch):
    from spikemem.stress import store

    monkeypatch.setattr(store, "_SHARE", 1e9)
    plan = sweep().plan
    made = sweep().run()
    held = Store(tmp_path / "x.h5", plan.facts())
    held.cost = 1.0
    for point in made.points[:4]:
        held.add(point)
    assert len(sm.load(tmp_path / "x.h5").points) == 0
    running = load(tmp_path / "x.h5")
    assert [p.digest() for p in running.points] == [p.digest() for p in made.points[:4]]
    held.journal.close(remove=False)  # As if the process had died.
    assert sweep().run(tmp_path / "x.h5").equal(made)
    assert os.listdir(tmp_path) == ["x.h5"]


@pytest.mark.parametrize("cut", [1, 40, 500])
def test_half_a_point_in_the_journal_is_cut_off(cut, tmp_path):
    path, plan, made = tmp_path / "x.h5", sweep().plan.facts(), sweep().run()
    journal = Journal(path, plan)
    journal.add(made.points[0])
    whole = journal.end
    journal.add(made.points[1])
    journal.close(remove=False)
    os.truncate(journal_of(path), max(journal.end - cut, whole + 1))
    again = Journal(path, plan)
    assert [point.digest() for point in again.points] == [made.points[0].digest()]
    again.add(made.points[2])
    again.close(remove=False)
    assert len(journals.points_in(path, plan)) == 2
    assert sweep().run(path).equal(made)


def test_a_damaged_journal_loses_what_is_damaged(tmp_path):
    path, plan, made = tmp_path / "x.h5", sweep().plan.facts(), sweep().run()
    journal = Journal(path, plan)
    for point in made.points:
        journal.add(point)
    journal.close(remove=False)
    content = bytearray(journal_of(path).read_bytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(len(content), size=60).tolist():
        damaged = content.copy()
        damaged[place] ^= 0x55
        journal_of(path).write_bytes(damaged)
        found = journals.points_in(path, plan)
        assert len(found) < 6
        for point, good in zip(found, made.points, strict=False):
            assert point.digest() == good.digest()
    assert sweep().run(path).equal(made)


def test_a_journal_of_another_sweep_is_refused(tmp_path):
    path = tmp_path / "x.h5"
    journal = Journal(path, sweep(seed=5).plan.facts())
    journal.add(sweep(seed=5).run().points[0])
    journal.close(remove=False)
    with pytest.raises(StorageError, match="holds points of another sweep"):
        sweep().run(path)
    assert len(journals.points_in(path, sweep(seed=5).plan.facts())) == 1


def test_two_processes_on_one_file(tmp_path):
    path = tmp_path / "x.h5"
    held = Store(path, sweep().plan.facts())
    code = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
        "from test_stress_files import sweep\n"
        f"sweep().run({str(path)!r})"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=TESTS.parent, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert "StorageError: sweep: another process is writing" in found.stderr
    held.close()
    assert len(sweep().run(path).points) == 6


def full_disk(room, monkeypatch):
    """Let only so many more files be forced to the disk."""
    left = [room]
    plain = os.fsync

    def sync(descriptor):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", sync)


@pytest.mark.parametrize("room", range(1, 12))
def test_a_full_disk_keeps_what_was_written(room, tmp_path, monkeypatch):
    path = tmp_path / "x.h5"
    whole = sweep().run()
    with monkeypatch.context() as patch:
        full_disk(room, patch)
        with pytest.raises(StorageError, match="No space left"):
            sweep().run(path)
    if path.exists():
        assert len(load(path).points) <= 6
    assert sweep().run(path).equal(whole)
    assert os.listdir(tmp_path) == ["x.h5"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the size of files")
def test_a_file_that_may_not_grow(tmp_path):
    """The kernel refuses to write: what was there is whole, and the sweep goes on elsewhere."""
    path = tmp_path / "x.h5"
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(TESTS)!r})
from test_stress_files import sweep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
sweep(vary={{"load": [k / 20 for k in range(1, 40)]}}, trials=10).run({str(path)!r})
"""
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=TESTS.parent, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert "StorageError" in found.stderr.splitlines()[-1]
    assert "File too large" in found.stderr
    assert len(load(path).points) > 0
    vary = {"load": [k / 20 for k in range(1, 40)]}
    assert sweep(vary=vary, trials=10).run(path).equal(sweep(vary=vary, trials=10).run())


def slow_sweep(log):
    vary = {"load": [0.2, 0.4, 0.6, 0.8, 1.0, 1.2], "n": [12, 16]}
    return Sweep(Slow, Filling, vary=vary, fixed={"sleep": 0.03, "log": str(log)}, trials=3)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_kill_9_twice_and_go_on(jobs, tmp_path):
    """The whole process group is killed in the middle, twice; the file is as undisturbed."""
    path, log = tmp_path / "x.h5", tmp_path / "log"
    code = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
        "from test_stress_files import slow_sweep\n"
        "if __name__ == '__main__':\n"
        f"    slow_sweep({str(log)!r}).run({str(path)!r}, jobs={jobs})"
    )
    counts = [0]
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=TESTS.parent, start_new_session=True
        )
        patience = time.monotonic() + 60
        while time.monotonic() < patience:
            done = len(load(path).points) if path.exists() else 0
            if done >= counts[-1] + 3:
                break
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        counts.append(len(load(path).points))
    assert 0 < counts[1] < counts[2] < 12
    found = slow_sweep(log).run(path)
    computed = log.stat().st_size
    whole = slow_sweep(log).run()
    assert found.equal(whole)
    assert [p.digest() for p in load(path).points] == [p.digest() for p in whole.points]
    assert 12 * 3 <= computed <= 12 * 3 + 2 * 2 * jobs * 3
    assert sorted(os.listdir(tmp_path)) == ["log", "x.h5"]


def test_the_file_is_rewritten_for_a_tenth_of_the_time(tmp_path, monkeypatch):
    """A rewriting takes 1 s here, by a clock of our own, and a point an eighth."""
    from spikemem.stress import store as module

    now, written = [0.0], []

    def save(path, **objects):
        now[0] += 1.0
        written.append(len(objects["sweep"].points))
        return storage.save(path, **objects)

    monkeypatch.setattr(module, "save", save)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    loads = [k / 1000 for k in range(1, 301)]
    point = sweep(vary={"load": [0.5]}).run().points[0]
    store = Store(tmp_path / "x.h5", sweep(vary={"load": loads}).plan.facts())
    for load_ in loads:
        now[0] += 0.125
        store.add(dataclasses.replace(point, values={"load": load_}))
    assert written == [0, 1, 81, 161, 241]
    store.close()
    assert written[-1] == 300
    assert len(load(tmp_path / "x.h5").points) == 300


def damaged(path, change):
    """A file whose content is changed and whose checksum fits again."""
    from spikemem.container import BLOCK, seal

    with h5py.File(path, "r+") as file:
        change(file["sweep"])
    content = bytearray(path.read_bytes())
    content[:BLOCK] = seal(bytes(content[BLOCK:]), "spikemem", 1)
    path.write_bytes(content)


def drop(name):
    def change(group):
        del group[name]

    return change


def replace(name, values):
    def change(group):
        del group[name]
        group[name] = values

    return change


CHANGES = {
    "no plan": lambda group: group.attrs.pop("plan"),
    "another plan": lambda group: group.attrs.update(plan="[1]"),
    "a trial too many": replace("trials/trial", np.arange(18) % 5),
    "points in disorder": replace("trials/point", np.arange(18)[::-1] // 3),
    "no axes": drop("axes"),
    "an axis too short": replace("axes/load", [0.25]),
    "a value that is not of the axis": replace("axes/load", np.full(6, 0.3)),
    "facts that are no JSON": replace("facts", ["{"] * 6),
    "facts that are no mapping": replace("facts", ["[]"] * 6),
    "a measure of another length": replace("measures/curve/lengths", np.arange(18)),
    "times that are negative": replace("times/wall", -np.ones(6)),
    "measures that are text": replace("measures/exact/values", ["a"] * 18),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_makes_no_sense_is_refused(change, tmp_path):
    path = tmp_path / "x.h5"
    sweep().run(path)
    damaged(path, change)
    with pytest.raises(StorageError, match="damaged"):
        sm.load(path)
    with pytest.raises(SpikememError):
        sweep().run(path)
