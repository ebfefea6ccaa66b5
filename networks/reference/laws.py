"""Published laws of the reference memories: how much each holds, and what it recalls."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Probability, Quantity, checked
from .dense import Power

__all__ = [
    "HOPFIELD_LOAD",
    "WILLSHAW_BITS_PER_SYNAPSE",
    "data_set_entropy",
    "dense_capacity",
    "diluted_magnetisations",
    "hopfield_capacity",
    "hopfield_error_free_capacity",
    "willshaw_capacity",
    "willshaw_density",
    "willshaw_false_bits",
    "willshaw_sparsity",
]

HOPFIELD_LOAD = 0.138
"""Patterns per cell up to which a Hopfield network retrieves, with about 1.5 % of the bits wrong
(Amit, Gutfreund, Sompolinsky 1985)."""

WILLSHAW_BITS_PER_SYNAPSE = math.log(2.0)
"""Largest information of a binary synapse of a Willshaw memory, bits: ln 2 = 0.69 (Willshaw et al.
1969; Palm 1980)."""

_Cells = Annotated[int, Count(low=2)]


@checked
def hopfield_capacity(n_cells: _Cells) -> float:
    """Patterns that a Hopfield network retrieves with about 1.5 % of errors: 0.138 N.

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
    """Patterns that a Hopfield network keeps as they are, almost surely each: N/(2 ln N).

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
def dense_capacity(n_cells: _Cells, p: Power = 3) -> float:
    """Patterns that a dense associative memory keeps without errors.

    K* = N^(p-1)/(2 (2p-3)!! ln N); for the exponential form 2^(N/2).

    Parameters
    ----------
    n_cells : int
        Number N of cells, 2 or more.
    p : int or "exp"
        Power of the energy.

    Returns
    -------
    float
        Infinite beyond the range of a float.

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
    n_patterns: Annotated[int, Count()],
    dilution: Annotated[float, Probability()],
) -> NDArray[np.float64]:
    """Magnetisations in the hierarchical regime: m_mu = (1 - d) d^(mu - 1).

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
    """How much is not known about a pattern that is seen only in noisy examples.

    rho = (1 - r²)/(M r²) with a teacher, and (1 - r^(2p))/(M r^(2p)) without.

    Parameters
    ----------
    quality : float
        Quality r of an example: a bit is right with probability (1 + r)/2.
    n_examples : int
        Number M of examples of each pattern.
    p : int
        Power of the energy; it matters without a teacher only.
    learning : {"supervised", "unsupervised"}
        Whether examples of one pattern are averaged by a teacher.

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


@checked
def willshaw_density(
    n_patterns: Annotated[int, Count(low=0)],
    input_sparsity: Annotated[float, Probability()],
    output_sparsity: Annotated[float, Probability()],
) -> float:
    """Expected fraction of the synapses that are set: 1 - (1 - f_x f_y)^M.

    Parameters
    ----------
    n_patterns : int
        Number M of stored pairs of random patterns.
    input_sparsity, output_sparsity : float
        Active fractions f_x, f_y of the cells.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969).

    Examples
    --------
    >>> round(willshaw_density(1, 0.5, 0.5), 12)
    0.25
    """
    both = input_sparsity * output_sparsity
    if both == 1.0:
        return float(n_patterns > 0)
    return -math.expm1(n_patterns * math.log1p(-both))


@checked
def willshaw_capacity(
    input_sparsity: Annotated[float, Quantity(above=0.0, below=1.0)],
    output_sparsity: Annotated[float, Quantity(above=0.0, below=1.0)],
    *,
    density: Annotated[float, Quantity(above=0.0, below=1.0)] = 0.5,
) -> float:
    """Pairs of patterns after which a fraction of the synapses is set; at 1/2 capacity is largest.

    Parameters
    ----------
    input_sparsity, output_sparsity : float
        Active fractions of the cells.
    density : float
        Fraction of the synapses.

    Returns
    -------
    float
        About ln 2/(f_x f_y) at a density of 1/2.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969); Palm, Biol. Cybern. 36, 19 (1980).

    Examples
    --------
    >>> round(willshaw_capacity(0.01, 0.01))
    6931
    """
    return math.log1p(-density) / math.log1p(-input_sparsity * output_sparsity)


@checked
def willshaw_sparsity(
    n_cells: _Cells, *, false_bits: Annotated[float, Quantity(above=0.0)] = 1.0
) -> float:
    """Active cells of an input with which a half-full memory recalls with few false bits.

    k = log2(N / false_bits): each of N silent output cells is falsely active with probability
    (1/2)^k.

    Parameters
    ----------
    n_cells : int
        Number N of output cells, 2 or more.
    false_bits : float
        Expected number of falsely active cells in an answer.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969).

    Examples
    --------
    >>> willshaw_sparsity(1024)
    10.0
    """
    return math.log2(n_cells / false_bits)


@checked
def willshaw_false_bits(
    n_patterns: Annotated[int, Count(low=0)],
    *,
    n_inputs: Annotated[int, Count()],
    n_outputs: Annotated[int, Count()],
    input_active: Annotated[int, Count()],
    output_active: Annotated[int, Count()],
    cue_active: Annotated[int, Count()] | None = None,
) -> float:
    """Expected number of falsely active cells in the answer to a stored cue: (N - k) density^a.

    The synapses are taken as independent of each other, as Willshaw et al. do.

    Parameters
    ----------
    n_patterns : int
        Number of stored pairs of random patterns.
    n_inputs, n_outputs : int
        Number of cells.
    input_active, output_active : int
        Active cells of a pattern.
    cue_active : int, optional
        Active cells a of the cue, all of them right. Default: `input_active`.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969).

    Examples
    --------
    >>> round(willshaw_false_bits(700, n_inputs=1000, n_outputs=1000, input_active=10,
    ...                           output_active=100), 3)
    0.944
    """
    both: Any = input_active / n_inputs, output_active / n_outputs
    density = willshaw_density(n_patterns, min(both[0], 1.0), min(both[1], 1.0))
    active = input_active if cue_active is None else cue_active
    return max(n_outputs - output_active, 0) * density**active
