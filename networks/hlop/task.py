"""A task (training samples and test samples), and the base of task sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Text, check_fields
from ...errors import DescriptionError, shown
from ...frozen import Frozen, Short, read_only

__all__ = ["Task", "TaskSequence", "to_classes", "to_samples"]

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
