"""How much of the activity of samples the subspaces of a model capture."""

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

    The energy is ``E |a|^2`` of the activity `a`, averaged over the time steps of each sample; of
    the subspace with orthonormal rows H it is ``E |H a|^2 / E |a|^2``. Old tasks keep what is
    captured: changes of the weights don't act on it.

    Parameters
    ----------
    model : HLOPClassifier
        A model with subspaces: method "hlop" or "svd".
    x : array_like, shape (n_samples, n_inputs)
        Samples, for example the test of an old task.
    best : bool
        Return what the best subspaces of the same ranks would capture instead: the principal
        components of this very activity.

    Returns
    -------
    ndarray of float64, shape (n_layers,)
        From 0 to 1, for the input of each layer that has a subspace. NaN for silent layers.

    Raises
    ------
    DescriptionError
        A model without subspaces, samples of another width, or none.
    """
    model._check_samples(x, "captured_energy")
    subspaces = getattr(model._learner().strategy, "subspaces", None)
    if subspaces is None:
        raise DescriptionError(
            f"captured_energy: model must have subspaces, as those of method 'hlop' or 'svd', got "
            f"method {model.method!r}."
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
    """Energy that the first principal components capture."""
    values = np.linalg.svd(np.asarray(trace, dtype=np.float64), compute_uv=False) ** 2
    total = float(values.sum())
    return float(values[:rank].sum() / total) if total else float("nan")
