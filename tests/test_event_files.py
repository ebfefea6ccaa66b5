"""Files of event recordings: what is written is read, and what is wrong with a file is said."""

from __future__ import annotations

import io
import struct
import tarfile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from spikemem.citations import bibtex
from spikemem.data import (
    EVENT,
    Recordings,
    read_fsdd,
    read_nmnist,
    read_ntidigits,
    read_shd,
    write_nmnist,
)
from spikemem.errors import DescriptionError, StorageError


@st.composite
def recordings(draw, rows=34, columns=34):
    """A few samples of a camera, in order of time."""
    samples = []
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(1, 30))
        made = np.zeros(n, EVENT)
        for name, high in (("x", columns - 1), ("y", rows - 1), ("t", 2**23 - 1), ("p", 1)):
            made[name] = draw(st.lists(st.integers(0, high), min_size=n, max_size=n))
        made["t"].sort()
        samples.append(made)
    labels = sorted(draw(st.integers(0, 2)) for _ in samples)
    # Classes are numbered by the folders that there are.
    labels = np.unique(labels, return_inverse=True)[1]
    return Recordings(samples=samples, shape=(2, rows, columns), labels=labels,
                      names=tuple(str(k) for k in range(max(labels) + 1)))  # fmt: skip


def fields(recorded):
    return [sample[list("xytp")].tolist() for sample in recorded]


@given(recorded=recordings())
def test_written_events_are_read(recorded, tmp_path_factory):
    folder = write_nmnist(tmp_path_factory.mktemp("nmnist"), recorded)
    assert read_nmnist(folder) == recorded


def by_hand(x, y, p, t):
    """Five bytes of one event, from the format's description."""
    return struct.pack(">BBI", x, y, (p << 31) | (t << 8))[:5]


def test_the_bytes_are_those_of_the_format(tmp_path):
    # Column 3, row 33, brighter, 0x012345 us; then column 0, row 1, darker, 0x7FFFFF us.
    content = by_hand(3, 33, 1, 0x012345) + by_hand(0, 1, 0, 0x7FFFFF)
    assert content == bytes([3, 33, 0x81, 0x23, 0x45, 0, 1, 0x7F, 0xFF, 0xFF])
    (tmp_path / "a.bin").write_bytes(content)
    events = read_nmnist(tmp_path / "a.bin").samples[0]
    assert events[["x", "y", "t", "p"]].tolist() == [(3, 33, 0x12345, 1), (0, 1, 0x7FFFFF, 0)]
    sample = np.array([(3, 33, 0x12345, 1), (0, 1, 0x7FFFFF, 0)], EVENT)
    write_nmnist(tmp_path / "b", Recordings(samples=[sample], shape=(2, 34, 34), labels=[0]))
    assert (tmp_path / "b" / "0" / "00001.bin").read_bytes() == content


def test_rows_of_240_move_the_clock(tmp_path):
    content = by_hand(1, 1, 0, 8000) + by_hand(0, 240, 0, 0) + by_hand(2, 2, 1, 5)
    (tmp_path / "a.bin").write_bytes(content)
    assert read_nmnist(tmp_path / "a.bin").samples[0]["t"].tolist() == [8000, 8192 + 5]


def test_folders_are_classes_in_the_order_of_their_names(tmp_path):
    for name in ("7", "3"):
        for k in range(3):
            file = tmp_path / name / f"{k}.bin"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(by_hand(int(name), k, 0, 9))
    (tmp_path / "notes.txt").write_text("x")
    found = read_nmnist(tmp_path)
    assert (found.names, found.labels.tolist()) == (("3", "7"), [0, 0, 0, 1, 1, 1])
    assert [sample["x"][0] for sample in found] == [3, 3, 3, 7, 7, 7]
    assert read_nmnist(tmp_path, per_class=1).labels.tolist() == [0, 1]


BAD_BIN = {
    "truncated": (by_hand(1, 1, 0, 5)[:4], "truncated"),
    "empty": (b"", "empty"),
    "outside": (by_hand(34, 1, 0, 5), "x must be from 0 to 33"),
    "outside, row": (by_hand(1, 200, 0, 5), "y must be from 0 to 33"),
    "back": (by_hand(1, 1, 0, 5) + by_hand(1, 1, 0, 4), "ascending order, got 4 after 5"),
    "clock only": (by_hand(1, 240, 0, 5), "at least one event"),
}


