"""Writing whole or not at all: a failure at any byte, a full disk, dead writers, odd targets."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import small_network, small_recording

import spikemem as sm
from spikemem import files, storage
from spikemem.errors import DescriptionError, StorageError
from spikemem.output import check_target, save_figure

ROOT = Path(__file__).resolve().parents[1]


def litter(folder):
    return sorted(path.name for path in folder.iterdir())


class Filling(io.FileIO):
    """A file on a disk with room for so many bytes."""

    room = 0

    def write(self, data):
        data = memoryview(data).cast("B")
        left = self.room - self.tell()
        if left < len(data):
            super().write(data[: max(left, 0)])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.fixture
def disk(monkeypatch):
    """Set how many bytes the next file can hold."""

    def limited(room):
        def opened(path, mode, opener=None):
            assert mode == "xb"
            file = Filling(path, mode, opener=opener)
            file.room = room
            return file

        monkeypatch.setattr(files, "open", opened, raising=False)

    return limited


def write_all_kinds(folder):
    """Everything of the project that writes one file, onto the name that it is given."""
    from matplotlib.figure import Figure

    from spikemem.hardware.nir import write as write_nir

    network = small_network().replace(
        sm.Population(name="out", size=3, cell=sm.LIF(tau_syn_E=3.0, tau_syn_I=3.0))
    )
    static = sm.Network(populations=network.populations, projections=network.projections[1:])
    return {
        "hdf5": lambda path: storage.save(
            path, network=small_network(), recording=small_recording()
        ),
        "nir": lambda path: write_nir(path, static),
        "picture.png": lambda path: save_figure(Figure(figsize=(1, 1)), path),
        "callable": lambda path: files.write_atomically(path, lambda file: file.write(b"x" * 9000)),
    }


@pytest.mark.parametrize("kind", ["hdf5", "nir", "picture.png", "callable"])
def test_a_failure_at_any_byte_leaves_the_old_file(tmp_path, disk, kind, monkeypatch):
    if kind == "nir":
        pytest.importorskip("nir")
    write = write_all_kinds(tmp_path)[kind]
    path = tmp_path / kind
    write(path)
    length = path.stat().st_size
    path.write_bytes(b"old")
    for room in [*range(0, length, max(length // 40, 1)), length - 1]:
        disk(room)
        with pytest.raises(StorageError, match=r"cannot write .*No space left on device"):
            write(path)
        assert path.read_bytes() == b"old"
        assert litter(tmp_path) == [kind]
    disk(length)
    write(path)
    assert path.stat().st_size == length


@contextmanager
def small_disk(folder):
    """A file system of 64 KiB."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    done = mount and subprocess.run(command, capture_output=True, text=True, check=False)
    if not done or done.returncode:
        pytest.skip(f"no file system can be mounted: {done.stderr if done else 'no mount'}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_reported_and_the_old_file_stays(tmp_path):
    times = [float(k) for k in range(1500)]
    big = sm.Recording(
        spikes={"a": sm.SpikeTrains.from_lists([times] * 8, duration=2000.0)}, stop=2000.0
    )
    with small_disk(tmp_path / "disk") as folder:
        path = small_recording().save(folder / "a.h5")
        before = path.read_bytes()
        for rest in (60_000, 30_000, 5_000, 100):
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
            (folder / "filler").write_bytes(b"x" * max(free - rest, 0))
            with pytest.raises(StorageError, match="No space left on device"):
                sm.Recording(
                    spikes=big.spikes, stop=big.stop, provenance={"noise": os.urandom(40_000).hex()}
                ).save(path)
            assert path.read_bytes() == before
            assert litter(folder) == ["a.h5", "filler"]
            (folder / "filler").unlink()
        assert sm.load_recording(path).same_as(small_recording())


WRITER = """
import sys, time
from spikemem.files import write_atomically

def slow(file):
    file.write(b"half of it")
    file.flush()
    print("begun", flush=True)
    time.sleep(60)

write_atomically(sys.argv[1], slow)
"""


def test_parts_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path):
    path = tmp_path / "a.h5"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"begun\n"
        small_network().save(tmp_path / "b.h5")
        parts = [name for name in litter(tmp_path) if name.endswith(".part")]
        assert len(parts) == 1
        assert f"-{writer.pid}-" in parts[0]
        writer.send_signal(signal.SIGKILL)
    assert litter(tmp_path) == [*parts, "b.h5"]
    small_network().save(tmp_path / "b.h5")
    assert litter(tmp_path) == ["b.h5"]


