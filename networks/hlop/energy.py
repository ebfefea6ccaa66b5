"""The fraction of activity that the subspaces of a model capture."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Instance, checked
from ...errors import DescriptionError
from .arrays import Samples
from .torches import threads

__all__ = ["captured_energy"]


@checked
def captured_energy(
    model: Annotated[Any, Instance("spikemem.networks.hlop.model:HLOPClassifier")],
    x: Samples,
    *,
    best: bool = False,
) -> NDArray[np.float64]:
    """Return the fraction of the energy of each layer's input that its subspace captures.

    The energy is ``E |a|^2``, where the activity `a` is averaged over the time steps of each
    sample. A subspace with orthonormal rows H captures the fraction ``E |H a|^2 / E |a|^2``.
    Changes of the weights do not affect captured activity, so that earlier tasks are preserved.

    Parameters
    ----------
    model : HLOPClassifier
        Model with subspaces, from the method "hlop" or "svd".
    x : array_like, shape (n_samples, n_inputs)
        Samples, for example the test samples of an earlier task.
    best : bool
        Whether to return the fraction for the best subspaces of the same ranks, which are the
        principal components of this activity.

    Returns
    -------
    ndarray of float64, shape (n_layers,)
        Fraction from 0 to 1 for the input of each layer that has a subspace; NaN if it is silent.

    Raises
    ------
    DescriptionError
        If the model has no subspaces, samples have another width, or there are no samples.
    """
    model._check_samples(x, "captured_energy")
    subspaces = getattr(model._learner().strategy, "subspaces", None)
    if subspaces is None:
        raise DescriptionError(
            f"captured_energy: model must have subspaces, from method 'hlop' or 'svd', got method "
            f"{model.method!r}."
        )
    if not len(x):
        raise DescriptionError("captured_energy: x must have at least one sample, got 0.")
    with threads(1):
        learner = model._learner()
        traces = learner.traces(x)
        pairs = list(zip(learner.strategy.subspaces, traces, strict=False))
        if not best:
            return np.array([subspace.energy(trace) for subspace, trace in pairs])
        return np.array([_best(trace.numpy(), subspace.n_frozen) for subspace, trace in pairs])


def _best(trace: NDArray[Any], rank: int) -> float:
    """Return the fraction of energy that the first principal components capture."""
    values = np.linalg.svd(np.asarray(trace, dtype=np.float64), compute_uv=False) ** 2
    total = float(values.sum())
    return float(values[:rank].sum() / total) if total else float("nan")