@pytest.mark.parametrize(("content", "words"), BAD_BIN.values(), ids=BAD_BIN)
def test_bad_recordings_are_refused_by_file(tmp_path, content, words):
    file = tmp_path / "bad.bin"
    file.write_bytes(content)
    with pytest.raises(StorageError, match=words) as caught:
        read_nmnist(file)
    assert "bad.bin" in str(caught.value)


@pytest.mark.parametrize("reader", [read_nmnist, read_shd, read_ntidigits, read_fsdd])
def test_files_that_are_not_there(tmp_path, reader):
    with pytest.raises(StorageError, match="No such file"):
        reader(tmp_path / "missing")
    with pytest.raises(StorageError):
        reader(tmp_path)


def test_the_format_can_not_hold_everything(tmp_path):
    late = np.array([(0, 0, 2**23, 0)], EVENT)
    with pytest.raises(DescriptionError, match="23 bits"):
        write_nmnist(tmp_path / "a", Recordings(samples=[late], shape=(2, 34, 34), labels=[0]))
    with pytest.raises(DescriptionError, match="sensor"):
        write_nmnist(tmp_path / "a", Recordings(samples=[late], shape=(64,), labels=[0]))
    with pytest.raises(DescriptionError, match="shape"):
        read_nmnist(tmp_path, shape=(34, 34))
    assert not (tmp_path / "a").exists()


# -- recordings -----------------------------------------------------------------------------------

BAD_SAMPLES = {
    "no events": (np.zeros(0, EVENT), "at least one event"),
    "negative time": (np.array([(0, 0, -1, 0)], EVENT), "times must be >= 0"),
    "unsorted": (np.array([(0, 0, 2, 0), (0, 0, 1, 0)], EVENT), "ascending order"),
    "outside": (np.array([(0, 9, 0, 0)], EVENT), "y must be from 0 to 3"),
    "polarity": (np.array([(0, 0, 0, -1)], EVENT), "p must be from 0 to 1"),
    "no field": (np.array([(0, 0)], [("x", "i4"), ("t", "i4")]), "fields p, t, x, y"),
    "not structured": (np.zeros((2, 4)), "structured array"),
    "fractions": (np.array([(0, 0, 0.5, 0)], [(n, "f8") for n in "xytp"]), "whole numbers"),
    "nan": (np.array([(0, 0, np.nan, 0)], [(n, "f8") for n in "xytp"]), "whole numbers"),
}


@pytest.mark.parametrize(("sample", "words"), BAD_SAMPLES.values(), ids=BAD_SAMPLES)
def test_bad_samples_are_refused_by_number(sample, words):
    good = np.array([(0, 0, 0, 0)], EVENT)
    with pytest.raises(DescriptionError, match=words) as caught:
        Recordings(samples=[good, sample], shape=(2, 4, 4), labels=[0, 1])
    assert "samples[1]" in str(caught.value)


def test_structured_arrays_of_tonic_are_taken():
    """tonic's fields are of type int64; polarities are bool there, and a cochlea has no rows."""
    camera = np.array([(1, 2, 30, True)], [("x", int), ("y", int), ("t", int), ("p", bool)])
    made = Recordings(samples=[camera], shape=(2, 4, 4), labels=[3])
    assert made.samples[0][["x", "y", "t", "p"]].tolist() == [(1, 2, 30, 1)]
    cochlea = np.array([(30, 5, 1)], [("t", int), ("x", int), ("p", int)])
    made = Recordings(samples=[cochlea], shape=64, labels=[3])
    assert (made.shape, made.samples[0]["x"].tolist()) == ((64,), [5])


def test_labels_names_and_durations_fit():
    good = np.array([(0, 0, 2000, 0)], EVENT)
    for options, words in (
        ({"labels": [0, 1]}, "labels must be one for each of 1"),
        ({"labels": [2], "names": ["a"]}, "names must be one for each class"),
        ({"labels": [0], "durations": [2.0]}, "event at 2 ms"),
        ({"labels": [0], "durations": [9.0, 9.0]}, "durations must be one for each"),
    ):
        with pytest.raises(DescriptionError, match=words):
            Recordings(samples=[good], shape=(4, 4), **options)
    made = Recordings(samples=[good, good], shape=(4, 4), labels=[0, 1])
    assert made.durations.tolist() == [2.001, 2.001]
    assert made.take([1]).labels.tolist() == [1]
    with pytest.raises(DescriptionError, match="from 0 to 1"):
        made.take([2])


