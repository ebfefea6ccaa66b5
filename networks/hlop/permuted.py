"""Permuted images: in each task the pixels of all images are permuted in another way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Quantity, check_fields, checked
from ...data import Images
from ...errors import DescriptionError
from ...limits import require_memory
from .task import Task, TaskSequence

__all__ = ["DEVIATION", "MEAN", "PUBLISHED_SEED", "PermutedImages", "published_permutation"]

MEAN, DEVIATION = 0.1307, 0.3081
"""Mean and standard deviation of the brightness of MNIST, from 0 to 1."""

PUBLISHED_SEED = 2022
_STRIDE = 100
_TEST_PART = 6
"""Without test images, the last sixth is held out: 10,000 of the 60,000 images of MNIST."""


@checked
def published_permutation(
    task: Annotated[int, Count(low=0)],
    size: Annotated[int, Count()] = 784,
    *,
    n_tasks: Annotated[int, Count(high=100_000)] = 10,
    seed: Annotated[int, Count(low=0, high=2**31)] = PUBLISHED_SEED,
) -> NDArray[np.int64]:
    """Return the permutation of pixels of one task of the published permuted MNIST.

    Pixel `i` of the task is pixel ``permutation[i]`` of the image. All tasks are permuted,
    including the first one.

    Parameters
    ----------
    task : int
        Number of the task.
    size : int
        Number of pixels.
    n_tasks : int
        Number of tasks. With up to ten tasks, the permutations are the published ones.
    seed : int
        Seed of the permutations; 2022 in the paper.

    Returns
    -------
    ndarray of int64, shape (size,)

    Raises
    ------
    DescriptionError
        If `task` is not below `n_tasks`.

    References
    ----------
    M. Xiao et al., ICLR 2024, arXiv 2402.11984 (the benchmark of gradient projection memory, Saha
    et al., ICLR 2021, with another seed).

    Examples
    --------
    >>> published_permutation(0)[:4]
    array([745, 491, 157, 422])
    """
    if task >= n_tasks:
        raise DescriptionError(
            f"published_permutation: task must be from 0 to {n_tasks - 1}, got {task}."
        )
    require_memory(16 * size, "A permutation", "Use fewer pixels.")
    seeds = _shuffled(max(n_tasks, 10), seed)
    return _shuffled(size, (int(seeds[task]) * max(_STRIDE, n_tasks) + task) % 2**32)


def _shuffled(size: int, seed: int) -> NDArray[np.int64]:
    """Return the result of ``sklearn.utils.shuffle(arange(size), random_state=seed)``."""
    rows = np.arange(size, dtype=np.int64)
    np.random.RandomState(seed).shuffle(rows)
    return rows


@dataclass(frozen=True, eq=False, repr=False)
class PermutedImages(TaskSequence):
    """Permuted images: each task has its own permutation of the pixels of all images.

    Parameters
    ----------
    images : Images
        Training images.
    n_tasks : int
        Number of tasks.
    test : Images, optional
        Test images. Default: the last sixth of `images`, which are then not used for training.
    seed : int
        Seed of the permutations; see :func:`published_permutation`.
    mean, deviation : float
        Brightness `b`, from 0 to 1, becomes ``(b - mean) / deviation``. Default: values of MNIST.

    Raises
    ------
    DescriptionError
        If images have different sizes, or there are too few.

    Examples
    --------
    >>> from spikemem.data import read_images
    >>> tasks = PermutedImages(read_images("digits"), 3)
    >>> len(tasks), tasks[0].x.shape, tasks[0].test_x.shape, tasks.test_is_held_out
    (3, (1498, 64), (299, 64), True)
    """

    images: Images
    n_tasks: Annotated[int, Count(high=100_000)] = 10
    test: Images | None = None
    seed: Annotated[int, Count(low=0, high=2**31)] = PUBLISHED_SEED
    mean: Annotated[float, Quantity()] = MEAN
    deviation: Annotated[float, Quantity(above=0.0)] = DEVIATION

    def __post_init__(self) -> None:
        check_fields(self)
        test = self.test
        learnt, tested = self.split
        if test is not None and test.shape != self.images.shape:
            raise DescriptionError(
                f"PermutedImages: test must have images of {self.images.shape} pixels, got "
                f"{test.shape}."
            )
        if not len(learnt) or not len(tested):
            raise DescriptionError(
                f"PermutedImages: images and test must have at least one image each, got "
                f"{len(learnt)} for training and {len(tested)} for testing."
            )

    def __len__(self) -> int:
        return self.n_tasks

    @property
    def test_is_held_out(self) -> bool:
        """Whether the test images are the last sixth of `images`."""
        return self.test is None

    @property
    def split(self) -> tuple[Images, Images]:
        """Training images and test images."""
        if self.test is not None:
            return self.images, self.test
        n = len(self.images) - len(self.images) // _TEST_PART
        return self.images[:n], self.images[n:]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: ``(n_pixels,)``."""
        return (self.images.shape[0] * self.images.shape[1],)

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each task, the same for all."""
        return (int(max(part.labels.max() for part in self.split)) + 1,) * self.n_tasks

    def _make(self, index: int) -> Task:
        """Make one task."""
        n_pixels = self.sample_shape[0]
        order = published_permutation(index, n_pixels, n_tasks=self.n_tasks, seed=self.seed)
        learnt, tested = self.split
        return Task(
            f"permutation {index}", self._pixels(learnt, order), learnt.labels,
            self._pixels(tested, order), tested.labels, np.arange(self.n_classes[0]),
        )  # fmt: skip

    def _pixels(self, part: Images, order: NDArray[np.int64]) -> NDArray[np.float32]:
        white = float(part.brightest or 255)
        # A table of 256 values is exact, and ten times faster than arithmetic on every pixel.
        table = ((np.arange(256) / white - self.mean) / self.deviation).astype(np.float32)
        flat = part.images.reshape(len(part), -1)
        require_memory(4 * flat.size, "A task", "Use fewer images.")
        return np.asarray(table[flat[:, order]])
