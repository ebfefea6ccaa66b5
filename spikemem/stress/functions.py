"""The experiments as functions: ``capacity(CA3Memory, load=[0.5, 1.0], trials=20, jobs=2)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from ..checks import AnyValue, Flag, checked
from ..progress import Progress
from ..streams import Seed
from .cluster import Cluster
from .plan import ranges_of
from .results import Results
from .sweep import Jobs, Out, Sweep, Trials

__all__ = ["capacity", "noise", "order", "recall", "recognition", "rehearsal", "retention"]

_DOC = """{first}

    Parameters
    ----------
    model : type, str or Subject
        A model class, its name, or a subject.
    trials, seed
        See :class:`Sweep`.
    out, jobs, cluster, progress, retry_failed
        See :meth:`Sweep.run`.
    **settings
        Settings of the subject, of the experiment and of the :class:`Conditions`. A list, tuple,
        array, range or :class:`Bisect` makes a setting an axis; a single value fixes it.

    Returns
    -------
    Results

    Raises
    ------
    DescriptionError, UnsupportedError
        As :class:`Sweep`, before anything is computed.
    StorageError
        As :meth:`Sweep.run`.
    """


def _function(name: str, first: str) -> Callable[..., Results]:
    """Return the function that runs an experiment."""

    def run(
        model: Annotated[Any, AnyValue()],
        *,
        trials: Trials = 20,
        seed: Seed = 0,
        out: Out = None,
        jobs: Jobs = 1,
        cluster: Cluster = None,
        progress: Progress = False,
        retry_failed: Annotated[bool, Flag()] = False,
        **settings: Any,
    ) -> Results:
        vary, fixed = ranges_of(model, name, settings)
        sweep = Sweep(model, name, vary=vary, fixed=fixed, trials=trials, seed=seed)
        return sweep.run(
            out, jobs=jobs, cluster=cluster, progress=progress, retry_failed=retry_failed
        )

    run.__name__ = run.__qualname__ = name
    run.__doc__ = _DOC.format(first=first)
    return checked(run)


capacity = _function("capacity", "Measure how many items a memory holds.")
recognition = _function("recognition", "Measure how well seen items are told from novel ones.")
recall = _function("recall", "Measure recall from cues of shrinking size.")
retention = _function("retention", "Measure what is left of an item after later ones.")
order = _function("order", "Measure how well the order of stored items is known.")
noise = _function("noise", "Measure recall against the imperfections of devices and inputs.")
rehearsal = _function("rehearsal", "Measure what schedules of repetition change.")
