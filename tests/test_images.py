"""Labelled images from MNIST's files, npz files and scikit-learn's digits."""

from __future__ import annotations

import copy
import gzip
import os
import pickle
import struct

import numpy as np
import pytest

import spikemem as sm
from spikemem import limits
from spikemem.data import Images, read_images
from spikemem.errors import DescriptionError, StorageError

PIXELS = np.random.default_rng(0).integers(0, 256, size=(7, 5, 4)).astype(np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 3], np.uint8)


def idx(array):
    """The bytes of an idx file, as the format's description says."""
    head = struct.pack(">HBB", 0, 8, array.ndim)
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """Path of the images; the labels are beside them."""
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(idx(PIXELS))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS))
    return path


def is_the_set(data):
    np.testing.assert_array_equal(data.images, PIXELS)
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.images.dtype == np.uint8
    assert data.labels.dtype == np.int64
    assert data.brightest == 255


def test_idx_files(mnist):
    is_the_set(read_images(mnist))
    is_the_set(read_images(str(mnist)))


@pytest.mark.parametrize("packed", ["both", "images", "labels"])
def test_compressed_idx_files(mnist, packed):
    images = mnist
    if packed != "labels":
        images = mnist.with_name(mnist.name + ".gz")
        images.write_bytes(gzip.compress(mnist.read_bytes()))
        mnist.unlink()
    if packed != "images":
        labels = mnist.with_name("t10k-labels-idx1-ubyte")
        labels.with_name(labels.name + ".gz").write_bytes(gzip.compress(labels.read_bytes()))
        labels.unlink()
    is_the_set(read_images(images))


def test_names_with_a_dot(tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(LABELS))
    is_the_set(read_images(tmp_path / "train-images.idx3-ubyte"))


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz(tmp_path, write):
    write(tmp_path / "a.npz", images=PIXELS, labels=LABELS, more=np.arange(3))
    is_the_set(read_images(tmp_path / "a.npz"))
    write(tmp_path / "b.npz", images=np.asfortranarray(PIXELS.astype(np.int32)), labels=LABELS)
    is_the_set(read_images(tmp_path / "b.npz"))


def test_npz_of_bool(tmp_path):
    np.savez(tmp_path / "a.npz", images=PIXELS > 127, labels=LABELS)
    data = read_images(tmp_path / "a.npz")
    assert data.brightest == 1
    np.testing.assert_array_equal(data.images, PIXELS > 127)


def test_digits():
    from sklearn.datasets import load_digits

    data, expected = sm.data.read_images("digits"), load_digits()
    np.testing.assert_array_equal(data.images, expected.images)
    np.testing.assert_array_equal(data.labels, expected.target)
    assert data.brightest == expected.images.max() == 16
    assert data.shape == (8, 8)


def test_every_truncated_file_is_refused(mnist, tmp_path):
    whole, small = mnist.read_bytes(), tmp_path / "small.npz"
    np.savez(small, images=PIXELS[:2, :2, :2], labels=LABELS[:2])
    packed, pack = gzip.compress(whole), mnist.with_name(mnist.name + ".gz")
    zipped = small.read_bytes()
    for path, content in ((mnist, whole), (pack, packed), (small, zipped)):
        for end in range(0, len(content), 7):
            path.write_bytes(content[:end])
            with pytest.raises(StorageError, match=f"read_images: cannot read '{path}': "):
                read_images(path)


def test_damaged_files_are_read_or_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=PIXELS, labels=LABELS)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            read_images(path)
        except StorageError:
            refused += 1
    assert refused > 150


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither an idx file of images nor an .npz file"),
        (b"hello, this is text", "neither an idx file"),
        (idx(LABELS), "neither an idx file of images"),
        (idx(PIXELS) + b"\0", "too long"),
        (idx(PIXELS)[:-1], r"too short: its header says \(7, 5, 4\), which is 140 bytes"),
        (idx(PIXELS)[:10], "ends within its header"),
        (b"\x1f\x8bnot really compressed", "damaged or of another kind"),
        (gzip.compress(b"PK", mtime=0), "neither an idx file"),
        (b"PK\x03\x04 no archive", "damaged or of another kind"),
    ],
)
def test_foreign_files_are_refused(mnist, content, reason):
    mnist.write_bytes(content)
    with pytest.raises(StorageError, match=reason):
        read_images(mnist)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"images": PIXELS}, r"no array labels \(it has: images\)"),
        ({"x": PIXELS, "y": LABELS}, r"no array images and no labels \(it has: x, y\)"),
        ({"images": PIXELS / 255, "labels": LABELS}, "whole numbers from 0 to 255"),
        ({"images": PIXELS.astype(int) - 9, "labels": LABELS}, "whole numbers from 0 to 255"),
        ({"images": PIXELS.reshape(7, 20), "labels": LABELS}, r"shape \(n_images, height, width\)"),
        ({"images": PIXELS, "labels": LABELS[1:]}, r"shape \(7,\), one for each image"),
        ({"images": PIXELS, "labels": -LABELS.astype(int)}, "at least 0"),
        ({"images": np.array([{}, 1]), "labels": LABELS}, "must be numbers, got object"),
        ({"images": np.array(["a"]), "labels": LABELS}, "must be numbers"),
    ],
)
def test_npz_of_other_things_is_refused(tmp_path, arrays, reason):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(StorageError, match=reason):
        read_images(tmp_path / "a.npz")


