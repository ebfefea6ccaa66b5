"""Published task sequences on colour images: split CIFAR-100 and 5-Datasets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, PathName, check_fields, checked
from ...data import ColourImages, Images, read_cifar, read_images, read_notmnist, read_svhn
from ...errors import StorageError
from ...limits import require_memory
from .tasks import ClassSplit, Task, TaskSequence

__all__ = ["FiveDatasets", "split_cifar"]

_Path = Annotated[str | Path, PathName()]


class Scaling(NamedTuple):
    """Mean and standard deviation of each colour channel, for brightness from 0 to 1."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


CIFAR = Scaling((125.3 / 255, 123.0 / 255, 113.9 / 255), (63.0 / 255, 62.1 / 255, 66.7 / 255))
SVHN = Scaling((0.4377, 0.4438, 0.4728), (0.198, 0.201, 0.197))
MNIST = Scaling((0.1,), (0.2752,))
FASHION = Scaling((0.2190,), (0.3318,))
NOTMNIST = Scaling((0.4254,), (0.4501,))
_SIDE = 32


def scaled(images: NDArray[np.uint8], scaling: Scaling) -> NDArray[np.float32]:
    """Return images (n, 3, height, width) whose colours have mean 0 and deviation 1."""
    require_memory(4 * images.size, "Scaled images", "Use fewer images.")
    result = np.empty(images.shape, np.float32)
    for colour in range(images.shape[1]):
        k = colour % len(scaling.mean)
        table = (np.arange(256) / 255 - scaling.mean[k]) / scaling.deviation[k]
        result[:, colour] = table.astype(np.float32)[images[:, colour]]
    return result


def as_colour(data: Images) -> ColourImages:
    """Return grey images as 32 x 32 colour images with a dark frame and equal channels."""
    height, width = data.shape
    rows, columns = _SIDE - height, _SIDE - width
    frame = ((0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    grey = np.pad(data.images, frame)
    return ColourImages(np.repeat(grey[:, None], 3, axis=1), data.labels)


@checked
def split_cifar(path: _Path, classes: Annotated[int, Count()] = 10) -> ClassSplit:
    """Return the split CIFAR-100 (or CIFAR-10), whose tasks have classes in ascending order.

    Parameters
    ----------
    path : str or Path
        As in :func:`spikemem.data.read_cifar`.
    classes : int
        Number of classes of each task; 10 in the paper.

    Returns
    -------
    ClassSplit
        Samples are float32 (n, 3, 32, 32), scaled by the usual mean and deviation of each colour.
        The classes of each task are numbered from 0.

    Raises
    ------
    StorageError
        If the files cannot be read.
    DescriptionError
        If `classes` does not divide the number of classes.

    References
    ----------
    M. Xiao et al., ICLR 2024, arXiv 2402.11984 (10 tasks of 10 classes, each with its own head).
    """
    learnt, tested = (read_cifar(path, part) for part in ("train", "test"))
    return ClassSplit(
        scaled(learnt.images, CIFAR), learnt.labels, scaled(tested.images, CIFAR), tested.labels,
        classes,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class FiveDatasets(TaskSequence):
    """The published 5-Datasets: five data sets of ten classes, one after another.

    The tasks are CIFAR-10, MNIST, SVHN, FashionMNIST and notMNIST. Grey images get a dark frame of
    two pixels and are repeated in three colours. Each data set is scaled by its usual mean and
    deviation, and is read when its task is accessed.

    Parameters
    ----------
    cifar10 : str or Path
        As in :func:`spikemem.data.read_cifar`.
    mnist, mnist_test, fashion, fashion_test : str or Path
        As in :func:`spikemem.data.read_images`.
    svhn, svhn_test : str or Path
        As in :func:`spikemem.data.read_svhn`.
    notmnist, notmnist_test : str or Path
        As in :func:`spikemem.data.read_notmnist`; image files are read by
        :func:`spikemem.data.read_images`.

    Raises
    ------
    StorageError
        If the files of a task cannot be read or hold other images, when the task is accessed.

    References
    ----------
    S. Ebrahimi et al., "Adversarial continual learning", ECCV 2020.
    """

    cifar10: _Path
    mnist: _Path
    mnist_test: _Path
    svhn: _Path
    svhn_test: _Path
    fashion: _Path
    fashion_test: _Path
    notmnist: _Path
    notmnist_test: _Path

    def __post_init__(self) -> None:
        check_fields(self)

    def __len__(self) -> int:
        return 5

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: three colours, 32 rows, 32 columns."""
        return (3, _SIDE, _SIDE)

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Ten classes for each task."""
        return (10,) * 5

    def _make(self, index: int) -> Task:
        """Read the data set of one task."""
        names = ("CIFAR-10", "MNIST", "SVHN", "FashionMNIST", "notMNIST")
        scaling = (CIFAR, MNIST, SVHN, FASHION, NOTMNIST)[index]
        learnt, tested = self._read(index)
        for part in (learnt, tested):
            wrong = part.shape[1:] != (_SIDE, _SIDE) or (len(part) and part.labels.max() > 9)
            if wrong:
                raise StorageError(
                    f"FiveDatasets: {names[index]} must have images of 32 x 32 pixels and classes "
                    f"0 to 9, got {part.shape[1]} x {part.shape[2]} pixels and classes up to "
                    f"{part.labels.max(initial=0)}."
                )
        return Task(
            names[index], scaled(learnt.images, scaling), learnt.labels,
            scaled(tested.images, scaling), tested.labels, np.arange(10),
        )  # fmt: skip

    def _read(self, index: int) -> tuple[ColourImages, ColourImages]:
        if index == 0:
            return read_cifar(self.cifar10), read_cifar(self.cifar10, "test")
        if index == 2:
            return read_svhn(self.svhn), read_svhn(self.svhn_test)
        pairs = {1: (self.mnist, self.mnist_test), 3: (self.fashion, self.fashion_test)}
        first, second = pairs.get(index, (self.notmnist, self.notmnist_test))
        return _grey(first, letters=index == 4), _grey(second, letters=index == 4)


def _grey(path: str | Path, *, letters: bool) -> ColourImages:
    """Return the images of a file; letters can also be in a folder or an archive."""
    plain = str(path).lower().removesuffix(".gz").endswith((".npz", "ubyte", "idx"))
    data = read_notmnist(path) if letters and not plain else read_images(path)
    if max(data.shape) > _SIDE:
        raise StorageError(
            f"FiveDatasets: images must have at most {_SIDE} x {_SIDE} pixels, got {data.shape} in "
            f"{str(path)!r}."
        )
    return as_colour(data)
