"""Task sequences: permuted images, class splits, and tasks that are learnt again.

A sequence makes a task when it is accessed, so that only one task needs memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import (
    AnyValue,
    Count,
    Each,
    Flag,
    Quantity,
    Text,
    check_fields,
    checked,
)
from ...data import Images
from ...errors import DescriptionError, shown
from ...frozen import Frozen, Short, read_only
from ...limits import require_memory
from ...streams import Seed, stream

__all__ = [
    "ClassSplit",
    "PermutedImages",
    "Task",
    "TaskSequence",
    "published_permutation",
    "returning_order",
]

MEAN, DEVIATION = 0.1307, 0.3081
"""Mean and standard deviation of the brightness of MNIST, from 0 to 1."""

PUBLISHED_SEED = 2022
_STRIDE = 100
_TEST_PART = 6
"""Without test images, the last sixth is held out: 10,000 of the 60,000 images of MNIST."""

_Labels = Annotated[Any, AnyValue()]


@dataclass(frozen=True, eq=False)
class Task(Frozen):
    """Training samples and test samples.

    Parameters
    ----------
    name : str
        Name of the task.
    x, test_x : array_like, shape (n, ...)
        Samples, all of the same shape.
    y, test_y : array_like of int, shape (n,)
        Class of each sample, at least 0.
    classes : array_like of int, optional
        Class in the data set for each class of the task. Default: 0, 1, ...

    Raises
    ------
    DescriptionError
        If samples have different shapes, there is not one label for each sample, or values are not
        finite.
    """

    name: Annotated[str, Text()]
    x: Annotated[NDArray[np.float32], AnyValue()]
    y: _Labels
    test_x: Annotated[NDArray[np.float32], AnyValue()]
    test_y: _Labels
    classes: Annotated[Any, AnyValue()] = None

    def __post_init__(self) -> None:
        check_fields(self)
        for part in ("", "test_"):
            x = to_samples(getattr(self, f"{part}x"), f"Task: {part}x")
            y = to_classes(getattr(self, f"{part}y"), len(x), f"Task: {part}y")
            object.__setattr__(self, f"{part}x", read_only(x))
            object.__setattr__(self, f"{part}y", read_only(y))
        if self.x.shape[1:] != self.test_x.shape[1:]:
            raise DescriptionError(
                f"Task: x and test_x must have samples of the same shape, got {self.x.shape[1:]} "
                f"and {self.test_x.shape[1:]}."
            )
        highest = max((int(y.max()) for y in (self.y, self.test_y) if len(y)), default=-1)
        values = np.arange(highest + 1) if self.classes is None else self.classes
        classes = to_classes(values, None, "Task: classes")
        if highest >= len(classes):
            raise DescriptionError(
                f"Task: y and test_y must be from 0 to {len(classes) - 1}, one of the classes, "
                f"got {highest}."
            )
        object.__setattr__(self, "classes", read_only(classes))

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


class TaskSequence(Short):
    """Base of task sequences, with ``len(tasks)``, ``tasks[i]`` and iteration."""

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        raise NotImplementedError

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each task."""
        raise NotImplementedError

    def _make(self, index: int) -> Task:
        """Make one task; `index` is from 0 to the number of tasks - 1."""
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Any:
        """Return one task, or a list of tasks for a slice."""
        if isinstance(index, slice):
            return [self._make(k) for k in range(len(self))[index]]
        try:
            return self._make(range(len(self))[index])
        except (TypeError, IndexError):
            raise DescriptionError(
                f"{type(self).__name__}: the index must be an int from 0 to {len(self) - 1} or a "
                f"slice, got {shown(index)}."
            ) from None

    def __iter__(self) -> Iterator[Task]:
        return (self._make(k) for k in range(len(self)))


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


@dataclass(frozen=True, eq=False, repr=False)
class ClassSplit(TaskSequence):
    """Data set split into tasks with some classes each.

    Parameters
    ----------
    x, test_x : array_like, shape (n, ...)
        Samples of any shape.
    y, test_y : array_like of int, shape (n,)
        Class of each sample.
    classes : int, or sequence of sequences of int
        Number of classes of each task, in ascending order; or the classes of each task.
    relabel : bool
        Whether the classes of each task are numbered 0, 1, ... in the order of `classes`, as a
        network with one head for each task requires. If false, they keep their numbers.

    Raises
    ------
    DescriptionError
        If samples and labels do not match, a class is in two tasks or has no samples, or the number
        of classes is not a multiple of `classes`.

    Examples
    --------
    >>> x, y = np.eye(8), [0, 1, 2, 3, 0, 1, 2, 3]
    >>> tasks = ClassSplit(x, y, x, y, classes=2)
    >>> len(tasks), tasks[1].classes.tolist(), tasks[1].y.tolist()
    (2, [2, 3], [0, 1, 0, 1])
    """

    x: Annotated[Any, AnyValue()]
    y: _Labels
    test_x: Annotated[Any, AnyValue()]
    test_y: _Labels
    classes: Annotated[Any, AnyValue()] = 2
    relabel: Annotated[bool, Flag()] = True

    def __post_init__(self) -> None:
        check_fields(self)
        for part in ("", "test_"):
            x = to_samples(getattr(self, f"{part}x"), f"ClassSplit: {part}x")
            y = to_classes(getattr(self, f"{part}y"), len(x), f"ClassSplit: {part}y")
            object.__setattr__(self, f"{part}x", read_only(x))
            object.__setattr__(self, f"{part}y", read_only(y))
        if self.x.shape[1:] != self.test_x.shape[1:]:
            raise DescriptionError(
                f"ClassSplit: x and test_x must have samples of the same shape, got "
                f"{self.x.shape[1:]} and {self.test_x.shape[1:]}."
            )
        object.__setattr__(self, "classes", _groups(self.classes, self.y))
        for part in ("y", "test_y"):
            present = set(np.unique(getattr(self, part)).tolist())
            missing = [name for group in self.classes for name in group if name not in present]
            if missing:
                raise DescriptionError(
                    f"ClassSplit: classes must be in y and in test_y, got {missing[0]}, which has "
                    f"no sample in {part}."
                )

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of each task; without relabelling, that of the data."""
        if self.relabel:
            return tuple(len(group) for group in self.classes)
        return (int(max(self.y.max(), self.test_y.max())) + 1,) * len(self)

    def _make(self, index: int) -> Task:
        """Make one task."""
        group = np.asarray(self.classes[index])
        learnt, tested = (
            self._part(x, y, group) for x, y in ((self.x, self.y), (self.test_x, self.test_y))
        )
        names = ", ".join(map(str, group[:10])) + ("" if len(group) <= 10 else ", ...")
        kept = group if self.relabel else np.arange(self.n_classes[0])
        return Task(f"classes {names}", *learnt, *tested, kept)

    def _part(
        self, x: NDArray[np.float32], y: NDArray[np.int64], group: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the samples of these classes, and their labels."""
        rows = np.flatnonzero(np.isin(y, group))
        if not self.relabel:
            return x[rows], y[rows]
        order = np.argsort(group, kind="stable")
        return x[rows], order[np.searchsorted(group[order], y[rows])]


