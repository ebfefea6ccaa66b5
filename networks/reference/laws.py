"""Published laws of the capacity and the recall of the reference memories."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Probability, Quantity, checked
from .dense import Power

__all__ = [
    "HOPFIELD_LOAD",
    "data_set_entropy",
    "dense_capacity",
    "diluted_magnetisations",
    "hopfield_capacity",
    "hopfield_error_free_capacity",
    "hopfield_overlap",
]

HOPFIELD_LOAD = 0.138
"""Patterns per cell up to which a Hopfield network retrieves, with about 1.5 % of the bits wrong
(Amit, Gutfreund, Sompolinsky 1985)."""

_MANY = 2**62
_Cells = Annotated[int, Count(low=2, high=_MANY)]


@checked
def hopfield_capacity(n_cells: _Cells) -> float:
    """Return the number of patterns that a Hopfield network retrieves with 1.5 % errors: 0.138 N.

    Parameters
    ----------
    n_cells : int
        Number N of cells, 2 or more.

    References
    ----------
    Amit, Gutfreund, Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985).

    Examples
    --------
    >>> hopfield_capacity(1000)
    138.0
    """
    return HOPFIELD_LOAD * n_cells


@checked
def hopfield_error_free_capacity(n_cells: _Cells) -> float:
    """Return the number of patterns that a Hopfield network almost surely keeps: N/(2 ln N).

    Parameters
    ----------
    n_cells : int
        Number N of cells, 2 or more.

    References
    ----------
    McEliece, Posner, Rodemich, Venkatesh, IEEE Trans. Inf. Theory 33, 461 (1987).

    Examples
    --------
    >>> round(hopfield_error_free_capacity(1000), 1)
    72.4
    """
    return n_cells / (2.0 * math.log(n_cells))


@checked
def hopfield_overlap(load: Annotated[float, Quantity(low=0.0)]) -> float:
    """Return the overlap of the retrieval state with its pattern at temperature 0, for large N.

    The overlap is m = erf(y), where y is the largest solution of
    y (sqrt(2 alpha) + 2/sqrt(pi) exp(-y^2)) = erf(y). It is 0 above a load of 0.138, where the
    equation has no solution.

    Parameters
    ----------
    load : float
        Patterns per cell, alpha.

    References
    ----------
    Amit, Gutfreund, Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985).

    Examples
    --------
    >>> round(hopfield_overlap(0.1), 3), round(hopfield_overlap(0.1379), 3), hopfield_overlap(0.14)
    (0.998, 0.968, 0.0)
    """
    from scipy.optimize import brentq
    from scipy.special import erf

    # Below, the overlap is 1 to the last digit; above, the equation has no solution.
    if load < 1e-3 or load > 1.0:
        return float(load < 1.0)

    def excess(y: Any) -> Any:
        return erf(y) - y * (math.sqrt(2.0 * load) + 2.0 / math.sqrt(math.pi) * np.exp(-(y**2)))

    high = 1.0 / math.sqrt(2.0 * load)  # erf(y) < 1, so no solution lies beyond.
    grid = np.linspace(0.0, high, 20_001)[1:]
    above = np.flatnonzero(excess(grid) > 0)
    if not above.size:
        return 0.0
    last = int(above[-1])
    root = brentq(excess, grid[last], grid[last + 1] if last + 1 < grid.size else high + 1.0)
    return float(erf(root))


@checked
def dense_capacity(n_cells: _Cells, p: Power = 3) -> float:
    """Return the number of patterns that a dense associative memory keeps without errors.

    It is K* = N^(p-1)/(2 (2p-3)!! ln N), and 2^(N/2) for the exponential form.

    Parameters
    ----------
    n_cells : int
        Number N of cells, 2 or more.
    p : int or "exp"
        Power of the energy.

    Returns
    -------
    float
        Number of patterns. It is infinite beyond the range of a float.

    References
    ----------
    Krotov, Hopfield, NeurIPS 29 (2016), equation 6; Demircigil et al., J. Stat. Phys. 168, 288
    (2017), theorem 3.

    Examples
    --------
    >>> round(dense_capacity(100, 2)), round(dense_capacity(60, 3)), round(dense_capacity(40, 4))
    (11, 147, 578)
    """
    if p == "exp":
        log2 = n_cells / 2.0
    else:
        odd = sum(math.log2(k) for k in range(2 * p - 3, 0, -2))
        log2 = (p - 1) * math.log2(n_cells) - 1.0 - odd - math.log2(math.log(n_cells))
    return 2.0**log2 if log2 < 1024.0 else math.inf


@checked
def diluted_magnetisations(
    n_patterns: Annotated[int, Count(high=10**6)],
    dilution: Annotated[float, Probability()],
) -> NDArray[np.float64]:
    """Return the magnetisations in the hierarchical regime: m_mu = (1 - d) d^(mu - 1).

    Parameters
    ----------
    n_patterns : int
        Number K of patterns.
    dilution : float
        Probability d that an entry of a pattern is blank.

    Returns
    -------
    ndarray of float64, shape (n_patterns,)

    References
    ----------
    Agliari et al., Phys. Rev. Lett. 109, 268101 (2012).

    Examples
    --------
    >>> diluted_magnetisations(4, 0.5).tolist()
    [0.5, 0.25, 0.125, 0.0625]
    """
    return (1.0 - dilution) * np.power(dilution, np.arange(n_patterns, dtype=np.float64))


@checked
def data_set_entropy(
    quality: Annotated[float, Quantity(above=0.0, high=1.0)],
    n_examples: Annotated[int, Count()],
    *,
    p: Annotated[int, Count(low=2)] = 2,
    learning: Literal["supervised", "unsupervised"] = "supervised",
) -> float:
    """Return the entropy of a data set: what noisy examples leave unknown about a pattern.

    It is rho = (1 - r²)/(M r²) with a teacher, and (1 - r^(2p))/(M r^(2p)) without one.

    Parameters
    ----------
    quality : float
        Quality r of an example. A bit is right with probability (1 + r)/2.
    n_examples : int
        Number M of examples of each pattern.
    p : int
        Power of the energy. It matters only without a teacher.
    learning : {"supervised", "unsupervised"}
        Whether a teacher averages the examples of one pattern.

    References
    ----------
    Agliari et al., arXiv 2212.00606 and arXiv 2211.14067 (2022).

    Examples
    --------
    >>> data_set_entropy(0.5, 3)
    1.0
    """
    signal = quality ** (2 if learning == "supervised" else 2 * p)
    return (1.0 - signal) / (n_examples * signal) if signal else math.inf