# -- HDF5 -----------------------------------------------------------------------------------------

TIMES = [[0.001, 0.25, 0.25], [0.5]]
UNITS = [[3, 699, 0], [12]]


def write_shd(path, times=TIMES, units=UNITS, labels=(1, 0), keys=(b"null", b"eins")):
    with h5py.File(path, "w") as file:
        for name, rows, kind in (("times", times, "f2"), ("units", units, "u2")):
            data = file.create_dataset(
                f"spikes/{name}", (len(rows),), h5py.vlen_dtype(np.dtype(kind))
            )
            for k, row in enumerate(rows):
                data[k] = np.array(row, kind)
        file["labels"] = np.array(labels, "u2")
        file["extra/keys"] = np.array(keys)
        file["extra/speaker"] = np.array([3, 4], "u2")


def test_heidelberg_digits(tmp_path):
    write_shd(tmp_path / "shd.h5")
    found = read_shd(tmp_path / "shd.h5")
    assert (found.shape, found.labels.tolist(), found.names) == ((700,), [1, 0], ("null", "eins"))
    assert [sample["x"].tolist() for sample in found] == UNITS
    # The file has half precision: 0.001 s is the nearest float16.
    first = round(float(np.float16(0.001)) * 1e6)
    assert [sample["t"].tolist() for sample in found] == [[first, 250000, 250000], [500000]]


BAD_SHD = {
    "channel": ({"units": [[3, 700, 0], [12]]}, "channels must be from 0 to 699, got 700"),
    "lengths": ({"units": [[3, 1], [12]]}, "the same lengths"),
    "labels": ({"labels": (1,)}, "the same lengths"),
    "back": ({"times": [[0.5, 0.25, 0.1], [0.5]]}, r"samples\[0\].*ascending order"),
    "negative": ({"times": [[-0.5, 0.25, 0.5], [0.5]]}, "times must be >= 0"),
    "nan": ({"times": [[np.nan, 0.25, 0.5], [0.5]]}, "finite"),
    "empty": ({"times": [[], [0.5]], "units": [[], [12]]}, r"samples\[0\].*at least one event"),
}


@pytest.mark.parametrize(("changes", "words"), BAD_SHD.values(), ids=BAD_SHD)
def test_bad_heidelberg_digits(tmp_path, changes, words):
    write_shd(tmp_path / "shd.h5", **changes)
    with pytest.raises(StorageError, match=words) as caught:
        read_shd(tmp_path / "shd.h5")
    assert "shd.h5" in str(caught.value)


