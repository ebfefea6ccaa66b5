"""Relates intersections of codes to intersections of their inputs, of two or more items."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import scipy.sparse
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from ...checks import AnyValue, Count, Quantities, checked
from ...codes import Patterns
from ...errors import DescriptionError, shown
from ...limits import require_memory
from ...streams import Seed, stream
from .parameters import Selection
from .results import Codes
from .selection import expand, relative_likelihood

__all__ = [
    "HigherOrder",
    "SimilarityCurve",
    "code_intersections",
    "expected_intersection",
    "higher_order_intersections",
    "input_overlaps",
    "similarity_curve",
]

Square = NDArray[np.float64]

_Level = Annotated[int, Count(low=-(2**31))]


class SimilarityCurve(NamedTuple):
    """Mean intersection of codes as a function of the overlap of their inputs, over pairs.

    Attributes
    ----------
    overlap : float64, shape (n_bins,)
        Mean overlap of inputs over the pairs of each bin; bins without pairs are left out.
    intersection : float64, shape (n_bins,)
        Mean intersection of codes over these pairs, as a fraction.
    error : float64, shape (n_bins,)
        Standard error of that mean; NaN for a single pair.
    n_pairs : int64, shape (n_bins,)
        Number of pairs.
    rank_correlation : float
        Spearman's correlation over all pairs; NaN if either is constant.
    """

    overlap: NDArray[np.float64]
    intersection: NDArray[np.float64]
    error: NDArray[np.float64]
    n_pairs: NDArray[np.int64]
    rank_correlation: float


class HigherOrder(NamedTuple):
    """Intersections of groups of items.

    Attributes
    ----------
    order : int
        Number of items in each group.
    items : int64, shape (n_groups, order)
        The items of each group.
    inputs : float64, shape (n_groups,)
        Active inputs that all items of a group share, as a fraction of the mean number.
    codes : float64, shape (n_groups,)
        Winners that all items of a group share, as a fraction of the mean number.
    chance : float
        Mean of `codes` for random codes, ``K**(1 - order)``.
    rank_correlation : float
        Spearman's correlation of `inputs` and `codes`; NaN if either is constant.
    """

    order: int
    items: NDArray[np.int64]
    inputs: NDArray[np.float64]
    codes: NDArray[np.float64]
    chance: float
    rank_correlation: float


@checked
def code_intersections(codes: Codes, level: _Level = -1) -> Square:
    """Return the fraction of winners that each pair of codes shares.

    Parameters
    ----------
    codes : Codes
        Codes of `n` frames.
    level : int
        Level of the hierarchy; 0 is the lowest, -1 the highest.

    Returns
    -------
    float64, shape (n, n)
        ``2 |C & C'| / (|C| + |C'|)``, from 0 to 1. It is ``|C & C'| / Q`` for one mac, whose codes
        all have Q winners, and 0 for two empty codes.

    Raises
    ------
    DescriptionError
        If there is no such level, or the matrix does not fit into memory.

    Examples
    --------
    >>> from spikemem.networks.sparsey import Level, Sparsey
    >>> tower = Sparsey(6, [Level(n_modules=4, cells_per_module=8)], seed=1)
    >>> codes = tower.learn([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    >>> code_intersections(codes).diagonal().tolist()
    [1.0, 1.0]
    """
    return _shares(codes.patterns(level))


@checked
def input_overlaps(inputs: Annotated[Any, AnyValue()]) -> Square:
    """Return the fraction of active inputs that each pair of items shares.

    Parameters
    ----------
    inputs : Patterns, or array_like of bool (or 0 and 1), shape (n_items, ...)
        Active inputs of each item; images are flattened.

    Returns
    -------
    float64, shape (n_items, n_items)
        ``2 |x & x'| / (|x| + |x'|)``, from 0 to 1.

    Raises
    ------
    DescriptionError
        If the inputs are not binary, or the matrix does not fit into memory.

    Examples
    --------
    >>> input_overlaps([[1, 1, 0], [0, 1, 1]]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    return _shares(_to_patterns(inputs, "input_overlaps"))


def _to_patterns(inputs: Any, where: str) -> Patterns:
    if isinstance(inputs, Patterns):
        return inputs
    try:
        array = np.asarray(inputs)
        rows = array.reshape(len(array), -1)
    except (TypeError, ValueError):
        rows = np.zeros((0, 0))
    if not rows.size:
        raise DescriptionError(
            f"{where}: inputs must be Patterns, or 0 and 1 of shape (n_items, ...), got "
            f"{shown(inputs)}."
        )
    return Patterns.from_dense(rows)


def _sparse(patterns: Patterns) -> scipy.sparse.csr_array:
    ones = np.ones(patterns.indices.size, dtype=np.float64)
    shape = (len(patterns), patterns.size)
    return scipy.sparse.csr_array((ones, patterns.indices, patterns.starts), shape=shape)


def _shares(patterns: Patterns) -> Square:
    n = len(patterns)
    require_memory(24.0 * n**2, f"the intersections of {n} items", "Use fewer items.")
    rows = _sparse(patterns)
    shared = (rows @ rows.T).toarray()
    counts = patterns.counts.astype(np.float64)
    mean = (counts[:, None] + counts[None, :]) / 2
    return np.asarray(np.divide(shared, mean, out=np.zeros_like(shared), where=mean > 0))


@checked
def similarity_curve(
    codes: Codes,
    inputs: Annotated[Any, AnyValue()],
    *,
    level: _Level = -1,
    bins: Annotated[int, Count(high=10_000)] = 10,
) -> SimilarityCurve:
    """Return the mean intersection of two codes as a function of the overlap of their inputs.

    Parameters
    ----------
    codes : Codes
        Codes of the items, one frame each.
    inputs : Patterns, or array_like of bool (or 0 and 1), shape (n_items, ...)
        Their active inputs.
    level : int
        Level of the hierarchy.
    bins : int
        Number of equal bins of the overlap, from 0 to 1; identical inputs are in the last bin.

    Raises
    ------
    DescriptionError
        If numbers of codes and inputs differ, there are fewer than two items, or no such level.
    """
    patterns = _paired(codes, inputs, 2, "similarity_curve")
    above = np.triu_indices(len(patterns), k=1)
    overlap, shared = _shares(patterns)[above], code_intersections(codes, level)[above]
    bin_index = np.minimum((overlap * bins).astype(np.int64), bins - 1)
    counts = np.bincount(bin_index, minlength=bins)
    full = counts > 0

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.bincount(bin_index, weights=values, minlength=bins)
        return np.asarray(total[full] / counts[full])

    middle = mean(shared)
    spread = np.maximum(mean(shared**2) - middle**2, 0.0)
    n = counts[full]
    error = np.sqrt(np.divide(spread, n - 1, out=np.full(n.shape, np.nan), where=n > 1))
    return SimilarityCurve(mean(overlap), middle, error, n, _rank_correlation(overlap, shared))


def _paired(codes: Codes, inputs: Any, least: int, where: str) -> Patterns:
    patterns = _to_patterns(inputs, where)
    if codes.n_frames != len(patterns) or len(patterns) < least:
        raise DescriptionError(
            f"{where}: codes and inputs must be of the same items, at least {least}; got "
            f"{codes.n_frames} codes and {len(patterns)} inputs."
        )
    return patterns


def _rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(a, b).statistic)


@checked
def higher_order_intersections(
    codes: Codes,
    inputs: Annotated[Any, AnyValue()],
    order: Annotated[int, Count(low=2, high=1000)] = 3,
    *,
    n_groups: Annotated[int, Count()] = 1000,
    groups: Annotated[Any, AnyValue()] = None,
    level: _Level = -1,
    seed: Seed = 0,
) -> HigherOrder:
    """Compare the intersections of groups of codes with those of their inputs.

    If similar inputs have similar codes, the intersection of several codes represents the features
    that their inputs share, although no code was stored for these features.

    Parameters
    ----------
    codes : Codes
        Codes of the items, one frame each.
    inputs : Patterns, or array_like of bool (or 0 and 1), shape (n_items, ...)
        Their active inputs.
    order : int
        Number of items in each group.
    n_groups : int
        Number of groups, which are drawn at random; no group has an item twice.
    groups : array_like of int, shape (n, order), optional
        Groups to use instead, for instance of items of one class.
    level : int
        Level of the hierarchy.
    seed : int or numpy.random.Generator
        Seed of the groups.

    Raises
    ------
    DescriptionError
        If there are fewer items than `order`, numbers of codes and inputs differ, groups are not
        valid, or there is no such level.
    """
    where = "higher_order_intersections"
    patterns = _paired(codes, inputs, order, where)
    code_patterns = codes.patterns(level)
    n = len(patterns)
    if groups is None:
        require_memory(8.0 * n_groups * (order + n / 50), f"{n_groups} groups", "Use fewer.")
        rng = stream(seed, "sparsey", "groups")
        items = np.stack([rng.choice(n, size=order, replace=False) for _ in range(n_groups)])
    else:
        items = _to_groups(groups, order, n, where)
    shared_inputs = _common(patterns, items)
    shared_codes = _common(code_patterns, items)
    return HigherOrder(
        order,
        items,
        shared_inputs,
        shared_codes,
        float(codes.cells_per_module[level]) ** (1 - order),
        _rank_correlation(shared_inputs, shared_codes),
    )


def _to_groups(groups: Any, order: int, n: int, where: str) -> NDArray[np.int64]:
    try:
        array = np.asarray(groups)
    except (TypeError, ValueError):
        array = np.zeros(0)
    fits = array.ndim == 2 and array.shape[0] and array.shape[1] == order
    if not fits or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= n:
        raise DescriptionError(
            f"{where}: groups must be numbers of items from 0 to {n - 1}, of shape (n, {order}), "
            f"got {shown(groups)}."
        )
    return array.astype(np.int64)


def _common(patterns: Patterns, items: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the size of the intersection of each group's patterns, over their mean size."""
    n_groups, order = items.shape
    shares = np.zeros(n_groups)
    counts = patterns.counts
    for k, group in enumerate(items):
        cells = np.concatenate([patterns[int(item)] for item in group])
        times = np.unique(cells, return_counts=True)[1]
        shares[k] = np.count_nonzero(times == order) / max(float(counts[group].mean()), 1e-300)
    return shares


@checked
def expected_intersection(
    overlap: Annotated[ArrayLike, Quantities(low=0.0, high=1.0)],
    cells_per_module: Annotated[int, Count()],
    selection: Selection | None = None,
) -> NDArray[np.float64]:
    """Return the mean intersection of a second code with the only stored one.

    If one item is stored, a module has one cell with ``V = v``, the overlap of the new input with
    the stored one, and ``K - 1`` cells with ``V = 0``. The familiarity is ``G = v``. The stored
    winner is drawn with probability ``psi(v) / (psi(v) + (K - 1) psi(0))``.

    Parameters
    ----------
    overlap : array_like, 0 to 1
        Fraction of the new input's active features that are active in the stored one.
    cells_per_module : int
        Cells of each module, K.
    selection : Selection, optional
        Parameters of the code selection. Default: those of :class:`Selection`.

    Returns
    -------
    float64, of the shape of `overlap`
        ``E|C & C'| / Q``.

    Examples
    --------
    >>> expected_intersection([0.0, 0.5, 1.0], 8).round(3).tolist()
    [0.125, 0.125, 0.999]
    """
    rules = Selection() if selection is None else selection
    v = np.asarray(overlap, dtype=np.float64)
    shares = np.zeros(v.shape)
    for index, value in np.ndenumerate(v):
        u = np.array([[value**rules.lambda_u_start, 0.0]])
        u = np.where(u < rules.v_low, 0.0, np.where(u >= rules.v_high, 1.0, u))
        eta = expand(float(u[0, 0]), rules, cells_per_module)
        stored, other = relative_likelihood(u, eta, rules)[0]
        shares[index] = stored / (stored + (cells_per_module - 1) * other)
    return shares
