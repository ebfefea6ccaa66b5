"""Measures of a liquid: separation, kernel quality and generalisation rank."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Probability, Quantity, checked
from ...errors import DescriptionError
from ...limits import require_memory
from ...streams import Seed, stream
from .arrays import Features, Labels, Spikes
from .events import Events
from .features import Tau, low_passed_states
from .readout import require_pairs
from .responses import LiquidLike, respond, states_at

__all__ = [
    "ClassSeparation",
    "class_separation",
    "generalisation_rank",
    "input_distance",
    "kernel_quality",
    "numerical_rank",
    "poisson_streams",
    "separation",
]

Tolerance = Annotated[float, Quantity(above=0.0, below=1.0)]
Step = Annotated[int, Count(low=0)]


@checked
def input_distance(
    u: Spikes,
    v: Spikes,
    *,
    dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0,
    width: Annotated[float, Quantity("ms", above=0.0)] = 5.0,
) -> NDArray[np.float64]:
    """Return the distance of spike trains: the L2 norm of their Gaussian-filtered difference.

    ``d(u, v) = ||u * g - v * g||`` with ``g(t) = exp(-(t / width)^2)``, integrated over all time
    in seconds and summed over the channels. The integral is exact. The distance between one spike
    and no spike is 0.079.

    Parameters
    ----------
    u, v : array_like, shape (n_samples, n_steps, n_channels)
        Spikes in each step.
    dt : float
        Length of a step, ms.
    width : float
        Width of the filter, ms.

    Returns
    -------
    ndarray of float64, shape (n_samples,)

    Raises
    ------
    DescriptionError
        If an argument is not valid, or `u` and `v` have different shapes.

    References
    ----------
    W. Maass, T. Natschläger, H. Markram, Neural Computation 14 (2002) 2531-2560, section 3.1.
    """
    _require_pair("input_distance", u, v)
    difference = u.astype(np.float64) - v
    steps = np.arange(u.shape[1]) * dt
    kernel = np.exp(-((steps[:, None] - steps) ** 2) / (2 * width**2))
    # The integral of the product of two filtered spikes is also a Gaussian of their distance.
    kernel *= width * np.sqrt(np.pi / 2) / 1000.0
    squares = np.einsum("sic,ij,sjc->s", difference, kernel, difference, optimize=True)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), dtype=np.float64)


@checked
def separation(liquid: LiquidLike, u: Spikes, v: Spikes, *, tau: Tau = 30.0) -> NDArray[np.float64]:
    """Return the mean distance of the states that two inputs evoke, after each step.

    The states are low-passed spikes; their distance is Euclidean. To measure the effect of the
    initial state (inputs of distance 0), let `u` and `v` start differently and continue equally.

    Parameters
    ----------
    liquid : callable, LiquidStateMachine or Network
        Liquid: it maps spikes (n_samples, n_steps, n_channels) to spikes
        (n_samples, n_steps, n_neurons).
    u, v : array_like, shape (n_pairs, n_steps, n_channels)
        Pairs of inputs; see :func:`input_distance`.
    tau : float
        Time constant of the states, steps.

    Returns
    -------
    ndarray of float64, shape (n_steps,)

    Raises
    ------
    DescriptionError
        If an argument is not valid, or `u` and `v` have different shapes.

    References
    ----------
    W. Maass, T. Natschläger, H. Markram, Neural Computation 14 (2002) 2531-2560, figure 2.
    """
    _require_pair("separation", u, v)
    answers = [respond(liquid, part, "separation") for part in (u, v)]
    total = np.zeros(u.shape[1])
    for one, other in zip(*answers, strict=True):
        # Each answer is filtered separately, since the low-pass takes no negative numbers.
        both = [low_passed_states(part[None], tau=tau)[0] for part in (one, other)]
        total += np.linalg.norm(both[0] - both[1], axis=1)
    return np.asarray(total / len(u), dtype=np.float64)


class ClassSeparation(NamedTuple):
    """Separation of classes, and the two distances that define it."""

    value: float
    """``between / (within + 1)``."""
    between: float
    """Mean distance of two class centroids, including the distance of a class to itself."""
    within: float
    """Mean distance of samples from the centroid of their class, averaged over the classes."""


@checked
def class_separation(states: Features, labels: Labels) -> ClassSeparation:
    """Return the separation of the classes of states, ``C_d / (C_v + 1)``.

    ``C_d`` is the sum of the distances of all pairs of centroids, divided by the squared number of
    classes. ``C_v`` is the mean distance from the class centroid, averaged over the classes.

    Parameters
    ----------
    states : array_like, shape (n_samples, n_features)
        States of the liquid.
    labels : array_like of int or str, shape (n_samples,)
        Class of each sample; there must be at least two classes.

    Raises
    ------
    DescriptionError
        If an argument is not valid, the lengths differ, or there is only one class.

    Examples
    --------
    >>> class_separation([[0.0], [2.0], [9.0], [11.0]], [0, 0, 1, 1])
    ClassSeparation(value=2.25, between=4.5, within=1.0)

    References
    ----------
    E. Goodman, D. Ventura, "Spatiotemporal pattern recognition via liquid state machines",
    International Joint Conference on Neural Networks (2006) 3848-3853.
    """
    require_pairs("class_separation", states, labels)
    classes = np.unique(labels)
    parts = [states[labels == one].astype(np.float64) for one in classes]
    centres = np.array([part.mean(axis=0) for part in parts])
    distances = np.linalg.norm(centres[:, None] - centres, axis=2)
    spreads = [np.linalg.norm(part - centre, axis=1).mean()
               for part, centre in zip(parts, centres, strict=True)]  # fmt: skip
    between, within = float(distances.mean()), float(np.mean(spreads))
    return ClassSeparation(between / (within + 1.0), between, within)


@checked
def numerical_rank(matrix: Features, *, tolerance: Tolerance = 0.01) -> int:
    """Return the number of singular values above `tolerance` times the largest one.

    Parameters
    ----------
    matrix : array_like, shape (m, n)
        States, one in each row.
    tolerance : float
        Threshold relative to the largest singular value, between 0 and 1.

    Examples
    --------
    >>> numerical_rank([[1.0, 0.0], [0.0, 0.5], [0.0, 1.0]]), numerical_rank([[0.0, 0.0]])
    (2, 0)
    """
    if not matrix.size:
        return 0
    values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    return int(np.sum(values > tolerance * values[0]))


@checked
def kernel_quality(
    liquid: LiquidLike,
    streams: Spikes,
    *,
    tau: Tau = 30.0,
    step: Step | None = None,
    tolerance: Tolerance = 0.01,
) -> int:
    """Return the rank of the states that different inputs evoke: how many can be told apart.

    Parameters
    ----------
    liquid : callable, LiquidStateMachine or Network
        As in :func:`separation`.
    streams : array_like, shape (n_streams, n_steps, n_channels)
        Different inputs, for example from :func:`poisson_streams`.
    tau : float
        Time constant of the states, steps.
    step : int, optional
        Step after which the states are read. Default: the last.
    tolerance : float
        As in :func:`numerical_rank`.

    Returns
    -------
    int
        At most the number of inputs or of neurons, whichever is smaller.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or there is no such step.

    References
    ----------
    R. Legenstein, W. Maass, "Edge of chaos and prediction of computational performance for neural
    circuit models", Neural Networks 20 (2007) 323-334.
    """
    states = states_at(liquid, streams, tau, step, "kernel_quality")
    return numerical_rank(states, tolerance=tolerance)


@checked
def generalisation_rank(
    liquid: LiquidLike,
    streams: Spikes,
    *,
    jitter: Annotated[float, Quantity("1", low=0.0)] = 2.0,
    n_copies: Annotated[int, Count()] | None = None,
    tau: Tau = 30.0,
    step: Step | None = None,
    tolerance: Tolerance = 0.01,
    seed: Seed = 0,
) -> int:
    """Return the rank of the states that noisy copies of one input evoke; lower is better.

    :func:`kernel_quality` minus this rank predicts how well a readout of the liquid generalises.

    Parameters
    ----------
    liquid, tau, step, tolerance
        As in :func:`kernel_quality`.
    streams : array_like, shape (n_streams, n_steps, n_channels)
        Inputs; the copies are made from the first one.
    jitter : float
        Standard deviation of the shift of each spike, steps; spikes stay within the sample.
    n_copies : int, optional
        Number of copies. Default: the number of streams.
    seed : int or numpy.random.Generator
        Seed of the shifts.

    Raises
    ------
    DescriptionError
        As in :func:`kernel_quality`, or if there is no stream, or spikes are not 0 and 1.

    References
    ----------
    As in :func:`kernel_quality`.
    """
    if not len(streams):
        raise DescriptionError("generalisation_rank: streams must hold at least one stream, got 0.")
    count = len(streams) if n_copies is None else n_copies
    size = float(streams[0].size) * count
    require_memory(2 * size, f"generalisation_rank: {count} copies", "Use fewer.")
    same = Events.from_dense(np.broadcast_to(streams[0], (count, *streams.shape[1:])))
    copies = same.jitter(jitter, seed=seed).dense()
    states = states_at(liquid, copies, tau, step, "generalisation_rank")
    return numerical_rank(states, tolerance=tolerance)


@checked
def poisson_streams(
    n_streams: Annotated[int, Count()],
    *,
    n_steps: Annotated[int, Count()] = 200,
    n_channels: Annotated[int, Count()] = 16,
    p: Annotated[float, Probability()] = 0.2,
    seed: Seed = 0,
) -> NDArray[np.bool_]:
    """Draw spike streams in which every channel fires in each step with probability `p`.

    Parameters
    ----------
    n_streams, n_steps, n_channels : int
        Number of streams, steps and channels.
    p : float
        Probability of a spike.
    seed : int or numpy.random.Generator
        Seed of the spikes.

    Returns
    -------
    ndarray of bool, shape (n_streams, n_steps, n_channels)

    Examples
    --------
    >>> poisson_streams(2, n_steps=5, n_channels=3, p=0.0).any()
    np.False_
    """
    require_memory(9.0 * n_streams * n_steps * n_channels, f"poisson_streams: {n_streams} streams",
                   "Draw fewer, or shorter ones.")  # fmt: skip
    rng = stream(seed, "liquid", "poisson streams")
    return rng.random((n_streams, n_steps, n_channels)) < p


def _require_pair(where: str, u: NDArray[np.bool_], v: NDArray[np.bool_]) -> None:
    if u.shape != v.shape or not len(u):
        raise DescriptionError(
            f"{where}: u and v must be pairs of inputs of the same shape, got {u.shape} and "
            f"{v.shape}."
        )
