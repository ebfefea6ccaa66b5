"""Learns and tests a sequence of tasks, with checkpoints from which it can resume."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ...checks import (
    AnyValue,
    Callback,
    Choice,
    Each,
    Indices,
    Instance,
    Optional,
    PathName,
    checked,
)
from ...errors import DescriptionError, StorageError, shown
from ...files import open_regular, write_atomically
from ...output import check_folder
from ...progress import Progress, progress_callback
from .accuracy import AccuracyMatrix
from .tasks import Task, TaskSequence

if TYPE_CHECKING:
    from .model import HLOPClassifier

__all__ = ["SequenceResult", "learn_tasks"]

_FORMAT = "spikemem sequence of tasks 1"
_RESULT = "accuracies.json"
_LARGEST_FILE = 50_000_000


@dataclass
class SequenceResult:
    """Result of a model on a sequence of tasks.

    Attributes
    ----------
    matrix : AccuracyMatrix
        Accuracies after each learnt task.
    seconds : list of float
        Processor time of learning each task, without tests, s.
    test_seconds : list of float
        Processor time of the tests after each task, s.
    memory : list of dict of str to int
        Bytes of the weights and of the method's state, after each task.
    resumed : int
        Number of tasks that were read from a checkpoint.
    """

    matrix: AccuracyMatrix
    seconds: list[float] = field(default_factory=list)
    test_seconds: list[float] = field(default_factory=list)
    memory: list[dict[str, int]] = field(default_factory=list)
    resumed: int = 0

    def facts(self) -> dict[str, Any]:
        """Return the result as plain data, ready for JSON."""
        return {
            **self.matrix.facts(),
            "cpu_seconds": self.seconds,
            "cpu_seconds_of_tests": self.test_seconds,
            "memory_bytes": self.memory,
        }


@checked
def learn_tasks(
    model: Annotated[Any, Instance("spikemem.networks.hlop.model:HLOPClassifier")],
    tasks: Annotated[Any, AnyValue()],
    *,
    order: Annotated[Any, Optional(Indices())] = None,
    evaluate: Annotated[str, Choice("all", "seen", "last")] = "all",
    checkpoint: Annotated[str | Path | None, Optional(PathName())] = None,
    after_task: Annotated[Callable[[SequenceResult], object] | None, Optional(Callback())] = None,
    progress: Progress = False,
) -> SequenceResult:
    """Learn tasks one after another, and test after each of them.

    Parameters
    ----------
    model : HLOPClassifier
        Untrained model, which is trained in place.
    tasks : sequence of Task
        Tasks, for example :class:`PermutedImages`. A task is made when it is needed.
    order : array_like of int, optional
        Numbers of the tasks in the order of learning; a task can be learnt again
        (:func:`returning_order`). Default: each task once.
    evaluate : {"all", "seen", "last"}
        Tests after each task. "all" tests all tasks, also before the first task; "seen" tests the
        tasks learnt so far; "last" tests only the latest task, and all learnt tasks at the end. If
        each task has its own head, later tasks have none yet, and "all" is the same as "seen".
    checkpoint : str or Path, optional
        Folder in which the model and the accuracies are saved after each task. If it already holds
        them, learning continues after the last task, with the same result as without interruption.
    after_task : callable, optional
        Function that is called with the result so far after each task.
    progress : bool or callable
        True shows a progress bar; a function is called with the completed fraction.

    Returns
    -------
    SequenceResult

    Raises
    ------
    DescriptionError
        If tasks have another shape than the model, or the model is already trained.
    StorageError
        If the folder cannot be written, or holds a checkpoint of another model or of other tasks.
    SimulationError
        If the loss is not finite.
    """
    every = _tasks(tasks)
    which = list(range(len(every))) if order is None else [int(task) for task in order]
    if which and max(which) >= len(every):
        raise DescriptionError(
            f"learn_tasks: order must hold tasks from 0 to {len(every) - 1}, got {max(which)}."
        )
    if model.n_learnt:
        raise DescriptionError(
            f"learn_tasks: model must be untrained, got one that has learnt {model.n_learnt} tasks."
        )
    if evaluate == "all" and model.heads == "task":
        evaluate = "seen"
    run = _Run(model, every, which, evaluate, None if checkpoint is None else Path(checkpoint))
    result = run.begin()
    with progress_callback(progress, "learn tasks") as report:
        for k in range(result.matrix.n_learnt, len(which)):
            run.learn(result, k, lambda done, k=k: report((k + done) / len(which)))  # type: ignore[misc]
            if after_task is not None:
                after_task(result)
    return result


def _tasks(value: Any) -> Any:
    """Return a checked sequence of tasks."""
    if isinstance(value, TaskSequence):
        return value
    kind = Each(Instance(Task), "tasks", least=1)
    return kind.check(value, "learn_tasks: tasks")


class _Run:
    """One run of :func:`learn_tasks`."""

    def __init__(
        self,
        model: HLOPClassifier,
        tasks: Any,
        order: list[int],
        evaluate: str,
        folder: Path | None,
    ) -> None:
        self.model, self.tasks, self.order = model, tasks, order
        self.evaluate, self.folder = evaluate, folder

    def begin(self) -> SequenceResult:
        """Return the result of a checkpoint, or a result without tasks if there is none."""
        if self.folder is not None:
            check_folder(self.folder)
            if (self.folder / _RESULT).exists():
                return self._resumed(self.folder)
        n_tasks = len(self.tasks)
        base = None
        if self.evaluate == "all":
            base = [self._score(k) for k in range(n_tasks)]
        empty = np.zeros((0, n_tasks))
        result = SequenceResult(AccuracyMatrix(empty, base))  # type: ignore[arg-type]
        self._write(result)
        return result

    def learn(self, result: SequenceResult, k: int, report: Callable[[float], None]) -> None:
        """Learn the `k`-th task of the order, test, and save."""
        number = self.order[k]
        task = self.tasks[number]
        began = time.process_time()
        self.model.learn_task(task.x, task.y, task=number, progress=report)
        result.seconds.append(time.process_time() - began)
        if self.folder is not None:
            self.model.save(self._model_file(self.folder, k + 1))
            self._write(result)
        self._test(result, k)

    def _model_file(self, folder: Path, n_learnt: int) -> Path:
        return folder / f"model-{n_learnt:03d}.h5"

    def _test(self, result: SequenceResult, k: int) -> None:
        """Test after the `k`-th task, and add the row to the result."""
        number = self.order[k]
        began = time.process_time()
        row = np.full(len(self.tasks), np.nan)
        last = k == len(self.order) - 1
        seen = set(self.order[: k + 1])
        chosen = {number} if self.evaluate == "last" and not last else seen
        for j in range(len(self.tasks)) if self.evaluate == "all" else sorted(chosen):
            row[j] = self._score(j)
        result.matrix = result.matrix.with_row(row, number)
        result.test_seconds.append(time.process_time() - began)
        result.memory.append(self.model.memory_bytes())
        self._write(result)

    def _score(self, number: int) -> float:
        task = self.tasks[number]
        return float(self.model.score(task.test_x, task.test_y, task=number))

    def _key(self) -> dict[str, Any]:
        """Return the settings that must be the same when learning continues."""
        return {
            "order": self.order,
            "evaluate": self.evaluate,
            "n_tasks": len(self.tasks),
            "tasks": repr(self.tasks) if isinstance(self.tasks, TaskSequence) else None,
        }

    def _write(self, result: SequenceResult) -> None:
        """Write the accuracies, which name the model file, and remove the earlier model file."""
        if self.folder is not None:
            facts = {"format": _FORMAT, "key": self._key(), "result": result.facts()}
            text = json.dumps(facts, indent=1) + "\n"
            write_atomically(self.folder / _RESULT, text.encode(), "learn_tasks")
            before = self._model_file(self.folder, len(result.seconds) - 1)
            before.unlink(missing_ok=True)

    def _resumed(self, folder: Path) -> SequenceResult:
        path = folder / _RESULT
        where = f"learn_tasks: cannot continue from {str(folder)!r}"
        try:
            with open_regular(path) as file:
                stored = json.loads(file.read(_LARGEST_FILE))
            if stored["format"] != _FORMAT:
                raise ValueError("it has another format")
            key, kept = stored["key"], stored["result"]
            result = SequenceResult(
                AccuracyMatrix.from_facts(kept),
                list(kept["cpu_seconds"]),
                list(kept["cpu_seconds_of_tests"]),
                list(kept["memory_bytes"]),
            )
            tested, learnt = result.matrix.n_learnt, len(result.seconds)
            lengths = {len(result.memory), len(result.test_seconds)}
            if lengths != {tested} or learnt - tested not in (0, 1):
                raise ValueError("its lists have different lengths")
        except OSError as error:
            raise StorageError(f"{where}: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StorageError(f"{where}: {path.name!r} is damaged ({shown(error)}).") from error
        if key != self._key():
            raise StorageError(
                f"{where}: it holds other tasks, or another order or choice of tests; use another "
                f"folder."
            )
        if learnt:
            self.model.resume(self._model_file(folder, learnt))
        if self.model.n_learnt != learnt:
            raise StorageError(
                f"{where}: the model has learnt {self.model.n_learnt} tasks, but {learnt} are "
                f"recorded."
            )
        result.resumed = learnt
        if learnt > tested:
            self._test(result, tested)
        return result
