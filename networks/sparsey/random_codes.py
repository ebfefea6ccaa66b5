"""Recall of a mac with random codes: the probability that a stored winner wins again."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from ...checks import Count, Probability, checked
from ...errors import DescriptionError

__all__ = ["random_code_capacity", "random_code_recall"]

_MOST = 2**20
"""Largest number of items in the search for a capacity."""

MOST_INPUTS, MOST_ACTIVE = 2**14, 2**10
"""Largest sizes. The sums over the numbers of covered inputs take ``active**2`` numbers."""

_Cells = Annotated[int, Count(high=2**20)]
_Inputs = Annotated[int, Count(high=MOST_INPUTS)]
_Active = Annotated[int, Count(high=MOST_ACTIVE)]


@checked
def random_code_recall(
    n_items: Annotated[int, Count(high=_MOST)],
    cells_per_module: _Cells,
    n_inputs: _Inputs,
    active: _Active,
) -> float:
    r"""Return the fraction of winners that random codes of random patterns recall from exact cues.

    Every item activates `active` of `n_inputs` inputs and a random cell of each module. The
    weights from the active inputs to this cell are increased. Weights never freeze or decay. A cell
    that stands for m other items covers all active inputs of a cue with the probability

    .. math:: q_m = \sum_j (-1)^j \binom{a}{j} \left[\binom{N-j}{a} / \binom{N}{a}\right]^m ,

    and m is binomial with ``n_items - 1`` draws of probability 1/K. Such a cell ties with the
    right cell, and one of the cells that tie wins at random. If q is the mean of :math:`q_m`, the
    right cell wins with the probability ``(1 - (1 - q)**K) / (K q)``. The cells of a module are
    assumed to be independent. The argument is that of Willshaw et al. (1969), for modules with one
    winner.

    Parameters
    ----------
    n_items : int
        Number of stored items.
    cells_per_module : int
        Number K of cells in a module.
    n_inputs, active : int
        Number of inputs, and number of active inputs of each item.

    Raises
    ------
    DescriptionError
        If `active` is larger than `n_inputs`.

    Examples
    --------
    >>> round(random_code_recall(1, 16, 144, 20), 3), round(random_code_recall(400, 16, 144, 20), 3)
    (1.0, 0.108)
    """
    if active > n_inputs:
        raise DescriptionError(
            f"random_code_recall: active must be at most n_inputs={n_inputs}, got {active}."
        )
    most = _largest(n_items - 1, cells_per_module)
    return _recall(n_items, cells_per_module, _covered(most, n_inputs, active))


@checked
def random_code_capacity(
    cells_per_module: _Cells,
    n_inputs: _Inputs,
    active: _Active,
    *,
    criterion: Annotated[float, Probability()] = 0.9,
) -> int:
    """Return the largest number of items at which :func:`random_code_recall` meets a criterion.

    Raises
    ------
    DescriptionError
        If `active` is larger than `n_inputs`, or if any number of items meets the criterion.

    Examples
    --------
    >>> random_code_capacity(16, 144, 20), random_code_capacity(32, 144, 20)
    (146, 254)
    """
    args = (cells_per_module, n_inputs, active)
    high = 1
    while random_code_recall(high, *args) >= criterion:
        high *= 2
        if high > _MOST:
            raise DescriptionError(
                f"random_code_capacity: criterion={criterion:g} is met by more than {_MOST} items."
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if random_code_recall(middle, *args) >= criterion:
            low = middle
        else:
            high = middle
    return low


def _largest(draws: int, cells: int) -> int:
    """Return the largest number of items of one cell that matters, up to 1e-12 of the binomial."""
    return int(scipy.stats.binom.isf(1e-12, draws, 1.0 / cells)) if draws else 0


def _covered(most: int, n_inputs: int, active: int) -> NDArray[np.float64]:
    """Return the probability that 0, 1, ... `most` random patterns cover the inputs of another."""
    # Row c is the distribution of the number of covered inputs after one more pattern.
    step = np.zeros((active + 1, active + 1))
    for c in range(active + 1):
        more = np.arange(active - c + 1)
        step[c, c:] = scipy.stats.hypergeom.pmf(more, n_inputs, active - c, active)
    probability = np.zeros(most + 1)
    state = np.zeros(active + 1)
    state[0] = 1.0
    for m in range(most + 1):
        probability[m] = state[-1]
        if state[-1] > 1.0 - 1e-14:
            probability[m:] = 1.0
            break
        state = state @ step
    return probability


def _recall(n_items: int, cells: int, covered: NDArray[np.float64]) -> float:
    share = scipy.stats.binom.pmf(np.arange(covered.size), n_items - 1, 1.0 / cells)
    q = min(1.0, float(share @ covered))
    # -expm1(K log1p(-q)) equals 1 - (1 - q)**K, and keeps all digits at small q.
    if q < 1e-300:
        return 1.0
    lost = -np.expm1(cells * np.log1p(-q)) if q < 1.0 else 1.0
    return float(min(1.0, lost / (cells * q)))
