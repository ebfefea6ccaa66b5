"""A sweep: one experiment on one subject, over axes, with repeated trials.

sweep = Sweep("CA3Memory", "capacity", vary={"load": [0.25, 0.5, 1.0]}, trials=20)
results = sweep.run(out="capacity.h5", jobs=2)      # keeps each finished point; goes on if rerun
results.rows(), results.frame(), str(results)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from ..checks import AnyValue, Count, Flag, MappingOf, Optional, PathName, Text, checked
from ..progress import Progress, progress_callback
from ..streams import Seed, own_seed
from .cluster import Cluster
from .execute import executor_of
from .plan import Plan
from .results import Results
from .schedule import Schedule
from .store import Store

__all__ = ["Sweep"]

Settings = Annotated[Mapping[str, Any], MappingOf(Text())]
Trials = Annotated[int, Count(high=1_000_000)]
Jobs = Annotated[int, Count(high=1024)]
Out = Annotated[str | Path, Optional(PathName())] | None


class Sweep:
    """An experiment on a model over a grid of settings, or along a bisection.

    Everything is checked here, before anything is computed.

    Parameters
    ----------
    model : type, str or Subject
        A model class such as ``sm.CA3Memory``, its name, a class of subjects, or a subject, whose
        settings are then the defaults.
    experiment : str or Experiment
        Name of an experiment, or one with its settings.
    vary : mapping of str to sequence or Bisect
        Values of each axis; at most one axis is bisected. The axes are the settings of the
        subject, of the experiment and of the :class:`.Conditions`, and the seed.
    fixed : mapping of str to object
        Settings that differ from their defaults.
    trials : int
        Trials of each point.
    seed : int or numpy.random.Generator
        Every trial has its own seed, which follows from this one, from the settings of its point
        and from its number.

    Raises
    ------
    DescriptionError
        An unknown model, experiment or axis, a value that is not of its kind, an empty range, or
        settings that do not fit each other.
    UnsupportedError
        The model lacks what the experiment needs.
    """

    @checked
    def __init__(
        self,
        model: Annotated[Any, AnyValue()],
        experiment: Annotated[Any, AnyValue()] = "capacity",
        *,
        vary: Settings | None = None,
        fixed: Settings | None = None,
        trials: Trials = 20,
        seed: Seed = 0,
    ) -> None:
        self.plan = Plan.made(model, experiment, vary or {}, fixed or {}, trials, own_seed(seed))

    def __repr__(self) -> str:
        plan = self.plan
        axes = ", ".join(plan.axes) or "nothing"
        return (
            f"Sweep({plan.subject.__name__}, {plan.experiment.name!r}, over {axes}: "
            f"{plan.most_points} points of {plan.trials} trials)"
        )

    def points(self) -> list[dict[str, Any]]:
        """Values of the axes at each point; of a bisection, the points of its ends."""
        return Schedule(self.plan, {}).begin()

    @checked
    def run(
        self,
        out: Out = None,
        *,
        jobs: Jobs = 1,
        cluster: Cluster = None,
        progress: Progress = False,
        retry_failed: Annotated[bool, Flag()] = False,
    ) -> Results:
        """Compute the points that the file does not hold yet.

        Parameters
        ----------
        out : str or Path, optional
            HDF5 file that keeps each point as soon as it is finished. A file of the same sweep is
            continued. Default: the results stay in memory.
        jobs : int
            Processes on this machine; above 1 they are separate ones, so that one may die. The
            results do not depend on it.
        cluster : str or distributed.Client, optional
            Dask cluster, by address, that runs the trials instead.
        progress : bool or callable
            Whether to show the fraction of points that are done.
        retry_failed : bool
            Whether points of the file with trials that failed are computed again.

        Returns
        -------
        Results
            All points, those that were in the file included.

        Raises
        ------
        StorageError
            `out` holds something else, another process is writing it, or it cannot be written;
            nothing is overwritten, and finished points are kept.
        KeyboardInterrupt
            With a message; finished points are kept.
        """
        store = Store(None if out is None else Path(out), self.plan.facts())
        try:
            return self._run(store, jobs, cluster, progress, retry_failed)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(self._interrupted(store)) from error
        finally:
            store.close()

    def _run(
        self, store: Store, jobs: int, cluster: Any, progress: Progress, retry_failed: bool
    ) -> Results:
        kept = {k: p for k, p in store.points.items() if not (retry_failed and p.failures)}
        schedule = Schedule(self.plan, kept)
        if not schedule.begin(new_only=True):
            return Results(store.record())
        most = self.plan.most_points * self.plan.trials
        label = f"{self.plan.experiment.name} of {self.plan.subject.__name__}"
        with (
            progress_callback(progress, label) as report,
            executor_of(min(jobs, max(most, 2)), cluster) as executor,
        ):
            schedule.run(executor, store.add, report)
        return Results(store.record())

    def _interrupted(self, store: Store) -> str:
        n = len(store.points)
        where = "in memory, and lost" if store.path is None else f"in {str(store.path)!r}"
        again = "give out= to keep them" if store.path is None else "run the same sweep to go on"
        return f"interrupted: {n} finished points are {where}; {again}."
