"""Task sequences: permuted images, class splits, and tasks that are learnt again.

A sequence makes a task when it is accessed, so that only one task needs memory.
"""

from __future__ import annotations

from typing import Annotated

from ...checks import Count, checked
from ...errors import DescriptionError
from ...streams import Seed, stream
from .class_split import ClassSplit
from .permuted import (
    DEVIATION,
    MEAN,
    PUBLISHED_SEED,
    PermutedImages,
    published_permutation,
)
from .task import Task, TaskSequence, to_classes, to_samples

__all__ = [
    "DEVIATION",
    "MEAN",
    "PUBLISHED_SEED",
    "ClassSplit",
    "PermutedImages",
    "Task",
    "TaskSequence",
    "published_permutation",
    "returning_order",
    "to_classes",
    "to_samples",
]


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
