"""Files: what goes in comes out; damage is refused; a failed write leaves the old file whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nonsense import nonsense
from samples import any_network, any_recording, small_network, small_recording

import spikemem as sm
from spikemem import container, schemas, storage
from spikemem.errors import DescriptionError, StorageError

ROOT = Path(__file__).resolve().parents[1]
once = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def saved(tmp_path):
    return storage.save(tmp_path / "a.h5", network=small_network(), recording=small_recording())


@once
@given(any_network())
def test_any_network_comes_back(tmp_path, net):
    again = sm.Network.load(net.save(tmp_path / "net.h5"))
    assert again.content_hash == net.content_hash
    assert again.summary() == net.summary()


@once
@given(any_recording())
def test_any_recording_comes_back(tmp_path, recording):
    again = sm.Recording.load(recording.save(tmp_path / "rec.h5"))
    assert again.same_as(recording)
    assert (again.dt, again.start, again.stop) == (recording.dt, recording.start, recording.stop)
    assert dict(again.provenance) == dict(recording.provenance)
    for name, trains in recording.spikes.items():
        assert again[name].duration == trains.duration
    for kind in ("spikes", "traces", "weights"):
        assert list(getattr(again, kind)) == list(getattr(recording, kind))


def test_one_file_holds_both(saved):
    assert sm.load_network(saved).content_hash == small_network().content_hash
    assert sm.load_recording(str(saved)).same_as(small_recording())
    assert storage.contents(saved) == {
        "kinds": ["network", "recording"], "writer": sm.__version__, "schema_version": 1,
    }  # fmt: skip


def test_the_same_in_another_process(saved):
    code = f"import spikemem as sm; print(sm.load_network({str(saved)!r}).content_hash)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == small_network().content_hash


def test_what_is_read_is_frozen(saved):
    recording = sm.load_recording(saved)
    for array in (recording.traces["out", "v"], recording.weights["learnt"], recording["out"].ids):
        assert not array.flags.writeable


def test_windows_of_many_tiles_fit(tmp_path):
    rule = sm.STDP(a_plus=1, a_minus=1, w_max=2,
                   enabled=[(float(k), k + 0.5, k % 64) for k in range(20_000)])  # fmt: skip
    cells = sm.Population(name="a", cell=sm.LIF(), size=64)
    wire = sm.Projection.one_to_one("p", "a", "a", weight=1, delay=1, plasticity=rule, tiles=64)
    net = sm.Network(populations=[cells], projections=[wire])
    assert sm.load_network(net.save(tmp_path / "a.h5")).content_hash == net.content_hash


def test_long_provenance_fits(tmp_path):
    recording = small_recording(provenance={"note": "x" * 200_000, "when": Path("a/b")})
    again = sm.load_recording(recording.save(tmp_path / "a.h5"))
    assert dict(again.provenance) == {"note": "x" * 200_000, "when": str(Path("a/b"))}


def test_every_number_has_its_unit(saved):
    units = {}
    with h5py.File(saved) as file:
        file.visititems(
            lambda name, item: (
                units.update({name: item.attrs.get("units")})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
        floats = {name for name in units if file[name].dtype.kind == "f"}
    assert {name for name in floats if units[name] is None} == set()
    expected = {
        "network/dt": "ms", "network/populations/out/cell/v_thresh": "mV",
        "network/populations/out/cell/cm": "nF", "network/populations/in/cell/times": "ms",
        "network/projections/learnt/weight": "nA", "network/projections/fixed/delay": "ms",
        "network/projections/learnt/plasticity/a_plus": "nA",
        "network/projections/learnt/plasticity/enabled": "ms",
        "recording/stop": "ms", "recording/traces/out/v": "mV",
        "recording/traces/learnt/weight": "nA", "recording/weights/learnt": "nA",
        "spikes/out/timestamps": "ms",
    }  # fmt: skip
    assert {name: units[name] for name in expected} == expected


def test_spikes_follow_sonata(saved):
    with h5py.File(saved) as file:
        assert file.attrs["magic"] == 0x0A7A
        assert file.attrs["magic"].dtype == np.uint32
        assert file.attrs["version"].tolist() == [0, 1]
        group = file["spikes/out"]
        assert group.attrs["sorting"] == "by_time"
        assert group["timestamps"].dtype == np.float64
        assert group["timestamps"].attrs["units"] == "ms"
        assert group["timestamps"][()].tolist() == [1.0, 1.0, 3.0]
        assert group["node_ids"].dtype == np.uint64
        assert group["node_ids"][()].tolist() == [0, 1, 2]


def refused(path, match, kind="network"):
    for read in (lambda: storage.load(path, kind), lambda: storage.contents(path)):
        with pytest.raises(StorageError, match=match) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_no_such_file(tmp_path):
    refused(tmp_path / "none.h5", "^load: no such file: ")


def test_a_file_cut_short_is_refused_at_every_length(saved, tmp_path):
    whole, part = saved.read_bytes(), tmp_path / "part.h5"
    lengths = [*range(0, 600, 37), *range(600, len(whole), len(whole) // 60), len(whole) - 1]
    for length in lengths:
        part.write_bytes(whole[:length])
        refused(part, "damaged")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_noticed_wherever_it_is(saved, data):
    whole = saved.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[place] ^= data.draw(st.integers(1, 255))
    path = saved.with_name("broken.h5")
    path.write_bytes(broken)
    refused(path, "damaged|another program|newer")


def test_more_bytes_at_the_end_are_noticed(saved):
    with saved.open("ab") as file:
        file.write(b"x")
    refused(saved, "does not match its checksum")


@pytest.mark.parametrize("text", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n", b"\0" * 5000])
def test_other_formats_are_refused(tmp_path, text):
    path = tmp_path / "a.h5"
    path.write_bytes(text)
    refused(path, "not a readable HDF5 file")


def test_a_folder_is_refused(tmp_path):
    refused(tmp_path, "not a readable HDF5 file")


@pytest.mark.parametrize("mark", [None, "other", b"spikemem2", 3, np.arange(3), np.nan])
def test_hdf5_of_another_program_is_refused(tmp_path, mark):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["network"] = [1, 2, 3]
        if mark is not None:
            file.attrs["format"] = mark
    refused(tmp_path / "a.h5", "another program")


def test_a_newer_schema_is_refused(saved, monkeypatch):
    monkeypatch.setattr(storage, "SCHEMA_VERSION", 7)
    monkeypatch.setattr(storage, "__version__", "9.9")
    path = small_network().save(saved)
    monkeypatch.undo()
    refused(path, r"schema version 7, written by spikemem 9\.9; this version reads up to 1")


@pytest.mark.parametrize("version", ["x", np.arange(3), -1])
def test_a_schema_version_that_is_none_is_refused(tmp_path, version):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs.update(format="spikemem", schema_version=version)
    refused(tmp_path / "a.h5", "damaged")


def test_a_kind_that_is_not_there_says_what_is(tmp_path):
    path = small_recording().save(tmp_path / "a.h5")
    with pytest.raises(StorageError, match=r"holds no network \(it holds: recording\)"):
        sm.load_network(path)
    path = small_network().save(tmp_path / "b.h5")
    with pytest.raises(StorageError, match=r"holds no recording \(it holds: network\)"):
        sm.load_recording(path)


def test_an_unknown_kind_lists_the_known_ones(saved):
    for call in (lambda: storage.load(saved, "netwrk"), lambda: storage.save(saved, netwrk=1)):
        with pytest.raises(DescriptionError, match=r"'netwrk' is not a kind.*Did you mean 'netw"):
            call()


def seal_again(path):
    """Give a changed file a checksum that fits."""
    body = path.read_bytes()[container.BLOCK :]
    path.write_bytes(container.seal(body, "spikemem", 1) + body)


EDITS = [
    lambda file: file["network/projections/learnt"].__delitem__("i"),
    lambda file: file["network/projections/learnt/weight"].__setitem__(0, -1.0),
    lambda file: file["network/projections/learnt/weight"].__setitem__(0, 0.25),
    lambda file: file["network/populations"].__delitem__("out"),
    lambda file: file["network/populations/out"].attrs.__setitem__("record", "{"),
    lambda file: file["network"].attrs.__delitem__("content_hash"),
    lambda file: file["network/populations/out/cell"].__setitem__("extra", 1),
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_sealed_file_with_wrong_content_is_refused(saved, edit):
    with h5py.File(saved, "r+") as file:
        edit(file)
    refused(saved, "checksum")
    seal_again(saved)
    if edit is EDITS[-1]:
        assert sm.load_network(saved).content_hash == small_network().content_hash
        return
    with pytest.raises(StorageError, match=r"^load: the network in .* is damaged .*again\.$"):
        sm.load_network(saved)


def litter(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_parent_that_is_a_file_or_missing(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file" / "a.h5", tmp_path / "none" / "a.h5", tmp_path):
        with pytest.raises(StorageError, match=r"^save: cannot write .*Give a file in a folder"):
            small_network().save(path)
    assert litter(tmp_path) == ["file"]
    assert litter(tmp_path.parent).count(tmp_path.name) == 1


class Full(OSError):
    def __init__(self):
        super().__init__(28, "No space left on device")


@pytest.mark.parametrize("error", [Full(), RuntimeError("HDF5 is unwell"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["os.open", "os.replace", "os.fsync", "h5py.Group.create_group",
                                   "h5py.Group.create_dataset", "h5py.File.close"])  # fmt: skip
def test_a_failed_write_leaves_the_old_file_whole(saved, monkeypatch, where, error):
    def fail(*args, **kwargs):
        raise error

    before = saved.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(where, fail)
        expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else StorageError
        with pytest.raises(expected):
            small_network().save(saved)
    assert saved.read_bytes() == before
    assert litter(saved.parent) == ["a.h5"]


def test_a_write_that_fails_halfway_leaves_the_old_file_whole(saved, monkeypatch):
    before = saved.read_bytes()

    def half(file, thing):
        file["something"] = np.arange(100_000)
        raise Full

    broken = schemas.RECORDING._replace(write=half)
    monkeypatch.setattr(schemas, "RECORDING", broken)
    with pytest.raises(StorageError, match="No space left on device"):
        storage.save(saved, network=small_network(), recording=small_recording())
    assert saved.read_bytes() == before
    assert litter(saved.parent) == ["a.h5"]


def test_permission_denied_is_said(saved, monkeypatch):
    def fail(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("os.open", fail)
        with pytest.raises(StorageError, match="Permission denied"):
            small_network().save(saved)
    monkeypatch.setattr(storage.h5py, "File", fail)
    refused(saved, "permission denied")


def test_links_stay_links_and_modes_are_usual(saved):
    link = saved.with_name("link.h5")
    link.symlink_to(saved.name)
    assert small_network().save(link) == link
    assert link.is_symlink()
    assert storage.contents(saved)["kinds"] == ["network"]
    saved.with_name("other").write_text("")
    modes = {stat.S_IMODE(os.stat(saved.with_name(name)).st_mode) for name in ("other", "a.h5")}
    assert len(modes) == 1


@pytest.mark.parametrize("kind", ["network", "recording"])
def test_save_refuses_other_things_and_keeps_the_file(saved, kind):
    before = saved.read_bytes()
    for value in nonsense():
        with pytest.raises(DescriptionError, match=r"^save: "):
            storage.save(saved, **{kind: value})
    with pytest.raises(DescriptionError, match="nothing to write"):
        storage.save(saved)
    assert saved.read_bytes() == before


def test_provenance_that_json_can_not_hold_is_refused(saved):
    with pytest.raises(StorageError, match="cannot write"):
        small_recording(provenance={"a": {(1, 2): 3}}).save(saved)
    assert litter(saved.parent) == ["a.h5"]


def test_paths_that_are_none():
    for value in nonsense():
        if isinstance(value, str) and value:
            continue
        for call in (
            lambda value=value: storage.load(value, "network"),
            lambda value=value: storage.contents(value),
            lambda value=value: small_network().save(value),
        ):
            with pytest.raises(DescriptionError, match="path must be a str or Path"):
                call()


def test_other_kinds_stand_in_a_table(saved, monkeypatch):
    kind = storage.FileKind(
        lambda file, thing: file.create_group("number").attrs.update(value=thing),
        lambda file: int(file["number"].attrs["value"]),
        int,
    )
    monkeypatch.setattr(schemas, "NUMBER", kind, raising=False)
    monkeypatch.setitem(storage.KINDS, "number", "spikemem.schemas:NUMBER")
    storage.save(saved, number=5, network=small_network(), recording=None)
    assert storage.load(saved, "number") == 5
    with pytest.raises(DescriptionError, match="number must be a int"):
        storage.save(saved, number="five")
    monkeypatch.undo()
    assert storage.contents(saved)["kinds"] == ["number", "network"]
    assert sm.load_network(saved).n_neurons == 3


def test_load_returns_whatever_a_file_holds(saved, tmp_path):
    memory = sm.CA3Memory(3, 5, contents={1: [2]}, backend="native")
    memory.learn(0, [1, 4])
    network, recording = memory.build([sm.RecallCue(0)]), memory.recording
    for things in (
        {"model": memory},
        {"network": network},
        {"recording": recording},
        {"recording": recording, "network": network},
        {"recording": recording, "network": network, "model": memory},
    ):
        path = storage.save(tmp_path / "x.h5", **things)
        first = next(kind for kind in ("model", "network", "recording") if kind in things)
        assert type(sm.load(path)) is type(things[first])
        for kind, thing in things.items():
            assert type(sm.load(path, kind)) is type(thing)
    kept = sm.load(memory.save(tmp_path / "memory.h5"))
    assert kept.contents == memory.contents == {0: {1, 4}, 1: {2}}
    assert kept.time == memory.time == 16.0
    assert sm.metrics.compare(sm.load(tmp_path / "memory.h5", "recording"), recording).same
    assert kept.recall(cue=0) == memory.recall(cue=0) == {1, 4}
    assert kept.time == memory.time


def test_an_interrupted_close_does_not_crash_the_interpreter_when_it_ends(tmp_path):
    script = """
import h5py, numpy as np, sys
from spikemem.container import pack

def interrupted(self):
    raise KeyboardInterrupt

h5py.File.close = interrupted
try:
    pack(lambda file: file.create_dataset("a", data=np.arange(1000)), "spikemem", 1)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