def test_labels_are_found_or_named(mnist):
    labels = mnist.with_name("t10k-labels-idx1-ubyte")
    labels.write_bytes(idx(LABELS[:3]))
    with pytest.raises(StorageError, match=r"labels-idx1-ubyte.*shape \(7,\), one for each"):
        read_images(mnist)
    labels.write_bytes(idx(PIXELS))
    with pytest.raises(StorageError, match="neither an idx file of labels"):
        read_images(mnist)
    labels.unlink()
    with pytest.raises(StorageError, match=r"put 't10k-labels-idx1-ubyte' or .* beside it"):
        read_images(mnist)
    other = mnist.with_name("pictures")
    mnist.rename(other)
    with pytest.raises(StorageError, match="a file named like MNIST's"):
        read_images(other)


def test_no_regular_file(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        read_images(tmp_path / "none.npz")
    with pytest.raises(StorageError, match="it is a folder"):
        read_images(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="it is a FIFO"):
        read_images(tmp_path / "pipe")


@pytest.mark.parametrize("kind", ["idx", "gz", "npz"])
def test_sizes_are_looked_at_before_memory_is_taken(mnist, tmp_path, monkeypatch, kind):
    """A header that claims 400 TB in a file of a few bytes."""
    monkeypatch.setattr(limits, "available_memory", lambda: 2**40)
    path = mnist
    if kind == "npz":
        import zipfile

        path = tmp_path / "a.npz"
        shape = (2**31, 500, 400)
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("images", "labels"):
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array_header_1_0(
                        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
                    )
    else:
        head = struct.pack(">HBB3I", 0, 8, 3, 2**31, 500, 400)
        path.write_bytes(head if kind == "idx" else gzip.compress(head))
    with pytest.raises(StorageError, match="its content would take at least 391 TiB of memory"):
        read_images(path)


def test_images_are_checked_and_read_only():
    data = Images(PIXELS.tolist(), LABELS.tolist())
    is_the_set(data)
    is_the_set(copy.deepcopy(data))
    is_the_set(pickle.loads(pickle.dumps(data)))
    with pytest.raises(ValueError, match="read-only"):
        data.images[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        data.labels[0] = 1
    with pytest.raises(DescriptionError, match="Images: images must be an array of numbers"):
        Images([[1], [1, 2]], [0])
    with pytest.raises(DescriptionError, match="brightest must be"):
        Images(PIXELS, LABELS, brightest=0)
    assert "7 × 5 × 4" in repr(data)


def test_parts():
    data = Images(PIXELS, LABELS, brightest=200)
    np.testing.assert_array_equal(data[2:4].images, PIXELS[2:4])
    np.testing.assert_array_equal(data[[5, 0]].labels, [9, 3])
    np.testing.assert_array_equal(data[LABELS == 1].images, PIXELS[LABELS == 1])
    assert data[-1].labels.tolist() == [3]
    assert data[2:4].brightest == 200
    first = data.per_class(1)
    np.testing.assert_array_equal(first.images, PIXELS[[0, 1, 2, 4, 5]])
    np.testing.assert_array_equal(first.labels, [3, 1, 4, 5, 9])
    with pytest.raises(DescriptionError, match=r"per_class: n must be at most 1"):
        data.per_class(2)
    with pytest.raises(DescriptionError, match="indices from 0 to 6"):
        data[7]
    with pytest.raises(DescriptionError, match="got 'a'"):
        data["a"]