def test_truncated_hdf5(tmp_path):
    write_shd(tmp_path / "shd.h5")
    content = (tmp_path / "shd.h5").read_bytes()
    for size in (0, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.h5").write_bytes(content[:size])
        for reader in (read_shd, read_ntidigits):
            with pytest.raises(StorageError, match=r"cut\.h5"):
                reader(tmp_path / "cut.h5")


def test_rows_that_share_their_data_are_refused(tmp_path):
    """Thousand references to one row of a megabyte would be a gigabyte of memory."""
    write_shd(tmp_path / "shd.h5", times=[np.arange(2000) / 4096], units=[np.zeros(2000)],
              labels=[0])  # fmt: skip
    content = bytearray((tmp_path / "shd.h5").read_bytes())
    with h5py.File(io.BytesIO(bytes(content)), "r") as file:
        offset = file["spikes/times"].id.get_offset()
    reference = bytes(content[offset : offset + 16])
    write_shd(tmp_path / "many.h5", times=[[0.0]] * 500, units=[[0]] * 500, labels=[0] * 500)
    with h5py.File(tmp_path / "many.h5", "r") as file:
        place = file["spikes/times"].id.get_offset()
    # All references of the second file lead to the longest row of its own heap.
    with h5py.File(tmp_path / "many.h5", "r+") as file:
        row = np.arange(2000) / 4096
        file["spikes/times"][0] = row.astype("f2")
    damaged = bytearray((tmp_path / "many.h5").read_bytes())
    first = bytes(damaged[place : place + 16])
    assert struct.unpack("<I", first[:4])[0] == struct.unpack("<I", reference[:4])[0] == 2000
    damaged[place : place + 16 * 500] = first * 500
    (tmp_path / "many.h5").write_bytes(damaged)
    with pytest.raises(StorageError, match="longer than the file"):
        read_shd(tmp_path / "many.h5")


def write_ntidigits(path, shift=0.0, address=63):
    with h5py.File(path, "w") as file:
        names = ["man-ae-1", "man-ae-1o", "woman-bc-z"]
        file["test_labels"] = np.array(names, "S")
        for k, name in enumerate(names):
            file[f"test_addresses/{name}"] = np.array([5, address, k], "i2")
            file[f"test_timestamps/{name}"] = np.array([0.001, 0.002, 0.5]) - shift


def test_ntidigits(tmp_path):
    write_ntidigits(tmp_path / "n.hdf5")
    found = read_ntidigits(tmp_path / "n.hdf5", part="test")
    assert [found.names[k] for k in found.labels] == ["1", "z"]
    assert [sample["x"].tolist() for sample in found] == [[5, 63, 0], [5, 63, 2]]
    assert found.samples[0]["t"].tolist() == [1000, 2000, 500000]
    assert "anumula2018feature" in bibtex(found.take([0]))
    every = read_ntidigits(tmp_path / "n.hdf5", part="test", single=False)
    assert [every.names[k] for k in every.labels] == ["1", "1o", "z"]
    with pytest.raises(StorageError, match="train_labels"):
        read_ntidigits(tmp_path / "n.hdf5")
    write_ntidigits(tmp_path / "n.hdf5", shift=0.1)
    with pytest.raises(StorageError, match="times must be >= 0"):
        read_ntidigits(tmp_path / "n.hdf5", part="test")
    write_ntidigits(tmp_path / "n.hdf5", address=64)
    with pytest.raises(StorageError, match="channels must be from 0 to 63, got 64"):
        read_ntidigits(tmp_path / "n.hdf5", part="test")


# -- spoken digits --------------------------------------------------------------------------------


def write_wave(path, wave, rate=8000):
    path.parent.mkdir(exist_ok=True, parents=True)
    wavfile.write(path, rate, np.asarray(wave))


def test_spoken_digits_from_folder_and_archive(tmp_path):
    waves = {}
    for digit, speaker, number in ((3, "theo", 10), (3, "theo", 4), (0, "jackson", 5)):
        name = f"{digit}_{speaker}_{number}.wav"
        waves[name] = np.array([0, -32768, 16384, number], np.int16)
        write_wave(tmp_path / "a" / "recordings" / name, waves[name])
    (tmp_path / "a" / "recordings" / "README.md").write_text("x")
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "a", "free-spoken-digits")
    for path in (tmp_path / "a", tmp_path / "a" / "recordings", tmp_path / "a.tar.xz"):
        found = read_fsdd(path)
        assert found.labels.tolist() == [0, 3, 3]
        assert found.speakers == ("jackson", "theo", "theo")
        assert found.numbers.tolist() == [5, 4, 10]
        assert found.is_test.tolist() == [False, True, False]
        assert found.rate == 8000.0
        assert found.sounds[1].tolist() == [0.0, -1.0, 0.5, 4 / 32768]


def test_bad_spoken_digits(tmp_path):
    name = tmp_path / "1_theo_0.wav"
    write_wave(name, np.zeros(100, np.int16))
    whole = name.read_bytes()
    for size in (0, 20, len(whole) - 50):
        name.write_bytes(whole[:size])
        with pytest.raises(StorageError, match=r"1_theo_0\.wav is not a complete wave file"):
            read_fsdd(tmp_path)
    name.write_bytes(whole)
    write_wave(tmp_path / "2_theo_0.wav", np.zeros(10, np.int16), rate=16000)
    with pytest.raises(StorageError, match="the same sampling rate, got 8000, 16000 Hz"):
        read_fsdd(tmp_path)
    (tmp_path / "a.tar").write_bytes(b"not an archive" * 100)
    with pytest.raises(StorageError, match=r"cannot read .*a\.tar"):
        read_fsdd(tmp_path / "a.tar")
