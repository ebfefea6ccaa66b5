"""Store of samples of earlier tasks, with a count of its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, checked
from ...errors import DescriptionError, StorageError
from ...streams import Seed, stream
from .arrays import Labels, Samples

__all__ = ["SampleStore"]

_LABEL_BYTES = 8


@dataclass
class _TaskSamples:
    """Samples of one task: stored numbers, and the scale to convert them."""

    values: NDArray[Any]
    labels: NDArray[np.int64]
    low: float
    step: float

    @property
    def n_bytes(self) -> int:
        return int(self.values.nbytes + self.labels.nbytes)


class SampleStore:
    """Store of samples of earlier tasks, with the same number for each class of each task.

    Parameters
    ----------
    per_class : int
        Largest number of samples of a class of a task; the published replay uses 50.
    n_bytes : int, optional
        Largest number of bytes of all samples together. As tasks are added, each class of each task
        keeps fewer of the samples that were chosen when it was added. Default: no limit.
    stored_as : "float32" or "uint8"
        Type of the stored numbers. ``"uint8"`` needs a quarter of the memory. It stores 256 levels
        from the smallest to the largest number of a task. This is exact (except for the rounding of
        float32) for images with 256 grey levels that contain the darkest and the brightest one.
    seed : int or numpy.random.Generator
        Seed of the choices.

    Examples
    --------
    >>> store = SampleStore(2, seed=0)
    >>> store.add(np.zeros((9, 4)), [0, 0, 0, 0, 1, 1, 1, 1, 2])
    >>> len(store), store.n_bytes
    (5, 120)
    """

    @checked
    def __init__(
        self,
        per_class: Annotated[int, Count()] = 50,
        *,
        n_bytes: Annotated[int, Count()] | None = None,
        stored_as: Annotated[str, Choice("float32", "uint8", what="type")] = "float32",
        seed: Seed = 0,
    ) -> None:
        self.per_class, self.limit, self.stored_as = per_class, n_bytes, stored_as
        self._rng = stream(seed, "hlop", "stored samples")
        self._parts: dict[int, _TaskSamples] = {}

    def __len__(self) -> int:
        """Number of samples."""
        return sum(len(part.labels) for part in self._parts.values())

    def __repr__(self) -> str:
        return f"SampleStore({len(self)} samples of {len(self.tasks)} tasks, {self.n_bytes} bytes)"

    @property
    def tasks(self) -> tuple[int, ...]:
        """Numbers of the stored tasks, in the order in which they were added."""
        return tuple(self._parts)

    @property
    def n_bytes(self) -> int:
        """Number of bytes of all samples and labels."""
        return sum(part.n_bytes for part in self._parts.values())

    @checked
    def add(
        self,
        x: Samples,
        labels: Labels,
        task: Annotated[int, Count(low=0)] | None = None,
    ) -> None:
        """Store some samples of a task; they replace earlier samples of the same task.

        Parameters
        ----------
        x : float (n, ...)
            Samples.
        labels : int (n,)
            Class of each sample.
        task : int, optional
            Number of the task. Default: the next number.

        Raises
        ------
        DescriptionError
            If the shapes do not match, or the limit does not allow one sample of each class.
        """
        if not x.ndim or len(x) != len(labels):
            raise DescriptionError(
                f"SampleStore.add: x and labels must have one entry for each sample, got "
                f"{x.shape} and {labels.shape}."
            )
        widths = {part.values.shape[1:] for part in self._parts.values()}
        if widths and x.shape[1:] not in widths:
            raise DescriptionError(
                f"SampleStore.add: x must have samples of shape {widths.pop()}, like those of "
                f"earlier tasks, got {x.shape[1:]}."
            )
        number = max(self._parts, default=-1) + 1 if task is None else task
        others = {name: part for name, part in self._parts.items() if name != number}
        groups = sum(len(np.unique(part.labels)) for part in others.values())
        most = self._per_group(groups + len(np.unique(labels)), self._sample_bytes(x))
        # All steps that can fail come before the first change.
        chosen = _of_each_class(labels, most, self._rng)
        part = self._packed(x[chosen], labels[chosen])
        self._parts = {name: _first(old, most) for name, old in others.items()} | {number: part}

    def _sample_bytes(self, x: NDArray[Any]) -> int:
        item = np.dtype(self.stored_as).itemsize
        return int(np.prod(x.shape[1:], dtype=np.int64)) * item + _LABEL_BYTES

    def _per_group(self, groups: int, sample: int) -> int:
        if self.limit is None or not groups:
            return self.per_class
        most = self.limit // (groups * sample)
        if not most:
            raise DescriptionError(
                f"SampleStore.add: n_bytes must be at least {groups * sample} for one sample of "
                f"each of {groups} classes, got {self.limit}; allow more bytes, or use uint8."
            )
        return min(most, self.per_class)

    def _packed(self, x: NDArray[Any], labels: NDArray[np.int64]) -> _TaskSamples:
        if self.stored_as == "float32":
            return _TaskSamples(x.astype(np.float32), labels.astype(np.int64), 0.0, 1.0)
        low = float(x.min(initial=np.inf)) if x.size else 0.0
        high = float(x.max(initial=-np.inf)) if x.size else 0.0
        step = (high - low) / 255 or 1.0
        levels = np.rint((x - low) / step).astype(np.uint8)
        return _TaskSamples(levels, labels.astype(np.int64), low, step)

    @checked
    def samples(
        self, task: Annotated[int, Count(low=0)]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the stored samples of a task and their labels.

        Returns
        -------
        float32 (n, ...)
            Samples; if they are stored as ``"uint8"``, they are exact to half a level.
        int64 (n,)
            Labels.
        """
        if task not in self._parts:
            raise DescriptionError(
                f"SampleStore.samples: task must be one of {list(self.tasks)}, got {task}."
            )
        part = self._parts[task]
        if self.stored_as == "float32":
            return part.values, part.labels
        return (part.values * part.step + part.low).astype(np.float32), part.labels

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the content of the store as named arrays; see :meth:`restore`."""
        stored: dict[str, NDArray[Any]] = {}
        for k, (task, part) in enumerate(self._parts.items()):
            name = f"{k} {task}"
            stored[f"{name} x"], stored[f"{name} y"] = part.values, part.labels
            if self.stored_as == "uint8":
                stored[f"{name} levels"] = np.array([part.low, part.step])
        return stored

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace the content of the store by arrays from :meth:`arrays`.

        Raises
        ------
        StorageError
            If the arrays do not belong to such a store.
        """
        parts: dict[int, tuple[int, _TaskSamples]] = {}
        for key in arrays:
            name, _, what = key.rpartition(" ")
            if what != "x":
                continue
            try:
                order, task = (int(number) for number in name.split(" "))
                x, y = arrays[key], arrays[f"{name} y"]
                low, step = (0.0, 1.0) if self.stored_as == "float32" else arrays[f"{name} levels"]
            except (KeyError, ValueError) as error:
                raise StorageError(f"stored samples: {key} is incomplete.") from error
            if x.dtype != self.stored_as or y.ndim != 1 or x.shape[:1] != y.shape:
                raise StorageError(
                    f"stored samples: {key} must be {self.stored_as} with one label for each "
                    f"sample, got {x.dtype} {x.shape} and labels {y.shape}."
                )
            parts[order] = (
                task,
                _TaskSamples(x, y.astype(np.int64, copy=False), float(low), float(step)),
            )
        self._parts = dict(parts[order] for order in sorted(parts))

    @checked
    def draw(
        self, task: Annotated[int, Count(low=0)], n: Annotated[int, Count(low=0)], seed: Seed = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Draw `n` samples of a task; the counts of two samples differ by at most one.

        Parameters
        ----------
        task : int
            Number of the task.
        n : int
            Number of samples; stored samples are repeated if there are fewer.
        seed : int or numpy.random.Generator
            Seed of the order.
        """
        x, labels = self.samples(task)
        if n and not len(labels):
            raise DescriptionError(f"SampleStore.draw: task {task} has no samples.")
        rng = stream(seed, "hlop", "drawn samples")
        rounds = -(-n // max(len(labels), 1))
        order = [rng.permutation(len(labels)) for _ in range(rounds)]
        indices = np.concatenate([*order, np.zeros(0, dtype=np.int64)])[:n].astype(np.int64)
        return x[indices], labels[indices]


def _of_each_class(
    labels: NDArray[np.int64], most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the indices of at most `most` samples of each class, in random order in a class."""
    kept = [rng.permutation(np.flatnonzero(labels == name))[:most] for name in np.unique(labels)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *kept])


def _first(part: _TaskSamples, most: int) -> _TaskSamples:
    """Return the first `most` samples of each class."""
    kept = [np.flatnonzero(part.labels == name)[:most] for name in np.unique(part.labels)]
    indices = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *kept]))
    return _TaskSamples(
        part.values[indices].copy(), part.labels[indices].copy(), part.low, part.step
    )
