"""The code selection algorithm of one mac, with one function for each equation.

This is readable reference code; the compiled :mod:`.kernels` compute the same. Arrays of cells have
the shape (Q, K): modules, and cells of each module. The equations are those of Rinkus (2014);
:func:`select` contains the order of the steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parameters import BackOff, Selection

__all__ = [
    "Evidence",
    "SelectedCode",
    "combine",
    "competing_hypotheses",
    "draw",
    "expand",
    "familiarity",
    "is_active",
    "most_supported",
    "multiplier",
    "normalize",
    "relative_likelihood",
    "select",
    "strongest",
    "uniforms",
]

CellValues = NDArray[np.float64]
Winners = NDArray[np.int64]

_MASK = (1 << 64) - 1
FRAME_STEP, UNIT_STEP = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
"""Odd numbers that spread the counters of frames and of modules over 64 bits."""
MIX_1, MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Multipliers of the finalizer of SplitMix64."""


class Evidence(NamedTuple):
    """Normalised input of one kind to all cells of a mac, and its exponent in V."""

    value: CellValues
    exponent: float


class SelectedCode(NamedTuple):
    """Result of the code selection in one mac."""

    winners: Winners
    """Winning cell of each module, shape (Q,)."""
    familiarity: float
    """Familiarity G."""
    hypotheses: int
    """Number zeta of competing hypotheses."""
    evidence: str
    """Kinds of input in V, letters of "UHD"."""


def is_active(n_active: int, low: int, high: int) -> bool:
    """Return whether the number of active bottom-up features is within the bounds (step 1)."""
    return low <= n_active <= high


def normalize(sums: CellValues, n_active: int, bound: float, w_max: float = 1.0) -> CellValues:
    """Normalise raw sums to evidence from 0 to 1 (step 3).

    Parameters
    ----------
    sums : float64 (Q, K)
        Sums of the weights from the active afferent cells, times their multipliers F (step 2).
    n_active : int
        Number of active afferent cells.
    bound : float
        Lower activation bound in cells; if it is infinite, sums are divided by `n_active`.
    w_max : float
        Largest weight.
    """
    return np.minimum(1.0, sums / (min(bound, float(n_active)) * w_max))


def combine(evidence: Mapping[str, Evidence], low: float = 0.0, high: float = 1.0) -> CellValues:
    """Return V, the product of the kinds of evidence, each with its exponent (step 4)."""
    total: CellValues | float = 1.0
    for value, exponent in evidence.values():
        total = total * (value if exponent == 1.0 else value**exponent)
    product = np.asarray(total)
    return np.where(product < low, 0.0, np.where(product >= high, 1.0, product))


def competing_hypotheses(v: CellValues, v_zeta: float) -> int:
    """Return the number zeta of codes that the input supports about equally (step 5).

    It is the rounded mean over the modules of the number of cells with V above `v_zeta`, and at
    least 1.
    """
    count = int(np.count_nonzero(v > v_zeta))
    return max(1, int(math.floor(count / v.shape[0] + 0.5)))  # noqa: RUF046


def multiplier(zeta: int, exponent: float, most: int | None) -> float:
    """Return the factor F(zeta) of a mac's outputs (step 6); 0 if it has too many hypotheses."""
    return 0.0 if most is not None and zeta > most else float(zeta**exponent)


def strongest(v: CellValues) -> CellValues:
    """Return the largest V of each module, shape (Q,) (step 7)."""
    return np.asarray(v.max(axis=1))


def familiarity(peaks: CellValues) -> float:
    """Return G, the mean of the modules' largest V (step 8)."""
    total = 0.0
    for peak in peaks.tolist():
        total += peak
    return float(total / peaks.size)


def expand(g: float, rules: Selection, cells: int) -> float:
    """Return the range eta of the win likelihoods (step 9): 1 for novel input, 1 + chi K if G = 1.

    In form "2010" it is ``a * G**b``.
    """
    if rules.form == "2010":
        return float(rules.a * g**rules.b)
    above = max(0.0, (g - rules.g_minus) / (1.0 - rules.g_minus))
    return float(1.0 + above**rules.gamma * rules.chi * cells)


def relative_likelihood(
    v: CellValues, eta: float, rules: Selection, fill: float = 0.0
) -> CellValues:
    """Return the relative win likelihood psi of each cell (step 10).

    Parameters
    ----------
    v : float64 (Q, K)
    eta : float
        Result of :func:`expand`.
    rules : Selection
        Form and constants.
    fill : float
        Fraction of the mac's bottom-up synapses that is increased, for the centre of "ratchet".
    """
    if rules.form == "2010":
        return eta / (1.0 + np.exp(-(rules.slope * v + rules.phase))) + 1.0
    if rules.form == "ratchet":
        centre = rules.ratchet_low + (rules.ratchet_high - rules.ratchet_low) * fill
        return np.maximum(eta / (1.0 + np.exp(-rules.ratchet_slope * (v - centre))), 1.0)
    base = 1.0 + rules.sigma1 * np.exp(-rules.sigma2 * (v - rules.sigma3))
    return (eta - 1.0) / (base if rules.sigma4 == 1.0 else base**rules.sigma4) + 1.0


