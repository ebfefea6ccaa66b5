"""Functions that draw random patterns of spins and change them at random."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Probability, checked
from ...errors import DescriptionError
from ...limits import require_memory
from ...streams import Seed, stream
from .spins import Cells, Spins, as_array, as_spins

__all__ = ["diluted_patterns", "flip_spins", "random_spins"]

HowMany = Annotated[int, Count(low=0)]


@checked
def random_spins(n_patterns: HowMany, n_cells: Cells, *, seed: Seed = 0) -> NDArray[np.int8]:
    """Draw patterns of -1 and 1, both equally likely.

    Parameters
    ----------
    n_patterns, n_cells : int
        Number of patterns and of cells.
    seed : int or numpy.random.Generator
        Seed of the draw.

    Returns
    -------
    ndarray of int8, shape (n_patterns, n_cells)

    Raises
    ------
    DescriptionError
        If the patterns do not fit into the computer's memory.

    Examples
    --------
    >>> random_spins(2, 5, seed=0).shape
    (2, 5)
    """
    return diluted_patterns(n_patterns, n_cells, 0.0, seed=seed)


@checked
def diluted_patterns(
    n_patterns: HowMany,
    n_cells: Cells,
    dilution: Annotated[float, Probability()],
    *,
    seed: Seed = 0,
) -> NDArray[np.int8]:
    """Draw patterns with blank entries: 0 with probability d, -1 and 1 with (1 - d)/2 each.

    Parameters
    ----------
    n_patterns, n_cells : int
        Number of patterns and of cells.
    dilution : float
        Probability d of a blank entry.
    seed : int or numpy.random.Generator
        Seed of the draw.

    Returns
    -------
    ndarray of int8, shape (n_patterns, n_cells)

    Raises
    ------
    DescriptionError
        If the patterns do not fit into the computer's memory.

    References
    ----------
    Agliari et al., Phys. Rev. Lett. 109, 268101 (2012).

    Examples
    --------
    >>> float((diluted_patterns(4, 100_000, 0.25, seed=0) == 0).mean().round(2))
    0.25
    """
    require_memory(10.0 * n_patterns * n_cells,
                   f"diluted_patterns: {n_patterns} patterns of {n_cells} cells",
                   "Draw fewer or smaller patterns.")  # fmt: skip
    rng = stream(seed, "reference", "patterns")
    signs = rng.integers(0, 2, (n_patterns, n_cells), dtype=np.int8) * np.int8(2) - np.int8(1)
    if dilution:
        signs[rng.random((n_patterns, n_cells)) < dilution] = 0
    return signs


@checked
def flip_spins(
    states: Spins, fraction: Annotated[float, Probability()], *, seed: Seed = 0
) -> NDArray[np.int8]:
    """Flip a fraction of the spins of each state. The number is rounded to the nearest integer.

    Parameters
    ----------
    states : array_like of -1 and 1, array of bool, or Patterns, shape (n_states, n_cells)
        States.
    fraction : float
        Fraction of the cells, 0 to 1.
    seed : int or numpy.random.Generator
        Seed of the choice of cells, which is made anew for each state.

    Returns
    -------
    ndarray of int8, shape (n_states, n_cells)

    Raises
    ------
    DescriptionError
        If the states have values other than -1 and 1.

    Examples
    --------
    >>> int(flip_spins([[1] * 10], 0.3).sum())
    4
    """
    array = as_array(states, "flip_spins: states")
    if array.ndim not in (1, 2):
        raise DescriptionError(
            f"flip_spins: states must have shape (n_cells,) or (n_states, n_cells), got "
            f"{array.shape}."
        )
    rows = as_spins(states, array.shape[-1], "flip_spins: states").copy()
    rng = stream(seed, "reference", "flips")
    n_flipped = round(fraction * rows.shape[1])
    for row in rows:
        row[rng.choice(row.size, n_flipped, replace=False)] *= -1
    return rows
