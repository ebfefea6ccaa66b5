"""Readers of colour images, on small files in the formats of their authors."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import pickletools
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from spikemem.data import ColourImages, read_cifar, read_notmnist, read_svhn
from spikemem.data.plain_pickle import NotPlain, PackedArray, read_plain_pickle
from spikemem.errors import DescriptionError, StorageError

RNG = np.random.default_rng(0)


def pixels(n: int) -> np.ndarray:
    return RNG.integers(0, 256, (n, 3072)).astype(np.uint8)


def write_cifar10(folder, n=4, protocol=2):
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        found[name] = pixels(n), RNG.integers(0, 10, n).tolist()
        content = {b"batch_label": b"x", b"labels": found[name][1], b"data": found[name][0],
                   b"filenames": [b"a.png"] * n}  # fmt: skip
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
    return found


def pack(folder, archive):
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, arcname=folder.name)
    return archive


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_python_version_of_cifar10(tmp_path, protocol):
    folder = tmp_path / "cifar-10-batches-py"
    found = write_cifar10(folder, protocol=protocol)
    archive = pack(folder, tmp_path / "cifar-10-python.tar.gz")
    for place in (folder, tmp_path, archive):
        data = read_cifar(place)
        assert data.images.shape == (20, 3, 32, 32)
        assert data.labels.tolist() == [
            label for k in range(1, 6) for label in found[f"data_batch_{k}"][1]
        ]
        # Row 5 of the second colour of image 6, the third of the second file.
        assert np.array_equal(
            data.images[6, 1, 5], found["data_batch_2"][0][2, 1024 + 160 : 1024 + 192]
        )
    assert read_cifar(folder, "test").labels.tolist() == found["test_batch"][1]


def test_python_version_of_cifar100(tmp_path):
    data, fine, coarse = pixels(6), [99, 5, 0, 7, 50, 3], [19, 1, 0, 2, 3, 4]
    for name in ("train", "test"):
        content = {"data": data, "fine_labels": fine, "coarse_labels": coarse}
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol=2))
    assert read_cifar(tmp_path).labels.tolist() == fine
    assert read_cifar(tmp_path, "test", labels="coarse").labels.tolist() == coarse
    assert np.array_equal(read_cifar(tmp_path).images.reshape(6, -1), data)


def test_binary_versions(tmp_path):
    data, labels = pixels(3), np.array([[7], [0], [9]], np.uint8)
    for name in [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]:
        (tmp_path / name).write_bytes(np.hstack([labels, data]).tobytes())
    found = read_cifar(tmp_path)
    assert found.labels.tolist() == [7, 0, 9] * 5
    assert np.array_equal(found.images.reshape(15, -1)[12:], data)
    other = tmp_path / "cifar-100-binary"
    other.mkdir()
    two = np.hstack([labels, labels + 20, data])
    for name in ("train.bin", "test.bin"):
        (other / name).write_bytes(two.tobytes())
    assert read_cifar(other).labels.tolist() == [27, 20, 29]
    assert read_cifar(other, labels="coarse").labels.tolist() == [7, 0, 9]
    (other / "train.bin").write_bytes(two.tobytes()[:-1])
    with pytest.raises(StorageError, match="not a whole number of images of 3074 bytes"):
        read_cifar(other)


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def test_no_pickle_runs_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cifar"
    write_cifar10(folder)
    for thing in (Evil(), {"data": Evil()}, eval, {"labels": Images, "data": 1}):
        (folder / "data_batch_3").write_bytes(pickle.dumps(thing))
        with pytest.raises(StorageError, match=r"'data_batch_3': it would call .*does not need"):
            read_cifar(folder)
    assert not (tmp_path / "evil").exists()


class Images:
    """A class of this module."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "does not hold a dict"),
        ({"labels": [1]}, "no entry 'data'"),
        ({"data": np.zeros((1, 3072), np.uint8)}, "no entry 'labels'"),
        ({"data": [1], "labels": [1]}, "data are not an array"),
        ({"data": np.zeros((1, 3072)), "labels": [1]}, "must be uint8"),
        ({"data": np.zeros((2, 30), np.uint8), "labels": [1, 1]}, r"shape \(n, 3072\)"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "a label for each of 2"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [-1]}, "at least 0"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": ["a"]}, "labels of the file"),
        ({"data": np.array([{}]), "labels": [1]}, "array without numbers"),
    ],
)
def test_pickles_of_other_data(tmp_path, content, message):
    write_cifar10(tmp_path, n=1)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(StorageError, match=message):
        read_cifar(tmp_path)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        read_cifar(tmp_path / "nothing")
    with pytest.raises(StorageError, match="none of the files of CIFAR-10 or CIFAR-100"):
        read_cifar(tmp_path)
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_2").unlink()
    with pytest.raises(StorageError, match="'data_batch_2' is missing"):
        read_cifar(tmp_path)
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(StorageError, match="neither a folder nor an archive"):
        read_cifar(tmp_path / "text.tar.gz")
    good = (tmp_path / "data_batch_1").read_bytes()
    for cut in (0, 3, 50, len(good) // 2, len(good) - 1):
        (tmp_path / "test_batch").write_bytes(good[:cut])
        with pytest.raises(StorageError, match="test_batch"):
            read_cifar(tmp_path, "test")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(-9, 9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner)
    | st.lists(inner, max_size=4).map(tuple),
)  # fmt: skip


