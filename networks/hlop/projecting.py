"""Strategies that project weight changes onto the complement of subspaces of earlier activity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Flag, checked
from ...errors import StorageError
from .strategies import Batch, LearnerInterface, Strategy
from .subspace import Subspace, SVDSubspace

__all__ = ["HLOP", "SVD"]


class Projecting(Strategy):
    """Base of these strategies: a subspace for the input of each layer that all tasks share."""

    exact = True

    def __init__(self, learner: LearnerInterface) -> None:
        super().__init__(learner)
        plan = learner.plan
        n = len(plan.layers) - (2 if plan.heads == "task" else 1)
        self.subspaces = [self.subspace(layer) for layer in range(n)]

    def subspace(self, layer: int) -> Subspace:
        """Return an empty subspace for the input of one layer."""
        raise NotImplementedError

    def before_task(self, task: int) -> None:
        """Add new rows to each subspace."""
        ranks = self.learner.plan.ranks.of_task(self.learner.n_learnt)
        for subspace, n in zip(self.subspaces, ranks, strict=False):
            subspace.grow(n)

    def after_backward(self, step: Any) -> None:
        """Project the factors of each gradient, and train new rows on the activity."""
        for layer, subspace in enumerate(self.subspaces):
            delta, presynaptic = step.factors[layer]
            trace = step.traces[layer]
            residual = self.left(subspace, trace)
            if presynaptic is trace and residual is not None:
                step.factors[layer] = (delta, residual)
            else:
                step.factors[layer] = subspace.project_factors(delta, presynaptic)
            if residual is not None:
                subspace.learn(trace, residual)

    def left(self, subspace: Subspace, trace: Any) -> Any:
        """Return the residual of activity after the frozen rows; None if rows do not learn now."""
        return subspace.residual(trace)

    def after_task(self, task: int, data: Batch) -> None:
        """Freeze the new rows."""
        for subspace in self.subspaces:
            subspace.freeze(exact=self.exact)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the frozen rows of each layer, and the number of rows of each task."""
        stored = {}
        for layer, subspace in enumerate(self.subspaces):
            state = subspace.arrays()
            stored[f"subspace {layer} rows"] = state["frozen"]
            stored[f"subspace {layer} blocks"] = state["blocks"]
        return stored

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore the frozen rows."""
        for layer, subspace in enumerate(self.subspaces):
            try:
                rows = arrays[f"subspace {layer} rows"]
                blocks = arrays[f"subspace {layer} blocks"]
            except KeyError as error:
                raise StorageError(f"the array {error} is missing") from None
            none = np.zeros((0, subspace.size))
            state = {"frozen": rows, "blocks": blocks, "new": none, "moving": none, "kept": none}
            subspace.restore(state)


class HLOP(Projecting):
    """Hebbian orthogonal projection: subspaces are learnt during the task.

    Parameters
    ----------
    learner : Learner
        See :class:`Strategy`.
    exact : bool
        Whether new rows are made orthonormal by a QR decomposition at the end of a task.
    """

    @checked
    def __init__(self, learner: LearnerInterface, *, exact: Annotated[bool, Flag()] = True) -> None:
        super().__init__(learner)
        self.exact = exact

    def subspace(self, layer: int) -> Subspace:
        """Return a Hebbian subspace with the rule of the layer."""
        plan: Any = self.learner.plan
        name = ("subspace", layer)
        return Subspace(
            plan.layers[layer], plan.rules[layer], dtype=plan.dtype,
            seed=own_stream(plan.seed, *name),
        )  # fmt: skip


class SVD(Projecting):
    """Gradient projection memory: subspaces from an SVD of activity after each task.

    Parameters
    ----------
    learner : Learner
        See :class:`Strategy`.
    samples : int
        Number of randomly drawn samples of a task whose activity is used.
    """

    @checked
    def __init__(
        self, learner: LearnerInterface, *, samples: Annotated[int, Count()] = 1000
    ) -> None:
        self.samples = samples
        super().__init__(learner)

    def subspace(self, layer: int) -> SVDSubspace:
        """Return a subspace that stores activity until the end of a task."""
        plan: Any = self.learner.plan
        seed = own_stream(plan.seed, "subspace", layer)
        return SVDSubspace(plan.layers[layer], samples=self.samples, dtype=plan.dtype, seed=seed)

    def left(self, subspace: Subspace, trace: Any) -> Any:
        """Return None, since rows do not learn before the task has ended."""
        return None

    def after_task(self, task: int, data: Batch) -> None:
        """Compute the subspaces from the activity of the trained network."""
        n = len(data.y)
        indices = self.learner.rng("svd").permutation(n)[: self.samples]
        for subspace, trace in zip(
            self.subspaces, self.learner.traces(data.x[indices]), strict=False
        ):
            subspace.learn(trace, trace)
        super().after_task(task, data)


def own_stream(seed: int, *name: str | int) -> int:
    """Return the seed of one purpose."""
    from ...streams import stream

    return int(stream(seed, "hlop", *name).integers(2**62))