def _groups(value: Any, y: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Return the classes of each task."""
    where = "ClassSplit: classes"
    all_classes = np.unique(y)
    if isinstance(value, int | np.integer):
        size = Count().check(value, where)
        if len(all_classes) % size or not len(all_classes):
            raise DescriptionError(
                f"{where} must divide the number of classes, {len(all_classes)}, got {size}. You "
                f"can list the classes of each task instead."
            )
        return tuple(tuple(part) for part in all_classes.reshape(-1, size).tolist())
    kind = Each(Each(Count(low=0), "classes", least=1), "tasks", least=1)
    groups: tuple[tuple[int, ...], ...] = tuple(tuple(part) for part in kind.check(value, where))
    every = [name for group in groups for name in group]
    twice = [name for name in every if every.count(name) > 1]
    if twice:
        raise DescriptionError(f"{where} must have each class once, got {twice[0]} twice.")
    return groups


@checked
def returning_order(
    n_tasks: Annotated[int, Count(high=100_000)],
    again: Annotated[int, Count(low=0, high=100_000)] = 1,
    *,
    n_phases: Annotated[int, Count(high=100_000)] | None = None,
    seed: Seed = 0,
) -> list[tuple[int, ...]]:
    """Draw the tasks of each phase, if earlier tasks are learnt again.

    Phase `i` learns task `i`, and then some of the earlier tasks again, drawn without repetition.
    Phases after the last task only learn earlier tasks again.

    Parameters
    ----------
    n_tasks : int
        Number of tasks.
    again : int
        Number of earlier tasks that are learnt again in each phase; all of them if there are fewer.
    n_phases : int, optional
        Number of phases, at least `n_tasks`. Default: `n_tasks`.
    seed : int or numpy.random.Generator
        Seed of the draws.

    Returns
    -------
    list of tuple of int
        Tasks of each phase, in the order in which they are learnt.

    Raises
    ------
    DescriptionError
        If there are fewer phases than tasks.

    Examples
    --------
    >>> returning_order(3, 1, n_phases=4, seed=1)
    [(0,), (1, 0), (2, 1), (1,)]
    """
    phases = n_tasks if n_phases is None else n_phases
    if phases < n_tasks:
        raise DescriptionError(
            f"returning_order: n_phases must be at least n_tasks={n_tasks}, got {phases}."
        )
    rng = stream(seed, "tasks that come back")
    order = []
    for phase in range(phases):
        new = (phase,) if phase < n_tasks else ()
        n_seen = min(phase, n_tasks)
        drawn = rng.permutation(n_seen)[:again].tolist()
        order.append((*new, *drawn))
    return order


def to_samples(value: Any, where: str) -> NDArray[np.float32]:
    """Return samples as finite float32, shape (n, ...).

    Raises
    ------
    DescriptionError
        If the value is not an array of finite numbers with at least two axes.
    """
    array = _numbers(value, where)
    if array.ndim < 2 or 0 in array.shape[1:]:
        raise DescriptionError(f"{where} must have shape (n, ...), got {array.shape}.")
    with np.errstate(over="ignore"):
        samples = array.astype(np.float32, copy=False)
    if not np.isfinite(samples).all():
        raise DescriptionError(f"{where} must be finite numbers, got NaN, infinity or too large.")
    return samples


def to_classes(value: Any, n: int | None, where: str) -> NDArray[np.int64]:
    """Return classes as int64 of at least 0, shape (n,).

    Raises
    ------
    DescriptionError
        If the values are not whole numbers of this shape.
    """
    array = _numbers(value, where)
    if array.ndim != 1 or (n is not None and array.shape != (n,)):
        shape = "(n_classes,)" if n is None else f"({n},), one for each sample"
        raise DescriptionError(f"{where} must have shape {shape}, got {array.shape}.")
    if array.size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= 2**31):
        raise DescriptionError(f"{where} must be ints from 0 to {2**31 - 1}, got {shown(value)}.")
    return array.astype(np.int64, copy=False)


def _numbers(value: Any, where: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise DescriptionError(f"{where} must be an array of numbers, got {shown(value)}.")
    return array