@given(PLAIN, st.integers(0, 5))
def test_plain_data_are_read_as_pickle_reads_them(value, protocol):
    assert read_plain_pickle(pickle.dumps(value, protocol=protocol)) == value


@given(
    st.sampled_from(["u1", "<i8", ">f4", "i2", "?"]),
    st.lists(st.integers(0, 3), max_size=3), st.integers(1, 5), st.booleans(),
)  # fmt: skip
def test_arrays_are_read_as_pickle_reads_them(kind, shape, protocol, fortran):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind)
    array = np.asfortranarray(array) if fortran else array
    found = read_plain_pickle(pickle.dumps(array, protocol=protocol))
    assert isinstance(found, PackedArray)
    assert found.array().dtype == array.dtype
    assert np.array_equal(found.array(), array)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content):
    with contextlib.suppress(NotPlain):
        read_plain_pickle(content)


@given(st.lists(st.sampled_from([op.code for op in pickletools.opcodes]), max_size=12))
def test_any_instructions_are_read_or_refused(codes):
    with contextlib.suppress(NotPlain):
        read_plain_pickle("".join(codes).encode("latin-1") + b"\x01" * 8 + b".")


def test_street_view_digits(tmp_path):
    images = RNG.integers(0, 256, (32, 32, 3, 5)).astype(np.uint8)
    savemat(tmp_path / "a.mat", {"X": images, "y": np.array([[10], [1], [9], [2], [3]], np.uint8)})
    data = read_svhn(tmp_path / "a.mat")
    assert data.labels.tolist() == [0, 1, 9, 2, 3]
    assert data.shape == (3, 32, 32)
    assert np.array_equal(data.images[4, 2], images[:, :, 2, 4])
    content = (tmp_path / "a.mat").read_bytes()
    bad = {
        "b": ({"X": images}, "no array 'y'"),
        "c": ({"X": images.astype(float), "y": [1]}, "X must be uint8"),
        "d": ({"X": images, "y": np.array([[1]])}, "a label for each of 5 images"),
        "e": ({"X": images[:, :, 0], "y": np.array([[1]])}, "X must be uint8 of shape"),
    }
    for name, (arrays, message) in bad.items():
        savemat(tmp_path / f"{name}.mat", arrays)
        with pytest.raises(StorageError, match=message):
            read_svhn(tmp_path / f"{name}.mat")
    for cut in (0, 100, 200, 5000):
        (tmp_path / "cut.mat").write_bytes(content[:cut])
        with pytest.raises(StorageError, match=r"not a MATLAB 5 file|no array"):
            read_svhn(tmp_path / "cut.mat")


def write_letters(folder, size=28):
    kept = {}
    for letter in "BA":
        (folder / letter).mkdir(parents=True)
        for name in ("y", "x"):
            kept[letter, name] = RNG.integers(0, 256, (size, size)).astype(np.uint8)
            Image.fromarray(kept[letter, name]).save(folder / letter / f"{name}.png")
    (folder / "A" / "empty.png").touch()
    return kept


def test_letters(tmp_path):
    folder = tmp_path / "notMNIST_small"
    kept = write_letters(folder)
    for place in (folder, tmp_path, pack(folder, tmp_path / "a.tar.gz")):
        data = read_notmnist(place)
        assert data.labels.tolist() == [0, 0, 1, 1]
        assert np.array_equal(data.images[2], kept["B", "x"])
    (folder / "A" / "x.png").write_bytes(b"\x89PNG but damaged")
    with pytest.raises(StorageError, match=r"'A/x.png' is not a PNG, or is damaged"):
        read_notmnist(folder)
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(folder / "A" / "x.png")
    with pytest.raises(StorageError, match="all images must have the same size"):
        read_notmnist(folder)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((3000, 3000), np.uint8)).save(buffer, "PNG")
    (folder / "A" / "x.png").write_bytes(buffer.getvalue())
    with pytest.raises(StorageError, match="too large"):
        read_notmnist(folder)
    (tmp_path / "none").mkdir()
    with pytest.raises(StorageError, match=r"no files like 'A/name.png'"):
        read_notmnist(tmp_path / "none")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 3, 4, 4)), [0, 1], "must be uint8"),
        (np.zeros((2, 4, 4), np.uint8), [0, 1], "must be uint8 of shape"),
        (np.zeros((2, 3, 0, 4), np.uint8), [0, 1], "must have pixels"),
        (np.zeros((2, 3, 4, 4), np.uint8), [0], r"labels must be whole numbers of shape \(2,\)"),
    ],
)
def test_bad_colour_images(images, labels, message):
    with pytest.raises(DescriptionError, match=message):
        ColourImages(images, labels)
    good = ColourImages(np.zeros((2, 3, 4, 4), np.uint8), [5, 6])
    assert good[1:].labels.tolist() == [6]
    with pytest.raises(DescriptionError, match="indices from 0 to 1"):
        good[7]
