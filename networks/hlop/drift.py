"""Forgetting in each layer: the change of its responses to earlier inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import MappingOf, Quantities, Text, checked
from ...errors import DescriptionError
from .baseline_references import KORNBLITH

__all__ = ["LayerDrift", "layer_drift", "linear_cka", "relative_change"]

Responses = Annotated[NDArray[np.float64], Quantities(shape=("n_samples", "n_units"), least=1)]
"""Mean activity of every unit for every sample, float (n_samples, n_units)."""

OfLayers = Annotated[
    Mapping[str, NDArray[np.float64]],
    MappingOf(Text(), Quantities(shape=("n_samples", "n_units"), least=1)),
]
"""Responses of each layer."""


@dataclass(frozen=True)
class LayerDrift:
    """Change of the responses of one layer to the same samples.

    Attributes
    ----------
    layer : str
        Name of the layer.
    change : float
        Relative change; see :func:`relative_change`. It is 0 if nothing changed.
    cka : float
        Similarity; see :func:`linear_cka`. It is 1 if nothing changed.
    """

    bibtex: ClassVar[tuple[str, ...]] = (KORNBLITH,)

    layer: str
    change: float
    cka: float


@checked
def relative_change(before: Responses, after: Responses) -> float:
    """Return the relative change of responses: norm of the difference over norm of `before`.

    Both norms are Frobenius norms over all samples and units.

    Raises
    ------
    DescriptionError
        If the shapes differ, or all values of `before` are 0.

    Examples
    --------
    >>> relative_change([[3.0, 4.0]], [[3.0, 1.0]])
    0.6
    """
    _require_same_shape("relative_change", before, after)
    largest = float(np.abs(before).max())
    if not largest:
        raise DescriptionError("relative_change: before must have a response other than 0.")
    # Responses are scaled first, because a difference of large numbers could overflow.
    with np.errstate(over="ignore"):
        gap = after / largest - before / largest
    return float(np.linalg.norm(gap) / np.linalg.norm(before / largest))


@checked
def linear_cka(before: Responses, after: Responses) -> float:
    """Return the linear centred kernel alignment of two sets of responses to the same samples.

    With the mean of each unit subtracted from X and Y, it is the square of the Frobenius norm of
    Y^T X, divided by the norms of X^T X and Y^T Y. It is 1 if X is a rotated and scaled Y, so that
    an adapted linear readout loses nothing; it is 0 if no unit of X is correlated with a unit of Y.
    The numbers of units can differ.

    Source: Kornblith, Norouzi, Lee, Hinton (2019), ICML, section 3.

    Raises
    ------
    DescriptionError
        If the numbers of samples differ, or all samples have the same responses.

    Examples
    --------
    >>> round(linear_cka([[1.0, 0.0], [0.0, 1.0]], [[0.0, 5.0], [5.0, 0.0]]), 6)
    1.0
    """
    if len(before) != len(after):
        raise DescriptionError(
            f"linear_cka: before and after must have the same number of samples, got "
            f"{len(before)} and {len(after)}."
        )
    x, y = (part - part.mean(axis=0) for part in (before, after))
    scales = [np.abs(part).max(initial=0.0) for part in (x, y)]
    # Differences below these are rounding errors of the mean.
    floors = [np.abs(part).max(initial=0.0) * 1e-14 for part in (before, after)]
    for name, scale, floor in zip(("before", "after"), scales, floors, strict=True):
        if scale <= floor:
            raise DescriptionError(
                f"linear_cka: {name} must have a unit whose response differs between samples."
            )
    x, y = x / scales[0], y / scales[1]
    if len(x) < max(x.shape[1], y.shape[1]):
        left, right = x @ x.T, y @ y.T
        return float(np.sum(left * right) / (np.linalg.norm(left) * np.linalg.norm(right)))
    cross = np.linalg.norm(y.T @ x) ** 2
    return float(cross / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


@checked
def layer_drift(before: OfLayers, after: OfLayers) -> tuple[LayerDrift, ...]:
    """Return the change of the responses of every layer to the same samples.

    Parameters
    ----------
    before, after : mapping of str to float (n_samples, n_units)
        Responses of each layer, as from :meth:`HLOPClassifier.responses`.

    Returns
    -------
    tuple of LayerDrift
        One entry for each layer of `before`. A measure is nan if it is not defined because the
        layer does not respond.

    Raises
    ------
    DescriptionError
        If `after` lacks a layer, or has another number of samples or units.
    """
    drifts = []
    for layer, was in before.items():
        if layer not in after or after[layer].shape != was.shape:
            got = f"shape {after[layer].shape}" if layer in after else "none"
            raise DescriptionError(
                f"layer_drift: after must have responses of {layer!r} with shape {was.shape}, like "
                f"before, got {got}."
            )
    for layer, was in before.items():
        values = []
        for measure in (relative_change, linear_cka):
            try:
                values.append(measure(was, after[layer]))
            except DescriptionError:
                values.append(float("nan"))
        drifts.append(LayerDrift(layer, *values))
    return tuple(drifts)


def _require_same_shape(
    where: str, before: NDArray[np.float64], after: NDArray[np.float64]
) -> None:
    if before.shape != after.shape:
        raise DescriptionError(
            f"{where}: before and after must have the same shape, got {before.shape} and "
            f"{after.shape}."
        )
