"""The code selection algorithm, one function for each equation, for one mac.

This is the path for reading, and the oracle of the compiled one (:mod:`.kernels`), which computes
the same. Arrays of cells have the shape (Q, K): modules, and cells of each module. The equations
are those of Rinkus (2014); the order of the steps is in :func:`select`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parameters import BackOff, Selection

__all__ = [
    "Choice",
    "Evidence",
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

Cells = NDArray[np.float64]
Winners = NDArray[np.int64]

_MASK = (1 << 64) - 1
FRAME_STEP, UNIT_STEP = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
"""Odd numbers that spread the counters of frames and of modules over 64 bits."""
MIX_1, MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Multipliers of the finalizer of SplitMix64."""


class Evidence(NamedTuple):
    """Normalised input of one kind to all cells of a mac, and its exponent in V."""

    value: Cells
    exponent: float


class Choice(NamedTuple):
    """Outcome of the selection in one mac."""

    winners: Winners
    """Cell of each module, shape (Q,)."""
    familiarity: float
    """G."""
    hypotheses: int
    """zeta."""
    evidence: str
    """Kinds of input that V was made of: letters of "UHD"."""


def is_active(n_active: int, low: int, high: int) -> bool:
    """Step 1: whether the number of active bottom-up features is within the bounds."""
    return low <= n_active <= high


def normalize(sums: Cells, n_active: int, bound: float, w_max: float = 1.0) -> Cells:
    """Step 3: raw sums become evidence from 0 to 1.

    Parameters
    ----------
    sums : float64 (Q, K)
        Sums of the weights from the active afferent cells, times their multipliers F (step 2).
    n_active : int
        Number of active afferent cells.
    bound : float
        Lower activation bound in cells; infinite: sums are divided by `n_active` alone.
    w_max : float
        Largest weight.
    """
    return np.minimum(1.0, sums / (min(bound, float(n_active)) * w_max))


def combine(evidence: Mapping[str, Evidence], low: float = 0.0, high: float = 1.0) -> Cells:
    """Step 4: V is the product of the available kinds of evidence, each with its exponent."""
    total: Cells | float = 1.0
    for value, exponent in evidence.values():
        total = total * (value if exponent == 1.0 else value**exponent)
    product = np.asarray(total)
    return np.where(product < low, 0.0, np.where(product >= high, 1.0, product))


def competing_hypotheses(v: Cells, v_zeta: float) -> int:
    """Step 5: number zeta of codes that the input supports about equally, at least 1.

    The mean over the modules of the number of cells with V above `v_zeta`, rounded.
    """
    count = int(np.count_nonzero(v > v_zeta))
    return max(1, int(math.floor(count / v.shape[0] + 0.5)))  # noqa: RUF046


def multiplier(zeta: int, exponent: float, most: int | None) -> float:
    """Step 6: factor F(zeta) of the outputs of a mac; 0 if it has too many hypotheses."""
    return 0.0 if most is not None and zeta > most else float(zeta**exponent)


def strongest(v: Cells) -> Cells:
    """Step 7: largest V of each module, shape (Q,)."""
    return np.asarray(v.max(axis=1))


def familiarity(peaks: Cells) -> float:
    """Step 8: G, the mean of the modules' largest V."""
    total = 0.0
    for peak in peaks.tolist():
        total += peak
    return float(total / peaks.size)


def expand(g: float, rules: Selection, cells: int) -> float:
    """Step 9: range eta of the win likelihoods; 1 for what is new, 1 + chi K if G = 1.

    In form "2010" it is ``a * G**b``.
    """
    if rules.form == "2010":
        return float(rules.a * g**rules.b)
    above = max(0.0, (g - rules.g_minus) / (1.0 - rules.g_minus))
    return float(1.0 + above**rules.gamma * rules.chi * cells)


def relative_likelihood(v: Cells, eta: float, rules: Selection, fill: float = 0.0) -> Cells:
    """Step 10: relative win likelihood psi of each cell.

    Parameters
    ----------
    v : float64 (Q, K)
    eta : float
        Of :func:`expand`.
    rules : Selection
        Form and constants.
    fill : float
        Fraction of the mac's bottom-up synapses that is increased; moves the centre of "ratchet".
    """
    if rules.form == "2010":
        return eta / (1.0 + np.exp(-(rules.slope * v + rules.phase))) + 1.0
    if rules.form == "ratchet":
        centre = rules.ratchet_low + (rules.ratchet_high - rules.ratchet_low) * fill
        return np.maximum(eta / (1.0 + np.exp(-rules.ratchet_slope * (v - centre))), 1.0)
    base = 1.0 + rules.sigma1 * np.exp(-rules.sigma2 * (v - rules.sigma3))
    return (eta - 1.0) / (base if rules.sigma4 == 1.0 else base**rules.sigma4) + 1.0


def draw(psi: Cells, uniform: Cells) -> Winners:
    """Steps 11 and 12 in learning: one winner of each module, with probability psi / sum of psi.

    Parameters
    ----------
    psi : float64 (Q, K)
    uniform : float64 (Q,)
        Random numbers from 0 to 1.
    """
    total = np.cumsum(psi, axis=1)
    point = uniform * total[:, -1]
    return np.asarray(np.minimum((total <= point[:, None]).sum(axis=1), psi.shape[1] - 1))


def most_supported(v: Cells, priority: Cells) -> Winners:
    """Step 12 in retrieval: the cell of largest V wins; of equals the one of largest priority."""
    tied = v == strongest(v)[:, None]
    return np.asarray(np.where(tied, priority, -1.0).argmax(axis=1))


def accepted(
    evidence: Mapping[str, Evidence], back_off: BackOff | None, rules: Selection
) -> dict[str, Evidence]:
    """The kinds of evidence that retrieval uses, by the back-off policy."""
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
    uniform: Cells | None,
    priority: Cells,
    back_off: BackOff | None = None,
    fill: float = 0.0,
) -> Choice:
    """Select the code of one active mac: steps 4 to 12.

    Parameters
    ----------
    evidence : mapping of "U", "H" and "D" to Evidence
        The kinds of input that there are, normalised; in this order.
    rules : Selection
        Parameters.
    uniform : float64 (Q,), or None
        Random numbers of the draw in learning; None: retrieval.
    priority : float64 (Q, K)
        Which of equally supported cells wins in retrieval.
    back_off : BackOff, optional
        Policy of retrieval. Default: all kinds of evidence are multiplied.
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
    return Choice(winners, g, zeta, "".join(used))


def uniforms(key: int, first: int, n_frames: int, n_macs: int, n_modules: int) -> Cells:
    """Random numbers of the draws of learning, shape (n_frames, n_macs, n_modules), 0 to 1.

    Each depends only on the key of the level and on the numbers of its frame, mac and module, not
    on threads or on how the frames are divided into calls: SplitMix64's finalizer, applied to the
    key and the frame's number and again to the sum with the module's number.

    Parameters
    ----------
    key : int
        64 random bits.
    first, n_frames : int
        Number of the first frame, counted over all that the model has learnt, and of frames.
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
