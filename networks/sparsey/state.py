"""Synapses of a level as arrays: packed bits, or age and permanence if weights decay."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...limits import require_memory
from ...streams import stream
from .geometry import SourceTables, Table
from .parameters import Level, Plasticity, Selection

__all__ = ["KINDS", "NEVER", "Bundle", "LevelState", "Rules", "make_state", "word_count"]

KINDS = ("bottom_up", "horizontal", "top_down")
"""Kinds of projections, in the order of a level's bundles."""

NEVER = -1
"""Time of events that have not happened."""

FORMS = {"2014": 0, "2010": 1, "ratchet": 2}
DECAYS = {"none": 0, "steps": 1, "convex": 2}
UNBOUNDED = 2**62


class Bundle(NamedTuple):
    """Synapses of one kind of a level.

    The order of a cell's synapses is that of its afferent cells in packed 64-bit words: all pixels,
    or cells ``module * K + cell`` of each mac, where each mac starts a new word.
    """

    sources: Table
    """Afferent pixels or macs, int32 (n_macs, n); -1 for none."""
    bits: NDArray[np.uint64]
    """Increased synapses, (n_macs, Q * K, n_words); empty if weights decay."""
    stamps: NDArray[np.int64]
    """Frame of the last increase, (n_macs, Q * K, 64 * n_words); empty without decay."""
    permanence: NDArray[np.uint8]
    """Level of permanence of each synapse, of the shape of `stamps`."""
    frozen: NDArray[np.int64]
    """Frame in which the synapses of a cell froze, (n_macs, Q * K); -1 if they have not."""
    filled: NDArray[np.int64]
    """Number of synapses of each mac that were ever increased, (n_macs,)."""
    widths: NDArray[np.int64]
    """Number of synapses of each cell of a mac, (n_macs,)."""


class LevelState(NamedTuple):
    """State of a level, with its priorities and its key of random numbers."""

    bottom_up: Bundle
    horizontal: Bundle
    top_down: Bundle
    priority: NDArray[np.float64]
    """Priority of each cell, which breaks ties in retrieval, (n_macs, Q * K)."""
    key: np.uint64
    """Key of the random numbers of learning."""


class Rules(NamedTuple):
    """Parameters of a level as numbers, for the compiled kernels."""

    n_modules: int
    cells: int
    below_modules: int
    """Q of the level below; 0 at the lowest level."""
    below_cells: int
    above_modules: int
    above_cells: int
    low: int
    high: int
    persistence: int
    u_bound: float
    h_bound: float
    d_bound: float
    g_minus: float
    gamma: float
    chi: float
    form: int
    sigma1: float
    sigma2: float
    sigma3: float
    sigma4: float
    a: float
    b: float
    slope: float
    phase: float
    ratchet_slope: float
    ratchet_low: float
    ratchet_high: float
    lambda_u: float
    lambda_h: float
    lambda_d: float
    lambda_u_start: float
    v_low: float
    v_high: float
    v_zeta: float
    zeta_exponent: float
    most_hypotheses: int
    context_only: bool
    saturation: float
    freeze_mac: bool
    decay: int
    lifetimes: NDArray[np.int64]
    convexity: float
    w_max: float
    back_off: bool
    three: float
    two: float
    one: float


