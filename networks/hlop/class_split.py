"""A data set split into tasks with some of its classes each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, Each, Flag, check_fields
from ...errors import DescriptionError
from ...frozen import read_only
from .task import Task, TaskSequence, to_classes, to_samples

__all__ = ["ClassSplit"]

_Labels = Annotated[Any, AnyValue()]


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
