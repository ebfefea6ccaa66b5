"""The published sequences of tasks on colour images, on small files made here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat
from test_colour_images import RNG, pixels, write_cifar10, write_letters

from spikemem.errors import DescriptionError, StorageError
from spikemem.networks.hlop.published import FiveDatasets, split_cifar


def write_idx(path, images, labels):
    """Images and labels as MNIST's authors store them."""
    for name, magic, array in (("images-idx3", 3, images), ("labels-idx1", 1, labels)):
        head = bytes([0, 0, 8, magic]) + np.array(array.shape, ">u4").tobytes()
        (path / f"{name}-ubyte").write_bytes(head + array.astype(np.uint8).tobytes())
    return path / "images-idx3-ubyte"


@pytest.fixture
def files(tmp_path):
    write_cifar10(tmp_path / "cifar")
    labels = np.arange(4)
    grey = RNG.integers(0, 256, (4, 28, 28)).astype(np.uint8)
    mnist, fashion = tmp_path / "mnist", tmp_path / "fashion"
    mnist.mkdir()
    fashion.mkdir()
    street = RNG.integers(0, 256, (32, 32, 3, 4)).astype(np.uint8)
    savemat(tmp_path / "street.mat", {"X": street, "y": np.array([[10], [1], [2], [3]], np.uint8)})
    write_letters(tmp_path / "letters")
    np.savez(tmp_path / "letters.npz", images=grey, labels=labels)
    paths = {
        "cifar10": tmp_path / "cifar",
        "mnist": write_idx(mnist, grey, labels),
        "svhn": tmp_path / "street.mat",
        "fashion": write_idx(fashion, 255 - grey, labels),
        "notmnist": tmp_path / "letters",
    }
    paths |= {f"{name}_test": path for name, path in paths.items() if name != "cifar10"}
    return paths | {"notmnist_test": tmp_path / "letters.npz"}, grey, street


def test_five_data_sets(files):
    paths, grey, street = files
    tasks = FiveDatasets(**paths)
    assert len(tasks) == len(tasks.n_classes) == 5
    names = [task.name for task in tasks]
    assert names == ["CIFAR-10", "MNIST", "SVHN", "FashionMNIST", "notMNIST"]
    assert all(task.x.shape[1:] == tasks.sample_shape == (3, 32, 32) for task in tasks)
    mnist = tasks[1].x
    assert np.array_equal(mnist[:, 0], mnist[:, 2])
    np.testing.assert_allclose(mnist[:, 1, 2:30, 2:30], (grey / 255 - 0.1) / 0.2752, atol=1e-6)
    np.testing.assert_allclose(mnist[:, 1, :2], -0.1 / 0.2752, rtol=1e-5)
    np.testing.assert_allclose(
        tasks[2].test_x[3, 1], (street[:, :, 1, 3] / 255 - 0.4438) / 0.201, atol=1e-5
    )
    assert tasks[2].y.tolist() == [0, 1, 2, 3]
    assert tasks[4].y.tolist() == [0, 0, 1, 1]
    assert tasks[4].test_y.tolist() == [0, 1, 2, 3]


def test_other_images_in_these_files(files, tmp_path):
    paths, _, _ = files
    np.savez(tmp_path / "big.npz", images=np.zeros((2, 40, 30), np.uint8), labels=[0, 1])
    with pytest.raises(StorageError, match="at most 32 x 32 pixels"):
        FiveDatasets(**{**paths, "mnist": tmp_path / "big.npz"})[1]
    np.savez(tmp_path / "more.npz", images=np.zeros((2, 28, 28), np.uint8), labels=[0, 10])
    with pytest.raises(StorageError, match=r"classes 0 to 9, got .* up to 10"):
        FiveDatasets(**{**paths, "fashion": tmp_path / "more.npz"})[3]
    with pytest.raises(StorageError, match="No such file"):
        FiveDatasets(**{**paths, "svhn_test": tmp_path / "none.mat"})[2]
    with pytest.raises(DescriptionError, match="cifar10 must be a str or Path"):
        FiveDatasets(**{**paths, "cifar10": 5})


def test_split_cifar(tmp_path):
    data, labels = pixels(12), np.arange(12) % 6
    for name in ("train.bin", "test.bin"):
        rows = np.hstack([np.zeros((12, 1), np.uint8), labels[:, None].astype(np.uint8), data])
        (tmp_path / name).write_bytes(rows.astype(np.uint8).tobytes())
    tasks = split_cifar(tmp_path, 3)
    assert [task.classes.tolist() for task in tasks] == [[0, 1, 2], [3, 4, 5]]
    expected = (data[3].reshape(3, 32, 32)[2] / 255 - 113.9 / 255) / (66.7 / 255)
    np.testing.assert_allclose(tasks[1].x[0, 2], expected, atol=1e-5)
