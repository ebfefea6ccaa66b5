"""Laws of the density, capacity, errors and information of the Willshaw memory."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Annotated, Any

from ...checks import Count, Flag, Probability, Quantity, checked
from ...errors import DescriptionError
from ...metrics import channel_information

__all__ = [
    "WILLSHAW_BITS_PER_SYNAPSE",
    "willshaw_bits_per_synapse",
    "willshaw_capacity",
    "willshaw_density",
    "willshaw_false_bits",
    "willshaw_sparsity",
]

WILLSHAW_BITS_PER_SYNAPSE = math.log(2.0)
"""Largest information of a binary synapse of a Willshaw memory, in bits: ln 2 = 0.69 (Willshaw et
al. 1969; Palm 1980)."""

_MANY = 2**62
_MOST_EXACT = 1000
_Cells = Annotated[int, Count(low=2, high=_MANY)]
_Pairs = Annotated[int, Count(low=0, high=_MANY)]
_All = Annotated[int, Count(high=_MANY)]
_Active = Annotated[int, Count(low=0, high=_MANY)]


@checked
def willshaw_density(
    n_patterns: _Pairs,
    input_sparsity: Annotated[float, Probability()],
    output_sparsity: Annotated[float, Probability()],
) -> float:
    """Return the expected fraction of the synapses that are set: 1 - (1 - f_x f_y)^M.

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
    """Return the number of pairs of patterns after which a fraction of the synapses is set.

    The capacity is largest if half of the synapses are set.

    Parameters
    ----------
    input_sparsity, output_sparsity : float
        Active fractions of the cells.
    density : float
        Fraction of the synapses that are set.

    Returns
    -------
    float
        Number of pairs, about ln 2/(f_x f_y) at a density of 1/2.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969); Palm, Biol. Cybern. 36, 19 (1980).

    Examples
    --------
    >>> round(willshaw_capacity(0.01, 0.01))
    6931
    """
    each = math.log1p(-input_sparsity * output_sparsity)
    return math.log1p(-density) / each if each else math.inf


@checked
def willshaw_sparsity(
    n_cells: _Cells, *, false_bits: Annotated[float, Quantity(above=0.0)] = 1.0
) -> float:
    """Return the number of active input cells at which a half-full memory recalls few false bits.

    It is k = log2(N / false_bits), because each of N silent output cells is falsely active with
    probability (1/2)^k.

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
    return math.log2(n_cells) - math.log2(false_bits)


@checked
def willshaw_false_bits(
    n_patterns: _Pairs,
    *,
    n_inputs: _All,
    n_outputs: _All,
    input_active: _Active,
    output_active: _Active,
    cue_active: _Active | None = None,
    exact: Annotated[bool, Flag()] = False,
) -> float:
    """Return the expected number of falsely active cells in the answer to a cue without wrong bits.

    It is (N - k) q, where q is the probability that a silent cell has a synapse from each of the a
    active cells of the cue. Willshaw et al. assume that the synapses are independent, so that
    q = density^a. The exact probability is larger, because cells that are active in more patterns
    have more synapses: q = sum over s of (-1)^s C(a, s) (1 - f_y (1 - B_s))^(M - 1). Here
    B_s = C(n - s, k)/C(n, k) is the probability that a pattern leaves s given cells silent.

    Parameters
    ----------
    n_patterns : int
        Number M of stored pairs of random patterns, including the pair of the cue.
    n_inputs, n_outputs : int
        Number of cells, n and N.
    input_active, output_active : int
        Active cells of a pattern.
    cue_active : int, optional
        Active cells a of the cue, none of which is wrong. Default: `input_active`.
    exact : bool
        Whether to compute the exact probability of a hetero-associative memory.

    Raises
    ------
    DescriptionError
        If a number of active cells is larger than the number of cells.

    References
    ----------
    Willshaw, Buneman, Longuet-Higgins, Nature 222, 960 (1969); Knoblauch, SIAM J. Appl. Math. 69,
    169 (2008).

    Examples
    --------
    >>> sizes = dict(n_inputs=100, n_outputs=100, input_active=7, output_active=7)
    >>> round(willshaw_false_bits(141, **sizes), 2)
    0.72
    >>> round(willshaw_false_bits(141, **sizes, exact=True), 2)
    1.33
    """
    active = input_active if cue_active is None else cue_active
    for name, part, whole in (
        ("input_active", input_active, n_inputs),
        ("output_active", output_active, n_outputs),
        ("cue_active", active, input_active),
    ):
        if part > whole:
            raise DescriptionError(
                f"willshaw_false_bits: {name} must be at most {whole}, got {part}."
            )
    if exact and active > _MOST_EXACT:
        raise DescriptionError(
            f"willshaw_false_bits: exact=True takes cues of at most {_MOST_EXACT} active cells, "
            f"got {active}; leave out exact."
        )
    silent = n_outputs - output_active
    if not n_patterns or not active:
        return float(silent) if n_patterns else 0.0
    if not exact:
        parts = input_active / n_inputs, output_active / n_outputs
        return float(silent * willshaw_density(n_patterns, *parts) ** active)
    return silent * _all_set(n_patterns - 1, n_inputs, input_active, active,
                             Fraction(output_active, n_outputs))  # fmt: skip


@checked
def willshaw_bits_per_synapse(
    n_patterns: _Pairs,
    *,
    n_inputs: _All,
    n_outputs: _All,
    input_active: _Active,
    output_active: _Active,
    exact: Annotated[bool, Flag()] = False,
) -> float:
    """Return the information in the answers of a hetero-associative memory for each synapse.

    The information is the mutual information of a stored and a recalled bit, at the expected number
    of falsely active cells, times the number of bits. For each synapse it approaches ln 2 as both
    sizes grow, if the number of active cells of an input grows as their logarithm.

    Parameters
    ----------
    n_patterns, n_inputs, n_outputs, input_active, output_active, exact
        As in :func:`willshaw_false_bits`.

    Returns
    -------
    float
        Information in bits for each synapse.

    Raises
    ------
    DescriptionError
        If a number of active cells is larger than the number of cells.

    References
    ----------
    Palm, Biol. Cybern. 36, 19 (1980).

    Examples
    --------
    >>> sizes = dict(n_inputs=10**6, n_outputs=10**6, input_active=20, output_active=20)
    >>> round(willshaw_bits_per_synapse(1_900_000_000, **sizes), 2)
    0.62
    """
    false = willshaw_false_bits(
        n_patterns,
        n_inputs=n_inputs,
        n_outputs=n_outputs,
        input_active=input_active,
        output_active=output_active,
        exact=exact,
    )
    one: Any = channel_information(n_outputs, output_active, 0, false)  # type: ignore[arg-type]
    return float(n_patterns * one / (n_inputs * n_outputs))


def _all_set(others: int, n: int, k: int, a: int, part: Fraction) -> float:
    """Return the probability that `a` synapses of a silent cell are set.

    The sum alternates, so it is computed with many decimal digits.
    """
    with localcontext() as context:
        context.prec = 40 + a
        total, left_silent = Decimal(0), Fraction(1)
        for s in range(a + 1):
            base = 1 - part * (1 - left_silent)
            term = (Decimal(base.numerator) / Decimal(base.denominator)) ** others
            total += (-1) ** s * math.comb(a, s) * term
            left_silent *= Fraction(max(n - k - s, 0), n - s) if s < n else 0
        return max(float(total), 0.0)
