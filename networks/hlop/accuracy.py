"""The accuracy matrix of a continual learner, and the measures derived from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Each, Indices, Instance, Optional, PathName, check_fields, checked
from ...errors import DescriptionError, shown
from ...files import write_atomically
from ...frozen import Frozen, read_only
from .accuracy_files import (
    FORMAT,
    accuracy_array,
    csv_table,
    plain_row,
    read_facts,
    row_from_plain,
)
from .accuracy_references import CHAUDHRY, LOPEZ_PAZ, REBUFFI, RIEMER

__all__ = ["MEASURES", "AccuracyMatrix", "over_seeds"]


@dataclass(frozen=True, eq=False)
class AccuracyMatrix(Frozen):
    """Accuracy on each task after each learnt task, with measures of continual learning.

    Every measure is a fraction and follows its published definition. A measure raises an error
    with the reason if it is not defined for this matrix; :meth:`measures` returns all measures,
    with the reason in place of the number.

    Parameters
    ----------
    R : array_like, shape (n_learnt, n_tasks)
        ``R[i, j]`` is the accuracy, 0 to 1, on task `j` after the `i`-th call of ``learn_task``.
        NaN means that it was not measured.
    baseline : array_like, shape (n_tasks,), optional
        Accuracy of the untrained network on each task. Default: not measured.
    order : array_like of int, shape (n_learnt,), optional
        Task that is learnt before each row. A task can be learnt again. Default: 0, 1, 2, ...

    Raises
    ------
    DescriptionError
        If shapes do not match, accuracies are outside 0 to 1, or a task has no column.

    Examples
    --------
    >>> R = AccuracyMatrix([[0.9, 0.1], [0.8, 0.7]], baseline=[0.1, 0.2])
    >>> print(f"{R.acc:.2f} {R.bwt:.2f} {R.fwt:.2f} {R.forgetting:.2f}")
    0.75 -0.10 -0.10 0.10
    >>> AccuracyMatrix([[0.9, 0.1]]).measures()["bwt"]
    'it needs at least two learnt tasks, and there is 1'

    References
    ----------
    D. Lopez-Paz, M. Ranzato, "Gradient episodic memory for continual learning", NeurIPS 2017,
    equations 2 to 4 (ACC, BWT, FWT).
    """

    bibtex: ClassVar[tuple[str, ...]] = (LOPEZ_PAZ, CHAUDHRY, REBUFFI, RIEMER)

    R: Annotated[NDArray[np.float64], AnyValue()]
    baseline: Annotated[NDArray[np.float64] | None, AnyValue()] = None
    order: Annotated[NDArray[np.int64] | None, Optional(Indices())] = None

    def __post_init__(self) -> None:
        check_fields(self)
        values = accuracy_array(self.R, "AccuracyMatrix: R", 2)
        object.__setattr__(self, "R", values)
        n_learnt, n_tasks = values.shape
        if not n_tasks:
            raise DescriptionError("AccuracyMatrix: R must have at least one column, got none.")
        if self.baseline is not None:
            baseline = accuracy_array(self.baseline, "AccuracyMatrix: baseline", 1)
            if len(baseline) != n_tasks:
                raise DescriptionError(
                    f"AccuracyMatrix: baseline must have shape ({n_tasks},), got {baseline.shape}."
                )
            object.__setattr__(self, "baseline", baseline)
        order = np.arange(n_learnt) if self.order is None else self.order
        if order.shape != (n_learnt,) or (n_learnt and order.max() >= n_tasks):
            raise DescriptionError(
                f"AccuracyMatrix: order must be {n_learnt} tasks from 0 to {n_tasks - 1}, one for "
                f"each row of R, got {shown(order.tolist())}."
            )
        object.__setattr__(self, "order", read_only(order.astype(np.int64)))

    @property
    def n_learnt(self) -> int:
        """Number of rows: how many times a task was learnt."""
        return int(self.R.shape[0])

    @property
    def n_tasks(self) -> int:
        """Number of tasks, the columns."""
        return int(self.R.shape[1])

    @property
    def learnt(self) -> tuple[int, ...]:
        """Learnt tasks, in the order in which they were first learnt."""
        return tuple(dict.fromkeys(self._order))

    @property
    def returned(self) -> tuple[int, ...]:
        """Tasks that were learnt more than once."""
        return tuple(task for task in self.learnt if self._order.count(task) > 1)

    @property
    def _order(self) -> list[int]:
        return [int(task) for task in np.asarray(self.order)]

    @checked
    def with_row(
        self, row: Annotated[Any, AnyValue()], task: Annotated[Any, AnyValue()] = None
    ) -> AccuracyMatrix:
        """Return the matrix with one more row.

        Parameters
        ----------
        row : array_like, shape (n_tasks,)
            Accuracy on each task; NaN if not measured.
        task : int, optional
            Number of the learnt task. Default: the number of the row.

        Raises
        ------
        DescriptionError
            If the number of accuracies is wrong, or the task has no column.
        """
        accuracies = accuracy_array(row, "AccuracyMatrix.with_row: row", 1)
        if len(accuracies) != self.n_tasks:
            raise DescriptionError(
                f"AccuracyMatrix.with_row: row must have shape ({self.n_tasks},), got "
                f"{accuracies.shape}."
            )
        which = self.n_learnt if task is None else task
        tasks = Indices(self.n_tasks).check([which], "AccuracyMatrix.with_row: task")
        order = [*self._order, int(tasks[0])]
        return AccuracyMatrix(np.vstack([self.R, accuracies]), self.baseline, np.asarray(order))

    @property
    def acc(self) -> float:
        """Average final accuracy on the learnt tasks, ``mean_j R[-1, j]``.

        Raises
        ------
        DescriptionError
            If no task was learnt, or a task was not measured at the end.

        References
        ----------
        D. Lopez-Paz, M. Ranzato, NeurIPS 2017, equation 2.
        """
        self._need("acc", 1)
        return float(np.mean([self._at("acc", -1, task) for task in self.learnt]))

    @property
    def bwt(self) -> float:
        """Backward transfer, ``mean_j (R[-1, j] - R[j, j])`` over all tasks except the last.

        Raises
        ------
        DescriptionError
            If fewer than two tasks were learnt, or a task was learnt again or not measured.

        References
        ----------
        D. Lopez-Paz, M. Ranzato, NeurIPS 2017, equation 3.
        """
        self._need("bwt", 2)
        if self.returned:
            raise self._undefined("bwt", f"task {self.returned[0]} was learnt more than once")
        rows = enumerate(self._order[:-1])
        return float(np.mean([self._change("bwt", row, -1, task) for row, task in rows]))

    @property
    def fwt(self) -> float:
        """Forward transfer, ``mean_j (R[j - 1, j] - baseline[j])`` over all tasks except the first.

        If a task is learnt more than once, the first time counts.

        Raises
        ------
        DescriptionError
            If fewer than two tasks were learnt, there is no baseline, or a task was not measured
            before it was learnt.

        References
        ----------
        D. Lopez-Paz, M. Ranzato, NeurIPS 2017, equation 4.
        """
        self._need("fwt", 2)
        if self.baseline is None:
            raise self._undefined("fwt", "the accuracy of the untrained network was not measured")
        transfers = []
        for task in self.learnt[1:]:
            before = self._at("fwt", self._order.index(task) - 1, task)
            if np.isnan(self.baseline[task]):
                raise self._undefined("fwt", f"baseline[{task}] was not measured")
            transfers.append(before - float(self.baseline[task]))
        return float(np.mean(transfers))

    @property
    def forgetting(self) -> float:
        """Forgetting, ``mean_j (max_l R[l, j] - R[-1, j])``, with `l` before the last row.

        The mean is over the learnt tasks except the one learnt last. A negative value means that
        accuracies increased.

        Raises
        ------
        DescriptionError
            If fewer than two tasks were learnt, or a task was not measured.

        References
        ----------
        A. Chaudhry et al., "Riemannian walk for incremental learning: understanding forgetting
        and intransigence", ECCV 2018, equation 3.
        """
        self._need("forgetting", 2)
        return float(np.mean(list(self.forgetting_of_tasks.values())))

    @property
    def forgetting_of_tasks(self) -> dict[int, float]:
        """Forgetting of each learnt task, by its number, except the one learnt last."""
        values = {}
        for task in self.learnt:
            if task != self._order[-1]:
                self._at("forgetting", self._order.index(task), task)
                best = float(np.nanmax(self.R[:-1, task]))
                values[task] = best - self._at("forgetting", -1, task)
        return values

    @property
    def average_incremental_accuracy(self) -> float:
        """Mean over the rows of the mean accuracy on the tasks learnt so far.

        Raises
        ------
        DescriptionError
            If no task was learnt, or a task was not measured.

        References
        ----------
        S.-A. Rebuffi et al., "iCaRL: incremental classifier and representation learning",
        CVPR 2017, section 4.
        """
        name = "average_incremental_accuracy"
        self._need(name, 1)
        means = [
            np.mean([self._at(name, row, task) for task in dict.fromkeys(self._order[: row + 1])])
            for row in range(self.n_learnt)
        ]
        return float(np.mean(means))

    @property
    def learning_accuracy(self) -> float:
        """Mean accuracy on each task just after it was first learnt.

        Raises
        ------
        DescriptionError
            If no task was learnt, or a task was not measured.

        References
        ----------
        M. Riemer et al., "Learning to learn without forgetting by maximizing transfer and
        minimizing interference", ICLR 2019, section 5.1.
        """
        name = "learning_accuracy"
        self._need(name, 1)
        return float(
            np.mean([self._at(name, self._order.index(task), task) for task in self.learnt])
        )

    @property
    def accumulation(self) -> float:
        """Gain of tasks that are learnt again: accuracy after the last time minus after the first.

        It is ``mean_j (R[last(j), j] - R[first(j), j])`` over the tasks that were learnt more than
        once. A positive value means that knowledge accumulates.

        Raises
        ------
        DescriptionError
            If no task was learnt more than once, or a task was not measured.
        """
        if not self.returned:
            raise self._undefined("accumulation", "no task was learnt more than once")
        order = self._order
        ends = [(order.index(j), len(order) - 1 - order[::-1].index(j), j) for j in self.returned]
        return float(np.mean([self._change("accumulation", *end) for end in ends]))

    def measures(self) -> dict[str, float | str]:
        """Return all measures by name, with the reason for those that are not defined."""
        values: dict[str, float | str] = {}
        for name in MEASURES:
            try:
                values[name] = getattr(self, name)
            except DescriptionError as error:
                values[name] = str(error).partition("is not defined: ")[2].rstrip(".")
        return values

    def facts(self) -> dict[str, Any]:
        """Return the matrix and its measures as plain data, ready for JSON; NaN becomes None."""
        return {
            "format": FORMAT,
            "n_tasks": self.n_tasks,
            "R": [plain_row(row) for row in self.R],
            "baseline": None if self.baseline is None else plain_row(self.baseline),
            "order": self._order,
            "measures": self.measures(),
        }

    @classmethod
    @checked
    def from_facts(cls, found: Annotated[Any, AnyValue()]) -> AccuracyMatrix:
        """Return the matrix from its :meth:`facts`.

        Parameters
        ----------
        found : mapping
            Result of :meth:`facts`, also after it was stored as JSON.

        Raises
        ------
        DescriptionError
            If it is not the facts of a matrix.
        """
        if not isinstance(found, Mapping):
            raise DescriptionError(
                f"AccuracyMatrix.from_facts: found must be a mapping, got {shown(found)}."
            )
        try:
            rows = [row_from_plain(row) for row in found["R"]] or np.zeros(
                (0, int(found["n_tasks"]))
            )
            base = found["baseline"]
            row = None if base is None else row_from_plain(base)
            return cls(rows, row, found["order"])  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise DescriptionError(
                f"AccuracyMatrix.from_facts: found is not the facts of a matrix ({shown(error)})."
            ) from error

    @checked
    def save(self, path: Annotated[str | Path, PathName()]) -> Path:
        """Write the matrix as JSON, or as a table if the name ends in ``.csv``.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        name = Path(path)
        if name.suffix.lower() == ".csv":
            text = csv_table(self._order, self.R, self.baseline)
        else:
            text = json.dumps(self.facts(), indent=1) + "\n"
        return write_atomically(name, text.encode(), "AccuracyMatrix.save")

    @classmethod
    @checked
    def load(cls, path: Annotated[str | Path, PathName()]) -> AccuracyMatrix:
        """Read a matrix that :meth:`save` has written as JSON.

        Raises
        ------
        StorageError
            If there is no such file, or it does not hold a matrix.
        """
        return read_facts(Path(path), cls.from_facts)

    def _need(self, name: str, least: int) -> None:
        n = len(self.learnt)
        if n < least:
            words = "two learnt tasks" if least > 1 else "one learnt task"
            raise self._undefined(
                name, f"it needs at least {words}, and there {'is' if n == 1 else 'are'} {n}"
            )

    def _at(self, name: str, row: int, task: int) -> float:
        value = float(self.R[row, task])
        if np.isnan(value):
            row %= self.n_learnt
            raise self._undefined(name, f"R[{row}, {task}] was not measured")
        return value

    def _change(self, name: str, first: int, last: int, task: int) -> float:
        return self._at(name, last, task) - self._at(name, first, task)

    def _undefined(self, name: str, reason: str) -> DescriptionError:
        return DescriptionError(f"AccuracyMatrix.{name} is not defined: {reason}.")