def test_a_part_that_is_not_a_file_stays(tmp_path):
    (tmp_path / ".spikemem-1-aa.part").mkdir()
    small_network().save(tmp_path / "b.h5")
    assert litter(tmp_path) == [".spikemem-1-aa.part", "b.h5"]


def test_a_part_removed_by_another_process_before_it_is_locked(tmp_path, monkeypatch):
    lock, removed = files._lock, []

    def late(file):
        if not removed:
            removed.append(file.name)
            os.unlink(file.name)
        return lock(file)

    monkeypatch.setattr(files, "_lock", late)
    assert files.write_atomically(tmp_path / "a", b"abc").read_bytes() == b"abc"
    assert len(removed) == 1
    assert litter(tmp_path) == ["a"]


def test_where_there_are_no_locks_nothing_is_removed(tmp_path, monkeypatch):
    def unsupported(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", unsupported)
    (tmp_path / ".spikemem-1-aa.part").write_bytes(b"x")
    files.write_atomically(tmp_path / "a", b"abc")
    assert litter(tmp_path) == [".spikemem-1-aa.part", "a"]


def odd_targets(folder):
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(folder / "socket"))
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("fifo")
    return {
        folder / "fifo": "a FIFO",
        folder / "socket": "a socket",
        folder / "folder": "a folder",
        folder / "link": "a FIFO",
        Path("/dev/null"): "a device",
        Path("/dev/full"): "a device",
    }


def test_only_regular_files_are_written_and_read(tmp_path):
    nir_files = pytest.importorskip("spikemem.hardware.nir")
    pytest.importorskip("nir")
    for path, name in odd_targets(tmp_path).items():
        kind = os.stat(path).st_mode
        for write in write_all_kinds(tmp_path).values():
            with pytest.raises(StorageError, match=f"cannot write .*it is {name}"):
                write(path)
        with pytest.raises(StorageError, match=name):
            check_target(path, overwrite=True)
        for read in (
            lambda path=path: storage.load(path, "network"),
            lambda path=path: storage.contents(path),
            lambda path=path: nir_files.read(path),
        ):
            with pytest.raises(StorageError, match=f"is {name}, not"):
                read()
        assert os.stat(path).st_mode == kind
    assert litter(tmp_path) == ["fifo", "folder", "link", "socket"]


def test_a_fifo_that_takes_the_name_after_the_look_does_not_block(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(files.os, "stat", lambda name: regular)
    with pytest.raises(files.NotRegular, match="a FIFO"), files.open_regular(path):
        pass


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "a\ud800", "", "loop"])
def test_names_that_no_file_can_have(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    path = f"{tmp_path}/{name}" if name else name
    for call in (lambda: storage.load(path, "network"), lambda: small_network().save(path)):
        with pytest.raises((StorageError, DescriptionError)):
            call()
    assert litter(tmp_path) == ["loop"]


def test_the_ground_knows_no_network_and_no_recording():
    code = (
        "import sys, spikemem.container, spikemem.files, spikemem.foreign, spikemem.hdf5\n"
        "print(*(name for name in sys.modules if name.startswith('spikemem.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.removeprefix("spikemem.") for name in done.stdout.split()}
    assert "files" in loaded
    above = {"cells", "network", "networks", "hardware", "recording", "simulation", "storage"}
    assert loaded.isdisjoint(above)
