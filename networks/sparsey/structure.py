"""Measures the class structure in codes that were each learnt in a single trial."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, checked
from ...errors import DescriptionError, shown
from .intersections import code_intersections
from .results import Codes

__all__ = ["ClassStructure", "class_structure", "to_labels"]

_Level = Annotated[int, Count(low=-(2**31))]


class ClassStructure(NamedTuple):
    """Intersections of codes within classes and between them.

    Attributes
    ----------
    within : float
        Mean intersection of two codes of the same class.
    between : float
        Mean intersection of two codes of different classes.
    purity : float
        Fraction of the items whose nearest other code (of largest intersection) belongs to the
        same class; if several codes are nearest, each counts in proportion.
    silhouette : float
        Rousseeuw's mean silhouette with the distance ``1 - intersection``, from -1 to 1; 0 means no
        clusters. The only item of a class counts 0.
    matrix : float64, shape (n_classes, n_classes)
        Mean intersection of the codes of each pair of classes, without that of an item with itself;
        NaN on the diagonal for classes with one item.
    classes : ndarray, shape (n_classes,)
        Classes, in the order of `matrix`.
    """

    within: float
    between: float
    purity: float
    silhouette: float
    matrix: NDArray[np.float64]
    classes: NDArray[Any]


@checked
def class_structure(
    codes: Codes, labels: Annotated[Any, AnyValue()], *, level: _Level = -1
) -> ClassStructure:
    """Measure how well the intersections of codes separate the classes.

    The labels are used for this measure only; nothing is trained.

    Parameters
    ----------
    codes : Codes
        Codes of the items, one frame each.
    labels : array_like, shape (n_items,)
        Class of each item.
    level : int
        Level of the hierarchy.

    Raises
    ------
    DescriptionError
        If numbers of codes and labels differ, there are fewer than two classes, or no such level.

    Examples
    --------
    >>> from spikemem.networks.sparsey import Level, Sparsey
    >>> tower = Sparsey(6, [Level(n_modules=8, cells_per_module=8)], seed=1)
    >>> images = [[1, 1, 1, 0, 0, 0]] * 3 + [[0, 0, 0, 1, 1, 1]] * 3
    >>> found = class_structure(tower.learn(images), [0, 0, 0, 1, 1, 1])
    >>> found.within, found.purity
    (1.0, 1.0)
    """
    label_array = to_labels(labels, codes.n_frames, "class_structure")
    classes, class_index = np.unique(label_array, return_inverse=True)
    if len(classes) < 2:
        raise DescriptionError(
            f"class_structure: labels must have two or more classes, got {classes}."
        )
    shared = code_intersections(codes, level)
    member = np.eye(len(classes))[class_index]
    sizes = member.sum(axis=0)
    totals = member.T @ (shared - np.diag(shared.diagonal())) @ member
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    same = np.eye(len(classes), dtype=np.bool_)
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = totals / pairs
        within = float(np.divide(totals[same].sum(), pairs[same].sum()))
    between = float(totals[~same].sum() / pairs[~same].sum())
    return ClassStructure(
        within,
        between,
        _purity(shared, class_index),
        _silhouette(shared, member, class_index),
        matrix,
        classes,
    )


def to_labels(labels: Any, n: int, where: str) -> NDArray[Any]:
    """Return labels as an array, one for each of `n` items."""
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError):
        array = np.zeros((0, 0))
    if array.shape != (n,) or array.dtype.kind not in "biufUS":
        raise DescriptionError(
            f"{where}: labels must be numbers or words of shape ({n},), one for each item, got "
            f"{shown(labels)}."
        )
    return array


def _purity(shared: NDArray[np.float64], class_index: NDArray[np.intp]) -> float:
    others = shared - 2.0 * np.eye(len(shared))
    nearest = others == others.max(axis=1, keepdims=True)
    alike = nearest & (class_index[:, None] == class_index[None, :])
    return float(np.mean(alike.sum(axis=1) / nearest.sum(axis=1)))


def _silhouette(
    shared: NDArray[np.float64], member: NDArray[np.float64], class_index: NDArray[np.intp]
) -> float:
    distance = 1.0 - shared
    np.fill_diagonal(distance, 0.0)
    sizes = member.sum(axis=0)
    own = sizes[class_index]
    to_class = distance @ member
    rows = np.arange(len(class_index))
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = to_class[rows, class_index] / (own - 1)
        mean = to_class / sizes
        mean[rows, class_index] = np.inf
        outside = mean.min(axis=1)
        values = (outside - inside) / np.maximum(inside, outside)
    return float(np.where((own == 1) | ~np.isfinite(values), 0.0, values).mean())