MEASURES = (
    "acc",
    "bwt",
    "fwt",
    "forgetting",
    "average_incremental_accuracy",
    "learning_accuracy",
    "accumulation",
)
"""Names of the measures of an :class:`AccuracyMatrix`."""


@checked
def over_seeds(
    matrices: Annotated[
        Sequence[AccuracyMatrix], Each(Instance(AccuracyMatrix), "matrices", least=1)
    ],
) -> dict[str, tuple[float, float] | str]:
    """Return the mean and standard deviation of each measure over several seeds.

    Parameters
    ----------
    matrices : sequence of AccuracyMatrix
        One matrix for each seed.

    Returns
    -------
    dict
        ``(mean, standard deviation)`` by the name of the measure. The standard deviation has n - 1
        degrees of freedom and is NaN for one run. If a measure is not defined for all matrices, its
        value is the reason.

    Raises
    ------
    DescriptionError
        If there is no matrix, or a value is not a matrix.
    """
    every: list[Mapping[str, float | str]] = [matrix.measures() for matrix in matrices]
    statistics: dict[str, tuple[float, float] | str] = {}
    for name in MEASURES:
        values = [one[name] for one in every]
        reason = next((value for value in values if isinstance(value, str)), None)
        numbers = np.array([value for value in values if not isinstance(value, str)])
        spread = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else float("nan")
        statistics[name] = (float(np.mean(numbers)), spread) if reason is None else reason
    return statistics