def word_count(n_cells: int) -> int:
    """Return the number of 64-bit words for `n_cells` cells."""
    return -(-n_cells // 64)


def make_state(
    levels: tuple[Level, ...],
    wiring: list[SourceTables],
    k: int,
    plasticity: Plasticity,
    seed: int,
) -> LevelState:
    """Return the initial state of level k.

    Raises
    ------
    DescriptionError
        If its synapses do not fit into memory.
    """
    level, wires = levels[k], wiring[k]
    below = levels[k - 1].cells_per_mac if k else None
    above = levels[k + 1].cells_per_mac if k + 1 < len(levels) else 0
    aged = plasticity.decay != "none"
    keys = stream(seed, "sparsey", "draws", k)
    ties = stream(seed, "sparsey", "ties", k)
    words = [
        word_count(wires.bottom_up.shape[1])
        if below is None
        else wires.bottom_up.shape[1] * word_count(below),
        wires.horizontal.shape[1] * word_count(level.cells_per_mac),
        wires.top_down.shape[1] * word_count(above),
    ]
    per_cell = sum(words) * (64 * 9 if aged else 8) + 24 + 8
    require_memory(float(level.n_cells) * per_cell,
                   f"Sparsey: the synapses of levels[{k}]",
                   "Use fewer macs or cells, or a smaller radius.")  # fmt: skip
    own = level.cells_per_module
    widths = [
        (wires.bottom_up >= 0).sum(axis=1) * (1 if below is None else below),
        (wires.horizontal >= 0).sum(axis=1) * level.cells_per_mac
        - own * (wires.horizontal == np.arange(level.n_macs)[:, None]).any(axis=1),
        (wires.top_down >= 0).sum(axis=1) * above,
    ]
    up, sideways, down = (
        _bundle(table, n_words, width, level, aged)
        for table, n_words, width in zip(wires, words, widths, strict=True)
    )
    priority = ties.random((level.n_macs, level.cells_per_mac))
    key = keys.integers(2**64 - 1, dtype=np.uint64, endpoint=True)
    return LevelState(up, sideways, down, priority, key)


def _bundle(sources: Table, n_words: int, widths: NDArray[Any], level: Level, aged: bool) -> Bundle:
    shape = (level.n_macs, level.cells_per_mac)
    length = 64 * n_words if aged else 0
    return Bundle(
        np.ascontiguousarray(sources, dtype=np.int32),
        np.zeros((*shape, 0 if aged else n_words), dtype=np.uint64),
        np.full((*shape, length), NEVER, dtype=np.int64),
        np.zeros((*shape, length), dtype=np.uint8),
        np.full(shape, NEVER, dtype=np.int64),
        np.zeros(level.n_macs, dtype=np.int64),
        np.asarray(widths, dtype=np.int64),
    )


def make_rules(
    levels: tuple[Level, ...],
    k: int,
    selection: Selection,
    plasticity: Plasticity,
    three_two_one: tuple[float, float, float] | None,
) -> Rules:
    """Return the parameters of level k as numbers."""
    level = levels[k]
    below = levels[k - 1] if k else None
    above = levels[k + 1] if k + 1 < len(levels) else None
    bounded = selection.normalization == "bound"
    q_below = below.n_modules if below else 1
    u_bound, h_bound, d_bound = (
        float(number * q) if bounded and number is not None else np.inf
        for number, q in (
            (level.min_active, q_below),
            (level.min_horizontal, level.n_modules),
            (level.min_top_down, above.n_modules if above else 1),
        )
    )
    three, two, one = three_two_one or (0.0, 0.0, 0.0)
    s, p = selection, plasticity
    return Rules(
        level.n_modules, level.cells_per_module,
        below.n_modules if below else 0, below.cells_per_module if below else 0,
        above.n_modules if above else 0, above.cells_per_module if above else 0,
        level.min_active, level.max_active or UNBOUNDED, level.persistence or 2**min(k, 30),
        u_bound, h_bound, d_bound,
        s.g_minus, s.gamma, s.chi, FORMS[s.form], s.sigma1, s.sigma2, s.sigma3, s.sigma4,
        s.a, s.b, s.slope, s.phase, s.ratchet_slope, s.ratchet_low, s.ratchet_high,
        s.lambda_u, s.lambda_h, s.lambda_d, s.lambda_u_start, s.v_low, s.v_high, s.v_zeta,
        s.zeta_exponent, s.most_hypotheses or UNBOUNDED, s.context_only,
        2.0 if p.saturation is None else p.saturation, p.freeze == "mac",
        DECAYS[p.decay], np.array(p.lifetimes, dtype=np.int64), p.convexity, p.w_max,
        three_two_one is not None, three, two, one,
    )  # fmt: skip