def draw(psi: CellValues, uniform: CellValues) -> Winners:
    """Draw a winner of each module with probability psi / sum of psi (steps 11, 12 in learning).

    Parameters
    ----------
    psi : float64 (Q, K)
    uniform : float64 (Q,)
        Random numbers from 0 to 1.
    """
    total = np.cumsum(psi, axis=1)
    point = uniform * total[:, -1]
    return np.asarray(np.minimum((total <= point[:, None]).sum(axis=1), psi.shape[1] - 1))


def most_supported(v: CellValues, priority: CellValues) -> Winners:
    """Return the cell of largest V of each module; priority breaks ties (step 12 in retrieval)."""
    tied = v == strongest(v)[:, None]
    return np.asarray(np.where(tied, priority, -1.0).argmax(axis=1))


def accepted(
    evidence: Mapping[str, Evidence], back_off: BackOff | None, rules: Selection
) -> dict[str, Evidence]:
    """Return the kinds of evidence that retrieval uses, by the thresholds of the back-off."""
    kinds = "".join(evidence)
    if back_off is None or len(kinds) == 1:
        return dict(evidence)
    thresholds = {3: back_off.three, 2: back_off.two, 1: back_off.one}
    best, best_g = dict(evidence), -1.0
    for size in range(len(kinds), 0, -1):
        here, here_g = best, -1.0
        for names in _COMBINATIONS[size]:
            if not set(names) <= set(kinds):
                continue
            some = {name: evidence[name] for name in names}
            g = familiarity(strongest(combine(some, rules.v_low, rules.v_high)))
            if g > here_g:
                here, here_g = some, g
        if here_g > best_g:
            best, best_g = here, here_g
        if here_g >= thresholds[size]:
            return here
    return best


_COMBINATIONS = {3: ("UHD",), 2: ("UH", "UD", "HD"), 1: ("U", "H", "D")}


def select(
    evidence: Mapping[str, Evidence],
    rules: Selection,
    *,
    uniform: CellValues | None,
    priority: CellValues,
    back_off: BackOff | None = None,
    fill: float = 0.0,
) -> SelectedCode:
    """Select the code of one active mac (steps 4 to 12).

    Parameters
    ----------
    evidence : mapping of "U", "H" and "D" to Evidence
        Normalised evidence of the available kinds of input, in this order.
    rules : Selection
        Parameters of the selection.
    uniform : float64 (Q,), or None
        Random numbers of the draw in learning; None for retrieval.
    priority : float64 (Q, K)
        Priority of each cell; it breaks ties in retrieval.
    back_off : BackOff, optional
        Thresholds of the back-off in retrieval. Default: all kinds of evidence count.
    fill : float
        As for :func:`relative_likelihood`.
    """
    learning = uniform is not None
    used = dict(evidence) if learning else accepted(evidence, back_off, rules)
    v = combine(used, rules.v_low, rules.v_high)
    zeta = competing_hypotheses(v, rules.v_zeta)
    g = familiarity(strongest(v))
    if uniform is not None:
        eta = expand(g, rules, v.shape[1])
        winners = draw(relative_likelihood(v, eta, rules, fill), uniform)
    else:
        winners = most_supported(v, priority)
    return SelectedCode(winners, g, zeta, "".join(used))


def uniforms(key: int, first: int, n_frames: int, n_macs: int, n_modules: int) -> CellValues:
    """Return the random numbers of learning, shape (n_frames, n_macs, n_modules), 0 to 1.

    A number depends only on the key of the level and on the indices of its frame, mac and module,
    not on threads or on the division of frames into calls. It results from SplitMix64's finalizer,
    applied to the key plus the frame's number, and again to the sum with the module's number.

    Parameters
    ----------
    key : int
        Key of the level, 64 random bits.
    first, n_frames : int
        Index of the first frame among all frames that the model learns, and number of frames.
    n_macs, n_modules : int
        Sizes of the level.
    """
    frames = np.arange(first, first + n_frames, dtype=np.uint64)
    units = np.arange(1, n_macs * n_modules + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        rows = _mixed(np.uint64(key & _MASK) + (frames + np.uint64(1)) * np.uint64(FRAME_STEP))
        bits = _mixed(rows[:, None] + units[None, :] * np.uint64(UNIT_STEP))
    values = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return values.reshape(n_frames, n_macs, n_modules)


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))
